/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lint says of rules that others or the policy make needless, against a model that asks every
 * packet: a few addresses, ports and protocols are enough to tell all of a chain's rules apart.
 */
#include <stdio.h>

#include "resolve/compile.h"
#include "fixture.h"
#include "lint/lint.h"
#include "inputs/netdb.h"
#include "random_sets.h"

enum { CHAINS = 400, RULES = 12, ADDRESSES = 9, PORTS = 9, PROTOS = 4 };

/* Addresses 0..7 are 10.0.0.0 to 10.0.0.7, 8 any other; ports 0..7 are 1000 to 1007, 8 any other. */
static const char *const nets[] = { "10.0.0.0/29",
				    "10.0.0.0/30",
				    "10.0.0.4/30",
				    "10.0.0.2/31",
				    "10.0.0.5",
				    "10.0.0.1-10.0.0.6",
				    "10.0.0.0/31,10.0.0.6/31",
				    "+some" };
static const uint8_t net_bits[] = { 0xff, 0x0f, 0xf0, 0x0c, 0x20, 0x7e, 0xc3, 0xe7 };
static const char *const ports[] = { "1000:1007", "1000:1003", "1004:1007", "1001,1002,1006", "1005" };
static const uint8_t port_bits[] = { 0xff, 0x0f, 0xf0, 0x46, 0x20 };
static const char *const protos[] = { "tcp", "udp", "icmp", "esp" };

/* A rule of the model. */
struct model {
	bool in;
	enum action action;
	int source, dest, port, proto; /* indexes; -1: any */
};

static bool has(uint8_t bits, unsigned n)
{
	return n < 8 && (bits >> n & 1);
}

static bool matches(const struct model *m, unsigned source, unsigned dest, unsigned proto, unsigned port)
{
	return (m->source < 0 || has(net_bits[m->source], source)) &&
	       (m->dest < 0 || has(net_bits[m->dest], dest)) &&
	       (m->proto < 0 || (unsigned)m->proto == proto) &&
	       (m->port < 0 || has(port_bits[m->port], port));
}

static int any_or(unsigned count)
{
	return random_below(3) ? (int)random_below(count) : -1;
}

static struct model random_model(void)
{
	struct model m = { .in = random_below(8) != 0, .action = (enum action)random_below(2), .port = -1 };

	m.source = any_or(sizeof(nets) / sizeof(nets[0]));
	m.dest = any_or(sizeof(nets) / sizeof(nets[0]));
	m.proto = any_or(PROTOS);
	if (m.proto == 0 || m.proto == 1)
		m.port = any_or(sizeof(ports) / sizeof(ports[0]));
	return m;
}

static int write_rule(char *text, size_t room, const struct model *m)
{
	int len = snprintf(text, room, "%s %s -log nolog", m->in ? "IN" : "OUT", action_names[m->action]);

	if (m->source >= 0)
		len += snprintf(text + len, room - (size_t)len, " -source %s", nets[m->source]);
	if (m->dest >= 0)
		len += snprintf(text + len, room - (size_t)len, " -dest %s", nets[m->dest]);
	if (m->proto >= 0)
		len += snprintf(text + len, room - (size_t)len, " -p %s", protos[m->proto]);
	if (m->port >= 0)
		len += snprintf(text + len, room - (size_t)len, " -dport %s", ports[m->port]);
	return len + snprintf(text + len, room - (size_t)len, "\n");
}

/* A packet of the model. */
struct packet {
	unsigned source, dest, proto, port;
};

enum { PACKETS = ADDRESSES * ADDRESSES * PORTS * PROTOS };

static struct packet packet_of(unsigned n)
{
	return (struct packet){ n % ADDRESSES, n / ADDRESSES % ADDRESSES, n / ADDRESSES / ADDRESSES / PORTS,
				n / ADDRESSES / ADDRESSES % PORTS };
}

/* The first rule from `from` on, in the direction of rule `at`, that decides. */
static int decider(const struct model *models, int from, int at, const struct packet *p)
{
	while (from < RULES && (models[from].in != models[at].in ||
				!matches(&models[from], p->source, p->dest, p->proto, p->port)))
		from++;
	return from;
}

/* 0: reached; 1: covered by rules that do the same; 2: not all of them do. */
static int model_covered(const struct model *models, int at)
{
	int covered = 1;

	for (unsigned n = 0; n < PACKETS; n++) {
		struct packet p = packet_of(n);
		int by = decider(models, 0, at, &p);

		if (!matches(&models[at], p.source, p.dest, p.proto, p.port))
			continue;
		if (by >= at)
			return 0;
		if (models[by].action != models[at].action)
			covered = 2;
	}
	return covered;
}

/* Without the rule the rules below, or the policy, do the same. */
static bool model_is_needless(const struct model *models, int at)
{
	enum action policy = models[at].in ? ACTION_DROP : ACTION_ACCEPT;

	for (unsigned n = 0; n < PACKETS; n++) {
		struct packet p = packet_of(n);
		int next;

		if (decider(models, 0, at, &p) != at)
			continue;
		next = decider(models, at + 1, at, &p);
		if ((next == RULES ? policy : models[next].action) != models[at].action)
			return false;
	}
	return true;
}

/* What was said of a line: as model_covered(). */
static int said(struct fixture *f, uint32_t line)
{
	for (const struct diagnostic *d = f->diags.first; d; d = d->next) {
		if (d->id != DIAG_RULE_SHADOWED && d->id != DIAG_RULE_REDUNDANT)
			continue;
		if (source_line_number(&f->map, d->span.begin) == line)
			return d->id == DIAG_RULE_SHADOWED ? 2 : 1;
		for (const struct diag_part *p = d->parts; p; p = p->next)
			if (p->kind == DIAG_LABEL && strcmp(p->text, "nor is this rule") == 0 &&
			    source_line_number(&f->map, p->span.begin) == line)
				return 3;
	}
	return 0;
}

static bool said_like_policy(struct fixture *f, uint32_t line)
{
	for (const struct diagnostic *d = f->diags.first; d; d = d->next)
		if ((d->id == DIAG_RULE_LIKE_POLICY || d->id == DIAG_RULE_OF_NOISE) &&
		    source_line_number(&f->map, d->span.begin) == line)
			return true;
	return false;
}

static void lint_text(struct fixture *f, const char *text, size_t len)
{
	struct inputs inputs = { .root = "tests/unit", .node = TEXT("none") };
	struct config *config;

	inputs.netdb = netdb_load(&f->diags, "tests/cases/etc/services", "tests/cases/etc/protocols",
				  "tests/cases/etc/ethertypes");
	inputs.cluster = source_add(&f->map, "firewall/cluster.fw", text, len);
	config = compile(&inputs, &f->diags);
	ck_assert_uint_eq(reported_any(f), 0);
	lint_run(config, &inputs, &f->diags);
	config_free(config);
}

/* How often a rule was said to be like the policy. */
static unsigned like_policy;

static void check_chain(void)
{
	static const char head[] = "[IPSET some]\n10.0.0.0/29\n!10.0.0.3\n!10.0.0.4\n[RULES]\n";
	enum { FIRST_LINE = 6 };
	struct model models[RULES];
	char text[8192];
	size_t len = sizeof(head) - 1;
	struct fixture f;

	memcpy(text, head, len);
	for (int i = 0; i < RULES; i++) {
		models[i] = random_model();
		len += (size_t)write_rule(text + len, sizeof(text) - len, &models[i]);
	}
	fixture_start(&f);
	lint_text(&f, text, len);
	for (int i = 0; i < RULES; i++) {
		int wanted = model_covered(models, i), got = said(&f, (uint32_t)(FIRST_LINE + i));

		if (got == 3 ? !wanted : got != wanted)
			ck_abort_msg("line %d: %d is said, %d is right, of\n%.*s", FIRST_LINE + i, got,
				     wanted, (int)len, text);
		if (!said_like_policy(&f, (uint32_t)(FIRST_LINE + i)))
			continue;
		like_policy++;
		if (!model_is_needless(models, i))
			ck_abort_msg("line %d: it is needed, in\n%.*s", FIRST_LINE + i, (int)len, text);
	}
	fixture_end(&f);
}

START_TEST(as_the_model_says)
{
	for (int i = 0; i < CHAINS; i++)
		check_chain();
	ck_assert_uint_gt(like_policy, 100);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("model");

	tcase_add_test(tests, as_the_model_says);
	return run_suite("lint_cover", tests);
}
