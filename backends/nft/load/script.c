/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading the script through libnftables, which parses, evaluates and sends it as
 * `nft -f` does.  It knows lines of the script only: what it is refused is asked of
 * the kernel once more, without effect, with messages that know where they come
 * from.
 */
#include <time.h>

#include "nft/load/libnftables.h"
#include "nft/load/objects.h"
#include "nft/load/refusal.h"
#include "base/clock.h"

enum { WORDS_MOST = 1000 };

/* Runs the script with libnftables; its error messages go to `words`. */
static bool nft_script_run(const struct libnftables *library, struct backend_loading *loading, const char *script,
			   const char **words)
{
	struct nft_ctx *context = library->nft_ctx_new(NFT_CTX_DEFAULT);
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	bool done;

	*words = "libnftables cannot be used";
	if (!context)
		return false;
	library->nft_ctx_buffer_error(context);
	library->nft_ctx_buffer_output(context);
	done = library->nft_run_cmd_from_buffer(context, script) == 0;
	loading->kernel_time = clock_ns(CLOCK_MONOTONIC) - begin;
	*words = arena_printf(loading->arena, "%.*s", WORDS_MOST, library->nft_ctx_get_error_buffer(context));
	library->nft_ctx_free(context);
	return done;
}

/* Records the size of the script as a number of netlink messages. */
static void note_size(struct backend_loading *loading, const struct nft_ruleset *ruleset, size_t bytes)
{
	struct nft_batch batch;

	nft_batch_init(&batch);
	nft_batch_replace(&batch, ruleset);
	loading->messages = batch.count;
	loading->sets = batch.sets;
	loading->chains = batch.chains;
	loading->rules = batch.rules;
	loading->elements = batch.elements;
	loading->deleted = batch.deleted;
	loading->bytes = bytes;
	nft_batch_free(&batch);
}

static bool nft_script_send(const struct libnftables *library, struct nft_kernel *kernel,
			    struct backend_loading *loading, const struct nft_ruleset *ruleset, const char *script)
{
	struct nft_loaded *loaded = ARENA_NEW(loading->arena, struct nft_loaded);
	int reason = nft_kernel_read(kernel, loading->arena, loaded);
	const char *words;

	if (reason) {
		nft_problem_errno(loading, "read the loaded ruleset", reason);
		return false;
	}
	if (nft_script_run(library, loading, script, &words))
		return true;
	nft_explain_refusal(kernel, loading, ruleset);
	if (!loading->problems)
		backend_problem_add(loading, SPAN_NONE, "nft refuses the script: %s", words);
	return false;
}

bool nft_script_load(struct backend_loading *loading, const struct config *config)
{
	struct libnftables library;
	struct arena arena = { 0 };
	struct nft_kernel kernel;
	const struct nft_ruleset *ruleset;
	const char *missing;
	struct out script;
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	bool loaded = false;
	int reason;

	if (!config)
		return nft_config_load(loading, NULL, NULL);
	missing = libnftables_load(&library, loading->arena);
	if (missing) {
		backend_problem_add(loading, SPAN_NONE, "target nft: %s; install it, or use the target netlink", missing);
		return false;
	}
	ruleset = nft_lower(&arena, config);
	loading->lower_time = clock_ns(CLOCK_MONOTONIC) - begin;
	begin = clock_ns(CLOCK_MONOTONIC);
	nft_objects_of(&arena, ruleset);
	out_init_memory(&script);
	nft_print(&script, ruleset);
	out_char(&script, '\0');
	loading->build_time = clock_ns(CLOCK_MONOTONIC) - begin;
	note_size(loading, ruleset, script.len - 1);
	reason = nft_kernel_open(&kernel);
	if (reason)
		nft_problem_errno(loading, "communicate with the kernel", reason);
	else
		loaded = nft_script_send(&library, &kernel, loading, ruleset, script.data);
	nft_kernel_close(&kernel);
	out_free(&script);
	arena_free(&arena);
	return loaded;
}
