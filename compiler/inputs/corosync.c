/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * corosync.conf: the other nodes of the cluster and their addresses.  The file is read line by line into a list of nodes
 * and one of addresses.  Then the addresses are sorted and host names resolved; addresses of this node and of another one
 * with the same key and IP version make a link.
 */
#include <stdlib.h>

#include "diag/suggest.h"
#include "inputs/corosync.h"
#include "inputs/lookup.h"
#include "lang/tables.h"
#include "source/lines.h"

struct node {
	struct word name;
	struct word ring0; /* the name if `name` is missing */
	struct span span;  /* of its opening line */
	bool ignored;
	struct node *next;
};

struct address {
	struct node *node;
	struct word key, value;
	struct text text; /* printed form */
	unsigned family_mask; /* 0: cannot be used */
	struct address *next;
};

/* Which of a host name's addresses corosync takes: two IP versions, best first. */
struct preference {
	const char *name;
	unsigned first, second;
};

static const struct preference preferences[] = {
	{ "ipv6-4", IPV6, IPV4 }, /* the default */
	{ "ipv4-6", IPV4, IPV6 },
	{ "ipv4", IPV4, 0 },
	{ "ipv6", IPV6, 0 },
};

enum { PREFERENCES = sizeof(preferences) / sizeof(preferences[0]) };

/* Links of a cluster: KNET_MAX_LINK of libknet. */
enum { MOST_LINKS = 8, FIRST_PORT = 5405 };

enum top {
	TOP_OTHER,
	TOP_TOTEM,
	TOP_NODELIST,
	TOPS
};

struct reader {
	struct diags *diags;
	uint32_t depth;
	enum top top;         /* the section at depth 1 */
	bool seen[TOPS];
	struct word name;     /* of a section, whose brace should be on the next line; or ptr NULL */
	struct span opened;   /* its line */
	struct span nodelist; /* the line of the last nodelist */
	struct node *node;    /* the node we are in, or NULL */
	bool in_interface;    /* of totem */
	uint64_t link, port;  /* of the interface we are in */
	uint16_t ports[MOST_LINKS]; /* by link; 0: the usual one */
	bool one_port;        /* every link of the transport has the same port */
	struct node *nodes, **last_node;
	struct address *addresses, **last_address;
	uint32_t node_count, address_count;
	const struct preference *preference;
	struct corosync *result;
};

/* ---- reading ---- */

static struct diagnostic *line_error(struct reader *r, struct word at, const char *message)
{
	struct diagnostic *d = diag(r->diags, word_span(at), DIAG_COROSYNC_LINE, "%s", message);

	return diag_note(d, "the line is ignored; the rules for cluster links may be incomplete");
}

/* At the end of a node's section: decides its name. */
static void end_node(struct reader *r)
{
	struct node *node = r->node;
	struct diagnostic *d;

	r->node = NULL;
	if (!node)
		return;
	if (!node->name.len)
		node->name = node->ring0;
	if (!node->name.len) {
		d = diag(r->diags, node->span, DIAG_COROSYNC_UNNAMED_NODE, "node has no name");
		diag_note(d, "its links get rules, as with the stock compiler");
		diag_help(d, "add `name: ` with the host name of the node");
		node->name = (struct word){ "", 0, node->span.begin };
	}
	*r->last_node = node;
	r->last_node = &node->next;
	r->node_count++;
}

/* `line`: the name, and the brace if it is on the same line. */
static void open_section(struct reader *r, struct word name, struct word line)
{
	struct text text = word_text(name);
	struct diagnostic *d;

	r->depth++;
	if (r->depth == 1) {
		r->opened = word_span(line);
		r->top = text_is(text, "totem") ? TOP_TOTEM : text_is(text, "nodelist") ? TOP_NODELIST : TOP_OTHER;
		if (r->top == TOP_NODELIST)
			r->nodelist = r->opened;
		if (r->seen[r->top] && r->top != TOP_OTHER) {
			d = diag(r->diags, word_span(name), DIAG_COROSYNC_SECTION_TWICE,
				 "section `%.*s` appears twice", TEXT_ARG(name));
			diag_note(
				d,
				"both are read; the stock compiler refuses the whole file and applies no new rules");
			diag_help(d, "merge the sections");
		}
		r->seen[r->top] = true;
	} else if (r->depth == 2 && r->top == TOP_NODELIST && text_is(text, "node")) {
		r->node = ARENA_NEW(r->diags->arena, struct node);
		r->node->span = word_span(line);
	} else if (r->depth == 2 && r->top == TOP_TOTEM && text_is(text, "interface")) {
		r->in_interface = true;
		r->link = r->port = 0;
	}
}

static void close_section(struct reader *r, struct word line)
{
	struct diagnostic *d;

	if (r->depth == 0) {
		d = diag(r->diags, word_span(line), DIAG_COROSYNC_BRACES,
			 "closing brace has no opening brace");
		diag_note(d, "it is ignored; the rules for cluster links may be incomplete");
		return;
	}
	if (r->depth == 2) {
		end_node(r);
		if (r->in_interface && r->link < MOST_LINKS)
			r->ports[r->link] = (uint16_t)r->port;
		r->in_interface = false;
	}
	r->depth--;
}

/* ring<N>_addr or link<N>_addr */
static bool is_address_key(struct text key)
{
	uint32_t tail = (uint32_t)strlen("_addr");

	if (!text_starts(key, "ring") && !text_starts(key, "link"))
		return false;
	return key.len > 4 + tail && memcmp(key.ptr + key.len - tail, "_addr", tail) == 0 &&
	       text_all_digits((struct text){ key.ptr + 4, key.len - 4 - tail });
}

static void read_node_key(struct reader *r, struct word key, struct word value)
{
	struct address *address;

	if (text_is(word_text(key), "name"))
		r->node->name = value;
	if (text_is(word_text(key), "ring0_addr"))
		r->node->ring0 = value;
	if (!is_address_key(word_text(key)))
		return;
	address = ARENA_NEW(r->diags->arena, struct address);
	*address = (struct address){ .node = r->node, .key = key, .value = value };
	*r->last_address = address;
	r->last_address = &address->next;
	r->address_count++;
}

static void read_ip_version(struct reader *r, struct word value)
{
	struct suggestion s;
	struct diagnostic *d;

	suggest_start(&s, word_text(value));
	for (int i = 0; i < PREFERENCES; i++) {
		if (text_is(word_text(value), preferences[i].name)) {
			r->preference = &preferences[i];
			return;
		}
		suggest(&s, text_of(preferences[i].name), SPAN_NONE);
	}
	d = diag(r->diags, word_span(value), DIAG_COROSYNC_IP_VERSION,
		 "totem.ip_version must be ipv4, ipv6, ipv4-6 or ipv6-4");
	diag_note(d, "the default applies: ipv6-4");
	suggest_to(d, &s, word_span(value), "");
}

/* corosync.conf(5): the default link is 0, and its default port 5405 + the number of the link. */
static void read_interface_key(struct reader *r, struct word key, struct word value)
{
	struct text name = word_text(key);

	if (text_is(name, "linknumber") || text_is(name, "ringnumber"))
		text_to_number(word_text(value), UINT16_MAX, &r->link);
	else if (text_is(name, "mcastport"))
		text_to_number(word_text(value), UINT16_MAX, &r->port);
}

static void read_totem_key(struct reader *r, struct word key, struct word value)
{
	if (text_is(word_text(key), "transport")) {
		r->result->multicast = text_is(word_text(value), "udp");
		r->one_port = r->result->multicast || text_is(word_text(value), "udpu");
	} else if (text_is(word_text(key), "ip_version")) {
		read_ip_version(r, value);
	}
}

static void read_setting(struct reader *r, struct word key, struct word value)
{
	if (r->depth == 2 && r->node)
		read_node_key(r, key, value);
	else if (r->depth == 2 && r->in_interface)
		read_interface_key(r, key, value);
	else if (r->depth == 1 && r->top == TOP_TOTEM)
		read_totem_key(r, key, value);
}

/* Returns the first word of `line`; *rest is what follows it. */
static struct word cut_word(struct word line, struct word *rest)
{
	uint32_t end = 0;

	while (end < line.len && !char_is_blank(line.ptr[end]) && line.ptr[end] != '\r')
		end++;
	*rest = word_trim(word_part(line, end, line.len - end));
	return word_part(line, 0, end);
}

/* Returns the value of a key, which may contain spaces; *rest is the next statement on the same line. */
static struct word cut_value(struct word line, struct word *rest)
{
	struct word value = line;

	cut_word(line, rest);
	for (; rest->len; cut_word(*rest, rest)) {
		struct word next, word = cut_word(*rest, &next);

		/* A brace, `key:` or `name {` begins a new statement. */
		if (text_is(word_text(word), "}") || (word.len > 1 && word.ptr[word.len - 1] == ':') ||
		    (next.len && next.ptr[0] == '{'))
			break;
	}
	if (rest->len)
		value.len = rest->begin - value.begin;
	return word_trim(value);
}

static const char no_statement[] = "line is not `key: value`, `name {` or `}`";

/* A line holds one or several of `name {`, `}` and `key: value`, as stock reads them. */
static void read_line(struct reader *r, struct word line)
{
	struct word rest, word, value;
	long colon, brace, hash = text_find(word_text(line), '#');

	/* As stock does, anywhere in a line. */
	if (hash >= 0)
		line = word_trim(word_part(line, 0, (uint32_t)hash));
	if (r->name.ptr && line.len) {
		word = r->name;
		r->name.ptr = NULL;
		if (line.ptr[0] == '{') {
			open_section(r, word, word);
			line = word_trim(word_part(line, 1, line.len - 1));
		} else {
			line_error(r, word, no_statement);
		}
	}
	for (; line.len; line = rest) {
		colon = text_find(word_text(line), ':');
		brace = text_find(word_text(line), '{');
		if (line.ptr[0] == '}') {
			close_section(r, word_part(line, 0, 1));
			rest = word_trim(word_part(line, 1, line.len - 1));
		} else if (brace >= 0 && (colon < 0 || brace < colon)) {
			word = word_trim(word_cut(line, '{', &rest));
			open_section(r, word, word_part(line, 0, (uint32_t)brace + 1));
			rest = word_trim(rest);
		} else if (colon > 0) {
			word = word_trim(word_cut(line, ':', &value));
			value = cut_value(word_trim(value), &rest);
			read_setting(r, word, value);
		} else if (cut_word(line, &rest).len == line.len && line.ptr[0] != ':') {
			r->name = line;
		} else {
			line_error(r, line, no_statement);
			return;
		}
	}
}

static void read_file(struct reader *r, struct source *source)
{
	struct lines lines = lines_of(source);
	struct diagnostic *d;
	struct word line;

	while (lines_next(&lines, &line))
		read_line(r, line);
	if (r->name.ptr)
		line_error(r, r->name, no_statement);
	end_node(r);
	if (r->depth == 0)
		return;
	d = diag(r->diags, r->opened, DIAG_COROSYNC_BRACES, "section is not closed");
	diag_note(d,
		  "the section ends at the end of the file; the rules for cluster links may be incomplete");
}

/* ---- addresses ---- */

/* Whether corosync may resolve it: letters, digits, `-`, `.` and `_`, with at least one letter. */
static bool may_be_host(struct text t)
{
	bool letter = false;

	for (uint32_t i = 0; i < t.len; i++) {
		char c = t.ptr[i];

		letter |= char_is_letter(c);
		if (!char_is_letter(c) && !char_is_digit(c) && c != '-' && c != '.' && c != '_')
			return false;
	}
	return letter && t.len <= 253;
}

static void bad_link_address(struct diags *diags, struct word value)
{
	struct diagnostic *d = diag(diags, word_span(value), DIAG_COROSYNC_BAD_ADDRESS,
				    "value is not an address and not a host name");
	char intended[PREFIX_TEXT_SIZE];
	struct prefix p;

	diag_note(d, "this link gets no rules");
	if (address_parse(word_text(value), &p) == ADDRESS_OCTAL &&
	    address_intended(word_text(value), intended)) {
		diag_help(d, "write numbers without leading zeros: `%s`", intended);
		diag_guess(d, word_span(value), "%s", intended);
	}
}

/* The first address of `family_mask`, of those a name resolved to. */
static bool take_of_family(struct arena *arena, const struct lookup *found, unsigned family_mask,
			 struct address *address)
{
	char text[PREFIX_TEXT_SIZE];
	struct text formatted = { text, 0 };

	for (uint32_t i = 0; i < found->count; i++)
		if (prefix_family_mask(&found->addresses[i]) == family_mask) {
			formatted.len = prefix_format(&found->addresses[i], text);
			address->text = arena_copy(arena, formatted);
			address->family_mask = family_mask;
			return true;
		}
	return false;
}

static void resolve_name(struct reader *r, struct address *address)
{
	struct arena *arena = r->diags->arena;
	const char *name = arena_string(arena, word_text(address->value));
	struct lookup found = lookup_host(arena, name);
	struct resolved_name *resolved = ARENA_NEW(arena, struct resolved_name);
	struct diagnostic *d;

	*resolved = (struct resolved_name){ text_of(name), lookup_print(arena, &found), r->result->names };
	r->result->names = resolved;
	if (take_of_family(arena, &found, r->preference->first, address) ||
	    take_of_family(arena, &found, r->preference->second, address))
		return;
	d = diag(r->diags, word_span(address->value), DIAG_COROSYNC_UNRESOLVED,
		 "host name `%s` cannot be resolved", name);
	diag_here(d, "%s", found.reason ? found.reason
					: "it has no address that totem.ip_version allows");
	diag_note(d, "this link gets no rules");
}

static void find_address(struct reader *r, struct address *address, bool resolve)
{
	struct text value = word_text(address->value);
	struct diagnostic *d;
	struct prefix p;

	if (address_parse(value, &p) == ADDRESS_OK) {
		address->text = value;
		address->family_mask = prefix_family_mask(&p);
	} else if (!may_be_host(value)) {
		bad_link_address(r->diags, address->value.len ? address->value : address->key);
	} else if (resolve) {
		resolve_name(r, address);
	} else {
		d = diag(r->diags, word_span(address->value), DIAG_COROSYNC_HOST_NAME,
			 "host name `%.*s` is not resolved", TEXT_ARG(value));
		diag_note(d, "this link gets no rules in this compilation");
		diag_help(d, "write the address, or use --resolve; the service always resolves names");
	}
}

/* ---- pairing ---- */

static int compare_words(struct word a, struct word b)
{
	return text_compare(word_text(a), word_text(b));
}

static int compare_nodes(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
	int order = compare_words(x->name, y->name);

	return order ? order : (x->span.begin > y->span.begin) - (x->span.begin < y->span.begin);
}

/* By node, then key, then as in the file. */
static int compare_addresses(const void *a, const void *b)
{
	const struct address *x = *(struct address *const *)a, *y = *(struct address *const *)b;
	int order = compare_words(x->node->name, y->node->name);

	if (!order)
		order = compare_words(x->key, y->key);
	return order ? order : (x->key.begin > y->key.begin) - (x->key.begin < y->key.begin);
}

static void missing_node(struct reader *r, struct node *const *nodes, struct text name)
{
	struct suggestion s;
	struct diagnostic *d;

	suggest_start(&s, name);
	for (uint32_t i = 0; i < r->node_count; i++)
		suggest(&s, word_text(nodes[i]->name), SPAN_NONE);
	d = diag(r->diags, r->nodelist, DIAG_COROSYNC_NODE_MISSING,
		 "corosync.conf does not list the node `%.*s` that is being compiled", TEXT_ARG(name));
	diag_note(d, "no rules for cluster links are generated");
	if (s.best.len)
		diag_help(d, "did you mean --node %.*s?", TEXT_ARG(s.best));
}

static void duplicate_node(struct reader *r, const struct node *node, struct node *first)
{
	struct diagnostic *d = diag(r->diags, word_span(node->name), DIAG_COROSYNC_DUPLICATE_NODE,
				    "node `%.*s` is listed twice", TEXT_ARG(node->name));

	diag_label(d, word_span(first->name), "the first one is here");
	diag_note(d, "the last one applies; the links of the first one get no rules");
	first->ignored = true;
}

/* Marks nodes that are listed twice, and reports it if this node is missing. */
static void check_node_names(struct reader *r, struct text name)
{
	struct node **nodes = ARENA_ARRAY(r->diags->arena, struct node *, r->node_count);
	bool found = false;
	uint32_t count = 0;

	for (struct node *node = r->nodes; node; node = node->next)
		nodes[count++] = node;
	qsort(nodes, count, sizeof(struct node *), compare_nodes);
	for (uint32_t i = 0; i < count; i++) {
		found |= text_equal(word_text(nodes[i]->name), name);
		if (i > 0 && compare_words(nodes[i]->name, nodes[i - 1]->name) == 0)
			duplicate_node(r, nodes[i], nodes[i - 1]);
	}
	if (count && !found)
		missing_node(r, nodes, name);
}

/* The addresses that count, sorted, one for each node and key; returns how many. */
static uint32_t sort_addresses(struct reader *r, struct address **sorted)
{
	uint32_t count = 0, kept = 0;

	for (struct address *a = r->addresses; a; a = a->next)
		if (!a->node->ignored)
			sorted[count++] = a;
	qsort(sorted, count, sizeof(struct address *), compare_addresses);
	for (uint32_t i = 0; i < count; i++) {
		struct address *next = i + 1 < count ? sorted[i + 1] : NULL;

		if (next && next->node == sorted[i]->node && !compare_words(next->key, sorted[i]->key))
			diag_note(diag(r->diags, word_span(sorted[i]->key), DIAG_COROSYNC_DUPLICATE_KEY,
				       "node has a second `%.*s` below", TEXT_ARG(sorted[i]->key)),
				  "the last one applies; traffic of this address gets no rules");
		else
			sorted[kept++] = sorted[i];
	}
	return kept;
}

/* Returns this node's address with the same key as `theirs`, or NULL; `ours` is sorted by key. */
static const struct address *find_ours(struct address *const *ours, uint32_t count,
				       const struct address *theirs)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = compare_words(ours[middle]->key, theirs->key);

		if (order == 0)
			return ours[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void pair(struct reader *r, struct address *const *sorted, uint32_t count, struct text name)
{
	struct corosync_link *link, **last = &r->result->links;
	uint32_t first = 0, end;

	while (first < count && !text_equal(word_text(sorted[first]->node->name), name))
		first++;
	for (end = first; end < count && sorted[end]->node == sorted[first]->node; end++)
		;
	for (uint32_t i = 0; i < count; i++) {
		const struct address *theirs = sorted[i];
		const struct address *ours = find_ours(sorted + first, end - first, theirs);
		struct text digits; /* N of ring<N>_addr */
		uint64_t number;

		if ((i >= first && i < end) || !ours || !ours->family_mask ||
		    ours->family_mask != theirs->family_mask)
			continue;
		digits = (struct text){ theirs->key.ptr + 4,
					theirs->key.len - 4 - (uint32_t)strlen("_addr") };
		if (!text_to_number(digits, UINT16_MAX, &number))
			number = 0;
		link = ARENA_NEW(r->diags->arena, struct corosync_link);
		*link = (struct corosync_link){ .ours = ours->text,
						.theirs = theirs->text,
						.family_mask = theirs->family_mask,
						.number = (unsigned)number };
		link->port = (uint16_t)(FIRST_PORT + (r->one_port ? 0 : number));
		if (number < MOST_LINKS && r->ports[number])
			link->port = r->ports[number];
		*last = link;
		last = &link->next;
	}
}

void corosync_parse(struct diags *diags, struct source *source, struct text node, bool resolve,
		    struct corosync *corosync)
{
	struct reader r = { .diags = diags, .preference = &preferences[0], .result = corosync };
	struct address **sorted;
	uint32_t count;

	*corosync = (struct corosync){ .present = true };
	r.last_node = &r.nodes;
	r.last_address = &r.addresses;
	read_file(&r, source);
	check_node_names(&r, node);
	sorted = ARENA_ARRAY(diags->arena, struct address *, r.address_count);
	count = sort_addresses(&r, sorted);
	for (uint32_t i = 0; i < count; i++)
		find_address(&r, sorted[i], resolve);
	pair(&r, sorted, count, node);
}
