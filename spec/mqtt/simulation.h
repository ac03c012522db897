/* spec/mqtt/simulation.h — the world of simulation_test.c: a broker and an application that
** know what must be true, and a network that splits, delays and cuts. Everything follows from
** one seed; the clock is a number. */
#ifndef SPEC_MQTT_SIMULATION_H
#define SPEC_MQTT_SIMULATION_H

#include "mqtt/harness.h"

enum { MOST = 96, BROKER_IDS = 8, BROKER_WINDOW = 4, STEPS = 1200, SETTLE = 20000 };

/* Ways to break the session from outside, to see that the checks notice. */
typedef enum {
  SOUND,
  FORGET_RECEIVED,
  FORGET_INFLIGHT,
  REUSE_ID,
  SPEAK_AFTER_DISCONNECT,
  REVERSE_REPEATS,
  HIDE_DUP,
  ACK_EARLY,
  LOSE_STORE,
  MUTATIONS
} mutation;

typedef enum { UNUSED, ACCEPTED, DONE, LOST, SESSION_LOST, ORPHANED, ORPHAN_OVER } fate;
/* ORPHANED: its process was killed, another one took it over from the store; ORPHAN_OVER: which
** says that it came to its end */

typedef struct { /* a message of the application */
  uint8_t qos;
  fate fate;
  int received, losses; /* by the broker; sessions lost while it was pending */
  bool seen;            /* received in the broker's present session */
  bool released;        /* its PUBREL was seen in the present session */
} outbound;

typedef enum { WAITS, SENT_, RELEASED_, OVER, GONE } leg;

typedef struct { /* a message of the broker */
  uint8_t qos, id;
  leg leg;
  /* by the session; repeats that are right: killed before the application confirmed */
  int delivered, allowed;
} inbound;

typedef struct {
  bool present;
  uint16_t id;
  int n; /* the message */
  size_t len;
  uint8_t bytes[40];
} record;

typedef struct {
  uint64_t random;
  mutation mutation;
  bool clean, holds, loses, kills, print;
  bool failed;
  char why[200];

  int64_t now;
  tl_session *s;
  tl_session_params p;
  tl_subscription filter;
  bool open, killing, calm;
  tl_buf to_broker, to_client, unread;

  outbound out[MOST];
  inbound in[MOST];
  int outs, ins;
  int last_in; /* the highest number delivered */
  struct {
    uint16_t id;
    int n;
  } held[4 * MOST];
  int held_from, held_to;

  record store[4 * MOST]; /* by sequence */
  bool stored_in[BROKER_IDS + 1];
  bool stored_filter;

  /* the broker: one connection */
  bool connected, left;
  size_t arrived;   /* bytes of to_broker that are there; the others are under way */
  int last_publish; /* number of the last PUBLISH with QoS > 0 of this connection */
  struct {
    uint8_t type, id;
  } due[8 * MOST]; /* acknowledgements that must come in this order */
  int due_from, due_to;
  uint16_t recs[8 * MOST]; /* PUBRECs sent: their PUBRELs come in this order */
  int recs_from, recs_to;
  /* the broker: its session */
  bool has_session;
  bool proven;      /* the client knows of this session: it sent something after CONNACK */
  int first_in;     /* numbers received for the first time ascend */
  int owner[65536]; /* n + 1 of the message that a client's identifier was seen with */
  int in2[65536];   /* the same for QoS 2 between PUBLISH and PUBREL */
} sim;

static uint64_t draw (sim *w, uint64_t below) { /* splitmix64 */
  uint64_t z = (w->random += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (z ^ (z >> 31)) % below;
}

static void wrong (sim *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void wrong (sim *w, const char *fmt, ...) {
  va_list args;
  if (w->failed) return;
  w->failed = true;
  va_start(args, fmt);
  vsnprintf(w->why, sizeof w->why, fmt, args);
  va_end(args);
}

static void say (sim *w, char who, const uint8_t *bytes, size_t n) {
  tl_frame f;
  tl_buf text;
  if (!w->print || tl_frame_read(bytes, n, SIZE_MAX, &f) <= 0) return;
  tl_buf_init(&text);
  tl_describe(&text, &f);
  printf("# %8lld %c %.*s\n", (long long)w->now, who, (int)text.len, (const char *)text.at);
  tl_buf_fini(&text);
}

/* --- the broker --- */

static void broker_sends (sim *w, const uint8_t *bytes, size_t n) {
  say(w, 'B', bytes, n);
  tl_buf_add(&w->to_client, bytes, n);
}

static void broker_acks (sim *w, uint8_t type, uint16_t id) {
  const uint8_t packet[] = { (uint8_t)(type << 4 | (type == TL_PUBREL ? 2 : 0)), 2,
                             (uint8_t)(id >> 8), (uint8_t)id };
  broker_sends(w, packet, sizeof packet);
}

static void broker_publishes (sim *w, int n, bool dup) {
  inbound *m = &w->in[n];
  uint8_t packet[40];
  char payload[8];
  int len = snprintf(payload, sizeof payload, "%d", n);
  tl_build_publish(packet, TL_LIT("b"), tl_slice_of(payload, (size_t)len), m->qos, false, m->id,
                   NULL);
  if (dup) packet[0] |= TL_PUBLISH_DUP;
  broker_sends(w, packet, tl_publish_size(1, (size_t)len, m->qos));
  if (!m->qos) return;
  w->due[w->due_to].type = m->qos == 1 ? TL_PUBACK : TL_PUBREC;
  w->due[w->due_to++].id = m->id;
}

static uint8_t broker_id (sim *w) {
  for (unsigned id = 1; id <= BROKER_IDS; id++) { /* few, so that they come again soon */
    bool used = false;
    for (int n = 0; n < w->ins; n++)
      used |=
          w->in[n].qos && w->in[n].id == id && (w->in[n].leg == SENT_ || w->in[n].leg == RELEASED_);
    if (!used) return (uint8_t)id;
  }
  return 0;
}

/* Send what waits, while the window has room. */
static void broker_pushes (sim *w) {
  int flying = 0;
  for (int n = 0; n < w->ins; n++) flying += w->in[n].leg == SENT_ || w->in[n].leg == RELEASED_;
  for (int n = 0; n < w->ins && w->connected; n++) {
    inbound *m = &w->in[n];
    if (m->leg != WAITS) continue;
    if (m->qos && flying == BROKER_WINDOW) return;
    if (m->qos) {
      m->id = broker_id(w);
      m->leg = SENT_;
      flying++;
    } else {
      m->leg = OVER;
    }
    broker_publishes(w, n, false);
  }
}

static void broker_forgets (sim *w) {
  for (int n = 0; n < w->ins; n++)
    if (w->in[n].leg != OVER) w->in[n].leg = GONE;
  for (int n = 0; n < w->outs; n++) {
    w->out[n].losses += w->out[n].fate == ACCEPTED || w->out[n].fate == ORPHANED;
    w->out[n].seen = w->out[n].released = false;
  }
  memset(w->owner, 0, sizeof w->owner);
  memset(w->in2, 0, sizeof w->in2);
}

static void broker_on_connect (sim *w, tl_slice body) {
  bool clean = body.at[7] & TL_CONNECT_CLEAN;
  bool present = w->has_session && !clean && !(w->loses && !w->calm && draw(w, 4) == 0);
  if (!present) broker_forgets(w);
  w->has_session = !clean;
  w->proven = present;
  w->connected = true;
  w->last_publish = -1;
  const uint8_t connack[] = { 0x20, 2, present, 0 };
  broker_sends(w, connack, 4);
  for (int n = 0; n < w->ins; n++) {
    if (w->in[n].leg == SENT_) broker_publishes(w, n, true);
    if (w->in[n].leg == RELEASED_) broker_acks(w, TL_PUBREL, w->in[n].id);
  }
}

static bool pending (const outbound *m) { return m->fate == ACCEPTED || m->fate == ORPHANED; }

static void broker_on_publish (sim *w, const tl_frame *f) {
  unsigned qos = f->flags >> 1 & 3;
  bool dup = f->flags & TL_PUBLISH_DUP;
  const uint8_t *at = f->body.at + 3; /* behind the topic "c" */
  int id = qos ? at[0] << 8 | at[1] : 0, n = 0;
  for (at += qos ? 2 : 0; at < f->body.at + f->body.len; at++) n = 10 * n + *at - '0';
  if (n >= w->outs || w->out[n].qos != qos) {
    wrong(w, "message %d of QoS %u that nobody published", n, qos);
    return;
  }
  outbound *m = &w->out[n];
  if (n <= w->last_publish) wrong(w, "message %d behind %d on one connection", n, w->last_publish);
  w->last_publish = n;
  if (!m->received) {
    if (n < w->first_in) wrong(w, "message %d arrived first behind %d", n, w->first_in);
    w->first_in = n;
  }
  if (m->seen && !dup && qos) wrong(w, "message %d was repeated without DUP", n);
  if (m->released) wrong(w, "message %d was repeated after its PUBREL", n);
  if (qos && w->owner[id] && w->owner[id] != n + 1 && pending(&w->out[w->owner[id] - 1]))
    wrong(w, "identifier %d of message %d was used for %d", id, w->owner[id] - 1, n);
  m->seen = true;
  if (qos) w->owner[id] = n + 1;
  if (qos == 2 && w->in2[id] && w->in2[id] != n + 1)
    wrong(w, "identifier %d is between PUBLISH and PUBREL", id);
  if (qos < 2 || !w->in2[id]) m->received++;
  if (qos == 2) w->in2[id] = n + 1;
  if (qos) broker_acks(w, qos == 1 ? TL_PUBACK : TL_PUBREC, (uint16_t)id);
  if (qos == 2) w->recs[w->recs_to++] = (uint16_t)id;
}

static void broker_on_pubrel (sim *w, uint16_t id) {
  bool here = false; /* PUBREC of this connection, or a repeat from an earlier one? */
  for (int i = w->recs_from; i < w->recs_to; i++) here |= w->recs[i] == id;
  if (here && w->recs[w->recs_from++] != id)
    wrong(w, "PUBREL %u before that of %u", id, w->recs[w->recs_from - 1]);
  if (w->in2[id]) w->out[w->in2[id] - 1].released = true;
  w->in2[id] = 0;
  broker_acks(w, TL_PUBCOMP, id);
}

static void broker_on_ack (sim *w, uint8_t type, uint16_t id) {
  if (type != TL_PUBCOMP) {
    if (w->due_from == w->due_to || w->due[w->due_from].type != type ||
        w->due[w->due_from].id != id) {
      wrong(w, "%s %u is not the acknowledgement that was due", tl_packet_name(type), id);
      return;
    }
    w->due_from++;
  }
  for (int n = 0; n < w->ins; n++) {
    inbound *m = &w->in[n];
    if (m->id != id || !m->qos || (m->leg != SENT_ && m->leg != RELEASED_)) continue;
    for (int i = w->held_from; i < w->held_to && type != TL_PUBCOMP; i++)
      if (w->held[i].n == n)
        wrong(w, "message %d was acknowledged before the application confirmed it", n);
    if (type == TL_PUBACK || type == TL_PUBCOMP) {
      m->leg = OVER;
    } else {
      m->leg = RELEASED_;
      broker_acks(w, TL_PUBREL, id);
    }
    if (m->leg == OVER && !m->delivered)
      wrong(w, "message %d was acknowledged and never delivered", n);
    return;
  }
}

static void broker_on_packet (sim *w, const tl_frame *f) {
  uint16_t id = f->body.len < 2 ? 0 : (uint16_t)(f->body.at[0] << 8 | f->body.at[1]);
  if (w->left) wrong(w, "%s after DISCONNECT", tl_packet_name(f->type));
  if ((f->type == TL_CONNECT) == w->connected)
    wrong(w, "%s when %sconnected", tl_packet_name(f->type), w->connected ? "" : "not ");
  if (w->failed) return;
  if ((f->type == TL_SUBSCRIBE || f->type == TL_UNSUBSCRIBE) && w->owner[id] &&
      pending(&w->out[w->owner[id] - 1]))
    wrong(w, "identifier %u of message %d was used for %s", id, w->owner[id] - 1,
          tl_packet_name(f->type));
  w->proven |= f->type != TL_CONNECT;
  const uint8_t suback[] = { 0x90, 3, (uint8_t)(id >> 8), (uint8_t)id, 2 };
  switch (f->type) {
    case TL_CONNECT: broker_on_connect(w, f->body); break;
    case TL_PUBLISH: broker_on_publish(w, f); break;
    case TL_PUBREL: broker_on_pubrel(w, id); break;
    case TL_PUBACK:
    case TL_PUBREC:
    case TL_PUBCOMP: broker_on_ack(w, f->type, id); break;
    case TL_SUBSCRIBE: broker_sends(w, suback, sizeof suback); break;
    case TL_UNSUBSCRIBE: broker_acks(w, TL_UNSUBACK, id); break;
    case TL_PINGREQ: broker_sends(w, (const uint8_t *)"\xd0\x00", 2); break;
    case TL_DISCONNECT: w->left = true; break;
    default: wrong(w, "%s from a client", tl_packet_name(f->type));
  }
}

/* `n` more bytes of what is under way to the broker arrive; it takes whole packets. */
static void broker_reads (sim *w, size_t n) {
  size_t at = 0;
  tl_frame f;
  w->arrived = w->to_broker.len - w->arrived < n ? w->to_broker.len : w->arrived + n;
  for (long k; at < w->arrived && !w->failed; at += (size_t)k) {
    k = tl_frame_read(w->to_broker.at + at, w->arrived - at, SIZE_MAX, &f);
    if (k < 0) break;
    say(w, 'C', w->to_broker.at + at, (size_t)k);
    broker_on_packet(w, &f);
  }
  if (w->left && at < w->to_broker.len) wrong(w, "bytes after DISCONNECT");
  tl_buf_drop(&w->to_broker, at);
  w->arrived -= at;
  if (!w->left) broker_pushes(w);
}

#endif
