/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services of tests: macros, protocols, ports and ICMP types.
 *
 * After "tcp/22" an element of the list is another port if it can be one: a number, a range, or the name of a
 * service.  A macro in its own spelling, a protocol, and a word with a slash begin another service.
 */
#include "policy/policy_test.h"

#include "diag/suggest.h"
#include "inputs/netdb.h"
#include "resolve/scope.h"

/* A protocol with ports. */
struct policy_protocol {
	const char *name;
	uint8_t number;
	unsigned services; /* whose names in /etc/services count */
};

static const struct policy_protocol port_protocols[] = {
	{ "tcp", 6, SERVICE_TCP },   { "udp", 17, SERVICE_UDP },      { "sctp", 132, SERVICE_SCTP },
	{ "dccp", 33, 0 },	     { "udplite", 136, 0 },
};

enum {
	PORT_PROTOCOLS = sizeof(port_protocols) / sizeof(port_protocols[0]),
	POLICY_ICMP = 1,
	POLICY_ICMPV6 = 58,
};

static const struct policy_protocol *policy_port_protocol(uint8_t number)
{
	for (size_t i = 0; i < PORT_PROTOCOLS; i++)
		if (port_protocols[i].number == number)
			return &port_protocols[i];
	return NULL;
}

/* "icmp" is IPv4's, "icmpv6" IPv6's; other protocols belong to both. */
static unsigned policy_protocol_family(uint8_t number)
{
	return number == POLICY_ICMP ? IPV4 : number == POLICY_ICMPV6 ? IPV6 : IPV_BOTH;
}

static bool policy_find_protocol(const struct policy_reader *r, struct text name, uint8_t *number)
{
	if (text_is(name, "icmpv6") || text_is(name, "ipv6-icmp"))
		*number = POLICY_ICMPV6;
	else if (text_is(name, "icmp"))
		*number = POLICY_ICMP;
	else
		return netdb_protocol(r->netdb, name, number);
	return true;
}

/* A macro in its own spelling, or else in any. */
static const struct macro *policy_find_macro(struct text name, bool exact)
{
	const struct macro *macro = macro_find(name);

	return macro && exact && !text_is(name, macro->name) ? NULL : macro;
}

/* ---- ports ---- */

/* Two numbers with ':' or '-' between them. */
static bool policy_port_range(struct text text, struct interval *range)
{
	long split = text_find(text, ':') > 0 ? text_find(text, ':') : text_find(text, '-');
	struct text first = text, last = text;
	uint64_t a, b;

	if (split > 0) {
		first.len = (uint32_t)split;
		last = text_skip(text, (uint32_t)split + 1);
	}
	if (!text_to_number(first, UINT16_MAX, &a) || !text_to_number(last, UINT16_MAX, &b) || a > b)
		return false;
	*range = (struct interval){ number_small(a), number_small(b) };
	return true;
}

/* A port or a range; `services`: whose names are ports. */
static bool policy_find_port(const struct policy_reader *r, struct text text, unsigned services, struct interval *range)
{
	uint16_t port;

	if (policy_port_range(text, range))
		return true;
	if (!services || !netdb_service(r->netdb, text, services, &port) ||
	    !(netdb_service(r->netdb, text, services, &port) & services))
		return false;
	*range = (struct interval){ number_small(port), number_small(port) };
	return true;
}

static bool policy_report_port(struct policy_reader *r, struct word port, unsigned services)
{
	struct text text = word_text(port), near;
	struct diagnostic *d;
	long split;

	d = policy_error(r, word_span(port), DIAG_TEST_VALUE, "`%.*s` is not a port", TEXT_ARG(port));
	split = text_find(text, ':') > 0 ? text_find(text, ':') : text_find(text, '-');
	if (split > 0 && char_is_digit(port.ptr[0])) {
		diag_help(d, "write a range as two numbers of at most 65535, the smaller one first: `8000:8010`");
	} else if (text_all_digits(text)) {
		diag_here(d, "the largest port is 65535");
	} else if (services) {
		near = netdb_near_service(r->netdb, text);
		diag_here(d, "not in /etc/services");
		if (near.len)
			diag_suggest(d, word_span(port), "%.*s", TEXT_ARG(near));
	} else {
		diag_help(d, "write a number, or a range such as `8000:8010`");
	}
	return false;
}

/* A list of ports as a .def file has it, "80,443" or "137:139". */
static struct interval_set policy_ports_of_macro(const struct policy_reader *r, const char *list, unsigned services)
{
	struct text rest = text_of(list);
	struct interval *ranges;
	uint32_t count = 1, at = 0;

	for (const char *c = list; *c; c++)
		count += *c == ',';
	ranges = ARENA_ARRAY(r->arena, struct interval, count);
	while (at < count) {
		long comma = text_find(rest, ',');
		struct text item = { rest.ptr, comma < 0 ? rest.len : (uint32_t)comma };

		policy_find_port(r, item, services, &ranges[at++]);
		rest = text_skip(rest, comma < 0 ? rest.len : (uint32_t)comma + 1);
	}
	return interval_set_normalize(ranges, count);
}

/* ---- services ---- */

static void policy_match_icmp(struct policy_reader *r, struct policy_term *term, const struct icmp_type *type)
{
	if (type->type >= 0)
		policy_match(term, MODEL_ICMP_TYPE, policy_values(r->arena, (uint64_t)type->type, (uint64_t)type->type));
	if (type->code >= 0)
		policy_match(term, MODEL_ICMP_CODE, policy_values(r->arena, (uint64_t)type->code, (uint64_t)type->code));
}

static struct policy_term *policy_add_protocol(struct policy_reader *r, struct policy_clause *clause, uint8_t number,
					       unsigned family_mask)
{
	struct policy_term *term = policy_term_add(clause);

	policy_match_family(r, term, family_mask & policy_protocol_family(number));
	policy_match(term, MODEL_PROTOCOL, policy_values(r->arena, number, number));
	return term;
}

static bool policy_add_macro(struct policy_reader *r, struct policy_clause *clause, const struct macro *macro)
{
	for (unsigned i = 0; i < macro->count; i++) {
		const struct macro_rule *rule = &macro->rules[i];
		const struct policy_protocol *ports;
		struct policy_term *term;
		const struct icmp_type *type;
		uint8_t number;

		if (!policy_find_protocol(r, text_of(rule->proto), &number))
			continue; /* not in /etc/protocols: no rule can ask for it */
		ports = policy_port_protocol(number);
		term = policy_add_protocol(r, clause, number, macro->family_mask & rule->family_mask);
		if (rule->dport && ports) {
			policy_match(term, MODEL_DPORT, policy_ports_of_macro(r, rule->dport, ports->services));
		} else if (rule->dport) {
			type = icmp_type_find(policy_protocol_family(number), text_of(rule->dport));
			if (type)
				policy_match_icmp(r, term, type);
		}
		if (rule->sport && ports)
			policy_match(term, MODEL_SPORT, policy_ports_of_macro(r, rule->sport, ports->services));
	}
	return true;
}

/* Helps with a word that is something else than a service. */
static bool policy_help_service(struct policy_reader *r, struct diagnostic *d, struct word word)
{
	struct text text = word_text(word), lower = arena_lower(r->arena, text);
	struct interval range;
	unsigned services;
	uint16_t port;

	if (policy_looks_like_address(text) || text_starts(text, "dc/") || text_starts(text, "guest/")) {
		diag_help(d, "write `from %.*s` or `to %.*s`", TEXT_ARG(text), TEXT_ARG(text));
		return true;
	}
	if (policy_port_range(text, &range)) {
		diag_help(d, "write a port after its protocol: `tcp/%.*s`", TEXT_ARG(text));
		return true;
	}
	if (fwtest_word_find(lower) != FWTEST_WORDS) {
		diag_correct(d, word_span(word), "%.*s", TEXT_ARG(lower));
		return true;
	}
	services = netdb_service(r->netdb, lower, 0, &port);
	if (services && !macro_find(lower)) {
		diag_suggest(d, word_span(word), "%s/%.*s", services & SERVICE_TCP ? "tcp" : "udp", TEXT_ARG(lower));
		return true;
	}
	if (r->config && scope_find_alias(&r->config->cluster, lower)) {
		diag_help(d, "write `from %.*s` or `to %.*s`", TEXT_ARG(text), TEXT_ARG(text));
		return true;
	}
	return false;
}

static bool policy_report_service(struct policy_reader *r, struct word word)
{
	struct text text = word_text(word), near = { NULL, 0 };
	struct diagnostic *d = policy_error(r, word_span(word), DIAG_TEST_SERVICE, "unknown word `%.*s`", TEXT_ARG(word));
	struct suggestion s;

	if (policy_help_service(r, d, word))
		return false;
	diag_here(d, "not a macro, a protocol or a condition");
	suggest_start(&s, text);
	for (int i = 0; i < FWTEST_WORDS; i++)
		suggest(&s, text_of(fwtest_word_table[i].spelling), SPAN_NONE);
	for (unsigned i = 0; i < macro_count; i++)
		suggest(&s, text_of(macro_table[i].name), SPAN_NONE);
	for (size_t i = 0; i < PORT_PROTOCOLS; i++)
		suggest(&s, text_of(port_protocols[i].name), SPAN_NONE);
	if (!s.best.len)
		near = netdb_near_protocol(r->netdb, text);
	if (near.len)
		diag_suggest(d, word_span(word), "%.*s", TEXT_ARG(near));
	else if (s.best.len)
		suggest_to(d, &s, word_span(word), "");
	else
		diag_help(d, "`pvefw-cc macros` lists the macros");
	return false;
}

/* What follows the slash of a word that is not a protocol with ports. */
static bool policy_report_no_ports(struct policy_reader *r, struct word word, struct word name, struct word port,
				   const struct macro *macro, uint8_t number)
{
	struct diagnostic *d = policy_error(r, word_span(word), DIAG_TEST_SERVICE, "%s `%.*s` has no ports",
					    macro ? "macro" : "protocol", TEXT_ARG(name));

	if (macro)
		diag_help(d, "write the macro alone: it sets the ports itself");
	else if (policy_protocol_family(number) != IPV_BOTH)
		diag_suggest(d, word_span(word), "%s %.*s", number == POLICY_ICMP ? "icmp" : "icmpv6", TEXT_ARG(port));
	else
		diag_help(d, "only tcp, udp, udplite, sctp and dccp have ports");
	return false;
}

/* The protocol of the last element with ports, and its term's ports; for the elements that follow. */
struct policy_ports {
	const struct policy_protocol *protocol; /* NULL: an element begins another service */
	struct interval *ranges;
	uint32_t count;
	struct policy_term *term;
};

static void policy_ports_end(struct policy_ports *ports)
{
	if (ports->term)
		policy_match(ports->term, MODEL_DPORT, interval_set_normalize(ports->ranges, ports->count));
	*ports = (struct policy_ports){ NULL, NULL, 0, NULL };
}

/* "tcp/22"; `more`: elements that follow. */
static bool policy_begin_ports(struct policy_reader *r, struct policy_clause *clause, struct word word, uint32_t slash,
			       uint32_t more, struct policy_ports *ports)
{
	struct word name = word_part(word, 0, slash), port = word_part(word, slash + 1, word.len - slash - 1);
	const struct macro *macro = policy_find_macro(word_text(name), false);
	uint8_t number = 0;

	if (!policy_find_protocol(r, word_text(name), &number))
		return macro ? policy_report_no_ports(r, word, name, port, macro, 0) : policy_report_service(r, name);
	if (!policy_port_protocol(number))
		return policy_report_no_ports(r, word, name, port, NULL, number);
	ports->protocol = policy_port_protocol(number);
	ports->ranges = ARENA_ARRAY(r->arena, struct interval, more + 1);
	if (!port.len) {
		diag_help(policy_error(r, word_span(word), DIAG_TEST_VALUE, "port is missing after `%.*s`", TEXT_ARG(word)),
			  "write ports, or the protocol alone");
		return false;
	}
	if (!policy_find_port(r, word_text(port), ports->protocol->services, &ports->ranges[0]))
		return policy_report_port(r, port, ports->protocol->services);
	ports->count = 1;
	ports->term = policy_add_protocol(r, clause, number, IPV_BOTH);
	return true;
}

/* Whether the element continues the ports before it. */
static bool policy_is_port(const struct policy_reader *r, struct text word, const struct policy_ports *ports)
{
	struct interval range;
	uint8_t number;

	if (!ports->protocol || policy_find_macro(word, true) || text_find(word, '/') >= 0)
		return false;
	if (policy_find_port(r, word, ports->protocol->services, &range))
		return true;
	/* Wrong as a port, and nothing else. */
	return char_is_digit(word.ptr[0]) || !(policy_find_protocol(r, word, &number) || policy_find_macro(word, false));
}

static bool policy_add_service(struct policy_reader *r, struct policy_clause *clause, struct word word, uint32_t more,
			       struct policy_ports *ports)
{
	struct text text = word_text(word);
	long slash = text_find(text, '/');
	const struct macro *macro;
	uint8_t number;

	if (policy_is_port(r, text, ports)) {
		if (!policy_find_port(r, text, ports->protocol->services, &ports->ranges[ports->count]))
			return policy_report_port(r, word, ports->protocol->services);
		ports->count++;
		return true;
	}
	policy_ports_end(ports);
	if (slash > 0 && !policy_looks_like_address(text) && !text_starts(text, "dc/") && !text_starts(text, "guest/"))
		return policy_begin_ports(r, clause, word, (uint32_t)slash, more, ports);
	if ((macro = policy_find_macro(text, true)))
		return policy_add_macro(r, clause, macro);
	if (policy_find_protocol(r, text, &number))
		return policy_add_protocol(r, clause, number, IPV_BOTH) != NULL;
	if ((macro = policy_find_macro(text, false)))
		return policy_add_macro(r, clause, macro);
	return policy_report_service(r, word);
}

static unsigned policy_family_of_terms(const struct policy_clause *clause)
{
	unsigned mask = 0;

	for (uint32_t i = 0; i < clause->count; i++) {
		const struct interval_set *types = &clause->terms[i].matches[0].values;

		for (uint32_t j = 0; j < types->count; j++)
			mask |= types->ranges[j].first.low == 0x0800 ? IPV4 : IPV6;
	}
	return mask;
}

bool policy_read_services(struct policy_reader *r, const struct fwtest_clause *clause, struct policy_clauses *clauses)
{
	struct policy_ports ports = { NULL, NULL, 0, NULL };
	struct policy_clause *made;
	uint32_t terms = 0, left = 0;
	bool ok = true;

	for (const struct ast_word_list *item = clause->items; item; item = item->next, left++) {
		const struct macro *macro = macro_find(word_text(item->word));

		terms += macro && macro->count > 1 ? macro->count : 1;
	}
	made = policy_clause_new(r, clauses, fwtest_clause_span(clause), terms);
	for (const struct ast_word_list *item = clause->items; item; item = item->next)
		ok &= item->word.len ? policy_add_service(r, made, item->word, --left, &ports) :
				       (left--, policy_report_gap(r, item->word));
	policy_ports_end(&ports);
	made->family_mask = policy_family_of_terms(made);
	return ok;
}

/* ---- sport ---- */

bool policy_read_sport(struct policy_reader *r, const struct fwtest_clause *clause, struct policy_clauses *clauses)
{
	struct policy_clause *made = policy_clause_new(r, clauses, fwtest_clause_span(clause), PORT_PROTOCOLS);
	uint32_t count = 0;
	bool ok = true;

	if (!clause->items)
		return policy_report_missing(r, clause->keyword, "port", "write ports such as `sport 1024:65535`");
	for (const struct ast_word_list *item = clause->items; item; item = item->next)
		count++;
	for (size_t i = 0; i < PORT_PROTOCOLS && ok; i++) {
		struct interval *ranges = ARENA_ARRAY(r->arena, struct interval, count);
		struct policy_term *term;
		uint32_t found = 0;

		/* A name is a port of those protocols that have it. */
		for (const struct ast_word_list *item = clause->items; item; item = item->next) {
			struct interval any;

			if (policy_find_port(r, word_text(item->word), port_protocols[i].services, &ranges[found]))
				found++;
			else if (!item->word.len)
				ok = policy_report_gap(r, item->word);
			else if (!policy_find_port(r, word_text(item->word), SERVICE_TCP | SERVICE_UDP | SERVICE_SCTP, &any))
				ok = policy_report_port(r, item->word, SERVICE_TCP);
		}
		if (!found)
			continue;
		term = policy_add_protocol(r, made, port_protocols[i].number, IPV_BOTH);
		policy_match(term, MODEL_SPORT, interval_set_normalize(ranges, found));
	}
	return ok;
}

/* ---- icmp ---- */

static bool policy_report_icmp(struct policy_reader *r, struct word word, unsigned family_mask, struct span clause)
{
	const char *name = family_mask == IPV4 ? "icmp" : "icmpv6", *other = family_mask == IPV4 ? "icmpv6" : "icmp";
	struct diagnostic *d = policy_error(r, word_span(word), DIAG_TEST_VALUE, "ICMP type `%.*s` does not exist for %s",
					    TEXT_ARG(word), name);
	struct suggestion s;

	if (icmp_type_find(IPV_BOTH & ~family_mask, word_text(word))) {
		diag_here(d, "it is a type of %s", other);
		diag_suggest(d, (struct span){ clause.begin, word.begin + word.len }, "%s %.*s", other, TEXT_ARG(word));
		return false;
	}
	suggest_start(&s, word_text(word));
	for (unsigned i = 0; i < icmp_count; i++)
		if (icmp_table[i].family_mask == family_mask)
			suggest(&s, text_of(icmp_table[i].name), SPAN_NONE);
	if (s.best.len)
		suggest_to(d, &s, word_span(word), "");
	else
		diag_help(d, "write a name, or a number from 0 to 255; `pvefw-cc icmp-types` lists the names");
	return false;
}

/* A name, a number, or two numbers: type and code. */
static bool policy_find_icmp(struct text text, unsigned family_mask, struct icmp_type *type)
{
	const struct icmp_type *found = icmp_type_find(family_mask, text);
	long slash = text_find(text, '/');
	uint64_t number, code = 0;

	if (found) {
		*type = *found;
		return true;
	}
	if (slash >= 0 && !text_to_number(text_skip(text, (uint32_t)slash + 1), UINT8_MAX, &code))
		return false;
	if (slash >= 0)
		text.len = (uint32_t)slash;
	if (!text_to_number(text, UINT8_MAX, &number))
		return false;
	*type = (struct icmp_type){ family_mask, NULL, (int16_t)number, slash >= 0 ? (int16_t)code : (int16_t)-1 };
	return true;
}

bool policy_read_icmp(struct policy_reader *r, const struct fwtest_clause *clause, struct policy_clauses *clauses)
{
	unsigned family_mask = clause->kind == FWTEST_ICMP ? IPV4 : IPV6;
	uint8_t number = family_mask == IPV4 ? POLICY_ICMP : POLICY_ICMPV6;
	struct span span = fwtest_clause_span(clause);
	struct policy_clause *made;
	uint32_t count = 1;
	bool ok = true;

	for (const struct ast_word_list *item = clause->items; item; item = item->next)
		count++;
	made = policy_clause_new(r, clauses, span, count);
	made->family_mask = family_mask;
	if (!clause->items)
		policy_add_protocol(r, made, number, family_mask);
	for (const struct ast_word_list *item = clause->items; item; item = item->next) {
		struct icmp_type type;

		if (!item->word.len)
			ok = policy_report_gap(r, item->word);
		else if (!policy_find_icmp(word_text(item->word), family_mask, &type))
			ok = policy_report_icmp(r, item->word, family_mask, span);
		else
			policy_match_icmp(r, policy_add_protocol(r, made, number, family_mask), &type);
	}
	return ok;
}

/* ---- rows ---- */

/* A port of a row, or with ICMP a type. */
static void policy_row_port(struct policy_reader *r, struct word value, uint8_t number, enum model_field field,
			    struct policy_term *term)
{
	const struct policy_protocol *ports = policy_port_protocol(number);
	unsigned family_mask = policy_protocol_family(number);
	struct interval *range = ARENA_NEW(r->arena, struct interval);
	struct icmp_type type;

	if (ports && policy_find_port(r, word_text(value), ports->services, range))
		policy_match(term, field, (struct interval_set){ range, 1 });
	else if (ports)
		policy_report_port(r, value, ports->services);
	else if (family_mask == IPV_BOTH || field == MODEL_SPORT)
		policy_error(r, word_span(value), DIAG_TEST_ROW, "protocol of the row has no ports");
	else if (policy_find_icmp(word_text(value), family_mask, &type))
		policy_match_icmp(r, term, &type);
	else
		policy_report_icmp(r, value, family_mask, word_span(value));
}

/* ICMP types that begin a connection, as the packets of rows do: the kernel never calls others new. */
static const struct interval policy_row_icmp[] = {
	{ { 0, 8 }, { 0, 8 } },
	{ { 0, 13 }, { 0, 13 } },
	{ { 0, 15 }, { 0, 15 } },
	{ { 0, 17 }, { 0, 17 } },
};

void policy_read_row_service(struct policy_reader *r, struct word proto, struct word sport, struct word dport,
			     struct policy_clauses *clauses)
{
	struct policy_clause *clause = policy_clause_new(r, clauses, proto.ptr ? word_span(proto) : SPAN_NONE, 1);
	struct policy_term *term;
	struct diagnostic *d;
	uint8_t number = port_protocols[0].number;

	if (proto.ptr && !policy_find_protocol(r, word_text(proto), &number)) {
		struct text near = netdb_near_protocol(r->netdb, word_text(proto));

		d = policy_error(r, word_span(proto), DIAG_TEST_ROW, "unknown protocol `%.*s`", TEXT_ARG(proto));
		if (near.len)
			diag_suggest(d, word_span(proto), "%.*s", TEXT_ARG(near));
		return;
	}
	term = policy_add_protocol(r, clause, number, IPV_BOTH);
	clause->family_mask = policy_protocol_family(number);
	if (sport.ptr)
		policy_row_port(r, sport, number, MODEL_SPORT, term);
	if (dport.ptr)
		policy_row_port(r, dport, number, MODEL_DPORT, term);
	else if (clause->family_mask == IPV4)
		policy_match(term, MODEL_ICMP_TYPE,
			     (struct interval_set){ policy_row_icmp, sizeof(policy_row_icmp) / sizeof(policy_row_icmp[0]) });
}
