/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines as lines of the packet log.  What they say lies within the line, numbers are within their fields, and the prefix
 * that is put together again from a line's parts is that line's.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "firewall/explain/log_line.h"

static void check_within(struct text part, struct text line)
{
	REQUIRE(!part.len || (part.ptr >= line.ptr && part.ptr + part.len <= line.ptr + line.len));
}

static void check_fields(const struct log_line *parsed)
{
	static const uint8_t bits[MODEL_FIELDS] = {
#define FIELD(ID, bits, ...) [MODEL_##ID] = bits,
#include "model/field.def"
	};

	for (int i = 0; i < MODEL_FIELDS; i++)
		if (parsed->packet.known[i] && bits[i] < 64)
			REQUIRE(!parsed->packet.value[i].high && parsed->packet.value[i].low >> bits[i] == 0);
}

static void check_prefix(const struct log_line *parsed)
{
	const struct text parts[] = { parsed->vmid, parsed->level, parsed->chain };
	struct out prefix;

	out_init_memory(&prefix);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		out_char(&prefix, ':');
		out_text(&prefix, parts[i]);
	}
	out_string(&prefix, ": ");
	out_text(&prefix, parsed->message);
	out_char(&prefix, ' ');
	if (prefix.len <= 63)
		REQUIRE(log_line_has_prefix(parsed, (struct text){ prefix.data, (uint32_t)prefix.len }));
	out_free(&prefix);
}

static void check_log_line(struct text line)
{
	struct arena arena = { 0 };
	struct log_line parsed;

	if (log_line_parse(line, &parsed)) {
		arena_free(&arena);
		return;
	}
	check_within(parsed.vmid, line);
	check_within(parsed.chain, line);
	check_within(parsed.message, line);
	check_within(parsed.in, line);
	check_within(parsed.out, line);
	check_within(parsed.physin, line);
	check_within(parsed.physout, line);
	check_fields(&parsed);
	check_prefix(&parsed);
	REQUIRE(*known_packet_text(&arena, &parsed.packet));
	json_decref(known_packet_json(&parsed.packet));
	arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text rest = { (const char *)data, (uint32_t)size };

	while (rest.ptr) {
		struct text line = fuzz_next_line(&rest);
		char *copy = malloc(line.len ? line.len : 1);

		/* A copy with nothing behind it. */
		if (line.len)
			memcpy(copy, line.ptr, line.len);
		check_log_line((struct text){ copy, line.len });
		free(copy);
	}
	return 0;
}
