/* core/mqtt/session_filters.c — topic filters: what is wanted, what the current connection
** asked for, and what the broker's session may still hold from earlier; SUBSCRIBE, UNSUBSCRIBE
** and their answers. */
#include <stdlib.h>

#include "base/topic.h"
#include "mqtt/session_impl.h"

int tl_filter_list_new (tl_filter_list **out, const tl_subscription *filters, size_t n) {
  size_t bytes = 0;
  for (size_t i = 0; i < n; i++) {
    /* [MQTT-3.8.3-1] */
    if (tl_filter_check(filters[i].filter, NULL) != TL_OK || filters[i].qos > 2)
      return TL_EMALFORMED;
    bytes += filters[i].filter.len;
  }
  tl_filter_list *list = malloc(sizeof *list + n * sizeof list->items[0] + bytes);
  if (!list) return TL_ENOMEM;
  uint8_t *at = (uint8_t *)(list->items + n);
  list->n = n;
  for (size_t i = 0; i < n; i++) {
    memcpy(at, filters[i].filter.at, filters[i].filter.len);
    list->items[i] = (tl_subscription){ tl_slice_of(at, filters[i].filter.len), filters[i].qos };
    at += filters[i].filter.len;
  }
  *out = list;
  return TL_OK;
}

static void store_filter (tl_session *s, const tl_known_filter *k, bool gone) {
  if (s->ev.store && !s->config.clean)
    s->ev.store(s->ctx, TL_RECORD_FILTER, 0, 0, tl_slice_of(k->bytes, k->len), gone);
}

void tl_session_store_filters (tl_session *s) {
  tl_slice key;
  void *k;
  for (uint32_t i = 0; tl_map_next(&s->subs.known, &i, &key, &k);) store_filter(s, k, false);
}

static void drop_known (tl_session *s, tl_known_filter *k) {
  tl_map_del(&s->subs.known, tl_slice_of(k->bytes, k->len));
  if (s->ev.store) s->ev.store(s->ctx, TL_RECORD_FILTER, 0, 0, tl_slice_of(k->bytes, k->len), true);
  free(k);
}

void tl_session_forget_filters (tl_session *s) {
  tl_slice key;
  void *k;
  for (uint32_t i = 0; tl_map_next(&s->subs.known, &i, &key, &k);) drop_known(s, k);
}

int tl_session_know_filter (tl_session *s, tl_slice filter, tl_known_filter **out) {
  tl_known_filter *k = malloc(sizeof *k + filter.len);
  if (!k) return TL_ENOMEM;
  *k = (tl_known_filter){ .len = filter.len };
  memcpy(k->bytes, filter.at, filter.len);
  if (tl_map_put(&s->subs.known, tl_slice_of(k->bytes, k->len), k) != TL_OK) {
    free(k);
    return TL_ENOMEM;
  }
  *out = k;
  return TL_OK;
}

/* Mark which known filters are still wanted, and know the new ones. */
static int mark_wanted (tl_session *s) {
  tl_slice key;
  void *at;
  for (uint32_t i = 0; tl_map_next(&s->subs.known, &i, &key, &at);) {
    tl_known_filter *k = at;
    k->wanted = k->leaving = false;
  }
  for (size_t i = 0; i < s->subs.asked->n; i++) {
    tl_known_filter *k = tl_map_get(&s->subs.known, s->subs.asked->items[i].filter);
    if (!k) {
      if (tl_session_know_filter(s, s->subs.asked->items[i].filter, &k) != TL_OK) return TL_ENOMEM;
      store_filter(s, k, false);
    }
    k->wanted = true;
  }
  return TL_OK;
}

/* UNSUBSCRIBE of all that is known and not wanted any more. */
static int unsubscribe (tl_session *s) {
  tl_slice key, *filters;
  void *at;
  size_t n = 0, from = s->out.bytes.len;
  for (uint32_t i = 0; tl_map_next(&s->subs.known, &i, &key, &at);)
    n += !((tl_known_filter *)at)->wanted;
  if (n == 0) return TL_OK;
  filters = malloc(n * sizeof *filters);
  if (!filters) return TL_ENOMEM;
  n = 0;
  for (uint32_t i = 0; tl_map_next(&s->subs.known, &i, &key, &at);) {
    tl_known_filter *k = at;
    if (k->wanted) continue;
    k->leaving = true;
    filters[n++] = key;
  }
  s->subs.unsuback_id = tl_ids_take(&s->ids, &s->subs.unsuback_id);
  int rc = s->subs.unsuback_id
               ? tl_build_unsubscribe(&s->out.bytes, s->subs.unsuback_id, filters, n)
               : TL_ENOMEM;
  free(filters);
  if (rc != TL_OK) return rc;
  s->subs.unsuback_at = s->now;
  tl_session_did_put(s, from);
  return TL_OK;
}

/* --- SUBSCRIBE: all filters at first, later some of them again --- */

/* One SUBSCRIBE for the filters that are marked TL_ASK_NEXT. */
static int put_subscribe (tl_session *s, size_t n) {
  tl_subscription *items = malloc(n * sizeof *items);
  size_t from = s->out.bytes.len, k = 0;
  if (!items) return TL_ENOMEM;
  for (size_t i = 0; i < s->subs.asked->n; i++) {
    if (s->subs.asking[i] & TL_ASK_NEXT) items[k++] = s->subs.asked->items[i];
  }
  s->subs.suback_id = tl_ids_take(&s->ids, &s->subs.suback_id);
  int rc = s->subs.suback_id ? tl_build_subscribe(&s->out.bytes, s->subs.suback_id, items, k)
                             : TL_ENOMEM;
  free(items);
  if (rc != TL_OK) return rc;
  for (size_t i = 0; i < s->subs.asked->n; i++) {
    if (s->subs.asking[i] & TL_ASK_NEXT) s->subs.asking[i] = TL_ASK_NOW;
  }
  s->subs.suback_at = s->now;
  tl_session_did_put(s, from);
  return TL_OK;
}

static int use_wanted (tl_session *s) {
  size_t n = s->subs.wanted->n;
  uint8_t *granted = malloc(2 * n + 1);
  if (!granted) return TL_ENOMEM;
  free(s->subs.granted);
  s->subs.granted = granted;
  s->subs.asking = granted + n;
  memset(s->subs.granted, TL_GRANTED_UNKNOWN, n);
  memset(s->subs.asking, TL_ASK_NEXT, n);
  if (s->subs.asked != s->subs.wanted) free(s->subs.asked);
  s->subs.asked = s->subs.wanted;
  s->subs.again_delay = s->config.p.ask_again_ms;
  return TL_OK;
}

int tl_session_subscribe (tl_session *s) {
  int rc = use_wanted(s);
  if (rc == TL_OK) rc = mark_wanted(s);
  if (rc == TL_OK) rc = unsubscribe(s);
  /* a SUBSCRIBE without a filter is forbidden [MQTT-3.8.3-3] */
  if (rc == TL_OK && s->subs.asked->n > 0) rc = put_subscribe(s, s->subs.asked->n);
  return rc == TL_OK ? rc : tl_fail(&s->fault.why, rc, 0, "no memory to subscribe");
}

/* When refused filters are subscribed to again; the pause doubles each time. If the wanted filters
** have changed, this waits for the next connection, which subscribes to the new ones anyway. */
int64_t tl_session_ask_due (const tl_session *s) {
  if (s->phase != TL_PHASE_UP || s->subs.suback_id || s->time.paused) return INT64_MAX;
  if (s->subs.again) return s->now;
  return s->subs.again_at >= 0 && s->subs.asked == s->subs.wanted ? s->subs.again_at : INT64_MAX;
}

int tl_session_ask_again_now (tl_session *s) {
  bool refused =
      s->subs.again_at >= 0 && s->subs.again_at <= s->now && s->subs.asked == s->subs.wanted;
  size_t n = 0;
  for (size_t i = 0; i < s->subs.asked->n; i++) {
    if (refused && s->subs.granted[i] == TL_SUBACK_REFUSED) s->subs.asking[i] |= TL_ASK_NEXT;
    n += s->subs.asking[i] & TL_ASK_NEXT;
  }
  s->subs.again = false;
  if (refused) s->subs.again_at = -1;
  int rc = n > 0 ? put_subscribe(s, n) : TL_OK;
  return rc == TL_OK ? rc : tl_fail(&s->fault.why, rc, 0, "no memory to subscribe");
}

size_t tl_session_ask_again (tl_session *s, bool (*wants)(void *ctx, tl_slice filter), void *ctx) {
  size_t n = 0;
  if (!tl_session_is_connected(s)) return 0;
  for (size_t i = 0; i < s->subs.asked->n; i++) {
    if (!wants(ctx, s->subs.asked->items[i].filter)) continue;
    s->subs.asking[i] |= TL_ASK_NEXT;
    n++;
  }
  s->subs.again = s->subs.again || n > 0;
  return n;
}

bool tl_session_filters_wait (const tl_session *s) {
  const tl_filter_list *a = s->subs.asked, *b = s->subs.wanted;
  if (!tl_session_is_connected(s) || a == b) return false;
  if (!a || a->n != b->n) return true;
  for (size_t i = 0; i < a->n; i++)
    if (a->items[i].qos != b->items[i].qos || !tl_slice_eq(a->items[i].filter, b->items[i].filter))
      return true;
  return false;
}

static int shown (tl_slice filter) { /* how much of a filter a notice shows */
  return filter.len > 256 ? 256 : (int)filter.len;
}

/* Log that a filter was refused, or that it is granted at last. A refusal is logged once, also over
** several connections, until the filter is granted. */
static void log_granted (tl_session *s, size_t i, uint8_t granted) {
  const tl_subscription *f = &s->subs.asked->items[i];
  const char *text = (const char *)f->filter.at;
  tl_known_filter *k = tl_map_get(&s->subs.known, f->filter);
  bool refused = granted == TL_SUBACK_REFUSED, said = k && k->refusal_logged;
  if (refused && !said) {
    tl_session_note(
        s, TL_NOTE_ERROR, "filter '%.*s' refused by the broker%s", shown(f->filter), text,
        s->config.p.ask_again_ms > 0 ? "; tagline subscribes to it again later (logged once)" : "");
  } else if (!refused && said) {
    tl_session_note(s, TL_NOTE_INFO, "filter '%.*s' is granted now", shown(f->filter), text);
  }
  if (!refused && granted < f->qos && granted != s->subs.granted[i]) {
    tl_session_note(s, TL_NOTE_WARN, "granted QoS %u for '%.*s', QoS %u was wanted", granted,
                    shown(f->filter), text, f->qos);
  }
  if (k) k->refusal_logged = refused;
}

static void take_codes (tl_session *s, const uint8_t *codes) {
  bool refused = false;
  for (size_t i = 0; i < s->subs.asked->n; i++) {
    if (s->subs.asking[i] & TL_ASK_NOW) {
      uint8_t granted = *codes++;
      log_granted(s, i, granted);
      s->subs.granted[i] = granted;
      s->subs.asking[i] &= TL_ASK_NEXT;
    }
    refused = refused || s->subs.granted[i] == TL_SUBACK_REFUSED;
  }
  if (!refused || s->config.p.ask_again_ms <= 0) {
    s->subs.again_at = -1;
    s->subs.again_delay = s->config.p.ask_again_ms;
  } else if (s->subs.again_at < 0) {
    s->subs.again_at = s->now + s->subs.again_delay;
    if (s->subs.again_delay < s->config.p.ask_again_max_ms) s->subs.again_delay *= 2;
    if (s->subs.again_delay > s->config.p.ask_again_max_ms)
      s->subs.again_delay = s->config.p.ask_again_max_ms;
  }
}

int tl_session_on_suback (tl_session *s, const tl_suback *a) {
  if (a->id !=
      s->subs.suback_id) { /* no answer to our SUBSCRIBE: its time goes on [MQTT-3.8.4-2] */
    s->stats.unknown_acks++;
    tl_session_note(s, TL_NOTE_DEBUG, "SUBACK for the unknown identifier %u", a->id);
    return TL_OK;
  }
  const tl_filter_list *asked = s->subs.asked;
  size_t n = 0;
  for (size_t i = 0; i < asked->n; i++) n += (s->subs.asking[i] & TL_ASK_NOW) != 0;
  if (a->codes.len != n)
    return tl_fail(&s->fault.why, TL_EMALFORMED, 4,
                   "SUBACK with %zu return codes for %zu filters (3.9.3)", a->codes.len, n);
  tl_ids_drop(&s->ids, s->subs.suback_id);
  s->subs.suback_id = 0;
  s->subs.suback_at = -1;
  take_codes(s, a->codes.at);
  if (s->ev.subscribed) s->ev.subscribed(s->ctx, asked->items, s->subs.granted, asked->n);
  return TL_OK;
}

int tl_session_on_unsuback (tl_session *s, uint16_t id) {
  tl_slice key;
  void *at;
  if (id != s->subs.unsuback_id) {
    s->stats.unknown_acks++;
    tl_session_note(s, TL_NOTE_DEBUG, "UNSUBACK for the unknown identifier %u", id);
    return TL_OK;
  }
  tl_ids_drop(&s->ids, id);
  s->subs.unsuback_id = 0;
  s->subs.unsuback_at = -1;
  for (uint32_t i = 0; tl_map_next(&s->subs.known, &i, &key, &at);)
    if (((tl_known_filter *)at)->leaving) drop_known(s, at);
  return TL_OK;
}

void tl_session_forget_asking (tl_session *s) {
  tl_session_subs *subs = &s->subs;
  if (subs->suback_id) tl_ids_drop(&s->ids, subs->suback_id);
  if (subs->unsuback_id) tl_ids_drop(&s->ids, subs->unsuback_id);
  subs->suback_id = subs->unsuback_id = 0;
  subs->suback_at = subs->unsuback_at = subs->again_at = -1;
  subs->again = false;
}
