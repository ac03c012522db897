/* core/script/l_history.c — history() for the prompt and for handlers: the query runs on a thread
** of the pool, and the caller waits. */
#include <stdlib.h>

#include "base/clock.h"
#include "net/work.h"
#include "outlet/config.h"
#include "script/l_history_impl.h"
#include "script/turn.h"

#define ANSWER "tagline.history.answer"
enum {
  /* So long rows are made into Lua tables, so many between two looks at the clock. A number of rows
  ** would be no bound: making one may have the collector free thousands of others. */
  SLICE_NS = 1000000,
  LOOK_EACH = 20,
  /* Questions of handlers that threads of the pool answer at a time. The pool has other work, too;
  ** at the end of the process these are waited for. */
  AT_WORK = 2,
  WAITING = 1000 /* questions of handlers; one more is refused */
};
static const size_t ANSWER_BYTES = 128 * 1048576; /* that one answer may take */

/* A query, or a caller that lets the loop run (rest): an evaluation, or the coroutine of a
** handler. Questions of evaluations begin at once, those of handlers one after the other. */
typedef struct tl_asking {
  tl_due turn; /* first: see run_due */
  struct tl_asking *next;
  tl_script *s;     /* NULL: the script has ended */
  const void *line; /* see tl_caller */
  tl_eval *eval;
  lua_State *co; /* if there is no evaluation */
  int coroutine; /* registry reference, or LUA_NOREF */
  bool begun;    /* a thread works on the query, or has done so */
  bool working;  /* it does now */
  tl_query *query;
  tl_buf zone; /* NUL-terminated, or empty */
} asking;

/* What Lua has of an answer. */
typedef struct {
  tl_query *query; /* NULL: closed */
  tl_script *s;
} answer;

static void free_query (tl_query *q) {
  if (!q) return;
  tl_query_fini(q);
  free(q);
}

/* The system takes milliseconds to take the memory of a million rows back: a thread of the pool
** waits for it. */
static void drop_rows (void *ctx) { tl_query_fini(ctx); }

static void free_soon (tl_script *s, tl_query *q) {
  if (!q) return;
  if (s->history.ended || tl_work_start(s->loop, drop_rows, free, q) != TL_OK) free_query(q);
}

static void free_asking (asking *a) {
  if (a->s) {
    asking **at = &a->s->history.asking;
    while (*at && *at != a) at = &(*at)->next;
    if (*at) *at = a->next;
    free_soon(a->s, a->query);
  } else {
    free_query(a->query);
  }
  tl_buf_fini(&a->zone);
  free(a);
}

static void close_answer (answer *n) {
  if (!n->query) return;
  n->s->history.bytes -= tl_query_bytes(n->query);
  free_soon(n->s, n->query);
  n->query = NULL;
}

static int answer_gc (lua_State *L) {
  close_answer(luaL_checkudata(L, 1, ANSWER));
  return 0;
}

/* answer:fill(list, at): put the next rows into the list, from place `at` on. Returns the
** place behind them; nil: these were the last. */
static int answer_fill (lua_State *L) {
  answer *n = luaL_checkudata(L, 1, ANSWER);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer at = luaL_checkinteger(L, 3);
  if (!n->query || at < 1) return luaL_error(L, "attempt to use a closed answer");
  const size_t count = n->query->count;
  size_t to = (size_t)at - 1;
  lua_settop(L, 2);
  for (uint64_t end = tl_clock_mono_ns() + SLICE_NS; to < count && tl_clock_mono_ns() < end;) {
    size_t from = to;
    to = count - from < LOOK_EACH ? count : from + LOOK_EACH;
    tl_push_query_rows(L, n->query, from, to);
  }
  if (to >= count) {
    close_answer(n);
    return 0;
  }
  lua_pushinteger(L, (lua_Integer)to + 1);
  return 1;
}

/* Push the answer and an empty list for it, or nil and why. The query then belongs to Lua. */
static int push_answer (lua_State *L, void *arg) {
  asking *a = arg;
  if (!a->query) return 0;
  if (a->query->rc < 0) return tl_push_query_why(L, a->query);
  answer *n = lua_newuserdatauv(L, sizeof *n, 0);
  *n = (answer){ NULL, tl_script_of(L) };
  if (luaL_newmetatable(L, ANSWER)) {
    static const luaL_Reg methods[] = { { "fill", answer_fill }, { "__gc", answer_gc }, { 0 } };
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
  }
  lua_setmetatable(L, -2);
  tl_push_query_list(L, a->query);
  n->query = a->query;
  n->s->history.bytes += tl_query_bytes(n->query);
  a->query = NULL;
  return 2;
}

/* --- one after the other --- */

/* The questions of handlers. */
typedef struct {
  size_t begun, waiting; /* begun: also those that are answered, and wait for their turn */
  asking *oldest;        /* of those that wait */
} questions;

static questions look (const tl_script *s) {
  questions q = { 0 };
  for (asking *a = s->history.asking; a; a = a->next) {
    if (!a->query || a->coroutine == LUA_NOREF) continue;
    if (a->begun) {
      q.begun++;
    } else {
      q.waiting++;
      q.oldest = a;
    }
  }
  return q;
}

static void work (void *ctx) {
  asking *a = ctx;
  tl_query *q = a->query;
  /* the zone is read from a file, so here */
  q->rc = a->zone.len > 0 ? tl_query_add_zone(q, (const char *)a->zone.at, &q->err) : TL_OK;
  if (q->rc >= 0) tl_query_run(q);
}

static void on_done (void *ctx);

static bool begin (asking *a) {
  a->begun = a->working = tl_work_start(a->s->loop, work, on_done, a) == TL_OK;
  return a->begun;
}

/* A question of a handler: its turn has come. One that cannot be asked is answered with why. */
static void begin_handlers (tl_script *s, asking *a) {
  tl_err *err = &a->query->err;
  if (s->history.bytes > s->history.most_bytes)
    a->query->rc =
        tl_fail(err, TL_EFULL, 0,
                "answers that handlers asked for and have not taken yet hold %zu MB: ask "
                "for less at once",
                s->history.bytes >> 20);
  else if (!begin(a))
    a->query->rc = tl_fail(err, TL_ENOMEM, 0, "not enough memory");
  if (a->begun) return;
  a->begun = true;
  tl_turn_wait(s, &a->turn, a->line);
}

static void begin_next (tl_script *s) {
  questions all = look(s);
  if (all.oldest && all.begun < AT_WORK) begin_handlers(s, all.oldest);
}

static int p_go_on (lua_State *L) {
  asking *a = lua_touserdata(L, 1);
  lua_State *co = a->co;
  int results = 0, n = push_answer(L, a);
  lua_xmove(L, co, n);
  int rc = tl_sandbox_resume(co, L, n, &results);
  if (rc <= LUA_YIELD) return 0;
  luaL_traceback(
      L, co, lua_type(co, -1) == LUA_TSTRING ? lua_tostring(co, -1) : "error in a coroutine", 0);
  return lua_error(L);
}

static void go_on (asking *a) {
  tl_script *s = a->s;
  tl_buf err;
  tl_buf_init(&err);
  if (lua_status(a->co) == LUA_YIELD && /* otherwise something else has resumed it meanwhile */
      tl_script_enter(s, p_go_on, a, s->box.handler_time, "history", &err) != LUA_OK)
    tl_script_log_error(s, NULL, tl_buf_bytes(&err));
  tl_buf_fini(&err);
  luaL_unref(s->box.L, LUA_REGISTRYINDEX, a->coroutine);
  free_asking(a);
  begin_next(s);
}

static void run_due (tl_due *due) { go_on((asking *)due); }

static void drop_due (tl_due *due) { (void)due; } /* tl_history_drop() has taken it out */

static void on_done (void *ctx) {
  asking *a = ctx;
  a->working = false;
  if (!a->s) {
    free_asking(a);
  } else if (a->eval) {
    tl_eval_wake(a->eval, push_answer, a);
    free_asking(a);
  } else if (a->coroutine == LUA_NOREF) { /* the evaluation has ended */
    free_asking(a);
  } else if (tl_turn_is_used(a->s)) {
    tl_turn_wait(a->s, &a->turn, a->line);
  } else {
    go_on(a);
  }
}

static void on_stop (void *ctx) {
  asking *a = ctx;
  a->eval = NULL;
  if (a->query) a->query->stop = true;
}

/* The script ends. Threads may still run queries for it: on_done() frees those. */
void tl_history_drop (tl_script *s, bool evaluations) {
  for (asking *a = s->history.asking, *next; a; a = next) {
    next = a->next;
    if (a->coroutine == LUA_NOREF && !evaluations) continue;
    tl_turn_forget(s, &a->turn);
    if (!a->working) {
      free_asking(a);
      continue;
    }
    asking **at = &s->history.asking;
    while (*at != a) at = &(*at)->next;
    *at = next;
    a->s = NULL;
    a->query->stop = true;
  }
}

/* What the coroutine is resumed with are the results of the call. */
static int after_wait (lua_State *L, int status, lua_KContext context) {
  (void)status;
  return lua_gettop(L) - (int)context;
}

/* The evaluation or coroutine that waits here. Raises if nobody can wait, or without memory. */
static asking *new_asking (lua_State *L, tl_script *s) {
  asking *a = calloc(1, sizeof *a);
  if (!a) {
    luaL_error(L, "not enough memory");
    return NULL;
  }
  *a = (asking){ .turn = { .run = run_due, .drop = drop_due },
                 .s = s,
                 .line = tl_caller_here(L).line,
                 .eval = tl_eval_of(L),
                 .co = L,
                 .coroutine = LUA_NOREF,
                 .next = s->history.asking };
  tl_buf_init(&a->zone);
  s->history.asking = a;
  if (!a->eval) { /* if luaL_ref raises (no memory), `a` is freed when the script ends */
    lua_pushthread(L);
    a->coroutine = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  return a;
}

static int wait_here (lua_State *L, asking *a) {
  if (a->eval) return tl_eval_wait(L, a->eval, on_stop, a);
  return lua_yieldk(L, 0, lua_gettop(L), after_wait);
}

/* Have the question answered. False: no memory; it is the caller's then. */
static bool ask (tl_script *s, asking *a, const tl_query *question, const char *texts[3]) {
  tl_query *q = malloc(sizeof *q);
  if (!q) return false;
  *q = *question;
  a->query = q;
  tl_buf *into[3] = { &q->tag, &q->path, &a->zone };
  for (int i = 0; i < 3; i++) {
    if (!texts[i]) continue;
    tl_buf_str(into[i], texts[i]);
    tl_buf_byte(into[i], '\0');
    if (into[i]->failed) return false;
  }
  if (a->eval) return begin(a);
  if (look(s).begun < AT_WORK) begin_handlers(s, a);
  return true;
}

/* live.history(query): waits; gives an answer and its list, or nil and why. */
int tl_live_history (lua_State *L) {
  tl_script *s = tl_script_of(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  const char *path = s->config.outlets && s->config.outlets->history
                         ? s->config.outlets->history(s->config.outlets->ctx)
                         : NULL;
  if (!path) {
    lua_pushnil(L);
    lua_pushliteral(L, "the config has no history { file = … }");
    return 2;
  }
  if (!tl_eval_of(L) && !lua_isyieldable(L))
    return luaL_error(L, "history() waits for the disk: in a handler it needs a coroutine, as in "
                         "coroutine.wrap(function() … end)()");
  if (!tl_eval_of(L) && look(s).waiting >= WAITING) {
    lua_pushnil(L);
    lua_pushfstring(L, "%d questions to the history wait already: ask less often", WAITING);
    return 2;
  }
  /* Everything that may raise comes before anything is owned. */
  tl_query question;
  tl_query_init(&question);
  lua_settop(L, 1);
  tl_read_query(L, 1, &question);
  question.most_bytes = ANSWER_BYTES;
  lua_getfield(L, 1, "tag"); /* left on the stack, as the next, which keeps the texts alive */
  lua_getfield(L, 1, "zone");
  const char *texts[3] = { luaL_checkstring(L, 2), path, lua_tostring(L, 3) };
  asking *a = new_asking(L, s);
  if (ask(s, a, &question, texts)) return wait_here(L, a);
  luaL_unref(L, LUA_REGISTRYINDEX, a->coroutine);
  free_asking(a);
  return luaL_error(L, "not enough memory");
}

/* live.rest(): let the loop run, if the caller can wait. */
int tl_live_rest (lua_State *L) {
  if (tl_eval_of(L)) return tl_eval_rest(L);
  if (!lua_isyieldable(L)) return 0;
  tl_script *s = tl_script_of(L);
  asking *a = new_asking(L, s);
  tl_turn_wait(s, &a->turn, a->line);
  return wait_here(L, a);
}

static int live_now (lua_State *L) {
  lua_pushnumber(L, (double)tl_clock_wall_ms() / 1000);
  return 1;
}

void tl_add_history_word (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "history", tl_live_history }, { "now", live_now }, { "rest", tl_live_rest }, { NULL, NULL }
  };
  luaL_newlib(L, functions);
  lua_setfield(L, -2, "history");
}
