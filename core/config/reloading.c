/* core/config/reloading.c — a reload in pieces, one in each turn of the loop, so that
** everything else goes on. Whoever asked for it gets the answer at its end.
** A reload that is asked for meanwhile comes after it, since the files may have changed. */
#include <stdlib.h>
#include <string.h>

#include "config/l_reload.h"
#include "config/loaded_impl.h"
#include "script/turn.h"

typedef struct tl_reload_waiting {
  struct tl_reload_waiting *next;
  tl_eval *e; /* the evaluation that waits for the result; NULL: nobody */
  bool dry;
} waiting;

struct tl_reload {
  tl_script *s;
  tl_pieces *pieces; /* NULL: no memory for pieces, so it runs in one go */
  waiting *waiting;  /* who asked for this reload */
  tl_report report;
  bool loading; /* config.loading of the script, kept while this reload is paused */
  bool ok;
};

void tl_config_on_reload (tl_script *s, tl_reload_listener *listener) {
  listener->next = s->config.listeners;
  s->config.listeners = listener;
}

void tl_config_forget_reload (tl_script *s, tl_reload_listener *listener) {
  tl_reload_listener **at = &s->config.listeners;
  while (*at && *at != listener) at = &(*at)->next;
  if (*at) *at = listener->next;
}

void tl_reload_tell (const tl_script *s, tl_reload_phase phase) {
  for (tl_reload_listener *l = s->config.listeners, *next; l; l = next) {
    next = l->next;
    l->reloading(l->ctx, phase);
  }
}

const char tl_config_ends[] = "the process ends";

void tl_config_rest (tl_script *s) { tl_pause(&s->box); }

/* --- one reload --- */

static void run (void *ctx) {
  struct tl_reload *r = ctx;
  r->ok = tl_load_config(r->s, &r->report);
}

/* Run one piece. True: there is more to do. */
static bool go (struct tl_reload *r) {
  if (!r->pieces) {
    run(r);
    return false;
  }
  r->s->config.loading = r->loading;
  bool more = tl_pieces_go(r->pieces);
  r->loading = r->s->config.loading;
  r->s->config.loading = false;
  return more;
}

static void begin (tl_script *s, bool dry) {
  struct tl_loaded *l = s->config.loaded;
  struct tl_reload *r = calloc(1, sizeof *r);
  if (!r) return;
  r->s = s;
  r->report.dry = dry;
  tl_buf_init(&r->report.text);
  for (waiting **at = &l->waiting, **to = &r->waiting; *at;) {
    waiting *w = *at;
    if (w->dry != dry) {
      at = &w->next;
      continue;
    }
    *at = w->next;
    w->next = NULL;
    *to = w;
    to = &w->next;
  }
  l->now = r;
  if (tl_pieces_new(&r->pieces, &s->box, run, r) == TL_OK)
    tl_pieces_lend(r->pieces);
  else
    r->pieces = NULL;
  if (!dry) tl_reload_tell(s, TL_RELOAD_BEGINS);
}

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

static void answer_waiting (waiting **list, answer a) {
  while (*list) {
    waiting *w = *list;
    tl_eval *e = w->e;
    *list = w->next;
    /* If the evaluation has ended meanwhile, its `stop` has removed it from w. */
    free(w);
    if (e) tl_eval_wake(e, push_answer, &a);
  }
}

static void finish (struct tl_reload *r) {
  tl_script *s = r->s;
  struct tl_loaded *l = s->config.loaded;
  bool dry = r->report.dry;
  l->now = NULL;
  tl_pieces_free(r->pieces);
  if (!dry && r->ok) {
    l->reloads++;
    tl_failures_free(s); /* the functions of the old config are gone */
  }
  if (!dry) tl_reload_tell(s, TL_RELOAD_ENDS);
  if (!dry && r->ok)
    tl_log(TL_LOG_INFO, NULL, "%s: reloaded%s", l->path,
           r->report.text.len > 0 ? "" : ", nothing changed but the handlers");
  else if (!dry && r->report.given_up)
    tl_log(TL_LOG_INFO, NULL, "%s: not reloaded: %s", l->path, tl_config_ends);
  else if (!dry)
    tl_log(TL_LOG_ERROR, NULL, "%s: not reloaded, the old config stays", l->path);
  answer_waiting(&r->waiting, (answer){ r->ok, dry, tl_buf_bytes(&r->report.text) });
  tl_buf_fini(&r->report.text);
  free(r);
}

/* --- the loop's turns --- */

/* Called outside of Lua and of every message. Whoever asked for the same before it began gets
** the same answer. A comparison runs before a reload: after it there would be no difference. */
static void step (void *ctx) {
  tl_script *s = ctx;
  struct tl_loaded *l = s->config.loaded;
  if (!l->now && l->waiting) {
    bool dry = false;
    for (const waiting *w = l->waiting; w; w = w->next) dry = dry || w->dry;
    begin(s, dry);
    if (!l->now) {
      answer_waiting(&l->waiting, (answer){ false, dry, TL_LIT("out of memory") });
      return;
    }
  }
  if (l->now && !go(l->now)) finish(l->now);
  if (!l->now && !l->waiting) return;
  if (tl_loop_later(s->loop, step, s) == TL_OK) return;
  if (l->now && l->now->pieces) tl_pieces_hurry(l->now->pieces, NULL);
  step(s);
}

static int ask (tl_script *s, tl_eval *e, bool dry, waiting **out) {
  struct tl_loaded *l = s->config.loaded;
  waiting *w = calloc(1, sizeof *w), **at = &l->waiting;
  if (!w) return TL_ENOMEM;
  w->e = e;
  w->dry = dry;
  while (*at) at = &(*at)->next;
  *at = w;
  *out = w;
  if (l->now || tl_loop_later(s->loop, step, s) == TL_OK) return TL_OK;
  *at = NULL;
  free(w);
  return TL_ENOMEM;
}

void tl_config_reload (tl_script *s) {
  waiting *w;
  if (!s->config.loaded) return;
  for (w = s->config.loaded->waiting; w; w = w->next)
    if (!w->e && !w->dry) return; /* a reload is waiting already */
  if (ask(s, NULL, false, &w) != TL_OK)
    tl_log(TL_LOG_ERROR, NULL, "%s: not reloaded: out of memory", s->config.loaded->path);
}

bool tl_config_is_reloading (const tl_script *s) {
  return s->config.loaded && (s->config.loaded->now || s->config.loaded->waiting);
}

void tl_config_end_reload (tl_script *s) {
  struct tl_loaded *l = s->config.loaded;
  if (!l) return;
  if (s->loop) tl_loop_forget(s->loop, step, s);
  tl_turn_begin_end(s);
  if (l->now) {
    const char *why = s->config.applying ? NULL : tl_config_ends;
    l->now->report.given_up = why != NULL && l->now->pieces;
    if (l->now->pieces) tl_pieces_hurry(l->now->pieces, why);
    while (go(l->now)) continue;
    finish(l->now);
  }
  answer_waiting(&l->waiting, (answer){ false, false, tl_slice_str(tl_config_ends) });
}

void tl_reload_drop (struct tl_loaded *l) {
  while (l->waiting) {
    waiting *w = l->waiting;
    l->waiting = w->next;
    free(w);
  }
}

/* --- reload() --- */

static void forget (void *ctx) { ((waiting *)ctx)->e = NULL; }

/* reload([{ dry = true }]): at the prompt it waits, and returns what changed, or nil and all
** problems. In a handler it only asks for a reload. */
int tl_word_reload (lua_State *L) {
  tl_script *s = tl_script_of(L);
  tl_eval *e = tl_eval_of(L);
  struct tl_loaded *l = s->config.loaded;
  bool dry = false;
  if (!lua_isnoneornil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
      /* strict, because a misspelled `dry` would cause a real reload */
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
  waiting *w;
  if (ask(s, e, dry, &w) != TL_OK) return luaL_error(L, "not enough memory");
  if (e) return tl_eval_wait(L, e, forget, w);
  lua_pushboolean(L, 1);
  return 1;
}
