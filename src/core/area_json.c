/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Each shape is a Feature of its own: the polygons of a CAP area may overlap, and a MultiPolygon
 * would be drawn with holes there. The description stands once for each CAP area and not in every
 * Feature, so that the text grows no faster than the document. A ring across the antimeridian is
 * not cut in two (RFC 7946, 3.1.9, asks for that without insisting), since the points of the cut
 * would be rounded: its longitudes go on beyond 180 degrees, as they do in the decision. */
#include "area_json.h"

#include <math.h>
#include <strings.h>

#include <talloc.h>

#include <tocsin/base/json.h>

#define DEGREE_DIGITS 7
#define METRE_DIGITS 3
#define MAX_POSITION 48		/* octets of [longitude,latitude] */

/* As json_number() writes them, but there may be a million of these. */
static char *write_degrees(char *p, int64_t degrees)
{
	uint64_t magnitude = degrees < 0 ? -(uint64_t)degrees : (uint64_t)degrees;
	uint32_t whole = magnitude / GEO_DEGREE, part = magnitude % GEO_DEGREE;
	int i;

	if (degrees < 0)
		*p++ = '-';
	if (whole >= 100)
		*p++ = '0' + whole / 100;
	if (whole >= 10)
		*p++ = '0' + whole / 10 % 10;
	*p++ = '0' + whole % 10;
	if (!part)
		return p;
	*p++ = '.';
	for (i = DEGREE_DIGITS - 1; i >= 0; i--, part /= 10)
		p[i] = '0' + part % 10;
	for (p += DEGREE_DIGITS; p[-1] == '0'; p--)
		;
	return p;
}

static void put_position(struct json *j, const char *name, int64_t lon, int64_t lat)
{
	char text[MAX_POSITION], *p = text;

	*p++ = '[';
	p = write_degrees(p, lon);
	*p++ = ',';
	p = write_degrees(p, lat);
	*p++ = ']';
	json_raw(j, name, text, p - text);
}

static bool is_clockwise(const struct geo_ring *r)
{
	__int128 twice = 0;
	size_t i, k;

	for (i = 0; i < r->n; i++) {
		k = i + 1 < r->n ? i + 1 : 0;
		twice += (__int128)(r->lon[i] - r->lon[0]) * r->lat[k] -
			 (__int128)(r->lon[k] - r->lon[0]) * r->lat[i];
	}
	return twice < 0;
}

/* CAP leaves the direction open; here it is anticlockwise (RFC 7946, 3.1.6), the last point the first. */
static void put_polygon(struct json *j, const struct geo_ring *r)
{
	bool back = is_clockwise(r);
	size_t i, k;

	json_string(j, "type", "Polygon");
	json_array_begin(j, "coordinates");
	json_array_begin(j, NULL);
	for (i = 0; i <= r->n; i++) {
		k = (back ? r->n - i : i) % r->n;
		put_position(j, NULL, r->lon[k], r->lat[k]);
	}
	json_array_end(j);
	json_array_end(j);
}

static void put_point(struct json *j, const struct geo_point *p)
{
	json_string(j, "type", "Point");
	put_position(j, "coordinates", p->lon, p->lat);
}

/* One of ring and circle is there. */
static void put_feature(struct json *j, size_t area, const struct geo_ring *ring, const struct geo_circle *circle)
{
	json_object_begin(j, NULL);
	json_string(j, "type", "Feature");
	json_object_begin(j, "geometry");
	if (ring)
		put_polygon(j, ring);
	else
		put_point(j, &circle->centre);
	json_object_end(j);
	json_object_begin(j, "properties");
	json_int(j, "area", area);
	if (circle)
		json_number(j, "radius_m", llround(circle->radius_m * 1000), METRE_DIGITS);
	json_object_end(j);
	json_object_end(j);
}

/* The next CAP area that counts. \param[in,out] info, area  where it is; begin with 0, 0. */
static const struct cap_area *next_area(const struct cap_alert *cap, const char *language, size_t *info, size_t *area)
{
	for (; *info < cap->n_infos; (*info)++, *area = 0) {
		if (*area < cap->infos[*info].n_areas && !strcasecmp(cap->infos[*info].language, language))
			return &cap->infos[*info].areas[(*area)++];
	}
	return NULL;
}

static void put_features(struct json *j, const struct cap_alert *cap, const char *language, const struct geo_area *area)
{
	const struct geo_circle *circle = area->circles;
	const struct geo_ring *ring = area->rings;
	size_t info = 0, nr = 0, i, n;
	const struct cap_area *from;

	json_array_begin(j, "features");
	for (n = 0; (from = next_area(cap, language, &info, &nr)); n++) {
		for (i = 0; i < from->n_polygons; i++)
			put_feature(j, n, ring++, NULL);
		for (i = 0; i < from->n_circles; i++)
			put_feature(j, n, NULL, circle++);
	}
	json_array_end(j);
}

static void put_areas(struct json *j, const struct cap_alert *cap, const char *language)
{
	size_t info = 0, nr = 0;
	const struct cap_area *from;

	json_array_begin(j, "areas");
	while ((from = next_area(cap, language, &info, &nr))) {
		json_object_begin(j, NULL);
		json_string(j, "description", from->desc);
		json_int(j, "polygons", from->n_polygons);
		json_int(j, "circles", from->n_circles);
		json_object_end(j);
	}
	json_array_end(j);
}

char *area_json(void *ctx, const struct cap_alert *cap, const char *language, const struct geo_area *area)
{
	struct json j;
	char *text;

	json_init(&j, ctx);
	json_object_begin(&j, NULL);
	json_string(&j, "type", "FeatureCollection");
	put_features(&j, cap, language, area);
	put_areas(&j, cap, language);
	json_object_end(&j);
	text = j.error ? NULL : talloc_realloc(ctx, j.buf, char, j.len + 1);
	if (text)
		text[j.len] = '\0';
	else
		talloc_free(j.buf);
	return text;
}
