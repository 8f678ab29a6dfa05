/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of /etc/services, /etc/protocols and /etc/ethertypes.
 *
 * Read by the compiler itself and not through the C library, so that a
 * compilation does not depend on the machine's name services, and so that each
 * file can be another one.  Only the first column of a line is a name; aliases
 * do not count, as in the stock compiler.
 */
#ifndef PVEFW_NETDB_H
#define PVEFW_NETDB_H

#include "diag/diag.h"

/* The transport protocols of /etc/services, as bits. */
enum {
	SERVICE_TCP = 1,
	SERVICE_UDP = 2,
	SERVICE_SCTP = 4,
};

struct netdb;

/* Reads the three files.  A file that cannot be read is reported (exit status 2)
 * and counts as empty.  Never NULL; belongs to the arena. */
const struct netdb *netdb_load(struct diags *diags, const char *services, const char *protocols,
			       const char *ethertypes);

/* Ports of a service: bit set of protocols that have the name, and the port of
 * `protocol` (or of any if it has none) in *port; 0 if the name is unknown. */
unsigned netdb_service(const struct netdb *db, struct text name, unsigned protocol, uint16_t *port);
/* Finds a protocol by its name, case-sensitively, or by a number that the file lists. */
bool netdb_protocol(const struct netdb *db, struct text name, uint8_t *number);
/* The file has it, with a number that no IP packet can have. */
bool netdb_protocol_beyond(const struct netdb *db, struct text name, uint16_t *number);
/* Number of an Ethernet protocol, by name or by a number that the file lists,
 * spelled as there: four hexadecimal digits. */
bool netdb_ethertype(const struct netdb *db, struct text name, uint16_t *number);

/* The known name nearest to `name` (at most `limit` edits away), or len 0. */
struct text netdb_near_service(const struct netdb *db, struct text name);
struct text netdb_near_protocol(const struct netdb *db, struct text name);
struct text netdb_near_ethertype(const struct netdb *db, struct text name);

#endif
