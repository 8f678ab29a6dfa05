/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "questions/packet_request.h"

#include <netinet/in.h>

#include "config/addresses.h"
#include "diag/suggest.h"
#include "inputs/netdb.h"

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd, ETHERTYPE_ARP_FRAME = 0x0806 };
enum { FLAGS_SYN = 0x02, FLAGS_ACK = 0x10 };

/* What reading needs. */
struct request_reading {
	struct packet_request *request;
	struct asked *asked;
	struct arena *arena;
	const struct config *config;
	const struct packet_words *words;
	struct address_cache cache;
	int protocol; /* -1: any */
};

static const char *request_wrong(const struct request_reading *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static const char *request_wrong(const struct request_reading *r, const char *format, ...)
{
	const char *text;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(r->arena, format, args);
	va_end(args);
	return text;
}

/* "unknown WHAT `WORD`; did you mean `BEST`?" */
static const char *request_unknown(const struct request_reading *r, const char *what,
				   const struct suggestion *s)
{
	if (s->best.len)
		return request_wrong(r, "unknown %s `%.*s`; did you mean `%.*s`?", what, TEXT_ARG(s->wanted),
				     TEXT_ARG(s->best));
	return request_wrong(r, "unknown %s `%.*s`", what, TEXT_ARG(s->wanted));
}

static struct interval_set request_one_interval(struct arena *arena, struct number first, struct number last)
{
	struct interval *range = ARENA_NEW(arena, struct interval);

	*range = (struct interval){ first, last };
	return (struct interval_set){ range, 1 };
}

static struct interval_set request_one_number(struct arena *arena, uint64_t number)
{
	return request_one_interval(arena, number_small(number), number_small(number));
}

static void request_set_field(struct request_reading *r, enum model_field field, const char *given,
			      struct interval_set values)
{
	r->request->fields[field] = (struct requested_field){ given, true, values };
}

static void request_set_number(struct request_reading *r, enum model_field field, const char *given,
			       uint64_t number)
{
	request_set_field(r, field, given, request_one_number(r->arena, number));
}

/* Cuts the next item off a comma list; false at its end. */
static bool request_next_item(struct text *rest, struct text *item)
{
	long comma;

	if (!rest->ptr)
		return false;
	comma = text_find(*rest, ',');
	*item = text_trim((struct text){ rest->ptr, comma < 0 ? rest->len : (uint32_t)comma });
	*rest = comma < 0 ? (struct text){ NULL, 0 } : text_skip(*rest, (uint32_t)comma + 1);
	return true;
}

static uint32_t request_count_items(struct text list)
{
	uint32_t count = 1;

	for (uint32_t i = 0; i < list.len; i++)
		count += list.ptr[i] == ',';
	return count;
}

/* ---- protocol ---- */

static bool request_has_ports(int protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

static bool request_is_icmp(int protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* Whether the words say "any", or nothing. */
static bool request_is_any(const char *word)
{
	return !word || strcmp(word, "any") == 0;
}

static const char *request_read_protocol(struct request_reading *r, bool is_one)
{
	const char *word = r->words->protocol;
	struct text text = text_of(word ? word : "");
	struct suggestion s;
	uint64_t number;
	uint8_t found;

	r->protocol = -1;
	if (!word && r->words->icmp_type)
		r->protocol = r->request->family_mask == IPV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	else if (!word && (is_one || r->words->dport || r->words->sport))
		r->protocol = IPPROTO_TCP;
	else if (request_is_any(word))
		return NULL;
	else if (text_is_nocase(text, "arp"))
		r->request->arp = true;
	else if (text_is_nocase(text, "icmpv6") || text_is_nocase(text, "icmp6"))
		r->protocol = IPPROTO_ICMPV6;
	else if (text_to_number(text, 255, &number))
		r->protocol = (int)number;
	else if (netdb_protocol(r->config->netdb, arena_lower(r->arena, text), &found) ||
		 netdb_protocol(r->config->netdb, text, &found))
		r->protocol = found;
	else {
		suggest_start(&s, text);
		s.best = netdb_near_protocol(r->config->netdb, text);
		return request_unknown(r, "protocol", &s);
	}
	if (r->protocol == 0)
		return request_wrong(r, "protocol `%s` means every protocol in a rule, but a packet has one",
				     word);
	if (r->protocol == IPPROTO_ICMP)
		r->request->family_mask &= IPV4;
	if (r->protocol == IPPROTO_ICMPV6)
		r->request->family_mask &= IPV6;
	if (!r->request->family_mask)
		return request_wrong(r, "%s packets have %s addresses; use %s",
				     r->protocol == IPPROTO_ICMP ? "ICMP" : "ICMPv6",
				     r->protocol == IPPROTO_ICMP ? "IPv4" : "IPv6",
				     r->protocol == IPPROTO_ICMP ? "icmpv6" : "icmp");
	if (r->protocol >= 0)
		request_set_number(r, MODEL_PROTOCOL, word, (uint64_t)r->protocol);
	return NULL;
}

/* ---- ports ---- */

static unsigned request_services_of(int protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return SERVICE_TCP;
	case IPPROTO_SCTP:
		return SERVICE_SCTP;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return SERVICE_UDP;
	default:
		return SERVICE_TCP | SERVICE_UDP | SERVICE_SCTP;
	}
}

static bool request_read_port(const struct request_reading *r, struct text word, uint64_t *port)
{
	uint16_t found;

	if (text_to_number(word, 65535, port))
		return true;
	if (!netdb_service(r->config->netdb, word, request_services_of(r->protocol), &found))
		return false;
	*port = found;
	return true;
}

/* Where "8000:8010" or "8000-8010" is cut; -1 if it is no range.  Names of services may have a dash. */
static long request_range_cut(struct text item)
{
	long colon = text_find(item, ':');

	return colon < 0 && item.len && char_is_digit(item.ptr[0]) ? text_find(item, '-') : colon;
}

static const char *request_read_port_item(const struct request_reading *r, const char *option,
					  struct text item, struct interval *range)
{
	long cut = request_range_cut(item);
	struct text first = cut < 0 ? item : (struct text){ item.ptr, (uint32_t)cut };
	struct text last = cut < 0 ? item : text_skip(item, (uint32_t)cut + 1);
	struct suggestion s;
	uint64_t a, b;

	if (!request_read_port(r, first, &a) || !request_read_port(r, last, &b)) {
		if (item.len && char_is_digit(item.ptr[0]))
			return request_wrong(
				r, "%s takes a port from 0 to 65535 or the name of a service, not `%.*s`",
				option, TEXT_ARG(item));
		suggest_start(&s, item);
		s.best = netdb_near_service(r->config->netdb, item);
		return request_unknown(r, "service", &s);
	}
	if (a > b)
		return request_wrong(r, "%s: the range `%.*s` ends before it begins", option, TEXT_ARG(item));
	*range = (struct interval){ number_small(a), number_small(b) };
	return NULL;
}

static const char *request_read_ports(struct request_reading *r, enum model_field field, const char *option,
				      const char *word)
{
	struct text rest = text_of(word ? word : ""), item;
	struct interval *ranges;
	uint32_t count = 0;

	if (request_is_any(word))
		return NULL;
	if (!request_has_ports(r->protocol))
		return request_wrong(
			r, "%s needs a protocol with ports: tcp, udp, udplite, sctp or dccp%s%s%s", option,
			r->words->protocol ? ", not `" : "", r->words->protocol ? r->words->protocol : "",
			r->words->protocol ? "`" : "");
	ranges = ARENA_ARRAY(r->arena, struct interval, request_count_items(rest));
	while (request_next_item(&rest, &item)) {
		const char *error = request_read_port_item(r, option, item, &ranges[count++]);

		if (error)
			return error;
	}
	request_set_field(r, field, word, interval_set_normalize(ranges, count));
	return NULL;
}

/* ---- ICMP ---- */

static const char *request_read_icmp_type(struct request_reading *r, const char *option, const char *word)
{
	unsigned family = r->protocol == IPPROTO_ICMPV6 ? IPV6 : IPV4;
	struct text text = text_of(word);
	long slash = text_find(text, '/');
	struct text first = slash < 0 ? text : (struct text){ text.ptr, (uint32_t)slash };
	const struct icmp_type *type;
	struct suggestion s;
	uint64_t number, code;

	if (!request_is_icmp(r->protocol))
		return request_wrong(r, "%s needs --protocol icmp or icmpv6", option);
	if (text_to_number(first, 255, &number)) {
		if (slash >= 0 && !text_to_number(text_skip(text, (uint32_t)slash + 1), 255, &code))
			return request_wrong(r, "%s takes a code from 0 to 255 after the slash, not `%s`",
					     option, word);
		request_set_number(r, MODEL_ICMP_TYPE, word, number);
		if (slash >= 0)
			request_set_number(r, MODEL_ICMP_CODE, word, code);
		return NULL;
	}
	type = icmp_type_find(family, text);
	if (!type && icmp_type_find(family == IPV4 ? IPV6 : IPV4, text))
		return request_wrong(r, "`%s` is a type of %s; use --protocol %s", word,
				     family == IPV4 ? "icmpv6" : "icmp", family == IPV4 ? "icmpv6" : "icmp");
	if (!type) {
		suggest_start(&s, text);
		for (unsigned i = 0; i < icmp_count; i++)
			if (icmp_table[i].family_mask & family)
				suggest(&s, text_of(icmp_table[i].name), SPAN_NONE);
		return request_unknown(r, "ICMP type", &s);
	}
	if (type->type >= 0)
		request_set_number(r, MODEL_ICMP_TYPE, word, (uint64_t)type->type);
	if (type->code >= 0)
		request_set_number(r, MODEL_ICMP_CODE, word, (uint64_t)type->code);
	return NULL;
}

/* ---- addresses ---- */

/* The scopes in which a name without a prefix is looked up, the nearest first. */
static unsigned request_list_scopes(const struct request_reading *r, const char *prefix,
				    const struct scope *scopes[4])
{
	const struct packet_request *request = r->request;
	bool any = !*prefix;
	unsigned count = 0;

	if ((any || strcmp(prefix, "guest/") == 0) && request->to.guest)
		scopes[count++] = &request->to.guest->scope;
	if ((any || strcmp(prefix, "guest/") == 0) && request->from.guest)
		scopes[count++] = &request->from.guest->scope;
	if (any || strcmp(prefix, "dc/") == 0)
		scopes[count++] = &r->config->cluster;
	if (any || strcmp(prefix, "sdn/") == 0)
		scopes[count++] = &r->config->sdn;
	return count;
}

static const char *request_name_prefix(struct text *name)
{
	static const char *const prefixes[] = { "dc/", "guest/", "sdn/" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (text_starts(*name, prefixes[i])) {
			*name = text_skip(*name, (uint32_t)strlen(prefixes[i]));
			return prefixes[i];
		}
	return "";
}

/* The addresses of one item, of both families. */
struct request_item {
	struct interval_set of[2]; /* IPv4, IPv6 */
};

static const char *request_read_set(struct request_reading *r, struct text item, struct request_item *found)
{
	struct text name = text_skip(item, 1);
	const char *prefix = request_name_prefix(&name);
	struct text lower = arena_lower(r->arena, name);
	const struct scope *scopes[4];
	unsigned count = request_list_scopes(r, prefix, scopes);
	struct suggestion s;

	suggest_start(&s, name);
	for (unsigned i = 0; i < count; i++) {
		const struct ipset *set = NULL;

		if (scopes[i]->ipsets)
			HASH_FIND(hh, scopes[i]->ipsets, lower.ptr, lower.len, set);
		if (set) {
			found->of[0] = ipset_addresses(&r->cache, set, IPV4);
			found->of[1] = ipset_addresses(&r->cache, set, IPV6);
			return NULL;
		}
		for (set = scopes[i]->ipsets; set; set = set->hh.next)
			suggest(&s, set->name, SPAN_NONE);
	}
	return request_unknown(r, "IP set", &s);
}

static const char *request_read_alias(struct request_reading *r, struct text item, struct request_item *found)
{
	struct text name = item;
	const char *prefix = request_name_prefix(&name);
	struct text lower = arena_lower(r->arena, name);
	const struct scope *scopes[4];
	unsigned count = request_list_scopes(r, prefix, scopes);
	struct suggestion s;

	suggest_start(&s, name);
	for (unsigned i = 0; i < count; i++) {
		const struct alias *alias = NULL;

		if (scopes[i]->aliases)
			HASH_FIND(hh, scopes[i]->aliases, lower.ptr, lower.len, alias);
		if (alias && alias->valid) {
			found->of[0] = interval_set_of_prefixes(r->arena, &alias->prefix, 1, IPV4);
			found->of[1] = interval_set_of_prefixes(r->arena, &alias->prefix, 1, IPV6);
			return NULL;
		}
		for (alias = scopes[i]->aliases; alias; alias = alias->hh.next)
			suggest(&s, alias->name, SPAN_NONE);
	}
	return request_unknown(r, "alias", &s);
}

static const char *request_read_range(struct request_reading *r, const char *option, struct text item,
				      uint32_t cut, struct request_item *found)
{
	struct prefix first, last;

	if (address_parse(text_trim((struct text){ item.ptr, cut }), &first) != ADDRESS_OK ||
	    address_parse(text_trim(text_skip(item, cut + 1)), &last) != ADDRESS_OK)
		return request_wrong(r, "%s: `%.*s` is not a range of addresses", option, TEXT_ARG(item));
	if (first.family != last.family || address_compare(&first, &last) > 0)
		return request_wrong(r, "%s: the range `%.*s` ends before it begins", option, TEXT_ARG(item));
	found->of[first.family == AF_INET6] = request_one_interval(r->arena, interval_of_prefix(&first).first,
								   interval_of_prefix(&last).last);
	return NULL;
}

static const char *request_read_prefix(struct request_reading *r, const char *option, struct text item,
				       struct request_item *found)
{
	char intended[PREFIX_TEXT_SIZE];
	struct prefix prefix;

	if (prefix_parse(item, &prefix) != ADDRESS_OK) {
		if (address_intended(item, intended))
			return request_wrong(r, "%s: `%.*s` is not an address; did you mean `%s`?", option,
					     TEXT_ARG(item), intended);
		return request_wrong(r, "%s: `%.*s` is not an address", option, TEXT_ARG(item));
	}
	found->of[0] = interval_set_of_prefixes(r->arena, &prefix, 1, IPV4);
	found->of[1] = interval_set_of_prefixes(r->arena, &prefix, 1, IPV6);
	return NULL;
}

static const char *request_read_address(struct request_reading *r, const char *option, struct text item,
					struct request_item *found)
{
	struct prefix prefix;
	long dash;

	if (text_starts(item, "+"))
		return request_read_set(r, item, found);
	dash = text_find(item, '-');
	if (dash > 0 &&
	    address_parse(text_trim((struct text){ item.ptr, (uint32_t)dash }), &prefix) == ADDRESS_OK)
		return request_read_range(r, option, item, (uint32_t)dash, found);
	if (item.len && (char_is_letter(item.ptr[0]) && prefix_parse(item, &prefix) != ADDRESS_OK) &&
	    text_find(item, ':') < 0)
		return request_read_alias(r, item, found);
	return request_read_prefix(r, option, item, found);
}

/* The union of the items' addresses of one family. */
static struct interval_set request_unite(struct arena *arena, const struct request_item *items,
					 uint32_t count, unsigned which)
{
	uint32_t total = 0;
	struct interval *ranges;

	for (uint32_t i = 0; i < count; i++)
		total += items[i].of[which].count;
	ranges = ARENA_ARRAY(arena, struct interval, total);
	total = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct interval_set *set = &items[i].of[which];

		if (set->count)
			memcpy(&ranges[total], set->ranges, set->count * sizeof(*ranges));
		total += set->count;
	}
	return interval_set_normalize(ranges, total);
}

static const char *request_family_name(unsigned family)
{
	return family == IPV4 ? "IPv4" : "IPv6";
}

static const char *request_read_addresses(struct request_reading *r, const char *option, const char *word,
					  enum model_field field4, enum model_field field6)
{
	struct text rest = text_of(word ? word : ""), item;
	struct interval_set sets[2];
	struct request_item *items;
	unsigned families;
	uint32_t count = 0;

	if (request_is_any(word))
		return NULL;
	items = ARENA_ARRAY(r->arena, struct request_item, request_count_items(rest));
	while (request_next_item(&rest, &item)) {
		const char *error = request_read_address(r, option, item, &items[count++]);

		if (error)
			return error;
	}
	for (unsigned i = 0; i < 2; i++) {
		sets[i] = request_unite(r->arena, items, count, i);
		request_set_field(r, i ? field6 : field4, word, sets[i]);
	}
	families = (sets[0].count ? IPV4 : 0u) | (sets[1].count ? IPV6 : 0u);
	if (!families)
		return request_wrong(r, "%s: `%s` has no address", option, word);
	if (!(families & r->request->family_mask))
		return request_wrong(r, "%s `%s` is %s, but --source `%s` is %s", option, word,
				     request_family_name(families), r->words->source,
				     request_family_name(r->request->family_mask));
	r->request->family_mask &= families;
	return NULL;
}

/* Whether all addresses asked for are those of groups. */
static bool request_is_group(const struct request_reading *r)
{
	static const struct interval groups4[] = { { { 0, 0xe0000000 }, { 0, 0xefffffff } },
						   { { 0, 0xffffffff }, { 0, 0xffffffff } } };
	static const struct interval groups6[] = { { { UINT64_C(0xff) << 56, 0 },
						     { UINT64_MAX, UINT64_MAX } } };
	const struct interval_set four = { groups4, 2 }, six = { groups6, 1 };
	const struct requested_field *dest4 = &r->request->fields[MODEL_DEST4],
				     *dest6 = &r->request->fields[MODEL_DEST6];

	return dest4->known && interval_set_contains(&four, &dest4->values) &&
	       interval_set_contains(&six, &dest6->values);
}

/* ---- the rest ---- */

static const char *const request_states[MODEL_STATES] = {
	[MODEL_STATE_NEW] = "new",
	[MODEL_STATE_ESTABLISHED] = "established",
	[MODEL_STATE_RELATED] = "related",
	[MODEL_STATE_INVALID] = "invalid",
	[MODEL_STATE_UNTRACKED] = "untracked",
};

const char *model_state_text(enum model_state state)
{
	return request_states[state];
}

static const char *request_read_states(struct request_reading *r, bool is_one)
{
	const char *word = r->words->state;
	struct text rest = text_of(word ? word : "new"), item;
	struct interval ranges[MODEL_STATES * 2];
	struct interval *copy;
	uint32_t count = 0;

	if (word ? request_is_any(word) : !is_one)
		return NULL;
	while (request_next_item(&rest, &item)) {
		struct suggestion s;
		unsigned i;

		suggest_start(&s, item);
		for (i = 0; i < MODEL_STATES && !text_is_nocase(item, request_states[i]); i++)
			suggest_word(&s, text_of(request_states[i]));
		if (i == MODEL_STATES)
			return request_unknown(r, "state", &s);
		if (count < MODEL_STATES * 2)
			ranges[count++] = (struct interval){ number_small(i), number_small(i) };
	}
	copy = ARENA_ARRAY(r->arena, struct interval, count);
	memcpy(copy, ranges, count * sizeof(*copy));
	request_set_field(r, MODEL_STATE, word, interval_set_normalize(copy, count));
	return NULL;
}

static const char *request_read_mac(struct request_reading *r)
{
	const char *word = r->words->mac;
	uint64_t number = 0;
	unsigned digits = 0;

	if (request_is_any(word))
		return NULL;
	for (const char *c = word; *c; c++) {
		int digit = char_hex_value(*c);

		if (digits % 2 == 0 && digits && digits < 12 && (*c == ':' || *c == '-') &&
		    (c[-1] != ':' && c[-1] != '-'))
			continue;
		if (digit < 0 || digits == 12)
			return request_wrong(r, "--mac takes an address such as bc:24:11:00:00:01, not `%s`",
					     word);
		number = number << 4 | (unsigned)digit;
		digits++;
	}
	if (digits != 12)
		return request_wrong(r, "--mac takes an address such as bc:24:11:00:00:01, not `%s`", word);
	request_set_number(r, MODEL_SOURCE_MAC, word, number);
	return NULL;
}

/* The number of an interface: its own, or that of the longest pattern that it matches. */
static uint32_t request_iface_number(const struct model_ifaces *ifaces, struct text name)
{
	uint32_t best = 0, length = 0;

	for (uint32_t i = 0; i < ifaces->count; i++) {
		struct text known = ifaces->names[i];

		if (text_equal(known, name))
			return i + 1;
		if (!text_ends(known, "+"))
			continue;
		known.len--;
		if (name.len >= known.len && memcmp(known.ptr, name.ptr, known.len) == 0 &&
		    known.len + 1 > length) {
			best = i + 1;
			length = known.len + 1;
		}
	}
	return best;
}

static const char *request_read_interface(struct request_reading *r)
{
	const char *word = r->words->interface;
	struct text name = text_of(word ? word : "");
	uint32_t lo;

	lo = request_iface_number(&r->asked->ifaces, TEXT("lo"));
	if (lo)
		r->request->not_iface = request_one_number(r->arena, lo);
	if (request_is_any(word))
		return NULL;
	if (r->request->from.zone != PATH_HOST && r->request->to.zone != PATH_HOST &&
	    r->request->to.zone != PATH_OUTSIDE)
		return request_wrong(
			r, "--interface is the interface of the host; a packet from %s to %s has none",
			path_end_text(r->arena, &r->request->from), path_end_text(r->arena, &r->request->to));
	for (const struct altname *a = r->config->altnames; a; a = a->next)
		if (text_equal(a->name, name))
			name = a->iface;
	request_set_number(r, MODEL_IFACE, word, request_iface_number(&r->asked->ifaces, name));
	return NULL;
}

static const char *request_read_ends(struct request_reading *r)
{
	struct packet_request *request = r->request;
	const char *from = r->words->from ? r->words->from : "outside",
		   *to = r->words->to ? r->words->to : "host";
	const char *error;

	/* Stock's defaults are both ends; with one of them the other end is the nearest that makes sense. */
	if (!r->words->to && r->words->from && strcmp(from, "host") == 0)
		to = "outside";
	error = path_end_parse(r->config, text_of(from), &request->from);
	return error ? error : path_end_parse(r->config, text_of(to), &request->to);
}

/* ARP has a sender's address and nothing else that a rule asks. */
static const char *request_check_arp(struct request_reading *r)
{
	const struct packet_words *w = r->words;
	struct requested_field *sender = &r->request->fields[MODEL_SOURCE4];

	if (w->dest || w->sport || w->dport || w->icmp_type || (w->state && !request_is_any(w->state)))
		return request_wrong(r, "an ARP packet has a --source and a --mac, but no %s",
				     w->dest        ? "--dest"
				     : w->sport     ? "--sport"
				     : w->dport     ? "--dport"
				     : w->icmp_type ? "--icmp-type"
						    : "--state");
	if (sender->known && !(r->request->family_mask & IPV4))
		return request_wrong(r, "an ARP packet has an IPv4 address as its --source, not `%s`",
				     w->source);
	if (sender->known)
		r->request->fields[MODEL_ARP_SENDER] = *sender;
	*sender = (struct requested_field){ NULL, false, { NULL, 0 } };
	r->request->fields[MODEL_STATE] = *sender;
	r->request->family_mask = IPV4;
	return NULL;
}

static const char *request_read_words(struct request_reading *r, bool is_one)
{
	const struct packet_words *w = r->words;
	const char *error = request_read_ends(r);

	if (!error)
		error = request_read_addresses(r, "--source", w->source, MODEL_SOURCE4, MODEL_SOURCE6);
	if (!error)
		error = request_read_addresses(r, "--dest", w->dest, MODEL_DEST4, MODEL_DEST6);
	if (!error)
		error = request_read_protocol(r, is_one);
	/* In rules, -dport of ICMP is its type. */
	if (!error && w->dport && request_is_icmp(r->protocol) && !w->icmp_type)
		error = request_read_icmp_type(r, "--dport", w->dport);
	else if (!error)
		error = r->request->arp ? NULL : request_read_ports(r, MODEL_DPORT, "--dport", w->dport);
	if (!error && !r->request->arp)
		error = request_read_ports(r, MODEL_SPORT, "--sport", w->sport);
	if (!error && w->icmp_type && !request_is_any(w->icmp_type) && !r->request->arp)
		error = request_read_icmp_type(r, "--icmp-type", w->icmp_type);
	if (!error)
		error = request_read_states(r, is_one);
	if (!error)
		error = request_read_mac(r);
	if (!error)
		error = request_read_interface(r);
	if (!error && r->request->arp)
		error = request_check_arp(r);
	if (!error && (is_one || w->over_limit))
		request_set_number(r, MODEL_OVER_LIMIT, w->over_limit ? "" : NULL, w->over_limit);
	if (!error)
		r->request->flooded = r->request->arp ? false : request_is_group(r);
	return error;
}

const char *packet_request_read(struct packet_request *request, struct asked *asked,
				const struct packet_words *words, bool is_one)
{
	struct request_reading r = { .request = request,
				     .asked = asked,
				     .arena = &asked->arena,
				     .config = asked->config,
				     .words = words };
	const char *error;

	*request = (struct packet_request){ .family_mask = IPV_BOTH };
	error = request_read_words(&r, is_one);
	/* Its addresses are part of the request. */
	arena_adopt(r.arena, &r.cache.arena);
	address_cache_free(&r.cache);
	return error;
}

/* ---- matches ---- */

static bool request_is_of_family(enum model_field field, unsigned family)
{
	if (field == MODEL_SOURCE4 || field == MODEL_DEST4)
		return family == IPV4;
	return (field != MODEL_SOURCE6 && field != MODEL_DEST6) || family == IPV6;
}

bool packet_request_is_of_families(const struct packet_request *request)
{
	return request->fields[MODEL_SOURCE4].known || request->fields[MODEL_DEST4].known ||
	       request->family_mask != IPV_BOTH;
}

static const struct interval ethertype_ranges[] = {
	{ { 0, ETHERTYPE_IPV4 }, { 0, ETHERTYPE_IPV4 } },
	{ { 0, ETHERTYPE_IPV6 }, { 0, ETHERTYPE_IPV6 } },
	{ { 0, ETHERTYPE_ARP_FRAME }, { 0, ETHERTYPE_ARP_FRAME } },
};

uint32_t packet_request_matches(const struct packet_request *request, unsigned family,
				struct model_match matches[PACKET_MATCHES_MAX])
{
	uint32_t count = 0;

	matches[count++] = (struct model_match){
		.field = MODEL_ETHERTYPE,
		.values = { &ethertype_ranges[request->arp ? 2 : family == IPV6],
			    family == IPV_BOTH ? 2 : 1 },
	};
	for (unsigned i = 0; i < MODEL_FIELDS; i++)
		if (request->fields[i].known && request_is_of_family((enum model_field)i, family))
			matches[count++] = (struct model_match){ .field = (enum model_field)i,
								 .values = request->fields[i].values };
	if (request->not_iface.count && !request->fields[MODEL_IFACE].known)
		matches[count++] = (struct model_match){ .field = MODEL_IFACE,
							 .negated = true,
							 .values = request->not_iface };
	return count;
}

bool packet_end_address(const struct config *config, const struct path_end *end, unsigned family,
			struct prefix *address)
{
	const struct nic *nic = end->zone == PATH_GUEST ? end->nic : NULL;
	const struct ipset *set;

	if (nic) {
		*address = family == IPV4 ? nic->ip4 : nic->ip6;
		if (address->family)
			return true;
		set = guest_filter_set(end->guest, nic);
		for (const struct set_entry *e = set ? set->entries : NULL; e; e = e->next) {
			*address = e->alias ? e->alias->prefix : e->prefix;
			if (!e->nomatch && (!e->alias || e->alias->valid) &&
			    prefix_family_mask(address) == family)
				return true;
		}
	}
	for (const struct corosync_link *link = end->zone == PATH_HOST ? config->corosync.links : NULL; link;
	     link = link->next)
		if (address_parse(link->ours, address) == ADDRESS_OK && prefix_family_mask(address) == family)
			return true;
	return false;
}

/* Matches that are appended one by one. */
struct request_preferred {
	struct arena *arena;
	struct model_match *matches;
	uint32_t count;
};

static void request_prefer(struct request_preferred *p, enum model_field field, struct number number)
{
	p->matches[p->count++] = (struct model_match){
		.field = field, .values = request_one_interval(p->arena, number, number)
	};
}

static struct number request_mac_number(const uint8_t mac[6])
{
	uint64_t number = 0;

	for (unsigned i = 0; i < 6; i++)
		number = number << 8 | mac[i];
	return number_small(number);
}

static void request_prefer_address(struct request_preferred *p, const struct config *config,
				   const struct path_end *end, unsigned family, enum model_field field,
				   unsigned example)
{
	/* Of the networks for documentation, RFC 5737 and 3849. */
	const struct number fallback = family == IPV4
					       ? number_small(0xc0000200u + example)
					       : (struct number){ UINT64_C(0x20010db8) << 32, example };
	struct prefix address;

	if (packet_end_address(config, end, family, &address))
		request_prefer(p, field, number_of_address(address.bytes, family == IPV4 ? 4 : 16));
	request_prefer(p, field, fallback);
}

/* Stock's simulator has the outside behind vmbr0; a rule of the host can ask for it. */
static void request_prefer_interface(struct request_preferred *p, const struct asked *asked,
				     const struct packet_request *request)
{
	bool is_host = request->from.zone == PATH_HOST || request->to.zone == PATH_HOST;
	bool is_outside = request->from.zone == PATH_OUTSIDE || request->to.zone == PATH_OUTSIDE;

	if (is_host && is_outside)
		request_prefer(p, MODEL_IFACE,
			       number_small(request_iface_number(&asked->ifaces, TEXT("vmbr0"))));
}

uint32_t packet_request_preferred(struct asked *asked, const struct packet_request *request, unsigned family,
				  struct model_match matches[PACKET_MATCHES_MAX])
{
	struct request_preferred p = { .arena = &asked->arena, .matches = matches };
	const struct requested_field *state = &request->fields[MODEL_STATE],
				     *protocol = &request->fields[MODEL_PROTOCOL];
	bool is_new = !state->known || state->values.ranges[0].first.low == MODEL_STATE_NEW;

	request_prefer(&p, MODEL_SOURCE_TYPE, number_small(MODEL_TYPE_UNICAST));
	request_prefer(&p, MODEL_DEST_TYPE, number_small(MODEL_TYPE_UNICAST));
	request_prefer_interface(&p, asked, request);
	if (request->from.zone == PATH_GUEST && request->from.nic->mac.len)
		request_prefer(&p, MODEL_SOURCE_MAC, request_mac_number(request->from.nic->mac_bytes));
	if (request->arp) {
		request_prefer_address(&p, asked->config, &request->from, IPV4, MODEL_ARP_SENDER, 1);
		return p.count;
	}
	request_prefer_address(&p, asked->config, &request->from, family,
			       family == IPV4 ? MODEL_SOURCE4 : MODEL_SOURCE6, 1);
	request_prefer_address(&p, asked->config, &request->to, family,
			       family == IPV4 ? MODEL_DEST4 : MODEL_DEST6, 2);
	if (!protocol->known || protocol->values.ranges[0].first.low == IPPROTO_TCP)
		request_prefer(&p, MODEL_TCP_FLAGS, number_small(is_new ? FLAGS_SYN : FLAGS_ACK));
	if (protocol->known && request_is_icmp((int)protocol->values.ranges[0].first.low)) {
		request_prefer(&p, MODEL_ICMP_TYPE, number_small(family == IPV4 ? 8 : 128));
		request_prefer(&p, MODEL_ICMP_CODE, number_small(0));
	}
	return p.count;
}
