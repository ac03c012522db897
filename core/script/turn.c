/* core/script/turn.c — see turn.h. Must not know what the waiting functions are for. */
#include "script/turn.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/watchdog.h"

enum { NEWS_MAX = 100000 };  /* how many values and statuses may wait */
enum { END_NS = 500000000 }; /* see tl_turn_end_is_used() */

/* --- the share of a turn --- */

/* If a new turn of the loop has begun, scripts have their whole share again. */
static void begin_turn (tl_script *s) {
  uint64_t turn = tl_loop_turn(s->loop);
  if (s->turn.number == turn) return;
  s->turn.number = turn;
  s->turn.ticks = s->box.ticks;
}

static uint64_t used_ns (const tl_script *s) {
  return (uint64_t)(s->box.ticks - s->turn.ticks) * TL_TICK_NS;
}

bool tl_turn_is_used (tl_script *s) {
  if (!s->loop || s->offline) return false; /* without a loop, the caller sets the time */
  begin_turn(s);
  return s->turn.first || used_ns(s) > 0 || tl_loop_is_busy(s->loop);
}

/* --- the queue: a ring, and s->turn.first is its first member --- */

void tl_turn_forget (tl_script *s, tl_due *due) {
  if (!due->prev) return;
  if (due->next == due)
    s->turn.first = NULL;
  else if (s->turn.first == due)
    s->turn.first = due->next;
  due->next->prev = due->prev;
  due->prev->next = due->next;
  due->next = due->prev = NULL;
}

static void run_first (tl_script *s) {
  tl_due *first = s->turn.first;
  tl_turn_forget(s, first);
  first->run(first);
}

static void on_turn (tl_heavy *h) {
  tl_script *s = (tl_script *)(void *)((char *)h - offsetof(tl_script, turn.waits));
  begin_turn(s);
  if (tl_turn_end_is_used(s)) return; /* tl_turn_finish() says what is left */
  uint64_t before = s->box.ticks;
  /* what comes into the queue from here on waits for the next turn */
  tl_due *last = s->turn.first ? s->turn.first->prev : NULL;
  for (bool more = last; more && s->turn.first && s->box.ticks == before;) {
    more = s->turn.first != last;
    run_first(s);
  }
  if (s->turn.first) tl_heavy_wait(s->loop, h);
}

void tl_turn_wait (tl_script *s, tl_due *due) {
  s->turn.waits.run = on_turn;
  tl_heavy_wait(s->loop, &s->turn.waits);
  tl_due *first = s->turn.first;
  if (!first) {
    due->next = due->prev = s->turn.first = due;
    return;
  }
  due->next = first;
  due->prev = first->prev;
  first->prev->next = due;
  first->prev = due;
}

void tl_turn_drop_all (tl_script *s) {
  if (s->loop) tl_heavy_forget(s->loop, &s->turn.waits);
  while (s->turn.first) {
    tl_due *first = s->turn.first;
    tl_turn_forget(s, first);
    first->drop(first);
  }
  s->turn.news = s->turn.lines = 0;
}

/* --- values and statuses --- */

typedef struct {
  tl_due due;
  tl_script *script;
  void *object; /* the tag or station, valid while the gateway has this generation */
  uint64_t generation;
  bool is_tag;
  uint8_t from; /* see tl_handler_value_now() */
  uint32_t len;
  char name[]; /* full name, to look the object up after a reload */
} news;

static void drop_news (tl_due *due) { free(due); }

static void *find (const news *n) {
  if (tl_gateway_generation(n->script->gateway) == n->generation) return n->object;
  const tl_model *m = tl_gateway_model(n->script->gateway);
  tl_slice name = tl_slice_of(n->name, n->len);
  return n->is_tag ? (void *)tl_model_tag(m, name) : (void *)tl_model_station(m, name);
}

static void run_news (tl_due *due) {
  news *n = (news *)due;
  tl_script *s = n->script;
  void *object = find(n);
  bool is_tag = n->is_tag;
  int from = n->from;
  s->turn.news--;
  free(n);
  if (!object) return; /* a reload removed it */
  if (is_tag)
    tl_handler_value_now(s, object, from);
  else
    tl_handler_status_now(s, object);
}

/* A handler inside another one uses that one's time. */
static bool has_its_time (const tl_script *s) {
  return (s->box.budget.inside && !s->box.budget.resting) || !s->loop || s->offline;
}

/* Is it to be called at once? C code that runs after a decoder may set many values. */
static bool comes_first (tl_script *s) {
  if (has_its_time(s)) return true;
  begin_turn(s);
  return s->turn.news == 0 && used_ns(s) <= (uint64_t)(s->box.handler_time * 1e9) / 2;
}

static bool leave_out (tl_script *s) {
  if (s->turn.left_out++ == 0)
    tl_log(TL_LOG_ERROR, NULL,
           "handlers of values and statuses take longer than the loop has for them: %u wait, and "
           "more are left out",
           (unsigned)s->turn.news);
  return true;
}

static bool wait_with (tl_script *s, void *object, bool is_tag, int from, const tl_buf *name) {
  if (name->failed || s->turn.news >= NEWS_MAX) return leave_out(s);
  news *n = malloc(sizeof *n + name->len);
  if (!n) return leave_out(s);
  *n = (news){ .due = { .run = run_news, .drop = drop_news },
               .script = s,
               .object = object,
               .generation = tl_gateway_generation(s->gateway),
               .is_tag = is_tag,
               .from = (uint8_t)from,
               .len = (uint32_t)name->len };
  memcpy(n->name, name->at, name->len);
  tl_turn_wait(s, &n->due);
  s->turn.news++;
  return true;
}

bool tl_turn_value_waits (tl_script *s, tl_tag *t, int from) {
  if (comes_first(s)) return false;
  tl_buf name;
  tl_buf_init(&name);
  tl_station_full_name(t->station, &name);
  tl_buf_fmt(&name, ".%s", tl_tag_def(t)->name);
  bool waits = wait_with(s, t, true, from, &name);
  tl_buf_fini(&name);
  return waits;
}

/* No acknowledgement stands behind a status or a connection: they can wait for a better moment,
** but at the process's end none may come. */
static bool has_to_wait (const tl_script *s) {
  return tl_loop_is_busy(s->loop) && !tl_gateway_is_stopping(s->gateway);
}

bool tl_turn_status_waits (tl_script *s, tl_station *station) {
  if (comes_first(s) && (has_its_time(s) || !has_to_wait(s))) return false;
  tl_buf name;
  tl_buf_init(&name);
  tl_station_full_name(station, &name);
  bool waits = wait_with(s, station, false, 0, &name);
  tl_buf_fini(&name);
  return waits;
}

/* --- connections --- */

typedef struct {
  tl_due due;
  tl_script *script;
  bool up;
  size_t len;  /* of the line's name */
  char text[]; /* the name and why, each with a NUL */
} line_news;

static void run_line_news (tl_due *due) {
  line_news *n = (line_news *)due;
  tl_script *s = n->script;
  const tl_line *line = tl_model_line(tl_gateway_model(s->gateway), tl_slice_of(n->text, n->len));
  s->turn.lines--;
  if (line) tl_handler_line_now(s, tl_line_link(line), n->up, n->text + n->len + 1);
  free(n);
}

bool tl_turn_line_waits (tl_script *s, tl_link *l, bool up, const char *why) {
  if (has_its_time(s) || tl_link_is_removed(l)) return false;
  bool first = comes_first(s) || tl_gateway_is_stopping(s->gateway);
  if (s->turn.lines == 0 && first && !has_to_wait(s)) return false;
  const char *name = tl_link_line(l)->name;
  size_t len = strlen(name), more = strlen(why) + 1;
  line_news *n = malloc(sizeof *n + len + 1 + more);
  if (!n) return false;
  *n = (line_news){ { .run = run_line_news, .drop = drop_news }, s, up, len };
  memcpy(n->text, name, len + 1);
  memcpy(n->text + len + 1, why, more);
  tl_turn_wait(s, &n->due);
  s->turn.lines++;
  return true;
}

/* The first of the line's in the queue; NULL: there is none. */
static tl_due *find_line_news (tl_script *s, tl_slice name) {
  tl_due *due = s->turn.lines > 0 ? s->turn.first : NULL;
  for (const tl_due *last = due ? due->prev : NULL; due; due = due != last ? due->next : NULL) {
    const line_news *n = (const line_news *)due;
    if (due->run == run_line_news && tl_slice_eq(tl_slice_of(n->text, n->len), name)) break;
  }
  return due;
}

void tl_turn_line_leaves (tl_script *s, tl_link *l) {
  tl_slice name = tl_slice_str(tl_link_line(l)->name);
  for (tl_due *due; (due = find_line_news(s, name));) {
    tl_turn_forget(s, due);
    due->run(due);
  }
}

bool tl_turn_end_is_used (tl_script *s) {
  if (!s->loop || !tl_gateway_is_stopping(s->gateway)) return false;
  if (!s->turn.ends) s->turn.end_ticks = s->box.ticks;
  s->turn.ends = true;
  return (uint64_t)(s->box.ticks - s->turn.end_ticks) * TL_TICK_NS >= END_NS;
}

static bool is_news (const tl_due *due) {
  return due->run == run_news || due->run == run_line_news;
}

void tl_turn_finish (tl_script *s) {
  while (s->turn.news + s->turn.lines > 0 && !tl_turn_end_is_used(s)) {
    if (is_news(s->turn.first))
      run_first(s);
    else
      s->turn.first = s->turn.first->next;
  }
  if (s->turn.news + s->turn.lines > 0)
    tl_log(TL_LOG_WARN, NULL,
           "%u functions of values, statuses and lines waited for their turn, and are not called",
           (unsigned)(s->turn.news + s->turn.lines));
}
