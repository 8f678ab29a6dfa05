/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A chain of iptables is filled whenever it is printed: to compare it, and again to write it. Its rules are the same each time. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/left_out.h"
#include "inputs/netdb.h"
#include "tree.h"
#include "xtables/lower/xtables.h"
#include "xtables/print/print.h"

static void write_file(const char *root, const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static void make_folder(const char *root, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void print_chain(struct out *out, const struct xt_table *table, struct xt_chain *chain)
{
	struct arena arena = { 0 };

	xt_chain_fill(&arena, table, chain);
	for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
		xt_print_rule(out, chain, rule, table->family_mask);
		out_char(out, '\n');
	}
	arena_free(&arena);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

START_TEST(chains_can_be_filled_again)
{
	char root[] = "/tmp/test_xt_lower.XXXXXX";
	struct input_options options = { .root = root, .services = "tests/cases/etc/services",
					 .protocols = "tests/cases/etc/protocols", .ethertypes = "tests/cases/etc/ethertypes" };
	struct inputs inputs;
	struct config *config;
	struct fixture f;
	unsigned with_interface = 0;

	ck_assert_ptr_nonnull(mkdtemp(root));
	make_folder(root, "firewall");
	make_folder(root, "nodes");
	make_folder(root, "nodes/a");
	make_folder(root, "nodes/a/qemu-server");
	write_file(root, "firewall/cluster.fw",
		   "[OPTIONS]\nenable: 1\n[group web]\nIN ACCEPT -p tcp -dport 80 -log info\nOUT DROP\n[RULES]\nGROUP web -i vmbr0\n");
	/* The rule after a jump with an interface has it until a jump without one has taken the mark off (D21). */
	write_file(root, "nodes/a/host.fw", "[RULES]\nGROUP web -i eth0\nGROUP web\nGROUP web -i eth1\n");
	write_file(root, "nodes/a/qemu-server/100.conf", "net0: virtio=02:00:00:00:00:01,bridge=vmbr0,firewall=1\n");
	write_file(root, "firewall/100.fw", "[OPTIONS]\nenable: 1\nipfilter: 1\n[RULES]\nGROUP web -i net0\nGROUP web\nIN DROP\n");
	fixture_start(&f);
	inputs_load(&inputs, &options, &f.diags);
	config = compile(&inputs, &f.diags);
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask++) {
		const struct xt_table *table = xt_lower_filter(&f.arena, config, family_mask);

		for (uint32_t i = 0; i < table->chain_count; i++) {
			struct out first, second;

			out_init_memory(&first);
			out_init_memory(&second);
			print_chain(&first, table, table->chains[i]);
			print_chain(&second, table, table->chains[i]);
			out_char(&first, '\0');
			out_char(&second, '\0');
			ck_assert_str_eq(first.data, second.data);
			with_interface += strstr(first.data, "-i eth0 -m mark") != NULL;
			out_free(&first);
			out_free(&second);
		}
	}
	ck_assert_uint_gt(with_interface, 0);
	config_free(config);
	fixture_end(&f);
	ck_assert_int_eq(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}
END_TEST

/* Without IP sets a rule becomes one for each pair of members; the line of all is known. */
START_TEST(members_have_their_line)
{
	struct left_out left_out = { .layers = 1u << LAYER_SETS };
	unsigned rules = 0;
	struct tree tree;

	ck_assert(tree_load(&tree, "tests/cases/conformance/g1/root", "n1", "192.0.2.0/24"));
	tree.config->left_out = &left_out;
	for (unsigned family_mask = IPV4; family_mask <= IPV6; family_mask++) {
		const struct xt_table *table = xt_lower_filter(&tree.f.arena, tree.config, family_mask);

		for (uint32_t i = 0; i < table->chain_count; i++) {
			xt_chain_fill(&tree.f.arena, table, table->chains[i]);
			for (const struct xt_rule *rule = table->chains[i]->first; rule; rule = rule->next) {
				if (!rule->is_part)
					continue;
				rules++;
				ck_assert_ptr_nonnull(rule->next);
				ck_assert(rule->span.begin || rule->implied);
				ck_assert_uint_eq(rule->span.begin, rule->next->span.begin);
				ck_assert_int_eq(rule->counts, rule->next->counts);
			}
		}
	}
	ck_assert_uint_gt(rules, 10);
	tree_free(&tree);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xt_lower");
	TCase *tcase = tcase_create("xt_lower");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, chains_can_be_filled_again);
	tcase_add_test(tcase, members_have_their_line);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
