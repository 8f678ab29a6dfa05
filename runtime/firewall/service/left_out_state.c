/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/service/left_out_state.h"

#include "firewall/service/applied.h"

/* What the line's absence means stands in its notes. */
static void state_lines(struct conditions *conditions, const struct compilation *c, const struct left_out *left_out)
{
	conditions_begin(conditions, CONDITION_LINE_LEFT_OUT);
	for (const struct diagnostic *d = c->config ? c->diags.first : NULL; d; d = d->next) {
		struct place place = source_place(&c->map, d->span.begin);
		struct log_about about = { .file = place.source ? place.source->path : NULL, .line = place.line };

		if (d->id == DIAG_REFUSED)
			conditions_add(conditions, &about, "%s%s%s", d->message, d->parts ? "; " : "",
				       d->parts ? d->parts->text : "");
	}
	for (const struct left_out_rule *rule = left_out->rules; rule; rule = rule->hh.next)
		conditions_add(conditions, NULL, "a rule that no line asks for is %s: %s",
			       rule->guarded ? "replaced by one that drops everything" : "left out", rule->words);
	conditions_end(conditions);
}

static void state_layers(struct conditions *conditions, const struct compilation *c, const struct left_out *left_out)
{
	conditions_begin(conditions, CONDITION_LAYER_MISSING);
	for (unsigned i = 0; i < LAYERS; i++)
		if (c->config && left_out_layer(left_out, (enum layer)i) && applied_layer_matters(c, (enum layer)i))
			conditions_add(conditions, NULL, "%s is missing: %s; %s (%s)", layer_table[i].name,
				       layer_table[i].effect, layer_table[i].remedy, left_out->layer_words[i]);
	conditions_end(conditions);
}

void left_out_state(struct conditions *conditions, const struct compilation *c, const struct left_out *left_out)
{
	state_layers(conditions, c, left_out);
	state_lines(conditions, c, left_out);
}

bool left_out_is_condition(const struct service_condition *condition)
{
	return condition->kind == CONDITION_LAYER_MISSING || condition->kind == CONDITION_LINE_LEFT_OUT;
}
