/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What apply --confirm goes back to.  The service applies an edit at once, so the command usually comes after the edit it is
 * about; but it may be given before, too.  So it is decided at the deadline: the edit before the command is rolled back, with
 * all that came later, unless it was confirmed already, is older than an hour, or all of its files have changed again since
 * the command.  Then what has changed since the command is rolled back.
 */
#include "firewall/service/confirm_private.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/clock.h"

enum { EDIT_AGE_MOST = 3600 /* seconds */ };

uint64_t confirm_now(void)
{
	return clock_us(CLOCK_BOOTTIME);
}

/* ---- generations ---- */

/* Whether these are the files of the enforced generation, which came into force by going back to it. */
static bool is_rolled_back(const struct confirm *c, const struct file_list *files)
{
	struct file_list target;
	bool same;

	if (!c->enforced || c->in_force == c->enforced || generations_files(&c->generations, c->enforced, &target) != 0)
		return false;
	same = file_lists_agree(files, &target, true);
	file_list_free(&target);
	return same;
}

void confirm_forget_rolled_back(struct confirm *c, uint64_t number)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->rolled_back_count; i++)
		if (c->rolled_back[i] != number)
			c->rolled_back[kept++] = c->rolled_back[i];
	c->rolled_back_count = kept;
}

static int add_generation(struct confirm *c, const struct file_list *files)
{
	const uint64_t needed[] = { c->in_force, c->enforced, c->pending ? c->requested : 0, c->pending ? c->if_changed : 0,
				    c->pending ? c->if_unchanged : 0, c->next };
	/* After a rollback of some files only, the parent is the enforced generation, not the rejected one. */
	uint64_t parent = c->enforced && confirm_was_rolled_back(c, c->in_force) ? c->enforced : c->in_force;
	int reason = generations_add(&c->generations, c->next, parent, (int64_t)time(NULL), files, needed,
				     sizeof(needed) / sizeof(needed[0]));

	if (!reason)
		c->in_force = c->next++;
	return reason;
}

void confirm_note_applied(struct confirm *c, const struct compilation *compilation, bool changed)
{
	uint64_t begin = clock_us(CLOCK_MONOTONIC);
	struct file_list files;
	int reason;

	if (c->generations.dir < 0)
		return;
	file_list_of_map(&files, &compilation->map);
	if (c->in_force && file_lists_agree(&files, &c->files, false)) {
		file_list_free(&files);
		return;
	}
	if (is_rolled_back(c, &files)) {
		c->in_force = c->enforced;
		confirm_forget_rolled_back(c, c->in_force);
		reason = generations_amend(&c->generations, c->in_force, &files);
	} else if (c->in_force && !changed && file_lists_agree(&files, &c->files, true)) {
		/* Other inputs of the same rules: a backup's lock in a guest's file, say. */
		reason = generations_amend(&c->generations, c->in_force, &files);
	} else {
		reason = add_generation(c, &files);
	}
	confirm_note_reason(c, reason);
	if (reason) {
		file_list_free(&files);
		return;
	}
	for (unsigned i = 0; i < files.count; i++)
		files.files[i].content = (struct text){ NULL, 0 }; /* the map's, which goes */
	file_list_free(&c->files);
	c->files = files;
	confirm_note_reason(c, confirm_write_state(c, c->pending || c->enforced));
	if (c->log)
		log_message(c->log, PRIORITY_DEBUG, NULL, "generation %" PRIu64 " is kept; that took %.1f ms", c->in_force,
			    (double)(clock_us(CLOCK_MONOTONIC) - begin) / 1e3);
}

uint64_t confirm_before(const struct confirm *c)
{
	const struct generation *now = generations_find(&c->generations, c->in_force);

	return now && generations_find(&c->generations, now->parent) ? now->parent : 0;
}

bool confirm_was_rolled_back(const struct confirm *c, uint64_t number)
{
	for (unsigned i = 0; i < c->rolled_back_count; i++)
		if (c->rolled_back[i] == number)
			return true;
	return false;
}

const char *confirm_describe(const struct confirm *c, struct arena *arena, uint64_t number)
{
	const struct generation *generation = generations_find(&c->generations, number);
	char when[GENERATION_TIME_SIZE] = "an unknown time";

	if (generation)
		generation_time(when, generation->time);
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

/* Whether the enforced .fw files differ from those of the generation. */
static bool is_edited_since(const struct confirm *c, uint64_t number)
{
	struct file_list then;
	bool edited;

	if (generations_files(&c->generations, number, &then) != 0)
		return true;
	edited = !file_lists_agree(&c->files, &then, true);
	file_list_free(&then);
	return edited;
}

/*
 * The generation before the last edit of a .fw file; 0: there is none.  A generation may differ from its parent only in other
 * files, as when a guest was created.  Edits that are confirmed, or older than `age_most` seconds, do not count.
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
	/* While something is pending, only the deadline changes. */
	if (!c->pending || to || previous != c->in_force) {
		c->requested = c->in_force;
		c->if_changed = to ? to : previous;
		c->if_unchanged = to ? to
				  : previous != c->in_force && is_edited_since(c, previous)
					  ? previous
					  : before_edit(c, EDIT_AGE_MOST, c->confirmed);
	}
	confirm_read_boot_id(c->boot_id);
	c->deadline = confirm_now() + seconds * 1000000;
	c->pending = true;
	reason = confirm_write_state(c, true);
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
	reason = confirm_write_state(c, true);
	if (reason)
		*c = before;
	return reason;
}

void confirm_cancel(struct confirm *c)
{
	if (!c->pending)
		return;
	c->pending = false;
	confirm_note_reason(c, confirm_write_state(c, true));
}

static bool is_same_boot(const struct confirm *c)
{
	char now[BOOT_ID_SIZE];

	confirm_read_boot_id(now);
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

			if (path_is_policy(path) && !generation_file_equal(file_list_find(before, path), edited) &&
			    generation_file_equal(edited, file_list_find(present, path)))
				return true;
		}
	}
	return false;
}

/* An edit that came before the command, and is in the tree still, is what waits to be confirmed, whatever else has changed
 * meanwhile: somebody else may have edited another file. */
uint64_t confirm_target(const struct confirm *c, const struct file_list *present)
{
	struct file_list requested, before;
	uint64_t target = c->if_changed;

	if (generations_files(&c->generations, c->requested, &requested) != 0)
		return target;
	if (file_lists_agree(present, &requested, true)) {
		target = c->if_unchanged;
	} else if (c->if_unchanged && generations_files(&c->generations, c->if_unchanged, &before) == 0) {
		if (edit_remains(&before, &requested, present))
			target = c->if_unchanged;
		file_list_free(&before);
	}
	file_list_free(&requested);
	return target;
}
