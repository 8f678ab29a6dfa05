/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows.
 *
 * Each pair of a line of the old version and one of the new version decides a set of packets.  The set is cut
 * into rows, products of values of fields.  Packets that are not ordinary get one row for all, and only if
 * their pair of lines has no other: a change of a rule changes its unusual packets, too.
 */
#include "questions/diff_text.h"

#include "lang/implied.h"
#include "questions/answers.h"

/* ---- reasons ---- */

static struct change_side make_side(const struct diff_question *q, enum diff_side side,
				    const struct decision *d)
{
	struct change_side made = { decision_keep(q->arena, d),
				    reason_source_line(q->diff->map, &d->reason) };

	if (!q->path->filtered[side])
		made.decision.reason.implied = "no firewall";
	return made;
}

static bool is_let_through(const struct decision *d)
{
	return d->verdict == MODEL_PASSED || d->verdict == MODEL_QUEUED;
}

static enum change_kind kind_of(const struct decision *old, const struct decision *new)
{
	if (is_let_through(old) == is_let_through(new))
		return CHANGE_OTHER;
	return is_let_through(new) ? CHANGE_ALLOWED : CHANGE_REFUSED;
}

/* ---- rows ---- */

static const char *implied_or_not(const struct change_side *side)
{
	return side->decision.reason.implied ? side->decision.reason.implied : "";
}

/* What makes two rows the same: the place of a line does not count, its text does. */
static const char *change_key(struct arena *arena, const struct change *c)
{
	const struct change_side *old = &c->sides[DIFF_OLD], *new = &c->sides[DIFF_NEW];

	return arena_printf(arena, "%d %d %d|%s|%s|%s|%d %u %d %u|%.*s|%s|%.*s|%s", c->kind, c->ordinary,
			    c->inward, c->peer, c->own, c->what, (int)old->decision.verdict,
			    old->decision.queue, (int)new->decision.verdict, new->decision.queue,
			    TEXT_ARG(old->line), implied_or_not(old), TEXT_ARG(new->line),
			    implied_or_not(new));
}

static bool protocol_is_among(uint64_t number, const uint8_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* Whether the packet has the field, and it can be asked about by it. */
static bool packet_has(const struct model_packet *packet, enum model_field field)
{
	static const uint8_t with_ports[] = { 6, 17, 33, 132, 136 }, icmp[] = { 1, 58 };
	uint64_t ethertype = packet->value[MODEL_ETHERTYPE].low, protocol = packet->value[MODEL_PROTOCOL].low;
	bool is4 = ethertype == 0x0800, is6 = ethertype == 0x86dd;

	switch (field) {
	case MODEL_SOURCE4:
	case MODEL_DEST4:
		return is4;
	case MODEL_SOURCE6:
	case MODEL_DEST6:
		return is6;
	case MODEL_SPORT:
	case MODEL_DPORT:
		return (is4 || is6) && protocol_is_among(protocol, with_ports, sizeof(with_ports));
	case MODEL_ICMP_TYPE:
	case MODEL_ICMP_CODE:
		return (is4 || is6) && protocol_is_among(protocol, icmp, sizeof(icmp));
	case MODEL_ARP_SENDER:
		return ethertype == 0x0806;
	case MODEL_TCP_FLAGS:
		return (is4 || is6) && protocol == 6;
	case MODEL_PROTOCOL:
	case MODEL_SOURCE_TYPE:
	case MODEL_DEST_TYPE:
		return is4 || is6;
	default:
		return true;
	}
}

static void set_example(struct change *c, const struct diff_question *q, const struct model_packet *packet)
{
	struct model *m = q->questions[DIFF_NEW]->model;

	c->example = model_packet_text(q->arena, m, packet);
	for (int i = 0; i < MODEL_FIELDS; i++) {
		const struct interval one = { packet->value[i], packet->value[i] };

		if (packet_has(packet, (enum model_field)i))
			c->values[i] = model_values_text(q->arena, m, (enum model_field)i,
							 &(struct interval_set){ &one, 1 }, 1);
	}
}

static struct change *rows_add_change(struct change_list *list, const struct diff_question *q,
				      const struct decision *old, const struct decision *new, packets set)
{
	struct change *c = ARENA_NEW(q->arena, struct change);
	struct model *m = q->questions[DIFF_NEW]->model;
	struct model_packet packet;

	c->kind = kind_of(old, new);
	c->inward = q->path->inward;
	c->peer = c->own = c->what = c->example = "";
	c->sides[DIFF_OLD] = make_side(q, DIFF_OLD, old);
	c->sides[DIFF_NEW] = make_side(q, DIFF_NEW, new);
	if (model_pick(m, set, &packet))
		set_example(c, q, &packet);
	c->from = path_end_text(q->arena, &q->questions[DIFF_NEW]->path.from);
	c->to = path_end_text(q->arena, &q->questions[DIFF_NEW]->path.to);
	c->newest = q->path->zone;
	c->zone_count = 1;
	*list->last = c;
	list->last = &c->next;
	return c;
}

static struct change *add_ordinary(struct change_list *list, const struct diff_question *q,
				   const struct decision *old, const struct decision *new, packets set)
{
	struct change *c = rows_add_change(list, q, old, new, set);

	c->ordinary = true;
	return c;
}

static struct row_printer row_printer(const struct diff_question *q, const struct model_row *row,
				      const struct decision *old, const struct decision *new)
{
	return (struct row_printer){
		q->arena, q->questions[DIFF_NEW]->model, row, q->usual, { old->reason.step, new->reason.step }
	};
}

/* "tcp 22 from 10.0.0.0/8" */
static const char *exception_text(const struct row_printer *p, bool inward)
{
	struct change row = { .inward = inward };
	const char *text;

	row_print(&row, p);
	text = row.what;
	if (row.peer[0])
		text = text_append(p->arena, text, " ",
				   arena_printf(p->arena, "%s %s", inward ? "from" : "to", row.peer));
	if (row.own[0])
		text = text_append(p->arena, text, " ",
				   arena_printf(p->arena, "%s %s", inward ? "to" : "from", row.own));
	return text;
}

enum { ROWS_FEW = 3, EXCEPTIONS_MAX = 5, KINDS_MAX = 12 };

/* All ordinary packets of the families and protocols that packets of the set have; PACKETS_NONE if those are
 * many. */
static packets same_protocols(const struct diff_question *q, packets set)
{
	struct model *m = q->questions[DIFF_NEW]->model;
	uint32_t open = ~(1u << MODEL_PROTOCOL | 1u << MODEL_ETHERTYPE);
	packets all = PACKETS_NONE;

	for (int count = 0; set != PACKETS_NONE; count++) {
		struct model_packet packet;
		packets like;

		if (count == KINDS_MAX || !model_pick(m, set, &packet))
			return PACKETS_NONE;
		like = model_like(m, &packet, open);
		all = model_or(m, all, like);
		set = model_minus(m, set, like);
	}
	return model_and(m, all, q->ordinary);
}

/* Whether packets of the set have any port, or none has ports: else it is easier to read with its ports. */
static bool has_all_ports(const struct diff_question *q, packets set)
{
	struct interval_set ports = model_values(q->questions[DIFF_NEW]->model, q->arena, set, MODEL_DPORT);
	uint64_t count = 0;

	for (uint32_t i = 0; i < ports.count; i++)
		count += ports.ranges[i].last.low - ports.ranges[i].first.low + 1;
	return count == 0 || count > 60000;
}

/* "tcp except tcp 80,443; tcp 22 from 10.0.0.0/8"; NULL if the set is not nearly all of some protocols. */
static const char *all_except(const struct diff_question *q, const struct decision *old,
			      const struct decision *new, packets set)
{
	struct model *m = q->questions[DIFF_NEW]->model;
	packets all = has_all_ports(q, set) ? same_protocols(q, set) : PACKETS_NONE,
		others = model_minus(m, all, set);
	struct change kinds = { .inward = q->path->inward };
	const char *text = "";
	struct row_printer p;
	struct model_row row;

	if (!model_row(m, q->arena, all, &row) || row.set != all)
		return NULL;
	p = row_printer(q, &row, old, new);
	row_print(&kinds, &p);
	for (int count = 0; others != PACKETS_NONE; count++) {
		if (count == EXCEPTIONS_MAX || !model_row(m, q->arena, others, &row))
			return NULL;
		p = row_printer(q, &row, old, new);
		text = text_append(q->arena, text, "; ", exception_text(&p, q->path->inward));
		others = model_minus(m, others, row.set);
	}
	return arena_printf(q->arena, "%s except %s", kinds.what[0] ? kinds.what : "all packets", text);
}

/* So many rows each pair of lines gets at most. */
static uint32_t rows_of_pair(const struct diff *diff)
{
	return diff->limit / 5 + 1;
}

/* Whether the set is at most so many rows. */
static bool is_few_rows(const struct diff_question *q, packets set, int count)
{
	struct model *m = q->questions[DIFF_NEW]->model;
	struct model_row row;

	while (count-- > 0 && model_row(m, q->arena, set, &row))
		set = model_minus(m, set, row.set);
	return set == PACKETS_NONE;
}

/* Rows of one pair of lines: a few, or one with exceptions, or the largest. */
static void add_rows(struct change_list *list, const struct diff_question *q, const struct decision *old,
		     const struct decision *new, packets set)
{
	struct model *m = q->questions[DIFF_NEW]->model;
	struct change *c = NULL;
	struct model_row row;
	const char *text = is_few_rows(q, set, ROWS_FEW) ? NULL : all_except(q, old, new, set);

	if (text) {
		c = add_ordinary(list, q, old, new, set);
		c->what = text;
		c->key = change_key(q->arena, c);
		return;
	}
	for (uint32_t count = 0; count < rows_of_pair(q->diff) && model_row(m, q->arena, set, &row);
	     count++) {
		struct row_printer p = row_printer(q, &row, old, new);

		c = add_ordinary(list, q, old, new, row.set);
		row_print(c, &p);
		c->key = change_key(q->arena, c);
		set = model_minus(m, set, row.set);
	}
	if (c && set != PACKETS_NONE)
		c->more = 1;
}

static bool is_known_pair(const struct change_list *list, bool inward, const struct decision *old,
			  const struct decision *new)
{
	for (const struct change *c = list->first; c; c = c->next) {
		const struct reason *o = &c->sides[DIFF_OLD].decision.reason,
				    *n = &c->sides[DIFF_NEW].decision.reason;

		if (c->inward == inward && o->span.begin == old->reason.span.begin &&
		    n->span.begin == new->reason.span.begin)
			return true;
	}
	return false;
}

/* One row of each kind for packets that are not ordinary, whichever lines decide them. */
static void add_unusual(struct change_list *list, const struct diff_question *q, const struct decision *old,
			const struct decision *new, packets set)
{
	struct change *c;

	if (is_known_pair(list, q->path->inward, old, new))
		return;
	for (c = list->first; c; c = c->next)
		if (!c->ordinary && c->kind == kind_of(old, new) && c->inward == q->path->inward)
			return;
	c = rows_add_change(list, q, old, new, set);
	c->key = arena_printf(q->arena, "%d %d", (int)c->kind, (int)c->inward);
}

/* ---- pairs of lines ---- */

static bool is_same_fate(const struct decision *a, const struct decision *b)
{
	return a->verdict == b->verdict && a->queue == b->queue;
}

/* Implied rules that only keep packets out of the log of the policy. */
static bool is_of_policy(const struct reason *reason)
{
	for (int i = 0; i < IMPLIED_RULES && reason->implied; i++)
		if (implied_rules[i].stage == IMPLIED_POLICY &&
		    strcmp(reason->implied, implied_phrase((enum implied_id)i)) == 0)
			return true;
	return false;
}

static bool is_policy(const struct source_map *map, const struct reason *reason)
{
	struct text text = reason_source_line(map, reason);

	if (!text.len && reason->implied)
		text = text_of(reason->implied);
	return text_starts(text, "policy_");
}

/* All decisions; packets that a policy and an implied rule of it treat alike are the policy's. */
static struct decision *rows_decide(const struct diff_question *q, enum diff_side side, packets set)
{
	struct decision *first = question_decide(q->questions[side], set, SPAN_NONE), **link = &first;
	struct model *m = q->questions[side]->model;

	while (*link) {
		struct decision *d = *link, *policy = first;

		while (policy && !(is_same_fate(policy, d) && is_policy(q->diff->map, &policy->reason)))
			policy = policy->next;
		if (policy && is_of_policy(&d->reason)) {
			policy->set = model_or(m, policy->set, d->set);
			*link = d->next;
		} else {
			link = &d->next;
		}
	}
	return first;
}

/* Calls `add` for each pair of lines that treats packets of `set` differently. */
static void each_pair(struct change_list *list, const struct diff_question *q, packets set,
		      void (*add)(struct change_list *, const struct diff_question *, const struct decision *,
				  const struct decision *, packets))
{
	const struct decision *olds, *news;
	struct model *m = q->questions[DIFF_NEW]->model;

	if (set == PACKETS_NONE)
		return;
	olds = rows_decide(q, DIFF_OLD, set);
	news = rows_decide(q, DIFF_NEW, set);
	for (const struct decision *new = news; new; new = new->next)
		for (const struct decision *old = olds; old; old = old->next) {
			packets both = is_same_fate(old, new) ? PACKETS_NONE
							      : model_and(m, old->set, new->set);

			if (both != PACKETS_NONE)
				add(list, q, old, new, both);
		}
}

void diff_rows_add(struct change_list *list, const struct diff_question *q, packets differing)
{
	struct model *m = q->questions[DIFF_NEW]->model;

	if (!q->path->flooded)
		each_pair(list, q, model_and(m, differing, q->ordinary), add_rows);
	each_pair(list, q, q->path->flooded ? differing : model_minus(m, differing, q->ordinary),
		  add_unusual);
}
