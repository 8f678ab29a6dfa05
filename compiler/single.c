/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "single.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "commands.h"
#include "compile.h"
#include "netdb.h"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool is_fw_name(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && strcmp(name + len - 3, ".fw") == 0;
}

/* The file stands in a folder sdn/firewall. */
static bool is_vnet_path(const char *path)
{
	static const char place[] = "/sdn/firewall/";
	char *real = realpath(path, NULL);
	const char *name = real ? base_name(real) : NULL;
	size_t len = sizeof(place) - 1;
	bool is = real && (size_t)(name - real) >= len && memcmp(name - len, place, len) == 0;

	free(real);
	return is;
}

static enum file_kind kind_of_name(const char *path)
{
	struct text name = text_of(base_name(path));

	if (!is_fw_name(name.ptr))
		return FILE_KINDS;
	name.len -= 3;
	return text_is(name, "cluster") ? FILE_CLUSTER
	       : text_is(name, "host")  ? FILE_HOST
	       : is_vnet_path(path)	? FILE_VNET
	       : text_all_digits(name)  ? FILE_GUEST
					: FILE_KINDS;
}

/* --kind, else what the name says; FILE_KINDS if that is nothing. */
static enum file_kind kind_of(const struct single *single, const char *path)
{
	const char *wanted = single->run->cli->value[CLI_KIND];

	if (!wanted)
		return kind_of_name(path);
	for (int kind = 0; kind < FILE_KINDS; kind++)
		if (strcmp(wanted, file_kind_name((enum file_kind)kind)) == 0)
			return (enum file_kind)kind;
	return FILE_KINDS;
}

static struct source *load(struct single *single, const char *path)
{
	return source_load(&single->run->map, AT_FDCWD, path, path);
}

/* NULL if there is no such file, or if it cannot be read, which is reported. */
static struct source *load_other(struct single *single, const char *path)
{
	struct source *source = load(single, path);

	if (!source && errno != ENOENT && errno != ENOTDIR)
		diag_unreadable(&single->run->diags, path, errno);
	return source;
}

/* The cluster.fw that belongs to a file: beside it, or where the tree has it when
 * the file is nodes/<node>/host.fw or sdn/firewall/<vnet>.fw; NULL if none. */
static struct source *load_cluster(struct single *single, const char *path, enum file_kind kind)
{
	static const char *const places[] = { "cluster.fw", "../../firewall/cluster.fw" };
	int folder = (int)(base_name(path) - path);

	if (kind == FILE_CLUSTER)
		return NULL;
	for (int i = 0; i < (kind == FILE_GUEST ? 1 : 2); i++) {
		const char *shown = arena_printf(&single->run->arena, "%.*s%s", folder, path, places[i]);
		struct source *source = load_other(single, shown);

		if (source)
			return source;
	}
	return NULL;
}

static bool refers_to_sdn(const struct source *source)
{
	for (uint32_t i = 0; i + 4 <= source->size; i++)
		if (text_equal_nocase((struct text){ source->text + i, 4 }, TEXT("sdn/")))
			return true;
	return false;
}

/* The SDN's configuration, where the tree has it if the file is at its place; most files need none. */
static void load_sdn(struct single *single, const char *path, struct single_file *file)
{
	const char *up = file->kind == FILE_HOST || file->kind == FILE_VNET ? "../.." : "..";
	struct arena *arena = &single->run->arena;
	const char *root;

	if (!refers_to_sdn(file->source))
		return;
	root = arena_printf(arena, "%.*s%s", (int)(base_name(path) - path), path, up);
	file->sdn = load_other(single, arena_printf(arena, "%s/sdn/.running-config", root));
	file->ipam = load_other(single, arena_printf(arena, "%s/sdn/pve-ipam-state.json", root));
	if (!file->ipam)
		file->ipam = load_other(single, arena_printf(arena, "%s/priv/ipam.db", root));
}

/* False if something is missing without which every name would be unknown. */
static bool prepare(struct single *single)
{
	const struct input_options *options = &single->run->options;
	struct diags *diags = &single->run->diags;
	bool unreadable = diags->unreadable;

	if (single->ready)
		return single->usable;
	single->ready = true;
	single->inputs.root = ".";
	diags->unreadable = false;
	single->inputs.netdb = netdb_load(diags, options->services, options->protocols, options->ethertypes);
	single->usable = !diags->unreadable;
	diags->unreadable |= unreadable;
	return single->usable;
}

bool single_open(struct single *single, const char *path, const char *fate, struct single_file *file)
{
	*file = (struct single_file){ .source = load(single, path) };
	if (!file->source) {
		diag_note(diag_unreadable(&single->run->diags, path, errno), "%s", fate);
		return false;
	}
	file->kind = kind_of(single, path);
	if (file->kind == FILE_KINDS) {
		cli_error("the name of %s does not tell its kind; say --kind", path);
		single->run->failed = true;
		return false;
	}
	if (!prepare(single))
		return false;
	file->cluster = load_cluster(single, path, file->kind);
	load_sdn(single, path, file);
	return true;
}

void single_check(const struct single *single, const struct single_file *file, struct diags *diags)
{
	struct inputs inputs = single->inputs;
	struct diags unseen;

	diags_init(&unseen, diags->arena, diags->map);
	sdn_parse(&unseen, file->sdn, file->ipam, &inputs.sdn);
	compile_single(file->source, file->kind, file->cluster, &inputs, diags);
}
