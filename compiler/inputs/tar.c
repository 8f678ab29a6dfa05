/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/tar.h"

enum { BLOCK = 512 };

/* A header of POSIX ustar. */
struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6],
		version[2], user[32], group[32], major[8], minor[8], prefix[155], padding[12];
};

_Static_assert(sizeof(struct tar_header) == BLOCK, "a header is one block");

struct tar tar_open(struct arena *arena, struct text bytes)
{
	return (struct tar){ .rest = bytes, .arena = arena };
}

static bool damaged(struct tar *tar)
{
	tar->problem = "the archive is damaged";
	return false;
}

/* A field that ends in a NUL, or where it is full. */
static struct text field_text(const char *field, size_t size)
{
	return (struct text){ field, (uint32_t)strnlen(field, size) };
}

/* Octal digits, with blanks around them. */
static bool read_octal(const char *field, size_t size, uint64_t *value)
{
	struct text t = text_trim(field_text(field, size));

	*value = 0;
	for (uint32_t i = 0; i < t.len; i++) {
		if (t.ptr[i] < '0' || t.ptr[i] > '7')
			return false;
		*value = *value << 3 | (unsigned)(t.ptr[i] - '0');
	}
	return t.len != 0;
}

static bool is_checksum_right(const struct tar_header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	uint64_t given, sum = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		bool own = i >= offsetof(struct tar_header, checksum) &&
			   i < offsetof(struct tar_header, type);

		sum += own ? ' ' : bytes[i];
	}
	return read_octal(header->checksum, sizeof(header->checksum), &given) && given == sum;
}

static bool is_end(struct text rest)
{
	for (uint32_t i = 0; i < BLOCK; i++)
		if (rest.ptr[i])
			return false;
	return true;
}

/* Takes a header and what follows it; false at the end, and if the archive is damaged. */
static bool take_block(struct tar *tar, struct tar_header *header, struct text *content)
{
	uint64_t size, padded;

	/* Two blocks of zeros end an archive: one that ends without them was cut off. */
	if (tar->rest.len < BLOCK)
		return damaged(tar);
	if (is_end(tar->rest))
		return false;
	memcpy(header, tar->rest.ptr, BLOCK);
	tar->rest = text_skip(tar->rest, BLOCK);
	if (!is_checksum_right(header) || !read_octal(header->size, sizeof(header->size), &size))
		return damaged(tar);
	padded = (size + BLOCK - 1) / BLOCK * BLOCK;
	if (size > tar->rest.len || padded > tar->rest.len)
		return damaged(tar);
	*content = (struct text){ tar->rest.ptr, (uint32_t)size };
	tar->rest = text_skip(tar->rest, (uint32_t)padded);
	return true;
}

/* Records of a pax header, "LENGTH KEY=VALUE\n", are about the next entry. */
static bool read_records(struct tar *tar, struct text records, struct text *path, struct text *link)
{
	while (records.len) {
		long blank = text_find(records, ' ');
		uint64_t length = 0;
		struct text record;

		if (blank <= 0 ||
		    !text_to_number((struct text){ records.ptr, (uint32_t)blank }, records.len, &length) ||
		    length < (uint64_t)blank + 2 || records.ptr[length - 1] != '\n')
			return damaged(tar);
		record = (struct text){ records.ptr + blank + 1, (uint32_t)(length - (uint64_t)blank - 2) };
		if (text_starts(record, "path="))
			*path = text_after(record, "path=");
		else if (text_starts(record, "linkpath="))
			*link = text_after(record, "linkpath=");
		records = text_skip(records, (uint32_t)length);
	}
	return true;
}

static const char *entry_path(struct arena *arena, const struct tar_header *header, struct text pax)
{
	struct text prefix = field_text(header->prefix, sizeof(header->prefix));
	struct text path = pax;

	if (!path.ptr)
		path = field_text(header->name, sizeof(header->name));
	if (!pax.ptr && prefix.len)
		path = ARENA_JOIN(arena, prefix, TEXT("/"), path);
	while (path.len && path.ptr[path.len - 1] == '/')
		path.len--;
	return arena_string(arena, path);
}

bool tar_next(struct tar *tar, struct tar_entry *entry)
{
	struct text path = { NULL, 0 }, link = { NULL, 0 }, content;
	struct tar_header header;

	while (take_block(tar, &header, &content)) {
		if (header.type == 'x') {
			if (!read_records(tar, content, &path, &link))
				return false;
			continue;
		}
		if (header.type == 'g')
			continue; /* git's: the name of the commit */
		if (!link.ptr)
			link = field_text(header.link, sizeof(header.link));
		*entry = (struct tar_entry){
			.path = entry_path(tar->arena, &header, path),
			.link = header.type == '2' ? arena_string(tar->arena, link) : NULL,
			.is_file = header.type == '0' || header.type == '\0',
			.content = content,
		};
		return true;
	}
	return false;
}
