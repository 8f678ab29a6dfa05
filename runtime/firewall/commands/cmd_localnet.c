/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pve-firewall localnet: prints this node's addresses and its trusted networks. */
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

#include "firewall/view/bounded.h"
#include "firewall/commands/firewall.h"
#include "findings/run.h"
#include "resolve/compile.h"
#include "format/diag_json.h"

/* The first address of the node's name, as text; NULL, and why, if there is none. */
static const char *own_address(struct arena *arena, struct text node, const char **reason)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	char text[NI_MAXHOST];
	int error = getaddrinfo(arena_string(arena, node), NULL, &hints, &found);

	*reason = NULL;
	if (error) {
		*reason = gai_strerror(error);
		return NULL;
	}
	error = getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(found);
	if (error)
		*reason = gai_strerror(error);
	return error ? NULL : arena_printf(arena, "%s", text);
}

static const char *detected_network(struct arena *arena, struct text node)
{
	struct prefix network;
	char text[PREFIX_TEXT_SIZE];

	if (localnet_detect(arena, arena_string(arena, node), &network) != 0)
		return NULL;
	return arena_printf(arena, "%.*s", (int)prefix_format(&network, text), text);
}

static void localnet_print_links(struct out *out, const struct corosync *corosync)
{
	if (!corosync->present)
		return;
	out_string(out, "\naccepting corosync traffic from/to:\n");
	if (corosync->multicast)
		out_string(out, " - multicast, UDP ports 5404 and 5405\n");
	for (const struct corosync_link *link = corosync->links; link; link = link->next)
		out_printf(out, " - %.*s (here: %.*s)\n", TEXT_ARG(link->theirs), TEXT_ARG(link->ours));
	if (!corosync->multicast && !corosync->links)
		out_string(out, " - nobody: no other node shares a link with this one\n");
}

static const char *origin_of_network(const struct run *run, const struct config *config)
{
	return config->local_network->implicit && !run->options.local_network ? "detected" : "user defined";
}

static void localnet_print_text(struct out *out, struct run *run, const struct config *config)
{
	const char *detected = detected_network(&run->arena, config->node), *reason;
	const char *address = own_address(&run->arena, config->node, &reason);

	out_printf(out, "local hostname: %.*s\n", TEXT_ARG(config->node));
	if (address)
		out_printf(out, "local IP address: %s\n", address);
	else
		out_printf(out, "local IP address: unknown (%s)\n", reason);
	out_printf(out, "network auto detect: %s\n", detected ? detected : "nothing");
	out_printf(out, "using %s local_network: %.*s\n", origin_of_network(run, config),
		   TEXT_ARG(config->local_network->cidr));
	localnet_print_links(out, &config->corosync);
}

static json_t *corosync_json(const struct corosync *corosync)
{
	json_t *links = json_array();

	if (!corosync->present) {
		json_decref(links);
		return json_null();
	}
	for (const struct corosync_link *link = corosync->links; link; link = link->next)
		json_array_append_new(links, json_pack("{s:o, s:o}", "peer", json_escaped(link->theirs), "own",
						       json_escaped(link->ours)));
	return json_pack("{s:b, s:o}", "multicast", (int)corosync->multicast, "links", links);
}

static void localnet_print_json(struct out *out, struct run *run, const struct config *config)
{
	const char *reason, *address = own_address(&run->arena, config->node, &reason);

	json_print(out, json_pack("{s:o, s:s?, s:s?, s:s?, s:o, s:s, s:o}", "node", json_escaped(config->node), "address", address,
				  "address_problem", reason, "detected_network", detected_network(&run->arena, config->node),
				  "local_network", json_escaped(config->local_network->cidr), "local_network_from",
				  origin_of_network(run, config)[0] == 'd' ? "detected" : "user", "corosync",
				  corosync_json(&config->corosync)));
}

static int localnet_tree(const struct cli *cli, void *context)
{
	struct inputs inputs;
	struct config *config;
	struct run run;
	struct out out;
	int printed = EXIT_CLEAN, status;
	bool readable;

	(void)context;
	if (!run_begin(&run, cli))
		return run_end(&run);
	run.options = firewall_inputs(cli);
	readable = inputs_load(&inputs, &run.options, &run.diags);
	bounded_done();
	if (readable) {
		config = compile(&inputs, &run.diags);
		stdout_open(&out);
		if (firewall_wants_json(cli))
			localnet_print_json(&out, &run, config);
		else
			localnet_print_text(&out, &run, config);
		printed = stdout_close(&out);
		config_free(config);
	}
	status = run_end(&run);
	return printed == EXIT_CLEAN ? status : EXIT_ERROR;
}

int cmd_localnet(const struct cli *cli)
{
	if (cli->operand_count)
		return cli_error("localnet does not take an operand; use --root for the tree");
	return bounded_run(localnet_tree, bounded_late, cli, NULL);
}
