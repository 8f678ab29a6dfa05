/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "questions/query.h"

#include <netinet/in.h>

#include "base/escape.h"
#include "format/diag_json.h"
#include "questions/answers.h"

/* ---- zones ---- */

struct query_zones {
	const char **names;
	uint32_t count;
};

static void query_add_nics(struct query *query, struct query_zones *zones, const struct guest *guest)
{
	for (const struct nic *nic = guest->nics; nic; nic = nic->next)
		zones->names[zones->count++] = arena_printf(&query->arena, "%s%ui%u",
							    guest->type == GUEST_VM ? "vm" : "ct",
							    guest->vmid, nic->index);
}

static uint32_t query_count_zones(const struct config *config)
{
	uint32_t count = 3;

	for (const struct guest *g = config->guests; g; g = g->next)
		for (const struct nic *nic = g->nics; nic; nic = nic->next)
			count++;
	for (const struct vnet *v = config->vnets; v; v = v->next)
		count++;
	return count;
}

/* "vm100" of a guest with several NICs stands for all of them. */
static bool query_add_guest(struct query *query, struct query_zones *zones, const char *name)
{
	struct path_end end;

	if (strchr(name, 'i') || path_end_parse(query->config, text_of(name), &end) || end.zone != PATH_GUEST)
		return false;
	query_add_nics(query, zones, end.guest);
	return true;
}

/* The zones that a word stands for. */
static struct query_zones query_zones_of(struct query *query, const char *name)
{
	const struct config *config = query->config;
	struct query_zones zones = { ARENA_ARRAY(&query->arena, const char *, query_count_zones(config)), 0 };

	if (strcmp(name, "any") != 0) {
		if (!query_add_guest(query, &zones, name))
			zones.names[zones.count++] = name;
		return zones;
	}
	zones.names[zones.count++] = "outside";
	zones.names[zones.count++] = "host";
	for (const struct guest *g = config->guests; g; g = g->next)
		query_add_nics(query, &zones, g);
	for (const struct vnet *v = config->vnets; v; v = v->next)
		zones.names[zones.count++] = arena_printf(&query->arena, "vnet %.*s", TEXT_ARG(v->name));
	return zones;
}

/* ---- one path ---- */

struct query_path {
	struct query *query;
	struct question question;
	unsigned family;
	const char *from, *to;
};

static bool query_is_action(const char *action, enum model_verdict verdict)
{
	const char *actual = verdict_action(verdict);

	if (strcmp(action, "DENY") == 0)
		return strcmp(actual, "DROP") == 0 || strcmp(actual, "REJECT") == 0;
	return strcmp(action, actual) == 0;
}

static const char *query_field_text(struct query_path *p, packets set, enum model_field field)
{
	struct question *q = &p->question;
	struct interval_set values = model_values(q->model, &q->arena, set, field);

	return model_values_text(&q->arena, q->model, field, &values, UINT32_MAX);
}

/* The values of one part of the packets; of services a text for each protocol would be too much to read as
 * rows. */
static const char *query_part_text(struct query_path *p, packets set)
{
	bool six = p->family == IPV6;

	switch (p->query->part) {
	case QUERY_SOURCE:
		return query_field_text(p, set, six ? MODEL_SOURCE6 : MODEL_SOURCE4);
	case QUERY_DEST:
		return query_field_text(p, set, six ? MODEL_DEST6 : MODEL_DEST4);
	case QUERY_ZONE:
		return p->query->words->from && strcmp(p->query->words->from, "any") == 0 ? p->from : p->to;
	default:
		return NULL;
	}
}

/* A row with nothing but protocol, ports and ICMP types. */
static void query_keep_service(struct model_row *row)
{
	for (unsigned i = 0; i < MODEL_FIELDS; i++)
		if (i != MODEL_PROTOCOL && i != MODEL_DPORT && i != MODEL_SPORT && i != MODEL_ICMP_TYPE &&
		    i != MODEL_ICMP_CODE)
			row->side[i].count = 0;
}

static json_t *query_row_json(struct query_path *p, const struct model_row *row)
{
	static const struct {
		const char *name;
		enum model_field field;
	} parts[] = {
		{ "protocol", MODEL_PROTOCOL },   { "source", MODEL_SOURCE4 },
		{ "source", MODEL_SOURCE6 },      { "dest", MODEL_DEST4 },
		{ "dest", MODEL_DEST6 },          { "sport", MODEL_SPORT },
		{ "dport", MODEL_DPORT },         { "icmp-type", MODEL_ICMP_TYPE },
		{ "icmp-code", MODEL_ICMP_CODE }, { "mac", MODEL_SOURCE_MAC },
		{ "interface", MODEL_IFACE },     { "state", MODEL_STATE },
	};
	struct question *q = &p->question;
	json_t *object = json_object();

	json_object_set_new(object, "text", json_escaped(text_of(model_row_text(&q->arena, q->model, row))));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const struct interval_set *side = &row->side[parts[i].field];

		if (side->count)
			json_object_set_new(object, parts[i].name,
					    json_escaped(text_of(model_values_text(
						    &q->arena, q->model, parts[i].field, side, UINT32_MAX))));
	}
	return object;
}

/* Cuts the set into rows, and gives them to text or JSON.  Rows beyond the limit are left out. */
static void query_rows(struct query_path *p, packets set, json_t *rows)
{
	struct query *query = p->query;
	struct question *q = &p->question;
	struct model_row row;

	while (query->printed < query->limit && model_row(q->model, &q->arena, set, &row)) {
		set = model_minus(q->model, set, row.set);
		if (query->part == QUERY_SERVICE)
			query_keep_service(&row);
		query->printed++;
		if (rows)
			json_array_append_new(rows, query_row_json(p, &row));
		if (query->out) {
			out_string(query->out, "  ");
			out_escaped(query->out, text_of(model_row_text(&q->arena, q->model, &row)));
			out_char(query->out, '\n');
		}
	}
	if (set != PACKETS_NONE && query->out)
		out_string(query->out, "  ... and more (--limit)\n");
	if (set != PACKETS_NONE && rows)
		json_array_append_new(rows, json_pack("{s:s}", "text", "..."));
}

static void query_print_decision(struct query_path *p, const struct decision *d)
{
	struct query *query = p->query;
	struct question *q = &p->question;
	struct text_printer printer = { .out = query->out,
					.map = query->map,
					.arena = &q->arena,
					.colour = query->colour,
					.gutter = reason_gutter(query->map, &d->reason) };
	const char *part = query_part_text(p, d->set);

	text_style(&printer, STYLE_BOLD);
	out_printf(query->out, "%s -> %s: %s", p->from, p->to, decision_text(&q->arena, d));
	text_style(&printer, STYLE_OFF);
	out_char(query->out, '\n');
	if (part && query->part != QUERY_ZONE) {
		out_string(query->out, "  ");
		out_escaped(query->out, text_of(part));
		out_char(query->out, '\n');
	} else if (!part) {
		query_rows(p, d->set, NULL);
	}
	if (d->reason.span.begin)
		reason_print(&printer, &d->reason, NULL);
	else
		text_remark(&printer, "rule", reason_text(&q->arena, query->map, &d->reason));
	out_char(query->out, '\n');
}

static void query_add_json(struct query_path *p, const struct decision *d)
{
	struct query *query = p->query;
	json_t *object = decision_json(query->map, d), *answers = json_object_get(query->json, "answers");
	const char *part = query_part_text(p, d->set);

	json_object_set_new(object, "from", json_escaped(text_of(p->from)));
	json_object_set_new(object, "to", json_escaped(text_of(p->to)));
	json_object_set_new(object, "family", json_string(p->family == IPV6 ? "ipv6" : "ipv4"));
	if (part) {
		json_object_set_new(object, "values", json_escaped(text_of(part)));
	} else {
		json_t *rows = json_array();

		query_rows(p, d->set, rows);
		json_object_set_new(object, "rows", rows);
	}
	json_array_append_new(answers, object);
}

/* ---- what is asked ---- */

static const struct interval query_unicast = { { 0, MODEL_TYPE_UNICAST }, { 0, MODEL_TYPE_UNICAST } };
static const struct interval query_tcp = { { 0, IPPROTO_TCP }, { 0, IPPROTO_TCP } };
static const struct interval query_syn = { { 0, 0x02 }, { 0, 0x02 } };
static const struct interval query_new = { { 0, MODEL_STATE_NEW }, { 0, MODEL_STATE_NEW } };
static const struct interval query_under = { { 0, 0 }, { 0, 0 } };

enum { QUERY_TCP, QUERY_SYN, QUERY_OTHERS };

/* What a new TCP connection begins with; other packets as they are. */
static packets query_begins(struct model *m, packets set, const struct model_match others[QUERY_OTHERS])
{
	packets tcp = model_match(m, &others[QUERY_TCP]);

	return model_or(m, model_minus(m, set, tcp),
			model_and(m, model_and(m, set, tcp), model_match(m, &others[QUERY_SYN])));
}

static uint32_t query_add_ordinary(const struct packet_request *request, struct model_match *matches,
				   uint32_t count, const char *state)
{
	const struct interval *types = &query_unicast;

	matches[count++] = (struct model_match){ .field = MODEL_SOURCE_TYPE, .values = { types, 1 } };
	if (!request->flooded)
		matches[count++] = (struct model_match){ .field = MODEL_DEST_TYPE, .values = { types, 1 } };
	if (!state)
		matches[count++] = (struct model_match){ .field = MODEL_STATE, .values = { &query_new, 1 } };
	if (!request->fields[MODEL_OVER_LIMIT].known)
		matches[count++] = (struct model_match){ .field = MODEL_OVER_LIMIT,
							 .values = { &query_under, 1 } };
	return count;
}

/* Asks one path about one family; false: over budget. */
static bool query_ask(struct query *query, struct asked *asked, const struct packet_request *request,
		      const struct path *path, unsigned family)
{
	const struct model_match others[QUERY_OTHERS] = {
		[QUERY_TCP] = { .field = MODEL_PROTOCOL, .values = { &query_tcp, 1 } },
		[QUERY_SYN] = { .field = MODEL_TCP_FLAGS, .values = { &query_syn, 1 } },
	};
	struct model_match matches[PACKET_MATCHES_MAX];
	struct query_path p = { .query = query, .family = family };
	uint32_t count = packet_request_matches(request, family, matches);
	const char *state = query->words->state, *over;
	packets set;

	count = query_add_ordinary(request, matches, count, state);
	question_open(&p.question, asked, path, matches, count, others, QUERY_OTHERS);
	p.from = path_end_text(&p.question.arena, &path->from);
	p.to = path_end_text(&p.question.arena, &path->to);
	set = p.question.set;
	if (!state || strcmp(state, "new") == 0)
		set = query_begins(p.question.model, set, others);
	for (const struct decision *d = question_decide(&p.question, set, SPAN_NONE); d; d = d->next) {
		if (!query_is_action(query->action, d->verdict))
			continue;
		query->found++;
		if (query->out)
			query_print_decision(&p, d);
		if (query->json)
			query_add_json(&p, d);
	}
	over = question_over(&p.question);
	if (over)
		query->error = arena_printf(&query->arena, "%s -> %s: %s", p.from, p.to, over);
	question_close(&p.question);
	return !over;
}

/* Asks about packets from one zone to another; false: query->error.  Zones between which nothing passes are
 * left out, if they are some of many. */
static bool query_pair(struct query *query, struct asked *asked, const char *from, const char *to,
		       bool is_one)
{
	struct packet_words words = *query->words;
	struct packet_request request;
	struct path path;

	words.from = from;
	words.to = to;
	query->error = packet_request_read(&request, asked, &words, false);
	if (query->error) {
		query->error = arena_string(&query->arena, text_of(query->error));
		return false;
	}
	if (!path_between(&asked->arena, query->config, &request.from, &request.to, request.flooded, &path) &&
	    !path_between(&asked->arena, query->config, &request.from, &request.to, false, &path)) {
		if (is_one)
			query->error = arena_printf(
				&query->arena, "no packet goes from %s to %s past the firewall of this node",
				from, to);
		return !is_one;
	}
	return (!(request.family_mask & IPV4) || query_ask(query, asked, &request, &path, IPV4)) &&
	       (request.arp || !(request.family_mask & IPV6) ||
		query_ask(query, asked, &request, &path, IPV6));
}

bool query_run(struct query *query)
{
	const char *from = query->words->from ? query->words->from : "outside";
	const char *to = query->words->to ? query->words->to : strcmp(from, "host") == 0 ? "outside" : "host";
	struct query_zones froms = query_zones_of(query, from), tos = query_zones_of(query, to);
	struct asked asked;
	bool done = true;

	asked_open(&asked, query->config, query->target, query->budget);
	if (query->json)
		json_object_set_new(query->json, "answers", json_array());
	for (uint32_t i = 0; done && i < froms.count; i++)
		for (uint32_t j = 0; done && j < tos.count; j++)
			done = query_pair(query, &asked, froms.names[i], tos.names[j],
					  froms.count == 1 && tos.count == 1);
	asked_close(&asked);
	return done;
}

void query_end(struct query *query)
{
	arena_free(&query->arena);
}
