/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Zones of two versions, matched by name, and the paths to and from them. */
#ifndef PVEFW_QUESTIONS_DIFF_ZONES_H
#define PVEFW_QUESTIONS_DIFF_ZONES_H

#include <uthash.h>

#include "questions/diff.h"

/* A zone of one version; config NULL: it does not exist there. */
struct diff_zone_side {
	const struct config *config;
	unsigned node; /* its index */
	const struct guest *guest;
	const struct nic *nic;
	const struct vnet *vnet;
};

struct diff_zone {
	const char *key;
	enum path_zone kind; /* PATH_HOST, PATH_OUTSIDE (what the host routes), PATH_GUEST or PATH_VNET */
	struct diff_zone_side sides[DIFF_SIDES];
	bool differs;
	struct diff_path *paths, **last_path;
	UT_hash_handle hh;
};

/* From the zone, or to it, in both versions. */
struct diff_path {
	struct diff_zone *zone;
	bool inward, flooded;
	/* False: packets do not pass a firewall. */
	bool filtered[DIFF_SIDES];
	struct path paths[DIFF_SIDES];
	struct model_digest digests[DIFF_SIDES]; /* of their programs */
	struct diff_path *next;
	const char *key;
	UT_hash_handle hh;
};

struct diff_zones {
	struct arena *arena;
	struct diff_zone *zones; /* uthash, in the order in which they were found */
	struct diff_path *paths; /* uthash, too */
};

/* Finds all zones and paths.  The caller frees the tables, with HASH_CLEAR. */
void diff_zones_find(struct diff_zones *zones, const struct diff *diff);
/* How many guests are in both versions and have no zone that differs. */
uint32_t diff_zones_same_guests(const struct diff_zones *zones, const struct diff *diff);
/* Adds what is to be told of zones: those of one version only, and NICs that have changed. */
void diff_zones_note(struct diff *diff);

#endif
