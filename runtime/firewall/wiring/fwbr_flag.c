/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A service that is tried in a network namespace, with a run directory of its own, must not decide how the node's guests are
 * plugged: it leaves the file alone while another service holds the lock of the default run directory, or the stock daemon
 * runs. */
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

static bool stock_runs(void)
{
	int folder = rundir_open_existing(STOCK_PID_FOLDER);
	char path[64];
	struct out text;
	uint64_t number = 0;

	if (folder < 0)
		return false;
	out_init_memory(&text);
	if (rundir_read_untrusted(folder, STOCK_PID_FILE, 32, &text) == 0) {
		out_char(&text, '\0');
		text_to_number((struct text){ text.data, (uint32_t)strspn(text.data, "0123456789") }, INT32_MAX, &number);
	}
	out_free(&text);
	close(folder);
	snprintf(path, sizeof(path), "/proc/%u", (unsigned)number);
	return number > 0 && access(path, F_OK) == 0;
}

/* Whether another service than the one with `run_dir` is the node's. */
static bool is_beside_another(int run_dir)
{
	int folder = rundir_open_existing(DEFAULT_RUN_DIR);
	struct stat ours_st, default_st;
	bool ours = folder >= 0 && fstat(run_dir, &ours_st) == 0 && fstat(folder, &default_st) == 0 &&
		    ours_st.st_dev == default_st.st_dev && ours_st.st_ino == default_st.st_ino;
	bool other = folder >= 0 && !ours && rundir_lock_holder(folder) != 0;

	if (folder >= 0)
		close(folder);
	return other || (!ours && stock_runs());
}

void fwbr_flag_init(struct fwbr_flag *flag, struct log *log, int run_dir)
{
	*flag = (struct fwbr_flag){ .log = log, .run_dir = run_dir };
}

/* ---- the file ---- */

static bool fwbr_flag_is_right(const struct fwbr_flag *flag)
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

static void fwbr_flag_note(struct fwbr_flag *flag, int reason)
{
	if (reason && !flag->reason)
		log_message(
			flag->log, PRIORITY_CRITICAL, NULL, "cannot %s %s: %s%s",
			flag->present ? "make" : "remove", flag->path, error_text(reason),
			flag->present
				? "; guests that start now get no firewall bridge and are not filtered by iptables"
				: "");
	else if (!reason && flag->reason)
		log_message(flag->log, PRIORITY_NOTICE, NULL, "%s is %s", flag->path, flag->present ? "made" : "removed");
	flag->reason = reason;
}

void fwbr_flag_set(struct fwbr_flag *flag, bool present)
{
	const char *path = getenv("PVEFW_FWBR_FLAG");
	int reason;

	flag->path = path && path[0] ? path : is_beside_another(flag->run_dir) ? NULL : DEFAULT_PATH;
	flag->present = present;
	flag->is_set = true;
	if (!flag->path)
		return;
	if (fwbr_flag_is_right(flag)) {
		flag->reason = 0;
		return;
	}
	if (present)
		reason = make(flag->path);
	else
		reason = unlink(flag->path) < 0 && errno != ENOENT ? errno : 0;
	fwbr_flag_note(flag, reason);
}

void fwbr_flag_keep(struct fwbr_flag *flag)
{
	if (flag->is_set && flag->path && !fwbr_flag_is_right(flag))
		fwbr_flag_set(flag, flag->present);
}
