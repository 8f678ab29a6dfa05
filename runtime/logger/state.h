/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The notes of the run directory (logger_notes.h). */
#ifndef PVEFW_STATE_H
#define PVEFW_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct logger_counts {
#define COUNT(name, text) uint64_t name;
#include "logger/counts.def"
};

/* Makes the folders unless they are there. */
void state_make_folders(const char *run_dir);
/* Replaces NOTE_LOGGER_STATE; false if that is not possible, with the reason in errno. */
bool state_write(const char *run_dir, const struct logger_counts *counts);
/* Reads NOTE_CONNTRACK; false if there is no such file. */
bool state_wants_conntrack(const char *run_dir);

#endif
