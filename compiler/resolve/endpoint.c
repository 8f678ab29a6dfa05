/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources and destinations of rules. */
#include "resolve/rule_parts.h"
#include "resolve/rule_report.h"
#include "resolve/scope.h"

static void report_spelling(struct resolver *r, struct word address)
{
	struct diagnostic *d = rule_error(r, word_span(address), DIAG_ADDRESS_SPELLING,
					  "address `%.*s` is ambiguous", TEXT_ARG(address));
	char intended[PREFIX_TEXT_SIZE];

	diag_here(d, "programs read this spelling differently");
	if (text_is(word_text(address), "0"))
		diag_help(d, "leave the option out to match every address");
	else if (address_intended(word_text(address), intended))
		diag_suggest(d, word_span(address), "%s", intended);
}

/* Whether it has letters, digits, dots and dashes only, and a letter after the last dot. */
static bool is_host_name(struct text t)
{
	bool letter = false;

	for (uint32_t i = 0; i < t.len; i++) {
		if (!char_is_letter(t.ptr[i]) && !char_is_digit(t.ptr[i]) && t.ptr[i] != '.' &&
		    t.ptr[i] != '-')
			return false;
		if (t.ptr[i] == '.')
			letter = i + 1 < t.len && char_is_letter(t.ptr[i + 1]);
	}
	return letter;
}

static void help_negation(struct diagnostic *d, struct text t)
{
	if (t.len > 1)
		diag_help(
			d,
			"rules cannot negate; write a rule for `%.*s` with the opposite action above, and this rule without the address",
			(int)t.len - 1, t.ptr + 1);
	diag_help(d, "an IP set can contain exceptions, with `!` before an entry");
}

static void help_malformed(struct diagnostic *d, struct word address)
{
	struct text t = word_text(address);
	long colon = text_find(t, ':');
	struct prefix ignored;

	if (t.len > 3 && text_equal_nocase((struct text){ t.ptr, 3 }, TEXT("dc/")))
		diag_suggest(d, word_span(address), "dc/%.*s", (int)t.len - 3, t.ptr + 3);
	else if (text_starts(t, "sdn/"))
		diag_fix(diag_help(d, "the SDN defines IP sets, not aliases: write `+%.*s`", TEXT_ARG(t)),
			 word_span(address), "+%.*s", TEXT_ARG(t));
	else if (text_starts(t, "!"))
		help_negation(d, t);
	else if (text_is(t, "*"))
		diag_help(d, "leave the option out to match every address");
	else if (t.len > 1 && (t.ptr[0] == '$' || t.ptr[0] == '@' || t.ptr[0] == '%'))
		diag_help(d, "write `%.*s` for an alias, or `+%.*s` for an IP set", (int)t.len - 1, t.ptr + 1,
			  (int)t.len - 1, t.ptr + 1);
	else if (text_find(t, '*') > 0)
		diag_help(d, "write a network with its prefix length, as in `10.0.0.0/24`");
	else if (text_find(t, '/') > 0 && colon < 0 && char_is_digit(t.ptr[0]))
		diag_help(d, "write a network as address and prefix length, as in `10.0.0.0/24`");
	else if (colon > 0 && !prefix_parse((struct text){ t.ptr, (uint32_t)colon }, &ignored) &&
		 text_all_digits(text_skip(t, (uint32_t)colon + 1)))
		diag_help(d, "write the port as a separate option, as in `-p tcp -dport 443`");
	else if (is_host_name(t))
		diag_help(d, "host names are not resolved; define an alias");
	else
		diag_help(d,
			  "write an address, a network, a range, an alias, or `+` and the name of an IP set");
}

static void report_malformed(struct resolver *r, struct word address)
{
	struct diagnostic *d;

	if (reference_is_skipped_alias(r, address))
		return;
	d = rule_error(r, word_span(address), DIAG_BAD_ADDRESS,
		       "`%.*s` is not an address and not a valid name", TEXT_ARG(address));
	help_malformed(d, address);
}

static void report_address(struct resolver *r, struct word address, enum address_error error)
{
	char intended[PREFIX_TEXT_SIZE];

	/* "10.0.0.0/024" */
	if (error == ADDRESS_BAD_LENGTH && address_intended(word_text(address), intended))
		error = ADDRESS_OCTAL;
	if (error == ADDRESS_TOO_LONG)
		diag_here(rule_error(r, word_span(address), DIAG_ADDRESS_PREFIX_LENGTH,
				     "prefix length of `%.*s` is too long", TEXT_ARG(address)),
			  "at most %d", text_find(word_text(address), ':') >= 0 ? 128 : 32);
	else if (error == ADDRESS_MALFORMED || error == ADDRESS_BAD_LENGTH)
		report_malformed(r, address);
	else
		report_spelling(r, address);
}

static void report_host_bits(struct resolver *r, struct word address, struct prefix prefix)
{
	char network[PREFIX_TEXT_SIZE], host[PREFIX_TEXT_SIZE];
	struct diagnostic *d = rule_error(r, word_span(address), DIAG_ADDRESS_HOST_BITS,
					  "`%.*s` has host bits after its prefix", TEXT_ARG(address));
	struct prefix alone = prefix;

	prefix_clear_host_bits(&prefix);
	prefix_format(&prefix, network);
	alone.length = (uint8_t)prefix_bits(&alone);
	prefix_format(&alone, host);
	diag_note(
		d,
		"the nftables preview of Proxmox VE uses the network; the stock compiler ignores the rule, too");
	diag_help(d, "write `%s` for the network, or `%s` for the single address", network, host);
	diag_fix(d, word_span(address), "%s", network);
}

static bool read_prefix(struct resolver *r, struct word address, struct prefix *prefix)
{
	enum address_error error = prefix_parse(word_text(address), prefix);

	if (error) {
		report_address(r, address, error);
		return false;
	}
	if (prefix_has_host_bits(prefix)) {
		report_host_bits(r, address, *prefix);
		return false;
	}
	return true;
}

/* ---- ranges ---- */

static struct diagnostic *report_range(struct resolver *r, struct word value)
{
	return rule_error(r, word_span(value), DIAG_BAD_RANGE, "`%.*s` is not a valid address range",
			  TEXT_ARG(value));
}

/* One end is not an address. */
static void report_range_end(struct resolver *r, struct word value, struct word low, struct word high)
{
	long dot = (long)low.len;
	struct diagnostic *d = report_range(r, value);

	while (dot > 0 && low.ptr[dot - 1] != '.')
		dot--;
	/* "10.0.0.1-9" */
	if (dot > 0 && text_all_digits(word_text(high)))
		diag_suggest(d, word_span(value), "%.*s-%.*s%.*s", TEXT_ARG(low), (int)dot, low.ptr,
			     TEXT_ARG(high));
	else
		diag_help(d, "write a range as two addresses, as in 10.0.0.1-10.0.0.9");
}

/* Reads one end of a range; reports an address with leading zeros, and sets *odd. */
static bool read_range_end(struct resolver *r, struct word end, struct prefix *prefix, bool *odd)
{
	enum address_error error = address_parse(word_text(end), prefix);

	*odd = error == ADDRESS_OCTAL;
	if (*odd)
		report_spelling(r, end);
	return !error;
}

static bool read_address_range(struct resolver *r, struct word value, uint32_t dash, struct endpoint *e)
{
	struct word low = word_part(value, 0, dash), high = word_part(value, dash + 1, value.len - dash - 1);
	bool low_odd, high_odd, low_ok, high_ok;
	struct diagnostic *d;

	e->prefixes = ARENA_ARRAY(r->arena, struct prefix, 2);
	low_ok = read_range_end(r, low, &e->prefixes[0], &low_odd);
	high_ok = read_range_end(r, high, &e->prefixes[1], &high_odd);
	if (!low_ok || !high_ok) {
		if (!low_odd && !high_odd)
			report_range_end(r, value, low, high);
		return false;
	}
	e->kind = ENDPOINT_RANGE;
	e->count = 2;
	e->family_mask = prefix_family_mask(&e->prefixes[0]);
	if (e->prefixes[0].family == e->prefixes[1].family &&
	    address_compare(&e->prefixes[0], &e->prefixes[1]) <= 0)
		return true;
	d = report_range(r, value);
	if (e->prefixes[0].family != e->prefixes[1].family)
		diag_here(d, "one end is IPv4, the other IPv6");
	else
		diag_suggest(diag_here(d, "it ends before it begins"), word_span(value), "%.*s-%.*s",
			     TEXT_ARG(high), TEXT_ARG(low));
	return false;
}

/* Position of the dash of an intended range: digits, dots, colons and
 * hexadecimal letters on both sides; -1 if it is none. */
static long range_dash(struct text t)
{
	long dash = text_find(t, '-');

	if (dash <= 0)
		return -1;
	for (long i = 0; i < dash; i++) {
		char c = char_lower(t.ptr[i]);

		if (!char_is_digit(c) && c != '.' && c != ':' && c != '/' && (c < 'a' || c > 'f'))
			return -1;
	}
	t.len = (uint32_t)dash;
	return text_find(t, '.') >= 0 || text_find(t, ':') >= 0 ? dash : -1;
}

/* ---- lists ---- */

static void report_name_in_list(struct resolver *r, struct word element)
{
	bool set = text_starts(word_text(element), "+");
	struct diagnostic *d = rule_error(r, word_span(element), DIAG_NAME_IN_LIST,
					  "%s not allowed in a list", set ? "IP set" : "alias");

	diag_help(d,
		  set ? "write a separate rule for it, or add the addresses to the set"
		      : "write a separate rule for it, or define an IP set with the alias and the addresses");
}

/* `first`: the first element that is right; `mixed`: an element of the other IP version was reported. */
static bool read_element(struct resolver *r, struct word element, struct word *first, bool *mixed, bool alone,
			 struct endpoint *e)
{
	struct prefix *prefix = &e->prefixes[e->count];
	struct diagnostic *d;

	if (!alone && range_dash(word_text(element)) > 0) {
		d = rule_error(r, word_span(element), DIAG_RANGE_IN_LIST, "address range not allowed in a list");
		diag_note(d, "the nftables preview of Proxmox VE accepts it; the stock compiler ignores the rule, too");
		diag_help(d, "write a separate rule for it, or the networks that make up the range");
		return false;
	}
	if (!alone && (text_starts(word_text(element), "+") || looks_like_alias(word_text(element)))) {
		report_name_in_list(r, element);
		return false;
	}
	if (!read_prefix(r, element, prefix))
		return false;
	if (e->count && prefix->family != e->prefixes[0].family) {
		if (!*mixed) {
			d = rule_error(r, word_span(element), DIAG_MIXED_LIST, "list combines IPv4 and IPv6");
			diag_label(d, word_span(*first), "the list begins with the other IP version");
			diag_help(d, "write two rules, or use an IP set, which may contain both");
		}
		*mixed = true;
		return false;
	}
	if (!e->count)
		*first = element;
	e->count++;
	return true;
}

/* `list`: the value has commas. */
static bool read_address_list(struct resolver *r, struct word value, bool list, struct endpoint *e)
{
	struct word first = value;
	uint32_t elements = list ? 0 : 1;
	bool ok = true, empty = false, mixed = false;

	for (uint32_t begin = 0; list && begin <= value.len; begin = element_end(value, begin) + 1)
		elements++;
	e->kind = ENDPOINT_LIST;
	e->prefixes = ARENA_ARRAY(r->arena, struct prefix, elements);
	for (uint32_t begin = 0, end; begin <= value.len; begin = end + 1) {
		end = list ? element_end(value, begin) : value.len;
		if (end > begin)
			ok &= read_element(r, word_part(value, begin, end - begin), &first, &mixed, elements == 1, e);
		else if (!empty)
			rule_empty_item(r, value, end);
		empty |= end == begin;
	}
	e->family_mask = prefix_family_mask(&e->prefixes[0]);
	return ok && !empty;
}

const struct endpoint *endpoint_read(struct resolver *r, struct word value)
{
	struct endpoint *e = ARENA_NEW(r->arena, struct endpoint);
	struct text text = word_text(value);
	bool list = text_find(text, ',') >= 0, ok;
	long dash = list ? -1 : range_dash(text);

	e->text = text;
	e->span = word_span(value);
	if (!list && text_starts(text, "+")) {
		e->kind = ENDPOINT_SET;
		e->family_mask = IPV_BOTH;
		e->ipset = reference_set(r, word_part(value, 1, value.len - 1));
		ok = e->ipset != NULL;
	} else if (!list && looks_like_alias(text)) {
		e->kind = ENDPOINT_ALIAS;
		e->alias = reference_alias(r, value);
		ok = e->alias != NULL;
		if (ok)
			e->family_mask = prefix_family_mask(&e->alias->prefix);
	} else if (dash > 0) {
		ok = read_address_range(r, value, (uint32_t)dash, e);
	} else {
		ok = read_address_list(r, value, list, e);
	}
	return ok ? e : NULL;
}
