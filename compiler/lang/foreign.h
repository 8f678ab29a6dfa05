/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other programs call what rules here have, and lines written for them. */
#ifndef PVEFW_FOREIGN_H
#define PVEFW_FOREIGN_H

#include "base/arena.h"
#include "lang/language.h"

/* An option of rules elsewhere. */
struct foreign_option {
	const char *name;     /* without dashes */
	enum rule_param param; /* our option of another name, or RULE_PARAMS */
	const char *help;      /* if there is none: what to do instead, or "" */
};

/* A match module, the argument of iptables -m. */
struct foreign_match {
	const char *name;
	bool needless; /* it can be left out */
	const char *help;
};

struct foreign_verdict {
	const char *name;
	enum action action; /* ACTIONS: no equivalent */
	bool certain;       /* it can mean nothing else */
	const char *help;
};

/* A service that has no macro here, or is not a protocol. */
struct foreign_service {
	const char *name;
	const char *options; /* of a rule for its usual ports */
	const char *help;    /* what else is to be said, or "" */
};

/* The rows of foreign.def; NULL if there is none.  Case does not matter, but for options of one letter. */
const struct foreign_option *foreign_option(struct text key);
const struct foreign_match *foreign_match(struct text name);
const struct foreign_verdict *foreign_verdict(struct text name);
const struct foreign_service *foreign_service(struct text name);
/* The program whose lines begin with this word, or NULL. */
const char *foreign_program(struct text word);

/* Options that rules have twice here: which a row of words without options may mean. */
struct columns {
	struct text type;   /* "" if no word says it */
	struct text action; /* likewise */
	struct text value[RULE_PARAMS];
};

struct netdb;

/* How protocols are looked up: netdb_protocol() of inputs/netdb.h, and what it is to look in. */
struct protocol_names {
	bool (*find)(const struct netdb *netdb, struct text name, uint8_t *number);
	const struct netdb *netdb;
};

/* Parses "22/tcp" or "tcp/22"; false for other texts. */
bool foreign_port_and_proto(struct protocol_names protocols, struct text t, struct text *port, struct text *proto);
/* Reads words such as `iface vmbr0`, `- - tcp 22` or `from 10.0.0.1 to any port 22 proto tcp`; false if a
 * word has no meaning as one of them. */
bool foreign_columns(struct protocol_names protocols, const struct word *words, uint32_t count, struct columns *columns);
/* Reads a line for iptables, its first word included; false if it asks for what rules here do not have. */
bool foreign_iptables(const struct word *words, uint32_t count, struct columns *columns);
/* The options, each with a blank before it. */
const char *foreign_text(struct arena *arena, const struct columns *columns);
/* The words of a line, from the arena. */
struct word *foreign_words(struct arena *arena, struct word line, uint32_t *count);

#endif
