/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/explain/seen_path.h"

static void seen_path_set_guest(const struct config *config, struct path_end *end, struct text port)
{
	for (const struct guest *guest = config->guests; guest && port.len; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next)
			if (text_equal(nic->device, port))
				*end = (struct path_end){ .zone = PATH_GUEST, .guest = guest, .nic = nic };
}

/* Of a frame that is filtered before its bridge has found its port. */
static void seen_path_set_by_mac(const struct config *config, struct path_end *end, const uint8_t mac[6])
{
	for (const struct guest *guest = config->guests; guest && end->zone == PATH_OUTSIDE; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next)
			if (nic->mac.len && memcmp(nic->mac_bytes, mac, 6) == 0)
				*end = (struct path_end){ .zone = PATH_GUEST, .guest = guest, .nic = nic };
}

void seen_path_set_ends(const struct config *config, struct path *path)
{
	path->from = path->to = (struct path_end){ .zone = PATH_OUTSIDE };
	for (uint32_t i = 0; i < path->count; i++) {
		const struct path_pass *pass = &path->passes[i];

		switch (pass->hook) {
		case PATH_INPUT:
			path->to = (struct path_end){ .zone = PATH_HOST };
			break;
		case PATH_OUTPUT:
			path->from = (struct path_end){ .zone = PATH_HOST };
			break;
		case PATH_ROUTED:
			break;
		case PATH_BRIDGE:
			seen_path_set_guest(config, &path->from, pass->in);
			seen_path_set_guest(config, &path->to, pass->out);
			if (!pass->out.len)
				seen_path_set_by_mac(config, &path->to, pass->dest_mac);
		}
	}
}
