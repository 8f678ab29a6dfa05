/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was loaded, by name: a few hundred bytes for each chain and set, so that a
 * service need not keep the ruleset itself, nor ask the kernel.
 */
#include "nft/load/known.h"

#include <stdio.h>
#include <stdlib.h>

#include "nft/load/ask.h"
#include "base/xmalloc.h"

struct nft_known *nft_known_new(void)
{
	return xcalloc(1, sizeof(struct nft_known));
}

void nft_known_forget(struct nft_known *known)
{
	struct nft_known_item *item, *next;

	HASH_CLEAR(by_digest, known->contents);
	HASH_ITER(by_name, known->sets, item, next) {
		HASH_DELETE(by_name, known->sets, item);
		free(item);
	}
	HASH_ITER(by_name, known->chains, item, next) {
		HASH_DELETE(by_name, known->chains, item);
		free(item);
	}
	known->valid = false;
}

void nft_known_free(struct nft_known *known)
{
	if (known)
		nft_known_forget(known);
	free(known);
}

static struct nft_known_item *find(struct nft_known_item *items, struct text name)
{
	struct nft_known_item *item = NULL;

	HASH_FIND(by_name, items, name.ptr, name.len, item);
	return item;
}

const struct nft_known_item *nft_known_chain(const struct nft_known *known, struct text name)
{
	return find(known->chains, name);
}

const struct nft_known_item *nft_known_set(const struct nft_known *known, struct text name)
{
	return find(known->sets, name);
}

const struct nft_known_item *nft_known_contents(const struct nft_known *known, const struct nft_digest *digest)
{
	struct nft_known_item *item = NULL;

	HASH_FIND(by_digest, known->contents, digest, sizeof(*digest), item);
	return item;
}

static struct nft_known_item *add(struct nft_known_item **items, struct text name, const struct nft_digest *digest)
{
	struct nft_known_item *item = xcalloc(1, sizeof(*item) + name.len);

	item->digest = *digest;
	item->len = name.len;
	memcpy(item->name, name.ptr, name.len);
	HASH_ADD_KEYPTR(by_name, *items, item->name, item->len, item);
	return item;
}

void nft_known_put_chain(struct nft_known *known, struct text name, const struct nft_digest *digest)
{
	nft_known_drop_chain(known, name);
	add(&known->chains, name, digest);
}

void nft_known_drop_chain(struct nft_known *known, struct text name)
{
	struct nft_known_item *item = find(known->chains, name);

	if (!item)
		return;
	HASH_DELETE(by_name, known->chains, item);
	free(item);
}

/* Of sets with equal contents, as verdict maps may be, one will do. */
void nft_known_put_set(struct nft_known *known, struct text name, const struct nft_digest *contents)
{
	struct nft_known_item *item;

	if (find(known->sets, name))
		return;
	item = add(&known->sets, name, contents);
	if (!nft_known_contents(known, contents))
		HASH_ADD(by_digest, known->contents, digest, sizeof(item->digest), item);
}

void nft_known_fill(struct nft_known *known, struct nft_kernel *kernel, const struct nft_ruleset *ruleset,
		    const struct nft_digests *digests)
{
	const struct nft_table *table = ruleset->tables[NFT_BRIDGE];
	uint32_t n = 0;

	nft_known_forget(known);
	if (!table || nft_kernel_read_generation(kernel, &known->generation) != 0)
		return;
	for (const struct nft_chain *chain = table->chains; chain; chain = chain->next)
		nft_known_put_chain(known, chain->name, &digests->tables[NFT_BRIDGE].chains[n++]);
	for (const struct nft_set *set = table->sets; set; set = set->next) {
		struct nft_digest contents;

		if (!set->name.len || text_is(set->name, NFT_DIGEST_SET))
			continue;
		contents = nft_digest_contents(set);
		nft_known_put_set(known, set->name, &contents);
	}
	known->valid = true;
}
