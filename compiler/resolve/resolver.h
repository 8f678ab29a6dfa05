/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resolving one file: from the syntax tree to the IR.
 *
 * A file is read twice.  The first pass (names.c, options.c) takes down what it
 * defines: aliases with their last value, sets and groups with their last
 * definition, each with the place of its first one; and the options.  The
 * second pass (names.c for the entries of sets, rules.c for rules) resolves
 * references.  A reference counts only if the name was defined before it, as in
 * the stock compiler, which reads line by line; but what it refers to is the
 * last definition.
 */
#ifndef PVEFW_RESOLVER_H
#define PVEFW_RESOLVER_H

#include "diag/diag.h"
#include "diag/suggest.h"
#include "inputs/inputs.h"
#include "resolve/config.h"
#include "lang/foreign.h"
#include "lang/limit_table.h"
#include "lang/name.h"
#include "inputs/netdb.h"

/* What was found out once and is needed for many rules. */
struct rule_cache {
	struct proto protos[16];              /* by a hash of the text; text.len 0: free */
	const struct condition **macros;      /* by index in macro_table: the conditions of a
						 rule that says nothing about protocols itself */
};

/* A use of an alias of another file that has no value: noted, because that
 * alias's diagnostic may belong to another thread, and told it at the end. */
struct late_label {
	struct diagnostic *d;
	struct span span;
	struct late_label *next;
};

/* A set, group or alias that is passed over for its bad name, which was reported. */
struct skipped_name {
	struct text key; /* of names_skipped_key() */
	struct diagnostic *d;
	UT_hash_handle hh;
};

struct resolver {
	struct config *config;
	struct rule_cache *cache;
	struct arena *arena;
	struct arena *scratch; /* for the tree, and what lasts no longer than it */
	struct diags *diags;
	const struct ast_file *file;
	struct lost_lines *lost; /* lines to pass over */
	struct word header; /* the last line of the section that looks like a header and begins none; ptr NULL: no such line */
	struct scope *own;    /* names this file defines; NULL for host and vnet files */
	bool cluster_unknown; /* a file alone, without a cluster file */
	const struct guest_options *guest; /* of a guest's file */
	const struct vnet_options *vnet;   /* of a vnet's file */
	struct span ips;      /* where a guest's file sets this option */
	struct span *written; /* by enum option_id, of a guest's file; or NULL */
	/* The rule that is being verified: */
	const struct ast_rule *rule;
	bool in_group;
	bool failed; /* it was reported as wrong */
	struct diags *odd; /* what is wrong with words of characters that were reported, or NULL */
	struct late_label **late;
	uint32_t compared; /* names that were compared to find similar ones */
};

static inline struct protocol_names protocol_names(const struct resolver *r)
{
	return (struct protocol_names){ netdb_protocol, r->config->netdb };
}

/* Whether a line was refused by the kernel or a tool (left_out.h); reports it then, with `fate`, which may be
 * NULL.  refused.c */
struct diagnostic *refused_report(struct resolver *r, struct span line, const char *fate);

/* ---- names.c ---- */

/* First pass over a file: aliases, sets, groups, headers, and lines without a
 * meaning; reports all that is wrong with them. */
void names_define(struct resolver *r);
/* Second pass over one set's entries. */
void names_fill_set(struct resolver *r, const struct ast_section *section);
/* Whether the header starts a set or group that is not skipped. */
bool names_section_counts(const struct ast_section *section);
struct group *names_group(const struct config *config, struct text name);
/* What a scope (or NULL) defines, or NULL; `lower_name` is in lower case. */
struct alias *names_find_alias(struct scope *scope, struct text lower_name);
struct ipset *names_find_set(struct scope *scope, struct text name);

/* ---- headers.c ---- */

/* Reports a line in brackets that begins no section; `section` goes on. */
struct diagnostic *header_report(struct resolver *r, const struct ast_section *section, struct word line);

/* Says of a line below such a header, which is none of the section that goes on, that the header is the mistake; false
 * if there is no such header above. */
bool header_help(const struct resolver *r, struct diagnostic *d);
/* Notes in `r` what the next line of a section is below; NULL: the section begins. */
void header_pass(struct resolver *r, const struct ast_line *line);

/* ---- references.c ---- */

/* The alias that `reference` names; NULL if it was reported. */
const struct alias *names_alias(struct resolver *r, struct word reference);
/* The set behind the '+'; `reference` is what follows it. */
const struct ipset *names_set(struct resolver *r, struct word reference);
/* By what a skipped name is found. */
struct text names_skipped_key(struct arena *arena, enum section_kind kind, struct text name);
/* Whether `reference` is wrong only because what is called so in the file of
 * `scope` is skipped; the diagnostic there then shows it. */
bool names_are_skipped(struct resolver *r, const struct scope *scope, enum section_kind kind,
		       struct text name, struct word reference);
/* The same for what may be meant as an alias, with or without its scope. */
bool names_alias_is_skipped(struct resolver *r, struct word reference);

/* ---- options.c ---- */

void options_defaults(enum file_kind kind, void *options);
/* Reads every [OPTIONS] section into `options`, of the file kind's structure. */
void options_read(struct resolver *r, void *options);
/* The spelling of an option's present value, for messages. */
const char *option_value_text(struct arena *arena, enum option_id id, const void *options);

/* ---- rules.c ---- */

/* A rule's options; ptr NULL for what is not given, or cannot be read. */
struct params {
	struct word value[RULE_PARAMS];
	struct word key[RULE_PARAMS];
	bool meant[RULE_PARAMS]; /* given, or something wrong is there that is probably meant as it */
	bool action;             /* likewise for the action: one stands among the options */
};

/* Its first word is the type of a rule. */
bool looks_like_rule(struct text line);

/* Second pass over one [RULES] or [GROUP]: appends the rules that are right. */
void rules_read(struct resolver *r, const struct ast_section *section, struct rule_list *rules);
/* Reports that the present rule is wrong; it will be ignored. */
struct diagnostic *rule_error(struct resolver *r, struct span span, enum diag_id id,
			      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Adds what becomes of the traffic, and returns `d`. */
struct diagnostic *rule_note_effect(struct resolver *r, struct diagnostic *d);

/* ---- params.c ---- */

/* Takes a rule's options apart.  What is not written as it must be is reported, and the others are there
 * nevertheless.  `stray`: words before the first option were reported already. */
void params_read(struct resolver *r, const struct ast_rule *rule, bool group, bool stray, struct params *params);

/* ---- endpoint.c ---- */

/* Verifies the value of -source or -dest; NULL if it was reported. */
const struct endpoint *endpoint_read(struct resolver *r, struct word value);
/* The error of an address that could not be read, reported with `id_*`. */
struct diagnostic *address_report(struct resolver *r, struct word address, enum address_error error);

/* ---- ports.c ---- */

/* Verifies -p; false if it was reported.  *proto is then the one that is probably meant, or proto_any. */
bool proto_read(struct resolver *r, struct word value, struct proto *proto);
/* What is known of a protocol that is not: values are verified as far as they are the same for all. */
extern const struct proto proto_any;
/* The protocol of a macro's rule, which is known to be right. */
struct proto proto_of_macro(struct resolver *r, const char *name);
/* Verifies a port list for a protocol that has ports; NULL if it was reported. */
const struct ports *ports_read(struct resolver *r, struct word value, const struct proto *proto);
const struct ports *ports_of_macro(struct resolver *r, const char *list, const struct proto *proto);
/* -icmp-type, or -dport of an ICMP rule: sets condition->icmp. */
bool icmp_read(struct resolver *r, struct word value, bool old_spelling, struct condition *condition);

/* ---- suggest.c ---- */

/* Whether a search among `names` that a file defines may be made: there can be too many
 * of both, and nobody reads so many diagnostics. */
bool suggest_among(struct resolver *r, uint32_t names);

/* ---- encoding.c ---- */

/* Lines that hold characters which the language does not allow. */
struct lost_lines {
	struct span *spans; /* in the order of the file */
	uint32_t count, room;
	bool odd; /* some of them for their characters */
};

/* Whether the language does not allow a character of `span`. */
bool encoding_odd(const struct source *source, struct span span);
/* Reports CRLF ends, NULs, control and non-ASCII characters, invalid UTF-8, and
 * returns the lines that count for nothing because of them. */
struct lost_lines *encoding_check(struct arena *arena, struct diags *diags,
				  const struct ast_file *file);
bool encoding_lost(const struct lost_lines *lost, struct span line);

#endif
