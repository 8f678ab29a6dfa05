/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers of the lexer's actions. */
#ifndef PVEFW_SCAN_H
#define PVEFW_SCAN_H

#include "parse.h"
#include "parser.h"

/* flex's name for the type that bison has given our prefix. */
#define YYSTYPE FW_STYPE

/* The word at `text` in the source's buffer, without trailing blanks and CR. */
struct word scan_word(struct parse *p, const char *text, size_t len);
/* Takes "-key value" apart. */
struct ast_param *scan_param(struct parse *p, enum ast_param_form form, const char *text, size_t len);
/* Takes "[IPSET name] # comment" apart, and makes it the current section. */
struct ast_section *scan_header(struct parse *p, enum section_kind kind, const char *text, size_t len);

#endif
