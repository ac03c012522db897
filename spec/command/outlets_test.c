/* spec/command/outlets_test.c — what becomes of the outlets of a config: they begin, go on, begin
** anew or go at a reload, each change is told, and each begins whole or says why not. */
#include "support/torture.h"

#include <dirent.h>

#include "base/clock.h"
#include "history/history.h"
#include "base/log.h"
#include "command/outlets.h"
#include "gateway/offline.h"
#include "net/uv.h"
#include "spool/segment.h"

FAILING(uv_queue_work, int, UV_ENOMEM,
        (uv_loop_t * l, uv_work_t *r, uv_work_cb f, uv_after_work_cb done), (l, r, f, done))

enum { DEADLINE_MS = 90000 };

static char folder[64], spool_at[80], other_spool[80], file[80], other_file[80];
static tl_loop *loop;
static tl_gateway *gateway;
static tl_outlets *outlets;
static const tl_outlet_hooks *hooks;
static char said[2000], logged[4000]; /* what a reload told; the log */
static bool stopped;

static bool note_log (void *ctx, tl_log_level level, const char *line) {
  size_t used = strlen(logged);
  (void)ctx;
  if (level <= TL_LOG_INFO) snprintf(logged + used, sizeof logged - used, "%s\n", line);
  return true;
}

static void on_change (void *ctx, const char *change) {
  size_t used = strlen(said);
  (void)ctx;
  snprintf(said + used, sizeof said - used, "%s\n", change);
}

static void quick_turn (void) { uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT); }
#define UNTIL(condition)                                                                        \
  do {                                                                                          \
    for (int64_t end_ = tl_clock_mono_ms() + DEADLINE_MS; !(condition); quick_turn())           \
      if (tl_clock_mono_ms() > end_) fail_msg("waited in vain for %s: %s", #condition, logged); \
  } while (0)

static void begin (void) {
  static const tl_handlers nobody = { 0 };
  said[0] = logged[0] = '\0';
  outlets = NULL;
  stopped = false;
  assert_int_equal(tl_loop_new(&loop), TL_OK);
  assert_int_equal(tl_gateway_new(&gateway, loop, &nobody, NULL), TL_OK);
}

static void on_stopped (void *ctx) {
  (void)ctx;
  stopped = true;
}

static void end (void) {
  if (outlets) {
    tl_outlets_stop(outlets, 0, on_stopped, NULL);
    UNTIL(stopped && !tl_outlets_are_held(outlets));
  }
  tl_outlets_free(outlets);
  tl_gateway_free(gateway);
  for (int i = 0; i < 5; i++) quick_turn();
  tl_loop_free(loop);
}

static void remove_all (const char *path) {
  DIR *dir = opendir(path);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
      unlinkat(dirfd(dir), e->d_name, 0);
  if (dir) closedir(dir);
}

static void clear_folder (void) {
  remove_all(spool_at);
  remove_all(other_spool);
  rmdir(spool_at);
  rmdir(other_spool);
  remove_all(folder);
}

static int set_up (void **state) {
  (void)state;
  strcpy(folder, "/tmp/tagline-outlets-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(spool_at, sizeof spool_at, "%s/spool", folder);
  snprintf(other_spool, sizeof other_spool, "%s/other", folder);
  snprintf(file, sizeof file, "%s/h.db", folder);
  snprintf(other_file, sizeof other_file, "%s/h2.db", folder);
  tl_log_set_writer(note_log, NULL);
  begin();
  return 0;
}

static int tear_down (void **state) {
  (void)state;
  end();
  tl_log_set_writer(NULL, NULL);
  clear_folder();
  return rmdir(folder);
}

static void make (void) {
  assert_int_equal(tl_outlets_new(&outlets, loop, gateway), TL_OK);
  hooks = tl_outlets_hooks(outlets);
}

static tl_outlet_config history_at (const char *path) {
  return (tl_outlet_config){ .name = TL_LIT("history"),
                             .kind = TL_LIT("history"),
                             .keep_ms = 1000,
                             .file = tl_slice_str(path) };
}

/* A reload (NULL: the start) with these outlets; what it told is in said[]. */
static bool apply (const tl_outlet_config *list, size_t count, tl_outlets_change *change,
                   tl_err *err) {
  tl_outlets_config c = {
    .spool = tl_slice_str(spool_at), .spool_max = 1 << 20, .outlets = list, .count = count
  };
  *err = (tl_err){ .text = "" };
  said[0] = logged[0] = '\0';
  return hooks->apply(hooks->ctx, &c, change, err);
}

static void count_one (void *arg, const tl_outlet_facts *f) {
  (void)f;
  ++*(int *)arg;
}

static int running (void) {
  int n = 0;
  hooks->each(hooks->ctx, count_one, &n);
  return n;
}

static tl_outlets_change reload = { .changed = on_change },
                         dry = { .changed = on_change, .dry = true };

static void a_reload_tells_what_it_changes_and_a_dry_one_only_tells (void **state) {
  tl_err err;
  tl_spool_facts facts;
  tl_history_facts stored;
  (void)state;
  make();
  assert_false(hooks->spool(hooks->ctx, &facts));
  assert_false(hooks->stored(hooks->ctx, &stored));
  assert_null(hooks->history(hooks->ctx));
  tl_outlet_config one = history_at(file), other = history_at(other_file);
  assert_true(apply(&one, 1, &dry, &err));
  assert_string_equal(said, "outlet 'history' added\n");
  assert_int_equal(running(), 0);
  assert_true(apply(&one, 1, NULL, &err)); /* the start tells nobody */
  assert_string_equal(said, "");
  assert_string_equal(hooks->history(hooks->ctx), file);
  assert_true(hooks->stored(hooks->ctx, &stored));
  assert_true(hooks->spool(hooks->ctx, &facts));
  assert_int_equal(facts.max_bytes, 1 << 20);
  one.keep_ms = 2000; /* is taken over as it runs */
  for (int i = 0; i < 3; i++) {
    assert_true(apply(&one, 1, i ? &reload : &dry, &err));
    assert_string_equal(said, i < 2 ? "outlet 'history' changed: keep\n" : "");
  }
  for (int i = 0; i < 2; i++) {
    assert_true(apply(&other, 1, i ? &reload : &dry, &err));
    assert_string_equal(said,
                        "outlet 'history' changed: it starts again, and goes on where it was\n");
  }
  assert_null(hooks->history(hooks->ctx)); /* closing */
  assert_int_equal(running(), 0);
  assert_true(apply(&one, 1, &reload, &err)); /* other words once more, meanwhile */
  UNTIL(running() == 1);
  assert_string_equal(hooks->history(hooks->ctx), file);
  for (int i = 0; i < 2; i++) {
    assert_true(apply(NULL, 0, i ? &reload : &dry, &err));
    assert_string_equal(said,
                        "outlet 'history' removed; its place in the spool is kept for a day\n");
    assert_int_equal(running(), i ? 0 : 1);
  }
  assert_true(apply(NULL, 0, &reload, &err));
  assert_string_equal(said, ""); /* it goes already */
}

static void one_that_is_removed_while_it_begins_anew_does_not_come_back (void **state) {
  tl_err err;
  (void)state;
  make();
  tl_outlet_config one = history_at(file), other = history_at(other_file);
  assert_true(apply(&one, 1, NULL, &err));
  assert_true(apply(&other, 1, &reload, &err));
  assert_true(apply(NULL, 0, &reload, &err));
  assert_non_null(strstr(said, "outlet 'history' removed"));
  tl_outlets_stop(outlets, 10, on_stopped, NULL);
  UNTIL(stopped && !tl_outlets_are_held(outlets));
  assert_int_equal(running(), 0);
  assert_int_equal(access(other_file, F_OK), -1);
}

static void one_that_cannot_be_had_leaves_the_others (void **state) {
  tl_err err;
  (void)state;
  make();
  tl_outlet_config list[2] = { { .name = TL_LIT("odd"), .kind = TL_LIT("odd") }, history_at(file) };
  assert_false(apply(list, 2, &reload, &err));
  assert_string_equal(err.text, "outlet 'odd': this program is built without odd: rebuild it with "
                                "-D?=ON");
  assert_int_equal(running(), 1);
  assert_string_equal(said, "outlet 'history' added\n");
  tl_outlet_config many[17];
  for (size_t i = 0; i < COUNT(many); i++) many[i] = list[1];
  assert_false(apply(many, COUNT(many), &reload, &err));
  assert_string_equal(err.text, "at most 16 outlets, got 17");
  assert_int_equal(running(), 1);
}

static void another_spool_counts_from_the_next_start_on (void **state) {
  tl_err err;
  char want[200];
  (void)state;
  make();
  tl_outlet_config one = history_at(file);
  tl_outlets_config c = { tl_slice_str(other_spool), 1 << 20, false, &one, 1 };
  assert_true(apply(&one, 1, NULL, &err));
  snprintf(want, sizeof want,
           "spool: another folder counts from the next start on; until then it is '%s'\n",
           spool_at);
  assert_true(hooks->apply(hooks->ctx, &c, &reload, &err));
  assert_string_equal(said, want);
  assert_non_null(strstr(logged, "another folder counts from the next start on"));
  assert_int_equal(access(other_spool, F_OK), -1);
}

/* What an earlier process left there: a tag, and so many values of it. */
static void leave_in_spool (int values) {
  tl_err err;
  tl_spool *spool;
  tl_spool_found found;
  uint32_t segment;
  bool cut;
  tl_spool_options options = { spool_at, 1 << 20, false };
  assert_int_equal(tl_spool_open(&spool, &options, 1000, &found, &err), TL_OK);
  tl_buf *out = tl_spool_begin(spool, 2000, &segment);
  tl_series series = { .type = TL_AI, .name = TL_LIT("l.s.t") };
  tl_record_series(out, &series);
  const int64_t time = tl_clock_wall_ms() + 600000; /* the history would not keep older ones */
  for (int i = 0; i < values; i++) {
    tl_sample v = { .status = TL_VALID, .time_ms = time + i, .value.number = i };
    tl_record_sample(out, &v, TL_AI, &cut);
    tl_spool_added(spool, 2000);
  }
  if (values == 0) tl_spool_added(spool, 2000);
  assert_int_equal(tl_spool_commit(spool, 3000, &err), TL_OK);
  tl_spool_close(spool);
}

static void a_damaged_spool_is_cut_and_told (void **state) {
  tl_err err;
  char name[32], path[120];
  (void)state;
  leave_in_spool(0);
  tl_segment_name(1, name);
  snprintf(path, sizeof path, "%s/%s", spool_at, name);
  FILE *f = fopen(path, "a");
  assert_true(f && fputs("half a record", f) >= 0 && fclose(f) == 0);
  make();
  tl_outlet_config one = history_at(file);
  assert_true(apply(&one, 1, NULL, &err));
  assert_non_null(strstr(logged, "were damaged or not written whole: they are cut off"));
}

static void note_facts (void *arg, const tl_outlet_facts *f) { *(tl_outlet_facts *)arg = *f; }

static bool has_stored (uint64_t values) {
  tl_outlet_facts f = { 0 };
  hooks->each(hooks->ctx, note_facts, &f);
  return f.up && f.stored == values;
}

/* Three values wait for a history that cannot be opened; a reload gives it another file. */
static void mend_with_a_reload (void) {
  tl_err err;
  char nowhere[120], cursor[120];
  snprintf(nowhere, sizeof nowhere, "%s/none/h.db", folder);
  snprintf(cursor, sizeof cursor, "%s/history.cursor", spool_at);
  leave_in_spool(3);
  FILE *f = fopen(cursor, "w"); /* damaged: it begins with the oldest value */
  assert_true(f && fclose(f) == 0);
  make();
  tl_outlet_config bad = history_at(nowhere), one = history_at(file);
  assert_true(apply(&bad, 1, NULL, &err));
  UNTIL(strstr(logged, "values wait in the spool"));
  assert_true(apply(&one, 1, &reload, &err));
}

static void one_that_begins_anew_counts_on_and_tells_that_it_is_there_again (void **state) {
  tl_err err;
  (void)state;
  tl_outlet_config other = history_at(other_file);
  mend_with_a_reload();
  UNTIL(has_stored(3));
  assert_non_null(strstr(logged, "there again; 3 values wait"));
  assert_true(apply(&other, 1, &reload, &err));
  UNTIL(has_stored(3));
  assert_null(strstr(logged, "there again"));
}

/* An orderly end waits for it, too. */
static void one_that_begins_anew_as_the_process_ends_takes_what_waits (void **state) {
  tl_err err;
  tl_history *h;
  uint64_t rows;
  (void)state;
  mend_with_a_reload();
  tl_outlets_stop(outlets, 60000, on_stopped, NULL);
  UNTIL(stopped && !tl_outlets_are_held(outlets));
  tl_outlets_free(outlets);
  outlets = NULL;
  assert_int_equal(tl_history_open(&h, file, 0, &err), TL_OK);
  assert_int_equal(tl_history_rows(h, &rows, &err), TL_OK);
  tl_history_close(h);
  assert_int_equal(rows, 3);
}

/* At a start, and at a reload that changes the words: what fails says why, and comes with the next
** reload. */
static void without_memory_it_begins_or_says_why (void **state) {
  const tl_slice tags[] = { TL_LIT("a.*"), TL_LIT("b") };
  (void)state;
  end();
  for (int again = 0; again < 2; again++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      tl_err err;
      begin();
      tl_outlet_config one = history_at(file), other = history_at(other_file);
      one.tags = other.tags = tags;
      one.tag_count = other.tag_count = 2;
      if (again) make();
      if (again) assert_true(apply(&one, 1, NULL, &err));
      memory_fails(t.at, t.for_ever);
      int rc = again ? TL_OK : tl_outlets_new(&outlets, loop, gateway);
      if (rc == TL_OK) hooks = tl_outlets_hooks(outlets);
      bool well = rc == TL_OK && apply(&other, 1, again ? &reload : NULL, &err);
      for (int i = 0; i < 3 && rc == TL_OK; i++) quick_turn();
      memory_heals();
      bool failed = memory_failed;
      assert_true(well || failed);
      if (rc == TL_OK && !well) assert_true(err.text[0] != '\0');
      if (rc != TL_OK) make();
      UNTIL(apply(&other, 1, &reload, &err) && running() == 1);
      assert_string_equal(hooks->history(hooks->ctx), other_file);
      end();
      memory_failed = failed;
    }
  begin();
}

/* One of each kind; the servers of the others are away. */
static void a_kind_begins_or_says_why (void **state) {
  (void)state;
  end();
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_err err;
    begin();
    make();
    tl_outlet_config list[] = {
      history_at(file),
#ifdef TAGLINE_HAS_POSTGRES
      { .name = TL_LIT("pg"),
        .kind = TL_LIT("postgres"),
        .postgres = TL_LIT("host=127.0.0.1 port=1"),
        .schema = TL_LIT("tagline") },
#endif
#ifdef TAGLINE_NATS
      { .name = TL_LIT("nats"),
        .kind = TL_LIT("nats"),
        .nats = TL_LIT("nats://127.0.0.1:1"),
        .stream = TL_LIT("S"),
        .subject = TL_LIT("s") },
#endif
    };
    memory_fails(t.at, t.for_ever);
    bool well = apply(list, COUNT(list), NULL, &err);
    memory_heals();
    bool failed = memory_failed;
    assert_true(well || (failed && err.text[0] != '\0'));
    assert_true(apply(list, COUNT(list), &reload, &err));
    assert_int_equal(running(), COUNT(list));
    tl_spool_facts facts; /* what is written from now on is collected */
    assert_true(hooks->spool(hooks->ctx, &facts));
    assert_string_equal(facts.why, "");
    list[COUNT(list) - 1].keep_ms++;
    assert_true(apply(list, COUNT(list), &reload, &err));
    assert_string_equal(said, "");
    end();
    memory_failed = failed;
  }
  begin();
}

static void it_ends_even_without_a_timer (void **state) {
  (void)state;
  end();
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_err err;
    begin();
    make();
    tl_outlet_config one = history_at(file);
    assert_true(apply(&one, 1, NULL, &err));
    memory_fails(t.at, t.for_ever);
    tl_outlets_stop(outlets, 10000, on_stopped, NULL);
    for (int i = 0; i < 3; i++) quick_turn();
    memory_heals();
    bool failed = memory_failed;
    tl_outlets_stop(outlets, 0, on_stopped, NULL); /* asked again: at once */
    UNTIL(stopped && !tl_outlets_are_held(outlets));
    tl_outlets_free(outlets);
    outlets = NULL;
    end();
    memory_failed = failed;
  }
  begin();
}

/* --- threads that a disk holds --- */

enum { POOL = 4 }; /* threads of libuv's */
static uv_work_t holding[POOL];
static uv_sem_t release;
static int held;

static void hold (uv_work_t *w) {
  (void)w;
  uv_sem_wait(&release);
}

static void on_released (uv_work_t *w, int status) {
  (void)w, (void)status;
  held--;
}

static void hold_the_pool (void) {
  assert_int_equal(uv_sem_init(&release, 0), 0);
  for (held = 0; held < POOL; held++)
    assert_int_equal(uv_queue_work(tl_loop_uv(loop), &holding[held], hold, on_released), 0);
}

static void release_the_pool (void) {
  for (int i = 0; i < POOL; i++) uv_sem_post(&release);
  UNTIL(held == 0);
  uv_sem_destroy(&release);
}

/* The process goes on in a spec: what the pool held is let go before it is freed. */
static void free_held (void) {
  release_the_pool();
  UNTIL(!tl_outlets_are_held(outlets));
  tl_outlets_free(outlets);
  outlets = NULL;
}

static void an_outlet_that_does_not_close_does_not_hold_the_end (void **state) {
  tl_err err;
  (void)state;
  make();
  tl_outlet_config one = history_at(file);
  assert_true(apply(&one, 1, NULL, &err));
  hold_the_pool();
  tl_outlets_stop(outlets, 1, on_stopped, NULL);
  UNTIL(stopped);
  assert_true(tl_outlets_are_held(outlets));
  assert_non_null(strstr(logged, "1 cannot close, held by a disk or server"));
  assert_non_null(strstr(logged, "the disk takes too long to sync: ended without it"));
  free_held();
}

/* Nor does one that a reload has changed. */
static void one_that_closes_already_does_not_hold_it (void **state) {
  tl_err err;
  (void)state;
  make();
  tl_outlet_config one = history_at(file), other = history_at(other_file);
  assert_true(apply(&one, 1, NULL, &err));
  hold_the_pool();
  assert_true(apply(&other, 1, &reload, &err));
  tl_outlets_stop(outlets, 1, on_stopped, NULL);
  UNTIL(stopped);
  free_held();
}

static void who_asks_again_does_not_wait_for_it_either (void **state) {
  tl_err err;
  (void)state;
  make();
  tl_outlet_config one = history_at(file);
  assert_true(apply(&one, 1, NULL, &err));
  hold_the_pool();
  for (int i = 0; i < 3; i++) tl_outlets_stop(outlets, INT32_MAX, on_stopped, NULL);
  UNTIL(stopped);
  free_held();
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_reload_tells_what_it_changes_and_a_dry_one_only_tells),
    SPEC(one_that_is_removed_while_it_begins_anew_does_not_come_back),
    SPEC(one_that_cannot_be_had_leaves_the_others),
    SPEC(another_spool_counts_from_the_next_start_on),
    SPEC(a_damaged_spool_is_cut_and_told),
    SPEC(one_that_begins_anew_counts_on_and_tells_that_it_is_there_again),
    SPEC(one_that_begins_anew_as_the_process_ends_takes_what_waits),
    SPEC(without_memory_it_begins_or_says_why),
    SPEC(a_kind_begins_or_says_why),
    SPEC(it_ends_even_without_a_timer),
    SPEC(an_outlet_that_does_not_close_does_not_hold_the_end),
    SPEC(one_that_closes_already_does_not_hold_it),
    SPEC(who_asks_again_does_not_wait_for_it_either),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
