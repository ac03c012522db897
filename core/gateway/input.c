/* core/gateway/input.c — received bytes on their way to the session: the buffer they are read
** into, whether the socket may be read, and the bytes that are left for a later turn. Must not
** know what messages mean. */
#include <stddef.h>

#include "base/log.h"
#include "gateway/link_impl.h"

enum {
  /* bytes for one read(2); a longer packet gets as much as its length field says */
  READ_ROOM = 64 * 1024,
  KEEP_ROOM = 256 * 1024, /* a larger buffer is given back once it is empty */
  /* bytes of acknowledgements that a peer may leave unread before its socket is not read */
  ANSWERS_MAX = 256 * 1024
};

/* --- when --- */

/* CONNACK is read even when reading is stopped: without CONNACK the connection would time out,
** and no PING may be sent before it. */
bool tl_input_may_read (const tl_link *l) {
  if (l->conn.state == TL_LINK_CONNECTING) return !(l->input.shut & TL_SHUT_CONGESTED);
  return l->input.shut == 0;
}

bool tl_input_is_paused (const tl_link *l) {
  return (l->input.shut & (TL_SHUT_VALUES | TL_SHUT_QUEUE | TL_SHUT_RELOAD)) != 0;
}

/* While the socket is not read no PING can be answered: the session times nothing, and TCP's own
** signs of life tell whether the broker is still there. */
void tl_input_tell_paused (tl_link *l) {
  const tl_line_params *p = &l->params;
  bool paused = tl_input_is_paused(l),
       watched = paused && p->ping_interval > 0 && p->reply_timeout > 0;
  tl_session_pause(l->session, paused, l->time.now);
  tl_transport_watch(l->conn.transport, watched ? p->ping_interval + p->reply_timeout : 0);
}

void tl_link_reading_changed (tl_link *l) {
  bool paused = tl_input_is_paused(l);
  if (!l->conn.transport || l->conn.state == TL_LINK_CLOSING || l->conn.state == TL_LINK_OFF ||
      l->conn.peer[0] == '\0')
    return;
  l->time.now = tl_loop_now(l->gateway->loop);
  tl_input_tell_paused(l);
  tl_goodbye_reading(l);
  if (paused)
    tl_transport_read(l->conn.transport, tl_input_may_read(l));
  else
    tl_link_ask_resume(l); /* what is in the buffer comes before the socket */
}

static void count_answers (tl_link *l, size_t before) {
  size_t now = tl_session_unsent(l->session);
  if (now > before) l->input.answers += now - before;
  if (l->input.answers <= ANSWERS_MAX || l->input.shut & TL_SHUT_CONGESTED) return;
  l->input.shut |= TL_SHUT_CONGESTED;
  tl_log(TL_LOG_DEBUG, TL_LINK_SCOPE(l),
         "the broker does not read our acknowledgements: its messages must wait");
}

void tl_link_input (tl_link *l) {
  size_t at = l->input.done;
  tl_pace_begin(l);
  bool passed_over = l->input.leftover = tl_pace_passes_over(l);
  if (!passed_over) tl_health_input(l);
  while (!passed_over && at < l->input.bytes.len && l->conn.transport &&
         l->conn.state != TL_LINK_CLOSING && tl_input_may_read(l)) {
    size_t before = tl_session_unsent(l->session);
    long n =
        tl_session_input(l->session, l->input.bytes.at + at, l->input.bytes.len - at, l->time.now);
    if (n < 0) {
      tl_link_session_failed(l);
      break;
    }
    at += (size_t)n;
    count_answers(l, before);
    if (l->input.leftover || n == 0) break;
  }
  if (!passed_over) tl_pace_end(l);
  if (at == l->input.bytes.len) {
    tl_buf_clear(&l->input.bytes);
    at = 0;
    if (l->input.bytes.cap > KEEP_ROOM) tl_buf_shrink(&l->input.bytes, 0);
  }
  l->input.done = at;
  if (l->conn.transport && l->conn.state != TL_LINK_CLOSING) {
    /* While each read fills the buffer there is one read in a turn. libuv would do some 30
    ** reads in a row, and the writes of other lines would wait. */
    bool pause = l->input.leftover || l->input.full_read;
    /* asked for before the rest of the input, so that answers do not wait for it */
    tl_link_ask_flush(l);
    tl_transport_read(l->conn.transport, !pause && tl_input_may_read(l));
    bool held = l->input.shut & (TL_SHUT_VALUES | TL_SHUT_RELOAD);
    /* what is held back goes on when it is let go, but for CONNACK */
    if (pause && (!held || tl_input_may_read(l))) tl_link_ask_resume(l);
  } else {
    tl_link_ask_flush(l);
  }
}

/* --- from the socket --- */

uint8_t *tl_input_room (void *ctx, size_t *room) {
  tl_link *l = ctx;
  size_t want = READ_ROOM, needs = tl_session_needs(l->session);
  tl_buf_drop(&l->input.bytes, l->input.done);
  l->input.done = 0;
  if (needs > l->input.bytes.len && needs - l->input.bytes.len > want)
    want = needs - l->input.bytes.len;
  if (tl_buf_reserve(&l->input.bytes, want) != TL_OK) return NULL;
  *room = l->input.room = l->input.bytes.cap - l->input.bytes.len;
  return l->input.bytes.at + l->input.bytes.len;
}

void tl_input_data (void *ctx, size_t n) {
  tl_link *l = ctx;
  l->input.bytes.len += n;
  l->input.full_read = n == l->input.room;
  l->time.now = tl_loop_now(l->gateway->loop);
  l->time.wall = tl_clock_wall_ms();
  tl_link_input(l);
}

static void on_resume (void *ctx) {
  tl_link *l = ctx;
  if (!l->conn.transport) return;
  l->input.full_read = false;
  l->time.now = tl_loop_now(l->gateway->loop);
  l->time.wall = tl_clock_wall_ms();
  tl_link_input(l);
}

static void on_its_turn (tl_heavy *h) {
  tl_link *l = (tl_link *)(void *)((char *)h - offsetof(tl_link, pace.waits));
  l->pace.its_turn = true;
  l->pace.owed = false;
  on_resume(l);
  /* a link is freed by the loop, never from inside its input */
  l->pace.its_turn = false;
  l->pace.careful = 0;
}

/* In the next turn of the loop. A timer will not do: libuv runs timers that are due again and
** again before it looks at sockets. */
void tl_link_ask_resume (tl_link *l) {
  if (l->conn.transport && tl_pace_passes_over(l)) {
    l->pace.waits.run = on_its_turn;
    tl_pace_wait(l);
    return;
  }
  if (!l->conn.transport || tl_loop_later(l->gateway->loop, on_resume, l) == TL_OK) return;
  tl_link_fail(l, "no memory to go on reading");
}

void tl_input_drained (tl_link *l) {
  l->input.answers = 0;
  if (!(l->input.shut & TL_SHUT_CONGESTED)) return;
  l->input.shut &= ~(unsigned)TL_SHUT_CONGESTED;
  tl_link_ask_resume(l); /* what is in the buffer comes before the socket */
}

void tl_input_forget (tl_link *l) {
  tl_input *in = &l->input;
  in->leftover = in->full_read = false;
  in->shut &= ~(unsigned)TL_SHUT_CONGESTED;
  in->done = in->answers = 0;
  tl_loop_forget(l->gateway->loop, on_resume, l);
  tl_heavy_forget(l->gateway->loop, &l->pace.waits);
  l->pace.careful = 0; /* it was for that turn */
  tl_buf_clear(&in->bytes);
  tl_buf_shrink(&in->bytes, 0);
}
