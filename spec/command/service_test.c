/* spec/command/service_test.c — what a service manager hears, on a socket of the spec's own. */
#include "net/net_support.h"

#include <sys/un.h>

#include "base/log.h"
#include "base/utf8.h"
#include "command/service.h"
#include "command/start.h"
#include "console/client.h"

static int manager;
static char folder[40], config[80], path[80];
static tl_script *script;
static tl_gateway *gateway;
static tl_service *service;
static char all[200000];

static void write_config (const char *text) {
  FILE *file = fopen(config, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static int setup (void **state) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  strcpy(folder, "/tmp/tagline-service-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(config, sizeof config, "%s/c.lua", folder);
  snprintf(path, sizeof path, "%s/notify", folder);
  memcpy(address.sun_path, path, strlen(path));
  manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  setenv("NOTIFY_SOCKET", path, 1);
  setenv("WATCHDOG_USEC", "100000", 1);
  unsetenv("WATCHDOG_PID");
  tl_log_set_level(TL_LOG_ERROR);
  all[0] = '\0';
  return bind(manager, (struct sockaddr *)&address, sizeof address) != 0 || loop_setup(state) != 0;
}

static int teardown (void **state) {
  close(manager);
  unlink(config);
  unlink(path);
  rmdir(folder);
  return loop_teardown(state);
}

/* Each message with a line break behind it, and an end mark: "READY=1\n--\n". */
static bool has_come (const char *text) {
  size_t len = strlen(all);
  for (ssize_t n; len < sizeof all - 1000; len = strlen(all)) {
    if ((n = recv(manager, all + len, 900, 0)) < 0) break;
    snprintf(all + len + n, 10, "\n--\n");
  }
  return strstr(all, text);
}

static void on_stopped (void *ctx) { *(bool *)ctx = true; }

static void tells_of_start_reloads_status_life_and_end (void **state) {
  bool stopped = false;
  char want[200];
  (void)state;
  snprintf(want, sizeof want,
           "line 'p' { host = '127.0.0.1', port = %u, station 's' { address = 's' } }",
           closed_port());
  write_config(want);
  script = tl_start_script(false, false);
  assert_non_null(script);
  assert_int_equal(tl_gateway_new(&gateway, loop, &tl_script_handlers, script), 0);
  tl_script_attach(script, gateway, loop);
  assert_true(tl_config_start(script, config, NULL, NULL));
  assert_int_equal(tl_service_new(&service, loop, script, gateway), 0);
  assert_false(has_come("\n"));
  tl_gateway_start(gateway);
  tl_service_ready(service);
  assert_true(has_come("READY=1\n--\n"));
  RUN_UNTIL(has_come("STATUS=0 of 1 line connected; p: not connected: connect to 127.0.0.1:"));
  /* between two attempts; in one it says so, too */
  RUN_UNTIL(has_come(": connection refused: start the broker, or correct host and port\n--\n"));
  RUN_UNTIL(has_come("WATCHDOG=1\n--\n"));
  all[0] = '\0';
  write_config("line 'p' { prot = 5 }");
  tl_log_set_level((tl_log_level)-1); /* the refusal is no news here */
  tl_config_reload(script);
  RUN_UNTIL(!tl_config_is_reloading(script));
  tl_log_set_level(TL_LOG_ERROR);
  assert_true(has_come("RELOADING=1\nMONOTONIC_USEC="));
  assert_true(has_come("\n--\nREADY=1\n--\n")); /* refused, too */
  all[0] = '\0';
  tl_service_stopping(service);
  tl_service_stopping(service);
  assert_true(has_come("STOPPING=1\n"));
  tl_gateway_stop(gateway, on_stopped, &stopped);
  RUN_UNTIL(stopped);
  assert_null(strstr(strstr(all, "STOPPING") + 1, "STOPPING"));
  tl_service_free(service);
  tl_service_free(NULL);
  tl_gateway_free(gateway);
  tl_script_free(script);
}

static void tells_of_what_is_wrong_though_no_line_is_away (void **state) {
  bool stopped = false;
  (void)state;
  write_config("line 'p' { host = 'h', station 's' { address = 's', off = true } } "
               "every(0.01, function() error('no \\27[31m' .. ('\u00e4'):rep(400)) end)");
  script = tl_start_script(false, false);
  assert_non_null(script);
  assert_int_equal(tl_gateway_new(&gateway, loop, &tl_script_handlers, script), 0);
  tl_script_attach(script, gateway, loop);
  tl_log_set_level((tl_log_level)-1); /* the error is no news here */
  assert_true(tl_config_start(script, config, NULL, NULL));
  assert_int_equal(tl_service_new(&service, loop, script, gateway), 0);
  tl_gateway_start(gateway);
  tl_service_ready(service);
  RUN_UNTIL(has_come("STATUS=0 of 0 lines connected; "));
  char *text = strstr(all, "STATUS=0 of 0 lines connected; "), *end = strstr(text, "\n--\n");
  assert_null(memchr(text, 27, (size_t)(end - text)));
  assert_true(tl_utf8_valid(tl_slice_of(text, (size_t)(end - text)))); /* though it was cut */
  assert_true(end - text > 300);
  all[0] = '\0';
  write_config("line 'p' { host = 'h', station 's' { address = 's', off = true } }");
  tl_config_reload(script);
  RUN_UNTIL(has_come("STATUS=0 of 0 lines connected\n--\n"));
  tl_log_set_level(TL_LOG_ERROR);
  tl_service_stopping(service);
  tl_gateway_stop(gateway, on_stopped, &stopped);
  RUN_UNTIL(stopped);
  tl_service_free(service);
  tl_gateway_free(gateway);
  tl_script_free(script);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(tells_of_start_reloads_status_life_and_end, setup, teardown),
    cmocka_unit_test_setup_teardown(tells_of_what_is_wrong_though_no_line_is_away, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
