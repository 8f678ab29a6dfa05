/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running programs: without a shell, with a deadline, several at a time.
 *
 * Standard input, output and error are files in memory. So nothing can block, a grandchild that keeps a
 * descriptor open delays nobody, and when we are killed the program has its whole input nevertheless: it
 * never acts on the first half of a script. Each is the leader of a process group, which is killed when it is
 * late.
 */
#include "base/subprocess.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static int failed(struct process *p, int reason)
{
	p->end = PROCESS_NO_START;
	p->number = reason;
	return -1;
}

static int open_files(struct process *p)
{
	struct out in;

	for (int i = 0; i < 3; i++)
		p->files[i] = -1;
	for (int i = 0; i < 3; i++) {
		p->files[i] = memfd_create("pvefw", MFD_CLOEXEC);
		if (p->files[i] < 0)
			return failed(p, errno);
	}
	out_init_fd(&in, p->files[0]);
	out_bytes(&in, p->input, p->input_len);
	out_flush(&in);
	if (in.error || lseek(p->files[0], 0, SEEK_SET) < 0)
		failed(p, in.error ? in.error : errno);
	out_free(&in);
	return p->end == PROCESS_NO_START ? -1 : 0;
}

static int spawn(struct process *p, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(actions, p->files[i], i);
	if (p->keep)
		posix_spawn_file_actions_adddup2(actions, p->keep, p->keep); /* not closed then */
	posix_spawnattr_setflags(attributes,
				 POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
	return posix_spawnp(&p->pid, p->argv[0], actions, attributes, (char *const *)p->argv, environ);
}

void process_start(struct process *p)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int reason;

	out_init_memory(&p->output);
	out_init_memory(&p->errors);
	p->pid = 0;
	p->end = PROCESS_EXITED;
	p->deadline = clock_ns(CLOCK_MONOTONIC) / 1000000 + p->patience;
	if (open_files(p) < 0)
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	reason = spawn(p, &actions, &attributes);
	if (reason) {
		p->pid = 0;
		failed(p, reason);
	}
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
}

/* Whether it has ended; it is left to be waited for. */
static bool has_ended(const struct process *p)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOWAIT | WNOHANG) < 0 || info.si_pid;
}

/* Whether it has ended before the deadline. Where there are no descriptors of processes (valgrind, kernels
 * before 5.3) it is looked at every few milliseconds. */
static bool wait_until_deadline(const struct process *p)
{
	struct pollfd ended = { .fd = pidfd_open(p->pid, 0), .events = POLLIN };
	bool in_time = has_ended(p);

	while (!in_time && clock_ns(CLOCK_MONOTONIC) / 1000000 < p->deadline) {
		int64_t left = p->deadline - clock_ns(CLOCK_MONOTONIC) / 1000000;
		int most = ended.fd < 0 ? 5 : 60000;

		poll(&ended, 1, left < 0 ? 0 : left > most ? most : (int)left);
		in_time = has_ended(p);
	}
	if (ended.fd >= 0)
		close(ended.fd);
	return in_time;
}

static void read_back(struct out *out, int file)
{
	struct stat status;
	ssize_t n;

	if (fstat(file, &status) < 0 || status.st_size <= 0)
		return;
	out_make_room(out, (size_t)status.st_size);
	while (out->len < (size_t)status.st_size) {
		n = pread(file, out->data + out->len, (size_t)status.st_size - out->len, (off_t)out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		out->len += (size_t)n;
	}
}

static void collect_status(struct process *p)
{
	bool in_time = wait_until_deadline(p);
	int status;

	/* A late one is killed with its group; of one in time the leader is gone already. */
	if (!in_time)
		kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0)
		if (errno != EINTR) {
			failed(p, errno); /* another thread has waited for it: its status is lost */
			return;
		}
	p->end = !in_time ? PROCESS_TIMED_OUT : WIFEXITED(status) ? PROCESS_EXITED : PROCESS_KILLED;
	p->number = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

void process_finish(struct process *p)
{
	if (p->pid) {
		collect_status(p);
		read_back(&p->output, p->files[1]);
		read_back(&p->errors, p->files[2]);
	}
	for (int i = 0; i < 3; i++)
		if (p->files[i] >= 0)
			close(p->files[i]);
}

void process_free(struct process *p)
{
	out_free(&p->output);
	out_free(&p->errors);
}

bool process_succeeded(const struct process *p)
{
	return p->end == PROCESS_EXITED && p->number == 0;
}
