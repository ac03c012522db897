/* core/repl/l_status_impl.h — private to repl/: members of the tables behind status(). */
#ifndef TL_REPL_L_STATUS_IMPL_H
#define TL_REPL_L_STATUS_IMPL_H

#include "repl/eval_impl.h"

/* Each sets a member of the table on top. */
static inline void tl_set_integer (lua_State *L, const char *name, lua_Integer n) {
  lua_pushinteger(L, n);
  lua_setfield(L, -2, name);
}

static inline void tl_set_number (lua_State *L, const char *name, lua_Number n) {
  lua_pushnumber(L, n);
  lua_setfield(L, -2, name);
}

static inline void tl_set_text (lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static inline void tl_set_flag (lua_State *L, const char *name, bool on) {
  lua_pushboolean(L, on);
  lua_setfield(L, -2, name);
}

static inline void tl_set_seconds (lua_State *L, const char *name, int64_t ms) {
  tl_set_number(L, name, (lua_Number)ms / 1000.0);
}

static inline void tl_new_list (lua_State *L) {
  lua_newtable(L);
  tl_mark_list(L);
}

#endif
