/* core/sandbox/json_keys_impl.h — private to sandbox/: keys of JSON documents as Lua strings that
** are kept. The same keys come in each message of a device, and interning one costs several times
** as much as finding it here. */
#ifndef TL_SANDBOX_JSON_KEYS_IMPL_H
#define TL_SANDBOX_JSON_KEYS_IMPL_H

#include "base/slice.h"
#include "sandbox/sandbox.h"

typedef struct tl_json_keys tl_json_keys;

/* Push the table of the kept strings, and return what finds them; both are made at the first
** call in a state. May raise. */
tl_json_keys *tl_push_json_keys (lua_State *L);
/* Push a key (without escapes) as a string. `table`: stack index of that table; `end`: behind
** the last byte that may be read. May raise. */
void tl_push_json_key (lua_State *L, tl_json_keys *keys, int table, tl_slice key,
                       const uint8_t *end);

#endif
