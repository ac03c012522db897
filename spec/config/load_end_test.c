/* spec/config/load_end_test.c — what is told of a load that was ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/load_end.h"

#define DIR "/usr/share/tagline/lua"

static void names_the_config (void **state) {
  static const struct {
    const char *why, *want;
  } cases[] = {
    { "site.lua:3: took longer than 10 s\nstack traceback:\n\tsite.lua:3",
      "site.lua:3: took longer than 10 s" },
    { "...a/very/long/site.lua:3: took longer", "/srv/a/very/long/site.lua:3: took longer" },
    { "devices.lua:7: took longer", "devices.lua:7: took longer" }, /* a file beside it */
    { "...other/devices.lua:7: took longer", "...other/devices.lua:7: took longer" },
    { DIR "/tagline/config/tag.lua:9: took longer", "/srv/a/very/long/site.lua:1: took longer" },
    { "...tagline/lua/tagline/config/tag.lua:9: took longer",
      "/srv/a/very/long/site.lua:1: took longer" },
    { "not enough memory", "/srv/a/very/long/site.lua:1: not enough memory" },
    { "error: odd", "/srv/a/very/long/site.lua:1: error: odd" },
    { "", "/srv/a/very/long/site.lua:1: " },
    { "\nstack traceback:\n\tx", "/srv/a/very/long/site.lua:1: \nstack traceback:\n\tx" },
    { "...:3: x", "...:3: x" },
    { DIR "/tagline/config", "/srv/a/very/long/site.lua:1: " DIR "/tagline/config" },
    { DIR "/tagline/config/tag.lua:9", DIR "/tagline/config/tag.lua:9" },
    { "x/tagline/y.lua:9: z", "x/tagline/y.lua:9: z" },
    { "a:1: b /tagline/ c", "a:1: b /tagline/ c" },
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tl_buf line;
    tl_buf_init(&line);
    tl_load_end_text(&line, "/srv/a/very/long/site.lua", DIR, cases[i].why);
    tl_buf_byte(&line, '\0');
    assert_string_equal((const char *)line.at, cases[i].want);
    tl_buf_fini(&line);
  }
}

static void needs_no_folder_of_modules (void **state) {
  tl_buf line;
  (void)state;
  tl_buf_init(&line);
  tl_load_end_text(&line, "c.lua", NULL, DIR "/tagline/x.lua:9: z");
  tl_buf_byte(&line, '\0');
  assert_string_equal((const char *)line.at, DIR "/tagline/x.lua:9: z");
  tl_buf_fini(&line);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_the_config),
    cmocka_unit_test(needs_no_folder_of_modules),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
