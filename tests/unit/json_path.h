/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What a JSON text says at a place, judged by json-c and not by our own writer. */

#include <stddef.h>

/*! Text of the value at a path like "messages/0/nr"; strings without quotes, objects and arrays as
 *  compact JSON, null as "null". \returns malloc, or NULL if the text is not strict JSON or there
 *  is no such member. */
char *json_path(const char *text, size_t len, const char *path);
/*! Elements of the array there, -1 if there is none. */
long json_path_length(const char *text, size_t len, const char *path);
