/* spec/web/web_test.c — the HTTP server in this process: a config opens, moves, changes and closes
** it, and each request is answered or its connection ends, whatever fails meanwhile. */
#include "support/torture.h"

#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <microhttpd.h>

#include "base/clock.h"
#include "net/uv.h"
#include "repl/running.h"
#include "web/web.h"

FAILING(socketpair, int, (errno = EMFILE, -1), (int family, int type, int protocol, int pair[2]),
        (family, type, protocol, pair))
FAILING(MHD_add_connection, enum MHD_Result, MHD_NO,
        (struct MHD_Daemon * d, MHD_socket fd, const struct sockaddr *sa, socklen_t len),
        (d, fd, sa, len))
FAILING(MHD_create_response_from_buffer, struct MHD_Response *, NULL,
        (size_t n, void *at, enum MHD_ResponseMemoryMode mode), (n, at, mode))
FAILING(MHD_create_response_from_callback, struct MHD_Response *, NULL,
        (uint64_t n, size_t block, MHD_ContentReaderCallback read, void *ctx,
         MHD_ContentReaderFreeCallback done),
        (n, block, read, ctx, done))

enum { DEADLINE_MS = 90000 };

static const char *running_config =
    "line 'l' { host = '127.0.0.1', topic_filter = '#',\n"
    "  station 's' { address = 's', payload_type = 'JSON', tags = { n = Ci 'JA=n', x = Ai 'JA=x',\n"
    "    t = TxtI 'IN_TOPIC', to = TxtO { 'OUT_TOPIC', default = 'set' }, out = Co 'OUT_VALUE' } "
    "},\n"
    "  station 'd-{id}' { address = 'd/(?<id>.+)', tags = { n = Ci 'IN_DATA' } } }\n";

#define TOKEN "secret-secret-secret"

static tl_web *web;
static const tl_http_hooks *hooks;
static char place[64], other_place[64], told[500];
static char answered[400000]; /* head and body of the last answer */

static void on_change (void *ctx, const char *change) {
  (void)ctx;
  snprintf(told, sizeof told, "%s", change);
}
static tl_outlets_change reload = { .changed = on_change };
static tl_outlets_change dry = { .changed = on_change, .dry = true };

static void quick_turn (void) { uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT); }

static tl_http_config config_at (const char *listen) {
  return (tl_http_config){ .listen = tl_slice_str(listen), .token = TL_LIT(TOKEN), .write = true };
}

static bool apply (const tl_http_config *c, tl_outlets_change *change, tl_err *err) {
  *err = (tl_err){ .text = "" };
  told[0] = '\0';
  return hooks->apply(hooks->ctx, c, change, err);
}

static void on_published (void *ctx, tl_link *l, tl_slice topic, tl_slice payload, uint8_t qos,
                          bool retain) {
  (void)ctx, (void)l, (void)topic, (void)payload, (void)qos, (void)retain;
}

static int set_up (void **state) {
  if (begin_all(state) != 0) return -1;
  snprintf(place, sizeof place, "%s.sock", path);
  snprintf(other_place, sizeof other_place, "%s.other.sock", path);
  assert_int_equal(tl_web_new(&web, loop, gateway, script, NULL), TL_OK);
  hooks = tl_web_hooks(web);
  tl_offline_begin(gateway, on_published, NULL, tl_loop_now(loop), running_wall);
  feed("s", "{\"n\":7,\"x\":0.5}");
  feed("d/1", "1");
  return 0;
}

static int tear_down (void **state) {
  tl_web_close(web);
  web = NULL;
  for (int i = 0; i < 10; i++) quick_turn();
  return end_all(state);
}

/* Each failure is seen by the server only: the client of the spec has what it needs. */
static int client_at (const char *where) {
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  memory_is_spared = true;
  snprintf(sa.sun_path, sizeof sa.sun_path, "%s", where);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
    close(fd);
    fd = -1;
  }
  memory_is_spared = false;
  return fd;
}

/* The status of the answer; 0: the connection ended without one. */
static int ask (const char *method, const char *target, const char *fields, const char *body) {
  static char out[2000];
  size_t n = (size_t)snprintf(out, sizeof out,
                              "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s"
                              "Content-Length: %zu\r\n\r\n%s",
                              method, target, fields, strlen(body), body),
         sent = 0, got = 0;
  int status = 0, fd = client_at(place);
  if (fd < 0) return 0;
  for (int64_t end = tl_clock_mono_ms() + DEADLINE_MS;; quick_turn()) {
    if (tl_clock_mono_ms() > end) fail_msg("no answer to %s %s", method, target);
    ssize_t rc = sent < n ? send(fd, out + sent, n - sent, MSG_NOSIGNAL) : 0;
    if (rc > 0) sent += (size_t)rc;
    rc = recv(fd, answered + got, sizeof answered - 1 - got, 0);
    if (rc > 0) got += (size_t)rc;
    if (rc == 0 || (rc < 0 && errno != EAGAIN)) break;
  }
  close(fd);
  answered[got] = '\0';
  if (sscanf(answered, "HTTP/1.1 %d", &status) != 1) return 0;
  return status;
}

#define BEARER "Authorization: Bearer " TOKEN "\r\n"
#define JSON BEARER "Content-Type: application/json\r\n"
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"

typedef struct {
  const char *method, *target, *fields, *body;
  int status;
  const char *words; /* that the answer has */
  bool lua;          /* it asks for thousands of things */
} request;

static const request requests[] = {
  { "GET", "/metrics", BEARER, "", 200, "tagline_build_info", false },
  { "GET", "/healthz", "", "", 200, "ok", false },
  { "GET", "/readyz", "", "", 200, "\"ready\":", false },
  { "GET", "/readyz", BEARER, "", 200, "\"state\":\"off\"}]}\n", false },
  { "GET", "/api/v1/", BEARER, "", 200, "\"history\":false", false },
  { "GET", "/api/v1/tags", BEARER, "", 200, "\"tag\":\"l.s.n\"", false },
  { "GET", "/api/v1/tags?match=l.d-*&limit=1&after=l.s.n", BEARER, "", 200, "l.d-1.n", false },
  { "GET", "/api/v1/tags/l.s.n", BEARER, "", 200, "\"value\":7", false },
  { "GET", "/api/v1/stations?match=l.s", BEARER, "", 200, "\"l.s\"", false },
  { "GET", "/api/v1/lines", BEARER, "", 200, "\"l\"", true },
  { "GET", "/api/v1/messages?limit=1", BEARER, "", 200, "\"topic\"", true },
  { "GET", "/api/v1/messages?match=s&limit=1", BEARER, "", 200, "\"topic\"", true },
  { "GET", "/api/v1/explain?topic=s&payload=%7B%7D", BEARER, "", 200, "\"station\"", true },
  { "GET", "/api/v1/explain?tag=l.s.n", BEARER, "", 200, "l.s.n", true },
  { "GET", "/api/v1/status", BEARER, "", 200, "\"problems\"", true },
  { "GET", "/metrics", BEARER "Accept: application/openmetrics-text\r\n", "", 200, "# EOF", false },
  { "HEAD", "/api/v1/tags", BEARER, "", 200, "Content-Type: application/json", false },
  { "GET", "/", BEARER, "", 200, "<!doctype html", false },
  { "GET", "/page/app.js", BEARER, "", 200, "", false },
  { "POST", "/login", FORM, "token=" TOKEN, 303, "Set-Cookie: tagline", false },
  { "POST", "/login", FORM, "token=wrong", 401, "", false },
  { "POST", "/login", FORM, "x=%zz", 400, "", false },
  { "POST", "/api/v1/tags/l.s.out", JSON, "{\"value\":5}", 200, "{\"ok\":true}", false },
  { "POST", "/api/v1/tags/l.s.out", JSON, "{\"value\":5.5}", 422, "expected an integer", false },
  { "POST", "/api/v1/tags/l.s.out", JSON, "{\"value\":", 400, "not JSON", false },
  { "POST", "/api/v1/tags/l.s.out", JSON, "{\"value\":[5]}", 422, "nothing else", false },
  { "POST", "/api/v1/tags/l.s.n", JSON, "{\"value\":5}", 422, "is an input", false },
  { "POST", "/api/v1/tags/l.nobody", JSON, "{\"value\":5}", 404, "there is no tag", false },
  { "POST", "/api/v1/tags/l.s.out", BEARER, "{\"value\":5}", 415, "application/json", false },
  { "PUT", "/api/v1/tags/l.s.out", JSON, "{}", 405, "GET, HEAD, POST", false },
  { "POST", "/metrics", BEARER, "", 405, "GET, HEAD", false },
  { "POST", "/page/app.js", BEARER, "", 405, "GET, HEAD", false },
  { "GET", "/nothing", BEARER, "", 404, "there is no /nothing", false },
  { "GET", "/api/v1/nothing", BEARER, "", 404, "there is no /api/v1/nothing", false },
  { "GET", "/api/v1/tags?limit=0", BEARER, "", 400, "expected a whole number", false },
  { "GET", "/api/v1/tags?limit=", BEARER, "", 400, "expected a whole number", false },
  { "GET", "/api/v1/tags?limit=99999999999999999999", BEARER, "", 400, "whole number", false },
  { "GET", "/api/v1/tags?match=%zz", BEARER, "", 400, "cannot be read", false },
  { "GET", "/api/v1/tags?mach=x", BEARER, "", 400, "no parameter 'mach' here", false },
  { "GET", "/api/v1/tags?limit=1&limit=2", BEARER, "", 400, "limit: is given twice", false },
  { "GET", "/%zz", BEARER, "", 400, "cannot be read", false },
  { "GET", "/api/v1/explain", BEARER, "", 400, "expected ?tag=NAME", false },
  { "GET", "/api/v1/explain?tag=l.x.y", BEARER, "", 404, "there is no tag", false },
  { "GET", "/api/v1/history?tag=l.s.n", BEARER, "", 404, "no history", false },
  { "GET", "/api/v1/history", BEARER, "", 400, "expected ?tag=NAME", false },
  { "GET", "/api/v1/history?tag=l.s.n&format=xml", BEARER, "", 400, "json or csv", false },
  { "GET", "/api/v1/tags", "", "", 401, "", false },
  { "GET", "/api/v1/tags", "Authorization: Bearer x\r\n", "", 401, "", false },
  { "GET", "/api/v1/tags", "Authorization: Basic " TOKEN "\r\n", "", 401, "", false },
};

/* Not one that ended in the middle. */
static bool is_whole (void) {
  const char *body = strstr(answered, "\r\n\r\n"), *length = strstr(answered, "Content-Length: ");
  size_t n = strlen(answered);
  if (!body) return false;
  if (length) return strlen(body + 4) == strtoul(length + 16, NULL, 10);
  return n > 5 && strcmp(answered + n - 5, "0\r\n\r\n") == 0;
}

static bool is_right (const request *r) {
  int status = ask(r->method, r->target, r->fields, r->body);
  const char *body = strstr(answered, "\r\n\r\n");
  if (strcmp(r->method, "HEAD") == 0 && (!body || body[4] != '\0')) return false;
  return status == r->status && strcasestr(answered, r->words);
}

static void each_request_is_answered_or_its_connection_ends (void **state) {
  (void)state;
  tl_err err;
  tl_http_config c = config_at(place);
  assert_true(apply(&c, NULL, &err));
  for (size_t i = 0; i < COUNT(requests); i++) {
    const request *r = &requests[i];
    if (!is_right(r)) fail_msg("%s %s: %.900s", r->method, r->target, answered);
    for (torture_round t = { 0 }; torture_next(&t);
         t.at += r->lua ? torture_step(t.at, 4) - 1 : 0) {
      memory_fails(t.at, t.for_ever);
      int status = ask(r->method, r->target, r->fields, r->body);
      memory_heals();
      bool failed = memory_failed;
      if (status != r->status && !(failed && (status == 0 || status >= 400)))
        fail_msg("%s %s, request %ld failing: %.500s", r->method, r->target, t.at, answered);
      if (status == r->status && is_whole() && !strcasestr(answered, r->words))
        fail_msg("%s %s, request %ld failing: %.900s", r->method, r->target, t.at, answered);
      memory_failed = failed;
    }
    if (!is_right(r)) fail_msg("afterwards: %s %s: %.900s", r->method, r->target, answered);
  }
}

static void readiness_names_the_line_that_is_not_there (void **state) {
  (void)state;
  tl_err err;
  tl_line *line = tl_gateway_model(gateway)->lines[0];
  tl_http_config c = config_at(place);
  assert_true(apply(&c, NULL, &err));
  assert_int_equal(ask("GET", "/readyz", "", ""), 200);
  line->subscribed = false;
  assert_int_equal(ask("GET", "/readyz", BEARER, ""), 503);
  assert_non_null(strstr(answered, "\"not yet subscribed\""));
  line->connected = false;
  assert_int_equal(ask("GET", "/readyz", BEARER, ""), 503);
  assert_non_null(strstr(answered, "\"ready\":false"));
  holds("for _, s in ipairs { 'l.s', 'l.d-1' } do stations[s]:off() end");
  assert_true(ask("GET", "/readyz", "", "") != 0);
  line->connected = line->subscribed = true;
  assert_int_equal(ask("GET", "/readyz", "", ""), 200);
}

static int descriptors (void) {
  int n = 0;
  DIR *dir = opendir("/proc/self/fd");
  while (readdir(dir)) n++;
  closedir(dir);
  return n;
}

static void a_reload_moves_changes_and_closes_it (void **state) {
  (void)state;
  tl_err err;
  char want[120];
  tl_slice names[] = { TL_LIT("plant.example") }, values[] = { TL_LIT("l.*") };
  tl_http_config c = config_at(place);
  assert_true(apply(NULL, NULL, &err) && apply(NULL, &reload, &err));
  assert_string_equal(told, "");
  assert_true(apply(&c, &dry, &err));
  snprintf(want, sizeof want, "http: opened on %s", place);
  assert_string_equal(told, want);
  assert_true(access(place, F_OK) < 0);
  assert_true(apply(&c, &reload, &err));
  assert_string_equal(told, want);
  assert_int_equal(ask("GET", "/healthz", "", ""), 200);
  assert_true(apply(&c, &reload, &err));
  assert_string_equal(told, "");
  tl_http_config changes[] = { c, c, c, c };
  changes[0].token = TL_LIT("another-secret-secret");
  changes[1].names = names, changes[1].name_count = 1;
  changes[2].values = values, changes[2].value_count = 1;
  changes[3].write = false;
  for (size_t i = 0; i < COUNT(changes); i++) {
    assert_true(apply(&changes[i], &dry, &err));
    assert_string_equal(told, "http: changed");
    assert_true(apply(&changes[i], &reload, &err));
    assert_string_equal(told, "http: changed");
    assert_true(apply(&c, &reload, &err));
  }
  c.cert = TL_LIT("no certificate");
  assert_false(apply(&c, &reload, &err));
  assert_non_null(strstr(told, "; the old address goes on"));
  assert_int_equal(ask("GET", "/healthz", "", ""), 200);
  c.cert = tl_slice_of(NULL, 0);
  c.listen = tl_slice_str(other_place);
  assert_true(apply(&c, &reload, &err));
  snprintf(want, sizeof want, "http: moved to %s", other_place);
  assert_string_equal(told, want);
  assert_true(access(place, F_OK) < 0);
  assert_true(apply(NULL, &dry, &err));
  assert_true(access(other_place, F_OK) == 0);
  assert_true(apply(NULL, &reload, &err));
  assert_string_equal(told, "http: closed");
  assert_true(access(other_place, F_OK) < 0);
  c.listen = TL_LIT("/nonexistent/folder/x.sock");
  assert_false(apply(&c, &reload, &err));
  assert_non_null(strstr(told, "; until it is opened nothing listens"));
}

static void it_opens_and_moves_or_says_why (void **state) {
  (void)state;
  int before = 0;
  for (int moves = 0; moves < 2; moves++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      tl_err err;
      tl_http_config old = config_at(other_place), c = config_at(place);
      if (moves) assert_true(apply(&old, NULL, &err));
      memory_fails(t.at, t.for_ever);
      bool well = apply(&c, moves ? &reload : NULL, &err);
      memory_heals();
      bool failed = memory_failed;
      assert_true(well || (failed && err.text[0] != '\0'));
      if (!well && moves) assert_true(access(other_place, F_OK) == 0);
      assert_true(apply(&c, &reload, &err)); /* now it does */
      assert_int_equal(ask("GET", "/healthz", "", ""), 200);
      assert_true(apply(NULL, &reload, &err));
      for (int i = 0; i < 10; i++) quick_turn();
      if (before == 0) before = descriptors();
      assert_int_equal(descriptors(), before);
      memory_failed = failed;
    }
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(each_request_is_answered_or_its_connection_ends),
    SPEC(readiness_names_the_line_that_is_not_there),
    SPEC(a_reload_moves_changes_and_closes_it),
    SPEC(it_opens_and_moves_or_says_why),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
