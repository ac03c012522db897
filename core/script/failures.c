/* core/script/failures.c — which of the user's functions fail at present, since when and where:
** for status(). Bounded. */
#include <stdlib.h>
#include <string.h>

#include "script/failures.h"

enum { FAILURES_MAX = 64 };

static tl_failure *find (tl_script *s, const void *key, const char *what) {
  for (tl_failure *f = s->failures; f; f = f->next)
    if (f->key == key && strcmp(f->what, what) == 0) return f;
  return NULL;
}

static void set_scope (tl_failure *f, const tl_station *station, const tl_link *l) {
  tl_buf name;
  tl_buf_init(&name);
  if (station)
    tl_station_full_name(station, &name);
  else if (l)
    tl_buf_str(&name, tl_link_line(l)->name);
  size_t n = name.len < sizeof f->scope - 1 ? name.len : sizeof f->scope - 1;
  if (n > 0) memcpy(f->scope, name.at, n);
  f->scope[n] = '\0';
  tl_buf_fini(&name);
}

static tl_failure *add (tl_script *s) {
  uint32_t n = 0;
  tl_failure **last = &s->failures;
  for (; *last && ++n < FAILURES_MAX; last = &(*last)->next) continue;
  tl_failure *f = *last ? *last : calloc(1, sizeof *f);
  if (!f) return NULL;
  *last = f->next; /* the oldest makes room */
  memset(f, 0, sizeof *f);
  f->next = s->failures;
  s->failures = f;
  return f;
}

void tl_failure_note (tl_script *s, const tl_station *station, const tl_link *l, const char *what,
                      tl_slice text) {
  const void *key = station ? (const void *)station : (const void *)l;
  tl_failure *f = find(s, key, what);
  int64_t now = tl_clock_wall_ms();
  /* the traceback is in the log */
  const uint8_t *end = text.len > 0 ? memchr(text.at, '\n', text.len) : NULL;
  size_t n = end ? (size_t)(end - text.at) : text.len;
  if (!f) {
    f = add(s);
    if (!f) return;
    f->key = key;
    f->what = what;
    f->since = now;
    set_scope(f, station, l);
  } else if (f->works) {
    f->since = now;
    f->count = 0;
  }
  f->works = false;
  f->count++;
  f->last = now;
  if (n > sizeof f->text - 1) n = sizeof f->text - 1;
  if (n > 0) memcpy(f->text, text.at, n);
  f->text[n] = '\0';
}

void tl_failure_clear (tl_script *s, const tl_station *station, const tl_link *l,
                       const char *what) {
  tl_failure *f = find(s, station ? (const void *)station : (const void *)l, what);
  if (f) f->works = true;
}

void tl_failures_free (tl_script *s) {
  while (s->failures) {
    tl_failure *f = s->failures;
    s->failures = f->next;
    free(f);
  }
}
