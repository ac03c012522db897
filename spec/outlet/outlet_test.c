/* spec/outlet/outlet_test.c — the life of an outlet, with a sender that this spec plays: values are
** handed on, stored, refused, waited for and sent again; what fails is tried again. */
#include "net/net_support.h"
#include "support/torture.h"

#include <dirent.h>
#include <sys/stat.h>

#include "base/log.h"
#include "outlet/outlet.h"
#include "outlet/refused.h"

FAILING(uv_queue_work, int, UV_ENOMEM,
        (uv_loop_t * l, uv_work_t *r, uv_work_cb f, uv_after_work_cb done), (l, r, f, done))
FAILING(openat, int, (errno = EMFILE, -1), (int at, const char *path, int flags, mode_t mode),
        (at, path, flags, mode))

static _Atomic ino_t unreadable; /* the file that the disk cannot read behind its head */

ssize_t __real_pread (int fd, void *at, size_t n, off_t from);
WRAPPED(pread, ssize_t __wrap_pread(int fd, void *at, size_t n, off_t from));
ssize_t __wrap_pread (int fd, void *at, size_t n, off_t from) {
  struct stat st;
  bool fails = unreadable > 0 && from > 0 && fstat(fd, &st) == 0 && st.st_ino == unreadable;
  if (!fails && !memory_is_refused()) return __real_pread(fd, at, n, from);
  errno = EIO;
  return -1;
}

static char folder[64];
static tl_spool *spool;
static tl_outlet *outlet;
static uint32_t segment;
static int opens, stores, rests, closes, dones, closed;
static uint64_t next_number; /* the first that was not handed on */
static const tl_outlet_batch *batch;
static char logged[2000];

static void on_open (void *s) { (void)s, opens++; }
static void on_store (void *s, const tl_outlet_batch *b) {
  (void)s;
  stores++;
  batch = b;
}
static void on_rest (void *s) { (void)s, rests++; }
static void on_close (void *s) {
  (void)s;
  closes++;
  tl_outlet_closed(outlet);
}
static void on_done (void *ctx) { (void)ctx, dones++; }
static void on_closed (void *ctx) {
  (void)ctx;
  closed++;
  outlet = NULL;
}
static tl_sender kind = { .kind = "spec",
                          .most = 100,
                          .delay_ms = 5,
                          .open = on_open,
                          .store = on_store,
                          .rest = on_rest,
                          .close = on_close };

static bool note_log (void *ctx, tl_log_level level, const char *line) {
  (void)ctx, (void)level;
  size_t used = strlen(logged);
  snprintf(logged + used, sizeof logged - used, "%s\n", line);
  return true;
}

static int open_spool (void) {
  tl_spool_found found;
  tl_err err;
  tl_spool_options options = { folder, 16 << 20, true };
  return tl_spool_open(&spool, &options, 1000, &found, &err);
}

static int set_up (void **state) {
  opens = stores = rests = closes = dones = closed = 0;
  logged[0] = '\0';
  next_number = 1;
  segment = 0;
  kind.most = 100;
  batch = NULL;
  strcpy(folder, "/tmp/tagline-outlet-XXXXXX");
  if (!mkdtemp(folder) || loop_setup(state) < 0) return -1;
  tl_log_set_writer(note_log, NULL);
  return open_spool();
}

static int tear_down (void **state) {
  if (outlet) tl_outlet_close(outlet, on_closed, NULL);
  RUN_UNTIL(!outlet);
  tl_spool_close(spool);
  tl_log_set_writer(NULL, NULL);
  DIR *dir = opendir(folder);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.') unlinkat(dirfd(dir), e->d_name, 0);
  if (dir) closedir(dir);
  return rmdir(folder) + loop_teardown(state);
}

static void begin (void) {
  tl_err err = { .text = "" };
  if (tl_outlet_new(&outlet, loop, spool, "out", &kind, &err) < 0) fail_msg("%s", err.text);
  tl_outlet_start(outlet, &opens);
  assert_int_equal(opens, 1);
}

static void sync_spool (void) {
  tl_spool_sync sync;
  assert_true(tl_spool_take_sync(spool, &sync));
  assert_int_equal(tl_spool_sync_run(&sync), TL_OK);
  tl_spool_sync_done(spool, &sync, TL_OK);
}

static int64_t time_of (uint64_t number) { return 1000000 + (int64_t)number; }

static void write_values (int count) {
  tl_err err;
  memory_is_spared = true;
  for (int i = 0; i < count; i++) {
    uint32_t now;
    bool cut;
    tl_buf *out = tl_spool_begin(spool, 2000, &now);
    assert_non_null(out);
    if (now != segment) {
      tl_series s = { .type = TL_AI, .name = TL_LIT("l.s.t") };
      tl_record_series(out, &s);
      segment = now;
    }
    tl_sample v = { .status = TL_VALID, .value = { .number = 0.5 } };
    v.time_ms = time_of(tl_spool_next(spool) + (uint64_t)i);
    tl_record_sample(out, &v, TL_AI, &cut);
    tl_spool_added(spool, v.time_ms);
  }
  assert_int_equal(tl_spool_commit(spool, 3000, &err), TL_OK);
  memory_is_spared = false;
}

static void put (int count) {
  write_values(count);
  memory_is_spared = true;
  sync_spool();
  memory_is_spared = false;
  tl_outlet_poke(outlet);
}

static tl_outlet_facts facts (void) {
  tl_outlet_facts f;
  tl_outlet_get(outlet, &f);
  return f;
}

/* The batch that the sender has: the next values, in order. */
static void has_batch (size_t count) {
  assert_int_equal(batch->count, count);
  assert_int_equal(batch->first, next_number);
  for (size_t i = 0; i < count; i++) assert_int_equal(batch->values[i].number, next_number + i);
}

static void take_batch (size_t count) {
  int before = stores;
  RUN_UNTIL(stores > before || batch);
  has_batch(count);
  next_number += count;
  batch = NULL;
  tl_outlet_stored(outlet);
}

static void values_are_handed_on_in_order (void **state) {
  (void)state;
  begin();
  put(3); /* before it is open: they wait */
  for (int i = 0; i < 3; i++) turn();
  assert_int_equal(stores, 0);
  assert_false(facts().up);
  tl_outlet_ready(outlet, 0);
  tl_outlet_ready(outlet, 0); /* again is harmless */
  assert_true(facts().up);
  take_batch(3);
  RUN_UNTIL(facts().behind == 0 && rests > 0);
  assert_int_equal(facts().stored, 3);
  assert_int_equal(facts().lag_ms, 0);
  put(250); /* as many at once as the sender wants */
  take_batch(100);
  take_batch(100);
  take_batch(50);
  tl_outlet_stored(outlet); /* of nothing: harmless */
  assert_int_equal(facts().stored, 253);
  put(10);
  RUN_UNTIL(batch);
  has_batch(10);
  RUN_UNTIL(facts().held_ms > 0); /* so long it has had them */
  next_number += 10;
  batch = NULL;
  tl_outlet_left_out(outlet, 4); /* not meant for the other side */
  tl_outlet_stored(outlet);
  assert_int_equal(facts().held_ms, 0);
  assert_int_equal(facts().stored, 259);
  assert_string_equal(tl_outlet_name(outlet), "out");
  assert_ptr_equal(tl_outlet_loop(outlet), loop);
}

static void what_the_server_has_already_is_passed_over (void **state) {
  (void)state;
  begin();
  put(5);
  tl_outlet_ready(outlet, 1000); /* of a spool before a power failure: more than there is */
  RUN_UNTIL(batch);
  has_batch(5);
  batch = NULL;
  tl_outlet_away(outlet, "the server went");
  RUN_UNTIL(opens == 2);
  tl_outlet_ready(outlet, 4); /* it had stored three of them */
  next_number = 4;
  take_batch(2);
  assert_non_null(strstr(logged, "out: the server went; values wait in the spool"));
  assert_non_null(strstr(logged, "out: there again; 994 values wait"));
}

/* The process is started anew. */
static void restart (void) {
  tl_outlet_close(outlet, on_closed, NULL);
  RUN_UNTIL(!outlet);
  tl_spool_close(spool);
  assert_int_equal(open_spool(), TL_OK);
  segment = opens = 0;
  begin();
  sync_spool();
}

/* What has a number below that position is not taken for delivered when the spool has passed it. */
static void a_position_ahead_of_the_spool_passes_no_value_over (void **state) {
  (void)state;
  begin();
  put(5);
  tl_outlet_ready(outlet, 1000);
  assert_non_null(strstr(logged, "out: it has values that the spool does not know"));
  put(1);
  assert_int_equal(tl_spool_next(spool), 1001);
  RUN_UNTIL(batch);
  batch = NULL;
  for (int again = 2; again < 4; again++) {
    tl_outlet_away(outlet, "the server went");
    RUN_UNTIL(opens == again);
    tl_outlet_ready(outlet, 1000); /* its position never goes back */
    RUN_UNTIL(batch);
    has_batch(5);
    batch = NULL;
  }
  restart();
  tl_outlet_ready(outlet, 1000); /* also in the next process */
  RUN_UNTIL(batch);
  has_batch(5);
  batch = NULL;
  tl_outlet_stored(outlet);
  RUN_UNTIL(batch);
  assert_int_equal(batch->values[0].number, 1000);
  tl_outlet_stored(outlet);
  RUN_UNTIL(facts().behind == 0);
  assert_null(strstr(logged, "are lost"));
  tl_outlet_away(outlet, "the server went");
  RUN_UNTIL(opens == 2);
  tl_outlet_ready(outlet, UINT64_MAX); /* which no spool reaches */
  assert_int_equal(tl_spool_next(spool), 1001);
}

/* Its number would be another's after a power failure. */
static void no_value_is_handed_on_before_it_is_synced (void **state) {
  (void)state;
  begin();
  tl_outlet_ready(outlet, 0);
  put(2);
  write_values(150);
  tl_outlet_poke(outlet);
  tl_outlet_hurry(outlet, on_done, NULL);
  take_batch(2);
  for (int i = 0; i < 20; i++) turn();
  assert_null(batch);
  assert_int_equal(dones, 0);
  sync_spool();
  tl_outlet_poke(outlet);
  take_batch(100);
  take_batch(50);
  RUN_UNTIL(dones == 1);
}

/* Its file was put back, or its server forgot: the spool still has them. */
static void what_the_other_side_lost_comes_again (void **state) {
  (void)state;
  begin();
  tl_outlet_ready(outlet, 0);
  put(5);
  take_batch(5);
  RUN_UNTIL(facts().behind == 0);
  tl_outlet_away(outlet, "it went");
  RUN_UNTIL(opens == 2);
  tl_outlet_ready(outlet, 3);
  next_number = 3;
  take_batch(3);
  RUN_UNTIL(facts().behind == 0);
}

static void away_is_said_once_and_tried_again (void **state) {
  (void)state;
  begin();
  tl_outlet_away(outlet, "nobody there");
  assert_string_equal(facts().why, "nobody there");
  RUN_UNTIL(opens == 2);
  tl_outlet_away(outlet, "nobody there");
  assert_int_equal(facts().failures, 2);
  const char *first = strstr(logged, "nobody there");
  assert_non_null(first);
  assert_null(strstr(first + 1, "nobody there"));
}

static void what_a_full_spool_drops_is_told_while_it_is_away (void **state) {
  (void)state;
  begin();
  tl_spool_set(spool, TL_SPOOL_LEAST, false);
  tl_outlet_away(outlet, "refused");
  uint64_t written = 0;
  for (; tl_spool_oldest(spool) == 1; written += 1000) {
    tl_outlet_poke(outlet);
    assert_null(strstr(logged, "lost"));
    write_values(1000);
  }
  tl_outlet_poke(outlet);
  assert_non_null(
      strstr(logged, "values are lost so far: the spool is full, and drops the oldest"));
  assert_int_equal(facts().behind, written - (tl_spool_oldest(spool) - 1));
  logged[0] = '\0';
  for (uint64_t oldest = tl_spool_oldest(spool); tl_spool_oldest(spool) == oldest;)
    write_values(1000);
  tl_outlet_poke(outlet); /* not each time */
  assert_string_equal(logged, "");
}

/* Until the spool has dropped this value. */
static void fill_spool (uint64_t number) {
  tl_spool_set(spool, TL_SPOOL_LEAST, false);
  while (tl_spool_oldest(spool) <= number) write_values(100);
}

/* A hole of these values. Its beginning may be told too early by a sixteenth of a segment. */
static void is_hole (const tl_outlet_hole *hole, uint64_t from, uint64_t to) {
  assert_int_equal(hole->count, to - from);
  assert_int_equal(hole->to_ms, time_of(to - 1));
  assert_in_range(hole->from_ms, time_of(from) - 500, time_of(from));
}

static int count_logged (const char *text) {
  int n = 0;
  for (const char *at = logged; (at = strstr(at, text)) != NULL; at++) n++;
  return n;
}

static void what_is_dropped_is_told_by_the_times_of_the_values (void **state) {
  (void)state;
  begin();
  put(150);
  restart(); /* what the next process drops, the one before wrote */
  tl_outlet_ready(outlet, 0);
  take_batch(100);
  take_batch(50);
  tl_outlet_away(outlet, "refused");
  fill_spool(151);
  uint64_t end = tl_spool_oldest(spool);
  assert_int_equal(facts().dropped, end - 151); /* though nobody has read on */
  restart();
  assert_int_equal(facts().dropped, end - 151);
  for (int again = 1; again < 3; again++) {
    RUN_UNTIL(opens == again);
    tl_outlet_ready(outlet, 0);
    RUN_UNTIL(batch);
    is_hole(&batch->hole, 151, end);
    assert_int_equal(facts().dropped, end - 151);
    assert_int_equal(count_logged("lost: the spool was full"), 1);
    batch = NULL;
    if (again == 1) tl_outlet_away(outlet, "before it was stored");
  }
  tl_outlet_stored(outlet);
  assert_int_equal(facts().dropped, end - 151);
  RUN_UNTIL(batch);
  assert_int_equal(batch->hole.count, 0);
  restart(); /* what was told is not told again */
  assert_int_equal(facts().dropped, 0);
}

/* The version before writes the first lines of the cursor's file, and leaves the others. */
static void what_an_earlier_version_told_is_not_told_again (void **state) {
  char path[100];
  (void)state;
  begin();
  tl_outlet_away(outlet, "refused");
  fill_spool(1);
  uint64_t at = tl_spool_oldest(spool) + 10;
  assert_int_equal(facts().dropped, at - 11);
  tl_outlet_close(outlet, on_closed, NULL);
  RUN_UNTIL(!outlet);
  snprintf(path, sizeof path, "%s/out.cursor", folder);
  FILE *file = fopen(path, "r+");
  assert_true(file && fseek(file, 17, SEEK_SET) == 0);
  assert_int_equal(fprintf(file, "%016llx\n", (unsigned long long)at), 17);
  assert_int_equal(fclose(file), 0);
  fill_spool(at);
  opens = 0;
  begin();
  assert_int_equal(facts().dropped, tl_spool_oldest(spool) - at);
}

/* It arrived, its answer did not, and the spool dropped more before the other side said where it
** is. An earlier process's times may begin too early. */
static void what_was_told_is_not_told_again_though_the_answer_was_lost (void **state) {
  (void)state;
  for (int other = 0; other < 2; other++) {
    begin();
    fill_spool(1);
    uint64_t told = tl_spool_oldest(spool), next;
    sync_spool();
    tl_outlet_ready(outlet, 0);
    RUN_UNTIL(batch);
    is_hole(&batch->hole, 1, told);
    next = batch->next;
    batch = NULL;
    tl_outlet_away(outlet, "its answer was lost");
    fill_spool(next);
    uint64_t end = tl_spool_oldest(spool);
    if (other)
      restart();
    else
      sync_spool();
    RUN_UNTIL(opens == 2 - other);
    tl_outlet_ready(outlet, next);
    RUN_UNTIL(batch);
    assert_int_equal(batch->hole.count, end - next);
    if (!other) is_hole(&batch->hole, next, end);
    batch = NULL;
    tear_down(state);
    set_up(state);
  }
}

static void what_is_dropped_under_way_is_lost_when_it_does_not_arrive (void **state) {
  (void)state;
  for (int arrives = 0; arrives < 2; arrives++) {
    opens = 0;
    begin();
    tl_outlet_ready(outlet, 0);
    put(100);
    RUN_UNTIL(batch);
    fill_spool(1);
    uint64_t end = tl_spool_oldest(spool);
    assert_int_equal(facts().dropped, end - 101); /* the sender has the others */
    batch = NULL;
    if (arrives)
      tl_outlet_stored(outlet);
    else
      tl_outlet_away(outlet, "it went");
    assert_int_equal(facts().dropped, end - (arrives ? 101 : 1));
    RUN_UNTIL(arrives || opens == 2);
    sync_spool();
    tl_outlet_ready(outlet, 0);
    tl_outlet_poke(outlet);
    RUN_UNTIL(batch);
    is_hole(&batch->hole, arrives ? 101 : 1, end);
    batch = NULL;
    tear_down(state);
    set_up(state);
  }
}

/* So that the next process tells of too many rather than of too few. */
static void what_is_dropped_under_way_is_lost_by_a_kill (void **state) {
  char path[100], place[200] = "";
  (void)state;
  begin();
  tl_outlet_ready(outlet, 0);
  put(100);
  RUN_UNTIL(batch);
  fill_spool(1);
  uint64_t lost = tl_spool_oldest(spool) - 1;
  assert_int_equal(facts().dropped, lost - 100);
  snprintf(path, sizeof path, "%s/out.cursor", folder);
  FILE *file = fopen(path, "r");
  size_t n = file ? fread(place, 1, sizeof place - 1, file) : 0;
  assert_true(n > 0 && fclose(file) == 0);
  batch = NULL;
  tl_outlet_close(outlet, on_closed, NULL);
  RUN_UNTIL(!outlet);
  file = fopen(path, "w"); /* as if it had been killed */
  assert_true(file && fwrite(place, 1, n, file) == n && fclose(file) == 0);
  opens = 0;
  begin();
  assert_int_equal(facts().dropped, lost);
}

/* Whether the thread had the file open already or not. */
static void what_is_dropped_while_it_is_read_is_there_or_lost (void **state) {
  (void)state;
  begin();
  tl_outlet_ready(outlet, 0);
  RUN_UNTIL(rests > 0);
  put(100); /* read at once */
  fill_spool(1);
  uint64_t end = tl_spool_oldest(spool);
  RUN_UNTIL(batch);
  assert_int_equal(facts().dropped, end - 1 - batch->count);
  assert_int_equal(batch->hole.count, facts().dropped);
}

static void a_sender_that_goes_while_values_are_read_gets_them_again (void **state) {
  (void)state;
  begin();
  tl_outlet_ready(outlet, 0);
  RUN_UNTIL(rests > 0);
  put(100); /* read at once */
  tl_outlet_away(outlet, "it went");
  RUN_UNTIL(opens == 2);
  assert_int_equal(stores, 0);
  tl_outlet_ready(outlet, 0);
  take_batch(100);
}

static void whoever_hurries_it_is_told_when_all_is_stored (void **state) {
  (void)state;
  begin();
  tl_outlet_ready(outlet, 0);
  RUN_UNTIL(rests > 0);
  put(3);
  tl_outlet_hurry(outlet, on_done, NULL);
  assert_int_equal(dones, 0);
  take_batch(3);
  RUN_UNTIL(dones == 1);
  tl_outlet_away(outlet, "it went");
  tl_outlet_hurry(outlet, on_done, NULL); /* there is nobody to wait for */
  RUN_UNTIL(dones == 2);
}

static void a_value_that_is_refused_is_put_aside_with_why (void **state) {
  char path[100], text[400] = "";
  (void)state;
  begin();
  put(2);
  tl_outlet_ready(outlet, 0);
  RUN_UNTIL(batch);
  tl_outlet_rejected(outlet, &batch->values[0], "too\nlarge");
  tl_outlet_rejected(outlet, &batch->values[1], "again");
  take_batch(2);
  assert_int_equal(facts().rejected, 2);
  assert_string_equal(facts().last_rejected, "l.s.t: again");
  snprintf(path, sizeof path, "%s/out.rejected", folder);
  FILE *file = fopen(path, "r");
  assert_true(file && fread(text, 1, sizeof text - 1, file) > 0);
  fclose(file);
  assert_non_null(strstr(text, "\"tag\":\"l.s.t\""));
  assert_non_null(strstr(text, "\"why\":\"too\\\\nlarge\"}\n"));
  assert_non_null(strstr(text, "\"why\":\"again\"}\n"));
}

static int lines_aside (void) {
  char path[100];
  int lines = 0;
  snprintf(path, sizeof path, "%s/out.rejected", folder);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  for (int c; (c = fgetc(file)) != EOF;) lines += c == '\n';
  fclose(file);
  return lines;
}

/* Its position is refused, too: the batch comes again, also to the next process. That one tells of
** what it did not see. */
static void a_value_is_put_aside_once_though_its_batch_comes_again (void **state) {
  (void)state;
  begin();
  put(3);
  for (int again = 1; again < 4; again++) {
    tl_outlet_ready(outlet, 0);
    RUN_UNTIL(batch);
    tl_outlet_rejected(outlet, &batch->values[2], "it is \"so\"");
    tl_outlet_rejected(outlet, &batch->values[0], "so it is");
    assert_int_equal(facts().rejected, 2);
    assert_int_equal(lines_aside(), 2);
    batch = NULL;
    if (again == 1) {
      tl_outlet_away(outlet, "the position is refused");
      RUN_UNTIL(opens == 2);
    } else if (again == 2) {
      restart();
      RUN_UNTIL(facts().rejected == 2);
      assert_string_equal(facts().last_rejected, "l.s.t: so it is");
    }
  }
  next_number = 4;
  tl_outlet_too_old(outlet, 1);
  tl_outlet_stored(outlet);
  assert_int_equal(facts().stored, 2);
  assert_int_equal(facts().too_old, 1);
  put(1);
  RUN_UNTIL(batch);
  tl_outlet_rejected(outlet, &batch->values[0], "it is \"so\""); /* another one */
  assert_int_equal(lines_aside(), 3);
  take_batch(1);
  restart();
  RUN_UNTIL(facts().rejected == 3);
  assert_string_equal(facts().last_rejected, "l.s.t: it is \"so\"");
}

/* Its database was put back to an older copy: values come again that it had refused, to this
** process or to the next one. */
static void a_value_is_put_aside_once_though_the_other_side_was_put_back (void **state) {
  (void)state;
  begin();
  put(2);
  tl_outlet_ready(outlet, 0);
  RUN_UNTIL(batch);
  tl_outlet_rejected(outlet, &batch->values[0], "so it is");
  take_batch(2);
  for (int other = 0; other < 2; other++) {
    if (other)
      restart();
    else
      tl_outlet_away(outlet, "it is put back");
    RUN_UNTIL(opens == 2 - other);
    tl_outlet_ready(outlet, 1);
    next_number = 1;
    RUN_UNTIL(batch);
    tl_outlet_rejected(outlet, &batch->values[0], "so it is");
    take_batch(2);
    assert_int_equal(lines_aside(), 1);
    assert_int_equal(facts().rejected, 1);
  }
}

/* The other side tells how far it is while a thread still reads what was put aside. */
static void what_is_passed_while_they_are_read_is_forgotten (void **state) {
  tl_refused *r;
  const char *last;
  int rc;
  (void)state;
  begin();
  put(3);
  tl_outlet_ready(outlet, 0);
  RUN_UNTIL(batch);
  for (int i = 0; i < 3; i++) tl_outlet_rejected(outlet, &batch->values[i], "so it is");
  assert_int_equal(tl_refused_new(&r, spool, "out"), TL_OK);
  assert_true(tl_refused_look(r, 1));
  tl_refused_pass(r, 3);
  tl_refused_read(r);
  assert_int_equal(tl_refused_found(r, &last), 3);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(tl_refused_add(r, &batch->values[i], "so it is", &rc), i < 2);
  tl_refused_free(r);
  take_batch(3);
}

/* More than are remembered: the oldest ones are forgotten, so that one more is put aside once. */
static void one_is_put_aside_once_though_many_were (void **state) {
  enum { MANY = 65536 };
  char path[100];
  tl_refused *r;
  const char *last;
  int rc;
  (void)state;
  snprintf(path, sizeof path, "%s/out.rejected", folder);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  for (int i = 1; i <= MANY; i++)
    fprintf(file, "{,\"spool\":\"%016llx-%d\"}\n", (unsigned long long)tl_spool_id(spool), i);
  fclose(file);
  tl_series series = { .type = TL_AI, .name = TL_LIT("l.s.t") };
  tl_outlet_value v = { .series = &series, .number = MANY };
  assert_int_equal(tl_refused_new(&r, spool, "out"), TL_OK);
  assert_true(tl_refused_look(r, 1));
  tl_refused_read(r);
  assert_int_equal(tl_refused_found(r, &last), MANY);
  assert_false(tl_refused_add(r, &v, "so it is", &rc));
  v.number++;
  assert_true(tl_refused_add(r, &v, "so it is", &rc));
  assert_false(tl_refused_add(r, &v, "so it is", &rc));
  assert_int_equal(lines_aside(), MANY + 1);
  tl_refused_free(r);
}

static void without_a_thread_what_was_refused_is_counted_all_the_same (void **state) {
  (void)state;
  begin();
  put(1);
  tl_outlet_ready(outlet, 0);
  RUN_UNTIL(batch);
  tl_outlet_rejected(outlet, &batch->values[0], "so it is");
  take_batch(1);
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_err err;
    tl_outlet_close(outlet, on_closed, NULL);
    RUN_UNTIL(!outlet);
    opens = 0;
    assert_int_equal(tl_outlet_new(&outlet, loop, spool, "out", &kind, &err), TL_OK);
    memory_fails(t.at, t.for_ever);
    tl_outlet_start(outlet, &opens);
    memory_heals();
    assert_int_equal(opens, 1);
  }
  RUN_UNTIL(facts().rejected == 1);
}

static void one_that_cannot_be_put_aside_is_said_once (void **state) {
  (void)state;
  begin();
  put(100);
  tl_outlet_ready(outlet, 0);
  RUN_UNTIL(batch);
  const tl_outlet_value *v = batch->values;
  for (torture_round t = { 0 }; torture_next(&t); v++) {
    uint64_t before = facts().rejected;
    logged[0] = '\0';
    memory_fails(t.at, t.for_ever);
    tl_outlet_rejected(outlet, v, "no room");
    memory_heals();
    assert_int_equal(facts().rejected, before + 1);
    bool failed = memory_failed;
    tl_outlet_rejected(outlet, v, "no room"); /* once, unless nothing could remember that */
    assert_in_range(facts().rejected, before + 1, before + 1 + failed);
    memory_failed = failed;
  }
  take_batch(100);
}

/* No thread, no descriptor, no memory: that is said once, and read later. The sender, which is
** open, is not asked to open. */
static void what_cannot_be_read_now_is_read_later (void **state) {
  (void)state;
  begin();
  tl_outlet_ready(outlet, 0);
  RUN_UNTIL(rests > 0);
  for (int left = 0; left < 3; left += 2) {
    logged[0] = '\0';
    memory_fails(left, false);
    put(100);
    RUN_UNTIL(!facts().up);
    if (left == 0) {
      memory_fails(left, false);
      RUN_UNTIL(memory_failed); /* it was tried again */
    }
    assert_int_equal(count_logged("there again"), 0);
    take_batch(100);
    assert_int_equal(count_logged("values wait in the spool"), 1);
    assert_int_equal(count_logged("there again"), 1);
    assert_true(facts().up);
    RUN_UNTIL(facts().behind == 0);
  }
  assert_int_equal(opens, 1);
}

/* More values in the first segment, of which the disk can read nothing but its head. */
static ino_t write_unreadable (int count) {
  char path[100];
  struct stat st;
  snprintf(path, sizeof path, "%s/%016x.spool", folder, 1);
  write_values(count);
  assert_int_equal(stat(path, &st), 0);
  unreadable = st.st_ino;
  sync_spool();
  tl_outlet_poke(outlet);
  return st.st_ino;
}

/* It failed once, and fails so many times more. */
static void fails_again (int times) {
  for (; times > 0; times--) {
    int before = dones;
    RUN_UNTIL(!facts().up);
    assert_non_null(strstr(facts().why, "'0000000000000001.spool' cannot be read: Input/output"));
    tl_outlet_hurry(outlet, on_done, NULL); /* does not wait for the next attempt */
    assert_null(batch);
    RUN_UNTIL(dones > before || batch);
  }
}

/* Its segment is told, tried for a while, and then passed: what it had is a hole, and values that
** come go into another one. */
static void what_a_disk_cannot_read_is_passed_after_a_while (void **state) {
  (void)state;
  begin();
  tl_outlet_ready(outlet, 0);
  RUN_UNTIL(rests > 0);
  put(100);
  take_batch(100);
  write_unreadable(50);
  fails_again(10);
  assert_int_equal(count_logged("values wait in the spool"), 1);
  assert_int_equal(count_logged("'0000000000000001.spool' is passed as damaged"), 1);
  RUN_UNTIL(batch);
  assert_int_equal(batch->hole.count, 50);
  batch = NULL;
  tl_outlet_stored(outlet);
  assert_int_equal(facts().dropped, 50);
  assert_true(facts().up);
  put(3);
  RUN_UNTIL(batch);
  assert_int_equal(batch->hole.count, 0);
  assert_int_equal(batch->count, 3);
  assert_int_equal(batch->values[0].number, 151);
  assert_int_equal(batch->segment, 151);
  unreadable = 0;
}

/* Attempts that failed count in a row; what comes meanwhile is in another segment at once. */
static void a_disk_that_fails_now_and_then_loses_nothing (void **state) {
  enum { MANY = 11000 }; /* of which a reader has no more than it needs */
  (void)state;
  kind.most = MANY;
  begin();
  tl_outlet_ready(outlet, 0);
  RUN_UNTIL(rests > 0);
  write_values(MANY);
  ino_t file = write_unreadable(MANY);
  for (int round = 0; round < 2; round++) {
    fails_again(7);
    if (round == 0) write_values(5);
    unreadable = 0;
    tl_outlet_hurry(outlet, on_done, NULL);
    RUN_UNTIL(batch);
    if (round == 0) unreadable = file;
    take_batch(MANY);
  }
  sync_spool();
  tl_outlet_poke(outlet);
  RUN_UNTIL(batch);
  assert_int_equal(batch->segment, 2 * MANY + 1);
  take_batch(5);
  assert_int_equal(facts().dropped, 0);
  assert_int_equal(count_logged("is passed as damaged"), 0);
}

/* Such as one whose disk is full: it opens, and cannot store. */
static void one_that_opens_and_stores_nothing_is_not_there_again (void **state) {
  (void)state;
  begin();
  put(1);
  tl_outlet_ready(outlet, 0);
  for (int again = 2; again < 4; again++) {
    RUN_UNTIL(batch);
    batch = NULL;
    tl_outlet_away(outlet, "the disk is full");
    RUN_UNTIL(opens == again);
    tl_outlet_ready(outlet, 0);
  }
  assert_int_equal(count_logged("\n"), 1);
  assert_false(facts().up);
  RUN_UNTIL(batch);
  put(1);
  take_batch(1);
  assert_non_null(strstr(logged, "there again; 1 value waits\n"));
  assert_true(facts().up);
}

static void it_may_be_closed_at_any_moment (void **state) {
  (void)state;
  for (int when = 0; when < 5; when++) {
    opens = closed = 0;
    begin();
    if (when > 0) tl_outlet_ready(outlet, 0);
    if (when > 1) put(100);
    if (when > 2) RUN_UNTIL(batch);
    if (when > 3) tl_outlet_away(outlet, "it went");
    tl_outlet_close(outlet, on_closed, NULL);
    if (when == 3) tl_outlet_stored(outlet); /* what was under way counts */
    tl_outlet_away(outlet, "too late");
    RUN_UNTIL(closed == 1);
    batch = NULL;
  }
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(values_are_handed_on_in_order),
    SPEC(what_the_server_has_already_is_passed_over),
    SPEC(a_position_ahead_of_the_spool_passes_no_value_over),
    SPEC(no_value_is_handed_on_before_it_is_synced),
    SPEC(what_the_other_side_lost_comes_again),
    SPEC(away_is_said_once_and_tried_again),
    SPEC(what_a_full_spool_drops_is_told_while_it_is_away),
    SPEC(what_is_dropped_is_told_by_the_times_of_the_values),
    SPEC(what_an_earlier_version_told_is_not_told_again),
    SPEC(what_was_told_is_not_told_again_though_the_answer_was_lost),
    SPEC(what_is_dropped_under_way_is_lost_when_it_does_not_arrive),
    SPEC(what_is_dropped_under_way_is_lost_by_a_kill),
    SPEC(what_is_dropped_while_it_is_read_is_there_or_lost),
    SPEC(a_sender_that_goes_while_values_are_read_gets_them_again),
    SPEC(whoever_hurries_it_is_told_when_all_is_stored),
    SPEC(a_value_that_is_refused_is_put_aside_with_why),
    SPEC(a_value_is_put_aside_once_though_its_batch_comes_again),
    SPEC(a_value_is_put_aside_once_though_the_other_side_was_put_back),
    SPEC(what_is_passed_while_they_are_read_is_forgotten),
    SPEC(one_is_put_aside_once_though_many_were),
    SPEC(without_a_thread_what_was_refused_is_counted_all_the_same),
    SPEC(one_that_cannot_be_put_aside_is_said_once),
    SPEC(what_cannot_be_read_now_is_read_later),
    SPEC(what_a_disk_cannot_read_is_passed_after_a_while),
    SPEC(a_disk_that_fails_now_and_then_loses_nothing),
    SPEC(one_that_opens_and_stores_nothing_is_not_there_again),
    SPEC(it_may_be_closed_at_any_moment),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
