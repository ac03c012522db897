/* spec/payload/timemask_test.c — every token, rule and error of the time masks, and what they
** read. */
#include "time_support.h"

static void reads_in (const tl_zone *zone, const char *mask, const char *text, int64_t want) {
  tl_timemask *m = mask_of(mask);
  int64_t ms = -1;
  int rc = read_exact(m, zone, tl_slice_str(text), &ms);
  if (rc != TL_OK || ms != want)
    fail_msg("'%s' by '%s': result %d, %lld, not %lld", text, mask, rc, (long long)ms,
             (long long)want);
  tl_timemask_free(m);
}

static void reads (const char *mask, const char *text, int64_t want) {
  reads_in(NULL, mask, text, want);
}

static void refuses_in (const tl_zone *zone, const char *mask, const char *text, int code) {
  tl_timemask *m = mask_of(mask);
  int64_t ms = 4711;
  int rc = read_exact(m, zone, tl_slice_str(text), &ms);
  if (rc != code)
    fail_msg("'%s' by '%s': result %d (%lld), not %d", text, mask, rc, (long long)ms, code);
  assert_int_equal(ms, 4711);
  tl_timemask_free(m);
}

static void refuses (const char *mask, const char *text, int code) {
  refuses_in(NULL, mask, text, code);
}

/* --- masks --- */

static void drops_blanks_around_a_mask (void **state) {
  (void)state;
  reads(" UNIX ", "1", 1000);
  reads("  yyyy-mm-dd ", "2019-10-23", DAY);
}

/* --- tokens --- */

static void reads_every_token (void **state) {
  (void)state;
  reads("yyyy-mm-dd hh:mi:ss.mss", "2019-10-23 12:32:44.546", AT);
  reads("rrrr-mm-dd hh:mi:ss.mss", "2019-10-23 12:32:44.546", AT);
  reads("yy-mm-dd hh:mi:ss.mss", "19-10-23 12:32:44.546", AT);
  reads("rr-mm-dd hh:mi:ss.mss", "19-10-23 12:32:44.546", AT);
  reads("yyyy-mm-dd hh:mi:ss", "2019-10-23 12:32:44", AT - 546);
  reads("yyyy-mm-dd hh:mi", "2019-10-23 12:32", AT - 44546);
  reads("yyyy-mm-dd hh", "2019-10-23 12", DAY + 12 * 3600000);
  reads("yyyy-mm-dd", "2019-10-23", DAY);
  reads("yyyy-mm", "2019-10", INT64_C(1569888000000));
  reads("yyyy", "2019", INT64_C(1546300800000));
  reads("hh:mi:ss dd-mm-rr", "17:03:16 18-03-99", INT64_C(921776596000));
  reads("hh:mi:ss dd-mm-rrrr", "14:30:00 1.1.2009", INT64_C(1230820200000));
  reads("mss ss mi hh dd mm yyyy", "546 44 32 12 23 10 2019", AT);
}

static void puts_two_digit_years_between_1970_and_2069 (void **state) {
  (void)state;
  reads("yy-mm-dd", "00-01-01", INT64_C(946684800000));
  reads("yy-mm-dd", "69-12-31", INT64_C(3155673600000));
  reads("yy-mm-dd", "70-01-01", 0);
  reads("rr-mm-dd", "99-12-31", INT64_C(946598400000));
  reads("rr-mm-dd", "9-12-31", INT64_C(1262217600000));
}

static void reads_weekdays_over (void **state) {
  (void)state;
  reads("tttt, dd.mm.yyyy", "Wednesday, 23.10.2019", DAY);
  reads("ttt dd mm yyyy", "Wed 23 10 2019", DAY);
  reads("tt dd mm yyyy", "We 23 10 2019", DAY);
  reads("yyyy-mm-dd tt hh:mi", "2019-10-23 stvrtok\xc3\xad 12:32", AT - 44546);
  reads("hh:mi dd.mm.yyyy tt ZZZ", "14:32 23.10.2019 Zo +02", AT - 44546);
  reads("hh:mi:ss.mss tttt dd.mm.yyyy", "12:32:44.546 Zaterdag 23.10.2019", AT);
  reads("ttt dd mm yyyy", "23 10 2019", DAY);
}

static void reads_offset_tokens (void **state) {
  (void)state;
  static const char *const texts[] = {
    "2019-10-23 14:32:44 +02",        "2019-10-23 14:32:44+0200", "2019-10-23 14:32:44 +02:00",
    "2019-10-23 07:02:44 -05:30",     "2019-10-23 12:32:44Z",     "2019-10-23 12:32:44 z",
    "2019-10-23 12:32:44 UTC",        "2019-10-23 12:32:44 GMT",  "2019-10-23 14:32:44 UTC+02",
    "2019-10-23 14:32:44.7123+02:00", "2019-10-23 12:32:44-00"
  };
  static const char *const masks[] = { "yyyy-mm-dd hh:mi:ss ZZZ", "yyyy-mm-dd hh:mi:ssZZZZZ",
                                       "yyyy-mm-ddThh:mi:ssZZZZZZ" };
  for (size_t i = 0; i < COUNT(texts); i++)
    for (size_t k = 0; k < COUNT(masks); k++) reads_in(india, masks[k], texts[i], AT - 546);
  reads("yyyy-mm-dd hh:mi:ss.mss ZZZZZZ", "2019-10-23 14:32:44.546 +02:00", AT);
  reads("yyyy-mm-dd hh:mi:ss.mss ZZZZZZ", "2019-10-23 14:32:44 +02:00", AT - 546);
  reads("ZZZ hh:mi dd.mm.yyyy", "+02 14:32 23.10.2019", AT - 44546);
  reads("yyyy-mm-dd hh:mi ZZZ ZZZ", "2019-10-23 14:32 +02", AT - 44546);
  reads("yyyy-mm-dd hh:mi ZZZ ZZZZZ", "2019-10-23 14:32 -07 +0200", AT - 44546);
  for (size_t k = 0; k < COUNT(masks); k++) {
    refuses(masks[k], "2019-10-23 14:32:44", TL_ESYNTAX);
    refuses(masks[k], "2019-10-23 14:32:44 CET", TL_ESYNTAX);
    refuses(masks[k], "2019-10-23 14:32:44 +2", TL_ESYNTAX);
    refuses(masks[k], "2019-10-23 14:32:44 02", TL_ESYNTAX);
    refuses(masks[k], "2019-10-23 14:32:44 +02000", TL_ESYNTAX);
    refuses(masks[k], "2019-10-23 14:32:44 UTC+", TL_ESYNTAX);
    refuses(masks[k], "2019-10-23 14:32:44 +24", TL_ERANGE);
    refuses(masks[k], "2019-10-23 14:32:44 +02:60", TL_ERANGE);
  }
}

static void reads_unix_seconds (void **state) {
  (void)state;
  reads_in(bratislava, "UNIX", "1486144502", INT64_C(1486144502000));
  reads("UNIX", "1486144502.122", INT64_C(1486144502122));
  reads("UNIX", "1486144502.1229999", INT64_C(1486144502122));
  reads("UNIX", " +1486144502.5\r\n", INT64_C(1486144502500));
  reads("UNIX", "-1.5", -1500);
  reads("UNIX", "-0.0019", -1);
  reads("UNIX", "0", 0);
  reads("UNIX", ".25", 250);
  reads("UNIX", "1.", 1000);
  reads("UNIX", "1.486144502122e9", INT64_C(1486144502122));
  reads("UNIX", "1486144502E0", INT64_C(1486144502000));
  reads("UNIX", "1.001e0", 1001); /* in a double times 1000 a little less */
  reads("UNIX", "000000000000000000001", 1000);
  reads("UNIX", "253402300799.9999", TL_TIME_MAX_MS);
  reads("UNIX", "-62135596800", TL_TIME_MIN_MS);
  static const char *const far[] = { "253402300800",
                                     "-62135596800.001",
                                     "1e999",
                                     "-1e999",
                                     "999999999999999",
                                     "1e15",
                                     "99999999999999999999999999999" };
  for (size_t i = 0; i < COUNT(far); i++) refuses("UNIX", far[i], TL_ERANGE);
  static const char *const bad[] = { "",      " ",   "-",   ".",         "1,5",
                                     "0x10",  "nan", "inf", "12 34",     "1486144502Z",
                                     "1.2.3", "--1", "1e",  "2019-10-23" };
  for (size_t i = 0; i < COUNT(bad); i++) {
    refuses("UNIX", bad[i], TL_ESYNTAX);
    refuses("UNIXMS", bad[i], TL_ESYNTAX);
  }
}

static void reads_unix_milliseconds (void **state) {
  (void)state;
  reads_in(bratislava, "UNIXMS", "1486144502122", INT64_C(1486144502122));
  reads("UNIXMS", "1486144502122.999", INT64_C(1486144502122));
  reads("UNIXMS", "-1.9", -1);
  reads("UNIXMS", "1.486144502122E12", INT64_C(1486144502122));
  reads("UNIXMS", "253402300799999", TL_TIME_MAX_MS);
  reads("UNIXMS", "-62135596800000", TL_TIME_MIN_MS);
  refuses("UNIXMS", "253402300800000", TL_ERANGE);
  refuses("UNIXMS", "-62135596800001", TL_ERANGE);
  refuses("UNIXMS", "1e999", TL_ERANGE);
  char digits[401];
  memset(digits, '7', 400);
  digits[400] = 0;
  refuses("UNIXMS", digits, TL_ERANGE);
  refuses("UNIX", digits, TL_ERANGE);
}

static void reads_iso_8601 (void **state) {
  (void)state;
  static const char *const same[] = {
    "2019-10-23T12:32:44.546Z",       "2019-10-23T12:32:44,546Z",
    "2019-10-23t12:32:44.546z",       "2019-10-23 12:32:44.546Z",
    "2019-10-23 12:32:44.546 Z",      "2019-10-23T12:32:44.546999999Z",
    "2019-10-23T14:32:44.546+02:00",  "2019-10-23T14:32:44.546+0200",
    "2019-10-23T14:32:44.546+02",     "2019-10-23T07:02:44.546-05:30",
    "20191023T123244.546Z",           "20191023T143244.546+02:00",
    "20191023T143244.546+0200",       "20191023 123244,546Z",
    "  2019-10-23T12:32:44.546Z\r\n", "2019-10-24T00:32:44.546+12:00",
    "2019-10-23T12:32:44.546+00:00",  "2019-10-23T12:32:44.546-00:00",
    "2019-10-23 14:32:44.546 +0200",
  };
  for (size_t i = 0; i < COUNT(same); i++) reads_in(india, "ISO8601", same[i], AT);
  reads("ISO8601", "2022-07-18T09:34:15.775023242+00:00", INT64_C(1658136855775));
  reads("ISO8601", "2019-10-23T12:32:44.5Z", AT - 46);
  reads("ISO8601", "2019-10-23T12:32:44Z", AT - 546);
  reads("ISO8601", "2019-10-23T12:32Z", AT - 44546);
  reads("ISO8601", "20191023T1232Z", AT - 44546);
  reads("ISO8601", "2019-10-23T12Z", DAY + 12 * 3600000);
  reads("ISO8601", "2019-10-23", DAY);
  reads("ISO8601", "20191023", DAY);
  reads_in(plus_one, "ISO8601", "2019-10-23", DAY - 3600000);
  reads_in(bratislava, "ISO8601", "2019-10-23T14:32:44.546", AT);
  reads("ISO8601", "0001-01-01T00:00:00Z", TL_TIME_MIN_MS);
  reads("ISO8601", "9999-12-31T23:59:59.999Z", TL_TIME_MAX_MS);
  static const char *const bad[] = {
    "",
    "2",
    "2019",
    "2019-10",
    "2019-10-",
    "2019-1-23",
    "2019-10-3",
    "19-10-23",
    "2019/10/23",
    "2019-1023",
    "201910-23",
    "2019-10-23T",
    "2019-10-23T1",
    "2019-10-23T12:",
    "2019-10-23T12:3",
    "2019-10-23T12:32:",
    "2019-10-23T12:32:4",
    "2019-10-23T12:3244",
    "2019-10-23T1232:44",
    "2019-10-23T12:32:44.",
    "2019-10-23T12:32:44.Z",
    "2019-10-23T12:32.5Z",
    "2019-10-23T12:32:44.546ZZ",
    "2019-10-23T12:32:44.546Z5",
    "2019-10-23T12:32:44.546+2",
    "2019-10-23T12:32:44.546+02:0",
    "2019-10-23T12:32:44.546+02000",
    "2019-10-23T12:32:44.546 CET",
    "2019-10-23T12:32:44.546UTC",
    "2019-10-23T12:32:44.546  Z",
    "2019-10-23  12:32:44",
    "2019-10-23X12:32:44",
    "+2019-10-23",
    "2019-W43-3",
    "2019-296",
    "x",
    "20191023Z",
    "2019-10-23+02:00",
    "2019-10-23T12:32:44.546+",
    "2019-10-23T12:32:44.546+02:00x",
  };
  for (size_t i = 0; i < COUNT(bad); i++) refuses("ISO8601", bad[i], TL_ESYNTAX);
  static const char *const out[] = { "0000-01-01",
                                     "2019-00-23",
                                     "2019-13-23",
                                     "2019-10-00",
                                     "2019-10-32",
                                     "2019-02-29",
                                     "2019-10-23T25:00",
                                     "2019-10-23T24:01",
                                     "2019-10-23T12:60",
                                     "2019-10-23T12:32:60Z",
                                     "2019-10-23T12:32:61Z",
                                     "2019-10-23T12:32:44+24:00",
                                     "2019-10-23T12:32:44+02:60",
                                     "0001-01-01T00:00:00+00:01",
                                     "9999-12-31T23:59:59-00:01" };
  for (size_t i = 0; i < COUNT(out); i++) refuses("ISO8601", out[i], TL_ERANGE);
}

/* --- rules --- */

static void takes_digit_runs_whatever_stands_between (void **state) {
  (void)state;
  reads("dd-mm-rrrr", "1.1.2009", INT64_C(1230768000000));
  reads("dd-mm-rrrr", "01/01/2009", INT64_C(1230768000000));
  reads("yyyy-mm-dd hh:mi:ss.mss", "2019-10-23T12:32:44.546", AT);
  reads("yyyy-mm-dd hh:mi:ss.mss", "2019/10/23_12h32m44,546s", AT);
  reads("yyyy-mm-dd hh:mi", "on day 2019.10.23 at 12h32 o'clock", AT - 44546);
  reads("yyyy-mm-dd hh:mi:ss",
        "2019-10-23\xff\xfe"
        "12:32:44",
        AT - 546);
  reads("yyyy mm dd", "2019-10-23", DAY);
  reads("at yyyy in mm, dd", "2019-10-23", DAY);
}

static void refuses_runs_longer_than_their_token (void **state) {
  (void)state;
  refuses("dd-mm-rrrr", "001.1.2009", TL_ESYNTAX);
  refuses("dd-mm-rrrr", "1.1.20090", TL_ESYNTAX);
  refuses("dd-mm-rr", "1.1.2009", TL_ESYNTAX);
  refuses("dd-mm-rrrr", "1.1.09", TL_ESYNTAX);
  refuses("yyyy-mm-dd", "20191023", TL_ESYNTAX);
}

static void gives_touching_tokens_as_many_digits_as_letters (void **state) {
  (void)state;
  reads("yyyymmdd", "20191023", DAY);
  reads("yymmdd", "191023", DAY);
  reads("yyyymmddhhmiss", "20191023123244", AT - 546);
  reads("yyyymmddhhmissmss", "20191023123244546", AT);
  reads("yyyymmddhhmissmss", "201910231232445469", AT);
  reads("yyyymmddhhmissmss", "201910231232445", AT - 46);
  reads("yyyymmddhhmissmss", "20191023123244", AT - 546);
  reads("yyyymmddThhmiss.mss", "20191023T123244.546", AT);
  reads("yyyymmdd hhmi", "at 20191023 1232", AT - 44546);
  reads("mssyyyymmddhhmiss", "54620191023123244", AT);
  refuses("yyyymmdd", "2019102", TL_ESYNTAX);
  refuses("yyyymmdd", "201910230", TL_ESYNTAX);
  refuses("yyyymmdd", "2019-10-23", TL_ESYNTAX);
  refuses("yyyymmdd hhmi", "20191023 123", TL_ESYNTAX);
  refuses("yyyymmdd hhmi", "20191023 12321", TL_ESYNTAX);
  refuses("mssyyyymmddhhmiss", "5420191023123244", TL_ESYNTAX);
  refuses("mssyyyymmddhhmiss", "x", TL_ESYNTAX);
}

static void reads_mss_as_a_decimal_fraction (void **state) {
  (void)state;
  const char *mask = "yyyy-mm-dd hh:mi:ss.mss";
  reads(mask, "2019-10-23 12:32:44.5", AT - 46);
  reads(mask, "2019-10-23 12:32:44.05", AT - 496);
  reads(mask, "2019-10-23 12:32:44.005", AT - 541);
  reads(mask, "2019-10-23 12:32:44.546999999", AT);
  reads(mask, "2019-10-23 12:32:44,546", AT);
  reads(mask, "2019-10-23 12:32:44:546", AT);
  reads("yyyy-mm-dd hh:mi:ss-mss", "2019-10-23 12:32:44-546", AT);
  reads("yyyy-mm-dd hh:mi:ss mss", "2019-10-23 12:32:44 546", AT);
  reads("yyyy-mm-dd hh:mi:ss mss", "2019-10-23 12:32:44.546", AT);
  reads("yyyy-mm-dd hh:mi:ss ms=mss", "2019-10-23 12:32:44 ms=546", AT);
}

static void takes_a_missing_fraction_as_0 (void **state) {
  (void)state;
  const char *mask = "yyyy-mm-ddThh:mi:ss.mss";
  reads(mask, "2019-10-23T12:32:44Z", AT - 546);
  reads(mask, "2019-10-23T12:32:44", AT - 546);
  reads(mask, "2019-10-23T12:32:44.", AT - 546);
  reads(mask, "2019-10-23T14:32:44+02:00", AT - 546);
  reads(mask, "2019-10-23T07:32:44-0500", AT - 546);
  reads("hh:mi:ss.mss dd.mm.yyyy", "12:32:44 23.10.2019", AT - 546);
}

static void misses_any_other_component (void **state) {
  (void)state;
  const char *mask = TL_TIMEMASK_DEFAULT;
  static const char *const bad[] = { "",
                                     "x",
                                     "2019",
                                     "2019-10",
                                     "2019-10-23",
                                     "2019-10-23 12",
                                     "2019-10-23 12:32",
                                     "2019-10-23 12:32:",
                                     "12:32:44",
                                     "2019-10-23 12:32Z" };
  for (size_t i = 0; i < COUNT(bad); i++) refuses(mask, bad[i], TL_ESYNTAX);
  refuses(mask, "2019-10-23 12:32+02:00", TL_ESYNTAX); /* not 12:32:02 */
  refuses(mask, "2019-10-23+12:32:44", TL_ESYNTAX);
  reads("yyyy-mm-dd+hh:mi", "2019-10-23+12:32", AT - 44546);
}

static void counts_the_longest_then_the_first_of_repeated_components (void **state) {
  (void)state;
  reads("yyyy-mm-dd yy", "2019-10-23 88", DAY);
  reads("yy yyyy-mm-dd", "88 2019-10-23", DAY);
  reads("yyyy-mm-dd mm/dd", "2019-10-23 11/24", DAY);
  reads("yyyy-mm-dd yyyy", "2019-10-23 2020", DAY);
  reads("yyyy-mm-dd hh:mi min", "2019-10-23 12:32 min", AT - 44546);
  reads("dd.mm.yyyydd", "23.10.201924", DAY);
  refuses("dd.mm.yyyydd", "23.10.20192", TL_ESYNTAX);
  refuses("ddyyyy-mm-dd", "+2019-10-23", TL_ESYNTAX);
  refuses("yyyy-mm-dd yy hh", "2019-10-23 +19 11", TL_ESYNTAX);
}

static void reads_over_digits_of_the_mask (void **state) {
  (void)state;
  reads("20yy-mm-dd", "2019-10-23", DAY);
  refuses("20yy-mm-dd", "19-10-23", TL_ESYNTAX);
  reads("yyyy-mm-dd hh:00:00", "2019-10-23 12:32:44", DAY + 12 * 3600000);
  reads("yyyy-mm-dd hh:00:00", "2019-10-23 12", DAY + 12 * 3600000);
  reads("id 123456789012345 yyyy-mm-dd", "id 99999999999999999999 2019-10-23", DAY);
  reads("00000000000000000000yyyy-mm-dd", "999999999999999999992019-10-23", DAY);
}

static void takes_other_letters_as_literal (void **state) {
  (void)state;
  reads("yyyy-mm-ddthh:mi:ss", "2019-10-23t12:32:44", AT - 546);
  reads("Y yyyy M mm D dd", "Y 2019 M 10 D 23", DAY);
  reads("yyyyymmdd", "2019y1023", DAY);
  reads("yyyy-mm-dd s", "2019-10-23 s", DAY);
}

static void lets_a_written_zone_win (void **state) {
  (void)state;
  static const char *const texts[] = {
    "2019-10-23 12:32:44.546Z",          "2019-10-23 12:32:44.546 Z",
    "2019-10-23 12:32:44.546z",          "2019-10-23 12:32:44.546 UTC",
    "2019-10-23 14:32:44.546+02:00",     "2019-10-23 14:32:44.546 +0200",
    "2019-10-23 14:32:44.546+02",        "2019-10-23 07:02:44.546-05:30",
    "2019-10-23 07:02:44.546 -0530",     "2019-10-23 11:32:44.546-01",
    "2019-10-23 14:32:44.546 GMT+02:00", "2019-10-23 14:32:44.546+02:00 (summer)",
    "2019-10-23 12:32:44.546Z."
  };
  for (size_t i = 0; i < COUNT(texts); i++) reads_in(india, TL_TIMEMASK_DEFAULT, texts[i], AT);
  reads_in(india, "yyyy-mm-dd hh:mi:ss", "2019-10-23 12:32:44.546Z", AT - 546);
  reads_in(india, "yyyy-mm-dd hh:mi", "2019-10-23 14:32:44.546+02:00", AT - 44546);
  reads_in(india, "yyyy-mm-dd hh", "2019-10-23 12:32:44Z", DAY + 12 * 3600000);
  reads_in(india, "yyyy-mm-ddThh:mi:ssZ", "2019-10-23T12:32:44Z", AT - 546);
  reads_in(india, "yyyymmddhhmiss", "20191023123244Z", AT - 546);
  reads_in(india, "hh:mi:ss dd-mm-yyyy", "12:32:44Z 23-10-2019", AT - 546);
  reads_in(india, "hh:mi:ss dd-mm-yyyy", "12:32:44.5Z 23-10-2019", AT - 546);
  reads_in(india, "hh:mi:ss dd-mm-yyyy", "14:32:44+02:00 23-10-2019", AT - 546);
  reads_in(india, "hh:mi:ss dd-mm-yyyy", "07:02:44-05:30 23-10-2019", AT - 546);
  reads_in(india, "hh:mi:ss dd-mm-yyyy", "12:32:44 23-10-2019Z", AT - 546);
  reads_in(india, "hh:mi:ss dd-mm-yyyy", "14:32:44 23-10-2019 +02", AT - 546);
  reads_in(india, "hh:mi:ss dd-mm-yyyy", "11:32:44 23-10-2019 -01", AT - 546);
  reads_in(india, "yyyy-mm-dd", "2019-10-23Z", DAY);
  reads_in(india, "yyyy-mm-dd", "2019-10-23T12:32:44.5Z", DAY);
  reads_in(india, "yyyy-mm-dd", "2019-10-23+02:00", DAY - 2 * 3600000);
}

static void takes_the_stations_zone_where_none_is_written (void **state) {
  (void)state;
  reads_in(india, TL_TIMEMASK_DEFAULT, "2019-10-23 18:02:44.546", AT);
  reads_in(india, TL_TIMEMASK_DEFAULT, "2019-10-23 18:02:44.546 h", AT);
  reads_in(india, TL_TIMEMASK_DEFAULT, "2019-10-23 18:02:44.546 Uhr", AT);
  /* no offset of -05 */
  reads_in(india, "yyyy-mm", "2019-10-05", INT64_C(1569888000000) - 19800000);
  reads_in(india, "hh:mi:ss+dd+mm+yyyy", "18:02:44+23+10+2019", AT - 546); /* +23 neither */
  reads_in(india, "hh:mi:ss - dd.mm.yyyy", "18:02:44 - 23.10.2019", AT - 546);
  reads_in(india, "hh:mi:ss.dd.mm-yyyy", "18:02:44.23.10-2019", AT - 546);
  reads_in(india, "mi hh mm dd-yyyy", "2:18:10:23-2019", AT - 44546);
  reads_in(india, "hh:mi:ss-dd-mm-yyyy", "18:02:44-23-10-2019", AT - 546); /* nor one of -23 */
  reads_in(india, "hh:mi:ss dd-mm-yyyy", "18:02:44-23-10-2019", AT - 546);
  reads_in(bratislava, "hh:mi:ss dd-mm-rrrr", "14:30:00 1.1.2009", INT64_C(1230816600000));
  reads_in(bratislava, "hh:mi:ss dd-mm-rrrr", "14:30:00 1.8.2009", INT64_C(1249129800000));
}

static void refuses_what_looks_like_an_offset_and_is_none (void **state) {
  (void)state;
  refuses(TL_TIMEMASK_DEFAULT, "2019-10-23 14:32:44 +2", TL_ESYNTAX);
  refuses(TL_TIMEMASK_DEFAULT, "2019-10-23 14:32:44+2:00", TL_ESYNTAX);
  refuses(TL_TIMEMASK_DEFAULT, "2019-10-23 14:32:44 -020", TL_ESYNTAX);
  refuses(TL_TIMEMASK_DEFAULT, "2019-10-23 14:32:44+25:00", TL_ERANGE);
  refuses("hh:mi dd-mm-yyyy", "14:32+2 23-10-2019", TL_ESYNTAX);
  refuses("hh:mi dd-mm-yyyy", "14:32+99 23-10-2019", TL_ERANGE);
}

static void knows_the_calendar (void **state) {
  (void)state;
  reads("yyyy-mm-dd", "2000-02-29", INT64_C(951782400000));
  reads("yyyy-mm-dd", "2024-02-29", INT64_C(1709164800000));
  reads("yyyy-mm-dd", "0001-01-01", TL_TIME_MIN_MS);
  reads("yyyy-mm-dd hh:mi:ss.mss", "9999-12-31 23:59:59.999", TL_TIME_MAX_MS);
  static const char *const out[] = {
    "0000-01-01 00:00:00",       "2019-00-01 00:00:00", "2019-13-01 00:00:00",
    "2019-01-00 00:00:00",       "2019-01-32 00:00:00", "2019-04-31 00:00:00",
    "2019-02-29 00:00:00",       "1900-02-29 00:00:00", "2019-01-01 25:00:00",
    "2019-01-01 24:00:01",       "2019-01-01 24:01:00", "2019-01-01 24:00:00.001",
    "2019-01-01 00:60:00",       "2019-01-01 00:00:60", "2019-01-01 00:59:61",
    "0001-01-01 00:00:00+00:01", "9999-12-31 24:00:00"
  };
  for (size_t i = 0; i < COUNT(out); i++) refuses(TL_TIMEMASK_DEFAULT, out[i], TL_ERANGE);
}

static void takes_24_hours_and_leap_seconds (void **state) {
  (void)state;
  reads(TL_TIMEMASK_DEFAULT, "2019-10-22 24:00:00", DAY);
  reads("ISO8601", "2019-10-22T24:00:00Z", DAY);
  reads("ISO8601", "2016-12-31T23:59:60Z", INT64_C(1483228800000));
  reads("ISO8601", "2016-12-31T23:59:60.5Z", INT64_C(1483228800500));
  reads("ISO8601", "2017-01-01T05:29:60+05:30", INT64_C(1483228800000));
  reads(TL_TIMEMASK_DEFAULT, "2017-01-01 05:44:60+05:45", INT64_C(1483228800000));
}

static void knows_gaps_and_repeated_hours (void **state) {
  (void)state;
  const char *mask = "yyyy-mm-dd hh:mi:ss";
  reads_in(bratislava, mask, "2026-03-29 01:59:59", INT64_C(1774745999000));
  refuses_in(bratislava, mask, "2026-03-29 02:00:00", TL_ENOENT);
  refuses_in(bratislava, mask, "2026-03-29 02:59:59", TL_ENOENT);
  refuses_in(bratislava, "ISO8601", "2026-03-29T02:30", TL_ENOENT);
  reads_in(bratislava, mask, "2026-03-29 03:00:00", INT64_C(1774746000000));
  reads_in(bratislava, mask, "2026-03-29 02:30:00Z", INT64_C(1774751400000));
  reads_in(bratislava, mask, "2026-10-25 02:10:00", INT64_C(1792890600000));
  reads_in(bratislava, mask, "2026-10-25 B2:10:00", INT64_C(1792890600000));
  reads_in(bratislava, mask, "2026-10-25 A2:10:00", INT64_C(1792887000000));
  reads_in(bratislava, "yyyymmddhhmiss", "20261025A21000", INT64_C(1792887000000));
  reads_in(bratislava, "yyyymmddhhmiss", "20261025B21000", INT64_C(1792890600000));
  reads_in(bratislava, "hh:mi dd.mm.yyyy", "A2:10 25.10.2026", INT64_C(1792887000000));
  reads_in(bratislava, mask, "2026-10-25 A2:10:00 +01:00", INT64_C(1792890600000));
  reads_in(bratislava, mask, "2026-10-24 A2:10:00", INT64_C(1792800600000));
  reads_in(bratislava, mask, "2026-10-24 A12:10:00", INT64_C(1792836600000));
  refuses_in(bratislava, mask, "2026-10-25 A", TL_ESYNTAX);
  refuses_in(bratislava, "yyyymmddhhmiss", "20261025A1221000", TL_ESYNTAX);
  refuses_in(bratislava, "yyyymmddhhmiss", "20261025A", TL_ESYNTAX);
  refuses_in(bratislava, "yyyymmddhhmiss", "20261025", TL_ESYNTAX);
  refuses_in(bratislava, "yyyymmddhh", "20261025A12", TL_ESYNTAX);
}

/* --- JSON --- */

static int from_json (const char *mask, tl_json_type type, const char *raw, bool escaped,
                      int64_t *ms) {
  tl_timemask *m = mask_of(mask);
  tl_json_value v = { .type = (uint8_t)type, .escaped = escaped, .raw = tl_slice_str(raw) };
  int rc = tl_timemask_parse_json(m, NULL, &v, ms);
  tl_timemask_free(m);
  return rc;
}

static void reads_json_strings_and_numbers (void **state) {
  (void)state;
  int64_t ms = 0;
  assert_int_equal(
      from_json(TL_TIMEMASK_DEFAULT, TL_JSON_STRING, "2019-10-23 12:32:44.546", false, &ms), TL_OK);
  assert_int_equal(ms, AT);
  assert_int_equal(from_json("yyyy/mm/dd", TL_JSON_STRING, "2019\\/10\\/\\u00323", true, &ms),
                   TL_OK);
  assert_int_equal(ms, DAY);
  assert_int_equal(from_json("UNIXMS", TL_JSON_NUMBER, "1571833964546", false, &ms), TL_OK);
  assert_int_equal(ms, AT);
  assert_int_equal(from_json("UNIX", TL_JSON_STRING, "1571833964.546", false, &ms), TL_OK);
  assert_int_equal(ms, AT);
  assert_int_equal(from_json("yyyymmdd", TL_JSON_NUMBER, "20191023", false, &ms), TL_OK);
  assert_int_equal(ms, DAY);
  ms = 4711;
  assert_int_equal(from_json("UNIX", TL_JSON_STRING, "today", false, &ms), TL_ESYNTAX);
  static const tl_json_type others[] = { TL_JSON_NONE, TL_JSON_NULL,  TL_JSON_FALSE,
                                         TL_JSON_TRUE, TL_JSON_ARRAY, TL_JSON_OBJECT };
  for (size_t i = 0; i < COUNT(others); i++)
    assert_int_equal(from_json("UNIX", others[i], "1571833964", false, &ms), TL_ETYPE);
  assert_int_equal(ms, 4711);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(drops_blanks_around_a_mask),
    cmocka_unit_test(reads_every_token),
    cmocka_unit_test(puts_two_digit_years_between_1970_and_2069),
    cmocka_unit_test(reads_weekdays_over),
    cmocka_unit_test(reads_offset_tokens),
    cmocka_unit_test(reads_unix_seconds),
    cmocka_unit_test(reads_unix_milliseconds),
    cmocka_unit_test(reads_iso_8601),
    cmocka_unit_test(takes_digit_runs_whatever_stands_between),
    cmocka_unit_test(refuses_runs_longer_than_their_token),
    cmocka_unit_test(gives_touching_tokens_as_many_digits_as_letters),
    cmocka_unit_test(reads_mss_as_a_decimal_fraction),
    cmocka_unit_test(takes_a_missing_fraction_as_0),
    cmocka_unit_test(misses_any_other_component),
    cmocka_unit_test(counts_the_longest_then_the_first_of_repeated_components),
    cmocka_unit_test(reads_over_digits_of_the_mask),
    cmocka_unit_test(takes_other_letters_as_literal),
    cmocka_unit_test(lets_a_written_zone_win),
    cmocka_unit_test(takes_the_stations_zone_where_none_is_written),
    cmocka_unit_test(refuses_what_looks_like_an_offset_and_is_none),
    cmocka_unit_test(knows_the_calendar),
    cmocka_unit_test(takes_24_hours_and_leap_seconds),
    cmocka_unit_test(knows_gaps_and_repeated_hours),
    cmocka_unit_test(reads_json_strings_and_numbers),
  };
  return cmocka_run_group_tests_name("payload.timemask", tests, zones_begin, zones_end);
}
