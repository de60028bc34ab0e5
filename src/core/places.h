/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The places of one plan: where a recipient must be to be meant by it.
 *
 * A place is a cell of the plan that a recipient's location can name (CGI, SAI), or a location area
 * in which such a cell lies. First every list of cells is added, then the places are finished; they
 * never change after that. They are numbered from 0, in no order that means anything. */

#include <stddef.h>

#include <tocsin/core/target.h>

struct places;

/*! No places yet. NULL when out of memory. */
struct places *places_alloc(void *ctx);
/*! Add cells of the plan, sorted or not; a cell that was added before changes nothing. Targets of
 *  other types are no places: no recipient's location names them.
 *  \returns 0 or -ENOMEM. */
int places_add(struct places *p, const struct target *cells, size_t n);
/*! Derive the location areas and number everything. Once, and before anything below.
 *  \returns 0 or -ENOMEM. */
int places_finish(struct places *p);

/*! The place a recipient's location lies in: of a cell that cell's, of a location area the area's. A
 *  cell outside of the plan lies in no place, whatever its location area: the cell is known. Whoever
 *  looks up many does so some dozens at a time, and acts upon the answers after that: the lookups
 *  then overlap.
 *  \returns its number, or -1. */
long places_find(const struct places *p, const struct target *at);
size_t places_count(const struct places *p);
/*! \returns borrowed from the places. */
const struct target *places_get(const struct places *p, size_t i);
/*! The place of the location area in which the cell of place i lies; -1 if i is a location area. */
long places_area_of(const struct places *p, size_t i);
