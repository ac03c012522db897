/* core/codec/codec_impl.h — private to codec/: the loaders of its modules, and what these share. */
#ifndef TL_CODEC_CODEC_IMPL_H
#define TL_CODEC_CODEC_IMPL_H

#include "sandbox/sandbox.h"

/* l_bytes.c */
int tl_open_bytes (lua_State *L);
/* Push the decoded bytes of a base64 text. False, and nothing is pushed: the text is wrong, or
** too long for a device's frame. */
bool tl_push_base64 (lua_State *L, tl_slice text);
bool tl_push_hex (lua_State *L, tl_slice text);
/* Push an ISO 8601 time as seconds since 1970, an integer if the text has no fraction. False,
** and nothing is pushed: the text is not a time. */
bool tl_push_iso8601 (lua_State *L, tl_slice text);

int tl_open_uplink (lua_State *L);   /* l_uplink.c */
int tl_open_entries (lua_State *L);  /* l_entries.c */
int tl_open_protobuf (lua_State *L); /* l_protobuf.c */
int tl_open_metrics (lua_State *L);  /* l_metrics.c */

#endif
