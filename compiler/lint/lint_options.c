/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options without effect because of another option.  Options set to their default value are not reported: they have no
 * effect anyway.
 */
#include "lint/lint_context.h"

static const struct {
	enum option_id option, needed;
	bool value;
	const char *why;
} needs[] = {
#define NEEDS(option, needed, value, why) { OPTION_##option, OPTION_##needed, value, why },
#include "lint/lint_options.def"
#undef NEEDS
};

/* The options that apply to a file, of a kind of files. */
static const void *options_of(const struct lint *lint, const struct lint_file *file, enum file_kind kind)
{
	switch (kind) {
	case FILE_CLUSTER:
		return &lint->config->cluster_options;
	case FILE_HOST:
		return &lint->config->host_options;
	case FILE_GUEST:
		return file->guest ? &file->guest->options : NULL;
	default:
		return NULL;
	}
}

static const void *option_value(const struct lint *lint, const struct lint_file *file, enum option_id id)
{
	const char *options = options_of(lint, file, option_table[id].kind);

	return options ? options + option_table[id].offset : NULL;
}

static bool is_default(const struct lint *lint, const struct lint_file *file, enum option_id id)
{
	const struct option_row *row = &option_table[id];
	const void *value = option_value(lint, file, id);

	switch (row->type) {
	case OPTION_BOOL:
		return *(const bool *)value == row->default_value;
	case OPTION_NUMBER:
		return *(const int64_t *)value == row->default_value;
	case OPTION_POLICY:
	case OPTION_POLICY_FORWARD:
		return ((const struct policy *)value)->action == (enum action)row->default_value;
	case OPTION_LOGLEVEL:
		return *(const enum log_level *)value == (enum log_level)row->default_value;
	case OPTION_HELPERS:
		return !((const struct helper_list *)value)->count;
	case OPTION_QUEUES:
		return !((const struct queues *)value)->set;
	case OPTION_LAYER2:
		return !((const struct layer2_list *)value)->count;
	case OPTION_RATELIMIT:
		break;
	}
	return true;
}

static void check_need(struct lint *lint, const struct lint_file *file, size_t i)
{
	const struct option_row *row = &option_table[needs[i].option],
				*other = &option_table[needs[i].needed];
	const struct lint_file *home;
	struct diagnostic *d;

	if (row->kind != file->kind || is_default(lint, file, needs[i].option) ||
	    *(const bool *)option_value(lint, file, needs[i].needed) == needs[i].value)
		return;
	d = diag(lint->diags, lint_option_place(file, needs[i].option), DIAG_OPTION_WITHOUT_EFFECT,
		 "`%s` has no effect without `%s: %d`", row->key, other->key, needs[i].value);
	home = other->kind == file->kind     ? file
	       : other->kind == FILE_CLUSTER ? lint_find_file(lint, lint->inputs->cluster)
					     : lint_find_file(lint, lint->inputs->host);
	if (home && !is_default(lint, file, needs[i].needed))
		diag_label(d, lint_option_place(home, needs[i].needed), "`%s` is set here", other->key);
	else
		diag_note(d, "`%s` is %d by default; %s does not set it", other->key, !needs[i].value,
			  other->kind == file->kind     ? "this file"
			  : other->kind == FILE_CLUSTER ? "cluster.fw"
							: "host.fw");
	diag_note(d, "%s", needs[i].why);
}

/* A guest's log levels are those of its policies. */
static void check_policy_log_level(struct lint *lint, const struct lint_file *file, enum option_id level,
			    enum option_id policy)
{
	const struct policy *value = option_value(lint, file, policy);
	struct diagnostic *d;

	if (value->action != ACTION_ACCEPT || is_default(lint, file, level))
		return;
	d = diag(lint->diags, lint_option_place(file, level), DIAG_LOGS_NOTHING,
		 "`%s` logs nothing", option_table[level].key);
	if (value->span.begin)
		diag_label(d, value->span, "the policy drops nothing");
	else
		diag_note(d, "%s is ACCEPT by default", option_table[policy].key);
	diag_note(d, "it is the log level for packets that the policy drops; rules log with -log");
}

/* Reports IPv4 without IPv6, or the reverse, which looks as if it blocked the other one. */
static void check_layer2(struct lint *lint, const struct lint_file *file)
{
	enum { ETHER_IPV4 = 0x0800, ETHER_IPV6 = 0x86dd };
	const struct layer2_list *list = option_value(lint, file, OPTION_GUEST_LAYER2_PROTOCOLS);
	bool four = false, six = false;
	struct diagnostic *d;

	for (uint32_t i = 0; i < list->count; i++) {
		four |= list->items[i].number == ETHER_IPV4;
		six |= list->items[i].number == ETHER_IPV6;
	}
	if (four == six)
		return;
	d = diag(lint->diags, lint_option_place(file, OPTION_GUEST_LAYER2_PROTOCOLS), DIAG_LAYER2_IP,
		 "`layer2_protocols` does not block %s", four ? "IPv6" : "IPv4");
	diag_note(d, "IPv4 and IPv6 always pass, listed or not; the list applies to all other protocols");
	diag_help(d, "block them with rules, such as `OUT DROP -source %s`", four ? "::/0" : "0.0.0.0/0");
}

void lint_options(struct lint *lint)
{
	for (uint32_t i = 0; i < lint->file_count; i++) {
		const struct lint_file *file = &lint->files[i];

		for (size_t j = 0; j < sizeof(needs) / sizeof(needs[0]); j++)
			check_need(lint, file, j);
		if (!file->guest)
			continue;
		check_layer2(lint, file);
		check_policy_log_level(lint, file, OPTION_GUEST_LOG_LEVEL_IN, OPTION_GUEST_POLICY_IN);
		check_policy_log_level(lint, file, OPTION_GUEST_LOG_LEVEL_OUT, OPTION_GUEST_POLICY_OUT);
	}
}
