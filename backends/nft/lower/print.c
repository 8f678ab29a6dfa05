/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ruleset as a script for `nft -f`, one transaction that replaces both tables whatever was
 * there before. Values have the names that nft knows; all of it is in the syntax of nft
 * 1.0.6, which later versions accept.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>

#include "nft/lower/nft.h"
#include "net/prefix_set.h"

/* ---- values ---- */

struct nft_name {
	uint32_t number;
	const char *name;
};

#define NAMES(...) (const struct nft_name[]){ __VA_ARGS__, { 0, NULL } }

/* The names of values by type, each list ended by NULL; of CT_STATE and TCP_FLAG the names of bits. */
static const struct nft_name *const nft_names[NFT_TYPES] = {
	[NFT_TYPE_ETHER_TYPE] = NAMES({ 0x0800, "ip" }, { 0x0806, "arp" }, { 0x86dd, "ip6" }),
	[NFT_TYPE_NFPROTO] = NAMES({ NFPROTO_IPV4, "ipv4" }, { NFPROTO_IPV6, "ipv6" }),
	[NFT_TYPE_INET_PROTO] = NAMES({ 1, "icmp" }, { 6, "tcp" }, { 17, "udp" }, { 33, "dccp" }, { 58, "icmpv6" },
				      { 132, "sctp" }, { 136, "udplite" }),
	[NFT_TYPE_FIB_ADDRTYPE] = NAMES({ 3, "broadcast" }, { 4, "anycast" }),
	[NFT_TYPE_ICMP_TYPE] = NAMES({ 0, "echo-reply" }, { 3, "destination-unreachable" }, { 4, "source-quench" },
				     { 5, "redirect" }, { 8, "echo-request" }, { 9, "router-advertisement" },
				     { 10, "router-solicitation" }, { 11, "time-exceeded" }, { 12, "parameter-problem" },
				     { 13, "timestamp-request" }, { 14, "timestamp-reply" }, { 17, "address-mask-request" },
				     { 18, "address-mask-reply" }),
	[NFT_TYPE_ICMPV6_TYPE] = NAMES({ 1, "destination-unreachable" }, { 2, "packet-too-big" }, { 3, "time-exceeded" },
				       { 4, "parameter-problem" }, { 128, "echo-request" }, { 129, "echo-reply" },
				       { 133, "nd-router-solicit" }, { 134, "nd-router-advert" },
				       { 135, "nd-neighbor-solicit" }, { 136, "nd-neighbor-advert" },
				       { 137, "nd-redirect" }),
	[NFT_TYPE_CT_STATE] = NAMES({ 1, "invalid" }, { 2, "established" }, { 4, "related" }, { 8, "new" }),
	[NFT_TYPE_TCP_FLAG] = NAMES({ 1, "fin" }, { 2, "syn" }, { 4, "rst" }, { 8, "psh" }, { 16, "ack" }, { 32, "urg" }),
};

static uint32_t nft_host_number(const struct nft_value *value)
{
	uint32_t number;

	memcpy(&number, value->bytes, sizeof(number));
	return number;
}

/* The names of the bits that are set. */
static void nft_print_bits(struct out *out, uint32_t bits, enum nft_type type, const char *separator)
{
	const char *before = "";

	for (const struct nft_name *names = nft_names[type]; names->name; names++) {
		if (!(bits & names->number))
			continue;
		out_string(out, before);
		out_string(out, names->name);
		before = separator;
	}
}

static void nft_print_flags(struct out *out, uint32_t flags)
{
	bool several = flags & (flags - 1);

	if (!flags)
		out_string(out, "0x0");
	if (several)
		out_char(out, '(');
	nft_print_bits(out, flags, NFT_TYPE_TCP_FLAG, " | ");
	if (several)
		out_char(out, ')');
}

static bool nft_has_label(const struct nft_value *value, unsigned bit)
{
	return (unsigned)value->bytes[bit / 8] & (1u << bit % 8);
}

/* Labels by their numbers. */
static void nft_print_labels(struct out *out, const struct nft_value *value)
{
	const char *before = "(";
	unsigned count = 0;

	for (unsigned bit = 0; bit < 128; bit++)
		count += nft_has_label(value, bit);
	for (unsigned bit = 0; bit < 128; bit++) {
		if (!nft_has_label(value, bit))
			continue;
		if (count > 1)
			out_string(out, before);
		out_number(out, bit);
		before = " | ";
	}
	if (count > 1)
		out_char(out, ')');
}

static void nft_print_number(struct out *out, enum nft_type type, const struct nft_value *value)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < value->length; i++)
		number = number << 8 | value->bytes[i];
	if (type == NFT_TYPE_FIB_ADDRTYPE)
		number = nft_host_number(value);
	for (const struct nft_name *names = nft_names[type]; names && names->name; names++) {
		if (names->number == number) {
			out_string(out, names->name);
			return;
		}
	}
	if (type == NFT_TYPE_ETHER_TYPE)
		out_printf(out, "0x%04x", number);
	else
		out_number(out, number);
}

static void nft_print_value(struct out *out, enum nft_type type, const struct nft_value *value)
{
	const uint8_t *b = value->bytes;
	char text[INET6_ADDRSTRLEN];

	switch (type) {
	case NFT_TYPE_IFNAME:
		out_char(out, '"');
		out_bytes(out, (const char *)b, strnlen((const char *)b, value->length));
		out_string(out, value->length < 16 ? "*\"" : "\"");
		break;
	case NFT_TYPE_IPV4_ADDR:
	case NFT_TYPE_IPV6_ADDR:
		out_string(out, inet_ntop(value->length == 4 ? AF_INET : AF_INET6, b, text, sizeof(text)));
		break;
	case NFT_TYPE_ETHER_ADDR:
		out_printf(out, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
		break;
	case NFT_TYPE_MARK:
	case NFT_TYPE_REALM:
		out_printf(out, "0x%08x", nft_host_number(value));
		break;
	case NFT_TYPE_CT_STATE:
		nft_print_bits(out, nft_host_number(value), type, ",");
		break;
	case NFT_TYPE_TCP_FLAG:
		nft_print_flags(out, b[0]);
		break;
	case NFT_TYPE_CT_LABEL:
		nft_print_labels(out, value);
		break;
	default:
		nft_print_number(out, type, value);
	}
}

/* ---- keys and matches ---- */

/* Of a port that is asked for before the protocol, nft's name for any protocol. */
static const char *nft_spelling(enum nft_field field, bool knows_protocol)
{
	const struct nft_field_row *row = &nft_fields[field];

	if (knows_protocol || row->type != NFT_TYPE_INET_SERVICE)
		return row->spelling;
	return strstr(row->spelling, "sport") ? "th sport" : "th dport";
}

static void nft_print_keys(struct out *out, const struct nft_key *keys, unsigned count, bool knows_protocol)
{
	for (unsigned i = 0; i < count; i++) {
		const struct nft_field_row *row = &nft_fields[keys[i].field];

		if (i)
			out_string(out, " . ");
		out_string(out, nft_spelling(keys[i].field, knows_protocol));
		if (keys[i].masked) {
			out_string(out, " & ");
			nft_print_value(out, row->type, &keys[i].mask);
		}
	}
}

static void nft_print_match(struct out *out, const struct nft_match *m, bool knows_protocol)
{
	enum nft_type type = nft_fields[m->keys[0].field].type;

	nft_print_keys(out, m->keys, m->key_count, knows_protocol);
	out_char(out, ' ');
	switch (m->op) {
	case NFT_OP_NE:
	case NFT_OP_EQ:
		if (m->op == NFT_OP_NE || m->keys[0].masked)
			out_string(out, m->op == NFT_OP_NE ? "!= " : "== ");
		nft_print_value(out, type, &m->value);
		break;
	case NFT_OP_NO_FLAGS:
		out_string(out, "! ");
		nft_print_value(out, type, &m->value);
		break;
	case NFT_OP_FLAGS:
		nft_print_value(out, type, &m->value);
		break;
	case NFT_OP_PREFIX:
		nft_print_value(out, type, &m->value);
		out_printf(out, "/%u", m->bits);
		break;
	case NFT_OP_RANGE:
		nft_print_value(out, type, &m->value);
		out_char(out, '-');
		nft_print_value(out, type, &m->last);
		break;
	case NFT_OP_IN:
	case NFT_OP_NOT_IN:
		out_string(out, m->op == NFT_OP_IN ? "@" : "!= @");
		out_text(out, m->set->name);
		break;
	}
}

/* ---- statements ---- */

static void nft_print_verdict(struct out *out, const struct nft_verdict *verdict)
{
	static const char *const names[] = { "accept", "drop", "return", "jump ", "goto " };

	out_string(out, names[verdict->kind]);
	if (verdict->kind == NFT_TO_JUMP || verdict->kind == NFT_TO_GOTO)
		out_text(out, verdict->chain->name);
}

static void nft_print_limit(struct out *out, const struct nft_limit *limit, bool over)
{
	const char *unit = limit->unit == 1 ? "second" : limit->unit == 60 ? "minute" : limit->unit == 3600 ? "hour" : "day";

	out_printf(out, "limit rate %s%llu/%s burst %u packets", over ? "over " : "", (unsigned long long)limit->rate, unit,
		   limit->burst);
}

static void nft_print_statement(struct out *out, const struct nft_statement *s, bool knows_protocol)
{
	static const char *const rejects[] = {
		[NFT_REJECT_WITH_TCP_RESET] = "tcp reset",
		[NFT_REJECT_WITH_PORT_UNREACHABLE] = "icmpx type port-unreachable",
		[NFT_REJECT_WITH_HOST_PROHIBITED] = "icmp type host-prohibited",
		[NFT_REJECT_WITH_ADMIN_PROHIBITED_V6] = "icmpv6 type admin-prohibited",
	};

	switch (s->kind) {
	case NFT_STMT_MATCH:
		nft_print_match(out, s->match, knows_protocol);
		break;
	case NFT_STMT_VMAP:
		nft_print_keys(out, s->vmap->keys, s->vmap->key_count, knows_protocol);
		out_string(out, " vmap @");
		out_text(out, s->vmap->set->name);
		break;
	case NFT_STMT_VERDICT:
		nft_print_verdict(out, &s->verdict);
		break;
	case NFT_STMT_COUNTER:
		out_string(out, "counter");
		break;
	case NFT_STMT_LIMIT:
		nft_print_limit(out, s->limit, false);
		break;
	case NFT_STMT_LOG:
		out_printf(out, "log prefix \"%.*s\" group 0", TEXT_ARG(s->log_prefix));
		break;
	case NFT_STMT_MARK:
		out_printf(out, "meta mark set meta mark & 0x%08x", s->mark.keep);
		if (s->mark.bits)
			out_printf(out, " | 0x%08x", s->mark.bits);
		break;
	case NFT_STMT_CT_MARK:
		out_printf(out, "ct mark set %u", s->ct_mark);
		break;
	case NFT_STMT_CT_LABEL:
		out_printf(out, "ct label set %u", s->ct_label);
		break;
	case NFT_STMT_CT_HELPER:
		out_printf(out, "ct helper set \"%.*s\"", TEXT_ARG(s->helper->name));
		break;
	case NFT_STMT_UPDATE:
		out_string(out, "update @");
		out_text(out, s->update->set->name);
		out_string(out, " { ");
		nft_print_keys(out, &s->update->key, 1, knows_protocol);
		out_char(out, ' ');
		nft_print_limit(out, s->update->limit, true);
		out_string(out, " }");
		break;
	case NFT_STMT_REJECT:
		out_string(out, "reject with ");
		out_string(out, rejects[s->reject]);
		break;
	case NFT_STMT_QUEUE:
		out_printf(out, "queue flags bypass to %u", s->queue.first);
		if (s->queue.last != s->queue.first)
			out_printf(out, "-%u", s->queue.last);
		break;
	}
}

/* ---- chains ---- */

static bool nft_is_protocol(const struct nft_statement *s)
{
	return s->kind == NFT_STMT_MATCH && s->match->keys[0].field == NFT_FIELD_L4PROTO && s->match->op == NFT_OP_EQ;
}

void nft_print_rule(struct out *out, const struct nft_rule *rule)
{
	bool knows_protocol = false;

	out_char(out, '\t');
	for (uint32_t i = 0; i < rule->statement_count; i++) {
		out_char(out, i ? ' ' : '\t');
		nft_print_statement(out, &rule->statements[i], knows_protocol);
		knows_protocol |= nft_is_protocol(&rule->statements[i]);
	}
	if (rule->comment.len)
		out_printf(out, " comment \"%.*s\"", TEXT_ARG(rule->comment));
	out_char(out, '\n');
}

static void nft_print_chain(struct out *out, const struct nft_chain *chain)
{
	static const char *const hooks[] = { "prerouting", "input", "forward", "output", "postrouting" };

	out_printf(out, "\n\tchain %.*s {\n", TEXT_ARG(chain->name));
	if (chain->hook != NFT_HOOK_NONE)
		out_printf(out, "\t\ttype filter hook %s priority %d; policy accept;\n", hooks[chain->hook], chain->priority);
	for (const struct nft_rule *rule = chain->first; rule; rule = rule->next)
		nft_print_rule(out, rule);
	out_string(out, "\t}\n");
}

/* ---- sets ---- */

/* What follows the first value of an interval; only addresses have prefixes. */
static void nft_print_end(struct out *out, enum nft_type type, const struct nft_element *e)
{
	struct address_range range;
	unsigned size = nft_types[type].length;
	bool address = type == NFT_TYPE_IPV4_ADDR || type == NFT_TYPE_IPV6_ADDR;
	int bits;

	memcpy(range.first, e->key[0].bytes, 16);
	memcpy(range.last, e->last.bytes, 16);
	bits = address ? address_range_bits(&range, size) : memcmp(range.first, range.last, size) == 0 ? (int)size * 8 : -1;
	if (bits == (int)size * 8)
		return;
	if (bits >= 0) {
		out_printf(out, "/%d", bits);
		return;
	}
	out_char(out, '-');
	nft_print_value(out, type, &e->last);
}

static void nft_print_elements(struct out *out, const struct nft_set *set)
{
	out_string(out, "\t\telements = {\n");
	for (uint32_t n = 0; n < set->element_count; n++) {
		const struct nft_element *e = &set->elements[n];

		for (unsigned i = 0; i < set->part_count; i++) {
			out_string(out, i ? " . " : "\t\t\t");
			nft_print_value(out, set->parts[i], &e->key[i]);
		}
		if (set->interval)
			nft_print_end(out, set->parts[0], e);
		if (set->verdicts) {
			out_string(out, " : ");
			nft_print_verdict(out, &e->verdict);
		}
		out_string(out, ",\n");
	}
	out_string(out, "\t\t}\n");
}

static void nft_print_set(struct out *out, const struct nft_set *set)
{
	out_printf(out, "\n\t%s %.*s {\n\t\ttype ", set->verdicts ? "map" : "set", TEXT_ARG(set->name));
	for (unsigned i = 0; i < set->part_count; i++)
		out_printf(out, "%s%s", i ? " . " : "", nft_types[set->parts[i]].name);
	out_string(out, set->verdicts ? " : verdict\n" : "\n");
	if (set->size)
		out_printf(out, "\t\tsize %u\n", set->size);
	if (set->interval)
		out_string(out, "\t\tflags interval\n");
	if (set->dynamic)
		out_printf(out, "\t\tflags dynamic,timeout\n\t\ttimeout %us\n", set->timeout);
	if (set->element_count)
		nft_print_elements(out, set);
	out_string(out, "\t}\n");
}

/* ---- the script ---- */

static const char *const nft_family_names[NFT_TABLES] = { "inet", "bridge" };

static void nft_print_table(struct out *out, const struct nft_table *table, const char *family)
{
	out_printf(out, "\ntable %s %s {", family, table->name);
	for (const struct nft_helper *helper = table->helpers; helper; helper = helper->next)
		out_printf(out, "\n\tct helper %.*s {\n\t\ttype \"%s\" protocol %s;\n\t}\n", TEXT_ARG(helper->name),
			   helper->helper, helper->protocol == 6 ? "tcp" : "udp");
	for (const struct nft_set *set = table->sets; set; set = set->next)
		nft_print_set(out, set);
	for (const struct nft_chain *chain = table->chains; chain; chain = chain->next)
		nft_print_chain(out, chain);
	out_string(out, "}\n");
}

void nft_print(struct out *out, const struct nft_ruleset *ruleset)
{
	out_string(out, "#!/usr/sbin/nft -f\n");
	for (unsigned i = 0; i < NFT_TABLES; i++)
		out_printf(out, "table %s pvefw\ndelete table %s pvefw\n", nft_family_names[i], nft_family_names[i]);
	for (unsigned i = 0; i < NFT_TABLES; i++)
		if (ruleset->tables[i])
			nft_print_table(out, ruleset->tables[i], nft_family_names[i]);
}
