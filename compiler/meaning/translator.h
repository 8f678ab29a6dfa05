/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A translator makes packet programs of one configuration, one for each path.  It keeps what paths share: the
 * chains of groups, of guests and of policies are translated once, and dispatches by interface look names up
 * in a hash.
 */
#ifndef PVEFW_MEANING_TRANSLATOR_H
#define PVEFW_MEANING_TRANSLATOR_H

#include "meaning/paths.h"

struct translator {
	const char *name; /* "written", "iptables", "nft" */
	/* The program of the path, from `arena` and the translator's own; lasts as long as both. */
	const struct model_program *(*program)(struct translator *t, struct arena *arena,
					       const struct path *path);
	/* Frees what was translated, but not what it was translated from: programs made before are void. */
	void (*forget)(struct translator *t);
	void (*close)(struct translator *t);
	/* Each translator has a structure that begins with this. */
};

static inline const struct model_program *translator_program(struct translator *t, struct arena *arena,
							     const struct path *path)
{
	return t->program(t, arena, path);
}

/* For those who ask about many paths: bounds the memory. */
static inline void translator_forget(struct translator *t)
{
	t->forget(t);
}

static inline void translator_close(struct translator *t)
{
	t->close(t);
}

/* Of what is written: the rules of a zone in order, groups in place, policies, and the implied rules of
 * lang/implied.def. written.c */
struct translator *written_open(const struct config *config, const struct model_ifaces *ifaces);

#endif
