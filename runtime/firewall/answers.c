/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See the header. */
#include "firewall/answers.h"

#include <errno.h>
#include <unistd.h>

#include "firewall/service.h"
#include "strerror.h"

/* ---- commands ---- */

static json_t *failure(const char *what, int reason)
{
	return json_pack("{s:s+++}", "error", what, ": ", error_text(reason), "");
}

static json_t *answer_status(struct service *s, const json_t *request)
{
	uint64_t left = s->confirm.pending && s->confirm.deadline > confirm_now()
				? (s->confirm.deadline - confirm_now()) / 1000000
				: 0;

	(void)request;
	return json_pack("{s:b, s:i, s:b, s:b, s:b, s:s?, s:b, s:I, s:o}", "running", 1, "pid", (int)getpid(), "failing",
			 (int)s->counts.failing, "held", (int)s->confirm.held, "pending-confirmation",
			 (int)s->confirm.pending, "target", s->applied.backend ? s->applied.backend->name : NULL, "enabled",
			 (int)s->counts.enabled, "seconds-left", (json_int_t)left, "conditions",
			 conditions_json(&s->conditions));
}

static json_t *outcome(const struct service *s, bool applied)
{
	if (!applied)
		return json_pack("{s:s}", "error",
				 "not applied; what was in force stays in force (the log says why; it is tried again)");
	return json_pack("{s:b, s:s}", "applied", 1, "target", s->applied.backend->name);
}

static json_t *answer_apply(struct service *s, const json_t *request)
{
	const json_t *seconds = json_object_get(request, "confirm");
	int reason = 0;

	if (json_is_integer(seconds))
		reason = service_await_confirmation(s, (uint64_t)json_integer_value(seconds));
	if (reason == EAGAIN)
		return json_pack("{s:s}", "error", "what is enforced now is not the last configuration; there is nothing to go back to");
	if (reason)
		return failure("cannot keep what is in force, to go back to", reason);
	confirm_release(&s->confirm);
	return outcome(s, service_cycle(s));
}

static json_t *answer_confirm(struct service *s, const json_t *request)
{
	int reason = confirm_keep(&s->confirm);

	(void)request;
	if (reason == ENOENT)
		return json_pack("{s:s}", "error", "nothing waits to be confirmed");
	if (reason)
		return failure("cannot confirm", reason);
	log_message(&s->log, PRIORITY_NOTICE, NULL, "confirmed");
	return json_pack("{s:b}", "confirmed", 1);
}

static json_t *answer_reload(struct service *s, const json_t *request)
{
	(void)request;
	applied_forget(&s->applied);
	return outcome(s, service_cycle(s));
}

static json_t *answer_stop(struct service *s, const json_t *request)
{
	(void)request;
	service_end(s, true);
	return json_pack("{s:b, s:b}", "stopped", 1, "removed", (int)s->applied.removed_other);
}

static const struct answer_row {
	const char *command;
	json_t *(*answer)(struct service *s, const json_t *request);
} answers[] = {
	{ "status", answer_status }, { "apply", answer_apply }, { "confirm", answer_confirm },
	{ "reload", answer_reload }, { "stop", answer_stop },
};

json_t *service_answer(void *context, const char *command, const json_t *request)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (strcmp(command, answers[i].command) == 0)
			return answers[i].answer(context, request);
	return NULL;
}
