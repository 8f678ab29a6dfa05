/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How guests are plugged: looked at after each apply, and when the kernel tells that a link has changed. */
#include "firewall/wiring/bridge_calls.h"
#include "firewall/service/service.h"
#include "base/errno_text.h"

/* Firewall bridges hand their packets to iptables while it is the target. */
static void keep_calls(struct service *s, const struct wiring_links *links)
{
	bool on = s->wiring.count && s->wiring.iptables;
	int reason = bridge_calls_set(links, on);

	if (reason && !s->calls_failed)
		log_message(&s->log, PRIORITY_WARNING, NULL,
			    "cannot change nf_call_iptables of firewall bridges: %s", error_text(reason));
	s->calls_failed = reason != 0;
	s->has_no_calls = !on && !reason;
}

void service_check_wiring(struct service *s)
{
	struct wiring_links links = { .count = 0 };
	int reason = s->wiring.count || !s->has_no_calls ? wiring_links_read(&links) : 0;
	uint64_t again;

	if (reason) {
		log_message(&s->log, PRIORITY_WARNING, NULL, "cannot ask how guests are plugged: %s", error_text(reason));
		return;
	}
	keep_calls(s, &links);
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
