/* core/history/query_job.c — see query_job.h. */
#include "history/query_job.h"

void tl_query_init (tl_query *q) {
  memset(q, 0, sizeof *q);
  q->most = TL_QUERY_ROWS;
  tl_buf_init(&q->path);
  tl_buf_init(&q->tag);
  tl_buf_init(&q->shifts);
  tl_buf_init(&q->rows);
  tl_buf_init(&q->texts);
  tl_buf_init(&q->unit);
}

void tl_query_fini (tl_query *q) {
  tl_buf_fini(&q->path);
  tl_buf_fini(&q->tag);
  tl_buf_fini(&q->shifts);
  tl_buf_fini(&q->rows);
  tl_buf_fini(&q->texts);
  tl_buf_fini(&q->unit);
}

size_t tl_query_bytes (const tl_query *q) { return q->rows.len + q->texts.len; }

static bool is_too_long (const tl_query *q) {
  return q->most_bytes > 0 && tl_query_bytes(q) > q->most_bytes;
}

static bool keep_row (void *ctx, const tl_history_row *row) {
  tl_query *q = ctx;
  tl_history_row copy = *row;
  if (row->status == TL_VALID && (row->type == TL_TXTI || row->type == TL_TXTO)) {
    copy.value.text.at = (const uint8_t *)(uintptr_t)q->texts.len;
    tl_buf_slice(&q->texts, row->value.text);
  }
  tl_buf_add(&q->rows, &copy, sizeof copy);
  q->count++;
  return !q->rows.failed && !q->texts.failed && !is_too_long(q) && !q->stop;
}

static bool keep_interval (void *ctx, const tl_interval *i) {
  tl_query *q = ctx;
  tl_buf_add(&q->rows, i, sizeof *i);
  return !q->rows.failed && ++q->count < q->most && !q->stop;
}

static bool feed (void *ctx, const tl_history_row *row) {
  tl_aggregate *a = ctx;
  tl_query *q = a->ctx;
  bool is_text = row->type == TL_TXTI || row->type == TL_TXTO;
  if (row->status == TL_VALID) *(is_text ? &q->has_text : &q->has_number) = true;
  return tl_aggregate_row(a, row) && !q->stop;
}

/* Its answer would be empty, and nobody would know why. */
static bool is_none_of_texts (const tl_query *q) {
  return q->has_text && !q->has_number && !(q->as & (1 << TL_AS_COUNT_OF | 1 << TL_AS_GOOD));
}

bool tl_query_is_too_fine (const tl_query *q) {
  return (uint64_t)((q->to_ms - q->from_ms) / q->every_ms) >= q->most;
}

/* The limit, for intervals. */
static void keep_newest (tl_query *q) {
  if (q->limit == 0 || q->count <= q->limit) return;
  size_t left = q->count - (size_t)q->limit, size = sizeof(tl_interval);
  q->left_out = left;
  q->left_to_ms = tl_query_interval(q, left)->time_ms;
  q->rows.len -= left * size;
  q->count -= left;
  memmove(q->rows.at, q->rows.at + left * size, q->rows.len);
}

/* Rows of one millisecond may stand on both sides of the limit, so it is read again, unless there
** is nothing else. */
static void read_rows (tl_query *q, tl_history_reader *r, const tl_history_range *range) {
  tl_history_left left;
  q->rc = tl_history_read(r, range, keep_row, q, &left, &q->err);
  if (q->rc < 0 || left.count == 0 || q->count == 0) return;
  q->left_out = left.count;
  q->left_to_ms = left.newest_ms;
  if (tl_query_row(q, q->count - 1).time_ms > left.newest_ms) q->left_to_ms++;
}

static void read_intervals (tl_query *q, tl_history_reader *r, const tl_history_range *range) {
  int64_t end = q->to_ms < q->now_ms ? q->to_ms : q->now_ms;
  tl_aggregate a = { .every_ms = q->every_ms,
                     .offset_ms = q->offset_ms,
                     .shifts = (const tl_shift *)(const void *)q->shifts.at,
                     .shift_count = q->shifts.len / sizeof(tl_shift),
                     .from_ms = q->from_ms,
                     .to_ms = end,
                     .as = q->as,
                     .type = q->type,
                     .row = keep_interval,
                     .ctx = q };
  if (tl_query_is_too_fine(q)) {
    q->rc = tl_fail(&q->err, TL_ETOOBIG, 0, "more than %llu intervals: a longer `every` is wanted",
                    (unsigned long long)q->most);
    return;
  }
  tl_history_left none;
  tl_aggregate_init(&a);
  q->rc = tl_history_read(r, range, feed, &a, &none, &q->err);
  if (q->rc >= 0) tl_aggregate_end(&a);
  if (q->rc >= 0) keep_newest(q);
  if (q->rc >= 0 && is_none_of_texts(q))
    q->rc = tl_fail(&q->err, TL_ETYPE, 0, "of a text there are count and good: as = \"count\"");
}

void tl_query_run (tl_query *q) {
  tl_history_reader *r;
  uint64_t most = q->limit > 0 && q->limit < q->most ? q->limit : q->most;
  tl_history_range range = { tl_slice_str((const char *)q->tag.at), q->from_ms, q->to_ms, true,
                             q->every_ms > 0 ? 0 : most };
  q->rc = tl_history_reader_open(&r, (const char *)q->path.at, &q->err);
  if (q->rc < 0) return;
  tl_history_reader_watch(r, &q->stop);
  if (q->every_ms > 0)
    read_intervals(q, r, &range);
  else
    read_rows(q, r, &range);
  if (q->rc >= 0 && q->wants_unit) q->rc = tl_history_unit(r, range.tag, &q->unit, &q->err);
  tl_history_reader_close(r);
  if (is_too_long(q))
    q->rc = tl_fail(&q->err, TL_ETOOBIG, 0,
                    "the rows of this range take more than %zu MB: ask for a part of it",
                    q->most_bytes >> 20);
  if (q->rows.failed || q->texts.failed)
    q->rc = tl_fail(&q->err, TL_ENOMEM, 0, "no memory for so many rows");
}

tl_history_row tl_query_row (const tl_query *q, size_t i) {
  tl_history_row row = ((const tl_history_row *)(const void *)q->rows.at)[i];
  if (row.status == TL_VALID && (row.type == TL_TXTI || row.type == TL_TXTO))
    row.value.text.at = q->texts.at + (uintptr_t)row.value.text.at;
  return row;
}

const tl_interval *tl_query_interval (const tl_query *q, size_t i) {
  return &((const tl_interval *)(const void *)q->rows.at)[i];
}
