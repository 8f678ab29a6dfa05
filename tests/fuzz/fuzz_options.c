/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as the lines below [OPTIONS]; the first one says of which kind of file.
 * Whatever is written, each option ends up with a value that it can have. */
#include "fuzz.h"

#include "lang/option_values.h"
#include "lang/tables.h"

static void check_ratelimit(const struct ratelimit *limit)
{
	uint64_t burst;

	REQUIRE(!limit->burst_text.len || text_to_number(limit->burst_text, UINT32_MAX, &burst));
	REQUIRE(!limit->rate.len || text_find(limit->rate, '/') > 0);
}

static void check_layer2(const struct layer2_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		REQUIRE(list->items[i].name.len && list->items[i].number);
}

static void check_value(const struct option_row *row, const void *value)
{
	const struct helper_list *helpers = value;
	const struct queues *queues = value;

	switch (row->type) {
	case OPTION_BOOL:
		break;
	case OPTION_NUMBER:
		REQUIRE(*(const int64_t *)value == row->default_value ||
			(*(const int64_t *)value >= row->least && *(const int64_t *)value <= row->most));
		break;
	case OPTION_POLICY:
		REQUIRE(((const struct policy *)value)->action < ACTIONS);
		break;
	case OPTION_POLICY_FORWARD:
		REQUIRE(((const struct policy *)value)->action <= ACTION_DROP);
		break;
	case OPTION_LOGLEVEL:
		REQUIRE(*(const enum log_level *)value < LOG_LEVELS);
		break;
	case OPTION_RATELIMIT:
		check_ratelimit(value);
		break;
	case OPTION_HELPERS:
		for (unsigned i = 0; i < helpers->count; i++)
			REQUIRE(helpers->order[i] < helper_count);
		break;
	case OPTION_QUEUES:
		REQUIRE(queues->first <= queues->last);
		break;
	case OPTION_LAYER2:
		check_layer2(value);
		break;
	}
}

static void check_options(struct fuzz *f, enum file_kind kind, const void *options)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = &option_table[id];

		if (row->kind != kind)
			continue;
		check_value(row, (const char *)options + row->offset);
		REQUIRE(option_value_text(&f->arena, (enum option_id)id, options)[0]);
	}
}

/* Where the options of a file ended up. */
static const void *options_of(const struct config *config, enum file_kind kind)
{
	return kind == FILE_CLUSTER ? (const void *)&config->cluster_options
	       : kind == FILE_HOST  ? (const void *)&config->host_options
	       : kind == FILE_GUEST ? (const void *)&config->guests->options
				    : (const void *)&config->vnets->options;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text parts[2] = { TEXT("[OPTIONS]\n") };
	enum file_kind kind;
	struct config *config;
	struct fuzz f;

	if (!size)
		return 0;
	kind = fuzz_kind(data[0]);
	parts[1] = (struct text){ (const char *)data + 1, (uint32_t)size - 1 };
	fuzz_start(&f);
	config = fuzz_compile(&f, kind, arena_join(&f.arena, parts, 2));
	check_options(&f, kind, options_of(config, kind));
	config_free(config);
	fuzz_end(&f);
	return 0;
}
