/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of .fw files: it builds the tree (ast.h) and nothing else.
 *
 * A line that does not fit becomes a LINE_BAD node and reading goes on with the next one. What is well-formed
 * but wrong (a word too many, a key without its value) stays in the tree as such: the compiler can then say
 * what is wrong, and the formatter loses nothing.
 */
%code requires {
#include "parse.h"
}

%define api.pure full
%define api.token.raw
%define api.prefix {fw_}
%param { void *scanner }
%parse-param { struct parse *p }
%expect 0

/* All small: the parser copies them for every token. */
%union {
	struct word word;
	struct ast_section *header;
	struct section_list sections;
	struct line_list lines;
	struct ast_line *line;
	struct rule_draft rule;
	struct ast_param *param;
	struct word_list words;
}

%code {
int fw_lex(FW_STYPE *value, void *scanner);

/* Nothing to say here: the line becomes a LINE_BAD node. */
static void fw_error(void *scanner, const struct parse *p, const char *message)
{
	(void)scanner, (void)p, (void)message;
}

static const struct word none;
static const struct section_list no_sections;
static const struct line_list no_lines;
static const struct word_list no_words;
}

%token EOL "end of line"
%token GAP "blank"
%token <word> BAR "'|'" NOT "'!'"
%token <header> HEADER "section header"
%token <word> COMMENT "comment" STRAY_HEADER RAW
%token <word> OPTION SETTING NO_OPTION
%token <word> NAME NAME_WIDE CIDR
%token <word> ADDRESS
%token <word> TYPE ACTION KEY STRAY
%token <param> PARAM

%type <sections> file
%type <lines> lines
%type <line> line
%type <rule> rule
%type <words> addresses
%type <word> opt_action opt_comment

%%

input:	  file			{ p->file->sections = $1.first; }
	;

file:	  lines			{ $$ = build_section(p, no_sections, NULL, $1); }
	| file HEADER EOL lines	{ $$ = build_section(p, $1, $2, $4); }
	;

lines:	  %empty		{ $$ = no_lines; }
	| lines line EOL	{ $$ = build_line(p, $1, $2); }
	;

/* Each reduction costs as much as a token: a line is made in as few of them as the rules of its kind allow. */
line:	  COMMENT			{ $$ = build_comment(p, $1); }
	| STRAY_HEADER			{ $$ = build_text(p, LINE_HEADER, $1); }
	| RAW				{ $$ = build_text(p, LINE_RAW, $1); }
	| NO_OPTION			{ $$ = build_text(p, LINE_BAD, $1); }
	| OPTION			{ $$ = build_option(p, $1, none); }
	| OPTION SETTING		{ $$ = build_option(p, $1, $2); }
	| NAME CIDR opt_comment		{ $$ = build_alias(p, false, $1, $2, $3); }
	| NAME_WIDE CIDR opt_comment	{ $$ = build_alias(p, true, $1, $2, $3); }
	| addresses			{ $$ = build_entry(p, none, $1, none); }
	| addresses COMMENT		{ $$ = build_entry(p, none, $1, $2); }
	| NOT addresses opt_comment	{ $$ = build_entry(p, $1, $2, $3); }
	| rule				{ $$ = build_rule($1, none); }
	| rule COMMENT			{ $$ = build_rule($1, $2); }
	| error				{ $$ = build_bad(p); }
	;

addresses: ADDRESS		{ $$ = build_word(p, no_words, $1); }
	| addresses ADDRESS	{ $$ = build_word(p, $1, $2); }
	;

rule:	  TYPE				{ $$ = build_rule_head(p, none, false, $1, none); }
	| TYPE ACTION			{ $$ = build_rule_head(p, none, false, $1, $2); }
	| BAR TYPE opt_action		{ $$ = build_rule_head(p, $1, false, $2, $3); }
	| BAR GAP TYPE opt_action	{ $$ = build_rule_head(p, $1, true, $3, $4); }
	| rule PARAM			{ $$ = build_param($1, $2); }
	| rule KEY			{ $$ = build_param($1, build_key(p, PARAM_NO_VALUE, $2)); }
	| rule STRAY			{ $$ = build_param($1, build_key(p, PARAM_STRAY, $2)); }
	;

opt_action:   %empty	{ $$ = none; } | ACTION ;
opt_comment:  %empty	{ $$ = none; } | COMMENT ;
%%
