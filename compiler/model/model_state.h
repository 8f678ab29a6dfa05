/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a model consists of, for the files of this folder. */
#ifndef PVEFW_MODEL_STATE_H
#define PVEFW_MODEL_STATE_H

#include "model/packet_dd.h"
#include "model/packet_index.h"
#include "model/packet_model.h"

/* Classes `first` to `last` of a field. */
struct class_run {
	uint32_t first, last;
};

/* A set of values that some rule compares a field with. */
struct literal {
	enum model_field field;
	const struct interval *ranges;
	uint32_t count;
	uint32_t twin;          /* another one with this hash; 0: none */
	struct class_run *runs; /* the classes it consists of */
	uint32_t run_count, run_room;
	uint32_t from; /* while classes are made: the first that may lie in the present interval */
	bool has[2];   /* whether there is `set`: of packets that match, and of those that do not */
	packets set[2];
};

/* Values from `first` to the next piece are of one class. */
struct class_piece {
	struct number first;
	uint32_t class;
};

struct field_classes {
	uint32_t uses;           /* matches that ask it */
	uint32_t interval_count; /* of all its literals */
	uint32_t count;
	struct class_piece *pieces; /* ascending; the first begins at 0 */
	uint32_t piece_count;
	uint32_t first_var, width; /* of the number of the class; codes of no class stand for the last one */
};

struct model {
	const struct model_ifaces *ifaces;
	struct arena arena; /* of what was collected */
	bool sealed;
	struct packet_index chains;   /* that were collected */
	struct packet_index pointers; /* sets of values of programs by their place: number of the literal */
	struct packet_index contents; /* of any by their hash */
	struct literal *literals;     /* number 0 is none */
	uint32_t literal_count, literal_room;
	struct field_classes fields[MODEL_FIELDS];
	uint8_t *field_of_var;
	struct dd dd;

	/* What follows is void when the diagram begins anew. */
	packets world, groups;
	bool has_world, has_groups, has_applies[MODEL_FIELDS];
	packets applies[MODEL_FIELDS];
	struct arena walk_arena;
	struct packet_index walked; /* results of chains; see packet_walk.c */
	struct walk_list **results;
	uint32_t result_count, result_room;
	struct span walked_without;
	bool is_unknown; /* a rule of unknown form was met, and so the budget counts as exceeded */
	struct text over_chain;
	uint32_t over_count; /* its rules */
};

/* ---- packet_classes.c ---- */

/* The largest value of the field. */
struct number classes_top(enum model_field field);
/* Collects the match's set of values. `is_lasting`: they lie where they are as long as the model. */
void classes_collect(struct model *m, const struct model_match *match, bool is_lasting);
/* Makes the classes, and numbers the variables. */
void classes_make(struct model *m);
/* Of the packets `among`, which have the field, those that match.  They must be the same for each call of one
 * field. */
packets classes_match(struct model *m, const struct model_match *match, packets among);
/* The packets with a class of these runs, which ascend and do not touch. */
packets classes_runs(struct model *m, enum model_field field, const struct class_run *runs, uint32_t count);
uint32_t classes_of_value(const struct model *m, enum model_field field, struct number value);
/* All values of the classes that are set in `in`, one a class; from `arena`. */
struct interval_set classes_values(const struct model *m, struct arena *arena, enum model_field field,
				   const bool *in);

/* ---- packet_world.c ---- */

void world_collect(struct model *m);
/* The packets that have the field: only they can match. */
packets world_applies(struct model *m, enum model_field field);
/* The packets that have the field, and one of these values or none of them. */
packets world_match(struct model *m, const struct model_match *match);
/* The packets that go to a broadcast or multicast address. */
packets world_groups(struct model *m);

/* ---- packet_walk.c ---- */

/* Forgets the results of chains. */
void walk_forget(struct model *m);
/* The packets that match the step, whatever mark they have. */
packets walk_condition(struct model *m, const struct model_step *step);

#endif
