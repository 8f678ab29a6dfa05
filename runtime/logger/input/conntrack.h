/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The beginning and the end of connections, when the host option log_nf_conntrack asks for them. They are
 * printed as conntrack(8) does.
 */
#ifndef PVEFW_CONNTRACK_H
#define PVEFW_CONNTRACK_H

#include <linux/netlink.h>

#include "base/output.h"

/* The multicast groups, for netlink_open(). */
unsigned conntrack_groups(void);
/* Appends the line of an event; false if it is none. */
bool conntrack_line(struct out *out, const struct nlmsghdr *message);

#endif
