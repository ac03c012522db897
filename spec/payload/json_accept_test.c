/* spec/payload/json_accept_test.c — which texts are JSON (RFC 8259) and which are not. */
#include "json_support.h"

#include <sys/mman.h>
#include <unistd.h>

#define CASE(text) \
  { text, sizeof(text) - 1 }
typedef struct {
  const char *at;
  size_t len;
} text_case;

static const text_case good[] = {
  /* structure */
  CASE("{}"),
  CASE("[]"),
  CASE("[[]]"),
  CASE("[{}]"),
  CASE("{\"a\":{}}"),
  CASE("{\"a\":[]}"),
  CASE("[[],[],{}]"),
  CASE("[1]"),
  CASE("[1,2]"),
  CASE("[[[[[[1]]],2]]]"),
  CASE("{\"a\":1}"),
  CASE("{\"a\":1,\"b\":2}"),
  CASE("{\"\":0}"),
  CASE("{\"a\":1,\"a\":2}"),
  CASE("{\"a\":1,\"a\":1}"),
  CASE("{\"a\":null,\"a\":{}}"),
  CASE("[null,1,\"1\",{}]"),
  CASE("[true]"),
  CASE("[false]"),
  CASE("{\"a\":[{\"id\":\"x\"}],\"id\":\"y\"}"),
  CASE("{\"long key of more than sixteen bytes\":[]}"),
  /* scalars alone */
  CASE("1"),
  CASE("0"),
  CASE("-1"),
  CASE("\"\""),
  CASE("\"a\""),
  CASE("true"),
  CASE("false"),
  CASE("null"),
  CASE(" 1 "),
  CASE("1.5e3"),
  /* blanks */
  CASE(" {}"),
  CASE("{} "),
  CASE("\t\n\r []\r\n\t "),
  CASE("[ 1 , 2 ]"),
  CASE("{ \"a\" : 1 , \"b\" : [ ] }"),
  CASE("[\n1\n]"),
  CASE("[ ]"),
  CASE("{ }"),
  CASE("{\n    \"a\": 1,\n    \"b\": {\n        \"c\": [\n            1,\n            2\n        "
       "]\n    }\n}\n"),
  /* numbers */
  CASE("[0]"),
  CASE("[-0]"),
  CASE("[-0.0]"),
  CASE("[0.1]"),
  CASE("[10]"),
  CASE("[1.0]"),
  CASE("[1e1]"),
  CASE("[1E1]"),
  CASE("[1e+1]"),
  CASE("[1E-1]"),
  CASE("[0e1]"),
  CASE("[0e+1]"),
  CASE("[0.0e0]"),
  CASE("[1e00]"),
  CASE("[123.456e78]"),
  CASE("[-123]"),
  CASE("[-1.5E-07]"),
  CASE("[123456789012345678901234567890]"),
  CASE("[1e400]"),
  CASE("[-1e400]"),
  CASE("[1e-400]"),
  CASE("[0.4e00669999999999999999]"),
  CASE("[-0.00000000000000000000000000000000000000000000000000000000000000000001]"),
  CASE("[20,1]"),
  CASE("[1 ]"),
  CASE("[18446744073709551616]"),
  CASE("[1.7976931348623157e308]"),
  /* strings */
  CASE("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
  CASE("[\"\\u0041\"]"),
  CASE("[\"\\u00e9\\u20AC\"]"),
  CASE("[\"\\ud83d\\ude00\"]"),
  CASE("[\"\\u0000\"]"),
  CASE("[\"\\uFFFF\"]"),
  CASE("[\"\\ud800\"]"),
  CASE("[\"\\udc00\"]"),
  CASE("[\"\\ud800\\u0041\"]"),
  CASE("[\"\\udead\\ud800\"]"),
  CASE("[\"\\ud800x\"]"),
  CASE("[\"\\ud800\\n\"]"),
  CASE("[\"\\u005C\"]"),
  CASE("[\"\\\\u0000\"]"),
  CASE("[\"\\\\n\"]"),
  CASE("[\"\x7f\"]"),
  CASE("[\" \"]"),
  CASE("[\"/* no comment */\"]"),
  CASE("[\"new\\u000Aline\"]"),
  CASE("[\"\\\"\"]"),
  CASE("[\"\\\\\"]"),
  CASE("[\"0123456789abcdef\"]"),
  CASE("[\"0123456789abcde\\\"\"]"),
  CASE("{\"\\u0061\":1}"),
  /* UTF-8, at both ends of each row of the Unicode table */
  CASE("[\"\xc2\x80\"]"),
  CASE("[\"\xdf\xbf\"]"),
  CASE("[\"\xe0\xa0\x80\"]"),
  CASE("[\"\xed\x9f\xbf\"]"),
  CASE("[\"\xee\x80\x80\"]"),
  CASE("[\"\xef\xbf\xbf\"]"),
  CASE("[\"\xf0\x90\x80\x80\"]"),
  CASE("[\"\xf4\x8f\xbf\xbf\"]"),
  CASE("[\"\xef\xbb\xbf\"]"),
  CASE("[\"\xe2\x80\xa8\xe2\x80\xa9\"]"),
  CASE(
      "[\"\xc3\xa9t\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xc5\xbelt\xc3\xbd k\xc3\xb4\xc5\x88\"]"),
  CASE("{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}"),
  CASE("[\"a\\n\xc3\xa9\\n\xc3\xa9z\"]"),
};

static const text_case bad[] = {
  /* nothing, or not a whole value */
  CASE(""),
  CASE(" "),
  CASE("\n\t"),
  CASE("\0"),
  CASE("{"),
  CASE("["),
  CASE("}"),
  CASE("]"),
  CASE("[["),
  CASE("[{"),
  CASE("{\"a\""),
  CASE("{\"a\":"),
  CASE("{\"a\":1"),
  CASE("[1"),
  CASE("[1,"),
  CASE("\""),
  CASE("[\"a"),
  CASE("[\"a\\"),
  CASE("[\"a\\u12"),
  CASE("[\"\xc3"),
  CASE("t"),
  CASE("tru"),
  CASE("fals"),
  CASE("nul"),
  CASE("-"),
  CASE("[{}"),
  CASE("{\"a\":[]"),
  CASE("[\"a\",\n4\n,1,"),
  CASE("{\"a\":true"),
  /* more than a value */
  CASE("1 2"),
  CASE("{}{}"),
  CASE("[]]"),
  CASE("{}}"),
  CASE("[][]"),
  CASE("{},"),
  CASE("\"a\"b"),
  CASE("nullx"),
  CASE("true false"),
  CASE("{}#"),
  CASE("[1]\0"),
  CASE("{\"a\":1}//c"),
  CASE("{\"a\":1}/**/"),
  CASE("1]"),
  CASE("\"a\",\"b\""),
  CASE("[] ;"),
  CASE("2@"),
  /* commas and colons */
  CASE("[,]"),
  CASE("[,1]"),
  CASE("[1,]"),
  CASE("[1,,2]"),
  CASE("[1,,]"),
  CASE("[1 2]"),
  CASE("[\"a\" 1]"),
  CASE("[1:2]"),
  CASE("[\"\":1]"),
  CASE("[3[4]]"),
  CASE("[1;2]"),
  CASE("{,}"),
  CASE("{\"a\":1,}"),
  CASE("{\"a\":1,,\"b\":2}"),
  CASE("{,\"a\":1}"),
  CASE("{\"a\",1}"),
  CASE("{\"a\" 1}"),
  CASE("{\"a\"::1}"),
  CASE("{\"a\":}"),
  CASE("{:1}"),
  CASE("{\"a\":1 \"b\":2}"),
  CASE("{\"a\":1:2}"),
  CASE("{\"a\"}"),
  CASE("{\"a\":\"a\" 123}"),
  CASE("{\"a\":1,\"b\"}"),
  CASE("{\"a\":1,1}"),
  CASE("[1,\n1\n,1"),
  CASE(","),
  CASE(":"),
  /* closing the wrong thing */
  CASE("[}"),
  CASE("{]"),
  CASE("[1}"),
  CASE("{\"a\":1]"),
  CASE("[{]}"),
  CASE("{\"a\":[}]"),
  CASE("[[]"),
  CASE("[)"),
  CASE("<>"),
  CASE("[<null>]"),
  /* keys */
  CASE("{a:1}"),
  CASE("{'a':1}"),
  CASE("{1:1}"),
  CASE("{null:1}"),
  CASE("{[]:1}"),
  CASE("{{}:1}"),
  CASE("{\"a\":1,b:2}"),
  CASE("{\\\"a\\\":1}"),
  CASE("{9999E9999:1}"),
  CASE("{\"x\":true,}"),
  CASE("{\xc3\xa9:1}"),
  /* words */
  CASE("[True]"),
  CASE("[TRUE]"),
  CASE("[nul]"),
  CASE("[NaN]"),
  CASE("[nan]"),
  CASE("[Infinity]"),
  CASE("[-Infinity]"),
  CASE("[inf]"),
  CASE("[tru]"),
  CASE("[truee]"),
  CASE("[fals]"),
  CASE("[falsey]"),
  CASE("[undefined]"),
  CASE("[nulll]"),
  CASE("[t rue]"),
  CASE("[x]"),
  CASE("[*]"),
  CASE("[tRue]"),
  CASE("[nil]"),
  CASE("[none]"),
  /* numbers */
  CASE("[01]"),
  CASE("[-01]"),
  CASE("[00]"),
  CASE("[-00]"),
  CASE("[012.5]"),
  CASE("[+1]"),
  CASE("[++1]"),
  CASE("[--1]"),
  CASE("[-]"),
  CASE("[- 1]"),
  CASE("[-a]"),
  CASE("[.5]"),
  CASE("[-.5]"),
  CASE("[.]"),
  CASE("[1.]"),
  CASE("[1.e1]"),
  CASE("[0.e1]"),
  CASE("[1..2]"),
  CASE("[1.2.3]"),
  CASE("[1.-2]"),
  CASE("[1e]"),
  CASE("[1E+]"),
  CASE("[1e-]"),
  CASE("[0e]"),
  CASE("[1.0e+]"),
  CASE("[1eE2]"),
  CASE("[1e1.5]"),
  CASE("[1e+-1]"),
  CASE("[0x10]"),
  CASE("[0xA]"),
  CASE("[1a]"),
  CASE("[1 000]"),
  CASE("[1_000]"),
  CASE("[1,5.]"),
  CASE("[1+2]"),
  CASE("[1-2]"),
  CASE("[-1x]"),
  CASE("[1.2a-3]"),
  CASE("[1e1e1]"),
  CASE("[\xef\xbc\x91]"),
  CASE("[9.e+]"),
  CASE("[2.e3]"),
  CASE("[0.3e]"),
  CASE("-."),
  CASE("1."),
  CASE("1e"),
  CASE("[0b1]"),
  CASE("[1f]"),
  CASE("[1L]"),
  CASE("[-NaN]"),
  CASE("[0.1.2]"),
  CASE("[0.3e+]"),
  CASE("[1\0]"),
  CASE("[123\xe5]"),
  CASE("[1e1\xe5]"),
  CASE("[0\xe5]"),
  CASE("[-foo]"),
  /* strings */
  CASE("['a']"),
  CASE("[a]"),
  CASE("[\"a]"),
  CASE("[a\"]"),
  CASE("[\"a\"b\"]"),
  CASE("[\"\"\"]"),
  CASE("[\"\\\"]"),
  CASE("[\"\\x41\"]"),
  CASE("[\"\\a\"]"),
  CASE("[\"\\'\"]"),
  CASE("[\"\\0\"]"),
  CASE("[\"\\ \"]"),
  CASE("[\"\\\n\"]"),
  CASE("[\"\\U0041\"]"),
  CASE("[\"\\u\"]"),
  CASE("[\"\\u1\"]"),
  CASE("[\"\\u12\"]"),
  CASE("[\"\\u123\"]"),
  CASE("[\"\\u00g0\"]"),
  CASE("[\"\\u 041\"]"),
  CASE("[\"\\u+041\"]"),
  CASE("[\"\\u{41}\"]"),
  CASE("[\"\\ud800\\u\"]"),
  CASE("[\"\\ud800\\u1\"]"),
  CASE("[\"\\ud800\\\"]"),
  CASE("[\"\\uD834\\x\"]"),
  CASE("[\"\\\xc3\xa9\"]"),
  CASE("[\"\\\0\"]"),
  CASE("[\\n]"),
  CASE("[\\u0020\"a\"]"),
  CASE("[\"\n\"]"),
  CASE("[\"\t\"]"),
  CASE("[\"\r\"]"),
  CASE("[\"\0\"]"),
  CASE("[\"\x1f\"]"),
  CASE("[\"a\x01z\"]"),
  CASE("[\"0123456789abcdef\x01\"]"),
  CASE("[\"\\\t\"]"),
  CASE("{\"a\n\":1}"),
  CASE("{\"\x08\":1}"),
  CASE("\"\\\\\\\""),
  CASE("[`a`]"),
  /* not UTF-8 */
  CASE("[\"\x80\"]"),
  CASE("[\"\xbf\"]"),
  CASE("[\"\xc0\x80\"]"),
  CASE("[\"\xc0\xaf\"]"),
  CASE("[\"\xc1\xbf\"]"),
  CASE("[\"\xc3\"]"),
  CASE("[\"\xc3\x28\"]"),
  CASE("[\"\xc3\xc3\"]"),
  CASE("[\"\xe0\x80\x80\"]"),
  CASE("[\"\xe0\x9f\xbf\"]"),
  CASE("[\"\xe2\x82\"]"),
  CASE("[\"\xe2\x28\xa1\"]"),
  CASE("[\"\xe2\x82\x28\"]"),
  CASE("[\"\xed\xa0\x80\"]"),
  CASE("[\"\xed\xbf\xbf\"]"),
  CASE("[\"\xed\xa0\xbd\xed\xb8\x80\"]"),
  CASE("[\"\xf0\x80\x80\x80\"]"),
  CASE("[\"\xf0\x8f\xbf\xbf\"]"),
  CASE("[\"\xf0\x9f\x98\"]"),
  CASE("[\"\xf0\x9f\x28\x80\"]"),
  CASE("[\"\xf0\x9f\x98\x28\"]"),
  CASE("[\"\xf4\x90\x80\x80\"]"),
  CASE("[\"\xf5\x80\x80\x80\"]"),
  CASE("[\"\xf8\x88\x80\x80\x80\"]"),
  CASE("[\"\xfc\x84\x80\x80\x80\x80\"]"),
  CASE("[\"\xfe\"]"),
  CASE("[\"\xff\"]"),
  CASE("[\"\xe9\"]"),
  CASE("{\"\xe9\":1}"),
  CASE("[\"\xc3\xa9\xa9\"]"),
  CASE("[\xc3\xa9]"),
  CASE("[\xff]"),
  CASE("\xc3\xa5"),
  CASE("[\"a\xf0\x90\x80\"]"),
  CASE("[\"\xef\xbf\"]"),
  /* byte order marks and other encodings */
  CASE("\xef\xbb\xbf"),
  CASE("\xef\xbb\xbf{}"),
  CASE("\xef\xbb{}"),
  CASE("\xfe\xff\0[\0]"),
  CASE("\xff\xfe[\0]\0"),
  CASE("[\0\"\0]\0"),
  CASE("\0[\0]"),
  CASE("{}\xef\xbb\xbf"),
  CASE("[\xef\xbb\xbf]"),
  /* what only looks blank */
  CASE("[\x0b]"),
  CASE("[\x0c]"),
  CASE("[\xc2\xa0]"),
  CASE("[\xe2\x81\xa0]"),
  CASE("\x0c{}"),
  CASE("[1]\x0c"),
  CASE("[\0]"),
  CASE("{\"a\":\0"
       "1}"),
  CASE("{\x1f}"),
  CASE("[1,\x0b"
       "2]"),
  CASE("[\x1a]"),
  /* comments */
  CASE("[/**/]"),
  CASE("[1/*c*/]"),
  CASE("//c\n[]"),
  CASE("#c\n[]"),
  CASE("{/*c*/\"a\":1}"),
  CASE("{\"a\":/*c*/1}"),
  CASE("/"),
};

static void takes_what_the_standard_allows (void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    tl_json_error e;
    if (!json_accepted(tl_slice_of(good[i].at, good[i].len), &e))
      fail_msg("refused: %s at %zu: expected %s", good[i].at, e.at, e.expected);
  }
}

static void refuses_what_the_standard_does_not_allow (void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (json_accepted(tl_slice_of(bad[i].at, bad[i].len), NULL))
      fail_msg("accepted case %zu: %s", i, bad[i].at);
}

/* The same behind 0..70 bytes of text, so that each way a token can lie across a block of 64 is
** met. */
static void judges_the_same_wherever_a_value_lies (void **state) {
  (void)state;
  char text[256];
  for (int shift = 0; shift <= 70; shift++) {
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
      size_t n = (size_t)snprintf(text, sizeof text, "[\"%*s\",", shift, "");
      memcpy(text + n, good[i].at, good[i].len);
      text[n + good[i].len] = ']';
      assert_true(json_accepted(tl_slice_of(text, n + good[i].len + 1), NULL));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
      size_t n = (size_t)snprintf(text, sizeof text, "{\"%*s\":", shift, "");
      memcpy(text + n, bad[i].at, bad[i].len);
      memcpy(text + n + bad[i].len, "}          ", 11);
      tl_json_error e;
      if (json_accepted(tl_slice_of(text, n + bad[i].len + 1 + (size_t)shift % 10), &e))
        fail_msg("accepted %s", text);
      assert_true(e.at >= n || bad[i].len == 0);
    }
  }
}

static const char *const documents[] = {
  "{\"temp\":21.5,\"hum\":40.25,\"ok\":true,\"ts\":1700000000000}",
  "[{\"id\":1,\"name\":\"sensor-1 with a longer "
  "name\",\"v\":[1,-2.5e+3,null,false,\"\\u00e9\\n\"]},"
  "{},[],[[\"x\"]],\"\xf0\x9f\x98\x80\"]",
  "{\n  \"a\": {\n    \"b\": [\n      1,\n      2\n    ],\n    \"\\\"q\\\"\": "
  "\"\xc3\xa9\xe2\x82\xac\"\n  },\n  \"c\": null\n}",
  "\"a string of more than thirty-two bytes alone\"",
  "{\"uplink_message\":{\"decoded_payload\":{\"temperature\":21.5},"
  "\"rx_metadata\":[{\"rssi\":-97,\"snr\":9.2,\"time\":\"2026-11-22T14:03:16Z\"}]}}",
};

static void refuses_each_shorter_prefix (void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
    size_t len = strlen(documents[i]);
    assert_true(json_accepted(tl_slice_of(documents[i], len), NULL));
    for (size_t n = 0; n < len; n++) {
      tl_json_error e;
      assert_false(json_accepted(tl_slice_of(documents[i], n), &e));
      assert_true(e.at <= n);
    }
  }
}

static void reads_nothing_behind_the_last_byte (void **state) {
  (void)state;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *map = mmap(NULL, page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(map, MAP_FAILED);
  assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
  static const char *const paths[] = {
    "temp", "ts", "[1].v[2]", "a.b[2]", "uplink_message.rx_metadata[1].rssi", ""
  };
  tl_json_set *set = json_set_of(paths, 6);
  for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
    size_t len = strlen(documents[i]);
    for (size_t n = 0; n <= len; n++) {
      uint8_t *at = map + page - n;
      tl_json_value values[6];
      memcpy(at, documents[i], n);
      assert_int_equal(tl_json_extract(set, tl_slice_of(at, n), values, NULL),
                       n == len ? TL_OK : TL_EMALFORMED);
      assert_int_equal(tl_json_walk(tl_slice_of(at, n), &json_quiet, NULL, NULL),
                       n == len ? TL_OK : TL_EMALFORMED);
    }
    for (size_t n = 0; n <= len; n++) { /* bytes of the middle put against the end, too */
      uint8_t *at = map + page - (len - n);
      tl_json_value values[6];
      memcpy(at, documents[i] + n, len - n);
      int rc = tl_json_extract(set, tl_slice_of(at, len - n), values, NULL);
      assert_int_equal(tl_json_walk(tl_slice_of(at, len - n), &json_quiet, NULL, NULL), rc);
    }
  }
  tl_json_set_free(set);
  munmap(map, page * 2);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(takes_what_the_standard_allows),
    cmocka_unit_test(refuses_what_the_standard_does_not_allow),
    cmocka_unit_test(judges_the_same_wherever_a_value_lies),
    cmocka_unit_test(refuses_each_shorter_prefix),
    cmocka_unit_test(reads_nothing_behind_the_last_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
