/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the diagnostics of a run to what its format prints.
 *
 * The exit status depends on all that was found and is not in the baseline, however little of it is printed.
 */
#include "findings/findings.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "findings/baseline.h"
#include "format/diag_json.h"
#include "format/common.h"

/* ---- the options ---- */

static bool read_max_findings(const struct cli *cli, unsigned *number)
{
	const char *value = cli->value[CLI_MAX_FINDINGS];
	uint64_t most = UINT32_MAX;

	if (value && !text_to_number(text_of(value), UINT32_MAX, &most)) {
		cli_error("%s takes a number, not `%s`", cli_shown(cli, CLI_MAX_FINDINGS), value);
		return false;
	}
	*number = (unsigned)most;
	return true;
}

/* An output must not overwrite an input. */
static bool may_write(const struct cli *cli)
{
	static const unsigned baselines[] = { CLI_BASELINE, CLI_WRITE_BASELINE };
	const char *output = cli->value[CLI_OUTPUT];

	for (size_t i = 0; output && i < sizeof(baselines) / sizeof(baselines[0]); i++) {
		const char *baseline = cli->value[baselines[i]];
		struct stat x, y;

		if (!baseline)
			continue;
		if (strcmp(output, baseline) != 0 && (stat(output, &x) < 0 || stat(baseline, &y) < 0 ||
						      x.st_dev != y.st_dev || x.st_ino != y.st_ino))
			continue;
		cli_error("%s would overwrite the baseline, %s", cli_shown(cli, CLI_OUTPUT), output);
		return false;
	}
	return cli_may_write(cli, CLI_OUTPUT) && cli_may_write(cli, CLI_WRITE_BASELINE);
}

bool findings_begin(struct run *run)
{
	const char *const *value = run->cli->value;
	const char *written = value[CLI_WRITE_BASELINE];

	if (!read_max_findings(run->cli, &run->max_findings) || !may_write(run->cli))
		return false;
	/* A format from a configuration file is about lists of findings. */
	if (value[CLI_STATISTICS] && value[CLI_FORMAT] && run->format != &diag_format_json &&
	    cli_shown(run->cli, CLI_FORMAT)[0] != '-')
		run->format = &diag_format_text;
	if (value[CLI_STATISTICS] && run->format != &diag_format_text && run->format != &diag_format_json) {
		cli_error("--statistics prints text or json, not %s", run->format->name);
		return false;
	}
	if (written && is_standard_stream(written)) {
		cli_error("--write-baseline writes a file, not `%s`", written);
		return false;
	}
	/* A baseline that is about to be replaced may be malformed. */
	if (!value[CLI_BASELINE] || written)
		return true;
	run->baseline = baseline_read(&run->arena, value[CLI_BASELINE]);
	return run->baseline != NULL;
}

/* ---- the baseline ---- */

static bool write_run_baseline(struct run *run, const char *path)
{
	uint32_t count;

	if (run->failed || run->diags.unreadable) {
		cli_error("%s is not written because not everything could be read", path);
		return true;
	}
	if (!baseline_write(&run->diags, path, &count))
		run->failed = true;
	else
		cli_error("%s: %u finding%s written", path, count, count == 1 ? "" : "s");
	diags_clear(&run->diags);
	return false;
}

bool findings_compare(struct run *run)
{
	const char *written = run->cli->value[CLI_WRITE_BASELINE];

	if (written)
		return write_run_baseline(run, written);
	if (run->baseline)
		baseline_apply(run->baseline, &run->diags,
			       &(struct baseline_scope){ &run->filter, run->options.nodes });
	return true;
}

/* ---- summing up ---- */

/* The section around the current diagnostic, while they are visited in order. */
struct section {
	const struct source *source;
	uint32_t at;	/* the first byte of the source that was not looked at yet */
	uint32_t begin; /* the byte of its header */
	bool is_set;
};

/* Advances to the line of the byte `to`. */
static void find_section(struct section *section, uint32_t to)
{
	const char *text = section->source->text;
	uint32_t size = section->source->size;

	while (section->at <= to && section->at < size) {
		const char *end = memchr(text + section->at, '\n', size - section->at);
		uint32_t next = end ? (uint32_t)(end - text) + 1 : size, at = section->at;

		while (at < next && char_is_blank(text[at]))
			at++;
		if (at < next && text[at] == '[') {
			section->begin = at;
			section->is_set = next - at >= 6 && strncasecmp(text + at, "[ipset", 6) == 0;
		}
		section->at = next;
	}
}

/* The lines of the first few that are not shown. */
enum { LINES_NAMED = 5 };

/* Notes of one kind in one set. */
struct kind_sum {
	struct diagnostic *first; /* the one that is shown */
	const struct source *source;
	uint32_t section;
	uint32_t more; /* that are not shown */
	uint32_t lines[LINES_NAMED];
};

/* 5518 as "5,518" */
static const char *grouped(struct arena *arena, uint32_t number)
{
	if (number < 1000)
		return arena_printf(arena, "%u", number);
	return arena_printf(arena, "%s,%03u", grouped(arena, number / 1000), number % 1000);
}

static void finish_sum(struct diags *diags, struct kind_sum *sum)
{
	const char *lines = "";

	if (sum->more) {
		for (uint32_t i = 0; i < sum->more && sum->more <= LINES_NAMED; i++)
			lines = arena_printf(diags->arena, "%s%s%u", lines,
					     i			? ", "
					     : sum->more == 1 ? ": line "
							      : ": lines ",
					     sum->lines[i]);
		diag_note(sum->first, "and %s more of this kind in this set%s",
			  grouped(diags->arena, sum->more), lines);
	}
	*sum = (struct kind_sum){ 0 };
}

/* Adds a note to a sum; returns whether it is not to be shown itself. */
static bool is_summed_up(struct diags *diags, struct diagnostic *d, struct section *section, struct kind_sum *sums)
{
	const struct source *source = source_find(diags->map, d->span.begin);
	struct kind_sum *sum = &sums[d->id];

	if (d->severity != SEVERITY_NOTE || !source || !source->is_fw)
		return false;
	if (section->source != source)
		*section = (struct section){ .source = source };
	find_section(section, d->span.begin - source->base);
	if (!section->is_set)
		return false;
	if (sum->first && sum->source == source && sum->section == section->begin) {
		if (sum->more < LINES_NAMED)
			sum->lines[sum->more] = source_line_number(diags->map, d->span.begin);
		sum->more++;
		return true;
	}
	finish_sum(diags, sum);
	*sum = (struct kind_sum){ .first = d, .source = source, .section = section->begin };
	return false;
}

static void sum_up(struct diags *diags)
{
	struct kind_sum sums[DIAG_COUNT] = { 0 };
	struct diagnostic *next = diags->first;
	struct section section = { 0 };

	diags_clear(diags);
	for (struct diagnostic *d = next; d; d = next) {
		next = d->next;
		if (!is_summed_up(diags, d, &section, sums))
			diags_add(diags, d);
	}
	for (int id = 0; id < DIAG_COUNT; id++)
		finish_sum(diags, &sums[id]);
}

/* ---- cutting off ---- */

/* Such an error may be the reason why not everything was checked, so it is always shown. */
static bool is_about_input(const struct diags *diags, const struct diagnostic *d)
{
	return diags->unreadable && d->severity == SEVERITY_ERROR && !source_find(diags->map, d->span.begin);
}

/* Leaves the `most` gravest, in their order; all stay counted. */
static void cut_off(struct diags *diags, unsigned most)
{
	unsigned left[SEVERITY_ERROR + 1], counts[SEVERITY_ERROR + 1], about_input = 0;
	struct diagnostic *next = diags->first;

	for (const struct diagnostic *d = next; d; d = d->next)
		about_input += is_about_input(diags, d);
	most = most > about_input ? most - about_input : 0;
	for (int i = SEVERITY_ERROR; i >= 0; i--) {
		counts[i] = diags->counts[i];
		left[i] = counts[i] - about_input < most ? counts[i] - about_input : most;
		most -= left[i];
		about_input = 0; /* they are errors */
	}
	diags_clear(diags);
	for (struct diagnostic *d = next; d; d = next) {
		next = d->next;
		if (is_about_input(diags, d)) {
			diags_add(diags, d);
		} else if (left[d->severity]) {
			left[d->severity]--;
			diags_add(diags, d);
		} else {
			diags->not_shown++;
		}
	}
	memcpy(diags->counts, counts, sizeof(counts));
}

/* ---- statistics ---- */

struct statistic {
	enum diag_id id;
	enum severity severity;
	uint32_t count, fixable;
};

static int statistic_by_count(const void *a, const void *b)
{
	const struct statistic *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void count_statistics(const struct diags *diags, struct statistic rows[DIAG_COUNT])
{
	for (int id = 0; id < DIAG_COUNT; id++)
		rows[id] = (struct statistic){ .id = (enum diag_id)id };
	for (const struct diagnostic *d = diags->first; d; d = d->next) {
		rows[d->id].count++;
		rows[d->id].severity = d->severity;
		rows[d->id].fixable += diag_fix_kind(diags, d) == FIX_CERTAIN;
	}
	qsort(rows, DIAG_COUNT, sizeof(rows[0]), statistic_by_count);
}

static void statistics_text(struct out *out, const struct statistic *rows)
{
	int width = snprintf(NULL, 0, "%u", rows[0].count);

	for (int i = 0; i < DIAG_COUNT && rows[i].count; i++) {
		out_printf(out, "%*u  %s  %s", width, rows[i].count, diag_code(rows[i].id).text,
			   diag_catalogue[rows[i].id].name);
		if (rows[i].fixable)
			out_printf(out, " (%u fixable with --fix)", rows[i].fixable);
		out_char(out, '\n');
	}
}

static void statistics_json(struct out *out, const struct diags *diags, const struct statistic *rows)
{
	json_t *list = json_array();

	for (int i = 0; i < DIAG_COUNT && rows[i].count; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:I, s:I}", "id", diag_code(rows[i].id).text, "name",
					diag_catalogue[rows[i].id].name, "severity",
					severity_name(rows[i].severity), "count", (json_int_t)rows[i].count,
					"fixable", (json_int_t)rows[i].fixable));
	json_print(out, json_pack("{s:I, s:I, s:I, s:o}", "errors", (json_int_t)diags->counts[SEVERITY_ERROR],
				  "warnings", (json_int_t)diags->counts[SEVERITY_WARNING], "notes",
				  (json_int_t)diags->counts[SEVERITY_NOTE], "statistics", list));
}

static void print_statistics(const struct run *run, struct out *out, bool colour)
{
	struct statistic rows[DIAG_COUNT];

	for (const struct diagnostic *d = run->diags.first; d; d = d->next)
		if (is_about_input(&run->diags, d))
			cli_error("%s", d->message);
	count_statistics(&run->diags, rows);
	if (run->format == &diag_format_json) {
		statistics_json(out, &run->diags, rows);
		return;
	}
	statistics_text(out, rows);
	diag_text_counts(out, &run->diags, colour);
}

/* ---- printing ---- */

void findings_print(struct run *run, struct out *out, bool colour)
{
	struct diags *diags = &run->diags;

	if (run->cli->value[CLI_STATISTICS]) {
		print_statistics(run, out, colour);
		return;
	}
	if (run->format->sums_up)
		sum_up(diags);
	cut_off(diags, run->max_findings);
	run->format->print(out, diags, colour);
	if (diags->not_shown && !run->format->says_not_shown)
		cli_error("%u finding%s not shown (--max-findings)", diags->not_shown,
			  diags->not_shown == 1 ? " is" : "s are");
}
