/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole tree from memory, compiled and printed by every backend: twice, with the
 * same bytes; and once more with its .fw files printed by ast_print(), which
 * changes nothing.  Each .fw file is checked alone, too.
 *
 * A line that begins with %% begins a file.  The letter behind it says which, the
 * rest of the line is a name or a value:
 *
 *     %%c          cluster.fw               %%q100       a VM's configuration
 *     %%h          host.fw                  %%l100       a container's
 *     %%g100       100.fw                   %%s          the SDN's running configuration
 *     %%vvnet0     a vnet's file            %%i          the IPAM's state
 *     %%y          corosync.conf            %%n1700000000   the time
 *     %%wNETWORK   the local network        %%aALT=IFACE    an altname
 */
#include "fuzz.h"

#include <stdlib.h>

#include "api/backend.h"
#include "ast.h"
#include "resolve/compile.h"

enum { FILES_MOST = 64 };

struct bundle_file {
	char letter;
	struct text name, bytes;
};

struct bundle {
	struct bundle_file files[FILES_MOST];
	unsigned count;
};

/* ---- taking the input apart ---- */

static bool begins_file(struct text line)
{
	return line.len >= 3 && line.ptr[0] == '%' && line.ptr[1] == '%';
}

static struct bundle read_bundle(struct text rest)
{
	struct bundle b = { .count = 0 };
	struct bundle_file *file = NULL;

	while (rest.ptr) {
		struct text line = fuzz_next_line(&rest);

		if (begins_file(line) && b.count == FILES_MOST)
			break;
		if (begins_file(line)) {
			file = &b.files[b.count++];
			file->letter = line.ptr[2];
			file->name = (struct text){ line.ptr + 3, line.len - 3 };
			file->bytes = (struct text){ rest.ptr, 0 };
		} else if (file) {
			file->bytes.len = (uint32_t)(line.ptr + line.len - file->bytes.ptr) + (rest.ptr != NULL);
		}
	}
	return b;
}

/* The last file of a letter, as source; NULL if there is none. */
static struct source *load(struct fuzz *f, const struct bundle *b, char letter, const char *path)
{
	for (unsigned i = b->count; i-- > 0;)
		if (b->files[i].letter == letter)
			return fuzz_source(f, path, b->files[i].bytes);
	return NULL;
}

/* A number as inputs.c takes it from a file's name. */
static bool read_vmid(struct text name, uint32_t *vmid)
{
	uint64_t number;

	if (!name.len || name.ptr[0] == '0' || !text_to_number(name, UINT32_MAX, &number))
		return false;
	*vmid = (uint32_t)number;
	return true;
}

/* A name that a file can have. */
static bool read_name(struct text name)
{
	return name.len && name.len < 250 && name.ptr[0] != '.' && text_find(name, '/') < 0 &&
	       text_find(name, '\0') < 0;
}

static int by_name(const void *a, const void *b)
{
	const struct bundle_file *const *x = a, *const *y = b;
	int order = text_compare((*x)->name, (*y)->name);

	return order ? order : (*x < *y ? -1 : *x > *y);
}

/* The files of a letter by name, each name once. */
static unsigned sorted(const struct bundle *b, char letter, const struct bundle_file *files[FILES_MOST])
{
	unsigned count = 0, kept = 0;
	uint32_t vmid;

	for (unsigned i = 0; i < b->count; i++)
		if (b->files[i].letter == letter &&
		    (letter == 'v' ? read_name(b->files[i].name) : read_vmid(b->files[i].name, &vmid)))
			files[count++] = &b->files[i];
	qsort(files, count, sizeof(files[0]), by_name);
	for (unsigned i = 0; i < count; i++)
		if (!kept || !text_equal(files[kept - 1]->name, files[i]->name))
			files[kept++] = files[i];
	return kept;
}

/* ---- the inputs ---- */

static struct input_file *load_files(struct fuzz *f, const struct bundle *b, char letter)
{
	const struct bundle_file *files[FILES_MOST];
	unsigned count = sorted(b, letter, files);
	struct input_file *first = NULL, **last = &first;

	for (unsigned i = 0; i < count; i++) {
		const char *path = arena_printf(&f->arena, "firewall/%.*s.fw", TEXT_ARG(files[i]->name));

		*last = ARENA_NEW(&f->arena, struct input_file);
		(*last)->name = arena_copy(&f->arena, files[i]->name);
		(*last)->source = fuzz_source(f, path, files[i]->bytes);
		last = &(*last)->next;
	}
	return first;
}

static bool has_guest(const struct guest_config *guest, struct text vmid)
{
	while (guest && !text_equal(guest->vmid_text, vmid))
		guest = guest->next;
	return guest != NULL;
}

/* Appends to the list; a container with a VM's number is none. */
static void load_guests(struct fuzz *f, const struct bundle *b, enum guest_type type,
			struct guest_config **guests)
{
	const struct bundle_file *files[FILES_MOST];
	unsigned count = sorted(b, type == GUEST_VM ? 'q' : 'l', files);
	struct guest_config **last = guests;

	while (*last)
		last = &(*last)->next;
	for (unsigned i = 0; i < count; i++) {
		struct guest_config *guest;
		struct source *source;

		if (has_guest(*guests, files[i]->name))
			continue;
		guest = ARENA_NEW(&f->arena, struct guest_config);
		source = fuzz_source(f, arena_printf(&f->arena, "%.*s.conf", TEXT_ARG(files[i]->name)),
				     files[i]->bytes);
		guest->type = type;
		guest->vmid_text = arena_copy(&f->arena, files[i]->name);
		read_vmid(guest->vmid_text, &guest->vmid);
		guest->source = source;
		guest->nics = guestconf_parse(&f->diags, source, type, guest->vmid_text);
		*last = guest;
		last = &guest->next;
	}
}

/* ALT=IFACE */
static void load_altname(struct fuzz *f, struct text t, struct inputs *inputs)
{
	struct altname *altname = ARENA_NEW(&f->arena, struct altname);
	long equals = text_find(t, '=');

	if (equals < 1 || (uint32_t)equals + 1 == t.len)
		return;
	altname->name = arena_copy(&f->arena, (struct text){ t.ptr, (uint32_t)equals });
	altname->iface = arena_copy(&f->arena, (struct text){ t.ptr + equals + 1,
							      t.len - (uint32_t)equals - 1 });
	altname->next = inputs->altnames;
	inputs->altnames = altname;
}

static void load_values(struct fuzz *f, const struct bundle *b, struct inputs *inputs)
{
	uint64_t now;

	for (unsigned i = 0; i < b->count; i++) {
		const struct bundle_file *file = &b->files[i];

		if (file->letter == 'n' && text_to_number(file->name, INT64_MAX, &now))
			inputs->now = (int64_t)now;
		if (file->letter == 'w' &&
		    prefix_parse(file->name, &inputs->local_network) == ADDRESS_OK)
			inputs->local_network_text = arena_copy(&f->arena, file->name);
		else if (file->letter == 'w')
			inputs->local_network.family = 0;
		if (file->letter == 'a')
			load_altname(f, file->name, inputs);
	}
}

static struct inputs load_inputs(struct fuzz *f, const struct bundle *b)
{
	struct inputs inputs = { .root = "root", .node = TEXT("n1"), .netdb = fuzz_netdb() };
	struct source *corosync = load(f, b, 'y', "corosync.conf");

	inputs.cluster = load(f, b, 'c', "firewall/cluster.fw");
	inputs.host = load(f, b, 'h', "nodes/n1/host.fw");
	inputs.guest_files = load_files(f, b, 'g');
	inputs.vnet_files = load_files(f, b, 'v');
	load_guests(f, b, GUEST_VM, &inputs.guests);
	load_guests(f, b, GUEST_CONTAINER, &inputs.guests);
	sdn_parse(&f->diags, load(f, b, 's', "sdn/.running-config"),
		  load(f, b, 'i', "sdn/pve-ipam-state.json"), &inputs.sdn);
	if (corosync)
		corosync_parse(&f->diags, corosync, inputs.node, false, &inputs.corosync);
	load_values(f, b, &inputs);
	return inputs;
}

/* ---- compiling ---- */

static void print_files(struct out *out, const struct backend *backend, const struct config *config)
{
	backend->print(out, config);
	for (unsigned file = 0; backend->files && backend->files[file]; file++)
		backend->print_file(out, config, file);
}

static void print_all(struct out *out, const struct config *config)
{
	for (const struct backend *const *b = backends; *b; b++) {
		print_files(out, *b, config);
		if ((*b)->dump)
			(*b)->dump(out, config);
	}
}

/* All that there is to say; and of that what does not tell where a rule stands. */
struct results {
	struct out all, plain;
};

static void compile_bundle(const struct bundle *b, struct results *results)
{
	struct inputs inputs;
	struct config *config;
	struct fuzz f;

	fuzz_start(&f);
	inputs = load_inputs(&f, b);
	config = compile(&inputs, &f.diags);
	out_init_memory(&results->all);
	out_init_memory(&results->plain);
	print_files(&results->plain, &backend_iptables, config);
	print_all(&results->all, config);
	config_dump(&results->all, config);
	fuzz_print_diags(&f, &results->all);
	config_free(config);
	fuzz_free(&f);
}

static void free_results(struct results *results)
{
	out_free(&results->all);
	out_free(&results->plain);
}

static void require_same(const struct out *a, const struct out *b)
{
	REQUIRE(a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0));
}

/* ---- the same in other words ---- */

static int kind_of(char letter)
{
	const char *letters = "chgv", *at = letter ? strchr(letters, letter) : NULL;

	return at ? (int)(at - letters) : -1;
}

/* The text of a .fw file as ast_print() writes it. */
static struct text canonical(struct fuzz *f, struct text bytes, enum file_kind kind)
{
	struct text text;
	struct out out;

	out_init_memory(&out);
	ast_print(&out, ast_parse(&f->arena, fuzz_source(f, "test.fw", bytes), kind));
	text = arena_copy(&f->arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return text;
}

/* Carriage returns at the end of lines are not printed, but can make a line wrong. */
static bool has_cr(const struct bundle *b)
{
	for (unsigned i = 0; i < b->count; i++)
		if (text_find(b->files[i].bytes, '\r') >= 0)
			return true;
	return false;
}

static void check_canonical(const struct bundle *b, const struct results *first)
{
	struct bundle printed = *b;
	struct results again;
	struct fuzz f;

	if (has_cr(b))
		return;
	fuzz_start(&f);
	for (unsigned i = 0; i < b->count; i++)
		if (kind_of(b->files[i].letter) >= 0)
			printed.files[i].bytes = canonical(&f, b->files[i].bytes,
							   (enum file_kind)kind_of(b->files[i].letter));
	compile_bundle(&printed, &again);
	require_same(&first->plain, &again.plain);
	free_results(&again);
	fuzz_free(&f);
}

/* ---- one file alone ---- */

static void check_alone(const struct bundle *b, unsigned index, bool with_cluster)
{
	struct inputs inputs = { .root = ".", .netdb = fuzz_netdb() };
	const struct bundle_file *file = &b->files[index];
	struct single_compilation single = { .kind = (enum file_kind)kind_of(file->letter), .inputs = &inputs };
	struct single_memory memory = { 0 };
	struct cluster_names *names = NULL;
	struct source *cluster = NULL;
	struct fuzz f;

	fuzz_start(&f);
	if (with_cluster)
		cluster = load(&f, b, 'c', "cluster.fw");
	if (cluster)
		names = cluster_names_read(&f.arena, cluster, &inputs, &f.map);
	single.memory = &memory;
	single.cluster = names;
	single.cluster_source = cluster;
	/* Twice, as two files in a row. */
	for (int i = 0; i < 2; i++) {
		single.source = fuzz_source(&f, "test.fw", file->bytes);
		compile_single(&single, &f.diags);
	}
	if (names)
		cluster_names_free(names);
	single_memory_free(&memory);
	fuzz_end(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle b = read_bundle((struct text){ (const char *)data, (uint32_t)size });
	struct results first, second;

	if (!b.count)
		return 0;
	compile_bundle(&b, &first);
	compile_bundle(&b, &second);
	require_same(&first.all, &second.all);
	check_canonical(&b, &first);
	for (unsigned i = 0; i < b.count; i++)
		if (kind_of(b.files[i].letter) >= 0) {
			check_alone(&b, i, false);
			check_alone(&b, i, true);
		}
	free_results(&first);
	free_results(&second);
	return 0;
}
