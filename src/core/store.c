/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The store's writing side.
 *
 * Transactions that wait together are a group: one SQLite transaction, one savepoint for each of
 * them, so that one that breaks a constraint fails alone, while a fault of the disk fails the
 * group. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <osmocom/core/it_q.h>
#include <osmocom/core/linuxlist.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>

#include "store_txn.h"

#define MAX_PENDING 10000
#define MAX_GROUP 512

/* Pages of write-ahead log: from SOFT on, a pause is used to move them into the database; at HARD
 * that is done whether or not something waits. */
#define WAL_SOFT 1000
#define WAL_HARD 65536
#define PAUSE_MS 100

struct store {
	struct sql sql;			/* the writer's, once it runs */
	struct reserve reserve;		/* so is this */
	int wal_pages;			/* and this */
	bool sweep;			/* and this: handles of ended alerts may be left */
	char *dir;
	int lock_fd;
	struct osmo_it_q *work;		/* loop to writer */
	struct osmo_it_q *reports;	/* writer to loop */
	struct store_txn *stop;
	size_t pending;			/* the loop's */
	int64_t moved_ms;		/* the last report, or the first to wait after it; monotonic */
	bool threaded;
	pthread_t thread;
};

/* Writing: all of this runs on the writer's thread, and allocates with talloc nowhere */

static int bind(struct sql *sql, sqlite3_stmt *stmt, int i, const struct value *v)
{
	switch (v->type) {
	case VALUE_ALERT:
		return sqlite3_bind_int64(stmt, i, sql->alert_seq);
	case VALUE_INT:
		return sqlite3_bind_int64(stmt, i, v->number);
	case VALUE_TEXT:
		return sqlite3_bind_text64(stmt, i, v->data, v->len, SQLITE_STATIC, SQLITE_UTF8);
	case VALUE_BLOB:
		return sqlite3_bind_blob64(stmt, i, v->data, v->len, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(stmt, i);
	}
}

static int not_there(struct sql *sql)
{
	snprintf(sql->why, sizeof(sql->why), "there is no such alert or delivery");
	return -ENOENT;
}

/* The row number of the alert that an operation names. The operations of a transaction name mostly
 * the same one, and within it that row does not go away. */
static int find_alert(struct sql *sql, const struct op *op)
{
	sqlite3_stmt *stmt = sql->stmts[SQL_FIND_ALERT];
	const struct value *v = &op->values[0];
	int rc;

	if (!op->n || v->type != VALUE_ALERT || (v->len == strlen(sql->alert_id) &&
						 !memcmp(v->data, sql->alert_id, v->len)))
		return 0;
	sql->alert_id[0] = '\0';
	errno = 0;
	sqlite3_bind_text64(stmt, 1, v->data, v->len, SQLITE_STATIC, SQLITE_UTF8);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		sql->alert_seq = sqlite3_column_int64(stmt, 0);
		snprintf(sql->alert_id, sizeof(sql->alert_id), "%.*s", (int)v->len, (const char *)v->data);
		rc = 0;
	} else {
		rc = rc == SQLITE_DONE ? not_there(sql) : sql_error(sql, rc);
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc;
}

/* Every operation must change something: what changes nothing names what is not there. A handle
 * alone need not be. */
static int run_op(struct sql *sql, const struct op *op)
{
	sqlite3_stmt *stmt = sql->stmts[op->stmt];
	int rc = find_alert(sql, op);
	size_t i;

	if (rc < 0)
		return rc;
	for (i = 0; i < op->n && rc == SQLITE_OK; i++)
		rc = bind(sql, stmt, i + 1, &op->values[i]);
	errno = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_DONE) {
		rc = sql_error(sql, rc);
	} else if (op->stmt != SQL_DROP_HANDLE && !sqlite3_changes(sql->db)) {
		rc = not_there(sql);
	} else {
		rc = 0;
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc;
}

/* Errors that lie in the transaction and leave its neighbours alone. */
static bool fails_alone(int rc)
{
	return rc == -EEXIST || rc == -EINVAL || rc == -ENOENT || rc == -E2BIG;
}

/* \returns false when it was withdrawn. A group that found the disk full is run once more. */
static bool begin(struct store_txn *txn)
{
	enum txn_stage stage = TXN_WAITS;

	return atomic_compare_exchange_strong(&txn->stage, &stage, TXN_BEGUN) || stage == TXN_BEGUN;
}

/* \returns 0, also when it failed alone (its rc says so), or the errno that fails the group. */
static int run_txn(struct sql *sql, struct store_txn *txn)
{
	const struct op *op;
	int rc;

	if (!begin(txn))
		return 0;
	rc = sql_run(sql, SQL_SAVEPOINT);
	if (rc < 0)
		return rc;
	sql->alert_id[0] = '\0';
	llist_for_each_entry(op, &txn->ops, entry) {
		rc = run_op(sql, op);
		if (rc < 0)
			break;
	}
	if (rc < 0 && (!fails_alone(rc) || sqlite3_get_autocommit(sql->db)))
		return rc;
	txn->rc = rc;
	if (rc < 0) {
		snprintf(txn->why, sizeof(txn->why), "%.119s", sql->why);
		rc = sql_run(sql, SQL_ROLLBACK_TO);
		if (rc < 0)
			return rc;
	}
	return sql_run(sql, SQL_RELEASE);
}

/* A commit of which only the last sync failed is complete in the page cache: after a crash SQLite
 * could find it and take it for good, although it was reported as not kept. Another one overwrites
 * the beginning of its frames in the log, whose checksums form a chain. */
static void scrub(struct sql *sql)
{
	char why[sizeof(sql->why)];

	memcpy(why, sql->why, sizeof(why));
	if (sql_run(sql, SQL_BEGIN) == 0 &&
	    (sql_run(sql, SQL_SCRUB) < 0 || sql_run(sql, SQL_COMMIT) < 0) &&
	    !sqlite3_get_autocommit(sql->db))
		(void)sql_run(sql, SQL_ROLLBACK);	/* nothing is left to try */
	memcpy(sql->why, why, sizeof(why));
}

static int commit_group(struct sql *sql, struct store_txn **group, size_t n)
{
	bool at_commit = false;
	size_t i;
	int rc = sql_run(sql, SQL_BEGIN);

	if (rc < 0)
		return rc;
	for (i = 0; i < n && rc == 0; i++) {
		if (group[i]->rc != -ENOSPC)
			rc = run_txn(sql, group[i]);
	}
	if (rc == 0) {
		rc = sql_run(sql, SQL_COMMIT);
		at_commit = rc < 0;
	}
	if (rc < 0 && !sqlite3_get_autocommit(sql->db)) {
		char why[sizeof(sql->why)];

		memcpy(why, sql->why, sizeof(why));
		(void)sql_run(sql, SQL_ROLLBACK);	/* it undoes what it can */
		memcpy(sql->why, why, sizeof(why));
	}
	if (at_commit)
		scrub(sql);
	return rc;
}

/* Once the reserve is spent, what is left of it belongs to cancels and evidence. */
static void refuse_content(struct store *store, struct store_txn **group, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		group[i]->rc = store->reserve.spent && group[i]->content ? -ENOSPC : 0;
}

static void write_group(struct store *store, struct store_txn **group, size_t n)
{
	size_t i;
	int rc;

	reserve_make(&store->reserve);
	refuse_content(store, group, n);
	rc = commit_group(&store->sql, group, n);
	if (rc == -ENOSPC && reserve_spend(&store->reserve)) {
		refuse_content(store, group, n);
		rc = commit_group(&store->sql, group, n);
	}
	for (i = 0; rc < 0 && i < n; i++) {
		if (group[i]->rc == 0)
			group[i]->rc = rc;
	}
	if (rc < 0)
		snprintf(group[0]->why, sizeof(group[0]->why), "%.119s", store->sql.why);
	for (i = 0; i < n; i++) {
		store->sweep |= group[i]->ends;
		osmo_it_q_enqueue(store->reports, group[i], entry);
	}
}

/* Receipts of an alert that has ended are of no use. Some handles at a time, while nothing waits;
 * what fails is done after the next end or start. */
static void sweep(struct store *store)
{
	int n = 0, rc = sql_run(&store->sql, SQL_BEGIN);

	if (rc == 0)
		rc = sql_run(&store->sql, SQL_SWEEP);
	if (rc == 0) {
		n = sqlite3_changes(store->sql.db);
		rc = sql_run(&store->sql, SQL_COMMIT);
	}
	if (rc < 0 && !sqlite3_get_autocommit(store->sql.db))
		(void)sql_run(&store->sql, SQL_ROLLBACK);	/* the next commit tells */
	store->sweep = rc == 0 && n > 0;
}

/* A checkpoint that fails loses nothing, since the log still holds everything; that the disk is
 * bad shows at the next commit, after which it is tried again. \returns true if nothing is left to
 * move. */
static bool checkpoint(struct store *store)
{
	int pages, moved;
	int rc = sqlite3_wal_checkpoint_v2(store->sql.db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);

	store->wal_pages = 0;
	return rc == SQLITE_OK && pages == moved;
}

/* In a pause. The first commit after it has the log begin anew, which takes a sync more: that one
 * is made here, and the next alert need not wait for it. A log that a reader still holds would only
 * grow by it. */
static void checkpoint_at_leisure(struct store *store)
{
	if (!checkpoint(store))
		return;
	if (sql_run(&store->sql, SQL_BEGIN) == 0 &&
	    (sql_run(&store->sql, SQL_TOUCH) < 0 || sql_run(&store->sql, SQL_COMMIT) < 0) &&
	    !sqlite3_get_autocommit(store->sql.db))
		(void)sql_run(&store->sql, SQL_ROLLBACK);	/* the next commit tells */
}

static int wal_hook(void *data, sqlite3 *db, const char *name, int pages)
{
	struct store *store = data;

	(void)db;
	(void)name;
	store->wal_pages = pages;
	return SQLITE_OK;
}

/* Move what is in the queue to a list, waiting for it if there is nothing. As many are taken as
 * its eventfd counts, because osmo_it_q's dequeue must not be called on an empty queue.
 * \returns their number. */
static size_t collect(struct osmo_it_q *q, struct llist_head *list, int timeout_ms)
{
	struct pollfd pfd = { .fd = q->event_ofd.fd, .events = POLLIN };
	uint64_t count, i;

	if (poll(&pfd, 1, timeout_ms) <= 0 || read(pfd.fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	for (i = 0; i < count; i++)
		llist_add_tail(_osmo_it_q_dequeue(q), list);
	return count;
}

/* Write what waits, a group. \returns false when the list held the order to stop. */
static bool write_some(struct store *store, struct llist_head *waiting)
{
	struct store_txn *group[MAX_GROUP], *txn;
	bool stop = false;
	size_t n = 0;

	while (n < MAX_GROUP && !stop && !llist_empty(waiting)) {
		txn = llist_first_entry(waiting, struct store_txn, entry);
		llist_del(&txn->entry);
		stop = txn->stop;
		if (!stop)
			group[n++] = txn;
	}
	if (n)
		write_group(store, group, n);
	if (store->wal_pages >= WAL_HARD)
		(void)checkpoint(store);
	return !stop;
}

/* What waits, or while nothing does, some tidying or sleep. */
static void await_work(struct store *store, struct llist_head *waiting)
{
	if (collect(store->work, waiting, 0) || !llist_empty(waiting))
		return;
	if (store->sweep)
		sweep(store);
	else if (store->wal_pages < WAL_SOFT)
		collect(store->work, waiting, -1);
	else if (!collect(store->work, waiting, PAUSE_MS))
		checkpoint_at_leisure(store);
}

static void *writer_main(void *data)
{
	struct store *store = data;
	LLIST_HEAD(waiting);

	log_extend(store->dir);
	do {
		await_work(store, &waiting);
	} while (write_some(store, &waiting));
	return NULL;
}

/* The loop's side */

static void report(struct store *store, struct store_txn *txn)
{
	store->pending--;
	store->moved_ms = clock_mono_ms();
	if (txn->why[0])
		LOGP(DSTORE, LOGL_ERROR, "commit failed: %s: %s\n", strerror(-txn->rc), txn->why);
	if (txn->done)
		txn->done(txn->rc, txn->data);
	talloc_free(txn);
}

static void report_cb(struct osmo_it_q *q, struct llist_head *item)
{
	report(q->data, llist_entry(item, struct store_txn, entry));
}

static void not_called(struct osmo_it_q *q, struct llist_head *item)
{
	(void)q;
	(void)item;
}

void store_commit(struct store *store, struct store_txn *txn, store_done done, void *data)
{
	txn->done = done;
	txn->data = data;
	txn->rc = txn->error;
	if (!txn->rc && store->pending >= MAX_PENDING)
		txn->rc = -EBUSY;
	if (!store->pending++)
		store->moved_ms = clock_mono_ms();
	osmo_it_q_enqueue(txn->rc ? store->reports : store->work, txn, entry);
}

int store_withdraw(struct store_txn *txn)
{
	enum txn_stage stage = TXN_WAITS;

	if (!atomic_compare_exchange_strong(&txn->stage, &stage, TXN_WITHDRAWN))
		return -EBUSY;
	txn->done = NULL;
	/* What is left of it waits for the disk; what it held does not. */
	INIT_LLIST_HEAD(&txn->ops);
	talloc_free_children(txn);
	txn->block = NULL;
	txn->block_left = 0;
	return 0;
}

size_t store_pending(const struct store *store)
{
	return store->pending;
}

int64_t store_stalled_ms(const struct store *store)
{
	return store->pending ? clock_mono_ms() - store->moved_ms : 0;
}

void store_drain(struct store *store)
{
	struct store_txn *txn, *next;
	size_t n;

	do {
		LLIST_HEAD(waiting);
		LLIST_HEAD(reports);

		n = collect(store->work, &waiting, 0);
		while (!llist_empty(&waiting))
			write_some(store, &waiting);
		n += collect(store->reports, &reports, 0);
		llist_for_each_entry_safe(txn, next, &reports, entry)
			report(store, txn);
	} while (n);
	while (store->sweep)
		sweep(store);
	if (store->wal_pages >= WAL_SOFT)
		(void)checkpoint(store);
}

int store_start(struct store *store)
{
	sigset_t all, old;
	int rc;

	rc = osmo_fd_register(&store->reports->event_ofd);
	if (rc < 0)
		return rc;
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&store->thread, NULL, writer_main, store);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		osmo_fd_unregister(&store->reports->event_ofd);
		return -rc;
	}
	store->threaded = true;
	return 0;
}

static void stop_writer(struct store *store)
{
	osmo_it_q_enqueue(store->work, store->stop, entry);
	pthread_join(store->thread, NULL);
	osmo_fd_unregister(&store->reports->event_ofd);
	store->threaded = false;
}

/* Also undoes a half-made store. */
static void release(struct store *store)
{
	sql_close(&store->sql);
	if (store->work)
		osmo_it_q_destroy(store->work);
	if (store->reports)
		osmo_it_q_destroy(store->reports);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	talloc_free(store);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->threaded)
		stop_writer(store);
	store_drain(store);
	release(store);
}

const char *store_dir(const struct store *store)
{
	return store->dir;
}

/* Opening */

static int refuse(const struct store *store, struct problem *problem, const char *what, int rc)
{
	return problem_set(problem, PROBLEM_STORE_UNAVAILABLE, store->dir, 0, "%s: %s", what,
			   strerror(-rc));
}

static int sync_folder(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static int lock_folder(struct store *store, int dirfd)
{
	store->lock_fd = openat(dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return store->lock_fd < 0 || flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

/* SQLite gives its other files the mode of the database. Only with the folder locked: to close a
 * file that SQLite has open elsewhere in this process would undo SQLite's own locks on it. */
static int make_database_file(int dirfd)
{
	int fd = openat(dirfd, STORE_DATABASE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int open_folder(struct store *store, struct problem *problem)
{
	bool made = mkdir(store->dir, 0700) == 0;
	int rc, dirfd;

	if (!made && errno != EEXIST)
		return refuse(store, problem, "the folder cannot be made", -errno);
	dirfd = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return refuse(store, problem, "the folder cannot be opened", -errno);
	rc = lock_folder(store, dirfd);
	if (rc == -EWOULDBLOCK) {
		close(dirfd);
		return refuse(store, problem, "another daemon uses the folder", rc);
	}
	if (!rc)
		rc = make_database_file(dirfd);
	if (!rc)
		rc = sync_folder(dirfd, ".");
	if (!rc && made)
		rc = sync_folder(dirfd, "..");
	close(dirfd);
	return rc < 0 ? refuse(store, problem, "the folder cannot be used", rc) : 0;
}

static struct osmo_it_q *make_queue(struct store *store, const char *name,
				    void (*cb)(struct osmo_it_q *q, struct llist_head *item))
{
	char unique[48];

	/* The names of queues are shared by all of the program. */
	snprintf(unique, sizeof(unique), "%s-%p", name, (void *)store);
	return osmo_it_q_alloc(store, unique, UINT32_MAX, cb, store);
}

static int open_database(struct store *store, struct problem *problem)
{
	char *path = talloc_asprintf(store, "%s/" STORE_DATABASE, store->dir);
	int rc = path ? sql_open_writer(&store->sql, path) : -ENOMEM;

	talloc_free(path);
	if (rc < 0)
		return problem_set(problem, PROBLEM_STORE_UNAVAILABLE, store->dir, 0, "%s",
				   path ? store->sql.why : "no memory");
	sqlite3_wal_hook(store->sql.db, wal_hook, store);
	return 0;
}

static int open_all(struct store *store, const char *dir, struct problem *problem)
{
	int rc;

	store->dir = talloc_strdup(store, dir);
	store->reserve.dir = store->dir;
	store->reserve.path = talloc_asprintf(store, "%s/reserve", dir);
	store->work = make_queue(store, "store-work", not_called);
	store->reports = make_queue(store, "store-reports", report_cb);
	store->stop = talloc_zero(store, struct store_txn);
	if (!store->dir || !store->reserve.path || !store->work || !store->reports || !store->stop)
		return problem_set(problem, PROBLEM_STORE_UNAVAILABLE, dir, 0, "no memory");
	store->stop->stop = true;
	rc = open_folder(store, problem);
	if (rc < 0)
		return rc;
	reserve_make(&store->reserve);
	return open_database(store, problem);
}

struct store *store_open(void *ctx, const char *dir, struct problem *problem)
{
	struct store *store = talloc_zero(ctx, struct store);

	if (!store) {
		problem_set(problem, PROBLEM_STORE_UNAVAILABLE, dir, 0, "no memory");
		return NULL;
	}
	store->lock_fd = -1;
	store->sweep = true;
	if (open_all(store, dir, problem) < 0) {
		release(store);
		return NULL;
	}
	return store;
}

/* Loading, with the writer's handle, before it runs */

static int loaded(struct store *store, int rc, const char *what)
{
	if (rc < 0)
		LOGP(DSTORE, LOGL_ERROR, "cannot load %s: %s: %s\n", what, strerror(-rc), store->sql.why);
	return rc;
}

int store_load_keys(struct store *store, int (*cb)(const struct alert_row *row, void *data),
		    void *data)
{
	return loaded(store, sql_load_keys(&store->sql, cb, data), "the keys of alerts");
}

int store_load_live(struct store *store, int (*cb)(const struct alert_row *row, void *data),
		    void *data)
{
	return loaded(store, sql_load_live(&store->sql, cb, data), "live alerts");
}

int store_load_messages(struct store *store, const char *alert_id,
			int (*cb)(const struct message *message, void *data), void *data)
{
	return loaded(store, sql_load_messages(&store->sql, alert_id, cb, data), "messages");
}

int store_load_deliveries(struct store *store, const char *alert_id,
			  int (*cb)(const struct delivery_row *row, void *data), void *data)
{
	return loaded(store, sql_load_deliveries(&store->sql, alert_id, NULL, cb, data), "deliveries");
}

int store_load_ledger(struct store *store, int (*cb)(const struct ledger_entry *entry, void *data),
		      void *data)
{
	return loaded(store, sql_load_ledger(&store->sql, cb, data), "the ledger");
}

int store_load_handles(struct store *store, const char *alert_id,
		       int (*cb)(const struct handle_row *row, void *data), void *data)
{
	return loaded(store, sql_load_handles(&store->sql, alert_id, cb, data), "handles");
}

int store_load_peer_numbers(struct store *store,
			    int (*cb)(uint8_t number, const char *name, void *data), void *data)
{
	return loaded(store, sql_load_peer_numbers(&store->sql, cb, data), "numbers of peers");
}

char *store_get_meta(struct store *store, void *ctx, const char *key)
{
	return sql_get_meta(&store->sql, ctx, key);
}
