/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the lowered form becomes packet programs.
 *
 * asked.c translates what a rule asks of a packet, steps.c chains, nft_meaning.c paths.  Fields that are
 * constants of a path (interfaces, the destination MAC address) fold away: a rule that cannot match there has
 * no step, and a verdict map is the verdict of one element, found by binary search.  A chain that asks for
 * none of them, nor leads to one that does, is translated once for all paths.
 */
#ifndef PVEFW_NFT_TRANSLATE_H
#define PVEFW_NFT_TRANSLATE_H

#include <uthash.h>

#include "nft/meaning/nft_meaning.h"

/* What is known of a chain, for all paths. */
struct nft_chain_note {
	const struct nft_chain *chain;
	bool of_path;                   /* it, or a chain that it leads to, asks for a constant of the path */
	bool inert;                     /* it decides nothing: it only labels connections */
	const struct model_chain *made; /* if `of_path`, for the hook with this number */
	uint32_t hook;
	UT_hash_handle hh;
};

/* The elements of a set with one key as values of a field. */
struct nft_set_note {
	const struct nft_set *set;
	struct interval_set values;
	bool inert_known, inert; /* of verdict maps: all jump to inert chains */
	UT_hash_handle hh;
};

struct nft_translator {
	struct translator translator;
	struct arena arena;        /* what paths share */
	struct arena_mark lowered; /* what is translated comes after it */
	struct arena scratch;      /* the steps of unfinished chains */
	const struct nft_ruleset *ruleset;
	struct {
		const struct nft_chain **chains; /* the base chains, by priority */
		uint32_t count;
	} hooks[NFT_TABLES];
	const struct model_ifaces *ifaces;
	struct nft_chain_note *chains; /* uthash */
	struct nft_set_note *sets;     /* uthash */
	uint32_t hook;                 /* the number of the hook that is translated, counted over all paths */
};

/* One hook of a path while it is translated. */
struct nft_traversal {
	struct nft_translator *t;
	struct arena *arena; /* of what is made now: the program's, or the translator's */
	bool bridge;
	struct text iif, oif, bridge_name; /* len 0: there is none */
	enum nft_field any_iface; /* IIFNAME or OIFNAME if MODEL_IFACE tells it; NFT_FIELDS: neither */
	const uint8_t *dest_mac;
};

/* ---- asked.c ---- */

enum { NFT_ASKED_MAX = 24 };

/* What a rule asks: all of this. */
struct nft_asked {
	struct model_match matches[NFT_ASKED_MAX];
	uint32_t count;
	bool never;   /* it cannot hold on this path */
	bool unknown; /* it has a form that lowering does not make */
	uint32_t mark_mask, mark_value;
	bool mark_negated;
};

/* Whether the value of a field differs between paths. */
bool nft_is_of_path(enum nft_field field);
void nft_ask_match(const struct nft_traversal *at, struct nft_asked *asked, const struct nft_match *match);
/* The field has one of these values; `values` must last as long as at->arena. */
void nft_ask_values(struct nft_asked *asked, enum model_field field, bool negated,
		    struct interval_set values);
void nft_ask_number(const struct nft_traversal *at, struct nft_asked *asked, enum model_field field,
		    uint64_t number);
/* A key of one element of a verdict map: a value, or an interval. */
void nft_ask_key(const struct nft_traversal *at, struct nft_asked *asked, const struct nft_vmap *vmap,
		 const struct nft_element *element, unsigned part);
/* Whether all keys are constants of the path. Then *element is the one that they find, or NULL. */
bool nft_find_element(const struct nft_traversal *at, const struct nft_vmap *vmap,
		      const struct nft_element **element);
struct nft_set_note *nft_set_note_of(struct nft_translator *t, const struct nft_set *set);

/* ---- steps.c ---- */

const struct model_chain *nft_translate_chain(const struct nft_traversal *at, const struct nft_chain *chain);

#endif
