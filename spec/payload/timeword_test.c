/* spec/payload/timeword_test.c — AM and PM, names of zones, finer units than milliseconds, and
** what a text might be instead. */
#include "payload/convert.h"
#include "payload/time_support.h"

static void reads_in (const tl_zone *zone, const char *mask, const char *text, int64_t expected) {
  int64_t ms = 4711;
  tl_timemask *m = mask_of(mask);
  int rc = read_exact(m, zone, tl_slice_str(text), &ms);
  if (rc != TL_OK || ms != expected)
    fail_msg("'%s' by '%s': result %d, %lld, not %lld", text, mask, rc, (long long)ms,
             (long long)expected);
  tl_timemask_free(m);
}

static void refuses (const char *mask, const char *text) {
  int64_t ms = 4711;
  tl_timemask *m = mask_of(mask);
  int rc = read_exact(m, bratislava, tl_slice_str(text), &ms);
  if (rc == TL_OK) fail_msg("'%s' by '%s': %lld", text, mask, (long long)ms);
  assert_int_equal(ms, 4711);
  tl_timemask_free(m);
}

static void writes (const char *mask, int64_t ms, const char *expected) {
  tl_buf out;
  tl_timemask *m = mask_of(mask);
  tl_buf_init(&out);
  tl_timemask_format(m, NULL, ms, &out);
  assert_bytes(tl_buf_bytes(&out), expected);
  int64_t again;
  assert_int_equal(tl_timemask_parse(m, NULL, tl_buf_bytes(&out), &again), TL_OK);
  assert_int_equal(again, ms);
  tl_buf_fini(&out);
  tl_timemask_free(m);
}

static void reads_microseconds_and_nanoseconds_exactly (void **state) {
  (void)state;
  reads_in(NULL, "UNIXNS", "1641667732350000000", INT64_C(1641667732350));
  reads_in(NULL, "UNIXNS", "1641667732350999999", INT64_C(1641667732350));
  reads_in(NULL, "UNIXNS", "1641667732351000000", INT64_C(1641667732351));
  reads_in(NULL, "UNIXUS", "1641667732350999", INT64_C(1641667732350));
  reads_in(bratislava, "UNIXUS", " 1641667732350001\n", INT64_C(1641667732350));
  reads_in(NULL, "UNIXUS", "1641667732350001.9", INT64_C(1641667732350));
  reads_in(NULL, "UNIXNS", "1.64166773235e18", INT64_C(1641667732350));
  reads_in(NULL, "UNIXNS", "999999", 0);
  reads_in(NULL, "UNIXNS", "-1000000", -1);
  reads_in(NULL, "UNIXUS", "-1999", -1);
  reads_in(NULL, "UNIXUS", "0001641667732350000", INT64_C(1641667732350));
  reads_in(NULL, "UNIXNS", "253402300799999999999", TL_TIME_MAX_MS);
  reads_in(NULL, "UNIX", "1641667732.35", INT64_C(1641667732350));
  static const char *const bad[] = { "",
                                     "-",
                                     ".",
                                     "x",
                                     "1641667732350000000Z",
                                     "0x10",
                                     "253402300800000000000",
                                     "1e40",
                                     "99999999999999999999999999999999" };
  for (size_t i = 0; i < COUNT(bad); i++) refuses("UNIXNS", bad[i]);
  writes("UNIXUS", INT64_C(1641667732350), "1641667732350000");
  writes("UNIXNS", INT64_C(1641667732350), "1641667732350000000");
  writes("UNIXNS", TL_TIME_MIN_MS, "-62135596800000000000");
  writes("UNIXNS", 0, "0");
}

static void reads_twelve_hour_clocks (void **state) {
  (void)state;
  const int64_t two = DAY + INT64_C(2) * 3600000 + 3 * 60000 + 4000, pm = INT64_C(12) * 3600000;
  static const char *const am_words[] = { "AM", "am", "a.m.", "A.M.", "Am" };
  char text[64];
  for (size_t i = 0; i < COUNT(am_words); i++) {
    snprintf(text, sizeof text, "10/23/2019 02:03:04 %s", am_words[i]);
    reads_in(NULL, "mm/dd/yyyy hh:mi:ss ap", text, two);
  }
  reads_in(NULL, "mm/dd/yyyy hh:mi:ss ap", "10/23/2019 2:03:04 PM", two + pm);
  reads_in(NULL, "mm/dd/yyyy hh:mi:ss ap", "10/23/2019 2:03:04p.m.", two + pm);
  reads_in(NULL, "mm/dd/yyyy hh:mi:ss ap", "10/23/2019 2:03:04.7 PM", two + pm);
  reads_in(NULL, "mm/dd/yyyy hh:mi:ss.mss ap", "10/23/2019 2:03:04.7 PM", two + pm + 700);
  reads_in(NULL, "ap hh:mi:ss dd-mm-yyyy", "PM 02:03:04 23.10.2019", two + pm);
  reads_in(NULL, "hh:miap dd-mm-yyyy", "12:00AM 23.10.2019", DAY);
  reads_in(NULL, "hh:miap dd-mm-yyyy", "12:30pm 23.10.2019", DAY + pm + 1800000);
  reads_in(bratislava, "yyyy-mm-dd hh:mi ap", "2019-10-23 02:00 PM UTC", DAY + 2 * 3600000 + pm);
  reads_in(bratislava, "yyyy-mm-dd hh:mi ap", "2019-10-23 02:00 PM +01:00", DAY + 3600000 + pm);
  static const char *const bad[] = { "2019-10-23 02:00",    "2019-10-23 13:00 PM",
                                     "2019-10-23 00:10 AM", "2019-10-23 02:00 XM",
                                     "2019-10-23 02:00 P",  "2019-10-23 02:00 AMX" };
  for (size_t i = 0; i < COUNT(bad); i++) refuses("yyyy-mm-dd hh:mi ap", bad[i]);
  writes("yyyy-mm-dd hh:mi:ss ap", DAY, "2019-10-23 12:00:00 AM");
  writes("yyyy-mm-dd hh:mi:ss ap", DAY + pm, "2019-10-23 12:00:00 PM");
  writes("yyyy-mm-dd hh:mi:ss ap", two + pm, "2019-10-23 02:03:04 PM");
  tl_timemask *m;
  tl_err err;
  assert_int_equal(tl_timemask_new(&m, TL_LIT("yyyy-mm-dd ap"), &err), TL_ESYNTAX);
  assert_int_equal(err.at, 11);
}

static void never_reads_another_time_past_a_word (void **state) {
  (void)state;
  static const char *const words[] = { "CET",
                                       "CEST",
                                       "cest",
                                       "EST",
                                       "PST",
                                       "IST",
                                       "MSK",
                                       "AEST",
                                       "Europe/Berlin",
                                       "America/New_York",
                                       "ET",
                                       "AM",
                                       "PM",
                                       "p.m.",
                                       "(CET)",
                                       "Pacific Standard Time" };
  char text[96];
  for (size_t i = 0; i < COUNT(words); i++) {
    snprintf(text, sizeof text, "2019-10-23 02:32:44.546 %s", words[i]);
    refuses(TL_TIMEMASK_DEFAULT, text);
    snprintf(text, sizeof text, "02:32:44 %s 23.10.2019", words[i]);
    refuses("hh:mi:ss dd-mm-yyyy", text);
  }
  refuses("hh:mi:ss dd-mm-yyyy", "PM 02:32:44 23.10.2019");
  refuses(TL_TIMEMASK_DEFAULT, "2019-10-23 02:32:44 PM");
  refuses("ISO8601", "2019-10-23T02:32:44 CET");
  refuses("ISO8601", "2019-10-23T02:32:44 PM");
}

static void reads_words_that_are_no_zone (void **state) {
  (void)state;
  reads_in(NULL, "ttt yyyy-mm-dd hh:mi:ss", "MON 2019-10-23 12:32:44", AT - 546);
  reads_in(NULL, "yyyy-mm-dd hh:mi:ss", "Wed 2019-10-23 12:32:44", AT - 546);
  reads_in(NULL, "yyyy-mm-dd hh:mi:ss", "RTC: 2019-10-23 12:32:44", AT - 546);
  reads_in(NULL, "yyyy-mm-dd hh:mi:ss", "Time: 2019-10-23 12:32:44 h", AT - 546);
  reads_in(NULL, "yyyy-mm-dd hh:mi:ss", "2019-10-23T12:32:44", AT - 546);
  reads_in(NULL, "yyyy-mm-dd hh:mi:ss CET", "2019-10-23 12:32:44 CET",
           AT - 546); /* the mask reads it */
  reads_in(NULL, "yyyy-mm-dd hh:mi:ss", "2019-10-23 14:32:44 GMT+0200 (CEST)", AT - 546);
  reads_in(NULL, "yyyy-mm-dd hh:mi:ss", "2019-10-23 14:32:44+02:00 Europe/Bratislava", AT - 546);
}

static void takes_utc_by_name_wherever_it_stands (void **state) {
  (void)state;
  reads_in(bratislava, "yyyy-mm-dd hh:mi:ss", "UTC 2019-10-23 12:32:44", AT - 546);
  reads_in(bratislava, "yyyy-mm-dd hh:mi:ss", "2019-10-23 12:32:44 (utc)", AT - 546);
  reads_in(bratislava, "hh:mi:ss dd-mm-yyyy", "12:32:44 GMT 23.10.2019", AT - 546);
  reads_in(bratislava, "ISO8601", "2019-10-23T12:32:44.546 UTC", AT);
  reads_in(bratislava, "ISO8601", "2019-10-23 12:32:44.546 GMT", AT);
  refuses("yyyy-mm-dd hh:mi:ss", "UTC+2 2019-10-23 12:32:44");
}

static void guesses (const char *text, const char *expected) {
  int64_t ms = 0;
  const char *mask = tl_timemask_guess(NULL, tl_slice_str(text), AT, &ms);
  if (!expected || !mask) {
    if (mask != expected)
      fail_msg("'%s': '%s', not '%s'", text, mask ? mask : "nothing",
               expected ? expected : "nothing");
    return;
  }
  assert_string_equal(mask, expected);
  int64_t again;
  tl_timemask *m = mask_of(mask);
  assert_int_equal(tl_timemask_parse(m, NULL, tl_slice_str(text), &again), TL_OK);
  assert_int_equal(again, ms);
  tl_timemask_free(m);
}

static void tells_which_known_mask_would_fit (void **state) {
  (void)state;
  guesses("1571833964", "UNIX");
  guesses("1571833964.5", "UNIX");
  guesses("1571833964546", "UNIXMS");
  guesses("1571833964546000", "UNIXUS");
  guesses("1571833964546000000", "UNIXNS");
  guesses("2019-10-23T12:32:44Z", "ISO8601");
  guesses("2019-10-23 12:32:44.546", "ISO8601");
  guesses("23.10.2019 12:32:44", "dd.mm.yyyy hh:mi:ss");
  guesses("10/23/2019 12:32:44", "mm/dd/yyyy hh:mi:ss");
  guesses("23/10/2019 12:32:44", "dd/mm/yyyy hh:mi:ss");
  guesses("10/23/2019 02:32:44 PM", "mm/dd/yyyy hh:mi:ss ap");
  guesses("20191023123244", "yyyymmddhhmiss");
  guesses("42", NULL);
  guesses("soon", NULL);
  guesses("", NULL);
}

static void lost_is (const char *mask, const char *text, const char *finer, int64_t lost) {
  int64_t ms = 0;
  tl_timemask *m = mask_of(mask);
  const char *found = tl_timemask_finer(m, NULL, tl_slice_str(text), &ms);
  if (!found || !finer)
    assert_ptr_equal(found, finer);
  else
    assert_string_equal(found, finer);
  assert_int_equal(ms, lost);
  tl_timemask_free(m);
}

static void tells_what_a_mask_leaves_out (void **state) {
  (void)state;
  lost_is("yyyy-mm-dd", "2019-10-23 12:32:44", "ISO8601", 45164000);
  lost_is("yyyy-mm-dd", "2019-10-23T12:32:44+02:00", "ISO8601", 45164000);
  lost_is("dd.mm.yyyy", "23.10.2019 12:32:44", "dd.mm.yyyy hh:mi:ss", 45164000);
  lost_is("dd.mm.yyyy hh:mi", "23.10.2019 12:32:44", "dd.mm.yyyy hh:mi:ss", 44000);
  lost_is("dd.mm.yyyy hh", "23.10.2019 12:32:44", "dd.mm.yyyy hh:mi:ss", 1964000);
  lost_is("yyyy-mm-dd", "2019-10-23", NULL, 0);
  lost_is("yyyy-mm-dd", "2019-10-23 00:00:00", NULL, 0); /* nothing is lost */
  lost_is("yyyy-mm-dd hh:mi:ss", "2019-10-23 12:32:44.546", NULL, 0);
  lost_is("yyyy-mm", "2019-10-23", NULL, 0); /* a month is meant */
  lost_is("yyyy-mm-dd", "soon", NULL, 0);
  lost_is("UNIX", "1571833964", NULL, 0);
  lost_is("ISO8601", "2019-10-23T12:32:44Z", NULL, 0);
}

static void why_is (const char *mask, const tl_zone *zone, const char *text, const char *expected) {
  tl_buf out;
  tl_timemask *m = mask_of(mask);
  tl_buf_init(&out);
  tl_timemask_why(m, zone, tl_slice_str(text), AT, &out);
  assert_bytes(tl_buf_bytes(&out), expected);
  tl_buf_fini(&out);
  tl_timemask_free(m);
}

static void says_why_a_text_is_no_time (void **state) {
  (void)state;
  tl_zone *warsaw = zone_of("Europe/Warsaw");
  why_is(TL_TIMEMASK_DEFAULT, warsaw, "2026-03-29 02:30:00", "is a local time that does not exist");
  tl_zone_set_name(warsaw, TL_LIT("Europe/Warsaw"));
  assert_string_equal(tl_zone_name(warsaw), "Europe/Warsaw");
  why_is(TL_TIMEMASK_DEFAULT, warsaw, "2026-03-29 02:30:00",
         "is a local time that does not exist in Europe/Warsaw");
  why_is(
      "UNIX", NULL, "1571833964546",
      "does not fit the time mask 'UNIX', but time_mask = \"UNIXMS\" (2019-10-23T12:32:44.546Z)");
  why_is("UNIX", NULL, "soon", "does not fit the time mask 'UNIX'");
  tl_zone_free(warsaw);
}

static void reads_iso_durations (void **state) {
  (void)state;
  static const struct {
    const char *text;
    double seconds;
  } good[] = {
    { "P1DT2H", 93600 },
    { "PT2H", 7200 },
    { "P1D", 86400 },
    { "P2W", 1209600 },
    { "PT1.5S", 1.5 },
    { "PT1,5S", 1.5 },
    { "-PT1M", -60 },
    { "+PT1M", 60 },
    { "PT0S", 0 },
    { "P0Y0M1DT0H0M0S", 86400 },
    { "PT36H", 129600 },
    { "PT0.5H", 1800 },
    { " P1DT1S\n", 86401 },
    { "PT0.001S", 0.001 },
    { "P1W1D", 691200 },
    { "1T02:03:04", 93784 },
    { "0T00:00:00", 0 },
    { "365T23:59:59.5", 31622399.5 },
    { "-1T00:00:00", -86400 },
  };
  for (size_t i = 0; i < COUNT(good); i++) {
    double s = -77;
    if (tl_duration_parse(tl_slice_str(good[i].text), &s) != TL_OK || s != good[i].seconds)
      fail_msg("'%s': %.17g", good[i].text, s);
  }
  static const char *const bad[] = {
    "P",          "PT",   "P1",        "P1DT",       "PT1",          "1DT2H",        "P1H",
    "PT1D",       "P1Y",  "P1M",       "PT1H1H",     "PT1S1M",       "PT1.5H1M",     "PT.5S",
    "PT1.S",      "P-1D", "p1d",       "PT1s",       "T1H",          "P1DT1HT1M",    "PT1S ago",
    "1T24:00:00", "1T2",  "T02:03:04", "1t02:03:04", "1.5T00:00:00", "1T1T00:00:00", "--PT1S"
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    double s = -77;
    if (tl_duration_parse(tl_slice_str(bad[i]), &s) != TL_ESYNTAX)
      fail_msg("'%s' was read as %g", bad[i], s);
    assert_true(s == -77);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_microseconds_and_nanoseconds_exactly),
    cmocka_unit_test(reads_twelve_hour_clocks),
    cmocka_unit_test(never_reads_another_time_past_a_word),
    cmocka_unit_test(reads_words_that_are_no_zone),
    cmocka_unit_test(takes_utc_by_name_wherever_it_stands),
    cmocka_unit_test(tells_which_known_mask_would_fit),
    cmocka_unit_test(tells_what_a_mask_leaves_out),
    cmocka_unit_test(says_why_a_text_is_no_time),
    cmocka_unit_test(reads_iso_durations),
  };
  return cmocka_run_group_tests_name("payload.timeword", tests, zones_begin, zones_end);
}
