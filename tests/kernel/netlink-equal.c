/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink-equal [-j] FOLDER FAMILY [EXPRESSION ...]: of every NAME.nft and NAME.batch
 * in FOLDER, do the script and the batch leave the same ruleset?
 *
 * Each goes into a network namespace of its own, the batch as far as FAMILY and
 * EXPRESSIONs let it (batch.h).  The script must load without a word, and all of it
 * must be there.  Then the listings are compared, as JSON and (without -j) as the
 * kernel's expressions; without handles, and with the elements of sets in order.  All
 * of it in one process, as starting one takes long in a virtual machine.
 *
 * Prints `ok NAME`, or `FAIL NAME: …` and more about it in indented lines.
 */
#include <dirent.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"

/* A network namespace; its sockets stay in it. */
struct space {
	struct nft_ctx *nft;
	struct mnl_socket *socket;
};

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static struct space new_space(void)
{
	struct space s;

	if (unshare(CLONE_NEWNET))
		fail("unshare");
	s.nft = nft_ctx_new(NFT_CTX_DEFAULT);
	s.socket = mnl_socket_open(NETLINK_NETFILTER);
	if (!s.nft || !s.socket || mnl_socket_bind(s.socket, 0, MNL_SOCKET_AUTOPID) < 0)
		fail("netlink");
	nft_ctx_buffer_output(s.nft);
	nft_ctx_buffer_error(s.nft);
	return s;
}

/* What nft says goes below the FAIL. */
static void show(const char *text)
{
	for (int lines = 0; *text && lines < 4; lines++) {
		size_t len = strcspn(text, "\n");

		printf("    %.*s\n", len < 300 ? (int)len : 300, text);
		text += len + (text[len] == '\n');
	}
}

static bool load_script(struct space *s, const char *name, const char *path)
{
	int wrong = nft_run_cmd_from_filename(s->nft, path);
	const char *said = nft_ctx_get_error_buffer(s->nft);
	const char *printed = nft_ctx_get_output_buffer(s->nft);

	if (!wrong && !*said && !*printed)
		return true;
	printf("FAIL %s: the script does not load, or not without a word\n", name);
	show(said);
	return false;
}

static bool load_batch(struct space *s, const char *name, const char *path, struct batch_filter *filter)
{
	char *text = NULL;
	size_t size;
	FILE *refusals = open_memstream(&text, &size);
	bool good = batch_send(s->socket, path, filter, refusals);

	fclose(refusals);
	if (!good) {
		printf("FAIL %s: the kernel does not take the batch\n", name);
		show(text);
	}
	free(text);
	return good;
}

static size_t digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* `"handle": 7, `, ` # handle 7`: the kernel's numbers tell what was loaded before. */
static void remove_handles(char *text)
{
	static const char *const marks[] = { "\"handle\": ", " # handle " };
	char *to = text, *last = strchr(text, '\0');

	for (char *from = text; from < last;) {
		size_t len = 0;

		for (size_t i = 0; i < 2 && !len; i++)
			if (strncmp(from, marks[i], strlen(marks[i])) == 0)
				len = strlen(marks[i]) + digits(from + strlen(marks[i]));
		if (!len) {
			*to++ = *from++;
			continue;
		}
		from += len;
		if (*from == ',')
			from += 2;
	}
	*to = '\0';
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The kernel's listing has elements between tabs, those of a hash in any order: a line each, in order. */
static char *sort_elements(char *text)
{
	size_t room = 0, size, count = 0, first = 0;
	char **lines = NULL, *sorted, *rest = text, *line;
	FILE *out = open_memstream(&sorted, &size);

	for (char *tab = text; (tab = strstr(tab, "\telement")); tab++)
		*tab = '\n';
	while ((line = strsep(&rest, "\n"))) {
		if (count == room)
			lines = realloc(lines, (room = 2 * room + 64) * sizeof(*lines));
		if (!lines || !out)
			abort();
		if (*line)
			lines[count++] = line;
	}
	for (size_t i = 0; i <= count; i++) {
		if (i < count && strncmp(lines[i], "element ", 8) == 0)
			continue;
		qsort(lines + first, i - first, sizeof(*lines), compare_lines);
		first = i + 1;
	}
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s\n", lines[i]);
	fclose(out);
	free(lines);
	free(text);
	return sorted;
}

/* The whole ruleset, as the kernel's expressions or as JSON; new text. */
static char *list(struct space *s, bool expressions)
{
	char *text;

	nft_ctx_output_set_flags(s->nft, expressions ? 0 : NFT_CTX_OUTPUT_JSON);
	nft_ctx_output_set_debug(s->nft, expressions ? NFT_DEBUG_NETLINK : 0);
	if (nft_run_cmd_from_buffer(s->nft, "list ruleset"))
		text = strdup(nft_ctx_get_error_buffer(s->nft));
	else
		text = strdup(nft_ctx_get_output_buffer(s->nft));
	nft_ctx_output_set_flags(s->nft, 0);
	nft_ctx_output_set_debug(s->nft, 0);
	if (!text)
		abort();
	remove_handles(text);
	return expressions ? sort_elements(text) : text;
}

static bool same_text(const char *name, const char *how, const char *script, const char *batch)
{
	size_t place = 0, begin;

	if (strcmp(script, batch) == 0)
		return true;
	while (script[place] == batch[place])
		place++;
	begin = place < 100 ? 0 : place - 100;
	printf("FAIL %s: script and batch differ (%s)\n    script %.200s\n    batch  %.200s\n", name, how,
	       script + begin, batch + begin);
	return false;
}

static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

/* A script has a line for each object and rule; blocks begin with one tab, rules with two. */
static unsigned count_rules(const char *script)
{
	unsigned rules = 0;
	bool in_chain = false;

	for (const char *line = script; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, "\tchain ", 7) == 0)
			in_chain = true;
		else if (strncmp(line, "\t}", 2) == 0)
			in_chain = false;
		else if (in_chain && strncmp(line, "\t\ttype filter hook", 18) != 0)
			rules++;
	}
	return rules;
}

static bool has_all(const char *name, const char *script, const char *json)
{
	const struct {
		const char *what;
		unsigned wanted, found;
	} counts[] = {
		{ "rules", count_rules(script), count(json, "{\"rule\": {\"family\"") },
		{ "chains", count(script, "\n\tchain "), count(json, "{\"chain\": {\"family\"") },
		{ "sets", count(script, "\n\tset ") + count(script, "\n\tmap "),
		  count(json, "{\"set\": {\"family\"") + count(json, "{\"map\": {\"family\"") },
		{ "helpers", count(script, "\n\tct helper "), count(json, "{\"ct helper\": {\"family\"") },
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		if (counts[i].wanted != counts[i].found) {
			printf("FAIL %s: the script has %u %s, the kernel %u\n", name, counts[i].wanted,
			       counts[i].what, counts[i].found);
			return false;
		}
	return true;
}

static char *read_text(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "r");

	if (!file || (getdelim(&text, &size, '\0', file) < 0 && ferror(file)))
		fail(path);
	fclose(file);
	return text ? text : strdup("");
}

static bool same(const char *name, const char *script, struct space spaces[2], int ways)
{
	bool good = true;

	for (int expressions = 0; expressions < ways && good; expressions++) {
		char *a = list(&spaces[0], expressions), *b = list(&spaces[1], expressions);

		good = (expressions || has_all(name, script, a)) &&
		       same_text(name, expressions ? "expressions" : "JSON", a, b);
		free(a);
		free(b);
	}
	return good;
}

static void compare(const char *folder, const char *name, struct batch_filter *filter, struct space spaces[2],
		    int ways)
{
	char script_path[4096], batch_path[4096];
	char *script;

	snprintf(script_path, sizeof(script_path), "%s/%s.nft", folder, name);
	snprintf(batch_path, sizeof(batch_path), "%s/%s.batch", folder, name);
	script = read_text(script_path);
	if (load_script(&spaces[0], name, script_path) &&
	    load_batch(&spaces[1], name, batch_path, filter) && same(name, script, spaces, ways))
		printf("ok %s\n", name);
	fflush(stdout);
	free(script);
	for (int i = 0; i < 2; i++)
		if (nft_run_cmd_from_buffer(spaces[i].nft, "flush ruleset"))
			fail("flush ruleset");
}

static int is_script(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && strcmp(entry->d_name + len - 4, ".nft") == 0;
}

int main(int argc, char **argv)
{
	struct space spaces[2];
	struct dirent **entries;
	struct batch_filter filter;
	int entry_count, ways = 2;

	if (argc > 1 && strcmp(argv[1], "-j") == 0) {
		ways = 1;
		argv++;
		argc--;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: netlink-equal [-j] FOLDER FAMILY [EXPRESSION ...]\n");
		return 2;
	}
	filter = (struct batch_filter){ atoi(argv[2]), argv + 3, argc - 3 };
	entry_count = scandir(argv[1], &entries, is_script, alphasort);
	if (entry_count < 0)
		fail(argv[1]);
	spaces[0] = new_space();
	spaces[1] = new_space();
	for (int i = 0; i < entry_count; i++) {
		entries[i]->d_name[strlen(entries[i]->d_name) - 4] = '\0';
		compare(argv[1], entries[i]->d_name, &filter, spaces, ways);
	}
	return 0;
}
