/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Anything the VTY of an MSC could say: the first octet chooses the question. Whoever is found is a
 * valid subscriber and, if one was asked for, that one; problems hold no digits of an IMSI. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/link/msc_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IMSI "001010000000002"

struct reading {
	struct msc_answer answer;
	struct target about;
	size_t n;
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static int on_subscriber(void *priv, const struct msc_subscriber *s, struct problem *problem)
{
	struct reading *r = priv;

	(void)problem;
	r->n++;
	require(target_valid(&s->imsi) && s->imsi.type == TARGET_IMSI && s->msisdn.digits <= 15);
	require(!r->about.type || !target_compare(&s->imsi, &r->about));
	require(r->about.type || (!s->lac && !s->ci && !s->in_gsm && !s->msisdn.digits));
	return 0;
}

static void require_problem(const struct problem *problem)
{
	require(problem->code == PROBLEM_RECIPIENTS_SOURCE && problem->detail[0]);
	require(!strstr(problem->detail, IMSI) && !strstr(problem->where, IMSI));
}

/* \returns what the last piece gave. */
static int read_all(struct reading *r, const uint8_t *data, size_t size)
{
	struct problem problem = {};
	int n, rc = 0;

	while (!rc && size) {
		n = msc_frame_len(data, size);
		require(n >= 0 ? n <= MSC_MAX_LINE : n == -EPROTO);
		if (n <= 0 || (size_t)n > size)
			break;
		rc = msc_answer_read(&r->answer, data, n, &problem);
		data += n;
		size -= n;
	}
	require(rc == 0 || rc == 1 || rc == -EINVAL);
	if (rc < 0)
		require_problem(&problem);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading r = { .answer = { .on_subscriber = on_subscriber } };
	enum msc_question question;
	int rc;

	if (!size)
		return 0;
	question = data[0] % (MSC_WHERE + 1);
	if (question == MSC_WHERE)
		require(target_parse(TARGET_IMSI, IMSI, strlen(IMSI), &r.about, NULL) == 0);
	r.answer.priv = &r;
	msc_answer_begin(&r.answer, question, r.about.type ? &r.about : NULL);
	rc = read_all(&r, data + 1, size - 1);
	require(r.answer.uptime_s >= -1);
	require(question == MSC_UPTIME || r.answer.uptime_s == -1);
	require(!r.n || question == MSC_LIST || (question == MSC_WHERE && r.n == 1 && rc == 1));
	return 0;
}
