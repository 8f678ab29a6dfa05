/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The proof that targets do the same.
 *
 * All paths are listed first, with both ways of plugging guests in.  Paths are independent of each other:
 * each worker has translators of its own, and takes the next path.  What it finds is stored at the path's
 * index, so that the result does not depend on the workers.
 *
 * For each pair of verdicts that two targets give, the packets that get them are an intersection of two sets.
 * What is left of it without the packets of named differences is a fault of a target, or of its translator.
 */
#include "questions/proof.h"

#include <stdlib.h>

#include "base/parallel_for.h"
#include "base/xmalloc.h"
#include "questions/answers.h"

/* How many paths share what was translated. */
enum { PATHS_REMEMBERED = 512 };

/* What was found on one path. */
struct proof_finding {
	unsigned named; /* bit set of enum named_difference */
	struct proof_difference *differences;
	struct proof_undecided *undecided;
};

struct proof_worker {
	struct config plain; /* with plain_lists */
	struct asked asked[PROOF_TARGETS_MAX];
	bool ready;
	uint32_t count;      /* of paths */
	struct model *model; /* of one path after the other */
	struct arena arena;  /* of the findings */
	struct arena programs[PROOF_TARGETS_MAX]; /* of one path; kept, since its memory is used again */
};

struct proof_paths {
	struct path *items;
	uint32_t count, room;
	struct arena arena;
};

/* The proof of one node. */
struct proof_state {
	struct proof *proof;
	const struct config *config;
	struct proof_paths paths;
	struct proof_finding *findings; /* by path */
	struct proof_worker workers[PARALLEL_MOST];
};

/* ---- the paths ---- */

static void paths_add(struct proof_paths *paths, const struct path *path)
{
	if (paths->count == paths->room) {
		paths->room = paths->room ? paths->room * 2 : 256;
		paths->items = xrealloc(paths->items, paths->room * sizeof(*paths->items));
	}
	paths->items[paths->count++] = *path;
}

static bool path_is_direct(const struct path *path)
{
	return path->from.direct || path->to.direct;
}

/* Whether the target filters guests that are plugged straight into their bridges. */
static bool target_works_direct(const struct proof_target *target)
{
	return !target->backend || !target->backend->needs_bridge_calls;
}

static void list_paths(struct proof_paths *paths, const struct proof *proof, const struct config *config)
{
	struct path path;
	uint32_t able = 0;

	for (uint32_t i = 0; i < proof->target_count; i++)
		able += target_works_direct(&proof->targets[i]);
	for (int direct = 0; direct < (able >= 2 ? 2 : 1); direct++) {
		struct path_walk walk = { .config = config, .pairs = proof->pairs, .direct = direct };

		while (path_walk_next(&walk, &paths->arena, &path))
			if (!direct || path_is_direct(&path))
				paths_add(paths, &path);
	}
}

/* ---- one path ---- */

/* A path and two of the targets. */
struct comparison {
	const struct path *path;
	struct model *model;
	struct named_sets names;
	struct proof_finding *finding;
	struct question *questions[2];
	const struct proof_target *targets[2];
	struct arena *arena;
};

static struct proof_side explain_side(struct comparison *c, int side, packets set,
				      const struct model_packet *packet)
{
	struct proof_side result = { .target = c->targets[side] };
	const struct decision *d = question_decide(c->questions[side], set, SPAN_NONE);

	for (; d; d = d->next) {
		if (!model_has(c->model, d->set, packet))
			continue;
		result.decision = decision_keep(c->arena, d);
		if (d->trail_count)
			result.trail = arena_string(c->arena, text_of(d->trail[d->trail_count - 1]));
		break;
	}
	return result;
}

static void add_difference(struct comparison *c, packets set)
{
	struct proof_difference *d = ARENA_NEW(c->arena, struct proof_difference);
	struct model_packet packet;

	if (!model_pick(c->model, set, &packet))
		return;
	*d = (struct proof_difference){
		.from = path_end_text(c->arena, &c->path->from),
		.to = path_end_text(c->arena, &c->path->to),
		.flooded = c->path->flooded,
		.direct = path_is_direct(c->path),
		.packet = model_packet_text(c->arena, c->model, &packet),
	};
	for (int i = 0; i < 2; i++)
		d->sides[i] = explain_side(c, i, set, &packet);
	d->next = c->finding->differences;
	c->finding->differences = d;
}

/* Packets that get one verdict by one target, and another by the other. */
static void compare_outcomes(struct comparison *c, const struct model_outcome *a,
			     const struct model_outcome *b)
{
	packets set = PACKETS_NONE;

	if (a->verdict != b->verdict || a->queue != b->queue || a->queue_last != b->queue_last)
		set = model_and(c->model, a->set, b->set);
	for (int i = 0; i < NAMED_DIFFERENCES && set != PACKETS_NONE; i++) {
		packets rest;

		if (!named_fits((enum named_difference)i, c->path, c->targets[0], c->targets[1], a->verdict,
				b->verdict))
			continue;
		rest = model_minus(c->model, set, c->names.set[i]);
		if (rest != set)
			c->finding->named |= 1u << i;
		set = rest;
	}
	if (set != PACKETS_NONE && !model_over(c->model, NULL))
		add_difference(c, set);
}

static void compare_results(struct comparison *c, const struct model_result *a, const struct model_result *b)
{
	if (model_result_xor(c->model, a, b) == PACKETS_NONE)
		return;
	c->names = named_sets_of(c->model, &c->questions[0]->arena, c->questions[0]->asked, c->path);
	for (uint32_t i = 0; i < a->count; i++)
		for (uint32_t j = 0; j < b->count; j++)
			compare_outcomes(c, &a->outcomes[i], &b->outcomes[j]);
}

static void proof_add_undecided(struct comparison *c)
{
	struct proof_undecided *undecided = ARENA_NEW(c->arena, struct proof_undecided);
	struct text chain = { "", 0 };

	model_over(c->model, &chain);
	*undecided = (struct proof_undecided){
		.from = path_end_text(c->arena, &c->path->from),
		.to = path_end_text(c->arena, &c->path->to),
		.flooded = c->path->flooded,
		.direct = path_is_direct(c->path),
		.chain = arena_string(c->arena, chain),
	};
	c->finding->undecided = undecided;
}

/* All targets of a path. */
struct path_proof {
	struct comparison comparison;
	struct question questions[PROOF_TARGETS_MAX];
	const struct proof_target *targets[PROOF_TARGETS_MAX];
	uint32_t count;
};

/* Compares what targets do to packets of `part`; finds nothing if the budget is exceeded. */
static void prove_part(void *context, struct model *m, packets part)
{
	struct path_proof *p = context;
	struct comparison *c = &p->comparison;
	const struct proof_finding before = *c->finding;
	struct model_result results[PROOF_TARGETS_MAX];

	for (uint32_t i = 0; i < p->count; i++)
		results[i] = model_walk(m, p->questions[i].program, &(struct model_walk){ .live = part });
	/* All pairs: what is a named difference from one target need not be one between two others. */
	for (uint32_t i = 0; i < p->count; i++)
		for (uint32_t j = i + 1; j < p->count; j++) {
			c->questions[0] = &p->questions[i];
			c->targets[0] = p->targets[i];
			c->questions[1] = &p->questions[j];
			c->targets[1] = p->targets[j];
			compare_results(c, &results[i], &results[j]);
		}
	if (model_over(m, NULL))
		*c->finding = before;
}

static void open_questions(struct path_proof *p, const struct proof *proof, struct proof_worker *worker)
{
	const struct path *path = p->comparison.path;

	for (uint32_t i = 0; i < proof->target_count; i++) {
		struct question *q = &p->questions[p->count];

		if (path_is_direct(path) && !target_works_direct(&proof->targets[i]))
			continue;
		p->targets[p->count++] = &proof->targets[i];
		*q = (struct question){ .asked = &worker->asked[i],
					.path = *path,
					.model = worker->model,
					.arena = worker->programs[p->count - 1] };
		q->program = translator_program(worker->asked[i].translator, &q->arena, path);
		model_add(worker->model, q->program);
	}
}

static void prove_path(struct proof_worker *worker, const struct proof *proof, const struct path *path,
		       struct proof_finding *finding)
{
	struct path_proof p = { .comparison = { .path = path,
						.model = worker->model,
						.finding = finding,
						.arena = &worker->arena } };

	model_reuse(worker->model, &worker->asked[0].ifaces);
	open_questions(&p, proof, worker);
	named_add_matches(worker->model, &p.questions[0].arena, &worker->asked[0]);
	model_seal(worker->model);
	if (!model_ask(worker->model, prove_part, &p))
		proof_add_undecided(&p.comparison);
	for (uint32_t i = 0; i < p.count; i++) {
		worker->programs[i] = p.questions[i].arena;
		arena_reset(&worker->programs[i]);
	}
}

/* ---- all paths ---- */

static void start_worker(struct proof_worker *worker, const struct proof *proof, const struct config *config)
{
	worker->plain = *config;
	worker->plain.plain_lists = true;
	for (uint32_t i = 0; i < proof->target_count; i++)
		asked_open(&worker->asked[i], proof->targets[i].plain_lists ? &worker->plain : config,
			   proof->targets[i].backend, proof->budget);
	worker->model = model_new(&worker->asked[0].ifaces, proof->budget);
	worker->ready = true;
}

static void prove_job(void *context, unsigned number, unsigned n)
{
	struct proof_state *state = context;
	struct proof_worker *worker = &state->workers[number];
	const struct proof *proof = state->proof;

	if (!worker->ready)
		start_worker(worker, proof, state->config);
	prove_path(worker, proof, &state->paths.items[n], &state->findings[n]);
	/* Bounds the memory of the translators. */
	if (++worker->count % PATHS_REMEMBERED == 0)
		for (uint32_t i = 0; i < proof->target_count; i++)
			translator_forget(worker->asked[i].translator);
}

/* The ends of the lists of a proof. */
struct proof_ends {
	struct proof_difference **difference;
	struct proof_undecided **undecided;
};

/* Adds what was found on one path. */
static void collect_finding(struct proof *proof, const struct proof_finding *finding, const char *node,
			    struct proof_ends *ends)
{
	for (int i = 0; i < NAMED_DIFFERENCES; i++)
		proof->named[i] += finding->named >> i & 1;
	for (struct proof_difference *d = *ends->difference = finding->differences; d; d = d->next) {
		d->node = node;
		ends->difference = &d->next;
	}
	*ends->undecided = finding->undecided;
	if (finding->undecided) {
		finding->undecided->node = node;
		ends->undecided = &finding->undecided->next;
	}
}

static void end_worker(struct proof_worker *worker, struct proof *proof)
{
	if (!worker->ready)
		return;
	for (uint32_t i = 0; i < proof->target_count; i++)
		asked_close(&worker->asked[i]);
	for (int i = 0; i < PROOF_TARGETS_MAX; i++)
		arena_free(&worker->programs[i]);
	model_free(worker->model);
	arena_adopt(proof->arena, &worker->arena);
}

static void prove_node(struct proof *proof, const struct config *config, struct proof_ends *ends)
{
	struct proof_state *state = xcalloc(1, sizeof(*state));
	unsigned workers;

	state->proof = proof;
	state->config = config;
	list_paths(&state->paths, proof, config);
	state->findings = xcalloc(state->paths.count + 1, sizeof(*state->findings));
	workers = proof->workers ? proof->workers : parallel_workers_for_long(state->paths.count);
	parallel_run(workers, state->paths.count, prove_job, state);
	proof->paths += state->paths.count;
	for (uint32_t i = 0; i < state->paths.count; i++)
		collect_finding(proof, &state->findings[i], proof->config_count > 1 ? config->node.ptr : NULL,
				ends);
	for (unsigned i = 0; i < PARALLEL_MOST; i++)
		end_worker(&state->workers[i], proof);
	free(state->findings);
	free(state->paths.items);
	arena_free(&state->paths.arena);
	free(state);
}

void proof_run(struct proof *proof)
{
	struct proof_ends ends = { &proof->differences, &proof->undecided };

	for (unsigned i = 0; i < proof->config_count; i++)
		prove_node(proof, proof->configs[i], &ends);
}
