/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines as the values of -source and -dest: what is left after the checks is what
 * the backends rely on. */
#include "fuzz.h"

static void check_prefixes(const struct endpoint *e)
{
	REQUIRE(e->count > 0 && (e->kind != ENDPOINT_RANGE || e->count == 2));
	for (uint32_t i = 0; i < e->count; i++) {
		REQUIRE(prefix_family_mask(&e->prefixes[i]) == e->family_mask);
		REQUIRE(!prefix_has_host_bits(&e->prefixes[i]));
	}
	REQUIRE(e->kind != ENDPOINT_RANGE || address_compare(&e->prefixes[0], &e->prefixes[1]) <= 0);
}

static void check_endpoint(const struct endpoint *e)
{
	switch (e->kind) {
	case ENDPOINT_ANY:
		break;
	case ENDPOINT_SET:
		REQUIRE(e->ipset && e->family_mask == IPV_BOTH);
		break;
	case ENDPOINT_ALIAS:
		REQUIRE(e->alias && e->alias->valid && e->family_mask == prefix_family_mask(&e->alias->prefix));
		break;
	case ENDPOINT_RANGE:
	case ENDPOINT_LIST:
		check_prefixes(e);
	}
}

/* A rule for each word. */
static struct out rules_of(struct text words)
{
	struct out out;

	out_init_memory(&out);
	out_string(&out, "[RULES]\n");
	for (unsigned i = 0; words.ptr; i++) {
		out_string(&out, i % 2 ? "IN ACCEPT -source " : "OUT DROP -dest ");
		out_text(&out, fuzz_next_line(&words));
		out_char(&out, '\n');
	}
	return out;
}

static void check_rules(const struct rule_list *rules)
{
	for (const struct rule *rule = rules->first; rule; rule = rule->next) {
		check_endpoint(rule->source);
		check_endpoint(rule->dest);
	}
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
