/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard of apply --confirm: a process in a session of its own, which a terminal
 * that goes away does not end.
 *
 * The service goes back at the deadline.  The guard waits a little longer; if the
 * request is still there then, and no service holds the lock, it does so itself.
 *
 * It acts only under the lock, and reads the state anew when it has it: whoever has stopped the firewall
 * meanwhile has ended the wait.  It does not act either when its program is gone, as after the package was removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/service/applied.h"
#include "firewall/service/confirm.h"
#include "firewall/service/in_force.h"
#include "firewall/base/rundir.h"
#include "common/daemonize.h"

enum { GRACE = 3000000 /* microseconds */, REQUEST_WAIT = 60 /* seconds */ };

struct guard {
	const char *state_path, *run_path;
	const struct input_options *options;
	struct log log;
	char program[4096];
	int answered; /* a socket: a byte comes when the service has answered the request */
};

/* ---- going back ---- */

static bool enforce(struct guard *guard, struct confirm *confirm, int run_dir)
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
		log_message(&guard->log, PRIORITY_CRITICAL, NULL, "what was enforced before cannot be read");
	compilation_free(&c);
	arena_free(&arena);
	applied_free(&applied);
	return done;
}

static void go_back(struct guard *guard, struct confirm *confirm, int run_dir)
{
	if (!confirm_roll_back(confirm, guard->options, NULL))
		return;
	if (enforce(guard, confirm, run_dir))
		log_message(&guard->log, PRIORITY_NOTICE, NULL, "what was enforced before is enforced again");
}

/* With the lock. */
static void go_back_if_over(struct guard *guard, int run_dir)
{
	struct confirm confirm;

	confirm_open(&confirm, guard->state_path, guard->run_path, true, &guard->log);
	if (confirm_is_over(&confirm))
		go_back(guard, &confirm, run_dir);
	confirm_close(&confirm);
}

/* ---- waiting ---- */

enum request { REQUEST_NONE, REQUEST_WAITS, REQUEST_OVER };

static enum request look(const struct guard *guard)
{
	enum request request = REQUEST_NONE;
	struct confirm confirm;

	confirm_open(&confirm, guard->state_path, guard->run_path, false, NULL);
	if (confirm.pending)
		request = confirm_now() >= confirm.deadline + GRACE ? REQUEST_OVER : REQUEST_WAITS;
	confirm_close(&confirm);
	return request;
}

/* Whether the service has answered, after at most a second. */
static bool is_answered(const struct guard *guard)
{
	struct pollfd waiting = { .fd = guard->answered, .events = POLLIN };
	char byte;

	if (poll(&waiting, 1, 1000) > 0 && read(guard->answered, &byte, 1) == 1)
		return true;
	if (waiting.revents) /* whoever asked is dead; the request may be answered later */
		sleep(1);
	return false;
}

/* Whoever has started the guard makes the request afterwards.  False: there is none, or it is over already. */
static bool wait_for_request(const struct guard *guard)
{
	for (int i = 0; i < REQUEST_WAIT; i++) {
		if (look(guard) != REQUEST_NONE)
			return true;
		if (is_answered(guard))
			return look(guard) != REQUEST_NONE;
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

static bool is_installed(const struct guard *guard)
{
	return !guard->program[0] || access(guard->program, F_OK) == 0;
}

static void guard_run(struct guard *guard)
{
	int run_dir = rundir_open_existing(guard->run_path), lock;
	enum request request;
	pid_t holder;

	if (run_dir < 0 || !wait_for_request(guard))
		return;
	for (; (request = look(guard)) != REQUEST_NONE; sleep(1)) {
		if (request != REQUEST_OVER)
			continue;
		/* While a service lives it is its turn. */
		lock = rundir_lock(run_dir, 0, &holder);
		if (lock < 0)
			continue;
		if (is_installed(guard))
			go_back_if_over(guard, run_dir);
		return;
	}
}

/* ---- starting ---- */

/* Away from the terminal and the session of who has asked. */
static void leave_terminal(void)
{
	setsid();
	signal(SIGHUP, SIG_IGN);
	close_terminal();
}

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
		leave_terminal();
		/* Twice, so that it is nobody's child. */
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
