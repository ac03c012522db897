/* scripts/fuzz/timemask.c — libFuzzer target for masks, texts and zone files: MASK NUL TEXT
** [NUL ZONE-FILE]. clang -g -O1 -fsanitize=fuzzer,address,undefined -std=c11 -D_GNU_SOURCE
** -Icore scripts/fuzz/timemask.c \
**   core/payload/{time,zone,tzif,json}*.c core/base/{err,buf,number,format,utf8,map}.c -lm -o
**   fuzz-timemask
** ./fuzz-timemask CORPUS scripts/fuzz/seeds/timemask */
#include <stdlib.h>

#include "payload/timemask.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Bytes up to the next NUL, copied into memory that ends with them. */
static tl_slice next_part (const uint8_t **at, const uint8_t *end) {
  const uint8_t *nul = *at < end ? memchr(*at, 0, (size_t)(end - *at)) : NULL;
  size_t n = (size_t)((nul != NULL ? nul : end) - *at);
  uint8_t *copy = malloc(n > 0 ? n : 1);
  if (copy == NULL) abort();
  if (n > 0) memcpy(copy, *at, n);
  *at += n + (nul != NULL);
  return tl_slice_of(copy, n);
}

static void must (bool condition) {
  if (!condition) abort();
}

/* Whatever a zone says, going to local time and back comes to a time that has the same local
** time. */
static void check_zone (const tl_zone *zone, int64_t seconds) {
  int64_t local = seconds + tl_zone_offset(zone, seconds), later = 0, earlier = 0;
  must(tl_zone_to_utc(zone, local, &later) == TL_OK &&
       tl_zone_to_utc_earlier(zone, local, &earlier) == TL_OK);
  must(earlier <= seconds && seconds <= later);
  must(later + tl_zone_offset(zone, later) == local &&
       earlier + tl_zone_offset(zone, earlier) == local);
}

static void check_mask (const tl_timemask *m, const tl_zone *zone, tl_slice text) {
  int64_t ms = INT64_MIN;
  tl_buf out;
  tl_buf_init(&out);
  int rc = tl_timemask_parse(m, zone, text, &ms);
  must(rc == TL_OK ? ms >= TL_TIME_MIN_MS && ms <= TL_TIME_MAX_MS : ms == INT64_MIN);
  if (rc == TL_OK && zone != NULL) check_zone(zone, ms / 1000);
  tl_timemask_format(m, zone, ms, &out);
  tl_timemask_parse(m, zone, tl_buf_bytes(&out), &ms);
  tl_buf_fini(&out);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  const uint8_t *at = data, *end = data + size;
  tl_slice mask = next_part(&at, end), text = next_part(&at, end);
  tl_zone *zone = NULL;
  tl_timemask *m = NULL;
  tl_err err = { .at = 0 };
  if (tl_zone_tzif(&zone, tl_slice_of(at, (size_t)(end - at)), &err) != TL_OK)
    must(err.at <= (size_t)(end - at));
  if (tl_timemask_new(&m, mask, &err) == TL_OK)
    check_mask(m, zone, text);
  else
    must(err.at <= mask.len);
  tl_timemask_free(m);
  tl_zone_free(zone);
  free((void *)(uintptr_t)mask.at);
  free((void *)(uintptr_t)text.at);
  return 0;
}
