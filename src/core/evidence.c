/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <tocsin/core/evidence.h>

#include <endian.h>
#include <errno.h>
#include <string.h>

/* First look after a write was taken, then ever slower while nothing changes, seconds. */
#define QUERY_FIRST_S 3
#define QUERY_MIN_S 5
#define QUERY_MAX_S 60
/* A refused or unanswered request is tried again after 5, 10, 20 ... 300 s. */
#define RETRY_MIN_S 5
#define RETRY_MAX_S 300
/* A recipient who may have the message gets one more copy each time, so that is done ever more rarely:
 * after 30, 60 ... 3,600 s. */
#define REPEAT_MIN_S 30
#define REPEAT_MAX_S 3600
/* A peer that says it stopped a message is asked afterwards whether that is so; one that does not
 * answer is believed after so many questions, some five minutes. */
#define PROOF_FIRST_S 2
#define PROOF_ATTEMPTS 6

/* A refused or unanswered write may follow one that did get through: then a stop is still owed. */
#define EVIDENCE_WAS_MAYBE 0x10
#define FLAGS_OUT (EVIDENCE_OUT_WRITE | EVIDENCE_OUT_STOP | EVIDENCE_OUT_QUERY)

static const uint8_t out_flag[_NUM_PEER_VERB] = {
	[PEER_WRITE] = EVIDENCE_OUT_WRITE,
	[PEER_STOP] = EVIDENCE_OUT_STOP,
	[PEER_QUERY] = EVIDENCE_OUT_QUERY,
};

static bool write_confirmed(const struct evidence *e)
{
	return e->write_answer == PEER_ANSWER_DONE || e->write_answer == PEER_ANSWER_ALREADY;
}

static bool write_refused(const struct evidence *e)
{
	return e->write_answer != PEER_ANSWER_NONE && !write_confirmed(e);
}

static bool stop_confirmed(const struct evidence *e)
{
	return e->stop_answer == PEER_ANSWER_DONE || e->stop_answer == PEER_ANSWER_ABSENT;
}

static void failed_once_more(struct evidence *e)
{
	if (e->attempts < UINT8_MAX)
		e->attempts++;
}

static void set_doubt(struct evidence *e, enum doubt doubt, int64_t now)
{
	e->doubt = doubt;
	e->doubt_at = doubt == DOUBT_NONE ? 0 : now;
}

/* A question without an answer takes nothing back: what is gone stays gone, and a failed cell stays
 * failed. */
static void doubt_unless_worse(struct evidence *e, int64_t now)
{
	if (e->doubt != DOUBT_LOST && e->doubt != DOUBT_ABSENT && e->doubt != DOUBT_FAILED)
		set_doubt(e, DOUBT_SILENT, now);
}

/* The peer has it. If it said so after it confirmed a stop, nobody knows which came first, and
 * another stop is owed. */
static void seen_at_peer(struct evidence *e)
{
	e->flags |= EVIDENCE_MAYBE_ON_AIR;
	e->attempts = 0;
	if (stop_confirmed(e)) {
		e->stop_answer = PEER_ANSWER_NONE;
		e->stop_answered = 0;
	}
}

void evidence_sent(struct evidence *e, enum peer_verb verb, uint16_t period, int64_t now)
{
	uint8_t was = e->flags & EVIDENCE_MAYBE_ON_AIR ? EVIDENCE_WAS_MAYBE : 0;

	e->flags |= out_flag[verb];
	e->flags &= ~EVIDENCE_HINT;
	e->wait = WAIT_NONE;
	switch (verb) {
	case PEER_WRITE:
		e->flags = (e->flags & ~(EVIDENCE_WAS_MAYBE | EVIDENCE_NO_BASELINE)) | was | EVIDENCE_MAYBE_ON_AIR;
		e->write_sent = now;
		e->write_answered = e->stop_sent = e->stop_answered = 0;
		e->write_answer = e->stop_answer = PEER_ANSWER_NONE;
		e->write_cause = e->stop_cause = 0;
		e->count_at = e->rose_at = e->query_sent = 0;
		e->count = 0;
		e->period = period;
		set_doubt(e, DOUBT_NONE, now);
		break;
	case PEER_STOP:
		e->stop_sent = now;
		e->stop_answered = 0;
		e->stop_answer = PEER_ANSWER_NONE;
		e->stop_cause = 0;
		break;
	default:
		e->query_sent = now;
	}
}

static void write_answered(struct evidence *e, const struct peer_result *result, int64_t now)
{
	e->write_answered = now;
	e->write_answer = result->answer;
	if (result->answer == PEER_ANSWER_ALREADY)
		e->flags |= EVIDENCE_NO_BASELINE;
	e->write_cause = result->cause;
	if (write_confirmed(e)) {
		seen_at_peer(e);
		set_doubt(e, DOUBT_NONE, now);
		return;
	}
	failed_once_more(e);
	if (!(e->flags & EVIDENCE_WAS_MAYBE))
		e->flags &= ~EVIDENCE_MAYBE_ON_AIR;
}

static void stop_answered(struct evidence *e, const struct peer_result *result, int64_t now)
{
	e->stop_answered = now;
	e->stop_answer = result->answer;
	e->stop_cause = result->cause;
	/* A target that the peer does not know and never confirmed cannot be on air there, and neither
	 * can one that is another peer's now. */
	if (stop_confirmed(e) ||
	    (result->answer == PEER_ANSWER_IMPOSSIBLE && (!write_confirmed(e) || e->left))) {
		e->flags &= ~EVIDENCE_MAYBE_ON_AIR;
		e->attempts = 0;
		set_doubt(e, DOUBT_NONE, now);
		return;
	}
	failed_once_more(e);
}

static void count_reported(struct evidence *e, const struct peer_result *result, int64_t now)
{
	bool rose = result->has_count && result->count > e->count;

	/* What was counted between the last look and the failure proves nothing, and neither does
	 * what was counted before anybody here knew of it. */
	if ((e->doubt == DOUBT_FAILED && !e->count_at) || e->flags & EVIDENCE_NO_BASELINE)
		rose = false;
	if (result->has_count) {
		e->flags &= ~EVIDENCE_NO_BASELINE;
		e->count_at = now;
		e->count = result->count;
		if (rose)
			e->rose_at = now;
	}
	/* A cell that was reported as silent is believed again only when its count moves after that. */
	if (e->doubt != DOUBT_FAILED || rose)
		set_doubt(e, DOUBT_NONE, now);
}

static void query_answered(struct evidence *e, const struct peer_result *result, int64_t now)
{
	switch (result->answer) {
	case PEER_ANSWER_DONE:
	case PEER_ANSWER_ALREADY:
		/* The peer has it, whatever became of the answer to the write. */
		if (!write_confirmed(e)) {
			e->write_answer = PEER_ANSWER_ALREADY;
			e->write_answered = now;
			e->flags |= EVIDENCE_NO_BASELINE;
		}
		seen_at_peer(e);
		count_reported(e, result, now);
		break;
	case PEER_ANSWER_ABSENT:
		e->flags &= ~EVIDENCE_MAYBE_ON_AIR;
		e->attempts = 0;
		set_doubt(e, DOUBT_ABSENT, now);
		break;
	default:
		failed_once_more(e);
		doubt_unless_worse(e, now);
	}
}

/* What was refused now may still have got through in an attempt before. */
static void once_not_taken(struct evidence *e, int64_t now)
{
	if (e->flags & EVIDENCE_WAS_MAYBE)
		set_doubt(e, DOUBT_SILENT, now);
	else
		e->flags &= ~EVIDENCE_MAYBE_ON_AIR;
}

static void once_answered(struct evidence *e, const struct peer_result *result, int64_t now)
{
	e->write_answered = now;
	e->write_answer = result->answer;
	e->write_cause = result->cause;
	switch (result->answer) {
	case PEER_ANSWER_DONE:
	case PEER_ANSWER_DELIVERED:
		e->attempts = 0;
		break;
	case PEER_ANSWER_LATER:
		once_not_taken(e, now);
		break;
	default:
		failed_once_more(e);
		once_not_taken(e, now);
	}
}

void evidence_receipt(struct evidence *e, const struct peer_result *result, unsigned int n_parts, int64_t now)
{
	/* Of a part that was given up nothing else makes the whole. */
	if (e->write_answer != PEER_ANSWER_DONE)
		return;
	if (result->answer == PEER_ANSWER_DELIVERED && ++e->count < n_parts)
		return;
	e->write_answer = result->answer;
	e->write_answered = now;
	e->write_cause = result->cause;
}

void evidence_answered(struct evidence *e, enum peer_verb verb, const struct peer_result *result, int64_t now)
{
	if (result->answer == PEER_ANSWER_NONE) {
		evidence_silent(e, verb, now);
		return;
	}
	e->flags &= ~out_flag[verb];
	if (e->flags & EVIDENCE_ONCE)
		once_answered(e, result, now);
	else if (verb == PEER_WRITE)
		write_answered(e, result, now);
	else if (verb == PEER_STOP)
		stop_answered(e, result, now);
	else
		query_answered(e, result, now);
}

void evidence_silent(struct evidence *e, enum peer_verb verb, int64_t now)
{
	e->flags &= ~out_flag[verb];
	failed_once_more(e);
	if (verb == PEER_QUERY)
		doubt_unless_worse(e, now);
	else
		set_doubt(e, DOUBT_SILENT, now);
}

/* An answer about a recipient stays true whatever happens to the link; what was not answered is
 * unknown. A peer's loss of data takes nothing from a phone. */
static void once_doubted(struct evidence *e, enum doubt doubt, int64_t now)
{
	bool unanswered = e->write_sent && !e->write_answered;

	if (doubt != DOUBT_LINK && doubt != DOUBT_RESTART)
		return;
	if (doubt == DOUBT_LINK)
		unanswered = e->flags & EVIDENCE_OUT_WRITE;
	e->flags &= ~FLAGS_OUT;
	if (!unanswered)
		return;
	e->attempts = 0;
	set_doubt(e, doubt, now);
}

void evidence_doubted(struct evidence *e, enum doubt doubt, int64_t now)
{
	if (e->flags & EVIDENCE_ONCE) {
		once_doubted(e, doubt, now);
		return;
	}
	if (doubt == DOUBT_LINK)
		e->flags &= ~FLAGS_OUT;
	if (doubt == DOUBT_RESTART) {
		/* The last write before a crash may not have been recorded, nor a failure. */
		e->flags = (e->flags & ~FLAGS_OUT) | EVIDENCE_MAYBE_ON_AIR;
		e->rose_at = 0;
	}
	if (doubt != DOUBT_FAILED)
		e->attempts = 0;
	if (!(e->flags & EVIDENCE_MAYBE_ON_AIR))
		return;
	/* What is known to be gone stays gone until it is written again. A reported failure ends
	 * with the peer's next restart, whatever became of its data (48.049, RESTART). */
	if ((e->doubt == DOUBT_LOST || e->doubt == DOUBT_ABSENT) && doubt != DOUBT_RESTART)
		return;
	if (doubt == DOUBT_FAILED)
		e->count_at = e->rose_at = 0;
	set_doubt(e, doubt, now);
}

/* Seconds for which a count that does not rise still counts as broadcasting: two sweeps, and two
 * repetition periods (whose unit is at most two seconds in every protocol). */
static uint32_t count_stale_s(const struct evidence *e)
{
	uint32_t periods = 4u * e->period;

	return periods > 2 * QUERY_MAX_S + 30 ? periods : 2 * QUERY_MAX_S + 30;
}

static bool is_broadcasting(const struct evidence *e)
{
	return e->count && e->rose_at && e->count_at - e->rose_at <= count_stale_s(e);
}

void evidence_left(struct evidence *e, enum target_left left)
{
	e->left = left;
	e->attempts = 0;
}

static enum outcome once_outcome(const struct evidence *e, bool on)
{
	if (e->flags & EVIDENCE_OUT_WRITE)
		return OUTCOME_SENT;
	switch (e->write_answer) {
	case PEER_ANSWER_DELIVERED:
		return OUTCOME_DELIVERED;
	case PEER_ANSWER_GIVEN_UP:
		return OUTCOME_FAILED;
	case PEER_ANSWER_DONE:
		return OUTCOME_TAKEN;
	}
	if (e->flags & EVIDENCE_MAYBE_ON_AIR)
		return OUTCOME_UNKNOWN;
	if (e->write_answer == PEER_ANSWER_REFUSED || e->write_answer == PEER_ANSWER_IMPOSSIBLE)
		return OUTCOME_REFUSED;
	return on ? OUTCOME_QUEUED : OUTCOME_STOPPED;
}

enum outcome evidence_outcome(const struct evidence *e, bool on)
{
	bool maybe = e->flags & EVIDENCE_MAYBE_ON_AIR;

	on = on && !e->left;
	if (e->flags & EVIDENCE_ONCE)
		return once_outcome(e, on);
	if (!on && !maybe)
		return OUTCOME_STOPPED;
	if (!e->write_sent && !maybe)
		return OUTCOME_QUEUED;
	switch (e->doubt) {
	case DOUBT_LOST:
	case DOUBT_ABSENT:
		return on ? OUTCOME_QUEUED : OUTCOME_UNKNOWN;
	case DOUBT_FAILED:
		return OUTCOME_FAILED;
	case DOUBT_NONE:
		break;
	default:
		return OUTCOME_UNKNOWN;
	}
	if (stop_confirmed(e))
		return OUTCOME_QUEUED;
	/* After a stop, even a refused one, what was confirmed before may be over. */
	if (on && e->stop_sent)
		return OUTCOME_UNKNOWN;
	if (write_confirmed(e))
		return is_broadcasting(e) ? OUTCOME_BROADCASTING : OUTCOME_TAKEN;
	if (write_refused(e))
		return OUTCOME_REFUSED;
	return e->flags & EVIDENCE_OUT_WRITE ? OUTCOME_SENT : OUTCOME_UNKNOWN;
}

static int64_t grown_s(const struct evidence *e, int64_t s, int64_t max_s)
{
	unsigned int i;

	if (!e->attempts)
		return 0;
	for (i = 1; i < e->attempts && s < max_s; i++)
		s *= 2;
	return s < max_s ? s : max_s;
}

static int64_t backoff_s(const struct evidence *e)
{
	return grown_s(e, RETRY_MIN_S, RETRY_MAX_S);
}

/* The peer's word for a stop is one thing; that it does not have the message when asked is the proof
 * (OsmoBSC can confirm a KILL and go on broadcasting). */
static bool owes_proof(const struct evidence *e, bool can_query)
{
	return can_query && e->stop_answer == PEER_ANSWER_DONE && e->doubt != DOUBT_ABSENT &&
	       e->attempts < PROOF_ATTEMPTS;
}

bool evidence_stop_proved(const struct evidence *e)
{
	return !(e->flags & EVIDENCE_MAYBE_ON_AIR) && e->stop_sent &&
	       (e->stop_answer == PEER_ANSWER_ABSENT || e->doubt == DOUBT_ABSENT);
}

static enum peer_verb next_off(const struct evidence *e, bool can_query, int64_t *due_utc)
{
	if (e->flags & EVIDENCE_OUT_STOP)
		return _NUM_PEER_VERB;
	if (e->flags & EVIDENCE_MAYBE_ON_AIR) {
		*due_utc = e->stop_sent + backoff_s(e);
		return PEER_STOP;
	}
	if (!owes_proof(e, can_query) || e->flags & FLAGS_OUT)
		return _NUM_PEER_VERB;
	*due_utc = e->attempts ? e->query_sent + backoff_s(e) : (int64_t)e->stop_answered + PROOF_FIRST_S;
	return PEER_QUERY;
}

/* When to ask again how a confirmed message is doing. */
static int64_t next_query_utc(const struct evidence *e)
{
	int64_t pause;

	if (!e->query_sent)
		return (int64_t)e->write_answered + QUERY_FIRST_S;
	if (is_broadcasting(e))
		return (int64_t)e->query_sent + QUERY_MAX_S;
	pause = ((int64_t)e->query_sent - e->write_answered) / 2;
	if (pause < QUERY_MIN_S)
		pause = QUERY_MIN_S;
	return e->query_sent + (pause < QUERY_MAX_S ? pause : QUERY_MAX_S);
}

static enum peer_verb next_on(const struct evidence *e, bool can_query, int64_t *due_utc)
{
	int64_t last = e->query_sent ? e->query_sent : e->write_sent;

	if (e->flags & FLAGS_OUT)
		return _NUM_PEER_VERB;
	if (!e->write_sent || e->stop_sent || e->doubt == DOUBT_LOST || e->doubt == DOUBT_ABSENT) {
		*due_utc = e->write_sent + backoff_s(e);
		return PEER_WRITE;
	}
	if (write_refused(e) && e->doubt != DOUBT_RESTART) {
		*due_utc = e->write_answered + backoff_s(e);
		if (e->write_answer == PEER_ANSWER_IMPOSSIBLE && e->attempts)
			*due_utc = (int64_t)e->write_answered + RETRY_MAX_S;
		return PEER_WRITE;
	}
	if (e->doubt == DOUBT_FAILED && (can_query || write_confirmed(e))) {
		*due_utc = can_query ? last + QUERY_MAX_S : INT64_MAX;
		return PEER_QUERY;
	}
	if (e->doubt != DOUBT_NONE) {
		/* Asking tells what is there without writing it twice; where the peer cannot be
		 * asked, a second write of the same message does no harm. */
		*due_utc = last + backoff_s(e);
		return can_query && (e->doubt != DOUBT_SILENT || write_confirmed(e)) ?
			PEER_QUERY : PEER_WRITE;
	}
	*due_utc = can_query ? next_query_utc(e) : INT64_MAX;
	return PEER_QUERY;
}

/* A pause after that time; none if the clock was set back since, so that nobody knows how much of it is
 * over. */
static int64_t pause_after(int64_t utc, int64_t pause_s, int64_t now)
{
	return utc > now ? now : utc + pause_s;
}

static enum peer_verb next_once(const struct evidence *e, bool leave_unknown, int64_t now, int64_t *due_utc)
{
	if (e->flags & FLAGS_OUT || (e->flags & EVIDENCE_MAYBE_ON_AIR && leave_unknown))
		return _NUM_PEER_VERB;
	switch (e->write_answer) {
	case PEER_ANSWER_DONE:
	case PEER_ANSWER_DELIVERED:
	case PEER_ANSWER_GIVEN_UP:
		return _NUM_PEER_VERB;
	case PEER_ANSWER_IMPOSSIBLE:
		*due_utc = pause_after(e->write_answered, RETRY_MAX_S, now);
		break;
	case PEER_ANSWER_REFUSED:
		*due_utc = pause_after(e->write_answered, backoff_s(e), now);
		break;
	case PEER_ANSWER_LATER:
		*due_utc = 0;
		break;
	default:
		*due_utc = e->doubt == DOUBT_NONE ? 0 :
			   pause_after(e->doubt_at, grown_s(e, REPEAT_MIN_S, REPEAT_MAX_S), now);
	}
	return PEER_WRITE;
}

enum peer_verb evidence_next(const struct evidence *e, bool on, const struct evidence_rules *rules,
			     int64_t now, int64_t *due_utc)
{
	enum peer_verb verb;

	*due_utc = INT64_MAX;
	on = on && !e->left;
	if (!(e->flags & EVIDENCE_ONCE))
		verb = on ? next_on(e, rules->can_query, due_utc) : next_off(e, rules->can_query, due_utc);
	else if (on)
		verb = next_once(e, rules->leave_unknown, now, due_utc);
	else
		verb = _NUM_PEER_VERB;
	/* No pause toward a cell is longer: the clock was set back since. */
	if (!(e->flags & EVIDENCE_ONCE) && *due_utc != INT64_MAX && *due_utc > now + RETRY_MAX_S)
		*due_utc = now;
	return *due_utc == INT64_MAX ? _NUM_PEER_VERB : verb;
}

bool evidence_is_retry(const struct evidence *e)
{
	return e->flags & EVIDENCE_ONCE && e->attempts;
}

bool evidence_settled(const struct evidence *e, bool on, const struct evidence_rules *rules)
{
	if (e->flags & EVIDENCE_ONCE)
		return !on && !(e->flags & FLAGS_OUT);
	return !on && !(e->flags & EVIDENCE_MAYBE_ON_AIR) && !owes_proof(e, rules->can_query);
}

void evidence_init(struct evidence *e, const struct target *target)
{
	*e = (struct evidence){ .flags = target->type == TARGET_IMSI ? EVIDENCE_ONCE : 0 };
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	return (uint8_t *)memcpy(p, &v, sizeof(v)) + sizeof(v);
}

static const uint8_t *get32(const uint8_t *p, uint32_t *v)
{
	memcpy(v, p, sizeof(*v));
	*v = be32toh(*v);
	return p + sizeof(*v);
}

void evidence_pack(const struct evidence *e, uint8_t out[EVIDENCE_PACKED_LEN])
{
	const uint8_t rest[] = { e->write_answer, e->write_cause, e->stop_answer, e->stop_cause,
				 e->doubt, e->wait, e->attempts, e->flags };
	uint8_t *p = out;

	p = put32(p, e->write_sent);
	p = put32(p, e->write_answered);
	p = put32(p, e->stop_sent);
	p = put32(p, e->stop_answered);
	p = put32(p, e->query_sent);
	p = put32(p, e->count_at);
	p = put32(p, e->rose_at);
	p = put32(p, e->doubt_at);
	p = put32(p, (uint32_t)e->count << 16 | e->period);
	memcpy(p, rest, sizeof(rest));
	p += sizeof(rest);
	*p++ = e->via;
	*p++ = e->left;
	memcpy(p, e->spare, sizeof(e->spare));
}

void evidence_unpack(const uint8_t in[EVIDENCE_PACKED_LEN], struct evidence *e)
{
	const uint8_t *p = in;
	uint32_t both;

	p = get32(p, &e->write_sent);
	p = get32(p, &e->write_answered);
	p = get32(p, &e->stop_sent);
	p = get32(p, &e->stop_answered);
	p = get32(p, &e->query_sent);
	p = get32(p, &e->count_at);
	p = get32(p, &e->rose_at);
	p = get32(p, &e->doubt_at);
	p = get32(p, &both);
	e->count = both >> 16;
	e->period = both;
	e->write_answer = p[0];
	e->write_cause = p[1];
	e->stop_answer = p[2];
	e->stop_cause = p[3];
	e->doubt = p[4];
	e->wait = p[5];
	e->attempts = p[6];
	e->flags = p[7];
	e->via = p[8];
	e->left = p[9];
	memcpy(e->spare, p + 10, sizeof(e->spare));
}

static const char *const outcome_names[_NUM_OUTCOME] = {
	[OUTCOME_ACCEPTED] = "accepted",
	[OUTCOME_HELD] = "held",
	[OUTCOME_SCHEDULED] = "scheduled",
	[OUTCOME_QUEUED] = "queued",
	[OUTCOME_SENT] = "sent",
	[OUTCOME_TAKEN] = "taken",
	[OUTCOME_BROADCASTING] = "broadcasting",
	[OUTCOME_DELIVERED] = "delivered",
	[OUTCOME_STOPPED] = "stopped",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_UNKNOWN] = "unknown",
};

const char *outcome_name(enum outcome outcome)
{
	return outcome < _NUM_OUTCOME ? outcome_names[outcome] : "unknown";
}

int outcome_parse(const char *name)
{
	int i;

	for (i = 0; i < _NUM_OUTCOME; i++) {
		if (!strcmp(outcome_names[i], name))
			return i;
	}
	return -EINVAL;
}

const char *wait_reason_name(enum wait_reason wait)
{
	static const char *const names[_NUM_WAIT] = {
		[WAIT_NONE] = "none", [WAIT_NEW] = "new", [WAIT_LINK] = "link",
		[WAIT_CAPACITY] = "capacity", [WAIT_RETRY] = "retry", [WAIT_TURN] = "turn",
		[WAIT_PEER] = "peer", [WAIT_BROADCAST] = "broadcast",
	};

	return wait < _NUM_WAIT ? names[wait] : "none";
}

const char *doubt_name(enum doubt doubt)
{
	static const char *const names[] = {
		[DOUBT_NONE] = "none", [DOUBT_LINK] = "link-down", [DOUBT_RESTART] = "gateway-restart",
		[DOUBT_KEPT] = "peer-restart", [DOUBT_LOST] = "data-lost", [DOUBT_ABSENT] = "absent",
		[DOUBT_FAILED] = "cell-failed", [DOUBT_SILENT] = "no-answer",
	};

	return doubt < sizeof(names) / sizeof(names[0]) ? names[doubt] : "none";
}

const char *target_left_name(enum target_left left)
{
	static const char *const names[_NUM_TARGET_LEFT] = {
		[TARGET_STAYS] = "stays", [TARGET_MOVED] = "moved", [TARGET_VANISHED] = "vanished",
	};

	return left < _NUM_TARGET_LEFT ? names[left] : "vanished";
}
