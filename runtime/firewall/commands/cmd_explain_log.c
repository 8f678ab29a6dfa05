/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pve-firewall explain-log: lines of the packet log with the source lines that logged them. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "firewall/view/bounded.h"
#include "firewall/commands/firewall.h"
#include "firewall/view/loaded_view.h"
#include "firewall/view/service_client.h"
#include "firewall/explain/explain.h"
#include "firewall/explain/log_follow.h"

#define PACKET_LOG "/var/log/pve-firewall.log"

enum { EXPLAIN_SERVICE_WAIT = 1500 /* milliseconds */, EXPLAIN_LAST_LINES = 10, EXPLAIN_LINE_MAX = 64 * 1024 };

struct explain_command {
	json_t *service; /* its answer to status, or NULL */
	struct loaded_view *loaded;
	struct explainer explainer;
	struct out out;
	int input; /* standard input: the child that reads the tree has another one */
};

/* Lines can be about the rules that were loaded a moment ago. */
static void explain_refresh(struct explain_command *c)
{
	if (loaded_view_is_stale(c->loaded) && !loaded_view_reload(&c->loaded))
		cli_error("cannot read the changed configuration; lines may be wrong from now on");
}

static void explain_take(void *context, struct text line)
{
	struct explain_command *c = context;

	c->explainer.asked = &c->loaded->asked;
	c->explainer.map = &c->loaded->view.run.map;
	explain_line(&c->explainer, line);
}

/* ---- where lines come from ---- */

/* Words that are not quoted are the words of one line. */
static void explain_operands(struct explain_command *c, const struct cli *cli)
{
	struct arena arena = { 0 };
	const char *joined = "";

	if (strchr(cli->operands[0], ' ')) {
		for (int i = 0; i < cli->operand_count; i++)
			explain_take(c, text_of(cli->operands[i]));
		return;
	}
	for (int i = 0; i < cli->operand_count; i++)
		joined = arena_printf(&arena, "%s%s%s", joined, i ? " " : "", cli->operands[i]);
	explain_take(c, text_of(joined));
	arena_free(&arena);
}

static void explain_input_line(struct explain_command *c, const char *line, size_t len)
{
	explain_refresh(c);
	explain_take(c, (struct text){ line, (uint32_t)len });
	/* Whoever types, or pipes a live log, waits for each answer. */
	(void)out_flush(&c->out);
}

/* No logger writes lines that are longer than EXPLAIN_LINE_MAX: they are taken in pieces, as of a log that is followed. */
static int explain_input(struct explain_command *c)
{
	static char line[EXPLAIN_LINE_MAX];
	FILE *input = fdopen(c->input, "r");
	size_t len = 0;
	bool is_rest = false; /* of a line whose beginning was taken */
	int status = EXIT_CLEAN, byte;

	if (!input)
		return cli_error("cannot read standard input: %s", error_text(errno));
	while (!c->out.error && (byte = getc_unlocked(input)) != EOF) {
		if (byte != '\n')
			line[len++] = (char)byte;
		if (byte == '\n' ? len || !is_rest : len == sizeof(line)) {
			explain_input_line(c, line, len);
			len = 0;
		}
		is_rest = byte != '\n' && (is_rest || !len);
	}
	if (len)
		explain_input_line(c, line, len);
	if (ferror(input))
		status = cli_error("cannot read standard input: %s", error_text(errno));
	fclose(input);
	return status;
}

static int explain_follow(struct explain_command *c, const char *path)
{
	struct log_follow follow;
	int reason = log_follow_open(&follow, path, EXPLAIN_LAST_LINES, explain_take, c), written = 0;

	if (!reason && follow.current.fd < 0)
		cli_error("%s does not exist yet; waiting for it", path);
	while (!reason) {
		explain_refresh(c);
		reason = log_follow_read(&follow);
		written = out_flush(&c->out);
		if (written || reason || !log_follow_wait(&follow))
			break;
	}
	log_follow_close(&follow);
	return reason ? cli_error("cannot read %s: %s", path, error_text(reason)) : EXIT_CLEAN;
}

/* ---- the command ---- */

static int explain_lines(const struct cli *cli, struct explain_command *c)
{
	bool has_stream = !cli->operand_count || (cli->operand_count == 1 && is_standard_stream(cli->operands[0]));
	int status = EXIT_CLEAN;

	stdout_open(&c->out);
	c->explainer = (struct explainer){ .out = &c->out, .json = firewall_wants_json(cli) };
	if (cli->value[CLI_FOLLOW])
		status = explain_follow(c, cli->value[CLI_PACKET_LOG] ? cli->value[CLI_PACKET_LOG] : PACKET_LOG);
	else if (has_stream)
		status = explain_input(c);
	else
		explain_operands(c, cli);
	explain_end(&c->explainer);
	if (stdout_close(&c->out) != EXIT_CLEAN)
		return EXIT_ERROR;
	return status != EXIT_CLEAN ? status : c->explainer.unexplained ? EXIT_FOUND : EXIT_CLEAN;
}

static int explain_tree(const struct cli *cli, void *context)
{
	struct explain_command *c = context;
	int status = EXIT_ERROR, ended;

	if (!bounded_end_with_parent())
		return EXIT_ERROR;
	c->loaded = loaded_view_open(cli, c->service);
	if (c->loaded->view.config)
		status = explain_lines(cli, c);
	ended = loaded_view_close(c->loaded);
	return ended == EXIT_CLEAN ? status : ended;
}

int cmd_explain_log(const struct cli *cli)
{
	struct explain_command c = { .input = dup(STDIN_FILENO) };
	bool missing;
	int status;

	if (cli->value[CLI_FOLLOW] && cli->operand_count)
		return cli_error("--follow reads lines from the log; it does not take operands");
	if (cli->value[CLI_PACKET_LOG] && !cli->value[CLI_FOLLOW])
		return cli_error("--packet-log is the file of --follow");
	c.service = client_ask_within(cli, json_pack("{s:s}", "command", "status"), EXPLAIN_SERVICE_WAIT, &missing);
	status = bounded_run(explain_tree, bounded_late, cli, &c);
	json_decref(c.service);
	if (c.input >= 0)
		close(c.input);
	return status;
}
