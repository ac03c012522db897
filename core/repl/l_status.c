/* core/repl/l_status.c — the facts behind status(), as tables; lua/tagline/repl/status.lua and
** status_checks.lua turn them into words. */
#include <unistd.h>

#include "config/l_reload.h"
#include "gateway/health.h"
#include "explain/examine.h"
#include "outlet/config.h"
#include "repl/l_status_impl.h"
#include "script/failures.h"
#include "script/message_words.h"

enum {
  ECHO_MANY = 20,      /* so many echoes (own messages that cause others) are reported */
  ECHO_REST_MS = 3000, /* a pause of so many ms ends an echo */
  ECHO_RATE = 5        /* echoes a second from which on they are reported */
};

static void push_too_long (lua_State *L, const tl_link_stats *st, const tl_health *h, int64_t now) {
  lua_createtable(L, 0, 4);
  tl_set_integer(L, "count", (lua_Integer)st->too_long);
  tl_set_text(L, "topic", h->too_long_topic);
  tl_set_integer(L, "bytes", (lua_Integer)h->too_long_size);
  tl_set_seconds(L, "ago", now - h->too_long_at);
  lua_setfield(L, -2, "too_long");
}

static void push_filters (lua_State *L, const tl_health *h) {
  tl_new_list(L);
  for (uint32_t i = 0; i < h->filter_count && i < TL_FILTER_NOTES; i++) {
    lua_createtable(L, 0, 3);
    tl_set_text(L, "filter", h->filters[i].filter);
    tl_set_integer(L, "wanted", h->filters[i].wanted);
    tl_set_integer(L, "granted", h->filters[i].granted);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "filters");
  tl_set_integer(L, "filter_count", h->filter_count);
}

static void push_unrouted (lua_State *L, const tl_unrouted *u) {
  uint32_t order[TL_UNROUTED_MANY];
  tl_unrouted_order(u, order);
  tl_new_list(L);
  for (uint32_t i = 0; i < u->n; i++) {
    const tl_unrouted_topic *t = &u->at[order[i]];
    lua_createtable(L, 0, 4);
    lua_pushlstring(L, t->topic, t->len);
    lua_setfield(L, -2, "topic");
    tl_set_flag(L, "cut", t->cut);
    tl_set_integer(L, "count", (lua_Integer)t->count);
    tl_set_integer(L, "over", (lua_Integer)t->over);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "unrouted_topics");
}

static void push_awaiting (lua_State *L, const tl_link_health *h, int64_t now) {
  if (!h->awaiting) return;
  lua_createtable(L, 0, 4);
  tl_set_text(L, "station", h->awaiting->name);
  tl_set_integer(L, "id", h->awaiting_id);
  tl_set_integer(L, "waiting", h->waiting);
  tl_set_seconds(L, "seconds", now - h->kept->awaiting_since);
  lua_setfield(L, -2, "awaiting");
}

static void push_astray (lua_State *L, const tl_health *h, int64_t now) {
  if (h->astray == 0) return;
  lua_createtable(L, 0, 4);
  tl_set_text(L, "tag", h->astray_tag);
  tl_set_text(L, "why", h->astray_why);
  tl_set_integer(L, "count", (lua_Integer)h->astray);
  tl_set_seconds(L, "ago", now - h->astray_at);
  lua_setfield(L, -2, "astray");
}

static void push_closed (lua_State *L, const tl_health *h) {
  static const char *const names[] = { "CONNACK", "SUBSCRIBE", "PUBLISH", "PUBLISH" };
  bool unacked = h->closed_on == TL_CLOSED_ON_QOS0;
  tl_set_text(L, "closed_on", names[h->closed_on]);
  if (!unacked && h->closed_on != TL_CLOSED_ON_PUBLISH) return;
  tl_set_flag(L, "closed_unacked", unacked);
  tl_set_text(L, "closed_topic", h->closed_topic);
  tl_set_integer(L, "closed_bytes", (lua_Integer)h->closed_bytes);
}

/* Only while it goes on: an echo within the process never pauses. */
static void push_echo (lua_State *L, const tl_echo *e, int64_t now) {
  int64_t span = e->last - e->since;
  if (e->count < ECHO_MANY || now - e->last > ECHO_REST_MS) return;
  double rate = (double)e->count * 1000.0 / (double)(span > 1000 ? span : 1000);
  if (rate < ECHO_RATE) return;
  lua_createtable(L, 0, 2);
  tl_set_text(L, "topic", e->topic);
  tl_set_number(L, "per_second", rate);
  lua_setfield(L, -2, "echo");
}

static void push_findings (lua_State *L, tl_link *l) {
  tl_buf *out = tl_push_buffer(L);
  if (tl_examine(l, tl_clock_wall_ms(), out) < 0) luaL_error(L, "not enough memory");
  tl_push_document(L, tl_buf_bytes(out));
  lua_setfield(L, -3, "findings");
  lua_pop(L, 1);
}

/* Times in seconds: how long ago something was, for how long something lasts, when something
** is due. */
static void push_times (lua_State *L, const tl_line *line, const tl_link_stats *st,
                        const tl_link_health *h, int64_t now) {
  if (h->kept->failure[0] != '\0') {
    tl_set_text(L, "last_failure", h->kept->failure);
    tl_set_seconds(L, "failed_ago", now - h->kept->failed_at);
    tl_set_flag(L, "failed_open", h->kept->failed_open);
  }
  if (h->kept->lost_at >= 0) tl_set_seconds(L, "lost_ago", now - h->kept->lost_at);
  if (h->kept->session_lost_at >= 0)
    tl_set_seconds(L, "session_lost_ago", now - h->kept->session_lost_at);
  if (st->connected_since >= 0) tl_set_seconds(L, "connected_for", now - st->connected_since);
  if (line->subscribed && h->kept->subscribed_at >= 0)
    tl_set_seconds(L, "subscribed_for", now - h->kept->subscribed_at);
  if (st->session.oldest_inflight >= 0)
    tl_set_seconds(L, "oldest_inflight", now - st->session.oldest_inflight);
  if (st->session.oldest_queued >= 0)
    tl_set_seconds(L, "oldest_queued", now - st->session.oldest_queued);
  if (h->retry_at >= 0) tl_set_seconds(L, "retry_in", h->retry_at > now ? h->retry_at - now : 0);
  if (st->session.ping_at >= 0) tl_set_seconds(L, "ping_unanswered", now - st->session.ping_at);
}

/* The facts of a line, without judgement: lua/tagline/repl/status_*.lua decide what is a problem
** or a remark. Facts of its stations and tags: l_status_stations.c. */
static void push_line (lua_State *L, const tl_line *line) {
  tl_link *l = tl_line_link(line);
  const tl_line_params *p = tl_link_params(l);
  tl_link_stats st;
  tl_link_health h;
  int64_t now = tl_clock_mono_ms();
  tl_link_get_stats(l, &st);
  tl_link_get_health(l, &h);
  lua_createtable(L, 0, 48);
  tl_set_text(L, "name", line->name);
  tl_set_text(L, "state", st.state);
  tl_set_text(L, "peer", st.peer);
  tl_set_text(L, "address", st.address);
  tl_set_text(L, "transport", st.transport);
  tl_set_text(L, "warning", st.warning);
  tl_set_text(L, "host", p->host.n > 0 ? (const char *)p->host.at[0].at : "");
  tl_set_integer(L, "port", p->port);
  tl_set_text(L, "client_id", p->client_id.at ? (const char *)p->client_id.at : "");
  tl_set_flag(L, "clean_session", p->clean_session);
  tl_set_text(L, "user_name", p->user_name.at ? (const char *)p->user_name.at : "");
  tl_set_flag(L, "own_ca", p->tls_ca_file.at);
  tl_set_text(L, "last_error", st.last_error);
  tl_set_integer(L, "connects", (lua_Integer)st.connects);
  tl_set_integer(L, "failures", (lua_Integer)st.failures);
  tl_set_integer(L, "messages", (lua_Integer)st.messages);
  tl_set_flag(L, "subscribes", tl_link_filters(l)->n > 0);
  tl_set_integer(L, "unrouted", (lua_Integer)(st.unrouted - h.kept->own_unrouted));
  tl_set_integer(L, "instances_refused", (lua_Integer)st.instances_refused);
  tl_set_integer(L, "inflight", st.session.inflight);
  tl_set_integer(L, "queued", st.session.queued);
  tl_set_integer(L, "max_queued", p->max_queued);
  tl_set_integer(L, "queued_bytes", (lua_Integer)st.session.unconfirmed_bytes);
  tl_set_integer(L, "max_queued_bytes", p->max_queued_bytes);
  tl_set_integer(L, "held_bytes", (lua_Integer)st.waiting_bytes);
  push_too_long(L, &st, h.kept, now);
  tl_set_integer(L, "text_refused", (lua_Integer)line->text_refused);
  tl_set_number(L, "received_per_s", h.received_per_s);
  tl_set_number(L, "sent_per_s", h.sent_per_s);
  tl_set_seconds(L, "reply_timeout", p->reply_timeout);
  tl_set_integer(L, "quick_closes", h.quick_closes);
  tl_set_integer(L, "sessions_lost", (lua_Integer)h.kept->sessions_lost);
  push_closed(L, h.kept);
  push_astray(L, h.kept, now);
  push_echo(L, &h.kept->echo, now);
  tl_set_integer(L, "max_packet_size", p->max_packet_size);
  tl_set_flag(L, "queue_full", h.queue_full);
  tl_set_flag(L, "congested", h.congested);
  tl_set_flag(L, "held", h.held);
  tl_set_text(L, "values_full", h.full ? h.full : "");
  tl_set_flag(L, "filters_wait", h.filters_wait);
  push_times(L, line, &st, &h, now);
  push_filters(L, h.kept);
  push_unrouted(L, &h.kept->unrouted);
  push_awaiting(L, &h, now);
  push_findings(L, l);
}

static void push_failures (lua_State *L, const tl_script *s) {
  int64_t wall = tl_clock_wall_ms();
  lua_Integer n = 0;
  tl_new_list(L);
  for (const tl_failure *f = s->errors.failing; f; f = f->next) {
    lua_createtable(L, 0, 8);
    tl_set_text(L, "scope", f->scope);
    tl_set_text(L, "what", f->what);
    tl_set_text(L, "text", f->text);
    tl_set_flag(L, "works", f->works);
    tl_set_integer(L, "count", (lua_Integer)f->count);
    tl_set_seconds(L, "since", f->since);
    tl_set_seconds(L, "since_ago", wall - f->since);
    tl_set_seconds(L, "last_ago", wall - f->last);
    lua_rawseti(L, -2, ++n);
  }
  static const char *const kinds[TL_FAILINGS] = { "calls", "writes", "names" };
  for (int i = 0; i < TL_FAILINGS; i++) {
    const tl_unlisted *u = &s->errors.unlisted[i];
    if (u->last == 0) continue;
    lua_createtable(L, 0, 3);
    tl_set_text(L, "unlisted", kinds[i]);
    tl_set_integer(L, "count", (lua_Integer)u->count);
    tl_set_seconds(L, "last_ago", wall - u->last);
    lua_rawseti(L, -2, ++n);
  }
}

/* --- outlets --- */

typedef struct {
  lua_State *L;
  int64_t now;
} outlet_list;

static void push_outlet (void *ctx, const tl_outlet_facts *f) {
  const outlet_list *list = ctx;
  lua_State *L = list->L;
  lua_createtable(L, 0, 12);
  tl_set_text(L, "name", f->name);
  tl_set_text(L, "kind", f->kind);
  tl_set_flag(L, "up", f->up);
  tl_set_seconds(L, "since", list->now - f->since);
  tl_set_text(L, "why", f->why);
  tl_set_integer(L, "behind", (lua_Integer)f->behind);
  tl_set_seconds(L, "lag", f->lag_ms);
  tl_set_seconds(L, "held", f->held_ms);
  tl_set_integer(L, "stored", (lua_Integer)f->stored);
  tl_set_integer(L, "too_old", (lua_Integer)f->too_old);
  tl_set_integer(L, "rejected", (lua_Integer)f->rejected);
  tl_set_text(L, "last_rejected", f->last_rejected);
  tl_set_integer(L, "dropped", (lua_Integer)f->dropped);
  lua_rawseti(L, -2, luaL_len(L, -2) + 1);
}

/* Set `outlets`, and `spool` if there is one, in the table on top. */
static void set_outlets (lua_State *L, const tl_script *s) {
  const tl_outlet_hooks *hooks = s->config.outlets;
  tl_spool_facts spool;
  if (!hooks || !hooks->spool || !hooks->spool(hooks->ctx, &spool)) return;
  outlet_list list = { L, tl_loop_now(s->loop) };
  tl_new_list(L);
  hooks->each(hooks->ctx, push_outlet, &list);
  lua_setfield(L, -2, "outlets");
  lua_createtable(L, 0, 4);
  tl_set_integer(L, "bytes", (lua_Integer)spool.bytes);
  tl_set_integer(L, "max", (lua_Integer)spool.max_bytes);
  tl_set_integer(L, "values", (lua_Integer)spool.values);
  tl_set_text(L, "why", spool.why);
  tl_set_text(L, "unsynced", spool.unsynced);
  tl_set_number(L, "rate", spool.rate);
  if (spool.lasts > 0) tl_set_number(L, "lasts", spool.lasts);
  lua_setfield(L, -2, "spool");
  tl_history_facts history;
  if (!hooks->stored(hooks->ctx, &history)) return;
  lua_createtable(L, 0, 2);
  tl_set_integer(L, "bytes", (lua_Integer)history.bytes);
  tl_set_integer(L, "log_held", (lua_Integer)history.log_held);
  lua_setfield(L, -2, "history");
}

int tl_live_status (lua_State *L) {
  tl_script *s = tl_script_of(L);
  const tl_model *m = tl_gateway_model(s->gateway);
  lua_createtable(L, 0, 8);
  tl_set_text(L, "version", TAGLINE_VERSION);
  tl_set_integer(L, "pid", getpid());
  tl_set_integer(L, "memory", (lua_Integer)s->box.memory.used);
  double uptime = (double)(tl_clock_mono_ns() - s->box.start_ns) / 1e9;
  tl_set_number(L, "uptime", uptime);
  tl_push_loaded(L);
  lua_setfield(L, -2, "config");
  push_failures(L, s);
  lua_setfield(L, -2, "failures");
  set_outlets(L, s);
  tl_new_list(L); /* filled in Lua: what is wrong, and what else is worth knowing */
  lua_setfield(L, -2, "problems");
  tl_new_list(L);
  lua_setfield(L, -2, "remarks");
  tl_new_list(L);
  for (uint32_t i = 0; i < m->line_count; i++) {
    push_line(L, m->lines[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "lines");
  return 1;
}
