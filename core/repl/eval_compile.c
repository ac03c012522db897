/* core/repl/eval_compile.c — compiles what was typed: an expression, or statements whose local
** variables the next chunk can still use. */
#include <string.h>

#include "repl/eval_impl.h"

enum {
  PIECE = 4096,    /* bytes of the code between two looks at the clock */
  KEPT = 64 * 1024 /* longer code is not searched for local variables */
};

static const char too_long[] = "reading the code took longer than " TL_EVAL_CALL_TEXT
                               ", and messages would wait; run it in smaller pieces";

/* Does the error on top say that the code is not finished? */
static bool ends_with_eof (lua_State *L) {
  static const char mark[] = "<eof>";
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  return len >= sizeof mark - 1 &&
         memcmp(text + len - (sizeof mark - 1), mark, sizeof mark - 1) == 0;
}

typedef struct {
  tl_slice code;
  const char *head;
  int breaks; /* line breaks to put first, so that lines are counted from the script's beginning */
} reading;

/* Gives Lua's compiler the next piece. The compiler runs no hook, so the budget is checked
** here. */
static const char *next_piece (lua_State *L, void *ctx, size_t *len) {
  static const char breaks[] = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
  reading *r = ctx;
  tl_budget_check(L);
  if (r->breaks > 0) {
    *len = (size_t)r->breaks < sizeof breaks - 1 ? (size_t)r->breaks : sizeof breaks - 1;
    r->breaks -= (int)*len;
    return breaks;
  }
  const char *at = r->head;
  r->head = "";
  if (at[0] != '\0') {
    *len = strlen(at);
    return at;
  }
  at = (const char *)r->code.at;
  *len = r->code.len < PIECE ? r->code.len : PIECE;
  r->code = tl_slice_of(r->code.at + *len, r->code.len - *len);
  return at;
}

/* Pushes a function, or an error. */
static int load (lua_State *L, const tl_eval *e, tl_slice code, const char *head) {
  int line = e->chunk.line;
  reading r = { code, head, line > 0 ? line - 1 : 0 };
  int rc = lua_load(L, next_piece, &r, line > 0 ? TL_CHUNK_SCRIPT : TL_CHUNK_TYPED, "t");
  if (rc != LUA_OK) tl_budget_rethrow(L);
  return rc;
}

/* Compile the code of the function on top once more, so that its outermost local variables
** become variables which the next chunk can use. */
static void keep_locals (lua_State *L, const tl_eval *e, tl_slice code) {
  size_t len;
  if (code.len > KEPT || !memmem(code.at, code.len, "local", 5)) return;
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.repl.locals");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "keep");
  lua_replace(L, -2);
  lua_pushlstring(L, (const char *)code.at, code.len);
  lua_call(L, 1, 1);
  const char *text = lua_tolstring(L, -1, &len);
  if (text && load(L, e, tl_slice_of(text, len), "") == LUA_OK)
    lua_replace(L, -3);
  else if (text)
    lua_pop(L, 1);
  lua_pop(L, 1);
}

/* Tried as an expression first, then as statements: most of what is typed is an expression. */
bool tl_eval_compile (lua_State *L, tl_eval *e, tl_slice code, bool interactive) {
  tl_script_of(L)->box.budget.message = too_long;
  tl_script_of(L)->box.budget.cpu_ns = tl_clock_cpu_ns();
  if (load(L, e, code, "return ") == LUA_OK) return true;
  /* an unfinished expression: "{ 1," cannot begin a statement */
  bool expression = ends_with_eof(L);
  if (load(L, e, code, "") == LUA_OK) {
    if (interactive) keep_locals(L, e, code);
    return true;
  }
  if (expression) lua_pop(L, 1);
  if (!interactive || !ends_with_eof(L)) lua_error(L);
  return false;
}
