/* spec/payload/msgpack_test.c — MessagePack: every format of its specification, what is cut or
** none of them, addresses, timestamps. */
#include "payload/words.h"
#include "payload/document_support.h"

static void msgpack (const char *hex, const char *json) { shows(TL_DOC_MSGPACK, hex, json); }
static void refuses (const char *hex, size_t at) { refuses_at(TL_DOC_MSGPACK, hex, at); }

static void reads_every_format (void **state) {
  (void)state;
  msgpack("c0", "null");
  msgpack("c2", "false");
  msgpack("c3", "true");
  msgpack("00", "0");
  msgpack("7f", "127");
  msgpack("ff", "-1");
  msgpack("e0", "-32");
  msgpack("cc80", "128");
  msgpack("ccff", "255");
  msgpack("cdffff", "65535");
  msgpack("ceffffffff", "4294967295");
  msgpack("cfffffffffffffffff", "18446744073709551615");
  msgpack("cf7fffffffffffffff", "9223372036854775807");
  msgpack("d080", "-128");
  msgpack("d07f", "127");
  msgpack("d18000", "-32768");
  msgpack("d280000000", "-2147483648");
  msgpack("d38000000000000000", "-9223372036854775808");
  msgpack("ca3fc00000", "1.5");
  msgpack("cb3ff199999999999a", "1.1");
  msgpack("cb7ff8000000000000", "null");
  msgpack("a0", "\"\"");
  msgpack("a3616263", "\"abc\"");
  msgpack("bf 31323334353637383930313233343536373839303132333435363738393031",
          "\"1234567890123456789012345678901\"");
  msgpack("d903616263", "\"abc\"");
  msgpack("da0003616263", "\"abc\"");
  msgpack("db00000003616263", "\"abc\"");
  msgpack("a2c328", "\"wyg\""); /* not UTF-8: bytes */
  msgpack("c4020102", "\"AQI\"");
  msgpack("c500020102", "\"AQI\"");
  msgpack("c6000000020102", "\"AQI\"");
  msgpack("d40501", "\"AQ\"");
  msgpack("d5050102", "\"AQI\"");
  msgpack("d60501020304", "\"AQIDBA\"");
  msgpack("d7050102030405060708", "\"AQIDBAUGBwg\"");
  msgpack("d80501020304050607080102030405060708", "\"AQIDBAUGBwgBAgMEBQYHCA\"");
  msgpack("c7 02 05 0102", "\"AQI\"");
  msgpack("c8 0002 05 0102", "\"AQI\"");
  msgpack("c9 00000002 05 0102", "\"AQI\"");
  msgpack("c70005", "\"\"");
  msgpack("90", "[]");
  msgpack("93010203", "[1,2,3]");
  msgpack("dc0002 01 02", "[1,2]");
  msgpack("dd00000002 01 02", "[1,2]");
  msgpack("80", "{}");
  msgpack("82 a161 01 a162 92 02 03", "{\"a\":1,\"b\":[2,3]}");
  msgpack("de0001 a161 c0", "{\"a\":null}");
  msgpack("df00000001 05 c3", "{\"5\":true}");
  msgpack("d6ff514b67b0", "1363896240");
  msgpack("d7ff 77359400 514b67b0", "1363896240.5");
}

static void refuses_what_is_cut_or_unknown (void **state) {
  (void)state;
  static const struct {
    const char *hex;
    size_t at;
  } bad[] = { { "", 0 },
              { "c1", 0 },
              { "93 01 c1", 2 },
              { "cc", 1 },
              { "cd01", 2 },
              { "ce010203", 4 },
              { "cf01", 2 },
              { "d0", 1 },
              { "d101", 2 },
              { "ca0000", 3 },
              { "cb", 1 },
              { "a3 6162", 3 },
              { "d9", 1 },
              { "d905 61", 3 },
              { "da00", 2 },
              { "db000000", 4 },
              { "c4", 1 },
              { "c402 01", 3 },
              { "c6 ffffffff", 5 },
              { "d4", 1 },
              { "d405", 2 },
              { "c7", 1 },
              { "c702", 2 },
              { "c70205 01", 4 },
              { "d6ff 0102", 4 },
              { "91", 1 },
              { "92 01", 2 },
              { "dc", 1 },
              { "dc0002 01", 4 },
              { "ddffffffff 01", 6 },
              { "81", 1 },
              { "81 a161", 3 },
              { "82 a161 01", 4 },
              { "dfffffffff", 5 },
              { "0000", 1 },
              { "c0 c0", 1 },
              { "81 c1 01", 1 } };
  for (size_t i = 0; i < COUNT(bad); i++) refuses(bad[i].hex, bad[i].at);
}

static tl_reason convert (tl_type type, const char *path, const char *hex, const char *mask,
                          tl_value *out) {
  static tl_buf scratch;
  static char kept[256];
  tl_json_set *set = NULL;
  tl_slice slice = tl_slice_str(path), doc = from_hex(hex);
  tl_timemask *m = NULL;
  assert_int_equal(tl_timemask_new(&m, tl_slice_str(mask), NULL), TL_OK);
  tl_time_rule rule = { .mask = m };
  assert_int_equal(tl_json_set_new(&set, &slice, 1, NULL, NULL), TL_OK);
  tl_json_value *values = malloc(tl_json_set_slots(set) * sizeof *values);
  assert_int_equal(tl_doc_extract(TL_DOC_MSGPACK, set, doc, values, NULL), TL_OK);
  tl_buf_clear(&scratch);
  tl_reason why = tl_convert_json(type, &values[0], &rule, &scratch, out);
  if (why == TL_REASON_NONE && type == TL_TXTI) {
    memcpy(kept, out->text.at, out->text.len);
    out->text.at = (uint8_t *)kept;
  }
  free(values);
  tl_json_set_free(set);
  tl_timemask_free(m);
  free_hex(doc);
  return why;
}

static void follows_addresses_and_selectors (void **state) {
  (void)state;
  tl_value v;
  const char *doc =
      "81 a1 6c 92 82 a2 6964 01 a1 74 cb4035800000000000 82 a1 74 ca41b40000 a2 6964 a1 42";
  assert_int_equal(convert(TL_AI, "l[id=1].t", doc, "UNIX", &v), TL_REASON_NONE);
  assert_true(v.number == 21.5);
  assert_int_equal(convert(TL_AI, "l[id=B].t", doc, "UNIX", &v), TL_REASON_NONE);
  assert_true(v.number == 22.5);
  assert_int_equal(convert(TL_AI, "l[2].t", doc, "UNIX", &v), TL_REASON_NONE);
  assert_true(v.number == 22.5);
  assert_int_equal(convert(TL_AI, "l[id=C].t", doc, "UNIX", &v), TL_REASON_MISSING);
  assert_int_equal(convert(TL_AI, "7", "81 07 05", "UNIX", &v), TL_REASON_NONE);
  assert_true(v.number == 5);
  assert_int_equal(convert(TL_TXTI, "a", "81 a161 c402 0001", "UNIX", &v), TL_REASON_NONE);
  assert_int_equal(v.text.len, 2);
  assert_int_equal(convert(TL_CI, "", "cfffffffffffffffff", "UNIX", &v), TL_REASON_NONE);
  assert_int_equal(v.integer, INT64_MAX);
  assert_int_equal(convert(TL_CI, "", "d38000000000000000", "UNIX", &v), TL_REASON_NONE);
  assert_int_equal(v.integer, INT64_MIN);
}

static void reads_timestamps (void **state) {
  (void)state;
  tl_value v;
  static const struct {
    const char *hex;
    int64_t ms;
  } good[] = { { "d6ff514b67b0", INT64_C(1363896240000) },
               { "d7ff 77359400 514b67b0", INT64_C(1363896240500) },
               { "c70cff 1dcd6500 00000000514b67b0", INT64_C(1363896240500) },
               { "c70cff 3b9ac9ff fffffffffffffffe", -1001 },
               { "c8000cff 1dcd6500 00000000514b67b0", INT64_C(1363896240500) },
               { "c704ff 514b67b0", INT64_C(1363896240000) },
               { "ce514b67b0", INT64_C(1363896240000) } };
  for (size_t i = 0; i < COUNT(good); i++) {
    assert_int_equal(convert(TL_TIA, "", good[i].hex, "UNIX", &v), TL_REASON_NONE);
    if (v.integer != good[i].ms) fail_msg("%s: %lld", good[i].hex, (long long)v.integer);
  }
  assert_int_equal(convert(TL_TIA, "", "c70cff 00000000 7fffffffffffffff", "UNIX", &v),
                   TL_REASON_TIME);
  assert_int_equal(convert(TL_AI, "", "d7ff 77359400 514b67b0", "UNIX", &v), TL_REASON_NONE);
  assert_true(v.number == 1363896240.5);
}

static void bounds_depth (void **state) {
  (void)state;
  uint8_t bytes[600];
  tl_json_value v;
  tl_json_error e;
  memset(bytes, 0x91, sizeof bytes);
  bytes[512] = 0;
  assert_int_equal(whole_of(TL_DOC_MSGPACK, tl_slice_of(bytes, 513), &v, &e), TL_OK);
  bytes[512] = 0x91;
  bytes[513] = 0;
  assert_int_equal(whole_of(TL_DOC_MSGPACK, tl_slice_of(bytes, 514), &v, &e), TL_EMALFORMED);
  assert_int_equal(e.at, 512);
}

static void survives_cuts_and_changes (void **state) {
  (void)state;
  survives(TL_DOC_MSGPACK,
           "84 a161 93 01 ca3fc00000 d6ff514b67b0 a162 c4020102 05 81 20 c0 d90163 d5050102");
}

/* --- writing --- */

static void published (tl_doc_format format, tl_type type, tl_value v, const char *mask,
                       const char *hex) {
  tl_buf out;
  tl_timemask *m = NULL;
  tl_text_rule none = { 0 };
  tl_slice wanted = from_hex(hex);
  tl_buf_init(&out);
  if (mask) assert_int_equal(tl_timemask_new(&m, tl_slice_str(mask), NULL), TL_OK);
  tl_time_rule rule = { .mask = m };
  tl_doc_publish(format, type, &none, &v, &rule, &out);
  if (!tl_slice_eq(tl_buf_bytes(&out), wanted))
    fail_msg("%s as %s: %zu bytes", hex, tl_type_name(type), out.len);
  tl_timemask_free(m);
  tl_buf_fini(&out);
  free_hex(wanted);
}

static void writes_in_the_shortest_form (void **state) {
  (void)state;
  static const struct {
    double number;
    const char *cbor, *msgpack;
  } numbers[] = { { 0, "00", "00" },
                  { 23, "17", "17" },
                  { 24, "1818", "18" },
                  { 127, "187f", "7f" },
                  { 128, "1880", "cc80" },
                  { 256, "190100", "cd0100" },
                  { 65536, "1a00010000", "ce00010000" },
                  { -1, "20", "ff" },
                  { -32, "381f", "e0" },
                  { -33, "3820", "d0df" },
                  { -129, "3880", "d1ff7f" },
                  { -32769, "398000", "d2ffff7fff" },
                  { 1.5, "fa3fc00000", "ca3fc00000" },
                  { 1.1, "fb3ff199999999999a", "cb3ff199999999999a" } };
  for (size_t i = 0; i < COUNT(numbers); i++) {
    published(TL_DOC_CBOR, TL_AO, (tl_value){ .number = numbers[i].number }, NULL, numbers[i].cbor);
    published(TL_DOC_MSGPACK, TL_AO, (tl_value){ .number = numbers[i].number }, NULL,
              numbers[i].msgpack);
  }
  published(TL_DOC_CBOR, TL_CO, (tl_value){ .integer = INT64_MIN }, NULL, "3b7fffffffffffffff");
  published(TL_DOC_MSGPACK, TL_CO, (tl_value){ .integer = INT64_MIN }, NULL, "d38000000000000000");
  published(TL_DOC_MSGPACK, TL_CO, (tl_value){ .integer = INT64_MAX }, NULL, "cf7fffffffffffffff");
  published(TL_DOC_CBOR, TL_DO, (tl_value){ .boolean = true }, NULL, "f5");
  published(TL_DOC_MSGPACK, TL_DO, (tl_value){ .boolean = false }, NULL, "c2");
  published(TL_DOC_CBOR, TL_TXTO, (tl_value){ .text = TL_LIT("ü") }, NULL, "62c3bc");
  published(TL_DOC_CBOR, TL_TXTO, (tl_value){ .text = TL_LIT("\xff") }, NULL, "41ff");
  published(TL_DOC_MSGPACK, TL_TXTO, (tl_value){ .text = TL_LIT("abc") }, NULL, "a3616263");
  published(TL_DOC_MSGPACK, TL_TXTO, (tl_value){ .text = TL_LIT("\xff") }, NULL, "c401ff");
  published(TL_DOC_CBOR, TL_TOA, (tl_value){ .integer = 1363896240000 }, "UNIX", "1a514b67b0");
  published(TL_DOC_CBOR, TL_TOA, (tl_value){ .integer = 1363896240500 }, "UNIX",
            "fb41d452d9ec200000");
  published(TL_DOC_CBOR, TL_TOA, (tl_value){ .integer = 1363896240000 }, "yyyy-mm-dd",
            "6a323031332d30332d3231");
  published(TL_DOC_MSGPACK, TL_TOR, (tl_value){ .number = 90 }, NULL, "5a");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_every_format),
    cmocka_unit_test(refuses_what_is_cut_or_unknown),
    cmocka_unit_test(follows_addresses_and_selectors),
    cmocka_unit_test(reads_timestamps),
    cmocka_unit_test(bounds_depth),
    cmocka_unit_test(survives_cuts_and_changes),
    cmocka_unit_test(writes_in_the_shortest_form),
  };
  return cmocka_run_group_tests_name("payload.msgpack", tests, NULL, NULL);
}
