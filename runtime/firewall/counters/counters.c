/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kind of a line comes from the configuration: what stands in a section of rules and is not among its rules was
 * reported, and is ignored. */
#include "firewall/counters/counters.h"

#include <errno.h>

const char *const counted_options[COUNTED_OPTIONS] = { "policy_in", "policy_out", "policy_forward" };

/* ---- files ---- */

static enum file_kind counted_kind_of(const char *path)
{
	struct text name = text_of(base_name(path));

	if (strncmp(path, "sdn/", 4) == 0)
		return FILE_VNET;
	if (text_is(name, "cluster.fw"))
		return FILE_CLUSTER;
	return text_is(name, "host.fw") ? FILE_HOST : FILE_GUEST;
}

struct text counters_line(const struct counters *c, const struct counted_file *file, uint32_t line)
{
	return word_text(source_line(c->map, file->source, line));
}

static void counters_add_file(struct counters *c, struct source *source)
{
	struct counted_file *file = &c->files[c->file_count++];

	file->source = source;
	file->kind = counted_kind_of(source->path);
	counters_line(c, file, 1); /* counts the lines */
	file->line_count = source->line_count;
	if (file->line_count && !counters_line(c, file, file->line_count).len)
		file->line_count--;
	file->lines = ARENA_ARRAY(c->arena, struct counted, file->line_count);
}

/* Returns NULL for a place outside .fw files. */
static struct counted_file *counters_file_of(const struct counters *c, const struct source *source)
{
	uint32_t low = 0, high = c->file_count;

	while (source && low < high) {
		uint32_t middle = (low + high) / 2;

		if (c->files[middle].source == source)
			return &c->files[middle];
		if (c->files[middle].source->base < source->base)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ---- kinds of lines ---- */

/* Lines in sections of rules that are not empty; mark_rules() changes those that are rules. */
static void mark_sections(const struct counters *c, struct counted_file *file)
{
	bool rules = false;

	for (uint32_t line = 1; line <= file->line_count; line++) {
		struct text t = counters_line(c, file, line);

		while (t.len && char_is_blank(t.ptr[0]))
			t = text_skip(t, 1);
		if (t.len && t.ptr[0] == '[')
			rules = t.len > 5 && (text_equal_nocase((struct text){ t.ptr, 6 }, TEXT("[rules")) ||
					      text_equal_nocase((struct text){ t.ptr, 6 }, TEXT("[group")));
		else if (rules && t.len && t.ptr[0] != '#')
			file->lines[line - 1].kind = COUNTED_IGNORED;
	}
}

static void mark_rules(const struct counters *c, const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next) {
		struct counted_file *file = counters_file_of(c, source_find(c->map, rule->span.begin));
		uint32_t line = file ? source_line_number(c->map, rule->span.begin) : 0;

		if (line && line <= file->line_count)
			file->lines[line - 1].kind = rule->enabled ? COUNTED_RULE : COUNTED_DISABLED;
	}
}

static void mark_lines(const struct counters *c)
{
	const struct config *config = c->config;

	for (uint32_t i = 0; i < c->file_count; i++)
		mark_sections(c, &c->files[i]);
	mark_rules(c, &config->cluster_rules);
	mark_rules(c, &config->host_rules);
	for (const struct group *group = config->groups; group; group = group->hh.next)
		mark_rules(c, &group->rules);
	for (const struct guest *guest = config->guests; guest; guest = guest->next)
		mark_rules(c, &guest->rules);
	for (const struct guest *guest = config->strangers; guest; guest = guest->next)
		mark_rules(c, &guest->rules);
	for (const struct vnet *vnet = config->vnets; vnet; vnet = vnet->next)
		mark_rules(c, &vnet->rules);
}

void counters_init(struct counters *c, struct arena *arena, const struct source_map *map, const struct config *config)
{
	*c = (struct counters){ .arena = arena, .map = map, .config = config };
	c->files = ARENA_ARRAY(arena, struct counted_file, map->count);
	for (uint32_t i = 0; i < map->count; i++)
		if (string_ends(map->sources[i]->path, ".fw"))
			counters_add_file(c, map->sources[i]);
	mark_lines(c);
}

void counters_free(struct counters *c)
{
	HASH_CLEAR(hh, c->zones);
}

struct counted_file *counters_find_file(const struct counters *c, struct text name)
{
	struct counted_file *found = NULL;

	for (uint32_t i = 0; i < c->file_count; i++) {
		struct counted_file *file = &c->files[i];
		struct text base = text_of(base_name(file->source->path)), stem = { base.ptr, base.len - 3 };

		if (text_is(name, file->source->path))
			return file;
		if (!found && (text_equal(name, base) || text_equal(name, stem)))
			found = file;
	}
	return found;
}

/* ---- counting ---- */

static void count_add(struct count *count, uint64_t packets, uint64_t bytes)
{
	count->packets += packets;
	count->bytes += bytes;
}

static struct counted_zone *counters_find_zone(struct counters *c, const struct backend_zone *zone)
{
	const char *key = arena_printf(c->arena, "%u %.*s", (unsigned)zone->kind, TEXT_ARG(zone->name));
	struct counted_zone *found = NULL;

	HASH_FIND_STR(c->zones, key, found);
	if (found)
		return found;
	found = ARENA_NEW(c->arena, struct counted_zone);
	found->kind = zone->kind;
	found->name = arena_copy(c->arena, zone->name);
	found->key = key;
	HASH_ADD_KEYPTR(hh, c->zones, found->key, strlen(found->key), found);
	return found;
}

void counters_add(void *counters, const struct backend_count *count)
{
	struct counters *c = counters;
	struct counted_file *file = counters_file_of(c, count->source);
	struct counted *counted = NULL;
	struct counted_zone *zone = counters_find_zone(c, &count->zone);

	if (file && !count->line) {
		for (unsigned i = 0; i < COUNTED_OPTIONS; i++)
			if (text_is(count->option, counted_options[i]))
				counted = &file->defaults[i];
	} else if (file && count->line <= file->line_count) {
		counted = &file->lines[count->line - 1];
	}
	if (counted) {
		counted->loaded = true;
		count_add(&counted->all, count->packets, count->bytes);
	} else {
		c->skipped++;
	}
	count_add(&zone->outcomes[count->outcome], count->packets, count->bytes);
}

/* Discards the counters. */
static void counters_clear(struct counters *c)
{
	for (uint32_t i = 0; i < c->file_count; i++) {
		struct counted_file *file = &c->files[i];

		for (uint32_t line = 0; line < file->line_count; line++)
			file->lines[line] = (struct counted){ .kind = file->lines[line].kind };
		memset(file->defaults, 0, sizeof(file->defaults));
	}
	HASH_CLEAR(hh, c->zones);
	c->skipped = 0;
}

int counters_read(struct counters *c, const struct backend *backend)
{
	enum { TRIES = 8 };
	uint32_t skipped = 0;
	int reason = EINTR;

	for (unsigned i = 0; i < TRIES && reason == EINTR; i++) {
		counters_clear(c);
		reason = backend->counters(c->config, counters_add, c, &skipped);
	}
	c->skipped += skipped;
	return reason;
}

struct count counted_since(const struct counted *counted)
{
	return (struct count){ counted->all.packets - counted->base.packets,
			       counted->all.bytes - counted->base.bytes };
}
