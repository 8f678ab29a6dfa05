/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a tree out of a git repository.
 *
 * `git rev-parse` resolves the name of the revision to the number of a tree object; git's other commands get
 * the number only, so that no name is taken for an option.  `git archive` writes the parts of the tree that
 * the compiler reads as a tar archive, which becomes an overlay.  A .gitattributes file can have `git
 * archive` leave files out: `git ls-tree` lists all of them, and a missing one is an error.
 *
 * Symbolic links in the tree are followed as far as they stay in it.
 */
#include "inputs/revision.h"

#include <stdlib.h>

#include "base/errno_text.h"
#include "base/subprocess.h"
#include "base/xmalloc.h"
#include "inputs/tar.h"
#include "inputs/tree_root.h"

enum {
	GIT_MS = 60000,
	GIT_WORDS = 24,
	LINKS_MAX = 16, /* that are followed one after the other */
	PARTS_MAX = 8,  /* of a tree */
};

struct revision_reader {
	struct arena *arena;
	const char *folder, *name;
	struct overlay_file *files;
	uint32_t count, room;
	struct tar_entry *links;
	uint32_t link_count, link_room;
	const char *problem;
	struct text archive;
};

static void revision_fail(struct revision_reader *r, const char *problem)
{
	if (!r->problem)
		r->problem = problem;
}

/* ---- git ---- */

/* The first line that git has printed to standard error. */
static const char *git_says(struct revision_reader *r, const struct process *p)
{
	struct text rest = { p->errors.data, (uint32_t)p->errors.len }, line = { "", 0 };

	if (p->end == PROCESS_NO_START)
		return p->number == ENOENT ? "git is not installed" : error_text(p->number);
	if (p->end == PROCESS_TIMED_OUT)
		return "git does not end";
	text_next_line(&rest, &line);
	if (text_starts(line, "fatal: "))
		line = text_skip(line, 7);
	return line.len ? arena_string(r->arena, line) : "git failed";
}

/* Runs git in the folder.  Returns what it prints, which the caller frees; ptr NULL if it fails, and then
 * *says tells why. */
static struct text run_git_for_bytes(struct revision_reader *r, const char *const *words, const char **says)
{
	const char *argv[GIT_WORDS] = { "git", "-C", r->folder };
	struct process p = { .argv = argv, .patience = GIT_MS };
	struct text printed = { NULL, 0 };

	for (int i = 0; words[i]; i++)
		argv[i + 3] = words[i];
	process_start(&p);
	process_finish(&p);
	if (!process_succeeded(&p)) {
		*says = git_says(r, &p);
	} else if (p.output.len >= UINT32_MAX) {
		*says = "it is too large";
	} else {
		char *bytes = xmalloc(p.output.len + 1);

		if (p.output.len)
			memcpy(bytes, p.output.data, p.output.len);
		printed = (struct text){ bytes, (uint32_t)p.output.len };
	}
	process_free(&p);
	return printed;
}

/* The same, from the arena. */
static struct text run_git(struct revision_reader *r, const char *const *words, const char **says)
{
	struct text bytes = run_git_for_bytes(r, words, says), kept = { NULL, 0 };

	if (bytes.ptr)
		kept = arena_copy(r->arena, bytes);
	free((char *)(uintptr_t)bytes.ptr);
	return kept;
}

static bool is_object_number(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		if (char_hex_value(t.ptr[i]) < 0)
			return false;
	return t.len == 40 || t.len == 64;
}

/* The number of the tree object, or NULL. */
static const char *resolve_tree(struct revision_reader *r)
{
	bool has_path = strchr(r->name, ':') != NULL;
	const char *name = arena_printf(r->arena, has_path ? "%s" : "%s:./", r->name), *says = "";
	struct text number = run_git(
		r, (const char *const[]){ "rev-parse", "--verify", "--end-of-options", name, NULL }, &says);

	number = text_trim(number);
	if (number.len && number.ptr[number.len - 1] == '\n')
		number.len--;
	if (is_object_number(number))
		return arena_string(r->arena, number);
	revision_fail(r, arena_printf(r->arena,
				      "%s is neither a directory nor a revision of a git repository at %s: %s",
				      r->name[0] ? r->name : "''", r->folder, says));
	return NULL;
}

/* ---- links ---- */

static int compare_files(const void *a, const void *b)
{
	return compare_strings(a, b);
}

static void add_overlay_file(struct revision_reader *r, const char *path, struct text content)
{
	if (r->count == r->room) {
		struct overlay_file *files = r->files;

		r->room = r->room ? r->room * 2 : 64;
		r->files = ARENA_ARRAY(r->arena, struct overlay_file, r->room);
		if (r->count)
			memcpy(r->files, files, r->count * sizeof(*files));
	}
	r->files[r->count++] = (struct overlay_file){ path, content.ptr, content.len };
}

static void add_link(struct revision_reader *r, const struct tar_entry *entry)
{
	if (r->link_count == r->link_room) {
		struct tar_entry *links = r->links;

		r->link_room = r->link_room ? r->link_room * 2 : 16;
		r->links = ARENA_ARRAY(r->arena, struct tar_entry, r->link_room);
		if (r->link_count)
			memcpy(r->links, links, r->link_count * sizeof(*links));
	}
	r->links[r->link_count++] = *entry;
}

/* The path that `link` means in the folder of `path`, without "." and ".."; NULL if it leads out of the tree.
 */
static const char *link_target(struct arena *arena, const char *path, const char *link)
{
	const char *slash = strrchr(path, '/');
	struct text target = { path, slash ? (uint32_t)(slash - path) : 0 }, rest = text_of(link);

	if (link[0] == '/')
		return NULL;
	while (rest.len) {
		long end = text_find(rest, '/');
		struct text part = { rest.ptr, end < 0 ? rest.len : (uint32_t)end };

		rest = text_skip(rest, end < 0 ? rest.len : (uint32_t)end + 1);
		if (!part.len || text_is(part, "."))
			continue;
		if (!text_is(part, "..")) {
			target = target.len ? ARENA_JOIN(arena, target, TEXT("/"), part) : part;
			continue;
		}
		if (!target.len)
			return NULL;
		while (target.len && target.ptr[target.len - 1] != '/')
			target.len--;
		target.len -= target.len != 0;
	}
	return arena_string(arena, target);
}

/* Adds what is at `target`, a file or all files of a folder, under the name of the link. */
static bool follow_link(struct revision_reader *r, const struct tar_entry *link, const char *target)
{
	size_t len = strlen(target);
	uint32_t before = r->count;

	for (uint32_t i = 0; i < before; i++) {
		struct overlay_file file = r->files[i];
		const char *below = file.path + len;

		if (strncmp(file.path, target, len) != 0 || (len && *below && *below != '/'))
			continue;
		if (len == 0)
			return false; /* the tree in itself */
		add_overlay_file(r, arena_printf(r->arena, "%s%s", link->path, below),
				 (struct text){ file.bytes, file.size });
	}
	return r->count != before;
}

static void follow_links(struct revision_reader *r)
{
	/* A link can lead to another one: those that lead nowhere are tried again. */
	for (int round = 0; r->link_count && round < LINKS_MAX; round++) {
		uint32_t left = 0, count = r->link_count;

		for (uint32_t i = 0; i < count; i++) {
			const char *target = link_target(r->arena, r->links[i].path, r->links[i].link);

			if (!target || !follow_link(r, &r->links[i], target))
				r->links[left++] = r->links[i];
		}
		r->link_count = left;
		if (left == count)
			break;
	}
	if (r->link_count)
		revision_fail(r,
			      arena_printf(r->arena,
					   "%s: %s is a link to %s, which the revision's tree does not have",
					   r->name, r->links[0].path, r->links[0].link));
}

/* ---- the archive ---- */

/* Whether the compiler reads it. */
static bool is_read(struct text path)
{
	static const char *const more[] = { "priv/ipam.db", "corosync.conf" };
	long slash = text_find(path, '/');
	char first[TREE_NAME_ROOM];

	for (unsigned i = 0; i < sizeof(more) / sizeof(*more); i++)
		if (text_is(path, more[i]))
			return true;
	if (slash >= 0)
		path.len = (uint32_t)slash;
	if (path.len >= sizeof(first))
		return false;
	memcpy(first, path.ptr, path.len);
	first[path.len] = '\0';
	return tree_root_is_part_name(first);
}

/* A record of `git ls-tree -z`: "MODE TYPE NUMBER\tPATH". */
struct listed {
	struct text path;
	bool is_link, is_module;
};

/* Takes the next one; false at the end. */
static bool next_listed(struct text *listing, struct listed *entry)
{
	long end = text_find(*listing, '\0'), tab;
	struct text record;

	if (end < 0)
		return false;
	record = (struct text){ listing->ptr, (uint32_t)end };
	*listing = text_skip(*listing, (uint32_t)end + 1);
	tab = text_find(record, '\t');
	entry->path = tab < 0 ? record : text_skip(record, (uint32_t)tab + 1);
	entry->is_link = text_starts(record, "120000 ");
	entry->is_module = text_starts(record, "160000 ");
	return true;
}

static bool revision_has_part(struct text listing)
{
	struct listed entry;

	while (next_listed(&listing, &entry))
		if (is_read(entry.path) && text_find(entry.path, '/') >= 0)
			return true;
	return false;
}

static void read_archive(struct revision_reader *r, struct text bytes)
{
	struct tar tar = tar_open(r->arena, bytes);
	struct tar_entry entry;

	while (tar_next(&tar, &entry))
		if (entry.link)
			add_link(r, &entry);
		else if (entry.is_file)
			add_overlay_file(r, entry.path, entry.content);
	if (tar.problem)
		revision_fail(r, arena_printf(r->arena, "%s: %s", r->name, tar.problem));
}

/* Whether the archive has all that is listed. */
static void check_archive(struct revision_reader *r, struct text listing)
{
	struct listed entry;

	while (next_listed(&listing, &entry)) {
		const char *name = arena_string(r->arena, entry.path);
		bool found = bsearch(&name, r->files, r->count, sizeof(*r->files), compare_files);

		for (uint32_t i = 0; i < r->link_count && !found; i++)
			found = strcmp(r->links[i].path, name) == 0;
		if (found || !is_read(entry.path))
			continue;
		revision_fail(r, arena_printf(r->arena,
					      entry.is_module
						      ? "%s: %s is a submodule, which is not read"
						      : "%s: .gitattributes excludes %s from `git archive`",
					      r->name, name));
	}
}

static void sort_files(struct revision_reader *r)
{
	if (r->count)
		qsort(r->files, r->count, sizeof(*r->files), compare_files);
}

/*
 * The parts of the tree that are read, ended by NULL; none if it has links, which may lead to other parts.  A
 * repository can hold much else.
 */
static unsigned choose_parts(struct revision_reader *r, struct text listing, const char *parts[PARTS_MAX])
{
	unsigned count = 0;
	struct listed entry;

	while (next_listed(&listing, &entry)) {
		long slash = text_find(entry.path, '/');
		struct text part = { entry.path.ptr, slash < 0 ? entry.path.len : (uint32_t)slash };

		if (!is_read(entry.path))
			continue;
		if (entry.is_link)
			return 0;
		/* What is listed is sorted: a part that is there already is the last one. */
		if ((!count || !text_is(part, parts[count - 1])) && count < PARTS_MAX)
			parts[count++] = arena_string(r->arena, part);
	}
	return count;
}

/* `git archive` in a folder of the working copy archives that folder: it is told that the folder is all of
 * it. */
static struct text archive_tree(struct revision_reader *r, const char *number, struct text listing,
				const char **says)
{
	struct text git = run_git(r, (const char *const[]){ "rev-parse", "--absolute-git-dir", NULL }, says);
	const char *words[PARTS_MAX + 8] = { NULL, "--work-tree=.", "archive", "--format=tar", number, "--" };
	const char *parts[PARTS_MAX];
	unsigned count = choose_parts(r, listing, parts);

	if (!git.ptr)
		return git;
	if (git.len && git.ptr[git.len - 1] == '\n')
		git.len--;
	words[0] = arena_printf(r->arena, "--git-dir=%.*s", TEXT_ARG(git));
	for (unsigned i = 0; i < count; i++)
		words[6 + i] = parts[i];
	return run_git_for_bytes(r, words, says);
}

static void read_tree_object(struct revision_reader *r, const char *number)
{
	const char *says = "";
	struct text listing, bytes = { NULL, 0 };

	listing = run_git(r, (const char *const[]){ "ls-tree", "-r", "-z", "--full-tree", number, NULL },
			  &says);
	if (listing.ptr && !revision_has_part(listing)) {
		revision_fail(r, arena_printf(r->arena, "%s has neither firewall/, nodes/ nor sdn/ at %s",
					      r->name, r->folder));
		return;
	}
	if (listing.ptr)
		bytes = archive_tree(r, number, listing, &says);
	if (!bytes.ptr) {
		revision_fail(r, arena_printf(r->arena, "%s cannot be read: %s", r->name, says));
		return;
	}
	r->archive = bytes;
	read_archive(r, bytes);
	sort_files(r);
	check_archive(r, listing);
	follow_links(r);
	sort_files(r);
}

struct revision revision_read(struct arena *arena, const char *folder, const char *name)
{
	struct revision_reader r = { .arena = arena, .folder = folder, .name = name };
	const char *number = resolve_tree(&r);

	if (number)
		read_tree_object(&r, number);
	return (struct revision){ .overlay = { .files = r.files, .count = r.count, .whole = true },
				  .problem = r.problem,
				  .archive = (char *)(uintptr_t)r.archive.ptr };
}

void revision_free(struct revision *revision)
{
	free(revision->archive);
	revision->archive = NULL;
}
