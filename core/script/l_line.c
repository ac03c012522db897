/* core/script/l_line.c — a line in Lua: .name .status .stations .stats, :publish(topic,
** payload, opts), :set{ … }, :reconnect(). */
#include <stdio.h>
#include <string.h>

#include "gateway/health.h"
#include "script/l_options.h"
#include "script/script.h"
#include "base/utf8.h"

enum { LOGGED = 80, LOGGED_HEX = 24 }; /* bytes of a payload or a parameter that are logged */

static void count (lua_State *L, const char *name, uint64_t n) {
  lua_pushinteger(L, (lua_Integer)n);
  lua_setfield(L, -2, name);
}

static void text (lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

static int push_stats (lua_State *L, tl_link *l) {
  tl_link_stats st;
  int64_t now = tl_clock_mono_ms();
  tl_link_health health;
  tl_link_get_stats(l, &st);
  tl_link_get_health(l, &health);
  lua_createtable(L, 0, 30);
  lua_pushnumber(L, health.received_per_s);
  lua_setfield(L, -2, "received_per_s");
  lua_pushnumber(L, health.sent_per_s);
  lua_setfield(L, -2, "sent_per_s");
  text(L, "state", st.state);
  text(L, "peer", st.peer);
  text(L, "transport", st.transport);
  text(L, "last_error", st.last_error);
  count(L, "connects", st.connects);
  count(L, "failures", st.failures);
  count(L, "messages", st.messages);
  count(L, "unrouted", st.unrouted);
  count(L, "wills", st.wills);
  count(L, "handler_errors", tl_link_handler_errors(l));
  count(L, "instances_refused", st.instances_refused);
  count(L, "received", st.session.received);
  count(L, "sent", st.session.sent);
  count(L, "bytes_in", st.session.bytes_in);
  count(L, "bytes_out", st.session.bytes_out);
  count(L, "duplicates", st.session.duplicates);
  count(L, "unknown_acks", st.session.unknown_acks);
  count(L, "inflight", st.session.inflight);
  count(L, "queued", st.session.queued);
  count(L, "held", st.session.held);
  count(L, "queued_bytes", st.session.unconfirmed_bytes);
  count(L, "held_bytes", st.waiting_bytes);
  count(L, "too_long", st.too_long);
  if (st.session.oldest_inflight >= 0) {
    lua_pushnumber(L, (lua_Number)(now - st.session.oldest_inflight) / 1000.0);
    lua_setfield(L, -2, "oldest_inflight"); /* seconds */
  }
  if (st.session.oldest_queued >= 0) {
    lua_pushnumber(L, (lua_Number)(now - st.session.oldest_queued) / 1000.0);
    lua_setfield(L, -2, "oldest_queued"); /* seconds */
  }
  if (st.connected_since >= 0) {
    lua_pushnumber(L, (lua_Number)(now - st.connected_since) / 1000.0);
    lua_setfield(L, -2, "connected_for"); /* seconds */
  }
  count(L, "remembered_topics", st.router.remembered);
  return 1;
}

static int push_stations (lua_State *L, tl_line *line) {
  lua_createtable(L, 0, (int)line->station_count);
  for (uint32_t i = 0; i < line->station_count; i++) {
    tl_push_station(L, line->stations[i]);
    lua_setfield(L, -2, line->stations[i]->name);
  }
  return 1;
}

static int line_index (lua_State *L) {
  tl_line *line = tl_check_line(L, 1);
  const char *key = luaL_checkstring(L, 2);
  tl_link_stats st;
  if (strcmp(key, "name") == 0) {
    lua_pushstring(L, line->name);
  } else if (strcmp(key, "status") == 0) {
    tl_link_get_stats(tl_line_link(line), &st);
    lua_pushstring(L, st.state);
  } else if (strcmp(key, "stations") == 0) {
    return push_stations(L, line);
  } else if (strcmp(key, "stats") == 0) {
    return push_stats(L, tl_line_link(line));
  } else {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
      return luaL_error(L, "a line has no field '%s' (see help(lines))", key);
  }
  return 1;
}

typedef struct {
  tl_link *link;
  tl_slice topic, payload;
  int qos, retain;
} publishing;

static int start_publish (void *ctx, tl_write_done *done, void *done_ctx, tl_err *err) {
  publishing *p = ctx;
  return tl_link_publish(p->link, p->topic, p->payload, p->qos, p->retain, done, done_ctx, err);
}

static tl_slice check_text (lua_State *L, int index, const char *what) {
  size_t len;
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_error(L, "publish: expected %s as a string, got %s", what, tl_push_got(L, index));
  const char *at = lua_tolstring(L, index, &len);
  return tl_slice_of(at, len);
}

static tl_change publish_change (lua_State *L, const tl_line *line, const publishing *p) {
  size_t shown = p->payload.len;
  char start[LOGGED + 1] = "hex";
  /* only what a person publishes is logged: handlers publish often */
  if (!tl_caller_is_person(L)) return (tl_change){ .text = "" };
  if (tl_utf8_valid(p->payload) && (shown == 0 || !memchr(p->payload.at, 0, shown))) {
    if (shown > LOGGED) shown = tl_utf8_prefix(p->payload.at, LOGGED);
    snprintf(start, sizeof start, "%.*s", (int)shown, shown > 0 ? (const char *)p->payload.at : "");
  } else {
    if (shown > LOGGED_HEX) shown = LOGGED_HEX;
    for (size_t i = 0; i < shown; i++)
      snprintf(start + 3 + 3 * i, sizeof start - 3 - 3 * i, " %02x", p->payload.at[i]);
  }
  return tl_change_of(L, line->name, "publish to '%.*s'%s: %zu byte%s: %s%s", TL_ARG(p->topic),
                      p->retain == 1 ? ", retained" : "", p->payload.len,
                      p->payload.len == 1 ? "" : "s", start, shown < p->payload.len ? "…" : "");
}

/* line:publish(topic, payload [, { qos =, retain = }] [, function(ok, why)]) */
static int line_publish (lua_State *L) {
  tl_line *line = tl_check_line(L, 1);
  publishing p = { tl_line_link(line), check_text(L, 2, "the topic"),
                   check_text(L, 3, "the payload"), -1, -1 };
  int callback = 5;
  if (lua_type(L, 4) == LUA_TFUNCTION) {
    callback = 4;
  } else if (!lua_isnoneornil(L, 4)) {
    luaL_checktype(L, 4, LUA_TTABLE);
    tl_options_known(L, 4, "publish", "qos retain");
    p.qos = tl_option_qos(L, 4, "publish");
    p.retain = tl_option_flag(L, 4, "publish", "retain");
  }
  if (!lua_isnoneornil(L, callback)) luaL_checktype(L, callback, LUA_TFUNCTION);
  tl_change change = publish_change(L, line, &p);
  int results = tl_write_async(L, tl_script_of(L), start_publish, &p, callback, &change);
  /* a handler's publish, whose result is mostly ignored: log the refusal */
  if (results == 2 && change.text[0] == '\0') {
    char what[200];
    snprintf(what, sizeof what, "a publish to '%.*s'", (int)(p.topic.len < 100 ? p.topic.len : 100),
             (const char *)p.topic.at);
    tl_script_log_refused(tl_script_of(L), line->name, "publish", what, lua_tostring(L, -1));
  }
  return results;
}

/* --- line:set{ parameter = value } --- */

static void push_param (lua_State *L, const tl_line_params *p, const tl_param_field *f) {
  const void *at = tl_param_at(p, f);
  const tl_slice *text = at;
  const tl_texts *list = at;
  switch (f->kind) {
    case TL_PARAM_BOOL: lua_pushboolean(L, *(const bool *)at); break;
    case TL_PARAM_INT: lua_pushinteger(L, (lua_Integer) * (const int64_t *)at); break;
    case TL_PARAM_MS: lua_pushnumber(L, (lua_Number) * (const int64_t *)at / 1000); break;
    case TL_PARAM_TEXT:
      if (text->at)
        lua_pushlstring(L, (const char *)text->at, text->len);
      else
        lua_pushnil(L);
      break;
    case TL_PARAM_TEXTS:
      lua_createtable(L, (int)list->n, 0);
      for (size_t i = 0; i < list->n; i++) {
        lua_pushlstring(L, (const char *)list->at[i].at, list->at[i].len);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
      }
      break;
  }
}

static int params_gc (lua_State *L) {
  tl_params_fini(lua_touserdata(L, 1));
  return 0;
}

/* Parameters in a userdata, so that an error cannot leak them. */
static tl_line_params *new_params (lua_State *L) {
  tl_line_params *p = lua_newuserdatauv(L, sizeof *p, 0);
  tl_params_init(p);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, params_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return p;
}

static void require (lua_State *L, const char *module) {
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  lua_call(L, 1, 1);
}

static const tl_param_field *param_field (const char *name) {
  const tl_param_field *f = tl_param_fields;
  while (f->name && strcmp(f->name, name) != 0) f++;
  return f->name ? f : NULL;
}

/* Merge the checked changes at `from` into the parameters at `into`. A text that is removed is
** false in `from`. */
static void merge_params (lua_State *L, const char *line, int into, int from) {
  for (lua_pushnil(L); lua_next(L, from) != 0; lua_pop(L, 1)) {
    const char *name = lua_tostring(L, -2);
    const tl_param_field *f = param_field(name);
    if (!f)
      luaL_error(
          L, "line '%s': %s: belongs to the line's stations; change it in the config and reload",
          line, name);
    if (f->kind == TL_PARAM_TEXT && lua_type(L, -1) == LUA_TBOOLEAN)
      lua_pushnil(L);
    else
      lua_pushvalue(L, -1);
    lua_setfield(L, into, name);
  }
}

/* Push the new value of a parameter as text, for the log. A password is never shown. */
static const char *push_shown (lua_State *L, const tl_param_field *f, int value) {
  if (f->secret) return lua_pushliteral(L, "(not shown)");
  if (f->kind == TL_PARAM_TEXT && !lua_toboolean(L, value)) return lua_pushliteral(L, "nothing");
  if (lua_istable(L, value)) {
    luaL_Buffer list;
    luaL_buffinit(L, &list);
    for (lua_Integer i = 1, n = luaL_len(L, value); i <= n; i++) {
      if (i > 1) luaL_addstring(&list, ", ");
      lua_rawgeti(L, value, i);
      luaL_addvalue(&list);
    }
    luaL_pushresult(&list);
    return lua_tostring(L, -1);
  }
  return luaL_tolstring(L, value, NULL);
}

static void log_params (lua_State *L, const char *line, int changes) {
  for (const tl_param_field *f = tl_param_fields; f->name; f++) {
    if (lua_getfield(L, changes, f->name) != LUA_TNIL) {
      const char *now = push_shown(L, f, lua_gettop(L));
      size_t len = strlen(now);
      size_t shown = len > LOGGED ? tl_utf8_prefix((const uint8_t *)now, LOGGED) : len;
      tl_change_log_now(L, line, "set %s = %.*s%s", f->name, (int)shown, now,
                        shown < len ? "…" : "");
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
}

static int line_set (lua_State *L) {
  tl_line *line = tl_check_line(L, 1);
  tl_link *link = tl_line_link(line);
  if (lua_type(L, 2) != LUA_TTABLE)
    return luaL_error(L, "line '%s': set: expected a table { parameter = value }, got %s",
                      line->name, tl_push_got(L, 2));
  lua_settop(L, 2);
  tl_line_params *p = new_params(L); /* stack index 3 */
  lua_createtable(L, 0, 40);         /* stack index 4: the line's present parameters */
  for (const tl_param_field *f = tl_param_fields; f->name; f++) {
    push_param(L, tl_link_params(link), f);
    lua_setfield(L, 4, f->name);
  }
  require(L, "tagline.config.set");
  lua_getfield(L, -1, "check");
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 4);
  require(L, "tagline.core");
  lua_pushstring(L, tl_script_of(L)->config.path); /* NULL: nil */
  lua_call(L, 4, 2);
  if (lua_type(L, -2) != LUA_TTABLE)
    return luaL_error(L, "line '%s': %s", line->name, lua_tostring(L, -1));
  lua_pop(L, 1);
  merge_params(L, line->name, 4, lua_gettop(L));
  int changes = lua_gettop(L);
  tl_read_params(L, 4, p);
  int rc = tl_link_set_params(link, p);
  if (rc == TL_ESTATE)
    return luaL_error(L, "line '%s': set: the line is being removed", line->name);
  if (rc < 0)
    return luaL_error(L, "line '%s': set: the new parameters cannot be taken (%d)", line->name, rc);
  log_params(L, line->name, changes);
  return 0;
}

static int line_reconnect (lua_State *L) {
  tl_change_log_now(L, tl_check_line(L, 1)->name, "reconnect");
  tl_link_reconnect(tl_line_link(tl_check_line(L, 1)), "asked for");
  return 0;
}

static int line_newindex (lua_State *L) {
  return luaL_error(L, "a line's fields are not assigned to; use line:set{ parameter = value }");
}

static int line_tostring (lua_State *L) {
  tl_object *o = luaL_checkudata(L, 1, TL_LINE);
  lua_pushfstring(L, "line %s", o->name);
  return 1;
}

void tl_open_line (lua_State *L) {
  static const luaL_Reg methods[] = { { "probe", tl_line_probe },
                                      { "publish", line_publish },
                                      { "reconnect", line_reconnect },
                                      { "set", line_set },
                                      { NULL, NULL } };
  luaL_newmetatable(L, TL_LINE);
  luaL_newlib(L, methods);
  lua_pushcclosure(L, line_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, line_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, line_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, TL_LINE);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
