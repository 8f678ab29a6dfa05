/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "resolve/rule_report.h"

#include "config/left_out.h"

struct diagnostic *rule_error(struct resolver *r, struct span span, enum diag_id id,
			      const char *format, ...)
{
	const char *message;
	va_list args;

	va_start(args, format);
	message = arena_vprintf(r->arena, format, args);
	va_end(args);
	r->failed = true;
	if (r->odd && encoding_odd(r->file->source, span))
		return diag(r->odd, span, id, "%s", message);
	return diag(r->diags, span, id, "%s", message);
}

/* The policy that decides about what the rule would have decided. */
static const char *policy_of(const struct resolver *r, enum direction direction, const char **name)
{
	const struct cluster_options *cluster = &r->config->cluster_options;
	bool guest = r->file->kind == FILE_GUEST && r->guest;

	if (direction == DIRECTION_FORWARD) {
		*name = "policy_forward";
		return action_names[r->vnet ? r->vnet->policy_forward.action : cluster->policy_forward.action];
	}
	*name = direction == DIRECTION_IN ? "policy_in" : "policy_out";
	if (direction == DIRECTION_IN)
		return action_names[guest ? r->guest->policy_in.action : cluster->policy_in.action];
	return action_names[guest ? r->guest->policy_out.action : cluster->policy_out.action];
}

struct diagnostic *rule_note_effect(struct resolver *r, struct diagnostic *d)
{
	enum direction direction;
	const char *policy, *name;

	if (!r->rule)
		return diag_note(d, "the entry is ignored");
	if (r->rule->disabled)
		return diag_note(d, "the rule is disabled; if enabled, it would be ignored");
	direction = direction_find(word_text(r->rule->type));
	if (direction == DIRECTION_GROUP)
		return diag_note(d, "the rule is ignored: none of the group's rules applies here");
	if (r->in_group)
		return diag_note(d, "the rule is ignored wherever the group is used");
	if (direction == DIRECTIONS)
		return diag_note(d, "the rule is ignored");
	policy = policy_of(r, direction, &name);
	return diag_note(d, "the rule is ignored: the traffic falls through to %s %s", name, policy);
}

struct diagnostic *refused_report(struct resolver *r, struct span line, const char *effect)
{
	const struct left_out_line *found = left_out_find(r->config->left_out, r->file->source, line.begin);
	struct diagnostic *d;

	if (!found)
		return NULL;
	d = diag(r->diags, line, DIAG_REFUSED, "refused: %s", found->words);
	if (effect)
		diag_note(d, "%s", effect);
	return d;
}
