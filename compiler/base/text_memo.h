/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Texts that are made once and needed again, by several threads: what a backend or a report prints of
 * something that several nodes have in common.
 */
#ifndef PVEFW_TEXT_MEMO_H
#define PVEFW_TEXT_MEMO_H

#include "base/text.h"

struct text_memo;

/* Never fails: without memory the process ends. */
struct text_memo *text_memo_new(void);
void text_memo_free(struct text_memo *memo);

/* The text of an object that was put, which lasts as long as the memo; ptr NULL: none. `kind` tells
 * several texts of one object apart. */
struct text text_memo_find(struct text_memo *memo, const void *object, uint64_t kind);
/* Keeps a copy; of two threads that put the same, one is enough. */
void text_memo_put(struct text_memo *memo, const void *object, uint64_t kind, struct text text);

/* The same by a key of bytes, which are compared all: for what is read anew for each node. No two kinds of
 * text may have equal keys. */
struct text text_memo_find_key(struct text_memo *memo, struct text key);
void text_memo_put_key(struct text_memo *memo, struct text key, struct text text);

#endif
