/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The syntax tree of .fwtest files. */
#include "fixture.h"
#include "base/output.h"
#include "fwtest.h"

static struct fixture f;

static struct fwtest_line *parse(const char *text)
{
	return fwtest_parse(&f.arena, source_add(&f.map, "a.fwtest", text, strlen(text)))->lines;
}

static const char *printed(const struct fwtest_line *line)
{
	struct out out;
	const char *text;

	out_init_memory(&out);
	fwtest_print(&out, line);
	text = arena_string(&f.arena, (struct text){ out.data, (uint32_t)out.len });
	out_free(&out);
	return text;
}

static struct fwtest_line *nth(struct fwtest_line *line, unsigned n)
{
	while (n--)
		line = line->next;
	return line;
}

START_TEST(forms)
{
	static const struct {
		const char *text, *printed;
	} rows[] = {
		{ "a -> b DROP", "a -> b DROP" },
		{ "a->b DROP", "a -> b DROP" },
		{ "a-b--->c-- DROP", "a-b-- -> c-- DROP" },
		{ "\ta  ->\tb\tDROP \r", "a -> b DROP" },
		{ "vnet a -> vnet b DROP", "vnet a -> vnet b DROP" },
		{ "a -> b tcp/22 , 80,udp DROP", "a -> b tcp/22,80,udp DROP" },
		{ "a -> b icmp DROP", "a -> b icmp DROP" },
		{ "a -> b icmp x , y DROP", "a -> b icmp x,y DROP" },
		{ "a -> b icmp,tcp,icmpv6 DROP", "a -> b icmp,tcp,icmpv6 DROP" },
		{ "a -> b ipv6-icmp x DROP", "a -> b ipv6-icmp x DROP" },
		{ "a -> b ipv6 to y from not x,y except z tcp DROP", "a -> b tcp from not x,y except z to y ipv6 DROP" },
		{ "a -> b state new on eth0 mac 1 sport 2 DROP", "a -> b sport 2 state new mac 1 on eth0 DROP" },
		{ "a -> b tcp", "a -> b tcp" },
		{ "a -> b", "a -> b" },
	};

	fixture_start(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fwtest_line *line = parse(rows[i].text);

		ck_assert_int_eq(line->kind, FWTEST_TEST);
		ck_assert_ptr_null(line->strays);
		ck_assert_str_eq(printed(line), rows[i].printed);
	}
	fixture_end(&f);
}
END_TEST

START_TEST(lines)
{
	struct fwtest_line *first;

	fixture_start(&f);
	first = parse("# one\n\n  a -> b DROP # two\na b\n->\na ->\na -> b DROP c,\n");
	ck_assert_int_eq(first->kind, FWTEST_COMMENT);
	ck_assert(text_is(word_text(first->comment), "# one"));
	ck_assert_int_eq(nth(first, 1)->kind, FWTEST_TEST);
	ck_assert(text_is(word_text(nth(first, 1)->comment), "# two"));
	ck_assert_uint_eq(nth(first, 1)->span.end - nth(first, 1)->span.begin, strlen("a -> b DROP"));
	ck_assert_int_eq(nth(first, 2)->kind, FWTEST_BAD);
	ck_assert_int_eq(nth(first, 2)->lack, FWTEST_LACKS_ARROW);
	ck_assert_int_eq(nth(first, 3)->lack, FWTEST_LACKS_ZONE);
	ck_assert_int_eq(nth(first, 4)->lack, FWTEST_LACKS_ZONE);
	ck_assert_uint_eq(nth(first, 4)->at.begin, nth(first, 4)->span.end);
	ck_assert(text_is(word_text(nth(first, 5)->strays->word), "c"));
	ck_assert_ptr_null(nth(first, 5)->next);
	ck_assert_ptr_null(parse(""));
	ck_assert_ptr_null(parse("\n \n\t"));
	fixture_end(&f);
}
END_TEST

START_TEST(mistakes_stay)
{
	const struct fwtest_clause *c;

	fixture_start(&f);
	c = parse("a -> b from DROP")->clauses;
	ck_assert(c->kind == FWTEST_FROM && !c->items);
	c = parse("a -> b from x,,y, except DROP")->clauses;
	ck_assert(c->items->next->word.len == 0 && c->items->next->next->next->word.len == 0);
	ck_assert(c->except.ptr && !c->excepted);
	c = parse("a -> b not , -> except DROP")->clauses;
	for (unsigned i = 0; i < 4; i++, c = c->next)
		ck_assert_int_eq(c->kind, FWTEST_STRAY);
	ck_assert_ptr_null(c);
	fixture_end(&f);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("fwtest");

	tcase_add_test(tcase, forms);
	tcase_add_test(tcase, lines);
	tcase_add_test(tcase, mistakes_stay);
	return run_suite("fwtest", tcase);
}
