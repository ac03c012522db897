/* core/script/l_history_file.c — the module that commands read a history file with. It waits for
** the disk. */
#include "checks/zone_file.h"
#include "script/l_history_impl.h"

static void text_into (lua_State *L, int index, tl_buf *out) {
  size_t len;
  const char *text = luaL_checklstring(L, index, &len);
  tl_buf_add(out, text, len);
  tl_buf_byte(out, '\0');
}

/* read(path, question): rows of another type than question.type name theirs */
static int l_read (lua_State *L) {
  tl_query q;
  tl_query_init(&q);
  luaL_checktype(L, 2, LUA_TTABLE);
  tl_read_query(L, 2, &q);
  lua_getfield(L, 2, "tag");
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 3);
  text_into(L, 1, &q.path);
  text_into(L, 3, &q.tag);
  lua_getfield(L, 2, "zone");
  int n = 1;
  q.rc = q.path.failed || q.tag.failed ? tl_fail(&q.err, TL_ENOMEM, 0, "not enough memory")
                                       : tl_query_add_zone(&q, lua_tostring(L, -1), &q.err);
  if (q.rc >= 0) tl_query_run(&q);
  if (q.rc < 0) {
    n = tl_push_query_why(L, &q);
  } else {
    tl_push_query_list(L, &q);
    tl_push_query_rows(L, &q, 0, q.count);
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

/* moment(zone, seconds, last): the moment (seconds since 1970) at which clocks there show a time;
** `last`: of an hour that comes twice, its last pass. nil and why. */
static int l_moment (lua_State *L) {
  tl_zone *zone;
  tl_err err = { .text = "" };
  double seconds = luaL_checknumber(L, 2);
  if (tl_zone_load(&zone, luaL_checkstring(L, 1), &err) < 0) return fail(L, &err);
  int64_t ms = (int64_t)(seconds < 0 ? seconds * 1000 - 0.5 : seconds * 1000 + 0.5);
  ms = tl_zone_moment(zone, ms, lua_toboolean(L, 3));
  tl_zone_free(zone);
  lua_pushnumber(L, (double)ms / 1000);
  return 1;
}

int tl_open_history (lua_State *L) {
  static const luaL_Reg functions[] = { { "check", l_check },   { "holes", l_holes },
                                        { "moment", l_moment }, { "read", l_read },
                                        { "tags", l_tags },     { NULL, NULL } };
  luaL_newlib(L, functions);
  tl_open_history_writer(L);
  return 1;
}
