/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pve-firewall simulate: what the rules in force do to a packet, with the options of Proxmox VE's command. */
#include "commands/question_options.h"
#include "firewall/view/bounded.h"
#include "firewall/commands/firewall.h"
#include "firewall/view/service_client.h"
#include "firewall/view/view.h"
#include "format/diag_json.h"
#include "questions/simulate.h"

/* How long to wait for a service that is busy: what is in force is also on disk. */
enum { SERVED_WAIT = 1500 };

struct served {
	json_t *service; /* its answer to status; NULL: none runs */
	const char *expected;
};

static void served_print(struct out *out, const struct cli *cli, struct simulation *s,
			 const struct view_source *source)
{
	json_t *object;

	if (!firewall_wants_json(cli)) {
		bool is_off = cli->operand_count && strcmp(cli->operands[0], "0") == 0;

		simulate_print(out, s, cli->value[CLI_VERBOSE] && !is_off, cli_answer_colour());
		out_printf(out, "asked: %s\n", source->text);
		if (source->differs)
			out_printf(out, "the files differ from that: %s\n", source->differs);
		return;
	}
	object = simulate_json(s);
	json_object_set_new(object, "generation",
			    source->generation ? json_integer((json_int_t)source->generation) : json_null());
	json_object_set_new(object, "differs",
			    source->differs ? json_escaped(text_of(source->differs)) : json_null());
	json_print(out, object);
}

/* Asks the compiled configuration; returns the exit status. */
static int served_ask(const struct cli *cli, struct view *view, const struct view_source *source,
		      const char *expected)
{
	const struct packet_words words = cli_packet_words(cli);
	struct simulation s;
	struct out out;
	int status;

	if (simulate(&s, view->config, &view->run.map, view->backend, &words, (struct model_budget){ 0 })) {
		stdout_open(&out);
		served_print(&out, cli, &s, source);
		status = stdout_close(&out);
		if (status == EXIT_CLEAN && expected && !simulate_is(&s, expected)) {
			cli_error("the packet is not treated as --expect %s says", expected);
			status = EXIT_FOUND;
		}
	} else {
		status = cli_error("%s", s.error);
	}
	simulate_end(&s);
	return status;
}

static int served_simulate(const struct cli *cli, void *context)
{
	const struct served *served = context;
	struct view view;
	struct view_source source = view_compile_in_force(&view, cli, served->service);
	int status = EXIT_ERROR, ended;

	if (view.config) {
		status = served_ask(cli, &view, &source, served->expected);
		/* lint reports the faults of the files. */
		diags_clear(&view.run.diags);
	}
	ended = view_end(&view);
	return ended == EXIT_CLEAN ? status : ended;
}

/* Proxmox VE's --verbose may have the value 0 or 1 after it. */
static bool served_takes_operands(const struct cli *cli)
{
	return !cli->operand_count ||
	       (cli->operand_count == 1 && cli->value[CLI_VERBOSE] &&
		(strcmp(cli->operands[0], "0") == 0 || strcmp(cli->operands[0], "1") == 0));
}

int cmd_simulate_service(const struct cli *cli)
{
	struct served served;
	bool missing;
	int status;

	if (!served_takes_operands(cli))
		return cli_error("simulate does not take an operand; use --root for the tree");
	if (!cli_read_action(cli, CLI_EXPECT, &served.expected))
		return EXIT_ERROR;
	served.service = client_ask_within(cli, json_pack("{s:s}", "command", "status"), SERVED_WAIT,
					   &missing);
	status = bounded_run(served_simulate, bounded_late, cli, &served);
	json_decref(served.service);
	return status;
}
