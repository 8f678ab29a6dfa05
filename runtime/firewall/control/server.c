/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/control/server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MOST = 4096, CLIENTS_MOST = 32, CONNECTIONS_A_SECOND = 1000, CLIENT_TIMEOUT = 10000000 /* microseconds */ };

struct server_client {
	struct server *server;
	int fd;
	sd_event_source *source, *timer;
	uint32_t len;
	char request[REQUEST_MOST];
	struct out answer;
	size_t sent;
	bool answering;
	struct server_client *next;
};

static void server_drop(struct server_client *client)
{
	struct server_client **link = &client->server->clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	client->server->client_count--;
	sd_event_source_disable_unref(client->source);
	sd_event_source_disable_unref(client->timer);
	close(client->fd);
	out_free(&client->answer);
	free(client);
}

static bool is_temporary(int reason)
{
	return reason == EAGAIN || reason == EINTR;
}

/* Sends as many bytes as the socket accepts; frees the client after the last byte. */
static void send_answer(struct server_client *client)
{
	while (client->sent < client->answer.len) {
		ssize_t n = send(client->fd, client->answer.data + client->sent, client->answer.len - client->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && is_temporary(errno)) {
			sd_event_source_set_io_events(client->source, EPOLLOUT);
			return;
		}
		if (n < 0)
			break;
		client->sent += (size_t)n;
	}
	server_drop(client);
}

static void receive_request(struct server_client *client)
{
	ssize_t got = recv(client->fd, client->request + client->len, sizeof(client->request) - client->len, MSG_DONTWAIT);
	struct server *server = client->server;

	if (got < 0 && is_temporary(errno))
		return;
	if (got > 0) {
		client->len += (uint32_t)got;
		client->answering = server->handler(server->context, (struct text){ client->request, client->len },
						    &client->answer);
		if (!client->answering && client->len < sizeof(client->request))
			return;
	}
	if (client->answering)
		send_answer(client);
	else
		server_drop(client);
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	struct server_client *client = context;

	(void)source;
	(void)fd;
	(void)revents;
	if (client->answering)
		send_answer(client);
	else
		receive_request(client);
	return 0;
}

static int server_on_timeout(sd_event_source *source, uint64_t now, void *context)
{
	(void)source;
	(void)now;
	server_drop(context);
	return 0;
}

static int server_add_sources(struct server_client *client)
{
	sd_event *event = client->server->event;
	uint64_t now;
	int result = sd_event_add_io(event, &client->source, client->fd, EPOLLIN, on_client, client);

	if (result >= 0)
		result = sd_event_now(event, CLOCK_MONOTONIC, &now);
	if (result >= 0)
		result = sd_event_add_time(event, &client->timer, CLOCK_MONOTONIC, now + CLIENT_TIMEOUT, 0, server_on_timeout, client);
	return result;
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	struct server *server = context;
	int client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct server_client *client;

	(void)source;
	(void)revents;
	if (client_fd < 0)
		return 0;
	client = server->client_count < CLIENTS_MOST ? calloc(1, sizeof(*client)) : NULL;
	if (!client) {
		close(client_fd);
		return 0;
	}
	client->server = server;
	client->fd = client_fd;
	client->next = server->clients;
	out_init_memory(&client->answer);
	server->clients = client;
	server->client_count++;
	if (server_add_sources(client) < 0)
		server_drop(client);
	return 0;
}

int server_open(struct server *server, sd_event *event, int fd, server_handler *handler, void *context)
{
	int result;

	*server = (struct server){ .fd = fd, .event = event, .handler = handler, .context = context };
	if (fd < 0)
		return errno;
	result = sd_event_add_io(event, &server->source, fd, EPOLLIN, on_connect, server);
	/* A connection that cannot be accepted, for want of descriptors, stays readable. */
	if (result >= 0)
		result = sd_event_source_set_ratelimit(server->source, 1000000, CONNECTIONS_A_SECOND);
	return result < 0 ? -result : 0;
}

void server_close(struct server *server)
{
	while (server->clients)
		server_drop(server->clients);
	server->source = sd_event_source_disable_unref(server->source);
	if (server->fd >= 0)
		close(server->fd);
	server->fd = -1;
}
