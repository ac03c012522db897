/* core/gateway/receive.c — a received message is routed and goes to its station's tags. The
** hot path: it allocates nothing, and enters Lua only if the station has a decoder or
** functions. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/pattern.h"
#include "gateway/once_impl.h"
#include "gateway/filters_impl.h"
#include "gateway/link_impl.h"
#include "gateway/prepare.h"
#include "gateway/station_log.h"

enum {
  WILLS_HERE = 16,   /* so many stations may share a will topic before malloc is needed */
  FEW_STATIONS = 256 /* up to so many stations are compared with an unrouted topic */
};

/* Could the topic be a will of an instance that does not exist yet? Retained wills and births
** often come before the device's first message, so such a topic is not unknown.
** `filled`: a template's will topic, such as "site/{dev}/lwt". */
static bool could_be (const char *filled, const char *topic) {
  char pattern[256];
  size_t n = 0;
  while (*filled && n + 1 < sizeof pattern) {
    const char *behind = *filled == '{' ? strchr(filled, '}') : NULL;
    pattern[n++] = behind ? '*' : *filled;
    filled = behind ? behind + 1 : filled + 1;
  }
  pattern[n] = '\0';
  return !*filled && tl_glob_match(pattern, topic);
}

/* Has any template a will topic? Looked for once after each load, since most lines have none. */
static bool awaits_devices (tl_link *l) {
  uint64_t now = tl_gateway_generation(l->gateway) + 1;
  if (l->routing.templates_of == now) return l->routing.will_templates;
  l->routing.templates_of = now;
  l->routing.will_templates = false;
  for (uint32_t i = 0; i < l->line->station_count && !l->routing.will_templates; i++)
    l->routing.will_templates =
        l->line->stations[i]->is_template && l->line->stations[i]->will_topic;
  return l->routing.will_templates;
}

static bool is_will_of_unknown (tl_link *l, tl_slice topic) {
  const tl_line *line = l->line;
  char text[256];
  if (!awaits_devices(l) || topic.len >= sizeof text) return false;
  memcpy(text, topic.at, topic.len);
  text[topic.len] = '\0';
  for (uint32_t i = 0; i < line->station_count && i < FEW_STATIONS; i++) {
    const tl_station *s = line->stations[i];
    if (s->made_by) break; /* instances come last in the list */
    if (s->is_template && s->will_topic && could_be(s->will_topic, text)) return true;
  }
  return false;
}

static void note_unrouted (tl_link *l, tl_slice topic) {
  size_t n = topic.len < sizeof l->routing.unrouted_topic - 1
                 ? topic.len
                 : sizeof l->routing.unrouted_topic - 1;
  l->routing.unrouted++;
  /* our own message, which a filter such as '#' brings back */
  if (tl_health_is_own(&l->health, topic) || is_will_of_unknown(l, topic)) {
    l->health.own_unrouted++;
    return;
  }
  tl_unrouted_note(&l->health.unrouted, topic);
  memcpy(l->routing.unrouted_topic, topic.at, n);
  l->routing.unrouted_topic[n] = '\0';
  if (l->routing.unrouted_logged) return;
  l->routing.unrouted_logged = true;
  tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l),
         "no station takes topic '%s' (logged once; such messages are acknowledged and counted)",
         l->routing.unrouted_topic);
}

/* The router gave up on this topic (a pattern took too many steps). It counts as unrouted, but
** gets a log text of its own, since the cure is another one. */
static void note_given_up (tl_link *l, tl_slice topic) {
  l->routing.unrouted++;
  tl_unrouted_note(&l->health.unrouted, topic);
  if (l->routing.given_up_logged) return;
  l->routing.given_up_logged = true;
  tl_slice begin = tl_shortened(topic);
  tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l),
         "the addresses of the stations take too long for a topic of %zu bytes, '%.*s'%s: no "
         "station gets the message; make the addresses simpler (logged once)",
         topic.len, TL_ARG(begin), begin.len < topic.len ? " …" : "");
}

/* Is the message the station's will? A retained will that was asked for again counts for a
** station that is new (retained.c). */
static bool is_will (tl_link *l, tl_station *s, const tl_incoming *in) {
  tl_model *m = l->gateway->model;
  bool again = m->only_unset;
  if (again && !s->reload.will_asked) return tl_station_will_of(s, in) != TL_NO_WILL;
  m->only_unset = false; /* a will invalidates also what a retained message has set */
  bool yes = tl_station_will(s, in);
  m->only_unset = again;
  if (yes) l->routing.wills++;
  return yes;
}

/* Deliver the message to the stations whose will topic it has. A will goes to no other
** station, except to the '#' station when that one does not have this will itself.
** True: the message is done. */
static bool deliver_wills (tl_link *l, const tl_route *route, const tl_incoming *in) {
  tl_station *few[WILLS_HERE], **targets = few;
  const tl_station *hash = route->by == TL_BY_HASH ? route->target : NULL;
  uint32_t count = route->will_count;
  bool any = false, own = !hash;
  /* A status handler may change the routes, so a copy of the list is used. */
  if (count > WILLS_HERE && !(targets = malloc(count * sizeof *targets))) {
    tl_log(TL_LOG_ERROR, TL_LINK_SCOPE(l),
           "no memory for the will of %u stations: only %d of them get it", (unsigned)count,
           WILLS_HERE);
    l->routing.no_memory = true;
    targets = few;
    count = WILLS_HERE;
  }
  memcpy(targets, route->wills, count * sizeof *targets);
  for (uint32_t i = 0; i < count; i++) {
    if (!is_will(l, targets[i], in)) continue;
    any = true;
    own = own || targets[i] == hash;
  }
  if (targets != few) free(targets);
  return any && own;
}

static tl_station *find_station (tl_link *l, const tl_route *route, const tl_incoming *in) {
  tl_station *s = route->target;
  if (!s && route->by == TL_BY_GIVEN_UP && route->no_memory)
    l->routing.no_memory = true;
  else if (!s && route->by == TL_BY_GIVEN_UP)
    note_given_up(l, in->topic);
  else if (!s)
    note_unrouted(l, in->topic);
  else if (s->is_template)
    s = tl_link_instance(l, s, route, in);
  return s;
}

/* Is the message retained, and does its station not want retained messages? Counted. */
static bool ignores (tl_station *s) {
  if (!s || !s->settings.ignore_retained) return false;
  s->stats.retained++;
  return true;
}

/* Give the message to its station's tags and functions. */
static inline void hand_over (tl_link *l, tl_station *s, const tl_incoming *in,
                              const tl_route *route) {
  tl_gateway *g = l->gateway;
  if (!s->user) {
    tl_station_receive(s, in);
    return;
  }
  l->pace.handled++;
  g->current.link = l;
  g->current.topic = in->topic;
  if (!g->handlers.has_decode || !g->handlers.has_decode(s->user))
    tl_station_receive(s, in);
  else if (in == l->longer.message)
    l->routing.no_memory |= tl_link_decode_long(l, s, in, route) == TL_ENOMEM;
  else
    l->routing.no_memory |= g->handlers.decode(g->handlers_ctx, s, in, route) == TL_ENOMEM;
  g->current.link = NULL;
}

static __attribute__((noinline)) void
hand_over_prepared (tl_link *l, tl_station *s, const tl_incoming *in, const tl_route *route) {
  tl_gateway *g = l->gateway;
  tl_incoming prepared = *in;
  tl_prepare_room room;
  tl_prepare_room_take(g, &room);
  if (tl_link_prepare(l, s, &prepared, &room)) hand_over(l, s, &prepared, route);
  tl_prepare_room_give(g, &room);
}

static bool deliver (tl_link *l, const tl_incoming *in) {
  tl_gateway *g = l->gateway;
  const tl_route *route = tl_router_find(l->routing.router, in->topic);
  g->model->only_unset = in->retain && l->routing.asked_again;
  if (route->will_count > 0) {
    if (deliver_wills(l, route, in)) {
      if (g->news.listening) tl_notify_message(l, in, NULL, TL_FATE_WILL);
      return false;
    }
    /* look again: a status handler may have changed the routes */
    route = tl_router_find(l->routing.router, in->topic);
  }
  if (in->retain && (ignores(route->target) || tl_retained_is_old(l, route->target, in))) {
    if (g->news.listening) tl_notify_message(l, in, NULL, TL_FATE_RETAINED);
    return false;
  }
  bool refused = route->target;
  tl_station *s = find_station(l, route, in);
  if (!s) {
    if (g->news.listening)
      tl_notify_message(l, in, NULL, refused ? TL_FATE_REFUSED : TL_FATE_UNROUTED);
    return false;
  }
  /* observers hear of the message before its values */
  if (g->news.listening)
    tl_notify_message(l, in, s, s->off || s->simulated ? TL_FATE_OFF : TL_FATE_TAKEN);
  bool confirms = s->plan->special.ack_id >= 0 && !s->off && !s->simulated;
  if (confirms) { /* set before the values: their handlers may already write ACK_ID */
    l->ack.station = s;
    l->ack.id = in->id;
    l->ack.delivering = true;
    l->health.awaiting_since = l->time.now;
  }
  if (s->plan->prepare_count > 0 && !s->off && !s->simulated)
    hand_over_prepared(l, s, in, route);
  else
    hand_over(l, s, in, route);
  l->ack.delivering = false;
  return confirms && l->ack.station;
}

/* With session_store: note a QoS 2 message, so that its values are stored once (once.h). */
static void begin_kept (tl_link *l, const tl_incoming *in) {
  l->keep.delivering = in->id;
  if (tl_pending_is_found(l, in)) l->gateway->current.stored = true;
}

static void end_kept (tl_link *l, const tl_incoming *in) {
  l->keep.delivering = 0;
  l->gateway->current.stored = false;
  if (!l->routing.no_memory) tl_pending_whole(l, in);
}

/* A message for which there was no memory is not acknowledged: the connection ends, and the
** broker sends it again. */
bool tl_link_deliver (tl_link *l, const tl_incoming *in) {
  tl_model *m = l->gateway->model;
  l->routing.no_memory = false;
  bool keeps = in->qos == 2 && l->keep.store;
  if (keeps) begin_kept(l, in);
  uint64_t before = tl_pattern_sum_begin();
  m->starved = false;
  bool held = deliver(l, in);
  tl_pattern_sum_end(before);
  l->routing.no_memory |= m->starved;
  m->only_unset = false;
  if (keeps) end_kept(l, in);
  return held;
}

int tl_link_message (void *ctx, const tl_message *m) {
  tl_link *l = ctx;
  tl_incoming in = { .topic = m->topic,
                     .payload = m->payload,
                     .id = m->id,
                     .qos = m->qos,
                     .retain = m->retain,
                     .dup = m->dup,
                     .now = l->time.now,
                     .wall = l->time.wall };
  l->routing.messages++;
  tl_recorder_add(&l->recorder, (size_t)l->params.recorder, &in);
  bool is_long = in.payload.len + l->pace.careful >= TL_LINK_LONG && tl_link_is_long(l, &in);
  if (l->ack.station || l->ack.head || l->longer.pieces || is_long) {
    /* the connection ends, and the broker sends it again */
    if (tl_link_queue(l, &in) != TL_OK) return TL_ENOMEM;
    if (is_long && l->pace.careful > 0)
      tl_link_begin_first(l);
    else if (is_long)
      tl_link_ask_pump(l);
    return l->input.shut & TL_SHUT_QUEUE ? TL_MESSAGE_HELD_STOP : TL_MESSAGE_HELD;
  }
  bool held = tl_link_deliver(l, &in);
  if (l->routing.no_memory && m->qos > 0) { /* at QoS 0 the broker would not send it again */
    l->ack.station = NULL;
    return TL_ENOMEM;
  }
  if (held) return TL_MESSAGE_HELD;
  /* a value that an observer could not take (tl_gateway_hold) is stored before later packets
  ** are read */
  if (!(l->input.shut & TL_SHUT_VALUES) && !tl_pace_is_over(l)) return TL_MESSAGE_DONE;
  l->input.leftover = true;
  return TL_MESSAGE_STOP;
}
