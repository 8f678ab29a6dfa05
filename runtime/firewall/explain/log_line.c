/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line is words, separated by one space.  The message is free text: it ends where the first word that only a field can
 * be begins.  Some names occur twice: LEN= of UDP follows that of IP, and TYPE= of a routing header comes before
 * PROTO=.  What the transport layer has, is behind PROTO=.
 */
#include "firewall/explain/log_line.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "net/address.h"

enum { LOG_PREFIX_MAX = 63, LOG_TIME_LENGTH = sizeof("14/Mar/2014:12:47:07 +0100") - 1 };

/* ---- words ---- */

/* Cuts the next word off; false if there is none, or it is empty. */
static bool log_line_word(struct text *rest, struct text *word)
{
	long end = text_find(*rest, ' ');
	uint32_t len = end < 0 ? rest->len : (uint32_t)end;

	*word = (struct text){ rest->ptr, len };
	*rest = end < 0 ? text_skip(*rest, len) : text_skip(*rest, len + 1);
	return len > 0;
}

/* "14/Mar/2014:12:47:07 +0100", or a dash, which the logger writes for a time that cannot be shown. */
static bool log_line_time(struct text *rest, struct text *time)
{
	static const char form[] = "00/AAA/0000:00:00:00 +0000";

	if (text_starts(*rest, "- ")) {
		*time = (struct text){ rest->ptr, 1 };
		*rest = text_skip(*rest, 2);
		return true;
	}
	if (rest->len < LOG_TIME_LENGTH)
		return false;
	for (uint32_t i = 0; i < LOG_TIME_LENGTH; i++) {
		char c = rest->ptr[i];

		if (form[i] == '0'   ? !char_is_digit(c) :
		    form[i] == 'A'   ? !char_is_letter(c) :
		    form[i] == '+'   ? c != '+' && c != '-' :
				       c != form[i])
			return false;
	}
	*time = (struct text){ rest->ptr, LOG_TIME_LENGTH };
	*rest = text_skip(*rest, LOG_TIME_LENGTH);
	if (!rest->len)
		return true;
	if (rest->ptr[0] != ' ')
		return false;
	*rest = text_skip(*rest, 1);
	return true;
}

static bool log_line_begins_fields(struct text word)
{
	static const char *const names[] = { "IN=", "OUT=", "PHYSIN=", "PHYSOUT=", "MAC=", "SRC=", "PROTO=", "INVALID=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_starts(word, names[i]))
			return true;
	return false;
}

/* Cuts the message off, without the space at its end. */
static struct text log_line_message(struct text *rest)
{
	struct text all = *rest, word;
	uint32_t len = 0;

	while (rest->len) {
		struct text before = *rest;

		log_line_word(rest, &word);
		if (log_line_begins_fields(word)) {
			*rest = before;
			break;
		}
		len = (uint32_t)(rest->ptr - all.ptr);
	}
	return text_trim((struct text){ all.ptr, len });
}

/* ---- fields ---- */

struct log_fields {
	struct log_line *line;
	bool has_protocol, is_fragment;
	bool has_length;
};

static bool log_line_macs(struct log_line *line, struct text value)
{
	uint8_t bytes[14];
	uint64_t source = 0;

	if (line->has_macs || value.len != sizeof(bytes) * 3 - 1)
		return false;
	for (uint32_t i = 0; i < sizeof(bytes); i++) {
		int high = char_hex_value(value.ptr[i * 3]), low = char_hex_value(value.ptr[i * 3 + 1]);

		if (high < 0 || low < 0 || (i + 1 < sizeof(bytes) && value.ptr[i * 3 + 2] != ':'))
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(line->dest_mac, bytes, 6);
	for (unsigned i = 6; i < 12; i++)
		source = source << 8 | bytes[i];
	known_packet_set(&line->packet, MODEL_SOURCE_MAC, source);
	known_packet_set(&line->packet, MODEL_ETHERTYPE, (uint64_t)bytes[12] << 8 | bytes[13]);
	line->has_macs = true;
	return true;
}

static void log_line_address(struct log_line *line, enum model_field field, struct text value)
{
	struct prefix address;

	if (address_parse(value, &address) != ADDRESS_OK)
		return;
	known_packet_set_address(&line->packet, field, address.bytes, address.family == AF_INET ? 4 : 16);
	if (!line->packet.known[MODEL_ETHERTYPE])
		known_packet_set(&line->packet, MODEL_ETHERTYPE, address.family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
}

/* ARP has its sender in SRC=. */
static void log_line_is_arp(struct log_line *line)
{
	struct known_packet *packet = &line->packet;

	known_packet_set(packet, MODEL_ETHERTYPE, ETH_P_ARP);
	if (packet->known[MODEL_SOURCE4]) {
		packet->known[MODEL_ARP_SENDER] = true;
		packet->value[MODEL_ARP_SENDER] = packet->value[MODEL_SOURCE4];
	}
	packet->known[MODEL_SOURCE4] = packet->known[MODEL_DEST4] = false;
	packet->known[MODEL_SOURCE6] = packet->known[MODEL_DEST6] = false;
}

static void log_line_protocol(struct log_fields *f, struct text value)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = {
		{ "TCP", IPPROTO_TCP },   { "UDP", IPPROTO_UDP },       { "SCTP", IPPROTO_SCTP },
		{ "ICMP", IPPROTO_ICMP }, { "ICMPV6", IPPROTO_ICMPV6 }, { "ICMPv6", IPPROTO_ICMPV6 },
		{ "AH", IPPROTO_AH },     { "ESP", IPPROTO_ESP },       { "IGMP", IPPROTO_IGMP },
	};
	struct text hexadecimal = text_after(value, "0x");
	uint64_t number = 0;

	f->has_protocol = true;
	if (text_is(value, "ARP")) {
		log_line_is_arp(f->line);
		return;
	}
	if (hexadecimal.ptr && hexadecimal.len && hexadecimal.len <= 4) {
		for (uint32_t i = 0; i < hexadecimal.len; i++) {
			int digit = char_hex_value(hexadecimal.ptr[i]);

			if (digit < 0)
				return;
			number = number << 4 | (unsigned)digit;
		}
		known_packet_set(&f->line->packet, MODEL_ETHERTYPE, number);
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_is(value, names[i].name))
			known_packet_set(&f->line->packet, MODEL_PROTOCOL, names[i].number);
	if (text_to_number(value, 255, &number))
		known_packet_set(&f->line->packet, MODEL_PROTOCOL, number);
	if (text_is(value, "TCP") && !f->is_fragment)
		known_packet_set(&f->line->packet, MODEL_TCP_FLAGS, 0);
}

static void log_line_number(struct log_fields *f, enum model_field field, struct text value, uint64_t max)
{
	uint64_t number;

	if (f->has_protocol && !f->is_fragment && text_to_number(value, max, &number))
		known_packet_set(&f->line->packet, field, number);
}

static void log_line_flag(struct log_fields *f, struct text word)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} flags[] = {
		{ "URG", TH_URG }, { "ACK", TH_ACK }, { "PSH", TH_PUSH },
		{ "RST", TH_RST }, { "SYN", TH_SYN }, { "FIN", TH_FIN },
	};
	struct known_packet *packet = &f->line->packet;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (f->has_protocol && packet->known[MODEL_TCP_FLAGS] && text_is(word, flags[i].name))
			packet->value[MODEL_TCP_FLAGS].low |= flags[i].bit;
}

/* The first one counts of what a line should have once. */
static void log_line_take_text(struct text *field, struct text value)
{
	if (!field->len)
		*field = value;
}

static void log_line_take(struct log_fields *f, struct text word)
{
	long equals = text_find(word, '=');
	struct log_line *line = f->line;
	struct text name, value;

	if (equals < 0) {
		log_line_flag(f, word);
		return;
	}
	name = (struct text){ word.ptr, (uint32_t)equals };
	value = text_skip(word, (uint32_t)equals + 1);
	if (text_is(name, "IN"))
		log_line_take_text(&line->in, value);
	else if (text_is(name, "OUT"))
		log_line_take_text(&line->out, value);
	else if (text_is(name, "PHYSIN"))
		log_line_take_text(&line->physin, value);
	else if (text_is(name, "PHYSOUT"))
		log_line_take_text(&line->physout, value);
	else if (text_is(name, "MAC") && !f->has_protocol)
		log_line_macs(line, value);
	else if (text_is(name, "SRC") && !f->has_protocol)
		log_line_address(line, MODEL_SOURCE4, value);
	else if (text_is(name, "DST") && !f->has_protocol)
		log_line_address(line, MODEL_DEST4, value);
	else if (text_is(name, "FRAG") && !f->has_protocol)
		f->is_fragment = !text_is(value, "0");
	else if (text_is(name, "PROTO") && !f->has_protocol)
		log_line_protocol(f, value);
	else if (text_is(name, "SPT"))
		log_line_number(f, MODEL_SPORT, value, UINT16_MAX);
	else if (text_is(name, "DPT"))
		log_line_number(f, MODEL_DPORT, value, UINT16_MAX);
	else if (text_is(name, "TYPE"))
		log_line_number(f, MODEL_ICMP_TYPE, value, UINT8_MAX);
	else if (text_is(name, "CODE") && line->packet.known[MODEL_PROTOCOL])
		log_line_number(f, MODEL_ICMP_CODE, value, UINT8_MAX);
}

/* ---- lines ---- */

const char *log_line_parse(struct text text, struct log_line *line)
{
	struct log_fields fields = { .line = line };
	struct text rest = text_trim(text), word;

	*line = (struct log_line){ .has_macs = false };
	if (!log_line_word(&rest, &line->vmid) || !text_all_digits(line->vmid) || !log_line_word(&rest, &line->level) ||
	    line->level.len != 1 || line->level.ptr[0] < '0' || line->level.ptr[0] > '7' ||
	    !log_line_word(&rest, &line->chain) || !log_line_time(&rest, &line->time))
		return "not a line of the packet log";
	line->message = log_line_message(&rest);
	if (!rest.len)
		return text_is(line->chain, "-") ? "a message of the logger itself" : "no fields of a packet";
	if (text_is(line->chain, "-"))
		return "logged by a rule that is not of the firewall";
	while (rest.len)
		if (log_line_word(&rest, &word))
			log_line_take(&fields, word);
	line->is_loopback = text_is(line->in, "lo") || text_is(line->out, "lo");
	return NULL;
}

bool log_line_has_prefix(const struct log_line *line, struct text prefix)
{
	const struct text parts[] = { line->vmid, line->level, line->chain };
	bool is_cut = prefix.len > LOG_PREFIX_MAX;

	if (is_cut)
		prefix.len = LOG_PREFIX_MAX;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!text_starts(prefix, ":") || prefix.len < parts[i].len + 1 ||
		    memcmp(prefix.ptr + 1, parts[i].ptr, parts[i].len) != 0)
			return false;
		prefix = text_skip(prefix, parts[i].len + 1);
	}
	if (!text_starts(prefix, ":"))
		return false;
	return text_equal(text_trim(text_skip(prefix, 1)), line->message);
}
