/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of the [OPTIONS] sections, rows of options.def, and the structures that hold their values. */
#ifndef PVEFW_OPTION_TABLE_H
#define PVEFW_OPTION_TABLE_H

#include <stddef.h>

#include "lang/language.h"

enum option_type {
	OPTION_BOOL,
	OPTION_NUMBER,
	OPTION_POLICY,
	OPTION_POLICY_FORWARD,
	OPTION_LOGLEVEL,
	OPTION_RATELIMIT,
	OPTION_HELPERS,
	OPTION_QUEUES,
	OPTION_LAYER2,
};

/* ---- values ---- */

/* log_ratelimit */
struct ratelimit {
	bool off;
	uint32_t burst;   /* 0: not given */
	struct text burst_text; /* as written */
	struct text rate; /* "90/hour"; len 0: not given */
};

/* Indexes into helper_table, in the order they are written. */
struct helper_list {
	uint8_t order[64];
	uint8_t count;
};

/* ips_queues; not set: the kernel's default queue. */
struct queues {
	bool set, range;
	uint16_t first, last;
};

struct policy {
	enum action action;
	struct span span; /* of the line that sets it; begin 0: the default counts */
};

struct layer2_protocol {
	struct text name; /* as written */
	uint16_t number;
};

struct layer2_list {
	struct layer2_protocol *items;
	uint32_t count;
};

/* enum option_id, and a structure a file kind: cluster_options, host_options, guest_options, vnet_options. */
#include "generated/option_ids.h"

/* ---- the table ---- */

struct option_row {
	enum file_kind kind;
	const char *key;
	enum option_type type;
	size_t offset; /* of the member in struct <kind>_options */
	int64_t default_value;
	int64_t least, most;
	const char *text;
};

extern const struct option_row option_table[OPTION_COUNT];

/* The option of a file kind, in any case; OPTION_COUNT if there is none. */
enum option_id option_find(enum file_kind kind, struct text key);

#endif
