/* core/script/handlers.c — the user's functions: decode, encode, on_value, on_status, on_connect, on_disconnect. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "script/script.h"

void tl_give_memory_back (void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

/* A function, or a table that can be called like one (the config checked that). */
static int take_function (lua_State *L, int index, const char *name) {
  if (lua_getfield(L, index, name) != LUA_TNIL) return luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pop(L, 1);
  return LUA_NOREF;
}

static bool has_function (lua_State *L, int index, const char *name) {
  bool yes = lua_getfield(L, index, name) != LUA_TNIL;
  lua_pop(L, 1);
  return yes;
}

/* Is there any function in the station's record? Most stations have none, and get no block. */
static bool station_has_hooks (lua_State *L, int station, int tag_count) {
  if (has_function(L, station, "decode") || has_function(L, station, "encode") || has_function(L, station, "on_value") ||
      has_function(L, station, "on_status")) return true;
  bool any = false;
  lua_getfield(L, station, "tags");
  for (int i = 1; i <= tag_count && !any; i++) {
    lua_rawgeti(L, -1, i);
    any = has_function(L, lua_gettop(L), "on_value");
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return any;
}

tl_station_hooks *tl_read_station_hooks (lua_State *L, int index, int tag_count) {
  if (!station_has_hooks(L, index, tag_count)) return NULL;
  tl_station_hooks *h = calloc(1, sizeof *h + (size_t)tag_count * sizeof h->tag_on_value[0]);
  if (h == NULL) luaL_error(L, "not enough memory");
  h->kind = TL_HOOKS_STATION;
  h->refs = 1;
  h->tag_count = tag_count;
  h->decode = take_function(L, index, "decode");
  h->encode = take_function(L, index, "encode");
  h->on_value = take_function(L, index, "on_value");
  h->on_status = take_function(L, index, "on_status");
  lua_getfield(L, index, "tags");
  for (int i = 0; i < tag_count; i++) {
    lua_rawgeti(L, -1, i + 1);
    h->tag_on_value[i] = take_function(L, lua_gettop(L), "on_value");
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return h;
}

tl_line_hooks *tl_read_line_hooks (lua_State *L, int index) {
  if (!has_function(L, index, "on_connect") && !has_function(L, index, "on_disconnect") && !has_function(L, index, "on_value"))
    return NULL;
  tl_line_hooks *h = calloc(1, sizeof *h);
  if (h == NULL) luaL_error(L, "not enough memory");
  h->kind = TL_HOOKS_LINE;
  h->on_connect = take_function(L, index, "on_connect");
  h->on_disconnect = take_function(L, index, "on_disconnect");
  h->on_value = take_function(L, index, "on_value");
  return h;
}

/* ---- calls: what runs protected is named p_… ---- */

typedef struct {
  tl_script *s;
  tl_station *station;
  tl_tag *tag;
  tl_link *link;
  const tl_incoming *m;
  const tl_route *route;
  const tl_value *value;
  tl_outgoing *out;
  tl_err *err;
  const char *why;
  int64_t time_ms;
  int function;
  bool declined;
} call;

static void say (call *c, tl_buf *err, const char *what) {
  tl_buf scope, text;
  tl_buf_init(&scope);
  tl_buf_init(&text);
  if (c->station != NULL) tl_station_full_name(c->station, &scope);
  else if (c->link != NULL) tl_buf_str(&scope, tl_link_line(c->link)->name);
  tl_buf_byte(&scope, '\0');
  tl_buf_fmt(&text, "%s: ", what);
  tl_buf_slice(&text, tl_buf_bytes(err));
  if (!text.failed && !scope.failed) tl_script_say_error(c->s, (const char *)scope.at, tl_buf_bytes(&text));
  tl_buf_fini(&scope);
  tl_buf_fini(&text);
}

/* Run a handler; an error is logged once per text, counted, and costs nothing else. Returns whether it ran through. */
static bool run (call *c, lua_CFunction body, const char *what) {
  tl_buf err;
  tl_buf_init(&err);
  bool ok = tl_script_enter(c->s, body, c, c->s->handler_time, what, &err) == LUA_OK;
  if (!ok) {
    if (c->station != NULL) c->station->stats.handler_errors++;
    say(c, &err, what);
  }
  tl_buf_fini(&err);
  return ok;
}

static int p_decode (lua_State *L) {
  call *c = lua_touserdata(L, 1);
  const tl_station_hooks *h = c->station->user;
  int before = lua_gettop(L);
  void *message = tl_push_message(L, c->station, c->m, c->route, c->time_ms);
  lua_pushcfunction(L, tl_script_traceback);
  lua_rawgeti(L, LUA_REGISTRYINDEX, h->decode);
  lua_pushvalue(L, before + 1);
  int rc = lua_pcall(L, 1, 2, before + 2);
  tl_end_message(message); /* whoever kept it must not read a buffer that has moved on */
  if (rc != LUA_OK) return lua_error(L);
  c->declined = lua_isnil(L, before + 3);
  if (!c->declined) tl_take_samples(L, c->s, c->station, before + 3, c->time_ms);
  return 0;
}

static void decoder_failed (tl_station *s, int64_t time_ms) {
  for (uint16_t i = 0; i < s->plan->tag_count; i++)
    if (s->plan->tags[i].kind == TL_ADDRESS_NONE && !tl_type_is_output(s->plan->tags[i].type))
      tl_tag_invalidate(&s->tags[i], TL_REASON_DECODER, time_ms);
}

static bool has_decode (void *user) { return ((tl_station_hooks *)user)->decode != LUA_NOREF; }
static bool has_encode (void *user) { return ((tl_station_hooks *)user)->encode != LUA_NOREF; }

static void on_decode (void *ctx, tl_station *s, const tl_incoming *m, const tl_route *route) {
  call c = { .s = ctx, .station = s, .m = m, .route = route };
  if (!tl_station_begin(s, m)) return;
  c.time_ms = tl_station_addressed(s, m);
  if (!run(&c, p_decode, "decode")) decoder_failed(s, c.time_ms);
  else if (c.declined) s->stats.declined++;
}

static int p_encode (lua_State *L) {
  call *c = lua_touserdata(L, 1);
  const tl_station_hooks *h = c->station->user;
  size_t len;
  lua_rawgeti(L, LUA_REGISTRYINDEX, h->encode);
  tl_push_tag(L, c->tag);
  tl_push_value(L, tl_tag_def(c->tag)->type, c->value);
  tl_push_station(L, c->station);
  lua_call(L, 3, 3);
  if (lua_type(L, -3) != LUA_TSTRING)
    return luaL_error(L, "encode must return the payload as a string, got %s", tl_push_got(L, -3));
  const char *text = lua_tolstring(L, -3, &len);
  c->out->payload = tl_slice_of(text, len);
  if (!lua_isnil(L, -2)) {
    if (lua_type(L, -2) != LUA_TSTRING) return luaL_error(L, "encode: expected the topic as a string or nil, got %s", tl_push_got(L, -2));
    text = lua_tolstring(L, -2, &len);
    c->out->topic = tl_slice_of(text, len);
  }
  if (lua_istable(L, -1)) {
    if (lua_getfield(L, -1, "qos") != LUA_TNIL) {
      lua_Integer qos = luaL_checkinteger(L, -1);
      if (qos < 0 || qos > 2) return luaL_error(L, "encode: expected qos 0, 1 or 2, got %d", (int)qos);
      c->out->qos = (int)qos;
    }
    lua_pop(L, 1);
    if (lua_getfield(L, -1, "retain") != LUA_TNIL) c->out->retain = lua_toboolean(L, -1);
    lua_pop(L, 1);
  } else if (!lua_isnil(L, -1)) {
    return luaL_error(L, "encode: expected a table { qos =, retain = } or nil, got %s", tl_push_got(L, -1));
  }
  lua_settop(L, 4);
  lua_createtable(L, 2, 0); /* the texts must outlive the call: the registry holds them until the next one */
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, 3);
  lua_rawseti(L, -2, 2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, c->s);
  return 0;
}

static int on_encode (void *ctx, tl_tag *t, const tl_value *v, tl_outgoing *out, tl_err *err) {
  call c = { .s = ctx, .station = t->station, .tag = t, .value = v, .out = out };
  tl_buf text;
  int rc = TL_OK;
  tl_buf_init(&text);
  if (tl_script_enter(c.s, p_encode, &c, c.s->handler_time, "encode", &text) != LUA_OK) {
    const uint8_t *line_end = memchr(text.at, '\n', text.len);
    t->station->stats.handler_errors++;
    say(&c, &text, "encode");
    rc = tl_fail(err, TL_ETYPE, 0, "encode: %.*s", (int)(line_end != NULL ? (size_t)(line_end - text.at) : text.len), (char *)text.at);
  }
  tl_buf_fini(&text);
  return rc;
}

static int p_value (lua_State *L) {
  call *c = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
  tl_push_tag(L, c->tag);
  lua_call(L, 1, 0);
  return 0;
}

/* The nearest first: the tag's own function, its station's, its line's. */
static void on_value (void *ctx, tl_tag *t) {
  call c = { .s = ctx, .station = t->station, .tag = t };
  const tl_station_hooks *h = t->station->user;
  tl_link *l = tl_line_link(t->station->line);
  const tl_line_hooks *lh = l != NULL ? tl_link_user(l) : NULL;
  uint16_t index = t->index;
  int functions[3] = { h != NULL && index < h->tag_count ? h->tag_on_value[index] : LUA_NOREF, h != NULL ? h->on_value : LUA_NOREF,
                       lh != NULL ? lh->on_value : LUA_NOREF };
  for (int i = 0; i < 3; i++) {
    if (functions[i] == LUA_NOREF) continue;
    c.function = functions[i];
    run(&c, p_value, "on_value");
  }
}

static int p_status (lua_State *L) {
  call *c = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
  tl_push_station(L, c->station);
  lua_call(L, 1, 0);
  return 0;
}

static void on_status (void *ctx, tl_station *s, tl_station_status before) {
  const tl_station_hooks *h = s->user;
  call c = { .s = ctx, .station = s, .function = h->on_status };
  (void)before;
  if (h->on_status != LUA_NOREF) run(&c, p_status, "on_status");
}

static int p_line (lua_State *L) {
  call *c = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
  tl_push_line(L, tl_link_line(c->link));
  if (c->why != NULL) lua_pushstring(L, c->why);
  lua_call(L, c->why != NULL ? 2 : 1, 0);
  return 0;
}

static void on_line (void *ctx, tl_link *l, bool up, const char *why) {
  const tl_line_hooks *h = tl_link_user(l);
  call c = { .s = ctx, .link = l, .function = up ? h->on_connect : h->on_disconnect, .why = up ? NULL : why };
  if (c.function != LUA_NOREF) run(&c, p_line, up ? "on_connect" : "on_disconnect");
}

static void *on_share (void *ctx, void *user) {
  (void)ctx;
  ((tl_station_hooks *)user)->refs++;
  return user;
}

static void on_release (void *ctx, void *user) {
  tl_script *s = ctx;
  tl_hooks_kind kind = *(tl_hooks_kind *)user;
  if (kind == TL_HOOKS_LINE) {
    tl_line_hooks *h = user;
    luaL_unref(s->L, LUA_REGISTRYINDEX, h->on_connect);
    luaL_unref(s->L, LUA_REGISTRYINDEX, h->on_disconnect);
    luaL_unref(s->L, LUA_REGISTRYINDEX, h->on_value);
    free(h);
    return;
  }
  tl_station_hooks *h = user;
  if (--h->refs > 0) return;
  luaL_unref(s->L, LUA_REGISTRYINDEX, h->decode);
  luaL_unref(s->L, LUA_REGISTRYINDEX, h->encode);
  luaL_unref(s->L, LUA_REGISTRYINDEX, h->on_value);
  luaL_unref(s->L, LUA_REGISTRYINDEX, h->on_status);
  for (int i = 0; i < h->tag_count; i++) luaL_unref(s->L, LUA_REGISTRYINDEX, h->tag_on_value[i]);
  free(h);
}

const tl_handlers tl_script_handlers = {
  .has_decode = has_decode, .decode = on_decode, .has_encode = has_encode, .encode = on_encode,
  .value = on_value, .status = on_status, .line = on_line, .share = on_share, .release = on_release,
};
