/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of a set: an example, and rows. */
#include "model/model_state.h"

/* ---- classes of a set ---- */

/* Sets in[c] for each class c of the field whose number makes `a` true, which asks no other field. */
static void show_fill(const struct model *m, enum model_field field, uint32_t a, uint64_t base, uint32_t bits,
		      bool *in)
{
	const struct field_classes *f = &m->fields[field];
	const struct dd_node *n = &m->dd.nodes[a];
	uint64_t half = bits ? (uint64_t)1 << (bits - 1) : 0;
	bool asked;

	if (a == DD_FALSE || base >= f->count)
		return;
	if (a == DD_TRUE) {
		for (uint64_t c = base; c < base + ((uint64_t)1 << bits) && c < f->count; c++)
			in[c] = true;
		return;
	}
	asked = n->var == f->first_var + f->width - bits;
	show_fill(m, field, asked ? n->low : a, base, bits - 1, in);
	show_fill(m, field, asked ? n->high : a, base + half, bits - 1, in);
}

/* The classes of one field that packets of the set have; from `arena`. */
static bool *show_classes(struct model *m, struct arena *arena, packets set, enum model_field field)
{
	const struct field_classes *f = &m->fields[field];
	bool *in = ARENA_ARRAY(arena, bool, f->count);

	show_fill(m, field, dd_project(&m->dd, set, f->first_var, f->width), 0, f->width, in);
	return in;
}

static packets show_class_set(struct model *m, enum model_field field, uint32_t class)
{
	return classes_runs(m, field, &(struct class_run){ class, class }, 1);
}

static packets show_classes_set(struct model *m, struct arena *arena, enum model_field field, const bool *in)
{
	uint32_t count = m->fields[field].count, run_count = 0;
	struct class_run *runs = ARENA_ARRAY(arena, struct class_run, count);

	for (uint32_t i = 0; i < count; i++) {
		if (!in[i])
			continue;
		if (i && in[i - 1])
			runs[run_count - 1].last = i;
		else
			runs[run_count++] = (struct class_run){ i, i };
	}
	return classes_runs(m, field, runs, run_count);
}

struct interval_set model_values(struct model *m, struct arena *arena, packets set, enum model_field field)
{
	return classes_values(m, arena, field, show_classes(m, arena, set, field));
}

/* ---- an example ---- */

static struct number show_example(enum model_field field)
{
	static const uint64_t examples[MODEL_FIELDS] = {
#define FIELD(ID, bits, name, example) [MODEL_##ID] = example,
#include "model/field.def"
	};
	struct number n = number_small(examples[field]);

	if (field == MODEL_SOURCE6 || field == MODEL_DEST6)
		n.high = 0x20010db800000000; /* 2001:db8::/32 is for examples, as 192.0.2.0/24 is */
	return n;
}

/* Values to be tried in this order; the example of field.def comes first. */
struct show_preference {
	enum model_field field;
	uint8_t count;
	uint16_t values[5];
};

/* In the order in which they are chosen: what makes a packet odd comes first. */
static const struct show_preference show_preferences[] = {
	{ MODEL_OVER_LIMIT, 0, { 0 } },
	{ MODEL_ETHERTYPE, 2, { 0x86dd, 0x0806 } },
	{ MODEL_STATE, 2, { MODEL_STATE_ESTABLISHED, MODEL_STATE_RELATED } },
	{ MODEL_DEST_TYPE, 1, { MODEL_TYPE_LOCAL } },
	{ MODEL_SOURCE_TYPE, 1, { MODEL_TYPE_LOCAL } },
	{ MODEL_PROTOCOL, 5, { 17, 1, 58, 47, 50 } },
	{ MODEL_TCP_FLAGS, 2, { 0x10, 0x12 } },
	{ MODEL_IFACE, 0, { 0 } },
	{ MODEL_ICMP_CODE, 0, { 0 } },
	{ MODEL_ICMP_TYPE, 1, { 128 } },
	{ MODEL_DPORT, 3, { 443, 22, 1024 } },
	{ MODEL_SPORT, 1, { 1024 } },
	{ MODEL_SOURCE4, 0, { 0 } },
	{ MODEL_DEST4, 0, { 0 } },
	{ MODEL_SOURCE6, 0, { 0 } },
	{ MODEL_DEST6, 0, { 0 } },
	{ MODEL_SOURCE_MAC, 0, { 0 } },
	{ MODEL_ARP_SENDER, 0, { 0 } },
};

/* The first protocol of the class, from this piece on, that is not 0: a rule cannot ask for that one. */
static struct number show_protocol(const struct model *m, uint32_t class, uint32_t piece)
{
	const struct field_classes *f = &m->fields[MODEL_PROTOCOL];
	static const uint8_t known[] = { 47, 50 };

	for (unsigned i = 0; i < sizeof(known); i++)
		if (classes_of_value(m, MODEL_PROTOCOL, number_small(known[i])) == class)
			return number_small(known[i]);
	for (uint32_t i = piece + 1; i < f->piece_count; i++)
		if (f->pieces[i].class == class)
			return f->pieces[i].first;
	return f->pieces[piece].first;
}

/* A value of the class that does not look odd: the example, or the first; but a host's address, no network's.
 */
static struct number show_value(const struct model *m, enum model_field field, uint32_t class)
{
	const struct field_classes *f = &m->fields[field];
	struct number example = show_example(field), value, next;
	bool has_network = field == MODEL_SOURCE4 || field == MODEL_DEST4 || field == MODEL_SOURCE6 ||
			   field == MODEL_DEST6 || field == MODEL_ARP_SENDER;
	bool has_odd_zero = field == MODEL_DPORT || field == MODEL_SPORT;
	uint32_t piece = 0;

	if (classes_of_value(m, field, example) == class)
		return example;
	while (f->pieces[piece].class != class)
		piece++;
	value = f->pieces[piece].first;
	next = number_next(value);
	if (field == MODEL_PROTOCOL && !value.low)
		return show_protocol(m, class, piece);
	if (((has_network && !(value.low & 1)) || (has_odd_zero && !value.low)) &&
	    classes_of_value(m, field, next) == class)
		return next;
	return value;
}

/* Whether packets of the set have a value of the class; then *set is those. */
static bool show_narrow(struct model *m, packets *set, enum model_field field, uint32_t class)
{
	packets part = dd_and(&m->dd, *set, show_class_set(m, field, class));

	if (part == PACKETS_NONE)
		return false;
	*set = part;
	return true;
}

/* The first class that packets of the set have. */
static uint32_t show_first_class(struct model *m, packets set, enum model_field field)
{
	const struct field_classes *f = &m->fields[field];
	uint32_t a = dd_project(&m->dd, set, f->first_var, f->width), code = 0;

	for (uint32_t i = 0; i < f->width; i++) {
		const struct dd_node *n = &m->dd.nodes[a];
		bool asked = a > DD_TRUE && n->var == f->first_var + i;
		bool bit = asked && n->low == DD_FALSE;

		if (asked)
			a = bit ? n->high : n->low;
		code = code << 1 | bit;
	}
	return code < f->count ? code : f->count - 1;
}

static uint32_t show_choose(struct model *m, packets *set, const struct show_preference *p)
{
	uint32_t class = classes_of_value(m, p->field, show_example(p->field));

	if (show_narrow(m, set, p->field, class))
		return class;
	for (unsigned i = 0; i < p->count; i++) {
		class = classes_of_value(m, p->field, number_small(p->values[i]));
		if (show_narrow(m, set, p->field, class))
			return class;
	}
	class = show_first_class(m, *set, p->field);
	show_narrow(m, set, p->field, class);
	return class;
}

static bool show_pick_classes(struct model *m, packets set, uint32_t classes[MODEL_FIELDS])
{
	if (set == PACKETS_NONE || m->dd.over)
		return false;
	for (unsigned i = 0; i < sizeof(show_preferences) / sizeof(show_preferences[0]); i++)
		classes[show_preferences[i].field] = show_choose(m, &set, &show_preferences[i]);
	return !m->dd.over;
}

bool model_pick(struct model *m, packets set, struct model_packet *packet)
{
	uint32_t classes[MODEL_FIELDS] = { 0 };

	if (!show_pick_classes(m, set, classes))
		return false;
	for (int f = 0; f < MODEL_FIELDS; f++)
		packet->value[f] = show_value(m, (enum model_field)f, classes[f]);
	return true;
}

bool model_has(struct model *m, packets set, const struct model_packet *packet)
{
	while (set > DD_TRUE) {
		const struct dd_node *n = &m->dd.nodes[set];
		enum model_field f = (enum model_field)m->field_of_var[n->var];
		uint32_t class, bit;

		class = classes_of_value(m, f, packet->value[f]);
		bit = m->fields[f].width - 1 - (n->var - m->fields[f].first_var);
		set = class >> bit & 1 ? n->high : n->low;
	}
	return set == DD_TRUE;
}

packets model_like(struct model *m, const struct model_packet *packet, uint32_t open)
{
	packets all = model_world(m);

	for (int f = MODEL_FIELDS; f-- > 0;) {
		enum model_field field = (enum model_field)f;

		if (!(open >> f & 1))
			all = dd_and(&m->dd,
				     show_class_set(m, field, classes_of_value(m, field, packet->value[f])),
				     all);
	}
	return all;
}

/* ---- rows ---- */

struct show_row {
	struct model *m;
	struct arena arena;
	packets set, within; /* the row may have packets of `set`, and any that are not `within` */
	packets parts[MODEL_FIELDS];
	bool *in[MODEL_FIELDS];
};

/*
 * In the order in which a row is widened.  Fields that firewall rules seldom ask come first: so the row is
 * any value of them, and what remains is told by what people ask.
 */
static const enum model_field show_widening[] = {
	MODEL_OVER_LIMIT, MODEL_TCP_FLAGS,   MODEL_ICMP_CODE, MODEL_ICMP_TYPE, MODEL_ARP_SENDER,
	MODEL_SOURCE_MAC, MODEL_SOURCE_TYPE, MODEL_DEST_TYPE, MODEL_STATE,     MODEL_SPORT,
	MODEL_IFACE,      MODEL_SOURCE6,     MODEL_DEST6,     MODEL_SOURCE4,   MODEL_DEST4,
	MODEL_DPORT,      MODEL_PROTOCOL,    MODEL_ETHERTYPE,
};

/* Packets of the row, but for one field (-1: none). */
static packets show_product(struct show_row *row, int except)
{
	packets all = row->within;

	for (int f = MODEL_FIELDS; f-- > 0;)
		if (f != except)
			all = dd_and(&row->m->dd, row->parts[f], all);
	return all;
}

/* Packets with these classes; those without the field are not told apart by it. */
static packets show_part(struct show_row *row, enum model_field field)
{
	struct dd *dd = &row->m->dd;

	return dd_or(dd, show_classes_set(row->m, &row->arena, field, row->in[field]),
		     dd_not(dd, world_applies(row->m, field)));
}

/*
 * Packets that have all fields which the row asks but for `except`: "tcp,icmp 5432" would be a row, but
 * nobody would think of all ICMP.  Addresses are an exception, since each family has its own.
 */
static packets show_with_fields(struct show_row *row, enum model_field except)
{
	packets all = DD_TRUE;

	for (int f = 0; f < MODEL_FIELDS; f++) {
		bool is_address = f == MODEL_SOURCE4 || f == MODEL_SOURCE6 || f == MODEL_DEST4 ||
				  f == MODEL_DEST6;

		if (row->parts[f] != DD_TRUE && f != (int)except)
			all = dd_and(
				&row->m->dd, all,
				world_applies(row->m, is_address ? MODEL_PROTOCOL : (enum model_field)f));
	}
	return all;
}

/* Sets bad[c] for each value of the field whose packets `around` are not all good. */
static bool *show_bad(struct show_row *row, enum model_field field, packets around, packets good)
{
	return show_classes(row->m, &row->arena, dd_minus(&row->m->dd, around, good), field);
}

/* The values that packets `around` have, of those that have the field. */
static bool *show_existing(struct show_row *row, enum model_field field, packets around)
{
	return show_classes(row->m, &row->arena, dd_and(&row->m->dd, around, world_applies(row->m, field)),
			    field);
}

/* Whether the row would have more values of `field`, if it were of this protocol. */
static bool show_has_more(struct show_row *row, uint32_t protocol, enum model_field field)
{
	packets before[2] = { row->parts[MODEL_PROTOCOL], row->parts[field] }, around;
	const bool *bad, *exists;
	bool more = false;

	row->parts[MODEL_PROTOCOL] = show_class_set(row->m, MODEL_PROTOCOL, protocol);
	row->parts[field] = DD_TRUE;
	around = show_product(row, -1);
	bad = show_bad(row, field, around, row->set);
	exists = show_existing(row, field, around);
	for (uint32_t i = 0; i < row->m->fields[field].count; i++)
		more |= exists[i] && !bad[i] && !row->in[field][i];
	row->parts[MODEL_PROTOCOL] = before[0];
	row->parts[field] = before[1];
	return more;
}

/* Leaves out protocols of which a row of their own says more: what is left of them would need another one. */
static void show_narrow_protocols(struct show_row *row, uint32_t own)
{
	static const enum model_field asked[] = { MODEL_DPORT, MODEL_SPORT, MODEL_ICMP_TYPE };
	bool *in = row->in[MODEL_PROTOCOL];

	for (uint32_t i = 0; i < row->m->fields[MODEL_PROTOCOL].count; i++)
		for (unsigned k = 0; k < 3; k++)
			if (in[i] && i != own && row->parts[asked[k]] != DD_TRUE &&
			    show_has_more(row, i, asked[k]))
				in[i] = false;
}

static void show_widen(struct show_row *row, enum model_field field, uint32_t own)
{
	struct model *m = row->m;
	packets around = show_product(row, (int)field), good = row->set;
	uint32_t count = m->fields[field].count;
	const bool *bad, *exists;
	bool every = true;

	if (field == MODEL_PROTOCOL || field == MODEL_ETHERTYPE)
		good = dd_and(&m->dd, good, show_with_fields(row, field));
	bad = show_bad(row, field, around, good);
	exists = show_existing(row, field, around);
	for (uint32_t i = 0; i < count; i++)
		every &= !bad[i];
	/* Values that no packet around has are of no use, unless they make it every value. */
	for (uint32_t i = 0; i < count; i++)
		row->in[field][i] = every || i == own || (exists[i] && !bad[i]);
	if (field == MODEL_PROTOCOL && !every)
		show_narrow_protocols(row, own);
	row->parts[field] = every ? DD_TRUE : show_part(row, field);
}

/* Lets packets of the other IP version into the row, with those of their addresses for which it holds. */
static void show_add_version(struct show_row *row, uint32_t version, const enum model_field addresses[2])
{
	struct model *m = row->m;
	const packets before = row->parts[MODEL_ETHERTYPE];
	packets around;
	const bool *bad, *exists;
	bool found = false;

	row->parts[addresses[0]] = row->parts[addresses[1]] = DD_TRUE;
	row->parts[MODEL_ETHERTYPE] = show_class_set(m, MODEL_ETHERTYPE, version);
	around = dd_and(&m->dd, show_product(row, -1), show_with_fields(row, MODEL_ETHERTYPE));
	for (unsigned side = 0; side < 2 && !found; side++) {
		enum model_field field = addresses[side];

		bad = show_bad(row, field, around, row->set);
		exists = show_existing(row, field, around);
		for (uint32_t i = 0; i < m->fields[field].count; i++) {
			row->in[field][i] = exists[i] && !bad[i];
			found |= row->in[field][i];
		}
		if (found)
			row->parts[field] = show_part(row, field);
	}
	row->parts[MODEL_ETHERTYPE] = before;
	if (!found)
		return;
	row->in[MODEL_ETHERTYPE][version] = true;
	row->parts[MODEL_ETHERTYPE] = show_part(row, MODEL_ETHERTYPE);
}

/* Rows of one IP version: "10.0.0.0/8" and "fd00::/8" are better one row. */
static void show_join_versions(struct show_row *row)
{
	static const enum model_field addresses[2][2] = { { MODEL_SOURCE4, MODEL_DEST4 },
							  { MODEL_SOURCE6, MODEL_DEST6 } };
	uint32_t four = classes_of_value(row->m, MODEL_ETHERTYPE, number_small(0x0800));
	uint32_t six = classes_of_value(row->m, MODEL_ETHERTYPE, number_small(0x86dd));
	const bool *in = row->in[MODEL_ETHERTYPE];

	if (row->parts[MODEL_ETHERTYPE] == DD_TRUE || in[four] == in[six])
		return;
	show_add_version(row, in[four] ? six : four, addresses[in[four]]);
}

/* How many intervals it takes to name the values, or the others. */
static uint32_t show_range_count(const struct interval_set *values, struct interval_set all)
{
	uint32_t others = values->count + 1;

	if (!values->count)
		return 1;
	others -= number_compare(values->ranges[0].first, all.ranges[0].first) == 0;
	others -= number_compare(values->ranges[values->count - 1].last, all.ranges[0].last) == 0;
	return others < values->count ? others : values->count;
}

/* The values of a field that the row has.  Values that no packet of it has are added if that makes it
 * shorter: "all but 10.0.0.0/8" is shorter than all unicast addresses but these. */
static struct interval_set show_side(struct show_row *row, struct arena *arena, enum model_field field)
{
	struct interval all = { number_small(0), classes_top(field) };
	const struct interval_set whole = { &all, 1 };
	const bool *exists = show_existing(row, field, show_product(row, (int)field));
	struct interval_set exact = classes_values(row->m, arena, field, row->in[field]), more;

	if (field == MODEL_ETHERTYPE || field == MODEL_PROTOCOL)
		return exact;
	for (uint32_t i = 0; i < row->m->fields[field].count; i++)
		row->in[field][i] |= !exists[i];
	more = classes_values(row->m, arena, field, row->in[field]);
	if (interval_set_contains(&more, &whole))
		return (struct interval_set){ NULL, 0 };
	return show_range_count(&more, whole) < show_range_count(&exact, whole) ? more : exact;
}

bool model_row(struct model *m, struct arena *arena, packets set, struct model_row *row)
{
	struct show_row r = { .m = m, .set = set, .within = model_world(m) };
	uint32_t classes[MODEL_FIELDS] = { 0 };
	packets ordinary = model_ordinary(m);

	*row = (struct model_row){ 0 };
	if (!show_pick_classes(m, set, classes))
		return false;
	if (dd_minus(&m->dd, set, ordinary) == PACKETS_NONE)
		r.within = ordinary;
	for (int f = 0; f < MODEL_FIELDS; f++) {
		r.in[f] = ARENA_ARRAY(&r.arena, bool, m->fields[f].count);
		r.in[f][classes[f]] = true;
		r.parts[f] = show_part(&r, (enum model_field)f);
	}
	for (unsigned i = 0; i < sizeof(show_widening) / sizeof(show_widening[0]); i++)
		show_widen(&r, show_widening[i], classes[show_widening[i]]);
	show_join_versions(&r);
	row->set = show_product(&r, -1);
	for (int f = 0; f < MODEL_FIELDS; f++)
		if (r.parts[f] != DD_TRUE)
			row->side[f] = show_side(&r, arena, (enum model_field)f);
	arena_free(&r.arena);
	return !m->dd.over;
}
