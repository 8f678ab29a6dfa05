/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of written.c: matches, steps and chains; rules and policies; implied rules. */
#ifndef PVEFW_WRITTEN_PARTS_H
#define PVEFW_WRITTEN_PARTS_H

#include "config/addresses.h"
#include "config/zones.h"
#include "lang/implied.h"
#include "meaning/translator.h"

struct written_chain;

struct written {
	struct translator translator;
	const struct config *config;
	const struct model_ifaces *ifaces;
	struct arena own;
	struct arena *arena; /* of chains, and all they refer to: `own`, or for a while another one */
	struct address_cache addresses;
	struct written_chain *chains; /* uthash; made when they are first needed */
};

/* What ACCEPT means in a zone: the packet passes, or goes to an IPS. */
struct written_accept {
	enum model_effect effect; /* MODEL_ACCEPT or MODEL_QUEUE */
	uint16_t first, last;
};

#define WRITTEN_ANY_IFACE UINT32_MAX

/* Where rules are added. */
struct written_place {
	struct zone zone;
	enum implied_chain at;
	const struct guest *guest; /* of a NIC; else NULL */
	const struct nic *nic;
	struct written_accept accept;
	uint32_t iface;         /* number of MODEL_IFACE, or WRITTEN_ANY_IFACE */
	struct text line_iface; /* instead of that of the rule, if it has a length */
	const char *log_chain;  /* or NULL */
};

/* ---- written_steps.c ---- */

enum { WRITTEN_MATCHES_MAX = 12 };

/* All must hold. */
struct written_matches {
	struct model_match items[WRITTEN_MATCHES_MAX];
	uint32_t count;
	bool never;
};

/* A chain that is being made: written_keep() or written_take() must follow, which frees it. */
struct written_draft {
	struct model_step *steps;
	uint32_t count, room;
};

/* What a chain is made of, so that it is made once.  No bytes between the members: they are hashed. */
struct written_key {
	const void *object;
	uint32_t kind;
	uint32_t iface;
	uint32_t is_queued, queue; /* as of written_accept */
};

void written_match(struct written_matches *m, enum model_field field, struct interval_set values,
		   bool negated);
void written_match_range(struct written *w, struct written_matches *m, enum model_field field, uint64_t first,
			 uint64_t last);
void written_match_family(struct written_matches *m, unsigned family_mask);
/* Addresses of one family, and that family. */
void written_match_addresses(struct written_matches *m, bool source, struct interval_set values,
			     unsigned family_mask, bool negated);
/* TCP, and the flags of `mask` are `flags` (or are not). */
void written_match_flags(struct written *w, struct written_matches *m, uint8_t mask, uint8_t flags,
			 bool negated);
/* The zone's interface is `name`. */
void written_match_iface(struct written *w, struct written_matches *m, const struct written_place *place,
			 struct text name);
/* A type of ICMP of one family. */
void written_match_icmp(struct written *w, struct written_matches *m, const struct icmp_type *type);

/* Adds a step, for the caller to complete; it is void if the matches never hold. */
struct model_step *written_add(struct written *w, struct written_draft *d, const struct written_matches *m,
			       enum model_effect effect);
void written_add_accept(struct written *w, struct written_draft *d, const struct written_matches *m,
			const struct written_accept *accept, struct span span, const char *implied);
/* Nothing with LOG_NOLOG, or where no chain logs. */
void written_add_log(struct written *w, struct written_draft *d, const struct written_matches *m,
		     const char *log_chain, uint32_t vmid, enum log_level level, const char *message);
/* A step that goes to a chain whatever the packet is like. */
void written_add_jump(struct written *w, struct written_draft *d, const struct written_matches *m,
		      enum model_effect effect, const struct model_chain *to, struct span span,
		      const char *implied);

/* The chain that was made for the key, or NULL. */
const struct model_chain *written_find(struct written *w, const struct written_key *key);
const struct model_chain *written_keep(struct written *w, const struct written_key *key, const char *name,
				       struct written_draft *d);

/* The steps of a draft as a chain, from `arena`; the draft is empty then. */
struct model_chain written_take(struct arena *arena, struct written_draft *d, const char *name);

/* Frees the table of chains; the chains are the arena's. */
void written_forget_chains(struct written *w);

extern const struct written_matches written_always;

/* Kinds of chains: the first member of a key is NULL, or what the comment says. */
enum written_kind {
	WRITTEN_REJECT,
	WRITTEN_NOISE,                     /* before a policy of DROP */
	WRITTEN_NOISE_REJECT,              /* before a policy of REJECT */
	WRITTEN_GROUP,                     /* a struct group; and the direction */
	WRITTEN_HOST = WRITTEN_GROUP + 3,  /* and the direction */
	WRITTEN_NIC_IN = WRITTEN_HOST + 3, /* a struct nic */
	WRITTEN_NIC_OUT,
	WRITTEN_LAYER2,    /* a struct nic */
	WRITTEN_VNET,      /* a struct vnet */
	WRITTEN_VNET_HOST, /* a struct vnet: packets of the host through it */
	WRITTEN_VNETS,     /* and the direction */
	WRITTEN_SYNFLOOD = WRITTEN_VNETS + 2,
	WRITTEN_BRIDGE,
	WRITTEN_SERVICES,
};

/* ---- written_actions.c ---- */

/* A step, or a jump to what answers with a reject. */
void written_add_action(struct written *w, struct written_draft *d, const struct written_matches *m,
			enum action action, const struct written_accept *accept, struct span span,
			const char *implied);

/* What REJECT goes to. */
const struct model_chain *written_reject(struct written *w);

/* ---- written_rules.c ---- */

void written_rules(struct written *w, struct written_draft *d, const struct written_place *place,
		   const struct rule_list *rules);
/* One rule, which is not a GROUP. */
void written_rule_add(struct written *w, struct written_draft *d, const struct written_place *place,
		      const struct rule *rule);
/* What is decided before a policy of DROP or REJECT logs. */
const struct model_chain *written_noise(struct written *w, bool reject);
void written_policy(struct written *w, struct written_draft *d, const struct written_place *place);

/* ---- written_implied.c ---- */

/* Adds a rule of implied.def if it is for the place, and on. */
void written_implied(struct written *w, struct written_draft *d, const struct written_place *place,
		     enum implied_id id);
/* Adds all rules of a stage, in their order. */
void written_implied_stage(struct written *w, struct written_draft *d, const struct written_place *place,
			   enum implied_stage stage);
void written_match_packets(struct written *w, struct written_matches *m, const struct implied_packets *p);
/* What the host accepts after all rules, whoever sends it. */
const struct model_chain *written_services_of(struct written *w);
/* What is filtered of a NIC's frames that are not IP packets. */
const struct model_chain *written_layer2(struct written *w, const struct guest *guest, const struct nic *nic);

#endif
