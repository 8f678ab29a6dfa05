/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines are printed at the end of a buffer, then cut to what a line may have. */
#include "logger/output/line.h"

#include <time.h>

#include "logger/packet/fields.h"
#include "logger/packet/packet.h"
#include "base/escape.h"

/* ---- the prefix ---- */

/* The text before the next ':', which is taken off. */
static bool take_part(struct text *rest, struct text *part)
{
	long colon = text_find(*rest, ':');

	if (colon <= 0)
		return false;
	*part = (struct text){ rest->ptr, (uint32_t)colon };
	*rest = (struct text){ rest->ptr + colon + 1, rest->len - (uint32_t)colon - 1 };
	return true;
}

static bool is_prefix(struct text t, struct line_prefix *p)
{
	if (!text_starts(t, ":"))
		return false;
	p->message = (struct text){ t.ptr + 1, t.len - 1 };
	if (!take_part(&p->message, &p->vmid) || !take_part(&p->message, &p->level) ||
	    !take_part(&p->message, &p->chain) || !text_starts(p->message, " "))
		return false;
	p->message = (struct text){ p->message.ptr + 1, p->message.len - 1 };
	return text_all_digits(p->vmid) && p->level.len == 1 && p->level.ptr[0] >= '0' &&
	       p->level.ptr[0] <= '7' && text_find(p->chain, ' ') < 0;
}

struct line_prefix line_prefix_of(struct text prefix)
{
	struct line_prefix p;

	if (is_prefix(prefix, &p))
		return p;
	return (struct line_prefix){ TEXT("0"), TEXT("6"), TEXT("-"), prefix };
}

/* ---- parts of a line ---- */

/* Text from elsewhere, which must not end the line nor act on a terminal. */
static void put_foreign(struct out *out, struct text t)
{
	uint32_t plain = 0;

	while (plain < t.len && t.ptr[plain] >= ' ' && t.ptr[plain] <= '~')
		plain++;
	if (plain == t.len)
		out_text(out, t);
	else
		out_escaped(out, t);
}

/* Local time; formatted again for each new second. */
static void put_time(struct line_printer *printer, struct out *out, int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm parts;

	if (seconds != printer->shown || !printer->time[0]) {
		if (!localtime_r(&when, &parts) ||
		    !strftime(printer->time, sizeof(printer->time), "%d/%b/%Y:%H:%M:%S %z", &parts))
			strcpy(printer->time, "-");
		printer->shown = seconds;
	}
	field_word(out, printer->time);
}

static void put_interface(struct line_printer *printer, struct out *out, const char *name, uint32_t index)
{
	if (!index)
		return;
	out_string(out, name);
	out_text(out, interface_name(&printer->interfaces, index));
	out_char(out, ' ');
}

/* Ends the line that begins at `start`. */
static void end_log_line(struct out *out, size_t start)
{
	if (out->len > start && out->data[out->len - 1] == ' ')
		out->len--;
	if (out->len - start > LINE_MOST - 1)
		out->len = start + LINE_MOST - 1;
	out_char(out, '\n');
}

/* ---- lines ---- */

static void put_prefix(struct line_printer *printer, struct out *out, const struct logged_packet *packet)
{
	struct line_prefix p = line_prefix_of(packet->prefix);

	out_text(out, p.vmid);
	out_char(out, ' ');
	out_text(out, p.level);
	out_char(out, ' ');
	put_foreign(out, p.chain);
	out_char(out, ' ');
	put_time(printer, out, packet->seconds ? packet->seconds : printer->now);
	put_foreign(out, p.message);
	if (p.message.len && p.message.ptr[p.message.len - 1] != ' ')
		out_char(out, ' ');
}

bool line_packet(struct line_printer *printer, struct out *out, const struct logged_packet *packet)
{
	size_t start = out->len;
	bool whole;

	put_prefix(printer, out, packet);
	put_interface(printer, out, "IN=", packet->in);
	put_interface(printer, out, "OUT=", packet->out);
	put_interface(printer, out, "PHYSIN=", packet->physin);
	put_interface(printer, out, "PHYSOUT=", packet->physout);
	if (packet->link.len)
		field_octets(out, "MAC=", packet->link);
	whole = packet_print(out, packet->ethertype, packet->data);
	if (packet->mark)
		field_number(out, "mark=", packet->mark);
	end_log_line(out, start);
	return whole;
}

void line_message(struct line_printer *printer, struct out *out, int level, struct text message)
{
	size_t start = out->len;

	out_string(out, "0 ");
	out_number(out, (uint64_t)level);
	out_string(out, " - ");
	put_time(printer, out, printer->now);
	put_foreign(out, message);
	end_log_line(out, start);
}
