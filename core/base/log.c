/* core/base/log.c — log lines to stderr, one write each, with nothing in them that moves a
** terminal. Knows nothing else. */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

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
} state = { .level = TL_LOG_INFO };

static const char *const words[] = { "ERROR", "WARN ", "INFO ", "DEBUG" };

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

static void escape_byte (tl_buf *out, uint8_t c) {
  switch (c) {
    case '\n': tl_buf_str(out, "\\n"); break;
    case '\r': tl_buf_str(out, "\\r"); break;
    case '\t': tl_buf_str(out, "\\t"); break;
    default: tl_buf_fmt(out, "\\x%02x", c);
  }
}

/* Text of unknown origin: control bytes, DEL, the C1 controls (U+0080..U+009F) and what is not
** UTF-8 become visible. */
static void add_visible (tl_buf *out, tl_slice s) {
  while (s.len > 0) {
    size_t valid = tl_utf8_prefix(s.at, s.len), from = 0;
    for (size_t i = 0; i < valid; i++) {
      uint8_t c = s.at[i];
      bool c1 = c == 0xC2 && s.at[i + 1] < 0xA0; /* well-formed: there is a second byte */
      if (c >= 0x20 && c != 0x7F && !c1) continue;
      tl_buf_add(out, s.at + from, i - from);
      escape_byte(out, c);
      if (c1) escape_byte(out, s.at[++i]);
      from = i + 1;
    }
    tl_buf_add(out, s.at + from, valid - from);
    if (valid < s.len) escape_byte(out, s.at[valid++]);
    s = tl_slice_of(s.at + valid, s.len - valid);
  }
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
  if (n > 0) add_visible(out, tl_slice_of(text, (size_t)n));
  if (text != small) free(text);
}

/* One write for a line, so that lines of several processes on one pipe stay whole. A reader
** that stopped loses lines: the process that logs must go on. */
static void put_line (const uint8_t *at, size_t len) {
  for (int tries = 0; len > 0 && tries < 3;) {
    ssize_t n = write(STDERR_FILENO, at, len);
    if (n > 0) {
      at += n;
      len -= (size_t)n;
    } else if (n < 0 && errno == EAGAIN) {
      /* a terminal shared with a program that made it non-blocking */
      struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
      poll(&p, 1, 50);
      tries++;
    } else if (n < 0 && errno != EINTR) {
      return;
    }
  }
}

void tl_log (tl_log_level level, const char *scope, const char *fmt, ...) {
  if (!tl_log_on(level)) return;
  tl_buf line;
  tl_buf_init(&line);
  tl_time_format(&line, tl_clock_wall_ms());
  tl_buf_fmt(&line, " %s ", words[level]);
  if (scope) {
    add_visible(&line, tl_slice_str(scope));
    tl_buf_str(&line, ": ");
  }
  va_list args;
  va_start(args, fmt);
  add_text(&line, fmt, args);
  va_end(args);
  tl_buf_byte(&line, '\n');
  if (line.failed) {
    static const char lost[] = "ERROR a log line was lost: no memory\n";
    put_line((const uint8_t *)lost, sizeof lost - 1);
  } else {
    line.at[line.len - 1] = '\0';
    bool shown = state.writer && state.writer(state.writer_ctx, level, (const char *)line.at);
    if (state.sink) state.sink(state.sink_ctx, level, (const char *)line.at);
    line.at[line.len - 1] = '\n';
    if (!shown) put_line(line.at, line.len);
  }
  tl_buf_fini(&line);
}

void tl_log_print (tl_slice text) {
  tl_buf line;
  if (state.writer && state.writer(state.writer_ctx, TL_LOG_INFO, (const char *)text.at)) return;
  tl_buf_init(&line);
  tl_buf_slice(&line, text);
  tl_buf_byte(&line, '\n');
  if (!line.failed) put_line(line.at, line.len);
  tl_buf_fini(&line);
}
