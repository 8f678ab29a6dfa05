/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading the iptables target: for the `load` of the backend, and for a service that
 * stays and remembers between two changes what is loaded.
 */
#ifndef PVEFW_XT_LOAD_H
#define PVEFW_XT_LOAD_H

#include "api/backend.h"

/* What is loaded in the network namespace of the thread that uses it, as far as it is known. */
struct xt_state;

struct xt_state *xt_state_new(void);
void xt_state_free(struct xt_state *state);
/* Nothing is known any more: the next change reads all of it back. */
void xt_state_forget(struct xt_state *state);
/*
 * Whether what is known may not be true any more, or nothing is known.  It takes
 * microseconds: it asks for the generation of nf_tables and the sizes of the legacy
 * tables.  IP sets and ebtables-legacy have nothing of the kind, and a legacy table
 * keeps its size when a rule is replaced: those are what xt_state_contents_changed()
 * tells.
 */
bool xt_state_is_stale(const struct xt_state *state);
/*
 * Whether our sets, the table of ebtables-legacy or the rules of iptables-legacy are other ones.  Takes some milliseconds
 * with thousands of sets; the rules are looked at as often as costs 0.05 % of a processor.
 */
bool xt_state_contents_changed(struct xt_state *state);

/*
 * Loads into the current network namespace what differs, all or nothing; with `config`
 * NULL takes away everything that is ours.  `state` is brought up to date, and read
 * back before where it is stale.  False: there are problems, and what was loaded
 * before is loaded again unless one of them says that this failed.
 */
bool xt_load(struct backend_loading *loading, struct xt_state *state, const struct config *config);
/* Whether iptables has rules of ours that packets come to, for IPv4 or IPv6. */
bool xt_is_in_force(struct arena *arena);
/* Whether iptables has surely nothing of ours, even where its tools fail, as for tables that native rules were put into:
 * asks the kernel for chains.  xt_absent.c */
bool xt_is_absent(void);
/* The same without a memory. */
bool xt_load_once(struct backend_loading *loading, const struct config *config);

/*
 * The short way for the change of one guest's file.  `old` is the guest as it was when
 * `state` was read, `new` as it is; the guests of `config` do not matter.  Only the guest's own chains are
 * written.  False: more than they would change, or something has failed, and everything
 * is to be loaded as ever.
 */
bool xt_guest_patch(struct backend_loading *loading, struct xt_state *state, const struct config *config,
		    const struct guest *old, const struct guest *new);

/*
 * Whether loading would change anything; with `dry` of the loading its differences say what.  Reads back what is stale;
 * an error of that is a problem, and the answer true.
 */
bool xt_differs(struct backend_loading *loading, struct xt_state *state, const struct config *config);

/*
 * Calls back for every rule of the filter tables that counts for a line of source or for a
 * policy; a line can have several rules, even in one chain.  Chains that are not loaded as
 * `config` wants them are left out; their number is put into *skipped.  False: there are
 * problems.
 */
bool xt_counters(struct backend_loading *loading, const struct config *config, backend_count_function *function,
		 void *context, uint32_t *skipped);
/* The same as counters of struct backend. */
int xt_counters_once(const struct config *config, backend_count_function *function, void *context,
		     uint32_t *skipped);
/* Sets the counters of all our chains in the filter tables to zero. */
bool xt_counters_zero(struct backend_loading *loading);

#endif
