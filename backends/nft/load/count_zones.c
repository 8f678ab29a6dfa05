/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the counters of loaded rules belong to: their comment names a file and a
 * line or an option, their chain a zone.
 */
#include "diag/diag.h"
#include "nft/load/kernel.h"

/* ---- zones ---- */

/* Takes "tap", digits and what `behind` says off the front: "tap100i0" is NIC 0 of 100. */
static struct text number_between(struct text name, const char *before, char behind)
{
	uint32_t from = (uint32_t)strlen(before), to = from;

	while (text_starts(name, before) && to < name.len && char_is_digit(name.ptr[to]))
		to++;
	if (to == from || to >= name.len || name.ptr[to] != behind)
		return (struct text){ NULL, 0 };
	return (struct text){ name.ptr + from, to - from };
}

static bool ends_in_way(struct text name, uint32_t *len)
{
	static const char *const ways[] = { "-in", "-out", "-forward" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (text_ends(name, ways[i])) {
			*len = name.len - (uint32_t)strlen(ways[i]);
			return true;
		}
	return false;
}

/*
 * Takes one part of the end off: "-2" of a chain that holds a part of a rule; "-tcp-80-89", "-ports" and others of the
 * chains that port maps lead to (lower/port_map.c), whose words can have a number.
 */
static bool take_part(struct text *chain)
{
	static const char *const words[] = { "", "tcp", "udp", "dccp", "sctp", "udplite", "ports", "none", "limit" };
	uint32_t end = chain->len, begin;

	while (end && char_is_digit(chain->ptr[end - 1]))
		end--;
	begin = end;
	while (begin && chain->ptr[begin - 1] != '-')
		begin--;
	if (!begin || begin == chain->len)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (text_is((struct text){ chain->ptr + begin, end - begin }, words[i])) {
			chain->len = begin - 1;
			return true;
		}
	return false;
}

/* The NAME of "group-NAME-in", "group-NAME-in-3" or "group-NAME-in-tcp-80"; names may end as chains do. */
static struct text name_between(struct text chain, const char *before)
{
	uint32_t from = (uint32_t)strlen(before), to = 0;
	struct text rest = chain;

	while (!ends_in_way(rest, &to))
		if (!take_part(&rest))
			return (struct text){ NULL, 0 };
	return to > from ? (struct text){ chain.ptr + from, to - from } : (struct text){ NULL, 0 };
}

struct backend_zone nft_zone_of(struct text chain)
{
	static const struct {
		const char *before;
		char behind;
	} guests[] = { { "tap", 'i' }, { "veth", 'i' }, { "guest-", '-' } };

	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		struct text vmid = number_between(chain, guests[i].before, guests[i].behind);

		if (vmid.len)
			return (struct backend_zone){ BACKEND_GUEST, vmid };
	}
	if (text_starts(chain, "vnet-"))
		return (struct backend_zone){ BACKEND_VNET, name_between(chain, "vnet-") };
	if (text_starts(chain, "group-"))
		return (struct backend_zone){ BACKEND_GROUP, name_between(chain, "group-") };
	return (struct backend_zone){ BACKEND_HOST, TEXT("host") };
}

/* ---- lines ---- */

bool nft_comment_parse(struct text comment, struct text *file, uint32_t *line, struct text *option)
{
	long colon = text_find(comment, ':');
	uint64_t number = 0;

	if (colon <= 0)
		return false;
	*file = (struct text){ comment.ptr, (uint32_t)colon };
	*option = (struct text){ comment.ptr + colon + 1, comment.len - (uint32_t)colon - 1 };
	*line = 0;
	if (text_starts(*option, " ") && option->len > 1) {
		option->ptr++;
		option->len--;
		return true;
	}
	if (!text_to_number(*option, UINT32_MAX, &number) || !number)
		return false;
	*line = (uint32_t)number;
	*option = (struct text){ NULL, 0 };
	return true;
}

/* ---- files ---- */

struct file {
	struct text name;
	const struct source *source;
	UT_hash_handle hh;
};

struct counting {
	struct arena arena;
	struct file *files, *vnet_files; /* uthash, by name without the folder */
	backend_count_function *function;
	void *context;
	uint32_t *skipped;
};

static void add_files(struct counting *c, const struct source_map *map)
{
	for (uint32_t i = 0; i < map->count; i++) {
		struct file *file, *same = NULL, **files;
		const char *path = map->sources[i]->path, *slash = strrchr(path, '/');

		files = strncmp(path, "sdn/", 4) == 0 ? &c->vnet_files : &c->files;
		file = ARENA_NEW(&c->arena, struct file);
		file->name = text_of(slash ? slash + 1 : path);
		file->source = map->sources[i];
		HASH_FIND(hh, *files, file->name.ptr, file->name.len, same);
		if (!same && text_ends(file->name, ".fw"))
			HASH_ADD_KEYPTR(hh, *files, file->name.ptr, file->name.len, file);
	}
}

static void take_counter(void *context, const struct nft_counter *counter)
{
	struct counting *c = context;
	struct backend_count count = { .zone = nft_zone_of(counter->chain),
				       .outcome = counter->outcome,
				       .packets = counter->packets,
				       .bytes = counter->bytes };
	struct file *file = NULL;
	struct text name;

	if (nft_comment_parse(counter->comment, &name, &count.line, &count.option))
		HASH_FIND(hh, count.zone.kind == BACKEND_VNET ? c->vnet_files : c->files, name.ptr, name.len,
			  file);
	if (!file) {
		++*c->skipped;
		return;
	}
	count.source = file->source;
	c->function(c->context, &count);
}

int nft_counters(const struct config *config, backend_count_function *function, void *context,
		 uint32_t *skipped)
{
	struct counting c = { .function = function, .context = context, .skipped = skipped };
	struct nft_kernel kernel;
	int reason;

	*skipped = 0;
	add_files(&c, config->diags->map);
	reason = nft_kernel_open(&kernel);
	if (!reason)
		reason = nft_counters_read(&kernel, take_counter, &c);
	nft_kernel_close(&kernel);
	HASH_CLEAR(hh, c.files);
	HASH_CLEAR(hh, c.vnet_files);
	arena_free(&c.arena);
	return reason;
}
