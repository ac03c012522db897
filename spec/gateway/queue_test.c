/* Messages behind one that waits for ACK_ID: no memory for one of them does not lose it. The
** file that allocates is compiled in here, so that only its allocations fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

static bool spent;
static void *spare_malloc (size_t n) { return spent ? NULL : malloc(n); }

#include "net/loop.h"
static int spare_later (tl_loop *loop, void (*fn)(void *ctx), void *ctx) {
  return spent ? TL_ENOMEM : tl_loop_later(loop, fn, ctx);
}

#define malloc spare_malloc
#define tl_loop_later spare_later
#include "gateway/ack_id.c"
#undef tl_loop_later
#undef malloc

/* A turn of the loop that is used: so much processor time has gone by since it began. */
static void use_the_turn (void) { tl_clock_busy += 100; }

static int message (tl_link *l, const char *topic) {
  tl_message m = { .topic = tl_slice_str(topic), .payload = TL_LIT("x"), .id = 7, .qos = 1 };
  return tl_link_message(l, &m);
}

static void is_not_lost_for_want_of_memory (void **state) {
  tl_station waits = { .name = (char *)"waits" };
  tl_link l = { .ack.station = &waits, .params.receive_queue = 1000 };
  (void)state;
  tl_recorder_init(&l.recorder);
  assert_int_equal(message(&l, "a"), TL_MESSAGE_HELD);
  spent = true;
  /* the session ends the connection: spec/mqtt/receive_test.c */
  assert_int_equal(message(&l, "b"), TL_ENOMEM);
  assert_int_equal(l.ack.count, 1);
  spent = false;
  assert_int_equal(message(&l, "b"), TL_MESSAGE_HELD);
  assert_int_equal(l.ack.count, 2);
  tl_link_drop_queue(&l);
  tl_recorder_fini(&l.recorder);
}

/* It is asked for inside the session's input, which does not know yet that the message is held. */
static void is_delivered_later_for_want_of_memory (void **state) {
  tl_gateway g = { .loop = NULL };
  tl_link l = { .gateway = &g, .params.receive_queue = 1000, .input.shut = TL_SHUT_VALUES };
  tl_incoming m = { .topic = TL_LIT("a"), .payload = TL_LIT("x"), .id = 7, .qos = 1 };
  (void)state;
  assert_int_equal(tl_loop_new(&g.loop), TL_OK);
  assert_int_equal(tl_link_queue(&l, &m), TL_OK);
  spent = true;
  tl_link_ask_pump(&l);
  spent = false;
  assert_false(g.flush.asked); /* nothing was tried */
  assert_non_null(l.ack.waits.next);
  tl_link_forget_pump(&l);
  tl_link_drop_queue(&l);
  tl_loop_free(g.loop);
}

static bool decodes (void *line, void *station) { return !line && station; }
static int no_pieces (void *ctx, void **out, bool brief, void (*body)(void *), void *body_ctx) {
  (void)ctx, (void)out, (void)brief, (void)body, (void)body_ctx;
  return TL_ENOMEM;
}

/* A connection that ends while its line waits takes the line's turn away. */
static void the_next_connection_is_not_handled_in_pieces (void **state) {
  tl_gateway g = { .handlers = { .decodes_only = decodes, .pieces_new = no_pieces } };
  tl_plan plan = { .special.ack_id = -1 };
  tl_station one = { .user = &one, .plan = &plan }, *stations[] = { &one };
  tl_line line = { .stations = stations, .station_count = 1 };
  tl_link l = { .gateway = &g, .line = &line };
  (void)state;
  assert_int_equal(tl_loop_new(&g.loop), TL_OK);
  for (int i = 0; i < 64; i++) tl_pace_begin(&l), tl_pace_end(&l);
  use_the_turn();
  tl_pace_wait(&l);
  assert_int_equal(l.pace.waits.rank, 3);
  assert_int_equal(l.pace.careful, TL_LINK_LONG);
  tl_input_forget(&l);
  assert_null(l.pace.waits.next);
  assert_int_equal(l.pace.careful, 0);
  tl_loop_free(g.loop);
}

static void when_the_turn_is_used_lines_wait_for_their_turn (void **state) {
  tl_gateway g = { .loop = NULL };
  tl_station one = { .user = NULL }, *stations[] = { &one };
  tl_line line = { .stations = stations, .station_count = 1 };
  tl_link l = { .gateway = &g, .line = &line, .params.receive_queue = 1000 };
  (void)state;
  assert_int_equal(tl_loop_new(&g.loop), TL_OK);
  assert_false(tl_pace_passes_over(&l));
  use_the_turn();
  assert_true(tl_pace_passes_over(&l));
  tl_pace_wait(&l); /* the line was quick so far: it waits ahead of those that were not */
  assert_int_equal(l.pace.waits.rank, 3); /* as it has no function */
  tl_heavy_forget(g.loop, &l.pace.waits);
  one.user = &one;
  tl_pace_wait(&l);
  assert_int_equal(l.pace.waits.rank, 1);
  tl_heavy_forget(g.loop, &l.pace.waits);
  for (int i = 0; i < 64; i++) tl_pace_begin(&l), tl_pace_end(&l);
  tl_pace_wait(&l);
  assert_int_equal(l.pace.waits.rank, 2); /* as it has long been quick */
  tl_heavy_forget(g.loop, &l.pace.waits);
  l.pace.took = 1;
  assert_true(tl_pace_passes_over(&l));
  tl_pace_wait(&l);
  assert_int_equal(l.pace.waits.rank, 0);
  tl_heavy_forget(g.loop, &l.pace.waits);
  on_pump(&l);
  assert_non_null(l.ack.waits.run);
  assert_non_null(l.ack.waits.next); /* in the ring, and nothing was delivered */
  tl_link_forget_pump(&l);
  assert_null(l.ack.waits.next);
  tl_loop_free(g.loop);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(is_not_lost_for_want_of_memory),
    cmocka_unit_test(is_delivered_later_for_want_of_memory),
    cmocka_unit_test(the_next_connection_is_not_handled_in_pieces),
    cmocka_unit_test(when_the_turn_is_used_lines_wait_for_their_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
