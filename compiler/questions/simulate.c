/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "questions/simulate.h"

#include <netinet/in.h>

#include "base/escape.h"
#include "format/diag_json.h"
#include "questions/answers.h"

/* ---- the packet ---- */

/* The parts of a packet that are shown and can be chosen; those of IPv6 are in `six`. */
static const struct simulate_part {
	const char *name;
	enum model_field four, six;
} simulate_parts[] = {
	{ "source", MODEL_SOURCE4, MODEL_SOURCE6 },
	{ "dest", MODEL_DEST4, MODEL_DEST6 },
	{ "sport", MODEL_SPORT, MODEL_SPORT },
	{ "dport", MODEL_DPORT, MODEL_DPORT },
	{ "protocol", MODEL_PROTOCOL, MODEL_PROTOCOL },
	{ "icmp-type", MODEL_ICMP_TYPE, MODEL_ICMP_TYPE },
	{ "icmp-code", MODEL_ICMP_CODE, MODEL_ICMP_CODE },
	{ "state", MODEL_STATE, MODEL_STATE },
	{ "mac", MODEL_SOURCE_MAC, MODEL_SOURCE_MAC },
	{ "interface", MODEL_IFACE, MODEL_IFACE },
	{ "arp-sender", MODEL_ARP_SENDER, MODEL_ARP_SENDER },
};

enum { SIMULATE_PARTS = sizeof(simulate_parts) / sizeof(simulate_parts[0]) };

static enum model_field simulate_field(const struct simulation *s, const struct simulate_part *part)
{
	return s->family == IPV6 ? part->six : part->four;
}

/* Whether the packet has such a part: ports only TCP and the like, addresses no ARP packet. */
static bool simulate_has_part(const struct simulation *s, enum model_field field)
{
	uint64_t protocol = s->packet.value[MODEL_PROTOCOL].low;

	switch (field) {
	case MODEL_ARP_SENDER:
		return s->request.arp;
	case MODEL_SOURCE_MAC:
		return true;
	case MODEL_SPORT:
	case MODEL_DPORT:
		return !s->request.arp &&
		       (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
			protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP);
	case MODEL_ICMP_TYPE:
	case MODEL_ICMP_CODE:
		return !s->request.arp && (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6);
	case MODEL_IFACE:
		return s->request.from.zone == PATH_HOST || s->request.to.zone == PATH_HOST;
	default:
		return !s->request.arp;
	}
}

static const char *simulate_value_text(struct simulation *s, enum model_field field)
{
	struct interval one = { s->packet.value[field], s->packet.value[field] };
	const struct interval_set values = { &one, 1 };

	if (field == MODEL_IFACE && !one.first.low)
		return "one that no rule names";

	return model_values_text(&s->question.arena, s->question.model, field, &values, 1);
}

/* Chooses the packet: narrows the set by what it preferably is, then picks one. */
static bool simulate_choose(struct simulation *s, const struct model_match *preferred, uint32_t count)
{
	struct question *q = &s->question;
	packets set = q->set;

	for (uint32_t i = 0; i < count; i++) {
		packets narrow = model_and(q->model, set, model_match(q->model, &preferred[i]));

		if (narrow != PACKETS_NONE)
			set = narrow;
	}
	return model_pick(q->model, set, &s->packet);
}

/* ---- what rules ask ---- */

/* The fields that chains ask for, and the chains that were looked at. */
struct asked_fields {
	struct arena *arena;
	const struct model_chain **seen;
	uint32_t count, room;
	uint32_t fields;
	uint32_t matches;
};

static bool simulate_was_seen(struct asked_fields *a, const struct model_chain *chain)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (a->seen[i] == chain)
			return true;
	if (a->count == a->room) {
		const struct model_chain **seen = ARENA_ARRAY(a->arena, const struct model_chain *,
							      a->room * 2 + 16);

		if (a->count)
			memcpy(seen, a->seen, a->count * sizeof(*seen)); /* NOLINT */
		a->seen = seen;
		a->room = a->room * 2 + 16;
	}
	a->seen[a->count++] = chain;
	return false;
}

static void simulate_add_fields(struct asked_fields *a, const struct model_chain *chain)
{
	if (!chain || simulate_was_seen(a, chain))
		return;
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct model_step *step = &chain->steps[i];

		a->matches += step->match_count;
		for (uint32_t j = 0; j < step->match_count; j++)
			a->fields |= 1u << step->matches[j].field;
		if (step->effect == MODEL_JUMP || step->effect == MODEL_GOTO)
			simulate_add_fields(a, step->to);
	}
}

static struct asked_fields simulate_fields(struct simulation *s)
{
	const struct model_program *program = s->question.program;
	struct asked_fields a = { .arena = &s->question.arena };

	for (uint32_t i = 0; i < program->count; i++)
		simulate_add_fields(&a, program->stages[i].chain);
	return a;
}

/* ---- what was taken ---- */

static bool simulate_is_one_value(const struct interval_set *values)
{
	return values->count == 1 && number_compare(values->ranges[0].first, values->ranges[0].last) == 0;
}

/* Whether the values are all but that of the packet. */
static bool simulate_are_all_others(const struct simulation *s, enum model_field field,
				    const struct interval_set *values)
{
	struct number value = s->packet.value[field];

	return values->count == 2 && number_compare(values->ranges[0].last, number_previous(value)) == 0 &&
	       number_compare(values->ranges[1].first, number_next(value)) == 0;
}

/* What fares otherwise with other values of the field: at most two decisions. */
static const char *simulate_others(struct simulation *s, struct question *q, enum model_field field)
{
	enum { MOST_DECISIONS = 2, MOST_VALUES = 3 };
	struct arena *arena = &s->question.arena;
	const char *text = NULL;
	unsigned count = 0;
	packets open;

	if (!q || question_over(q))
		return NULL;
	open = model_and(q->model, q->set, model_like(q->model, &s->packet, 1u << field));
	for (const struct decision *d = question_decide(q, open, SPAN_NONE); d; d = d->next) {
		struct interval_set values;

		if (d->verdict == s->decision->verdict && d->queue == s->decision->queue)
			continue;
		values = model_values(q->model, &q->arena, d->set, field);
		if (count++ == MOST_DECISIONS) {
			text = arena_printf(arena, "%s; ...", text);
			break;
		}
		text = arena_printf(
			arena, "%s%s%s: %s, %s", text ? text : "", text ? "; " : "",
			simulate_are_all_others(s, field, &values)
				? "any other"
				: model_values_text(&q->arena, q->model, field, &values, MOST_VALUES),
			verdict_action(d->verdict), reason_text(&q->arena, s->map, &d->reason));
	}
	/* What is void when the budget is exceeded is left out; the packet itself was decided before. */
	return question_over(q) ? NULL : text;
}

/* `wide` knows the program, to find what fares otherwise; NULL: that is left out. */
static void simulate_note_taken(struct simulation *s, struct question *wide, uint32_t fields)
{
	s->taken = ARENA_ARRAY(&s->question.arena, struct taken_field, SIMULATE_PARTS);
	for (unsigned i = 0; i < SIMULATE_PARTS; i++) {
		enum model_field field = simulate_field(s, &simulate_parts[i]);
		const struct requested_field *requested = &s->request.fields[field];
		const char *others;

		if (!simulate_has_part(s, field) ||
		    (requested->known && simulate_is_one_value(&requested->values)) || !(fields >> field & 1))
			continue;
		others = simulate_others(s, wide, field);
		/* That an unusual part is as usual goes without saying. */
		if (!others &&
		    (field == MODEL_ICMP_CODE || (field == MODEL_IFACE && !s->packet.value[field].low)))
			continue;
		s->taken[s->taken_count++] = (struct taken_field){ simulate_parts[i].name, requested->given,
								   simulate_value_text(s, field), others };
	}
}

/* One packet is decided in one pass over the rules; what fares otherwise costs as much as their sets, so it
 * is not asked where there are many. */
static void simulate_explain(struct simulation *s)
{
	enum { MOST_MATCHES = 3000 };
	struct asked_fields fields = simulate_fields(s);
	struct model_match matches[PACKET_MATCHES_MAX];
	struct question wide;

	if (fields.matches > MOST_MATCHES) {
		simulate_note_taken(s, NULL, fields.fields);
		return;
	}
	question_open(&wide, &s->asked, &s->question.path, matches,
		      packet_request_matches(&s->request, s->family, matches), NULL, 0);
	simulate_note_taken(s, &wide, fields.fields);
	question_close(&wide);
}

/* ---- the decision ---- */

static bool simulate_fail(struct simulation *s, const char *error)
{
	s->error = error;
	return false;
}

static bool simulate_open(struct simulation *s)
{
	struct asked *asked = &s->asked;
	struct packet_request *request = &s->request;
	struct model_match matches[PACKET_MATCHES_MAX], preferred[PACKET_MATCHES_MAX];
	struct path path;
	uint32_t count, preferred_count;

	if (!path_between(&asked->arena, asked->config, &request->from, &request->to, request->flooded,
			  &path) &&
	    !path_between(&asked->arena, asked->config, &request->from, &request->to, false, &path))
		return simulate_fail(
			s,
			arena_printf(
				&asked->arena,
				"no packet goes from %s to %s past the firewall of this node: they are the same",
				path_end_text(&asked->arena, &request->from),
				path_end_text(&asked->arena, &request->to)));
	s->family = request->family_mask & IPV4 ? IPV4 : IPV6;
	count = packet_request_matches(request, s->family, matches);
	preferred_count = packet_request_preferred(asked, request, s->family, preferred);
	question_open_packet(&s->question, asked, &path, matches, count, preferred, preferred_count);
	s->is_open = true;
	s->notes = answer_notes(&s->question.arena, asked->config, s->backend, &path);
	if (!simulate_choose(s, preferred, preferred_count))
		return simulate_fail(s, question_over(&s->question)
						? question_over(&s->question)
						: "there is no such packet: its parts contradict each other");
	return true;
}

bool simulate(struct simulation *s, const struct config *config, const struct source_map *map,
	      const struct backend *target, const struct packet_words *words, struct model_budget budget)
{
	struct question *q = &s->question;
	const char *error;

	*s = (struct simulation){ .map = map,
				  .backend = target,
				  .target = target ? target->name : "written" };
	asked_open(&s->asked, config, target, budget);
	error = packet_request_read(&s->request, &s->asked, words, true);
	if (error)
		return simulate_fail(s, error);
	if (!simulate_open(s))
		return false;
	s->decision = question_follow(q, &s->packet, SPAN_NONE);
	if (!s->decision)
		return simulate_fail(s, "not decided: a rule has a form that the model does not know");
	if (s->decision->reason.span.begin && !reason_is_option(config, &q->path, &s->decision->reason))
		s->without = question_follow(q, &s->packet, s->decision->reason.span);
	simulate_explain(s);
	return true;
}

void simulate_end(struct simulation *s)
{
	if (s->is_open)
		question_close(&s->question);
	asked_close(&s->asked);
}

bool simulate_is(const struct simulation *s, const char *action)
{
	const char *actual = verdict_action(s->decision->verdict);

	if (strcmp(action, "DENY") == 0)
		return strcmp(actual, "DROP") == 0 || strcmp(actual, "REJECT") == 0;
	return strcmp(action, actual) == 0;
}

/* ---- text ---- */

/* The length of a stage's name in the text of a stage. */
static size_t simulate_stage_length(const char *stage)
{
	const char *colon = strstr(stage, ": ");

	return colon ? (size_t)(colon - stage) : strlen(stage);
}

/* Whether the stage is left out of a short path: the next one has its name, or it is of layer 2 and decided
 * nothing. */
static bool simulate_is_passed_over(const struct decision *d, uint32_t i)
{
	const char *stage = d->trail[i], *next = i + 1 < d->trail_count ? d->trail[i + 1] : NULL;
	size_t length = simulate_stage_length(stage);

	if (!next)
		return false;
	if (length > 9 && strncmp(stage + length - 9, ", layer 2", 9) == 0)
		return true;
	return !stage[length] && simulate_stage_length(next) == length && strncmp(stage, next, length) == 0;
}

static void simulate_print_path(const struct text_printer *p, const struct simulation *s, bool verbose)
{
	const struct decision *d = s->decision;
	const char *separator = "";
	struct out out;

	out_init_memory(&out);
	for (uint32_t i = 0; i < d->trail_count; i++) {
		if (verbose) {
			text_remark(p, "path", d->trail[i]);
		} else if (!simulate_is_passed_over(d, i)) {
			out_printf(&out, "%s%s", separator, d->trail[i]);
			separator = d->trail[i][simulate_stage_length(d->trail[i])] ? "; " : ", ";
		}
	}
	out_char(&out, '\0');
	if (out.len > 1)
		text_remark(p, "path", out.data);
	out_free(&out);
}

static void simulate_print_logs(const struct text_printer *p, const struct simulation *s)
{
	for (uint32_t i = 0; i < s->decision->log_count; i++) {
		const struct reason *log = &s->decision->logs[i];

		bool is_known = log->span.begin || log->implied;

		text_remark(p, "log",
			    arena_printf(p->arena, "\"%.*s\"%s%s", TEXT_ARG(text_trim(log->step->prefix)),
					 is_known ? " of " : "",
					 is_known ? reason_text(p->arena, s->map, log) : ""));
	}
}

static void simulate_print_notes(const struct text_printer *p, const struct simulation *s)
{
	if (s->without)
		text_remark(p, "note",
			    arena_printf(p->arena, "without this line: %s, %s",
					 decision_text(p->arena, s->without),
					 reason_text(p->arena, s->map, &s->without->reason)));
	for (uint32_t i = 0; i < s->taken_count; i++) {
		const struct taken_field *t = &s->taken[i];

		text_remark(p, "note",
			    arena_printf(p->arena, "%s: %s, taken %s%s%s", t->name,
					 t->given ? t->given : "any", t->value, t->others ? "; " : "",
					 t->others ? t->others : ""));
	}
	for (const char *const *note = s->notes; *note; note++)
		text_remark(p, "note", *note);
}

void simulate_print(struct out *out, struct simulation *s, bool verbose, bool colour)
{
	struct arena *arena = &s->question.arena;
	const struct reason *reason = &s->decision->reason;
	struct text_printer p = { .out = out,
				  .map = s->map,
				  .arena = arena,
				  .colour = colour,
				  .gutter = reason_gutter(s->map, reason) };
	const char *state = s->packet.value[MODEL_STATE].low == MODEL_STATE_NEW && !s->request.arp ? ", new"
												   : "";

	out_escaped(out, text_of(path_end_text(arena, &s->request.from)));
	out_string(out, " -> ");
	out_escaped(out, text_of(path_end_text(arena, &s->request.to)));
	out_string(out, ": ");
	out_escaped(out, text_of(model_packet_text(arena, s->question.model, &s->packet)));
	out_printf(out, "%s\n", state);
	text_style(&p, STYLE_BOLD);
	out_string(out, decision_text(arena, s->decision));
	text_style(&p, STYLE_OFF);
	out_char(out, '\n');
	reason_print(&p, reason, "decides");
	if (!reason->span.begin)
		text_remark(&p, "rule", reason->implied ? reason->implied : "none");
	simulate_print_path(&p, s, verbose);
	simulate_print_logs(&p, s);
	simulate_print_notes(&p, s);
}

/* ---- JSON ---- */

static bool simulate_is_number(enum model_field field)
{
	return field == MODEL_SPORT || field == MODEL_DPORT || field == MODEL_ICMP_TYPE ||
	       field == MODEL_ICMP_CODE;
}

static json_t *simulate_packet_json(struct simulation *s)
{
	json_t *object = json_object();

	json_object_set_new(
		object, "text",
		json_escaped(text_of(model_packet_text(&s->question.arena, s->question.model, &s->packet))));
	json_object_set_new(object, "family",
			    json_string(s->request.arp      ? "arp"
					: s->family == IPV4 ? "ipv4"
							    : "ipv6"));
	for (unsigned i = 0; i < SIMULATE_PARTS; i++) {
		enum model_field field = simulate_field(s, &simulate_parts[i]);

		json_object_set_new(object, simulate_parts[i].name,
				    !simulate_has_part(s, field) ? json_null()
				    : simulate_is_number(field)
					    ? json_integer((json_int_t)s->packet.value[field].low)
					    : json_escaped(text_of(simulate_value_text(s, field))));
	}
	json_object_set_new(object, "over-limit", json_boolean(s->packet.value[MODEL_OVER_LIMIT].low != 0));
	return object;
}

static json_t *simulate_taken_json(const struct simulation *s)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < s->taken_count; i++) {
		const struct taken_field *t = &s->taken[i];

		json_array_append_new(rows, json_pack("{s:s, s:o?, s:o, s:o?}", "field", t->name, "given",
						      t->given ? json_escaped(text_of(t->given)) : NULL,
						      "value", json_escaped(text_of(t->value)), "others",
						      t->others ? json_escaped(text_of(t->others)) : NULL));
	}
	return rows;
}

static json_t *simulate_logs_json(const struct simulation *s)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < s->decision->log_count; i++) {
		const struct reason *log = &s->decision->logs[i];
		struct place place = source_place(s->map, log->span.begin);
		json_t *row = json_pack("{s:o}", "prefix", json_escaped(log->step->prefix));

		json_object_set_new(row, "file",
				    place.source ? json_escaped(text_of(place.source->path)) : json_null());
		json_object_set_new(row, "line", place.source ? json_integer(place.line) : json_null());
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *simulate_strings_json(const char *const *strings, uint32_t count)
{
	json_t *rows = json_array();

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(rows, json_escaped(text_of(strings[i])));
	return rows;
}

json_t *simulate_json(struct simulation *s)
{
	json_t *object = decision_json(s->map, s->decision);
	struct arena *arena = &s->question.arena;
	uint32_t notes = 0;

	while (s->notes[notes])
		notes++;
	json_object_set_new(object, "target", json_string(s->target));
	json_object_set_new(object, "from", json_escaped(text_of(path_end_text(arena, &s->request.from))));
	json_object_set_new(object, "to", json_escaped(text_of(path_end_text(arena, &s->request.to))));
	json_object_set_new(object, "packet", simulate_packet_json(s));
	json_object_set_new(object, "taken", simulate_taken_json(s));
	json_object_set_new(object, "path",
			    simulate_strings_json(s->decision->trail, s->decision->trail_count));
	json_object_set_new(object, "logs", simulate_logs_json(s));
	json_object_set_new(object, "without", s->without ? decision_json(s->map, s->without) : json_null());
	json_object_set_new(object, "notes", simulate_strings_json(s->notes, notes));
	return object;
}
