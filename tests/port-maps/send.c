/* SPDX-License-Identifier: GPL-2.0-or-later */
/* send <FRAMES: sends lines of `LINK FRAME`, the frame in hex, each from the device pm-LINK; at most 32 of these. */
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINKS_MAX = 32, FRAME_MAX = 2048 };

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static int socket_of(const char *link)
{
	static char names[LINKS_MAX][IF_NAMESIZE];
	static int sockets[LINKS_MAX];
	static unsigned count;
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	char device[IF_NAMESIZE];

	for (unsigned i = 0; i < count; i++)
		if (strcmp(names[i], link) == 0)
			return sockets[i];
	if (count == LINKS_MAX)
		exit(2);
	snprintf(device, sizeof(device), "pm-%.12s", link);
	strncpy(names[count], link, IF_NAMESIZE - 1);
	sockets[count] = socket(AF_PACKET, SOCK_RAW, 0);
	address.sll_ifindex = (int)if_nametoindex(device);
	if (sockets[count] < 0 || bind(sockets[count], (struct sockaddr *)&address, sizeof(address)))
		fail(device);
	return sockets[count++];
}

int main(void)
{
	unsigned char frame[FRAME_MAX];
	char link[IF_NAMESIZE], hex[2 * FRAME_MAX + 1];

	while (scanf("%15s %4096s", link, hex) == 2) {
		size_t len = strlen(hex) / 2;

		for (size_t i = 0; i < len; i++)
			if (sscanf(hex + 2 * i, "%2hhx", &frame[i]) != 1)
				exit(2);
		if (send(socket_of(link), frame, len, 0) != (ssize_t)len)
			fail("send");
	}
	return 0;
}
