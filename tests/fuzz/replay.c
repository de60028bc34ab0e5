/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Replays a fuzz corpus with a plain main: one TAP line per file of the folder that is named
 * after the program (tests/fuzz/fuzz_cap reads tests/fuzz/corpus/cap), or per file named on the
 * command line. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;
	int rc = -1;

	if (!f)
		return -1;
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
		/* An exact allocation, so that the sanitizer sees every octet read beyond it. */
		data = malloc(size ? size : 1);
		if (data && fread(data, 1, size, f) == (size_t)size) {
			LLVMFuzzerTestOneInput(data, size);
			rc = 0;
		}
		free(data);
	}
	fclose(f);
	return rc;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	const char *srcdir = getenv("SRCDIR") ? getenv("SRCDIR") : SOURCE_DIR;
	struct dirent **files = NULL;
	char dir[4096], path[8192];
	int i, n, count = 0, failed = 0;

	for (i = 1; i < argc; i++)
		failed |= replay(argv[i]) < 0;
	if (argc > 1)
		return failed;

	if (!strncmp(name, "lt-", 3))
		name += 3;
	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", srcdir,
		 strncmp(name, "fuzz_", 5) ? name : name + 5);
	n = scandir(dir, &files, NULL, by_name);
	for (i = 0; i < n; i++) {
		if (files[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", dir, files[i]->d_name);
			count++;
			if (replay(path) < 0) {
				failed = 1;
				printf("not ");
			}
			printf("ok %d - %s\n", count, files[i]->d_name);
		}
		free(files[i]);
	}
	free(files);
	/* An empty corpus proves nothing, so it fails. */
	if (!count) {
		printf("not ok 1 - no corpus in %s\n", dir);
		count = failed = 1;
	}
	printf("1..%d\n", count);
	return failed;
}
