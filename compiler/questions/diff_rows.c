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

/*
 * Decisions that one line makes, all of which let packets through, or none: a REJECT answers TCP in another
 * way than UDP.  A policy has those of its implied rules, too, which refuse some packets in another way.
 */
struct decider {
	const struct decision *lead; /* of the policy, if there is one */
	struct decider_member *members;
	packets set;
	struct decider *next;
};

struct decider_member {
	const struct decision *decision;
	struct decider_member *next;
};

/* A line of each version. */
struct line_pair {
	const struct decider *sides[DIFF_SIDES];
};

/* ---- reasons ---- */

static bool is_same_fate(const struct decision *a, const struct decision *b)
{
	return a->verdict == b->verdict && a->queue == b->queue;
}

static bool is_same_line(const struct reason *a, const struct reason *b)
{
	if (a->span.begin || b->span.begin)
		return a->span.begin == b->span.begin && a->group.begin == b->group.begin;
	return a->implied == b->implied || (a->implied && b->implied && strcmp(a->implied, b->implied) == 0);
}

/* The decision about a packet, which is one of `set`. */
static struct change_side make_side(const struct diff_question *q, enum diff_side side,
				    const struct decider *decider, const struct model_packet *packet,
				    packets set)
{
	struct model *m = q->questions[side]->model;
	const struct decision *d = decider->lead;
	struct change_side made;

	for (const struct decider_member *i = decider->members; i; i = i->next)
		if (model_has(m, i->decision->set, packet))
			d = i->decision;
	made = (struct change_side){ .decision = decision_keep(q->arena, d),
				     .line = reason_source_line(q->diff->map, &d->reason) };
	for (const struct decider_member *i = decider->members; i; i = i->next)
		made.is_mixed |= !is_same_fate(i->decision, d) &&
				 model_and(m, i->decision->set, set) != PACKETS_NONE;
	if (q->path->zone->sides[side].config && !q->path->filtered[side])
		made.decision.reason.implied = "no firewall";
	return made;
}

static bool is_let_through(const struct decision *d)
{
	return d->verdict == MODEL_PASSED || d->verdict == MODEL_QUEUED;
}

static enum change_kind kind_of(const struct line_pair *pair)
{
	bool old = is_let_through(pair->sides[DIFF_OLD]->lead),
	     new = is_let_through(pair->sides[DIFF_NEW]->lead);

	if (old == new)
		return CHANGE_OTHER;
	return new ? CHANGE_ALLOWED : CHANGE_REFUSED;
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

/* Packets of the set that the lines themselves decide, and no implied rules of theirs; all, if there are
 * none. */
static packets of_leads(struct model *m, const struct line_pair *pair, packets set)
{
	for (int side = 0; side < DIFF_SIDES; side++) {
		const struct decider *decider = pair->sides[side];
		packets own = PACKETS_NONE;

		for (const struct decider_member *i = decider->members; i; i = i->next)
			if (is_same_line(&i->decision->reason, &decider->lead->reason))
				own = model_or(m, own, model_and(m, set, i->decision->set));
		if (own != PACKETS_NONE)
			set = own;
	}
	return set;
}

static struct change *rows_add_change(struct change_list *list, const struct diff_question *q,
				      const struct line_pair *pair, packets set)
{
	struct change *c = ARENA_NEW(q->arena, struct change);
	struct model *m = q->questions[DIFF_NEW]->model;
	struct model_packet packet = { 0 };

	c->kind = kind_of(pair);
	c->inward = q->path->inward;
	c->peer = c->own = c->what = c->example = "";
	if (model_pick(m, of_leads(m, pair, set), &packet))
		set_example(c, q, &packet);
	for (int side = 0; side < DIFF_SIDES; side++)
		c->sides[side] = make_side(q, (enum diff_side)side, pair->sides[side], &packet, set);
	c->from = path_end_text(q->arena, &q->questions[DIFF_NEW]->path.from);
	c->to = path_end_text(q->arena, &q->questions[DIFF_NEW]->path.to);
	c->newest = q->path->zone;
	c->zone_count = 1;
	*list->last = c;
	list->last = &c->next;
	return c;
}

static struct change *add_ordinary(struct change_list *list, const struct diff_question *q,
				   const struct line_pair *pair, packets set)
{
	struct change *c = rows_add_change(list, q, pair, set);

	c->ordinary = true;
	return c;
}

static struct row_printer row_printer(const struct diff_question *q, const struct model_row *row,
				      const struct line_pair *pair)
{
	return (struct row_printer){ q->arena,
				     q->questions[DIFF_NEW]->model,
				     row,
				     q->usual,
				     { pair->sides[DIFF_OLD]->lead->reason.step,
				       pair->sides[DIFF_NEW]->lead->reason.step } };
}

/* "tcp 22 from 10.0.0.0/8" */
static const char *exception_text(const struct row_printer *p, bool inward, struct change_values *values)
{
	struct change row = { .inward = inward };
	const char *text;

	row_print(&row, p);
	memcpy(values->exact, row.exact, sizeof(values->exact));
	text = row.what[0] ? row.what : "all";
	if (row.peer[0])
		text = text_append(p->arena, text, " ",
				   arena_printf(p->arena, "%s %s", inward ? "from" : "to", row.peer));
	if (row.own[0])
		text = text_append(p->arena, text, " ",
				   arena_printf(p->arena, "%s %s", inward ? "to" : "from", row.own));
	return text;
}

enum { ROWS_FEW = 3, EXCEPTIONS_FEW = 2, EXCEPTIONS_MAX = 8, KINDS_MAX = 12 };

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

static bool has_addresses(const struct model_row *row)
{
	return row->side[MODEL_SOURCE4].count || row->side[MODEL_DEST4].count ||
	       row->side[MODEL_SOURCE6].count || row->side[MODEL_DEST6].count;
}

/* Leaves out the addresses that all packets have. */
static void leave_out_common(struct model_row *row, const struct model_row *common)
{
	for (int i = 0; i < MODEL_FIELDS; i++)
		if (common->side[i].count && interval_set_contains(&row->side[i], &common->side[i]))
			row->side[i] = (struct interval_set){ NULL, 0 };
}

/* All ordinary packets between the addresses of a row, of its states and interfaces; *addresses is the row
 * without all else. */
static packets same_addresses(const struct diff_question *q, const struct model_row *row,
			      struct model_row *addresses)
{
	static const struct {
		uint16_t ethertype;
		enum model_field source, dest;
	} families[] = { { 0x0800, MODEL_SOURCE4, MODEL_DEST4 }, { 0x86dd, MODEL_SOURCE6, MODEL_DEST6 } };
	struct model *m = q->questions[DIFF_NEW]->model;
	packets all = PACKETS_NONE;

	memset(addresses, 0, sizeof(*addresses));
	addresses->side[MODEL_ETHERTYPE] = row->side[MODEL_ETHERTYPE];
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		const struct interval one = { number_small(families[i].ethertype),
					      number_small(families[i].ethertype) };
		const enum model_field fields[] = { families[i].source, families[i].dest, MODEL_STATE,
						    MODEL_IFACE };
		packets family = model_and(m, q->ordinary,
					   model_match(m, &(struct model_match){ .field = MODEL_ETHERTYPE,
										 .values = { &one, 1 } }));

		if (!row_has_value(&(struct row_printer){ .row = row }, MODEL_ETHERTYPE,
				   families[i].ethertype))
			continue;
		for (size_t j = 0; j < sizeof(fields) / sizeof(fields[0]); j++) {
			const struct model_match match = { .field = fields[j],
							   .values = row->side[fields[j]] };

			addresses->side[fields[j]] = match.values;
			if (match.values.count)
				family = model_and(m, family, model_match(m, &match));
		}
		all = model_or(m, all, family);
	}
	return all;
}

/* "tcp 80,443; tcp 22 from 10.0.0.0/8": the packets of a set, as at most `most` rows; NULL if it has more. */
static const char *exceptions_text(const struct diff_question *q, const struct line_pair *pair,
				   const struct model_row *common, packets set, int most,
				   struct change_values **except)
{
	struct model *m = q->questions[DIFF_NEW]->model;
	const packets others = set;
	const char *text = "";
	struct model_row row, wide;

	for (; set != PACKETS_NONE; set = model_minus(m, set, row.set)) {
		struct change_values *values = ARENA_NEW(q->arena, struct change_values);
		struct row_printer p;

		if (most-- == 0 || !model_row(m, q->arena, set, &row))
			return NULL;
		wide.set = PACKETS_NONE;
		if (has_addresses(&row))
			wide.set = same_addresses(q, &row, &wide);
		if (wide.set != PACKETS_NONE && model_minus(m, wide.set, others) == PACKETS_NONE)
			row = wide;
		leave_out_common(&row, common);
		p = row_printer(q, &row, pair);
		text = text_append(q->arena, text, "; ", exception_text(&p, q->path->inward, values));
		*except = values;
		except = &values->next;
	}
	return text;
}

/* A set of packets that is nearly all of something. */
struct nearly_all {
	packets all;
	struct model_row row; /* what `all` is */
	const char *words;    /* if the row has no service */
};

/* All packets of some protocols. */
static bool all_of_protocols(const struct diff_question *q, packets set, struct nearly_all *n)
{
	struct model *m = q->questions[DIFF_NEW]->model;

	n->all = same_protocols(q, set);
	n->words = "all packets";
	return model_row(m, q->arena, n->all, &n->row) && n->row.set == n->all;
}

/* All packets, or those between the addresses of a row of the set. */
static bool all_of_addresses(const struct diff_question *q, packets set, struct nearly_all *n)
{
	struct model_row row;

	if (!model_row(q->questions[DIFF_NEW]->model, q->arena, set, &row))
		return false;
	n->words = "all packets";
	n->all = same_addresses(q, &row, &n->row);
	if (model_minus(q->questions[DIFF_NEW]->model, set, n->all) == PACKETS_NONE)
		return true;
	memset(&n->row, 0, sizeof(n->row));
	n->all = q->ordinary;
	return true;
}

/* Makes a row "tcp except tcp 80,443; tcp 22 from 10.0.0.0/8".  False if the set is not nearly all of
 * something. */
static bool add_all_except(struct change_list *list, const struct diff_question *q,
			   const struct line_pair *pair, packets set, int most)
{
	static bool (*const kinds[])(const struct diff_question *, packets,
				     struct nearly_all *) = { all_of_protocols, all_of_addresses };
	struct model *m = q->questions[DIFF_NEW]->model;

	for (size_t i = 0; has_all_ports(q, set) && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct change_values *except = NULL;
		struct nearly_all n;
		struct row_printer p;
		struct change *c;
		const char *text;

		if (!kinds[i](q, set, &n) || model_minus(m, set, n.all) != PACKETS_NONE)
			continue;
		text = exceptions_text(q, pair, &n.row, model_minus(m, n.all, set), most, &except);
		if (!text)
			continue;
		c = add_ordinary(list, q, pair, set);
		p = row_printer(q, &n.row, pair);
		row_print(c, &p);
		c->except = except;
		if (!c->what[0])
			c->what = text[0] ? n.words : "";
		if (text[0])
			c->what = arena_printf(q->arena, "%s except %s", c->what, text);
		c->key = change_key(q->arena, c);
		return true;
	}
	return false;
}

/* So many rows each pair of lines gets at most. */
static uint32_t rows_of_pair(const struct diff *diff)
{
	return diff->limit / 5 + 1;
}

/* How many rows the set is, at most `most`. */
static int count_rows(const struct diff_question *q, packets set, int most)
{
	struct model *m = q->questions[DIFF_NEW]->model;
	struct model_row row;
	int count = 0;

	for (; count < most && model_row(m, q->arena, set, &row); count++)
		set = model_minus(m, set, row.set);
	return count;
}

/* Rows of one pair of lines: a few, or one with exceptions, or the largest. */
static void add_rows(struct change_list *list, const struct diff_question *q, const struct line_pair *pair,
		     packets set)
{
	struct model *m = q->questions[DIFF_NEW]->model;
	struct change *c = NULL;
	struct model_row row;
	int rows = count_rows(q, set, ROWS_FEW + 1);

	if (rows > 1 &&
	    add_all_except(list, q, pair, set, rows <= ROWS_FEW ? EXCEPTIONS_FEW : EXCEPTIONS_MAX))
		return;
	for (uint32_t count = 0; count < rows_of_pair(q->diff) && model_row(m, q->arena, set, &row);
	     count++) {
		struct row_printer p = row_printer(q, &row, pair);

		c = add_ordinary(list, q, pair, row.set);
		row_print(c, &p);
		c->key = change_key(q->arena, c);
		set = model_minus(m, set, row.set);
	}
	if (c && set != PACKETS_NONE)
		c->more = 1;
}

static bool is_known_pair(const struct change_list *list, bool inward, const struct line_pair *pair)
{
	const struct decision *old = pair->sides[DIFF_OLD]->lead, *new = pair->sides[DIFF_NEW]->lead;

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
static void add_unusual(struct change_list *list, const struct diff_question *q, const struct line_pair *pair,
			packets set)
{
	struct change *c;

	if (is_known_pair(list, q->path->inward, pair) || !q->path->zone->sides[DIFF_OLD].config)
		return;
	for (c = list->first; c; c = c->next)
		if (!c->ordinary && c->kind == kind_of(pair) && c->inward == q->path->inward)
			return;
	c = rows_add_change(list, q, pair, set);
	c->key = arena_printf(q->arena, "%d %d", (int)c->kind, (int)c->inward);
}

/* ---- pairs of lines ---- */

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

/* Whether the decision belongs to those of the line. */
static bool decider_takes(const struct diff_question *q, const struct decider *decider,
			  const struct decision *d)
{
	const struct decision *lead = decider->lead;

	return is_let_through(lead) == is_let_through(d) &&
	       (is_same_line(&lead->reason, &d->reason) ||
		(is_of_policy(&d->reason) && is_policy(q->diff->map, &lead->reason)));
}

static void decider_add(const struct diff_question *q, struct decider *decider, const struct decision *d)
{
	struct decider_member *member = ARENA_NEW(q->arena, struct decider_member);

	*member = (struct decider_member){ d, decider->members };
	decider->members = member;
	decider->set = model_or(q->questions[DIFF_NEW]->model, decider->set, d->set);
}

/* All lines that decide about packets of the set. */
static struct decider *rows_decide(const struct diff_question *q, enum diff_side side, packets set)
{
	struct decision *decisions = question_decide(q->questions[side], set, SPAN_NONE);
	struct decider *first = NULL, **last = &first, *found;

	/* Policies come after their implied rules, which are added to them. */
	for (int of_policy = 0; of_policy < 2; of_policy++)
		for (const struct decision *d = decisions; d; d = d->next) {
			if (is_of_policy(&d->reason) != of_policy)
				continue;
			for (found = first; found && !decider_takes(q, found, d);)
				found = found->next;
			if (!found) {
				found = *last = ARENA_NEW(q->arena, struct decider);
				found->lead = d;
				last = &found->next;
			}
			decider_add(q, found, d);
		}
	return first;
}

/* Packets that the pair of lines treats differently. */
static packets pair_differs(const struct diff_question *q, const struct line_pair *pair)
{
	const struct decider *old = pair->sides[DIFF_OLD], *new = pair->sides[DIFF_NEW];
	struct model *m = q->questions[DIFF_NEW]->model;
	packets set = PACKETS_NONE;

	if (kind_of(pair) != CHANGE_OTHER)
		return model_and(m, old->set, new->set);
	for (const struct decider_member *i = old->members; i; i = i->next)
		for (const struct decider_member *j = new->members; j; j = j->next)
			if (!is_same_fate(i->decision, j->decision))
				set = model_or(m, set, model_and(m, i->decision->set, j->decision->set));
	return set;
}

/* Of a new NIC only what its lines and policies let through is new: the rest is the same for all NICs. */
static bool is_told(const struct diff_question *q, const struct line_pair *pair)
{
	const struct reason *new = &pair->sides[DIFF_NEW]->lead->reason;

	if (q->path->zone->sides[DIFF_OLD].config)
		return true;
	return kind_of(pair) == CHANGE_ALLOWED &&
	       (new->span.begin || !new->implied || is_policy(q->diff->map, new));
}

/* Calls `add` for each pair of lines that treats packets of `set` differently. */
static void each_pair(struct change_list *list, const struct diff_question *q, packets set,
		      void (*add)(struct change_list *, const struct diff_question *,
				  const struct line_pair *, packets))
{
	const struct decider *olds, *news;

	if (set == PACKETS_NONE)
		return;
	olds = rows_decide(q, DIFF_OLD, set);
	news = rows_decide(q, DIFF_NEW, set);
	for (const struct decider *new = news; new; new = new->next)
		for (const struct decider *old = olds; old; old = old->next) {
			const struct line_pair pair = { { old, new } };
			packets differing = pair_differs(q, &pair);

			if (differing != PACKETS_NONE && is_told(q, &pair))
				add(list, q, &pair, differing);
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
