/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of interfaces, and of pairs of an interface and an address that belongs to it (its
 * MAC address, a source address it may use). One set is shared by all interfaces; a list of one
 * is a comparison.
 */
#include "nft/lower/build.h"

#include <stdlib.h>

/* ---- lists ---- */

struct nft_element *nft_list_add(struct nft_builder *b, struct nft_list *list, struct nft_value first,
				 struct nft_value second)
{
	if (list->count == list->room) {
		struct nft_element *more;

		list->room = list->room * 2 + 8;
		more = ARENA_ARRAY(b->drafts, struct nft_element, list->room);
		if (list->count)
			memcpy(more, list->items, list->count * sizeof(*more));
		list->items = more;
	}
	list->items[list->count] = (struct nft_element){ .key = { first, second } };
	return &list->items[list->count++];
}

struct nft_element *nft_list_add_iface(struct nft_builder *b, struct nft_list *list, struct text name)
{
	return nft_list_add(b, list, nft_iface_value(name, false), (struct nft_value){ .length = 0 });
}

static int nft_compare_elements(const void *a, const void *b)
{
	const struct nft_element *x = a, *y = b;
	int order = memcmp(x->key[0].bytes, y->key[0].bytes, sizeof(x->key[0].bytes));

	return order ? order : memcmp(x->key[1].bytes, y->key[1].bytes, sizeof(x->key[1].bytes));
}

void nft_list_sort(struct nft_list *list, bool keep_first)
{
	struct nft_element *items = list->items;
	uint32_t kept = 0;

	if (list->count)
		qsort(items, list->count, sizeof(*items), nft_compare_elements);
	for (uint32_t i = 0, next; i < list->count; i = next) {
		for (next = i + 1; next < list->count && nft_compare_elements(&items[i], &items[next]) == 0; next++)
			;
		if (next == i + 1 || keep_first)
			items[kept++] = items[i];
	}
	list->count = kept;
}

/* ---- verdict maps ---- */

static struct nft_set nft_list_set(const char *name, unsigned parts, enum nft_type second, const struct nft_list *list)
{
	return (struct nft_set){ .name = text_of(name), .part_count = (uint8_t)parts,
				 .parts = { NFT_TYPE_IFNAME, second }, .elements = list->items,
				 .element_count = list->count };
}

const struct nft_set *nft_map_of(struct nft_builder *b, const char *name, unsigned parts, struct nft_list *list)
{
	struct nft_set draft;

	nft_list_sort(list, true);
	draft = nft_list_set(name, parts, NFT_TYPE_ETHER_ADDR, list);
	draft.verdicts = true;
	return nft_set_add(b, &draft);
}

static struct nft_statement nft_vmap_of(struct nft_builder *b, struct nft_vmap vmap)
{
	struct nft_vmap *copy = ARENA_NEW(b->arena, struct nft_vmap);

	*copy = vmap;
	return (struct nft_statement){ .kind = NFT_STMT_VMAP, .vmap = copy };
}

struct nft_statement nft_vmap(struct nft_builder *b, enum nft_field iface, const struct nft_set *map)
{
	return nft_vmap_of(b, (struct nft_vmap){ { nft_key(iface) }, 1, map });
}

struct nft_statement nft_vmap_pair(struct nft_builder *b, enum nft_field iface, enum nft_field second,
				   const struct nft_set *map)
{
	return nft_vmap_of(b, (struct nft_vmap){ { nft_key(iface), nft_key(second) }, 2, map });
}

/* ---- matches ---- */

void nft_draft_iface_in(struct nft_builder *b, struct nft_draft *d, const char *name, enum nft_field field,
			struct nft_list *list)
{
	struct nft_match m = { .keys = { nft_key(field) }, .key_count = 1, .op = NFT_OP_IN };

	nft_list_sort(list, true);
	if (list->count == 1) {
		nft_draft_add(d, nft_compare(b, field, NFT_OP_EQ, list->items[0].key[0]));
		return;
	}
	m.set = nft_set_of(b, nft_list_set(name, 1, 0, list));
	nft_draft_add(d, nft_match(b, m));
}

void nft_draft_pair(struct nft_builder *b, struct nft_draft *d, const char *name, enum nft_field iface,
		    struct nft_key second, struct nft_list *list, bool in)
{
	struct nft_match m = { .keys = { nft_key(iface), second }, .key_count = 2, .op = in ? NFT_OP_IN : NFT_OP_NOT_IN };

	nft_list_sort(list, true);
	if (list->count == 1) {
		nft_draft_add(d, nft_compare(b, iface, NFT_OP_EQ, list->items[0].key[0]));
		m = (struct nft_match){ .keys = { second }, .key_count = 1, .op = in ? NFT_OP_EQ : NFT_OP_NE,
					.value = list->items[0].key[1] };
	} else {
		m.set = nft_set_of(b, nft_list_set(name, 2, nft_fields[second.field].type, list));
	}
	nft_draft_add(d, nft_match(b, m));
}
