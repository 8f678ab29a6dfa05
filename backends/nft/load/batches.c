/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change as up to two transactions: what is new, then what uses it (nft_write_first()).  The second requires the
 * generation that the first one makes, so that the kernel refuses it if another program has changed something in between.
 */
#include "nft/load/objects.h"

void nft_batches_begin(struct nft_batches *batches, uint32_t generation)
{
	nft_batch_init(&batches->first);
	nft_batch_init(&batches->second);
	nft_batch_begin(&batches->first, generation);
	nft_batch_begin(&batches->second, generation);
}

void nft_batches_end(struct nft_batches *batches)
{
	nft_batch_end(&batches->first);
	nft_batch_end(&batches->second);
	if (!nft_batch_is_empty(&batches->first))
		nft_batch_follow(&batches->second);
}

void nft_batches_free(struct nft_batches *batches)
{
	nft_batch_free(&batches->first);
	nft_batch_free(&batches->second);
}

static void batches_note_one(struct backend_loading *loading, const struct nft_batch *batch)
{
	if (nft_batch_is_empty(batch))
		return;
	loading->messages += batch->count;
	loading->bytes += batch->bytes.len;
	loading->sets += batch->sets;
	loading->chains += batch->chains;
	loading->rules += batch->rules;
	loading->elements += batch->elements;
	loading->deleted += batch->deleted;
}

void nft_batches_note(struct backend_loading *loading, const struct nft_batches *batches)
{
	loading->messages = loading->sets = loading->chains = loading->rules = loading->elements = loading->deleted = 0;
	loading->bytes = 0;
	batches_note_one(loading, &batches->first);
	batches_note_one(loading, &batches->second);
}

bool nft_batches_send(struct nft_kernel *kernel, struct backend_loading *loading, const struct nft_batches *batches,
		      const struct nft_batch **refused, struct nft_answers *answers)
{
	const struct nft_batch *all[] = { &batches->first, &batches->second };

	for (unsigned i = 0; i < 2; i++) {
		if (nft_batch_is_empty(all[i]))
			continue;
		*refused = all[i];
		if (!nft_kernel_send(kernel, loading->arena, all[i], false, answers))
			return false;
		loading->kernel_time += answers->nanoseconds;
		loading->transactions++;
	}
	return true;
}
