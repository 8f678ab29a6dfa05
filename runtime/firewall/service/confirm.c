/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state is lines of words in the store's file `state`:
 *
 *	next NUMBER
 *	in_force NUMBER
 *	confirmed NUMBER
 *	pending BOOT-ID DEADLINE REQUESTED IF-CHANGED IF-UNCHANGED
 *	rejected GENERATION REASON
 *	reject DIGEST|- DIGEST|- PATH      what was rejected, and what is enforced; -: no such file
 *	taken_back NUMBER
 *	end
 *
 * What apply --confirm goes back to.  The service applies an edit at once, so the command usually comes after the
 * edit it is about; but it may be given before, too.  So it is decided at the deadline: the edit before the command is
 * taken back, with all that came later, unless it was confirmed already, is older than an hour, or all of its files
 * have changed again since the command.  Then what has changed since the command is taken back.
 */
#include "firewall/service/confirm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "firewall/base/rundir.h"
#include "source/source_cache.h"
#include "base/errno_text.h"
#include "base/clock.h"
#include "base/xmalloc.h"

#define STORE "generations"
#define STATE "state"
enum {
	HEX = 2 * CONTENT_DIGEST_BYTES,
	EDIT_AGE_MOST = 3600,  /* seconds */
	GONE_DOUBT = 500000,   /* microseconds */
	STATED_MOST = 10,      /* files that conditions name */
	FILE_BYTES_MOST = 8 << 20,
};

uint64_t confirm_now(void)
{
	return clock_us(CLOCK_BOOTTIME);
}

static void read_boot_id(char id[BOOT_ID_SIZE])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, id, BOOT_ID_SIZE - 1);

	if (fd >= 0)
		close(fd);
	if (got != BOOT_ID_SIZE - 1)
		strcpy(id, "unknown");
	else
		id[BOOT_ID_SIZE - 1] = '\0';
}

/* ---- the state's file ---- */

static void print_digest(struct out *out, bool exists, const struct content_digest *digest)
{
	char hex[HEX + 1] = "-";

	if (exists)
		content_digest_print(digest, hex);
	out_printf(out, "%s ", hex);
}

static void print_state(const struct confirm *c, struct out *out)
{
	out_printf(out, "next %" PRIu64 "\nin_force %" PRIu64 "\nconfirmed %" PRIu64 "\n", c->next, c->in_force, c->confirmed);
	if (c->pending)
		out_printf(out, "pending %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", c->boot_id, c->deadline,
			   c->requested, c->if_changed, c->if_unchanged);
	if (c->enforced)
		out_printf(out, "rejected %" PRIu64 " %d\n", c->enforced, (int)c->why);
	for (unsigned i = 0; i < c->rejected_count; i++) {
		const struct rejected_file *file = &c->rejected[i];

		out_string(out, "reject ");
		print_digest(out, file->rejected_exists, &file->rejected);
		print_digest(out, file->enforced_exists, &file->enforced);
		path_escape(out, file->path);
		out_char(out, '\n');
	}
	for (unsigned i = 0; i < c->taken_back_count; i++)
		out_printf(out, "taken_back %" PRIu64 "\n", c->taken_back[i]);
	out_string(out, "end\n");
}

/* Logged once for each reason. */
static void note_reason(struct confirm *c, int reason)
{
	if (reason && reason != c->reason && c->log)
		log_message(c->log, PRIORITY_ERROR, NULL, "cannot keep generations in %s: %s; apply --confirm and rollback may "
							  "have nothing to go back to",
			    c->path, error_text(reason));
	c->reason = reason;
}

/* What somebody must be able to rely on after a power failure is `durable`. */
static int write_state(struct confirm *c, bool durable)
{
	struct out text;
	int reason;

	if (c->generations.dir < 0)
		return c->reason ? c->reason : ENOENT;
	out_init_memory(&text);
	print_state(c, &text);
	reason = (durable ? rundir_write_durable : rundir_write_private)(c->generations.dir, STATE, text.data, text.len);
	out_free(&text);
	return reason;
}

static bool read_digest(const char *word, bool *exists, struct content_digest *digest)
{
	*exists = strcmp(word, "-") != 0;
	return !*exists || (strlen(word) == HEX && content_digest_read(word, digest));
}

static void add_rejected(struct confirm *c, const struct rejected_file *file)
{
	c->rejected = xrealloc(c->rejected, (c->rejected_count + 1) * sizeof(*c->rejected));
	c->rejected[c->rejected_count++] = *file;
}

static void free_rejected(struct rejected_file *file)
{
	free(file->path);
	out_free(&file->content);
}

/* Reads what is enforced in its place; 0 or an errno. */
static int load_enforced(const struct confirm *c, struct rejected_file *file)
{
	out_init_memory(&file->content);
	return file->enforced_exists ? generations_content(&c->generations, &file->enforced, &file->content) : 0;
}

static bool read_rejected(struct confirm *c, char *line)
{
	struct rejected_file file = { .changed = false };
	char rejected[HEX + 1], enforced[HEX + 1];
	int at = 0;

	if (sscanf(line, "reject %64s %64s %n", rejected, enforced, &at) != 2 || !at ||
	    !read_digest(rejected, &file.rejected_exists, &file.rejected) ||
	    !read_digest(enforced, &file.enforced_exists, &file.enforced))
		return false;
	path_unescape(line + at);
	file.path = strdup(line + at);
	if (!file.path || load_enforced(c, &file) != 0) {
		free_rejected(&file);
		return false;
	}
	add_rejected(c, &file);
	return true;
}

static void read_line(struct confirm *c, char *line)
{
	uint64_t number;
	int why;

	if (sscanf(line, "next %" SCNu64, &c->next) == 1 || sscanf(line, "in_force %" SCNu64, &c->in_force) == 1 ||
	    sscanf(line, "confirmed %" SCNu64, &c->confirmed) == 1)
		return;
	if (sscanf(line, "pending %36s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, c->boot_id, &c->deadline, &c->requested,
		   &c->if_changed, &c->if_unchanged) == 5)
		c->pending = true;
	else if (sscanf(line, "rejected %" SCNu64 " %d", &c->enforced, &why) == 2)
		c->why = why == REJECTED_ROLLED_BACK ? REJECTED_ROLLED_BACK : REJECTED_NOT_CONFIRMED;
	else if (sscanf(line, "taken_back %" SCNu64, &number) == 1 && c->taken_back_count < GENERATIONS_MOST)
		c->taken_back[c->taken_back_count++] = number;
	else if (strncmp(line, "reject ", 7) == 0 && !read_rejected(c, line) && c->log)
		log_message(c->log, PRIORITY_CRITICAL, NULL,
			    "%s: what is to be enforced instead of a rejected file is lost; the file counts again", c->path);
}

/* False: the last line is missing, as after a power failure. */
static bool read_lines(struct confirm *c, char *at)
{
	bool complete = false;

	for (char *end; (end = strchr(at, '\n')); at = end + 1) {
		*end = '\0';
		complete = strcmp(at, "end") == 0;
		read_line(c, at);
	}
	return complete;
}

static void read_state(struct confirm *c)
{
	struct out text;
	int reason;

	out_init_memory(&text);
	reason = rundir_read(c->generations.dir, STATE, &text);
	out_char(&text, '\0');
	if (!reason && !read_lines(c, text.data))
		reason = ENODATA;
	if (reason && reason != ENOENT && c->log)
		log_message(c->log, PRIORITY_CRITICAL, NULL,
			    "%s/" STATE " is damaged: %s; what was rejected, or waits to be confirmed, may be lost: such files "
			    "count again",
			    c->path, error_text(reason));
	out_free(&text);
}

/* ---- opening ---- */

static int open_store(struct confirm *c, const char *path, bool create)
{
	int reason;

	free(c->path);
	c->path = xasprintf("%s/" STORE, path);
	reason = generations_open(&c->generations, c->path, create);
	if (!reason && create && faccessat(c->generations.dir, ".", W_OK, 0) < 0) {
		reason = errno;
		generations_close(&c->generations);
	}
	return reason;
}

/*
 * For who reads without the lock, while the service writes: a new generation comes before the state that
 * names it, so one that no state has named yet is left out, and a state that names one which was not there
 * yet is newer than the list.
 */
static void match_state(struct confirm *c)
{
	if (c->in_force && !generations_find(&c->generations, c->in_force)) {
		generations_close(&c->generations);
		generations_open(&c->generations, c->path, false);
	}
	if (c->next)
		generations_leave_out(&c->generations, c->next);
}

void confirm_open(struct confirm *c, const char *state_path, const char *run_path, bool create, struct log *log)
{
	int reason;

	*c = (struct confirm){ .log = log, .generations = { .dir = -1 } };
	reason = open_store(c, state_path, create);
	if (reason && strcmp(state_path, run_path) != 0) {
		if (create && log)
			log_message(log, PRIORITY_WARNING, NULL, "cannot keep generations in %s: %s; they are kept in %s, until the "
								 "machine restarts",
				    c->path, error_text(reason), run_path);
		reason = open_store(c, run_path, create);
	}
	note_reason(c, create ? reason : 0);
	c->reason = reason;
	if (!reason)
		read_state(c);
	if (!reason && !create)
		match_state(c);
	if (c->generations.count) {
		uint64_t last = c->generations.all[c->generations.count - 1]->number;

		if (!generations_find(&c->generations, c->in_force))
			c->in_force = last;
		if (c->next <= last)
			c->next = last + 1;
	} else {
		c->in_force = 0;
	}
	c->next += c->next == 0;
	if (c->in_force && generations_files(&c->generations, c->in_force, &c->files) != 0)
		c->in_force = 0;
}

static void drop_rejected(struct confirm *c)
{
	for (unsigned i = 0; i < c->rejected_count; i++)
		free_rejected(&c->rejected[i]);
	free(c->rejected);
	free(c->overlay_files);
	c->rejected = NULL;
	c->overlay_files = NULL;
	c->rejected_count = 0;
	c->overlay = (struct source_overlay){ .count = 0 };
	c->enforced = 0;
}

void confirm_close(struct confirm *c)
{
	drop_rejected(c);
	file_list_free(&c->files);
	generations_close(&c->generations);
	free(c->path);
	c->path = NULL;
}

/* ---- generations ---- */

static bool is_policy(const char *path)
{
	size_t len = strlen(path);

	return len > 3 && strcmp(path + len - 3, ".fw") == 0;
}

static bool same_file(const struct generation_file *a, const struct generation_file *b)
{
	return a && b ? content_digest_equal(&a->digest, &b->digest) : a == b;
}

/* Whether the lists agree; with `policy` only about .fw files. */
static bool lists_agree(const struct file_list *a, const struct file_list *b, bool policy)
{
	if (!policy && a->count != b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if ((!policy || is_policy(a->files[i].path)) && !same_file(&a->files[i], file_list_find(b, a->files[i].path)))
			return false;
	for (unsigned i = 0; i < b->count; i++)
		if ((!policy || is_policy(b->files[i].path)) && !file_list_find(a, b->files[i].path))
			return false;
	return true;
}

/* Whether this is the generation that files of are enforced, which came into force by going back to it. */
static bool is_gone_back(const struct confirm *c, const struct file_list *files)
{
	struct file_list target;
	bool same;

	if (!c->enforced || c->in_force == c->enforced || generations_files(&c->generations, c->enforced, &target) != 0)
		return false;
	same = lists_agree(files, &target, true);
	file_list_free(&target);
	return same;
}

static void forget_taken_back(struct confirm *c, uint64_t number)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->taken_back_count; i++)
		if (c->taken_back[i] != number)
			c->taken_back[kept++] = c->taken_back[i];
	c->taken_back_count = kept;
}

static int add_generation(struct confirm *c, const struct file_list *files)
{
	const uint64_t needed[] = { c->in_force, c->enforced, c->pending ? c->requested : 0, c->pending ? c->if_changed : 0,
				    c->pending ? c->if_unchanged : 0, c->next };
	/* What was rejected is not what this one follows, if it goes back only in part. */
	uint64_t parent = c->enforced && confirm_was_taken_back(c, c->in_force) ? c->enforced : c->in_force;
	int reason = generations_add(&c->generations, c->next, parent, (int64_t)time(NULL), files, needed,
				     sizeof(needed) / sizeof(needed[0]));

	if (!reason)
		c->in_force = c->next++;
	return reason;
}

/* The same configuration has other inputs, which do not change the rules: a backup's lock in a guest's file, say. */
static int amend_generation(struct confirm *c, const struct file_list *files)
{
	return generations_amend(&c->generations, c->in_force, files);
}

void confirm_note_applied(struct confirm *c, const struct compilation *compilation, bool changed)
{
	uint64_t begin = clock_us(CLOCK_MONOTONIC);
	struct file_list files;
	int reason;

	if (c->generations.dir < 0)
		return;
	file_list_of_map(&files, &compilation->map);
	if (c->in_force && lists_agree(&files, &c->files, false)) {
		file_list_free(&files);
		return;
	}
	if (is_gone_back(c, &files)) {
		c->in_force = c->enforced;
		forget_taken_back(c, c->in_force);
		reason = amend_generation(c, &files);
	} else if (c->in_force && !changed && lists_agree(&files, &c->files, true)) {
		reason = amend_generation(c, &files);
	} else {
		reason = add_generation(c, &files);
	}
	note_reason(c, reason);
	for (unsigned i = 0; i < files.count; i++)
		files.files[i].content = (struct text){ NULL, 0 }; /* the map's, which goes */
	if (!reason) {
		file_list_free(&c->files);
		c->files = files;
		note_reason(c, write_state(c, c->pending || c->enforced));
		if (c->log)
			log_message(c->log, PRIORITY_DEBUG, NULL, "generation %" PRIu64 " is kept; that took %.1f ms", c->in_force,
				    (double)(clock_us(CLOCK_MONOTONIC) - begin) / 1e3);
	} else {
		file_list_free(&files);
	}
}

uint64_t confirm_before(const struct confirm *c)
{
	const struct generation *now = generations_find(&c->generations, c->in_force);

	return now && generations_find(&c->generations, now->parent) ? now->parent : 0;
}

bool confirm_was_taken_back(const struct confirm *c, uint64_t number)
{
	for (unsigned i = 0; i < c->taken_back_count; i++)
		if (c->taken_back[i] == number)
			return true;
	return false;
}

static void note_taken_back(struct confirm *c, uint64_t number)
{
	forget_taken_back(c, number);
	if (c->taken_back_count == GENERATIONS_MOST)
		memmove(c->taken_back, c->taken_back + 1, --c->taken_back_count * sizeof(c->taken_back[0]));
	c->taken_back[c->taken_back_count++] = number;
}

const char *confirm_describe(const struct confirm *c, struct arena *arena, uint64_t number)
{
	const struct generation *generation = generations_find(&c->generations, number);
	char when[32] = "an unknown time";
	struct tm local;
	time_t seconds = generation ? (time_t)generation->time : 0;

	if (generation && localtime_r(&seconds, &local))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
	return arena_printf(arena, "generation %" PRIu64 " of %s", number, when);
}

/* Number and time of a generation; null: none. */
static json_t *generation_json(const struct confirm *c, uint64_t number)
{
	const struct generation *generation = generations_find(&c->generations, number);

	if (!generation)
		return json_null();
	return json_pack("{s:I, s:I}", "number", (json_int_t)number, "time", (json_int_t)generation->time);
}

json_t *confirm_json(const struct confirm *c)
{
	return json_pack("{s:b, s:b, s:I, s:o, s:o, s:o, s:o}", "held", c->enforced != 0, "pending_confirmation",
			 (int)c->pending, "seconds_left", (json_int_t)confirm_seconds_left(c), "generation",
			 generation_json(c, c->in_force), "if_changed", generation_json(c, c->pending ? c->if_changed : 0),
			 "if_unchanged", generation_json(c, c->pending ? c->if_unchanged : 0), "enforced",
			 generation_json(c, c->enforced));
}

/* ---- what waits ---- */

/* Whether the .fw files in force are others than those of the generation. */
static bool is_edited_since(const struct confirm *c, uint64_t number)
{
	struct file_list then;
	bool edited;

	if (generations_files(&c->generations, number, &then) != 0)
		return true;
	edited = !lists_agree(&c->files, &then, true);
	file_list_free(&then);
	return edited;
}

/*
 * The generation before the last edit of a .fw file; 0: there is none.  A generation may differ from its
 * parent only in other files, as when a guest was created.  Edits that are older than `age_most` seconds, or
 * confirmed, do not count.
 */
static uint64_t before_edit(const struct confirm *c, int64_t age_most, uint64_t confirmed)
{
	const struct generation *g = generations_find(&c->generations, c->in_force), *parent;

	for (; g && g->number > confirmed && (int64_t)time(NULL) - g->time <= age_most; g = parent) {
		parent = generations_find(&c->generations, g->parent);
		if (!parent || parent->number >= g->number)
			return 0;
		if (is_edited_since(c, parent->number))
			return parent->number;
	}
	return 0;
}

uint64_t confirm_before_edit(const struct confirm *c)
{
	uint64_t number = before_edit(c, INT64_MAX, 0);

	return number ? number : confirm_before(c);
}

int confirm_begin(struct confirm *c, uint64_t previous, uint64_t to, uint64_t seconds)
{
	struct confirm before = *c;
	int reason;

	if (to && !generations_find(&c->generations, to))
		return ENOENT;
	/* While something is pending, only the time begins anew. */
	if (!c->pending || to || previous != c->in_force) {
		c->requested = c->in_force;
		c->if_changed = to ? to : previous;
		c->if_unchanged = to ? to
				  : previous != c->in_force && is_edited_since(c, previous)
					  ? previous
					  : before_edit(c, EDIT_AGE_MOST, c->confirmed);
	}
	read_boot_id(c->boot_id);
	c->deadline = confirm_now() + seconds * 1000000;
	c->pending = true;
	reason = write_state(c, true);
	if (reason)
		*c = before;
	return reason;
}

int confirm_keep(struct confirm *c)
{
	struct confirm before = *c;
	int reason;

	if (!c->pending)
		return ENOENT;
	c->pending = false;
	c->confirmed = c->in_force;
	reason = write_state(c, true);
	if (reason)
		*c = before;
	return reason;
}

void confirm_cancel(struct confirm *c)
{
	if (!c->pending)
		return;
	c->pending = false;
	note_reason(c, write_state(c, true));
}

static bool is_same_boot(const struct confirm *c)
{
	char now[BOOT_ID_SIZE];

	read_boot_id(now);
	return strcmp(now, c->boot_id) == 0;
}

bool confirm_is_over(const struct confirm *c)
{
	return c->pending && (!is_same_boot(c) || confirm_now() >= c->deadline);
}

uint64_t confirm_seconds_left(const struct confirm *c)
{
	uint64_t now = confirm_now();

	if (!c->pending || !is_same_boot(c) || c->deadline <= now)
		return 0;
	return (c->deadline - now + 999999) / 1000000;
}

/* Whether a .fw file that differs between the two lists is still in `present` as the second has it. */
static bool edit_remains(const struct file_list *before, const struct file_list *after,
			 const struct file_list *present)
{
	const struct file_list *lists[] = { before, after };

	for (unsigned n = 0; n < 2; n++) {
		for (unsigned i = 0; i < lists[n]->count; i++) {
			const char *path = lists[n]->files[i].path;
			const struct generation_file *edited = file_list_find(after, path);

			if (is_policy(path) && !same_file(file_list_find(before, path), edited) &&
			    same_file(edited, file_list_find(present, path)))
				return true;
		}
	}
	return false;
}

/*
 * An edit that came before the command, and is in the tree still, is what waits to be confirmed, whatever
 * else has changed meanwhile: somebody else may have edited another file.
 */
uint64_t confirm_target(const struct confirm *c, const struct file_list *present)
{
	struct file_list requested, before;
	uint64_t target = c->if_changed;

	if (generations_files(&c->generations, c->requested, &requested) != 0)
		return target;
	if (lists_agree(present, &requested, true)) {
		target = c->if_unchanged;
	} else if (c->if_unchanged && generations_files(&c->generations, c->if_unchanged, &before) == 0) {
		if (edit_remains(&before, &requested, present))
			target = c->if_unchanged;
		file_list_free(&before);
	}
	file_list_free(&requested);
	return target;
}

/* ---- what was rejected ---- */

/* Whether the name of a path's file without .fw is `stem`. */
static struct text stem_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return (struct text){ name, (uint32_t)strlen(name) - 3 };
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

/* Whether the running configuration of the SDN had this vnet: its name stands there as a string. */
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

/*
 * A file that the generation does not have.  One of a guest or vnet that did not exist then stays: without it
 * that would not be filtered at all.
 */
static bool is_of_newcomer(const struct confirm *c, const struct file_list *then, const char *path)
{
	if (strncmp(path, "firewall/", 9) == 0 && strcmp(path, "firewall/cluster.fw") != 0)
		return !had_guest(then, stem_of(path));
	if (strncmp(path, "sdn/firewall/", 13) == 0)
		return !had_vnet(c, then, stem_of(path));
	return false;
}

static int reject_file(struct confirm *c, const char *path, const struct generation_file *present,
		       const struct generation_file *then)
{
	struct rejected_file file = { .rejected_exists = present != NULL, .enforced_exists = then != NULL };
	int reason;

	if (present)
		file.rejected = present->digest;
	if (then)
		file.enforced = then->digest;
	file.path = strdup(path);
	reason = file.path ? load_enforced(c, &file) : ENOMEM;
	if (reason)
		free_rejected(&file);
	else
		add_rejected(c, &file);
	return reason;
}

static int reject_differences(struct confirm *c, const struct file_list *present, const struct file_list *then)
{
	int reason = 0;

	for (unsigned i = 0; i < present->count && !reason; i++) {
		const struct generation_file *file = &present->files[i], *old = file_list_find(then, file->path);

		if (is_policy(file->path) && !same_file(file, old) && (old || !is_of_newcomer(c, then, file->path)))
			reason = reject_file(c, file->path, file, old);
	}
	for (unsigned i = 0; i < then->count && !reason; i++) {
		const struct generation_file *old = &then->files[i];

		if (is_policy(old->path) && !file_list_find(present, old->path))
			reason = reject_file(c, old->path, NULL, old);
	}
	return reason;
}

/* From the generation in force back to the one that comes into force. */
static void note_all_taken_back(struct confirm *c, uint64_t number)
{
	const struct generation *g = generations_find(&c->generations, c->in_force);

	if (!g || g->number == number)
		return;
	note_taken_back(c, g->number);
	if (g->number < number) /* to a later one */
		return;
	while ((g = generations_find(&c->generations, g->parent)) && g->number > number)
		note_taken_back(c, g->number);
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
		drop_rejected(&fresh);
		return reason;
	}
	qsort(fresh.rejected, fresh.rejected_count, sizeof(*fresh.rejected), compare_rejected);
	fresh.enforced = number;
	fresh.why = why;
	fresh.pending = false;
	note_all_taken_back(&fresh, number);
	drop_rejected(c);
	*c = fresh;
	/* Where that cannot be written, a service that starts later applies the tree; a deadline that is still in the
	 * file lets it go back at once. */
	note_reason(c, write_state(c, true));
	return 0;
}

void confirm_release(struct confirm *c)
{
	if (!c->enforced)
		return;
	drop_rejected(c);
	note_reason(c, write_state(c, true));
}

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

/* The same in memory. */
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

/* Who writes a file may begin with an empty one, or without it: that counts only if it lasts.  What is in memory
 * has lasted. */
static void look_at(struct rejected_file *file, int root, const struct source_cache *cache)
{
	struct content_digest digest;
	bool is_empty = false;
	int reason = cache ? find_digest_of(cache, file->path, &digest, &is_empty)
			   : read_digest_of(root, file->path, &digest, &is_empty);
	uint64_t now = clock_us(CLOCK_MONOTONIC);
	bool is_gone = reason == ENOENT || reason == ENOTDIR;

	file->changed = false;
	if (reason && !is_gone) /* not known */
		return;
	if (is_gone ? !file->rejected_exists
		    : file->rejected_exists && content_digest_equal(&digest, &file->rejected)) {
		file->gone_since = 0;
		return;
	}
	if (cache || (!is_gone && !is_empty)) {
		file->changed = true;
		return;
	}
	if (!file->gone_since)
		file->gone_since = now;
	file->changed = now - file->gone_since >= GONE_DOUBT;
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

void confirm_look(struct confirm *c, const char *root, const struct source_cache *cache)
{
	int fd = -1;

	if (!c->enforced)
		return;
	if (!cache)
		fd = open(root ? root : "/etc/pve", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < c->rejected_count; i++) {
		if (fd >= 0 || cache)
			look_at(&c->rejected[i], fd, cache);
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

static void note_released(const struct confirm *c, const struct rejected_file *file)
{
	struct log_about about = { NULL, file->path, 0 };

	if (c->log)
		log_message(c->log, PRIORITY_NOTICE, &about, "%s has changed and counts again", file->path);
}

uint64_t confirm_settle(struct confirm *c)
{
	uint64_t now = clock_us(CLOCK_MONOTONIC), soonest = 0;
	unsigned kept = 0, before = c->rejected_count;

	if (!c->enforced)
		return 0;
	for (unsigned i = 0; i < before; i++) {
		struct rejected_file *file = &c->rejected[i];

		if (file->changed) {
			note_released(c, file);
			free_rejected(file);
			continue;
		}
		if (file->gone_since && now < file->gone_since + GONE_DOUBT &&
		    (!soonest || file->gone_since + GONE_DOUBT - now < soonest))
			soonest = file->gone_since + GONE_DOUBT - now;
		c->rejected[kept++] = *file;
	}
	c->rejected_count = kept;
	if (kept == before)
		return soonest;
	if (!kept) {
		if (c->log)
			log_message(c->log, PRIORITY_NOTICE, NULL, "the configuration has changed and counts again");
		free(c->rejected);
		c->rejected = NULL;
		c->enforced = 0;
	}
	note_reason(c, write_state(c, true));
	return soonest;
}

static const char *reason_text(const struct confirm *c)
{
	return c->why == REJECTED_ROLLED_BACK ? "was rolled back" : "was not confirmed";
}

void confirm_state(const struct confirm *c, struct conditions *conditions)
{
	struct arena arena = { 0 };
	const char *enforced = confirm_describe(c, &arena, c->enforced);

	conditions_begin(conditions, CONDITION_CONFIGURATION_REJECTED);
	for (unsigned i = 0; i < c->rejected_count && i < STATED_MOST; i++) {
		struct log_about about = { NULL, c->rejected[i].path, 0 };

		conditions_add(conditions, &about, "%s %s: %s %s until this file changes or `pve-firewall apply` asks for it",
			       c->rejected[i].path, reason_text(c), enforced,
			       c->rejected[i].enforced_exists ? "is enforced" : "has no such file, and it is left out");
	}
	if (c->rejected_count > STATED_MOST)
		conditions_add(conditions, NULL, "%u more files: each %s", c->rejected_count - STATED_MOST, reason_text(c));
	conditions_end(conditions);
	arena_free(&arena);
}

/* ---- compiling ---- */

/* The overlay that is all of a generation; from `arena`.  0 or an errno. */
static int whole_overlay(const struct confirm *c, uint64_t number, struct arena *arena, struct source_overlay *overlay)
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

static void compile_whole(struct confirm *c, const struct input_options *options, struct left_out *left_out,
			  struct compilation *compilation)
{
	struct input_options inputs = *options;
	struct arena arena = { 0 };
	struct source_overlay *overlay = ARENA_NEW(&arena, struct source_overlay);

	for (unsigned i = 0; i < c->rejected_count; i++)
		c->rejected[i].changed = false; /* not known */
	if (whole_overlay(c, c->enforced, &arena, overlay) != 0) {
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

	confirm_look(c, options->root, cache);
	inputs = confirm_inputs(c, options);
	compilation_run_without(compilation, &inputs, cache, left_out);
	if (!compilation->config && c->enforced && c->in_force != c->enforced)
		compile_whole(c, options, left_out, compilation);
}

bool confirm_take_back(struct confirm *c, const struct input_options *options, struct source_cache *cache)
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
		log_message(c->log, PRIORITY_WARNING, NULL,
			    "not confirmed in time: going back to what was enforced before: %s",
			    confirm_describe(c, &tree.arena, target));
	else if (reason == EALREADY && c->log)
		log_message(c->log, PRIORITY_NOTICE, NULL, "not confirmed in time, but there is nothing to take back");
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
