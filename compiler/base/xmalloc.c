/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/xmalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void out_of_memory(void)
{
	fprintf(stderr, "pvefw: out of memory\n");
	abort();
}

void *xcheck(void *memory)
{
	if (!memory)
		out_of_memory();
	return memory;
}

void *xmalloc(size_t size)
{
	return xcheck(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return xcheck(calloc(count ? count : 1, size));
}

void *xrealloc(void *memory, size_t size)
{
	return xcheck(realloc(memory, size ? size : 1));
}

char *xstrdup(const char *text)
{
	return xcheck(strdup(text));
}

char *xstrndup(const char *text, size_t len)
{
	return xcheck(strndup(text, len));
}

char *xasprintf(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	va_end(args);
	return text;
}
