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

static const char *place_in(struct single *single, const char *path)
{
	return place_memo_of(&single->places, &single->scratch, path);
}

static const char *target_in(struct single *single, const char *path)
{
	return place_memo_target(&single->places, &single->scratch, path);
}

/* FILE_KINDS: the name does not tell. */
static enum file_kind kind_of_name(struct single *single, const char *path)
{
	struct text name = text_of(base_name(path));

	if (!is_fw_name(name.ptr))
		return FILE_KINDS;
	name.len -= 3;
	if (text_is(name, "cluster"))
		return FILE_CLUSTER;
	if (text_is(name, "host"))
		return FILE_HOST;
	if (is_in_sdn(place_in(single, path)) || is_in_sdn(target_in(single, path)))
		return FILE_VNET;
	return text_all_digits(name) ? FILE_GUEST : FILE_KINDS;
}

/* --kind, else what the name says, or that of the file that a link leads to.  For a file that was found in a folder its
 * name comes first. */
static enum file_kind file_kind_of(struct single *single, const char *path)
{
	const char *named = single->run->cli->value[CLI_KIND], *target;
	enum file_kind kind = kind_of_name(single, path);

	if (kind == FILE_KINDS && (target = target_in(single, path)))
		kind = kind_of_name(single, target);
	if (named && (!single->is_walked || kind == FILE_KINDS))
		for (int i = 0; i < FILE_KINDS; i++)
			if (strcmp(named, file_kind_name((enum file_kind)i)) == 0)
				kind = (enum file_kind)i;
	return kind;
}

/* Whether the file has tests: as file_kind_of(). */
static bool is_test_file(struct single *single, const char *path)
{
	const char *named = single->run->cli->value[CLI_KIND];
	bool by_name = is_fwtest_name(base_name(path));

	if (named && (!single->is_walked || (!by_name && kind_of_name(single, path) == FILE_KINDS)))
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
	return source_load_text(&single->run->map, &single->scratch, path);
}

/* A file that many refer to.  NULL if there is no such file, or if it cannot be read, which is reported. */
static struct source *load_other(struct single *single, const char *path)
{
	struct source *source = source_load(&single->run->map, AT_FDCWD, path, path);

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

/*
 * One of the places, the nearest first: as the path says, so that messages name what belongs to the file in the same way;
 * without the links in it; where the file is that a link leads to.  False: there is no such place.
 */
static bool tree_place_find(struct single *single, const char *path, enum file_kind kind, unsigned index,
			    struct tree_place *found)
{
	struct arena *arena = &single->scratch;
	const char *target;

	if (index == 0) {
		const char *folder = arena_printf(arena, "%.*s", (int)(base_name(path) - path), path);

		*found = (struct tree_place){ folder, arena_printf(arena, "%s%s", folder,
								   depth_of(kind) == 2 ? "../.." : "..") };
		return true;
	}
	if (index == TREE_PLACES)
		return false;
	target = index == 1 ? place_in(single, path) : target_in(single, path);
	if (!target || (index == 2 && strcmp(target, place_in(single, path)) == 0))
		return false;
	*found = tree_place_of(arena, target, kind);
	return true;
}

/* ---- the cluster's file ---- */

/* What makes a file the one that was read, whatever it is called. */
struct cluster_identity {
	uint64_t device, inode, size;
	int64_t seconds, nanoseconds; /* of the last change */
	uint64_t is_buffer;           /* it is standard input, and the rest is 0 */
};

/* A cluster's file that was read. */
struct cluster_file {
	struct cluster_identity identity;
	const struct source *source;
	struct cluster_names *names; /* of it, or of a twin; NULL: not compiled yet */
	UT_hash_handle hh;
};

/* False, with errno set: there is no such file, or it cannot be asked. */
static bool identify_cluster(struct single *single, const char *path, struct cluster_identity *identity)
{
	struct stat st;

	*identity = (struct cluster_identity){ 0 };
	if (source_is_buffer(&single->run->map, &single->scratch, path)) {
		identity->is_buffer = true;
		return true;
	}
	if (stat(path, &st) != 0)
		return false;
	*identity = (struct cluster_identity){ st.st_dev, st.st_ino, (uint64_t)st.st_size, st.st_mtim.tv_sec,
					       st.st_mtim.tv_nsec, false };
	return true;
}

static struct cluster_file *find_cluster(struct single *single, const struct cluster_identity *identity)
{
	struct cluster_file *file = NULL;

	HASH_FIND(hh, single->clusters, identity, sizeof(*identity), file);
	return file;
}

static struct cluster_file *add_cluster(struct single *single, const struct cluster_identity *identity,
					struct source *source)
{
	struct cluster_file *file = ARENA_NEW(&single->run->arena, struct cluster_file);

	file->identity = *identity;
	file->source = source;
	HASH_ADD(hh, single->clusters, identity, sizeof(file->identity), file);
	return file;
}

static bool take_cluster(struct single *single, struct cluster_file *file, struct source *source)
{
	single->cluster = source ? file : single->cluster;
	single->cluster_source = source ? source : single->cluster_source;
	return source != NULL;
}

/* The file that was read already gets positions of its own for each name in a row. */
static bool take_cluster_again(struct single *single, struct cluster_file *file, const char *path)
{
	struct source *twin = source_add_twin(&single->run->map, file->source, path);

	if (!twin)
		diag_unreadable(&single->run->diags, path, errno);
	return take_cluster(single, file, twin);
}

static bool load_cluster_file(struct single *single, const char *path)
{
	struct cluster_identity identity;
	struct cluster_file *file;
	struct source *source;

	if (single->cluster && strcmp(single->cluster_source->path, path) == 0)
		return true;
	if (!identify_cluster(single, path, &identity) && (errno == ENOENT || errno == ENOTDIR))
		return false;
	file = find_cluster(single, &identity);
	if (file)
		return take_cluster_again(single, file, path);
	source = load_other(single, path);
	return source && take_cluster(single, add_cluster(single, &identity, source), source);
}

/* The cluster.fw beside the file; or where the tree has it, if the file is nodes/NODE/host.fw or
 * sdn/firewall/VNET.fw. */
static bool load_cluster(struct single *single, const struct tree_place *place, enum file_kind kind)
{
	struct arena *arena = &single->scratch;

	if (load_cluster_file(single, arena_printf(arena, "%scluster.fw", place->folder)))
		return true;
	return depth_of(kind) == 2 &&
	       load_cluster_file(single, arena_printf(arena, "%s/firewall/cluster.fw", place->root));
}

/* ---- the SDN ---- */

/* The sets of one tree. */
struct tree_sdn {
	struct {
		uint64_t device, inode; /* of its root, which paths to files name in many ways */
	} identity;
	struct scope sets;
	bool is_partial; /* a file of it cannot be read */
	UT_hash_handle hh;
};

static bool refers_to_sdn(const struct source *source)
{
	const char *end = source->text + source->size;

	for (const char *at = source->text; (at = memchr(at, '/', (size_t)(end - at))) != NULL; at++)
		if (at - source->text >= 3 && text_equal_nocase((struct text){ at - 3, 3 }, TEXT("sdn")))
			return true;
	return false;
}

/* Reads the SDN's configuration, where the tree has it.  NULL: it has none. */
static struct tree_sdn *read_sdn(struct single *single, const char *root)
{
	struct arena *arena = &single->run->arena;
	struct source *sdn = load_other(single, arena_printf(arena, "%s/sdn/.running-config", root));
	struct source *ipam = load_other(single, arena_printf(arena, "%s/sdn/pve-ipam-state.json", root));
	struct tree_sdn *tree;
	struct diags unseen;

	if (!ipam)
		ipam = load_other(single, arena_printf(arena, "%s/priv/ipam.db", root));
	if (!sdn && !ipam)
		return NULL;
	tree = ARENA_NEW(arena, struct tree_sdn);
	diags_init(&unseen, arena, &single->run->map);
	sdn_parse(&unseen, sdn, ipam, &tree->sets);
	return tree;
}

static void drop_sdn(struct single *single, struct tree_sdn *tree)
{
	HASH_DEL(single->sdns, tree);
	scope_free(&tree->sets);
}

/* What cannot be read is tried, and reported, for each file. */
static struct tree_sdn *load_sdn(struct single *single, const char *root)
{
	const struct diags *diags = &single->run->diags;
	unsigned errors = diags->counts[SEVERITY_ERROR];
	struct tree_sdn key = { .is_partial = false }, *tree = NULL;
	struct stat st;

	if (stat(root, &st) == 0) {
		key.identity.device = st.st_dev;
		key.identity.inode = st.st_ino;
		HASH_FIND(hh, single->sdns, &key.identity, sizeof(key.identity), tree);
	}
	if (tree && !tree->is_partial)
		return tree;
	if (tree)
		drop_sdn(single, tree);
	tree = read_sdn(single, root);
	if (!tree)
		return NULL;
	tree->identity = key.identity;
	tree->is_partial = diags->counts[SEVERITY_ERROR] != errors;
	HASH_ADD(hh, single->sdns, identity, sizeof(tree->identity), tree);
	return tree;
}

/* Each of the first place that has it. */
static void load_others(struct single *single, const char *path, struct single_file *file)
{
	bool wants_cluster = file->kind != FILE_CLUSTER, wants_sdn = refers_to_sdn(file->source);
	struct tree_place place;

	for (unsigned i = 0; wants_cluster && tree_place_find(single, path, file->kind, i, &place); i++)
		wants_cluster = !load_cluster(single, &place, file->kind);
	if (file->kind != FILE_CLUSTER && !wants_cluster) {
		file->cluster = single->cluster_source;
		file->cluster_file = single->cluster;
	}
	for (unsigned i = 0; wants_sdn && tree_place_find(single, path, file->kind, i, &place); i++)
		wants_sdn = (file->sdn = load_sdn(single, place.root)) == NULL;
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

static void keep_text(struct single *single, struct source *source)
{
	source_keep_text(&single->run->map, source);
	single->is_text_kept = true;
}

/* Takes a file that was read, or not because of `reason`.  `path`: where it is; NULL: nowhere. */
static void take_read_file(struct single *single, struct single_file file, const char *path, int reason)
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
		if (!single->is_text_kept)
			keep_text(single, file.source);
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

/* Whether something is left to say about the file: it has diagnostics, or comments for us, which may be unused. */
static bool needs_text(const struct source *source, struct diagnostic *const *last)
{
	static const char mark[] = "pvefw:";

	return *last || (source->is_fw && memmem(source->text, source->size, mark, sizeof(mark) - 1));
}

/* Only what is left to say remains in memory: there may be thousands of files. */
static void take_source(struct single *single, struct single_file file, const char *path, int reason)
{
	struct diagnostic *const *last = single->run->diags.last;
	struct source *source = file.source;

	take_read_file(single, file, path, reason);
	if (source && !single->is_text_kept && needs_text(source, last))
		keep_text(single, source);
	if (source && !single->is_text_kept)
		source->text = NULL;
	arena_reset(&single->scratch);
}

/* A cluster's file is read once, even if others refer to it. */
static struct source *load_cluster_operand(struct single *single, const char *path)
{
	struct cluster_identity identity;
	bool is_known = identify_cluster(single, path, &identity);
	struct cluster_file *file = is_known ? find_cluster(single, &identity) : NULL;
	struct source *source;

	if (file)
		return source_add_twin(&single->run->map, file->source, path);
	source = source_load(&single->run->map, AT_FDCWD, path, path);
	if (source && is_known)
		add_cluster(single, &identity, source);
	return source;
}

static void take_file(struct single *single, const char *path)
{
	bool is_shared = strcmp(base_name(path), "cluster.fw") == 0;
	struct single_file file = { .source = is_shared ? load_cluster_operand(single, path)
							: load_source(single, path),
				    .shown = path };

	single->file_count++;
	single->is_text_kept = is_shared;
	take_source(single, file, path, errno);
}

static void take_stdin(struct single *single)
{
	const struct stdin_file *in = &single->in;
	int reason = in->reason;
	struct single_file file = { .source = reason ? NULL : source_add_buffer(&single->run->map, in->shown),
				    .shown = reason ? "standard input" : in->shown, .is_stdin = true };

	single->file_count++;
	single->is_text_kept = true;
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

void single_check(struct single *single, const struct single_file *file, struct diags *diags)
{
	struct inputs inputs = single->inputs;
	struct single_compilation compilation = { .source = file->source, .kind = file->kind, .inputs = &inputs,
						  .memory = &single->memory };

	if (file->sdn)
		inputs.sdn = file->sdn->sets;
	if (file->cluster) {
		struct cluster_file *cluster = file->cluster_file;

		if (!cluster->names)
			cluster->names = cluster_names_read(&single->run->arena, file->cluster, &single->inputs,
							    &single->run->map);
		compilation.cluster = cluster->names;
		compilation.cluster_source = file->cluster;
		file->cluster->is_fw = file->cluster->unasked = true;
	}
	compile_single(&compilation, diags);
}

void single_end(struct single *single)
{
	struct cluster_file *cluster, *next_cluster;
	struct tree_sdn *sdn, *next_sdn;

	HASH_ITER(hh, single->clusters, cluster, next_cluster) {
		HASH_DEL(single->clusters, cluster);
		if (cluster->names)
			cluster_names_free(cluster->names);
	}
	HASH_ITER(hh, single->sdns, sdn, next_sdn)
		drop_sdn(single, sdn);
	single_memory_free(&single->memory);
	place_memo_free(&single->places);
	arena_free(&single->scratch);
}
