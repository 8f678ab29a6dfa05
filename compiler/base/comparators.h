/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing two keys: less than, equal to or greater than 0, as qsort() and bsearch() want it. */
#ifndef PVEFW_COMPARATORS_H
#define PVEFW_COMPARATORS_H

#include "base/text.h"

static inline int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Of array elements that are numbers. */
static inline int compare_u32(const void *a, const void *b)
{
	return compare_numbers(*(const uint32_t *)a, *(const uint32_t *)b);
}

/* Of array elements that begin with their name, a struct text. */
static inline int compare_names(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

/* Of array elements that begin with a digest of 16 or of 32 bytes. */
static inline int compare_digests_16(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static inline int compare_digests_32(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

/* Of array elements that begin with a pointer to a string. */
static inline int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

#endif
