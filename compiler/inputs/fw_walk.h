/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The .fw files of a folder.
 *
 * In a tree these are the files that a node reads: of the cluster and the guests in firewall/, of all nodes, and of
 * vnets, and files of tests.  In another folder they are all files in it and below, and the trees below.  Hidden entries and links to folders
 * are ignored.
 */
#ifndef PVEFW_FW_WALK_H
#define PVEFW_FW_WALK_H

#include "diag/diag.h"

struct fw_item {
	const char *path;
	bool is_tree, is_test;
	struct fw_item *next;
};

struct fw_walk {
	struct diags *diags; /* what cannot be read is reported */
	bool splits_trees;   /* a tree's files instead of the tree */
	struct fw_item *first, **last;
};

/* Whether a file's name is one of the firewall's, "100.fw". */
bool is_fw_name(const char *name);
/* Whether a file's name is one of tests, "web.fwtest". */
bool is_fwtest_name(const char *name);

void fw_walk_init(struct fw_walk *walk, struct diags *diags, bool splits_trees);
/* Appends what there is in a folder, in the order of names; if that is nothing, this is reported (E0008). */
void fw_walk_folder(struct fw_walk *walk, const char *path);
/* Appends the files of tests that a tree has, in firewall/ and below. */
void fw_walk_tests(struct fw_walk *walk, const char *root);
/* Loads a file of the tree, under its name in the tree; NULL if it cannot be read, which was reported. */
struct source *fw_walk_load(struct fw_walk *walk, const char *root, const struct fw_item *item);
/* Appends the files of tests in a folder and below. */
void fw_walk_tests_below(struct fw_walk *walk, const char *folder);
/* Whether a tree has any of its files, or one that cannot be looked for. */
bool fw_walk_tree_has_files(const struct diags *diags, const char *path);
/* Reports E0008: there is nothing of that in the folder. */
void fw_walk_report_none(struct diags *diags, const char *path);

#endif
