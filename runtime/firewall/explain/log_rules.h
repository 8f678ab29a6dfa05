/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All log rules of a configuration by the guest in their prefix, of 0 for the host: thousands of log lines can ask for
 * them, so all paths are translated only once.
 */
#ifndef PVEFW_LOG_RULES_H
#define PVEFW_LOG_RULES_H

#include "questions/asked.h"

struct log_rule {
	const struct model_chain *chain;
	const struct model_step *step; /* of the chain */
	struct log_rule *next;         /* of the same guest */
};

/* Zero it before the first use. */
struct log_rules {
	const struct asked *asked; /* NULL: not read yet */
	struct arena arena;
	struct log_guest *guests;
};

/* Returns the first rule whose prefix begins with this number, or NULL.  It is valid until `asked` is another one. */
const struct log_rule *log_rules_of(struct log_rules *rules, const struct asked *asked, struct text vmid);
void log_rules_free(struct log_rules *rules);

#endif
