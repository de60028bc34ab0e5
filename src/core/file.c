/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not mapped: a file that is cut short while it is mapped would end the program. */
static int read_all(int fd, uint8_t *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, data + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += n;
	}
	return 0;
}

static int read_fd(int fd, size_t max, uint8_t **data, size_t *len, const char **why)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	*why = "it is not a regular file";
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*why = "it is too large";
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	*why = NULL;
	*len = st.st_size;
	*data = malloc(*len ? *len : 1);
	if (!*data)
		return -ENOMEM;
	rc = read_all(fd, *data, *len);
	if (rc < 0) {
		free(*data);
		*data = NULL;
	}
	return rc;
}

int file_read(const char *path, size_t max, enum problem_code code, uint8_t **data, size_t *len,
	      struct problem *problem)
{
	const char *why = NULL;
	int rc, fd;

	*data = NULL;
	/* Without O_NONBLOCK a pipe by that name would stop the thread for good. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	rc = fd < 0 ? -errno : read_fd(fd, max, data, len, &why);
	if (fd >= 0)
		close(fd);
	if (rc == -ENOMEM)
		return problem_set(problem, PROBLEM_NO_MEMORY, path, 0, "no memory for this file");
	if (rc < 0)
		return problem_set(problem, code, path, 0, "%s", why ? why : strerror(-rc));
	return 0;
}
