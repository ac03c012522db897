/* core/offline/l_run.c — the module tagline.offline. See l_run.h. The states of runs and of the
** tool are different: only C values go between them. */
#include "offline/l_run.h"

#include <math.h>
#include <string.h>

#include "script/message_words.h"
#include "model/walk.h"
#include "offline/replay.h"
#include "offline/run.h"

#define RUN "tagline.offline"

typedef struct {
  tl_offline_run *run; /* NULL: closed */
  tl_replay *replay;   /* NULL: not asked for yet */
} lrun;

static tl_offline_run *check (lua_State *L) {
  lrun *s = luaL_checkudata(L, 1, RUN);
  if (!s->run) luaL_error(L, "attempt to use a closed config");
  return s->run;
}

static int run_close (lua_State *L) {
  lrun *s = luaL_checkudata(L, 1, RUN);
  tl_offline_run *run = s->run;
  s->run = NULL;
  tl_replay_free(s->replay);
  s->replay = NULL;
  tl_offline_run_free(run);
  return 0;
}

static int push_result (lua_State *L, int rc, const tl_err *err) {
  if (rc < 0) {
    lua_pushnil(L);
    lua_pushstring(L, err->text);
    return 2;
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* run:record(path): values go into a history. true, or nil and why */
static int run_record (lua_State *L) {
  tl_err err = { .text = "" };
  return push_result(L, tl_offline_run_record(check(L), luaL_checkstring(L, 2), &err), &err);
}

/* run:recorded(): all that came is in it. true, or nil and why */
static int run_recorded (lua_State *L) {
  tl_err err = { .text = "" };
  return push_result(L, tl_offline_run_recorded(check(L), &err), &err);
}

static int64_t check_time (lua_State *L, int index) {
  lua_Number t = luaL_checknumber(L, index);
  if (!(fabs(t) < 9e12)) luaL_argerror(L, index, "expected seconds since 1970");
  return (int64_t)llround(t * 1000.0);
}

static tl_slice check_slice (lua_State *L, int index) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  return tl_slice_of(text, len);
}

static void on_problem (void *ctx, bool is_error, const char *text) {
  (void)is_error;
  tl_buf_add(ctx, text, strlen(text) + 1);
}

/* Texts with a NUL behind each, as a list. */
static void push_texts (lua_State *L, const tl_buf *texts) {
  lua_newtable(L);
  for (size_t at = 0, i = 1; at < texts->len; i++) {
    const uint8_t *end = memchr(texts->at + at, '\0', texts->len - at);
    size_t n = end ? (size_t)(end - texts->at) - at : texts->len - at;
    lua_pushlstring(L, (const char *)texts->at + at, n);
    lua_rawseti(L, -2, (lua_Integer)i);
    at += n + 1;
  }
}

static int run_new (lua_State *L) {
  tl_err err = { .text = "" };
  const char *path = luaL_checkstring(L, 1);
  int64_t wall = check_time(L, 2);
  bool unsafe = lua_toboolean(L, 3) != 0;
  tl_buf *problems = tl_push_buffer(L);
  lrun *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (lrun){ .run = NULL };
  luaL_setmetatable(L, RUN);
  int rc = tl_offline_run_new(&s->run, path, unsafe, wall, on_problem, problems, &err);
  if (rc < 0) lua_pushnil(L);
  push_texts(L, problems);
  lua_pushstring(L, rc < 0 ? err.text : "");
  return 3;
}

static int run_feed (lua_State *L) {
  tl_offline_run *s = check(L);
  tl_err err = { .text = "" };
  tl_offline_fed fed;
  tl_explain_message e = { .topic = check_slice(L, 2),
                           .payload = check_slice(L, 3),
                           .wall = tl_offline_run_wall(s) };
  if (!lua_isnoneornil(L, 4)) {
    tl_check_message_options(L, 4);
    tl_read_message_options(L, 4, &e);
  }
  tl_incoming m = { .topic = e.topic,
                    .payload = e.payload,
                    .id = e.id,
                    .qos = e.qos,
                    .retain = e.retain,
                    .dup = e.dup,
                    .wall = e.wall };
  if (tl_offline_run_feed(s, e.line, &m, &fed, &err) < 0) return luaL_error(L, "%s", err.text);
  lua_pushinteger(L, fed.taken);
  lua_pushinteger(L, fed.unrouted);
  lua_pushinteger(L, fed.filtered);
  return 3;
}

/* run:replay(text, at, most): feeds the whole lines of `text` from byte `at` on, at most `most`.
** Gives why it stopped ("all", "odd", "error", "full"), the byte behind the last one, how many
** messages there were, the topic of the last one, and how many no filter and no station took and
** how many had no valid topic. */
static int run_replay (lua_State *L) {
  static const char *const words[] = { "all", "odd", "error", "full" };
  tl_offline_run *run = check(L);
  lrun *s = lua_touserdata(L, 1);
  tl_slice text = check_slice(L, 2);
  lua_Integer at = luaL_checkinteger(L, 3), most = luaL_checkinteger(L, 4);
  tl_replayed r;
  if (at < 1 || (size_t)at > text.len + 1) luaL_argerror(L, 3, "expected a byte of the text");
  if (!s->replay && tl_replay_new(&s->replay, run) < 0) return luaL_error(L, "not enough memory");
  text = tl_slice_of(text.at + at - 1, text.len - (size_t)at + 1);
  lua_pushstring(L, words[tl_replay_feed(s->replay, text, most > 0 ? (uint64_t)most : 0, &r)]);
  lua_pushinteger(L, at + (lua_Integer)r.used);
  lua_pushinteger(L, (lua_Integer)r.fed);
  lua_pushlstring(L, r.topic.len > 0 ? (const char *)r.topic.at : "", r.topic.len);
  lua_pushinteger(L, (lua_Integer)r.filtered);
  lua_pushinteger(L, (lua_Integer)r.unrouted);
  lua_pushinteger(L, (lua_Integer)r.wrong);
  return 7;
}

static int run_advance (lua_State *L) {
  tl_offline_run *s = check(L);
  tl_offline_run_advance(s, check_time(L, 2));
  return 0;
}

static int run_time (lua_State *L) {
  lua_pushnumber(L, (lua_Number)tl_offline_run_wall(check(L)) / 1000.0);
  return 1;
}

static int run_news (lua_State *L) {
  tl_offline_run *s = check(L);
  const tl_offline_news *news = tl_offline_run_news(s);
  if (news->values.failed || news->published.failed || news->errors.failed)
    return luaL_error(L, "not enough memory");
  lua_pushlstring(L, news->values.len > 0 ? (const char *)news->values.at : "", news->values.len);
  lua_pushlstring(L, news->published.len > 0 ? (const char *)news->published.at : "",
                  news->published.len);
  push_texts(L, &news->errors);
  tl_offline_run_clear_news(s);
  return 3;
}

static tl_tag *find_tag (lua_State *L, tl_offline_run *s, int index) {
  return tl_model_tag(tl_gateway_model(tl_offline_run_gateway(s)), check_slice(L, index));
}

static void set_text (lua_State *L, const char *key, const char *text) {
  if (!text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static int run_tag (lua_State *L) {
  const tl_tag *t = find_tag(L, check(L), 2);
  if (!t) return 0;
  const tl_tagdef *d = tl_tag_def(t);
  lua_createtable(L, 0, 8);
  set_text(L, "name", d->name);
  set_text(L, "type", tl_type_name(d->type));
  set_text(L, "unit", d->unit);
  set_text(L, "address", d->address[0] != '\0' ? d->address : NULL);
  set_text(L, "status", tl_status_name((tl_status)t->status));
  set_text(L, "reason", t->reason != TL_REASON_NONE ? tl_reason_name((tl_reason)t->reason) : NULL);
  if (t->status == TL_VALID) {
    tl_push_value(L, d->type, &t->value);
    lua_setfield(L, -2, "value");
  }
  if (t->status != TL_UNSET) {
    lua_pushnumber(L, (lua_Number)t->time_ms / 1000.0);
    lua_setfield(L, -2, "time");
  }
  return 1;
}

static int run_tags (lua_State *L) {
  const tl_model *m = tl_gateway_model(tl_offline_run_gateway(check(L)));
  lua_Integer n = 0;
  lua_newtable(L);
  tl_tag_walk walk = { .line = 0 };
  for (const tl_tag *t; (t = tl_tag_walk_next(&walk, m, NULL)) != NULL;) {
    lua_pushfstring(L, "%s.%s.%s", t->station->line->name, t->station->name, tl_tag_def(t)->name);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

static int run_station (lua_State *L) {
  const tl_station *s =
      tl_model_station(tl_gateway_model(tl_offline_run_gateway(check(L))), check_slice(L, 2));
  if (!s) return 0;
  lua_pushstring(L, tl_station_status_name((tl_station_status)s->status));
  return 1;
}

static int run_write (lua_State *L) {
  tl_offline_run *s = check(L);
  tl_err err = { .text = "" };
  tl_value v;
  const char *expected;
  tl_tag *t = find_tag(L, s, 2);
  if (!t) return luaL_error(L, "there is no tag '%s'", lua_tostring(L, 2));
  tl_offline_run_advance(s, tl_offline_run_wall(s)); /* its clock */
  if (!tl_read_value(L, 3, tl_tag_def(t)->type, &v, &expected))
    return luaL_error(L, "%s: expected %s, got %s", lua_tostring(L, 2), expected,
                      tl_push_got(L, 3));
  size_t heard = tl_offline_run_news(s)->errors.len;
  if (tl_gateway_write(tl_offline_run_gateway(s), t, &v, NULL, NULL, &err) == TL_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  tl_offline_run_news(s)->errors.len =
      heard; /* the caller reports that encode failed, so it is no further error */
  lua_pushnil(L);
  lua_pushstring(L, err.text);
  return 2;
}

static int run_explain (lua_State *L) {
  tl_offline_run *s = check(L);
  tl_err err = { .text = "" };
  tl_explain_message e = { .topic = check_slice(L, 2),
                           .has_payload = !lua_isnoneornil(L, 3),
                           .wall = tl_offline_run_wall(s) };
  if (e.has_payload) e.payload = check_slice(L, 3);
  if (!lua_isnoneornil(L, 4)) {
    tl_check_message_options(L, 4);
    tl_read_message_options(L, 4, &e);
  }
  tl_buf *out = tl_push_buffer(L);
  tl_offline_run_advance(s, tl_offline_run_wall(s));
  uint64_t before = tl_pattern_sum_begin();
  int rc = tl_explain(tl_offline_run_gateway(s), &e, out, &err);
  tl_pattern_sum_end(before);
  if (rc < 0) return luaL_error(L, "%s", err.text);
  tl_push_document(L, tl_buf_bytes(out));
  lua_pushlstring(L, (const char *)out->at, out->len);
  return 2;
}

static int run_json (lua_State *L) {
  tl_push_json(L, check_slice(L, 1));
  return 1;
}

int tl_open_offline (lua_State *L) {
  static const luaL_Reg methods[] = {
    { "feed", run_feed },     { "advance", run_advance },
    { "time", run_time },     { "close", run_close },
    { "news", run_news },     { "tag", run_tag },
    { "tags", run_tags },     { "station", run_station },
    { "write", run_write },   { "explain", run_explain },
    { "record", run_record }, { "recorded", run_recorded },
    { "replay", run_replay }, { NULL, NULL },
  };
  static const luaL_Reg functions[] = { { "new", run_new }, { "json", run_json }, { NULL, NULL } };
  luaL_newmetatable(L, RUN);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, run_close);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, run_close);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
