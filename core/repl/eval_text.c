/* core/repl/eval_text.c — texts of an evaluation: results and errors for people, completions
** for their prompt, the log of what they change. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "repl/eval_impl.h"
#include "base/format.h"
#include "model/walk.h"
#include "base/utf8.h"

static int count_objects (lua_State *L) {
  const tl_model *m = tl_gateway_model(tl_script_of(L)->gateway);
  const char *kind = luaL_checkstring(L, 1);
  lua_Integer lines = m->line_count, stations = 0, tags = 0;
  tl_tag_walk walk = { .line = 0 };
  for (const tl_station *s; (s = tl_station_walk_next(&walk, m)) != NULL; stations++)
    tags += s->is_template ? 0 : s->plan->tag_count;
  lua_Integer found = kind[0] == 's' ? stations : tags;
  lua_pushinteger(L, kind[0] == 'l' ? lines : found);
  return 1;
}

static void push_options (lua_State *L, const tl_eval *e, bool printing) {
  lua_createtable(L, 0, 10);
  lua_pushboolean(L, e && e->person.json && !printing);
  lua_setfield(L, -2, "json");
  lua_pushboolean(L, e && e->person.tty);
  lua_setfield(L, -2, "tty");
  lua_pushboolean(L, printing);
  lua_setfield(L, -2, "printing");
  lua_pushinteger(L, e ? e->person.width : 80);
  lua_setfield(L, -2, "width");
  lua_pushnumber(L, (lua_Number)tl_clock_wall_ms() / 1000.0);
  lua_setfield(L, -2, "now");
  lua_pushcfunction(L, tl_live_tag_json);
  lua_setfield(L, -2, "live_tag");
  lua_pushcfunction(L, count_objects);
  lua_setfield(L, -2, "count");
  lua_pushcfunction(L, tl_eval_rest);
  lua_setfield(L, -2, "rest");
  if (!e || !e->person.tty || e->chunk.one_shot || e->chunk.line > 0) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, e->env);
  lua_setfield(L, -2, "person"); /* tagline.repl.more keeps cut output for this person */
}

/* print.format(options, n, …) gives the text of n values. */
void tl_eval_push_format (lua_State *L, tl_eval *e, int n, bool printing) {
  luaL_checkstack(L, n + 8, "too many values");
  lua_rawgeti(L, LUA_REGISTRYINDEX, tl_script_of(L)->print_module);
  lua_getfield(L, -1, "format");
  lua_remove(L, -2);
  push_options(L, e, printing);
  lua_pushinteger(L, n);
  lua_rotate(L, -(n + 3), 3); /* function, options and n go below the values */
}

void tl_eval_push_text (lua_State *L, tl_eval *e, int n, bool printing) {
  tl_eval_push_format(L, e, n, printing);
  lua_call(L, n + 2, 1);
  luaL_checkstring(L, -1);
}

/* Did a function report a failure, as Lua's own functions do: nil and a text, perhaps with a
** number? */
static bool is_failure (lua_State *L) {
  int n = lua_gettop(L);
  return lua_isnil(L, 1) && lua_type(L, 2) == LUA_TSTRING &&
         (n == 2 || (n == 3 && lua_isinteger(L, 3)));
}

/* For a program, the values of a failure are printed like any others, and the evaluation
** fails. */
static int fail (lua_State *L, tl_eval *e) {
  size_t len;
  lua_settop(L, 2);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  tl_eval_push_text(L, e, 2, false);
  lua_pushliteral(L, "\n");
  lua_concat(L, 2);
  const char *text = lua_tolstring(L, -1, &len);
  e->events.output(e->ctx, tl_slice_of(text, len));
  lua_settop(L, 2);
  return lua_error(L);
}

/* take(results): assigns the first result to `_`, and returns the options of print.format. */
static int take_results (lua_State *L) {
  tl_eval *const *here = lua_touserdata(L, lua_upvalueindex(1));
  if (*here && ((*here)->chunk.one_shot || (*here)->chunk.line > 0) && lua_gettop(L) > 1 &&
      is_failure(L))
    return fail(L, *here);
  lua_settop(L, 1);
  if (*here && !lua_isnil(L, 1)) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, (*here)->env);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "_");
  }
  push_options(L, *here, false);
  return 1;
}

/* print.run(chunk, take) gives the text of the chunk's results. */
void tl_eval_push_run (lua_State *L, tl_eval *e) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, e->script->print_module);
  lua_getfield(L, -1, "run");
  lua_replace(L, -2);
  lua_insert(L, -2);
  lua_rawgeti(L, LUA_REGISTRYINDEX, e->here_ref);
  lua_pushcclosure(L, take_results, 1);
}

/* Extend an error about an unknown variable, which is nil to Lua, by the name that was
** probably meant. */
static void add_nearest (lua_State *L) {
  if (strstr(lua_tostring(L, -1), "attempt to index a nil value !(field '")) return;
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.repl.nearest");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "explain");
  lua_replace(L, -2);
  lua_insert(L, -2);
  tl_open_live(L);
  lua_call(L, 2, 1);
}

void tl_eval_push_error (lua_State *L, lua_State *co) {
  if (lua_type(co, -1) == LUA_TSTRING) {
    lua_xmove(co, L, 1);
    add_nearest(L);
  } else if (luaL_getmetafield(co, -1, "__tostring") != LUA_TNIL) {
    lua_insert(co, -2);
    if (lua_pcall(co, 1, 1, 0) != LUA_OK || lua_type(co, -1) != LUA_TSTRING)
      lua_pushliteral(co, "error object that cannot be shown");
    lua_xmove(co, L, 1);
  } else {
    lua_pushfstring(L, "error object that is a %s", luaL_typename(co, -1));
  }
}

/* Remove a place in the REPL's own Lua files ("…/tagline/repl/watch.lua:12: ") from an error:
** it tells the user nothing. */
static tl_slice without_our_place (tl_slice text) {
  static const char folder[] = "/tagline/repl/";
  const char *start = (const char *)text.at, *end = start + text.len;
  const char *at = text.len > 0 ? memmem(start, text.len, folder, sizeof folder - 1) : NULL;
  if (!at || start[0] != '/' || memchr(start, ' ', (size_t)(at - start))) return text;
  const char *stop = memmem(at, (size_t)(end - at), ": ", 2);
  const char *blank = memchr(at, ' ', (size_t)(end - at));
  if (!stop || blank != stop + 1) return text;
  return tl_slice_of(stop + 2, (size_t)(end - stop - 2));
}

void tl_eval_plain_error (tl_buf *out, tl_slice text, int line) {
  static const char place[] = "repl:1: ", script[] = "stdin:", end[] = " near <eof>";
  tl_slice one = without_our_place(text);
  bool placed = one.len >= sizeof script - 1 && memcmp(one.at, script, sizeof script - 1) == 0;
  if (line > 0 && !placed) tl_buf_fmt(out, "%s%d: ", script, line);
  /* only one line was typed, so its number is of no use */
  if (one.len > sizeof place - 1 && memcmp(one.at, place, sizeof place - 1) == 0)
    one = tl_slice_of(one.at + sizeof place - 1, one.len - (sizeof place - 1));
  if (one.len >= sizeof end - 1 &&
      memcmp(one.at + one.len - (sizeof end - 1), end, sizeof end - 1) == 0) {
    tl_buf_add(out, one.at, one.len - (sizeof end - 1));
    tl_buf_str(out, " at the end of the code");
  } else {
    tl_buf_slice(out, one);
  }
}

typedef struct {
  tl_eval *e;
  tl_slice message;
  tl_buf *out;
} marking;

static int p_caret (lua_State *L) {
  marking *m = lua_touserdata(L, 1);
  size_t len;
  m->e->script->box.budget.cpu_ns = tl_clock_cpu_ns();
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.repl.caret");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "add");
  lua_pushlstring(L, (const char *)m->e->chunk.typed.at, m->e->chunk.typed.len);
  lua_pushlstring(L, (const char *)m->message.at, m->message.len);
  lua_call(L, 2, 1);
  const char *text = lua_tolstring(L, -1, &len);
  if (text) tl_buf_add(m->out, text, len);
  return 0;
}

void tl_eval_add_caret (tl_eval *e, tl_slice message, tl_buf *out) {
  marking m = { e, message, out };
  tl_buf err;
  if (e->chunk.typed.len == 0 || e->chunk.typed.failed || message.len == 0) return;
  tl_buf_init(&err);
  if (tl_script_enter(e->script, p_caret, &m, 0.1, "repl", &err) != LUA_OK || out->failed)
    tl_buf_clear(out); /* the caret is left out */
  tl_buf_fini(&err);
}

/* --- completion --- */

typedef struct {
  tl_eval *e;
  tl_slice request;
  tl_buf *out;
} completing;

/* Calls complete.list(line, at, own variables, api, config, live), which returns a list of
** texts and how many more there are. */
static int p_complete (lua_State *L) {
  completing *c = lua_touserdata(L, 1);
  tl_script *s = c->e->script;
  size_t len;
  s->box.budget.cpu_ns = tl_clock_cpu_ns();
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.repl.complete");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "list");
  tl_push_json(L, c->request);
  luaL_checktype(L, -1, LUA_TTABLE);
  lua_getfield(L, -1, "line");
  lua_getfield(L, -2, "at");
  lua_remove(L, -3);
  lua_rawgeti(L, LUA_REGISTRYINDEX, c->e->env);
  tl_push_api(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, s->config.env);
  tl_open_live(L);
  lua_call(L, 6, 2);
  luaL_checktype(L, -2, LUA_TTABLE);
  tl_buf_byte(c->out, '[');
  for (lua_Integer i = 1, n = luaL_len(L, -2); i <= n; i++) {
    lua_rawgeti(L, -2, i);
    const char *text = luaL_checklstring(L, -1, &len);
    if (tl_utf8_valid(tl_slice_of(text, len))) {
      if (c->out->at[c->out->len - 1] != '[') tl_buf_byte(c->out, ',');
      tl_json_quote(c->out, tl_slice_of(text, len));
    }
    lua_pop(L, 1);
  }
  if (lua_tointeger(L, -1) > 0) tl_buf_fmt(c->out, ",%lld", (long long)lua_tointeger(L, -1));
  tl_buf_byte(c->out, ']');
  return 0;
}

void tl_eval_complete (tl_eval *e, tl_slice request, tl_buf *out) {
  completing c = { e, request, out };
  tl_buf err;
  tl_buf_init(&err);
  size_t start = out->len;
  if (tl_buf_reserve(out, 256) != TL_OK) return;
  if (tl_script_enter(e->script, p_complete, &c, 0.1, "repl", &err) != LUA_OK || out->failed) {
    tl_log(TL_LOG_DEBUG, "repl", "completion: %.*s", TL_ARG(tl_buf_bytes(&err)));
    tl_buf_clear(out);
    out->len = start;
    tl_buf_str(out, "[]");
  }
  tl_buf_fini(&err);
}
