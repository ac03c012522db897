/* core/sandbox/json_keys.c — keeps the keys of JSON documents: a table of fixed size, two places
** for each hash; what comes newest stays. */
#include <string.h>

#include "sandbox/json_keys_impl.h"

enum { PLACES = 256, LONGEST = 40 };

/* A key up to 16 bytes is told by its first and last bytes and its length. */
typedef struct {
  uint64_t first, last;
  uint32_t len; /* 0: nothing is kept here */
  char bytes[LONGEST];
} place;

struct tl_json_keys {
  uint32_t turn; /* which of two places is given up next */
  place places[PLACES];
};

tl_json_keys *tl_push_json_keys (lua_State *L) {
  static const char name; /* its address is the key in the registry */
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &name) != LUA_TUSERDATA) {
    lua_pop(L, 1);
    tl_json_keys *made = lua_newuserdatauv(L, sizeof *made, 1);
    memset(made, 0, sizeof *made);
    lua_createtable(L, PLACES, 0);
    for (int i = 1; i <= PLACES; i++) { /* filled now, so that keeping one needs no memory */
      lua_pushboolean(L, 0);
      lua_rawseti(L, -2, i);
    }
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &name);
  }
  tl_json_keys *keys = lua_touserdata(L, -1);
  lua_getiuservalue(L, -1, 1);
  lua_replace(L, -2);
  return keys;
}

static inline uint64_t eight (const uint8_t *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

/* The first eight bytes of a key, fewer where it is shorter; and its last eight. */
static inline void read_ends (tl_slice key, const uint8_t *end, place *out) {
  if (key.len >= 8) {
    out->first = eight(key.at);
    out->last = eight(key.at + key.len - 8);
    return;
  }
  uint8_t bytes[8] = { 0 };
  if (end - key.at >= 8)
    memcpy(bytes, key.at, 8); /* more than the key: cut off below */
  else
    memcpy(bytes, key.at, key.len);
  for (size_t i = key.len; i < 8; i++) bytes[i] = 0;
  out->first = eight(bytes);
  out->last = 0;
}

static inline bool is_it (const place *at, const place *wanted, tl_slice key) {
  return at->first == wanted->first && at->last == wanted->last && at->len == wanted->len &&
         (key.len <= 16 || memcmp(at->bytes, key.at, key.len) == 0);
}

void tl_push_json_key (lua_State *L, tl_json_keys *keys, int table, tl_slice key,
                       const uint8_t *end) {
  if (key.len == 0 || key.len > LONGEST) {
    lua_pushlstring(L, (const char *)key.at, key.len);
    return;
  }
  place wanted = { .len = (uint32_t)key.len };
  read_ends(key, end, &wanted);
  uint64_t mixed =
      (wanted.first ^ wanted.last * 0x9e3779b97f4a7c15U ^ wanted.len) * 0xff51afd7ed558ccdU;
  uint32_t at = (uint32_t)(mixed >> 40) % PLACES;
  if (is_it(&keys->places[at], &wanted, key) || is_it(&keys->places[at ^= 1], &wanted, key)) {
    lua_rawgeti(L, table, (lua_Integer)at + 1);
    return;
  }
  at = (at & ~1U) | (keys->turn++ & 1);
  lua_pushlstring(L, (const char *)key.at, key.len);
  lua_pushvalue(L, -1);
  lua_rawseti(L, table, (lua_Integer)at + 1);
  memcpy(wanted.bytes, key.at, key.len);
  keys->places[at] = wanted;
}
