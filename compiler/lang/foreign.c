/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules as other programs write them: what iptables, nft, ufw, shorewall and pf call the options and the
 * verdicts that exist here, and rows of words whose place or content says what each is. It makes guesses for
 * messages; nothing of it is ever enforced.
 */
#include "lang/foreign.h"

#include "net/address.h"

static const struct foreign_option options[] = {
#define OPTION_RENAMED(name, ID) { name, PARAM_##ID, "" },
#define OPTION_UNKNOWN(name, text) { name, RULE_PARAMS, text },
#define MATCH_MODULE(name, needless, text)
#define VERDICT(name, action, certain, text)
#define PROGRAM(word, name)
#define SERVICE(name, options, text)
#include "lang/foreign.def"
#undef OPTION_RENAMED
#undef OPTION_UNKNOWN
#undef MATCH_MODULE
};

static const struct foreign_match matches[] = {
#define OPTION_RENAMED(name, ID)
#define OPTION_UNKNOWN(name, text)
#define MATCH_MODULE(name, needless, text) { name, needless, text },
#include "lang/foreign.def"
#undef MATCH_MODULE
#undef VERDICT
};

static const struct foreign_verdict verdicts[] = {
#define MATCH_MODULE(name, needless, text)
#define VERDICT(name, action, certain, text) { name, action, certain, text },
#include "lang/foreign.def"
#undef VERDICT
#undef PROGRAM
};

static const struct {
	const char *word, *name;
} programs[] = {
#define VERDICT(name, action, certain, text)
#define PROGRAM(word, name) { word, name },
#include "lang/foreign.def"
#undef PROGRAM
#undef SERVICE
};

static const struct foreign_service services[] = {
#define PROGRAM(word, name)
#define SERVICE(name, options, text) { name, options, text },
#include "lang/foreign.def"
};

const struct foreign_option *foreign_option(struct text key)
{
	while (key.len && key.ptr[0] == '-') {
		key.ptr++;
		key.len--;
	}
	/* -S and -D are other options than -s and -d; -P and -I are, too, but not in rules. */
	if (key.len == 1 && key.ptr[0] != 'P' && key.ptr[0] != 'I' && char_is_letter(key.ptr[0]) &&
	    char_lower(key.ptr[0]) != key.ptr[0])
		return NULL;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (text_equal_nocase(key, text_of(options[i].name)))
			return &options[i];
	return NULL;
}

const struct foreign_match *foreign_match(struct text name)
{
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++)
		if (text_equal_nocase(name, text_of(matches[i].name)))
			return &matches[i];
	return NULL;
}

const struct foreign_verdict *foreign_verdict(struct text name)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (text_equal_nocase(name, text_of(verdicts[i].name)))
			return &verdicts[i];
	return NULL;
}

const struct foreign_service *foreign_service(struct text name)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (text_equal_nocase(name, text_of(services[i].name)))
			return &services[i];
	return NULL;
}

const char *foreign_program(struct text word)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (text_is(word, programs[i].word))
			return programs[i].name;
	return NULL;
}

/* ---- lines in words ---- */

struct word *foreign_words(struct arena *arena, struct word line, uint32_t *count)
{
	struct word *words = ARENA_ARRAY(arena, struct word, line.len / 2 + 1);
	uint32_t begin = 0;

	*count = 0;
	for (uint32_t i = 0; i <= line.len; i++) {
		if (i < line.len && line.ptr[i] == '#')
			line.len = i;
		if (i < line.len && !char_is_blank(line.ptr[i]) && line.ptr[i] != '\r')
			continue;
		if (i > begin)
			words[(*count)++] = word_part(line, begin, i - begin);
		begin = i + 1;
	}
	return words;
}

static struct text without_quotes(struct text t)
{
	if (t.len >= 2 && (t.ptr[0] == '"' || t.ptr[0] == '\'') && t.ptr[t.len - 1] == t.ptr[0])
		return (struct text){ t.ptr + 1, t.len - 2 };
	return t;
}

static bool is_any_of(struct text t, const char *const *names)
{
	for (; *names; names++)
		if (text_equal_nocase(t, text_of(*names)))
			return true;
	return false;
}

/* ---- rows of words ---- */

/* Words before what they name. */
static const struct {
	const char *word;
	enum rule_param param;
} keywords[] = {
	{ "iface", PARAM_IFACE },  { "interface", PARAM_IFACE }, { "dev", PARAM_IFACE },     { "on", PARAM_IFACE },
	{ "iif", PARAM_IFACE },	   { "iifname", PARAM_IFACE },	 { "nic", PARAM_IFACE },     { "proto", PARAM_PROTO },
	{ "from", PARAM_SOURCE },  { "saddr", PARAM_SOURCE },	 { "source", PARAM_SOURCE }, { "src", PARAM_SOURCE },
	{ "to", PARAM_DEST },	   { "daddr", PARAM_DEST },	 { "dest", PARAM_DEST },     { "dst", PARAM_DEST },
	{ "port", PARAM_DPORT },   { "dport", PARAM_DPORT },	 { "sport", PARAM_SPORT },   { "dports", PARAM_DPORT },
	{ "protocol", PARAM_PROTO }, { "log", PARAM_LOG },
};

/* Numbers, with commas and colons between them. */
static bool looks_like_ports(struct text t)
{
	bool digit = false;

	for (uint32_t i = 0; i < t.len; i++) {
		digit |= char_is_digit(t.ptr[i]);
		if (!char_is_digit(t.ptr[i]) && t.ptr[i] != ',' && t.ptr[i] != ':')
			return false;
	}
	return digit && t.len && char_is_digit(t.ptr[0]);
}

/* Names that the interfaces of nodes and guests have. */
static bool looks_like_iface(struct text t)
{
	static const char *const beginnings[] = { "vmbr", "eth", "en", "bond", "net", "tap", "veth", "wg", "vlan", "wl" };
	uint32_t last = t.len;

	if (text_is(t, "lo") || text_is(t, "tailscale0"))
		return true;
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (text_starts(t, beginnings[i]) && char_is_digit(t.ptr[last - 1]))
			return true;
	return false;
}

static bool is_address(struct text t)
{
	struct prefix ignored;

	return !prefix_parse(t, &ignored);
}

static void set_first_free(struct columns *c, enum rule_param first, enum rule_param second, struct text t)
{
	c->value[c->value[first].len ? second : first] = t;
}

bool foreign_port_and_proto(struct protocol_names protocols, struct text t, struct text *port, struct text *proto)
{
	long slash = text_find(t, '/');
	struct text first = { t.ptr, slash > 0 ? (uint32_t)slash : 0 }, second;
	uint8_t number;

	if (slash <= 0)
		return false;
	second = (struct text){ t.ptr + slash + 1, t.len - (uint32_t)slash - 1 };
	*port = looks_like_ports(first) ? first : second;
	*proto = looks_like_ports(first) ? second : first;
	return looks_like_ports(*port) && protocols.find(protocols.netdb, *proto, &number) && !is_address(t);
}

static bool read_column(struct protocol_names protocols, struct text t, struct columns *c)
{
	static const char *const nothing[] = { "-", "*", "any", "all", "quick", "ip", "ip6", "inet", "inet6",
					       "counter", "add", "rule", "filter", "ufw", "nft", "th", NULL };
	enum action action = action_find(t, true);
	const struct foreign_verdict *verdict = foreign_verdict(t);
	enum direction direction = direction_find(t);
	uint8_t number;

	if (is_any_of(t, nothing))
		return true;
	if (action == ACTIONS && verdict)
		action = verdict->action;
	if (action != ACTIONS)
		c->action = text_of(action_names[action]);
	else if (direction == DIRECTION_IN || text_equal_nocase(t, TEXT("input")))
		c->type = TEXT("IN");
	else if (direction == DIRECTION_OUT || text_equal_nocase(t, TEXT("output")))
		c->type = TEXT("OUT");
	else if (looks_like_ports(t))
		set_first_free(c, PARAM_DPORT, PARAM_SPORT, t);
	else if (is_address(t))
		set_first_free(c, PARAM_SOURCE, PARAM_DEST, t);
	else if (protocols.find(protocols.netdb, t, &number))
		c->value[PARAM_PROTO] = t;
	else if (looks_like_iface(t))
		c->value[PARAM_IFACE] = t;
	else
		return foreign_port_and_proto(protocols, t, &c->value[PARAM_DPORT], &c->value[PARAM_PROTO]);
	return true;
}

bool foreign_columns(struct protocol_names protocols, const struct word *words, uint32_t count, struct columns *columns)
{
	static const char *const any[] = { "any", "all", "-", "*", NULL };

	*columns = (struct columns){ 0 };
	for (uint32_t i = 0; i < count; i++) {
		struct text t = without_quotes(word_text(words[i])), next;
		enum rule_param param = RULE_PARAMS;

		for (size_t k = 0; k < sizeof(keywords) / sizeof(keywords[0]); k++)
			if (text_equal_nocase(t, text_of(keywords[k].word)))
				param = keywords[k].param;
		if (param == RULE_PARAMS || i + 1 == count) {
			if (!read_column(protocols, t, columns))
				return false;
			continue;
		}
		next = without_quotes(word_text(words[++i]));
		if (param == PARAM_LOG && log_level_find(next, false) == LOG_LEVELS)
			return false;
		if (param == PARAM_DPORT && !looks_like_ports(next))
			return false;
		if (!is_any_of(next, any))
			columns->value[param] = next;
	}
	return true;
}

/* ---- iptables ---- */

static bool read_iptables_chain(struct text t, struct columns *c)
{
	static const char *const chains[] = { "INPUT", "OUTPUT", "FORWARD" };

	for (int i = 0; i < 3; i++)
		if (text_is(t, chains[i]))
			c->type = text_of(direction_names[i]);
	return c->type.len != 0;
}

static bool read_target(struct text t, struct columns *c)
{
	enum action action = action_find(t, false);

	if (action == ACTIONS)
		return false;
	c->action = text_of(action_names[action]);
	return true;
}

/* The index of the last word of the option at `i`, or -1 if it has no meaning here. */
static long read_iptables_option(struct text key, struct text value, uint32_t i, struct columns *c)
{
	const struct foreign_match *match;
	const struct foreign_option *option;
	enum rule_param param = rule_param_find(key);

	if (text_is(key, "-w"))
		return i;
	if (!value.len)
		return -1;
	if (text_is(key, "-A") || text_is(key, "-I") || text_is(key, "--append") || text_is(key, "--insert"))
		return read_iptables_chain(value, c) ? (long)i + 1 : -1;
	if (text_is(key, "-j") || text_is(key, "--jump"))
		return read_target(value, c) ? (long)i + 1 : -1;
	if (text_is(key, "-t"))
		return text_is(value, "filter") ? (long)i + 1 : -1;
	if (text_is(key, "-m") || text_is(key, "--match")) {
		match = foreign_match(value);
		return match && (match->needless || !*match->help) ? (long)i + 1 : -1;
	}
	if (text_is(key, "--ctstate") || text_is(key, "--state"))
		return text_is(value, "NEW") ? (long)i + 1 : -1;
	if (text_is(key, "-o") || text_is(key, "--out-interface"))
		param = text_is(c->type, "OUT") ? PARAM_IFACE : RULE_PARAMS;
	else if (param == RULE_PARAMS) {
		option = foreign_option(key);
		param = option ? option->param : RULE_PARAMS;
	}
	if (param == RULE_PARAMS)
		return -1;
	if (param != PARAM_PROTO || !text_is(value, "all"))
		c->value[param] = value;
	return (long)i + 1;
}

bool foreign_iptables(const struct word *words, uint32_t count, struct columns *columns)
{
	uint64_t number;

	*columns = (struct columns){ 0 };
	for (uint32_t i = 0; i < count; i++) {
		struct text t = word_text(words[i]);
		bool has_value = i + 1 < count && words[i + 1].ptr[0] != '-';
		long last = (long)i;

		/* The name of the program, or the place of the rule in the chain. */
		if (t.ptr[0] != '-' && i > 0 && !text_to_number(t, UINT16_MAX, &number))
			return false;
		if (t.ptr[0] == '-')
			last = read_iptables_option(t, has_value ? word_text(words[i + 1]) : (struct text){ 0 }, i,
						    columns);
		if (last < 0)
			return false;
		i = (uint32_t)last;
	}
	return columns->type.len && columns->action.len;
}

const char *foreign_text(struct arena *arena, const struct columns *columns)
{
	static const enum rule_param order[] = { PARAM_IFACE, PARAM_SOURCE, PARAM_DEST,	PARAM_PROTO,
						 PARAM_DPORT, PARAM_SPORT,  PARAM_ICMP_TYPE, PARAM_LOG };
	const char *text = "";

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (columns->value[order[i]].len)
			text = arena_printf(arena, "%s %s %.*s", text, rule_param_table[order[i]].spellings[0],
					    TEXT_ARG(columns->value[order[i]]));
	return text;
}
