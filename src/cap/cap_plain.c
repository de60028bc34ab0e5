/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The OASIS schema as tables, in its order, and for each type the spellings that everyone uses.
 * What is found valid here is valid for the schema; all else is left to libxml2, which reads the
 * schema itself and knows what to say. */

#include "cap_names.h"
#include "cap_xml.h"

#include <stdbool.h>
#include <string.h>

#include <tocsin/cap/cap.h>

struct rule {
	const char *name;
	bool (*holds)(const char *text);	/* of the text; NULL: any */
	const struct cap_names *names;		/* of an enumeration */
	const struct rule *children;		/* elements and no text */
	bool optional, repeated;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The two digits at text are a number from low to high. */
static bool two_digits(const char *text, int low, int high)
{
	int v = (text[0] - '0') * 10 + (text[1] - '0');

	return v >= low && v <= high;
}

/* YYYY-MM-DDThh:mm:ss+hh:mm (CAP 1.2, 3.3.2) of the years 1000 to 2999, without leap days. */
static bool is_time(const char *text)
{
	static const char form[] = "0000-00-00T00:00:00+00:00";
	static const char days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	size_t i;

	for (i = 0; form[i]; i++) {
		if (form[i] == '0' ? !is_digit(text[i]) :
				     text[i] != form[i] && (form[i] != '+' || text[i] != '-'))
			return false;
	}
	if (text[i] || (*text != '1' && *text != '2') || !two_digits(text + 5, 1, 12))
		return false;
	return two_digits(text + 8, 1, days[(text[5] - '0') * 10 + text[6] - '0' - 1]) &&
	       two_digits(text + 11, 0, 23) && two_digits(text + 14, 0, 59) &&
	       two_digits(text + 17, 0, 59) && two_digits(text + 20, 0, 13) &&
	       two_digits(text + 23, 0, 59);
}

/* "de" or "de-AT" (xs:language takes more). */
static bool is_language(const char *text)
{
	if (!is_letter(text[0]) || !is_letter(text[1]))
		return false;
	if (!text[2])
		return true;
	return text[2] == '-' && is_letter(text[3]) && is_letter(text[4]) && !text[5];
}

/* An address of characters that mean the same wherever they stand. */
static bool is_address(const char *text)
{
	size_t n = 7;

	if (strncmp(text, "http://", n) && strncmp(text, "https://", ++n))
		return false;
	text += n;
	while (is_letter(*text) || is_digit(*text) || (*text && strchr("-._~/?=&", *text)))
		text++;
	return !*text;
}

static bool is_number(const char *text)
{
	size_t n = strspn(text, "0123456789");

	return n && n < 10 && !text[n];
}

static const struct rule pair_rules[] = {
	{ .name = "valueName" },
	{ .name = "value" },
	{ 0 },
};

static const struct rule resource_rules[] = {
	{ .name = "resourceDesc" },
	{ .name = "mimeType" },
	{ .name = "size", .holds = is_number, .optional = true },
	{ .name = "uri", .holds = is_address, .optional = true },
	{ .name = "derefUri", .optional = true },
	{ .name = "digest", .optional = true },
	{ 0 },
};

static const struct rule area_rules[] = {
	{ .name = "areaDesc" },
	{ .name = "polygon", .optional = true, .repeated = true },
	{ .name = "circle", .optional = true, .repeated = true },
	{ .name = "geocode", .children = pair_rules, .optional = true, .repeated = true },
	{ .name = "altitude", .holds = is_number, .optional = true },
	{ .name = "ceiling", .holds = is_number, .optional = true },
	{ 0 },
};

static const struct rule info_rules[] = {
	{ .name = "language", .holds = is_language, .optional = true },
	{ .name = "category", .names = &cap_category_names, .repeated = true },
	{ .name = "event" },
	{ .name = "responseType", .names = &cap_response_type_names, .optional = true,
	  .repeated = true },
	{ .name = "urgency", .names = &cap_urgency_names },
	{ .name = "severity", .names = &cap_severity_names },
	{ .name = "certainty", .names = &cap_certainty_names },
	{ .name = "audience", .optional = true },
	{ .name = "eventCode", .children = pair_rules, .optional = true, .repeated = true },
	{ .name = "effective", .holds = is_time, .optional = true },
	{ .name = "onset", .holds = is_time, .optional = true },
	{ .name = "expires", .holds = is_time, .optional = true },
	{ .name = "senderName", .optional = true },
	{ .name = "headline", .optional = true },
	{ .name = "description", .optional = true },
	{ .name = "instruction", .optional = true },
	{ .name = "web", .holds = is_address, .optional = true },
	{ .name = "contact", .optional = true },
	{ .name = "parameter", .children = pair_rules, .optional = true, .repeated = true },
	{ .name = "resource", .children = resource_rules, .optional = true, .repeated = true },
	{ .name = "area", .children = area_rules, .optional = true, .repeated = true },
	{ 0 },
};

/* Elements of the signature namespace at the end are not among them. */
static const struct rule alert_rules[] = {
	{ .name = "identifier" },
	{ .name = "sender" },
	{ .name = "sent", .holds = is_time },
	{ .name = "status", .names = &cap_status_names },
	{ .name = "msgType", .names = &cap_msg_type_names },
	{ .name = "source", .optional = true },
	{ .name = "scope", .names = &cap_scope_names },
	{ .name = "restriction", .optional = true },
	{ .name = "addresses", .optional = true },
	{ .name = "code", .optional = true, .repeated = true },
	{ .name = "note", .optional = true },
	{ .name = "references", .optional = true },
	{ .name = "incidents", .optional = true },
	{ .name = "info", .children = info_rules, .optional = true, .repeated = true },
	{ 0 },
};

/* No text, or one piece of it and nothing else. */
static bool text_holds(const xmlNode *node, const struct rule *rule)
{
	const xmlNode *child = node->children;
	const char *text = child ? (const char *)child->content : "";

	if (child && (child->type != XML_TEXT_NODE || child->next))
		return false;
	if (rule->names)
		return cap_names_find(rule->names, text) >= 0;
	return !rule->holds || rule->holds(text);
}

static bool is_blank(const char *text)
{
	return !text[strspn(text, " \t\n")];
}

/* The rule for the next child, at or behind the one for the last child; NULL if that is not it. */
static const struct rule *rule_next(const struct rule *rule, bool taken, const char *name)
{
	for (; rule->name; rule++, taken = false) {
		if (!strcmp(rule->name, name))
			return taken && !rule->repeated ? NULL : rule;
		if (!rule->optional && !taken)
			return NULL;
	}
	return NULL;
}

static bool children_hold(const xmlNode *parent, const struct rule *rules);

static bool element_holds(const xmlNode *node, const xmlNode *parent, const struct rule *rule)
{
	/* One declaration serves all, and there is no attribute that says what an element is. */
	if (node->ns != parent->ns || node->properties)
		return false;
	return rule->children ? children_hold(node, rule->children) : text_holds(node, rule);
}

/* The schema nests four deep, and so do the rules. */
static bool children_hold(const xmlNode *parent, const struct rule *rules)
{
	const struct rule *rule = rules;
	const xmlNode *child;
	bool taken = false;

	for (child = parent->children; child; child = child->next) {
		if (child->type == XML_TEXT_NODE && is_blank((const char *)child->content))
			continue;
		if (child->type != XML_ELEMENT_NODE)
			return false;
		rule = rule_next(rule, taken, (const char *)child->name);
		if (!rule || !element_holds(child, parent, rule))
			return false;
		taken = true;
	}
	for (; rule->name && (rule->optional || taken); rule++, taken = false)
		;
	return !rule->name;
}

bool cap_plainly_valid(xmlDocPtr doc)
{
	const xmlNode *root = xmlDocGetRootElement(doc);

	return !root->properties && children_hold(root, alert_rules);
}
