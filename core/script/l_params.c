/* core/script/l_params.c — a line's parameters, from a table that lua/tagline/config has
** checked: of a config, or of line:set{}. */
#include "script/script.h"

static tl_slice text_at (lua_State *L, int index) {
  size_t len;
  const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &len) : NULL;
  return text ? tl_slice_of(text, len) : tl_slice_of(NULL, 0);
}

static void no_memory (lua_State *L, int rc) {
  if (rc == TL_ENOMEM) luaL_error(L, "not enough memory");
}

int64_t tl_params_ms (double seconds) {
  double ms = seconds * 1000.0;
  /* a short time must not be rounded to 0, which means "never" */
  if (seconds > 0 && ms < 1) return 1;
  return ms >= 9e15 ? (int64_t)9e15 : (int64_t)(ms + 0.5);
}

/* One parameter from the value on top of the stack, which is popped. */
static void read_param (lua_State *L, tl_line_params *p, const tl_param_field *f) {
  void *at = tl_param_at(p, f);
  switch (f->kind) {
    case TL_PARAM_BOOL: *(bool *)at = lua_toboolean(L, -1) != 0; break;
    case TL_PARAM_INT: *(int64_t *)at = (int64_t)lua_tonumber(L, -1); break;
    case TL_PARAM_MS: *(int64_t *)at = tl_params_ms(lua_tonumber(L, -1)); break;
    case TL_PARAM_TEXT:
      if (lua_type(L, -1) == LUA_TSTRING) no_memory(L, tl_params_set_text(at, text_at(L, -1)));
      break;
    case TL_PARAM_TEXTS:
      for (lua_Integer i = 1, n = lua_type(L, -1) == LUA_TTABLE ? luaL_len(L, -1) : 0; i <= n;
           i++) {
        lua_rawgeti(L, -1, i);
        no_memory(L, tl_params_add_text(at, text_at(L, -1)));
        lua_pop(L, 1);
      }
      break;
  }
  lua_pop(L, 1);
}

void tl_read_params (lua_State *L, int index, tl_line_params *p) {
  for (const tl_param_field *f = tl_param_fields; f->name; f++) {
    lua_getfield(L, index, f->name);
    read_param(L, p, f);
  }
}
