/* spec/payload/time_support.h — what the specs of times share: the system's zone files, three
** zones, masks. */
#ifndef SPEC_PAYLOAD_TIME_SUPPORT_H
#define SPEC_PAYLOAD_TIME_SUPPORT_H

#include "payload/timemask.h"
#include "support/spec.h"

#define AT INT64_C(1571833964546) /* 2019-10-23T12:32:44.546Z, a Wednesday */
#define DAY INT64_C(1571788800000)

static tl_zone *bratislava, *plus_one, *india;

/* A file of the system's zones; owned, exactly as large as the file. */
static inline tl_slice zone_file (const char *name) {
  static uint8_t bytes[1 << 16];
  char path[128];
  snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
  FILE *f = fopen(path, "rb");
  if (f == NULL) fail_msg("%s: not there (Debian package tzdata)", path);
  size_t n = fread(bytes, 1, sizeof bytes, f);
  fclose(f);
  return tl_slice_of(exact_copy(bytes, n), n);
}

static inline tl_zone *zone_of (const char *name) {
  tl_slice file = zone_file(name);
  tl_zone *z = NULL;
  tl_err err;
  if (tl_zone_tzif(&z, file, &err) != TL_OK) fail_msg("%s: %s at %zu", name, err.text, err.at);
  free((void *)(uintptr_t)file.at);
  return z;
}

static inline int zones_begin (void **state) {
  (void)state;
  bratislava = zone_of("Europe/Bratislava");
  return tl_zone_fixed(&plus_one, 3600) | tl_zone_fixed(&india, 19800);
}

static inline int zones_end (void **state) {
  (void)state;
  tl_zone_free(bratislava);
  tl_zone_free(plus_one);
  tl_zone_free(india);
  return 0;
}

static inline tl_timemask *mask_of (const char *mask) {
  tl_timemask *m = NULL;
  tl_err err;
  if (tl_timemask_new(&m, tl_slice_str(mask), &err) != TL_OK) fail_msg("%s: %s", mask, err.text);
  return m;
}

/* Reads from memory that ends where the text ends. */
static inline int read_exact (const tl_timemask *m, const tl_zone *zone, tl_slice text,
                              int64_t *ms) {
  uint8_t *copy = exact_copy(text.at, text.len);
  int rc = tl_timemask_parse(m, zone, tl_slice_of(copy, text.len), ms);
  free(copy);
  return rc;
}

#endif
