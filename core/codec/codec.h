/* core/codec/codec.h — what the codecs of lua/tagline/codec do with every message, in C: as
** modules of Lua. Each reads what is usual, all or nothing; at the first thing that is rare or
** wrong the Lua module reads the message again, and finds the words. Knows no lines, stations
** and tags. */
#ifndef TL_CODEC_CODEC_H
#define TL_CODEC_CODEC_H

#include <lua.h>

/* Loads tagline.bytes, .entries, .metrics, .protobuf, .uplink and .zlib into a sandbox's state:
** for tl_sandbox_init(). */
void tl_open_codecs (lua_State *L);

#endif
