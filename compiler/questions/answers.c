/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "questions/answers.h"

#include "format/diag_json.h"

const struct field_member field_members[FIELD_MEMBERS] = {
	{ "protocol", MODEL_PROTOCOL },     { "source4", MODEL_SOURCE4 },
	{ "source6", MODEL_SOURCE6 },       { "dest4", MODEL_DEST4 },
	{ "dest6", MODEL_DEST6 },           { "sport", MODEL_SPORT },
	{ "dport", MODEL_DPORT },           { "icmp-type", MODEL_ICMP_TYPE },
	{ "icmp-code", MODEL_ICMP_CODE },   { "mac", MODEL_SOURCE_MAC },
	{ "interface", MODEL_IFACE },       { "state", MODEL_STATE },
	{ "arp-sender", MODEL_ARP_SENDER }, { "ethertype", MODEL_ETHERTYPE },
};

/* ---- text ---- */

/* "firewall/100.fw:7"; "" for no line. */
static const char *answer_place(struct arena *arena, const struct source_map *map, struct span span)
{
	struct place place = source_place(map, span.begin);

	return place.source ? arena_printf(arena, "%s:%u", place.source->path, place.line) : "";
}

const char *reason_text(struct arena *arena, const struct source_map *map, const struct reason *reason)
{
	const char *place = answer_place(arena, map, reason->span);

	if (*place && reason->group.begin)
		return arena_printf(arena, "%s, by GROUP %.*s at %s", place, TEXT_ARG(reason->group_name),
				    answer_place(arena, map, reason->group));
	if (*place)
		return place;
	return reason->implied ? reason->implied : "no rule";
}

struct text reason_source_line(const struct source_map *map, const struct reason *reason)
{
	struct source *source = source_find(map, reason->span.begin);

	if (!source)
		return (struct text){ "", 0 };
	return text_trim(word_text(source_line(map, source, source_line_number(map, reason->span.begin))));
}

struct decision decision_keep(struct arena *arena, const struct decision *decision)
{
	struct decision kept = { .verdict = decision->verdict, .queue = decision->queue, .reason = decision->reason };

	kept.reason.stage = kept.reason.stage ? arena_string(arena, text_of(kept.reason.stage)) : NULL;
	kept.reason.implied = kept.reason.implied ? arena_string(arena, text_of(kept.reason.implied)) : NULL;
	kept.reason.chain = arena_copy(arena, kept.reason.chain);
	kept.reason.group_name = arena_copy(arena, kept.reason.group_name);
	kept.reason.step = NULL;
	return kept;
}

const char *verdict_action(enum model_verdict verdict)
{
	switch (verdict) {
	case MODEL_PASSED:
		return "ACCEPT";
	case MODEL_DROPPED:
		return "DROP";
	case MODEL_QUEUED:
		return "QUEUE";
	default:
		return "REJECT";
	}
}

const char *decision_text(struct arena *arena, const struct decision *decision)
{
	if (decision->verdict == MODEL_QUEUED)
		return arena_printf(arena, "QUEUE %u (to the IPS; passes if nobody listens)",
				    decision->queue);
	return model_verdict_text(decision->verdict);
}

static bool answer_is_among(const struct span *written, struct span span)
{
	for (unsigned i = 0; written && i < OPTION_COUNT; i++)
		if (written[i].begin && written[i].begin == span.begin)
			return true;
	return false;
}

static bool answer_is_option_of(const struct path_end *end, struct span span)
{
	return (end->guest && answer_is_among(end->guest->written, span)) ||
	       (end->vnet && answer_is_among(end->vnet->written, span));
}

/* A set of addresses of a NIC, without which there may be no filter, works like an option. */
static bool answer_is_filter_of(const struct path_end *end, struct span span)
{
	const struct ipset *set = end->guest ? guest_filter_set(end->guest, end->nic) : NULL;

	return set && set->span.begin && set->span.begin == span.begin;
}

bool reason_is_option(const struct config *config, const struct path *path, const struct reason *reason)
{
	return answer_is_filter_of(&path->from, reason->span) || answer_is_among(config->host_written, reason->span) ||
	       answer_is_among(config->cluster_written, reason->span) ||
	       answer_is_option_of(&path->from, reason->span) || answer_is_option_of(&path->to, reason->span);
}

unsigned reason_gutter(const struct source_map *map, const struct reason *reason)
{
	uint32_t line = source_line_number(map, reason->span.begin);
	uint32_t group = source_line_number(map, reason->group.begin);

	return text_digits(line > group ? line : group);
}

void reason_print(const struct text_printer *p, const struct reason *reason, const char *label)
{
	struct text_block block;

	if (!source_find(p->map, reason->span.begin))
		return;
	block = text_block_open(p, reason->span, "-->");
	text_block_mark(p, &block, reason->span, '^', STYLE_BOLD, label);
	if (!source_find(p->map, reason->group.begin))
		return;
	block = text_block_open(p, reason->group, ":::");
	text_block_mark(p, &block, reason->group, '-', STYLE_GUTTER, "refers to the group");
}

/* ---- JSON ---- */

/* Adds file, line, column and text of a line; null if there is none. */
static void answer_add_place(json_t *object, const struct source_map *map, struct span span)
{
	struct source *source = source_find(map, span.begin);
	struct place place = source_place(map, span.begin);

	json_object_set_new(object, "file", source ? json_escaped(text_of(source->path)) : json_null());
	json_object_set_new(object, "line", source ? json_integer(place.line) : json_null());
	json_object_set_new(object, "column", source ? json_integer(place.column) : json_null());
	json_object_set_new(object, "text",
			    source ? json_escaped(text_trim(word_text(source_line(map, source, place.line))))
				   : json_null());
}

static json_t *answer_group_json(const struct source_map *map, const struct reason *reason)
{
	json_t *group;

	if (!source_find(map, reason->group.begin))
		return json_null();
	group = json_pack("{s:o}", "name", json_escaped(reason->group_name));
	answer_add_place(group, map, reason->group);
	return group;
}

static const char *answer_reject_name(enum model_verdict verdict)
{
	static const char *const names[] = {
		[MODEL_REJECT_RESET] = "tcp-reset",
		[MODEL_REJECT_PORT_UNREACHABLE] = "port-unreachable",
		[MODEL_REJECT_HOST_PROHIBITED] = "host-prohibited",
		[MODEL_REJECT_ADMIN_PROHIBITED] = "admin-prohibited",
		[MODEL_REJECT_HOST_UNREACHABLE] = "host-unreachable",
	};

	return names[verdict - MODEL_REJECTED];
}

json_t *decision_json(const struct source_map *map, const struct decision *decision)
{
	const struct reason *reason = &decision->reason;
	enum model_verdict verdict = decision->verdict;
	bool is_reject = verdict >= MODEL_REJECTED && verdict < MODEL_QUEUED;
	json_t *object = json_pack("{s:s, s:s?}", "action", verdict_action(verdict), "reject",
				   is_reject ? answer_reject_name(verdict) : NULL);

	json_object_set_new(object, "queue",
			    verdict == MODEL_QUEUED ? json_integer(decision->queue) : json_null());
	answer_add_place(object, map, reason->span);
	json_object_set_new(object, "group", answer_group_json(map, reason));
	json_object_set_new(object, "implied",
			    reason->implied && !source_find(map, reason->span.begin)
				    ? json_escaped(text_of(reason->implied))
				    : json_null());
	return object;
}

/* ---- notes ---- */

struct answer_notes {
	struct arena *arena;
	const char **texts;
	unsigned count;
};

static void answer_note_end(struct answer_notes *u, const struct config *config, const struct path_end *end)
{
	const struct guest *guest = end->guest;

	if (end->zone == PATH_HOST && !config->host_options.enable)
		u->texts[u->count++] = "the host is not filtered: host.fw has enable: 0";
	if (end->zone == PATH_NFVM)
		u->texts[u->count++] = "nfvm is a guest without a firewall";
	if (end->zone != PATH_GUEST)
		return;
	if (!guest->options.enable)
		u->texts[u->count++] = arena_printf(
			u->arena,
			"%s is not filtered: its firewall is not switched on (enable: 1 in [OPTIONS] of firewall/%.*s.fw)",
			guest_name(u->arena, guest), TEXT_ARG(guest->vmid_text));
	if (!end->nic->firewall)
		u->texts[u->count++] = arena_printf(
			u->arena, "%s is not filtered at %.*s: the NIC does not have firewall=1",
			guest_name(u->arena, guest), TEXT_ARG(end->nic->key));
}

static bool answer_has_forward_rules(const struct rule_list *rules)
{
	for (const struct rule *r = rules->first; r; r = r->next)
		if (r->direction == DIRECTION_FORWARD || r->group)
			return true;
	return false;
}

/* Whether something is written about what the host routes. */
static bool answer_routing_has_rules(const struct config *config)
{
	return config->cluster_written[OPTION_CLUSTER_POLICY_FORWARD].begin ||
	       answer_has_forward_rules(&config->cluster_rules) || answer_has_forward_rules(&config->host_rules);
}

/* Whether the host routes the packet, or it crosses the bridge of a vnet that has rules. */
static bool answer_is_forwarded(const struct config *config, const struct path *path)
{
	for (uint32_t i = 0; i < path->count; i++) {
		const struct path_pass *pass = &path->passes[i];

		if (pass->hook == PATH_ROUTED && (i == 0 || answer_routing_has_rules(config)))
			return true;
		for (const struct vnet *v = config->vnets; v && pass->hook == PATH_BRIDGE; v = v->next)
			if (text_equal(v->name, pass->bridge))
				return true;
	}
	return path->from.zone == PATH_VNET || path->to.zone == PATH_VNET;
}

const char *const *answer_notes(struct arena *arena, const struct config *config,
				const struct backend *target, const struct path *path)
{
	struct answer_notes u = { .arena = arena, .texts = ARENA_ARRAY(arena, const char *, 8) };

	unsigned errors = config->diags ? config->diags->counts[SEVERITY_ERROR] : 0;

	if (errors)
		u.texts[u.count++] = arena_printf(
			arena,
			"%u error%s in the files: lines with errors are ignored; pvefw-cc lint shows them",
			errors, errors == 1 ? "" : "s");
	if (!config_enabled(config))
		u.texts[u.count++] = "the firewall is switched off: cluster.fw does not have enable: 1";
	if (target && !target->forwards && answer_is_forwarded(config, path))
		u.texts[u.count++] = arena_printf(
			arena, "%s does not enforce FORWARD rules and the files of vnets", target->target);
	answer_note_end(&u, config, &path->from);
	answer_note_end(&u, config, &path->to);
	return u.texts;
}
