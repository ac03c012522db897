/* core/command/history.c — `tagline history FILE|CONFIG.lua [PATTERN…]`: what a history holds. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "command/command.h"
#include "command/options.h"
#include "offline/lua_command.h"

static const char help[] =
    "usage: tagline history [OPTIONS] FILE|CONFIG.lua [PATTERN …]\n"
    "\n"
    "Prints values of a history, beside the running process or without it. A pattern is a tag's "
    "full\n"
    "name, in which * stands for any text and ? for one character; without one all tags are\n"
    "printed. Without a range: the last 24 hours.\n"
    "\n"
    "  --last TIME          the last 10m, 12h, 90d, 2y …\n"
    "  --from T, --to T     from (included) to (excluded): 2026-11-29, 2026-11-29T12:00, …+01:00;\n"
    "                       without an offset those of --zone\n"
    "  --every TIME         one row for each interval, with --as\n"
    "  --as LIST            avg time_avg min max first last count sum good; several with commas\n"
    "  --csv                time,tag,value,status,reason,unit (the default)\n"
    "  --json               a line of JSON for each value\n"
    "  --wide               CSV with a column for each tag\n"
    "  --zone ZONE          times are those of Europe/Bratislava, +01:00, local, UTC (the "
    "default)\n"
    "  --check              is the file whole? exit code 1 when it is not\n"
    "  --import FILE.csv    put rows into the history: time,tag,value,status,reason,unit as "
    "above.\n"
    "                       A row that is there already is not added again. No process may write\n"
    "                       the history meanwhile\n";

enum { PATTERNS = 64 };

/* An offset such as "+01:00", as TZ wants it: with the other sign. */
static bool read_offset (const char *zone, char out[32]) {
  unsigned h, m;
  int n = 0;
  if ((zone[0] != '+' && zone[0] != '-') || strlen(zone) != 6) return false;
  if (sscanf(zone + 1, "%2u:%2u%n", &h, &m, &n) != 2 || n != 5 || h > 23 || m > 59) return false;
  snprintf(out, 32, "<%c%02u%02u>%c%02u:%02u", zone[0], h, m, zone[0] == '+' ? '-' : '+', h, m);
  return true;
}

/* The zone in which Lua's os.date speaks. */
static bool set_zone (const char *zone) {
  char path[512], offset[32];
  struct stat st;
  if (strcmp(zone, "local") == 0) return true;
  if (read_offset(zone, offset)) {
    zone = offset;
  } else if (strcmp(zone, "UTC") != 0) {
    if (zone[0] == '/' || strstr(zone, "..")) return false;
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zone);
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode)) return false;
  }
  setenv("TZ", zone, 1);
  tzset();
  return true;
}

int tl_command_history (int argc, char **argv) {
  const char *last = "", *from = "", *to = "", *every = "", *as = "", *zone = "UTC", *import = NULL;
  char what[4200] = "";
  bool csv = false, json = false, wide = false, check = false;
  const char *words[PATTERNS + 1], *arguments[PATTERNS + 11];
  const tl_option options[] = { { "last", 0, NULL, &last },     { "from", 0, NULL, &from },
                                { "to", 0, NULL, &to },         { "every", 0, NULL, &every },
                                { "as", 0, NULL, &as },         { "zone", 0, NULL, &zone },
                                { "csv", 0, &csv, NULL },       { "json", 0, &json, NULL },
                                { "wide", 0, &wide, NULL },     { "check", 0, &check, NULL },
                                { "import", 0, NULL, &import }, { 0 } };
  int n = tl_options_read(argc, argv, "history", help, options, words, PATTERNS + 1);
  if (n < 0) return tl_options_exit(n);
  if (n < 1)
    return tl_options_exit(tl_options_wrong("history", "a FILE or a CONFIG.lua is missing"));
  if (csv + json + wide > 1)
    return tl_options_exit(tl_options_wrong("history", "--csv, --json and --wide: give one"));
  if (!set_zone(zone))
    return tl_options_exit(tl_options_wrong(
        "history",
        "--zone: expected UTC, local, +01:00 or a name such as Europe/Bratislava, got '%s'", zone));
  if (import && check)
    return tl_options_exit(tl_options_wrong("history", "--check and --import: give one"));
  bool asks = n > 1 || csv || json || wide || (*last | *from | *to | *every | *as) != '\0';
  if (check && asks)
    return tl_options_exit(
        tl_options_wrong("history", "--check looks at the whole file: it takes no tags or range"));
  if (import && n > 1)
    return tl_options_exit(tl_options_wrong("history", "--import takes all tags of the file"));
  if (import && strlen(import) > 4096)
    return tl_options_exit(tl_options_wrong("history", "--import: the path is too long"));
  if (import) snprintf(what, sizeof what, "import:%s", import);
  if (check) strcpy(what, "check");
  tl_log_set_level(TL_LOG_ERROR);
  const char *format = json ? "json" : "csv";
  if (wide) format = "wide";
  const char *first[] = { last,  from, to,
                          every, as,   format,
                          what,  zone, isatty(STDOUT_FILENO) ? "terminal" : "" };
  memcpy(arguments, first, sizeof first);
  memcpy(arguments + 9, words, (size_t)n * sizeof *words);
  return tl_lua_command("tagline.history.main", arguments, 9 + n);
}
