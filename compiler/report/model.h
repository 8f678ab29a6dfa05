/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contents of a report.  The structures are filled once (report.c and the files it calls) and then printed.  All
 * strings are valid in XML as they are (see format/common.h), and all memory is from the arena of the configuration.
 */
#ifndef PVEFW_REPORT_MODEL_H
#define PVEFW_REPORT_MODEL_H

#include <uthash.h>

#include "config/config.h"
#include "lang/implied.h"
#include "report/report.h"

/* Why a rule is there. */
enum report_origin {
	REPORT_ALWAYS, /* in every configuration */
	REPORT_OPTION, /* an option, a set with a meaning, or corosync.conf */
	REPORT_LINE,   /* a rule in a file */
	REPORT_POLICY,
};

enum report_outcome {
	REPORT_ACCEPT,
	REPORT_DROP,
	REPORT_REJECT,
	REPORT_ASK, /* continues in a security group */
	REPORT_OUTCOMES
};

/* One rule of a chain, written or implied. */
struct report_row {
	enum report_origin origin;
	enum report_outcome outcome;
	const char *service;     /* "SSH", "tcp 8080", a description, or "everything" */
	const char *detail;      /* protocol and ports of the service, "tcp 22"; or NULL */
	const char *from, *to;   /* NULL: anywhere */
	const char *iface;       /* NULL: any */
	const char *because;     /* of implied rules: "ndp: 1"; else NULL */
	const char *log;         /* the level; NULL: none */
	const char *comment;     /* at the end of the line; NULL: none */
	bool named;              /* the service has a name, not only numbers */
	bool disabled;           /* written with '|' */
	bool opens;              /* an implied rule that the matrices show */
	unsigned family_mask;       /* bit set; 0: never generated */
	const struct rule *rule; /* of REPORT_LINE and of services of the host; else NULL */
	struct span span;        /* {0, 0}: not in a file */
	struct report_row *next;
};

struct report_chain {
	enum direction direction;
	struct report_row *first, **last;
	uint32_t written, implied;
	const struct report_row *policy; /* the last row; NULL in groups */
	struct report_chain *next;
};

enum report_zone_kind { REPORT_HOST, REPORT_NIC, REPORT_VNET, REPORT_GROUP, REPORT_ZONE_KINDS };

/* How much of a service arrives, of what a rule is about. */
enum report_left {
	REPORT_LEFT_ALL,
	REPORT_LEFT_BLACKLIST, /* all but what comes from [IPSET blacklist] */
	REPORT_LEFT_PARTLY,    /* or that is too much work to find out */
	REPORT_LEFT_NOTHING,
};

/* A service that a zone lets in or out. */
struct report_service {
	const struct report_row *row;
	const char *name, *detail; /* as of the row; detail NULL: none */
	const char *comment;       /* of the row, when the name is made of numbers; or NULL */
	const char *where;         /* "to 10.0.0.1 on vmbr1"; NULL: anywhere in the zone */
	const char *from;          /* in the column of all other sources (or destinations): which */
	enum report_left left;     /* not REPORT_LEFT_NOTHING */
	bool denied;               /* not let out, although the policy accepts what no rule decides */
	struct report_service *next;
};

struct report_cell {
	struct report_service *first, **last;
};

/* Two tables: the sources that may reach the zones, and the destinations that the zones may reach. */
enum report_way { REPORT_INTO, REPORT_OUT_OF, REPORT_WAYS };

struct report_zone {
	enum report_zone_kind kind;
	const char *id;    /* of its place in the page: "host", "g-web", "n-100-net0" */
	const char *name;  /* "host pve1", "VM 100 net0", "group web" */
	const char *guest; /* the name that a guest's configuration gives it; or NULL */
	const char *about; /* notes of a guest, comment of a group's header; or NULL */
	const char *facts; /* device, bridge, MAC address; or NULL */
	const char *off;   /* why nothing is filtered; NULL: it is */
	const struct group *group;
	const struct guest *owner; /* of REPORT_NIC, and its NIC */
	const struct nic *nic;
	const struct vnet *vnet;   /* of REPORT_VNET */
	struct report_chain *chains;
	struct report_cell *cells[REPORT_WAYS]; /* a row of each matrix, or NULL */
	struct report_zone *next;
	UT_hash_handle hh; /* of a group, in report_builder.groups */
};

/* A column of a matrix. */
struct report_source {
	const char *name; /* "everyone", "+dc/admins" */
	uint32_t zones;   /* that let it in to something, or something out to it */
};

/* More than this share a column. */
enum { REPORT_SOURCES_MOST = 8 };

struct report_matrix {
	struct report_source *sources; /* the columns; of REPORT_OUT_OF destinations */
	uint32_t source_count;
	bool more_sources; /* the last column is that of all others */
	uint32_t rows;
};

struct report_set {
	const char *id, *name;     /* "+dc/admins", "+guest/ipfilter-net0" */
	const char *owner;         /* "cluster", "VM 100", "SDN" */
	const char *comment;       /* of the header; or NULL */
	uint32_t written, implied; /* entries that count */
	const char *ipv4, *ipv6;   /* how many addresses */
	uint32_t uses;             /* by rules that are written */
	struct span span;
	struct report_set *next;
};

/* A .fw file, for the listing. */
struct report_file {
	struct source *source;
	const char *path;
	uint32_t lines;
};

struct report {
	const struct config *config;
	const struct diags *diags;
	const char *node, *target;
	const char *now; /* as --now gave it; NULL: not given */
	bool enabled;
	struct report_zone *zones; /* the host, vnets, groups, guests */
	uint32_t zone_count[REPORT_ZONE_KINDS];
	uint32_t guests, filtered_guests; /* of this node */
	uint32_t rules;                   /* written and in force or disabled, of all files that count here */
	uint32_t strangers;               /* files of guests that are not on this node */
	const char *local_network;
	bool local_network_known; /* false: 127.0.0.0/8 stands for it here; a node finds it out itself */
	struct report_matrix matrices[REPORT_WAYS];
	struct report_set *sets;
	uint32_t set_count;
	struct report_file *files; /* in the order in which they were read */
	uint32_t file_count, line_count;
};

/* ---- between the files that collect ---- */

struct report_builder {
	struct arena *arena;
	const struct config *config;
	struct report *report;
	struct report_zone **last_zone;
	bool local_network_known;
	struct report_zone *groups; /* uthash: zones of groups, by group */
};

/* model.c */
struct report_row *report_row_add(struct report_builder *b, struct report_chain *chain, struct report_row row);
/* Text of the input, escaped for XML. */
const char *report_text(const struct report_builder *b, struct text text);
/* "ndp: 1", with the line of `written` that sets it in *span, or "ndp: 1 (default)"; `written` may be NULL. */
const char *report_option(const struct report_builder *b, enum option_id id, const void *options,
			  const struct span *written, struct span *span);
struct text report_scope_name(enum scope_kind scope);

/* about.c: the name and the notes in a guest's configuration, decoded and shortened; NULL: none. */
void report_guest_about(const struct report_builder *b, const struct guest *guest, const char **name,
			const char **notes);
/* The comment on the line of the span; NULL: none for people. */
const char *report_comment(const struct report_builder *b, struct span span);

/* implied.c: the implied rules of a chain before or after the written ones; guest and nic may be NULL. */
void report_implied(struct report_builder *b, struct report_chain *chain, enum implied_chain at,
		    enum implied_stage stage, const struct guest *guest, const struct nic *nic);
void report_policy(struct report_builder *b, struct report_chain *chain, const struct policy *policy,
		   enum log_level log, const char *key);

/* reach.c: what arrives of the packets of rules. */
struct reach *reach_open(struct report_builder *b);
void reach_close(struct reach *reach);
/* Begins with the packets to a zone, or from it. */
void reach_start(struct reach *reach, const struct report_zone *zone, enum report_way way);
/* Adds a rule of the zone, with the interface of the GROUP rule that brings it; returns its number, from 0. */
uint32_t reach_add(struct reach *reach, const struct rule *rule, struct text iface);
/* What is accepted of an added rule's packets on their whole path, or `denied`: what the rule blocks. */
enum report_left reach_left(struct reach *reach, uint32_t number, bool denied);

void report_zones(struct report_builder *b);
void report_matrices(struct report_builder *b);
void report_sets(struct report_builder *b);

/* ---- between the files that print ---- */

extern const char *const report_outcome_names[REPORT_OUTCOMES];
extern const char *const report_origin_names[];
extern const char *const report_zone_kind_names[REPORT_ZONE_KINDS];

struct report_place {
	uint32_t file, line;
	const char *path;
};

/* Finds the file, counted from 1, and the line of a span in the listing; false: it is in none. */
bool report_place(const struct report *report, struct span span, struct report_place *place);
/* Bytes of the input for XML: invisible and invalid characters are escaped. */
const char *report_escaped(const struct diags *diags, struct text text);
/* A line of the listing. */
const char *report_line(const struct report *report, const struct report_file *file, uint32_t number);

#endif
