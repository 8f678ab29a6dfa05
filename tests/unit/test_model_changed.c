/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of programs: digests, the packets that may fare differently, and those that do; against the
 * interpreter of random_programs.h over all combinations of boundary values.
 */
#include "fixture.h"
#include "random_programs.h"

enum { CHANGES = 500, SMALL_RULES = 7, PROGRAMS = 2000, PACKETS = 60 };

static struct arena arena;
static struct model *model;
static struct model_digests *digests;

static void start(void)
{
	model = model_new(NULL, (struct model_budget){ 0 });
	digests = model_digests_new();
}

static void end(void)
{
	model_free(model);
	model_digests_free(digests);
	arena_free(&arena);
	arena = (struct arena){ 0 };
}

static void new_question(const struct model_program *a, const struct model_program *b)
{
	model_reuse(model, NULL);
	model_add(model, a);
	model_add(model, b);
	model_seal(model);
}

static packets differing(const struct model_program *a, const struct model_program *b, packets live)
{
	struct model_result x = model_walk(model, a, &(struct model_walk){ .live = live });
	struct model_result y = model_walk(model, b, &(struct model_walk){ .live = live });

	return model_result_xor(model, &x, &y);
}

/* ---- rules of a guest, as people write them ---- */

static struct model_match between(enum model_field field, uint64_t first, uint64_t last)
{
	struct interval *range = ARENA_NEW(&arena, struct interval);

	*range = (struct interval){ number_small(first), number_small(last) };
	return (struct model_match){ field, false, { range, 1 } };
}

static struct model_match some_network(enum model_field field)
{
	static const uint64_t starts[] = { 0x0a000000, 0x0a000000, 0x0a400000, 0x0a800000, 0xe0000000 };
	uint64_t first = starts[below(5)];

	return between(field, first, first + ((uint64_t[]){ 0xffffff, 0x7fffff, 0xffff, 0xff, 0 })[below(5)]);
}

static struct model_match some_ports(enum model_field field)
{
	static const uint64_t ranges[][2] = { { 22, 22 }, { 80, 80 },  { 20, 25 },
					      { 80, 90 }, { 1, 1023 }, { 1, 65535 } };
	uint32_t i = below(6);

	return between(field, ranges[i][0], ranges[i][1]);
}

static struct model_step some_rule(void)
{
	static const enum model_effect effects[] = { MODEL_ACCEPT, MODEL_DROP, MODEL_REJECT };
	struct model_match *matches = ARENA_ARRAY(&arena, struct model_match, 6);
	struct model_step step = { .matches = matches };

	step.effect = effects[below(3)];
	step.reject = below(2) ? MODEL_REJECT_RESET : MODEL_REJECT_PORT_UNREACHABLE;
	if (step.effect != MODEL_REJECT)
		step.reject = 0;
	matches[step.match_count++] = between(MODEL_PROTOCOL, below(2) ? 6 : 17, 17);
	if (below(10) < 7) {
		matches[step.match_count] = some_network(MODEL_SOURCE4);
		matches[step.match_count++].negated = below(5) == 0;
	}
	if (below(2))
		matches[step.match_count++] = some_network(MODEL_DEST4);
	if (below(10) < 8)
		matches[step.match_count++] = some_ports(MODEL_DPORT);
	if (below(10) < 3)
		matches[step.match_count++] = some_ports(MODEL_SPORT);
	return step;
}

/* A program with one chain of its own and one that it jumps to. */
struct small {
	struct model_program program;
	struct model_stage stage;
	struct model_chain outer, inner;
	struct model_step outer_steps[SMALL_RULES + 2], inner_steps[SMALL_RULES + 2];
};

static struct small *small_new(void)
{
	struct small *s = ARENA_NEW(&arena, struct small);

	s->program = (struct model_program){ &s->stage, 1 };
	s->stage.chain = &s->outer;
	s->outer = (struct model_chain){ .name = TEXT("outer"),
					 .steps = s->outer_steps,
					 .count = 2 + below(SMALL_RULES - 2),
					 .of_path = true };
	s->inner = (struct model_chain){ .name = TEXT("inner"),
					 .steps = s->inner_steps,
					 .count = 1 + below(SMALL_RULES - 2),
					 .of_path = true };
	for (uint32_t i = 0; i < s->outer.count; i++)
		s->outer_steps[i] = some_rule();
	for (uint32_t i = 0; i < s->inner.count; i++)
		s->inner_steps[i] = some_rule();
	s->outer_steps[below(s->outer.count)].effect = MODEL_JUMP;
	for (uint32_t i = 0; i < s->outer.count; i++)
		if (s->outer_steps[i].effect == MODEL_JUMP)
			s->outer_steps[i].to = &s->inner;
	return s;
}

static struct small *small_copy(const struct small *from)
{
	struct small *s = ARENA_NEW(&arena, struct small);

	*s = *from;
	s->program.stages = &s->stage;
	s->stage.chain = &s->outer;
	s->outer.steps = s->outer_steps;
	s->inner.steps = s->inner_steps;
	for (uint32_t i = 0; i < s->outer.count; i++)
		if (s->outer_steps[i].effect == MODEL_JUMP)
			s->outer_steps[i].to = &s->inner;
	return s;
}

/* One rule is taken out, written anew, moved down or added. */
static void change_one(struct model_chain *chain, struct model_step *steps)
{
	uint32_t at = below(chain->count);
	struct model_step moved = steps[at];

	switch (below(4)) {
	case 0:
		memmove(&steps[at], &steps[at + 1], (chain->count - at - 1) * sizeof(*steps));
		chain->count--;
		break;
	case 1:
		steps[at] = some_rule();
		break;
	case 2:
		steps[at] = steps[(at + 1) % chain->count];
		steps[(at + 1) % chain->count] = moved;
		break;
	default:
		memmove(&steps[at + 1], &steps[at], (chain->count - at) * sizeof(*steps));
		steps[at] = some_rule();
		chain->count++;
		break;
	}
}

/* ---- brute force ---- */

struct values {
	uint64_t list[100];
	uint32_t count;
};

static void add_value(struct values *values, uint64_t value)
{
	for (uint32_t i = 0; i < values->count; i++)
		if (values->list[i] == value)
			return;
	values->list[values->count++] = value;
}

/* The least value of each interval between the ends that rules name. */
static void add_bounds(struct values *values, const struct model_chain *chain, enum model_field field)
{
	for (uint32_t i = 0; i < chain->count; i++)
		for (uint32_t k = 0; k < chain->steps[i].match_count; k++) {
			const struct model_match *match = &chain->steps[i].matches[k];

			if (match->field != field)
				continue;
			add_value(values, match->values.ranges[0].first.low);
			if (match->values.ranges[0].last.low < top_of(field).low)
				add_value(values, match->values.ranges[0].last.low + 1);
		}
}

static const enum model_field small_fields[] = { MODEL_PROTOCOL, MODEL_SOURCE4, MODEL_DEST4, MODEL_DPORT,
						 MODEL_SPORT };

enum { SMALL_FIELDS = sizeof(small_fields) / sizeof(small_fields[0]) };

static struct values small_values(const struct small *a, const struct small *b, enum model_field field)
{
	struct values values = { .count = 0 };

	add_value(&values, 0);
	add_bounds(&values, &a->outer, field);
	add_bounds(&values, &a->inner, field);
	add_bounds(&values, &b->outer, field);
	add_bounds(&values, &b->inner, field);
	if (field == MODEL_DEST4) {
		add_value(&values, 0xe0000000);
		add_value(&values, 0xf0000000);
		add_value(&values, 0xffffffff);
		add_value(&values, 1);
	}
	if (field == MODEL_PROTOCOL) {
		add_value(&values, 6);
		add_value(&values, 7);
		add_value(&values, 17);
	}
	return values;
}

static bool same(struct met a, struct met b)
{
	return a.verdict == b.verdict && a.queue == b.queue;
}

/* Compares the set with each packet; returns whether any fares differently. */
static bool brute_force(const struct small *a, const struct small *b, packets set)
{
	struct values values[SMALL_FIELDS];
	uint32_t at[SMALL_FIELDS] = { 0 };
	struct model_packet p = { 0 };
	unsigned field = 0;
	bool differ = false;

	for (unsigned i = 0; i < SMALL_FIELDS; i++)
		values[i] = small_values(a, b, small_fields[i]);
	p.value[MODEL_ETHERTYPE] = number_small(0x800);
	p.value[MODEL_SOURCE_TYPE] = p.value[MODEL_DEST_TYPE] = number_small(MODEL_TYPE_UNICAST);
	while (field < SMALL_FIELDS) {
		bool differs;

		for (unsigned i = 0; i < SMALL_FIELDS; i++)
			p.value[small_fields[i]] = number_small(values[i].list[at[i]]);
		p.value[MODEL_SOURCE_TYPE].low = type_of(&p, MODEL_SOURCE4, MODEL_SOURCE6,
							 MODEL_TYPE_UNICAST);
		p.value[MODEL_DEST_TYPE].low = type_of(&p, MODEL_DEST4, MODEL_DEST6, MODEL_TYPE_UNICAST);
		differs = !same(interpret(&p, &a->program, SPAN_NONE), interpret(&p, &b->program, SPAN_NONE));
		if (differs != model_has(model, set, &p))
			ck_abort_msg("%s: %s", model_packet_text(&arena, model, &p),
				     differs ? "not found" : "is no difference");
		differ |= differs;
		for (field = 0; field < SMALL_FIELDS && ++at[field] == values[field].count; field++)
			at[field] = 0;
	}
	return differ;
}

START_TEST(single_changes)
{
	unsigned differ = 0;

	for (int i = 0; i < tries(CHANGES); i++) {
		struct small *a = small_new(), *b = small_copy(a);
		packets set, cut;

		if (below(2))
			change_one(&b->outer, b->outer_steps);
		else
			change_one(&b->inner, b->inner_steps);
		for (uint32_t k = 0; k < b->outer.count; k++)
			if (b->outer_steps[k].effect == MODEL_JUMP)
				b->outer_steps[k].to = &b->inner;
		new_question(&a->program, &b->program);
		set = differing(&a->program, &b->program, model_world(model));
		cut = differing(&a->program, &b->program,
				model_changed(model, digests, &a->program, &b->program));
		ck_assert_uint_eq(set, cut);
		ck_assert(!model_over(model, NULL));
		ck_assert_int_eq(brute_force(a, b, set), set != PACKETS_NONE);
		if (model_digest_equal(model_program_hash(digests, &a->program),
				       model_program_hash(digests, &b->program)))
			ck_assert_uint_eq(set, PACKETS_NONE);
		differ += set != PACKETS_NONE;
		arena_reset(&arena);
	}
	/* Neither all nor none. */
	ck_assert_uint_gt(differ, (unsigned)tries(CHANGES) / 3);
	ck_assert_uint_lt(differ, (unsigned)tries(CHANGES));
}
END_TEST

/* ---- the cut, of any programs ---- */

/* A chain of the program with another content. */
static void change_steps(struct random_chain *chain, struct random_chain *later, uint32_t later_count)
{
	unsigned times = 1 + below(3);

	while (times--) {
		uint32_t at = below(chain->chain.count);

		if (below(3) == 0 && chain->chain.count > 1) {
			memmove(&chain->steps[at], &chain->steps[at + 1],
				(chain->chain.count - at - 1) * sizeof(chain->steps[0]));
			chain->chain.count--;
		} else {
			random_step(&arena, &chain->steps[at], later, later_count);
		}
	}
}

START_TEST(cuts)
{
	unsigned narrow = 0;

	for (int i = 0; i < tries(PROGRAMS); i++) {
		struct random_chain *chains[2];
		struct model_stage stages[2] = { { NULL, NULL }, { NULL, NULL } };
		struct model_program a = { &stages[0], 1 }, b = { &stages[1], 1 };
		enum { COUNT = 4 };
		packets set, changed;

		chains[0] = ARENA_ARRAY(&arena, struct random_chain, COUNT);
		chains[1] = ARENA_ARRAY(&arena, struct random_chain, COUNT);
		for (uint32_t k = COUNT; k-- > 0;) {
			struct model_chain *chain = &chains[0][k].chain;

			*chain = (struct model_chain){ .name = TEXT("a"),
						       .steps = chains[0][k].steps,
						       .count = 1 + below(STEPS_MOST),
						       .of_path = true };
			for (uint32_t s = 0; s < chain->count; s++)
				random_step(&arena, &chains[0][k].steps[s], &chains[0][k + 1], COUNT - 1 - k);
			chains[1][k] = chains[0][k];
			chains[1][k].chain.steps = chains[1][k].steps;
			for (uint32_t s = 0; s < chain->count; s++)
				if (chain->steps[s].effect == MODEL_JUMP ||
				    chain->steps[s].effect == MODEL_GOTO)
					chains[1][k].steps[s].to =
						&chains[1][(const struct random_chain *)chain->steps[s].to -
							   chains[0]]
							 .chain;
			if (below(3) == 0)
				change_steps(&chains[1][k], &chains[1][k + 1], COUNT - 1 - k);
		}
		stages[0].chain = &chains[0][0].chain;
		stages[1].chain = &chains[1][0].chain;
		new_question(&a, &b);
		changed = model_changed(model, digests, &a, &b);
		set = differing(&a, &b, model_world(model));
		ck_assert_uint_eq(model_minus(model, set, changed), PACKETS_NONE);
		ck_assert_uint_eq(differing(&a, &b, changed), set);
		ck_assert_int_eq(changed == PACKETS_NONE || set != PACKETS_NONE ||
					 !model_digest_equal(model_program_hash(digests, &a),
							     model_program_hash(digests, &b)),
				 true);
		narrow += changed != model_world(model) && set != PACKETS_NONE;
		arena_reset(&arena);
	}
	ck_assert_uint_gt(narrow, (unsigned)tries(PROGRAMS) / 20);
}
END_TEST

/* ---- long chains ---- */

/* Each step asks one port. */
static struct small *ports_chain(const uint16_t *ports, uint32_t count)
{
	struct small *s = ARENA_NEW(&arena, struct small);
	struct model_step *steps = ARENA_ARRAY(&arena, struct model_step, count);

	for (uint32_t i = 0; i < count; i++) {
		struct model_match *match = ARENA_NEW(&arena, struct model_match);

		*match = between(MODEL_DPORT, ports[i], ports[i]);
		steps[i] = (struct model_step){ .matches = match, .match_count = 1, .effect = MODEL_ACCEPT };
	}
	s->outer = (struct model_chain){
		.name = TEXT("ports"), .steps = steps, .count = count, .of_path = true
	};
	s->stage.chain = &s->outer;
	s->program = (struct model_program){ &s->stage, 1 };
	return s;
}

static bool has_port(packets set, uint16_t port)
{
	struct model_packet p = { 0 };

	p.value[MODEL_ETHERTYPE] = number_small(0x800);
	p.value[MODEL_PROTOCOL] = number_small(6);
	p.value[MODEL_DPORT] = number_small(port);
	p.value[MODEL_SOURCE4] = p.value[MODEL_DEST4] = number_small(1);
	p.value[MODEL_SOURCE_TYPE] = p.value[MODEL_DEST_TYPE] = number_small(MODEL_TYPE_UNICAST);
	return model_has(model, set, &p);
}

/* Only the steps outside of a longest common subsequence count. */
START_TEST(alignments)
{
	for (int i = 0; i < 300; i++) {
		uint16_t old[60], new[60];
		uint32_t old_count = 1 + below(60), new_count = 0;
		struct small *a, *b;
		packets changed;
		unsigned common[61][61] = { { 0 } }, alone = 0;

		for (uint32_t k = 0; k < old_count; k++) {
			old[k] = (uint16_t)(1 + k);
			if (below(10) && new_count < 60)
				new[new_count++] = old[k];
			if (below(10) == 0 && new_count < 60)
				new[new_count++] = (uint16_t)(1 + below(old_count + 5));
		}
		a = ports_chain(old, old_count);
		b = ports_chain(new, new_count);
		new_question(&a->program, &b->program);
		changed = model_changed(model, digests, &a->program, &b->program);
		for (uint32_t x = 0; x < old_count; x++)
			for (uint32_t y = 0; y < new_count; y++) {
				unsigned most = common[x][y + 1] > common[x + 1][y] ? common[x][y + 1]
										    : common[x + 1][y];

				common[x + 1][y + 1] = old[x] == new[y] ? common[x][y] + 1 : most;
			}
		for (uint16_t port = 1; port <= old_count + 5; port++)
			alone += has_port(changed, port);
		/* Each step alone has a port, which another one can have, too. */
		ck_assert_uint_le(alone, old_count + new_count - 2 * common[old_count][new_count]);
		ck_assert_int_eq(alone > 0,
				 common[old_count][new_count] != old_count || old_count != new_count);
		arena_reset(&arena);
	}
}
END_TEST

/* Chains that have nothing in common are not searched for long. */
START_TEST(hopeless)
{
	uint16_t old[5000], new[5000];
	struct small *a, *b;

	for (uint16_t i = 0; i < 5000; i++) {
		old[i] = (uint16_t)(1 + i);
		new[i] = (uint16_t)(10001 + i);
	}
	a = ports_chain(old, 5000);
	b = ports_chain(new, 5000);
	new_question(&a->program, &b->program);
	ck_assert(has_port(model_changed(model, digests, &a->program, &b->program), 4711));
	ck_assert(!has_port(model_changed(model, digests, &a->program, &b->program), 9999));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("model_changed");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, start, end);
	tcase_add_test(tcase, single_changes);
	tcase_add_test(tcase, cuts);
	tcase_add_test(tcase, alignments);
	tcase_add_test(tcase, hopeless);
	return run_suite("model_changed", tcase);
}
