/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running many independent jobs on all processors. */
#ifndef PVEFW_PARALLEL_FOR_H
#define PVEFW_PARALLEL_FOR_H

enum { PARALLEL_MOST = 8 };

/* Returns how many workers pay for `jobs` jobs of about ten microseconds each: 1 to PARALLEL_MOST. */
unsigned parallel_workers(unsigned jobs);

/* Returns how many workers pay for jobs that are each worth a thread. */
unsigned parallel_workers_for_long(unsigned jobs);

typedef void parallel_job(void *context, unsigned worker, unsigned n);

/*
 * Calls job(context, worker, n) once for every n below `jobs`, from `workers` threads (one of them the
 * caller's); `worker` tells which, from 0. Returns when all are done. The order is not fixed: a job's result
 * must not depend on it. When threads cannot be had, fewer do the work.
 */
void parallel_run(unsigned workers, unsigned jobs, parallel_job *job, void *context);

/* Calls finish(context, worker, n) after each job, too, from the job's thread: for one n after the other,
 * from 0. */
void parallel_run_in_order(unsigned workers, unsigned jobs, parallel_job *job, parallel_job *finish,
			   void *context);

#endif
