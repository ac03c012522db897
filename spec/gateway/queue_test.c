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

#define malloc spare_malloc
#include "gateway/ack_id.c"
#undef malloc

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

int main (void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(is_not_lost_for_want_of_memory) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
