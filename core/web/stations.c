/* core/web/stations.c — all stations as a REPL of programs prints them (`stations` with --json). */
#include <stdio.h>

#include "base/json_write.h"
#include "base/number.h"
#include "base/pattern.h"
#include "web/list.h"

static void add_number (tl_buf *out, const char *name, double value) {
  tl_member(out, name);
  tl_number_format(out, value);
}

/* Names are in order, as in all tables that are printed. */
static void add_handlers (tl_buf *out, const tl_station *s, const tl_script *script) {
  static const uint8_t order[TL_HANDLER_KINDS] = { 0, 1, 3, 2, 4 };
  tl_handler_facts kinds[TL_HANDLER_KINDS];
  tl_member_open(out, "handlers", '{');
  tl_script_handlers_of(script, s, kinds);
  for (int i = 0; i < TL_HANDLER_KINDS; i++) {
    const tl_handler_facts *k = &kinds[order[i]];
    if (!k->there) continue;
    tl_member_open(out, k->name, '{');
    tl_member_integer(out, "calls", (int64_t)k->calls);
    tl_member_integer(out, "errors", (int64_t)k->errors);
    add_number(out, "longest", k->longest);
    add_number(out, "time", k->seconds);
    tl_buf_byte(out, '}');
  }
  tl_buf_byte(out, '}');
}

static void add_count (tl_buf *out, const char *name, uint64_t n) {
  tl_member_integer(out, name, (int64_t)n);
}

static void add_station (tl_buf *out, const tl_station *s, const tl_script *script) {
  const tl_station_stats *st = &s->stats;
  tl_buf_byte(out, '{');
  tl_member_name(out, "station", tl_slice_str(s->line->name), tl_slice_str(s->name));
  tl_member_word(out, "status", tl_station_status_name((tl_station_status)s->status));
  tl_member_text(out, "address", tl_slice_str(s->address));
  tl_member_open(out, "stats", '{');
  add_count(out, "declined", st->declined);
  add_count(out, "given_up", st->given_up);
  add_count(out, "handler_errors", st->handler_errors);
  add_handlers(out, s, script);
  if (s->is_template) add_count(out, "instances", s->made);
  add_count(out, "json_errors", st->json_errors);
  add_count(out, "messages", st->messages);
  if (s->is_template) add_count(out, "refused", st->refused);
  if (s->settings.ignore_retained) add_count(out, "retained", st->retained);
  add_count(out, "time_errors", st->time_errors);
  add_count(out, "wills", st->wills);
  tl_buf_str(out, "}}");
}

static bool wanted (const tl_list *l, const tl_station *s) {
  char name[TL_WEB_NAME];
  int n = snprintf(name, sizeof name, "%s.%s", s->line->name, s->name);
  return l->match.len == 0 ||
         (n < (int)sizeof name && tl_glob_match((const char *)l->match.at, name));
}

static bool add_next (tl_list *l, const tl_model *m, int *steps) {
  const tl_station *s = (*steps)-- > 0 ? tl_station_walk_next(&l->walk, m) : NULL;
  if (s && wanted(l, s)) {
    tl_list_element(l);
    add_station(&l->out, s, l->r->web->script);
  }
  return s;
}

static bool go_behind (tl_tag_walk *walk, const tl_model *m, tl_slice name) {
  const tl_station *s = tl_model_station(m, name);
  if (s) tl_station_walk_behind(walk, m, s);
  return s;
}

void tl_web_stations (request *r) { tl_list_answer(r, "station", go_behind, add_next); }
