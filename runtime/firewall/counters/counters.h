/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets and bytes of every source line: a table of all lines of all .fw files that a compilation has read, which a
 * backend's counters() fills.  It lasts as long as `arena` and the configuration:
 *
 *     struct counters c;
 *     counters_init(&c, arena, map, config);
 *     reason = counters_read(&c, backend);
 *     counters_read_baseline(&c, text);
 *     counters_free(&c);
 */
#ifndef PVEFW_COUNTERS_H
#define PVEFW_COUNTERS_H

#include <uthash.h>

#include "api/backend.h"

struct count {
	uint64_t packets, bytes;
};

enum counted_kind {
	COUNTED_PLAIN, /* nothing that could be counted, as far as the configuration knows */
	COUNTED_RULE,
	COUNTED_DISABLED, /* a rule that is switched off */
	COUNTED_IGNORED,  /* in place of a rule, and none: it was reported */
};

/* A line, or an option that no line sets. */
struct counted {
	enum counted_kind kind;
	bool loaded;            /* something counts for it */
	struct count all, base; /* since it was loaded; of it, before --zero */
};

/* Options whose defaults count, too: policy_in, policy_out, policy_forward. */
enum { COUNTED_OPTIONS = 3 };
extern const char *const counted_options[COUNTED_OPTIONS];

struct counted_file {
	struct source *source;
	enum file_kind kind;
	struct counted *lines; /* [line - 1] */
	uint32_t line_count;
	struct counted defaults[COUNTED_OPTIONS];
};

struct counted_zone {
	enum backend_zone_kind kind;
	struct text name;
	struct count outcomes[BACKEND_OUTCOMES];
	const char *key;
	UT_hash_handle hh;
};

struct counters {
	struct arena *arena;
	const struct source_map *map;
	const struct config *config;
	struct counted_file *files; /* in the order of the source map */
	uint32_t file_count;
	struct counted_zone *zones; /* uthash, in the order in which they were met */
	uint32_t skipped;           /* rules of files that are not there */
};

/* `config` was compiled from `map`. */
void counters_init(struct counters *c, struct arena *arena, const struct source_map *map, const struct config *config);
void counters_free(struct counters *c);
/* Fills the table with the kernel's counters; `config` must be loaded.  0 or an errno. */
int counters_read(struct counters *c, const struct backend *backend);
/* Adds one rule: a backend_count_function, whose context is a struct counters. */
void counters_add(void *counters, const struct backend_count *count);

/* The text of a line, from 1. */
struct text counters_line(const struct counters *c, const struct counted_file *file, uint32_t line);
/* What counts for a line since the last --zero. */
struct count counted_since(const struct counted *counted);
/* "100.fw", "100", "firewall/100.fw"; NULL if there is none. */
struct counted_file *counters_find_file(const struct counters *c, struct text name);

/* ---- counters_baseline.c ---- */

/* Everything counts from now on. */
void counters_zero(struct counters *c);
/* What to write to the file of the baseline. */
void counters_print_baseline(struct out *out, const struct counters *c);
/*
 * Counts from what the file of the baseline says.  A line that has counted less since it was loaded, or has another text now,
 * counts from when it was loaded.  Returns true if there is such a line: the file should be written anew, or a later reading
 * would use its entry.
 */
bool counters_read_baseline(struct counters *c, struct text baseline);

#endif
