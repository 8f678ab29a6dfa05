/* SPDX-License-Identifier: GPL-2.0-or-later */
/* States, MAC addresses, interfaces and IP versions of tests. */
#include "policy/policy_test.h"

#include "diag/suggest.h"

static const char *const policy_states[MODEL_STATES] = {
	[MODEL_STATE_NEW] = "new",	   [MODEL_STATE_ESTABLISHED] = "established", [MODEL_STATE_RELATED] = "related",
	[MODEL_STATE_INVALID] = "invalid", [MODEL_STATE_UNTRACKED] = "untracked",
};

/* Each reads one word as a range of values. */

static bool policy_read_state(struct policy_reader *r, struct word word, struct interval *range)
{
	struct suggestion s;

	suggest_start(&s, word_text(word));
	for (unsigned i = 0; i < MODEL_STATES; i++) {
		if (text_is(word_text(word), policy_states[i])) {
			*range = (struct interval){ number_small(i), number_small(i) };
			return true;
		}
		suggest(&s, text_of(policy_states[i]), SPAN_NONE);
	}
	suggest_to(diag_help(policy_error(r, word_span(word), DIAG_TEST_VALUE, "state `%.*s` does not exist",
					  TEXT_ARG(word)),
			     "states are new, established, related, invalid and untracked"),
		   &s, word_span(word), "");
	return false;
}

static bool policy_read_mac(struct policy_reader *r, struct word word, struct interval *range)
{
	uint64_t mac = 0;
	bool ok = word.len == 17;

	for (uint32_t i = 0; i < word.len && ok; i++) {
		int digit = char_hex_value(word.ptr[i]);

		ok = i % 3 == 2 ? word.ptr[i] == ':' : digit >= 0;
		if (i % 3 != 2 && ok)
			mac = mac << 4 | (unsigned)digit;
	}
	*range = (struct interval){ number_small(mac), number_small(mac) };
	if (!ok)
		diag_help(policy_error(r, word_span(word), DIAG_TEST_VALUE, "`%.*s` is not a MAC address",
				       TEXT_ARG(word)),
			  "write six hexadecimal numbers, as in 02:00:00:00:00:01");
	return ok;
}

/* Whether the pattern, which ends in '+', matches the name. */
static bool policy_pattern_matches(struct text pattern, struct text name)
{
	pattern.len--;
	return name.len >= pattern.len && text_equal(pattern, (struct text){ name.ptr, pattern.len });
}

struct interval_set policy_iface(struct policy_reader *r, struct text name)
{
	uint64_t number = 0;
	uint32_t longest = 0;

	for (const struct altname *alt = r->config ? r->config->altnames : NULL; alt; alt = alt->next)
		if (text_equal(alt->name, name)) {
			name = alt->iface;
			break;
		}
	for (uint32_t i = 0; r->ifaces && i < r->ifaces->count; i++) {
		struct text known = r->ifaces->names[i];

		if (text_equal(known, name))
			return policy_values(r->arena, i + 1, i + 1);
		if (text_ends(known, "+") && policy_pattern_matches(known, name) && known.len > longest) {
			longest = known.len;
			number = i + 1;
		}
	}
	return policy_values(r->arena, number, number);
}

static bool policy_read_iface(struct policy_reader *r, struct word word, struct interval *range)
{
	enum { IFACE_NAME_MAX = 15 };

	*range = policy_iface(r, word_text(word)).ranges[0];
	if (word.len <= IFACE_NAME_MAX)
		return true;
	diag_here(policy_error(r, word_span(word), DIAG_TEST_VALUE, "interface `%.*s` cannot exist", TEXT_ARG(word)),
		  "a name has at most %d characters", IFACE_NAME_MAX);
	return false;
}

/* ---- conditions ---- */

static bool policy_read_list(struct policy_reader *r, const struct fwtest_clause *clause,
			     struct policy_clauses *clauses, enum model_field field,
			     bool (*read)(struct policy_reader *r, struct word word, struct interval *range))
{
	struct policy_clause *made = policy_clause_new(r, clauses, fwtest_clause_span(clause), 1);
	struct interval *ranges;
	uint32_t count = 0;
	bool ok = true;

	for (const struct ast_word_list *item = clause->items; item; item = item->next)
		count++;
	ranges = ARENA_ARRAY(r->arena, struct interval, count);
	count = 0;
	for (const struct ast_word_list *item = clause->items; item; item = item->next)
		ok &= item->word.len ? read(r, item->word, &ranges[count++]) : policy_report_gap(r, item->word);
	policy_match(policy_term_add(made), field, interval_set_normalize(ranges, ok ? count : 0));
	return ok;
}

static bool policy_read_family(struct policy_reader *r, const struct fwtest_clause *clause,
			       struct policy_clauses *clauses, unsigned family_mask)
{
	struct policy_clause *made = policy_clause_new(r, clauses, fwtest_clause_span(clause), 1);

	made->family_mask = family_mask;
	policy_match_family(r, policy_term_add(made), family_mask);
	return true;
}

bool policy_read_values(struct policy_reader *r, const struct fwtest_clause *clause, struct policy_clauses *clauses)
{
	bool empty = !clause->items;

	switch (clause->kind) {
	case FWTEST_STATE:
		return empty ? policy_report_missing(r, clause->keyword, "state", "write new, established, related, invalid or untracked") :
			       policy_read_list(r, clause, clauses, MODEL_STATE, policy_read_state);
	case FWTEST_MAC:
		return empty ? policy_report_missing(r, clause->keyword, "MAC address", "write six hexadecimal numbers, as in 02:00:00:00:00:01") :
			       policy_read_list(r, clause, clauses, MODEL_SOURCE_MAC, policy_read_mac);
	case FWTEST_ON:
		return empty ? policy_report_missing(r, clause->keyword, "interface", "write the name of an interface, such as vmbr0") :
			       policy_read_list(r, clause, clauses, MODEL_IFACE, policy_read_iface);
	case FWTEST_IPV4:
		return policy_read_family(r, clause, clauses, IPV4);
	default:
		return policy_read_family(r, clause, clauses, IPV6);
	}
}
