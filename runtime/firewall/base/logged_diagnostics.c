/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/base/logged_diagnostics.h"

#include <stdlib.h>
#include <uthash.h>

#include "base/xmalloc.h"

enum { MOST = 100 };

struct logged_diagnostic {
	UT_hash_handle hh;
	size_t size;
	char key[]; /* the diagnostic, the file and the message; not the line, which moves when others come and go */
};

static struct logged_diagnostic *logged_diagnostic_new(const struct diags *diags, const struct diagnostic *d)
{
	const struct source *source = source_find(diags->map, d->span.begin);
	const char *path = source ? source->path : "";
	size_t path_size = strlen(path) + 1, message_size = strlen(d->message);
	struct logged_diagnostic *new = xmalloc(sizeof(*new) + sizeof(d->id) + path_size + message_size);

	new->size = sizeof(d->id) + path_size + message_size;
	memcpy(new->key, &d->id, sizeof(d->id));
	memcpy(new->key + sizeof(d->id), path, path_size);
	memcpy(new->key + sizeof(d->id) + path_size, d->message, message_size);
	return new;
}

void logged_diagnostics_update(struct logged_diagnostics *logged, struct log *log, const struct diags *diags)
{
	struct logged_diagnostics present = { NULL };
	uint32_t fresh = 0;

	for (const struct diagnostic *d = diags->first; d; d = d->next) {
		struct logged_diagnostic *new, *found;

		if (d->id == DIAG_REFUSED) /* a condition */
			continue;
		new = logged_diagnostic_new(diags, d);
		HASH_FIND(hh, logged->all, new->key, new->size, found);
		if (!found && ++fresh <= MOST)
			log_diagnostic(log, diags->map, d);
		HASH_FIND(hh, present.all, new->key, new->size, found);
		if (found)
			free(new);
		else
			HASH_ADD_KEYPTR(hh, present.all, new->key, new->size, new);
	}
	if (fresh > MOST)
		log_message(log, PRIORITY_WARNING, NULL, "and %u more; pve-firewall status shows all", fresh - MOST);
	logged_diagnostics_free(logged);
	*logged = present;
}

void logged_diagnostics_free(struct logged_diagnostics *logged)
{
	struct logged_diagnostic *one, *next;

	HASH_ITER(hh, logged->all, one, next) {
		HASH_DEL(logged->all, one);
		free(one);
	}
}
