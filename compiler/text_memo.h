/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts that are made once and needed again, by several threads: what a backend prints of an object that the
 * configurations of several nodes have in common.
 */
#ifndef PVEFW_TEXT_MEMO_H
#define PVEFW_TEXT_MEMO_H

#include "text.h"

struct text_memo;

/* Never fails: without memory the process ends. */
struct text_memo *text_memo_new(void);
void text_memo_free(struct text_memo *memo);

/* The text of an object that was put, which lasts as long as the memo; ptr NULL: none.  `kind` tells several texts of
 * one object apart. */
struct text text_memo_find(struct text_memo *memo, const void *object, uint64_t kind);
/* Keeps a copy; of two threads that put the same, one is enough. */
void text_memo_put(struct text_memo *memo, const void *object, uint64_t kind, struct text text);

#endif
