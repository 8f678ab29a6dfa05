/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads libnftables when a script is loaded.  Linked, it and what it needs would be mapped and relocated by each
 * start of each program.
 *
 * dlopen() gets the name that the linker would have recorded, without a directory: ld.so finds the library where it
 * finds those that are linked.  All symbols are bound at once, so a library that does not fit fails here.
 */
#include "nft/load/libnftables.h"

#include <dlfcn.h>
#include <string.h>

#include "generated/libnftables_name.h"

_Static_assert(sizeof(void *) == sizeof(void (*)(void)), "dlsym() returns functions, too");

/* Stores the function `name` in *function.  False: the library lacks it. */
static bool libnftables_find(void *handle, const char *name, void *function)
{
	void *symbol = dlsym(handle, name);

	memcpy(function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

const char *libnftables_load(struct libnftables *library, struct arena *arena)
{
	/* It is never unloaded: it may have registered functions for the end of the process. */
	void *handle = dlopen(LIBNFTABLES_NAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	bool complete = handle != NULL;

#define LIBNFTABLES(name) complete = complete && libnftables_find(handle, #name, &library->name);
#include "nft/load/libnftables.def"
#undef LIBNFTABLES
	if (complete)
		return NULL;
	return arena_printf(arena, "cannot use %s of the Debian package %s: %s", LIBNFTABLES_NAME, LIBNFTABLES_PACKAGE,
			    dlerror());
}
