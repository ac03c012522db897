/* core/script/l_history_write.c — writes a history from Lua, for commands: it waits for the
** disk. A writer collects rows until there are enough for one transaction. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "history/history.h"
#include "script/l_history.h"
#include "script/script.h"

#define WRITER "tagline.history.writer"

enum { BATCH = 20000, MERGE = 500000 };

/* A tag; its texts follow in the same block. */
typedef struct {
  tl_series series;
  tl_buf key, texts;
} known;

typedef struct {
  tl_history *history; /* NULL: closed */
  tl_map tags;         /* from type byte and name to a known tag */
  tl_outlet_value values[BATCH];
  size_t count;
  tl_buf texts; /* texts of the values; until they are stored, values hold offsets into it */
} writer;

static int fail (lua_State *L, const tl_err *err) {
  lua_pushnil(L);
  lua_pushstring(L, err->text);
  return 2;
}

static void forget (writer *w) {
  tl_slice key;
  void *value;
  for (uint32_t i = 0; tl_map_next(&w->tags, &i, &key, &value);) {
    known *k = value;
    tl_buf_fini(&k->key);
    tl_buf_fini(&k->texts);
    free(k);
  }
  tl_map_fini(&w->tags);
  tl_buf_fini(&w->texts);
}

static int l_gc (lua_State *L) {
  writer *w = luaL_checkudata(L, 1, WRITER);
  if (!w->history) return 0;
  tl_history_close(w->history);
  w->history = NULL;
  forget(w);
  return 0;
}

static writer *check_writer (lua_State *L) {
  writer *w = luaL_checkudata(L, 1, WRITER);
  if (!w->history) luaL_error(L, "attempt to use a closed history");
  return w;
}

/* open(path, keep in seconds): a writer, or nil and why. Makes the file if it does not exist. */
static int l_open (lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  int64_t keep = (int64_t)(luaL_optnumber(L, 2, 0) * 1000);
  tl_err err = { .text = "" };
  writer *w = lua_newuserdatauv(L, sizeof *w, 0);
  w->history = NULL;
  w->count = 0;
  luaL_setmetatable(L, WRITER);
  if (tl_history_open(&w->history, path, keep, &err) < 0) return fail(L, &err);
  tl_map_init(&w->tags);
  tl_buf_init(&w->texts);
  return 1;
}

static bool is_text (int type) { return type == TL_TXTI || type == TL_TXTO; }

static void settle_texts (writer *w) {
  for (size_t i = 0; i < w->count; i++) {
    tl_outlet_value *v = &w->values[i];
    if (v->sample.status == TL_VALID && is_text(v->series->type))
      v->sample.value.text.at = w->texts.at + (uintptr_t)v->sample.value.text.at;
  }
}

static int store (writer *w, tl_err *err) {
  tl_outlet_batch batch = { .values = w->values, .count = w->count };
  int rc = w->texts.failed ? tl_fail(err, TL_ENOMEM, 0, "no memory for the rows") : TL_OK;
  if (rc == TL_OK) {
    settle_texts(w);
    rc = tl_history_store(w->history, &batch, tl_clock_wall_ms(), err);
  }
  w->count = 0; /* also of a batch that failed: there is room for no more */
  tl_buf_clear(&w->texts);
  w->texts.failed = false;
  if (rc >= 0 && tl_history_recent(w->history) >= MERGE) rc = tl_history_merge(w->history, err);
  return rc;
}

static known *make_known (writer *w, tl_slice key, tl_slice unit) {
  known *k = calloc(1, sizeof *k);
  if (!k) return NULL;
  tl_buf_init(&k->key);
  tl_buf_init(&k->texts);
  tl_buf_slice(&k->key, key);
  tl_buf_slice(&k->texts, unit);
  if (k->key.failed || k->texts.failed || tl_map_put(&w->tags, tl_buf_bytes(&k->key), k) < 0) {
    tl_buf_fini(&k->key);
    tl_buf_fini(&k->texts);
    free(k);
    return NULL;
  }
  k->series = (tl_series){ .type = k->key.at[0],
                           .name = tl_slice_of(k->key.at + 1, k->key.len - 1),
                           .unit = tl_buf_bytes(&k->texts) };
  return k;
}

static known *known_of (writer *w, tl_type type, tl_slice name, tl_slice unit) {
  tl_buf key;
  tl_buf_init(&key);
  tl_buf_byte(&key, (uint8_t)type);
  tl_buf_slice(&key, name);
  known *k = key.failed ? NULL : tl_map_get(&w->tags, tl_buf_bytes(&key));
  if (!k && !key.failed) k = make_known(w, tl_buf_bytes(&key), unit);
  tl_buf_fini(&key);
  return k;
}

/* The value at `index`, by type: a number, an integer (TiA in ms), a boolean, a text. */
static void read_value (lua_State *L, int index, tl_type type, tl_buf *texts, tl_value *out) {
  size_t len;
  switch (type) {
    case TL_AI:
    case TL_AO:
    case TL_TIR:
    case TL_TOR: out->number = luaL_checknumber(L, index); break;
    case TL_DI:
    case TL_DO: out->boolean = lua_toboolean(L, index); break;
    case TL_TXTI:
    case TL_TXTO: {
      const char *text = luaL_checklstring(L, index, &len);
      out->text = tl_slice_of((const void *)(uintptr_t)texts->len, len);
      tl_buf_add(texts, text, len);
      break;
    }
    default: out->integer = luaL_checkinteger(L, index); break;
  }
}

static tl_slice slice_at (lua_State *L, int index) {
  size_t len;
  const char *text = luaL_optlstring(L, index, "", &len);
  return tl_slice_of(text, len);
}

/* w:add(name, type, unit, time in ms, n, value, reason): add a row. With a reason the value is
** invalid, and ignored. Returns true, or nil and why. */
static int l_add (lua_State *L) {
  writer *w = check_writer(L);
  tl_slice name = slice_at(L, 2), reason_name = slice_at(L, 8);
  tl_type type;
  tl_reason reason = TL_REASON_NONE;
  tl_err err = { .text = "" };
  if (!tl_type_from_name(slice_at(L, 3), &type)) luaL_argerror(L, 3, "a type is expected");
  if (reason_name.len > 0 && !tl_reason_from_name(reason_name, &reason))
    luaL_argerror(L, 8, "a reason is expected");
  tl_sample sample = { .status = TL_VALID,
                       .n = (uint16_t)luaL_checkinteger(L, 6),
                       .time_ms = luaL_checkinteger(L, 5) };
  if (reason_name.len > 0) {
    sample.status = TL_INVALID;
    sample.reason = (uint8_t)reason;
  } else {
    read_value(L, 7, type, &w->texts, &sample.value);
  }
  known *k = known_of(w, type, name, slice_at(L, 4));
  if (!k) return luaL_error(L, "not enough memory");
  w->values[w->count++] =
      (tl_outlet_value){ .series = &k->series, .arrival_ms = sample.time_ms, .sample = sample };
  if (w->count == BATCH && store(w, &err) < 0) return fail(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

/* w:rows(): how many rows the file has. */
static int l_rows (lua_State *L) {
  writer *w = check_writer(L);
  tl_err err = { .text = "" };
  uint64_t rows;
  if (tl_history_rows(w->history, &rows, &err) < 0) return fail(L, &err);
  lua_pushinteger(L, (lua_Integer)rows);
  return 1;
}

/* w:flush(): write all rows to the file. Returns true, or nil and why. */
static int l_flush (lua_State *L) {
  writer *w = check_writer(L);
  tl_err err = { .text = "" };
  int rc = w->count > 0 ? store(w, &err) : TL_OK;
  if (rc >= 0) rc = tl_history_merge(w->history, &err);
  if (rc < 0) return fail(L, &err);
  lua_pushinteger(L, (lua_Integer)tl_history_too_old(w->history));
  return 1;
}

void tl_open_history_writer (lua_State *L) {
  static const luaL_Reg methods[] = { { "add", l_add },   { "close", l_gc }, { "flush", l_flush },
                                      { "rows", l_rows }, { "__gc", l_gc },  { "__close", l_gc },
                                      { NULL, NULL } };
  luaL_newmetatable(L, WRITER);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, l_open);
  lua_setfield(L, -2, "open");
}
