/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the script of a tool, with the source line of each line, the changed objects and the differences. */
#include <stdio.h>

#include "xtables/load/xt_state.h"

void xt_script_line(struct xt_script *script, struct span span)
{
	struct xt_origin origin = { ++script->line, span };

	if (script->tracing && span.begin)
		out_bytes(&script->origins, (const char *)&origin, sizeof(origin));
}

void xt_script_printf(struct xt_script *script, const char *format, ...)
{
	va_list args;
	char line[256];
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	out_bytes(script->out, line, len < (int)sizeof(line) ? (size_t)len : sizeof(line) - 1);
	xt_script_line(script, SPAN_NONE);
}

void xt_script_touch(struct xt_script *script, struct text name, const char *digest, uint32_t rules)
{
	struct xt_touched touched = { .rules = rules };

	if (!script->tracing || name.len >= sizeof(touched.name))
		return;
	memcpy(touched.name, name.ptr, name.len);
	memcpy(touched.digest, digest, strlen(digest) + 1);
	out_bytes(&script->touched, (const char *)&touched, sizeof(touched));
}

void xt_script_differs(struct xt_script *script, bool certain, const char *format, ...)
{
	va_list args;
	char line[256];
	int len;

	if (!script->tracing || !script->explain)
		return;
	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	out_char(&script->differences, certain ? '!' : '?');
	out_bytes(&script->differences, line, len < (int)sizeof(line) ? (size_t)len : sizeof(line) - 1);
	out_char(&script->differences, '\n');
}

struct span xt_script_origin(const struct xt_script *script, uint32_t line)
{
	const struct xt_origin *origins = (const struct xt_origin *)script->origins.data;
	size_t low = 0, high = script->origins.len / sizeof(*origins);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (origins[middle].line == line)
			return origins[middle].span;
		if (origins[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	return SPAN_NONE;
}

void xt_script_free(struct xt_script *script)
{
	out_free(&script->origins);
	out_free(&script->touched);
	out_free(&script->differences);
}

/* ---- lines ---- */

void xt_script_lines(struct xt_script *script, struct text lines, const struct out *spans)
{
	const struct span *span = spans ? (const struct span *)(const void *)spans->data : NULL;

	out_text(script->out, lines);
	for (uint32_t i = 0; i < lines.len; i++)
		if (lines.ptr[i] == '\n')
			xt_script_line(script, span ? *span++ : SPAN_NONE);
}
