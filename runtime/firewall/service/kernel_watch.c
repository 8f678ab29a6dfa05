/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/service/kernel_watch.h"

void kernel_watch_init(struct kernel_watch *w, sd_event *event, struct backend_session *session,
		       void (*handler)(void *context), void *context)
{
	*w = (struct kernel_watch){ .event = event, .session = session, .handler = handler, .context = context };
}

static void take_and_tell(struct kernel_watch *w)
{
	if (w->source && w->session->backend->watch_take(w->session))
		w->handler(w->context);
}

static int kernel_watch_on_readable(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	(void)source;
	(void)fd;
	(void)revents;
	take_and_tell(context);
	return 0;
}

static void kernel_watch_stop(struct kernel_watch *w)
{
	w->source = sd_event_source_unref(w->source);
	w->session->backend->watch_end(w->session);
}

int kernel_watch_listen(struct kernel_watch *w)
{
	int fd = w->source ? 0 : w->session->backend->watch(w->session), result;

	if (w->source || fd < 0)
		return -fd;
	result = sd_event_add_io(w->event, &w->source, fd, EPOLLIN, kernel_watch_on_readable, w);
	if (result < 0)
		kernel_watch_stop(w);
	return result < 0 ? -result : 0;
}

static uint32_t generation(const struct kernel_watch *w)
{
	return w->session->backend->generation(w->session);
}

void kernel_watch_pause(struct kernel_watch *w)
{
	kernel_watch_begin(w);
	kernel_watch_stop(w);
}

void kernel_watch_begin(struct kernel_watch *w)
{
	w->paused_at = generation(w);
	take_and_tell(w);
}

void kernel_watch_end(struct kernel_watch *w)
{
	if (w->source)
		w->session->backend->watch_take(w->session);
}

bool kernel_watch_missed(const struct kernel_watch *w, uint32_t own)
{
	return w->paused_at && generation(w) - w->paused_at > own;
}
