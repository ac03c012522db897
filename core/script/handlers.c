/* core/script/handlers.c — how a function of the user is called, timed and counted; and the
** functions of stations and tags: prepare, decode, encode, on_value, on_status. */
#include <string.h>

#include "script/handlers_impl.h"
#include "script/l_options.h"
#include "script/message_words.h"
#include "script/news.h"

/* A short call costs less than reading the clock twice. So the first 256 calls are timed, and
** after that every 16th stands for the others. */
enum { ALL_TIMED = 256, TIMED_OF = 16 };

/* --- calls; functions that run protected are named p_… --- */

typedef struct {
  tl_script *s;
  tl_station *station;
  tl_tag *tag;
  tl_link *link;
  const tl_value *value;
  tl_outgoing *out;
  tl_err *err;
  tl_message_now *message;
  int function;
  tl_slice payload; /* prepare */
  tl_buf *prepared;
  bool declined, returned; /* decode */
  bool gone;               /* decode says that the device is gone, since gone_ms */
  int64_t gone_ms;
} call;

/* Add the function's first line to an error about its result: it has returned, so no line of
** it is running. */
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

static void log_error (call *c, tl_buf *err, const char *what) {
  if (c->s->errors.is_known) return;
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
    tl_script_log_error(c->s, (const char *)scope.at, tl_buf_bytes(&text));
  tl_buf_fini(&scope);
  tl_buf_fini(&text);
}

const char *const tl_call_names[TL_CALLS] = { "decode", "encode", "on_value", "on_status",
                                              "prepare" };

/* Tell status() that the function fails, or that it works again. */
static void record_outcome (const call *c, int rc, const char *what, const tl_buf *err) {
  if (rc != LUA_OK)
    tl_failure_note(c->s, c->station, c->link, what, tl_buf_bytes(err));
  else if (c->s->errors.failing)
    tl_failure_clear(c->s, c->station, c->link, what);
}

/* Call through the door, and count. A handler may reload, which frees the station's functions:
** they are looked up again afterwards. */
static int call_timed (call *c, lua_CFunction body, tl_call_kind kind, tl_buf *err) {
  const tl_station_hooks *before = c->station->user;
  bool timed =
      !before || before->stats[kind].calls < ALL_TIMED || before->stats[kind].calls % TIMED_OF == 0;
  uint64_t began = timed ? tl_ticks() : 0, away = c->s->box.away_ticks;
  c->s->box.checked_ticks = 0;
  const tl_station *outer = tl_errors_begin(c->s, c->station, kind);
  int rc = tl_script_enter(c->s, body, c, c->s->box.handler_time, tl_call_names[kind], err);
  tl_errors_end(c->s, outer);
  record_outcome(c, rc, tl_call_names[kind], err);
  tl_station_hooks *h = c->station->user;
  if (!h) return rc;
  tl_call_stats *stats = &h->stats[kind];
  uint64_t took = 0;
  /* not timed, but the call was long enough for a look at the clock: counted from there */
  if (!timed && c->s->box.checked_ticks > 0) began = c->s->box.checked_ticks;
  if (began > 0) took = tl_ticks() - began - (c->s->box.away_ticks - away);
  stats->ticks += timed && stats->calls >= ALL_TIMED ? took * TIMED_OF : took;
  stats->calls++;
  if (took > stats->longest) stats->longest = took;
  if (rc == LUA_OK) return rc;
  stats->errors++;
  c->station->stats.handler_errors++;
  return rc;
}

/* Run a station's handler. An error is counted, and logged once for each text. Returns whether
** the function succeeded. */
static bool call_handler (call *c, lua_CFunction body, tl_call_kind kind) {
  tl_buf err;
  tl_buf_init(&err);
  bool ok = call_timed(c, body, kind, &err) == LUA_OK;
  if (!ok) log_error(c, &err, tl_call_names[kind]);
  tl_buf_fini(&err);
  return ok;
}

void tl_script_handlers_of (const tl_script *s, const tl_station *station,
                            tl_handler_facts out[TL_HANDLER_KINDS]) {
  _Static_assert((int)TL_HANDLER_KINDS == (int)TL_CALLS, "a kind is missing");
  const tl_station_hooks *h = station->user;
  const tl_station_functions *f = h ? h->functions : NULL;
  const bool there[TL_CALLS] = { f && f->decode != LUA_NOREF, f && f->encode != LUA_NOREF,
                                 f && (f->values || h->stats[TL_CALL_VALUE].calls > 0),
                                 f && f->on_status != LUA_NOREF, f && f->prepare_count > 0 };
  for (int kind = 0; kind < TL_CALLS; kind++) {
    out[kind] = (tl_handler_facts){ .name = tl_call_names[kind], .there = there[kind] };
    if (!h) continue;
    out[kind].calls = h->stats[kind].calls;
    out[kind].errors = h->stats[kind].errors;
    out[kind].seconds = tl_ticks_seconds(&s->box, h->stats[kind].ticks);
    out[kind].longest = tl_ticks_seconds(&s->box, h->stats[kind].longest);
  }
}

void tl_push_call_stats (lua_State *L, const tl_station *station) {
  tl_handler_facts kinds[TL_HANDLER_KINDS];
  tl_script_handlers_of(tl_script_of(L), station, kinds);
  lua_createtable(L, 0, TL_CALLS);
  for (int kind = 0; kind < TL_CALLS; kind++) {
    if (!kinds[kind].there) continue;
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, (lua_Integer)kinds[kind].calls);
    lua_setfield(L, -2, "calls");
    lua_pushinteger(L, (lua_Integer)kinds[kind].errors);
    lua_setfield(L, -2, "errors");
    lua_pushnumber(L, kinds[kind].seconds);
    lua_setfield(L, -2, "time");
    lua_pushnumber(L, kinds[kind].longest);
    lua_setfield(L, -2, "longest");
    lua_setfield(L, -2, kinds[kind].name);
  }
}

static int p_decode (lua_State *L) {
  call *c = lua_touserdata(L, 1);
  const tl_station_functions *f = ((const tl_station_hooks *)c->station->user)->functions;
  lua_rawgeti(L, LUA_REGISTRYINDEX, f->direct != LUA_NOREF ? f->direct : f->decode);
  tl_push_message(L, c->message);
  lua_call(L, 1, 3);
  c->returned = true;
  int first = lua_gettop(L) - 2;
  c->gone_ms = c->message->time_ms;
  c->gone = tl_decoded_is_gone(L, first, &c->gone_ms);
  c->declined = lua_isnil(L, first) && !c->gone;
  if (lua_isnil(L, first)) return 0;
  c->s->box.budget.resting = true;
  tl_set_decoded(L, c->s, c->station, first, c->message->time_ms, c->message->reading);
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
static bool decodes_only (void *line_user, void *user) {
  const tl_line_hooks *l = line_user;
  const tl_station_functions *f = ((tl_station_hooks *)user)->functions;
  return f->decode != LUA_NOREF && !f->values && (!l || l->on_value == LUA_NOREF);
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
  if (!s->user) { /* a status handler reloaded, and the station has no functions any more */
    tl_station_set(&reading, message.time_ms);
    return TL_OK;
  }
  c.s->box.memory.system_refused = false;
  c.s->box.pausable = true;
  bool ok = call_handler(&c, p_decode, TL_CALL_DECODE);
  c.s->box.pausable = false;
  /* a script that kept the message must not read a buffer that is used again */
  tl_end_message(c.s, &message);
  if (!ok && c.s->box.memory.system_refused) return TL_ENOMEM;
  tl_station_set(&reading, message.time_ms); /* for the case that decode did not come so far */
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
            : call_handler(&c, p_prepare, TL_CALL_PREPARE);
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
    tl_options_known(L, -1, "encode", "qos retain");
    int qos = tl_option_qos(L, -1, "encode"), retain = tl_option_flag(L, -1, "encode", "retain");
    if (qos >= 0) c->out->qos = qos;
    if (retain >= 0) c->out->retain = retain;
  } else if (!lua_isnil(L, -1)) {
    return luaL_error(L, "encode: expected a table { qos =, retain = } or nil, got %s",
                      tl_push_got(L, -1));
  }
  lua_settop(L, 4);
  /* The texts must be valid after the call: the registry holds them until the next one. */
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
  if (call_timed(&c, p_encode, TL_CALL_ENCODE, &text) != LUA_OK) {
    const uint8_t *line_end = text.len > 0 ? memchr(text.at, '\n', text.len) : NULL;
    log_error(&c, &text, "encode");
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

/* The functions that hear of a value, in the order of calling: the tag's, its station's, its
** line's. False: there is none from number `from` on. */
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
  /* Looked up again for each call: a function may reload the config. */
  for (int i = from; i < 3 && value_functions(t, i, functions); i++) {
    if (functions[i] == LUA_NOREF) continue;
    if (i > from && tl_news_value_waits(s, t, i)) return;
    c.function = functions[i];
    call_handler(&c, p_value, TL_CALL_VALUE);
  }
}

static void on_value (void *ctx, tl_tag *t) {
  int functions[3];
  if (!value_functions(t, 0, functions) || tl_news_value_waits(ctx, t, 0)) return;
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
  if (c.function != LUA_NOREF) call_handler(&c, p_status, TL_CALL_STATUS);
}

static void on_status (void *ctx, tl_station *s, tl_station_status before) {
  const tl_station_hooks *h = s->user;
  (void)before;
  if (h->functions->on_status == LUA_NOREF || tl_news_status_waits(ctx, s)) return;
  tl_handler_status_now(ctx, s);
}

int tl_handler_call_line (void *ctx, tl_link *l, lua_CFunction f, void *arg, const char *what) {
  call c = { .s = ctx, .link = l };
  tl_caller before = c.s->caller.now, caller = before;
  tl_buf err;
  tl_buf_init(&err);
  caller.line = tl_link_line(l);
  tl_caller_enter(c.s, caller);
  int rc = tl_script_enter(c.s, f, arg, c.s->box.handler_time, what, &err);
  tl_caller_leave(c.s, before);
  record_outcome(&c, rc, what, &err);
  if (rc != LUA_OK) log_error(&c, &err, what);
  tl_buf_fini(&err);
  return rc;
}

const tl_handlers tl_script_handlers = { .has_decode = has_decode,
                                         .decodes_only = decodes_only,
                                         .decode = on_decode,
                                         .decode_dry = tl_script_decode_dry,
                                         .pieces_new = tl_script_pieces_new,
                                         .pieces_go = tl_script_pieces_go,
                                         .pieces_hurry = tl_script_pieces_hurry,
                                         .pieces_free = tl_script_pieces_free,
                                         .prepare = on_prepare,
                                         .has_encode = has_encode,
                                         .encode = on_encode,
                                         .will = tl_handler_will,
                                         .has_will = tl_handler_has_will,
                                         .headers = tl_handler_headers,
                                         .before_disconnect = tl_handler_before_disconnect,
                                         .reload_begins = tl_handler_reload_begins,
                                         .hurry = tl_handler_line_first,
                                         .leaves = tl_handler_line_leaves,
                                         .share = tl_hooks_share,
                                         .release = tl_hooks_release };

void tl_script_observe (tl_script *s) {
  s->acting = (tl_observer){
    .value = on_value, .status = on_status, .line = tl_handler_line, .ctx = s, .acts = true
  };
  tl_gateway_observe(s->gateway, &s->acting);
}
