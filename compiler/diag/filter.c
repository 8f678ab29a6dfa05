/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choosing diagnostics by the options. */
#include "diag/filter.h"

#include "diag/portability.h"
#include "diag/suggest.h"

static const char portability_group[] = "portability";

static bool is_error(enum diag_id id)
{
	return diag_severity(&diag_catalogue[id]) == SEVERITY_ERROR;
}

static const char *unknown(struct arena *arena, struct text name)
{
	struct suggestion s;

	suggest_diagnostic(&s, name);
	suggest_word(&s, text_of(portability_group));
	if (s.best.len)
		return arena_printf(arena, "diagnostic `%.*s` does not exist; did you mean `%.*s`?",
				    TEXT_ARG(name), TEXT_ARG(s.best));
	return arena_printf(arena, "diagnostic `%.*s` does not exist", TEXT_ARG(name));
}

static struct text without(struct text t, const char *prefix)
{
	uint32_t len = (uint32_t)strlen(prefix);

	return text_starts(t, prefix) ? (struct text){ t.ptr + len, t.len - len } : (struct text){ NULL, 0 };
}

/* The name of a group, which counts as those of all its diagnostics. */
static bool is_group(struct text name)
{
	return text_is(name, portability_group);
}

/* Errors of the group are left as they are. */
static void choose_group(struct diag_filter *choice, bool off, bool promoted)
{
	for (enum diag_id id = 0; id < DIAG_COUNT; id++) {
		if (!portability_find(id) || is_error(id))
			continue;
		choice->off[id] = off;
		choice->error[id] |= promoted;
	}
}

const char *diag_filter_warning(struct diag_filter *choice, struct arena *arena, const char *text)
{
	struct text whole = text_of(text), promoted = without(whole, "error="), name;
	enum diag_id id = diag_find(promoted.ptr ? promoted : whole);
	bool off = false;

	name = promoted.ptr ? promoted : whole;
	/* There are names that begin with "no-". */
	if (id == DIAG_COUNT && !promoted.ptr && text_starts(whole, "no-")) {
		off = true;
		name = without(whole, "no-");
		id = diag_find(name);
	}
	if (id == DIAG_COUNT && is_group(name)) {
		choose_group(choice, off, promoted.ptr != NULL);
		return NULL;
	}
	if (id == DIAG_COUNT)
		return unknown(arena, name);
	if (off && is_error(id))
		return arena_printf(arena, "`%.*s` is an error, and errors cannot be disabled",
				    TEXT_ARG(name));
	choice->off[id] = off;
	choice->error[id] |= promoted.ptr != NULL;
	return NULL;
}

/* The item is the id, or its beginning, or the name, or a group's; numbers count as far as they are written. */
static bool selects(struct text item, const struct diag_row *row)
{
	uint32_t digits = item.len - 1;

	if (text_is(item, row->name))
		return true;
	return char_lower(item.ptr[0]) == char_lower(row->letter) && digits <= strlen(row->number) &&
	       memcmp(item.ptr + 1, row->number, digits) == 0;
}

static const char *select_item(struct diag_filter *choice, struct arena *arena, struct text item)
{
	bool any = false;

	for (int i = 0; i < DIAG_COUNT && item.len; i++)
		if (selects(item, &diag_catalogue[i]) || (is_group(item) && portability_find((enum diag_id)i))) {
			choice->off[i] = false;
			any = true;
		}
	if (!item.len)
		return "list has an empty element";
	return any ? NULL : unknown(arena, item);
}

const char *diag_filter_select(struct diag_filter *choice, struct arena *arena, const char *text)
{
	const char *wrong = NULL;

	for (int i = 0; i < DIAG_COUNT && !choice->selected; i++)
		choice->off[i] = !is_error((enum diag_id)i);
	choice->selected = true;
	for (const char *end; !wrong; text = end + 1) {
		end = text + strcspn(text, ",");
		wrong = select_item(choice, arena, (struct text){ text, (uint32_t)(end - text) });
		if (!*end)
			break;
	}
	return wrong;
}

static void choose(struct diags *diags, const struct diag_filter *choice)
{
	struct diagnostic *next = diags->first;

	diags_clear(diags);
	while (next) {
		struct diagnostic *d = next;

		next = d->next;
		if (choice->off[d->id])
			continue;
		if (choice->error[d->id])
			d->severity = SEVERITY_ERROR;
		diags_add(diags, d);
	}
}

void diags_choose(struct diags *diags, const struct diag_filter *choice)
{
	diags_sort(diags);
	diags_suppress(diags, choice);
	if (choice)
		choose(diags, choice);
	diags_sort(diags);
}
