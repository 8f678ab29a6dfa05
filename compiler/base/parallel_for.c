/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fixed set of threads works off a queue of jobs. */
#include "base/parallel_for.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { JOBS_A_WORKER = 64 };

struct row {
	atomic_uint next;
	unsigned jobs;
	void (*job)(void *context, unsigned worker, unsigned n);
	void *context;
};

struct worker {
	struct row *row;
	unsigned number;
	pthread_t thread;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct row *row = worker->row;
	unsigned n;

	while ((n = atomic_fetch_add(&row->next, 1)) < row->jobs)
		row->job(row->context, worker->number, n);
	return NULL;
}

/* At most `worth` workers, one a processor. */
static unsigned limit_workers(unsigned worth)
{
	unsigned processors = 1;
	cpu_set_t set;

	if (worth > 1 && sched_getaffinity(0, sizeof(set), &set) == 0)
		processors = (unsigned)CPU_COUNT(&set);
	if (worth > processors)
		worth = processors;
	return worth > PARALLEL_MOST ? PARALLEL_MOST : worth;
}

unsigned parallel_workers(unsigned jobs)
{
	return limit_workers(jobs / JOBS_A_WORKER + 1);
}

unsigned parallel_workers_for_long(unsigned jobs)
{
	return limit_workers(jobs);
}

void parallel_run(unsigned workers, unsigned jobs, void (*job)(void *context, unsigned worker, unsigned n),
		  void *context)
{
	struct row row = { .jobs = jobs, .job = job, .context = context };
	struct worker others[PARALLEL_MOST];
	unsigned started = 0;

	while (started + 1 < workers) {
		others[started] = (struct worker){ .row = &row, .number = started + 1 };
		if (pthread_create(&others[started].thread, NULL, work, &others[started]) != 0)
			break;
		started++;
	}
	work(&(struct worker){ .row = &row });
	for (unsigned i = 0; i < started; i++)
		pthread_join(others[i].thread, NULL);
}
