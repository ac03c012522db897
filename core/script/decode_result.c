/* core/script/decode_result.c — turns what decode returns into tag values: a table from name
** to value, or a list of samples with their own times; or metrics that were read in C.
** Everything is read and converted before the first tag is set, so an error anywhere in the
** result changes nothing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "script/decode_impl.h"
#include "script/l_options.h"

enum {
  HERE = 64,         /* so many values need no allocation */
  NS_PER_VALUE = 350 /* time to set and print one value */
};

/* Raises an error, which begins with "sample 7: " if decode returned a list. */
static void wrong (tl_taking *t, const char *what) {
  if (t->sample > 0) luaL_error(t->L, "sample %I: %s", (LUAI_UACINT)t->sample, what);
  luaL_error(t->L, "%s", what);
}

static int64_t read_time (tl_taking *t, int index, const char *where) {
  lua_State *L = t->L;
  tl_value v;
  const char *expected;
  /* refuses times after the year 9999: milliseconds in place of seconds would give such */
  if (!tl_read_value(L, index, TL_TIA, &v, &expected))
    wrong(t, lua_pushfstring(L, "%s: expected a time in seconds since 1970, got %s", where,
                             tl_push_got(L, index)));
  return v.integer;
}

/* --- one value --- */

/* Convert the value on top as payload values are converted: what a decoder returns is data,
** not an argument of our API. */
static inline void take (tl_taking *t, int tag, int type_in, int64_t time_ms) {
  lua_State *L = t->L;
  size_t len;
  tl_buf *scratch = &t->station->line->model->scratch;
  tl_type type = t->plan->tags[tag].type;
  tl_pending_value *p = tl_taking_add(t, tag, type, TL_TAKEN_VALID, time_ms);
  tl_reason why = TL_REASON_TYPE;
  if (type_in == LUA_TNUMBER && type == TL_AI) { /* the most frequent case */
    p->value.number = lua_tonumber(L, -1);
    if (!isfinite(p->value.number)) p->how = TL_REASON_TYPE;
    return;
  }
  switch (type_in) {
    case LUA_TBOOLEAN: why = tl_convert_boolean(type, lua_toboolean(L, -1) != 0, &p->value); break;
    case LUA_TNUMBER:
      tl_buf_clear(scratch);
      why = lua_isinteger(L, -1)
                ? tl_convert_integer(type, lua_tointeger(L, -1), scratch, &p->value)
                : tl_convert_number(type, lua_tonumber(L, -1), scratch, &p->value);
      break;
    case LUA_TSTRING: {
      const char *text = lua_tolstring(L, -1, &len);
      const tl_tagdef *def = &t->plan->tags[tag];
      why = tl_words_text(type, &def->words, tl_slice_of(text, len), &t->plan->rule, &p->value);
      break;
    }
    default: break;
  }
  p->how = (uint8_t)why;
  if (why == TL_REASON_NONE && (type == TL_TXTI || type == TL_TXTO))
    p->value.text = tl_taking_keep(t, p->value.text);
}

static void make_words (lua_State *L, tl_script *s) {
  lua_pushliteral(L, "time");
  s->words.time = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushliteral(L, "status");
  s->words.status = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_pushliteral(L, "value");
  s->words.value = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* lua_getfield() on the table at the top, with a field name that is kept in the registry. */
static inline int get_word (lua_State *L, int word) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, word);
  return lua_gettable(L, -2);
}

/* Raise if the table on top has a field that is not in `known`: it is most likely a misspelled
** one. */
static void check_fields (tl_taking *t, const char *where, const char *known) {
  lua_State *L = t->L;
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : tl_push_got(L, -2);
    if (tl_option_is_known(name, known)) continue;
    wrong(t, lua_pushfstring(L, "%s: unknown field %s (known: %s)", where, name, known));
  }
}

/* Read { value = v, time = t, status = "invalid", reason = "range" } on top. Unknown fields
** are looked for only if there is no value, because decoders return many such tables. */
static void take_detailed (tl_taking *t, int tag, int64_t time_ms) {
  lua_State *L = t->L;
  const char *name = t->plan->tags[tag].name;
  tl_type type = t->plan->tags[tag].type;
  tl_reason reason = TL_REASON_DECODER;
  size_t len;
  if (!t->script->words.value) make_words(L, t->script);
  if (get_word(L, t->script->words.time) != LUA_TNIL) time_ms = read_time(t, -1, name);
  lua_pop(L, 1);
  if (get_word(L, t->script->words.status) != LUA_TNIL) {
    tl_slice status = { 0 };
    if (lua_type(L, -1) == LUA_TSTRING) status = tl_slice_str(lua_tostring(L, -1));
    if (tl_slice_eq(status, TL_LIT("invalid"))) {
      if (lua_getfield(L, -2, "reason") == LUA_TSTRING) {
        const char *word = lua_tolstring(L, -1, &len);
        if (!tl_reason_from_name(tl_slice_of(word, len), &reason))
          wrong(t, lua_pushfstring(L, "%s: unknown reason '%s'", name, word));
      }
      lua_pop(L, 2);
      tl_taking_add(t, tag, type, (uint8_t)reason, time_ms);
      return;
    }
    if (!tl_slice_eq(status, TL_LIT("valid")))
      wrong(t, lua_pushfstring(L, "%s: expected status \"valid\" or \"invalid\", got %s", name,
                               tl_push_got(L, -1)));
  }
  lua_pop(L, 1);
  int type_in = get_word(L, t->script->words.value);
  if (type_in == LUA_TNIL) {
    lua_pop(L, 1);
    check_fields(t, name, "value time status reason");
    lua_pushnil(L);
    tl_taking_add(t, tag, type, TL_TAKEN_MISSING, time_ms);
  } else {
    take(t, tag, type_in, time_ms);
  }
  lua_pop(L, 1);
}

/* --- one table of them --- */

/* Remember that the name at stack index -2 comes at place `at`. The string is referenced, so
** that no other string can get its address. */
static void learn (lua_State *L, tl_station_functions *f, size_t at, int tag) {
  f->guesses[at].name = NULL;
  if (f->names == LUA_NOREF) {
    lua_createtable(L, TL_GUESSES, 0);
    f->names = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, f->names);
  lua_pushvalue(L, -3);
  lua_rawseti(L, -2, (lua_Integer)at + 1);
  lua_pop(L, 1);
  f->guesses[at] = (tl_guess){ lua_topointer(L, -2), (uint16_t)tag };
}

/* The index of the tag whose name is at stack index -2, which comes at place `at`; -1: there
** is no such tag. */
static int find (tl_taking *t, size_t at) {
  lua_State *L = t->L;
  tl_station_hooks *hooks = t->station->user;
  size_t len;
  tl_work(L, &t->script->box);
  if (lua_type(L, -2) != LUA_TSTRING)
    wrong(t, lua_pushfstring(L, "decode: expected tag names as keys, got %s", tl_push_got(L, -2)));
  const char *name = lua_tolstring(L, -2, &len);
  int tag = tl_plan_find(t->plan, tl_slice_of(name, len));
  if (tag < 0)
    tl_taking_unknown(t, name);
  else if (hooks && at < TL_GUESSES)
    learn(L, hooks->functions, at, tag);
  return tag;
}

static bool is_list (lua_State *L, int table) {
  if (lua_type(L, -2) != LUA_TNUMBER) return false;
  bool yes = lua_rawgeti(L, table, 1) != LUA_TNIL;
  lua_pop(L, 1);
  return yes;
}

/* Read the table that stands `above` places above the texts. A decoder returns the same names
** in the same order again and again, so the tag that came at this place the last time is tried
** first.
** False: the result is a list of samples. */
static bool take_values (tl_taking *t, int above, int64_t time_ms) {
  lua_State *L = t->L;
  const tl_station_hooks *hooks = t->station->user;
  const tl_guess *guesses = hooks ? hooks->functions->guesses : NULL;
  size_t at = 0, first = t->n;
  for (lua_pushnil(L); lua_next(L, t->base + t->texts + above) != 0; at++) {
    const tl_guess *guess = guesses && at < TL_GUESSES ? &guesses[at] : NULL;
    bool guessed = guess && guess->name && guess->name == lua_topointer(L, -2) &&
                   guess->tag < t->plan->tag_count;
    if (!guessed && t->sample == 0 && is_list(L, t->base + t->texts + above)) return false;
    int tag = guessed ? guess->tag : find(t, at);
    if (tag >= 0) {
      int type_in = lua_type(L, -1);
      if (type_in == LUA_TTABLE)
        take_detailed(t, tag, time_ms);
      else
        take(t, tag, type_in, time_ms);
    }
    lua_pop(L, 1);
  }
  tl_work(L, &t->script->box);
  tl_taking_sort(t, t->list + first, t->n - first);
  return true;
}

/* --- all of them --- */

/* Read a list of samples. Returns the time of the last one. */
static int64_t take_list (tl_taking *t, int list, int64_t time_ms) {
  lua_State *L = t->L;
  lua_Integer n = (lua_Integer)lua_rawlen(L, list);
  int64_t last = time_ms;
  for (t->sample = 1; t->sample <= n; t->sample++) {
    int64_t at = time_ms;
    if (lua_rawgeti(L, list, t->sample) != LUA_TTABLE)
      wrong(t, lua_pushfstring(L, "expected a table { time =, values = }, got %s",
                               tl_push_got(L, -1)));
    /* only the first sample is checked: the others are most likely alike */
    if (t->sample == 1) check_fields(t, "a sample", "time values");
    if (lua_getfield(L, -1, "time") != LUA_TNIL) at = read_time(t, -1, "its time");
    lua_pop(L, 1);
    if (lua_getfield(L, -1, "values") != LUA_TTABLE)
      wrong(t, lua_pushfstring(L, "expected values = { … }, got %s", tl_push_got(L, -1)));
    take_values(t, 2, at);
    lua_pop(L, 2);
    tl_work(L, &t->script->box);
    last = at;
  }
  return last;
}

bool tl_decoded_is_gone (lua_State *L, int index, int64_t *time_ms) {
  /* a decoder may end with string.unpack, which returns a position as one more result */
  if (lua_type(L, index + 2) != LUA_TSTRING) return false;
  if (!tl_slice_eq(tl_slice_str(lua_tostring(L, index + 2)), TL_LIT("StHardErr")))
    luaL_error(
        L,
        "decode: expected \"StHardErr\" or nil as its third result, the station's status, got %s",
        tl_push_got(L, index + 2));
  if (!lua_isnil(L, index + 1))
    *time_ms = read_time(&(tl_taking){ .L = L }, index + 1, "the time that decode returned");
  return true;
}

void tl_set_decoded (lua_State *L, tl_script *s, tl_station *station, int first, int64_t time_ms,
                     tl_reading *reading) {
  tl_pending_value here[HERE];
  tl_taking t = {
    .L = L, .script = s, .station = station, .plan = station->plan, .list = here, .room = HERE
  };
  tl_metrics_values *metrics =
      lua_type(L, first) == LUA_TUSERDATA ? luaL_testudata(L, first, TL_METRIC_VALUES) : NULL;
  if (!metrics && lua_type(L, first) != LUA_TTABLE)
    luaL_error(L,
               "decode must return a table of tag names and values, a list of samples, or nil; it "
               "returned %s",
               tl_push_got(L, first));
  if (!lua_isnil(L, first + 1)) time_ms = read_time(&t, first + 1, "the time that decode returned");
  lua_pushnil(L);
  t.base = lua_gettop(L);
  if (metrics) {
    tl_take_metrics(&t, metrics, first, time_ms);
  } else {
    lua_pushvalue(L, first);
    if (!take_values(&t, 1, time_ms)) {
      t.n = 0;
      t.texts = 0;
      lua_settop(L, t.base);
      time_ms = take_list(&t, first, time_ms);
    }
  }
  if (t.n > HERE) tl_budget_spend(L, t.n * NS_PER_VALUE);
  tl_station_set(reading, time_ms);
  if (!station->off && !station->simulated)
    tl_taking_set(&t); /* a handler of an addressed tag may have switched the station off */
}
