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
	parallel_job *job, *finish; /* `finish` NULL: no order */
	void *context;
	/* The job that finishes next. */
	unsigned turn;
	pthread_mutex_t lock;
	pthread_cond_t turned;
};

struct worker {
	struct row *row;
	unsigned number;
	pthread_t thread;
};

/* Jobs are taken in their order, so the job that is waited for has been taken. */
static void finish_in_turn(struct worker *worker, unsigned n)
{
	struct row *row = worker->row;

	pthread_mutex_lock(&row->lock);
	while (row->turn != n)
		pthread_cond_wait(&row->turned, &row->lock);
	pthread_mutex_unlock(&row->lock);
	row->finish(row->context, worker->number, n);
	pthread_mutex_lock(&row->lock);
	row->turn++;
	pthread_cond_broadcast(&row->turned);
	pthread_mutex_unlock(&row->lock);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct row *row = worker->row;
	unsigned n;

	while ((n = atomic_fetch_add(&row->next, 1)) < row->jobs) {
		row->job(row->context, worker->number, n);
		if (row->finish)
			finish_in_turn(worker, n);
	}
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

static void run(struct row *row, unsigned workers)
{
	struct worker others[PARALLEL_MOST];
	unsigned started = 0;

	while (started + 1 < workers) {
		others[started] = (struct worker){ .row = row, .number = started + 1 };
		if (pthread_create(&others[started].thread, NULL, work, &others[started]) != 0)
			break;
		started++;
	}
	work(&(struct worker){ .row = row });
	for (unsigned i = 0; i < started; i++)
		pthread_join(others[i].thread, NULL);
}

void parallel_run(unsigned workers, unsigned jobs, parallel_job *job, void *context)
{
	struct row row = { .jobs = jobs, .job = job, .context = context };

	run(&row, workers);
}

void parallel_run_in_order(unsigned workers, unsigned jobs, parallel_job *job, parallel_job *finish,
			   void *context)
{
	struct row row = { .jobs = jobs, .job = job, .finish = finish, .context = context };

	pthread_mutex_init(&row.lock, NULL);
	pthread_cond_init(&row.turned, NULL);
	run(&row, workers);
	pthread_cond_destroy(&row.turned);
	pthread_mutex_destroy(&row.lock);
}
