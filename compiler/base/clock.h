/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading clocks as plain numbers, and short pauses. */
#ifndef PVEFW_CLOCK_H
#define PVEFW_CLOCK_H

#include <stdint.h>
#include <time.h>

/* The time of a clock, such as CLOCK_MONOTONIC, in nanoseconds. */
static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Returns the clock's time in microseconds, the unit of sd-event. */
static inline uint64_t clock_us(clockid_t clock)
{
	return (uint64_t)clock_ns(clock) / 1000;
}

/* Pauses for up to `ms` milliseconds; a signal ends the pause. */
static inline void sleep_ms(int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

#endif
