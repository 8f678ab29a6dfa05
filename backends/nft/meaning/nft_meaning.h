/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PVEFW_NFT_MEANING_H
#define PVEFW_NFT_MEANING_H

#include "meaning/translator.h"

/* Of the tables inet and bridge. */
struct translator *nft_meaning(const struct config *config, const struct model_ifaces *ifaces);

#endif
