/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of packets for the checks: the rules are steps of what is written (meaning/written.h), and sets of
 * packets are those of a model (model/packet_model.h).  A check starts a model, adds all steps and matches
 * that it will ask for, and seals it.  Within one job there is one such model at a time.
 */
#ifndef PVEFW_LINT_PACKETS_H
#define PVEFW_LINT_PACKETS_H

#include "lint/lint_context.h"
#include "meaning/written.h"
#include "model/packet_model.h"

/* The interfaces that any rule names, for model_new() and written_open(); from lint->arena. */
struct model_ifaces lint_ifaces(struct lint *lint);

/* The packets of a rule (not GROUP) as steps, from lint->scratch; if iface.len is not 0, only those of that
 * interface. */
struct model_chain lint_rule_steps(struct lint *lint, const struct rule *rule, struct text iface);
/* Without the matches of one field. */
struct model_chain lint_steps_without(struct lint *lint, const struct model_chain *steps,
				      enum model_field field);
/* The addresses of one family in an endpoint or an IP set. */
struct interval_set lint_endpoint(struct lint *lint, const struct endpoint *endpoint, unsigned family_mask);
struct interval_set lint_ipset(struct lint *lint, const struct ipset *set, unsigned family_mask);

/* Starts the job's model of the moment anew. */
struct model *lint_model_start(struct lint *lint);
void lint_model_add(struct model *m, const struct model_chain *steps);
void lint_model_seal(struct model *m);
/* The packets that any of the steps matches. */
packets lint_model_set(struct model *m, const struct model_chain *steps);
/* One packet of a set in words: "tcp from 192.0.2.1 port 40000 to 192.0.2.2 port 22"; NULL if it is empty. */
const char *lint_example(struct lint *lint, struct model *m, packets set);
/* The same of one packet. */
const char *lint_packet_text(struct lint *lint, const struct model_packet *packet);
/* A packet that matches both steps, see model_steps_packet(); false: it does not. */
bool lint_steps_packet(struct lint *lint, const struct model_step *a, const struct model_step *b, unsigned variant,
		       struct model_packet *packet);

#endif
