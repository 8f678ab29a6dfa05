/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening to an NFLOG group. */
#ifndef PVEFW_NFLOG_H
#define PVEFW_NFLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "logger/input/nf_socket.h"

/* Of a packet's bytes the kernel copies as many: all headers that a line of 512 bytes can show. */
enum { NFLOG_COPIED = 512 };

/* Takes the group, which only one process of a network namespace can; sockets as netlink_open(). Returns 0
 * or an errno. */
int nflog_open(struct netlink_socket *netlink, uint16_t group, unsigned buffer);
/* Unbinds the group; the kernel first sends its queued packets. */
void nflog_release(struct netlink_socket *netlink, uint16_t group);

#endif
