/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host names to addresses, through getaddrinfo(). */
#include "inputs/lookup.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
/* The C library's netdb.h, not compiler/inputs/netdb.h, which -Icompiler would find first. */
#include <../include/netdb.h>

static bool address_of_socket(const struct sockaddr *from, struct prefix *prefix)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	*prefix = (struct prefix){ 0 };
	if (from->sa_family == AF_INET) {
		memcpy(&in, from, sizeof(in));
		prefix->family = AF_INET;
		prefix->length = 32;
		memcpy(prefix->bytes, &in.sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		memcpy(&in6, from, sizeof(in6));
		prefix->family = AF_INET6;
		prefix->length = 128;
		memcpy(prefix->bytes, &in6.sin6_addr, 16);
	}
	return prefix->family != 0;
}

static void take_addresses(struct arena *arena, const struct addrinfo *list, struct lookup *result)
{
	uint32_t count = 0;

	for (const struct addrinfo *at = list; at; at = at->ai_next)
		count++;
	result->addresses = ARENA_ARRAY(arena, struct prefix, count);
	for (const struct addrinfo *at = list; at; at = at->ai_next)
		if (address_of_socket(at->ai_addr, &result->addresses[result->count]))
			result->count++;
}

struct lookup lookup_host(struct arena *arena, const char *name)
{
	/* One kind of socket, or every address would come several times. */
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM }, *list = NULL;
	struct lookup result = { .reason = NULL };
	int error = getaddrinfo(name, NULL, &hints, &list);

	if (error) {
		result.reason = gai_strerror(error);
		return result;
	}
	take_addresses(arena, list, &result);
	freeaddrinfo(list);
	if (!result.count)
		result.reason = "it has no IP address";
	return result;
}

static int compare(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

struct text lookup_print(struct arena *arena, const struct lookup *found)
{
	struct prefix *sorted = ARENA_ARRAY(arena, struct prefix, found->count);
	struct text text = { "", 0 };

	if (found->count) {
		memcpy(sorted, found->addresses, found->count * sizeof(*sorted));
		qsort(sorted, found->count, sizeof(*sorted), compare);
	}
	for (uint32_t i = 0; i < found->count; i++) {
		char address[PREFIX_TEXT_SIZE];
		struct text one = { address, prefix_format(&sorted[i], address) };

		text = i ? ARENA_JOIN(arena, text, TEXT(" "), one) : arena_copy(arena, one);
	}
	return text;
}
