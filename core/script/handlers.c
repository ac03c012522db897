/* core/script/handlers.c — the user's functions: prepare, decode, encode, on_value, on_status,
** on_connect, on_disconnect. */
#include <stdlib.h>
#include <string.h>

#include "script/message_words.h"
#include "script/script.h"
#include "script/turn.h"

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

/* The functions among the steps of prepare, of which there are `n`; with `to` NULL they are
** only counted. */
static int take_prepare (lua_State *L, int station, int *to) {
  int n = 0;
  lua_getfield(L, station, "prepare");
  lua_Integer steps = lua_istable(L, -1) ? luaL_len(L, -1) : 0;
  for (lua_Integer i = 1; i <= steps && n < TL_PREPARE_MAX; i++) {
    if (lua_rawgeti(L, -1, i) == LUA_TSTRING) {
      lua_pop(L, 1);
      continue;
    }
    if (to)
      to[n] = luaL_ref(L, LUA_REGISTRYINDEX);
    else
      lua_pop(L, 1);
    n++;
  }
  lua_pop(L, 1);
  return n;
}

/* Is there any function in the station's record? Most stations have none, and get no block. */
static bool station_has_hooks (lua_State *L, int station, int tag_count) {
  if (has_function(L, station, "decode") || has_function(L, station, "encode") ||
      has_function(L, station, "on_value") || has_function(L, station, "on_status"))
    return true;
  bool any = take_prepare(L, station, NULL) > 0;
  lua_getfield(L, station, "tags");
  for (int i = 1; i <= tag_count && !any; i++) {
    lua_rawgeti(L, -1, i);
    any = has_function(L, lua_gettop(L), "on_value");
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return any;
}

static tl_station_hooks *new_hooks (tl_station_functions *functions) {
  tl_station_hooks *h = functions ? calloc(1, sizeof *h) : NULL;
  if (!h) return NULL;
  h->kind = TL_HOOKS_STATION;
  h->functions = functions;
  functions->refs++;
  return h;
}

tl_station_hooks *tl_read_station_hooks (lua_State *L, int index, int tag_count) {
  if (!station_has_hooks(L, index, tag_count)) return NULL;
  tl_station_functions *h = calloc(1, sizeof *h + (size_t)tag_count * sizeof h->tag_on_value[0]);
  tl_station_hooks *user = new_hooks(h);
  if (!user) {
    free(h);
    luaL_error(L, "not enough memory");
  }
  h->tag_count = tag_count;
  h->names = h->wanted = LUA_NOREF;
  h->decode = take_function(L, index, "decode");
  h->encode = take_function(L, index, "encode");
  h->on_value = take_function(L, index, "on_value");
  h->on_status = take_function(L, index, "on_status");
  h->prepare_count = take_prepare(L, index, h->prepare);
  h->values = h->on_value != LUA_NOREF;
  lua_getfield(L, index, "tags");
  for (int i = 0; i < tag_count; i++) {
    lua_rawgeti(L, -1, i + 1);
    h->tag_on_value[i] = take_function(L, lua_gettop(L), "on_value");
    h->values = h->values || h->tag_on_value[i] != LUA_NOREF;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return user;
}

tl_line_hooks *tl_read_line_hooks (lua_State *L, int index) {
  if (!has_function(L, index, "on_connect") && !has_function(L, index, "on_disconnect") &&
      !has_function(L, index, "before_disconnect") && !has_function(L, index, "on_value") &&
      !has_function(L, index, "will") && !has_function(L, index, "ws_headers"))
    return NULL;
  tl_line_hooks *h = calloc(1, sizeof *h);
  if (!h) luaL_error(L, "not enough memory");
  h->kind = TL_HOOKS_LINE;
  h->on_connect = take_function(L, index, "on_connect");
  h->on_disconnect = take_function(L, index, "on_disconnect");
  h->before_disconnect = take_function(L, index, "before_disconnect");
  h->on_value = take_function(L, index, "on_value");
  h->will = take_function(L, index, "will");
  h->ws_headers = take_function(L, index, "ws_headers");
  return h;
}

/* A short call costs less than looking at the clock twice: when there are many, some of them
** stand for the others. */
enum { ALL_TIMED = 256, TIMED_OF = 16 };

/* --- calls: what runs protected is named p_… --- */

typedef struct {
  tl_script *s;
  tl_station *station;
  tl_tag *tag;
  tl_link *link;
  const tl_value *value;
  tl_outgoing *out;
  tl_err *err;
  const char *why;
  tl_message_now *message;
  int function;
  tl_slice payload; /* prepare */
  tl_buf *prepared;
  bool declined, returned; /* decode */
  bool gone;               /* decode: the device is, since gone_ms */
  int64_t gone_ms;
} call;

/* What decode returned was wrong: no line of it is running any more, so its first one is told. */
static void add_place (const call *c, tl_buf *text) {
  lua_Debug ar;
  const tl_station_hooks *h = c->station ? c->station->user : NULL;
  if (!c->returned || !h) return;
  if (lua_rawgeti(c->s->box.L, LUA_REGISTRYINDEX, h->functions->decode) != LUA_TFUNCTION) {
    lua_pop(c->s->box.L, 1);
    return;
  }
  lua_getinfo(c->s->box.L, ">S", &ar);
  if (ar.linedefined > 0) tl_buf_fmt(text, "%s:%d: ", ar.short_src, ar.linedefined);
}

static void say (call *c, tl_buf *err, const char *what) {
  if (c->s->error_known) return;
  tl_script_note_known(c->s);
  tl_buf scope, text;
  tl_buf_init(&scope);
  tl_buf_init(&text);
  if (c->station)
    tl_station_full_name(c->station, &scope);
  else if (c->link)
    tl_buf_str(&scope, tl_link_line(c->link)->name);
  tl_buf_byte(&scope, '\0');
  tl_buf_fmt(&text, "%s: ", what);
  add_place(c, &text);
  tl_buf_slice(&text, tl_buf_bytes(err));
  if (!text.failed && !scope.failed)
    tl_script_say_error(c->s, (const char *)scope.at, tl_buf_bytes(&text));
  tl_buf_fini(&scope);
  tl_buf_fini(&text);
}

const char *const tl_call_names[TL_CALLS] = { "decode", "encode", "on_value", "on_status",
                                              "prepare" };

/* What fails now is told by status(), until it works again. */
static void note_fate (const call *c, int rc, const char *what, const tl_buf *err) {
  if (rc != LUA_OK)
    tl_failure_note(c->s, c->station, c->link, what, tl_buf_bytes(err));
  else if (c->s->failures)
    tl_failure_clear(c->s, c->station, c->link, what);
}

/* Through the door, and counted. The station's hooks may be released meanwhile (a handler that
** reloads): they are looked up after it. */
static int enter (call *c, lua_CFunction body, tl_call_kind kind, tl_buf *err) {
  const tl_station_hooks *before = c->station->user;
  bool timed =
      !before || before->stats[kind].calls < ALL_TIMED || before->stats[kind].calls % TIMED_OF == 0;
  uint64_t began = timed ? tl_ticks() : 0;
  const void *scope = c->s->scope;
  c->s->box.looked_ticks = 0;
  c->s->error_known = false;
  c->s->scope = c->station;
  c->s->scope_kind = kind;
  int rc = tl_script_enter(c->s, body, c, c->s->box.handler_time, tl_call_names[kind], err);
  c->s->scope = scope;
  note_fate(c, rc, tl_call_names[kind], err);
  tl_station_hooks *h = c->station->user;
  if (!h) return rc;
  tl_call_stats *stats = &h->stats[kind];
  uint64_t took = 0;
  /* a long one: from where somebody looked */
  if (!timed && c->s->box.looked_ticks > 0) began = c->s->box.looked_ticks;
  if (began > 0) took = tl_ticks() - began;
  stats->ticks += timed && stats->calls >= ALL_TIMED ? took * TIMED_OF : took;
  stats->calls++;
  if (took > stats->longest) stats->longest = took;
  if (rc == LUA_OK) return rc;
  stats->errors++;
  c->station->stats.handler_errors++;
  return rc;
}

/* Run a station's handler; an error is logged once per text, counted, and costs nothing else.
** Returns whether it ran through. */
static bool run (call *c, lua_CFunction body, tl_call_kind kind) {
  tl_buf err;
  tl_buf_init(&err);
  bool ok = enter(c, body, kind, &err) == LUA_OK;
  if (!ok) say(c, &err, tl_call_names[kind]);
  tl_buf_fini(&err);
  return ok;
}

void tl_push_call_stats (lua_State *L, const tl_station *station) {
  const tl_script *s = tl_script_of(L);
  const tl_station_hooks *h = station->user;
  const tl_station_functions *f = h ? h->functions : NULL;
  lua_createtable(L, 0, TL_CALLS);
  if (!f) return;
  bool values = f->values || h->stats[TL_CALL_VALUE].calls > 0;
  const bool there[TL_CALLS] = { f->decode != LUA_NOREF, f->encode != LUA_NOREF, values,
                                 f->on_status != LUA_NOREF, f->prepare_count > 0 };
  for (int kind = 0; kind < TL_CALLS; kind++) {
    const tl_call_stats *stats = &h->stats[kind];
    if (!there[kind]) continue;
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, (lua_Integer)stats->calls);
    lua_setfield(L, -2, "calls");
    lua_pushinteger(L, (lua_Integer)stats->errors);
    lua_setfield(L, -2, "errors");
    lua_pushnumber(L, tl_ticks_seconds(&s->box, stats->ticks));
    lua_setfield(L, -2, "time");
    lua_pushnumber(L, tl_ticks_seconds(&s->box, stats->longest));
    lua_setfield(L, -2, "longest");
    lua_setfield(L, -2, tl_call_names[kind]);
  }
}

static int p_decode (lua_State *L) {
  call *c = lua_touserdata(L, 1);
  const tl_station_hooks *h = c->station->user;
  lua_rawgeti(L, LUA_REGISTRYINDEX, h->functions->decode);
  tl_push_message(L, c->message);
  lua_call(L, 1, 3);
  c->returned = true;
  int first = lua_gettop(L) - 2;
  c->gone_ms = c->message->time_ms;
  c->gone = tl_take_gone(L, first, &c->gone_ms);
  c->declined = lua_isnil(L, first) && !c->gone;
  if (lua_isnil(L, first)) return 0;
  c->s->box.budget.resting = true;
  tl_take_samples(L, c->s, c->station, first, c->message->time_ms, c->message->reading);
  return 0;
}

static void decoder_failed (tl_station *s, int64_t time_ms) {
  for (uint16_t i = 0; i < s->plan->tag_count; i++)
    if (s->plan->tags[i].kind == TL_ADDRESS_NONE && !tl_type_is_output(s->plan->tags[i].type))
      tl_tag_invalidate(&s->tags[i], TL_REASON_DECODER, time_ms);
}

static bool has_decode (void *user) {
  return ((tl_station_hooks *)user)->functions->decode != LUA_NOREF;
}
static bool has_encode (void *user) {
  return ((tl_station_hooks *)user)->functions->encode != LUA_NOREF;
}

static int on_decode (void *ctx, tl_station *s, const tl_incoming *m, const tl_route *route) {
  tl_reading reading;
  tl_message_now message = { .station = s, .m = m, .route = route, .reading = &reading };
  call c = { .s = ctx, .station = s, .message = &message };
  if (!tl_station_begin(s, m)) return TL_OK;
  message.time_ms = tl_station_read(s, m, &reading);
  if (!s->user) { /* a handler of the status wanted otherwise */
    tl_station_set(&reading, message.time_ms);
    return TL_OK;
  }
  c.s->box.system_refused = false;
  bool ok = run(&c, p_decode, TL_CALL_DECODE);
  tl_end_message(c.s, &message); /* whoever kept it must not read a buffer that has moved on */
  if (!ok && c.s->box.system_refused) return TL_ENOMEM;
  tl_station_set(&reading, message.time_ms); /* where decode did not come to it */
  if (!ok)
    decoder_failed(s, message.time_ms);
  else if (c.gone)
    tl_station_gone(s, m->now, c.gone_ms);
  else if (c.declined)
    s->stats.declined++;
  return TL_OK;
}

static int p_prepare (lua_State *L) {
  call *c = lua_touserdata(L, 1);
  size_t len;
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
  tl_push_outside(L, c->payload);
  lua_call(L, 1, 1);
  c->declined = lua_isnil(L, -1);
  if (c->declined) return 0;
  if (lua_type(L, -1) != LUA_TSTRING)
    return luaL_error(L, "prepare must return the payload as a string, or nil, got %s",
                      tl_push_got(L, -1));
  const char *text = lua_tolstring(L, -1, &len);
  tl_buf_add(c->prepared, text, len);
  return 0;
}

static int on_prepare (void *ctx, tl_station *s, unsigned which, tl_slice payload, tl_buf *out,
                       tl_buf *error) {
  const tl_station_hooks *h = s->user;
  call c = { .s = ctx, .station = s, .payload = payload, .prepared = out };
  if (!h || (int)which >= h->functions->prepare_count) return TL_ETYPE;
  c.function = h->functions->prepare[which];
  bool ok =
      error ? tl_script_enter(c.s, p_prepare, &c, c.s->box.handler_time, "prepare", error) == LUA_OK
            : run(&c, p_prepare, TL_CALL_PREPARE);
  if (!ok) return TL_ETYPE;
  return c.declined ? TL_ENOENT : TL_OK;
}

static int p_encode (lua_State *L) {
  call *c = lua_touserdata(L, 1);
  const tl_station_hooks *h = c->station->user;
  size_t len;
  lua_rawgeti(L, LUA_REGISTRYINDEX, h->functions->encode);
  tl_push_tag(L, c->tag);
  tl_push_value(L, tl_tag_def(c->tag)->type, c->value);
  tl_push_station(L, c->station);
  lua_call(L, 3, 3);
  if (lua_type(L, -3) != LUA_TSTRING)
    return luaL_error(L, "encode must return the payload as a string, got %s", tl_push_got(L, -3));
  const char *text = lua_tolstring(L, -3, &len);
  c->out->payload = tl_slice_of(text, len);
  if (!lua_isnil(L, -2)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      return luaL_error(L, "encode: expected the topic as a string or nil, got %s",
                        tl_push_got(L, -2));
    text = lua_tolstring(L, -2, &len);
    c->out->topic = tl_slice_of(text, len);
  }
  if (lua_istable(L, -1)) {
    if (lua_getfield(L, -1, "qos") != LUA_TNIL) {
      lua_Integer qos = luaL_checkinteger(L, -1);
      if (qos < 0 || qos > 2)
        return luaL_error(L, "encode: expected qos 0, 1 or 2, got %d", (int)qos);
      c->out->qos = (int)qos;
    }
    lua_pop(L, 1);
    if (lua_getfield(L, -1, "retain") != LUA_TNIL) c->out->retain = lua_toboolean(L, -1);
    lua_pop(L, 1);
  } else if (!lua_isnil(L, -1)) {
    return luaL_error(L, "encode: expected a table { qos =, retain = } or nil, got %s",
                      tl_push_got(L, -1));
  }
  lua_settop(L, 4);
  /* the texts must outlive the call: the registry holds them until the next one */
  lua_createtable(L, 2, 0);
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
  if (enter(&c, p_encode, TL_CALL_ENCODE, &text) != LUA_OK) {
    const uint8_t *line_end = text.len > 0 ? memchr(text.at, '\n', text.len) : NULL;
    say(&c, &text, "encode");
    size_t len = line_end ? (size_t)(line_end - text.at) : text.len;
    rc = tl_fail(err, TL_ETYPE, 0, "encode: %.*s", (int)len, (char *)text.at);
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

/* The nearest first: the tag's own function, its station's, its line's. False: there is none
** from `from` on. */
static bool value_functions (const tl_tag *t, int from, int functions[3]) {
  const tl_station_hooks *user = t->station->user;
  const tl_station_functions *h = user ? user->functions : NULL;
  tl_link *l = tl_line_link(t->station->line);
  const tl_line_hooks *lh = l ? tl_link_user(l) : NULL;
  uint16_t index = t->index;
  functions[0] = h && h->values && index < h->tag_count ? h->tag_on_value[index] : LUA_NOREF;
  functions[1] = h ? h->on_value : LUA_NOREF;
  functions[2] = lh ? lh->on_value : LUA_NOREF;
  for (int i = from; i < 3; i++)
    if (functions[i] != LUA_NOREF) return true;
  return false;
}

void tl_handler_value_now (tl_script *s, tl_tag *t, int from) {
  call c = { .s = s, .station = t->station, .tag = t };
  int functions[3];
  /* Read anew for each: one may have the config reloaded. */
  for (int i = from; i < 3 && value_functions(t, i, functions); i++) {
    if (functions[i] == LUA_NOREF) continue;
    if (i > from && tl_turn_value_waits(s, t, i)) return;
    c.function = functions[i];
    run(&c, p_value, TL_CALL_VALUE);
  }
}

static void on_value (void *ctx, tl_tag *t) {
  int functions[3];
  if (!value_functions(t, 0, functions) || tl_turn_value_waits(ctx, t, 0)) return;
  tl_handler_value_now(ctx, t, 0);
}

static int p_status (lua_State *L) {
  call *c = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
  tl_push_station(L, c->station);
  lua_call(L, 1, 0);
  return 0;
}

void tl_handler_status_now (tl_script *s, tl_station *station) {
  const tl_station_hooks *h = station->user;
  call c = { .s = s, .station = station, .function = h ? h->functions->on_status : LUA_NOREF };
  if (c.function != LUA_NOREF) run(&c, p_status, TL_CALL_STATUS);
}

static void on_status (void *ctx, tl_station *s, tl_station_status before) {
  const tl_station_hooks *h = s->user;
  (void)before;
  if (h->functions->on_status == LUA_NOREF || tl_turn_status_waits(ctx, s)) return;
  tl_handler_status_now(ctx, s);
}

static int p_line (lua_State *L) {
  call *c = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
  tl_push_line(L, tl_link_line(c->link));
  if (c->why) lua_pushstring(L, c->why);
  lua_call(L, c->why ? 2 : 1, 0);
  return 0;
}

/* One of a line's functions, behind the door: an error is said and counted. */
static int enter_line (void *ctx, tl_link *l, lua_CFunction f, void *arg, const char *what) {
  call c = { .s = ctx, .link = l };
  tl_buf err;
  tl_buf_init(&err);
  int rc = tl_script_enter(c.s, f, arg, c.s->box.handler_time, what, &err);
  note_fate(&c, rc, what, &err);
  if (rc != LUA_OK) say(&c, &err, what);
  tl_buf_fini(&err);
  return rc;
}

static void call_line (void *ctx, tl_link *l, int function, const char *why, const char *what) {
  call c = { .s = ctx, .link = l, .function = function, .why = why };
  if (function != LUA_NOREF) enter_line(ctx, l, p_line, &c, what);
}

static void on_line (void *ctx, tl_link *l, bool up, const char *why) {
  const tl_line_hooks *h = tl_link_user(l);
  if (up)
    call_line(ctx, l, h->on_connect, NULL, "on_connect");
  else
    call_line(ctx, l, h->on_disconnect, why, "on_disconnect");
}

static void before_disconnect (void *ctx, tl_link *l) {
  const tl_line_hooks *h = tl_link_user(l);
  call_line(ctx, l, h->before_disconnect, NULL, "before_disconnect");
}

typedef struct {
  int function;
  tl_buf *out;
} will_call;

static int p_will (lua_State *L) {
  const will_call *c = lua_touserdata(L, 1);
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

static bool on_will (void *ctx, tl_link *l, tl_buf *out) {
  const tl_line_hooks *h = tl_link_user(l);
  will_call w = { h->will, out };
  return h->will != LUA_NOREF && enter_line(ctx, l, p_will, &w, "will_message") == LUA_OK;
}

/* What the function returns is checked as a config's table is; lines with a NUL behind each. */
static int p_headers (lua_State *L) {
  const will_call *c = lua_touserdata(L, 1);
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

static bool on_headers (void *ctx, tl_link *l, tl_buf *out) {
  const tl_line_hooks *h = tl_link_user(l);
  if (!h || h->ws_headers == LUA_NOREF) return true;
  will_call w = { h->ws_headers, out };
  return enter_line(ctx, l, p_headers, &w, "ws_headers") == LUA_OK && !out->failed;
}

/* Each instance has statistics of its own. No memory: it has no handlers. */
static void *on_share (void *ctx, void *user) {
  (void)ctx;
  return new_hooks(((tl_station_hooks *)user)->functions);
}

static void release_functions (lua_State *L, tl_station_functions *h) {
  if (--h->refs > 0) return;
  luaL_unref(L, LUA_REGISTRYINDEX, h->decode);
  luaL_unref(L, LUA_REGISTRYINDEX, h->encode);
  for (int i = 0; i < h->prepare_count; i++) luaL_unref(L, LUA_REGISTRYINDEX, h->prepare[i]);
  luaL_unref(L, LUA_REGISTRYINDEX, h->on_value);
  luaL_unref(L, LUA_REGISTRYINDEX, h->on_status);
  luaL_unref(L, LUA_REGISTRYINDEX, h->names);
  luaL_unref(L, LUA_REGISTRYINDEX, h->wanted);
  for (int i = 0; i < h->tag_count; i++) luaL_unref(L, LUA_REGISTRYINDEX, h->tag_on_value[i]);
  free(h);
}

static void on_release (void *ctx, void *user) {
  lua_State *L = ((tl_script *)ctx)->box.L;
  if (*(tl_hooks_kind *)user == TL_HOOKS_STATION) {
    release_functions(L, ((tl_station_hooks *)user)->functions);
  } else {
    const tl_line_hooks *h = user;
    luaL_unref(L, LUA_REGISTRYINDEX, h->on_connect);
    luaL_unref(L, LUA_REGISTRYINDEX, h->on_disconnect);
    luaL_unref(L, LUA_REGISTRYINDEX, h->before_disconnect);
    luaL_unref(L, LUA_REGISTRYINDEX, h->on_value);
    luaL_unref(L, LUA_REGISTRYINDEX, h->will);
    luaL_unref(L, LUA_REGISTRYINDEX, h->ws_headers);
  }
  free(user);
}

const tl_handlers tl_script_handlers = { .has_decode = has_decode,
                                         .decode = on_decode,
                                         .rehearse = tl_script_rehearse,
                                         .prepare = on_prepare,
                                         .has_encode = has_encode,
                                         .encode = on_encode,
                                         .will = on_will,
                                         .headers = on_headers,
                                         .before_disconnect = before_disconnect,
                                         .share = on_share,
                                         .release = on_release };

void tl_script_observe (tl_script *s) {
  s->acting = (tl_observer){
    .value = on_value, .status = on_status, .line = on_line, .ctx = s, .acts = true
  };
  tl_gateway_observe(s->gateway, &s->acting);
}
