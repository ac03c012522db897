/* A seeded simulation: the session, a scripted broker and an application live through splits,
** delays, cuts, lost sessions and killed processes. TAGLINE_SEEDS says how many seeds (10000);
** TAGLINE_SEED=n replays one and prints every packet. */
#include "mqtt/simulation.h"

/* --- the application --- */

static int app_message (void *ctx, const tl_message *m) {
  sim *w = ctx;
  int n = 0;
  for (size_t i = 0; i < m->payload.len; i++) n = 10 * n + m->payload.at[i] - '0';
  inbound *x = &w->in[n];
  if (n >= w->ins || x->qos != m->qos) wrong(w, "message %d was never sent so", n);
  if (!x->delivered++) {
    if (n <= w->last_in) wrong(w, "message %d was delivered first behind %d", n, w->last_in);
    w->last_in = n;
  } else if (x->qos != 1 && x->delivered > 1 + x->allowed) {
    wrong(w, "message %d of QoS %u was delivered %d times", n, x->qos, x->delivered);
  }
  if (!w->holds || draw(w, 3)) return draw(w, 10) ? TL_MESSAGE_DONE : TL_MESSAGE_STOP;
  w->held[w->held_to].id = m->id;
  w->held[w->held_to++].n = n;
  if (w->mutation == ACK_EARLY) return TL_MESSAGE_DONE;
  return TL_MESSAGE_HELD;
}

static void app_published (void *ctx, void *token, int result, tl_slice payload) {
  sim *w = ctx;
  (void)payload;
  int n = (int)(intptr_t)token - 1;
  if (!token) { /* of the process before, which only tells that */
    if (result != TL_ESESSION) wrong(w, "a restored message ended with %d", result);
    return;
  }
  outbound *m = &w->out[n];
  if (m->fate != ACCEPTED) wrong(w, "the fate of message %d was reported twice", n);
  if (result == TL_OK) {
    m->fate = DONE;
    if (m->qos && !m->received) wrong(w, "message %d is done and never arrived", n);
  } else if (result == TL_ESTATE && w->killing) {
    m->fate = m->qos && !w->clean ? ORPHANED : LOST;
  } else if (result == TL_ELOST && (w->clean || !m->qos)) {
    m->fate = LOST;
  } else if (result == TL_ESESSION && m->qos == 2 && m->losses && m->received) {
    m->fate = SESSION_LOST;
  } else {
    wrong(w, "message %d of QoS %u ended with %d", n, m->qos, result);
  }
}

static void app_store (void *ctx, char kind, uint64_t sequence, uint16_t id, tl_slice bytes,
                       bool gone) {
  sim *w = ctx;
  if (kind == 'f') {
    w->stored_filter = !gone;
  } else if (kind == 'i') {
    w->stored_in[id] = !gone;
  } else {
    record *r = &w->store[sequence];
    r->present = !gone;
    r->id = id;
    r->len = bytes.len;
    if (bytes.len) {
      memcpy(r->bytes, bytes.at, bytes.len);
      r->n = 0;
      for (size_t i = 7; i < bytes.len; i++) r->n = 10 * r->n + bytes.at[i] - '0';
    }
    if (gone && w->out[r->n].fate == ORPHANED) w->out[r->n].fate = ORPHAN_OVER;
  }
}

static void app_publishes (sim *w) {
  char payload[8];
  if (w->outs == MOST) return;
  outbound *m = &w->out[w->outs];
  *m = (outbound){ .qos = (uint8_t)draw(w, 3), .fate = ACCEPTED };
  int len = snprintf(payload, sizeof payload, "%d", w->outs);
  int rc = tl_session_publish(w->s, TL_LIT("c"), tl_slice_of(payload, (size_t)len), m->qos, false,
                              (void *)(intptr_t)(w->outs + 1), NULL);
  if (rc == TL_OK)
    w->outs++;
  else if (rc != TL_ESTATE && rc != TL_EFULL)
    wrong(w, "publish returned %d", rc);
}

static void app_confirms (sim *w) {
  if (w->held_from == w->held_to || w->mutation == ACK_EARLY) return;
  uint16_t id = w->held[w->held_from].id;
  if (tl_session_ack(w->s, (uint16_t)(id + 1), w->now) != TL_ERANGE)
    wrong(w, "a wrong identifier was acknowledged");
  int rc = tl_session_ack(w->s, id, w->now);
  if (rc != TL_OK && rc != TL_ELOST) /* of a connection or session before */
    wrong(w, "the held message %u was not acknowledged", id);
  w->held_from++;
}

/* --- processes and connections --- */

static const tl_session_events app_events = { .message = app_message,
                                              .published = app_published,
                                              .store = app_store };

static void starts (sim *w) {
  const tl_slice none = { NULL, 0 };
  assert_int_equal(tl_session_new(&w->s, &w->p, &app_events, w), TL_OK);
  if (w->clean) return;
  for (int i = 0; i < 4 * MOST; i++) {
    /* a copy, as from a disk: the session may tell the store about it meanwhile */
    record r = w->store[i];
    if (r.present &&
        tl_session_restore(w->s, 'o', (uint64_t)i, r.id, tl_slice_of(r.bytes, r.len)) != TL_OK)
      wrong(w, "the record %d cannot be restored", i);
  }
  for (uint16_t id = 1; id <= BROKER_IDS; id++)
    if (w->stored_in[id]) tl_session_restore(w->s, 'i', 0, id, none);
  if (w->stored_filter) tl_session_restore(w->s, 'f', 0, 0, TL_LIT("#"));
}

static void closes (sim *w) {
  if (!w->open) return;
  w->open = w->connected = w->left = false;
  tl_session_closed(w->s);
  tl_buf_clear(&w->to_broker);
  tl_buf_clear(&w->to_client);
  tl_buf_clear(&w->unread);
  w->arrived = 0;
  /* A session that was lost while the CONNACK which says so was lost too cannot be noticed by
  ** any client of MQTT 3.1.1, so this broker keeps a new session only from the client's first
  ** packet on. */
  w->has_session &= w->proven;
  w->due_from = w->due_to = w->recs_from = w->recs_to = 0;
  for (int n = 0; n < w->ins; n++)
    if (w->in[n].leg == WAITS && !w->in[n].qos) w->in[n].leg = OVER;
  if (w->mutation == FORGET_RECEIVED && w->s->receiving.ids.count)
    tl_idset_del(&w->s->receiving.ids, tl_idset_next(&w->s->receiving.ids, 0));
  if (w->mutation == FORGET_INFLIGHT && w->s->sending.inflight.head &&
      w->s->sending.inflight.head->state == TL_OUT_SENT) {
    tl_outgoing *m = w->s->sending.inflight.head;
    tl_outlist_remove(&w->s->sending.inflight, m);
    tl_ids_drop(&w->s->ids, m->id);
    tl_session_finish(w->s, m, TL_OK);
  }
  if (w->mutation == REVERSE_REPEATS) {
    tl_outlist all = tl_outlist_take(&w->s->sending.inflight);
    while (all.tail) {
      tl_outgoing *m = all.tail;
      tl_outlist_remove(&all, m);
      tl_outlist_push(&w->s->sending.inflight, m);
    }
  }
}

static void opens (sim *w) {
  if (w->open) return;
  if (tl_session_open(w->s, w->now) != TL_OK) wrong(w, "open failed");
  w->open = true;
}

static void is_killed (sim *w) {
  if (w->open && draw(w, 2)) { /* some of what the kernel has still reaches the broker */
    size_t n = w->to_broker.len ? draw(w, w->to_broker.len + 1) : 0;
    broker_reads(w, n);
  }
  closes(w);
  for (int i = w->held_from; i < w->held_to; i++)
    w->in[w->held[i].n].allowed += w->in[w->held[i].n].qos == 2;
  w->held_from = w->held_to = 0;
  w->killing = true;
  tl_session_free(w->s);
  w->killing = false;
  if (w->mutation == LOSE_STORE) memset(w->store, 0, sizeof w->store);
  starts(w);
}

static void client_sends (sim *w, size_t most) {
  tl_session_release(w->s);
  tl_slice out = tl_session_output(w->s);
  size_t n = out.len && most ? 1 + draw(w, out.len < most ? out.len : most) : 0;
  if (!n || !w->open) return;
  size_t from = w->to_broker.len;
  tl_buf_add(&w->to_broker, out.at, n);
  if (w->mutation == HIDE_DUP && (w->to_broker.at[from] & 0xfa) == 0x3a)
    w->to_broker.at[from] &= 0xf7;
  tl_session_sent(w->s, n, w->now);
}

static void client_reads (sim *w, size_t n) {
  if (!w->open) return;
  tl_buf_add(&w->unread, w->to_client.at, n);
  tl_buf_drop(&w->to_client, n);
  for (long k = 1; k > 0 && w->unread.len && w->open && !w->failed;) {
    k = tl_session_input(w->s, w->unread.at, w->unread.len, w->now);
    if (k < 0)
      wrong(w, "input failed: %s", tl_session_error(w->s));
    else
      tl_buf_drop(&w->unread, (size_t)k);
  }
}

static void says_goodbye (sim *w) {
  if (!w->open) return;
  tl_session_disconnect(w->s);
  if (w->s->phase == TL_PHASE_LEAVING) {
    if (w->mutation == SPEAK_AFTER_DISCONNECT) tl_build_ack(&w->s->out.bytes, TL_PUBACK, 1);
    app_publishes(w);
    client_reads(w, w->to_client.len);
    while (tl_session_unsent(w->s)) client_sends(w, SIZE_MAX);
    broker_reads(w, w->to_broker.len);
  }
  closes(w);
}

static void time_passes (sim *w, int64_t ms) {
  w->now += ms;
  if (w->open && tl_session_deadline(w->s) <= w->now && tl_session_tick(w->s, w->now) != TL_OK)
    closes(w);
}

static void step (sim *w) {
  size_t n = w->to_broker.len, m = w->to_client.len;
  time_passes(w, (int64_t)draw(w, 40));
  switch (draw(w, 24)) {
    case 0:
    case 1:
    case 2: app_publishes(w); break;
    case 3:
    case 4:
      if (w->ins < MOST && (w->connected || draw(w, 2))) {
        w->in[w->ins] = (inbound){ .qos = (uint8_t)draw(w, 3) };
        if (!w->connected && !w->in[w->ins].qos) w->in[w->ins].leg = OVER;
        w->ins++;
        broker_pushes(w);
      }
      break;
    case 5:
    case 6:
    case 7:
    case 8: client_sends(w, 1 + draw(w, 60)); break;
    case 9: client_sends(w, SIZE_MAX); break;
    case 10:
    case 11:
    case 12:
    case 13:
      if (n) broker_reads(w, 1 + draw(w, n));
      break;
    case 14:
    case 15:
    case 16:
    case 17:
      if (m) client_reads(w, 1 + draw(w, m));
      break;
    case 18:
    case 19: app_confirms(w); break;
    case 20: opens(w); break;
    case 21:
      if (draw(w, 4) == 0) closes(w);
      break;
    case 22:
      if (draw(w, 12) == 0) says_goodbye(w);
      break;
    default:
      if (w->kills && draw(w, 8) == 0)
        is_killed(w);
      else if (draw(w, 30) == 0)
        time_passes(w, 30000); /* someone fell asleep */
      if (w->mutation == REUSE_ID && w->s->sending.inflight.head)
        w->s->ids.last = (uint16_t)(w->s->sending.inflight.head->id - 1),
        tl_ids_drop(&w->s->ids, w->s->sending.inflight.head->id);
  }
}

/* No more faults: everything must come to its end. */
static bool settle (sim *w) {
  w->calm = true;
  for (int i = 0; i < SETTLE && !w->failed; i++) {
    bool quiet = w->s->sending.inflight.n == 0 && w->s->sending.queue.n == 0 &&
                 w->held_from == w->held_to && tl_session_is_connected(w->s);
    opens(w);
    while (tl_session_unsent(w->s) && !w->failed) client_sends(w, SIZE_MAX);
    broker_reads(w, w->to_broker.len);
    client_reads(w, w->to_client.len);
    app_confirms(w);
    time_passes(w, 5);
    for (int n = 0; n < w->ins; n++) quiet &= w->in[n].leg == OVER || w->in[n].leg == GONE;
    if (quiet && !tl_session_unsent(w->s) && !w->to_broker.len && !w->to_client.len &&
        !w->unread.len)
      return true;
  }
  return false;
}

static void judge (sim *w) {
  for (int n = 0; n < w->outs; n++) {
    const outbound *m = &w->out[n];
    int most = w->clean ? 1 : m->qos == 1 ? 1 << 20 : m->qos == 2 ? 1 + m->losses : 1;
    if (pending(m)) wrong(w, "the fate of message %d was never reported", n);
    if (m->received > most)
      wrong(w, "message %d of QoS %u arrived %d times", n, m->qos, m->received);
    if (m->qos && m->fate != LOST && !m->received)
      wrong(w, "message %d of QoS %u never arrived", n, m->qos);
  }
  for (int n = 0; n < w->ins; n++)
    if (w->in[n].leg == OVER && w->in[n].qos && !w->in[n].delivered)
      wrong(w, "message %d was never delivered", n);
  for (int i = 0; i < 4 * MOST; i++)
    if (w->store[i].present) wrong(w, "the record %d stayed in the store", i);
  for (int id = 1; id <= BROKER_IDS; id++)
    if (w->stored_in[id] != tl_idset_has(&w->s->receiving.ids, (uint16_t)id))
      wrong(w, "the store is wrong about the received identifier %d", id);
}

static bool lives (uint64_t seed, mutation broken, bool print) {
  static sim world; /* the tables are large, and one is enough */
  sim *w = &world;
  memset(w, 0, sizeof *w);
  w->random = seed;
  w->mutation = broken;
  w->print = print;
  w->now = 1000;
  w->last_in = -1;
  w->clean = draw(w, 4) == 0;
  w->holds = draw(w, 2);
  w->loses = draw(w, 3) == 0;
  w->kills = draw(w, 3) == 0;
  w->filter = (tl_subscription){ TL_LIT("#"), 2 };
  w->p = (tl_session_params){ .client_id = TL_LIT("sim"),
                              .clean_session = w->clean,
                              .keep_alive = (uint16_t)draw(w, 3),
                              .ping_interval_ms = (int64_t)draw(w, 2) * 3000,
                              .reply_timeout_ms = 20000,
                              .connack_timeout_ms = 20000,
                              .filters = &w->filter,
                              .filter_count = 1,
                              .max_packet_size = 100,
                              .max_inflight = (uint16_t)(1 + draw(w, 8)),
                              .max_queued = 5 + draw(w, 20),
                              .queue_offline = draw(w, 2) };
  starts(w);
  w->s->ids.last = draw(w, 2) ? 65530 : 0;
  for (int i = 0; i < STEPS && !w->failed; i++) {
    step(w);
    if (w->s->sending.inflight.n > w->p.max_inflight)
      wrong(w, "%zu messages in flight, %u allowed", w->s->sending.inflight.n, w->p.max_inflight);
  }
  if (!w->failed && !settle(w) && !w->failed) wrong(w, "it never comes to rest");
  if (!w->failed) judge(w);
  w->killing = true;
  tl_session_free(w->s);
  tl_buf *bufs[] = { &w->to_broker, &w->to_client, &w->unread };
  for (int i = 0; i < 3; i++) tl_buf_fini(bufs[i]);
  if (w->failed && (broken == SOUND || print))
    print_message("seed %llu (clean %d, holds %d, loses %d, kills %d): %s\n",
                  (unsigned long long)seed, w->clean, w->holds, w->loses, w->kills, w->why);
  return !w->failed;
}

static void holds_for_every_seed (void **state) {
  (void)state;
  const char *one = getenv("TAGLINE_SEED"), *many = getenv("TAGLINE_SEEDS");
  if (one) {
    assert_true(lives(strtoull(one, NULL, 10), SOUND, true));
    return;
  }
  uint64_t seeds = many ? strtoull(many, NULL, 10) : 10000;
  int failures = 0;
  for (uint64_t seed = 1; seed <= seeds && failures < 10; seed++)
    failures += !lives(seed, SOUND, false);
  if (failures) fail_msg("replay one with TAGLINE_SEED=n");
}

/* The checks must be able to fail: each broken session is found out within a few hundred seeds. */
static void finds_broken_sessions (void **state) {
  (void)state;
  static const char *const names[] = { "",
                                       "forgets received identifiers",
                                       "forgets messages in flight",
                                       "uses identifiers twice",
                                       "speaks after DISCONNECT",
                                       "repeats in the wrong order",
                                       "repeats without DUP",
                                       "acknowledges what is held",
                                       "loses its store" };
  if (getenv("TAGLINE_SEED")) return;
  for (mutation m = SOUND + 1; m < MUTATIONS; m++) {
    uint64_t seed = 1;
    while (seed <= 300 && lives(seed, m, false)) seed++;
    if (seed > 300) fail_msg("a session that %s passed 300 seeds", names[m]);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC("[MQTT-2.3.1-2] [MQTT-3.14.4-2] [MQTT-4.3.2-1] [MQTT-4.3.3-1] [MQTT-4.3.3-2] "
         "[MQTT-4.4.0-1] [MQTT-4.6.0-1] "
         "[MQTT-4.6.0-2] "
         "[MQTT-4.6.0-3] [MQTT-4.6.0-4] holds for every seed",
         holds_for_every_seed),
    SPEC("finds broken sessions", finds_broken_sessions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
