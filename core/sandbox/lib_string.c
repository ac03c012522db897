/* core/sandbox/lib_string.c — the functions of `string`, `utf8` and os.date that could run for
** long: our own ones, or Lua's after a check of how much they are given. */
#include <string.h>

#include "sandbox/lib.h"

enum {
  NS_PER_BYTE = 3,
  NS_PER_QUOTED = 45,
  NS_PER_CODE = 60,
  FORMAT_MAX = 4096,
  COPY_AT_ONCE = 1 << 16
};

static tl_slice check_text (lua_State *L, int index) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  return tl_slice_of(text, len);
}

static bool is_plain (tl_slice pattern) {
  static const bool special[256] = {
    ['^'] = true, ['$'] = true, ['*'] = true, ['+'] = true, ['?'] = true,
    ['.'] = true, ['('] = true, ['['] = true, ['%'] = true, ['-'] = true
  };
  for (size_t i = 0; i < pattern.len; i++)
    if (special[pattern.at[i]]) return false;
  return true;
}

/* --- find, match --- */

static int push_span (lua_State *L, size_t from, size_t to) {
  lua_pushinteger(L, (lua_Integer)from + 1);
  lua_pushinteger(L, (lua_Integer)to);
  return 2;
}

static int plain_find (lua_State *L, tl_slice text, tl_slice what, size_t from) {
  tl_budget_spend(L, (text.len - from) * NS_PER_BYTE);
  const uint8_t *found =
      what.len == 0 ? text.at + from : memmem(text.at + from, text.len - from, what.at, what.len);
  if (!found) return 0;
  return push_span(L, (size_t)(found - text.at), (size_t)(found - text.at) + what.len);
}

static int find_or_match (lua_State *L, bool find) {
  tl_slice text = check_text(L, 1), pattern = check_text(L, 2);
  size_t from = tl_offset(luaL_optinteger(L, 3, 1), text.len);
  tl_matching m;
  lua_settop(L, 4);
  if (from > text.len) {
    lua_pushnil(L);
    return 1;
  }
  if (find && (lua_toboolean(L, 4) || is_plain(pattern))) {
    int n = plain_find(L, text, pattern, from);
    if (n == 0) lua_pushnil(L);
    return n == 0 ? 1 : n;
  }
  tl_matching_init(&m, L, text, pattern);
  const uint8_t *p = pattern.at;
  bool anchored = pattern.len > 0 && *p == '^';
  for (const uint8_t *at = text.at + from; at <= m.end; at++) {
    m.level = m.depth = 0;
    const uint8_t *end = tl_match_at(&m, at, p + anchored);
    if (end) {
      if (!find) return tl_push_captures(&m, at, end, true);
      push_span(L, (size_t)(at - m.from), (size_t)(end - m.from));
      return 2 + tl_push_captures(&m, at, end, false);
    }
    if (anchored) break;
  }
  lua_pushnil(L);
  return 1;
}

static int string_find (lua_State *L) { return find_or_match(L, true); }
static int string_match (lua_State *L) { return find_or_match(L, false); }

/* --- gmatch: upvalues are subject, pattern, where to go on, where the last match ended --- */

static int next_match (lua_State *L) {
  tl_slice text = check_text(L, lua_upvalueindex(1)), pattern = check_text(L, lua_upvalueindex(2));
  size_t from = (size_t)lua_tointeger(L, lua_upvalueindex(3));
  lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
  tl_matching m;
  tl_matching_init(&m, L, text, pattern);
  for (; from <= text.len; from++) {
    m.level = m.depth = 0;
    const uint8_t *end = tl_match_at(&m, text.at + from, pattern.at);
    if (!end || end - m.from == last) continue;
    lua_pushinteger(L, end - m.from);
    lua_pushvalue(L, -1);
    lua_replace(L, lua_upvalueindex(3));
    lua_replace(L, lua_upvalueindex(4));
    return tl_push_captures(&m, text.at + from, end, true);
  }
  lua_pushinteger(L, (lua_Integer)text.len + 1);
  lua_replace(L, lua_upvalueindex(3));
  return 0;
}

static int string_gmatch (lua_State *L) {
  tl_slice text = check_text(L, 1);
  check_text(L, 2);
  size_t from = tl_offset(luaL_optinteger(L, 3, 1), text.len);
  lua_settop(L, 2);
  lua_pushinteger(L, (lua_Integer)(from > text.len ? text.len + 1 : from));
  lua_pushinteger(L, -1);
  lua_pushcclosure(L, next_match, 4);
  return 1;
}

/* --- gsub --- */

static void add_filled (tl_matching *m, luaL_Buffer *out, const uint8_t *at, const uint8_t *end) {
  size_t len;
  const char *text = lua_tolstring(m->L, 3, &len), *stop = text + len, *percent;
  tl_work(m->L, m->script);
  for (; (percent = memchr(text, '%', (size_t)(stop - text))); text = percent + 1) {
    luaL_addlstring(out, text, (size_t)(percent - text));
    percent++;
    tl_work(m->L, m->script);
    if (*percent == '%') {
      luaL_addchar(out, '%');
    } else if (*percent == '0') {
      luaL_addlstring(out, (const char *)at, (size_t)(end - at));
    } else if (*percent >= '1' && *percent <= '9') {
      tl_push_capture(m, *percent - '1', at, end);
      luaL_tolstring(m->L, -1, NULL); /* a position is a number */
      lua_remove(m->L, -2);
      luaL_addvalue(out);
    } else {
      luaL_error(m->L, "invalid use of '%%' in replacement string");
    }
  }
  luaL_addlstring(out, text, (size_t)(stop - text));
}

/* What replaces one match. Returns whether it differs from nothing being done. */
static bool add_replacement (tl_matching *m, luaL_Buffer *out, const uint8_t *at,
                             const uint8_t *end, int kind) {
  lua_State *L = m->L;
  if (kind == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    lua_call(L, tl_push_captures(m, at, end, true), 1);
  } else if (kind == LUA_TTABLE) {
    tl_push_capture(m, 0, at, end);
    lua_gettable(L, 3);
  } else {
    add_filled(m, out, at, end);
    return true;
  }
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    luaL_addlstring(out, (const char *)at, (size_t)(end - at));
    return false;
  }
  if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  luaL_addvalue(out);
  return true;
}

int tl_check_replacement (lua_State *L) {
  int kind = lua_type(L, 3);
  if (kind != LUA_TNUMBER && kind != LUA_TSTRING && kind != LUA_TFUNCTION && kind != LUA_TTABLE)
    luaL_typeerror(L, 3, "string/function/table");
  return kind;
}

static int string_gsub (lua_State *L) {
  tl_slice text = check_text(L, 1), pattern = check_text(L, 2);
  int kind = tl_check_replacement(L);
  lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)text.len + 1), n = 0;
  bool anchored = pattern.len > 0 && *pattern.at == '^', changed = false;
  const uint8_t *at = text.at, *last = NULL, *p = pattern.at + anchored;
  luaL_Buffer out;
  tl_matching m;
  lua_settop(L, 4);
  tl_matching_init(&m, L, text, pattern);
  luaL_buffinit(L, &out);
  while (n < most) {
    m.level = m.depth = 0;
    const uint8_t *end = tl_match_at(&m, at, p);
    if (end && end != last) {
      n++;
      if (add_replacement(&m, &out, at, end, kind)) changed = true;
      at = last = end;
    } else if (at < m.end) {
      luaL_addchar(&out, (char)*at++);
    } else {
      break;
    }
    if (anchored) break;
  }
  if (changed) {
    luaL_addlstring(&out, (const char *)at, (size_t)(m.end - at));
    luaL_pushresult(&out);
  } else {
    lua_pushvalue(L, 1);
  }
  lua_pushinteger(L, n);
  return 2;
}

/* --- rep --- */

static int string_rep (lua_State *L) {
  tl_slice text = check_text(L, 1), between = { (const uint8_t *)"", 0 };
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_Buffer out;
  if (!lua_isnoneornil(L, 3)) between = check_text(L, 3);
  if (n <= 0 || text.len + between.len == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  size_t unit = text.len + between.len;
  if (unit < text.len || (size_t)n > (size_t)PTRDIFF_MAX / unit)
    return luaL_error(L, "resulting string too large");
  size_t total = unit * (size_t)n - between.len;
  if (total > TL_LOADING_MEMORY) return luaL_error(L, "resulting string too large");
  tl_budget_spend(L, total / 2);
  char *to = luaL_buffinitsize(L, &out, total + between.len);
  size_t done = unit;
  memcpy(to, text.at, text.len);
  if (between.len > 0) memcpy(to + text.len, between.at, between.len);
  while (done < total) { /* doubling: large copies also for a single byte */
    size_t more = done <= total + between.len - done ? done : total + between.len - done;
    if (more > COPY_AT_ONCE) {
      more = COPY_AT_ONCE / unit * unit > 0 ? COPY_AT_ONCE / unit * unit : unit;
      if (more > total + between.len - done) more = total + between.len - done;
    }
    memcpy(to + done, to, more);
    done += more;
  }
  luaL_pushresultsize(&out, total);
  return 1;
}

/* --- Lua's own functions after a check --- */

static lua_CFunction upper, lower, reverse, format, pack, packsize, unpack, utf8_len, utf8_offset,
    utf8_char, os_date;

static void ahead_of (lua_State *L, int index) {
  size_t len = 0;
  if (lua_type(L, index) == LUA_TSTRING) lua_tolstring(L, index, &len);
  tl_budget_spend(L, len * NS_PER_BYTE + 10);
}

/* Raise for a long format: formats are read in one go, and nobody needs a long one. */
static void short_format (lua_State *L) {
  size_t len;
  luaL_checklstring(L, 1, &len);
  if (len > FORMAT_MAX) luaL_argerror(L, 1, "format is longer than 4096 bytes");
}

static size_t length_of (lua_State *L, int index) {
  size_t len = 0;
  if (lua_type(L, index) == LUA_TSTRING) lua_tolstring(L, index, &len);
  return len;
}

/* How many bytes a format of string.pack fills for its "c" items, which happens byte by byte. */
static size_t filled (lua_State *L) {
  size_t len, total = 0;
  const char *at = luaL_checklstring(L, 1, &len);
  for (size_t i = 0; i < len; i++) {
    size_t n = 0;
    if (at[i] != 'c') continue;
    for (; at[i + 1] >= '0' && at[i + 1] <= '9' && n < SIZE_MAX / 100; i++)
      n = n * 10 + (size_t)(at[i + 1] - '0');
    total = total + n < total ? SIZE_MAX : total + n;
  }
  return total;
}

static int string_upper (lua_State *L) { return ahead_of(L, 1), upper(L); }
static int string_lower (lua_State *L) { return ahead_of(L, 1), lower(L); }
static int string_reverse (lua_State *L) { return ahead_of(L, 1), reverse(L); }
static int string_packsize (lua_State *L) { return short_format(L), packsize(L); }
static int string_unpack (lua_State *L) { return short_format(L), unpack(L); }
static int l_utf8_len (lua_State *L) { return ahead_of(L, 1), utf8_len(L); }
static int l_utf8_offset (lua_State *L) { return ahead_of(L, 1), utf8_offset(L); }
static int l_utf8_char (lua_State *L) {
  return tl_budget_spend(L, (uint64_t)lua_gettop(L) * NS_PER_CODE), utf8_char(L);
}

static int string_pack (lua_State *L) {
  short_format(L);
  size_t n = filled(L);
  if (n > TL_LOADING_MEMORY) return luaL_error(L, "resulting string too large");
  for (int i = lua_gettop(L); i > 1; i--) n += length_of(L, i);
  tl_budget_spend(L, n * NS_PER_BYTE);
  return pack(L);
}

static int string_format (lua_State *L) {
  size_t len, n = 0;
  const char *text = luaL_checklstring(L, 1, &len);
  for (int i = lua_gettop(L); i > 0; i--) n += length_of(L, i);
  tl_budget_spend(L, n * (memchr(text, 'q', len) ? NS_PER_QUOTED : NS_PER_BYTE));
  return format(L);
}

static int l_os_date (lua_State *L) {
  if (!lua_isnoneornil(L, 1)) short_format(L);
  return os_date(L);
}

/* Put `ours` into the table on top, and remember what it hides. */
static void wrap (lua_State *L, const char *name, lua_CFunction ours, lua_CFunction *hidden) {
  lua_getfield(L, -1, name);
  lua_CFunction now = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  if (now != ours) *hidden = now;
  lua_pushcfunction(L, ours);
  lua_setfield(L, -2, name);
}

void tl_open_string (lua_State *L, bool unsafe) {
  static const luaL_Reg own[] = {
    { "find", string_find }, { "match", string_match }, { "gmatch", string_gmatch },
    { "gsub", string_gsub }, { "rep", string_rep },     { NULL, NULL },
  };
  lua_getglobal(L, "string");
  luaL_setfuncs(L, own, 0);
  wrap(L, "upper", string_upper, &upper);
  wrap(L, "lower", string_lower, &lower);
  wrap(L, "reverse", string_reverse, &reverse);
  wrap(L, "format", string_format, &format);
  wrap(L, "pack", string_pack, &pack);
  wrap(L, "packsize", string_packsize, &packsize);
  wrap(L, "unpack", string_unpack, &unpack);
  if (!unsafe) { /* bytecode is not checked by Lua: it could do anything */
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
  }
  lua_getglobal(L, "utf8");
  wrap(L, "len", l_utf8_len, &utf8_len);
  wrap(L, "offset", l_utf8_offset, &utf8_offset);
  wrap(L, "char", l_utf8_char, &utf8_char);
  lua_getglobal(L, "os");
  wrap(L, "date", l_os_date, &os_date);
  lua_pop(L, 2);
  /* methods of strings come from this table, which nobody can reach through them */
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_pushliteral(L, "string");
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 3);
}
