/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watching by two means, so that neither has to be complete.
 *
 * inotify says at once that something happened in a folder.  Once a second, and after each event, the folders are
 * walked: what they hold is summed up in one number, and new folders get a watch.  Where there is no
 * inotify, or it says nothing (a pmxcfs, of what other nodes write), the walk alone finds what has changed.  An
 * event about a file counts even if the walk sees no difference: pmxcfs has times in whole seconds.
 *
 * Only files count that a tree consists of: on a node, others below /etc/pve are written every few seconds.
 */
#include "commands/lint_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/commands.h"

enum {
	DEPTH_MOST = 64,      /* of folders in folders */
	DEPTH_OF_LINK = 16,   /* what a link to a folder adds: it can lead in a circle */
	WALK_MILLISECONDS = 1000,
	SETTLE_MILLISECONDS = 30, /* between two walks until nothing changes any more */
	SETTLE_MOST = 20,
};

#define EVENTS (IN_CLOSE_WRITE | IN_MOVE | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

struct lint_watch {
	const struct cli *cli;
	struct arena arena; /* of the names */
	const char **names; /* files that options name */
	size_t name_count;
	uint64_t sum_of_trees, sum_of_names; /* what was linted last */
	int inotify; /* -1: there is none */
	int signals;
};

/* ---- what counts ---- */

static bool is_of_tree(const char *name)
{
	static const char *const ends[] = { ".fw", ".conf", ".running-config", "ipam.db", "pve-ipam-state.json", ".pvefw-lint" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (string_ends(name, ends[i]))
			return true;
	return false;
}

/* ---- the walk ---- */

/* FNV-1a */
static uint64_t mix(uint64_t sum, const void *bytes, size_t len)
{
	for (const unsigned char *at = bytes; len--; at++)
		sum = (sum ^ *at) * 1099511628211u;
	return sum;
}

/* Of a file: which one it is, and its state; that there is none is a state, too. */
static uint64_t sum_file(const char *path)
{
	uint64_t sum = mix(14695981039346656037u, path, strlen(path));
	struct stat st;

	if (stat(path, &st) != 0)
		return sum;
	sum = mix(sum, &st.st_ino, sizeof(st.st_ino));
	sum = mix(sum, &st.st_size, sizeof(st.st_size));
	sum = mix(sum, &st.st_mode, sizeof(st.st_mode));
	sum = mix(sum, &st.st_mtim, sizeof(st.st_mtim));
	return mix(sum, &st.st_ctim, sizeof(st.st_ctim));
}

static void watch_folder(const struct lint_watch *watch, const char *path)
{
	if (watch->inotify >= 0)
		inotify_add_watch(watch->inotify, path, EVENTS | IN_ONLYDIR);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The sum of what the folder holds, in whatever order. */
static uint64_t sum_folder(const struct lint_watch *watch, const char *path, unsigned depth)
{
	uint64_t sum = mix(1, path, strlen(path));
	struct dirent *entry;
	char below[PATH_MAX];
	DIR *folder;

	/* First the watch: what comes during the walk is an event. */
	watch_folder(watch, path);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		bool may_be_folder = entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
		int len = snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);

		if (len < 0 || (size_t)len >= sizeof(below))
			continue;
		if (is_of_tree(entry->d_name))
			sum += sum_file(below);
		else if (may_be_folder && entry->d_name[0] != '.' && depth < DEPTH_MOST && is_folder(below))
			sum += sum_folder(watch, below, depth + (entry->d_type == DT_LNK ? DEPTH_OF_LINK : 1));
	}
	if (folder)
		closedir(folder);
	return sum;
}

/* .pvefw-lint in the folder and above it. */
static uint64_t sum_configurations(const char *folder)
{
	char *real = realpath(folder, NULL);
	uint64_t sum = 0;
	char path[PATH_MAX];

	while (real && real[0]) {
		snprintf(path, sizeof(path), "%s/.pvefw-lint", real);
		sum += sum_file(path);
		*strrchr(real, '/') = '\0';
	}
	free(real);
	return sum + sum_file("/.pvefw-lint");
}

/* The tree or folder that a file lies in: what it refers to is there. */
static const char *folder_of(const char *path, char buffer[PATH_MAX])
{
	static const char *const places[] = { "/sdn/firewall", "/firewall", "/nodes" };
	char *real = realpath(path, NULL), *slash;

	snprintf(buffer, PATH_MAX, "%s", real ? real : path);
	free(real);
	slash = strrchr(buffer, '/');
	if (!slash)
		return ".";
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *place = strstr(buffer, places[i]);

		if (place && (place[strlen(places[i])] == '\0' || place[strlen(places[i])] == '/')) {
			*place = '\0';
			break;
		}
	}
	return buffer[0] ? buffer : "/";
}

static uint64_t sum_operand(const struct lint_watch *watch, const char *path)
{
	char buffer[PATH_MAX];
	const char *folder = is_folder(path) ? path : folder_of(path, buffer);
	uint64_t sum = sum_folder(watch, folder, 0) + sum_configurations(folder);

	/* The times of a folder change with each file in it, also with those that do not count. */
	return folder == path ? sum : sum + sum_file(path);
}

static uint64_t sum_trees(const struct lint_watch *watch)
{
	const struct cli *cli = watch->cli;
	const char *root = cli->value[CLI_ROOT] ? cli->value[CLI_ROOT] : "/etc/pve";
	uint64_t sum = 0;

	if (!cli->operand_count)
		sum += sum_operand(watch, root);
	for (int i = 0; i < cli->operand_count; i++)
		sum += sum_operand(watch, cli->operands[i]);
	return sum;
}

static uint64_t sum_names(const struct lint_watch *watch)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < watch->name_count; i++)
		sum += sum_file(watch->names[i]);
	return sum;
}

void lint_watch_names(struct lint_watch *watch, const struct cli *cli)
{
	static const unsigned options[] = { CLI_CONFIG, CLI_BASELINE, CLI_SERVICES, CLI_PROTOCOLS, CLI_ETHERTYPES };
	const size_t most = sizeof(options) / sizeof(options[0]);

	arena_free(&watch->arena);
	watch->arena = (struct arena){ 0 };
	watch->names = ARENA_ARRAY(&watch->arena, const char *, most);
	watch->name_count = 0;
	for (size_t i = 0; i < most; i++)
		if (cli->value[options[i]])
			watch->names[watch->name_count++] = arena_string(&watch->arena, text_of(cli->value[options[i]]));
	watch->sum_of_names = sum_names(watch);
}

/* ---- waiting ---- */

/* Takes all events there are; whether one is about a file that counts. */
static bool take_events(const struct lint_watch *watch)
{
	_Alignas(struct inotify_event) char buffer[8192];
	bool counts = false;
	ssize_t len;

	while (watch->inotify >= 0 && (len = read(watch->inotify, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < len;) {
			const struct inotify_event *event = (const struct inotify_event *)(const void *)(buffer + at);

			counts |= (event->len && is_of_tree(event->name)) || (event->mask & IN_Q_OVERFLOW);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	return counts;
}

/* False: it is time to end. */
static bool wait_a_while(const struct lint_watch *watch, int milliseconds)
{
	struct pollfd fds[] = {
		{ .fd = watch->signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 }, /* POLLERR: nobody reads it */
		{ .fd = watch->inotify, .events = POLLIN },
	};

	poll(fds, sizeof(fds) / sizeof(fds[0]), milliseconds);
	return !fds[0].revents && !(fds[1].revents & (POLLERR | POLLHUP));
}

/* Whether anything has changed since the last time. */
static bool has_changed(struct lint_watch *watch)
{
	bool event = take_events(watch);
	uint64_t trees = sum_trees(watch), names = sum_names(watch);
	bool changed = event || trees != watch->sum_of_trees || names != watch->sum_of_names;

	watch->sum_of_trees = trees;
	watch->sum_of_names = names;
	return changed;
}

/* Until something has changed, and then nothing has for a moment; false: it is time to end. */
static bool wait_for_change(struct lint_watch *watch)
{
	int inotify = watch->inotify;
	bool running;

	do
		running = wait_a_while(watch, WALK_MILLISECONDS);
	while (running && !has_changed(watch));
	for (int i = 0; running && i < SETTLE_MOST; i++) {
		watch->inotify = -1; /* events do not end this wait, and are taken behind it */
		running = wait_a_while(watch, SETTLE_MILLISECONDS);
		watch->inotify = inotify;
		if (!has_changed(watch))
			break;
	}
	return running;
}

/* ---- the command ---- */

static void clear_screen(void)
{
	const char *terminal = getenv("TERM");
	struct out out;

	if (!isatty(STDOUT_FILENO) || !terminal || strcmp(terminal, "dumb") == 0)
		return;
	stdout_open(&out);
	out_string(&out, "\033[H\033[2J\033[3J");
	stdout_close(&out);
}

bool lint_watch_refuses(const struct cli *cli)
{
	static const unsigned options[] = { CLI_FIX, CLI_DIFF, CLI_WRITE_BASELINE };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (cli->value[options[i]])
			return cli_error("--watch and --%s exclude each other", cli->program->options[options[i]].name) != 0;
	if (cli->value[CLI_OUTPUT] && is_of_tree(cli->value[CLI_OUTPUT]))
		return cli_error("--watch would watch the file of --output, %s", cli->value[CLI_OUTPUT]) != 0;
	for (int i = 0; i < cli->operand_count; i++)
		if (is_standard_stream(cli->operands[i]))
			return cli_error("--watch cannot watch `%s`", cli->operands[i]) != 0;
	return false;
}

int lint_watch(const struct cli *cli, int (*lint)(const struct cli *cli, struct lint_watch *watch))
{
	struct lint_watch watch = { .cli = cli };
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	watch.signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	watch.inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	watch.sum_of_trees = sum_trees(&watch);
	do {
		clear_screen();
		lint(cli, &watch);
		cli_error("watching for changes");
	} while (wait_for_change(&watch));
	arena_free(&watch.arena);
	if (watch.inotify >= 0)
		close(watch.inotify);
	close(watch.signals);
	return EXIT_CLEAN;
}
