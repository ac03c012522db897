/* spec/dial/probe_test.c — a probe of a line: each answer of a broker, each end of a connection
** and each request for memory that fails ends in one word to whoever asked. The broker is a plain
** socket. */
#include "net/net_support.h"
#include "support/torture.h"

#include "base/log.h"
#include "dial/probe.h"

static tl_transports *transports;
static tl_line_params params;
static tl_dial dial;
static int listener, broker; /* sockets */
static uint16_t port;

static char seen[4000], why[600];
static int dones, messages, listening;
static size_t last_size;
static bool well;
static tl_probe *probe;
static void (*in_message)(void);

static bool quiet (void *ctx, tl_log_level level, const char *text) {
  (void)ctx, (void)level, (void)text;
  return true;
}

static const char *stops_at; /* a report with this in it stops the probe */

static void on_report (void *ctx, const char *text) {
  size_t n = strlen(seen);
  (void)ctx;
  snprintf(seen + n, sizeof seen - n, "%s\n", text);
  if (stops_at && strstr(text, stops_at)) tl_probe_stop(probe);
}

static void on_done (void *ctx, bool ok, const char *text) {
  (void)ctx;
  dones++;
  well = ok;
  snprintf(why, sizeof why, "%s", text);
}

static void on_message (void *ctx, const tl_message *m, size_t size) {
  (void)ctx, (void)m;
  messages++;
  last_size = size;
  if (in_message) in_message();
}

static void on_listening (void *ctx) {
  (void)ctx;
  listening++;
}

static const tl_probe_ears ears = { on_message, on_listening };

static void set_params (const char *filter, const char *second) {
  char host[40];
  tl_line_params *p = &params;
  tl_params_fini(p);
  snprintf(host, sizeof host, "mqtt://127.0.0.1:%u", port);
  p->port = 1883;
  p->max_packet_size = 100;
  p->connect_timeout = DEADLINE_MS;
  assert_int_equal(tl_params_set_text(&p->user_name, TL_LIT("me")), TL_OK);
  assert_int_equal(tl_params_add_text(&p->host, tl_slice_str(host)), TL_OK);
  if (second) assert_int_equal(tl_params_add_text(&p->host, tl_slice_str(second)), TL_OK);
  assert_int_equal(tl_params_add_text(&p->topic_filter, tl_slice_str(filter)), TL_OK);
  assert_int_equal(tl_params_add_text(&p->topic_filter, TL_LIT("b")), TL_OK);
}

static int set_up (void **state) {
  tl_log_set_writer(quiet, NULL);
  if (loop_setup(state) != 0) return -1;
  assert_int_equal(tl_transports_new(&transports, loop), TL_OK);
  dial = (tl_dial){ .by = { "plant", &params, loop, transports, NULL, NULL } };
  listener = listen_on(AF_INET, 8, &port);
  broker = -1;
  seen[0] = why[0] = '\0';
  dones = messages = listening = 0;
  in_message = NULL;
  set_params("$share/group/a/#", NULL);
  return listener < 0;
}

static void hang_up (void) {
  if (broker >= 0) close(broker);
  broker = -1;
}

static int tear_down (void **state) {
  tl_dial_fini(&dial);
  RUN_UNTIL(true);
  for (int i = 0; i < 3; i++) turn(); /* a stopped probe closes its socket */
  hang_up();
  close(listener);
  tl_params_fini(&params);
  tl_transports_free(transports);
  return loop_teardown(state);
}

static void start (bool listens) {
  probe = NULL;
  dones = 0;
  int rc = listens ? tl_probe_listen(&probe, &dial, &ears, on_report, on_done, NULL)
                   : tl_probe_start(&probe, &dial, on_report, on_done, NULL);
  assert_int_equal(rc, TL_OK);
}

static bool accepts (void) {
  if (readable(listener)) broker = accept(listener, NULL, NULL);
  return broker >= 0;
}

/* The next packet's first byte has come; the packet is thrown away. */
static bool came (uint8_t first) {
  uint8_t bytes[500];
  if (!readable(broker)) return false;
  ssize_t n = read(broker, bytes, sizeof bytes);
  return n > 0 && bytes[0] == first;
}

static void says (const char *bytes, size_t n) { assert_int_equal(write(broker, bytes, n), n); }

static void connects (void) {
  RUN_UNTIL(accepts());
  RUN_UNTIL(came(0x10));
}

static void is_accepted (void) {
  connects();
  says("\x20\x02\x00\x00", 4);
  RUN_UNTIL(came(0x82));
}

static void ends_with (bool ok, const char *text) {
  RUN_UNTIL(dones > 0);
  assert_int_equal(dones, 1);
  assert_int_equal(well, ok);
  if (!strstr(ok ? seen : why, text)) fail_msg("no \"%s\" in: %s; %s", text, seen, why);
  hang_up();
}

static void a_line_that_works (void **state) {
  (void)state;
  start(false);
  is_accepted();
  says("\x90\x04\x00\x01\x00\x00", 6);
  RUN_UNTIL(came(0xe0)); /* it leaves in order */
  hang_up();
  ends_with(true, "SUBSCRIBE");
  assert_non_null(strstr(seen, "a/#, b")); /* without the group, whose messages it would take */
}

static void answers_that_are_refusals (void **state) {
  (void)state;
  start(false);
  connects();
  says("\x20\x02\x00\x05", 4);
  ends_with(false, "code 5");
  start(false);
  is_accepted();
  says("\x90\x04\x00\x01\x80\x00", 6);
  ends_with(false, "refuses topic filters: a/# REFUSED, b: look at its access rules");
}

static void ends_of_connections (void **state) {
  (void)state;
  start(false);
  RUN_UNTIL(accepts());
  hang_up();
  ends_with(false, "before CONNACK");
  start(false);
  is_accepted();
  hang_up();
  ends_with(false, "closed the connection");
  start(false);
  connects();
  says("HTTP/1.1 400 Bad Request\r\n", 26);
  ends_with(false, "");
  close(listener);
  listener = -1;
  start(false);
  ends_with(false, "connection refused");
  assert_non_null(strstr(seen, "FAILED"));
}

static void each_address_is_tried (void **state) {
  char second[40];
  (void)state;
  snprintf(second, sizeof second, "mqtt://127.0.0.1:%u", closed_port());
  set_params("a", second);
  start(false);
  is_accepted();
  says("\x90\x04\x00\x01\x00\x00", 6);
  ends_with(false, "connection refused");
  assert_non_null(strstr(seen, "SUBSCRIBE"));
}

static void one_that_listens_tells_of_messages (void **state) {
  (void)state;
  start(true);
  is_accepted();
  says("\x90\x04\x00\x01\x00\x80", 6); /* one of two is enough */
  RUN_UNTIL(listening == 1);
  says("\x30\x04\x00\x01xy", 6);
  RUN_UNTIL(messages == 1);
  assert_int_equal(last_size, 1);
  char large[202] = "\x30\xc7\x01\x00\x01x"; /* longer than max_packet_size */
  says(large, sizeof large);
  RUN_UNTIL(messages == 2);
  assert_true(last_size > 100);
  tl_probe_end(probe);
  RUN_UNTIL(came(0xe0));
  hang_up();
  ends_with(true, "a/#, b REFUSED");
  start(true);
  is_accepted();
  says("\x90\x04\x00\x01\x00\x00", 6);
  RUN_UNTIL(listening == 2);
  hang_up();
  ends_with(false, "closed the connection");
}

static void stops (void) { tl_probe_stop(probe); }

static void one_may_be_stopped_at_any_time (void **state) {
  (void)state;
  start(false);
  tl_probe_stop(probe); /* it has not begun */
  start(false);
  connects();
  tl_probe_stop(probe);
  RUN_UNTIL(readable(broker));
  hang_up();
  start(true);
  is_accepted();
  says("\x90\x04\x00\x01\x00\x00\x30\x03\x00\x01x\x30\x03\x00\x01y", 16);
  in_message = stops; /* inside of its own call */
  RUN_UNTIL(messages == 1);
  RUN_UNTIL(readable(broker));
  hang_up();
  assert_int_equal(messages, 1);
  assert_int_equal(dones, 0);
  start(false);
  connects();
  tl_dial_changed(&dial);
  ends_with(false, "the line was changed or removed meanwhile");
}

/* It has a connection in some of these reports, and none in others. */
static void a_report_may_stop_it (void **state) {
  (void)state;
  static const char *const places[] = { "mqtt://", "TCP", "FAILED" };
  close(listener);
  listener = -1;
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    if (strcmp(places[i], "TCP") == 0) listener = listen_on(AF_INET, 8, &port);
    if (strcmp(places[i], "TCP") == 0) set_params("a", NULL);
    if (strcmp(places[i], "FAILED") == 0) close(listener);
    seen[0] = '\0';
    stops_at = places[i];
    start(false);
    RUN_UNTIL(strstr(seen, stops_at));
    for (int n = 0; n < 3; n++) turn();
    assert_int_equal(dones, 0); /* who stops it needs no word */
  }
  stops_at = NULL;
  listener = -1;
}

/* The broker does its part as far as it is asked to. */
static void serve (void) {
  uint8_t bytes[500];
  if (broker < 0 && !accepts()) return;
  if (!readable(broker)) return;
  ssize_t n = read(broker, bytes, sizeof bytes);
  if (n <= 0 || bytes[0] == 0xe0) hang_up();
  if (n > 0 && bytes[0] == 0x10) says("\x20\x02\x00\x00", 4);
  if (n > 0 && bytes[0] == 0x82) says("\x90\x04\x00\x01\x00\x00", 6);
}

static bool is_done (void) {
  serve();
  return dones > 0;
}

static void without_memory_it_fails_in_words (void **state) {
  (void)state;
  for (torture_round t = { 0 }; torture_next(&t);) {
    dones = 0;
    why[0] = '\0';
    memory_fails(t.at, t.for_ever);
    int rc = tl_probe_start(&probe, &dial, on_report, on_done, NULL);
    if (rc == TL_OK) RUN_UNTIL(is_done());
    bool failed = memory_failed;
    memory_heals();
    if (rc != TL_OK) assert_int_equal(rc, TL_ENOMEM);
    if (rc == TL_OK && !well && why[0] == '\0') fail_msg("without a word at %ld", t.at);
    if (!failed) assert_true(well);
    while (accepts() && readable(broker)) hang_up();
    hang_up();
  }
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_line_that_works),
    SPEC(answers_that_are_refusals),
    SPEC(ends_of_connections),
    SPEC(each_address_is_tried),
    SPEC(one_that_listens_tells_of_messages),
    SPEC(one_may_be_stopped_at_any_time),
    SPEC(a_report_may_stop_it),
    SPEC(without_memory_it_fails_in_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
