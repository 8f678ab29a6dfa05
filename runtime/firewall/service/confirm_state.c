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
 */
#include "firewall/service/confirm_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/xmalloc.h"
#include "firewall/base/rundir.h"

#define STORE "generations"
#define STATE "state"

void confirm_read_boot_id(char id[BOOT_ID_SIZE])
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

/* ---- rejected files in memory ---- */

int rejected_file_load(const struct confirm *c, struct rejected_file *file)
{
	out_init_memory(&file->content);
	return file->enforced_exists ? generations_content(&c->generations, &file->enforced, &file->content) : 0;
}

void rejected_file_free(struct rejected_file *file)
{
	free(file->path);
	out_free(&file->content);
}

void confirm_add_rejected(struct confirm *c, const struct rejected_file *file)
{
	c->rejected = xrealloc(c->rejected, (c->rejected_count + 1) * sizeof(*c->rejected));
	c->rejected[c->rejected_count++] = *file;
}

void confirm_drop_rejected(struct confirm *c)
{
	for (unsigned i = 0; i < c->rejected_count; i++)
		rejected_file_free(&c->rejected[i]);
	free(c->rejected);
	free(c->overlay_files);
	c->rejected = NULL;
	c->overlay_files = NULL;
	c->rejected_count = 0;
	c->overlay = (struct source_overlay){ .count = 0 };
	c->enforced = 0;
}

/* ---- writing ---- */

static void confirm_print_digest(struct out *out, bool exists, const struct content_digest *digest)
{
	char hex[CONTENT_DIGEST_HEX + 1] = "-";

	if (exists)
		content_digest_print(digest, hex);
	out_printf(out, "%s ", hex);
}

static void confirm_print_state(const struct confirm *c, struct out *out)
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
		confirm_print_digest(out, file->rejected_exists, &file->rejected);
		confirm_print_digest(out, file->enforced_exists, &file->enforced);
		path_escape(out, file->path);
		out_char(out, '\n');
	}
	for (unsigned i = 0; i < c->rolled_back_count; i++)
		out_printf(out, "taken_back %" PRIu64 "\n", c->rolled_back[i]);
	out_string(out, "end\n");
}

void confirm_note_reason(struct confirm *c, int reason)
{
	if (reason && reason != c->reason && c->log)
		log_message(c->log, PRIORITY_ERROR, NULL,
			    "cannot keep generations in %s: %s; apply --confirm and rollback may not work",
			    c->path, error_text(reason));
	c->reason = reason;
}

int confirm_write_state(struct confirm *c, bool durable)
{
	struct out text;
	int reason;

	if (c->generations.dir < 0)
		return c->reason ? c->reason : ENOENT;
	out_init_memory(&text);
	confirm_print_state(c, &text);
	reason = (durable ? rundir_write_durable : rundir_write_private)(c->generations.dir, STATE, text.data, text.len);
	out_free(&text);
	return reason;
}

/* ---- reading ---- */

static bool confirm_read_digest(const char *word, bool *exists, struct content_digest *digest)
{
	*exists = strcmp(word, "-") != 0;
	return !*exists || (strlen(word) == CONTENT_DIGEST_HEX && content_digest_read(word, digest));
}

static bool confirm_read_rejected(struct confirm *c, char *line)
{
	struct rejected_file file = { .changed = false };
	char rejected[CONTENT_DIGEST_HEX + 1], enforced[CONTENT_DIGEST_HEX + 1];
	int at = 0;

	if (sscanf(line, "reject %64s %64s %n", rejected, enforced, &at) != 2 || !at ||
	    !confirm_read_digest(rejected, &file.rejected_exists, &file.rejected) ||
	    !confirm_read_digest(enforced, &file.enforced_exists, &file.enforced))
		return false;
	path_unescape(line + at);
	file.path = xstrdup(line + at);
	if (rejected_file_load(c, &file) != 0) {
		rejected_file_free(&file);
		return false;
	}
	confirm_add_rejected(c, &file);
	return true;
}

static void confirm_read_line(struct confirm *c, char *line)
{
	size_t id = strncmp(line, "pending ", 8) == 0 ? strcspn(line + 8, " ") : 0;
	uint64_t numbers[4];

	if (rundir_numbers(line, "next ", 1, &c->next) || rundir_numbers(line, "in_force ", 1, &c->in_force) ||
	    rundir_numbers(line, "confirmed ", 1, &c->confirmed))
		return;
	if (id && id < sizeof(c->boot_id) && rundir_numbers(line + 8 + id, " ", 4, numbers)) {
		snprintf(c->boot_id, sizeof(c->boot_id), "%.*s", (int)id, line + 8);
		c->deadline = numbers[0];
		c->requested = numbers[1];
		c->if_changed = numbers[2];
		c->if_unchanged = numbers[3];
		c->pending = true;
	} else if (rundir_numbers(line, "rejected ", 2, numbers)) {
		c->enforced = numbers[0];
		c->why = numbers[1] == REJECTED_ROLLED_BACK ? REJECTED_ROLLED_BACK : REJECTED_NOT_CONFIRMED;
	} else if (rundir_numbers(line, "taken_back ", 1, numbers) && c->rolled_back_count < GENERATIONS_MOST) {
		c->rolled_back[c->rolled_back_count++] = numbers[0];
	} else if (strncmp(line, "reject ", 7) == 0 && !confirm_read_rejected(c, line) && c->log) {
		log_message(
			c->log, PRIORITY_CRITICAL, NULL,
			"%s: the content to enforce instead of a rejected file is lost; the file applies again",
			c->path);
	}
}

/* False: the last line is missing, as after a power failure. */
static bool confirm_read_lines(struct confirm *c, char *at)
{
	bool complete = false;

	for (char *end; (end = strchr(at, '\n')); at = end + 1) {
		*end = '\0';
		complete = strcmp(at, "end") == 0;
		confirm_read_line(c, at);
	}
	return complete;
}

static void confirm_read_state(struct confirm *c)
{
	struct out text;
	int reason;

	out_init_memory(&text);
	reason = rundir_read(c->generations.dir, STATE, &text);
	out_char(&text, '\0');
	if (!reason && !confirm_read_lines(c, text.data))
		reason = ENODATA;
	if (reason && reason != ENOENT && c->log)
		log_message(
			c->log, PRIORITY_CRITICAL, NULL,
			"%s/" STATE
			" is damaged: %s; rejected files and pending confirmations may be lost, and such files apply again",
			c->path, error_text(reason));
	out_free(&text);
}

/* ---- opening ---- */

static int confirm_open_store(struct confirm *c, const char *path, bool create)
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
 * For commands, which read without the lock while the service writes.  A new generation comes before the state that names
 * it: one that no state has named yet is left out, and a state that names one which was not there yet is newer than the
 * list.
 */
static void confirm_match_state(struct confirm *c)
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
	reason = confirm_open_store(c, state_path, create);
	if (reason && strcmp(state_path, run_path) != 0) {
		if (create && log)
			log_message(
				log, PRIORITY_WARNING, NULL,
				"cannot keep generations in %s: %s; they are kept in %s until the machine restarts",
				c->path, error_text(reason), run_path);
		reason = confirm_open_store(c, run_path, create);
	}
	confirm_note_reason(c, create ? reason : 0);
	c->reason = reason;
	if (!reason)
		confirm_read_state(c);
	if (!reason && !create)
		confirm_match_state(c);
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

void confirm_close(struct confirm *c)
{
	confirm_drop_rejected(c);
	file_list_free(&c->files);
	generations_close(&c->generations);
	free(c->path);
	c->path = NULL;
}
