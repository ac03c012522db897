/* core/script/l_tag.c — a tag in Lua: .name .full_name .type .address .value .status .reason
** .time .station …, :write(value [, fn]). */
#include <stdlib.h>
#include <string.h>

#include "script/script.h"

static int push_text (lua_State *L, const char *text) {
  if (!text)
    lua_pushnil(L);
  else
    lua_pushstring(L, text);
  return 1;
}

static int tag_field (lua_State *L, tl_tag *t, const char *key) {
  const tl_tagdef *d = tl_tag_def(t);
  if (strcmp(key, "value") == 0) {
    if (t->status == TL_VALID)
      tl_push_value(L, d->type, &t->value);
    else
      lua_pushnil(L);
    return 1;
  }
  if (strcmp(key, "status") == 0) return push_text(L, tl_status_name(t->status));
  if (strcmp(key, "reason") == 0)
    return push_text(L, t->reason == TL_REASON_NONE ? NULL : tl_reason_name(t->reason));
  if (strcmp(key, "time") == 0) {
    if (t->status == TL_UNSET)
      lua_pushnil(L);
    else
      lua_pushnumber(L, (lua_Number)t->time_ms / 1000.0);
    return 1;
  }
  if (strcmp(key, "name") == 0) return push_text(L, d->name);
  if (strcmp(key, "type") == 0) return push_text(L, tl_type_name(d->type));
  if (strcmp(key, "address") == 0) return push_text(L, d->address);
  if (strcmp(key, "unit") == 0) return push_text(L, d->unit);
  if (strcmp(key, "description") == 0) return push_text(L, d->description);
  if (strcmp(key, "station") == 0) {
    tl_push_station(L, t->station);
    return 1;
  }
  if (strcmp(key, "full_name") == 0) {
    lua_pushfstring(L, "%s.%s.%s", t->station->line->name, t->station->name, d->name);
    return 1;
  }
  return 0;
}

static int tag_index (lua_State *L) {
  tl_tag *t = tl_check_tag(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (tag_field(L, t, key) == 1) return 1;
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  return luaL_error(L, "a tag has no field '%s' (see help(tags))", key);
}

static int tag_newindex (lua_State *L) {
  return luaL_error(L, "a tag's fields are not assigned to; use tag:write(value)");
}

typedef struct {
  tl_script *s;
  tl_tag *t;
  const tl_value *v;
  const char *wrong; /* why there is no value; NULL: there is one */
} writing;

static int start_write (void *ctx, tl_write_done *done, void *done_ctx, tl_err *err) {
  writing *w = ctx;
  if (w->wrong) return tl_fail(err, TL_ERANGE, 0, "%s", w->wrong);
  return tl_gateway_write(w->s->gateway, w->t, w->v, done, done_ctx, err);
}

/* v NULL: it was none of the tag's type. */
static tl_change write_change (lua_State *L, const tl_tag *t, const tl_value *v) {
  const tl_tagdef *d = tl_tag_def(t);
  const tl_station *station = t->station;
  tl_buf text;
  /* only what a person writes is logged: handlers write often */
  if (!tl_caller_is_person(L)) return (tl_change){ .text = "" };
  if (!v) return tl_change_of(L, station->line->name, "write %s.%s", station->name, d->name);
  tl_buf_init(&text);
  if (d->type == TL_TXTI || d->type == TL_TXTO) {
    tl_buf_add(&text, v->text.at, v->text.len < 80 ? v->text.len : 80);
    if (v->text.len > 80) tl_buf_fmt(&text, "… (%zu bytes)", v->text.len);
  } else {
    tl_convert_publish(d->type, v, &station->plan->rule, &text);
  }
  tl_change change = tl_change_of(L, station->line->name, "write %s.%s = %.*s", station->name,
                                  d->name, TL_ARG(tl_buf_bytes(&text)));
  tl_buf_fini(&text);
  return change;
}

/* A function of the config wrote what its tag never takes: why, is on top. explain() calls
** functions, too, for a copy of the station. */
static void note_refused (lua_State *L, tl_script *s, const tl_tag *t) {
  size_t len;
  if (s->errors.listener || t->station->line->model != tl_gateway_model(s->gateway)) return;
  const char *why = lua_tolstring(L, -1, &len);
  tl_failure_note(s, t->station, NULL, "writes", tl_slice_of(why, len));
}

static int tag_write (lua_State *L) {
  tl_script *s = tl_script_of(L);
  tl_tag *t = tl_check_tag(L, 1);
  const tl_tagdef *d = tl_tag_def(t);
  tl_value v;
  const char *expected, *wrong = NULL;
  if (!lua_isnoneornil(L, 3)) luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
  if (!tl_read_value(L, 2, d->type, &v, &expected))
    wrong = lua_pushfstring(L, "%s (%s): expected %s, got %s", d->name, tl_type_name(d->type),
                            expected, tl_push_got(L, 2));
  tl_change change = write_change(L, t, wrong ? NULL : &v);
  writing w = { s, t, &v, wrong };
  int results = tl_write_async(L, s, start_write, &w, 3, &change);
  /* a handler's write, whose result is mostly ignored: log the refusal */
  if (results == 2 && change.text[0] == '\0') {
    char what[200];
    snprintf(what, sizeof what, "a write to %s.%s", t->station->name, d->name);
    tl_script_log_refused(s, t->station->line->name, what, what, lua_tostring(L, -1));
    if (wrong || !tl_type_is_output(d->type)) note_refused(L, s, t);
  }
  return results;
}

static int tag_tostring (lua_State *L) {
  tl_object *o = luaL_checkudata(L, 1, TL_TAG);
  lua_pushfstring(L, "tag %s", o->name);
  return 1;
}

void tl_open_tag (lua_State *L) {
  static const luaL_Reg methods[] = { { "write", tag_write }, { NULL, NULL } };
  luaL_newmetatable(L, TL_TAG);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, tag_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, tag_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, tag_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, TL_TAG);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
