/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The zones of tests. */
#include "policy/policy_test.h"

#include "config/zones.h"
#include "diag/suggest.h"

static struct span policy_zone_span(const struct fwtest_zone *zone)
{
	struct span span = word_span(zone->word);

	if (zone->name.ptr)
		span.end = zone->name.begin + zone->name.len;
	return span;
}

/* ---- what is wrong ---- */

/* Offers a zone that is spelt nearly like this. */
static void policy_suggest_zone(struct policy_reader *r, struct diagnostic *d, struct text wanted, struct span span)
{
	struct suggestion s;

	suggest_start(&s, wanted);
	for (const struct fwtest_row *row = fwtest_zone_table; row->spelling; row++)
		suggest(&s, text_of(row->spelling), SPAN_NONE);
	for (const struct guest *guest = r->config ? r->config->guests : NULL; guest; guest = guest->next)
		if (suggest_among(&r->compared, 1))
			suggest(&s, text_of(arena_printf(r->arena, "%s%u", guest->type == GUEST_VM ? "vm" : "ct",
							 guest->vmid)),
				SPAN_NONE);
	if (s.best.len)
		suggest_to(d, &s, span, "");
	else
		diag_help(d, "write any, host, outside, nfvm, a guest such as vm100 or ct200, BRIDGE/PORT, or vnet NAME");
}

static void policy_suggest_vnet(struct policy_reader *r, struct diagnostic *d, struct word name)
{
	struct suggestion s;

	suggest_start(&s, word_text(name));
	for (const struct vnet *vnet = r->config->vnets; vnet; vnet = vnet->next)
		suggest(&s, vnet->name, SPAN_NONE);
	suggest_to(d, &s, word_span(name), "");
}

/* The guest of "vm100", of whatever type, or NULL. */
static const struct guest *policy_guest_of(const struct config *config, struct text word)
{
	struct text number = text_starts(word, "vm") || text_starts(word, "ct") ? text_skip(word, 2) : word;
	long split = text_find(number, 'i');

	if (split >= 0)
		number.len = (uint32_t)split;
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		if (text_equal(guest->vmid_text, number))
			return guest;
	return NULL;
}

/* "vm100", "ct200i1" */
static bool policy_is_guest_form(struct text word)
{
	struct text rest = text_skip(word, word.len < 2 ? word.len : 2);
	long split = text_find(rest, 'i');
	uint64_t number;

	if (!text_starts(word, "vm") && !text_starts(word, "ct"))
		return false;
	if (split >= 0 && !text_to_number(text_skip(rest, (uint32_t)split + 1), UINT32_MAX, &number))
		return false;
	if (split >= 0)
		rest.len = (uint32_t)split;
	return text_to_number(rest, UINT32_MAX, &number);
}

/* `reason` may end with advice, which is given in another way here. */
static void policy_report_zone(struct policy_reader *r, const struct fwtest_zone *zone, const char *reason)
{
	struct text word = word_text(zone->word);
	struct span span = policy_zone_span(zone);
	struct diagnostic *d = policy_error(r, span, DIAG_TEST_ZONE, "zone `%.*s` does not exist",
					    (int)(span.end - span.begin), zone->word.ptr);
	const struct guest *guest = r->config ? policy_guest_of(r->config, word) : NULL;
	const char *advice = strchr(reason, ';');
	struct text rest = text_starts(word, "vm") || text_starts(word, "ct") ? text_skip(word, 2) : word;

	r->unknown_zone = true;
	if (strstr(reason, "is not a zone"))
		diag_here(d, "not a zone");
	else
		diag_here(d, "%.*s", advice ? (int)(advice - reason) : (int)strlen(reason), reason);
	if (zone->name.ptr && r->config)
		policy_suggest_vnet(r, d, zone->name);
	else if (guest && !text_starts(word, guest->type == GUEST_VM ? "vm" : "ct"))
		diag_correct(d, span, "%s%.*s", guest->type == GUEST_VM ? "vm" : "ct", TEXT_ARG(rest));
	else if (!guest && r->config && !r->config->guests && policy_is_guest_form(word))
		diag_help(d, "the tree knows no guests: their configurations are nodes/NODE/qemu-server/VMID.conf and "
			     "nodes/NODE/lxc/VMID.conf");
	else if (!guest)
		policy_suggest_zone(r, d, word, span);
}

/* ---- ends ---- */

static void policy_add_end(struct policy_reader *r, struct path_end **ends, uint32_t *count, struct path_end end)
{
	/* Room doubles at each power of two. */
	if ((*count & (*count - 1)) == 0) {
		struct path_end *more = ARENA_ARRAY(r->arena, struct path_end, *count ? 2 * *count : 1);

		if (*count)
			memcpy(more, *ends, *count * sizeof(*more));
		*ends = more;
	}
	(*ends)[(*count)++] = end;
}

static void policy_add_every_zone(struct policy_reader *r, struct path_end **ends, uint32_t *count)
{
	static const enum path_zone zones[] = { PATH_HOST, PATH_OUTSIDE, PATH_NFVM };
	struct nic_walk walk = { 0 };

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		policy_add_end(r, ends, count, (struct path_end){ .zone = zones[i] });
	while (nic_walk_next(&walk, r->config))
		policy_add_end(r, ends, count,
			       (struct path_end){ .zone = PATH_GUEST, .guest = walk.guest, .nic = walk.nic });
	for (const struct vnet *vnet = r->config->vnets; vnet; vnet = vnet->next)
		policy_add_end(r, ends, count, (struct path_end){ .zone = PATH_VNET, .vnet = vnet });
}

/* All NICs with a firewall, if the zone names none and there are several. */
static void policy_add_nics(struct policy_reader *r, const struct path_end *end, struct path_end **ends,
			    uint32_t *count)
{
	for (const struct nic *nic = end->guest->nics; nic; nic = nic->next)
		if (nic->firewall)
			policy_add_end(r, ends, count,
				       (struct path_end){ .zone = PATH_GUEST, .guest = end->guest, .nic = nic });
	if (!*count)
		policy_add_end(r, ends, count, *end);
}

/* Without a configuration only the form is checked. */
static bool policy_zone_form(struct policy_reader *r, const struct fwtest_zone *zone)
{
	struct text word = word_text(zone->word);
	long slash = text_find(word, '/');

	for (const struct fwtest_row *row = fwtest_zone_table; row->spelling; row++)
		if (text_is(word, row->spelling))
			return true;
	if (text_is(word, "vnet") || (slash > 0 && (uint32_t)slash + 1 < word.len))
		return true;
	if (policy_is_guest_form(word))
		return true;
	policy_report_zone(r, zone, "it is not a zone");
	return false;
}

bool policy_read_zone(struct policy_reader *r, const struct fwtest_zone *zone, struct path_end **ends,
		      uint32_t *count, bool *chosen)
{
	struct text word = word_text(zone->word);
	struct path_end end;
	const char *reason;

	if (text_is(word, "vnet") && !zone->name.ptr) {
		diag_help(policy_error(r, word_span(zone->word), DIAG_TEST_ZONE, "name of the vnet is missing"),
			  "write `vnet NAME`");
		return false;
	}
	if (!r->config)
		return policy_zone_form(r, zone);
	if (text_is(word, "any")) {
		policy_add_every_zone(r, ends, count);
		*chosen = true;
		return true;
	}
	if (zone->name.ptr)
		word = ARENA_JOIN(r->arena, word, TEXT(" "), word_text(zone->name));
	reason = path_end_parse(r->config, word, &end);
	if (reason) {
		policy_report_zone(r, zone, reason);
		return false;
	}
	if (end.zone == PATH_GUEST && !r->rows && text_find(text_skip(word, 2), 'i') < 0)
		policy_add_nics(r, &end, ends, count);
	else
		policy_add_end(r, ends, count, end);
	*chosen |= *count > 1;
	return true;
}
