/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps through valid JSON without understanding it: a value that is not on the
 * path is passed over by counting brackets.
 */
#include "inputs/json_place.h"

/* A key without what a terminal could take as a command. */
static const char *printable(struct arena *arena, const char *key)
{
	size_t len = strlen(key);
	char *copy = arena_alloc(arena, len + 1);

	for (size_t i = 0; i < len; i++)
		copy[i] = (unsigned char)key[i] < ' ' || key[i] == 0x7f ? '?' : key[i];
	return copy;
}

const char *json_path_text(struct arena *arena, const struct json_path *path)
{
	const char *parent;

	if (!path)
		return "";
	parent = json_path_text(arena, path->parent);
	if (!path->key)
		return arena_printf(arena, "%s[%zu]", parent, path->index);
	return arena_printf(arena, "%s%s%s", parent, parent[0] ? "." : "",
			    printable(arena, path->key));
}

struct cursor {
	const char *at, *end;
};

static bool is_space(char c)
{
	return char_is_blank(c) || c == '\r' || c == '\n';
}

static void skip_space(struct cursor *c)
{
	while (c->at < c->end && is_space(*c->at))
		c->at++;
}

/* Takes `wanted` if it comes next. */
static bool take(struct cursor *c, char wanted)
{
	skip_space(c);
	if (c->at >= c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

/* The bytes between the quotes. */
static struct text take_string(struct cursor *c)
{
	struct text t = { NULL, 0 };

	if (!take(c, '"'))
		return t;
	t.ptr = c->at;
	while (c->at < c->end && *c->at != '"')
		c->at += *c->at == '\\' && c->at + 1 < c->end ? 2 : 1;
	t.len = (uint32_t)(c->at - t.ptr);
	take(c, '"');
	return t;
}

/* A number, true, false or null. */
static void skip_scalar(struct cursor *c)
{
	while (c->at < c->end && !is_space(*c->at) && !strchr(",:]}[{\"", *c->at))
		c->at++;
}

/* The next value, and the cursor behind it. */
static struct text take_value(struct cursor *c)
{
	const char *start;
	uint32_t depth = 0;

	skip_space(c);
	start = c->at;
	do {
		const char *before = c->at;

		if (take(c, '{') || take(c, '['))
			depth++;
		else if (take(c, '}') || take(c, ']'))
			depth--;
		else if (!take(c, ',') && !take(c, ':') && !take_string(c).ptr)
			skip_scalar(c);
		if (c->at == before)
			break;
	} while (depth && c->at < c->end);
	return (struct text){ start, (uint32_t)(c->at - start) };
}

/* The last member `key` of an object, as in the library; ptr NULL if none. */
static struct text find_member(struct text object, const char *key)
{
	struct cursor c = { object.ptr, object.ptr + object.len };
	struct text found = { NULL, 0 }, name, value;

	if (!take(&c, '{'))
		return found;
	while ((name = take_string(&c)).ptr && take(&c, ':')) {
		value = take_value(&c);
		if (text_is(name, key))
			found = value;
		if (!take(&c, ','))
			break;
	}
	return found;
}

static struct text find_element(struct text array, size_t index)
{
	struct cursor c = { array.ptr, array.ptr + array.len };
	struct text value = { NULL, 0 };

	if (!take(&c, '['))
		return value;
	for (size_t i = 0; i <= index; i++) {
		value = take_value(&c);
		if (i < index && !take(&c, ','))
			return (struct text){ NULL, 0 };
	}
	return value;
}

static struct text find(struct text whole, const struct json_path *path)
{
	struct text outer, inner;

	if (!path)
		return whole;
	outer = find(whole, path->parent);
	inner = path->key ? find_member(outer, path->key) : find_element(outer, path->index);
	return inner.ptr ? inner : outer;
}

struct span json_place(const struct source *source, const struct json_path *path)
{
	struct cursor c = { source->text, source->text + source->size };
	struct text found = find(take_value(&c), path);
	uint32_t begin = source->base + (uint32_t)(found.ptr - source->text);

	return (struct span){ begin, begin + found.len };
}
