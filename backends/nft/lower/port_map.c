/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port maps: long lists of rules, without asking each rule.
 *
 * A run of rules that ask for ports becomes a chain for each protocol, which looks the port up in a verdict map.
 * The map leads to a chain of those rules that can match there, in their order.  A rule that stands in several of
 * these chains is the same rule, with the same comment, each time; its counters are added up by comment.
 *
 *   chain tap100i0-in {
 *       meta l4proto tcp jump tap100i0-in-tcp
 *   }
 *   chain tap100i0-in-tcp {
 *       th dport vmap @tap100i0-in-tcp-5b3c9a01
 *       th dport 0-65535 drop
 *   }
 *   chain tap100i0-in-tcp-0-127 {
 *       th dport 22 counter accept
 *   }
 *
 * The map is reached by a jump and leads on by goto, so that the end of a chain of rules is the way back to the rules
 * behind the run.  A continuation by goto would do the same, but when the kernel checks a table it follows every way
 * through it, and several runs would multiply.
 *
 * While a transaction is committed, a lookup can miss an element that is there.  A miss must not lead past a rule that
 * drops: the map has all ports, and the rule after it drops a packet that has a port.  A packet without one (a later
 * fragment, a truncated header) meets the rules that do not ask for it, as in the list.  A map is named after its
 * contents, so that a map that is in use is never changed.
 */
#include "nft/lower/passes.h"

#include "nft/lower/port_segments.h"

/*
 * The fewest rules with ports in a run that gets maps, and of one protocol.  A rule costs 7 to 13 ns, jump, lookup and goto 70 to
 * 140; but each map costs the kernel time whenever sets are loaded, because it finds sets by linear search.  A cluster of
 * 1,000 guests with 20 rules each takes 59,256 messages without maps, 59,936 with 30, and 61,467 with 20: 60,000 are the limit.
 */
enum { NFT_LONG_RUN = 30, NFT_MAP_RULES = 8 };

/*
 * This many rules stay together.  With 3, a packet of the lists of published trees costs as much, but 10,000 rules have 4,574
 * chains instead of 1,812, and the kernel takes 300 ms for them instead of 200, as for the plain list.
 */
enum { NFT_SEGMENT_RULES = 8 };

/* A rule that jumps to a longer chain ends a run, because copies of it would be checked by the kernel as often. */
enum { NFT_JUMP_MAX = 16 };

static const struct nft_port_protocol {
	uint8_t number;
	const char *name;
	enum nft_field dport;
} port_protocols[] = {
	{ IPPROTO_TCP, "tcp", NFT_FIELD_TCP_DPORT },
	{ IPPROTO_UDP, "udp", NFT_FIELD_UDP_DPORT },
	{ IPPROTO_DCCP, "dccp", NFT_FIELD_DCCP_DPORT },
	{ IPPROTO_SCTP, "sctp", NFT_FIELD_SCTP_DPORT },
	{ IPPROTO_UDPLITE, "udplite", NFT_FIELD_UDPLITE_DPORT },
};

enum { PORT_PROTOCOLS = sizeof(port_protocols) / sizeof(port_protocols[0]) };

/* How a rule stands to maps. */
enum port_kind {
	PORT_ENDS_RUN,
	PORT_ANY,   /* any protocol */
	PORT_OTHER, /* a protocol without ports */
	PORT_ALL,   /* a protocol with ports, and any destination port */
	PORT_SOME,  /* ports */
};

struct port_rule {
	struct nft_rule *rule;
	enum port_kind kind;
	unsigned protocol; /* an index of port_protocols */
	struct port_member ports;
	uint32_t copies;   /* lists that it stands in */
	bool is_placed;    /* in one of them at least */
};

/* A run while it is replaced. */
struct port_run {
	struct nft_builder *b;
	struct nft_chain *chain; /* the list's */
	uint32_t *runs, *limits; /* of the chain so far: mapped runs, chains for a limit */
	uint32_t number;         /* of this run, from 1 */
	struct port_rule *rules;
	uint32_t count;
	bool has_any;            /* a rule of kind PORT_ANY */
	struct port_protocol_map {
		bool exists;
		uint32_t *at; /* of each member its index in `rules` */
		uint32_t count, wild_count; /* members; those that any port matches */
		struct port_segments segments;
	} maps[PORT_PROTOCOLS];
};

/* ---- what a rule asks ---- */

static uint16_t port_number(const struct nft_value *value)
{
	return (uint16_t)(value->bytes[0] << 8 | value->bytes[1]);
}

static void port_read_match(struct port_rule *r, const struct nft_match *m)
{
	enum nft_field field = m->keys[0].field;

	if (m->key_count > 1 || m->keys[0].masked)
		return;
	if (field == NFT_FIELD_L4PROTO && m->op == NFT_OP_EQ) {
		if (r->kind == PORT_ANY)
			r->kind = PORT_OTHER;
		for (unsigned i = 0; i < PORT_PROTOCOLS; i++)
			if (port_protocols[i].number == m->value.bytes[0]) {
				r->kind = PORT_ALL;
				r->protocol = i;
			}
	}
}

static void port_read_ports(struct port_rule *r, const struct nft_match *m)
{
	if (m->keys[0].field != port_protocols[r->protocol].dport || (m->op != NFT_OP_EQ && m->op != NFT_OP_RANGE))
		return;
	r->kind = PORT_SOME;
	r->ports.first = port_number(&m->value);
	r->ports.last = m->op == NFT_OP_RANGE ? port_number(&m->last) : r->ports.first;
}

/* Whether no packet comes to the end of the chain. */
static bool port_chain_decides(const struct nft_chain *chain)
{
	const struct nft_rule *rule = chain->first;
	const struct nft_statement *last;

	while (rule && rule->next)
		rule = rule->next;
	if (!rule)
		return false;
	for (uint32_t i = 0; i < rule->statement_count; i++)
		if (rule->statements[i].kind == NFT_STMT_MATCH || rule->statements[i].kind == NFT_STMT_LIMIT)
			return false;
	last = &rule->statements[rule->statement_count - 1];
	return last->kind == NFT_STMT_VERDICT &&
	       (last->verdict.kind == NFT_TO_ACCEPT || last->verdict.kind == NFT_TO_DROP ||
		(last->verdict.kind == NFT_TO_GOTO && port_chain_decides(last->verdict.chain)));
}

/* Whether the rule can stand in several chains, each one level deeper. */
static bool port_read_verdict(struct port_rule *r, const struct nft_verdict *verdict)
{
	if (verdict->kind == NFT_TO_RETURN)
		return false;
	if (verdict->kind == NFT_TO_GOTO)
		return port_chain_decides(verdict->chain);
	if (verdict->kind == NFT_TO_JUMP) {
		if (verdict->chain->rule_count > NFT_JUMP_MAX)
			return false;
		r->ports.weight += verdict->chain->rule_count;
		for (const struct nft_rule *rule = verdict->chain->first; rule; rule = rule->next) {
			const struct nft_statement *last = &rule->statements[rule->statement_count - 1];

			if (last->kind == NFT_STMT_VMAP || (last->kind == NFT_STMT_VERDICT && last->verdict.kind == NFT_TO_JUMP))
				return false;
		}
	}
	return true;
}

static struct port_rule port_read_rule(struct nft_rule *rule)
{
	struct port_rule r = { .rule = rule, .kind = PORT_ANY, .ports = { 0, UINT16_MAX, 1 } };
	bool movable = true;

	for (uint32_t i = 0; i < rule->statement_count; i++)
		switch (rule->statements[i].kind) {
		case NFT_STMT_MATCH:
			port_read_match(&r, rule->statements[i].match);
			break;
		case NFT_STMT_VERDICT:
			movable &= port_read_verdict(&r, &rule->statements[i].verdict);
			break;
		case NFT_STMT_COUNTER:
		case NFT_STMT_LIMIT:
		case NFT_STMT_LOG:
		case NFT_STMT_REJECT:
			break;
		default:
			movable = false;
		}
	for (uint32_t i = 0; i < rule->statement_count && r.kind == PORT_ALL; i++)
		if (rule->statements[i].kind == NFT_STMT_MATCH)
			port_read_ports(&r, rule->statements[i].match);
	if (!movable)
		r.kind = PORT_ENDS_RUN;
	return r;
}

/* ---- chains ---- */

static void port_append(struct nft_builder *b, struct nft_chain *chain, struct nft_rule *rule)
{
	rule->next = NULL;
	*chain->last = rule;
	chain->last = &rule->next;
	chain->rule_count++;
	b->table->rule_count++;
}

static struct nft_chain *port_chain_add(const struct port_run *run, struct text name)
{
	struct nft_chain *chain = nft_chain_add(run->b, name);

	chain->list = run->chain->name;
	return chain;
}

/* Of a rule that stands in several lists, the limit must be one: it moves to a chain of its own. */
static void port_part_limit(struct port_run *run, struct port_rule *r)
{
	struct nft_builder *b = run->b;
	const struct nft_statement *statements = r->rule->statements;
	struct nft_draft head = { .count = 0 };
	struct nft_chain *chain;
	struct nft_rule *tail;
	uint32_t at = 0;

	while (at < r->rule->statement_count && statements[at].kind != NFT_STMT_LIMIT)
		nft_draft_add(&head, statements[at++]);
	if (at == r->rule->statement_count)
		return;
	chain = port_chain_add(run, text_of(arena_printf(b->arena, "%.*s-limit-%u", TEXT_ARG(run->chain->name), ++*run->limits)));
	tail = nft_rule_add(b, chain, statements + at, r->rule->statement_count - at);
	tail->span = r->rule->span;
	tail->implied = r->rule->implied;
	tail->comment = r->rule->comment;
	nft_draft_add(&head, nft_to_chain(NFT_TO_JUMP, chain));
	r->rule->statements = nft_copy_statements(b, head.items, head.count);
	r->rule->statement_count = head.count;
}

/* Puts the rule, or a copy of it, at the end of the chain. */
static struct nft_rule *port_place(struct port_run *run, struct nft_chain *chain, struct port_rule *r)
{
	struct nft_rule *rule = r->rule;

	if (!r->is_placed && r->copies > 1)
		port_part_limit(run, r);
	if (r->copies > 1) {
		rule = ARENA_NEW(run->b->arena, struct nft_rule);
		*rule = *r->rule;
	}
	r->is_placed = true;
	port_append(run->b, chain, rule);
	return rule;
}

enum { BASE_LL, BASE_NETWORK, BASE_TRANSPORT };

static const bool port_is_transport[NFT_FIELDS] = {
#define PAYLOAD(ID, spelling, type, base, offset) [NFT_FIELD_##ID] = BASE_##base == BASE_TRANSPORT,
#include "nft/lower/fields.def"
};

/* Whether the rule asks the transport header for the destination port only, and so need not ask for the protocol where
 * that is known: nft asks for it before a field of a protocol. */
static bool port_asks_no_more(const struct port_rule *r)
{
	for (uint32_t i = 0; i < r->rule->statement_count; i++) {
		const struct nft_statement *s = &r->rule->statements[i];

		if (s->kind == NFT_STMT_REJECT)
			return false;
		for (unsigned k = 0; s->kind == NFT_STMT_MATCH && k < s->match->key_count; k++)
			if (port_is_transport[s->match->keys[k].field] &&
			    s->match->keys[k].field != port_protocols[r->protocol].dport)
				return false;
	}
	return true;
}

/* Removes from a placed rule what is known where only ports from `first` to `last` of its protocol come. */
static void port_shorten(struct port_run *run, const struct port_rule *r, struct nft_rule *rule, uint16_t first, uint16_t last)
{
	bool covered = r->ports.first <= first && last <= r->ports.last;
	struct nft_draft d = { .count = 0 };

	if (r->kind < PORT_ALL || !port_asks_no_more(r))
		return;
	for (uint32_t i = 0; i < rule->statement_count; i++) {
		const struct nft_statement *s = &rule->statements[i];
		enum nft_field field = s->kind == NFT_STMT_MATCH ? s->match->keys[0].field : NFT_FIELDS;

		if (field == port_protocols[r->protocol].dport) {
			if (!covered)
				nft_draft_add(&d, nft_ports(run->b, NFT_FIELD_TH_DPORT,
							    (struct port_range){ r->ports.first, r->ports.last }));
		} else if (field != NFT_FIELD_L4PROTO) {
			nft_draft_add(&d, *s);
		}
	}
	rule->statements = nft_copy_statements(run->b, d.items, d.count);
	rule->statement_count = d.count;
}

/* ---- segments ---- */

/*
 * Makes the segments of one protocol; false if a map is of no use.  Rules of many ports, or of any, stand in many lists.
 * These grow until all copies together are at most half as many again, and each rule of any port stands in four.
 */
static bool port_divide(struct port_run *run, unsigned protocol)
{
	struct port_protocol_map *map = &run->maps[protocol];
	struct nft_builder *b = run->b;
	struct port_member *members = ARENA_ARRAY(&b->scratch, struct port_member, run->count);
	uint32_t count = 0, wild = 0, ports = 0, list_max;
	bool done = false;

	map->wild_count = 0;
	map->at = ARENA_ARRAY(&b->scratch, uint32_t, run->count);
	for (uint32_t i = 0; i < run->count; i++) {
		const struct port_rule *r = &run->rules[i];

		if (r->kind != PORT_ANY && (r->kind < PORT_ALL || r->protocol != protocol))
			continue;
		if (r->kind == PORT_SOME)
			ports += r->ports.weight;
		else
			wild += r->ports.weight;
		map->wild_count += r->kind != PORT_SOME;
		map->at[count] = i;
		members[count++] = r->ports;
	}
	map->count = count;
	if (ports < NFT_MAP_RULES)
		return false;
	for (list_max = NFT_SEGMENT_RULES + wild; !done && list_max < count; list_max += list_max / 4 + 1) {
		struct arena_mark mark = arena_mark(&b->scratch);

		done = port_segments_make(&b->scratch, members, count, list_max, ports + ports / 2 + wild * 4 + 8, &map->segments);
		if (!done)
			arena_release(&b->scratch, mark);
	}
	return done && map->segments.segment_count > 1;
}

/* The map's name ends with a digest of its contents (FNV-1a). */
static uint32_t port_digest(uint32_t hash, const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * 0x01000193;
	return hash;
}

static const struct nft_set *port_map_set(struct port_run *run, const struct port_segments *segments, struct text name,
					  struct nft_chain *const *chains)
{
	struct nft_builder *b = run->b;
	struct nft_set draft = { .verdicts = true, .interval = true, .part_count = 1, .parts = { NFT_TYPE_INET_SERVICE } };
	uint32_t hash = 0x811c9dc5;

	draft.element_count = segments->segment_count;
	draft.elements = ARENA_ARRAY(&b->scratch, struct nft_element, draft.element_count);
	for (uint32_t i = 0; i < draft.element_count; i++) {
		const struct port_segment *segment = &segments->segments[i];
		struct nft_element *e = &draft.elements[i];

		e->key[0] = nft_number(NFT_TYPE_INET_SERVICE, segment->first);
		e->last = nft_number(NFT_TYPE_INET_SERVICE, segment->last);
		e->verdict = (struct nft_verdict){ NFT_TO_RETURN, NULL };
		if (chains[segment->list])
			e->verdict = (struct nft_verdict){ NFT_TO_GOTO, chains[segment->list] };
		hash = port_digest(hash, e->key[0].bytes, 2);
		hash = port_digest(hash, e->last.bytes, 2);
		if (chains[segment->list])
			hash = port_digest(hash, chains[segment->list]->name.ptr, chains[segment->list]->name.len);
	}
	draft.name = text_of(arena_printf(b->arena, "%.*s-%08x", TEXT_ARG(name), hash));
	return nft_set_add(b, &draft);
}

static struct nft_chain *port_list_chain(struct port_run *run, const struct port_protocol_map *map, const struct port_list *list,
					 struct text dispatch)
{
	struct nft_builder *b = run->b;
	struct nft_chain *chain;
	const char *last = list->first == list->last ? "" : arena_printf(&b->scratch, "-%u", list->last);

	if (!list->count)
		return NULL;
	chain = port_chain_add(run, text_of(arena_printf(b->arena, "%.*s-%u%s", TEXT_ARG(dispatch), list->first, last)));
	for (uint32_t i = 0; i < list->count; i++) {
		struct port_rule *r = &run->rules[map->at[list->members[i]]];

		port_shorten(run, r, port_place(run, chain, r), list->first, list->highest);
	}
	return chain;
}

/*
 * The chain for packets whose port cannot be read: the rules that any port matches, which each list has.  NULL if there are
 * none.
 */
static const struct nft_chain *port_portless_chain(struct port_run *run, const struct port_protocol_map *map,
						   struct text dispatch, struct nft_chain *const *chains)
{
	struct nft_chain *chain = NULL;

	for (uint32_t i = 0; i < map->segments.list_count; i++)
		if (map->segments.lists[i].count == map->wild_count)
			return chains[i];
	for (uint32_t i = 0; i < map->count; i++) {
		struct port_rule *r = &run->rules[map->at[i]];

		if (r->kind == PORT_SOME)
			continue;
		if (!chain)
			chain = port_chain_add(run, ARENA_JOIN(run->b->arena, dispatch, TEXT("-none")));
		port_shorten(run, r, port_place(run, chain, r), 0, UINT16_MAX);
	}
	return chain;
}

/* ---- runs ---- */

/* The chain of one protocol. */
static const struct nft_chain *port_map_chain(struct port_run *run, unsigned protocol)
{
	struct nft_builder *b = run->b;
	const struct nft_port_protocol *row = &port_protocols[protocol];
	const struct port_protocol_map *map = &run->maps[protocol];
	const char *number = run->number > 1 ? arena_printf(&b->scratch, "%u", run->number) : "";
	struct text name = text_of(arena_printf(b->arena, "%.*s-%s%s", TEXT_ARG(run->chain->name), row->name, number));
	struct nft_chain *chain = port_chain_add(run, name);
	struct nft_chain **chains = ARENA_ARRAY(&b->scratch, struct nft_chain *, map->segments.list_count);
	struct nft_vmap *vmap = ARENA_NEW(b->arena, struct nft_vmap);
	const struct nft_chain *portless;

	for (uint32_t i = 0; i < map->segments.list_count; i++)
		chains[i] = port_list_chain(run, map, &map->segments.lists[i], name);
	portless = port_portless_chain(run, map, name, chains);
	*vmap = (struct nft_vmap){ { nft_key(NFT_FIELD_TH_DPORT) }, 1, port_map_set(run, &map->segments, name, chains) };
	NFT_RULE(b, chain, (struct nft_statement){ .kind = NFT_STMT_VMAP, .vmap = vmap });
	NFT_RULE(b, chain, nft_ports(b, NFT_FIELD_TH_DPORT, (struct port_range){ 0, UINT16_MAX }), nft_to(NFT_TO_DROP))->implied =
		"a port that the map lacks while rules are replaced";
	if (portless)
		NFT_RULE(b, chain, nft_to_chain(NFT_TO_GOTO, portless));
	return chain;
}

static bool port_is_mapped(const struct port_run *run, const struct port_rule *r)
{
	return r->kind >= PORT_ALL && run->maps[r->protocol].exists;
}

/* Counts the lists in which each rule stands. */
static void port_count_copies(struct port_run *run)
{
	for (uint32_t i = 0; i < run->count; i++)
		run->rules[i].copies = !port_is_mapped(run, &run->rules[i]);
	for (unsigned p = 0; p < PORT_PROTOCOLS; p++) {
		const struct port_protocol_map *map = &run->maps[p];

		for (uint32_t i = 0; map->exists && i < map->segments.list_count; i++)
			for (uint32_t n = 0; n < map->segments.lists[i].count; n++)
				run->rules[map->at[map->segments.lists[i].members[n]]].copies++;
		for (uint32_t i = 0; map->exists && i < map->count; i++) /* perhaps for packets without a port */
			run->rules[map->at[i]].copies += run->rules[map->at[i]].kind != PORT_SOME;
	}
}

/* The rules of the run: by port, and what remains for the other protocols.  What any protocol matches must not be asked twice,
 * so it stays in a chain that the protocols with maps leave. */
static void port_map_run(struct port_run *run)
{
	struct nft_builder *b = run->b;
	struct nft_chain *chain = run->chain;
	enum nft_verdict_kind kind = NFT_TO_JUMP;

	if (run->has_any) {
		const char *number = run->number > 1 ? arena_printf(&b->scratch, "%u", run->number) : "";

		chain = port_chain_add(run, text_of(arena_printf(b->arena, "%.*s-ports%s", TEXT_ARG(run->chain->name), number)));
		NFT_RULE(b, run->chain, nft_to_chain(NFT_TO_JUMP, chain));
		kind = NFT_TO_GOTO;
	}
	for (unsigned p = 0; p < PORT_PROTOCOLS; p++)
		if (run->maps[p].exists)
			NFT_RULE(b, chain, nft_proto(b, port_protocols[p].number), nft_to_chain(kind, port_map_chain(run, p)));
	for (uint32_t i = 0; i < run->count; i++)
		if (!port_is_mapped(run, &run->rules[i]))
			port_place(run, chain, &run->rules[i]);
}

/* Replaces the run if it is long enough; the chain has the rules before it. */
static void port_place_run(struct port_run *run)
{
	uint32_t ports = 0, first = 0, count = run->count;
	bool any_map = false;

	for (uint32_t i = 0; i < run->count; i++)
		ports += run->rules[i].kind == PORT_SOME;
	if (ports >= NFT_LONG_RUN) {
		while (run->rules[first].kind != PORT_SOME)
			port_append(run->b, run->chain, run->rules[first++].rule);
		run->rules += first;
		count -= first;
		run->count = count;
		while (run->rules[run->count - 1].kind != PORT_SOME)
			run->count--;
		for (uint32_t i = 0; i < run->count; i++)
			run->has_any |= run->rules[i].kind == PORT_ANY;
		for (unsigned p = 0; p < PORT_PROTOCOLS; p++)
			any_map |= run->maps[p].exists = port_divide(run, p);
	}
	if (any_map) {
		run->number = ++*run->runs;
		port_count_copies(run);
		port_map_run(run);
	}
	for (uint32_t i = any_map ? run->count : 0; i < count; i++)
		port_append(run->b, run->chain, run->rules[i].rule);
}

/* ---- chains ---- */

/* Moves the chains that were added after `last` right behind the chain. */
static void port_move_chains(struct nft_table *table, struct nft_chain *chain, struct nft_chain **last)
{
	struct nft_chain *first = *last;

	if (!first || chain->next == first)
		return;
	*table->last_chain = chain->next;
	chain->next = first;
	*last = NULL;
	table->last_chain = last;
}

static void port_map_list(struct nft_builder *b, struct nft_chain *chain)
{
	struct arena_mark mark = arena_mark(&b->scratch);
	uint32_t count = chain->rule_count, runs = 0, limits = 0;
	struct port_rule *rules = ARENA_ARRAY(&b->scratch, struct port_rule, count);
	struct nft_chain **last = b->table->last_chain;
	struct nft_rule *rule = chain->first;

	for (uint32_t i = 0; i < count; i++, rule = rule->next)
		rules[i] = port_read_rule(rule);
	chain->first = NULL;
	chain->last = &chain->first;
	chain->rule_count = 0;
	b->table->rule_count -= count;
	for (uint32_t i = 0, next; i < count; i = next) {
		struct port_run run = { .b = b, .chain = chain, .runs = &runs, .limits = &limits, .rules = &rules[i] };

		for (next = i; next < count && rules[next].kind != PORT_ENDS_RUN; next++)
			;
		run.count = next - i;
		if (run.count)
			port_place_run(&run);
		else
			port_append(b, chain, rules[next++].rule);
	}
	port_move_chains(b->table, chain, last);
	arena_release(&b->scratch, mark);
}

void nft_map_ports(struct nft_builder *b)
{
	struct nft_chain *next;

	for (struct nft_chain *chain = b->table->chains; chain; chain = next) {
		next = chain->next;
		if (chain->rule_count >= NFT_LONG_RUN)
			port_map_list(b, chain);
	}
}
