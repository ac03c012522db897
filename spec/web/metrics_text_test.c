/* spec/web/metrics_text_test.c — metrics in both formats: names, escapes, numbers, Accept. */
#include "support/spec.h"

#include <math.h>

#include "web/metrics_text.h"

static void write_all (tl_metrics *m) {
  tl_metric_begin(m, "a_info", TL_INFO, "What.");
  tl_metric_sample(m);
  tl_metric_label(m, "x", TL_LIT("1"));
  tl_metric_integer(m, 1);
  tl_metric_begin(m, "b_total", TL_COUNTER, "How many.");
  tl_metric_sample(m);
  tl_metric_count(m, UINT64_MAX);
  tl_metric_begin(m, "c", TL_GAUGE, "How much.");
  tl_metric_sample(m);
  tl_metric_label(m, "x", tl_slice_of("a\"b\\c\nd\xff\xc3\xa9", 10));
  tl_metric_label(m, "y", TL_LIT(""));
  tl_metric_number(m, 21.5);
  tl_metric_sample(m);
  tl_metric_number(m, NAN);
  tl_metric_sample(m);
  tl_metric_number(m, -INFINITY);
  tl_metric_sample(m);
  tl_metric_integer(m, INT64_MIN);
  tl_metrics_end(m);
}

static void writes_the_text_of_prometheus (void **unused) {
  (void)unused;
  tl_buf out;
  tl_metrics m = { .out = &out };
  tl_buf_init(&out);
  write_all(&m);
  assert_bytes(tl_buf_bytes(&out),
               "# HELP a_info What.\n# TYPE a_info gauge\na_info{x=\"1\"} 1\n"
               "# HELP b_total How many.\n# TYPE b_total counter\nb_total 18446744073709551615\n"
               "# HELP c How much.\n# TYPE c gauge\n"
               "c{x=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD\xc3\xa9\",y=\"\"} 21.5\n"
               "c NaN\nc -Inf\nc -9223372036854775808\n");
  tl_buf_fini(&out);
}

static void writes_openmetrics (void **unused) {
  (void)unused;
  tl_buf out;
  tl_metrics m = { .out = &out, .open = true };
  tl_buf_init(&out);
  write_all(&m);
  const char *text = (const char *)out.at;
  tl_buf_byte(&out, '\0');
  text = (const char *)out.at;
  assert_non_null(strstr(text, "# HELP a What.\n# TYPE a info\na_info{x=\"1\"} 1\n"));
  assert_non_null(strstr(text, "# TYPE b counter\nb_total 18446744073709551615\n"));
  assert_string_equal(text + strlen(text) - 6, "# EOF\n");
  tl_buf_fini(&out);
}

static void chooses_by_accept (void **unused) {
  (void)unused;
  static const char *const open[] = {
    "application/openmetrics-text",
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "text/plain;q=0.5, Application/OpenMetrics-Text; version=1.0.0",
  };
  static const char *const plain[] = {
    NULL,
    "",
    "*/*",
    "text/plain",
    "text/html,application/xml;q=0.9",
    "application/openmetrics-text;q=0",
    "application/openmetrics-text;q=0.3,text/plain;q=0.5",
    "application/openmetrics-texts",
    ",,,;q=,",
    "application/openmetrics-text;q=",
  };
  for (size_t i = 0; i < COUNT(open); i++)
    if (!tl_metrics_wants_open(open[i])) fail_msg("%s", open[i]);
  for (size_t i = 0; i < COUNT(plain); i++)
    if (tl_metrics_wants_open(plain[i])) fail_msg("%s", plain[i] ? plain[i] : "NULL");
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(writes_the_text_of_prometheus),
    cmocka_unit_test(writes_openmetrics),
    cmocka_unit_test(chooses_by_accept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
