/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line as the value of -p, the others as port lists and ICMP types of it. */
#include "fuzz.h"

static void check_ports(const struct ports *ports, const struct proto *proto)
{
	if (!ports)
		return;
	REQUIRE(proto->has_ports && ports->count > 0);
	for (uint32_t i = 0; i < ports->count; i++)
		REQUIRE(ports->ranges[i].first <= ports->ranges[i].last);
}

static void check_icmp(const struct condition *c)
{
	for (int i = 0; i < 2; i++) {
		const struct icmp_match *match = &c->icmp[i];

		REQUIRE(!match->text.len || c->proto.icmp);
		REQUIRE(!match->type || match->type->family_mask == c->proto.icmp);
		REQUIRE(!match->text.len || match->type || text_all_digits(match->text));
	}
}

static void check_rules(const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next)
		for (uint32_t i = 0; i < rule->condition_count; i++) {
			const struct condition *c = &rule->conditions[i];

			REQUIRE(c->proto.text.len);
			check_ports(c->dport, &c->proto);
			check_ports(c->sport, &c->proto);
			check_icmp(c);
		}
}

/* A rule for each line. */
static struct out rules_of(struct text lines)
{
	static const char *const keys[] = { "-dport", "-sport", "-icmp-type" };
	struct text proto = fuzz_next_line(&lines);
	struct out out;

	out_init_memory(&out);
	out_string(&out, "[RULES]\n");
	for (unsigned i = 0; lines.ptr; i++) {
		struct text line = fuzz_next_line(&lines);

		out_string(&out, "IN ACCEPT -p ");
		out_text(&out, proto);
		out_printf(&out, " %s ", keys[i % 3]);
		out_text(&out, line);
		out_char(&out, '\n');
	}
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct out rules = rules_of((struct text){ (const char *)data, (uint32_t)size });
	struct config *config;
	struct fuzz f;

	fuzz_start(&f);
	config = fuzz_compile(&f, FILE_GUEST, (struct text){ rules.data, (uint32_t)rules.len });
	check_rules(&config->guests->rules);
	config_free(config);
	fuzz_end(&f);
	out_free(&rules);
	return 0;
}
