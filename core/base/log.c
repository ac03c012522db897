/* core/base/log.c — log lines, with nothing in them that moves a terminal: to stderr, one write
** each, or to an outlet. Knows nothing else. */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/json_write.h"
#include "base/visible.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
  tl_log_level level;
  void (*sink)(void *ctx, tl_log_level level, const char *line);
  void *sink_ctx;
  bool (*writer)(void *ctx, tl_log_level level, const char *line);
  void *writer_ctx;
  void (*outlet)(void *ctx, tl_slice line);
  void *outlet_ctx;
  tl_log_style style;
  bool colour;
} state = { .level = TL_LOG_INFO };

static const char *const words[] = { "ERROR", "WARN ", "INFO ", "DEBUG" };
static const char *const names[] = { "error", "warn", "info", "debug" };
static const char *const colours[] = { "\x1b[31m", "\x1b[33m", "", "\x1b[2m" };
static const char priorities[] = "3467"; /* sd-daemon(3): those of syslog(3) */

void tl_log_set_level (tl_log_level level) { state.level = level; }

bool tl_log_on (tl_log_level level) { return level <= state.level; }

void tl_log_set_writer (bool (*writer)(void *ctx, tl_log_level level, const char *line),
                        void *ctx) {
  state.writer = writer;
  state.writer_ctx = ctx;
}

void tl_log_set_sink (void (*sink)(void *ctx, tl_log_level level, const char *line), void *ctx) {
  state.sink = sink;
  state.sink_ctx = ctx;
}

void tl_log_set_outlet (void (*outlet)(void *ctx, tl_slice line), void *ctx) {
  state.outlet = outlet;
  state.outlet_ctx = ctx;
}

void tl_log_set_style (tl_log_style style, bool colour) {
  state.style = style;
  state.colour = colour;
}

static void add_text (tl_buf *out, const char *fmt, va_list args) {
  char small[512], *text = small;
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(small, sizeof small, fmt, args);
  if (n >= (int)sizeof small) {
    text = malloc((size_t)n + 1);
    if (text) {
      vsnprintf(text, (size_t)n + 1, fmt, again);
    } else { /* better cut than lost */
      text = small;
      n = (int)sizeof small - 1;
    }
  }
  va_end(again);
  if (n > 0) tl_visible(out, tl_slice_of(text, (size_t)n), false);
  if (text != small) free(text);
}

/* One write for a line, so that lines of several processes on one pipe stay whole. A reader that
** stopped loses lines: the process that logs must go on. */
static void write_line (tl_slice line) {
  for (int tries = 0; line.len > 0 && tries < 3;) {
    ssize_t n = write(STDERR_FILENO, line.at, line.len);
    if (n > 0) {
      line = tl_slice_of(line.at + n, line.len - (size_t)n);
    } else if (n < 0 && errno == EAGAIN) { /* a terminal that another program made non-blocking */
      struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
      poll(&p, 1, 50);
      tries++;
    } else if (n < 0 && errno != EINTR) {
      return;
    }
  }
}

static void put_line (tl_slice line) {
  if (state.outlet)
    state.outlet(state.outlet_ctx, line);
  else
    write_line(line);
}

static void add_plain (tl_buf *out, tl_log_level level, tl_slice scope, tl_slice text,
                       bool colour) {
  tl_time_format(out, tl_clock_wall_ms());
  tl_buf_byte(out, ' ');
  if (colour) tl_buf_str(out, colours[level]);
  tl_buf_str(out, words[level]);
  if (colour && colours[level][0] != '\0') tl_buf_str(out, "\x1b[0m");
  tl_buf_byte(out, ' ');
  if (scope.at) tl_buf_fmt(out, "%.*s: ", TL_ARG(scope));
  tl_buf_slice(out, text);
}

static void add_json (tl_buf *out, tl_log_level level, tl_slice scope, tl_slice text) {
  tl_member_open(out, NULL, '{');
  tl_member_time(out, "time", tl_clock_wall_ms());
  tl_member_word(out, "level", names[level]);
  if (scope.at) tl_member_text(out, "scope", scope);
  tl_member_text(out, "text", text);
  tl_buf_byte(out, '}');
}

/* The journal has its own time and takes the priority from "<N>" at the beginning of each line. */
static void add_journal (tl_buf *out, tl_log_level level, tl_slice scope, tl_slice text) {
  tl_buf_fmt(out, "<%c>", priorities[level]);
  if (scope.at) tl_buf_fmt(out, "%.*s: ", TL_ARG(scope));
  for (size_t i = 0; i < text.len; i++) {
    tl_buf_byte(out, text.at[i]);
    if (text.at[i] == '\n') tl_buf_fmt(out, "<%c>", priorities[level]);
  }
}

/* `scope` (at may be NULL) and `text` are visible. */
static void add_styled (tl_buf *out, tl_log_level level, tl_slice scope, tl_slice text) {
  switch (state.style) {
    case TL_LOG_TEXT: add_plain(out, level, scope, text, state.colour); break;
    case TL_LOG_JSON: add_json(out, level, scope, text); break;
    case TL_LOG_JOURNAL: add_journal(out, level, scope, text); break;
  }
  tl_buf_byte(out, '\n');
}

int tl_log_line (tl_buf *out, tl_log_level level, const char *text) {
  tl_buf clean;
  tl_buf_init(&clean);
  tl_visible(&clean, tl_slice_str(text), false);
  add_styled(out, level, tl_slice_of(NULL, 0), tl_buf_bytes(&clean));
  if (clean.failed) out->failed = true;
  tl_buf_fini(&clean);
  return out->failed ? TL_ENOMEM : TL_OK;
}

static void write_lost (void) { put_line(TL_LIT("ERROR a log line was lost: no memory\n")); }

static void put_styled (tl_log_level level, tl_slice scope, tl_slice text) {
  tl_buf line;
  tl_buf_init(&line);
  add_styled(&line, level, scope, text);
  if (line.failed)
    write_lost();
  else
    put_line(tl_buf_bytes(&line));
  tl_buf_fini(&line);
}

/* Give the plain line, NUL-terminated, to the listeners (state.writer, state.sink). True: the
** writer has shown it, so it need not go to stderr. */
static bool pass_on (tl_log_level level, tl_slice scope, tl_slice text) {
  tl_buf line;
  bool shown = false;
  if (!state.writer && !state.sink) return false;
  tl_buf_init(&line);
  add_plain(&line, level, scope, text, false);
  tl_buf_byte(&line, '\0');
  if (!line.failed) {
    const char *plain = (const char *)line.at;
    shown = state.writer && state.writer(state.writer_ctx, level, plain);
    if (state.sink) state.sink(state.sink_ctx, level, plain);
  }
  tl_buf_fini(&line);
  return shown;
}

void tl_log (tl_log_level level, const char *scope, const char *fmt, ...) {
  if (!tl_log_on(level)) return;
  tl_buf text;
  va_list args;
  size_t split = 0;
  tl_buf_init(&text);
  if (scope) tl_visible(&text, tl_slice_str(scope), false);
  split = text.len;
  va_start(args, fmt);
  add_text(&text, fmt, args);
  va_end(args);
  if (text.failed) {
    write_lost();
  } else {
    tl_slice visible = tl_slice_of(text.at + split, text.len - split);
    tl_slice of = tl_slice_of(scope ? (const void *)text.at : NULL, split);
    if (!pass_on(level, of, visible)) put_styled(level, of, visible);
  }
  tl_buf_fini(&text);
}

void tl_log_apart (tl_log_level level, const char *text) {
  tl_buf line;
  tl_buf_init(&line);
  if (tl_log_line(&line, level, text) == TL_OK) put_line(tl_buf_bytes(&line));
  tl_buf_fini(&line);
}

void tl_log_print (tl_slice text) {
  tl_buf clean;
  tl_buf_init(&clean);
  tl_visible(&clean, text, true);
  size_t len = clean.len;
  tl_buf_byte(&clean, '\0');
  if (clean.failed) {
    write_lost();
  } else if (!state.writer ||
             !state.writer(state.writer_ctx, TL_LOG_INFO, (const char *)clean.at)) {
    clean.at[len] = '\n';
    if (state.style == TL_LOG_TEXT)
      put_line(tl_buf_bytes(&clean));
    else
      put_styled(TL_LOG_INFO, tl_slice_of(NULL, 0), tl_slice_of(clean.at, len));
  }
  tl_buf_fini(&clean);
}
