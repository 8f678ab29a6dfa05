/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pve-firewall trace: live packets, the lines that decide about them, and the model beside the kernel. */
#include <signal.h>

#include "commands/question_options.h"
#include "firewall/view/bounded.h"
#include "firewall/commands/firewall.h"
#include "firewall/view/loaded_view.h"
#include "firewall/view/service_client.h"
#include "firewall/trace/tracer.h"

enum { TRACE_SERVICE_WAIT = 1500 /* milliseconds */, TRACE_PACKETS = 20, TRACE_SECONDS = 60, TRACE_RATE = 10 };

/* What the command line asks for. */
struct trace_command {
	json_t *service; /* its answer to status, or NULL */
	uint32_t packets, seconds, rate;
	struct loaded_view *loaded;
	struct path_end from, to; /* what they refer to is a copy: the configuration can be read again */
	struct guest guests[2];
	struct nic nics[2];
	struct arena arena;
};

/* ---- options ---- */

static bool trace_read_number(const struct cli *cli, unsigned option, uint32_t most, uint32_t *number)
{
	const char *value = cli->value[option];
	uint64_t given;

	if (!value)
		return true;
	if (text_to_number(text_of(value), most, &given) && given) {
		*number = (uint32_t)given;
		return true;
	}
	cli_error("%s takes a number from 1 to %u, not `%s`", cli_shown(cli, option), most, value);
	return false;
}

/* The matches of one family that the command line asks for by name; values that it leaves open are not compared. */
static void trace_add_side(struct trace_command *c, struct trace_filter *filter, const struct packet_request *request,
			   unsigned family)
{
	struct model_match all[PACKET_MATCHES_MAX], *matches = ARENA_ARRAY(&c->arena, struct model_match, PACKET_MATCHES_MAX);
	uint32_t count = packet_request_matches(request, family, all), kept = 0;
	struct trace_side *side = &filter->sides[filter->side_count++];
	bool is_open = true;

	for (uint32_t i = 0; i < count; i++) {
		const struct requested_field *field = &request->fields[all[i].field];

		if (all[i].field != MODEL_ETHERTYPE && (field->given || all[i].field == MODEL_PROTOCOL)) {
			matches[kept++] = all[i];
			is_open = false;
		}
	}
	is_open &= request->family_mask == IPV_BOTH && !request->arp;
	*side = (struct trace_side){ .family_mask = is_open || request->arp ? 0 : family, .matches = matches, .count = kept };
	if (request->arp)
		matches[side->count++] = all[0];
}

static void trace_add_sides(struct trace_command *c, struct trace_filter *filter, const struct packet_request *request)
{
	if (request->arp || request->family_mask & IPV4)
		trace_add_side(c, filter, request, IPV4);
	/* If IPv4 is not told from others, the side is that of all frames. */
	if (!request->arp && request->family_mask & IPV6 && (!filter->side_count || filter->sides[0].family_mask))
		trace_add_side(c, filter, request, IPV6);
}

static const char *trace_set_zones(struct trace_filter *filter, const struct packet_words *words,
				   const struct packet_request *request)
{
	filter->incoming = filter->outgoing = true;
	if (words->from) {
		filter->incoming = request->from.zone != PATH_HOST;
		filter->outgoing = request->from.zone == PATH_HOST;
		if (request->from.zone == PATH_GUEST) {
			filter->from_port = request->from.nic->device;
			filter->from_mac = request->from.nic->mac.len ? request->from.nic->mac_bytes : NULL;
		}
		if (request->from.zone == PATH_PORT)
			filter->iface = request->from.port;
	}
	if (words->to && request->to.zone == PATH_HOST) {
		filter->to_host = true;
		filter->outgoing = false;
	}
	if (words->to && request->to.zone == PATH_GUEST) {
		if (!request->to.nic->mac.len)
			return "the NIC that packets go to has no MAC address";
		filter->to_mac = request->to.nic->mac_bytes;
	}
	if (words->interface)
		filter->iface = text_of(words->interface);
	return NULL;
}

static struct path_end trace_keep_end(const struct path_end *end, struct guest *guest, struct nic *nic)
{
	struct path_end kept = *end;

	if (end->zone != PATH_GUEST)
		return kept;
	*guest = *end->guest;
	*nic = *end->nic;
	kept.guest = guest;
	kept.nic = nic;
	return kept;
}

/* Returns NULL, or what is wrong. */
static const char *trace_read_filter(struct trace_command *c, const struct packet_words *words, struct trace_filter *filter)
{
	struct packet_request request;
	const char *error;

	if (words->over_limit)
		return "--over-limit cannot be seen of a packet; the model is asked about it where the kernel drops one";
	if (words->state)
		return "--state cannot be selected: packets are selected before connection tracking; each shows its state";
	error = packet_request_read(&request, &c->loaded->asked, words, false);
	if (error)
		return error;
	trace_add_sides(c, filter, &request);
	c->from = trace_keep_end(&request.from, &c->guests[0], &c->nics[0]);
	c->to = trace_keep_end(&request.to, &c->guests[1], &c->nics[1]);
	return trace_set_zones(filter, words, &request);
}

/* ---- what is loaded ---- */

static bool trace_is_in_force(const struct view *view)
{
	struct arena arena = { 0 };
	bool result = view->backend->is_in_force(&arena);

	arena_free(&arena);
	return result;
}

static struct tracer_config trace_config_of(struct loaded_view *loaded)
{
	return (struct tracer_config){ .config = loaded->view.config,
				       .map = &loaded->view.run.map,
				       .backend = loaded->view.backend,
				       .asked = &loaded->asked };
}

static bool trace_reload(void *context, struct tracer_config *config)
{
	struct trace_command *c = context;

	if (!loaded_view_reload(&c->loaded))
		return false;
	*config = trace_config_of(c->loaded);
	return true;
}

static const char *trace_differs(void *context)
{
	struct trace_command *c = context;
	struct backend_loading loading = { .arena = &c->arena, .dry = true };
	bool differs = view_differs(&loading, &c->loaded->view);

	if (loading.problems)
		return NULL;
	if (!differs)
		return NULL;
	return loading.differences ? loading.differences->text : "they differ";
}

/* ---- the command ---- */

static int trace_run(const struct cli *cli, struct trace_command *c)
{
	struct tracer_options options = { .packets = c->packets,
					  .seconds = c->seconds,
					  .json = firewall_wants_json(cli),
					  .reload = trace_reload,
					  .differs = trace_differs,
					  .context = c };
	struct packet_words words = cli_packet_words(cli);
	struct tracer_config config = trace_config_of(c->loaded);
	struct tracer_counts counts;
	const char *error = trace_read_filter(c, &words, &options.filter);

	if (error)
		return cli_error("%s", error);
	options.from = words.from ? &c->from : NULL;
	options.to = words.to ? &c->to : NULL;
	if (trace_is_blind(c->loaded->view.backend))
		return cli_error("the rules are loaded with iptables-legacy, about which the kernel tells nothing; "
				 "ask pve-firewall simulate instead");
	options.filter.rate = c->rate;
	options.filter.connections = trace_is_in_force(&c->loaded->view);
	options.filter.bridge_connections = options.filter.connections && !c->loaded->view.backend->needs_bridge_calls;
	if (!trace_packets(&options, &config, &counts))
		return EXIT_ERROR;
	return counts.disagreed ? EXIT_FOUND : EXIT_CLEAN;
}

static int trace_tree(const struct cli *cli, void *context)
{
	struct trace_command *c = context;
	int status = EXIT_ERROR, ended;

	signal(SIGINT, SIG_DFL);
	/* The table must not outlive the command: the child that owns it ends with its parent. */
	if (!bounded_end_with_parent())
		return EXIT_ERROR;
	c->loaded = loaded_view_open(cli, c->service);
	if (c->loaded->view.config)
		status = trace_run(cli, c);
	ended = loaded_view_close(c->loaded);
	arena_free(&c->arena);
	return ended == EXIT_CLEAN ? status : ended;
}

int cmd_trace(const struct cli *cli)
{
	struct trace_command c = {
		.packets = TRACE_PACKETS, .seconds = TRACE_SECONDS, .rate = TRACE_RATE
	};
	bool missing;
	int status;

	if (cli->operand_count)
		return cli_error("trace does not take an operand; options select packets");
	if (!trace_read_number(cli, CLI_PACKETS, 1000000, &c.packets) ||
	    !trace_read_number(cli, CLI_SECONDS, 86400, &c.seconds) || !trace_read_number(cli, CLI_RATE, 1000, &c.rate))
		return EXIT_ERROR;
	c.service = client_ask_within(cli, json_pack("{s:s}", "command", "status"), TRACE_SERVICE_WAIT, &missing);
	/* A terminal sends its interrupt to both processes; this one waits for the last words of the other. */
	signal(SIGINT, SIG_IGN);
	status = bounded_run(trace_tree, bounded_late, cli, &c);
	json_decref(c.service);
	return status;
}
