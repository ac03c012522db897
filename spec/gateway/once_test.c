/* spec/gateway/once_test.c — received QoS 2 messages between the spool and the session store: which
** marks go into the spool, which messages of an earlier process are known again, and what the store
** holds. Each process is a gateway; what stays between two is the folder. */
#include "support/torture.h"

#include "session_store/folder.h"

#include "base/log.h"
#include "gateway/gateway.h"
#include "gateway/once_impl.h"
#include "session_store/store.h"

enum { SPOOL = 7, OTHER_SPOOL = 8 };

static tl_loop *loop;
static tl_gateway *gateway;
static tl_link *link_of_plant;

static bool quiet (void *ctx, tl_log_level level, const char *text) {
  (void)ctx, (void)level, (void)text;
  return true;
}

static void text (tl_slice *field, tl_slice value) {
  assert_int_equal(tl_params_set_text(field, value), TL_OK);
}

/* A process begins: its spool will write the value number `next`. */
static void begin (uint64_t spool, uint64_t next) {
  tl_line_config line = { .name = TL_LIT("plant") };
  tl_config config = { .lines = &line, .line_count = 1 };
  tl_line_params *p = &line.params;
  memory_is_spared = true;
  p->port = 1883;
  p->max_packet_size = 65536;
  p->max_inflight = p->max_queued = p->receive_queue = 100;
  text(&p->client_id, TL_LIT("me"));
  text(&p->offline_writes, TL_LIT("reject"));
  text(&p->session_store, tl_slice_str(folder));
  assert_int_equal(tl_params_add_text(&p->host, TL_LIT("h")), TL_OK);
  assert_int_equal(tl_gateway_new(&gateway, loop, NULL, NULL), TL_OK);
  if (spool != 0) tl_gateway_set_place(gateway, spool, next);
  assert_int_equal(tl_gateway_apply(gateway, &config, NULL, NULL, NULL), TL_OK);
  link_of_plant = tl_line_link(tl_gateway_model(gateway)->lines[0]);
  memory_is_spared = false;
}

static void opens (void) {
  tl_err err = { .text = "" };
  if (tl_link_store_ready(link_of_plant, true, &err) != TL_OK) fail_msg("%s", err.text);
}

static void ends (void) {
  tl_gateway_free(gateway);
  gateway = NULL;
}

static tl_incoming message (uint16_t id, const char *payload) {
  return (
      tl_incoming){ .topic = TL_LIT("a/b"), .payload = tl_slice_str(payload), .qos = 2, .id = id };
}

static void delivered (uint16_t id, const char *payload) {
  tl_incoming m = message(id, payload);
  tl_pending_whole(link_of_plant, &m);
}

static bool is_known (uint16_t id, const char *payload) {
  tl_incoming m = message(id, payload);
  return tl_pending_is_found(link_of_plant, &m);
}

static void confirmed (uint16_t id) {
  tl_link_remember(link_of_plant, TL_STORE_RECEIVED, 0, id, tl_slice_of(NULL, 0), false);
}

static void released (uint16_t id) {
  tl_link_remember(link_of_plant, TL_STORE_RECEIVED, 0, id, tl_slice_of(NULL, 0), true);
}

static void writes (void) {
  tl_err err = { .text = "" };
  tl_gateway_put_received(gateway);
  if (tl_gateway_commit(gateway, &err) != TL_OK) fail_msg("%s", err.text);
}

static tl_message_mark last_mark;

static void on_mark (void *ctx, const tl_message_mark *r) {
  assert_true(tl_slice_eq(r->line, TL_LIT("plant")));
  last_mark = *r;
  last_mark.line = TL_LIT("plant");
  ++*(int *)ctx;
}

static int marks (void) {
  int n = 0;
  tl_gateway_each_mark(gateway, on_mark, &n);
  return n;
}

/* --- one process --- */

static void a_mark_is_written_until_the_store_knows_the_message (void **state) {
  (void)state;
  begin(SPOOL, 100);
  opens();
  delivered(5, "x");
  assert_int_equal(marks(), 1);
  assert_int_equal(last_mark.id, 5);
  confirmed(5);
  assert_int_equal(marks(), 1);
  writes();
  assert_int_equal(marks(), 0);
  released(5);
  writes();
  assert_int_equal(marks(), 0);
  ends();
}

static void a_message_that_is_released_at_once_needs_no_record (void **state) {
  (void)state;
  begin(SPOOL, 100);
  opens();
  confirmed(6); /* before its values are out */
  released(6);
  assert_int_equal(marks(), 0);
  delivered(7, "x");
  confirmed(7);
  released(7);
  assert_int_equal(marks(), 1); /* its values are in the spool all the same */
  writes();
  assert_int_equal(marks(), 0);
  ends();
}

static void many_messages_have_a_mark_each (void **state) {
  (void)state;
  begin(SPOOL, 100);
  opens();
  for (uint16_t id = 1; id <= 100; id++) delivered(id, "x");
  delivered(50, "again"); /* the identifier is of another message now */
  assert_int_equal(marks(), 100);
  for (uint16_t id = 1; id <= 100; id++) confirmed(id);
  writes();
  assert_int_equal(marks(), 0);
  ends();
}

static void without_a_spool_nothing_is_marked (void **state) {
  (void)state;
  begin(0, 0);
  opens();
  delivered(5, "x");
  confirmed(5);
  assert_int_equal(marks(), 0);
  ends();
}

/* However many lines have a store, a wake-up looks at those only that have something for it. */
static void a_store_is_looked_at_when_there_is_something_for_it (void **state) {
  (void)state;
  begin(SPOOL, 100);
  opens();
  assert_ptr_equal(gateway->once.due, link_of_plant); /* the spool's place */
  writes();
  assert_null(gateway->once.due);
  delivered(5, "x");
  assert_ptr_equal(gateway->once.due, link_of_plant);
  writes();
  confirmed(5);
  assert_ptr_equal(gateway->once.due, link_of_plant);
  link_of_plant->keep.delivering = 6; /* of a message that is handled in pieces */
  writes();
  assert_ptr_equal(gateway->once.due, link_of_plant);
  link_of_plant->keep.delivering = 0;
  writes();
  assert_null(gateway->once.due);
  ends();
}

/* --- two processes --- */

/* The first was killed behind the spool's write of value 100, and before the store's. */
static uint64_t killed_between (void) {
  begin(SPOOL, 100);
  opens();
  writes();
  delivered(5, "x");
  assert_int_equal(marks(), 1);
  uint64_t sum = last_mark.sum;
  link_of_plant->keep.place_due = false;
  tl_pending_free(link_of_plant); /* what only memory knew */
  ends();
  return sum;
}

static void finds (uint64_t number, uint64_t sum, const char *line) {
  tl_message_mark r = { tl_slice_str(line), 5, sum };
  tl_gateway_found_mark(gateway, number, &r);
}

static void a_message_that_comes_again_is_known (void **state) {
  (void)state;
  uint64_t sum = killed_between();
  begin(SPOOL, 101);
  finds(100, sum, "plant");
  opens();
  assert_true(is_known(5, "x"));
  assert_false(is_known(5, "y"));
  assert_false(is_known(6, "x"));
  tl_pending_session_lost(link_of_plant); /* then nothing comes again */
  assert_false(is_known(5, "x"));
  ends();
}

static void marks_of_others_do_not_count (void **state) {
  (void)state;
  uint64_t sum = killed_between();
  begin(SPOOL, 101);
  finds(99, sum, "plant"); /* the store knows of this value */
  finds(100, sum, "other");
  opens();
  assert_false(is_known(5, "x"));
  ends();
  begin(OTHER_SPOOL, 101);
  finds(100, sum, "plant");
  opens();
  assert_false(is_known(5, "x"));
  ends();
}

static void what_the_store_was_told_is_known_after_a_restart (void **state) {
  (void)state;
  begin(SPOOL, 100);
  opens();
  delivered(5, "x");
  writes(); /* values are stored; the session has not taken the message yet */
  assert_int_equal(marks(), 0);
  ends();
  begin(SPOOL, 101);
  opens();
  assert_true(is_known(5, "x"));
  confirmed(5);
  writes();
  ends();
  begin(SPOOL, 102);
  opens();
  assert_false(is_known(5, "x")); /* the session has the identifier now */
  ends();
}

/* --- without memory --- */

/* Whatever had no memory: the store opens at the next attempt, and the message is at worst stored
** twice, never lost. */
static int life (void *unused) {
  tl_err err = { .text = "" };
  (void)unused;
  begin(SPOOL, 101);
  finds(100, 1, "plant");
  int rc = tl_link_store_ready(link_of_plant, true, &err);
  if (rc == TL_OK) {
    delivered(5, "x");
    confirmed(5);
    tl_gateway_put_received(gateway);
    rc = tl_gateway_commit(gateway, &err);
  }
  memory_heals();
  if (rc != TL_OK) assert_true(err.text[0] != '\0');
  opens();
  delivered(9, "z");
  confirmed(9);
  writes();
  assert_int_equal(marks(), 0);
  ends();
  return rc == TL_OK ? TL_OK : TL_ENOMEM;
}

static void without_memory_the_next_attempt_works (void **state) {
  (void)state;
  assert_true(torture_as(life, NULL, true) > 10);
}

static int set_up (void **state) {
  tl_log_set_writer(quiet, NULL);
  if (new_folder(state) != 0) return -1;
  return tl_loop_new(&loop);
}

static int tear_down (void **state) {
  tl_loop_free(loop);
  return drop_folder(state);
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_mark_is_written_until_the_store_knows_the_message),
    SPEC(a_message_that_is_released_at_once_needs_no_record),
    SPEC(many_messages_have_a_mark_each),
    SPEC(without_a_spool_nothing_is_marked),
    SPEC(a_store_is_looked_at_when_there_is_something_for_it),
    SPEC(a_message_that_comes_again_is_known),
    SPEC(marks_of_others_do_not_count),
    SPEC(what_the_store_was_told_is_known_after_a_restart),
    SPEC(without_memory_the_next_attempt_works),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
