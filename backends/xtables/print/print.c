/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule in the language of iptables-save. */
#include "xtables/print/print.h"

#include "lang/limit_table.h"

enum { XT_SET_ID_MAX = 20 };
_Static_assert(sizeof("PVEFW-" "_swap") - 1 + XT_SET_ID_MAX <= LIMIT_IPSET_NAME, "a set and its successor have names");

/* An id that is too long is replaced by its hash, FNV-1a in 31 bits. */
void xt_print_set_name(struct out *out, const struct ipset *set, unsigned family_mask)
{
	char id[128];
	struct out memory = { .data = id, .room = sizeof(id), .fd = -1 };
	uint32_t hash = 0x811c9dc5;

	out_number(&memory, set->vmid);
	out_char(&memory, '-');
	out_text(&memory, set->name);
	out_string(&memory, family_mask == IPV4 ? "-v4" : "-v6");
	out_string(out, "PVEFW-");
	if (memory.len <= XT_SET_ID_MAX) {
		out_bytes(out, id, memory.len);
		return;
	}
	for (size_t i = 0; i < memory.len; i++)
		hash = (hash ^ (unsigned char)id[i]) * 0x01000193;
	out_printf(out, "%X", hash & 0x7fffffff);
}

/* Prints two texts with one check of the room for both. Inlined, because copying a constant then takes no call. */
static inline __attribute__((always_inline)) void xt_print_pair(struct out *out, struct text first, struct text second)
{
	size_t len = (size_t)first.len + second.len;
	char *end = out->data + out->len;

	if (out->room - out->len < len || !first.len || !second.len) {
		out_text(out, first);
		out_text(out, second);
		return;
	}
	memcpy(end, first.ptr, first.len);
	memcpy(end + first.len, second.ptr, second.len);
	out->len += len;
}

/* Every match begins with a space. */
static void xt_print_addresses(struct out *out, struct text addresses, bool source)
{
	if (source)
		xt_print_pair(out, TEXT(" -s "), addresses);
	else
		xt_print_pair(out, TEXT(" -d "), addresses);
}

static void xt_print_endpoint(struct out *out, const struct endpoint *e, bool source, bool negate, unsigned family_mask)
{
	switch (e->kind) {
	case ENDPOINT_ANY:
		break;
	case ENDPOINT_SET:
		out_text(out, negate ? TEXT(" -m set ! --match-set ") : TEXT(" -m set --match-set "));
		xt_print_set_name(out, e->ipset, family_mask);
		out_text(out, source ? TEXT(" src") : TEXT(" dst"));
		break;
	case ENDPOINT_ALIAS:
		xt_print_addresses(out, e->alias->cidr, source);
		break;
	case ENDPOINT_RANGE:
		out_text(out, source ? TEXT(" -m iprange --src-range ") : TEXT(" -m iprange --dst-range "));
		out_text(out, e->text);
		break;
	case ENDPOINT_LIST:
		xt_print_addresses(out, e->text, source);
		break;
	}
}

static void xt_print_syn_rate(struct out *out, const struct xt_syn_rate *rate)
{
	out_printf(out,
		   " -m hashlimit --hashlimit-above %lld/sec --hashlimit-burst %lld --hashlimit-mode srcip "
		   "--hashlimit-name syn --hashlimit-htable-size 2097152 --hashlimit-srcmask %u "
		   "--hashlimit-htable-expire %lld",
		   (long long)rate->rate, (long long)rate->burst, rate->source_bits, (long long)rate->expire);
}

/* The text of a match with its option, a constant of which the compiler knows the length. */
static void xt_print_option(struct out *out, enum xt_match_kind kind, struct text value)
{
	switch (kind) {
#define OPTION(kind, spelling) case kind: xt_print_pair(out, TEXT(spelling), value); break
		OPTION(XT_IN_IFACE, " -i ");
		OPTION(XT_OUT_IFACE, " -o ");
		OPTION(XT_PROTO, " -p ");
		OPTION(XT_MODULE, " -m ");
		OPTION(XT_ICMP_TYPE, " --icmp-type ");
		OPTION(XT_ICMPV6_TYPE, " --icmpv6-type ");
		OPTION(XT_SPORT, " --sport ");
		OPTION(XT_DPORT, " --dport ");
		OPTION(XT_SPORTS, " --match multiport --sports ");
		OPTION(XT_DPORTS, " --match multiport --dports ");
		OPTION(XT_DST_TYPE, " -m addrtype --dst-type ");
		OPTION(XT_SRC_TYPE, " -m addrtype --src-type ");
		OPTION(XT_CTSTATE, " -m conntrack --ctstate ");
		OPTION(XT_PHYSDEV_IN, " -m physdev --physdev-is-bridged --physdev-in ");
		OPTION(XT_PHYSDEV_OUT, " -m physdev --physdev-is-bridged --physdev-out ");
		OPTION(XT_PHYSDEV_IPS, " -m physdev --physdev-out ");
		OPTION(XT_MARK, " -m mark --mark ");
		OPTION(XT_NOT_MAC, " -m mac ! --mac-source ");
		OPTION(XT_TCP_FLAGS, " --tcp-flags ");
		OPTION(XT_NOT_TCP_FLAGS, " ! --tcp-flags ");
#undef OPTION
	case XT_ANY:
	case XT_SOURCE:
	case XT_DEST:
	case XT_NOT_SOURCE:
	case XT_SYN_RATE:
		break;
	}
}

static void xt_print_match(struct out *out, const struct xt_match *match, unsigned family_mask)
{
	struct text value;

	switch (match->kind) {
	case XT_SOURCE:
	case XT_NOT_SOURCE:
		xt_print_endpoint(out, match->endpoint, true, match->kind == XT_NOT_SOURCE, family_mask);
		return;
	case XT_DEST:
		xt_print_endpoint(out, match->endpoint, false, false, family_mask);
		return;
	case XT_SYN_RATE:
		xt_print_syn_rate(out, match->syn_rate);
		return;
	case XT_SPORT:
	case XT_DPORT:
	case XT_SPORTS:
	case XT_DPORTS:
		value = match->ports->text;
		break;
	default:
		value = match->text;
	}
	xt_print_option(out, match->kind, value);
	if (match->kind == XT_PHYSDEV_IPS)
		out_text(out, TEXT(" --physdev-is-bridged"));
}

_Static_assert(sizeof(":4294967295:7:" ": policy REJECT: ") - 1 + LIMIT_CHAIN_NAME <= LIMIT_LOG_PREFIX,
	       "a log prefix has any VMID, level, chain and message");

void xt_print_log_prefix(struct out *out, const struct xt_chain *chain, const struct xt_log *log)
{
	out_char(out, ':');
	out_number(out, log->vmid);
	out_char(out, ':');
	out_number(out, (uint64_t)log->level);
	out_char(out, ':');
	out_text(out, chain->name);
	out_string(out, ": ");
	out_string(out, log->message);
}

static void xt_print_log(struct out *out, const struct xt_chain *chain, const struct xt_log *log)
{
	const struct ratelimit *limit = log->limit;

	if (!limit->off) {
		out_string(out, " -m limit --limit ");
		out_text(out, limit->rate.len ? limit->rate : TEXT("1/sec"));
		if (limit->burst) {
			out_string(out, " --limit-burst ");
			out_text(out, limit->burst_text);
		}
	}
	out_string(out, " -j NFLOG --nflog-prefix \"");
	xt_print_log_prefix(out, chain, log);
	out_char(out, '"');
}

static void xt_print_queue(struct out *out, const struct queues *queues)
{
	out_string(out, " -j NFQUEUE ");
	if (queues->range)
		out_printf(out, "--queue-balance %u:%u ", queues->first, queues->last);
	else if (queues->set)
		out_printf(out, "--queue-num %u ", queues->first);
	out_string(out, "--queue-bypass");
}

static void xt_print_target(struct out *out, const struct xt_chain *chain, const struct xt_target *target)
{
	switch (target->kind) {
#define VERDICT(kind, spelling) case kind: out_text(out, TEXT(spelling)); break
#define WITH_TEXT(kind, spelling) case kind: xt_print_pair(out, TEXT(spelling), target->text); break
		VERDICT(XT_ACCEPT, " -j ACCEPT");
		VERDICT(XT_DROP, " -j DROP");
		VERDICT(XT_RETURN, " -j RETURN");
		WITH_TEXT(XT_JUMP, " -j ");
		WITH_TEXT(XT_GOTO, " -g ");
		WITH_TEXT(XT_REJECT, " -j REJECT --reject-with ");
		WITH_TEXT(XT_SET_MARK, " -j MARK --set-mark ");
		WITH_TEXT(XT_HELPER, " -j CT --helper ");
#undef VERDICT
#undef WITH_TEXT
	case XT_SET_CONNMARK:
		out_text(out, TEXT(" -j CONNMARK --set-mark "));
		out_number(out, target->number);
		break;
	case XT_NFQUEUE:
		xt_print_queue(out, target->queues);
		break;
	case XT_LOG:
		xt_print_log(out, chain, target->log);
		break;
	}
}

void xt_print_rule(struct out *out, const struct xt_chain *chain, const struct xt_rule *rule, unsigned family_mask)
{
	out_text(out, chain->append);
	if (rule->wide && !rule->match_count)
		out_char(out, ' ');
	for (uint32_t i = 0; i < rule->match_count; i++)
		xt_print_match(out, &rule->matches[i], family_mask);
	xt_print_target(out, chain, &rule->target);
}

uint32_t xt_rule_multiplicity(const struct xt_rule *rule)
{
	uint32_t rules = 1;

	for (uint32_t i = 0; i < rule->match_count; i++) {
		const struct xt_match *match = &rule->matches[i];
		uint32_t elements = 1;

		if ((match->kind != XT_SOURCE && match->kind != XT_DEST) || match->endpoint->kind != ENDPOINT_LIST)
			continue;
		for (uint32_t n = 0; n < match->endpoint->text.len; n++)
			elements += match->endpoint->text.ptr[n] == ',';
		rules *= elements;
	}
	return rules;
}
