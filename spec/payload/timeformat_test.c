/* spec/payload/timeformat_test.c — time masks: what is written, and that it reads back; random
** masks and texts. */
#include "time_support.h"

static uint64_t seed = 7;

static uint64_t roll (void) { return random_next(&seed); }

/* --- writing --- */

static void writes (const tl_zone *zone, const char *mask, int64_t ms, const char *want) {
  tl_timemask *m = mask_of(mask);
  tl_buf out;
  tl_buf_init(&out);
  tl_timemask_format(m, zone, ms, &out);
  assert_false(out.failed);
  if (out.len != strlen(want) || memcmp(out.at, want, out.len) != 0)
    fail_msg("%s: '%.*s', not '%s'", mask, (int)out.len, (const char *)out.at, want);
  tl_buf_fini(&out);
  tl_timemask_free(m);
}

static void writes_every_token (void **state) {
  (void)state;
  writes(NULL, TL_TIMEMASK_DEFAULT, AT, "2019-10-23 12:32:44.546");
  writes(bratislava, TL_TIMEMASK_DEFAULT, AT, "2019-10-23 14:32:44.546");
  writes(NULL, "rrrr rr yyyy yy", AT, "2019 19 2019 19");
  writes(NULL, "[tttt, dd.mm.yy hh:mi]", AT, "[Wednesday, 23.10.19 12:32]");
  writes(NULL, "ttt tt yyyy-mm-dd", AT - 3 * 86400000, "Sun Su 2019-10-20");
  writes(NULL, "tttt yyyy-mm-dd", -1, "Wednesday 1969-12-31");
  writes(NULL, "yyyymmddhhmissmss", 5, "19700101000000005");
  writes(NULL, "20yy-mm-ddThh:00:00", AT, "2019-10-23T12:00:00");
  writes(bratislava, "yyyy-mm-dd hh:mi ZZZ ZZZZZ ZZZZZZ", AT, "2019-10-23 14:32 +02 +0200 +02:00");
  writes(NULL, "yyyy-mm-dd hh:mi:ssZZZZZZ", AT, "2019-10-23 12:32:44+00:00");
  writes(india, "yyyy-mm-dd hh:miZZZZZZ", AT, "2019-10-23 18:02+05:30");
  writes(india, "yyyy-mm-dd hh:miZZZ", AT, "2019-10-23 17:32+05");
  writes(NULL, "UNIX", AT, "1571833964.546");
  writes(NULL, "UNIX", AT - 546, "1571833964");
  writes(NULL, "UNIX", 5, "0.005");
  writes(NULL, "UNIX", -5, "-0.005");
  writes(NULL, "UNIX", -1500, "-1.500");
  writes(NULL, "UNIXMS", AT, "1571833964546");
  writes(india, "UNIXMS", -1, "-1");
  writes(NULL, "ISO8601", AT, "2019-10-23T12:32:44.546Z");
  writes(bratislava, "ISO8601", AT, "2019-10-23T14:32:44.546+02:00");
  tl_zone *west;
  assert_int_equal(tl_zone_fixed(&west, -12601), TL_OK); /* -03:30:01 */
  writes(west, "ISO8601", AT, "2019-10-23T09:02:44.546-03:30");
  writes(west, "yyyy-mm-dd hh:mi:ss ZZZZZ", AT, "2019-10-23 09:02:44 -0330");
  tl_zone_free(west);
}

static void writes_local_to_the_zone_that_stands_in_the_mask (void **state) {
  (void)state;
  writes(bratislava, "yyyy-mm-ddThh:mi:ss.mssZ", AT, "2019-10-23T12:32:44.546Z");
  writes(bratislava, "yyyy-mm-dd hh:mi:ss UTC", AT, "2019-10-23 12:32:44 UTC");
  writes(bratislava, "yyyy-mm-dd hh:mi:ss+05:30", AT, "2019-10-23 18:02:44+05:30");
  writes(bratislava, "hh:miZ dd.mm.yyyy", AT, "12:32Z 23.10.2019");
  writes(bratislava, "yyyy-mm-dd hh:mi Zone", AT, "2019-10-23 14:32 Zone");
}

static void clamps_times_that_are_none (void **state) {
  (void)state;
  writes(NULL, TL_TIMEMASK_DEFAULT, INT64_MAX, "9999-12-31 23:59:59.999");
  writes(NULL, TL_TIMEMASK_DEFAULT, INT64_MIN, "0001-01-01 00:00:00.000");
  writes(NULL, "UNIXMS", INT64_MAX, "253402300799999");
  writes(NULL, "ISO8601", INT64_MIN, "0001-01-01T00:00:00.000Z");
}

/* --- one against the other --- */

/* A random mask: each component once, in random order, with separators of random kinds (or
** none: then the tokens are fixed in width). */
static void random_mask (char *mask, int *finest) {
  static const char *const words[] = { "yyyy", "mm", "dd", "hh", "mi", "ss", "mss" };
  static const char *const separators[] = { "-", ".", " ", ":", "/", "T", ", at ", "" };
  int count = 1 + (int)(roll() % 7), order[7];
  for (int i = 0; i < count; i++) order[i] = i;
  if (roll() % 2) {
    for (int i = count - 1; i > 0; i--) {
      int k = (int)(roll() % (uint64_t)(i + 1)), swap = order[i];
      order[i] = order[k];
      order[k] = swap;
    }
  }
  *mask = 0;
  for (int i = 0; i < count; i++) {
    if (i > 0 && order[i] == 6)
      strcat(mask, "."); /* a fraction is known by its own separator */
    else if (i > 0)
      strcat(mask, separators[roll() % COUNT(separators)]);
    if (order[i] == 0 && roll() % 2)
      strcat(mask, roll() % 2 ? "rrrr" : "yy");
    else
      strcat(mask, words[order[i]]);
  }
  if (roll() % 3 == 0) strcat(mask, " tttt");
  if (count > 3 && roll() % 3 == 0) strcat(mask, " ZZZZZZ");
  *finest = count;
}

static void reads_back_what_it_writes (void **state) {
  (void)state;
  static const int64_t unit[] = { 0, 0, 0, 86400000, 3600000, 60000, 1000, 1 };
  const tl_zone *zones[] = { NULL, plus_one, india };
  for (int n = 0; n < 20000; n++) {
    char mask[128];
    int finest;
    random_mask(mask, &finest);
    tl_timemask *m = mask_of(mask);
    const tl_zone *zone = zones[roll() % 3];
    int64_t ms = (int64_t)(roll() % UINT64_C(3155760000000)), again = -1; /* 1970 … 2069 */
    tl_buf first, second;
    tl_buf_init(&first);
    tl_buf_init(&second);
    tl_timemask_format(m, zone, ms, &first);
    int rc = read_exact(m, zone, tl_buf_bytes(&first), &again);
    if (rc != TL_OK)
      fail_msg("'%s' wrote '%.*s' and cannot read it: %d", mask, (int)first.len,
               (const char *)first.at, rc);
    tl_timemask_format(m, zone, again, &second);
    bool close = finest < 3 || (again <= ms && ms - again < unit[finest]);
    if (!close || !tl_slice_eq(tl_buf_bytes(&first), tl_buf_bytes(&second)))
      if (strstr(mask, "tttt") == NULL || finest >= 3)
        fail_msg("'%s': %lld, '%.*s', %lld", mask, (long long)ms, (int)first.len,
                 (const char *)first.at, (long long)again);
    tl_buf_fini(&first);
    tl_buf_fini(&second);
    tl_timemask_free(m);
  }
}

static void reads_back_whole_masks_over_all_times (void **state) {
  (void)state;
  static const char *const masks[] = { "UNIX", "UNIXMS", "ISO8601", "yyyy-mm-ddThh:mi:ss.mssZ",
                                       "tttt dd.mm.yyyy hh:mi:ss.mss ZZZZZ" };
  for (size_t i = 0; i < COUNT(masks); i++) {
    tl_timemask *m = mask_of(masks[i]);
    for (int n = 0; n < 10000; n++) {
      int64_t span = TL_TIME_MAX_MS - TL_TIME_MIN_MS - 4 * 86400000, again = 0;
      int64_t ms = (int64_t)(roll() % (uint64_t)span) + TL_TIME_MIN_MS + 2 * 86400000;
      const tl_zone *zone = n % 2 ? india : bratislava;
      /* local mean time of 1890 has seconds */
      if (zone == bratislava && i != 3 && ms < 0) ms = -ms % TL_TIME_MAX_MS;
      tl_buf text;
      tl_buf_init(&text);
      tl_timemask_format(m, zone, ms, &text);
      int rc = read_exact(m, zone, tl_buf_bytes(&text), &again);
      if (rc != TL_OK || again != ms)
        fail_msg("'%s': %lld, '%.*s', %lld", masks[i], (long long)ms, (int)text.len,
                 (const char *)text.at, (long long)again);
      tl_buf_fini(&text);
    }
    tl_timemask_free(m);
  }
}

static void survives_random_masks_and_texts (void **state) {
  (void)state;
  static const char letters[] = "yyyymmddhhmissmssrrttZZZZZ-:. T,+019AB\xffU";
  int compiled = 0, read = 0;
  for (int n = 0; n < 100000; n++) {
    uint8_t mask[40], text[60];
    size_t mask_len = roll() % sizeof mask, text_len = roll() % sizeof text;
    for (size_t i = 0; i < mask_len; i++) mask[i] = (uint8_t)letters[roll() % (sizeof letters - 1)];
    if (roll() % 2 && mask_len >= 10) memcpy(mask, "yyyy-mm-dd", 10);
    for (size_t i = 0; i < text_len; i++)
      text[i] = (uint8_t) "0123456789012345 -:.,TZ+UTCAB\xff\n"[roll() % 31];
    if (roll() % 2 && text_len >= 11) memcpy(text, "2019-10-23 ", 11);
    tl_timemask *m;
    if (tl_timemask_new(&m, tl_slice_of(mask, mask_len), NULL) != TL_OK) continue;
    compiled++;
    int64_t ms = INT64_MIN;
    if (read_exact(m, n % 2 ? bratislava : NULL, tl_slice_of(text, text_len), &ms) == TL_OK) {
      read++;
      assert_true(ms >= TL_TIME_MIN_MS && ms <= TL_TIME_MAX_MS);
    } else {
      assert_true(ms == INT64_MIN);
    }
    tl_timemask_free(m);
  }
  assert_true(compiled > 10000 && read > 1000);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(writes_every_token),
    cmocka_unit_test(writes_local_to_the_zone_that_stands_in_the_mask),
    cmocka_unit_test(clamps_times_that_are_none),
    cmocka_unit_test(reads_back_what_it_writes),
    cmocka_unit_test(reads_back_whole_masks_over_all_times),
    cmocka_unit_test(survives_random_masks_and_texts),
  };
  return cmocka_run_group_tests_name("payload.timeformat", tests, zones_begin, zones_end);
}
