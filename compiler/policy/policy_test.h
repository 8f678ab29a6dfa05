/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of a configuration: lines of .fwtest files (grammar/fwtest.h), and rows of stock's regression tests.
 *
 * Reading resolves a test against one node's configuration: zones become ends of paths, and conditions become
 * clauses, of which all must hold.  A clause is a list of terms, of which one must hold; a term is a list of
 * matches of the model, which all must hold.  So one clause can say "tcp 22, or udp 53", or "from these IPv4
 * or these IPv6 addresses".
 */
#ifndef PVEFW_POLICY_TEST_H
#define PVEFW_POLICY_TEST_H

#include "config/addresses.h"
#include "diag/diag.h"
#include "fwtest.h"
#include "meaning/paths.h"

enum { POLICY_TERM_MATCHES = 6 };

struct policy_term {
	struct model_match matches[POLICY_TERM_MATCHES];
	uint32_t count;
};

struct policy_clause {
	struct policy_term *terms;
	uint32_t count;
	unsigned family_mask; /* of the packets that can satisfy it */
	struct span span;
	struct policy_clause *next;
};

struct policy_clauses {
	struct policy_clause *first, *last;
};

struct policy_test {
	struct span span;    /* without the comment */
	struct text text;    /* the same, as it is written */
	struct text id;      /* of a row; len 0: none */
	struct path_end *from, *to;
	uint32_t from_count, to_count;
	bool chosen; /* one of the zones stands for several: pairs between which nothing goes are passed over */
	struct policy_clauses clauses;
	bool has_state, has_mac, has_iface, has_sport;
	bool has_source, has_dest; /* addresses */
	bool has_special_source, has_special_dest; /* it names addresses that are never unicast */
	bool is_row;
	bool has_source_type, has_dest_type; /* of a row */
	bool is_from_group, is_to_group;     /* a row whose source or destination is of type MULTICAST */
	enum fwtest_action action;
	struct policy_test *next;
};

/* What reading a test needs. */
struct policy_reader {
	const struct config *config; /* NULL: zones and names are not checked */
	const struct netdb *netdb;
	struct address_cache *cache;
	struct arena *arena;
	struct diags *diags;
	const struct model_ifaces *ifaces; /* NULL: the tests are not run */
	bool rows;                         /* a guest's zone is its first NIC, as stock has it */
	/* Of the line that is read: */
	const struct guest *guests[2]; /* its zones' guests, for guest/NAME: of from and to; or NULL */
	struct span line;
	bool failed;       /* something was reported */
	uint32_t compared; /* see suggest_among() */
	bool unknown_zone; /* a zone is missing on this node */
};

/* Reports an error, and that the test is not run. */
struct diagnostic *policy_error(struct policy_reader *r, struct span span, enum diag_id id, const char *format,
				...) __attribute__((format(printf, 4, 5)));

/* Reads a line that is a test or is bad; NULL if something is wrong with it, which was reported. */
struct policy_test *policy_read_line(struct policy_reader *r, const struct source *source,
				     const struct fwtest_line *line);
/* Reads a row.  policy_rows.c */
struct policy_test *policy_read_row(struct policy_reader *r, const struct source *source, struct word line);

/* ---- clauses: policy_clauses.c ---- */

struct policy_clause *policy_clause_new(struct policy_reader *r, struct policy_clauses *clauses,
					struct span span, uint32_t terms);
struct policy_term *policy_term_add(struct policy_clause *clause);
void policy_match(struct policy_term *term, enum model_field field, struct interval_set values);
struct interval_set policy_values(struct arena *arena, uint64_t first, uint64_t last);
/* IPv4, IPv6 or both. */
void policy_match_family(struct policy_reader *r, struct policy_term *term, unsigned family_mask);
/* A term for each IP version with addresses: source (or destination) is among `sets`, IPv4's and IPv6's. */
void policy_addresses_clause(struct policy_reader *r, struct policy_clauses *clauses, struct span span,
			     bool source, const struct interval_set sets[2]);

/* ---- zones: policy_zones.c ---- */

/* Sets the ends that a zone stands for; returns false if it is wrong, which was reported. */
bool policy_read_zone(struct policy_reader *r, const struct fwtest_zone *zone, struct path_end **ends,
		      uint32_t *count, bool *chosen);

/* ---- addresses: policy_addresses.c ---- */

/* Addresses that are never unicast. */
enum { POLICY_SPECIAL4 = 3, POLICY_SPECIAL6 = 1 };
extern const struct interval policy_special4[POLICY_SPECIAL4], policy_special6[POLICY_SPECIAL6];
/* Computes the addresses of IPv4 and IPv6 that "from" or "to" names.  *special: an element has only such addresses. */
bool policy_read_addresses(struct policy_reader *r, const struct fwtest_clause *clause, struct interval_set sets[2],
			   bool *special);

/* ---- services and values: policy_services.c ---- */

bool policy_read_services(struct policy_reader *r, const struct fwtest_clause *clause,
			  struct policy_clauses *clauses);
bool policy_read_sport(struct policy_reader *r, const struct fwtest_clause *clause, struct policy_clauses *clauses);
bool policy_read_icmp(struct policy_reader *r, const struct fwtest_clause *clause, struct policy_clauses *clauses);
/* What a row says of protocol and ports; ptr NULL: nothing. */
void policy_read_row_service(struct policy_reader *r, struct word proto, struct word sport, struct word dport,
			     struct policy_clauses *clauses);
/* state, mac, on, ipv4, ipv6: policy_values.c */
bool policy_read_values(struct policy_reader *r, const struct fwtest_clause *clause, struct policy_clauses *clauses);
/* An element of a list is missing next to the comma; returns false. */
bool policy_report_gap(struct policy_reader *r, struct word gap);
/* `what` is missing after the keyword; returns false. */
bool policy_report_missing(struct policy_reader *r, struct word keyword, const char *what, const char *help);
/* Whether the word can only be an address: it begins with one, or with '+'. */
bool policy_looks_like_address(struct text word);
/* The number of an interface's name. */
struct interval_set policy_iface(struct policy_reader *r, struct text name);

#endif
