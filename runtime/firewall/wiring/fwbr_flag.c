/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service that is tried in a network namespace, with a run directory of its own, must not decide how the node's
 * guests are plugged.  So the file is left alone while another service is the node's: one that holds the lock of
 * the default run directory, or the stock daemon.
 */
#include "firewall/wiring/fwbr_flag.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firewall/base/rundir.h"
#include "base/errno_text.h"

#define DEFAULT_PATH     "/run/proxmox-nftables-firewall-force-disable"
#define DEFAULT_RUN_DIR  "/run/pve-firewall"
#define STOCK_PID_FOLDER "/run"
#define STOCK_PID_FILE   "pve-firewall.pid"

/* ---- whose file it is ---- */

static bool is_same_folder(int a, int b)
{
	struct stat first, second;

	return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

static bool stock_runs(void)
{
	int folder = rundir_open_existing(STOCK_PID_FOLDER);
	char path[64];
	struct out text;
	int number = 0;

	if (folder < 0)
		return false;
	out_init_memory(&text);
	if (rundir_read_untrusted(folder, STOCK_PID_FILE, 32, &text) == 0) {
		out_char(&text, '\0');
		number = atoi(text.data);
	}
	out_free(&text);
	close(folder);
	snprintf(path, sizeof(path), "/proc/%d", number);
	return number > 0 && access(path, F_OK) == 0;
}

/* Whether another service than the one with `run_dir` is the node's. */
static bool is_beside_another(int run_dir)
{
	int folder = rundir_open_existing(DEFAULT_RUN_DIR);
	bool ours = folder >= 0 && is_same_folder(folder, run_dir);
	bool other = folder >= 0 && !ours && rundir_lock_holder(folder) != 0;

	if (folder >= 0)
		close(folder);
	return other || (!ours && stock_runs());
}

void fwbr_flag_init(struct fwbr_flag *flag, struct log *log, int run_dir)
{
	*flag = (struct fwbr_flag){ .log = log, .run_dir = run_dir };
}

static const char *find_path(const struct fwbr_flag *flag)
{
	const char *path = getenv("PVEFW_FWBR_FLAG");

	if (path && path[0])
		return path;
	return is_beside_another(flag->run_dir) ? NULL : DEFAULT_PATH;
}

/* ---- the file ---- */

static bool is_as_wanted(const struct fwbr_flag *flag)
{
	struct stat st;
	bool found = lstat(flag->path, &st) == 0;

	/* Perl's -e follows a link, which may lead nowhere. */
	return flag->present ? found && S_ISREG(st.st_mode) : !found && errno == ENOENT;
}

/* 0 or an errno. */
static int make(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[256];
	int dir, reason;

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(folder))
		return EINVAL;
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno;
	reason = rundir_write(dir, slash + 1, "", 0);
	close(dir);
	return reason;
}

static int change(const struct fwbr_flag *flag)
{
	if (flag->present)
		return make(flag->path);
	return unlink(flag->path) < 0 && errno != ENOENT ? errno : 0;
}

static void note(struct fwbr_flag *flag, int reason)
{
	if (reason && !flag->reason)
		log_message(flag->log, PRIORITY_CRITICAL, NULL, "cannot %s %s: %s%s", flag->present ? "make" : "remove",
			    flag->path, error_text(reason),
			    flag->present ? "; guests that start now get no firewall bridge, and iptables does not filter them" : "");
	else if (!reason && flag->reason)
		log_message(flag->log, PRIORITY_NOTICE, NULL, "%s is %s", flag->path, flag->present ? "made" : "removed");
	flag->reason = reason;
}

void fwbr_flag_set(struct fwbr_flag *flag, bool present)
{
	flag->path = find_path(flag);
	flag->present = present;
	flag->is_set = true;
	if (!flag->path)
		return;
	if (is_as_wanted(flag)) {
		flag->reason = 0;
		return;
	}
	note(flag, change(flag));
}

void fwbr_flag_keep(struct fwbr_flag *flag)
{
	if (flag->is_set && flag->path && !is_as_wanted(flag))
		fwbr_flag_set(flag, flag->present);
}
