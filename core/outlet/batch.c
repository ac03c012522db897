/* core/outlet/batch.c — see batch.h. */
#include "outlet/batch.h"

#include <errno.h>
#include <stdlib.h>

enum { BATCH_BYTES = 4 << 20 }; /* of texts in one batch */
/* samples in one read: few, so that their texts exceed the limit of a batch only slightly */
enum { AT_ONCE = 64 };

struct tl_fetch {
  tl_reader *reader;
  tl_spool_place place;
  uint64_t spool;
  bool history;
  uint32_t most;
  int rc;
  tl_outlet_batch batch;
  tl_outlet_value *values;
  bool has_texts; /* some value is a text */
  tl_buf texts;   /* of values; as offsets until the end */
  uint64_t begin; /* where the batch begins in this segment: what is before was dropped */
  bool gone;
  bool gives_up;  /* what cannot be read is damaged */
  int64_t oldest; /* arrival of its oldest value; 0: it has none */
};

int tl_fetch_new (tl_fetch **out, bool history, uint32_t most) {
  tl_fetch *f = calloc(1, sizeof *f);
  if (!f) return TL_ENOMEM;
  f->history = history;
  f->most = most;
  f->values = calloc(most, sizeof *f->values);
  tl_buf_init(&f->texts);
  if (!f->values || tl_reader_new(&f->reader) < 0) {
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
  free(f);
}

void tl_fetch_prepare (tl_fetch *f, const tl_spool_place *place, uint64_t spool) {
  f->place = *place;
  f->spool = spool;
  f->gives_up = false;
}

void tl_fetch_give_up (tl_fetch *f) { f->gives_up = true; }

bool tl_is_unreadable (int rc) { return rc == -EIO || rc == -EUCLEAN || rc == -EBADMSG; }

/* Texts move while the buffer grows: until the end a slice holds an offset in place of a
** pointer. */
static tl_slice keep_text (tl_fetch *f, tl_slice text) {
  size_t at = f->texts.len;
  tl_buf_slice(&f->texts, text);
  return tl_slice_of((const void *)(uintptr_t)at, text.len);
}

static bool is_text (uint8_t type) { return type == TL_TXTI || type == TL_TXTO; }

/* Of these values, which were read behind those that are kept, keep the ones for this outlet. */
static int keep (tl_fetch *f, const tl_outlet_value *read, int count, const tl_reader_found *info) {
  const uint8_t not_ours = f->history ? TL_FOR_OTHERS : TL_FOR_HISTORIES;
  tl_outlet_value *out = &f->values[f->batch.count];
  for (int i = 0; i < count; i++) {
    if (read[i].sample.only == not_ours) continue;
    if (out != &read[i]) out->sample = read[i].sample;
    out->series = info->series[out->sample.series];
    out->number = info->number + (uint64_t)i;
    out->arrival_ms = info->arrival_ms;
    if (is_text(info->types[out->sample.series]) && out->sample.status == TL_VALID) {
      out->sample.value.text = keep_text(f, out->sample.value.text);
      f->has_texts = true;
    }
    out++;
  }
  f->batch.count = (size_t)(out - f->values);
  return f->texts.failed ? TL_ENOMEM : TL_OK;
}

static void settle (tl_fetch *f) {
  for (size_t i = 0; f->has_texts && i < f->batch.count; i++) {
    tl_outlet_value *v = &f->values[i];
    tl_slice *text = &v->sample.value.text;
    if (is_text(v->series->type) && v->sample.status == TL_VALID)
      text->at = f->texts.at + (uintptr_t)text->at;
  }
  f->has_texts = false;
}

/* Values between the last one and `next` are lost: there was no room for them, or a file is
** damaged. */
static void note_hole (tl_fetch *f, uint64_t next) {
  tl_spool_unread(&f->place, f->batch.next, next, &f->batch.hole);
  f->batch.next = next;
}

/* The rest of this segment is damaged and cannot be read; the next segment follows. Values before
** the damage are a batch of their own, so that the hole comes at the beginning of the next
** batch. */
static void stop_at_damage (tl_fetch *f) {
  f->gone = f->rc == -ENOENT;
  f->rc = TL_OK;
  if (f->batch.next == f->begin) note_hole(f, f->place.until);
}

static bool is_damage (int rc) { return rc == TL_EMALFORMED || rc == -ENOENT; }

/* The segment ends before its numbers do: values were skipped. */
static bool is_over (const tl_fetch *f) {
  return f->rc == TL_OK && f->batch.next == f->begin && f->place.until > f->begin;
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
  if (hole && f->batch.next > f->begin) return false; /* a hole begins a batch */
  if (f->batch.count == 0) f->oldest = info.arrival_ms;
  if (hole) note_hole(f, info.number);
  f->rc = keep(f, read, n, &info);
  f->batch.next = info.number + (uint64_t)n;
  return f->rc == TL_OK;
}

void tl_fetch_run (tl_fetch *f) {
  f->begin = f->place.at > f->place.first ? f->place.at : f->place.first;
  f->batch = (tl_outlet_batch){ .spool = f->spool,
                                .segment = f->place.first,
                                .first = f->place.at,
                                .next = f->begin,
                                .values = f->values };
  f->gone = false;
  f->oldest = 0;
  tl_buf_clear(&f->texts);
  f->rc = tl_reader_seek(f->reader, &f->place);
  while (f->rc == TL_OK && f->batch.count < f->most && f->texts.len < BATCH_BYTES)
    if (!read_some(f)) break;
  /* what stands before it can be had now */
  if (tl_is_unreadable(f->rc) && (f->gives_up || f->batch.next > f->begin)) f->rc = TL_EMALFORMED;
  if (is_damage(f->rc) || is_over(f)) stop_at_damage(f);
  settle(f);
}

int tl_fetch_result (const tl_fetch *f, tl_outlet_batch *out) {
  *out = f->batch;
  return f->rc;
}

bool tl_fetch_is_gone (const tl_fetch *f) { return f->gone; }

int64_t tl_fetch_arrival (const tl_fetch *f) { return f->oldest; }
