/* core/script/l_explain.c — explain() in Lua: reads its arguments, and returns the document of
** explain/explain.h as a table. */
#include <math.h>
#include <string.h>

#include "script/l_options.h"
#include "script/message_words.h"

/* A buffer that Lua frees, so that an error cannot leak it. */
static int buffer_gc (lua_State *L) {
  tl_buf_fini(lua_touserdata(L, 1));
  return 0;
}

tl_buf *tl_push_buffer (lua_State *L) {
  tl_buf *b = lua_newuserdatauv(L, sizeof *b, 0);
  tl_buf_init(b);
  if (luaL_newmetatable(L, "tagline.buffer")) {
    lua_pushcfunction(L, buffer_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return b;
}

/* The text is borrowed: the table still holds it. */
static tl_slice text_field (lua_State *L, int table, const char *name) {
  size_t len;
  int type = lua_getfield(L, table, name);
  if (type != LUA_TNIL && type != LUA_TSTRING)
    luaL_error(L, "%s: expected a string, got %s", name, tl_push_got(L, -1));
  const char *text = type == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  lua_pop(L, 1);
  return text ? tl_slice_of(text, len) : tl_slice_of(NULL, 0);
}

static lua_Integer integer_field (lua_State *L, int table, const char *name, lua_Integer most) {
  int is = 1;
  int type = lua_getfield(L, table, name);
  lua_Integer n = type == LUA_TNIL ? 0 : lua_tointegerx(L, -1, &is);
  if (!is || n < 0 || n > most)
    luaL_error(L, "%s: expected 0 to %d, got %s", name, (int)most, tl_push_got(L, -1));
  lua_pop(L, 1);
  return n;
}

void tl_check_message_options (lua_State *L, int table) {
  luaL_checktype(L, table, LUA_TTABLE);
  tl_options_known(L, table, "message", "qos retain dup id time line fresh");
}

void tl_read_message_options (lua_State *L, int table, tl_explain_message *m) {
  m->qos = (uint8_t)integer_field(L, table, "qos", 2);
  m->id = (uint16_t)integer_field(L, table, "id", 65535);
  m->retain = tl_option_flag(L, table, "message", "retain") == 1;
  m->dup = tl_option_flag(L, table, "message", "dup") == 1;
  m->fresh = tl_option_flag(L, table, "message", "fresh") == 1;
  m->line = text_field(L, table, "line");
  if (lua_getfield(L, table, "time") != LUA_TNIL) {
    double t = lua_tonumber(L, -1);
    if (lua_type(L, -1) != LUA_TNUMBER || !(fabs(t) < 9e12))
      luaL_error(L, "time: expected seconds since 1970, got %s", tl_push_got(L, -1));
    m->wall = (int64_t)llround(t * 1000.0);
  }
  lua_pop(L, 1);
}

/* Push the table of a document, with the metatable of tagline.repl.explain. */
static int push_result (lua_State *L, const tl_buf *out) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.repl.explain");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "wrap");
  tl_push_document(L, tl_buf_bytes(out));
  lua_call(L, 1, 1);
  return 1;
}

/* --- explain(tag): one message at a time, with pauses --- */

#define HISTORY "tagline.explain_history"

typedef struct {
  tl_explain_history *history;
} lhistory;

static int history_gc (lua_State *L) {
  lhistory *h = lua_touserdata(L, 1);
  tl_explain_history_free(h->history);
  h->history = NULL;
  return 0;
}

/* Returns the table of the next message; nil: there are no more. */
static int history_next (lua_State *L) {
  lhistory *h = lua_touserdata(L, lua_upvalueindex(1));
  tl_err err = { .text = "" };
  tl_buf *out = tl_push_buffer(L);
  uint64_t before = tl_pattern_sum_begin();
  int rc = tl_explain_history_next(h->history, out, &err);
  tl_pattern_sum_end(before);
  if (rc < 0) return luaL_error(L, "explain: %s", err.text);
  if (rc == 0)
    lua_pushnil(L);
  else
    tl_push_document(L, tl_buf_bytes(out));
  return 1;
}

static int explained (lua_State *L, int status, lua_KContext context) {
  (void)L;
  (void)status;
  (void)context;
  return 1;
}

/* Calls history(head, next, rest) of tagline.repl.explain. */
static int explain_tag (lua_State *L, tl_script *s, const tl_tag *tag) {
  tl_err err = { .text = "" };
  tl_buf *head = tl_push_buffer(L);
  lhistory *h = lua_newuserdatauv(L, sizeof *h, 0);
  h->history = NULL;
  if (luaL_newmetatable(L, HISTORY)) {
    lua_pushcfunction(L, history_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  int at = lua_gettop(L);
  uint64_t before = tl_pattern_sum_begin();
  int rc = tl_explain_history_begin(&h->history, s->gateway, tag, head, &err);
  tl_pattern_sum_end(before);
  if (rc < 0) return luaL_error(L, "explain: %s", err.text);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.repl.explain");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "history");
  tl_push_document(L, tl_buf_bytes(head));
  lua_pushvalue(L, at);
  lua_pushcclosure(L, history_next, 1);
  lua_pushcfunction(L, tl_eval_rest);
  lua_callk(L, 3, 1, 0, explained);
  return explained(L, LUA_OK, 0);
}

static int wrong (lua_State *L) {
  return luaL_error(
      L, "explain: expected a topic and a payload, a message of messages(), or a tag, got %s",
      tl_push_got(L, 1));
}

int tl_word_explain (lua_State *L) {
  tl_script *s = tl_script_of(L);
  tl_err err = { .text = "" };
  size_t len;
  lua_settop(L, 3);
  tl_explain_message m = { .wall = tl_clock_wall_ms() };
  bool of_tag = luaL_testudata(L, 1, TL_TAG);
  tl_check_runs(L, "explain");
  if (!of_tag && lua_type(L, 1) == LUA_TTABLE) {
    m.topic = text_field(L, 1, "topic");
    m.payload = text_field(L, 1, "payload");
    m.has_payload = m.payload.at;
    if (!m.topic.at) return wrong(L);
    tl_read_message_options(L, 1, &m);
    if (lua_type(L, 2) == LUA_TTABLE) {
      tl_options_known(L, 2, "explain", "fresh");
      m.fresh = tl_option_flag(L, 2, "explain", "fresh") == 1;
    }
  } else if (!of_tag) {
    if (lua_type(L, 1) != LUA_TSTRING) return wrong(L);
    const char *text = lua_tolstring(L, 1, &len);
    m.topic = tl_slice_of(text, len);
    if (lua_type(L, 2) != LUA_TSTRING && !lua_isnil(L, 2))
      return luaL_error(L, "explain: expected the payload as a string, got %s", tl_push_got(L, 2));
    text = lua_tolstring(L, 2, &len);
    m.has_payload = text;
    if (text) m.payload = tl_slice_of(text, len);
    if (!lua_isnil(L, 3)) {
      tl_check_message_options(L, 3);
      tl_read_message_options(L, 3, &m);
    }
  }
  if (of_tag) return explain_tag(L, s, tl_check_tag(L, 1));
  tl_buf *out = tl_push_buffer(L);
  uint64_t before = tl_pattern_sum_begin();
  int rc = tl_explain(s->gateway, &m, out, &err);
  tl_pattern_sum_end(before);
  if (rc < 0) return luaL_error(L, "explain: %s", err.text);
  return push_result(L, out);
}

void tl_add_message_words (lua_State *L) {
  lua_pushcfunction(L, tl_word_explain);
  lua_setfield(L, -2, "explain");
  lua_pushcfunction(L, tl_word_messages);
  lua_setfield(L, -2, "messages");
}
