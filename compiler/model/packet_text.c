/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values, packets and rows as text. */
#include "model/model_state.h"

#include <stdlib.h>

#include "base/output.h"
#include "base/xmalloc.h"

struct text_name {
	uint32_t value;
	const char *name;
};

static const struct text_name text_ethertypes[] = {
	{ 0x0800, "IPv4" }, { 0x86dd, "IPv6" }, { 0x0806, "ARP" }, { 0, NULL }
};
static const struct text_name text_protocols[] = {
	{ 1, "icmp" },  { 2, "igmp" },   { 6, "tcp" },    { 17, "udp" },      { 33, "dccp" },
	{ 41, "ipv6" }, { 47, "gre" },   { 50, "esp" },   { 51, "ah" },       { 58, "ipv6-icmp" },
	{ 89, "ospf" }, { 112, "vrrp" }, { 132, "sctp" }, { 136, "udplite" }, { 0, NULL },
};
static const struct text_name text_states[] = {
	{ MODEL_STATE_NEW, "new" },
	{ MODEL_STATE_ESTABLISHED, "established" },
	{ MODEL_STATE_RELATED, "related" },
	{ MODEL_STATE_INVALID, "invalid" },
	{ MODEL_STATE_UNTRACKED, "untracked" },
	{ 0, NULL },
};
static const struct text_name text_types[] = {
	{ MODEL_TYPE_UNICAST, "unicast" },     { MODEL_TYPE_LOCAL, "local" },
	{ MODEL_TYPE_BROADCAST, "broadcast" }, { MODEL_TYPE_ANYCAST, "anycast" },
	{ MODEL_TYPE_MULTICAST, "multicast" }, { 0, NULL },
};

static const char *text_name_of(const struct text_name *names, uint64_t value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

static const struct text_name *text_names_of_field(enum model_field field)
{
	switch (field) {
	case MODEL_ETHERTYPE:
		return text_ethertypes;
	case MODEL_PROTOCOL:
		return text_protocols;
	case MODEL_STATE:
		return text_states;
	case MODEL_SOURCE_TYPE:
	case MODEL_DEST_TYPE:
		return text_types;
	default:
		return NULL;
	}
}

static const char *text_field_name(enum model_field field)
{
	static const char *const names[MODEL_FIELDS] = {
#define FIELD(ID, bits, name, ...) [MODEL_##ID] = name,
#include "model/field.def"
	};

	return names[field];
}

/* ---- values ---- */

static bool text_is_ipv4(enum model_field field)
{
	return field == MODEL_SOURCE4 || field == MODEL_DEST4 || field == MODEL_ARP_SENDER;
}

static bool text_is_ipv6(enum model_field field)
{
	return field == MODEL_SOURCE6 || field == MODEL_DEST6;
}

static struct prefix text_prefix(enum model_field field, struct number n, unsigned length)
{
	struct prefix p = { .family = text_is_ipv6(field) ? AF_INET6 : AF_INET, .length = (uint8_t)length };

	for (unsigned i = 0; i < 8; i++) {
		if (p.family == AF_INET6) {
			p.bytes[i] = (uint8_t)(n.high >> (56 - 8 * i));
			p.bytes[8 + i] = (uint8_t)(n.low >> (56 - 8 * i));
		} else if (i < 4) {
			p.bytes[i] = (uint8_t)(n.low >> (24 - 8 * i));
		}
	}
	return p;
}

static void text_put_prefix(struct out *out, enum model_field field, struct number n, unsigned length)
{
	struct prefix p = text_prefix(field, n, length);
	char buffer[PREFIX_TEXT_SIZE];

	prefix_format(&p, buffer);
	out_string(out, buffer);
}

static void text_put_flags(struct out *out, uint64_t flags)
{
	static const char *const names[] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR" };
	const char *before = "";

	if (!flags)
		out_string(out, "none");
	for (unsigned i = 0; i < 8; i++)
		if (flags >> i & 1) {
			out_string(out, before);
			out_string(out, names[i]);
			before = "+";
		}
}

static void text_put_iface(struct out *out, const struct model *m, uint64_t number)
{
	if (m->ifaces && number && number <= m->ifaces->count)
		out_text(out, m->ifaces->names[number - 1]);
	else
		out_string(out, "any other");
}

static void text_put_value(struct out *out, const struct model *m, enum model_field field, struct number n)
{
	const struct text_name *names = text_names_of_field(field);
	const char *name = names ? text_name_of(names, n.low) : NULL;

	if (name)
		out_string(out, name);
	else if (text_is_ipv4(field))
		text_put_prefix(out, field, n, 32);
	else if (text_is_ipv6(field))
		text_put_prefix(out, field, n, 128);
	else if (field == MODEL_SOURCE_MAC)
		out_printf(out, "%02x:%02x:%02x:%02x:%02x:%02x", (unsigned)(n.low >> 40 & 255),
			   (unsigned)(n.low >> 32 & 255), (unsigned)(n.low >> 24 & 255),
			   (unsigned)(n.low >> 16 & 255), (unsigned)(n.low >> 8 & 255),
			   (unsigned)(n.low & 255));
	else if (field == MODEL_TCP_FLAGS)
		text_put_flags(out, n.low);
	else if (field == MODEL_IFACE)
		text_put_iface(out, m, n.low);
	else if (field == MODEL_ETHERTYPE)
		out_printf(out, "0x%04x", (unsigned)n.low);
	else
		out_printf(out, "%lu", (unsigned long)n.low);
}

/* The length of the prefix that is the interval, or -1. */
static int text_prefix_length(enum model_field field, const struct interval *i)
{
	struct prefix first = text_prefix(field, i->first, 0), last = text_prefix(field, i->last, 0);
	unsigned bits = prefix_bits(&first), length = 0;

	while (length < bits && !((first.bytes[length / 8] ^ last.bytes[length / 8]) & 0x80 >> length % 8))
		length++;
	for (unsigned bit = length; bit < bits; bit++)
		if (first.bytes[bit / 8] & 0x80 >> bit % 8 || !(last.bytes[bit / 8] & 0x80 >> bit % 8))
			return -1;
	return (int)length;
}

static void text_put_range(struct out *out, const struct model *m, enum model_field field,
			   const struct interval *i)
{
	if (number_compare(i->first, i->last) == 0) {
		text_put_value(out, m, field, i->first);
	} else if ((text_is_ipv4(field) || text_is_ipv6(field)) && text_prefix_length(field, i) >= 0) {
		text_put_prefix(out, field, i->first, (unsigned)text_prefix_length(field, i));
	} else if (text_names_of_field(field)) {
		out_printf(out, "%lu-%lu", (unsigned long)i->first.low, (unsigned long)i->last.low);
	} else {
		text_put_value(out, m, field, i->first);
		out_char(out, '-');
		text_put_value(out, m, field, i->last);
	}
}

/* Fields whose values have names: each is named, not where they begin and end. */
static bool text_names_each(const struct model *m, enum model_field field, const struct interval *i)
{
	const struct text_name *names = text_names_of_field(field);

	if (field == MODEL_IFACE || field == MODEL_TCP_FLAGS)
		return i->last.low - i->first.low < 8 && (field != MODEL_IFACE || m->ifaces);
	for (uint64_t n = i->first.low; names && n <= i->last.low; n++)
		if (!text_name_of(names, n))
			return false;
	return names;
}

/* At most `most` values or ranges. */
static void text_put_values(struct out *out, const struct model *m, enum model_field field,
			    const struct interval_set *values, unsigned most)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < values->count; i++) {
		bool each = text_names_each(m, field, &values->ranges[i]);
		struct number n = values->ranges[i].first;

		do {
			if (count)
				out_char(out, ',');
			if (count++ == most) {
				out_string(out, " ...");
				return;
			}
			if (each)
				text_put_value(out, m, field, n);
			else
				text_put_range(out, m, field, &values->ranges[i]);
			n = number_next(n);
		} while (each && number_compare(n, values->ranges[i].last) <= 0);
	}
}

/* All values that are not in the set; an array of them that the caller frees. */
static struct interval *text_complement(enum model_field field, const struct interval_set *values,
					uint32_t *count)
{
	struct interval *others = xmalloc((values->count + 1) * sizeof(*others));
	struct number next = number_small(0), top = classes_top(field);

	*count = 0;
	for (uint32_t i = 0; i < values->count; i++) {
		if (number_compare(next, values->ranges[i].first) < 0)
			others[(*count)++] = (struct interval){ next,
								number_previous(values->ranges[i].first) };
		next = number_next(values->ranges[i].last);
	}
	if (values->count && number_compare(values->ranges[values->count - 1].last, top) < 0)
		others[(*count)++] = (struct interval){ next, top };
	return others;
}

/* "not 22" if it is shorter.  Numbers of interfaces that have no name have no complement to speak of. */
static void text_put_short(struct out *out, const struct model *m, enum model_field field,
			   const struct interval_set *values, unsigned most)
{
	struct interval_set others;
	uint32_t count;
	struct interval *ranges = text_complement(field, values, &count);

	others = (struct interval_set){ ranges, count };
	if (count && count < values->count && field != MODEL_IFACE) {
		out_string(out, "not ");
		text_put_values(out, m, field, &others, most);
	} else {
		text_put_values(out, m, field, values, most);
	}
	free(ranges);
}

static const char *text_finish(struct arena *arena, struct out *out)
{
	const char *text = arena_string(arena, (struct text){ out->data, (uint32_t)out->len });

	out_free(out);
	return text;
}

const char *model_values_text(struct arena *arena, const struct model *m, enum model_field field,
			      const struct interval_set *values, unsigned most)
{
	struct out out;

	out_init_memory(&out);
	text_put_values(&out, m, field, values, most);
	return text_finish(arena, &out);
}

const char *model_values_short_text(struct arena *arena, const struct model *m, enum model_field field,
				    const struct interval_set *values, unsigned most)
{
	struct out out;

	out_init_memory(&out);
	text_put_short(&out, m, field, values, most);
	return text_finish(arena, &out);
}

/* ---- packets ---- */

static bool text_has_ports(uint64_t protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 || protocol == 136;
}

static void text_put_end(struct out *out, const struct model *m, const struct model_packet *p,
			 enum model_field four, enum model_field six, enum model_field port)
{
	bool is_ipv6 = p->value[MODEL_ETHERTYPE].low == 0x86dd;
	bool has_port = text_has_ports(p->value[MODEL_PROTOCOL].low);

	if (is_ipv6 && has_port)
		out_char(out, '[');
	text_put_value(out, m, is_ipv6 ? six : four, p->value[is_ipv6 ? six : four]);
	if (is_ipv6 && has_port)
		out_char(out, ']');
	if (has_port)
		out_printf(out, ":%lu", (unsigned long)p->value[port].low);
}

static void text_put_also(struct out *out, const struct model *m, const struct model_packet *p,
			  enum model_field field)
{
	out_printf(out, ", %s ", text_field_name(field));
	text_put_value(out, m, field, p->value[field]);
}

static void text_put_type(struct out *out, const struct model *m, const struct model_packet *p,
			  enum model_field field)
{
	if (p->value[field].low != MODEL_TYPE_UNICAST)
		text_put_also(out, m, p, field);
}

static void text_put_ip(struct out *out, const struct model *m, const struct model_packet *p)
{
	uint64_t protocol = p->value[MODEL_PROTOCOL].low;

	if (!text_name_of(text_protocols, protocol))
		out_string(out, "protocol ");
	text_put_value(out, m, MODEL_PROTOCOL, p->value[MODEL_PROTOCOL]);
	out_char(out, ' ');
	text_put_end(out, m, p, MODEL_SOURCE4, MODEL_SOURCE6, MODEL_SPORT);
	out_string(out, " -> ");
	text_put_end(out, m, p, MODEL_DEST4, MODEL_DEST6, MODEL_DPORT);
	if (protocol == 1 || protocol == 58) {
		out_printf(out, ", type %lu", (unsigned long)p->value[MODEL_ICMP_TYPE].low);
		if (p->value[MODEL_ICMP_CODE].low)
			out_printf(out, " code %lu", (unsigned long)p->value[MODEL_ICMP_CODE].low);
	}
	if (p->value[MODEL_STATE].low != MODEL_STATE_NEW)
		text_put_also(out, m, p, MODEL_STATE);
	if (protocol == 6 && p->value[MODEL_TCP_FLAGS].low != 2)
		text_put_also(out, m, p, MODEL_TCP_FLAGS);
	text_put_type(out, m, p, MODEL_SOURCE_TYPE);
	text_put_type(out, m, p, MODEL_DEST_TYPE);
}

static void text_put_frame(struct out *out, const struct model *m, const struct model_packet *p)
{
	if (p->value[MODEL_ETHERTYPE].low == 0x0806) {
		out_string(out, "ARP of ");
		text_put_value(out, m, MODEL_ARP_SENDER, p->value[MODEL_ARP_SENDER]);
	} else {
		out_printf(out, "frame of type 0x%04x", (unsigned)p->value[MODEL_ETHERTYPE].low);
	}
}

const char *model_packet_text(struct arena *arena, const struct model *m, const struct model_packet *packet)
{
	uint64_t ethertype = packet->value[MODEL_ETHERTYPE].low;
	struct out out;

	out_init_memory(&out);
	if (ethertype == 0x0800 || ethertype == 0x86dd)
		text_put_ip(&out, m, packet);
	else
		text_put_frame(&out, m, packet);
	/* What no rule asks is not told. */
	if (m->fields[MODEL_SOURCE_MAC].count > 1)
		text_put_also(&out, m, packet, MODEL_SOURCE_MAC);
	if (packet->value[MODEL_IFACE].low)
		text_put_also(&out, m, packet, MODEL_IFACE);
	if (packet->value[MODEL_OVER_LIMIT].low)
		out_string(&out, ", over the limit");
	return text_finish(arena, &out);
}

/* ---- rows ---- */

enum { TEXT_MOST = 8 };

static bool text_has_value(const struct interval_set *values, uint64_t value)
{
	const struct interval only = { number_small(value), number_small(value) };

	return !values->count || interval_set_contains(values, &(struct interval_set){ &only, 1 });
}

/* The addresses of one end, of both families. */
static void text_put_addresses(struct out *out, const struct model *m, const struct model_row *row,
			       enum model_field four, enum model_field six)
{
	bool has_four = text_has_value(&row->side[MODEL_ETHERTYPE], 0x0800);
	bool has_six = text_has_value(&row->side[MODEL_ETHERTYPE], 0x86dd);
	bool says_four = has_four && row->side[four].count, says_six = has_six && row->side[six].count;

	if (says_four)
		text_put_short(out, m, four, &row->side[four], TEXT_MOST);
	else if (says_six && has_four)
		out_string(out, "any IPv4");
	if (has_four && (says_four || says_six) && has_six)
		out_char(out, ',');
	if (says_six)
		text_put_short(out, m, six, &row->side[six], TEXT_MOST);
	else if (says_four && has_six)
		out_string(out, "any IPv6");
	if (!says_four && !says_six)
		out_string(out, has_four && has_six ? "any" : has_four ? "any IPv4" : "any IPv6");
}

static void text_put_side(struct out *out, const struct model *m, const struct model_row *row,
			  enum model_field field)
{
	if (!row->side[field].count)
		return;
	out_printf(out, ", %s ", text_field_name(field));
	text_put_short(out, m, field, &row->side[field], TEXT_MOST);
}

/* ", tcp 5432" */
static void text_put_service(struct out *out, const struct model *m, const struct model_row *row)
{
	const struct interval_set *protocols = &row->side[MODEL_PROTOCOL];

	if (protocols->count) {
		out_string(out, ", ");
		if (protocols->count == 1 && !text_name_of(text_protocols, protocols->ranges[0].first.low))
			out_string(out, "protocol ");
		text_put_short(out, m, MODEL_PROTOCOL, protocols, TEXT_MOST);
	} else if (row->side[MODEL_DPORT].count) {
		out_string(out, ", any protocol");
	}
	if (row->side[MODEL_DPORT].count) {
		out_char(out, ' ');
		text_put_short(out, m, MODEL_DPORT, &row->side[MODEL_DPORT], TEXT_MOST);
	}
}

const char *model_row_text(struct arena *arena, const struct model *m, const struct model_row *row)
{
	static const enum model_field others[] = { MODEL_SPORT,     MODEL_ICMP_TYPE,  MODEL_ICMP_CODE,
						   MODEL_TCP_FLAGS, MODEL_STATE,      MODEL_SOURCE_TYPE,
						   MODEL_DEST_TYPE, MODEL_SOURCE_MAC, MODEL_ARP_SENDER,
						   MODEL_IFACE,     MODEL_OVER_LIMIT };
	bool has_ip = text_has_value(&row->side[MODEL_ETHERTYPE], 0x0800) ||
		      text_has_value(&row->side[MODEL_ETHERTYPE], 0x86dd);
	struct out out;

	out_init_memory(&out);
	if (has_ip) {
		text_put_addresses(&out, m, row, MODEL_SOURCE4, MODEL_SOURCE6);
		out_string(&out, " -> ");
		text_put_addresses(&out, m, row, MODEL_DEST4, MODEL_DEST6);
		text_put_service(&out, m, row);
	} else {
		out_string(&out, "frames");
	}
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		text_put_side(&out, m, row, others[i]);
	if (!has_ip)
		text_put_side(&out, m, row, MODEL_ETHERTYPE);
	return text_finish(arena, &out);
}
