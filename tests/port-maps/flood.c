/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flood LINK <FRAMES: sends the frames of lines `LINK FRAME`, in hex, from the device pm-LINK again and again, as fast as it can,
 * until it is told to end (SIGTERM). */
#include <net/if.h>
#include <netpacket/packet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { FRAMES_MAX = 64, FRAME_MAX = 256 };

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

int main(int argc, char **argv)
{
	static unsigned char frames[FRAMES_MAX][FRAME_MAX];
	static struct mmsghdr messages[FRAMES_MAX];
	static struct iovec parts[FRAMES_MAX];
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	char device[IF_NAMESIZE], link[IF_NAMESIZE], hex[2 * FRAME_MAX + 1];
	int file = socket(AF_PACKET, SOCK_RAW, 0);
	unsigned count = 0;

	if (argc != 2)
		return 2;
	snprintf(device, sizeof(device), "pm-%.12s", argv[1]);
	address.sll_ifindex = (int)if_nametoindex(device);
	if (file < 0 || bind(file, (struct sockaddr *)&address, sizeof(address))) {
		perror(device);
		return 2;
	}
	while (count < FRAMES_MAX && scanf("%15s %512s", link, hex) == 2) {
		size_t len = strlen(hex) / 2;

		if (strcmp(link, argv[1]) != 0)
			continue;
		for (size_t i = 0; i < len; i++)
			if (sscanf(hex + 2 * i, "%2hhx", &frames[count][i]) != 1)
				return 2;
		parts[count] = (struct iovec){ frames[count], len };
		messages[count].msg_hdr = (struct msghdr){ .msg_iov = &parts[count], .msg_iovlen = 1 };
		count++;
	}
	if (!count)
		return 2;
	signal(SIGTERM, end);
	while (!ended)
		sendmmsg(file, messages, count, 0);
	return 0;
}
