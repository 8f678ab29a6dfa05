/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fingerprints, by which a program that keeps findings knows one again: SHA-256 of what does not change while
 * the line itself stays, cut to 32 digits.
 */
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>

#include <uthash.h>

#include "format/common.h"

enum { DIGEST_BYTES = 16 };

/* How often one was seen. */
struct seen {
	uint8_t digest[DIGEST_BYTES];
	uint32_t count;
	UT_hash_handle hh;
};

/* A piece with its end, so that no two rows of pieces are the same bytes. */
static void digest_add(SHA2_CTX *sha, struct text piece)
{
	static const uint8_t end = 0;

	if (piece.len)
		SHA256Update(sha, (const uint8_t *)piece.ptr, piece.len);
	SHA256Update(sha, &end, 1);
}

static void digest_finish(SHA2_CTX *sha, uint8_t digest[DIGEST_BYTES])
{
	uint8_t whole[SHA256_DIGEST_LENGTH];

	SHA256Final(whole, sha);
	memcpy(digest, whole, DIGEST_BYTES);
}

/* The last line that was asked for: a long one may have many diagnostics. */
struct line_digest {
	diag_name_file *name_file;
	const void *context;
	const struct source *source; /* the last one that was named */
	const char *file;
	uint32_t begin; /* its position; 0: none yet */
	struct word line;
	uint8_t digest[DIGEST_BYTES];
};

static void digest_line(const struct diags *diags, struct source *source, uint32_t position,
			struct line_digest *last)
{
	struct word line = source_line(diags->map, source, source_line_number(diags->map, position));
	SHA2_CTX sha;

	if (last->begin == line.begin)
		return;
	while (line.len && char_is_blank(line.ptr[line.len - 1]))
		line.len--;
	if (last->source != source)
		last->file = last->name_file(diags, source, last->context);
	last->source = source;
	SHA256Init(&sha);
	digest_add(&sha, text_of(last->file));
	digest_add(&sha, word_text(line));
	digest_finish(&sha, last->digest);
	last->begin = line.begin;
	last->line = line;
}

/* Of something nowhere, its message stands for the line. */
static void digest_of(const struct diags *diags, const struct diagnostic *d, struct line_digest *last,
		      uint8_t digest[DIGEST_BYTES])
{
	struct source *source = source_find(diags->map, d->span.begin);
	uint32_t offset, most, marked; /* what the span marks in the line */
	SHA2_CTX sha;

	SHA256Init(&sha);
	digest_add(&sha, text_of(diag_code(d->id).text));
	if (source) {
		digest_line(diags, source, d->span.begin, last);
		SHA256Update(&sha, last->digest, DIGEST_BYTES);
		offset = d->span.begin - last->line.begin;
		most = last->line.len > offset ? last->line.len - offset : 0;
		marked = d->span.end > d->span.begin ? d->span.end - d->span.begin : 0;
		digest_add(&sha, (struct text){ last->line.ptr + (most ? offset : 0),
						marked < most ? marked : most });
	} else {
		digest_add(&sha, text_of(d->message));
	}
	digest_finish(&sha, digest);
}

/* How many were seen before this one. */
static uint32_t count_before(const struct diags *diags, struct seen **all, const uint8_t digest[DIGEST_BYTES])
{
	struct seen *seen;

	HASH_FIND(hh, *all, digest, DIGEST_BYTES, seen);
	if (!seen) {
		seen = ARENA_NEW(diags->arena, struct seen);
		memcpy(seen->digest, digest, DIGEST_BYTES);
		HASH_ADD(hh, *all, digest, DIGEST_BYTES, seen);
	}
	return seen->count++;
}

static void with_count(uint8_t digest[DIGEST_BYTES], uint32_t count)
{
	char number[16];
	SHA2_CTX sha;

	snprintf(number, sizeof(number), "%u", count);
	SHA256Init(&sha);
	SHA256Update(&sha, digest, DIGEST_BYTES);
	digest_add(&sha, text_of(number));
	digest_finish(&sha, digest);
}

static const char *name_file(const struct diags *diags, const struct source *source, const void *context)
{
	(void)context;
	return diag_file(diags, source);
}

static const char *const *fingerprints(const struct diags *diags, struct line_digest last, bool unique)
{
	const char **prints;
	struct seen *all = NULL;
	size_t count = 0, i = 0;

	for (const struct diagnostic *d = diags->first; d; d = d->next)
		count++;
	prints = ARENA_ARRAY(diags->arena, const char *, count + 1);
	for (const struct diagnostic *d = diags->first; d; d = d->next) {
		uint8_t digest[DIGEST_BYTES];
		char hex[2 * DIGEST_BYTES + 1];
		uint32_t before;

		digest_of(diags, d, &last, digest);
		before = unique ? count_before(diags, &all, digest) : 0;
		if (before)
			with_count(digest, before);
		hex_print(hex, digest, DIGEST_BYTES);
		prints[i++] = arena_string(diags->arena, text_of(hex));
	}
	HASH_CLEAR(hh, all);
	return prints;
}

const char *const *diag_fingerprints(const struct diags *diags)
{
	return fingerprints(diags, (struct line_digest){ .name_file = name_file }, true);
}

const char *const *diag_shared_fingerprints(const struct diags *diags, diag_name_file *name, const void *context)
{
	return fingerprints(diags, (struct line_digest){ .name_file = name, .context = context }, false);
}
