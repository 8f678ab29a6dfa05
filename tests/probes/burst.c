/* SPDX-License-Identifier: GPL-2.0-or-later */
/* burst PREFIX HOSTS SPEC COUNT: sends the raw frame of each line of SPEC COUNT times, one line after the other,
 * and counts what arrives.
 *
 * Each frame has a source port of its own. Prints for each line `ARRIVED WANTED LINE`, and last the times (in
 * seconds since some past moment) when sending began and ended: `sent from BEGIN to END`. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../topology/probe.h"

enum { MOST_LINES = 64, LINGER_MS = 500 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* One socket a line, at its goal; frames of other lines come there, too, and do not count. */
struct goal {
	const struct probe *probe;
	int socket;
	size_t arrived;
};

static void open_goal(struct goal *goal, const char *prefix, const struct probe *probe)
{
	int size = 8 << 20;

	if (!probe_is_raw(probe)) {
		fprintf(stderr, "%s: is no raw frame\n", probe->text);
		exit(2);
	}
	enter_space(prefix, probe->destination);
	*goal = (struct goal){probe, raw_open(true), 0};
	setsockopt(goal->socket, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
}

static void count_frames(struct goal *goal, size_t line, size_t count)
{
	unsigned char frame[2048];
	ssize_t size;

	while ((size = recv(goal->socket, frame, sizeof frame, 0)) > 0) {
		size_t number = raw_number(frame, (size_t)size);

		goal->arrived += number != SIZE_MAX && number / count == line;
	}
}

int main(int words, char **arguments)
{
	static struct spec spec;
	static struct goal goals[MOST_LINES];
	size_t count;
	double start, end;

	if (words != 5) {
		fprintf(stderr, "usage: burst PREFIX HOSTS SPEC COUNT\n");
		return 2;
	}
	spec_read(&spec, arguments[2], arguments[3]);
	count = (size_t)atoi(arguments[4]);
	if (spec.probe_count > MOST_LINES || count < 1 || count * spec.probe_count > 40000) {
		fprintf(stderr, "burst: too many frames\n");
		return 2;
	}
	for (size_t i = 0; i < spec.probe_count; i++)
		open_goal(&goals[i], arguments[1], &spec.probes[i]);
	start = now();
	for (size_t i = 0; i < spec.probe_count; i++) {
		int raw;

		enter_space(arguments[1], spec.probes[i].source);
		raw = raw_open(false);
		for (size_t n = 0; n < count; n++)
			raw_send(raw, &spec.probes[i], i * count + n);
		close(raw);
	}
	end = now();
	usleep(LINGER_MS * 1000);
	for (size_t i = 0; i < spec.probe_count; i++) {
		count_frames(&goals[i], i, count);
		printf("%zu %s %s\n", goals[i].arrived, goals[i].probe->want, goals[i].probe->text);
	}
	printf("sent from %.2f to %.2f\n", start, end);
	return 0;
}
