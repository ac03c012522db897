/* core/codec/l_zlib.c — see l_zlib.h. */
#define ZLIB_CONST
#include "codec/l_zlib.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

enum {
  LIMIT = 1024 * 1024,
  /* of blocks without content, each with a code of its own: the slowest there is, some ms */
  IN_PIECE = 8 * 1024,
  OUT_PIECE = 64 * 1024,
  PIECE_NS = 300000,
  ROOM = 64 * 1024, /* zlib takes a window of 32 KiB and some 7 KiB */
  BARE = -15,
  WRAPPED = 15,
  GZIP = 31 /* windowBits, as zlib.h has them */
};

/* zlib gets its memory from this userdata: so nothing raises inside zlib, and an error
** afterwards leaks nothing. */
typedef struct {
  z_stream z;
  size_t used;
  uint64_t room[ROOM / sizeof(uint64_t)];
} inflating;

typedef struct {
  tl_zlib_ahead *ahead;
} watch; /* upvalue 1 of the functions */

static voidpf take (voidpf opaque, uInt items, uInt size) {
  inflating *in = opaque;
  size_t n = ((size_t)items * size + 15) / 16 * 16;
  if (sizeof in->room - in->used < n) return NULL;
  void *at = (uint8_t *)in->room + in->used;
  in->used += n;
  return at;
}

static void give (voidpf opaque, voidpf at) {
  (void)opaque;
  (void)at;
}

static inflating *begin (lua_State *L, int window_bits) {
  inflating *in = lua_newuserdatauv(L, sizeof *in, 0);
  in->z = (z_stream){ .zalloc = take, .zfree = give, .opaque = in };
  in->used = 0;
  if (inflateInit2(&in->z, window_bits) != Z_OK) luaL_error(L, "zlib cannot begin");
  return in;
}

typedef struct {
  const uint8_t *at, *end; /* data that zlib was not given yet */
} input;

static void feed (inflating *in, input *rest) {
  size_t n = (size_t)(rest->end - rest->at);
  if (in->z.avail_in > 0 || n == 0) return;
  if (n > IN_PIECE) n = IN_PIECE;
  in->z.next_in = rest->at;
  in->z.avail_in = (uInt)n;
  rest->at += n;
}

/* Does another member follow? A gzip file may consist of several. */
static bool is_next_member (const inflating *in, const input *rest) {
  const uint8_t *at = in->z.next_in;
  return rest->end - at >= 2 && at[0] == 0x1F && at[1] == 0x8B;
}

/* Is the stream bare, or in the zlib wrapper that most libraries write? A bare stream that
** begins like a wrapper would be a stored block with bits set that compressors leave zero. */
static int window_bits (const uint8_t *at, size_t n) {
  bool wrapped = n >= 2 && (at[0] & 15) == 8 && at[0] >> 4 <= 7 && (at[0] << 8 | at[1]) % 31 == 0;
  return wrapped ? WRAPPED : BARE;
}

static int fail (lua_State *L, ptrdiff_t at, const char *fmt, const char *detail) {
  lua_pushnil(L);
  lua_pushfstring(L, fmt, detail);
  lua_pushinteger(L, (lua_Integer)at);
  return 3;
}

static int fail_size (lua_State *L, ptrdiff_t at, const char *fmt, lua_Integer n) {
  lua_pushnil(L);
  lua_pushfstring(L, fmt, n);
  lua_pushinteger(L, (lua_Integer)at);
  return 3;
}

/* Decompress. `first` is the data's first byte, which is byte number `from` of the whole
** string. */
static int run (lua_State *L, const uint8_t *first, const uint8_t *end, lua_Integer from,
                lua_Integer limit, int bits) {
  const watch *w = lua_touserdata(L, lua_upvalueindex(1));
  inflating *in = begin(L, bits);
  input rest = { first, end };
  lua_Integer total = 0;
  luaL_Buffer out;
  in->z.next_in = first;
  luaL_buffinit(L, &out);
  for (;;) {
    if (w->ahead) w->ahead(L, PIECE_NS);
    feed(in, &rest);
    /* One byte more than allowed: if it is filled, the result is too long. */
    size_t room = limit - total < OUT_PIECE ? (size_t)(limit - total) + 1 : OUT_PIECE;
    in->z.next_out = (Bytef *)luaL_prepbuffsize(&out, room);
    in->z.avail_out = (uInt)room;
    int rc = inflate(&in->z, Z_NO_FLUSH);
    size_t made = room - in->z.avail_out;
    luaL_addsize(&out, made);
    total += (lua_Integer)made;
    ptrdiff_t read = in->z.next_in - first;
    if (total > limit)
      return fail_size(L, from + read - 1,
                       "expected at most %I bytes of decompressed data, got more", limit);
    if (rc == Z_STREAM_END) {
      if (in->z.next_in == end) break;
      if (bits != GZIP || !is_next_member(in, &rest))
        return fail_size(L, from + read, "expected the end of the compressed data, got %I more",
                         end - in->z.next_in);
      inflateReset(&in->z);
    } else if (rc == Z_NEED_DICT) {
      return fail(L, from + 1, "expected data without a preset dictionary, got %s",
                  "one that needs it");
    } else if (rc == Z_DATA_ERROR) {
      return fail(L, from + (read > 0 ? read - 1 : 0),
                  "expected valid compressed data, got what zlib calls '%s'", in->z.msg);
    } else if (rc == Z_BUF_ERROR && in->z.next_in == end) {
      return fail(L, from + read, "expected more compressed data, got %s", "the end");
    } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
      return luaL_error(L, "zlib failed (%d)", rc);
    }
  }
  luaL_pushresult(&out);
  return 1;
}

static int run_checked (lua_State *L, bool gzip) {
  size_t len;
  const uint8_t *bytes = (const uint8_t *)luaL_checklstring(L, 1, &len);
  lua_Integer limit = luaL_optinteger(L, 2, LIMIT);
  lua_Integer from = luaL_optinteger(L, 3, 1), to = luaL_optinteger(L, 4, (lua_Integer)len);
  if (limit < 0 || limit > UINT32_MAX) luaL_argerror(L, 2, "expected bytes, from 0 to 2^32");
  if (from < 1 || from > (lua_Integer)len + 1) luaL_argerror(L, 3, "expected a byte of the string");
  if (to < from - 1 || to > (lua_Integer)len) luaL_argerror(L, 4, "expected a byte of the string");
  lua_settop(L, 1);
  const uint8_t *first = bytes + (from - 1), *end = bytes + to;
  return run(L, first, end, from, limit, gzip ? GZIP : window_bits(first, (size_t)(end - first)));
}

static int l_inflate (lua_State *L) { return run_checked(L, false); }
static int l_gunzip (lua_State *L) { return run_checked(L, true); }

int tl_push_zlib (lua_State *L, tl_zlib_ahead *ahead) {
  static const luaL_Reg functions[] = { { "gunzip", l_gunzip },
                                        { "inflate", l_inflate },
                                        { NULL, NULL } };
  luaL_newlibtable(L, functions);
  watch *w = lua_newuserdatauv(L, sizeof *w, 0);
  w->ahead = ahead;
  luaL_setfuncs(L, functions, 1);
  return 1;
}

int luaopen_tagline_zlib (lua_State *L) { return tl_push_zlib(L, NULL); }
