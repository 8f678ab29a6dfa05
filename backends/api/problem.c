/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collecting why something could not be loaded; loading without a session. */
#include "api/backend.h"

void backend_difference_add(struct backend_loading *loading, bool certain, struct text text)
{
	struct backend_difference *difference;

	loading->certain_count += certain;
	if (loading->difference_count++ >= BACKEND_DIFFERENCES_MOST)
		return;
	difference = ARENA_NEW(loading->arena, struct backend_difference);
	difference->certain = certain;
	difference->text = arena_string(loading->arena, text);
	if (!loading->last_difference)
		loading->last_difference = &loading->differences;
	*loading->last_difference = difference;
	loading->last_difference = &difference->next;
}

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

bool backend_load_once(const struct backend *backend, struct backend_loading *loading, const struct config *config)
{
	struct backend_session *session = backend->open(backend);
	bool loaded;

	session->loads_once = true;
	loaded = backend->load(session, loading, config);
	backend->close(session);
	return loaded;
}
