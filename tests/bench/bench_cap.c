/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* P18: reading a CAP alert (guards, digest, schema, struct, geometry, no polygon that crosses
 * itself, the area as it will be shown) against libxml2 building a bare tree of the same bytes, which
 * has none of these duties, for documents of 2 KB, 20 KB and 2 MB. The large one comes with two kinds
 * of outline: one like a coast, and one of spikes, which is the harder to prove free of crossings.
 * usage: bench_cap [seed] */

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <talloc.h>

#include <tocsin/cap/cap.h>
#include <tocsin/core/draft.h>

#include "pairs.h"

#define PAIRS 61
#define THRESHOLD 2.5

struct shape {
	const char *name;
	unsigned int polygons, vertices, repeat;	/* repeat: runs in one measurement */
	bool coast;
};

static const struct shape shapes[] = {
	{ "CAP 2 KB", 1, 20, 50, false },
	{ "CAP 20 KB, 12 polygons", 12, 70, 10, false },
	{ "CAP 2 MB, 10 coasts of 10,000 vertices", 10, 10000, 1, true },
	{ "CAP 2 MB, 10 spiky polygons of 10,000", 10, 10000, 1, false },
};

#define WAVES 30

/* Distances from the centre, a quarter of a degree or so. */
static void make_radii(double *r, unsigned int n, bool coast)
{
	unsigned int i, k;

	for (i = 0; i < n; i++)
		r[i] = coast ? 0.25 : 0.2 + 0.1 * drand48();
	/* Bays of all sizes down to a dozen vertices, the smaller the shallower. */
	for (k = 1; coast && k <= WAVES; k++) {
		double phase = 2 * M_PI * drand48(), depth = 0.06 / (k * k);

		for (i = 0; i < n; i++)
			r[i] += depth * sin(2 * M_PI * k * k * i / n + phase);
	}
}

/* A ring around a centre that it sees all of: it never crosses itself. */
static char *add_polygon(char *doc, unsigned int vertices, bool coast, double lat, double lon)
{
	double *radii = talloc_array(NULL, double, vertices);
	double first_lat = 0, first_lon = 0;
	unsigned int i;
	char *text = talloc_strdup(doc, ""), *out;

	make_radii(radii, vertices, coast);
	for (i = 0; i < vertices; i++) {
		double a = 2 * M_PI * i / vertices;
		double y = lat + radii[i] * sin(a), x = lon + radii[i] * cos(a);

		if (!i) {
			first_lat = y;
			first_lon = x;
		}
		text = talloc_asprintf_append_buffer(text, "%.6f,%.6f ", y, x);
	}
	out = talloc_asprintf_append_buffer(doc, "<polygon>%s%.6f,%.6f</polygon>", text, first_lat, first_lon);
	talloc_free(text);
	talloc_free(radii);
	return out;
}

static char *make_document(void *ctx, const struct shape *shape)
{
	char *doc = talloc_strdup(ctx,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
		"<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>B-1</identifier>"
		"<sender>bench@example.org</sender><sent>2026-11-23T12:00:00-00:00</sent><status>Actual</status>"
		"<msgType>Alert</msgType><scope>Public</scope><info><language>en</language><category>Met</category>"
		"<event>Flood</event><urgency>Immediate</urgency><severity>Severe</severity>"
		"<certainty>Observed</certainty><expires>2026-11-23T13:00:00-00:00</expires>"
		"<headline>Flood warning for the valley</headline><description>The river rises.</description>"
		"<instruction>Go to higher ground.</instruction><area><areaDesc>Valley</areaDesc>");
	unsigned int i;

	for (i = 0; i < shape->polygons; i++)
		doc = add_polygon(doc, shape->vertices, shape->coast, 40 + i, 5 + 2 * i);
	return talloc_asprintf_append_buffer(doc, "</area></info></alert>");
}

static double time_subject(const char *doc, size_t len, unsigned int repeat)
{
	static const char *const languages[] = { "en", NULL };
	struct problem problem = { 0 };
	double start = pairs_now();

	while (repeat--) {
		uint8_t *bytes = talloc_memdup(NULL, doc, len);
		struct alert_draft *draft = alert_draft_read(NULL, "bench", bytes, len, languages, 1795435300, &problem);

		if (!draft) {
			fprintf(stderr, "bench_cap: refused: %s\n", problem.detail);
			exit(1);
		}
		talloc_free(draft);
	}
	return pairs_now() - start;
}

static double time_baseline(const char *doc, size_t len, unsigned int repeat)
{
	double start = pairs_now();

	while (repeat--)
		xmlFreeDoc(xmlReadMemory(doc, len, "b.xml", NULL, XML_PARSE_NONET | XML_PARSE_HUGE));
	return pairs_now() - start;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)(pairs_now() * 1e6);
	bool ok = true;
	size_t s, i;

	srand48(seed);
	if (cap_init() < 0)
		return 1;
	for (s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		char *doc = make_document(NULL, &shapes[s]);
		size_t len = strlen(doc);
		struct pairs pairs;

		time_subject(doc, len, 1);
		time_baseline(doc, len, 1);
		pairs_init(&pairs);
		for (i = 0; i < PAIRS; i++) {
			double subject = time_subject(doc, len, shapes[s].repeat);

			pairs_add(&pairs, subject, time_baseline(doc, len, shapes[s].repeat));
		}
		ok &= pairs_report(&pairs, "P18", shapes[s].name, THRESHOLD, false, seed);
		talloc_free(doc);
	}
	cap_exit();
	return ok ? 0 : 1;
}
