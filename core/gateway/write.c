/* core/gateway/write.c — writes: a tag's value becomes a PUBLISH, and whoever asked is told
** how it ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway/link_impl.h"
#include "base/topic.h"
#include "base/visible.h"

static void unlink_write (tl_gateway *g, tl_write *w) {
  if (w->prev)
    w->prev->next = w->next;
  else
    g->writes.first = w->next;
  if (w->next) w->next->prev = w->prev;
}

/* published: the session keeps the text of v as the payload and gives it back at the end
** (tl_session_keeps), so that it is in memory once. */
static tl_write *new_write (tl_link *l, tl_tag *t, const tl_value *v, bool published,
                            tl_write_done *done, void *ctx) {
  tl_gateway *g = l->gateway;
  tl_write *w = calloc(1, sizeof *w);
  if (!w) return NULL;
  w->link = l;
  w->tag = t;
  w->done = done;
  w->ctx = ctx;
  if (v) {
    w->value = *v;
    tl_type type = tl_tag_def(t)->type;
    w->published = published;
    if ((type == TL_TXTO || type == TL_TXTI) && v->text.len > 0 && !published) {
      uint8_t *copy = malloc(v->text.len);
      if (!copy) {
        free(w);
        return NULL;
      }
      memcpy(copy, v->text.at, v->text.len);
      w->value.text = w->owned = tl_slice_of(copy, v->text.len);
    }
  }
  w->next = g->writes.first;
  if (w->next) w->next->prev = w;
  g->writes.first = w;
  return w;
}

static void free_write (tl_write *w) {
  free((void *)w->owned.at);
  free(w);
}

static const char *why_of (int result) {
  switch (result) {
    case TL_OK: return "";
    case TL_ELOST: return "connection lost";
    case TL_ESESSION: return "session lost";
    case TL_ESTATE: return "line closed";
    case TL_ETIMEOUT: return "too old";
    default: return "not sent";
  }
}

static void count_unsent (tl_link *l, int result) {
  tl_unsent why = TL_UNSENT_OTHER;
  switch (result) {
    case TL_ESTATE: why = TL_UNSENT_STATE; break;
    case TL_EFULL: why = TL_UNSENT_FULL; break;
    case TL_ELOST: why = TL_UNSENT_LOST; break;
    case TL_ESESSION: why = TL_UNSENT_SESSION; break;
    case TL_ETIMEOUT: why = TL_UNSENT_OLD; break;
    default: break;
  }
  l->unsent[why]++;
}

/* The write is done: its tag takes the value. */
static void take_value (const tl_write *w) {
  if (!w->tag || tl_tag_put(w->tag, &w->value, tl_clock_wall_ms())) return;
  tl_log(TL_LOG_ERROR, TL_LINK_SCOPE(w->link),
         "no memory for the value of %s.%s: it was written, but the tag keeps the one before",
         w->tag->station->name, tl_tag_def(w->tag)->name);
}

void tl_link_published (void *ctx, void *token, int result, tl_slice payload) {
  tl_link *l = ctx;
  tl_write *w = token;
  if (result != TL_OK) count_unsent(l, result);
  if (!w) {
    tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l), "a write of the process before failed: %s",
           why_of(result));
    return;
  }
  unlink_write(l->gateway, w);
  if (w->published) w->value.text = payload;
  if (result == TL_OK) take_value(w);
  if (result != TL_OK && w->tag) {
    tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l), "write to %s.%s failed: %s", w->tag->station->name,
           tl_tag_def(w->tag)->name, why_of(result));
  }
  if (w->done) w->done(w->ctx, result, why_of(result));
  if (w->goodbye) tl_goodbye_settled(l);
  free_write(w);
  tl_link_ask_flush(l);
}

void tl_gateway_forget_tag (tl_gateway *g, const tl_station *s) {
  for (tl_write *w = g->writes.first; w; w = w->next)
    if (w->tag && w->tag->station == s) w->tag = NULL;
}

void tl_gateway_forget_line (tl_gateway *g, const tl_line *line) {
  for (tl_write *w = g->writes.first; w; w = w->next)
    if (w->tag && w->tag->station->line == line) w->tag = NULL;
}

static void settle_local (void *ctx);

/* There is no network: the listener gets the message, and the write counts as confirmed. */
static int publish_offline (tl_link *l, tl_slice topic, tl_slice payload, uint8_t qos, bool retain,
                            tl_write *w, tl_err *err) {
  tl_gateway *g = l->gateway;
  w->local = true;
  if (tl_loop_later(g->loop, settle_local, g) != TL_OK) {
    unlink_write(g, w);
    free_write(w);
    return tl_fail(err, TL_ENOMEM, 0, "no memory for the write");
  }
  g->offline.published(g->offline.ctx, l, topic, payload, qos, retain);
  take_value(w);
  return TL_OK;
}

void tl_gateway_describe (tl_gateway *g, tl_sent *out) { g->writes.describe = out; }

/* Append the first bytes of a text that may be anything. */
static void add_some (tl_buf *out, tl_slice s, size_t most) {
  size_t n = s.len < most ? s.len : most;
  while (n < s.len && n > 0 && (s.at[n] & 0xC0) == 0x80) n--;
  tl_visible(out, tl_slice_of(s.at, n), false);
  if (n < s.len) tl_buf_str(out, "…");
}

static void describe (tl_sent *out, tl_slice topic, tl_slice payload, uint8_t qos, bool retain) {
  tl_buf text;
  tl_buf_init(&text);
  add_some(&text, topic, 60);
  tl_buf_str(&text, ": ");
  add_some(&text, payload, 40);
  tl_buf_fmt(&text, " (QoS %d%s)", qos, retain ? ", retained" : "");
  if (!text.failed) snprintf(out->text, sizeof out->text, "%.*s", TL_ARG(tl_buf_bytes(&text)));
  tl_buf_fini(&text);
}

static int publish (tl_link *l, tl_slice topic, tl_slice payload, int qos, int retain, tl_write *w,
                    tl_err *err) {
  uint8_t level = (uint8_t)(qos < 0 ? l->params.publish_qos : qos);
  bool keep = retain < 0 ? l->params.publish_retain : retain != 0;
  if (l->gateway->offline.published) return publish_offline(l, topic, payload, level, keep, w, err);
  tl_err why = { .text = "" };
  int rc = tl_link_store_ready(l, false, &why);
  bool kept = rc == TL_OK;
  if (kept) {
    /* tell the session the time: the line may have been idle for long */
    tl_session_time(l->session, tl_loop_now(l->gateway->loop));
    tl_health_publish(l, topic, l->gateway->current.link, l->gateway->current.topic);
    rc = tl_session_publish(l->session, topic, payload, level, keep, w, &why);
    if (rc == TL_OK && level == 0) tl_health_sent_unacked(l, topic, payload.len);
  }
  if (rc < 0) {
    count_unsent(l, rc);
    unlink_write(l->gateway, w);
    free_write(w);
    const char *text = why.text;
    if (kept && rc == TL_EFULL) text = "queue full";
    if (kept && rc == TL_ESTATE) text = "not connected";
    return tl_fail(err, rc, 0, "%s", text);
  }
  if (l->gateway->saying_goodbye == l) {
    w->goodbye = true;
    l->goodbye.writes++;
  }
  if (l->gateway->writes.describe)
    describe(l->gateway->writes.describe, topic, payload, level, keep);
  tl_link_ask_flush(l);
  return TL_OK;
}

int tl_link_publish (tl_link *l, tl_slice topic, tl_slice payload, int qos, int retain,
                     tl_write_done *done, void *ctx, tl_err *err) {
  if (l->gateway->dry) return tl_fail(err, TL_ESTATE, 0, "explain writes nothing");
  int rc = tl_topic_check(topic, err);
  if (rc < 0) return rc;
  tl_write *w = new_write(l, NULL, NULL, false, done, ctx);
  if (!w) return tl_fail(err, TL_ENOMEM, 0, "no memory for the write");
  return publish(l, topic, payload, qos, retain, w, err);
}

/* --- writes that need no network: done in this wake-up, reported at its end --- */

/* In the order of writing; the list begins with the newest. Writes that the callbacks make are
** reported in the next wake-up. */
static void settle_local (void *ctx) {
  tl_gateway *g = ctx;
  tl_write *settled = NULL;
  for (tl_write *w = g->writes.first, *next; w; w = next) {
    next = w->next;
    if (!w->local) continue;
    unlink_write(g, w);
    w->next = settled;
    settled = w;
  }
  while (settled) {
    tl_write *w = settled;
    settled = w->next;
    if (w->done) w->done(w->ctx, TL_OK, "");
    free_write(w);
  }
}

static int write_local (tl_gateway *g, tl_link *l, tl_tag *t, const tl_value *v,
                        tl_write_done *done, void *ctx, tl_err *err) {
  tl_write *w = done ? new_write(l, NULL, NULL, false, done, ctx) : NULL;
  if ((done && !w) || !tl_tag_put(t, v, tl_clock_wall_ms()) ||
      (done && tl_loop_later(g->loop, settle_local, g) != TL_OK)) {
    if (w) {
      unlink_write(g, w);
      free_write(w);
    }
    return tl_fail(err, TL_ENOMEM, 0, "no memory for the write");
  }
  if (w) w->local = true;
  tl_gateway_ask_flush(g);
  return TL_OK;
}

/* --- tags --- */

static bool is_astray (const tl_health *h, const tl_tag *t) {
  size_t n = strlen(t->station->name);
  return h->astray > 0 && strncmp(h->astray_tag, t->station->name, n) == 0 &&
         h->astray_tag[n] == '.' && strcmp(h->astray_tag + n + 1, tl_tag_def(t)->name) == 0;
}

/* It has no topic, so nobody but its writer hears of it: status() tells. */
static void note_astray (tl_link *l, const tl_tag *t, const char *why) {
  tl_health *h = &l->health;
  if (!is_astray(h, t)) h->astray = 0;
  h->astray++;
  h->astray_at = tl_loop_now(l->gateway->loop);
  snprintf(h->astray_tag, sizeof h->astray_tag, "%s.%s", t->station->name, tl_tag_def(t)->name);
  snprintf(h->astray_why, sizeof h->astray_why, "%.199s", why);
}

static int out_topic (const tl_station *s, tl_slice *topic, tl_err *err) {
  if (s->plan->special.out_topic < 0)
    return tl_fail(err, TL_ETYPE, 0, "station '%s' has no OUT_TOPIC tag", s->name);
  const tl_tag *t = &s->tags[s->plan->special.out_topic];
  if (t->status != TL_VALID)
    return tl_fail(err, TL_ESTATE, 0, "the topic is not known: write to '%s' (OUT_TOPIC) first",
                   tl_tag_def(t)->name);
  *topic = t->value.text;
  return tl_topic_check(*topic, err);
}

/* Is the written text itself the payload, and does the session keep it until the write has
** ended? */
static bool comes_back (const tl_link *l, const tl_tag *t, const tl_value *v,
                        const tl_outgoing *out) {
  int64_t qos = out->qos < 0 ? l->params.publish_qos : out->qos;
  tl_type type = tl_tag_def(t)->type;
  return (type == TL_TXTO || type == TL_TXTI) && tl_slice_eq(v->text, out->payload) &&
         !l->gateway->offline.published && tl_session_keeps(l->session, (uint8_t)qos);
}

static int write_out (tl_link *l, tl_tag *t, const tl_value *v, tl_write_done *done, void *ctx,
                      tl_err *err) {
  tl_gateway *g = l->gateway;
  tl_station *s = t->station;
  tl_outgoing out = { .topic = { NULL, 0 }, .payload = { NULL, 0 }, .qos = -1, .retain = -1 };
  tl_value device;
  tl_buf text;
  tl_err own = { .text = "" };
  if (!err) err = &own;
  int rc = tl_tag_to_device(t, v, &device, err);
  if (rc < 0) return rc;
  tl_buf_init(&text);
  if (s->user && g->handlers.has_encode && g->handlers.has_encode(s->user)) {
    rc = g->handlers.encode(g->handlers_ctx, t, &device, &out, err);
  } else if (tl_tag_def(t)->kind == TL_ADDRESS_OUT_VALUE) {
    tl_doc_publish((tl_doc_format)s->plan->format, tl_tag_def(t)->type, &tl_tag_def(t)->words,
                   &device, &s->plan->rule, &text);
    if (text.failed) rc = tl_fail(err, TL_ENOMEM, 0, "no memory for the write");
    out.payload = tl_buf_bytes(&text);
  } else {
    rc = tl_fail(err, TL_ETYPE, 0,
                 "'%s' is not written to the device: it has no OUT_VALUE address, and station '%s' "
                 "no encode",
                 tl_tag_def(t)->name, s->name);
  }
  if (rc >= 0) {
    if (!out.topic.at) rc = out_topic(s, &out.topic, err);
    if (rc >= 0) rc = tl_topic_check(out.topic, err);
    if (rc < 0) note_astray(l, t, err->text);
  }
  if (rc >= 0) {
    if (is_astray(&l->health, t)) l->health.astray = 0;
    tl_write *w = new_write(l, t, v, comes_back(l, t, v, &out), done, ctx);
    rc = !w ? tl_fail(err, TL_ENOMEM, 0, "no memory for the write")
            : publish(l, out.topic, out.payload, out.qos, out.retain, w, err);
  }
  tl_buf_fini(&text);
  return rc;
}

bool tl_gateway_has_topic (const tl_tag *t, tl_err *err) {
  const tl_gateway *g = ((const tl_link *)t->station->line->user)->gateway;
  const tl_station *s = t->station;
  tl_slice topic;
  bool encodes = s->user && g->handlers.has_encode && g->handlers.has_encode(s->user);
  if (tl_tag_def(t)->kind != TL_ADDRESS_OUT_VALUE || encodes || s->simulated) return true;
  return out_topic(s, &topic, err) >= 0;
}

int tl_gateway_write (tl_gateway *g, tl_tag *t, const tl_value *v, tl_write_done *done, void *ctx,
                      tl_err *err) {
  const tl_tagdef *def = tl_tag_def(t);
  tl_link *l = t->station->line->user;
  if (g->dry) return tl_fail(err, TL_ESTATE, 0, "explain writes nothing");
  if (!tl_type_is_output(def->type))
    return tl_fail(err, TL_ETYPE, 0, "'%s' is an input (%s): only output tags are written",
                   def->name, tl_type_name(def->type));
  if (t->station->off) return tl_fail(err, TL_ESTATE, 0, "station '%s' is off", t->station->name);
  if (def->kind == TL_ADDRESS_ACK_ID && !t->station->simulated) {
    int rc = tl_link_confirm(l, t, v->integer, err);
    return rc < 0 ? rc : write_local(g, l, t, v, done, ctx, err);
  }
  if (t->station->simulated) return write_local(g, l, t, v, done, ctx, err);
  if (def->kind == TL_ADDRESS_OUT_TOPIC) {
    int rc = tl_topic_check(v->text, err);
    return rc < 0 ? rc : write_local(g, l, t, v, done, ctx, err);
  }
  return write_out(l, t, v, done, ctx, err);
}
