/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/control/socket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "firewall/base/rundir.h"

/* Opens a socket that listens, or is connected, at `name`; -1 with errno set. */
static int open_socket(int dir, const char *name, bool listens)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), result = -1, reason;

	/* Through the directory's descriptor, whose path is short. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, name);
	if (fd >= 0 && !listens)
		result = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	else if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		result = listen(fd, 16);
	if (fd < 0 || result == 0)
		return fd;
	reason = errno;
	close(fd);
	errno = reason;
	return -1;
}

int socket_listen(const char *run_path, const char *name, mode_t mode)
{
	int dir = rundir_open(run_path), fd, reason;
	mode_t before;

	if (dir < 0)
		return -1;
	unlinkat(dir, name, 0);
	before = umask(0777 & ~mode);
	fd = open_socket(dir, name, true);
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
	fd = open_socket(dir, name, false);
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
