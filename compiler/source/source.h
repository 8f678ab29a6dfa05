/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source files and the map from positions to files, lines and columns.
 *
 * Every file that is read gets a range of positions of its own, so that a span of eight bytes says which file
 * it is in. Position 0 belongs to no file.
 */
#ifndef PVEFW_SOURCE_H
#define PVEFW_SOURCE_H

#include "base/arena.h"
#include "base/utf8.h"

struct node_set;

struct source {
	const char *path; /* as shown to the user */
	const char *root; /* the folder that it is relative to; NULL: the working one */
	char *text;       /* `size` bytes, then two NUL bytes for the lexer; NULL: not needed any more */
	uint32_t size;
	uint32_t base;         /* position of the first byte */
	uint32_t *_Atomic line_starts; /* offsets; made on first use, by whatever thread needs them first */
	uint32_t line_count;
	struct {
		uint32_t line, offset;
		struct utf8_length length;
	} counted; /* length of a line up to an offset, to go on from */
	bool is_fw;   /* was read as a .fw file: comments in it can be for us, and fixes made */
	const struct node_set *nodes; /* whose file it is, if several are checked and it is not everyone's */
	bool is_guest;    /* a guest's .fw file, of a tree of which several nodes are checked */
	bool is_homeless; /* a guest's file, and none of the nodes that are checked has the guest */
	bool unasked; /* read for its names only: most of its faults are not reported */
};

struct source_cache;

/* A file of a tree that is read from memory instead. */
struct overlay_file {
	const char *path;  /* relative to the root, as "firewall/cluster.fw" */
	const char *bytes; /* NULL: the tree counts as having no such file */
	uint32_t size;
};

/* Sorted by path. */
struct source_overlay {
	const struct overlay_file *files;
	unsigned count;
	bool whole; /* the tree is these files and nothing else: the root is not opened */
};

/* A file that is read from memory whoever reads it; its places are absolute, see place.h. */
struct source_buffer {
	const char *place, *target; /* NULL: no file's */
	char *bytes;
	size_t size;
};

struct source_map {
	struct arena *arena;
	const struct source_buffer *buffer; /* instead of a file that is named outside of a tree; or NULL */
	const struct source_overlay *overlay; /* of the tree, or NULL */
	const struct source_cache *cache; /* the tree in memory, which is read instead of the disk; or NULL */
	const char *root;           /* root of files inside a tree */
	bool names_roots;           /* messages include the root, because files belong to several trees */
	struct source **sources; /* in the order of their base */
	uint32_t count, room;
	uint32_t next_base;
};

/* A place for people: all count from 1. */
struct place {
	const struct source *source;
	uint32_t line;
	uint32_t column;   /* in characters */
	uint32_t column16; /* in units of UTF-16, for programs */
};

void source_map_init(struct source_map *map, struct arena *arena);
enum { SOURCE_CACHED = -1 }; /* instead of a directory: the file is in the map's cache */

/*
 * Reads `path`, relative to the directory `at` (or AT_FDCWD), and adds it under the name `shown` (copied). If
 * the map has a cache, `shown` is taken from it instead, except with AT_FDCWD. Returns NULL with errno set
 * when it cannot be opened or read, is no regular file (EISDIR, EINVAL), or would fill the map (EFBIG). The
 * text belongs to the arena.
 */
struct source *source_load(struct source_map *map, int at, const char *path, const char *shown);
/* As source_load() from the working folder, but the text is `texts`'. */
struct source *source_load_text(struct source_map *map, struct arena *texts, const char *path);
/* Copies such a text to the map's arena. */
void source_keep_text(struct source_map *map, struct source *source);
/* Adds the present contents of a file of the map's tree, in addition to the earlier ones; errors as above. */
struct source *source_load_again(struct source_map *map, const struct source *before);
/* Returns the overlay's entry for the file shown as `shown`, or NULL. */
const struct overlay_file *source_overlay_find(const struct source_map *map, const char *shown);
/* One of many files to be read. */
struct source_request {
	const char *path, *shown;
	struct source *source; /* the answer, as source_load() gives it */
	int reason;            /* errno if that is NULL */
};

/* Adds many files, reading several at a time; they are added in their order. */
void source_load_all(struct source_map *map, int at, struct source_request *requests, unsigned count);
/* Adds a source with a copy of bytes in memory. */
struct source *source_add(struct source_map *map, const char *shown, const char *bytes, size_t size);

/* The file's name as the working folder sees it: with its tree's root in front. */
const char *source_file(const struct source_map *map, const struct source *source);
/* The map's buffer as a file of its own; NULL with errno set when it would fill the map. */
struct source *source_add_buffer(struct source_map *map, const char *shown);

/* Whether the file at `path`, outside of a tree, is the map's buffer. */
bool source_is_buffer(const struct source_map *map, struct arena *arena, const char *path);
/* Adds a file that was read under another name: it has positions of its own, and shares the text. */
struct source *source_add_twin(struct source_map *map, const struct source *source, const char *shown);

/* NULL for span {0, 0} and positions outside every file. */
struct source *source_find(const struct source_map *map, uint32_t position);
struct place source_place(const struct source_map *map, uint32_t position);
/* Returns only the line, which is cheaper; 0 for a place outside files. */
uint32_t source_line_number(const struct source_map *map, uint32_t position);
/* Where a line begins, counted from the source's start; its end for the line behind the last.  The lines must
 * have been counted: source_line_number() does. */
static inline uint32_t source_line_offset(const struct source *source, uint32_t line)
{
	return line <= source->line_count ? source->line_starts[line - 1] : source->size;
}

/* The bytes of a line without its end, and the position of the first. */
struct word source_line(const struct source_map *map, struct source *source, uint32_t line);

static inline struct word source_word(const struct source *source, uint32_t offset, uint32_t len)
{
	return (struct word){ source->text + offset, len, source->base + offset };
}

#endif
