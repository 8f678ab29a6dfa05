/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/service/requests.h"

#include <errno.h>
#include <unistd.h>

#include "firewall/base/left_out_json.h"
#include "firewall/service/left_out_state.h"
#include "firewall/service/service.h"
#include "base/errno_text.h"

static json_t *failure(const char *what, int reason)
{
	return json_pack("{s:s+++}", "error", what, ": ", error_text(reason), "");
}

static json_t *refusal(const char *message)
{
	return json_pack("{s:s}", "error", message);
}

static json_t *answer_status(struct service *s, const json_t *request)
{
	json_t *answer = confirm_json(&s->confirm);
	json_t *own = json_pack("{s:b, s:i, s:b, s:s?, s:s?, s:b, s:b, s:o, s:o}", "running", 1, "pid", (int)getpid(), "failing",
				(int)cycle_is_failing(&s->cycle), "reason", service_reason(s), "target",
				s->applied.backend ? s->applied.backend->name : NULL, "enabled", (int)s->counts.enabled,
				"known", s->counts.compilations > s->counts.unusable, "conditions",
				conditions_json(&s->conditions), "left_out", left_out_json(&s->applied.left_out));

	(void)request;
	json_object_update(answer, own);
	json_decref(own);
	return answer;
}

/* Returns texts of the conditions due to which fewer rules are loaded than the files contain. */
static json_t *left_out_texts(const struct service *s)
{
	json_t *texts = json_array();

	for (const struct service_condition *c = s->conditions.first; c; c = c->next) {
		if (!left_out_is_condition(c))
			continue;
		json_array_append_new(texts, c->file ? json_sprintf("%s:%u: %s", c->file, c->line, c->message)
						     : json_string(c->message));
	}
	return texts;
}

static json_t *outcome(const struct service *s, bool applied, const char *message)
{
	const char *reason = service_reason(s);

	if (!applied)
		return json_pack("{s:s+++}", "error",
				 s->applied.minimal ? "not applied; the minimal ruleset is loaded"
						    : "not applied; the previous rules stay loaded",
				 ", and the service tries again: ",
				 reason ? reason : "see journalctl -u pve-firewall", "");
	return json_pack("{s:b, s:s, s:s?, s:o}", "applied", 1, "target", s->applied.backend->name, "message", message,
			 "left_out", left_out_texts(s));
}

/* ---- apply --confirm ---- */

/* Returns the reply that describes a pending rollback and its time; from `arena`. */
static const char *describe_wait(const struct confirm *c, struct arena *arena, uint64_t seconds)
{
	const char *unless = arena_printf(arena, "Unless `pve-firewall confirm` is run within %llu seconds,",
					  (unsigned long long)seconds);
	const char *before = confirm_describe(c, arena, c->if_unchanged), *now = confirm_describe(c, arena, c->requested);

	if (!c->if_unchanged)
		return arena_printf(
			arena,
			"Nothing to confirm yet: %s stays loaded. %s changes made until then are reverted.",
			now, unless);
	if (c->if_unchanged == c->if_changed)
		return arena_printf(arena, "Applied. %s %s is enforced again.", unless, before);
	return arena_printf(
		arena,
		"Applied. %s %s is enforced again, or %s if files of this change are changed again until then.",
		unless, before, now);
}

static json_t *await_confirmation(struct service *s, uint64_t seconds, uint64_t to)
{
	struct confirm *c = &s->confirm;
	uint64_t previous = c->in_force;
	bool was_pending = c->pending, applied;
	struct arena arena = { 0 };
	json_t *answer = NULL;
	int reason;

	if (s->cycle.disabled_since || tree_is_in_doubt(&s->tree))
		return refusal("configuration is being written and is empty at the moment; try again");
	if (!previous)
		return c->reason ? failure("cannot save the loaded configuration for a rollback", c->reason)
				 : refusal("nothing was loaded yet, so a rollback is not possible");
	/* Before the cycle: this process may be killed in it. */
	reason = service_await_confirmation(s, previous, to, seconds);
	if (reason == ENOENT)
		answer = refusal(arena_printf(&arena,
					      "generation %llu does not exist; see pve-firewall history",
					      (unsigned long long)to));
	else if (reason)
		answer = failure("cannot save the configuration for a rollback", reason);
	if (!answer) {
		confirm_release(c);
		applied = cycle_request(&s->cycle, CYCLE_APPLY);
		if (!was_pending && c->in_force != previous)
			reason = service_await_confirmation(s, previous, to, seconds);
		if (reason)
			answer = failure("cannot save the configuration for a rollback", reason);
		else if (applied && !c->if_unchanged && !confirm_before(c))
			answer = refusal(arena_printf(
				&arena,
				"%s, which is loaded, is the oldest that is kept: it stays, and only changes made within the time are reverted",
				confirm_describe(c, &arena, c->in_force)));
		else
			answer = outcome(s, applied, describe_wait(c, &arena, seconds));
	}
	arena_free(&arena);
	return answer;
}

static uint64_t request_number(const json_t *request, const char *key)
{
	const json_t *value = json_object_get(request, key);

	return json_is_integer(value) && json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

static json_t *answer_apply(struct service *s, const json_t *request)
{
	uint64_t seconds = request_number(request, "confirm");

	if (json_object_get(request, "confirm") && (!seconds || seconds > 86400))
		return refusal("confirm needs a number of seconds from 1 to 86400");
	if (seconds)
		return await_confirmation(s, seconds, request_number(request, "to"));
	confirm_release(&s->confirm);
	return outcome(s, cycle_request(&s->cycle, CYCLE_APPLY), NULL);
}

static json_t *answer_confirm(struct service *s, const json_t *request)
{
	int reason = confirm_keep(&s->confirm);

	(void)request;
	if (reason == ENOENT)
		return json_pack("{s:s}", "error", "no confirmation is pending");
	if (reason)
		return failure("cannot confirm", reason);
	log_message(&s->log, PRIORITY_NOTICE, NULL, "confirmed");
	return json_pack("{s:b}", "confirmed", 1);
}

/* ---- rollback ---- */

/* Rejects the present files that differ from the generation; 0 or an errno. */
static int reject_present(struct service *s, uint64_t number)
{
	struct compilation tree;
	struct file_list files;
	int reason;

	tree_read(&s->tree);
	compilation_run(&tree, &s->options, s->tree.copy);
	if (tree.config)
		file_list_of_map(&files, &tree.map);
	reason = confirm_reject(&s->confirm, tree.config ? &files : &s->confirm.files, number, REJECTED_ROLLED_BACK);
	if (tree.config)
		file_list_free(&files);
	compilation_free(&tree);
	return reason;
}

static json_t *answer_rollback(struct service *s, const json_t *request)
{
	struct confirm *c = &s->confirm;
	uint64_t number = request_number(request, "to");
	struct arena arena = { 0 };
	const char *described;
	json_t *answer;
	int reason;

	if (!number)
		number = confirm_before_edit(c);
	if (!number)
		return refusal("there is no earlier generation for a rollback");
	described = confirm_describe(c, &arena, number);
	reason = reject_present(s, number);
	if (reason && reason != EALREADY) {
		answer = reason == ENOENT
				 ? refusal(arena_printf(
					   &arena, "generation %llu does not exist; see pve-firewall history",
					   (unsigned long long)number))
				 : failure(arena_printf(&arena, "cannot read %s", described), reason);
	} else {
		if (reason == EALREADY) { /* the present files are those */
			confirm_cancel(c);
			confirm_release(c);
		}
		log_message(&s->log, PRIORITY_WARNING, NULL, "rolled back to %s", described);
		answer = outcome(
			s, cycle_request(&s->cycle, CYCLE_APPLY),
			reason ? arena_printf(&arena, "The current files are those of %s.", described)
			       : arena_printf(
					 &arena,
					 "%s is enforced until files that differ from it change, or `pve-firewall apply` is run.",
					 described));
	}
	arena_free(&arena);
	return answer;
}

/* ---- the service ---- */

static json_t *answer_reload(struct service *s, const json_t *request)
{
	(void)request;
	return outcome(s, cycle_request(&s->cycle, CYCLE_RELOAD), NULL);
}

static json_t *answer_stop(struct service *s, const json_t *request)
{
	bool keep = json_is_true(json_object_get(request, "keep_rules"));

	service_stop(s, keep);
	return json_pack("{s:b, s:b}", "stopped", 1, "removed", (int)(keep || s->applied.removed_other));
}

static const struct request_row {
	const char *command;
	json_t *(*answer)(struct service *s, const json_t *request);
} request_rows[] = {
	{ "status", answer_status },	 { "apply", answer_apply },   { "confirm", answer_confirm },
	{ "rollback", answer_rollback }, { "reload", answer_reload }, { "stop", answer_stop },
};

/* What a command learns, saves or goes back to includes the changes that were patched. */
json_t *service_answer(void *context, const char *command, const json_t *request)
{
	struct service *s = context;

	cycle_compare(&s->cycle);
	for (size_t i = 0; i < sizeof(request_rows) / sizeof(request_rows[0]); i++)
		if (strcmp(command, request_rows[i].command) == 0)
			return request_rows[i].answer(s, request);
	return NULL;
}
