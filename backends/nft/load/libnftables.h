/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libnftables, which is loaded when a script is. */
#ifndef PVEFW_NFT_LOAD_LIBNFTABLES_H
#define PVEFW_NFT_LOAD_LIBNFTABLES_H

#include <nftables/libnftables.h>

#include "base/arena.h"

/* Its functions, by their names and with their types. */
struct libnftables {
#define LIBNFTABLES(name) __typeof__(name) *name;
#include "nft/load/libnftables.def"
#undef LIBNFTABLES
};

/* Loads the library.  Returns NULL, or the reason why that failed, from `arena`.  The library stays loaded. */
const char *libnftables_load(struct libnftables *library, struct arena *arena);

#endif
