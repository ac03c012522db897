/* core/script/line_handlers.c — the functions of a line: on_connect, on_disconnect,
** before_disconnect, and those that make its will and the headers of its WebSocket. */
#include "script/handlers_impl.h"
#include "script/news.h"
#include "script/turn.h"

typedef struct {
  tl_link *link;
  int function;
  const char *why; /* NULL: the line is the function's only argument */
} line_call;

static int p_line (lua_State *L) {
  const line_call *c = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
  tl_push_line(L, tl_link_line(c->link));
  if (c->why) lua_pushstring(L, c->why);
  lua_call(L, c->why ? 2 : 1, 0);
  return 0;
}

static void call_line (void *ctx, tl_link *l, int function, const char *why, const char *what) {
  line_call c = { .link = l, .function = function, .why = why };
  if (function == LUA_NOREF) return;
  if (tl_turn_end_is_used(ctx))
    tl_log(TL_LOG_WARN, tl_link_line(l)->name,
           "%s is not called: such functions have 0.5 s together when the process ends", what);
  else
    tl_handler_call_line(ctx, l, p_line, &c, what);
}

void tl_handler_line (void *ctx, tl_link *l, bool up, const char *why) {
  const tl_line_hooks *h = tl_link_user(l);
  int function = up ? h->on_connect : h->on_disconnect;
  if (function != LUA_NOREF && !tl_news_line_waits(ctx, l, up, why))
    tl_handler_line_now(ctx, l, up, why);
}

void tl_handler_line_now (tl_script *s, tl_link *l, bool up, const char *why) {
  const tl_line_hooks *h = tl_link_user(l);
  if (!h) return;
  if (up)
    call_line(s, l, h->on_connect, NULL, "on_connect");
  else
    call_line(s, l, h->on_disconnect, why, "on_disconnect");
}

void tl_handler_before_disconnect (void *ctx, tl_link *l) {
  const tl_line_hooks *h = tl_link_user(l);
  call_line(ctx, l, h->before_disconnect, NULL, "before_disconnect");
}

void tl_handler_reload_begins (void *ctx) { tl_news_reload_begins(ctx); }
bool tl_handler_line_first (void *ctx, tl_link *l) { return tl_news_line_first(ctx, l); }
bool tl_handler_line_leaves (void *ctx, tl_link *l) { return tl_news_line_leaves(ctx, l); }

/* A call of a function that returns a text. */
typedef struct {
  int function;
  tl_buf *out;
} text_call;

static int p_will (lua_State *L) {
  const text_call *c = lua_touserdata(L, 1);
  size_t len;
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
  lua_call(L, 0, 1);
  if (lua_type(L, -1) != LUA_TSTRING)
    return luaL_error(L, "will_message: expected the payload as a string, got %s",
                      tl_push_got(L, -1));
  const char *text = lua_tolstring(L, -1, &len);
  if (len > UINT16_MAX)
    return luaL_error(L, "will_message: expected at most 65535 bytes, got %I", (LUAI_UACINT)len);
  tl_buf_slice(c->out, tl_slice_of(text, len));
  return 0;
}

bool tl_handler_has_will (void *user) { return ((const tl_line_hooks *)user)->will != LUA_NOREF; }

bool tl_handler_will (void *ctx, tl_link *l, tl_buf *out) {
  const tl_line_hooks *h = tl_link_user(l);
  text_call w = { h->will, out };
  return h->will != LUA_NOREF && tl_handler_call_line(ctx, l, p_will, &w, "will_message") == LUA_OK;
}

/* Check what the function returned as the config checks a table of headers. Each header is
** appended with a NUL behind it. */
static int p_headers (lua_State *L) {
  const text_call *c = lua_touserdata(L, 1);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.config.transport");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "headers");
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
  lua_call(L, 0, 1);
  lua_call(L, 1, 2);
  if (!lua_isnil(L, -2)) return luaL_error(L, "ws_headers: %s", lua_tostring(L, -2));
  for (lua_Integer i = 1, n = luaL_len(L, -1); i <= n; i++) {
    size_t len;
    lua_rawgeti(L, -1, i);
    const char *text = lua_tolstring(L, -1, &len);
    tl_buf_slice(c->out, tl_slice_of(text, len));
    tl_buf_byte(c->out, 0);
    lua_pop(L, 1);
  }
  return 0;
}

bool tl_handler_headers (void *ctx, tl_link *l, tl_buf *out) {
  const tl_line_hooks *h = tl_link_user(l);
  if (!h || h->ws_headers == LUA_NOREF) return true;
  text_call w = { h->ws_headers, out };
  return tl_handler_call_line(ctx, l, p_headers, &w, "ws_headers") == LUA_OK && !out->failed;
}
