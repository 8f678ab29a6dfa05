/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/control/metrics.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "firewall/control/socket.h"

/* ---- the format ---- */

void metrics_describe(struct out *out, const char *name, const char *type, const char *help)
{
	out_printf(out, "# HELP pvefw_%s %s\n# TYPE pvefw_%s %s\n", name, help, name, type);
}

void metrics_sample(struct out *out, const char *name, const char *labels, double value)
{
	out_printf(out, labels ? "pvefw_%s{%s} %.17g\n" : "pvefw_%s%s %.17g\n", name, labels ? labels : "", value);
}

/* ---- HTTP ---- */

static bool asks_for(struct text request, const char *line)
{
	size_t len = strlen(line);

	return request.len > len && memcmp(request.ptr, line, len) == 0 &&
	       (request.ptr[len] == ' ' || request.ptr[len] == '?');
}

static void respond(struct out *answer, const char *status, const char *type, const struct out *body)
{
	out_printf(answer,
		   "HTTP/1.0 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
		   type, body->len);
	out_bytes(answer, body->data, body->len);
}

static bool metrics_on_request(void *context, struct text request, struct out *answer)
{
	struct metrics *metrics = context;
	struct out body;

	if (!memmem(request.ptr, request.len, "\r\n\r\n", 4) && !memmem(request.ptr, request.len, "\n\n", 2))
		return false; /* the headers have not ended */
	out_init_memory(&body);
	if (asks_for(request, "GET /metrics") || asks_for(request, "GET /")) {
		metrics->write(metrics->context, &body);
		respond(answer, "200 OK", "text/plain; version=0.0.4; charset=utf-8", &body);
	} else {
		out_string(&body, "GET /metrics is all there is.\n");
		respond(answer, "404 Not Found", "text/plain; charset=utf-8", &body);
	}
	out_free(&body);
	return true;
}

/* ---- sockets ---- */

/* Of 127.0.0.1 only; -1 with errno set. */
static int listen_tcp(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1, reason;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 16) == 0)
		return fd;
	reason = errno;
	close(fd);
	errno = reason;
	return -1;
}

int metrics_open(struct metrics *metrics, sd_event *event, const char *run_path, uint16_t port, metrics_writer *write,
		 void *context)
{
	int reason;

	*metrics = (struct metrics){ .local = { .fd = -1 }, .tcp = { .fd = -1 }, .write = write, .context = context };
	reason = server_open(&metrics->local, event, socket_listen(run_path, "metrics.sock", 0660), metrics_on_request, metrics);
	if (!reason && port)
		reason = server_open(&metrics->tcp, event, listen_tcp(port), metrics_on_request, metrics);
	return reason;
}

void metrics_close(struct metrics *metrics)
{
	server_close(&metrics->local);
	server_close(&metrics->tcp);
}
