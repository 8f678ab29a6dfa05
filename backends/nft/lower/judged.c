/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft/lower/passes.h"

bool nft_nic_counts(const struct nic *nic)
{
	return nic->firewall && nft_iface_possible(nic->device);
}

/* A NIC that counts, of any guest or of one that is `judged`. */
static bool nft_find_nic(const struct config *config, bool judged)
{
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic && (guest->options.enable || !judged); nic = nic->next)
			if (nft_nic_counts(nic))
				return true;
	return false;
}

bool nft_any_nic(const struct config *config)
{
	return nft_find_nic(config, false);
}

bool nft_judges_guests(const struct config *config)
{
	return nft_find_nic(config, true);
}

bool nft_judges_forward(const struct config *config)
{
	return config->host_options.enable && (config->cluster_options.policy_forward.action != ACTION_ACCEPT ||
					       rules_have_direction(&config->host_rules, DIRECTION_FORWARD) ||
					       rules_have_direction(&config->cluster_rules, DIRECTION_FORWARD));
}

bool nft_bridge_possible(struct text name)
{
	for (uint32_t i = 0; i < name.len; i++)
		if (!char_is_letter(name.ptr[i]) && !char_is_digit(name.ptr[i]) && !strchr("_.-", name.ptr[i]))
			return false;
	return nft_iface_possible(name);
}

bool nft_judges_vnet(const struct vnet *vnet)
{
	return vnet->options.enable && nft_bridge_possible(vnet->name) &&
	       (vnet->options.policy_forward.action != ACTION_ACCEPT ||
		rules_have_direction(&vnet->rules, DIRECTION_FORWARD));
}

bool nft_any_vnet(const struct config *config)
{
	for (const struct vnet *vnet = config->vnets; vnet; vnet = vnet->next)
		if (nft_judges_vnet(vnet))
			return true;
	return false;
}
