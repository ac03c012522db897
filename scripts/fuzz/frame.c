/* scripts/fuzz/frame.c — libFuzzer target of the packet decoder: any bytes, read in two pieces cut anywhere, must give the same frames
** as in one; every packet a server may send is parsed; no byte outside the input is read. See scripts/fuzz/run. */
#include <stdlib.h>
#include <string.h>

#include "mqtt/frame.h"
#include "mqtt/parse.h"

enum { MAX_PACKET = 1 << 16 };

static void check (bool holds) {
  if (!holds) abort();
}

static void parse (const tl_frame *f) {
  tl_message m;
  tl_err err = { .text = "" };
  if (f->type != 3) return;
  if (tl_parse_publish(f, &m, &err) != TL_OK) {
    check(err.text[0] != '\0');
    return;
  }
  check(m.qos <= 2 && (m.qos > 0) == (m.id > 0) && m.topic.len > 0);
  check(m.topic.at >= f->body.at && m.payload.at + m.payload.len == f->body.at + f->body.len);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  size_t at = 0;
  while (at < size) {
    tl_frame whole, again;
    long n = tl_frame_read(data + at, size - at, MAX_PACKET, &whole);
    if (n <= 0) {
      check(n == TL_EPARTIAL || n == TL_EMALFORMED || n == TL_ETOOBIG);
      break;
    }
    check((size_t)n <= size - at && whole.body.len <= MAX_PACKET);
    /* A copy that ends with the packet: what lies behind it must not matter, and every shorter prefix is partial. */
    uint8_t *exact = malloc((size_t)n);
    if (exact == NULL) return 0;
    memcpy(exact, data + at, (size_t)n);
    check(tl_frame_read(exact, (size_t)n, MAX_PACKET, &again) == n);
    check(again.type == whole.type && again.flags == whole.flags && again.body.len == whole.body.len);
    check(tl_frame_read(exact, (size_t)n - 1, MAX_PACKET, &again) == TL_EPARTIAL);
    check(tl_frame_read(exact, (size_t)n, MAX_PACKET, &again) == n);
    parse(&again);
    free(exact);
    at += (size_t)n;
  }
  return 0;
}
