/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads hosts.tsv and a spec file; see README.md for their form. Every line is checked, so that a
 * misspelt host or result is an error and not a probe that tests nothing. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

static const char *const protocols[] = {"tcp", "udp", "icmp", "arp", "ip", "ether"};
static const char *const results[] = {"accept", "drop", "rst", "unreach", "nohost", "prohib"};

/* Where the reader is, for messages. */
struct position {
	const char *file;
	int line;
};

static void refuse(const struct position *position, const char *what, const char *word)
{
	fprintf(stderr, "%s:%d: %s `%s`\n", position->file, position->line, what, word);
	exit(2);
}

static void *grow(void *array, size_t count, size_t size)
{
	array = realloc(array, (count + 1) * size);
	if (!array) {
		perror("probe");
		exit(2);
	}
	memset((char *)array + count * size, 0, size);
	return array;
}

static void copy(char *to, size_t size, const char *from, const struct position *position)
{
	if (strlen(from) >= size)
		refuse(position, "too long:", from);
	strcpy(to, from);
}

/* The position of word in a table, or refuse. */
static int look_up(const char *const *table, size_t count, const char *word,
		   const struct position *position, const char *what)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(table[i], word))
			return (int)i;
	refuse(position, what, word);
	return -1;
}

static const struct host *find_host(const struct spec *spec, const char *name, const struct position *position)
{
	for (size_t i = 0; i < spec->host_count; i++)
		if (!strcmp(spec->hosts[i].name, name))
			return &spec->hosts[i];
	refuse(position, "no host", name);
	return NULL;
}

static void read_host(struct spec *spec, char **words, size_t count, const struct position *position)
{
	struct host *host;

	if (count != 5)
		refuse(position, "not five words after", count ? words[0] : "");
	spec->hosts = grow(spec->hosts, spec->host_count, sizeof *host);
	host = &spec->hosts[spec->host_count++];
	copy(host->name, sizeof host->name, words[0], position);
	copy(host->space, sizeof host->space, words[1], position);
	copy(host->ipv4, sizeof host->ipv4, words[2], position);
	copy(host->ipv6, sizeof host->ipv6, words[3], position);
	copy(host->mac, sizeof host->mac, words[4], position);
}

/* `tcp`, `tcp6`, …; the 6 is cut off in place. */
static void read_protocol(struct probe *probe, char *word, const struct position *position)
{
	size_t length = strlen(word);

	probe->ipv6 = length > 0 && word[length - 1] == '6';
	if (probe->ipv6)
		word[length - 1] = '\0';
	probe->protocol = (enum protocol)look_up(protocols, 6, word, position, "no protocol");
	if (probe->ipv6 && (probe->protocol == PROTOCOL_ARP || probe->protocol == PROTOCOL_ETHER))
		refuse(position, "no IPv6 with", word);
}

static void read_port(struct probe *probe, const char *word, const struct position *position)
{
	bool has_port = probe->protocol != PROTOCOL_ICMP && probe->protocol != PROTOCOL_ARP;
	char *end;
	long port = strtol(word, &end, probe->protocol == PROTOCOL_ETHER ? 16 : 10);

	if (!has_port && !strcmp(word, "-"))
		return;
	if (!has_port || *end || port < 1 || port > 65535)
		refuse(position, "no port", word);
	probe->port = (int)port;
}

static int read_number(const char *word, int least, int most, const struct position *position)
{
	char *end;
	long number = strtol(word, &end, 10);

	if (end == word || *end || number < least || number > most)
		refuse(position, "no such number", word);
	return (int)number;
}

/* An address of the probe's family, into one of its fields. */
static void read_address(const struct probe *probe, char (*field)[40], const char *word,
			 const struct position *position)
{
	unsigned char address[16];

	copy(*field, sizeof *field, word, position);
	if (inet_pton(probe->ipv6 ? AF_INET6 : AF_INET, word, address) != 1)
		refuse(position, "no address of this family", word);
}

/* Initials of TCP flags. */
static unsigned int read_flags(const char *word, const struct position *position)
{
	static const char initials[] = "FSRPAU";
	unsigned int flags = 0;

	for (const char *c = word; *c; c++) {
		const char *initial = strchr(initials, *c);

		if (!initial)
			refuse(position, "no TCP flags", word);
		flags |= 1u << (initial - initials);
	}
	return flags;
}

static void read_setting(struct probe *probe, const char *word, const struct position *position)
{
	unsigned int bytes[6];

	if (!strncmp(word, "mac=", 4)) {
		copy(probe->mac, sizeof probe->mac, word + 4, position);
		if (sscanf(probe->mac, "%x:%x:%x:%x:%x:%x", bytes, bytes + 1, bytes + 2, bytes + 3,
			   bytes + 4, bytes + 5) != 6)
			refuse(position, "no MAC address", word);
	} else if (!strncmp(word, "from=", 5)) {
		read_address(probe, &probe->address, word + 5, position);
	} else if (!strncmp(word, "to=", 3)) {
		read_address(probe, &probe->target, word + 3, position);
	} else if (!strncmp(word, "source=", 7)) {
		read_address(probe, &probe->own, word + 7, position);
	} else if (!strncmp(word, "dest=", 5)) {
		read_address(probe, &probe->other, word + 5, position);
	} else if (!strncmp(word, "sport=", 6)) {
		probe->source_port = read_number(word + 6, 1, 65535, position);
	} else if (!strncmp(word, "type=", 5) && probe->protocol == PROTOCOL_ICMP) {
		probe->type = read_number(word + 5, 0, 255, position);
	} else if (!strncmp(word, "flags=", 6) && probe->protocol == PROTOCOL_TCP) {
		probe->flags = read_flags(word + 6, position);
	} else {
		refuse(position, "no setting", word);
	}
}

/* A frame is made for its goal itself, and watched for where it leaves the bridge. */
static void check_raw(const struct probe *probe, const struct position *position)
{
	if (!strcmp(probe->source->space, "host") || !strcmp(probe->destination->space, "host"))
		refuse(position, "raw frames are between guests, not", "host");
	if (strncmp(probe->source->ipv4, probe->destination->ipv4, 6))
		refuse(position, "raw frames do not reach the network of", probe->destination->name);
	if (strcmp(probe->want, "accept") && strcmp(probe->want, "drop"))
		refuse(position, "raw frames see no", probe->want);
	if (*probe->own || *probe->other)
		refuse(position, "raw frames have from= and to=, not", "source=, dest=");
}

/* The line without its result. */
static void set_text(struct probe *probe, char **words, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count && size < sizeof probe->text; i++)
		if (i != 4)
			size += (size_t)snprintf(probe->text + size, sizeof probe->text - size, "%s%s", i ? " " : "",
						 words[i]);
}

static void read_probe(struct spec *spec, char **words, size_t count, const struct position *position)
{
	struct probe *probe;

	if (count < 5)
		refuse(position, "fewer than five words after", count ? words[0] : "");
	spec->probes = grow(spec->probes, spec->probe_count, sizeof *probe);
	probe = &spec->probes[spec->probe_count++];
	probe->type = -1;
	set_text(probe, words, count);
	look_up(results, 6, words[4], position, "no result");
	copy(probe->want, sizeof probe->want, words[4], position);
	probe->source = find_host(spec, words[0], position);
	probe->destination = find_host(spec, words[2], position);
	read_protocol(probe, words[1], position);
	read_port(probe, words[3], position);
	for (size_t i = 5; i < count; i++)
		read_setting(probe, words[i], position);
	if (probe_is_raw(probe))
		check_raw(probe, position);
}

/* Calls one of the readers for each line that is not empty or a comment. */
static void read_lines(struct spec *spec, const char *file,
		       void (*read_line)(struct spec *, char **, size_t, const struct position *))
{
	struct position position = {file, 0};
	FILE *stream = !strcmp(file, "-") ? stdin : fopen(file, "r");
	char *line = NULL, *words[12], *rest;
	size_t size = 0, count;

	if (!stream) {
		perror(file);
		exit(2);
	}
	while (getline(&line, &size, stream) >= 0) {
		position.line++;
		line[strcspn(line, "#")] = '\0';
		count = 0;
		for (char *word = strtok_r(line, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest)) {
			if (count == sizeof words / sizeof *words)
				refuse(&position, "too many words:", word);
			words[count++] = word;
		}
		if (count)
			read_line(spec, words, count, &position);
	}
	free(line);
	if (stream != stdin)
		fclose(stream);
}

void spec_read(struct spec *spec, const char *hosts, const char *probes)
{
	read_lines(spec, hosts, read_host);
	read_lines(spec, probes, read_probe);
}

bool probe_is_raw(const struct probe *probe)
{
	return probe->protocol >= PROTOCOL_ARP || *probe->mac || *probe->address || *probe->target ||
	       probe->type >= 0 || probe->flags;
}

/* `special` is the address to use, if there is one. */
static socklen_t make_address(const struct probe *probe, const struct host *host, const char *special, int port,
			      struct sockaddr_storage *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof *address);
	if (probe->ipv6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		inet_pton(AF_INET6, *special ? special : host->ipv6, &in6->sin6_addr);
		return sizeof *in6;
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	inet_pton(AF_INET, *special ? special : host->ipv4, &in->sin_addr);
	return sizeof *in;
}

socklen_t goal_address(const struct probe *probe, struct sockaddr_storage *address)
{
	return make_address(probe, probe->destination, probe->other, probe->port, address);
}

socklen_t own_address(const struct probe *probe, struct sockaddr_storage *address)
{
	return make_address(probe, probe->source, probe->own, probe->source_port, address);
}
