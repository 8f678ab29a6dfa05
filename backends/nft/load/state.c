/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads back our tables: names and kinds of chains, sets and helpers, and the digests; the elements of a set only on
 * request.  Rules are not read: the digests represent them.
 */
#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>

#include "nft/load/ask.h"

/* ---- dumps ---- */

/* A growing list; its earlier copies stay in the arena. */
struct list {
	struct arena *arena;
	char *items;
	uint32_t count, room;
	size_t size; /* of one */
};

static void *list_add(struct list *list)
{
	char *grown;

	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 64;
		grown = arena_alloc(list->arena, list->room * list->size);
		if (list->count)
			memcpy(grown, list->items, list->count * list->size);
		list->items = grown;
	}
	return list->items + list->count++ * list->size;
}

/* The context of a dump's callbacks. */
struct dump {
	struct list list;
	const char *table;
	bool anonymous; /* sets, too */
};

static void forget_items(void *context)
{
	struct dump *d = context;

	d->list.count = 0;
}

/* Dumps objects; the callback turns them into items. */
static int state_dump(struct nft_kernel *kernel, uint16_t type, uint8_t family, mnl_cb_t callback,
		      struct dump *dump)
{
	_Alignas(struct nlmsghdr) char buffer[512];
	struct nlmsghdr *message = nft_request_begin(kernel, buffer, type, family, NLM_F_DUMP);

	/* The kernel dumps the chains of all tables; the callback skips those of others. */
	if (type != NFT_MSG_GETCHAIN)
		mnl_attr_put_strz(message, NFTA_SET_TABLE, dump->table);
	if (type == NFT_MSG_GETOBJ)
		nft_put_u32(message, NFTA_OBJ_TYPE, NFT_OBJECT_CT_HELPER);
	return nft_kernel_ask(kernel, message, callback, forget_items, dump);
}

/* ---- attributes ---- */

static struct text name_of(struct arena *arena, const struct nlattr *attribute)
{
	return attribute ? arena_copy(arena, text_of(mnl_attr_get_str(attribute))) : TEXT("");
}

/* Parses the attributes of a message; returns false if it is about another table.  TABLE and NAME have the same
 * numbers in sets, objects and elements. */
static bool state_parse(const struct nlmsghdr *message, const struct dump *dump, const struct nlattr **found)
{
	memset(found, 0, NFT_ATTRIBUTES * sizeof(*found));
	mnl_attr_parse(message, sizeof(struct nfgenmsg), nft_collect, found);
	return found[NFTA_SET_TABLE] && strcmp(mnl_attr_get_str(found[NFTA_SET_TABLE]), dump->table) == 0;
}

/* ---- chains, sets, helpers ---- */

static int take_chain(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES], *hook[NFT_ATTRIBUTES] = { NULL };
	struct dump *d = context;
	struct nft_loaded_chain *chain;

	if (!state_parse(message, d, found))
		return MNL_CB_OK;
	chain = list_add(&d->list);
	chain->name = name_of(d->list.arena, found[NFTA_CHAIN_NAME]);
	chain->hook = NFT_HOOK_NONE;
	if (found[NFTA_CHAIN_HOOK]) {
		mnl_attr_parse_nested(found[NFTA_CHAIN_HOOK], nft_collect, hook);
		chain->hook = (enum nft_hook)nft_get_u32(hook[NFTA_HOOK_HOOKNUM]);
		chain->priority = (int32_t)nft_get_u32(hook[NFTA_HOOK_PRIORITY]);
		chain->policy = nft_get_u32(found[NFTA_CHAIN_POLICY]);
		chain->filters = found[NFTA_CHAIN_TYPE] && strcmp(mnl_attr_get_str(found[NFTA_CHAIN_TYPE]), "filter") == 0;
	}
	return MNL_CB_OK;
}

static int take_set(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES], *description[NFT_ATTRIBUTES] = { NULL };
	struct dump *d = context;
	struct nft_loaded_set *set;

	if (!state_parse(message, d, found) ||
	    (!d->anonymous && nft_get_u32(found[NFTA_SET_FLAGS]) & NFT_SET_ANONYMOUS))
		return MNL_CB_OK;
	set = list_add(&d->list);
	set->name = name_of(d->list.arena, found[NFTA_SET_NAME]);
	set->flags = nft_get_u32(found[NFTA_SET_FLAGS]);
	set->key_type = nft_get_u32(found[NFTA_SET_KEY_TYPE]);
	set->key_length = nft_get_u32(found[NFTA_SET_KEY_LEN]);
	set->data_type = nft_get_u32(found[NFTA_SET_DATA_TYPE]);
	if (found[NFTA_SET_TIMEOUT])
		set->timeout = be64toh(mnl_attr_get_u64(found[NFTA_SET_TIMEOUT]));
	if (found[NFTA_SET_DESC])
		mnl_attr_parse_nested(found[NFTA_SET_DESC], nft_collect, description);
	set->size = nft_get_u32(description[NFTA_SET_DESC_SIZE]);
	return MNL_CB_OK;
}

static int take_helper(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES];
	struct dump *d = context;

	if (state_parse(message, d, found))
		*(struct text *)list_add(&d->list) = name_of(d->list.arena, found[NFTA_OBJ_NAME]);
	return MNL_CB_OK;
}

static int state_read_list(struct nft_kernel *kernel, struct dump *d, uint16_t type, uint8_t family,
		     mnl_cb_t callback)
{
	int reason = state_dump(kernel, type, family, callback, d);

	if (d->list.count)
		qsort(d->list.items, d->list.count, d->list.size, compare_names);
	return reason;
}

/* ---- elements ---- */

static int ask_elements(struct nft_kernel *kernel, uint8_t family, struct text name, mnl_cb_t callback,
			struct dump *d)
{
	_Alignas(struct nlmsghdr) char buffer[1024];
	struct nlmsghdr *message = nft_request_begin(kernel, buffer, NFT_MSG_GETSETELEM, family, NLM_F_DUMP);

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, d->table);
	nft_put_text(message, NFTA_SET_ELEM_LIST_SET, name);
	return nft_kernel_ask(kernel, message, callback, forget_items, d);
}

static void take_verdict(struct nft_kernel_element *element, struct arena *arena, const struct nlattr *data)
{
	const struct nlattr *verdict[NFT_ATTRIBUTES] = { NULL };

	if (!data || mnl_attr_get_payload_len(data) < sizeof(struct nlattr))
		return;
	mnl_attr_parse_nested(mnl_attr_get_payload(data), nft_collect, verdict);
	element->verdict = (int)nft_get_u32(verdict[NFTA_VERDICT_CODE]);
	element->chain = name_of(arena, verdict[NFTA_VERDICT_CHAIN]);
}

/* Until join_ranges(), `has_end` marks the end of a range. */
static int take_element(const struct nlattr *attribute, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL }, *value;
	struct list *list = context;
	struct nft_kernel_element *element;

	mnl_attr_parse_nested(attribute, nft_collect, found);
	if (!found[NFTA_SET_ELEM_KEY]) {
		if (nft_get_u32(found[NFTA_SET_ELEM_FLAGS]) & NFT_SET_ELEM_CATCHALL)
			*(struct nft_kernel_element *)list_add(list) = (struct nft_kernel_element){ .any = true };
		return MNL_CB_OK;
	}
	element = list_add(list);
	*element = (struct nft_kernel_element){ .has_end = false };
	value = mnl_attr_get_payload(found[NFTA_SET_ELEM_KEY]);
	if (mnl_attr_get_payload_len(value) <= NFT_KEY_BYTES)
		memcpy(element->key, mnl_attr_get_payload(value), mnl_attr_get_payload_len(value));
	element->has_end = nft_get_u32(found[NFTA_SET_ELEM_FLAGS]) & NFT_SET_ELEM_INTERVAL_END;
	if (!element->has_end)
		take_verdict(element, list->arena, found[NFTA_SET_ELEM_DATA]);
	return MNL_CB_OK;
}

static int take_elements(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES];
	struct dump *d = context;

	if (!state_parse(message, d, found) || !found[NFTA_SET_ELEM_LIST_ELEMENTS])
		return MNL_CB_OK;
	return mnl_attr_parse_nested(found[NFTA_SET_ELEM_LIST_ELEMENTS], take_element, &d->list);
}

/* Sorts by key; at the same key the end of the previous range comes first.  The catch-all element comes last. */
static int compare_parts(const void *a, const void *b)
{
	const struct nft_kernel_element *x = a, *y = b;
	int order = memcmp(x->key, y->key, sizeof(x->key));

	if (x->any != y->any)
		return x->any - y->any;
	return order ? order : y->has_end - x->has_end;
}

/* Joins beginnings and ends of ranges; returns the number of elements. */
static uint32_t join_ranges(struct nft_kernel_element *parts, uint32_t count, bool interval)
{
	uint32_t joined = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!parts[i].has_end) {
			parts[joined] = parts[i];
			parts[joined++].open = interval && !parts[i].any;
		} else if (!joined || parts[joined - 1].has_end) {
			parts[joined] = parts[i];
			parts[joined].has_end = false;
			parts[joined++].first = true;
		} else {
			parts[joined - 1].has_end = true;
			parts[joined - 1].open = false;
			memcpy(parts[joined - 1].end, parts[i].key, sizeof(parts[i].key));
		}
	}
	return joined;
}

int nft_kernel_read_elements(struct nft_kernel *kernel, struct arena *arena, uint8_t family, struct text name,
			     bool interval, struct nft_kernel_element **elements, uint32_t *count)
{
	struct dump d = { .list = { .arena = arena, .size = sizeof(**elements) }, .table = NFT_TABLE_NAME };
	int reason = ask_elements(kernel, family, name, take_elements, &d);

	*elements = (struct nft_kernel_element *)(void *)d.list.items;
	if (d.list.count)
		qsort(d.list.items, d.list.count, d.list.size, compare_parts);
	*count = join_ranges(*elements, d.list.count, interval);
	return reason;
}

/* ---- tables ---- */

static int take_digest(const struct nlattr *attribute, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL }, *value;

	mnl_attr_parse_nested(attribute, nft_collect, found);
	value = found[NFTA_SET_ELEM_KEY] ? mnl_attr_get_payload(found[NFTA_SET_ELEM_KEY]) : NULL;
	if (value && mnl_attr_get_payload_len(value) == NFT_DIGEST_BYTES)
		memcpy(list_add(context), mnl_attr_get_payload(value), NFT_DIGEST_BYTES);
	return MNL_CB_OK;
}

static int take_digests(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES];
	struct dump *d = context;

	if (!state_parse(message, d, found) || !found[NFTA_SET_ELEM_LIST_ELEMENTS])
		return MNL_CB_OK;
	return mnl_attr_parse_nested(found[NFTA_SET_ELEM_LIST_ELEMENTS], take_digest, &d->list);
}

/* Reads the digests; a table without them is not marked as known. */
static int read_digests(struct nft_kernel *kernel, struct arena *arena, uint8_t family,
			struct nft_loaded_table *table)
{
	struct dump d = { { .arena = arena, .size = sizeof(*table->digests) }, NFT_TABLE_NAME, false };
	int reason = ask_elements(kernel, family, TEXT(NFT_DIGEST_SET), take_digests, &d);

	table->known = reason == 0;
	table->digests = (struct nft_digest *)(void *)d.list.items;
	table->digest_count = d.list.count;
	if (d.list.count)
		qsort(d.list.items, d.list.count, d.list.size, compare_digests_16);
	return reason == ENOENT ? 0 : reason;
}

static int take_table(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL };
	struct nft_loaded_table *table = context;

	mnl_attr_parse(message, sizeof(struct nfgenmsg), nft_collect, found);
	table->exists = true;
	table->dormant = nft_get_u32(found[NFTA_TABLE_FLAGS]) & NFT_TABLE_F_DORMANT;
	return MNL_CB_OK;
}

static int read_existence(struct nft_kernel *kernel, uint8_t family, struct nft_loaded_table *table)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct nlmsghdr *message = nft_request_begin(kernel, buffer, NFT_MSG_GETTABLE, family, NLM_F_ACK);
	int reason;

	mnl_attr_put_strz(message, NFTA_TABLE_NAME, NFT_TABLE_NAME);
	reason = nft_kernel_ask(kernel, message, take_table, NULL, table);
	/* A kernel without the family has no such table. */
	return reason == ENOENT || reason == EAFNOSUPPORT || reason == EOPNOTSUPP ? 0 : reason;
}

int nft_kernel_read_chains(struct nft_kernel *kernel, struct arena *arena, uint8_t family,
			   struct nft_loaded_table *table)
{
	struct dump chains = { { .arena = arena, .size = sizeof(*table->chains) }, NFT_TABLE_NAME, false };
	int reason = state_read_list(kernel, &chains, NFT_MSG_GETCHAIN, family, take_chain);

	table->chains = (struct nft_loaded_chain *)(void *)chains.list.items;
	table->chain_count = chains.list.count;
	return reason;
}

int nft_kernel_read_names(struct nft_kernel *kernel, struct arena *arena, uint8_t family,
			  struct nft_loaded_table *table)
{
	struct dump sets = { { .arena = arena, .size = sizeof(*table->sets) }, NFT_TABLE_NAME, false };
	struct dump helpers = { { .arena = arena, .size = sizeof(*table->helpers) }, NFT_TABLE_NAME, false };
	int reason = nft_kernel_read_chains(kernel, arena, family, table);

	if (!reason)
		reason = state_read_list(kernel, &sets, NFT_MSG_GETSET, family, take_set);
	if (!reason)
		reason = state_read_list(kernel, &helpers, NFT_MSG_GETOBJ, family, take_helper);
	table->sets = (struct nft_loaded_set *)(void *)sets.list.items;
	table->set_count = sets.list.count;
	table->helpers = (struct text *)(void *)helpers.list.items;
	table->helper_count = helpers.list.count;
	return reason;
}

/* ---- generations ---- */

static int take_generation(const struct nlmsghdr *message, void *context)
{
	const struct nlattr *found[NFT_ATTRIBUTES] = { NULL };

	mnl_attr_parse(message, sizeof(struct nfgenmsg), nft_collect, found);
	*(uint32_t *)context = nft_get_u32(found[NFTA_GEN_ID]);
	return MNL_CB_OK;
}

int nft_kernel_read_generation(struct nft_kernel *kernel, uint32_t *generation)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct nlmsghdr *message = nft_request_begin(kernel, buffer, NFT_MSG_GETGEN, AF_UNSPEC, NLM_F_ACK);

	return nft_kernel_ask(kernel, message, take_generation, NULL, generation);
}

int nft_kernel_read(struct nft_kernel *kernel, struct arena *arena, struct nft_loaded *loaded)
{
	int reason;

	/* Read the generation first: if the tables change afterwards, the kernel refuses the batch. */
	*loaded = (struct nft_loaded){ 0 };
	reason = nft_kernel_read_generation(kernel, &loaded->generation);
	for (unsigned i = 0; i < NFT_TABLES && !reason; i++) {
		struct nft_loaded_table *table = &loaded->tables[i];

		reason = read_existence(kernel, nft_families[i], table);
		if (!reason && table->exists)
			reason = read_digests(kernel, arena, nft_families[i], table);
	}
	return reason;
}
