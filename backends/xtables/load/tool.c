/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the tools, the first of each name in PATH, and turns their failures into problems of the load.
 *
 * Any text on standard error is a failure, whatever the exit status: some tools load a part of their input, print
 * the lines that they reject, and exit with 0.  Known harmless warnings are ignored.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/errno_text.h"
#include "xtables/load/xt_state.h"

static const char *const tools[XT_STEPS][8] = {
	[XT_STEP_SETS] = { "ipset", "restore" },
	[XT_STEP_TABLES + XT_FILTER4] = { "iptables-restore", "--wait=20", "-n", "-c" },
	[XT_STEP_TABLES + XT_RAW4] = { "iptables-restore", "--wait=20", "-T", "raw", "-n", "-c" },
	[XT_STEP_TABLES + XT_FILTER6] = { "ip6tables-restore", "--wait=20", "-n", "-c" },
	[XT_STEP_TABLES + XT_RAW6] = { "ip6tables-restore", "--wait=20", "-T", "raw", "-n", "-c" },
	[XT_STEP_SETS_AFTER] = { "ipset", "restore" },
	[XT_STEP_BRIDGE] = { "ebtables-restore" },
};

const char *const *xt_step_tool(enum xt_step step)
{
	return tools[step];
}

enum {
	PATIENCE = 30 * 1000,   /* milliseconds */
	PATIENCE_PER_LINE = 20, /* of the script; iptables-nft-restore is slow with many chains */
};

/* Returns the time limit in milliseconds; the environment variable PVEFW_TOOL_SECONDS overrides it. */
static int64_t patience_for(const struct out *input)
{
	const char *seconds = getenv("PVEFW_TOOL_SECONDS");
	int64_t patience = PATIENCE;
	uint64_t number;

	if (seconds && text_to_number(text_of(seconds), 86400, &number) && number > 0)
		return (int64_t)number * 1000;
	for (size_t i = 0; input && i < input->len; i++)
		if (input->data[i] == '\n')
			patience += PATIENCE_PER_LINE;
	return patience;
}

void xt_tool_start(struct process *process, const char *const *argv, const struct out *input, int lock)
{
	*process = (struct process){ .argv = argv, .patience = patience_for(input), .keep = lock };
	if (input) {
		process->input = input->data;
		process->input_len = input->len;
	}
	process_start(process);
}

bool xt_tool_is_missing(const struct process *process)
{
	return process->end == PROCESS_NO_START && process->number == ENOENT;
}

struct text xt_tool_output(const struct process *process)
{
	return (struct text){ process->output.data, (uint32_t)process->output.len };
}

/* ---- messages of tools ---- */

/* Warnings that the tools print although they succeed. */
static bool is_harmless_warning(struct text line)
{
	return text_starts(line, "# Warning: iptables-legacy tables present") ||
	       text_starts(line, "# Warning: ip6tables-legacy tables present") ||
	       /* ebtables-nft 1.8.11 on `-s ! MAC`, the form that ebtables-legacy writes */
	       text_starts(line, "Using intrapositioned negation") ||
	       /* on `-p ah` in IPv6: the rule is loaded, but matches no packet */
	       text_starts(line, "Warning: never matched protocol: ");
}

/* Joins the lines of standard error with "; ", without harmless warnings. Empty if nothing is left. */
static struct text message_of(struct arena *arena, const struct process *process)
{
	struct text rest = { process->errors.data, (uint32_t)process->errors.len };
	struct text message = { "", 0 }, line;

	while (text_next_line(&rest, &line)) {
		while (line.len && isspace((unsigned char)line.ptr[line.len - 1]))
			line.len--;
		if (!line.len || is_harmless_warning(line) || text_starts(line, "Try `") || message.len > 500)
			continue;
		message = message.len ? ARENA_JOIN(arena, message, TEXT("; "), line) : line;
	}
	return message;
}

/* Returns the number after "line", "line:" or "Error in line", and the length of the match; 0: no number. */
static uint32_t line_in(struct text message, uint32_t *taken)
{
	for (uint32_t i = 0; i + 5 < message.len; i++) {
		uint32_t number = 0, at = i + 4;

		if (memcmp(message.ptr + i, "line", 4) != 0)
			continue;
		while (at < message.len && (message.ptr[at] == ':' || message.ptr[at] == ' '))
			at++;
		for (; at < message.len && char_is_digit(message.ptr[at]) && number < 100000000; at++)
			number = number * 10 + (uint32_t)(message.ptr[at] - '0');
		*taken = at;
		if (number)
			return number;
	}
	return 0;
}

/* Removes the script's line numbers: users cannot see the script, and the numbers vary. */
static struct text without_numbers(struct arena *arena, struct text message)
{
	char *kept = ARENA_ARRAY(arena, char, message.len);
	uint32_t len = 0, taken;

	while (message.len) {
		uint32_t number = line_in(message, &taken), words = taken;

		if (!number)
			words = taken = message.len;
		while (number && char_is_digit(message.ptr[words - 1]))
			words--;
		while (number && message.ptr[words - 1] == ' ')
			words--;
		memcpy(kept + len, message.ptr, words);
		len += words;
		message = (struct text){ message.ptr + taken, message.len - taken };
	}
	return (struct text){ kept, len };
}

/* Returns line `number` of the script, counted from 1; empty if there are fewer. */
static struct text script_line(const struct xt_script *script, uint32_t number)
{
	struct text rest = { script->out->data, (uint32_t)script->out->len };
	long end;

	for (uint32_t i = 1; i < number; i++) {
		end = text_find(rest, '\n');
		if (end < 0)
			return (struct text){ "", 0 };
		rest = (struct text){ rest.ptr + end + 1, rest.len - (uint32_t)end - 1 };
	}
	end = text_find(rest, '\n');
	return (struct text){ rest.ptr, end < 0 ? rest.len : (uint32_t)end };
}

static const char *end_of(struct arena *arena, const struct process *process)
{
	switch (process->end) {
	case PROCESS_NO_START:
		return arena_printf(arena, "cannot be run: %s", strerror(process->number));
	case PROCESS_TIMED_OUT:
		return arena_printf(arena, "did not end within %lld s and was killed",
				    (long long)(process->patience / 1000));
	case PROCESS_KILLED:
		return arena_printf(arena, "was killed by signal %d", process->number);
	case PROCESS_EXITED:
		break;
	}
	return process->number ? arena_printf(arena, "failed with status %d", process->number) : "complained";
}

/* ---- refusals ---- */

/* Messages about the state of the system, not about the input. */
static const char *const system_errors[] = { "ermission denied", "not permitted", "xtables lock", "emporarily unavailable",
					"annot allocate memory", "No space left", "No buffer space", "out of memory" };

static bool has_word(struct text text, const char *word)
{
	return memmem(text.ptr, text.len, word, strlen(word)) != NULL;
}

/* The tool has read its input and refuses it. */
static bool is_refusal(const struct process *process, struct text message, const struct xt_script *script)
{
	if (!script || process->end != PROCESS_EXITED)
		return false;
	for (size_t i = 0; i < sizeof(system_errors) / sizeof(system_errors[0]); i++)
		if (has_word(message, system_errors[i]))
			return false;
	return true;
}

/* A rule, or a member of a set. */
static bool is_rule(struct text line)
{
	return text_starts(line, "-A ") || text_starts(line, "add ");
}

static enum layer layer_of_rule(struct text rule)
{
	return has_word(rule, " -j NFLOG ") ? LAYER_NFLOG : LAYERS;
}

/* Returns the layer that the tool loads, or LAYERS for the filter table of IPv4, which is not optional. */
static enum layer layer_of(const struct process *process)
{
	if (strcmp(process->argv[0], "ebtables-restore") == 0)
		return LAYER_EBTABLES;
	for (const char *const *word = process->argv; *word; word++)
		if (strcmp(*word, "raw") == 0)
			return LAYER_RAW;
	return strcmp(process->argv[0], "ip6tables-restore") == 0 ? LAYER_IP6TABLES : LAYERS;
}

/* Returns the chain or target of -j or -g; empty if the rule has neither option. */
static struct text target_of_rule(struct text rule)
{
	struct text target = { rule.ptr + rule.len, 0 };

	for (uint32_t i = 0; i + 4 < rule.len; i++)
		if (memcmp(rule.ptr + i, " -j ", 4) == 0 || memcmp(rule.ptr + i, " -g ", 4) == 0)
			target.ptr = rule.ptr + i + 4;
	while (target.ptr + target.len < rule.ptr + rule.len && target.ptr[target.len] != ' ')
		target.len++;
	return target;
}

/* Returns what can replace a rule that no line of the configuration asks for. */
static enum stand_in xt_stand_in_of(struct text rule)
{
	struct text target = target_of_rule(rule);
	/* Chains that filter end in -IN or -OUT; those of our hooks lead to them. */
	bool leads_to_filter = text_ends(target, "-IN") || text_ends(target, "-OUT") || text_is(target, "PVEFW-INPUT") ||
			       text_is(target, "PVEFW-OUTPUT") || text_is(target, "PVEFW-FORWARD");

	if (leads_to_filter)
		return STAND_IN_IMPOSSIBLE;
	return text_is(target, "REJECT") ? STAND_IN_DROP : STAND_IN_NOTHING;
}

static void xt_refuse(struct backend_loading *loading, const struct process *process, struct backend_problem *problem,
		      struct text rule)
{
	if (!problem->span.begin)
		problem->stand_in = xt_stand_in_of(rule);
	if (problem->stand_in == STAND_IN_IMPOSSIBLE) {
		problem->part = layer_of(process);
		for (const struct backend_problem *p = loading->problems; p != problem; p = p->next)
			problem->repeated |= p->stand_in == STAND_IN_IMPOSSIBLE; /* each guest has such a rule */
		return;
	}
	problem->refused = true;
	problem->layer = layer_of_rule(rule);
	if (problem->layer != LAYERS)
		return;
	if (text_starts(rule, "-A "))
		problem->rule = arena_string(loading->arena, rule);
}

/* Returns "physdev" of "Extension physdev revision 0 not supported, missing kernel module?"; otherwise empty. */
static struct text extension_in(struct text message)
{
	static const char word[] = "Extension ";
	const char *at = memmem(message.ptr, message.len, word, sizeof(word) - 1);
	struct text name = { at ? at + sizeof(word) - 1 : "", 0 };

	while (at && name.ptr + name.len < message.ptr + message.len && name.ptr[name.len] != ' ')
		name.len++;
	return name;
}

/* Finds the next rule from offset *at on; *number counts lines. Returns false at the end of the script. */
static bool next_rule(const struct xt_script *script, size_t *at, uint32_t *number, struct text *rule)
{
	while (*at < script->out->len) {
		struct text rest = { script->out->data + *at, (uint32_t)(script->out->len - *at) };
		long end = text_find(rest, '\n');

		*rule = (struct text){ rest.ptr, end < 0 ? rest.len : (uint32_t)end };
		*at += rule->len + 1;
		++*number;
		if (is_rule(*rule))
			return true;
	}
	return false;
}

static bool uses(struct text rule, struct text extension)
{
	static const char *const before[] = { " -m ", " -j " };
	char word[64];

	for (size_t i = 0; i < 2 && extension.len < 32; i++) {
		snprintf(word, sizeof(word), "%s%.*s ", before[i], TEXT_ARG(extension));
		if (has_word(rule, word))
			return true;
	}
	return false;
}

/* Reports each rule that uses the extension that the kernel lacks. Returns false if there is none. */
static bool refuse_extension(struct backend_loading *loading, const struct process *process, struct text message,
			     const struct xt_script *script)
{
	struct text extension = extension_in(message), rule;
	uint32_t number = 0;
	bool any = false;

	for (size_t at = 0; extension.len && next_rule(script, &at, &number, &rule);)
		if (uses(rule, extension)) {
			xt_refuse(loading, process,
			       backend_problem_add(loading, xt_script_origin(script, number), "%s: the kernel has no `%.*s`: `%.*s`",
						   process->argv[0], TEXT_ARG(extension), TEXT_ARG(rule)),
			       rule);
			any = true;
		}
	return any;
}

static void xt_suspect_all(struct backend_loading *loading, const struct xt_script *script, const char *words)
{
	struct backend_suspect *all;
	uint32_t count = loading->suspect_count, number = 0;
	struct text rule;

	for (size_t at = 0; next_rule(script, &at, &number, &rule);)
		count++;
	all = ARENA_ARRAY(loading->arena, struct backend_suspect, count);
	if (loading->suspect_count)
		memcpy(all, loading->suspects, loading->suspect_count * sizeof(*all));
	loading->suspects = all;
	loading->suspicion = words;
	number = 0;
	for (size_t at = 0; next_rule(script, &at, &number, &rule);)
		all[loading->suspect_count++] = (struct backend_suspect){
			xt_script_origin(script, number), arena_string(loading->arena, rule), layer_of_rule(rule), xt_stand_in_of(rule)
		};
}

/* Reports each rule whose line number is in the message. Returns false if there is none. */
static bool refuse_numbered(struct backend_loading *loading, const struct process *process, struct text message,
			    const struct xt_script *script)
{
	const char *end = end_of(loading->arena, process);
	struct text rest = message, line, words = without_numbers(loading->arena, message);
	uint32_t number, taken;
	bool any = false;

	while ((number = line_in(rest, &taken)) != 0) {
		line = script_line(script, number);
		rest = (struct text){ rest.ptr + taken, rest.len - taken };
		if (!is_rule(line))
			continue;
		xt_refuse(loading, process,
		       backend_problem_add(loading, xt_script_origin(script, number), "%s %s: %.*s: `%.*s`", process->argv[0],
					   end, TEXT_ARG(words), TEXT_ARG(line)),
		       line);
		any = true;
	}
	return any;
}

static void explain(struct backend_loading *loading, const struct process *process, struct text message,
		    const struct xt_script *script)
{
	const char *end = end_of(loading->arena, process);
	bool refusal = is_refusal(process, message, script);
	struct backend_problem *problem;
	struct text line = TEXT("");
	uint32_t number, taken;
	const char *words;

	if (refusal && (refuse_numbered(loading, process, message, script) ||
			refuse_extension(loading, process, message, script))) {
		xt_suspect_all(loading, script, loading->problems->text);
		return;
	}
	number = script ? line_in(message, &taken) : 0;
	if (number)
		line = script_line(script, number);
	if (refusal)
		message = without_numbers(loading->arena, message);
	words = arena_printf(loading->arena, "%s %s%s%.*s", process->argv[0], end, message.len ? ": " : "", TEXT_ARG(message));
	problem = line.len ? backend_problem_add(loading, xt_script_origin(script, number), "%s: `%.*s`", words, TEXT_ARG(line))
			   : backend_problem_add(loading, SPAN_NONE, "%s", words);
	if (!script)
		return;
	problem->part = layer_of(process);
	if (refusal && has_word(message, "an't initialize"))
		problem->layer = problem->part;
	else if (refusal)
		xt_suspect_all(loading, script, words);
}

bool xt_tool_finish(struct backend_loading *loading, struct process *process, const struct xt_script *script)
{
	struct text message;

	process_finish(process);
	message = message_of(loading->arena, process);
	if (process_succeeded(process) && !message.len)
		return true;
	explain(loading, process, message, script);
	return false;
}

bool xt_tool_run(struct backend_loading *loading, const char *const *argv, const struct xt_script *script,
		 int lock)
{
	struct process process;
	bool done;

	xt_tool_start(&process, argv, script->out, lock);
	done = xt_tool_finish(loading, &process, script);
	process_free(&process);
	return done;
}
