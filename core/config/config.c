/* core/config/config.c — a config file becomes a draft (lua/tagline/config), and the draft
** becomes what the gateway runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/draft_impl.h"
#include "config/l_reload.h"
#include "config/load_end.h"
#include "config/loaded_impl.h"
#include "sandbox/pieces.h"
#include "script/l_history.h"
#include "script/message_words.h"

enum { LOADING_SECONDS = 10 };

/* The member `close` of what the script keeps of configs. */
static void close_config (tl_script *s) {
  tl_slice key;
  void *zone;
  tl_loaded_free(s);
  for (uint32_t i = 0; tl_map_next(&s->config.zones, &i, &key, &zone);) {
    tl_zone_free(zone);
    free((void *)key.at);
  }
  tl_map_fini(&s->config.zones);
  free(s->config.path);
}

double tl_config_stall_time (const tl_script *s) { return s->config.stall_time; }

enum { ENDING_MS = 1500 };

/* When the process is to end, a config that is being read is worth nothing, and what a script waits
** for is no more than it may wait anyway. Work of our own (no limit of time) is not cut. */
int64_t tl_config_held_ms (const tl_script *s, bool told) {
  const tl_sandbox *b = &s->box;
  int64_t usual = (int64_t)(s->config.stall_time * 1000.0), least = ENDING_MS;
  bool is_script = b->budget.inside && b->budget.limit_ns > 0;
  if (!told || !is_script || (!s->config.loading && !b->unsafe)) return usual;
  int64_t waits = (int64_t)(TL_WAITS * b->handler_time * 1000.0);
  if (!s->config.loading && waits > least) least = waits;
  return usual > 0 && usual < least ? usual : least;
}

/* --- loading --- */

typedef struct {
  tl_script *s;
  const char *path;
  void (*problem)(void *ctx, bool is_error, const char *text);
  void *ctx;
  int errors;
} loading;

/* The text that a script prints may tell of writes that it made. So these are stored first; if
** that fails, the text is not printed. */
static int print_text (lua_State *L) {
  tl_script *s = tl_script_of(L);
  tl_err err = { .text = "" };
  size_t len;
  luaL_checkstring(L, 1);
  const char *text = lua_tolstring(L, 1, &len);
  if (s->gateway && tl_gateway_commit(s->gateway, &err) < 0)
    return luaL_error(L, "not printed: %s", err.text);
  tl_log_print(tl_slice_of(text, len));
  return 0;
}

/* The first config of the process is watched by the limit that it sets itself, from there on: who
** watches hears of it in the pause. */
static int set_stall_time (lua_State *L) {
  tl_script *s = tl_script_of(L);
  s->config.stall_time = luaL_checknumber(L, 1);
  tl_pause_now(&s->box);
  return 0;
}

static int p_load (lua_State *L) {
  loading *l = lua_touserdata(L, 1);
  luaL_unref(L, LUA_REGISTRYINDEX, l->s->config.draft);
  l->s->config.draft = LUA_NOREF;
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.config.load");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "file");
  lua_pushstring(L, l->path);
  lua_createtable(L, 0, 4);
  lua_pushboolean(L, l->s->box.unsafe);
  lua_setfield(L, -2, "unsafe");
  lua_pushboolean(L, l->s->config.check);
  lua_setfield(L, -2, "check");
  lua_pushcfunction(L, print_text);
  lua_setfield(L, -2, "print");
  lua_pushcfunction(L, tl_compile);
  lua_setfield(L, -2, "compile");
  if (l->s->config.env == LUA_NOREF) {
    lua_pushcfunction(L, set_stall_time);
    lua_setfield(L, -2, "stall_time");
  }
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.core");
  lua_call(L, 1, 1);
  lua_setfield(L, -2, "core");
  tl_open_objects(L);
  tl_add_message_words(L);
  lua_pushcfunction(L, tl_word_reload);
  lua_setfield(L, -2, "reload");
  tl_open_timers(L);
  tl_add_history_word(L);
  lua_setfield(L, -2, "api");
  lua_call(L, 2, 2); /* results: the draft or nil, and the list of problems */
  luaL_checktype(L, -1, LUA_TTABLE);
  for (lua_Integer i = 1, n = luaL_len(L, -1); i <= n; i++) {
    lua_rawgeti(L, -1, i);
    lua_getfield(L, -1, "severity");
    bool is_error = strcmp(luaL_optstring(L, -1, "error"), "error") == 0;
    lua_getfield(L, -2, "text");
    l->errors += is_error;
    l->problem(l->ctx, is_error, luaL_checkstring(L, -1));
    lua_pop(L, 3);
  }
  lua_pop(L, 1);
  if (l->errors == 0) {
    luaL_checktype(L, -1, LUA_TTABLE);
    l->s->config.draft = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  return 0;
}

/* Loading was ended by a limit of time or memory: report it as a problem. `text` is Lua's
** error. */
static void report_end (loading *l, tl_buf *text) {
  tl_buf line;
  tl_buf_init(&line);
  tl_buf_byte(text, '\0');
  const char *why = text->failed ? "not enough memory" : (const char *)text->at;
  tl_load_end_text(&line, l->path, l->s->lua_dir, why);
  tl_buf_byte(&line, '\0');
  tl_log(TL_LOG_DEBUG, "config", "%s", why);
  l->errors++;
  l->problem(l->ctx, true, line.failed ? why : (const char *)line.at);
  tl_buf_fini(&line);
}

int tl_config_load (tl_script *s, const char *path,
                    void (*problem)(void *ctx, bool is_error, const char *text), void *ctx) {
  loading l = { s, path, problem, ctx, 0 };
  s->config.close = close_config;
  free(s->config.path);
  s->config.path = strdup(path); /* if NULL (no memory), freeze() shows another file name */
  tl_buf text;
  tl_buf_init(&text);
  s->box.memory.loading = TL_LOADING_MEMORY;
  s->config.loading = true;
  int rc = tl_script_enter(s, p_load, &l, LOADING_SECONDS, "config", &text);
  s->config.loading = false;
  if (rc != LUA_OK) report_end(&l, &text);
  if (l.errors > 0) s->box.memory.loading = 0;
  tl_buf_fini(&text);
  return l.errors;
}

/* --- applying --- */

typedef struct {
  tl_script *s;
  tl_config config;
  int env; /* registry reference of the config's environment */
  tl_draft_reader reader;
  tl_err err;
  void (*changed)(void *ctx, const char *change);
  void *ctx;
  bool dry; /* only tell what would change */
} applying;

static bool pause_here (void *ctx, bool now) { return now ? tl_pause_now(ctx) : tl_pause(ctx); }

enum { HANDLER_TIME, MEMORY, STALL_TIME, INSTANCE_TEXT, TEXT, LIMITS };

static const char *const limit_names[LIMITS] = { "handler_time", "memory", "stall_time",
                                                 "instance_text", "text" };

static void get_limits (const tl_script *s, double out[LIMITS]) {
  const tl_model *m = tl_gateway_model(s->gateway);
  out[HANDLER_TIME] = s->box.handler_time;
  out[MEMORY] = (double)s->box.memory.limit;
  out[STALL_TIME] = s->config.stall_time;
  out[INSTANCE_TEXT] = (double)m->instance_text_max;
  out[TEXT] = (double)m->text_max;
}

static void set_limits (tl_script *s, const double limits[LIMITS]) {
  tl_model *m = tl_gateway_model(s->gateway);
  s->box.handler_time = limits[HANDLER_TIME];
  s->box.memory.limit = (size_t)limits[MEMORY];
  s->config.stall_time = limits[STALL_TIME];
  m->instance_text_max = (uint64_t)limits[INSTANCE_TEXT];
  m->text_max = (uint64_t)limits[TEXT];
}

/* The draft has all of them: the default of each that the config does not set. */
static void apply_limits (lua_State *L, const applying *a, int draft) {
  double now[LIMITS], limits[LIMITS];
  char text[100] = "";
  size_t len = 0;
  get_limits(a->s, now);
  if (lua_getfield(L, draft, "limits") != LUA_TTABLE) return;
  for (int i = 0; i < LIMITS; i++) {
    limits[i] = tl_draft_number(L, lua_gettop(L), limit_names[i], now[i]);
    if (limits[i] == now[i]) continue;
    len += (size_t)snprintf(text + len, sizeof text - len, "%s%s",
                            len > 0 ? ", " : "limits changed: ", limit_names[i]);
  }
  if (len > 0 && a->changed) a->changed(a->ctx, text);
  if (!a->dry) set_limits(a->s, limits);
}

static int p_apply (lua_State *L) {
  applying *a = lua_touserdata(L, 1);
  tl_script *s = a->s;
  if (lua_rawgeti(L, LUA_REGISTRYINDEX, s->config.draft) != LUA_TTABLE)
    return luaL_error(L, "no config is loaded");
  int draft = lua_gettop(L);
  lua_getfield(L, draft, "env");
  a->env = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_getfield(L, draft, "lines");
  size_t n = (size_t)luaL_len(L, -1);
  a->config.lines = tl_draft_calloc(L, n, sizeof *a->config.lines);
  a->config.line_count = n;
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    tl_draft_read_line(L, &a->reader, &a->config.lines[i]);
    lua_pop(L, 1);
  }
  tl_outlets_change change = { a->changed, a->ctx, a->dry };
  a->config.pause = pause_here;
  a->config.pause_ctx = &s->box;
  tl_pause_protected(L);
  if (a->changed && tl_gateway_compare(s->gateway, &a->config, a->changed, a->ctx) < 0)
    return luaL_error(L, "not enough memory");
  if (a->dry) {
    tl_config_apply_outlets(L, s, draft, &change);
    tl_config_apply_http(L, s, draft, &change);
    apply_limits(L, a, draft);
    return 0;
  }
  tl_pause_protected(L);
  /* From here on it is finished, however long it takes, and even if the reload is asked to
  ** end. */
  s->config.applying = true;
  tl_budget_lift(&s->box);
  if (a->changed) tl_reload_tell(s, TL_RELOAD_APPLIES);
  if (tl_gateway_apply(s->gateway, &a->config, NULL, NULL, &a->err) < 0)
    return luaL_error(L, "%s", a->err.text[0] ? a->err.text : "not enough memory");
  if (a->changed) tl_reload_tell(s, TL_RELOAD_APPLIED);
  tl_config_apply_outlets(L, s, draft, &change);
  tl_config_apply_http(L, s, draft, &change);
  apply_limits(L, a, draft);
  lua_getfield(L, draft, "timers");
  tl_timers_start(L, s, lua_gettop(L));
  return 0;
}

/* Two whole collections, because the first may only call __gc and leave the memory to the
** second. */
static int p_collect (lua_State *L) {
  tl_sandbox *b = tl_sandbox_of(L);
  for (int cycles = 0; cycles < 2; tl_pause(b)) cycles += lua_gc(L, LUA_GCSTEP, 0);
  /* A collection walks everything that lives, mostly the config. So with a small heap the next
  ** one waits until there is more garbage. */
  tl_sandbox_tune(b);
  return 0;
}

static void free_config (tl_script *s, tl_config *config) {
  for (size_t i = 0; i < config->line_count; i++) {
    tl_line_config *l = &config->lines[i];
    for (size_t k = 0; k < l->station_count; k++) {
      if (l->stations[k].spec.plan) tl_plan_unref(l->stations[k].spec.plan);
      if (l->stations[k].user) tl_script_handlers.release(s, l->stations[k].user);
      tl_pause(&s->box);
    }
    if (l->user) tl_script_handlers.release(s, l->user);
    tl_params_fini(&l->params);
    free(l->stations);
  }
  free(config->lines);
}

static int use_draft (tl_script *s, bool dry, void (*changed)(void *ctx, const char *change),
                      void *ctx, tl_err *err) {
  applying a = { .s = s, .env = LUA_NOREF, .changed = changed, .ctx = ctx, .dry = dry };
  a.reader = (tl_draft_reader){ .script = s, .err = &a.err };
  tl_buf text;
  tl_buf_init(&text);
  int rc = tl_script_enter(s, p_apply, &a, LOADING_SECONDS, "config", &text);
  s->config.applying = false;
  if (rc != LUA_OK) {
    /* no function of the user ran, so the traceback would tell nothing */
    tl_slice said = tl_buf_bytes(&text);
    const uint8_t *trace =
        said.len > 0 ? memmem(said.at, said.len, "\nstack traceback:", 17) : NULL;
    if (trace) said.len = (size_t)(trace - said.at);
    if (said.len == 0) said = TL_LIT("not enough memory"); /* nor for its words */
    tl_fail(err, a.err.code < 0 ? a.err.code : TL_ENOMEM, 0, "%.*s", TL_ARG(said));
  }
  free_config(s, &a.config);
  tl_draft_reader_fini(&a.reader);
  tl_buf_fini(&text);
  /* The draft is many times larger than what runs, and is not needed any more: free it and
  ** give the memory back. */
  if (rc == LUA_OK && !dry) {
    luaL_unref(s->box.L, LUA_REGISTRYINDEX, s->config.env);
    s->config.env = a.env;
  } else {
    luaL_unref(s->box.L, LUA_REGISTRYINDEX, a.env);
  }
  tl_script_forget_known(s);
  luaL_unref(s->box.L, LUA_REGISTRYINDEX, s->config.draft);
  s->config.draft = LUA_NOREF;
  tl_script_enter(s, p_collect, NULL, 0, "config", NULL);
  s->box.memory.loading = 0;
  tl_heap_trim(&s->box.memory.heap);
  tl_give_memory_back();
  if (rc == LUA_OK) return TL_OK;
  if (a.err.code < 0) return a.err.code;
  return TL_ENOMEM;
}

int tl_config_apply (tl_script *s, void (*changed)(void *ctx, const char *change), void *ctx,
                     tl_err *err) {
  return use_draft(s, false, changed, ctx, err);
}

int tl_config_compare (tl_script *s, void (*changed)(void *ctx, const char *change), void *ctx,
                       tl_err *err) {
  return use_draft(s, true, changed, ctx, err);
}
