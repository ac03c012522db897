/* core/script/l_history.c — reading a history from Lua: for the REPL on a thread of the pool, for
** commands at once. */
#include <stdlib.h>

#include "base/clock.h"
#include "history/query_job.h"
#include "net/work.h"
#include "script/l_history.h"

/* --- the question --- */

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

/* The table at `index`: tag, from, to (seconds), limit, every, offset, as (a list of names). */
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

/* --- the answer --- */

static void push_row_value (lua_State *L, const tl_history_row *row) {
  if (row->status != TL_VALID)
    lua_pushnil(L);
  else
    tl_push_value(L, (tl_type)row->type, &row->value);
}

static void push_rows (lua_State *L, const tl_query *q) {
  lua_createtable(L, q->count < INT32_MAX ? (int)q->count : 0, 2);
  for (size_t i = 0; i < q->count; i++) {
    tl_history_row row = tl_query_row(q, i);
    lua_createtable(L, 0, 4);
    lua_pushnumber(L, (double)row.time_ms / 1000);
    lua_setfield(L, -2, "time");
    push_row_value(L, &row);
    lua_setfield(L, -2, "value");
    lua_pushstring(L, tl_status_name((tl_status)row.status));
    lua_setfield(L, -2, "status");
    if (row.reason != TL_REASON_NONE) {
      lua_pushstring(L, tl_reason_name((tl_reason)row.reason));
      lua_setfield(L, -2, "reason");
    }
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_intervals (lua_State *L, const tl_query *q) {
  lua_createtable(L, q->count < INT32_MAX ? (int)q->count : 0, 2);
  for (size_t i = 0; i < q->count; i++) {
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
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* The rows with left_out, or nil and why. */
static int push_answer (lua_State *L, void *arg) {
  const tl_query *q = arg;
  if (q->rc < 0) {
    lua_pushnil(L);
    lua_pushstring(L, q->err.text);
    return 2;
  }
  if (q->every_ms > 0)
    push_intervals(L, q);
  else
    push_rows(L, q);
  tl_mark_list(L);
  lua_pushinteger(L, (lua_Integer)q->left_out);
  lua_setfield(L, -2, "left_out");
  return 1;
}

/* --- in a running process --- */

typedef struct {
  tl_query query;
  tl_eval *eval; /* NULL: it has ended meanwhile */
} asking;

static void work (void *ctx) { tl_query_run(&((asking *)ctx)->query); }

static void on_done (void *ctx) {
  asking *a = ctx;
  tl_eval *e = a->eval;
  if (e) tl_eval_wake(e, push_answer, &a->query);
  tl_query_fini(&a->query);
  free(a);
}

static void on_stop (void *ctx) { ((asking *)ctx)->eval = NULL; }

/* live.history(question): waits, and gives the rows or nil and why. */
int tl_live_history (lua_State *L) {
  tl_script *s = tl_script_of(L);
  tl_eval *e = tl_eval_of(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  const char *path =
      s->outlets && s->outlets->history ? s->outlets->history(s->outlets->ctx) : NULL;
  if (!path) {
    lua_pushnil(L);
    lua_pushliteral(L, "the config has no history { file = … }");
    return 2;
  }
  if (!e) return luaL_error(L, "history() waits for the disk: it works at the prompt only");
  lua_getfield(L, 1, "tag");
  luaL_checkstring(L, -1);
  lua_insert(L, 1); /* the name, then the question */
  lua_settop(L, 2);
  /* What may raise comes before anything is owned. */
  tl_query question;
  tl_query_init(&question);
  read_question(L, 2, &question);
  asking *a = malloc(sizeof *a);
  if (!a) return luaL_error(L, "not enough memory");
  a->query = question;
  a->eval = e;
  text_into(L, 1, &a->query.tag);
  tl_buf_str(&a->query.path, path);
  tl_buf_byte(&a->query.path, '\0');
  if (a->query.path.failed || a->query.tag.failed ||
      tl_work_start(s->loop, work, on_done, a) != TL_OK) {
    tl_query_fini(&a->query);
    free(a);
    return luaL_error(L, "not enough memory");
  }
  return tl_eval_wait(L, e, on_stop, a);
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
  tl_query_run(&q);
  int n = push_answer(L, &q);
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

/* check(path): a list of problems, empty when it is sound */
static int l_check (lua_State *L) {
  tl_history_reader *r;
  tl_err err = { .text = "" };
  if (tl_history_reader_open(&r, luaL_checkstring(L, 1), &err) < 0) return fail(L, &err);
  lua_newtable(L);
  int rc = tl_history_check(r, on_problem, L, &err);
  tl_history_reader_close(r);
  return rc < 0 ? fail(L, &err) : 1;
}

int tl_open_history (lua_State *L) {
  static const luaL_Reg functions[] = {
    { "check", l_check }, { "read", l_read }, { "tags", l_tags }, { NULL, NULL }
  };
  luaL_newlib(L, functions);
  tl_open_history_writer(L);
  return 1;
}
