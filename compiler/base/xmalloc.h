/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory from the heap.  When there is none left, the process says so and aborts: no caller checks for NULL. */
#ifndef PVEFW_XMALLOC_H
#define PVEFW_XMALLOC_H

#include <stddef.h>

_Noreturn void out_of_memory(void);

/* Returns `memory`, which a library has allocated, unless it is NULL. */
void *xcheck(void *memory);
void *xmalloc(size_t size);
/* Zeroed. */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *memory, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
