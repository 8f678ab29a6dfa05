/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All three files have a name and a number on each line, so they share one table: an array sorted by name, looked up by
 * binary search.  The names point into the source.
 */
#include "inputs/netdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "source/lines.h"
#include "diag/suggest.h"

struct entry {
	struct text name;
	uint16_t number;
	uint16_t transport; /* of services */
};

struct table {
	struct entry *entries; /* by name, then as in the file */
	uint32_t count;
};

struct netdb {
	struct table services, protocols, ethertypes;
};

/* Reads the field after the name; returns false if the line is to be ignored. */
typedef bool read_number(struct text field, struct entry *entry);

static bool read_service(struct text field, struct entry *entry)
{
	static const struct {
		const char *name;
		uint16_t transport;
	} transports[] = { { "tcp", SERVICE_TCP }, { "udp", SERVICE_UDP }, { "sctp", SERVICE_SCTP } };
	long slash = text_find(field, '/');
	uint64_t port;
	uint32_t at;

	if (slash < 0 || !text_to_number((struct text){ field.ptr, (uint32_t)slash }, 65535, &port))
		return false;
	at = (uint32_t)slash + 1;
	entry->number = (uint16_t)port;
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
		if (text_is((struct text){ field.ptr + at, field.len - at }, transports[i].name))
			entry->transport = transports[i].transport;
	return entry->transport != 0;
}

static bool read_protocol(struct text field, struct entry *entry)
{
	uint64_t number;

	/* mptcp has 262: no protocol of IP, and kept to say so. */
	if (!text_to_number(field, UINT16_MAX, &number))
		return false;
	entry->number = (uint16_t)number;
	return true;
}

/* Hexadecimal, with or without 0x in front. */
static bool read_ethertype(struct text field, struct entry *entry)
{
	unsigned number = 0;
	uint32_t from = text_starts(field, "0x") || text_starts(field, "0X") ? 2 : 0;

	if (from == field.len)
		return false;
	for (uint32_t i = from; i < field.len; i++) {
		int digit = char_hex_value(field.ptr[i]);

		number = number * 16 + (unsigned)digit;
		if (digit < 0 || number > 0xffff)
			return false;
	}
	entry->number = (uint16_t)number;
	return true;
}

/* By name; equal names in the order of the file, since they point into the same text. */
static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = text_compare(x->name, y->name);

	return order ? order : (x->name.ptr > y->name.ptr) - (x->name.ptr < y->name.ptr);
}

static void read_entries(struct arena *arena, const struct source *source, read_number *number,
			 struct table *table)
{
	struct lines lines = lines_of(source);
	uint32_t most = 1; /* lines */
	struct word line;

	for (uint32_t i = 0; i < source->size; i++)
		most += source->text[i] == '\n';
	table->entries = ARENA_ARRAY(arena, struct entry, most);
	while (lines_next(&lines, &line)) {
		struct word rest, name = word_first(line, &rest), field = word_first(rest, &rest);
		struct entry *entry = &table->entries[table->count];

		*entry = (struct entry){ .name = word_text(name) };
		if (name.len && name.ptr[0] != '#' && number(word_text(field), entry))
			table->count++;
	}
	qsort(table->entries, table->count, sizeof(*table->entries), compare_entries);
}

/* One of the files, and its replacement on systems without it. */
struct file {
	const char *path, *fallback, *consequence;
	read_number *number;
};

static const struct file services_file = { "/etc/services", "",
					   "rules that use a service name as port are ignored",
					   read_service };

/* These iptables knows without the file. */
static const struct file protocols_file = {
	"/etc/protocols",
	"icmp 1\ntcp 6\nudp 17\nesp 50\nah 51\nipv6-icmp 58\nsctp 132\nmh 135\nudplite 136\n",
	"rules with protocols other than icmp, tcp, udp, esp, ah, ipv6-icmp, sctp, mh and udplite are ignored",
	read_protocol
};

static const struct file ethertypes_file = {
	"/etc/ethertypes", "", "the names in layer2_protocols are unknown", read_ethertype
};

/* `path` NULL: the system's own file, which may be missing. */
static void load_database(struct diags *diags, const struct file *file, const char *path, struct table *table)
{
	struct source *source = source_load(diags->map, AT_FDCWD, path ? path : file->path,
					    path ? path : file->path);
	struct diagnostic *d;

	if (!source && (path || errno != ENOENT)) {
		diag_note(diag_unreadable(diags, path ? path : file->path, errno), "nothing is compiled");
		return;
	}
	if (!source) {
		d = diag(diags, SPAN_NONE, DIAG_NETDB_MISSING, "%s does not exist",
			 file->path);
		diag_note(d, "%s", file->consequence);
		diag_help(d, "install the package netbase, or give another file with --%s",
			  file->path + strlen("/etc/"));
		source = source_add(diags->map, file->path, file->fallback, strlen(file->fallback));
	}
	if (source)
		read_entries(diags->arena, source, file->number, table);
}

const struct netdb *netdb_load(struct diags *diags, const char *services, const char *protocols,
			       const char *ethertypes)
{
	struct netdb *db = ARENA_NEW(diags->arena, struct netdb);

	load_database(diags, &services_file, services, &db->services);
	load_database(diags, &protocols_file, protocols, &db->protocols);
	load_database(diags, &ethertypes_file, ethertypes, &db->ethertypes);
	return db;
}

/* ---- looking up ---- */

/* The first entry of that name, or the end. */
static const struct entry *find_first(const struct table *table, struct text name)
{
	uint32_t low = 0, high = table->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (text_compare(table->entries[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return table->entries + low;
}

static const struct entry *table_end(const struct table *table)
{
	return table->entries + table->count;
}

static bool find_number(const struct table *table, struct text name, uint16_t *number)
{
	const struct entry *found = find_first(table, name);

	if (found == table_end(table) || !text_equal(found->name, name))
		return false;
	*number = found->number;
	return true;
}

static bool lists_number(const struct table *table, uint16_t number)
{
	for (uint32_t i = 0; i < table->count; i++)
		if (table->entries[i].number == number)
			return true;
	return false;
}

unsigned netdb_service(const struct netdb *db, struct text name, unsigned protocol, uint16_t *port)
{
	const struct entry *at = find_first(&db->services, name), *end = table_end(&db->services);
	unsigned known = 0;

	for (; at != end && text_equal(at->name, name); at++) {
		/* Use the first line of each protocol, and prefer the rule's protocol to others. */
		if (!known || (at->transport & protocol && !(known & protocol)))
			*port = at->number;
		known |= at->transport;
	}
	return known;
}

static bool find_protocol_number(const struct netdb *db, struct text name, uint16_t *number)
{
	struct entry entry;

	if (find_number(&db->protocols, name, number))
		return true;
	if ((name.len > 1 && name.ptr[0] == '0') || !read_protocol(name, &entry) ||
	    !lists_number(&db->protocols, entry.number))
		return false;
	*number = entry.number;
	return true;
}

bool netdb_protocol(const struct netdb *db, struct text name, uint8_t *number)
{
	uint16_t found;

	if (!find_protocol_number(db, name, &found) || found > UINT8_MAX)
		return false;
	*number = (uint8_t)found;
	return true;
}

bool netdb_protocol_beyond(const struct netdb *db, struct text name, uint16_t *number)
{
	return find_protocol_number(db, name, number) && *number > UINT8_MAX;
}

bool netdb_ethertype(const struct netdb *db, struct text name, uint16_t *number)
{
	struct entry entry;

	if (find_number(&db->ethertypes, name, number))
		return true;
	/* Four digits, as the file has them: the stock compiler drops "0x0806". */
	if (name.len != 4 || text_starts(name, "0x") || !read_ethertype(name, &entry) || !lists_number(&db->ethertypes, entry.number))
		return false;
	*number = entry.number;
	return true;
}

/* The nearest name of those with a number up to `most`. */
static struct text nearest(const struct table *table, struct text name, uint16_t most)
{
	struct suggestion s;

	suggest_start(&s, name);
	for (uint32_t i = 0; i < table->count; i++)
		if (table->entries[i].number <= most)
			suggest(&s, table->entries[i].name, SPAN_NONE);
	return s.best;
}

struct text netdb_near_service(const struct netdb *db, struct text name)
{
	return nearest(&db->services, name, UINT16_MAX);
}

struct text netdb_near_protocol(const struct netdb *db, struct text name)
{
	return nearest(&db->protocols, name, UINT8_MAX);
}

struct text netdb_near_ethertype(const struct netdb *db, struct text name)
{
	return nearest(&db->ethertypes, name, UINT16_MAX);
}
