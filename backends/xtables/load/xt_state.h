/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The insides of loading: what is loaded (loaded.c), the scripts that make of it
 * what is desired (script_*.c, collected by plan.c), reading
 * it back (read.c), and doing all that (apply.c).
 */
#ifndef PVEFW_XT_STATE_H
#define PVEFW_XT_STATE_H

#include <uthash.h>

#include "api/difference.h"
#include "base/subprocess.h"
#include "xtables/load/xt_load.h"
#include "xtables/print/print.h"

/* ---- the loaded ruleset, loaded.c ---- */

enum { XT_NAME_SIZE = 32, XT_DIGEST_SIZE = 28, XT_HOOKS_MOST = 3, XT_POLICY_SIZE = 12 };

/* How ebtables' table is hooked in. */
#define XT_BRIDGE_HOOK "-A FORWARD -j PVEFW-FORWARD"

enum xt_table_id {
	XT_FILTER4,
	XT_FILTER6,
	XT_RAW4,
	XT_RAW6,
	XT_TABLES,
};

struct xt_table_row {
	const char *name; /* for the tools */
	unsigned family_mask;
	const struct xt_hook *hooks; /* ended by NULL */
	struct xt_table *(*lower)(struct arena *arena, const struct config *config, unsigned family_mask);
};

extern const struct xt_table_row xt_table_rows[XT_TABLES];

/* The counters of a rule. */
struct xt_count {
	uint64_t packets, bytes;
};

/* A chain or a set. */
struct xt_object {
	char name[XT_NAME_SIZE];
	char digest[XT_DIGEST_SIZE]; /* of a chain: the text after PVESIG:, or empty */
	uint32_t rules;              /* of a chain: with that of the digest */
	char *lines;                 /* its own: rules, or `create` and sorted members; each with its end */
	size_t len;
	/* Of a chain: its lines are what the digest stands for, as they were read after our own load, or compared. */
	bool compared;
	uint64_t fingerprint; /* of what we printed, which is known to be this; or 0 */
	struct xt_count *counts; /* of the rules of a chain, from reading to changing; or NULL */
	char policy[XT_POLICY_SIZE]; /* of a chain of ebtables */
	UT_hash_handle hh;
};

/* A built-in chain's jumps to our chain. */
struct xt_hooked {
	uint32_t count, position; /* of the first, from 1 */
	uint32_t rules;           /* that the built-in chain has */
};

struct xt_loaded_table {
	struct xt_object *chains; /* by name */
	struct xt_hooked hooks[XT_HOOKS_MOST];
};

struct xt_loaded_bridge {
	struct xt_object *chains;
	bool hooked;
	struct out declarations; /* of other programs' chains, and of built-in chains */
	struct out rules;        /* of others, and the hook */
};

enum { XT_WORDS_SIZE = 200 };

struct xt_loaded {
	struct xt_loaded_table tables[XT_TABLES];
	struct xt_object *sets;
	struct xt_loaded_bridge bridge;
	char lacking[LAYERS][XT_WORDS_SIZE]; /* why a layer cannot be read; empty: it can */
};

void xt_objects_free(struct xt_object **objects);
struct xt_object *xt_object_find(struct xt_object *objects, struct text name);

static inline struct text xt_object_text(const struct xt_object *object)
{
	return (struct text){ object->lines, (uint32_t)object->len };
}

/* Whether a chain of iptables is an own one of a guest in this list. */
bool xt_is_chain_of(const struct guest *guests, struct text chain);
/* Takes over what was known of objects whose lines are the same.  `loaded`: the digests that are new were
 * loaded by us, after `before` was read.  False: somebody else has changed something that we did not. */
bool xt_loaded_inherit(struct xt_loaded *found, struct xt_loaded *before, bool loaded);
void xt_bridge_free(struct xt_loaded_bridge *bridge);
void xt_loaded_free(struct xt_loaded *loaded);

/* Take in what iptables-save, ipset save and ebtables-save print.  What was known of
 * the same tables is gone then.  False: a table of ours cannot be shown. */
bool xt_loaded_take_tables(struct xt_loaded *loaded, unsigned family_mask, struct text saved);
void xt_loaded_take_sets(struct xt_loaded *loaded, struct text saved);
void xt_loaded_take_bridge(struct xt_loaded *loaded, struct text saved);
/* Read a single chain, as `iptables -S` prints it, and a single set. */
void xt_loaded_take_chain(struct xt_loaded_table *table, struct text name, struct text listed);
void xt_loaded_take_set(struct xt_loaded *loaded, struct text name, struct text saved);

/* ---- rules in one spelling, canonical.c ---- */

struct xt_canonical;

/* For rules of one IP version. */
struct xt_canonical *xt_canonical_new(unsigned family_mask);
void xt_canonical_free(struct xt_canonical *c);
/* Appends a line for each rule that iptables makes of `line`, a rule as we print it or as iptables-save does; rules are
 * the same if and, but for forms that are unknown, only if these lines are. */
void xt_canonical_line(struct xt_canonical *c, struct out *out, struct text line);
void xt_canonical_lines(struct xt_canonical *c, struct out *out, struct text lines);

/* ---- what differs, difference.c ---- */

/* Rules or members, one a line, in which two lists differ. */
struct xt_difference {
	uint32_t missing, foreign; /* desired and not there; there and not desired */
	struct text first_missing, first_foreign;
};

struct xt_difference xt_difference_of(struct text desired, struct text found);
/* "2 rules missing, 1 foreign rule", or "in a different order". */
void xt_difference_print(struct out *out, const struct xt_difference *d, const char *thing);

/* ---- scripts ---- */

/* The ruleset to load: of a configuration, an earlier one, or none. */
struct xt_desired {
	const struct config *config;
	const struct xt_loaded *snapshot;
	bool only_guests;          /* of the configuration, only the guests' own chains */
	bool whole;                /* what has not changed, too */
	bool explain;              /* say what differs */
};

/* The line of source that a line of a script comes from. */
struct xt_origin {
	uint32_t line;
	struct span span;
};

/* A chain or set that a script makes new or changes. */
struct xt_touched {
	char name[XT_NAME_SIZE];
	char digest[XT_DIGEST_SIZE];
	uint32_t rules;
};

/* Input of a tool. */
struct xt_script {
	struct out *out;
	uint32_t line;               /* that was written last */
	bool tracing;                /* record origins and changed objects */
	bool explain;                /* and what differs */
	struct out origins, touched; /* arrays of the above */
	struct out differences;      /* lines: '!' or '?' as in xt_script_differs(), then the text */
	bool changes;                /* there is something to do */
	bool suppressed;             /* there would be, but its layer is missing */
	bool impossible; /* of one guest's chains, some are not there */
	bool shape; /* chains or hooks are added or removed: checking the changed objects is not enough */
	uint32_t chains, rules, sets, elements, deleted;
};

void xt_script_printf(struct xt_script *script, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Counts a line that was written to script->out; `span` {0, 0}: from no line of source. */
void xt_script_line(struct xt_script *script, struct span span);
/* Writes lines, each with its end; `spans`: an array of the line of source of each, or NULL. */
void xt_script_lines(struct xt_script *script, struct text lines, const struct out *spans);
void xt_script_touch(struct xt_script *script, struct text name, const char *digest, uint32_t rules);
/* Notes what differs.  `certain`: it was changed by others, whatever the configuration was. */
void xt_script_differs(struct xt_script *script, bool certain, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
struct span xt_script_origin(const struct xt_script *script, uint32_t line);
void xt_script_free(struct xt_script *script);

/* Writes the script for iptables-restore -n that turns `loaded` into the desired ruleset. */
void xt_script_table(struct xt_script *script, enum xt_table_id id, struct xt_loaded_table *loaded,
		     const struct xt_desired *desired);
/* For ipset restore: before the tables, and after them. */
void xt_script_sets(struct xt_script *before, struct xt_script *after, struct xt_loaded *loaded,
		    const struct xt_desired *desired);
/* By which sets are compared: of the lines, but for the size of the hash table. */
void xt_set_digest(struct text lines, char digest[XT_DIGEST_SIZE]);
/* For ebtables-restore: the whole table. */
void xt_script_bridge(struct xt_script *script, struct xt_loaded_bridge *loaded, const struct xt_desired *desired);

/* ---- the plan, plan.c ---- */

/* In the order in which they are taken. */
enum xt_step {
	XT_STEP_SETS,
	XT_STEP_TABLES, /* and as many as there are tables */
	XT_STEP_SETS_AFTER = XT_STEP_TABLES + XT_TABLES,
	XT_STEP_BRIDGE,
	XT_STEPS,
};

struct xt_plan {
	struct xt_script scripts[XT_STEPS];
	struct out texts[XT_STEPS];
};

/* What makes the desired of `loaded`.  xt_plan_free() must follow. */
void xt_plan_make(struct xt_plan *plan, struct xt_loaded *loaded, const struct xt_desired *desired);
/* Makes the scripts for sets and ebtables once more, when those were read again. */
void xt_plan_make_again(struct xt_plan *plan, struct xt_loaded *loaded, const struct xt_desired *desired);
bool xt_plan_is_empty(const struct xt_plan *plan);
/* Whether something would be to do in a layer that cannot be read. */
bool xt_plan_lacks(const struct xt_plan *plan, const struct xt_loaded *loaded, enum layer layer);
void xt_plan_free(struct xt_plan *plan);
/* The tool that takes the script of a step. */
const char *const *xt_step_tool(enum xt_step step);

/* ---- generations, generation.c ---- */

/* Changes whenever tables change, as far as the kernel reports it. */
struct xt_generation {
	uint32_t generation; /* of nf_tables */
	uint64_t legacy[XT_TABLES];
};

/* Reads it for the network namespace of the calling thread. */
struct xt_generation xt_generation_read(void);
bool xt_generation_equal(const struct xt_generation *a, const struct xt_generation *b);
/* Of a legacy table: its rules in the upper half, their bytes in the lower; 0: there is none. */
uint64_t xt_legacy_size(const struct xt_table_row *row);

/* ---- contents, contents.c ---- */

/* Of what has no generation, or not a whole one: our sets, the table of ebtables-legacy, and the rules of iptables-legacy. */
struct xt_contents {
	uint64_t sets, bridge, legacy;
};

/* Each part; they take some milliseconds with thousands of sets or rules.  0: there are none, or they cannot be had. */
uint64_t xt_contents_sets(void);
uint64_t xt_contents_bridge(void);
uint64_t xt_contents_legacy(void);

/* ---- one at a time, lock.c ---- */

struct xt_lock {
	char path[64];
	int file;
};

/* Waits up to a minute.  False: there is a problem, and nothing is to be given. */
bool xt_lock_take(struct backend_loading *loading, struct xt_lock *lock);
void xt_lock_give(struct xt_lock *lock);

/* ---- tools, tool.c ---- */

/* Starts a tool.  With an input: that.  `lock`: a descriptor that it keeps open, or 0. */
void xt_tool_start(struct process *process, const char *const *argv, const struct out *input, int lock);
/* Waits for the tool.  False: it failed; the reason becomes a problem. */
bool xt_tool_finish(struct backend_loading *loading, struct process *process, const struct xt_script *script);
/* Both, for a tool that takes a script. */
bool xt_tool_run(struct backend_loading *loading, const char *const *argv, const struct xt_script *script,
		 int lock);
bool xt_tool_is_missing(const struct process *process);
/* Returns the tool's output. */
struct text xt_tool_output(const struct process *process);

/* ---- reading back, read.c ---- */

/* All of it, into an empty `loaded`.  False: there are problems. */
bool xt_read_all(struct backend_loading *loading, struct xt_loaded *loaded);
/* Read the state of ebtables and of the sets. */
bool xt_read_bridge(struct backend_loading *loading, struct xt_loaded *loaded);
bool xt_read_sets(struct backend_loading *loading, struct xt_loaded *loaded);
/* Whether checking the changed objects is enough: the plan is small, or about guests' own chains. */
bool xt_read_can_be_short(const struct xt_plan *plan, bool only_guests);
/* Reads that, and compares it with what is desired; if all is well `loaded` is
 * brought up to date, else it stays as it is and there are problems. */
bool xt_read_touched(struct backend_loading *loading, struct xt_loaded *loaded, const struct xt_plan *plan);

/* ---- sessions, apply.c ---- */

struct xt_session {
	struct backend_session base;
	struct xt_loaded loaded;
	bool known;
	struct xt_generation generation;
	struct xt_contents contents;
	int64_t legacy_due; /* nanoseconds, CLOCK_MONOTONIC: when the rules of iptables-legacy are read again */
	struct xt_lock lock; /* while a load is at work */
};

/* Runs a plan that has something to do, for a state that is not stale. */
bool xt_carry_out(struct backend_loading *loading, struct xt_session *s, const struct xt_desired *desired,
		  const struct xt_plan *plan);
void xt_loading_note(struct backend_loading *loading, const struct xt_plan *plan);

#endif
