/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protocols, ports and ICMP types of rules. */
#include "diag/suggest.h"
#include "inputs/netdb.h"
#include "lang/limit_table.h"
#include "lang/foreign.h"
#include "resolve/rule_parts.h"
#include "resolve/rule_report.h"

/* ---- protocols ---- */

/* The protocols that have ports, by the spellings that the language takes. */
static const struct {
	const char *name, *number;
	unsigned services; /* the lines of /etc/services that count for it */
} port_protos[] = {
	{ "tcp", "6", SERVICE_TCP }, { "udp", "17", SERVICE_UDP }, { "sctp", "132", SERVICE_SCTP },
	{ "dccp", "33", 0 },	     { "udplite", "136", 0 },
};

static void classify(struct proto *proto)
{
	for (size_t i = 0; i < sizeof(port_protos) / sizeof(port_protos[0]); i++)
		if (text_is(proto->text, port_protos[i].name) || text_is(proto->text, port_protos[i].number)) {
			proto->has_ports = true;
			proto->services = port_protos[i].services;
		}
	if (text_is(proto->text, "icmp"))
		proto->icmp = IPV4;
	else if (text_is(proto->text, "icmpv6") || text_is(proto->text, "ipv6-icmp"))
		proto->icmp = IPV6;
}

/* The protocol that is probably meant, or len 0. */
static struct text near_proto(struct resolver *r, struct text lower)
{
	struct text none = { NULL, 0 };
	uint8_t number;

	if (text_is(lower, "icmp6") || text_is(lower, "icmpv6"))
		return TEXT("icmpv6");
	while (text_all_digits(lower) && lower.len > 1 && lower.ptr[0] == '0') {
		lower.ptr++;
		lower.len--;
	}
	if (netdb_protocol(r->config->netdb, lower, &number))
		return lower;
	if (text_all_digits(lower) || text_is(lower, "all") || text_is(lower, "any"))
		return none;
	return netdb_near_protocol(r->config->netdb, lower);
}

/* text.len is 0, and every service is accepted. */
const struct proto proto_any = { .text = TEXT_INIT(""), .has_ports = true,
				 .services = SERVICE_TCP | SERVICE_UDP | SERVICE_SCTP };

/* Helps with a service, a macro or a number instead of a protocol. */
static bool help_no_proto(struct resolver *r, struct diagnostic *d, struct text lower)
{
	const struct foreign_service *service = foreign_service(lower);
	const struct macro *macro = macro_find(lower);
	uint64_t number;
	uint16_t port;
	unsigned services = netdb_service(r->config->netdb, lower, 0, &port);

	if (text_all_digits(lower) && !text_to_number(lower, UINT8_MAX, &number))
		diag_help(d, "protocol numbers are 0 to 255");
	else if (service)
		diag_help(d, "%swrite `%s`", strstr(service->options, "port") ? "it is not a protocol; " : "",
			  service->options);
	else if (macro && r->rule && direction_find(word_text(r->rule->type)) != DIRECTIONS)
		diag_help(d, "it is a macro: `%.*s %s(ACCEPT)`, for example", TEXT_ARG(r->rule->type), macro->name);
	else if (services)
		diag_help(d, "it is a service; write `-p %s -dport %.*s`", services & SERVICE_TCP ? "tcp" : "udp",
			  TEXT_ARG(lower));
	else
		return false;
	return true;
}

/* Returns the protocol that is probably meant, or proto_any. */
static struct proto report_proto(struct resolver *r, struct word value)
{
	struct diagnostic *d = rule_error(r, word_span(value), DIAG_UNKNOWN_PROTO,
					  "protocol `%.*s` does not exist", TEXT_ARG(value));
	struct text lower = arena_lower(r->arena, word_text(value)), near = near_proto(r, lower);
	struct proto meant = { .text = near };
	bool spelt = text_is(near, "icmpv6") || text_equal_nocase(near, word_text(value)); /* only in another way */
	bool separated = false;
	uint16_t number;

	if (netdb_protocol_beyond(r->config->netdb, word_text(value), &number)) {
		diag_here(d, "%u in /etc/protocols, but protocol numbers are 0 to 255", number);
		return proto_any;
	}
	diag_here(d, "not in /etc/protocols");
	for (const char *s = ",/+;|&"; *s; s++)
		separated |= text_find(lower, *s) >= 0;
	if (separated)
		diag_help(d, "a rule has one protocol; write a rule for each");
	else if (text_starts(lower, "!"))
		diag_help(
			d,
			"rules cannot negate; write a rule for the protocol with the opposite action above, and this rule without `-p`");
	else if (!spelt && help_no_proto(r, d, lower))
		;
	else if (near.len)
		diag_suggest(d, word_span(value), "%.*s", TEXT_ARG(near));
	else if (text_is(lower, "all") || text_is(lower, "any"))
		diag_help(d, "leave `-p` out to match every protocol");
	classify(&meant);
	return near.len ? meant : proto_any;
}

bool proto_read(struct resolver *r, struct word value, struct proto *proto)
{
	/* The place in the cache for a protocol of that spelling; it may hold another one. */
	unsigned hash = value.len ? value.len * 5 + (unsigned char)value.ptr[0] : 0;
	struct proto *known =
		&r->cache->protos[hash % (sizeof(r->cache->protos) / sizeof(r->cache->protos[0]))];

	if (known->text.len && text_equal(known->text, word_text(value))) {
		*proto = *known;
		return true;
	}
	*proto = (struct proto){ .text = word_text(value) };
	if (text_is(proto->text, "icmpv6")) {
		proto->number = 58;
	} else if (!netdb_protocol(r->config->netdb, proto->text, &proto->number)) {
		*proto = report_proto(r, value);
		return false;
	}
	classify(proto);
	*known = *proto;
	return true;
}

struct proto proto_of_macro(struct resolver *r, const char *name)
{
	struct proto proto = { .text = text_of(name) };
	uint64_t number;

	if (text_to_number(proto.text, UINT8_MAX, &number))
		proto.number = (uint8_t)number;
	else if (text_is(proto.text, "icmpv6"))
		proto.number = 58;
	else if (!netdb_protocol(r->config->netdb, proto.text, &proto.number))
		proto.number = text_is(proto.text, "tcp") ? 6 : text_is(proto.text, "udp") ? 17 : 1;
	classify(&proto);
	return proto;
}

/* ---- ports ---- */

/* "!22", "80/tcp" and "80;443" */
static bool help_port(struct resolver *r, struct diagnostic *d, struct text t)
{
	struct text port, proto;

	if (text_starts(t, "!") && t.len > 1) {
		diag_help(
			d,
			"rules cannot negate; write a rule for `%.*s` with the opposite action above, and this rule without the option",
			(int)t.len - 1, t.ptr + 1);
		return true;
	}
	if (foreign_port_and_proto(protocol_names(r), t, &port, &proto)) {
		diag_help(d, "write the protocol after `-p`: `-p %.*s -dport %.*s`", TEXT_ARG(proto),
			  TEXT_ARG(port));
		return true;
	}
	for (const char *s = ";|&+"; *s; s++)
		if (text_find(t, *s) > 0) {
			diag_help(d, "separate the ports of a list by commas, as in `80,443`");
			return true;
		}
	return false;
}

static void report_service(struct resolver *r, struct word name, const struct proto *proto)
{
	uint16_t port;
	unsigned known = netdb_service(r->config->netdb, word_text(name), 0, &port);
	long dash = text_find(word_text(name), '-');
	struct diagnostic *d;
	struct text near;

	if (known) {
		d = rule_error(r, word_span(name), DIAG_SERVICE_PROTOCOL,
			       "service `%.*s` does not exist for protocol %.*s", TEXT_ARG(name),
			       TEXT_ARG(proto->text));
		diag_here(d, "/etc/services lists it for other protocols");
		diag_fix(diag_help(d, "write the number, `%u`", port), word_span(name), "%u", port);
		return;
	}
	if (name.len && char_is_letter(name.ptr[0]))
		d = rule_error(r, word_span(name), DIAG_UNKNOWN_SERVICE, "service `%.*s` does not exist",
			       TEXT_ARG(name));
	else
		d = rule_error(r, word_span(name), DIAG_BAD_PORT, "`%.*s` is not a port", TEXT_ARG(name));
	if (text_equal_nocase(word_text(name), TEXT("any")) || text_equal_nocase(word_text(name), TEXT("all")) ||
	    text_is(word_text(name), "*")) {
		diag_help(d, "leave the option out to match every port");
		return;
	}
	if (help_port(r, d, word_text(name)))
		return;
	near = netdb_near_service(r->config->netdb, word_text(name));
	if (near.len && char_is_letter(name.ptr[0]))
		diag_suggest(d, word_span(name), "%.*s", TEXT_ARG(near));
	else if (dash > 0 && text_all_digits(word_text(word_part(name, 0, (uint32_t)dash))) &&
		 text_all_digits(
			 word_text(word_part(name, (uint32_t)dash + 1, name.len - (uint32_t)dash - 1))))
		diag_guess(diag_help(d, "did you mean `%.*s:%.*s`?", (int)dash, name.ptr,
				   (int)(name.len - (uint32_t)dash - 1), name.ptr + dash + 1),
			 (struct span){ name.begin + (uint32_t)dash, name.begin + (uint32_t)dash + 1 }, ":");
	else if (text_is_quoted(word_text(name)))
		diag_guess(
			diag_help(d, "write values without quotes: `%.*s`", (int)name.len - 2, name.ptr + 1),
			word_span(name), "%.*s", (int)name.len - 2, name.ptr + 1);
	else
		diag_help(d, "write a number from 0 to %d, a service name, or low:high", LIMIT_PORT);
}

/* The tools read a number that begins with a zero as an octal one. */
static bool report_octal(struct resolver *r, struct word word, uint64_t number)
{
	struct diagnostic *d;

	if (word.len < 2 || word.ptr[0] != '0' || !number)
		return false;
	d = rule_error(r, word_span(word), DIAG_OCTAL_NUMBER, "`%.*s` begins with a zero", TEXT_ARG(word));
	diag_here(d, "iptables reads this as an octal number");
	diag_suggest(d, word_span(word), "%u", (unsigned)number);
	return true;
}

static bool read_port_number(struct resolver *r, struct word word, uint16_t *port)
{
	struct diagnostic *d;
	uint64_t number;

	if (text_to_number(word_text(word), LIMIT_PORT, &number)) {
		*port = (uint16_t)number;
		return !report_octal(r, word, number);
	}
	d = rule_error(r, word_span(word), DIAG_BAD_PORT, "`%.*s` is not a port", TEXT_ARG(word));
	if (text_all_digits(word_text(word)))
		diag_here(d, "the largest port is %d", LIMIT_PORT);
	else
		diag_here(d, "both ends of a range must be numbers");
	return false;
}

static bool read_port_range(struct resolver *r, struct word word, uint32_t colon, struct port_range *range)
{
	struct word low = word_part(word, 0, colon);
	struct word high = word_part(word, colon + 1, word.len - colon - 1);
	struct diagnostic *d;
	bool ok;

	if (!low.len || !high.len || text_find(word_text(high), ':') >= 0) {
		diag_help(rule_error(r, word_span(word), DIAG_BAD_PORT, "`%.*s` is not a port range",
				     TEXT_ARG(word)),
			  "a range has two ends, as in 0:1023 or 1024:65535");
		return false;
	}
	ok = read_port_number(r, low, &range->first);
	if (!read_port_number(r, high, &range->last) || !ok)
		return false;
	if (range->first <= range->last)
		return true;
	d = rule_error(r, word_span(word), DIAG_BACKWARDS_RANGE, "port range ends before it begins");
	diag_suggest(d, word_span(word), "%.*s:%.*s", TEXT_ARG(high), TEXT_ARG(low));
	return false;
}

/* One element; *numbers counts as xt_multiport does against LIMIT_PORTS_OF_LIST. */
static bool read_port(struct resolver *r, struct word word, const struct proto *proto,
		      struct port_range *range, unsigned *numbers)
{
	long colon = text_find(word_text(word), ':');
	uint16_t port;

	*numbers += colon >= 0 ? 2 : 1;
	if (colon >= 0)
		return read_port_range(r, word, (uint32_t)colon, range);
	if (text_all_digits(word_text(word))) {
		if (!read_port_number(r, word, &port))
			return false;
	} else if (!(netdb_service(r->config->netdb, word_text(word), proto->services, &port) & proto->services)) {
		report_service(r, word, proto);
		return false;
	}
	*range = (struct port_range){ port, port };
	return true;
}

static bool report_zero(struct resolver *r, struct word value, const struct ports *ports)
{
	struct diagnostic *d;

	if (ports->count != 1 || ports->ranges[0].last != 0 || !text_all_digits(ports->text))
		return false;
	d = rule_error(r, word_span(value), DIAG_PORT_ZERO, "port 0 is not a valid port");
	if (text_is(ports->text, "0"))
		diag_here(d, "the stock compiler matches every port");
	diag_help(d, "leave the option out to match every port");
	return true;
}

static bool read_port_list(struct resolver *r, struct word value, const struct proto *proto,
			   struct ports *ports)
{
	struct diagnostic *d;
	unsigned numbers = 0;
	bool ok = true, empty = false;

	for (uint32_t begin = 0, end; begin <= value.len; begin = end + 1) {
		end = element_end(value, begin);
		if (end > begin)
			ok &= read_port(r, word_part(value, begin, end - begin), proto, &ports->ranges[ports->count++],
					&numbers);
		else if (!empty)
			rule_empty_item(r, value, end);
		empty |= end == begin;
	}
	ok &= !empty;
	if (numbers > LIMIT_PORTS_OF_LIST) {
		d = rule_error(r, word_span(value), DIAG_TOO_MANY_PORTS, "list is too long: at most %d ports",
			       LIMIT_PORTS_OF_LIST);
		diag_here(d, "%u ports here; a range counts as two", numbers);
	} else if (value.len > LIMIT_ARGUMENT) {
		/* Only names of services can make a list so long. */
		d = rule_error(r, word_span(value), DIAG_TOO_MANY_PORTS,
			       "list is too long: at most %d characters of ports", LIMIT_ARGUMENT);
		diag_here(d, "%u characters here", value.len);
	} else {
		return ok && !(proto->text.len && report_zero(r, value, ports));
	}
	diag_help(d, "write two rules");
	return false;
}

static struct ports *new_ports(struct resolver *r, struct word value)
{
	struct ports *ports = ARENA_NEW(r->arena, struct ports);
	uint32_t elements = 0;

	for (uint32_t begin = 0; begin <= value.len; begin = element_end(value, begin) + 1)
		elements++;
	ports->text = word_text(value);
	ports->ranges = ARENA_ARRAY(r->arena, struct port_range, elements);
	return ports;
}

/* Writes ranges of one port, which xt_multiport refuses, as that port. */
static struct text without_single_ranges(struct resolver *r, const struct ports *ports)
{
	struct text rest = ports->text, written = { "", 0 };

	for (uint32_t i = 0; i < ports->count; i++) {
		long comma = text_find(rest, ',');
		struct text element = { rest.ptr, comma < 0 ? rest.len : (uint32_t)comma };
		uint32_t taken = element.len + (comma >= 0);

		rest = (struct text){ rest.ptr + taken, rest.len - taken };
		if (ports->ranges[i].first == ports->ranges[i].last && text_find(element, ':') >= 0)
			element = text_of(arena_printf(r->arena, "%u", ports->ranges[i].first));
		written = ARENA_JOIN(r->arena, written, i ? TEXT(",") : TEXT(""), element);
	}
	return written;
}

const struct ports *ports_read(struct resolver *r, struct word value, const struct proto *proto)
{
	struct ports *ports = new_ports(r, value);

	if (!read_port_list(r, value, proto, ports))
		return NULL;
	/* One range alone needs no multiport, but with udplite (136), which has no --dport. */
	if ((ports->count > 1 || proto->number == 136) && text_find(ports->text, ':') >= 0)
		ports->text = without_single_ranges(r, ports);
	return ports;
}

const struct ports *ports_of_macro(struct resolver *r, const char *list, const struct proto *proto)
{
	struct word word = { list, (uint32_t)strlen(list), 0 };
	struct ports *ports = new_ports(r, word);

	read_port_list(r, word, proto, ports);
	return ports;
}

/* ---- ICMP types ---- */

/* The name of a type's number, or else the one that is spelled nearly so. */
static struct suggestion near_icmp(unsigned family_mask, struct text value)
{
	struct suggestion s;
	uint64_t number;

	suggest_start(&s, value);
	for (unsigned i = 0; i < icmp_count; i++) {
		const struct icmp_type *type = &icmp_table[i];

		if (type->family_mask != family_mask)
			continue;
		if (!text_all_digits(value))
			suggest(&s, text_of(type->name), SPAN_NONE);
		else if (!s.best.len && type->code < 0 && text_to_number(value, UINT8_MAX, &number) &&
			 type->type == (int16_t)number)
			s.best = text_of(type->name);
	}
	return s;
}

static void report_icmp(struct resolver *r, struct word value, const struct proto *proto, bool number)
{
	struct diagnostic *d = rule_error(r, word_span(value), DIAG_BAD_ICMP_TYPE,
					  "ICMP type `%.*s` does not exist for %.*s", TEXT_ARG(value),
					  TEXT_ARG(proto->text));
	unsigned other = proto->icmp == IPV4 ? IPV6 : IPV4;
	struct suggestion s = near_icmp(proto->icmp, word_text(value));

	if (icmp_type_find(other, word_text(value)))
		diag_help(d, "it is a type of %s", other == IPV4 ? "icmp" : "icmpv6");
	else if (number && text_all_digits(word_text(value)))
		diag_help(d, "the largest number is %d", LIMIT_ICMP_TYPE);
	else if (text_find(word_text(value), ',') >= 0)
		diag_help(d, "a rule has one ICMP type; write a rule for each");
	else if (s.best.len)
		suggest_to(d, &s, word_span(value), "");
	else
		diag_help(d, "write a name; `pvefw-cc icmp-types` lists them");
}

bool icmp_read(struct resolver *r, struct word value, bool old_spelling, struct condition *condition)
{
	const struct proto *proto = &condition->proto;
	const struct icmp_type *type = icmp_type_find(proto->icmp, word_text(value));
	uint64_t number = 0;

	/* In -icmp-type, the stock compiler accepts no number but 0. */
	if (!type && !text_is(word_text(value), "0") &&
	    !(old_spelling && text_to_number(word_text(value), LIMIT_ICMP_TYPE, &number))) {
		report_icmp(r, value, proto, old_spelling);
		return false;
	}
	if (!type && report_octal(r, value, number))
		return false;
	condition->icmp[old_spelling] = (struct icmp_match){ word_text(value), type };
	if (!type && number == LIMIT_ICMP_TYPE && proto->icmp == IPV4)
		diag_help(diag(r->diags, word_span(value), DIAG_ICMP_TYPE_255, "ICMP type `%.*s` matches every type",
			       TEXT_ARG(value)),
			  "leave `-dport` out if every type is meant");
	return true;
}
