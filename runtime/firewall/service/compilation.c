/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/service/compilation.h"

#include <sha1.h>

#include "diag/filter.h"
#include "pipeline/pipeline.h"

static void digest_sources(const struct source_map *map, struct tree_digest *digest)
{
	SHA1_CTX sha;

	SHA1Init(&sha);
	for (uint32_t i = 0; i < map->count; i++) {
		const struct source *source = map->sources[i];

		SHA1Update(&sha, (const uint8_t *)source->path, strlen(source->path) + 1);
		SHA1Update(&sha, (const uint8_t *)&source->size, sizeof(source->size));
		SHA1Update(&sha, (const uint8_t *)source->text, source->size);
	}
	SHA1Final(digest->bytes, &sha);
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
	digest_sources(&c->map, &c->digest);
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

bool tree_digest_equal(const struct tree_digest *a, const struct tree_digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
