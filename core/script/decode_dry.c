/* core/script/decode_dry.c — runs a decoder only to show what it would do: its values go into
** a copy of the station. */
#include "script/message_words.h"

/* A value as text, as a person would write it; the text stays on the stack. */
static tl_slice push_text (lua_State *L, int index) {
  size_t len;
  if (lua_type(L, index) == LUA_TTABLE) { /* { value = v, … } */
    lua_getfield(L, index, "value");
    const char *inner = luaL_tolstring(L, -1, &len);
    return tl_slice_of(inner, len);
  }
  const char *text = luaL_tolstring(L, index, &len);
  return tl_slice_of(text, len);
}

static void pass_values (lua_State *L, tl_dry_decode *r, int table) {
  size_t len;
  for (lua_pushnil(L); lua_next(L, table) != 0;) {
    int value = lua_gettop(L);
    if (lua_type(L, value - 1) == LUA_TSTRING) {
      const char *name = lua_tolstring(L, value - 1, &len);
      r->returned(r->returned_ctx, tl_slice_of(name, len), push_text(L, value));
    }
    lua_settop(L, value - 1);
  }
}

/* Report each value that decode returned. Wrong results are skipped here; tl_set_decoded()
** reports them. */
static void pass_returned (lua_State *L, tl_dry_decode *r, int index) {
  if (lua_type(L, index) != LUA_TTABLE) return;
  lua_Integer n = (lua_Integer)lua_rawlen(L, index);
  if (n == 0) pass_values(L, r, index);
  for (lua_Integer i = 1; i <= n; i++) {
    int top = lua_gettop(L);
    if (lua_rawgeti(L, index, i) == LUA_TTABLE && lua_getfield(L, -1, "values") == LUA_TTABLE)
      pass_values(L, r, lua_gettop(L));
    lua_settop(L, top);
  }
}

typedef struct {
  tl_script *s;
  tl_dry_decode *r;
  tl_message_now *message;
} dry_decode;

static int p_decode_dry (lua_State *L) {
  dry_decode *c = lua_touserdata(L, 1);
  tl_dry_decode *r = c->r;
  const tl_station_hooks *h = r->copy->user;
  lua_rawgeti(L, LUA_REGISTRYINDEX, h->functions->decode);
  tl_push_message(L, c->message);
  lua_call(L, 1, 3);
  int first = lua_gettop(L) - 2;
  int64_t gone_ms = r->time_ms;
  bool gone = tl_decoded_is_gone(L, first, &gone_ms), nothing = lua_isnil(L, first);
  r->declined = nothing && !gone;
  c->s->box.budget.resting = true;
  if (!nothing) pass_returned(L, r, first);
  if (!nothing) tl_set_decoded(L, c->s, r->copy, first, r->time_ms, r->reading);
  tl_station_set(r->reading, r->time_ms);
  if (gone) tl_station_gone(r->copy, r->m->now, gone_ms);
  return 0;
}

void tl_script_decode_dry (void *ctx, tl_dry_decode *r) {
  tl_message_now message = {
    .station = r->shown, .m = r->m, .route = r->route, .time_ms = r->time_ms
  };
  dry_decode c = { ctx, r, &message };
  r->failed =
      tl_script_enter(c.s, p_decode_dry, &c, c.s->box.handler_time, "decode", &r->error) != LUA_OK;
  tl_end_message(c.s, &message);
  tl_station_set(r->reading, r->time_ms);
}
