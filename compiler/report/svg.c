/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The paths of a packet through the chains as pictures: to and from the host, to and from a guest.  Steps that the
 * configuration does not have are left out.  Each picture is a narrow column, to be readable on any screen.
 */
#include "report/html.h"

/* The exits of a step, except to the next one; POLICY_*: by the host's policy. */
enum { ACCEPTS = 1, DROPS = 2, POLICY_IN = 4, POLICY_OUT = 8 };

struct step {
	const char *title;
	const char *iptables, *nftables; /* the chain */
	unsigned exits;
	bool (*is_there)(const struct config *config); /* NULL: always */
};

static bool has_early(const struct config *config)
{
	return config->host_options.protection_synflood || config->host_options.nf_conntrack_helpers.count;
}

static bool has_filters(const struct config *config)
{
	return cluster_ipset(config, "blacklist") || config->host_options.nosmurfs || config->host_options.tcpflags;
}

static bool has_groups(const struct config *config)
{
	return config->groups != NULL;
}

static bool has_corosync(const struct config *config)
{
	return config->corosync.multicast || config->corosync.links;
}

enum { STEPS_MOST = 9 };

static const struct way {
	const char *title, *begin, *end;
	struct step steps[STEPS_MOST]; /* up to one without a title */
} ways[] = {
	{ "To the host", "network", "the host",
	  { { "SYN flood, helpers", "PVEFW-PREROUTING", "inet prerouting", DROPS, has_early },
	    { "Known connections", "PVEFW-HOST-IN", "inet host-in", ACCEPTS | DROPS, NULL },
	    { "Blacklist, smurfs, TCP flags", "PVEFW-HOST-IN", "inet host-in", DROPS, has_filters },
	    { "Rules of host.fw, cluster.fw", "PVEFW-HOST-IN", "inet host-in", ACCEPTS | DROPS, NULL },
	    { "… and of their groups", "GROUP-…-IN", "group-…-in", ACCEPTS | DROPS, has_groups },
	    { "Management", "PVEFW-HOST-IN", "inet management", ACCEPTS, NULL },
	    { "Corosync", "PVEFW-HOST-IN", "inet host-in", ACCEPTS, has_corosync },
	    { "Policy of cluster.fw", "PVEFW-HOST-IN", "inet host-in", POLICY_IN, NULL } } },
	{ "From the host", "the host", "network",
	  { { "Known connections", "PVEFW-HOST-OUT", "inet host-out", ACCEPTS | DROPS, NULL },
	    { "Rules of host.fw, cluster.fw", "PVEFW-HOST-OUT", "inet host-out", ACCEPTS | DROPS, NULL },
	    { "… and of their groups", "GROUP-…-OUT", "group-…-out", ACCEPTS | DROPS, has_groups },
	    { "Local network", "PVEFW-HOST-OUT", "inet host-out", ACCEPTS, NULL },
	    { "Corosync", "PVEFW-HOST-OUT", "inet host-out", ACCEPTS, has_corosync },
	    { "Policy of cluster.fw", "PVEFW-HOST-OUT", "inet host-out", POLICY_OUT, NULL } } },
	{ "To a guest", "bridge", "the guest",
	  { { "SYN flood, helpers", "PVEFW-PREROUTING", "bridge entry", DROPS, has_early },
	    { "Known connections", "PVEFW-FORWARD", "bridge prerouting", ACCEPTS | DROPS, NULL },
	    { "Blacklist, smurfs, TCP flags", "PVEFW-FWBR-IN", "bridge filters-in", DROPS, has_filters },
	    { "DHCP, neighbour discovery", "tap…-IN", "before-in-…", ACCEPTS, NULL },
	    { "Rules of the guest", "tap…-IN", "tap…-in", ACCEPTS | DROPS, NULL },
	    { "… and of its groups", "GROUP-…-IN", "group-…-in", ACCEPTS | DROPS, has_groups },
	    { "Policy of the guest", "tap…-IN", "tap…-in", DROPS, NULL } } },
	{ "From a guest", "the guest", "bridge",
	  { { "SYN flood, helpers", "PVEFW-PREROUTING", "bridge entry", DROPS, has_early },
	    { "Known connections", "PVEFW-FORWARD", "bridge prerouting", ACCEPTS | DROPS, NULL },
	    { "DHCP", "tap…-OUT", "before-out-…", ACCEPTS, NULL },
	    { "MAC, IP address, routers", "tap…-OUT", "before-out-…", DROPS, NULL },
	    { "Neighbour discovery", "tap…-OUT", "before-out-…", ACCEPTS, NULL },
	    { "Rules of the guest", "tap…-OUT", "tap…-out", ACCEPTS | DROPS, NULL },
	    { "… and of its groups", "GROUP-…-OUT", "group-…-out", ACCEPTS | DROPS, has_groups },
	    { "Policy of the guest", "tap…-OUT", "tap…-out", DROPS, NULL } } },
};

/* ---- measures, in units of the picture ---- */

enum { WIDTH = 320, BOX_X = 2, BOX_WIDTH = 226, BOX_HEIGHT = 44, GAP = 16, END_HEIGHT = 28, TOP = 2 };

static bool is_drawn(const struct page *page, const struct step *step)
{
	return !step->is_there || step->is_there(page->report->config);
}

static unsigned exits_of(const struct page *page, const struct step *step)
{
	const struct cluster_options *o = &page->report->config->cluster_options;

	if (step->exits == POLICY_IN)
		return o->policy_in.action == ACTION_ACCEPT ? 0 : DROPS;
	if (step->exits == POLICY_OUT)
		return o->policy_out.action == ACTION_ACCEPT ? 0 : DROPS;
	return step->exits;
}

/* ---- parts ---- */

static void text_at(const struct page *page, const char *class_name, int x, int y, const char *text)
{
	page_open(page, "text", class_name);
	page_attribute(page, "x", "%d", x);
	page_attribute(page, "y", "%d", y);
	page_text(page, text);
	page_close(page);
}

static void box(const struct page *page, const char *class_name, int y, int height)
{
	page_open(page, "rect", class_name);
	page_attribute(page, "x", "%d", BOX_X);
	page_attribute(page, "y", "%d", y);
	page_attribute(page, "width", "%d", BOX_WIDTH);
	page_attribute(page, "height", "%d", height);
	page_attribute(page, "rx", "%d", height == END_HEIGHT ? END_HEIGHT / 2 : 6);
	page_close(page);
}

/* An arrow from (x, y), (dx, dy) long. */
static void arrow(const struct page *page, const char *class_name, int x, int y, int dx, int dy)
{
	page_open(page, "path", class_name);
	if (dy)
		page_attribute(page, "d", "M%d %dv%dm-4 -5l4 5l4 -5", x, y, dy);
	else
		page_attribute(page, "d", "M%d %dh%dm-5 -4l5 4l-5 4", x, y, dx);
	page_close(page);
}

static void exit_at(const struct page *page, const char *class_name, int y, const char *word)
{
	int x = BOX_X + BOX_WIDTH;

	arrow(page, class_name, x, y, 30, 0);
	text_at(page, class_name, x + 36, y + 4, word);
}

static void end_box(const struct page *page, int y, const char *text)
{
	box(page, "end", y, END_HEIGHT);
	text_at(page, "mid", BOX_X + BOX_WIDTH / 2, y + 19, text);
}

static void draw_step(const struct page *page, const struct step *step, int y)
{
	unsigned exits = exits_of(page, step);
	bool nftables = page->report->config->host_options.nftables, both = exits == (ACCEPTS | DROPS);

	box(page, "box", y, BOX_HEIGHT);
	text_at(page, "title", BOX_X + 12, y + 19, step->title);
	text_at(page, "chain", BOX_X + 12, y + 35, nftables ? step->nftables : step->iptables);
	if (exits & ACCEPTS)
		exit_at(page, "accept", y + BOX_HEIGHT / 2 - (both ? 11 : 0), "accept");
	if (exits & DROPS)
		exit_at(page, "drop", y + BOX_HEIGHT / 2 + (both ? 11 : 0), "drop");
}

/* ---- pictures ---- */

static void describe_way(const struct page *page, const struct way *way, unsigned number)
{
	static const char *const exits[] = { "", " (may accept)", " (may drop)", " (may accept or drop)" };
	bool first = true;

	page_open(page, "title", NULL);
	page_attribute(page, "id", "way-%u-title", number);
	page_text(page, way->title);
	page_close(page);
	page_open(page, "desc", NULL);
	page_attribute(page, "id", "way-%u-desc", number);
	page_printf(page, "A packet comes from %s and passes:", way->begin);
	for (const struct step *s = way->steps; s < way->steps + STEPS_MOST && s->title; s++)
		if (is_drawn(page, s)) {
			page_printf(page, "%s %s%s", first ? "" : ",", s->title,
				    exits[exits_of(page, s)]);
			first = false;
		}
	page_printf(page, ", to reach %s.", way->end);
	page_close(page);
}

static void draw_way(const struct page *page, const struct way *way, unsigned number)
{
	int height = TOP * 2 + 2 * END_HEIGHT + GAP;
	int y = TOP, middle = BOX_X + BOX_WIDTH / 2;

	for (const struct step *s = way->steps; s < way->steps + STEPS_MOST && s->title; s++)
		height += is_drawn(page, s) ? BOX_HEIGHT + GAP : 0;
	page_open(page, "svg", NULL);
	xml_attribute(page->xml, "role", "img");
	page_attribute(page, "aria-labelledby", "way-%u-title way-%u-desc", number, number);
	page_attribute(page, "viewBox", "0 0 %d %d", WIDTH, height);
	describe_way(page, way, number);
	end_box(page, y, way->begin);
	y += END_HEIGHT;
	for (const struct step *s = way->steps; s < way->steps + STEPS_MOST && s->title; s++) {
		if (!is_drawn(page, s))
			continue;
		arrow(page, "next", middle, y, 0, GAP);
		draw_step(page, s, y + GAP);
		y += GAP + BOX_HEIGHT;
	}
	arrow(page, "next", middle, y, 0, GAP);
	end_box(page, y + GAP, way->end);
	page_close(page);
}

void page_ways(const struct page *page)
{
	page_section(page, "ways", "Packet paths");
	page_leaf(
		page, "p", "quiet",
		"Steps from top to bottom; the first that accepts or drops decides. The chain is below each step. Accepted packets reach the end.");
	page_open(page, "div", "ways");
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		xml_raw(page->xml, "\n");
		page_open(page, "figure", NULL);
		page_leaf(page, "figcaption", NULL, ways[i].title);
		draw_way(page, &ways[i], i + 1);
		page_close(page);
	}
	page_close_several(page, 2);
}
