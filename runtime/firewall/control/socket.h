/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unix sockets in the run directory, whose path may be longer than the address of a socket can be. */
#ifndef PVEFW_SOCKET_H
#define PVEFW_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

/* A listening stream socket, in the place of what an earlier process has left; -1 with errno set. */
int socket_listen(const char *run_path, const char *name, mode_t mode);
int socket_connect(const char *run_path, const char *name);
/* 0 or an errno. */
int socket_send_all(int fd, const char *bytes, size_t size);

#endif
