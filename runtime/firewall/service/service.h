/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running service: one event loop that compiles and applies when the tree, the
 * kernel or the clock gives reason to.
 *
 * All reasons end in service_schedule(), which decides when the next cycle runs; a
 * cycle compiles, applies, and says what has come of it.  A cycle that fails leaves in
 * force what was, and is repeated later and later.
 */
#ifndef PVEFW_SERVICE_H
#define PVEFW_SERVICE_H

#include "firewall/service/applied.h"
#include "firewall/base/conditions.h"
#include "firewall/service/confirm.h"
#include "firewall/control/control.h"
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
	uint64_t compilations, unusable, applies, changes, patches, failures, repairs;
	uint64_t files_read;
	int64_t compile_time, apply_time;           /* of the last one */
	int64_t compile_time_all, apply_time_all;
	unsigned diagnostics[SEVERITY_ERROR + 1];   /* of the last compilation */
	int64_t last_success;                       /* seconds since 1970: the end of the last cycle that did not fail; 0: none yet */
	bool enabled;                               /* the cluster's option, then */
	bool failing;                               /* the last cycle has failed */
};

struct service {
	struct input_options options;
	const char *run_path;
	int run_dir, lock;
	sd_event *event;
	struct log log;
	struct tree tree;
	struct compilation compiled; /* of the last cycle, if it is in force */
	bool in_force;
	struct applied applied;
	struct sysctls sysctls;
	struct kernel_watch kernel;
	struct link_watch links;
	struct surroundings surroundings; /* what the last compilation was told by the machine */
	struct wiring wiring; /* of what was applied last */
	bool calls_failed; /* to change what bridge_calls.h is about, which was logged */
	bool has_no_calls; /* of that, on any bridge, for sure */
	struct control control;
	struct metrics metrics;
	struct confirm confirm;
	struct logged_diagnostics logged;
	struct conditions conditions;
	struct service_counts counts;
	/* Timers: of the next cycle, of the cluster's `enable`, of apply --confirm; the look at the
	 * kernel, and the comparison of everything. */
	sd_event_source *cycle, *expiry, *deadline, *look, *verify;
	sd_event_source *plug; /* when guests that were being plugged are looked at again */
	sd_event_source *again; /* what was refused is tried again */
	uint64_t again_pause;   /* microseconds until then; 0: nothing is left out */
	bool scheduled;
	char changed[64];                       /* the only file that has changed since the last cycle */
	bool others_changed;                    /* or not the only one */
	uint64_t due, first_change, last_cycle; /* microseconds, CLOCK_MONOTONIC; 0: none */
	uint64_t retry;                         /* microseconds until a failed cycle is repeated */
	uint64_t next_contents;                 /* microseconds, CLOCK_MONOTONIC: when sets are looked at again */
	bool doubt;                             /* the next cycle compares all that is loaded with what is wanted */
	bool told_otherwise;                    /* the machine has told the last compilation something new */
	bool filtering;                         /* what was applied last is enabled */
	uint64_t off_since;                     /* when the tree was first seen to be disabled, while `filtering` */
	bool remove_at_end;
	uint64_t started; /* microseconds, CLOCK_MONOTONIC */
	bool announced;   /* systemd was told that it is ready */
	int ready; /* one of the words below goes there when the service runs; -1: nobody waits */
};

#define READY_APPLIED "a"
#define READY_FAILING "f" /* it runs, and what was in force before stays in force; the reason follows, then a NUL */

/* Opens everything; 0, or an exit status after a message on standard error.  `answer` and `write` serve the control socket
 * and the metrics, with `s` as their context. */
int service_open(struct service *s, const struct cli *cli, control_handler *answer, metrics_writer *write);
/* Applies for the first time and goes on until service_end(); returns the exit status. */
int service_run(struct service *s);
void service_close(struct service *s);

/* Begins to wait for a confirmation; as confirm_begin(). */
int service_await_confirmation(struct service *s, uint64_t previous, uint64_t to, uint64_t seconds);
/* Leaves the event loop; with `remove`, all that is ours goes first. */
void service_end(struct service *s, bool remove);
/* The same for somebody who stops the firewall: nothing is taken back any more. */
void service_stop(struct service *s, bool keep_rules);
/* Why the last cycle has failed, from the conditions; NULL: not known.  Valid until the next call. */
const char *service_reason(const struct service *s);

/* ---- service_cycle.c ---- */

/* Compiles and applies now. True if what is compiled is in force. */
bool service_cycle(struct service *s);
/* The same in so many microseconds, or earlier. */
void service_schedule(struct service *s, uint64_t delay);
/* The same soon, but not again and again: who changes something of ours all the time is not
 * answered as fast as the machine can. */
void service_schedule_repair(struct service *s);
/* Tells systemd the state; that it is ready when the first rules are in force, or cannot be for too long. */
void service_notify(struct service *s);
/* The handler of the tree: something in it has changed. */
void service_on_change(void *context, const char *shown);
/* Handlers: the time of a cycle has come; somebody else has changed our nftables tables. */
int service_on_cycle(sd_event_source *source, uint64_t now, void *context);
int service_on_again(sd_event_source *source, uint64_t now, void *context);
/* The machine answers otherwise than it did to the last compilation. */
void service_on_surroundings(void *context);
void service_on_tampered(void *context);

/* ---- service_wiring.c ---- */

/* Finds guests that are plugged in such a way that the target does not filter them. */
void service_check_wiring(struct service *s);
/* Handler: guests were being plugged. */
int service_on_plug(sd_event_source *source, uint64_t now, void *context);

/* CLOCK_MONOTONIC in microseconds. */
uint64_t service_now(void);
void service_arm(sd_event_source *timer, uint64_t time);

#endif
