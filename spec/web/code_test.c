/* spec/web/code_test.c — parameters become literals of Lua, whatever is in them; the body of a
** write is one value, read by strict rules. */
#include "support/spec.h"

#include "web/body.h"
#include "web/code.h"

static void made (void (*make)(tl_buf *code, const tl_buf *text), const char *text,
                  const char *expected) {
  tl_buf code, given;
  tl_buf_init(&code);
  tl_buf_init(&given);
  tl_buf_add(&given, text, strlen(text) + 1);
  make(&code, &given);
  tl_buf_byte(&code, '\0');
  assert_string_equal((const char *)code.at, expected);
  tl_buf_fini(&code);
  tl_buf_fini(&given);
}

static void parameters_become_literals (void **unused) {
  (void)unused;
  made(tl_code_text, "a\"]\n", "\"a\\034\\093\\010\"");
  made(tl_code_text, "", "\"\"");
  made(tl_code_time, "1795984278", "tonumber(\"1795984278\")");
  made(tl_code_time, "1795984278123", "1795984278123/1000");
  made(tl_code_time, "1795984278.5", "tonumber(\"1795984278.5\")");
  made(tl_code_time, "1795984278)", "\"1795984278\\041\"");
  made(tl_code_time, "", "\"\"");
  made(tl_code_names, "avg,max", "{\"avg\",\"max\",}");
  made(tl_code_names, ",", "{\"\",}");
  made(tl_code_span, "1m", "\"1m\"");
  made(tl_code_span, "60", "tonumber(\"60\")");
}

static int read (const char *text, tl_type type, tl_value *out) {
  static tl_buf room;
  tl_json_value given;
  tl_json_error error;
  const char *expected;
  int rc = tl_body_read(tl_slice_str(text), &given, &error);
  if (rc < 0) return rc;
  tl_buf_fini(&room);
  tl_buf_init(&room);
  rc = tl_body_value(type, &given, &room, out, &expected) ? TL_OK : TL_ERANGE;
  tl_buf_fini(&room);
  return rc;
}

static void a_body_is_one_value_of_its_type (void **unused) {
  (void)unused;
  tl_value v;
  assert_int_equal(read("{\"value\": -9223372036854775808}", TL_CO, &v), TL_OK);
  assert_true(v.integer == INT64_MIN);
  assert_int_equal(read("{\"value\":9223372036854775808}", TL_CO, &v), TL_ERANGE);
  assert_int_equal(read("{\"value\":0.5}", TL_AO, &v), TL_OK);
  assert_int_equal(read("{\"value\":1e999}", TL_AO, &v), TL_ERANGE);
  assert_int_equal(read("{\"value\":1}", TL_DO, &v), TL_ERANGE);
  assert_int_equal(read("{\"value\":\"1\"}", TL_AO, &v), TL_ERANGE);
  assert_int_equal(read("{\"value\":null}", TL_TXTO, &v), TL_ERANGE);
  assert_int_equal(read("{\"value\":1,\"value\":2}", TL_AO, &v), TL_ETYPE);
  assert_int_equal(read("{\"Value\":1}", TL_AO, &v), TL_ETYPE);
  assert_int_equal(read("{\"value\":[1]}", TL_AO, &v), TL_ETYPE);
  assert_int_equal(read("[1]", TL_AO, &v), TL_ETYPE);
  assert_int_equal(read("{\"value\":1", TL_AO, &v), TL_ESYNTAX);
  assert_int_equal(read("", TL_AO, &v), TL_ESYNTAX);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(parameters_become_literals),
    cmocka_unit_test(a_body_is_one_value_of_its_type),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
