/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/front/config.h>
#include <tocsin/front/vty_command.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/telnet_interface.h>

#include <tocsin/base/log.h>
#include <tocsin/front/config_source.h>

#include "config_private.h"

#define NAME_MAX_LEN 63

struct config *config_alloc(void *ctx, struct gateway *gw, struct listeners *listeners)
{
	struct config *config = talloc_zero(ctx, struct config);

	if (!config)
		return NULL;
	config->gw = gw;
	config->listeners = listeners;
	INIT_LLIST_HEAD(&config->sources);
	INIT_LLIST_HEAD(&config->peer_lines);
	return config;
}

struct config *config_of_vty(const struct vty *vty)
{
	/* libosmovty gives a telnet session its connection, which holds what telnet_init() was given. */
	if (vty->type == VTY_TERM)
		return ((const struct telnet_connection *)vty->priv)->priv;
	return vty->priv;
}

static struct config *config_of(const struct vty *vty)
{
	return config_of_vty(vty);
}

int config_say_problem(struct vty *vty, const struct problem *problem)
{
	vty_out(vty, "%% %s%s%s%s", problem->where, *problem->where ? ": " : "", problem->detail, VTY_NEWLINE);
	return CMD_WARNING;
}

static void say_next_start(struct vty *vty)
{
	if (config_of(vty)->running)
		vty_out(vty, "%% This takes effect at the next start%s", VTY_NEWLINE);
}

int config_set_string(struct vty *vty, void *ctx, char **where, const char *value)
{
	char *copy = talloc_strdup(ctx, value);

	if (!copy) {
		vty_out(vty, "%% Out of memory%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	talloc_free(*where);
	*where = copy;
	return CMD_SUCCESS;
}

/* Names stand in URLs, logs and files. */
int config_check_name(struct vty *vty, const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	if (name[len] || len > NAME_MAX_LEN) {
		vty_out(vty, "%% A name is 1 to %d letters, digits, '.', '_' and '-'%s", NAME_MAX_LEN, VTY_NEWLINE);
		return CMD_WARNING;
	}
	return CMD_SUCCESS;
}

char *config_text(struct vty *vty)
{
	const char *text = vty->buf + strspn(vty->buf, " \t");
	size_t len;

	text += strcspn(text, " \t");
	text += strspn(text, " \t");
	len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	if (len > 1 && text[0] == '"' && text[len - 1] == '"')
		return talloc_strndup(vty, text + 1, len - 2);
	return talloc_strndup(vty, text, len);
}

void config_write_text(struct vty *vty, const char *command, const char *text)
{
	size_t len = strlen(text);
	bool quoted = text[0] == ' ' || text[0] == '\t' || text[0] == '"' || (len && strchr(" \t", text[len - 1]));

	vty_out(vty, " %s %s%s%s%s", command, quoted ? "\"" : "", text, quoted ? "\"" : "", VTY_NEWLINE);
}

/* store */

static struct cmd_node store_node = { .node = STORE_NODE, .prompt = "%s(config-store)# ", .vtysh = 1 };

DEFUN(cfg_store, cfg_store_cmd, "store", "Durable store of alerts\n")
{
	vty->node = STORE_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_store_directory, cfg_store_directory_cmd, "directory PATH",
      "Folder of the database, made when it is missing\n" "Path of the folder\n")
{
	struct config *config = config_of(vty);

	say_next_start(vty);
	return config_set_string(vty, config, &config->store_dir, argv[0]);
}

static int config_write_store(struct vty *vty)
{
	const struct config *config = config_of(vty);

	vty_out(vty, "store%s", VTY_NEWLINE);
	if (config->store_dir)
		vty_out(vty, " directory %s%s", config->store_dir, VTY_NEWLINE);
	return CMD_SUCCESS;
}

/* http */

static struct cmd_node http_node = { .node = HTTP_NODE, .prompt = "%s(config-http)# ", .vtysh = 1 };

DEFUN(cfg_http, cfg_http_cmd, "http", "HTTP interface: alerts in, status out\n")
{
	vty->node = HTTP_NODE;
	return CMD_SUCCESS;
}

static bool is_address(const char *text)
{
	uint8_t buf[16];

	return inet_pton(AF_INET, text, buf) == 1 || inet_pton(AF_INET6, text, buf) == 1;
}

static struct http_listener_config *find_listener(struct config *config, const char *address, uint16_t port)
{
	size_t i;

	for (i = 0; i < config->n_http_listeners; i++) {
		if (config->http_listeners[i].port == port && !strcmp(config->http_listeners[i].address, address))
			return &config->http_listeners[i];
	}
	return NULL;
}

static int set_listener(struct vty *vty, const char *address, const char *port_text, unsigned int serves)
{
	struct config *config = config_of(vty);
	uint16_t port = atoi(port_text);
	struct http_listener_config *listener = find_listener(config, address, port);

	if (!is_address(address)) {
		vty_out(vty, "%% %s is not an IPv4 or IPv6 address%s", address, VTY_NEWLINE);
		return CMD_WARNING;
	}
	if (!listener) {
		if (config->n_http_listeners == CONFIG_MAX_LISTENERS) {
			vty_out(vty, "%% At most %d listeners%s", CONFIG_MAX_LISTENERS, VTY_NEWLINE);
			return CMD_WARNING;
		}
		listener = &config->http_listeners[config->n_http_listeners];
		listener->address = talloc_strdup(config, address);
		if (!listener->address)
			return CMD_WARNING;
		listener->port = port;
		config->n_http_listeners++;
	}
	listener->serves = serves;
	say_next_start(vty);
	return CMD_SUCCESS;
}

#define LISTEN_STR "Listen for HTTP on an address\n" "IPv4 or IPv6 address\n" "TCP port\n"

DEFUN(cfg_http_listen, cfg_http_listen_cmd, "listen ADDRESS <1-65535>", LISTEN_STR)
{
	return set_listener(vty, argv[0], argv[1], HTTP_INTAKE | HTTP_READ);
}

DEFUN(cfg_http_listen_part, cfg_http_listen_part_cmd, "listen ADDRESS <1-65535> (intake|read)",
      LISTEN_STR "Only alerts in\n" "Only status out\n")
{
	return set_listener(vty, argv[0], argv[1], !strcmp(argv[2], "intake") ? HTTP_INTAKE : HTTP_READ);
}

DEFUN(cfg_http_no_listen, cfg_http_no_listen_cmd, "no listen ADDRESS <1-65535>", NO_STR LISTEN_STR)
{
	struct config *config = config_of(vty);
	struct http_listener_config *listener = find_listener(config, argv[0], atoi(argv[1]));
	size_t at;

	if (!listener) {
		vty_out(vty, "%% There is no such listener%s", VTY_NEWLINE);
		return CMD_WARNING;
	}
	at = listener - config->http_listeners;
	config->n_http_listeners--;
	memmove(listener, listener + 1, (config->n_http_listeners - at) * sizeof(*listener));
	say_next_start(vty);
	return CMD_SUCCESS;
}

static int config_write_http(struct vty *vty)
{
	const struct config *config = config_of(vty);
	size_t i;

	vty_out(vty, "http%s", VTY_NEWLINE);
	for (i = 0; i < config->n_http_listeners; i++) {
		const struct http_listener_config *l = &config->http_listeners[i];

		vty_out(vty, " listen %s %u%s%s", l->address, l->port,
			l->serves == HTTP_INTAKE ? " intake" : l->serves == HTTP_READ ? " read" : "", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

/* originator */

static struct cmd_node originator_node = { .node = ORIGINATOR_NODE, .prompt = "%s(config-originator)# ", .vtysh = 1 };

static void originators_changed(struct vty *vty)
{
	if (config_of(vty)->http)
		http_reconfigure(config_of(vty)->http);
}

/* A VTY keeps the name, since another one may remove the originator meanwhile. */
static struct originator *originator_of(struct vty *vty)
{
	struct originator *orig = originator_by_name(gateway_originators(config_of(vty)->gw), vty->index);

	if (!orig)
		vty_out(vty, "%% This originator was removed%s", VTY_NEWLINE);
	return orig;
}

DEFUN(cfg_originator, cfg_originator_cmd, "originator NAME", "An agency that may send alerts\n" "Its name\n")
{
	if (config_check_name(vty, argv[0]) != CMD_SUCCESS)
		return CMD_WARNING;
	if (!originator_add(gateway_originators(config_of(vty)->gw), argv[0]))
		return CMD_WARNING;
	vty->index = talloc_strdup(vty, argv[0]);
	if (!vty->index)
		return CMD_WARNING;
	vty->node = ORIGINATOR_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_no_originator, cfg_no_originator_cmd, "no originator NAME",
      NO_STR "An agency that may send alerts\n" "Its name\n")
{
	originator_remove(gateway_originators(config_of(vty)->gw), argv[0]);
	originators_changed(vty);
	return CMD_SUCCESS;
}

DEFUN(cfg_originator_token, cfg_originator_token_cmd, "token-file PATH",
      "Token that the originator sends as \"Authorization: Bearer\"\n" "File with the token on one line\n")
{
	struct originator *orig = originator_of(vty);
	struct problem problem;

	if (!orig)
		return CMD_WARNING;
	if (originator_load_token(orig, argv[0], &problem) < 0)
		return config_say_problem(vty, &problem);
	originators_changed(vty);
	return CMD_SUCCESS;
}

DEFUN(cfg_originator_loopback, cfg_originator_loopback_cmd, "loopback-default",
      "A request from this host without a token counts as this originator\n")
{
	struct originator *orig = originator_of(vty);

	if (!orig)
		return CMD_WARNING;
	orig->loopback_default = true;
	originators_changed(vty);
	return CMD_SUCCESS;
}

DEFUN(cfg_originator_no_loopback, cfg_originator_no_loopback_cmd, "no loopback-default",
      NO_STR "A request from this host without a token counts as this originator\n")
{
	struct originator *orig = originator_of(vty);

	if (!orig)
		return CMD_WARNING;
	orig->loopback_default = false;
	originators_changed(vty);
	return CMD_SUCCESS;
}

static int config_write_originator(struct vty *vty)
{
	const struct originator_set *set = gateway_originators(config_of(vty)->gw);
	const struct originator *orig = NULL;

	while ((orig = originator_next(set, orig))) {
		vty_out(vty, "originator %s%s", orig->name, VTY_NEWLINE);
		if (orig->token_file)
			vty_out(vty, " token-file %s%s", orig->token_file, VTY_NEWLINE);
		if (orig->loopback_default)
			vty_out(vty, " loopback-default%s", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

/* cells */

static struct cmd_node cells_node = { .node = CELLS_NODE, .prompt = "%s(config-cells)# ", .vtysh = 1 };

DEFUN(cfg_cells, cfg_cells_cmd, "cells", "Cell table\n")
{
	vty->node = CELLS_NODE;
	return CMD_SUCCESS;
}

DEFUN(cfg_cells_file, cfg_cells_file_cmd, "file PATH",
      "CSV file with the columns type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg\n" "Path of the file\n")
{
	struct config *config = config_of(vty);

	if (config->running)
		vty_out(vty, "%% Use \"cells import\" to import it now%s", VTY_NEWLINE);
	return config_set_string(vty, config, &config->cells_file, argv[0]);
}

static int config_write_cells(struct vty *vty)
{
	const struct config *config = config_of(vty);

	vty_out(vty, "cells%s", VTY_NEWLINE);
	if (config->cells_file)
		vty_out(vty, " file %s%s", config->cells_file, VTY_NEWLINE);
	return CMD_SUCCESS;
}

int config_reload_cells(struct config *config)
{
	if (!config->cells_file)
		return -ENOENT;
	return gateway_import_cells(config->gw, config->cells_file, NULL, NULL);
}

DEFUN(cells_import, cells_import_cmd, "cells import",
      "Cell table\n" "Import the configured file again; links and running alerts go on\n")
{
	int rc = config_reload_cells(config_of(vty));

	if (rc < 0)
		vty_out(vty, "%% No import: %s%s", strerror(-rc), VTY_NEWLINE);
	else
		vty_out(vty, "Import started; \"show cells\" tells its result%s", VTY_NEWLINE);
	return rc < 0 ? CMD_WARNING : CMD_SUCCESS;
}

/* Reading the file */

/* Counts on from where it was last, since it is asked for each peer. */
unsigned int config_line(struct config *config)
{
	FILE *f = config->reading;
	long end = f ? ftell(f) : -1;
	int c;

	if (end < 0 || fseek(f, config->counted, SEEK_SET) < 0)
		return 0;
	while (config->counted < end && (c = fgetc(f)) != EOF) {
		config->counted++;
		config->line += c == '\n';
	}
	return config->line;
}

int config_read(struct config *config, const char *path)
{
	FILE *f = fopen(path, "r");
	int rc;

	config->path = talloc_strdup(config, path);
	if (!f || !config->path) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -EINVAL;
	}
	config->reading = f;
	rc = vty_read_config_filep(f, config);
	if (rc < 0)
		fprintf(stderr, "%s:%u: this line is wrong (see above)\n", path, config_line(config));
	config->reading = NULL;
	fclose(f);
	return rc < 0 ? -EINVAL : 0;
}

/* Where a peer is */

struct peer_line {
	struct llist_head entry;
	char *name;
	unsigned int line;
};

void config_note_peer(struct config *config, const char *name)
{
	struct peer_line *note;

	if (!config->reading)
		return;
	note = talloc_zero(config, struct peer_line);
	if (!note)
		return;
	note->name = talloc_strdup(note, name);
	if (!note->name) {
		talloc_free(note);
		return;
	}
	note->line = config_line(config);
	/* A peer that was removed and made again is where it was made last. */
	llist_add(&note->entry, &config->peer_lines);
}

static unsigned int peer_line(const struct config *config, const char *name)
{
	const struct peer_line *note;

	llist_for_each_entry(note, &config->peer_lines, entry) {
		if (!strcmp(note->name, name))
			return note->line;
	}
	return 0;
}

void config_place(const struct config *config, const char *kind, const char *name, unsigned int line,
		  struct problem *problem)
{
	struct problem what = *problem;

	problem_set(problem, what.code, line ? config->path : name, line, "%s %s: %s%s%s", kind, name, what.where,
		    *what.where ? ": " : "", what.detail);
}

void config_place_peer(const struct config *config, const struct peer *peer, struct problem *problem)
{
	config_place(config, "Peer", peer_name(peer), peer_line(config, peer_name(peer)), problem);
}

int config_check_bearer(const struct config *config, const struct peer *peer, struct problem *problem)
{
	if (!peer_ops(peer)->bearer || gateway_sms(config->gw)->has_sender)
		return 0;
	problem_set(problem, PROBLEM_CONFIG, NULL, 0,
		    "Set the \"sender-id\" of the node \"sms\" first: no short message goes out without one.");
	config_place_peer(config, peer, problem);
	return -EINVAL;
}

int config_check(const struct config *config, struct problem *problem)
{
	if (!config->store_dir)
		return problem_set(problem, PROBLEM_CONFIG, "store", 0, "Set the \"directory\" of the store.");
	if (!originator_next(gateway_originators(config->gw), NULL))
		return problem_set(problem, PROBLEM_CONFIG, "originator", 0,
				   "No originator is configured, so nobody could send an alert.");
	if (!peer_next(gateway_peers(config->gw), NULL))
		return problem_set(problem, PROBLEM_CONFIG, "peer", 0,
				   "No peer is configured, so nothing could go on air.");
	return config_sources_check(config, problem);
}

void config_vty_init(void)
{
	install_node(&store_node, config_write_store);
	install_element(CONFIG_NODE, &cfg_store_cmd);
	install_element(STORE_NODE, &cfg_store_directory_cmd);

	install_node(&http_node, config_write_http);
	install_element(CONFIG_NODE, &cfg_http_cmd);
	install_element(HTTP_NODE, &cfg_http_listen_cmd);
	install_element(HTTP_NODE, &cfg_http_listen_part_cmd);
	install_element(HTTP_NODE, &cfg_http_no_listen_cmd);

	install_node(&originator_node, config_write_originator);
	install_element(CONFIG_NODE, &cfg_originator_cmd);
	install_element(CONFIG_NODE, &cfg_no_originator_cmd);
	install_element(ORIGINATOR_NODE, &cfg_originator_token_cmd);
	install_element(ORIGINATOR_NODE, &cfg_originator_loopback_cmd);
	install_element(ORIGINATOR_NODE, &cfg_originator_no_loopback_cmd);

	install_node(&cells_node, config_write_cells);
	install_element(CONFIG_NODE, &cfg_cells_cmd);
	install_element(CELLS_NODE, &cfg_cells_file_cmd);
	install_element(ENABLE_NODE, &cells_import_cmd);

	config_profile_init();
	config_sms_init();
	config_source_init();
	config_recipients_init();
}
