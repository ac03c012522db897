/* spec/model/plan_test.c — compiling definitions, the pool, and plans of instances */
#include "world.h"

static tl_plan *compile (tl_plan_spec spec, const tl_tagdef *tags, size_t n) {
  tl_plan *p = NULL;
  tl_err err = { 0 };
  spec.tags = tags;
  spec.tag_count = n;
  if (tl_plan_new(&p, &spec, &err) != TL_OK) fail_msg("%s", err.text);
  return p;
}

static void assert_fails (tl_plan_spec spec, const tl_tagdef *tags, size_t n, int code, size_t at,
                          const char *word) {
  tl_plan *p = NULL;
  tl_err err = { 0 };
  spec.tags = tags;
  spec.tag_count = n;
  assert_int_equal(tl_plan_new(&p, &spec, &err), code);
  assert_null(p);
  assert_int_equal(err.at, at);
  assert_non_null(strstr(err.text, word));
}

static void reads_every_address_word (void **state) {
  (void)state;
  static const struct {
    const char *text;
    tl_address_kind kind;
    const char *path;
  } words[] = {
    { "", TL_ADDRESS_NONE, "" },
    { "IN_TOPIC", TL_ADDRESS_IN_TOPIC, "" },
    { "IN_DATA", TL_ADDRESS_IN_DATA, "" },
    { "IN_ID", TL_ADDRESS_IN_ID, "" },
    { "JA=a[1].b", TL_ADDRESS_JSON, "a[1].b" },
    { "JA=", TL_ADDRESS_JSON, "" },
    { "RE=x=(.*)", TL_ADDRESS_REGEX, "x=(.*)" },
    { "ACK_ID", TL_ADDRESS_ACK_ID, "" },
    { "OUT_TOPIC", TL_ADDRESS_OUT_TOPIC, "" },
    { "OUT_VALUE", TL_ADDRESS_OUT_VALUE, "" },
  };
  for (size_t i = 0; i < COUNT(words); i++) {
    tl_address_kind kind;
    tl_slice path;
    assert_true(tl_address_parse(tl_slice_str(words[i].text), &kind, &path));
    assert_int_equal(kind, words[i].kind);
    assert_true(tl_slice_eq(path, tl_slice_str(words[i].path)));
  }
}

static void refuses_unknown_address_words (void **state) {
  (void)state;
  static const char *const words[] = { "in_topic", "IN_TOPIC ", "IN",   "JA",
                                       "ja=x",     "X=",        "JB=x", "OUT" };
  for (size_t i = 0; i < COUNT(words); i++) {
    tl_address_kind kind = TL_ADDRESS_JSON;
    tl_slice path;
    assert_false(tl_address_parse(tl_slice_str(words[i]), &kind, &path));
    assert_int_equal(kind, TL_ADDRESS_JSON);
  }
}

static void orders_topic_data_id_then_the_rest (void **state) {
  (void)state;
  const tl_tagdef tags[] = {
    def("j", TL_AI, "JA=a"),           def("id", TL_CI, "IN_ID"),  def("none", TL_AI, ""),
    def("data", TL_TXTI, "IN_DATA"),   def("re", TL_AI, "RE=(x)"), def("out", TL_TXTO, "OUT_TOPIC"),
    def("topic", TL_TXTI, "IN_TOPIC"), def("k", TL_AO, "JA=b"),
  };
  static const uint16_t order[] = { 6, 3, 1, 0, 4, 7 };
  tl_plan *p =
      compile((tl_plan_spec){ .json = true, .time_field = TL_LIT("ts") }, tags, COUNT(tags));
  assert_int_equal(p->order.count, 6);
  assert_memory_equal(p->order.tags, order, sizeof order);
  assert_int_equal(p->slots, 2);
  assert_int_equal(p->slot_tag[1], 7);
  assert_true(p->time.has_field && p->needs_decode);
  assert_int_equal(p->special.out_topic, 5);
  assert_int_equal(p->special.ack_id, -1);
  assert_int_equal(tl_plan_find(p, TL_LIT("data")), 3);
  assert_int_equal(tl_plan_find(p, TL_LIT("datum")), -1);
  tl_plan_unref(p);
}

static void leaves_json_out_where_the_payload_is_text (void **state) {
  (void)state;
  const tl_tagdef tags[] = { def("j", TL_AI, "JA=a"), def("data", TL_TXTI, "IN_DATA") };
  tl_plan *p = compile((tl_plan_spec){ .time_field = TL_LIT("ts") }, tags, 2);
  assert_int_equal(p->order.count, 1);
  assert_null(p->set);
  assert_false(p->time.has_field || p->needs_decode);
  tl_plan_unref(p);
}

static void names_the_tag_that_does_not_compile (void **state) {
  (void)state;
  tl_tagdef tags[] = { def("a", TL_AI, "JA=x"), def("b", TL_AI, "JA=x[0]"),
                       def("c", TL_AI, "JA=y") };
  assert_fails((tl_plan_spec){ .json = true }, tags, 3, TL_ESYNTAX, 1, "x[0]");
  assert_fails((tl_plan_spec){ .json = false }, tags, 3, TL_ESYNTAX, 1, "x[0]");
  tags[1] = def("b", TL_AI, "RE=a(b");
  assert_fails((tl_plan_spec){ .json = true }, tags, 3, TL_ESYNTAX, 1, "a(b");
  tags[1] = def("b", TL_AI, "JA=x");
  assert_fails((tl_plan_spec){ .json = true, .time_field = TL_LIT("a[") }, tags, 3, TL_ESYNTAX, 3,
               "a[");
  assert_fails((tl_plan_spec){ .json = true, .time_mask = TL_LIT("hb") }, tags, 3, TL_ESYNTAX, 3,
               "hb");
  tags[2].name = "a";
  assert_fails((tl_plan_spec){ .json = true }, tags, 3, TL_EEXIST, 2, "'a'");
}

static void refuses_more_tags_than_it_can_count (void **state) {
  (void)state;
  tl_tagdef *tags = calloc(32768, sizeof *tags);
  assert_fails((tl_plan_spec){ .json = true }, tags, 32768, TL_ETOOBIG, 32767, "32767");
  free(tags);
}

static void copies_what_it_keeps (void **state) {
  (void)state;
  char name[] = "temp", address[] = "JA=rx.temp", unit[] = "C", topic[] = "plant/set",
       field[] = "ts";
  tl_tagdef tags[] = { def(name, TL_AI, address), def("out", TL_TXTO, "OUT_TOPIC") };
  tags[0].unit = unit;
  tags[1].has_default = true;
  tags[1].default_value.text = tl_slice_str(topic);
  tl_plan *p = compile((tl_plan_spec){ .json = true, .time_field = tl_slice_str(field) }, tags, 2);
  memset(name, 'x', 4), memset(address, 'x', 10), memset(unit, 'x', 1), memset(topic, 'x', 9),
      memset(field, 'x', 2);
  assert_string_equal(p->tags[0].name, "temp");
  assert_string_equal(p->tags[0].address, "JA=rx.temp");
  assert_string_equal(p->tags[0].unit, "C");
  assert_null(p->tags[0].description);
  assert_true(tl_slice_eq(p->tags[0].path, TL_LIT("rx.temp")));
  assert_true(tl_slice_eq(p->defaults[1].text, TL_LIT("plant/set")));
  assert_true(tl_slice_eq(p->time.field, TL_LIT("ts")));
  tl_plan_unref(p);
}

/* --- the pool --- */

static tl_plan *get (tl_plan_pool *pool, const tl_plan_spec *spec) {
  tl_plan *p = NULL;
  assert_int_equal(tl_plan_pool_get(pool, &p, spec, NULL), TL_OK);
  return p;
}

static void gives_one_plan_for_equal_definitions (void **state) {
  (void)state;
  tl_plan_pool *pool;
  assert_int_equal(tl_plan_pool_new(&pool), TL_OK);
  char address[] = "JA=x"; /* equal, not identical */
  const tl_tagdef one[] = { def("a", TL_AI, "JA=x") }, two[] = { def("a", TL_AI, address) };
  tl_plan *p = get(pool, &(tl_plan_spec){ .json = true, .tags = one, .tag_count = 1 });
  tl_plan *q = get(pool, &(tl_plan_spec){ .json = true, .tags = two, .tag_count = 1 });
  assert_ptr_equal(p, q);
  assert_int_equal(p->refs, 2);
  uint64_t dead = p->serial;
  tl_plan_unref(p);
  tl_plan_unref(q);
  /* the pool held no reference to the dead one */
  p = get(pool, &(tl_plan_spec){ .json = true, .tags = one, .tag_count = 1 });
  assert_int_equal(p->refs, 1);
  assert_true(p->serial > dead); /* whatever its address */
  tl_plan_pool_free(pool);
  assert_string_equal(p->tags[0].name, "a"); /* and plans outlive it */
  tl_plan_unref(p);
}

static void tells_every_difference_apart (void **state) {
  (void)state;
  tl_plan_pool *pool;
  assert_int_equal(tl_plan_pool_new(&pool), TL_OK);
  enum { N = 20 };
  tl_tagdef t[N];
  tl_plan_spec spec[N];
  tl_zone *zone = NULL;
  assert_int_equal(tl_zone_fixed(&zone, 3600), TL_OK);
  for (size_t i = 0; i < N; i++) {
    t[i] = def("a", TL_AI, "JA=x");
    spec[i] = (tl_plan_spec){ .json = true, .tags = &t[i], .tag_count = 1 };
  }
  t[1].name = "b";
  t[2].type = TL_AO;
  t[3] = def("a", TL_AI, "JA=y");
  t[4].unit = "";
  t[5].description = "";
  t[6].has_default = true;
  t[7].has_default = true, t[7].default_value.number = 1;
  t[8].has_linear = true, t[8].linear_k = 2;
  t[9].has_linear = true, t[9].linear_k = 2, t[9].linear_q = 1;
  t[10].has_range = true, t[10].range_max = 5;
  t[11].has_range = true, t[11].range_max = 5, t[11].out_of_range = TL_RANGE_CLAMP;
  t[12].deadband = 1;
  t[13].on_missing = TL_MISSING_KEEP;
  t[14].new_value_on_time_change = true;
  spec[15].time_field = TL_LIT("ts");
  spec[16].time_mask = TL_LIT("UNIX");
  spec[17].zone = zone;
  spec[18].ignore_missing_time = true;
  spec[19].tag_count = 0;
  tl_plan *p[N];
  for (size_t i = 0; i < N; i++) {
    p[i] = get(pool, &spec[i]);
    for (size_t k = 0; k < i; k++) assert_ptr_not_equal(p[i], p[k]);
  }
  for (size_t i = 0; i < N; i++) tl_plan_unref(p[i]);
  tl_plan_pool_free(pool);
  tl_zone_free(zone);
}

static void shares_what_is_compiled_where_only_defaults_differ (void **state) {
  (void)state;
  tl_plan_pool *pool;
  assert_int_equal(tl_plan_pool_new(&pool), TL_OK);
  tl_tagdef tags[] = { def("a", TL_AI, "JA=x"), def_text("out", TL_TXTO, "OUT_TOPIC", "one") };
  const tl_plan_spec spec = { .json = true, .tags = tags, .tag_count = 2 };
  tl_plan *one = get(pool, &spec);
  tags[1].default_value.text = TL_LIT("two");
  tl_plan *two = get(pool, &spec), *again = get(pool, &spec);
  assert_ptr_not_equal(one, two);
  assert_ptr_equal(two, again);
  assert_ptr_equal(one->set, two->set);
  assert_true(tl_slice_eq(tl_plan_default(two, 1)->text, TL_LIT("two")));
  assert_null(tl_plan_default(two, 0));
  assert_ptr_equal(two->shared.base, one);
  assert_true(one->serial > 0 && two->serial > one->serial);
  tl_plan_unref(one); /* lives on, below the other */
  assert_true(tl_slice_eq(two->defaults[1].text, TL_LIT("two")));
  assert_int_equal(tl_plan_find(two, TL_LIT("out")), 1);
  tags[1].default_value.text = TL_LIT("one");
  tl_plan *back = get(pool, &spec);
  assert_ptr_equal(back, one);
  tl_plan_unref(back);
  tl_plan_unref(two);
  tl_plan_unref(again);
  tl_plan_pool_free(pool);
}

static void reports_what_does_not_compile_from_the_pool (void **state) {
  (void)state;
  tl_plan_pool *pool;
  tl_plan *p = NULL;
  tl_err err = { 0 };
  const tl_tagdef tags[] = {
    def("a", TL_AI, "JA=x["),
  };
  assert_int_equal(tl_plan_pool_new(&pool), TL_OK);
  const tl_plan_spec spec = { .json = true, .tags = tags, .tag_count = 1 };
  for (int i = 0; i < 2; i++) assert_int_equal(tl_plan_pool_get(pool, &p, &spec, &err), TL_ESYNTAX);
  assert_null(p);
  tl_plan_pool_free(pool);
}

/* --- instances --- */

static const tl_slice dev = { (const uint8_t *)"dev", 3 };

static tl_plan *instance (tl_plan *template, const char *value) {
  tl_plan *p = NULL;
  tl_slice v = tl_slice_str(value);
  assert_int_equal(tl_plan_fill(&p, template, &dev, &v, 1, NULL), TL_OK);
  return p;
}

static void instances_without_placeholders_share_the_plan (void **state) {
  (void)state;
  const tl_tagdef tags[] = { def("a", TL_AI, "RE=x{2}"),
                             def_text("out", TL_TXTO, "OUT_TOPIC", "{other}") };
  tl_plan *t = compile((tl_plan_spec){ .json = true }, tags, 2), *p = instance(t, "a17");
  assert_ptr_equal(p, t);
  assert_int_equal(t->refs, 2);
  tl_plan_unref(p);
  tl_plan_unref(t);
}

static void instances_fill_defaults_and_share_the_rest (void **state) {
  (void)state;
  tl_tagdef tags[] = { def("a", TL_AI, "JA=x"),
                       def_text("out", TL_TXTO, "OUT_TOPIC", "site/{dev}/down") };
  tl_plan *t = compile((tl_plan_spec){ .json = true }, tags, 2), *p = instance(t, "a17"),
          *q = instance(p, "b");
  assert_true(tl_slice_eq(p->defaults[1].text, TL_LIT("site/a17/down")));
  assert_ptr_equal(p->set, t->set);
  assert_ptr_equal(p->tags, t->tags);
  assert_ptr_equal(q, p);
  tl_plan_unref(q);
  tl_plan_unref(t); /* lives on, below its instance */
  assert_string_equal(p->tags[0].name, "a");
  tl_plan_unref(p);
}

static void instances_fill_addresses_units_and_time_field (void **state) {
  (void)state;
  tl_tagdef tags[] = {
    def("a", TL_AI, "JA=devices.{dev}.temp"),
    def("r", TL_AI, "RE={dev}=([0-9]+)"),
    def("c", TL_CI, "IN_ID"),
  };
  tags[2].unit = "{dev}";
  tags[2].description = "of {dev}";
  tl_plan *t = compile((tl_plan_spec){ .json = true, .time_field = TL_LIT("{dev}_ts") }, tags, 3),
          *p = instance(t, "a+7");
  assert_string_equal(p->tags[0].address, "JA=devices.a+7.temp");
  assert_true(tl_slice_eq(p->tags[0].path, TL_LIT("devices.a+7.temp")));
  assert_string_equal(p->tags[1].address, "RE=a\\+7=([0-9]+)");
  assert_string_equal(p->tags[2].unit, "a+7");
  assert_string_equal(p->tags[2].description, "of a+7");
  assert_true(tl_slice_eq(p->time.field, TL_LIT("a+7_ts")));
  tl_group g[2];
  assert_int_equal(tl_pattern_match(p->re.patterns[1], TL_LIT("a+7=21"), g, 2), 2);
  tl_plan_unref(t);
  tl_plan_unref(p);
}

static void instances_report_an_address_that_no_longer_compiles (void **state) {
  (void)state;
  const tl_tagdef tags[] = { def("b", TL_CI, "IN_ID"), def("a", TL_AI, "JA=x.{dev}") };
  tl_plan *t = compile((tl_plan_spec){ .json = true }, tags, 2), *p = NULL;
  tl_slice bad = TL_LIT("a[0]");
  tl_err err = { 0 };
  assert_int_equal(tl_plan_fill(&p, t, &dev, &bad, 1, &err), TL_ESYNTAX);
  assert_int_equal(err.at, 1);
  assert_null(p);
  tl_plan_unref(t);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_every_address_word),
    cmocka_unit_test(refuses_unknown_address_words),
    cmocka_unit_test(orders_topic_data_id_then_the_rest),
    cmocka_unit_test(leaves_json_out_where_the_payload_is_text),
    cmocka_unit_test(names_the_tag_that_does_not_compile),
    cmocka_unit_test(refuses_more_tags_than_it_can_count),
    cmocka_unit_test(copies_what_it_keeps),
    cmocka_unit_test(gives_one_plan_for_equal_definitions),
    cmocka_unit_test(tells_every_difference_apart),
    cmocka_unit_test(shares_what_is_compiled_where_only_defaults_differ),
    cmocka_unit_test(reports_what_does_not_compile_from_the_pool),
    cmocka_unit_test(instances_without_placeholders_share_the_plan),
    cmocka_unit_test(instances_fill_defaults_and_share_the_rest),
    cmocka_unit_test(instances_fill_addresses_units_and_time_field),
    cmocka_unit_test(instances_report_an_address_that_no_longer_compiles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
