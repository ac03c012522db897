/* core/outlet/refused.c — see refused.h. A line of the file is the value as an object of JSON, with
** its arrival, its number in the spool ("spool") and the reason. */
#include "outlet/refused.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_write.h"
#include "base/visible.h"

/* A value that may come again. */
typedef struct {
  uint64_t number;
  bool aside;
} refusal;

enum { MOST = 65536 }; /* more than a batch has */

struct tl_refused {
  const tl_spool *spool;
  char name[64];
  refusal *list; /* by number */
  size_t count, cap;
  uint64_t from; /* of tl_refused_look() */
  bool read;     /* a thread has all but this and the next */
  uint64_t passed;
  tl_spool_aside files;
  uint64_t found;
  char last[256];
};

int tl_refused_new (tl_refused **out, const tl_spool *spool, const char *name) {
  tl_refused *r = calloc(1, sizeof *r);
  if (!r) return TL_ENOMEM;
  r->spool = spool;
  snprintf(r->name, sizeof r->name, "%s", name);
  *out = r;
  return TL_OK;
}

void tl_refused_free (tl_refused *r) {
  if (!r) return;
  free(r->list);
  free(r);
}

/* Where this number is, or belongs. */
static size_t place_of (const tl_refused *r, uint64_t number) {
  size_t low = 0, high = r->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (r->list[middle].number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void drop_lowest (tl_refused *r, size_t count) {
  r->count -= count;
  if (count > 0) memmove(r->list, r->list + count, r->count * sizeof *r->list);
}

/* NULL: there is no memory to remember it. *is_new: it was not there. Where there are too many the
** newest stay, which are the likeliest to come again. */
static refusal *remember (tl_refused *r, uint64_t number, bool *is_new) {
  size_t at = place_of(r, number);
  *is_new = at == r->count || r->list[at].number != number;
  if (!*is_new) return &r->list[at];
  if (r->count == MOST) { /* many at once: each time moves all others */
    drop_lowest(r, MOST / 4);
    at = place_of(r, number);
  }
  if (r->count == r->cap) {
    size_t cap = r->cap > 0 ? r->cap * 2 : 16;
    refusal *more = realloc(r->list, cap * sizeof *more);
    if (!more) return NULL;
    r->list = more;
    r->cap = cap;
  }
  memmove(&r->list[at + 1], &r->list[at], (r->count++ - at) * sizeof *r->list);
  r->list[at] = (refusal){ .number = number };
  return &r->list[at];
}

void tl_refused_pass (tl_refused *r, uint64_t next) {
  if (next > r->passed) r->passed = next;
  if (r->read) return; /* tl_refused_found() does it */
  drop_lowest(r, place_of(r, next));
}

/* --- writing --- */

static int put_aside (const tl_refused *r, const tl_outlet_value *v, const char *why) {
  tl_buf line, clean;
  char place[40];
  tl_buf_init(&line);
  tl_outlet_json(v, &line);
  if (line.len > 0) line.len--; /* its brace */
  tl_member_time(&line, "arrival", v->arrival_ms);
  snprintf(place, sizeof place, "%016" PRIx64 "-%" PRIu64, tl_spool_id(r->spool), v->number);
  tl_member_word(&line, "spool", place);
  tl_buf_init(&clean);
  tl_visible(&clean, tl_slice_str(why), false);
  tl_member_text(&line, "why", tl_buf_bytes(&clean));
  if (clean.failed) line.failed = true;
  tl_buf_fini(&clean);
  tl_buf_str(&line, "}\n");
  int rc = line.failed ? TL_ENOMEM : tl_spool_put_aside(r->spool, r->name, tl_buf_bytes(&line));
  tl_buf_fini(&line);
  return rc;
}

bool tl_refused_add (tl_refused *r, const tl_outlet_value *v, const char *why, int *rc) {
  bool is_new;
  refusal *known = remember(r, v->number, &is_new);
  *rc = TL_OK;
  if (known && known->aside) return false;
  *rc = put_aside(r, v, why);
  if (known) known->aside = *rc >= 0;
  return is_new;
}

/* --- reading --- */

/* Where the text of this member begins in the line; NULL: there is none. No text has such a mark in
** it, for a quote has a backslash there. */
static const char *text_of (tl_slice line, const char *mark) {
  const char *at = memmem(line.at, line.len, mark, strlen(mark));
  return at ? at + strlen(mark) : NULL;
}

/* Copy a text of JSON up to its quote. */
static size_t copy_text (char *out, size_t size, const char *from, const char *end) {
  size_t n = 0;
  for (; from < end && *from != '"' && n + 1 < size; from++) {
    if (*from == '\\' && from + 1 < end && (from[1] == '"' || from[1] == '\\')) from++;
    out[n++] = *from;
  }
  out[n] = '\0';
  return n;
}

static void note_last (tl_refused *r, tl_slice line) {
  const char *end = (const char *)line.at + line.len;
  const char *tag = text_of(line, ",\"tag\":\""), *why = text_of(line, ",\"why\":\"");
  if (!tag || !why) return;
  size_t n = copy_text(r->last, sizeof r->last - 2, tag, end);
  memcpy(r->last + n, ": ", 3);
  copy_text(r->last + n + 2, sizeof r->last - n - 2, why, end);
}

static void on_line (void *ctx, tl_slice line, bool is_last) {
  tl_refused *r = ctx;
  unsigned long long spool, number;
  char text[40];
  r->found++;
  if (is_last) note_last(r, line);
  const char *place = text_of(line, ",\"spool\":\"");
  if (!place) return;
  copy_text(text, sizeof text, place, (const char *)line.at + line.len);
  if (sscanf(text, "%16llx-%llu", &spool, &number) != 2 || spool != tl_spool_id(r->spool)) return;
  bool is_new;
  if (number < r->from) return;
  refusal *known = remember(r, number, &is_new);
  if (known) known->aside = true;
}

bool tl_refused_look (tl_refused *r, uint64_t from) {
  r->from = r->passed = from;
  r->read = tl_spool_aside_open(r->spool, r->name, &r->files);
  return r->read;
}

void tl_refused_leave (tl_refused *r) {
  tl_spool_aside_close(&r->files);
  r->read = false;
}

void tl_refused_read (tl_refused *r) {
  r->found = 0;
  r->last[0] = '\0';
  tl_spool_aside_read(&r->files, on_line, r);
}

uint64_t tl_refused_found (tl_refused *r, const char **last) {
  r->read = false;
  tl_refused_pass(r, r->passed);
  *last = r->last;
  return r->found;
}
