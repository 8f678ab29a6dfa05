/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/left_out.h"

#include <sha2.h>
#include <stdlib.h>

#include "base/xmalloc.h"

const struct layer_row layer_table[LAYERS] = {
#define LAYER(ID, name, effect, remedy) { name, effect, remedy },
#include "config/layers.def"
};

static void free_line(struct left_out *left_out, struct left_out_line *line)
{
	HASH_DEL(left_out->lines, line);
	left_out_free_line(line);
}

static void free_rule(struct left_out *left_out, struct left_out_rule *rule)
{
	HASH_DEL(left_out->rules, rule);
	free(rule->words);
	free(rule);
}

void left_out_clear(struct left_out *left_out)
{
	struct left_out_line *line, *next_line;
	struct left_out_rule *rule, *next_rule;

	HASH_ITER(hh, left_out->lines, line, next_line)
		free_line(left_out, line);
	HASH_ITER(hh, left_out->rules, rule, next_rule)
		free_rule(left_out, rule);
	for (unsigned i = 0; i < LAYERS; i++)
		free(left_out->layer_words[i]);
	*left_out = (struct left_out){ .lines = NULL };
}

/* ---- lines ---- */

/* The line around an offset, without spaces at its ends. */
static struct text line_around(const struct source *source, uint32_t offset)
{
	uint32_t begin = offset, end = offset;

	while (begin > 0 && source->text[begin - 1] != '\n')
		begin--;
	while (end < source->size && source->text[end] != '\n')
		end++;
	while (begin < end && (char_is_blank(source->text[begin]) || source->text[begin] == '\r'))
		begin++;
	while (end > begin && (char_is_blank(source->text[end - 1]) || source->text[end - 1] == '\r'))
		end--;
	return (struct text){ source->text + begin, end - begin };
}

static struct left_out_line *new_line(const char *path, struct text text)
{
	size_t path_size = strlen(path) + 1;
	struct left_out_line *line = xcalloc(1, sizeof(*line) + path_size + text.len + 1);

	memcpy(line->key, path, path_size);
	memcpy(line->key + path_size, text.ptr, text.len);
	line->path = line->key;
	line->text = line->key + path_size;
	return line;
}

const struct left_out_line *left_out_find(const struct left_out *left_out, const struct source *source,
					  uint32_t position)
{
	struct left_out_line *found = NULL, *wanted;
	struct text text;

	if (!left_out || !left_out->lines || position < source->base || position - source->base > source->size)
		return NULL;
	text = line_around(source, position - source->base);
	wanted = new_line(source->path, text);
	HASH_FIND(hh, left_out->lines, wanted->key, strlen(source->path) + 1 + text.len, found);
	free(wanted);
	return found;
}

static uint64_t content_of(const struct source_map *map, const char *path)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint64_t first;
	SHA2_CTX sha;

	SHA256Init(&sha);
	for (uint32_t i = 0; i < map->count; i++) {
		const struct source *source = map->sources[i];
		const char *name = base_name(source->path);

		/* cluster.fw and host.fw decide for every rule */
		if (strcmp(name, "cluster.fw") == 0 || strcmp(name, "host.fw") == 0 ||
		    strcmp(source->path, path) == 0)
			SHA256Update(&sha, (const uint8_t *)source->text, source->size);
	}
	SHA256Final(digest, &sha);
	memcpy(&first, digest, sizeof(first));
	return first;
}

struct left_out_line *left_out_new_line(const struct source_map *map, uint32_t position, const char *words)
{
	const struct source *source = source_find(map, position);
	struct left_out_line *line;

	if (!source)
		return NULL;
	line = new_line(source->path, line_around(source, position - source->base));
	line->words = xstrdup(words);
	line->number = source_line_number(map, position);
	line->content = content_of(map, source->path);
	return line;
}

void left_out_free_line(struct left_out_line *line)
{
	if (line)
		free(line->words);
	free(line);
}

static size_t key_len(const struct left_out_line *line)
{
	return strlen(line->path) + 1 + strlen(line->text);
}

bool left_out_put_line(struct left_out *left_out, const struct left_out_line *line)
{
	struct left_out_line *found = NULL, *copy;

	HASH_FIND(hh, left_out->lines, line->key, key_len(line), found);
	if (found)
		return false;
	copy = new_line(line->path, text_of(line->text));
	copy->words = xstrdup(line->words);
	copy->number = line->number;
	copy->content = line->content;
	HASH_ADD_KEYPTR(hh, left_out->lines, copy->key, key_len(copy), copy);
	return true;
}

void left_out_remove_line(struct left_out *left_out, const struct left_out_line *line)
{
	struct left_out_line *found = NULL;

	HASH_FIND(hh, left_out->lines, line->key, key_len(line), found);
	if (found)
		free_line(left_out, found);
}

bool left_out_add_line(struct left_out *left_out, const struct source_map *map, uint32_t position, const char *words)
{
	struct left_out_line *line = left_out_new_line(map, position, words);
	bool added = line && left_out_put_line(left_out, line);

	left_out_free_line(line);
	return added;
}

bool left_out_add_text(struct left_out *left_out, const char *path, struct text text, const char *words)
{
	struct left_out_line *line = new_line(path, text);
	bool added;

	line->words = xstrdup(words);
	added = left_out_put_line(left_out, line);
	left_out_free_line(line);
	return added;
}

bool left_out_expire(struct left_out *left_out, const struct source_map *map)
{
	struct left_out_line *line, *next;
	bool any = false;

	HASH_ITER(hh, left_out->lines, line, next)
		if (line->content != content_of(map, line->path)) {
			free_line(left_out, line);
			any = true;
		}
	return any;
}

/* ---- rules and layers ---- */

const struct left_out_rule *left_out_find_rule(const struct left_out *left_out, const char *text, size_t len)
{
	struct left_out_rule *found = NULL;

	if (left_out && left_out->rules)
		HASH_FIND(hh, left_out->rules, text, len, found);
	return found;
}

bool left_out_add_rule(struct left_out *left_out, struct text text, const char *words, bool guarded)
{
	struct left_out_rule *rule;

	if (left_out_find_rule(left_out, text.ptr, text.len))
		return false;
	rule = xcalloc(1, sizeof(*rule) + text.len + 1);
	memcpy(rule->text, text.ptr, text.len);
	rule->words = xstrdup(words);
	rule->guarded = guarded;
	HASH_ADD_KEYPTR(hh, left_out->rules, rule->text, text.len, rule);
	return true;
}

void left_out_remove_rule(struct left_out *left_out, struct text text)
{
	struct left_out_rule *found = NULL;

	HASH_FIND(hh, left_out->rules, text.ptr, text.len, found);
	if (found)
		free_rule(left_out, found);
}

bool left_out_add_layer(struct left_out *left_out, enum layer layer, const char *words)
{
	if (left_out_layer(left_out, layer))
		return false;
	left_out->layers |= 1u << layer;
	left_out->layer_words[layer] = xstrdup(words);
	return true;
}

void left_out_remove_layer(struct left_out *left_out, enum layer layer)
{
	left_out->layers &= ~(1u << layer);
	free(left_out->layer_words[layer]);
	left_out->layer_words[layer] = NULL;
}
