/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a tree: which files count, which node, and what is unreadable. */
#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "inputs/inputs.h"

static struct fixture f;
static struct inputs inputs;
static struct input_options options;
static char root[64];

static void start(void)
{
	fixture_start(&f);
	strcpy(root, "/tmp/pvefw-inputs-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	options = (struct input_options){ .root = root, .now = "1000" };
}

static int delete_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static void end(void)
{
	HASH_CLEAR(hh, inputs.sdn.ipsets);
	nftw(root, delete_one, 16, FTW_DEPTH | FTW_PHYS);
	fixture_end(&f);
}

static const char *in_root(const char *path)
{
	return arena_printf(&f.arena, "%s/%s", root, path);
}

/* A folder and those above it. */
static void folder(const char *path)
{
	const char *whole = in_root(path);

	for (const char *at = strchr(whole + strlen(root) + 1, '/'); at; at = strchr(at + 1, '/'))
		mkdir(arena_printf(&f.arena, "%.*s", (int)(at - whole), whole), 0755);
	mkdir(whole, 0755);
}

static void file(const char *path, const char *text)
{
	const char *slash = strrchr(path, '/');
	FILE *stream;

	if (slash)
		folder(arena_printf(&f.arena, "%.*s", (int)(slash - path), path));
	stream = fopen(in_root(path), "w");
	ck_assert_ptr_nonnull(stream);
	fputs(text, stream);
	fclose(stream);
}

static bool load(void)
{
	HASH_CLEAR(hh, inputs.sdn.ipsets);
	return inputs_load(&inputs, &options, &f.diags);
}

static const char *names(const struct input_file *files)
{
	const char *all = "";

	for (; files; files = files->next)
		all = arena_printf(&f.arena, "%s%s%.*s", all, all[0] ? " " : "", TEXT_ARG(files->name));
	return all;
}

static const char *guests(void)
{
	const char *all = "";

	for (const struct guest_config *g = inputs.guests; g; g = g->next) {
		ck_assert_ptr_nonnull(g->source);
		all = arena_printf(&f.arena, "%s%s%s%.*s", all, all[0] ? " " : "",
				   g->type == GUEST_VM ? "vm" : "ct", TEXT_ARG(g->vmid_text));
	}
	return all;
}

static void some_tree(void)
{
	file("firewall/cluster.fw", "[OPTIONS]\nenable: 1\n");
	file("firewall/100.fw", "a");
	file("firewall/99.fw", "b");
	file("firewall/1000.fw", "c");
	file("nodes/n1/host.fw", "[OPTIONS]\n");
	file("nodes/n1/qemu-server/100.conf", "net0: virtio=BC:24:11:00:00:01\n");
	file("nodes/n1/qemu-server/1000.conf", "");
	file("nodes/n1/qemu-server/99.conf", "");
	file("nodes/n1/lxc/200.conf", "net0: name=eth0\n");
	file("nodes/n1/lxc/1.conf", "");
	file("corosync.conf", "totem {\ntransport: udp\n}\n");
	file("sdn/firewall/vnet2.fw", "");
	file("sdn/firewall/vnet1.fw", "");
	file("sdn/.running-config", "{\"zones\":{\"ids\":{\"z\":{}}},\"vnets\":{\"ids\":{\"v1\":{\"zone\":\"z\"}}}}");
	file("priv/ipam.db", "{\"zones\":{\"z\":{\"subnets\":{\"10.0.0.0/8\":{\"ips\":"
			     "{\"10.0.0.1\":{\"vmid\":\"100\"}}}}}}}");
}

START_TEST(a_tree)
{
	some_tree();
	ck_assert(load());
	ck_assert_text(inputs.node, "n1");
	ck_assert(!inputs.on_node);
	ck_assert_int_eq(inputs.now, 1000);
	ck_assert_str_eq(inputs.cluster->path, "firewall/cluster.fw");
	ck_assert_str_eq(inputs.host->path, "nodes/n1/host.fw");
	ck_assert_str_eq(names(inputs.guest_files), "100 1000 99");
	ck_assert_str_eq(inputs.guest_files->source->path, "firewall/100.fw");
	ck_assert_str_eq(names(inputs.vnet_files), "vnet1 vnet2");
	ck_assert_str_eq(guests(), "vm100 vm1000 vm99 ct1 ct200");
	ck_assert_uint_eq(inputs.guests->vmid, 100);
	ck_assert_str_eq(inputs.guests->source->path, "nodes/n1/qemu-server/100.conf");
	ck_assert_text(inputs.guests->nics->device, "tap100i0");
	ck_assert(inputs.corosync.present && inputs.corosync.multicast);
	ck_assert_uint_eq(HASH_COUNT(inputs.sdn.ipsets), 5);
	ck_assert_uint_eq(inputs.local_network.family, 0);
	ck_assert_ptr_null(inputs.altnames);
	ck_assert_ptr_nonnull(inputs.netdb);
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

START_TEST(an_empty_tree)
{
	folder("firewall");
	options.node = "n7";
	ck_assert(load());
	ck_assert_text(inputs.node, "n7");
	ck_assert_ptr_null(inputs.cluster);
	ck_assert_ptr_null(inputs.host);
	ck_assert_ptr_null(inputs.guests);
	ck_assert_ptr_null(inputs.guest_files);
	ck_assert_ptr_null(inputs.vnet_files);
	ck_assert(!inputs.corosync.present);
	ck_assert_int_eq(inputs.sdn.kind, SCOPE_SDN);
	ck_assert_uint_eq(reported_any(&f), 0);
	options.node = NULL;
	ck_assert(load());
	ck_assert_uint_gt(inputs.node.len, 0);
}
END_TEST

/* A folder that is not a tree, and what its help says. */
static const struct {
	const char *folder, *file, *message, *help; /* the root is %s */
} not_a_tree[] = {
	{ "x", NULL, "is not a tree: firewall/, nodes/ and sdn/ are missing", NULL },
	{ "x", "cluster.fw", "is not a tree: firewall/, nodes/ and sdn/ are missing",
	  "did you mean `%s/firewall/cluster.fw`? a tree has it there" },
	{ "pve/firewall", NULL, "is not a tree: firewall/, nodes/ and sdn/ are missing",
	  "did you mean the tree `%s/pve`?" },
	{ "etc/pve/nodes/n1", NULL, "is not a tree: firewall/, nodes/ and sdn/ are missing",
	  "did you mean the tree `%s/etc/pve`?" },
	{ "firewal", NULL, "is not a tree: firewall/, nodes/ and sdn/ are missing",
	  "did you mean `%s/firewall`? rename `%s/firewal`" },
	{ "NODES", NULL, "is not a tree: firewall/, nodes/ and sdn/ are missing",
	  "did you mean `%s/nodes`? rename `%s/NODES`" },
	{ "nodes/n1", "Firewalls/100.fw", "has Firewalls/ instead of firewall/",
	  "did you mean `%s/firewall`? rename `%s/Firewalls`" },
	{ "firewall", "node/n1/host.fw", "has node/ instead of nodes/",
	  "did you mean `%s/nodes`? rename `%s/node`" },
	{ "firewall", "sdn.old/firewall/v.fw", NULL, NULL },
	{ "nodes/n1", "firewals/README", NULL, NULL },
};

START_TEST(is_not_a_tree)
{
	const struct diagnostic *d;
	const char *help = NULL;

	folder(not_a_tree[_i].folder);
	if (not_a_tree[_i].file)
		file(not_a_tree[_i].file, "");
	ck_assert(load() == !not_a_tree[_i].message);
	d = report_of(&f, DIAG_NOT_A_TREE);
	ck_assert_int_eq(d == NULL, !not_a_tree[_i].message);
	if (!d)
		return;
	ck_assert_str_eq(d->message, arena_printf(&f.arena, "%s %s", root, not_a_tree[_i].message));
	for (const struct diag_part *part = d->parts; part; part = part->next)
		if (part->kind == DIAG_HELP)
			help = part->text;
	ck_assert_int_eq(help == NULL, !not_a_tree[_i].help);
	if (help)
		ck_assert_str_eq(help, arena_printf(&f.arena, not_a_tree[_i].help, root, root));
	ck_assert(f.diags.unreadable);
}
END_TEST

START_TEST(a_missing_root)
{
	options.root = in_root("nowhere");
	ck_assert(!load());
	ck_assert_uint_eq(reported(&f, DIAG_CANNOT_READ), 1);
	ck_assert(f.diags.unreadable);
}
END_TEST

START_TEST(a_file_as_root)
{
	file("x", "");
	options.root = in_root("x");
	ck_assert(!load());
	ck_assert_uint_eq(reported(&f, DIAG_CANNOT_READ), 1);
}
END_TEST

START_TEST(one_of_several_nodes)
{
	file("nodes/n1/host.fw", "");
	file("nodes/n2/qemu-server/5.conf", "");
	file("nodes/README", "no node");
	folder("nodes/.hidden");
	options.node = "n2";
	ck_assert(load());
	ck_assert_text(inputs.node, "n2");
	ck_assert_str_eq(guests(), "vm5");
	ck_assert_ptr_null(inputs.host);
	options.node = NULL;
	ck_assert(!load());
	ck_assert_uint_eq(reported(&f, DIAG_NODE_NOT_GIVEN), 1);
	ck_assert(has_part(report_of(&f, DIAG_NODE_NOT_GIVEN), DIAG_NOTE, "n1, n2"));
	ck_assert(f.diags.unreadable);
}
END_TEST

START_TEST(this_machine_of_several_nodes)
{
	char name[256] = "";

	gethostname(name, sizeof(name) - 1);
	name[strcspn(name, ".")] = '\0';
	folder("nodes/n1");
	folder(arena_printf(&f.arena, "nodes/%s", name));
	folder("nodes/n3");
	ck_assert(load());
	ck_assert_text(inputs.node, name);
}
END_TEST

START_TEST(a_node_that_is_not_there)
{
	static const char *const wrong[] = { "proxmox2", "..", "n1/..", "." };

	folder("nodes/proxmox1");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		options.node = wrong[i];
		ck_assert(!load());
		ck_assert_uint_eq(reported(&f, DIAG_NO_SUCH_NODE), i + 1);
	}
	ck_assert(has_part(report_of(&f, DIAG_NO_SUCH_NODE), DIAG_NOTE, "proxmox1"));
	ck_assert(has_part(report_of(&f, DIAG_NO_SUCH_NODE), DIAG_HELP, "proxmox1"));
	options.node = "";
	ck_assert(!load());
	ck_assert_uint_eq(reported(&f, DIAG_BAD_INPUT_OPTION), 1);
}
END_TEST

START_TEST(other_names)
{
	static const char *const silent[] = { "100.fw.bak", "notes.txt", "100", ".100.fw.swp", ".x.fw" };
	static const char *const stray[] = { "abc.fw", "host.fw", "Cluster.fw", "0100.fw", "0.fw", "-1.fw",
					     "4294967296.fw", "1e2.fw" };

	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		file(arena_printf(&f.arena, "firewall/%s", silent[i]), "x");
	ck_assert(load());
	ck_assert_uint_eq(reported_any(&f), 0);
	for (size_t i = 0; i < sizeof(stray) / sizeof(stray[0]); i++)
		file(arena_printf(&f.arena, "firewall/%s", stray[i]), "x");
	file("nodes/n1/qemu-server/100.conf.tmp", "");
	file("nodes/n1/qemu-server/abc.conf", "");
	file("nodes/n1/qemu-server/0100.conf", "");
	file("nodes/n1/qemu-server/4294967296.conf", "");
	ck_assert(load());
	ck_assert_ptr_null(inputs.guest_files);
	ck_assert_ptr_null(inputs.cluster);
	ck_assert_str_eq(guests(), "");
	ck_assert_uint_eq(reported(&f, DIAG_FILE_NAME), sizeof(stray) / sizeof(stray[0]));
	ck_assert_uint_eq(reported_any(&f), sizeof(stray) / sizeof(stray[0]));
}
END_TEST

/* Each stands where a file or folder is due and can be neither. */
static const struct {
	const char *folder, *link_from, *link_to;
	const char *message;
} unreadable[] = {
	{ "firewall/cluster.fw", NULL, NULL, "cannot read firewall/cluster.fw: Is a directory" },
	{ "firewall/100.fw", NULL, NULL, "cannot read firewall/100.fw: Is a directory" },
	{ "nodes/n1/host.fw", NULL, NULL, "cannot read nodes/n1/host.fw: Is a directory" },
	{ "nodes/n1/lxc/1.conf", NULL, NULL, "cannot read nodes/n1/lxc/1.conf: Is a directory" },
	{ "corosync.conf", NULL, NULL, "cannot read corosync.conf: Is a directory" },
	{ "sdn/.running-config", NULL, NULL, "cannot read sdn/.running-config: Is a directory" },
	{ "priv/ipam.db", NULL, NULL, "cannot read priv/ipam.db: Is a directory" },
	{ "sdn/firewall/v.fw", NULL, NULL, "cannot read sdn/firewall/v.fw: Is a directory" },
	{ "firewall", "firewall/cluster.fw", "cluster.fw",
	  "cannot read firewall/cluster.fw: Too many levels of symbolic links" },
	{ "firewall", "firewall/cluster.fw", "gone",
	  "cannot read firewall/cluster.fw: No such file or directory" },
	{ "firewall", "firewall/100.fw", "gone",
	  "cannot read firewall/100.fw: No such file or directory" },
	{ "firewall", "firewall/100.fw", "/dev/null", "cannot read firewall/100.fw: Invalid argument" },
	{ "nodes/n1", "nodes/n1/qemu-server", "gone",
	  "cannot read nodes/n1/qemu-server: No such file or directory" },
	{ "nodes/n1", "nodes/n1/lxc", "/dev/null", "cannot read nodes/n1/lxc: Not a directory" },
	{ "x", "firewall", "/dev/null", "cannot read firewall: Not a directory" },
	{ "x", "nodes", "/dev/null", "cannot read nodes: Not a directory" },
};

START_TEST(never_taken_as_missing)
{
	const struct diagnostic *d;

	folder("sdn");
	folder(unreadable[_i].folder);
	if (unreadable[_i].link_from)
		ck_assert_int_eq(symlink(unreadable[_i].link_to, in_root(unreadable[_i].link_from)), 0);
	ck_assert(!load());
	d = report_of(&f, DIAG_CANNOT_READ);
	ck_assert_ptr_nonnull(d);
	ck_assert_str_eq(d->message, unreadable[_i].message);
	ck_assert_uint_eq(reported_any(&f), 1);
	ck_assert(f.diags.unreadable);
}
END_TEST

START_TEST(everything_unreadable_at_once)
{
	some_tree();
	folder("firewall/7.fw");
	folder("nodes/n1/lxc/7.conf");
	folder("sdn/firewall/v.fw");
	ck_assert(!load());
	ck_assert_uint_eq(reported(&f, DIAG_CANNOT_READ), 3);
	ck_assert_str_eq(names(inputs.guest_files), "100 1000 99");
}
END_TEST

/* What an earlier tree could not read says nothing about this one. */
START_TEST(each_tree_for_itself)
{
	folder("firewall");
	f.diags.unreadable = true;
	ck_assert(load());
	ck_assert(f.diags.unreadable);
}
END_TEST

START_TEST(links_that_lead_somewhere)
{
	file("elsewhere", "[OPTIONS]\n");
	folder("firewall");
	folder("real/n1");
	ck_assert_int_eq(symlink("../elsewhere", in_root("firewall/cluster.fw")), 0);
	ck_assert_int_eq(symlink("real", in_root("nodes")), 0);
	ck_assert(load());
	ck_assert_ptr_nonnull(inputs.cluster);
	ck_assert_text(inputs.node, "n1");
}
END_TEST

START_TEST(a_number_used_twice)
{
	file("nodes/n1/qemu-server/100.conf", "net0: virtio=BC:24:11:00:00:01\n");
	file("nodes/n1/qemu-server/300.conf", "");
	file("nodes/n1/lxc/100.conf", "net0: name=eth0\n");
	file("nodes/n1/lxc/200.conf", "");
	ck_assert(load());
	ck_assert_str_eq(guests(), "vm100 vm300 ct200");
	ck_assert_uint_eq(reported(&f, DIAG_GUEST_TWICE), 1);
}
END_TEST

START_TEST(the_newer_ipam_counts)
{
	some_tree();
	file("sdn/pve-ipam-state.json", "");
	ck_assert(load());
	ck_assert_uint_eq(HASH_COUNT(inputs.sdn.ipsets), 4);
}
END_TEST

START_TEST(command_line)
{
	struct altname_option second = { .text = "b=eth1" }, first = { .text = "a=eth0", .next = &second };

	folder("firewall");
	options.local_network = "192.0.2.0/24";
	options.altnames = &first;
	ck_assert(load());
	ck_assert_uint_eq(inputs.local_network.length, 24);
	ck_assert_text(inputs.local_network_text, "192.0.2.0/24");
	ck_assert_text(inputs.altnames->name, "a");
	ck_assert_text(inputs.altnames->next->iface, "eth1");
	options.local_network = "192.0.2.7/32";
	ck_assert(load());
	ck_assert_text(inputs.local_network_text, "192.0.2.7");
	ck_assert_uint_eq(reported_any(&f), 0);
}
END_TEST

START_TEST(wrong_command_lines)
{
	static const struct {
		const char *now, *local_network, *altname;
	} rows[] = {
		{ .now = "" },
		{ .now = "yesterday" },
		{ .now = "-5" },
		{ .now = "9223372036854775808" },
		{ .local_network = "" },
		{ .local_network = "lan" },
		{ .local_network = "10.0.0.0/33" },
		{ .local_network = "10" },
		{ .local_network = "10.0.0.0/255.0.0.0" },
		{ .altname = "a" },
		{ .altname = "=eth0" },
		{ .altname = "a=" },
		{ .altname = "a=b c" },
		{ .altname = "a=b\n-A" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct altname_option altname = { .text = rows[i].altname };

		options = (struct input_options){ .root = root, .now = rows[i].now,
						  .local_network = rows[i].local_network,
						  .altnames = rows[i].altname ? &altname : NULL };
		ck_assert_msg(!load(), "%zu", i);
		ck_assert_uint_eq(reported(&f, DIAG_BAD_INPUT_OPTION), i + 1);
	}
}
END_TEST

/* As many guests as a large node has. */
START_TEST(many_files)
{
	for (int i = 100; i < 2100; i++) {
		file(arena_printf(&f.arena, "firewall/%d.fw", i), "[OPTIONS]\n");
		file(arena_printf(&f.arena, "nodes/n1/qemu-server/%d.conf", i),
		     "net0: virtio=BC:24:11:00:00:01,firewall=1\n");
	}
	ck_assert(load());
	ck_assert_uint_eq(reported_any(&f), 0);
	for (const struct guest_config *g = inputs.guests; g && g->next; g = g->next)
		ck_assert_int_lt(text_compare(g->vmid_text, g->next->vmid_text), 0);
}
END_TEST

/* What the kernel says can be anything here; it must come without harm. */
START_TEST(the_kernel)
{
	struct altname *altnames = NULL;
	struct prefix network = { 0 };
	int reason = localnet_detect(&f.arena, "localhost", &network);

	ck_assert(reason || network.family);
	reason = altnames_detect(&f.arena, &altnames);
	for (; altnames && altnames->next; altnames = altnames->next)
		ck_assert_int_lt(text_compare(altnames->name, altnames->next->name), 0);
	ck_assert(!reason || !altnames);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("inputs");

	tcase_add_checked_fixture(tcase, start, end);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_tree);
	tcase_add_test(tcase, an_empty_tree);
	tcase_add_test(tcase, a_missing_root);
	tcase_add_test(tcase, a_file_as_root);
	tcase_add_test(tcase, one_of_several_nodes);
	tcase_add_test(tcase, this_machine_of_several_nodes);
	tcase_add_test(tcase, a_node_that_is_not_there);
	tcase_add_test(tcase, other_names);
	tcase_add_loop_test(tcase, is_not_a_tree, 0, (int)(sizeof(not_a_tree) / sizeof(not_a_tree[0])));
	tcase_add_loop_test(tcase, never_taken_as_missing, 0,
			    sizeof(unreadable) / sizeof(unreadable[0]));
	tcase_add_test(tcase, everything_unreadable_at_once);
	tcase_add_test(tcase, each_tree_for_itself);
	tcase_add_test(tcase, links_that_lead_somewhere);
	tcase_add_test(tcase, a_number_used_twice);
	tcase_add_test(tcase, the_newer_ipam_counts);
	tcase_add_test(tcase, command_line);
	tcase_add_test(tcase, wrong_command_lines);
	tcase_add_test(tcase, many_files);
	tcase_add_test(tcase, the_kernel);
	return run_suite("inputs", tcase);
}
