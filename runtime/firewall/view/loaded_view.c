/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/view/loaded_view.h"

#include <stdlib.h>

#include "base/xmalloc.h"
#include "firewall/base/service_options.h"
#include "firewall/view/bounded.h"
#include "firewall/view/service_client.h"

enum { LOADED_WAIT = 1500 /* milliseconds for a busy service: what is in force is also on disk */ };

static void loaded_note(struct stat *note, const struct cli *cli)
{
	struct arena arena = { 0 };

	*note = (struct stat){ .st_ino = 0 };
	if (stat(arena_printf(&arena, "%s/in-force", firewall_run_dir(cli)), note) != 0)
		*note = (struct stat){ .st_ino = 0 };
	arena_free(&arena);
}

struct loaded_view *loaded_view_open(const struct cli *cli, const json_t *service)
{
	struct loaded_view *loaded = xcalloc(1, sizeof(*loaded));

	loaded->cli = cli;
	loaded_note(&loaded->in_force, cli);
	loaded->source = view_compile_in_force(&loaded->view, cli, service);
	if (loaded->view.config)
		asked_open(&loaded->asked, loaded->view.config, loaded->view.backend, (struct model_budget){ 0 });
	return loaded;
}

int loaded_view_close(struct loaded_view *loaded)
{
	int status;

	if (loaded->view.config) {
		asked_close(&loaded->asked);
		/* lint reports the faults of the files. */
		diags_clear(&loaded->view.run.diags);
	}
	status = view_end(&loaded->view);
	free(loaded);
	return status;
}

bool loaded_view_is_stale(const struct loaded_view *loaded)
{
	struct stat now;

	loaded_note(&now, loaded->cli);
	return now.st_ino != loaded->in_force.st_ino || now.st_mtim.tv_sec != loaded->in_force.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != loaded->in_force.st_mtim.tv_nsec;
}

bool loaded_view_reload(struct loaded_view **loaded)
{
	const struct cli *cli = (*loaded)->cli;
	struct loaded_view *next;
	json_t *service;
	bool missing;

	if (!bounded_answers(cli->value[CLI_ROOT]))
		return false;
	service = client_ask_within(cli, json_pack("{s:s}", "command", "status"), LOADED_WAIT, &missing);
	next = loaded_view_open(cli, service);
	json_decref(service);
	if (!next->view.config) {
		loaded_view_close(next);
		return false;
	}
	loaded_view_close(*loaded);
	*loaded = next;
	return true;
}
