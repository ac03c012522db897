/* spec/payload/zone_test.c — time zones against the C library, over the system's zone files and
** over footers of our own. */
#include <time.h>

#include "time_support.h"

#define YEAR INT64_C(31556952) /* in the mean of 400 years, which makes 400 of them exact */

static const char *const zones[] = {
  "Europe/Bratislava",  "Europe/London",    "Europe/Dublin",       "Europe/Moscow",
  "Europe/Lisbon",      "Europe/Istanbul",  "America/New_York",    "America/St_Johns",
  "America/Sao_Paulo",  "America/Havana",   "America/Caracas",     "America/Santiago",
  "America/Godthab",    "America/Phoenix",  "America/Anchorage",   "America/Argentina/San_Luis",
  "Asia/Kathmandu",     "Asia/Kolkata",     "Asia/Tehran",         "Asia/Gaza",
  "Asia/Jerusalem",     "Asia/Pyongyang",   "Asia/Tokyo",          "Africa/Casablanca",
  "Africa/Cairo",       "Africa/Monrovia",  "Australia/Lord_Howe", "Australia/Adelaide",
  "Australia/Eucla",    "Pacific/Apia",     "Pacific/Auckland",    "Pacific/Chatham",
  "Pacific/Kiritimati", "Antarctica/Troll", "Atlantic/Azores",     "Etc/GMT+12",
};

static uint64_t seed = 1;

static uint64_t roll (void) { return random_next(&seed); }

/* --- zone files --- */

typedef struct {
  uint8_t bytes[4096];
  size_t len;
} maker;

static void put (maker *m, const void *bytes, size_t n) {
  assert_true(n <= sizeof m->bytes - m->len);
  memcpy(m->bytes + m->len, bytes, n);
  m->len += n;
}

static void put_number (maker *m, int64_t n, int width) {
  for (int i = width - 1; i >= 0; i--) {
    uint8_t byte = (uint8_t)((uint64_t)n >> (8 * i));
    put(m, &byte, 1);
  }
}

typedef struct {
  int64_t at;
  int type;
} change;

static void put_block (maker *m, char version, int width, const int32_t *offsets, int types,
                       const change *changes, int n) {
  put(m, "TZif", 4);
  put(m, &version, 1);
  put(m, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15);
  int32_t counts[6] = { 0, 0, 0, n, types, 4 };
  for (int i = 0; i < 6; i++) put_number(m, counts[i], 4);
  for (int i = 0; i < n; i++) put_number(m, changes[i].at, width);
  for (int i = 0; i < n; i++) put_number(m, changes[i].type, 1);
  for (int i = 0; i < types; i++) {
    put_number(m, offsets[i], 4);
    put(m, "\0\0", 2);
  }
  put(m, "ABC", 4);
}

/* A file of version 3 with these changes and this footer. */
static maker file_with (const int32_t *offsets, int types, const change *changes, int n,
                        const char *footer) {
  maker m = { .len = 0 };
  static const int32_t zero = 0;
  put_block(&m, '3', 4, &zero, 1, NULL, 0);
  put_block(&m, '3', 8, offsets, types, changes, n);
  put(&m, "\n", 1);
  put(&m, footer, strlen(footer));
  put(&m, "\n", 1);
  return m;
}

static maker file_with_footer (const char *footer) {
  static const int32_t zero = 0;
  return file_with(&zero, 1, NULL, 0, footer);
}

static int read_maker (const maker *m, tl_zone **z, tl_err *err) {
  uint8_t *exact = exact_copy(m->bytes, m->len);
  int rc = tl_zone_tzif(z, tl_slice_of(exact, m->len), err);
  free(exact);
  return rc;
}

static tl_zone *zone_with_footer (const char *footer) {
  maker m = file_with_footer(footer);
  tl_zone *z = NULL;
  tl_err err;
  if (read_maker(&m, &z, &err) != TL_OK) fail_msg("%s: %s", footer, err.text);
  return z;
}

/* --- the C library's opinion --- */

static void library_zone (const char *name) {
  setenv("TZ", name, 1);
  tzset();
}

static int32_t library_offset (int64_t utc) {
  time_t t = (time_t)utc;
  struct tm tm;
  assert_non_null(localtime_r(&t, &tm));
  return (int32_t)tm.tm_gmtoff;
}

static void check_offset (const char *name, const tl_zone *z, int64_t utc) {
  int32_t ours = tl_zone_offset(z, utc), theirs = library_offset(utc);
  if (ours != theirs)
    fail_msg("%s at %lld: %d, the C library has %d", name, (long long)utc, ours, theirs);
}

/* Local time to UTC, where only the offsets a and b can be in force: the expected answer by
** trying both. */
static void check_local (const char *name, const tl_zone *z, int64_t local, int32_t a, int32_t b) {
  int64_t first = local - (a > b ? a : b), second = local - (a > b ? b : a);
  bool first_ok = library_offset(first) == local - first,
       second_ok = library_offset(second) == local - second;
  int64_t later = -1, earlier = -1;
  int rc = tl_zone_to_utc(z, local, &later),
      rc_earlier = tl_zone_to_utc_earlier(z, local, &earlier);
  int want = first_ok || second_ok ? TL_OK : TL_ENOENT;
  if (rc != want || rc_earlier != want)
    fail_msg("%s local %lld: result %d and %d, not %d", name, (long long)local, rc, rc_earlier,
             want);
  if (want != TL_OK) return;
  if (later != (second_ok ? second : first) || earlier != (first_ok ? first : second))
    fail_msg("%s local %lld: %lld and %lld", name, (long long)local, (long long)later,
             (long long)earlier);
}

static void check_change (const char *name, const tl_zone *z, int64_t before, int64_t after) {
  int32_t old = library_offset(before);
  while (after - before > 1) {
    int64_t middle = before + (after - before) / 2;
    if (library_offset(middle) == old)
      before = middle;
    else
      after = middle;
  }
  int32_t new = library_offset(after);
  check_offset(name, z, before);
  check_offset(name, z, after);
  for (int64_t at = after + (old < new ? old : new) - 2; at <= after + (old < new ? old : new) + 1;
       at++)
    check_local(name, z, at, old, new);
  for (int64_t at = after + (old < new ? new : old) - 2; at <= after + (old < new ? new : old) + 1;
       at++)
    check_local(name, z, at, old, new);
  check_local(name, z, after + (old + new) / 2, old, new);
}

static int sweep (const char *name, const tl_zone *z, int64_t from, int64_t to) {
  const int64_t step = 36 * 3600 + 1801; /* so that over the days each time of day is met */
  int changes = 0;
  int32_t last = library_offset(from);
  for (int64_t t = from; t < to; t += step) {
    check_offset(name, z, t);
    int32_t now = library_offset(t);
    if (now != last) {
      check_change(name, z, t - step, t);
      changes++;
    } else {
      check_local(name, z, t + now, now, library_offset(t + step));
    }
    last = now;
  }
  return changes;
}

static void agrees_with_the_c_library_from_1970_to_2100 (void **state) {
  (void)state;
  int changes = 0;
  for (size_t i = 0; i < COUNT(zones); i++) {
    tl_zone *z = zone_of(zones[i]);
    library_zone(zones[i]);
    changes += sweep(zones[i], z, 0, 130 * YEAR);
    tl_zone_free(z);
  }
  assert_true(changes > 4000);
}

static void agrees_with_the_c_library_at_random_times_of_two_thousand_years (void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(zones); i++) {
    tl_zone *z = zone_of(zones[i]);
    library_zone(zones[i]);
    for (int n = 0; n < 2000; n++)
      check_offset(zones[i], z, (int64_t)(roll() % (uint64_t)(2000 * YEAR)) - 70 * YEAR);
    tl_zone_free(z);
  }
}

static void reads_every_kind_of_footer (void **state) {
  (void)state;
  static const char *const footers[] = {
    "CET-1CEST,M3.5.0,M10.5.0/3",
    "<+03>-3",
    "UTC0",
    "EST5EDT,M3.2.0,M11.1.0",
    "EST5EDT4,M3.2.0/2:00:00,M11.1.0",
    "NZST-12NZDT,M9.5.0,M4.1.0/3",
    "IST-1GMT0,M10.5.0,M3.5.0/1",
    "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
    "EET-2EEST,J60/0,J300/23:30:15",
    "AAA3BBB,58,300/2",
    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
    "<-0330>+3:30<-0230>,M3.2.0,M11.1.0",
    "IST-2IDT,M3.4.4/26,M10.5.0",
    "<+00>0<+02>-2,M3.5.0/1,M10.5.0/3",
    "EET-2EEST,M3.4.4/50,M10.4.4/50",
    "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
    "AAA-1BBB-3,M2.2.1/0,M2.5.6/24",
    "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
    "LMT-1:02:03",
    "<x11>24<y22>23,10/-30,200/100",
  };
  for (size_t i = 0; i < COUNT(footers); i++) {
    tl_zone *z = zone_with_footer(footers[i]);
    library_zone(footers[i]);
    sweep(footers[i], z, 5 * YEAR, 130 * YEAR);
    for (int n = 0; n < 5000; n++) {
      int64_t t = (int64_t)(roll() % (uint64_t)(3000 * YEAR)) + 2 * YEAR,
              cycle = 400 * YEAR; /* the library knows no rule before 1970 */
      check_offset(footers[i], z, t);
      assert_int_equal(tl_zone_offset(z, t - 10 * cycle), tl_zone_offset(z, t));
    }
    tl_zone_free(z);
  }
}

static void takes_the_american_rule_where_the_footer_names_none (void **state) {
  (void)state;
  tl_zone *z = zone_with_footer("XST5XDT"), *american = zone_with_footer("EST5EDT,M3.2.0,M11.1.0");
  for (int n = 0; n < 5000; n++) {
    int64_t t = (int64_t)(roll() % (uint64_t)(100 * YEAR));
    assert_int_equal(tl_zone_offset(z, t), tl_zone_offset(american, t));
  }
  tl_zone_free(z);
  tl_zone_free(american);
}

static void keeps_summer_all_the_year_where_it_ends_as_it_starts (void **state) {
  (void)state;
  tl_zone *z = zone_with_footer("XXX5YYY,0/0,J365/25"); /* RFC 8536 section 3.3.1 */
  for (int n = 0; n < 5000; n++)
    assert_int_equal(tl_zone_offset(z, (int64_t)(roll() % (uint64_t)(1000 * YEAR)) - 500 * YEAR),
                     -14400);
  tl_zone_free(z);
  static const int32_t offsets[] = { -14400 };
  static const change changes[] = { { 1000000000, 0 } };
  maker m = file_with(offsets, 1, changes, 1, "XXX5YYY,0/0,J365/25");
  assert_int_equal(read_maker(&m, &z, NULL), TL_OK);
  for (int n = 0; n < 5000; n++)
    assert_int_equal(tl_zone_offset(z, (int64_t)(roll() % (uint64_t)(1000 * YEAR))), -14400);
  tl_zone_free(z);
}

static void counts_days_of_a_j_rule_without_29_february (void **state) {
  (void)state;
  tl_zone *z = zone_with_footer("AAA0BBB,J60/0,J61/0");  /* the first of March */
  assert_int_equal(tl_zone_offset(z, 1709164800), 0);    /* 2024-02-29 */
  assert_int_equal(tl_zone_offset(z, 1709251200), 3600); /* 2024-03-01 */
  assert_int_equal(tl_zone_offset(z, 1677628800), 3600); /* 2023-03-01 */
  tl_zone_free(z);
  z = zone_with_footer("AAA0BBB,59/0,60/0"); /* the sixtieth day, whatever it is called */
  assert_int_equal(tl_zone_offset(z, 1709164800), 3600);
  assert_int_equal(tl_zone_offset(z, 1709251200), 0);
  assert_int_equal(tl_zone_offset(z, 1677628800), 3600);
  tl_zone_free(z);
}

static void goes_on_with_the_footer_behind_the_last_change (void **state) {
  (void)state;
  static const int32_t offsets[] = { 1234, 3600, 7200 };
  /* the last: 2001-10-28 01:00 */
  static const change changes[] = { { -1000000000, 1 }, { 1000000000, 2 }, { 1004230800, 1 } };
  maker m = file_with(offsets, 3, changes, 3, "CET-1CEST,M3.5.0,M10.5.0/3");
  tl_zone *z;
  assert_int_equal(read_maker(&m, &z, NULL), TL_OK);
  assert_int_equal(tl_zone_offset(z, -1000000001), 1234);
  assert_int_equal(tl_zone_offset(z, -1000000000), 3600);
  assert_int_equal(tl_zone_offset(z, 1000000000), 7200);
  library_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  for (int n = 0; n < 20000; n++)
    check_offset("footer", z, 1004230800 + (int64_t)(roll() % (uint64_t)(5000 * YEAR)));
  tl_zone_free(z);
}

static void holds_the_last_offset_where_there_is_no_footer (void **state) {
  (void)state;
  static const int32_t offsets[] = { 0, 3600 };
  static const change changes[] = { { 0, 1 } };
  maker m = file_with(offsets, 2, changes, 1, "");
  tl_zone *z;
  assert_int_equal(read_maker(&m, &z, NULL), TL_OK);
  assert_int_equal(tl_zone_offset(z, -1), 0);
  assert_int_equal(tl_zone_offset(z, 0), 3600);
  assert_int_equal(tl_zone_offset(z, INT64_MAX), 3600);
  assert_int_equal(tl_zone_offset(z, INT64_MIN), 0);
  tl_zone_free(z);
}

static void reads_a_file_of_version_1 (void **state) {
  (void)state;
  static const int32_t offsets[] = { -3600, 3600 };
  static const change changes[] = { { -2000000000, 1 }, { 5, 0 } };
  maker m = { .len = 0 };
  put_block(&m, '\0', 4, offsets, 2, changes, 2);
  tl_zone *z;
  assert_int_equal(read_maker(&m, &z, NULL), TL_OK);
  assert_int_equal(tl_zone_offset(z, -2000000001), -3600);
  assert_int_equal(tl_zone_offset(z, -2000000000), 3600);
  assert_int_equal(tl_zone_offset(z, 5), -3600);
  tl_zone_free(z);
}

/* --- vectors --- */

static void to_utc (const tl_zone *z, int64_t local, int64_t want) {
  int64_t utc = 0;
  assert_int_equal(tl_zone_to_utc(z, local, &utc), TL_OK);
  assert_int_equal(utc, want);
}

static void knows_summer_and_winter_in_bratislava (void **state) {
  (void)state;
  tl_zone *z = zone_of("Europe/Bratislava");
  to_utc(z, 1122872400, 1122865200); /* 2005-08-01 05:00 is 03:00 UTC */
  to_utc(z, 1104552000, 1104548400); /* 2005-01-01 04:00 is 03:00 UTC */
  to_utc(z, 1249137000, 1249129800); /* 2009-08-01 14:30 is 12:30 UTC */
  to_utc(z, 1230820200, 1230816600); /* 2009-01-01 14:30 is 13:30 UTC */
  int64_t untouched = 77;
  for (int64_t local = 1774749600; local < 1774753200; local += 60) /* 2026-03-29 02:00 … 02:59 */
    assert_int_equal(tl_zone_to_utc(z, local, &untouched), TL_ENOENT);
  assert_int_equal(untouched, 77);
  to_utc(z, 1774749599, 1774745999);
  to_utc(z, 1774753200, 1774746000);
  to_utc(z, 1792893600, 1792890000); /* 2026-10-25 02:00 is the later, 01:00 UTC */
  to_utc(z, 1792897199, 1792893599);
  to_utc(z, 1792893599, 1792886399);
  int64_t utc;
  assert_int_equal(tl_zone_to_utc_earlier(z, 1792893600, &utc), TL_OK);
  assert_int_equal(utc, 1792886400);
  tl_zone_free(z);
}

static void misses_a_whole_day_in_samoa (void **state) {
  (void)state;
  tl_zone *z = zone_of("Pacific/Apia");
  int64_t utc;
  for (int64_t local = 1325203200; local < 1325289600; local += 600) /* 2011-12-30 */
    assert_int_equal(tl_zone_to_utc(z, local, &utc), TL_ENOENT);
  to_utc(z, 1325203199, 1325239199);
  to_utc(z, 1325289600, 1325239200);
  tl_zone_free(z);
}

static void keeps_a_fixed_offset_for_all_times (void **state) {
  (void)state;
  tl_zone *z;
  assert_int_equal(tl_zone_fixed(&z, -19800), TL_OK);
  assert_int_equal(tl_zone_offset(z, 0), -19800);
  assert_int_equal(tl_zone_offset(z, INT64_MIN), -19800);
  to_utc(z, 0, 19800);
  int64_t utc;
  assert_int_equal(tl_zone_to_utc_earlier(z, 0, &utc), TL_OK);
  assert_int_equal(utc, 19800);
  assert_int_equal(tl_zone_to_utc(z, INT64_MAX, &utc), TL_OK); /* no overflow, whatever it is */
  assert_int_equal(tl_zone_to_utc(z, INT64_MIN, &utc), TL_OK);
  tl_zone_free(z);
  z = NULL;
  assert_int_equal(tl_zone_fixed(&z, 93600), TL_ERANGE);
  assert_int_equal(tl_zone_fixed(&z, -90000), TL_ERANGE);
  assert_null(z);
  assert_int_equal(tl_zone_offset(tl_zone_utc(), 1234567890), 0);
  to_utc(tl_zone_utc(), 1234567890, 1234567890);
  tl_zone_free((tl_zone *)(uintptr_t)tl_zone_utc());
  tl_zone_free(NULL);
  assert_int_equal(tl_zone_offset(tl_zone_utc(), 1), 0);
}

/* --- files that are none --- */

static void refuses_a_file_cut_at_any_length (void **state) {
  (void)state;
  static const char *const names[] = { "Europe/Bratislava", "America/New_York", "Asia/Kathmandu",
                                       "Etc/UTC" };
  for (size_t i = 0; i < COUNT(names); i++) {
    tl_slice file = zone_file(names[i]);
    for (size_t n = 0; n < file.len; n++) {
      uint8_t *cut = malloc(n > 0 ? n : 1);
      assert_non_null(cut);
      memcpy(cut, file.at, n);
      tl_zone *z = NULL;
      tl_err err = { .code = 0 };
      assert_int_equal(tl_zone_tzif(&z, tl_slice_of(cut, n), &err), TL_EMALFORMED);
      assert_null(z);
      assert_int_equal(err.code, TL_EMALFORMED);
      assert_true(err.at <= n && err.text[0] != 0);
      free(cut);
    }
    free((void *)(uintptr_t)file.at);
  }
}

static void refuses (const maker *m, int code, size_t at, const char *text) {
  tl_zone *z = NULL;
  tl_err err = { .code = 0 };
  assert_int_equal(read_maker(m, &z, &err), code);
  assert_null(z);
  assert_int_equal(err.at, at);
  if (strstr(err.text, text) == NULL) fail_msg("'%s' does not say '%s'", err.text, text);
}

static void says_what_is_wrong_with_a_file (void **state) {
  (void)state;
  enum { SECOND = 44 + 6 + 4, DATA = SECOND + 44 }; /* of a file without changes */
  static const int32_t offsets[] = { 0, 3600 };
  static const change changes[] = { { 0, 1 }, { 10, 0 } };
  maker m = file_with(offsets, 2, changes, 2, "UTC0");
  tl_zone *z;
  assert_int_equal(read_maker(&m, &z, NULL), TL_OK);
  tl_zone_free(z);
  const struct {
    size_t at; /* of the byte that is wrong */
    uint8_t byte;
    size_t told; /* where the error says it is */
    const char *text;
  } rows[] = {
    { 0, 't', 0, "TZif" },
    { SECOND + 1, 0, SECOND, "TZif" },
    { SECOND + 39, 0, SECOND + 36, "without types" },
    { SECOND + 43, 0, SECOND + 36, "without types" },
    { SECOND + 23, 1, SECOND + 20, "indicators" },
    { SECOND + 27, 1, SECOND + 20, "indicators" },
    { DATA + 16, 2, DATA + 16, "type it does not have" },
    { DATA + 15, 0, DATA + 8, "not in order" },
    { m.len - 6, 'x', m.len - 6, "no footer" },
  };
  maker bad;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bad = m;
    bad.bytes[rows[i].at] = rows[i].byte;
    refuses(&bad, TL_EMALFORMED, rows[i].told, rows[i].text);
  }
  bad = m;
  bad.bytes[SECOND + 31] = 1; /* one leap second, whose 12 bytes the footer stands for */
  put(&bad, "............", 12);
  refuses(&bad, TL_ETYPE, DATA, "leap seconds");
  for (int i = 0; i < 8; i++) { /* counts of 2^32 - 1, in either header */
    bad = m;
    memset(bad.bytes + (i < 4 ? SECOND : 0) + 28 + 4 * (i % 4), 0xff, 4);
    refuses(&bad, TL_EMALFORMED, bad.len, "ends in its data");
  }
  bad = m;
  memset(bad.bytes + DATA + 18, 0x7f, 4);
  refuses(&bad, TL_EMALFORMED, DATA + 18, "offset of");
}

static void refuses_footers_that_are_no_rules (void **state) {
  (void)state;
  static const char *const bad[] = {
    "C",
    "CE-1",
    "CET",
    "CET-",
    "CET-25",
    "CET-1:60",
    "CET-1:00:60",
    "CET-1CE",
    "CET-1CEST,",
    "CET-1CEST,M3.5.0",
    "CET-1CEST,M3.5.0,",
    "CET-1CEST,M0.5.0,M10.5.0",
    "CET-1CEST,M13.5.0,M10.5.0",
    "CET-1CEST,M3.0.0,M10.5.0",
    "CET-1CEST,M3.6.0,M10.5.0",
    "CET-1CEST,M3.5.7,M10.5.0",
    "CET-1CEST,M3.5,M10.5.0",
    "CET-1CEST,J0,J5",
    "CET-1CEST,J366,J5",
    "CET-1CEST,366,5",
    "CET-1CEST,1/168,5",
    "CET-1CEST,1/-168,5",
    "CET-1CEST,1/,5",
    "CET-1CEST,M3.5.0,M10.5.0/3x",
    "CET-1CEST,M3.5.0,M10.5.0,",
    "<+03-3",
    "<>-3",
    "<+03>",
    "<+0 3>-3",
    ":Europe/Bratislava",
    "CET-1CEST-25,1,2",
    "CET-99999999999999999999",
    "CET-1CEST,M99999999999.1.1,5",
    "CET-1 ",
    " CET-1",
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    maker m = file_with_footer(bad[i]);
    tl_zone *z = NULL;
    tl_err err = { .code = 0 };
    if (read_maker(&m, &z, &err) != TL_EMALFORMED) fail_msg("'%s' was read", bad[i]);
    assert_non_null(strstr(err.text, "POSIX rule"));
  }
}

static void survives_random_damage (void **state) {
  (void)state;
  int read = 0;
  for (size_t i = 0; i < COUNT(zones); i++) {
    tl_slice file = zone_file(zones[i]);
    uint8_t *copy = exact_copy(file.at, file.len);
    for (int n = 0; n < 300; n++) {
      memcpy(copy, file.at, file.len);
      for (int k = (int)(roll() % 4); k >= 0; k--) copy[roll() % file.len] = (uint8_t)roll();
      tl_zone *z;
      if (tl_zone_tzif(&z, tl_slice_of(copy, file.len), NULL) != TL_OK) continue;
      read++;
      for (int k = 0; k < 20; k++) {
        int64_t t = (int64_t)roll() >> (roll() % 60), out;
        tl_zone_offset(z, t);
        tl_zone_to_utc(z, t, &out);
        tl_zone_to_utc_earlier(z, t, &out);
      }
      tl_zone_free(z);
    }
    free(copy);
    free((void *)(uintptr_t)file.at);
  }
  assert_true(read > 1000);
}

static void stays_in_bounds_with_changes_at_the_ends_of_time (void **state) {
  (void)state;
  static const int32_t offsets[] = { 93599, -89999 };
  static const change changes[] = { { INT64_MIN, 1 }, { 0, 0 }, { INT64_MAX, 1 } };
  maker m = file_with(offsets, 2, changes, 3, "CET-1CEST,M3.5.0,M10.5.0/3");
  tl_zone *z;
  assert_int_equal(read_maker(&m, &z, NULL), TL_OK);
  static const int64_t times[] = { INT64_MIN, -1, 0, 1, INT64_MAX };
  for (size_t i = 0; i < COUNT(times); i++) {
    int64_t out;
    assert_int_equal(tl_zone_offset(z, times[i]), times[i] < 0 ? -89999 : 93599);
    tl_zone_to_utc(z, times[i], &out);
    tl_zone_to_utc_earlier(z, times[i], &out);
  }
  tl_zone_free(z);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(agrees_with_the_c_library_from_1970_to_2100),
    cmocka_unit_test(agrees_with_the_c_library_at_random_times_of_two_thousand_years),
    cmocka_unit_test(reads_every_kind_of_footer),
    cmocka_unit_test(takes_the_american_rule_where_the_footer_names_none),
    cmocka_unit_test(keeps_summer_all_the_year_where_it_ends_as_it_starts),
    cmocka_unit_test(counts_days_of_a_j_rule_without_29_february),
    cmocka_unit_test(goes_on_with_the_footer_behind_the_last_change),
    cmocka_unit_test(holds_the_last_offset_where_there_is_no_footer),
    cmocka_unit_test(reads_a_file_of_version_1),
    cmocka_unit_test(knows_summer_and_winter_in_bratislava),
    cmocka_unit_test(misses_a_whole_day_in_samoa),
    cmocka_unit_test(keeps_a_fixed_offset_for_all_times),
    cmocka_unit_test(refuses_a_file_cut_at_any_length),
    cmocka_unit_test(says_what_is_wrong_with_a_file),
    cmocka_unit_test(refuses_footers_that_are_no_rules),
    cmocka_unit_test(survives_random_damage),
    cmocka_unit_test(stays_in_bounds_with_changes_at_the_ends_of_time),
  };
  return cmocka_run_group_tests_name("payload.zone", tests, NULL, NULL);
}
