/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values that packets of a path usually have: rows do not tell them, and other packets are unusual. */
#include "questions/diff_rows.h"

static const struct interval usual_ports[] = { { { 0, 1 }, { 0, 65535 } } };
static const struct interval usual_type[] = { { { 0, MODEL_TYPE_UNICAST }, { 0, MODEL_TYPE_UNICAST } } };
static const struct interval usual_ethertypes[] = { { { 0, 0x0800 }, { 0, 0x0800 } },
						    { { 0, 0x86dd }, { 0, 0x86dd } } };
static const struct interval usual_limit[] = { { { 0, 0 }, { 0, 0 } } };

static void add_usual(struct usual_values *usual, enum model_field field, struct interval_set values)
{
	usual->items[usual->count++] = (struct model_match){ .field = field, .values = values };
}

static struct number mac_number(const uint8_t mac[6])
{
	uint64_t number = 0;

	for (int i = 0; i < 6; i++)
		number = number << 8 | mac[i];
	return number_small(number);
}

/* What a guest sends has the address of its NIC. */
static void add_own_mac(struct usual_values *usual, struct arena *arena, const struct diff_path *path)
{
	struct interval *ranges = ARENA_ARRAY(arena, struct interval, DIFF_SIDES);
	uint32_t count = 0;

	for (int side = 0; side < DIFF_SIDES; side++) {
		const struct nic *nic = path->zone->sides[side].nic;

		if (!nic || !nic->mac.len)
			continue;
		ranges[count].first = mac_number(nic->mac_bytes);
		ranges[count].last = ranges[count].first;
		count++;
	}
	if (count && !path->inward)
		add_usual(usual, MODEL_SOURCE_MAC, interval_set_normalize(ranges, count));
}

/* The host talks to others by all interfaces but lo. */
static void add_real_ifaces(struct usual_values *usual, struct arena *arena,
			    const struct model_ifaces *ifaces)
{
	struct interval *all = ARENA_NEW(arena, struct interval);
	struct interval_set whole = { all, 1 }, lo = { NULL, 0 };

	*all = (struct interval){ number_small(0), number_small(ifaces->count) };
	for (uint32_t i = 0; i < ifaces->count; i++)
		if (text_is(ifaces->names[i], "lo"))
			lo = model_iface_values(arena, ifaces, ifaces->names[i]);
	add_usual(usual, MODEL_IFACE, interval_set_subtract(arena, &whole, &lo));
}

struct usual_values usual_values_of(struct arena *arena, const struct diff_path *path,
				    const struct model_ifaces *ifaces)
{
	struct usual_values usual = { .ifaces = ifaces };

	add_usual(&usual, MODEL_ETHERTYPE, (struct interval_set){ usual_ethertypes, 2 });
	add_usual(&usual, MODEL_SPORT, (struct interval_set){ usual_ports, 1 });
	add_usual(&usual, MODEL_DPORT, (struct interval_set){ usual_ports, 1 });
	add_usual(&usual, MODEL_SOURCE_TYPE, (struct interval_set){ usual_type, 1 });
	add_usual(&usual, MODEL_DEST_TYPE, (struct interval_set){ usual_type, 1 });
	add_usual(&usual, MODEL_OVER_LIMIT, (struct interval_set){ usual_limit, 1 });
	add_own_mac(&usual, arena, path);
	if (path->zone->kind != PATH_GUEST)
		add_real_ifaces(&usual, arena, ifaces);
	return usual;
}

void usual_values_add(struct model *m, const struct usual_values *usual)
{
	for (uint32_t i = 0; i < usual->count; i++)
		model_add_match(m, &usual->items[i]);
}

packets usual_packets(struct model *m, const struct usual_values *usual, bool any_state)
{
	packets set = any_state ? model_world(m) : model_ordinary(m);

	for (uint32_t i = 0; i < usual->count; i++) {
		struct model_match others = usual->items[i];

		others.negated = true;
		set = model_minus(m, set, model_match(m, &others));
	}
	return set;
}
