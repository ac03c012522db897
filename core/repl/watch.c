/* core/repl/watch.c — watch(): shows new values and raw messages to one attached person as
** they come. The rate is limited here, so that a flood costs the gateway little. Lines that
** were left out are counted, and their number is shown. */
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "model/walk.h"
#include "repl/watch_impl.h"
#include "base/topic.h"

enum {
  SAY_MS = 1000, /* ms between two reports of how many lines were left out */
  /* ms between two pieces of output: each piece costs a turn of the loop and wakes the reader */
  REST_MS = 50,
  KEPT = 64 * 1024 /* bytes of output that are sent without waiting longer */
};

static bool wants (const tl_watch *w, const char *name) {
  const char *at = (const char *)w->patterns.at, *end = at + w->patterns.len;
  for (; at < end; at += strlen(at) + 1)
    if (tl_glob_match(at, name)) return true;
  return false;
}

/* --- its life --- */

static void on_flush (void *ctx);
static void on_timer (void *ctx);

static void watch_tag (void *ctx, tl_tag *t);
static void watch_message (void *ctx, tl_link *l, const tl_incoming *m, const tl_station *s,
                           tl_fate fate);

static void refresh (tl_script *s) {
  bool tags = false, messages = false;
  for (const tl_watch *w = s->repl->watches; w; w = w->next) {
    tags = tags || !w->messages;
    messages = messages || w->messages;
  }
  tl_gateway_unobserve(s->gateway, &s->repl->watching);
  s->repl->watching = (tl_observer){ .value = tags ? watch_tag : NULL,
                                     .message = messages ? watch_message : NULL,
                                     .ctx = s };
  if (tags || messages) tl_gateway_observe(s->gateway, &s->repl->watching);
}

static void dispose (tl_watch *w) {
  tl_loop_forget(w->s->loop, on_flush, w);
  tl_timer_close(w->timer);
  tl_buf_fini(&w->patterns);
  tl_buf_fini(&w->out);
  free(w);
}

/* The end of a watch that has begun. */
static void free_watch (void *ctx) {
  tl_watch *w = ctx;
  tl_script *s = w->s;
  tl_watch **at = &s->repl->watches;
  while (*at != w) at = &(*at)->next;
  *at = w->next;
  refresh(s);
  dispose(w);
}

static void arm (tl_watch *w) {
  int64_t due = w->until < w->show_at ? w->until : w->show_at;
  if (w->dropped > 0 && w->say_at < due) due = w->say_at;
  tl_timer_at(w->timer, due);
}

/* Ask for output at the end of the wake-up: while a message is handled, nothing is sent and no
** reader is woken. If something was sent a moment ago, it waits a little longer. */
static void ask (tl_watch *w) {
  if (w->asked) return;
  if (!w->ended && w->out.len < KEPT && tl_loop_now(w->s->loop) - w->shown_at < REST_MS) {
    if (w->show_at != INT64_MAX) return;
    w->show_at = w->shown_at + REST_MS;
    arm(w);
    return;
  }
  w->asked = true;
  /* without memory; the next line asks again */
  if (tl_loop_later(w->s->loop, on_flush, w) != TL_OK) w->asked = false;
}

static void add_dropped (tl_watch *w) {
  if (w->dropped == 0) return;
  if (!w->json) {
    tl_buf_fmt(&w->out, "[%llu left out: more than rate = %lld a second]\n",
               (unsigned long long)w->dropped, (long long)w->rate);
  } else {
    tl_member_open(&w->out, NULL, '{');
    tl_member_integer(&w->out, "left_out", (int64_t)w->dropped);
    tl_buf_str(&w->out, "}\n");
  }
  w->dropped = 0;
}

static void on_flush (void *ctx) {
  tl_watch *w = ctx;
  w->asked = false;
  if (w->ended) add_dropped(w);
  if (w->out.failed) tl_buf_clear(&w->out);
  if (w->out.len > 0) w->shown_at = tl_loop_now(w->s->loop);
  if (w->out.len > 0) tl_eval_show(w->e, tl_buf_bytes(&w->out));
  tl_buf_clear(&w->out);
  tl_buf_shrink(&w->out, KEPT);
  if (!w->ended) return;
  tl_eval *e = w->e;
  free_watch(w);
  tl_eval_wake(e, NULL, NULL);
}

static void end (void *ctx) {
  tl_watch *w = ctx;
  w->ended = true;
  ask(w);
}

static void on_timer (void *ctx) {
  tl_watch *w = ctx;
  int64_t now = tl_loop_now(w->s->loop);
  if (now >= w->until) {
    w->until = INT64_MAX;
    end(w);
    return;
  }
  if (now >= w->say_at) add_dropped(w);
  if (now >= w->show_at) w->show_at = INT64_MAX;
  ask(w);
  arm(w);
}

/* --- lines --- */

/* May one more line be shown? Counts those that may not. */
static bool admit (tl_watch *w) {
  int64_t now = tl_loop_now(w->s->loop);
  if (w->ended) return false;
  if (now > w->token_at) {
    w->tokens += (double)(now - w->token_at) * (double)w->rate / 1000.0;
    if (w->tokens > (double)w->rate) w->tokens = (double)w->rate;
    w->token_at = now;
  }
  if (w->tokens >= 1) {
    w->tokens -= 1;
    if (w->left > 0 && --w->left == 0) w->ended = true;
    ask(w);
    return true;
  }
  if (w->dropped++ == 0) {
    w->say_at = now + SAY_MS;
    arm(w);
  }
  return false;
}

static bool push_name (char *to, size_t room, const tl_tag *t) {
  const char *parts[3] = { t->station->line->name, t->station->name, tl_tag_def(t)->name };
  size_t at = 0;
  for (int i = 0; i < 3; i++) {
    size_t n = strlen(parts[i]);
    if (room - at < n + 2) return false;
    if (i > 0) to[at++] = '.';
    memcpy(to + at, parts[i], n);
    at += n;
  }
  to[at] = '\0';
  return true;
}

static void watch_tag (void *ctx, tl_tag *t) {
  tl_script *s = ctx;
  char name[1024];
  if (!push_name(name, sizeof name, t)) return;
  for (tl_watch *w = s->repl->watches; w; w = w->next)
    if (!w->messages && wants(w, name) && admit(w)) tl_watch_add_tag(w, t, name);
}

static void watch_message (void *ctx, tl_link *l, const tl_incoming *m, const tl_station *s,
                           tl_fate fate) {
  const tl_script *script = ctx;
  for (tl_watch *w = script->repl->watches; w; w = w->next)
    if (w->messages &&
        tl_filter_match(tl_slice_of(w->patterns.at, w->patterns.len - 1), m->topic) && admit(w))
      tl_watch_add_message(w, l, m, s, fate);
}

/* --- live.watch{ patterns… | topic =, rate =, count =, seconds =, json = }: checked by
** lua/tagline/repl/watch.lua --- */

/* has_tag(pattern): would watch(pattern) show any present tag? */
int tl_live_has_tag (lua_State *L) {
  const char *pattern = luaL_checkstring(L, 1);
  const tl_model *m = tl_gateway_model(tl_script_of(L)->gateway);
  char name[1024];
  bool found = false;
  tl_tag_walk walk = { .line = 0 };
  for (const tl_tag *t; !found && (t = tl_tag_walk_next(&walk, m, NULL)) != NULL;)
    found = push_name(name, sizeof name, t) && tl_glob_match(pattern, name);
  lua_pushboolean(L, found);
  return 1;
}

/* note(text): a remark for the person who asked, beside the output */
int tl_live_note (lua_State *L) {
  tl_eval *e = tl_eval_of(L);
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  if (e) e->events.note(e->ctx, tl_slice_of(text, len));
  return 0;
}

/* An error came before the watch had begun. */
static int watch_gc (lua_State *L) {
  tl_watch **w = lua_touserdata(L, 1);
  if (*w) dispose(*w);
  *w = NULL;
  return 0;
}

static lua_Integer option (lua_State *L, const char *name, lua_Integer otherwise) {
  lua_getfield(L, 1, name);
  lua_Integer n = luaL_optinteger(L, -1, otherwise);
  lua_pop(L, 1);
  return n;
}

static void read_patterns (lua_State *L, tl_watch *w) {
  size_t len;
  w->messages = lua_getfield(L, 1, "topic") == LUA_TSTRING;
  if (w->messages) {
    const char *filter = lua_tolstring(L, -1, &len);
    tl_buf_add(&w->patterns, filter, len + 1);
  }
  lua_pop(L, 1);
  for (lua_Integer i = 1, n = w->messages ? 0 : luaL_len(L, 1); i <= n; i++) {
    lua_rawgeti(L, 1, i);
    const char *pattern = luaL_checklstring(L, -1, &len);
    tl_buf_add(&w->patterns, pattern, len + 1);
    lua_pop(L, 1);
  }
  if (w->patterns.failed) luaL_error(L, "not enough memory");
}

int tl_live_watch (lua_State *L) {
  tl_script *s = tl_script_of(L);
  tl_eval *e = tl_eval_of(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  if (!e) return luaL_error(L, "watch is for the prompt: in a handler there is on_value");
  lua_settop(L, 1);
  tl_watch **owner = lua_newuserdatauv(L, sizeof *owner, 0), *w;
  *owner = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, watch_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  *owner = w = calloc(1, sizeof *w);
  if (!w) return luaL_error(L, "not enough memory");
  tl_buf_init(&w->patterns);
  tl_buf_init(&w->out);
  w->s = s;
  w->e = e;
  w->token_at = tl_loop_now(s->loop);
  w->say_at = w->until = w->show_at = INT64_MAX;
  w->shown_at = w->token_at - REST_MS;
  if (tl_timer_new(&w->timer, s->loop, on_timer, w) < 0) return luaL_error(L, "not enough memory");
  read_patterns(L, w);
  w->rate = option(L, "rate", 100);
  w->left = option(L, "count", -1);
  w->tokens = (double)w->rate;
  lua_getfield(L, 1, "json");
  w->json = lua_isnil(L, -1) ? tl_eval_json(e) : lua_toboolean(L, -1);
  lua_getfield(L, 1, "seconds");
  if (!lua_isnil(L, -1)) w->until = w->token_at + (int64_t)(luaL_checknumber(L, -1) * 1000);
  *owner = NULL; /* nothing raises from here on, and the evaluation stops the watch */
  w->next = s->repl->watches;
  s->repl->watches = w;
  refresh(s);
  arm(w);
  lua_settop(L, 0);
  tl_eval_on_entered(e, end);
  return tl_eval_wait(L, e, free_watch, w);
}
