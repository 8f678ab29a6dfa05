/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xtables/print/print.h"

static void eb_print_word(struct out *out, const char *option, struct text word)
{
	if (!word.len)
		return;
	out_string(out, option);
	out_text(out, word);
}

/* Without leading zeros, as ebtables does. */
static void eb_print_mac(struct out *out, const uint8_t mac[6])
{
	for (int i = 0; i < 6; i++) {
		if (i)
			out_char(out, ':');
		if (mac[i] > 0xf)
			out_char(out, hex_digit(mac[i] >> 4));
		out_char(out, hex_digit(mac[i]));
	}
}

void eb_print_rules(struct out *out, const struct eb_chain *chain)
{
	static const struct text verdicts[] = {
		[EB_ACCEPT] = TEXT_INIT("ACCEPT"), [EB_DROP] = TEXT_INIT("DROP"), [EB_RETURN] = TEXT_INIT("RETURN"),
	};
	char text[PREFIX_TEXT_SIZE];

	for (const struct eb_rule *rule = chain->first; rule; rule = rule->next) {
		out_string(out, "-A ");
		out_text(out, chain->name);
		eb_print_word(out, " -p ", rule->protocol.name);
		eb_print_word(out, " -i ", rule->in_iface);
		eb_print_word(out, " -o ", rule->out_iface);
		if (rule->not_source) {
			out_string(out, " -s ! ");
			eb_print_mac(out, rule->not_source);
		}
		if (rule->arp_source.family)
			eb_print_word(out, " --arp-ip-src ", (struct text){ text, prefix_format(&rule->arp_source, text) });
		eb_print_word(out, " -j ", rule->target == EB_JUMP ? rule->chain->name : verdicts[rule->target]);
		out_char(out, '\n');
	}
}
