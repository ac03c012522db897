/* core/codec/l_zlib.h — zlib's inflate as the Lua module tagline.zlib, for compressed
** payloads. Knows nothing of the program. It is part of the program, and also a loadable
** module for specs in a plain Lua. */
#ifndef TL_CODEC_L_ZLIB_H
#define TL_CODEC_L_ZLIB_H

#include <lua.h>
#include <stdint.h>

/* Called before each piece of work, with an estimate of how long it takes; may raise. */
typedef void tl_zlib_ahead (lua_State *L, uint64_t ns);

/* Push the module { inflate = f, gunzip = f }. Both are f(bytes [, limit [, from [, to]]]):
** decompress the bytes from number `from` to number `to` (default: all) to at most `limit`
** bytes (default: 1 MiB). They return the data; or nil, what was expected, and the number of
** the byte.
** All memory comes from Lua. `ahead` may be NULL. */
int tl_push_zlib (lua_State *L, tl_zlib_ahead *ahead);

int luaopen_tagline_zlib (lua_State *L); /* for a plain Lua */

#endif
