/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manifest is lines of words:
 *
 *	generation NUMBER PARENT TIME
 *	change KIND ADDED REMOVED PATH     any number of times
 *	file DIGEST PATH                   sorted by path
 *	end
 *
 * Files are renamed into place, objects before the manifest that names them: a process that is killed leaves at most objects
 * that nothing needs, which the next service removes.  What a power failure has left incomplete is found by the digest, or by
 * the missing last line.
 */
#include "firewall/tree/generations.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/xmalloc.h"
#include "firewall/tree/line_diff.h"
#include "firewall/base/rundir.h"

#define OBJECTS "objects"
enum { HEX = CONTENT_DIGEST_HEX };

/* ---- manifests ---- */

static const char *manifest_name(char name[32], uint64_t number)
{
	snprintf(name, 32, "%" PRIu64, number);
	return name;
}

/* Cuts off the next line; returns NULL without a complete one. */
static char *manifest_next_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return line;
}

const char *const change_kind_names[] = {
	[CHANGE_EDITED] = "edited", [CHANGE_CREATED] = "created", [CHANGE_DELETED] = "deleted",
};

static bool read_change(struct generation *generation, char *line)
{
	struct generation_change *change = &generation->changes[generation->change_count];
	struct text kind = { line + 7, (uint32_t)strcspn(line + 7, " ") };
	uint64_t lines[2];
	char *path = rundir_numbers(line + 7 + kind.len, " ", 2, lines);

	if (!path || *path++ != ' ' || lines[0] > UINT32_MAX || lines[1] > UINT32_MAX)
		return false;
	change->added = (uint32_t)lines[0];
	change->removed = (uint32_t)lines[1];
	for (int i = CHANGE_EDITED; i <= CHANGE_DELETED; i++)
		if (text_is(kind, change_kind_names[i]))
			change->kind = (enum change_kind)i;
	path_unescape(path);
	change->path = arena_string(&generation->arena, text_of(path));
	generation->change_count++;
	return true;
}

static bool read_file_line(struct file_list *list, char *line)
{
	struct generation_file *file = &list->files[list->count];

	if (strlen(line) < 5 + HEX + 2 || !content_digest_read(line + 5, &file->digest))
		return false;
	path_unescape(line + 5 + HEX + 1);
	file->path = arena_string(&list->arena, text_of(line + 5 + HEX + 1));
	list->count++;
	return true;
}

/* Either of the results may be NULL.  False: it is not a manifest. */
static bool parse_manifest(char *text, size_t lines, struct generation *generation, struct file_list *list)
{
	bool good = true;
	char *line = manifest_next_line(&text);

	if (generation)
		generation->changes = ARENA_ARRAY(&generation->arena, struct generation_change, lines);
	if (list)
		list->files = ARENA_ARRAY(&list->arena, struct generation_file, lines);
	if (!line)
		return false;
	if (generation) {
		uint64_t numbers[3];

		if (!rundir_numbers(line, "generation ", 3, numbers))
			return false;
		generation->number = numbers[0];
		generation->parent = numbers[1];
		generation->time = (int64_t)numbers[2];
	}
	while (good && (line = manifest_next_line(&text))) {
		if (strcmp(line, "end") == 0)
			return true;
		if (generation && strncmp(line, "change ", 7) == 0)
			good = read_change(generation, line);
		else if (list && strncmp(line, "file ", 5) == 0)
			good = read_file_line(list, line);
	}
	return false;
}

static int read_manifest(int dir, uint64_t number, struct generation *generation, struct file_list *list)
{
	char name[32];
	struct out text;
	size_t lines = 1;
	int reason;

	out_init_memory(&text);
	reason = rundir_read(dir, manifest_name(name, number), &text);
	out_char(&text, '\0');
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	if (!reason && !parse_manifest(text.data, lines, generation, list))
		reason = EBADMSG;
	out_free(&text);
	return reason;
}

int generations_files(const struct generations *g, uint64_t number, struct file_list *list)
{
	int reason;

	*list = (struct file_list){ .count = 0 };
	reason = g->dir < 0 ? ENOENT : read_manifest(g->dir, number, NULL, list);
	if (reason)
		file_list_free(list);
	return reason;
}

static int write_manifest(int dir, const struct generation *generation, const struct file_list *list)
{
	char name[32], hex[HEX + 1];
	struct out text;
	int reason;

	out_init_memory(&text);
	out_printf(&text, "generation %" PRIu64 " %" PRIu64 " %" PRId64 "\n", generation->number, generation->parent,
		   generation->time);
	for (unsigned i = 0; i < generation->change_count; i++) {
		const struct generation_change *change = &generation->changes[i];

		out_printf(&text, "change %s %u %u ", change_kind_names[change->kind], change->added, change->removed);
		path_escape(&text, change->path);
		out_char(&text, '\n');
	}
	for (unsigned i = 0; i < list->count; i++) {
		content_digest_print(&list->files[i].digest, hex);
		out_printf(&text, "file %s ", hex);
		path_escape(&text, list->files[i].path);
		out_char(&text, '\n');
	}
	out_string(&text, "end\n");
	reason = rundir_write_private(dir, manifest_name(name, generation->number), text.data, text.len);
	out_free(&text);
	return reason;
}

/* ---- objects ---- */

static const char *object_path(char path[sizeof(OBJECTS) + HEX + 1], const struct content_digest *digest)
{
	memcpy(path, OBJECTS "/", sizeof(OBJECTS));
	content_digest_print(digest, path + sizeof(OBJECTS));
	return path;
}

int generations_content(const struct generations *g, const struct content_digest *digest, struct out *out)
{
	char path[sizeof(OBJECTS) + HEX + 1];
	size_t before = out->len;
	struct content_digest found;
	int reason = g->dir < 0 ? ENOENT : rundir_read(g->dir, object_path(path, digest), out);

	if (reason)
		return reason;
	found = content_digest_of((struct text){ out->data ? out->data + before : "", (uint32_t)(out->len - before) });
	return content_digest_equal(&found, digest) ? 0 : EBADMSG;
}

/* An object that exists is checked by its size only: a power failure leaves an empty file. */
static int write_object(struct generations *g, int objects, const struct generation_file *file)
{
	char name[HEX + 1];
	struct stat st;

	content_digest_print(&file->digest, name);
	if (fstatat(objects, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_size == (off_t)file->content.len)
		return 0;
	g->bytes += file->content.len;
	return rundir_write_private(objects, name, file->content.ptr, file->content.len);
}

static int open_objects(int dir)
{
	return openat(dir, OBJECTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Writes the contents that differ from the list `known`, which is in the store. */
static int write_objects(struct generations *g, const struct file_list *list, const struct file_list *known)
{
	int objects = open_objects(g->dir), reason = 0;

	if (objects < 0)
		return errno;
	for (unsigned i = 0; i < list->count && !reason; i++) {
		const struct generation_file *before = file_list_find(known, list->files[i].path);

		if (!before || !content_digest_equal(&before->digest, &list->files[i].digest))
			reason = write_object(g, objects, &list->files[i]);
	}
	close(objects);
	return reason;
}

/* ---- removing ---- */

/* Collects the digests that the generations name, sorted; false: a manifest cannot be read. */
static bool collect_digests(const struct generations *g, struct arena *arena, struct content_digest **digests, size_t *count)
{
	struct file_list lists[2 * GENERATIONS_MOST];
	size_t all = 0, at = 0;
	bool good = true;

	for (unsigned i = 0; i < g->count; i++) {
		good = generations_files(g, g->all[i]->number, &lists[i]) == 0 && good;
		all += lists[i].count;
	}
	*digests = ARENA_ARRAY(arena, struct content_digest, all + 1);
	for (unsigned i = 0; i < g->count; i++) {
		for (unsigned j = 0; j < lists[i].count; j++)
			(*digests)[at++] = lists[i].files[j].digest;
		file_list_free(&lists[i]);
	}
	qsort(*digests, all, sizeof(**digests), compare_digests_32);
	*count = all;
	return good;
}

/* Removes objects that nothing names; returns the bytes of the others. */
static uint64_t sweep(const struct generations *g)
{
	struct arena arena = { 0 };
	struct content_digest *digests, digest;
	struct dirent *entry;
	uint64_t bytes = 0;
	size_t count;
	int fd = open_objects(g->dir);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	bool complete = collect_digests(g, &arena, &digests, &count);

	while (stream && (entry = readdir(stream))) {
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (strlen(entry->d_name) == HEX && content_digest_read(entry->d_name, &digest) && count &&
		    bsearch(&digest, digests, count, sizeof(digest), compare_digests_32))
			bytes += fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_size : 0;
		else if (complete)
			unlinkat(fd, entry->d_name, 0);
	}
	if (stream)
		closedir(stream);
	else if (fd >= 0)
		close(fd);
	arena_free(&arena);
	return bytes;
}

static void generation_free(struct generation *generation)
{
	arena_free(&generation->arena);
	free(generation);
}

static void forget(struct generations *g, unsigned index)
{
	char name[32];

	rundir_remove(g->dir, manifest_name(name, g->all[index]->number));
	generation_free(g->all[index]);
	g->count--;
	memmove(&g->all[index], &g->all[index + 1], (g->count - index) * sizeof(g->all[0]));
}

/* Removes the digests that a manifest names from `digests`; false: a manifest cannot be read. */
static bool keep_unnamed(const struct generations *g, struct content_digest *digests, size_t *count)
{
	char name[32], hex[HEX + 1];
	bool readable = true;

	for (unsigned i = 0; i < g->count && *count && readable; i++) {
		size_t kept = 0;
		struct out text;

		out_init_memory(&text);
		readable = rundir_read(g->dir, manifest_name(name, g->all[i]->number), &text) == 0;
		for (size_t j = 0; j < *count; j++) {
			content_digest_print(&digests[j], hex);
			if (!memmem(text.data ? text.data : "", text.len, hex, HEX))
				digests[kept++] = digests[j];
		}
		*count = kept;
		out_free(&text);
	}
	return readable;
}

/* Drops a generation, and the contents that only it has.  Most of its files are those of the latest one, `files`: few digests
 * have to be looked up in the other manifests. */
static void generations_drop(struct generations *g, unsigned index, const struct file_list *files)
{
	struct file_list old;
	struct content_digest *digests;
	char path[sizeof(OBJECTS) + HEX + 1];
	size_t count = 0;

	if (generations_files(g, g->all[index]->number, &old) != 0) {
		forget(g, index); /* its contents are removed when the next service starts */
		return;
	}
	forget(g, index);
	digests = ARENA_ARRAY(&old.arena, struct content_digest, old.count + 1);
	for (unsigned i = 0; i < old.count; i++) {
		const struct generation_file *file = file_list_find(files, old.files[i].path);

		if (!file || !content_digest_equal(&file->digest, &old.files[i].digest))
			digests[count++] = old.files[i].digest;
	}
	if (keep_unnamed(g, digests, &count))
		for (size_t i = 0; i < count; i++)
			rundir_remove(g->dir, object_path(path, &digests[i]));
	file_list_free(&old);
}

/* Drops the oldest one that is not protected; false: there is none. */
static bool drop_oldest(struct generations *g, const struct file_list *files, const uint64_t *numbers, unsigned count)
{
	for (unsigned i = 0; i + 1 < g->count; i++) {
		bool is_protected = false;

		for (unsigned n = 0; n < count; n++)
			is_protected |= numbers[n] == g->all[i]->number;
		if (is_protected)
			continue;
		generations_drop(g, i, files);
		return true;
	}
	return false;
}

static void prune(struct generations *g, const struct file_list *files, const uint64_t *numbers, unsigned count)
{
	while (g->count > GENERATIONS_MOST && drop_oldest(g, files, numbers, count))
		;
	/* sweep() counts anew: `bytes` includes what was dropped. */
	while (g->bytes > GENERATIONS_BYTES_MOST && (g->bytes = sweep(g)) > GENERATIONS_BYTES_MOST && g->count > 2 &&
	       drop_oldest(g, files, numbers, count))
		;
}

/* ---- the store ---- */

static int compare_generations(const void *a, const void *b)
{
	const struct generation *x = *(struct generation *const *)a, *y = *(struct generation *const *)b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* A manifest that cannot be read is ignored. */
static void read_generation(struct generations *g, uint64_t number)
{
	struct generation *generation = xcalloc(1, sizeof(*generation));

	if (read_manifest(g->dir, number, generation, NULL) == 0 && generation->number == number)
		g->all[g->count++] = generation;
	else
		generation_free(generation);
}

static int read_generations(struct generations *g)
{
	int fd = openat(g->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), reason;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t number;

	if (!stream) {
		reason = errno;
		if (fd >= 0)
			close(fd);
		return reason;
	}
	while (g->count < 2 * GENERATIONS_MOST - 1 && (entry = readdir(stream)))
		if (text_to_number(text_of(entry->d_name), UINT64_MAX, &number) && number)
			read_generation(g, number);
	closedir(stream);
	qsort(g->all, g->count, sizeof(g->all[0]), compare_generations);
	return 0;
}

int generations_open(struct generations *g, const char *path, bool create)
{
	int reason = 0;

	*g = (struct generations){ .dir = -1 };
	g->dir = create ? rundir_open(path) : rundir_open_existing(path);
	if (g->dir < 0)
		return errno;
	if (create && (fchmod(g->dir, 0700) < 0 || (mkdirat(g->dir, OBJECTS, 0700) < 0 && errno != EEXIST)))
		reason = errno;
	if (!reason)
		reason = read_generations(g);
	if (!reason && create)
		g->bytes = sweep(g);
	if (reason)
		generations_close(g);
	return reason;
}

void generations_close(struct generations *g)
{
	while (g->count)
		generation_free(g->all[--g->count]);
	if (g->dir >= 0)
		close(g->dir);
	g->dir = -1;
}

void generations_leave_out(struct generations *g, uint64_t number)
{
	while (g->count && g->all[g->count - 1]->number >= number)
		generation_free(g->all[--g->count]);
}

void generation_time(char text[GENERATION_TIME_SIZE], int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm local;

	strcpy(text, "an unknown time");
	if (localtime_r(&time, &local))
		strftime(text, GENERATION_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &local);
}

const struct generation *generations_find(const struct generations *g, uint64_t number)
{
	for (unsigned i = 0; i < g->count; i++)
		if (g->all[i]->number == number)
			return g->all[i];
	return NULL;
}

/* ---- adding ---- */

static void add_change(const struct generations *g, struct generation *generation, const struct generation_file *before,
		       const struct generation_file *after)
{
	struct generation_change *change = &generation->changes[generation->change_count++];
	struct text content = after ? after->content : (struct text){ "", 0 };
	struct out old;

	change->path = arena_string(&generation->arena, text_of(before ? before->path : after->path));
	change->kind = !before ? CHANGE_CREATED : !after ? CHANGE_DELETED : CHANGE_EDITED;
	out_init_memory(&old);
	if (!before || generations_content(g, &before->digest, &old) == 0)
		line_diff_count((struct text){ old.data ? old.data : "", (uint32_t)old.len }, content, &change->removed,
				&change->added);
	out_free(&old);
}

/* Both lists are sorted. */
static void find_changes(const struct generations *g, struct generation *generation, const struct file_list *before,
			 const struct file_list *after)
{
	unsigned i = 0, j = 0;

	generation->changes = ARENA_ARRAY(&generation->arena, struct generation_change, before->count + after->count + 1);
	while (i < before->count || j < after->count) {
		int order = i == before->count ? 1 : j == after->count ? -1 : generation_file_compare(&before->files[i], &after->files[j]);

		if (order < 0)
			add_change(g, generation, &before->files[i++], NULL);
		else if (order > 0)
			add_change(g, generation, NULL, &after->files[j++]);
		else if (content_digest_equal(&before->files[i++].digest, &after->files[j++].digest))
			continue;
		else
			add_change(g, generation, &before->files[i - 1], &after->files[j - 1]);
	}
}

int generations_add(struct generations *g, uint64_t number, uint64_t parent, int64_t time, const struct file_list *files,
		    const uint64_t *protected_numbers, unsigned protected_count)
{
	struct generation *generation = xcalloc(1, sizeof(*generation));
	struct file_list before = { .count = 0 };
	int reason;

	if (g->count == 2 * GENERATIONS_MOST)
		generations_drop(g, 0, files);
	generation->number = number;
	generation->parent = parent;
	generation->time = time;
	if (parent && generations_files(g, parent, &before) == 0)
		find_changes(g, generation, &before, files);
	reason = write_objects(g, files, &before);
	if (!reason)
		reason = write_manifest(g->dir, generation, files);
	file_list_free(&before);
	if (reason) {
		generation_free(generation);
		return reason;
	}
	g->all[g->count++] = generation;
	prune(g, files, protected_numbers, protected_count);
	return 0;
}

int generations_amend(struct generations *g, uint64_t number, const struct file_list *files)
{
	const struct generation *generation = generations_find(g, number);
	struct file_list before = { .count = 0 };
	int reason = generation ? 0 : ENOENT;

	if (!reason)
		reason = generations_files(g, number, &before);
	if (!reason)
		reason = write_objects(g, files, &before);
	if (!reason)
		reason = write_manifest(g->dir, generation, files);
	file_list_free(&before);
	return reason;
}
