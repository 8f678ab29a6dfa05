/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the value of an option: one function for each type. */
#ifndef PVEFW_OPTION_READERS_H
#define PVEFW_OPTION_READERS_H

#include "resolve/resolver.h"

/* One option line while it is read. */
struct setting {
	struct resolver *r;
	const struct option_row *row;
	enum option_id id;
	void *options;
	struct word key, value;
	bool set_before;
	bool failed; /* the value was reported and does not count */
};

/* By enum option_type: reads the value into s->options, or reports its fault. */
extern void (*const option_readers[])(struct setting *s);

/* Marks the value as wrong and notes that the option keeps its value; returns `d`. */
struct diagnostic *setting_keeps(struct setting *s, struct diagnostic *d);

#endif
