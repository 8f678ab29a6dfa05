/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written, as packet programs: the rules of a zone in order, groups in place, policies, and the
 * implied rules of lang/implied.def.  Derived from the language (spec 1, 2), not from a lowered form.
 */
#ifndef PVEFW_WRITTEN_H
#define PVEFW_WRITTEN_H

#include "meaning/translator.h"

/* The chain of one zone, as a part of programs; ACCEPT lets the packet pass it.  These last as long as the
 * translator, which must be one of written_open(). */

/* NULL if the host is not filtered. */
const struct model_chain *written_host(struct translator *t, enum direction direction);
const struct model_chain *written_nic(struct translator *t, const struct guest *guest, const struct nic *nic,
				      bool out);
/* NULL if its firewall is off. */
const struct model_chain *written_vnet(struct translator *t, const struct vnet *vnet);

#endif
