/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests and their NICs: a firewall file and the guest's configuration disagree, so traffic is not filtered as intended. */
#include "lint/lint_context.h"

#include <stdlib.h>

/* ---- files without a guest ---- */

/* A tree without any guest has the configurations elsewhere. */
static void check_strangers(struct lint *lint)
{
	if (!lint->config->guests && !lint->other_guest_count)
		return;
	for (const struct guest *g = lint->config->strangers; g; g = g->next) {
		struct diagnostic *d;
		uint64_t vmid = 0;

		if (!g->file ||
		    (text_to_number(g->vmid_text, UINT32_MAX, &vmid) && lint_has_guest(lint, vmid)))
			continue;
		d = diag(lint->diags, ((struct span){ g->file->base, g->file->base }), DIAG_FILE_WITHOUT_GUEST, "guest %.*s does not exist",
			 TEXT_ARG(g->vmid_text));
		diag_note(d, "the file has no effect until a guest gets this number");
		diag_help(d, "delete it, or rename it to the number of the guest it is for");
	}
}

/* ---- guests without a filtered NIC, and the other way round ---- */

static bool has_filtered_nic(const struct guest *guest)
{
	for (const struct nic *n = guest->nics; n; n = n->next)
		if (n->firewall)
			return true;
	return false;
}

static void report_no_nic(struct lint *lint, const struct lint_file *file)
{
	const struct guest *guest = file->guest;
	struct diagnostic *d = diag(lint->diags, lint_option_place(file, OPTION_GUEST_ENABLE), DIAG_NO_FILTERED_NIC,
				    "no NIC of %s has `firewall=1`", guest_name(lint->arena, guest));

	for (const struct nic *n = guest->nics; n; n = n->next)
		diag_label(d, n->span, "%.*s is not filtered", TEXT_ARG(n->key));
	diag_note(d, "the firewall is enabled, but all traffic of the guest passes unfiltered");
	diag_help(d, "add `firewall=1` to the NICs in the guest's configuration");
}

static void report_flag(struct lint *lint, const struct lint_file *file, const struct guest *guest)
{
	struct diagnostic *d = NULL;

	for (const struct nic *n = guest->nics; n; n = n->next) {
		if (!n->firewall)
			continue;
		if (d)
			diag_label(d, n->span, "and %.*s", TEXT_ARG(n->key));
		else
			d = diag(lint->diags, n->span, DIAG_FLAG_WITHOUT_FIREWALL,
				 "%.*s has `firewall=1`, but the firewall of %s is disabled",
				 TEXT_ARG(n->key), guest_name(lint->arena, guest));
	}
	if (!d)
		return;
	if (file)
		diag_label(d, lint_option_place(file, OPTION_GUEST_ENABLE),
			   "the firewall is not enabled here");
	diag_note(d, "all traffic of the guest passes unfiltered");
}

static void check_nics(struct lint *lint)
{
	for (uint32_t i = 0; i < lint->file_count; i++) {
		const struct guest *g = lint->files[i].guest;

		if (!g || !g->config)
			continue;
		/* A NIC whose line has an error, which was reported, may have the flag. */
		if (g->options.enable && !has_filtered_nic(g) && !lint_has_errors(lint, g->config))
			report_no_nic(lint, &lint->files[i]);
		else if (!g->options.enable)
			report_flag(lint, &lint->files[i], g);
	}
	for (const struct guest *g = lint->config->guests; g; g = g->next)
		if (!g->file)
			report_flag(lint, NULL, g);
}

/* ---- rules and sets for NICs ---- */

static void report_rule_nic(struct lint *lint, const struct guest *guest, struct span span, const char *what,
		       struct text name, const struct nic *nic)
{
	struct diagnostic *d;

	if (!nic) {
		d = diag(lint->diags, span, DIAG_NIC_MISSING, "%s has no %.*s", guest_name(lint->arena, guest),
			 TEXT_ARG(name));
	} else {
		d = diag(lint->diags, span, DIAG_NIC_NOT_FILTERED, "%.*s of %s is not filtered",
			 TEXT_ARG(name), guest_name(lint->arena, guest));
		diag_label(d, nic->span, "`firewall=1` is missing here");
	}
	diag_note(d, "the %s has no effect", what);
}

static void check_nic_names(struct lint *lint, const struct guest *guest)
{
	for (const struct rule *r = guest->rules.first; r; r = r->next) {
		const struct nic *nic = guest->nics;

		while (nic && (int32_t)nic->index != r->net)
			nic = nic->next;
		if (r->enabled && r->iface.len && (nic ? !nic->firewall : !lint_has_errors(lint, guest->config)))
			report_rule_nic(lint, guest, r->span, "rule", r->iface, nic);
	}
	for (const struct ipset *s = guest->scope.ipsets; s; s = s->hh.next) {
		const struct nic *nic = guest->nics;
		struct text name;

		if (!s->span.begin || !text_starts(s->name, "ipfilter-net"))
			continue;
		name = (struct text){ s->name.ptr + 9, s->name.len - 9 }; /* after "ipfilter-" */
		while (nic && !text_equal(nic->key, name))
			nic = nic->next;
		if (nic ? !nic->firewall : !lint_has_errors(lint, guest->config))
			report_rule_nic(lint, guest, s->span, "set", name, nic);
	}
}

/* ---- unknown source addresses ---- */

/* The IP version of which the filter of a NIC lets through more than its link-local address. */
static unsigned known_families(const struct ipset *set, const struct nic *nic)
{
	unsigned family_mask = (nic->ip4.family ? IPV4 : 0) | (nic->ip6.family ? IPV6 : 0);

	for (const struct set_entry *e = set->entries; e; e = e->next)
		if (!e->implicit && !e->nomatch)
			family_mask |= prefix_family_mask(e->alias ? &e->alias->prefix : &e->prefix);
	return family_mask;
}

static bool lacks_addresses(const struct guest *guest, const struct nic *nic)
{
	const struct ipset *set = nic->firewall ? guest_filter_set(guest, nic) : NULL;
	unsigned known = set ? known_families(set, nic) : IPV4 | IPV6;

	return !known || (nic->dhcp && !(known & IPV4));
}

static void check_ipfilter(struct lint *lint, const struct lint_file *file)
{
	const struct guest *guest = file->guest;
	const struct nic *nic = guest->nics;
	const struct ipset *set;
	struct diagnostic *d;

	while (nic && !lacks_addresses(guest, nic))
		nic = nic->next;
	if (!nic || lint_has_errors(lint, file->source))
		return;
	set = guest_filter_set(guest, nic);
	d = diag(lint->diags,
		 guest->options.ipfilter ? lint_option_place(file, OPTION_GUEST_IPFILTER) : set->span,
		 DIAG_IPFILTER_WITHOUT_ADDRESS, "%.*s of %s has no allowed IPv4 source address",
		 TEXT_ARG(nic->key), guest_name(lint->arena, guest));
	for (const struct nic *n = nic; n; n = n->next)
		if (lacks_addresses(guest, n))
			diag_label(d, n->span, "%s",
				   n->dhcp ? "the address from DHCP is not known" : "no address is known");
	diag_note(d, "the filter of source addresses (ipfilter) drops %s",
		  known_families(set, nic) ? "all IPv4 packets that it sends"
					   : "everything except packets from its link-local IPv6 address");
	diag_help(d, "add its addresses to [IPSET ipfilter-%.*s] of this file%s", TEXT_ARG(nic->key),
		  guest->options.ipfilter ? ", or disable `ipfilter`" : "");
}

/* ---- frames with VLAN tags ---- */

static void check_trunks(struct lint *lint, const struct guest *guest)
{
	struct diagnostic *d = NULL;

	for (const struct nic *n = guest->nics; n; n = n->next) {
		const struct source *source = guest->config;
		uint32_t begin;

		if (!n->firewall || !n->trunks.len)
			continue;
		begin = source->base + (uint32_t)(n->trunks.ptr - source->text);
		if (d)
			diag_label(d, (struct span){ begin, begin + n->trunks.len }, "nor that of %.*s", TEXT_ARG(n->key));
		else
			d = diag(lint->diags, (struct span){ begin, begin + n->trunks.len },
				 DIAG_TRUNK_UNFILTERED, "VLAN-tagged frames of %s on %.*s are not filtered",
				 guest_name(lint->arena, guest), TEXT_ARG(n->key));
	}
	if (!d)
		return;
	diag_note(
		d,
		"rules only match frames without a tag; in these VLANs all traffic of the guest passes, in both directions");
	diag_help(d, "use one NIC with `tag=` for each VLAN instead");
}

/* ---- one MAC address twice ---- */

/* A NIC with a MAC address, and its guest. */
struct owner {
	const struct guest *guest;
	const struct nic *nic;
	uint32_t place; /* in the order of guests and NICs */
};

static int by_mac(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;
	int order = memcmp(x->nic->mac_bytes, y->nic->mac_bytes, sizeof(x->nic->mac_bytes));

	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

static struct span mac_span(const struct owner *owner)
{
	const struct source *source = owner->guest->config;
	uint32_t begin = source->base + (uint32_t)(owner->nic->mac.ptr - source->text);

	return (struct span){ begin, begin + owner->nic->mac.len };
}

static void report_macs(struct lint *lint, const struct owner *owners, uint32_t count)
{
	enum { SHOWN = 4 };
	const struct owner *second = &owners[1];
	struct diagnostic *d = diag(lint->diags, mac_span(second), DIAG_MAC_TWICE,
				    "MAC address `%.*s` belongs to %u NICs", TEXT_ARG(second->nic->mac),
				    count);

	diag_here(d, "%.*s of %s", TEXT_ARG(second->nic->key), guest_name(lint->arena, second->guest));
	for (uint32_t i = 0; i < count && i < SHOWN; i++)
		if (i != 1)
			diag_label(d, mac_span(&owners[i]), "%.*s of %s", TEXT_ARG(owners[i].nic->key),
				   guest_name(lint->arena, owners[i].guest));
	if (count > SHOWN)
		diag_note(d, "and %u more", count - SHOWN);
	diag_note(d, "on the same bridge, packets for one of them can reach the other");
	diag_help(d, "give each NIC its own address; a restored copy of a guest keeps that of the original");
}

static void check_macs(struct lint *lint)
{
	uint32_t count = 0;
	struct owner *owners;

	for (const struct guest *g = lint->config->guests; g; g = g->next)
		for (const struct nic *n = g->nics; n; n = n->next)
			count++;
	owners = ARENA_ARRAY(&lint->scratch, struct owner, count);
	count = 0;
	for (const struct guest *g = lint->config->guests; g; g = g->next)
		for (const struct nic *n = g->nics; n; n = n->next)
			if (n->mac.len && g->config) {
				owners[count] = (struct owner){ g, n, count };
				count++;
			}
	if (count)
		qsort(owners, count, sizeof(*owners), by_mac);
	for (uint32_t i = 0, next; i < count; i = next) {
		for (next = i + 1; next < count && memcmp(owners[i].nic->mac_bytes, owners[next].nic->mac_bytes,
							  sizeof(owners[i].nic->mac_bytes)) == 0; next++)
			;
		if (next - i > 1)
			report_macs(lint, &owners[i], next - i);
	}
}

/* ---- guests that are cut off ---- */

static bool accepts_any(const struct rule_list *rules)
{
	for (const struct rule *r = rules->first; r; r = r->next) {
		if (!r->enabled)
			continue;
		if (r->direction == DIRECTION_GROUP ? accepts_any(&r->group->rules) : r->action == ACTION_ACCEPT)
			return true;
	}
	return false;
}

static void check_sealed(struct lint *lint)
{
	const struct lint_file *first = NULL;
	uint32_t count = 0;
	struct diagnostic *d;

	for (uint32_t i = 0; i < lint->file_count && !lint->config->host_options.nftables; i++) {
		const struct lint_file *file = &lint->files[i];
		const struct guest *guest = file->guest;

		/* One that iptables should keep all traffic in, which it cannot: see N0963. */
		if (!guest || !guest->config || !guest->options.enable || !has_filtered_nic(guest) ||
		    guest->options.policy_out.action == ACTION_ACCEPT || guest->options.policy_in.action == ACTION_ACCEPT ||
		    accepts_any(&guest->rules))
			continue;
		if (!first)
			first = file;
		count++;
	}
	if (!first)
		return;
	d = diag(lint->diags, lint_option_place(first, OPTION_GUEST_POLICY_OUT), DIAG_ANSWERED_BLOCK,
		 "%s is isolated, but with iptables it can answer blocked packets",
		 guest_name(lint->arena, first->guest));
	if (count > 1)
		diag_note(d, "this applies to %u more guests of this node", count - 1);
	diag_note(
		d,
		"a blocked packet creates a connection when it passes vmbrN; an answer belongs to that connection and is accepted");
	diag_help(d, "nftables blocks such answers: set `nftables: 1` in host.fw");
}

void lint_guests(struct lint *lint)
{
	check_strangers(lint);
	/* Nothing is filtered while the cluster's firewall is off. */
	if (!config_enabled(lint->config))
		return;
	check_nics(lint);
	check_macs(lint);
	check_sealed(lint);
	for (uint32_t i = 0; i < lint->file_count; i++) {
		const struct guest *g = lint->files[i].guest;

		if (!g || !g->config || !has_filtered_nic(g))
			continue;
		check_nic_names(lint, g);
		if (!g->options.enable)
			continue;
		check_ipfilter(lint, &lint->files[i]);
		check_trunks(lint, g);
	}
}

/* ---- the cluster's switch ---- */

void lint_firewall_off(struct lint *lint)
{
	const struct lint_file *guest = NULL;
	const struct lint_file *cluster = lint_find_file(lint, lint->inputs->cluster);
	int64_t enable = lint->config->cluster_options.enable;
	struct diagnostic *d;

	for (uint32_t i = 0; i < lint->file_count && !guest; i++)
		if (lint->files[i].guest && lint->files[i].guest->options.enable)
			guest = &lint->files[i];
	if (config_enabled(lint->config) || (!guest && enable == 0))
		return;
	d = diag(lint->diags,
		 lint_option_place(cluster ? cluster : guest,
				   cluster ? OPTION_CLUSTER_ENABLE : OPTION_GUEST_ENABLE),
		 DIAG_FIREWALL_OFF, "firewall of the whole cluster is disabled");
	if (cluster && guest)
		diag_label(d, lint_option_place(guest, OPTION_GUEST_ENABLE),
			   "this guest's firewall is enabled, but has no effect");
	diag_note(d, "nothing is filtered, on any host and for any guest");
	if (enable > 1)
		diag_note(
			d,
			"a number above 1 is a Unix time: the firewall is enabled until 60 seconds after it, which is over");
	diag_help(d, cluster ? "set `enable: 1` in [OPTIONS] of cluster.fw"
			     : "set `enable: 1` in firewall/cluster.fw, which does not exist");
}
