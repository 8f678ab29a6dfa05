/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "resolve/rule_report.h"

#include "config/left_out.h"

/* The policy that decides instead of the rule. */
static const struct policy *policy_of(const struct resolver *r, enum direction direction)
{
	const struct cluster_options *cluster = &r->config->cluster_options;

	if (direction == DIRECTION_FORWARD)
		return r->vnet ? &r->vnet->policy_forward : &cluster->policy_forward;
	if (direction == DIRECTION_IN)
		return r->guest ? &r->guest->policy_in : &cluster->policy_in;
	return r->guest ? &r->guest->policy_out : &cluster->policy_out;
}

struct diagnostic *rule_note_effect(const struct resolver *r, struct diagnostic *d)
{
	static const char *const policies[] = { "policy_in", "policy_out", "policy_forward" };
	enum direction direction;

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
	return diag_note(d, "the rule is ignored: the traffic falls through to %s %s", policies[direction],
			 action_names[policy_of(r, direction)->action]);
}

static struct diagnostic *rule_diag(struct resolver *r, struct span span, enum diag_id id, const char *format,
				    va_list args)
{
	bool is_odd = r->odd && encoding_odd(r->file->source, span);

	r->failed = true;
	return diag(is_odd ? r->odd : r->diags, span, id, "%s", arena_vprintf(r->arena, format, args));
}

struct diagnostic *rule_fail(struct resolver *r, struct span span, enum diag_id id, const char *format, ...)
{
	struct diagnostic *d;
	va_list args;

	va_start(args, format);
	d = rule_diag(r, span, id, format, args);
	va_end(args);
	return d;
}

struct diagnostic *rule_error(struct resolver *r, struct span span, enum diag_id id, const char *format, ...)
{
	struct diagnostic *d;
	va_list args;

	va_start(args, format);
	d = rule_diag(r, span, id, format, args);
	va_end(args);
	return rule_note_effect(r, d);
}

void rule_empty_item(struct resolver *r, struct word value, uint32_t at)
{
	uint32_t comma = value.begin + (at < value.len ? at : at - 1);

	rule_error(r, (struct span){ comma, comma + 1 }, DIAG_EMPTY_LIST_ITEM,
		   "list element is empty next to this comma");
}

struct diagnostic *refused_report_line(struct resolver *r, struct span line, const char *effect)
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
