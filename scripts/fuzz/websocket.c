/* scripts/fuzz/websocket.c — libFuzzer target of WebSocket frames: the same payload and the
** same end whether all bytes come at once, one by one, or in pieces that the input chooses. */
#include <stdlib.h>
#include <string.h>

#include "ws/frames.h"

static void check (bool holds) {
  if (!holds) abort();
}

static int random_bytes (void *ctx, uint8_t *at, size_t n) {
  (void)ctx;
  memset(at, 0x5a, n);
  return TL_OK;
}

static long run (const uint8_t *data, size_t size, size_t piece, size_t room, tl_buf *got) {
  tl_ws *w = NULL;
  uint8_t into[64];
  long rc = 0;
  if (tl_ws_new(&w, random_bytes, NULL) != TL_OK) abort();
  for (size_t at = 0; at < size && rc >= 0; at += piece) {
    size_t n = size - at < piece ? size - at : piece;
    tl_ws_feed(w, data + at, n);
    while ((rc = tl_ws_read(w, into, room)) > 0) tl_buf_add(got, into, (size_t)rc);
    check(tl_ws_output(w)->len <= 2 * (6 + 125)); /* a pong and a close */
    tl_buf_clear(tl_ws_output(w));
  }
  if (rc < 0) check(tl_ws_error(w)[0] != '\0');
  tl_ws_free(w);
  return rc;
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  tl_buf whole, cut;
  if (size < 2) return 0;
  size_t piece = 1u + data[0] % 16, room = 1u + data[1] % 64;
  tl_buf_init(&whole);
  tl_buf_init(&cut);
  long a = run(data + 2, size - 2, size, 64, &whole);
  long b = run(data + 2, size - 2, piece, room, &cut);
  check(a == b && tl_slice_eq(tl_buf_bytes(&whole), tl_buf_bytes(&cut)));
  tl_buf_fini(&whole);
  tl_buf_fini(&cut);
  return 0;
}
