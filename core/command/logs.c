/* core/command/logs.c — see logs.h. */
#include "command/logs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "files/log_writer.h"

/* $JOURNAL_STREAM is "DEVICE:INODE" of the stream that systemd gave us (systemd.exec(5)); a shell
** in between may have sent stderr elsewhere. */
static bool is_journal (void) {
  const char *stream = getenv("JOURNAL_STREAM");
  struct stat st;
  char ours[64];
  if (!stream || fstat(STDERR_FILENO, &st) != 0) return false;
  snprintf(ours, sizeof ours, "%" PRIuMAX ":%" PRIuMAX, (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
  return strcmp(stream, ours) == 0;
}

static bool wants_colour (void) {
  const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
  if ((none && none[0] != '\0') || (term && strcmp(term, "dumb") == 0)) return false;
  return isatty(STDERR_FILENO);
}

bool tl_logs_begin (const char *format) {
  if (!format)
    tl_log_set_style(is_journal() ? TL_LOG_JOURNAL : TL_LOG_TEXT, wants_colour());
  else if (strcmp(format, "json") == 0)
    tl_log_set_style(TL_LOG_JSON, false);
  else if (strcmp(format, "text") == 0)
    tl_log_set_style(TL_LOG_TEXT, wants_colour());
  else
    return false;
  tl_log_writer_start(STDERR_FILENO); /* without a thread lines are written at once */
  return true;
}

void tl_logs_end (void) { tl_log_writer_end(); }
