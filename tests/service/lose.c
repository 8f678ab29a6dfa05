/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For LD_PRELOAD: the kernel has no room for messages of netlink.  While the file
 * $LOSE/send is there, what is longer than a question cannot be sent; while $LOSE/answer is,
 * the answers to such messages are lost.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUESTION = 64 };

static int lost_on = -1;

static bool is_there(const char *name)
{
	const char *folder = getenv("LOSE");
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder ? folder : "", name);
	return folder && access(path, F_OK) == 0;
}

static bool is_netlink(const struct sockaddr *address)
{
	return address && address->sa_family == AF_NETLINK;
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *address, socklen_t len)
{
	ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
		(ssize_t(*)(int, const void *, size_t, int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "sendto");
	bool batch = is_netlink(address) && size > QUESTION;

	if (batch && is_there("send")) {
		errno = ENOBUFS;
		return -1;
	}
	if (batch && is_there("answer"))
		lost_on = fd;
	return real(fd, bytes, size, flags, address, len);
}

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
	ssize_t (*real)(int, void *, size_t, int) = (ssize_t(*)(int, void *, size_t, int))dlsym(RTLD_NEXT, "recv");

	if (fd != lost_on)
		return real(fd, bytes, size, flags);
	lost_on = -1;
	while (real(fd, bytes, size, MSG_DONTWAIT) >= 0)
		;
	errno = ENOBUFS;
	return -1;
}
