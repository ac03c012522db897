/* core/script/host.c — the Lua state: memory and time limits, the door, errors with a traceback. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "script/l_core.h"
#include "script/script.h"

#include <lua-cjson.h> /* needs lua.h before it */

enum { HOOK_EVERY = 1000 }; /* instructions between two looks at the clock: some 5 µs */

static void *limited_alloc (void *ud, void *at, size_t before, size_t wanted) {
  tl_script *s = ud;
  if (at == NULL) before = 0; /* then it says what kind of object is made */
  if (wanted == 0) {
    free(at);
    s->memory -= before;
    return NULL;
  }
  if (s->memory_limit > 0 && wanted > before && s->memory - before + wanted > s->memory_limit) return NULL;
  void *moved = realloc(at, wanted);
  if (moved != NULL) s->memory = s->memory - before + wanted;
  return moved;
}

tl_script *tl_script_of (lua_State *L) {
  void *ud;
  lua_getallocf(L, &ud);
  return ud;
}

/* Once the time is up every further instruction raises again: a script's own pcall must not swallow the end of its budget. */
static void on_count (lua_State *L, lua_Debug *ar) {
  tl_script *s = tl_script_of(L);
  (void)ar;
  if (s->deadline_ns == 0 || tl_clock_mono_ns() < s->deadline_ns) return;
  if (!s->expired) {
    s->expired = true;
    lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
  }
  luaL_error(L, "took longer than %s (%f s)", s->budget_name, s->budget_s);
}

void tl_script_arm (tl_script *s, lua_State *co) {
  (void)s;
  lua_sethook(co, on_count, LUA_MASKCOUNT, HOOK_EVERY);
}

void tl_script_budget (tl_script *s, double seconds, const char *name) {
  if (s->expired) lua_sethook(s->L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
  s->expired = false;
  s->budget_name = name;
  s->budget_s = seconds;
  s->deadline_ns = seconds > 0 ? tl_clock_mono_ns() + (uint64_t)(seconds * 1e9) : 0;
}

int tl_script_traceback (lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING) return 1; /* an error object's own __tostring is not run here */
  luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

int tl_script_enter (tl_script *s, lua_CFunction body, void *arg, double seconds, const char *where, tl_buf *err) {
  lua_State *L = s->L;
  int top = lua_gettop(L);
  if (!lua_checkstack(L, LUA_MINSTACK)) return LUA_ERRMEM;
  uint64_t outer_deadline = s->deadline_ns;
  const char *outer_name = s->budget_name;
  double outer_s = s->budget_s;
  if (outer_deadline == 0) tl_script_budget(s, seconds, seconds == s->handler_time ? "handler_time" : "its time");
  lua_pushcfunction(L, tl_script_traceback); /* these three pushes cannot raise */
  lua_pushcfunction(L, body);
  lua_pushlightuserdata(L, arg);
  int rc = lua_pcall(L, 1, 0, top + 1);
  if (rc != LUA_OK) {
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "error object that is not a string";
    if (err != NULL) tl_buf_str(err, text);
    else tl_log(TL_LOG_ERROR, where, "%s", text);
  }
  lua_settop(L, top);
  if (outer_deadline == 0) {
    tl_script_budget(s, 0, "");
  } else {
    s->deadline_ns = outer_deadline;
    s->budget_name = outer_name;
    s->budget_s = outer_s;
  }
  return rc;
}

enum { SAID_MANY = 1000, SAID_LENGTH = 400 };

static void forget_said (tl_script *s) {
  tl_slice key;
  void *value;
  for (uint32_t i = 0; tl_map_next(&s->said, &i, &key, &value);) free((void *)key.at);
  tl_map_fini(&s->said);
}

/* "Once" by scope and the text's beginning: the traceback of the same fault is the same. Forgets all at times, to stay small. */
void tl_script_say_error (tl_script *s, const char *scope, tl_slice text) {
  char key[SAID_LENGTH + 200];
  int n = snprintf(key, sizeof key, "%s|%.*s", scope != NULL ? scope : "", (int)(text.len < SAID_LENGTH ? text.len : SAID_LENGTH),
                   (const char *)text.at);
  tl_slice known = tl_slice_of(key, (size_t)n < sizeof key ? (size_t)n : sizeof key - 1);
  if (tl_map_get(&s->said, known) != NULL) return;
  if (s->said.live >= SAID_MANY) forget_said(s);
  char *copy = malloc(known.len);
  if (copy != NULL) {
    memcpy(copy, key, known.len);
    if (tl_map_put(&s->said, tl_slice_of(copy, known.len), s) != TL_OK) free(copy);
  }
  tl_log(TL_LOG_ERROR, scope, "%.*s", TL_ARG(text));
}

/* ---- making the state ---- */

static int open_state (lua_State *L) {
  tl_script *s = lua_touserdata(L, 1);
  luaL_openlibs(L);
  luaL_requiref(L, "cjson", luaopen_cjson, 0);
  luaL_requiref(L, "tagline.core", luaopen_tagline_core, 0);
  lua_settop(L, 0);
  luaL_requiref(L, "package", luaopen_package, 0);
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;/usr/local/share/lua/5.4/?.lua;/usr/local/share/lua/5.4/?/init.lua;"
                     "/usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua", s->lua_dir, s->lua_dir);
  lua_setfield(L, -2, "path");
  lua_newtable(L); /* objects: kept only as long as somebody holds them */
  lua_newtable(L);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  s->objects = luaL_ref(L, LUA_REGISTRYINDEX);
  tl_open_tag(L);
  tl_open_station(L);
  tl_open_line(L);
  tl_open_message(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.repl.print");
  lua_call(L, 1, 1);
  s->print_module = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

int tl_script_new (tl_script **out, const tl_script_options *options, tl_err *err) {
  tl_script *s = calloc(1, sizeof *s);
  tl_buf text;
  if (s == NULL) return tl_fail(err, TL_ENOMEM, 0, "no memory for Lua");
  tl_buf_init(&text);
  s->unsafe = options->unsafe;
  s->lua_dir = strdup(options->lua_dir);
  s->draft = s->env = LUA_NOREF;
  s->handler_time = 0.1;
  s->L = s->lua_dir != NULL ? lua_newstate(limited_alloc, s) : NULL;
  if (s->L == NULL) {
    tl_script_free(s);
    return tl_fail(err, TL_ENOMEM, 0, "no memory for Lua");
  }
  tl_script_arm(s, s->L);
  int rc = tl_script_enter(s, open_state, s, 0, "lua", &text);
  if (rc != LUA_OK) {
    tl_fail(err, TL_ENOENT, 0, "cannot start Lua: %.*s", TL_ARG(tl_buf_bytes(&text)));
    tl_script_free(s);
    s = NULL;
  }
  tl_buf_fini(&text);
  if (s == NULL) return TL_ENOENT;
  *out = s;
  return TL_OK;
}

void tl_script_free (tl_script *s) {
  tl_slice key;
  void *zone;
  if (s == NULL) return;
  while (s->evals != NULL) tl_eval_free(s->evals);
  tl_timers_stop(s);
  if (s->L != NULL) lua_close(s->L);
  for (uint32_t i = 0; tl_map_next(&s->zones, &i, &key, &zone);) {
    tl_zone_free(zone);
    free((void *)key.at);
  }
  tl_map_fini(&s->zones);
  forget_said(s);
  free(s->lua_dir);
  free(s->config_path);
  free(s);
}

void tl_script_attach (tl_script *s, tl_gateway *g, tl_loop *loop) {
  s->gateway = g;
  s->loop = loop;
}

int tl_script_find_lua (tl_buf *out) {
  static const char *const places[] = { "lua", "../share/tagline/lua" };
  char exe[PATH_MAX], path[PATH_MAX + 64];
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (n <= 0) return TL_ENOENT;
  exe[n] = '\0';
  char *slash = strrchr(exe, '/');
  if (slash != NULL) *slash = '\0';
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    struct stat st;
    snprintf(path, sizeof path, "%s/%s/tagline", exe, places[i]);
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) continue;
    path[strlen(path) - sizeof "tagline"] = '\0';
    tl_buf_str(out, path);
    return out->failed ? TL_ENOMEM : TL_OK;
  }
  return TL_ENOENT;
}
