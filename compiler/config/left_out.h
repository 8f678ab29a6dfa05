/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a configuration that are left out because the kernel or a tool has refused them.
 *
 * Lines of source are known by their file and their text, so that they are found again in the next
 * compilation, which treats them as errors (DIAG_REFUSED).  A rule of the ruleset that no line asks for is
 * known by its text in the tool's language.  Layers (layers.def) are left out as a whole.
 */
#ifndef PVEFW_LEFT_OUT_H
#define PVEFW_LEFT_OUT_H

#include "config/config.h"
#include "source/source.h"

struct left_out_line {
	char *words;      /* of the kernel or tool */
	unsigned number;  /* where the line was, from 1 */
	uint64_t content; /* of the files that decide what it means: left_out_expire() */
	const char *path, *text; /* parts of the key */
	UT_hash_handle hh;
	char key[]; /* path, NUL, text, NUL */
};

struct left_out_rule {
	char *words;
	bool guarded; /* a rule that drops everything is in its place */
	UT_hash_handle hh;
	char text[];
};

struct left_out {
	struct left_out_line *lines;
	struct left_out_rule *rules;
	unsigned layers; /* bits 1 << enum layer */
	char *layer_words[LAYERS];
};

/* From layers.def. */
struct layer_row {
	const char *name, *effect, *remedy;
};

extern const struct layer_row layer_table[LAYERS];

/* Frees its contents and leaves it empty. */
void left_out_clear(struct left_out *left_out);
static inline bool left_out_is_empty(const struct left_out *left_out)
{
	return !left_out->lines && !left_out->rules && !left_out->layers;
}

/* The line around a position, to be added later and then freed; NULL: it is in no file. */
struct left_out_line *left_out_new_line(const struct source_map *map, uint32_t position, const char *words);
void left_out_free_line(struct left_out_line *line);

/* These add, and return false when it was there already. */
bool left_out_put_line(struct left_out *left_out, const struct left_out_line *line); /* a copy */
bool left_out_add_line(struct left_out *left_out, const struct source_map *map, uint32_t position, const char *words);
/* A line whose place is not known. */
bool left_out_add_text(struct left_out *left_out, const char *path, struct text text, const char *words);
bool left_out_add_rule(struct left_out *left_out, struct text text, const char *words, bool guarded);
bool left_out_add_layer(struct left_out *left_out, enum layer layer, const char *words);
void left_out_remove_layer(struct left_out *left_out, enum layer layer);
void left_out_remove_line(struct left_out *left_out, const struct left_out_line *line);
void left_out_remove_rule(struct left_out *left_out, struct text text);

/* The line that holds `position` of `source`, if it is left out; `left_out` may be NULL. */
const struct left_out_line *left_out_find(const struct left_out *left_out, const struct source *source,
					  uint32_t position);
const struct left_out_rule *left_out_find_rule(const struct left_out *left_out, const char *text, size_t len);
static inline bool left_out_layer(const struct left_out *left_out, enum layer layer)
{
	return left_out && left_out->layers >> layer & 1;
}

/*
 * Forgets lines of which the file, cluster.fw or host.fw has changed since they were refused: what they mean
 * now may be accepted.  True if there were any.
 */
bool left_out_expire(struct left_out *left_out, const struct source_map *map);

#endif
