/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a packet that a rule or a policy matches; what REJECT means (spec 2.3). */
#include "meaning/written_parts.h"

#include <netinet/in.h>

/* ---- REJECT ---- */

static void written_add_reject(struct written *w, struct written_draft *d, unsigned family_mask,
			       unsigned proto, enum model_effect effect, enum model_reject reject)
{
	struct written_matches m = written_always;
	struct model_step *step;

	written_match_family(&m, family_mask);
	if (proto)
		written_match_range(w, &m, MODEL_PROTOCOL, proto, proto);
	step = written_add(w, d, &m, effect);
	step->reject = reject;
	step->unanswered = effect == MODEL_DROP;
}

/* Broadcasts and ICMP are not answered. */
const struct model_chain *written_reject(struct written *w)
{
	struct written_key key = { .kind = WRITTEN_REJECT };
	const struct model_chain *made = written_find(w, &key);
	struct written_draft d = { .count = 0 };
	struct written_matches m = written_always;

	if (made)
		return made;
	written_match_family(&m, IPV4);
	written_match_range(w, &m, MODEL_DEST_TYPE, MODEL_TYPE_BROADCAST, MODEL_TYPE_BROADCAST);
	written_add(w, &d, &m, MODEL_DROP)->unanswered = true;
	m = written_always;
	written_match_addresses(&m, true, interval_set_of_prefixes(w->arena, &implied_multicast[0], 1, IPV4),
				IPV4, false);
	written_add(w, &d, &m, MODEL_DROP)->unanswered = true;
	written_add_reject(w, &d, IPV4, IPPROTO_ICMP, MODEL_DROP, 0);
	written_add_reject(w, &d, IPV6, IPPROTO_ICMPV6, MODEL_DROP, 0);
	written_add_reject(w, &d, IPV_BOTH, IPPROTO_TCP, MODEL_REJECT, MODEL_REJECT_RESET);
	written_add_reject(w, &d, IPV_BOTH, IPPROTO_UDP, MODEL_REJECT, MODEL_REJECT_PORT_UNREACHABLE);
	written_add_reject(w, &d, IPV4, 0, MODEL_REJECT, MODEL_REJECT_HOST_PROHIBITED);
	written_add_reject(w, &d, IPV6, 0, MODEL_REJECT, MODEL_REJECT_ADMIN_PROHIBITED);
	return written_keep(w, &key, "reject", &d);
}

void written_add_action(struct written *w, struct written_draft *d, const struct written_matches *m,
			enum action action, const struct written_accept *accept, struct span span,
			const char *implied)
{
	switch (action) {
	case ACTION_ACCEPT:
		written_add_accept(w, d, m, accept, span, implied);
		break;
	case ACTION_REJECT:
		written_add_jump(w, d, m, MODEL_GOTO, written_reject(w), span, implied);
		break;
	default:
		written_add_accept(w, d, m, &(struct written_accept){ .effect = MODEL_DROP }, span, implied);
		break;
	}
}
