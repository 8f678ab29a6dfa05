/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rejected files: while a file is what was rejected, an overlay has the compiler read what is enforced in its place. */
#include "firewall/service/confirm_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errno_text.h"
#include "base/xmalloc.h"
#include "source/source_cache.h"

enum {
	MISSING_DOUBT = 500000, /* microseconds until a file that is missing or empty counts as changed: editors write so */
	STATED_MOST = 10,       /* files that conditions name */
	FILE_BYTES_MOST = 8 << 20,
};

/* ---- rejecting ---- */

static void note_rolled_back(struct confirm *c, uint64_t number)
{
	confirm_forget_rolled_back(c, number);
	if (c->rolled_back_count == GENERATIONS_MOST)
		memmove(c->rolled_back, c->rolled_back + 1, --c->rolled_back_count * sizeof(c->rolled_back[0]));
	c->rolled_back[c->rolled_back_count++] = number;
}

static bool had_guest(const struct file_list *list, struct text vmid)
{
	for (unsigned i = 0; i < list->count; i++) {
		const char *slash = strrchr(list->files[i].path, '/');

		if (slash && strncmp(list->files[i].path, "nodes/", 6) == 0 && strlen(slash + 1) == vmid.len + 5 &&
		    memcmp(slash + 1, vmid.ptr, vmid.len) == 0 && strcmp(slash + 1 + vmid.len, ".conf") == 0)
			return true;
	}
	return false;
}

/* Whether the running configuration of the SDN had this vnet: its name is in it as a string. */
static bool had_vnet(const struct confirm *c, const struct file_list *list, struct text name)
{
	const struct generation_file *running = file_list_find(list, "sdn/.running-config");
	struct out text;
	bool found = false;
	char *quoted = NULL;

	out_init_memory(&text);
	if (running && asprintf(&quoted, "\"%.*s\"", TEXT_ARG(name)) > 0 &&
	    generations_content(&c->generations, &running->digest, &text) == 0)
		found = memmem(text.data ? text.data : "", text.len, quoted, strlen(quoted)) != NULL;
	free(quoted);
	out_free(&text);
	return found;
}

/* Whether a file that the generation does not have is of a guest or vnet that did not exist then.  It stays: without it that
 * would not be filtered at all. */
static bool is_of_newcomer(const struct confirm *c, const struct file_list *then, const char *path)
{
	const char *name = base_name(path);
	struct text stem = { name, (uint32_t)strlen(name) - 3 };

	if (strncmp(path, "firewall/", 9) == 0 && strcmp(path, "firewall/cluster.fw") != 0)
		return !had_guest(then, stem);
	return strncmp(path, "sdn/firewall/", 13) == 0 && !had_vnet(c, then, stem);
}

static int reject_file(struct confirm *c, const char *path, const struct generation_file *present,
		       const struct generation_file *then)
{
	struct rejected_file file = { .path = xstrdup(path), .rejected_exists = present != NULL, .enforced_exists = then != NULL };
	int reason;

	if (present)
		file.rejected = present->digest;
	if (then)
		file.enforced = then->digest;
	reason = rejected_file_load(c, &file);
	if (reason)
		rejected_file_free(&file);
	else
		confirm_add_rejected(c, &file);
	return reason;
}

static int reject_differences(struct confirm *c, const struct file_list *present, const struct file_list *then)
{
	int reason = 0;

	for (unsigned i = 0; i < present->count && !reason; i++) {
		const struct generation_file *file = &present->files[i], *old = file_list_find(then, file->path);

		if (path_is_policy(file->path) && !generation_file_equal(file, old) && (old || !is_of_newcomer(c, then, file->path)))
			reason = reject_file(c, file->path, file, old);
	}
	for (unsigned i = 0; i < then->count && !reason; i++) {
		const struct generation_file *old = &then->files[i];

		if (path_is_policy(old->path) && !file_list_find(present, old->path))
			reason = reject_file(c, old->path, NULL, old);
	}
	return reason;
}

/* Records the enforced generation and its predecessors after `number` as rolled back. */
static void note_all_rolled_back(struct confirm *c, uint64_t number)
{
	const struct generation *g = generations_find(&c->generations, c->in_force);

	if (!g || g->number == number)
		return;
	note_rolled_back(c, g->number);
	if (g->number < number) /* to a later one */
		return;
	while ((g = generations_find(&c->generations, g->parent)) && g->number > number)
		note_rolled_back(c, g->number);
}

static int compare_rejected(const void *a, const void *b)
{
	return strcmp(((const struct rejected_file *)a)->path, ((const struct rejected_file *)b)->path);
}

int confirm_reject(struct confirm *c, const struct file_list *present, uint64_t number, enum rejection_reason why)
{
	struct confirm fresh = *c;
	struct file_list then;
	int reason = generations_find(&c->generations, number) ? generations_files(&c->generations, number, &then) : ENOENT;

	if (reason)
		return reason;
	fresh.rejected = NULL;
	fresh.rejected_count = 0;
	fresh.overlay_files = NULL;
	fresh.overlay = (struct source_overlay){ .count = 0 };
	reason = reject_differences(&fresh, present, &then);
	file_list_free(&then);
	if (reason == ENOENT) /* the generation is there, but not the content of a file */
		reason = ENODATA;
	if (!reason && !fresh.rejected_count)
		reason = EALREADY;
	if (reason) {
		confirm_drop_rejected(&fresh);
		return reason;
	}
	qsort(fresh.rejected, fresh.rejected_count, sizeof(*fresh.rejected), compare_rejected);
	fresh.enforced = number;
	fresh.why = why;
	fresh.pending = false;
	note_all_rolled_back(&fresh, number);
	confirm_drop_rejected(c);
	*c = fresh;
	/* Where that cannot be written, a service that starts later applies the tree; a deadline that is still in the
	 * file lets it go back at once. */
	confirm_note_reason(c, confirm_write_state(c, true));
	return 0;
}

void confirm_release(struct confirm *c)
{
	if (!c->enforced)
		return;
	confirm_drop_rejected(c);
	confirm_note_reason(c, confirm_write_state(c, true));
}

/* ---- what became of the files ---- */

/* The digest of a file as it is now; 0 or an errno. */
static int read_digest_of(int root, const char *path, struct content_digest *digest, bool *is_empty)
{
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), reason = 0;
	struct out text;
	char buffer[16384];
	ssize_t got = 1;

	if (fd < 0)
		return errno;
	out_init_memory(&text);
	while (!reason && got && text.len < FILE_BYTES_MOST) {
		got = read(fd, buffer, sizeof(buffer));
		if (got > 0)
			out_bytes(&text, buffer, (size_t)got);
		else if (got < 0 && errno != EINTR)
			reason = errno;
	}
	close(fd);
	*is_empty = text.len == 0;
	*digest = content_digest_of((struct text){ text.data ? text.data : "", (uint32_t)text.len });
	out_free(&text);
	return reason;
}

/* As read_digest_of(), from the copy in memory. */
static int find_digest_of(const struct source_cache *cache, const char *path, struct content_digest *digest, bool *is_empty)
{
	const struct cached_source *tree = source_cache_find(cache, ""), *cached = source_cache_find(cache, path);

	if (!tree || !tree->is_known)
		return EIO;
	if (!cached)
		return ENOENT;
	if (cached->is_folder || !cached->is_known)
		return cached->is_folder ? EISDIR : cached->reason;
	*is_empty = cached->size == 0;
	*digest = content_digest_of((struct text){ cached->bytes, cached->size });
	return 0;
}

/* A file that is missing or empty on disk counts as changed only if that lasts; in memory it has lasted already. */
static void poll_file(struct rejected_file *file, int root, const struct source_cache *cache)
{
	struct content_digest digest;
	bool is_empty = false;
	int reason = cache ? find_digest_of(cache, file->path, &digest, &is_empty)
			   : read_digest_of(root, file->path, &digest, &is_empty);
	uint64_t now = clock_us(CLOCK_MONOTONIC);
	bool is_missing = reason == ENOENT || reason == ENOTDIR;

	file->changed = false;
	if (reason && !is_missing) /* not known */
		return;
	if (is_missing ? !file->rejected_exists
		    : file->rejected_exists && content_digest_equal(&digest, &file->rejected)) {
		file->missing_since = 0;
		return;
	}
	if (cache || (!is_missing && !is_empty)) {
		file->changed = true;
		return;
	}
	if (!file->missing_since)
		file->missing_since = now;
	file->changed = now - file->missing_since >= MISSING_DOUBT;
}

static void build_overlay(struct confirm *c)
{
	c->overlay = (struct source_overlay){ .count = 0 };
	free(c->overlay_files);
	c->overlay_files = xcalloc(c->rejected_count + 1, sizeof(*c->overlay_files));
	for (unsigned i = 0; i < c->rejected_count; i++) {
		const struct rejected_file *file = &c->rejected[i];

		if (file->changed)
			continue;
		c->overlay_files[c->overlay.count++] = (struct overlay_file){
			file->path, file->enforced_exists ? file->content.data ? file->content.data : "" : NULL,
			(uint32_t)file->content.len };
	}
	c->overlay.files = c->overlay_files;
}

void confirm_poll(struct confirm *c, const char *root, const struct source_cache *cache)
{
	int fd = -1;

	if (!c->enforced)
		return;
	if (!cache)
		fd = open(root ? root : "/etc/pve", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < c->rejected_count; i++) {
		if (fd >= 0 || cache)
			poll_file(&c->rejected[i], fd, cache);
		else
			c->rejected[i].changed = false;
	}
	if (fd >= 0)
		close(fd);
	build_overlay(c);
}

struct input_options confirm_inputs(const struct confirm *c, const struct input_options *options)
{
	struct input_options inputs = *options;

	if (c->enforced)
		inputs.overlay = &c->overlay;
	return inputs;
}

uint64_t confirm_settle(struct confirm *c)
{
	uint64_t now = clock_us(CLOCK_MONOTONIC), soonest = 0;
	unsigned kept = 0, before = c->rejected_count;

	if (!c->enforced)
		return 0;
	for (unsigned i = 0; i < before; i++) {
		struct rejected_file *file = &c->rejected[i];
		struct log_about about = { NULL, file->path, 0 };

		if (file->changed) {
			if (c->log)
				log_message(c->log, PRIORITY_NOTICE, &about,
					    "%s has changed and applies again", file->path);
			rejected_file_free(file);
			continue;
		}
		if (file->missing_since && now < file->missing_since + MISSING_DOUBT &&
		    (!soonest || file->missing_since + MISSING_DOUBT - now < soonest))
			soonest = file->missing_since + MISSING_DOUBT - now;
		c->rejected[kept++] = *file;
	}
	c->rejected_count = kept;
	if (kept == before)
		return soonest;
	if (!kept) {
		if (c->log)
			log_message(c->log, PRIORITY_NOTICE, NULL,
				    "configuration has changed and applies again");
		free(c->rejected);
		c->rejected = NULL;
		c->enforced = 0;
	}
	confirm_note_reason(c, confirm_write_state(c, true));
	return soonest;
}

void confirm_state(const struct confirm *c, struct conditions *conditions)
{
	struct arena arena = { 0 };
	const char *enforced = confirm_describe(c, &arena, c->enforced);
	const char *reason = c->why == REJECTED_ROLLED_BACK ? "was rolled back" : "was not confirmed";

	conditions_begin(conditions, CONDITION_CONFIGURATION_REJECTED);
	for (unsigned i = 0; i < c->rejected_count && i < STATED_MOST; i++) {
		struct log_about about = { NULL, c->rejected[i].path, 0 };

		conditions_add(conditions, &about,
			       "%s %s: %s %s until this file changes or `pve-firewall apply` is run",
			       c->rejected[i].path, reason, enforced,
			       c->rejected[i].enforced_exists ? "is enforced"
							      : "does not have this file, and it is ignored");
	}
	if (c->rejected_count > STATED_MOST)
		conditions_add(conditions, NULL, "%u more files: each %s", c->rejected_count - STATED_MOST, reason);
	conditions_end(conditions);
	arena_free(&arena);
}

/* ---- compiling ---- */

int confirm_full_overlay(const struct confirm *c, uint64_t number, struct arena *arena, struct source_overlay *overlay)
{
	struct file_list list;
	struct overlay_file *files;
	int reason = generations_files(&c->generations, number, &list);

	if (reason)
		return reason;
	files = ARENA_ARRAY(arena, struct overlay_file, list.count + 1);
	for (unsigned i = 0; i < list.count && !reason; i++) {
		struct out content;
		struct text text;

		out_init_memory(&content);
		reason = generations_content(&c->generations, &list.files[i].digest, &content);
		text = arena_copy(arena, (struct text){ content.data ? content.data : "", (uint32_t)content.len });
		files[i] = (struct overlay_file){ arena_string(arena, text_of(list.files[i].path)), text.ptr, text.len };
		out_free(&content);
	}
	*overlay = (struct source_overlay){ .files = files, .count = list.count, .whole = true };
	file_list_free(&list);
	return reason;
}

static void compile_full(struct confirm *c, const struct input_options *options, struct left_out *left_out,
			  struct compilation *compilation)
{
	struct input_options inputs = *options;
	struct arena arena = { 0 };
	struct source_overlay *overlay = ARENA_NEW(&arena, struct source_overlay);

	for (unsigned i = 0; i < c->rejected_count; i++)
		c->rejected[i].changed = false; /* not known */
	if (confirm_full_overlay(c, c->enforced, &arena, overlay) != 0) {
		arena_free(&arena);
		return;
	}
	inputs.overlay = overlay;
	compilation_free(compilation);
	compilation_run_without(compilation, &inputs, NULL, left_out);
	compilation->map.overlay = NULL;
	compilation->kept = arena; /* it may be compiled again */
}

void confirm_compile(struct confirm *c, const struct input_options *options, struct source_cache *cache,
		     struct left_out *left_out, struct compilation *compilation)
{
	struct input_options inputs;

	confirm_poll(c, options->root, cache);
	inputs = confirm_inputs(c, options);
	compilation_run_without(compilation, &inputs, cache, left_out);
	if (!compilation->config && c->enforced && c->in_force != c->enforced)
		compile_full(c, options, left_out, compilation);
}

bool confirm_roll_back(struct confirm *c, const struct input_options *options, struct source_cache *cache)
{
	struct compilation tree;
	struct file_list files;
	const struct file_list *present = &c->files;
	uint64_t target;
	int reason;

	/* What the tree says now is what is not wanted; if it cannot be read, what is in force is. */
	compilation_run(&tree, options, cache);
	if (tree.config) {
		file_list_of_map(&files, &tree.map);
		present = &files;
	}
	target = confirm_target(c, present);
	reason = target ? confirm_reject(c, present, target, REJECTED_NOT_CONFIRMED) : EALREADY;
	if (!reason && c->log)
		log_message(c->log, PRIORITY_WARNING, NULL, "not confirmed in time: rolling back: %s",
			    confirm_describe(c, &tree.arena, target));
	else if (reason == EALREADY && c->log)
		log_message(c->log, PRIORITY_NOTICE, NULL,
			    "not confirmed in time, but there is nothing to roll back");
	else if (c->log)
		log_message(c->log, PRIORITY_CRITICAL, NULL, "not confirmed in time, but %s cannot be read: %s",
			    confirm_describe(c, &tree.arena, target), error_text(reason));
	if (reason)
		confirm_cancel(c);
	if (present == &files)
		file_list_free(&files);
	compilation_free(&tree);
	return reason == 0;
}
