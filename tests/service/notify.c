/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notify PATH: what systemd would be told (sd_notify) at the socket PATH, a message in each line. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char message[4096];
	ssize_t got;

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	strcpy(address.sun_path, argv[1]);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(argv[1]);
		return 2;
	}
	while ((got = recv(fd, message, sizeof(message) - 1, 0)) >= 0) {
		message[got] = '\0';
		for (char *at = message; (at = strchr(at, '\n')); at++)
			*at = ' ';
		puts(message);
		fflush(stdout);
	}
	return 1;
}
