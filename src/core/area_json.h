/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The area of an alert as GeoJSON (RFC 7946): what was decided on, for people and their maps.
 *
 * A FeatureCollection with a Feature for each polygon and each circle, in the order of the document,
 * and a member "areas" with what the CAP areas say of themselves. Nothing is rounded, joined or cut;
 * doc/api/openapi.yaml tells the shape. */

#include <tocsin/cap/cap.h>
#include <tocsin/geo/shape.h>

/*! \param[in] language  of the blocks whose areas count.
 *  \param[in] area      their polygons and circles, in the order of the document.
 *  \returns talloc string, NULL when out of memory. */
char *area_json(void *ctx, const struct cap_alert *cap, const char *language, const struct geo_area *area);
