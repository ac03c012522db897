/* core/offline/run.c — a config without a network. See run.h. */
#include "offline/run.h"

#include <stdlib.h>

#include "gateway/message_json.h"
#include "history/fill.h"
#include "config/config.h"
#include "script/script.h"
#include "base/json_write.h"

struct tl_offline_run {
  tl_script *script;
  tl_loop *loop; /* never runs: its clock is ours */
  tl_gateway *gateway;
  int64_t begun, wall; /* ms since 1970 */
  int64_t base;        /* the loop's clock when it began */
  tl_offline_news news;
  tl_observer observer;
  tl_fill *history; /* NULL: nothing is recorded */
};

static int64_t mono (const tl_offline_run *s) { return s->base + (s->wall - s->begun); }

static void on_value (void *ctx, tl_tag *t) {
  tl_tag_stream(t, &((tl_offline_run *)ctx)->news.values);
}

static void on_published (void *ctx, tl_link *l, tl_slice topic, tl_slice payload, uint8_t qos,
                          bool retain) {
  tl_buf *out = &((tl_offline_run *)ctx)->news.published;
  tl_member_open(out, NULL, '{');
  tl_member_word(out, "line", tl_link_line(l)->name);
  tl_member_text(out, "topic", topic);
  tl_member_integer(out, "qos", qos);
  tl_member_flag(out, "retain", retain);
  tl_message_json_end(out, payload);
}

static void on_error (void *ctx, const char *scope, tl_slice text) {
  tl_offline_run *s = ctx;
  if (scope) tl_buf_fmt(&s->news.errors, "%s: ", scope);
  tl_buf_slice(&s->news.errors, text);
  tl_buf_byte(&s->news.errors, '\0');
}

/* Run what tl_loop_later() was called for, such as the results of writes. The number of rounds is
** limited, because a result may lead to another write. */
static void settle (tl_offline_run *s) {
  for (int i = 0; i < 16 && tl_loop_is_asked(s->loop); i++) {
    tl_loop_stop(s->loop);
    tl_loop_run(s->loop);
  }
}

/* os.time() and os.date() of scripts tell the run's time. The upvalue is Lua's own. */
static int run_os (lua_State *L) {
  int place = (int)lua_tointeger(L, lua_upvalueindex(2)); /* of the time among the arguments */
  if (lua_isnoneornil(L, place)) {
    lua_settop(L, place - 1);
    lua_pushinteger(L, (lua_Integer)(tl_clock_wall_ms() / 1000));
    if (place == 1) return 1;
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

static int p_set_clock (lua_State *L) {
  static const char *const names[] = { "time", "date" };
  lua_getglobal(L, "os");
  for (int i = 0; i < 2; i++) {
    lua_getfield(L, -1, names[i]);
    lua_pushinteger(L, i + 1);
    lua_pushcclosure(L, run_os, 2);
    lua_setfield(L, -2, names[i]);
  }
  return 0;
}

static int set_up (tl_offline_run *s, const char *config, bool unsafe,
                   void (*problem)(void *ctx, bool is_error, const char *text), void *ctx,
                   tl_err *err) {
  tl_buf dir;
  tl_buf_init(&dir);
  int rc = tl_script_find_lua(&dir);
  tl_buf_byte(&dir, '\0');
  if (rc != TL_OK || dir.failed) {
    tl_buf_fini(&dir);
    return tl_fail(err, TL_ENOENT, 0,
                   "tagline's Lua modules are missing: expected lua/ beside the program, or "
                   "../share/tagline/lua");
  }
  tl_script_options options = { .lua_dir = (const char *)dir.at, .unsafe = unsafe, .check = true };
  rc = tl_script_new(&s->script, &options, err);
  tl_buf_fini(&dir);
  if (rc < 0) return rc;
  if (tl_script_enter(s->script, p_set_clock, NULL, 0, "offline", NULL) != LUA_OK)
    return tl_fail(err, TL_ENOMEM, 0, "no memory for Lua");
  rc = tl_loop_new(&s->loop);
  if (rc >= 0) s->base = tl_loop_now(s->loop);
  if (rc >= 0) rc = tl_gateway_new(&s->gateway, s->loop, &tl_script_handlers, s->script);
  if (rc < 0) return tl_fail(err, rc, 0, "no memory");
  tl_script_attach(s->script, s->gateway, s->loop);
  tl_errors_listen(s->script, on_error, s);
  tl_script_run_offline(s->script);
  if (tl_config_load(s->script, config, problem, ctx) > 0)
    return tl_fail(err, TL_ESYNTAX, 0, "%s has errors", config);
  return tl_config_apply(s->script, NULL, NULL, err);
}

int tl_offline_run_new (tl_offline_run **out, const char *config, bool unsafe, int64_t wall,
                        void (*problem)(void *ctx, bool is_error, const char *text), void *ctx,
                        tl_err *err) {
  tl_offline_run *s = calloc(1, sizeof *s);
  if (!s) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  s->begun = s->wall = wall;
  tl_clock_fix(wall);
  int rc = set_up(s, config, unsafe, problem, ctx, err);
  if (rc < 0) {
    tl_offline_run_free(s);
    return rc;
  }
  s->observer = (tl_observer){ .value = on_value, .ctx = s };
  tl_gateway_observe(s->gateway, &s->observer);
  tl_offline_begin(s->gateway, on_published, s, mono(s), wall);
  settle(s);
  *out = s;
  return TL_OK;
}

void tl_offline_run_free (tl_offline_run *s) {
  if (!s) return;
  if (s->loop) settle(s);
  tl_fill_free(s->history);
  tl_gateway_free(s->gateway);
  tl_script_free(s->script);
  tl_loop_free(s->loop);
  tl_buf_fini(&s->news.values);
  tl_buf_fini(&s->news.published);
  tl_buf_fini(&s->news.errors);
  free(s);
}

int tl_offline_run_record (tl_offline_run *s, const char *path, tl_err *err) {
  if (s->history) return tl_fail(err, TL_ESTATE, 0, "there is a history already");
  return tl_fill_new(&s->history, s->gateway, s->loop, path, err);
}

int tl_offline_run_recorded (tl_offline_run *s, tl_err *err) {
  return s->history ? tl_fill_drain(s->history, err) : TL_OK;
}

static void set_clock (tl_offline_run *s, int64_t wall) {
  if (wall > s->wall) s->wall = wall;
  tl_clock_fix(s->wall); /* another run may have turned it */
  tl_loop_set_now(s->loop, mono(s));
}

void tl_offline_run_advance (tl_offline_run *s, int64_t wall) {
  set_clock(s, s->wall);
  for (;;) {
    int64_t status = tl_offline_tick(s->gateway, mono(s), s->wall);
    int64_t timer = tl_timers_due(s->script);
    int64_t due = timer < status ? timer : status;
    if (due == INT64_MAX || due - s->base > wall - s->begun) break;
    set_clock(s, s->begun + (due - s->base));
    if (timer <= mono(s)) tl_timers_fire(s->script);
    settle(s);
  }
  set_clock(s, wall);
  tl_offline_tick(s->gateway, mono(s), s->wall);
}

int tl_offline_run_feed (tl_offline_run *s, tl_slice line, const tl_incoming *m,
                         tl_offline_fed *fed, tl_err *err) {
  tl_incoming in = *m;
  tl_offline_run_advance(s, m->wall);
  in.now = mono(s);
  int rc = tl_offline_feed(s->gateway, line, &in, fed, err);
  settle(s);
  return rc;
}

int64_t tl_offline_run_wall (const tl_offline_run *s) { return s->wall; }
tl_offline_news *tl_offline_run_news (tl_offline_run *s) { return &s->news; }

void tl_offline_run_clear_news (tl_offline_run *s) {
  tl_buf_clear(&s->news.values);
  tl_buf_clear(&s->news.published);
  tl_buf_clear(&s->news.errors);
}

tl_script *tl_offline_run_script (tl_offline_run *s) { return s->script; }
tl_gateway *tl_offline_run_gateway (tl_offline_run *s) { return s->gateway; }
