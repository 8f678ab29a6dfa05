/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration that is compiled from a tree on disk. */
#ifndef PVEFW_TEST_TREE_H
#define PVEFW_TEST_TREE_H

#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "inputs/inputs.h"
#include "resolve/compile.h"

struct tree {
	struct fixture f;
	struct inputs inputs;
	struct config *config;
};

/* False if the tree cannot be compiled for the node; tree_free() is to be called all the same. */
static inline bool tree_load(struct tree *tree, const char *root, const char *node, const char *local_network)
{
	struct input_options options = { .root = root, .node = node, .local_network = local_network,
					 .services = "tests/cases/etc/services",
					 .protocols = "tests/cases/etc/protocols",
					 .ethertypes = "tests/cases/etc/ethertypes" };

	tree->config = NULL;
	fixture_start(&tree->f);
	if (inputs_load(&tree->inputs, &options, &tree->f.diags))
		tree->config = compile(&tree->inputs, &tree->f.diags);
	return tree->config;
}

static inline void tree_free(struct tree *tree)
{
	if (tree->config)
		config_free(tree->config);
	fixture_end(&tree->f);
}

/* The value of an option in the file `args` of a test case, or NULL; from the tree's arena. */
static inline const char *case_option(struct arena *arena, const char *folder, const char *option)
{
	char line[4096] = "", *at, *save;
	FILE *file = fopen(arena_printf(arena, "%s/args", folder), "r");

	if (!file)
		return NULL;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	for (at = strtok_r(line, " \n", &save); at; at = strtok_r(NULL, " \n", &save))
		if (strcmp(at, option) == 0 && (at = strtok_r(NULL, " \n", &save)))
			return arena_printf(arena, "%s", at);
	return NULL;
}

#endif
