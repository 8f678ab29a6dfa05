/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds for every line of the logger. */
#ifndef PVEFW_LOGGER_LINES_H
#define PVEFW_LOGGER_LINES_H

#include "fuzz.h"
#include "logger/output/line.h"

/* Prints the packet's line behind another one; it must leave that alone, be one line of no more than it
 * may have, hold nothing that acts on a terminal, and say so if it could not be read. */
static inline void check_line(const struct logged_packet *packet)
{
	static struct line_printer printer;
	struct out out;
	struct text line;
	bool whole;

	out_init_memory(&out);
	out_string(&out, "before\n");
	whole = line_packet(&printer, &out, packet);
	REQUIRE(memcmp(out.data, "before\n", 7) == 0);
	line = (struct text){ out.data + 7, (uint32_t)out.len - 7 };
	REQUIRE(line.len > 1 && line.len <= LINE_MOST);
	REQUIRE(text_find(line, '\n') == line.len - 1);
	for (uint32_t i = 0; i < line.len - 1; i++)
		REQUIRE((unsigned char)line.ptr[i] >= ' ' && line.ptr[i] != 0x7f);
	/* One that is cut may have lost it. */
	REQUIRE(whole || line.len == LINE_MOST || memmem(line.ptr, line.len, " INVALID=", 9));
	out_free(&out);
}

#endif
