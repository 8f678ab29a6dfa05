/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Normalizes rules, so that desired and loaded ones can be compared as text.
 *
 * iptables-save does not print rules as they were loaded: `-s A,B` becomes two rules, options are in the order of
 * the modules, `--dport http` becomes 80, 60/min becomes 1/sec.  The canonical form sorts the options of a rule by
 * text and writes each value in one way.  It omits only what has no effect: `-m NAME` of a module that matches
 * everything without options, and default values.
 *
 * Unknown options keep their text.  Two forms of one rule may then differ, and the chain is loaded once more than
 * necessary.  Different rules never get the same form.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
/* The C library's netdb.h, not compiler/inputs/netdb.h, which -Icompiler would find first. */
#include <../include/netdb.h>

#include "lang/tables.h"
#include "xtables/load/xt_state.h"
#include "base/xmalloc.h"

enum { WORDS_MOST = 128, OPTIONS_MOST = 48, NAMES_MOST = 64 };

/* The C library reads a file for each service or protocol, so recent answers are cached. */
struct cached_name {
	char *name; /* owned */
	int protocol; /* of the service; -1: the name is that of a protocol */
	int number;   /* -1: unknown name */
};

struct xt_canonical {
	unsigned family_mask;
	struct out words, options; /* texts of the current rule */
	struct cached_name names[NAMES_MOST];
	unsigned name_count;
};

/* One rule. */
struct spelled_rule {
	struct xt_canonical *c;
	int protocol; /* 0: any */
	struct text sources, destinations;
	struct text options[OPTIONS_MOST];
	uint32_t lengths[OPTIONS_MOST];
	unsigned count;
	bool queue, queue_numbered;
	bool failed; /* too long: its text is copied unchanged */
};

struct xt_canonical *xt_canonical_new(unsigned family_mask)
{
	struct xt_canonical *c = xcalloc(1, sizeof(*c));

	c->family_mask = family_mask;
	out_init_memory(&c->words);
	out_init_memory(&c->options);
	return c;
}

static void forget_names(struct xt_canonical *c)
{
	while (c->name_count)
		free(c->names[--c->name_count].name);
}

void xt_canonical_free(struct xt_canonical *c)
{
	forget_names(c);
	out_free(&c->words);
	out_free(&c->options);
	free(c);
}

/* ---- names ---- */

static int ask_name(const char *name, int protocol)
{
	char buffer[4096], service_buffer[4096];
	struct protoent *found = NULL, space;
	struct servent *service = NULL, service_space;

	if (protocol < 0) {
		getprotobyname_r(name, &space, buffer, sizeof(buffer), &found);
		return found ? found->p_proto : -1;
	}
	getprotobynumber_r(protocol, &space, buffer, sizeof(buffer), &found);
	getservbyname_r(name, found ? found->p_name : NULL, &service_space, service_buffer, sizeof(service_buffer),
			&service);
	return service ? ntohs((uint16_t)service->s_port) : -1;
}

static int number_of(struct xt_canonical *c, struct text name, int protocol)
{
	struct cached_name *cached;
	uint64_t number;

	if (text_to_number(name, UINT16_MAX, &number))
		return (int)number;
	for (unsigned i = 0; i < c->name_count; i++)
		if (c->names[i].protocol == protocol && text_is(name, c->names[i].name))
			return c->names[i].number;
	if (c->name_count == NAMES_MOST)
		forget_names(c);
	cached = &c->names[c->name_count++];
	cached->name = xstrndup(name.ptr, name.len);
	cached->protocol = protocol;
	cached->number = ask_name(cached->name, protocol);
	return cached->number;
}

static int protocol_of(struct xt_canonical *c, struct text name)
{
	if (text_is(name, "all"))
		return 0;
	if (text_is(name, "icmpv6"))
		return IPPROTO_ICMPV6;
	return number_of(c, name, -1);
}

/* ---- values; each prints the option's value, or returns false if the value has no effect ---- */

typedef bool print_value(struct spelled_rule *r, struct out *out, struct text value);

static struct text cut(struct text *rest, char at)
{
	const char *end = rest->len ? memchr(rest->ptr, at, rest->len) : NULL;
	struct text part = { rest->ptr, end ? (uint32_t)(end - rest->ptr) : rest->len };
	uint32_t taken = part.len + (end != NULL);

	*rest = (struct text){ rest->ptr + taken, rest->len - taken };
	return part;
}

static bool print_protocol(struct spelled_rule *r, struct out *out, struct text value)
{
	int number = protocol_of(r->c, value);

	if (number < 0)
		out_text(out, value);
	else
		out_number(out, (uint64_t)number);
	return number != 0;
}

/* Prints the masked bytes and the length; an invalid address keeps its text. */
static bool print_address(struct spelled_rule *r, struct out *out, struct text value)
{
	uint8_t bytes[16];
	bool six = r->c->family_mask == IPV6;
	uint64_t length = six ? 128 : 32;
	struct text rest = value, address = cut(&rest, '/');
	char text[64];

	if (address.len >= sizeof(text) || (rest.len && !text_to_number(rest, length, &length))) {
		out_text(out, value);
		return true;
	}
	memcpy(text, address.ptr, address.len);
	text[address.len] = '\0';
	if (inet_pton(six ? AF_INET6 : AF_INET, text, bytes) != 1) {
		out_text(out, value);
		return true;
	}
	for (unsigned i = 0; i < (six ? 16u : 4u); i++) {
		unsigned kept = length > 8 * i ? (unsigned)length - 8 * i : 0;

		out_printf(out, "%02x", kept < 8 ? bytes[i] & (0xff00u >> kept) & 0xff : bytes[i]);
	}
	out_printf(out, "/%u", (unsigned)length);
	return length > 0;
}

static bool print_address_range(struct spelled_rule *r, struct out *out, struct text value)
{
	struct text rest = value, first = cut(&rest, '-');

	print_address(r, out, first);
	out_char(out, '-');
	print_address(r, out, rest.len ? rest : first);
	return true;
}

static void print_port(struct spelled_rule *r, struct out *out, struct text port)
{
	int number = number_of(r->c, port, r->protocol);

	if (number < 0)
		out_text(out, port);
	else
		out_number(out, (uint64_t)number);
}

static void print_port_range(struct spelled_rule *r, struct out *out, struct text range)
{
	bool is_range = memchr(range.ptr, ':', range.len) != NULL;
	struct text rest = range, first = cut(&rest, ':');
	size_t start = out->len, middle;

	print_port(r, out, is_range && !first.len ? TEXT("0") : first);
	if (!is_range)
		return;
	out_char(out, ':');
	middle = out->len;
	print_port(r, out, rest.len ? rest : TEXT("65535"));
	/* A range of one port is that port. */
	if (out->len - middle == middle - 1 - start &&
	    memcmp(out->data + start, out->data + middle, out->len - middle) == 0)
		out->len = middle - 1;
}

static bool print_port_list(struct spelled_rule *r, struct out *out, struct text value)
{
	size_t start = out->len;

	while (value.len) {
		struct text port = cut(&value, ',');

		if (port.len)
			print_port_range(r, out, port);
		if (value.len)
			out_char(out, ',');
	}
	return !text_is((struct text){ out->data + start, (uint32_t)(out->len - start) }, "0:65535");
}

static bool print_icmp_type(struct spelled_rule *r, struct out *out, struct text value)
{
	const struct icmp_type *type = icmp_type_find(r->c->family_mask, value);

	/* xt_icmp takes 255 for any type, and iptables 1.8.11 prints it as `any`. */
	if (!type && r->c->family_mask == IPV4 && text_is(value, "255"))
		type = icmp_type_find(r->c->family_mask, TEXT("any"));
	if (!type)
		out_text(out, value);
	else if (type->code < 0)
		out_printf(out, "%d", type->type);
	else
		out_printf(out, "%d/%d", type->type, type->code);
	return true;
}

static bool print_mac(struct spelled_rule *r, struct out *out, struct text value)
{
	(void)r;
	for (uint32_t i = 0; i < value.len; i++)
		out_char(out, (char)tolower((unsigned char)value.ptr[i]));
	return true;
}

/* VALUE or VALUE/MASK in any base. */
static void read_mark(struct text value, unsigned long *mark, unsigned long *mask)
{
	char text[64], *end;

	snprintf(text, sizeof(text), "%.*s", TEXT_ARG(value));
	*mark = strtoul(text, &end, 0);
	*mask = *end == '/' ? strtoul(end + 1, NULL, 0) : 0xffffffff;
}

static bool print_mark(struct spelled_rule *r, struct out *out, struct text value)
{
	unsigned long mark, mask;

	(void)r;
	read_mark(value, &mark, &mask);
	out_printf(out, "0x%lx/0x%lx", mark, mask);
	return true;
}

/* `--set-mark V/M` clears M and sets V; -save calls that `--set-xmark V/(V|M)`. */
static bool print_set_mark(struct spelled_rule *r, struct out *out, struct text value)
{
	unsigned long mark, mask;

	(void)r;
	read_mark(value, &mark, &mask);
	out_printf(out, "0x%lx/0x%lx", mark, mask | mark);
	return true;
}

/* N/UNIT; the unit may be abbreviated.  Prints the period in ticks, as the kernel stores it. */
static void print_period(struct out *out, struct text value, unsigned long ticks)
{
	static const struct {
		const char *name;
		unsigned long seconds;
	} units[] = { { "second", 1 }, { "minute", 60 }, { "hour", 3600 }, { "day", 86400 } };
	struct text unit = value, number = cut(&unit, '/');
	uint64_t rate = 0;

	if (text_to_number(number, UINT32_MAX, &rate) && rate)
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (unit.len <= strlen(units[i].name) && strncasecmp(units[i].name, unit.ptr, unit.len) == 0) {
				out_printf(out, "%lu", ticks * units[i].seconds / rate);
				return;
			}
	out_text(out, value);
}

static bool print_rate(struct spelled_rule *r, struct out *out, struct text value)
{
	(void)r;
	print_period(out, value, 10000);
	return true;
}

static bool print_hash_rate(struct spelled_rule *r, struct out *out, struct text value)
{
	(void)r;
	print_period(out, value, 1000000);
	return true;
}

static bool print_burst(struct spelled_rule *r, struct out *out, struct text value)
{
	(void)r;
	out_text(out, value);
	return !text_is(value, "5");
}

static bool print_source_mask(struct spelled_rule *r, struct out *out, struct text value)
{
	out_text(out, value);
	return !text_is(value, r->c->family_mask == IPV6 ? "128" : "32");
}

/* The kernel limits the number of buckets to 1048576, and lists the limited number. */
static bool print_table_size(struct spelled_rule *r, struct out *out, struct text value)
{
	uint64_t size;

	(void)r;
	if (text_to_number(value, UINT32_MAX, &size))
		out_number(out, size > 1048576 ? 1048576 : size);
	else
		out_text(out, value);
	return true;
}

/* A list whose order has no effect, such as connection states. */
static bool print_list(struct spelled_rule *r, struct out *out, struct text value)
{
	struct text items[16];
	size_t count = 0;

	while (value.len && count < sizeof(items) / sizeof(items[0]))
		items[count++] = cut(&value, ',');
	r->failed |= value.len > 0;
	qsort(items, count, sizeof(items[0]), compare_names);
	for (size_t i = 0; i < count; i++) {
		if (i)
			out_char(out, ',');
		out_text(out, items[i]);
	}
	return true;
}

/* ---- options ---- */

/* Options whose names or values can be written in several ways. */
static const struct {
	const char *name, *canonical;
	print_value *print;
} spellings[] = {
	{ "-p", "-p", print_protocol },
	{ "--sport", "--sport", print_port_list },
	{ "--dport", "--dport", print_port_list },
	{ "--sports", "--sports", print_port_list },
	{ "--dports", "--dports", print_port_list },
	{ "--icmp-type", "--icmp-type", print_icmp_type },
	{ "--icmpv6-type", "--icmpv6-type", print_icmp_type },
	{ "--src-range", "--src-range", print_address_range },
	{ "--dst-range", "--dst-range", print_address_range },
	{ "--mac-source", "--mac-source", print_mac },
	{ "--mark", "--mark", print_mark },
	{ "--set-mark", "--set-xmark", print_set_mark },
	{ "--set-xmark", "--set-xmark", print_mark },
	{ "--limit", "--limit", print_rate },
	{ "--limit-burst", "--limit-burst", print_burst },
	{ "--hashlimit-above", "--hashlimit-above", print_hash_rate },
	{ "--hashlimit-burst", "--hashlimit-burst", print_burst },
	{ "--hashlimit-srcmask", "--hashlimit-srcmask", print_source_mask },
	{ "--hashlimit-htable-size", "--hashlimit-htable-size", print_table_size },
	{ "--ctstate", "--ctstate", print_list },
};

/* Modules that match every packet without options. */
static bool is_module_without_effect(struct text name)
{
	static const char *const modules[] = { "tcp",	"udp",	   "udplite", "icmp", "icmp6",	  "icmpv6",  "ipv6-icmp",
					       "sctp",	"dccp",	   "set",     "mac",  "iprange",  "addrtype", "conntrack",
					       "mark",	"physdev", "limit",   "comment", "multiport", "hashlimit" };

	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (text_is(name, modules[i]))
			return true;
	return false;
}

static void add_option(struct spelled_rule *r, struct text name, bool negated, struct text value)
{
	struct out *out = &r->c->options;
	size_t start = out->len;
	bool has_effect = true;
	unsigned i = 0;

	if (r->count == OPTIONS_MOST) {
		r->failed = true;
		return;
	}
	while (i < sizeof(spellings) / sizeof(spellings[0]) && !text_is(name, spellings[i].name))
		i++;
	if (negated)
		out_string(out, "! ");
	if (i < sizeof(spellings) / sizeof(spellings[0])) {
		out_string(out, spellings[i].canonical);
		out_char(out, ' ');
		has_effect = spellings[i].print(r, out, value);
	} else {
		out_text(out, name);
		out_char(out, ' ');
		out_text(out, value);
	}
	/* "! --dport 0:65535" would match nothing. */
	if (!has_effect && !negated) {
		out->len = start;
		return;
	}
	r->queue_numbered |= text_is(name, "--queue-num") || text_is(name, "--queue-balance");
	r->queue |= text_is(name, "-j") && text_is(value, "NFQUEUE");
	r->lengths[r->count++] = (uint32_t)(out->len - start);
}

static void take_option(struct spelled_rule *r, struct text name, bool negated, struct text value)
{
	if (text_is(name, "-m") || text_is(name, "--match")) {
		if (is_module_without_effect(value))
			return;
		name = TEXT("-m");
	}
	if (text_is(name, "-s") && !negated)
		r->sources = value;
	else if (text_is(name, "-d") && !negated)
		r->destinations = value;
	else
		add_option(r, name, negated, value);
}

/* Splits at spaces outside of double quotes and removes the quotes.  Sets *failed if there are too many words. */
static unsigned split(struct out *words, struct text line, struct text *found, bool *failed)
{
	unsigned count = 0;
	uint32_t i = 0;

	words->len = 0;
	out_make_room(words, line.len + 1); /* the words must not move */
	while (i < line.len && line.ptr[i] != '\n') {
		bool quoted = false;
		size_t start = words->len;

		if (line.ptr[i] == ' ') {
			i++;
			continue;
		}
		for (; i < line.len && line.ptr[i] != '\n' && (quoted || line.ptr[i] != ' '); i++) {
			if (line.ptr[i] == '"')
				quoted = !quoted;
			else if (line.ptr[i] == '\\' && i + 1 < line.len)
				out_char(words, line.ptr[++i]);
			else
				out_char(words, line.ptr[i]);
		}
		if (count == WORDS_MOST) {
			*failed = true;
			return count;
		}
		found[count++] = (struct text){ words->data + start, (uint32_t)(words->len - start) };
	}
	return count;
}

static bool is_option_word(struct text word)
{
	return word.len > 1 && word.ptr[0] == '-' && !char_is_digit(word.ptr[1]);
}

/* Takes each option with the words up to the next option, joined by spaces, as its value. */
static void read_options(struct spelled_rule *r, const struct text *words, unsigned count)
{
	char value[512];

	for (unsigned i = 0; i < count;) {
		bool negated = text_is(words[i], "!") && i + 1 < count;
		struct text name = words[i += negated];
		uint32_t len = 0;

		for (i++; i < count && !is_option_word(words[i]) && !text_is(words[i], "!"); i++) {
			if (len + words[i].len + 1 >= sizeof(value)) {
				/* A list of addresses is one word of any length. */
				if (!len && (i + 1 == count || is_option_word(words[i + 1]) || text_is(words[i + 1], "!"))) {
					take_option(r, name, negated, words[i]);
					name.len = 0;
					continue;
				}
				r->failed = true;
				return;
			}
			if (len)
				value[len++] = ' ';
			memcpy(value + len, words[i].ptr, words[i].len);
			len += words[i].len;
		}
		if (!name.len)
			continue;
		if (text_is(name, "-s") || text_is(name, "-d"))
			take_option(r, name, negated, len ? words[i - 1] : TEXT(""));
		else
			take_option(r, name, negated, (struct text){ value, len });
	}
}

/* Sets and sorts r->options; called after all options are written, as the buffer may move before. */
static void sort_options(struct spelled_rule *r)
{
	const char *at = r->c->options.data;

	for (unsigned i = 0; i < r->count; i++) {
		r->options[i] = (struct text){ at, r->lengths[i] };
		at += r->lengths[i];
	}
	if (r->count)
		qsort(r->options, r->count, sizeof(r->options[0]), compare_names);
}

static void print_endpoint(struct spelled_rule *r, struct out *out, const char *name, struct text address)
{
	size_t start = out->len;

	if (!address.len)
		return;
	out_string(out, name);
	if (print_address(r, out, address))
		out_char(out, ' ');
	else
		out->len = start;
}

static void print_one(struct spelled_rule *r, struct out *out, struct text source, struct text destination)
{
	print_endpoint(r, out, "-s ", source);
	print_endpoint(r, out, "-d ", destination);
	/* The length keeps one option from looking like two. */
	for (unsigned i = 0; i < r->count; i++) {
		out_number(out, r->options[i].len);
		out_char(out, ':');
		out_text(out, r->options[i]);
	}
	out_char(out, '\n');
}

/* Prints a rule for each pair of source and destination, in the order of iptables. */
static void print_pairs(struct spelled_rule *r, struct out *out)
{
	struct text sources = r->sources;

	do {
		struct text source = cut(&sources, ','), destinations = r->destinations;

		do
			print_one(r, out, source, cut(&destinations, ','));
		while (destinations.len);
	} while (sources.len);
}

void xt_canonical_line(struct xt_canonical *c, struct out *out, struct text line)
{
	struct spelled_rule r = { .c = c };
	struct text words[WORDS_MOST];
	unsigned count = split(&c->words, line, words, &r.failed);

	c->options.len = 0;
	if (count >= 2) { /* skip "-A CHAIN" */
		for (unsigned i = 2; i + 1 < count; i++)
			if (text_is(words[i], "-p")) {
				r.protocol = protocol_of(c, words[i + 1]);
				break;
			}
		read_options(&r, words + 2, count - 2);
	}
	if (r.queue && !r.queue_numbered)
		add_option(&r, TEXT("--queue-num"), false, TEXT("0"));
	if (r.failed) {
		out_text(out, line);
		if (!line.len || line.ptr[line.len - 1] != '\n')
			out_char(out, '\n');
		return;
	}
	sort_options(&r);
	print_pairs(&r, out);
}

void xt_canonical_lines(struct xt_canonical *c, struct out *out, struct text lines)
{
	while (lines.len)
		xt_canonical_line(c, out, cut(&lines, '\n'));
}
