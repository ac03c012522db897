/* core/script/l_history.c — reads a history from Lua: for the REPL and handlers on a thread of
** the pool, for commands at once. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "history/query_job.h"
#include "net/work.h"
#include "outlet/config.h"
#include "script/l_history.h"
#include "script/turn.h"
#include "checks/zone_file.h"

/* --- the query --- */

static int64_t ms_field (lua_State *L, int table, const char *name, int64_t otherwise) {
  lua_getfield(L, table, name);
  double seconds = lua_isnil(L, -1) ? 0 : luaL_checknumber(L, -1);
  int64_t ms = lua_isnil(L, -1)
                   ? otherwise
                   : (int64_t)(seconds < 0 ? seconds * 1000 - 0.5 : seconds * 1000 + 0.5);
  lua_pop(L, 1);
  return ms;
}

static void text_into (lua_State *L, int index, tl_buf *out) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  tl_buf_add(out, text, len);
  tl_buf_byte(out, '\0');
}

/* Read the query in the table at `index`: tag, from, to (seconds), limit, every, offset, as (a
** list of names). */
static void read_question (lua_State *L, int index, tl_query *q) {
  q->now_ms = tl_clock_wall_ms();
  q->to_ms = ms_field(L, index, "to", q->now_ms + 1);
  q->from_ms = ms_field(L, index, "from", q->to_ms - INT64_C(86400000));
  q->every_ms = ms_field(L, index, "every", 0);
  q->offset_ms = ms_field(L, index, "offset", 0);
  lua_getfield(L, index, "limit");
  q->limit = (uint64_t)luaL_optinteger(L, -1, 0);
  lua_pop(L, 1);
  lua_getfield(L, index, "as");
  for (lua_Integer i = 1; lua_istable(L, -1) && lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
    tl_as as;
    size_t len;
    const char *name = luaL_checklstring(L, -1, &len);
    if (tl_as_from_name(tl_slice_of(name, len), &as)) q->as |= (uint16_t)(1 << as);
    lua_pop(L, 1);
  }
  lua_settop(L, index);
}

static void add_shift (const tl_zone *zone, tl_buf *shifts, int64_t from_s) {
  tl_shift one = { from_s * 1000, (int64_t)tl_zone_offset(zone, from_s) * 1000 };
  tl_buf_add(shifts, &one, sizeof one);
}

/* The first second in (before, after] whose offset from UTC differs from that of `before`. */
static int64_t change_in (const tl_zone *zone, int64_t before, int64_t after) {
  int32_t old = tl_zone_offset(zone, before);
  while (after - before > 1) {
    int64_t middle = before + (after - before) / 2;
    if (tl_zone_offset(zone, middle) == old)
      before = middle;
    else
      after = middle;
  }
  return after;
}

/* Add the times between from and to at which the zone's clocks change. What it adds belongs to
** the query; raises nothing. */
static int add_zone (tl_query *q, const char *name, tl_err *err) {
  enum { STEP = 7 * 24 * 3600 };
  tl_zone *zone = NULL;
  if (!name || q->every_ms <= 0 || strcmp(name, "UTC") == 0) return TL_OK;
  int rc = tl_zone_load(&zone, name, err);
  if (rc < 0) return rc;
  int64_t at = (q->from_ms - q->every_ms) / 1000 - STEP, end = q->to_ms / 1000 + STEP;
  add_shift(zone, &q->shifts, at);
  for (; at < end && !q->shifts.failed; at += STEP)
    if (tl_zone_offset(zone, at) != tl_zone_offset(zone, at + STEP))
      add_shift(zone, &q->shifts, change_in(zone, at, at + STEP));
  tl_zone_free(zone);
  return q->shifts.failed ? tl_fail(err, TL_ENOMEM, 0, "not enough memory") : TL_OK;
}

/* --- the answer --- */

static void push_row_value (lua_State *L, const tl_history_row *row) {
  if (row->status != TL_VALID)
    lua_pushnil(L);
  else
    tl_push_value(L, (tl_type)row->type, &row->value);
}

static void push_row (lua_State *L, const tl_query *q, size_t i) {
  tl_history_row row = tl_query_row(q, i);
  lua_createtable(L, 0, 4);
  lua_pushnumber(L, (double)row.time_ms / 1000);
  lua_setfield(L, -2, "time");
  push_row_value(L, &row);
  lua_setfield(L, -2, "value");
  lua_pushstring(L, tl_status_name((tl_status)row.status));
  lua_setfield(L, -2, "status");
  if (row.reason == TL_REASON_NONE) return;
  lua_pushstring(L, tl_reason_name((tl_reason)row.reason));
  lua_setfield(L, -2, "reason");
}

static void push_interval (lua_State *L, const tl_query *q, size_t i) {
  const tl_interval *one = tl_query_interval(q, i);
  lua_createtable(L, 0, 4);
  lua_pushnumber(L, (double)one->time_ms / 1000);
  lua_setfield(L, -2, "time");
  for (int as = 0; as < TL_AS_COUNT; as++) {
    if (!(one->has & (1 << as))) continue;
    if (as == TL_AS_COUNT_OF)
      lua_pushinteger(L, (lua_Integer)one->value[as]);
    else
      lua_pushnumber(L, one->value[as]);
    lua_setfield(L, -2, tl_as_name((tl_as)as));
  }
}

/* Append the rows from..to to the list on top. */
static void push_some (lua_State *L, const tl_query *q, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    if (q->every_ms > 0)
      push_interval(L, q, i);
    else
      push_row(L, q, i);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* A long list starts small and grows: allocating room for a million rows at once would stop
** the loop for too long. */
static void push_list (lua_State *L, const tl_query *q) {
  enum { AT_ONCE = 65536 };
  lua_createtable(L, q->count < AT_ONCE ? (int)q->count : AT_ONCE, 2);
  tl_mark_list(L);
  lua_pushinteger(L, (lua_Integer)q->left_out);
  lua_setfield(L, -2, "left_out");
}

static int push_why (lua_State *L, const tl_query *q) {
  lua_pushnil(L);
  lua_pushstring(L, q->err.text);
  return 2;
}

/* --- in a running process --- */

#define ANSWER "tagline.history.answer"
enum { SLICE = 500 }; /* rows made into Lua tables at a time: about a millisecond */

/* A query that runs, or a caller that lets the loop run (rest): an evaluation, or the
** coroutine of a handler. */
typedef struct tl_asking {
  tl_due turn; /* first: see run_due */
  struct tl_asking *next;
  tl_script *s; /* NULL: the script has ended */
  tl_eval *eval;
  lua_State *co; /* if there is no evaluation */
  int coroutine; /* registry reference, or LUA_NOREF */
  tl_query *query;
} asking;

static void free_query (tl_query *q) {
  if (!q) return;
  tl_query_fini(q);
  free(q);
}

static void free_asking (asking *a) {
  if (a->s) {
    asking **at = &a->s->asking;
    while (*at && *at != a) at = &(*at)->next;
    if (*at) *at = a->next;
  }
  free_query(a->query);
  free(a);
}

static int answer_gc (lua_State *L) {
  tl_query **q = luaL_checkudata(L, 1, ANSWER);
  free_query(*q);
  *q = NULL;
  return 0;
}

/* answer:fill(list, at): put the next rows into the list, from place `at` on. Returns the
** place behind them; nil: these were the last. */
static int answer_fill (lua_State *L) {
  tl_query **q = luaL_checkudata(L, 1, ANSWER);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer at = luaL_checkinteger(L, 3);
  if (!*q || at < 1) return luaL_error(L, "attempt to use a closed answer");
  size_t from = (size_t)at - 1, to = from + SLICE < (*q)->count ? from + SLICE : (*q)->count;
  lua_settop(L, 2);
  push_some(L, *q, from, to);
  if (to >= (*q)->count) return 0;
  lua_pushinteger(L, (lua_Integer)to + 1);
  return 1;
}

/* Push the answer and an empty list for it, or nil and why. The query then belongs to Lua. */
static int push_answer (lua_State *L, void *arg) {
  asking *a = arg;
  if (!a->query) return 0;
  if (a->query->rc < 0) return push_why(L, a->query);
  tl_query **q = lua_newuserdatauv(L, sizeof *q, 0);
  *q = NULL;
  if (luaL_newmetatable(L, ANSWER)) {
    static const luaL_Reg methods[] = { { "fill", answer_fill }, { "__gc", answer_gc }, { 0 } };
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
  }
  lua_setmetatable(L, -2);
  push_list(L, a->query);
  *q = a->query;
  a->query = NULL;
  return 2;
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
}

static void run_due (tl_due *due) { go_on((asking *)due); }

static void drop_due (tl_due *due) { (void)due; } /* tl_history_drop() has taken it out */

static void work (void *ctx) { tl_query_run(((asking *)ctx)->query); }

static void on_done (void *ctx) {
  asking *a = ctx;
  if (!a->s) {
    free_asking(a);
  } else if (a->eval) {
    tl_eval_wake(a->eval, push_answer, a);
    free_asking(a);
  } else if (a->coroutine == LUA_NOREF) { /* the evaluation has ended */
    free_asking(a);
  } else if (tl_turn_is_used(a->s)) {
    tl_turn_wait(a->s, &a->turn);
  } else {
    go_on(a);
  }
}

static void on_stop (void *ctx) { ((asking *)ctx)->eval = NULL; }

/* The script ends. Threads may still run queries for it: on_done() frees those. */
void tl_history_drop (tl_script *s) {
  while (s->asking) {
    asking *a = s->asking;
    bool working = a->query && !tl_turn_waits(&a->turn);
    tl_turn_forget(s, &a->turn);
    s->asking = a->next;
    a->s = NULL;
    if (!working) free_asking(a);
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
                 .eval = tl_eval_of(L),
                 .co = L,
                 .coroutine = LUA_NOREF,
                 .next = s->asking };
  s->asking = a;
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

static bool ask (tl_script *s, asking *a, const tl_query *question, tl_slice tag,
                 const char *path) {
  tl_query *q = malloc(sizeof *q);
  if (!q) return false;
  *q = *question;
  a->query = q;
  tl_buf_slice(&q->tag, tag);
  tl_buf_byte(&q->tag, '\0');
  tl_buf_str(&q->path, path);
  tl_buf_byte(&q->path, '\0');
  return !q->path.failed && !q->tag.failed && tl_work_start(s->loop, work, on_done, a) == TL_OK;
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
  size_t len;
  lua_getfield(L, 1, "tag");
  const char *tag = luaL_checklstring(L, -1, &len);
  lua_settop(L, 2);
  /* Everything that may raise comes before anything is owned. */
  tl_query question;
  tl_query_init(&question);
  read_question(L, 1, &question);
  lua_getfield(L, 1, "tag"); /* left on the stack, which keeps the text alive */
  lua_getfield(L, 1, "zone");
  const char *zone = lua_tostring(L, -1); /* kept alive by the table at 1 */
  tl_err err = { .text = "" };
  asking *a = new_asking(L, s);
  int rc = add_zone(&question, zone, &err);
  if (rc >= 0 && ask(s, a, &question, tl_slice_of(tag, len), path)) return wait_here(L, a);
  if (!a->query) tl_query_fini(&question);
  luaL_unref(L, LUA_REGISTRYINDEX, a->coroutine);
  free_asking(a);
  return luaL_error(L, "%s", rc < 0 ? err.text : "not enough memory");
}

/* live.rest(): let the loop run, if the caller can wait. */
int tl_live_rest (lua_State *L) {
  if (tl_eval_of(L)) return tl_eval_rest(L);
  if (!lua_isyieldable(L)) return 0;
  tl_script *s = tl_script_of(L);
  asking *a = new_asking(L, s);
  tl_turn_wait(s, &a->turn);
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

/* --- for commands --- */

/* read(path, question) */
static int l_read (lua_State *L) {
  tl_query q;
  tl_query_init(&q);
  luaL_checktype(L, 2, LUA_TTABLE);
  read_question(L, 2, &q);
  lua_getfield(L, 2, "tag");
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 3);
  text_into(L, 1, &q.path);
  text_into(L, 3, &q.tag);
  lua_getfield(L, 2, "zone");
  int n = 1;
  q.rc = add_zone(&q, lua_tostring(L, -1), &q.err);
  if (q.rc >= 0) tl_query_run(&q);
  if (q.rc < 0) {
    n = push_why(L, &q);
  } else {
    push_list(L, &q);
    push_some(L, &q, 0, q.count);
  }
  tl_query_fini(&q);
  return n;
}

static bool on_tag (void *ctx, const tl_history_tag *tag) {
  lua_State *L = ctx;
  lua_createtable(L, 0, 4);
  lua_pushlstring(L, (const char *)tag->name.at, tag->name.len);
  lua_setfield(L, -2, "name");
  lua_pushlstring(L, (const char *)tag->unit.at, tag->unit.len);
  lua_setfield(L, -2, "unit");
  lua_pushlstring(L, (const char *)tag->description.at, tag->description.len);
  lua_setfield(L, -2, "description");
  lua_pushstring(L, tl_type_name((tl_type)tag->type));
  lua_setfield(L, -2, "type");
  lua_rawseti(L, -2, luaL_len(L, -2) + 1);
  return true;
}

static int fail (lua_State *L, const tl_err *err) {
  lua_pushnil(L);
  lua_pushstring(L, err->text);
  return 2;
}

/* tags(path): the list of { name, unit, description, type } */
static int l_tags (lua_State *L) {
  tl_history_reader *r;
  tl_err err = { .text = "" };
  if (tl_history_reader_open(&r, luaL_checkstring(L, 1), &err) < 0) return fail(L, &err);
  lua_newtable(L);
  int rc = tl_history_tags(r, on_tag, L, &err);
  tl_history_reader_close(r);
  return rc < 0 ? fail(L, &err) : 1;
}

static void on_problem (void *ctx, const char *text) {
  lua_State *L = ctx;
  lua_pushstring(L, text);
  lua_rawseti(L, -2, luaL_len(L, -2) + 1);
}

/* check(path): a list of problems; empty: the file is sound */
static int l_check (lua_State *L) {
  tl_history_reader *r;
  tl_err err = { .text = "" };
  if (tl_history_reader_open(&r, luaL_checkstring(L, 1), &err) < 0) return fail(L, &err);
  lua_newtable(L);
  int rc = tl_history_check(r, on_problem, L, &err);
  tl_history_reader_close(r);
  return rc < 0 ? fail(L, &err) : 1;
}

static void on_hole (void *ctx, const tl_outlet_hole *hole) {
  lua_State *L = ctx;
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)hole->count);
  lua_setfield(L, -2, "count");
  lua_pushnumber(L, (double)hole->from_ms / 1000);
  lua_setfield(L, -2, "from");
  lua_pushnumber(L, (double)hole->to_ms / 1000);
  lua_setfield(L, -2, "to");
  lua_rawseti(L, -2, luaL_len(L, -2) + 1);
}

/* holes(path, from, to): a list of { count, from, to }, times in seconds */
static int l_holes (lua_State *L) {
  tl_history_reader *r;
  tl_err err = { .text = "" };
  int64_t from = (int64_t)(luaL_checknumber(L, 2) * 1000),
          to = (int64_t)(luaL_checknumber(L, 3) * 1000);
  if (tl_history_reader_open(&r, luaL_checkstring(L, 1), &err) < 0) return fail(L, &err);
  lua_newtable(L);
  int rc = tl_history_holes(r, from, to, on_hole, L, &err);
  tl_history_reader_close(r);
  return rc < 0 ? fail(L, &err) : 1;
}

int tl_open_history (lua_State *L) {
  static const luaL_Reg functions[] = { { "check", l_check },
                                        { "holes", l_holes },
                                        { "read", l_read },
                                        { "tags", l_tags },
                                        { NULL, NULL } };
  luaL_newlib(L, functions);
  tl_open_history_writer(L);
  return 1;
}
