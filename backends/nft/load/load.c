/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading: read what is there, build the difference, send it.  The batch names the
 * state it was made for; when someone has changed anything in between, be it in
 * tables that are no concern of ours, the kernel refuses it and all is done once
 * more.  The last try does not insist: it can only fail or be right where nobody but
 * us changes our tables.  A difference that is refused was perhaps made for a table that
 * is no longer what its digests say; the whole ruleset replaces it then.
 */
#include <errno.h>
#include <time.h>

#include "nft/load/objects.h"
#include "nft/load/refusal.h"
#include "base/clock.h"

enum { TRIES = 8 };

/* One attempt at loading. */
struct attempt {
	bool insist; /* on the state that was read */
	bool whole;  /* both tables are replaced */
	bool partly; /* only what differs was sent, of a table at least */
	bool again;  /* another one makes sense */
};

static bool send_batches(struct nft_kernel *kernel, struct backend_loading *loading,
			 const struct nft_batches *batches, struct attempt *attempt)
{
	const struct nft_batch *refused;
	struct nft_answers answers;
	bool taken, changed_externally; /* while we read the tables, or since */

	nft_batches_note(loading, batches);
	if (nft_batches_are_empty(batches) || loading->dry)
		return true;
	loading->kernel_time = 0;
	taken = nft_batches_send(kernel, loading, batches, &refused, &answers);
	changed_externally = answers.count && (answers.refusals[0].error == ERESTART || answers.refusals[0].error == EAGAIN);
	if (changed_externally)
		attempt->again = attempt->insist;
	else if (!taken && attempt->partly && answers.count && !answers.error && !nft_permission_denied(&answers))
		attempt->again = attempt->whole = true;
	if (!taken && !attempt->again)
		nft_problem_answers(loading, refused, &answers);
	return taken;
}

static bool load_once(struct nft_kernel *kernel, struct backend_loading *loading, struct arena *arena,
		      const struct nft_ruleset *ruleset, struct nft_objects *desired, struct nft_cache *cache,
		      struct attempt *attempt)
{
	struct arena_mark mark = arena_mark(arena);
	int64_t begin = clock_ns(CLOCK_MONOTONIC), read;
	struct nft_loaded loaded;
	struct nft_batches batches;
	bool done = false;
	int reason;

	reason = nft_kernel_read(kernel, arena, &loaded);
	read = clock_ns(CLOCK_MONOTONIC);
	loading->read_time = read - begin;
	if (!attempt->insist)
		loaded.generation = 0;
	nft_batches_begin(&batches, loaded.generation);
	if (!reason)
		reason = nft_batch_change(&batches, kernel, arena, ruleset, desired, &loaded, cache, attempt->whole, loading);
	loading->build_time += clock_ns(CLOCK_MONOTONIC) - read;
	for (unsigned i = 0; i < NFT_TABLES; i++)
		attempt->partly |= !attempt->whole && loaded.tables[i].exists;
	if (!reason)
		done = send_batches(kernel, loading, &batches, attempt);
	else
		attempt->again = attempt->insist && reason == EINTR;
	if (reason && !attempt->again)
		nft_problem_errno(loading, "read the loaded ruleset", reason);
	nft_batches_free(&batches);
	arena_release(arena, mark);
	return done;
}

bool nft_kernel_load(struct nft_kernel *kernel, struct backend_loading *loading, struct arena *arena,
		     const struct nft_ruleset *ruleset, struct nft_cache *cache)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	struct nft_objects desired = nft_objects_of(arena, ruleset);
	struct attempt attempt = { .whole = loading->whole };
	bool done;

	loading->build_time += clock_ns(CLOCK_MONOTONIC) - begin;
	for (unsigned i = 1;; i++) {
		attempt = (struct attempt){ .insist = i < TRIES, .whole = attempt.whole };
		done = load_once(kernel, loading, arena, ruleset, &desired, cache, &attempt);
		if (done || !attempt.again)
			break;
	}
	if (cache && done && !loading->dry)
		nft_cache_fill(cache, kernel, &desired);
	else if (cache)
		nft_cache_forget(cache);
	return done;
}

bool nft_is_in_force(struct arena *arena)
{
	struct nft_kernel kernel;
	struct nft_loaded loaded = { 0 };
	bool in_force = nft_kernel_open(&kernel) == 0 && nft_kernel_read(&kernel, arena, &loaded) == 0;

	nft_kernel_close(&kernel);
	for (unsigned i = 0; i < NFT_TABLES && in_force; i++)
		if (loaded.tables[i].exists)
			return true;
	return false;
}

void nft_explain_refusal(struct nft_kernel *kernel, struct backend_loading *loading,
			 const struct nft_ruleset *ruleset)
{
	struct nft_answers answers;
	struct nft_batch batch;

	nft_batch_init(&batch);
	nft_batch_replace(&batch, ruleset);
	if (!nft_kernel_send(kernel, loading->arena, &batch, true, &answers))
		nft_problem_answers(loading, &batch, &answers);
	nft_batch_free(&batch);
}

bool nft_config_load(struct backend_loading *loading, const struct config *config, struct nft_cache *cache)
{
	static const struct nft_ruleset nothing;
	struct arena arena = { 0 };
	struct nft_kernel kernel;
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	const struct nft_ruleset *ruleset = config ? nft_lower(&arena, config) : &nothing;
	int reason = nft_kernel_open(&kernel);
	bool loaded = false;

	loading->lower_time = clock_ns(CLOCK_MONOTONIC) - begin;
	if (reason)
		nft_problem_errno(loading, "communicate with the kernel", reason);
	else
		loaded = nft_kernel_load(&kernel, loading, &arena, ruleset, cache);
	nft_kernel_close(&kernel);
	arena_free(&arena);
	return loaded;
}
