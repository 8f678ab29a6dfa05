/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of guests' files, without the other guests.
 *
 * The guests are compiled alone, as they were and as they are.  Where both agree in everything but the guests' own chains
 * (and those of security groups, which depend on cluster.fw alone), only these chains are loaded: sets, ebtables and the
 * chains of all guests would stay as they are.
 */
#include "xtables/load/xt_state.h"

/* Kinds of objects of a view: those of the tables of iptables, then these. */
enum { VIEW_SETS = XT_TABLES, VIEW_BRIDGE };

/* Guests alone: all that they make, as text. */
struct view_objects {
	struct arena arena;
	struct object_map map;
};

static void add_text(struct view_objects *v, uint8_t kind, struct text name, struct out *text)
{
	object_map_add(&v->map, kind, arena_copy(&v->arena, name),
		       arena_copy(&v->arena, (struct text){ text->data, (uint32_t)text->len }), NULL);
	text->len = 0;
}

static void add_table(struct view_objects *v, enum xt_table_id id, const struct config *config, struct out *text)
{
	const struct xt_table_row *row = &xt_table_rows[id];
	struct arena arena = { 0 }, rules = { 0 };
	const struct xt_table *table = row->lower(&arena, config, row->family_mask);

	for (uint32_t i = 0; i < table->chain_count; i++) {
		struct xt_chain *chain = table->chains[i];

		xt_chain_fill(&rules, table, chain);
		for (const struct xt_rule *rule = chain->first; rule; rule = rule->next) {
			xt_print_rule(text, chain, rule, row->family_mask);
			out_char(text, '\n');
		}
		add_text(v, (uint8_t)id, chain->name, text);
		arena_reset(&rules);
	}
	arena_free(&rules);
	arena_free(&arena);
}

/* Sets of the cluster are those of the other view, too. */
static void view_add_sets(struct view_objects *v, const struct config *config, struct out *text)
{
	struct xt_set_list list = xt_sets_of(&v->arena, config);

	for (uint32_t i = 0; i < list.count; i++) {
		if (list.items[i].set->scope != SCOPE_GUEST)
			continue;
		xt_print_set(text, NULL, &v->arena, &list.items[i]);
		add_text(v, VIEW_SETS, text_of(list.items[i].name), text);
	}
}

static void add_bridge(struct view_objects *v, const struct config *config, struct out *text)
{
	struct eb_table table;

	eb_lower(&table, config);
	for (uint32_t i = 0; i < table.count; i++) {
		eb_print_rules(text, table.chains[i]);
		add_text(v, VIEW_BRIDGE, table.chains[i]->name, text);
	}
	arena_free(&table.arena);
}

static void make_objects(struct view_objects *v, const struct config *config)
{
	struct out text;

	v->map.arena = &v->arena;
	out_init_memory(&text);
	for (unsigned id = 0; id < XT_TABLES; id++)
		add_table(v, (enum xt_table_id)id, config, &text);
	view_add_sets(v, config, &text);
	add_bridge(v, config, &text);
	out_free(&text);
}

static bool view_is_shared(void *context, const struct object *object)
{
	bool filter = object->kind == XT_FILTER4 || object->kind == XT_FILTER6;

	return !filter || (!xt_is_chain_of(context, object->name) && !text_starts(object->name, "GROUP-"));
}

static bool only_own_chains_differ(const struct config *old, const struct config *new)
{
	const struct object_comparison comparison = { .is_included = view_is_shared, .context = (void *)old->guests };
	struct view_objects before = { 0 }, after = { 0 };
	struct object_counts counts;

	make_objects(&before, old);
	make_objects(&after, new);
	counts = object_maps_compare(&before.map, &after.map, &comparison);
	arena_free(&before.arena);
	arena_free(&after.arena);
	return !counts.added && !counts.changed && !counts.removed;
}

/* ---- loading ---- */

static bool load_chains(struct backend_loading *loading, struct xt_session *s, const struct xt_desired *desired)
{
	struct xt_plan plan;
	bool done;

	xt_plan_make(&plan, &s->loaded, desired);
	done = xt_read_can_be_short(&plan, true);
	for (unsigned step = 0; step < XT_STEPS; step++)
		done &= !plan.scripts[step].impossible;
	if (done)
		xt_loading_note(loading, &plan);
	if (done && !xt_plan_is_empty(&plan))
		done = xt_carry_out(loading, s, desired, &plan);
	xt_plan_free(&plan);
	return done;
}

bool xt_load_guests(struct backend_session *session, struct backend_loading *loading, const struct config *config,
		    const struct guest_change *changes, unsigned count)
{
	struct xt_session *s = (struct xt_session *)session;
	struct xt_desired desired = { .only_guests = true };
	struct arena arena = { 0 };
	const struct config *before;
	bool done = false;

	loading->stale = !config_enabled(config);
	if (loading->stale)
		return false;
	before = config_of_changes(&arena, config, changes, count, false);
	desired.config = config_of_changes(&arena, config, changes, count, true);
	if (only_own_chains_differ(before, desired.config)) {
		loading->stale = !xt_lock_take(loading, &s->lock);
		if (!loading->stale) {
			loading->stale = xt_is_stale(session);
			done = !loading->stale && load_chains(loading, s, &desired);
			loading->stale |= !s->known;
			xt_lock_give(&s->lock);
		}
	}
	arena_free(&arena);
	return done;
}

/* ---- afterwards ---- */

static bool has_jump_to(const struct xt_loaded_table *table, const char *name)
{
	for (const struct xt_object *chain = table->chains; chain; chain = chain->hh.next)
		for (const char *at = chain->lines; at && (at = memmem(at, chain->len - (size_t)(at - chain->lines), name, strlen(name)));
		     at++)
			if (at > chain->lines && at[-1] == ' ' && (at[strlen(name)] == '\n' || at[strlen(name)] == ' ') &&
			    strcmp(chain->name, name) != 0)
				return true;
	return false;
}

bool xt_tidy(struct backend_session *session, struct backend_loading *loading)
{
	const struct xt_session *s = (const struct xt_session *)session;

	(void)loading;
	if (!s->known || xt_is_stale(session))
		return false;
	for (unsigned id = 0; id < XT_TABLES; id++)
		for (const struct xt_object *chain = s->loaded.tables[id].chains; chain; chain = chain->hh.next)
			if (strncmp(chain->name, "GROUP-", 6) == 0 && !has_jump_to(&s->loaded.tables[id], chain->name))
				return false;
	return true;
}
