/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the compiler of the nftables preview, written in Rust, treats otherwise
 * than this one and the stock compiler, and is not reported as a mistake anyway.
 * portability.def lists all that is known.
 */
#include "lines.h"
#include "lint_check.h"
#include "portability.h"

const struct portability_row portability_table[] = {
#define PORTABILITY(ID, input, stock, preview) { DIAG_##ID, input, stock, preview },
#include "portability.def"
#undef PORTABILITY
};

const unsigned portability_count = sizeof(portability_table) / sizeof(portability_table[0]);

const struct portability_row *portability_find(enum diag_id id)
{
	for (unsigned i = 0; i < portability_count; i++)
		if (portability_table[i].id == id)
			return &portability_table[i];
	return NULL;
}

/* ---- headers ---- */

static bool begins(struct text header, const char *word)
{
	size_t len = strlen(word);

	return header.len > len &&
	       text_equal_nocase((struct text){ header.ptr, (uint32_t)len }, text_of(word));
}

/* How the preview wants the begin of a header, or NULL. */
static const char *wanted_begin(struct text header)
{
	static const char *const forms[] = { "[OPTIONS", "[ALIASES", "[RULES", "[IPSET ", "[group " };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (begins(header, forms[i]))
			return text_starts(header, forms[i]) ? NULL : forms[i];
	return NULL;
}

/* One for each file, with a fix for each header. */
static void check_headers(struct lint *lint, const struct lint_file *file)
{
	struct lines lines = lines_of(file->source);
	struct diagnostic *d = NULL;
	unsigned others = 0;
	struct word line;

	while (lines_next(&lines, &line)) {
		const char *wanted = line.len && line.ptr[0] == '[' ? wanted_begin(word_text(line)) : NULL;

		if (!wanted)
			continue;
		if (d)
			others++;
		else
			d = diag(lint->diags, word_span(line), DIAG_HEADER_CASE,
				 "the nftables preview of Proxmox VE does not know this header");
		diag_fix(d, word_span(word_part(line, 0, (uint32_t)strlen(wanted))), "%s", wanted);
	}
	if (!d)
		return;
	if (others)
		diag_note(d, "nor %u more in this file", others);
	diag_note(d, "it refuses the whole configuration, and filters nothing; here the header is right");
	diag_help(d, "write [OPTIONS], [ALIASES], [RULES], [IPSET name] and [group name] as they stand here");
}

/* ---- REJECT to guests ---- */

struct rejects {
	struct diagnostic *d;
	unsigned count;
};

static void add_reject(struct lint *lint, struct rejects *rejects, struct span span, const char *what)
{
	enum { MOST_LABELS = 4 };

	if (!rejects->count++)
		rejects->d = diag(lint->diags, span, DIAG_REJECT_TO_GUEST,
				  "%s drops silently in the nftables preview of Proxmox VE", what);
	else if (rejects->count <= MOST_LABELS)
		diag_label(rejects->d, span, "and this");
}

static bool rejects_in(const struct rule *rule)
{
	return rule->enabled && rule->direction == DIRECTION_IN && rule->action == ACTION_REJECT;
}

/* By the groups' ids: which of them guests use. */
static bool *groups_of_guests(struct lint *lint)
{
	bool *used = ARENA_ARRAY(&lint->scratch, bool, lint->config->group_count + 1);

	for (uint32_t i = 0; i < lint->file_count; i++) {
		const struct guest *guest = lint->files[i].guest;

		for (const struct rule *r = guest ? guest->rules.first : NULL; r; r = r->next)
			if (r->enabled && r->direction == DIRECTION_GROUP)
				used[r->group->id] = true;
	}
	return used;
}

static void add_guest(struct lint *lint, struct rejects *rejects, const struct guest *guest)
{
	const struct policy *policy = &guest->options.policy_in;

	if (policy->action == ACTION_REJECT && policy->span.begin)
		add_reject(lint, rejects, policy->span, "this policy");
	for (const struct rule *r = guest->rules.first; r; r = r->next)
		if (rejects_in(r))
			add_reject(lint, rejects, r->span, "this rule");
}

/* One for the tree: it is one fact. */
static void check_rejects(struct lint *lint)
{
	const bool *used = groups_of_guests(lint);
	struct rejects rejects = { .count = 0 };

	for (const struct group *g = lint->config->groups; g; g = g->hh.next)
		for (const struct rule *r = used[g->id] ? g->rules.first : NULL; r; r = r->next)
			if (rejects_in(r))
				add_reject(lint, &rejects, r->span, "this rule");
	for (uint32_t i = 0; i < lint->file_count; i++)
		if (lint->files[i].guest)
			add_guest(lint, &rejects, lint->files[i].guest);
	if (!rejects.d)
		return;
	if (rejects.count > 1)
		diag_note(rejects.d, "so do all %u of this tree", rejects.count);
	diag_note(rejects.d,
		  "here the sender gets a TCP reset or an ICMP error; there it waits until it gives up");
}

void lint_portability(struct lint *lint)
{
	for (uint32_t i = 0; i < lint->file_count; i++)
		check_headers(lint, &lint->files[i]);
	check_rejects(lint);
}
