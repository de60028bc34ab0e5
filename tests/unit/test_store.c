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

static void deliveries_are_read_back_as_they_were_put(void **state)
{
	struct fixture *f = *state;
	struct delivery_row *rows, want = make_delivery(1, 1, "bsc-2");
	struct store_reader *r;
	int n = 0;

	assert_int_equal(commit(f, whole_txn(f, 1)), 0);
	reopen(f);
	assert_int_equal(store_load_deliveries(f->store, want.alert_id, check_delivery, &n), 0);
	assert_int_equal(n, 3);
	r = reader(f);
	assert_int_equal(store_read_deliveries(r, r, want.alert_id, NULL, &rows), 3);
	assert_int_equal(store_read_deliveries(r, r, want.alert_id, "bsc-2", &rows), 1);
	assert_same_delivery(&rows[0], &want);
	assert_int_equal(store_read_deliveries(r, r, want.alert_id, "bsc-3", &rows), 0);
	talloc_free(r);
}

static void a_delivery_that_is_put_again_replaces_the_row(void **state)
{
	struct fixture *f = *state;
	struct store_txn *txn = store_txn_alloc(f->store);
	struct delivery_row *rows, row = make_delivery(1, 1, "bsc-2");
	struct store_reader *r;

	assert_int_equal(commit(f, whole_txn(f, 1)), 0);
	row.revision = 2;
	row.settled = true;
	row.updated_utc = NOW + 9;
	row.wanted++;
	row.n = 1;
	store_put_delivery(txn, &row);
	assert_int_equal(commit(f, txn), 0);
	r = reader(f);
	assert_int_equal(store_read_deliveries(r, r, row.alert_id, NULL, &rows), 3);
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
	struct store_txn *cancel;
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
	assert_non_null(strstr(problem.detail, reason));
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

static void assert_whole_alert(struct fixture *f, unsigned int nr)
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
	assert_int_equal(store_read_deliveries(r, r, want.id, NULL, &deliveries), 3);
	assert_same_delivery(&deliveries[0], &delivery);
	talloc_free(r);
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

	for (at = 1; at < 100; at++) {
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
	assert_in_range(at, 3, 99);
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

static const struct {
	const char *name;
	const char *damage;
} blobs[] = {
	{ "targets cut", "UPDATE delivery SET wanted = substr(wanted, 1, 28)" },
	{ "one target less", "UPDATE delivery SET wanted = substr(wanted, 1, 15)" },
	{ "evidence cut", "UPDATE delivery SET evidence = substr(evidence, 1, 44)" },
	{ "one evidence less", "UPDATE delivery SET evidence = substr(evidence, 1, 45)" },
	{ "no octets", "UPDATE delivery SET wanted = x'', evidence = x''" },
	{ "another version", "UPDATE delivery SET wanted = x'02' || substr(wanted, 2)" },
	{ "another version of evidence", "UPDATE delivery SET evidence = x'02' || substr(evidence, 2)" },
	{ "a type that does not exist", "UPDATE delivery SET wanted = x'0163' || substr(wanted, 3)" },
	{ "targets not sorted", "UPDATE delivery SET wanted = x'01' || substr(wanted, 16, 14) || substr(wanted, 2, 14)" },
	{ "a target twice", "UPDATE delivery SET wanted = x'01' || substr(wanted, 2, 14) || substr(wanted, 2, 14)" },
};

static int accept_delivery(const struct delivery_row *row, void *data)
{
	(void)row;
	(void)data;
	return 0;
}

static void damaged_deliveries_are_errors_that_name_alert_and_peer(void **state)
{
	struct fixture *f = *state;
	struct delivery_row *rows;
	char id[ALERT_ID_LEN + 1], text[512];
	struct store_reader *r;
	size_t i;

	make_id(id, 1);
	assert_int_equal(commit(f, whole_txn(f, 1)), 0);
	sql(f->db, "CREATE TABLE whole AS SELECT * FROM delivery");
	for (i = 0; i < ARRAY_SIZE(blobs); i++) {
		/* The concatenation of blobs is text to SQLite, so it is cast back. */
		snprintf(text, sizeof(text), "%s", blobs[i].damage);
		sql(f->db, "PRAGMA ignore_check_constraints = ON; DELETE FROM delivery;"
		    "INSERT INTO delivery SELECT * FROM whole");
		if (strstr(text, "||")) {
			char *eq = strchr(text, '=');
			char cast[512];

			snprintf(cast, sizeof(cast), "%.*s= CAST(%s AS BLOB)", (int)(eq - text), text, eq + 1);
			sql(f->db, cast);
		} else {
			sql(f->db, text);
		}
		r = reader(f);
		if (store_read_deliveries(r, r, id, "bsc-2", &rows) != -EBADMSG)
			fail_msg("taken: %s", blobs[i].name);
		assert_non_null(strstr(store_reader_why(r), id));
		assert_non_null(strstr(store_reader_why(r), "bsc-2"));
		talloc_free(r);
		assert_int_equal(store_load_deliveries(f->store, id, accept_delivery, NULL), -EBADMSG);
	}
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
		store_test(a_delivery_that_is_put_again_replaces_the_row),
		store_test(a_delivery_may_have_no_targets),
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
		store_test(a_reader_does_not_take_an_old_database_for_a_new_one),
		store_test(an_upgrade_that_fails_can_be_done_again),
		store_test(a_damaged_database_is_refused),
		store_test(what_is_no_folder_is_refused),
		store_test(damaged_deliveries_are_errors_that_name_alert_and_peer),
		store_test(damaged_messages_are_errors),
		store_test(the_writer_reports_on_the_loop),
		store_test(behind_a_sync_that_hangs_everything_can_be_withdrawn),
		store_test(a_reader_on_another_thread_sees_whole_commits),
		store_test(what_was_reported_survives_kill_9),
	};

	log_init(&tocsin_log_info, NULL);
	make_writes_faulty();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
