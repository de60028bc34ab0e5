/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <osmocom/core/application.h>
#include <osmocom/core/logging.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <sqlite3.h>

#include <tocsin/base/log.h>
#include <tocsin/core/store.h>

#define NOW INT64_C(1795470000)

/* Faults: SQLite's writes fail through its own table of system calls; fdatasync() and fsync() are
 * defined here, and so taken by libsqlite3 instead of libc's. */

static struct {
	int fail_write_at;	/* the n-th write from now, 0 = none */
	int write_errno;
	bool failed;		/* such a write has failed; so do all after it */
	int fail_sync;		/* errno of the next sync, 0 = none */
	_Atomic(bool) hang_sync;	/* the next one says so and waits for an octet */
	int hangs[2], goes_on[2];	/* pipes of these octets */
	int syncs;
} fault;

static bool write_fails(void)
{
	if (!fault.fail_write_at)
		return false;
	if (fault.fail_write_at > 1) {
		fault.fail_write_at--;
		return false;
	}
	fault.failed = true;
	errno = fault.write_errno;
	return true;
}

static ssize_t faulty_pwrite(int fd, const void *data, size_t len, off_t at)
{
	return write_fails() ? -1 : pwrite(fd, data, len, at);
}

static ssize_t faulty_write(int fd, const void *data, size_t len)
{
	return write_fails() ? -1 : write(fd, data, len);
}

static int sync_or_fail(int fd)
{
	char c;

	fault.syncs++;
	if (atomic_exchange(&fault.hang_sync, false) &&
	    (write(fault.hangs[1], "", 1) != 1 || read(fault.goes_on[0], &c, 1) != 1))
		abort();
	if (fault.fail_sync) {
		errno = fault.fail_sync;
		fault.fail_sync = 0;
		return -1;
	}
	return syscall(SYS_fdatasync, fd);
}

int fdatasync(int fd)
{
	return sync_or_fail(fd);
}

int fsync(int fd)
{
	return sync_or_fail(fd);
}

static void make_writes_faulty(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)faulty_pwrite);
	vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)faulty_pwrite);
	vfs->xSetSystemCall(vfs, "write", (sqlite3_syscall_ptr)faulty_write);
}

/* A folder per test */

struct fixture {
	char base[32];
	char dir[48];
	char db[64];
	struct store *store;
};

static void open_store(struct fixture *f)
{
	struct problem problem = { 0 };

	f->store = store_open(NULL, f->dir, &problem);
	if (!f->store)
		fail_msg("%s", problem.detail);
}

static void reopen(struct fixture *f)
{
	store_close(f->store);
	open_store(f);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&fault, 0, sizeof(fault));
	snprintf(f->base, sizeof(f->base), "test-store.XXXXXX");
	if (!mkdtemp(f->base))
		return -1;
	snprintf(f->dir, sizeof(f->dir), "%s/store", f->base);
	snprintf(f->db, sizeof(f->db), "%s/tocsin.db", f->dir);
	open_store(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char cmd[64];

	memset(&fault, 0, sizeof(fault));
	store_close(f->store);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", f->base);
	free(f);
	return system(cmd);
}

/* Rows to put */

static void make_id(char id[ALERT_ID_LEN + 1], unsigned int nr)
{
	snprintf(id, ALERT_ID_LEN + 1, "%020u", nr);
}

static struct alert_row make_alert(unsigned int nr, char identifier[16])
{
	struct alert_row row = {
		.originator = "met", .source = "cap", .sender = "met@example.org", .sent_utc = NOW,
		.status = "Actual", .msg_type = "Alert", .event = "Fl\xc3\xb6" "de", .headline = "H",
		.language = "de", .received_utc = NOW + 1, .expires_utc = NOW + 3600,
		.bytes = (const uint8_t *)"<a\0b/>", .n_bytes = 6, .answer = "{\"id\":1}", .n_cells = 2,
	};

	snprintf(identifier, 16, "alert-%u", nr);
	row.identifier = identifier;
	make_id(row.id, nr);
	memset(row.sha256, nr, DIGEST_LEN);
	return row;
}

static const struct message text_message = {
	.nr = 1, .kind = MESSAGE_TEXT, .class = MESSAGE_CLASS_SEVERE, .identifier = 4371, .serial = 0x4010,
	.expires_utc = NOW + 3600, .language = "de", .text = "Hochwasser \xe2\x82\xac",
	.pages = { .dcs = 0x48, .n = 2, .cut = true, .text_octets = 99,
		   .page = { { .octets = { 1, 2, 3 }, .used = 82 }, { .octets = { 4, [81] = 5 }, .used = 7 } } },
};

static const struct message emergency_message = {
	.nr = 2, .kind = MESSAGE_EMERGENCY, .class = MESSAGE_CLASS_NATIONAL, .drill = true, .identifier = 4355,
	.serial = 0xffff, .warning_type = 0x0580, .expires_utc = NOW + 60,
};

static const struct target two_targets[] = {
	{ .type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2, .value = 100 << 16 | 7 },
	{ .type = TARGET_NCGI, .mcc = 262, .mnc = 2, .mnc_digits = 3, .value = UINT64_C(0xfffffffff) },
};

static const struct evidence two_evidences[] = {
	{ .write_sent = 1, .write_answered = 2, .count_at = 3, .count = 65535, .period = 4, .write_answer = 1,
	  .flags = EVIDENCE_MAYBE_ON_AIR },
	{ .stop_sent = UINT32_MAX, .stop_answered = 6, .query_sent = 7, .rose_at = 8, .doubt_at = 9,
	  .write_cause = 10, .stop_answer = 2, .stop_cause = 12, .doubt = DOUBT_LINK, .wait = WAIT_RETRY,
	  .attempts = 255 },
};

static struct delivery_row make_delivery(unsigned int alert_nr, unsigned int message_nr, const char *peer)
{
	struct delivery_row row = {
		.message_nr = message_nr, .peer = peer, .revision = 1, .wanted = two_targets,
		.evidence = two_evidences, .n = 2, .updated_utc = NOW,
	};

	make_id(row.alert_id, alert_nr);
	return row;
}

static struct store_txn *alert_txn(struct fixture *f, unsigned int nr)
{
	struct store_txn *txn = store_txn_alloc(f->store);
	char identifier[16];
	struct alert_row row = make_alert(nr, identifier);

	assert_int_equal(store_put_alert(txn, &row), 0);
	return txn;
}

/* An alert with two messages and three deliveries. */
static struct store_txn *whole_txn(struct fixture *f, unsigned int nr)
{
	struct store_txn *txn = alert_txn(f, nr);
	struct ledger_entry entry = { .identifier = 4371, .code = nr % 1024, .free_utc = NOW };
	const char *const peers[] = { "bsc-1", "bsc-2" };
	struct delivery_row row;
	char id[ALERT_ID_LEN + 1];
	size_t i;

	make_id(id, nr);
	store_put_message(txn, id, &text_message);
	store_put_message(txn, id, &emergency_message);
	store_put_ledger(txn, id, &entry);
	for (i = 0; i < 3; i++) {
		row = make_delivery(nr, i < 2 ? 1 : 2, peers[i % 2]);
		assert_int_equal(store_put_delivery(txn, &row), 0);
	}
	return txn;
}

static void store_rc(int rc, void *data)
{
	*(int *)data = rc;
}

static int commit(struct fixture *f, struct store_txn *txn)
{
	int rc = 1;

	store_commit(f->store, txn, store_rc, &rc);
	assert_int_equal(rc, 1);
	store_drain(f->store);
	return rc;
}

/* What is there */

static struct store_reader *reader(struct fixture *f)
{
	struct problem problem = { 0 };
	struct store_reader *r = store_reader_open(NULL, f->dir, &problem);

	if (!r)
		fail_msg("%s", problem.detail);
	return r;
}

static bool has_alert(struct fixture *f, unsigned int nr)
{
	struct store_reader *r = reader(f);
	char id[ALERT_ID_LEN + 1];
	struct alert_row row;
	int rc;

	make_id(id, nr);
	rc = store_read_alert(r, r, id, false, &row);
	assert_true(rc == 0 || rc == -ENOENT);
	talloc_free(r);
	return rc == 0;
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int first_number(void *data, int n, char **values, char **names)
{
	(void)names;
	*(int *)data = n && values[0] ? atoi(values[0]) : -1;
	return 0;
}

static int sql_number(const char *path, const char *text)
{
	sqlite3 *db;
	int number = -1;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, first_number, &number, NULL), SQLITE_OK);
	sqlite3_close(db);
	return number;
}

static void assert_same_evidence(const struct evidence *a, const struct evidence *b)
{
	uint8_t x[EVIDENCE_PACKED_LEN], y[EVIDENCE_PACKED_LEN];

	evidence_pack(a, x);
	evidence_pack(b, y);
	assert_memory_equal(x, y, sizeof(x));
}

static void assert_same_delivery(const struct delivery_row *a, const struct delivery_row *b)
{
	size_t i;

	assert_string_equal(a->alert_id, b->alert_id);
	assert_int_equal(a->message_nr, b->message_nr);
	assert_string_equal(a->peer, b->peer);
	assert_int_equal(a->revision, b->revision);
	assert_int_equal(a->settled, b->settled);
	assert_int_equal(a->updated_utc, b->updated_utc);
	assert_int_equal(a->n, b->n);
	for (i = 0; i < a->n; i++) {
		assert_int_equal(target_compare(&a->wanted[i], &b->wanted[i]), 0);
		assert_same_evidence(&a->evidence[i], &b->evidence[i]);
	}
	assert_int_equal(!a->details, !b->details);
	for (i = 0; a->details && i < a->n; i++) {
		assert_int_equal(a->details[i].msisdn.digits, b->details[i].msisdn.digits);
		assert_int_equal(a->details[i].msisdn.number, b->details[i].msisdn.number);
		assert_int_equal(target_compare(&a->details[i].at, &b->details[i].at), 0);
	}
}

static void assert_same_short_message(const struct short_message *a, const struct short_message *b)
{
	size_t i;

	assert_int_equal(a->sender.kind, b->sender.kind);
	assert_string_equal(a->sender.text, b->sender.text);
	assert_int_equal(a->protocol_id, b->protocol_id);
	assert_int_equal(a->reference, b->reference);
	assert_int_equal(a->parts.alphabet, b->parts.alphabet);
	assert_int_equal(a->parts.cut, b->parts.cut);
	assert_int_equal(a->parts.text_octets, b->parts.text_octets);
	assert_int_equal(a->parts.n, b->parts.n);
	for (i = 0; i < a->parts.n; i++)
		assert_memory_equal(&a->parts.part[i], &b->parts.part[i], sizeof(a->parts.part[i]));
}

static void assert_same_message(const struct message *a, const struct message *b)
{
	size_t i;

	assert_int_equal(a->nr, b->nr);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->class, b->class);
	assert_int_equal(a->drill, b->drill);
	assert_int_equal(a->identifier, b->identifier);
	assert_int_equal(a->serial, b->serial);
	assert_int_equal(a->warning_type, b->warning_type);
	assert_int_equal(a->expires_utc, b->expires_utc);
	assert_int_equal(!a->text, !b->text);
	if (a->text) {
		assert_string_equal(a->language, b->language);
		assert_string_equal(a->text, b->text);
	}
	assert_int_equal(a->pages.dcs, b->pages.dcs);
	assert_int_equal(a->pages.cut, b->pages.cut);
	assert_int_equal(a->pages.text_octets, b->pages.text_octets);
	assert_int_equal(a->pages.n, b->pages.n);
	for (i = 0; i < a->pages.n; i++)
		assert_memory_equal(&a->pages.page[i], &b->pages.page[i], sizeof(a->pages.page[i]));
	assert_int_equal(!a->sms, !b->sms);
	if (a->sms)
		assert_same_short_message(a->sms, b->sms);
}

static void assert_same_alert(const struct alert_row *a, const struct alert_row *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->originator, b->originator);
	assert_string_equal(a->source, b->source);
	assert_string_equal(a->sender, b->sender);
	assert_string_equal(a->identifier, b->identifier);
	assert_int_equal(a->sent_utc, b->sent_utc);
	assert_string_equal(a->status, b->status);
	assert_string_equal(a->msg_type, b->msg_type);
	assert_string_equal(a->event, b->event);
	assert_string_equal(a->headline, b->headline);
	assert_string_equal(a->language, b->language);
	assert_int_equal(a->received_utc, b->received_utc);
	assert_int_equal(a->expires_utc, b->expires_utc);
	assert_memory_equal(a->sha256, b->sha256, DIGEST_LEN);
	assert_string_equal(a->answer, b->answer);
	assert_int_equal(a->n_cells, b->n_cells);
	assert_int_equal(a->followed_utc, b->followed_utc);
}

/* Round trips */

static void an_alert_is_read_back_as_it_was_put(void **state)
{
	struct fixture *f = *state;
	char identifier[16];
	struct alert_row want = make_alert(7, identifier), row;
	struct store_reader *r;

	assert_int_equal(commit(f, alert_txn(f, 7)), 0);
	reopen(f);
	r = reader(f);
	assert_int_equal(store_read_alert(r, r, want.id, true, &row), 0);
	assert_same_alert(&row, &want);
	assert_int_equal(row.seq, 1);
	assert_int_equal(row.n_bytes, 6);
	assert_memory_equal(row.bytes, want.bytes, 6);
	assert_null(row.cancelled_by);
	assert_int_equal(row.cancelled_utc, 0);
	assert_int_equal(row.ended_utc, 0);
	assert_int_equal(store_read_alert(r, r, want.id, false, &row), 0);
	assert_null(row.bytes);
	assert_int_equal(store_read_alert(r, r, "no such alert", true, &row), -ENOENT);
	talloc_free(r);
}

static void the_area_is_read_back_as_it_was_put(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = store_txn_alloc(f->store);
	char identifier[16], *large = talloc_zero_size(NULL, 3000001), *area;
	struct alert_row row = make_alert(1, identifier);
	struct store_reader *r;

	memset(large, '7', 3000000);
	row.area = large;
	store_put_alert(txn, &row);
	assert_int_equal(commit(f, txn), 0);
	assert_int_equal(commit(f, alert_txn(f, 2)), 0);
	reopen(f);
	r = reader(f);
	assert_int_equal(store_read_area(r, r, row.id, &area), 0);
	assert_string_equal(area, large);
	assert_ptr_equal(talloc_parent(area), r);
	make_id(row.id, 2);
	assert_int_equal(store_read_area(r, r, row.id, &area), 0);
	assert_null(area);
	assert_int_equal(store_read_area(r, r, "no such alert", &area), -ENOENT);
	assert_null(area);
	talloc_free(r);
	talloc_free(large);
}

static void an_alert_may_lack_event_headline_and_language(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = store_txn_alloc(f->store);
	char identifier[16];
	struct alert_row row = make_alert(1, identifier);
	struct store_reader *r;

	row.event = row.headline = row.language = NULL;
	row.ended_utc = NOW + 5;
	row.n_bytes = 0;
	store_put_alert(txn, &row);
	assert_int_equal(commit(f, txn), 0);
	r = reader(f);
	assert_int_equal(store_read_alert(r, r, row.id, true, &row), 0);
	assert_null(row.event);
	assert_null(row.headline);
	assert_null(row.language);
	assert_int_equal(row.ended_utc, NOW + 5);
	assert_int_equal(row.n_bytes, 0);
	talloc_free(r);
}

static int count_message(const struct message *message, void *data)
{
	int *n = data;

	assert_same_message(message, (*n)++ ? &emergency_message : &text_message);
	return 0;
}

static void messages_are_read_back_as_they_were_put(void **state)
{
	struct fixture *f = *state;
	struct store_reader *r;
	struct message *messages;
	char id[ALERT_ID_LEN + 1];
	int n = 0;

	make_id(id, 1);
	assert_int_equal(commit(f, whole_txn(f, 1)), 0);
	reopen(f);
	assert_int_equal(store_load_messages(f->store, id, count_message, &n), 0);
	assert_int_equal(n, 2);
	r = reader(f);
	assert_int_equal(store_read_messages(r, r, id, &messages), 2);
	assert_same_message(&messages[0], &text_message);
	assert_same_message(&messages[1], &emergency_message);
	make_id(id, 2);
	assert_int_equal(store_read_messages(r, r, id, &messages), 0);
	talloc_free(r);
}

static int check_delivery(const struct delivery_row *row, void *data)
{
	int *n = data;
	struct delivery_row want[] = {
		make_delivery(1, 1, "bsc-1"), make_delivery(1, 1, "bsc-2"), make_delivery(1, 2, "bsc-1"),
	};

	assert_true(*n < 3);
	assert_same_delivery(row, &want[(*n)++]);
	return 0;
}

static int refuse_delivery(const struct delivery_row *row, void *data)
{
	(void)row;
	(void)data;
	return -ECANCELED;
}

static void deliveries_are_read_back_as_they_were_put(void **state)
{
	struct fixture *f = *state;
	struct delivery_row *rows, want = make_delivery(1, 1, "bsc-2");
	struct store_reader *r;
	size_t targets;
	int n = 0;

	assert_int_equal(commit(f, whole_txn(f, 1)), 0);
	reopen(f);
	assert_int_equal(store_load_deliveries(f->store, want.alert_id, check_delivery, &n), 0);
	assert_int_equal(n, 3);
	r = reader(f);
	assert_int_equal(store_read_deliveries(r, r, want.alert_id, NULL, &rows), 3);
	assert_int_equal(store_read_n_targets(r, want.alert_id, &targets), 0);
	assert_int_equal(targets, rows[0].n + rows[1].n + rows[2].n);
	n = 0;
	assert_int_equal(store_read_each_delivery(r, want.alert_id, check_delivery, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(store_read_each_delivery(r, want.alert_id, refuse_delivery, NULL), -ECANCELED);
	assert_int_equal(store_read_n_targets(r, "00000000000000000000", &targets), 0);
	assert_int_equal(targets, 0);
	assert_int_equal(store_read_deliveries(r, r, want.alert_id, "bsc-2", &rows), 1);
	assert_same_delivery(&rows[0], &want);
	assert_int_equal(store_read_deliveries(r, r, want.alert_id, "bsc-3", &rows), 0);
	talloc_free(r);
}

static void a_delivery_is_never_replaced_but_followed_by_its_next_revision(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = store_txn_alloc(f->store);
	struct delivery_row *rows, row = make_delivery(1, 1, "bsc-2"), first = row;
	struct store_reader *r;

	assert_int_equal(commit(f, whole_txn(f, 1)), 0);
	row.updated_utc = NOW + 9;
	row.wanted++;
	row.n = 1;
	store_put_delivery(txn, &row);
	assert_int_equal(commit(f, txn), -EEXIST);
	row.revision = 2;
	txn = store_txn_alloc(f->store);
	store_put_delivery(txn, &row);
	assert_int_equal(commit(f, txn), 0);
	r = reader(f);
	assert_int_equal(store_read_deliveries(r, r, row.alert_id, "bsc-2", &rows), 2);
	assert_same_delivery(&rows[0], &first);
	assert_same_delivery(&rows[1], &row);
	talloc_free(r);
}

static void a_delivery_may_have_no_targets(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = whole_txn(f, 1);
	struct delivery_row *rows, row = make_delivery(1, 1, "bsc-9");
	struct store_reader *r;

	row.n = 0;
	store_put_delivery(txn, &row);
	assert_int_equal(commit(f, txn), 0);
	r = reader(f);
	assert_int_equal(store_read_deliveries(r, r, row.alert_id, "bsc-9", &rows), 1);
	assert_same_delivery(&rows[0], &row);
	talloc_free(r);
}

/* Recipients: IMSIs of 15 digits, every third without a number, some whose place is not known. The
 * evidence of each is its own. */
struct crowd {
	struct delivery_row row;
	struct target *wanted;
	struct recipient_detail *details;
	struct evidence *evidence;
};

static void happened(struct evidence *e, size_t i, uint32_t when)
{
	e->write_sent = when + i;
	e->write_answer = PEER_ANSWER_DELIVERED;
	e->count = i;
	e->via = 1 + i % 255;
	e->attempts = i / 256;
}

static struct crowd *make_crowd(unsigned int alert_nr, size_t n)
{
	struct crowd *crowd = talloc_zero(NULL, struct crowd);
	size_t i;

	crowd->wanted = talloc_zero_array(crowd, struct target, n);
	crowd->details = talloc_zero_array(crowd, struct recipient_detail, n);
	crowd->evidence = talloc_zero_array(crowd, struct evidence, n);
	for (i = 0; i < n; i++) {
		struct recipient_detail *d = &crowd->details[i];

		crowd->wanted[i] = (struct target){ .type = TARGET_IMSI, .mnc_digits = 15, .value = 1010000000000 + i };
		evidence_init(&crowd->evidence[i], &crowd->wanted[i]);
		if (i % 3) {
			d->msisdn.digits = i % 3 == 1 ? 3 : 15;
			d->msisdn.number = i % 3 == 1 ? 999 : UINT64_C(999999999000000) + i;
		}
		if (i % 5)
			d->at = (struct target){ .type = i % 2 ? TARGET_CGI : TARGET_LAI, .mcc = 1, .mnc = 1,
						 .mnc_digits = 2, .value = i % 2 ? 100 << 16 | i % 65536 : 100 << 16 };
	}
	crowd->row = (struct delivery_row){ .message_nr = 1, .peer = "sms", .wanted = crowd->wanted,
					    .details = crowd->details, .n = n, .updated_utc = NOW };
	make_id(crowd->row.alert_id, alert_nr);
	return crowd;
}

static void put_crowd(struct fixture *f, const struct crowd *crowd)
{
	struct store_txn *txn = store_txn_alloc(f->store);

	assert_int_equal(store_put_delivery(txn, &crowd->row), 0);
	assert_int_equal(commit(f, txn), 0);
}

static int same_as_crowd(const struct delivery_row *row, void *data)
{
	assert_same_delivery(row, data);
	return 0;
}

/* As it is loaded at start, and as it is read. */
static void assert_crowd_is_there(struct fixture *f, struct crowd *crowd)
{
	struct store_reader *r = reader(f);
	struct delivery_row *rows;

	crowd->row.evidence = crowd->evidence;
	assert_int_equal(store_load_deliveries(f->store, crowd->row.alert_id, same_as_crowd, &crowd->row), 0);
	assert_int_equal(store_read_deliveries(r, r, crowd->row.alert_id, "sms", &rows), 1);
	assert_same_delivery(&rows[0], &crowd->row);
	talloc_free(r);
}

/* An alert with one message and no deliveries. */
static void put_alert_and_message(struct fixture *f, unsigned int nr, const struct message *message)
{
	struct store_txn *txn = alert_txn(f, nr);
	char id[ALERT_ID_LEN + 1];

	make_id(id, nr);
	store_put_message(txn, id, message);
	assert_int_equal(commit(f, txn), 0);
}

static const size_t crowd_sizes[] = { 1, 255, 256, 257, 511, 512, 513, 1000 };

static void recipients_are_read_back_with_what_is_known_of_them(void **state)
{
	struct fixture *f = *state;
	struct crowd *crowd;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(crowd_sizes); i++) {
		put_alert_and_message(f, i, &text_message);
		crowd = make_crowd(i, crowd_sizes[i]);
		for (k = 0; k < crowd->row.n; k++)
			happened(&crowd->evidence[k], k, NOW);
		crowd->row.evidence = crowd->evidence;
		put_crowd(f, crowd);
		reopen(f);
		assert_crowd_is_there(f, crowd);
		talloc_free(crowd);
	}
}

static void recipients_to_whom_nothing_happened_are_marked_as_such(void **state)
{
	struct fixture *f = *state;
	struct crowd *crowd = make_crowd(1, 300);

	put_alert_and_message(f, 1, &text_message);
	put_crowd(f, crowd);
	assert_int_equal(crowd->evidence[299].flags, EVIDENCE_ONCE);
	assert_crowd_is_there(f, crowd);
	talloc_free(crowd);
}

/* It is the target that says so, whatever lies in the evidence. */
static void evidence_of_all_zeros_gets_the_mark_of_its_target(void **state)
{
	struct fixture *f = *state;
	struct crowd *crowd = make_crowd(1, 2);
	struct evidence zeros[2] = { 0 };

	put_alert_and_message(f, 1, &text_message);
	crowd->row.evidence = zeros;
	put_crowd(f, crowd);
	assert_crowd_is_there(f, crowd);
	talloc_free(crowd);
}

static void put_chunk(struct fixture *f, const struct delivery_row *row, size_t chunk)
{
	struct store_txn *txn = store_txn_alloc(f->store);

	assert_int_equal(store_put_evidence_chunk(txn, row, chunk), 0);
	assert_int_equal(commit(f, txn), 0);
}

static void a_chunk_is_written_and_no_other(void **state)
{
	struct fixture *f = *state;
	size_t chunk, i, k;

	for (i = 0; i < ARRAY_SIZE(crowd_sizes); i++) {
		struct crowd *crowd = make_crowd(i, crowd_sizes[i]);
		struct evidence *put = talloc_array(crowd, struct evidence, crowd->row.n);

		put_alert_and_message(f, i, &text_message);
		put_crowd(f, crowd);
		for (chunk = 0; chunk * EVIDENCE_CHUNK < crowd->row.n; chunk++) {
			memcpy(put, crowd->evidence, crowd->row.n * sizeof(*put));
			for (k = 0; k < crowd->row.n; k++) {
				happened(&put[k], k, NOW + chunk);
				if (k / EVIDENCE_CHUNK == chunk)
					crowd->evidence[k] = put[k];
			}
			crowd->row.evidence = put;
			put_chunk(f, &crowd->row, chunk);
			assert_crowd_is_there(f, crowd);
		}
		/* Behind the end there is nothing to write. */
		crowd->row.evidence = put;
		put_chunk(f, &crowd->row, chunk);
		assert_crowd_is_there(f, crowd);
		talloc_free(crowd);
	}
}

static void all_evidence_is_written_with_the_state(void **state)
{
	struct fixture *f = *state;
	struct crowd *crowd = make_crowd(1, 600);
	struct store_txn *txn = store_txn_alloc(f->store);
	size_t i;

	put_alert_and_message(f, 1, &text_message);
	put_crowd(f, crowd);
	for (i = 0; i < crowd->row.n; i++)
		happened(&crowd->evidence[i], i, NOW);
	crowd->row.evidence = crowd->evidence;
	crowd->row.settled = true;
	crowd->row.updated_utc = NOW + 7;
	store_put_evidence(txn, &crowd->row);
	assert_int_equal(commit(f, txn), 0);
	assert_crowd_is_there(f, crowd);
	talloc_free(crowd);
}

static void the_state_is_written_alone(void **state)
{
	struct fixture *f = *state;
	struct crowd *crowd = make_crowd(1, 600);
	struct store_txn *txn = store_txn_alloc(f->store);

	put_alert_and_message(f, 1, &text_message);
	put_crowd(f, crowd);
	crowd->row.settled = true;
	crowd->row.updated_utc = NOW + 7;
	store_put_delivery_state(txn, &crowd->row);
	assert_int_equal(commit(f, txn), 0);
	assert_crowd_is_there(f, crowd);
	talloc_free(crowd);
}

static long log_frames(struct fixture *f)
{
	struct stat st;
	char wal[80];

	snprintf(wal, sizeof(wal), "%s-wal", f->db);
	return stat(wal, &st) < 0 ? 0 : (st.st_size - 32) / (4096 + 24);
}

/* 256 × 48 octets are four pages, and the state is one: however many recipients there are. */
static void a_chunk_of_a_million_recipients_costs_a_few_pages(void **state)
{
	struct fixture *f = *state;
	struct crowd *crowd = make_crowd(1, 1000000);
	struct store_txn *txn;
	int round;

	put_alert_and_message(f, 1, &text_message);
	put_crowd(f, crowd);
	/* The first time its row is new; later no page is written in which nothing changes. */
	for (round = 0; round < 3; round++) {
		reopen(f);	/* the log begins anew */
		assert_int_equal(log_frames(f), 0);
		happened(&crowd->evidence[500000], 500000, NOW + round);
		crowd->row.evidence = crowd->evidence;
		txn = store_txn_alloc(f->store);
		store_put_evidence_chunk(txn, &crowd->row, 500000 / EVIDENCE_CHUNK);
		store_put_delivery_state(txn, &crowd->row);
		assert_int_equal(commit(f, txn), 0);
		assert_in_range(log_frames(f), 1, 8);
	}
	assert_crowd_is_there(f, crowd);
	talloc_free(crowd);
}

static void evidence_of_a_delivery_that_is_not_there_is_refused(void **state)
{
	struct fixture *f = *state;
	struct delivery_row row = make_delivery(1, 1, "bsc-1");
	struct store_txn *txn = store_txn_alloc(f->store);

	assert_int_equal(commit(f, whole_txn(f, 1)), 0);
	row.revision = 2;
	store_put_evidence_chunk(txn, &row, 0);
	assert_int_equal(commit(f, txn), -EINVAL);
	txn = store_txn_alloc(f->store);
	store_put_delivery_state(txn, &row);
	assert_int_equal(commit(f, txn), -ENOENT);
}

/* Short messages */

static struct message make_short_message(struct short_message *sms, enum sms_alphabet alphabet, uint8_t n)
{
	size_t i;

	*sms = (struct short_message){
		.parts = { .alphabet = alphabet, .n = n, .cut = n == SMS_MAX_PARTS, .text_octets = 1234 },
		.sender = { .kind = n % 3, .text = "+-ABC 123" },
		.protocol_id = n == 1 ? MESSAGE_PID_REPLACE : 0, .reference = 255 - n,
	};
	for (i = 0; i < n; i++) {
		sms->parts.part[i].len = alphabet == SMS_GSM7 ? SMS_SEPTETS : SMS_UCS2_OCTETS;
		memset(sms->parts.part[i].octets, 0xe0 + i, sms->parts.part[i].len);
	}
	return (struct message){ .nr = 1, .kind = MESSAGE_SHORT, .class = MESSAGE_CLASS_SEVERE,
				 .expires_utc = NOW + 3600, .language = "de", .text = "Hochwasser", .sms = sms };
}

static int same_message(const struct message *message, void *data)
{
	assert_same_message(message, data);
	return 0;
}

static void short_messages_are_read_back_as_they_were_put(void **state)
{
	struct fixture *f = *state;
	static const uint8_t parts[] = { 1, 2, 3, SMS_MAX_PARTS };
	struct message message, *messages;
	struct short_message sms;
	char id[ALERT_ID_LEN + 1];
	struct store_reader *r;
	unsigned int i;

	for (i = 0; i < 2 * ARRAY_SIZE(parts); i++) {
		message = make_short_message(&sms, i % 2 ? SMS_UCS2 : SMS_GSM7, parts[i / 2]);
		put_alert_and_message(f, i, &message);
		reopen(f);
		make_id(id, i);
		assert_int_equal(store_load_messages(f->store, id, same_message, &message), 0);
		r = reader(f);
		assert_int_equal(store_read_messages(r, r, id, &messages), 1);
		assert_same_message(&messages[0], &message);
		assert_ptr_equal(talloc_parent(messages[0].sms), messages);
		talloc_free(r);
	}
}

/* Handles */

static void put_handle(struct store_txn *txn, unsigned int alert_nr, const char *peer, const char *handle,
		       size_t target)
{
	struct handle_row row = { .peer = peer, .handle = handle, .message_nr = 1, .lane = "bsc-1",
				  .revision = 1, .target = target };
	char id[ALERT_ID_LEN + 1];

	make_id(id, alert_nr);
	assert_int_equal(store_put_handle(txn, id, &row), 0);
}

struct handles {
	char text[512];	/* "peer/handle=message,lane,revision,target " of each */
};

static int collect_handle(const struct handle_row *row, void *data)
{
	struct handles *handles = data;
	size_t len = strlen(handles->text);

	snprintf(handles->text + len, sizeof(handles->text) - len, "%s/%s=%u,%s,%u,%zu ", row->peer,
		 row->handle, row->message_nr, row->lane, row->revision, row->target);
	return 0;
}

static void assert_handles(struct fixture *f, unsigned int alert_nr, const char *want)
{
	struct handles handles = { .text = "" };
	char id[ALERT_ID_LEN + 1];

	make_id(id, alert_nr);
	assert_int_equal(store_load_handles(f->store, id, collect_handle, &handles), 0);
	assert_string_equal(handles.text, want);
}

static void handles_are_kept_until_their_receipt_comes(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = whole_txn(f, 1);

	put_handle(txn, 1, "smsc-1", "a", 0);
	put_handle(txn, 1, "smsc-2", "a", 1);
	assert_int_equal(commit(f, txn), 0);
	assert_int_equal(commit(f, whole_txn(f, 2)), 0);
	reopen(f);
	assert_handles(f, 1, "smsc-1/a=1,bsc-1,1,0 smsc-2/a=1,bsc-1,1,1 ");
	assert_handles(f, 2, "");
	txn = store_txn_alloc(f->store);
	store_drop_handle(txn, "smsc-1", "a");
	store_drop_handle(txn, "smsc-1", "a");
	store_drop_handle(txn, "smsc-9", "a");
	assert_int_equal(commit(f, txn), 0);
	assert_handles(f, 1, "smsc-2/a=1,bsc-1,1,1 ");
}

static void a_handle_that_is_given_again_names_the_later_target(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = whole_txn(f, 1);

	put_handle(txn, 1, "smsc-1", "a", 0);
	assert_int_equal(commit(f, txn), 0);
	txn = whole_txn(f, 2);
	put_handle(txn, 2, "smsc-1", "a", 1);
	assert_int_equal(commit(f, txn), 0);
	assert_handles(f, 1, "");
	assert_handles(f, 2, "smsc-1/a=1,bsc-1,1,1 ");
}

static void a_handle_of_no_target_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = whole_txn(f, 1);

	put_handle(txn, 1, "smsc-1", "a", 2);
	assert_int_equal(commit(f, txn), -EINVAL);
	assert_false(has_alert(f, 1));
}

static void put_many_handles(struct fixture *f, unsigned int alert_nr, int n)
{
	struct store_txn *txn = whole_txn(f, alert_nr);
	char handle[32];
	int i;

	for (i = 0; i < n; i++) {
		snprintf(handle, sizeof(handle), "%u-%d", alert_nr, i);
		put_handle(txn, alert_nr, "smsc-1", handle, i % 2);
	}
	assert_int_equal(commit(f, txn), 0);
}

static struct store_txn *end_txn(struct fixture *f, unsigned int alert_nr)
{
	struct store_txn *txn = store_txn_alloc(f->store);
	char id[ALERT_ID_LEN + 1];

	make_id(id, alert_nr);
	store_put_ended(txn, id, NOW);
	return txn;
}

static void handles_of_an_alert_that_ended_are_swept_away(void **state)
{
	struct fixture *f = *state;

	put_many_handles(f, 1, 3);
	put_many_handles(f, 2, 2500);
	put_many_handles(f, 3, 1);
	reopen(f);
	assert_int_equal(commit(f, end_txn(f, 2)), 0);
	assert_int_equal(sql_number(f->db, "SELECT count(*) FROM handle"), 4);
	assert_handles(f, 3, "smsc-1/3-0=1,bsc-1,1,0 ");
	assert_int_equal(commit(f, end_txn(f, 1)), 0);
	assert_int_equal(sql_number(f->db, "SELECT count(*) FROM handle"), 1);
}

static void what_was_not_swept_before_a_crash_is_swept_after_it(void **state)
{
	struct fixture *f = *state;

	put_many_handles(f, 1, 2500);
	sql(f->db, "UPDATE alert SET ended_utc = 1");
	reopen(f);
	store_drain(f->store);
	assert_int_equal(sql_number(f->db, "SELECT count(*) FROM handle"), 0);
}

static void the_writer_sweeps_while_nothing_waits(void **state)
{
	struct fixture *f = *state;

	put_many_handles(f, 1, 2500);
	assert_int_equal(store_start(f->store), 0);
	store_commit(f->store, end_txn(f, 1), NULL, NULL);
	while (sql_number(f->db, "SELECT count(*) FROM handle"))
		osmo_select_main(1);
}

/* Numbers of peers */

static int put_number(struct fixture *f, uint8_t number, const char *name)
{
	struct store_txn *txn = store_txn_alloc(f->store);

	assert_int_equal(store_put_peer_number(txn, number, name), 0);
	return commit(f, txn);
}

static int collect_number(uint8_t number, const char *name, void *data)
{
	char (*names)[16] = data;

	snprintf(names[number], 16, "%s", name);
	return 0;
}

static void peers_keep_their_numbers(void **state)
{
	struct fixture *f = *state;
	char loaded[256][16] = { "" }, **names;
	struct store_reader *r;

	assert_int_equal(put_number(f, 1, "smsc-1"), 0);
	assert_int_equal(put_number(f, 255, "smsc-2"), 0);
	assert_int_equal(put_number(f, 1, "smsc-1"), 0);
	/* Evidence was written with it: it is nobody else's. */
	assert_int_equal(put_number(f, 1, "smsc-3"), -EINVAL);
	assert_int_equal(put_number(f, 2, "smsc-1"), -EEXIST);
	assert_int_equal(put_number(f, 0, "smsc-4"), -EINVAL);
	reopen(f);
	assert_int_equal(store_load_peer_numbers(f->store, collect_number, loaded), 0);
	assert_string_equal(loaded[1], "smsc-1");
	assert_string_equal(loaded[255], "smsc-2");
	assert_string_equal(loaded[2], "");
	r = reader(f);
	assert_int_equal(store_read_peer_numbers(r, r, &names), 0);
	assert_string_equal(names[1], "smsc-1");
	assert_string_equal(names[255], "smsc-2");
	assert_null(names[0]);
	assert_null(names[2]);
	assert_ptr_equal(talloc_parent(names[1]), names);
	talloc_free(r);
}

static void it_is_kept_when_recipients_were_looked_for(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = alert_txn(f, 1);
	struct store_reader *r;
	struct alert_row row;
	char id[ALERT_ID_LEN + 1];

	make_id(id, 1);
	assert_int_equal(commit(f, txn), 0);
	r = reader(f);
	assert_int_equal(store_read_alert(r, r, id, false, &row), 0);
	assert_int_equal(row.followed_utc, 0);
	txn = store_txn_alloc(f->store);
	store_put_followed(txn, id, NOW + 4);
	assert_int_equal(commit(f, txn), 0);
	assert_int_equal(store_read_alert(r, r, id, false, &row), 0);
	assert_int_equal(row.followed_utc, NOW + 4);
	talloc_free(r);
}

struct entries {
	struct ledger_entry entry[4];
	size_t n;
};

static int collect_entry(const struct ledger_entry *entry, void *data)
{
	struct entries *entries = data;

	entries->entry[entries->n++] = *entry;
	return 0;
}

static void ledger_entries_are_kept_per_identifier_and_code(void **state)
{
	struct fixture *f = *state;
	struct ledger_entry first = { .identifier = 4371, .code = 5, .update = 1, .free_utc = NOW };
	struct ledger_entry later = { .identifier = 4371, .code = 5, .update = 15, .free_utc = NOW + 100 };
	struct ledger_entry other = { .identifier = 65535, .code = 1023, .free_utc = INT64_MAX };
	struct entries entries = { .n = 0 };
	struct store_txn *txn = alert_txn(f, 1);
	char id[ALERT_ID_LEN + 1];

	make_id(id, 1);
	store_put_ledger(txn, id, &first);
	store_put_ledger(txn, id, &other);
	store_put_ledger(txn, id, &later);
	assert_int_equal(commit(f, txn), 0);
	reopen(f);
	assert_int_equal(store_load_ledger(f->store, collect_entry, &entries), 0);
	assert_int_equal(entries.n, 2);
	assert_int_equal(entries.entry[0].code, 5);
	assert_int_equal(entries.entry[0].update, 15);
	assert_int_equal(entries.entry[0].free_utc, NOW + 100);
	assert_int_equal(entries.entry[1].identifier, 65535);
	assert_int_equal(entries.entry[1].code, 1023);
	assert_int_equal(entries.entry[1].free_utc, INT64_MAX);
}

static void cancels_ends_events_and_values_are_kept(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = alert_txn(f, 1);
	char id[ALERT_ID_LEN + 1], *value;
	struct store_reader *r;
	struct alert_row row;

	make_id(id, 1);
	store_put_cancelled(txn, id, "00000000000000000002", NOW + 2);
	store_put_ended(txn, id, NOW + 3);
	store_put_event(txn, id, NOW, "accepted", "met");
	store_put_event(txn, NULL, NOW, "started", NULL);
	store_put_meta(txn, "cell-table", "one");
	store_put_meta(txn, "cell-table", "two");
	assert_int_equal(commit(f, txn), 0);
	reopen(f);
	r = reader(f);
	assert_int_equal(store_read_alert(r, r, id, false, &row), 0);
	assert_string_equal(row.cancelled_by, "00000000000000000002");
	assert_int_equal(row.cancelled_utc, NOW + 2);
	assert_int_equal(row.ended_utc, NOW + 3);
	assert_string_equal(store_read_meta(r, r, "cell-table"), "two");
	assert_null(store_read_meta(r, r, "no such value"));
	talloc_free(r);
	value = store_get_meta(f->store, NULL, "cell-table");
	assert_string_equal(value, "two");
	talloc_free(value);
	assert_int_equal(sql_number(f->db, "SELECT count(*) FROM event WHERE alert = 1 AND kind = 'accepted'"), 1);
	assert_int_equal(sql_number(f->db, "SELECT count(*) FROM event WHERE alert IS NULL"), 1);
}

struct ids {
	char id[8][ALERT_ID_LEN + 1];
	size_t n;
	int rc;
};

static int collect_id(const struct alert_row *row, void *data)
{
	struct ids *ids = data;

	OSMO_STRLCPY_ARRAY(ids->id[ids->n++], row->id);
	assert_string_equal(row->sender, "met@example.org");
	return ids->rc;
}

static void alerts_that_ended_are_known_but_not_loaded(void **state)
{
	struct fixture *f = *state;
	static const unsigned int order[] = { 3, 1, 2 };
	struct ids live = { .n = 0 }, keys = { .n = 0 }, first = { .rc = -ECANCELED };
	struct store_txn *txn;
	char id[ALERT_ID_LEN + 1];
	size_t i;

	for (i = 0; i < 3; i++)
		assert_int_equal(commit(f, whole_txn(f, order[i])), 0);
	txn = store_txn_alloc(f->store);
	make_id(id, 1);
	store_put_ended(txn, id, NOW);
	assert_int_equal(commit(f, txn), 0);
	reopen(f);
	assert_int_equal(store_load_live(f->store, collect_id, &live), 0);
	assert_int_equal(live.n, 2);
	make_id(id, 3);
	assert_string_equal(live.id[0], id);
	make_id(id, 2);
	assert_string_equal(live.id[1], id);
	assert_int_equal(store_load_keys(f->store, collect_id, &keys), 0);
	assert_int_equal(keys.n, 3);
	assert_int_equal(store_load_keys(f->store, collect_id, &first), -ECANCELED);
	assert_int_equal(first.n, 1);
}

static void alerts_are_listed_newest_first_and_in_pages(void **state)
{
	struct fixture *f = *state;
	struct alert_row *rows;
	struct store_reader *r;
	unsigned int i;

	for (i = 1; i <= 40; i++)
		assert_int_equal(commit(f, alert_txn(f, i)), 0);
	r = reader(f);
	assert_int_equal(store_read_alerts(r, r, INT64_MAX, 30, &rows), 30);
	assert_int_equal(rows[0].seq, 40);
	assert_string_equal(rows[0].identifier, "alert-40");
	assert_int_equal(rows[29].seq, 11);
	assert_int_equal(store_read_alerts(r, r, rows[29].seq, 30, &rows), 10);
	assert_int_equal(rows[9].seq, 1);
	assert_int_equal(store_read_alerts(r, r, 1, 30, &rows), 0);
	talloc_free(r);
}

/* Transactions that fail */

static void a_repeated_alert_fails_alone_in_its_group(void **state)
{
	struct fixture *f = *state;
	struct store_txn *repeated = store_txn_alloc(f->store);
	int rc[4] = { 1, 1, 1, 1 }, i;
	char identifier[16];
	struct alert_row row = make_alert(1, identifier);

	/* Another id, the same originator, sender, identifier and time. */
	store_put_meta(repeated, "trace", "left behind");
	make_id(row.id, 99);
	store_put_alert(repeated, &row);
	store_commit(f->store, whole_txn(f, 1), store_rc, &rc[0]);
	store_commit(f->store, repeated, store_rc, &rc[1]);
	store_commit(f->store, whole_txn(f, 1), store_rc, &rc[2]);
	store_commit(f->store, whole_txn(f, 2), store_rc, &rc[3]);
	assert_int_equal(store_pending(f->store), 4);
	for (i = 0; i < 4; i++)
		assert_int_equal(rc[i], 1);
	fault.syncs = 0;
	store_drain(f->store);
	/* That of the log, and that of its folder when the log is new. */
	assert_true(fault.syncs >= 1 && fault.syncs <= 3);
	assert_int_equal(rc[0], 0);
	assert_int_equal(rc[1], -EEXIST);
	assert_int_equal(rc[2], -EEXIST);
	assert_int_equal(rc[3], 0);
	assert_int_equal(store_pending(f->store), 0);
	assert_true(has_alert(f, 1));
	assert_true(has_alert(f, 2));
	assert_false(has_alert(f, 99));
	assert_null(store_get_meta(f->store, NULL, "trace"));
}

static void many_transactions_share_one_sync(void **state)
{
	struct fixture *f = *state;
	int rc[100], i;

	assert_int_equal(commit(f, alert_txn(f, 1000)), 0);
	for (i = 0; i < 100; i++)
		store_commit(f->store, alert_txn(f, i), store_rc, &rc[i]);
	fault.syncs = 0;
	store_drain(f->store);
	assert_int_equal(fault.syncs, 1);
	for (i = 0; i < 100; i++)
		assert_int_equal(rc[i], 0);
}

static void put_by_kind(struct store_txn *txn, int kind, const char *id)
{
	struct ledger_entry entry = { .identifier = 1, .code = 1 };
	struct delivery_row row = make_delivery(0, 1, "bsc-1");

	OSMO_STRLCPY_ARRAY(row.alert_id, id);
	switch (kind) {
	case 0: store_put_message(txn, id, &text_message); break;
	case 1: store_put_delivery(txn, &row); break;
	case 2: store_put_ledger(txn, id, &entry); break;
	case 3: store_put_cancelled(txn, id, "x", NOW); break;
	case 4: store_put_ended(txn, id, NOW); break;
	default: store_put_event(txn, id, NOW, "k", "d");
	}
}

static void rows_of_an_alert_that_is_not_there_are_refused(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn;
	int kind;

	for (kind = 0; kind < 6; kind++) {
		txn = alert_txn(f, 100 + kind);
		put_by_kind(txn, kind, "00000000000000000555");
		assert_int_equal(commit(f, txn), -ENOENT);
		assert_false(has_alert(f, 100 + kind));
	}
}

static void a_delivery_of_a_message_that_is_not_there_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = whole_txn(f, 1);
	struct delivery_row row = make_delivery(1, 3, "bsc-1");

	store_put_delivery(txn, &row);
	assert_int_equal(commit(f, txn), -EINVAL);
	assert_false(has_alert(f, 1));
}

static void a_message_is_never_replaced(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = store_txn_alloc(f->store);
	char id[ALERT_ID_LEN + 1];

	make_id(id, 1);
	assert_int_equal(commit(f, whole_txn(f, 1)), 0);
	store_put_message(txn, id, &text_message);
	assert_int_equal(commit(f, txn), -EEXIST);
}

static void count_busy(int rc, void *data)
{
	int *count = data;

	count[rc == -EBUSY]++;
	assert_true(rc == 0 || rc == -EBUSY);
}

static void too_many_waiting_transactions_are_refused_later(void **state)
{
	struct fixture *f = *state;
	int count[2] = { 0, 0 }, i;

	for (i = 0; i < 10005; i++)
		store_commit(f->store, store_txn_alloc(f->store), count_busy, count);
	assert_int_equal(count[0] + count[1], 0);
	store_drain(f->store);
	assert_int_equal(count[0], 10000);
	assert_int_equal(count[1], 5);
	assert_int_equal(commit(f, alert_txn(f, 1)), 0);
}

static void what_is_withdrawn_is_neither_written_nor_reported(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn[4];
	int rc[4] = { 1, 1, 1, 1 };
	unsigned int i;

	for (i = 0; i < 4; i++) {
		txn[i] = whole_txn(f, i);
		store_commit(f->store, txn[i], store_rc, &rc[i]);
	}
	assert_int_equal(store_withdraw(txn[0]), 0);
	assert_int_equal(store_withdraw(txn[2]), 0);
	store_drain(f->store);
	assert_int_equal(store_pending(f->store), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(rc[i], i % 2 ? 0 : 1);
		assert_int_equal(has_alert(f, i), i % 2);
	}
	/* It left nothing that stands in the way of the same alert. */
	assert_int_equal(commit(f, whole_txn(f, 0)), 0);
	assert_true(has_alert(f, 0));
}

static void what_was_refused_at_once_can_still_be_withdrawn(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn;
	int rc = 1, i;

	for (i = 0; i < 10000; i++)
		store_commit(f->store, store_txn_alloc(f->store), NULL, NULL);
	txn = whole_txn(f, 1);
	store_commit(f->store, txn, store_rc, &rc);
	assert_int_equal(store_withdraw(txn), 0);
	store_drain(f->store);
	assert_int_equal(rc, 1);
	assert_false(has_alert(f, 1));
}

static void closing_commits_and_reports_what_waits(void **state)
{
	struct fixture *f = *state;
	int rc = 1;

	store_commit(f->store, alert_txn(f, 1), store_rc, &rc);
	store_commit(f->store, alert_txn(f, 2), NULL, NULL);
	store_close(f->store);
	assert_int_equal(rc, 0);
	open_store(f);
	assert_true(has_alert(f, 1));
	assert_true(has_alert(f, 2));
}

/* Faults of the disk */

/* Every write of a group fails in turn: none of it is kept, and the next group is fine. */
static void sweep_writes(struct fixture *f, int error, int want)
{
	unsigned int nr = 1;
	int rc[2], at;

	for (at = 1; ; at++, nr += 2) {
		store_commit(f->store, whole_txn(f, nr), store_rc, &rc[0]);
		store_commit(f->store, whole_txn(f, nr + 1), store_rc, &rc[1]);
		fault.write_errno = error;
		fault.failed = false;
		fault.fail_write_at = at;
		store_drain(f->store);
		fault.fail_write_at = 0;
		if (!fault.failed)
			break;
		assert_int_equal(rc[0], want);
		assert_int_equal(rc[1], want);
		assert_false(has_alert(f, nr));
		assert_false(has_alert(f, nr + 1));
		assert_int_equal(commit(f, whole_txn(f, nr)), 0);
		assert_true(has_alert(f, nr));
		assert_true(at < 1000);
	}
	assert_true(at > 3);
	assert_int_equal(rc[0], 0);
	assert_int_equal(rc[1], 0);
	reopen(f);
	assert_true(has_alert(f, nr + 1));
}

static void a_full_disk_fails_the_group_and_no_later_one(void **state)
{
	sweep_writes(*state, ENOSPC, -ENOSPC);
}

static void a_quota_counts_as_a_full_disk(void **state)
{
	sweep_writes(*state, EDQUOT, -ENOSPC);
}

static void a_faulty_disk_fails_the_group_and_no_later_one(void **state)
{
	sweep_writes(*state, EIO, -EIO);
}

static void a_limit_of_file_size_counts_as_a_full_disk(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit, old;
	struct stat st;
	char wal[80];
	int rc;

	assert_int_equal(commit(f, whole_txn(f, 1)), 0);
	snprintf(wal, sizeof(wal), "%s-wal", f->db);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){ .rlim_cur = st.st_size + 5000, .rlim_max = old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	rc = commit(f, whole_txn(f, 2));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, -ENOSPC);
	assert_false(has_alert(f, 2));
	assert_int_equal(commit(f, whole_txn(f, 2)), 0);
	assert_true(has_alert(f, 2));
}

static void copy_as_after_a_crash(struct fixture *f, struct fixture *crashed)
{
	char cmd[256];

	*crashed = (struct fixture){ 0 };
	snprintf(crashed->dir, sizeof(crashed->dir), "%s/crashed", f->base);
	snprintf(cmd, sizeof(cmd), "mkdir '%s' && cp '%s' '%s-wal' '%s'", crashed->dir, f->db, f->db, crashed->dir);
	assert_int_equal(system(cmd), 0);
}

static void what_a_failed_sync_refused_does_not_come_back_after_a_crash(void **state)
{
	struct fixture *f = *state, crashed;

	assert_int_equal(commit(f, whole_txn(f, 1)), 0);
	fault.fail_sync = EIO;
	assert_int_equal(commit(f, whole_txn(f, 2)), -EIO);
	assert_false(has_alert(f, 2));
	copy_as_after_a_crash(f, &crashed);
	open_store(&crashed);
	assert_true(has_alert(&crashed, 1));
	assert_false(has_alert(&crashed, 2));
	store_close(crashed.store);
	assert_int_equal(commit(f, whole_txn(f, 2)), 0);
}

static bool write_file(const char *path, size_t len)
{
	static const uint8_t zeros[65536];
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	ssize_t n = 1;

	for (; len && n > 0; len -= n)
		n = write(fd, zeros, len < sizeof(zeros) ? len : sizeof(zeros));
	close(fd);
	return !len;
}

/* Runs in a child with a file system of 64 MiB of its own. \returns 0, or the number of the step
 * that went wrong. */
static int on_a_small_disk(void)
{
	struct fixture f = { .dir = "store", .db = "store/tocsin.db" };
	struct delivery_row row = make_delivery(1, 1, "bsc-1");
	struct store_txn *cancel, *more;
	char id[ALERT_ID_LEN + 1];
	unsigned int nr = 2;
	int rc = 0;

	f.store = store_open(NULL, f.dir, NULL);
	if (!f.store || access("store/reserve", F_OK) < 0 || commit(&f, whole_txn(&f, 1)))
		return 1;
	if (write_file("filler", SIZE_MAX))
		return 2;
	while (rc == 0 && nr < 100000)
		rc = commit(&f, whole_txn(&f, nr++));
	if (rc != -ENOSPC || access("store/reserve", F_OK) == 0)
		return 3;
	/* A cancel is an alert without messages: it still goes through. */
	cancel = alert_txn(&f, 200000);
	make_id(id, 1);
	store_put_cancelled(cancel, id, "00000000000000200000", NOW);
	if (commit(&f, cancel) || !has_alert(&f, 200000))
		return 4;
	if (commit(&f, whole_txn(&f, 200001)) != -ENOSPC)
		return 5;
	/* Nor do more targets of an older message take what is left to cancels and evidence. */
	more = store_txn_alloc(f.store);
	row.revision = 2;
	store_put_delivery(more, &row);
	if (commit(&f, more) != -ENOSPC)
		return 7;
	if (unlink("filler") < 0 || commit(&f, whole_txn(&f, 200001)) || access("store/reserve", F_OK) < 0)
		return 6;
	store_close(f.store);
	return 0;
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return ok;
}

/* Root in namespaces of its own. */
static bool become_root(void)
{
	char uid_map[32], gid_map[32];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", getuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", getgid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/uid_map", uid_map) && write_text("/proc/self/gid_map", gid_map);
}

static void small_disk_child(const char *dir)
{
	if (!become_root() || mount("tmpfs", dir, "tmpfs", 0, "size=64m") < 0 ||
	    chdir(dir) < 0)
		_exit(77);
	_exit(on_a_small_disk());
}

static void on_a_full_disk_cancels_use_the_reserve_and_new_alerts_wait(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	store_close(f->store);
	f->store = NULL;
	pid = fork();
	if (!pid)
		small_disk_child(f->base);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();	/* no user namespaces here */
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Opening */

static void files_are_for_their_owner_alone(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = { "tocsin.db", "tocsin.db-wal", "lock", "reserve" };
	struct stat st;
	char path[128];
	size_t i;

	assert_int_equal(commit(f, alert_txn(f, 1)), 0);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void assert_refused(const char *dir, const char *reason)
{
	struct problem problem = { 0 };

	assert_null(store_open(NULL, dir, &problem));
	assert_int_equal(problem.code, PROBLEM_STORE_UNAVAILABLE);
	assert_string_equal(problem.where, dir);
	if (!strstr(problem.detail, reason))
		fail_msg("%s", problem.detail);
}

static void a_folder_is_used_by_one_daemon_at_a_time(void **state)
{
	struct fixture *f = *state;

	assert_refused(f->dir, "another daemon");
	assert_int_equal(commit(f, alert_txn(f, 1)), 0);
	reopen(f);
	assert_true(has_alert(f, 1));
}

static void a_newer_database_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;
	struct problem problem = { 0 };
	char restore[48];

	assert_int_equal(commit(f, alert_txn(f, 1)), 0);
	store_close(f->store);
	f->store = NULL;
	snprintf(restore, sizeof(restore), "PRAGMA user_version = %d", sql_number(f->db, "PRAGMA user_version"));
	sql(f->db, "PRAGMA user_version = 1000");
	assert_refused(f->dir, "version 1000");
	assert_null(store_reader_open(NULL, f->dir, &problem));
	assert_int_equal(problem.code, PROBLEM_STORE_UNAVAILABLE);
	assert_int_equal(sql_number(f->db, "PRAGMA user_version"), 1000);
	sql(f->db, restore);
	open_store(f);
	assert_true(has_alert(f, 1));
}

struct damage {
	const char *name;
	const char *table;
	const char *assignment;	/* NULL: its rows are gone */
};

static int accept_delivery(const struct delivery_row *row, void *data)
{
	(void)row;
	(void)data;
	return 0;
}

static void assert_damage_is_found(struct fixture *f, const struct damage *d, const char *peer)
{
	struct store_reader *r = reader(f);
	struct delivery_row *rows;
	char id[ALERT_ID_LEN + 1];

	make_id(id, 1);
	if (store_read_deliveries(r, r, id, peer, &rows) != -EBADMSG)
		fail_msg("taken: %s", d->name);
	assert_non_null(strstr(store_reader_why(r), id));
	assert_non_null(strstr(store_reader_why(r), peer));
	assert_non_null(strstr(store_reader_why(r), strstr(d->assignment ? d->assignment : "", "message") ?
			       "message 0" : "message 1"));
	talloc_free(r);
	assert_int_equal(store_load_deliveries(f->store, id, accept_delivery, NULL), -EBADMSG);
}

/* Exchange the database for one that a program of an older version wrote. */
static void put_old_database(struct fixture *f, const char *name)
{
	const char *srcdir = getenv("SRCDIR");
	char path[512], text[65536];
	FILE *file;
	size_t n;

	store_close(f->store);
	f->store = NULL;
	snprintf(path, sizeof(path), "%s/tests/data/store/%s", srcdir ? srcdir : ".", name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	assert_int_equal(unlink(f->db), 0);
	snprintf(path, sizeof(path), "%s-wal", f->db);
	(void)unlink(path);	/* where one is left */
	sql(f->db, text);
}

static void assert_whole_alert_with(struct fixture *f, unsigned int nr, int n_deliveries)
{
	struct store_reader *r = reader(f);
	char identifier[16];
	struct alert_row want = make_alert(nr, identifier), row;
	struct delivery_row delivery = make_delivery(nr, 1, "bsc-1"), *deliveries;
	struct message *messages;

	assert_int_equal(store_read_alert(r, r, want.id, true, &row), 0);
	assert_same_alert(&row, &want);
	assert_int_equal(row.n_bytes, want.n_bytes);
	assert_memory_equal(row.bytes, want.bytes, want.n_bytes);
	assert_int_equal(store_read_messages(r, r, want.id, &messages), 2);
	assert_same_message(&messages[0], &text_message);
	assert_same_message(&messages[1], &emergency_message);
	assert_int_equal(store_read_deliveries(r, r, want.id, NULL, &deliveries), n_deliveries);
	assert_same_delivery(&deliveries[0], &delivery);
	talloc_free(r);
}

static void assert_whole_alert(struct fixture *f, unsigned int nr)
{
	assert_whole_alert_with(f, nr, 3);
}

/* \returns malloc, NULL if it is not there. */
static char *area_of(struct fixture *f, unsigned int nr)
{
	struct store_reader *r = reader(f);
	char id[ALERT_ID_LEN + 1], *area, *copy;

	make_id(id, nr);
	assert_int_equal(store_read_area(r, r, id, &area), 0);
	copy = area ? strdup(area) : NULL;
	talloc_free(r);
	return copy;
}

static void a_database_of_version_1_is_upgraded_and_keeps_everything(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn;
	char identifier[16], *area;
	struct alert_row row = make_alert(3, identifier);
	int i;

	put_old_database(f, "version-1.sql");
	assert_int_equal(sql_number(f->db, "PRAGMA user_version"), 1);
	open_store(f);
	for (i = 0; i < 2; i++) {
		assert_whole_alert(f, 1);
		assert_true(has_alert(f, 2));
		/* Of what was not kept, nothing is told. */
		assert_null(area_of(f, 1));
		assert_null(area_of(f, 2));
		reopen(f);
	}
	assert_true(sql_number(f->db, "PRAGMA user_version") > 1);
	txn = store_txn_alloc(f->store);
	row.area = "{}";
	store_put_alert(txn, &row);
	assert_int_equal(commit(f, txn), 0);
	area = area_of(f, 3);
	assert_string_equal(area, "{}");
	free(area);
}

static void a_database_of_version_2_is_upgraded_and_keeps_everything(void **state)
{
	struct fixture *f = *state;
	char *area;
	int i;

	put_old_database(f, "version-2.sql");
	assert_int_equal(sql_number(f->db, "PRAGMA user_version"), 2);
	open_store(f);
	for (i = 0; i < 2; i++) {
		assert_whole_alert(f, 1);
		assert_true(has_alert(f, 2));
		assert_null(area_of(f, 1));
		area = area_of(f, 3);
		assert_string_equal(area, "{\"type\":\"Polygon\"}");
		free(area);
		reopen(f);
	}
	assert_true(sql_number(f->db, "PRAGMA user_version") > 2);
}

/* Until version 2 a delivery was one row: its evidence of 44 octets a target, in one piece. */
#define OLD_EVIDENCE_LEN 44

static void put_old_delivery(struct fixture *f, const struct delivery_row *row)
{
	size_t len[2] = { 1 + row->n * TARGET_PACKED_LEN, 1 + row->n * OLD_EVIDENCE_LEN }, i;
	uint8_t *wanted = malloc(len[0]), *evidence = malloc(len[1]), packed[EVIDENCE_PACKED_LEN];
	sqlite3_stmt *stmt;
	sqlite3 *db;

	*wanted = *evidence = 1;
	for (i = 0; i < row->n; i++) {
		target_pack(&row->wanted[i], wanted + 1 + i * TARGET_PACKED_LEN);
		evidence_pack(&row->evidence[i], packed);
		memcpy(evidence + 1 + i * OLD_EVIDENCE_LEN, packed, OLD_EVIDENCE_LEN);
	}
	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO delivery VALUES (1, 1, ?, 0, 1, 77, ?, ?)", -1,
					    &stmt, NULL), SQLITE_OK);
	sqlite3_bind_text(stmt, 1, row->peer, -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, wanted, len[0], SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 3, evidence, len[1], SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	free(wanted);
	free(evidence);
}

/* Cells of one delivery as the older program kept it. */
static struct crowd *make_old_crowd(size_t n)
{
	struct crowd *crowd = make_crowd(1, n);
	size_t i;

	for (i = 0; i < n; i++) {
		crowd->wanted[i] = (struct target){ .type = TARGET_CGI, .mcc = 1, .mnc = 1, .mnc_digits = 2,
						    .value = (100 + i / 65536) << 16 | i % 65536 };
		evidence_init(&crowd->evidence[i], &crowd->wanted[i]);
		happened(&crowd->evidence[i], i, NOW);
		crowd->evidence[i].via = 0;
	}
	crowd->row.evidence = crowd->evidence;
	crowd->row.details = NULL;
	crowd->row.settled = true;
	crowd->row.updated_utc = 77;
	return crowd;
}

static void assert_delivery_is_there(struct fixture *f, const struct delivery_row *row)
{
	struct store_reader *r = reader(f);
	struct delivery_row *rows;

	assert_int_equal(store_read_deliveries(r, r, row->alert_id, row->peer, &rows), 1);
	assert_same_delivery(&rows[0], row);
	talloc_free(r);
}

static void upgrade_many_chunks(struct fixture *f, const char *name)
{
	struct crowd *crowds[ARRAY_SIZE(crowd_sizes)];
	char peers[ARRAY_SIZE(crowd_sizes)][16];
	size_t i;

	put_old_database(f, name);
	for (i = 0; i < ARRAY_SIZE(crowd_sizes); i++) {
		crowds[i] = make_old_crowd(crowd_sizes[i]);
		snprintf(peers[i], sizeof(peers[i]), "old-%zu", i);
		crowds[i]->row.peer = peers[i];
		put_old_delivery(f, &crowds[i]->row);
	}
	open_store(f);
	assert_whole_alert_with(f, 1, 3 + i);
	for (i = 0; i < ARRAY_SIZE(crowd_sizes); i++) {
		assert_delivery_is_there(f, &crowds[i]->row);
		/* What happens next goes beside it. */
		crowds[i]->evidence[0].via = 200;
		put_chunk(f, &crowds[i]->row, 0);
		assert_delivery_is_there(f, &crowds[i]->row);
		talloc_free(crowds[i]);
	}
}

static void evidence_of_version_1_of_many_targets_is_kept(void **state)
{
	upgrade_many_chunks(*state, "version-1.sql");
}

static void evidence_of_version_2_of_many_targets_is_kept(void **state)
{
	upgrade_many_chunks(*state, "version-2.sql");
}

static const struct damage old_damages[] = {
	{ "evidence cut", "delivery", "evidence = substr(evidence, 1, 44)" },
	{ "one evidence less", "delivery", "evidence = substr(evidence, 1, 45)" },
	{ "one evidence more", "delivery", "evidence = CAST(evidence || substr(evidence, 2, 44) AS BLOB)" },
	{ "a chunk more", "delivery", "evidence = CAST(evidence || zeroblob(11264) AS BLOB)" },
	{ "no octets of evidence", "delivery", "evidence = x''" },
	{ "nothing but an unknown version of evidence", "delivery", "evidence = x'02'" },
	{ "another version of evidence", "delivery", "evidence = CAST(x'02' || substr(evidence, 2) AS BLOB)" },
	{ "targets cut", "delivery", "wanted = substr(wanted, 1, 28)" },
	{ "no octets", "delivery", "wanted = x''" },
};

static void what_was_damaged_before_an_upgrade_is_found_after_it(void **state)
{
	struct fixture *f = *state;
	char text[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(old_damages); i++) {
		put_old_database(f, "version-2.sql");
		snprintf(text, sizeof(text), "UPDATE delivery SET %s", old_damages[i].assignment);
		sql(f->db, text);
		open_store(f);
		assert_damage_is_found(f, &old_damages[i], "bsc-2");
	}
}

static void a_reader_does_not_take_an_old_database_for_a_new_one(void **state)
{
	struct fixture *f = *state;
	struct problem problem = { 0 };

	put_old_database(f, "version-1.sql");
	assert_null(store_reader_open(NULL, f->dir, &problem));
	assert_int_equal(problem.code, PROBLEM_STORE_UNAVAILABLE);
	assert_int_equal(sql_number(f->db, "PRAGMA user_version"), 1);
	open_store(f);
	assert_whole_alert(f, 1);
}

/* It happens whole or not at all: at whichever write the disk fails, the next start finds a
 * database of one version or the other. */
static void an_upgrade_that_fails_can_be_done_again(void **state)
{
	struct fixture *f = *state;
	struct problem problem = { 0 };
	int at;

	for (at = 1; at < 1000; at++) {
		put_old_database(f, "version-1.sql");
		fault.fail_write_at = at;
		fault.write_errno = EIO;
		f->store = store_open(NULL, f->dir, &problem);
		store_close(f->store);
		if (!fault.failed)
			break;
		fault.failed = false;
		fault.fail_write_at = 0;
		open_store(f);
		assert_whole_alert(f, 1);
	}
	assert_in_range(at, 3, 999);
	fault.fail_write_at = 0;
	open_store(f);
}

static void a_damaged_database_is_refused(void **state)
{
	struct fixture *f = *state;
	unsigned int i;
	int fd;

	for (i = 0; i < 200; i++)
		store_commit(f->store, whole_txn(f, i), NULL, NULL);
	store_close(f->store);
	f->store = NULL;
	fd = open(f->db, O_RDWR);
	for (i = 10; i < 20; i++)
		assert_int_equal(pwrite(fd, "damage damage damage", 20, i * 4096), 20);
	close(fd);
	assert_refused(f->dir, "damaged");
	assert_int_equal(truncate(f->db, 100), 0);
	assert_refused(f->dir, "");
}

static void what_is_no_folder_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_refused("/nonexistent/store", "");
	assert_refused(f->db, "");
}

static const struct damage delivery_damages[] = {
	{ "targets cut", "delivery_targets", "wanted = substr(wanted, 1, 28)" },
	{ "one target less", "delivery_targets", "wanted = substr(wanted, 1, 15)" },
	{ "no octets", "delivery_targets", "wanted = x''" },
	{ "no targets", "delivery_targets", NULL },
	{ "another version", "delivery_targets", "wanted = CAST(x'02' || substr(wanted, 2) AS BLOB)" },
	{ "a type that does not exist", "delivery_targets",
	  "wanted = CAST(x'0163' || substr(wanted, 3) AS BLOB)" },
	{ "targets not sorted", "delivery_targets",
	  "wanted = CAST(x'01' || substr(wanted, 16, 14) || substr(wanted, 2, 14) AS BLOB)" },
	{ "a target twice", "delivery_targets",
	  "wanted = CAST(x'01' || substr(wanted, 2, 14) || substr(wanted, 2, 14) AS BLOB)" },
	{ "another number of targets", "delivery", "n = 3" },
	{ "a negative number of targets", "delivery", "n = -2" },
	{ "a message without number", "delivery", "message = 0" },
	{ "evidence cut", "evidence", "packed = substr(packed, 1, 48)" },
	{ "one evidence less", "evidence", "packed = substr(packed, 1, 49)" },
	{ "no octets of evidence", "evidence", "packed = x''" },
	{ "a version of evidence to come", "evidence", "packed = CAST(x'03' || substr(packed, 2) AS BLOB)" },
	{ "an older version of evidence", "evidence", "packed = CAST(x'01' || substr(packed, 2) AS BLOB)" },
	{ "an older version of its length", "evidence", "packed = CAST(x'01' || substr(packed, 2, 88) AS BLOB)" },
	{ "a chunk behind the last", "evidence", "chunk = 1" },
	{ "a chunk before the first", "evidence", "chunk = -1" },
	{ "a chunk far away", "evidence", "chunk = 72057594037927936" },
	{ "an answer that does not exist", "evidence",
	  "packed = CAST(substr(packed, 1, 37) || x'63' || substr(packed, 39) AS BLOB)" },
	{ "a doubt that does not exist", "evidence",
	  "packed = CAST(substr(packed, 1, 41) || x'63' || substr(packed, 43) AS BLOB)" },
	{ "a reason to wait that does not exist", "evidence",
	  "packed = CAST(substr(packed, 1, 42) || x'63' || substr(packed, 44) AS BLOB)" },
};

/* What recipients have beside it: octets 2 to 9 are a number of three digits, 999, then a cell. */
static const struct damage detail_damages[] = {
	{ "details cut", "delivery_targets", "details = substr(details, 1, 22)" },
	{ "details for nobody", "delivery_targets", "details = x'01'" },
	{ "no octets", "delivery_targets", "details = x''" },
	{ "another version", "delivery_targets", "details = CAST(x'02' || substr(details, 2) AS BLOB)" },
	{ "16 digits", "delivery_targets", "details = CAST(x'0110' || substr(details, 3) AS BLOB)" },
	{ "more digits than the number has", "delivery_targets",
	  "details = CAST(x'0104' || substr(details, 3) AS BLOB)" },
	{ "fewer digits than the least", "delivery_targets",
	  "details = CAST(x'0102' || substr(details, 3) AS BLOB)" },
	{ "a number without digits", "delivery_targets",
	  "details = CAST(x'0100' || substr(details, 3) AS BLOB)" },
	{ "more number than digits", "delivery_targets",
	  "details = CAST(substr(details, 1, 7) || x'03e8' || substr(details, 10) AS BLOB)" },
	{ "a place of no type", "delivery_targets",
	  "details = CAST(substr(details, 1, 9) || x'63' || substr(details, 11) AS BLOB)" },
};

static void keep_whole(struct fixture *f)
{
	sql(f->db, "CREATE TABLE whole_delivery AS SELECT * FROM delivery;"
	    "CREATE TABLE whole_delivery_targets AS SELECT * FROM delivery_targets;"
	    "CREATE TABLE whole_evidence AS SELECT * FROM evidence");
}

static void damage_rows(struct fixture *f, const struct damage *d)
{
	char text[1024];

	sql(f->db, "DELETE FROM delivery; INSERT INTO delivery SELECT * FROM whole_delivery;"
	    "DELETE FROM delivery_targets; INSERT INTO delivery_targets SELECT * FROM whole_delivery_targets;"
	    "DELETE FROM evidence; INSERT INTO evidence SELECT * FROM whole_evidence");
	if (d->assignment)
		snprintf(text, sizeof(text), "PRAGMA ignore_check_constraints = ON; UPDATE OR IGNORE %s SET %s",
			 d->table, d->assignment);
	else
		snprintf(text, sizeof(text), "DELETE FROM %s", d->table);
	sql(f->db, text);
}

static void damaged_deliveries_are_errors_that_name_alert_peer_and_message(void **state)
{
	struct fixture *f = *state;
	size_t i;

	assert_int_equal(commit(f, whole_txn(f, 1)), 0);
	keep_whole(f);
	for (i = 0; i < ARRAY_SIZE(delivery_damages); i++) {
		damage_rows(f, &delivery_damages[i]);
		assert_damage_is_found(f, &delivery_damages[i], "bsc-2");
	}
}

static void damaged_details_are_errors_that_name_alert_peer_and_message(void **state)
{
	struct fixture *f = *state;
	struct crowd *crowd = make_crowd(1, 3);
	size_t i;

	put_alert_and_message(f, 1, &text_message);
	crowd->details++;
	crowd->row.details = crowd->details;
	crowd->row.n = 2;
	put_crowd(f, crowd);
	keep_whole(f);
	for (i = 0; i < ARRAY_SIZE(detail_damages); i++) {
		damage_rows(f, &detail_damages[i]);
		assert_damage_is_found(f, &detail_damages[i], "sms");
	}
	talloc_free(crowd);
}

static int accept_handle(const struct handle_row *row, void *data)
{
	(void)row;
	(void)data;
	return 0;
}

static void a_damaged_handle_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = whole_txn(f, 1);
	char id[ALERT_ID_LEN + 1];

	make_id(id, 1);
	put_handle(txn, 1, "smsc-1", "a", 1);
	assert_int_equal(commit(f, txn), 0);
	assert_int_equal(store_load_handles(f->store, id, accept_handle, NULL), 0);
	sql(f->db, "UPDATE handle SET target = 2");
	assert_int_equal(store_load_handles(f->store, id, accept_handle, NULL), -EBADMSG);
	sql(f->db, "PRAGMA ignore_check_constraints = ON; UPDATE handle SET target = -1");
	assert_int_equal(store_load_handles(f->store, id, accept_handle, NULL), -EBADMSG);
}

static const struct {
	const char *name;
	const char *damage;
} message_damages[] = {
	{ "a page too many", "UPDATE message SET pages = CAST(x'01' || zeroblob(16 * 83) AS BLOB)" },
	{ "a page cut", "UPDATE message SET pages = substr(pages, 1, 100)" },
	{ "a page with too many octets in use",
	  "UPDATE message SET pages = CAST(x'01' || zeroblob(82) || x'53' AS BLOB)" },
	{ "no octets", "UPDATE message SET pages = x''" },
	{ "a kind that does not exist", "UPDATE message SET kind = 9" },
	{ "a class that does not exist", "UPDATE message SET class = 0" },
	{ "a warning type of 17 bits", "UPDATE message SET warning_type = 65536" },
};

static void damaged_messages_are_errors(void **state)
{
	struct fixture *f = *state;
	char id[ALERT_ID_LEN + 1];
	struct message *messages;
	struct store_reader *r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(message_damages); i++) {
		make_id(id, i);
		assert_int_equal(commit(f, whole_txn(f, i)), 0);
		sql(f->db, message_damages[i].damage);
		r = reader(f);
		if (store_read_messages(r, r, id, &messages) != -EBADMSG)
			fail_msg("taken: %s", message_damages[i].name);
		talloc_free(r);
	}
}

static const struct {
	const char *name;
	const char *damage;
} short_damages[] = {
	{ "no row", "DELETE FROM short_message" },
	{ "a kind of sender that does not exist", "UPDATE short_message SET sender_kind = 3" },
	{ "an empty sender", "UPDATE short_message SET sender_text = ''" },
	{ "a sender of 21 characters", "UPDATE short_message SET sender_text = '123456789012345678901'" },
	{ "a protocol id of 9 bits",
	  "PRAGMA ignore_check_constraints = ON; UPDATE short_message SET protocol_id = 256" },
	{ "a reference of 9 bits",
	  "PRAGMA ignore_check_constraints = ON; UPDATE short_message SET reference = 256" },
	{ "an alphabet that does not exist", "UPDATE short_message SET alphabet = 2" },
	{ "a negative length of text", "UPDATE short_message SET text_octets = -1" },
	{ "no octets", "UPDATE short_message SET parts = x''" },
	{ "no part", "UPDATE short_message SET parts = x'01'" },
	{ "a part too many", "UPDATE short_message SET parts = CAST(x'01' || zeroblob(16 * 161) AS BLOB)" },
	{ "a part cut", "UPDATE short_message SET parts = substr(parts, 1, 161)" },
	{ "another version", "UPDATE short_message SET parts = CAST(x'02' || substr(parts, 2) AS BLOB)" },
	{ "a part with too many septets", "UPDATE short_message SET parts = CAST(x'01' || zeroblob(160) || x'a1' AS BLOB)" },
	{ "a part with too many octets",
	  "UPDATE short_message SET alphabet = 1, parts = CAST(x'01' || zeroblob(160) || x'8e' AS BLOB)" },
	{ "a part with half a character",
	  "UPDATE short_message SET alphabet = 1, parts = CAST(x'01' || zeroblob(160) || x'09' AS BLOB)" },
};

static void damaged_short_messages_are_errors(void **state)
{
	struct fixture *f = *state;
	struct message message, *messages;
	struct short_message sms;
	char id[ALERT_ID_LEN + 1];
	struct store_reader *r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(short_damages); i++) {
		make_id(id, i);
		message = make_short_message(&sms, SMS_GSM7, 1);
		put_alert_and_message(f, i, &message);
		sql(f->db, short_damages[i].damage);
		r = reader(f);
		if (store_read_messages(r, r, id, &messages) != -EBADMSG)
			fail_msg("taken: %s", short_damages[i].name);
		talloc_free(r);
	}
}

/* With its thread */

struct progress {
	unsigned int reported;
	pthread_t loop;
};

static void report_in_order(int rc, void *data)
{
	struct progress *p = data;

	assert_int_equal(rc, 0);
	assert_true(pthread_equal(pthread_self(), p->loop));
	p->reported++;
}

static void the_writer_reports_on_the_loop(void **state)
{
	struct fixture *f = *state;
	struct progress p = { .loop = pthread_self() };
	unsigned int i;

	assert_int_equal(store_start(f->store), 0);
	for (i = 0; i < 300; i++) {
		store_commit(f->store, whole_txn(f, i), report_in_order, &p);
		assert_int_equal(p.reported, 0);
	}
	assert_int_equal(store_pending(f->store), 300);
	while (p.reported < 300)
		osmo_select_main(0);
	assert_int_equal(store_pending(f->store), 0);
	for (i = 300; i < 310; i++)
		store_commit(f->store, whole_txn(f, i), report_in_order, &p);
	store_close(f->store);
	assert_int_equal(p.reported, 310);
	open_store(f);
	assert_int_equal(sql_number(f->db, "SELECT count(*) FROM delivery"), 930);
}

static void octet_to(int fd)
{
	assert_int_equal(write(fd, "", 1), 1);
}

static void octet_from(int fd)
{
	char c;

	assert_int_equal(read(fd, &c, 1), 1);
}

static void behind_a_sync_that_hangs_everything_can_be_withdrawn(void **state)
{
	struct fixture *f = *state;
	struct store_txn *begun, *waits;
	int rc[2] = { 1, 1 }, withdrawn[2];

	assert_int_equal(pipe(fault.hangs), 0);
	assert_int_equal(pipe(fault.goes_on), 0);
	assert_int_equal(store_start(f->store), 0);
	/* The writer has done what it does at its start. */
	store_commit(f->store, whole_txn(f, 0), NULL, NULL);
	while (store_pending(f->store))
		osmo_select_main(0);
	begun = whole_txn(f, 1);
	fault.hang_sync = true;
	store_commit(f->store, begun, store_rc, &rc[0]);
	octet_from(fault.hangs[0]);
	waits = whole_txn(f, 2);
	store_commit(f->store, waits, store_rc, &rc[1]);
	withdrawn[0] = store_withdraw(begun);
	withdrawn[1] = store_withdraw(waits);
	octet_to(fault.goes_on[1]);
	while (store_pending(f->store))
		osmo_select_main(0);
	assert_int_equal(withdrawn[0], -EBUSY);
	assert_int_equal(withdrawn[1], 0);
	assert_int_equal(rc[0], 0);
	assert_int_equal(rc[1], 1);
	assert_true(has_alert(f, 1));
	assert_false(has_alert(f, 2));
	close(fault.hangs[0]);
	close(fault.hangs[1]);
	close(fault.goes_on[0]);
	close(fault.goes_on[1]);
}

struct watcher {
	const char *dir;
	int want;
	int seen;		/* highest seq that was whole, or -1 */
};

/* Reads while the writer writes: every alert it sees has all its rows. */
static void *watch(void *data)
{
	struct watcher *w = data;
	struct store_reader *r = store_reader_open(NULL, w->dir, NULL);
	struct delivery_row *deliveries;
	struct alert_row *rows;
	void *ctx;

	while (r && w->seen >= 0 && w->seen < w->want) {
		ctx = talloc_new(r);
		if (store_read_alerts(r, ctx, INT64_MAX, 1, &rows) == 1) {
			w->seen = store_read_deliveries(r, ctx, rows[0].id, NULL, &deliveries) == 3 ?
				  rows[0].seq : -1;
		}
		talloc_free(ctx);
	}
	talloc_free(r);
	return NULL;
}

static void a_reader_on_another_thread_sees_whole_commits(void **state)
{
	struct fixture *f = *state;
	struct watcher w = { .dir = f->dir, .want = 500 };
	struct progress p = { .loop = pthread_self() };
	pthread_t thread;
	unsigned int i;

	assert_int_equal(store_start(f->store), 0);
	assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
	for (i = 0; i < 500; i++) {
		store_commit(f->store, whole_txn(f, i), report_in_order, &p);
		while (p.reported + 5 < i)
			osmo_select_main(0);
	}
	while (p.reported < 500)
		osmo_select_main(0);
	pthread_join(thread, NULL);
	assert_int_equal(w.seen, 500);
}

/* Reads while the writer writes: the evidence of a delivery is of the commit that its row is of. */
static void *watch_one_delivery(void *data)
{
	struct watcher *w = data;
	struct store_reader *r = store_reader_open(NULL, w->dir, NULL);
	char id[ALERT_ID_LEN + 1];
	struct delivery_row *rows;
	void *ctx;
	size_t i;

	make_id(id, 1);
	while (r && w->seen >= 0 && w->seen < w->want) {
		ctx = talloc_new(r);
		w->seen = store_read_deliveries(r, ctx, id, "sms", &rows) == 1 ? rows[0].updated_utc : -1;
		for (i = 0; w->seen >= 0 && i < rows[0].n; i++) {
			if (rows[0].evidence[i].write_sent != rows[0].updated_utc)
				w->seen = -1;
		}
		talloc_free(ctx);
	}
	talloc_free(r);
	return NULL;
}

static void a_delivery_is_read_of_one_commit(void **state)
{
	struct fixture *f = *state;
	struct watcher w = { .dir = f->dir, .want = 300 };
	struct progress p = { .loop = pthread_self() };
	struct crowd *crowd = make_crowd(1, 2000);
	struct store_txn *txn;
	pthread_t thread;
	unsigned int i;
	size_t k;

	put_alert_and_message(f, 1, &text_message);
	crowd->row.updated_utc = 0;
	put_crowd(f, crowd);
	crowd->row.evidence = crowd->evidence;
	assert_int_equal(store_start(f->store), 0);
	assert_int_equal(pthread_create(&thread, NULL, watch_one_delivery, &w), 0);
	for (i = 1; i <= 300; i++) {
		crowd->row.updated_utc = i;
		for (k = 0; k < crowd->row.n; k++)
			crowd->evidence[k].write_sent = i;
		txn = store_txn_alloc(f->store);
		store_put_evidence(txn, &crowd->row);
		store_commit(f->store, txn, report_in_order, &p);
		while (p.reported < i)
			osmo_select_main(0);
	}
	pthread_join(thread, NULL);
	assert_int_equal(w.seen, 300);
	talloc_free(crowd);
}

/* Killed */

struct reporter {
	int fd;
	unsigned int nr;
};

static unsigned int outstanding;

static void tell_parent(int rc, void *data)
{
	struct reporter *r = data;

	if (rc || write(r->fd, &r->nr, sizeof(r->nr)) != sizeof(r->nr))
		_exit(1);
	free(r);
	outstanding--;
}

static void commit_until_killed(struct fixture *f, unsigned int nr, int fd)
{
	struct reporter *r;

	f->store = store_open(NULL, f->dir, NULL);
	if (!f->store || store_start(f->store) < 0)
		_exit(1);
	for (;;) {
		r = malloc(sizeof(*r));
		*r = (struct reporter){ .fd = fd, .nr = nr };
		outstanding++;
		store_commit(f->store, whole_txn(f, nr++), tell_parent, r);
		while (outstanding > 20)
			osmo_select_main(0);
	}
}

/* \returns the number of the last alert that was reported as committed. */
static unsigned int kill_after(struct fixture *f, unsigned int first, unsigned int reports)
{
	unsigned int nr, last = first - 1;
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		close(pipes[0]);
		commit_until_killed(f, first, pipes[1]);
	}
	close(pipes[1]);
	while (read(pipes[0], &nr, sizeof(nr)) == sizeof(nr)) {
		assert_int_equal(nr, last + 1);
		last = nr;
		if (nr == first + reports)
			kill(pid, SIGKILL);
	}
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return last;
}

static void what_was_reported_survives_kill_9(void **state)
{
	struct fixture *f = *state;
	unsigned int seed = getpid(), seed0 = seed, first = 1, last, kept;
	int round;

	store_close(f->store);
	for (round = 0; round < 20; round++) {
		last = kill_after(f, first, rand_r(&seed) % 150);
		open_store(f);
		kept = sql_number(f->db, "SELECT count(*) FROM alert");
		/* All that was reported, and the rest without a gap. */
		if (kept < last || sql_number(f->db, "SELECT max(seq) FROM alert") != (int)kept ||
		    sql_number(f->db, "SELECT count(*) FROM message") != 2 * (int)kept ||
		    sql_number(f->db, "SELECT count(*) FROM delivery") != 3 * (int)kept)
			fail_msg("seed %u round %d: %u reported, %u kept", seed0, round, last, kept);
		first = kept + 1;
		store_close(f->store);
	}
	open_store(f);
}

#define store_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(an_alert_is_read_back_as_it_was_put),
		store_test(the_area_is_read_back_as_it_was_put),
		store_test(an_alert_may_lack_event_headline_and_language),
		store_test(messages_are_read_back_as_they_were_put),
		store_test(deliveries_are_read_back_as_they_were_put),
		store_test(a_delivery_is_never_replaced_but_followed_by_its_next_revision),
		store_test(a_delivery_may_have_no_targets),
		store_test(recipients_are_read_back_with_what_is_known_of_them),
		store_test(recipients_to_whom_nothing_happened_are_marked_as_such),
		store_test(evidence_of_all_zeros_gets_the_mark_of_its_target),
		store_test(a_chunk_is_written_and_no_other),
		store_test(all_evidence_is_written_with_the_state),
		store_test(the_state_is_written_alone),
		store_test(a_chunk_of_a_million_recipients_costs_a_few_pages),
		store_test(evidence_of_a_delivery_that_is_not_there_is_refused),
		store_test(short_messages_are_read_back_as_they_were_put),
		store_test(handles_are_kept_until_their_receipt_comes),
		store_test(a_handle_that_is_given_again_names_the_later_target),
		store_test(a_handle_of_no_target_is_refused),
		store_test(handles_of_an_alert_that_ended_are_swept_away),
		store_test(what_was_not_swept_before_a_crash_is_swept_after_it),
		store_test(the_writer_sweeps_while_nothing_waits),
		store_test(peers_keep_their_numbers),
		store_test(it_is_kept_when_recipients_were_looked_for),
		store_test(ledger_entries_are_kept_per_identifier_and_code),
		store_test(cancels_ends_events_and_values_are_kept),
		store_test(alerts_that_ended_are_known_but_not_loaded),
		store_test(alerts_are_listed_newest_first_and_in_pages),
		store_test(a_repeated_alert_fails_alone_in_its_group),
		store_test(many_transactions_share_one_sync),
		store_test(rows_of_an_alert_that_is_not_there_are_refused),
		store_test(a_delivery_of_a_message_that_is_not_there_is_refused),
		store_test(a_message_is_never_replaced),
		store_test(too_many_waiting_transactions_are_refused_later),
		store_test(what_is_withdrawn_is_neither_written_nor_reported),
		store_test(what_was_refused_at_once_can_still_be_withdrawn),
		store_test(closing_commits_and_reports_what_waits),
		store_test(a_full_disk_fails_the_group_and_no_later_one),
		store_test(a_quota_counts_as_a_full_disk),
		store_test(a_faulty_disk_fails_the_group_and_no_later_one),
		store_test(a_limit_of_file_size_counts_as_a_full_disk),
		store_test(what_a_failed_sync_refused_does_not_come_back_after_a_crash),
		store_test(on_a_full_disk_cancels_use_the_reserve_and_new_alerts_wait),
		store_test(files_are_for_their_owner_alone),
		store_test(a_folder_is_used_by_one_daemon_at_a_time),
		store_test(a_newer_database_is_refused_and_left_alone),
		store_test(a_database_of_version_1_is_upgraded_and_keeps_everything),
		store_test(a_database_of_version_2_is_upgraded_and_keeps_everything),
		store_test(evidence_of_version_1_of_many_targets_is_kept),
		store_test(evidence_of_version_2_of_many_targets_is_kept),
		store_test(what_was_damaged_before_an_upgrade_is_found_after_it),
		store_test(a_reader_does_not_take_an_old_database_for_a_new_one),
		store_test(an_upgrade_that_fails_can_be_done_again),
		store_test(a_damaged_database_is_refused),
		store_test(what_is_no_folder_is_refused),
		store_test(damaged_deliveries_are_errors_that_name_alert_peer_and_message),
		store_test(damaged_details_are_errors_that_name_alert_peer_and_message),
		store_test(a_damaged_handle_is_an_error),
		store_test(damaged_messages_are_errors),
		store_test(damaged_short_messages_are_errors),
		store_test(the_writer_reports_on_the_loop),
		store_test(behind_a_sync_that_hangs_everything_can_be_withdrawn),
		store_test(a_reader_on_another_thread_sees_whole_commits),
		store_test(a_delivery_is_read_of_one_commit),
		store_test(what_was_reported_survives_kill_9),
	};

	log_init(&tocsin_log_info, NULL);
	make_writes_faulty();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
