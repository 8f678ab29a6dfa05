/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a lowered rule asks of a packet, as matches of a packet program. */
#include "nft/meaning/translate.h"

#include <linux/if_ether.h>
#include <linux/netfilter.h>

/* The field of the model that has the value; fields that are missing here are constants, or have a meaning of
 * their own below. */
#define FIELD_IS(nft, model) [NFT_FIELD_##nft] = MODEL_##model + 1
static const uint8_t model_fields[NFT_FIELDS] = {
	FIELD_IS(IIFNAME, IFACE),
	FIELD_IS(OIFNAME, IFACE),
	FIELD_IS(PROTOCOL, ETHERTYPE),
	FIELD_IS(ETHER_TYPE, ETHERTYPE),
	FIELD_IS(NFPROTO, ETHERTYPE),
	FIELD_IS(L4PROTO, PROTOCOL),
	FIELD_IS(ETHER_SADDR, SOURCE_MAC),
	FIELD_IS(IP_SADDR, SOURCE4),
	FIELD_IS(IP_DADDR, DEST4),
	FIELD_IS(IP6_SADDR, SOURCE6),
	FIELD_IS(IP6_DADDR, DEST6),
	FIELD_IS(ARP_SADDR_IP, ARP_SENDER),
	FIELD_IS(ICMP_TYPE, ICMP_TYPE),
	FIELD_IS(ICMPV6_TYPE, ICMP_TYPE),
	FIELD_IS(ICMP_CODE, ICMP_CODE),
	FIELD_IS(ICMPV6_CODE, ICMP_CODE),
	FIELD_IS(TCP_SPORT, SPORT),
	FIELD_IS(UDP_SPORT, SPORT),
	FIELD_IS(UDPLITE_SPORT, SPORT),
	FIELD_IS(DCCP_SPORT, SPORT),
	FIELD_IS(SCTP_SPORT, SPORT),
	FIELD_IS(TCP_DPORT, DPORT),
	FIELD_IS(UDP_DPORT, DPORT),
	FIELD_IS(UDPLITE_DPORT, DPORT),
	FIELD_IS(DCCP_DPORT, DPORT),
	FIELD_IS(SCTP_DPORT, DPORT),
	FIELD_IS(TH_DPORT, DPORT),
	FIELD_IS(TCP_FLAGS, TCP_FLAGS),
	FIELD_IS(FIB_SADDR_TYPE, SOURCE_TYPE),
	FIELD_IS(FIB_DADDR_TYPE, DEST_TYPE),
};

static bool asked_is_known(enum nft_field field)
{
	return model_fields[field] != 0;
}

/* Of a field that is known. */
static enum model_field asked_field(enum nft_field field)
{
	return (enum model_field)(model_fields[field] - 1);
}

/* ---- values ---- */

/* Intervals while they are collected. */
struct nft_values {
	struct interval *ranges;
	uint32_t count;
};

static struct nft_values values_new(struct arena *arena, uint32_t room)
{
	return (struct nft_values){ ARENA_ARRAY(arena, struct interval, room), 0 };
}

static struct number asked_number(enum nft_type type, const struct nft_value *value)
{
	struct number n = { 0, 0 };
	uint32_t host;

	if (nft_types[type].order == NFT_ORDER_HOST) {
		memcpy(&host, value->bytes, sizeof(host));
		return number_small(host);
	}
	for (unsigned i = 0; i < value->length; i++) {
		n.high = n.high << 8 | n.low >> 56;
		n.low = n.low << 8 | value->bytes[i];
	}
	return n;
}

static uint32_t asked_host_number(const struct nft_value *value)
{
	return (uint32_t)asked_number(NFT_TYPE_MARK, value).low;
}

static void values_add(struct nft_values *values, struct number first, struct number last)
{
	values->ranges[values->count++] = (struct interval){ first, last };
}

/* Any byte that has `value` in the bits of `mask`; at most 256 ranges. */
static void values_add_byte(struct nft_values *values, uint8_t mask, uint8_t value)
{
	for (unsigned byte = 0; byte < 256; byte++)
		if ((byte & mask) == value)
			values_add(values, number_small(byte), number_small(byte));
}

/* The addresses of a network. Only prefixes occur as masks of more than a byte. */
static void values_add_network(struct nft_values *values, const struct nft_value *mask,
			       const struct nft_value *value)
{
	struct nft_value last = *value;

	for (unsigned i = 0; i < value->length; i++) {
		if (value->bytes[i] & ~mask->bytes[i])
			return;
		last.bytes[i] |= (uint8_t)~mask->bytes[i];
	}
	values_add(values, asked_number(NFT_TYPE_IPV6_ADDR, value), asked_number(NFT_TYPE_IPV6_ADDR, &last));
}

static void values_add_interface(const struct nft_traversal *at, struct nft_values *values,
				 const struct nft_value *value)
{
	const struct model_ifaces *ifaces = at->t->ifaces;
	struct text name = { (const char *)value->bytes,
			     (uint32_t)strnlen((const char *)value->bytes, value->length) };
	struct interval_set numbers;

	if (value->length < 16)
		name = ARENA_JOIN(at->arena, name, TEXT("+"));
	for (uint32_t i = 0; i < ifaces->count; i++) {
		if (!text_equal(ifaces->names[i], name))
			continue;
		numbers = model_iface_values(at->arena, ifaces, name);
		for (uint32_t j = 0; j < numbers.count; j++)
			values->ranges[values->count++] = numbers.ranges[j];
	}
}

/* So many ranges has one value of a field. */
static uint32_t values_room(const struct nft_traversal *at, const struct nft_key *key)
{
	if (key->masked)
		return key->mask.length == 1 ? 256 : 1;
	return asked_field(key->field) == MODEL_IFACE ? at->t->ifaces->count + 1 : 1;
}

static void values_add_value(const struct nft_traversal *at, struct nft_values *values,
			     const struct nft_key *key, const struct nft_value *value)
{
	if (key->field == NFT_FIELD_NFPROTO) {
		struct number type = number_small(value->bytes[0] == NFPROTO_IPV4 ? ETH_P_IP : ETH_P_IPV6);

		values_add(values, type, type);
	} else if (asked_field(key->field) == MODEL_IFACE) {
		values_add_interface(at, values, value);
	} else if (!key->masked) {
		struct number n = asked_number(nft_fields[key->field].type, value);

		values_add(values, n, n);
	} else if (value->length == 1) {
		values_add_byte(values, key->mask.bytes[0], value->bytes[0]);
	} else {
		values_add_network(values, &key->mask, value);
	}
}

static struct interval_set values_end(struct nft_values *values)
{
	return interval_set_normalize(values->ranges, values->count);
}

void nft_ask_values(struct nft_asked *asked, enum model_field field, bool negated, struct interval_set values)
{
	if (!values.count)
		asked->never |= !negated;
	else if (asked->count == NFT_ASKED_MAX)
		asked->unknown = true;
	else
		asked->matches[asked->count++] = (struct model_match){ field, negated, values };
}

void nft_ask_number(const struct nft_traversal *at, struct nft_asked *asked, enum model_field field,
		    uint64_t number)
{
	struct nft_values values = values_new(at->arena, 1);

	values_add(&values, number_small(number), number_small(number));
	nft_ask_values(asked, field, false, values_end(&values));
}

/* ---- constants of the path ---- */

bool nft_is_of_path(enum nft_field field)
{
	return field == NFT_FIELD_IIFNAME || field == NFT_FIELD_OIFNAME || field == NFT_FIELD_IBRNAME ||
	       field == NFT_FIELD_ETHER_DADDR;
}

static bool asked_is_constant(const struct nft_traversal *at, enum nft_field field)
{
	return field != at->any_iface && (nft_is_of_path(field) || field == NFT_FIELD_RTCLASSID);
}

/* The constant, as the kernel compares it. */
static struct nft_value asked_constant(const struct nft_traversal *at, enum nft_field field)
{
	const struct text *name = field == NFT_FIELD_IIFNAME   ? &at->iif
				  : field == NFT_FIELD_OIFNAME ? &at->oif
							       : &at->bridge_name;
	struct nft_value value = { .length = 16 };

	if (field == NFT_FIELD_ETHER_DADDR) {
		value.length = 6;
		memcpy(value.bytes, at->dest_mac, 6);
	} else if (field == NFT_FIELD_RTCLASSID) {
		/* 0 for packets that the host sends, if no realm is set; our own answers have none. */
		value.length = 4;
	} else {
		memcpy(value.bytes, name->ptr, name->len < 16 ? name->len : 16);
	}
	return value;
}

/* A value shorter than a name is its beginning. */
static bool asked_constant_is(const struct nft_traversal *at, const struct nft_key *key,
			      const struct nft_value *value)
{
	struct nft_value constant = asked_constant(at, key->field);

	for (unsigned i = 0; key->masked && i < constant.length; i++)
		constant.bytes[i] &= key->mask.bytes[i];
	return memcmp(constant.bytes, value->bytes, value->length) == 0;
}

/* ---- sets ---- */

struct nft_set_note *nft_set_note_of(struct nft_translator *t, const struct nft_set *set)
{
	struct nft_set_note *note;

	HASH_FIND_PTR(t->sets, &set, note);
	if (note)
		return note;
	note = ARENA_NEW(&t->arena, struct nft_set_note);
	note->set = set;
	HASH_ADD_PTR(t->sets, set, note);
	return note;
}

/* As memcmp(): the element's first `count` keys with these. */
static int asked_compare_keys(const struct nft_element *element, const struct nft_value *keys, unsigned count)
{
	int order = 0;

	for (unsigned i = 0; i < count && !order; i++)
		order = memcmp(element->key[i].bytes, keys[i].bytes, sizeof(keys[i].bytes));
	return order;
}

/* The first element that has these keys; elements are sorted by them. */
static const struct nft_element *asked_search(const struct nft_set *set, const struct nft_value *keys,
					      unsigned count)
{
	uint32_t low = 0, high = set->element_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (asked_compare_keys(&set->elements[middle], keys, count) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == set->element_count || asked_compare_keys(&set->elements[low], keys, count) != 0)
		return NULL;
	return &set->elements[low];
}

bool nft_find_element(const struct nft_traversal *at, const struct nft_vmap *vmap,
		      const struct nft_element **element)
{
	struct nft_value keys[NFT_KEY_PARTS];

	for (unsigned i = 0; i < vmap->key_count; i++) {
		if (!asked_is_constant(at, vmap->keys[i].field) || vmap->keys[i].masked)
			return false;
		keys[i] = asked_constant(at, vmap->keys[i].field);
	}
	*element = asked_search(vmap->set, keys, vmap->key_count);
	return true;
}

/* The values of a set with one key, made once if no mask is laid over it. */
static struct interval_set asked_set_values(const struct nft_traversal *at, const struct nft_key *key,
					    const struct nft_set *set)
{
	struct nft_set_note *note = nft_set_note_of(at->t, set);
	bool shared = !key->masked && asked_field(key->field) != MODEL_IFACE;
	struct nft_values values;

	if (shared && note->values.count)
		return note->values;
	values = values_new(shared ? &at->t->arena : at->arena, set->element_count * values_room(at, key));
	for (uint32_t i = 0; i < set->element_count; i++) {
		const struct nft_element *e = &set->elements[i];

		if (set->interval)
			values_add(&values, asked_number(set->parts[0], &e->key[0]),
				   asked_number(set->parts[0], &e->last));
		else
			values_add_value(at, &values, key, &e->key[0]);
	}
	if (!shared)
		return values_end(&values);
	return note->values = values_end(&values);
}

/* The second keys of the elements whose first one is the constant of the path. */
static struct interval_set asked_pair_values(const struct nft_traversal *at, const struct nft_key *keys,
					     const struct nft_set *set)
{
	struct nft_value constant;
	const struct nft_element *first, *end = set->elements + set->element_count;
	uint32_t count = 0;
	struct nft_values values;

	constant = asked_constant(at, keys[0].field);
	first = asked_search(set, &constant, 1);
	while (first && first + count < end && asked_compare_keys(first + count, &constant, 1) == 0)
		count++;
	values = values_new(at->arena, count * values_room(at, &keys[1]));
	for (uint32_t i = 0; i < count; i++)
		values_add_value(at, &values, &keys[1], &first[i].key[1]);
	return values_end(&values);
}

static void asked_add_set(const struct nft_traversal *at, struct nft_asked *asked, const struct nft_match *m,
			  bool negated)
{
	const struct nft_element *element;
	struct nft_vmap vmap = { { m->keys[0], m->keys[1] }, m->key_count, m->set };

	if (nft_find_element(at, &vmap, &element))
		asked->never |= !element != negated;
	else if (!asked_is_known(m->keys[m->key_count - 1].field) ||
		 (m->key_count > 1 && !asked_is_constant(at, m->keys[0].field)))
		asked->unknown = true;
	else if (m->key_count == 1)
		nft_ask_values(asked, asked_field(m->keys[0].field), negated,
			       asked_set_values(at, &m->keys[0], m->set));
	else
		nft_ask_values(asked, asked_field(m->keys[1].field), negated,
			       asked_pair_values(at, m->keys, m->set));
}

/* ---- connections and marks ---- */

static void asked_add_states(const struct nft_traversal *at, struct nft_asked *asked, uint32_t states)
{
	struct nft_values values = values_new(at->arena, MODEL_STATES);

	for (unsigned state = 0; state < MODEL_STATES; state++)
		if (states & 1u << state)
			values_add(&values, number_small(state), number_small(state));
	nft_ask_values(asked, MODEL_STATE, false, values_end(&values));
}

/* The kernel's bits of `ct state`. */
static void asked_add_ct_state(const struct nft_traversal *at, struct nft_asked *asked, uint32_t bits)
{
	static const struct {
		uint32_t bit;
		enum model_state state;
	} states[] = { { 1, MODEL_STATE_INVALID },
		       { 2, MODEL_STATE_ESTABLISHED },
		       { 4, MODEL_STATE_RELATED },
		       { 8, MODEL_STATE_NEW },
		       { 64, MODEL_STATE_UNTRACKED } };
	uint32_t set = 0;

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (bits & states[i].bit)
			set |= 1u << states[i].state;
	asked_add_states(at, asked, set);
}

/* Known connections have all labels, new ones none; without a connection there is nothing to compare, and the
 * rule does not match (model/program.h). */
static void asked_add_ct_label(const struct nft_traversal *at, struct nft_asked *asked,
			       const struct nft_match *m)
{
	static const struct nft_value none;
	const uint32_t known = 1u << MODEL_STATE_ESTABLISHED | 1u << MODEL_STATE_RELATED,
		       new = 1u << MODEL_STATE_NEW;
	bool all = m->op == NFT_OP_FLAGS;

	if (m->op == NFT_OP_EQ) {
		bool zero = memcmp(m->value.bytes, none.bytes, 16) == 0;

		all = memcmp(m->value.bytes, m->keys[0].mask.bytes, 16) == 0;
		asked_add_states(at, asked, (all ? known : 0) | (zero ? new : 0));
	} else {
		asked_add_states(at, asked, all ? known : new);
	}
}

static void asked_add_mark(struct nft_asked *asked, const struct nft_match *m)
{
	asked->unknown |= asked->mark_mask != 0; /* twice */
	asked->mark_mask = m->keys[0].masked ? asked_host_number(&m->keys[0].mask) : UINT32_MAX;
	asked->mark_value = asked_host_number(&m->value);
	asked->mark_negated = m->op == NFT_OP_NE;
}

/* ---- a match ---- */

/* One value, a network, or a range. */
static void asked_add_values(const struct nft_traversal *at, struct nft_asked *asked,
			     const struct nft_match *m)
{
	struct nft_key key = m->keys[0];
	enum nft_type type = nft_fields[key.field].type;
	struct nft_values values;

	if (m->op == NFT_OP_PREFIX) {
		key.masked = true;
		key.mask = (struct nft_value){ .length = m->value.length };
		for (unsigned bit = 0; bit < m->bits; bit++)
			key.mask.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	values = values_new(at->arena, values_room(at, &key));
	if (m->op == NFT_OP_RANGE)
		values_add(&values, asked_number(type, &m->value), asked_number(type, &m->last));
	else
		values_add_value(at, &values, &key, &m->value);
	nft_ask_values(asked, asked_field(key.field), m->op == NFT_OP_NE, values_end(&values));
}

void nft_ask_match(const struct nft_traversal *at, struct nft_asked *asked, const struct nft_match *m)
{
	enum nft_field field = m->keys[0].field;

	if (m->op == NFT_OP_IN || m->op == NFT_OP_NOT_IN)
		asked_add_set(at, asked, m, m->op == NFT_OP_NOT_IN);
	else if (field == NFT_FIELD_CT_STATE && m->op == NFT_OP_FLAGS)
		asked_add_ct_state(at, asked, asked_host_number(&m->value));
	else if (field == NFT_FIELD_CT_LABEL && m->op != NFT_OP_NE)
		asked_add_ct_label(at, asked, m);
	else if (field == NFT_FIELD_MARK && (m->op == NFT_OP_EQ || m->op == NFT_OP_NE))
		asked_add_mark(asked, m);
	else if (m->op == NFT_OP_FLAGS || m->op == NFT_OP_NO_FLAGS)
		asked->unknown = true;
	else if (asked_is_constant(at, field))
		asked->never |= asked_constant_is(at, &m->keys[0], &m->value) == (m->op == NFT_OP_NE);
	else if (!asked_is_known(field))
		asked->unknown = true;
	else
		asked_add_values(at, asked, m);
}

void nft_ask_key(const struct nft_traversal *at, struct nft_asked *asked, const struct nft_vmap *vmap,
		 const struct nft_element *element, unsigned part)
{
	const struct nft_key *key = &vmap->keys[part];
	enum nft_type type = nft_fields[key->field].type;
	struct nft_values values;

	if (vmap->set->interval && (key->masked || asked_is_constant(at, key->field))) {
		asked->unknown = true;
		return;
	}
	if (asked_is_constant(at, key->field)) {
		asked->never |= !asked_constant_is(at, key, &element->key[part]);
		return;
	}
	if (!asked_is_known(key->field)) {
		asked->unknown = true;
		return;
	}
	values = values_new(at->arena, values_room(at, key));
	if (vmap->set->interval)
		values_add(&values, asked_number(type, &element->key[part]), asked_number(type, &element->last));
	else
		values_add_value(at, &values, key, &element->key[part]);
	nft_ask_values(asked, asked_field(key->field), false, values_end(&values));
}
