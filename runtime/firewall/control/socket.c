/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/control/socket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "firewall/base/rundir.h"

/* Through the directory's descriptor, whose path is short. */
static struct sockaddr_un address_in(int dir, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, name);
	return address;
}

typedef int socket_step(int fd, const struct sockaddr *address, socklen_t len);

/* Opens a socket and does `step` with the address; -1 with errno set. */
static int open_socket(int dir, const char *name, socket_step *step)
{
	struct sockaddr_un address = address_in(dir, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), reason;

	if (fd < 0 || step(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	reason = errno;
	close(fd);
	errno = reason;
	return -1;
}

static int bind_and_listen(int fd, const struct sockaddr *address, socklen_t len)
{
	return bind(fd, address, len) < 0 ? -1 : listen(fd, 16);
}

int socket_listen(const char *run_path, const char *name, mode_t mode)
{
	int dir = rundir_open(run_path), fd, reason;
	mode_t before;

	if (dir < 0)
		return -1;
	unlinkat(dir, name, 0);
	before = umask(0777 & ~mode);
	fd = open_socket(dir, name, bind_and_listen);
	reason = errno;
	umask(before);
	close(dir);
	errno = reason;
	return fd;
}

int socket_connect(const char *run_path, const char *name)
{
	int dir = rundir_open_existing(run_path), fd, reason;

	if (dir < 0)
		return -1;
	fd = open_socket(dir, name, connect);
	reason = errno;
	close(dir);
	errno = reason;
	return fd;
}

int socket_send_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}
