/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Needs from libnftables what our programs load from it.  It is linked, not run: the Makefile reads the library's name
 * from it, and dpkg-shlibdeps the package with its version.
 */
#include <nftables/libnftables.h>

void (*const libnftables_functions[])(void);
void (*const libnftables_functions[])(void) = {
#define LIBNFTABLES(name) (void (*)(void))name,
#include "nft/load/libnftables.def"
#undef LIBNFTABLES
};

int main(void)
{
	return libnftables_functions[0] == NULL;
}
