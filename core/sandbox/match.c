/* core/sandbox/match.c — Lua's patterns as the manual defines them, with each step counted:
** the budget ends a pattern that backtracks without end. Must not know the functions that use
** it. */
#include <ctype.h>
#include <string.h>

#include "sandbox/lib.h"

enum {
  DEEPEST = 200, /* levels of nested items */
  OPEN = -1,     /* values of a capture's length that are not lengths */
  POSITION = -2,
  BYTES_PER_STEP = 16
};

void tl_matching_init (tl_matching *m, lua_State *L, tl_slice subject, tl_slice pattern) {
  m->L = L;
  m->script = tl_sandbox_of(L);
  m->from = subject.at;
  m->end = subject.at + subject.len;
  m->pattern_end = pattern.at + pattern.len;
  m->depth = m->level = 0;
}

/* --- one character --- */

static bool in_class (int c, int class) {
  bool in;
  switch (tolower(class)) {
    case 'a': in = isalpha(c); break;
    case 'c': in = iscntrl(c); break;
    case 'd': in = isdigit(c); break;
    case 'g': in = isgraph(c); break;
    case 'l': in = islower(c); break;
    case 'p': in = ispunct(c); break;
    case 's': in = isspace(c); break;
    case 'u': in = isupper(c); break;
    case 'w': in = isalnum(c); break;
    case 'x': in = isxdigit(c); break;
    case 'z': in = c == 0; break; /* of Lua 5.1, still there */
    default: return class == c;   /* %. and the like */
  }
  return isupper(class) ? !in : in;
}

/* `p` at the '[', `last` at its ']'. */
static bool in_set (tl_matching *m, int c, const uint8_t *p, const uint8_t *last) {
  bool wanted = true;
  tl_work(m->L, m->script);
  p++;
  if (*p == '^') {
    wanted = false;
    p++;
  }
  while (p < last) {
    if (*p == '%') {
      if (in_class(c, p[1])) return wanted;
      p += 2;
    } else if (p[1] == '-' && p + 2 < last) {
      if (p[0] <= c && c <= p[2]) return wanted;
      p += 3;
    } else if (*p++ == c) {
      return wanted;
    }
  }
  return !wanted;
}

/* Where the single-character item at `p` ends. The pattern is a Lua string, so a NUL follows
** its end. */
static const uint8_t *item_end (tl_matching *m, const uint8_t *p) {
  uint8_t c = *p++;
  if (c == '%') {
    if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
    return p + 1;
  }
  if (c != '[') return p;
  if (*p == '^') p++;
  do { /* the first character is one of the set even if it is ']' */
    if (p >= m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
    if (*p++ == '%') p++;
  } while (p >= m->pattern_end || *p != ']');
  return p + 1;
}

static bool one (tl_matching *m, const uint8_t *at, const uint8_t *p, const uint8_t *p_end) {
  if (at >= m->end) return false;
  tl_work(m->L, m->script);
  switch (*p) {
    case '.': return true;
    case '%': return in_class(*at, p[1]);
    case '[': return in_set(m, *at, p, p_end - 1);
    default: return *p == *at;
  }
}

/* --- items of several characters --- */

static const uint8_t *longest (tl_matching *m, const uint8_t *at, const uint8_t *p,
                               const uint8_t *p_end) {
  const uint8_t *to = at;
  while (one(m, to, p, p_end)) to++;
  for (;; to--) {
    const uint8_t *found = tl_match_at(m, to, p_end + 1);
    if (found || to == at) return found;
  }
}

static const uint8_t *shortest (tl_matching *m, const uint8_t *at, const uint8_t *p,
                                const uint8_t *p_end) {
  for (;; at++) {
    const uint8_t *found = tl_match_at(m, at, p_end + 1);
    if (found || !one(m, at, p, p_end)) return found;
  }
}

static const uint8_t *begin_capture (tl_matching *m, const uint8_t *at, const uint8_t *p,
                                     ptrdiff_t kind) {
  if (m->level >= TL_CAPTURES) luaL_error(m->L, "too many captures");
  m->captures[m->level].at = at;
  m->captures[m->level].len = kind;
  m->level++;
  const uint8_t *found = tl_match_at(m, at, p);
  if (!found) m->level--;
  return found;
}

static const uint8_t *end_capture (tl_matching *m, const uint8_t *at, const uint8_t *p) {
  int i = m->level - 1;
  while (i >= 0 && m->captures[i].len != OPEN) i--;
  if (i < 0) luaL_error(m->L, "invalid pattern capture");
  m->captures[i].len = at - m->captures[i].at;
  const uint8_t *found = tl_match_at(m, at, p);
  if (!found) m->captures[i].len = OPEN;
  return found;
}

static const uint8_t *balanced (tl_matching *m, const uint8_t *at, const uint8_t *p) {
  if (m->pattern_end - p < 2) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
  if (at >= m->end || *at != p[0]) return NULL;
  for (size_t open = 1; ++at < m->end;) {
    tl_work(m->L, m->script);
    if (*at == p[1]) {
      if (--open == 0) return at + 1;
    } else if (*at == p[0]) {
      open++;
    }
  }
  return NULL;
}

static bool at_frontier (tl_matching *m, const uint8_t *at, const uint8_t *p,
                         const uint8_t *p_end) {
  int before = at == m->from ? 0 : at[-1], after = at == m->end ? 0 : *at;
  return !in_set(m, before, p, p_end - 1) && in_set(m, after, p, p_end - 1);
}

static const uint8_t *same_again (tl_matching *m, const uint8_t *at, int digit) {
  int i = digit - '1';
  if (i < 0 || i >= m->level || m->captures[i].len == OPEN)
    luaL_error(m->L, "invalid capture index %%%d", i + 1);
  ptrdiff_t len = m->captures[i].len;
  if (len == POSITION || m->end - at < len) return NULL;
  tl_work(m->L, m->script);
  return memcmp(m->captures[i].at, at, (size_t)len) == 0 ? at + len : NULL;
}

/* --- a whole pattern --- */

static const uint8_t *items (tl_matching *m, const uint8_t *at, const uint8_t *p) {
  while (p != m->pattern_end) {
    if (*p == '(')
      return p[1] == ')' ? begin_capture(m, at, p + 2, POSITION)
                         : begin_capture(m, at, p + 1, OPEN);
    if (*p == ')') return end_capture(m, at, p + 1);
    if (*p == '$' && p + 1 == m->pattern_end) return at == m->end ? at : NULL;
    if (*p == '%' && p[1] == 'b') {
      at = balanced(m, at, p + 2);
      if (!at) return NULL;
      p += 4;
      continue;
    }
    if (*p == '%' && p[1] == 'f') {
      p += 2;
      if (*p != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
      const uint8_t *set_end = item_end(m, p);
      if (!at_frontier(m, at, p, set_end)) return NULL;
      p = set_end;
      continue;
    }
    if (*p == '%' && isdigit(p[1])) {
      at = same_again(m, at, p[1]);
      if (!at) return NULL;
      p += 2;
      continue;
    }
    const uint8_t *end = item_end(m, p), *found;
    switch (*end) { /* a NUL behind the last item */
      case '*': return longest(m, at, p, end);
      case '+': return one(m, at, p, end) ? longest(m, at + 1, p, end) : NULL;
      case '-': return shortest(m, at, p, end);
      case '?':
        if (one(m, at, p, end) && (found = tl_match_at(m, at + 1, end + 1))) return found;
        p = end + 1;
        break;
      default:
        if (!one(m, at, p, end)) return NULL;
        at++;
        p = end;
    }
  }
  return at;
}

const uint8_t *tl_match_at (tl_matching *m, const uint8_t *at, const uint8_t *pattern) {
  if (++m->depth > DEEPEST) luaL_error(m->L, "pattern too complex");
  tl_work(m->L, m->script);
  const uint8_t *end = items(m, at, pattern);
  m->depth--;
  return end;
}

/* --- captures --- */

void tl_push_capture (const tl_matching *m, int i, const uint8_t *at, const uint8_t *end) {
  if (i >= m->level) {
    if (i > 0) luaL_error(m->L, "invalid capture index %%%d", i + 1);
    lua_pushlstring(m->L, (const char *)at, (size_t)(end - at));
    return;
  }
  if (m->captures[i].len == OPEN) luaL_error(m->L, "unfinished capture");
  if (m->captures[i].len == POSITION)
    lua_pushinteger(m->L, m->captures[i].at - m->from + 1);
  else
    lua_pushlstring(m->L, (const char *)m->captures[i].at, (size_t)m->captures[i].len);
}

int tl_push_captures (const tl_matching *m, const uint8_t *at, const uint8_t *end,
                      bool whole_if_none) {
  int n = m->level == 0 && whole_if_none ? 1 : m->level;
  luaL_checkstack(m->L, n, "too many captures");
  for (int i = 0; i < n; i++) {
    tl_work(m->L, m->script);
    tl_push_capture(m, i, at, end);
  }
  return n;
}
