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

/* Every match begins with a space. */
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
		out_text(out, source ? TEXT(" -s ") : TEXT(" -d "));
		out_text(out, e->alias->cidr);
		break;
	case ENDPOINT_RANGE:
		out_text(out, source ? TEXT(" -m iprange --src-range ") : TEXT(" -m iprange --dst-range "));
		out_text(out, e->text);
		break;
	case ENDPOINT_LIST:
		out_text(out, source ? TEXT(" -s ") : TEXT(" -d "));
		out_text(out, e->text);
		break;
	}
}

/* What precedes the text of a match. */
static const struct text xt_spellings[] = {
	[XT_IN_IFACE] = TEXT_INIT(" -i "),
	[XT_OUT_IFACE] = TEXT_INIT(" -o "),
	[XT_PROTO] = TEXT_INIT(" -p "),
	[XT_MODULE] = TEXT_INIT(" -m "),
	[XT_ICMP_TYPE] = TEXT_INIT(" --icmp-type "),
	[XT_ICMPV6_TYPE] = TEXT_INIT(" --icmpv6-type "),
	[XT_SPORT] = TEXT_INIT(" --sport "),
	[XT_DPORT] = TEXT_INIT(" --dport "),
	[XT_SPORTS] = TEXT_INIT(" --match multiport --sports "),
	[XT_DPORTS] = TEXT_INIT(" --match multiport --dports "),
	[XT_DST_TYPE] = TEXT_INIT(" -m addrtype --dst-type "),
	[XT_SRC_TYPE] = TEXT_INIT(" -m addrtype --src-type "),
	[XT_CTSTATE] = TEXT_INIT(" -m conntrack --ctstate "),
	[XT_PHYSDEV_IN] = TEXT_INIT(" -m physdev --physdev-is-bridged --physdev-in "),
	[XT_PHYSDEV_OUT] = TEXT_INIT(" -m physdev --physdev-is-bridged --physdev-out "),
	[XT_PHYSDEV_IPS] = TEXT_INIT(" -m physdev --physdev-out "),
	[XT_MARK] = TEXT_INIT(" -m mark --mark "),
	[XT_NOT_MAC] = TEXT_INIT(" -m mac ! --mac-source "),
	[XT_TCP_FLAGS] = TEXT_INIT(" --tcp-flags "),
	[XT_NOT_TCP_FLAGS] = TEXT_INIT(" ! --tcp-flags "),
};

static void xt_print_match(struct out *out, const struct xt_match *match, unsigned family_mask)
{
	switch (match->kind) {
	case XT_SOURCE:
	case XT_NOT_SOURCE:
		xt_print_endpoint(out, match->endpoint, true, match->kind == XT_NOT_SOURCE, family_mask);
		break;
	case XT_DEST:
		xt_print_endpoint(out, match->endpoint, false, false, family_mask);
		break;
	case XT_SYN_RATE:
		out_printf(out,
			   " -m hashlimit --hashlimit-above %lld/sec --hashlimit-burst %lld --hashlimit-mode srcip "
			   "--hashlimit-name syn --hashlimit-htable-size 2097152 --hashlimit-srcmask %u "
			   "--hashlimit-htable-expire %lld",
			   (long long)match->syn_rate->rate, (long long)match->syn_rate->burst,
			   match->syn_rate->source_bits, (long long)match->syn_rate->expire);
		break;
	case XT_SPORT:
	case XT_DPORT:
	case XT_SPORTS:
	case XT_DPORTS:
		out_text(out, xt_spellings[match->kind]);
		out_text(out, match->ports->text);
		break;
	default:
		out_text(out, xt_spellings[match->kind]);
		out_text(out, match->text);
		if (match->kind == XT_PHYSDEV_IPS)
			out_text(out, TEXT(" --physdev-is-bridged"));
	}
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
		out_string(out, "-m limit --limit ");
		out_text(out, limit->rate.len ? limit->rate : TEXT("1/sec"));
		if (limit->burst) {
			out_string(out, " --limit-burst ");
			out_text(out, limit->burst_text);
		}
		out_char(out, ' ');
	}
	out_string(out, "-j NFLOG --nflog-prefix \"");
	xt_print_log_prefix(out, chain, log);
	out_char(out, '"');
}

static void xt_print_queue(struct out *out, const struct queues *queues)
{
	out_string(out, "-j NFQUEUE ");
	if (queues->range)
		out_printf(out, "--queue-balance %u:%u ", queues->first, queues->last);
	else if (queues->set)
		out_printf(out, "--queue-num %u ", queues->first);
	out_string(out, "--queue-bypass");
}

static void xt_print_target(struct out *out, const struct xt_chain *chain, const struct xt_target *target)
{
	static const struct text before[] = {
		[XT_ACCEPT] = TEXT_INIT(" -j ACCEPT"), [XT_DROP] = TEXT_INIT(" -j DROP"), [XT_RETURN] = TEXT_INIT(" -j RETURN"),
		[XT_JUMP] = TEXT_INIT(" -j "), [XT_GOTO] = TEXT_INIT(" -g "), [XT_REJECT] = TEXT_INIT(" -j REJECT --reject-with "),
		[XT_SET_MARK] = TEXT_INIT(" -j MARK --set-mark "), [XT_SET_CONNMARK] = TEXT_INIT(" -j CONNMARK --set-mark "),
		[XT_HELPER] = TEXT_INIT(" -j CT --helper "), [XT_NFQUEUE] = TEXT_INIT(" "), [XT_LOG] = TEXT_INIT(" "),
	};

	out_text(out, before[target->kind]);
	switch (target->kind) {
	case XT_ACCEPT:
	case XT_DROP:
	case XT_RETURN:
		break;
	case XT_SET_CONNMARK:
		out_number(out, target->number);
		break;
	case XT_NFQUEUE:
		xt_print_queue(out, target->queues);
		break;
	case XT_LOG:
		xt_print_log(out, chain, target->log);
		break;
	default:
		out_text(out, target->text);
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
