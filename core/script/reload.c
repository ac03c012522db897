/* core/script/reload.c — the config anew while it runs: read, compared, applied between two
** messages, or refused with every problem while the old one goes on. Remembers what the running
** config was read from. */
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "script/script.h"

/* One file that the config was read from. */
typedef struct {
  char *path;
  int64_t mtime_ns;
  off_t size;
  ino_t inode;
} source;

typedef struct waiting {
  struct waiting *next;
  tl_eval *e; /* who waits for the result; NULL: nobody */
  bool dry;
} waiting;

struct tl_loaded {
  char *path;
  source *files;
  size_t file_count;
  /* SHA-256 of all their texts in the order of reading, as `cat FILES | sha256sum` has it */
  char hash[SHA256_DIGEST_STRING_LENGTH];
  int64_t at; /* ms since 1970 */
  uint64_t reloads;
  tl_buf problems; /* of the last reload, when it was refused; empty: it was taken */
  int64_t refused_at;
  tl_buf warnings;  /* of the config that runs, a line each */
  waiting *waiting; /* asked for in this wake-up */
};

static struct tl_loaded *loaded_of (tl_script *s) {
  if (!s->reload.loaded) s->reload.loaded = calloc(1, sizeof *s->reload.loaded);
  return s->reload.loaded;
}

static void drop_files (source *files, size_t n) {
  for (size_t i = 0; i < n; i++) free(files[i].path);
  free(files);
}

void tl_loaded_free (tl_script *s) {
  struct tl_loaded *l = s->reload.loaded;
  if (!l) return;
  while (l->waiting) {
    waiting *w = l->waiting;
    l->waiting = w->next;
    free(w);
  }
  drop_files(l->files, l->file_count);
  free(l->path);
  tl_buf_fini(&l->problems);
  tl_buf_fini(&l->warnings);
  free(l);
  s->reload.loaded = NULL;
}

/* --- what it was read from --- */

static void look (source *f) {
  struct stat st;
  f->mtime_ns = -1;
  if (stat(f->path, &st) != 0) return;
  f->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
  f->size = st.st_size;
  f->inode = st.st_ino;
}

typedef struct {
  tl_script *s;
  source *files;
  size_t n;
  char hash[SHA256_DIGEST_STRING_LENGTH];
} reading;

/* draft.files: a list of { path =, text = } in the order of reading. */
static int p_read_files (lua_State *L) {
  reading *r = lua_touserdata(L, 1);
  SHA2_CTX hash;
  SHA256Init(&hash);
  lua_rawgeti(L, LUA_REGISTRYINDEX, r->s->config.draft);
  lua_getfield(L, -1, "files");
  lua_Integer n = lua_istable(L, -1) ? luaL_len(L, -1) : 0;
  r->files = calloc((size_t)n + 1, sizeof *r->files);
  if (!r->files) return luaL_error(L, "not enough memory");
  for (lua_Integer i = 1; i <= n; i++) {
    size_t len;
    lua_rawgeti(L, -1, i);
    lua_getfield(L, -1, "text");
    const char *text = luaL_checklstring(L, -1, &len);
    SHA256Update(&hash, (const uint8_t *)text, len);
    lua_getfield(L, -2, "path");
    source *f = &r->files[r->n];
    f->path = strdup(luaL_checkstring(L, -1));
    if (!f->path) return luaL_error(L, "not enough memory");
    r->n++;
    look(f);
    lua_pop(L, 3);
  }
  SHA256End(&hash, r->hash);
  return 0;
}

bool tl_script_files_changed (tl_script *s) {
  const struct tl_loaded *l = s->reload.loaded;
  for (size_t i = 0; l && i < l->file_count; i++) {
    source now = l->files[i];
    look(&now);
    if (now.mtime_ns == -1 || (now.mtime_ns == l->files[i].mtime_ns &&
                               now.size == l->files[i].size && now.inode == l->files[i].inode))
      continue; /* a file that is gone is being replaced */
    return true;
  }
  return false;
}

void tl_script_files_seen (tl_script *s) {
  struct tl_loaded *l = s->reload.loaded;
  for (size_t i = 0; l && i < l->file_count; i++) look(&l->files[i]);
}

void tl_script_config_facts (const tl_script *s, tl_config_facts *out) {
  const struct tl_loaded *l = s->reload.loaded;
  *out = (tl_config_facts){ .file = "", .hash = "" };
  if (!l) return;
  *out = (tl_config_facts){ l->path ? l->path : "", l->hash,      l->at, l->reloads,
                            l->problems.len > 0,    l->refused_at };
}

static void push_lines (lua_State *L, tl_slice text) {
  lua_Integer n = 0;
  lua_newtable(L);
  tl_mark_list(L);
  for (size_t at = 0; at < text.len;) {
    const uint8_t *end = memchr(text.at + at, '\n', text.len - at);
    size_t stop = end ? (size_t)(end - text.at) : text.len;
    lua_pushlstring(L, (const char *)text.at + at, stop - at);
    lua_rawseti(L, -2, ++n);
    at = stop + 1;
  }
}

void tl_push_loaded (lua_State *L) {
  const struct tl_loaded *l = tl_script_of(L)->reload.loaded;
  lua_createtable(L, 0, 8);
  if (!l || !l->path) return;
  lua_pushstring(L, l->path);
  lua_setfield(L, -2, "file");
  lua_pushstring(L, l->hash);
  lua_setfield(L, -2, "hash");
  lua_pushnumber(L, (lua_Number)l->at / 1000.0);
  lua_setfield(L, -2, "time");
  lua_pushinteger(L, (lua_Integer)l->reloads);
  lua_setfield(L, -2, "reloads");
  if (l->problems.len > 0) {
    lua_pushlstring(L, (const char *)l->problems.at, l->problems.len);
    lua_setfield(L, -2, "refused");
    lua_pushnumber(L, (lua_Number)l->refused_at / 1000.0);
    lua_setfield(L, -2, "refused_at");
  }
  push_lines(L, tl_buf_bytes(&l->warnings));
  lua_setfield(L, -2, "warnings");
  lua_createtable(L, (int)l->file_count, 0);
  tl_mark_list(L);
  for (size_t i = 0; i < l->file_count; i++) {
    source now = l->files[i];
    look(&now);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, now.path);
    lua_setfield(L, -2, "path");
    lua_pushnumber(L, (lua_Number)l->files[i].mtime_ns / 1e9);
    lua_setfield(L, -2, "time");
    lua_pushboolean(L, now.mtime_ns != l->files[i].mtime_ns || now.size != l->files[i].size);
    lua_setfield(L, -2, "changed");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "files");
}

/* --- loading --- */

typedef struct {
  tl_buf text; /* the report, a line each */
  bool first;  /* the start of the process: nothing runs yet */
  bool dry;
} report;

static void add_line (tl_buf *out, const char *text) {
  if (out->len > 0) tl_buf_byte(out, '\n');
  tl_buf_str(out, text);
}

static void on_problem (void *ctx, bool is_error, const char *text) {
  report *r = ctx;
  const char *mark = is_error ? NULL : strstr(text, ": warning: "); /* the log's level says so */
  if (mark)
    tl_log(TL_LOG_WARN, NULL, "%.*s%s", (int)(mark - text), text, mark + 9);
  else
    tl_log(is_error ? TL_LOG_ERROR : TL_LOG_WARN, NULL, "%s", text);
  add_line(&r->text, text);
}

static void on_change (void *ctx, const char *change) {
  report *r = ctx;
  if (!r->dry) tl_log(TL_LOG_INFO, NULL, "reload: %s", change);
  add_line(&r->text, change);
}

static void take (struct tl_loaded *l, reading *files) {
  drop_files(l->files, l->file_count);
  l->files = files->files;
  l->file_count = files->n;
  memcpy(l->hash, files->hash, sizeof l->hash);
  l->at = tl_clock_wall_ms();
  files->files = NULL;
  files->n = 0;
  tl_buf_clear(&l->problems);
}

/* Returns whether the config was taken (or, dry, could be); the report says what changed, or
** what is wrong. */
static bool load (tl_script *s, report *r) {
  struct tl_loaded *l = loaded_of(s);
  reading files = { .s = s };
  tl_err err = { .text = "" };
  tl_buf found;
  if (!l || !l->path) return false;
  tl_buf_init(&found);
  int errors = tl_script_load(s, l->path, on_problem, r);
  bool ok = errors == 0;
  if (ok) { /* warnings are in the log, and status() tells them */
    tl_buf_slice(&found, tl_buf_bytes(&r->text));
    tl_buf_clear(&r->text);
  }
  if (ok) ok = tl_script_enter(s, p_read_files, &files, 0, "config", NULL) == LUA_OK;
  if (ok) {
    int rc = r->dry ? tl_script_compare(s, on_change, r, &err)
                    : tl_script_apply(s, r->first ? NULL : on_change, r, &err);
    ok = rc >= 0;
  }
  if (!ok && errors == 0 && err.text[0] == '\0') tl_fail(&err, TL_ENOMEM, 0, "out of memory");
  if (!ok && err.text[0] != '\0') {
    tl_log(TL_LOG_ERROR, NULL, "%s: %s", l->path, err.text);
    add_line(&r->text, err.text);
  }
  if (ok && !r->dry) {
    take(l, &files);
    tl_buf_clear(&l->warnings);
    tl_buf_slice(&l->warnings, tl_buf_bytes(&found));
  }
  tl_buf_fini(&found);
  drop_files(files.files, files.n);
  if (ok || r->dry) return ok;
  tl_buf_clear(&l->problems);
  tl_buf_slice(&l->problems, tl_buf_bytes(&r->text));
  l->refused_at = tl_clock_wall_ms();
  return false;
}

bool tl_script_start (tl_script *s, const char *path) {
  struct tl_loaded *l = loaded_of(s);
  report r = { .first = true };
  if (!l || !(l->path = strdup(path))) return false;
  tl_buf_init(&r.text);
  bool ok = load(s, &r);
  tl_buf_fini(&r.text);
  return ok;
}

void tl_script_on_reload (tl_script *s, tl_reload_listener *listener) {
  listener->next = s->reload.listeners;
  s->reload.listeners = listener;
}

void tl_script_forget_reload (tl_script *s, tl_reload_listener *listener) {
  tl_reload_listener **at = &s->reload.listeners;
  while (*at && *at != listener) at = &(*at)->next;
  if (*at) *at = listener->next;
}

static void notify_listeners (const tl_script *s, bool begins) {
  for (tl_reload_listener *l = s->reload.listeners, *next; l; l = next) {
    next = l->next;
    l->reloading(l->ctx, begins);
  }
}

static bool reload (tl_script *s, report *r) {
  struct tl_loaded *l = s->reload.loaded;
  if (!r->dry) notify_listeners(s, true);
  bool ok = load(s, r);
  if (r->dry) return ok;
  notify_listeners(s, false);
  if (!ok) {
    tl_log(TL_LOG_ERROR, NULL, "%s: not reloaded, the old config stays", l->path);
    return false;
  }
  l->reloads++;
  tl_failures_free(s); /* other functions run now */
  tl_log(TL_LOG_INFO, NULL, "%s: reloaded%s", l->path,
         r->text.len > 0 ? "" : ", nothing changed but the handlers");
  return true;
}

bool tl_script_reload (tl_script *s) {
  report r = { .first = false };
  if (!s->reload.loaded) return false;
  tl_buf_init(&r.text);
  bool ok = reload(s, &r);
  tl_buf_fini(&r.text);
  return ok;
}

/* --- reload() --- */

typedef struct {
  bool ok, dry;
  tl_slice text;
} answer;

static int push_answer (lua_State *co, void *arg) {
  const answer *a = arg;
  if (!a->ok) lua_pushnil(co);
  if (a->text.len > 0)
    lua_pushlstring(co, (const char *)a->text.at, a->text.len);
  else
    lua_pushstring(co, a->dry ? "nothing would change but the handlers"
                              : "reloaded: nothing changed but the handlers");
  return a->ok ? 1 : 2;
}

/* Outside of Lua and of every message: everybody who asked in this wake-up gets the same answer. */
static void on_later (void *ctx) {
  tl_script *s = ctx;
  struct tl_loaded *l = s->reload.loaded;
  waiting *list = l->waiting;
  report done[2] = { { .dry = false }, { .dry = true } };
  bool ok[2] = { false, false }, asked[2] = { false, false };
  l->waiting = NULL;
  for (const waiting *w = list; w; w = w->next) asked[w->dry] = true;
  for (int dry = 1; dry >= 0; dry--) {
    tl_buf_init(&done[dry].text);
    if (asked[dry]) ok[dry] = reload(s, &done[dry]);
  }
  while (list) {
    waiting *w = list;
    answer a = { ok[w->dry], w->dry, tl_buf_bytes(&done[w->dry].text) };
    list = w->next;
    tl_eval *e = w->e;
    /* The coroutine's own end may have come meanwhile; then its `stop` took it out of here. */
    free(w);
    if (e) tl_eval_wake(e, push_answer, &a);
  }
  tl_buf_fini(&done[0].text);
  tl_buf_fini(&done[1].text);
}

static void forget (void *ctx) { ((waiting *)ctx)->e = NULL; }

/* reload([{ dry = true }]): at the prompt it waits and gives what changed, or nil and every
** problem; in a handler it only asks. */
int tl_word_reload (lua_State *L) {
  tl_script *s = tl_script_of(L);
  tl_eval *e = tl_eval_of(L);
  struct tl_loaded *l = s->reload.loaded;
  bool dry = false;
  if (!lua_isnoneornil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
      /* a mistyped `dry` must not reload */
      if (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), "dry") == 0 &&
          lua_isboolean(L, -1))
        continue;
      const char *key = luaL_tolstring(L, -2, NULL), *value = luaL_tolstring(L, -2, NULL);
      return luaL_error(L, "reload: expected { dry = true }, got { %s = %s }", key, value);
    }
    lua_getfield(L, 1, "dry");
    dry = lua_toboolean(L, -1);
  }
  if (!l || s->config.loading) return luaL_error(L, "reload: not while the config loads");
  if (dry && !e) return luaL_error(L, "reload: { dry = true } is for the prompt");
  if (!dry) tl_change_log_now(L, NULL, "reload()");
  waiting *w = calloc(1, sizeof *w);
  if (!w) return luaL_error(L, "not enough memory");
  w->e = e;
  w->dry = dry;
  w->next = l->waiting;
  l->waiting = w;
  if (tl_loop_later(s->loop, on_later, s) != TL_OK) {
    l->waiting = w->next;
    free(w);
    return luaL_error(L, "not enough memory");
  }
  if (e) return tl_eval_wait(L, e, forget, w);
  lua_pushboolean(L, 1);
  return 1;
}
