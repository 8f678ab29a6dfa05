/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel settings that belong to the firewall (spec 7.1, sysctl.def).
 *
 * A setting is changed only while the configuration wants it.  What it was before is
 * written down in the run directory first, so that it comes back even if the service
 * was killed, and only if nobody else has changed it meanwhile.
 */
#ifndef PVEFW_SYSCTL_H
#define PVEFW_SYSCTL_H

#include "firewall/base/log.h"
#include "config/config.h"

enum sysctl_id {
#define SYSCTL(ID, path, wanted) SYSCTL_##ID,
#include "firewall/base/sysctl.def"
	SYSCTLS
};

enum { SYSCTL_TEXT = 24 };

struct sysctl {
	bool ours;
	bool wanted; /* `set` is what it must be */
	bool failed; /* and that was said */
	char before[SYSCTL_TEXT], set[SYSCTL_TEXT];
};

struct sysctls {
	int run_dir;
	struct log *log;
	bool forgetful; /* what was before cannot be written down, and that was said */
	struct sysctl items[SYSCTLS];
};

/* Reads what an earlier service has written down. */
void sysctls_open(struct sysctls *s, int run_dir, struct log *log);
/* Sets what the configuration wants and puts back what it does not; with NULL all is put
 * back.  `iptables`: that is the target.  What fails is logged, once. */
void sysctls_apply(struct sysctls *s, const struct config *config, bool iptables);
/* Sets again what somebody else has changed since, with a warning that names it; returns how many were. */
unsigned sysctls_mend(struct sysctls *s);

#endif
