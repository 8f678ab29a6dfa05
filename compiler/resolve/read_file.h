/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading one .fw file into a configuration: parsing, and the two passes over it. */
#ifndef PVEFW_READ_FILE_H
#define PVEFW_READ_FILE_H

#include "inputs/inputs.h"
#include "resolve/resolver.h"

/* What one thread needs to read files. */
struct reading {
	struct config *config;
	struct arena *arena; /* for what lasts */
	struct diags *diags;
	struct arena trees;  /* of the cluster's and the host's file until both are resolved, else of one file */
	struct rule_cache cache;
	struct late_label *late;
};

/* A configuration of `inputs` with all options at their defaults, before any file is read. */
struct config *config_new(const struct inputs *inputs, struct diags *diags);
void rule_list_init(struct rule_list *rules);
/* A guest's options and names, before its file is read. */
void guest_init(struct guest *guest);

/* Parses a file and defines its names in `own`, which is NULL for host and vnet files. */
struct resolver read_file_start(struct reading *reading, struct source *source, enum file_kind kind, struct scope *own);
/* The second pass. */
void read_file_finish(struct resolver *r, struct rule_list *rules);
/* Reads a guest's file: both passes and the implied ipfilter sets. */
void read_guest_file(struct reading *reading, struct source *source, struct guest *guest);
/* Adds, to each alias without a value, labels at the rules and entries that use it, in the order of the files. */
void late_labels_add(struct arena *arena, struct late_label *labels);

#endif
