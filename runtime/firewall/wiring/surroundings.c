/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers are compared as text, one line each.  With 1,000 guests a dump of all links takes 20 ms of processor time: the
 * pause after a job is twenty times what it has used, so that guests which start and stop all the time cost at most 5 %.
 */
#include "firewall/wiring/surroundings.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "inputs/lookup.h"
#include "base/clock.h"
#include "base/output.h"
#include "base/xmalloc.h"

/* Microseconds, but for DEAREST: the pause is so many times the processor time of what was done. */
enum { NAMES_EVERY = 60000000, DEAREST = 20 };

/* May outlive the service: a resolver takes its time. */
struct surroundings_job {
	pthread_t thread;
	int ready; /* an eventfd */
	char *node, *host_names;
	bool altnames;
	char *answers;
	uint64_t used; /* microseconds of processor time */
};

/* ---- answers as text ---- */

static void print_altnames(struct out *out, const struct altname *altnames)
{
	for (const struct altname *a = altnames; a; a = a->next)
		out_printf(out, "altname %.*s of %.*s\n", TEXT_ARG(a->name), TEXT_ARG(a->iface));
}

static void print_network(struct out *out, const struct prefix *network)
{
	char text[PREFIX_TEXT_SIZE];

	if (network->family)
		out_printf(out, "network %.*s\n", (int)prefix_format(network, text), text);
}

static void surroundings_print_name(struct out *out, struct text name, struct text addresses)
{
	out_printf(out, "name %.*s is %.*s\n", TEXT_ARG(name), TEXT_ARG(addresses));
}

static char *surroundings_finish(struct out *out)
{
	char *text;

	out_char(out, '\0');
	text = xstrdup(out->data);
	out_free(out);
	return text;
}

/* ---- asking ---- */

static void ask_names(struct out *out, struct arena *arena, char *names)
{
	char *next = NULL;

	for (char *name = strtok_r(names, "\n", &next); name; name = strtok_r(NULL, "\n", &next)) {
		struct lookup found = lookup_host(arena, name);

		surroundings_print_name(out, text_of(name), lookup_print(arena, &found));
	}
}

static void *surroundings_ask(void *context)
{
	struct surroundings_job *job = context;
	struct altname *altnames = NULL;
	struct prefix network = { .family = 0 };
	struct arena arena = { 0 };
	struct out out;

	out_init_memory(&out);
	if (job->altnames && altnames_detect(&arena, &altnames) == 0)
		print_altnames(&out, altnames);
	if (job->node && localnet_detect(&arena, job->node, &network) == 0)
		print_network(&out, &network);
	if (job->host_names)
		ask_names(&out, &arena, job->host_names);
	arena_free(&arena);
	job->answers = surroundings_finish(&out);
	job->used = clock_us(CLOCK_THREAD_CPUTIME_ID);
	eventfd_write(job->ready, 1);
	return NULL;
}

static void job_free(struct surroundings_job *job)
{
	close(job->ready);
	free(job->node);
	free(job->host_names);
	free(job->answers);
	free(job);
}

/* ---- in the event loop ---- */

static void ask_later(struct surroundings *s)
{
	sd_event_source_set_time(s->retry, s->earliest);
	sd_event_source_set_enabled(s->retry, SD_EVENT_ONESHOT);
}

static int on_answers(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	struct surroundings *s = context;
	struct surroundings_job *job = s->job;
	bool differs;

	(void)source;
	(void)fd;
	(void)revents;
	pthread_join(job->thread, NULL);
	differs = s->known && strcmp(s->known, job->answers) != 0;
	s->earliest = clock_us(CLOCK_MONOTONIC) + DEAREST * job->used;
	s->done = sd_event_source_unref(s->done);
	s->job = NULL;
	job_free(job);
	if (s->again)
		ask_later(s);
	if (differs)
		s->handler(s->context);
	return 0;
}

static void surroundings_start_job(struct surroundings *s)
{
	struct surroundings_job *job = xcalloc(1, sizeof(*job));

	job->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	job->node = s->node ? xstrdup(s->node) : NULL;
	job->host_names = s->host_names ? xstrdup(s->host_names) : NULL;
	job->altnames = s->altnames;
	if (job->ready < 0 || sd_event_add_io(s->event, &s->done, job->ready, EPOLLIN, on_answers, s) < 0) {
		job_free(job);
	} else if (pthread_create(&job->thread, NULL, surroundings_ask, job) != 0) {
		s->done = sd_event_source_unref(s->done);
		job_free(job);
	} else {
		s->job = job;
		s->again = false;
	}
}

void surroundings_check(struct surroundings *s)
{
	if (!s->known || !(s->node || s->altnames || s->host_names))
		return;
	s->again = true;
	if (s->job)
		return;
	if (clock_us(CLOCK_MONOTONIC) < s->earliest)
		ask_later(s);
	else
		surroundings_start_job(s);
}

/* Of a check that was put off, and of every NAMES_EVERY: name servers do not report changes. */
static int surroundings_on_timer(sd_event_source *source, uint64_t now, void *context)
{
	struct surroundings *s = context;

	if (source == s->retry || s->node || s->host_names)
		surroundings_check(s);
	if (source == s->retry)
		return 0;
	sd_event_source_set_time(source, now + NAMES_EVERY);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_etc(sd_event_source *source, const struct inotify_event *event, void *context)
{
	static const char *const names[] = { "hosts", "resolv.conf", "nsswitch.conf", "host.conf", "gai.conf" };
	bool changed = event->mask & IN_Q_OVERFLOW;

	(void)source;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && event->len; i++)
		changed |= strcmp(event->name, names[i]) == 0;
	if (changed)
		surroundings_check(context);
	return 0;
}

int surroundings_open(struct surroundings *s, sd_event *event, void (*handler)(void *context), void *context)
{
	uint64_t first = clock_us(CLOCK_MONOTONIC) + NAMES_EVERY;
	int result;

	*s = (struct surroundings){ .event = event, .handler = handler, .context = context };
	result = sd_event_add_time(event, &s->names, CLOCK_MONOTONIC, first, 1000000, surroundings_on_timer, s);
	if (result >= 0)
		result = sd_event_add_time(event, &s->retry, CLOCK_MONOTONIC, 0, 1, surroundings_on_timer, s);
	if (result >= 0)
		result = sd_event_source_set_enabled(s->retry, SD_EVENT_OFF);
	if (result >= 0) /* without it, the check of each minute is left */
		sd_event_add_inotify(event, &s->files, "/etc", IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR,
				     on_etc, s);
	return result < 0 ? -result : 0;
}

static void forget_answers(struct surroundings *s)
{
	free(s->node);
	free(s->host_names);
	free(s->known);
	s->node = s->host_names = s->known = NULL;
}

void surroundings_close(struct surroundings *s)
{
	if (!s->event)
		return;
	sd_event_source_unref(s->files);
	sd_event_source_unref(s->names);
	sd_event_source_unref(s->retry);
	sd_event_source_unref(s->done);
	if (s->job && pthread_tryjoin_np(s->job->thread, NULL) == 0)
		job_free(s->job);
	forget_answers(s);
}

static char *surroundings_names(const struct inputs *inputs)
{
	struct out out;

	if (!inputs->corosync.names)
		return NULL;
	out_init_memory(&out);
	for (const struct resolved_name *name = inputs->corosync.names; name; name = name->next)
		out_printf(&out, "%.*s\n", TEXT_ARG(name->name));
	return surroundings_finish(&out);
}

bool surroundings_note(struct surroundings *s, const struct inputs *inputs, const struct input_options *options)
{
	const struct altname *altnames = inputs->altnames;
	char *before = s->known;
	bool differs;
	struct out out;

	s->known = NULL;
	forget_answers(s);
	s->altnames = inputs->on_node;
	if (inputs->on_node && !options->local_network)
		s->node = strndup(inputs->node.ptr, inputs->node.len);
	s->host_names = surroundings_names(inputs);
	/* The altnames of the command line are not the kernel's, and come first. */
	for (const struct altname_option *o = options->altnames; o && altnames; o = o->next)
		altnames = altnames->next;
	out_init_memory(&out);
	if (s->altnames)
		print_altnames(&out, altnames);
	if (s->node)
		print_network(&out, &inputs->local_network);
	for (const struct resolved_name *name = inputs->corosync.names; name; name = name->next)
		surroundings_print_name(&out, name->name, name->addresses);
	s->known = surroundings_finish(&out);
	differs = before && strcmp(before, s->known) != 0;
	free(before);
	return differs;
}
