/* core/repl/l_status_stations.c — the facts of status() about stations and tags: those that a
** person should look at, the first few and how many. A line may have 100,000 of them: they are
** looked at in pieces, and what was found is in the line's table meanwhile. */
#include "explain/examine.h"
#include "repl/l_status_impl.h"
#include "script/message_words.h"

enum { LISTED = 8, SLOW_CALLS = 3, A_PIECE = 200 /* stations */ };
#define SLOW_MEAN 0.005 /* seconds of processor time */

/* A list in the line's table, and how many belong to it. */
typedef struct {
  const char *name, *count_name;
  lua_Integer count;
} listing;

typedef enum { UNSET, INVALID, WAITING, SILENT, FAILED, SLOW, TIMES, LISTINGS } listing_of;

/* A piece of the look at a line. */
typedef struct {
  lua_State *L;
  int table; /* of the line, on the stack */
  const tl_line *line;
  int64_t now, wall; /* ms */
  tl_buf *text;
  double uptime;
  listing lists[LISTINGS];
  lua_Integer errors, templates, counts[TL_ST_HARD_ERR + 1];
} look;

/* Count one more. True: it is among the first ones that are shown; the caller pushes it and
** calls add_shown(). */
static bool one_more (look *k, listing_of of) { return k->lists[of].count++ < LISTED; }

/* What is on top. */
static void add_shown (look *k, listing_of of) {
  lua_getfield(k->L, k->table, k->lists[of].name);
  lua_insert(k->L, -2);
  lua_rawseti(k->L, -2, k->lists[of].count);
  lua_pop(k->L, 1);
}

static bool is_idle (const tl_station *s) { return s->is_template || s->off || s->simulated; }

/* Should a message have given this tag a value? */
static bool is_filled (const tl_station *s, uint16_t tag) {
  const tl_tagdef *d = &s->plan->tags[tag];
  return d->kind != TL_ADDRESS_ACK_ID && d->kind != TL_ADDRESS_OUT_TOPIC &&
         d->kind != TL_ADDRESS_OUT_VALUE && !tl_type_is_output(d->type);
}

/* Tags that never had a value. If the station received messages, the address is probably
** wrong; if it received none, that explains it. */
static void look_at_unset (look *k, const tl_station *s, uint16_t tag) {
  if (s->stats.messages == 0 || !is_filled(s, tag) || !one_more(k, UNSET)) return;
  lua_pushfstring(k->L, "%s.%s.%s", k->line->name, s->name, s->plan->tags[tag].name);
  add_shown(k, UNSET);
}

/* Did the station's status make the tag invalid, and not a message? */
static bool is_by_status (const tl_tag *tag) {
  return tag->reason == TL_REASON_STATION_WILL || tag->reason == TL_REASON_DISCONNECTED ||
         tag->reason == TL_REASON_NO_DATA || tag->reason == TL_REASON_OFF;
}

/* Invalid tags: those that became so by the last message, or those that wait for a message since
** their station is well again. Tags of a station in StHardErr are not listed here, but with the
** station. */
static void look_at_invalid (look *k, const tl_station *s, uint16_t tag) {
  listing_of of = is_by_status(&s->tags[tag]) ? WAITING : INVALID;
  if (s->status == TL_ST_HARD_ERR || !is_filled(s, tag) || !one_more(k, of)) return;
  lua_createtable(k->L, 0, 2);
  lua_pushfstring(k->L, "%s.%s.%s", k->line->name, s->name, s->plan->tags[tag].name);
  lua_setfield(k->L, -2, "tag");
  tl_set_text(k->L, "reason", tl_reason_name((tl_reason)s->tags[tag].reason));
  add_shown(k, of);
}

/* Is there anything that a message could fill? A station that only writes has nothing to hear. */
static bool is_listener (const look *k, const tl_station *s) {
  if (s->plan->tag_count == 0 || s->will_topic) return true;
  for (uint16_t i = 0; i < s->plan->tag_count; i++)
    if (is_filled(s, i)) return true;
  return tl_gateway_decodes(tl_script_of(k->L)->gateway, s);
}

static void look_at_silent (look *k, const tl_station *s) {
  if (s->stats.messages > 0 || !is_listener(k, s) || !one_more(k, SILENT)) return;
  lua_createtable(k->L, 0, 2);
  tl_set_text(k->L, "name", s->name);
  tl_set_text(k->L, "address", s->address);
  add_shown(k, SILENT);
}

static const char *failed_for (const tl_station *s) {
  if (s->status != TL_ST_HARD_ERR) return s->settings.no_data_ms > 0 ? "no-data" : "";
  return tl_reason_name((tl_reason)s->why);
}

/* Stations in an error status although the line works: their will came, or no message for too
** long. */
static void look_at_failed (look *k, const tl_station *s) {
  bool failed = s->status == TL_ST_COM_ERR || s->status == TL_ST_HARD_ERR;
  if (!failed || !k->line->subscribed || !one_more(k, FAILED)) return;
  lua_createtable(k->L, 0, 4);
  tl_set_text(k->L, "name", s->name);
  tl_set_text(k->L, "status", tl_station_status_name((tl_station_status)s->status));
  tl_set_text(k->L, "reason", failed_for(s));
  tl_set_seconds(k->L, "seconds", k->now - s->since);
  add_shown(k, FAILED);
}

/* Functions that take long on average; status_checks.lua decides what is too long. */
static void look_at_slow (look *k, const tl_station *s) {
  tl_handler_facts kinds[TL_HANDLER_KINDS];
  if (!s->user) return;
  tl_script_handlers_of(tl_script_of(k->L), s, kinds);
  for (int i = 0; i < TL_HANDLER_KINDS; i++) {
    const tl_handler_facts *h = &kinds[i];
    if (h->calls < SLOW_CALLS || h->seconds / (double)h->calls < SLOW_MEAN || !one_more(k, SLOW))
      continue;
    lua_createtable(k->L, 0, 6);
    lua_pushfstring(k->L, "%s.%s", k->line->name, s->name);
    lua_setfield(k->L, -2, "station");
    tl_set_text(k->L, "what", h->name);
    tl_set_integer(k->L, "calls", (lua_Integer)h->calls);
    tl_set_number(k->L, "mean", h->seconds / (double)h->calls);
    tl_set_number(k->L, "longest", h->longest);
    tl_set_number(k->L, "share", k->uptime > 0 ? h->seconds / k->uptime : 0);
    add_shown(k, SLOW);
  }
}

/* Times that cannot be right, or cannot be read; of its last message, which may have come long
** ago: l_status.c looks at what the recorder still has. */
static void look_at_times (look *k, const tl_station *s) {
  int64_t arrival = s->heard >= 0 ? k->wall - (k->now - s->heard) : k->wall;
  tl_buf_clear(k->text);
  if (!tl_examine_station(tl_line_link(k->line), s, arrival, k->text) || !one_more(k, TIMES))
    return;
  if (k->text->failed) luaL_error(k->L, "not enough memory");
  tl_push_document(k->L, tl_buf_bytes(k->text));
  add_shown(k, TIMES);
}

/* What a station and its tags may be told for. A tag is told only when it never had a value
** (look_at_unset) or is invalid (look_at_invalid), and only of a station that is neither a template
** nor off or simulated. status_checks.lua makes problems and remarks of it. */
static void look_at_station (look *k, const tl_station *s) {
  k->errors += (lua_Integer)s->stats.handler_errors;
  if (s->is_template)
    k->templates++;
  else
    k->counts[s->status]++;
  look_at_slow(k, s);
  if (is_idle(s)) return;
  look_at_silent(k, s);
  look_at_failed(k, s);
  look_at_times(k, s);
  for (uint16_t i = 0; i < s->plan->tag_count; i++) {
    if (s->tags[i].status == TL_UNSET) look_at_unset(k, s, i);
    if (s->tags[i].status == TL_INVALID) look_at_invalid(k, s, i);
  }
}

/* --- pieces --- */

static lua_Integer number_in (lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  lua_Integer n = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return n;
}

/* What earlier pieces found. `first`: there is none. */
static void begin_piece (look *k, bool first) {
  static const char *const names[LISTINGS][2] = {
    { "unset", "unset_count" },
    { "invalid", "invalid_count" },
    { "waiting_tags", "waiting_tags_count" },
    { "silent", "silent_count" },
    { "failed", "failed_count" },
    { "slow", "slow_count" },
    { "times", "times_count" },
  };
  lua_State *L = k->L;
  for (int i = 0; i < LISTINGS; i++) {
    k->lists[i] = (listing){ names[i][0], names[i][1], number_in(L, k->table, names[i][1]) };
    if (!first) continue;
    tl_new_list(L);
    lua_setfield(L, k->table, names[i][0]);
  }
  k->errors = number_in(L, k->table, "handler_errors");
  k->templates = number_in(L, k->table, "templates");
  if (first) {
    lua_createtable(L, 0, 6);
    lua_setfield(L, k->table, "stations");
  }
  lua_getfield(L, k->table, "stations");
  for (int i = 0; i <= TL_ST_HARD_ERR; i++)
    k->counts[i] = number_in(L, lua_gettop(L), tl_station_status_name((tl_station_status)i));
  lua_pop(L, 1);
}

static void end_piece (const look *k) {
  lua_State *L = k->L;
  lua_pushvalue(L, k->table);
  for (int i = 0; i < LISTINGS; i++) tl_set_integer(L, k->lists[i].count_name, k->lists[i].count);
  tl_set_integer(L, "handler_errors", k->errors);
  tl_set_integer(L, "templates", k->templates);
  lua_getfield(L, -1, "stations");
  for (int i = 0; i <= TL_ST_HARD_ERR; i++)
    if (k->counts[i] > 0)
      tl_set_integer(L, tl_station_status_name((tl_station_status)i), k->counts[i]);
  lua_pop(L, 2);
}

/* survey(line, from): look at some stations of a line of live.status(), from this one on (at first
** 1), and add what was found. Gives the station to go on from; nil: that was all, or the line is
** gone. */
int tl_live_survey (lua_State *L) {
  const tl_script *s = tl_script_of(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer from = luaL_checkinteger(L, 2);
  luaL_argcheck(L, from > 0, 2, "expected the number of a station");
  lua_getfield(L, 1, "name");
  const char *name = luaL_checkstring(L, -1);
  look k = { .L = L, .table = 1, .now = tl_clock_mono_ms(), .wall = tl_clock_wall_ms() };
  k.text = tl_push_buffer(L);
  k.uptime = (double)(tl_clock_mono_ns() - s->box.start_ns) / 1e9;
  k.line = tl_model_line(tl_gateway_model(s->gateway), tl_slice_str(name));
  begin_piece(&k, from == 1);
  lua_Integer count = k.line ? k.line->station_count : 0, end = from + A_PIECE - 1;
  if (end > count) end = count;
  for (lua_Integer i = from; i <= end; i++) look_at_station(&k, k.line->stations[i - 1]);
  end_piece(&k);
  if (end >= count) return 0;
  lua_pushinteger(L, end + 1);
  return 1;
}
