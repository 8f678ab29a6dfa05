/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conditions of rules: protocol, ports and ICMP types, as written and as macros set them. */
#include "inputs/netdb.h"
#include "resolve/rule_parts.h"
#include "resolve/rule_report.h"

/* ---- protocol, ports, ICMP types ---- */

/* The options that a macro sets, as "-p tcp -dport 80". */
static const char *macro_rule_text(struct arena *arena, const struct macro_rule *m)
{
	const char *text = arena_printf(arena, "-p %s", m->proto);

	if (m->dport)
		text = arena_printf(arena, "%s -dport %s", text, m->dport);
	return m->sport ? arena_printf(arena, "%s -sport %s", text, m->sport) : text;
}

/* Adds what the macro sets, and how to write the rule without it; `proto_given`: the rule has -p. */
static void help_without_macro(struct resolver *r, struct diagnostic *d, const struct macro *macro, struct word key,
			       struct word value, bool proto_given)
{
	const struct ast_rule *node = r->rule;
	const char *sets = macro_rule_text(r->arena, &macro->rules[0]);
	const char *proto = macro->rules[0].proto;
	struct span whole = { node->macro.begin, node->action.begin + node->action.len + 1 };
	bool more = macro->count > 1;

	if (macro->count == 2)
		sets = arena_printf(r->arena, "%s` and `%s", sets, macro_rule_text(r->arena, &macro->rules[1]));
	diag_note(d, "macro %s sets `%s`%s itself", macro->name, sets, macro->count > 2 ? " and more" : "");
	for (unsigned i = 1; more && i < macro->count; i++)
		more = strcmp(macro->rules[i].proto, proto) == 0;
	if (macro->count > 1 && !more) {
		diag_help(d, "write rules without the macro, one for each protocol: `%.*s %.*s -p %s %.*s %.*s`",
			  TEXT_ARG(node->type), TEXT_ARG(node->action), proto, TEXT_ARG(key), TEXT_ARG(value));
		return;
	}
	diag_help(d, "delete `%.*s`, or write the rule without the macro: `%.*s %.*s -p %s %.*s %.*s`",
		  TEXT_ARG(key), TEXT_ARG(node->type), TEXT_ARG(node->action), proto, TEXT_ARG(key),
		  TEXT_ARG(value));
	if (!text_equal(word_text(value), text_of(macro->rules[0].dport ? macro->rules[0].dport : "")))
		diag_guess(d, whole, "%.*s%s%s", TEXT_ARG(node->action), proto_given ? "" : " -p ",
			   proto_given ? "" : proto);
}

static void help_proto(struct resolver *r, struct diagnostic *d, enum rule_param param, struct word value)
{
	uint16_t port;
	unsigned services = netdb_service(r->config->netdb, word_text(value), 0, &port);

	if (param == PARAM_ICMP_TYPE || icmp_type_find(IPV4, word_text(value)) || icmp_type_find(IPV6, word_text(value)))
		diag_help(d, "add `-p icmp` or `-p icmpv6`");
	else if (services == SERVICE_TCP)
		diag_help(d, "add `-p tcp`");
	else if (services == SERVICE_UDP)
		diag_help(d, "add `-p udp`");
	else
		diag_help(d, "add `-p tcp` or `-p udp`");
}

/* Ports and ICMP types that need -p: one mistake, however many there are. */
static void report_without_proto(struct resolver *r, const struct params *params, const struct macro *macro)
{
	static const enum rule_param dependent[] = { PARAM_DPORT, PARAM_SPORT, PARAM_ICMP_TYPE };
	struct diagnostic *d = NULL;

	for (size_t i = 0; i < 3; i++) {
		struct word key = params->key[dependent[i]], value = params->value[dependent[i]];

		if (!key.ptr)
			continue;
		if (d) {
			diag_label(d, word_span(key), "this needs it, too");
			continue;
		}
		d = rule_error(r, word_span(key), DIAG_PARAM_WITHOUT_PROTO, "`%.*s` needs a protocol%s",
			       TEXT_ARG(key), macro ? ", also in a rule with a macro" : "");
		if (!r->rule->macro.ptr && dependent[i] != PARAM_ICMP_TYPE)
			diag_note(
				d,
				"the nftables preview of Proxmox VE ignores the port: there the rule matches every port");
		if (macro)
			help_without_macro(r, d, macro, key, value, false);
		else
			help_proto(r, d, dependent[i], value);
	}
}

static void report_no_ports(struct resolver *r, struct word key, const struct proto *proto)
{
	struct diagnostic *d = rule_error(r, word_span(key), DIAG_PROTO_WITHOUT_PORTS,
					  "protocol `%.*s` has no ports", TEXT_ARG(proto->text));

	if (proto->number == 1 || proto->number == 58)
		diag_help(d, "write an ICMP type as `-p %s -icmp-type NAME`",
			  proto->number == 1 ? "icmp" : "icmpv6");
	else
		diag_help(d, "only tcp, udp, udplite, sctp and dccp have ports");
}

static void read_dport(struct resolver *r, struct word key, struct word value, struct condition *c)
{
	if (text_is(c->proto.text, "ipv6-icmp"))
		diag_help(rule_error(r, word_span(key), DIAG_IPV6_ICMP_DPORT,
				     "ICMP type in `%.*s` not allowed with `-p ipv6-icmp`", TEXT_ARG(key)),
			  "write `-p icmpv6`, or `-icmp-type` instead of `%.*s`", TEXT_ARG(key));
	else if (c->proto.icmp)
		icmp_read(r, value, true, c);
	else if (!c->proto.has_ports)
		report_no_ports(r, key, &c->proto);
	else
		c->dport = ports_read(r, value, &c->proto);
}

static bool is_icmp_type(struct text name)
{
	return icmp_type_find(IPV4, name) || icmp_type_find(IPV6, name);
}

static void read_icmp_type(struct resolver *r, const struct params *params, struct condition *c)
{
	struct word key = params->key[PARAM_ICMP_TYPE], value = params->value[PARAM_ICMP_TYPE];

	if (!c->proto.icmp)
		diag_help(rule_error(r, word_span(key), DIAG_ICMP_TYPE_PROTO,
				     "protocol `%.*s` has no ICMP types", TEXT_ARG(c->proto.text)),
			  "use `-p icmp` or `-p icmpv6`");
	else if (params->value[PARAM_DPORT].ptr)
		diag_label(diag_help(rule_error(r, word_span(key), DIAG_ICMP_TYPE_AND_DPORT,
						"`-icmp-type` and `-dport` cannot be combined"),
				     "delete `-dport`"),
			   word_span(params->key[PARAM_DPORT]), "this is an ICMP type, too");
	else
		icmp_read(r, value, false, c);
}

/* The values that a rule gives to options of a protocol which is missing or wrong: `proto` is the one that is
 * meant, or proto_any.  Only what would be wrong with every protocol is reported. */
static void verify_without_proto(struct resolver *r, const struct params *params, const struct proto *proto)
{
	static const enum rule_param ports[] = { PARAM_DPORT, PARAM_SPORT };
	struct word type = params->value[PARAM_ICMP_TYPE];

	for (size_t i = 0; proto->has_ports && i < 2; i++) {
		struct word value = params->value[ports[i]];

		if (value.ptr && !is_icmp_type(word_text(value)))
			ports_read(r, value, proto);
	}
	if (type.ptr && (proto->icmp || !is_icmp_type(word_text(type)))) {
		struct condition ignored = { .proto = *proto };

		if (!proto->icmp)
			ignored.proto = (struct proto){ .text = TEXT("icmp"), .icmp = IPV4 };
		icmp_read(r, type, false, &ignored);
	}
}

/* Reads the rule's own protocol and ports. */
void rule_read_condition(struct resolver *r, const struct params *params, const struct macro *macro,
			   struct condition *c)
{
	struct word proto = params->value[PARAM_PROTO];
	struct proto meant = proto_any;

	if (!proto.ptr || !proto_read(r, proto, &meant)) {
		/* A word that was reported may be meant as the protocol. */
		if (!params->meant[PARAM_PROTO] && !r->odd)
			report_without_proto(r, params, macro);
		verify_without_proto(r, params, &meant);
		return;
	}
	c->proto = meant;
	if (c->proto.icmp)
		c->family_mask = c->proto.icmp;
	if (params->value[PARAM_ICMP_TYPE].ptr)
		read_icmp_type(r, params, c);
	if (params->value[PARAM_DPORT].ptr && !(c->proto.icmp && params->value[PARAM_ICMP_TYPE].ptr))
		read_dport(r, params->key[PARAM_DPORT], params->value[PARAM_DPORT], c);
	if (params->value[PARAM_SPORT].ptr && !c->proto.has_ports)
		report_no_ports(r, params->key[PARAM_SPORT], &c->proto);
	else if (params->value[PARAM_SPORT].ptr)
		c->sport = ports_read(r, params->value[PARAM_SPORT], &c->proto);
}

/* ---- macros ---- */

/* Reports a value of the rule that differs from the macro's, as a label of *d if that is set. */
static bool conflicts(struct resolver *r, const struct macro *macro, const struct params *params,
		      enum rule_param id, const char *of_macro, struct diagnostic **d)
{
	struct word value = params->value[id];
	struct span span;

	if (!value.ptr || !of_macro || text_is(word_text(value), of_macro))
		return false;
	span = (struct span){ params->key[id].begin, value.begin + value.len };
	if (*d) {
		diag_label(*d, span, "it sets `%s %s`", rule_param_table[id].spellings[0], of_macro);
		return true;
	}
	*d = rule_error(r, span, DIAG_MACRO_CONFLICT, "macro %s sets `%s %s` itself", macro->name,
			rule_param_table[id].spellings[0], of_macro);
	if (id == PARAM_PROTO)
		diag_help(*d, "delete the option, or write the rule without the macro");
	else
		help_without_macro(r, *d, macro, params->key[id], value, true);
	return true;
}

static void fill_condition(struct resolver *r, const struct condition *own, const struct macro_rule *m,
			   struct condition *c)
{
	*c = *own;
	c->family_mask = own->family_mask & m->family_mask;
	if (!own->proto.text.len)
		c->proto = proto_of_macro(r, m->proto);
	if (c->proto.icmp)
		c->family_mask &= c->proto.icmp;
	if (m->dport && c->proto.icmp)
		c->icmp[1] = (struct icmp_match){ text_of(m->dport), icmp_type_find(c->proto.icmp, text_of(m->dport)) };
	else if (m->dport)
		c->dport = ports_of_macro(r, m->dport, &c->proto);
	if (m->sport)
		c->sport = ports_of_macro(r, m->sport, &c->proto);
}

static const struct condition *expand_all(struct resolver *r, const struct macro *macro,
					  const struct condition *own)
{
	struct condition *conditions = ARENA_ARRAY(r->arena, struct condition, macro->count);

	for (unsigned i = 0; i < macro->count; i++)
		fill_condition(r, own, &macro->rules[i], &conditions[i]);
	return conditions;
}

/* The conditions of a macro in rules that have no -p, expanded once. */
static const struct condition *expand_plain(struct resolver *r, const struct macro *macro)
{
	static const struct condition anything = { .family_mask = IPV_BOTH };
	const struct condition **known;

	if (!r->cache->macros)
		r->cache->macros = ARENA_ARRAY(r->arena, const struct condition *, macro_count);
	known = &r->cache->macros[macro - macro_table];
	if (!*known)
		*known = expand_all(r, macro, &anything);
	return *known;
}

void rule_expand_macro(struct resolver *r, struct rule *rule, const struct params *params,
			 const struct condition *own)
{
	const struct macro *macro = rule->macro;

	rule->condition_count = macro->count;
	if (!params->value[PARAM_PROTO].ptr) {
		rule->conditions = expand_plain(r, macro);
		return;
	}
	for (unsigned i = 0; i < macro->count; i++) {
		const struct macro_rule *m = &macro->rules[i];

		struct diagnostic *d = NULL;

		if (!(m->family_mask & rule->family_mask))
			continue;
		conflicts(r, macro, params, PARAM_PROTO, m->proto, &d);
		conflicts(r, macro, params, PARAM_DPORT, m->dport, &d);
		conflicts(r, macro, params, PARAM_SPORT, m->sport, &d);
		if (d)
			return;
	}
	rule->conditions = expand_all(r, macro, own);
}
