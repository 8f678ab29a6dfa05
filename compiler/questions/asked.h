/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands ask of a configuration: what happens to packets from one zone to another, and which lines
 * decide it.
 */
#ifndef PVEFW_QUESTIONS_ASKED_H
#define PVEFW_QUESTIONS_ASKED_H

#include "api/backend.h"
#include "meaning/translator.h"
#include "model/packet_model.h"

/* A configuration that is asked: as a target does it, or as it is written. */
struct asked {
	const struct config *config;
	const struct backend *target; /* NULL: as written */
	struct translator *translator;
	struct model_ifaces ifaces;
	struct model_budget budget;
	struct arena arena;
};

/* `target` NULL: as written. */
void asked_open(struct asked *asked, const struct config *config, const struct backend *target,
		struct model_budget budget);
void asked_close(struct asked *asked);

/* One path, and packets on it. */
struct question {
	struct asked *asked;
	struct path path;
	const struct model_program *program;
	struct model *model;
	packets set;        /* that were asked for: those that match, in the world */
	bool follows;       /* one packet: sets are 0 or 1 */
	struct arena arena; /* of what is answered */
};

/* `matches` say which packets; without any, all.  What else will be asked of the model by model_match() must
 * be among `others`. */
void question_open(struct question *q, struct asked *asked, const struct path *path,
		   const struct model_match *matches, uint32_t count, const struct model_match *others,
		   uint32_t other_count);
/* For one packet alone: the model knows the packets, but not the program, so it costs nothing, and only
 * question_follow() decides. */
void question_open_packet(struct question *q, struct asked *asked, const struct path *path,
			  const struct model_match *matches, uint32_t count, const struct model_match *others,
			  uint32_t other_count);
void question_close(struct question *q);

/* A line (or an implied rule) that has a part in a decision. */
struct reason {
	struct span span;
	const char *implied; /* its name; `span` is then the line of its option, if a file has one */
	struct span group;   /* of a line of a group: the rule that refers to it; else SPAN_NONE */
	struct text group_name;
	const char *stage; /* "fwbr101i0 forward" */
	unsigned stage_at; /* its number in the program */
	struct text chain; /* of the target */
	const struct model_step *step;
};

/* How a packet, or packets that are decided alike, fared. */
struct decision {
	enum model_verdict verdict;
	uint16_t queue;
	struct reason reason; /* what decided; of what passed: what accepted it last, or nothing did */
	struct reason *logs;  /* log lines on the way, with step->prefix */
	uint32_t log_count;
	const char *const
		*trail; /* the chains passed, "vmbr0 forward: PVEFW-FORWARD, PVEFW-FWBR-IN" a stage */
	uint32_t trail_count;
	packets set;
	struct decision *next;
};

/* All decisions about the packets of `set`, one for each deciding line or implied rule: first those that do
 * not pass, in the order of the rules, then those that pass.  Their sets are disjoint.  NULL if `set` is
 * empty or the budget is exceeded (question_over()).  `without` is a line that is left out, or SPAN_NONE. */
struct decision *question_decide(struct question *q, packets set, struct span without);
/* How one packet fares, without `without`; its `set` says nothing.  NULL: it is not
 * decided, as a rule is of a form that the model does not know. */
struct decision *question_follow(struct question *q, const struct model_packet *packet, struct span without);
/* "not decided: chain tap100i0-IN is too large for the budget"; NULL if it was not exceeded. */
const char *question_over(struct question *q);

#endif
