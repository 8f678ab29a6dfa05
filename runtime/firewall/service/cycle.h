/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the service compiles, loads and retries: a state machine.
 *
 * cycle.def is the table: states times events.  cycle_handle() looks up the function of an event in the present state and
 * runs it to completion; a function that compiles or loads returns the result as the next event.  Time and everything
 * outside of this module are reached through struct cycle_effects.
 */
#ifndef PVEFW_CYCLE_H
#define PVEFW_CYCLE_H

#include <stdbool.h>
#include <stdint.h>

/* The first seven wait for an event from outside; the busy ones last only until the effect they have called returns. */
enum cycle_state {
	CYCLE_STARTING,     /* nothing was compiled yet */
	CYCLE_IDLE,         /* the configuration of the files is loaded */
	CYCLE_UNCOMPARED,   /* the same, by patches: the comparison that follows them is delayed */
	CYCLE_WAITING,      /* a cycle or a patch is due */
	CYCLE_DOUBTING,     /* the files disable the firewall; a cycle is due, and believes them if they still do then */
	CYCLE_FAILED,       /* the tree cannot be read; the last ruleset stays until the tree changes */
	CYCLE_RETRYING,     /* the last cycle has failed, and another one is due */
	CYCLE_READING,      /* busy: reads the tree after a request for a cycle */
	CYCLE_ROLLING_BACK, /* busy: rejects files after a confirmation has timed out */
	CYCLE_PATCHING,     /* busy: loads the changes of some guests, the fast path */
	CYCLE_COMPARING,    /* busy: does for patches what is left to do without compiling everything */
	CYCLE_COMPILING,    /* busy */
	CYCLE_LOADING,      /* busy */
	CYCLE_STOPPED,
	CYCLE_STATES,
};

enum cycle_event {
#define EVENT(ID, starting, idle, uncompared, waiting, doubting, failed, retrying, busy, stopped) CYCLE_##ID,
#define RESULT(ID, state, transition) CYCLE_##ID,
#include "firewall/service/cycle.def"
	CYCLE_EVENTS,
	CYCLE_DONE = CYCLE_EVENTS, /* returned by a transition: no event follows */
};

enum cycle_timer {
	CYCLE_TIMER_DUE,     /* sends CYCLE_DUE */
	CYCLE_TIMER_COMPARE, /* CYCLE_COMPARE */
	CYCLE_TIMER_POLL,    /* CYCLE_POLL */
	CYCLE_TIMER_VERIFY,  /* CYCLE_VERIFY */
	CYCLE_TIMER_REFUSED, /* CYCLE_RETRY_REFUSED */
	CYCLE_TIMERS,
};

enum { CYCLE_FILE_SIZE = 64, CYCLE_FILES_MOST = 128 };

/* Guests' files that have changed, each once. */
struct cycle_files {
	unsigned count;
	char names[CYCLE_FILES_MOST][CYCLE_FILE_SIZE];
};

/* What the machine does to the world.  All times are microseconds; `context` is that of struct cycle. */
struct cycle_effects {
	uint64_t (*now)(void *context);            /* CLOCK_MONOTONIC */
	uint64_t (*processor_time)(void *context); /* used by this process and its children */
	uint64_t (*duration)(void *context);       /* of the last compilation and loading */
	/* Arms a one-shot timer for a time of now(); 0 disarms it. */
	void (*arm)(void *context, enum cycle_timer timer, uint64_t time);
	/* Reads the whole tree now and believes it, files that have just vanished included. */
	void (*read_tree)(void *context);
	/* Whether the tree can be read, and the copy of it is up to date. */
	bool (*tree_is_readable)(void *context);
	/* Whether the file belongs to a guest whose change patch() can load: that of a loaded configuration. */
	bool (*can_patch)(void *context, const char *file);
	/* Loads the changes of these files.  CYCLE_NOT_PATCHED: a full cycle must follow; some may have been loaded. */
	enum cycle_event (*patch)(void *context, const struct cycle_files *files);
	/* After patches: compares the kernel with what was loaded, removes what is no longer used, and keeps the generation.
	 * CYCLE_COMPARED, or CYCLE_NOT_COMPARED: a full cycle must follow. */
	enum cycle_event (*compare)(void *context);
	/* CYCLE_COMPILED, CYCLE_COMPILED_DISABLED or CYCLE_NOT_COMPILED; *again: compile again after that time, 0: no need to. */
	enum cycle_event (*compile)(void *context, uint64_t *again);
	/* CYCLE_LOADED, CYCLE_LOADED_BESIDE_OTHERS or CYCLE_NOT_LOADED.  Compares everything with the kernel if
	 * cycle->compare says so after pending messages of the kernel were handled. */
	enum cycle_event (*load)(void *context);
	/* Whether lines or layers are left out because they were refused. */
	bool (*has_refused)(void *context);
	/* The next load retries refused rules. */
	void (*retry_refused)(void *context);
	/* The next load reads the kernel's rules instead of relying on cached ones. */
	void (*forget_loaded)(void *context);
	/* Restores settings of the kernel that others have changed. */
	void (*keep_settings)(void *context);
	/* Whether others may have changed the rules: takes microseconds. */
	bool (*is_stale)(void *context);
	/* The same for what the kernel does not report, such as members of sets: takes milliseconds. */
	bool (*contents_changed)(void *context);
	/* If a confirmation has timed out: rejects what was not confirmed.  CYCLE_ROLLED_BACK or CYCLE_NOTHING_ROLLED_BACK. */
	enum cycle_event (*roll_back)(void *context);
	/* A cycle has ended; `recovered`: the one before had failed. */
	void (*finished)(void *context, bool failed, bool recovered);
	/* Ends the service; `remove`: and takes all its rules out of the kernel. */
	void (*end)(void *context, bool remove);
};

struct cycle {
	const struct cycle_effects *effects;
	void *context;
	enum cycle_state state;
	enum cycle_state rested;       /* the state in which the present cycle began */
	uint64_t due;                  /* when the next cycle begins; 0: none is due */
	uint64_t last;                 /* when the last cycle ended */
	uint64_t first_change;         /* since the last cycle, of what takes a full one; 0: none */
	struct cycle_files files;      /* that have changed since the last cycle, and can be patched */
	bool full;                     /* the next cycle is a full one, whatever has changed */
	uint64_t first_patch;          /* since the last cycle; 0: none */
	uint64_t compare_due;          /* when the comparison that follows patches is due; 0: nothing was patched */
	uint64_t compare_rest;         /* the least time between two of these */
	bool comparing;                /* the present cycle is one of these */
	uint64_t patch_rest;           /* no patch begins before that */
	bool compare;                  /* the next cycle compares all loaded rules with the desired ones */
	bool believe;                  /* the cycle was requested: a disabled firewall is intended */
	bool succeeded;                /* the last cycle did: the compiled ruleset is loaded */
	uint64_t disabled_since;       /* when the tree was first seen to disable the firewall; 0: it does not */
	uint64_t began;                /* the present cycle, in processor time */
	uint64_t retry;                /* pause after the last failure */
	uint64_t refused_first;        /* pause until what was refused is tried again for the first time */
	uint64_t refused_pause;        /* the present one; 0: nothing was refused */
	uint64_t next_contents;        /* when contents_changed() is asked again */
	uint64_t failures;             /* cycles that have failed */
	uint64_t polls;                /* of the kernel's rules and settings */
};

/* `refused_first` 0: a minute. */
void cycle_init(struct cycle *c, const struct cycle_effects *effects, void *context, uint64_t refused_first);
/* Handles an event and all that follow from it. */
void cycle_handle(struct cycle *c, enum cycle_event event);
/* The same for CYCLE_TREE_CHANGED or CYCLE_GUEST_CHANGED; `file` NULL: more than one file, or something that is not a file. */
void cycle_tree_changed(struct cycle *c, const char *file);
/* The same for CYCLE_APPLY and CYCLE_RELOAD.  True if what was compiled is in force. */
bool cycle_request(struct cycle *c, enum cycle_event event);
/* Ends the delay of the comparison that follows patches, if there is one. */
void cycle_compare(struct cycle *c);

bool cycle_is_failing(const struct cycle *c);

#endif
