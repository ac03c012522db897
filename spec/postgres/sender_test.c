/* spec/postgres/sender_test.c — an outlet to PostgreSQL, from the first connection to the row that
** is stored, against a server that this spec plays: each statement may fail, and each request for
** memory does. What is stored is told once; everything else says why, and comes again. */
#include "postgres/played_server.h"
#include "support/torture.h"

#include <dirent.h>

#include "base/log.h"
#include "net/poll.h"
#include "outlet/outlet.h"
#include "postgres/sender.h"

enum { TAGS = 300 };

static char folder[64], logged[4000], conninfo[120], names[TAGS][200];
static tl_spool *spool;
static tl_outlet *outlet;
static tl_postgres_sender *sender;
static bool closed;
static int defined;

static bool note_log (void *ctx, tl_log_level level, const char *line) {
  (void)ctx, (void)level;
  size_t used = strlen(logged);
  snprintf(logged + used, sizeof logged - used, "%s\n", line);
  return true;
}

/* --- what the server knows --- */

static const played_row is_new[] = { { "to_regclass", 2, { "f", "f" } },
                                     { "max(version)", 1, { "1" } },
                                     { NULL, 0, { NULL } } };

static const played_row is_known[] = {
  { "to_regclass", 2, { "t", "t" } },
  { "max(version)", 1, { "1" } },
  { "FROM period", 2, { "8640000000", "8640000001" } },
  { "make_period", 2, { "0", "86400000" } },
  { "INSERT INTO tag", 3, { "7", names[0], "Ai" } },
  { "trim_all", 1, { "3" } },
  { NULL, 0, { NULL } },
};

/* --- values in the spool --- */

/* What was added is on the disk; only then may an outlet have it. */
static void commit (void) {
  tl_spool_sync sync;
  tl_err err;
  memory_is_spared = true;
  assert_int_equal(tl_spool_commit(spool, 3000, &err), TL_OK);
  assert_true(tl_spool_take_sync(spool, &sync));
  assert_int_equal(tl_spool_sync_run(&sync), TL_OK);
  tl_spool_sync_done(spool, &sync, TL_OK);
  tl_outlet_poke(outlet);
  memory_is_spared = false;
}

/* A value each of the first `tags` tags. */
static void put (int tags) {
  for (int i = 0; i < tags; i++) {
    tl_sample v = { .series = (uint32_t)i, .status = TL_VALID, .time_ms = 1000 + i };
    uint32_t segment;
    bool cut;
    tl_buf *out = tl_spool_begin(spool, 2000, &segment);
    assert_non_null(out);
    if (i == defined) { /* all of it stays in one segment */
      tl_series s = { .id = (uint32_t)i,
                      .type = TL_AI,
                      .name = tl_slice_str(names[i]),
                      .unit = TL_LIT("m"),
                      .description = TL_LIT("how deep") };
      tl_record_series(out, &s);
      defined++;
    }
    tl_record_sample(out, &v, TL_AI, &cut);
    tl_spool_added(spool, 2000);
  }
  commit();
}

/* --- set-up --- */

static int set_up (void **state) {
  tl_spool_found found;
  tl_err err;
  signal(SIGPIPE, SIG_IGN);
  manner = ANSWERS;
  version = "15.4";
  played_rows = is_known;
  failing_part = NULL;
  listening = listen_on(AF_INET, 50, &port);
  tl_buf_init(&in);
  strcpy(folder, "/tmp/tagline-postgres-XXXXXX");
  if (listening < 0 || !mkdtemp(folder) || loop_setup(state) < 0) return -1;
  tl_poll_reserve(loop, 100);
  tl_log_set_writer(note_log, NULL);
  for (int i = 0; i < TAGS; i++) /* longer than what a look-up has room for */
    snprintf(names[i], sizeof names[i], "l.s.t%0*d", i == 0 ? 1 : 150, i);
  tl_spool_options options = { folder, 16 << 20, true };
  logged[0] = '\0';
  defined = 0;
  return tl_spool_open(&spool, &options, 1000, &found, &err);
}

static void on_closed (void *ctx) {
  (void)ctx;
  closed = true;
}

static void close_outlet (void) {
  closed = false;
  tl_outlet_close(outlet, on_closed, NULL);
  UNTIL(closed);
  hang_up();
}

static int tear_down (void **state) {
  hang_up();
  close(listening);
  tl_buf_fini(&in);
  tl_spool_close(spool);
  tl_log_set_writer(NULL, NULL);
  DIR *dir = opendir(folder);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.') unlinkat(dirfd(dir), e->d_name, 0);
  if (dir) closedir(dir);
  return rmdir(folder) + loop_teardown(state);
}

/* A new outlet of this name, whose place in the spool is its own. */
static void begin (const char *name) {
  tl_err err = { .text = "" };
  snprintf(conninfo, sizeof conninfo,
           "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable gssencmode=disable", port);
  tl_postgres_options options = { .conninfo = tl_slice_str(conninfo),
                                  .password = TL_LIT(""),
                                  .schema = TL_LIT("tagline"),
                                  .spool = tl_spool_id(spool) };
  memory_is_spared = true;
  if (tl_outlet_new(&outlet, loop, spool, name, &tl_postgres_kind, &err) < 0)
    fail_msg("%s", err.text);
  assert_int_equal(tl_postgres_sender_new(&sender, outlet, &options), TL_OK);
  memory_is_spared = false;
  tl_outlet_start(outlet, sender);
}

static tl_outlet_facts facts (void) {
  tl_outlet_facts f;
  tl_outlet_get(outlet, &f);
  return f;
}

static bool is_through (void) { return facts().stored > 0 && facts().behind == 0; }
static bool is_away (void) { return facts().why[0] != '\0'; }

/* --- specs --- */

static void each_statement_that_fails_is_told_and_tried_again (void **state) {
  static const struct {
    const char *part, *state, *why;
    const played_row *rows;
  } cases[] = {
    { "set_config", "42501", "so it is", is_known },
    { "max(version)", "42P01", "so it is", is_known },
    { "FROM progress", "42P01", "so it is", is_known },
    { "CREATE SCHEMA", "42501", "so it is", is_new },
    { "INSERT INTO tag", "53100", "so it is", is_known },
    { "make_period", "55P03", "so it is", is_known },
    { "SELECT store", "53200", "so it is", is_known },
    { "advance", "40001", "so it is", is_known },
    { "advance", "P0001", "so it is", is_known }, /* no row is at fault */
  };
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    char name[20];
    snprintf(name, sizeof name, "o%zu", i);
    failing_part = cases[i].part;
    failing_state = cases[i].state;
    played_rows = cases[i].rows;
    begin(name);
    put(1);
    UNTIL(is_away() || is_through());
    if (!strstr(facts().why, cases[i].why)) fail_msg("%s: '%s'", cases[i].part, facts().why);
    assert_int_equal(facts().stored, 0);
    assert_int_equal(facts().rejected, 0);
    close_outlet();
    failing_part = NULL;
    played_rows = is_known;
    begin(name);
    UNTIL(is_through());
    close_outlet();
  }
}

static void what_the_server_refuses_is_put_aside_and_the_rest_stored (void **state) {
  (void)state;
  begin("rows");
  put(5);
  failing_part = "SELECT store";
  failing_state = "22003";
  UNTIL(is_through());
  assert_int_equal(facts().stored, 5);
  assert_int_equal(facts().rejected, 5);
  assert_non_null(strstr(facts().last_rejected, "so it is (SQLSTATE 22003)"));
  failing_part = NULL;
  close_outlet();
  begin("tags"); /* a unit that is refused: the tag goes without */
  put(1);
  failing_part = "INSERT INTO tag";
  failing_state = "22P05";
  UNTIL(strstr(logged, "a unit or description is refused (so it is): tags are stored without"));
  failing_part = NULL;
  UNTIL(is_through());
  close_outlet();
}

/* A value with this series, of a segment in which `defined` are known. */
static void add (tl_series s, tl_sample v) {
  uint32_t segment;
  bool cut;
  tl_buf *out = tl_spool_begin(spool, 2000, &segment);
  assert_non_null(out);
  s.id = v.series = (uint32_t)defined++;
  tl_record_series(out, &s);
  tl_record_sample(out, &v, s.type, &cut);
  tl_spool_added(spool, 2000);
}

/* Times before 1970 and after 2200 have no partition of their own, those that PostgreSQL does not
** know are refused, a tag that never had a value is none. */
static void values_of_every_time_and_state (void **state) {
  static const struct {
    int64_t time_ms;
    uint8_t status;
    const char *unit;
  } rows[] = { { -5, TL_VALID, "m" },
               { 7258118400001, TL_VALID, "\xff" },
               { INT64_MAX, TL_VALID, "" },
               { 0, TL_UNSET, "m" },
               { 1000, TL_INVALID, "m" } };
  static const played_row strange[] = {
    { "to_regclass", 2, { "t", "t" } },
    { "max(version)", 1, { "1" } },
    { "INSERT INTO tag", 3, { "7", "l.s.nobody", "Ai" } },
    { NULL, 0, { NULL } }, /* and no partition is made: there are too many */
  };
  (void)state;
  played_rows = strange;
  begin("out");
  for (size_t i = 0; i < COUNT(rows); i++)
    add((tl_series){ .type = TL_AI,
                     .name = tl_slice_str(names[i]),
                     .unit = tl_slice_str(rows[i].unit) },
        (tl_sample){ .status = rows[i].status, .time_ms = rows[i].time_ms });
  commit();
  UNTIL(is_through());
  assert_int_equal(facts().rejected, 1);
  assert_non_null(strstr(facts().last_rejected, "its time is none that PostgreSQL knows"));
  /* Values that the spool left out are told, and the database gets a line of it. */
  tl_spool_skip(spool, 2000);
  tl_spool_skip(spool, INT64_MAX); /* told by the nearest time that PostgreSQL knows */
  awaited = "9224318015999999";
  awaited_came = false;
  add((tl_series){ .type = TL_AI, .name = tl_slice_str(names[9]) },
      (tl_sample){ .status = TL_VALID, .time_ms = 1000 });
  commit();
  UNTIL(is_through());
  defined = 0; /* a hole begins a segment */
  add((tl_series){ .type = TL_AI, .name = tl_slice_str(names[9]) },
      (tl_sample){ .status = TL_VALID, .time_ms = 2000 });
  commit();
  statement[0] = '\0';
  UNTIL(is_through() && facts().dropped == 2);
  assert_true(awaited_came);
  awaited = NULL;
  close_outlet();
}

static void a_row_is_put_aside_once_when_the_position_is_refused (void **state) {
  char path[100], line[2000];
  int lines = 0;
  (void)state;
  failing_part = "advance";
  failing_state = "P0001";
  for (int i = 0; i < 2; i++)
    add((tl_series){ .type = TL_AI, .name = tl_slice_str(names[0]) },
        (tl_sample){ .status = TL_VALID, .time_ms = i == 0 ? INT64_MAX : 1000 });
  for (int again = 0; again < 3; again++) {
    begin("aside");
    if (again == 0) commit();
    UNTIL(is_away() || is_through());
    assert_int_equal(facts().rejected, 1);
    if (again == 1) failing_part = NULL;
    close_outlet();
  }
  snprintf(path, sizeof path, "%s/aside.rejected", folder);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  while (fgets(line, sizeof line, file)) lines++;
  fclose(file);
  assert_int_equal(lines, 1);
}

/* A batch that the connection does not survive goes in smaller pieces. */
static void what_was_too_much_goes_in_smaller_steps (void **state) {
  (void)state;
  begin("out");
  put(TAGS);
  ending_part = "SELECT store";
  UNTIL(is_away());
  ending_part = NULL;
  UNTIL(is_through());
  assert_int_equal(facts().stored, TAGS);
  assert_int_equal(facts().rejected, 0);
  close_outlet();
}

static void a_server_that_is_not_fit_is_told (void **state) {
  static const played_row is_later[] = { { "to_regclass", 2, { "t", "t" } },
                                         { "max(version)", 1, { "99" } },
                                         { NULL, 0, { NULL } } };
  static const played_row says_nothing[] = { { NULL, 0, { NULL } } };
  static const struct {
    const char *version, *why;
    const played_row *rows;
  } cases[] = {
    { "9.6.24", "the server is PostgreSQL 9; tagline needs ", is_known },
    { "15.4", "schema 'tagline' is of version 99, this program knows version ", is_later },
    { "15.4", "schema 'tagline' is of version 0, this program knows version ", says_nothing },
  };
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    version = cases[i].version;
    played_rows = cases[i].rows;
    begin("out");
    UNTIL(is_away());
    if (!strstr(facts().why, cases[i].why)) fail_msg("%zu: %s", i, facts().why);
    close_outlet();
  }
}

/* While it has nothing to store, old values go; what comes meanwhile waits. */
static void old_values_go_in_between (void **state) {
  static const struct {
    const char *state, *log;
  } cases[] = { { NULL, "3 values older than `keep` are gone" },
                { "55P03", NULL }, /* a lock is no reason for a word … */
                { "42501", "values older than `keep` stay for now: so it is" } };
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    char name[20];
    snprintf(name, sizeof name, "trim%zu", i);
    logged[0] = '\0';
    failing_part = cases[i].state ? "trim_all" : NULL;
    failing_state = cases[i].state;
    begin(name);
    statement[0] = '\0';
    UNTIL(strstr(statement, "trim_all"));
    put(1);
    UNTIL(is_through());
    if (cases[i].log) assert_non_null(strstr(logged, cases[i].log));
    assert_string_equal(facts().why, "");
    tl_postgres_sender_set_keep(sender, 86400000); /* another depth is looked at at once */
    statement[0] = '\0';
    UNTIL(strstr(statement, "trim_all"));
    if (cases[i].state && !cases[i].log) { /* … one that stays is */
      assert_null(strstr(logged, "`keep`"));
      for (int keep = 2; !strstr(logged, "another session has had them locked"); keep++) {
        assert_true(keep < 6);
        tl_postgres_sender_set_keep(sender, keep * 86400000);
        statement[0] = '\0';
        UNTIL(strstr(statement, "trim_all"));
      }
    }
    close_outlet();
  }
}

/* Each value once, or a word why not; the next connection sends it. */
static void no_memory_is_a_reason_to_begin_anew (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    memory_failed = false;
    begin("out");
    put(2);
    memory_fails(t.at, t.for_ever);
    UNTIL(is_away() || is_through());
    memory_heals();
    bool failed = memory_failed;
    assert_true(failed || is_through());
    bool is_stored = is_through();
    close_outlet();
    if (!is_stored) {
      begin("out");
      UNTIL(is_through());
      close_outlet();
    }
    memory_failed = failed;
  }
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(each_statement_that_fails_is_told_and_tried_again),
    SPEC(what_the_server_refuses_is_put_aside_and_the_rest_stored),
    SPEC(values_of_every_time_and_state),
    SPEC(a_row_is_put_aside_once_when_the_position_is_refused),
    SPEC(what_was_too_much_goes_in_smaller_steps),
    SPEC(a_server_that_is_not_fit_is_told),
    SPEC(old_values_go_in_between),
    SPEC(no_memory_is_a_reason_to_begin_anew),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
