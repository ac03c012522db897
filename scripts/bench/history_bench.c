/* scripts/bench/history_bench.c — what a value costs in the embedded history: stored in batches,
** merged as the sender does it, and read again. Processor time of the process, µs per value, and
** the longest single step (all of them run on the pool, never on the loop). Writes the same rows
** as CSV for `sqlite3 .import`. Prints figures only.
**
**   history_bench FOLDER      FOLDER: on the disk to be measured
**   history_bench FOLDER N [M]    only writes history.db: N values of plant.s1000.t, one a second,
**                                 and as many of them, M, that are not merged */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "history/history.h"

enum { TAGS = 1000, BATCH = 20000, BATCHES = 50, MERGE = 200000, DAY_ROWS = 86400 };
#define BEGIN INT64_C(1764504000000) /* 2025-11-30T12:00Z */

static void need (int rc, const tl_err *err) {
  if (rc >= 0) return;
  fprintf(stderr, "history_bench: %s\n", err->text);
  exit(1);
}

static double clock_us (clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static uint64_t random_bits (void) {
  static uint64_t state = 88172645463325252U;
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static char names[TAGS + 1][32];
static tl_series series[TAGS + 1];
static double walk[TAGS + 1];
static tl_outlet_value values[BATCH];

static void make_series (void) {
  for (int i = 0; i <= TAGS; i++) {
    int n = snprintf(names[i], sizeof names[i], "plant.s%d.t", i);
    series[i] = (tl_series){ .type = TL_AI, .name = tl_slice_of(names[i], (size_t)n) };
  }
}

/* Values with one decimal that wander, all tags in turn, a second between two of one tag. */
static void make_batch (int round, FILE *csv) {
  for (int i = 0; i < BATCH; i++) {
    int64_t number = (int64_t)round * BATCH + i;
    int tag = (int)(number % TAGS);
    walk[tag] += (double)((int64_t)(random_bits() % 21) - 10) / 10;
    int64_t t = BEGIN + number / TAGS * 1000 + (int64_t)(random_bits() % 900);
    values[i] = (tl_outlet_value){ .series = &series[tag], .arrival_ms = t };
    values[i].sample = (tl_sample){ .status = TL_VALID, .time_ms = t, .value.number = walk[tag] };
    fprintf(csv, "%d,%lld,0,%.1f\n", tag, (long long)t, walk[tag]);
  }
}

static double longest;

static double timed (double from, double wall) {
  double taken = clock_us(CLOCK_MONOTONIC) - wall;
  if (taken > longest) longest = taken;
  return clock_us(CLOCK_PROCESS_CPUTIME_ID) - from;
}

static double store_round (tl_history *h, uint64_t *next, size_t count) {
  tl_err err = { .text = "" };
  tl_outlet_batch b = { .spool = 1,
                        .segment = 7,
                        .first = *next,
                        .next = *next + count,
                        .count = count,
                        .values = values };
  double from = clock_us(CLOCK_PROCESS_CPUTIME_ID), wall = clock_us(CLOCK_MONOTONIC);
  need(tl_history_store(h, &b, BEGIN, &err), &err);
  *next = b.next;
  return timed(from, wall);
}

static double merge_round (tl_history *h) {
  tl_err err = { .text = "" };
  double from = clock_us(CLOCK_PROCESS_CPUTIME_ID), wall = clock_us(CLOCK_MONOTONIC);
  need(tl_history_merge(h, &err), &err);
  return timed(from, wall);
}

static bool on_row (void *ctx, const tl_history_row *row) {
  (void)row;
  ++*(uint64_t *)ctx;
  return true;
}

static void read_day (const char *path, const char *name, int64_t from, int64_t to) {
  tl_err err = { .text = "" };
  tl_history_reader *r;
  tl_history_range range = { tl_slice_str(name), from, to, true, 0 };
  for (int i = 0; i < 3; i++) {
    uint64_t rows = 0;
    tl_history_left left;
    double begin = clock_us(CLOCK_MONOTONIC), cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    need(tl_history_reader_open(&r, path, &err), &err);
    need(tl_history_read(r, &range, on_row, &rows, &left, &err), &err);
    tl_history_reader_close(r);
    printf("read %llu rows of one tag: %.1f ms, %.1f ms of processor time\n",
           (unsigned long long)rows, (clock_us(CLOCK_MONOTONIC) - begin) / 1e3,
           (clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e3);
  }
}

/* One tag each second, for the day that is read. */
static void store_seconds (tl_history *h, uint64_t *next, int first, int count) {
  for (int done = first; done < first + count;) {
    int left = first + count - done, n = left < BATCH ? left : BATCH;
    for (int i = 0; i < n; i++) {
      int64_t t = BEGIN + (int64_t)(done + i) * 1000;
      values[i] = (tl_outlet_value){ .series = &series[TAGS], .arrival_ms = t };
      values[i].sample = (tl_sample){ .status = TL_VALID, .time_ms = t, .value.number = i };
    }
    store_round(h, next, (size_t)n);
    done += n;
  }
}

int main (int argc, char **argv) {
  char path[4096], csv_path[4096];
  tl_err err = { .text = "" };
  tl_history *h;
  uint64_t next = 1;
  double stored = 0, merged = 0;
  const char *folder = argc > 1 ? argv[1] : ".";
  snprintf(path, sizeof path, "%s/history.db", folder);
  make_series();
  need(tl_history_open(&h, path, 0, &err), &err);
  if (argc > 2) {
    store_seconds(h, &next, 0, atoi(argv[2]));
    merge_round(h);
    if (argc > 3) store_seconds(h, &next, atoi(argv[2]), atoi(argv[3]));
    tl_history_close(h);
    return 0;
  }
  snprintf(csv_path, sizeof csv_path, "%s/history.csv", folder);
  FILE *csv = fopen(csv_path, "w");
  if (!csv) need(tl_fail(&err, TL_ENOENT, 0, "cannot write %.200s", csv_path), &err);
  for (int i = 0; i < BATCHES; i++) {
    make_batch(i, csv);
    stored += store_round(h, &next, BATCH);
    if (tl_history_recent(h) >= MERGE) merged += merge_round(h);
  }
  fclose(csv);
  merged += merge_round(h);
  double count = (double)BATCHES * BATCH;
  tl_history_close(h); /* the log is in the file then */
  need(tl_history_open(&h, path, 0, &err), &err);
  double bytes = (double)tl_history_bytes(h);
  printf("stored %.2f µs, merged %.2f µs, together %.2f µs of processor time a value\n",
         stored / count, merged / count, (stored + merged) / count);
  printf("%.1f bytes a value in the file; longest step %.0f ms by the clock\n", bytes / count,
         longest / 1e3);
  store_seconds(h, &next, 0, DAY_ROWS);
  read_day(path, names[TAGS], BEGIN, BEGIN + INT64_C(86400000));
  merge_round(h);
  read_day(path, names[TAGS], BEGIN, BEGIN + INT64_C(86400000));
  tl_history_close(h);
  return 0;
}
