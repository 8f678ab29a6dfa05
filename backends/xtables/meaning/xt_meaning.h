/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PVEFW_XT_MEANING_H
#define PVEFW_XT_MEANING_H

#include "meaning/translator.h"

struct xt_chain;
struct xt_table;

/* Of the tables of iptables, ip6tables and ebtables. */
struct translator *xt_meaning(const struct config *config, const struct model_ifaces *ifaces);

/* Alters the rules of a chain that was lowered; what it adds lasts until the next chain, from `arena`. */
typedef void xt_change(void *context, struct arena *arena, const struct xt_table *table, struct xt_chain *chain);

/* Of tables whose chains are altered first: tests plant faults. */
struct translator *xt_meaning_changed(const struct config *config, const struct model_ifaces *ifaces, xt_change *change,
				      void *context);

#endif
