/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading files whole, and finding lines in them when something is printed. */
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parallel_for.h"
#include "base/real_path.h"
#include "source/source_cache.h"

void source_map_init(struct source_map *map, struct arena *arena)
{
	*map = (struct source_map){ .arena = arena, .next_base = 1 };
}

static void append_source(struct source_map *map, struct source *source)
{
	if (map->count == map->room) {
		uint32_t room = map->room ? map->room * 2 : 64;
		struct source **grown = ARENA_ARRAY(map->arena, struct source *, room);

		if (map->count)
			memcpy(grown, map->sources, map->count * sizeof(*grown));
		map->sources = grown;
		map->room = room;
	}
	map->sources[map->count++] = source;
}

/* A file of `size` bytes that are yet to be filled in, and without a base. */
static struct source *new_source(struct arena *arena, const char *shown, size_t size)
{
	struct source *source;

	/* Where texts have 32 bits, the lexer counts in int. */
	if (size > INT32_MAX - 2) {
		errno = EFBIG;
		return NULL;
	}
	source = ARENA_NEW(arena, struct source);
	source->path = arena_string(arena, text_of(shown));
	source->text = arena_alloc(arena, size + 2);
	source->size = (uint32_t)size;
	return source;
}

/* Gives the file its positions; NULL if there are not enough left. */
static struct source *commit(struct source_map *map, struct source *source)
{
	if (source->size + 2 > UINT32_MAX - map->next_base) {
		errno = EFBIG;
		return NULL;
	}
	source->base = map->next_base;
	map->next_base += source->size + 1;
	append_source(map, source);
	return source;
}

/* Fills the source from `fd`; a file that shrinks meanwhile is taken as it is. */
static int fill(struct source *source, int fd)
{
	uint32_t got = 0;

	while (got < source->size) {
		ssize_t n = read(fd, source->text + got, source->size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (uint32_t)n;
	}
	source->size = got;
	return 0;
}

/*
 * 0 or an errno.  FUSE keeps the size of a file for a second, and cuts what is read there: pmxcfs' files
 * may have grown on another node meanwhile.  AT_STATX_FORCE_SYNC asks the file system again.
 */
static int status_of(int fd, mode_t *mode, size_t *size)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_TYPE | STATX_SIZE, &st) < 0)
		return errno;
	*mode = st.stx_mode;
	*size = (size_t)st.stx_size;
	return 0;
}

static struct source *load_fd(struct arena *arena, int fd, const char *shown)
{
	struct source *source;
	size_t size;
	mode_t mode;

	errno = status_of(fd, &mode, &size);
	if (errno)
		return NULL;
	if (!S_ISREG(mode)) {
		errno = S_ISDIR(mode) ? EISDIR : EINVAL;
		return NULL;
	}
	source = new_source(arena, shown, size);
	return source && fill(source, fd) == 0 ? source : NULL;
}

static struct source *load_file(struct arena *arena, int at, const char *path, const char *shown)
{
	int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct source *source;
	int reason;

	if (fd < 0)
		return NULL;
	source = load_fd(arena, fd, shown);
	reason = errno;
	close(fd);
	errno = reason;
	return source;
}

/* ---- the overlay ---- */

const struct overlay_file *source_overlay_find(const struct source_map *map, const char *shown)
{
	const struct source_overlay *overlay = map->overlay;

	if (!overlay || !overlay->count)
		return NULL;
	return bsearch(&shown, overlay->files, overlay->count, sizeof(*overlay->files), compare_strings);
}

static struct source *load_overlay(const struct overlay_file *file, struct arena *arena)
{
	struct source *source;

	if (!file->bytes) {
		errno = ENOENT;
		return NULL;
	}
	source = new_source(arena, file->path, file->size);
	if (source && file->size)
		memcpy(source->text, file->bytes, file->size);
	return source;
}

/* ---- files ---- */

static struct source *load_cached(const struct source_cache *cache, struct arena *arena, const char *shown)
{
	const struct cached_source *cached = source_cache_find(cache, shown);
	struct source *source;

	errno = !cached ? ENOENT : cached->is_folder ? EISDIR : cached->reason;
	if (!cached || cached->is_folder || !cached->is_known)
		return NULL;
	source = new_source(arena, shown, cached->size);
	if (source && source->size)
		memcpy(source->text, cached->bytes, source->size);
	return source;
}

/* ---- the buffer ---- */

static bool is_buffer(const struct source_buffer *buffer, struct arena *arena, const char *path)
{
	const char *target;

	if (!buffer || !buffer->place)
		return false;
	if (strcmp(place_of(arena, path), buffer->place) == 0)
		return true;
	target = buffer->target ? place_of_target(arena, path) : NULL;
	return target && strcmp(target, buffer->target) == 0;
}

static struct source *load_buffer(const struct source_buffer *buffer, struct arena *arena, const char *shown)
{
	struct source *source = new_source(arena, shown, buffer->size);

	if (source && source->size)
		memcpy(source->text, buffer->bytes, source->size);
	return source;
}

struct source *source_add_buffer(struct source_map *map, const char *shown)
{
	struct source *source = load_buffer(map->buffer, map->arena, shown);

	return source ? commit(map, source) : NULL;
}

/* The cache is of files in the tree, which are named relative to its folders. */
static struct source *read_source(const struct source_map *map, struct arena *arena, int at, const char *path,
				  const char *shown)
{
	const struct overlay_file *replaced = at == AT_FDCWD ? NULL : source_overlay_find(map, shown);

	if (at == AT_FDCWD && is_buffer(map->buffer, arena, path))
		return load_buffer(map->buffer, arena, shown);
	if (replaced)
		return load_overlay(replaced, arena);
	return map->cache && at != AT_FDCWD ? load_cached(map->cache, arena, shown) : load_file(arena, at, path, shown);
}

static struct source *add_source(struct source_map *map, int at, struct source *source)
{
	if (source && at != AT_FDCWD)
		source->root = map->root;
	return source ? commit(map, source) : NULL;
}

struct source *source_load(struct source_map *map, int at, const char *path, const char *shown)
{
	return add_source(map, at, read_source(map, map->arena, at, path, shown));
}

struct source *source_load_text(struct source_map *map, struct arena *texts, const char *path)
{
	struct source *read = read_source(map, texts, AT_FDCWD, path, path), *source;

	if (!read)
		return NULL;
	source = ARENA_NEW(map->arena, struct source);
	*source = *read;
	source->path = arena_string(map->arena, text_of(path));
	return commit(map, source);
}

void source_keep_text(struct source_map *map, struct source *source)
{
	char *text = arena_alloc(map->arena, source->size + 2u);

	memcpy(text, source->text, source->size);
	source->text = text;
}

bool source_is_buffer(const struct source_map *map, struct arena *arena, const char *path)
{
	return is_buffer(map->buffer, arena, path);
}

struct source *source_add_twin(struct source_map *map, const struct source *source, const char *shown)
{
	struct source *twin = ARENA_NEW(map->arena, struct source);

	twin->path = arena_string(map->arena, text_of(shown));
	twin->text = source->text;
	twin->size = source->size;
	return commit(map, twin);
}

struct source *source_load_again(struct source_map *map, const struct source *before)
{
	struct source *source;
	int at, reason;

	if (map->cache)
		return source_load(map, SOURCE_CACHED, before->path, before->path);
	at = open(map->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return NULL;
	source = source_load(map, at, before->path, before->path);
	reason = errno;
	close(at);
	errno = reason;
	return source;
}

const char *source_file(const struct source_map *map, const struct source *source)
{
	const char *root = source->root, *path = source->path;
	int len = root ? (int)strlen(root) : 0;

	while (len > 1 && root[len - 1] == '/')
		len--;
	if (len > 0 && !(len == 1 && root[0] == '.'))
		path = arena_printf(map->arena, "%.*s%s%s", len, root, root[len - 1] == '/' ? "" : "/", path);
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	return path;
}

/* ---- many files ---- */

struct loading {
	int at;
	struct source_request *requests;
	const struct source_map *map;
	struct arena arenas[PARALLEL_MOST];
};

static void load_one(void *context, unsigned worker, unsigned n)
{
	struct loading *loading = context;
	struct source_request *request = &loading->requests[n];

	request->source = read_source(loading->map, &loading->arenas[worker], loading->at, request->path,
				      request->shown);
	request->reason = errno;
}

void source_load_all(struct source_map *map, int at, struct source_request *requests, unsigned count)
{
	struct loading loading = { .at = at, .requests = requests, .map = map };
	unsigned workers = parallel_workers(count);

	parallel_run(workers, count, load_one, &loading);
	for (unsigned i = 0; i < workers; i++)
		arena_adopt(map->arena, &loading.arenas[i]);
	for (unsigned i = 0; i < count; i++) {
		if (!requests[i].source)
			continue;
		requests[i].source = add_source(map, at, requests[i].source);
		requests[i].reason = errno;
	}
}

struct source *source_add(struct source_map *map, const char *shown, const char *bytes, size_t size)
{
	struct source *source = new_source(map->arena, shown, size);

	if (!source)
		return NULL;
	if (size)
		memcpy(source->text, bytes, size);
	return commit(map, source);
}

struct source *source_find(const struct source_map *map, uint32_t position)
{
	uint32_t low = 0, high = map->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct source *source = map->sources[middle];

		if (position < source->base)
			high = middle;
		else if (position > source->base + source->size)
			low = middle + 1;
		else
			return source;
	}
	return NULL;
}

/* Guards the line tables, which several threads build when they report places. */
static pthread_mutex_t line_lock = PTHREAD_MUTEX_INITIALIZER;

static void make_lines(const struct source_map *map, struct source *source)
{
	uint32_t count = 1, at = 0, *starts;

	for (uint32_t i = 0; i < source->size; i++)
		count += source->text[i] == '\n';
	starts = ARENA_ARRAY(map->arena, uint32_t, count);
	for (uint32_t i = 0; i < source->size; i++)
		if (source->text[i] == '\n')
			starts[++at] = i + 1;
	source->line_count = count;
	source->line_starts = starts;
}

static void find_lines(const struct source_map *map, struct source *source)
{
	if (source->line_starts)
		return;
	pthread_mutex_lock(&line_lock);
	if (!source->line_starts)
		make_lines(map, source);
	pthread_mutex_unlock(&line_lock);
}

/* Index of the line that holds `offset`. */
static uint32_t line_index(const struct source *source, uint32_t offset)
{
	uint32_t low = 0, high = source->line_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (source->line_starts[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Not within a character. */
static bool is_boundary(const struct source *source, uint32_t offset)
{
	return (source->text[offset] & 0xc0) != 0x80;
}

/* Length of a line before `offset`. A line may be long and have many diagnostics, which come near each
 * other, so the count goes on, or back, from where the last one has ended. */
static struct utf8_length length_before(struct source *source, uint32_t line, uint32_t offset)
{
	bool same = source->counted.line == line && is_boundary(source, offset);
	bool back = same && offset < source->counted.offset;
	uint32_t from = back ? offset : same ? source->counted.offset : source->line_starts[line - 1];
	uint32_t to = back ? source->counted.offset : offset;
	struct utf8_length between = utf8_length(source->text + from, to - from), length = between;

	if (back) {
		length.characters = source->counted.length.characters - between.characters;
		length.units = source->counted.length.units - between.units;
	} else if (same) {
		length.characters += source->counted.length.characters;
		length.units += source->counted.length.units;
	}
	if (is_boundary(source, offset)) {
		source->counted.line = line;
		source->counted.offset = offset;
		source->counted.length = length;
	}
	return length;
}

uint32_t source_line_number(const struct source_map *map, uint32_t position)
{
	struct source *source = source_find(map, position);

	if (!source)
		return 0;
	find_lines(map, source);
	return line_index(source, position - source->base) + 1;
}

struct place source_place(const struct source_map *map, uint32_t position)
{
	struct source *source = source_find(map, position);
	struct utf8_length before;
	uint32_t line, offset;

	if (!source)
		return (struct place){ NULL, 0, 0, 0 };
	find_lines(map, source);
	offset = position - source->base;
	line = line_index(source, offset) + 1;
	pthread_mutex_lock(&line_lock);
	before = length_before(source, line, offset);
	pthread_mutex_unlock(&line_lock);
	return (struct place){ source, line, before.characters + 1, before.units + 1 };
}

struct word source_line(const struct source_map *map, struct source *source, uint32_t line)
{
	uint32_t start, end;

	find_lines(map, source);
	start = source->line_starts[line - 1];
	end = line < source->line_count ? source->line_starts[line] - 1 : source->size;
	if (end > start && source->text[end - 1] == '\r')
		end--;
	return source_word(source, start, end - start);
}
