/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The zones in the page of a report, each with the rules of its chains in their order. */
#include "report/html.h"

enum { ZONES_OPEN = 8 }; /* of one kind; more than this are folded */

static const char *const kind_titles[REPORT_ZONE_KINDS] = {
	[REPORT_HOST] = "The host",
	[REPORT_VNET] = "Vnets",
	[REPORT_GROUP] = "Security groups",
	[REPORT_NIC] = "Guests",
};

/* ---- rules ---- */

static void what_cell(const struct page *page, const struct report_row *row)
{
	page_open(page, "td", "what");
	if (row->outcome == REPORT_ASK) {
		page_text(page, "the rules of ");
		page_open(page, "a", NULL);
		page_attribute(page, "href", "#g-%s", row->service);
		page_printf(page, "group %s", row->service);
		page_close(page);
	} else {
		page_text(page, row->service);
	}
	if (row->detail)
		page_small(page, NULL, row->detail);
	if (row->iface)
		page_small(page, "on ", row->iface);
	if (row->family_mask != IPV_BOTH)
		page_small(page, NULL, row->family_mask == IPV4 ? "IPv4" : row->family_mask ? "IPv6" : "never");
	if (row->log)
		page_small(page, "logged: ", row->log);
	if (row->comment)
		page_leaf(page, "span", "comment", row->comment);
	page_close(page);
}

static void address_cell(const struct page *page, const char *class_name, const char *address)
{
	page_leaf(page, "td", address ? class_name : "any", address ? address : "any");
}

static void why_cell(const struct page *page, const struct report_row *row)
{
	page_open(page, "td", "why");
	if (row->because) {
		page_text(page, row->because);
		page_text(page, " ");
	} else if (row->origin == REPORT_ALWAYS) {
		page_text(page, "always");
	}
	page_place(page, row->span);
	page_close(page);
}

static void zone_rule(const struct page *page, const struct report_row *row)
{
	page_open(page, "tr", row->disabled		    ? "disabled"
			      : row->origin == REPORT_POLICY ? "policy"
			      : row->origin != REPORT_LINE   ? "implied"
							     : NULL);
	page_open(page, "td", "verdict");
	page_leaf(page, "b", report_outcome_names[row->outcome],
		  row->disabled ? "off" : report_outcome_names[row->outcome]);
	page_close(page);
	what_cell(page, row);
	address_cell(page, "from", row->from);
	address_cell(page, "to", row->to);
	why_cell(page, row);
	page_close(page);
	xml_raw(page->xml, "\n");
}

/* ---- chains ---- */

static const char *chain_title(const struct report_zone *zone, enum direction direction)
{
	if (zone->kind == REPORT_VNET)
		return "Through it";
	if (direction == DIRECTION_FORWARD)
		return zone->kind == REPORT_HOST ? "Routed through it" : "Forwarded";
	if (zone->kind == REPORT_GROUP)
		return direction == DIRECTION_IN ? "Incoming" : "Outgoing";
	return direction == DIRECTION_IN ? "To it" : "From it";
}

static void zone_chain(const struct page *page, const struct report_zone *zone, const struct report_chain *c)
{
	static const char *const headings[] = { "Verdict", "What", "From", "To", "Why", NULL };

	page_open(page, "h4", NULL);
	page_text(page, chain_title(zone, c->direction));
	page_text(page, " ");
	page_leaf_printf(page, "small", NULL, "%s, %u written, %u implied", direction_names[c->direction], c->written,
		    c->implied);
	page_close(page);
	page_table(page, "rules", headings);
	for (const struct report_row *row = c->first; row; row = row->next)
		zone_rule(page, row);
	page_close_several(page, 2);
}

/* ---- zones ---- */

/* The policies, visible while the zone is folded. */
static void badges(const struct page *page, const struct report_zone *zone)
{
	uint32_t written = 0;

	if (zone->off)
		page_leaf(page, "span", "tag off", "not filtered");
	for (const struct report_chain *c = zone->chains; c; c = c->next) {
		written += c->written;
		if (zone->off || !c->policy)
			continue;
		page_open(page, "span", "tag");
		page_printf(page, "%s ", direction_names[c->direction]);
		page_leaf(page, "b", report_outcome_names[c->policy->outcome],
			  report_outcome_names[c->policy->outcome]);
		page_close(page);
	}
	page_leaf_printf(page, "span", "quiet", "%u rule%s", written, written == 1 ? "" : "s");
}

static void zone_details(const struct page *page, const struct report_zone *zone, bool open)
{
	xml_raw(page->xml, "\n");
	page_open(page, "details", zone->off ? "zone is-off" : "zone");
	page_attribute(page, "id", "%s", zone->id);
	if (open)
		xml_attribute(page->xml, "open", "");
	page_open(page, "summary", NULL);
	page_leaf(page, "b", "name", zone->name);
	page_text(page, " ");
	if (zone->guest) {
		page_leaf(page, "span", "guest", zone->guest);
		page_text(page, " ");
	}
	badges(page, zone);
	page_close(page);
	if (zone->about)
		page_leaf(page, "p", "about", zone->about);
	if (zone->facts)
		page_leaf(page, "p", "quiet", zone->facts);
	if (zone->off) {
		page_leaf_printf(page, "p", "off", "Not filtered: %s.%s", zone->off,
			    zone->chains ? " These rules are not enforced." : "");
	}
	for (const struct report_chain *c = zone->chains; c; c = c->next)
		zone_chain(page, zone, c);
	page_close(page);
}

static void zones_of_kind(const struct page *page, enum report_zone_kind k)
{
	uint32_t count = page->report->zone_count[k];

	if (!count)
		return;
	page_leaf(page, "h3", NULL, kind_titles[k]);
	for (const struct report_zone *zone = page->report->zones; zone; zone = zone->next)
		if (zone->kind == k)
			zone_details(page, zone, count <= ZONES_OPEN);
}

void page_zones(const struct page *page)
{
	page_section(page, "zones", "Zones");
	page_leaf(
		page, "p", "quiet",
		"The first rule that matches decides. Rules in grey are implied: they come from an option, or always exist.");
	zones_of_kind(page, REPORT_HOST);
	zones_of_kind(page, REPORT_VNET);
	zones_of_kind(page, REPORT_GROUP);
	zones_of_kind(page, REPORT_NIC);
	page_close(page);
}
