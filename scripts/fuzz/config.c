/* scripts/fuzz/config.c — libFuzzer target of the config loader: the input is a config, which
** loads or is told to be wrong; one that loads takes a few messages, offline. */
#include <string.h>

#include "base/log.h"
#include "folder.h"
#include "offline/run.h"

static size_t problems;

static void on_problem (void *ctx, bool is_error, const char *text) {
  (void)ctx;
  problems += is_error;
  if (!text[0]) abort();
}

static void feed (tl_offline_run *site) {
  static const char *const topics[] = { "a/b", "plant/x/up", "site/dev-1/up" };
  static const char *const payloads[] = { "{\"a\":1,\"ts\":1669125796123}", "21.5", "\xff\0" };
  tl_err err;
  for (size_t i = 0; i < 9; i++) {
    tl_incoming m = { .topic = tl_slice_of(topics[i % 3], strlen(topics[i % 3])),
                      .payload = tl_slice_of(payloads[i / 3], strlen(payloads[i / 3])),
                      .wall = 1700000000000 + (int64_t)i * 1000 };
    tl_offline_fed fed;
    tl_offline_run_feed(site, TL_LIT(""), &m, &fed, &err);
  }
  tl_offline_run_advance(site, 1700000100000);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  tl_offline_run *site = NULL;
  tl_err err = { .text = "" };
  make_folder();
  tl_log_set_level(TL_LOG_ERROR);
  write_file("config.lua", data, size);
  problems = 0;
  int rc = tl_offline_run_new(&site, in_folder("config.lua"), false, 1700000000000, on_problem,
                              NULL, &err);
  if (rc == TL_OK) {
    feed(site);
    tl_offline_run_free(site);
  } else if (problems == 0 && !err.text[0]) {
    abort();
  }
  return 0;
}
