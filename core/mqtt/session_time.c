/* core/mqtt/session_time.c — what is due when: PINGREQ, replies that fail to come, connections
** that fail to open. Reads no clock: every time is an argument. */
#include "mqtt/session_impl.h"

static int64_t earlier (int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t later (int64_t a, int64_t b) { return a > b ? a : b; }

/* never, when nothing has started or the span is off */
static int64_t after (int64_t start, int64_t span) {
  return start < 0 || span <= 0 || span > INT64_MAX - start ? INT64_MAX : start + span;
}

/* When Keep Alive wants a PINGREQ: counted from the last packet sent [MQTT-3.1.2-23]. It is due 5 %
** earlier, at most 0.5 s, because the timer may fire late. */
static int64_t keep_alive_due (const tl_session *s) {
  int64_t span = (int64_t)s->config.p.keep_alive * 1000;
  span -= earlier(span / 20, 500);
  return after(later(later(s->stats.last_out, s->time.last_ping), s->time.opened_at), span);
}

/* Ping Interval: counted from the latest of the broker's last packet, our last PINGREQ, and when
** we began to read again. While a PINGREQ is unanswered none is due for silence: reply_due()
** ends the connection. Without a reply timeout nothing does, so the broker is asked again.
** Keep Alive may still want a PINGREQ meanwhile. */
static int64_t silence_due (const tl_session *s) {
  if (s->time.paused || (s->time.pings && s->config.p.reply_timeout_ms)) return INT64_MAX;
  return after(later(later(s->stats.last_in, s->time.last_ping), s->time.listen_at),
               s->config.p.ping_interval_ms);
}

/* When the connection is given up: the first reply that is overdue, and its name. Each is
** overdue reply_timeout after it began to be awaited; 0: never. None is while we do not read: it
** may wait in the socket. CONNACK has connect_timeout instead; PUBACK, PUBREC and PUBCOMP only
** cause a warning (stall_due). */
static int64_t reply_due (const tl_session *s, const char **what) {
  const struct {
    int64_t since;
    const char *what;
  } replies[] = {
    { s->subs.suback_at, "no SUBACK" },
    { s->subs.unsuback_at, "no UNSUBACK" },
    { s->time.ping_at, "no PINGRESP" },
    { s->in.partial_at, "a packet stayed incomplete" },
  };
  int64_t due = INT64_MAX;
  if (s->time.paused) return due;
  for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
    int64_t at = after(replies[i].since, s->config.p.reply_timeout_ms);
    if (at < due) {
      due = at;
      *what = replies[i].what;
    }
  }
  return due;
}

/* When the oldest unacknowledged message is worth a warning. Time without a connection does not
** count. */
static int64_t stall_due (const tl_session *s) {
  const tl_outgoing *m = s->sending.inflight.head;
  if (s->time.stall_logged || !m) return INT64_MAX;
  return after(later(m->sent_at, s->time.up_at), s->config.p.reply_timeout_ms);
}

/* When the oldest write that was never sent is too old (max_queue_age). One that an earlier process
** left counts from the first connection of this one: how old it is was not stored. */
int64_t tl_session_age_due (const tl_session *s) {
  const tl_outgoing *m = s->sending.queue.head;
  if (!m) return INT64_MAX;
  return after(m->taken_at >= 0 ? m->taken_at : s->time.first_opened_at,
               s->config.p.max_queue_age_ms);
}

/* Detached first: the callbacks may publish. */
static void fail_aged (tl_session *s) {
  tl_outlist aged = { .n = 0 };
  while (tl_session_age_due(s) <= s->now) {
    tl_outgoing *m = s->sending.queue.head;
    tl_outlist_remove(&s->sending.queue, m);
    tl_outlist_push(&aged, m);
  }
  tl_session_fail_list(s, aged, TL_ETIMEOUT, true);
}

int64_t tl_session_deadline (const tl_session *s) {
  const char *what;
  if (s->phase == TL_PHASE_FAILED) return s->now; /* tick says why */
  int64_t due = tl_session_age_due(s);
  if (s->phase != TL_PHASE_CONNECTING && s->phase != TL_PHASE_UP) return due;
  due = earlier(due, reply_due(s, &what));
  if (s->phase == TL_PHASE_CONNECTING)
    return earlier(due, after(s->time.opened_at, s->config.p.connack_timeout_ms));
  due = earlier(due, earlier(keep_alive_due(s), silence_due(s)));
  return earlier(due, earlier(tl_session_ask_due(s), stall_due(s)));
}

static int ping (tl_session *s) {
  if (s->time.pings++ == 0) s->time.ping_at = s->now;
  s->time.last_ping = s->now;
  return tl_session_put_empty(s, TL_PINGREQ);
}

void tl_session_unstall (tl_session *s) {
  if (!s->time.stall_logged) return;
  s->time.stall_logged = false;
  /* the next message may be as old: then no further warning is given */
  s->time.stall_logged = stall_due(s) <= s->now;
}

static void warn_stall (tl_session *s) {
  const tl_outgoing *m = s->sending.inflight.head;
  s->time.stall_logged = true;
  size_t waiting = s->sending.inflight.n + s->sending.queue.n;
  tl_session_note(
      s, TL_NOTE_WARN,
      "%s for identifier %u (QoS %u) has been missing for %.1f s; %zu message%s waiting",
      tl_session_awaited(m), m->id, m->qos, (double)(s->now - m->sent_at) / 1000.0, waiting,
      waiting == 1 ? "" : "s");
}

void tl_session_time (tl_session *s, int64_t now) {
  if (now > s->now) s->now = now;
}

int tl_session_tick (tl_session *s, int64_t now) {
  const char *what = "";
  int rc = TL_OK;
  s->now = now;
  if (s->phase == TL_PHASE_FAILED) return s->fault.code;
  fail_aged(s);
  if (s->phase != TL_PHASE_CONNECTING && s->phase != TL_PHASE_UP) return TL_OK;
  if (s->phase == TL_PHASE_CONNECTING &&
      now >= after(s->time.opened_at, s->config.p.connack_timeout_ms))
    rc = tl_fail(&s->fault.why, TL_ETIMEOUT, 0, "no CONNACK within %.1f s",
                 (double)s->config.p.connack_timeout_ms / 1000.0);
  else if (now >= reply_due(s, &what))
    rc = tl_fail(&s->fault.why, TL_ETIMEOUT, 0, "%s within the reply timeout of %.3g s", what,
                 (double)s->config.p.reply_timeout_ms / 1000.0);
  if (rc == TL_OK && s->phase == TL_PHASE_UP) {
    if (now >= stall_due(s)) warn_stall(s);
    if (now >= tl_session_ask_due(s)) rc = tl_session_ask_again_now(s);
    if (rc == TL_OK && (now >= keep_alive_due(s) || now >= silence_due(s))) rc = ping(s);
  }
  return rc < 0 ? tl_session_fail(s, rc) : TL_OK;
}

void tl_session_pause (tl_session *s, bool paused, int64_t now) {
  if (s->time.paused == paused) return;
  s->time.paused = paused;
  s->now = now;
  if (paused) return;
  int64_t *const since[] = { &s->subs.suback_at, &s->subs.unsuback_at, &s->time.ping_at,
                             &s->in.partial_at };
  for (size_t i = 0; i < sizeof since / sizeof since[0]; i++)
    /* replies that came while reading was paused have not been read yet, so their time begins
    ** anew */
    if (*since[i] >= 0) *since[i] = now;
  s->time.listen_at = now;
}

void tl_session_times_opened (tl_session *s) {
  s->time.opened_at = s->time.listen_at = s->now;
  if (s->time.first_opened_at < 0) s->time.first_opened_at = s->now;
}

void tl_session_times_up (tl_session *s) { s->time.up_at = s->time.listen_at = s->now; }

void tl_session_on_pingresp (tl_session *s) {
  if (s->time.pings == 0) return;
  /* of several that are unanswered, the rest are timed from the latest, which is lenient */
  s->time.ping_at = --s->time.pings ? s->time.last_ping : -1;
}

void tl_session_forget_times (tl_session *s) {
  tl_session_times *t = &s->time;
  t->opened_at = t->up_at = t->ping_at = t->last_ping = t->listen_at = -1;
  t->pings = 0;
  t->paused = t->stall_logged = false;
}
