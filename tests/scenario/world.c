/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <osmocom/core/application.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>

#include <tocsin/base/clock.h>
#include <tocsin/base/log.h>
#include <tocsin/cap/cap.h>

#include "checker.h"
#include "sms_checker.h"
#include "world_sms.h"

/* Rounds at one instant after which the daemon is taken to spin. */
#define MAX_ROUNDS 5000
#define RESERVE_LEN (8 << 20)
/* From 20 to 70 degrees east. */
#define CELLS_IN_A_ROW 5000

/* Scratch folders */

/* Memory is as durable as anything here, and a commit there costs no wait. */
static char *make_scratch(void *ctx)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
	char *path = talloc_asprintf(ctx, "%s/tocsin-scenario-XXXXXX", base ? base : "/tmp");

	assert_non_null(mkdtemp(path));
	return path;
}

static void remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		(void)unlinkat(dirfd(dir), e->d_name, 0);	/* "." and ".." cannot be */
	if (dir)
		closedir(dir);
	assert_int_equal(rmdir(path), 0);
}

/* The store's reserve, without its blocks, which take a while to get. */
static void make_reserve(const char *dir)
{
	char *path = talloc_asprintf(NULL, "%s/reserve", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, RESERVE_LEN), 0);
	close(fd);
	talloc_free(path);
}

static char *make_store_folder(struct world *w)
{
	char *path = talloc_asprintf(w, "%s/%u%s", w->scratch, w->life, w->doomed ? "-grave" : "");

	assert_int_equal(mkdir(path, 0700), 0);
	make_reserve(path);
	return path;
}

static void copy_file(int from_dir, int to_dir, const char *name)
{
	int from = openat(from_dir, name, O_RDONLY), to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	char buf[65536];
	ssize_t n;

	assert_true(from >= 0 && to >= 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		assert_int_equal(write(to, buf, n), n);
	assert_int_equal(n, 0);
	close(from);
	close(to);
}

/* What a crash of the machine would leave: the files, without the shared memory and the locks. */
static void copy_store(const char *from, const char *to)
{
	DIR *dir = opendir(from), *other = opendir(to);
	struct dirent *e;

	assert_true(dir && other);
	while ((e = readdir(dir))) {
		if (*e->d_name == '.' || strstr(e->d_name, "-shm") || !strcmp(e->d_name, "lock") ||
		    !strcmp(e->d_name, "reserve"))
			continue;
		copy_file(dirfd(dir), dirfd(other), e->d_name);
	}
	closedir(dir);
	closedir(other);
}

/* Violations */

void world_violate(struct world *w, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	if (w->violation[0] || w->doomed)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(w->violation, sizeof(w->violation), "%s%sat %lld.%03lld s: %s", w->name ? w->name : "",
		 w->name ? ", " : "", (long long)(w->mono_ms / 1000), (long long)(w->mono_ms % 1000), what);
}

static void judge(struct world *w)
{
	if (w->violation[0])
		fail_msg("%s", w->violation);
}

/* Time */

static void set_clocks(void)
{
	struct timespec *mono = osmo_clock_override_gettimespec(CLOCK_MONOTONIC);

	osmo_gettimeofday_override_time = (struct timeval){ .tv_sec = WORLD_EPOCH };
	osmo_gettimeofday_override = true;
	osmo_clock_override_enable(CLOCK_MONOTONIC, true);
	*mono = (struct timespec){ .tv_sec = 1000 };
}

static void advance(struct world *w, int64_t ms)
{
	w->mono_ms += ms;
	osmo_gettimeofday_override_add(ms / 1000, ms % 1000 * 1000);
	osmo_clock_override_add(CLOCK_MONOTONIC, ms / 1000, ms % 1000 * 1000000);
}

int64_t world_utc(const struct world *w)
{
	(void)w;
	return osmo_gettimeofday_override_time.tv_sec;
}

void world_step_clock(struct world *w, int64_t seconds)
{
	unsigned int i;

	osmo_gettimeofday_override_time.tv_sec += seconds;
	w->clock_set_back |= seconds < 0;
	w->clock_stepped |= seconds != 0;
	for (i = 0; i < w->n_bscs; i++)
		bsc_clock_set(w->bscs[i]);
	for (i = 0; i < w->n_smscs; i++)
		smsc_clock_set(w->smscs[i]);
	if (osmo_timer_pending(&w->drain_timer))
		osmo_timer_schedule(&w->drain_timer, 0, 1000);
	if (w->gw)
		gateway_wake(w->gw);
}

/* The store */

static void drain_cb(void *data)
{
	struct world *w = data;

	w->drain_due = true;
}

static void drain_now(struct world *w)
{
	w->drain_due = false;
	world_point(w);
	store_drain(gateway_store(w->gw));
	if (w->store_failing)
		w->store_failed_ms = w->mono_ms;
	world_point(w);
}

/* \returns whether anything was committed. */
static bool drain(struct world *w)
{
	if (w->store_stuck || w->store_failing || w->store_delay_ms)
		w->store_slow_ms = w->mono_ms;
	if (!w->gw || w->store_stuck || !store_pending(gateway_store(w->gw)))
		return false;
	if (w->store_delay_ms && !w->drain_due) {
		if (!osmo_timer_pending(&w->drain_timer))
			osmo_timer_schedule(&w->drain_timer, w->store_delay_ms / 1000,
					    w->store_delay_ms % 1000 * 1000);
		return false;
	}
	drain_now(w);
	return true;
}

/* Without its signal the limit makes every write of a file fail with EFBIG. */
static void limit_writes(bool fail)
{
	struct rlimit limit;

	signal(SIGXFSZ, fail ? SIG_IGN : SIG_DFL);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = fail ? 1 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

void world_fail_store(struct world *w, bool fail)
{
	limit_writes(fail);
	w->store_failing = fail;
	w->store_failed_ms = w->mono_ms;
}

/* Life and death */

void world_point(struct world *w)
{
	bool failing = w->store_failing;

	if (w->doomed || ++w->points != w->kill_at)
		return;
	w->doomed = true;
	limit_writes(false);
	w->grave = make_store_folder(w);
	copy_store(w->dir, w->grave);
	limit_writes(failing);
}

static void write_cells(struct world *w, const char *path)
{
	FILE *f = fopen(path, "w");
	char id[TARGET_TEXT_LEN];
	unsigned int b;
	size_t i;

	assert_non_null(f);
	fprintf(f, "type,id,peer,lat,lon,range_m,azimuth_deg,beam_deg\n");
	for (b = 0; b < w->n_bscs; b++) {
		for (i = 0; i < w->bscs[b]->n_cells; i++) {
			if (w->bscs[b]->unlisted[i])
				continue;
			fprintf(f, "cgi,%s,%s,%.2f,%.2f,200,,\n",
				target_format(&w->bscs[b]->cells[i], id, sizeof(id)), w->bscs[b]->name,
				10.5 + b + 0.01 * (i / CELLS_IN_A_ROW), 20 + 0.01 * (i % CELLS_IN_A_ROW));
		}
	}
	assert_int_equal(fclose(f), 0);
}

static void add_etws_rule(struct world *w)
{
	const struct profile_rule rule = {
		.nr = 1, .status = CAP_STATUS_ACTUAL, .severity = PROFILE_ANY, .urgency = PROFILE_ANY,
		.certainty = PROFILE_ANY, .event = "ETWS", .identifier = 4352, .etws = true,
		.etws_type = CBS_ETWS_EARTHQUAKE,
	};

	assert_int_equal(profile_set_rule(gateway_profile(w->gw), &rule, NULL), 0);
}

static void life_begins(struct world *w)
{
	char *cells = talloc_asprintf(w, "%s/cells.csv", w->scratch);
	struct problem problem = { 0 };
	unsigned int i;

	w->doomed = false;
	w->life_ms = w->mono_ms;
	w->gw = gateway_alloc(w);
	assert_non_null(w->gw);
	add_etws_rule(w);
	world_sms_begin(w);
	for (i = 0; i < w->n_bscs; i++)
		assert_int_equal(bsc_attach(w->bscs[i]), 0);
	for (i = 0; i < w->n_smscs; i++)
		assert_int_equal(smsc_attach(w->smscs[i]), 0);
	if (gateway_start(w->gw, w->dir, false, &problem) < 0)
		fail_msg("%s: the daemon does not start: %s %s", w->name ? w->name : "", problem.where,
			 problem.detail);
	assert_int_equal(gateway_cells_at_start(w->gw, cells, &problem), 0);
	w->reader = store_reader_open(w, w->dir, &problem);
	assert_non_null(w->reader);
	checker_new_life(w->checker);
	sms_checker_new_life(w->sms_checker);
	talloc_free(cells);
}

/* Nobody hears the answers any more. */
static void lose_posts(struct world *w)
{
	struct post *post;

	llist_for_each_entry(post, &w->posts, entry) {
		if (!post->answered)
			post->lost = true;
	}
}

static void life_ends(struct world *w)
{
	if (!w->gw)
		return;
	lose_posts(w);
	osmo_timer_del(&w->drain_timer);
	world_sms_end(w);
	w->drain_due = false;
	TALLOC_FREE(w->reader);
	gateway_stop(w->gw);
	TALLOC_FREE(w->gw);
}

/* What was on disk at the moment of death is the next life's store, on a disk that works. */
static void rebirth(struct world *w)
{
	life_ends(w);
	if (w->store_failing)
		world_fail_store(w, false);
	remove_folder(w->dir);
	talloc_free(w->dir);
	w->dir = w->grave;
	w->grave = NULL;
	w->life++;
	w->kill_at = 0;
	life_begins(w);
}

void world_crash(struct world *w)
{
	w->kill_at = w->points + 1;
	world_point(w);
	rebirth(w);
	judge(w);
}

void world_stop(struct world *w)
{
	life_ends(w);
	judge(w);
}

void world_start_again(struct world *w)
{
	w->life++;
	life_begins(w);
}

void world_start(struct world *w)
{
	char *cells = talloc_asprintf(w, "%s/cells.csv", w->scratch);

	write_cells(w, cells);
	talloc_free(cells);
	world_put_recipients(w);
	w->dir = make_store_folder(w);
	life_begins(w);
}

struct fake_bsc *world_add_bsc(struct world *w, size_t n_cells)
{
	struct fake_bsc *bsc = bsc_alloc(w, w->n_bscs, n_cells);

	assert_true(w->n_bscs < WORLD_MAX_BSCS);
	w->bscs[w->n_bscs++] = bsc;
	return bsc;
}

struct fake_bsc *world_add_twin(struct world *w, const struct fake_bsc *of)
{
	assert_true(w->n_bscs < WORLD_MAX_BSCS);
	w->bscs[w->n_bscs] = bsc_alloc_twin(w, w->n_bscs, of);
	return w->bscs[w->n_bscs++];
}

void world_import_cells(struct world *w)
{
	char *cells = talloc_asprintf(w, "%s/cells.csv", w->scratch);

	write_cells(w, cells);
	if (w->gw)
		assert_int_equal(gateway_import_cells(w->gw, cells, NULL, NULL), 0);
	talloc_free(cells);
}

struct world *world_open(void)
{
	struct world *w = talloc_zero(NULL, struct world);

	set_clocks();
	w->scratch = make_scratch(w);
	w->store_failed_ms = INT32_MIN;
	w->rows_every_ms = 500;
	w->languages[0] = "en";
	world_sms_open(w);
	INIT_LLIST_HEAD(&w->posts);
	osmo_timer_setup(&w->drain_timer, drain_cb, w);
	w->checker = checker_alloc(w);
	w->sms_checker = sms_checker_alloc(w);
	return w;
}

void world_close(struct world *w)
{
	unsigned int i;

	w->doomed = true;
	if (w->store_failing)
		world_fail_store(w, false);
	life_ends(w);
	for (i = 0; i < w->n_bscs; i++)
		bsc_release(w->bscs[i]);
	for (i = 0; i < w->n_smscs; i++)
		smsc_release(w->smscs[i]);
	osmo_timer_del(&w->drain_timer);
	if (w->grave)
		remove_folder(w->grave);
	if (w->dir)
		remove_folder(w->dir);
	(void)unlink(talloc_asprintf(w, "%s/cells.csv", w->scratch));	/* it may not be there */
	assert_int_equal(rmdir(w->scratch), 0);
	talloc_free(w);
	osmo_gettimeofday_override = false;
	osmo_clock_override_enable(CLOCK_MONOTONIC, false);
}

int world_group_setup(void **state)
{
	(void)state;
	osmo_init_logging2(NULL, &tocsin_log_info);
	log_set_print_filename2(osmo_stderr_target, LOG_FILENAME_NONE);
	log_set_log_level(osmo_stderr_target, getenv("WORLD_LOG") ? LOGL_DEBUG : LOGL_FATAL);
	return cap_init();
}

int world_group_teardown(void **state)
{
	(void)state;
	cap_exit();
	log_fini();
	return 0;
}

int world_setup(void **state)
{
	*state = world_open();
	return 0;
}

int world_teardown(void **state)
{
	world_close(*state);
	return 0;
}

/* Steps */

static void deliver_answers(struct world *w)
{
	struct post *post;

	if (w->doomed)
		return;
	llist_for_each_entry(post, &w->posts, entry) {
		if (post->staged && !post->answered && !post->lost)
			post->answered = true;
	}
}

/* Everything that happens at this instant. */
static void settle(struct world *w)
{
	unsigned int rounds = 0;
	bool committed, rows = false;
	int fired;

	do {
		osmo_timers_prepare();
		fired = osmo_timers_update();
		committed = drain(w);
		rows |= committed;
		deliver_answers(w);
		if (w->doomed && w->gw) {
			rebirth(w);
			committed = true;
		}
		if (++rounds > MAX_ROUNDS)
			world_violate(w, "the daemon spins");
	} while ((fired || committed) && !w->violation[0]);
	checker_air(w->checker);
	w->rows_new |= rows;
	if (w->rows_new && w->gw && !w->rows_unchecked && w->mono_ms >= w->rows_ms + w->rows_every_ms) {
		w->rows_new = false;
		w->rows_ms = w->mono_ms;
		checker_rows(w->checker);
	}
	judge(w);
}

/* Milliseconds to the next timer, rounded up, at most max. */
static int64_t to_next(int64_t max)
{
	struct timeval *next;
	int64_t ms;

	osmo_timers_prepare();
	next = osmo_timers_nearest();
	if (!next)
		return max;
	ms = (int64_t)next->tv_sec * 1000 + (next->tv_usec + 999) / 1000;
	return OSMO_MIN(OSMO_MAX(ms, 1), max);
}

void world_run_ms(struct world *w, int64_t ms)
{
	int64_t until = w->mono_ms + ms;

	settle(w);
	while (w->mono_ms < until) {
		advance(w, to_next(until - w->mono_ms));
		settle(w);
	}
}

void world_run(struct world *w, double seconds)
{
	world_run_ms(w, seconds * 1000);
}

/* Posts */

static void answered(const struct gateway_answer *given, void *data)
{
	struct post *post = data;

	if (post->w->doomed || post->lost)
		return;
	if (post->staged)
		world_violate(post->w, "%s is answered twice", post->identifier);
	post->staged = true;
	post->problem = given->problem;
	post->repeated = given->repeated;
	post->retry_after_s = given->retry_after_s;
	if (given->problem && !given->why)
		world_violate(post->w, "%s is refused without a reason", post->identifier);
	if (given->id)
		OSMO_STRLCPY_ARRAY(post->id, given->id);
}

int post_status(const struct post *post)
{
	if (!post->answered)
		return 0;
	return post->problem ? problem_status(post->problem) : 202;
}

static struct post *post_alloc(struct world *w, const char *identifier, const char *originator,
			       const char *sender, int64_t sent_utc)
{
	struct post *post = talloc_zero(w, struct post);

	post->w = w;
	post->identifier = talloc_strdup(post, identifier);
	post->originator = talloc_strdup(post, originator);
	post->sender = talloc_strdup(post, sender);
	post->sent_utc = sent_utc;
	post->at_ms = w->mono_ms;
	llist_add_tail(&post->entry, &w->posts);
	return post;
}

/* As the front does: read on its own thread, then handed to the loop. */
static void submit(struct post *post)
{
	const char *const *languages = post->w->languages;
	struct problem problem = { 0 };
	struct alert_draft *draft;

	if (!post->w->gw) {
		post->lost = true;
		return;
	}
	draft = alert_draft_read(post->w, post->originator, talloc_memdup(post->w, post->cap, strlen(post->cap)),
				 strlen(post->cap), languages, world_utc(post->w), &problem);
	if (draft) {
		/* No Update is read from outside, but core knows what to do with one. */
		if (post->is_update)
			draft->cap->msg_type = CAP_MSG_UPDATE;
		gateway_submit(post->w->gw, draft, answered, post);
	} else {
		post->staged = post->answered = true;
		post->problem = problem.code;
	}
}

/* CAP wants an offset in figures (3.3.2). */
static char *cap_time(void *ctx, int64_t utc)
{
	char buf[32];

	clock_format(utc, buf, sizeof(buf));
	buf[strlen(buf) - 1] = '\0';
	return talloc_asprintf(ctx, "%s-00:00", buf);
}

static char *cap_head(const struct post *post, const char *status, const char *msg_type)
{
	return talloc_asprintf((void *)post,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n"
		"<identifier>%s</identifier>\n<sender>%s</sender>\n<sent>%s</sent>\n"
		"<status>%s</status>\n<msgType>%s</msgType>\n<scope>Public</scope>\n",
		post->identifier, post->sender, cap_time((void *)post, post->sent_utc), status, msg_type);
}

/* A text of its own for every alert and language, of that many pages. */
static char *make_text(struct post *post, const struct alert_spec *spec, const char *language)
{
	size_t len = spec->pages > 1 ? spec->pages * CBS_PAGE_SEPTETS - 20 : 40;
	char *text = talloc_asprintf(post, "%s %s:", strcmp(language, "en") ? language : "Warning",
				     spec->identifier);

	while (strlen(text) < len)
		text = talloc_strdup_append(text, " water");
	return spec->words ? talloc_asprintf_append(text, " %s", spec->words) : text;
}

static char *make_polygon(const struct world *w, const struct alert_spec *spec)
{
	unsigned int n_bscs = spec->n_bscs ? spec->n_bscs : w->n_bscs - spec->first_bsc;
	double south = 10.4 + spec->first_bsc, north = south + (n_bscs - 1) + 0.2;
	double west = 20 + 0.01 * spec->first_cell - 0.004;
	double east = spec->n_cells ? west + 0.01 * (spec->n_cells - 1) + 0.008 : 80;

	return talloc_asprintf((void *)w, "%.4f,%.4f %.4f,%.4f %.4f,%.4f %.4f,%.4f %.4f,%.4f", south, west,
			       south, east, north, east, north, west, south, west);
}

static char *make_info(struct post *post, const struct alert_spec *spec, const char *language)
{
	static const struct {
		const char *severity, *urgency, *certainty;
	} kinds[] = {
		[0] = { "Severe", "Expected", "Likely" },
		[MESSAGE_CLASS_NATIONAL] = { "Extreme", "Immediate", "Observed" },
		[MESSAGE_CLASS_SEVERE] = { "Severe", "Expected", "Likely" },
		[MESSAGE_CLASS_OTHER] = { "Minor", "Future", "Possible" },
	};
	int64_t expires = post->sent_utc + (spec->life_s ? spec->life_s : 3600);
	char *polygon = make_polygon(post->w, spec), *info;

	info = talloc_asprintf(post,
		"<info>\n<language>%s</language>\n<category>Met</category>\n<event>%s</event>\n"
		"<urgency>%s</urgency>\n<severity>%s</severity>\n<certainty>%s</certainty>\n"
		"<expires>%s</expires>\n<description>%s</description>\n"
		"<area>\n<areaDesc>here</areaDesc>\n<polygon>%s</polygon>\n</area>\n</info>\n",
		language, spec->event ? spec->event : "Test event", kinds[spec->class].urgency,
		kinds[spec->class].severity, kinds[spec->class].certainty, cap_time(post, expires),
		make_text(post, spec, language), polygon);
	talloc_free(polygon);
	return info;
}

static char *make_infos(struct post *post, const struct alert_spec *spec)
{
	static const char *const english[] = { "en", NULL };
	const char *const *language = spec->languages ? spec->languages : english;
	char *infos = talloc_strdup(post, "");

	for (; *language; language++)
		infos = talloc_asprintf_append(infos, "%s", make_info(post, spec, *language));
	return infos;
}

struct post *world_post(struct world *w, const struct alert_spec *spec)
{
	struct post *post = post_alloc(w, spec->identifier, spec->originator ? spec->originator : "met",
				       spec->sender ? spec->sender : "met@example.org", world_utc(w));

	post->cap = talloc_asprintf(post, "%s%s</alert>\n%*s",
				    cap_head(post, spec->class == MESSAGE_CLASS_OTHER ? "Test" : "Actual", "Alert"),
				    make_infos(post, spec), (int)spec->padding, "");
	submit(post);
	return post;
}

static char *reference_to(void *ctx, const struct post *alert)
{
	return talloc_asprintf(ctx, "%s,%s,%s", alert->sender, alert->identifier, cap_time(ctx, alert->sent_utc));
}

struct post *world_update(struct world *w, const struct post *alert, const struct alert_spec *spec)
{
	struct post *post = post_alloc(w, spec->identifier, alert->originator, alert->sender, world_utc(w));

	post->is_update = true;
	post->cap = talloc_asprintf(post, "%s<references>%s</references>\n%s</alert>\n", cap_head(post, "Actual", "Alert"),
				    reference_to(w, alert), make_infos(post, spec));
	submit(post);
	return post;
}

static struct post *cancel(struct world *w, const struct post *alert, const char *identifier,
			   const char *originator, const char *sender, const char *references,
			   const char *info)
{
	struct post *post = post_alloc(w, identifier, originator ? originator : alert->originator,
				       sender ? sender : alert->sender, world_utc(w));

	post->cap = talloc_asprintf(post, "%s<references>%s</references>\n%s</alert>\n",
				    cap_head(post, "Actual", "Cancel"), references, info);
	submit(post);
	return post;
}

struct post *world_cancel(struct world *w, const struct post *alert, const char *identifier,
			  const char *originator, const char *sender)
{
	return cancel(w, alert, identifier, originator, sender, reference_to(w, alert), "");
}

struct post *world_cancel_both(struct world *w, const struct post *alert, const struct post *other,
			       const char *identifier)
{
	char *references = talloc_asprintf(w, "%s %s", reference_to(w, alert), reference_to(w, other));

	return cancel(w, alert, identifier, NULL, NULL, references, "");
}

struct post *world_cancel_saying(struct world *w, const struct post *alert, const char *identifier,
				 const char *text)
{
	char *info = talloc_asprintf(w,
		"<info>\n<language>en</language>\n<category>Met</category>\n<event>Test event</event>\n"
		"<urgency>Past</urgency>\n<severity>Minor</severity>\n<certainty>Observed</certainty>\n"
		"<description>%s</description>\n</info>\n", text);

	return cancel(w, alert, identifier, NULL, NULL, reference_to(w, alert), info);
}

struct post *world_repeat(struct world *w, const struct post *first)
{
	struct post *post = post_alloc(w, first->identifier, first->originator, first->sender, first->sent_utc);

	post->cap = talloc_strdup(post, first->cap);
	submit(post);
	return post;
}

void world_post_id(const struct post *post, char id[ALERT_ID_LEN + 1])
{
	alert_id_make(post->originator, post->sender, post->identifier, post->sent_utc, id);
}

bool world_give_up(struct world *w, struct post *post)
{
	char id[ALERT_ID_LEN + 1];
	bool may_be_kept;

	gateway_forget(w->gw, post);
	world_post_id(post, id);
	may_be_kept = gateway_knows(w->gw, id);
	post->staged = post->answered = true;
	post->problem = may_be_kept ? PROBLEM_STORE_TIMEOUT : PROBLEM_STORE_UNAVAILABLE;
	return !may_be_kept;
}

/* Looking */

bool world_kept(struct world *w, const struct post *post)
{
	char id[ALERT_ID_LEN + 1];
	struct alert_row row;
	int rc;

	world_post_id(post, id);
	rc = store_read_alert(w->reader, w, id, false, &row);
	assert_true(rc == 0 || rc == -ENOENT);
	return rc == 0;
}

int world_messages(struct world *w, const struct post *post, struct message **messages)
{
	return store_read_messages(w->reader, w, post->id, messages);
}

const struct message *world_message(struct world *w, const struct post *post)
{
	struct message *messages;
	int n = world_messages(w, post, &messages), i;

	for (i = 0; i < n; i++) {
		if (messages[i].kind == MESSAGE_TEXT)
			return &messages[i];
	}
	return n > 0 ? messages : NULL;
}

int64_t world_posted_ms(const struct world *w, const char *alert_id)
{
	char id[ALERT_ID_LEN + 1];
	const struct post *post;

	llist_for_each_entry(post, &w->posts, entry) {
		world_post_id(post, id);
		if (!strcmp(id, alert_id))
			return post->at_ms;
	}
	return 0;
}

bool world_ended(struct world *w, const struct post *post)
{
	struct alert_row row;

	assert_int_equal(store_read_alert(w->reader, w, post->id, false, &row), 0);
	return row.ended_utc != 0;
}

size_t world_on_air(struct world *w, const struct post *post, const struct fake_bsc *bsc)
{
	const struct message *m = world_message(w, post);
	size_t i, n = 0;

	assert_non_null(m);
	for (i = 0; i < bsc->n_cells; i++)
		n += bsc_on_air((struct fake_bsc *)bsc, m->identifier, m->serial, i);
	return n;
}

void world_outcomes(struct world *w, const struct post *post, const struct fake_bsc *bsc,
		    size_t counts[_NUM_OUTCOME])
{
	const struct message *m = world_message(w, post);
	struct delivery_row *rows;
	struct alert_row alert;
	int n, i;
	size_t t;

	memset(counts, 0, _NUM_OUTCOME * sizeof(counts[0]));
	assert_non_null(m);
	assert_int_equal(store_read_alert(w->reader, w, post->id, false, &alert), 0);
	n = store_read_deliveries(w->reader, w, post->id, bsc ? bsc->name : NULL, &rows);
	assert_true(n >= 0);
	for (i = 0; i < n; i++) {
		for (t = 0; t < rows[i].n && rows[i].message_nr == m->nr; t++)
			counts[evidence_outcome(&rows[i].evidence[t], !alert.ended_utc &&
						message_on(m, alert.cancelled_by != NULL, world_utc(w)))]++;
	}
}

struct evidence world_evidence(struct world *w, const struct post *post, unsigned int message_nr,
			       const struct fake_bsc *bsc, size_t cell)
{
	struct evidence none = { 0 };
	struct delivery_row *rows;
	int n = store_read_deliveries(w->reader, w, post->id, bsc->name, &rows), i;

	for (i = 0; i < n; i++) {
		long at = target_find(rows[i].wanted, rows[i].n, &bsc->cells[cell]);

		if (rows[i].message_nr == message_nr && at >= 0)
			return rows[i].evidence[at];
	}
	return none;
}
