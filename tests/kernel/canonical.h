/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one spelling of each value in an iptables, ip6tables or ebtables rule.
 *
 * A compiler writes `--dport ssh`, iptables-save answers `--dport 22`; both become the same text here.
 * Every function returns new text, or NULL when the option says what is the default anyway. A value it
 * does not understand is returned as it is, so that an unknown spelling shows as a difference instead
 * of being forgiven. Nothing is freed: the program reads one script and ends. */
#ifndef PVEFW_CANONICAL_H
#define PVEFW_CANONICAL_H

enum family { FAMILY_IPV4, FAMILY_IPV6, FAMILY_BRIDGE };

/* What a value's spelling depends on: the family, and the rule's protocol (0 when it has none). */
struct context {
	enum family family;
	int protocol;
};

/* printf into new memory; ends the program when there is none. */
char *format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

/* The number of a protocol written as a name or a number, -1 if it is neither. */
int protocol_number(const char *name);

char *canonical_protocol(const struct context *context, const char *value);
char *canonical_address(const struct context *context, const char *value);
char *canonical_address_range(const struct context *context, const char *value);
char *canonical_mac(const struct context *context, const char *value);
char *canonical_ports(const struct context *context, const char *value);
char *canonical_icmp_type(const struct context *context, const char *value);
char *canonical_mark(const struct context *context, const char *value);
char *canonical_set_mark(const struct context *context, const char *value);
char *canonical_rate(const struct context *context, const char *value);
char *canonical_hash_rate(const struct context *context, const char *value);
char *canonical_burst(const struct context *context, const char *value);
char *canonical_source_mask(const struct context *context, const char *value);
char *canonical_table_size(const struct context *context, const char *value);
char *canonical_list(const struct context *context, const char *value);

#endif
