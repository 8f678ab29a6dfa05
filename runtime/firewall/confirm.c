/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/confirm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "firewall/rundir.h"
#include "firewall/snapshot.h"
#include "source_cache.h"

#define PENDING "confirm"
#define HELD "held"
#define TREE "confirmed"

uint64_t confirm_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- files ---- */

static bool read_hex(const char *text, struct tree_digest *digest)
{
	for (unsigned i = 0; i < sizeof(digest->bytes); i++) {
		unsigned byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		digest->bytes[i] = (uint8_t)byte;
	}
	return true;
}

static bool read_file(const struct confirm *confirm, const char *name, struct out *text)
{
	bool there = rundir_read(confirm->run_dir, name, text) == 0;

	out_char(text, '\0');
	return there;
}

void confirm_open(struct confirm *confirm, int run_dir, const char *run_path)
{
	struct out pending, held;

	*confirm = (struct confirm){ .run_dir = run_dir, .run_path = run_path };
	out_init_memory(&pending);
	out_init_memory(&held);
	confirm->pending = read_file(confirm, PENDING, &pending) &&
			   sscanf(pending.data, "%" SCNu64, &confirm->deadline) == 1;
	confirm->held = read_file(confirm, HELD, &held) && held.len > 2 * TREE_DIGEST_BYTES &&
			read_hex(held.data, &confirm->not_wanted);
	out_free(&pending);
	out_free(&held);
}

/* ---- steps ---- */

static int write_deadline(struct confirm *confirm, uint64_t deadline)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%" PRIu64 "\n", deadline);
	int reason = rundir_write(confirm->run_dir, PENDING, text, (size_t)len);

	if (reason)
		return reason;
	confirm->pending = true;
	confirm->deadline = deadline;
	return 0;
}

int confirm_begin(struct confirm *confirm, const struct source_cache *cache, uint64_t seconds)
{
	int reason = 0;

	/* While something is pending or held, RUN/confirmed is what was good last. */
	if (!confirm->pending && !confirm->held)
		reason = snapshot_write(confirm->run_dir, TREE, cache);
	if (!reason)
		reason = write_deadline(confirm, confirm_now() + seconds * 1000000);
	return reason;
}

int confirm_keep(struct confirm *confirm)
{
	int reason;

	if (!confirm->pending)
		return ENOENT;
	reason = rundir_remove(confirm->run_dir, PENDING);
	if (reason)
		return reason;
	confirm->pending = false;
	if (!confirm->held)
		snapshot_remove(confirm->run_dir, TREE);
	return 0;
}

void confirm_hold(struct confirm *confirm, const struct tree_digest *digest)
{
	char text[2 * TREE_DIGEST_BYTES + 2];

	for (unsigned i = 0; i < TREE_DIGEST_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", digest->bytes[i]);
	text[2 * TREE_DIGEST_BYTES] = '\n';
	confirm->held = true;
	confirm->not_wanted = *digest;
	/* Where that cannot be written, a service that starts later applies the tree; the
	 * deadline stays, so that it goes back at once. */
	if (rundir_write(confirm->run_dir, HELD, text, sizeof(text) - 1) == 0)
		rundir_remove(confirm->run_dir, PENDING);
	confirm->pending = false;
}

void confirm_release(struct confirm *confirm)
{
	if (!confirm->held)
		return;
	rundir_remove(confirm->run_dir, HELD);
	confirm->held = false;
	if (!confirm->pending)
		snapshot_remove(confirm->run_dir, TREE);
}

bool confirm_is_held(const struct confirm *confirm, const struct tree_digest *digest)
{
	return confirm->held && tree_digest_equal(&confirm->not_wanted, digest);
}

struct input_options confirm_inputs(const struct confirm *confirm, struct arena *arena,
				    const struct input_options *options)
{
	struct input_options kept = *options;

	kept.root = arena_printf(arena, "%s/%s", confirm->run_path, TREE);
	kept.stands_for = options->root ? options->root : "/etc/pve";
	return kept;
}
