/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All backends. */
#include "api/backend.h"

const struct backend *const backends[] = { &backend_iptables, &backend_nft, &backend_netlink, NULL };

const struct backend *const backend_targets[] = { &backend_iptables, &backend_netlink, NULL };

const struct backend *backend_of_host(const struct config *config)
{
	return config->host_options.nftables ? &backend_netlink : &backend_iptables;
}

const struct backend *backend_find(struct text name)
{
	for (const struct backend *const *b = backends; *b; b++)
		if (text_is(name, (*b)->name))
			return *b;
	return NULL;
}
