/* core/sandbox/json_keys.c — keeps the keys of JSON documents: a table of fixed size, two places
** for each hash; what comes newest stays. */
#include <string.h>

#include "sandbox/json_keys_impl.h"

tl_json_keys *tl_push_json_keys (lua_State *L) {
  static const char name; /* its address is the key in the registry */
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &name) != LUA_TUSERDATA) {
    lua_pop(L, 1);
    tl_json_keys *made = lua_newuserdatauv(L, sizeof *made, 1);
    memset(made, 0, sizeof *made);
    lua_createtable(L, TL_JSON_KEYS, 0);
    for (int i = 1; i <= TL_JSON_KEYS; i++) { /* filled now, so that keeping one needs no memory */
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

/* The first 16 bytes of a key, zeros where it is shorter. */
static inline void read_head (tl_slice key, const uint8_t *end, tl_json_place *out) {
  static const uint8_t wanted[32] = { 255, 255, 255, 255, 255, 255, 255, 255,
                                      255, 255, 255, 255, 255, 255, 255, 255 };
  size_t len = key.len < 16 ? key.len : 16;
  uint64_t head[2] = { 0, 0 }, mask[2];
  if (end - key.at < 16) {
    memcpy(head, key.at, len);
  } else { /* more than the key, mostly: cut off */
    memcpy(head, key.at, 16);
    memcpy(mask, wanted + 16 - len, 16);
    head[0] &= mask[0];
    head[1] &= mask[1];
  }
  out->first = head[0];
  out->second = head[1];
}

static inline bool is_it (const tl_json_place *at, const tl_json_place *wanted, tl_slice key) {
  return at->first == wanted->first && at->second == wanted->second && at->len == wanted->len &&
         (key.len <= 16 || memcmp(at->rest, key.at + 16, key.len - 16) == 0);
}

tl_json_place *tl_push_json_key (lua_State *L, tl_json_keys *keys, int table, tl_slice key,
                                 const uint8_t *end) {
  tl_json_place *other = &keys->places[TL_JSON_KEYS], wanted;
  if (key.len == 0 || key.len > TL_JSON_KEY_LONGEST) {
    lua_pushlstring(L, (const char *)key.at, key.len);
    return other;
  }
  wanted.len = (uint8_t)key.len;
  read_head(key, end, &wanted);
  uint64_t mixed =
      (wanted.first ^ wanted.second * 0x9e3779b97f4a7c15U ^ key.len) * 0xff51afd7ed558ccdU;
  uint32_t at = (uint32_t)(mixed >> 40) % TL_JSON_KEYS;
  if (is_it(&keys->places[at], &wanted, key) || is_it(&keys->places[at ^= 1], &wanted, key)) {
    lua_rawgeti(L, table, (lua_Integer)at + 1);
    return &keys->places[at];
  }
  at = (at & ~1U) | (keys->turn++ & 1);
  lua_pushlstring(L, (const char *)key.at, key.len);
  lua_pushvalue(L, -1);
  lua_rawseti(L, table, (lua_Integer)at + 1);
  memcpy(wanted.room, other->room, sizeof wanted.room);
  if (key.len > 16) memcpy(wanted.rest, key.at + 16, key.len - 16);
  keys->places[at] = wanted;
  return &keys->places[at];
}
