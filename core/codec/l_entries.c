/* core/codec/l_entries.c — the module tagline.entries: frames made of entries, as many
** sensors send them. An entry is a key, followed by parts of a fixed size.
** The parts of each key are compiled once (tagline.codec.kit); frames are then read straight
** into a table of values.
**
** An incomplete entry or an unknown key ends the reading; the caller in Lua then tells what is
** wrong. */
#include <math.h>
#include <string.h>

#include "codec/codec_impl.h"

#define AT_SET lua_upvalueindex(1) /* of each function of a set */

enum { SLOTS = 1, STEPS, NAMES };                           /* user values of the set */
enum { FRAME_MAX = 255, PARTS_MAX = 16, FIRST_SLOTS = 64 }; /* a frame of LoRaWAN has 242 bytes */

typedef enum { UNSIGNED, SIGNED, FLOAT, DOUBLE } kind;

typedef struct {
  double divisor; /* 0: none */
  uint32_t name;  /* index of its name; 0: the part is skipped */
  uint8_t size;
  uint8_t kind;
  bool little, flag, finite;
} part;

typedef struct {
  uint16_t size, n;
  part parts[];
} step;

typedef struct {
  uint32_t key;
  const step *step; /* NULL: the slot is free */
} slot;

typedef struct {
  slot *slots;
  uint32_t mask, n; /* number of slots minus 1; number of used slots */
  uint8_t width;    /* bytes of a key */
} set;

/* --- finding --- */

static slot *slot_of (const set *s, uint32_t key) {
  uint32_t at = key * 0x9E3779B1u;
  at ^= at >> 15;
  for (;; at++) {
    slot *one = &s->slots[at & s->mask];
    if (!one->step || one->key == key) return one;
  }
}

/* The step of the entry at `at`; *after is where the entry ends. NULL: its key is unknown, or
** it is incomplete. */
static inline const step *step_at (const set *s, const uint8_t *bytes, size_t len, size_t at,
                                   size_t *after) {
  if (len - at <= s->width) return NULL;
  uint32_t key = bytes[at];
  if (s->width == 2) key = key << 8 | bytes[at + 1];
  const step *found = slot_of(s, key)->step;
  if (!found || len - at - s->width < found->size) return NULL;
  *after = at + s->width + found->size;
  return found;
}

/* --- values --- */

static uint64_t raw_of (const part *p, const uint8_t *at) {
  uint64_t raw = 0;
  for (int i = 0; i < p->size; i++) raw = raw << 8 | at[p->little ? p->size - 1 - i : i];
  return raw;
}

static double real_of (const part *p, uint64_t raw) {
  double d;
  float f;
  uint32_t half = (uint32_t)raw;
  if (p->kind == DOUBLE) {
    memcpy(&d, &raw, sizeof d);
    return d;
  }
  memcpy(&f, &half, sizeof f);
  return (double)f;
}

/* Push { status = "invalid" }, with the value if there is one. */
static void push_invalid (lua_State *L, bool has_value, lua_Integer value) {
  lua_createtable(L, 0, 2);
  if (has_value) {
    lua_pushinteger(L, value);
    lua_setfield(L, -2, "value");
  }
  lua_pushliteral(L, "invalid");
  lua_setfield(L, -2, "status");
}

static void push_real (lua_State *L, const part *p, uint64_t raw) {
  double d = real_of(p, raw);
  if (p->finite && !isfinite(d))
    push_invalid(L, false, 0);
  else
    lua_pushnumber(L, p->divisor > 0 ? d / p->divisor : d);
}

static void push_value (lua_State *L, const part *p, const uint8_t *at) {
  uint64_t raw = raw_of(p, at);
  if (p->kind >= FLOAT) {
    push_real(L, p, raw);
    return;
  }
  unsigned unused = 64 - 8 * (unsigned)p->size;
  int64_t value = p->kind == SIGNED ? (int64_t)(raw << unused) >> unused : (int64_t)raw;
  if (p->flag && value > 1)
    push_invalid(L, true, value);
  else if (p->flag)
    lua_pushboolean(L, value == 1);
  else if (p->divisor > 0)
    lua_pushnumber(L, (double)value / p->divisor);
  else
    lua_pushinteger(L, value);
}

/* Put the values of a step's parts into the table at `values`. If `wanted` is above 0, only
** names that are keys of the table there. The set's names are on top. */
static void put (lua_State *L, const step *found, const uint8_t *at, int values, int wanted) {
  for (const part *p = found->parts, *end = p + found->n; p < end; at += p->size, p++) {
    if (p->name == 0) continue;
    lua_rawgeti(L, -1, p->name);
    if (wanted > 0) {
      lua_pushvalue(L, -1);
      bool yes = lua_rawget(L, wanted) != LUA_TNIL;
      lua_pop(L, 1);
      if (!yes) {
        lua_pop(L, 1);
        continue;
      }
    }
    push_value(L, p, at);
    lua_rawset(L, values);
  }
}

/* --- reading --- */

/* Read the arguments bytes (1) and place (2, from 0). Raises if the place is outside of the
** bytes. */
static const uint8_t *check_place (lua_State *L, size_t *len, size_t *at) {
  const uint8_t *bytes = (const uint8_t *)luaL_checklstring(L, 1, len);
  lua_Integer place = luaL_checkinteger(L, 2);
  if (place < 1 || (size_t)place > *len + 1) luaL_argerror(L, 2, "no such place");
  *at = (size_t)place - 1;
  return bytes;
}

/* read(bytes, at, values): read entries into the table, as many as follow. Returns the place
** of the first entry that is unknown or incomplete, or the end. */
static int entries_read (lua_State *L) {
  const set *s = lua_touserdata(L, AT_SET);
  size_t len, at, after;
  const uint8_t *bytes = check_place(L, &len, &at);
  const step *found;
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  lua_getiuservalue(L, AT_SET, NAMES);
  while ((found = step_at(s, bytes, len, at, &after))) {
    put(L, found, bytes + at + s->width, 3, 0);
    at = after;
  }
  lua_pushinteger(L, (lua_Integer)at + 1);
  return 1;
}

/* one(bytes, at, values, key): read the parts of one key, which begin at `at`. Returns the
** place behind them; nothing if they are incomplete. */
static int entries_one (lua_State *L) {
  const set *s = lua_touserdata(L, AT_SET);
  size_t len, at;
  const uint8_t *bytes = check_place(L, &len, &at);
  luaL_checktype(L, 3, LUA_TTABLE);
  const step *found = slot_of(s, (uint32_t)luaL_checkinteger(L, 4))->step;
  if (!found || len - at < found->size) return 0;
  lua_settop(L, 3);
  lua_getiuservalue(L, AT_SET, NAMES);
  put(L, found, bytes + at, 3, 0);
  lua_pushinteger(L, (lua_Integer)(at + found->size) + 1);
  return 1;
}

/* frame(bytes, wanted [, values]): read a whole frame into a table (a new one if not given).
** `wanted` nil: all values, otherwise only its keys. Returns the table; nothing, without
** setting any value, if not all of the frame can be read. */
static int entries_frame (lua_State *L) {
  const set *s = lua_touserdata(L, AT_SET);
  const step *found[FRAME_MAX];
  size_t len, at = 0, n = 0;
  int values = 0;
  const uint8_t *bytes = (const uint8_t *)luaL_checklstring(L, 1, &len);
  if (len == 0 || len > FRAME_MAX) return 0;
  for (; at < len; n++) {
    found[n] = step_at(s, bytes, len, at, &at);
    if (!found[n]) return 0;
    values += found[n]->n;
  }
  lua_settop(L, 3);
  int wanted = lua_istable(L, 2) ? 2 : 0;
  if (!lua_istable(L, 3)) {
    lua_createtable(L, 0, values);
    lua_replace(L, 3);
  }
  lua_getiuservalue(L, AT_SET, NAMES);
  for (size_t i = 0; i < n; i++) {
    bytes += s->width;
    put(L, found[i], bytes, 3, wanted);
    bytes += found[i]->size;
  }
  lua_settop(L, 3);
  return 1;
}

/* --- compiling --- */

/* A format of string.unpack: its byte order, then i or I and a size, f, or d. */
static void read_format (lua_State *L, const char *format, part *p) {
  p->little = format[0] == '<';
  bool sized = (format[1] == 'i' || format[1] == 'I') && format[2] >= '1' && format[2] <= '8';
  bool real = format[1] == 'f' || format[1] == 'd';
  size_t length = strlen(format);
  if (!(p->little || format[0] == '>') || length != (sized ? 3U : 2U) || !(sized || real))
    luaL_error(L, "tagline.entries: expected a format such as \">i2\", got '%s'", format);
  switch (format[1]) {
    case 'f': p->kind = FLOAT, p->size = sizeof(float); break;
    case 'd': p->kind = DOUBLE, p->size = sizeof(double); break;
    default: p->kind = format[1] == 'i' ? SIGNED : UNSIGNED; p->size = (uint8_t)(format[2] - '0');
  }
}

static bool flag_of (lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  bool yes = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return yes;
}

/* Read the part on top: { name, format, divisor, bool =, finite = }. Its name is appended to
** the table at `names`. */
static part read_part (lua_State *L, int names) {
  part p = { .flag = flag_of(L, "bool"), .finite = flag_of(L, "finite") };
  size_t len;
  lua_rawgeti(L, -1, 3);
  p.divisor = luaL_optnumber(L, -1, 0);
  lua_rawgeti(L, -2, 2);
  read_format(L, luaL_checkstring(L, -1), &p);
  lua_rawgeti(L, -3, 1);
  luaL_checklstring(L, -1, &len);
  if (len > 0) {
    p.name = (uint32_t)lua_rawlen(L, names) + 1;
    lua_rawseti(L, names, p.name);
  } else {
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return p;
}

/* Push a block of `room` free slots; `room` is a power of two. */
static void push_slots (lua_State *L, set *s, uint32_t room) {
  s->slots = lua_newuserdatauv(L, room * sizeof *s->slots, 0);
  s->mask = room - 1;
  memset(s->slots, 0, room * sizeof *s->slots);
}

/* Double the slots when half of them are used. */
static void make_room (lua_State *L, set *s) {
  if (s->n <= s->mask / 2) return;
  set more = *s;
  push_slots(L, &more, 2 * (s->mask + 1));
  for (uint32_t i = 0; i <= s->mask; i++)
    if (s->slots[i].step) *slot_of(&more, s->slots[i].key) = s->slots[i];
  lua_setiuservalue(L, AT_SET, SLOTS);
  *s = more;
}

/* add(key, parts): define which parts follow a key. */
static int entries_add (lua_State *L) {
  set *s = lua_touserdata(L, AT_SET);
  uint32_t key = (uint32_t)luaL_checkinteger(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  size_t n = (size_t)lua_rawlen(L, 2);
  if (n < 1 || n > PARTS_MAX) luaL_argerror(L, 2, "too many parts");
  lua_getiuservalue(L, AT_SET, STEPS);
  lua_getiuservalue(L, AT_SET, NAMES);
  step *made = lua_newuserdatauv(L, sizeof *made + n * sizeof made->parts[0], 0);
  made->n = (uint16_t)n;
  made->size = 0;
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    luaL_checktype(L, -1, LUA_TTABLE);
    made->parts[i] = read_part(L, 4);
    made->size = (uint16_t)(made->size + made->parts[i].size);
    lua_pop(L, 1);
  }
  make_room(L, s);
  lua_rawseti(L, 3, (lua_Integer)lua_rawlen(L, 3) + 1);
  slot *one = slot_of(s, key);
  if (!one->step) s->n++;
  *one = (slot){ key, made };
  return 0;
}

/* clear(): remove all entries. */
static int entries_clear (lua_State *L) {
  set *s = lua_touserdata(L, AT_SET);
  memset(s->slots, 0, (s->mask + 1) * sizeof *s->slots);
  s->n = 0;
  for (int value = STEPS; value <= NAMES; value++) {
    lua_newtable(L);
    lua_setiuservalue(L, AT_SET, value);
  }
  return 0;
}

/* new(width): make a set of entries whose keys have 1 or 2 bytes. Returns its functions: add,
** read, one, frame, clear. */
static int entries_new (lua_State *L) {
  lua_Integer width = luaL_checkinteger(L, 1);
  if (width != 1 && width != 2) luaL_argerror(L, 1, "expected 1 or 2");
  lua_settop(L, 1);
  set *s = lua_newuserdatauv(L, sizeof *s, NAMES);
  *s = (set){ .width = (uint8_t)width };
  push_slots(L, s, FIRST_SLOTS);
  lua_setiuservalue(L, 2, SLOTS);
  lua_newtable(L);
  lua_setiuservalue(L, 2, STEPS);
  lua_newtable(L);
  lua_setiuservalue(L, 2, NAMES);
  static const lua_CFunction functions[] = { entries_add, entries_read, entries_one, entries_frame,
                                             entries_clear };
  enum { FUNCTIONS = sizeof functions / sizeof functions[0] };
  for (size_t i = 0; i < FUNCTIONS; i++) {
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, functions[i], 1);
  }
  return FUNCTIONS;
}

int tl_open_entries (lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, entries_new);
  lua_setfield(L, -2, "new");
  return 1;
}
