/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files that implement confirm.h. */
#ifndef PVEFW_CONFIRM_PRIVATE_H
#define PVEFW_CONFIRM_PRIVATE_H

#include "firewall/service/confirm.h"

/* ---- confirm_state.c ---- */

/* Writes the state; what somebody must be able to rely on after a power failure is `durable`.  0 or an errno. */
int confirm_write_state(struct confirm *c, bool durable);
/* Notes why generations cannot be kept, and logs it once for each reason; 0: they can. */
void confirm_note_reason(struct confirm *c, int reason);
void confirm_read_boot_id(char id[BOOT_ID_SIZE]);
/* Reads the content that is enforced in the place of the file; 0 or an errno. */
int rejected_file_load(const struct confirm *c, struct rejected_file *file);
void rejected_file_free(struct rejected_file *file);
/* Takes over the file. */
void confirm_add_rejected(struct confirm *c, const struct rejected_file *file);
/* Nothing is rejected any more, in memory. */
void confirm_drop_rejected(struct confirm *c);

/* ---- confirm.c ---- */

/* The generation is in force again, or is about to be noted anew. */
void confirm_forget_rolled_back(struct confirm *c, uint64_t number);

#endif
