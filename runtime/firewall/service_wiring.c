/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How guests are plugged: looked at after each apply, and when the kernel tells that a link has changed. */
#include "firewall/service.h"
#include "strerror.h"

void service_check_wiring(struct service *s)
{
	struct wiring_links links = { .count = 0 };
	int reason = s->wiring.count ? wiring_links_read(&links) : 0;
	uint64_t again;

	if (reason) {
		log_message(&s->log, PRIORITY_WARNING, NULL, "cannot ask how guests are plugged: %s", error_text(reason));
		return;
	}
	again = wiring_check(&s->wiring, &links, &s->conditions, service_now());
	wiring_links_free(&links);
	if (again)
		service_arm(s->plug, service_now() + again);
}

int service_on_plug(sd_event_source *source, uint64_t now, void *context)
{
	(void)source;
	(void)now;
	service_check_wiring(context);
	return 0;
}
