/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collecting a report: the files, then the zones, and what is computed from them. */
#include "report/model.h"

#include "source/lines.h"

static uint32_t count_listing_lines(const struct source *source)
{
	struct lines lines = lines_of(source);
	struct word line;
	uint32_t count = 0;

	while (lines_next(&lines, &line))
		count++;
	return count;
}

static void list_files_of_report(struct report_builder *b)
{
	const struct source_map *map = b->config->diags->map;
	struct report *report = b->report;

	report->files = ARENA_ARRAY(b->arena, struct report_file, map->count + 1);
	for (uint32_t i = 0; i < map->count; i++) {
		struct report_file *file = &report->files[report->file_count];

		if (!map->sources[i]->is_fw)
			continue;
		*file = (struct report_file){ map->sources[i], report_text(b, text_of(map->sources[i]->path)),
					      count_listing_lines(map->sources[i]) };
		report->file_count++;
		report->line_count += file->lines;
	}
}

struct report *report_new(const struct config *config, const struct inputs *inputs, const char *now)
{
	struct report *report = ARENA_NEW(config->arena, struct report);
	const struct alias *network = config->local_network;
	struct report_builder b = { config->arena, config, report, &report->zones,
				    inputs->local_network.family || !network->implicit, NULL };

	report->config = config;
	report->diags = config->diags;
	report->node = report_text(&b, config->node);
	report->target = config->host_options.nftables ? "nftables" : "iptables";
	report->now = now;
	report->enabled = config_enabled(config);
	report->local_network = report_text(&b, network->cidr);
	report->local_network_known = b.local_network_known;
	list_files_of_report(&b);
	report_zones(&b);
	report_matrices(&b);
	report_sets(&b);
	HASH_CLEAR(hh, b.groups);
	return report;
}
