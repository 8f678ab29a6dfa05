/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collecting why something could not be loaded. */
#include "backend.h"

struct backend_problem *backend_problem_add(struct backend_loading *loading, struct span span, const char *format, ...)
{
	struct backend_problem *problem = ARENA_NEW(loading->arena, struct backend_problem);
	va_list args;

	va_start(args, format);
	problem->span = span;
	problem->layer = problem->part = LAYERS;
	problem->text = arena_vprintf(loading->arena, format, args);
	va_end(args);
	if (!loading->problems)
		loading->last_problem = &loading->problems;
	*loading->last_problem = problem;
	loading->last_problem = &problem->next;
	return problem;
}
