/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pve-firewall localnet: what is known of this node and of the networks it trusts. */
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

#include "firewall/bounded.h"
#include "firewall/firewall.h"
#include "run.h"
#include "compile.h"

/* The first address of the node's name, as text, or why there is none. */
static const char *own_address(struct arena *arena, struct text node)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	char text[NI_MAXHOST];
	int error = getaddrinfo(arena_string(arena, node), NULL, &hints, &found);

	if (error)
		return arena_printf(arena, "unknown (%s)", gai_strerror(error));
	error = getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
	freeaddrinfo(found);
	return error ? "unknown" : arena_printf(arena, "%s", text);
}

static const char *detected_network(struct arena *arena, struct text node)
{
	struct prefix network;
	char text[PREFIX_TEXT_SIZE];

	if (localnet_detect(arena, arena_string(arena, node), &network) != 0)
		return NULL;
	return arena_printf(arena, "%.*s", (int)prefix_format(&network, text), text);
}

static void print_links(struct out *out, const struct corosync *corosync)
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

static void print(struct out *out, struct run *run, const struct config *config)
{
	const char *detected = detected_network(&run->arena, config->node);
	const struct alias *used = config->local_network;

	out_printf(out, "local hostname: %.*s\n", TEXT_ARG(config->node));
	out_printf(out, "local IP address: %s\n", own_address(&run->arena, config->node));
	out_printf(out, "network auto detect: %s\n", detected ? detected : "nothing");
	out_printf(out, "using %s local_network: %.*s\n",
		   used->implicit && !run->options.local_network ? "detected" : "user defined", TEXT_ARG(used->cidr));
	print_links(out, &config->corosync);
}

static int tell(const struct cli *cli, void *context)
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
		print(&out, &run, config);
		printed = stdout_close(&out);
		config_free(config);
	}
	status = run_end(&run);
	return printed == EXIT_CLEAN ? status : EXIT_TROUBLE;
}

int cmd_localnet(const struct cli *cli)
{
	if (cli->operand_count)
		return cli_error("localnet takes no operand; --root names the tree");
	return bounded_run(tell, bounded_late, cli, NULL);
}
