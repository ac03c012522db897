/* core/checks/l_check.c — the Lua module tagline.core: checks in C for the config. Pure
** functions; knows nothing of running lines. It is part of the program, and also a loadable
** module for specs that run in a plain Lua. */
#include "checks/l_check.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "base/address.h"
#include "base/pattern.h"
#include "base/topic.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "files/read.h"
#include "payload/json.h"
#include "payload/timemask.h"
#include "route/router.h"
#include "checks/zone_file.h"
#include "tls/context.h"

static tl_slice check_slice (lua_State *L, int arg) {
  size_t len;
  const char *at = luaL_checklstring(L, arg, &len);
  return tl_slice_of(at, len);
}

/* Returns true; or nil, a text and the byte offset (from 0). */
static int answer (lua_State *L, int rc, const tl_err *err) {
  if (rc == TL_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, err->text);
  lua_pushinteger(L, (lua_Integer)err->at);
  return 3;
}

static int l_filter_check (lua_State *L) {
  tl_err err = { 0 };
  tl_slice text = check_slice(L, 1);
  return answer(L, tl_filter_check(text, &err), &err);
}

static int l_topic_check (lua_State *L) {
  tl_err err = { 0 };
  tl_slice text = check_slice(L, 1);
  return answer(L, tl_topic_check(text, &err), &err);
}

static int l_filter_match (lua_State *L) {
  tl_slice filter = check_slice(L, 1), topic = check_slice(L, 2);
  lua_pushboolean(L, tl_filter_match(filter, topic));
  return 1;
}

static int l_plain (lua_State *L) {
  tl_slice address = check_slice(L, 1);
  lua_pushboolean(L, tl_address_is_plain(address));
  return 1;
}

static int l_utf8 (lua_State *L) {
  tl_slice text = check_slice(L, 1);
  size_t good = tl_utf8_prefix(text.at, text.len);
  lua_pushboolean(L, good == text.len);
  lua_pushinteger(L, (lua_Integer)good);
  return 2;
}

static int l_json_path (lua_State *L) {
  tl_err err = { 0 };
  tl_slice path = check_slice(L, 1);
  return answer(L, tl_json_path_check(path, &err), &err);
}

static int l_timemask (lua_State *L) {
  tl_err err = { 0 };
  tl_timemask *mask = NULL;
  tl_slice text = check_slice(L, 1);
  int rc = tl_timemask_new(&mask, text, &err);
  if (rc == TL_OK) tl_timemask_free(mask); /* freed before anything can raise */
  return answer(L, rc, &err);
}

/* time_guess(text, near): a known time mask by which the text or number is a time near `near`
** (seconds since 1970), and that time; nothing if there is none. */
static int l_time_guess (lua_State *L) {
  int64_t ms = 0;
  tl_slice text = check_slice(L, 1);
  lua_Number near_s = luaL_checknumber(L, 2);
  if (!(near_s > -1e10 && near_s < 1e12)) return luaL_argerror(L, 2, "expected seconds since 1970");
  const char *mask = tl_timemask_guess(NULL, text, (int64_t)(near_s * 1000.0), &ms);
  if (!mask) return 0;
  lua_pushstring(L, mask);
  lua_pushnumber(L, (lua_Number)ms / 1000.0);
  return 2;
}

static int l_zone (lua_State *L) {
  tl_err err = { 0 };
  tl_zone *zone = NULL;
  const char *name = luaL_checkstring(L, 1);
  int rc = tl_zone_load(&zone, name, &err);
  if (rc == TL_OK) tl_zone_free(zone);
  return answer(L, rc, &err);
}

typedef struct {
  tl_pattern *pattern;
} lpattern;

static int lpattern_close (lua_State *L) {
  lpattern *p = lua_touserdata(L, 1);
  tl_pattern_free(p->pattern);
  p->pattern = NULL;
  return 0;
}

/* regex(pattern, whole): { count = capture groups, groups = their names }; or nil, text, byte
** offset. Making the table may raise (no memory), so the pattern belongs to a userdata that
** Lua frees. */
static int l_regex (lua_State *L) {
  tl_err err = { 0 };
  const char *name;
  int rc, number;
  tl_slice text = check_slice(L, 1);
  int flags = TL_PATTERN_LAZY | TL_PATTERN_UTF | (lua_toboolean(L, 2) ? TL_PATTERN_WHOLE : 0);
  lpattern *p = lua_newuserdatauv(L, sizeof *p, 0);
  p->pattern = NULL;
  luaL_setmetatable(L, "tagline.core.pattern");
  rc = tl_pattern_new(&p->pattern, text, flags, &err);
  if (rc != TL_OK) return answer(L, rc, &err);
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, tl_pattern_group_count(p->pattern));
  lua_setfield(L, -2, "count");
  lua_newtable(L);
  for (int i = 0; tl_pattern_named(p->pattern, i, &name, &number); i++) {
    lua_pushstring(L, name);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "groups");
  /* at once: with 10,000 addresses the collector would come too late */
  tl_pattern_free(p->pattern);
  p->pattern = NULL;
  return 1;
}

/* broker_address(text): scheme ("" if there is none), host, port (0: not given), path; or nil
** and why. */
static int l_broker_address (lua_State *L) {
  static const char *const schemes[] = { "", "mqtt", "mqtts", "ws", "wss" };
  tl_err err = { .text = "" };
  tl_address a;
  if (tl_broker_parse(check_slice(L, 1), &a, &err) != TL_OK) {
    lua_pushnil(L);
    lua_pushstring(L, err.text);
    return 2;
  }
  lua_pushstring(L, schemes[a.scheme]);
  lua_pushlstring(L, (const char *)a.host.at, a.host.len);
  lua_pushinteger(L, a.port);
  lua_pushlstring(L, a.path.len > 0 ? (const char *)a.path.at : "", a.path.len);
  return 4;
}

static int l_proxy_address (lua_State *L) {
  tl_err err = { .text = "" };
  tl_address a;
  bool is_socks;
  return answer(L, tl_proxy_parse(check_slice(L, 1), &a, &is_socks, &err), &err);
}

static tl_slice text_field (lua_State *L, const char *name) {
  size_t len = 0;
  const char *at = lua_getfield(L, 1, name) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  lua_pop(L, 1); /* the table keeps it */
  return tl_slice_of(at, len);
}

/* tls_check { tls_ca_file = PEM, tls_cert_file = …, tls_key_file = …, tls_key_password = …,
** tls_crl_file = …, tls_ciphers = … }: nothing, or the name of the field that is wrong, and
** why. */
static int l_tls_check (lua_State *L) {
  static const char *const names[] = { "tls_ca_file",  "tls_ca_file",      "tls_cert_file",
                                       "tls_key_file", "tls_key_password", "tls_crl_file",
                                       "tls_alpn",     "tls_psk",          "tls_ciphers" };
  tl_tls_context *c = NULL;
  tl_tls_field field = TL_TLS_FIELD_NONE;
  tl_err err = { .text = "" };
  luaL_checktype(L, 1, LUA_TTABLE);
  tl_tls_settings s = { .ca = text_field(L, "tls_ca_file"),
                        .cert = text_field(L, "tls_cert_file"),
                        .key = text_field(L, "tls_key_file"),
                        .key_password = text_field(L, "tls_key_password"),
                        .crl = text_field(L, "tls_crl_file"),
                        .ciphers = text_field(L, "tls_ciphers"),
                        .min_minor = 2 };
  if (tl_tls_context_new(&c, &s, &field, &err) == TL_OK) {
    tl_tls_context_drop(c);
    return 0;
  }
  lua_pushstring(L, names[field]);
  lua_pushstring(L, err.text);
  return 2;
}

/* built_with(name): was the program built with this part? */
static int l_built_with (lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  bool built = false;
#ifdef TAGLINE_HTTP
  built = built || strcmp(name, "HTTP") == 0;
#endif
#ifdef TAGLINE_HAS_POSTGRES
  built = built || strcmp(name, "POSTGRES") == 0;
#endif
#ifdef TAGLINE_NATS
  built = built || strcmp(name, "NATS") == 0;
#endif
  (void)name;
  lua_pushboolean(L, built);
  return 1;
}

static int lbytes_close (lua_State *L) {
  tl_buf_fini(lua_touserdata(L, 1));
  return 0;
}

/* read_file(path, max): the text of a regular file of at most `max` bytes; or nil, why, and
** true if there is no such file. */
static int l_read_file (lua_State *L) {
  tl_err err = { .text = "" };
  const char *path = luaL_checkstring(L, 1);
  lua_Integer max = luaL_checkinteger(L, 2);
  tl_buf *bytes = lua_newuserdatauv(L, sizeof *bytes, 0);
  tl_buf_init(bytes);
  luaL_setmetatable(L, "tagline.core.bytes");
  if (strlen(path) != lua_rawlen(L, 1)) return luaL_error(L, "a path holds no NUL");
  int rc = tl_file_read(bytes, path, (size_t)max, &err);
  if (rc < 0) {
    lua_pushnil(L);
    lua_pushstring(L, err.text);
    lua_pushboolean(L, rc == TL_ENOENT);
    return 3;
  }
  lua_pushlstring(L, bytes->len > 0 ? (const char *)bytes->at : "", bytes->len);
  tl_buf_fini(bytes); /* at once: it may be large */
  return 1;
}

/* write_new_file(path, text): true; or nil, why, and true if the file exists already. */
static int l_write_new_file (lua_State *L) {
  size_t len;
  const char *path = luaL_checkstring(L, 1), *text = luaL_checklstring(L, 2, &len);
  int fd = tl_file_create(path, 0666);
  int why = fd < 0 ? -fd : tl_file_finish(fd, path, tl_file_add(fd, tl_slice_of(text, len)));
  if (why == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, strerror(why));
  lua_pushboolean(L, why == EEXIST);
  return 3;
}

/* visible(text): the text with control characters made harmless for a terminal; line breaks
** and tabs stay. */
static int l_visible (lua_State *L) {
  tl_slice text = check_slice(L, 1);
  tl_buf *bytes = lua_newuserdatauv(L, sizeof *bytes, 0);
  tl_buf_init(bytes);
  luaL_setmetatable(L, "tagline.core.bytes");
  tl_visible(bytes, text, true);
  if (bytes->failed) return luaL_error(L, "not enough memory");
  lua_pushlstring(L, bytes->len > 0 ? (const char *)bytes->at : "", bytes->len);
  return 1;
}

static const luaL_Reg functions[] = {
  { "broker_address", l_broker_address },
  { "proxy_address", l_proxy_address },
  { "built_with", l_built_with },
  { "tls_check", l_tls_check },
  { "filter_check", l_filter_check },
  { "filter_match", l_filter_match },
  { "json_path", l_json_path },
  { "plain", l_plain },
  { "read_file", l_read_file },
  { "regex", l_regex },
  { "time_guess", l_time_guess },
  { "timemask", l_timemask },
  { "topic_check", l_topic_check },
  { "utf8", l_utf8 },
  { "visible", l_visible },
  { "write_new_file", l_write_new_file },
  { "zone", l_zone },
  { NULL, NULL },
};

int luaopen_tagline_core (lua_State *L) {
  if (luaL_newmetatable(L, "tagline.core.pattern")) {
    lua_pushcfunction(L, lpattern_close);
    lua_setfield(L, -2, "__gc");
  }
  lua_pop(L, 1);
  if (luaL_newmetatable(L, "tagline.core.bytes")) {
    lua_pushcfunction(L, lbytes_close);
    lua_setfield(L, -2, "__gc");
  }
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
