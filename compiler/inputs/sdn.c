/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IP sets of the SDN, from its running configuration and the IPAM's state.  Perl writes the members of objects in
 * random order, so they are read sorted by name.  Wrong members are reported with their path and ignored.
 */
#include <jansson.h>
#include <stdlib.h>

#include "diag/suggest.h"
#include "inputs/json_path.h"
#include "inputs/sdn.h"
#include "lang/name.h"
#include "net/prefix_set.h"
#include "source/lines.h"

/* Finding a place costs a search in the file, and finding a similar name a walk over all names: only for the first. */
enum { PLACES_FOUND = 50 };

struct reader {
	struct diags *diags;
	struct arena *arena;
	const struct source *source;
	struct scope *sdn;
	unsigned reports;
};

/* An object, and how one got there. */
struct object {
	json_t *json; /* NULL: missing */
	const struct json_path *path;
};

/* ---- reports ---- */

/*
 * Where a path probably is in the file: jansson forgets the places of values.  The keys are searched one after the other;
 * `end` says where the last one ends.  For a list's element this is the list.
 */
static struct span find_path(const struct source *source, const struct json_path *path)
{
	struct span span = { source->base, source->base };
	size_t len = path && path->key ? strlen(path->key) : 0;
	const char *at, *end = source->text + source->size;

	if (!path)
		return span;
	span = find_path(source, path->parent);
	at = source->text + (span.end - source->base);
	while (len && (at = memmem(at, (size_t)(end - at), path->key, len)) != NULL) {
		if (at > source->text && at[-1] == '"' && at[len] == '"' &&
		    at[len + 1 + strspn(at + len + 1, " \t\r\n")] == ':') {
			span.begin = source->base + (uint32_t)(at - source->text) - 1;
			span.end = span.begin + (uint32_t)len + 2;
			break;
		}
		at += len;
	}
	return span;
}

/* About the member at `path`. */
static struct diagnostic *report_object(struct reader *r, const struct json_path *path, enum diag_id id,
					const char *what)
{
	struct span span = { r->source->base, r->source->base };

	if (r->reports++ < PLACES_FOUND)
		span = find_path(r->source, path);
	return diag(r->diags, span, id, "`%s`: %s", json_path_text(r->arena, path), what);
}

/* Reports a fault of a member that is skipped. */
static struct diagnostic *reject(struct reader *r, const struct json_path *path, enum diag_id id,
				 const char *what)
{
	return diag_note(report_object(r, path, id, what),
			 "this is ignored: the IP sets of the SDN may lack addresses");
}

/* Drops what jansson quotes from the file: it may contain anything, and the place shows it. */
static const char *first_part(struct arena *arena, const char *message)
{
	const char *near = strstr(message, " near ");
	struct text t = text_of(message);

	if (near)
		t.len = (uint32_t)(near - message);
	return arena_string(arena, t);
}

static void bad_json(struct reader *r, const json_error_t *error)
{
	uint32_t at = error->position > 0 ? (uint32_t)error->position - 1 : 0;
	struct diagnostic *d;

	if (at > r->source->size)
		at = r->source->size;
	at += r->source->base;
	d = diag(r->diags, (struct span){ at, at + 1 }, DIAG_SDN_JSON, "file is not valid JSON: %s",
		 first_part(r->arena, error->text));
	diag_note(d, "the file is ignored: its IP sets do not exist, and rules that use them are ignored");
}

/* ---- members ---- */

/* Returns `json` if it has that type, else NULL; reports another type unless it is missing or null. */
static json_t *checked(struct reader *r, json_t *json, json_type type, const struct json_path *path)
{
	if (!json || json_is_null(json))
		return NULL;
	if (json_typeof(json) == type)
		return json;
	reject(r, path, DIAG_SDN_TYPE, arena_printf(r->arena, "value is not %s", type == JSON_OBJECT ? "an object" : type == JSON_ARRAY ? "a list" : "a string"));
	return NULL;
}

/* The object `key` of another one. */
static struct object get_object(struct reader *r, struct object of, const char *key)
{
	struct json_path *path = ARENA_NEW(r->arena, struct json_path);
	json_t *json;

	*path = (struct json_path){ .parent = of.path, .key = key };
	json = checked(r, json_object_get(of.json, key), JSON_OBJECT, path);
	return (struct object){ json, path };
}

/* The string `key` of an object; len 0 if it is missing. */
static struct text get_string(struct reader *r, struct object of, const char *key)
{
	struct json_path path = { .parent = of.path, .key = key };
	json_t *json = checked(r, json_object_get(of.json, key), JSON_STRING, &path);
	struct text t = { "", 0 };

	if (json)
		t = (struct text){ json_string_value(json), (uint32_t)json_string_length(json) };
	return t;
}

/* The names of an object's members, sorted. */
static const char **sorted_keys(struct reader *r, struct object of, size_t *count)
{
	const char **keys = ARENA_ARRAY(r->arena, const char *, json_object_size(of.json));

	*count = 0;
	for (void *at = json_object_iter(of.json); at; at = json_object_iter_next(of.json, at))
		keys[(*count)++] = json_object_iter_key(at);
	if (*count)
		qsort(keys, *count, sizeof(const char *), compare_strings);
	return keys;
}

typedef void each_member(struct reader *r, struct object member, const char *key, void *data);

/* Calls `each` for the members that are objects; the others are reported. */
static void for_each_object(struct reader *r, struct object of, each_member *each, void *data)
{
	size_t count;
	const char **keys = sorted_keys(r, of, &count);

	for (size_t i = 0; i < count; i++) {
		struct object member = get_object(r, of, keys[i]);

		if (member.json)
			each(r, member, keys[i], data);
	}
}

/* ---- sets ---- */

static struct ipset *add_set(struct reader *r, struct text name)
{
	struct ipset *set = ARENA_NEW(r->arena, struct ipset);

	set->name = name;
	set->scope = SCOPE_SDN;
	set->last = &set->entries;
	HASH_ADD_KEYPTR(hh, r->sdn->ipsets, set->name.ptr, set->name.len, set);
	return set;
}

static void add_sdn_entry(struct reader *r, struct ipset *set, const struct prefix *prefix, bool nomatch)
{
	struct set_entry *entry = ARENA_NEW(r->arena, struct set_entry);
	char text[PREFIX_TEXT_SIZE];
	struct text formatted = { text, prefix_format(prefix, text) };

	entry->nomatch = nomatch;
	entry->prefix = *prefix;
	entry->text = arena_copy(r->arena, formatted);
	*set->last = entry;
	set->last = &entry->next;
	set->size++;
}

/* ---- address ranges ---- */

static void add_sdn_range(struct reader *r, struct ipset *set, const struct prefix *from,
			  const struct prefix *to)
{
	struct address_range range;
	struct prefix *prefixes;
	uint32_t count;

	memcpy(range.first, from->bytes, sizeof(range.first));
	memcpy(range.last, to->bytes, sizeof(range.last));
	count = address_range_split(r->arena, &range, prefix_bits(from) / 8, &prefixes);
	for (uint32_t i = 0; i < count; i++)
		add_sdn_entry(r, set, &prefixes[i], false);
}

/* start-address=A,end-address=B */
static bool read_dhcp_range(struct text t, struct prefix *from, struct prefix *to)
{
	struct word rest = { t.ptr, t.len, 0 }, item, key, value;

	*from = *to = (struct prefix){ 0 };
	while (rest.ptr) {
		item = word_trim(word_cut(rest, ',', &rest));
		key = word_cut(item, '=', &value);
		if (text_is(word_text(key), "start-address"))
			if (address_parse(word_text(value), from) != ADDRESS_OK)
				return false;
		if (text_is(word_text(key), "end-address"))
			if (address_parse(word_text(value), to) != ADDRESS_OK)
				return false;
	}
	return from->family && from->family == to->family && address_compare(from, to) <= 0;
}

/* ---- the running configuration ---- */

struct vnet_sets {
	const char *name;
	struct text zone;
	struct ipset *all, *gateway, *no_gateway, *dhcp;
};

/* All vnets, sorted by name. */
struct vnets {
	json_t *zones;
	struct vnet_sets *items;
	size_t count;
};

static struct ipset *add_vnet_set(struct reader *r, const char *vnet, const char *what)
{
	return add_set(r, text_of(arena_printf(r->arena, "%s-%s", vnet, what)));
}

static void check_zone(struct reader *r, const struct vnets *vnets, struct object vnet,
		       struct text zone)
{
	struct json_path path = { .parent = vnet.path, .key = "zone" };

	if (zone.len && !json_object_get(vnets->zones, zone.ptr))
		diag_note(report_object(r, &path, DIAG_SDN_ZONE, "zone does not exist"),
			  "the IP sets of the vnet are generated nevertheless");
}

static void each_vnet(struct reader *r, struct object vnet, const char *name, void *data)
{
	struct vnets *vnets = data;
	struct vnet_sets *sets;

	/* The name becomes part of the names of sets, which the output must be able to hold. */
	if (!name_is_valid(text_of(name)) || strlen(name) + strlen("-no-gateway") > SET_NAME_MAX) {
		reject(r, vnet.path, DIAG_SDN_BAD_NAME, "vnet name is not allowed");
		return;
	}
	sets = &vnets->items[vnets->count++];
	sets->name = name;
	sets->zone = get_string(r, vnet, "zone");
	check_zone(r, vnets, vnet, sets->zone);
	sets->all = add_vnet_set(r, name, "all");
	sets->gateway = add_vnet_set(r, name, "gateway");
	sets->no_gateway = add_vnet_set(r, name, "no-gateway");
	sets->dhcp = add_vnet_set(r, name, "dhcp");
}

static void unknown_vnet(struct reader *r, const struct vnets *vnets, struct object subnet,
			 struct text name)
{
	struct json_path path = { .parent = subnet.path, .key = "vnet" };
	struct diagnostic *d = reject(r, &path, DIAG_SDN_UNKNOWN_VNET, "vnet does not exist");
	struct suggestion s;

	suggest_start(&s, name);
	for (size_t i = 0; i < vnets->count && r->reports <= PLACES_FOUND; i++)
		suggest(&s, text_of(vnets->items[i].name), SPAN_NONE);
	if (s.best.len)
		diag_help(d, "did you mean `%.*s`?", TEXT_ARG(s.best));
}

/* Returns the vnet of a subnet, or NULL if that was reported. */
static const struct vnet_sets *find_vnet(struct reader *r, const struct vnets *vnets,
					 struct object subnet)
{
	const struct vnet_sets *found = NULL;
	json_t *json = json_object_get(subnet.json, "vnet");
	struct text name = get_string(r, subnet, "vnet");

	if (json && !json_is_null(json) && !json_is_string(json))
		return NULL;
	if (name.len && vnets->count)
		found = bsearch(&name.ptr, vnets->items, vnets->count, sizeof(*found), compare_strings);
	if (!name.len)
		reject(r, subnet.path, DIAG_SDN_UNKNOWN_VNET, "subnet has no vnet");
	else if (!found)
		unknown_vnet(r, vnets, subnet, name);
	return found;
}

/* ZONE-NETWORK-LENGTH */
static bool read_subnet_name(struct reader *r, const char *name, struct text *zone,
			     struct prefix *prefix)
{
	const char *first = strchr(name, '-'), *last = strrchr(name, '-');

	if (!first || first == last)
		return false;
	*zone = (struct text){ name, (uint32_t)(first - name) };
	return prefix_parse(text_of(arena_printf(r->arena, "%.*s/%s", (int)(last - first - 1),
						 first + 1, last + 1)),
			    prefix) == ADDRESS_OK;
}

/* `network` is the subnet's. */
static void read_gateway(struct reader *r, struct object subnet, const struct vnet_sets *vnet,
			 const struct prefix *network)
{
	struct json_path path = { .parent = subnet.path, .key = "gateway" };
	struct text text = get_string(r, subnet, "gateway");
	struct prefix gateway;

	if (!text.len)
		return;
	if (address_parse(text, &gateway) != ADDRESS_OK) {
		reject(r, &path, DIAG_SDN_BAD_ADDRESS, "value is not an address");
		return;
	}
	if (gateway.family != network->family) {
		reject(r, &path, DIAG_SDN_BAD_ADDRESS, "address does not have the IP version of the subnet");
		return;
	}
	add_sdn_entry(r, vnet->gateway, &gateway, false);
	add_sdn_entry(r, vnet->no_gateway, &gateway, true);
}

static void read_dhcp_ranges(struct reader *r, struct object subnet, const struct vnet_sets *vnet)
{
	struct json_path path = { .parent = subnet.path, .key = "dhcp-range" };
	json_t *list = checked(r, json_object_get(subnet.json, "dhcp-range"), JSON_ARRAY, &path);

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_path item = { .parent = &path, .index = i };
		json_t *json = checked(r, json_array_get(list, i), JSON_STRING, &item);
		struct prefix from, to;

		if (!json)
			continue;
		if (read_dhcp_range(
			    (struct text){ json_string_value(json), (uint32_t)json_string_length(json) },
			    &from, &to))
			add_sdn_range(r, vnet->dhcp, &from, &to);
		else
			reject(r, &item, DIAG_SDN_BAD_RANGE,
			       "range is not `start-address=A,end-address=B` with A not larger than B");
	}
}

static void each_subnet(struct reader *r, struct object subnet, const char *name, void *data)
{
	const struct vnet_sets *vnet;
	struct prefix prefix;
	struct text zone;

	if (!read_subnet_name(r, name, &zone, &prefix)) {
		reject(r, subnet.path, DIAG_SDN_BAD_ADDRESS,
		       "subnet name is not ZONE-NETWORK-LENGTH, as in zone1-10.0.0.0-24");
		return;
	}
	vnet = find_vnet(r, data, subnet);
	if (!vnet)
		return;
	if (vnet->zone.len && !text_equal(vnet->zone, zone))
		diag_note(
			report_object(r, subnet.path, DIAG_SDN_ZONE, "vnet of the subnet is in another zone"),
			"the subnet is in the IP sets of the vnet nevertheless");
	add_sdn_entry(r, vnet->all, &prefix, false);
	add_sdn_entry(r, vnet->no_gateway, &prefix, false);
	read_gateway(r, subnet, vnet, &prefix);
	read_dhcp_ranges(r, subnet, vnet);
}

static void read_running(struct reader *r, json_t *json)
{
	struct object root = { json, NULL };
	struct object zones = get_object(r, get_object(r, root, "zones"), "ids");
	struct object all = get_object(r, get_object(r, root, "vnets"), "ids");
	struct object subnets = get_object(r, get_object(r, root, "subnets"), "ids");
	struct vnets vnets = { .zones = zones.json };

	vnets.items = ARENA_ARRAY(r->arena, struct vnet_sets, json_object_size(all.json));
	for_each_object(r, all, each_vnet, &vnets);
	for_each_object(r, subnets, each_subnet, &vnets);
}

/* ---- the IPAM ---- */

static void each_ip(struct reader *r, struct object ip, const char *key, void *data)
{
	struct text vmid = get_string(r, ip, "vmid"), name;
	struct json_path path = { .parent = ip.path, .key = "vmid" };
	struct ipset *set = NULL;
	struct prefix prefix;
	uint64_t number;

	(void)data;
	if (address_parse(text_of(key), &prefix) != ADDRESS_OK) {
		reject(r, ip.path, DIAG_SDN_BAD_ADDRESS, "value is not an address");
		return;
	}
	/* A gateway, say. */
	if (!vmid.len)
		return;
	if (!text_to_number(vmid, UINT32_MAX, &number) || vmid.ptr[0] == '0') {
		reject(r, &path, DIAG_IPAM_BAD_VMID, "value is not the number of a guest");
		return;
	}
	name = text_of(arena_printf(r->arena, "guest-ipam-%.*s", TEXT_ARG(vmid)));
	HASH_FIND(hh, r->sdn->ipsets, name.ptr, name.len, set);
	add_sdn_entry(r, set ? set : add_set(r, name), &prefix, false);
}

static void each_ipam_subnet(struct reader *r, struct object subnet, const char *key, void *data)
{
	(void)key;
	for_each_object(r, get_object(r, subnet, "ips"), each_ip, data);
}

static void each_ipam_zone(struct reader *r, struct object zone, const char *key, void *data)
{
	(void)key;
	for_each_object(r, get_object(r, zone, "subnets"), each_ipam_subnet, data);
}

static void read_ipam_zones(struct reader *r, json_t *json)
{
	struct object root = { json, NULL };

	for_each_object(r, get_object(r, root, "zones"), each_ipam_zone, NULL);
}

/* ---- files ---- */

static void parse_sdn_file(struct diags *diags, struct source *source, struct scope *sdn,
			   void (*read)(struct reader *r, json_t *json))
{
	struct reader r = { .diags = diags, .arena = diags->arena, .source = source, .sdn = sdn };
	json_error_t error;
	json_t *json;
	uint32_t blank = 0;

	while (source && blank < source->size &&
	       (char_is_space(source->text[blank]) || source->text[blank] == '\n'))
		blank++;
	/* Proxmox VE reads an empty file as an empty object. */
	if (!source || blank == source->size)
		return;
	json = json_loadb(source->text, source->size, JSON_DECODE_ANY, &error);
	if (!json)
		bad_json(&r, &error);
	else if (!json_is_object(json))
		diag_note(
			diag(diags, (struct span){ source->base, source->base + 1 }, DIAG_SDN_TYPE,
			     "file does not contain a JSON object"),
			"the file is ignored: its IP sets do not exist, and rules that use them are ignored");
	else
		read(&r, json);
	json_decref(json);
}

void sdn_parse(struct diags *diags, struct source *running, struct source *ipam, struct scope *sdn)
{
	*sdn = (struct scope){ .kind = SCOPE_SDN };
	parse_sdn_file(diags, running, sdn, read_running);
	parse_sdn_file(diags, ipam, sdn, read_ipam_zones);
}
