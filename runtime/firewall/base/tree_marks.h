/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The marks of a tree (enum tree_mark of tree_root.h) when the service read it last, in the run directory: a service or a
 * command that starts later recognises a tree that has lost one. */
#ifndef PVEFW_TREE_MARKS_H
#define PVEFW_TREE_MARKS_H

/* 0: nothing is known of this tree. */
unsigned tree_marks_read(int run_dir, const char *root);
/* Failures are ignored: the next service then knows nothing of the tree. */
void tree_marks_write(int run_dir, const char *root, unsigned marks);
void tree_marks_forget(int run_dir);

#endif
