/* core/sandbox/lib_re.c — the module `re`: PCRE2 for scripts, with limits that no pattern can
** pass (base/pattern.h). Its functions have the names of those in `string`. Each pattern is
** compiled once. */
#include "base/utf8.h"
#include "base/pattern.h"
#include "sandbox/lib.h"

enum { GROUPS_MAX = 100, PATTERNS_MAX = 200, COMPILE_NS_PER_BYTE = 500, LONG = 65536 };

#define TL_RE "tagline.re"

typedef struct {
  lua_State *L;
  const tl_pattern *pattern;
  tl_slice subject;
  bool utf;
  int n; /* groups with group 0 */
  tl_group groups[GROUPS_MAX];
} matching;

static tl_slice check_text (lua_State *L, int index) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  return tl_slice_of(text, len);
}

static int re_gc (lua_State *L) {
  tl_pattern **p = lua_touserdata(L, 1);
  tl_pattern_free(*p);
  *p = NULL;
  return 0;
}

/* The cache of compiled patterns is upvalue 1 of every function: one table by text for UTF-8
** subjects, one for bytes, and how many there are. When there are too many, all are forgotten. */
static void forget_many (lua_State *L, int cache) {
  lua_getfield(L, cache, "n");
  lua_Integer n = lua_tointeger(L, -1) + 1;
  lua_pop(L, 1);
  if (n > PATTERNS_MAX) {
    n = 1;
    for (int i = 1; i <= 2; i++) {
      lua_newtable(L);
      lua_rawseti(L, cache, i);
    }
  }
  lua_pushinteger(L, n);
  lua_setfield(L, cache, "n");
}

/* The compiled pattern; its owner is pushed, because a script that is called meanwhile may
** make the cache forget it. */
static const tl_pattern *compiled (lua_State *L, int index, bool utf) {
  tl_err err = { .text = "" };
  int cache = lua_upvalueindex(1), known = utf ? 1 : 2;
  tl_slice text = check_text(L, index);
  lua_rawgeti(L, cache, known);
  lua_pushvalue(L, index);
  if (lua_rawget(L, -2) == LUA_TUSERDATA) {
    lua_remove(L, -2);
    return *(tl_pattern **)lua_touserdata(L, -1);
  }
  lua_pop(L, 2);
  tl_budget_spend(L, text.len * COMPILE_NS_PER_BYTE);
  forget_many(L, cache);
  tl_pattern **own = lua_newuserdatauv(L, sizeof *own, 0);
  *own = NULL;
  luaL_setmetatable(L, TL_RE);
  if (tl_pattern_new(own, text, TL_PATTERN_LAZY | (utf ? TL_PATTERN_UTF : 0), &err) < 0)
    luaL_error(L, "pattern, byte %d: %s", (int)err.at + 1, err.text);
  lua_rawgeti(L, cache, known);
  lua_pushvalue(L, index);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  return *own;
}

/* Check the arguments. The owner of the pattern stays on the stack. */
static void begin (matching *m, lua_State *L, int subject, int pattern) {
  m->L = L;
  m->subject = check_text(L, subject);
  tl_budget_spend(L, m->subject.len);
  m->utf = tl_utf8_valid(m->subject);
  m->pattern = compiled(L, pattern, m->utf);
}

/* Set up the next match of an iterator; its subject was checked before. */
static void go_on (matching *m, lua_State *L, int subject, int pattern, bool utf) {
  m->L = L;
  m->subject = check_text(L, subject);
  m->utf = utf;
  m->pattern = compiled(L, pattern, utf);
}

/* Is there a match at `from` or later? */
static bool next (matching *m, size_t from) {
  if (from > m->subject.len) return false;
  /* a long subject could take more time than the budget has left */
  bool is_long = m->subject.len > LONG;
  if (is_long) tl_pattern_limit(tl_budget_left(m->L));
  m->n = tl_pattern_match_from(m->pattern, m->subject, from, m->groups, GROUPS_MAX);
  if (is_long) {
    tl_pattern_limit(0);
    tl_budget_check(m->L);
  }
  tl_work(m->L, tl_sandbox_of(m->L));
  if (m->n == TL_ELIMIT) luaL_error(m->L, "the pattern takes too many steps");
  if (m->n < 0) luaL_error(m->L, "the pattern cannot be matched (%d)", m->n);
  return m->n > 0;
}

/* The next of several matches. As in string.gmatch, an empty match at the end of the last one
** does not count. */
static bool next_of_many (matching *m, size_t from, lua_Integer last) {
  while (next(m, from)) {
    if ((lua_Integer)m->groups[0].to != last || m->groups[0].from != m->groups[0].to) return true;
    from = m->groups[0].to + 1;
    while (m->utf && from < m->subject.len && (m->subject.at[from] & 0xC0) == 0x80) from++;
  }
  return false;
}

static void push_group (const matching *m, int i) {
  if (m->groups[i].from == UINT32_MAX)
    lua_pushnil(m->L);
  else
    lua_pushlstring(m->L, (const char *)m->subject.at + m->groups[i].from,
                    m->groups[i].to - m->groups[i].from);
}

static int push_groups (const matching *m, bool whole_if_none) {
  luaL_checkstack(m->L, m->n + 1, "too many groups");
  if (m->n == 1 && whole_if_none) push_group(m, 0);
  for (int i = 1; i < m->n; i++) {
    tl_work(m->L, tl_sandbox_of(m->L));
    push_group(m, i);
  }
  return m->n > 1 ? m->n - 1 : whole_if_none;
}

static size_t start (lua_State *L, const matching *m, int index) {
  size_t from = tl_offset(luaL_optinteger(L, index, 1), m->subject.len);
  while (m->utf && from < m->subject.len && (m->subject.at[from] & 0xC0) == 0x80) from++;
  return from;
}

/* re.match(subject, pattern [, init]): the groups, or the whole match if there are none; nil:
** no match. */
static int re_match (lua_State *L) {
  matching m;
  lua_settop(L, 3);
  begin(&m, L, 1, 2);
  if (next(&m, start(L, &m, 3))) return push_groups(&m, true);
  lua_pushnil(L);
  return 1;
}

/* re.find(subject, pattern [, init]): positions of the first and last byte, then the groups;
** nil: no match. */
static int re_find (lua_State *L) {
  matching m;
  lua_settop(L, 3);
  begin(&m, L, 1, 2);
  if (!next(&m, start(L, &m, 3))) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushinteger(L, (lua_Integer)m.groups[0].from + 1);
  lua_pushinteger(L, (lua_Integer)m.groups[0].to);
  return 2 + push_groups(&m, false);
}

/* Upvalues: the cache, subject, pattern, where the last match ended (-1: none yet), whether the
** subject is UTF-8. */
static int next_match (lua_State *L) {
  matching m;
  go_on(&m, L, lua_upvalueindex(2), lua_upvalueindex(3),
        lua_toboolean(L, lua_upvalueindex(5)) != 0);
  lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
  if (!next_of_many(&m, last < 0 ? 0 : (size_t)last, last)) return 0;
  lua_pushinteger(L, m.groups[0].to);
  lua_replace(L, lua_upvalueindex(4));
  return push_groups(&m, true);
}

/* re.gmatch(subject, pattern): an iterator over all matches. */
static int re_gmatch (lua_State *L) {
  matching m;
  lua_settop(L, 2);
  begin(&m, L, 1, 2);
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_pushinteger(L, -1);
  lua_pushboolean(L, m.utf);
  lua_pushcclosure(L, next_match, 5);
  return 1;
}

/* Push what replaces a match; false: the match stays. */
static void push_replacement (const matching *m) {
  lua_State *L = m->L;
  switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
      lua_pushvalue(L, 3);
      lua_call(L, push_groups(m, true), 1);
      break;
    case LUA_TTABLE:
      push_group(m, m->n > 1 ? 1 : 0);
      if (lua_isnil(L, -1)) break;
      lua_gettable(L, 3);
      break;
    default: lua_pushvalue(L, 3); /* as it is: a pattern's groups are for functions */
  }
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    push_group(m, 0);
  } else if (!lua_isstring(L, -1)) {
    luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  }
}

/* re.gsub(subject, pattern, replacement [, n]): replacement is a string (taken literally), a
** table or a function. Returns the new text, and the number of matches. */
static int re_gsub (lua_State *L) {
  matching m;
  luaL_Buffer out;
  tl_check_replacement(L);
  lua_Integer most = luaL_optinteger(L, 4, LUA_MAXINTEGER), n = 0, last = -1;
  size_t copied = 0;
  lua_settop(L, 4);
  begin(&m, L, 1, 2);
  luaL_buffinit(L, &out);
  while (n < most && next_of_many(&m, copied, last)) {
    n++;
    luaL_addlstring(&out, (const char *)m.subject.at + copied, m.groups[0].from - copied);
    copied = m.groups[0].to;
    last = m.groups[0].to;
    push_replacement(&m); /* a function may use this module, too: that does not change this match */
    luaL_addvalue(&out);
  }
  luaL_addlstring(&out, (const char *)m.subject.at + copied, m.subject.len - copied);
  luaL_pushresult(&out);
  lua_pushinteger(L, n);
  return 2;
}

int tl_open_re (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "match", re_match }, { "find", re_find }, { "gmatch", re_gmatch },
    { "gsub", re_gsub },   { NULL, NULL },
  };
  luaL_newmetatable(L, TL_RE);
  lua_pushcfunction(L, re_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlibtable(L, functions);
  lua_createtable(L, 2, 1);
  for (int i = 1; i <= 2; i++) {
    lua_newtable(L);
    lua_rawseti(L, -2, i);
  }
  lua_pushinteger(L, 0);
  lua_setfield(L, -2, "n");
  luaL_setfuncs(L, functions, 1);
  return 1;
}
