/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches in two ways, neither of which has to be complete.
 *
 * inotify reports at once that something happened in a folder.  Once a second, and after each event, the
 * folders are walked: the state of each file is listed, and new folders get a watch.  Where there is no
 * inotify, or where it reports nothing (a pmxcfs, of what other nodes write), the walk alone finds what has
 * changed: the list differs from the last one.  An event about a file is a change even if the list is the
 * same: pmxcfs has times in whole seconds.
 *
 * Only files count that a tree consists of: on a node, others below /etc/pve are written every few seconds.
 */
#include "commands/lint_watch.h"

#include <dirent.h>
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
#include "commands/single_file.h"

enum {
	DEPTH_MAX = 64,     /* of folders in folders */
	DEPTH_OF_LINK = 16, /* what a link to a folder adds: it can lead in a circle */
	WALK_MILLISECONDS = 1000,
	SETTLE_MILLISECONDS = 30, /* between two walks until nothing changes any more */
	SETTLE_MAX = 20,
};

#define EVENTS (IN_CLOSE_WRITE | IN_MOVE | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

struct lint_watch {
	const struct cli *cli;
	struct out names;   /* files that options name, each ended by a NUL */
	struct out trees, named; /* the state of all files when they were linted last: of the trees, and of `names` */
	int inotify; /* -1: there is none */
	int signals;
};

static bool is_of_tree(const char *name)
{
	static const char *const ends[] = {
		".fw", ".conf", ".running-config", "ipam.db", "pve-ipam-state.json", ".pvefw-lint"
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (string_ends(name, ends[i]))
			return true;
	return false;
}

/* ---- the walk ---- */

/* Lists the file and its state: which one it is, its size, and when it was changed; or that it is missing. */
static void list_file(struct out *list, const char *path)
{
	struct stat st;

	out_bytes(list, path, strlen(path) + 1);
	if (stat(path, &st) != 0)
		return;
	out_printf(list, "%ju %ju %o %jd.%ld %jd.%ld\n", (uintmax_t)st.st_ino, (uintmax_t)st.st_size, st.st_mode,
		   (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

static int is_walked(const struct dirent *entry)
{
	bool may_be_folder = entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;

	return is_of_tree(entry->d_name) || (may_be_folder && entry->d_name[0] != '.');
}

/* Lists the directory. */
static void list_folder(const struct lint_watch *watch, struct out *list, const char *path, unsigned depth)
{
	struct dirent **entries = NULL;
	char below[PATH_MAX];
	int count;

	/* The watch comes first: then a change during the walk is an event. */
	if (watch->inotify >= 0)
		inotify_add_watch(watch->inotify, path, EVENTS | IN_ONLYDIR);
	out_bytes(list, path, strlen(path) + 1);
	count = scandir(path, &entries, is_walked, alphasort);
	for (int i = 0; i < count; i++) {
		const struct dirent *entry = entries[i];
		int len = snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);

		if (len >= 0 && (size_t)len < sizeof(below) && is_of_tree(entry->d_name))
			list_file(list, below);
		else if (len >= 0 && (size_t)len < sizeof(below) && depth < DEPTH_MAX && is_folder(below))
			list_folder(watch, list, below, depth + (entry->d_type == DT_LNK ? DEPTH_OF_LINK : 1));
		free(entries[i]);
	}
	free(entries);
}

/* Lists .pvefw-lint in the folder and above it. */
static void list_configurations(struct out *list, const char *folder)
{
	char *real = realpath(folder, NULL), path[PATH_MAX];

	for (; real && real[0]; *strrchr(real, '/') = '\0') {
		snprintf(path, sizeof(path), "%s/.pvefw-lint", real);
		list_file(list, path);
	}
	free(real);
	list_file(list, "/.pvefw-lint");
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

static void list_operand(const struct lint_watch *watch, struct out *list, const char *path)
{
	char buffer[PATH_MAX];
	const char *folder = is_folder(path) ? path : folder_of(path, buffer);

	list_folder(watch, list, folder, 0);
	list_configurations(list, folder);
	/* Not for a folder: its times change with each file in it, also with those that do not count. */
	if (folder != path)
		list_file(list, path);
}

static struct out list_trees(const struct lint_watch *watch)
{
	const struct cli *cli = watch->cli;
	struct out list;

	out_init_memory(&list);
	if (!cli->operand_count)
		list_operand(watch, &list, cli->value[CLI_ROOT] ? cli->value[CLI_ROOT] : "/etc/pve");
	for (int i = 0; i < cli->operand_count; i++)
		list_operand(watch, &list, cli->operands[i]);
	return list;
}

static struct out list_named(const struct lint_watch *watch)
{
	struct out list;

	out_init_memory(&list);
	for (size_t at = 0; at < watch->names.len; at += strlen(watch->names.data + at) + 1)
		list_file(&list, watch->names.data + at);
	return list;
}

/* Replaces a list; returns whether the new one differs. */
static bool replace_list(struct out *list, struct out new)
{
	bool differs = list->len != new.len || (new.len && memcmp(list->data, new.data, new.len) != 0);

	out_free(list);
	*list = new;
	return differs;
}

void lint_watch_names(struct lint_watch *watch, const struct cli *cli)
{
	static const unsigned options[] = { CLI_CONFIG, CLI_BASELINE, CLI_SERVICES, CLI_PROTOCOLS, CLI_ETHERTYPES };

	watch->names.len = 0;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (cli->value[options[i]])
			out_bytes(&watch->names, cli->value[options[i]], strlen(cli->value[options[i]]) + 1);
	replace_list(&watch->named, list_named(watch));
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
		{ .fd = STDOUT_FILENO, .events = 0 }, /* POLLERR: no reader */
		{ .fd = watch->inotify, .events = POLLIN },
	};

	poll(fds, sizeof(fds) / sizeof(fds[0]), milliseconds);
	return !fds[0].revents && !(fds[1].revents & (POLLERR | POLLHUP));
}

/* Whether anything has changed since the last time. */
static bool has_changed(struct lint_watch *watch)
{
	bool event = take_events(watch), trees = replace_list(&watch->trees, list_trees(watch));

	return replace_list(&watch->named, list_named(watch)) || trees || event;
}

/* Until something has changed, and then nothing has for a moment; false: it is time to end. */
static bool wait_for_change(struct lint_watch *watch)
{
	int inotify = watch->inotify;
	bool running;

	do
		running = wait_a_while(watch, WALK_MILLISECONDS);
	while (running && !has_changed(watch));
	for (int i = 0; running && i < SETTLE_MAX; i++) {
		watch->inotify = -1; /* events do not end this wait; they are read after it */
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
			return cli_error("--watch and --%s exclude each other",
					 cli->program->options[options[i]].name) != 0;
	if (cli->value[CLI_OUTPUT] && is_of_tree(cli->value[CLI_OUTPUT]))
		return cli_error("--watch cannot watch the file of --output, %s", cli->value[CLI_OUTPUT]) !=
		       0;
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
	out_init_memory(&watch.names);
	out_init_memory(&watch.named);
	watch.trees = list_trees(&watch);
	do {
		clear_screen();
		lint(cli, &watch);
		cli_error("watching for changes");
	} while (wait_for_change(&watch));
	out_free(&watch.names);
	out_free(&watch.named);
	out_free(&watch.trees);
	if (watch.inotify >= 0)
		close(watch.inotify);
	close(watch.signals);
	return EXIT_CLEAN;
}
