/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PVEFW_XT_MEANING_H
#define PVEFW_XT_MEANING_H

#include "meaning/translator.h"

/* Of the tables of iptables, ip6tables and ebtables. */
struct translator *xt_meaning(const struct config *config, const struct model_ifaces *ifaces);

#endif
