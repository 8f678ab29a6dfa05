/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "pipeline/single_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "commands/commands.h"
#include "resolve/compile.h"
#include "inputs/netdb.h"
#include "base/real_path.h"

bool is_fw_name(const char *name)
{
	size_t len = strlen(name);

	return len > 3 && strcmp(name + len - 3, ".fw") == 0;
}

static bool is_in_sdn(const char *place)
{
	static const char folder[] = "/sdn/firewall/";
	const char *name = place ? base_name(place) : NULL;
	size_t len = sizeof(folder) - 1;

	return place && (size_t)(name - place) >= len && memcmp(name - len, folder, len) == 0;
}

/* The file stands in a folder sdn/firewall. */
static bool is_vnet_path(struct arena *arena, const char *path)
{
	return is_in_sdn(place_of(arena, path)) || is_in_sdn(place_of_target(arena, path));
}

static enum file_kind kind_of_name(struct arena *arena, const char *path)
{
	struct text name = text_of(base_name(path));

	if (!is_fw_name(name.ptr))
		return FILE_KINDS;
	name.len -= 3;
	return text_is(name, "cluster") ? FILE_CLUSTER
	       : text_is(name, "host")  ? FILE_HOST
	       : is_vnet_path(arena, path) ? FILE_VNET
	       : text_all_digits(name)  ? FILE_GUEST
					: FILE_KINDS;
}

/* What the name says, or that of the file that it leads to; FILE_KINDS if that is nothing. */
static enum file_kind kind_of_path(struct arena *arena, const char *path)
{
	enum file_kind kind = kind_of_name(arena, path);
	const char *target = kind == FILE_KINDS ? place_of_target(arena, path) : NULL;

	return target ? kind_of_name(arena, target) : kind;
}

/* --kind, else what the name says; for a file that was found in a folder the name comes first. */
static enum file_kind kind_of(const struct single *single, const char *path)
{
	const char *wanted = single->run->cli->value[CLI_KIND];
	enum file_kind kind = kind_of_path(&single->run->arena, path);

	if (!wanted || (single->is_walked && kind != FILE_KINDS))
		return kind;
	for (int i = 0; i < FILE_KINDS; i++)
		if (strcmp(wanted, file_kind_name((enum file_kind)i)) == 0)
			kind = (enum file_kind)i;
	return kind;
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

/* Levels of folders between a file at its place and the root of its tree. */
static int depth_of(enum file_kind kind)
{
	return kind == FILE_HOST || kind == FILE_VNET ? 2 : 1;
}

/*
 * Where a file stands: first as its path says, for messages that name what belongs to it in the same way; then without
 * the links in it, also if there is no such folder yet; then where the file is that a link leads to.
 */
struct standing {
	const char *folder; /* with a slash at its end; "" for the working folder */
	const char *up;     /* the folder that would be the root of its tree */
};

enum { STANDINGS = 3 };

static struct standing standing_at(struct arena *arena, const char *place, enum file_kind kind)
{
	const char *folder = place_from_here(arena, place_above(arena, place, 1));

	return (struct standing){ arena_printf(arena, "%s/", folder[1] ? folder : ""),
				  place_from_here(arena, place_above(arena, place, 1 + depth_of(kind))) };
}

static unsigned find_standings(struct single *single, const char *path, enum file_kind kind,
			       struct standing standings[STANDINGS])
{
	struct arena *arena = &single->run->arena;
	const char *place = place_of(arena, path), *target = place_of_target(arena, path);
	const char *folder = arena_printf(arena, "%.*s", (int)(base_name(path) - path), path);
	unsigned count = 0;

	standings[count++] = (struct standing){ folder, arena_printf(arena, "%s%s", folder, depth_of(kind) == 2 ? "../.." : "..") };
	standings[count++] = standing_at(arena, place, kind);
	if (target && strcmp(target, place) != 0)
		standings[count++] = standing_at(arena, target, kind);
	return count;
}

/* A cluster.fw. */
static struct source *load_cluster_file(struct single *single, const char *path)
{
	struct source *source;

	if (single->cluster && strcmp(single->cluster->path, path) == 0)
		return single->cluster;
	source = load_other(single, path);
	if (source)
		single->cluster = source;
	return source;
}

/* The cluster.fw that belongs to a file: beside it, or where the tree has it when
 * the file is nodes/<node>/host.fw or sdn/firewall/<vnet>.fw; NULL if none. */
static struct source *load_cluster(struct single *single, const struct standing *standing, enum file_kind kind)
{
	struct arena *arena = &single->run->arena;
	struct source *source;

	if (kind == FILE_CLUSTER)
		return NULL;
	source = load_cluster_file(single, arena_printf(arena, "%scluster.fw", standing->folder));
	if (source || depth_of(kind) == 1)
		return source;
	return load_cluster_file(single, arena_printf(arena, "%s/firewall/cluster.fw", standing->up));
}

static bool refers_to_sdn(const struct source *source)
{
	for (uint32_t i = 0; i + 4 <= source->size; i++)
		if (text_equal_nocase((struct text){ source->text + i, 4 }, TEXT("sdn/")))
			return true;
	return false;
}

/* The SDN's configuration, where the tree has it if the file is at its place; most files need none. */
static bool load_sdn(struct single *single, const struct standing *standing, struct single_file *file)
{
	struct arena *arena = &single->run->arena;

	if (!refers_to_sdn(file->source))
		return true;
	file->sdn = load_other(single, arena_printf(arena, "%s/sdn/.running-config", standing->up));
	file->ipam = load_other(single, arena_printf(arena, "%s/sdn/pve-ipam-state.json", standing->up));
	if (!file->ipam)
		file->ipam = load_other(single, arena_printf(arena, "%s/priv/ipam.db", standing->up));
	return file->sdn || file->ipam;
}

/* What belongs to the file is where the first of it is found. */
static void load_others(struct single *single, const char *path, struct single_file *file)
{
	struct standing standings[STANDINGS];
	unsigned count = find_standings(single, path, file->kind, standings);
	bool has_sdn = false;

	for (unsigned i = 0; i < count && !file->cluster; i++)
		file->cluster = load_cluster(single, &standings[i], file->kind);
	for (unsigned i = 0; i < count && !has_sdn; i++)
		has_sdn = load_sdn(single, &standings[i], file);
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

/* Of a file that was read into file->source, or not because of `reason`.  `path`: where it is; NULL: nowhere. */
static bool open_source(struct single *single, const char *shown, const char *path, const char *fate, int reason,
			struct single_file *file)
{
	if (!file->source) {
		diag_note(diag_unreadable(&single->run->diags, shown, reason), "%s", fate);
		return false;
	}
	file->kind = kind_of(single, shown);
	if (file->kind == FILE_KINDS) {
		struct diagnostic *d = diag(&single->run->diags, SPAN_NONE, DIAG_KIND_UNKNOWN,
					    "the name of %s does not tell its kind", shown);

		diag_note(d, "%s", fate);
		diag_help(d, "say --kind cluster, host, guest or vnet");
		single->run->failed = true;
		return false;
	}
	if (!prepare(single))
		return false;
	if (path)
		load_others(single, path, file);
	return true;
}

bool single_open(struct single *single, const char *path, const char *fate, struct single_file *file)
{
	*file = (struct single_file){ .source = load(single, path) };
	return open_source(single, path, path, fate, errno, file);
}

bool single_open_stdin(struct single *single, const struct stdin_file *in, const char *fate, struct single_file *file)
{
	int reason = in->reason;

	*file = (struct single_file){ .source = reason ? NULL : source_add_buffer(&single->run->map, in->shown) };
	return open_source(single, reason ? "standard input" : in->shown, in->buffer.place ? in->shown : NULL, fate,
			   reason ? reason : errno, file);
}

void single_check(const struct single *single, const struct single_file *file, struct diags *diags)
{
	struct inputs inputs = single->inputs;
	struct diags unseen;

	diags_init(&unseen, diags->arena, diags->map);
	sdn_parse(&unseen, file->sdn, file->ipam, &inputs.sdn);
	compile_single(file->source, file->kind, file->cluster, &inputs, diags);
}
