/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One list of diagnostics from the checks of several nodes.
 *
 * Each node is checked by itself, and what is wrong with cluster.fw comes out once for each. The files are
 * read once, so that equal spans are the same place: diagnostics are equal if all of their parts are. One
 * node can report the same twice; so an equal one is joined only if it is of other nodes.
 */
#include <uthash.h>

#include "diag/diag.h"

/* Equal ones are found by the first place and the id. */
struct key {
	uint32_t begin, end;
	enum diag_id id;
};

struct merged {
	struct key key;
	struct diagnostic *d;
	struct merged *next; /* of the same key */
	UT_hash_handle hh;
};

static bool same_string(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_equal_diagnostic(const struct diagnostic *a, const struct diagnostic *b)
{
	const struct diag_part *p = a->parts, *q = b->parts;

	if (a->severity != b->severity || !same_string(a->message, b->message) || !same_string(a->label, b->label))
		return false;
	for (; p && q; p = p->next, q = q->next)
		if (p->kind != q->kind || p->span.begin != q->span.begin || p->span.end != q->span.end ||
		    p->guess != q->guess || !same_string(p->text, q->text))
			return false;
	return !p && !q;
}

/* Joins it with an equal one of other nodes; or keeps it, and returns true. */
static bool join_or_keep(struct arena *arena, struct merged **all, struct diagnostic *d)
{
	struct merged *first, *new;
	struct key key;

	memset(&key, 0, sizeof(key));
	key.begin = d->span.begin;
	key.end = d->span.end;
	key.id = d->id;
	HASH_FIND(hh, *all, &key, sizeof(key), first);
	for (struct merged *m = first; m; m = m->next)
		if (is_equal_diagnostic(m->d, d) && !node_set_overlap(m->d->nodes, d->nodes)) {
			m->d->nodes = node_set_join(arena, m->d->nodes, d->nodes);
			return false;
		}
	new = ARENA_NEW(arena, struct merged);
	new->key = key;
	new->d = d;
	if (first) {
		new->next = first->next;
		first->next = new;
	} else {
		HASH_ADD(hh, *all, key, sizeof(key), new);
	}
	return true;
}

const char *diag_nodes_text(const struct diags *diags, const struct diagnostic *d)
{
	const struct source *source = source_find(diags->map, d->span.begin);

	if (!d->nodes || (source && source->nodes && node_set_equal(source->nodes, d->nodes)))
		return NULL;
	return node_set_text(diags->arena, d->nodes);
}

void diags_merge(struct diags *diags)
{
	struct diagnostic *next = diags->first;
	struct merged *all = NULL;

	diags_clear(diags);
	while (next) {
		struct diagnostic *d = next;

		next = d->next;
		if (!d->nodes || join_or_keep(diags->arena, &all, d))
			diags_add(diags, d);
	}
	HASH_CLEAR(hh, all);
	for (struct diagnostic *d = diags->first; d; d = d->next) {
		const struct source *source = source_find(diags->map, d->span.begin);
		const char *text;

		/* What is true of no node in particular has no set. */
		if (node_set_is_full(d->nodes) || (source && source->is_homeless))
			d->nodes = NULL;
		text = diag_nodes_text(diags, d);
		if (text)
			diag_note(d, "on node %s", text);
	}
}
