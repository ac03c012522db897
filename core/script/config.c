/* core/script/config.c — a config file becomes a draft (lua/tagline/config), and the draft
** becomes what the gateway runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/pieces.h"
#include "script/load_end.h"
#include "script/l_history.h"
#include "script/l_check.h"
#include "script/message_words.h"
#include "script/script.h"
#include "script/zone_file.h"

enum { LOADING_SECONDS = 10, STALL_SECONDS = 30 };

void tl_config_init (tl_script *s, bool check) {
  s->config = (tl_script_config){
    .check = check, .draft = LUA_NOREF, .env = LUA_NOREF, .stall_time = STALL_SECONDS
  };
}

void tl_config_fini (tl_script *s) {
  tl_slice key;
  void *zone;
  for (uint32_t i = 0; tl_map_next(&s->config.zones, &i, &key, &zone);) {
    tl_zone_free(zone);
    free((void *)key.at);
  }
  tl_map_fini(&s->config.zones);
  free(s->config.path);
}

double tl_script_stall_time (const tl_script *s) { return s->config.stall_time; }

/* --- loading --- */

typedef struct {
  tl_script *s;
  const char *path;
  void (*problem)(void *ctx, bool is_error, const char *text);
  void *ctx;
  int errors;
} loading;

/* What a script prints may tell of writes that it made, so they are stored first; when they
** cannot be, it does not get out. */
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
  lua_call(L, 2, 2); /* draft or nil, problems */
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

/* The loader was ended. `text` is Lua's error. */
static void tell_end (loading *l, tl_buf *text) {
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

int tl_script_load (tl_script *s, const char *path,
                    void (*problem)(void *ctx, bool is_error, const char *text), void *ctx) {
  loading l = { s, path, problem, ctx, 0 };
  free(s->config.path);
  s->config.path = strdup(path); /* NULL: freeze names another */
  tl_buf text;
  tl_buf_init(&text);
  s->box.loading_memory = TL_LOADING_MEMORY;
  s->config.loading = true;
  int rc = tl_script_enter(s, p_load, &l, LOADING_SECONDS, "config", &text);
  s->config.loading = false;
  if (rc != LUA_OK) tell_end(&l, &text);
  if (l.errors > 0) s->box.loading_memory = 0;
  tl_buf_fini(&text);
  return l.errors;
}

/* --- reading the draft; its texts live as long as the draft is on the stack --- */

static tl_slice text_at (lua_State *L, int index) {
  size_t len;
  const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &len) : NULL;
  return text ? tl_slice_of(text, len) : tl_slice_of(NULL, 0);
}

static tl_slice text_field (lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  tl_slice text = text_at(L, -1);
  lua_pop(L, 1); /* the draft still holds it */
  return text;
}

static double number_field (lua_State *L, int index, const char *name, double otherwise) {
  lua_getfield(L, index, name);
  double n = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : otherwise;
  lua_pop(L, 1);
  return n;
}

static bool flag_field (lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  bool on = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return on;
}

static void no_memory (lua_State *L, int rc) {
  if (rc == TL_ENOMEM) luaL_error(L, "not enough memory");
}

static int64_t to_ms (double seconds) {
  double ms = seconds * 1000.0;
  if (seconds > 0 && ms < 1) return 1; /* 0 would mean: never */
  return ms >= 9e15 ? (int64_t)9e15 : (int64_t)(ms + 0.5);
}

/* One parameter from the value on top of the stack, which is popped. */
static void read_param (lua_State *L, tl_line_params *p, const tl_param_field *f) {
  void *at = tl_param_at(p, f);
  switch (f->kind) {
    case TL_PARAM_BOOL: *(bool *)at = lua_toboolean(L, -1) != 0; break;
    case TL_PARAM_INT: *(int64_t *)at = (int64_t)lua_tonumber(L, -1); break;
    case TL_PARAM_MS: *(int64_t *)at = to_ms(lua_tonumber(L, -1)); break;
    case TL_PARAM_TEXT:
      if (lua_type(L, -1) == LUA_TSTRING) no_memory(L, tl_params_set_text(at, text_at(L, -1)));
      break;
    case TL_PARAM_TEXTS:
      for (lua_Integer i = 1, n = lua_type(L, -1) == LUA_TTABLE ? luaL_len(L, -1) : 0; i <= n;
           i++) {
        lua_rawgeti(L, -1, i);
        no_memory(L, tl_params_add_text(at, text_at(L, -1)));
        lua_pop(L, 1);
      }
      break;
  }
  lua_pop(L, 1);
}

void tl_read_params (lua_State *L, int index, tl_line_params *p) {
  for (const tl_param_field *f = tl_param_fields; f->name; f++) {
    lua_getfield(L, index, f->name);
    read_param(L, p, f);
  }
}

static const tl_zone *zone_of (lua_State *L, tl_script *s, tl_slice name) {
  tl_err err = { .text = "" };
  tl_zone *zone;
  if (name.len == 0 || tl_slice_eq(name, TL_LIT("UTC"))) return tl_zone_utc();
  zone = tl_map_get(&s->config.zones, name);
  if (zone) return zone;
  if (tl_zone_load(&zone, (const char *)name.at, &err) < 0)
    luaL_error(L, "time zone '%s': %s", name.at, err.text);
  char *key = strdup((const char *)name.at);
  if (!key || tl_map_put(&s->config.zones, tl_slice_str(key), zone) != TL_OK) {
    free(key);
    tl_zone_free(zone);
    luaL_error(L, "not enough memory");
  }
  return zone;
}

static tl_out_of_range out_of_range (tl_slice word) {
  if (tl_slice_eq(word, TL_LIT("clamp"))) return TL_RANGE_CLAMP;
  if (tl_slice_eq(word, TL_LIT("discard"))) return TL_RANGE_DISCARD;
  return TL_RANGE_INVALID;
}

static tl_on_missing on_missing (tl_slice word, tl_on_missing inherited) {
  if (!word.at) return inherited;
  if (tl_slice_eq(word, TL_LIT("keep"))) return TL_MISSING_KEEP;
  if (tl_slice_eq(word, TL_LIT("default"))) return TL_MISSING_DEFAULT;
  return TL_MISSING_INVALIDATE;
}

static bool pair_field (lua_State *L, int index, const char *name, double *a, double *b) {
  lua_getfield(L, index, name);
  bool given = lua_type(L, -1) == LUA_TTABLE;
  if (given) {
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    *a = lua_tonumber(L, -2);
    *b = lua_tonumber(L, -1);
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return given;
}

static const char *c_text (tl_slice s) {
  return (const char *)s.at; /* Lua's strings end with NUL */
}

/* The words of the tag at the top of the stack, a checked list of { state, text }: how many. */
static size_t count_words (lua_State *L) {
  lua_getfield(L, -1, "words");
  size_t n = lua_type(L, -1) == LUA_TTABLE ? (size_t)luaL_len(L, -1) : 0;
  lua_pop(L, 1);
  return n;
}

/* Into `words`, which has room; returns what is behind them. */
static tl_word *read_words (lua_State *L, int at, tl_text_rule *rule, tl_word *words) {
  lua_getfield(L, at, "words");
  size_t n = lua_type(L, -1) == LUA_TTABLE ? (size_t)luaL_len(L, -1) : 0;
  rule->words = words;
  rule->count = (uint16_t)n;
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    *words++ = (tl_word){ (uint8_t)lua_tointeger(L, -2), text_at(L, -1) };
    lua_pop(L, 3);
  }
  lua_pop(L, 1);
  rule->comma = tl_slice_eq(text_field(L, at, "decimal"), TL_LIT(","));
  return words;
}

/* The option `history` of the record at `at`: false, or a table whose fields go over those of the
** record around it. */
static void history_field (lua_State *L, int at, tl_history_options *o) {
  lua_getfield(L, at, "history");
  int type = lua_type(L, -1), table = lua_gettop(L);
  if (type == LUA_TBOOLEAN) o->off = !lua_toboolean(L, -1);
  if (type == LUA_TTABLE) {
    o->off = false;
    o->deadband = number_field(L, table, "deadband", o->deadband);
    o->silence_ms = to_ms(number_field(L, table, "max_silence", (double)o->silence_ms / 1000));
    o->keep_ms = to_ms(number_field(L, table, "keep", (double)o->keep_ms / 1000));
  }
  lua_pop(L, 1);
}

/* One tag of the draft at the top of the stack. `missing` is the station's on_missing. */
static void read_tag (lua_State *L, tl_tagdef *d, tl_on_missing missing) {
  int at = lua_gettop(L);
  const char *expected;
  tl_slice address = text_field(L, at, "address");
  memset(d, 0, sizeof *d);
  d->name = c_text(text_field(L, at, "name"));
  d->address = address.at ? c_text(address) : "";
  d->unit = c_text(text_field(L, at, "unit"));
  d->description = c_text(text_field(L, at, "description"));
  tl_type_from_name(text_field(L, at, "type"), &d->type);
  tl_address_parse(address, &d->kind, &d->path);
  lua_getfield(L, at, "default");
  d->has_default = !lua_isnil(L, -1) && tl_read_value(L, -1, d->type, &d->default_value, &expected);
  lua_pop(L, 1);
  d->has_linear = pair_field(L, at, "linear", &d->linear_k, &d->linear_q);
  d->has_range = pair_field(L, at, "range", &d->range_min, &d->range_max);
  d->out_of_range = out_of_range(text_field(L, at, "out_of_range"));
  d->on_missing = on_missing(text_field(L, at, "on_missing"), missing);
  d->deadband = number_field(L, at, "deadband", 0);
  d->new_value_on_time_change = flag_field(L, at, "new_value_on_time_change");
}

/* --- applying --- */

typedef struct {
  tl_script *s;
  tl_config config;
  int env;         /* registry reference of the config's environment */
  tl_tagdef *tags; /* of the station being read */
  tl_word *words;  /* and their words */
  size_t tag_cap;
  tl_history_options history; /* of the line being read */
  tl_err err;
  void (*changed)(void *ctx, const char *change);
  void *ctx;
  bool dry; /* only say what would change */
} applying;

static void *calloc_or_raise (lua_State *L, size_t n, size_t size) {
  void *at = calloc(n > 0 ? n : 1, size);
  if (!at) luaL_error(L, "not enough memory");
  return at;
}

/* For all words of the n tags in the list on top; NULL where there are none. */
static tl_word *room_for_words (lua_State *L, applying *a, size_t n) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    count += count_words(L);
    lua_pop(L, 1);
  }
  free(a->words);
  a->words = NULL;
  if (count > 0) a->words = calloc_or_raise(L, count, sizeof *a->words);
  return a->words;
}

static size_t read_tags (lua_State *L, applying *a, int station, tl_on_missing missing,
                         const tl_history_options *history) {
  lua_getfield(L, station, "tags");
  size_t n = (size_t)luaL_len(L, -1);
  if (n > a->tag_cap) {
    free(a->tags);
    a->tags = NULL;
    a->tag_cap = 0;
    a->tags = calloc_or_raise(L, n, sizeof *a->tags);
    a->tag_cap = n;
  }
  tl_word *words = room_for_words(L, a, n);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    read_tag(L, &a->tags[i], missing);
    a->tags[i].history = *history;
    history_field(L, lua_gettop(L), &a->tags[i].history);
    words = read_words(L, lua_gettop(L), &a->tags[i].words, words);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return n;
}

/* The station's steps of prepare, a checked list of names and functions. */
static size_t read_prepare (lua_State *L, int at, uint8_t steps[TL_PREPARE_MAX]) {
  lua_getfield(L, at, "prepare");
  size_t n = lua_type(L, -1) == LUA_TTABLE ? (size_t)luaL_len(L, -1) : 0;
  if (n > TL_PREPARE_MAX) luaL_error(L, "prepare: at most %d steps", TL_PREPARE_MAX);
  for (size_t i = 0; i < n; i++) {
    tl_prepare_step step = TL_PREPARE_FUNCTION;
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    if (lua_type(L, -1) == LUA_TSTRING) tl_prepare_by_name(text_at(L, -1), &step);
    steps[i] = (uint8_t)step;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return n;
}

static double setting (lua_State *L, int params, const tl_setting_field *f) {
  switch (f->kind) {
    case TL_SETTING_MS: return (double)to_ms(number_field(L, params, f->name, 0));
    case TL_SETTING_COUNT: return number_field(L, params, f->name, 0);
    case TL_SETTING_FLAG: break;
  }
  return flag_field(L, params, f->name);
}

static void read_settings (lua_State *L, int params, tl_station_settings *out) {
  for (const tl_setting_field *f = tl_setting_fields; f->name; f++)
    tl_setting_set(out, f, setting(L, params, f));
}

static tl_doc_format format_of (tl_slice payload_type) {
  if (tl_slice_eq(payload_type, TL_LIT("cbor"))) return TL_DOC_CBOR;
  return tl_slice_eq(payload_type, TL_LIT("msgpack")) ? TL_DOC_MSGPACK : TL_DOC_JSON;
}

static void read_station (lua_State *L, applying *a, tl_station_config *c) {
  int at = lua_gettop(L);
  lua_getfield(L, at, "params");
  int params = lua_gettop(L);
  tl_history_options history = a->history;
  history_field(L, params, &history);
  size_t tags = read_tags(
      L, a, at, on_missing(text_field(L, params, "on_missing"), TL_MISSING_INVALIDATE), &history);
  tl_slice type = text_field(L, params, "payload_type");
  uint8_t steps[TL_PREPARE_MAX];
  tl_plan_spec plan = {
    .prepare = steps,
    .prepare_count = read_prepare(L, at, steps),
    .json = !tl_slice_eq(type, TL_LIT("text")),
    .format = format_of(type),
    .time_field = text_field(L, params, "time_field_name"),
    .time_mask = text_field(L, params, "time_mask"),
    .zone = zone_of(L, a->s, text_field(L, params, "time_zone")),
    .ignore_missing_time = flag_field(L, params, "ignore_missing_time"),
    .tags = a->tags,
    .tag_count = tags,
  };
  if (tl_plan_pool_get(tl_gateway_model(a->s->gateway)->plans, &c->spec.plan, &plan, &a->err) < 0)
    luaL_error(L, "station '%s': %s", c_text(text_field(L, at, "name")),
               a->err.text[0] ? a->err.text : "not enough memory");
  c->spec.name = text_field(L, at, "name");
  c->spec.address = text_field(L, at, "address");
  c->spec.will_topic = text_field(L, params, "station_will_topic");
  c->spec.will_payload = text_field(L, params, "station_will_payload");
  c->spec.birth_payload = text_field(L, params, "station_birth_payload");
  read_settings(L, params, &c->spec.settings);
  lua_getfield(L, at, "groups");
  c->spec.is_template = lua_type(L, -1) == LUA_TTABLE && luaL_len(L, -1) > 0;
  lua_settop(L, at);
  c->user = tl_read_station_hooks(L, at, (int)tags);
}

static void read_line (lua_State *L, applying *a, tl_line_config *c) {
  int at = lua_gettop(L);
  c->name = text_field(L, at, "name");
  lua_getfield(L, at, "params");
  tl_read_params(L, lua_gettop(L), &c->params);
  a->history = (tl_history_options){ .off = false };
  history_field(L, lua_gettop(L), &a->history);
  lua_getfield(L, at, "stations");
  size_t n = (size_t)luaL_len(L, -1);
  c->stations = calloc_or_raise(L, n, sizeof *c->stations);
  c->station_count = n;
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    read_station(L, a, &c->stations[i]);
    lua_pop(L, 1);
    tl_pause_protected(L);
  }
  lua_settop(L, at);
  c->user = tl_read_line_hooks(L, at);
}

static void pause_here (void *ctx) { tl_pause(ctx); }

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
  a->config.lines = calloc_or_raise(L, n, sizeof *a->config.lines);
  a->config.line_count = n;
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    read_line(L, a, &a->config.lines[i]);
    lua_pop(L, 1);
  }
  tl_outlets_change change = { a->changed, a->ctx, a->dry };
  a->config.pause = pause_here;
  a->config.pause_ctx = &s->box;
  tl_pause_protected(L);
  if (a->changed && tl_gateway_compare(s->gateway, &a->config, a->changed, a->ctx) < 0)
    return luaL_error(L, "not enough memory");
  if (a->dry) {
    tl_script_apply_outlets(L, s, draft, &change);
    tl_script_apply_http(L, s, draft, &change);
    return 0;
  }
  tl_pause_protected(L);
  if (a->changed) tl_reload_tell(s, TL_RELOAD_APPLIES);
  s->config.applying = true; /* from here on it is finished, whatever comes */
  if (tl_gateway_apply(s->gateway, &a->config, NULL, NULL, &a->err) < 0)
    return luaL_error(L, "%s", a->err.text[0] ? a->err.text : "not enough memory");
  tl_script_apply_outlets(L, s, draft, &change);
  tl_script_apply_http(L, s, draft, &change);
  lua_getfield(L, draft, "limits");
  if (lua_type(L, -1) == LUA_TTABLE) {
    int limits = lua_gettop(L);
    s->box.handler_time = number_field(L, limits, "handler_time", s->box.handler_time);
    s->box.memory_limit = (size_t)number_field(L, limits, "memory", 256.0 * 1048576);
    s->config.stall_time = number_field(L, limits, "stall_time", STALL_SECONDS);
    tl_model *m = tl_gateway_model(s->gateway);
    m->instance_text_max = (uint64_t)number_field(L, limits, "instance_text", 32.0 * 1048576);
    m->text_max = (uint64_t)number_field(L, limits, "text", 256.0 * 1048576);
  }
  lua_getfield(L, draft, "timers");
  tl_timers_start(L, s, lua_gettop(L));
  return 0;
}

/* Two whole cycles, since the first may only mark what __gc frees. */
static int p_collect (lua_State *L) {
  tl_sandbox *b = tl_sandbox_of(L);
  for (int cycles = 0; cycles < 2; tl_pause(b)) cycles += lua_gc(L, LUA_GCSTEP, 0);
  /* Each collection walks what lives on, mostly the config: a small one may wait until there is
  ** more garbage. */
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
  tl_buf text;
  tl_buf_init(&text);
  int rc = tl_script_enter(s, p_apply, &a, LOADING_SECONDS, "config", &text);
  s->config.applying = false;
  if (rc != LUA_OK) {
    /* None of the user's functions ran: where in Lua it was says nothing. */
    tl_slice said = tl_buf_bytes(&text);
    const uint8_t *trace =
        said.len > 0 ? memmem(said.at, said.len, "\nstack traceback:", 17) : NULL;
    if (trace) said.len = (size_t)(trace - said.at);
    tl_fail(err, a.err.code < 0 ? a.err.code : TL_ENOMEM, 0, "%.*s", TL_ARG(said));
  }
  free_config(s, &a.config);
  free(a.tags);
  free(a.words);
  tl_buf_fini(&text);
  /* The draft is many times larger than what runs; 10,000 stations must not cost it for ever. */
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
  s->box.loading_memory = 0;
  tl_heap_trim(&s->box.heap);
  tl_give_memory_back();
  if (rc == LUA_OK) return TL_OK;
  if (a.err.code < 0) return a.err.code;
  return TL_ENOMEM;
}

int tl_script_apply (tl_script *s, void (*changed)(void *ctx, const char *change), void *ctx,
                     tl_err *err) {
  return use_draft(s, false, changed, ctx, err);
}

int tl_script_compare (tl_script *s, void (*changed)(void *ctx, const char *change), void *ctx,
                       tl_err *err) {
  return use_draft(s, true, changed, ctx, err);
}
