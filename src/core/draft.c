/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/draft.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <talloc.h>

#include "area_json.h"

/* Clocks of originators may run ahead of ours by this much, seconds. */
#define SENT_TOLERANCE_S 300

void alert_draft_advise(struct alert_draft *draft, const char *code, const char *fmt, ...)
{
	struct advisory *a;
	va_list ap;

	if (draft->n_advisories == MAX_ADVISORIES)
		return;
	a = &draft->advisories[draft->n_advisories++];
	a->code = code;
	va_start(ap, fmt);
	vsnprintf(a->detail, sizeof(a->detail), fmt, ap);
	va_end(ap);
}

void alert_id_make(const char *originator, const char *sender, const char *identifier,
		   int64_t sent_utc, char id[ALERT_ID_LEN + 1])
{
	uint8_t digest[DIGEST_LEN];
	/* None of the parts can hold a line feed, so no two keys have one text. */
	char *key = talloc_asprintf(NULL, "%s\n%s\n%s\n%lld", originator, sender, identifier,
				    (long long)sent_utc);

	if (!key || digest_sha256(key, strlen(key), digest) < 0)
		memset(digest, 0, sizeof(digest));
	talloc_free(key);
	digest_hex(digest, ALERT_ID_LEN / 2, id);
}

static int check_kind(const struct cap_alert *cap, int64_t now, struct problem *problem)
{
	if (cap->status == CAP_STATUS_SYSTEM || cap->status == CAP_STATUS_DRAFT)
		return problem_set(problem, PROBLEM_CAP_STATUS, "alert/status", 0,
				   "Alerts of status %s are never broadcast.", cap_status_name(cap->status));
	if (cap->scope != CAP_SCOPE_PUBLIC)
		return problem_set(problem, PROBLEM_CAP_NOT_PUBLIC, "alert/scope", 0,
				   "The scope is %s; a broadcast reaches everyone.", cap_scope_name(cap->scope));
	if (cap->msg_type != CAP_MSG_ALERT && cap->msg_type != CAP_MSG_CANCEL)
		return problem_set(problem, PROBLEM_CAP_MSG_TYPE, "alert/msgType", 0,
				   "msgType %s is not handled; send an Alert or a Cancel.",
				   cap_msg_type_name(cap->msg_type));
	if (cap->sent_utc > now + SENT_TOLERANCE_S)
		return problem_set(problem, PROBLEM_CAP_SENT_FUTURE, "alert/sent", 0,
				   "sent is %lld seconds in the future; is a clock wrong?",
				   (long long)(cap->sent_utc - now));
	return 0;
}

/* "en" takes "en", "en-GB" ...; "en-GB" takes only itself (RFC 4647, 3.3.1). */
static bool language_matches(const char *wanted, const char *tag)
{
	size_t n = strlen(wanted);

	return !strncasecmp(wanted, tag, n) && (tag[n] == '\0' || tag[n] == '-');
}

static const char *choose_language(const struct cap_alert *cap, const char *const *languages)
{
	size_t i;

	for (; languages && *languages; languages++) {
		for (i = 0; i < cap->n_infos; i++) {
			if (language_matches(*languages, cap->infos[i].language))
				return cap->infos[i].language;
		}
	}
	return cap->n_infos ? cap->infos[0].language : NULL;
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* The element in which two blocks of one language differ, NULL if they say the same. */
static const char *difference(const struct cap_info *a, const struct cap_info *b)
{
	if (!same_text(a->event, b->event))
		return "event";
	if (a->urgency != b->urgency)
		return "urgency";
	if (a->severity != b->severity)
		return "severity";
	if (a->certainty != b->certainty)
		return "certainty";
	if (a->expires_utc != b->expires_utc)
		return "expires";
	if (!same_text(a->headline, b->headline))
		return "headline";
	if (!same_text(a->description, b->description))
		return "description";
	if (!same_text(a->instruction, b->instruction))
		return "instruction";
	return NULL;
}

static int check_info(const struct cap_info *info, size_t nr, int64_t now, struct problem *problem)
{
	char where[64];

	if (!info->expires_utc) {
		snprintf(where, sizeof(where), "alert/info[%zu]", nr);
		return problem_set(problem, PROBLEM_CAP_NO_EXPIRES, where, info->line,
				   "The info block has no expires; say until when the warning holds.");
	}
	if (info->expires_utc <= now) {
		snprintf(where, sizeof(where), "alert/info[%zu]/expires", nr);
		return problem_set(problem, PROBLEM_CAP_EXPIRED, where, info->line,
				   "The alert expired %lld seconds ago.", (long long)(now - info->expires_utc));
	}
	if (!info->headline && !info->description && !info->instruction) {
		snprintf(where, sizeof(where), "alert/info[%zu]", nr);
		return problem_set(problem, PROBLEM_CAP_NO_TEXT, where, info->line,
				   "The info block has no headline, description or instruction.");
	}
	return 0;
}

/* Every shape counts or the alert is refused: nothing is left out silently. */
static int add_area(struct alert_draft *draft, const struct cap_area *area, size_t info_nr,
		    size_t area_nr, struct problem *problem)
{
	char where[96];
	size_t i;
	int rc;

	if (!area->n_geocodes && !area->n_polygons && !area->n_circles) {
		snprintf(where, sizeof(where), "alert/info[%zu]/area[%zu]", info_nr, area_nr);
		return problem_set(problem, PROBLEM_CAP_NO_AREA, where, area->line,
				   "The area \"%s\" is only described; give a polygon or a circle.", area->desc);
	}
	if (area->n_geocodes && !area->n_polygons && !area->n_circles) {
		snprintf(where, sizeof(where), "alert/info[%zu]/area[%zu]/geocode[1]", info_nr, area_nr);
		return problem_set(problem, PROBLEM_AREA_GEOCODE, where, area->geocodes[0].line,
				   "The area \"%s\" is given only as geocode %s; give a polygon or a circle.",
				   area->desc, area->geocodes[0].name);
	}
	for (i = 0; i < area->n_polygons; i++) {
		snprintf(where, sizeof(where), "alert/info[%zu]/area[%zu]/polygon[%zu]", info_nr, area_nr, i + 1);
		rc = geo_area_add_polygon(draft->area, area->polygons[i].text, where,
					  area->polygons[i].line, problem);
		if (rc < 0)
			return rc;
	}
	for (i = 0; i < area->n_circles; i++) {
		snprintf(where, sizeof(where), "alert/info[%zu]/area[%zu]/circle[%zu]", info_nr, area_nr, i + 1);
		rc = geo_area_add_circle(draft->area, area->circles[i].text, where,
					 area->circles[i].line, problem);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_info(struct alert_draft *draft, const struct cap_info *info, size_t nr, int64_t now,
		    struct problem *problem)
{
	bool geocode = false;
	size_t i;
	int rc = check_info(info, nr, now, problem);

	for (i = 0; i < info->n_areas && rc == 0; i++) {
		geocode |= info->areas[i].n_geocodes != 0;
		rc = add_area(draft, &info->areas[i], nr, i + 1, problem);
	}
	if (rc == 0 && geocode)
		alert_draft_advise(draft, "geocode-not-used",
				   "The geocodes of info[%zu] were not resolved; polygons and circles are the area.", nr);
	if (rc == 0 && (info->effective_utc > now || info->onset_utc > now))
		alert_draft_advise(draft, "broadcast-at-once",
				   "effective or onset of info[%zu] lies ahead; the broadcast starts at once.", nr);
	return rc;
}

static bool area_has_text(const struct cap_text *texts, size_t n, const char *text)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!strcmp(texts[i].text, text))
			return true;
	}
	return false;
}

/* Does a block of the language that is broadcast name this very shape? */
static bool is_broadcast_shape(const struct alert_draft *draft, const char *text, bool polygon)
{
	const struct cap_info *infos = draft->cap->infos;
	size_t i, a;

	for (i = 0; i < draft->cap->n_infos; i++) {
		for (a = 0; a < infos[i].n_areas && !strcasecmp(infos[i].language, draft->language); a++) {
			const struct cap_area *area = &infos[i].areas[a];

			if (polygon ? area_has_text(area->polygons, area->n_polygons, text) :
				      area_has_text(area->circles, area->n_circles, text))
				return true;
		}
	}
	return false;
}

/* The areas of a language that is not broadcast get nothing where they lie elsewhere: say so. */
static void advise_other_area(struct alert_draft *draft, const struct cap_info *info)
{
	bool all = true;
	size_t a, i;

	for (a = 0; a < info->n_areas; a++) {
		for (i = 0; i < info->areas[a].n_polygons; i++)
			all &= is_broadcast_shape(draft, info->areas[a].polygons[i].text, true);
		for (i = 0; i < info->areas[a].n_circles; i++)
			all &= is_broadcast_shape(draft, info->areas[a].circles[i].text, false);
	}
	if (!all)
		alert_draft_advise(draft, "area-not-broadcast",
				   "The block in %s has an area of its own, where nothing is broadcast.", info->language);
}

static void advise_other_language(struct alert_draft *draft, size_t nr)
{
	const struct cap_info *infos = draft->cap->infos;
	size_t i;

	advise_other_area(draft, &infos[nr]);

	for (i = 0; i < nr; i++) {
		if (!strcasecmp(infos[i].language, infos[nr].language))
			return;
	}
	alert_draft_advise(draft, "language-not-broadcast",
			   "The text in %s is kept but not broadcast; %s is.", infos[nr].language,
			   draft->language);
}

/* All blocks of the chosen language are one warning; their areas are its area. */
static int read_infos(struct alert_draft *draft, const char *const *languages, int64_t now,
		      struct problem *problem)
{
	const struct cap_info *infos = draft->cap->infos, *first = NULL;
	const char *differs;
	char where[64];
	size_t i;
	int rc = 0;

	draft->language = choose_language(draft->cap, languages);
	draft->area = geo_area_alloc(draft);
	if (!draft->area)
		return -ENOMEM;
	for (i = 0; i < draft->cap->n_infos && rc == 0; i++) {
		if (strcasecmp(infos[i].language, draft->language)) {
			advise_other_language(draft, i);
			continue;
		}
		differs = first ? difference(first, &infos[i]) : NULL;
		if (differs) {
			snprintf(where, sizeof(where), "alert/info[%zu]/%s", i + 1, differs);
			return problem_set(problem, PROBLEM_CAP_MIXED_INFO, where, infos[i].line,
					   "The info blocks in %s differ in %s; send one alert for each warning.",
					   draft->language, differs);
		}
		if (!first)
			first = &infos[i];
		rc = add_info(draft, &infos[i], i + 1, now, problem);
	}
	return rc;
}

/* Here, on the thread that reads the draft, and not on the loop: an area may have half a million points. */
static int render_area(struct alert_draft *draft)
{
	draft->area_json = area_json(draft, draft->cap, draft->language, draft->area);
	return draft->area_json ? 0 : -ENOMEM;
}

static int read_draft(struct alert_draft *draft, const char *const *languages, int64_t now,
		      struct problem *problem)
{
	int rc;

	if (digest_sha256(draft->bytes, draft->len, draft->sha256) < 0)
		return problem_set(problem, PROBLEM_INTERNAL, NULL, 0, "SHA-256 is not available.");
	draft->cap = cap_parse(draft, draft->bytes, draft->len, problem);
	if (!draft->cap)
		return -EINVAL;
	rc = cap_check(draft->cap, problem);
	if (rc == 0)
		rc = check_kind(draft->cap, now, problem);
	if (rc < 0)
		return rc;
	alert_id_make(draft->originator, draft->cap->sender, draft->cap->identifier,
		      draft->cap->sent_utc, draft->id);
	if (draft->cap->has_signature)
		alert_draft_advise(draft, "signature-unchecked", "The alert carries a Signature, which was not checked.");
	if (draft->cap->msg_type == CAP_MSG_ALERT) {
		rc = read_infos(draft, languages, now, problem);
		return rc < 0 ? rc : render_area(draft);
	}
	if (draft->cap->n_infos)
		alert_draft_advise(draft, "cancel-text-not-broadcast", "The text of a Cancel is not broadcast.");
	return 0;
}

struct alert_draft *alert_draft_read(void *ctx, const char *originator, uint8_t *bytes, size_t len,
				     const char *const *languages, int64_t now,
				     struct problem *problem)
{
	struct alert_draft *draft = talloc_zero(ctx, struct alert_draft);
	int rc = -ENOMEM;

	if (draft) {
		draft->bytes = talloc_steal(draft, bytes);
		draft->len = len;
		draft->source = "cap";
		draft->originator = talloc_strdup(draft, originator);
		if (draft->originator)
			rc = read_draft(draft, languages, now, problem);
	} else {
		talloc_free(bytes);
	}
	if (rc == 0)
		return draft;
	if (rc == -ENOMEM)
		problem_set(problem, PROBLEM_NO_MEMORY, NULL, 0, "There is not enough memory for this alert.");
	talloc_free(draft);
	return NULL;
}
