# SPDX-License-Identifier: GPL-2.0-or-later
#
# make -f tests/fuzz/fuzz.mk    the fuzzers and their dictionaries, in build/fuzz
#
# clang's libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer.  The compiler is built as
# the Makefile says; only its arena is another one, in which the sanitizer sees every object.

VARIANT := fuzz
CC      := clang
# A harness without a header would get truncated pointers.
CFLAGS  := -Werror=implicit-function-declaration -O1 -gline-tables-only -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
# Folders that no fuzzer links, a third of the code: the linker names what is missing once one does.
WITHOUT := compiler/commands compiler/findings compiler/lint compiler/pipeline backends/nft/trace runtime/common \
	   $(addprefix runtime/firewall/,commands service trace tree view wiring)
.DEFAULT_GOAL := fuzzers
include Makefile

FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
# What the fuzzer is to watch; not what looks at every character that is printed.
QUIET   := base/utf8 base/escape source/excerpt
$(filter-out $(QUIET:%=$(B)/obj/compiler/%.o),$(LIB_OBJ) $(RUN_OBJ)) $(B)/obj/tests/fuzz/arena.o: CFLAGS += -fsanitize=fuzzer-no-link

fuzzers: $(FUZZERS:%=$(B)/fuzz_%) $(FUZZERS:%=$(B)/%.dict)

# arena.o stands before the library, which then has nothing to add to it.
$(B)/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/fuzz.o $(B)/obj/tests/fuzz/arena.o $(LIBS)
	$(call say,LINK) $(CC) $(OUR_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(RUN_LDLIBS) $(OUR_LDLIBS)

$(B)/dictionary: $(B)/obj/tests/fuzz/dictionary.o $(B)/libpvefw.a
	$(call say,LINK) $(CC) $(OUR_CFLAGS) -o $@ $^ $(OUR_LDLIBS)

$(B)/%.dict: $(B)/dictionary
	$(call say,DICT) $< $* >$@

-include $(wildcard $(B)/obj/tests/fuzz/*.d)

.PHONY: fuzzers
.SECONDARY:
