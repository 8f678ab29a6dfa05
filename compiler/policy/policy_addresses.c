/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of tests.  Names resolve as in cluster.fw: aliases and IP sets of the cluster, IP sets of the SDN;
 * then those of the test's guests.  `guest/` names those of a guest only: of its own zone, or else of the other.
 */
#include "policy/policy_test.h"

#include "diag/suggest.h"
#include "resolve/scope.h"

/* Ranges of IPv4 and IPv6, in any order. */
struct policy_ranges {
	struct interval *of[2];
	uint32_t count[2];
	bool special; /* one of them is never unicast */
};

const struct interval policy_special4[POLICY_SPECIAL4] = {
	{ { 0, 0 }, { 0, 0 } },
	{ { 0, 0xe0000000 }, { 0, 0xefffffff } },
	{ { 0, UINT32_MAX }, { 0, UINT32_MAX } },
};
const struct interval policy_special6[POLICY_SPECIAL6] = {
	{ { UINT64_C(0xff) << 56, 0 }, { UINT64_MAX, UINT64_MAX } },
};

static void policy_ranges_add(struct policy_reader *r, struct policy_ranges *ranges, unsigned six,
			      struct interval range)
{
	const struct interval_set special = six ? (struct interval_set){ policy_special6, POLICY_SPECIAL6 } :
						  (struct interval_set){ policy_special4, POLICY_SPECIAL4 };
	uint32_t count = ranges->count[six];

	ranges->special |= interval_set_contains(&special, &(struct interval_set){ &range, 1 });
	if ((count & (count - 1)) == 0) {
		struct interval *more = ARENA_ARRAY(r->arena, struct interval, count ? 2 * count : 1);

		if (count)
			memcpy(more, ranges->of[six], count * sizeof(*more));
		ranges->of[six] = more;
	}
	ranges->of[six][ranges->count[six]++] = range;
}

static void policy_ranges_add_prefix(struct policy_reader *r, struct policy_ranges *ranges,
				     const struct prefix *prefix)
{
	policy_ranges_add(r, ranges, prefix->family == AF_INET6, interval_of_prefix(prefix));
}

bool policy_looks_like_address(struct text word)
{
	struct text rest = word;
	struct prefix ignored;
	enum address_error error;
	long at;

	if (text_starts(word, "+"))
		return true;
	if ((at = text_find(rest, '-')) > 0)
		rest.len = (uint32_t)at;
	error = prefix_parse(rest, &ignored);
	return error != ADDRESS_MALFORMED && !(error == ADDRESS_SHORT && text_all_digits(rest));
}

/* ---- names ---- */

/* Where a name is looked for. */
struct policy_lookup {
	struct text name;   /* without its prefix */
	const char *prefix; /* "dc/", "guest/", "sdn/" or "" */
	const struct scope *scopes[4];
	unsigned count;
	bool no_guest; /* guest/ in a test without a guest */
};

static struct policy_lookup policy_lookup_start(const struct policy_reader *r, struct text reference, bool source)
{
	static const char *const prefixes[] = { "dc/", "guest/", "sdn/" };
	struct policy_lookup look = { .name = reference, .prefix = "" };
	const struct guest *guest = r->guests[!source] ? r->guests[!source] : r->guests[source];

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]) && !*look.prefix; i++)
		if (text_starts(reference, prefixes[i])) {
			look.prefix = prefixes[i];
			look.name = text_skip(reference, (uint32_t)strlen(prefixes[i]));
		}
	if (look.prefix[0] == 'g' && guest)
		look.scopes[look.count++] = &guest->scope;
	else if (look.prefix[0] == 'g')
		look.no_guest = true;
	if (look.prefix[0] != 'g' && look.prefix[0] != 's')
		look.scopes[look.count++] = &r->config->cluster;
	if (look.prefix[0] == 's' || !*look.prefix)
		look.scopes[look.count++] = &r->config->sdn;
	/* A name that only a guest of the test has needs no prefix. */
	for (unsigned i = 0; i < 2 && !*look.prefix; i++)
		if (r->guests[i])
			look.scopes[look.count++] = &r->guests[i]->scope;
	return look;
}

static const struct alias *policy_find_alias(const struct policy_reader *r, const struct policy_lookup *look)
{
	struct text name = arena_lower(r->arena, look->name);
	const struct alias *alias = NULL;

	for (unsigned i = 0; i < look->count && !alias; i++)
		alias = scope_find_alias(look->scopes[i], name);
	if (!alias && !look->no_guest && text_is(name, "local_network") && look->prefix[0] != 'g')
		alias = r->config->local_network;
	return alias;
}

static const struct ipset *policy_find_set(const struct policy_lookup *look)
{
	const struct ipset *set = NULL;

	for (unsigned i = 0; i < look->count && !set; i++)
		set = scope_find_set(look->scopes[i], look->name);
	return set;
}

/* Offers the name where it is defined, or one that is spelt nearly so. */
static void policy_suggest_name(struct policy_reader *r, struct diagnostic *d, struct word reference,
				const struct policy_lookup *look, bool set)
{
	const char *sign = set ? "+" : "";
	struct text lower = arena_lower(r->arena, look->name);
	struct suggestion s;

	if (set ? scope_find_alias(&r->config->cluster, lower) != NULL :
		  scope_find_set(&r->config->cluster, lower) != NULL) {
		diag_suggest(d, word_span(reference), "%s%.*s", set ? "" : "+", TEXT_ARG(lower));
		return;
	}
	suggest_start(&s, look->name);
	for (unsigned i = 0; i < look->count; i++) {
		const struct scope *scope = look->scopes[i];

		for (const struct ipset *c = set ? scope->ipsets : NULL; c; c = c->hh.next)
			if (suggest_among(&r->compared, 1))
				suggest(&s, c->name, c->span);
		for (const struct alias *c = set ? NULL : scope->aliases; c; c = c->hh.next)
			if (suggest_among(&r->compared, 1))
				suggest(&s, c->name, c->span);
	}
	suggest_to(d, &s, word_span(reference), arena_printf(r->arena, "%s%s", sign, look->prefix));
}

static void policy_report_name(struct policy_reader *r, struct word reference, const struct policy_lookup *look,
			       bool set)
{
	const char *kind = set ? "IP set" : "alias";
	struct diagnostic *d;

	if (look->no_guest) {
		d = policy_error(r, word_span(reference), DIAG_TEST_ADDRESS, "`guest/` in a test of no guest");
		diag_help(d, "only tests from or to one guest, such as vm100, can use names of its file");
		return;
	}
	d = policy_error(r, word_span(reference), DIAG_TEST_ADDRESS, "%s `%.*s` is not defined", kind,
			 TEXT_ARG(look->name));
	diag_here(d, "%s", look->prefix[0] == 'g'   ? "not defined in the guest's file" :
			   look->prefix[0] == 's'   ? "not defined by the SDN" :
						      "not defined in cluster.fw");
	policy_suggest_name(r, d, reference, look, set);
}

static bool policy_add_set(struct policy_reader *r, struct word item, bool source, struct policy_ranges *ranges)
{
	struct policy_lookup look;
	const struct ipset *set;

	if (!r->config)
		return true;
	look = policy_lookup_start(r, text_skip(word_text(item), 1), source);
	set = policy_find_set(&look);
	if (!set) {
		policy_report_name(r, item, &look, true);
		return false;
	}
	for (unsigned six = 0; six < 2; six++) {
		struct interval_set addresses = ipset_addresses(r->cache, set, six ? IPV6 : IPV4);

		for (uint32_t i = 0; i < addresses.count; i++)
			policy_ranges_add(r, ranges, six, addresses.ranges[i]);
	}
	return true;
}

static bool policy_add_alias(struct policy_reader *r, struct word item, bool source, struct policy_ranges *ranges)
{
	struct policy_lookup look;
	const struct alias *alias;

	if (!r->config)
		return true;
	look = policy_lookup_start(r, word_text(item), source);
	alias = policy_find_alias(r, &look);
	if (alias && alias->valid)
		policy_ranges_add_prefix(r, ranges, &alias->prefix);
	else if (alias)
		diag_label(policy_error(r, word_span(item), DIAG_TEST_ADDRESS, "alias `%.*s` has no value",
					TEXT_ARG(alias->name)),
			   alias->span, "its address is wrong");
	else
		policy_report_name(r, item, &look, false);
	return alias && alias->valid;
}

/* ---- addresses ---- */

static bool policy_report_address(struct policy_reader *r, struct word item, enum address_error error)
{
	char intended[PREFIX_TEXT_SIZE];
	struct diagnostic *d = policy_error(r, word_span(item), DIAG_TEST_ADDRESS,
					    "`%.*s` is not an address and not a valid name", TEXT_ARG(item));

	if (error == ADDRESS_TOO_LONG)
		diag_here(d, "prefix length is at most %d", text_find(word_text(item), ':') >= 0 ? 128 : 32);
	else if (address_intended(word_text(item), intended))
		diag_suggest(d, word_span(item), "%s", intended);
	else
		diag_help(d, "write an address, a network, a range, an alias, or `+` and the name of an IP set");
	return false;
}

static bool policy_add_prefix(struct policy_reader *r, struct word item, struct policy_ranges *ranges)
{
	struct prefix prefix, network;
	enum address_error error = prefix_parse(word_text(item), &prefix);
	char text[PREFIX_TEXT_SIZE];

	if (error)
		return policy_report_address(r, item, error);
	if (prefix_has_host_bits(&prefix)) {
		network = prefix;
		prefix_clear_host_bits(&network);
		prefix_format(&network, text);
		diag_correct(policy_error(r, word_span(item), DIAG_TEST_ADDRESS, "`%.*s` has host bits after its prefix",
					  TEXT_ARG(item)),
			     word_span(item), "%s", text);
		return false;
	}
	policy_ranges_add_prefix(r, ranges, &prefix);
	return true;
}

static bool policy_add_range(struct policy_reader *r, struct word item, uint32_t dash, struct policy_ranges *ranges)
{
	struct word low = word_part(item, 0, dash), high = word_part(item, dash + 1, item.len - dash - 1);
	struct prefix first, last;
	struct diagnostic *d;

	if (address_parse(word_text(low), &first) || address_parse(word_text(high), &last)) {
		d = policy_error(r, word_span(item), DIAG_TEST_ADDRESS, "`%.*s` is not a valid address range",
				 TEXT_ARG(item));
		diag_help(d, "write a range as two addresses, as in 10.0.0.1-10.0.0.9");
		return false;
	}
	if (first.family == last.family && address_compare(&first, &last) <= 0) {
		policy_ranges_add(r, ranges, first.family == AF_INET6,
				  (struct interval){ interval_of_prefix(&first).first, interval_of_prefix(&last).last });
		return true;
	}
	d = policy_error(r, word_span(item), DIAG_TEST_ADDRESS, "`%.*s` is not a valid address range",
			 TEXT_ARG(item));
	if (first.family != last.family)
		diag_here(d, "one end is IPv4, the other IPv6");
	else
		diag_suggest(diag_here(d, "it ends before it begins"), word_span(item), "%.*s-%.*s",
			     TEXT_ARG(high), TEXT_ARG(low));
	return false;
}

static bool policy_add_address(struct policy_reader *r, struct word item, bool source, struct policy_ranges *ranges)
{
	struct text text = word_text(item);
	long dash = text_find(text, '-');

	if (text_starts(text, "+"))
		return policy_add_set(r, item, source, ranges);
	if (dash > 0 && policy_looks_like_address(text))
		return policy_add_range(r, item, (uint32_t)dash, ranges);
	if (policy_looks_like_address(text) || text_find(text, ':') >= 0 || text_all_digits(text))
		return policy_add_prefix(r, item, ranges);
	if (looks_like_alias(text))
		return policy_add_alias(r, item, source, ranges);
	return policy_report_address(r, item, ADDRESS_MALFORMED);
}

static bool policy_add_list(struct policy_reader *r, const struct ast_word_list *items, struct word after,
			    bool source, struct policy_ranges *ranges)
{
	bool ok = true;

	if (!items) {
		diag_help(policy_error(r, word_span(after), DIAG_TEST_ADDRESS, "address is missing after `%.*s`",
				       TEXT_ARG(after)),
			  "write an address, a network, a range, an alias, or `+` and the name of an IP set");
		return false;
	}
	for (; items; items = items->next)
		if (items->word.len) {
			ok &= policy_add_address(r, items->word, source, ranges);
		} else {
			struct span comma = { items->word.begin, items->word.begin + 1 };

			policy_error(r, comma, DIAG_TEST_ADDRESS, "list element is empty next to this comma");
			ok = false;
		}
	return ok;
}

bool policy_read_addresses(struct policy_reader *r, const struct fwtest_clause *clause, struct interval_set sets[2],
			   bool *special)
{
	struct policy_ranges ranges = { 0 }, excepted = { 0 };
	struct word after = clause->negation.ptr ? clause->negation : clause->keyword;
	bool source = clause->kind == FWTEST_FROM;
	bool ok = policy_add_list(r, clause->items, after, source, &ranges);

	*special = ranges.special && !clause->negation.ptr;
	if (clause->except.ptr)
		ok &= policy_add_list(r, clause->excepted, clause->except, source, &excepted);
	for (unsigned six = 0; six < 2 && ok; six++) {
		struct interval_set all = interval_set_everyone(six ? AF_INET6 : AF_INET), out;

		sets[six] = interval_set_normalize(ranges.of[six], ranges.count[six]);
		out = interval_set_normalize(excepted.of[six], excepted.count[six]);
		if (clause->negation.ptr)
			sets[six] = interval_set_subtract(r->arena, &all, &sets[six]);
		sets[six] = interval_set_subtract(r->arena, &sets[six], &out);
	}
	return ok;
}
