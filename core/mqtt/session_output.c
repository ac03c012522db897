/* core/mqtt/session_output.c — the bytes that are to go to the broker, and QoS 0 messages that end
** when theirs have gone. Must not know why something is sent. */
#include <stdlib.h>

#include "mqtt/session_impl.h"

enum { COMPACT_OUTPUT = 64 * 1024 }; /* sent bytes in front of unsent ones that are worth a move */

void tl_session_did_put (tl_session *s, size_t from) {
  s->out.end += s->out.bytes.len - from;
  if (!s->tracing) return;
  tl_frame f;
  if (tl_frame_read(s->out.bytes.at + from, s->out.bytes.len - from, SIZE_MAX, &f) > 0)
    tl_session_trace(s, '>', &f);
}

int tl_session_no_output (tl_session *s) {
  return tl_fail(&s->fault.why, TL_ENOMEM, 0, "out of memory for the output");
}

static int put_ack (tl_session *s, tl_buf *out, uint8_t type, uint16_t id) {
  return tl_build_ack(out, type, id) == TL_OK ? TL_OK : tl_session_no_output(s);
}

int tl_session_put_ack (tl_session *s, uint8_t type, uint16_t id) {
  if (tl_session_silent(s)) return TL_OK;
  size_t from = s->out.bytes.len;
  int rc = put_ack(s, &s->out.bytes, type, id);
  if (rc == TL_OK) tl_session_did_put(s, from);
  return rc;
}

int tl_session_put_answer (tl_session *s, uint8_t type, uint16_t id) {
  return tl_session_silent(s) ? TL_OK : put_ack(s, &s->out.answers, type, id);
}

static void trace_answers (tl_session *s) {
  tl_frame f;
  long n;
  for (size_t at = 0; at < s->out.answers.len; at += (size_t)n) {
    n = tl_frame_read(s->out.answers.at + at, s->out.answers.len - at, SIZE_MAX, &f);
    if (n <= 0) return;
    tl_session_trace(s, '>', &f);
  }
}

void tl_session_release (tl_session *s) {
  if (tl_session_silent(s)) tl_buf_clear(&s->out.answers); /* nothing may go any more */
  if (s->out.answers.len == 0) return;
  if (s->tracing) trace_answers(s);
  s->out.end += s->out.answers.len;
  if (s->out.sent == s->out.bytes.len &&
      !s->out.bytes.failed) { /* nothing else is to go: no copy */
    tl_buf empty = s->out.bytes;
    s->out.bytes = s->out.answers;
    s->out.answers = empty;
    s->out.sent = 0;
  } else {
    tl_buf_slice(&s->out.bytes, tl_buf_bytes(&s->out.answers));
  }
  tl_buf_clear(&s->out.answers);
  tl_buf_shrink(&s->out.answers, TL_KEEP_OUTPUT);
  if (!s->out.bytes.failed) return;
  tl_session_no_output(s);
  tl_session_fail(s, TL_ENOMEM); /* tick says so */
}

int tl_session_put_empty (tl_session *s, uint8_t type) {
  if (tl_session_silent(s)) return TL_OK;
  size_t from = s->out.bytes.len;
  if (tl_build_empty(&s->out.bytes, type) != TL_OK) return tl_session_no_output(s);
  tl_session_did_put(s, from);
  return TL_OK;
}

int tl_session_put_message (tl_session *s, tl_outgoing *m) {
  if (tl_session_silent(s)) return TL_OK;
  size_t from = s->out.bytes.len;
  tl_buf_add(&s->out.bytes, m->packet, m->size);
  if (s->out.bytes.failed) return tl_session_no_output(s);
  s->stats.sent_by[m->qos]++;
  tl_session_did_put(s, from);
  return TL_OK;
}

size_t tl_session_unsent (const tl_session *s) {
  return s->out.bytes.len - s->out.sent + s->out.answers.len;
}

tl_slice tl_session_output (const tl_session *s) {
  if (s->out.sent == s->out.bytes.len) return tl_slice_of(NULL, 0);
  return tl_slice_of(s->out.bytes.at + s->out.sent, s->out.bytes.len - s->out.sent);
}

static void end_handover (tl_session *s, const tl_handover *h, int result) {
  tl_slice payload = h->kept ? tl_outgoing_payload(h->kept) : tl_slice_of(NULL, 0);
  if (s->ev.published) s->ev.published(s->ctx, h->token, result, payload);
  free(h->kept);
}

void tl_session_sent (tl_session *s, size_t n, int64_t now) {
  if (n == 0) return;
  s->now = now;
  s->out.sent += n;
  s->stats.bytes_out += n;
  s->stats.last_out = now;
  if (s->out.sent == s->out.bytes.len) {
    bool failed = s->out.bytes.failed; /* kept, so that input and tick still return the error */
    tl_buf_clear(&s->out.bytes);
    tl_buf_shrink(&s->out.bytes, TL_KEEP_OUTPUT);
    s->out.bytes.failed = failed;
    s->out.sent = 0;
  } else if (s->out.sent >= COMPACT_OUTPUT && s->out.sent > s->out.bytes.len / 2) {
    tl_buf_drop(&s->out.bytes, s->out.sent);
    s->out.sent = 0;
  }
  const uint64_t handed = s->out.end - (s->out.bytes.len - s->out.sent);
  while (s->out.handed.len && s->out.handed.at[s->out.handed.head].end <= handed) {
    tl_handover h = s->out.handed.at[s->out.handed.head++];
    if (--s->out.handed.len == 0) s->out.handed.head = 0;
    end_handover(s, &h, TL_OK);
  }
}

int tl_session_reserve_handover (tl_session *s) {
  tl_handovers *h = &s->out.handed;
  if (h->head + h->len < h->cap) return TL_OK;
  if (h->head > h->cap / 2) {
    memmove(h->at, h->at + h->head, h->len * sizeof *h->at);
    h->head = 0;
    return TL_OK;
  }
  size_t cap = h->cap ? h->cap * 2 : 16;
  tl_handover *at = realloc(h->at, cap * sizeof *at);
  if (!at) return TL_ENOMEM;
  h->at = at;
  h->cap = cap;
  return TL_OK;
}

void tl_session_push_handover (tl_session *s, void *token, tl_outgoing *kept) {
  s->out.handed.at[s->out.handed.head + s->out.handed.len++] =
      (tl_handover){ s->out.end, token, kept };
}

size_t tl_handovers_fail (tl_session *s, int result) {
  tl_handovers h = s->out.handed; /* detached: the callback may publish */
  memset(&s->out.handed, 0, sizeof s->out.handed);
  for (size_t i = 0; i < h.len; i++) end_handover(s, &h.at[h.head + i], result);
  free(h.at);
  return h.len;
}

void tl_session_forget_output (tl_session *s) {
  tl_buf_clear(&s->out.answers);
  tl_buf_shrink(&s->out.answers, TL_KEEP_OUTPUT);
  s->out.sent = 0;
  s->out.end = 0;
  tl_buf_clear(&s->out.bytes);
  tl_buf_shrink(&s->out.bytes, TL_KEEP_OUTPUT);
}

void tl_session_fini_output (tl_session *s) {
  free(s->out.handed.at);
  tl_buf_fini(&s->out.bytes);
  tl_buf_fini(&s->out.answers);
}
