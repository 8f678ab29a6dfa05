/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/control/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "firewall/control/socket.h"

#define SOCKET_NAME "control.sock"

/* ---- the service's side ---- */

static json_t *reply_to(struct control *control, struct text request)
{
	json_t *parsed = json_loadb(request.ptr, request.len, 0, NULL), *reply = NULL;
	const char *command = json_string_value(json_object_get(parsed, "command"));

	if (command)
		reply = control->handler(control->context, command, parsed);
	if (!reply)
		reply = json_pack("{s:s}", "error", command ? "unknown command" : "not a request");
	json_decref(parsed);
	return reply;
}

static bool on_request(void *context, struct text request, struct out *answer)
{
	json_t *reply;
	char *text;

	if (text_find(request, '\n') < 0)
		return false;
	reply = reply_to(context, request);
	text = json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	if (text)
		out_string(answer, text);
	out_char(answer, '\n');
	free(text);
	return true;
}

int control_open(struct control *control, sd_event *event, const char *run_path, control_handler *handler,
		 void *context)
{
	*control = (struct control){ .handler = handler, .context = context };
	return server_open(&control->server, event, socket_listen(run_path, SOCKET_NAME, 0600), on_request, control);
}

void control_close(struct control *control)
{
	server_close(&control->server);
}

/* ---- the commands' side ---- */

static int send_request(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	int reason = text ? socket_send_all(fd, text, strlen(text)) : ENOMEM;

	if (!reason)
		reason = socket_send_all(fd, "\n", 1);
	free(text);
	return reason;
}

/* 0 or an errno. */
static int receive(int fd, const struct control_patience *patience, struct out *text)
{
	struct pollfd waiting = { .fd = fd, .events = POLLIN };
	char buffer[4096];
	int waited = 0;

	for (;;) {
		int ready = poll(&waiting, 1, patience->first);
		ssize_t got = ready > 0 ? read(fd, buffer, sizeof(buffer)) : -1;

		if (ready == 0) {
			waited += patience->first;
			if (waited + patience->first > patience->all || (patience->goes_on && !patience->goes_on(patience->context)))
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

static json_t *receive_reply(int fd, const struct control_patience *patience)
{
	struct out text;
	json_t *reply = NULL;
	int reason;

	out_init_memory(&text);
	reason = receive(fd, patience, &text);
	if (!reason) {
		reply = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
		reason = EPROTO;
	}
	out_free(&text);
	errno = reason;
	return reply;
}

json_t *control_ask(const char *run_path, json_t *request, const struct control_patience *patience)
{
	int fd = socket_connect(run_path, SOCKET_NAME), reason = fd < 0 ? errno : send_request(fd, request);
	json_t *reply = NULL;

	if (!reason) {
		reply = receive_reply(fd, patience);
		reason = errno;
	}
	if (fd >= 0)
		close(fd);
	json_decref(request);
	errno = reason;
	return reply;
}
