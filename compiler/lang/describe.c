/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of tables in words. */
#include "lang/describe.h"

#include <inttypes.h>

#include "lang/limit_table.h"

enum { WIDTH = 80 };

/* A line of the text, broken into as many as it needs. */
static void wrap(struct out *out, unsigned indent, struct text line)
{
	uint32_t column = 0;

	for (uint32_t at = 0, end; at < line.len; at = end + 1) {
		for (end = at; end < line.len && line.ptr[end] != ' '; end++)
			;
		if (column && column + 1 + end - at > WIDTH) {
			out_char(out, '\n');
			column = 0;
		}
		if (column)
			out_char(out, ' ');
		else
			out_printf(out, "%*s", (int)indent, "");
		out_bytes(out, line.ptr + at, end - at);
		column += (column ? 1 : indent) + end - at;
	}
	out_char(out, '\n');
}

void describe_paragraph(struct out *out, unsigned indent, struct text text)
{
	struct text line;

	while (text_next_line(&text, &line))
		wrap(out, indent, line);
}

/* Separates the `i`th of `count` words from the one before: "a, b or c". */
static const char *separator(unsigned i, unsigned count, const char *last)
{
	return i == 0 ? "" : i + 1 < count ? ", " : last;
}

void describe_values(struct out *out, const struct option_row *row)
{
	switch (row->type) {
	case OPTION_BOOL:
		out_string(out, "0 or 1");
		break;
	case OPTION_NUMBER:
		if (row->most == INT64_MAX)
			out_printf(out, "a whole number, at least %" PRId64, row->least);
		else
			out_printf(out, "a whole number, %" PRId64 " to %" PRId64, row->least, row->most);
		break;
	case OPTION_POLICY:
		out_string(out, "ACCEPT, DROP or REJECT");
		break;
	case OPTION_POLICY_FORWARD:
		out_string(out, "ACCEPT or DROP");
		break;
	case OPTION_LOGLEVEL:
		for (unsigned i = 0; i < LOG_LEVELS; i++)
			out_printf(out, "%s%s", separator(i, LOG_LEVELS, " or "), log_level_names[i]);
		break;
	case OPTION_RATELIMIT:
		out_string(
			out,
			"[enable=]BOOL[,burst=N][,rate=N/UNIT]; BOOL is 1, on, yes, true, 0, off, no or false; UNIT is second, minute, hour or day; ");
		out_printf(
			out,
			"burst at most %d, rate at most %d/second, and a burst that the rate refills within %d seconds",
			LIMIT_LOG_BURST, LIMIT_LOG_RATE, LIMIT_LOG_REFILL);
		break;
	case OPTION_HELPERS:
		out_string(out, "a comma-separated list of ");
		for (unsigned i = 0; i < helper_count; i++)
			out_printf(out, "%s%s", separator(i, helper_count, " and "),
				   helper_table[i].name);
		break;
	case OPTION_QUEUES:
		out_printf(out, "N or N:M, numbers from 0 to %" PRId64 ", M at most %d", row->most, LIMIT_QUEUE_OF_RANGE);
		break;
	case OPTION_LAYER2:
		out_string(out, "a comma-separated list of names or numbers from /etc/ethertypes");
		break;
	}
}

void describe_default(struct out *out, const struct option_row *row)
{
	switch (row->type) {
	case OPTION_BOOL:
	case OPTION_NUMBER:
		out_printf(out, "%" PRId64, row->default_value);
		break;
	case OPTION_POLICY:
	case OPTION_POLICY_FORWARD:
		out_string(out, action_names[row->default_value]);
		break;
	case OPTION_LOGLEVEL:
		out_string(out, log_level_names[row->default_value]);
		break;
	case OPTION_RATELIMIT:
		out_string(out, "one message per second");
		break;
	case OPTION_HELPERS:
		out_string(out, "none");
		break;
	case OPTION_QUEUES:
		out_string(out, "the kernel's default queue");
		break;
	case OPTION_LAYER2:
		out_string(out, "all");
		break;
	}
}

void describe_macro_rule(struct out *out, const struct macro_rule *rule)
{
	out_printf(out, "-p %s", rule->proto);
	if (rule->dport)
		out_printf(out, " %s %s", strncmp(rule->proto, "icmp", 4) == 0 ? "-icmp-type" : "-dport", rule->dport);
	if (rule->sport)
		out_printf(out, " -sport %s", rule->sport);
}

const char *describe_families(unsigned family_mask, unsigned all)
{
	return family_mask == all ? "" : family_mask == IPV4 ? " (IPv4 only)" : " (IPv6 only)";
}

void describe_icmp_numbers(struct out *out, const struct icmp_type *type)
{
	if (type->type < 0)
		out_string(out, "any");
	else if (type->code < 0)
		out_printf(out, "%d", type->type);
	else
		out_printf(out, "%d/%d", type->type, type->code);
}
