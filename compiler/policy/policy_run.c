/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/policy_run.h"

/* One test that is being asked. */
struct policy_asking {
	const struct policy_test *test;
	struct asked *asked;
	struct diags *diags;
	struct policy_coverage *coverage;
	struct policy_report report;
	unsigned paths;   /* that packets can take */
	unsigned packets; /* paths on which the test names packets */
	unsigned failures;
};

/* ---- asking ---- */

/* The line that decides for some packets, those that have jumped to it, and what set their mark. */
static void policy_cover_event(void *context, const struct model_event *event)
{
	const struct model_trail *const trails[] = { event->trail, event->marked };

	for (size_t i = 0; i < sizeof(trails) / sizeof(trails[0]) && event->hit != PACKETS_NONE; i++)
		for (const struct model_trail *t = trails[i]; t; t = t->outer)
			if (t->step)
				policy_coverage_add(context, t->step->span);
}

static void policy_cover(struct policy_coverage *coverage, struct question *q, packets set)
{
	const struct model_walk walk = { .live = set, .decided = policy_cover_event, .context = coverage };

	if (coverage)
		model_walk(q->model, q->program, &walk);
}


static void policy_undecided(struct policy_asking *asking, const char *reason)
{
	struct diagnostic *d;

	if (asking->report.result == POLICY_UNDECIDED)
		return;
	d = diag(asking->diags, asking->test->span, DIAG_TEST_UNDECIDED, "%s", reason);
	diag_help(d, "give more steps with --budget, or name fewer packets");
	asking->report.result = POLICY_UNDECIDED;
	asking->report.d = d;
}

/* Packets that are rejected, but whose sender is not told. */
struct policy_unanswered {
	struct model *model;
	packets set;
};

static void policy_unanswered_event(void *context, const struct model_event *event)
{
	struct policy_unanswered *unanswered = context;
	const struct model_step *step = event->trail->step;

	if (!event->logs && event->verdict == MODEL_DROPPED && step && (step->unanswered || step->effect == MODEL_REJECT))
		unanswered->set = model_or(unanswered->model, unanswered->set, event->hit);
}

/* Stock's simulator says REJECT of all packets that come to a reject; a row can mean that. */
static packets policy_without_unanswered(const struct policy_asking *asking, struct question *q, packets failing)
{
	struct policy_unanswered unanswered = { q->model, PACKETS_NONE };
	const struct model_walk walk = { .live = failing, .decided = policy_unanswered_event, .context = &unanswered };

	if (!asking->test->is_row || asking->test->action != FWTEST_ACTION_REJECT || failing == PACKETS_NONE)
		return failing;
	model_walk(q->model, q->program, &walk);
	return model_minus(q->model, failing, unanswered.set);
}

static void policy_decide(struct policy_asking *asking, struct question *q, const struct policy_clauses *preferences)
{
	packets set = policy_restrict(q->model, q->set, &asking->test->clauses), failing = PACKETS_NONE;
	const struct decision *decisions = question_decide(q, set, SPAN_NONE);
	const char *over = question_over(q);
	struct policy_failure failure = { asking->test, q, decisions, preferences, set, PACKETS_NONE };

	if (over) {
		policy_undecided(asking, over);
		return;
	}
	if (set == PACKETS_NONE)
		return;
	asking->packets++;
	policy_cover(asking->coverage, q, set);
	for (const struct decision *d = decisions; d; d = d->next)
		if (!policy_verdict_is(asking->test->action, d->verdict))
			failing = model_or(q->model, failing, d->set);
	failing = policy_without_unanswered(asking, q, failing);
	if ((over = question_over(q))) {
		policy_undecided(asking, over);
		return;
	}
	failure.failing = failing;
	/* The first pair of zones is shown. */
	if (failing != PACKETS_NONE && asking->failures++ == 0)
		policy_report_failure(&failure, asking->diags, &asking->report);
}

static void policy_ask_path(struct policy_asking *asking, const struct path *path)
{
	struct arena arena = { 0 };
	struct policy_reader r = { .config = asking->asked->config, .arena = &arena, .ifaces = &asking->asked->ifaces };
	struct policy_clauses defaults = { NULL, NULL }, preferences = { NULL, NULL };
	const struct policy_clauses *const all[] = { &asking->test->clauses, &defaults, &preferences };
	struct model_match *matches;
	struct question q;
	uint32_t count = 0;

	policy_defaults(&r, asking->test, path, &defaults);
	policy_preferences(&r, path, &preferences);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		count += policy_count_matches(all[i]);
	matches = ARENA_ARRAY(&arena, struct model_match, count);
	count = 0;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		count += policy_list_matches(all[i], matches + count);
	question_open(&q, asking->asked, path, NULL, 0, matches, count);
	q.set = policy_restrict(q.model, q.set, &defaults);
	policy_decide(asking, &q, &preferences);
	question_close(&q);
	arena_free(&arena);
}

/* Frames that are flooded are only asked for if the test can be about them. */
static bool policy_may_be_flooded(const struct policy_test *test)
{
	return test->has_special_dest || test->has_dest_type;
}

/* Whether the zone is `any`: then the host is among what it stands for. */
static bool policy_is_any(const struct path_end *ends, uint32_t count)
{
	return count > 1 && ends[0].zone == PATH_HOST;
}

static void policy_ask_ends(struct policy_asking *asking, const struct path_end *from, const struct path_end *to)
{
	const struct policy_test *test = asking->test;
	bool any = !test->is_row && (policy_is_any(test->from, test->from_count) || policy_is_any(test->to, test->to_count));

	for (int flooded = 0; flooded <= policy_may_be_flooded(asking->test); flooded++) {
		struct arena arena = { 0 };
		struct path path;

		if (path_between(&arena, asking->asked->config, from, to, flooded, &path)) {
			asking->paths++;
			/* Packets of another network come from outside of this one, which is among the zones. */
			if (!any || !path_is_routed(&path))
				policy_ask_path(asking, &path);
		}
		arena_free(&arena);
	}
}

/* ---- tests ---- */

static void policy_report_nothing(struct policy_asking *asking)
{
	const struct policy_test *test = asking->test;
	struct diagnostic *d;

	if (!asking->paths) {
		d = diag(asking->diags, test->span, DIAG_TEST_PATH, "no packet goes from the one zone to the other");
		diag_note(d, "the test is not run");
		diag_help(d, "name two different zones");
	} else {
		d = diag(asking->diags, test->span, DIAG_TEST_EMPTY, "test is about no packet");
		diag_note(d, "no packet satisfies all conditions");
	}
	asking->report = (struct policy_report){ .result = POLICY_ERROR, .d = d };
}

struct policy_report policy_run(const struct policy_test *test, struct asked *asked, struct diags *diags,
				struct policy_coverage *coverage)
{
	struct policy_asking asking = { .test = test, .asked = asked, .diags = diags, .coverage = coverage };

	for (uint32_t i = 0; i < test->from_count; i++)
		for (uint32_t j = 0; j < test->to_count; j++)
			policy_ask_ends(&asking, &test->from[i], &test->to[j]);
	if (!asking.packets && asking.report.result == POLICY_PASSED)
		policy_report_nothing(&asking);
	if (asking.failures > 1)
		diag_note(asking.report.d, "it fails for %u more pair%s of zones", asking.failures - 1,
			  asking.failures == 2 ? "" : "s");
	return asking.report;
}
