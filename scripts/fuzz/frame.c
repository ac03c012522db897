/* scripts/fuzz/frame.c — libFuzzer target of the packet decoder: any bytes, read in two pieces
** cut anywhere, must give the same frames as in one; every packet a server may send is parsed
** and described; no byte outside the input is read. See scripts/fuzz/run. */
#include <stdlib.h>
#include <string.h>

#include "mqtt/frame.h"
#include "mqtt/parse.h"
#include "mqtt/session_impl.h"
#include "mqtt/wire.h"

enum { MAX_PACKET = 1 << 16 };

static void check (bool holds) {
  if (!holds) abort();
}

static int parse_publish (const tl_frame *f, tl_err *err) {
  tl_message m;
  int rc = tl_parse_publish(f, &m, err);
  if (rc != TL_OK) return rc;
  check(m.qos <= 2 && (m.qos > 0) == (m.id > 0) && m.topic.len > 0);
  check(m.topic.at >= f->body.at && m.payload.at + m.payload.len == f->body.at + f->body.len);
  return TL_OK;
}

static int parse_suback (const tl_frame *f, tl_err *err) {
  tl_suback a;
  int rc = tl_parse_suback(f, &a, err);
  if (rc != TL_OK) return rc;
  check(a.id > 0 && a.codes.len > 0 && a.codes.at + a.codes.len == f->body.at + f->body.len);
  for (size_t i = 0; i < a.codes.len; i++) check(a.codes.at[i] <= 2 || a.codes.at[i] == 0x80);
  return TL_OK;
}

static int parse_any (const tl_frame *f, tl_err *err) {
  tl_connack c;
  uint16_t id;
  int rc;
  switch (f->type) {
    case TL_PUBLISH: return parse_publish(f, err);
    case TL_SUBACK: return parse_suback(f, err);
    case TL_PINGRESP: return tl_parse_pingresp(f, err);
    case TL_CONNACK:
      rc = tl_parse_connack(f, &c, err);
      check(rc != TL_OK || !c.session_present || c.code == 0);
      return rc;
    case TL_PUBACK:
    case TL_PUBREC:
    case TL_PUBREL:
    case TL_PUBCOMP:
    case TL_UNSUBACK:
      rc = tl_parse_ack(f, &id, err);
      check(rc != TL_OK || (id > 0 && f->body.len == 2));
      return rc;
    default: return TL_OK; /* not for a client: the session refuses it by its first byte */
  }
}

/* What is taken is well-formed; what is refused says why; and either can be described for Full
** Debug. */
static void parse (const tl_frame *f) {
  tl_err err = { .text = "" };
  tl_buf text;
  if (parse_any(f, &err) != TL_OK) check(err.text[0] != '\0');
  tl_buf_init(&text);
  tl_describe(&text, f);
  check(text.failed || text.len > 0);
  tl_buf_fini(&text);
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
    /* A copy that ends with the packet: what lies behind it must not matter, and every shorter
    ** prefix is partial. */
    uint8_t *exact = malloc((size_t)n);
    if (exact == NULL) return 0;
    memcpy(exact, data + at, (size_t)n);
    check(tl_frame_read(exact, (size_t)n, MAX_PACKET, &again) == n);
    check(again.type == whole.type && again.flags == whole.flags &&
          again.body.len == whole.body.len);
    check(tl_frame_read(exact, (size_t)n - 1, MAX_PACKET, &again) == TL_EPARTIAL);
    check(tl_frame_read(exact, (size_t)n, MAX_PACKET, &again) == n);
    parse(&again);
    free(exact);
    at += (size_t)n;
  }
  return 0;
}
