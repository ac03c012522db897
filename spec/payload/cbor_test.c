/* spec/payload/cbor_test.c — CBOR: RFC 8949 appendix A whole, what is not well-formed (appendix
** F), addresses and conversions. */
#include "payload/convert.h"
#include "payload/document_support.h"

static void cbor (const char *hex, const char *json) { shows(TL_DOC_CBOR, hex, json); }
static void refuses (const char *hex, size_t at) { refuses_at(TL_DOC_CBOR, hex, at); }

static void reads_appendix_a_of_rfc_8949 (void **state) {
  (void)state;
  cbor("00", "0");
  cbor("01", "1");
  cbor("0a", "10");
  cbor("17", "23");
  cbor("1818", "24");
  cbor("1819", "25");
  cbor("1864", "100");
  cbor("1903e8", "1000");
  cbor("1a000f4240", "1000000");
  cbor("1b000000e8d4a51000", "1000000000000");
  cbor("1bffffffffffffffff", "18446744073709551615");
  cbor("c249010000000000000000", "\"AQAAAAAAAAAA\"");
  cbor("3bffffffffffffffff", "-18446744073709551616");
  cbor("c349010000000000000000", "\"AQAAAAAAAAAA\"");
  cbor("20", "-1");
  cbor("29", "-10");
  cbor("3863", "-100");
  cbor("3903e7", "-1000");
  cbor("f90000", "0");
  cbor("f98000", "-0");
  cbor("f93c00", "1");
  cbor("fb3ff199999999999a", "1.1");
  cbor("f93e00", "1.5");
  cbor("f97bff", "65504");
  cbor("fa47c35000", "100000");
  cbor("fa7f7fffff", "3.4028234663852886e+38");
  cbor("fb7e37e43c8800759c", "1e+300");
  cbor("f90001", "5.960464477539063e-8");
  cbor("f90400", "0.00006103515625");
  cbor("f9c400", "-4");
  cbor("fbc010666666666666", "-4.1");
  static const char *const none[] = { "f97c00",
                                      "f97e00",
                                      "f9fc00",
                                      "fa7f800000",
                                      "fa7fc00000",
                                      "faff800000",
                                      "fb7ff0000000000000",
                                      "fb7ff8000000000000",
                                      "fbfff0000000000000",
                                      "f6",
                                      "f7",
                                      "f0",
                                      "f8ff" };
  for (size_t i = 0; i < COUNT(none); i++) cbor(none[i], "null");
  cbor("f4", "false");
  cbor("f5", "true");
  cbor("c074323031332d30332d32315432303a30343a30305a", "\"2013-03-21T20:04:00Z\"");
  cbor("c11a514b67b0", "1363896240");
  cbor("c1fb41d452d9ec200000", "1363896240.5");
  cbor("d74401020304", "\"AQIDBA\"");
  cbor("d818456449455446", "\"ZElFVEY\"");
  cbor("d82076687474703a2f2f7777772e6578616d706c652e636f6d", "\"http://www.example.com\"");
  cbor("40", "\"\"");
  cbor("4401020304", "\"AQIDBA\"");
  cbor("60", "\"\"");
  cbor("6161", "\"a\"");
  cbor("6449455446", "\"IETF\"");
  cbor("62225c", "\"\\\"\\\\\"");
  cbor("62c3bc", "\"ü\"");
  cbor("63e6b0b4", "\"水\"");
  cbor("64f0908591", "\"𐅑\"");
  cbor("80", "[]");
  cbor("83010203", "[1,2,3]");
  cbor("8301820203820405", "[1,[2,3],[4,5]]");
  cbor("98190102030405060708090a0b0c0d0e0f101112131415161718181819",
       "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]");
  cbor("a0", "{}");
  cbor("a201020304", "{\"1\":2,\"3\":4}");
  cbor("a26161016162820203", "{\"a\":1,\"b\":[2,3]}");
  cbor("826161a161626163", "[\"a\",{\"b\":\"c\"}]");
  cbor("a56161614161626142616361436164614461656145",
       "{\"a\":\"A\",\"b\":\"B\",\"c\":\"C\",\"d\":\"D\",\"e\":\"E\"}");
  cbor("5f42010243030405ff", "\"AQIDBAU\"");
  cbor("7f657374726561646d696e67ff", "\"streaming\"");
  cbor("9fff", "[]");
  cbor("9f018202039f0405ffff", "[1,[2,3],[4,5]]");
  cbor("9f01820203820405ff", "[1,[2,3],[4,5]]");
  cbor("83018202039f0405ff", "[1,[2,3],[4,5]]");
  cbor("83019f0203ff820405", "[1,[2,3],[4,5]]");
  cbor("9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
       "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]");
  cbor("bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}");
  cbor("826161bf61626163ff", "[\"a\",{\"b\":\"c\"}]");
  cbor("bf6346756ef563416d7421ff", "{\"Fun\":true,\"Amt\":-2}");
}

static void refuses_what_is_not_well_formed (void **state) { /* RFC 8949 appendix F, and more */
  (void)state;
  static const struct {
    const char *hex;
    size_t at;
  } bad[] = {
    /* end of input in a head, in a string, before all elements are there */
    { "", 0 },
    { "18", 1 },
    { "19", 1 },
    { "1a", 1 },
    { "1b", 1 },
    { "1901", 2 },
    { "1a0102", 3 },
    { "1b01020304050607", 8 },
    { "38", 1 },
    { "58", 1 },
    { "78", 1 },
    { "98", 1 },
    { "9a01ff00", 4 },
    { "b8", 1 },
    { "d8", 1 },
    { "f8", 1 },
    { "f900", 2 },
    { "fa0000", 3 },
    { "fb000000", 4 },
    { "41", 1 },
    { "61", 1 },
    { "5affffffff00", 6 },
    { "5bffffffffffffffff010203", 12 },
    { "7affffffff00", 6 },
    { "7b7fffffffffffffff010203", 12 },
    { "81", 1 },
    { "818181818181818181", 9 },
    { "8200", 2 },
    { "a1", 1 },
    { "a20102", 3 },
    { "a100", 2 },
    { "a2000000", 4 },
    { "c0", 1 },
    { "5f4100", 3 },
    { "7f6100", 3 },
    { "9f", 1 },
    { "9f0102", 3 },
    { "bf", 1 },
    { "bf01020102", 5 },
    { "819f", 2 },
    { "9f8000", 3 },
    { "9f9f9f9f9fffffffff", 9 },
    { "9f819f819f9fffffff", 9 },
    /* reserved */
    { "1c", 0 },
    { "1d", 0 },
    { "1e", 0 },
    { "3c", 0 },
    { "5c", 0 },
    { "7d", 0 },
    { "9e", 0 },
    { "bc", 0 },
    { "dc", 0 },
    { "fc", 0 },
    { "fd", 0 },
    { "fe", 0 },
    /* simple values in two bytes below 32 */
    { "f800", 1 },
    { "f801", 1 },
    { "f818", 1 },
    { "f81f", 1 },
    /* strings of indefinite length with chunks of another type, or indefinite ones */
    { "5f00ff", 1 },
    { "5f21ff", 1 },
    { "5f6100ff", 1 },
    { "5f80ff", 1 },
    { "5fa0ff", 1 },
    { "5fc000ff", 1 },
    { "5fe0ff", 1 },
    { "7f4100ff", 1 },
    { "5f5f4100ffff", 1 },
    { "7f7f6100ffff", 1 },
    /* a break outside of them, or in place of a value */
    { "ff", 0 },
    { "81ff", 1 },
    { "8200ff", 2 },
    { "a1ff", 1 },
    { "a1ff00", 1 },
    { "a100ff", 2 },
    { "a20000ff", 3 },
    { "9f81ff", 2 },
    { "9f829f819f9fffffffff", 9 },
    { "bf00ff", 2 },
    { "bf000000ff", 4 },
    { "c0ff", 1 },
    /* indefinite lengths where there are none */
    { "1f", 0 },
    { "3f", 0 },
    { "df", 0 },
    /* what stands behind the document; texts that are not UTF-8, also over two chunks */
    { "0000", 1 },
    { "8000", 1 },
    { "a16161f6ff", 4 },
    { "61ff", 1 },
    { "62c328", 1 },
    { "7f61c361bcff", 2 },
    { "a161ff00", 2 },
    { "82 6161 61ff", 4 },
    { "78 20 6161616161616161616161616161616161616161616161616161616161616161ff", 34 },
  };
  for (size_t i = 0; i < COUNT(bad); i++) refuses(bad[i].hex, bad[i].at);
}

static void bounds_depth (void **state) {
  (void)state;
  uint8_t bytes[1100];
  tl_json_value v;
  tl_json_error e;
  for (int kind = 0; kind < 3; kind++) { /* [[[…]]], with lengths and without, and {0: {0: …}} */
    static const uint8_t opens[3] = { 0x81, 0x9f, 0xa1 };
    for (int depth = 512; depth <= 513; depth++) {
      size_t n = 0;
      for (int i = 0; i < depth; i++) {
        bytes[n++] = opens[kind];
        if (kind == 2) bytes[n++] = 0;
      }
      bytes[n++] = 0;
      for (int i = 0; kind == 1 && i < depth; i++) bytes[n++] = 0xff;
      int rc = whole_of(TL_DOC_CBOR, tl_slice_of(bytes, n), &v, &e);
      assert_int_equal(rc, depth == 512 ? TL_OK : TL_EMALFORMED);
      if (depth == 513) assert_string_equal(e.expected, "at most 512 levels");
    }
  }
  memset(bytes, 0xa1, sizeof bytes); /* maps as keys of maps as keys: no call of a call */
  assert_int_equal(whole_of(TL_DOC_CBOR, tl_slice_of(bytes, sizeof bytes), &v, &e), TL_EMALFORMED);
  assert_string_equal(e.expected, "at most 512 levels");
  assert_int_equal(e.at, 512);
  uint8_t many[200];
  memset(many, 0xc6, sizeof many); /* tags cost no depth */
  many[199] = 0;
  assert_int_equal(whole_of(TL_DOC_CBOR, tl_slice_of(many, sizeof many), &v, &e), TL_OK);
}

/* --- addresses --- */

static void leads_to (const char *path, const char *hex, const char *json) {
  tl_json_set *set = NULL;
  tl_slice slice = tl_slice_str(path), doc = from_hex(hex);
  tl_json_error e = { 0 };
  tl_buf out;
  assert_int_equal(tl_json_set_new(&set, &slice, 1, NULL, NULL), TL_OK);
  tl_json_value *values = malloc(tl_json_set_slots(set) * sizeof *values);
  if (tl_doc_extract(TL_DOC_CBOR, set, doc, values, &e) != TL_OK)
    fail_msg("%s: expected %s at byte %zu", hex, e.expected, e.at);
  tl_buf_init(&out);
  if (values[0].type == TL_JSON_NONE)
    tl_buf_str(&out, "-");
  else
    tl_doc_json(&values[0], &out);
  if (out.len != strlen(json) || memcmp(out.at, json, out.len) != 0)
    fail_msg("%s in %s: %.*s, not %s", path, hex, (int)out.len, (char *)out.at, json);
  tl_buf_fini(&out);
  free(values);
  free_hex(doc);
  tl_json_set_free(set);
}

static void follows_addresses (void **state) {
  (void)state;
  leads_to("a", "a26161016162820203", "1");
  leads_to("b[2]", "a26161016162820203", "3");
  leads_to("b", "a26161016162820203", "[2,3]");
  leads_to("b[3]", "a26161016162820203", "-");
  leads_to("a.x", "a26161016162820203", "-");
  leads_to("1", "a201020304", "2"); /* keys that are no text by their decimal number */
  leads_to("3", "a201020304", "4");
  leads_to("-1.x", "a120a1617805", "5");
  leads_to("a", "a14161 07", "7");               /* a byte string as key */
  leads_to("abcd", "a17f626162626364ff07", "7"); /* a key in chunks */
  leads_to("true", "a1f507", "-");
  leads_to("a", "a2 820102 09 6161 07", "7"); /* an array as key is passed over */
  leads_to("a", "a26161016161 02", "2");      /* the last of repeated ones */
  leads_to("a.b", "a2 6161a1616201 6161a1616301", "-");
  leads_to("a", "d9d9f7a16161c707", "7"); /* tags before the document and the value */
  leads_to("temperature.outside", "a16b74656d7065726174757265 a1 676f757473696465 f94d00", "20");
  leads_to("abcdefghijklmnopqrstuvwxyz",
           "a1 781a 6162636465666768696a6b6c6d6e6f707172737475767778797a 05", "5");
  leads_to("[2].v", "82a1617601bf617602ff", "2");
}

static void follows_selectors (void **state) {
  (void)state;
  /* [{"id": 1, "t": 21}, {"t": 22, "id": "A"}, {"id": 1.5, "t": 23}, {"id": true, "t": 24},
  ** {"id": h'42', "t": 25}] */
  const char *doc = "85 a2 626964 01 6174 15 a2 6174 16 626964 6141 a2 626964 f93e00 6174 17"
                    "a2 626964 f5 6174 1818 a2 626964 4142 6174 1819";
  leads_to("[id=1].t", doc, "21");
  leads_to("[id=A].t", doc, "22");
  leads_to("[id=1.5].t", doc, "23");
  leads_to("[id=true].t", doc, "24");
  leads_to("[id=B].t", doc, "25");
  leads_to("[id=C].t", doc, "-");
  leads_to("[id=AB].t", "81 a2 626964 7f61416142ff 6174 07", "7"); /* a text in chunks */
  leads_to("[id=1]", doc, "{\"id\":1,\"t\":21}");
}

/* --- conversions --- */

static tl_reason convert (tl_type type, const char *hex, const char *mask, tl_value *out) {
  static tl_buf scratch, kept;
  tl_slice doc = from_hex(hex);
  tl_json_value v;
  tl_timemask *m = NULL;
  tl_time_rule rule = { 0 };
  if (mask) assert_int_equal(tl_timemask_new(&m, tl_slice_str(mask), NULL), TL_OK);
  rule.mask = m;
  assert_int_equal(whole_of(TL_DOC_CBOR, doc, &v, NULL), TL_OK);
  tl_buf_clear(&scratch);
  tl_reason why = tl_convert_json(type, &v, &rule, &scratch, out);
  if (why == TL_REASON_NONE && (type == TL_TXTI || type == TL_TXTO)) {
    tl_buf_clear(&kept);
    tl_buf_slice(&kept, out->text);
    out->text = tl_buf_bytes(&kept);
  }
  tl_timemask_free(m);
  free_hex(doc);
  return why;
}

static void number_is (const char *hex, double expected) {
  tl_value v;
  assert_int_equal(convert(TL_AI, hex, NULL, &v), TL_REASON_NONE);
  if (v.number != expected) fail_msg("%s: %.17g", hex, v.number);
}
static void integer_is (const char *hex, int64_t expected) {
  tl_value v;
  assert_int_equal(convert(TL_CI, hex, NULL, &v), TL_REASON_NONE);
  if (v.integer != expected) fail_msg("%s: %lld", hex, (long long)v.integer);
}
static void text_is (const char *hex, const char *expected) {
  tl_value v;
  assert_int_equal(convert(TL_TXTI, hex, NULL, &v), TL_REASON_NONE);
  assert_bytes(v.text, expected);
}
static void time_is (const char *hex, const char *mask, int64_t expected) {
  tl_value v;
  tl_reason why = convert(TL_TIA, hex, mask, &v);
  if (why != TL_REASON_NONE || v.integer != expected)
    fail_msg("%s: %d, %lld", hex, why, (long long)v.integer);
}
static void fails (tl_type type, const char *hex, tl_reason why) {
  tl_value v;
  tl_reason got = convert(type, hex, "UNIX", &v);
  if (got != why) fail_msg("%s as %s: %s", hex, tl_type_name(type), tl_reason_name(got));
}

static void converts_by_the_table (void **state) {
  (void)state;
  tl_value v;
  number_is("fb3ff199999999999a", 1.1);
  number_is("f93e00", 1.5);
  number_is("1bffffffffffffffff", 18446744073709551615.0);
  number_is("3bffffffffffffffff", -18446744073709551616.0);
  number_is("c249010000000000000000", 18446744073709551616.0);
  number_is("c349010000000000000000", -18446744073709551617.0);
  number_is("c24102", 2);
  number_is("f5", 1);
  number_is("65 2032312e35", 21.5); /* " 21.5" */
  number_is("44 32312e35", 21.5);   /* bytes convert otherwise */
  number_is("7f 6132 622e35 ff", 2.5);
  integer_is("1b0020000000000001", INT64_C(9007199254740993));
  integer_is("1b7fffffffffffffff", INT64_MAX);
  integer_is("1bffffffffffffffff", INT64_MAX);
  integer_is("3b7fffffffffffffff", INT64_MIN);
  integer_is("3bffffffffffffffff", INT64_MIN);
  integer_is("f94100", 3); /* 2.5 */
  text_is("1bffffffffffffffff", "18446744073709551615");
  text_is("fb3ff199999999999a", "1.1");
  text_is("f5", "true");
  text_is("7f657374726561646d696e67ff", "streaming");
  text_is("a26161016162820203", "{\"a\":1,\"b\":[2,3]}");
  assert_int_equal(convert(TL_TXTI, "420001", NULL, &v), TL_REASON_NONE); /* bytes are bytes */
  assert_int_equal(v.text.len, 2);
  assert_memory_equal(v.text.at, "\0\1", 2);
  assert_int_equal(convert(TL_TXTI, "5f41004101ff", NULL, &v), TL_REASON_NONE);
  assert_int_equal(v.text.len, 2);
  assert_int_equal(convert(TL_DI, "f4", NULL, &v), TL_REASON_NONE);
  assert_false(v.boolean);
  assert_int_equal(convert(TL_DI, "02", NULL, &v), TL_REASON_NONE);
  assert_true(v.boolean);
  assert_int_equal(convert(TL_DI, "626f6e", NULL, &v), TL_REASON_NONE);
  assert_true(v.boolean);
  assert_int_equal(convert(TL_QI, "03", NULL, &v), TL_REASON_NONE);
  assert_int_equal(v.integer, 3);
  assert_int_equal(convert(TL_TIR, "66 5031445432 48", NULL, &v), TL_REASON_NONE); /* P1DT2H */
  assert_true(v.number == 93600);
  fails(TL_AI, "f97e00", TL_REASON_TYPE);
  fails(TL_AI, "f97c00", TL_REASON_TYPE);
  fails(TL_TXTI, "f97e00", TL_REASON_TYPE);
  fails(TL_AI, "f6", TL_REASON_TYPE);
  fails(TL_AI, "f7", TL_REASON_TYPE);
  fails(TL_TXTI, "f7", TL_REASON_TYPE);
  fails(TL_TXTI, "f0", TL_REASON_TYPE);
  fails(TL_AI, "80", TL_REASON_TYPE);
  fails(TL_AI, "a0", TL_REASON_TYPE);
  fails(TL_AI, "6161", TL_REASON_TYPE);
  fails(TL_QI, "05", TL_REASON_TYPE);
  fails(TL_QI, "f93e00", TL_REASON_TYPE);
}

static void reads_times_by_tags_and_masks (void **state) {
  (void)state;
  time_is("c074323031332d30332d32315432303a30343a30305a", "UNIX", INT64_C(1363896240000));
  time_is("c0781d323031332d30332d32315432303a30343a30302e3539392b30313a3030", "UNIX",
          INT64_C(1363892640599));
  time_is("c11a514b67b0", "yyyy-mm-dd", INT64_C(1363896240000));
  time_is("c1fb41d452d9ec200000", "UNIX", INT64_C(1363896240500));
  time_is("c120", "UNIXMS", -1000);
  time_is("1a514b67b0", "UNIX", INT64_C(1363896240000));
  time_is("fb41d452d9ec200000", "UNIX", INT64_C(1363896240500));
  time_is("1b0000013d8e8d0974", "UNIXMS", INT64_C(1363896240500));
  time_is("1b16c8601ac9f15b80", "UNIXNS", INT64_C(1641667732350));
  time_is("6a 31333633383936323430", "UNIX", INT64_C(1363896240000));
  fails(TL_TIA, "c06161", TL_REASON_TIME);
  fails(TL_TIA, "c1f97e00", TL_REASON_TIME);
  fails(TL_TIA, "6161", TL_REASON_TIME);
  fails(TL_TIA, "80", TL_REASON_TYPE);
  number_is("c11a514b67b0", 1363896240); /* for other types a tag is read through */
  text_is("c074323031332d30332d32315432303a30343a30305a", "2013-03-21T20:04:00Z");
}

static void survives_cuts_and_changes (void **state) {
  (void)state;
  survives(TL_DOC_CBOR, "bf 6161 83 01 f93e00 c11a514b67b0 6162 5f4101420203ff 6163 a1 20 "
                        "7f6161ff 6164 d818 43010203 ff");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_appendix_a_of_rfc_8949),
    cmocka_unit_test(refuses_what_is_not_well_formed),
    cmocka_unit_test(bounds_depth),
    cmocka_unit_test(follows_addresses),
    cmocka_unit_test(follows_selectors),
    cmocka_unit_test(converts_by_the_table),
    cmocka_unit_test(reads_times_by_tags_and_masks),
    cmocka_unit_test(survives_cuts_and_changes),
  };
  return cmocka_run_group_tests_name("payload.cbor", tests, NULL, NULL);
}
