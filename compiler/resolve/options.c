/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading [OPTIONS].  What is a valid value depends on the option's type, and
 * each type has one function; the tables in tables.c say which option has which
 * type and where its value goes.
 */
#include "diag/suggest.h"
#include "inputs/netdb.h"
#include "lang/limit_table.h"
#include "lang/foreign.h"
#include "resolve/file_passes.h"
#include "resolve/rule_report.h"
#include "resolve/scope.h"

static void *member(void *options, const struct option_row *row)
{
	return (char *)options + row->offset;
}

/* One option line while it is read. */
struct setting {
	struct resolver *r;
	const struct option_row *row;
	enum option_id id;
	void *options;
	struct word key, value;
	bool set_before;
	bool failed; /* the value was reported and does not count */
};

/* What becomes of the traffic. */
static struct diagnostic *keeps(struct setting *s, struct diagnostic *d)
{
	s->failed = true;
	return diag_note(d, "the option keeps its %s (%s %s)", s->set_before ? "value" : "default", s->row->key,
			 option_value_text(s->r->arena, s->id, s->options));
}

static struct diagnostic *bad_value(struct setting *s, enum diag_id id, struct word where,
				    const char *message)
{
	return keeps(s, diag(s->r->diags, word_span(where), id, message, TEXT_ARG(where), s->row->key));
}

/* ---- one function a type; each reports what is wrong itself ---- */

static void report_no_bool(struct setting *s)
{
	struct text t = word_text(s->value);
	struct diagnostic *d = bad_value(s, DIAG_BAD_OPTION_VALUE, s->value,
					 "value `%.*s` is not valid for `%s`");

	if (text_is_true(t) || text_is_false(t))
		diag_correct(d, word_span(s->value), "%d", text_is_true(t));
	else
		diag_help(d, "write 0 or 1");
}

static void read_bool(struct setting *s)
{
	struct text t = word_text(s->value);

	if (text_is(t, "0") || text_is(t, "1"))
		*(bool *)member(s->options, s->row) = t.ptr[0] == '1';
	else
		report_no_bool(s);
}

static void read_number(struct setting *s)
{
	const struct option_row *row = s->row;
	uint64_t number = UINT64_MAX;
	struct diagnostic *d;

	if (!text_all_digits(word_text(s->value)) && text_is(text_of(row->key), "enable")) {
		report_no_bool(s);
		return;
	}
	if (!text_all_digits(word_text(s->value))) {
		d = bad_value(s, DIAG_BAD_OPTION_VALUE, s->value, "value `%.*s` is not valid for `%s`");
		diag_help(d, "write a whole number without a unit");
		return;
	}
	if (text_to_number(word_text(s->value), (uint64_t)row->most, &number) && (int64_t)number >= row->least) {
		*(int64_t *)member(s->options, row) = (int64_t)number;
		return;
	}
	d = bad_value(s, DIAG_OPTION_RANGE, s->value, "value %.*s is outside the range of `%s`");
	if (row->most == INT64_MAX)
		diag_help(d, "write a number of at least %lld", (long long)row->least);
	else
		diag_help(d, "write a number from %lld to %lld", (long long)row->least, (long long)row->most);
}

/* "Did you mean" one of the first `count` actions. */
static void suggest_policy(struct setting *s, struct diagnostic *d, int count)
{
	const struct foreign_verdict *verdict = foreign_verdict(word_text(s->value));
	struct suggestion suggestion;

	suggest_start(&suggestion, word_text(s->value));
	for (int i = 0; i < count; i++)
		suggest(&suggestion, text_of(action_names[i]), SPAN_NONE);
	if (verdict && (int)verdict->action < count)
		suggestion.best = text_of(action_names[verdict->action]);
	suggest_to(d, &suggestion, word_span(s->value), "");
}

static void set_policy(struct setting *s, enum action action)
{
	*(struct policy *)member(s->options, s->row) = (struct policy){ action, word_span(s->key) };
}

static void read_policy(struct setting *s)
{
	enum action action = action_find(word_text(s->value), true);
	struct diagnostic *d;

	if (action != ACTIONS) {
		set_policy(s, action);
		return;
	}
	d = bad_value(s, DIAG_BAD_OPTION_VALUE, s->value, "policy `%.*s` is not valid for `%s`");
	diag_help(d, "write ACCEPT, DROP or REJECT");
	suggest_policy(s, d, ACTIONS);
}

static void read_policy_forward(struct setting *s)
{
	enum action action = action_find(word_text(s->value), true);
	struct diagnostic *d;

	if (action == ACTION_ACCEPT || action == ACTION_DROP) {
		set_policy(s, action);
		return;
	}
	if (action == ACTION_REJECT) {
		set_policy(s, ACTION_DROP);
		d = diag(s->r->diags, word_span(s->value), DIAG_FORWARD_REJECT_POLICY,
			 "routed packets cannot be rejected");
		diag_note(d, "the policy is applied as DROP");
		diag_correct(d, word_span(s->value), "DROP");
		return;
	}
	d = bad_value(s, DIAG_BAD_OPTION_VALUE, s->value, "policy `%.*s` is not valid for `%s`");
	diag_help(d, "write ACCEPT or DROP");
	suggest_policy(s, d, ACTION_REJECT);
}

static void read_loglevel(struct setting *s)
{
	enum log_level level = LOG_NOLOG;

	if (s->value.len)
		level = log_level_find(word_text(s->value), true);
	if (level != LOG_LEVELS) {
		*(enum log_level *)member(s->options, s->row) = level;
		return;
	}
	suggest_log_level(
		bad_value(s, DIAG_BAD_OPTION_VALUE, s->value, "log level `%.*s` is not valid for `%s`"),
		s->value);
}

/* Without the blanks at its ends, which were reported. */
static struct word trimmed(struct word w)
{
	while (w.len && char_is_blank(w.ptr[0]))
		w = word_part(w, 1, w.len - 1);
	while (w.len && char_is_blank(w.ptr[w.len - 1]))
		w.len--;
	return w;
}

/* The next element of a comma list; false at the end. */
static bool next_element(struct word *list, struct word *element)
{
	long comma;

	if (!list->ptr)
		return false;
	comma = text_find(word_text(*list), ',');
	if (comma < 0) {
		*element = trimmed(*list);
		list->ptr = NULL;
		return true;
	}
	*element = trimmed(word_part(*list, 0, (uint32_t)comma));
	*list = word_part(*list, (uint32_t)comma + 1, list->len - (uint32_t)comma - 1);
	return true;
}

/* The units of a rate, and their seconds. */
static const struct {
	const char *name;
	uint32_t seconds;
} rate_units[] = { { "second", 1 }, { "minute", 60 }, { "hour", 3600 }, { "day", 86400 } };

/* A number that every tool reads as we do: a leading zero would make it octal. */
static bool read_decimal(struct text t, uint64_t most, uint64_t *number)
{
	return !(t.len > 1 && t.ptr[0] == '0') && text_to_number(t, most, number);
}

/* "90/hour": a number of at least 1, and one of four units. */
static bool read_rate(struct text t, uint32_t *number, uint32_t *seconds)
{
	long slash = text_find(t, '/');
	uint64_t value = 0;

	if (slash < 1 || !read_decimal((struct text){ t.ptr, (uint32_t)slash }, UINT32_MAX, &value) || !value)
		return false;
	*number = (uint32_t)value;
	for (size_t i = 0; i < sizeof(rate_units) / sizeof(rate_units[0]); i++)
		if (text_is((struct text){ t.ptr + slash + 1, t.len - (uint32_t)slash - 1 }, rate_units[i].name)) {
			*seconds = rate_units[i].seconds;
			return true;
		}
	return false;
}

enum ratelimit_part {
	RATELIMIT_ENABLE = 1,
	RATELIMIT_BURST = 2,
	RATELIMIT_RATE = 4,
};

/* Reads one element of log_ratelimit; 0 if it makes no sense, else which it was. */
static unsigned read_limit(struct text element, struct ratelimit *limit)
{
	uint32_t number, seconds;
	struct text value = element;
	long equals = text_find(element, '=');
	uint64_t burst;

	if (equals >= 0) {
		value.ptr += equals + 1;
		value.len -= (uint32_t)equals + 1;
	}
	if (text_starts(element, "burst=")) {
		if (!read_decimal(value, UINT32_MAX, &burst))
			return 0;
		limit->burst = (uint32_t)burst;
		limit->burst_text = value;
		return RATELIMIT_BURST;
	}
	if (text_starts(element, "rate=")) {
		limit->rate = value;
		return read_rate(value, &number, &seconds) ? RATELIMIT_RATE : 0;
	}
	if (equals >= 0 && !text_starts(element, "enable="))
		return 0;
	limit->off = text_is_false(value);
	return limit->off || text_is_true(value) ? RATELIMIT_ENABLE : 0;
}

/* Reports a burst or a rate beyond what xt_limit takes. */
static bool report_limit_range(struct setting *s, const struct ratelimit *limit)
{
	uint32_t rate = 1, seconds = 1;
	struct diagnostic *d;

	if (limit->off)
		return false;
	if (limit->rate.len)
		read_rate(limit->rate, &rate, &seconds);
	if (limit->burst > LIMIT_LOG_BURST) {
		d = bad_value(s, DIAG_OPTION_RANGE, s->value, "burst of `%.*s` is outside the range of `%s`");
		diag_help(d, "a burst is 0 to %d", LIMIT_LOG_BURST);
		return true;
	}
	if (rate > (uint64_t)LIMIT_LOG_RATE * seconds) {
		d = bad_value(s, DIAG_OPTION_RANGE, s->value, "rate of `%.*s` is outside the range of `%s`");
		diag_help(d, "a rate is at most %d/second", LIMIT_LOG_RATE);
		return true;
	}
	if (limit_refill_fits(rate, seconds, limit->burst))
		return false;
	d = bad_value(s, DIAG_OPTION_RANGE, s->value, "burst of `%.*s` is too large for its rate in `%s`");
	if (!limit->burst)
		diag_here(d, "without `burst=` it is %d", LIMIT_LOG_BURST_DEFAULT);
	diag_help(d, "the rate must refill the burst within %d seconds", LIMIT_LOG_REFILL);
	return true;
}

/* "enabled=1" and its like: the name that is nearly the one before the sign. */
static void help_limit(struct diagnostic *d, struct word element)
{
	static const char *const names[] = { "enable", "burst", "rate" };
	long equals = text_find(word_text(element), '=');
	struct suggestion s;

	diag_help(d, "write [enable=]1,burst=N,rate=N/UNIT; UNIT is second, minute, hour or day");
	if (equals <= 0)
		return;
	suggest_start(&s, (struct text){ element.ptr, (uint32_t)equals });
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		suggest(&s, text_of(names[i]), SPAN_NONE);
	if (s.best.len && s.distance)
		suggest_to(d, &s, word_span(word_part(element, 0, (uint32_t)equals)), "");
}

static void read_ratelimit(struct setting *s)
{
	struct word list = s->value, element;
	struct ratelimit limit = { 0 };
	unsigned seen = 0, part;
	struct diagnostic *d;

	while (next_element(&list, &element)) {
		if (!element.len)
			continue;
		part = read_limit(word_text(element), &limit);
		if (part && !(seen & part)) {
			seen |= part;
			continue;
		}
		d = bad_value(s, DIAG_BAD_LOG_RATELIMIT, element,
			      part ? "`%.*s` is set twice in `%s`" : "`%.*s` is not valid in `%s`");
		help_limit(d, element);
	}
	if (!s->failed && !report_limit_range(s, &limit))
		*(struct ratelimit *)member(s->options, s->row) = limit;
}

/* Nothing between two commas, or beside one: points at the comma. */
static void report_empty_element(struct setting *s, struct word element)
{
	bool last = element.begin == s->value.begin + s->value.len;
	struct span comma = { element.begin - last, element.begin - last + 1 };

	keeps(s, diag(s->r->diags, comma, DIAG_EMPTY_LIST_ITEM, "list element is empty next to this comma"));
}

static int find_helper(struct text name)
{
	for (unsigned i = 0; i < helper_count; i++)
		if (text_equal_nocase(name, text_of(helper_table[i].name)))
			return (int)i;
	return -1;
}

static void report_helper(struct setting *s, struct word name)
{
	struct diagnostic *d = bad_value(s, DIAG_UNKNOWN_HELPER, name,
					 "helper `%.*s` does not exist for `%s`");
	struct suggestion suggestion;

	suggest_start(&suggestion, word_text(name));
	for (unsigned i = 0; i < helper_count; i++)
		suggest(&suggestion, text_of(helper_table[i].name), SPAN_NONE);
	suggest_to(d, &suggestion, word_span(name), "");
}

static void read_helpers(struct setting *s)
{
	struct word list = s->value, element;
	struct helper_list helpers = { 0 };
	bool empty = false;

	while (s->value.len && next_element(&list, &element)) {
		int index = find_helper(word_text(element));

		if (!element.len) {
			if (!empty)
				report_empty_element(s, element);
			empty = true;
		} else if (index < 0 || helpers.count == sizeof(helpers.order)) {
			report_helper(s, element);
		} else {
			helpers.order[helpers.count++] = (uint8_t)index;
		}
	}
	if (!s->failed)
		*(struct helper_list *)member(s->options, s->row) = helpers;
}

/* Stock writes it as it stands, and iptables reads an octal number. */
static void report_leading_zero(struct setting *s, uint64_t first, uint64_t last)
{
	const char *text = first < last ? arena_printf(s->r->arena, "%u:%u", (unsigned)first, (unsigned)last) :
					  arena_printf(s->r->arena, "%u", (unsigned)first);
	struct diagnostic *d = diag(s->r->diags, word_span(s->value), DIAG_OPTION_ZERO,
				    "number of `%s` begins with a zero", s->row->key);

	diag_note(d, "the value is %s; with the stock compiler iptables reads an octal number", text);
	diag_correct(d, word_span(s->value), "%s", text);
}

static void read_queues(struct setting *s)
{
	struct text t = word_text(s->value), low = t, high = t;
	long colon = text_find(t, ':');
	uint64_t first = 0, last = 0;
	struct diagnostic *d;
	bool ok;

	if (colon >= 0) {
		low.len = (uint32_t)colon;
		high.ptr += colon + 1;
		high.len -= (uint32_t)colon + 1;
	}
	ok = text_to_number(low, LIMIT_QUEUE, &first) && text_to_number(high, LIMIT_QUEUE, &last);
	if (ok && first <= last && (first == last || last <= LIMIT_QUEUE_OF_RANGE)) {
		if ((low.len > 1 && low.ptr[0] == '0') || (high.len > 1 && high.ptr[0] == '0'))
			report_leading_zero(s, first, last);
		/* "3:3" is the queue 3: the kernel refuses to balance over one. */
		*(struct queues *)member(s->options, s->row) =
			(struct queues){ colon >= 0 || first > 0, first < last, (uint16_t)first, (uint16_t)last };
		return;
	}
	if (text_all_digits(low) && text_all_digits(high))
		d = bad_value(s, DIAG_OPTION_RANGE, s->value, "queue range `%.*s` is not valid for `%s`");
	else
		d = bad_value(s, DIAG_BAD_OPTION_VALUE, s->value, "value `%.*s` is not valid for `%s`");
	if (ok && first < last)
		diag_help(d, "the last queue of a range is at most %d", LIMIT_QUEUE_OF_RANGE);
	else
		diag_help(d, "write a queue number N from 0 to %d, or N:M with N not larger than M",
			  LIMIT_QUEUE);
}

static void report_ethertype(struct setting *s, struct word name)
{
	const struct netdb *netdb = s->r->config->netdb;
	struct diagnostic *d = bad_value(s, DIAG_UNKNOWN_ETHERTYPE, name,
					 "Ethernet protocol `%.*s` does not exist for `%s`");
	struct text near = netdb_near_ethertype(netdb, word_text(name)), digits;
	uint16_t number;

	if (text_starts(word_text(name), "0x")) {
		digits = word_text(word_part(name, 2, name.len - 2));
		near = netdb_ethertype(netdb, digits, &number) ? digits : (struct text){ NULL, 0 };
	}
	if (near.len)
		diag_suggest(d, word_span(name), "%.*s", TEXT_ARG(near));
	else
		diag_help(
			d,
			"write a name from /etc/ethertypes, or a number from it as four hexadecimal digits");
}

/* Below are lengths of frames, which ebtables refuses. */
static void report_small_ethertype(struct setting *s, struct word name)
{
	struct diagnostic *d = bad_value(s, DIAG_OPTION_RANGE, name,
					 "number of `%.*s` is outside the range of `%s`");

	diag_help(d, "the smallest number of an Ethernet protocol is %04X", LIMIT_ETHERTYPE_LEAST);
}

static void read_layer2(struct setting *s)
{
	struct word list = s->value, element;
	struct layer2_list protocols = { 0 };
	bool empty = false;

	protocols.items = ARENA_ARRAY(s->r->arena, struct layer2_protocol, s->value.len / 2 + 1);
	while (s->value.len && next_element(&list, &element)) {
		struct layer2_protocol *item = &protocols.items[protocols.count];

		item->name = word_text(element);
		if (!element.len && !list.ptr && (protocols.count || s->failed))
			break; /* "ARP,": a comma at the end does no harm */
		if (!element.len) {
			if (!empty)
				report_empty_element(s, element);
			empty = true;
		} else if (!netdb_ethertype(s->r->config->netdb, item->name, &item->number)) {
			report_ethertype(s, element);
		} else if (item->number < LIMIT_ETHERTYPE_LEAST) {
			report_small_ethertype(s, element);
		} else {
			protocols.count++;
		}
	}
	if (s->failed)
		return;
	*(struct layer2_list *)member(s->options, s->row) = protocols;
}

static void (*const readers[])(struct setting *) = {
	[OPTION_BOOL] = read_bool,
	[OPTION_NUMBER] = read_number,
	[OPTION_POLICY] = read_policy,
	[OPTION_POLICY_FORWARD] = read_policy_forward,
	[OPTION_LOGLEVEL] = read_loglevel,
	[OPTION_RATELIMIT] = read_ratelimit,
	[OPTION_HELPERS] = read_helpers,
	[OPTION_QUEUES] = read_queues,
	[OPTION_LAYER2] = read_layer2,
};

/* ---- lines ---- */

/* "host.fw or a guest's file": where an option may stand; NULL if nowhere. */
static const char *homes_of(struct resolver *r, struct text key)
{
	static const char *const files[] = { "cluster.fw", "host.fw", "a guest's file", "a vnet file" };
	const char *homes = NULL;

	for (int kind = 0; kind < FILE_KINDS; kind++)
		if (option_find((enum file_kind)kind, key) != OPTION_COUNT)
			homes = homes ? arena_printf(r->arena, "%s or %s", homes, files[kind]) : files[kind];
	return homes;
}

/* What counts instead: the cluster's or the node's value. */
static void note_other_value(struct resolver *r, struct diagnostic *d, struct text key)
{
	const struct config *config = r->config;
	enum option_id cluster = option_find(FILE_CLUSTER, key), host = option_find(FILE_HOST, key);

	if (r->file->kind != FILE_CLUSTER && cluster != OPTION_COUNT)
		diag_note(d, "the value of cluster.fw applies (%s %s)", option_table[cluster].key,
			  option_value_text(r->arena, cluster, &config->cluster_options));
	else if (r->file->kind == FILE_GUEST && host != OPTION_COUNT)
		diag_note(d, "the value of the node's host.fw applies (%s %s)", option_table[host].key,
			  option_value_text(r->arena, host, &config->host_options));
}

/* An option that other kinds of file have. */
static bool report_misplaced(struct resolver *r, const struct ast_option *node)
{
	static const char *const kinds[] = { "cluster.fw", "host.fw", "guest", "vnet" };
	const char *homes = homes_of(r, word_text(node->key));
	struct diagnostic *d;

	if (!homes)
		return false;
	d = diag(r->diags, word_span(node->key), DIAG_MISPLACED_OPTION, "`%.*s` is not a %s option",
		 TEXT_ARG(node->key), kinds[r->file->kind]);
	diag_note(d, "the line is ignored");
	if (r->file->kind == FILE_HOST && text_equal_nocase(word_text(node->key), TEXT("policy_forward")))
		diag_note(d, "the policy of cluster.fw applies (policy_forward %s)",
			  action_names[r->config->cluster_options.policy_forward.action]);
	else if (r->file->kind == FILE_HOST && text_starts(word_text(node->key), "policy_"))
		diag_note(d, "the policies of cluster.fw apply (policy_in %s, policy_out %s)",
			  action_names[r->config->cluster_options.policy_in.action],
			  action_names[r->config->cluster_options.policy_out.action]);
	else
		note_other_value(r, d, word_text(node->key));
	diag_help(d, "this option belongs in %s", homes);
	return true;
}

/* Reports what is wrong with a value that does not count anyway. */
static void verify(const struct setting *s)
{
	static const size_t sizes[FILE_KINDS] = {
		[FILE_CLUSTER] = sizeof(struct cluster_options),
		[FILE_HOST] = sizeof(struct host_options),
		[FILE_GUEST] = sizeof(struct guest_options),
		[FILE_VNET] = sizeof(struct vnet_options),
	};
	size_t size = sizes[s->r->file->kind];
	struct setting copy = *s;

	if (!s->value.len)
		return;
	copy.options = memcpy(arena_alloc(s->r->arena, size), s->options, size);
	readers[s->row->type](&copy);
}

/* "policy" and "log_level": the beginning of several names. */
static bool help_beginning(struct resolver *r, struct diagnostic *d, struct text key)
{
	const char *names = NULL;

	for (int id = 0; id < OPTION_COUNT; id++) {
		const char *name = option_table[id].key;

		if (option_table[id].kind != r->file->kind || strlen(name) <= key.len || name[key.len] != '_' ||
		    !text_equal_nocase((struct text){ name, key.len }, key))
			continue;
		names = names ? arena_printf(r->arena, "%s or `%s`", names, name) : arena_printf(r->arena, "`%s`", name);
	}
	if (names)
		diag_help(d, "did you mean %s?", names);
	return names != NULL;
}

static void report_unknown(struct resolver *r, const struct ast_option *node, struct setting *setting)
{
	struct suggestion s;
	struct diagnostic *d;

	if (report_misplaced(r, node))
		return;
	d = diag(r->diags, word_span(node->key), DIAG_UNKNOWN_OPTION, "option `%.*s` does not exist",
		 TEXT_ARG(node->key));
	diag_note(d, "the line is ignored");
	suggest_start(&s, word_text(node->key));
	for (int id = 0; id < OPTION_COUNT; id++)
		if (option_table[id].kind == r->file->kind)
			suggest(&s, text_of(option_table[id].key), SPAN_NONE);
	if (!s.best.len && help_beginning(r, d, word_text(node->key)))
		return;
	if (!s.best.len) {
		diag_help(d, "`pvefw-cc options` lists the options");
		return;
	}
	suggest_to(d, &s, word_span(node->key), "");
	if (s.distance > 1)
		return;
	setting->id = option_find(r->file->kind, s.best);
	setting->row = &option_table[setting->id];
	verify(setting);
}

/* Where a comment begins in the value: at `#`, or at what begins one elsewhere; -1: there is none. */
static long find_comment(struct text value)
{
	long hash = text_find(value, '#');

	for (uint32_t i = 1; hash < 0 && i < value.len; i++)
		if (char_is_blank(value.ptr[i - 1]) &&
		    (value.ptr[i] == ';' || text_starts((struct text){ value.ptr + i, value.len - i }, "//")))
			return (long)i;
	return hash;
}

/* Options take no comments.  The value before it is left to be read. */
static bool report_comment(struct setting *s, struct span line)
{
	long begin = s->value.ptr ? find_comment(word_text(s->value)) : -1;
	struct word comment;
	struct diagnostic *d;
	uint32_t mark;

	if (begin < 0)
		return false;
	comment = word_part(s->value, (uint32_t)begin, s->value.len - (uint32_t)begin);
	d = diag(s->r->diags, word_span(comment), DIAG_OPTION_COMMENT, "comment not allowed after an option");
	keeps(s, d);
	s->value = trimmed(word_part(s->value, 0, (uint32_t)begin));
	diag_help(d, "move it to a line of its own%s", comment.ptr[0] == '#' ? "" : ", with a `#` before it");
	mark = comment.ptr[0] == '/' ? 2 : 1;
	if (s->value.len)
		diag_fix(d, line, "#%.*s\n%.*s: %.*s", (int)(comment.len - mark), comment.ptr + mark, TEXT_ARG(s->key),
			 TEXT_ARG(s->value));
	return true;
}

static bool blanks_beside_commas(struct text list)
{
	for (uint32_t i = 1; i + 1 < list.len; i++)
		if (char_is_blank(list.ptr[i]) && list.ptr[i - 1] != ',' && list.ptr[i + 1] != ',' &&
		    !char_is_blank(list.ptr[i - 1]) && !char_is_blank(list.ptr[i + 1]))
			return false;
	return true;
}

/* Lists have no blanks in them. */
static bool report_list_blank(struct setting *s)
{
	uint32_t first = 0, len = 0;
	struct diagnostic *d;
	char *joined;

	if (s->row->type != OPTION_RATELIMIT && s->row->type != OPTION_HELPERS &&
	    s->row->type != OPTION_LAYER2)
		return false;
	while (first < s->value.len && !char_is_blank(s->value.ptr[first]))
		first++;
	if (first == s->value.len)
		return false;
	joined = ARENA_ARRAY(s->r->arena, char, s->value.len + 1);
	for (uint32_t i = 0; i < s->value.len; i++)
		if (!char_is_blank(s->value.ptr[i]))
			joined[len++] = s->value.ptr[i];
	joined[len] = '\0';
	d = diag(s->r->diags, word_span(word_part(s->value, first, 1)), DIAG_OPTION_BLANK,
		 "space not allowed in the list of `%s`", s->row->key);
	keeps(s, d);
	diag_correct(d, word_span(s->value), "%s", joined);
	if (blanks_beside_commas(word_text(s->value)))
		verify(s);
	return true;
}

static bool report_case(struct setting *s)
{
	struct diagnostic *d;

	if (s->row->type != OPTION_RATELIMIT || text_is(word_text(s->key), s->row->key))
		return false;
	d = diag(s->r->diags, word_span(s->key), DIAG_OPTION_CASE, "`%s` must be in lower case", s->row->key);
	keeps(s, d);
	diag_fix(d, word_span(s->key), "%s", s->row->key);
	return true;
}

static void report_missing_value(struct setting *s)
{
	struct diagnostic *d = diag(s->r->diags, word_span(s->key), DIAG_BAD_OPTION_VALUE,
				    "`%s` has no value", s->row->key);

	keeps(s, d);
}

static void report_repeated(struct setting *s)
{
	uint32_t before = s->r->written[s->id].begin;
	struct diagnostic *d = diag(s->r->diags, word_span(s->key), DIAG_DUPLICATE_OPTION,
				    "`%s` is set twice", s->row->key);

	diag_label(d, (struct span){ before, before + s->key.len }, "first here");
	diag_note(d, "the last one applies");
}

static void read_option(struct resolver *r, const struct ast_option *node, void *options)
{
	enum option_id id = option_find(r->file->kind, word_text(node->key));
	struct setting s = { .r = r, .id = id, .options = options, .key = node->key, .value = node->value };
	struct diagnostic *d;
	bool wrong;

	if (id == OPTION_COUNT) {
		report_unknown(r, node, &s);
		return;
	}
	s.row = &option_table[id];
	s.set_before = r->written[id].begin != 0;
	d = refused_report(r, node->line.span, NULL);
	if (d) {
		keeps(&s, d);
		return;
	}
	wrong = report_case(&s);
	wrong |= report_comment(&s, node->line.span);
	if (report_list_blank(&s))
		return;
	if (wrong) {
		verify(&s);
		return;
	}
	if (!s.value.len && s.row->type != OPTION_LOGLEVEL)
		report_missing_value(&s);
	else
		readers[s.row->type](&s);
	if (s.failed)
		return;
	if (s.set_before)
		report_repeated(&s);
	r->written[id] = node->line.span;
}

/* "key : value", "key = value" and "key value" with the right sign between them. */
static void suggest_colon(struct diagnostic *d, struct word line, uint32_t key)
{
	uint32_t value = key;

	while (value < line.len && char_is_blank(line.ptr[value]))
		value++;
	if (value < line.len && (line.ptr[value] == ':' || line.ptr[value] == '='))
		value++;
	while (value < line.len && char_is_blank(line.ptr[value]))
		value++;
	if (value == line.len)
		diag_help(d, "write an option as `key: value`");
	else
		diag_fix(diag_help(d, "write a colon directly after the name"), word_span(line), "%.*s: %.*s",
			 (int)key, line.ptr, (int)(line.len - value), line.ptr + value);
}

static void report_unparsable(struct resolver *r, const struct ast_text_line *node)
{
	struct word line = node->text;
	struct diagnostic *d = diag(r->diags, word_span(line), DIAG_UNPARSABLE_OPTION,
				    "line is not an option");
	uint32_t end = 0;

	diag_note(d, "the line is ignored");
	while (end < line.len && !char_is_blank(line.ptr[end]) && line.ptr[end] != ':' &&
	       line.ptr[end] != '=')
		end++;
	if (option_find(r->file->kind, (struct text){ line.ptr, end }) != OPTION_COUNT)
		suggest_colon(d, line, end);
	else if (header_help(r, d))
		return;
	else if (looks_like_rule(word_text(line)))
		diag_help(d, "rules belong in [RULES]");
	else
		diag_help(d, "write an option as `key: value`");
}

void options_read(struct resolver *r, void *options)
{
	for (const struct ast_section *s = r->file->sections; s; s = s->next) {
		if (s->kind != SECTION_OPTIONS)
			continue;
		header_pass(r, NULL);
		for (const struct ast_line *line = s->lines; line; line = line->next) {
			header_pass(r, line);
			if (encoding_lost(r->lost, line->span))
				continue;
			if (line->kind == LINE_OPTION)
				read_option(r, (const struct ast_option *)line, options);
			else if (line->kind == LINE_BAD)
				report_unparsable(r, (const struct ast_text_line *)line);
		}
	}
}
