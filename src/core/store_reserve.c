/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store_sql.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RESERVE_LEN (8 << 20)
/* Made again only when this much is free, so that a disk that stays nearly full is left alone. */
#define RESERVE_MARGIN (4 * RESERVE_LEN)

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
