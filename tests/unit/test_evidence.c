/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Histories are written as words, one an event:
 *   w s q            a write, stop or query was sent
 *   w+ w= w0 w- w!   it was answered done, already, absent, refused, impossible (likewise s, q)
 *   wn w?            it was answered with nothing, or not at all
 *   q5               the query was answered: on air, 5 broadcasts
 *   ~200             200 seconds pass
 *   link restart kept lost absent failed silent      the doubts */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/core/evidence.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define T0 1000000
#define STEP_S 10
#define DEPTH 6
#define DEPTH_REMOVED 5
#define RETRY_MAX_S 300
#define PROOF_ATTEMPTS 6
/* A count that did not rise for this long no longer shows that the message is broadcast. */
#define STALE_S 150

/* Of a cell: what may be asked is the only rule that counts. */
static enum peer_verb next_of(const struct evidence *e, bool on, bool can_query, int64_t now, int64_t *due)
{
	const struct evidence_rules rules = { .can_query = can_query };

	return evidence_next(e, on, &rules, now, due);
}

static const char *const doubt_words[] = {
	[DOUBT_LINK] = "link", [DOUBT_RESTART] = "restart", [DOUBT_KEPT] = "kept", [DOUBT_LOST] = "lost",
	[DOUBT_ABSENT] = "absent", [DOUBT_FAILED] = "failed", [DOUBT_SILENT] = "silent",
};

enum event_kind { EV_SENT, EV_ANSWERED, EV_SILENT, EV_DOUBTED, EV_PAUSE };

struct event {
	enum event_kind kind;
	enum peer_verb verb;
	struct peer_result result;
	enum doubt doubt;
	unsigned int pause_s;
};

static enum doubt word_doubt(const char *word)
{
	size_t i;

	for (i = 1; i < N(doubt_words); i++) {
		if (!strcmp(doubt_words[i], word))
			return i;
	}
	return DOUBT_NONE;
}

static struct event word_event(const char *word)
{
	static const char verbs[] = "wsq", answers[] = "n+=0-!";
	struct event ev = { .kind = EV_DOUBTED, .doubt = word_doubt(word) };

	if (ev.doubt)
		return ev;
	if (word[0] == '~')
		return (struct event){ .kind = EV_PAUSE, .pause_s = atoi(word + 1) };
	assert_non_null(strchr(verbs, word[0]));
	ev.verb = strchr(verbs, word[0]) - verbs;
	if (!word[1]) {
		ev.kind = EV_SENT;
	} else if (word[1] == '?') {
		ev.kind = EV_SILENT;
	} else if (isdigit(word[1]) && ev.verb == PEER_QUERY && strcmp(word, "q0")) {
		ev.kind = EV_ANSWERED;
		ev.result = (struct peer_result){
			.answer = PEER_ANSWER_DONE, .has_count = true, .count = atoi(word + 1),
		};
	} else {
		assert_non_null(strchr(answers, word[1]));
		ev.kind = EV_ANSWERED;
		ev.result.answer = strchr(answers, word[1]) - answers;
	}
	return ev;
}

static void apply_at(struct evidence *e, const struct event *ev, int64_t now)
{
	switch (ev->kind) {
	case EV_SENT:
		evidence_sent(e, ev->verb, 15, now);
		break;
	case EV_ANSWERED:
		evidence_answered(e, ev->verb, &ev->result, now);
		break;
	case EV_SILENT:
		evidence_silent(e, ev->verb, now);
		break;
	case EV_DOUBTED:
		evidence_doubted(e, ev->doubt, now);
		break;
	case EV_PAUSE:
		break;
	}
}

static void apply(struct evidence *e, const struct event *ev, int64_t *now)
{
	*now += ev->kind == EV_PAUSE ? ev->pause_s : STEP_S;
	apply_at(e, ev, *now);
}

static struct evidence after(const char *history, int64_t *now)
{
	struct evidence e = { 0 };
	char *words = strdup(history), *save, *word;
	struct event ev;

	*now = T0;
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		ev = word_event(word);
		apply(&e, &ev, now);
	}
	free(words);
	return e;
}

/* What each history amounts to. */

static const struct {
	const char *name;
	const char *history;
	enum outcome on, off;
} outcomes[] = {
	{ "nothing was sent", "", OUTCOME_QUEUED, OUTCOME_STOPPED },
	{ "a write is on its way", "w", OUTCOME_SENT, OUTCOME_SENT },
	{ "a write was confirmed", "w w+", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "it was there already", "w w=", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "the first write was refused", "w w-", OUTCOME_REFUSED, OUTCOME_STOPPED },
	{ "the first write is impossible", "w w!", OUTCOME_REFUSED, OUTCOME_STOPPED },
	{ "a write was not answered", "w w?", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	{ "a write was answered with nothing", "w wn", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	{ "a refusal does not undo a write that was not answered", "w w? w w-", OUTCOME_REFUSED, OUTCOME_REFUSED },
	{ "a refusal does not undo a confirmed write", "w w+ lost w w-", OUTCOME_REFUSED, OUTCOME_REFUSED },
	{ "two refusals in a row", "w w- w w-", OUTCOME_REFUSED, OUTCOME_STOPPED },
	{ "a second try is on its way", "w w- w", OUTCOME_SENT, OUTCOME_SENT },
	{ "a second try succeeded", "w w- w w+", OUTCOME_TAKEN, OUTCOME_TAKEN },
	/* counts */
	{ "the peer has it but tells no count", "w w+ q q+", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "a count of nothing", "w w+ q q00", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "a count that rose", "w w+ q q1", OUTCOME_BROADCASTING, OUTCOME_BROADCASTING },
	{ "a count that rose not long ago", "w w+ q q3 ~100 q q3", OUTCOME_BROADCASTING, OUTCOME_BROADCASTING },
	{ "a count that rose 150 s ago", "w w+ q q3 ~130 q q3", OUTCOME_BROADCASTING, OUTCOME_BROADCASTING },
	{ "a count that rose longer ago", "w w+ q q3 ~131 q q3", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "a count that moves again", "w w+ q q3 ~131 q q3 q q4", OUTCOME_BROADCASTING, OUTCOME_BROADCASTING },
	{ "a count that went back to nothing", "w w+ q q3 q q00", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "a count that starts again with a new write", "w w+ q q3 lost w w+ q q2", OUTCOME_BROADCASTING, OUTCOME_BROADCASTING },
	{ "a count from before a failure", "w w+ q q3 failed kept q q+", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "a count of an earlier write", "w w+ q q3 lost w w+", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "a query is on its way", "w w+ q", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "a query found a write that was not answered", "w w? q q+", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "a query found nothing", "w w+ q q0", OUTCOME_QUEUED, OUTCOME_STOPPED },
	{ "a query was not answered", "w w+ q q?", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	{ "a query was refused", "w w+ q q-", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	{ "a query is impossible", "w w+ q q!", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	/* stops */
	{ "a stop is on its way", "w w+ s", OUTCOME_UNKNOWN, OUTCOME_TAKEN },
	{ "a stop was confirmed", "w w+ s s+", OUTCOME_QUEUED, OUTCOME_STOPPED },
	{ "a stop found nothing", "w w+ s s0", OUTCOME_QUEUED, OUTCOME_STOPPED },
	{ "a stop was refused", "w w+ s s-", OUTCOME_UNKNOWN, OUTCOME_TAKEN },
	{ "a stop of a confirmed write is impossible", "w w+ s s!", OUTCOME_UNKNOWN, OUTCOME_TAKEN },
	{ "a stop of an unanswered write is impossible", "w w? s s!", OUTCOME_UNKNOWN, OUTCOME_STOPPED },
	{ "a stop was not answered", "w w+ s s?", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	{ "a stop overtakes the answer to a write that failed", "w s s+ w-", OUTCOME_QUEUED, OUTCOME_STOPPED },
	{ "a write is confirmed after its stop", "w s s+ w+", OUTCOME_UNKNOWN, OUTCOME_TAKEN },
	{ "a query finds it after its stop", "w w+ q s s+ q2", OUTCOME_UNKNOWN, OUTCOME_BROADCASTING },
	{ "it was stopped and written again", "w w+ s s+ w", OUTCOME_SENT, OUTCOME_SENT },
	{ "it was stopped, written again and taken", "w w+ s s+ w w+", OUTCOME_TAKEN, OUTCOME_TAKEN },
	/* doubts */
	{ "the link was down", "w w+ link", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	{ "the link was down before the answer", "w link", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	{ "the link was down after a refusal", "w w- link", OUTCOME_REFUSED, OUTCOME_STOPPED },
	{ "the link was down after a stop", "w w+ s s+ link", OUTCOME_QUEUED, OUTCOME_STOPPED },
	{ "the link was down and the peer still has it", "w w+ link q q+", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "this daemon restarted before it sent anything it knows of", "restart", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	{ "this daemon restarted", "w w+ restart", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	{ "this daemon restarted after a stop", "w w+ s s+ restart", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	{ "this daemon restarted and the peer does not have it", "w w+ restart q q0", OUTCOME_QUEUED, OUTCOME_STOPPED },
	{ "the peer restarted and kept it", "w w+ kept", OUTCOME_UNKNOWN, OUTCOME_UNKNOWN },
	{ "the peer lost it", "w w+ lost", OUTCOME_QUEUED, OUTCOME_UNKNOWN },
	{ "what is lost stays lost when the link goes down", "w w+ lost link", OUTCOME_QUEUED, OUTCOME_UNKNOWN },
	{ "what is lost stays lost when a query is not answered", "w w+ q lost q?", OUTCOME_QUEUED, OUTCOME_UNKNOWN },
	{ "what was never taken cannot be lost", "w w- lost", OUTCOME_REFUSED, OUTCOME_STOPPED },
	{ "the cell failed", "w w+ failed", OUTCOME_FAILED, OUTCOME_FAILED },
	{ "a failed cell is not believed while its count stands", "w w+ q q3 failed q q3", OUTCOME_FAILED, OUTCOME_FAILED },
	{ "a failed cell is not believed for what it broadcast before", "w w+ q q3 failed q q4", OUTCOME_FAILED, OUTCOME_FAILED },
	{ "not even if nothing had been counted", "w w+ failed q q4", OUTCOME_FAILED, OUTCOME_FAILED },
	{ "a failed cell is believed when its count moves after that", "w w+ q q3 failed q q4 q q5", OUTCOME_BROADCASTING, OUTCOME_BROADCASTING },
	{ "a failed cell stays failed when a query is not answered", "w w+ failed q q?", OUTCOME_FAILED, OUTCOME_FAILED },
	{ "and is not believed after it", "w w+ failed q q? q q+", OUTCOME_FAILED, OUTCOME_FAILED },
	{ "a failed cell stays failed when a query is refused", "w w+ failed q q- q q+", OUTCOME_FAILED, OUTCOME_FAILED },
	{ "a failed cell whose peer restarted with its data is asked again", "w w+ failed kept q q+", OUTCOME_TAKEN, OUTCOME_TAKEN },
	{ "a failed cell whose data are lost", "w w+ failed lost", OUTCOME_QUEUED, OUTCOME_UNKNOWN },
	{ "a failed cell that takes a new write", "w w+ failed lost w w+", OUTCOME_TAKEN, OUTCOME_TAKEN },
};

static void test_outcome_of_every_kind_of_history(void **state)
{
	struct evidence e;
	int64_t now;
	size_t i;

	(void)state;
	for (i = 0; i < N(outcomes); i++) {
		e = after(outcomes[i].history, &now);
		if (evidence_outcome(&e, true) != outcomes[i].on || evidence_outcome(&e, false) != outcomes[i].off)
			fail_msg("%s [%s]: %s when on, %s when off", outcomes[i].name, outcomes[i].history,
				 outcome_name(evidence_outcome(&e, true)),
				 outcome_name(evidence_outcome(&e, false)));
	}
}

/* A count is judged by the period of its message: two of them may pass, of up to 2 s a unit. */
static void test_slow_repetition_gives_a_count_more_time_to_rise(void **state)
{
	const struct peer_result done = { .answer = PEER_ANSWER_DONE };
	struct peer_result count = { .answer = PEER_ANSWER_DONE, .has_count = true, .count = 7 };
	struct evidence e = { 0 };

	(void)state;
	evidence_sent(&e, PEER_WRITE, 100, T0);
	evidence_answered(&e, PEER_WRITE, &done, T0);
	evidence_answered(&e, PEER_QUERY, &count, T0 + 10);
	evidence_answered(&e, PEER_QUERY, &count, T0 + 410);
	assert_int_equal(evidence_outcome(&e, true), OUTCOME_BROADCASTING);
	evidence_answered(&e, PEER_QUERY, &count, T0 + 411);
	assert_int_equal(evidence_outcome(&e, true), OUTCOME_TAKEN);
}

/* What must come next. */

static const struct {
	const char *name;
	const char *history;
	bool on, can_query;
	enum peer_verb verb;
	int64_t in_s;		/* from the last event; negative and 0: at once */
} nexts[] = {
	{ "a new message is written at once", "", true, true, PEER_WRITE, 0 },
	{ "what is not wanted is not written", "", false, true, _NUM_PEER_VERB, 0 },
	{ "an outstanding write is waited for", "w", true, true, _NUM_PEER_VERB, 0 },
	{ "an outstanding write is stopped when no longer wanted", "w", false, true, PEER_STOP, 0 },
	{ "a confirmed write is looked at soon", "w w+", true, true, PEER_QUERY, 3 },
	{ "a confirmed write is left alone where nothing can be asked", "w w+", true, false, _NUM_PEER_VERB, 0 },
	{ "a refused write is tried again after 5 s", "w w-", true, true, PEER_WRITE, 5 },
	{ "twice refused, after 10 s", "w w- w w-", true, true, PEER_WRITE, 10 },
	{ "a target that cannot is tried again after 300 s", "w w!", true, true, PEER_WRITE, 300 },
	{ "a refused write needs no stop", "w w-", false, true, _NUM_PEER_VERB, 0 },
	{ "an unanswered write is written again", "w w?", true, true, PEER_WRITE, 5 - STEP_S },
	{ "an unanswered write is stopped", "w w?", false, true, PEER_STOP, 0 },
	{ "after the link was down the peer is asked", "w w+ link", true, true, PEER_QUERY, 0 },
	{ "or written to where it cannot be asked", "w w+ link", true, false, PEER_WRITE, 0 },
	{ "what is lost is written again at once", "w w+ lost", true, true, PEER_WRITE, 0 },
	{ "what is absent is written again at once", "w w+ q q0", true, true, PEER_WRITE, 0 },
	{ "what is lost still needs a stop", "w w+ lost", false, true, PEER_STOP, 0 },
	{ "a failed cell is asked every minute", "w w+ failed", true, true, PEER_QUERY, 60 - 2 * STEP_S },
	{ "a failed cell without an answer to its write is written to where nothing can be asked",
	  "w w? failed", true, false, PEER_WRITE, 5 - 2 * STEP_S },
	{ "an outstanding stop is waited for", "w w+ s", false, true, _NUM_PEER_VERB, 0 },
	{ "a refused stop is tried again", "w w+ s s-", false, true, PEER_STOP, 5 - STEP_S },
	{ "a confirmed stop is the end where nobody can be asked", "w w+ s s+", false, false, _NUM_PEER_VERB, 0 },
	{ "a confirmed stop is proved by a question", "w w+ s s+", false, true, PEER_QUERY, 2 },
	{ "a stop of what is not there needs no proof", "w w+ s s0", false, true, _NUM_PEER_VERB, 0 },
	{ "a stop is proved by the answer that it is not there", "w w+ s s+ q q0", false, true, _NUM_PEER_VERB, 0 },
	{ "a stop that is disproved is sent again", "w w+ s s+ q q+", false, true, PEER_STOP, 0 },
	{ "no answer is no proof", "w w+ s s+ q q?", false, true, PEER_QUERY, -5 },
	{ "a write confirmed after its stop is stopped again", "w s s+ w+", false, true, PEER_STOP, 0 },
	{ "what was stopped and is wanted again is written", "w w+ s s+", true, true, PEER_WRITE, 0 },
	{ "a restart of this daemon asks where a write is known", "w w+ restart", true, true, PEER_QUERY, 0 },
	{ "and writes where none is", "restart", true, true, PEER_WRITE, 0 },
	{ "and stops what is not wanted", "restart", false, true, PEER_STOP, 0 },
};

static void test_next_request_of_named_histories(void **state)
{
	struct evidence e;
	enum peer_verb verb;
	int64_t now, due, want;
	size_t i;

	(void)state;
	for (i = 0; i < N(nexts); i++) {
		e = after(nexts[i].history, &now);
		verb = next_of(&e, nexts[i].on, nexts[i].can_query, now, &due);
		want = nexts[i].in_s;
		if (verb != nexts[i].verb)
			fail_msg("%s [%s]: verb %d", nexts[i].name, nexts[i].history, verb);
		if (verb == _NUM_PEER_VERB ? due != INT64_MAX : (want <= 0 ? due > now : due != now + want))
			fail_msg("%s [%s]: in %" PRId64 " s", nexts[i].name, nexts[i].history, due - now);
	}
}

static void check_backoff(const char *start, const char *again, bool on, bool can_query)
{
	static const int64_t pauses[] = { 5, 10, 20, 40, 80, 160, 300, 300, 300 };
	struct event sent, answered;
	char word[2] = { again[0] };
	struct evidence e;
	int64_t now, due;
	size_t i;

	e = after(start, &now);
	sent = word_event(word);
	answered = word_event(again);
	for (i = 0; i < 400; i++) {
		apply_at(&e, &sent, now);
		apply_at(&e, &answered, now);
		assert_int_equal(next_of(&e, on, can_query, now, &due), sent.verb);
		assert_int_equal(due - now, pauses[i < N(pauses) ? i : N(pauses) - 1]);
		now = due;
	}
}

static void test_pauses_between_failures_grow_to_300_s(void **state)
{
	(void)state;
	check_backoff("", "w-", true, true);
	check_backoff("", "w?", true, true);
	check_backoff("w w+", "q?", true, true);
	check_backoff("w w+", "q-", true, true);
	check_backoff("w w+", "s-", false, true);
	check_backoff("w w+", "s!", false, true);
	check_backoff("w w+", "s?", false, true);
}

static void test_queries_of_a_quiet_message_slow_down_to_one_a_minute(void **state)
{
	const struct peer_result quiet = { .answer = PEER_ANSWER_DONE, .has_count = true, .count = 0 };
	struct evidence e;
	int64_t now, due, pause, last = 0;
	int i;

	(void)state;
	e = after("w w+", &now);
	for (i = 0; i < 100; i++) {
		assert_int_equal(next_of(&e, true, true, now, &due), PEER_QUERY);
		pause = due - now;
		assert_in_range(pause, i ? 5 : 3, 60);
		assert_true(pause >= last);
		last = pause;
		now = due;
		evidence_sent(&e, PEER_QUERY, 0, now);
		evidence_answered(&e, PEER_QUERY, &quiet, now);
	}
	assert_int_equal(last, 60);
}

/* Asked again and again, as the loop does: a pause that is counted anew each time never ends. */
static void check_step_back(const char *history, bool on, enum peer_verb verb, int64_t back_s)
{
	struct evidence e;
	int64_t now, due, waited;

	e = after(history, &now);
	now -= back_s;
	for (waited = 0; waited <= RETRY_MAX_S; waited++) {
		assert_int_equal(next_of(&e, on, true, now + waited, &due), verb);
		if (due <= now + waited)
			return;
	}
	fail_msg("[%s]: waits for more than 300 s after a step of %" PRId64 " s", history, back_s);
}

static void test_clock_that_stepped_back_does_not_stretch_a_pause(void **state)
{
	static const int64_t steps[] = { 10, 200, 3600, 86400 };
	size_t i;

	(void)state;
	for (i = 0; i < N(steps); i++) {
		check_step_back("w w-", true, PEER_WRITE, steps[i]);
		check_step_back("w w?", true, PEER_WRITE, steps[i]);
		check_step_back("w w+ q q?", true, PEER_QUERY, steps[i]);
		check_step_back("w w+ q q2", true, PEER_QUERY, steps[i]);
		check_step_back("w w+ s s-", false, PEER_STOP, steps[i]);
	}
}

static void test_clock_that_stepped_back_never_makes_a_count_rise(void **state)
{
	const struct peer_result quiet = { .answer = PEER_ANSWER_DONE, .has_count = true, .count = 3 };
	struct evidence e;
	int64_t now;

	(void)state;
	e = after("w w+ q q3", &now);
	evidence_sent(&e, PEER_QUERY, 0, now - 3600);
	evidence_answered(&e, PEER_QUERY, &quiet, now - 3600);
	assert_int_equal(evidence_outcome(&e, true), OUTCOME_TAKEN);
}

/* The oracle: which worlds are possible after all that was sent and said, kept apart from how the
 * module keeps it. Requests on a link are handled in order, so a confirmed stop ends every write
 * sent before it, unless that write is confirmed later still. */
struct worlds {
	bool on, off;			/* the target may be on air; may be off air */
	bool on_before;			/* ... without the last write */
	bool out[_NUM_PEER_VERB];
	bool confirmed;			/* the peer's last word about the write: it has it */
	bool refused;			/* it will not */
	bool doubted;			/* since then something happened that may have ended it */
	bool gone;			/* the peer said that it lost it, or does not have it */
	bool failed;			/* the peer said that the cell broadcasts nothing */
	bool stopping;			/* a stop was sent since the write: it may have worked */
	bool unproved;			/* it says that it stopped it, and was not asked since */
	unsigned int unanswered;	/* questions since that were not answered, or refused */
	unsigned int count;
	int64_t count_at, rose_at;	/* 0 = never */
};

static void worlds_sent(struct worlds *w, enum peer_verb verb)
{
	w->out[verb] = true;
	if (verb == PEER_WRITE) {
		w->on_before = w->on;
		w->on = true;
		w->confirmed = w->refused = w->doubted = w->gone = w->failed = w->stopping = w->unproved = false;
		w->count = w->count_at = w->rose_at = 0;
	} else if (verb == PEER_STOP) {
		w->off = w->stopping = true;
		w->unproved = false;
	}
}

/* The peer says that it has the message. */
static void worlds_has_it(struct worlds *w)
{
	w->on = true;
	w->off = w->stopping;
	w->confirmed = true;
	w->refused = w->doubted = w->gone = false;
}

static void worlds_off(struct worlds *w)
{
	w->on = w->on_before = false;
	w->off = true;
	w->doubted = w->failed = false;
}

static void worlds_write_answered(struct worlds *w, enum peer_answer answer)
{
	if (answer == PEER_ANSWER_DONE || answer == PEER_ANSWER_ALREADY) {
		worlds_has_it(w);
		w->failed = false;
		return;
	}
	w->refused = true;
	if (!w->on_before)
		w->on = false;
	if (!w->on)
		w->off = true;
}

static void worlds_stop_answered(struct worlds *w, enum peer_answer answer)
{
	if (answer == PEER_ANSWER_DONE || answer == PEER_ANSWER_ABSENT) {
		worlds_off(w);
		w->gone = false;
		w->unproved = answer == PEER_ANSWER_DONE;
		w->unanswered = 0;
	} else if (answer == PEER_ANSWER_IMPOSSIBLE && !w->confirmed) {
		/* a cell that the peer does not know, and that never had it */
		worlds_off(w);
		w->gone = false;
	}
}

static void worlds_query_answered(struct worlds *w, const struct peer_result *r, int64_t now)
{
	/* Only a count read after a failure shows where it stood then. */
	bool rose = r->has_count && r->count > w->count && !(w->failed && !w->count_at);

	if (r->answer == PEER_ANSWER_DONE || r->answer == PEER_ANSWER_ALREADY) {
		worlds_has_it(w);
		if (rose) {
			w->failed = false;
			w->rose_at = now;
		}
		if (r->has_count) {
			w->count = r->count;
			w->count_at = now;
		}
	} else if (r->answer == PEER_ANSWER_ABSENT) {
		worlds_off(w);
		w->gone = true;
		w->unproved = false;
	} else {
		w->doubted = true;
		w->unanswered++;
	}
}

static void worlds_doubted(struct worlds *w, enum doubt doubt)
{
	if (doubt == DOUBT_LINK || doubt == DOUBT_RESTART)
		memset(w->out, 0, sizeof(w->out));
	if (doubt == DOUBT_RESTART) {
		w->on = true;
		w->gone = false;
	}
	if (doubt != DOUBT_FAILED)
		w->unanswered = 0;
	if (!w->on)
		return;
	w->off = w->doubted = true;
	/* A failure ends with the restart that follows it, or is itself in doubt. */
	w->failed = doubt == DOUBT_FAILED && !w->gone;
	if (w->failed)
		w->count_at = w->rose_at = 0;
	if (doubt == DOUBT_LOST || doubt == DOUBT_ABSENT)
		w->gone = true;
}

static void worlds_apply(struct worlds *w, const struct event *ev, int64_t now)
{
	if (ev->kind == EV_SENT) {
		worlds_sent(w, ev->verb);
		return;
	}
	if (ev->kind == EV_DOUBTED)
		worlds_doubted(w, ev->doubt);
	if (ev->kind == EV_DOUBTED || ev->kind == EV_PAUSE)
		return;
	w->out[ev->verb] = false;
	if (ev->kind == EV_SILENT || ev->result.answer == PEER_ANSWER_NONE) {
		w->doubted = true;
		w->unanswered++;
		/* A question takes nothing back; a write may have got there after the loss. */
		if (ev->verb != PEER_QUERY)
			w->failed = w->gone = false;
	} else if (ev->verb == PEER_WRITE) {
		worlds_write_answered(w, ev->result.answer);
	} else if (ev->verb == PEER_STOP) {
		worlds_stop_answered(w, ev->result.answer);
	} else {
		worlds_query_answered(w, &ev->result, now);
	}
}

/* Nothing but "on air" is possible, and the peer itself said so last. */
static bool worlds_surely_on(const struct worlds *w)
{
	return w->on && !w->off && w->confirmed && !w->doubted && !w->gone && !w->failed;
}

static bool worlds_counting(const struct worlds *w)
{
	return w->count && w->rose_at && w->count_at - w->rose_at <= STALE_S;
}

/* Exhaustive search */

struct search {
	const struct event *alphabet;
	const char *const *words;
	size_t n_words;
	unsigned int path[DEPTH];
	size_t depth;
	size_t n_histories;
};

static const char *spell(const struct search *s)
{
	static char text[DEPTH * 8 + 1];
	size_t i;

	text[0] = '\0';
	for (i = 0; i < s->depth; i++) {
		strcat(text, i ? " " : "");
		strcat(text, s->words[s->path[i]]);
	}
	return text;
}

/* \returns what is wrong with this outcome, NULL if nothing. */
static const char *judge_on(enum outcome o, const struct worlds *w)
{
	switch (o) {
	case OUTCOME_BROADCASTING:
		if (!worlds_counting(w))
			return "broadcasting without a count";
		/* fall through */
	case OUTCOME_TAKEN:
		return worlds_surely_on(w) ? NULL : "taken without a good confirmation";
	case OUTCOME_SENT:
		return w->out[PEER_WRITE] ? NULL : "sent without an outstanding write";
	case OUTCOME_QUEUED:
		return !w->on || w->gone ? NULL : "queued although it may be on air";
	case OUTCOME_REFUSED:
		return w->refused ? NULL : "refused although nobody refused it";
	case OUTCOME_FAILED:
		return w->failed ? NULL : "failed although the cell did not";
	case OUTCOME_UNKNOWN:
		return worlds_surely_on(w) ? "unknown although it is known" : NULL;
	default:
		return "not a state of a target that is wanted";
	}
}

static const char *judge_off(enum outcome o, const struct worlds *w)
{
	if (o == OUTCOME_STOPPED)
		return w->on ? "stopped although it may be on air" : NULL;
	if (!w->on)
		return "not stopped although it cannot be on air";
	return o == OUTCOME_QUEUED || o == OUTCOME_ACCEPTED ? "waiting although it is not wanted" : NULL;
}

static const char *judge_next_on(const struct evidence *e, const struct worlds *w, bool can_query, int64_t now)
{
	bool out = w->out[PEER_WRITE] || w->out[PEER_STOP] || w->out[PEER_QUERY];
	enum outcome o = evidence_outcome(e, true);
	bool confirmed = o == OUTCOME_TAKEN || o == OUTCOME_BROADCASTING;
	int64_t due;
	enum peer_verb verb = next_of(e, true, can_query, now, &due);

	if (verb == PEER_STOP)
		return "stops what is wanted";
	if (verb == PEER_WRITE && w->out[PEER_WRITE])
		return "writes while a write is outstanding";
	if (verb == PEER_QUERY && !can_query)
		return "asks a peer that cannot be asked";
	if (out)
		return verb == _NUM_PEER_VERB ? NULL : "sends while a request is outstanding";
	if (verb == _NUM_PEER_VERB && !confirmed && !(w->failed && w->confirmed && !can_query))
		return "asks for nothing though it is not confirmed";
	if (verb == _NUM_PEER_VERB && can_query)
		return "never looks again";
	if (verb != _NUM_PEER_VERB && due > now + RETRY_MAX_S)
		return "waits longer than 300 s";
	if (o == OUTCOME_QUEUED && verb != PEER_WRITE)
		return "is queued but will not be written";
	return NULL;
}

static const struct evidence_rules questions = { .can_query = true }, no_questions;

static const char *judge_next_off(const struct evidence *e, const struct worlds *w, int64_t now)
{
	int64_t due;
	enum peer_verb verb = next_of(e, false, true, now, &due);

	if (verb == PEER_WRITE)
		return "writes what is not wanted";
	if (verb == PEER_QUERY && (w->on || !w->unproved))
		return "asks without need";
	if (verb != PEER_QUERY && !w->on && w->unproved && w->unanswered < PROOF_ATTEMPTS && !w->out[PEER_STOP] &&
	    !w->out[PEER_WRITE] && !w->out[PEER_QUERY])
		return "believes in a stop without asking";
	if (w->on && !w->out[PEER_STOP] && verb != PEER_STOP)
		return "leaves it on air without a stop";
	if (verb == PEER_STOP && (w->out[PEER_STOP] || !w->on))
		return "stops twice, or what cannot be on air";
	if (verb == PEER_STOP && due > now + RETRY_MAX_S)
		return "waits longer than 300 s with a stop";
	if (evidence_settled(e, false, &no_questions) == w->on)
		return "settled although it may be on air, or the reverse";
	if (evidence_settled(e, false, &questions) &&
	    (w->on || (w->unproved && w->unanswered < PROOF_ATTEMPTS)))
		return "settled without proof";
	return evidence_settled(e, true, &questions) ? "settled although it is wanted" : NULL;
}

static unsigned int rung_on(const struct evidence *e)
{
	switch (evidence_outcome(e, true)) {
	case OUTCOME_BROADCASTING:
		return 3;
	case OUTCOME_TAKEN:
		return 2;
	case OUTCOME_SENT:
		return 1;
	default:
		return 0;
	}
}

/* No rung may rest on something that is not there. */
static const char *judge_without_a_piece(const struct evidence *e)
{
	struct evidence less = *e;

	less.count = 0;
	if (rung_on(&less) > rung_on(e) || rung_on(&less) == 3)
		return "does not need its count";
	less = *e;
	less.rose_at = 0;
	if (rung_on(&less) > rung_on(e) || rung_on(&less) == 3)
		return "does not need a rise of its count";
	less = *e;
	less.write_answer = PEER_ANSWER_NONE;
	less.write_answered = 0;
	if (rung_on(&less) > rung_on(e) || rung_on(&less) > 1)
		return "does not need an answer to its write";
	return NULL;
}

/* Only what can happen: answers to what is outstanding, one request of a verb at a time, writes and
 * queries when nothing else is under way, queries and stops of what may be there. */
static bool possible(const struct event *ev, const struct worlds *w)
{
	if (ev->kind == EV_DOUBTED || ev->kind == EV_PAUSE)
		return true;
	if (ev->kind == EV_SENT && ev->verb == PEER_STOP)
		return w->on && !w->out[PEER_STOP];
	if (ev->kind == EV_SENT && ev->verb == PEER_QUERY && !w->on && !w->unproved)
		return false;
	if (ev->kind == EV_SENT)
		return !w->out[PEER_WRITE] && !w->out[PEER_STOP] && !w->out[PEER_QUERY];
	return w->out[ev->verb];
}

static void judge(const struct search *s, const struct evidence *e, const struct worlds *w, int64_t now)
{
	const char *wrong = judge_on(evidence_outcome(e, true), w);

	if (!wrong)
		wrong = judge_off(evidence_outcome(e, false), w);
	if (!wrong)
		wrong = judge_next_on(e, w, true, now);
	if (!wrong)
		wrong = judge_next_on(e, w, false, now);
	if (!wrong)
		wrong = judge_next_off(e, w, now);
	if (!wrong)
		wrong = judge_without_a_piece(e);
	if (wrong)
		fail_msg("[%s] (%s when on, %s when off): %s", spell(s), outcome_name(evidence_outcome(e, true)),
			 outcome_name(evidence_outcome(e, false)), wrong);
}

static void walk(struct search *s, const struct evidence *e, const struct worlds *w, int64_t now)
{
	struct evidence next_e;
	struct worlds next_w;
	int64_t next_now;
	size_t i;

	s->n_histories++;
	judge(s, e, w, now);
	if (s->depth == DEPTH)
		return;
	for (i = 0; i < s->n_words; i++) {
		if (!possible(&s->alphabet[i], w))
			continue;
		next_e = *e;
		next_w = *w;
		next_now = now;
		apply(&next_e, &s->alphabet[i], &next_now);
		worlds_apply(&next_w, &s->alphabet[i], next_now);
		s->path[s->depth++] = i;
		walk(s, &next_e, &next_w, next_now);
		s->depth--;
	}
}

static const char *const all_words[] = {
	"w", "wn", "w+", "w=", "w0", "w-", "w!", "w?",
	"s", "sn", "s+", "s=", "s0", "s-", "s!", "s?",
	"q", "qn", "q+", "q=", "q0", "q-", "q!", "q?", "q00", "q2", "q3",
	"link", "restart", "kept", "lost", "absent", "failed", "silent", "~200",
};

static void test_no_short_history_gives_more_than_was_said(void **state)
{
	struct event alphabet[N(all_words)];
	struct search s = { .alphabet = alphabet, .words = all_words, .n_words = N(all_words) };
	const struct evidence e = { 0 };
	const struct worlds w = { .off = true };
	size_t i;

	(void)state;
	for (i = 0; i < N(all_words); i++)
		alphabet[i] = word_event(all_words[i]);
	walk(&s, &e, &w, T0);
	assert_true(s.n_histories > 500000);
}

/* Removal: the same history, but for one answer that never came. */

static bool speaks_for_on_air(const struct event *ev)
{
	return ev->kind == EV_ANSWERED && ev->verb != PEER_STOP &&
	       (ev->result.answer == PEER_ANSWER_DONE || ev->result.answer == PEER_ANSWER_ALREADY);
}

static bool speaks_for_off_air(const struct event *ev)
{
	if (ev->kind != EV_ANSWERED)
		return false;
	if (ev->verb == PEER_STOP)
		return ev->result.answer == PEER_ANSWER_DONE || ev->result.answer == PEER_ANSWER_ABSENT ||
		       ev->result.answer == PEER_ANSWER_IMPOSSIBLE;
	return ev->verb == PEER_QUERY && ev->result.answer == PEER_ANSWER_ABSENT;
}

static struct evidence replay_without(const struct search *s, size_t without)
{
	struct evidence e = { 0 };
	struct event ev;
	int64_t now = T0;
	size_t i;

	for (i = 0; i < s->depth; i++) {
		ev = s->alphabet[s->path[i]];
		if (i == without)
			ev.kind = EV_SILENT;
		apply(&e, &ev, &now);
	}
	return e;
}

static void check_removals(const struct search *s, const struct evidence *e)
{
	struct evidence less;
	size_t i;

	for (i = 0; i < s->depth; i++) {
		const struct event *ev = &s->alphabet[s->path[i]];

		if (speaks_for_on_air(ev)) {
			less = replay_without(s, i);
			/* An old count is also what a later one is measured by. */
			if (rung_on(&less) > rung_on(e) && !(ev->result.has_count && rung_on(e) == 2))
				fail_msg("[%s]: %s, but %s without its answer %zu", spell(s),
					 outcome_name(evidence_outcome(e, true)),
					 outcome_name(evidence_outcome(&less, true)), i + 1);
		}
		if (speaks_for_off_air(ev)) {
			less = replay_without(s, i);
			if (evidence_outcome(&less, false) == OUTCOME_STOPPED &&
			    evidence_outcome(e, false) != OUTCOME_STOPPED)
				fail_msg("[%s]: stopped only without its answer %zu", spell(s), i + 1);
		}
	}
}

static void walk_removals(struct search *s, const struct evidence *e, const struct worlds *w, int64_t now)
{
	struct evidence next_e;
	struct worlds next_w;
	int64_t next_now;
	size_t i;

	check_removals(s, e);
	if (s->depth == DEPTH_REMOVED)
		return;
	for (i = 0; i < s->n_words; i++) {
		if (!possible(&s->alphabet[i], w))
			continue;
		next_e = *e;
		next_w = *w;
		next_now = now;
		apply(&next_e, &s->alphabet[i], &next_now);
		worlds_apply(&next_w, &s->alphabet[i], next_now);
		s->path[s->depth++] = i;
		walk_removals(s, &next_e, &next_w, next_now);
		s->depth--;
	}
}

static void test_no_history_gains_by_the_removal_of_an_answer(void **state)
{
	struct event alphabet[N(all_words)];
	struct search s = { .alphabet = alphabet, .words = all_words, .n_words = N(all_words) };
	const struct evidence e = { 0 };
	const struct worlds w = { .off = true };
	size_t i;

	(void)state;
	for (i = 0; i < N(all_words); i++)
		alphabet[i] = word_event(all_words[i]);
	walk_removals(&s, &e, &w, T0);
}

/* The store */

static const struct evidence packed_example = {
	.write_sent = 0x01020304, .write_answered = 0x11121314, .stop_sent = 0x21222324,
	.stop_answered = 0x31323334, .query_sent = 0x41424344, .count_at = 0x51525354,
	.rose_at = 0x61626364, .doubt_at = 0xf1f2f3f4, .count = 0x7172, .period = 0x8182,
	.write_answer = PEER_ANSWER_DONE, .write_cause = 0x91, .stop_answer = PEER_ANSWER_IMPOSSIBLE,
	.stop_cause = 0xa1, .doubt = DOUBT_FAILED, .wait = WAIT_CAPACITY, .attempts = 0xb1,
	.flags = EVIDENCE_MAYBE_ON_AIR | EVIDENCE_OUT_QUERY,
	.via = 0xc1,
};

static const uint8_t packed_golden[EVIDENCE_PACKED_LEN] = {
	0x01, 0x02, 0x03, 0x04, 0x11, 0x12, 0x13, 0x14, 0x21, 0x22, 0x23, 0x24, 0x31, 0x32, 0x33, 0x34,
	0x41, 0x42, 0x43, 0x44, 0x51, 0x52, 0x53, 0x54, 0x61, 0x62, 0x63, 0x64, 0xf1, 0xf2, 0xf3, 0xf4,
	0x71, 0x72, 0x81, 0x82, 0x01, 0x91, 0x05, 0xa1, 0x06, 0x03, 0xb1, 0x09,
	0xc1, 0x00, 0x00, 0x00,
};

static void test_packed_evidence_keeps_its_octets(void **state)
{
	uint8_t packed[EVIDENCE_PACKED_LEN];
	struct evidence e;

	(void)state;
	evidence_pack(&packed_example, packed);
	assert_memory_equal(packed, packed_golden, sizeof(packed));
	memset(&e, 0x55, sizeof(e));
	evidence_unpack(packed_golden, &e);
	assert_memory_equal(&e, &packed_example, sizeof(e));
}

static void test_packed_evidence_survives_a_round_trip(void **state)
{
	uint8_t in[EVIDENCE_PACKED_LEN], out[EVIDENCE_PACKED_LEN];
	unsigned int seed = 41, i, j;
	struct evidence e;

	(void)state;
	for (i = 0; i < 10000; i++) {
		for (j = 0; j < sizeof(in); j++)
			in[j] = rand_r(&seed);
		evidence_unpack(in, &e);
		evidence_pack(&e, out);
		assert_memory_equal(in, out, sizeof(in));
	}
}

static void test_octets_of_a_damaged_store_do_no_harm(void **state)
{
	uint8_t in[EVIDENCE_PACKED_LEN];
	unsigned int seed = 43, i, j, v;
	struct evidence e;
	int64_t due;

	(void)state;
	for (i = 0; i < 100000; i++) {
		for (j = 0; j < sizeof(in); j++)
			in[j] = rand_r(&seed);
		evidence_unpack(in, &e);
		for (v = 0; v < 2; v++) {
			assert_true(evidence_outcome(&e, v) < _NUM_OUTCOME);
			assert_true(next_of(&e, v, i & 1, T0, &due) <= _NUM_PEER_VERB);
			assert_non_null(doubt_name(e.doubt));
			assert_non_null(wait_reason_name(e.wait));
		}
	}
}

static void test_stop_that_nobody_proves_is_believed_after_six_questions(void **state)
{
	const struct evidence_rules rules = { .can_query = true };
	struct evidence e;
	int64_t now, due;
	unsigned int n;

	(void)state;
	e = after("w w+ s s+", &now);
	for (n = 0; n < PROOF_ATTEMPTS; n++) {
		assert_false(evidence_settled(&e, false, &rules));
		assert_int_equal(next_of(&e, false, true, now, &due), PEER_QUERY);
		now = due > now ? due : now;
		evidence_sent(&e, PEER_QUERY, 0, now);
		evidence_silent(&e, PEER_QUERY, now + 10);
		assert_int_equal(evidence_outcome(&e, false), OUTCOME_STOPPED);
	}
	assert_true(evidence_settled(&e, false, &rules));
	assert_true(now < T0 + 600);
}

/* Words of the API */

static void test_names_of_outcomes_are_stable(void **state)
{
	static const char *const names[_NUM_OUTCOME] = {
		"accepted", "held", "scheduled", "queued", "sent", "taken", "broadcasting", "delivered",
		"stopped", "refused", "failed", "unknown",
	};
	int i;

	(void)state;
	for (i = 0; i < _NUM_OUTCOME; i++) {
		assert_string_equal(outcome_name(i), names[i]);
		assert_int_equal(outcome_parse(names[i]), i);
	}
	assert_string_equal(outcome_name(_NUM_OUTCOME), "unknown");
	assert_true(outcome_parse("Taken") < 0);
	assert_true(outcome_parse("") < 0);
}

static void test_names_of_waits_and_doubts_are_stable(void **state)
{
	static const char *const waits[_NUM_WAIT] = { "new", "none", "link", "capacity", "retry", "turn", "peer",
						      "broadcast" };
	static const char *const doubts[] = {
		"none", "link-down", "gateway-restart", "peer-restart", "data-lost", "absent", "cell-failed", "no-answer",
	};
	int i;

	(void)state;
	for (i = 0; i < _NUM_WAIT; i++)
		assert_string_equal(wait_reason_name(i), waits[i]);
	for (i = 0; i < (int)N(doubts); i++)
		assert_string_equal(doubt_name(i), doubts[i]);
	assert_string_equal(wait_reason_name(_NUM_WAIT), "none");
	assert_string_equal(doubt_name(N(doubts)), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcome_of_every_kind_of_history),
		cmocka_unit_test(test_slow_repetition_gives_a_count_more_time_to_rise),
		cmocka_unit_test(test_next_request_of_named_histories),
		cmocka_unit_test(test_pauses_between_failures_grow_to_300_s),
		cmocka_unit_test(test_queries_of_a_quiet_message_slow_down_to_one_a_minute),
		cmocka_unit_test(test_clock_that_stepped_back_does_not_stretch_a_pause),
		cmocka_unit_test(test_clock_that_stepped_back_never_makes_a_count_rise),
		cmocka_unit_test(test_no_short_history_gives_more_than_was_said),
		cmocka_unit_test(test_no_history_gains_by_the_removal_of_an_answer),
		cmocka_unit_test(test_packed_evidence_keeps_its_octets),
		cmocka_unit_test(test_packed_evidence_survives_a_round_trip),
		cmocka_unit_test(test_octets_of_a_damaged_store_do_no_harm),
		cmocka_unit_test(test_stop_that_nobody_proves_is_believed_after_six_questions),
		cmocka_unit_test(test_names_of_outcomes_are_stable),
		cmocka_unit_test(test_names_of_waits_and_doubts_are_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
