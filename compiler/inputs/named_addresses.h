/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Aliases and IP sets, and the scopes that hold them. */
#ifndef PVEFW_NAMED_ADDRESSES_H
#define PVEFW_NAMED_ADDRESSES_H

#include <uthash.h>

#include "net/address.h"

struct diagnostic;

enum scope_kind {
	SCOPE_CLUSTER, /* dc/ */
	SCOPE_GUEST,   /* guest/ */
	SCOPE_SDN,     /* sdn/ */
};

struct alias {
	struct text name; /* lower case */
	struct text cidr; /* as written, without /32 or /128 */
	struct prefix prefix;
	bool valid;       /* false: its address was wrong, and reported */
	bool implicit;    /* local_network, when no file defines it */
	struct span span; /* of the name where it was first defined */
	struct diagnostic *reported; /* of an alias without value */
	UT_hash_handle hh;
};

struct set_entry {
	bool nomatch;
	bool implicit;             /* not from a file */
	bool repeated;             /* written before in this set: no member of its own */
	const struct alias *alias; /* NULL: an address */
	struct prefix prefix;      /* as written; host bits not cleared */
	struct text text;          /* as written, without /32 or /128 */
	struct span span;
	struct set_entry *next;
};

struct ipset {
	struct text name;       /* lower case */
	enum scope_kind scope;
	uint32_t vmid;          /* of SCOPE_GUEST */
	struct set_entry *entries, **last;
	/* Lines written, with wrong and repeated ones, and implicit entries: what
	 * the size of the kernel's set is computed from (spec 2.9). */
	uint32_t size;
	struct span span, last_span; /* of the headers of the first and the last definition */
	UT_hash_handle hh;
};

/* A set, group or alias whose section or line was reported for its name, and is ignored. */
struct skipped_name {
	struct text key; /* of scope_skipped_key() */
	struct diagnostic *d;
	UT_hash_handle hh;
};

/* The names that a file or the SDN defines. */
struct scope {
	enum scope_kind kind;
	uint32_t vmid;
	struct alias *aliases; /* uthash, in the order of the first definition */
	struct ipset *ipsets;  /* uthash, in the order of the first definition */
	struct skipped_name *skipped; /* uthash; of this file */
};

#endif
