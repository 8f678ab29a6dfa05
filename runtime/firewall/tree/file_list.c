/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/tree/file_list.h"

#include <sha2.h>
#include <stdlib.h>

#include "base/arena.h"

struct content_digest content_digest_of(struct text content)
{
	struct content_digest digest;
	SHA2_CTX sha;

	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)content.ptr, content.len);
	SHA256Final(digest.bytes, &sha);
	return digest;
}

bool content_digest_equal(const struct content_digest *a, const struct content_digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void content_digest_print(const struct content_digest *digest, char hex[CONTENT_DIGEST_HEX + 1])
{
	hex_print(hex, digest->bytes, sizeof(digest->bytes));
}

bool content_digest_read(const char *hex, struct content_digest *digest)
{
	return hex_read(hex, digest->bytes, sizeof(digest->bytes));
}

void path_escape(struct out *out, const char *path)
{
	for (; *path; path++) {
		if ((unsigned char)*path <= ' ' || *path == 0x7f || *path == '\\')
			out_printf(out, "\\%02x", (unsigned char)*path);
		else
			out_char(out, *path);
	}
}

void path_unescape(char *path)
{
	char *to = path;

	for (; *path; path++) {
		int high = *path == '\\' ? char_hex_value(path[1]) : -1, low = high < 0 ? -1 : char_hex_value(path[2]);

		*to++ = (char)(low < 0 ? *path : high << 4 | low);
		path += low < 0 ? 0 : 2;
	}
	*to = '\0';
}

int generation_file_compare(const void *a, const void *b)
{
	return strcmp(((const struct generation_file *)a)->path, ((const struct generation_file *)b)->path);
}

void file_list_of_map(struct file_list *list, const struct source_map *map)
{
	*list = (struct file_list){ .count = 0 };
	list->files = ARENA_ARRAY(&list->arena, struct generation_file, map->count + 1);
	for (uint32_t i = 0; i < map->count; i++) {
		const struct source *source = map->sources[i];
		struct text content = { source->text, source->size };

		if (!source->root) /* of this machine, not of the tree */
			continue;
		list->files[list->count++] = (struct generation_file){
			arena_string(&list->arena, text_of(source->path)), content_digest_of(content), content };
	}
	qsort(list->files, list->count, sizeof(*list->files), generation_file_compare);
}

const struct generation_file *file_list_find(const struct file_list *list, const char *path)
{
	const struct generation_file key = { .path = path };

	return list->count ? bsearch(&key, list->files, list->count, sizeof(key), generation_file_compare) : NULL;
}

void file_list_free(struct file_list *list)
{
	arena_free(&list->arena);
	*list = (struct file_list){ .count = 0 };
}

bool path_is_policy(const char *path)
{
	return string_ends(path, ".fw") && path[3];
}

bool generation_file_equal(const struct generation_file *a, const struct generation_file *b)
{
	return a && b ? content_digest_equal(&a->digest, &b->digest) : a == b;
}

/* Whether each file of `a` that counts is the same in `b`. */
static bool is_part_of(const struct file_list *a, const struct file_list *b, bool policy)
{
	for (unsigned i = 0; i < a->count; i++)
		if ((!policy || path_is_policy(a->files[i].path)) &&
		    !generation_file_equal(&a->files[i], file_list_find(b, a->files[i].path)))
			return false;
	return true;
}

bool file_lists_agree(const struct file_list *a, const struct file_list *b, bool policy)
{
	return is_part_of(a, b, policy) && (policy ? is_part_of(b, a, true) : a->count == b->count);
}
