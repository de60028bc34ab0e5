/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The configuration of what sends short messages: what is read, what is refused and where, and that
 * what is written is read as the same. The real nodes; nothing is started. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/rate_ctr.h>
#include <osmocom/core/stat_item.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/buffer.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>

#include <tocsin/base/log.h>
#include <tocsin/front/config.h>
#include <tocsin/front/config_source.h>
#include <tocsin/link/link_smpp.h>
#include <tocsin/link/listener.h>

#include "src/msc_vty.h"
#include "src/peer_vty.h"

struct fixture {
	void *ctx;
	char dir[32];
	char *path;
	struct config *config;
};

static int setup(void **state)
{
	struct fixture *f = talloc_zero(NULL, struct fixture);

	f->ctx = talloc_new(NULL);
	strcpy(f->dir, "/tmp/tocsin-config.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->path = talloc_asprintf(f->ctx, "%s/tocsind.cfg", f->dir);
	*state = f;
	return 0;
}

static void forget_config(struct fixture *f)
{
	if (!f->config)
		return;
	gateway_stop(f->config->gw);
	talloc_free(f->config->gw);
	TALLOC_FREE(f->config);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	forget_config(f);
	unlink(f->path);
	unlink(talloc_asprintf(f->ctx, "%s/list.csv", f->dir));
	rmdir(f->dir);
	talloc_free(f->ctx);
	talloc_free(f);
	return 0;
}

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* A new configuration from that text. \returns as config_read(). */
static int read_config(struct fixture *f, const char *text)
{
	struct gateway *gw = gateway_alloc(f->ctx);

	forget_config(f);
	put_file(f->path, text);
	f->config = config_alloc(f->ctx, gw, listeners_alloc(f->ctx));
	return config_read(f->config, f->path);
}

static int check(struct fixture *f, struct problem *problem)
{
	memset(problem, 0, sizeof(*problem));
	if (config_check(f->config, problem) < 0)
		return -1;
	return peer_vty_check(f->config, problem);
}

/* What "write terminal" shows from the first of our nodes on. */
static char *written(struct fixture *f)
{
	struct vty *vty = vty_new();
	vector words = cmd_make_strvec("write terminal");
	char *all, *text;

	vty->type = VTY_FILE;
	vty->priv = f->config;
	vty->node = ENABLE_NODE;
	assert_int_equal(cmd_execute_command(words, vty, NULL, 0), CMD_SUCCESS);
	cmd_free_strvec(words);
	all = buffer_getstr(vty->obuf);
	text = strstr(all, "\nstore\n");
	assert_non_null(text);
	text = talloc_strdup(f->ctx, text + 1);
	*strstr(text, "end\n") = '\0';
	talloc_free(all);
	vty_close(vty);
	return text;
}

#define BASE \
	"store\n" \
	" directory /nonexistent\n" \
	"originator local\n" \
	" loopback-default\n"
#define BASE_LINES 4
#define CENTRE(name) \
	"peer " name " smpp\n" \
	" remote-ip 127.0.0.1\n" \
	" system-id tocsin\n"

static void a_peer_of_a_bearer_needs_a_sender_id(void **state)
{
	static const struct {
		const char *text;
		unsigned int line;	/* 0: nothing is wrong */
		const char *name;
	} cases[] = {
		{ BASE CENTRE("smsc-1"), BASE_LINES + 1, "smsc-1" },
		{ BASE "! a comment\n\nsms\n class national always\n" CENTRE("smsc-1"), BASE_LINES + 5, "smsc-1" },
		{ BASE "peer bsc-1 cbsp\n remote-ip 127.0.0.1\n" CENTRE("smsc-1") CENTRE("smsc-2"), BASE_LINES + 3, "smsc-1" },
		{ BASE CENTRE("smsc-1") " shutdown\n", BASE_LINES + 1, "smsc-1" },
		/* It is where it was made, not where it was changed; and where it was made last. */
		{ BASE CENTRE("smsc-1") CENTRE("smsc-1"), BASE_LINES + 1, "smsc-1" },
		{ BASE CENTRE("smsc-1") "no peer smsc-1\n" CENTRE("smsc-1"), BASE_LINES + 5, "smsc-1" },
		{ BASE CENTRE("smsc-1") "sms\n sender-id Civil\n", 0, NULL },
		{ BASE "peer bsc-1 cbsp\n remote-ip 127.0.0.1\n", 0, NULL },
	};
	struct fixture *f = *state;
	struct problem problem;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_config(f, cases[i].text), 0);
		if (!cases[i].line) {
			if (check(f, &problem) < 0)
				fail_msg("case %zu: %s", i, problem.detail);
			continue;
		}
		assert_true(check(f, &problem) < 0);
		assert_int_equal(problem.code, PROBLEM_CONFIG);
		assert_string_equal(problem.where, f->path);
		assert_int_equal(problem.line, cases[i].line);
		assert_non_null(strstr(problem.detail, cases[i].name));
		assert_non_null(strstr(problem.detail, "sender-id"));
	}
}

static void what_a_peer_lacks_is_told_with_its_line(void **state)
{
	struct fixture *f = *state;
	struct problem problem;

	assert_int_equal(read_config(f, BASE "sms\n sender-id Civil\n" CENTRE("smsc-1") "peer smsc-2 smpp\n"), 0);
	assert_true(check(f, &problem) < 0);
	assert_string_equal(problem.where, f->path);
	assert_int_equal(problem.line, BASE_LINES + 6);
	assert_non_null(strstr(problem.detail, "smsc-2"));
	assert_int_equal(read_config(f, BASE "peer bsc-1 cbsp\n role listen\n"), 0);
	assert_true(check(f, &problem) < 0);
	assert_int_equal(problem.line, BASE_LINES + 1);
}

static void the_last_of_thousands_of_peers_is_told_with_its_line(void **state)
{
	struct fixture *f = *state;
	char *text = talloc_strdup(f->ctx, BASE);
	struct problem problem;
	unsigned int i;

	for (i = 0; i < 2000; i++)
		text = talloc_asprintf_append(text, "peer bsc-%u cbsp\n remote-ip 127.0.0.1\n", i);
	assert_int_equal(read_config(f, talloc_asprintf_append(text, CENTRE("smsc-1"))), 0);
	assert_true(check(f, &problem) < 0);
	assert_int_equal(problem.line, BASE_LINES + 4001);
}

/* Each stands alone behind the base. */
static void wrong_lines_are_refused(void **state)
{
	static const char *const wrong[] = {
		"peer sms smpp\n", "peer sms cbsp\n", "peer smsc/1 smpp\n", "peer smsc-1 smtp\n",
		"sms\n sender-id\n", "sms\n sender-id AB\n", "sms\n sender-id Twelve chars\n",
		"sms\n sender-id \" Civil\"\n", "sms\n sender-id +8001234567\n", "sms\n sender-id +999123456\n",
		"sms\n sender-id Civil#1\n", "sms\n class national\n", "sms\n class national sometimes\n",
		"sms\n class national unconfirmed\n", "sms\n class national unconfirmed 9\n",
		"sms\n class national unconfirmed 3601\n", "sms\n class extreme always\n",
		"sms\n class national never entering\n", "sms\n max-parts 0\n", "sms\n max-parts 16\n",
		"sms\n drill-prefix\n", "sms\n drill-prefix \"\"\n", "sms\n drill-prefix \"  \"\n",
		"sms\n drill-prefix This is longer than what follows may be cut by it\n",
		"sms\n drill-prefix \xff\n", "sms\n cancel-text\n", "sms\n cancel-text \xc3\n", "sms\n on-unknown ask\n",
		"recipients list csv\n", "recipients list/1 file\n", "recipients list file\n path\n",
		"recipients list file\n remote-ip ::1\n", "recipients list file\nrecipients list osmo-msc\n",
		"recipients m osmo-msc\n remote-ip msc.example.org\n", "recipients m osmo-msc\n plmn 1 01\n",
		"recipients m osmo-msc\n plmn 001 1\n", "recipients m osmo-msc\n plmn 00x 01\n",
		"recipients m osmo-msc\n poll-interval 4\n", "recipients m osmo-msc\n timeout 0\n",
		"recipients m osmo-msc\n path list.csv\n",
		"peer p smpp\n bind both\n", "peer p smpp\n mode datagram\n", "peer p smpp\n destination imei\n",
		"peer p smpp\n preference 0\n", "peer p smpp\n preference 100\n", "peer p smpp\n window 0\n",
		"peer p smpp\n window 1001\n", "peer p smpp\n rate 0\n", "peer p smpp\n rate 10001\n",
		"peer p smpp\n response-timeout 4\n", "peer p smpp\n response-timeout 601\n",
		"peer p smpp\n remote-ip localhost\n", "peer p smpp\n backoff 1000 10\n",
		"peer p smpp\n role listen\n", "peer p smpp\n repetition-period 5\n", "peer p cbsp\n window 5\n",
		"peer p cbsp\npeer p smpp\n",
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (read_config(f, talloc_asprintf(f->ctx, BASE "%s", wrong[i])) == 0)
			fail_msg("taken: %s", wrong[i]);
	}
}

static void the_rules_of_short_messages_are_read(void **state)
{
	struct fixture *f = *state;
	const struct sms_rules *rules;

	assert_int_equal(read_config(f, BASE), 0);
	rules = gateway_sms(f->config->gw);
	assert_false(rules->has_sender);
	assert_int_equal(rules->rule[MESSAGE_CLASS_NATIONAL].when, SMS_NEVER);
	assert_int_equal(rules->rule[MESSAGE_CLASS_OTHER].when, SMS_NEVER);
	assert_null(rules->cancel_text);
	assert_false(rules->leave_unknown);
	assert_int_equal(read_config(f, BASE "sms\n sender-id +4930123456\n class national always entering\n"
				     " class severe unconfirmed 3600\n class other unconfirmed 10 entering\n"
				     " max-parts 15\n cancel-text Over.\n on-unknown leave\n"), 0);
	rules = gateway_sms(f->config->gw);
	assert_true(rules->has_sender);
	assert_int_equal(rules->sender.kind, SENDER_INTERNATIONAL);
	assert_string_equal(rules->sender.text, "4930123456");
	assert_int_equal(rules->rule[MESSAGE_CLASS_NATIONAL].when, SMS_ALWAYS);
	assert_true(rules->rule[MESSAGE_CLASS_NATIONAL].entering);
	assert_int_equal(rules->rule[MESSAGE_CLASS_SEVERE].when, SMS_UNCONFIRMED);
	assert_int_equal(rules->rule[MESSAGE_CLASS_SEVERE].after_s, 3600);
	assert_false(rules->rule[MESSAGE_CLASS_SEVERE].entering);
	assert_int_equal(rules->rule[MESSAGE_CLASS_OTHER].after_s, 10);
	assert_true(rules->rule[MESSAGE_CLASS_OTHER].entering);
	assert_int_equal(rules->max_parts, 15);
	assert_string_equal(rules->cancel_text, "Over.");
	assert_true(rules->leave_unknown);
}

static void a_later_rule_of_a_class_replaces_all_of_the_one_before(void **state)
{
	struct fixture *f = *state;
	const struct sms_rule *rule;

	assert_int_equal(read_config(f, BASE "sms\n class severe unconfirmed 60 entering\n class severe always\n"
				     " cancel-text Over.\n no cancel-text\n"), 0);
	rule = &gateway_sms(f->config->gw)->rule[MESSAGE_CLASS_SEVERE];
	assert_int_equal(rule->when, SMS_ALWAYS);
	assert_false(rule->entering);
	assert_null(gateway_sms(f->config->gw)->cancel_text);
}

/* The words of a VTY lose blanks; people would see another sender than the registered one. */
static void texts_are_kept_byte_for_byte(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{ "Civil", "Civil" },
		{ "Civ  Alert", "Civ  Alert" },
		{ "\"Civil Alert\"", "Civil Alert" },
		{ "  Civil  \t", "Civil" },
		{ "\"Civ  Al\"  ", "Civ  Al" },
	};
	static const struct {
		const char *line, *text;
	} prefixes[] = {
		{ "\"TEST: \"", "TEST: " },
		{ "\" - \"", " - " },
		{ "\xc3\x9c" "bung:", "\xc3\x9c" "bung:" },
		{ "\"a\" and \"b\"", "a\" and \"b" },
		{ "\"", "\"" },
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(read_config(f, talloc_asprintf(f->ctx, BASE "sms\n sender-id %s\n", cases[i].line)), 0);
		assert_string_equal(gateway_sms(f->config->gw)->sender.text, cases[i].text);
	}
	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		char *first;

		assert_int_equal(read_config(f, talloc_asprintf(f->ctx, BASE "sms\n drill-prefix %s\n", prefixes[i].line)), 0);
		assert_string_equal(gateway_sms(f->config->gw)->drill_prefix, prefixes[i].text);
		first = written(f);
		assert_int_equal(read_config(f, first), 0);
		assert_string_equal(gateway_sms(f->config->gw)->drill_prefix, prefixes[i].text);
	}
}

static void what_is_written_is_read_as_the_same(void **state)
{
	static const char *const texts[] = {
		BASE,
		BASE "sms\n sender-id Civ  Alert\n class national always entering\n class severe unconfirmed 60 entering\n"
		" class other unconfirmed 3600\n max-parts 1\n drill-prefix \"DRILL \"\n"
		" cancel-text The warning is over.\n on-unknown leave\n"
		"recipients msc-1 osmo-msc\n remote-ip 127.0.0.1\n local-ip 127.0.0.2\n vty-port 4711\n plmn 001 001\n"
		" poll-interval 5\n timeout 120\n max-age 60\n shutdown\n"
		"recipients list file\n path list.csv\n max-age 86400\n no shutdown\n"
		"recipients msc-2 osmo-msc\n remote-ip ::1\n plmn 001 01\n no shutdown\n"
		"peer smsc-1 smpp\n remote-ip ::1\n remote-port 2776\n local-ip ::1\n local-port 4\n system-id tocsin\n"
		" password-file secret\n system-type ALERT\n bind transmitter-receiver\n mode store-and-forward\n"
		" destination msisdn\n preference 99\n window 1000\n rate 10000\n response-timeout 600\n"
		" keep-alive 1 timeout 2\n backoff 10 20\n tcp-user-timeout 0\n shutdown\n"
		"peer bsc-1 cbsp\n role listen\n remote-ip ::1\n on-link-up reset\n no shutdown\n"
		"peer smsc-2 smpp\n bind transceiver\n mode transaction\n destination imsi\n preference 1\n no rate\n"
		" no shutdown\n",
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		char *copy = talloc_strdup(f->ctx, texts[i]), *line, *saved, *first;

		assert_int_equal(read_config(f, texts[i]), 0);
		first = written(f);
		for (line = strtok_r(copy, "\n", &saved); line; line = strtok_r(NULL, "\n", &saved)) {
			if (!strstr(first, talloc_asprintf(f->ctx, "%s\n", line)))
				fail_msg("\"%s\" is not in\n%s", line, first);
		}
		assert_int_equal(read_config(f, first), 0);
		assert_string_equal(written(f), first);
	}
}

static void the_order_of_sources_and_peers_is_kept(void **state)
{
	struct fixture *f = *state;
	char *text;

	assert_int_equal(read_config(f, BASE "recipients b osmo-msc\nrecipients a file\nrecipients c osmo-msc\n"
				     "peer y smpp\npeer x cbsp\npeer z smpp\n"), 0);
	text = written(f);
	assert_true(strstr(text, "recipients b ") < strstr(text, "recipients a "));
	assert_true(strstr(text, "recipients a ") < strstr(text, "recipients c "));
	assert_true(strstr(text, "peer y ") < strstr(text, "peer x "));
	assert_true(strstr(text, "peer x ") < strstr(text, "peer z "));
}

static void the_settings_of_a_message_centre_are_read(void **state)
{
	struct fixture *f = *state;
	const struct smpp_config *smpp;

	assert_int_equal(read_config(f, BASE "peer p smpp\n remote-ip 127.0.0.1\n remote-port 1\n system-id id\n"
				     " password-file secret\n system-type T\n bind transmitter-receiver\n"
				     " mode store-and-forward\n destination msisdn\n preference 2\n window 3\n rate 4\n"
				     " response-timeout 5\n keep-alive 6 timeout 7\n shutdown\n"), 0);
	smpp = peer_config(peer_by_name(gateway_peers(f->config->gw), "p"));
	assert_string_equal(smpp->link.remote_ip, "127.0.0.1");
	assert_int_equal(smpp->link.remote_port, 1);
	assert_int_equal(smpp->link.role, LINK_CONNECT);
	assert_int_equal(smpp->link.keep_alive_s, 6);
	assert_int_equal(smpp->link.keep_alive_timeout_s, 7);
	assert_string_equal(smpp->system_id, "id");
	assert_string_equal(smpp->password_file, "secret");
	assert_string_equal(smpp->system_type, "T");
	assert_int_equal(smpp->bind, SMPP_BIND_AS_TRANSMITTER_RECEIVER);
	assert_int_equal(smpp->mode, SMPP_MODE_STORE);
	assert_int_equal(smpp->destination, SMPP_TO_MSISDN);
	assert_int_equal(smpp->preference, 2);
	assert_int_equal(smpp->window, 3);
	assert_int_equal(smpp->rate, 4);
	assert_int_equal(smpp->response_timeout_s, 5);
	assert_true(smpp->shutdown);
}

/*
 * Sources of recipients
 */

#define CIVIL "sms\n sender-id Civil\n"

static void a_source_that_is_not_complete_is_told_with_its_line(void **state)
{
	struct fixture *f = *state;
	struct problem problem;

	assert_int_equal(read_config(f, BASE CIVIL CENTRE("smsc-1") "recipients list file\n"), 0);
	assert_true(check(f, &problem) < 0);
	assert_string_equal(problem.where, f->path);
	assert_int_equal(problem.line, BASE_LINES + 6);
	assert_non_null(strstr(problem.detail, "list"));
	assert_int_equal(read_config(f, BASE CIVIL CENTRE("smsc-1") "recipients msc osmo-msc\n remote-ip ::1\n"), 0);
	assert_true(check(f, &problem) < 0);
	assert_int_equal(problem.line, BASE_LINES + 6);
}

static void read_list(struct fixture *f, const char *csv, const char *more)
{
	char *path = talloc_asprintf(f->ctx, "%s/list.csv", f->dir);

	put_file(path, csv);
	assert_int_equal(read_config(f, talloc_asprintf(f->ctx, BASE CIVIL CENTRE("smsc-1")
							"recipients list file\n path %s\n%s", path, more)), 0);
}

#define CSV_HEAD "imsi,msisdn,cell,language,drill\n"
#define CSV_ROW "001010000000001,99900000001,001-01-100-1001,en,no\n"

static void a_wrong_file_of_recipients_is_found_by_the_test_and_does_not_stop_the_start(void **state)
{
	struct recipient_source *source;
	struct fixture *f = *state;
	struct problem problem = { 0 };

	read_list(f, CSV_HEAD CSV_ROW "nonsense\n", "");
	assert_int_equal(check(f, &problem), 0);
	assert_true(config_sources_test(f->config, &problem) < 0);
	assert_non_null(strstr(problem.where, "list.csv"));
	assert_int_equal(problem.line, 3);
	assert_int_equal(config_sources_open(f->config, &problem), 0);
	source = recipient_source_by_name(gateway_recipients(f->config->gw), "list");
	assert_non_null(source);
	assert_int_equal(recipient_source_count(source), 0);
	assert_true(recipient_source_last(source, &problem) > 0);
	assert_int_equal(problem.code, PROBLEM_RECIPIENTS_LINE);
	assert_int_equal(problem.line, 3);
}

static void a_file_is_imported_at_start_and_again_when_asked_for(void **state)
{
	struct recipient_source *source;
	struct fixture *f = *state;
	struct problem problem = { 0 };

	read_list(f, CSV_HEAD CSV_ROW, "");
	assert_int_equal(config_sources_test(f->config, &problem), 0);
	assert_int_equal(config_sources_open(f->config, &problem), 0);
	source = recipient_source_next(gateway_recipients(f->config->gw), NULL);
	assert_string_equal(recipient_source_name(source), "list");
	assert_string_equal(recipient_source_kind(source), "file");
	assert_int_equal(recipient_source_count(source), 1);
	put_file(talloc_asprintf(f->ctx, "%s/list.csv", f->dir), CSV_HEAD CSV_ROW "001010000000002,99900000002,,,\n");
	assert_int_equal(config_sources_import(f->config), 1);
	assert_int_equal(recipient_source_count(source), 2);
}

static int gauge(const char *source, unsigned int item)
{
	struct osmo_stat_item_group *group = osmo_stat_item_get_group_by_name_idxname("recipients", source);

	assert_non_null(group);
	return osmo_stat_item_get_last(osmo_stat_item_group_get_item(group, item));
}

static void gauges_tell_how_many_recipients_there_are_and_how_old_the_list_is(void **state)
{
	struct fixture *f = *state;
	struct recipient_sources *sources;
	struct problem problem = { 0 };
	int64_t updated;

	read_list(f, CSV_HEAD CSV_ROW, "recipients broken file\n path /nonexistent\n");
	assert_int_equal(config_sources_open(f->config, &problem), 0);
	sources = gateway_recipients(f->config->gw);
	updated = recipient_source_updated(recipient_source_by_name(sources, "list"));
	recipient_sources_set_gauges(sources, updated + 90);
	assert_int_equal(gauge("list", 0), 1);
	assert_int_equal(gauge("list", 1), 90);
	assert_int_equal(gauge("broken", 0), 0);
	assert_int_equal(gauge("broken", 1), -1);
	/* The wall clock was set back. */
	recipient_sources_set_gauges(sources, updated - 90);
	assert_int_equal(gauge("list", 1), 0);
	recipient_source_remove(recipient_source_by_name(sources, "list"));
	assert_null(osmo_stat_item_get_group_by_name_idxname("recipients", "list"));
}

static void a_source_that_is_shut_down_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct problem problem = { 0 };

	read_list(f, "nonsense\n", " shutdown\n");
	assert_int_equal(config_sources_test(f->config, &problem), 0);
	assert_int_equal(config_sources_open(f->config, &problem), 0);
	assert_null(recipient_source_next(gateway_recipients(f->config->gw), NULL));
	assert_int_equal(config_sources_import(f->config), 0);
}

static void there_are_as_many_sources_as_short_messages_can_have(void **state)
{
	struct fixture *f = *state;
	char *text = talloc_strdup(f->ctx, BASE);
	unsigned int i;

	for (i = 0; i < RECIPIENT_MAX_SOURCES; i++)
		text = talloc_asprintf_append(text, "recipients list-%u file\n", i);
	assert_int_equal(read_config(f, text), 0);
	assert_true(read_config(f, talloc_asprintf(f->ctx, "%srecipients other file\n", text)) < 0);
	assert_int_equal(read_config(f, talloc_asprintf(f->ctx, "%sno recipients list-1\nrecipients other file\n", text)), 0);
}

static void no_sender_id_no_link_on_a_running_daemon(void **state)
{
	struct fixture *f = *state;
	struct problem problem = { 0 };

	assert_int_equal(read_config(f, BASE CENTRE("smsc-1")), 0);
	assert_true(peer_vty_open_all(f->config, &problem) < 0);
	assert_non_null(strstr(problem.detail, "sender-id"));
	assert_null(peer_link(peer_by_name(gateway_peers(f->config->gw), "smsc-1")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_peer_of_a_bearer_needs_a_sender_id),
		TEST(what_a_peer_lacks_is_told_with_its_line),
		TEST(the_last_of_thousands_of_peers_is_told_with_its_line),
		TEST(wrong_lines_are_refused),
		TEST(the_rules_of_short_messages_are_read),
		TEST(a_later_rule_of_a_class_replaces_all_of_the_one_before),
		TEST(texts_are_kept_byte_for_byte),
		TEST(what_is_written_is_read_as_the_same),
		TEST(the_order_of_sources_and_peers_is_kept),
		TEST(the_settings_of_a_message_centre_are_read),
		TEST(a_source_that_is_not_complete_is_told_with_its_line),
		TEST(a_wrong_file_of_recipients_is_found_by_the_test_and_does_not_stop_the_start),
		TEST(a_file_is_imported_at_start_and_again_when_asked_for),
		TEST(gauges_tell_how_many_recipients_there_are_and_how_old_the_list_is),
		TEST(a_source_that_is_shut_down_is_not_there),
		TEST(there_are_as_many_sources_as_short_messages_can_have),
		TEST(no_sender_id_no_link_on_a_running_daemon),
	};
	struct vty_app_info vty_info = { .name = "tocsind", .version = "test" };
	void *ctx = talloc_named_const(NULL, 0, "test_config");
	int rc;

	osmo_init_logging2(ctx, &tocsin_log_info);
	log_set_log_level(osmo_stderr_target, LOGL_FATAL);
	rate_ctr_init(ctx);
	osmo_stat_item_init(ctx);
	vty_info.tall_ctx = ctx;
	vty_init(&vty_info);
	config_vty_init();
	peer_vty_init();
	msc_vty_init();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	log_fini();
	talloc_free(ctx);
	return rc;
}
