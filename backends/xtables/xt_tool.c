/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tools, which are those that PATH names first, and what they say when they fail.
 *
 * Anything on standard error is a failure, whatever the exit status: some tools load
 * a part of what they are given, print what they do not like, and end with 0.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "strerror.h"
#include "xt_state.h"

enum {
	PATIENCE = 30 * 1000,   /* milliseconds */
	PATIENCE_PER_LINE = 20, /* of a script: iptables-nft-restore is slow with many chains */
};

/* PVEFW_TOOL_SECONDS overrides it. */
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

/* ---- what it says ---- */

/* What they remark while they do all that they are told. */
static bool is_remark(struct text line)
{
	return text_starts(line, "# Warning: iptables-legacy tables present") ||
	       text_starts(line, "# Warning: ip6tables-legacy tables present") ||
	       /* ebtables-nft 1.8.11 of `-s ! MAC`, which ebtables-legacy writes */
	       text_starts(line, "Using intrapositioned negation") ||
	       /* `-p ah` in IPv6: such a rule is loaded, and matches no packet */
	       text_starts(line, "Warning: never matched protocol: ");
}

/* Its message in one line, without remarks; empty when it said nothing. */
static struct text message_of(struct arena *arena, const struct process *process)
{
	struct text rest = { process->errors.data, (uint32_t)process->errors.len };
	struct text message = { "", 0 };

	while (rest.len) {
		long end = text_find(rest, '\n');
		struct text line = { rest.ptr, end < 0 ? rest.len : (uint32_t)end };
		uint32_t taken = line.len + (end >= 0);

		rest = (struct text){ rest.ptr + taken, rest.len - taken };
		while (line.len && isspace((unsigned char)line.ptr[line.len - 1]))
			line.len--;
		if (!line.len || is_remark(line) || text_starts(line, "Try `") || message.len > 500)
			continue;
		message = message.len ? ARENA_JOIN(arena, message, TEXT("; "), line) : line;
	}
	return message;
}

/* The number behind "line", "line:" or "Error in line"; 0: none. */
static uint32_t line_in(struct text message)
{
	for (uint32_t i = 0; i + 5 < message.len; i++) {
		uint32_t number = 0, at = i + 4;

		if (memcmp(message.ptr + i, "line", 4) != 0)
			continue;
		while (at < message.len && (message.ptr[at] == ':' || message.ptr[at] == ' '))
			at++;
		for (; at < message.len && char_is_digit(message.ptr[at]) && number < 100000000; at++)
			number = number * 10 + (uint32_t)(message.ptr[at] - '0');
		if (number)
			return number;
	}
	return 0;
}

/* Line `number` of a script, counted from 1. */
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

static void explain(struct backend_loading *loading, const struct process *process, struct text message,
		    const struct xt_script *script)
{
	uint32_t number = script ? line_in(message) : 0;
	struct text line = number ? script_line(script, number) : TEXT("");
	struct span span = number ? xt_script_origin(script, number) : (struct span){ 0, 0 };
	const char *end = end_of(loading->arena, process);

	if (line.len)
		backend_problem_add(loading, span, "%s %s: %.*s: `%.*s`", process->argv[0], end,
				    TEXT_ARG(message), TEXT_ARG(line));
	else
		backend_problem_add(loading, span, "%s %s%s%.*s", process->argv[0], end,
				    message.len ? ": " : "", TEXT_ARG(message));
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
