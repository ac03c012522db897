/* spec/postgres/torture_test.c — connections and steps against a server that this spec plays: each
** request for memory and each call of libpq fails in turn, and the server answers, refuses, ends
** and keeps silent. Each attempt and each step ends once, with a result or in words. */
#include "net/net_support.h"
#include "support/torture.h"

#include <netdb.h>
#include <pthread.h>

#include "base/buf.h"
#include "net/poll.h"
#include "postgres/attempt.h"
#include "postgres/conn.h"
#include "postgres/played_server.h"

FAILING(PQconninfoParse, PQconninfoOption *, (*why = NULL, NULL), (const char *s, char **why),
        (s, why))
FAILING(PQconnectStartParams, PGconn *, NULL,
        (const char *const *keys, const char *const *values, int expand), (keys, values, expand))
FAILING(PQconnectPoll, PostgresPollingStatusType, PGRES_POLLING_FAILED, (PGconn * c), (c))
FAILING(PQsetnonblocking, int, -1, (PGconn * c, int on), (c, on))
FAILING(PQenterPipelineMode, int, 0, (PGconn * c), (c))
FAILING(PQconsumeInput, int, 0, (PGconn * c), (c))
FAILING(PQflush, int, -1, (PGconn * c), (c))
FAILING(PQpipelineSync, int, 0, (PGconn * c), (c))
FAILING(PQsendPrepare, int, 0,
        (PGconn * c, const char *name, const char *sql, int n, const Oid *types),
        (c, name, sql, n, types))
FAILING(PQsendQueryPrepared, int, 0,
        (PGconn * c, const char *name, int n, const char *const *values, const int *lengths,
         const int *formats, int format),
        (c, name, n, values, lengths, formats, format))
FAILING(PQsendQueryParams, int, 0,
        (PGconn * c, const char *sql, int n, const Oid *types, const char *const *values,
         const int *lengths, const int *formats, int format),
        (c, sql, n, types, values, lengths, formats, format))
FAILING(getnameinfo, int, EAI_MEMORY,
        (const struct sockaddr *sa, socklen_t len, char *host, socklen_t room, char *service,
         socklen_t service_room, int flags),
        (sa, len, host, room, service, service_room, flags))
FAILING(pthread_create, int, EAGAIN,
        (pthread_t * t, const pthread_attr_t *a, void *(*f)(void *), void *arg), (t, a, f, arg))
FAILING(uv_poll_init, int, UV_EBADF, (uv_loop_t * l, uv_poll_t *h, int fd), (l, h, fd))
FAILING(uv_poll_start, int, UV_EINVAL, (uv_poll_t * h, int events, uv_poll_cb f), (h, events, f))
FAILING(uv_queue_work, int, UV_ENOMEM,
        (uv_loop_t * l, uv_work_t *r, uv_work_cb f, uv_after_work_cb done), (l, r, f, done))

/* --- the client --- */

static int dones, answers, losts;
static PGconn *made;
static char why[500], state[6];
static bool well;

static void on_made (void *ctx, PGconn *conn, const char *text) {
  (void)ctx;
  dones++;
  made = conn;
  snprintf(why, sizeof why, "%s", text);
}
static void on_answer (void *ctx, const tl_pg_answer *a) {
  (void)ctx;
  answers++;
  well = a->ok;
  snprintf(state, sizeof state, "%s", a->state);
  snprintf(why, sizeof why, "%s", a->text);
}
static void on_lost (void *ctx, const char *text) {
  losts++;
  snprintf(why, sizeof why, "%s", text);
  tl_pg_close(*(tl_pg **)ctx);
}

static int set_up (void **unused) {
  signal(SIGPIPE, SIG_IGN);
  manner = ANSWERS;
  memory_is_spared = false;
  listening = listen_on(AF_INET, 50, &port);
  tl_buf_init(&in);
  if (listening < 0 || loop_setup(unused) < 0) return -1;
  tl_poll_reserve(loop, 100);
  return 0;
}
static int tear_down (void **unused) {
  hang_up();
  close(listening);
  tl_buf_fini(&in);
  return loop_teardown(unused);
}

static const char *string_of (const char *hosts) {
  static char text[300];
  snprintf(text, sizeof text, "%s port=%d user=x dbname=x sslmode=disable gssencmode=disable",
           hosts, port);
  return text;
}

static int begin_attempt (const char *hosts, tl_pg_attempt **a, tl_err *err) {
  dones = 0;
  made = NULL;
  why[0] = '\0';
  *a = NULL;
  return tl_pg_attempt_start(a, loop, string_of(hosts), "secret", on_made, NULL, err);
}

static PGconn *connection (void) {
  tl_pg_attempt *a;
  tl_err err = { .text = "" };
  hang_up();
  if (begin_attempt("host=127.0.0.1", &a, &err) < 0) fail_msg("%s", err.text);
  UNTIL(dones == 1);
  if (!made) fail_msg("%s", why);
  return made;
}

/* --- specs --- */

static void what_is_wrong_with_a_string_is_said (void **unused) {
  static const struct {
    const char *string, *words;
  } cases[] = {
    { "nonsense", "missing \"=\"" },
    { "host=a,b,c port=1,2", "3 hosts, but 2 ports" },
    { "host=a,b hostaddr=127.0.0.1", "2 names in host, but 1 in hostaddr" },
    { "colour=red", "invalid connection option" },
  };
  (void)unused;
  for (size_t i = 0; i < COUNT(cases); i++) {
    tl_pg_attempt *a = NULL;
    tl_err err = { .text = "" };
    assert_int_equal(tl_pg_attempt_start(&a, loop, cases[i].string, "", on_made, NULL, &err),
                     TL_ESYNTAX);
    if (!strstr(err.text, cases[i].words)) fail_msg("%s: %s", cases[i].string, err.text);
    assert_null(a);
  }
}

static void each_host_is_tried_and_the_one_that_got_furthest_is_told (void **unused) {
  static const struct {
    const char *hosts;
    int manner;
    bool is_made;
    const char *words;
  } cases[] = {
    { "host=127.0.0.1", ANSWERS, true, "" },
    { "host=localhost", ANSWERS, true, "" },
    { "hostaddr=127.0.0.1", ANSWERS, true, "" },
    { "host=broker hostaddr=127.0.0.1", ANSWERS, true, "" },
    { "host=/nowhere,127.0.0.1", ANSWERS, true, "" },
    { "host=127.0.0.9,127.0.0.1", ANSWERS, true, "" },
    { "host=nohost.invalid,127.0.0.1", ANSWERS, true, "" },
    { "host=,127.0.0.1", ANSWERS, true, "" }, /* the socket of the system, which is not there */
    { "host='' hostaddr=127.0.0.1", ANSWERS, true, "" },
    { "host=@nowhere,127.0.0.1", ANSWERS, true, "" },
    { "", ANSWERS, false, "" },
    { "host=127.0.0.9,127.0.0.9,127.0.0.9,127.0.0.9,127.0.0.9,127.0.0.9,127.0.0.9,127.0.0.9,"
      "127.0.0.9,127.0.0.9,127.0.0.9,127.0.0.9,127.0.0.9,127.0.0.9,127.0.0.9,127.0.0.9,127.0.0.1",
      ANSWERS, false, "refused" }, /* the 17th is left out */
    { "host=127.0.0.1,nohost.invalid", REFUSES, false, "password" },
    { "host=nohost.invalid", ANSWERS, false, "nohost.invalid: " },
    { "host=/nowhere", ANSWERS, false, "/nowhere" },
    { "host=127.0.0.9", ANSWERS, false, "refused" },
  };
  (void)unused;
  for (size_t i = 0; i < COUNT(cases); i++) {
    tl_pg_attempt *a;
    tl_err err = { .text = "" };
    hang_up();
    manner = cases[i].manner;
    if (begin_attempt(cases[i].hosts, &a, &err) < 0) fail_msg("%s", err.text);
    assert_int_equal(dones, 0); /* never from inside */
    UNTIL(dones == 1);
    if (!made != !cases[i].is_made || !strstr(why, cases[i].words))
      fail_msg("%s: %s", cases[i].hosts, why);
    if (made) PQfinish(made);
  }
}

static void an_attempt_may_be_stopped_at_any_moment (void **unused) {
  (void)unused;
  for (int turns = 0; turns < 12; turns++) {
    tl_pg_attempt *a;
    tl_err err = { .text = "" };
    hang_up();
    assert_int_equal(begin_attempt(turns % 2 ? "host=localhost" : "host=127.0.0.1", &a, &err),
                     TL_OK);
    for (int i = 0; i < turns && dones == 0; i++) quick_turn();
    if (dones == 0) tl_pg_attempt_stop(a);
    UNTIL(dones == 1);
    if (made) PQfinish(made);
    if (!made) assert_string_equal(why, "stopped");
  }
}

static void an_attempt_ends_once_whatever_fails (void **unused) {
  static const char *const hosts[] = { "host=127.0.0.1", "host=localhost", "host=127.0.0.9" };
  (void)unused;
  for (size_t i = 0; i < COUNT(hosts); i++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      tl_pg_attempt *a;
      tl_err err = { .text = "" };
      hang_up();
      memory_fails(t.at, t.for_ever);
      int rc = begin_attempt(hosts[i], &a, &err);
      if (rc == TL_OK) UNTIL(dones == 1);
      memory_heals();
      if (rc < 0) assert_true(memory_failed && !a && err.text[0] != '\0');
      if (rc == TL_OK && !made) assert_true(why[0] != '\0');
      if (!memory_failed && i < 2) assert_non_null(made);
      if (made) PQfinish(made);
      for (int n = 0; n < 3; n++) quick_turn();
    }
}

/* A statement, one that is prepared, and it again. */
static void ask_all (tl_pg *c) {
  static const char *const values[] = { "1" };
  static const int lengths[] = { 1 };
  static const Oid types[] = { 25 };
  tl_pg_params p = { 1, values, lengths, types, true };
  tl_pg_ask(c, "SELECT 1", NULL);
  tl_pg_ask(c, "SELECT $1", &p);
  tl_pg_prepare(c, "put", "INSERT INTO value VALUES($1)", &p);
  tl_pg_execute(c, "put", &p);
  tl_pg_send(c, 60000, on_answer);
}

static void a_step_is_answered_or_the_connection_is_lost (void **unused) {
  static const struct {
    int manner;
    const char *words;
  } ends[] = { { ANSWERS, "" },
               { FAILS_STEPS, "relation \"value\" does not exist" },
               { ENDS_WITH_WORDS, "connection" },
               { ENDS, "closed the connection" } };
  (void)unused;
  for (size_t i = 0; i < COUNT(ends); i++) {
    tl_pg *c = NULL;
    manner = ANSWERS;
    PGconn *conn = connection();
    answers = losts = 0;
    assert_int_equal(tl_pg_new(&c, loop, conn, on_lost, &c), TL_OK);
    assert_int_equal(tl_pg_version(c), 150004);
    manner = ends[i].manner;
    for (int again = 0; again < 2 && losts == 0; again++) {
      answers = 0;
      ask_all(c);
      UNTIL(answers + losts == 1);
      if (!strstr(why, ends[i].words)) fail_msg("%zu: %s", i, why);
      assert_int_equal(losts, manner > FAILS_STEPS);
      if (answers) assert_int_equal(well, manner == ANSWERS);
      if (manner == FAILS_STEPS) assert_string_equal(state, "42P01");
    }
    if (losts == 0) tl_pg_close(c);
    for (int n = 0; n < 3; n++) quick_turn();
  }
  tl_pg_close(NULL);
}

/* More than the socket takes at once, and words in between. */
static void a_large_step_goes_in_pieces (void **unused) {
  enum { SIZE = 12 << 20 };
  char *large = malloc(SIZE);
  const char *values[] = { large };
  const int lengths[] = { SIZE };
  tl_pg_params p = { 1, values, lengths, NULL, false };
  tl_pg *c = NULL;
  (void)unused;
  assert_non_null(large);
  memset(large, 'x', SIZE);
  PGconn *conn = connection();
  answers = losts = 0;
  chatty = true;
  assert_int_equal(tl_pg_new(&c, loop, conn, on_lost, &c), TL_OK);
  tl_pg_ask(c, "SELECT $1", &p);
  tl_pg_send(c, 60000, on_answer);
  UNTIL(answers + losts == 1);
  assert_true(answers == 1 && well);
  chatty = false;
  tl_pg_close(c);
  free(large);
}

static void a_server_that_stands_still_is_given_up (void **unused) {
  tl_pg *c = NULL;
  (void)unused;
  PGconn *conn = connection();
  answers = losts = 0;
  assert_int_equal(tl_pg_new(&c, loop, conn, on_lost, &c), TL_OK);
  manner = IS_SILENT;
  tl_pg_ask(c, "SELECT 1", NULL);
  tl_pg_send(c, 20, on_answer);
  UNTIL(losts == 1);
  assert_int_equal(answers, 0);
  assert_non_null(strstr(why, "the server stands still"));
}

static void a_step_ends_once_whatever_fails (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_pg *c = NULL;
    PGconn *conn = connection();
    answers = losts = 0;
    memory_fails(t.at, t.for_ever);
    int rc = tl_pg_new(&c, loop, conn, on_lost, &c);
    if (rc == TL_OK) {
      ask_all(c);
      UNTIL(answers + losts == 1);
    }
    memory_heals();
    bool failed = memory_failed;
    assert_true(failed || (answers == 1 && well));
    if (rc == TL_OK && losts == 0) tl_pg_close(c);
    for (int n = 0; n < 3; n++) quick_turn();
    assert_true(answers + losts <= 1);
    memory_failed = failed;
  }
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(what_is_wrong_with_a_string_is_said),
    SPEC(each_host_is_tried_and_the_one_that_got_furthest_is_told),
    SPEC(an_attempt_may_be_stopped_at_any_moment),
    SPEC(an_attempt_ends_once_whatever_fails),
    SPEC(a_step_is_answered_or_the_connection_is_lost),
    SPEC(a_large_step_goes_in_pieces),
    SPEC(a_server_that_stands_still_is_given_up),
    SPEC(a_step_ends_once_whatever_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
