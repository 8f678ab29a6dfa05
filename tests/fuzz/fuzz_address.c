/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words as addresses and prefixes.  What is one is what the C library says is
 * one, and its canonical text gives the same again; any two of them compare in
 * a way that agrees with what they cover.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "net/address.h"

/* What inet_pton makes of it: it knows neither lengths nor short forms. */
static bool library_parses(struct text t, struct prefix *p)
{
	char copy[64];
	bool six = text_find(t, ':') >= 0;

	*p = (struct prefix){ .family = six ? AF_INET6 : AF_INET, .length = six ? 128 : 32 };
	if (t.len >= sizeof(copy) || text_find(t, '\0') >= 0)
		return false;
	memcpy(copy, t.ptr, t.len);
	copy[t.len] = '\0';
	return inet_pton(six ? AF_INET6 : AF_INET, copy, p->bytes) == 1;
}

static void check_address(struct text t)
{
	struct prefix ours, theirs;
	enum address_error error = address_parse(t, &ours);

	REQUIRE(library_parses(t, &theirs) == (error == ADDRESS_OK));
	REQUIRE(error || prefix_compare(&ours, &theirs) == 0);
}

/* Printed and read again. */
static void check_text(const struct prefix *p)
{
	char text[PREFIX_TEXT_SIZE];
	uint32_t len = prefix_format(p, text);
	struct prefix again;

	REQUIRE(len == strlen(text) && len < PREFIX_TEXT_SIZE);
	REQUIRE(prefix_parse(text_of(text), &again) == ADDRESS_OK);
	REQUIRE(prefix_compare(p, &again) == 0);
}

static void check_prefix(const struct prefix *p)
{
	struct prefix network = *p;

	REQUIRE(p->length <= prefix_bits(p));
	check_text(p);
	prefix_clear_host_bits(&network);
	check_text(&network);
	REQUIRE(!prefix_has_host_bits(&network));
	REQUIRE(prefix_has_host_bits(p) == (prefix_compare(p, &network) != 0));
	REQUIRE(prefix_covers(p, &network) && prefix_covers(&network, p));
}

static void check_intended(struct text t)
{
	char text[PREFIX_TEXT_SIZE];
	struct prefix p;

	if (address_intended(t, text))
		REQUIRE(prefix_parse(text_of(text), &p) == ADDRESS_OK);
}

static void check_pair(const struct prefix *a, const struct prefix *b)
{
	int order = prefix_compare(a, b);

	REQUIRE((order < 0) == (prefix_compare(b, a) > 0));
	REQUIRE((order == 0) == (prefix_compare(b, a) == 0));
	REQUIRE(!prefix_covers(a, b) || !prefix_covers(b, a) || a->length == b->length);
	REQUIRE(order || prefix_covers(a, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Copies with nothing behind them. */
	struct text rest = { (const char *)data, (uint32_t)size };
	struct prefix before = { .family = AF_INET, .length = 8, .bytes = { 10 } }, prefix;

	while (rest.ptr) {
		struct text line = fuzz_next_line(&rest);
		char *copy = malloc(line.len + 1u);

		if (line.len)
			memcpy(copy, line.ptr, line.len);
		line.ptr = realloc(copy, line.len ? line.len : 1);
		check_address(line);
		check_intended(line);
		if (prefix_parse(line, &prefix) == ADDRESS_OK) {
			check_prefix(&prefix);
			check_pair(&before, &prefix);
			before = prefix;
		}
		free((char *)line.ptr);
	}
	return 0;
}
