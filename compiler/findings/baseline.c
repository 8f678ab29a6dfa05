/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading, applying and writing baselines.
 *
 * The file has one line for each finding, sorted, so that a diff shows what is new in it and what was fixed.  An entry
 * that was not found again is reported only if it was looked for: its file was read, its diagnostic is switched on, a
 * tree was checked if its check needs one, and everything could be read.
 */
#include "findings/baseline.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/console.h"
#include "format/common.h"
#include "inputs/json_path.h"
#include "base/atomic_files.h"
#include "base/errno_text.h"
#include "base/xmalloc.h"

enum { FINGERPRINT_LENGTH = 32, VERSION = 1, STALE_NAMED = 20 };

struct entry {
	const char *fingerprint;
	const char *file; /* NULL: about no file */
	const char *id;
	const char *message; /* may be NULL */
	const char **nodes;  /* of which it is true, if that is not all; ends in NULL */
	uint32_t count;	     /* how many are known */
	uint32_t left;	     /* of them, how many were not found yet */
	size_t order;	     /* in the file, or among the diagnostics */
};

struct baseline {
	const char *path;
	struct entry *entries; /* by fingerprint, each once */
	size_t count;
};

static int entry_by_fingerprint(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->fingerprint, y->fingerprint);

	return order ? order : compare_numbers(x->order, y->order);
}

static int entry_by_order(const void *a, const void *b)
{
	return compare_numbers(((const struct entry *)a)->order, ((const struct entry *)b)->order);
}

/* Sorts by fingerprint, and adds up those that have the same; returns how many are left. */
static size_t merge_entries(struct entry *entries, size_t count)
{
	size_t merged = 0;

	qsort(entries, count, sizeof(entries[0]), entry_by_fingerprint);
	for (size_t i = 0; i < count; i++) {
		if (merged && strcmp(entries[merged - 1].fingerprint, entries[i].fingerprint) == 0)
			entries[merged - 1].count += entries[i].count;
		else
			entries[merged++] = entries[i];
	}
	return merged;
}

/* ---- names of files ---- */

/* The part of a path that starts at the root of a tree; the whole path if it names no folder of a tree. */
static const char *part_in_tree(const char *path)
{
	static const char *const places[] = { "/sdn/firewall/", "/firewall/", "/nodes/" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *found = NULL;

		for (const char *at = path; (at = strstr(at, places[i])); at++)
			found = at + 1;
		if (found)
			return found;
	}
	return path;
}

/* A tree, and what the names of its files begin with: nothing if it is the only one, else its path below the
 * folder that all have in common, so that the working folder does not matter. */
struct tree_name {
	const char *root, *prefix;
	bool asked; /* it was read for itself, and not just for the names in it */
};

struct naming {
	struct tree_name *trees;
	uint32_t count;
};

static struct tree_name *find_tree(const struct naming *naming, const char *root)
{
	for (uint32_t i = 0; i < naming->count; i++)
		if (naming->trees[i].root == root || strcmp(naming->trees[i].root, root) == 0)
			return &naming->trees[i];
	return NULL;
}

static const char *absolute_path(struct arena *arena, const char *path)
{
	char *real = realpath(path, NULL);
	const char *kept = arena_string(arena, text_of(real ? real : path));

	free(real);
	return kept;
}

static struct naming baseline_trees(const struct diags *diags)
{
	const struct source_map *map = diags->map;
	struct naming naming = { ARENA_ARRAY(diags->arena, struct tree_name, map->count + 1), 0 };
	size_t common = 0;

	for (uint32_t i = 0; i < map->count; i++) {
		const char *root = map->sources[i]->root, *path;
		struct tree_name *known = root ? find_tree(&naming, root) : NULL;

		if (known)
			known->asked |= !map->sources[i]->unasked;
		if (known || !root)
			continue;
		path = absolute_path(diags->arena, root);
		naming.trees[naming.count++] = (struct tree_name){ root, path, !map->sources[i]->unasked };
		if (naming.count == 1)
			common = strlen(path);
		/* The longest folder that is, or is above, both the first tree and this one. */
		while (common && (strncmp(naming.trees[0].prefix, path, common) != 0 || (path[common] && path[common] != '/')))
			do
				common--;
			while (common && naming.trees[0].prefix[common] != '/');
	}
	for (uint32_t i = 0; i < naming.count; i++) {
		naming.trees[i].prefix += common;
		naming.trees[i].prefix += naming.trees[i].prefix[0] == '/';
	}
	return naming;
}

/* `context`: a struct naming. */
static const char *baseline_file(const struct diags *diags, const struct source *source, const void *context)
{
	const struct tree_name *tree = source->root ? find_tree(context, source->root) : NULL;
	const char *path;

	if (tree && tree->prefix[0])
		return arena_printf(diags->arena, "%s/%s", tree->prefix, source->path);
	if (tree)
		return source->path;
	path = absolute_path(diags->arena, source->path);
	path = path[0] == '/' ? path : arena_printf(diags->arena, "/%s", path);
	return part_in_tree(path) != path ? part_in_tree(path) : diag_file(diags, source);
}

/* ---- reading ---- */

struct reader {
	struct arena *arena;
	struct source_map map;
	struct source *source;
	struct baseline *baseline;
};

/* Reports the fault of the value at `path`; returns false. */
static bool baseline_error(const struct reader *r, const struct json_path *path, const char *what)
{
	const char *name = json_path_text(r->arena, path);

	cli_error("%s: not a baseline: %s%s%s", r->baseline->path, name, name[0] ? " " : "", what);
	return false;
}

/* NULL: the object has no such member, or it is not a string. */
static const char *entry_string(const struct reader *r, const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? arena_string(r->arena, text_of(value)) : NULL;
}

/* NULL: it is not a list of strings, or empty. */
static const char **read_entry_nodes(const struct reader *r, const json_t *list)
{
	const char **nodes = ARENA_ARRAY(r->arena, const char *, json_array_size(list) + 1);
	const json_t *node;
	size_t i;

	json_array_foreach(list, i, node) {
		if (!json_is_string(node))
			return NULL;
		nodes[i] = arena_string(r->arena, text_of(json_string_value(node)));
	}
	return nodes[0] ? nodes : NULL;
}

static bool read_finding(struct reader *r, const json_t *object, const struct json_path *path)
{
	const json_t *file = json_object_get(object, "file"), *count = json_object_get(object, "count");
	struct entry entry = { .fingerprint = entry_string(r, object, "fingerprint"),
			       .id = entry_string(r, object, "id"),
			       .file = entry_string(r, object, "file"),
			       .message = entry_string(r, object, "message") };
	json_int_t known = json_integer_value(count);
	const json_t *nodes = json_object_get(object, "nodes");

	if (!json_is_object(object))
		return baseline_error(r, path, "is not an object");
	if (!entry.fingerprint || strlen(entry.fingerprint) != FINGERPRINT_LENGTH ||
	    strspn(entry.fingerprint, "0123456789abcdef") != FINGERPRINT_LENGTH)
		return baseline_error(r, &(struct json_path){ path, "fingerprint", 0 }, "is not 32 hexadecimal digits");
	if (!entry.id)
		return baseline_error(r, &(struct json_path){ path, "id", 0 }, "is not the number of a diagnostic");
	if (!json_is_string(file) && !json_is_null(file))
		return baseline_error(r, &(struct json_path){ path, "file", 0 }, "is not a string or null");
	if (!json_is_integer(count) || known < 1 || known > INT32_MAX)
		return baseline_error(r, &(struct json_path){ path, "count", 0 }, "is not a number of at least 1");
	entry.nodes = nodes ? read_entry_nodes(r, nodes) : NULL;
	if (nodes && !entry.nodes)
		return baseline_error(r, &(struct json_path){ path, "nodes", 0 }, "is not a list of names");
	entry.count = (uint32_t)known;
	entry.order = r->baseline->count;
	r->baseline->entries[r->baseline->count++] = entry;
	return true;
}

static bool read_root(struct reader *r, const json_t *root)
{
	const json_t *findings = json_object_get(root, "findings"), *version = json_object_get(root, "version"), *entry;
	struct json_path path = { NULL, "findings", 0 };
	size_t i;

	if (!json_is_object(root))
		return baseline_error(r, NULL, "it is not an object");
	if (!json_is_integer(version) || json_integer_value(version) != VERSION)
		return baseline_error(r, &(struct json_path){ NULL, "version", 0 }, "is not 1");
	if (!json_is_array(findings))
		return baseline_error(r, &path, "is not a list");
	r->baseline->entries = ARENA_ARRAY(r->arena, struct entry, json_array_size(findings) + 1);
	json_array_foreach(findings, i, entry) {
		struct json_path element = { &path, NULL, i };

		if (!read_finding(r, entry, &element))
			return false;
	}
	r->baseline->count = merge_entries(r->baseline->entries, r->baseline->count);
	for (i = 0; i < r->baseline->count; i++)
		r->baseline->entries[i].left = r->baseline->entries[i].count;
	return true;
}

struct baseline *baseline_read(struct arena *arena, const char *path)
{
	struct reader r = { .arena = arena, .baseline = ARENA_NEW(arena, struct baseline) };
	json_error_t error;
	json_t *root;
	bool good;

	r.baseline->path = path;
	source_map_init(&r.map, arena);
	r.source = source_load(&r.map, AT_FDCWD, path, path);
	if (!r.source) {
		cli_error("cannot read %s: %s", path, error_text(errno));
		return NULL;
	}
	root = json_loadb(r.source->text, r.source->size, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		cli_error("%s:%d:%d: not a baseline: %s", path, error.line, error.column ? error.column : 1,
			  error.text);
		return NULL;
	}
	good = read_root(&r, root);
	json_decref(root);
	return good ? r.baseline : NULL;
}

/* ---- applying ---- */

/* A file that was read, by its name. */
struct named_source {
	const char *name;
	const struct source *source;
};

/* Those that were asked for come first. */
static int source_by_name(const void *a, const void *b)
{
	const struct named_source *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->source->unasked - y->source->unasked;
}

static struct named_source *name_sources(const struct diags *diags, const struct naming *naming)
{
	struct named_source *all = ARENA_ARRAY(diags->arena, struct named_source, diags->map->count + 1);

	for (uint32_t i = 0; i < diags->map->count; i++)
		all[i] = (struct named_source){ baseline_file(diags, diags->map->sources[i], naming),
						diags->map->sources[i] };
	qsort(all, diags->map->count, sizeof(all[0]), source_by_name);
	return all;
}

/* The first of its name; NULL if none was read. */
static const struct source *find_source(const struct named_source *all, uint32_t count, const char *name)
{
	const struct named_source key = { name, NULL };
	const struct named_source *found = count ? bsearch(&key, all, count, sizeof(*all), compare_strings) : NULL;

	while (found && found > all && strcmp(found[-1].name, name) == 0)
		found--;
	return found ? found->source : NULL;
}

/* Whether a file that was not read is missing in its tree, which was. */
static bool is_file_gone(const struct diags *diags, const struct naming *naming, const char *file)
{
	for (uint32_t i = 0; i < naming->count; i++) {
		const struct tree_name *tree = &naming->trees[i];
		size_t len = strlen(tree->prefix);

		if (tree->asked && strncmp(file, tree->prefix, len) == 0 && (!len || file[len] == '/'))
			return access(arena_printf(diags->arena, "%s/%s", tree->root,
						   file + len + (len != 0)),
				      F_OK) != 0;
	}
	return false;
}

/* What decides whether an entry was looked for. */
struct search {
	const struct diags *diags;
	const struct baseline_scope *scope;
	const struct naming *naming;
	const struct named_source *sources;
};

static bool concerns_nodes(const struct entry *entry, const struct node_option *checked)
{
	if (!entry->nodes || !checked)
		return true;
	for (; checked; checked = checked->next)
		for (const char **node = entry->nodes; *node; node++)
			if (text_is(checked->name, *node))
				return true;
	return false;
}

static bool was_looked_for(const struct search *search, const struct entry *entry)
{
	const struct diags *diags = search->diags;
	enum diag_id id = diag_find(text_of(entry->id));
	const struct source *source;

	if (id < DIAG_COUNT && (search->scope->filter->off[id] || (diag_is_of_lint(id) && !diags->linted)))
		return false;
	if (!concerns_nodes(entry, search->scope->nodes))
		return false;
	if (!entry->file)
		return diags->linted;
	source = find_source(search->sources, diags->map->count, entry->file);
	return source ? !source->unasked : is_file_gone(diags, search->naming, entry->file);
}

/* cli_error() escapes what could act on a terminal. */
static void report_stale(const struct baseline *b, const struct search *search)
{
	uint32_t stale = 0;

	qsort(b->entries, b->count, sizeof(b->entries[0]), entry_by_order);
	for (size_t i = 0; i < b->count; i++) {
		const struct entry *entry = &b->entries[i];

		if (!entry->left || !was_looked_for(search, entry))
			continue;
		stale += entry->left;
		if (stale - entry->left >= STALE_NAMED)
			continue;
		cli_error("%s: no longer found: %s%s%s%s%s%s", b->path, entry->file ? entry->file : "",
			  entry->file ? ": " : "", entry->id, entry->message ? ": " : "",
			  entry->message ? entry->message : "",
			  entry->left > 1 ? arena_printf(search->diags->arena, " (%u times)", entry->left) : "");
	}
	if (stale)
		cli_error("%s: %u finding%s no longer found; --write-baseline %s leaves %s out", b->path, stale,
			  stale == 1 ? " is" : "s are", b->path, stale == 1 ? "it" : "them");
}

void baseline_apply(struct baseline *b, struct diags *diags, const struct baseline_scope *scope)
{
	struct naming naming = baseline_trees(diags);
	const char *const *fingerprint = diag_shared_fingerprints(diags, baseline_file, &naming);
	struct diagnostic *next = diags->first;
	uint32_t known = 0;

	diags_clear(diags);
	for (struct diagnostic *d = next; d; d = next) {
		struct entry key = { .fingerprint = *fingerprint++ };
		struct entry *entry = b->count ? bsearch(&key, b->entries, b->count, sizeof(key),
							 compare_strings)
					       : NULL;

		next = d->next;
		if (entry && entry->left && d->id != DIAG_CANNOT_READ) {
			entry->left--;
			known++;
		} else {
			diags_add(diags, d);
		}
	}
	if (known)
		cli_error("%s: %u known finding%s not shown", b->path, known, known == 1 ? " is" : "s are");
	if (!diags->unreadable)
		report_stale(b, &(struct search){ diags, scope, &naming, name_sources(diags, &naming) });
}

/* ---- writing ---- */

static int entry_by_file(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->file ? x->file : "", y->file ? y->file : "");

	order = order ? order : strcmp(x->id, y->id);
	return order ? order : strcmp(x->fingerprint, y->fingerprint);
}

static const char **entry_nodes(const struct diags *diags, const struct node_set *nodes)
{
	const char **names = nodes ? ARENA_ARRAY(diags->arena, const char *, nodes->of->count + 1) : NULL;
	size_t count = 0;

	for (unsigned i = 0; nodes && i < nodes->of->count; i++)
		if (node_set_has(nodes, i))
			names[count++] = arena_string(diags->arena, nodes->of->names[i]);
	return names;
}

/* An entry for each diagnostic.  Of those that are merged, the first one's message is written. */
static struct entry *entries_of(const struct diags *diags, size_t *count)
{
	struct naming naming = baseline_trees(diags);
	const char *const *fingerprint = diag_shared_fingerprints(diags, baseline_file, &naming);
	const struct source *last = NULL;
	struct entry *entries;
	const char *name = NULL;

	*count = 0;
	for (const struct diagnostic *d = diags->first; d; d = d->next)
		++*count;
	entries = ARENA_ARRAY(diags->arena, struct entry, *count + 1);
	*count = 0;
	for (const struct diagnostic *d = diags->first; d; d = d->next) {
		const struct source *source = source_find(diags->map, d->span.begin);
		struct diag_code code = diag_code(d->id);

		if (source != last)
			name = source ? baseline_file(diags, source, &naming) : NULL;
		last = source;
		entries[*count] = (struct entry){ .fingerprint = fingerprint[*count], .file = name,
						  .id = arena_string(diags->arena, text_of(code.text)),
						  .message = diag_escaped(diags, d->message),
						  .nodes = entry_nodes(diags, d->nodes), .count = 1, .order = *count };
		++*count;
	}
	return entries;
}

static void print_finding(struct out *out, const struct diags *diags, const struct entry *entry)
{
	json_t *object = json_pack("{s:o, s:s, s:s, s:I, s:s}", "file",
				   entry->file ? json_string(diag_escaped(diags, entry->file)) : json_null(),
				   "id", entry->id, "fingerprint", entry->fingerprint, "count",
				   (json_int_t)entry->count, "message", entry->message);
	json_t *nodes = entry->nodes ? json_array() : NULL;
	char *text;

	for (size_t i = 0; nodes && entry->nodes[i]; i++)
		json_array_append_new(nodes, json_string(diag_escaped(diags, entry->nodes[i])));
	if (nodes)
		json_object_set_new(object, "nodes", nodes);
	text = xcheck(object ? json_dumps(object, 0) : NULL);
	out_string(out, text);
	free(text);
	json_decref(object);
}

bool baseline_write(const struct diags *diags, const char *path, uint32_t *written)
{
	struct out_files files = { .arena = diags->arena };
	struct out *out = access(path, F_OK) == 0 ? out_files_replace(&files, path) : out_files_open(&files, path);
	size_t count;
	struct entry *entries = entries_of(diags, &count);

	*written = (uint32_t)count;
	count = merge_entries(entries, count);
	qsort(entries, count, sizeof(entries[0]), entry_by_file);
	if (out) {
		out_printf(out, "{\n  \"version\": %d,\n  \"findings\": [", VERSION);
		for (size_t i = 0; i < count; i++) {
			out_string(out, i ? ",\n    " : "\n    ");
			print_finding(out, diags, &entries[i]);
		}
		out_string(out, count ? "\n  ]\n}\n" : "]\n}\n");
	}
	return cli_commit_files(&files);
}
