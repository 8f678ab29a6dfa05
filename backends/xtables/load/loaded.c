/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses the output of the -save tools into the loaded state.
 *
 * For our chains and sets (spec 2.12) it keeps the lines, so that a rollback can load them again.  For chains it
 * also keeps the digest and the number of rules, by which they are compared.  Foreign rules in built-in chains are
 * only counted, to know the positions of our hooks.  In ebtables all rules are kept, because its table is replaced
 * as a whole.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "xtables/load/xt_state.h"

const struct xt_table_row xt_table_rows[XT_TABLES] = {
	[XT_FILTER4] = { "filter", IPV4, xt_filter_hooks, xt_lower_filter },
	[XT_RAW4] = { "raw", IPV4, xt_raw_hooks, xt_lower_raw },
	[XT_FILTER6] = { "filter", IPV6, xt_filter_hooks, xt_lower_filter },
	[XT_RAW6] = { "raw", IPV6, xt_raw_hooks, xt_lower_raw },
};

/* ---- objects ---- */

void xt_objects_free(struct xt_object **objects)
{
	struct xt_object *object, *next;

	HASH_ITER(hh, *objects, object, next) {
		HASH_DEL(*objects, object);
		free(object->lines);
		free(object->counts);
		free(object);
	}
}

struct xt_object *xt_object_find(struct xt_object *objects, struct text name)
{
	struct xt_object *object = NULL;

	if (objects)
		HASH_FIND(hh, objects, name.ptr, name.len, object);
	return object;
}

/* Finds or adds the object; returns NULL for a name that is too long for pvefw's own. */
static struct xt_object *object_add(struct xt_object **objects, struct text name)
{
	struct xt_object *object = xt_object_find(*objects, name);

	if (object || name.len >= XT_NAME_SIZE)
		return object;
	object = xcalloc(1, sizeof(*object));
	memcpy(object->name, name.ptr, name.len);
	HASH_ADD_KEYPTR(hh, *objects, object->name, name.len, object);
	return object;
}

static void object_append(struct xt_object *object, struct text lines)
{
	if (!lines.len)
		return;
	object->lines = xrealloc(object->lines, object->len + lines.len);
	memcpy(object->lines + object->len, lines.ptr, lines.len);
	object->len += lines.len;
}

void xt_bridge_free(struct xt_loaded_bridge *bridge)
{
	xt_objects_free(&bridge->chains);
	out_free(&bridge->declarations);
	out_free(&bridge->rules);
	*bridge = (struct xt_loaded_bridge){ .declarations = { .fd = -1 }, .rules = { .fd = -1 } };
}

void xt_loaded_free(struct xt_loaded *loaded)
{
	for (int i = 0; i < XT_TABLES; i++)
		xt_objects_free(&loaded->tables[i].chains);
	xt_objects_free(&loaded->sets);
	xt_bridge_free(&loaded->bridge);
}

/* ---- names of our chains ---- */

/* Parses "<n>" after a prefix; returns the rest, or an empty text. */
static struct text skip_number(struct text t, const char *prefix)
{
	uint32_t digits = 0;

	if (!text_starts(t, prefix))
		return (struct text){ NULL, 0 };
	t = text_skip(t, (uint32_t)strlen(prefix));
	while (digits < t.len && char_is_digit(t.ptr[digits]))
		digits++;
	return digits ? text_skip(t, digits) : (struct text){ NULL, 0 };
}

static bool is_suffix(struct text t, const char *const *names)
{
	for (; *names; names++)
		if (text_is(t, *names))
			return true;
	return false;
}

/* Whether the name is that of a NIC's chain with one of the suffixes. */
static bool is_nic_chain(struct text name, const char *const *suffixes)
{
	struct text rest = skip_number(name, "tap");

	if (!rest.len)
		rest = skip_number(name, "veth");
	rest = skip_number(rest, "i");
	return rest.len && is_suffix(rest, suffixes);
}

static bool owns_chain(struct text name)
{
	static const char *const suffixes[] = { "-IN", "-OUT", NULL };
	static const char *const port_suffixes[] = { "-FW", "-IN", "-OUT", "-IPS", NULL };
	struct text port = skip_number(name, "fwbr"), with_vlan = skip_number(port, "v");

	return text_starts(name, "PVEFW-") || is_nic_chain(name, suffixes) ||
	       is_suffix(with_vlan.len ? with_vlan : port, port_suffixes) ||
	       (text_starts(name, "GROUP-") && (text_ends(name, "-IN") || text_ends(name, "-OUT")));
}

static bool owns_bridge_chain(struct text name)
{
	static const char *const suffixes[] = { "-IN", "-OUT", "-OUT-ARP", "-OUT-PROTO", NULL };

	return text_starts(name, "PVEFW-") || is_nic_chain(name, suffixes);
}

/* tap100i0-IN, veth100i0-OUT */
bool xt_is_chain_of(const struct guest *guests, struct text chain)
{
	for (const struct guest *guest = guests; guest; guest = guest->next)
		for (const struct nic *nic = guest->nics; nic; nic = nic->next)
			if (chain.len > nic->device.len && chain.ptr[nic->device.len] == '-' &&
			    memcmp(chain.ptr, nic->device.ptr, nic->device.len) == 0)
				return true;
	return false;
}

/* ---- lines ---- */

/* Returns the first word of `t`; *rest is the text after it and its space. */
static struct text first_word(struct text t, struct text *rest)
{
	uint32_t len = 0;

	while (len < t.len && t.ptr[len] != ' ' && t.ptr[len] != '\n')
		len++;
	*rest = text_skip(t, len < t.len ? len + 1 : len);
	return (struct text){ t.ptr, len };
}

static bool cut_number(struct text *t, char end, uint64_t *number)
{
	uint32_t len = 0;

	while (len < t->len && char_is_digit(t->ptr[len]))
		len++;
	if (len == t->len || t->ptr[len] != end || !text_to_number((struct text){ t->ptr, len }, UINT64_MAX, number))
		return false;
	*t = text_skip(*t, len + 1);
	return true;
}

/* Skips the counters in "[PACKETS:BYTES] -A CHAIN ...", as the tools print with -c.  `count` may be NULL. */
static struct text without_count(struct text line, struct xt_count *count)
{
	struct xt_count ignored;
	struct text rest = line;

	if (!count)
		count = &ignored;
	if (!rest.len || rest.ptr[0] != '[')
		return line;
	rest = text_skip(rest, 1);
	if (!cut_number(&rest, ':', &count->packets) || !cut_number(&rest, ']', &count->bytes) || !rest.len)
		return line;
	return text_skip(rest, 1);
}

/* Parses "-A CHAIN ..."; *rule is the text after the chain.  False for other lines. */
static bool cut_rule(struct text line, struct text *chain, struct text *rule)
{
	if (!text_starts(line, "-A "))
		return false;
	*chain = first_word(text_skip(line, 3), rule);
	return true;
}

/* ---- iptables ---- */

/* Takes the digest out of a rule's comment, which some tools quote; empty if there is none. */
static void loaded_take_digest(struct xt_object *object, struct text rule)
{
	enum { DIGEST = XT_DIGEST_SIZE - 1 };

	object->digest[0] = '\0';
	if (!text_starts(rule, "-m comment --comment "))
		return;
	rule = text_skip(rule, sizeof("-m comment --comment ") - 1);
	if (text_starts(rule, "\""))
		rule = text_skip(rule, 1);
	if (!text_starts(rule, "PVESIG:") || rule.len < sizeof("PVESIG:") - 1 + DIGEST)
		return;
	memcpy(object->digest, rule.ptr + sizeof("PVESIG:") - 1, DIGEST);
	object->digest[DIGEST] = '\0';
}

/* Adds consecutive rules of one chain. */
static void take_rules(struct xt_object *object, struct text lines)
{
	struct text line, chain, rest = lines, rule = { NULL, 0 };
	uint32_t count = 0;

	while (text_cut_line(&rest, &line))
		count++;
	object->lines = xrealloc(object->lines, object->len + lines.len + 1);
	object->counts = xrealloc(object->counts, (object->rules + count + 1) * sizeof(*object->counts));
	while (text_cut_line(&lines, &line)) {
		struct xt_count counted = { 0, 0 };

		line = without_count(line, &counted);
		memcpy(object->lines + object->len, line.ptr, line.len);
		object->len += line.len;
		if (cut_rule(line, &chain, &rule))
			object->counts[object->rules++] = counted;
	}
	loaded_take_digest(object, rule);
}

static void take_hook(struct xt_loaded_table *table, const struct xt_hook *hooks, struct text chain,
		      struct text rule)
{
	for (uint32_t i = 0; hooks[i].chain; i++) {
		struct xt_hooked *hooked = &table->hooks[i];
		struct text rest, jump;

		if (!text_is(chain, hooks[i].builtin))
			continue;
		hooked->rules++;
		if (!text_starts(rule, "-j "))
			continue;
		jump = first_word(text_skip(rule, 3), &rest);
		if (!text_is(jump, hooks[i].chain) || (rest.len && rest.ptr[0] != '\n'))
			continue;
		if (!hooked->count++)
			hooked->position = hooked->rules;
	}
}

/* Consecutive rules of one chain. */
struct run {
	struct text chain;
	struct text lines;
};

static void end_run(struct xt_loaded_table *table, struct run *run)
{
	if (run->lines.len && owns_chain(run->chain)) {
		struct xt_object *object = object_add(&table->chains, run->chain);

		if (object)
			take_rules(object, run->lines);
	}
	*run = (struct run){ { NULL, 0 }, { NULL, 0 } };
}

static void loaded_take_rule(struct xt_loaded_table *table, const struct xt_hook *hooks, struct run *run,
		      struct text line)
{
	struct text chain, rule;

	if (!cut_rule(without_count(line, NULL), &chain, &rule))
		return;
	if (!run->lines.len || !text_equal(chain, run->chain)) {
		end_run(table, run);
		*run = (struct run){ chain, { line.ptr, 0 } };
	}
	run->lines.len += line.len;
	take_hook(table, hooks, chain, rule);
}

static int find_table(struct text name, unsigned family_mask)
{
	for (int i = 0; i < XT_TABLES; i++)
		if (xt_table_rows[i].family_mask == family_mask && text_is(name, xt_table_rows[i].name))
			return i;
	return XT_TABLES;
}

static void forget_tables(struct xt_loaded *loaded, unsigned family_mask)
{
	for (int i = 0; i < XT_TABLES; i++) {
		if (xt_table_rows[i].family_mask != family_mask)
			continue;
		xt_objects_free(&loaded->tables[i].chains);
		memset(loaded->tables[i].hooks, 0, sizeof(loaded->tables[i].hooks));
	}
}

/* iptables-save prints "# Table `filter' is incompatible, use 'nft' tool." if the table contains native rules. */
static bool is_hidden_table(struct text line, unsigned family_mask)
{
	struct text rest;

	if (!text_starts(line, "# Table `"))
		return false;
	line = text_skip(line, sizeof("# Table `") - 1);
	rest = line;
	for (rest.len = 0; rest.len < line.len && line.ptr[rest.len] != '\''; rest.len++)
		;
	if (memmem(line.ptr, line.len, "incompatible base-chains", 24))
		return false; /* those of iptables are listed nevertheless */
	return find_table(rest, family_mask) != XT_TABLES;
}

bool xt_loaded_take_tables(struct xt_loaded *loaded, unsigned family_mask, struct text saved)
{
	struct run run = { { NULL, 0 }, { NULL, 0 } };
	struct text line, name, rest;
	int id = XT_TABLES;
	bool shown = true;

	forget_tables(loaded, family_mask);
	while (text_cut_line(&saved, &line)) {
		shown &= !is_hidden_table(line, family_mask);
		if (line.ptr[0] == '*' || text_starts(line, "COMMIT")) {
			if (id != XT_TABLES)
				end_run(&loaded->tables[id], &run);
			id = line.ptr[0] == '*' ? find_table(first_word(text_skip(line, 1), &rest), family_mask)
						: XT_TABLES;
		} else if (id != XT_TABLES && line.ptr[0] == ':') {
			name = first_word(text_skip(line, 1), &rest);
			if (owns_chain(name))
				object_add(&loaded->tables[id].chains, name);
		} else if (id != XT_TABLES) {
			loaded_take_rule(&loaded->tables[id], xt_table_rows[id].hooks, &run, line);
		}
	}
	return shown;
}

/* As object_add(), but empties an object that exists. */
static struct xt_object *object_anew(struct xt_object **objects, struct text name)
{
	struct xt_object *object = object_add(objects, name);

	if (object) {
		free(object->lines);
		free(object->counts);
		object->lines = NULL;
		object->counts = NULL;
		object->len = 0;
		object->rules = 0;
		object->fingerprint = 0;
		object->compared = false;
		object->digest[0] = '\0';
	}
	return object;
}

void xt_loaded_take_chain(struct xt_loaded_table *table, struct text name, struct text listed)
{
	struct xt_object *object = object_anew(&table->chains, name);
	struct text line, chain, rule;

	/* The first line is "-N CHAIN". */
	while (listed.len && !cut_rule(listed, &chain, &rule))
		text_cut_line(&listed, &line);
	if (object) {
		take_rules(object, listed);
		free(object->counts);
		object->counts = NULL;
	}
}

/* ---- results of earlier comparisons ---- */

static bool inherit(struct xt_object *object, const struct xt_object *old, bool loaded)
{
	bool same_digest = old && object->digest[0] && strcmp(old->digest, object->digest) == 0;
	bool same = same_digest && text_equal(xt_object_text(object), xt_object_text(old));

	if (same) {
		object->compared = old->compared || loaded;
		object->fingerprint = old->fingerprint;
		return true;
	}
	/* We do not load a chain that was correct: if its lines differ now, another program has changed it. */
	object->compared = loaded && !(same_digest && old->compared);
	return !(same_digest && old->compared);
}

bool xt_loaded_inherit(struct xt_loaded *found, struct xt_loaded *before, bool loaded)
{
	bool ours = true;

	for (unsigned i = 0; i < XT_TABLES; i++)
		for (struct xt_object *object = found->tables[i].chains; object; object = object->hh.next)
			ours = inherit(object, xt_object_find(before->tables[i].chains, text_of(object->name)), loaded) && ours;
	return ours;
}

/* ---- sets ---- */

static int by_bytes(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

/* Prints "add NAME ADDRESS ..." with the address as we write it.  ipset formats some differently, such as
 * ::ffff:0.0.0.0/96 for ::ffff:0:0/96. */
static void print_member(struct out *out, struct text line)
{
	struct text name, address, rest;
	char text[PREFIX_TEXT_SIZE];
	struct prefix prefix;

	name = first_word(text_skip(line, sizeof("add ") - 1), &rest);
	address = first_word(rest, &rest);
	if (prefix_parse(address, &prefix) != ADDRESS_OK) {
		out_text(out, line);
		return;
	}
	out_bytes(out, line.ptr, (size_t)(name.ptr + name.len + 1 - line.ptr));
	out_bytes(out, text, prefix_format(&prefix, text));
	address.ptr += address.len; /* the space or newline after it, and the rest */
	out_bytes(out, address.ptr, (size_t)(line.ptr + line.len - address.ptr));
}

/* Stores the header, then the members sorted. */
static void loaded_take_set(struct xt_object *object, struct text header, struct text members)
{
	uint32_t count = 0;
	const char *initval;
	struct text line, *lines, rest = members;
	struct out out;

	/* The kernel chooses the number in "create NAME ... initval 0x1234". */
	initval = memmem(header.ptr, header.len, TEXT(" initval ").ptr, TEXT(" initval ").len);
	header.len = initval ? (uint32_t)(initval - header.ptr) : header.len - 1;
	object_append(object, header);
	object_append(object, TEXT("\n"));
	out_init_memory(&out);
	for (; text_cut_line(&rest, &line); count++)
		print_member(&out, line);
	members = (struct text){ out.data, (uint32_t)out.len };
	lines = xmalloc((count + 1) * sizeof(*lines));
	for (uint32_t i = 0; text_cut_line(&members, &line); i++)
		lines[i] = line;
	qsort(lines, count, sizeof(*lines), by_bytes);
	for (uint32_t i = 0; i < count; i++)
		object_append(object, lines[i]);
	object->rules = count;
	free(lines);
	out_free(&out);
}

/* Takes the set whose `create` line begins `saved`, with its members; *rest is the text after them. */
static struct text cut_set(struct text saved, struct text *header, struct text *members, struct text *rest)
{
	struct text line, name;

	*rest = saved;
	text_cut_line(rest, header);
	name = first_word(text_skip(*header, sizeof("create ") - 1), &line);
	*members = (struct text){ rest->ptr, 0 };
	while (rest->len && text_starts(*rest, "add ")) {
		text_cut_line(rest, &line);
		members->len += line.len;
	}
	return name;
}

void xt_loaded_take_sets(struct xt_loaded *loaded, struct text saved)
{
	struct text header, members, name;

	xt_objects_free(&loaded->sets);
	while (saved.len) {
		struct xt_object *object;

		if (!text_starts(saved, "create ")) {
			text_cut_line(&saved, &header);
			continue;
		}
		name = cut_set(saved, &header, &members, &saved);
		object = text_starts(name, "PVEFW-") ? object_anew(&loaded->sets, name) : NULL;
		if (object)
			loaded_take_set(object, header, members);
	}
}

void xt_loaded_take_set(struct xt_loaded *loaded, struct text name, struct text saved)
{
	struct xt_object *object = object_anew(&loaded->sets, name);
	struct text header, members, rest;

	if (object && text_starts(saved, "create ") &&
	    text_equal(cut_set(saved, &header, &members, &rest), name))
		loaded_take_set(object, header, members);
}

/* ---- ebtables ---- */

/* ebtables-nft writes "0a" in MAC addresses where ebtables-legacy and we write "a". */
static bool is_mac(struct text word)
{
	if (word.len != sizeof("00:00:00:00:00:00") - 1)
		return false;
	for (uint32_t i = 2; i < word.len; i += 3)
		if (word.ptr[i] != ':')
			return false;
	return true;
}

static void take_bridge_rule(struct xt_object *object, struct text line)
{
	struct out out;
	struct text word;

	out_init_memory(&out);
	while (line.len) {
		word = first_word(line, &line);
		if (text_is(word, "!") && text_starts(line, "-")) {
			/* ebtables-nft 1.8.11 writes "! -s MAC"; older versions, ebtables-legacy and we write "-s ! MAC". */
			out_text(&out, first_word(line, &line));
			out_string(&out, " !");
		} else if (is_mac(word)) {
			for (uint32_t i = 0; i < word.len; i++)
				if (i % 3 || word.ptr[i] != '0')
					out_char(&out, word.ptr[i]);
		} else {
			out_text(&out, word);
		}
		out_char(&out, line.len ? ' ' : '\n');
	}
	object_append(object, (struct text){ out.data, (uint32_t)out.len });
	object->rules++;
	out_free(&out);
}

void xt_loaded_take_bridge(struct xt_loaded *loaded, struct text saved)
{
	struct xt_loaded_bridge *bridge = &loaded->bridge;
	struct text line, name, rest;
	bool filter = false;

	xt_bridge_free(bridge);
	while (text_cut_line(&saved, &line)) {
		bool rule;

		/* ebtables-nft ends some lines with a space. */
		while (line.len && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == ' '))
			line.len--;
		if (text_starts(line, "*"))
			filter = text_is(line, "*filter");
		rule = cut_rule(line, &name, &rest);
		if (!filter || (!rule && !text_starts(line, ":")))
			continue;
		if (!rule)
			name = first_word(text_skip(line, 1), &rest);
		if (owns_bridge_chain(name)) {
			struct xt_object *object = object_add(&bridge->chains, name);

			if (object && rule)
				take_bridge_rule(object, line);
			else if (object && rest.len < sizeof(object->policy))
				memcpy(object->policy, rest.ptr, rest.len);
			continue;
		}
		bridge->hooked |= text_is(line, XT_BRIDGE_HOOK);
		out_text(rule ? &bridge->rules : &bridge->declarations, line);
		out_char(rule ? &bridge->rules : &bridge->declarations, '\n');
	}
}
