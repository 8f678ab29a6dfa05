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

/* ---- usual values ---- */

static const struct interval usual_ports[] = { { { 0, 1 }, { 0, 65535 } } };
static const struct interval usual_type[] = { { { 0, MODEL_TYPE_UNICAST }, { 0, MODEL_TYPE_UNICAST } } };
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

	change->peer = change->inward ? source : dest;
	change->own = change->inward ? dest : source;
	change->what = service(p);
	if (conditions(p, source[0] || dest[0])[0])
		change->what = append(p->arena, change->what, ", ", conditions(p, source[0] || dest[0]));
}

/* ---- reasons ---- */

/* Copies what belongs to the question. */
static struct reason keep_reason(struct arena *arena, const struct reason *reason)
{
	struct reason kept = *reason;

	kept.stage = reason->stage ? arena_string(arena, text_of(reason->stage)) : NULL;
	kept.implied = reason->implied ? arena_string(arena, text_of(reason->implied)) : NULL;
	kept.chain = arena_copy(arena, reason->chain);
	kept.group_name = arena_copy(arena, reason->group_name);
	kept.step = NULL;
	return kept;
}

static struct change_side make_side(const struct diff_question *q, const struct decision *d)
{
	struct change_side side = { .verdict = d->verdict, .queue = d->queue };
	struct source *source = source_find(q->diff->map, d->reason.span.begin);

	side.reason = keep_reason(q->arena, &d->reason);
	if (source)
		side.line = text_trim(word_text(
			source_line(q->diff->map, source, source_line_number(q->diff->map, d->reason.span.begin))));
	return side;
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

/* What makes two rows the same: the place of a line does not count, its text does. */
static const char *change_key(struct arena *arena, const struct change *c)
{
	const struct change_side *old = &c->sides[DIFF_OLD], *new = &c->sides[DIFF_NEW];

	return arena_printf(arena, "%d %d %d|%s|%s|%s|%d %u %d %u|%.*s|%s|%.*s|%s", c->kind, c->ordinary, c->inward, c->peer,
			    c->own, c->what, (int)old->verdict, old->queue, (int)new->verdict, new->queue,
			    TEXT_ARG(old->line), old->reason.implied ? old->reason.implied : "", TEXT_ARG(new->line),
			    new->reason.implied ? new->reason.implied : "");
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
	c->sides[DIFF_OLD] = make_side(q, old);
	c->sides[DIFF_NEW] = make_side(q, new);
	if (model_pick(m, set, &packet))
		c->example = model_packet_text(q->arena, m, &packet);
	c->zones = ARENA_NEW(q->arena, struct change_zone);
	c->zones->zone = c->newest = q->path->zone;
	c->last_zone = &c->zones->next;
	c->zone_count = 1;
	*list->last = c;
	list->last = &c->next;
	return c;
}

/* Rows of one pair of lines. */
static void add_rows(struct change_list *list, const struct diff_question *q, const struct decision *old,
		     const struct decision *new, packets set)
{
	struct model *m = q->questions[DIFF_NEW]->model;
	struct change *c = NULL;
	uint32_t count = 0;

	while (set != PACKETS_NONE && count < q->diff->limit) {
		struct model_row row;

		if (!model_row(m, q->arena, set, &row))
			break;
		c = add_change(list, q, old, new, row.set);
		c->ordinary = true;
		print_row(c, &(struct row_printer){ q->arena, m, &row, q->usual, { old->reason.step, new->reason.step } });
		c->key = change_key(q->arena, c);
		set = model_minus(m, set, row.set);
		count++;
	}
	if (c && set != PACKETS_NONE)
		c->more = 1;
}

static bool is_known_pair(const struct change_list *list, bool inward, const struct decision *old,
			  const struct decision *new)
{
	for (const struct change *c = list->first; c; c = c->next) {
		const struct reason *o = &c->sides[DIFF_OLD].reason, *n = &c->sides[DIFF_NEW].reason;

		if (c->inward == inward && o->span.begin == old->reason.span.begin && n->span.begin == new->reason.span.begin)
			return true;
	}
	return false;
}

/* One row for packets that are not ordinary. */
static void add_unusual(struct change_list *list, const struct diff_question *q, const struct decision *old,
			const struct decision *new, packets set)
{
	struct change *c;

	if (is_known_pair(list, q->path->inward, old, new))
		return;
	c = add_change(list, q, old, new, set);
	c->key = change_key(q->arena, c);
}

static bool is_same_fate(const struct decision *a, const struct decision *b)
{
	return a->verdict == b->verdict && a->queue == b->queue;
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
	olds = question_decide(q->questions[DIFF_OLD], set, SPAN_NONE);
	news = question_decide(q->questions[DIFF_NEW], set, SPAN_NONE);
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
