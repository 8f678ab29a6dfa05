# SPDX-License-Identifier: GPL-2.0-or-later
#
# make             build/pvefw-cc, the daemons, their manual pages and shell completion
# make quickstart  install what is needed to build, build, compile and lint examples/
# make check       install what is needed to test, build with and without sanitizers, run all tests
# make check-reboot  restart mock nodes of Proxmox VE 8 and 9 in a virtual machine: several minutes each
# make quick       build with -O1 into build/quick, and run the tests that the edits since the last time touch: seconds
# make compdb      compile_commands.json, for clangd and clang-tidy
# make golden      write the expected output of the test cases anew, to be read before it is committed
# make fuzz        fuzz the parsers for SECONDS=1800 each
# make bench       time and profile the compiler on generated clusters, loading, and what a packet costs
# make coverage    lines that the unit tests and the test cases reach
# make install     to DESTDIR= below PREFIX=/usr/local; what cannot lie there, below SYSCONFDIR=/etc;
#                  install-cc: the compiler alone; BESIDE=1: beside Proxmox VE's package, until `pvefw takeover`
# make deb         the Debian packages, build/*.deb; installs what is needed for that
# make clean
#
# VARIANT=asan      a build of its own in build/asan with AddressSanitizer and UBSan
# VARIANT=tsan      a build of its own in build/tsan with ThreadSanitizer
# VARIANT=coverage  a build of its own in build/coverage for gcov
# VARIANT=quick     a build of its own in build/quick with -O1
# WERROR=-Werror    ends at a warning; `make check` builds so
# V=1               shows the commands
# All flags can be set from outside: CC, CFLAGS, CPPFLAGS, LDFLAGS.

CC      ?= gcc
PREFIX  ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
# Where Debian's zsh looks.
ZSHDIR  ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
VARIANT ?=
SECONDS ?= 1800
B       := build$(if $(VARIANT),/$(VARIANT))

WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wconversion
# -fno-plt: a call of the C library takes one jump less. The packages set CFLAGS themselves.
OPT     := -O3 -g -fno-plt
ifeq ($(VARIANT),asan)
OPT     := -O1 -g1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
ifeq ($(VARIANT),tsan)
OPT     := -O1 -g1 -fsanitize=thread
endif
ifeq ($(VARIANT),quick)
OPT     := -O1
endif
ifeq ($(VARIANT),coverage)
OPT     := -O0 -g --coverage
endif
CFLAGS  ?= $(OPT)
# Headers are named from these on: "base/arena.h", "nft/load/kernel.h".
INCLUDE := compiler grammar backends runtime $(B)
OUR_CPPFLAGS = -D_GNU_SOURCE $(addprefix -iquote ,$(INCLUDE)) $(CPPFLAGS)
OUR_CFLAGS   = -std=c17 -pthread $(WARN) $(WERROR) $(CFLAGS)
# libnftables is not linked: see backends/nft/load/libnftables.c.
OUR_LDLIBS   = -ljansson -lnftnl -lmnl -lmd $(LDLIBS)
# The daemons' own come before them.
RUN_LDLIBS   = -Wl,--as-needed -lsystemd -lnetfilter_conntrack

# WITHOUT: folders that a build does not need (tests/fuzz/fuzz.mk).
without = $(filter-out $(WITHOUT:%=%/%),$(wildcard $1))
SRC     := $(call without,compiler/*/*.c grammar/*.c backends/*.c backends/*/*.c backends/*/*/*.c)
# What bison and flex make.
GRAMMAR := parser lexer fwtest_parser fwtest_lexer
OBJ     := $(SRC:%.c=$(B)/obj/%.o) $(GRAMMAR:%=$(B)/obj/generated/%.o)
LIB_OBJ := $(filter-out $(B)/obj/compiler/commands/main.o,$(OBJ))
RUN_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(call without,runtime/*/*.c runtime/*/*/*.c))
LIBS    := $(B)/libruntime.a $(B)/libpvefw.a
# Each is a main.c and the libraries.
DAEMONS := $(if $(wildcard runtime/firewall/commands/main.c),$(B)/pve-firewall) \
	   $(if $(wildcard runtime/logger/main.c),$(B)/pvefw-logger)
DOCS    := $(patsubst %.in,$(B)/%,$(wildcard man/*.in completion/*.in editor/*.in))
HTML    := $(B)/doc/pvefw-diagnostics.html
# The manual pages as HTML: doc/NAME.SECTION.html. Pages of others lie elsewhere.
PAGES   := $(patsubst man/%.in,%,$(wildcard man/*.in))
MANHTML := $(PAGES:%=$(B)/doc/%.html)
ELSEWHERE := https://manpages.debian.org
UNIT    := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))

IDS     := $(wildcard compiler/*/*.h.in runtime/*/*/*.h.in)
GENERATED := $(GRAMMAR:%=$(B)/%.h) $(B)/generated/style.inc $(patsubst %.h.in,$(B)/generated/%.h,$(notdir $(IDS)))
vpath %.h.in $(sort $(dir $(IDS)))

# $(call say,WHAT) in front of a command shows WHAT and the target instead of the command.
say = $(if $(V),,@printf '  %-6s %s\n' $1 $@;)
also = $(MAKE) --no-print-directory -j$(shell nproc)

all: $(B)/pvefw-cc $(DAEMONS) $(DOCS) $(HTML) $(MANHTML)

$(B)/pvefw-cc: $(OBJ)
	$(call say,LINK) $(CC) $(OUR_CFLAGS) $(LDFLAGS) -o $@ $^ $(OUR_LDLIBS)

$(B)/pve-firewall: $(B)/obj/runtime/firewall/commands/main.o
$(B)/pvefw-logger: $(B)/obj/runtime/logger/main.o
$(DAEMONS): $(LIBS)
	$(call say,LINK) $(CC) $(OUR_CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS) $(RUN_LDLIBS) $(OUR_LDLIBS)

# Everything but main(): of the compiler, for the daemons and the tests; of the daemons.
$(B)/libpvefw.a: $(LIB_OBJ)
$(B)/libruntime.a: $(filter-out %/main.o,$(RUN_OBJ))
$(LIBS):
	$(call say,AR) rm -f $@; $(AR) qcs $@ $^

$(B)/%.c $(B)/%.h: grammar/%.y
	@mkdir -p $(B)
	$(call say,BISON) bison -Wall -Werror --header=$(B)/$*.h -o $(B)/$*.c $<

$(B)/%.c $(B)/%.h: grammar/%.l
	@mkdir -p $(B)
	$(call say,FLEX) flex --header-file=$(B)/$*.h -o $(B)/$*.c $<

# The style sheet as lines of a C array, without its comments.
$(B)/generated/style.inc: compiler/report/style.css
	@mkdir -p $(@D)
	$(call say,CSS) sed -e '\,^/\*.*\*/$$,d' -e 's/["\]/\\&/g' -e 's/.*/"&\\n",/' $< >$@

# Names of the rows of .def files.  Most files need only these: a changed text leaves the header as it is.
$(B)/generated/%.h: %.h.in
	@mkdir -p $(@D)
	@$(CC) $(OUR_CPPFLAGS) -E -P -x c -MMD -MP -MT $@ -MF $@.d -o $@.new $<
	@cmp -s $@.new $@ || cp $@.new $@

# Linked to libnftables and never run: from it come the library's name, and the package that must be installed.
$(B)/needs-libnftables: tools/needs_libnftables.c backends/nft/load/libnftables.def
	@mkdir -p $(@D)
	$(call say,LINK) $(CC) $(OUR_CPPFLAGS) $(OUR_CFLAGS) $(LDFLAGS) -o $@ $< -lnftables

$(B)/generated/libnftables_name.h: $(B)/needs-libnftables
	@mkdir -p $(@D)
	@readelf -d $< | sed -n 's/.*(NEEDED).*\[\(libnftables\)\.so\.\([0-9]*\)\]/\
#define LIBNFTABLES_NAME "\1.so.\2"\
#define LIBNFTABLES_PACKAGE "\1\2"/p' >$@
	@grep -q LIBNFTABLES_NAME $@

$(B)/obj/backends/nft/load/libnftables.o: $(B)/generated/libnftables_name.h

$(B)/obj/%.o: %.c | $(GENERATED)
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(OUR_CPPFLAGS) $(OUR_CFLAGS) -MMD -MP -c -o $@ $<

# flex and bison write code of their own style: no -Wconversion there.
$(B)/obj/generated/%.o: $(B)/%.c | $(GENERATED)
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(OUR_CPPFLAGS) -std=c17 -pthread -Wall -Wextra -Wno-sign-compare $(CFLAGS) -MMD -MP -c -o $@ $<

# Manual pages and completion tell what the tables of the programs say.
$(B)/gendoc: tools/gendoc.c $(LIBS)
	$(call say,CC) $(CC) $(OUR_CPPFLAGS) $(OUR_CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(LIBS) \
		$(RUN_LDLIBS) $(OUR_LDLIBS)

$(DOCS): $(B)/%: %.in $(B)/gendoc
	@mkdir -p $(@D)
	$(call say,DOC) $(B)/gendoc $< >$@

$(B)/genhtml: tools/genhtml.c $(B)/libpvefw.a
	$(call say,CC) $(CC) $(OUR_CPPFLAGS) $(OUR_CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(B)/libpvefw.a $(OUR_LDLIBS)

$(HTML): $(B)/genhtml
	@mkdir -p $(@D)
	$(call say,DOC) $(B)/genhtml >$@

$(MANHTML): $(B)/doc/%.html: $(B)/man/%
	@mkdir -p $(@D)
	$(call say,DOC) mandoc -I os=Linux -T html -O 'man=$(ELSEWHERE)/%N.%S,toc' $< >$@.new
	@sed $(foreach page,$(PAGES),-e 's,"$(ELSEWHERE)/$(page)","$(page).html",g') $@.new >$@
	@rm $@.new

# ---- tests ----

unit: $(UNIT) $(B)/tests/pvefw-cc $(B)/tests/pve-firewall $(B)/tests/mutations

# The programs for kernels that lack a part of nftables.
$(B)/tests/pvefw-cc: $(B)/obj/compiler/commands/main.o
$(B)/tests/pve-firewall: $(B)/obj/runtime/firewall/commands/main.o
$(B)/tests/pvefw-cc $(B)/tests/pve-firewall: tests/kernel/leave-out.c $(LIBS)
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(OUR_CPPFLAGS) $(OUR_CFLAGS) -MMD -MP $(LDFLAGS) -Wl,--wrap=nft_lower,--wrap=nft_lower_bridge -o $@ $< \
		$(filter %.o,$^) $(LIBS) $(RUN_LDLIBS) $(OUR_LDLIBS)

$(B)/tests/unit/%.o: tests/unit/%.c | $(GENERATED)
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(OUR_CPPFLAGS) $(OUR_CFLAGS) -MMD -MP -c -o $@ $<

$(UNIT): %: %.o $(LIBS)
	$(call say,LINK) $(CC) $(OUR_CFLAGS) $(LDFLAGS) -o $@ $< $(LIBS) $(UNIT_LDLIBS) -lcheck -lsubunit -lm -lpthread -lrt $(RUN_LDLIBS) $(OUR_LDLIBS)

# Static, so that the test runs where no libbdd is installed.
$(B)/tests/unit/test_packet_dd: UNIT_LDLIBS = -l:libbdd.a

$(B)/tests/mutations: tests/mutations/mutations.c $(LIBS)
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(OUR_CPPFLAGS) $(OUR_CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(LIBS) $(OUR_LDLIBS)

quickstart:
	@tests/install-deps build
	@$(also) all
	@tests/quickstart

check:
	@tests/install-deps build test deb cross chroot
	@$(also) WERROR=-Werror all unit
	@$(also) WERROR=-Werror VARIANT=asan all unit
	@$(also) WERROR=-Werror VARIANT=tsan build/tsan/pvefw-cc build/tsan/pve-firewall build/tsan/tests/pve-firewall
	@tests/all

quick:
	@$(also) VARIANT=quick build/quick/pvefw-cc build/quick/pve-firewall build/quick/pvefw-logger
	@tests/quick build/quick

compdb:
	@tools/compdb

check-reboot:
	@tests/install-deps build test deb chroot
	@$(also) WERROR=-Werror all
	$(MAKE) --no-print-directory deb
	tests/checks/trixie
	tests/node/reboot.sh 8
	tests/node/reboot.sh 9

bench: all $(B)/tests/pvefw-cc $(B)/tests/pve-firewall
	@tests/install-deps build test bench
	@tests/bench/all

coverage:
	@tests/install-deps build test
	@rm -rf build/coverage
	@$(also) VARIANT=coverage all unit
	@tests/coverage

golden: all
	tests/run --golden

fuzz:
	@tests/install-deps build test
	tests/fuzz/run $(SECONDS)

# ---- installing ----

install_file = install -D -m 644
LIBEXECDIR   = $(PREFIX)/lib/pvefw
SHAREDIR     = $(PREFIX)/share/pvefw
VERSION      = $(shell sed -n 's/^.define PVEFW_VERSION "\(.*\)"/\1/p' compiler/base/version.h)

# BESIDE=1: nothing has a path that Proxmox VE's package has, and no unit is in force, until `pvefw takeover`.
ifdef BESIDE
DAEMONDIR     = $(LIBEXECDIR)
SERVICEUNITS  = $(LIBEXECDIR)/units
TMPFILES      = $(LIBEXECDIR)/tmpfiles.conf
TMPFILES_NAME = $(TMPFILES)
SYSUSERS      = $(LIBEXECDIR)/sysusers.conf
else
DAEMONDIR     = $(PREFIX)/sbin
SERVICEUNITS  = $(UNITDIR)
TMPFILES      = $(PREFIX)/lib/tmpfiles.d/pvefw.conf
TMPFILES_NAME = pvefw.conf
SYSUSERS      = $(PREFIX)/lib/sysusers.d/pvefw.conf
endif

fill = sed 's,@BINDIR@,$(PREFIX)/bin,g; s,@SBINDIR@,$(DAEMONDIR),g; s,@LIBEXECDIR@,$(LIBEXECDIR),g; \
	s,@SHAREDIR@,$(SHAREDIR),g; s,@TMPFILES@,$(TMPFILES_NAME),g; s,@VERSION@,$(VERSION),g'

# $(call install_completion,PROGRAM...)
install_completion = for program in $1; do \
		$(install_file) $(B)/completion/$$program.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$program && \
		$(install_file) $(B)/completion/$$program.zsh $(DESTDIR)$(ZSHDIR)/_$$program && \
		$(install_file) -t $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d $(B)/completion/$$program.fish || exit 1; \
	done

install: install-cc install-service

# The compiler and linter, for any machine.
install-cc: all
	install -D -m 755 $(B)/pvefw-cc $(DESTDIR)$(PREFIX)/bin/pvefw-cc
	for page in $(B)/man/*.[1-7]; do \
		$(install_file) -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page || exit 1; \
	done
	$(install_file) -t $(DESTDIR)$(PREFIX)/share/doc/pvefw $(HTML) $(MANHTML)
	$(install_file) -t $(DESTDIR)$(SHAREDIR) compiler/format/pvefw-diagnostics.rng
	$(install_file) -t $(DESTDIR)$(SHAREDIR)/schemas schemas/*.schema.json
	$(call install_completion,pvefw-cc)
	$(install_file) -t $(DESTDIR)$(PREFIX)/share/vim/vimfiles/syntax $(B)/editor/pvefw.vim $(B)/editor/fwtest.vim
	$(install_file) editor/ftdetect.vim $(DESTDIR)$(PREFIX)/share/vim/vimfiles/ftdetect/pvefw.vim
	$(install_file) -t $(DESTDIR)$(SHAREDIR) $(B)/editor/pvefw.tmLanguage.json $(B)/editor/fwtest.tmLanguage.json

# The services of a node, and what goes with them.
install-service: all $(if $(BESIDE),install-beside,install-instead)
	for daemon in $(DAEMONS); do \
		install -D -m 755 -t $(DESTDIR)$(DAEMONDIR) $$daemon || exit 1; \
	done
	for unit in packaging/*.service.in packaging/*.path.in; do \
		$(fill) $$unit | $(install_file) /dev/stdin $(DESTDIR)$(SERVICEUNITS)/$$(basename $$unit .in) || exit 1; \
	done
	install -D -m 755 -t $(DESTDIR)$(LIBEXECDIR) packaging/unit-start packaging/unit-stop
	$(install_file) -t $(DESTDIR)$(LIBEXECDIR) packaging/modules
	$(install_file) packaging/sysusers.conf $(DESTDIR)$(SYSUSERS)
	$(install_file) packaging/tmpfiles.conf $(DESTDIR)$(TMPFILES)

# Beside Proxmox VE's package: the pages and the completion of its commands are put in place by `pvefw takeover`.
install-beside: all
	mkdir -p $(DESTDIR)$(PREFIX)/sbin
	$(fill) packaging/pvefw.in | install -D -m 755 /dev/stdin $(DESTDIR)$(PREFIX)/sbin/pvefw
	$(install_file) -t $(DESTDIR)$(PREFIX)/share/man/man8 $(B)/man/pvefw.8
	$(call install_completion,pvefw)
	for daemon in $(notdir $(DAEMONS)); do \
		$(install_file) -t $(DESTDIR)$(SHAREDIR)/completion $(foreach shell,bash zsh fish,$(B)/completion/$$daemon.$(shell)) || exit 1; \
		gzip -9nc $(B)/man/$$daemon.8 | $(install_file) /dev/stdin $(DESTDIR)$(SHAREDIR)/man/$$daemon.8.gz || exit 1; \
	done
	$(install_file) -t $(DESTDIR)$(LIBEXECDIR) packaging/logrotate

# On a machine without Proxmox VE's package. Where that is installed, these units would take the place of its own
# as soon as systemd looks.
install-instead: all
	@[ -n "$(DESTDIR)$(REPLACE)" ] || ! dpkg-query -W -f '$${db:Status-Status}' pve-firewall 2>/dev/null | grep -q '^installed' || { \
		echo "Proxmox VE's package pve-firewall is installed: make deb, or make install BESIDE=1, and see pvefw(8)" >&2; \
		exit 1; \
	}
	for daemon in $(notdir $(DAEMONS)); do \
		$(install_file) -t $(DESTDIR)$(PREFIX)/share/man/man8 $(B)/man/$$daemon.8 || exit 1; \
	done
	$(call install_completion,$(notdir $(DAEMONS)))
	$(install_file) packaging/sysctl.conf $(DESTDIR)$(PREFIX)/lib/sysctl.d/pve-firewall.conf
	$(install_file) packaging/logrotate $(DESTDIR)$(SYSCONFDIR)/logrotate.d/pve-firewall

# In a copy, as the tools write beside and clean what they build.
deb:
	@tests/install-deps build deb
	rm -rf build/deb
	mkdir -p build/deb/pvefw
	tar -c --exclude-vcs --exclude=./build . | tar -x -C build/deb/pvefw
	cd build/deb/pvefw && dpkg-buildpackage -b -us -uc
	mv build/deb/*.deb build/

clean:
	rm -rf build

-include $(wildcard $(B)/generated/*.d) $(OBJ:.o=.d) $(RUN_OBJ:.o=.d) $(UNIT:=.d) $(B)/gendoc.d $(B)/genhtml.d

.PHONY: all unit quickstart check quick compdb check-reboot bench coverage golden fuzz install install-cc install-service install-beside install-instead deb clean
.DELETE_ON_ERROR:
# Not to be removed as intermediate files: all would be compiled again.
.SECONDARY: $(GENERATED)
