/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PVEFW_NFT_MEANING_H
#define PVEFW_NFT_MEANING_H

#include "meaning/translator.h"
#include "nft/lower/nft.h"

/* Of the tables inet and bridge. */
struct translator *nft_meaning(const struct config *config, const struct model_ifaces *ifaces);
/* Of this ruleset, which must outlive the translator: tests change it first. */
struct translator *nft_meaning_of(const struct nft_ruleset *ruleset, const struct model_ifaces *ifaces);

#endif
