/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/service/compilation.h"

#include <sha1.h>

#include "diag/filter.h"
#include "pipeline/pipeline.h"

static int compare_paths(const void *a, const void *b)
{
	return strcmp((*(struct source *const *)a)->path, (*(struct source *const *)b)->path);
}

/* Files that were read again are at the end of the map. */
void compilation_digest(struct compilation *c)
{
	struct arena arena = { 0 };
	struct source **sources = ARENA_ARRAY(&arena, struct source *, c->map.count + 1);
	SHA1_CTX sha;

	if (c->map.count)
		memcpy(sources, c->map.sources, c->map.count * sizeof(*sources));
	qsort(sources, c->map.count, sizeof(*sources), compare_paths);
	SHA1Init(&sha);
	for (uint32_t i = 0; i < c->map.count; i++) {
		const struct source *source = sources[i];

		SHA1Update(&sha, (const uint8_t *)source->path, strlen(source->path) + 1);
		SHA1Update(&sha, (const uint8_t *)&source->size, sizeof(source->size));
		SHA1Update(&sha, (const uint8_t *)source->text, source->size);
	}
	SHA1Final(c->digest.bytes, &sha);
	arena_free(&arena);
}

void compilation_run(struct compilation *c, const struct input_options *options, struct source_cache *cache)
{
	compilation_run_without(c, options, cache, NULL);
}

void compilation_again(struct compilation *c)
{
	struct compilation before = *c;

	c->kept = (struct arena){ 0 };
	compilation_free(c);
	compilation_run_without(c, &before.options, before.cache, before.left_out);
	c->kept = before.kept;
}

void compilation_run_without(struct compilation *c, const struct input_options *options, struct source_cache *cache,
			     struct left_out *left_out)
{
	struct pipeline p = { .options = options, .diags = &c->diags, .left_out = left_out };

	*c = (struct compilation){ .options = *options, .cache = cache, .left_out = left_out };
	source_map_init(&c->map, &c->arena);
	c->map.cache = cache;
	diags_init(&c->diags, &c->arena, &c->map);
	pipeline_run(&p);
	if (!p.configs.count)
		return;
	compilation_digest(c);
	c->inputs = p.only;
	c->config = p.configs.configs[0];
	c->backend = backend_of_host(c->config);
	diags_choose(&c->diags, NULL);
}

void compilation_free(struct compilation *c)
{
	if (c->config)
		config_free(c->config);
	arena_free(&c->arena);
	arena_free(&c->kept);
}

/* ---- changes of guests' files ---- */

static const struct guest *find_by_file(const struct guest *guest, const char *file)
{
	while (guest && !(guest->file && strcmp(guest->file->path, file) == 0))
		guest = guest->next;
	return guest;
}

const struct guest *compilation_find_guest(const struct compilation *c, const char *file)
{
	const struct guest *guest = find_by_file(c->config->guests, file);

	return guest ? guest : find_by_file(c->config->strangers, file);
}

/* Comments that suppress diagnostics are those of this file. */
static void choose_diagnostics(struct compilation *c, struct diags *fresh, struct source *source)
{
	struct source_map alone = c->map;

	alone.sources = &source;
	alone.count = 1;
	fresh->map = &alone;
	diags_choose(fresh, NULL);
	diags_append(&c->diags, fresh);
}

const struct guest *compilation_read_guest(struct compilation *c, const struct guest *guest)
{
	struct source *source = source_load_again(&c->map, guest->file);
	struct guest *now;
	struct diags fresh;

	if (!source)
		return NULL;
	c->reread += source->size;
	diags_init(&fresh, &c->arena, &c->map);
	c->config->diags = &fresh;
	now = compile_guest(c->config, guest, source);
	c->config->diags = &c->diags;
	choose_diagnostics(c, &fresh, source);
	if (!now->file) { /* an empty file counts as missing */
		scope_free(&now->scope);
		return NULL;
	}
	return now;
}

static void remove_source(struct source_map *map, const struct source *source)
{
	uint32_t i = 0;

	while (i < map->count && map->sources[i] != source)
		i++;
	if (i < map->count)
		memmove(&map->sources[i], &map->sources[i + 1], (--map->count - i) * sizeof(struct source *));
}

/* Drops the diagnostics of files that are not in the map any more. */
static void drop_diagnostics(struct diags *diags)
{
	struct diagnostic *d = diags->first, *next;

	for (diags_clear(diags); d; d = next) {
		next = d->next;
		if (!d->span.begin || source_find(diags->map, d->span.begin))
			diags_add(diags, d);
	}
}

static void replace_in(struct guest **at, const struct guest_change *changes, unsigned count)
{
	for (; *at; at = &(*at)->next)
		for (unsigned i = 0; i < count; i++) {
			struct guest *now = (struct guest *)(uintptr_t)changes[i].new;

			if (*at != changes[i].old)
				continue;
			now->next = (*at)->next;
			scope_free(&(*at)->scope);
			*at = now;
			break;
		}
}

void compilation_replace_guests(struct compilation *c, const struct guest_change *changes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		remove_source(&c->map, changes[i].old->file);
	replace_in(&c->config->guests, changes, count);
	replace_in(&c->config->strangers, changes, count);
	drop_diagnostics(&c->diags);
}

void compilation_drop_guests(const struct guest_change *changes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		scope_free(&((struct guest *)(uintptr_t)changes[i].new)->scope);
}

bool tree_digest_equal(const struct tree_digest *a, const struct tree_digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
