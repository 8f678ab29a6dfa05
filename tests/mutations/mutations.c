/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mutations EDITS SEED TREE...: what becomes of one wrong character.
 *
 * Each TREE is right: nothing is said about it.  EDITS times a random character of
 * one of its .fw files is replaced, inserted, left out or swapped with the next,
 * and the tree compiled and linted again, with the library.  Then either
 *
 *   same    it is resolved to the same, and all targets make the same of it;
 *   told    there is a diagnostic;
 *   legal   what stands there is right, and means something else; such lines are
 *           printed, with what they were;
 *   lost    a rule, an entry or a name is there no more and nothing was said,
 *           although no comment was made of it: the test fails.
 *
 * The files are those of the trees, which are written to and put back: give copies.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/backend.h"
#include "resolve/compile.h"
#include "inputs/inputs.h"
#include "lint/lint.h"

enum outcome { SAME, TOLD, LEGAL, LOST, OUTCOMES };

/* What was made of a tree. */
struct result {
	struct arena arena;
	struct source_map map;
	struct diags diags;
	struct out outputs[8];
	unsigned output_count;
	uint64_t things; /* rules, entries, aliases, sets, groups */
};

/* A file, and where the edit is. */
struct edit {
	const char *path;
	char *text;
	size_t size;
	char *edited;
	size_t edited_size, at;
};

static uint64_t state;

/* xorshift64*: the same numbers everywhere. */
static uint32_t random_below(size_t limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1d >> 32) % limit);
}

/* ---- compiling ---- */

static uint64_t things_of_scope(const struct scope *scope)
{
	uint64_t things = HASH_COUNT(scope->aliases);

	for (const struct ipset *s = scope->ipsets; s; s = s->hh.next) {
		things++;
		for (const struct set_entry *e = s->entries; e; e = e->next)
			things++;
	}
	return things;
}

static uint64_t things_of_guests(const struct guest *guest)
{
	uint64_t things = 0;

	for (; guest; guest = guest->next)
		things += things_of_scope(&guest->scope) + guest->rules.count;
	return things;
}

static uint64_t things_of(const struct config *config)
{
	uint64_t things = things_of_scope(&config->cluster) + config->cluster_rules.count +
			  config->host_rules.count;

	for (const struct group *g = config->groups; g; g = g->hh.next)
		things += 1 + g->rules.count;
	for (const struct vnet *v = config->vnets; v; v = v->next)
		things += v->rules.count;
	return things + things_of_guests(config->guests) + things_of_guests(config->strangers);
}

static size_t digits_at(const struct out *out, size_t at)
{
	size_t end = at;

	while (end < out->len && char_is_digit(out->data[end]))
		end++;
	return end - at;
}

/* Takes the numbers of lines out, which are no part of what is enforced: "  12: " before a rule of
 * the resolved configuration, and "cluster.fw:12" in nftables' comments. */
static void drop_line_numbers(struct out *out)
{
	size_t kept = 0;
	bool blank = true; /* only blanks in this line so far */

	for (size_t i = 0; i < out->len; i++) {
		size_t digits = digits_at(out, i);
		bool before_rule = blank && i + digits + 1 < out->len &&
				   memcmp(out->data + i + digits, ": ", 2) == 0;

		if (before_rule || (kept >= 4 && memcmp(out->data + kept - 4, ".fw:", 4) == 0))
			i += digits;
		if (i == out->len)
			break;
		blank = out->data[i] == '\n' || (blank && out->data[i] == ' ');
		out->data[kept++] = out->data[i];
	}
	out->len = kept;
}

static void compile_tree(struct result *result, const char *root)
{
	struct input_options options = { .root = root,
					 .node = NULL,
					 .now = "1790000000",
					 .services = "tests/cases/etc/services",
					 .protocols = "tests/cases/etc/protocols",
					 .ethertypes = "tests/cases/etc/ethertypes",
					 .local_network = "10.99.0.0/16" };
	struct inputs inputs = { 0 };
	struct config *config;

	memset(result, 0, sizeof(*result));
	source_map_init(&result->map, &result->arena);
	diags_init(&result->diags, &result->arena, &result->map);
	if (!inputs_load(&inputs, &options, &result->diags))
		return;
	config = compile(&inputs, &result->diags);
	lint_run(config, &inputs, &result->diags);
	result->things = things_of(config);
	/* What a disabled firewall would do counts, too. */
	out_init_memory(&result->outputs[result->output_count]);
	config_dump(&result->outputs[result->output_count++], config);
	for (unsigned i = 0; backends[i]; i++) {
		struct out *out = &result->outputs[result->output_count++];

		out_init_memory(out);
		backends[i]->print(out, config);
	}
	config_free(config);
	for (unsigned i = 0; i < result->output_count; i++)
		drop_line_numbers(&result->outputs[i]);
}

static void free_result(struct result *result)
{
	for (unsigned i = 0; i < result->output_count; i++)
		out_free(&result->outputs[i]);
	arena_free(&result->arena);
}

static bool same_outputs(const struct result *a, const struct result *b)
{
	if (a->output_count != b->output_count)
		return false;
	for (unsigned i = 0; i < a->output_count; i++)
		if (a->outputs[i].len != b->outputs[i].len ||
		    memcmp(a->outputs[i].data, b->outputs[i].data, a->outputs[i].len) != 0)
			return false;
	return true;
}

/* ---- one edit ---- */

static char random_char(void)
{
	static const char common[] = " \t\n#|[]()+!:,./-0123456789abcdefimnoprstuxACDEINOPRT_=";

	return random_below(4) ? common[random_below(sizeof(common) - 1)] : (char)(' ' + random_below(95));
}

static void make_edit(struct edit *e)
{
	char *to = e->edited;
	unsigned kind = random_below(4);

	e->at = random_below(e->size);
	memcpy(to, e->text, e->at);
	if (kind == 0) { /* insert */
		to[e->at] = random_char();
		memcpy(to + e->at + 1, e->text + e->at, e->size - e->at);
		e->edited_size = e->size + 1;
	} else if (kind == 1) { /* leave out */
		memcpy(to + e->at, e->text + e->at + 1, e->size - e->at - 1);
		e->edited_size = e->size - 1;
	} else { /* swap, or replace */
		memcpy(to + e->at, e->text + e->at, e->size - e->at);
		e->edited_size = e->size;
		if (kind == 2 && e->at + 1 < e->size) {
			to[e->at] = e->text[e->at + 1];
			to[e->at + 1] = e->text[e->at];
		} else {
			to[e->at] = random_char();
		}
	}
}

static void write_bytes(const char *path, const char *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file)) {
		perror(path);
		exit(2);
	}
}

/* The line around an offset. */
static struct text line_at(const char *text, size_t size, size_t at)
{
	size_t begin = at < size ? at : size, end = begin;

	while (begin && text[begin - 1] != '\n')
		begin--;
	while (end < size && text[end] != '\n')
		end++;
	return (struct text){ text + begin, (uint32_t)(end - begin) };
}

/* What follows the edit is a comment now, or was joined to one. */
static bool made_comment(const struct edit *e)
{
	struct text line = line_at(e->edited, e->edited_size, e->at);
	size_t until = (size_t)(e->edited + e->at + 1 - line.ptr);

	return memchr(line.ptr, '#', until < line.len ? until : line.len);
}

static enum outcome judge(const struct edit *e, const struct result *before, const struct result *after)
{
	unsigned said = 0;

	if (same_outputs(before, after))
		return SAME;
	for (int i = 0; i <= SEVERITY_ERROR; i++)
		said += after->diags.counts[i];
	if (said || after->diags.unreadable)
		return TOLD;
	if (after->things < before->things && !made_comment(e))
		return LOST;
	return LEGAL;
}

static enum outcome try_edit(struct edit *e, const char *root, const struct result *before)
{
	static const char *const names[] = { "same", "told", "legal", "LOST" };
	struct text was, is;
	struct result after;
	enum outcome outcome;

	make_edit(e);
	write_bytes(e->path, e->edited, e->edited_size);
	compile_tree(&after, root);
	outcome = judge(e, before, &after);
	free_result(&after);
	was = line_at(e->text, e->size, e->at);
	is = line_at(e->edited, e->edited_size, e->at);
	if (outcome == LEGAL || outcome == LOST)
		printf("%s  %s: `%.*s` -> `%.*s`\n", names[outcome], e->path, TEXT_ARG(was), TEXT_ARG(is));
	return outcome;
}

/* ---- trees ---- */

static bool read_file(struct edit *e, const char *path)
{
	FILE *file = fopen(path, "rb");

	*e = (struct edit){ .path = path };
	if (!file)
		return false;
	fseek(file, 0, SEEK_END);
	e->size = (size_t)ftell(file);
	rewind(file);
	e->text = malloc(e->size + 1);
	e->edited = malloc(e->size + 2);
	if (!e->text || !e->edited || fread(e->text, 1, e->size, file) != e->size)
		exit(2);
	fclose(file);
	return true;
}

static void find_files(const char *root, glob_t *found)
{
	static const char *const patterns[] = { "firewall/*.fw", "nodes/*/host.fw", "sdn/firewall/*.fw" };
	char pattern[4096];

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		snprintf(pattern, sizeof(pattern), "%s/%s", root, patterns[i]);
		glob(pattern, i ? GLOB_APPEND : 0, NULL, found);
	}
}

/* False if the tree is not right to begin with. */
static bool try_tree(const char *root, unsigned edits, unsigned counts[OUTCOMES])
{
	struct result before;
	glob_t found = { 0 };
	bool right;

	compile_tree(&before, root);
	right = !before.diags.first && before.output_count;
	if (!right)
		printf("%s: something is said about it before any edit\n", root);
	find_files(root, &found);
	for (unsigned i = 0; right && found.gl_pathc && i < edits; i++) {
		struct edit e;

		if (!read_file(&e, found.gl_pathv[random_below(found.gl_pathc)]))
			continue;
		if (e.size) {
			counts[try_edit(&e, root, &before)]++;
			write_bytes(e.path, e.text, e.size);
		}
		free(e.text);
		free(e.edited);
	}
	globfree(&found);
	free_result(&before);
	return right;
}

int main(int argc, char **argv)
{
	unsigned counts[OUTCOMES] = { 0 }, unfit = 0;

	if (argc < 4) {
		fprintf(stderr, "usage: mutations EDITS SEED TREE...\n");
		return 2;
	}
	state = strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15 + 1;
	for (int i = 3; i < argc; i++)
		unfit += !try_tree(argv[i], (unsigned)strtoul(argv[1], NULL, 10), counts);
	printf("%u edits: %u same, %u told, %u legal, %u lost; %u trees are not right\n",
	       counts[SAME] + counts[TOLD] + counts[LEGAL] + counts[LOST], counts[SAME], counts[TOLD],
	       counts[LEGAL], counts[LOST], unfit);
	return counts[LOST] != 0 || unfit != 0;
}
