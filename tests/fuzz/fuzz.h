/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzzers share: the memory of one compilation, files that are the
 * input's bytes, and checks of everything that was reported.
 *
 * A fuzzer is one file fuzz_<name>.c with LLVMFuzzerTestOneInput(); its corpus is
 * corpus/<name>.  An input that is several files is cut at lines of two percent
 * signs.
 */
#ifndef PVEFW_FUZZ_H
#define PVEFW_FUZZ_H

#include "diag/diag.h"
#include "config/config.h"
#include "inputs/netdb.h"
#include "base/output.h"

/* Ends the process, so that the fuzzer keeps the input. */
#define REQUIRE(condition) \
	((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One compilation. */
struct fuzz {
	struct arena arena;
	struct source_map map;
	struct diags diags;
};

void fuzz_start(struct fuzz *f);
/* Checks what was reported, prints it in every format, and gives all back. */
void fuzz_end(struct fuzz *f);
/* The same in two steps, to look at what is printed: it is appended to `out`. */
void fuzz_print_diags(struct fuzz *f, struct out *out);
void fuzz_free(struct fuzz *f);

struct source *fuzz_source(struct fuzz *f, const char *name, struct text bytes);
/* The text before the next line of "%%"; *rest is what is behind it, ptr NULL at
 * the end. */
struct text fuzz_next_file(struct text *rest);
/* The text before the next LF. */
struct text fuzz_next_line(struct text *rest);
/* c, h, g and v are the kinds; any other byte is one, too. */
enum file_kind fuzz_kind(uint8_t byte);

/* A file name that gives `bytes` as often as it is read, until the next call with
 * the same `slot`, 0 to 2. */
const char *fuzz_memory_file(unsigned slot, struct text bytes);
/* Some services, protocols and ethertypes; loaded once. */
const struct netdb *fuzz_netdb(void);

/* Compiles a tree of one node, in which the file of kind `kind` holds `bytes`; the
 * cluster file, unless it is that, defines some names.  There is a VM 100 with net0.
 * config_free() before fuzz_end(). */
struct config *fuzz_compile(struct fuzz *f, enum file_kind kind, struct text bytes);

#endif
