/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is loaded, as the -save tools print it.
 *
 * Of chains and sets that are ours (spec 2.12) the lines are kept, to be able to load
 * them again, and of chains the digest and the number of rules, by which they are
 * compared.  Of others' rules only those in built-in chains count, and only for where
 * our hooks stand among them; in ebtables, whose table is replaced as a whole, all of
 * them are kept.
 */
#include <stdio.h>
#include <stdlib.h>

#include "xtables/load/xt_state.h"
#include "base/xmalloc.h"

const struct xt_table_row xt_table_rows[XT_TABLES] = {
	[XT_FILTER4] = { "filter", IPV4, xt_filter_hooks, xt_lower_filter },
	[XT_RAW4] = { "raw", IPV4, xt_raw_hooks, xt_lower_raw },
	[XT_FILTER6] = { "filter", IPV6, xt_filter_hooks, xt_lower_filter },
	[XT_RAW6] = { "raw", IPV6, xt_raw_hooks, xt_lower_raw },
};

/* ---- pieces ---- */

void xt_pieces_free(struct xt_piece **pieces)
{
	struct xt_piece *piece, *next;

	HASH_ITER(hh, *pieces, piece, next) {
		HASH_DEL(*pieces, piece);
		free(piece->lines);
		free(piece->counts);
		free(piece);
	}
}

struct xt_piece *xt_piece_find(struct xt_piece *pieces, struct text name)
{
	struct xt_piece *piece = NULL;

	if (pieces)
		HASH_FIND(hh, pieces, name.ptr, name.len, piece);
	return piece;
}

bool xt_piece_is(const struct xt_piece *piece, const char *lines, size_t len)
{
	return piece && piece->len == len && (!len || memcmp(piece->lines, lines, len) == 0);
}

/* NULL for names that cannot be ours. */
static struct xt_piece *piece_add(struct xt_piece **pieces, struct text name)
{
	struct xt_piece *piece = xt_piece_find(*pieces, name);

	if (piece || name.len >= XT_NAME_SIZE)
		return piece;
	piece = xcalloc(1, sizeof(*piece));
	memcpy(piece->name, name.ptr, name.len);
	HASH_ADD_KEYPTR(hh, *pieces, piece->name, name.len, piece);
	return piece;
}

static void piece_append(struct xt_piece *piece, struct text lines)
{
	if (!lines.len)
		return;
	piece->lines = xrealloc(piece->lines, piece->len + lines.len);
	memcpy(piece->lines + piece->len, lines.ptr, lines.len);
	piece->len += lines.len;
}

void xt_bridge_free(struct xt_loaded_bridge *bridge)
{
	xt_pieces_free(&bridge->chains);
	out_free(&bridge->declarations);
	out_free(&bridge->rules);
	*bridge = (struct xt_loaded_bridge){ .declarations = { .fd = -1 }, .rules = { .fd = -1 } };
}

void xt_loaded_free(struct xt_loaded *loaded)
{
	for (int i = 0; i < XT_TABLES; i++)
		xt_pieces_free(&loaded->tables[i].chains);
	xt_pieces_free(&loaded->sets);
	xt_bridge_free(&loaded->bridge);
}

/* ---- whose chain is it ---- */

static struct text skip(struct text t, uint32_t len)
{
	return (struct text){ t.ptr + len, t.len - len };
}

/* "<n>" behind a prefix; the rest, or an empty text. */
static struct text skip_number(struct text t, const char *prefix)
{
	uint32_t digits = 0;

	if (!text_starts(t, prefix))
		return (struct text){ NULL, 0 };
	t = skip(t, (uint32_t)strlen(prefix));
	while (digits < t.len && char_is_digit(t.ptr[digits]))
		digits++;
	return digits ? skip(t, digits) : (struct text){ NULL, 0 };
}

static bool is_one_of(struct text t, const char *const *names)
{
	for (; *names; names++)
		if (text_is(t, *names))
			return true;
	return false;
}

/* The table of a name's suffixes, by what the name begins with. */
static bool is_nic_chain(struct text name, const char *const *suffixes)
{
	struct text rest = skip_number(name, "tap");

	if (!rest.len)
		rest = skip_number(name, "veth");
	rest = skip_number(rest, "i");
	return rest.len && is_one_of(rest, suffixes);
}

static bool is_bridge_port_chain(struct text name)
{
	static const char *const suffixes[] = { "-FW", "-IN", "-OUT", "-IPS", NULL };
	struct text rest = skip_number(name, "fwbr"), with_vlan = skip_number(rest, "v");

	return is_one_of(with_vlan.len ? with_vlan : rest, suffixes);
}

static bool is_group_chain(struct text name)
{
	return text_starts(name, "GROUP-") && (text_ends(name, "-IN") || text_ends(name, "-OUT"));
}

static bool owns_chain(struct text name)
{
	static const char *const suffixes[] = { "-IN", "-OUT", NULL };

	return text_starts(name, "PVEFW-") || is_nic_chain(name, suffixes) || is_bridge_port_chain(name) ||
	       is_group_chain(name);
}

static bool owns_bridge_chain(struct text name)
{
	static const char *const suffixes[] = { "-IN", "-OUT", "-OUT-ARP", "-OUT-PROTO", NULL };

	return text_starts(name, "PVEFW-") || is_nic_chain(name, suffixes);
}

/* tap100i0-IN, veth100i0-OUT */
bool xt_is_chain_of(const struct guest *guest, struct text chain)
{
	for (const struct nic *nic = guest->nics; nic; nic = nic->next)
		if (chain.len > nic->device.len && chain.ptr[nic->device.len] == '-' &&
		    memcmp(chain.ptr, nic->device.ptr, nic->device.len) == 0)
			return true;
	return false;
}

/* ---- lines ---- */

/* The next line with its end; false when there is none. */
static bool next_line(struct text *rest, struct text *line)
{
	long end = text_find(*rest, '\n');

	if (!rest->len)
		return false;
	*line = (struct text){ rest->ptr, end < 0 ? rest->len : (uint32_t)end + 1 };
	*rest = skip(*rest, line->len);
	return true;
}

/* The first word of `t`; *rest is what is behind it and its blank. */
static struct text first_word(struct text t, struct text *rest)
{
	uint32_t len = 0;

	while (len < t.len && t.ptr[len] != ' ' && t.ptr[len] != '\n')
		len++;
	*rest = skip(t, len < t.len ? len + 1 : len);
	return (struct text){ t.ptr, len };
}

static bool take_number(struct text *t, char end, uint64_t *number)
{
	uint32_t len = 0;

	while (len < t->len && char_is_digit(t->ptr[len]))
		len++;
	if (len == t->len || t->ptr[len] != end || !text_to_number((struct text){ t->ptr, len }, UINT64_MAX, number))
		return false;
	*t = skip(*t, len + 1);
	return true;
}

/* "-A CHAIN ..." of "[PACKETS:BYTES] -A CHAIN ...", as the tools print it with -c; *count may be NULL. */
static struct text without_count(struct text line, struct xt_count *count)
{
	struct xt_count ignored;
	struct text rest = line;

	if (!count)
		count = &ignored;
	if (!rest.len || rest.ptr[0] != '[')
		return line;
	rest = skip(rest, 1);
	if (!take_number(&rest, ':', &count->packets) || !take_number(&rest, ']', &count->bytes) || !rest.len)
		return line;
	return skip(rest, 1);
}

/* The chain of "-A CHAIN ..."; *rule is what is behind it. */
static bool is_rule(struct text line, struct text *chain, struct text *rule)
{
	if (!text_starts(line, "-A "))
		return false;
	*chain = first_word(skip(line, 3), rule);
	return true;
}

/* ---- iptables ---- */

/* Quotes stand or not, as the tool likes. */
static void take_digest(struct xt_piece *piece, struct text rule)
{
	enum { DIGEST = XT_DIGEST_SIZE - 1 };

	piece->digest[0] = '\0';
	if (!text_starts(rule, "-m comment --comment "))
		return;
	rule = skip(rule, sizeof("-m comment --comment ") - 1);
	if (text_starts(rule, "\""))
		rule = skip(rule, 1);
	if (!text_starts(rule, "PVESIG:") || rule.len < sizeof("PVESIG:") - 1 + DIGEST)
		return;
	memcpy(piece->digest, rule.ptr + sizeof("PVESIG:") - 1, DIGEST);
	piece->digest[DIGEST] = '\0';
}

/* Rules of one chain that stand one behind the other. */
static void take_rules(struct xt_piece *piece, struct text lines)
{
	struct text line, chain, rest = lines, rule = { NULL, 0 };
	uint32_t count = 0;

	while (next_line(&rest, &line))
		count++;
	piece->lines = xrealloc(piece->lines, piece->len + lines.len + 1);
	piece->counts = xrealloc(piece->counts, (piece->rules + count + 1) * sizeof(*piece->counts));
	while (next_line(&lines, &line)) {
		struct xt_count counted = { 0, 0 };

		line = without_count(line, &counted);
		memcpy(piece->lines + piece->len, line.ptr, line.len);
		piece->len += line.len;
		if (is_rule(line, &chain, &rule))
			piece->counts[piece->rules++] = counted;
	}
	take_digest(piece, rule);
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
		jump = first_word(skip(rule, 3), &rest);
		if (!text_is(jump, hooks[i].chain) || (rest.len && rest.ptr[0] != '\n'))
			continue;
		if (!hooked->count++)
			hooked->position = hooked->rules;
	}
}

/* A run of rules of the same chain. */
struct run {
	struct text chain;
	struct text lines;
};

static void end_run(struct xt_loaded_table *table, struct run *run)
{
	if (run->lines.len && owns_chain(run->chain)) {
		struct xt_piece *piece = piece_add(&table->chains, run->chain);

		if (piece)
			take_rules(piece, run->lines);
	}
	*run = (struct run){ { NULL, 0 }, { NULL, 0 } };
}

static void take_rule(struct xt_loaded_table *table, const struct xt_hook *hooks, struct run *run,
		      struct text line)
{
	struct text chain, rule;

	if (!is_rule(without_count(line, NULL), &chain, &rule))
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
		xt_pieces_free(&loaded->tables[i].chains);
		memset(loaded->tables[i].hooks, 0, sizeof(loaded->tables[i].hooks));
	}
}

/* "# Table `filter' is incompatible, use 'nft' tool.": native rules are in it. */
static bool is_hidden_table(struct text line, unsigned family_mask)
{
	struct text rest;

	if (!text_starts(line, "# Table `"))
		return false;
	line = skip(line, sizeof("# Table `") - 1);
	rest = line;
	for (rest.len = 0; rest.len < line.len && line.ptr[rest.len] != '\''; rest.len++)
		;
	if (memmem(line.ptr, line.len, "incompatible base-chains", 24))
		return false; /* beside those of iptables, which are shown */
	return find_table(rest, family_mask) != XT_TABLES;
}

bool xt_loaded_take_tables(struct xt_loaded *loaded, unsigned family_mask, struct text saved)
{
	struct run run = { { NULL, 0 }, { NULL, 0 } };
	struct text line, name, rest;
	int id = XT_TABLES;
	bool shown = true;

	forget_tables(loaded, family_mask);
	while (next_line(&saved, &line)) {
		shown &= !is_hidden_table(line, family_mask);
		if (line.ptr[0] == '*' || text_starts(line, "COMMIT")) {
			if (id != XT_TABLES)
				end_run(&loaded->tables[id], &run);
			id = line.ptr[0] == '*' ? find_table(first_word(skip(line, 1), &rest), family_mask)
						: XT_TABLES;
		} else if (id != XT_TABLES && line.ptr[0] == ':') {
			name = first_word(skip(line, 1), &rest);
			if (owns_chain(name))
				piece_add(&loaded->tables[id].chains, name);
		} else if (id != XT_TABLES) {
			take_rule(&loaded->tables[id], xt_table_rows[id].hooks, &run, line);
		}
	}
	return shown;
}

/* Empties a piece, or makes it. */
static struct xt_piece *piece_anew(struct xt_piece **pieces, struct text name)
{
	struct xt_piece *piece = piece_add(pieces, name);

	if (piece) {
		free(piece->lines);
		free(piece->counts);
		piece->lines = NULL;
		piece->counts = NULL;
		piece->len = 0;
		piece->rules = 0;
		piece->fingerprint = 0;
		piece->compared = false;
		piece->digest[0] = '\0';
	}
	return piece;
}

void xt_loaded_take_chain(struct xt_loaded_table *table, struct text name, struct text listed)
{
	struct xt_piece *piece = piece_anew(&table->chains, name);
	struct text line, chain, rule;

	/* The first line is "-N CHAIN". */
	while (listed.len && !is_rule(listed, &chain, &rule))
		next_line(&listed, &line);
	if (piece) {
		take_rules(piece, listed);
		free(piece->counts);
		piece->counts = NULL;
	}
}

/* ---- what was known before ---- */

static bool inherit(struct xt_piece *piece, const struct xt_piece *old, bool loaded)
{
	bool same_digest = old && piece->digest[0] && strcmp(old->digest, piece->digest) == 0;
	bool same = same_digest && xt_piece_is(piece, old->lines, old->len);

	if (same) {
		piece->compared = old->compared || loaded;
		piece->fingerprint = old->fingerprint;
		return true;
	}
	/* What was known as it should be was not touched by us: then its lines are others'. */
	piece->compared = loaded && !(same_digest && old->compared);
	return !(same_digest && old->compared);
}

bool xt_loaded_inherit(struct xt_loaded *found, struct xt_loaded *before, bool loaded)
{
	bool ours = true;

	for (unsigned i = 0; i < XT_TABLES; i++)
		for (struct xt_piece *piece = found->tables[i].chains; piece; piece = piece->hh.next)
			ours = inherit(piece, xt_piece_find(before->tables[i].chains, text_of(piece->name)), loaded) && ours;
	return ours;
}

void xt_loaded_drop_counts(struct xt_loaded *loaded)
{
	for (unsigned i = 0; i < XT_TABLES; i++)
		for (struct xt_piece *piece = loaded->tables[i].chains; piece; piece = piece->hh.next) {
			free(piece->counts);
			piece->counts = NULL;
		}
}

/* ---- sets ---- */

static int by_bytes(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

/* "create NAME ... initval 0x1234" without what the kernel has made up. */
static struct text without_initval(struct text line)
{
	static const char word[] = " initval ";
	const char *at = memmem(line.ptr, line.len, word, sizeof(word) - 1);

	return at ? (struct text){ line.ptr, (uint32_t)(at - line.ptr) }
		  : (struct text){ line.ptr, line.len - 1 };
}

/* "add NAME ADDRESS ..." with the address as we write it: ipset spells some otherwise, as
 * ::ffff:0.0.0.0/96 for ::ffff:0:0/96. */
static void print_member(struct out *out, struct text line)
{
	struct text name, address, rest;
	char text[PREFIX_TEXT_SIZE];
	struct prefix prefix;

	name = first_word(skip(line, sizeof("add ") - 1), &rest);
	address = first_word(rest, &rest);
	if (prefix_parse(address, &prefix) != ADDRESS_OK) {
		out_text(out, line);
		return;
	}
	out_bytes(out, line.ptr, (size_t)(name.ptr + name.len + 1 - line.ptr));
	out_bytes(out, text, prefix_format(&prefix, text));
	address.ptr += address.len; /* the blank or line end behind it, and the rest */
	out_bytes(out, address.ptr, (size_t)(line.ptr + line.len - address.ptr));
}

/* The header, then the members in order. */
static void take_set(struct xt_piece *piece, struct text header, struct text members)
{
	uint32_t count = 0;
	struct text line, *lines, rest = members;
	struct out out;

	header = without_initval(header);
	piece_append(piece, header);
	piece_append(piece, TEXT("\n"));
	out_init_memory(&out);
	for (; next_line(&rest, &line); count++)
		print_member(&out, line);
	members = (struct text){ out.data, (uint32_t)out.len };
	lines = xmalloc((count + 1) * sizeof(*lines));
	for (uint32_t i = 0; next_line(&members, &line); i++)
		lines[i] = line;
	qsort(lines, count, sizeof(*lines), by_bytes);
	for (uint32_t i = 0; i < count; i++)
		piece_append(piece, lines[i]);
	piece->rules = count;
	free(lines);
	out_free(&out);
}

/* The set whose `create` begins `saved`, with its members; *rest is what follows. */
static struct text cut_set(struct text saved, struct text *header, struct text *members, struct text *rest)
{
	struct text line, name;

	*rest = saved;
	next_line(rest, header);
	name = first_word(skip(*header, sizeof("create ") - 1), &line);
	*members = (struct text){ rest->ptr, 0 };
	while (rest->len && text_starts(*rest, "add ")) {
		next_line(rest, &line);
		members->len += line.len;
	}
	return name;
}

void xt_loaded_take_sets(struct xt_loaded *loaded, struct text saved)
{
	struct text header, members, name;

	xt_pieces_free(&loaded->sets);
	while (saved.len) {
		struct xt_piece *piece;

		if (!text_starts(saved, "create ")) {
			next_line(&saved, &header);
			continue;
		}
		name = cut_set(saved, &header, &members, &saved);
		piece = text_starts(name, "PVEFW-") ? piece_anew(&loaded->sets, name) : NULL;
		if (piece)
			take_set(piece, header, members);
	}
}

void xt_loaded_take_set(struct xt_loaded *loaded, struct text name, struct text saved)
{
	struct xt_piece *piece = piece_anew(&loaded->sets, name);
	struct text header, members, rest;

	if (piece && text_starts(saved, "create ") &&
	    text_equal(cut_set(saved, &header, &members, &rest), name))
		take_set(piece, header, members);
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

static void print_without_zeros(struct out *out, struct text mac)
{
	for (uint32_t i = 0; i < mac.len; i++)
		if (i % 3 || mac.ptr[i] != '0')
			out_char(out, mac.ptr[i]);
}

/* ebtables-nft 1.8.11 writes "! -s MAC" where older versions, ebtables-legacy and we write "-s ! MAC". */
static struct text print_negation(struct out *out, struct text rest)
{
	struct text option = first_word(rest, &rest);

	out_text(out, option);
	out_string(out, " !");
	return rest;
}

static void take_bridge_rule(struct xt_piece *piece, struct text line)
{
	struct out out;
	struct text word;

	out_init_memory(&out);
	while (line.len) {
		word = first_word(line, &line);
		if (text_is(word, "!") && text_starts(line, "-"))
			line = print_negation(&out, line);
		else if (is_mac(word))
			print_without_zeros(&out, word);
		else
			out_text(&out, word);
		out_char(&out, line.len ? ' ' : '\n');
	}
	piece_append(piece, (struct text){ out.data, (uint32_t)out.len });
	piece->rules++;
	out_free(&out);
}

/* Without a blank at its end, which ebtables-nft likes to write. */
static struct text trim_line(struct text line)
{
	while (line.len && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == ' '))
		line.len--;
	return line;
}

void xt_loaded_take_bridge(struct xt_loaded *loaded, struct text saved)
{
	struct xt_loaded_bridge *bridge = &loaded->bridge;
	struct text line, name, rest;
	bool filter = false;

	xt_bridge_free(bridge);
	while (next_line(&saved, &line)) {
		bool rule;

		line = trim_line(line);
		if (text_starts(line, "*"))
			filter = text_is(line, "*filter");
		rule = is_rule(line, &name, &rest);
		if (!filter || (!rule && !text_starts(line, ":")))
			continue;
		if (!rule)
			name = first_word(skip(line, 1), &rest);
		if (owns_bridge_chain(name)) {
			struct xt_piece *piece = piece_add(&bridge->chains, name);

			if (piece && rule)
				take_bridge_rule(piece, line);
			else if (piece && rest.len < sizeof(piece->policy))
				memcpy(piece->policy, rest.ptr, rest.len);
			continue;
		}
		bridge->hooked |= text_is(line, XT_BRIDGE_HOOK);
		out_text(rule ? &bridge->rules : &bridge->declarations, line);
		out_char(rule ? &bridge->rules : &bridge->declarations, '\n');
	}
}
