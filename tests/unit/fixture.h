/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a test of an input's reader needs: an arena, a source map, diagnostics,
 * and ways to ask what was reported. */
#ifndef PVEFW_FIXTURE_H
#define PVEFW_FIXTURE_H

#include <check.h>

#include "diag/diag.h"

struct fixture {
	struct arena arena;
	struct source_map map;
	struct diags diags;
};

static inline void fixture_start(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	source_map_init(&f->map, &f->arena);
	diags_init(&f->diags, &f->arena, &f->map);
}

static inline void fixture_end(struct fixture *f)
{
	arena_free(&f->arena);
}

/* How often `id` was reported. */
static inline unsigned reported(const struct fixture *f, enum diag_id id)
{
	unsigned count = 0;

	for (const struct diagnostic *d = f->diags.first; d; d = d->next)
		count += d->id == id;
	return count;
}

static inline unsigned reported_any(const struct fixture *f)
{
	unsigned count = 0;

	for (const struct diagnostic *d = f->diags.first; d; d = d->next)
		count++;
	return count;
}

static inline const struct diagnostic *report_of(const struct fixture *f, enum diag_id id)
{
	for (const struct diagnostic *d = f->diags.first; d; d = d->next)
		if (d->id == id)
			return d;
	return NULL;
}

static inline bool has_part(const struct diagnostic *d, enum diag_part_kind kind, const char *text)
{
	for (const struct diag_part *p = d->parts; p; p = p->next)
		if (p->kind == kind && strstr(p->text, text))
			return true;
	return false;
}

/* The bytes at a diagnostic's carets. */
static inline struct text report_text(struct fixture *f, const struct diagnostic *d)
{
	const struct source *source = source_find(&f->map, d->span.begin);

	ck_assert_ptr_nonnull(source);
	return (struct text){ source->text + (d->span.begin - source->base),
			      d->span.end - d->span.begin };
}

/* Reported once, at these bytes. */
static inline void assert_report(struct fixture *f, enum diag_id id, const char *at)
{
	const struct diagnostic *d = report_of(f, id);

	ck_assert_uint_eq(reported(f, id), 1);
	ck_assert_msg(text_is(report_text(f, d), at), "reported at `%.*s`",
		      TEXT_ARG(report_text(f, d)));
}

#define ck_assert_text(t, expected) \
	ck_assert_msg(text_is((t), (expected)), "`%.*s` is not `%s`", TEXT_ARG(t), (expected))

/* Runs one suite of one case; the exit status of the program. */
static inline int run_suite(const char *name, TCase *tcase)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
