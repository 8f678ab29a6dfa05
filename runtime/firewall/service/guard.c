/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard of apply --confirm: a process in a session of its own, which survives the terminal of its user.
 *
 * The service rolls back at the deadline.  The guard waits a little longer; if the request is still pending then, and no
 * service holds the lock, it rolls back itself.  It acts only under the lock, and reads the state anew when it has it:
 * stopping the firewall ends the wait.  If its program is gone, as after the package was removed, it does not act.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/daemonize.h"
#include "firewall/service/applied.h"
#include "firewall/service/confirm.h"
#include "firewall/service/in_force.h"
#include "firewall/base/rundir.h"

enum { GRACE = 3000000 /* microseconds */, REQUEST_WAIT = 60 /* seconds */ };

struct guard {
	const char *state_path, *run_path;
	const struct input_options *options;
	struct log log;
	char program[4096];
	int answered; /* a socket: a byte comes when the service has answered */
};

/* ---- rolling back ---- */

static bool guard_enforce(struct guard *guard, struct confirm *confirm, int run_dir)
{
	struct compilation c;
	struct arena arena = { 0 }; /* not the compilation's, which may be compiled again */
	struct applying applying = { .arena = &arena };
	struct sysctls sysctls;
	struct applied applied;
	bool done;

	sysctls_open(&sysctls, run_dir, &guard->log);
	applied_init(&applied, &guard->log, &sysctls);
	confirm_compile(confirm, guard->options, NULL, &applied.left_out, &c);
	in_force_forget(run_dir);
	done = c.config && applied_load(&applied, &c, &applying);
	if (done)
		confirm_note_applied(confirm, &c, applying.changed);
	else if (!c.config)
		log_message(&guard->log, PRIORITY_CRITICAL, NULL, "previous configuration cannot be read");
	compilation_free(&c);
	arena_free(&arena);
	applied_free(&applied);
	return done;
}

/* With the lock. */
static void guard_roll_back(struct guard *guard, int run_dir)
{
	struct confirm confirm;

	confirm_open(&confirm, guard->state_path, guard->run_path, true, &guard->log);
	if (confirm_is_over(&confirm) && confirm_roll_back(&confirm, guard->options, NULL) &&
	    guard_enforce(guard, &confirm, run_dir))
		log_message(&guard->log, PRIORITY_NOTICE, NULL, "previous configuration is enforced again");
	confirm_close(&confirm);
}

/* ---- waiting ---- */

enum request { REQUEST_NONE, REQUEST_WAITS, REQUEST_OVER };

static enum request guard_poll(const struct guard *guard)
{
	enum request request = REQUEST_NONE;
	struct confirm confirm;

	confirm_open(&confirm, guard->state_path, guard->run_path, false, NULL);
	if (confirm.pending)
		request = confirm_now() >= confirm.deadline + GRACE ? REQUEST_OVER : REQUEST_WAITS;
	confirm_close(&confirm);
	return request;
}

/* Whether the service has answered; waits for at most a second. */
static bool is_answered(const struct guard *guard)
{
	struct pollfd waiting = { .fd = guard->answered, .events = POLLIN };
	char byte;

	if (poll(&waiting, 1, 1000) > 0 && read(guard->answered, &byte, 1) == 1)
		return true;
	if (waiting.revents) /* the command is dead; the request may be answered later */
		sleep(1);
	return false;
}

/* The command starts the guard before it makes the request.  False: there is none, or it is over already. */
static bool wait_for_request(const struct guard *guard)
{
	for (int i = 0; i < REQUEST_WAIT; i++) {
		if (guard_poll(guard) != REQUEST_NONE)
			return true;
		if (is_answered(guard))
			return guard_poll(guard) != REQUEST_NONE;
	}
	return false;
}

static void read_program(struct guard *guard)
{
	static const char deleted[] = " (deleted)";
	ssize_t len = readlink("/proc/self/exe", guard->program, sizeof(guard->program) - 1);

	guard->program[len < 0 ? 0 : len] = '\0';
	if (len > (ssize_t)strlen(deleted) && strcmp(guard->program + len - strlen(deleted), deleted) == 0)
		guard->program[len - (ssize_t)strlen(deleted)] = '\0';
}

static void guard_run(struct guard *guard)
{
	int run_dir = rundir_open_existing(guard->run_path), lock;
	enum request request;
	pid_t holder;

	if (run_dir < 0 || !wait_for_request(guard))
		return;
	for (; (request = guard_poll(guard)) != REQUEST_NONE; sleep(1)) {
		if (request != REQUEST_OVER)
			continue;
		/* A service that lives rolls back itself. */
		lock = rundir_lock(run_dir, 0, &holder);
		if (lock < 0)
			continue;
		if (!guard->program[0] || access(guard->program, F_OK) == 0)
			guard_roll_back(guard, run_dir);
		return;
	}
}

/* ---- starting ---- */

int confirm_start_guard(const char *state_path, const char *run_path, const char *log_file,
			const struct input_options *options, int *answered)
{
	struct guard guard = { .state_path = state_path, .run_path = run_path, .options = options };
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return errno;
	read_program(&guard);
	guard.answered = ends[0];
	*answered = ends[1];
	child = fork();
	if (child < 0)
		return errno;
	if (child == 0) {
		close(ends[1]);
		setsid();
		signal(SIGHUP, SIG_IGN);
		close_terminal();
		/* Twice, so that the guard is a child of init. */
		if (fork() == 0) {
			log_open(&guard.log, log_file, false);
			guard_run(&guard);
		}
		_exit(0);
	}
	close(ends[0]);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}
