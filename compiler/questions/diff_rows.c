/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows.
 *
 * Each pair of a line of the old version and one of the new version decides a set of packets.  The set is cut into rows,
 * products of values of fields.  Packets that are not ordinary get one row for all, and only if their pair of lines has
 * no other: a change of a rule changes its unusual packets, too.
 */
#include "questions/diff_rows.h"

#include <stdlib.h>

#include "lang/implied.h"
#include "questions/answers.h"

/* ---- usual values ---- */

static const struct interval usual_ports[] = { { { 0, 1 }, { 0, 65535 } } };
static const struct interval usual_type[] = { { { 0, MODEL_TYPE_UNICAST }, { 0, MODEL_TYPE_UNICAST } } };
static const struct interval usual_ethertypes[] = { { { 0, 0x0800 }, { 0, 0x0800 } }, { { 0, 0x86dd }, { 0, 0x86dd } } };
static const struct interval usual_limit[] = { { { 0, 0 }, { 0, 0 } } };

static void add_usual(struct usual_values *usual, enum model_field field, struct interval_set values)
{
	usual->items[usual->count++] = (struct model_match){ .field = field, .values = values };
}

static struct number mac_number(const uint8_t mac[6])
{
	uint64_t number = 0;

	for (int i = 0; i < 6; i++)
		number = number << 8 | mac[i];
	return number_small(number);
}

/* What a guest sends has the address of its NIC. */
static void add_own_mac(struct usual_values *usual, struct arena *arena, const struct diff_path *path)
{
	struct interval *ranges = ARENA_ARRAY(arena, struct interval, DIFF_SIDES);
	uint32_t count = 0;

	for (int side = 0; side < DIFF_SIDES; side++) {
		const struct nic *nic = path->zone->sides[side].nic;

		if (!nic || !nic->mac.len)
			continue;
		ranges[count].first = mac_number(nic->mac_bytes);
		ranges[count].last = ranges[count].first;
		count++;
	}
	if (count && !path->inward)
		add_usual(usual, MODEL_SOURCE_MAC, interval_set_normalize(ranges, count));
}

/* The host talks to others by all interfaces but lo. */
static void add_real_ifaces(struct usual_values *usual, struct arena *arena, const struct model_ifaces *ifaces)
{
	struct interval *all = ARENA_NEW(arena, struct interval);
	struct interval_set whole = { all, 1 }, lo = { NULL, 0 };

	*all = (struct interval){ number_small(0), number_small(ifaces->count) };
	for (uint32_t i = 0; i < ifaces->count; i++)
		if (text_is(ifaces->names[i], "lo"))
			lo = model_iface_values(arena, ifaces, ifaces->names[i]);
	add_usual(usual, MODEL_IFACE, interval_set_subtract(arena, &whole, &lo));
}

struct usual_values usual_values_of(struct arena *arena, const struct diff_path *path, const struct model_ifaces *ifaces)
{
	struct usual_values usual = { .ifaces = ifaces };

	add_usual(&usual, MODEL_ETHERTYPE, (struct interval_set){ usual_ethertypes, 2 });
	add_usual(&usual, MODEL_SPORT, (struct interval_set){ usual_ports, 1 });
	add_usual(&usual, MODEL_DPORT, (struct interval_set){ usual_ports, 1 });
	add_usual(&usual, MODEL_SOURCE_TYPE, (struct interval_set){ usual_type, 1 });
	add_usual(&usual, MODEL_DEST_TYPE, (struct interval_set){ usual_type, 1 });
	add_usual(&usual, MODEL_OVER_LIMIT, (struct interval_set){ usual_limit, 1 });
	add_own_mac(&usual, arena, path);
	if (path->zone->kind != PATH_GUEST)
		add_real_ifaces(&usual, arena, ifaces);
	return usual;
}

void usual_values_add(struct model *m, const struct usual_values *usual)
{
	for (uint32_t i = 0; i < usual->count; i++)
		model_add_match(m, &usual->items[i]);
}

packets usual_packets(struct model *m, const struct usual_values *usual, bool any_state)
{
	packets set = any_state ? model_world(m) : model_ordinary(m);

	for (uint32_t i = 0; i < usual->count; i++) {
		struct model_match others = usual->items[i];

		others.negated = true;
		set = model_minus(m, set, model_match(m, &others));
	}
	return set;
}

/* ---- the text of a row ---- */

enum { VALUES_SHOWN = 6, HOLES_SHOWN = 3 };

struct row_printer {
	struct arena *arena;
	struct model *model;
	const struct model_row *row;
	const struct usual_values *usual;
	const struct model_step *steps[DIFF_SIDES]; /* that decide; or NULL */
};

/* Whether not all usual values are in the row. */
static bool is_asked(const struct row_printer *p, enum model_field field)
{
	const struct interval_set *side = &p->row->side[field];

	for (uint32_t i = 0; side->count && i < p->usual->count; i++)
		if (p->usual->items[i].field == field && interval_set_contains(side, &p->usual->items[i].values))
			return false;
	return side->count != 0;
}

static bool has_value(const struct row_printer *p, enum model_field field, uint64_t value)
{
	const struct interval_set *side = &p->row->side[field];
	const struct interval one = { number_small(value), number_small(value) };
	const struct interval_set set = { &one, 1 };

	return !side->count || interval_set_contains(side, &set);
}

static const char *values(const struct row_printer *p, enum model_field field)
{
	return model_values_short_text(p->arena, p->model, field, &p->row->side[field], VALUES_SHOWN);
}

/* The set that a deciding step compares the field with; NULL: none. */
static const struct interval_set *step_values(const struct model_step *step, enum model_field field)
{
	for (uint32_t i = 0; step && i < step->match_count; i++)
		if (step->matches[i].field == field && !step->matches[i].negated)
			return &step->matches[i].values;
	return NULL;
}

/* Addresses that packets to one receiver have. */
static const struct interval unicast4[] = { { { 0, 1 }, { 0, 0xdfffffff } }, { { 0, 0xf0000000 }, { 0, 0xfffffffe } } };
static const struct interval unicast6[] = { { { 0, 0 }, { 0xfeffffffffffffff, UINT64_MAX } } };

/* What is left of a set after many rules is easier to read as the set without some values: "10.0.0.0/8 except 10.1.0.0/16".
 * NULL if the addresses are not most of the set. */
static const char *addresses_with_holes(const struct row_printer *p, enum model_field field, const struct interval_set *set,
					const char *text)
{
	bool is4 = field == MODEL_SOURCE4 || field == MODEL_DEST4;
	const struct interval_set unicast = { is4 ? unicast4 : unicast6, is4 ? 2 : 1 };
	const struct interval_set *side = &p->row->side[field];
	struct interval_set all, holes;

	if (!set)
		return NULL;
	all = interval_set_intersect(p->arena, set, &unicast);
	if (!interval_set_contains(&all, side))
		return NULL;
	holes = interval_set_subtract(p->arena, &all, side);
	if (holes.count > side->count)
		return NULL;
	if (!text)
		text = model_values_text(p->arena, p->model, field, set, VALUES_SHOWN);
	return holes.count ? arena_printf(p->arena, "%s except %s", text,
					  model_values_text(p->arena, p->model, field, &holes, HOLES_SHOWN))
			   : text;
}

static const char *address_values(const struct row_printer *p, enum model_field field)
{
	bool is4 = field == MODEL_SOURCE4 || field == MODEL_DEST4;
	struct interval_set everyone = interval_set_everyone(is4 ? AF_INET : AF_INET6);
	const char *text = NULL;

	for (int side = DIFF_NEW; side >= DIFF_OLD && !text; side--)
		text = addresses_with_holes(p, field, step_values(p->steps[side], field), NULL);
	if (!text)
		text = addresses_with_holes(p, field, &everyone, is4 ? "any IPv4" : "any IPv6");
	return text ? text : values(p, field);
}

static const char *append(struct arena *arena, const char *text, const char *separator, const char *more)
{
	return text[0] ? arena_printf(arena, "%s%s%s", text, separator, more) : more;
}

/* Addresses of both families; "" if they are not asked. */
static const char *addresses(const struct row_printer *p, enum model_field v4, enum model_field v6)
{
	bool has4 = has_value(p, MODEL_ETHERTYPE, 0x0800), has6 = has_value(p, MODEL_ETHERTYPE, 0x86dd);
	const char *text = "";

	if (has4 && is_asked(p, v4))
		text = address_values(p, v4);
	if (has6 && is_asked(p, v6))
		text = append(p->arena, text, strstr(text, " except ") ? "; " : ", ", address_values(p, v6));
	if (text[0] && has4 && has6 && !is_asked(p, v4))
		text = append(p->arena, text, ", ", "any IPv4");
	if (text[0] && has4 && has6 && !is_asked(p, v6))
		text = append(p->arena, text, strstr(text, " except ") ? "; " : ", ", "any IPv6");
	return text;
}

/* "tcp 22,443", "icmp 8" */
static const char *service(const struct row_printer *p)
{
	const char *text = "";

	if (is_asked(p, MODEL_PROTOCOL))
		text = values(p, MODEL_PROTOCOL);
	if (is_asked(p, MODEL_DPORT))
		text = append(p->arena, text, " ",
			      arena_printf(p->arena, "%s%s", text[0] ? "" : "port ", values(p, MODEL_DPORT)));
	if (is_asked(p, MODEL_ICMP_TYPE))
		text = append(p->arena, text, " ", arena_printf(p->arena, "type %s", values(p, MODEL_ICMP_TYPE)));
	if (is_asked(p, MODEL_ICMP_CODE))
		text = append(p->arena, text, " ", arena_printf(p->arena, "code %s", values(p, MODEL_ICMP_CODE)));
	return text;
}

/* "on eth0", or "not on eth0" if the row is about all interfaces but that. */
static const char *interfaces(const struct row_printer *p)
{
	const struct interval all = { number_small(0), number_small(p->usual->ifaces->count) };
	const struct interval_set whole = { &all, 1 };
	struct interval_set others;

	if (!is_asked(p, MODEL_IFACE))
		return "";
	if (!has_value(p, MODEL_IFACE, 0))
		return arena_printf(p->arena, "on %s", values(p, MODEL_IFACE));
	others = interval_set_subtract(p->arena, &whole, &p->row->side[MODEL_IFACE]);
	return arena_printf(p->arena, "not on %s", model_values_text(p->arena, p->model, MODEL_IFACE, &others, VALUES_SHOWN));
}

/* What is asked beside addresses and service, as "IPv4, from port 53". */
static const char *conditions(const struct row_printer *p, bool has_addresses)
{
	static const struct {
		enum model_field field;
		const char *text;
	} rows[] = {
		{ MODEL_SPORT, "from port" },	  { MODEL_STATE, "state" },	    { MODEL_TCP_FLAGS, "flags" },
		{ MODEL_SOURCE_MAC, "from MAC" }, { MODEL_ARP_SENDER, "ARP sender" }, { MODEL_SOURCE_TYPE, "source type" },
		{ MODEL_DEST_TYPE, "dest type" },
	};
	bool has4 = has_value(p, MODEL_ETHERTYPE, 0x0800), has6 = has_value(p, MODEL_ETHERTYPE, 0x86dd);
	const char *text = "";

	if (is_asked(p, MODEL_ETHERTYPE) && !has4 && !has6)
		text = arena_printf(p->arena, "ethertype %s", values(p, MODEL_ETHERTYPE));
	else if (has4 != has6 && !has_addresses && is_asked(p, MODEL_ETHERTYPE))
		text = has4 ? "IPv4" : "IPv6";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is_asked(p, rows[i].field))
			text = append(p->arena, text, ", ",
				      arena_printf(p->arena, "%s %s", rows[i].text, values(p, rows[i].field)));
	if (interfaces(p)[0])
		text = append(p->arena, text, ", ", interfaces(p));
	return text;
}

static void print_row(struct change *change, const struct row_printer *p)
{
	const char *source = addresses(p, MODEL_SOURCE4, MODEL_SOURCE6), *dest = addresses(p, MODEL_DEST4, MODEL_DEST6);

	for (int i = 0; i < MODEL_FIELDS; i++)
		if (p->row->side[i].count)
			change->exact[i] = model_values_text(p->arena, p->model, (enum model_field)i, &p->row->side[i],
							     UINT32_MAX);
	change->peer = change->inward ? source : dest;
	change->own = change->inward ? dest : source;
	change->what = service(p);
	if (conditions(p, source[0] || dest[0])[0])
		change->what = append(p->arena, change->what, ", ", conditions(p, source[0] || dest[0]));
}

/* ---- reasons ---- */

static struct change_side make_side(const struct diff_question *q, enum diff_side side, const struct decision *d)
{
	struct change_side made = { decision_keep(q->arena, d), reason_source_line(q->diff->map, &d->reason) };

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

	return arena_printf(arena, "%d %d %d|%s|%s|%s|%d %u %d %u|%.*s|%s|%.*s|%s", c->kind, c->ordinary, c->inward, c->peer,
			    c->own, c->what, (int)old->decision.verdict, old->decision.queue, (int)new->decision.verdict,
			    new->decision.queue, TEXT_ARG(old->line), implied_or_not(old), TEXT_ARG(new->line),
			    implied_or_not(new));
}

static bool is_among(uint64_t number, const uint8_t *numbers, size_t count)
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
		return (is4 || is6) && is_among(protocol, with_ports, sizeof(with_ports));
	case MODEL_ICMP_TYPE:
	case MODEL_ICMP_CODE:
		return (is4 || is6) && is_among(protocol, icmp, sizeof(icmp));
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

static struct change *add_change(struct change_list *list, const struct diff_question *q, const struct decision *old,
				 const struct decision *new, packets set)
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
	c->zones = ARENA_NEW(q->arena, struct change_zone);
	c->zones->zone = c->newest = q->path->zone;
	c->last_zone = &c->zones->next;
	c->zone_count = 1;
	*list->last = c;
	list->last = &c->next;
	return c;
}

static struct change *add_ordinary(struct change_list *list, const struct diff_question *q, const struct decision *old,
				   const struct decision *new, packets set)
{
	struct change *c = add_change(list, q, old, new, set);

	c->ordinary = true;
	return c;
}

static struct row_printer row_printer(const struct diff_question *q, const struct model_row *row, const struct decision *old,
				      const struct decision *new)
{
	return (struct row_printer){ q->arena, q->questions[DIFF_NEW]->model, row, q->usual,
				     { old->reason.step, new->reason.step } };
}

/* "tcp 22 from 10.0.0.0/8" */
static const char *exception_text(const struct row_printer *p, bool inward)
{
	struct change row = { .inward = inward };
	const char *text;

	print_row(&row, p);
	text = row.what;
	if (row.peer[0])
		text = append(p->arena, text, " ", arena_printf(p->arena, "%s %s", inward ? "from" : "to", row.peer));
	if (row.own[0])
		text = append(p->arena, text, " ", arena_printf(p->arena, "%s %s", inward ? "to" : "from", row.own));
	return text;
}

enum { ROWS_FEW = 3, EXCEPTIONS_MAX = 5, KINDS_MAX = 12 };

/* All ordinary packets of the families and protocols that packets of the set have; PACKETS_NONE if those are many. */
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
static const char *all_except(const struct diff_question *q, const struct decision *old, const struct decision *new,
			      packets set)
{
	struct model *m = q->questions[DIFF_NEW]->model;
	packets all = has_all_ports(q, set) ? same_protocols(q, set) : PACKETS_NONE, others = model_minus(m, all, set);
	struct change kinds = { .inward = q->path->inward };
	const char *text = "";
	struct row_printer p;
	struct model_row row;

	if (!model_row(m, q->arena, all, &row) || row.set != all)
		return NULL;
	p = row_printer(q, &row, old, new);
	print_row(&kinds, &p);
	for (int count = 0; others != PACKETS_NONE; count++) {
		if (count == EXCEPTIONS_MAX || !model_row(m, q->arena, others, &row))
			return NULL;
		p = row_printer(q, &row, old, new);
		text = append(q->arena, text, "; ", exception_text(&p, q->path->inward));
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
	for (uint32_t count = 0; count < rows_of_pair(q->diff) && model_row(m, q->arena, set, &row); count++) {
		struct row_printer p = row_printer(q, &row, old, new);

		c = add_ordinary(list, q, old, new, row.set);
		print_row(c, &p);
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
		const struct reason *o = &c->sides[DIFF_OLD].decision.reason, *n = &c->sides[DIFF_NEW].decision.reason;

		if (c->inward == inward && o->span.begin == old->reason.span.begin && n->span.begin == new->reason.span.begin)
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
	c = add_change(list, q, old, new, set);
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
static struct decision *decide(const struct diff_question *q, enum diff_side side, packets set)
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
	olds = decide(q, DIFF_OLD, set);
	news = decide(q, DIFF_NEW, set);
	for (const struct decision *new = news; new; new = new->next)
		for (const struct decision *old = olds; old; old = old->next) {
			packets both = is_same_fate(old, new) ? PACKETS_NONE : model_and(m, old->set, new->set);

			if (both != PACKETS_NONE)
				add(list, q, old, new, both);
		}
}

void diff_rows_add(struct change_list *list, const struct diff_question *q, packets differing)
{
	struct model *m = q->questions[DIFF_NEW]->model;

	if (!q->path->flooded)
		each_pair(list, q, model_and(m, differing, q->ordinary), add_rows);
	each_pair(list, q, q->path->flooded ? differing : model_minus(m, differing, q->ordinary), add_unusual);
}

/* ---- all rows ---- */

static void change_join(struct change *c, struct change *other)
{
	c->more += other->more;
	/* A row about unicast and about flooded frames. */
	if (c->newest == other->zones->zone)
		return;
	c->newest = other->newest;
	*c->last_zone = other->zones;
	c->last_zone = other->last_zone;
	c->zone_count++;
}

void change_list_merge(struct change **table, struct change *changes)
{
	struct change *next, *found;

	for (struct change *c = changes; c; c = next) {
		next = c->next;
		c->next = NULL;
		HASH_FIND_STR(*table, c->key, found);
		if (found)
			change_join(found, c);
		else
			HASH_ADD_KEYPTR(hh, *table, c->key, strlen(c->key), c);
	}
}

/* Newly allowed first; within a kind ordinary packets, else as they were found. */
static int compare_changes(const void *a, const void *b)
{
	const struct change *x = *(struct change *const *)a, *y = *(struct change *const *)b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->ordinary != y->ordinary)
		return x->ordinary ? -1 : 1;
	return compare_numbers(x->number, y->number);
}

void change_list_finish(struct diff *diff, struct change *table)
{
	uint32_t count = HASH_COUNT(table), number = 0;
	struct change **sorted = ARENA_ARRAY(diff->arena, struct change *, count + 1), **last = &diff->changes;

	for (struct change *c = table; c; c = c->hh.next) {
		c->number = number;
		sorted[number++] = c;
	}
	if (count)
		qsort(sorted, count, sizeof(*sorted), compare_changes);
	for (uint32_t i = 0; i < count && i < diff->limit; i++) {
		*last = sorted[i];
		last = &sorted[i]->next;
	}
	*last = NULL;
	diff->change_count = count < diff->limit ? count : diff->limit;
	diff->left_out = count - diff->change_count;
	HASH_CLEAR(hh, table);
}
