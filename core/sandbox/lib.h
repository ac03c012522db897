/* core/sandbox/lib.h — our own parts of Lua's library. They look at the budget while they
** work, so no argument can make them run for ever. They replace Lua's own functions in the
** whole state. */
#ifndef TL_SANDBOX_LIB_H
#define TL_SANDBOX_LIB_H

#include "sandbox/sandbox.h"

/* Each of these changes global tables that luaL_openlibs() made. */
void tl_open_basic (lua_State *L); /* error pcall xpcall, coroutine.resume wrap close */
void tl_open_string (lua_State *L, bool unsafe);
void tl_open_table (lua_State *L);
/* The type of argument 3 of a gsub; raises if it is no text, table or function. */
int tl_check_replacement (lua_State *L);
int tl_open_re (lua_State *L); /* loads the module tagline.re: PCRE2 with limits */
/* weak.c: to be called after the state was made, and before it is closed; and the loader of
** the module tagline.weak. */
void tl_weak_open (lua_State *L);
void tl_weak_close (tl_sandbox *s);
int tl_open_weak (lua_State *L);
int tl_open_json (lua_State *L); /* loads the module tagline.json */
/* lib_pick.c: json.pick(addresses), a lua_CFunction */
int tl_json_pick (lua_State *L);

/* --- match.c: Lua's patterns (manual, 6.4.1), with a step budget --- */

enum { TL_CAPTURES = 32 };

typedef struct {
  lua_State *L;
  tl_sandbox *script;
  const uint8_t *from, *end; /* the text that is searched */
  const uint8_t *pattern_end;
  int depth, level;
  struct {
    const uint8_t *at;
    ptrdiff_t len;
  } captures[TL_CAPTURES];
} tl_matching;

void tl_matching_init (tl_matching *m, lua_State *L, tl_slice subject, tl_slice pattern);
/* Try to match at one place. Returns where the match ends, or NULL. Raises if the pattern is
** malformed or too complex, or when the budget is used up. */
const uint8_t *tl_match_at (tl_matching *m, const uint8_t *at, const uint8_t *pattern);
/* Push capture number `i` (from 0; the whole match if the pattern has no captures), or all
** captures. Returns how many were pushed. */
void tl_push_capture (const tl_matching *m, int i, const uint8_t *at, const uint8_t *end);
int tl_push_captures (const tl_matching *m, const uint8_t *at, const uint8_t *end,
                      bool whole_if_none);

/* Turn a position as in string.sub (from 1, or negative from the end) into an offset from 0,
** which may lie behind the end. */
static inline size_t tl_offset (lua_Integer position, size_t len) {
  if (position > 0) return (size_t)position - 1;
  if (position == 0 || position < -(lua_Integer)len) return 0;
  return len - (size_t)-position;
}

#endif
