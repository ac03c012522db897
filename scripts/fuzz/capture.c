/* scripts/fuzz/capture.c — libFuzzer target of `tagline replay`: the input is a capture file, which
** is replayed through a config or told to be wrong. */
#include <string.h>

#include "base/log.h"
#include "folder.h"
#include "offline/lua_command.h"

static const char config[] =
    "line 'plant' { host = 'h', topic_filter = '#', payload_type = 'JSON',\n"
    "  station 'one' { address = 'a', tags = { x = Ai 'JA=x', d = TxtI 'IN_DATA' } },\n"
    "  station 'd-{d}' { address = 'd/(?<d>.+)', max_instances = 5, tags = { t = TxtI 'IN_TOPIC' } "
    "},\n"
    "  station 'lua' { address = 'l', decode = function(m) return { n = #m.payload }, m.time end,\n"
    "    tags = { n = Ci {} } } }\n";

int LLVMFuzzerInitialize (int *argc, char ***argv) {
  (void)argc, (void)argv;
  make_folder();
  write_file("config.lua", (const uint8_t *)config, sizeof config - 1);
  tl_log_set_level(TL_LOG_ERROR);
  if (!freopen("/dev/null", "w", stdout)) abort();
  return 0;
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  char path[160];
  write_file("capture.jsonl", data, size);
  snprintf(path, sizeof path, "%s", in_folder("capture.jsonl"));
  const char *arguments[] = { "", path, in_folder("config.lua") };
  int code = tl_lua_command("tagline.test.replay", arguments, 3);
  if (code != 0 && code != 1) abort();
  return 0;
}
