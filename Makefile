# SPDX-License-Identifier: GPL-2.0-or-later
#
# make            build/pvefw-cc
# make quickstart install what is needed to build, build, compile and lint examples/
# make check      install what is needed to test, build, run all tests
# make install    DESTDIR= PREFIX=/usr/local
#
# VARIANT=asan    another build beside the normal one, with AddressSanitizer and UBSan

CC      ?= gcc
PREFIX  ?= /usr/local
VARIANT ?=
B       := build$(if $(VARIANT),/$(VARIANT))

WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wconversion
OPT     := -O3 -g
ifeq ($(VARIANT),asan)
OPT     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ifeq ($(VARIANT),coverage)
OPT     := -O0 -g --coverage
endif
CPPFLAGS += -D_GNU_SOURCE -Icompiler -Igrammar -Ibackends -Ibackends/xtables -I$(B)
CFLAGS  ?= $(OPT)
ALL_CFLAGS = -std=c17 $(WARN) $(CFLAGS)
LDLIBS  := -ljansson -lmnl -lmd

CC_SRC  := $(wildcard compiler/*.c grammar/*.c backends/*.c backends/*/*.c)
GEN_SRC := $(B)/parser.c $(B)/lexer.c
CC_OBJ  := $(CC_SRC:%.c=$(B)/obj/%.o) $(GEN_SRC:$(B)/%.c=$(B)/obj/generated/%.o)
LIB_OBJ := $(filter-out $(B)/obj/compiler/main.o,$(CC_OBJ))

all: $(B)/pvefw-cc

$(B)/pvefw-cc: $(CC_OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/libpvefw.a: $(LIB_OBJ)
	rm -f $@
	ar rcs $@ $^

$(B)/parser.c $(B)/parser.h &: grammar/parser.y | $(B)
	bison -Wall -Werror --header=$(B)/parser.h -o $(B)/parser.c $<

$(B)/lexer.c $(B)/lexer.h &: grammar/lexer.l | $(B)
	flex --header-file=$(B)/lexer.h -o $(B)/lexer.c $<

$(B):
	mkdir -p $@

$(B)/obj/%.o: %.c | $(B)/parser.h $(B)/lexer.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# flex and bison write code of their own style: no -Wconversion there.
$(B)/obj/generated/%.o: $(B)/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=c17 $(CFLAGS) -Wall -Wextra -Wno-sign-compare -MMD -MP -c -o $@ $<

-include $(CC_OBJ:.o=.d)

clean:
	rm -rf build

.PHONY: all clean
.DELETE_ON_ERROR:
