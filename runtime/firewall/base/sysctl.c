/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/base/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "firewall/base/rundir.h"
#include "base/errno_text.h"

#define MEMORY "sysctls" /* in the run directory: lines of id, value before, value set */

enum { NOT_WANTED = -1 };

static const char *const paths[SYSCTLS] = {
#define SYSCTL(ID, path, wanted) [SYSCTL_##ID] = path,
#include "firewall/base/sysctl.def"
};

/* ---- desired values ---- */

/* A multiple of 8192, and not below the documented default. */
static int64_t conntrack_max(const struct host_options *o)
{
	const int64_t step = 8192, least = 262144;
	int64_t max = o->nf_conntrack_max > least ? o->nf_conntrack_max : least;

	return max > INT32_MAX - step ? INT32_MAX - step + 1 : (max + step - 1) / step * step;
}

/* ---- the kernel's values ---- */

/* Without the line end; 0 or an errno. */
static int read_value(const char *path, char value[SYSCTL_TEXT])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno;
	n = read(fd, value, SYSCTL_TEXT - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)-n;
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

static int write_value(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), reason = 0;

	if (fd < 0)
		return errno;
	if (write(fd, value, strlen(value)) < 0)
		reason = errno;
	close(fd);
	return reason;
}

/* ---- the values before, in the run directory ---- */

static void parse_memory(struct sysctls *s, char *text)
{
	char *next = NULL;

	for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		struct sysctl item = { .ours = true };
		char path[256];

		if (sscanf(line, "%255s %23s %23s", path, item.before, item.set) != 3)
			continue;
		for (unsigned i = 0; i < SYSCTLS; i++)
			if (strcmp(path, paths[i]) == 0)
				s->items[i] = item;
	}
}

void sysctls_open(struct sysctls *s, int run_dir, struct log *log)
{
	struct out text;

	*s = (struct sysctls){ .run_dir = run_dir, .log = log };
	out_init_memory(&text);
	if (rundir_read(run_dir, MEMORY, &text) == 0) {
		out_char(&text, '\0');
		parse_memory(s, text.data);
	}
	out_free(&text);
}

/* If this fails the settings are changed nevertheless: unfiltered guests are worse than a setting that stays when the service
 * is killed. */
static void remember(struct sysctls *s)
{
	struct out text;
	int reason;

	out_init_memory(&text);
	for (unsigned i = 0; i < SYSCTLS; i++)
		if (s->items[i].ours)
			out_printf(&text, "%s %s %s\n", paths[i], s->items[i].before, s->items[i].set);
	reason = text.len ? rundir_write(s->run_dir, MEMORY, text.data, text.len) : rundir_remove(s->run_dir, MEMORY);
	out_free(&text);
	if (reason && !s->forgetful)
		log_message(s->log, PRIORITY_WARNING, NULL,
			    "cannot save the kernel settings: %s; if the service is killed they are not restored",
			    error_text(reason));
	s->forgetful = reason != 0;
}

/* ---- changing ---- */

static void sysctl_fails(struct sysctls *s, unsigned i, const char *value, int reason)
{
	if (!s->items[i].failed)
		log_message(s->log, i <= SYSCTL_CALL_IP6TABLES ? PRIORITY_CRITICAL : PRIORITY_WARNING, NULL,
			    "cannot set %s to %s: %s%s", paths[i], value, error_text(reason),
			    i <= SYSCTL_CALL_IP6TABLES ? "; guests are NOT filtered (is br_netfilter loaded?)" : "");
	s->items[i].failed = true;
}

static void sysctl_set(struct sysctls *s, unsigned i, int64_t number)
{
	struct sysctl *item = &s->items[i], before = *item;
	char now[SYSCTL_TEXT];
	int reason = read_value(paths[i], now);

	if (!item->ours)
		memcpy(item->before, now, sizeof(now));
	snprintf(item->set, sizeof(item->set), "%" PRId64, number);
	if (!reason && strcmp(now, item->set) == 0) {
		item->ours = before.ours;
		item->failed = false;
		return;
	}
	item->ours = true;
	if (!reason) {
		remember(s);
		reason = write_value(paths[i], item->set);
	}
	if (!reason) {
		item->failed = false;
		return;
	}
	item->ours = before.ours;
	sysctl_fails(s, i, item->set, reason);
}

static void sysctl_restore(struct sysctls *s, unsigned i)
{
	struct sysctl *item = &s->items[i];
	char now[SYSCTL_TEXT];
	int reason = read_value(paths[i], now);

	if (!reason && strcmp(now, item->set) == 0)
		reason = write_value(paths[i], item->before);
	if (reason && reason != ENOENT) /* a module that was unloaded has no settings */
		sysctl_fails(s, i, item->before, reason);
	item->ours = false;
}

void sysctls_apply(struct sysctls *s, const struct config *config, bool iptables)
{
	int64_t wanted[SYSCTLS];

	for (unsigned i = 0; i < SYSCTLS; i++)
		wanted[i] = NOT_WANTED;
	if (config && config_enabled(config)) {
		const struct host_options *o = &config->host_options;

#define WRITTEN(ID) (config->host_written[OPTION_##ID].begin != 0)
#define SYSCTL(ID, path, value) wanted[SYSCTL_##ID] = value;
#include "firewall/base/sysctl.def"
	}
	for (unsigned i = 0; i < SYSCTLS; i++) {
		s->items[i].wanted = wanted[i] != NOT_WANTED;
		if (s->items[i].wanted)
			sysctl_set(s, i, wanted[i]);
		else if (s->items[i].ours)
			sysctl_restore(s, i);
	}
	remember(s);
}

/* ---- keeping ---- */

/* The name that sysctl(8) uses, "net.bridge.bridge-nf-call-iptables"; a path outside of /proc/sys stays a path. */
static void sysctl_print_name(char name[128], const char *path)
{
	static const char root[] = "/proc/sys/";
	bool is_sysctl = strncmp(path, root, sizeof(root) - 1) == 0;

	snprintf(name, 128, "%s", is_sysctl ? path + sizeof(root) - 1 : path);
	for (char *at = name; is_sysctl && *at; at++)
		if (*at == '/')
			*at = '.';
}

static bool mend(struct sysctls *s, unsigned i)
{
	struct sysctl *item = &s->items[i];
	char now[SYSCTL_TEXT], name[128];

	if (!item->wanted || read_value(paths[i], now) != 0 || strcmp(now, item->set) == 0)
		return false;
	sysctl_set(s, i, strtoll(item->set, NULL, 10));
	if (item->failed)
		return false;
	sysctl_print_name(name, paths[i]);
	log_message(s->log, PRIORITY_WARNING, NULL, "kernel setting changed externally: %s was %s, set to %s",
		    name, now, item->set);
	return true;
}

unsigned sysctls_mend(struct sysctls *s)
{
	unsigned mended = 0;

	for (unsigned i = 0; i < SYSCTLS; i++)
		mended += mend(s, i);
	if (mended)
		remember(s);
	return mended;
}
