/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/base/conditions.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xmalloc.h"

const struct condition_row condition_rows[CONDITION_KINDS] = {
#define CONDITION(ID, name, priority, text) { name, PRIORITY_##priority, text },
#include "firewall/base/conditions.def"
};

static void list_free(struct service_condition *list)
{
	while (list) {
		struct service_condition *next = list->next;

		free(list->message);
		free(list->file);
		free(list);
		list = next;
	}
}

void conditions_init(struct conditions *c, struct log *log)
{
	*c = (struct conditions){ .log = log };
}

void conditions_free(struct conditions *c)
{
	list_free(c->first);
	list_free(c->stated);
	c->first = c->stated = NULL;
}

void conditions_begin(struct conditions *c, enum condition_kind kind)
{
	list_free(c->stated);
	c->stated = NULL;
	c->kind = kind;
}

void conditions_add(struct conditions *c, const struct log_about *about, const char *format, ...)
{
	struct service_condition *condition = xcalloc(1, sizeof(*condition)), **end = &c->stated;
	va_list arguments;

	condition->kind = c->kind;
	va_start(arguments, format);
	if (vasprintf(&condition->message, format, arguments) < 0)
		out_of_memory();
	va_end(arguments);
	if (about && about->file) {
		condition->file = xstrdup(about->file);
		condition->line = about->line;
	}
	while (*end)
		end = &(*end)->next;
	*end = condition;
}

static bool condition_is_among(const struct service_condition *condition, const struct service_condition *list)
{
	const struct service_condition *a = condition, *b = list;

	/* The line is not compared: it moves when others come and go. */
	while (b && !(a->kind == b->kind && strcmp(a->message, b->message) == 0 && !a->file == !b->file &&
		      (!a->file || strcmp(a->file, b->file) == 0)))
		b = b->next;
	return b != NULL;
}

/* Removes the conditions of `kind` from the list, and returns them. */
static struct service_condition *cut_kind(struct conditions *c, enum condition_kind kind)
{
	struct service_condition **at = &c->first, *cut, **end;

	while (*at && (*at)->kind < kind)
		at = &(*at)->next;
	cut = *at;
	end = at;
	while (*end && (*end)->kind == kind)
		end = &(*end)->next;
	if (end == at)
		return NULL;
	*at = *end;
	*end = NULL;
	return cut;
}

static void conditions_insert(struct conditions *c, struct service_condition *list)
{
	struct service_condition **at = &c->first, **end = &list;

	if (!list)
		return;
	while (*at && (*at)->kind < list->kind)
		at = &(*at)->next;
	while (*end)
		end = &(*end)->next;
	*end = *at;
	*at = list;
}

bool conditions_end(struct conditions *c)
{
	struct service_condition *before = cut_kind(c, c->kind), *stated = c->stated;
	const struct condition_row *row = &condition_rows[c->kind];
	bool changed = false;

	c->stated = NULL;
	for (const struct service_condition *s = stated; s; s = s->next) {
		struct log_about about = { NULL, s->file, s->line };

		if (condition_is_among(s, before))
			continue;
		log_message(c->log, row->priority, &about, "%s", s->message);
		changed = true;
	}
	for (const struct service_condition *b = before; b; b = b->next) {
		struct log_about about = { NULL, b->file, b->line };

		if (condition_is_among(b, stated))
			continue;
		log_message(c->log, PRIORITY_NOTICE, &about, "over: %s", b->message);
		changed = true;
	}
	list_free(before);
	conditions_insert(c, stated);
	return changed;
}

unsigned conditions_count(const struct conditions *c, enum condition_kind kind)
{
	unsigned count = 0;

	for (const struct service_condition *condition = c->first; condition; condition = condition->next)
		count += condition->kind == kind;
	return count;
}

json_t *conditions_json(const struct conditions *c)
{
	json_t *all = json_array();

	for (const struct service_condition *condition = c->first; condition; condition = condition->next)
		json_array_append_new(all,
				      json_pack("{s:s, s:s, s:s, s:s?, s:i}", "kind",
						condition_rows[condition->kind].name, "priority",
						log_priority_name(condition_rows[condition->kind].priority),
						"message", condition->message, "file", condition->file,
						"line", (int)condition->line));
	return all;
}
