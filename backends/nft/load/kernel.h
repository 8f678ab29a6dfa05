/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rulesets in the kernel, without nft: a batch of netlink messages is built from
 * the lowered form, sent as one transaction, and what is loaded is read back so
 * that a later batch holds the difference only.  For the command and for the
 * service alike: nothing here is global, prints or ends the process.
 *
 *     struct nft_kernel kernel;
 *     nft_kernel_open(&kernel);
 *     nft_kernel_load(&kernel, &loading, arena, ruleset, NULL);
 *     nft_kernel_close(&kernel);
 */
#ifndef PVEFW_KERNEL_H
#define PVEFW_KERNEL_H

#include "api/backend.h"
#include "nft/netlink/batch.h"

/* ---- digests of objects: objects.h ---- */

enum { NFT_DIGEST_BYTES = 16 };

struct nft_digest {
	uint8_t bytes[NFT_DIGEST_BYTES];
};

#define NFT_DIGEST_SET "digests"

/* ---- socket.c ---- */

struct mnl_socket;

struct nft_kernel {
	struct mnl_socket *socket;
	uint32_t sequence;
	char *buffer; /* receive buffer */
};

/* Opens a socket in the current network namespace.  Returns 0 or an errno. */
int nft_kernel_open(struct nft_kernel *kernel);
void nft_kernel_close(struct nft_kernel *kernel);

/* The kernel's error for a message. */
struct nft_refusal {
	int error;        /* errno */
	uint32_t message; /* index in the batch */
	uint32_t offset;  /* in the message, of the faulty attribute; 0: unknown */
	const char *text; /* the kernel's words, or NULL */
};

struct nft_answers {
	struct nft_refusal *refusals;
	uint32_t count, room;
	bool lost;           /* there were more */
	int error;           /* of sending or receiving: errno */
	int64_t nanoseconds; /* in the kernel */
};

/*
 * Sends the batch, one transaction: the kernel takes all of it or nothing.  With
 * `try` it is judged as far as that goes without being carried out.  True if the
 * kernel has taken it.  Refusals and texts are from `arena`.
 */
bool nft_kernel_send(struct nft_kernel *kernel, struct arena *arena, const struct nft_batch *batch, bool try,
		     struct nft_answers *answers);

/* ---- state.c: the loaded objects ---- */

struct nft_loaded_chain {
	struct text name;
	enum nft_hook hook;
	int32_t priority;
	uint32_t policy; /* of a base chain: NF_ACCEPT, NF_DROP */
	bool filters;    /* its type is "filter" */
};

/* Digests are sorted; so are the others, by name, once they were read. */
struct nft_loaded_table {
	bool exists;
	bool dormant; /* its base chains see no packets */
	bool known;   /* it has digests */
	struct nft_loaded_chain *chains;
	struct nft_loaded_set *sets;
	struct text *helpers;
	struct nft_digest *digests;
	uint32_t chain_count, set_count, helper_count, digest_count;
};

struct nft_loaded {
	uint32_t generation; /* the kernel's count of transactions */
	struct nft_loaded_table tables[NFT_TABLES];
};

/* Reads which of our tables are loaded, and their digests, into memory of `arena`; 0 or an errno. */
int nft_kernel_read(struct nft_kernel *kernel, struct arena *arena, struct nft_loaded *loaded);

/* ---- load.c ---- */

/* What a service knows to be loaded; see objects.h.  Zeroed, nothing is known. */
struct nft_cache;

/* Loads `ruleset`, to which digests are added from `arena`; with tables that are NULL it takes ours away.
 * `cache`, if not NULL, has what is loaded then. */
bool nft_kernel_load(struct nft_kernel *kernel, struct backend_loading *loading, struct arena *arena,
		     const struct nft_ruleset *ruleset, struct nft_cache *cache);
/* Whether one of our tables is loaded. */
bool nft_is_in_force(struct arena *arena);
/* Tries the ruleset without effect and adds what the kernel says against it. */
void nft_explain_refusal(struct nft_kernel *kernel, struct backend_loading *loading,
			 const struct nft_ruleset *ruleset);
/* Loads what `config` is lowered to; NULL takes ours away. */
bool nft_config_load(struct backend_loading *loading, const struct config *config, struct nft_cache *cache);

/* ---- guest.c ---- */

/* load_guests of struct backend.  What no chain uses any more stays until all is loaded. */
bool nft_guests_load(struct backend_loading *loading, struct nft_cache *cache, const struct config *config,
		     const struct guest_change *changes, unsigned count);

/* ---- counters.c ---- */

/* The counters of a loaded rule with a comment; texts point into the message. */
struct nft_counter {
	struct text comment, chain;
	enum backend_outcome outcome;
	uint64_t packets, bytes;
};

typedef void nft_counter_function(void *context, const struct nft_counter *counter);

/* Calls back for each rule of our tables that counts.  0 or an errno: EINTR as in struct backend. */
int nft_counters_read(struct nft_kernel *kernel, nft_counter_function *take, void *context);

/* ---- count_zones.c ---- */

/* Parses the comments of nft_rule_from() and nft_rule_from_default(); false: another program's comment. */
bool nft_comment_parse(struct text comment, struct text *file, uint32_t *line, struct text *option);
struct backend_zone nft_zone_of(struct text chain);
/* counters of struct backend. */
int nft_counters(const struct config *config, backend_count_function *function, void *context, uint32_t *skipped);

/* ---- lowered.c ---- */

/* lowered of struct backend. */
void nft_lowered(const struct config *config, backend_lowered_function *function, void *context);

/* ---- script.c ---- */

/* Loads `config` as a script, by libnftables. */
bool nft_script_load(struct backend_loading *loading, const struct config *config);

#endif
