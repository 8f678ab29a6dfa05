/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traces packets until enough were seen, the time is over, or a signal comes. */
#ifndef PVEFW_TRACER_H
#define PVEFW_TRACER_H

#include "firewall/trace/trace_print.h"

/* The configuration that is loaded, and what it is asked by.  A reload replaces all of it. */
struct tracer_config {
	const struct config *config;
	const struct source_map *map;
	const struct backend *backend;
	struct asked *asked;
};

struct tracer_options {
	struct trace_filter filter;
	/* Zones that packets come from and go to; NULL: any.  What of them cannot be selected by the kernel is seen later. */
	const struct path_end *from, *to;
	uint32_t packets, seconds;
	bool json; /* an object a line */
	struct model_budget budget;
	/* Reads the configuration again after its rules were replaced; false: it cannot be read, and the old one stays. */
	bool (*reload)(void *context, struct tracer_config *config);
	/* How the loaded rules differ from the configuration, NULL if they do not; lasts until the next call. */
	const char *(*differs)(void *context);
	void *context;
};

struct tracer_counts {
	uint64_t packets, agreed, disagreed, unasked;
	uint64_t lost; /* how often the kernel had no room for events */
};

/* Whether rules are loaded where nothing is traced: by iptables-legacy. */
bool trace_is_blind(const struct backend *backend);
/* Returns false if packets cannot be traced, which was reported. */
bool trace_packets(const struct tracer_options *options, struct tracer_config *config, struct tracer_counts *counts);

#endif
