/* core/script/l_recorder.c — the recorded messages in Lua, and as a capture file. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/read.h"
#include "gateway/recorder.h"
#include "script/message_words.h"
#include "base/json_write.h"
#include "base/topic.h"

enum { LIMIT = 1000 };

typedef struct {
  tl_link *link;
  tl_recorded r;
} entry;

/* What a pattern selects. */
typedef struct {
  const tl_line *line;       /* NULL: all lines */
  const tl_station *station; /* NULL: any */
  tl_slice filter;           /* at == NULL: any topic */
} wanted;

static void read_pattern (lua_State *L, int index, wanted *w) {
  tl_model *m = tl_gateway_model(tl_script_of(L)->gateway);
  tl_err err = { .text = "" };
  size_t len;
  *w = (wanted){ 0 };
  if (lua_isnoneornil(L, index)) return;
  if (luaL_testudata(L, index, TL_TAG))
    w->station = tl_check_tag(L, index)->station;
  else if (luaL_testudata(L, index, TL_STATION))
    w->station = tl_check_station(L, index);
  else if (luaL_testudata(L, index, TL_LINE))
    w->line = tl_check_line(L, index);
  else if (lua_type(L, index) != LUA_TSTRING)
    luaL_error(L, "expected a topic filter, a line, a station or a tag, got %s",
               tl_push_got(L, index));
  if (lua_type(L, index) != LUA_TSTRING) return;
  const char *text = lua_tolstring(L, index, &len);
  tl_slice name = tl_slice_of(text, len);
  const tl_tag *tag = tl_model_tag(m, name);
  w->station = tag ? tag->station : tl_model_station(m, name);
  w->line = !w->station ? tl_model_line(m, name) : NULL;
  if (w->station || w->line) return;
  w->filter = name;
  if (tl_filter_check(name, &err) < 0)
    luaL_error(L, "no line, station or tag has this name, and as a topic filter: %s", err.text);
}

static bool suits (const wanted *w, tl_link *l, const tl_recorded *r) {
  tl_buf name;
  if (w->line && tl_link_line(l) != w->line) return false;
  if (w->station) {
    if (tl_link_line(l) != w->station->line) return false;
    bool only;
    const tl_station *of = tl_explain_will(l, &r->m, &only);
    if (of && tl_station_will_of(w->station, &r->m) != TL_NO_WILL) return true;
    if (only) return false;
    tl_buf_init(&name);
    const tl_station *s = tl_explain_where(l, r->m.topic, &name);
    tl_buf_fini(&name);
    return s == w->station || (s && s->made_by == w->station);
  }
  return !w->filter.at || tl_filter_match(w->filter, r->m.topic);
}

static int by_time (const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->r.m.wall != y->r.m.wall) return x->r.m.wall < y->r.m.wall ? -1 : 1;
  return x->r.number < y->r.number ? -1 : x->r.number > y->r.number;
}

/* Push the selected messages, oldest first, as a block that Lua frees. They are borrowed from
** the rings until the next message. */
static entry *push_entries (lua_State *L, const wanted *w, size_t *count) {
  tl_model *m = tl_gateway_model(tl_script_of(L)->gateway);
  size_t room = 0, most = 0, n = 0;
  for (uint32_t i = 0; i < m->line_count; i++) {
    const tl_recorder *r = tl_link_recorder(tl_line_link(m->lines[i]));
    room += r->count;
    if (r->count > most) most = r->count;
  }
  entry *all = lua_newuserdatauv(L, (room + 1) * sizeof *all, 0);
  tl_recorded *list = lua_newuserdatauv(L, (most + 1) * sizeof *list, 0);
  for (uint32_t i = 0; i < m->line_count; i++) {
    tl_link *l = tl_line_link(m->lines[i]);
    const tl_recorder *r = tl_link_recorder(l);
    tl_recorder_list(r, list);
    for (uint32_t k = 0; k < r->count; k++)
      if (suits(w, l, &list[k])) all[n++] = (entry){ l, list[k] };
  }
  lua_pop(L, 1);
  qsort(all, n, sizeof *all, by_time);
  *count = n;
  return all;
}

static void set_text (lua_State *L, const char *key, tl_slice text) {
  lua_pushlstring(L, text.len > 0 ? (const char *)text.at : "", text.len);
  lua_setfield(L, -2, key);
}

/* Set the fields station (which takes the message), will (the first station whose will it is),
** and birth (the message says that this station is back). */
static void push_where (lua_State *L, const entry *e) {
  tl_buf name;
  bool only;
  const tl_station *of = tl_explain_will(e->link, &e->r.m, &only);
  tl_buf_init(&name);
  if (of) {
    tl_station_full_name(of, &name);
    set_text(L, "will", tl_buf_bytes(&name));
    tl_buf_clear(&name);
    lua_pushboolean(L, tl_station_will_of(of, &e->r.m) == TL_WILL_BIRTH);
    lua_setfield(L, -2, "birth");
  }
  if (!only) tl_explain_where(e->link, e->r.m.topic, &name);
  /* Cut to fit: a longer name is shown without its end. */
  char text[512];
  snprintf(text, sizeof text, "%s.%.*s", tl_link_line(e->link)->name, TL_ARG(tl_buf_bytes(&name)));
  bool some = name.len > 0;
  tl_buf_fini(&name);
  if (some) set_text(L, "station", tl_slice_str(text));
}

static void push_entry (lua_State *L, const entry *e) {
  const tl_incoming *m = &e->r.m;
  lua_createtable(L, 0, 10);
  lua_pushinteger(L, (lua_Integer)e->r.number);
  lua_setfield(L, -2, "number");
  set_text(L, "line", tl_slice_str(tl_link_line(e->link)->name));
  lua_pushnumber(L, (lua_Number)m->wall / 1000.0);
  lua_setfield(L, -2, "time");
  set_text(L, "topic", m->topic);
  set_text(L, "payload", m->payload);
  lua_pushinteger(L, m->qos);
  lua_setfield(L, -2, "qos");
  lua_pushinteger(L, m->id);
  lua_setfield(L, -2, "id");
  lua_pushboolean(L, m->retain);
  lua_setfield(L, -2, "retain");
  lua_pushboolean(L, m->dup);
  lua_setfield(L, -2, "dup");
  push_where(L, e);
}

static tl_script *check_running (lua_State *L, const char *word) {
  tl_check_runs(L, word);
  return tl_script_of(L);
}

int tl_word_messages (lua_State *L) {
  wanted w;
  size_t n;
  check_running(L, "messages");
  lua_settop(L, 2);
  read_pattern(L, 1, &w);
  lua_Integer limit = luaL_optinteger(L, 2, LIMIT);
  if (limit <= 0) return luaL_argerror(L, 2, "expected how many messages at most");
  entry *all = push_entries(L, &w, &n);
  size_t first = n > (size_t)limit ? n - (size_t)limit : 0;
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.repl.messages");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "wrap");
  lua_createtable(L, (int)(n - first), 0);
  for (size_t i = first; i < n; i++) {
    push_entry(L, &all[i]);
    lua_rawseti(L, -2, (lua_Integer)(i - first) + 1);
  }
  lua_pushinteger(L, (lua_Integer)first);
  lua_call(L, 2, 1);
  return 1;
}

/* --- capture files --- */

/* Writes all messages, or removes the file. 0, or an errno. */
static int write_capture (const char *path, const entry *all, size_t n) {
  tl_buf text;
  tl_buf_init(&text);
  tl_member_open(&text, NULL, '{');
  tl_member_integer(&text, "tagline_capture", 1);
  tl_member_time(&text, "written", tl_clock_wall_ms());
  tl_buf_str(&text, "}\n");
  /* readable for the owner only: messages may be confidential */
  int fd = tl_file_create(path, 0600);
  int why = fd < 0 ? -fd : 0;
  for (size_t i = 0; fd >= 0 && why == 0 && i <= n; i++) {
    if (i < n) tl_recorded_json(&all[i].r, tl_link_line(all[i].link)->name, &text);
    if (text.failed)
      why = ENOMEM;
    else if (i == n || text.len > 65536)
      why = tl_file_add(fd, tl_buf_bytes(&text));
    if (i == n || text.len > 65536) tl_buf_clear(&text);
  }
  if (fd >= 0) why = tl_file_finish(fd, path, why);
  tl_buf_fini(&text);
  return why;
}

int tl_word_save (lua_State *L) {
  wanted w;
  size_t n;
  check_running(L, "save");
  const char *path = luaL_checkstring(L, 1);
  read_pattern(L, 2, &w);
  const entry *all = push_entries(L, &w, &n);
  int why = write_capture(path, all, n);
  if (why == EEXIST) return luaL_error(L, "save: '%s' is there already; give another name", path);
  if (why != 0) return luaL_error(L, "save: '%s': %s", path, strerror(why));
  /* A relative path counts from the folder of the process; the person may be in another
  ** folder, so the full path is shown. */
  char whole[PATH_MAX];
  const char *many = n == 1 ? "message" : "messages";
  tl_change_log_now(L, NULL, "save '%s': %zu %s", path, n, many);
  lua_pushfstring(L, "%d %s in %s", (int)n, many, realpath(path, whole) ? whole : path);
  return 1;
}

int tl_word_freeze (lua_State *L) {
  tl_script *s = check_running(L, "freeze");
  lua_settop(L, 2);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "tagline.repl.freeze");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "freeze");
  lua_pushcfunction(L, tl_word_explain);
  const char *config = s->config.path ? s->config.path : "config.lua";
  char whole[PATH_MAX];
  lua_pushstring(L, config);
  lua_pushstring(L, realpath(config, whole) ? whole : config);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_call(L, 5, 1);
  tl_change_log_now(L, NULL, "freeze '%s'", luaL_tolstring(L, 2, NULL));
  lua_pop(L, 1);
  return 1;
}

void tl_add_file_words (lua_State *L) {
  lua_pushcfunction(L, tl_word_save);
  lua_setfield(L, -2, "save");
  lua_pushcfunction(L, tl_word_freeze);
  lua_setfield(L, -2, "freeze");
}
