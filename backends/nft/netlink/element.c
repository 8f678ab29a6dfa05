/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements as the kernel has them. A range is an element at its first key and one,
 * marked as an end, at the first key after it; a range up to the last key has no end
 * but userdata that says so. Like nft, a set of intervals begins with an end at the lowest
 * key, unless a range begins there.
 */
#include "nft/netlink/message.h"

#include <libnftnl/udata.h>
#include <stdlib.h>

#include "nft/netlink/expr.h"

/* Limits of a message: an attribute has at most 64 KiB, and the kernel's buffers take this much without delay. */
enum { NFT_ELEMENTS_MAX = 500, NFT_ELEMENT_BYTES_MAX = 60000 };

/* In concatenations each part begins at a multiple of four bytes. */
static uint32_t nft_part_length(const struct nft_set *set, unsigned part)
{
	return (nft_types[set->parts[part]].length + 3u) & ~3u;
}

uint32_t nft_set_key_length(const struct nft_set *set)
{
	uint32_t length = 0;

	if (set->part_count == 1)
		return nft_types[set->parts[0]].length;
	for (unsigned i = 0; i < set->part_count; i++)
		length += nft_part_length(set, i);
	return length;
}

/* Puts the first key after a range into `end`; false if there is none. A prefix of interface names ends after its last
 * letter. */
static bool nft_range_end(uint8_t *end, const struct nft_value *last, unsigned length)
{
	memcpy(end, last->bytes, last->length);
	for (unsigned i = last->length < length ? last->length : length; i-- > 0;)
		if (++end[i])
			return true;
	return false;
}

struct nft_kernel_element nft_kernel_element(const struct nft_set *set, const struct nft_element *element)
{
	struct nft_kernel_element e = { .verdict = 0 };
	unsigned at = 0;

	for (unsigned i = 0; i < set->part_count; i++) {
		memcpy(e.key + at, element->key[i].bytes, element->key[i].length);
		at += nft_part_length(set, i);
	}
	if (set->interval) {
		e.has_end = nft_range_end(e.end, &element->last, nft_set_key_length(set));
		e.open = !e.has_end;
	}
	if (set->verdicts) {
		e.verdict = nft_verdict_code(element->verdict.kind);
		if (element->verdict.chain)
			e.chain = element->verdict.chain->name;
	}
	return e;
}

bool nft_set_begins_late(const struct nft_set *set)
{
	static const uint8_t lowest[NFT_KEY_BYTES];

	return set->interval && set->element_count &&
	       memcmp(set->elements[0].key[0].bytes, lowest, nft_set_key_length(set)) != 0;
}

static int nft_compare_kernel_elements(const void *a, const void *b)
{
	const struct nft_kernel_element *x = a, *y = b;

	return memcmp(x->key, y->key, sizeof(x->key));
}

struct nft_kernel_element *nft_kernel_elements_of(struct arena *arena, const struct nft_set *set, uint32_t *count)
{
	struct nft_kernel_element *items = ARENA_ARRAY(arena, struct nft_kernel_element, set->element_count + 1);

	*count = 0;
	if (nft_set_begins_late(set))
		items[(*count)++].first = true;
	for (uint32_t i = 0; i < set->element_count; i++)
		items[(*count)++] = nft_kernel_element(set, &set->elements[i]);
	if (*count)
		qsort(items, *count, sizeof(*items), nft_compare_kernel_elements);
	return items;
}

bool nft_kernel_element_equal(const struct nft_kernel_element *a, const struct nft_kernel_element *b)
{
	return memcmp(a->key, b->key, sizeof(a->key)) == 0 && memcmp(a->end, b->end, sizeof(a->end)) == 0 &&
	       a->has_end == b->has_end && a->first == b->first && a->any == b->any && a->verdict == b->verdict &&
	       text_equal(a->chain, b->chain);
}

/* ---- messages ---- */

static void nft_put_key(struct nlmsghdr *message, const uint8_t *key, uint32_t length)
{
	struct nlattr *nest = nft_attr_nest(message, NFTA_SET_ELEM_KEY);

	nft_attr_bytes(message, NFTA_DATA_VALUE, key, length);
	nft_attr_end(message, nest);
}

static void nft_put_verdict(struct nlmsghdr *message, const struct nft_kernel_element *element)
{
	struct nlattr *data = nft_attr_nest(message, NFTA_SET_ELEM_DATA);
	struct nlattr *verdict = nft_attr_nest(message, NFTA_DATA_VERDICT);

	nft_put_u32(message, NFTA_VERDICT_CODE, (uint32_t)element->verdict);
	if (element->chain.len)
		nft_put_text(message, NFTA_VERDICT_CHAIN, element->chain);
	nft_attr_end(message, verdict);
	nft_attr_end(message, data);
}

static void nft_put_end(struct nlmsghdr *message, const uint8_t *key, uint32_t length)
{
	struct nlattr *nest = nft_attr_nest(message, NFTA_LIST_ELEM);

	nft_put_u32(message, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	nft_put_key(message, key, length);
	nft_attr_end(message, nest);
}

static void nft_put_element(struct nft_element_writer *e, const struct nft_kernel_element *element)
{
	static const uint8_t open[] = { NFTNL_UDATA_SET_ELEM_FLAGS, 4, NFTNL_SET_ELEM_F_INTERVAL_OPEN, 0, 0, 0 };
	uint32_t length = nft_set_key_length(e->set);
	struct nlattr *nest;

	if (element->first) {
		nft_put_end(e->message, element->key, length);
		return;
	}
	nest = nft_attr_nest(e->message, NFTA_LIST_ELEM);
	if (element->any)
		nft_put_u32(e->message, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_CATCHALL);
	else
		nft_put_key(e->message, element->key, length);
	if (e->type == NFT_MSG_NEWSETELEM) {
		if (e->set->verdicts)
			nft_put_verdict(e->message, element);
		if (element->open)
			nft_attr_bytes(e->message, NFTA_SET_ELEM_USERDATA, open, sizeof(open));
	}
	nft_attr_end(e->message, nest);
	if (element->has_end)
		nft_put_end(e->message, element->end, length);
}

static void nft_elements_begin(struct nft_element_writer *e)
{
	struct nft_origin origin = { .table = e->w->table, .set = e->set };
	uint16_t flags = e->type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0;

	e->message = nft_message_begin(e->w->batch, e->type, flags, origin);
	nft_attr_string(e->message, NFTA_SET_ELEM_LIST_TABLE, e->w->table->name);
	nft_put_text(e->message, NFTA_SET_ELEM_LIST_SET, e->set->name);
	nft_put_u32(e->message, NFTA_SET_ELEM_LIST_SET_ID, e->w->first_set + e->set->id);
	e->list = nft_attr_nest(e->message, NFTA_SET_ELEM_LIST_ELEMENTS);
	e->count = 0;
}

void nft_elements_end(struct nft_element_writer *e)
{
	if (!e->message)
		return;
	nft_attr_end(e->message, e->list);
	nft_message_end(e->w->batch, e->message);
	e->message = NULL;
}

void nft_element_write(struct nft_element_writer *e, const struct nft_kernel_element *element)
{
	if (e->message && (e->count == NFT_ELEMENTS_MAX || e->message->nlmsg_len > NFT_ELEMENT_BYTES_MAX))
		nft_elements_end(e);
	if (!e->message)
		nft_elements_begin(e);
	nft_put_element(e, element);
	e->count++;
	if (e->type == NFT_MSG_NEWSETELEM)
		e->w->batch->elements++;
	else
		e->w->batch->deleted++;
}

void nft_write_elements(struct nft_writer *w, const struct nft_set *set)
{
	struct nft_element_writer e = { .w = w, .set = set, .type = NFT_MSG_NEWSETELEM };

	if (nft_set_begins_late(set))
		nft_element_write(&e, &(struct nft_kernel_element){ .first = true });
	for (uint32_t i = 0; i < set->element_count; i++) {
		struct nft_kernel_element element = nft_kernel_element(set, &set->elements[i]);

		nft_element_write(&e, &element);
	}
	nft_elements_end(&e);
}
