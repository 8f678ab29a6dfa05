/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling AddressSanitizer which bytes of our own allocators are in use. Nothing in other builds. */
#ifndef PVEFW_POISON_H
#define PVEFW_POISON_H

#include <stddef.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define PVEFW_POISONS
#include <sanitizer/asan_interface.h>

enum { MEMORY_GAP = 8 }; /* poisoned bytes after each piece of an arena */
#else
enum { MEMORY_GAP = 0 };
#endif

static inline void memory_poison(const void *memory, size_t size)
{
#ifdef PVEFW_POISONS
	__asan_poison_memory_region(memory, size);
#else
	(void)memory, (void)size;
#endif
}

static inline void memory_unpoison(const void *memory, size_t size)
{
#ifdef PVEFW_POISONS
	__asan_unpoison_memory_region(memory, size);
#else
	(void)memory, (void)size;
#endif
}

#endif
