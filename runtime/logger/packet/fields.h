/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of a log line. Each is followed by one blank; who ends the line takes the last one away.
 * Programs read them by name: `name` is as in "SRC=".
 */
#ifndef PVEFW_FIELDS_H
#define PVEFW_FIELDS_H

#include "logger/packet/bytes.h"
#include "base/output.h"

void field_word(struct out *out, const char *word);
void field_number(struct out *out, const char *name, uint64_t value);
/* 0x and two digits. */
void field_octet(struct out *out, const char *name, uint8_t value);
/* Of 4 bytes, and of 16. */
void field_ip4(struct out *out, const char *name, const uint8_t *address);
void field_ip6(struct out *out, const char *name, const uint8_t *address);
/* aa:bb:cc */
void field_octets(struct out *out, const char *name, struct bytes octets);
/* Instead of what cannot be read of `there`: how much is there, and what is wrong with it, LEN or IHL.
 * Returns false. */
bool field_invalid(struct out *out, struct bytes there, const char *what);

#endif
