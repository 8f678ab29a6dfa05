/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written, as packet programs: the rules of a zone in order, groups in place, policies, and the
 * implied rules of lang/implied.def.  Derived from the language (spec 1, 2), not from a lowered form.
 */
#ifndef PVEFW_WRITTEN_H
#define PVEFW_WRITTEN_H

#include "config/addresses.h"
#include "lang/implied.h"
#include "meaning/translator.h"

/* The chain of one zone, as a part of programs; ACCEPT lets the packet pass it.  These last as long as the
 * translator, which must be one of written_open(). */

/* NULL if the host is not filtered. */
const struct model_chain *written_host(struct translator *t, enum direction direction);
const struct model_chain *written_nic(struct translator *t, const struct guest *guest, const struct nic *nic,
				      bool out);
/* NULL if its firewall is off. */
const struct model_chain *written_vnet(struct translator *t, const struct vnet *vnet);

/* ---- for checks of rules, which ask of rules alone ---- */

/* The steps of a rule that is not GROUP, from `arena`; if iface.len is not 0, for packets of that interface. */
struct model_chain written_rule_alone(struct translator *t, struct arena *arena, const struct rule *rule,
				      struct text iface);
/* Whatever interface it names. */
struct model_chain written_rule_anywhere(struct translator *t, struct arena *arena, const struct rule *rule);
/* What is decided before a policy of DROP or REJECT logs. */
const struct model_chain *written_before_policy(struct translator *t, enum action policy);
/* What the host accepts after all rules (spec 2.5), whoever sends it. */
const struct model_chain *written_services(struct translator *t);
/* The packets of a row of implied.def, as a chain of one step, from `arena`. */
struct model_chain written_packets(struct translator *t, struct arena *arena,
				   const struct implied_packets *packets);
struct address_cache *written_addresses(struct translator *t);

#endif
