/* core/script/news.c — see news.h. */
#include "script/news.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/watchdog.h"
#include "script/turn.h"

/* How many may wait: values and statuses; those of lines. Some of each line may always. */
enum { NEWS_MAX = 100000, NEWS_OF_LINE = 1000 };
enum { RELOAD_NS = 500000000 }; /* see tl_news_reload_begins() */

typedef enum { OF_TAG, OF_STATION, LINE_UP, LINE_DOWN, LINE_LEFT } news_kind;

/* A call that waits. */
typedef struct {
  tl_due due;
  tl_script *script;
  const tl_line *line; /* only compared: it may be gone */
  void *object;        /* the tag or station, valid while the gateway has this generation */
  uint64_t generation;
  uint64_t number; /* grows from one to the next */
  uint8_t kind;
  uint8_t from; /* see tl_handler_value_now() */
  uint32_t len;
  char name[]; /* full name, to look the object up after a reload; then why, with a NUL */
} news;

static bool is_news (const tl_due *due);

static bool is_of_line (const news *n) { return n->kind >= LINE_UP; }

static void count (news *n, int change) {
  tl_script_news *all = &n->script->news;
  if (n->kind == LINE_LEFT) return;
  if (is_of_line(n))
    all->lines += (uint32_t)change;
  else
    all->waiting += (uint32_t)change;
}

static void drop_news (tl_due *due) {
  count((news *)due, -1);
  free(due);
}

/* --- a call's turn has come --- */

/* The tag or station. NULL: a reload removed it. */
static void *find (const news *n) {
  if (tl_gateway_generation(n->script->gateway) == n->generation) return n->object;
  const tl_model *m = tl_gateway_model(n->script->gateway);
  tl_slice name = tl_slice_of(n->name, n->len);
  return n->kind == OF_TAG ? (void *)tl_model_tag(m, name) : (void *)tl_model_station(m, name);
}

static bool reload_is_used (const tl_script *s) {
  return (uint64_t)s->news.reload_ticks * TL_TICK_NS >= RELOAD_NS;
}

static bool is_leaving (const news *n, void *object) {
  const tl_station *s = n->kind == OF_TAG ? ((tl_tag *)object)->station : object;
  tl_link *l = tl_line_link(s->line);
  return l && tl_link_is_removed(l);
}

static bool is_lost (const news *n, void *object) {
  return !object || (reload_is_used(n->script) && is_leaving(n, object));
}

/* `n` is not called, and neither are all the others to which the same applies. */
static void lose (tl_script *s, news *n) {
  unsigned lost = 1;
  for (tl_due *due = tl_turn_next(s, NULL), *next; due; due = next) {
    next = tl_turn_next(s, due);
    news *other = (news *)due;
    if (is_news(due) && !is_of_line(other) && is_lost(other, find(other))) {
      tl_turn_forget(s, due);
      drop_news(due);
      lost++;
    }
  }
  tl_log(TL_LOG_WARN, NULL,
         "%u functions of values and statuses waited for their turn when a reload took away what "
         "they are of ('%.*s' first), and are not called: what a reload finds waiting has 0.5 s",
         lost, (int)n->len, n->name);
}

static void call (news *n, void *object) {
  tl_script *s = n->script;
  uint32_t before = s->box.ticks;
  bool counts = n->line == s->news.hurried || is_leaving(n, object);
  if (n->kind == OF_TAG)
    tl_handler_value_now(s, object, n->from);
  else
    tl_handler_status_now(s, object);
  if (counts) s->news.reload_ticks += s->box.ticks - before;
}

static void run_object (news *n) {
  void *object = find(n);
  if (is_lost(n, object))
    lose(n->script, n);
  else
    call(n, object);
}

static void run_line (const news *n) {
  tl_script *s = n->script;
  const tl_line *line = tl_model_line(tl_gateway_model(s->gateway), tl_slice_of(n->name, n->len));
  if (line && n->kind == LINE_LEFT)
    tl_link_left(tl_line_link(line));
  else if (line)
    tl_handler_line_now(s, tl_line_link(line), n->kind == LINE_UP, n->name + n->len);
}

static void run_news (tl_due *due) {
  news *n = (news *)due;
  count(n, -1);
  if (is_of_line(n))
    run_line(n);
  else
    run_object(n);
  free(n);
}

static bool is_news (const tl_due *due) { return due->run == run_news; }

/* --- to wait --- */

/* A handler inside another one uses that one's time. */
static bool has_its_time (const tl_script *s) {
  return (s->box.budget.inside && !s->box.budget.resting) || !s->loop || s->offline;
}

/* Is it to be called at once? C code that runs after a decoder may set many values. */
static bool comes_first (tl_script *s, const tl_line *line) {
  if (has_its_time(s)) return true;
  if (s->news.waiting > 0 && tl_turn_count(s, line) > 0) return false;
  return tl_turn_used_ns(s) <= (uint64_t)(s->box.handler_time * 1e9) / 2;
}

static bool leave_out (tl_script *s) {
  if (s->news.left_out++ == 0)
    tl_log(TL_LOG_ERROR, NULL,
           "handlers of values and statuses take longer than the loop has for them: %u wait, and "
           "more are left out",
           (unsigned)(s->news.waiting + s->news.lines));
  return true;
}

/* NULL: no memory. */
static news *new_news (tl_script *s, news_kind kind, const tl_line *line, tl_slice name,
                       const char *why) {
  size_t more = strlen(why) + 1;
  news *n = malloc(sizeof *n + name.len + more);
  if (!n) return NULL;
  *n = (news){ .due = { .run = run_news, .drop = drop_news, .owed = kind != LINE_LEFT },
               .script = s,
               .line = line,
               .generation = tl_gateway_generation(s->gateway),
               .number = ++s->news.number,
               .kind = (uint8_t)kind,
               .len = (uint32_t)name.len };
  memcpy(n->name, name.at, name.len);
  memcpy(n->name + name.len, why, more);
  count(n, 1);
  return n;
}

static bool wait_with (tl_script *s, void *object, news_kind kind, int from, const tl_buf *name) {
  const tl_station *station = kind == OF_TAG ? ((tl_tag *)object)->station : object;
  bool many = s->news.waiting >= NEWS_MAX && tl_turn_count(s, station->line) >= NEWS_OF_LINE;
  if (name->failed || many) return leave_out(s);
  news *n = new_news(s, kind, station->line, tl_buf_bytes(name), "");
  if (!n) return leave_out(s);
  n->object = object;
  n->from = (uint8_t)from;
  tl_turn_wait(s, &n->due, n->line);
  return true;
}

bool tl_news_value_waits (tl_script *s, tl_tag *t, int from) {
  if (comes_first(s, t->station->line)) return false;
  tl_buf name;
  tl_buf_init(&name);
  tl_station_full_name(t->station, &name);
  tl_buf_fmt(&name, ".%s", tl_tag_def(t)->name);
  bool waits = wait_with(s, t, OF_TAG, from, &name);
  tl_buf_fini(&name);
  return waits;
}

/* No acknowledgement stands behind a status or a connection: they can wait for a better moment,
** but at the process's end none may come. */
static bool has_to_wait (const tl_script *s) {
  return tl_loop_is_busy(s->loop) && !tl_gateway_is_stopping(s->gateway);
}

bool tl_news_status_waits (tl_script *s, tl_station *station) {
  if (comes_first(s, station->line) && (has_its_time(s) || !has_to_wait(s))) return false;
  tl_buf name;
  tl_buf_init(&name);
  tl_station_full_name(station, &name);
  bool waits = wait_with(s, station, OF_STATION, 0, &name);
  tl_buf_fini(&name);
  return waits;
}

bool tl_news_line_waits (tl_script *s, tl_link *l, bool up, const char *why) {
  if (has_its_time(s)) return false;
  const tl_line *line = tl_link_line(l);
  bool first = comes_first(s, line) || tl_gateway_is_stopping(s->gateway);
  if (s->news.lines == 0 && first && !has_to_wait(s)) return false;
  if (s->news.lines >= NEWS_MAX) return leave_out(s);
  news *n = new_news(s, up ? LINE_UP : LINE_DOWN, line, tl_slice_str(line->name), why);
  if (!n) return false;
  tl_turn_wait(s, &n->due, n->line);
  return true;
}

/* --- a reload --- */

void tl_news_reload_begins (tl_script *s) {
  s->news.hurried = NULL;
  s->news.reload_ticks = 0;
}

static bool is_of (const tl_due *due, const void *line) {
  const news *n = (const news *)due;
  return is_news(due) && n->line == line && n->kind != LINE_LEFT;
}

/* The first of the line's that waits, up to this number; NULL: there is none. */
static tl_due *find_of (const tl_script *s, const tl_line *line, uint64_t number) {
  tl_due *due = s->news.waiting + s->news.lines > 0 ? tl_turn_next(s, NULL) : NULL;
  for (; due; due = tl_turn_next(s, due))
    if (is_of(due, line) && ((const news *)due)->number <= number) break;
  return due;
}

/* What these functions set off themselves is not waited for: it might never end. */
bool tl_news_line_first (tl_script *s, tl_link *l) {
  const tl_line *line = tl_link_line(l);
  if (s->news.hurried != line) {
    s->news.hurried = line;
    s->news.hurried_to = s->news.number;
    if (find_of(s, line, UINT64_MAX)) tl_turn_put_first(s, is_of, line, NULL);
  }
  bool waits = !reload_is_used(s) && find_of(s, line, s->news.hurried_to);
  if (!waits) s->news.hurried = NULL;
  return waits;
}

static bool is_left (const tl_due *due, const tl_line *line) {
  const news *n = (const news *)due;
  return is_news(due) && n->line == line && n->kind == LINE_LEFT;
}

/* A reload has taken the line away before, and another one brought it back meanwhile. */
static void forget_left (tl_script *s, const tl_line *line) {
  for (tl_due *due = tl_turn_next(s, NULL); due; due = tl_turn_next(s, due)) {
    if (!is_left(due, line)) continue;
    tl_turn_forget(s, due);
    free(due);
    return;
  }
}

bool tl_news_line_leaves (tl_script *s, tl_link *l) {
  const tl_line *line = tl_link_line(l);
  forget_left(s, line);
  if (!find_of(s, line, UINT64_MAX)) return false;
  news *left = new_news(s, LINE_LEFT, line, tl_slice_str(line->name), "");
  if (left) {
    tl_turn_put_first(s, is_of, line, &left->due);
    return true;
  }
  for (tl_due *due; (due = find_of(s, line, UINT64_MAX));) { /* no memory: now */
    tl_turn_forget(s, due);
    due->run(due);
  }
  return false;
}
