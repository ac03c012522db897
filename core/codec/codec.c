/* core/codec/codec.c — loads the modules of this room. */
#include "codec/codec.h"

#include "codec/codec_impl.h"
#include "codec/l_zlib.h"

static int open_zlib (lua_State *L) { return tl_push_zlib(L, tl_budget_spend); }

void tl_open_codecs (lua_State *L) {
  luaL_requiref(L, "tagline.zlib", open_zlib, 0);
  luaL_requiref(L, "tagline.bytes", tl_open_bytes, 0);
  luaL_requiref(L, "tagline.protobuf", tl_open_protobuf, 0);
  luaL_requiref(L, "tagline.uplink", tl_open_uplink, 0);
  luaL_requiref(L, "tagline.entries", tl_open_entries, 0);
  luaL_requiref(L, "tagline.metrics", tl_open_metrics, 0);
}
