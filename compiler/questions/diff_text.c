/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "questions/diff_text.h"

enum { VALUES_SHOWN = 6, HOLES_SHOWN = 3 };

/* Whether not all usual values are in the row. */
static bool is_asked(const struct row_printer *p, enum model_field field)
{
	const struct interval_set *side = &p->row->side[field];

	for (uint32_t i = 0; side->count && i < p->usual->count; i++)
		if (p->usual->items[i].field == field &&
		    interval_set_contains(side, &p->usual->items[i].values))
			return false;
	return side->count != 0;
}

bool row_has_value(const struct row_printer *p, enum model_field field, uint64_t value)
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
static const struct interval unicast4[] = { { { 0, 1 }, { 0, 0xdfffffff } },
					    { { 0, 0xf0000000 }, { 0, 0xfffffffe } } };
static const struct interval unicast6[] = { { { 0, 0 }, { 0xfeffffffffffffff, UINT64_MAX } } };

/* What is left of a set after many rules is easier to read as the set without some values: "10.0.0.0/8
 * except 10.1.0.0/16". NULL if the addresses are not most of the set. */
static const char *addresses_with_holes(const struct row_printer *p, enum model_field field,
					const struct interval_set *set, const char *text)
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

const char *text_append(struct arena *arena, const char *text, const char *separator, const char *more)
{
	return text[0] ? arena_printf(arena, "%s%s%s", text, separator, more) : more;
}

/* Addresses of both families; "" if they are not asked. */
static const char *addresses(const struct row_printer *p, enum model_field v4, enum model_field v6)
{
	bool has4 = row_has_value(p, MODEL_ETHERTYPE, 0x0800),
	     has6 = row_has_value(p, MODEL_ETHERTYPE, 0x86dd);
	const char *text = "";

	if (has4 && is_asked(p, v4))
		text = address_values(p, v4);
	if (has6 && is_asked(p, v6))
		text = text_append(p->arena, text, strstr(text, " except ") ? "; " : ", ",
				   address_values(p, v6));
	if (text[0] && has4 && has6 && !is_asked(p, v4))
		text = text_append(p->arena, text, ", ", "any IPv4");
	if (text[0] && has4 && has6 && !is_asked(p, v6))
		text = text_append(p->arena, text, strstr(text, " except ") ? "; " : ", ", "any IPv6");
	return text;
}

/* "tcp 22,443", "icmp 8" */
static const char *service(const struct row_printer *p)
{
	const char *text = "";

	if (is_asked(p, MODEL_PROTOCOL))
		text = values(p, MODEL_PROTOCOL);
	if (is_asked(p, MODEL_DPORT))
		text = text_append(
			p->arena, text, " ",
			arena_printf(p->arena, "%s%s", text[0] ? "" : "port ", values(p, MODEL_DPORT)));
	if (is_asked(p, MODEL_ICMP_TYPE))
		text = text_append(p->arena, text, " ",
				   arena_printf(p->arena, "type %s", values(p, MODEL_ICMP_TYPE)));
	if (is_asked(p, MODEL_ICMP_CODE))
		text = text_append(p->arena, text, " ",
				   arena_printf(p->arena, "code %s", values(p, MODEL_ICMP_CODE)));
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
	if (!row_has_value(p, MODEL_IFACE, 0))
		return arena_printf(p->arena, "on %s", values(p, MODEL_IFACE));
	others = interval_set_subtract(p->arena, &whole, &p->row->side[MODEL_IFACE]);
	return arena_printf(p->arena, "not on %s",
			    model_values_text(p->arena, p->model, MODEL_IFACE, &others, VALUES_SHOWN));
}

/* What is asked beside addresses and service, as "IPv4, from port 53". */
static const char *conditions(const struct row_printer *p, bool has_addresses)
{
	static const struct {
		enum model_field field;
		const char *text;
	} rows[] = {
		{ MODEL_SPORT, "from port" },       { MODEL_STATE, "state" },
		{ MODEL_TCP_FLAGS, "flags" },       { MODEL_SOURCE_MAC, "from MAC" },
		{ MODEL_ARP_SENDER, "ARP sender" }, { MODEL_SOURCE_TYPE, "source type" },
		{ MODEL_DEST_TYPE, "dest type" },
	};
	bool has4 = row_has_value(p, MODEL_ETHERTYPE, 0x0800),
	     has6 = row_has_value(p, MODEL_ETHERTYPE, 0x86dd);
	const char *text = "";

	if (is_asked(p, MODEL_ETHERTYPE) && !has4 && !has6)
		text = arena_printf(p->arena, "ethertype %s", values(p, MODEL_ETHERTYPE));
	else if (has4 != has6 && !has_addresses && is_asked(p, MODEL_ETHERTYPE))
		text = has4 ? "IPv4" : "IPv6";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is_asked(p, rows[i].field))
			text = text_append(
				p->arena, text, ", ",
				arena_printf(p->arena, "%s %s", rows[i].text, values(p, rows[i].field)));
	if (interfaces(p)[0])
		text = text_append(p->arena, text, ", ", interfaces(p));
	return text;
}

void row_print(struct change *change, const struct row_printer *p)
{
	const char *source = addresses(p, MODEL_SOURCE4, MODEL_SOURCE6),
		   *dest = addresses(p, MODEL_DEST4, MODEL_DEST6);

	for (int i = 0; i < MODEL_FIELDS; i++)
		if (p->row->side[i].count)
			change->exact[i] = model_values_text(p->arena, p->model, (enum model_field)i,
							     &p->row->side[i], UINT32_MAX);
	change->peer = change->inward ? source : dest;
	change->own = change->inward ? dest : source;
	change->what = service(p);
	if (conditions(p, source[0] || dest[0])[0])
		change->what = text_append(p->arena, change->what, ", ", conditions(p, source[0] || dest[0]));
}
