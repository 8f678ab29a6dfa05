/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the entries of IP sets. */
#include <stdlib.h>

#include "lang/limit_table.h"
#include "resolve/file_passes.h"
#include "resolve/rule_report.h"
#include "resolve/scope.h"

static struct diagnostic *entry_error(struct resolver *r, struct word word, enum diag_id id,
				      const char *message)
{
	struct diagnostic *d = diag(r->diags, word_span(word), id, message, TEXT_ARG(word));

	r->failed = true;
	return diag_note(d, "the entry is ignored");
}

static void report_words(struct resolver *r, const struct ast_entry *node)
{
	const struct ast_word_list *last = node->more;
	struct span span = { node->more->word.begin, 0 };
	struct text first = word_text(node->more->word);
	struct diagnostic *d;

	while (last->next)
		last = last->next;
	span.end = last->word.begin + last->word.len;
	r->failed = true;
	d = diag(r->diags, span, DIAG_ENTRY_WORDS, "IP set entry has more than one word");
	diag_note(d, "the entry is ignored");
	if (text_is(first, "nomatch"))
		diag_help(d, "write `!` before an exception: `!%.*s`", TEXT_ARG(node->address));
	else
		diag_help(d, "write each address on a line of its own; a comment begins with `#`");
	if (text_starts(first, ";") || text_starts(first, "//"))
		diag_fix(d, (struct span){ span.begin, span.begin + (first.ptr[0] == ';' ? 1 : 2) }, "#");
}

static bool is_range(struct text t)
{
	long dash = text_find(t, '-');
	struct prefix ignored;

	return dash > 0 && !address_parse((struct text){ t.ptr, (uint32_t)dash }, &ignored);
}

/* An address in quotes, or before a comma or a semicolon. */
static bool has_needless_signs(struct text entry, struct text *bare)
{
	struct prefix ignored;

	*bare = entry;
	if (entry.len && (entry.ptr[entry.len - 1] == ',' || entry.ptr[entry.len - 1] == ';'))
		bare->len--;
	else if (text_is_quoted(entry))
		*bare = (struct text){ entry.ptr + 1, entry.len - 2 };
	return bare->len < entry.len && !prefix_parse(*bare, &ignored);
}

static void help_bad_entry(struct diagnostic *d, struct word word)
{
	struct text entry = word_text(word), bare;

	if (text_starts(entry, "+") || text_starts(entry, "sdn/"))
		diag_help(d, "an IP set cannot contain another one; write its entries here");
	else if (has_needless_signs(entry, &bare))
		diag_suggest(d, word_span(word), "%.*s", TEXT_ARG(bare));
	else if (text_find(entry, ',') > 0)
		diag_help(d, "write each address on a line of its own");
	else if (text_starts(entry, "!"))
		diag_help(d, "an exception has one `!` before its address");
	else if (text_find(entry, '.') > 0 && char_is_letter(entry.ptr[entry.len - 1]))
		diag_help(d, "host names are not resolved; write the address");
}

static void report_entry_address(struct resolver *r, struct word word, enum address_error error)
{
	struct text text = word_text(word);
	char intended[PREFIX_TEXT_SIZE];
	struct diagnostic *d;

	/* "10.0.0.0/024" */
	if (error == ADDRESS_BAD_LENGTH && address_intended(text, intended))
		error = ADDRESS_OCTAL;
	if (is_range(text)) {
		d = entry_error(r, word, DIAG_ENTRY_RANGE, "range `%.*s` not allowed in an IP set");
		diag_help(d, "write the networks that make up the range, one per line");
	} else if (error == ADDRESS_TOO_LONG) {
		d = entry_error(r, word, DIAG_ENTRY_PREFIX_LENGTH, "prefix length of `%.*s` is too long");
		diag_here(d, "at most %d", text_find(text, ':') >= 0 ? 128 : 32);
	} else if (reference_is_skipped_alias(r, word)) {
		return;
	} else if (error == ADDRESS_MALFORMED || error == ADDRESS_BAD_LENGTH) {
		d = entry_error(r, word, DIAG_BAD_ENTRY, "`%.*s` is not an address and not an alias");
		help_bad_entry(d, word);
	} else {
		d = entry_error(r, word, DIAG_ADDRESS_SPELLING, "address `%.*s` is ambiguous");
		diag_here(d, "programs read this spelling differently");
		if (address_intended(text, intended))
			diag_suggest(d, word_span(word), "%s", intended);
	}
}

/* Clears host bits and reports them; returns NULL if there are none. */
static struct diagnostic *clear_host_bits(struct resolver *r, struct word word, struct set_entry *entry,
					  char network[PREFIX_TEXT_SIZE])
{
	struct diagnostic *d;

	if (!prefix_has_host_bits(&entry->prefix))
		return NULL;
	prefix_clear_host_bits(&entry->prefix);
	prefix_format(&entry->prefix, network);
	d = diag(r->diags, word_span(word), DIAG_ENTRY_HOST_BITS, "`%.*s` has host bits after its prefix",
		 TEXT_ARG(word));
	return diag_note(d, "the entry is the network %s", network);
}

/* Address entries: text without /32 and /128, and the network it means. */
static bool read_entry_address(struct resolver *r, struct word word, struct set_entry *entry)
{
	enum address_error error = prefix_parse(word_text(word), &entry->prefix);
	char network[PREFIX_TEXT_SIZE];
	struct diagnostic *d;

	if (error) {
		report_entry_address(r, word, error);
		return false;
	}
	entry->text = prefix_text_without_length(entry->text, &entry->prefix);
	if (entry->prefix.length < LIMIT_SET_PREFIX_LEAST) {
		d = entry_error(r, word, DIAG_ENTRY_ZERO_PREFIX,
				"`%.*s`: prefix length zero is not possible in an IP set");
		diag_help(d, "to match every address, leave -source or -dest out of the rule");
		return false;
	}
	d = clear_host_bits(r, word, entry, network);
	if (d)
		diag_correct(d, word_span(word), "%s", network);
	return true;
}

/* Reports an alias with the prefix length zero, or with host bits. */
static bool check_alias(struct resolver *r, struct word word, struct set_entry *entry)
{
	bool zero = entry->prefix.length == 0;
	char network[PREFIX_TEXT_SIZE];
	struct diagnostic *d;

	if (zero)
		d = entry_error(r, word, DIAG_ENTRY_ZERO_PREFIX,
				"`%.*s`: prefix length zero is not possible in an IP set");
	else
		d = clear_host_bits(r, word, entry, network);
	if (d)
		diag_label(d, entry->alias->span, "defined here as %.*s", TEXT_ARG(entry->alias->cidr));
	return !zero;
}

static bool has_digit(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		if (char_is_digit(t.ptr[i]))
			return true;
	return false;
}

static bool read_entry(struct resolver *r, const struct ast_entry *node, struct set_entry *entry)
{
	struct text bare;

	r->rule = NULL;
	r->failed = false;
	entry->nomatch = node->nomatch;
	entry->text = word_text(node->address);
	entry->span = word_span(node->address);
	if (refused_report(r, node->line.span, "the entry is ignored"))
		return false;
	if (node->more) {
		report_words(r, node);
		/* Report nothing more about prose, or about the comma of a list. */
		if (has_needless_signs(entry->text, &bare) || !has_digit(entry->text) || name_is_valid(entry->text))
			return false;
	}
	if (!looks_like_alias(entry->text))
		return read_entry_address(r, node->address, entry) && !node->more;
	entry->alias = reference_alias(r, node->address);
	if (!entry->alias)
		return false;
	entry->prefix = entry->alias->prefix;
	return check_alias(r, node->address, entry) && !node->more;
}

/* ---- repeated entries ---- */

/* By network, then by text, then by place. */
static int compare_entry_texts(const void *a, const void *b)
{
	const struct set_entry *x = *(const struct set_entry *const *)a;
	const struct set_entry *y = *(const struct set_entry *const *)b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	if (!order)
		order = text_compare(x->text, y->text);
	return order ? order : x->span.begin < y->span.begin ? -1 : 1;
}

/* By network, then by place. */
static int compare_entry_places(const void *a, const void *b)
{
	const struct set_entry *x = *(const struct set_entry *const *)a;
	const struct set_entry *y = *(const struct set_entry *const *)b;
	int order = prefix_compare(&x->prefix, &y->prefix);

	return order ? order : x->span.begin < y->span.begin ? -1 : 1;
}

static bool same_network(const struct set_entry *a, const struct set_entry *b)
{
	return prefix_compare(&a->prefix, &b->prefix) == 0;
}

/* Reports two entries with equal texts; the second is ignored. */
static void report_same_text(struct resolver *r, const struct set_entry *first, struct set_entry *second)
{
	struct diagnostic *d = diag(r->diags, second->span, DIAG_DUPLICATE_ENTRY,
				    "`%.*s` is in this IP set twice", TEXT_ARG(second->text));

	second->repeated = true;
	diag_label(d, first->span, "first here");
	if (first->nomatch == second->nomatch)
		diag_note(d, "the second entry is ignored");
	else
		diag_note(d, "the second entry is ignored; the address is %s",
			  first->nomatch ? "an exception" : "a member");
}

/* Different texts for one network: one entry, and the last line decides whether it is an exception. */
static void report_same_network(struct resolver *r, const struct set_entry *first,
				const struct set_entry *second)
{
	struct diagnostic *d = diag(r->diags, second->span, DIAG_ENTRY_SAME_NETWORK,
				    "`%.*s` is the same network as another entry", TEXT_ARG(second->text));

	diag_label(d, first->span, "the other one");
	if (first->nomatch == second->nomatch)
		diag_note(d, "both are one entry");
	else
		diag_note(d, "both are one entry, %s, as in this line",
			  second->nomatch ? "an exception" : "a member");
}

/* Reports entries with the same text.  Returns true if any two are of the same network. */
static bool find_same_texts(struct resolver *r, struct set_entry **entries, uint32_t count)
{
	uint32_t first = 0;
	bool any = false;

	qsort(entries, count, sizeof(*entries), compare_entry_texts);
	for (uint32_t i = 1; i < count; i++) {
		bool same = same_network(entries[i - 1], entries[i]);

		any |= same;
		if (same && text_equal(entries[first]->text, entries[i]->text))
			report_same_text(r, entries[first], entries[i]);
		else
			first = i;
	}
	return any;
}

/* Reports the remaining entries that have the network of an earlier one. */
static void find_same_networks(struct resolver *r, struct set_entry **entries, uint32_t count)
{
	const struct set_entry *above = NULL;

	qsort(entries, count, sizeof(*entries), compare_entry_places);
	for (uint32_t i = 0; i < count; i++) {
		if (entries[i]->repeated)
			continue;
		if (above && same_network(above, entries[i]))
			report_same_network(r, above, entries[i]);
		above = entries[i];
	}
}

/* The entries by their networks: a hash table of at least twice their number. */
struct network_table {
	struct network {
		struct set_entry *first; /* NULL: not used */
		bool is_repeated;        /* there are more entries of it */
	} *slots;
	uint32_t mask;
};

static struct network *find_network(const struct network_table *table, const struct set_entry *entry)
{
	uint32_t at = prefix_hash(&entry->prefix) & table->mask;

	while (table->slots[at].first && !same_network(table->slots[at].first, entry))
		at = (at + 1) & table->mask;
	return &table->slots[at];
}

/* Hardly any network has two entries, so only those that have are sorted. */
static void find_repeated(struct resolver *r, struct ipset *set)
{
	struct arena_mark mark = arena_mark(r->scratch);
	struct network_table table = { .mask = 3 };
	struct set_entry **entries;
	uint32_t repeated = 0, count = 0;

	while (table.mask < 2 * set->size)
		table.mask = table.mask * 2 + 1;
	table.slots = ARENA_ARRAY(r->scratch, struct network, table.mask + 1);
	for (struct set_entry *entry = set->entries; entry; entry = entry->next) {
		struct network *network = find_network(&table, entry);

		if (!network->first) {
			network->first = entry;
			continue;
		}
		repeated += network->is_repeated ? 1 : 2;
		network->is_repeated = true;
	}
	entries = ARENA_ARRAY(r->scratch, struct set_entry *, repeated);
	for (struct set_entry *entry = repeated ? set->entries : NULL; entry; entry = entry->next)
		if (find_network(&table, entry)->is_repeated)
			entries[count++] = entry;
	if (count && find_same_texts(r, entries, count))
		find_same_networks(r, entries, count);
	arena_release(r->scratch, mark);
}

void set_entries_read(struct resolver *r, const struct ast_section *section)
{
	struct ipset *set;

	HASH_FIND(hh, r->own->ipsets, arena_lower(r->arena, word_text(section->name)).ptr, section->name.len, set);
	set->entries = NULL;
	set->last = &set->entries;
	set->size = 0;
	for (const struct ast_line *line = section->lines; line; line = line->next) {
		struct set_entry *entry;

		if (line->kind != LINE_ENTRY && line->kind != LINE_BAD)
			continue;
		set->size++;
		if (encoding_lost(r->lost, line->span))
			continue;
		if (line->kind == LINE_BAD) {
			entry_error(r, ((const struct ast_text_line *)line)->text, DIAG_BAD_ENTRY,
				    "`%.*s` is not an address and not an alias");
			continue;
		}
		entry = ARENA_NEW(r->arena, struct set_entry);
		if (!read_entry(r, (const struct ast_entry *)line, entry))
			continue;
		*set->last = entry;
		set->last = &entry->next;
	}
	find_repeated(r, set);
}
