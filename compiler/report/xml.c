/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report as XML; pvefw-report.rng beside this file is its schema. */
#include "report/model.h"

#include "format/common.h"
#include "format/diag_xml.h"
#include "base/xml_writer.h"

static void optional(struct xml_out *xml, const char *name, const char *value)
{
	if (value)
		xml_attribute(xml, name, value);
}

static void flag(struct xml_out *xml, const char *name, bool set)
{
	if (set)
		xml_attribute(xml, name, "true");
}

static void report_xml_place(struct xml_out *xml, const struct report *report, struct span span)
{
	struct report_place place;

	if (!report_place(report, span, &place))
		return;
	xml_attribute(xml, "file", place.path);
	xml_number(xml, "line", place.line);
}

/* ---- zones ---- */

static void report_xml_rule(struct xml_out *xml, const struct report *report, const struct report_row *row)
{
	static const char *const families[] = { "none", "4", "6", "46" };

	xml_open(xml, "rule");
	xml_attribute(xml, "origin", report_origin_names[row->origin]);
	xml_attribute(xml, "outcome", report_outcome_names[row->outcome]);
	xml_attribute(xml, row->outcome == REPORT_ASK ? "group" : "service", row->service);
	optional(xml, "detail", row->detail);
	optional(xml, "from", row->from);
	optional(xml, "to", row->to);
	optional(xml, "interface", row->iface);
	optional(xml, "because", row->because);
	optional(xml, "log", row->log);
	optional(xml, "comment", row->comment);
	xml_attribute(xml, "versions", families[row->family_mask]);
	flag(xml, "disabled", row->disabled);
	report_xml_place(xml, report, row->span);
	xml_close(xml);
}

static void report_xml_zone(struct xml_out *xml, const struct report *report, const struct report_zone *z)
{
	xml_open(xml, "zone");
	xml_attribute(xml, "id", z->id);
	xml_attribute(xml, "kind", report_zone_kind_names[z->kind]);
	xml_attribute(xml, "name", z->name);
	optional(xml, "guest", z->guest);
	optional(xml, "about", z->about);
	optional(xml, "facts", z->facts);
	optional(xml, "off", z->off);
	for (const struct report_chain *chain = z->chains; chain; chain = chain->next) {
		xml_open(xml, "chain");
		xml_attribute(xml, "direction", direction_names[chain->direction]);
		if (chain->policy)
			xml_attribute(xml, "policy", report_outcome_names[chain->policy->outcome]);
		for (const struct report_row *row = chain->first; row; row = row->next)
			report_xml_rule(xml, report, row);
		xml_close(xml);
	}
	xml_close(xml);
}

/* ---- the matrices ---- */

/* Names of the elements of both. */
static const struct {
	const char *matrix, *zone, *cell, *end, *other;
} names[REPORT_WAYS] = {
	[REPORT_INTO] = { "reach", "destination", "from", "source", "from" },
	[REPORT_OUT_OF] = { "egress", "origin", "to", "destination", "to" },
};

static void report_xml_cell(struct xml_out *xml, const struct report *report, enum report_way way,
		 const struct report_cell *c, uint32_t column)
{
	if (!c->first)
		return;
	xml_open(xml, names[way].cell);
	xml_attribute(xml, names[way].end, report->matrices[way].sources[column].name);
	for (const struct report_service *s = c->first; s; s = s->next) {
		xml_open(xml, "service");
		xml_attribute(xml, "name", s->name);
		optional(xml, "detail", s->detail);
		optional(xml, "comment", s->comment);
		optional(xml, "where", s->where);
		optional(xml, names[way].other, s->from);
		flag(xml, "partly", s->left != REPORT_LEFT_ALL);
		flag(xml, "denied", s->denied);
		if (s->row)
			report_xml_place(xml, report, s->row->span);
		xml_close(xml);
	}
	xml_close(xml);
}

static void report_xml_matrix(struct xml_out *xml, const struct report *report, enum report_way way)
{
	xml_open(xml, names[way].matrix);
	for (const struct report_zone *z = report->zones; z; z = z->next) {
		if (!z->cells[way])
			continue;
		xml_open(xml, names[way].zone);
		xml_attribute(xml, "zone", z->id);
		for (uint32_t i = 0; i < report->matrices[way].source_count; i++)
			report_xml_cell(xml, report, way, &z->cells[way][i], i);
		xml_close(xml);
	}
	xml_close(xml);
}

/* ---- sets and files ---- */

static void report_xml_sets(struct xml_out *xml, const struct report *report)
{
	xml_open(xml, "sets");
	for (const struct report_set *s = report->sets; s; s = s->next) {
		xml_open(xml, "set");
		xml_attribute(xml, "name", s->name);
		xml_attribute(xml, "owner", s->owner);
		optional(xml, "comment", s->comment);
		xml_number(xml, "written", s->written);
		xml_number(xml, "implied", s->implied);
		xml_attribute(xml, "ipv4", s->ipv4);
		xml_attribute(xml, "ipv6", s->ipv6);
		xml_number(xml, "uses", s->uses);
		report_xml_place(xml, report, s->span);
		xml_close(xml);
	}
	xml_close(xml);
}

static void report_xml_files(struct xml_out *xml, const struct report *report)
{
	xml_open(xml, "files");
	for (uint32_t i = 0; i < report->file_count; i++) {
		const struct report_file *file = &report->files[i];

		xml_open(xml, "file");
		xml_attribute(xml, "path", file->path);
		for (uint32_t line = 1; line <= file->lines; line++)
			xml_element(xml, "line", report_line(report, file, line));
		xml_close(xml);
	}
	xml_close(xml);
}

/* ---- all ---- */

static void report_xml_attributes(struct xml_out *xml, const struct report *report)
{
	xml_attribute(xml, "xmlns", "urn:pvefw:report:1");
	xml_attribute(xml, "node", report->node);
	xml_attribute(xml, "enabled", report->enabled ? "true" : "false");
	xml_attribute(xml, "target", report->target);
	optional(xml, "now", report->now);
	if (report->local_network_known)
		xml_attribute(xml, "local-network", report->local_network);
	xml_number(xml, "guests", report->guests);
	xml_number(xml, "filtered-guests", report->filtered_guests);
	xml_number(xml, "rules", report->rules);
	xml_number(xml, "sets", report->set_count);
	xml_number(xml, "files-of-others", report->strangers);
}

void report_xml(struct out *out, const struct report *report)
{
	struct xml_out xml;

	xml_begin(&xml, out);
	xml_open(&xml, "report");
	report_xml_attributes(&xml, report);
	xml_open(&xml, "zones");
	for (const struct report_zone *z = report->zones; z; z = z->next)
		report_xml_zone(&xml, report, z);
	xml_close(&xml);
	report_xml_matrix(&xml, report, REPORT_INTO);
	report_xml_matrix(&xml, report, REPORT_OUT_OF);
	report_xml_sets(&xml, report);
	diag_xml_list(&xml, report->diags);
	report_xml_files(&xml, report);
	xml_close(&xml);
	xml_end(&xml);
}
