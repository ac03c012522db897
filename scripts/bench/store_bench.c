/* scripts/bench/store_bench.c — what session_store costs: writes of 60 bytes through a session
** whose broker confirms each at once, without a store and with one, so many in one wake-up.
** Prints figures only.
**
**   store_bench [FOLDER]      FOLDER: on the disk to be measured, "." when not given */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "mqtt/session.h"
#include "session_store/store.h"

enum { BUDGET_MS = 1500, PAYLOAD = 60 };

static tl_store *store; /* NULL: without */
static uint64_t confirmed;

static double now_us (clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int on_message (void *ctx, const tl_message *m) {
  (void)ctx, (void)m;
  return TL_MESSAGE_DONE;
}

static void on_published (void *ctx, void *token, int result, tl_slice payload) {
  (void)payload;
  (void)ctx, (void)token;
  confirmed += result == TL_OK;
}

static void on_store (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                      bool gone) {
  (void)ctx;
  if (store == NULL) return;
  if (gone)
    tl_store_delete(store, kind, sequence, id, bytes);
  else
    tl_store_put(store, kind, sequence, id, bytes);
}

static const tl_session_events events = { .message = on_message,
                                          .published = on_published,
                                          .store = on_store };

static void need (int rc, const char *what) {
  if (rc >= 0) return;
  fprintf(stderr, "store_bench: %s: %d\n", what, rc);
  exit(1);
}

static void input (tl_session *s, const uint8_t *bytes, size_t n) {
  if (tl_session_input(s, bytes, n, 1) != (long)n) need(-1, tl_session_error(s));
}

static void save (void) {
  tl_err err = { .text = "" };
  if (store != NULL) need(tl_store_commit(store, &err), err.text);
}

/* What the session wants to send is safe, then it goes out. */
static void send_all (tl_session *s, tl_buf *sent) {
  save();
  tl_session_release(s);
  tl_slice out = tl_session_output(s);
  tl_buf_clear(sent);
  tl_buf_slice(sent, out);
  tl_session_sent(s, out.len, 1);
}

/* PUBLISH packets in `sent` are answered, at QoS 2 with both answers. */
static void confirm (tl_session *s, tl_buf *sent, uint8_t qos) {
  enum { PACKET = 2 + 2 + 5 + 2 + PAYLOAD }; /* topic "bench" */
  static uint8_t acks[1000 * 4];
  size_t n = 0;
  for (size_t at = 0; at < sent->len; at += PACKET, n += 4) {
    uint8_t ack[4] = { qos == 1 ? 0x40 : 0x50, 2, sent->at[at + 9], sent->at[at + 10] };
    memcpy(acks + n, ack, sizeof ack);
  }
  input(s, acks, n);
  if (qos == 2) {
    send_all(s, sent);
    for (size_t at = 0; at < n; at += 4) acks[at] = 0x70;
    input(s, acks, n);
  }
  save();
}

static void measure (tl_session *s, tl_buf *sent, uint8_t qos, int batch) {
  uint8_t payload[PAYLOAD];
  tl_store_stats before = { 0, 0, 0 }, after = { 0, 0, 0 };
  uint64_t from = confirmed;
  memset(payload, 'p', sizeof payload);
  if (store != NULL) tl_store_get_stats(store, &before);
  double wall = now_us(CLOCK_MONOTONIC), cpu = now_us(CLOCK_PROCESS_CPUTIME_ID),
         stop = wall + BUDGET_MS * 1000.0;
  do {
    for (int i = 0; i < batch; i++)
      need(tl_session_publish(s, TL_LIT("bench"), tl_slice_of(payload, PAYLOAD), qos, false, NULL,
                              NULL),
           "publish");
    send_all(s, sent);
    confirm(s, sent, qos);
  } while (now_us(CLOCK_MONOTONIC) < stop);
  wall = now_us(CLOCK_MONOTONIC) - wall;
  cpu = now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  double n = (double)(confirmed - from);
  if (store != NULL) tl_store_get_stats(store, &after);
  printf("QoS %u, %4d a wake-up, %-7s %9.2f us a write, of it processor %7.2f us; %5.2f syncs a "
         "write\n",
         qos, batch, store != NULL ? "stored:" : "not:", wall / n, cpu / n,
         (double)(after.syncs - before.syncs) / n);
}

/* What the disk asks for at least: a page appended and synced. */
static void bare_sync (const char *folder) {
  char path[4096], page[4096];
  memset(page, 'x', sizeof page);
  snprintf(path, sizeof path, "%s/tagline-bench.tmp", folder);
  int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
  need(fd, path);
  unlink(path);
  int n = 0;
  double wall = now_us(CLOCK_MONOTONIC);
  for (; now_us(CLOCK_MONOTONIC) < wall + BUDGET_MS * 1000.0; n++)
    if (write(fd, page, sizeof page) != (ssize_t)sizeof page || fdatasync(fd) != 0)
      need(-1, "write");
  printf("a page appended and synced by hand: %.2f us\n", (now_us(CLOCK_MONOTONIC) - wall) / n);
  close(fd);
}

int main (int argc, char **argv) {
  static const int batches[] = { 1, 10, 100, 1000 };
  const char *folder = argc > 1 ? argv[1] : ".";
  tl_session_params params = { .client_id = TL_LIT("bench"),
                               .max_packet_size = 1 << 20,
                               .max_inflight = 1000,
                               .max_queued = 1000 };
  tl_buf sent;
  tl_err err = { .text = "" };
  tl_buf_init(&sent);
  bare_sync(folder);
  for (int with = 0; with < 2; with++) {
    tl_session *s;
    if (with)
      need(tl_store_open(&store, tl_slice_str(folder), TL_LIT("bench"), TL_LIT("bench"), &err),
           err.text);
    need(tl_session_new(&s, &params, &events, NULL), "session");
    need(tl_session_open(s, 0), "open");
    input(s, (const uint8_t *)"\x20\x02\x00\x00", 4);
    send_all(s, &sent);
    for (uint8_t qos = 1; qos <= 2; qos++)
      for (int i = 0; i < 4; i++) measure(s, &sent, qos, batches[i]);
    store = with ? store : NULL;
    tl_session_free(s);
  }
  tl_store_close(store);
  char path[4096];
  snprintf(path, sizeof path, "%s/bench.bench.sqlite", folder);
  unlink(path);
  tl_buf_fini(&sent);
  return 0;
}
