/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches for changes of our rules by others, if the kernel reports them (nftables).  While the service loads rules itself it does
 * not listen: reporting costs the kernel time. */
#ifndef PVEFW_KERNEL_WATCH_H
#define PVEFW_KERNEL_WATCH_H

#include <systemd/sd-event.h>

#include "api/backend.h"

struct kernel_watch {
	sd_event *event;
	struct backend_session *session; /* of a backend that the kernel tells of changes */
	sd_event_source *source;         /* NULL: not listening */
	uint32_t paused_at; /* the kernel's count of transactions then; 0: not known */
	void (*handler)(void *context);
	void *context;
};

void kernel_watch_init(struct kernel_watch *w, sd_event *event, struct backend_session *session,
		       void (*handler)(void *context), void *context);
/* Both may be called at any time; 0 or an errno. */
int kernel_watch_listen(struct kernel_watch *w);
/* Stops to listen; earlier messages are handled first. */
void kernel_watch_pause(struct kernel_watch *w);
/* For a short change: goes on to listen, and drops the messages between the two calls, which are ours. */
void kernel_watch_begin(struct kernel_watch *w);
void kernel_watch_end(struct kernel_watch *w);
/* Whether there were more than `own` transactions since the pause or the beginning: others were at work, unnoticed. */
bool kernel_watch_missed(const struct kernel_watch *w, uint32_t own);

#endif
