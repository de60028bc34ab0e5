/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store_sql.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RESERVE_LEN (8 << 20)
/* Made again only when this much is free, so that a disk that stays nearly full is left alone. */
#define RESERVE_MARGIN (4 * RESERVE_LEN)
/* Twice what is written before a pause is used to begin the log anew. */
#define LOG_LEN (8 << 20)
#define LOG_PIECE 65536

/* Of an earlier run. */
static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == RESERVE_LEN;
}

static bool space_to_spare(const char *dir)
{
	struct statvfs st;

	return statvfs(dir, &st) == 0 && (uint64_t)st.f_bavail * st.f_frsize >= RESERVE_MARGIN;
}

static bool allocate(const char *path)
{
	int rc, fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return false;
	rc = posix_fallocate(fd, 0, RESERVE_LEN);
	close(fd);
	if (rc)
		unlink(path);
	return !rc;
}

void reserve_make(struct reserve *reserve)
{
	if (reserve->there)
		return;
	if (!is_there(reserve->path)) {
		if (!space_to_spare(reserve->dir)) {
			reserve->spent = true;
			return;
		}
		if (!allocate(reserve->path))
			return;
	}
	reserve->there = true;
	reserve->spent = false;
}

bool reserve_spend(struct reserve *reserve)
{
	if (!reserve->there)
		return false;
	reserve->there = false;
	reserve->spent = true;
	return unlink(reserve->path) == 0;
}

/* A commit that makes the log longer has to sync its inode as well. What lies behind the last whole
 * commit is nothing to SQLite (file format, 4.3), so octets that mean nothing can be there already;
 * unwritten extents would not do, since to fill them in changes the inode, too. A log that does not
 * get them costs time only. */
void log_extend(const char *dir)
{
	static const uint8_t zeros[LOG_PIECE];
	char path[4096];
	struct stat st;
	off_t at;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/" STORE_DATABASE "-wal", dir) >= sizeof(path) ||
	    !space_to_spare(dir))
		return;
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	at = fstat(fd, &st) == 0 ? st.st_size : LOG_LEN;
	while (at < LOG_LEN && pwrite(fd, zeros, sizeof(zeros), at) == (ssize_t)sizeof(zeros))
		at += sizeof(zeros);
	(void)fsync(fd);
	close(fd);
}
