/* spec/gateway/sync_test.c — a line with session_store on a disk that counts: no byte that
** depends on the store leaves before it is synced, and none leaves that could not be. The
** broker is a plain socket. */
#include "session_store/folder.h"

#include "base/log.h"
#include "gateway/once_impl.h"
#include "session_store/disk.h"
#include "gateway/plain_broker.h"

static void prepare (tl_line_params *p) {
  p->connect_timeout = p->reply_timeout = DEADLINE_MS;
  text(&p->session_store, folder);
}

static tl_store *held; /* the line's store, while somebody else has it */

static int begin (void **state, bool by_another) {
  tl_err err;
  memset(&disk, 0, sizeof disk);
  tl_log_set_level(TL_LOG_ERROR);
  if (new_folder(state) != 0 || loop_setup(state) != 0) return -1;
  if (by_another &&
      tl_store_open(&held, tl_slice_str(folder), TL_LIT("plant"), TL_LIT("me"), &err) != TL_OK)
    return -1;
  return begin_gateway(prepare);
}

static int set_up (void **state) { return begin(state, false); }
static int set_up_held (void **state) { return begin(state, true); }

static int tear_down (void **state) {
  disk.fail_write = disk.fail_sync = 0;
  end_gateway(state);
  return drop_folder(state);
}

static int publish (const char *payload) {
  return tl_link_publish(link_of_plant(), TL_LIT("t"), tl_slice_str(payload), 1, 0, NULL, NULL,
                         NULL);
}

static void a_write_is_synced_before_its_bytes_leave (void **state) {
  (void)state;
  connect_it(false);
  disk.syncs = 0;
  assert_int_equal(publish("x"), TL_OK);
  assert_int_equal(disk.syncs, 0); /* not each write by itself */
  RUN_UNTIL(came(0x32));
  assert_int_equal(disk.syncs, 1);
}

static void writes_of_one_turn_share_a_sync (void **state) {
  (void)state;
  connect_it(false);
  disk.syncs = 0;
  for (int i = 0; i < 20; i++) assert_int_equal(publish("x"), TL_OK);
  RUN_UNTIL(came(0x32));
  assert_int_equal(disk.syncs, 1);
}

static void a_received_identifier_is_synced_before_pubrec (void **state) {
  (void)state;
  connect_it(false);
  disk.syncs = 0;
  answer("\x34\x05\x00\x01"
         "a\x00\x07",
         7);
  RUN_UNTIL(came(0x50));
  assert_true(disk.syncs >= 1);
}

static void what_cannot_be_synced_does_not_leave (void **state) {
  (void)state;
  connect_it(false);
  disk.fail_sync = SQLITE_IOERR_FSYNC;
  assert_int_equal(publish("x"), TL_OK);
  RUN_UNTIL(readable(broker)); /* the end of the connection, and nothing else */
  assert_false(came(0x32));
  close(broker);
  broker = -1;
  disk.fail_sync = 0; /* the disk works again: nothing was lost */
  connect_it(true);
  RUN_UNTIL(came(0x3a) || came(0x32));
}

/* --- which values are stored (gateway/once.h) --- */

static void count_mark (void *ctx, const tl_message_mark *r) {
  assert_true(tl_slice_eq(r->line, TL_LIT("plant")) && r->id == 7 && r->sum == 99);
  ++*(int *)ctx;
}

static int marks (void) {
  int count = 0;
  tl_gateway_each_mark(gateway, count_mark, &count);
  return count;
}

/* The spool's next batch has them again, since a process that is killed leaves its last one. */
static void marks_are_carried_on_until_the_store_is_open (void **state) {
  const tl_message_mark mark = { TL_LIT("plant"), 7, 99 }, foreign = { TL_LIT("other"), 7, 99 };
  (void)state;
  tl_gateway_found_mark(gateway, 5, &mark);
  tl_gateway_found_mark(gateway, 5, &foreign);
  assert_int_equal(marks(), 1);
  tl_store_close(held);
  connect_it(false);
  assert_int_equal(marks(), 0);
}

static int note_taken (void *ctx, char kind, uint64_t sum, uint16_t id, tl_slice bytes,
                       tl_err *err) {
  (void)bytes, (void)err;
  if (kind == TL_STORE_TAKEN && sum != 0) *(uint16_t *)ctx = id;
  return TL_OK;
}

/* A batch that lost a change is made anew, and has what the store knew of such messages. */
static void a_new_batch_has_what_the_store_knew (void **state) {
  const tl_incoming m = { .topic = TL_LIT("a"), .payload = TL_LIT("x"), .qos = 2, .id = 7 };
  uint16_t taken = 0;
  tl_err err;
  (void)state;
  tl_gateway_set_place(gateway, 1, 6);
  connect_it(false);
  tl_link *l = link_of_plant();
  tl_pending_whole(l, &m);
  assert_true(tl_pending_put(l));
  assert_int_equal(tl_store_commit(l->keep.store, &err), TL_OK);
  tl_store_begin_anew(l->keep.store);
  tl_pending_begin_anew(l);
  assert_int_equal(tl_store_commit(l->keep.store, &err), TL_OK);
  assert_int_equal(tl_store_load(l->keep.store, note_taken, &taken, &err), TL_OK);
  assert_int_equal(taken, 7);
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_write_is_synced_before_its_bytes_leave),
    SPEC(writes_of_one_turn_share_a_sync),
    SPEC(a_received_identifier_is_synced_before_pubrec),
    SPEC(what_cannot_be_synced_does_not_leave),
    cmocka_unit_test_setup_teardown(marks_are_carried_on_until_the_store_is_open, set_up_held,
                                    tear_down),
    SPEC(a_new_batch_has_what_the_store_knew),
  };
  disk_install();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
