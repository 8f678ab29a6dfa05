/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port maps: the segments of random lists, and the map form against the plain one.
 *
 * The two forms must not only treat all packets alike: each line decides and logs the same packets in both.  With
 * trees as operands (TREE, or TREE:NODE) compares these, and prints how many passed.
 */
#include <check.h>

#include "meaning/paths.h"
#include "model/packet_model.h"
#include "nft/lower/port_segments.h"
#include "nft/meaning/nft_meaning.h"
#include "tree.h"

/* ---- segments ---- */

static uint32_t test_state = 1;

static uint32_t test_random(uint32_t below)
{
	test_state = test_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)(test_state >> 8) * below) >> 24);
}

static struct port_member random_member(unsigned kind)
{
	uint16_t first = (uint16_t)(kind == 0 ? test_random(65536) : 5000 + test_random(40));
	uint16_t last = (uint16_t)(first + test_random(test_random(4) ? 1 : test_random(3) ? 30 : 65536u - first));

	if (!test_random(12))
		return (struct port_member){ 0, UINT16_MAX, 1 };
	return (struct port_member){ first, last < first ? UINT16_MAX : last, 1 + !test_random(9) };
}

static const struct port_segment *segment_of(const struct port_segments *s, uint32_t port)
{
	for (uint32_t i = 0; i < s->segment_count; i++)
		if (s->segments[i].first <= port && port <= s->segments[i].last)
			return &s->segments[i];
	return NULL;
}

/* The list has exactly the members that can match a port of its segments, in order. */
static void check_list(const struct port_segments *s, const struct port_segment *segment, const struct port_member *members,
		       uint32_t count, uint32_t list_max)
{
	const struct port_list *list = &s->lists[segment->list];
	uint32_t at = 0;
	bool covered = true;

	for (uint32_t i = 0; i < count; i++) {
		if (members[i].first > segment->last || members[i].last < segment->first)
			continue;
		covered &= members[i].first <= segment->first && members[i].last >= segment->last;
		ck_assert_uint_lt(at, list->count);
		ck_assert_uint_eq(list->members[at++], i);
	}
	ck_assert_uint_eq(at, list->count);
	ck_assert(list->count <= list_max || covered || segment->first == segment->last);
	ck_assert_uint_le(list->first, segment->first);
	ck_assert_uint_ge(list->highest, segment->last);
}

START_TEST(segments_have_the_rules_that_can_match)
{
	struct arena arena = { 0 };

	for (unsigned round = 0; round < 300; round++) {
		uint32_t count = 1 + test_random(60), list_max = test_random(6), weight = 0, next = 0;
		struct port_member *members = ARENA_ARRAY(&arena, struct port_member, count);
		struct port_segments s;

		for (uint32_t i = 0; i < count; i++)
			members[i] = random_member(round % 2);
		ck_assert(port_segments_make(&arena, members, count, list_max, UINT32_MAX, &s));
		for (uint32_t i = 0; i < s.segment_count; i++) { /* all ports, without gaps or overlaps */
			ck_assert_uint_eq(s.segments[i].first, next);
			ck_assert(i == 0 || s.segments[i - 1].list != s.segments[i].list);
			check_list(&s, &s.segments[i], members, count, list_max);
			next = s.segments[i].last + 1u;
		}
		ck_assert_uint_eq(next, 65536);
		for (uint32_t port = 0; port < 65536; port += 1 + test_random(200)) { /* no rule that matches is missing */
			const struct port_list *list = &s.lists[segment_of(&s, port)->list];
			uint32_t at = 0;

			for (uint32_t i = 0; i < count; i++) {
				if (members[i].first > port || members[i].last < port)
					continue;
				while (at < list->count && list->members[at] != i)
					at++;
				ck_assert_uint_lt(at, list->count);
			}
		}
		for (uint32_t i = 0; i < s.list_count; i++)
			for (uint32_t n = 0; n < s.lists[i].count; n++)
				weight += members[s.lists[i].members[n]].weight;
		ck_assert_uint_eq(weight, s.weight);
		ck_assert(port_segments_make(&arena, members, count, list_max, weight, &s));
		ck_assert(!port_segments_make(&arena, members, count, list_max, weight - 1, &s));
		arena_reset(&arena);
	}
	arena_free(&arena);
}
END_TEST

/* One rule more changes only the segments near its ports. */
START_TEST(segments_are_stable)
{
	struct arena arena = { 0 };
	struct port_member members[201];
	struct port_segments before, after;
	uint32_t same = 0;

	for (uint32_t i = 0; i < 200; i++) {
		members[i].first = members[i].last = (uint16_t)(i * 300 + 7);
		members[i].weight = 1;
	}
	members[200] = (struct port_member){ 22222, 22222, 1 };
	ck_assert(port_segments_make(&arena, members, 200, 3, 1000, &before));
	ck_assert(port_segments_make(&arena, members, 201, 3, 1000, &after));
	for (uint32_t i = 0; i < before.segment_count; i++)
		for (uint32_t n = 0; n < after.segment_count; n++)
			same += before.segments[i].first == after.segments[n].first &&
				before.segments[i].last == after.segments[n].last;
	ck_assert_uint_ge(same + 1, before.segment_count);
	arena_free(&arena);
}
END_TEST

/* A limit stops the work: ranges within each other have a list each, n * n rules together. */
START_TEST(copies_are_limited)
{
	struct arena arena = { 0 };
	struct port_member *members = ARENA_ARRAY(&arena, struct port_member, 10000);
	struct port_segments s;

	for (uint32_t i = 0; i < 10000; i++)
		members[i] = (struct port_member){ (uint16_t)i, (uint16_t)(UINT16_MAX - i), 1 };
	ck_assert(!port_segments_make(&arena, members, 10000, 3, 20000, &s));
	ck_assert_uint_le(s.weight, 40000);
	arena_free(&arena);
}
END_TEST

/* ---- both forms of a tree ---- */

/* What one line, or an implied rule, does in one stage: packets by kind. */
struct line_fate {
	unsigned stage, kind; /* a verdict, or MODEL_VERDICTS: it logs */
	uint16_t queue;
	struct span span;
	const char *implied;
	packets set[2];
	struct line_fate *next;
};

struct comparison {
	struct arena arena;
	struct model *m;
	struct line_fate *fates;
	unsigned side;
	bool has_lost_ports; /* packets that a map lacks */
};

/* The innermost step that has a line. */
static const struct model_step *deciding_step(const struct model_event *event)
{
	for (const struct model_trail *t = event->trail; t; t = t->outer)
		if (t->step && (t->step->span.begin || t->step->implied))
			return t->step;
	return NULL;
}

static void note_decided(void *context, const struct model_event *event)
{
	struct comparison *c = context;
	const struct model_step *step = deciding_step(event);
	struct line_fate wanted = { .stage = event->stage, .kind = event->logs ? MODEL_VERDICTS : event->verdict,
				    .queue = event->queue, .span = step ? step->span : SPAN_NONE,
				    .implied = step ? step->implied : NULL }, *f;

	if (wanted.implied && strstr(wanted.implied, "the map lacks"))
		c->has_lost_ports |= event->hit != model_minus(c->m, event->hit, event->hit);
	for (f = c->fates; f; f = f->next)
		if (f->stage == wanted.stage && f->kind == wanted.kind && f->queue == wanted.queue &&
		    f->span.begin == wanted.span.begin && f->implied == wanted.implied)
			break;
	if (!f) {
		f = ARENA_NEW(&c->arena, struct line_fate);
		*f = wanted;
		f->set[0] = f->set[1] = model_minus(c->m, event->hit, event->hit);
		f->next = c->fates;
		c->fates = f;
	}
	f->set[c->side] = model_or(c->m, f->set[c->side], event->hit);
}

/* NULL, or a packet that the two treat differently, or that another line decides. */
static const char *compare_path(struct arena *arena, struct translator *const *sides, const struct model_ifaces *ifaces,
				const struct path *path, bool *has_lost_ports)
{
	struct comparison c = { .m = model_new(ifaces, (struct model_budget){ 0, 0 }) };
	const struct model_program *programs[2];
	struct model_result results[2];
	struct model_packet packet;
	const char *text = NULL;

	for (c.side = 0; c.side < 2; c.side++)
		model_add(c.m, programs[c.side] = translator_program(sides[c.side], &c.arena, path));
	model_seal(c.m);
	for (c.side = 0; c.side < 2; c.side++)
		results[c.side] = model_walk(c.m, programs[c.side], &(struct model_walk){ .live = model_world(c.m),
											  .decided = note_decided, .context = &c });
	if (model_pick(c.m, model_result_xor(c.m, &results[0], &results[1]), &packet))
		text = model_packet_text(arena, c.m, &packet);
	for (const struct line_fate *f = c.fates; f && !text; f = f->next)
		if (f->set[0] != f->set[1] && model_pick(c.m, model_xor(c.m, f->set[0], f->set[1]), &packet))
			text = arena_printf(arena, "%s (%s, stage %u)", model_packet_text(arena, c.m, &packet),
					    f->kind == MODEL_VERDICTS ? "logged" : model_verdict_text((enum model_verdict)f->kind),
					    f->stage);
	*has_lost_ports |= c.has_lost_ports;
	model_free(c.m);
	arena_free(&c.arena);
	return text;
}

static const char *compare_rulesets(struct arena *arena, const struct config *config, const struct nft_ruleset *plain,
				    const struct nft_ruleset *mapped)
{
	struct model_ifaces ifaces = path_ifaces(arena, config);
	struct translator *sides[2] = { nft_meaning_of(plain, &ifaces), nft_meaning_of(mapped, &ifaces) };
	struct path_walk walk = { .config = config, .pairs = 4 };
	const char *text = NULL;
	bool has_lost_ports = false;
	struct path path;

	while (!text && path_walk_next(&walk, arena, &path))
		text = compare_path(arena, sides, &ifaces, &path, &has_lost_ports);
	if (has_lost_ports && !text)
		text = "a map lacks ports";
	translator_close(sides[0]);
	translator_close(sides[1]);
	return text;
}

static const struct nft_ruleset *lower_plain(struct arena *arena, const struct config *config)
{
	struct config plain = *config;

	plain.plain_lists = true;
	return nft_lower(arena, &plain);
}

static unsigned count_maps(const struct nft_ruleset *ruleset)
{
	unsigned count = 0;

	for (unsigned i = 0; i < NFT_TABLES; i++)
		for (const struct nft_set *set = ruleset->tables[i] ? ruleset->tables[i]->sets : NULL; set; set = set->next)
			count += set->verdicts && set->interval;
	return count;
}

/* ---- planted faults ---- */

enum map_fault {
	FAULT_NONE,
	FAULT_OTHER_CHAIN, /* a segment leads to the chain of its neighbour */
	FAULT_RETURN,      /* a segment leads past its rules */
	FAULT_SHIFTED,     /* a port belongs to the segment before */
	FAULT_JUMP,        /* a segment comes back to the rule that drops */
	FAULT_LOST_RULE,   /* a chain lacks its first rule */
	FAULT_SWAPPED,     /* a chain has its first two rules in the wrong order */
	MAP_FAULTS
};

static bool plant_in_set(struct nft_set *set, enum map_fault fault, uint32_t at)
{
	struct nft_element *e = &set->elements[at], *next = e + 1;
	struct nft_chain *chain = (struct nft_chain *)(uintptr_t)e->verdict.chain;

	switch (fault) {
	case FAULT_OTHER_CHAIN:
		if (at + 1 < set->element_count)
			e->verdict = next->verdict;
		return at + 1 < set->element_count;
	case FAULT_RETURN:
		e->verdict = (struct nft_verdict){ NFT_TO_RETURN, NULL };
		return chain;
	case FAULT_SHIFTED:
		if (at + 1 == set->element_count || memcmp(next->key[0].bytes, next->last.bytes, 2) == 0 || next->key[0].bytes[1] == 255)
			return false;
		e->last.bytes[1] = next->key[0].bytes[1]++;
		e->last.bytes[0] = next->key[0].bytes[0];
		return true;
	case FAULT_JUMP:
		if (chain)
			e->verdict.kind = NFT_TO_JUMP;
		return chain;
	case FAULT_LOST_RULE:
		if (chain)
			chain->first = chain->first->next;
		return chain;
	case FAULT_SWAPPED:
		if (!chain || !chain->first->next)
			return false;
		else {
			struct nft_rule *second = chain->first->next;

			chain->first->next = second->next;
			second->next = chain->first;
			chain->first = second;
		}
		return true;
	default:
		return false;
	}
}

/* Plants the fault at the `at`th element of all port maps; false: there are fewer. */
static bool plant(const struct nft_ruleset *ruleset, enum map_fault fault, uint32_t at, bool *planted)
{
	for (unsigned i = 0; i < NFT_TABLES; i++)
		for (struct nft_set *set = ruleset->tables[i] ? ruleset->tables[i]->sets : NULL; set; set = set->next) {
			if (!set->verdicts || !set->interval)
				continue;
			if (at < set->element_count) {
				*planted = plant_in_set(set, fault, at);
				return true;
			}
			at -= set->element_count;
		}
	return false;
}

/* Faults are found, each with a packet; at how many places is told. */
START_TEST(planted_faults_are_found)
{
	struct tree tree;
	struct arena arena = { 0 };

	ck_assert(tree_load(&tree, "tests/cases/nft/ports/root", "n1", "192.0.2.0/24"));
	ck_assert_ptr_null(compare_rulesets(&arena, tree.config, lower_plain(&arena, tree.config), nft_lower(&arena, tree.config)));
	ck_assert_uint_ge(count_maps(nft_lower(&arena, tree.config)), 3);
	for (unsigned fault = 1; fault < MAP_FAULTS; fault++) {
		unsigned found = 0, places = 0;
		bool planted = false;

		for (uint32_t at = 0;; at++) {
			const struct nft_ruleset *mapped = nft_lower(&arena, tree.config);

			if (!plant(mapped, (enum map_fault)fault, at, &planted))
				break;
			places += planted;
			found += planted && compare_rulesets(&arena, tree.config, lower_plain(&arena, tree.config), mapped);
		}
		ck_assert_uint_gt(places, 5);
		/* Neighbours can do the same, rules that are swapped be about different packets, and a chain do nothing at some
		 * ports. */
		if (fault == FAULT_SWAPPED || fault == FAULT_OTHER_CHAIN || fault == FAULT_SHIFTED)
			ck_assert_uint_gt(found, 0);
		else
			ck_assert_uint_ge(found * 4, places * 3);
	}
	arena_free(&arena);
	tree_free(&tree);
}
END_TEST

/* ---- trees as operands ---- */

static bool compare_tree(const char *operand, unsigned *maps)
{
	struct arena arena = { 0 };
	struct tree tree;
	const char *packet = NULL;

	if (tree_load(&tree, operand, "n1", "192.0.2.0/24")) {
		const struct nft_ruleset *mapped = nft_lower(&arena, tree.config);

		*maps += count_maps(mapped);
		packet = compare_rulesets(&arena, tree.config, lower_plain(&arena, tree.config), mapped);
	} else {
		packet = "the tree cannot be compiled for node n1";
	}
	if (packet)
		printf("FAIL %s: %s\n", operand, packet);
	arena_free(&arena);
	tree_free(&tree);
	return !packet;
}

static int compare_trees(char **operands)
{
	unsigned passed = 0, failed = 0, maps = 0;

	for (; *operands; operands++)
		if (compare_tree(*operands, &maps))
			passed++;
		else
			failed++;
	printf("%u port maps\n%u passed, %u failed\n", maps, passed, failed);
	return failed != 0;
}

int main(int argc, char **argv)
{
	TCase *tcase;

	if (argc > 1)
		return compare_trees(argv + 1);
	tcase = tcase_create("port_map");
	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, segments_have_the_rules_that_can_match);
	tcase_add_test(tcase, segments_are_stable);
	tcase_add_test(tcase, copies_are_limited);
	tcase_add_test(tcase, planted_faults_are_found);
	return run_suite("port_map", tcase);
}
