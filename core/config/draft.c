/* core/config/draft.c — see draft.h. Must not know what happens to what it reads. */
#include "config/draft_impl.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/pieces.h"
#include "script/l_history.h"
#include "checks/zone_file.h"

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

double tl_draft_number (lua_State *L, int index, const char *name, double otherwise) {
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

/* The number of words of the tag on top, a checked list of { state, text }. */
static size_t count_words (lua_State *L) {
  lua_getfield(L, -1, "words");
  size_t n = lua_type(L, -1) == LUA_TTABLE ? (size_t)luaL_len(L, -1) : 0;
  lua_pop(L, 1);
  return n;
}

/* Read the words into `words`, which has room for them. Returns the place behind the last one. */
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

/* Read the option `history` of the record at `at`: false, or a table. Its fields replace those
** that the surrounding record (line or station) has set. */
static void history_field (lua_State *L, int at, tl_history_options *o) {
  lua_getfield(L, at, "history");
  int type = lua_type(L, -1), table = lua_gettop(L);
  if (type == LUA_TBOOLEAN) o->off = !lua_toboolean(L, -1);
  if (type == LUA_TTABLE) {
    o->off = false;
    o->deadband = tl_draft_number(L, table, "deadband", o->deadband);
    o->silence_ms =
        tl_params_ms(tl_draft_number(L, table, "max_silence", (double)o->silence_ms / 1000));
    o->keep_ms = tl_params_ms(tl_draft_number(L, table, "keep", (double)o->keep_ms / 1000));
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
  d->deadband = tl_draft_number(L, at, "deadband", 0);
  d->new_value_on_time_change = flag_field(L, at, "new_value_on_time_change");
}

void *tl_draft_calloc (lua_State *L, size_t n, size_t size) {
  void *at = calloc(n > 0 ? n : 1, size);
  if (!at) luaL_error(L, "not enough memory");
  return at;
}

/* Room for all words of the n tags in the list on top; NULL: there are none. */
static tl_word *room_for_words (lua_State *L, tl_draft_reader *r, size_t n) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    count += count_words(L);
    lua_pop(L, 1);
  }
  free(r->words);
  r->words = NULL;
  if (count > 0) r->words = tl_draft_calloc(L, count, sizeof *r->words);
  return r->words;
}

static size_t read_tags (lua_State *L, tl_draft_reader *r, int station, tl_on_missing missing,
                         const tl_history_options *history) {
  lua_getfield(L, station, "tags");
  size_t n = (size_t)luaL_len(L, -1);
  if (n > r->tag_cap) {
    free(r->tags);
    r->tags = NULL;
    r->tag_cap = 0;
    r->tags = tl_draft_calloc(L, n, sizeof *r->tags);
    r->tag_cap = n;
  }
  tl_word *words = room_for_words(L, r, n);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    read_tag(L, &r->tags[i], missing);
    r->tags[i].history = *history;
    history_field(L, lua_gettop(L), &r->tags[i].history);
    words = read_words(L, lua_gettop(L), &r->tags[i].words, words);
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
    case TL_SETTING_MS: return (double)tl_params_ms(tl_draft_number(L, params, f->name, 0));
    case TL_SETTING_COUNT: return tl_draft_number(L, params, f->name, 0);
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

static void read_station (lua_State *L, tl_draft_reader *r, tl_station_config *c) {
  int at = lua_gettop(L);
  lua_getfield(L, at, "params");
  int params = lua_gettop(L);
  tl_history_options history = r->history;
  history_field(L, params, &history);
  size_t tags = read_tags(
      L, r, at, on_missing(text_field(L, params, "on_missing"), TL_MISSING_INVALIDATE), &history);
  tl_slice type = text_field(L, params, "payload_type");
  uint8_t steps[TL_PREPARE_MAX];
  tl_plan_spec plan = {
    .prepare = steps,
    .prepare_count = read_prepare(L, at, steps),
    .json = !tl_slice_eq(type, TL_LIT("text")),
    .format = format_of(type),
    .time_field = text_field(L, params, "time_field_name"),
    .time_mask = text_field(L, params, "time_mask"),
    .zone = zone_of(L, r->script, text_field(L, params, "time_zone")),
    .ignore_missing_time = flag_field(L, params, "ignore_missing_time"),
    .tags = r->tags,
    .tag_count = tags,
  };
  if (tl_plan_pool_get(tl_gateway_model(r->script->gateway)->plans, &c->spec.plan, &plan, r->err) <
      0)
    luaL_error(L, "station '%s': %s", c_text(text_field(L, at, "name")),
               r->err->text[0] ? r->err->text : "not enough memory");
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

void tl_draft_read_line (lua_State *L, tl_draft_reader *r, tl_line_config *c) {
  int at = lua_gettop(L);
  c->name = text_field(L, at, "name");
  lua_getfield(L, at, "params");
  tl_read_params(L, lua_gettop(L), &c->params);
  r->history = (tl_history_options){ .off = false };
  history_field(L, lua_gettop(L), &r->history);
  lua_getfield(L, at, "stations");
  size_t n = (size_t)luaL_len(L, -1);
  c->stations = tl_draft_calloc(L, n, sizeof *c->stations);
  c->station_count = n;
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    read_station(L, r, &c->stations[i]);
    lua_pop(L, 1);
    tl_pause_protected(L);
  }
  lua_settop(L, at);
  c->user = tl_read_line_hooks(L, at);
}

void tl_draft_reader_fini (tl_draft_reader *r) {
  free(r->tags);
  free(r->words);
}
