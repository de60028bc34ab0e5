/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sources of recipients: what is the same for every kind. */
#include <tocsin/front/config_source.h>
#include <tocsin/front/vty_command.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include "config_private.h"

static struct config_source *source_named(const struct config *config, const char *name)
{
	struct config_source *source;

	llist_for_each_entry(source, &config->sources, entry) {
		if (!strcmp(source->name, name))
			return source;
	}
	return NULL;
}

struct config_source *config_source_of(struct vty *vty)
{
	struct config_source *source = source_named(config_of_vty(vty), vty->index);

	if (!source || source->kind->node.node != vty->node) {
		vty_out(vty, "%% This source was removed%s", VTY_NEWLINE);
		return NULL;
	}
	return source;
}

static struct config_source *source_make(struct config *config, const char *name,
					 const struct config_source_kind *kind)
{
	struct config_source *source = talloc_zero(config, struct config_source);

	if (!source)
		return NULL;
	source->config = config;
	source->kind = kind;
	source->line = config_line(config);
	source->max_age_s = kind->max_age_s;
	source->name = talloc_strdup(source, name);
	source->settings = kind->settings_alloc(source);
	if (!source->name || !source->settings) {
		talloc_free(source);
		return NULL;
	}
	llist_add_tail(&source->entry, &config->sources);
	return source;
}

int config_source_enter(struct cmd_element *self, struct vty *vty, int argc, const char **argv)
{
	const struct config_source_kind *kind = container_of(self, struct config_source_kind, enter);
	struct config *config = config_of_vty(vty);
	struct config_source *source = source_named(config, argv[0]);

	if (config_check_name(vty, argv[0]) != CMD_SUCCESS)
		return CMD_WARNING;
	if (!source && llist_count(&config->sources) >= RECIPIENT_MAX_SOURCES) {
		vty_out(vty, "%% At most %d sources%s", RECIPIENT_MAX_SOURCES, VTY_NEWLINE);
		return CMD_WARNING;
	}
	if (!source)
		source = source_make(config, argv[0], kind);
	if (!source || source->kind != kind) {
		vty_out(vty, "%% Source %s cannot be made%s", argv[0], VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty->index = talloc_strdup(vty, argv[0]);
	if (!vty->index)
		return CMD_WARNING;
	vty->node = kind->node.node;
	return CMD_SUCCESS;
}

DEFUN(cfg_no_recipients, cfg_no_recipients_cmd, "no recipients NAME", NO_STR CONFIG_SOURCE_STR)
{
	struct config_source *source = source_named(config_of_vty(vty), argv[0]);

	if (!source) {
		vty_out(vty, "%% There is no such source%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	config_source_close(source);
	llist_del(&source->entry);
	talloc_free(source);
	return CMD_SUCCESS;
}

void config_source_say_reopens(struct vty *vty, const struct config_source *source)
{
	if (source->source)
		vty_out(vty, "%% This takes effect after \"shutdown\" and \"no shutdown\"%s", VTY_NEWLINE);
}

DEFUN(cfg_source_max_age, cfg_source_max_age_cmd, "max-age <0-4294967295>",
      "How long a location from here is believed\n" "Seconds since the list came; 0: for ever\n")
{
	struct config_source *source = config_source_of(vty);

	if (!source)
		return CMD_WARNING;
	source->max_age_s = strtoul(argv[0], NULL, 10);
	config_source_say_reopens(vty, source);
	return CMD_SUCCESS;
}

DEFUN(cfg_source_shutdown, cfg_source_shutdown_cmd, "shutdown",
      "Do without this source; its recipients are forgotten\n")
{
	struct config_source *source = config_source_of(vty);

	if (!source)
		return CMD_WARNING;
	source->shutdown = true;
	config_source_close(source);
	return CMD_SUCCESS;
}

DEFUN(cfg_source_no_shutdown, cfg_source_no_shutdown_cmd, "no shutdown",
      NO_STR "Do without this source; its recipients are forgotten\n")
{
	struct config_source *source = config_source_of(vty);
	struct problem problem = { 0 };

	if (!source)
		return CMD_WARNING;
	source->shutdown = false;
	if (source->config->running && config_source_open(source, &problem) < 0)
		return config_say_problem(vty, &problem);
	return CMD_SUCCESS;
}

/*
 * Opening and closing
 */

/* Say in a problem where the source is. */
static int place(const struct config_source *source, struct problem *problem)
{
	config_place(source->config, "Recipients", source->name, source->line, problem);
	return -EINVAL;
}

int config_source_open(struct config_source *source, struct problem *problem)
{
	if (source->source)
		return 0;
	if (source->kind->check(source, problem) < 0)
		return place(source, problem);
	source->source = recipient_source_add(gateway_recipients(source->config->gw), source->name,
					      source->kind->name, source->kind->live, source->max_age_s);
	if (!source->source)
		return problem_set(problem, PROBLEM_NO_MEMORY, source->name, 0, "There is not enough memory.");
	if (source->kind->open(source, problem) == 0)
		return 0;
	recipient_source_remove(source->source);
	source->source = NULL;
	return place(source, problem);
}

void config_source_close(struct config_source *source)
{
	if (!source->source)
		return;
	if (source->kind->close)
		source->kind->close(source);
	recipient_source_remove(source->source);
	source->source = NULL;
}

int config_sources_check(const struct config *config, struct problem *problem)
{
	const struct config_source *source;

	llist_for_each_entry(source, &config->sources, entry) {
		if (source->kind->check(source, problem) < 0)
			return place(source, problem);
	}
	return 0;
}

int config_sources_test(const struct config *config, struct problem *problem)
{
	const struct config_source *source;

	llist_for_each_entry(source, &config->sources, entry) {
		if (!source->shutdown && source->kind->test && source->kind->test(source, problem) < 0)
			return -EINVAL;
	}
	return 0;
}

int config_sources_open(struct config *config, struct problem *problem)
{
	struct config_source *source;

	llist_for_each_entry(source, &config->sources, entry) {
		if (!source->shutdown && config_source_open(source, problem) < 0)
			return -EINVAL;
	}
	return 0;
}

void config_sources_rearm(struct config *config)
{
	struct config_source *source;

	llist_for_each_entry(source, &config->sources, entry) {
		if (source->source && source->kind->rearm)
			source->kind->rearm(source);
	}
}

/*
 * Importing
 */

static int import(struct config_source *source)
{
	return source->source && source->kind->import ? source->kind->import(source) : -ENOENT;
}

int config_sources_import(struct config *config)
{
	struct config_source *source;
	int rc, n = 0;

	llist_for_each_entry(source, &config->sources, entry) {
		rc = import(source);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		n += rc == 0;
	}
	return n;
}

DEFUN(import_recipients, import_recipients_cmd, "import recipients NAME",
      "Read a file again\n" "The file of a source of recipients\n" "Name of the source\n")
{
	struct config_source *source = source_named(config_of_vty(vty), argv[0]);
	int rc = source ? import(source) : -ENOENT;

	if (rc == -ENOENT)
		vty_out(vty, "%% There is no open source of that name that has a file%s", VTY_NEWLINE);
	else if (rc < 0)
		vty_out(vty, "%% No import: %s%s", strerror(-rc), VTY_NEWLINE);
	else
		vty_out(vty, "Import started; \"show recipients\" tells its result%s", VTY_NEWLINE);
	return rc < 0 ? CMD_WARNING : CMD_SUCCESS;
}

/*
 * Writing
 */

/* All sources, in their order, which decides whose word counts. */
int config_write_sources(struct vty *vty)
{
	const struct config *config = config_of_vty(vty);
	const struct config_source *source;

	llist_for_each_entry(source, &config->sources, entry) {
		vty_out(vty, "recipients %s %s%s", source->name, source->kind->name, VTY_NEWLINE);
		source->kind->write(vty, source);
		vty_out(vty, " max-age %u%s", source->max_age_s, VTY_NEWLINE);
		vty_out(vty, " %sshutdown%s", source->shutdown ? "" : "no ", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

void config_source_install(struct config_source_kind *kind, int (*write)(struct vty *vty))
{
	install_node(&kind->node, write);
	install_element(CONFIG_NODE, &kind->enter);
	install_element(kind->node.node, &cfg_source_max_age_cmd);
	install_element(kind->node.node, &cfg_source_shutdown_cmd);
	install_element(kind->node.node, &cfg_source_no_shutdown_cmd);
}

void config_source_init(void)
{
	install_element(CONFIG_NODE, &cfg_no_recipients_cmd);
	install_element(ENABLE_NODE, &import_recipients_cmd);
}
