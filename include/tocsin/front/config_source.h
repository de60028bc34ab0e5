/* SPDX-License-Identifier: AGPL-3.0-or-later */
#pragma once
/*! Sources of recipients in the configuration.
 *
 * A kind of source (a file, a network element) has a node of its own and one table of operations
 * here. What is configured stands in struct config; it becomes a source of core, which short
 * messages know of, when it is opened. */

#include <stdbool.h>

#include <osmocom/core/linuxlist.h>
#include <osmocom/vty/command.h>

#include <tocsin/base/problem.h>
#include <tocsin/core/recipient_source.h>
#include <tocsin/front/config.h>

struct config_source;

struct config_source_kind {
	const char *name;		/*!< "file"; of the source in core too */
	bool live;			/*!< it knows the present cell (recipient_source_add()) */
	unsigned int max_age_s;		/*!< unless configured otherwise */
	struct cmd_element enter;	/*!< CONFIG_SOURCE_ENTER() */
	struct cmd_node node;
	/*! The kind's own settings, at their defaults; a child of ctx. NULL when out of memory. */
	void *(*settings_alloc)(void *ctx);
	/*! \returns 0 or -EINVAL (PROBLEM_CONFIG). */
	int (*check)(const struct config_source *source, struct problem *problem);
	/*! The source has just been put into core: begin to fill it. */
	int (*open)(struct config_source *source, struct problem *problem);
	/*! It is about to be taken out of core. NULL: nothing is to be ended. */
	void (*close)(struct config_source *source);
	/*! The wall clock was stepped while it is open: arm its timers again. NULL: it has none. */
	void (*rearm)(struct config_source *source);
	/*! An operator wants a new table now. \returns 0 or a negative errno; NULL: it is asked anyhow. */
	int (*import)(struct config_source *source);
	/*! Can it give a table at all? For "-T". NULL: only a running daemon could tell. */
	int (*test)(const struct config_source *source, struct problem *problem);
	/*! Print the settings. */
	void (*write)(struct vty *vty, const struct config_source *source);
};

struct config_source {
	struct llist_head entry;	/*!< config.sources */
	struct config *config;
	const struct config_source_kind *kind;
	char *name;
	unsigned int line;		/*!< of the file; 0 = made on the VTY */
	unsigned int max_age_s;		/*!< as recipient_source_add() has it */
	bool shutdown;
	void *settings;			/*!< of the kind */
	struct recipient_source *source;	/*!< NULL unless it is open */
};

#define CONFIG_SOURCE_STR "A source of recipients of short messages\n" "Its name\n"
#define CONFIG_SOURCE_ENTER(kind, help) \
	{ .string = "recipients NAME " kind, .doc = CONFIG_SOURCE_STR help, .func = config_source_enter }

/*! Install the node of a kind; its own commands follow.
 *  \param[in] write  NULL: another kind's node writes all sources, so that their order is kept. */
void config_source_install(struct config_source_kind *kind, int (*write)(struct vty *vty));
int config_source_enter(struct cmd_element *self, struct vty *vty, int argc, const char **argv);
/*! The source of the node that a VTY is in; NULL, and says so, if another one removed it. */
struct config_source *config_source_of(struct vty *vty);
/*! Tell that a setting counts when the source is opened the next time. */
void config_source_say_reopens(struct vty *vty, const struct config_source *source);
/*! Put it into core and begin to fill it, unless it is open. \returns 0 or -EINVAL. */
int config_source_open(struct config_source *source, struct problem *problem);
void config_source_close(struct config_source *source);

/*! All of them. \returns 0 or -EINVAL. */
int config_sources_check(const struct config *config, struct problem *problem);
int config_sources_test(const struct config *config, struct problem *problem);
int config_sources_open(struct config *config, struct problem *problem);
void config_sources_rearm(struct config *config);
/*! Import files again. \returns how many imports began, or a negative errno. */
int config_sources_import(struct config *config);
