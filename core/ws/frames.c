/* core/ws/frames.c — WebSocket frames in both directions. Must not know what is in them.
**
** wslay reads the frames, but for those that are a whole binary message, nearly all that brokers
** send: wslay's buffer of 4 KiB and its calls cost more than the message in it. It is given no byte
** beyond the frame that it reads, so that the next one may be read either way. We write frames
** ourselves: one is a header of at most 14 bytes, and wslay masks byte by byte, which costs ten
** times what eight bytes at once do. */
#include "ws/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <wslay/wslay.h>

#include "base/printable.h"
#include "base/utf8.h"

enum {
  CONTROL_MAX = 125, /* bytes of a control frame, RFC 6455 section 5.5 */
  HEADER_MAX = 14,
  LENGTH_16 = 126,
  LENGTH_64 = 127,
  IS_FINAL = 0x80,
  IS_MASKED = 0x80,
  OUTPUT_KEEP = 64 * 1024
};

struct tl_ws {
  wslay_frame_context_ptr frames;
  tl_ws_random *random;
  void *random_ctx;
  tl_buf kept;     /* what of `in` is ours; empty: `in` is borrowed */
  tl_slice in;     /* fed and not yet read */
  tl_slice chunk;  /* payload that wslay has read, in its memory, not yet given on */
  uint64_t left;   /* of the frame that is being read */
  bool in_whole;   /* the frame is a whole message, and is read here, without wslay */
  bool in_frame;   /* the frame is read by wslay: its header was read, its end was not */
  size_t held;     /* bytes of a header that wslay has */
  bool in_message; /* a fragment came that was not the last */
  struct wslay_frame_iocb frame;
  uint8_t control[CONTROL_MAX];
  size_t control_len;
  uint8_t pong[CONTROL_MAX];
  size_t pong_len;
  bool owes_pong;
  bool closing; /* our close frame is written */
  int failed;   /* what every later read returns */
  tl_buf out;
  char error[320];
};

static ssize_t on_recv (uint8_t *buf, size_t len, int flags, void *ctx) {
  tl_ws *w = ctx;
  (void)flags;
  size_t n = w->in.len < len ? w->in.len : len;
  if (n == 0) return -1; /* wslay: more is wanted */
  if (!w->in_frame) {
    n = 1;
    w->held++;
  } else if (n > w->left) {
    n = (size_t)w->left;
  }
  memcpy(buf, w->in.at, n);
  w->in = tl_slice_of(w->in.at + n, w->in.len - n);
  return (ssize_t)n;
}

static ssize_t on_send (const uint8_t *data, size_t len, int flags, void *ctx) {
  (void)data, (void)len, (void)flags, (void)ctx;
  return -1; /* never asked */
}

static int on_mask (uint8_t *buf, size_t len, void *ctx) {
  (void)buf, (void)len, (void)ctx;
  return -1; /* never asked */
}

int tl_ws_new (tl_ws **out, tl_ws_random *random, void *ctx) {
  static const struct wslay_frame_callbacks callbacks = { on_send, on_recv, on_mask };
  tl_ws *w = calloc(1, sizeof *w);
  if (!w) return TL_ENOMEM;
  w->random = random;
  w->random_ctx = ctx;
  tl_buf_init(&w->out);
  tl_buf_init(&w->kept);
  if (wslay_frame_context_init(&w->frames, &callbacks, w) != 0) {
    free(w);
    return TL_ENOMEM;
  }
  *out = w;
  return TL_OK;
}

void tl_ws_free (tl_ws *w) {
  if (!w) return;
  wslay_frame_context_free(w->frames);
  tl_buf_fini(&w->out);
  tl_buf_fini(&w->kept);
  free(w);
}

void tl_ws_feed (tl_ws *w, const uint8_t *at, size_t n) {
  tl_buf_fini(&w->kept);
  w->in = tl_slice_of(at, n);
}

int tl_ws_keep (tl_ws *w) {
  tl_buf copy;
  if (w->in.len == 0 || w->kept.len > 0) return TL_OK;
  tl_buf_init(&copy);
  tl_buf_slice(&copy, w->in);
  if (copy.failed) {
    tl_buf_fini(&copy);
    return TL_ENOMEM;
  }
  w->kept = copy;
  w->in = tl_buf_bytes(&w->kept);
  return TL_OK;
}

bool tl_ws_waits (const tl_ws *w) { return w->in.len > 0 || w->chunk.len > 0; }

const char *tl_ws_error (const tl_ws *w) { return w->error; }

bool tl_ws_is_inside (const tl_ws *w) {
  return w->in_whole || w->held > 0 || w->in_frame || w->in_message;
}

/* Writing */

/* to[i] = from[i] ^ the mask, which begins at its first byte. */
static void mask_into (uint8_t *to, const uint8_t *from, size_t n, const uint8_t mask[4]) {
  uint64_t eight;
  uint8_t twice[8];
  size_t i = 0;
  memcpy(twice, mask, 4);
  memcpy(twice + 4, mask, 4);
  memcpy(&eight, twice, 8);
  for (; n - i >= 8; i += 8) {
    uint64_t part;
    memcpy(&part, from + i, 8);
    part ^= eight;
    memcpy(to + i, &part, 8);
  }
  for (; i < n; i++) to[i] = from[i] ^ mask[i % 4];
}

static size_t header (uint8_t *at, uint8_t opcode, uint64_t n) {
  at[0] = IS_FINAL | opcode;
  if (n < LENGTH_16) {
    at[1] = (uint8_t)(IS_MASKED | n);
    return 2;
  }
  size_t bytes = n <= UINT16_MAX ? 2 : 8;
  at[1] = IS_MASKED | (bytes == 2 ? LENGTH_16 : LENGTH_64);
  for (size_t i = 0; i < bytes; i++) at[2 + i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
  return 2 + bytes;
}

static int put_frame (tl_ws *w, uint8_t opcode, const uint8_t *at, size_t n) {
  uint8_t head[HEADER_MAX];
  size_t used = header(head, opcode, n);
  int rc = w->random(w->random_ctx, head + used, 4);
  if (rc < 0) return rc;
  if (tl_buf_reserve(&w->out, used + 4 + n) != TL_OK) {
    w->out.failed = false;
    return TL_ENOMEM;
  }
  tl_buf_add(&w->out, head, used + 4);
  mask_into(w->out.at + w->out.len, at, n, head + used);
  w->out.len += n;
  return TL_OK;
}

int tl_ws_write (tl_ws *w, const void *bytes, size_t n) {
  return w->closing ? TL_ESTATE : put_frame(w, WSLAY_BINARY_FRAME, bytes, n);
}

int tl_ws_close (tl_ws *w, unsigned code) {
  uint8_t body[2] = { (uint8_t)(code >> 8), (uint8_t)code };
  if (w->closing) return TL_OK;
  int rc = put_frame(w, WSLAY_CONNECTION_CLOSE, body, sizeof body);
  w->closing = true;
  w->owes_pong = false;
  return rc;
}

tl_buf *tl_ws_output (tl_ws *w) {
  if (w->owes_pong && !w->closing && put_frame(w, WSLAY_PONG, w->pong, w->pong_len) == TL_OK)
    w->owes_pong = false;
  if (w->out.len == 0) tl_buf_shrink(&w->out, OUTPUT_KEEP);
  return &w->out;
}

/* Reading */

static long fail (tl_ws *w, unsigned code, const char *what) {
  snprintf(w->error, sizeof w->error,
           "the broker breaks the WebSocket protocol: %s: correct ws_path, or look at the broker",
           what);
  tl_ws_close(w, code);
  return w->failed = TL_EMALFORMED;
}

static const char *name_of (unsigned code) { /* RFC 6455 section 7.4.1 */
  switch (code) {
    case 1000: return "normal closure";
    case 1001: return "going away";
    case 1002: return "protocol error";
    case 1003: return "unsupported data";
    case 1007: return "invalid payload";
    case 1008: return "policy violation";
    case 1009: return "message too big";
    case 1010: return "extension wanted";
    case 1011: return "internal error";
    case 1012: return "service restart";
    case 1013: return "try again later";
    case 1014: return "bad gateway";
    default: return code >= 4000 ? "of the broker's own" : "registered elsewhere";
  }
}

static const char *remedy_of (unsigned code) {
  switch (code) {
    case 1001:
    case 1012:
    case 1013: return "it should come back by itself";
    case 1008: return "check user_name, password and ws_headers";
    case 1009: return "send less at once, or let it take more";
    default: return "look at its log";
  }
}

static bool may_be_sent (unsigned code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

static long closed (tl_ws *w) {
  char text[CONTROL_MAX];
  if (w->control_len == 0) {
    snprintf(w->error, sizeof w->error,
             "the broker closed the WebSocket without a reason: look at its log");
    tl_ws_close(w, 1000);
    return w->failed = TL_WS_CLOSED;
  }
  if (w->control_len == 1) return fail(w, 1002, "a close frame of one byte");
  unsigned code = (unsigned)w->control[0] << 8 | w->control[1];
  tl_slice why = tl_slice_of(w->control + 2, w->control_len - 2);
  if (!may_be_sent(code)) return fail(w, 1002, "a close code that must not be sent");
  if (!tl_utf8_valid(why)) return fail(w, 1007, "a close text that is not UTF-8");
  const char *quote = why.len > 0 ? "'" : "";
  snprintf(w->error, sizeof w->error, "the broker closed the WebSocket: %u %s%s%s%s%s: %s", code,
           name_of(code), why.len > 0 ? ", " : "", quote, tl_printable(text, sizeof text, why),
           quote, remedy_of(code));
  tl_ws_close(w, code);
  return w->failed = TL_WS_CLOSED;
}

static bool is_control (const tl_ws *w) { return wslay_is_ctrl_frame(w->frame.opcode); }

/* A frame has begun. TL_OK, or what the read returns. */
static long check_header (tl_ws *w) {
  uint8_t opcode = w->frame.opcode;
  if (w->frame.rsv != 0) return fail(w, 1002, "a reserved bit is set");
  if (w->frame.mask) return fail(w, 1002, "a masked frame from a server");
  switch (opcode) {
    case WSLAY_PING:
    case WSLAY_PONG:
    case WSLAY_CONNECTION_CLOSE: w->control_len = 0; return TL_OK;
    case WSLAY_CONTINUATION_FRAME:
      if (!w->in_message) return fail(w, 1002, "a continuation without a beginning");
      return TL_OK;
    case WSLAY_BINARY_FRAME:
      if (w->in_message) return fail(w, 1002, "a new message inside another");
      return TL_OK;
    case WSLAY_TEXT_FRAME: return fail(w, 1003, "a text frame [MQTT-6.0.0-1]");
    default: return fail(w, 1002, "an opcode that does not exist");
  }
}

/* The frame is whole. */
static long end_frame (tl_ws *w) {
  w->in_frame = false;
  if (!is_control(w)) {
    w->in_message = !w->frame.fin;
  } else if (w->frame.opcode == WSLAY_CONNECTION_CLOSE) {
    return closed(w);
  } else if (w->frame.opcode == WSLAY_PING) {
    memcpy(w->pong, w->control, w->control_len);
    w->pong_len = w->control_len;
    w->owes_pong = true;
  }
  return TL_OK;
}

/* The next part of a frame. 1: there is one; 0: more must be fed; else what the read returns. */
static long next_part (tl_ws *w) {
  ssize_t n;
  do {
    n = wslay_frame_recv(w->frames, &w->frame); /* takes one byte at least, when there is one */
  } while (n == WSLAY_ERR_WANT_READ && w->in.len > 0);
  if (n == WSLAY_ERR_WANT_READ) return 0;
  if (n < 0)
    return n == WSLAY_ERR_NOMEM ? (w->failed = TL_ENOMEM) : fail(w, 1002, "a malformed frame");
  if (!w->in_frame) {
    long rc = check_header(w);
    if (rc < 0) return rc;
    w->in_frame = true;
    w->held = 0;
    w->left = w->frame.payload_length;
  }
  w->left -= (uint64_t)n;
  if (is_control(w)) {
    /* wslay refuses more than 125 */
    memcpy(w->control + w->control_len, w->frame.data, (size_t)n);
    w->control_len += (size_t)n;
  } else {
    w->chunk = tl_slice_of(w->frame.data, (size_t)n);
  }
  if (w->left > 0) return 1;
  long rc = end_frame(w);
  return rc < 0 ? rc : 1;
}

static void skip (tl_ws *w, size_t n) { w->in = tl_slice_of(w->in.at + n, w->in.len - n); }

/* Does a whole message begin here? What is not quite as it should be is left to wslay. */
static bool begin_whole (tl_ws *w) {
  const uint8_t *at = w->in.at;
  size_t head = 2;
  if (w->in_frame || w->held > 0 || w->in_message || w->in.len < 2) return false;
  if (at[0] != (IS_FINAL | WSLAY_BINARY_FRAME) || at[1] & IS_MASKED) return false;
  if (at[1] >= LENGTH_16) head = at[1] == LENGTH_16 ? 4 : 10;
  if (w->in.len < head) return false;
  uint64_t n = head == 2 ? at[1] : 0;
  for (size_t i = 2; i < head; i++) n = n << 8 | at[i];
  if ((head == 4 && n < LENGTH_16) || (head == 10 && (n <= UINT16_MAX || n >> 63))) return false;
  skip(w, head);
  w->left = n;
  w->in_whole = n > 0;
  return true;
}

static size_t read_whole (tl_ws *w, uint8_t *room, size_t n) {
  size_t part = w->in.len < n ? w->in.len : n;
  if (part > w->left) part = (size_t)w->left;
  memcpy(room, w->in.at, part);
  skip(w, part);
  w->left -= part;
  w->in_whole = w->left > 0;
  return part;
}

long tl_ws_read (tl_ws *w, uint8_t *room, size_t n) {
  size_t used = 0;
  while (used < n) {
    if (w->in_whole) {
      if (w->in.len == 0) break;
      used += read_whole(w, room + used, n - used);
      continue;
    }
    if (w->chunk.len == 0 && !w->failed && begin_whole(w)) continue;
    if (w->chunk.len == 0) {
      if (w->failed) return used > 0 ? (long)used : w->failed;
      long rc = next_part(w);
      if (rc < 0) return used > 0 ? (long)used : rc;
      if (rc == 0) break;
    }
    size_t part = w->chunk.len < n - used ? w->chunk.len : n - used;
    if (part == 0) continue; /* a frame without data, or a control frame */
    memcpy(room + used, w->chunk.at, part);
    w->chunk = tl_slice_of(w->chunk.at + part, w->chunk.len - part);
    used += part;
  }
  return (long)used;
}
