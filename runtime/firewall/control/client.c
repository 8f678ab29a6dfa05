/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/output.h"
#include "firewall/control/control.h"
#include "firewall/control/socket.h"

static int client_send(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	int reason = text ? socket_send_all(fd, text, strlen(text)) : ENOMEM;

	if (!reason)
		reason = socket_send_all(fd, "\n", 1);
	free(text);
	return reason;
}

/* 0 or an errno. */
static int client_receive(int fd, const struct control_timeout *timeout, struct out *text)
{
	struct pollfd waiting = { .fd = fd, .events = POLLIN };
	char buffer[4096];
	int waited = 0;

	for (;;) {
		int ready = poll(&waiting, 1, timeout->first);
		ssize_t got = ready > 0 ? read(fd, buffer, sizeof(buffer)) : -1;

		if (ready == 0) {
			waited += timeout->first;
			if (waited + timeout->first > timeout->all || (timeout->goes_on && !timeout->goes_on(timeout->context)))
				return ETIMEDOUT;
			continue;
		}
		if (got < 0 && errno != EINTR)
			return errno;
		if (got == 0)
			return 0;
		if (got > 0)
			out_bytes(text, buffer, (size_t)got);
	}
}

json_t *control_ask(const char *run_path, json_t *request, const struct control_timeout *timeout)
{
	int fd = socket_connect(run_path, CONTROL_SOCKET), reason = fd < 0 ? errno : client_send(fd, request);
	json_t *answer = NULL;
	struct out text;

	out_init_memory(&text);
	if (!reason)
		reason = client_receive(fd, timeout, &text);
	if (!reason) {
		answer = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
		reason = EPROTO;
	}
	out_free(&text);
	if (fd >= 0)
		close(fd);
	json_decref(request);
	errno = reason;
	return answer;
}
