/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "json_path.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *root;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tok, text, len);
	if (json_tokener_get_error(tok) != json_tokener_success || json_tokener_get_parse_end(tok) != len) {
		json_object_put(root);
		root = NULL;
	}
	json_tokener_free(tok);
	return root;
}

/* \returns 0 and the (borrowed) object, NULL for null; -1 if the path leads nowhere. */
static int walk(struct json_object *at, const char *path, struct json_object **out)
{
	char *copy = strdup(path), *rest = copy, *part;
	int rc = 0;

	while (rc == 0 && (part = strsep(&rest, "/"))) {
		if (!*part)
			continue;
		if (json_object_is_type(at, json_type_array)) {
			size_t i = strtoul(part, NULL, 10);

			rc = i < json_object_array_length(at) ? 0 : -1;
			at = rc ? NULL : json_object_array_get_idx(at, i);
		} else {
			rc = json_object_object_get_ex(at, part, &at) ? 0 : -1;
		}
	}
	free(copy);
	*out = at;
	return rc;
}

char *json_path(const char *text, size_t len, const char *path)
{
	struct json_object *root = parse(text, len), *at;
	char *value = NULL;

	if (root && walk(root, path, &at) == 0) {
		if (json_object_is_type(at, json_type_string))
			value = strdup(json_object_get_string(at));
		else
			value = strdup(json_object_to_json_string_ext(at, JSON_C_TO_STRING_PLAIN));
	}
	json_object_put(root);
	return value;
}

long json_path_length(const char *text, size_t len, const char *path)
{
	struct json_object *root = parse(text, len), *at;
	long n = -1;

	if (root && walk(root, path, &at) == 0 && json_object_is_type(at, json_type_array))
		n = json_object_array_length(at);
	json_object_put(root);
	return n;
}
