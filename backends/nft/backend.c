/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nftables backends.  Both load the same two tables: `nft` as a script, by libnftables; `netlink` as a batch
 * of messages, of which a later load sends only the difference.
 */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "net/netlink_socket.h"
#include "nft/load/objects.h"
#include "nft/meaning/nft_meaning.h"

/* ---- printing ---- */

static void nft_print_script(struct out *out, const struct config *config)
{
	struct arena arena = { 0 };

	nft_print(out, nft_lower(&arena, config));
	arena_free(&arena);
}

/* The batch that replaces both tables, as the script does: as text or, if `raw`, as the kernel reads it. */
static void nft_print_replacement(struct out *out, const struct config *config, bool raw)
{
	struct arena arena = { 0 };
	struct nft_batch batch;

	nft_batch_init(&batch);
	nft_batch_replace(&batch, nft_lower(&arena, config));
	if (raw)
		out_bytes(out, batch.bytes.data, batch.bytes.len);
	else
		nft_batch_print(out, &batch);
	nft_batch_free(&batch);
	arena_free(&arena);
}

static void nft_write_batch(struct out *out, const struct config *config)
{
	nft_print_replacement(out, config, true);
}

static void nft_print_messages(struct out *out, const struct config *config)
{
	nft_print_replacement(out, config, false);
}

/* Whether the configuration has a list that is long enough for port maps. */
static bool nft_has_port_maps(const struct config *config)
{
	struct arena arena = { 0 };
	const struct nft_ruleset *ruleset = nft_lower(&arena, config);
	bool found = false;

	for (unsigned i = 0; i < NFT_TABLES; i++)
		for (const struct nft_set *set = ruleset->tables[i] ? ruleset->tables[i]->sets : NULL; set; set = set->next)
			found |= set->verdicts && set->interval;
	arena_free(&arena);
	return found;
}

/* Both forms of long lists, if there are any. */
static void nft_dump_forms(struct out *out, const struct config *config,
			   void (*print)(struct out *out, const struct config *config))
{
	struct config plain = *config;
	bool both = nft_has_port_maps(config);

	plain.plain_lists = true;
	if (both) {
		out_string(out, "# Long lists as they are (--no-optimize)\n");
		print(out, &plain);
		out_string(out, "\n# Long lists as port maps\n");
	}
	print(out, config);
}

static void nft_dump_script(struct out *out, const struct config *config)
{
	nft_dump_forms(out, config, nft_print_script);
}

static void nft_dump_messages(struct out *out, const struct config *config)
{
	nft_dump_forms(out, config, nft_print_messages);
}

/* ---- sessions ---- */

struct nft_session {
	struct backend_session base;
	struct nft_cache cache;
	struct mnl_socket *listener; /* NULL: not listening */
};

static struct nft_session *session_of(struct backend_session *session)
{
	return (struct nft_session *)session;
}

static struct backend_session *nft_open(const struct backend *backend)
{
	struct nft_session *s = xcalloc(1, sizeof(*s));

	s->base.backend = backend;
	return &s->base;
}

static void nft_watch_end(struct backend_session *session)
{
	netlink_socket_close(&session_of(session)->listener);
}

static void nft_close(struct backend_session *session)
{
	nft_watch_end(session);
	nft_cache_forget(&session_of(session)->cache);
	free(session);
}

static void nft_forget(struct backend_session *session)
{
	nft_cache_forget(&session_of(session)->cache);
}

static bool nft_load_script(struct backend_session *session, struct backend_loading *loading, const struct config *config)
{
	(void)session;
	return nft_script_load(loading, config);
}

static bool nft_load_netlink(struct backend_session *session, struct backend_loading *loading, const struct config *config)
{
	if (!config)
		nft_forget(session);
	return nft_config_load(loading, config, config && !session->loads_once ? &session_of(session)->cache : NULL);
}

static bool nft_load_guests(struct backend_session *session, struct backend_loading *loading, const struct config *config,
			    const struct guest_change *changes, unsigned count)
{
	return nft_guests_load(loading, &session_of(session)->cache, config, changes, count);
}

static bool nft_tidy(struct backend_session *session, struct backend_loading *loading)
{
	return nft_cache_tidy(loading, &session_of(session)->cache);
}

static bool nft_differs(struct backend_session *session, struct backend_loading *loading, const struct config *config)
{
	(void)session;
	loading->dry = true;
	return !nft_config_load(loading, config, NULL) || loading->messages != 0;
}

/* ---- notifications of the kernel ---- */

static int nft_watch(struct backend_session *session)
{
	struct nft_session *s = session_of(session);

	if (!s->listener)
		s->listener = netlink_socket_open(NETLINK_NETFILTER, SOCK_NONBLOCK, NETLINK_GROUP(NFNLGRP_NFTABLES));
	return s->listener ? mnl_socket_get_fd(s->listener) : -errno;
}

/* Sets *context if the message is about a table of ours. */
static int nft_take_notification(const struct nlmsghdr *header, void *context)
{
	const struct nfgenmsg *generic;
	const struct nlattr *attribute;
	bool *ours = context, our_family = false;

	if (NFNL_SUBSYS_ID(header->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
	    NFNL_MSG_TYPE(header->nlmsg_type) == NFT_MSG_NEWGEN ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(*generic))
		return MNL_CB_OK;
	generic = mnl_nlmsg_get_payload(header);
	for (unsigned i = 0; i < NFT_TABLES; i++)
		our_family |= nft_families[i] == generic->nfgen_family;
	if (!our_family)
		return MNL_CB_OK;
	/* In all messages about something in a table, attribute 1 is the table's name. */
	NETLINK_FOR_EACH_ATTRIBUTE(attribute, header, sizeof(*generic))
		if (mnl_attr_get_type(attribute) == NFTA_TABLE_NAME && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
			*ours |= strcmp(mnl_attr_get_str(attribute), NFT_TABLE_NAME) == 0;
	return MNL_CB_OK;
}

static bool nft_watch_take(struct backend_session *session)
{
	struct nft_session *s = session_of(session);
	bool ours = false;

	return s->listener && (!netlink_socket_drain(s->listener, nft_take_notification, &ours) || ours);
}

static uint32_t nft_generation(struct backend_session *session)
{
	struct nft_kernel kernel;
	uint32_t count = 0;

	(void)session;
	if (nft_kernel_open(&kernel) != 0)
		return 0;
	if (nft_kernel_read_generation(&kernel, &count) != 0)
		count = 0;
	nft_kernel_close(&kernel);
	return count;
}

/* ---- the backends ---- */

#define NFT_LAYERS                                                                                    \
	(1u << LAYER_NFLOG | 1u << LAYER_BRIDGE | 1u << LAYER_BRIDGE_CONNTRACK | 1u << LAYER_BRIDGE_REJECT | \
	 1u << LAYER_BRIDGE_META)

const struct backend backend_nft = {
	.name = "nft",
	.text = "an nft script that replaces the tables `inet pvefw` and `bridge pvefw`",
	.target = "nftables",
	.forwards = true,
	.layers = NFT_LAYERS,
	.print = nft_print_script,
	.list = nft_print_script,
	.dump = nft_dump_script,
	.meaning = nft_meaning,
	.lowered = nft_lowered,
	.open = nft_open,
	.close = nft_close,
	.forget = nft_forget,
	.load = nft_load_script,
	.load_guests = nft_load_guests,
	.tidy = nft_tidy,
	.differs = nft_differs,
	.is_in_force = nft_is_in_force,
	.counters = nft_counters,
};

const struct backend backend_netlink = {
	.name = "netlink",
	.text = "netlink messages with the same effect; -o writes the batch that replaces both tables",
	.target = "nftables",
	.forwards = true,
	.layers = NFT_LAYERS,
	.print = nft_print_messages,
	.write = nft_write_batch,
	.list = nft_print_script,
	.dump = nft_dump_messages,
	.meaning = nft_meaning,
	.lowered = nft_lowered,
	.open = nft_open,
	.close = nft_close,
	.forget = nft_forget,
	.load = nft_load_netlink,
	.load_guests = nft_load_guests,
	.tidy = nft_tidy,
	.differs = nft_differs,
	.is_in_force = nft_is_in_force,
	.watch = nft_watch,
	.watch_take = nft_watch_take,
	.watch_end = nft_watch_end,
	.generation = nft_generation,
	.counters = nft_counters,
};
