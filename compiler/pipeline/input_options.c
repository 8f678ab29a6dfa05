/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pipeline/input_options.h"

/* All --altname, the command line's first. */
static struct altname_option *altnames_of(const struct cli *cli)
{
	struct altname_option *first = NULL, **last = &first;

	for (int from_file = 0; from_file < 2; from_file++)
		for (const struct cli_value *v = cli->values; v; v = v->next) {
			if (v->option != CLI_ALTNAME || v->from_file != from_file)
				continue;
			*last = ARENA_NEW(cli->arena, struct altname_option);
			(*last)->text = v->text;
			last = &(*last)->next;
		}
	return first;
}

/* The nodes of all --node, each a list such as "pve1, pve2": no name of a node holds a comma. */
static struct node_option *nodes_of(const struct cli *cli)
{
	struct node_option *first = NULL, **last = &first;

	for (const struct cli_value *v = cli->values; v; v = v->next) {
		if (v->option != CLI_NODE)
			continue;
		for (const char *list = v->text, *end;; list = end + 1) {
			end = list + strcspn(list, ",");
			*last = ARENA_NEW(cli->arena, struct node_option);
			(*last)->name = arena_copy(cli->arena,
						   text_trim((struct text){ list, (uint32_t)(end - list) }));
			last = &(*last)->next;
			if (!*end)
				break;
		}
	}
	return first;
}

struct input_options cli_inputs(const struct cli *cli)
{
	return (struct input_options){
		.root = cli->value[CLI_ROOT],
		.node = cli->value[CLI_NODE],
		.nodes = nodes_of(cli),
		.local_network = cli->value[CLI_LOCAL_NETWORK],
		.altnames = altnames_of(cli),
		.now = cli->value[CLI_NOW],
		.services = cli->value[CLI_SERVICES],
		.protocols = cli->value[CLI_PROTOCOLS],
		.ethertypes = cli->value[CLI_ETHERTYPES],
		.resolve = cli->value[CLI_RESOLVE] != NULL,
	};
}

bool cli_names_node(const struct cli *cli)
{
	const struct cli_value *node = cli_value(cli, CLI_NODE);

	return node && !node->from_file;
}

bool cli_has_one_node(const struct cli *cli)
{
	const struct node_option *first = nodes_of(cli), *other = first;

	while (other && text_equal(other->name, first->name))
		other = other->next;
	if (!other || (cli_names_node(cli) && !strchr(cli->value[CLI_NODE], ',')))
		return true;
	cli_error("%s: several nodes given, but %s takes only one", cli_shown(cli, CLI_NODE),
		  cli->program->commands[cli->command].name);
	return false;
}
