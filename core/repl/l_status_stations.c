/* core/repl/l_status_stations.c — the facts of status() about stations and tags: those that a
** person should look at, the first few and how many. */
#include "repl/l_status_impl.h"

enum { LISTED = 8 };

typedef struct {
  lua_State *L;
  const tl_line *line;
  lua_Integer count, shown;
} listing;

static listing begin_list (lua_State *L, const tl_line *line) {
  tl_new_list(L);
  return (listing){ .L = L, .line = line };
}

/* Count one more. True: it is among the first ones that are shown; the caller pushes it and
** calls add_shown(). */
static bool one_more (listing *l) { return l->count++ < LISTED; }

static void add_shown (listing *l) { lua_rawseti(l->L, -2, ++l->shown); }

static void end_list (const listing *l, const char *name, const char *count_name) {
  lua_setfield(l->L, -2, name);
  tl_set_integer(l->L, count_name, l->count);
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
static void push_unset (lua_State *L, const tl_line *line) {
  listing l = begin_list(L, line);
  for (uint32_t i = 0; i < line->station_count; i++) {
    const tl_station *s = line->stations[i];
    for (uint16_t k = 0; !is_idle(s) && s->stats.messages > 0 && k < s->plan->tag_count; k++) {
      if (s->tags[k].status != TL_UNSET || !is_filled(s, k) || !one_more(&l)) continue;
      lua_pushfstring(L, "%s.%s.%s", line->name, s->name, s->plan->tags[k].name);
      add_shown(&l);
    }
  }
  end_list(&l, "unset", "unset_count");
}

/* Did the station's status make the tag invalid, and not a message? */
static bool is_by_status (const tl_tag *tag) {
  return tag->reason == TL_REASON_STATION_WILL || tag->reason == TL_REASON_DISCONNECTED ||
         tag->reason == TL_REASON_NO_DATA || tag->reason == TL_REASON_OFF;
}

/* Invalid tags: those that became so by the last message, or those (`by_status`) that wait for a
** message since their station is well again. Tags of a station in StHardErr are not listed here,
** but with the station. */
static void push_invalid (lua_State *L, const tl_line *line, bool by_status) {
  listing l = begin_list(L, line);
  for (uint32_t i = 0; i < line->station_count; i++) {
    const tl_station *s = line->stations[i];
    if (is_idle(s) || s->status == TL_ST_HARD_ERR) continue;
    for (uint16_t k = 0; k < s->plan->tag_count; k++) {
      if (s->tags[k].status != TL_INVALID || is_by_status(&s->tags[k]) != by_status ||
          !is_filled(s, k) || !one_more(&l))
        continue;
      lua_createtable(L, 0, 2);
      lua_pushfstring(L, "%s.%s.%s", line->name, s->name, s->plan->tags[k].name);
      lua_setfield(L, -2, "tag");
      tl_set_text(L, "reason", tl_reason_name((tl_reason)s->tags[k].reason));
      add_shown(&l);
    }
  }
  end_list(&l, by_status ? "waiting_tags" : "invalid",
           by_status ? "waiting_tags_count" : "invalid_count");
}

static void push_silent (lua_State *L, const tl_line *line) {
  listing l = begin_list(L, line);
  for (uint32_t i = 0; i < line->station_count; i++) {
    const tl_station *s = line->stations[i];
    if (is_idle(s) || s->stats.messages > 0 || !one_more(&l)) continue;
    lua_createtable(L, 0, 2);
    tl_set_text(L, "name", s->name);
    tl_set_text(L, "address", s->address);
    add_shown(&l);
  }
  end_list(&l, "silent", "silent_count");
}

static const char *failed_for (const tl_station *s) {
  if (s->status != TL_ST_HARD_ERR) return s->settings.no_data_ms > 0 ? "no-data" : "";
  return tl_reason_name((tl_reason)s->why);
}

/* Stations in an error status although the line works: their will came, or no message for too
** long. */
static void push_failed (lua_State *L, const tl_line *line, int64_t now) {
  listing l = begin_list(L, line);
  for (uint32_t i = 0; i < line->station_count && line->subscribed; i++) {
    const tl_station *s = line->stations[i];
    if (is_idle(s) || (s->status != TL_ST_COM_ERR && s->status != TL_ST_HARD_ERR) || !one_more(&l))
      continue;
    lua_createtable(L, 0, 4);
    tl_set_text(L, "name", s->name);
    tl_set_text(L, "status", tl_station_status_name((tl_station_status)s->status));
    tl_set_text(L, "reason", failed_for(s));
    tl_set_seconds(L, "seconds", now - s->since);
    add_shown(&l);
  }
  end_list(&l, "failed", "failed_count");
}

void tl_push_station_facts (lua_State *L, const tl_line *line, int64_t now) {
  lua_Integer counts[TL_ST_HARD_ERR + 1] = { 0 }, templates = 0;
  push_unset(L, line);
  push_invalid(L, line, false);
  push_invalid(L, line, true);
  push_silent(L, line);
  push_failed(L, line, now);
  lua_createtable(L, 0, 6);
  for (uint32_t i = 0; i < line->station_count; i++) {
    const tl_station *s = line->stations[i];
    if (s->is_template)
      templates++;
    else
      counts[s->status]++;
  }
  for (int i = 0; i <= TL_ST_HARD_ERR; i++)
    if (counts[i] > 0) tl_set_integer(L, tl_station_status_name((tl_station_status)i), counts[i]);
  lua_setfield(L, -2, "stations");
  tl_set_integer(L, "templates", templates);
}
