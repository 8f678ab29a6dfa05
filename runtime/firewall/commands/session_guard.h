/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Before `apply` from a terminal: whether the SSH session that it runs in, and the web interface, survive the
 * rules that would be loaded.  The model of the rules is asked; nothing is loaded.
 */
#ifndef PVEFW_SESSION_GUARD_H
#define PVEFW_SESSION_GUARD_H

#include <stdbool.h>

struct cli;

/* A connection to this machine, as SSH_CONNECTION has it. */
struct session {
	char source[64], sport[8], dest[64], dport[8];
	char iface[16]; /* the interface that has the address; empty: not known */
};

/* Reads "CLIENT PORT SERVER PORT"; IPv4 in IPv6 becomes IPv4.  False: it is not that. */
bool session_read(const char *text, struct session *session);

/* Returns the exit status: 0, or 2 if the rules are not to be applied, which was reported. */
int session_guard(const struct cli *cli);

#endif
