/* core/repl/eval_bare.c — words that a prompt accepts without parentheses: help, ?, status,
** more, exit, quit; and "help WORD". A variable with the same name comes first. */
#include "repl/eval_impl.h"

typedef struct {
  const tl_eval *e;
  const char *name;
  bool found;
} asking;

/* Does the console or the config have a variable of this name? Does not call any __index of
** the user. */
static int p_find (lua_State *L) {
  asking *a = lua_touserdata(L, 1);
  const int tables[2] = { a->e->env, a->e->script->config.env };
  for (int i = 0; i < 2 && !a->found; i++) {
    if (lua_rawgeti(L, LUA_REGISTRYINDEX, tables[i]) == LUA_TTABLE) {
      lua_pushstring(L, a->name);
      a->found = lua_rawget(L, -2) != LUA_TNIL;
    }
    lua_settop(L, 1);
  }
  return 0;
}

static bool is_variable (tl_eval *e, const char *name) {
  asking a = { e, name, false };
  tl_buf err;
  tl_buf_init(&err);
  bool asked = tl_script_enter(e->script, p_find, &a, 0.1, "repl", &err) == LUA_OK;
  tl_buf_fini(&err);
  return !asked || a.found;
}

static bool is_blank (uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static tl_slice trimmed (tl_slice s) {
  while (s.len > 0 && is_blank(s.at[0])) s = tl_slice_of(s.at + 1, s.len - 1);
  while (s.len > 0 && is_blank(s.at[s.len - 1])) s.len--;
  return s;
}

static bool is (tl_slice code, const char *word) { return tl_slice_eq(code, tl_slice_str(word)); }

/* The word behind "help " or "?", as in "help keep_alive" or "? JA=". It must be one word. This
** never takes valid Lua code, where two names cannot stand beside each other. */
static tl_slice asked_word (tl_slice code) {
  static const char *const heads[] = { "help ", "?" };
  for (int i = 0; i < 2; i++) {
    size_t n = strlen(heads[i]);
    if (code.len <= n || memcmp(code.at, heads[i], n) != 0) continue;
    tl_slice word = trimmed(tl_slice_of(code.at + n, code.len - n));
    for (size_t k = 0; k < word.len; k++) {
      uint8_t c = word.at[k];
      bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
                   (c == '=' && k > 0);
      if (!plain) return tl_slice_of(NULL, 0);
    }
    return word;
  }
  return tl_slice_of(NULL, 0);
}

tl_bare tl_eval_bare (tl_eval *e, tl_slice code, tl_buf *instead) {
  static const char *const calls[] = { "help", "status", "more" };
  static const char *const leave[] = { "exit", "quit" };
  char call[16];
  code = trimmed(code);
  if (code.len == 0 || code.len > 60) return TL_BARE_NOT;
  tl_slice word = asked_word(code);
  if (word.len > 0 && !is_variable(e, "help")) {
    tl_buf_fmt(instead, "help(\"%.*s\")", TL_ARG(word));
    return TL_BARE_CALL;
  }
  for (int i = 0; i < 2; i++) {
    snprintf(call, sizeof call, "%s()", leave[i]);
    if ((is(code, leave[i]) || is(code, call)) && !is_variable(e, leave[i])) return TL_BARE_LEAVE;
  }
  for (int i = 0; i < 3; i++) {
    if (!is(code, calls[i]) && !(i == 0 && is(code, "?"))) continue;
    if (is_variable(e, calls[i])) return TL_BARE_NOT;
    tl_buf_fmt(instead, "%s()", calls[i]);
    return TL_BARE_CALL;
  }
  return TL_BARE_NOT;
}
