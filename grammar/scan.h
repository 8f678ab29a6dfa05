/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers of the lexer's actions. */
#ifndef PVEFW_SCAN_H
#define PVEFW_SCAN_H

#include "parse.h"
#include "parser.h"

/* flex's names for the types that bison has given our prefix. */
#define YYSTYPE FW_STYPE
#define YYLTYPE struct span

/* The word at `text` in the source's buffer, without trailing blanks and CR. */
struct word scan_word(const struct parse *p, const char *text, size_t len);
/* Takes "[IPSET name] # comment" apart, and makes it the current section. */
struct header scan_header(struct parse *p, enum section_kind kind, const char *text, size_t len);

#endif
