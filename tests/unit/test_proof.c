/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The proof: faults that are planted in what a target loads are found, with a packet, and nothing else is. */
#include <check.h>

#include "nft_faults.h"
#include "questions/proof.h"
#include "tree.h"
#include "xt_faults.h"

/* ---- targets with a fault ---- */

/* Which fault, and after how many places that could have it; what was planted. */
static struct {
	struct xt_fault xt;
	const struct nft_fault *nft;
	unsigned skip;
	bool planted;
	struct arena arena;
} fault;

static struct translator *faulty_xt(const struct config *config, const struct model_ifaces *ifaces)
{
	return xt_meaning_changed(config, ifaces, xt_fault_change, &fault.xt);
}

static struct translator *faulty_nft(const struct config *config, const struct model_ifaces *ifaces)
{
	const struct nft_ruleset *ruleset = nft_lower(&fault.arena, config);

	fault.planted = nft_fault_plant(&fault.arena, fault.nft, fault.skip, ruleset);
	return nft_meaning_of(ruleset, ifaces);
}

/* Proves that the faulty target does what is written; returns the first difference, or NULL. */
static const struct proof_difference *prove(struct proof *proof, struct tree *tree,
					    const struct backend *faulty)
{
	*proof = (struct proof){ .configs = &tree->config,
				 .config_count = 1,
				 .targets = { { "faulty", faulty, false }, { "written", NULL, false } },
				 .target_count = 2,
				 .pairs = 4,
				 .workers = 1,
				 .arena = &tree->f.arena };
	proof_run(proof);
	ck_assert_ptr_null(proof->undecided);
	return proof->differences;
}

static void check_difference(const struct proof_difference *d, const char *name)
{
	ck_assert_msg(d != NULL, "%s: not found", name);
	ck_assert_msg(d->packet && d->packet[0], "%s: no packet", name);
	ck_assert_int_ne(d->sides[0].decision.verdict, d->sides[1].decision.verdict);
}

START_TEST(faults_of_iptables_are_found)
{
	struct backend faulty = backend_iptables;
	struct tree tree;

	ck_assert(tree_load(&tree, "tests/cases/conformance/g1/root", "n1", "192.0.2.0/24"));
	faulty.meaning = faulty_xt;
	for (size_t i = 0; i < XT_FAULTS; i++) {
		const struct proof_difference *found = NULL;
		struct proof proof;

		for (unsigned skip = 0; !found; skip++) {
			fault.xt = xt_faults[i];
			fault.xt.skip = skip;
			found = prove(&proof, &tree, &faulty);
			if (!fault.xt.planted)
				break;
		}
		check_difference(found, xt_faults[i].name);
	}
	tree_free(&tree);
}
END_TEST

START_TEST(faults_of_nft_are_found)
{
	struct backend faulty = backend_nft;
	struct tree tree;

	ck_assert(tree_load(&tree, "tests/cases/conformance/g1/root", "n1", "192.0.2.0/24"));
	faulty.meaning = faulty_nft;
	for (size_t i = 0; i < NFT_FAULTS; i++) {
		const struct proof_difference *found = NULL;
		struct proof proof;

		fault.nft = &nft_faults[i];
		for (fault.skip = 0; !found; fault.skip++) {
			found = prove(&proof, &tree, &faulty);
			if (!fault.planted)
				break;
		}
		check_difference(found, nft_faults[i].name);
	}
	arena_free(&fault.arena);
	tree_free(&tree);
}
END_TEST

static bool is_about_vnet(const struct proof_difference *d)
{
	while (d && strncmp(d->from, "vnet ", 5) != 0 && strncmp(d->to, "vnet ", 5) != 0)
		d = d->next;
	return d != NULL;
}

/* iptables has no vnets, which is a named difference: nft must do as is written all the same. */
START_TEST(named_differences_hide_no_fault_of_nft)
{
	struct backend faulty = backend_nft;
	struct tree tree;
	bool found = false;

	ck_assert(tree_load(&tree, "tests/cases/commands/report/root", "n1", "192.0.2.0/24"));
	faulty.meaning = faulty_nft;
	for (size_t i = 0; i < NFT_FAULTS && !found; i++) {
		fault.nft = &nft_faults[i];
		for (fault.skip = 0; !found; fault.skip++) {
			struct proof proof = { .configs = &tree.config,
					       .config_count = 1,
					       .targets = { { "iptables", &backend_iptables, false },
							    { "faulty", &faulty, false },
							    { "written", NULL, false } },
					       .target_count = 3,
					       .workers = 1,
					       .arena = &tree.f.arena };

			proof_run(&proof);
			found = is_about_vnet(proof.differences);
			if (!fault.planted)
				break;
		}
	}
	ck_assert(found);
	arena_free(&fault.arena);
	tree_free(&tree);
}
END_TEST

/* Without a fault there is no difference, however many workers there are, and named differences are counted. */
START_TEST(targets_are_equal)
{
	struct tree tree;

	ck_assert(tree_load(&tree, "tests/cases/conformance/g1/root", "n1", "192.0.2.0/24"));
	for (unsigned workers = 1; workers <= 3; workers++) {
		struct proof proof = { .configs = &tree.config,
				       .config_count = 1,
				       .targets = { { "iptables", &backend_iptables, false },
						    { "nft", &backend_nft, false },
						    { "written", NULL, false } },
				       .target_count = 3,
				       .pairs = 50,
				       .workers = workers,
				       .arena = &tree.f.arena };

		proof_run(&proof);
		ck_assert_ptr_null(proof.differences);
		ck_assert_ptr_null(proof.undecided);
		ck_assert_uint_gt(proof.paths, 10);
		ck_assert_uint_gt(proof.named[NAMED_D1], 0);
		ck_assert_uint_lt(proof.named[NAMED_D1], proof.paths);
	}
	tree_free(&tree);
}
END_TEST

/* Beyond the budget a path is not decided, and has no differences. */
START_TEST(budget_is_exceeded)
{
	struct tree tree;
	struct proof proof = { .config_count = 1,
			       .targets = { { "iptables", &backend_iptables, false }, { "nft", &backend_nft, false } },
			       .target_count = 2,
			       .workers = 1,
			       .budget = { .steps = 50 } };

	ck_assert(tree_load(&tree, "tests/cases/conformance/g1/root", "n1", "192.0.2.0/24"));
	proof.configs = &tree.config;
	proof.arena = &tree.f.arena;
	proof_run(&proof);
	ck_assert_ptr_nonnull(proof.undecided);
	ck_assert_ptr_null(proof.differences);
	ck_assert_str_eq(proof.undecided->from, "outside");
	tree_free(&tree);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("proof");

	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, faults_of_iptables_are_found);
	tcase_add_test(tcase, faults_of_nft_are_found);
	tcase_add_test(tcase, named_differences_hide_no_fault_of_nft);
	tcase_add_test(tcase, targets_are_equal);
	tcase_add_test(tcase, budget_is_exceeded);
	return run_suite("proof", tcase);
}
