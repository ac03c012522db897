/* core/sandbox/json_keys_impl.h — private to sandbox/: keys of JSON documents as Lua strings that
** are kept, and how much was in what they lead to. The same keys come in each message of a
** device: interning one costs several times as much as finding it here, and a table that is made
** large enough is not made again while it is filled. */
#ifndef TL_SANDBOX_JSON_KEYS_IMPL_H
#define TL_SANDBOX_JSON_KEYS_IMPL_H

#include "base/slice.h"
#include "sandbox/sandbox.h"

enum { TL_JSON_KEYS = 256, TL_JSON_KEY_LONGEST = 40, TL_JSON_ROOM = 64 };

/* A key up to 16 bytes is told by these, filled up with zeros, which are in no key. */
typedef struct {
  uint64_t first, second;
  uint8_t len; /* 0: nothing is kept here */
  /* How many members or elements there were the last time, at most TL_JSON_ROOM: in the object or
  ** array that the key leads to [0], in those that are elements of it [1]. */
  uint8_t room[2];
  char rest[TL_JSON_KEY_LONGEST - 16];
} tl_json_place;

/* Of each state one, which is never freed before it. */
typedef struct {
  uint32_t turn; /* which of two places is given up next */
  /* the one behind: of what is the whole document, or has a key that is not kept; its room is
  ** that of the last object or array anywhere, from which new keys begin */
  tl_json_place places[TL_JSON_KEYS + 1];
} tl_json_keys;

/* Push the table of the kept strings, and return what finds them; both are made at the first
** call in a state. May raise. */
tl_json_keys *tl_push_json_keys (lua_State *L);
/* Push a key (without escapes) as a string. `table`: stack index of that table; `end`: behind
** the last byte that may be read. May raise. */
tl_json_place *tl_push_json_key (lua_State *L, tl_json_keys *keys, int table, tl_slice key,
                                 const uint8_t *end);

#endif
