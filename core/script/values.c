/* core/script/values.c — converts tag values to and from Lua. Strict: the string "21" is not
** the number 21. */
#include <math.h>

#include "script/script.h"

void tl_push_value (lua_State *L, tl_type type, const tl_value *v) {
  switch (type) {
    case TL_AI:
    case TL_AO:
    case TL_TIR:
    case TL_TOR: lua_pushnumber(L, v->number); break;
    case TL_CI:
    case TL_CO:
    case TL_QI: lua_pushinteger(L, v->integer); break;
    case TL_DI:
    case TL_DO: lua_pushboolean(L, v->boolean); break;
    case TL_TIA:
    case TL_TOA: lua_pushnumber(L, (lua_Number)v->integer / 1000.0); break;
    default: tl_push_outside(L, v->text);
  }
}

static bool read_integer (lua_State *L, int index, int64_t *out) {
  int exact = 0;
  if (lua_type(L, index) != LUA_TNUMBER) return false;
  *out = lua_tointegerx(L, index, &exact);
  return exact != 0;
}

static bool read_number (lua_State *L, int index, double *out) {
  if (lua_type(L, index) != LUA_TNUMBER) return false;
  *out = lua_tonumber(L, index);
  return isfinite(*out);
}

bool tl_read_value (lua_State *L, int index, tl_type type, tl_value *out, const char **expected) {
  double seconds;
  size_t len;
  switch (type) {
    case TL_AI:
    case TL_AO: *expected = "a finite number"; return read_number(L, index, &out->number);
    case TL_TIR:
    case TL_TOR:
      *expected = "a duration in seconds (a finite number)";
      return read_number(L, index, &out->number);
    case TL_CI:
    case TL_CO: *expected = "an integer"; return read_integer(L, index, &out->integer);
    case TL_QI:
      *expected = "0..4 or one of Off On Trans Err Oscillate";
      if (lua_type(L, index) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, index, &len);
        return tl_convert_text(TL_QI, tl_slice_of(text, len), NULL, out) == TL_REASON_NONE;
      }
      return read_integer(L, index, &out->integer) && out->integer >= 0 && out->integer <= 4;
    case TL_DI:
    case TL_DO:
      *expected = "true or false";
      if (lua_type(L, index) != LUA_TBOOLEAN) return false;
      out->boolean = lua_toboolean(L, index) != 0;
      return true;
    case TL_TIA:
    case TL_TOA:
      *expected = "a time in seconds since 1970 (a finite number)";
      /* refuses times after the year 9999 */
      return read_number(L, index, &seconds) &&
             tl_convert_number(type, seconds, NULL, out) == TL_REASON_NONE;
    default: {
      *expected = "a string";
      if (lua_type(L, index) != LUA_TSTRING) return false;
      const char *text = lua_tolstring(L, index, &len);
      out->text = tl_slice_of(text, len);
      return true;
    }
  }
}

const char *tl_push_got (lua_State *L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TSTRING: {
      size_t len;
      const char *text = lua_tolstring(L, index, &len);
      return len > 40 ? lua_pushfstring(L, "a string of %d bytes", (int)len)
                      : lua_pushfstring(L, "string \"%s\"", text);
    }
    case LUA_TNUMBER:
      if (!lua_rawequal(L, index, index)) return lua_pushliteral(L, "number nan");
      lua_pushvalue(L, index); /* a copy, because lua_tostring would change the value in place */
      lua_pushfstring(L, "number %s", lua_tostring(L, -1));
      lua_remove(L, -2);
      return lua_tostring(L, -1);
    case LUA_TBOOLEAN: return lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
    case LUA_TNIL:
    case LUA_TNONE: return lua_pushliteral(L, "nil");
    default: return lua_pushfstring(L, "a %s", luaL_typename(L, index));
  }
}
