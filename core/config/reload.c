/* core/config/reload.c — reads and applies a config, or refuses it with all problems; and
** remembers which files the running config was read from. */
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/l_reload.h"
#include "config/loaded_impl.h"

enum { HASH_PIECE = 256 * 1024 }; /* bytes: less than a millisecond */

static struct tl_loaded *loaded_of (tl_script *s) {
  if (!s->config.loaded) s->config.loaded = calloc(1, sizeof *s->config.loaded);
  return s->config.loaded;
}

static void drop_files (tl_source *files, size_t n) {
  for (size_t i = 0; i < n; i++) free(files[i].path);
  free(files);
}

void tl_loaded_free (tl_script *s) {
  struct tl_loaded *l = s->config.loaded;
  if (!l) return;
  tl_reload_drop(l);
  drop_files(l->files, l->file_count);
  free(l->path);
  tl_buf_fini(&l->problems);
  tl_buf_fini(&l->warnings);
  free(l);
  s->config.loaded = NULL;
}

/* --- which files it was read from --- */

static void read_stat (tl_source *f) {
  struct stat st;
  f->mtime_ns = -1;
  if (stat(f->path, &st) != 0) return;
  f->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
  f->size = st.st_size;
  f->inode = st.st_ino;
}

typedef struct {
  tl_script *s;
  tl_source *files;
  size_t n;
  char hash[SHA256_DIGEST_STRING_LENGTH];
  int64_t began_ns; /* since 1970 */
} reading;

/* Remember draft.files: a list of { path =, text = } in the order of reading. */
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
    for (size_t at = 0; at < len; at += HASH_PIECE) {
      SHA256Update(&hash, (const uint8_t *)text + at,
                   len - at < HASH_PIECE ? len - at : HASH_PIECE);
      tl_pause_protected(L);
    }
    lua_getfield(L, -2, "path");
    tl_source *f = &r->files[r->n];
    f->path = strdup(luaL_checkstring(L, -1));
    if (!f->path) return luaL_error(L, "not enough memory");
    r->n++;
    read_stat(f);
    if (f->mtime_ns > r->began_ns)
      /* it changed while it was read, perhaps after its text was taken: check it again */
      f->mtime_ns = 0;
    lua_pop(L, 3);
  }
  SHA256End(&hash, r->hash);
  return 0;
}

bool tl_config_files_changed (tl_script *s) {
  const struct tl_loaded *l = s->config.loaded;
  for (size_t i = 0; l && i < l->file_count; i++) {
    tl_source now = l->files[i];
    read_stat(&now);
    if (now.mtime_ns == -1 || (now.mtime_ns == l->files[i].mtime_ns &&
                               now.size == l->files[i].size && now.inode == l->files[i].inode))
      continue; /* a missing file is most likely being replaced right now */
    return true;
  }
  return false;
}

void tl_config_files_seen (tl_script *s) {
  struct tl_loaded *l = s->config.loaded;
  for (size_t i = 0; l && i < l->file_count; i++) read_stat(&l->files[i]);
}

void tl_config_get_facts (const tl_script *s, tl_config_facts *out) {
  const struct tl_loaded *l = s->config.loaded;
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
  const struct tl_loaded *l = tl_script_of(L)->config.loaded;
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
  if (l->http.text[0] != '\0') {
    lua_pushstring(L, l->http.text);
    lua_setfield(L, -2, "http_refused");
  }
  push_lines(L, tl_buf_bytes(&l->warnings));
  lua_setfield(L, -2, "warnings");
  lua_createtable(L, (int)l->file_count, 0);
  tl_mark_list(L);
  for (size_t i = 0; i < l->file_count; i++) {
    tl_source now = l->files[i];
    read_stat(&now);
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

static void add_line (tl_buf *out, const char *text) {
  if (out->len > 0) tl_buf_byte(out, '\n');
  tl_buf_str(out, text);
}

static void on_problem (void *ctx, bool is_error, const char *text) {
  tl_report *r = ctx;
  /* the log has its own level for warnings */
  const char *mark = is_error ? NULL : strstr(text, ": warning: ");
  if (r->given_up)
    tl_log(TL_LOG_DEBUG, NULL, "%s", text);
  else if (mark)
    tl_log(TL_LOG_WARN, NULL, "%.*s%s", (int)(mark - text), text, mark + 9);
  else
    tl_log(is_error ? TL_LOG_ERROR : TL_LOG_WARN, NULL, "%s", text);
  add_line(&r->text, text);
}

static void on_change (void *ctx, const char *change) {
  tl_report *r = ctx;
  add_line(&r->text, change);
}

/* Log the changes after all of them are made: readers of the log may act on them. */
static void log_changes (const tl_report *r) {
  for (size_t at = 0; at < r->text.len;) {
    const uint8_t *end = memchr(r->text.at + at, '\n', r->text.len - at);
    size_t n = end ? (size_t)(end - r->text.at) - at : r->text.len - at;
    tl_log(TL_LOG_INFO, NULL, "reload: %.*s", (int)n, (const char *)r->text.at + at);
    at += n + 1;
  }
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

bool tl_load_config (tl_script *s, tl_report *r) {
  struct tl_loaded *l = loaded_of(s);
  reading files = { .s = s, .began_ns = tl_clock_wall_ms() * 1000000 };
  tl_err err = { .text = "" };
  tl_buf found;
  if (!l || !l->path) return false;
  tl_buf_init(&found);
  int errors = tl_config_load(s, l->path, on_problem, r);
  bool ok = errors == 0;
  if (ok) { /* warnings were logged, and status() shows them */
    tl_buf_slice(&found, tl_buf_bytes(&r->text));
    tl_buf_clear(&r->text);
  }
  if (ok) ok = tl_script_enter(s, p_read_files, &files, 0, "config", NULL) == LUA_OK;
  if (ok) {
    int rc = r->dry ? tl_config_compare(s, on_change, r, &err)
                    : tl_config_apply(s, r->first ? NULL : on_change, r, &err);
    ok = rc >= 0;
  }
  if (!ok && errors == 0 && err.text[0] == '\0') tl_fail(&err, TL_ENOMEM, 0, "out of memory");
  if (!ok && err.text[0] != '\0') {
    tl_log(TL_LOG_ERROR, NULL, "%s: %s", l->path, err.text);
    add_line(&r->text, err.text);
  }
  if (ok && !r->dry) {
    log_changes(r);
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

typedef struct {
  tl_script *s;
  tl_report report;
  bool ok;
} start;

static void run_start (void *ctx) {
  start *a = ctx;
  a->ok = tl_load_config(a->s, &a->report);
}

/* In pieces, as a reload, so that a signal ends also a config that loads for long. */
static void start_in_pieces (start *a, bool (*ends)(void *ctx), void *ctx) {
  tl_pieces *p;
  if (tl_pieces_new(&p, &a->s->box, run_start, a) < 0) {
    run_start(a); /* it says what it has no memory for */
    return;
  }
  tl_pieces_lend(p);
  while (tl_pieces_go(p)) {
    if (a->report.given_up || !ends || !ends(ctx)) continue;
    a->report.given_up = true;
    tl_pieces_hurry(p, a->s->config.applying ? NULL : tl_config_ends);
  }
  tl_pieces_free(p);
}

bool tl_config_start (tl_script *s, const char *path, bool (*ends)(void *ctx), void *ctx) {
  struct tl_loaded *l = loaded_of(s);
  start a = { .s = s, .report = { .first = true } };
  if (!l || !(l->path = strdup(path))) {
    tl_log(TL_LOG_ERROR, NULL, "%s: out of memory", path);
    return false;
  }
  tl_buf_init(&a.report.text);
  start_in_pieces(&a, ends, ctx);
  tl_buf_fini(&a.report.text);
  return a.ok && !a.report.given_up;
}
