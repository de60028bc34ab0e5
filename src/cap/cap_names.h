/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The enumerations of CAP 1.2 as tables, in the order of the schema. */

#include <stddef.h>

struct cap_names {
	const char *const *names;
	size_t n;
};

extern const struct cap_names cap_status_names;
extern const struct cap_names cap_msg_type_names;
extern const struct cap_names cap_scope_names;
extern const struct cap_names cap_urgency_names;
extern const struct cap_names cap_severity_names;
extern const struct cap_names cap_certainty_names;
extern const struct cap_names cap_category_names;
extern const struct cap_names cap_response_type_names;

/*! \returns the index of a name, exact spelling, or -EINVAL. */
int cap_names_find(const struct cap_names *names, const char *name);
