/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The source against an MSC whose every word is scripted, on a clock that stands still. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <osmocom/core/talloc.h>

#include <tocsin/base/clock.h>
#include <tocsin/link/msc_source.h>

#include "fake_peer.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PROMPT "OsmoMSC> "
#define MAX_TEXT 65536

struct world {
	void *ctx;
	struct recipient_sources *sources;
	struct recipient_source *source;
	struct msc_source_config *config;
	struct msc_source *msc;
	int listening, fd;
	unsigned long uptime_s;		/* what the MSC says */
};

static int setup(void **state)
{
	struct world *w = talloc_zero(NULL, struct world);

	fake_start();
	w->ctx = w;
	w->fd = -1;
	w->sources = recipient_sources_alloc(w);
	w->source = recipient_source_add(w->sources, "core", "osmo-msc", true, 0);
	w->config = msc_source_config_alloc(w);
	w->config->remote_ip = talloc_strdup(w->config, "127.0.0.1");
	w->config->mcc = 1;
	w->config->mnc = 1;
	w->config->mnc_digits = 2;
	w->listening = fake_bind(&w->config->remote_port, true);
	w->uptime_s = 1000;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	talloc_free(w->msc);
	if (w->fd >= 0)
		close(w->fd);
	close(w->listening);
	talloc_free(w);
	return 0;
}

static void open_source(struct world *w)
{
	struct problem problem;

	w->msc = msc_source_open(w, w->source, w->config, &problem);
	assert_non_null(w->msc);
}

/* The MSC's side */

static void await(struct world *w)
{
	int on = 1;

	w->fd = fake_accept(w->listening);
	assert_true(w->fd >= 0);
	/* What is said is heard at once. */
	assert_int_equal(setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
}

static void hang_up(struct world *w)
{
	assert_true(w->fd >= 0);
	close(w->fd);
	w->fd = -1;
}

static void say(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct world *w, const char *fmt, ...)
{
	char text[MAX_TEXT];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert_in_range(n, 1, sizeof(text) - 1);
	assert_int_equal(send(w->fd, text, n, MSG_NOSIGNAL), n);
}

static void hear(struct world *w, const char *command)
{
	char text[256] = "";
	size_t len = strlen(command);

	assert_true(len + 1 < sizeof(text));
	assert_int_equal(fake_read(w->fd, text, len + 1), len + 1);
	assert_memory_equal(text, command, len);
	assert_int_equal(text[len], '\r');
}

/* Nothing is asked now. */
static void hear_nothing(struct world *w)
{
	int64_t end = fake_real_ms() + 20;
	char c;

	while (fake_real_ms() < end)
		fake_turn();
	assert_true(recv(w->fd, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

static void greet(struct world *w)
{
	await(w);
	say(w, "Welcome to the OsmoMSC VTY interface\r\n\xff\xfb\x01\xff\xfb\x03\xff\xfe\"\xff\xfd\x1f" PROMPT);
	hear(w, "terminal length 0");
	say(w, "terminal length 0\r\n" PROMPT);
	hear(w, "show uptime");
	say(w, "show uptime\r\nOsmoMSC has been running for %lud %luh %lum %lus\r\n" PROMPT,
	    w->uptime_s / 86400, w->uptime_s / 3600 % 24, w->uptime_s / 60 % 60, w->uptime_s % 60);
	hear(w, "show fsm-instances SGs-UE");
}

struct phone {
	unsigned int n;		/* end of its IMSI, its number and its CI */
	unsigned int lac;
	const char *ran;	/* NULL: has left meanwhile */
};

static void say_list(struct world *w, const struct phone *phones, size_t n)
{
	char text[MAX_TEXT];
	size_t i, at;

	at = sprintf(text, "show fsm-instances SGs-UE\r\n");
	for (i = 0; i < n; i++)
		at += sprintf(text + at, "FSM Instance Name: 'SGs-UE(imsi:00101%010u)[0x1]', ID: 'imsi:00101%010u'\r\n"
			      " Log-Level: 'INFO', State: 'SGs-NULL'\r\n", phones[i].n, phones[i].n);
	say(w, "%s" PROMPT, text);
}

static void hear_where(struct world *w, const struct phone *phone)
{
	char command[64];

	sprintf(command, "show subscriber imsi 00101%010u", phone->n);
	hear(w, command);
}

static void say_where(struct world *w, const struct phone *phone)
{
	say(w, "show subscriber imsi 00101%010u\r\n", phone->n);
	if (!phone->ran)
		say(w, "%% No subscriber found for imsi 00101%010u\r\n" PROMPT, phone->n);
	else
		say(w, "  Subscriber: \r\n    MSISDN: 49170%u\r\n    LAC / cell ID: %u / %u\r\n    RAN type: %s\r\n"
		    "    IMSI: 00101%010u\r\n    Use count: 1 (attached)\r\n" PROMPT,
		    1000 + phone->n, phone->lac, phone->n, phone->ran, phone->n);
}

/* A whole poll. */
static void serve(struct world *w, const struct phone *phones, size_t n)
{
	unsigned int version = recipient_sources_version(w->sources);
	size_t i;

	greet(w);
	say_list(w, phones, n);
	for (i = 0; i < n; i++) {
		hear_where(w, &phones[i]);
		say_where(w, &phones[i]);
	}
	TURN_UNTIL(recipient_sources_version(w->sources) != version);
	TURN_UNTIL(fake_at_end(w->fd));
	hang_up(w);
}

/* What core knows: "IMSI=place/number" of each, the zeros of the IMSI left out. */
static void assert_known(struct world *w, const char *wanted)
{
	struct recipient_walk *walk = recipient_walk_alloc(w, w->sources, clock_utc());
	char text[1024] = "", place[TARGET_TEXT_LEN], number[MSISDN_TEXT_LEN];
	const char *language;
	struct recipient r;
	size_t at = 0;

	while (recipient_walk_next(walk, &r, &language)) {
		assert_int_equal(r.imsi.mnc_digits, 15);
		at += snprintf(text + at, sizeof(text) - at, "%s%u=%s/%s", at ? " " : "",
			       (unsigned int)(r.imsi.value % 10000),
			       r.at.type ? target_format(&r.at, place, sizeof(place)) : "",
			       msisdn_format(&r.msisdn, number, sizeof(number)));
		assert_true(at < sizeof(text));
		assert_null(language);
		assert_false(r.drill);
	}
	assert_string_equal(text, wanted);
	talloc_free(walk);
}

static struct problem last_problem(struct world *w)
{
	struct problem problem = {};

	recipient_source_last(w->source, &problem);
	return problem;
}

static void forget_problem(struct world *w)
{
	recipient_source_failed(w->source, &(struct problem){}, 0);
}

#define assert_failed(w, text) do { \
	struct problem p_; \
	TURN_UNTIL((p_ = last_problem(w)).code); \
	assert_int_equal(p_.code, PROBLEM_RECIPIENTS_SOURCE); \
	assert_non_null(strstr(p_.detail, text)); \
	assert_null(strstr(p_.detail, "00101")); \
	assert_null(strstr(p_.where, "00101")); \
} while (0)

static void assert_no_poll(struct world *w)
{
	struct pollfd p = { .fd = w->listening, .events = POLLIN };

	fake_turn();
	fake_turn();
	assert_int_equal(poll(&p, 1, 0), 0);
}

/* Nobody comes in the time given, the last moment left out; then somebody does. */
static void assert_next_poll_after_s(struct world *w, unsigned int s)
{
	char c;

	fake_advance_ms(s * INT64_C(1000) - 100);
	assert_no_poll(w);
	fake_advance_ms(100);
	await(w);
	assert_true(recv(w->fd, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

static const struct phone near = { 1, 100, "GERAN-A" }, far = { 2, 200, "GERAN-A" };

static void a_poll_puts_in_force_who_is_where(void **state)
{
	struct world *w = *state;
	const struct phone phones[] = {
		far, near, { 3, 100, NULL }, { 4, 300, "UTRAN-Iu" }, { 5, 300, "EUTRAN-SGs" },
		{ 0, 100, "GERAN-A" }, { 6, 0, "GERAN-A" }, { 7, 65534, "GERAN-A" }, { 8, 65535, "GERAN-A" },
	};

	open_source(w);
	assert_false(recipient_sources_complete(w->sources, 0));
	serve(w, phones, ARRAY_LEN(phones));
	assert_known(w, "0=001-01-100/491701000 1=001-01-100-1/491701001 2=001-01-200-2/491701002 "
		     "4=001-01-300/491701004 5=001-01-300/491701005 6=/491701006 7=/491701007 "
		     "8=001-01-65535-8/491701008");
	assert_int_equal(last_problem(w).code, PROBLEM_NONE);
	assert_int_equal(recipient_source_updated(w->source), clock_utc());
}

static void an_msc_without_subscribers_is_an_empty_table(void **state)
{
	struct world *w = *state;

	open_source(w);
	serve(w, NULL, 0);
	assert_true(recipient_sources_complete(w->sources, 0));
	assert_known(w, "");
}

static void the_newest_poll_replaces_the_one_before(void **state)
{
	const struct phone moved = { 1, 200, "GERAN-A" }, third = { 3, 100, "GERAN-A" };
	struct world *w = *state;

	open_source(w);
	serve(w, (struct phone[]){ near, far }, 2);
	fake_advance_ms(30000);
	w->uptime_s += 30;
	serve(w, (struct phone[]){ third, moved }, 2);
	assert_known(w, "1=001-01-200-1/491701001 3=001-01-100-3/491701003");
}

static void the_next_poll_comes_an_interval_after_the_end_of_the_last(void **state)
{
	struct world *w = *state;

	w->config->interval_s = 60;
	open_source(w);
	greet(w);
	fake_advance_ms(9000);
	say_list(w, NULL, 0);
	hear_nothing(w);
	fake_advance_ms(1000);
	TURN_UNTIL(fake_at_end(w->fd));
	hang_up(w);
	assert_next_poll_after_s(w, 60);
}

/* Until the next attempt after so many failures in a row. */
static void wait_backoff(unsigned int failures)
{
	static const unsigned int waits_s[] = { 5, 10, 20, 40, 80, 160 };

	fake_advance_ms(failures <= ARRAY_LEN(waits_s) ? waits_s[failures - 1] * 1000 : 300000);
}

/* Where the MSC can be lost: before it says anything, after each word. */
static void lose(struct world *w, unsigned int when)
{
	const struct phone phones[] = { far, { 3, 100, "GERAN-A" } };

	await(w);
	if (when == 0)
		return;
	say(w, "Welcome to the OsmoMSC VTY interface\r\n");
	if (when == 1)
		return;
	say(w, PROMPT);
	hear(w, "terminal length 0");
	if (when == 2)
		return;
	say(w, "terminal length 0\r\n" PROMPT);
	hear(w, "show uptime");
	say(w, "show uptime\r\nOsmoMSC has been running for 0d 0h 17m 20s\r\n" PROMPT);
	hear(w, "show fsm-instances SGs-UE");
	if (when == 3)
		return;
	say(w, "show fsm-instances SGs-UE\r\nFSM Instance Name: 'SGs-UE(imsi:001010000000002)[0x1]', ");
	if (when == 4)
		return;
	say(w, "ID: 'imsi:001010000000002'\r\n");
	if (when == 5)
		return;
	say(w, "FSM Instance Name: 'SGs-UE(imsi:001010000000003)[0x1]', ID: 'imsi:001010000000003'\r\n" PROMPT);
	hear_where(w, &phones[0]);
	hear_where(w, &phones[1]);
	if (when == 6)
		return;
	say_where(w, &phones[0]);
	if (when == 7)
		return;
	say(w, "show subscriber imsi 001010000000003\r\n  Subscriber: \r\n    MSISDN: 491701003\r\n"
	    "    LAC / cell ID: 100 / 3");
	if (when == 8)
		return;
	say(w, "00\r\n    RAN type: GERAN-A\r\n    IMSI: 001010000000003\r\n    Use count: 1 (attached)\r\n");
}
#define LOSSES 10

static void an_msc_that_ends_at_any_moment_leaves_the_old_table(void **state)
{
	struct world *w = *state;
	unsigned int when, version;

	open_source(w);
	serve(w, (struct phone[]){ near }, 1);
	version = recipient_sources_version(w->sources);
	fake_advance_ms(30000);
	for (when = 0; when < LOSSES; when++) {
		print_message("# moment %u\n", when);
		lose(w, when);
		forget_problem(w);
		hang_up(w);
		assert_failed(w, "lost");
		assert_int_equal(recipient_sources_version(w->sources), version);
		assert_known(w, "1=001-01-100-1/491701001");
		wait_backoff(when + 1);
	}
}

static void an_msc_that_says_no_more_is_given_up(void **state)
{
	struct world *w = *state;
	unsigned int when;

	open_source(w);
	for (when = 0; when < LOSSES; when++) {
		print_message("# moment %u\n", when);
		lose(w, when);
		forget_problem(w);
		hear_nothing(w);
		fake_advance_ms(9900);
		fake_turn();
		assert_int_equal(last_problem(w).code, PROBLEM_NONE);
		fake_advance_ms(100);
		assert_failed(w, "in time");
		TURN_UNTIL(fake_at_end(w->fd));
		hang_up(w);
		wait_backoff(when + 1);
	}
	assert_false(recipient_sources_complete(w->sources, 0));
}

static void attempts_get_rarer_until_one_succeeds(void **state)
{
	static const unsigned int waits_s[] = { 5, 10, 20, 40, 80, 160, 300, 300 };
	struct world *w = *state;
	size_t i;

	open_source(w);
	await(w);
	for (i = 0; i < ARRAY_LEN(waits_s); i++) {
		forget_problem(w);
		hang_up(w);
		assert_failed(w, "lost");
		assert_next_poll_after_s(w, waits_s[i]);
	}
	forget_problem(w);
	hang_up(w);
	assert_failed(w, "lost");
	fake_advance_ms(300000);
	serve(w, NULL, 0);
	assert_next_poll_after_s(w, 30);
	hang_up(w);
	assert_failed(w, "lost");
	assert_next_poll_after_s(w, 5);
}

static void a_port_that_nobody_listens_on_is_a_problem(void **state)
{
	struct world *w = *state;

	close(w->listening);
	open_source(w);
	assert_failed(w, "refused");
	w->listening = fake_bind(&w->config->remote_port, true);
}

static void a_local_address_that_is_not_ours_is_a_problem(void **state)
{
	struct world *w = *state;

	w->config->local_ip = talloc_strdup(w->config, "192.0.2.1");
	open_source(w);
	assert_failed(w, "cannot connect");
}

static void what_is_not_understood_ends_the_poll(void **state)
{
	struct world *w = *state;
	char line[5000];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	open_source(w);
	serve(w, (struct phone[]){ near }, 1);
	fake_advance_ms(30000);
	greet(w);
	say_list(w, (struct phone[]){ far }, 1);
	hear_where(w, &far);
	say(w, "show subscriber imsi 001010000000002\r\n  Subscriber: \r\n    LAC / cell ID: 200\r\n");
	assert_failed(w, "two numbers");
	assert_int_equal(last_problem(w).line, 3);
	assert_string_equal(last_problem(w).where, "show subscriber imsi");
	TURN_UNTIL(fake_at_end(w->fd));
	hang_up(w);

	forget_problem(w);
	fake_advance_ms(5000);
	await(w);
	say(w, "%s", line);
	assert_failed(w, "framing");
	hang_up(w);
	assert_known(w, "1=001-01-100-1/491701001");
}

static void an_msc_that_speaks_unasked_ends_the_poll(void **state)
{
	struct world *w = *state;

	open_source(w);
	greet(w);
	say(w, "show fsm-instances SGs-UE\r\n");
	fake_advance_ms(300);	/* busy: a pause follows */
	say(w, PROMPT "<0001> a line of a log\r\n");
	assert_failed(w, "not asked");
}

/* Two batches and a half. */
#define CROWD 20

static void questions_go_out_in_batches_with_pauses(void **state)
{
	struct world *w = *state;
	struct phone phones[CROWD];
	size_t i, k;

	for (i = 0; i < CROWD; i++)
		phones[i] = (struct phone){ .n = i + 1, .lac = 100, .ran = "GERAN-A" };
	open_source(w);
	greet(w);
	say_list(w, phones, CROWD);
	for (i = 0; i < CROWD; i = k) {
		for (k = i; k < CROWD && k < i + 8; k++)
			hear_where(w, &phones[k]);
		hear_nothing(w);
		fake_advance_ms(20);
		for (k = i; k < CROWD && k < i + 8; k++)
			say_where(w, &phones[k]);
		hear_nothing(w);
		/* Busy for 20 ms, left alone for 60. */
		fake_advance_ms(59);
		hear_nothing(w);
		assert_false(recipient_sources_complete(w->sources, 0));
		fake_advance_ms(1);
	}
	TURN_UNTIL(recipient_sources_complete(w->sources, 0));
	assert_int_equal(recipient_source_count(w->source), CROWD);
}

static void the_way_to_the_msc_is_not_taken_for_work(void **state)
{
	struct world *w = *state;
	const struct phone phones[] = { near };

	open_source(w);
	await(w);
	say(w, PROMPT);
	hear(w, "terminal length 0");
	fake_advance_ms(100);
	say(w, "terminal length 0\r\n" PROMPT);
	hear(w, "show uptime");
	say(w, "show uptime\r\n" PROMPT);
	hear(w, "show fsm-instances SGs-UE");
	fake_advance_ms(100);
	say_list(w, phones, 1);
	hear_where(w, &phones[0]);
}

static void a_pause_has_a_longest_length(void **state)
{
	struct world *w = *state;
	const struct phone phones[] = { near };

	open_source(w);
	greet(w);
	fake_advance_ms(8000);
	say_list(w, phones, 1);
	hear_nothing(w);
	fake_advance_ms(999);
	hear_nothing(w);
	fake_advance_ms(1);
	hear_where(w, &phones[0]);
}

/* 9.9 s for each answer and a second of pause after eight: 45 batches take more than an hour. */
#define SLOW 368

static void a_poll_that_lasts_more_than_an_hour_is_given_up(void **state)
{
	struct world *w = *state;
	struct phone phones[SLOW];
	size_t i;

	for (i = 0; i < SLOW; i++)
		phones[i] = (struct phone){ .n = i + 1, .lac = 100, .ran = "GERAN-A" };
	open_source(w);
	greet(w);
	say_list(w, phones, SLOW);
	for (i = 0; i < SLOW && !last_problem(w).code; i++) {
		hear_where(w, &phones[i]);
		fake_advance_ms(9900);
		say_where(w, &phones[i]);
		fake_turn();
		fake_turn();
		if (i % 8 == 7)
			fake_advance_ms(1000);
	}
	assert_int_equal(i, 45 * 8);
	assert_failed(w, "in an hour");
	assert_false(recipient_sources_complete(w->sources, 0));
}

/* An hour of polls every 30 s is 120 connections: a longer interval will do. */
static void whom_a_restarted_msc_has_forgotten_stays_for_an_hour(void **state)
{
	const struct phone moved = { 1, 300, "GERAN-A" };
	struct world *w = *state;

	w->config->interval_s = 1200;
	open_source(w);
	serve(w, (struct phone[]){ near, far }, 2);
	fake_advance_ms(1200000);
	w->uptime_s = 10;
	serve(w, NULL, 0);
	assert_known(w, "1=001-01-100-1/491701001 2=001-01-200-2/491701002");
	fake_advance_ms(1200000);
	w->uptime_s += 1200;
	serve(w, (struct phone[]){ moved }, 1);
	assert_known(w, "1=001-01-300-1/491701001 2=001-01-200-2/491701002");
	fake_advance_ms(1200000);
	w->uptime_s += 1200;
	/* An hour after it was last heard of. */
	serve(w, (struct phone[]){ moved }, 1);
	assert_known(w, "1=001-01-300-1/491701001");
}

static void a_second_restart_keeps_both_lives(void **state)
{
	const struct phone third = { 3, 300, "GERAN-A" };
	struct world *w = *state;

	w->config->interval_s = 1200;
	open_source(w);
	serve(w, (struct phone[]){ near }, 1);
	fake_advance_ms(1200000);
	w->uptime_s = 10;
	serve(w, (struct phone[]){ third }, 1);
	fake_advance_ms(1200000);
	w->uptime_s = 10;
	serve(w, NULL, 0);
	assert_known(w, "1=001-01-100-1/491701001 3=001-01-300-3/491701003");
	fake_advance_ms(1200000);
	w->uptime_s += 1200;
	serve(w, NULL, 0);
	assert_known(w, "3=001-01-300-3/491701003");
}

static void who_leaves_an_msc_that_was_not_restarted_is_gone(void **state)
{
	struct world *w = *state;

	open_source(w);
	serve(w, (struct phone[]){ near, far }, 2);
	fake_advance_ms(30000);
	/* Whole seconds, and a slow answer. */
	w->uptime_s += 27;
	serve(w, (struct phone[]){ near }, 1);
	assert_known(w, "1=001-01-100-1/491701001");
}

static void a_step_of_the_wall_clock_moves_no_poll(void **state)
{
	struct world *w = *state;

	open_source(w);
	serve(w, NULL, 0);
	fake_step_wall_s(3600);
	assert_no_poll(w);
	fake_step_wall_s(-7200);
	msc_source_rearm(w->msc);
	assert_next_poll_after_s(w, 30);
}

static void a_source_can_be_closed_at_any_moment(void **state)
{
	struct world *w = *state;
	unsigned int when;

	for (when = 0; when < LOSSES; when++) {
		print_message("# moment %u\n", when);
		open_source(w);
		lose(w, when);
		TALLOC_FREE(w->msc);
		TURN_UNTIL(fake_at_end(w->fd));
		hang_up(w);
		fake_advance_ms(600000);
		assert_no_poll(w);
	}
}

static void a_configuration_is_checked(void **state)
{
	static const struct msc_source_config good = {
		.remote_ip = "192.0.2.1", .remote_port = 4254, .mcc = 1, .mnc = 1, .mnc_digits = 2,
		.interval_s = 30, .timeout_s = 10,
	};
	struct msc_source_config cases[] = { good, good, good, good, good, good, good, good, good, good, good,
					     good, good, good };
	struct problem problem;
	size_t i;

	(void)state;
	cases[0].remote_ip = NULL;
	cases[1].remote_ip = "msc.example.net";
	cases[2].remote_port = 0;
	cases[3].local_ip = "localhost";
	cases[4].local_ip = "::1";
	cases[5].mnc_digits = 0;
	cases[6].mnc_digits = 4;
	cases[7].mnc = 100;
	cases[8].mcc = 1000;
	cases[9].interval_s = 4;
	cases[10].interval_s = 3601;
	cases[11].timeout_s = 0;
	cases[12].timeout_s = 121;
	cases[13].mnc = 1000;
	assert_int_equal(msc_source_config_check(&good, &problem), 0);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("# case %zu\n", i);
		assert_int_equal(msc_source_config_check(&cases[i], &problem), -EINVAL);
		assert_int_equal(problem.code, PROBLEM_CONFIG);
		assert_null(msc_source_open(NULL, NULL, &cases[i], &problem));
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_poll_puts_in_force_who_is_where),
		TEST(an_msc_without_subscribers_is_an_empty_table),
		TEST(the_newest_poll_replaces_the_one_before),
		TEST(the_next_poll_comes_an_interval_after_the_end_of_the_last),
		TEST(an_msc_that_ends_at_any_moment_leaves_the_old_table),
		TEST(an_msc_that_says_no_more_is_given_up),
		TEST(attempts_get_rarer_until_one_succeeds),
		TEST(a_port_that_nobody_listens_on_is_a_problem),
		TEST(a_local_address_that_is_not_ours_is_a_problem),
		TEST(what_is_not_understood_ends_the_poll),
		TEST(an_msc_that_speaks_unasked_ends_the_poll),
		TEST(questions_go_out_in_batches_with_pauses),
		TEST(the_way_to_the_msc_is_not_taken_for_work),
		TEST(a_pause_has_a_longest_length),
		TEST(a_poll_that_lasts_more_than_an_hour_is_given_up),
		TEST(whom_a_restarted_msc_has_forgotten_stays_for_an_hour),
		TEST(a_second_restart_keeps_both_lives),
		TEST(who_leaves_an_msc_that_was_not_restarted_is_gone),
		TEST(a_step_of_the_wall_clock_moves_no_poll),
		TEST(a_source_can_be_closed_at_any_moment),
		cmocka_unit_test(a_configuration_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
