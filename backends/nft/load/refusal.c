/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns the kernel's refusals into problems that an administrator can solve: they name the missing feature, its
 * build option, and the line of the configuration that needs it.
 *
 * A refusal names a message and mostly an offset in it, which leads to an expression.  The message comes from a rule,
 * which has a line, or from a rule in a chain to which a rule with a line leads.
 */
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdint.h>

#include "net/netlink_socket.h"
#include "nft/load/objects.h"
#include "nft/load/refusal.h"
#include "base/errno_text.h"

enum { PROBLEMS_MOST = 10, LEADS_MOST = 4 };

/* ---- lines ---- */

static bool leads_to(const struct nft_rule *rule, const struct nft_chain *chain)
{
	const struct nft_statement *last;

	if (!rule->statement_count)
		return false;
	last = &rule->statements[rule->statement_count - 1];
	return last->kind == NFT_STMT_VERDICT && last->verdict.chain == chain;
}

/* Returns a rule that leads to the chain, preferably one with a line; NULL if there is none. */
static const struct nft_rule *rule_to(const struct nft_table *table, const struct nft_chain *chain,
				      const struct nft_chain **from)
{
	const struct nft_rule *found = NULL;

	for (const struct nft_chain *c = table->chains; c; c = c->next)
		for (const struct nft_rule *rule = c->first; rule; rule = rule->next) {
			if (!leads_to(rule, chain) || (found && !rule->span.begin))
				continue;
			found = rule;
			*from = c;
			if (rule->span.begin)
				return rule;
		}
	return found;
}

/* Returns the first line of the table's rules, or SPAN_NONE. */
static struct span first_line(const struct nft_table *table)
{
	for (const struct nft_chain *c = table->chains; c; c = c->next)
		for (const struct nft_rule *rule = c->first; rule; rule = rule->next)
			if (rule->span.begin)
				return rule->span;
	return SPAN_NONE;
}

/* Returns the mark that the rule matches, or 0. */
static uint32_t matched_mark(const struct nft_rule *rule)
{
	uint32_t mark = 0;

	for (uint32_t i = 0; i < rule->statement_count; i++) {
		const struct nft_statement *s = &rule->statements[i];

		if (s->kind == NFT_STMT_MATCH && s->match->op == NFT_OP_EQ &&
		    s->match->keys[0].field == NFT_FIELD_MARK)
			memcpy(&mark, s->match->value.bytes, sizeof(mark));
	}
	return mark;
}

/* In bridge tables no rule leads to the chain that rejects: rules lead to a chain that marks the frame, and marked
 * frames go to that one. */
static struct span line_that_marks(const struct nft_table *table, const struct nft_chain *chain)
{
	const struct nft_chain *from;
	const struct nft_rule *rule = rule_to(table, chain, &from);
	uint32_t mark = rule ? matched_mark(rule) : 0;

	for (const struct nft_chain *c = mark ? table->chains : NULL; c; c = c->next) {
		const struct nft_statement *first = c->first && c->first->statement_count ? c->first->statements : NULL;
		bool sets_mark = first && first->kind == NFT_STMT_MARK && first->mark.bits == mark;

		rule = sets_mark ? rule_to(table, c, &from) : NULL;
		if (rule && rule->span.begin)
			return rule->span;
	}
	return first_line(table);
}

static bool answers(const struct nft_rule *rule)
{
	for (uint32_t i = 0; i < rule->statement_count; i++)
		if (rule->statements[i].kind == NFT_STMT_REJECT)
			return true;
	return false;
}

/* Returns the line that needs the rule; for a rule that every table has, the first line of the table; otherwise
 * SPAN_NONE. */
static struct span origin_line(const struct nft_origin *origin)
{
	const struct nft_chain *chain = origin->chain;
	const struct nft_rule *rule = origin->rule;

	for (unsigned i = 0; i < LEADS_MOST && rule && !rule->span.begin; i++)
		rule = rule_to(origin->table, chain, &chain);
	if (rule && rule->span.begin)
		return rule->span;
	if (origin->rule)
		return answers(origin->rule) ? line_that_marks(origin->table, origin->chain)
					     : first_line(origin->table);
	return origin->helper ? origin->helper->span : SPAN_NONE;
}

/* ---- expressions ---- */

struct expression {
	const char *name; /* "": none */
	uint32_t key;     /* of meta, ct */
};

static struct expression read_expression(const struct nlattr *attribute)
{
	const struct nlattr *parts[NFT_ATTRIBUTES] = { NULL }, *data[NFT_ATTRIBUTES] = { NULL };
	struct expression e = { "", UINT32_MAX };

	mnl_attr_parse_nested(attribute, nft_collect, parts);
	if (parts[NFTA_EXPR_NAME])
		e.name = mnl_attr_get_str(parts[NFTA_EXPR_NAME]);
	if (parts[NFTA_EXPR_DATA])
		mnl_attr_parse_nested(parts[NFTA_EXPR_DATA], nft_collect, data);
	if (strcmp(e.name, "meta") == 0 && data[NFTA_META_KEY])
		e.key = be32toh(mnl_attr_get_u32(data[NFTA_META_KEY]));
	else if (strcmp(e.name, "ct") == 0 && data[NFTA_CT_KEY])
		e.key = be32toh(mnl_attr_get_u32(data[NFTA_CT_KEY]));
	return e;
}

/* Returns the expressions in the message of a rule, or NULL for other messages. */
static const struct nlattr *expressions_of(const struct nft_batch *batch, uint32_t index)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL };
	const char *at = batch->bytes.data + batch->messages[index].offset;
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)at;

	if (!batch->messages[index].origin.rule)
		return NULL;
	mnl_attr_parse(message, sizeof(struct nfgenmsg), nft_collect, found);
	return found[NFTA_RULE_EXPRESSIONS];
}

/* Returns the first expression that ends after the refusal's offset into the message. */
static struct expression expression_at(const struct nft_batch *batch, const struct nft_refusal *refusal)
{
	const char *message = batch->bytes.data + batch->messages[refusal->message].offset;
	const struct nlattr *attribute, *list = expressions_of(batch, refusal->message);

	if (list && refusal->offset)
		NETLINK_FOR_EACH_NESTED(attribute, list)
			if ((uint32_t)((const char *)attribute - message) + attribute->nla_len > refusal->offset)
				return read_expression(attribute);
	return (struct expression){ "", 0 };
}

/* ---- features ---- */

#define ANY (-1)

static const struct feature {
	const char *expression;
	int family, key;
	const char *text, *option;
	enum layer layer;
} features[] = {
#define FEATURE(expression, family, key, text, option, layer) { expression, family, key, text, option, layer },
#include "nft/load/kernel_features.def"
};

#define FEATURES (sizeof(features) / sizeof(features[0]))

static const struct feature *find_feature(struct expression e, uint8_t family)
{
	for (size_t i = 0; i < FEATURES; i++) {
		const struct feature *f = &features[i];

		if (strcmp(f->expression, e.name) == 0 && (f->family == ANY || f->family == family) &&
		    (f->key == ANY || (uint32_t)f->key == e.key))
			return f;
	}
	return NULL;
}

/* The kernel lacks something; the message itself is valid. */
static bool is_lack(int error)
{
	return error == ENOENT || error == EOPNOTSUPP || error == EPROTO || error == EPROTONOSUPPORT ||
	       error == EAFNOSUPPORT;
}

/* Returns the feature that the kernel lacks, or NULL.  Without an offset it is the first that the rule uses. */
static const struct feature *lacking(const struct nft_batch *batch, const struct nft_refusal *refusal)
{
	const struct nft_origin *origin = &batch->messages[refusal->message].origin;
	const struct nlattr *list = expressions_of(batch, refusal->message);
	uint8_t family = origin->table ? origin->table->family : 0;
	const struct feature *feature = NULL;
	const struct nlattr *attribute;

	if (!is_lack(refusal->error))
		return NULL;
	if (!list) /* A helper needs connection tracking in its table's family. */
		return origin->helper && refusal->error == EPROTO
			       ? find_feature((struct expression){ "ct", UINT32_MAX }, family)
			       : NULL;
	if (refusal->offset)
		return find_feature(expression_at(batch, refusal), family);
	NETLINK_FOR_EACH_NESTED(attribute, list)
		if ((feature = find_feature(read_expression(attribute), family)))
			break;
	return feature;
}

/* ---- texts ---- */

static const char *family_name(const struct nft_table *table)
{
	return table->family == NFPROTO_BRIDGE ? "bridge" : "inet";
}

static const char *object_text(struct arena *arena, const struct nft_origin *o)
{
	const char *family = o->table ? family_name(o->table) : "";

	if (o->chain)
		return arena_printf(arena, "chain `%.*s` of table %s " NFT_TABLE_NAME,
				    TEXT_ARG(o->chain->name), family);
	if (o->set)
		return arena_printf(arena, "set `%.*s` of table %s " NFT_TABLE_NAME, TEXT_ARG(o->set->name),
				    family);
	if (o->helper)
		return arena_printf(arena, "conntrack helper `%s`", o->helper->helper);
	return o->table ? arena_printf(arena, "table %s " NFT_TABLE_NAME, family) : "the transaction";
}

static void report_feature(struct backend_loading *loading, const struct feature *feature,
			   const struct nft_origin *origin, uint32_t count)
{
	const char *more = count > 1 ? arena_printf(loading->arena, " (and %u more)", count - 1) : "";

	backend_problem_add(loading, origin_line(origin),
			    "the kernel does not support %s, which %s needs%s: it lacks %s", feature->text,
			    object_text(loading->arena, origin), more, feature->option)
		->layer = feature->layer;
}

static void report_lacking_helper(struct backend_loading *loading, const struct nft_helper *helper)
{
	char option[32];
	size_t i;

	for (i = 0; helper->helper[i] && i < sizeof(option) - 1; i++)
		option[i] = helper->helper[i] >= 'a' && helper->helper[i] <= 'z'
				    ? (char)(helper->helper[i] - 32)
				    : helper->helper[i];
	option[i] = '\0';
	backend_problem_add(
		loading, helper->span,
		"the kernel has no conntrack helper `%s` (option nf_conntrack_helpers): it lacks CONFIG_NF_CONNTRACK_%s",
		helper->helper, option)
		->refused = true;
}

static void report_family(struct backend_loading *loading, const struct nft_table *table)
{
	bool bridge = table->family == NFPROTO_BRIDGE;

	backend_problem_add(loading, SPAN_NONE,
			    "the kernel has no %s tables of nftables: it lacks CONFIG_NF_TABLES_%s",
			    family_name(table), bridge ? "BRIDGE" : "INET")
		->layer = bridge ? LAYER_BRIDGE : LAYERS;
}

static const char *other_words(struct arena *arena, const struct nft_batch *batch, const struct nft_refusal *refusal)
{
	const struct nft_origin *origin = &batch->messages[refusal->message].origin;
	struct expression e = expression_at(batch, refusal);

	return arena_printf(arena, "the kernel refuses %s%s%s: %s%s%s", origin->rule ? "a rule in " : "",
			    object_text(arena, origin),
			    e.name[0] ? arena_printf(arena, " at its expression `%s`", e.name) : "",
			    error_text(refusal->error), refusal->text ? ": " : "", refusal->text ? refusal->text : "");
}

static void report_other(struct backend_loading *loading, const struct nft_batch *batch,
			 const struct nft_refusal *refusal)
{
	const struct nft_origin *origin = &batch->messages[refusal->message].origin;

	if (is_lack(refusal->error) && origin->helper)
		report_lacking_helper(loading, origin->helper);
	else if (is_lack(refusal->error) && origin->table && !origin->chain && !origin->set)
		report_family(loading, origin->table);
	else
		backend_problem_add(loading, origin_line(origin), "%s", other_words(loading->arena, batch, refusal));
}

/* ---- leaving out rules ---- */

/* Errors about the state of the system, not about the message. */
static bool is_system_error(int error)
{
	return error == ENOMEM || error == ENOBUFS || error == EBUSY || error == EINTR || error == EAGAIN ||
	       error == ERESTART || error == EPERM || error == EACCES;
}

/* Returns what can replace a rule without a line.  Maps at the hooks lead to the chains of guests and vnets. */
static enum stand_in nft_stand_in_of(const struct nft_chain *chain, const struct nft_rule *rule)
{
	if (answers(rule))
		return STAND_IN_DROP;
	for (uint32_t i = 0; i < rule->statement_count && chain->hook != NFT_HOOK_NONE; i++)
		if (rule->statements[i].kind == NFT_STMT_VMAP)
			return STAND_IN_IMPOSSIBLE;
	return STAND_IN_NOTHING;
}

/* Reports the line of the rule or of a rule that leads to its chain; without a line, the rule itself.  A rule that
 * rejects serves many lines. */
static void refuse_rule(struct backend_loading *loading, const struct nft_table *table, const struct nft_chain *chain,
			const struct nft_rule *rule, const char *words)
{
	const struct nft_chain *from = chain;
	const struct nft_rule *asking = rule;
	struct backend_problem *problem;
	struct out name;

	for (unsigned i = 0; i < LEADS_MOST && asking && !asking->span.begin; i++)
		asking = answers(rule) ? NULL : rule_to(table, from, &from);
	problem = backend_problem_add(loading, asking ? asking->span : SPAN_NONE, "%s", words);
	problem->repeated = true;
	problem->stand_in = asking ? STAND_IN_NOTHING : nft_stand_in_of(chain, rule);
	problem->refused = problem->stand_in != STAND_IN_IMPOSSIBLE;
	out_init_memory(&name);
	nft_rule_name(&name, table, chain, rule);
	problem->rule = arena_string(loading->arena, (struct text){ name.data, (uint32_t)name.len });
	out_free(&name);
}

static bool uses_set(const struct nft_rule *rule, const struct nft_set *set)
{
	for (uint32_t i = 0; i < rule->statement_count; i++)
		if (nft_statement_set(&rule->statements[i]) == set)
			return true;
	return false;
}

/* Suspects all rules of the batch, because the kernel does not say which it refuses. */
static void nft_suspect_all(struct backend_loading *loading, const struct nft_batch *batch, const char *words)
{
	struct out name;

	if (loading->suspects)
		return;
	loading->suspects = ARENA_ARRAY(loading->arena, struct backend_suspect, batch->count);
	loading->suspicion = words;
	out_init_memory(&name);
	for (uint32_t i = 0; i < batch->count; i++) {
		const struct nft_origin *origin = &batch->messages[i].origin;

		if (!origin->rule || !origin->chain)
			continue;
		name.len = 0;
		nft_rule_name(&name, origin->table, origin->chain, origin->rule);
		loading->suspects[loading->suspect_count++] = (struct backend_suspect){
			origin->rule->span, arena_string(loading->arena, (struct text){ name.data, (uint32_t)name.len }), LAYERS,
			nft_stand_in_of(origin->chain, origin->rule)
		};
	}
	out_free(&name);
}

/* Determines what to leave out because of a reported refusal. */
static void nft_refuse(struct backend_loading *loading, const struct nft_batch *batch, const struct nft_refusal *refusal,
		       const char *words)
{
	const struct nft_origin *origin = &batch->messages[refusal->message].origin;

	if (is_system_error(refusal->error))
		return;
	if (!origin->table || (!origin->rule && !origin->set && !origin->helper && !is_lack(refusal->error)))
		nft_suspect_all(loading, batch, words);
	else if (origin->rule && origin->chain)
		refuse_rule(loading, origin->table, origin->chain, origin->rule, words);
	else if (origin->set)
		for (const struct nft_chain *chain = origin->table->chains; chain; chain = chain->next)
			for (const struct nft_rule *rule = chain->first; rule; rule = rule->next)
				if (uses_set(rule, origin->set))
					refuse_rule(loading, origin->table, chain, rule, words);
}

/* ---- reporting ---- */

static const char *const no_permission =
	"no permission to load a ruleset: this needs root, or CAP_NET_ADMIN in the network namespace";

void nft_problem_errno(struct backend_loading *loading, const char *what, int reason)
{

	if (reason == EPERM || reason == EACCES)
		backend_problem_add(loading, SPAN_NONE, "%s", no_permission);
	else if (reason == EPROTONOSUPPORT || reason == EAFNOSUPPORT || reason == EINVAL)
		backend_problem_add(loading, SPAN_NONE,
				    "the kernel has no nftables: it lacks CONFIG_NF_TABLES");
	else if (reason == EMSGSIZE)
		backend_problem_add(
			loading, SPAN_NONE,
			"the batch of %zu bytes exceeds the socket buffer limit: raise the sysctl net.core.wmem_max, or run as root outside of containers",
			loading->bytes);
	else
		backend_problem_add(loading, SPAN_NONE, "cannot %s: %s", what, error_text(reason));
}

bool nft_permission_denied(const struct nft_answers *answers)
{
	return answers->count &&
	       (answers->refusals[0].error == EPERM || answers->refusals[0].error == EACCES);
}

/* A rule is refused, too, if it refers to a helper that was refused. */
static bool follows_from_another(const struct nft_batch *batch, const struct nft_answers *answers,
				 const struct nft_refusal *refusal)
{
	const struct nft_table *table = batch->messages[refusal->message].origin.table;

	if (strcmp(expression_at(batch, refusal).name, "objref") != 0)
		return false;
	for (uint32_t i = 0; i < answers->count; i++) {
		const struct nft_origin *origin = &batch->messages[answers->refusals[i].message].origin;

		if (origin->helper && origin->table == table)
			return true;
	}
	return false;
}

/* For each feature: the first refusal because the kernel lacks it, and how many there are. */
struct lacks {
	const struct nft_origin *first[FEATURES];
	uint32_t counts[FEATURES];
};

void nft_problem_answers(struct backend_loading *loading, const struct nft_batch *batch,
			 const struct nft_answers *answers)
{
	struct lacks lacks = { 0 };
	unsigned others = 0;

	if (answers->error && answers->lost) {
		loading->unsure = true;
		backend_problem_add(
			loading, SPAN_NONE,
			"the kernel's reply was lost because it had no memory for it: the rules may be loaded or not");
		return;
	}
	if (answers->error || nft_permission_denied(answers)) {
		nft_problem_errno(loading, "send the ruleset to the kernel",
				  answers->error ? answers->error : EPERM);
		return;
	}
	for (uint32_t i = 0; i < answers->count; i++) {
		const struct nft_refusal *refusal = &answers->refusals[i];
		const struct feature *feature = lacking(batch, refusal);

		if (feature && !follows_from_another(batch, answers, refusal)) {
			size_t row = (size_t)(feature - features);

			if (!lacks.counts[row]++)
				lacks.first[row] = &batch->messages[refusal->message].origin;
		} else if (!feature && others++ < PROBLEMS_MOST) {
			report_other(loading, batch, refusal);
		}
	}
	for (size_t i = 0; i < FEATURES; i++)
		if (lacks.counts[i])
			report_feature(loading, &features[i], lacks.first[i], lacks.counts[i]);
	for (uint32_t i = 0; i < answers->count && !loading->strict; i++) {
		const struct feature *feature = lacking(batch, &answers->refusals[i]);

		if (!feature)
			nft_refuse(loading, batch, &answers->refusals[i], other_words(loading->arena, batch, &answers->refusals[i]));
		else if (feature->layer == LAYERS && !follows_from_another(batch, answers, &answers->refusals[i]))
			nft_refuse(loading, batch, &answers->refusals[i],
			       arena_printf(loading->arena, "the kernel does not support %s: it lacks %s",
					    feature->text, feature->option));
	}
}
