/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes are rows of stock's regression tests.  Each line that is no comment is a test or a mistake; a row that is
 * right says something about its text.
 */
#include "fuzz.h"

#include "policy/policy_suite.h"

static const struct backend *fuzz_target(const void *context, const struct config *config)
{
	(void)context, (void)config;
	return NULL;
}

static void check_items(const struct policy_suite *suite, const struct source *source)
{
	for (const struct policy_item *item = suite->first; item; item = item->next) {
		REQUIRE(item->span.begin >= source->base && item->span.end <= source->base + source->size);
		REQUIRE(item->text.len > 0);
		REQUIRE((item->report.result == POLICY_PASSED) == (item->report.d == NULL));
		if (item->report.result == POLICY_ERROR)
			continue;
		REQUIRE(item->text.ptr[0] == '{');
		REQUIRE(memmem(item->text.ptr, item->text.len, "action", 6) != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config, *configs[1];
	struct policy_suite_options options = { .configs = configs, .count = 1, .target = fuzz_target, .budget = { 200000, 16 << 20 } };
	struct policy_suite suite;
	struct source *source;
	struct fuzz f;

	if (!size)
		return 0;
	fuzz_start(&f);
	config = fuzz_compile(&f, FILE_GUEST, TEXT("[OPTIONS]\nenable: 1\n[RULES]\nIN ACCEPT -p tcp -dport 22\n"));
	configs[0] = config;
	source = fuzz_source(&f, "rows", (struct text){ (const char *)data + 1, (uint32_t)size - 1 });
	suite = (struct policy_suite){ .arena = &f.arena, .diags = &f.diags, .netdb = fuzz_netdb(), .is_asked = true };
	policy_suite_open(&suite, &options);
	policy_suite_file(&suite, source, true);
	check_items(&suite, source);
	policy_suite_close(&suite);
	config_free(config);
	fuzz_end(&f);
	return 0;
}
