/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which cells meet an area, for a second opinion on the geometry layer.
 *
 * usage: area_cells CELLS AREAS
 * CELLS has a line "lat,lon,range_m,azimuth_deg,beam_deg" per cell. AREAS has a line per area:
 * shapes separated by '|', each a letter (P polygon, C circle) and its CAP text. Prints a line per
 * area: the rows of the cells that meet it, from 0. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include <tocsin/base/text.h>
#include <tocsin/geo/cell_index.h>

static int number(char **rest, unsigned int scale, int64_t *out)
{
	char *word = strsep(rest, ",\n");

	return word ? text_decimal(word, strlen(word), scale, out) : -1;
}

static int cell_read(char *line, struct geo_footprint *f)
{
	int64_t lat, lon, range, azimuth, beam;

	if (number(&line, 7, &lat) || number(&line, 7, &lon) || number(&line, 0, &range) ||
	    number(&line, 0, &azimuth) || number(&line, 0, &beam))
		return -1;
	*f = (struct geo_footprint){ { lat, lon }, range, azimuth, beam };
	return 0;
}

static struct geo_footprint *cells_read(void *ctx, FILE *file, size_t *n)
{
	struct geo_footprint *cells = NULL;
	char line[200];

	for (*n = 0; fgets(line, sizeof(line), file); (*n)++) {
		cells = talloc_realloc(ctx, cells, struct geo_footprint, *n + 1);
		if (!cells || cell_read(line, &cells[*n])) {
			fprintf(stderr, "area_cells: cell %zu cannot be read\n", *n);
			exit(1);
		}
	}
	return cells;
}

static struct geo_area *area_read(void *ctx, char *line)
{
	struct geo_area *area = geo_area_alloc(ctx);
	struct problem problem;
	char *shape;
	int rc;

	line[strcspn(line, "\n")] = 0;
	while ((shape = strsep(&line, "|"))) {
		if (*shape == 'C')
			rc = geo_area_add_circle(area, shape + 1, "circle", 0, &problem);
		else
			rc = geo_area_add_polygon(area, shape + 1, "polygon", 0, &problem);
		if (rc) {
			fprintf(stderr, "area_cells: %s\n", problem.detail);
			exit(1);
		}
	}
	return area;
}

static void rows_print(const struct cell_index *index, const struct geo_area *area)
{
	struct cell_search *search = cell_search_alloc(NULL, index, area);
	const uint32_t *rows;
	size_t i, n;

	while (cell_search_step(search, 1000) == 0)
		;
	rows = cell_search_rows(search, &n);
	for (i = 0; i < n; i++)
		printf("%s%" PRIu32, i ? " " : "", rows[i]);
	printf("\n");
	talloc_free(search);
}

int main(int argc, char **argv)
{
	FILE *cells_file = argc == 3 ? fopen(argv[1], "r") : NULL;
	FILE *areas_file = argc == 3 ? fopen(argv[2], "r") : NULL;
	void *ctx = talloc_new(NULL);
	struct geo_footprint *cells;
	struct cell_index *index;
	char *line = NULL;
	size_t n, size = 0;

	if (!cells_file || !areas_file) {
		fprintf(stderr, "usage: area_cells CELLS AREAS\n");
		return 2;
	}
	cells = cells_read(ctx, cells_file, &n);
	index = cell_index_build(ctx, cells, n);
	while (getline(&line, &size, areas_file) > 0) {
		struct geo_area *area = area_read(ctx, line);

		rows_print(index, area);
		talloc_free(area);
	}
	free(line);
	fclose(cells_file);
	fclose(areas_file);
	talloc_free(ctx);
	return 0;
}
