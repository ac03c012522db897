/* spec/payload/json_select_test.c — selectors in addresses: list[id=28FF].temp. */
#include "payload/json_support.h"

enum { MOST = 8 };

/* The raw texts that some addresses lead to, "-" for nothing. */
static void leads (const char *doc, size_t n, const char *const *paths,
                   const char *const *expected) {
  tl_slice slices[MOST];
  tl_json_set *set = NULL;
  tl_err err = { 0 };
  for (size_t i = 0; i < n; i++) slices[i] = tl_slice_str(paths[i]);
  if (tl_json_set_new(&set, slices, n, NULL, &err) != TL_OK)
    fail_msg("%s: %s at %zu", paths[0], err.text, err.at);
  tl_json_value *values = malloc(tl_json_set_slots(set) * sizeof *values);
  memset(values, 0xee, tl_json_set_slots(set) * sizeof *values);
  size_t len = strlen(doc);
  uint8_t *copy = exact_copy(doc, len);
  tl_json_error error;
  if (tl_json_extract(set, tl_slice_of(copy, len), values, &error) != TL_OK)
    fail_msg("%s: expected %s at %zu", doc, error.expected, error.at);
  for (size_t i = 0; i < n; i++) {
    const char *wanted = expected[i];
    tl_slice got = values[i].type == TL_JSON_NONE ? TL_LIT("-") : values[i].raw;
    if (got.len != strlen(wanted) || memcmp(got.at, wanted, got.len) != 0)
      fail_msg("'%s' in %s: '%.*s', not '%s'", paths[i], doc, TL_ARG(got), wanted);
  }
  free(copy);
  free(values);
  tl_json_set_free(set);
}

static void leads_to (const char *path, const char *doc, const char *expected) {
  leads(doc, 1, &path, &expected);
}

#define SENSORS "{\"sensors\":[{\"id\":\"28FF\",\"temp\":21},{\"temp\":22,\"id\":\"28AA\"}]}"

static void takes_the_element_whose_field_has_the_value (void **state) {
  (void)state;
  leads_to("sensors[id=28FF].temp", SENSORS, "21");
  leads_to("sensors[id=28AA].temp", SENSORS, "22"); /* the field comes behind the value */
  leads_to("sensors[id=28BB].temp", SENSORS, "-");
  leads_to("sensors[id=28FF].hum", SENSORS, "-");
  leads_to("sensors[id=28FF].id", SENSORS, "28FF");
  leads_to("sensors[id=28FF]", SENSORS, "{\"id\":\"28FF\",\"temp\":21}");
  leads_to("sensors[name=28FF].temp", SENSORS, "-");
  leads_to("[n=2].v", "[{\"n\":1,\"v\":10},{\"n\":2,\"v\":20}]", "20");
  leads_to("a[id=1].b.c[2]", "{\"a\":[{\"id\":1,\"b\":{\"c\":[5,6]}}]}", "6");
}

static void takes_the_first_of_several (void **state) {
  (void)state;
  leads_to("[id=1].v", "[{\"id\":1,\"v\":1},{\"id\":1,\"v\":2},{\"id\":2}]", "1");
  leads_to("[id=1].v", "[{\"id\":1},{\"id\":1,\"v\":2}]", "-"); /* the first one has none */
}

static void compares_texts_exactly_and_numbers_as_written (void **state) {
  (void)state;
  const char *doc =
      "[{\"k\":28,\"v\":1},{\"k\":28.0,\"v\":2},{\"k\":true,\"v\":3},{\"k\":\"a\\u0062\",\"v\":4},"
      "{\"k\":null,\"v\":5},{\"k\":\"\",\"v\":6},{\"k\":\"AB\",\"v\":7},{\"k\":[1],\"v\":8}]";
  leads_to("[k=28].v", doc, "1");
  leads_to("[k=28.0].v", doc, "2");
  leads_to("[k=\"28\"].v", doc, "1");
  leads_to("[k=true].v", doc, "3");
  leads_to("[k=ab].v", doc, "4");
  leads_to("[k=AB].v", doc, "7");
  leads_to("[k=null].v", doc, "-");
  leads_to("[k=\"\"].v", doc, "6");
  leads_to("[k= 28].v", doc, "-");
}

static void quotes_fields_and_values (void **state) {
  (void)state;
  leads_to("[id=\"a]b\"].v", "[{\"id\":\"a]b\",\"v\":1}]", "1");
  leads_to("[id=\"a\\\"]b\"].v", "[{\"id\":\"a\\\"]b\",\"v\":1}]", "1");
  leads_to("[\"a.b\"=5].v", "[{\"a\":{\"b\":5},\"v\":0},{\"a.b\":5,\"v\":1}]", "1");
  leads_to("[a.b=5].v", "[{\"a.b\":5,\"v\":1},{\"a\":{\"b\":5},\"v\":0}]", "0");
  leads_to("[\"x\".\"y=z\"=5].v", "[{\"x\":{\"y=z\":5},\"v\":3}]", "3");
  leads_to("[t=a=b].v", "[{\"t\":\"a=b\",\"v\":1}]", "1");
  leads_to("[t=a[1].v", "[{\"t\":\"a[1\",\"v\":1}]", "1");
}

static void refuses_what_is_no_selector (void **state) {
  (void)state;
  static const struct {
    const char *path;
    size_t at;
  } bad[] = { { "a[=5]", 2 },    { "a[id=]", 5 },  { "a[id=5", 6 },       { "a[id=\"x]", 8 },
              { "a[.b=5]", 2 },  { "a[b.=5]", 4 }, { "a[id=\"x\"y]", 8 }, { "a[\"b\"c=1]", 5 },
              { "a[id=5]x", 7 }, { "a[\"b\"", 5 } };
  for (size_t i = 0; i < COUNT(bad); i++) {
    tl_err err = { 0 };
    assert_int_equal(tl_json_path_check(tl_slice_str(bad[i].path), &err), TL_ESYNTAX);
    if (err.at != bad[i].at) fail_msg("%s: %s at %zu", bad[i].path, err.text, err.at);
  }
}

static void serves_many_selectors_in_one_pass (void **state) {
  (void)state;
  const char *const paths[] = { "s[id=A].t",   "s[id=B].t", "s[id=A].h", "s[2].t",
                                "s[name=x].t", "s[id=C].t", "s",         "s[id=A].t" };
  const char *doc =
      "{\"s\":[{\"t\":1,\"id\":\"A\",\"h\":9},{\"id\":\"B\",\"t\":2,\"name\":\"x\"}]}";
  const char *const expected[] = {
    "1",
    "2",
    "9",
    "2",
    "2",
    "-",
    "[{\"t\":1,\"id\":\"A\",\"h\":9},{\"id\":\"B\",\"t\":2,\"name\":\"x\"}]",
    "1"
  };
  leads(doc, 8, paths, expected);
}

static void nests (void **state) {
  (void)state;
  const char *doc = "{\"a\":[{\"b\":[{\"k\":1,\"v\":11},{\"k\":2,\"v\":12}],\"id\":\"x\"},"
                    "{\"id\":\"y\",\"b\":[{\"v\":21,\"k\":1}]},{\"id\":\"z\"}]}";
  const char *const paths[] = { "a[id=x].b[k=2].v", "a[id=y].b[k=1].v", "a[id=y].b[k=2].v",
                                "a[id=z].b[k=1].v", "a[1].b[k=1].v",    "a[2].b[1].v",
                                "a[id=x].b[2].k" };
  const char *const expected[] = { "12", "21", "-", "-", "11", "21", "2" };
  leads(doc, 7, paths, expected);
}

static void counts_the_last_of_repeated_keys (void **state) {
  (void)state;
  leads_to("a[id=1].v", "{\"a\":[{\"id\":1,\"v\":1}],\"a\":[{\"id\":1,\"v\":2}]}", "2");
  leads_to("a[id=1].v", "{\"a\":[{\"id\":1,\"v\":1}],\"a\":[]}", "-");
  leads_to("a[id=1].v", "{\"a\":[{\"id\":1,\"v\":1}],\"a\":5}", "-");
  leads_to("a[id=1].v", "{\"a\":[{\"id\":2,\"id\":1,\"v\":1}]}", "1");
  leads_to("a[id=1].v", "{\"a\":[{\"id\":1,\"id\":2,\"v\":1},{\"id\":1,\"v\":3}]}", "3");
}

static void passes_over_elements_that_are_no_objects (void **state) {
  (void)state;
  leads_to("[id=1].v", "[1,\"id\",[{\"id\":1,\"v\":0}],null,{\"id\":1,\"v\":7},true]", "7");
  leads_to("[id=1].v", "{\"id\":1,\"v\":7}", "-");
  leads_to("[id=1].v", "[]", "-");
}

/* One address at a time and all at once come to the same. */
static void agrees_with_one_at_a_time (void **state) {
  (void)state;
  uint64_t seed = 42;
  static const char *const parts[] = { "a", "b", "[id=1]", "[id=2]", "[1]", "[2]", "[k=x]" };
  for (int round = 0; round < 2000; round++) {
    char texts[4][64];
    const char *paths[4];
    for (int i = 0; i < 4; i++) {
      char *at = texts[i];
      *at = 0;
      int n = 1 + (int)(random_next(&seed) % 4);
      for (int k = 0; k < n; k++) {
        const char *part = parts[random_next(&seed) % COUNT(parts)];
        if (*part != '[' && at > texts[i]) *at++ = '.';
        at += sprintf(at, "%s", part);
      }
      paths[i] = texts[i];
    }
    char doc[512], *at = doc;
    static const char *const bits[] = {
      "{\"id\":1,\"a\":[{\"id\":2,\"b\":3},{\"id\":1,\"k\":\"x\"}]}",
      "[{\"id\":2,\"a\":7},{\"id\":1,\"b\":[5,{\"id\":1,\"a\":8}]}]",
      "{\"k\":\"x\",\"b\":{\"a\":[1,{\"k\":\"x\",\"id\":2}]},\"id\":2}", "9"
    };
    at += sprintf(at, "{\"a\":[%s,%s],\"b\":%s}", bits[random_next(&seed) % 4],
                  bits[random_next(&seed) % 4], bits[random_next(&seed) % 4]);
    char single[4][512];
    const char *expected[4];
    for (int i = 0; i < 4; i++) {
      tl_json_set *set;
      tl_slice path = tl_slice_str(paths[i]);
      assert_int_equal(tl_json_set_new(&set, &path, 1, NULL, NULL), TL_OK);
      tl_json_value *values = malloc(tl_json_set_slots(set) * sizeof *values);
      assert_int_equal(tl_json_extract(set, tl_slice_str(doc), values, NULL), TL_OK);
      tl_slice raw = values[0].type == TL_JSON_NONE ? TL_LIT("-") : values[0].raw;
      memcpy(single[i], raw.at, raw.len);
      single[i][raw.len] = 0;
      expected[i] = single[i];
      free(values);
      tl_json_set_free(set);
    }
    leads(doc, 4, paths, expected);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(takes_the_element_whose_field_has_the_value),
    cmocka_unit_test(takes_the_first_of_several),
    cmocka_unit_test(compares_texts_exactly_and_numbers_as_written),
    cmocka_unit_test(quotes_fields_and_values),
    cmocka_unit_test(refuses_what_is_no_selector),
    cmocka_unit_test(serves_many_selectors_in_one_pass),
    cmocka_unit_test(nests),
    cmocka_unit_test(counts_the_last_of_repeated_keys),
    cmocka_unit_test(passes_over_elements_that_are_no_objects),
    cmocka_unit_test(agrees_with_one_at_a_time),
  };
  return cmocka_run_group_tests_name("payload.json_select", tests, NULL, NULL);
}
