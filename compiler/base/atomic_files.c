/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What exists and is not a regular file, such as a pipe or /dev/null, cannot be replaced: it is written
 * directly. */
#include "base/atomic_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct out_folder {
	const char *path;
	struct out_folder *next;
};

struct out_file {
	const char *path, *temporary; /* temporary NULL: written in place */
	struct out out;
	struct out_file *next;
};

static void note_failure(struct out_files *files, const char *path, int reason)
{
	if (files->failed)
		return;
	files->failed = true;
	files->failed_path = path;
	files->reason = reason;
}

void out_files_directory(struct out_files *files, const char *path)
{
	struct out_folder *made;
	struct stat st;

	if (files->failed)
		return;
	if (mkdir(path, 0777) == 0) {
		made = ARENA_NEW(files->arena, struct out_folder);
		*made = (struct out_folder){ path, files->made };
		files->made = made;
	} else if (errno != EEXIST) {
		note_failure(files, path, errno);
	} else if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
		note_failure(files, path, ENOTDIR);
	}
}

/* Makes a new file beside `path`, hidden and with a name of our own. */
static int open_temporary(struct out_files *files, struct out_file *file)
{
	const char *name = base_name(file->path);
	int fd = -1;

	for (int i = 0; i < 100 && fd < 0; i++) {
		file->temporary = arena_printf(files->arena, "%.*s.%s.%ld.%d", (int)(name - file->path),
					       file->path, name, (long)getpid(), i);
		fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd;
}

static int open_file(struct out_files *files, struct out_file *file)
{
	struct stat st;
	char *real;

	if (stat(file->path, &st) < 0)
		return errno == ENOENT ? open_temporary(files, file) : -1;
	if (!S_ISREG(st.st_mode))
		return open(file->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	/* Through a symbolic link the file is replaced, not the link. */
	real = realpath(file->path, NULL);
	if (!real)
		return -1;
	file->path = arena_string(files->arena, text_of(real));
	free(real);
	return open_temporary(files, file);
}

/* The last file is complete. */
static void finish_last(struct out_files *files)
{
	struct out_file *file = files->first;
	int reason;

	if (!file || file->out.fd < 0)
		return;
	reason = out_flush(&file->out);
	if (close(file->out.fd) < 0 && !reason)
		reason = errno;
	out_free(&file->out);
	if (is_write_failure(reason))
		note_failure(files, file->path, reason);
}

struct out *out_files_open(struct out_files *files, const char *path)
{
	struct out_file *file = ARENA_NEW(files->arena, struct out_file);
	int fd;

	finish_last(files);
	if (files->failed)
		return NULL;
	file->path = path;
	fd = open_file(files, file);
	if (fd < 0) {
		note_failure(files, path, errno);
		return NULL;
	}
	out_init_fd(&file->out, fd);
	file->next = files->first;
	files->first = file;
	return &file->out;
}

/* Sets only differing attributes: some file systems refuse even an unchanged value. */
static bool take_mode_and_owner(int fd, const char *path)
{
	struct stat old, new;

	if (stat(path, &old) < 0 || fstat(fd, &new) < 0)
		return false;
	if ((old.st_uid != new.st_uid || old.st_gid != new.st_gid) && fchown(fd, old.st_uid, old.st_gid) < 0)
		return false;
	/* chown may have taken bits away. */
	if (fstat(fd, &new) < 0)
		return false;
	return ((old.st_mode ^ new.st_mode) & 07777) == 0 || fchmod(fd, old.st_mode & 07777) == 0;
}

struct out *out_files_replace(struct out_files *files, const char *path)
{
	struct out *out = out_files_open(files, path);

	if (out && !take_mode_and_owner(out->fd, path)) {
		note_failure(files, path, errno);
		return NULL;
	}
	return out;
}

bool out_files_commit(struct out_files *files)
{
	finish_last(files);
	for (struct out_file *file = files->first; file; file = file->next) {
		if (!file->temporary)
			continue;
		if (!files->failed && rename(file->temporary, file->path) < 0)
			note_failure(files, file->path, errno);
		if (files->failed)
			unlink(file->temporary);
	}
	for (const struct out_folder *made = files->failed ? files->made : NULL; made; made = made->next)
		rmdir(made->path);
	return !files->failed;
}
