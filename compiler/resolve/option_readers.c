/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "resolve/option_readers.h"

#include "diag/suggest.h"
#include "inputs/netdb.h"
#include "lang/limit_table.h"
#include "source/lines.h"

struct diagnostic *setting_keeps(struct setting *s, struct diagnostic *d)
{
	s->failed = true;
	return diag_note(d, "the option keeps its %s (%s %s)", s->set_before ? "value" : "default", s->row->key,
			 option_value_text(s->r->arena, s->id, s->options));
}

static struct diagnostic *bad_value(struct setting *s, enum diag_id id, struct word where,
				    const char *message)
{
	return setting_keeps(s, diag(s->r->diags, word_span(where), id, message, TEXT_ARG(where), s->row->key));
}

/* ---- one function for each type ---- */

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
		*(bool *)option_member(s->options, s->row) = t.ptr[0] == '1';
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
		*(int64_t *)option_member(s->options, row) = (int64_t)number;
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
	*(struct policy *)option_member(s->options, s->row) = (struct policy){ action, word_span(s->key) };
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
		*(enum log_level *)option_member(s->options, s->row) = level;
		return;
	}
	suggest_log_level(
		bad_value(s, DIAG_BAD_OPTION_VALUE, s->value, "log level `%.*s` is not valid for `%s`"),
		s->value);
}

/* The next element of a comma list; false at the end. */
static bool next_element(struct word *list, struct word *element)
{
	long comma;

	if (!list->ptr)
		return false;
	comma = text_find(word_text(*list), ',');
	if (comma < 0) {
		*element = word_trim(*list);
		list->ptr = NULL;
		return true;
	}
	*element = word_trim(word_part(*list, 0, (uint32_t)comma));
	*list = word_part(*list, (uint32_t)comma + 1, list->len - (uint32_t)comma - 1);
	return true;
}

/* The units of a rate, and their seconds. */
static const struct {
	const char *name;
	uint32_t seconds;
} rate_units[] = { { "second", 1 }, { "minute", 60 }, { "hour", 3600 }, { "day", 86400 } };

/* Without a leading zero, which would make it octal for other tools. */
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

/* Reads one element of log_ratelimit; returns which one it is, or 0 if it is invalid. */
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

/* Reports a burst or a rate that xt_limit rejects. */
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

/* "enabled=1": suggests the nearest name. */
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
		*(struct ratelimit *)option_member(s->options, s->row) = limit;
}

/* An empty element: points at the comma. */
static void report_empty_element(struct setting *s, struct word element)
{
	bool last = element.begin == s->value.begin + s->value.len;
	struct span comma = { element.begin - last, element.begin - last + 1 };

	setting_keeps(s, diag(s->r->diags, comma, DIAG_EMPTY_LIST_ITEM, "list element is empty next to this comma"));
}

static void report_unknown_helper(struct setting *s, struct word name)
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
		unsigned index = 0;

		while (index < helper_count &&
		       !text_equal_nocase(word_text(element), text_of(helper_table[index].name)))
			index++;
		if (!element.len) {
			if (!empty)
				report_empty_element(s, element);
			empty = true;
		} else if (index == helper_count || helpers.count == sizeof(helpers.order)) {
			report_unknown_helper(s, element);
		} else {
			helpers.order[helpers.count++] = (uint8_t)index;
		}
	}
	if (!s->failed)
		*(struct helper_list *)option_member(s->options, s->row) = helpers;
}

/* The stock compiler copies the number, and iptables reads it as octal. */
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
		/* "3:3" becomes the queue 3: the kernel does not balance over one queue. */
		*(struct queues *)option_member(s->options, s->row) = (struct queues){
			colon >= 0 || first > 0, first < last, (uint16_t)first, (uint16_t)last
		};
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
			/* Smaller numbers are lengths of frames, which ebtables rejects. */
			diag_help(bad_value(s, DIAG_OPTION_RANGE, element,
					    "number of `%.*s` is outside the range of `%s`"),
				  "the smallest number of an Ethernet protocol is %04X",
				  LIMIT_ETHERTYPE_LEAST);
		} else {
			protocols.count++;
		}
	}
	if (s->failed)
		return;
	*(struct layer2_list *)option_member(s->options, s->row) = protocols;
}

void (*const option_readers[])(struct setting *) = {
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
