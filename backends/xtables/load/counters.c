/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of rules, by the source lines of the rules.
 *
 * Rules have no names: rule n of a chain, as iptables-save -c prints it, is rule n of
 * the chain as it is lowered, where the chain's digest says that it is the same.
 */
#include <errno.h>

#include "diag/diag.h"
#include "xtables/load/xt_state.h"

static const char *const savers[][5] = {
	{ "iptables-save", "-c", "-t", "filter" },
	{ "ip6tables-save", "-c", "-t", "filter" },
};

/* ---- telling ---- */

struct telling {
	const struct config *config;
	backend_count_function *function;
	void *context;
	uint32_t skipped;
};

/* Chains of guests are called tap100i0-IN and veth100i0-OUT, those of groups GROUP-name-IN and -OUT. */
static struct backend_zone zone_of(struct text chain)
{
	uint32_t vmid = text_starts(chain, "tap") ? 3 : text_starts(chain, "veth") ? 4 : 0, end = vmid;

	while (end < chain.len && char_is_digit(chain.ptr[end]))
		end++;
	if (vmid && end > vmid && end < chain.len && chain.ptr[end] == 'i')
		return (struct backend_zone){ BACKEND_GUEST, { chain.ptr + vmid, end - vmid } };
	if (!text_starts(chain, "GROUP-"))
		return (struct backend_zone){ BACKEND_HOST, TEXT("host") };
	end = chain.len;
	while (end > 6 && chain.ptr[end - 1] != '-')
		end--;
	return (struct backend_zone){ BACKEND_GROUP, { chain.ptr + 6, end > 7 ? end - 7 : 0 } };
}

/* What becomes of a packet that matches: see target_of() and xt_policy() in rules.c. */
static enum backend_outcome xt_outcome_of(const struct xt_rule *rule)
{
	const struct xt_target *target = &rule->target;

	if (target->kind == XT_DROP)
		return BACKEND_DROPPED;
	if (target->kind != XT_JUMP)
		return BACKEND_ACCEPTED;
	if (text_is(target->text, "PVEFW-Drop"))
		return BACKEND_DROPPED;
	if (text_is(target->text, "PVEFW-reject") || text_is(target->text, "PVEFW-Reject"))
		return BACKEND_REJECTED;
	return BACKEND_PASSED_ON;
}

/* The file whose default a policy is; NULL if there is none. */
static const struct source *file_of(const struct config *config, const struct backend_zone *zone)
{
	const struct source_map *map = config->diags->map;

	if (zone->kind == BACKEND_GUEST) {
		for (const struct guest *guest = config->guests; guest; guest = guest->next)
			if (text_equal(guest->vmid_text, zone->name))
				return guest->file;
		return NULL;
	}
	for (uint32_t i = 0; i < map->count; i++)
		if (strcmp(map->sources[i]->path, "firewall/cluster.fw") == 0)
			return map->sources[i];
	return NULL;
}

static void tell(struct telling *t, struct text chain, const struct xt_rule *rule, const struct xt_count *sum)
{
	struct place place = source_place(t->config->diags->map, rule->span.begin);
	struct backend_count count = { .source = place.source, .line = place.line, .zone = zone_of(chain),
				       .outcome = xt_outcome_of(rule), .packets = sum->packets, .bytes = sum->bytes };

	if (!count.source) {
		count.source = file_of(t->config, &count.zone);
		count.option = text_ends(chain, "-OUT") ? TEXT("policy_out") : TEXT("policy_in");
	}
	if (count.source)
		t->function(t->context, &count);
}

/* Whether the chain is loaded as it is lowered: by its digest and how many rules it has. */
static bool is_loaded(const struct xt_object *loaded, const struct xt_chain *chain, unsigned family_mask)
{
	struct out lines, signature;
	uint32_t rules = 1;
	bool same;

	out_init_memory(&lines);
	out_init_memory(&signature);
	for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
		xt_print_rule(&lines, chain, rule, family_mask);
		rules += xt_rule_multiplicity(rule);
	}
	xt_print_signature(&signature, lines.data, lines.len);
	same = rules == loaded->rules && signature.len == sizeof("PVESIG:") - 1 + strlen(loaded->digest) &&
	       memcmp(signature.data + sizeof("PVESIG:") - 1, loaded->digest, strlen(loaded->digest)) == 0;
	out_free(&lines);
	out_free(&signature);
	return same;
}

static void tell_chain(struct telling *t, const struct xt_object *loaded, const struct xt_chain *chain)
{
	const struct xt_count *count = loaded->counts;

	for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
		struct xt_count sum = { 0, 0 };

		for (uint32_t i = xt_rule_multiplicity(rule); i > 0; i--, count++) {
			sum.packets += count->packets;
			sum.bytes += count->bytes;
		}
		if (rule->counts)
			tell(t, chain->name, rule, &sum);
	}
}

static void tell_table(struct telling *t, struct xt_object *chains, const struct config *config,
		       unsigned family_mask)
{
	struct arena arena = { 0 }, rules = { 0 };
	const struct xt_table *table = xt_lower_filter(&arena, config, family_mask);

	for (uint32_t i = 0; i < table->chain_count; i++) {
		struct xt_chain *chain = table->chains[i];
		const struct xt_object *loaded = xt_object_find(chains, chain->name);

		xt_chain_fill(&rules, table, chain);
		if (loaded && is_loaded(loaded, chain, family_mask))
			tell_chain(t, loaded, chain);
		else
			t->skipped++;
		arena_reset(&rules);
	}
	arena_free(&rules);
	arena_free(&arena);
}

int xt_counters(const struct config *config, backend_count_function *function, void *context, uint32_t *skipped)
{
	struct telling telling = { config, function, context, 0 };
	struct arena arena = { 0 };
	struct backend_loading loading = { .arena = &arena };
	struct xt_loaded loaded = { .sets = NULL };
	struct process processes[2];
	bool read = true;

	for (unsigned i = 0; i < 2; i++)
		xt_tool_start(&processes[i], savers[i], NULL, 0);
	for (unsigned i = 0; i < 2; i++)
		read &= xt_tool_finish(&loading, &processes[i], NULL);
	for (unsigned i = 0; i < 2; i++) {
		if (read) {
			xt_loaded_take_tables(&loaded, i ? IPV6 : IPV4, xt_tool_output(&processes[i]));
			tell_table(&telling, loaded.tables[i ? XT_FILTER6 : XT_FILTER4].chains, config, i ? IPV6 : IPV4);
		}
		process_free(&processes[i]);
	}
	xt_loaded_free(&loaded);
	*skipped = telling.skipped;
	arena_free(&arena);
	return read ? 0 : EIO;
}

/* ---- zeroing ---- */

static bool zero_table(struct backend_loading *loading, const struct xt_object *chains, enum xt_table_id id)
{
	struct out text;
	struct xt_script script = { .out = &text };
	bool done;

	out_init_memory(&text);
	xt_script_printf(&script, "*filter\n");
	for (const struct xt_object *chain = chains; chain; chain = chain->hh.next)
		xt_script_printf(&script, "-Z %s\n", chain->name);
	xt_script_printf(&script, "COMMIT\n");
	done = !chains || xt_tool_run(loading, xt_step_tool(XT_STEP_TABLES + id), &script, 0);
	out_free(&text);
	return done;
}

bool xt_counters_zero(struct backend_loading *loading)
{
	struct xt_loaded loaded = { .sets = NULL };
	bool done = xt_read_all(loading, &loaded);

	done = done && zero_table(loading, loaded.tables[XT_FILTER4].chains, XT_FILTER4);
	done = done && zero_table(loading, loaded.tables[XT_FILTER6].chains, XT_FILTER6);
	xt_loaded_free(&loaded);
	return done;
}
