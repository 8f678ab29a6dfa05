/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of .fwtest files: it builds the tree (fwtest.h) and nothing else.
 *
 * Only the two zones and the arrow must be there: a line without them becomes a FWTEST_BAD node.  What is wrong
 * after them stays in the tree, so that all that is wrong with a line can be said.
 */
%code requires {
#include "fwtest_parse.h"
}

%define api.pure full
%define api.prefix {ft_}
%define api.token.prefix {TEST_}
%param { void *scanner }
%parse-param { struct fwtest_parse *p }
%expect 0

%union {
	struct word word;
	struct fwtest_zone zone;
	struct fwtest_list list;
	struct fwtest_clause *clause;
	struct fwtest_clauses clauses;
	struct fwtest_line *line;
}

%code {
int ft_lex(FT_STYPE *value, void *scanner);

static void ft_error(void *scanner, struct fwtest_parse *p, const char *message)
{
	(void)scanner, (void)message;
	fwtest_build_lack(p);
}

static const struct word no_word;
static const struct fwtest_list no_list;
static const struct fwtest_clauses no_clauses;
}

%token EOL "end of line"
%token <word> WORD COMMENT ACTION VNET
%token <word> ARROW "->" FROM TO NOT EXCEPT SPORT ICMP STATE MAC ON IPV4 IPV6 ','

%type <zone> zone
%type <word> opt_comment opt_not stray
%type <list> list services opt_list strays
%type <clause> clause addresses
%type <clauses> clauses
%type <line> line test

/* What may continue a list, or name a vnet, does. */
%precedence SHORT
%precedence WORD ICMP ',' NOT EXCEPT

%%

input:	  lines
	;

lines:	  %empty
	| lines line opt_comment EOL	{ fwtest_build_line(p, $2, $3); yyerrok; }
	;

line:	  %empty	{ $$ = NULL; }
	| test
	| error		{ $$ = fwtest_build_bad(p); }
	;

test:	  zone ARROW zone clauses	{ $$ = fwtest_build_test(p, $1, $3, $4); }
	| zone ARROW zone clauses ACTION strays	{
		$$ = fwtest_build_test(p, $1, $3, $4);
		$$->action = $5;
		$$->strays = $6.first;
	}
	;

zone:	  WORD			{ $$ = fwtest_build_zone(p, $1, no_word); }
	| VNET WORD		{ $$ = fwtest_build_zone(p, $1, $2); }
	| VNET %prec SHORT	{ $$ = fwtest_build_zone(p, $1, no_word); }
	;

clauses:  %empty		{ $$ = no_clauses; }
	| clauses clause	{ $$ = fwtest_build_clauses($1, $2); }
	;

clause:	  services %prec SHORT	{ $$ = fwtest_build_clause(p, FWTEST_SERVICES, no_word, $1); }
	| ICMP opt_list		{ $$ = fwtest_build_clause(p, FWTEST_ICMP, $1, $2); }
	| addresses %prec SHORT
	| addresses EXCEPT opt_list {
		$1->except = $2;
		$1->excepted = $3.first;
		$$ = $1;
	}
	| SPORT opt_list	{ $$ = fwtest_build_clause(p, FWTEST_SPORT, $1, $2); }
	| STATE opt_list	{ $$ = fwtest_build_clause(p, FWTEST_STATE, $1, $2); }
	| MAC opt_list		{ $$ = fwtest_build_clause(p, FWTEST_MAC, $1, $2); }
	| ON opt_list		{ $$ = fwtest_build_clause(p, FWTEST_ON, $1, $2); }
	| IPV4			{ $$ = fwtest_build_clause(p, FWTEST_IPV4, $1, no_list); }
	| IPV6			{ $$ = fwtest_build_clause(p, FWTEST_IPV6, $1, no_list); }
	| NOT			{ $$ = fwtest_build_clause(p, FWTEST_STRAY, $1, no_list); }
	| EXCEPT		{ $$ = fwtest_build_clause(p, FWTEST_STRAY, $1, no_list); }
	| ','			{ $$ = fwtest_build_clause(p, FWTEST_STRAY, $1, no_list); }
	| ARROW			{ $$ = fwtest_build_clause(p, FWTEST_STRAY, $1, no_list); }
	| VNET			{ $$ = fwtest_build_clause(p, FWTEST_STRAY, $1, no_list); }
	;

addresses: FROM opt_not opt_list	{ $$ = fwtest_build_addresses(p, FWTEST_FROM, $1, $2, $3); }
	| TO opt_not opt_list		{ $$ = fwtest_build_addresses(p, FWTEST_TO, $1, $2, $3); }
	;

opt_not:  %empty %prec SHORT	{ $$ = no_word; }
	| NOT
	;

opt_list: %empty %prec SHORT	{ $$ = no_list; }
	| list %prec SHORT
	;

list:	  WORD				{ $$ = fwtest_build_item(p, no_list, $1); }
	| list ',' %prec SHORT		{ $$ = fwtest_build_missing(p, $1, $2); }
	| list ',' WORD			{ $$ = fwtest_build_item(p, $1, $3); }
	;

/* The name of a protocol, icmp, is a keyword if it stands first. */
services: WORD				{ $$ = fwtest_build_item(p, no_list, $1); }
	| ICMP ',' %prec SHORT		{ $$ = fwtest_build_missing(p, fwtest_build_item(p, no_list, $1), $2); }
	| ICMP ',' WORD			{ $$ = fwtest_build_item(p, fwtest_build_item(p, no_list, $1), $3); }
	| ICMP ',' ICMP			{ $$ = fwtest_build_item(p, fwtest_build_item(p, no_list, $1), $3); }
	| services ',' %prec SHORT	{ $$ = fwtest_build_missing(p, $1, $2); }
	| services ',' WORD		{ $$ = fwtest_build_item(p, $1, $3); }
	| services ',' ICMP		{ $$ = fwtest_build_item(p, $1, $3); }
	;

strays:	  %empty		{ $$ = no_list; }
	| strays stray		{ $$ = fwtest_build_item(p, $1, $2); }
	;

stray:	  WORD | ACTION | VNET | ARROW | FROM | TO | NOT | EXCEPT | SPORT | ICMP | STATE | MAC | ON | IPV4 | IPV6 | ','
	;

opt_comment:  %empty	{ $$ = no_word; } | COMMENT ;
%%
