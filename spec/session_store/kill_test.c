/* spec/session_store/kill_test.c — a process that is killed at any point has on the disk
** exactly the batches that it committed, the last one perhaps more: all of it or nothing. */
#include "session_store/folder.h"

#include <signal.h>
#include <sys/wait.h>

enum { ROUNDS = 40, BATCH = 5 };

/* Batches of BATCH messages for ever; after each commit its number goes to the parent. Message
** n is forgotten five batches later. */
static void write_until_killed (tl_store *s, uint64_t batch, int to) {
  for (;; batch++) {
    for (uint64_t i = 0; i < BATCH; i++) {
      uint64_t n = batch * BATCH + i + 1;
      char text[32];
      snprintf(text, sizeof text, "value %llu", (unsigned long long)n);
      put_message(s, n, (uint16_t)(n % 65535 + 1), text);
      if (n > 5 * BATCH)
        tl_store_delete(s, TL_STORE_MESSAGE, n - 5 * BATCH, 0, tl_slice_of(NULL, 0));
    }
    if (tl_store_commit(s, NULL) != TL_OK || write(to, &batch, sizeof batch) != sizeof batch)
      _exit(1);
  }
}

typedef struct {
  uint64_t first, last, count;
} span;

static int look (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                 tl_err *err) {
  span *seen = ctx;
  char text[32];
  (void)err;
  assert_int_equal(kind, TL_STORE_MESSAGE);
  assert_int_equal(id, sequence % 65535 + 1);
  int n = snprintf(text, sizeof text, "value %llu", (unsigned long long)sequence);
  assert_true(tl_slice_eq(bytes, tl_slice_of(text, (size_t)n)));
  if (seen->count++ == 0)
    seen->first = sequence;
  else
    assert_int_equal(sequence, seen->last + 1);
  seen->last = sequence;
  return TL_OK;
}

static void has_whole_batches_and_none_less_than_it_said (void **state) {
  (void)state;
  uint64_t done = 0;
  for (int round = 0; round < ROUNDS; round++) {
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
      tl_store *s;
      if (tl_store_open(&s, tl_slice_str(folder), TL_LIT("plant"), TL_LIT("me"), NULL) != TL_OK)
        _exit(1);
      write_until_killed(s, done, pipes[1]);
    }
    close(pipes[1]);
    /* Killed after a different number of commits each time, at whatever it does then; or while
    ** it is opening. */
    uint64_t batch, said = 0;
    bool any = false;
    for (int i = 0; i < round % 9; i++) {
      assert_int_equal(read(pipes[0], &batch, sizeof batch), sizeof batch);
      said = batch;
      any = true;
    }
    kill(child, SIGKILL);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(pipes[0], &batch, sizeof batch) == sizeof batch) {
      said = batch;
      any = true;
    }
    close(pipes[0]);

    span seen = { 0, 0, 0 };
    tl_err err = { .text = "" };
    tl_store *s = open_store();
    if (tl_store_load(s, look, &seen, &err) != TL_OK) fail_msg("%s", err.text);
    tl_store_close(s);
    uint64_t least = any ? (said + 1) * BATCH : done * BATCH;
    /* the one more had no time to say so */
    assert_true(seen.last == least || seen.last == least + BATCH);
    if (seen.last > 0) assert_int_equal(seen.count, seen.last < 5 * BATCH ? seen.last : 5 * BATCH);
    done = seen.last / BATCH;
  }
  assert_true(done >= ROUNDS);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(has_whole_batches_and_none_less_than_it_said, new_folder,
                                    drop_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
