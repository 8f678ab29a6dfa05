/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel settings that belong to the firewall (spec 7.1, sysctl.def).
 *
 * A setting is changed only while the configuration asks for it.  Its value before is written to the run directory first, so
 * that it is restored even after a kill, unless somebody else has changed it meanwhile.
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
	bool wanted; /* its value must be `set` */
	bool failed; /* to be set, which was logged */
	char before[SYSCTL_TEXT], set[SYSCTL_TEXT];
};

struct sysctls {
	int run_dir;
	struct log *log;
	bool forgetful; /* the values before cannot be written down, which was logged */
	struct sysctl items[SYSCTLS];
};

/* Reads the values that an earlier service has written down. */
void sysctls_open(struct sysctls *s, int run_dir, struct log *log);
/* Sets what the configuration asks for and restores the other settings; NULL: all.  `iptables`: that is the target.  Failures
 * are logged once. */
void sysctls_apply(struct sysctls *s, const struct config *config, bool iptables);
/* Restores settings that other programs have changed, with a warning for each; returns their number. */
unsigned sysctls_mend(struct sysctls *s);

#endif
