/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What pve-firewall and pvefw-logger leave for each other in the run directory. The logger, which has a user
 * of its own, can write in its folder only.
 */
#ifndef PVEFW_LOGGER_NOTES_H
#define PVEFW_LOGGER_NOTES_H

/* Written by pve-firewall: 1 if connections are to be logged, else 0. */
#define NOTE_CONNTRACK "log_nf_conntrack"
/* Written by pvefw-logger: what has been counted since it started, a line "KEY VALUE" each; the keys are
 * those of logger/counts.def. */
#define NOTE_LOGGER_FOLDER "logger"
#define NOTE_LOGGER_STATE  "logger/logger.state"

#endif
