/* core/outlet/batch.c — see batch.h. */
#include "outlet/batch.h"

#include <errno.h>
#include <stdlib.h>

enum { BATCH_BYTES = 4 << 20 }; /* of texts in one batch */
enum { AT_ONCE = 64 };          /* samples: so few that texts go not far beyond that */

struct tl_fetch {
  tl_reader *reader;
  tl_spool_place place;
  uint64_t spool;
  bool history;
  uint32_t most;
  int rc;
  tl_outlet_batch batch;
  tl_outlet_value *values;
  /* copies: those of the reader move. There is room for one a value, which the system gives page by
  ** page: so these do not move, and values point to them from the beginning */
  tl_series *series;
  size_t series_count;
  bool has_texts;        /* some value is a text */
  uint32_t *place_of_id; /* id in the segment → index + 1; 0: not in this batch */
  size_t id_cap;
  tl_buf texts;    /* of values and series; as offsets until the end */
  int64_t arrival; /* of the last value that was read, in earlier runs too */
  int64_t oldest;
};

int tl_fetch_new (tl_fetch **out, bool history, uint32_t most) {
  tl_fetch *f = calloc(1, sizeof *f);
  if (!f) return TL_ENOMEM;
  f->history = history;
  f->most = most;
  f->values = calloc(most, sizeof *f->values);
  f->series = calloc(most, sizeof *f->series);
  tl_buf_init(&f->texts);
  if (!f->values || !f->series || tl_reader_new(&f->reader) < 0) {
    tl_fetch_free(f);
    return TL_ENOMEM;
  }
  *out = f;
  return TL_OK;
}

void tl_fetch_free (tl_fetch *f) {
  if (!f) return;
  tl_reader_free(f->reader);
  tl_buf_fini(&f->texts);
  free(f->values);
  free(f->series);
  free(f->place_of_id);
  free(f);
}

void tl_fetch_prepare (tl_fetch *f, const tl_spool_place *place, uint64_t spool) {
  f->place = *place;
  f->spool = spool;
}

/* Texts move while the buffer grows: until the end a slice holds an offset in place of a
** pointer. */
static tl_slice keep_text (tl_fetch *f, tl_slice text) {
  size_t at = f->texts.len;
  tl_buf_slice(&f->texts, text);
  return tl_slice_of((const void *)(uintptr_t)at, text.len);
}

static void settle_text (const tl_fetch *f, tl_slice *text) {
  text->at = f->texts.at + (uintptr_t)text->at;
}

/* Ids of a segment are dense, and a batch is of one segment: where the copy of each is. */
static int make_place (tl_fetch *f, uint32_t id) {
  size_t cap = f->id_cap > 0 ? f->id_cap : 256;
  while (cap <= id) cap *= 2;
  uint32_t *more = realloc(f->place_of_id, cap * sizeof *more);
  if (!more) return TL_ENOMEM;
  memset(more + f->id_cap, 0, (cap - f->id_cap) * sizeof *more);
  f->place_of_id = more;
  f->id_cap = cap;
  return TL_OK;
}

/* NULL: no memory. */
static const tl_series *keep_series (tl_fetch *f, const tl_series *s) {
  if (s->id >= f->id_cap && make_place(f, s->id) < 0) return NULL;
  tl_series *copy = &f->series[f->series_count];
  *copy = *s;
  copy->name = keep_text(f, s->name);
  copy->unit = keep_text(f, s->unit);
  copy->description = keep_text(f, s->description);
  f->place_of_id[s->id] = (uint32_t)++f->series_count;
  return copy;
}

static void forget_series (tl_fetch *f) {
  for (size_t i = 0; i < f->series_count; i++) f->place_of_id[f->series[i].id] = 0;
  f->series_count = 0;
}

static bool is_text (const tl_series *s, const tl_sample *v) {
  return v->status == TL_VALID && (s->type == TL_TXTI || s->type == TL_TXTO);
}

/* The value that was read at this place, if it is for this outlet: behind those that are kept. */
static inline int keep (tl_fetch *f, const tl_outlet_value *read, uint64_t number,
                        int64_t arrival_ms) {
  uint8_t only = read->sample.only;
  uint32_t id = read->sample.series;
  if (only == (f->history ? TL_FOR_OTHERS : TL_FOR_HISTORIES)) return TL_OK;
  uint32_t known = id < f->id_cap ? f->place_of_id[id] : 0;
  const tl_series *series =
      known > 0 ? &f->series[known - 1] : keep_series(f, tl_reader_series(f->reader, id));
  if (!series) return TL_ENOMEM;
  tl_outlet_value *out = &f->values[f->batch.count++];
  if (out != read) out->sample = read->sample;
  out->series = series;
  out->number = number;
  out->arrival_ms = arrival_ms;
  if (is_text(series, &out->sample)) {
    out->sample.value.text = keep_text(f, out->sample.value.text);
    f->has_texts = true;
  }
  return f->texts.failed ? TL_ENOMEM : TL_OK;
}

static void settle (tl_fetch *f) {
  for (size_t i = 0; i < f->series_count; i++) {
    settle_text(f, &f->series[i].name);
    settle_text(f, &f->series[i].unit);
    settle_text(f, &f->series[i].description);
  }
  for (size_t i = 0; f->has_texts && i < f->batch.count; i++) {
    if (is_text(f->values[i].series, &f->values[i].sample))
      settle_text(f, &f->values[i].sample.value.text);
  }
  f->has_texts = false;
}

/* Values between the last one and `next` are lost: the spool was full, or a file is damaged. */
static void note_hole (tl_fetch *f, uint64_t next, int64_t until) {
  f->batch.hole =
      (tl_outlet_hole){ next - f->batch.next, f->arrival > 0 ? f->arrival : until, until };
  f->batch.next = next;
}

/* What is behind damage in this segment cannot be read: the next one goes on. What came before
** it is a batch of its own, so that a hole stands in front. */
static void stop_at_damage (tl_fetch *f) {
  f->rc = TL_OK;
  if (f->batch.next == f->batch.first) note_hole(f, f->place.until, f->arrival);
}

static bool is_damage (int rc) { return rc == TL_EMALFORMED || rc == -ENOENT; }

/* The segment ends before its numbers do: values were skipped. */
static bool is_over (const tl_fetch *f) {
  return f->rc == TL_OK && f->batch.next == f->batch.first && f->place.until > f->batch.next;
}

/* The next samples. False: the batch ends here. */
static bool read_some (tl_fetch *f) {
  const size_t left = f->most - f->batch.count;
  tl_outlet_value *read = &f->values[f->batch.count];
  tl_reader_found info;
  int n = tl_reader_next(f->reader, left < AT_ONCE ? (uint32_t)left : AT_ONCE, &read->sample,
                         sizeof *read, &info);
  if (n <= 0) {
    f->rc = n;
    return false;
  }
  bool hole = info.number > f->batch.next;
  if (hole && f->batch.next > f->place.at) return false; /* a hole begins a batch */
  if (f->batch.count == 0) f->oldest = info.arrival_ms;
  if (hole) note_hole(f, info.number, info.arrival_ms);
  for (int i = 0; i < n && f->rc == TL_OK; i++)
    f->rc = keep(f, &read[i], info.number + (uint64_t)i, info.arrival_ms);
  f->batch.next = info.number + (uint64_t)n;
  f->arrival = info.arrival_ms;
  return f->rc == TL_OK;
}

void tl_fetch_run (tl_fetch *f) {
  uint64_t at = f->place.at;
  f->batch = (tl_outlet_batch){
    .spool = f->spool, .segment = f->place.first, .first = at, .next = at, .values = f->values
  };
  forget_series(f);
  f->oldest = 0;
  tl_buf_clear(&f->texts);
  f->rc = tl_reader_seek(f->reader, &f->place);
  while (f->rc == TL_OK && f->batch.count < f->most && f->texts.len < BATCH_BYTES)
    if (!read_some(f)) break;
  if (is_damage(f->rc) || is_over(f)) stop_at_damage(f);
  settle(f);
}

int tl_fetch_result (const tl_fetch *f, tl_outlet_batch *out) {
  *out = f->batch;
  return f->rc;
}

int64_t tl_fetch_arrival (const tl_fetch *f) { return f->oldest; }
