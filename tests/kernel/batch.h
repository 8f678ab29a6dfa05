/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches of netlink messages as `compile --target netlink -o` writes them, for a kernel that may lack a part. */
#ifndef PVEFW_BATCH_H
#define PVEFW_BATCH_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * What of a batch is sent: the messages of one family (0: of all), without rules that
 * hold one of the expressions ("meta:17" is meta with that key), and without objects
 * if "objref" is one of them.
 */
struct batch_filter {
	int family;
	char **expressions;
	int count;
};

/* Sends the file; false, and a line each to refusals, when the kernel does not take all of it. */
bool batch_send(struct mnl_socket *socket, const char *path, struct batch_filter *filter, FILE *refusals);

#endif
