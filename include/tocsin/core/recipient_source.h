/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Where recipients come from: the operator's file, a network element that knows who is where.
 *
 * A source has a name, and one recipient table at a time, which a newer one replaces whole. What
 * follows sees all sources as one list: recipient_walk. All functions run on the loop's thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tocsin/base/problem.h>
#include <tocsin/core/recipient.h>

#define RECIPIENT_MAX_SOURCES 8

struct recipient_sources;
struct recipient_source;

struct recipient_sources *recipient_sources_alloc(void *ctx);
/*! A source without a table.
 *  \param[in] kind   "file", "osmo-msc": for status; static.
 *  \param[in] live   it knows the present cell: its location counts before that of a file.
 *  \param[in] max_age_s  after that long without a new table its locations count as unknown; 0 =
 *                    never.
 *  \returns NULL when out of memory, the name is taken or there are too many. */
struct recipient_source *recipient_source_add(struct recipient_sources *sources, const char *name,
					      const char *kind, bool live, unsigned int max_age_s);
void recipient_source_remove(struct recipient_source *source);
struct recipient_source *recipient_source_by_name(const struct recipient_sources *sources, const char *name);
/*! In order of configuration; NULL starts, NULL ends. */
struct recipient_source *recipient_source_next(const struct recipient_sources *sources,
					       const struct recipient_source *after);
/*! Put a table in force; it is taken over. */
void recipient_source_put(struct recipient_source *source, struct recipient_table *table, int64_t now);
/*! An attempt to get a newer table failed; the old one stays. */
void recipient_source_failed(struct recipient_source *source, const struct problem *problem, int64_t now);

const char *recipient_source_name(const struct recipient_source *source);
const char *recipient_source_kind(const struct recipient_source *source);
/*! Rows of its table; 0 without one. */
size_t recipient_source_count(const struct recipient_source *source);
/*! UTC second of its table, 0 = none yet. */
int64_t recipient_source_updated(const struct recipient_source *source);
/*! Of the last attempt: PROBLEM_NONE if it went well. \returns its UTC second, 0 = none yet. */
int64_t recipient_source_last(const struct recipient_source *source, struct problem *problem);

/*! Set the gauges of all sources. */
void recipient_sources_set_gauges(const struct recipient_sources *sources, int64_t now);
/*! Changes whenever a table was put in force. */
unsigned int recipient_sources_version(const struct recipient_sources *sources);
/*! Has every source a table that is not too old? True without sources. */
bool recipient_sources_complete(const struct recipient_sources *sources, int64_t now);

/*! One pass over the recipients of all sources, in order of IMSI, each once. It keeps the tables of
 *  its beginning, whatever is put in force meanwhile. */
struct recipient_walk;
struct recipient_walk *recipient_walk_alloc(void *ctx, const struct recipient_sources *sources, int64_t now);
/*! \param[out] row  merged: location of the first live source that knows one, else of the first
 *                   source that does; number and language of the first source that has one; drill if
 *                   any says so. Its language member is not to be used.
 *  \param[out] language  RFC 3066, borrowed from the walk; NULL = unknown.
 *  \returns false at the end. */
bool recipient_walk_next(struct recipient_walk *walk, struct recipient *row, const char **language);
