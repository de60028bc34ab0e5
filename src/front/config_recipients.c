/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The node of a file of recipients. Its only setting is the path. */
#include <tocsin/front/config_source.h>
#include <tocsin/front/vty_command.h>

#include <errno.h>
#include <string.h>

#include <osmocom/core/talloc.h>

#include <tocsin/core/recipient.h>

#include "config_private.h"

static void *file_alloc(void *ctx)
{
	return talloc_zero(ctx, char *);
}

static const char *file_path(const struct config_source *source)
{
	return *(char **)source->settings;
}

static int file_check(const struct config_source *source, struct problem *problem)
{
	return file_path(source) ? 0 : problem_set(problem, PROBLEM_CONFIG, NULL, 0, "Set its \"path\".");
}

static int file_import(struct config_source *source)
{
	return gateway_import_recipients(source->config->gw, source->source, file_path(source), NULL, NULL);
}

/* A wrong file does not stop the start: broadcast needs no recipients. Log and status tell. */
static int file_open(struct config_source *source, struct problem *problem)
{
	int rc = file_import(source);

	return rc < 0 ? problem_set(problem, PROBLEM_CONFIG, NULL, 0, "No import: %s.", strerror(-rc)) : 0;
}

static int file_test(const struct config_source *source, struct problem *problem)
{
	struct recipient_table *table = recipient_table_import(NULL, file_path(source), problem);

	talloc_free(table);
	return table ? 0 : -EINVAL;
}

static void file_write(struct vty *vty, const struct config_source *source)
{
	if (file_path(source))
		vty_out(vty, " path %s%s", file_path(source), VTY_NEWLINE);
}

DEFUN(cfg_file_path, cfg_file_path_cmd, "path PATH",
      "CSV file with the columns imsi,msisdn,cell,language,drill\n" "Path of the file\n")
{
	struct config_source *source = config_source_of(vty);

	if (!source)
		return CMD_WARNING;
	if (source->source)
		vty_out(vty, "%% Use \"import recipients %s\" to import it now%s", source->name, VTY_NEWLINE);
	return config_set_string(vty, source, source->settings, argv[0]);
}

static struct config_source_kind file_kind = {
	.name = "file",
	.enter = CONFIG_SOURCE_ENTER("file", "A CSV file\n"),
	.node = { .node = RECIPIENTS_FILE_NODE, .prompt = "%s(config-recipients-file)# ", .vtysh = 1 },
	.settings_alloc = file_alloc,
	.check = file_check,
	.open = file_open,
	.import = file_import,
	.test = file_test,
	.write = file_write,
};

void config_recipients_init(void)
{
	/* Of all kinds of sources this node comes first, and writes them all. */
	config_source_install(&file_kind, config_write_sources);
	install_element(RECIPIENTS_FILE_NODE, &cfg_file_path_cmd);
}
