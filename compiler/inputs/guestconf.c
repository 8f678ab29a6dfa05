/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NICs of a guest's configuration.  The value of net<N> is a comma list of items; each is read by the function of its
 * key in nic_keys.  A NIC with a mistake is left out as a whole.
 */
#include "diag/suggest.h"
#include "inputs/guests.h"
#include "lang/limit_table.h"
#include "source/lines.h"

static const char *const vm_models[] = {
	"virtio",     "e1000",       "e1000-82540em", "e1000-82544gc", "e1000-82545em",
	"e1000e",     "i82551",      "i82557b",       "i82559er",      "ne2k_isa",
	"ne2k_pci",   "pcnet",       "rtl8139",       "vmxnet3",
};

/* Properties of a NIC, as bits, to find repetitions. */
enum {
	SAYS_MODEL = 1,
	SAYS_MAC = 2,
	SAYS_BRIDGE = 4,
	SAYS_FIREWALL = 8,
	SAYS_NAME = 16,
	SAYS_IP4 = 32,
	SAYS_IP6 = 64,
};

/* The NIC that is being read. */
struct reader {
	struct diags *diags;
	enum guest_type type;
	struct nic *nic;
	struct word key, value; /* of the line */
	struct word item;       /* KEY=VALUE */
	unsigned said;
	struct span said_at[8]; /* by number of bit */
	struct word odd;        /* the first item that Proxmox VE rejects, although the firewall does not need it */
	const char *odd_help;
	bool failed;
};

/* Proxmox VE cannot read the NIC for the present item: what its value can be. */
static void note_odd(struct reader *r, const char *help)
{
	if (r->odd.ptr)
		return;
	r->odd = r->item;
	r->odd_help = help;
}

/* Reports a mistake because of which the NIC is left out. */
static struct diagnostic *nic_error(struct reader *r, struct word at, enum diag_id id, const char *message)
{
	struct diagnostic *d = diag(r->diags, word_span(at), id, "%s", message);

	r->failed = true;
	return diag_note(d, "%.*s is left out: its traffic is not filtered", TEXT_ARG(r->key));
}

/* Remembers that the item sets `what`; reports it and returns false if an earlier item did. */
static bool note_said(struct reader *r, unsigned what)
{
	unsigned bit = 0;

	while (what >> bit != 1)
		bit++;
	if (r->said & what) {
		struct diagnostic *d = nic_error(r, r->item, DIAG_NIC_DUPLICATE_KEY,
						 "key appears twice in the NIC");

		diag_label(d, r->said_at[bit], "first here");
		return false;
	}
	r->said |= what;
	r->said_at[bit] = word_span(r->item);
	return true;
}

/* ---- MAC addresses ---- */

/* Six pairs of hexadecimal digits with colons between. */
static bool parse_mac(struct text t, uint8_t bytes[6])
{
	if (t.len != 17)
		return false;
	for (int i = 0; i < 6; i++) {
		const char *pair = t.ptr + 3 * i;
		int high = char_hex_value(pair[0]), low = char_hex_value(pair[1]);

		if (high < 0 || low < 0 || (i < 5 && pair[2] != ':'))
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void read_mac(struct reader *r, struct word value)
{
	struct diagnostic *d;

	if (!note_said(r, SAYS_MAC))
		return;
	r->nic->mac = word_text(value);
	if (!parse_mac(r->nic->mac, r->nic->mac_bytes)) {
		d = nic_error(r, value, DIAG_NIC_BAD_MAC, "value is not a MAC address");
		diag_help(d, "write six pairs of hexadecimal digits, as in BC:24:11:00:00:01");
	} else if (r->nic->mac_bytes[0] & 1) {
		d = nic_error(r, value, DIAG_NIC_BAD_MAC, "MAC address of a NIC cannot be a group address");
		diag_here(d, "the second digit is odd");
	}
}

/* ---- the keys ---- */

static bool is_model(struct text name)
{
	for (size_t i = 0; i < sizeof(vm_models) / sizeof(vm_models[0]); i++)
		if (text_is(name, vm_models[i]))
			return true;
	return false;
}

static void unknown_model(struct reader *r, struct word name)
{
	struct diagnostic *d = nic_error(r, name, DIAG_NIC_MODEL, "NIC model does not exist");
	struct suggestion s;

	suggest_start(&s, word_text(name));
	for (size_t i = 0; i < sizeof(vm_models) / sizeof(vm_models[0]); i++)
		suggest(&s, text_of(vm_models[i]), SPAN_NONE);
	suggest_to(d, &s, word_span(name), "");
}

static void read_model(struct reader *r, struct word value)
{
	if (note_said(r, SAYS_MODEL) && !is_model(word_text(value)))
		unknown_model(r, value);
}

static void read_bridge(struct reader *r, struct word value)
{
	if (note_said(r, SAYS_BRIDGE))
		r->nic->bridge = word_text(value);
}

static bool is_number(struct word value, uint64_t least, uint64_t most)
{
	uint64_t number;

	return text_to_number(word_text(value), most, &number) && number >= least;
}

static void read_tag(struct reader *r, struct word value)
{
	uint64_t tag;

	if (text_to_number(word_text(value), LIMIT_VLAN, &tag))
		r->nic->tag = (uint16_t)tag;
	if (!is_number(value, 1, LIMIT_VLAN))
		note_odd(r, "write a VLAN tag from 1 to 4094");
}

/* The sizes are those of the schemas of qemu-server and pve-container. */
static void read_mtu(struct reader *r, struct word value)
{
	if (r->type == GUEST_VM ? !is_number(value, 1, 65520) : !is_number(value, 64, 65535))
		note_odd(r, r->type == GUEST_VM ? "write an MTU from 1 to 65520"
						: "write an MTU from 64 to 65535");
}

static void read_nic_queues(struct reader *r, struct word value)
{
	if (!is_number(value, 0, 64))
		note_odd(r, "write a number of queues from 0 to 64");
}

static void read_nothing(struct reader *r, struct word value)
{
	(void)r, (void)value;
}

static void read_trunks(struct reader *r, struct word value)
{
	r->nic->trunks = word_text(value);
}

static void read_name(struct reader *r, struct word value)
{
	(void)value;
	note_said(r, SAYS_NAME);
}

static void read_firewall(struct reader *r, struct word value)
{
	struct diagnostic *d;

	if (!note_said(r, SAYS_FIREWALL))
		return;
	r->nic->firewall = text_is_true(word_text(value));
	if (r->nic->firewall || text_is_false(word_text(value)))
		return;
	d = nic_error(r, value, DIAG_NIC_BAD_FLAG, "value is not a boolean");
	diag_help(d, "write `firewall=1` to filter this NIC, or `firewall=0` not to filter it");
}

static void bad_nic_address(struct reader *r, struct word value, unsigned family)
{
	struct diagnostic *d;
	struct prefix p;

	d = nic_error(r, value, DIAG_NIC_BAD_ADDRESS,
		      family == AF_INET ? "value is not an IPv4 address with a prefix length"
					: "value is not an IPv6 address with a prefix length");
	if (prefix_parse(word_text(value), &p) == ADDRESS_OK && p.family != family)
		diag_help(d, "an IPv%u address belongs in `%s=`", p.family == AF_INET ? 4 : 6,
			  p.family == AF_INET ? "ip" : "ip6");
	else
		diag_help(d, family == AF_INET
				     ? "write an address as in 192.0.2.7/24, `dhcp` or `manual`"
				     : "write an address as in 2001:db8::7/64, `auto`, `dhcp` or `manual`");
}

static void read_nic_address(struct reader *r, struct word value, unsigned family, struct prefix *result)
{
	struct text t = word_text(value);
	struct prefix p;

	if (text_is(t, "dhcp") || text_is(t, "manual") || (family == AF_INET6 && text_is(t, "auto")))
		return;
	if (prefix_parse(t, &p) != ADDRESS_OK || p.family != family || text_find(t, '/') < 0)
		bad_nic_address(r, value, family);
	else
		*result = p;
	if (!r->failed && p.length < 8)
		note_odd(r, "write a prefix length of at least 8");
}

static void read_ip(struct reader *r, struct word value)
{
	bool is_ip6 = text_starts(word_text(r->item), "ip6");

	if (!note_said(r, is_ip6 ? SAYS_IP6 : SAYS_IP4))
		return;
	if (!is_ip6)
		r->nic->dhcp = text_is(word_text(value), "dhcp");
	read_nic_address(r, value, is_ip6 ? AF_INET6 : AF_INET, is_ip6 ? &r->nic->ip6 : &r->nic->ip4);
}

/* The keys that are read; the others are left unread. */
static const struct {
	const char *key;
	enum guest_type type;
	void (*read)(struct reader *r, struct word value);
} nic_keys[] = {
	{ "model", GUEST_VM, read_model },         { "macaddr", GUEST_VM, read_mac },
	{ "bridge", GUEST_VM, read_bridge },       { "firewall", GUEST_VM, read_firewall },
	{ "name", GUEST_CONTAINER, read_name },    { "hwaddr", GUEST_CONTAINER, read_mac },
	{ "bridge", GUEST_CONTAINER, read_bridge }, { "firewall", GUEST_CONTAINER, read_firewall },
	{ "ip", GUEST_CONTAINER, read_ip },       { "ip6", GUEST_CONTAINER, read_ip },
	{ "tag", GUEST_VM, read_tag },             { "tag", GUEST_CONTAINER, read_tag },
	{ "trunks", GUEST_VM, read_trunks },       { "trunks", GUEST_CONTAINER, read_trunks },
	{ "mtu", GUEST_VM, read_mtu },             { "mtu", GUEST_CONTAINER, read_mtu },
	{ "rate", GUEST_VM, read_nothing },        { "rate", GUEST_CONTAINER, read_nothing },
	{ "link_down", GUEST_VM, read_nothing },   { "link_down", GUEST_CONTAINER, read_nothing },
	{ "queues", GUEST_VM, read_nic_queues },   { "type", GUEST_CONTAINER, read_nothing },
	{ "gw", GUEST_CONTAINER, read_nothing },   { "gw6", GUEST_CONTAINER, read_nothing },
	{ "host-managed", GUEST_CONTAINER, read_nothing },
};

/* ---- one NIC ---- */

/* Reads MODEL=MAC, also with a misspelt MODEL: no other key has a MAC address as its value.  Otherwise returns false. */
static bool read_model_and_mac(struct reader *r, struct word key, struct word value)
{
	uint8_t mac[6];

	if (is_model(word_text(key))) {
		if (note_said(r, SAYS_MODEL))
			read_mac(r, value);
	} else if (!(r->said & SAYS_MODEL) && parse_mac(word_text(value), mac)) {
		unknown_model(r, key);
	} else {
		return false;
	}
	return true;
}

static void malformed_item(struct reader *r)
{
	struct diagnostic *d = nic_error(r, r->item, DIAG_NIC_UNREADABLE, "element is not `key=value`");

	diag_help(
		d,
		r->type == GUEST_VM
			? "write a NIC as `virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1`"
			: "write a NIC as `name=eth0,bridge=vmbr0,firewall=1,hwaddr=BC:24:11:00:00:01,ip=dhcp`");
}

static void read_item(struct reader *r)
{
	struct word value, key = word_cut(r->item, '=', &value);

	if (!value.ptr && r->type == GUEST_VM && is_model(word_text(key))) {
		note_said(r, SAYS_MODEL);
		return;
	}
	if (!value.len || !key.len) {
		malformed_item(r);
		return;
	}
	for (size_t i = 0; i < sizeof(nic_keys) / sizeof(nic_keys[0]); i++)
		if (nic_keys[i].type == r->type && nic_keys[i].key[0] == key.ptr[0] && text_is(word_text(key), nic_keys[i].key)) {
			nic_keys[i].read(r, value);
			return;
		}
	if (r->type != GUEST_VM || !read_model_and_mac(r, key, value))
		note_odd(r, "Proxmox VE does not know this key");
}

/* What only the whole shows. */
static void check_nic(struct reader *r)
{
	struct diagnostic *d;

	if (r->type == GUEST_VM && !(r->said & SAYS_MODEL))
		nic_error(r, r->key, DIAG_NIC_MODEL, "NIC has no model");
	else if (r->type == GUEST_CONTAINER && !(r->said & SAYS_NAME))
		nic_error(r, r->key, DIAG_NIC_NO_NAME, "NIC has no `name=`");
	else if (r->nic->firewall && !(r->said & SAYS_MAC)) {
		d = diag(r->diags, word_span(r->key), DIAG_NIC_NO_MAC, "firewalled NIC has no MAC address");
		diag_note(d, "%.*s has no MAC filter: the guest can send from any MAC address",
			  TEXT_ARG(r->key));
		diag_help(d, "add `%s=` with the MAC address of the NIC",
			  r->type == GUEST_VM ? "macaddr" : "hwaddr");
	}
}

/* The device of a container with a large number, which Proxmox VE cannot make: nothing to filter. */
static void check_device(struct reader *r)
{
	struct text device = r->nic->device;
	struct diagnostic *d;

	if (r->failed || !r->nic->firewall || device.len <= LIMIT_IFACE_NAME)
		return;
	r->failed = true;
	d = diag(r->diags, word_span(r->key), DIAG_NIC_DEVICE_NAME, "interface name `%.*s` is too long",
		 TEXT_ARG(device));
	diag_here(d, "%u characters, but at most %d are possible", device.len, LIMIT_IFACE_NAME);
	diag_note(d, "%.*s is left out: the guest cannot start with it", TEXT_ARG(r->key));
	diag_help(d, "use a smaller guest number, or a NIC number below net10");
}

/* The stock compiler ignores a NIC that Proxmox VE rejects. */
static void check_odd(struct reader *r)
{
	struct diagnostic *d;

	if (r->failed || !r->nic->firewall || !r->odd.ptr)
		return;
	d = diag(r->diags, word_span(r->odd), DIAG_NIC_ODD_VALUE, "Proxmox VE cannot read %.*s because of `%.*s`",
		 TEXT_ARG(r->key), TEXT_ARG(r->odd));
	diag_note(d, "the NIC is filtered here, but not with the stock compiler");
	diag_help(d, "%s", r->odd_help);
}

/* Returns NULL if it was reported. */
static struct nic *read_nic_line(struct reader *r)
{
	struct word rest = r->value;

	while (rest.ptr) {
		r->item = word_cut(rest, ',', &rest);
		if (r->item.len)
			read_item(r);
	}
	if (!r->failed)
		check_nic(r);
	check_device(r);
	check_odd(r);
	return r->failed ? NULL : r->nic;
}

/* ---- the file ---- */

/* net<N>; reports an N that no NIC has. */
static bool nic_index(struct diags *diags, struct word key, uint32_t *index)
{
	struct text t = word_text(key), digits;
	struct diagnostic *d;
	uint64_t n;

	if (t.len < 4 || !text_starts(t, "net"))
		return false;
	digits = (struct text){ t.ptr + 3, t.len - 3 };
	if (!text_all_digits(digits))
		return false;
	if (text_to_number(digits, LIMIT_NIC_NUMBER, &n) && (digits.ptr[0] != '0' || digits.len == 1)) {
		*index = (uint32_t)n;
		return true;
	}
	d = diag(diags, word_span(key), DIAG_NIC_INDEX, "NIC `%.*s` does not exist", TEXT_ARG(t));
	diag_note(d, "the line is ignored, also by Proxmox VE: the guest has no such NIC");
	diag_help(d, "write net0 to net%d", LIMIT_NIC_NUMBER);
	return false;
}

/* Inserts `nic` by key.  A later NIC with the same key replaces the earlier one, as in Proxmox VE. */
static void insert(struct diags *diags, struct nic **list, struct nic *nic, struct word key)
{
	struct diagnostic *d;
	struct nic *same;

	while (*list && text_compare((*list)->key, nic->key) < 0)
		list = &(*list)->next;
	same = *list;
	nic->next = same;
	*list = nic;
	if (!same || !text_equal(same->key, nic->key))
		return;
	nic->next = same->next;
	d = diag(diags, word_span(key), DIAG_NIC_DUPLICATE, "%.*s is configured twice",
		 TEXT_ARG(nic->key));
	diag_label(d, same->span, "this has no effect");
	diag_note(d, "the last line applies, as in Proxmox VE");
}

static struct nic *new_nic(struct arena *arena, enum guest_type type, struct text vmid, struct word key,
			   struct word value, uint32_t index)
{
	struct nic *nic = ARENA_NEW(arena, struct nic);

	nic->index = index;
	nic->key = word_text(key);
	nic->span = word_span(value);
	nic->device = text_of(arena_printf(arena, "%s%.*si%u", type == GUEST_VM ? "tap" : "veth",
					   TEXT_ARG(vmid), index));
	return nic;
}

/* Proxmox VE ignores options with a space before the key. */
static void report_indented(struct diags *diags, struct word key)
{
	struct diagnostic *d = diag(diags, word_span(key), DIAG_NIC_ODD_VALUE,
				    "Proxmox VE cannot read %.*s because of the space before it",
				    TEXT_ARG(key));

	diag_note(d, "for Proxmox VE the guest has no such NIC; here its traffic is filtered");
	diag_help(d, "delete the space");
}

struct nic *guestconf_parse(struct diags *diags, struct source *source, enum guest_type type,
			    struct text vmid)
{
	struct lines lines = lines_of(source);
	struct nic *nics = NULL, *nic;
	struct word line, key, value;
	uint32_t index;

	while (lines_next(&lines, &line) && !(line.len && line.ptr[0] == '[')) {
		key = word_cut(line, ':', &value);
		if (!value.ptr || !nic_index(diags, key, &index))
			continue;
		value = word_trim(value);
		if (key.begin > source->base && char_is_blank(source->text[key.begin - source->base - 1]))
			report_indented(diags, key);
		nic = new_nic(diags->arena, type, vmid, key, value, index);
		nic = read_nic_line(&(struct reader){
			.diags = diags, .type = type, .nic = nic, .key = key, .value = value });
		if (nic)
			insert(diags, &nics, nic, key);
	}
	return nics;
}
