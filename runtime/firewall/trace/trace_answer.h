/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel did with a traced packet, beside what the model says. */
#ifndef PVEFW_TRACE_ANSWER_H
#define PVEFW_TRACE_ANSWER_H

#include "firewall/trace/journey.h"
#include "questions/asked.h"

enum trace_agreement {
	TRACE_AGREES,
	TRACE_DISAGREES,  /* in the verdict, or in the line that refuses the packet */
	TRACE_NOT_OURS,   /* a rule that is not ours has ended the packet's way */
	TRACE_INCOMPLETE, /* it is not known where the packet went, or not all of it was seen */
	TRACE_UNDECIDED,  /* the model's budget was exceeded, or it knows no such packet */
};

struct trace_answer {
	struct reason reason; /* the line that decided in the kernel; without one the words of the last rule */
	const struct journey_step *last; /* our last step, or the one that ended the way; or NULL */
	enum trace_agreement agreement;
	const char *why;      /* of INCOMPLETE, NOT_OURS and UNDECIDED */
	bool is_over_limit;   /* the model agrees if the packet is over the synflood limit */
	struct question question; /* open if `asked` */
	bool asked;
	const struct decision *decision; /* the model's; or NULL */
	struct path path;
};

/* Asks; trace_answer_free() must follow.  Texts are from the journey's arena. */
void trace_answer(struct trace_answer *answer, struct asked *asked, struct journey *journey);
void trace_answer_free(struct trace_answer *answer);

#endif
