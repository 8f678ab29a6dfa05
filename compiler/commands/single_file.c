/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands/single_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/real_path.h"
#include "commands/commands.h"
#include "inputs/fw_walk.h"
#include "inputs/netdb.h"
#include "inputs/tree_root.h"
#include "resolve/compile.h"

/* ---- the kind ---- */

static bool is_in_sdn(const char *place)
{
	return place && text_ends((struct text){ place, (uint32_t)(base_name(place) - place) }, "/sdn/firewall/");
}

/* FILE_KINDS: the name does not tell. */
static enum file_kind kind_of_name(struct arena *arena, const char *path)
{
	struct text name = text_of(base_name(path));

	if (!is_fw_name(name.ptr))
		return FILE_KINDS;
	name.len -= 3;
	if (text_is(name, "cluster"))
		return FILE_CLUSTER;
	if (text_is(name, "host"))
		return FILE_HOST;
	if (is_in_sdn(place_of(arena, path)) || is_in_sdn(place_of_target(arena, path)))
		return FILE_VNET;
	return text_all_digits(name) ? FILE_GUEST : FILE_KINDS;
}

/* --kind, else what the name says, or that of the file that a link leads to.  For a file that was found in a folder its
 * name comes first. */
static enum file_kind file_kind_of(const struct single *single, const char *path)
{
	struct arena *arena = &single->run->arena;
	const char *named = single->run->cli->value[CLI_KIND], *target;
	enum file_kind kind = kind_of_name(arena, path);

	if (kind == FILE_KINDS && (target = place_of_target(arena, path)))
		kind = kind_of_name(arena, target);
	if (named && (!single->is_walked || kind == FILE_KINDS))
		for (int i = 0; i < FILE_KINDS; i++)
			if (strcmp(named, file_kind_name((enum file_kind)i)) == 0)
				kind = (enum file_kind)i;
	return kind;
}

/* Whether the file has tests: as file_kind_of(). */
static bool is_test_file(const struct single *single, const char *path)
{
	const char *named = single->run->cli->value[CLI_KIND];
	bool by_name = is_fwtest_name(base_name(path));

	if (named && (!single->is_walked || (!by_name && kind_of_name(&single->run->arena, path) == FILE_KINDS)))
		return strcmp(named, "test") == 0;
	return by_name;
}

/* ---- what belongs to a file ---- */

const char *single_tree_of_test(struct arena *arena, const struct single_file *file)
{
	for (const char *place = file->place; place && place[1]; place = place_above(arena, place, 1)) {
		const char *root = place_above(arena, place, 1);

		if (strcmp(base_name(place), "firewall") == 0 && tree_root_has_part(arena, root))
			return place_from_here(arena, root);
	}
	return NULL;
}

static struct source *load_source(struct single *single, const char *path)
{
	return source_load(&single->run->map, AT_FDCWD, path, path);
}

/* NULL if there is no such file, or if it cannot be read, which is reported. */
static struct source *load_other(struct single *single, const char *path)
{
	struct source *source = load_source(single, path);

	if (!source && errno != ENOENT && errno != ENOTDIR)
		diag_unreadable(&single->run->diags, path, errno);
	return source;
}

/* Levels of folders between a file at its place and the root of its tree. */
static int depth_of(enum file_kind kind)
{
	return kind == FILE_HOST || kind == FILE_VNET ? 2 : 1;
}

/* Where a file may be in a tree. */
struct tree_place {
	const char *folder; /* with a slash at its end; "" for the working folder */
	const char *root;   /* of the tree, if it is one */
};

static struct tree_place tree_place_of(struct arena *arena, const char *place, enum file_kind kind)
{
	const char *folder = place_from_here(arena, place_above(arena, place, 1));

	return (struct tree_place){ arena_printf(arena, "%s/", folder[1] ? folder : ""),
				    place_from_here(arena, place_above(arena, place, 1 + depth_of(kind))) };
}

enum { TREE_PLACES = 3 };

/* The places: as the path says, so that messages name what belongs to the file in the same way; without the links in
 * it; where the file is that a link leads to.  Returns how many there are. */
static unsigned tree_places(struct single *single, const char *path, enum file_kind kind,
			    struct tree_place places[TREE_PLACES])
{
	struct arena *arena = &single->run->arena;
	const char *place = place_of(arena, path), *target = place_of_target(arena, path);
	const char *folder = arena_printf(arena, "%.*s", (int)(base_name(path) - path), path);

	places[0] = (struct tree_place){ folder, arena_printf(arena, "%s%s", folder,
							      depth_of(kind) == 2 ? "../.." : "..") };
	places[1] = tree_place_of(arena, place, kind);
	if (!target || strcmp(target, place) == 0)
		return 2;
	places[2] = tree_place_of(arena, target, kind);
	return 3;
}

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

/* The cluster.fw beside the file; or where the tree has it, if the file is nodes/NODE/host.fw or
 * sdn/firewall/VNET.fw. */
static struct source *load_cluster(struct single *single, const struct tree_place *place, enum file_kind kind)
{
	struct arena *arena = &single->run->arena;
	struct source *source;

	if (kind == FILE_CLUSTER)
		return NULL;
	source = load_cluster_file(single, arena_printf(arena, "%scluster.fw", place->folder));
	if (source || depth_of(kind) == 1)
		return source;
	return load_cluster_file(single, arena_printf(arena, "%s/firewall/cluster.fw", place->root));
}

/* The SDN's configuration, where the tree has it.  True if there is any. */
static bool load_sdn(struct single *single, const struct tree_place *place, struct single_file *file)
{
	struct arena *arena = &single->run->arena;

	file->sdn = load_other(single, arena_printf(arena, "%s/sdn/.running-config", place->root));
	file->ipam = load_other(single, arena_printf(arena, "%s/sdn/pve-ipam-state.json", place->root));
	if (!file->ipam)
		file->ipam = load_other(single, arena_printf(arena, "%s/priv/ipam.db", place->root));
	return file->sdn || file->ipam;
}

/* Each of the first place that has it. */
static void load_others(struct single *single, const char *path, struct single_file *file)
{
	struct tree_place places[TREE_PLACES];
	unsigned count = tree_places(single, path, file->kind, places);
	bool wants_sdn = false;

	for (uint32_t i = 0; i + 4 <= file->source->size && !wants_sdn; i++)
		wants_sdn = text_equal_nocase((struct text){ file->source->text + i, 4 }, TEXT("sdn/"));
	for (unsigned i = 0; i < count && !file->cluster; i++)
		file->cluster = load_cluster(single, &places[i], file->kind);
	for (unsigned i = 0; i < count && wants_sdn; i++)
		wants_sdn = !load_sdn(single, &places[i], file);
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

/* Takes a file that was read, or not because of `reason`.  `path`: where it is; NULL: nowhere. */
static void take_source(struct single *single, struct single_file file, const char *path, int reason)
{
	const char *fate = single->fate[file.is_stdin];
	struct diagnostic *d;

	if (!file.source) {
		diag_note(diag_unreadable(&single->run->diags, file.shown, reason), "%s", fate);
		return;
	}
	if (is_test_file(single, file.shown)) {
		file.is_test = true;
		file.place = path ? place_of(&single->run->arena, path) : NULL;
		file.source->is_fw = true;
		if (prepare(single))
			single->take_test(single->context, &file);
		return;
	}
	file.kind = file_kind_of(single, file.shown);
	if (file.kind == FILE_KINDS) {
		d = diag(&single->run->diags, SPAN_NONE, DIAG_KIND_UNKNOWN,
			 "cannot tell what kind of file %s is", file.shown);
		diag_note(d, "%s", fate);
		diag_help(d, "use --kind cluster, host, guest, vnet or test");
		single->run->failed = true;
		return;
	}
	if (!prepare(single))
		return;
	if (path)
		load_others(single, path, &file);
	if (single->take_file)
		single->take_file(single->context, &file);
	else
		single_check(single, &file, &single->run->diags);
}

static void take_file(struct single *single, const char *path)
{
	struct single_file file = { .source = load_source(single, path), .shown = path };

	single->file_count++;
	take_source(single, file, path, errno);
}

static void take_stdin(struct single *single)
{
	const struct stdin_file *in = &single->in;
	int reason = in->reason;
	struct single_file file = { .source = reason ? NULL : source_add_buffer(&single->run->map, in->shown),
				    .shown = reason ? "standard input" : in->shown, .is_stdin = true };

	single->file_count++;
	take_source(single, file, in->buffer.place ? in->shown : NULL, reason ? reason : errno);
}

bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void take_folder(struct single *single, const char *path)
{
	struct fw_walk walk;

	fw_walk_init(&walk, &single->run->diags, !single->take_tree);
	fw_walk_folder(&walk, path);
	single->is_walked = true;
	for (const struct fw_item *item = walk.first; item; item = item->next)
		if (item->is_tree)
			single->take_tree(single->context, item->path);
		else
			take_file(single, item->path);
	single->is_walked = false;
}

void single_take(struct single *single, const char *path)
{
	if (is_standard_stream(path))
		take_stdin(single);
	else if (is_folder(path))
		take_folder(single, path);
	else
		take_file(single, path);
}

void single_check(const struct single *single, const struct single_file *file, struct diags *diags)
{
	struct inputs inputs = single->inputs;
	struct diags unseen;

	diags_init(&unseen, diags->arena, diags->map);
	sdn_parse(&unseen, file->sdn, file->ipam, &inputs.sdn);
	compile_single(file->source, file->kind, file->cluster, &inputs, diags);
}
