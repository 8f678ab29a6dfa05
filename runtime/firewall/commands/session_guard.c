/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "firewall/commands/session_guard.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands/question_options.h"
#include "firewall/view/bounded.h"
#include "firewall/commands/firewall.h"
#include "firewall/view/service_client.h"
#include "firewall/view/view.h"
#include "questions/answers.h"
#include "questions/simulate.h"

/* ---- the session ---- */

/* Copies an address; one of IPv4 in IPv6 becomes IPv4, and a zone ("%eth0") becomes the interface. */
static bool session_copy_address(struct text word, char address[64], char iface[16])
{
	struct text v4 = text_after(word, "::ffff:");
	long percent = text_find(word, '%');
	struct prefix prefix;

	if (v4.ptr && text_find(v4, '.') > 0)
		word = v4;
	if (percent >= 0) {
		struct text zone = text_skip(word, (uint32_t)percent + 1);

		if (zone.len < IF_NAMESIZE)
			snprintf(iface, 16, "%.*s", TEXT_ARG(zone));
		word.len = (uint32_t)percent;
	}
	if (word.len >= 64 || address_parse(word, &prefix) != ADDRESS_OK)
		return false;
	snprintf(address, 64, "%.*s", TEXT_ARG(word));
	return true;
}

static bool session_copy_port(struct text word, char port[8])
{
	uint64_t number;

	if (!text_to_number(word, 65535, &number))
		return false;
	snprintf(port, 8, "%u", (unsigned)number);
	return true;
}

bool session_read(const char *text, struct session *session)
{
	struct text words[4], rest = text_trim(text_of(text));
	char zone[16] = "";
	unsigned count = 0;

	*session = (struct session){ .iface = "" };
	while (rest.len) {
		long blank = text_find(rest, ' ');

		if (count == 4)
			return false;
		words[count++] = (struct text){ rest.ptr, blank < 0 ? rest.len : (uint32_t)blank };
		rest = blank < 0 ? (struct text){ rest.ptr, 0 } : text_trim(text_skip(rest, (uint32_t)blank));
	}
	return count == 4 && session_copy_address(words[0], session->source, session->iface) &&
	       session_copy_port(words[1], session->sport) &&
	       session_copy_address(words[2], session->dest, zone) &&
	       session_copy_port(words[3], session->dport);
}

/* Reads SSH_CONNECTION of another process, such as the shell that sudo was started by. */
static bool session_read_of_process(long pid, struct session *session)
{
	char path[64], environment[65536];
	int fd;
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/%ld/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size = read(fd, environment, sizeof(environment) - 1);
	close(fd);
	if (size <= 0)
		return false;
	environment[size] = '\0';
	for (const char *variable = environment; variable < environment + size;
	     variable += strlen(variable) + 1) {
		struct text value = text_after(text_of(variable), "SSH_CONNECTION=");

		if (value.ptr)
			return session_read(value.ptr, session);
	}
	return false;
}

static long session_parent_of(long pid)
{
	char path[64], stat[1024];
	const char *end;
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	size = fread(stat, 1, sizeof(stat) - 1, file);
	fclose(file);
	stat[size] = '\0';
	/* The name in parentheses may have any characters; after it are a space, the state, a space. */
	end = strrchr(stat, ')');
	return end && strlen(end) > 4 ? strtol(end + 4, NULL, 10) : 0;
}

/* The session of this terminal.  sudo does not pass on SSH_CONNECTION, so the processes above are looked at,
 * too. */
static bool session_find(struct session *session)
{
	enum { GENERATIONS = 16 };
	const char *own = getenv("SSH_CONNECTION");
	long pid = getppid();

	if (own)
		return session_read(own, session);
	for (int i = 0; i < GENERATIONS && pid > 1; i++, pid = session_parent_of(pid))
		if (session_read_of_process(pid, session))
			return true;
	return false;
}

static bool session_is_address(const struct sockaddr *address, const char *text)
{
	char printed[INET6_ADDRSTRLEN] = "";

	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, printed,
			  sizeof(printed));
	else if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, printed,
			  sizeof(printed));
	return strcmp(printed, text) == 0;
}

/* Packets to an address of this machine come in by the interface that has it, as far as nothing else is
 * known. */
static void session_find_interface(struct session *session)
{
	struct ifaddrs *all = NULL;

	if (session->iface[0] || getifaddrs(&all) != 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (session_is_address(i->ifa_addr, session->dest)) {
			snprintf(session->iface, sizeof(session->iface), "%.15s", i->ifa_name);
			break;
		}
	freeifaddrs(all);
}

/* ---- the rules ---- */

/* Whether packets of the session in this state pass; if not, prints which line refuses them. */
static bool guard_passes(const struct view *view, const struct session *session, const char *state,
			 const char *what)
{
	const struct packet_words words = {
		.source = session->source,
		.sport = session->sport,
		.dest = session->dest,
		.dport = session->dport,
		.state = state,
		.interface = session->iface[0] ? session->iface : NULL,
	};
	struct simulation s;
	bool passes;

	if (!simulate(&s, view->config, &view->run.map, view->backend, &words, (struct model_budget){ 0 })) {
		cli_error("cannot tell whether this SSH session survives: %s", s.error);
		simulate_end(&s);
		return false;
	}
	passes = s.decision->verdict == MODEL_PASSED || s.decision->verdict == MODEL_QUEUED;
	if (!passes) {
		struct out out;

		cli_error("these rules %s", what);
		out_init_fd(&out, STDERR_FILENO);
		simulate_print(&out, &s, false, wants_colour(STDERR_FILENO, NULL));
		out_flush(&out);
		out_free(&out);
	}
	simulate_end(&s);
	return passes;
}

static bool guard_session_survives(const struct view *view)
{
	struct session session;

	if (!session_find(&session))
		return true;
	session_find_interface(&session);
	return guard_passes(view, &session, "established", "would cut off this SSH session") &&
	       guard_passes(view, &session, "new", "would refuse another SSH connection like this one");
}

/* ---- the web interface ---- */

enum guard_reach { GUARD_NOT_ASKED, GUARD_REACHED, GUARD_REFUSED };

/* Whether packets of one family pass; else *refused is what refuses the first of them. */
static enum guard_reach guard_family_reaches(struct question *q, struct reason *refused)
{
	packets ordinary = model_and(q->model, q->set, model_ordinary(q->model));
	bool is_asked = false;

	for (const struct decision *d = question_decide(q, ordinary, SPAN_NONE); d; d = d->next) {
		if (d->verdict == MODEL_PASSED || d->verdict == MODEL_QUEUED)
			return GUARD_REACHED;
		if (!is_asked)
			*refused = d->reason;
		is_asked = true;
	}
	/* Over budget: it may be refused. */
	return is_asked || question_over(q) ? GUARD_REFUSED : GUARD_NOT_ASKED;
}

/* Whether an address of management reaches port 8006; prints the line that refuses it if `report`. */
static enum guard_reach guard_management_reaches(const struct view *view, bool report)
{
	static const struct packet_words words = { .source = "+management", .dport = "8006" };
	enum guard_reach reach = GUARD_NOT_ASKED;
	struct packet_request request;
	struct asked asked;

	asked_open(&asked, view->config, view->backend, (struct model_budget){ 0 });
	/* Without a set nobody is asked about. */
	for (unsigned family = IPV4; family <= IPV6 && reach != GUARD_REACHED; family++) {
		struct model_match matches[PACKET_MATCHES_MAX];
		struct reason refused = { .span = SPAN_NONE };
		struct question q;
		enum guard_reach found;
		struct path path;

		if (packet_request_read(&request, &asked, &words, true) || !(request.family_mask & family) ||
		    !path_between(&asked.arena, view->config, &request.from, &request.to, false, &path))
			continue;
		question_open(&q, &asked, &path, matches, packet_request_matches(&request, family, matches),
			      NULL, 0);
		found = guard_family_reaches(&q, &refused);
		if (found != GUARD_NOT_ASKED)
			reach = found;
		if (found == GUARD_REFUSED && report) {
			struct out out;
			struct text_printer p = { .map = &view->run.map,
						  .arena = &q.arena,
						  .out = &out,
						  .colour = wants_colour(STDERR_FILENO, NULL),
						  .gutter = reason_gutter(&view->run.map, &refused) };

			cli_error(
				"these rules let no address of the IP set management reach the web interface, TCP port 8006: %s",
				reason_text(&q.arena, &view->run.map, &refused));
			out_init_fd(&out, STDERR_FILENO);
			reason_print(&p, &refused, "refuses them");
			out_flush(&out);
			out_free(&out);
		}
		question_close(&q);
	}
	asked_close(&asked);
	return reach;
}

/* Whether somebody could reach the web interface before; true if it is not known. */
static bool guard_was_reached(const struct cli *cli)
{
	json_t *service;
	struct view view;
	bool missing, was_reached = true;

	service = client_ask_within(cli, json_pack("{s:s}", "command", "status"), BOUNDED_PROBE, &missing);
	if (!service)
		return true;
	if (view_compile_in_force(&view, cli, service).generation && view.config)
		was_reached = guard_management_reaches(&view, false) != GUARD_REFUSED;
	diags_clear(&view.run.diags);
	view.run.diags.unreadable = false;
	view_end(&view);
	json_decref(service);
	return was_reached;
}

static bool guard_web_survives(const struct cli *cli, const struct view *view)
{
	if (guard_management_reaches(view, false) != GUARD_REFUSED || !guard_was_reached(cli))
		return true;
	guard_management_reaches(view, true);
	return false;
}

/* ---- the command ---- */

static int guard_check(const struct cli *cli, void *context)
{
	struct view view;
	bool survives = true;

	(void)context;
	view_compile(&view, cli, false, NULL);
	/* What cannot be read is not applied, and `apply` reports it. */
	if (view.config && config_enabled(view.config)) {
		/* Both are asked: both may have something to say. */
		bool session = guard_session_survives(&view), web = guard_web_survives(cli, &view);

		survives = session && web;
	}
	diags_clear(&view.run.diags);
	view.run.diags.unreadable = false;
	view_end(&view);
	if (survives)
		return EXIT_CLEAN;
	return cli_error(
		"not applied; use --force to apply these rules anyway, best with --confirm SECONDS, which rolls back unless they are confirmed");
}

int session_guard(const struct cli *cli)
{
	return bounded_run(guard_check, bounded_late, cli, NULL);
}
