/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading of the iptables target: the operations of struct backend.  A session knows what was loaded last; before a change
 * it reads back what is stale.
 */
#ifndef PVEFW_XT_LOAD_H
#define PVEFW_XT_LOAD_H

#include "api/backend.h"

void xt_close(struct backend_session *session);
void xt_forget(struct backend_session *session);
bool xt_load(struct backend_session *session, struct backend_loading *loading, const struct config *config);
bool xt_load_guests(struct backend_session *session, struct backend_loading *loading, const struct config *config,
		    const struct guest_change *changes, unsigned count);
/* Security groups whose chains are not used any more are left to xt_load(). */
bool xt_tidy(struct backend_session *session, struct backend_loading *loading);
bool xt_differs(struct backend_session *session, struct backend_loading *loading, const struct config *config);
/* For IPv4 or IPv6. */
bool xt_is_in_force(struct arena *arena);
/* Even where tools fail, as for tables that native rules were put into: asks the kernel for chains. */
bool xt_is_absent(void);
/* Asks for the generation of nf_tables and the sizes of the legacy tables. */
bool xt_is_stale(struct backend_session *session);
/* Of what has no generation: our sets, the table of ebtables-legacy, and the rules of iptables-legacy, which keep their
 * size when one is replaced.  These are read as often as costs 0.05 % of a processor. */
bool xt_has_changed(struct backend_session *session);
/* Of all tables; where iptables is that of nf_tables, its rules are there. */
void xt_lowered(const struct config *config, backend_lowered_function *function, void *context);
/* For the rules of the filter tables.  Chains that are not loaded as `config` wants them are skipped.  EIO: a tool has
 * failed. */
int xt_counters(const struct config *config, backend_count_function *function, void *context, uint32_t *skipped);
/* Sets the counters of all our chains in the filter tables to zero. */
bool xt_counters_zero(struct backend_loading *loading);

#endif
