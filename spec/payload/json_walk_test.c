/* spec/payload/json_walk_test.c — a document in order, and the text of strings. */
#include "json_support.h"

/* What the callbacks told, as one text; `left` callbacks until one stops. */
typedef struct {
  tl_buf out;
  int left;
} record;

static void note (record *r, tl_slice key, bool key_escaped) {
  if (key.at) tl_buf_fmt(&r->out, "%.*s%s=", TL_ARG(key), key_escaped ? "!" : "");
}
static int on_begin (void *ctx, tl_slice key, bool key_escaped, bool array) {
  record *r = ctx;
  note(r, key, key_escaped);
  tl_buf_byte(&r->out, array ? '[' : '{');
  return --r->left == 0 ? 77 : 0;
}
static int on_end (void *ctx, bool array) {
  record *r = ctx;
  tl_buf_byte(&r->out, array ? ']' : '}');
  return --r->left == 0 ? -5 : 0;
}
static int on_value (void *ctx, tl_slice key, bool key_escaped, const tl_json_value *v) {
  record *r = ctx;
  note(r, key, key_escaped);
  tl_buf_fmt(&r->out, "%c%.*s%s%s ", tl_json_type_name((tl_json_type)v->type)[0], TL_ARG(v->raw),
             v->escaped ? "!" : "", v->integral ? "i" : "");
  return --r->left == 0 ? 78 : 0;
}
static const tl_json_visitor recorder = { on_begin, on_end, on_value };

static void check_walk (const char *doc, const char *expected) {
  record r = { .left = -1 };
  tl_slice exact = json_exact(tl_slice_str(doc));
  tl_buf_init(&r.out);
  assert_int_equal(tl_json_walk(exact, &recorder, &r, NULL), TL_OK);
  tl_buf_byte(&r.out, 0);
  assert_string_equal((const char *)r.out.at, expected);
  tl_buf_fini(&r.out);
  free((void *)(uintptr_t)exact.at);
}

static void tells_all_in_order (void **state) {
  (void)state;
  check_walk("1", "n1i ");
  check_walk(" \"a\\n\" ", "sa\\n! ");
  check_walk("{}", "{}");
  check_walk("[[],{}]", "[[]{}]");
  check_walk("{\"a\":1,\"b\":[2.5,null,{\"c\":true}],\"d\\n\":{\"e\":false},\"\":\"\"}",
             "{a=n1i b=[n2.5 nnull {c=ttrue }]d\\n!={e=ffalse }=s }");
  check_walk("[{\"a\":1},2,[3],\"x\"]", "[{a=n1i }n2i [n3i ]sx ]");
  check_walk("{\"a\":1,\"a\":2}", "{a=n1i a=n2i }");
}

static void has_told_what_lies_before_an_error (void **state) {
  (void)state;
  record r = { .left = -1 };
  tl_json_error e;
  tl_buf_init(&r.out);
  assert_int_equal(tl_json_walk(TL_LIT("{\"a\":[1,\n}"), &recorder, &r, &e), TL_EMALFORMED);
  assert_int_equal(e.line, 2);
  assert_string_equal(e.expected, "a value");
  assert_true(tl_slice_eq(tl_buf_bytes(&r.out), TL_LIT("{a=[n1i ")));
  tl_buf_fini(&r.out);
}

static void stops_where_a_callback_says_so (void **state) {
  (void)state;
  static const struct {
    int calls, returned;
    const char *told;
  } stops[] = { { 1, 77, "{" },           { 2, 78, "{a=n1i " },      { 3, 77, "{a=n1i b=[" },
                { 4, -5, "{a=n1i b=[]" }, { 5, -5, "{a=n1i b=[]}" }, { 6, 0, "{a=n1i b=[]}" } };
  for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
    record r = { .left = stops[i].calls };
    tl_json_error e = { .at = 12345 };
    tl_buf_init(&r.out);
    assert_int_equal(tl_json_walk(TL_LIT("{\"a\":1,\"b\":[]}"), &recorder, &r, &e),
                     stops[i].returned);
    assert_true(tl_slice_eq(tl_buf_bytes(&r.out), tl_slice_str(stops[i].told)));
    assert_int_equal(e.at, 12345);
    tl_buf_fini(&r.out);
  }
}

static void check_text (const char *raw, const char *text, size_t len) {
  tl_slice exact = json_exact(tl_slice_str(raw));
  tl_buf out;
  tl_buf_init(&out);
  tl_buf_str(&out, "<");
  tl_json_unescape(&out, exact);
  assert_false(out.failed);
  if (out.len != len + 1 || out.at[0] != '<' || memcmp(out.at + 1, text, len) != 0)
    fail_msg("%s gives %.*s", raw, (int)out.len, (char *)out.at);
  tl_buf_fini(&out);
  free((void *)(uintptr_t)exact.at);
}
#define TEXT(raw, text) check_text(raw, text, sizeof(text) - 1)

static void resolves_escapes (void **state) {
  (void)state;
  TEXT("", "");
  TEXT("plain", "plain");
  TEXT("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t");
  TEXT("a\\nb", "a\nb");
  TEXT("\\u0041\\u00e9\\u20AC\\u20ac", "A\xc3\xa9\xe2\x82\xac\xe2\x82\xac");
  TEXT("\\u0000", "\0");
  TEXT("\\u007f\\u0080\\u07ff\\u0800\\uffff", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
  TEXT("\\ud83d\\ude00", "\xf0\x9f\x98\x80");
  TEXT("\\uD800\\uDC00\\uDBFF\\uDFFF", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
  TEXT("\xc3\xa9\\\\\xc3\xa9", "\xc3\xa9\\\xc3\xa9");
}

static void gives_the_replacement_character_for_lone_surrogates (void **state) {
  (void)state;
  TEXT("\\ud800", "\xef\xbf\xbd");
  TEXT("\\udc00", "\xef\xbf\xbd");
  TEXT("\\ud800x", "\xef\xbf\xbdx");
  TEXT("\\ud800\\n", "\xef\xbf\xbd\n");
  TEXT("\\ud800\\u0041", "\xef\xbf\xbd\x41");
  TEXT("\\ud800\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80");
  TEXT("\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd");
  TEXT("\\ud800\\ue000\\ud800\\udbff", "\xef\xbf\xbd\xee\x80\x80\xef\xbf\xbd\xef\xbf\xbd");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(tells_all_in_order),
    cmocka_unit_test(has_told_what_lies_before_an_error),
    cmocka_unit_test(stops_where_a_callback_says_so),
    cmocka_unit_test(resolves_escapes),
    cmocka_unit_test(gives_the_replacement_character_for_lone_surrogates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
