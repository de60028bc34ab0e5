/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Polling an OsmoMSC.
 *
 * The MSC finds a subscriber by walking through all of them: with 3,000 subscribers a question costs
 * it 40 us, with 20,000 1 ms (measured). So questions go out in small batches, and after each the
 * MSC is left alone for three times as long as it was busy with it. */
#include <tocsin/link/msc_source.h>

#include <errno.h>
#include <string.h>

#include <osmocom/core/msgb.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/timer.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>
#include <tocsin/link/conn.h>

#include "msc_text.h"

/* Questions without an answer; the MSC reads as many of them at once. */
#define BATCH 8
#define PAUSE_FACTOR 3
#define MAX_PAUSE_MS 1000
#define MAX_POLL_MS (3600 * 1000)
#define BACKOFF_MIN_S 5
#define BACKOFF_MAX_S 300
/* The MSC tells its uptime in whole seconds, and its answer is some time under way. */
#define UPTIME_SLACK_MS 5000
/* No location area (3GPP TS 23.003, 4.1). */
#define LAC_NONE 0
#define LAC_RESERVED 0xfffe

enum phase {
	MSC_IDLE,	/* until the next poll */
	MSC_WAITING,	/* for the conn, or an answer */
	MSC_PAUSING,	/* the MSC is left alone */
};

/* Who was where. */
struct roll {
	struct recipient *rows;
	size_t n;
};

struct msc_source {
	struct recipient_source *source;
	struct msc_source_config *config;
	enum phase phase;
	struct osmo_timer_list timer;
	int64_t due_ms;			/* monotonic, when the timer is due */
	unsigned int failures;		/* in a row */
	/* The poll that runs. */
	struct conn *conn;
	int64_t begun_ms;
	int64_t asked_ms;		/* the last question went out */
	int64_t idle_ms;		/* what an answer takes that costs the MSC nothing */
	struct msc_answer answer;	/* to the oldest question without one */
	struct roll roll;		/* up to found: whole; up to n: the IMSI alone */
	size_t asked, answered, found;
	/* What is kept from poll to poll. */
	struct roll known;		/* the table in force; line = when the MSC last knew of it */
	bool started_known;
	int64_t started_ms;		/* monotonic, when the MSC was started */
	int64_t reported_ms;		/* until then it has not heard of all phones again; 0 = it has */
};

struct msc_source_config *msc_source_config_alloc(void *ctx)
{
	struct msc_source_config *config = talloc_zero(ctx, struct msc_source_config);

	if (config) {
		config->remote_port = MSC_VTY_PORT;
		config->interval_s = 30;
		config->timeout_s = 10;
	}
	return config;
}

#define wrong(...) problem_set(problem, PROBLEM_CONFIG, NULL, 0, __VA_ARGS__)

static int check_addresses(const struct msc_source_config *c, struct problem *problem)
{
	struct osmo_sockaddr remote, local;

	if (!c->remote_ip)
		return wrong("the remote address of the MSC is missing");
	if (conn_address(c->remote_ip, c->remote_port, &remote) < 0)
		return wrong("\"%s\" is no IP address", c->remote_ip);
	if (!c->remote_port)
		return wrong("the port of the MSC's VTY cannot be 0");
	if (!c->local_ip)
		return 0;
	if (conn_address(c->local_ip, 0, &local) < 0)
		return wrong("\"%s\" is no IP address", c->local_ip);
	if (local.u.sa.sa_family != remote.u.sa.sa_family)
		return wrong("the local and the remote address are of different families");
	return 0;
}

int msc_source_config_check(const struct msc_source_config *c, struct problem *problem)
{
	if (check_addresses(c, problem) < 0)
		return -EINVAL;
	if (!c->mnc_digits)
		return wrong("the network of the MSC (MCC and MNC) is missing");
	if (c->mcc > 999 || c->mnc > (c->mnc_digits == 2 ? 99 : 999) ||
	    (c->mnc_digits != 2 && c->mnc_digits != 3))
		return wrong("an MCC has three digits, an MNC two or three");
	if (c->interval_s < 5 || c->interval_s > 3600)
		return wrong("the interval must be 5 to 3600 seconds");
	if (c->timeout_s < 1 || c->timeout_s > 120)
		return wrong("the timeout must be 1 to 120 seconds");
	return 0;
}

#undef wrong

static void timer_arm(struct msc_source *msc)
{
	int64_t left_ms = OSMO_MAX(msc->due_ms - clock_mono_ms(), 0);

	osmo_timer_schedule(&msc->timer, left_ms / 1000, left_ms % 1000 * 1000);
}

static void go(struct msc_source *msc, enum phase phase, int64_t wait_ms)
{
	msc->phase = phase;
	msc->due_ms = clock_mono_ms() + wait_ms;
	timer_arm(msc);
}

static void roll_clear(struct roll *roll)
{
	TALLOC_FREE(roll->rows);
	roll->n = 0;
}

/* Room for one more row. */
static int roll_grow(struct msc_source *msc, struct roll *roll)
{
	size_t size = roll->rows ? talloc_array_length(roll->rows) : 0;
	struct recipient *rows;

	if (roll->n >= MSC_MAX_SUBSCRIBERS)
		return -E2BIG;
	if (roll->n < size)
		return 0;
	rows = talloc_realloc(msc, roll->rows, struct recipient, OSMO_MAX(size * 2, 256));
	if (!rows)
		return -ENOMEM;
	roll->rows = rows;
	return 0;
}

/* The end of a poll */

static void poll_end(struct msc_source *msc, int64_t wait_ms)
{
	conn_free(msc->conn);
	msc->conn = NULL;
	roll_clear(&msc->roll);
	go(msc, MSC_IDLE, wait_ms);
}

static void poll_fail(struct msc_source *msc, const struct problem *problem)
{
	unsigned int wait_s = BACKOFF_MIN_S << OSMO_MIN(msc->failures, 6);
	const char *name = recipient_source_name(msc->source);

	/* Once is news, and then it is known. */
	LOGP(DLINK, msc->failures ? LOGL_INFO : LOGL_ERROR, "recipients=%s poll failed: %s%s%s\n", name,
	     problem->where, problem->where[0] ? ": " : "", problem->detail);
	msc->failures++;
	recipient_source_failed(msc->source, problem, clock_utc());
	poll_end(msc, OSMO_MIN(wait_s, BACKOFF_MAX_S) * INT64_C(1000));
}

static void poll_fail_why(struct msc_source *msc, enum problem_code code, const char *why)
{
	struct problem problem;

	problem_set(&problem, code, msc->config->remote_ip, 0, "%s", why);
	poll_fail(msc, &problem);
}

/* Is a subscriber whom the MSC does not know any more still to be looked for where it was? */
static bool only_forgotten(const struct msc_source *msc, const struct recipient *r, int64_t now_s)
{
	return now_s * 1000 < msc->reported_ms && now_s - r->line < MSC_REPORT_S;
}

/* Both are sorted by IMSI. \returns rows that out[] got. */
static size_t merge(const struct msc_source *msc, const struct recipient_table *found, struct recipient *out)
{
	const struct recipient *old = msc->known.rows, *old_end = old + msc->known.n;
	size_t n = 0, i = 0, n_found = recipient_table_count(found);
	int64_t now_s = clock_mono_ms() / 1000;

	while (i < n_found || old < old_end) {
		const struct recipient *r = i < n_found ? recipient_table_get(found, i) : NULL;
		int order = !r ? 1 : old == old_end ? -1 : target_compare(&r->imsi, &old->imsi);

		if (order <= 0) {
			out[n] = *r;
			out[n++].line = now_s;
			i++;
		} else if (only_forgotten(msc, old, now_s)) {
			out[n++] = *old;
		}
		if (order >= 0)
			old++;
	}
	return n;
}

/* \returns the table to put in force, of which a copy is what is known from now on; NULL when out of
 * memory. */
static struct recipient_table *make_table(struct msc_source *msc)
{
	struct recipient_table *found = recipient_table_make(msc, msc->roll.rows, msc->found, NULL, 0);
	size_t n = found ? recipient_table_count(found) + msc->known.n : 0;
	struct recipient *rows = talloc_array(msc, struct recipient, OSMO_MAX(n, 1));
	struct recipient *copy = NULL;

	msc->roll = (struct roll){};
	if (found && rows) {
		n = merge(msc, found, rows);
		copy = talloc_memdup(msc, rows, OSMO_MAX(n, 1) * sizeof(*copy));
	}
	talloc_free(found);
	if (!copy) {
		talloc_free(rows);
		return NULL;
	}
	roll_clear(&msc->known);
	msc->known = (struct roll){ .rows = copy, .n = n };
	return recipient_table_make(msc, rows, n, NULL, 0);
}

static void poll_done(struct msc_source *msc)
{
	struct recipient_table *table = make_table(msc);

	if (!table) {
		poll_fail_why(msc, PROBLEM_NO_MEMORY, "no memory for a table of recipients");
		return;
	}
	LOGP(DLINK, msc->failures ? LOGL_NOTICE : LOGL_DEBUG, "recipients=%s poll done, %zu subscribers\n",
	     recipient_source_name(msc->source), msc->known.n);
	msc->failures = 0;
	recipient_source_put(msc->source, table, clock_utc());
	poll_end(msc, msc->config->interval_s * INT64_C(1000));
}

/* Questions */

static struct msgb *questions_alloc(struct msc_source *msc)
{
	struct msgb *msg = msgb_alloc(BATCH * (MSC_COMMAND_LEN + 1), "questions to an MSC");

	if (!msg)
		poll_fail_why(msc, PROBLEM_NO_MEMORY, "no memory for a question");
	return msg;
}

static void put_question(struct msgb *msg, enum msc_question question, const struct target *about)
{
	char command[MSC_COMMAND_LEN];
	size_t len;

	msc_command(question, about, command, sizeof(command));
	len = strlen(command);
	memcpy(msgb_put(msg, len), command, len);
	msgb_put_u8(msg, '\r');
}

/* All in one segment: then the MSC answers all of them in one go. */
static void send_questions(struct msc_source *msc, struct msgb *msg)
{
	msc->asked_ms = clock_mono_ms();
	/* The queue is empty, and a lost conn says so itself. */
	(void)conn_send(msc->conn, msg);
}

static void expect(struct msc_source *msc, enum msc_question question, const struct target *about)
{
	msc_answer_begin(&msc->answer, question, about);
	go(msc, MSC_WAITING, msc->config->timeout_s * INT64_C(1000));
}

static void ask_one(struct msc_source *msc, enum msc_question question)
{
	struct msgb *msg = questions_alloc(msc);

	if (!msg)
		return;
	put_question(msg, question, NULL);
	send_questions(msc, msg);
	expect(msc, question, NULL);
}

static void ask_batch(struct msc_source *msc)
{
	struct msgb *msg;
	unsigned int i;

	if (msc->asked == msc->roll.n) {
		poll_done(msc);
		return;
	}
	if (clock_mono_ms() - msc->begun_ms > MAX_POLL_MS) {
		poll_fail_why(msc, PROBLEM_RECIPIENTS_SOURCE,
			      "the MSC has more subscribers than it can be asked for in an hour");
		return;
	}
	msg = questions_alloc(msc);
	if (!msg)
		return;
	for (i = 0; i < BATCH && msc->asked < msc->roll.n; i++)
		put_question(msg, MSC_WHERE, &msc->roll.rows[msc->asked++].imsi);
	send_questions(msc, msg);
	expect(msc, MSC_WHERE, &msc->roll.rows[msc->answered].imsi);
}

/* Answers */

/* An MSC that was started since the last poll has forgotten everybody, and they have not gone. */
static void note_uptime(struct msc_source *msc)
{
	int64_t started_ms = clock_mono_ms() - msc->answer.uptime_s * INT64_C(1000);
	bool known = msc->answer.uptime_s >= 0;

	if (known && msc->started_known && started_ms > msc->started_ms + UPTIME_SLACK_MS) {
		LOGP(DLINK, LOGL_NOTICE, "recipients=%s the MSC was started again; whom it knew stays for now\n",
		     recipient_source_name(msc->source));
		msc->reported_ms = started_ms + MSC_REPORT_S * INT64_C(1000);
	}
	msc->started_known = known;
	msc->started_ms = started_ms;
}

static void batch_answered(struct msc_source *msc)
{
	int64_t busy_ms = clock_mono_ms() - msc->asked_ms - msc->idle_ms;

	if (busy_ms > 0)
		go(msc, MSC_PAUSING, OSMO_MIN(busy_ms * PAUSE_FACTOR, MAX_PAUSE_MS));
	else
		ask_batch(msc);
}

static void answered(struct msc_source *msc)
{
	switch (msc->answer.question) {
	case MSC_GREETING:
		ask_one(msc, MSC_NO_PAGER);
		break;
	case MSC_NO_PAGER:
		msc->idle_ms = clock_mono_ms() - msc->asked_ms;
		ask_one(msc, MSC_UPTIME);
		break;
	case MSC_UPTIME:
		note_uptime(msc);
		ask_one(msc, MSC_LIST);
		break;
	case MSC_LIST:
		batch_answered(msc);
		break;
	case MSC_WHERE:
		if (++msc->answered == msc->asked)
			batch_answered(msc);
		else
			expect(msc, MSC_WHERE, &msc->roll.rows[msc->answered].imsi);
		break;
	}
}

static int add_listed(struct msc_source *msc, const struct msc_subscriber *s, struct problem *problem)
{
	int rc = roll_grow(msc, &msc->roll);

	if (rc == -E2BIG)
		return problem_set(problem, PROBLEM_RECIPIENTS_SOURCE, NULL, 0,
				   "the MSC has more than %d subscribers", MSC_MAX_SUBSCRIBERS);
	if (rc < 0)
		return problem_set(problem, PROBLEM_NO_MEMORY, NULL, 0,
				   "no memory for the list of subscribers");
	msc->roll.rows[msc->roll.n++] = (struct recipient){ .imsi = s->imsi };
	return 0;
}

/* The CI is 0 before the MSC has heard of a cell. */
static struct target place_of(const struct msc_source *msc, const struct msc_subscriber *s)
{
	bool cell = s->in_gsm && s->ci;

	if (s->lac == LAC_NONE || s->lac == LAC_RESERVED)
		return (struct target){};
	return (struct target){
		.type = cell ? TARGET_CGI : TARGET_LAI,
		.mcc = msc->config->mcc,
		.mnc = msc->config->mnc,
		.mnc_digits = msc->config->mnc_digits,
		.value = (uint32_t)s->lac << 16 | (cell ? s->ci : 0),
	};
}

/* Those who left since the list was made leave no row. */
static int on_subscriber(void *priv, const struct msc_subscriber *s, struct problem *problem)
{
	struct msc_source *msc = priv;

	if (msc->answer.question == MSC_LIST)
		return add_listed(msc, s, problem);
	msc->roll.rows[msc->found++] = (struct recipient){
		.imsi = s->imsi,
		.msisdn = s->msisdn,
		.at = place_of(msc, s),
	};
	return 0;
}

/* The conn */

static void on_connected(void *priv)
{
	(void)priv;	/* the MSC speaks first */
}

static void on_frame(void *priv, const uint8_t *frame, size_t len)
{
	struct msc_source *msc = priv;
	struct problem problem;
	int rc;

	if (msc->phase != MSC_WAITING) {
		poll_fail_why(msc, PROBLEM_RECIPIENTS_SOURCE, "the MSC says what it was not asked");
		return;
	}
	rc = msc_answer_read(&msc->answer, frame, len, &problem);
	if (rc < 0)
		poll_fail(msc, &problem);
	else if (rc)
		answered(msc);
}

static void on_ready(void *priv)
{
	(void)priv;	/* a batch fits into any queue */
}

static void on_closed(void *priv, const char *why)
{
	struct msc_source *msc = priv;
	struct problem problem;

	problem_set(&problem, PROBLEM_RECIPIENTS_SOURCE, msc->config->remote_ip, 0,
		    "conn to the MSC lost: %s", why);
	poll_fail(msc, &problem);
}

static const struct conn_ops conn_ops = {
	.max_frame = MSC_MAX_LINE,
	.max_queue = BATCH * (MSC_COMMAND_LEN + 1),
	.frame_len = msc_frame_len,
	.on_connected = on_connected,
	.on_frame = on_frame,
	.on_ready = on_ready,
	.on_closed = on_closed,
};

static void poll_begin(struct msc_source *msc)
{
	const struct msc_source_config *c = msc->config;
	struct conn_config config = {
		.remote_ip = c->remote_ip, .remote_port = c->remote_port, .local_ip = c->local_ip,
	};
	struct problem problem;
	int rc;

	msc->begun_ms = clock_mono_ms();
	msc->asked = msc->answered = msc->found = 0;
	rc = conn_connect(msc, &config, &conn_ops, msc, &msc->conn);
	if (rc < 0) {
		msc->conn = NULL;
		problem_set(&problem, PROBLEM_RECIPIENTS_SOURCE, c->remote_ip, 0,
			    "cannot connect to the MSC: %s", strerror(-rc));
		poll_fail(msc, &problem);
		return;
	}
	expect(msc, MSC_GREETING, NULL);
}

static void timer_cb(void *data)
{
	struct msc_source *msc = data;

	if (clock_mono_ms() < msc->due_ms) {
		timer_arm(msc);
		return;
	}
	switch (msc->phase) {
	case MSC_IDLE:
		poll_begin(msc);
		break;
	case MSC_WAITING:
		poll_fail_why(msc, PROBLEM_RECIPIENTS_SOURCE, "the MSC does not answer in time");
		break;
	case MSC_PAUSING:
		ask_batch(msc);
		break;
	}
}

void msc_source_rearm(struct msc_source *msc)
{
	timer_arm(msc);
}

static struct msc_source_config *config_copy(void *ctx, const struct msc_source_config *from)
{
	struct msc_source_config *to = talloc_memdup(ctx, from, sizeof(*from));

	if (!to)
		return NULL;
	to->remote_ip = talloc_strdup(to, from->remote_ip);
	to->local_ip = from->local_ip ? talloc_strdup(to, from->local_ip) : NULL;
	if (!to->remote_ip || !to->local_ip != !from->local_ip)
		TALLOC_FREE(to);
	return to;
}

static int msc_source_destructor(struct msc_source *msc)
{
	osmo_timer_del(&msc->timer);
	return 0;
}

struct msc_source *msc_source_open(void *ctx, struct recipient_source *source,
				   const struct msc_source_config *config, struct problem *problem)
{
	struct msc_source *msc;

	if (msc_source_config_check(config, problem) < 0)
		return NULL;
	msc = talloc_zero(ctx, struct msc_source);
	if (msc)
		msc->config = config_copy(msc, config);
	if (!msc || !msc->config) {
		talloc_free(msc);
		problem_set(problem, PROBLEM_NO_MEMORY, NULL, 0, "no memory for a source of recipients");
		return NULL;
	}
	msc->source = source;
	msc->answer.on_subscriber = on_subscriber;
	msc->answer.priv = msc;
	osmo_timer_setup(&msc->timer, timer_cb, msc);
	talloc_set_destructor(msc, msc_source_destructor);
	go(msc, MSC_IDLE, 0);
	return msc;
}
