/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! The steps of cap_parse(): octets → UTF-8 → tree → tree that the schema accepts. */

#include <stdbool.h>
#include <stddef.h>

#include <libxml/tree.h>

#include <tocsin/base/problem.h>

/*! Octets that belong to someone else. */
struct cap_octets {
	const char *data;
	size_t len;
};

/*! The document as UTF-8 without NUL and byte order mark, whatever it was sent in (UTF-8,
 *  UTF-16 or ISO-8859-1), with no tag of so many attributes that reading it would take long.
 *  \param[in] ctx  owner of the result where a conversion is needed.
 *  \param[out] out  points into the input or below ctx.
 *  \returns 0, -EINVAL or -ENOMEM with the problem filled in. */
int cap_utf8(void *ctx, struct cap_octets in, struct cap_octets *out, struct problem *problem);

/*! Read the tree: well-formed, no DOCTYPE, within the limits of cap.h, a CAP 1.2 alert at the
 *  root. Comments and processing instructions are not in it, CDATA is text.
 *  \param[in] doc  what cap_utf8() made.
 *  \returns the tree, for xmlFreeDoc(), or NULL with the problem filled in. */
xmlDocPtr cap_xml_read(struct cap_octets doc, struct problem *problem);

/*! The quick way to say yes: is a tree as plain as most are, and valid by the CAP 1.2 schema?
 *  No says nothing: ask cap_schema_validate().
 *  \param[in] doc  what cap_xml_read() made. */
bool cap_plainly_valid(xmlDocPtr doc);

/*! Let libxml2 check a tree against the CAP 1.2 schema. \returns 0, -EINVAL or -ENOMEM. */
int cap_schema_validate(xmlDocPtr doc, struct problem *problem);

/*! The same, the quick way where that says yes. */
int cap_schema_check(xmlDocPtr doc, struct problem *problem);

/*! Line of an element, right beyond 65535 as well. */
unsigned int cap_xml_line(const xmlNode *node);
/*! Element path such as "alert/info[2]/area[1]/circle". info and area always have their index,
 *  from 1, others where there are several. \returns buf. */
char *cap_xml_path(const xmlNode *node, char *buf, size_t size);

/*! Octets of text to show, at most max, without cutting a character in two. */
int cap_clip(const char *text, int max);
