/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/cap/cap.h>

#include "cap_names.h"

#include <errno.h>
#include <string.h>

#define NAMES(id, ...) \
	static const char *const id##_table[] = { __VA_ARGS__ }; \
	const struct cap_names cap_##id##_names = { id##_table, \
						    sizeof(id##_table) / sizeof(id##_table[0]) };

/* CAP 1.2, 3.2.1 */
NAMES(status, "Actual", "Exercise", "System", "Test", "Draft")
NAMES(msg_type, "Alert", "Update", "Cancel", "Ack", "Error")
NAMES(scope, "Public", "Restricted", "Private")
/* CAP 1.2, 3.2.2 */
NAMES(urgency, "Immediate", "Expected", "Future", "Past", "Unknown")
NAMES(severity, "Extreme", "Severe", "Moderate", "Minor", "Unknown")
NAMES(certainty, "Observed", "Likely", "Possible", "Unlikely", "Unknown")
NAMES(category, "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env",
      "Transport", "Infra", "CBRNE", "Other")
NAMES(response_type, "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess",
      "AllClear", "None")

int cap_names_find(const struct cap_names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->n; i++) {
		if (!strcmp(names->names[i], name))
			return (int)i;
	}
	return -EINVAL;
}

static const char *name_of(const struct cap_names *names, unsigned int value)
{
	return value < names->n ? names->names[value] : "?";
}

const char *cap_status_name(enum cap_status v)
{
	return name_of(&cap_status_names, v);
}

const char *cap_msg_type_name(enum cap_msg_type v)
{
	return name_of(&cap_msg_type_names, v);
}

const char *cap_scope_name(enum cap_scope v)
{
	return name_of(&cap_scope_names, v);
}

const char *cap_urgency_name(enum cap_urgency v)
{
	return name_of(&cap_urgency_names, v);
}

const char *cap_severity_name(enum cap_severity v)
{
	return name_of(&cap_severity_names, v);
}

const char *cap_certainty_name(enum cap_certainty v)
{
	return name_of(&cap_certainty_names, v);
}

int cap_status_parse(const char *name)
{
	return cap_names_find(&cap_status_names, name);
}

int cap_urgency_parse(const char *name)
{
	return cap_names_find(&cap_urgency_names, name);
}

int cap_severity_parse(const char *name)
{
	return cap_names_find(&cap_severity_names, name);
}

int cap_certainty_parse(const char *name)
{
	return cap_names_find(&cap_certainty_names, name);
}
