/* core/payload/json_select.c — takes selectors (list[id=28FF].temp) out of addresses: any
** element of the array is read into hidden slots, and at its end it is decided whose values
** they become. Must not know documents nor the compiled tree. */
#include "payload/json_set.h"

#include <stdlib.h>

#define NO_SELECTOR SIZE_MAX

typedef struct {
  const tl_json_step *steps;
  size_t n;
  size_t select; /* the first SELECT; NO_SELECTOR */
} item;          /* its slot is its place in the list */

/* That an element with this text in a field, or at this place, gives a slot's value to another. */
typedef struct {
  uint32_t field, at, len, from, to;
  const uint8_t *text;
} record;

typedef struct {
  tl_json_selectors *out;
  const uint8_t *keys;
  item *items;
  size_t n, cap;
  record *records;
  size_t records_n, records_cap;
  bool failed;
} work;

/* --- memory --- */

static void *grab (work *w, size_t bytes) {
  void **block = malloc(sizeof(void *) + sizeof(void *) + bytes); /* keeps what follows aligned */
  if (!block) {
    w->failed = true;
    return NULL;
  }
  *block = w->out->memory;
  w->out->memory = block;
  return block + 2;
}

void tl_json_selectors_free (tl_json_selectors *s) {
  while (s->memory) {
    void **block = s->memory;
    s->memory = *block;
    free(block);
  }
}

/* Room for one more at the end of a list that lies in the work's memory. */
static void *more (work *w, void *list, size_t n, size_t *cap, size_t size) {
  if (n < *cap) return list;
  size_t room = *cap ? *cap * 2 : 32;
  void *fresh = grab(w, room * size);
  if (!fresh) return NULL;
  if (n > 0) memcpy(fresh, list, n * size);
  *cap = room;
  return fresh;
}

/* --- items --- */

static size_t first_select (const tl_json_step *steps, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (steps[i].index == TL_JSON_SELECT) return i;
  return NO_SELECTOR;
}

static bool same_steps (const work *w, const tl_json_step *a, const tl_json_step *b, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (tl_json_compare_steps(&a[i], &b[i], w->keys) != 0) return false;
  return true;
}

static uint32_t add_item (work *w, const tl_json_step *steps, size_t n) {
  item *items = more(w, w->items, w->n, &w->cap, sizeof *items);
  if (!items) return 0;
  w->items = items;
  w->items[w->n] = (item){ steps, n, first_select(steps, n) };
  return (uint32_t)w->n++;
}

/* The array that is worked on: where it lies, and the first item made for it. */
typedef struct {
  const tl_json_step *prefix;
  size_t depth, begin;
} array;

/* The slot of a tail below any element of the array. */
static uint32_t slot_of (work *w, const array *a, const tl_json_step *tail, size_t n) {
  for (size_t i = a->begin; i < w->n; i++) {
    const item *one = &w->items[i];
    if (one->n == a->depth + 1 + n && same_steps(w, one->steps + a->depth + 1, tail, n))
      return (uint32_t)i;
  }
  tl_json_step *steps = grab(w, (a->depth + 1 + n) * sizeof *steps);
  if (!steps) return 0;
  memcpy(steps, a->prefix, a->depth * sizeof *steps);
  steps[a->depth] = (tl_json_step){ w->out->arrays, 0, TL_JSON_EACH, 0 };
  if (n > 0) memcpy(steps + a->depth + 1, tail, n * sizeof *steps);
  return add_item(w, steps, a->depth + 1 + n);
}

static void replace_item (work *w, const array *a, size_t at) {
  tl_json_step *steps = grab(w, (a->depth + 1) * sizeof *steps);
  if (!steps) return;
  memcpy(steps, a->prefix, a->depth * sizeof *steps);
  steps[a->depth] = (tl_json_step){ 0, 0, TL_JSON_NOWHERE, 0 };
  w->items[at] = (item){ steps, a->depth + 1, NO_SELECTOR };
}

static void take_item (work *w, const array *a, size_t at) {
  const tl_json_step *steps = w->items[at].steps, *step = &steps[a->depth];
  size_t rest = a->depth + 1 + (step->index == TL_JSON_SELECT ? step->fields : 0);
  record one = { TL_JSON_BY_PLACE, step->index, 0, 0, (uint32_t)at, NULL };
  if (step->index == TL_JSON_SELECT) {
    one.field = slot_of(w, a, step + 1, step->fields);
    one.at = step->at;
    one.len = step->len;
    one.text = w->keys + step->at;
  }
  one.from = slot_of(w, a, steps + rest, w->items[at].n - rest);
  record *records = more(w, w->records, w->records_n, &w->records_cap, sizeof *records);
  if (!records) return;
  w->records = records;
  w->records[w->records_n++] = one;
  replace_item(w, a, at);
}

/* --- from records to choices, picks and copies --- */

static int compare_picks (const record *a, const record *b) {
  if (a->field != b->field) return a->field < b->field ? -1 : 1;
  if (a->field == TL_JSON_BY_PLACE) return a->at < b->at ? -1 : a->at > b->at;
  if (a->len != b->len) return a->len < b->len ? -1 : 1;
  return a->len ? memcmp(a->text, b->text, a->len) : 0;
}

static int compare_records (const void *left, const void *right) {
  const record *a = left, *b = right;
  int order = compare_picks(a, b);
  if (order) return order;
  if (a->to < b->to) return -1;
  return a->to > b->to;
}

/* The records from `begin` on are those of one array. */
static void close_array (work *w, size_t begin) {
  record *list = w->records + begin;
  size_t n = w->records_n - begin;
  qsort(list, n, sizeof *list, compare_records);
  tl_json_selectors *out = w->out;
  for (size_t i = 0; i < n; i++) {
    bool choice = i == 0 || list[i].field != list[i - 1].field;
    if (choice)
      out->choices[out->choices_n++] =
          (tl_json_choice){ list[i].field, out->picks_n, out->picks_n };
    if (choice || compare_picks(&list[i], &list[i - 1]) != 0) {
      out->picks[out->picks_n++] =
          (tl_json_pick){ list[i].at, list[i].len, 0, out->copies_n, out->copies_n };
      out->choices[out->choices_n - 1].to++;
    }
    out->copies[out->copies_n++] = (tl_json_copy){ list[i].from, list[i].to };
    out->picks[out->picks_n - 1].to++;
  }
}

/* --- all of it --- */

/* The array that lies highest: what is below it may hold selectors still. */
static bool next_array (const work *w, array *a) {
  a->depth = NO_SELECTOR;
  for (size_t i = 0; i < w->n; i++) {
    if (w->items[i].select >= a->depth) continue;
    a->depth = w->items[i].select;
    a->prefix = w->items[i].steps;
  }
  a->begin = w->n;
  return a->depth != NO_SELECTOR;
}

static bool leads_into (const work *w, const array *a, const item *one) {
  if (one->n <= a->depth || !same_steps(w, one->steps, a->prefix, a->depth)) return false;
  uint32_t index = one->steps[a->depth].index;
  return index == TL_JSON_SELECT || (index > 0 && index < TL_JSON_SELECT);
}

static void finish (work *w, uint32_t *begins) {
  tl_json_selectors *out = w->out;
  size_t n = w->records_n;
  out->paths = grab(w, w->n * sizeof *out->paths);
  out->starts = grab(w, (out->arrays + 1) * sizeof *out->starts);
  out->choices = grab(w, n * sizeof *out->choices);
  out->picks = grab(w, n * sizeof *out->picks);
  out->copies = grab(w, n * sizeof *out->copies);
  if (w->failed) return;
  for (size_t i = 0; i < w->n; i++)
    out->paths[i] = (tl_json_draft){ w->items[i].steps, w->keys, w->items[i].n, (uint32_t)i };
  out->n = w->n;
  for (uint32_t i = 0; i < out->arrays; i++) {
    w->records_n = i + 1 < out->arrays ? begins[i + 1] : n;
    out->starts[i] = out->choices_n;
    close_array(w, begins[i]);
  }
  out->starts[out->arrays] = out->choices_n;
  for (uint32_t i = 0; i < out->picks_n; i++) out->picks[i].taken = (uint32_t)w->n + i;
  out->slots = (uint32_t)w->n + out->picks_n;
}

int tl_json_select (tl_json_selectors *out, const tl_json_draft *paths, size_t n) {
  work w = { .out = out, .keys = paths[0].keys };
  uint32_t *begins = NULL;
  size_t cap = 0;
  array a;
  *out = (tl_json_selectors){ 0 };
  for (size_t i = 0; i < n; i++) add_item(&w, paths[i].steps, paths[i].n);
  while (!w.failed && next_array(&w, &a)) {
    uint32_t *longer = more(&w, begins, out->arrays, &cap, sizeof *begins);
    if (!longer) break;
    begins = longer;
    begins[out->arrays] = (uint32_t)w.records_n;
    for (size_t i = 0; i < a.begin && !w.failed; i++)
      if (leads_into(&w, &a, &w.items[i])) take_item(&w, &a, i);
    if (w.n >= UINT32_MAX / 4) return TL_ETOOBIG;
    out->arrays++;
  }
  if (!w.failed) finish(&w, begins);
  return w.failed ? TL_ENOMEM : TL_OK;
}
