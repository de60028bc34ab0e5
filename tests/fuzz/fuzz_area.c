/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Areas as text: separated by '|', each a polygon, or a circle after a leading 'c'. What is
 * accepted is met with a few footprints, by the predicate and through the index, which have to
 * agree. What the quick check of rings proves, the thorough one must accept. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <talloc.h>

#include <tocsin/geo/cell_index.h>

#include "../../src/geo/ring_check.h"
#include "../../src/geo/ring_simple.h"

static const struct geo_footprint footprints[] = {
	{ { 0, 0 }, 0, 0, 360 },
	{ { 10000000, 10000000 }, 30000, 45, 120 },
	{ { 500000000, 100000000 }, 5000, 270, 65 },
	{ { -175000000, 1800000000 }, 300000, 10, 300 },
	{ { -175000000, -1799999999 }, 1500, 180, 360 },
	{ { 899990000, 1200000000 }, 20000, 0, 90 },
	{ { -900000000, -50000000 }, 1000, 359, 180 },
};

#define N (sizeof(footprints) / sizeof(footprints[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void area_read(struct geo_area *area, char *text)
{
	struct problem problem;
	char *line, *rest = text;
	int rc;

	while ((line = strsep(&rest, "|"))) {
		if (*line == 'c')
			rc = geo_area_add_circle(area, line + 1, "circle", 1, &problem);
		else
			rc = geo_area_add_polygon(area, line, "polygon", 1, &problem);
		if (rc && !problem.detail[0])
			abort();
	}
}

/* The orientation matters to rings only that run back along themselves. */
static void rings_check(const struct geo_area *area)
{
	struct ring_fault fault;
	size_t i;

	for (i = 0; i < area->n_rings; i++) {
		if (ring_simple(NULL, &area->rings[i]) == 1 &&
		    ring_check(NULL, &area->rings[i], 1, &fault) != 0)
			abort();
	}
}

static void area_search(const struct geo_area *area)
{
	struct cell_index *index = cell_index_build(NULL, footprints, N);
	struct cell_search *search = cell_search_alloc(index, index, area);
	const uint32_t *rows;
	size_t i, n, at = 0;
	int rc;

	do {
		rc = cell_search_step(search, 1);
	} while (rc == 0);
	rows = cell_search_rows(search, &n);
	for (i = 0; i < N; i++) {
		bool found = at < n && rows[at] == i;

		if (found != geo_footprint_meets(&footprints[i], area))
			abort();
		at += found;
	}
	talloc_free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = talloc_strndup(NULL, (const char *)data, size);
	struct geo_area *area = geo_area_alloc(text);

	area_read(area, text);
	rings_check(area);
	area_search(area);
	talloc_free(text);
	return 0;
}
