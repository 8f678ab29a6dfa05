/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard of apply --confirm: a process in a session of its own, which a terminal
 * that goes away does not end.
 *
 * The service goes back at the deadline.  The guard waits a little longer; if the
 * request is still there then, and no service holds the lock, it does so itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/applied.h"
#include "firewall/confirm.h"
#include "firewall/rundir.h"

enum { GRACE = 3000000 /* microseconds */, REQUEST_WAIT = 60 /* seconds */ };

/* The service lives: it is its turn, unless it does not take it. */
static bool is_for_us(int run_dir, int *lock)
{
	pid_t holder;

	*lock = rundir_lock(run_dir, 0, &holder);
	return *lock >= 0;
}

static bool enforce(struct applied *applied, struct log *log, const struct input_options *options)
{
	struct compilation c;
	struct applying applying = { .arena = &c.arena };
	bool done;

	compilation_run(&c, options, NULL);
	done = c.config && applied_load(applied, &c, &applying);
	if (!c.config)
		log_message(log, PRIORITY_CRITICAL, NULL, "what was enforced before cannot be read");
	compilation_free(&c);
	return done;
}

/* Of the tree as it is now: that is what was not confirmed. */
static bool digest_tree(const struct input_options *options, struct tree_digest *digest)
{
	struct compilation c;
	bool readable;

	compilation_run(&c, options, NULL);
	readable = c.config != NULL;
	*digest = c.digest;
	compilation_free(&c);
	return readable;
}

static void go_back(struct confirm *confirm, struct log *log, const struct input_options *options)
{
	struct arena arena = { 0 };
	struct input_options kept = confirm_inputs(confirm, &arena, options);
	struct tree_digest digest;
	struct applied applied;
	struct sysctls sysctls;

	sysctls_open(&sysctls, confirm->run_dir, log);
	applied_init(&applied, log, &sysctls);
	log_message(log, PRIORITY_WARNING, NULL, "not confirmed in time: going back to what was enforced before");
	if (digest_tree(options, &digest))
		confirm_hold(confirm, &digest);
	if (enforce(&applied, log, &kept))
		log_message(log, PRIORITY_NOTICE, NULL, "what was enforced before is enforced again");
	applied_free(&applied);
	arena_free(&arena);
}

/* Whoever has started the guard makes the request afterwards. */
static void wait_for_request(struct confirm *confirm, int run_dir, const char *run_path)
{
	for (int i = 0; i < REQUEST_WAIT; i++) {
		confirm_open(confirm, run_dir, run_path);
		if (confirm->pending)
			return;
		sleep(1);
	}
}

/* True when the deadline is over and the request still there. */
static bool wait_for_deadline(struct confirm *confirm, int run_dir, const char *run_path)
{
	for (;;) {
		confirm_open(confirm, run_dir, run_path);
		if (!confirm->pending)
			return false;
		if (confirm_now() >= confirm->deadline + GRACE)
			return true;
		sleep(1);
	}
}

static void guard(const char *run_path, const char *log_file, const struct input_options *options)
{
	int run_dir = rundir_open_existing(run_path), lock = -1;
	struct confirm confirm;
	struct log log;

	log_open(&log, log_file, false);
	if (run_dir >= 0)
		wait_for_request(&confirm, run_dir, run_path);
	while (run_dir >= 0 && wait_for_deadline(&confirm, run_dir, run_path)) {
		if (is_for_us(run_dir, &lock)) {
			go_back(&confirm, &log, options);
			return;
		}
		sleep(1);
	}
}

/* Away from the terminal and the session of who has asked. */
static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	signal(SIGHUP, SIG_IGN);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
}

int confirm_start_guard(const char *run_path, const char *log_file, const struct input_options *options)
{
	pid_t child = fork();

	if (child < 0)
		return errno;
	if (child == 0) {
		leave_terminal();
		/* Twice, so that it is nobody's child. */
		if (fork() == 0)
			guard(run_path, log_file, options);
		_exit(0);
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}
