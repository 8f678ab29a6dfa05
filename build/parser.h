/* A Bison parser, made by GNU Bison 3.8.2.  */

/* Bison interface for Yacc-like parsers in C

   Copyright (C) 1984, 1989-1990, 2000-2015, 2018-2021 Free Software Foundation,
   Inc.

   This program is free software: you can redistribute it and/or modify
   it under the terms of the GNU General Public License as published by
   the Free Software Foundation, either version 3 of the License, or
   (at your option) any later version.

   This program is distributed in the hope that it will be useful,
   but WITHOUT ANY WARRANTY; without even the implied warranty of
   MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
   GNU General Public License for more details.

   You should have received a copy of the GNU General Public License
   along with this program.  If not, see <https://www.gnu.org/licenses/>.  */

/* As a special exception, you may create a larger work that contains
   part or all of the Bison parser skeleton and distribute that work
   under terms of your choice, so long as that work isn't itself a
   parser generator using the skeleton or a modified version thereof
   as a parser skeleton.  Alternatively, if you modify or redistribute
   the parser skeleton itself, you may (at your option) remove this
   special exception, which will cause the skeleton and the resulting
   Bison output files to be licensed under the GNU General Public
   License without this special exception.

   This special exception was added by the Free Software Foundation in
   version 2.2 of Bison.  */

/* DO NOT RELY ON FEATURES THAT ARE NOT DOCUMENTED in the manual,
   especially those whose name start with YY_ or yy_.  They are
   private implementation details that can be changed or removed.  */

#ifndef YY_FW_BUILD_PARSER_H_INCLUDED
# define YY_FW_BUILD_PARSER_H_INCLUDED
/* Debug traces.  */
#ifndef FW_DEBUG
# if defined YYDEBUG
#if YYDEBUG
#   define FW_DEBUG 1
#  else
#   define FW_DEBUG 0
#  endif
# else /* ! defined YYDEBUG */
#  define FW_DEBUG 0
# endif /* ! defined YYDEBUG */
#endif  /* ! defined FW_DEBUG */
#if FW_DEBUG
extern int fw_debug;
#endif
/* "%code requires" blocks.  */
#line 10 "grammar/parser.y"

#include "parse.h"

#line 61 "build/parser.h"

/* Token kinds.  */
#ifndef FW_TOKENTYPE
# define FW_TOKENTYPE
  enum fw_tokentype
  {
    FW_EMPTY = -2,
    FW_EOF = 0,                    /* "end of file"  */
    FW_error = 256,                /* error  */
    FW_UNDEF = 257,                /* "invalid token"  */
    EOL = 258,                     /* "end of line"  */
    GAP = 259,                     /* "blank"  */
    HEADER = 260,                  /* "section header"  */
    COMMENT = 261,                 /* "comment"  */
    STRAY_HEADER = 262,            /* STRAY_HEADER  */
    RAW = 263,                     /* RAW  */
    OPTION = 264,                  /* OPTION  */
    SETTING = 265,                 /* SETTING  */
    NO_OPTION = 266,               /* NO_OPTION  */
    NAME = 267,                    /* NAME  */
    NAME_WIDE = 268,               /* NAME_WIDE  */
    CIDR = 269,                    /* CIDR  */
    ADDRESS = 270,                 /* ADDRESS  */
    TYPE = 271,                    /* TYPE  */
    ACTION = 272,                  /* ACTION  */
    KEY = 273,                     /* KEY  */
    KEY_WIDE = 274,                /* KEY_WIDE  */
    KEY_ALONE = 275,               /* KEY_ALONE  */
    VALUE = 276,                   /* VALUE  */
    STRAY = 277                    /* STRAY  */
  };
  typedef enum fw_tokentype fw_token_kind_t;
#endif

/* Value type.  */
#if ! defined FW_STYPE && ! defined FW_STYPE_IS_DECLARED
union FW_STYPE
{
  struct ast_line * line;                  /* line  */
  struct ast_line * option;                /* option  */
  struct ast_line * alias;                 /* alias  */
  struct ast_line * entry;                 /* entry  */
  struct ast_line * rule;                  /* rule  */
  struct header HEADER;                    /* "section header"  */
  struct line_list lines;                  /* lines  */
  struct param_list params;                /* params  */
  struct rule_head rule_head;              /* rule_head  */
  struct section_list file;                /* file  */
  struct word COMMENT;                     /* "comment"  */
  struct word STRAY_HEADER;                /* STRAY_HEADER  */
  struct word RAW;                         /* RAW  */
  struct word OPTION;                      /* OPTION  */
  struct word SETTING;                     /* SETTING  */
  struct word NO_OPTION;                   /* NO_OPTION  */
  struct word NAME;                        /* NAME  */
  struct word NAME_WIDE;                   /* NAME_WIDE  */
  struct word CIDR;                        /* CIDR  */
  struct word ADDRESS;                     /* ADDRESS  */
  struct word TYPE;                        /* TYPE  */
  struct word ACTION;                      /* ACTION  */
  struct word KEY;                         /* KEY  */
  struct word KEY_WIDE;                    /* KEY_WIDE  */
  struct word KEY_ALONE;                   /* KEY_ALONE  */
  struct word VALUE;                       /* VALUE  */
  struct word STRAY;                       /* STRAY  */
  struct word opt_action;                  /* opt_action  */
  struct word opt_setting;                 /* opt_setting  */
  struct word opt_comment;                 /* opt_comment  */
  struct word_list addresses;              /* addresses  */

#line 132 "build/parser.h"

};
typedef union FW_STYPE FW_STYPE;
# define FW_STYPE_IS_TRIVIAL 1
# define FW_STYPE_IS_DECLARED 1
#endif

/* Location type.  */
typedef struct span FW_LTYPE;




int fw_parse (void *scanner, struct parse *p);


#endif /* !YY_FW_BUILD_PARSER_H_INCLUDED  */
