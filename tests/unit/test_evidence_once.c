/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is known about a recipient, who gets a message once. Histories are words:
 * m submitted; d delivered, t taken into a store, r refused, i impossible, l later, n no word;
 * ? no answer in time; link, restart; R a receipt says delivered, G a receipt says given up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tocsin/core/evidence.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define T0 1000000
#define STEP_S 10
#define DEPTH 7

static const struct { char word; enum peer_answer answer; } answers[] = {
	{ 'd', PEER_ANSWER_DELIVERED }, { 't', PEER_ANSWER_DONE }, { 'r', PEER_ANSWER_REFUSED },
	{ 'i', PEER_ANSWER_IMPOSSIBLE }, { 'l', PEER_ANSWER_LATER }, { 'n', PEER_ANSWER_NONE },
};

static void answered(struct evidence *e, char word, int64_t now)
{
	size_t i;

	for (i = 0; i < N(answers); i++) {
		if (answers[i].word == word) {
			evidence_answered(e, PEER_WRITE, &(struct peer_result){ .answer = answers[i].answer }, now);
			return;
		}
	}
	fail_msg("no such word: %c", word);
}

static void receipt(struct evidence *e, enum peer_answer answer, unsigned int n_parts, int64_t now)
{
	evidence_receipt(e, &(struct peer_result){ .answer = answer }, n_parts, now);
}

static void apply(struct evidence *e, const char *word, unsigned int n_parts, int64_t now)
{
	if (!strcmp(word, "link"))
		evidence_doubted(e, DOUBT_LINK, now);
	else if (!strcmp(word, "restart"))
		evidence_doubted(e, DOUBT_RESTART, now);
	else if (*word == 'm')
		evidence_sent(e, PEER_WRITE, 0, now);
	else if (*word == '?')
		evidence_silent(e, PEER_WRITE, now);
	else if (*word == 'R')
		receipt(e, PEER_ANSWER_DELIVERED, n_parts, now);
	else if (*word == 'G')
		receipt(e, PEER_ANSWER_GIVEN_UP, n_parts, now);
	else
		answered(e, *word, now);
}

static struct evidence nobody(void)
{
	const struct target imsi = { .type = TARGET_IMSI, .mcc = 1, .mnc = 1, .mnc_digits = 15, .value = 1 };
	struct evidence e;

	evidence_init(&e, &imsi);
	return e;
}

static struct evidence after(const char *history, unsigned int n_parts, int64_t *now)
{
	struct evidence e = nobody();
	char *words = strdup(history), *save, *word;

	*now = T0;
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		*now += STEP_S;
		apply(&e, word, n_parts, *now);
	}
	free(words);
	return e;
}

/* What each history amounts to, and what follows while it is wanted: in so many seconds from the last word,
 * -1 never. */
static const struct {
	const char *name;
	const char *history;
	unsigned int n_parts;
	enum outcome on, off;
	int repeat_s, leave_s;
} cases[] = {
	{ "nothing was sent", "", 1, OUTCOME_QUEUED, OUTCOME_STOPPED, 0, 0 },
	{ "it is on its way", "m", 1, OUTCOME_SENT, OUTCOME_SENT, -1, -1 },
	{ "the phone acknowledged", "m d", 1, OUTCOME_DELIVERED, OUTCOME_DELIVERED, -1, -1 },
	{ "a centre stored it", "m t", 1, OUTCOME_TAKEN, OUTCOME_TAKEN, -1, -1 },
	{ "it was refused", "m r", 1, OUTCOME_REFUSED, OUTCOME_REFUSED, 5, 5 },
	{ "it was refused twice", "m r m r", 1, OUTCOME_REFUSED, OUTCOME_REFUSED, 10, 10 },
	{ "nobody can be reached so", "m i", 1, OUTCOME_REFUSED, OUTCOME_REFUSED, 300, 300 },
	{ "the centre is busy", "m l", 1, OUTCOME_QUEUED, OUTCOME_STOPPED, 0, 0 },
	{ "nobody knows what the phone did", "m n", 1, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, 30, -1 },
	{ "no answer in time", "m ?", 1, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, 30, -1 },
	{ "no answer twice", "m ? m ?", 1, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, 60, -1 },
	{ "the link broke", "m link", 1, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, 0, -1 },
	{ "the daemon died", "m restart", 1, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, 0, -1 },
	{ "what was answered outlives the link", "m d link", 1, OUTCOME_DELIVERED, OUTCOME_DELIVERED, -1, -1 },
	{ "what was answered outlives the daemon", "m t restart", 1, OUTCOME_TAKEN, OUTCOME_TAKEN, -1, -1 },
	{ "a refusal outlives the daemon", "m r restart", 1, OUTCOME_REFUSED, OUTCOME_REFUSED, 0, 0 },
	{ "a refusal does not take back what may have got there", "m ? m r", 1, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, 10, -1 },
	{ "a busy centre does not take it back either", "m ? m l", 1, OUTCOME_UNKNOWN, OUTCOME_UNKNOWN, 0, -1 },
	{ "the second copy arrived", "m ? m d", 1, OUTCOME_DELIVERED, OUTCOME_DELIVERED, -1, -1 },
	{ "a receipt for its one part", "m t R", 1, OUTCOME_DELIVERED, OUTCOME_DELIVERED, -1, -1 },
	{ "a receipt for one of two parts", "m t R", 2, OUTCOME_TAKEN, OUTCOME_TAKEN, -1, -1 },
	{ "receipts for both parts", "m t R R", 2, OUTCOME_DELIVERED, OUTCOME_DELIVERED, -1, -1 },
	{ "one part was given up", "m t R G", 2, OUTCOME_FAILED, OUTCOME_FAILED, -1, -1 },
	{ "one part was given up before the other arrived", "m t G R", 2, OUTCOME_FAILED, OUTCOME_FAILED, -1, -1 },
	{ "receipts come after a restart", "m t restart R", 1, OUTCOME_DELIVERED, OUTCOME_DELIVERED, -1, -1 },
	{ "a receipt for what was refused", "m r R", 1, OUTCOME_REFUSED, OUTCOME_REFUSED, 0, 0 },
	{ "a receipt for what nobody took", "R", 1, OUTCOME_QUEUED, OUTCOME_STOPPED, 0, 0 },
	{ "a receipt cannot take a delivery back", "m d G", 1, OUTCOME_DELIVERED, OUTCOME_DELIVERED, -1, -1 },
};

static void check_next(size_t i, const struct evidence *e, bool leave, int64_t now, int want_s)
{
	const struct evidence_rules rules = { .leave_unknown = leave };
	int64_t due;
	enum peer_verb verb = evidence_next(e, true, &rules, now, &due);

	if (verb != (want_s < 0 ? _NUM_PEER_VERB : PEER_WRITE) ||
	    (want_s == 0 && due > now) || (want_s > 0 && due != now + want_s))
		fail_msg("%s [%s], %s: verb %d in %lld s", cases[i].name, cases[i].history, leave ? "leave" : "repeat",
			 verb, (long long)(due - now));
	if (evidence_next(e, false, &rules, now, &due) != _NUM_PEER_VERB)
		fail_msg("%s [%s]: something is sent although it is not wanted", cases[i].name, cases[i].history);
}

static void each_history_amounts_to_what_was_said(void **state)
{
	struct evidence e;
	int64_t now;
	size_t i;

	(void)state;
	for (i = 0; i < N(cases); i++) {
		e = after(cases[i].history, cases[i].n_parts, &now);
		if (evidence_outcome(&e, true) != cases[i].on || evidence_outcome(&e, false) != cases[i].off)
			fail_msg("%s [%s]: %s, %s when off", cases[i].name, cases[i].history,
				 outcome_name(evidence_outcome(&e, true)), outcome_name(evidence_outcome(&e, false)));
		check_next(i, &e, false, now, cases[i].repeat_s);
		check_next(i, &e, true, now, cases[i].leave_s);
	}
}

static void copies_become_rare_and_never_cease(void **state)
{
	static const int pauses[] = { 30, 60, 120, 240, 480, 960, 1920, 3600, 3600 };
	const struct evidence_rules rules = { 0 };
	struct evidence e = nobody();
	int64_t now = T0, due;
	size_t i;

	(void)state;
	for (i = 0; i < 400; i++) {
		evidence_sent(&e, PEER_WRITE, 0, now);
		evidence_silent(&e, PEER_WRITE, now);
		assert_int_equal(evidence_next(&e, true, &rules, now, &due), PEER_WRITE);
		assert_int_equal(due - now, pauses[i < N(pauses) ? i : N(pauses) - 1]);
		now = due;
	}
	/* Nobody knows how much of a pause is over when the clock was set back. */
	assert_int_equal(evidence_next(&e, true, &rules, now - 7200, &due), PEER_WRITE);
	assert_true(due <= now - 7200);
}

/* All histories */

static const char *const alphabet[] = { "m", "d", "t", "r", "i", "l", "n", "?", "link", "restart", "R", "G" };

/* What is true of all worlds in which the history happened: kept apart from how the module keeps it. */
struct truth {
	bool out;
	bool maybe;		/* the phone may have it */
	bool maybe_before;	/* ... without the last attempt */
	bool unanswered;	/* the last attempt */
	char said;		/* of the last attempt; 0: nothing */
	unsigned int receipts;
};

static bool is_final(const struct truth *t)
{
	return t->said == 'd' || t->said == 't' || t->said == 'G';
}

static bool possible(const char *word, const struct truth *t)
{
	if (*word == 'm')
		return !t->out && !is_final(t);
	if (strlen(word) > 1)
		return true;
	if (*word == 'R' || *word == 'G')
		return t->said == 't';
	return t->out;
}

static void truth_after(struct truth *t, const char *word, unsigned int n_parts)
{
	switch (*word) {
	case 'm':
		t->maybe_before = t->maybe;
		*t = (struct truth){ .out = true, .maybe = true, .maybe_before = t->maybe_before, .unanswered = true };
		return;
	case 'R':
		if (strlen(word) == 1 && ++t->receipts == n_parts)
			t->said = 'd';
		if (strlen(word) == 1)
			return;
		break;
	case 'G':
		t->said = 'G';
		return;
	}
	if (strlen(word) == 1)
		t->said = *word;
	if (strchr("ril", *word) && strlen(word) == 1)
		t->maybe = t->maybe_before;
	if (strlen(word) == 1)
		t->unanswered = false;
	t->out = false;
}

static const char *judge(const struct evidence *e, const struct truth *t)
{
	const struct evidence_rules repeat = { 0 }, leave = { .leave_unknown = true };
	enum outcome o = evidence_outcome(e, true);
	int64_t due;

	if ((o == OUTCOME_DELIVERED) != (t->said == 'd'))
		return "delivered without proof, or not in spite of it";
	if ((o == OUTCOME_TAKEN) != (t->said == 't'))
		return "taken without a word, or not in spite of it";
	if ((o == OUTCOME_FAILED) != (t->said == 'G'))
		return "failed without a receipt, or not in spite of it";
	if ((o == OUTCOME_SENT) != t->out)
		return "sent with nothing on its way, or the reverse";
	if (is_final(t) || t->out)
		return evidence_next(e, true, &repeat, T0 * 2, &due) == _NUM_PEER_VERB ? NULL : "a second copy of what is there";
	if ((o == OUTCOME_UNKNOWN) != t->maybe)
		return "unknown though it is known, or the reverse";
	if (evidence_next(e, true, &repeat, T0 * 2, &due) != PEER_WRITE)
		return "somebody is missed";
	if ((evidence_next(e, true, &leave, T0 * 2, &due) == PEER_WRITE) == t->maybe)
		return "a second copy in spite of leave, or somebody is missed";
	return evidence_settled(e, true, &repeat) || !evidence_settled(e, false, &repeat) ? "settled wrongly" : NULL;
}

static unsigned int walk(const struct evidence *e, const struct truth *t, const char **path, size_t depth)
{
	unsigned int n = 1;
	const char *wrong = judge(e, t);
	struct evidence next_e;
	struct truth next_t;
	size_t i;

	if (wrong) {
		for (i = 0; i < depth; i++)
			print_error("%s ", path[i]);
		fail_msg("%s (%s)", wrong, outcome_name(evidence_outcome(e, true)));
	}
	for (i = 0; depth < DEPTH && i < N(alphabet); i++) {
		if (!possible(alphabet[i], t))
			continue;
		next_e = *e;
		next_t = *t;
		path[depth] = alphabet[i];
		apply(&next_e, alphabet[i], 2, T0 + STEP_S * (depth + 1));
		truth_after(&next_t, alphabet[i], 2);
		n += walk(&next_e, &next_t, path, depth + 1);
	}
	return n;
}

static void no_history_gives_more_or_less_than_was_said(void **state)
{
	const char *path[DEPTH];
	const struct evidence e = nobody();
	const struct truth t = { 0 };

	(void)state;
	assert_true(walk(&e, &t, path, 0) > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_history_amounts_to_what_was_said),
		cmocka_unit_test(copies_become_rare_and_never_cease),
		cmocka_unit_test(no_history_gives_more_or_less_than_was_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
