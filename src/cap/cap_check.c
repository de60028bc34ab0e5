/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What CAP 1.2 says in words only. Each rule looks at the alert alone and stands by itself. */

#include <tocsin/cap/cap.h>

#include "cap_xml.h"

#include <stdio.h>
#include <string.h>

/* Alert and Update tell people something, somewhere; Cancel, Ack and Error speak of an alert
 * that was sent before and need nothing of their own. */
static bool tells_people(const struct cap_alert *alert)
{
	return alert->msg_type == CAP_MSG_ALERT || alert->msg_type == CAP_MSG_UPDATE;
}

/* CAP 1.2, 3.2.1: no spaces, commas or restricted characters (< and &), else references to the
 * alert could not be told apart. */
static int check_name(const char *name, const char *where, struct problem *problem)
{
	const char *bad = strpbrk(name, " \t\n,<&");

	if (!*name)
		return problem_set(problem, PROBLEM_CAP_IDENTIFIER, where, 0, "It is empty.");
	if (bad)
		return problem_set(problem, PROBLEM_CAP_IDENTIFIER, where, 0,
				   "\"%.*s\" has a %s.", cap_clip(name, 100), name,
				   *bad == ',' ? "comma" : *bad == '<' ? "<" : *bad == '&' ? "&" :
				   "blank");
	return 0;
}

static int check_identifier(const struct cap_alert *alert, struct problem *problem)
{
	return check_name(alert->identifier, "alert/identifier", problem);
}

static int check_sender(const struct cap_alert *alert, struct problem *problem)
{
	return check_name(alert->sender, "alert/sender", problem);
}

/* Without them nobody knows what is to be replaced or stopped. */
static int check_references(const struct cap_alert *alert, struct problem *problem)
{
	if (alert->msg_type != CAP_MSG_UPDATE && alert->msg_type != CAP_MSG_CANCEL)
		return 0;
	if (alert->n_references)
		return 0;
	return problem_set(problem, PROBLEM_CAP_REFERENCES, "alert/references",
			   alert->references_line, "The msgType %s needs references.",
			   cap_msg_type_name(alert->msg_type));
}

static int check_addresses(const struct cap_alert *alert, struct problem *problem)
{
	if (alert->scope != CAP_SCOPE_PRIVATE || alert->addresses)
		return 0;
	return problem_set(problem, PROBLEM_CAP_ADDRESSES, "alert/addresses", 0,
			   "The scope Private needs addresses.");
}

static int check_info(const struct cap_alert *alert, struct problem *problem)
{
	if (!tells_people(alert) || alert->n_infos)
		return 0;
	return problem_set(problem, PROBLEM_CAP_NO_INFO, "alert/info", 0,
			   "The msgType %s needs an info.", cap_msg_type_name(alert->msg_type));
}

/* A description alone ("the valley") cannot be turned into cells. */
static bool has_place(const struct cap_info *info)
{
	const struct cap_area *area;
	size_t i;

	for (i = 0; i < info->n_areas; i++) {
		area = &info->areas[i];
		if (area->n_polygons || area->n_circles || area->n_geocodes)
			return true;
	}
	return false;
}

static int check_area(const struct cap_alert *alert, struct problem *problem)
{
	char where[64];
	size_t i;

	for (i = 0; tells_people(alert) && i < alert->n_infos; i++) {
		if (has_place(&alert->infos[i]))
			continue;
		snprintf(where, sizeof(where), "alert/info[%zu]/area", i + 1);
		return problem_set(problem, PROBLEM_CAP_NO_AREA, where, alert->infos[i].line,
				   "%s", alert->infos[i].n_areas ?
				   "No area has a polygon, circle or geocode." :
				   "There is no area.");
	}
	return 0;
}

/* Not for Cancel: one that arrives after the alert ran out is late, but no reason to let the
 * alert ring on. */
static int check_expires(const struct cap_alert *alert, struct problem *problem)
{
	const struct cap_info *info;
	char where[64];
	size_t i;

	for (i = 0; tells_people(alert) && i < alert->n_infos; i++) {
		info = &alert->infos[i];
		if (!info->expires_utc || info->expires_utc > alert->sent_utc)
			continue;
		snprintf(where, sizeof(where), "alert/info[%zu]/expires", i + 1);
		return problem_set(problem, PROBLEM_CAP_TIME, where, info->line,
				   "It expires before it was sent, or at that time.");
	}
	return 0;
}

int cap_check(const struct cap_alert *alert, struct problem *problem)
{
	static int (*const rules[])(const struct cap_alert *, struct problem *) = {
		check_identifier, check_sender, check_references, check_addresses,
		check_info, check_area, check_expires,
	};
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]) && !rc; i++)
		rc = rules[i](alert, problem);
	return rc;
}
