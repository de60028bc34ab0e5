/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! What the files of the configuration share among themselves. */

#include <tocsin/base/problem.h>
#include <tocsin/front/config.h>

/*! Install the node of profiles, of the rules of short messages, of files of recipients; the
 *  commands that all sources of recipients have. */
void config_profile_init(void);
void config_sms_init(void);
void config_recipients_init(void);
void config_source_init(void);

/*! The writer of all sources' nodes. */
int config_write_sources(struct vty *vty);

/*! What stands on the line behind the command's first word, as it was written: the words of a VTY
 *  do not keep blanks. A text in quotes is without them; outside of quotes blanks at the end are
 *  none of it.
 *  \returns a talloc string of the VTY, NULL when out of memory. */
char *config_text(struct vty *vty);
/*! Print a command with a text, so that config_text() reads the same. */
void config_write_text(struct vty *vty, const char *command, const char *text);
/*! Put a copy of a string in the place of another. \param[in] ctx  its parent. */
int config_set_string(struct vty *vty, void *ctx, char **where, const char *value);
/*! \returns CMD_WARNING, and says what is wrong. */
int config_say_problem(struct vty *vty, const struct problem *problem);
/*! Say in a problem about what is configured where that is: file and line, or its name if it was
 *  made on the VTY; and put its kind and name before the sentence.
 *  \param[in] line  0: made on the VTY. */
void config_place(const struct config *config, const char *kind, const char *name, unsigned int line,
		  struct problem *problem);
