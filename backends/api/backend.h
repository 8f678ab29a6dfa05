/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a backend is: it lowers the resolved configuration to what its target
 * loads, and prints that.  All are found in one registry.
 */
#ifndef PVEFW_BACKEND_H
#define PVEFW_BACKEND_H

#include "config/config.h"
#include "base/output.h"
#include "meaning/translator.h"
#include "source/source.h"

/* Identifies a refused rule that no line of source requests. */
enum stand_in {
	STAND_IN_NOTHING,    /* it is left out */
	STAND_IN_DROP,       /* a rule that drops everything: its chain is for packets that are not let through */
	STAND_IN_IMPOSSIBLE, /* without it guests, or the host, are not filtered: the target cannot be loaded */
};

/* Why something could not be loaded; `span` is the line that asks for it, or {0, 0}. */
struct backend_problem {
	struct span span;
	const char *text;
	/* The kernel or a tool does not take what it was given, and without `span`, or without the rule of the
	 * ruleset (in the target's language) where there is no line, the rest may be taken. */
	bool refused;
	const char *rule;
	enum stand_in stand_in;
	bool repeated; /* says what another one says, of one more rule: not for people */
	/* Lacking as a whole: LAYERS if it is none.  Where loading succeeds all the same, all else is loaded. */
	enum layer layer;
	enum layer part; /* what can do without if no rule is to blame, or LAYERS */
	struct backend_problem *next;
};

/* A rule of what was refused without a word about which; see struct backend_problem. */
struct backend_suspect {
	struct span span;
	const char *rule;
	enum layer layer; /* that it belongs to, or LAYERS */
	enum stand_in stand_in;
};

/*
 * In what the kernel differed from what is desired, before that was loaded.  `certain`: somebody else has changed it;
 * else the configuration may have changed since it was loaded, which the caller knows.
 */
struct backend_difference {
	bool certain;
	const char *text;
	struct backend_difference *next;
};

/* So many are kept; all are counted. */
enum { BACKEND_DIFFERENCES_MOST = 16 };

/* Loading into the kernel: options, and results. */
struct backend_loading {
	struct arena *arena; /* for the problems */
	bool whole;          /* replace what has not changed, too */
	bool dry;            /* find out what would be sent, and send nothing */
	bool strict;         /* a layer that is missing or fails is a failure of all */
	bool unsure;         /* it has failed, or not: the kernel's answer was lost */
	bool patched;        /* load_guests() was the last to load: a table of guests that is missing was removed by others */
	bool stale;          /* load_guests() has failed because what is loaded is not known: none can be loaded so */
	struct backend_problem *problems, **last_problem;
	struct backend_suspect *suspects; /* of the refusals that name no rule */
	uint32_t suspect_count;
	const char *suspicion; /* what was said then; or NULL */
	struct backend_difference *differences, **last_difference;
	uint32_t difference_count, certain_count;
	uint32_t transactions;                            /* that the kernel has taken, of those it counts (generation()) */
	uint32_t messages, sets, chains, rules, elements; /* sent */
	uint32_t deleted;                                 /* objects, elements and contents of chains */
	size_t bytes;
	int64_t lower_time, read_time, build_time, kernel_time; /* nanoseconds */
};

void backend_difference_add(struct backend_loading *loading, bool certain, struct text text);
/* Returns it: neither refused nor a layer, unless the caller changes that. */
struct backend_problem *backend_problem_add(struct backend_loading *loading, struct span span, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What becomes of a packet that a rule decides. */
enum backend_outcome {
	BACKEND_ACCEPTED,
	BACKEND_DROPPED,
	BACKEND_REJECTED,
	BACKEND_PASSED_ON, /* to rules that decide, as those of a security group */
	BACKEND_OUTCOMES
};

enum backend_zone_kind {
	BACKEND_HOST,
	BACKEND_GUEST,
	BACKEND_VNET,
	BACKEND_GROUP, /* rules that hosts and guests have in common */
};

/* Whose traffic a rule decides about. */
struct backend_zone {
	enum backend_zone_kind kind;
	struct text name; /* "host", the VMID, the vnet's or the group's name */
};

/*
 * What one loaded rule has counted since it was loaded.  A line can have several, in
 * one zone or in many.
 */
struct backend_count {
	const struct source *source;
	uint32_t line;      /* from 1; 0: an option that the file does not set */
	struct text option; /* then its name */
	struct backend_zone zone;
	enum backend_outcome outcome;
	uint64_t packets, bytes;
};

/* The count, and the texts in it, do not last beyond the call. */
typedef void backend_count_function(void *context, const struct backend_count *count);

/*
 * A rule of the lowered form, by where it is loaded: it is `count` rules of the chain, from `position` (0 is the first)
 * on.  Texts do not last beyond the call.
 */
struct backend_lowered {
	uint8_t family; /* NFPROTO_ of the table in nf_tables */
	const char *table;
	struct text chain;
	uint32_t position, count;
	struct span span; /* of the line that asks for it, or SPAN_NONE */
	struct text comment; /* that it is loaded with; len 0: none */
};

typedef void backend_lowered_function(void *context, const struct backend_lowered *rule);

struct backend;

/*
 * What a backend has loaded into the network namespace of the calling thread, as far as it is known.  A service keeps
 * one from load to load; a command opens one for a single load.  Each backend has a structure that begins with this.
 */
struct backend_session {
	const struct backend *backend;
	bool loads_once; /* nothing needs to be known after a load */
};

struct backend {
	const char *name; /* of --target */
	const char *text; /* for --help */
	/* What is loaded by it, for administrators: the netlink backend loads "nftables". */
	const char *target;
	bool forwards; /* enforces FORWARD rules, and those of vnets */
	/* Filters frames between guests only where bridges hand them to iptables: sysctls net.bridge.bridge-nf-call-*,
	 * and a firewall bridge for each NIC. */
	bool needs_bridge_calls;
	uint32_t layers; /* bits of enum layer: what a kernel or the tools may lack of it */

	/* ---- printing ---- */

	/* One text: what `compile` prints without -o. */
	void (*print)(struct out *out, const struct config *config);
	/* Names of the files that `compile -o DIR` writes, ended by NULL.  `files` is NULL if -o names one file, which
	 * gets what `print` prints. */
	const char *const *files;
	/* Prints the file of that index into `files`. */
	void (*print_file)(struct out *out, const struct config *config, unsigned file);
	/* What -o gets instead, where that is not for people; or NULL. */
	void (*write)(struct out *out, const struct config *config);
	/* The ruleset in the language of the tool that lists it. */
	void (*list)(struct out *out, const struct config *config);
	/* The lowered ruleset for people (--dump=ruleset). */
	void (*dump)(struct out *out, const struct config *config);

	/* ---- meaning ---- */

	/* A translator of what this backend makes of the configuration to packet programs; ended by translator_close(). */
	struct translator *(*meaning)(const struct config *config, const struct model_ifaces *ifaces);

	/* Calls back for each rule that `config` is lowered to, chain by chain. */
	void (*lowered)(const struct config *config, backend_lowered_function *function, void *context);

	/* ---- loading ---- */

	/* Never fails: a kernel or tool that cannot be asked becomes a problem of the load.  Ended by close(), which
	 * leaves in force what is loaded. */
	struct backend_session *(*open)(const struct backend *backend);
	void (*close)(struct backend_session *session);
	/* Nothing is known any more: the next load compares contents. */
	void (*forget)(struct backend_session *session);
	/*
	 * Loads what differs from `config`, all or nothing, or with `config` NULL takes away what is ours.  False: there are
	 * problems, and what was loaded before is in force unless one of them says otherwise.
	 */
	bool (*load)(struct backend_session *session, struct backend_loading *loading, const struct config *config);
	/*
	 * The fast path for changes of guests' files.  The old guests are as they were when the session was loaded; the guests
	 * of `config` do not matter.  Only the guests' own chains are written, all or nothing.  False: more than they would
	 * change, or it was refused; nothing is changed, and everything is to be loaded by load().
	 */
	bool (*load_guests)(struct backend_session *session, struct backend_loading *loading, const struct config *config,
			    const struct guest_change *changes, unsigned count);
	/*
	 * After load_guests(): compares what is loaded with what the session knows, and removes what the changes have left
	 * unused.  False: it is not known, or more would have to change, and everything is to be loaded by load().
	 */
	bool (*tidy)(struct backend_session *session, struct backend_loading *loading);
	/* Whether load() would change anything; with `dry` of the loading its differences say what.  A problem: true. */
	bool (*differs)(struct backend_session *session, struct backend_loading *loading, const struct config *config);
	/* Whether any packets reach our rules. */
	bool (*is_in_force)(struct arena *arena);
	/* Whether certainly none of our rules are loaded, even if load() of NULL fails; or NULL. */
	bool (*is_absent)(void);

	/* ---- changes by other programs: reported by the kernel, or polled ---- */

	/* Starts to listen; returns a descriptor that becomes readable, or -errno.  NULL: no notifications. */
	int (*watch)(struct backend_session *session);
	/* Reads all notifications.  True if one may concern our rules, or if any were lost. */
	bool (*watch_take)(struct backend_session *session);
	void (*watch_end)(struct backend_session *session);
	/* The kernel's count of transactions, of whoever; 0: not known. */
	uint32_t (*generation)(struct backend_session *session);
	/* Whether rules may have been changed since they were loaded; takes microseconds.  NULL: watch() tells. */
	bool (*is_stale)(struct backend_session *session);
	/* The same of what leaves no trace, such as members of IP sets; takes milliseconds. */
	bool (*has_changed)(struct backend_session *session);

	/* ---- counters ---- */

	/*
	 * Calls back for each loaded rule that decides for a line of `config`, which is what
	 * was loaded.  Rules of other files are left out; their number is put into *skipped.
	 * 0 or an errno: EINTR when the rules were changed meanwhile, and what was called
	 * back does not count.
	 */
	int (*counters)(const struct config *config, backend_count_function *function, void *context,
			uint32_t *skipped);
};

/* Loads by a session of its own. */
bool backend_load_once(const struct backend *backend, struct backend_loading *loading, const struct config *config);

extern const struct backend backend_iptables, backend_nft, backend_netlink;

/* All of them, ended by NULL; the first is the default. */
extern const struct backend *const backends[];

const struct backend *backend_find(struct text name);

/* Those that a host's options choose between, ended by NULL: what both have loaded is in force. */
extern const struct backend *const backend_targets[];

/* The one that `nftables` of host.fw chooses. */
const struct backend *backend_of_host(const struct config *config);

#endif
