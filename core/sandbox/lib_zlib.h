/* core/sandbox/lib_zlib.h — zlib's inflate as the Lua module tagline.zlib, for compressed
** payloads. Knows nothing of the program around it: part of it, and a loadable module for specs
** in a plain Lua. */
#ifndef TL_SANDBOX_LIB_ZLIB_H
#define TL_SANDBOX_LIB_ZLIB_H

#include <lua.h>
#include <stdint.h>

/* Called before each piece of work, with a guess of how long it takes; may raise. */
typedef void tl_zlib_ahead (lua_State *L, uint64_t ns);

/* Pushes the module: { inflate = f, gunzip = f }. Both are f(bytes [, limit [, from [, to]]]):
** the data between the bytes `from` and `to` (1 and the last one), decompressed to at most
** `limit` bytes (1 MiB); or nil, what was expected, and the byte's number. All their memory is
** Lua's. `ahead` may be NULL. */
int tl_push_zlib (lua_State *L, tl_zlib_ahead *ahead);

int luaopen_tagline_zlib (lua_State *L); /* for a plain Lua */

#endif
