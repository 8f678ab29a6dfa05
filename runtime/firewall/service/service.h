/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running service: an event loop that turns what happens into events of the cycle (cycle.h), and what the cycle asks for
 * into work (effects.c).
 */
#ifndef PVEFW_SERVICE_H
#define PVEFW_SERVICE_H

#include "firewall/service/applied.h"
#include "firewall/base/conditions.h"
#include "firewall/service/confirm.h"
#include "firewall/control/control.h"
#include "firewall/service/cycle.h"
#include "firewall/service/kernel_watch.h"
#include "firewall/wiring/link_watch.h"
#include "firewall/control/metrics.h"
#include "firewall/wiring/surroundings.h"
#include "firewall/base/logged_diagnostics.h"
#include "firewall/tree/tree.h"
#include "firewall/wiring/wiring.h"

struct cli;

/* What has happened since the service started; times in nanoseconds. */
struct service_counts {
	uint64_t compilations, unusable, applies, changes, patches, repairs;
	uint64_t files_read;
	int64_t compile_time, apply_time;         /* of the last one */
	int64_t compile_time_all, apply_time_all;
	unsigned diagnostics[SEVERITY_ERROR + 1]; /* of the last compilation */
	int64_t last_success;                     /* seconds since 1970: the end of the last cycle that did not fail; 0: none yet */
	bool enabled;                             /* the cluster's option, in the last compilation */
};

struct service {
	struct input_options options;
	const char *run_path;
	int run_dir, lock;
	sd_event *event;
	struct log log;
	struct tree tree;
	struct cycle cycle;
	struct compilation compiled; /* of the last cycle, if it is loaded */
	bool in_force;
	struct applied applied;
	struct sysctls sysctls;
	struct kernel_watch kernel;
	struct link_watch links;
	struct surroundings surroundings; /* the answers of this machine to the last compilation */
	bool surroundings_differ;         /* they are not those to the compilation before */
	struct wiring wiring;             /* of what was applied last */
	bool bridge_calls_fail;           /* bridge_calls_set() has failed, which was logged */
	bool bridge_calls_off;            /* for sure, on all bridges */
	struct control control;
	struct metrics metrics;
	struct confirm confirm;
	struct logged_diagnostics logged;
	struct conditions conditions;
	struct service_counts counts;
	/* Timers: those of the cycle; the end of the cluster's `enable`, the deadline of apply --confirm, and when guests that
	 * were being plugged are checked again. */
	sd_event_source *timers[CYCLE_TIMERS], *expiry, *deadline, *plug;
	bool is_filtering; /* the last applied configuration is enabled */
	uint64_t started;  /* microseconds, CLOCK_MONOTONIC */
	bool is_ready;     /* systemd was notified */
	int ready;         /* one of the words below goes there when the service runs; -1: nobody waits */
};

#define READY_APPLIED "a"
#define READY_FAILING "f" /* it runs, and what was in force before stays in force; the reason follows, then a NUL */

/* Opens everything; 0, or an exit status after a message on standard error.  `answer` and `write` serve the control socket
 * and the metrics, with `s` as their context. */
int service_open(struct service *s, const struct cli *cli, control_handler *answer, metrics_writer *write);
/* Applies for the first time and goes on until it is stopped; returns the exit status. */
int service_run(struct service *s);
void service_close(struct service *s);

/* Starts to wait for a confirmation; as confirm_begin(). */
int service_await_confirmation(struct service *s, uint64_t previous, uint64_t to, uint64_t seconds);
/* Ends the service because the firewall is stopped; cancels any pending rollback. */
void service_stop(struct service *s, bool keep_rules);
/* Why the last cycle has failed, from the conditions; NULL: not known.  Valid until the next call. */
const char *service_reason(const struct service *s);

/* ---- effects.c ---- */

/* What the cycle does; its context is a struct service. */
extern const struct cycle_effects service_effects;

void service_arm(sd_event_source *timer, uint64_t time);
/* Checks whether guests are plugged in such a way that the target filters them. */
void service_check_wiring(struct service *s);

#endif
