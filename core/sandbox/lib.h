/* core/sandbox/lib.h — the parts of Lua's library that are ours: they ask the budget while they
** work, and cannot be talked into running for ever. They take the place of Lua's own in the
** whole state. */
#ifndef TL_SANDBOX_LIB_H
#define TL_SANDBOX_LIB_H

#include "sandbox/sandbox.h"

/* Each changes the global tables that luaL_openlibs made. */
void tl_open_basic (lua_State *L); /* pcall xpcall, coroutine.resume wrap close */
void tl_open_string (lua_State *L, bool unsafe);
void tl_open_table (lua_State *L);
int tl_open_re (lua_State *L); /* a loader: the module tagline.re, PCRE2 with limits */
/* weak.c: once the state is there, and before it is closed; a loader: the module tagline.weak */
void tl_weak_open (lua_State *L);
void tl_weak_close (tl_sandbox *s);
int tl_open_weak (lua_State *L);
int tl_open_json (lua_State *L); /* a loader: the module tagline.json */
/* lib_pick.c: json.pick(addresses), a lua_CFunction */
int tl_json_pick (lua_State *L);
int tl_open_bytes (lua_State *L); /* a loader: the module tagline.bytes (lib_bytes.c) */
/* RFC 4648 §4 into `out`, which has 3 bytes of room for each 4 letters. Returns how many bytes
** there are, -1 for a wrong text. Strict: whole groups of four, padding at the end only. */
ptrdiff_t tl_base64_read (tl_slice text, uint8_t *out);
/* Push the bytes of such a text; false, and nothing is pushed: it is wrong, or too long for a
** frame. */
bool tl_push_base64 (lua_State *L, tl_slice text);
bool tl_push_hex (lua_State *L, tl_slice text);
/* Push what a time of ISO 8601 is in seconds since 1970, an integer when it has no fraction; false,
** and nothing is pushed: it is none. */
bool tl_push_iso8601 (lua_State *L, tl_slice text);
int tl_open_uplink (lua_State *L);   /* tagline.uplink (lib_uplink.c) */
int tl_open_entries (lua_State *L);  /* tagline.entries (lib_entries.c) */
int tl_open_protobuf (lua_State *L); /* tagline.protobuf (lib_protobuf.c) */
int tl_open_metrics (lua_State *L);  /* tagline.metrics (lib_metrics.c) */

/* --- match.c: Lua's patterns (manual, 6.4.1), with a step budget --- */

enum { TL_CAPTURES = 32 };

typedef struct {
  lua_State *L;
  tl_sandbox *script;
  const uint8_t *from, *end; /* subject */
  const uint8_t *pattern_end;
  int depth, level;
  struct {
    const uint8_t *at;
    ptrdiff_t len;
  } captures[TL_CAPTURES];
} tl_matching;

void tl_matching_init (tl_matching *m, lua_State *L, tl_slice subject, tl_slice pattern);
/* Try at one place: where the match ends, or NULL. Raises for a malformed pattern, one that is
** too complex, and the end of the budget. */
const uint8_t *tl_match_at (tl_matching *m, const uint8_t *at, const uint8_t *pattern);
/* Push capture `i` (from 0; the whole match when there is none), or all; returns how many. */
void tl_push_capture (const tl_matching *m, int i, const uint8_t *at, const uint8_t *end);
int tl_push_captures (const tl_matching *m, const uint8_t *at, const uint8_t *end,
                      bool whole_if_none);

/* From a possibly negative position to an offset from 0, as string.sub means it; may lie behind
** the end. */
static inline size_t tl_offset (lua_Integer position, size_t len) {
  if (position > 0) return (size_t)position - 1;
  if (position == 0 || position < -(lua_Integer)len) return 0;
  return len - (size_t)-position;
}

#endif
