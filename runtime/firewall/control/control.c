/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/control/control.h"

#include <stdlib.h>

#include "firewall/control/socket.h"

static json_t *control_reply(struct control *control, struct text request)
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

static bool control_on_request(void *context, struct text request, struct out *answer)
{
	json_t *reply;
	char *text;

	if (text_find(request, '\n') < 0)
		return false;
	reply = control_reply(context, request);
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
	return server_open(&control->server, event, socket_listen(run_path, CONTROL_SOCKET, 0600), control_on_request, control);
}

void control_close(struct control *control)
{
	server_close(&control->server);
}
