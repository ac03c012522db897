/* core/repl/eval.c — evaluations for consoles. A chunk runs as a coroutine, in slices of a few
** milliseconds, so it can wait (eval_wait.c) without keeping messages waiting. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "repl/eval_impl.h"

enum {
  SLICE_NS = 2000000,  /* see tl_eval_slices */
  ANSWER_MS = 10000,   /* see tl_eval_answer_within */
  EVAL_SECONDS = 5,    /* seconds of processor time between two waits: longer chunks are ended */
  HOOK_EVERY = 1000,   /* instructions between two looks */
  GRACE_NS = 20000000, /* extra time to report how an encode failed that used up a whole slice */
  TYPED_MAX = 4096,    /* bytes of typed code that are kept for errors */
  AT_ONCE = 4096       /* bytes of code that are compiled also while the loop is busy */
};

static const char no_pause[] = "one call ran for " TL_EVAL_CALL_TEXT
                               " without a pause, and messages would wait; do it in smaller pieces";
static const char used_up[] = "used 5 s of processor time without waiting for anything; what takes "
                              "longer goes in several evaluations";

/* --- making --- */

static int p_new (lua_State *L) {
  tl_eval *e = lua_touserdata(L, 1);
  e->here = lua_newuserdatauv(L, sizeof *e->here, 0);
  *e->here = e;
  lua_pushvalue(L, -1);
  e->here_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_newtable(L);
  lua_pushvalue(L, -2);
  lua_pushcclosure(L, tl_eval_print, 1);
  lua_setfield(L, -2, "print");
  lua_newtable(L);
  tl_set_env(L);
  lua_pushliteral(L, "tagline.repl");
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  e->env = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

int tl_eval_new (tl_eval **out, tl_script *s, const tl_eval_events *events, void *ctx) {
  if (!s->repl && !(s->repl = calloc(1, sizeof *s->repl))) return TL_ENOMEM;
  tl_caller_set_console(s, &tl_eval_hooks);
  tl_eval *e = calloc(1, sizeof *e);
  if (!e) return TL_ENOMEM;
  e->head.console = &tl_eval_hooks;
  e->script = s;
  e->events = *events;
  e->ctx = ctx;
  e->env = e->thread.ref = e->here_ref = LUA_NOREF;
  tl_buf_init(&e->chunk.code);
  e->person.width = 80;
  e->writes.answer_ms = ANSWER_MS;
  e->thread.slice_ns = SLICE_NS;
  if (tl_script_enter(s, p_new, e, 0, "repl", NULL) != LUA_OK) {
    luaL_unref(s->box.L, LUA_REGISTRYINDEX, e->here_ref);
    free(e);
    return TL_ENOMEM;
  }
  e->person.id = ++s->repl->made;
  e->next = s->repl->evals;
  s->repl->evals = e;
  *out = e;
  return TL_OK;
}

static bool is_idle (const tl_eval *e) {
  return e->state == TL_EVAL_IDLE || e->state == TL_EVAL_LEFT;
}

/* Stop whatever the evaluation waits for. An evaluation that waits for a write must not be
** resumed any more, since that write may end much later. */
static void forget_thread (tl_eval *e) {
  void (*stop)(void *) = e->waiting.stop;
  e->waiting.stop = NULL;
  e->waiting.entered = NULL;
  e->state = TL_EVAL_IDLE;
  if (stop) stop(e->waiting.ctx);
  if (e->script->loop) tl_heavy_forget(e->script->loop, &e->thread.waits);
  tl_buf_fini(&e->chunk.code);
  if (e->thread.co && lua_status(e->thread.co) == LUA_YIELD)
    tl_sandbox_close_thread(&e->script->box, e->thread.co);
  luaL_unref(e->script->box.L, LUA_REGISTRYINDEX, e->thread.ref);
  e->thread.ref = LUA_NOREF;
  e->thread.co = NULL;
}

void tl_eval_free (tl_eval *e) {
  tl_eval **at = &e->script->repl->evals;
  while (*at != e) at = &(*at)->next;
  *at = e->next;
  forget_thread(e);
  tl_eval_stop_timer(e);
  if (e->script->repl->evaluating == e) e->script->repl->evaluating = NULL;
  *e->here = NULL;
  luaL_unref(e->script->box.L, LUA_REGISTRYINDEX, e->here_ref);
  luaL_unref(e->script->box.L, LUA_REGISTRYINDEX, e->env);
  tl_buf_fini(&e->chunk.typed);
  free(e);
}

void tl_eval_slices (tl_eval *e, uint32_t us) { e->thread.slice_ns = us * 1000ull; }

void tl_eval_answer_within (tl_eval *e, int ms) { e->writes.answer_ms = ms; }

void tl_eval_options (tl_eval *e, bool json, bool tty, int wait_ms, int width, uint32_t uid) {
  e->writes.linger_ms = wait_ms;
  e->person.json = json;
  e->person.tty = tty;
  e->person.width = width;
  e->person.uid = uid;
}

void tl_eval_script (tl_eval *e, int line) { e->chunk.next_line = line; }

bool tl_eval_json (const tl_eval *e) { return e->person.json; }

/* --- running --- */

typedef struct {
  tl_eval *e;
  tl_slice code;
  bool interactive, unfinished, goes_on;
  int (*push)(lua_State *co, void *arg);
  void *arg;
  tl_buf *result;
} step;

/* The hook. In the evaluation's own coroutine the loop runs when a slice is used up. In
** coroutines of the user, or with a C function in between, it cannot wait, and only the budget
** ends it. */
static void on_count (lua_State *L, lua_Debug *ar) {
  tl_script *s = tl_script_of(L);
  tl_eval *e = s->repl->evaluating;
  if (lua_gethookcount(L) < HOOK_EVERY) /* by the watchdog's alarm */
    lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_EVERY);
  if (!e || e->thread.co != L || !lua_isyieldable(L)) {
    if (s->repl->hook) s->repl->hook(L, ar);
    return;
  }
  if (tl_clock_mono_ns() - e->thread.slice_began < e->thread.slice_ns) return;
  /* processor time: a busy machine makes slices longer, but must not end evaluations sooner */
  e->thread.used_ns += tl_clock_cpu_ns() - e->thread.slice_cpu;
  if (e->thread.used_ns > EVAL_SECONDS * 1000000000ull) {
    /* ends it as the budget does, which no pcall can catch */
    s->box.budget.message = used_up;
    s->box.budget.expired = true;
    s->repl->hook(L, ar);
    return;
  }
  tl_eval_await_slice(e);
  lua_yield(L, 0);
}

/* They are on the stack already: `arg` is an int, how many. */
static int push_kept (lua_State *co, void *arg) {
  (void)co;
  return *(const int *)arg;
}

static int p_start (lua_State *L) {
  step *st = lua_touserdata(L, 1);
  tl_eval *e = st->e;
  st->unfinished = !tl_eval_compile(L, e, st->code, st->interactive);
  if (st->unfinished) return 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, e->env);
  lua_setupvalue(L, -2, 1);
  e->thread.co = lua_newthread(L);
  tl_budget_hook(&e->script->box, e->thread.co);
  if (lua_gethook(e->thread.co) != on_count) e->script->repl->hook = lua_gethook(e->thread.co);
  lua_sethook(e->thread.co, on_count, LUA_MASKCOUNT, HOOK_EVERY);
  e->thread.used_ns = 0;
  e->thread.kept = 2; /* the arguments of print.run */
  e->thread.ref = luaL_ref(L, LUA_REGISTRYINDEX);
  tl_eval_push_run(L, e);
  lua_xmove(L, e->thread.co, 3);
  return 0;
}

/* Did the chunk itself call coroutine.yield()? Nobody would ever resume it. */
static bool yielded_by_itself (lua_State *L, lua_State *co) {
  lua_Debug ar;
  if (!lua_getstack(co, 0, &ar) || !lua_getinfo(co, "f", &ar)) return false;
  lua_CFunction top = lua_tocfunction(co, -1);
  lua_pop(co, 1);
  if (!top) return false;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "coroutine");
  lua_getfield(L, -1, "yield");
  bool same = lua_tocfunction(L, -1) == top;
  lua_pop(L, 3);
  return same;
}

static int p_go_on (lua_State *L) {
  step *st = lua_touserdata(L, 1);
  tl_eval *e = st->e;
  e->script->box.budget.message = no_pause;
  e->script->box.budget.cpu_ns = e->thread.slice_cpu;
  e->script->box.budget.grace_ns = GRACE_NS;
  int results = 0, args = st->push ? st->push(e->thread.co, st->arg) : 0;
  int rc = tl_sandbox_resume(e->thread.co, L, args, &results);
  if (rc == LUA_YIELD) {
    lua_pop(e->thread.co, results);
    if (yielded_by_itself(L, e->thread.co))
      return luaL_error(L, "attempt to yield at the prompt: nobody would resume it");
    st->goes_on = true;
    return 0;
  }
  if (rc != LUA_OK) {
    tl_eval_push_error(L, e->thread.co);
    return lua_error(L);
  }
  size_t len;
  const char *text = results > 0 ? lua_tolstring(e->thread.co, -1, &len) : NULL;
  if (text) tl_buf_add(st->result, text, len);
  return 0;
}

void tl_eval_done (tl_eval *e, bool ok, tl_slice text) {
  e->state = e->chunk.one_shot ? TL_EVAL_LEFT : TL_EVAL_IDLE;
  e->events.done(e->ctx, ok, text);
}

static void report (tl_eval *e, bool ok, tl_buf *text) {
  bool lost = text->failed || (!ok && text->len == 0); /* there was no memory for the text */
  forget_thread(e);
  /* An error without traceback: the reader typed the code, and a traceback of our own
  ** functions tells nothing. */
  tl_slice said = lost ? TL_LIT("not enough memory") : tl_buf_bytes(text);
  ok = ok && !lost;
  tl_err err = { .text = "" };
  if (tl_gateway_commit(e->script->gateway, &err) < 0 && ok) {
    /* a write that the result reports may not be on the disk */
    ok = false;
    said = tl_slice_str(err.text);
  }
  const uint8_t *trace = ok ? NULL : memmem(said.at, said.len, "\nstack traceback:", 17);
  if (trace) said.len = (size_t)(trace - said.at);
  tl_buf plain;
  tl_buf_init(&plain);
  tl_buf marked;
  tl_buf_init(&marked);
  if (!ok) tl_eval_add_caret(e, said, &marked);
  if (!ok)
    tl_eval_plain_error(&plain, marked.len > 0 ? tl_buf_bytes(&marked) : said, e->chunk.line);
  tl_buf_fini(&marked);
  if (!ok || !tl_eval_linger(e, said))
    tl_eval_done(e, ok, ok || plain.failed ? said : tl_buf_bytes(&plain));
  tl_buf_fini(&plain);
}

static void go_on (tl_eval *e, step *st) {
  tl_script *s = e->script;
  tl_eval *before = s->repl->evaluating;
  tl_buf result, err;
  tl_buf_init(&result);
  tl_buf_init(&err);
  st->result = &result;
  e->state = TL_EVAL_RUNNING;
  tl_eval_stop_timer(e);
  e->waiting.stop = NULL;
  e->thread.slice_began = tl_clock_mono_ns();
  e->thread.slice_cpu = tl_clock_cpu_ns();
  s->repl->evaluating = e;
  tl_caller caller = tl_caller_enter(s, (tl_caller){ .eval = e->person.id, .uid = e->person.uid });
  int rc = tl_script_enter(s, p_go_on, st, TL_EVAL_CALL_SECONDS, "repl", &err);
  tl_caller_leave(s, caller);
  s->repl->evaluating = before;
  if (rc != LUA_OK)
    report(e, false, &err);
  else if (!st->goes_on)
    report(e, true, &result);
  else if (e->state == TL_EVAL_RUNNING)
    tl_eval_await_write(e);
  tl_buf_fini(&result);
  tl_buf_fini(&err);
}

static void go_on_with_kept (tl_eval *e) {
  int kept = e->thread.kept;
  step st = { .e = e, .push = push_kept, .arg = &kept };
  e->thread.kept = 0;
  go_on(e, &st);
}

static int p_keep (lua_State *L) {
  step *st = lua_touserdata(L, 1);
  st->e->thread.kept = st->push(st->e->thread.co, st->arg);
  return 0;
}

/* What it is resumed with is put on its stack now: the caller owns it. */
static void go_on_later (tl_eval *e, step *st) {
  tl_buf err;
  tl_buf_init(&err);
  int rc = TL_OK;
  tl_eval_stop_timer(e);
  e->waiting.stop = NULL;
  if (st->push) rc = tl_script_enter(e->script, p_keep, st, TL_EVAL_CALL_SECONDS, "repl", &err);
  if (rc == TL_OK)
    tl_eval_await_slice(e);
  else
    report(e, false, &err);
  tl_buf_fini(&err);
}

static bool has_to_wait (const tl_eval *e) {
  return e->script->loop && tl_loop_is_busy(e->script->loop);
}

void tl_eval_go_on (tl_eval *e, int (*push)(lua_State *co, void *arg), void *arg) {
  step st = { .e = e, .push = push, .arg = arg };
  if (has_to_wait(e))
    go_on_later(e, &st);
  else
    go_on(e, &st);
}

static void on_slice (tl_heavy *h) {
  go_on_with_kept((tl_eval *)(void *)((char *)h - offsetof(tl_eval, thread.waits)));
}

/* Evaluations take turns with all else that takes long. */
void tl_eval_await_slice (tl_eval *e) {
  e->state = TL_EVAL_SLICED;
  e->thread.waits.run = on_slice;
  tl_heavy_wait(e->script->loop, &e->thread.waits);
}

static void start (tl_eval *e, step *st) {
  tl_buf err;
  tl_buf_init(&err);
  if (tl_script_enter(e->script, p_start, st, TL_EVAL_CALL_SECONDS, "repl", &err) != LUA_OK)
    report(e, false, &err);
  else if (st->unfinished)
    e->events.more(e->ctx);
  else if (has_to_wait(e))
    tl_eval_await_slice(e);
  else
    go_on_with_kept(e);
  tl_buf_fini(&err);
}

static void on_compile (tl_heavy *h) {
  tl_eval *e = (tl_eval *)(void *)((char *)h - offsetof(tl_eval, thread.waits));
  tl_buf code = e->chunk.code;
  step st = { .e = e, .code = tl_buf_bytes(&code), .interactive = e->chunk.interactive };
  tl_buf_init(&e->chunk.code);
  e->state = TL_EVAL_IDLE;
  start(e, &st);
  tl_buf_fini(&code);
}

/* Megabytes of code take up to TL_EVAL_CALL_SECONDS to compile: of many prompts one takes its turn
** after the other. False: it is to be compiled now. */
static bool waits_to_compile (tl_eval *e, const step *st) {
  if (st->code.len <= AT_ONCE || !has_to_wait(e)) return false;
  tl_buf_slice(&e->chunk.code, st->code);
  if (e->chunk.code.failed) {
    tl_buf_fini(&e->chunk.code);
    return false;
  }
  e->chunk.interactive = st->interactive;
  e->state = TL_EVAL_SLICED;
  e->thread.waits.run = on_compile;
  tl_heavy_wait(e->script->loop, &e->thread.waits);
  return true;
}

void tl_eval_run (tl_eval *e, tl_slice code, bool interactive) {
  step st = { .e = e, .code = code, .interactive = interactive };
  bool idle = is_idle(e);
  tl_buf err, instead;
  tl_buf_init(&err);
  tl_buf_init(&instead);
  tl_bare bare = interactive && idle ? tl_eval_bare(e, code, &instead) : TL_BARE_NOT;
  if (bare == TL_BARE_LEAVE && e->events.leave) {
    e->events.leave(e->ctx);
    return;
  }
  if (bare == TL_BARE_CALL && !instead.failed) st.code = tl_buf_bytes(&instead);
  if (idle) {
    tl_buf_clear(&e->chunk.typed);
    if (interactive && e->person.tty && code.len <= TYPED_MAX) tl_buf_slice(&e->chunk.typed, code);
  }
  if (idle) {
    e->chunk.line = e->chunk.next_line;
    e->chunk.one_shot = !interactive;
    e->state = TL_EVAL_IDLE;
  }
  e->chunk.next_line = 0;
  if (!idle) {
    tl_buf_str(&err, "an evaluation is still running");
    e->events.done(e->ctx, false, tl_buf_bytes(&err));
  } else if (!waits_to_compile(e, &st)) {
    start(e, &st);
  }
  tl_buf_fini(&err);
  tl_buf_fini(&instead);
}

void tl_eval_give_up (tl_eval *e, tl_slice why) {
  forget_thread(e);
  tl_eval_stop_timer(e);
  tl_eval_done(e, false, why);
}

void tl_eval_cancel (tl_eval *e) {
  if (!is_idle(e)) tl_eval_give_up(e, TL_LIT("cancelled"));
}
