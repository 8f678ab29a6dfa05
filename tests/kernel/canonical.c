/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one spelling of each value; see canonical.h. Names come from the C library's services and
 * protocols, where iptables gets them too, ethertypes from /etc/ethertypes, ICMP types from the table
 * below (iptables has them built in). */
#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "canonical.h"

char *format(const char *pattern, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, pattern);
	if (vasprintf(&text, pattern, arguments) < 0) {
		perror("normalise");
		exit(2);
	}
	va_end(arguments);
	return text;
}

/* True when all of text is one number, decimal or, after 0x, hexadecimal. */
static bool parse_number(const char *text, unsigned long *number)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*number = strtoul(text, &end, strncmp(text, "0x", 2) ? 10 : 16);
	return *end == '\0';
}

int protocol_number(const char *name)
{
	struct protoent *entry;
	unsigned long number;

	if (parse_number(name, &number))
		return (int)number;
	if (!strcmp(name, "icmpv6"))
		return IPPROTO_ICMPV6;
	entry = getprotobyname(name);
	return entry ? entry->p_proto : -1;
}

/* ebtables: `-p ARP`, `-p 0x0806`. The file's lines are a name, a hexadecimal number, aliases. */
static char *ethertype(const char *value)
{
	char line[256], name[64], *found = NULL;
	FILE *file = fopen("/etc/ethertypes", "r");
	unsigned int number;

	if (!strncmp(value, "0x", 2))
		found = format("%04lx", strtoul(value, NULL, 16));
	while (file && !found && fgets(line, sizeof line, file))
		if (sscanf(line, "%63s %x", name, &number) == 2 && !strcasecmp(name, value))
			found = format("%04x", number);
	if (file)
		fclose(file);
	return found ? found : format("%s", value);
}

char *canonical_protocol(const struct context *context, const char *value)
{
	int number;

	if (context->family == FAMILY_BRIDGE)
		return ethertype(value);
	number = strcmp(value, "all") ? protocol_number(value) : 0;
	if (number == 0)
		return NULL;
	return number < 0 ? format("%s", value) : format("%d", number);
}

/* Clears the bits behind the prefix, as iptables does with `-s 10.1.2.3/8`. */
static void mask_address(unsigned char *bytes, size_t size, unsigned long prefix)
{
	for (size_t i = 0; i < size; i++) {
		unsigned long kept = prefix > 8 * i ? prefix - 8 * i : 0;

		if (kept < 8)
			bytes[i] = (unsigned char)(bytes[i] & (0xff00u >> kept));
	}
}

char *canonical_address(const struct context *context, const char *value)
{
	int domain = context->family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
	size_t size = domain == AF_INET6 ? 16 : 4;
	unsigned long prefix = 8 * size;
	char *text = format("%s", value), *slash = strchr(text, '/');
	char out[INET6_ADDRSTRLEN];
	unsigned char bytes[16];

	if (slash)
		*slash = '\0';
	if (inet_pton(domain, text, bytes) != 1 || (slash && !parse_number(slash + 1, &prefix)))
		return format("%s", value);
	if (prefix == 0)
		return NULL;
	mask_address(bytes, size, prefix);
	return format("%s/%lu", inet_ntop(domain, bytes, out, sizeof out), prefix);
}

char *canonical_address_range(const struct context *context, const char *value)
{
	char *first = format("%s", value), *last = strchr(first, '-');

	if (last)
		*last++ = '\0';
	return format("%s-%s", canonical_address(context, first),
		      canonical_address(context, last ? last : first));
}

char *canonical_mac(const struct context *context, const char *value)
{
	unsigned int b[6];

	(void)context;
	if (sscanf(value, "%x:%x:%x:%x:%x:%x", b, b + 1, b + 2, b + 3, b + 4, b + 5) != 6)
		return format("%s", value);
	return format("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

/* A port's number; names are looked up with the rule's protocol, as iptables does. */
static char *port_number(const struct context *context, const char *port)
{
	struct protoent *protocol = getprotobynumber(context->protocol);
	struct servent *service = getservbyname(port, protocol ? protocol->p_name : NULL);

	if (!service)
		return format("%s", port);
	return format("%d", ntohs((uint16_t)service->s_port));
}

static char *port_range(const struct context *context, const char *range)
{
	char *first = format("%s", range), *last = strchr(first, ':');

	if (!last)
		return port_number(context, first);
	*last++ = '\0';
	first = port_number(context, *first ? first : "0");
	last = port_number(context, *last ? last : "65535");
	return strcmp(first, last) ? format("%s:%s", first, last) : first;
}

char *canonical_ports(const struct context *context, const char *value)
{
	char *rest = format("%s", value), *ports = NULL, *port;

	while ((port = strsep(&rest, ",")) != NULL) {
		port = port_range(context, port);
		ports = ports ? format("%s,%s", ports, port) : port;
	}
	return strcmp(ports, "0:65535") ? ports : NULL;
}

static const struct icmp_type {
	enum family family;
	const char *name, *number;
} icmp_types[] = {
	{FAMILY_IPV4, "echo-reply", "0"},
	{FAMILY_IPV4, "pong", "0"},
	{FAMILY_IPV4, "destination-unreachable", "3"},
	{FAMILY_IPV4, "network-unreachable", "3/0"},
	{FAMILY_IPV4, "host-unreachable", "3/1"},
	{FAMILY_IPV4, "protocol-unreachable", "3/2"},
	{FAMILY_IPV4, "port-unreachable", "3/3"},
	{FAMILY_IPV4, "fragmentation-needed", "3/4"},
	{FAMILY_IPV4, "source-route-failed", "3/5"},
	{FAMILY_IPV4, "network-unknown", "3/6"},
	{FAMILY_IPV4, "host-unknown", "3/7"},
	{FAMILY_IPV4, "network-prohibited", "3/9"},
	{FAMILY_IPV4, "host-prohibited", "3/10"},
	{FAMILY_IPV4, "TOS-network-unreachable", "3/11"},
	{FAMILY_IPV4, "TOS-host-unreachable", "3/12"},
	{FAMILY_IPV4, "communication-prohibited", "3/13"},
	{FAMILY_IPV4, "host-precedence-violation", "3/14"},
	{FAMILY_IPV4, "precedence-cutoff", "3/15"},
	{FAMILY_IPV4, "source-quench", "4"},
	{FAMILY_IPV4, "redirect", "5"},
	{FAMILY_IPV4, "network-redirect", "5/0"},
	{FAMILY_IPV4, "host-redirect", "5/1"},
	{FAMILY_IPV4, "TOS-network-redirect", "5/2"},
	{FAMILY_IPV4, "TOS-host-redirect", "5/3"},
	{FAMILY_IPV4, "echo-request", "8"},
	{FAMILY_IPV4, "ping", "8"},
	{FAMILY_IPV4, "router-advertisement", "9"},
	{FAMILY_IPV4, "router-solicitation", "10"},
	{FAMILY_IPV4, "time-exceeded", "11"},
	{FAMILY_IPV4, "ttl-exceeded", "11"},
	{FAMILY_IPV4, "ttl-zero-during-transit", "11/0"},
	{FAMILY_IPV4, "ttl-zero-during-reassembly", "11/1"},
	{FAMILY_IPV4, "parameter-problem", "12"},
	{FAMILY_IPV4, "ip-header-bad", "12/0"},
	{FAMILY_IPV4, "required-option-missing", "12/1"},
	{FAMILY_IPV4, "timestamp-request", "13"},
	{FAMILY_IPV4, "timestamp-reply", "14"},
	{FAMILY_IPV4, "address-mask-request", "17"},
	{FAMILY_IPV4, "address-mask-reply", "18"},
	{FAMILY_IPV6, "destination-unreachable", "1"},
	{FAMILY_IPV6, "no-route", "1/0"},
	{FAMILY_IPV6, "communication-prohibited", "1/1"},
	{FAMILY_IPV6, "beyond-scope", "1/2"},
	{FAMILY_IPV6, "address-unreachable", "1/3"},
	{FAMILY_IPV6, "port-unreachable", "1/4"},
	{FAMILY_IPV6, "failed-policy", "1/5"},
	{FAMILY_IPV6, "reject-route", "1/6"},
	{FAMILY_IPV6, "packet-too-big", "2"},
	{FAMILY_IPV6, "time-exceeded", "3"},
	{FAMILY_IPV6, "ttl-exceeded", "3"},
	{FAMILY_IPV6, "ttl-zero-during-transit", "3/0"},
	{FAMILY_IPV6, "ttl-zero-during-reassembly", "3/1"},
	{FAMILY_IPV6, "parameter-problem", "4"},
	{FAMILY_IPV6, "bad-header", "4/0"},
	{FAMILY_IPV6, "unknown-header-type", "4/1"},
	{FAMILY_IPV6, "unknown-option", "4/2"},
	{FAMILY_IPV6, "echo-request", "128"},
	{FAMILY_IPV6, "ping", "128"},
	{FAMILY_IPV6, "echo-reply", "129"},
	{FAMILY_IPV6, "pong", "129"},
	{FAMILY_IPV6, "router-solicitation", "133"},
	{FAMILY_IPV6, "router-advertisement", "134"},
	{FAMILY_IPV6, "neighbour-solicitation", "135"},
	{FAMILY_IPV6, "neighbor-solicitation", "135"},
	{FAMILY_IPV6, "neighbour-advertisement", "136"},
	{FAMILY_IPV6, "neighbor-advertisement", "136"},
	{FAMILY_IPV6, "redirect", "137"},
};

char *canonical_icmp_type(const struct context *context, const char *value)
{
	const struct icmp_type *end = icmp_types + sizeof icmp_types / sizeof *icmp_types;

	for (const struct icmp_type *type = icmp_types; type < end; type++)
		if (type->family == context->family && !strcasecmp(type->name, value))
			return format("%s", type->number);
	return format("%s", value);
}

/* VALUE or VALUE/MASK, in any base. */
static void parse_mark(const char *text, unsigned long *value, unsigned long *mask)
{
	char *end;

	*value = strtoul(text, &end, 0);
	*mask = *end == '/' ? strtoul(end + 1, NULL, 0) : 0xffffffff;
}

char *canonical_mark(const struct context *context, const char *value)
{
	unsigned long mark, mask;

	(void)context;
	parse_mark(value, &mark, &mask);
	return format("0x%lx/0x%lx", mark, mask);
}

/* `--set-mark V/M` clears M and sets V, which -save calls `--set-xmark V/(V|M)`. */
char *canonical_set_mark(const struct context *context, const char *value)
{
	unsigned long mark, mask;

	(void)context;
	parse_mark(value, &mark, &mask);
	return format("0x%lx/0x%lx", mark, mask | mark);
}

/* N/UNIT, the unit in full or its beginning. The kernel keeps periods (so 60/min comes back as 1/sec):
 * compared is the period in the kernel's own ticks. */
static char *rate_period(const char *value, unsigned long ticks)
{
	static const struct unit {
		const char *name;
		unsigned long seconds;
	} units[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}};
	char *unit;
	unsigned long number = strtoul(value, &unit, 10);

	unit = *unit == '/' ? unit + 1 : format("second");
	for (size_t i = 0; number && i < sizeof units / sizeof *units; i++)
		if (!strncasecmp(units[i].name, unit, strlen(unit)))
			return format("period %lu", ticks * units[i].seconds / number);
	return format("%s", value);
}

char *canonical_rate(const struct context *context, const char *value)
{
	(void)context;
	return rate_period(value, 10000);
}

char *canonical_hash_rate(const struct context *context, const char *value)
{
	(void)context;
	return rate_period(value, 1000000);
}

char *canonical_burst(const struct context *context, const char *value)
{
	(void)context;
	return strcmp(value, "5") ? format("%s", value) : NULL;
}

char *canonical_source_mask(const struct context *context, const char *value)
{
	const char *whole = context->family == FAMILY_IPV6 ? "128" : "32";

	return strcmp(value, whole) ? format("%s", value) : NULL;
}

/* Kernels cut the number of hash buckets to 1048576 and then show what they took. */
char *canonical_table_size(const struct context *context, const char *value)
{
	unsigned long size;

	(void)context;
	if (!parse_number(value, &size))
		return format("%s", value);
	return format("%lu", size > 1048576 ? 1048576 : size);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A list whose order means nothing, such as connection states. */
char *canonical_list(const struct context *context, const char *value)
{
	char *rest = format("%s", value), *items[32], *list = NULL, *item;
	size_t count = 0;

	(void)context;
	while (count < 32 && (item = strsep(&rest, ",")) != NULL)
		items[count++] = item;
	qsort(items, count, sizeof *items, compare_text);
	for (size_t i = 0; i < count; i++)
		list = list ? format("%s,%s", list, items[i]) : items[i];
	return list;
}
