/* core/base/log.h — log lines to stderr: "2026-11-22T14:03:16.123Z INFO  plant: connected". One
** process-wide level. Pure rooms do not log; they return errors or raise events. */
#ifndef TL_BASE_LOG_H
#define TL_BASE_LOG_H

#include "base/buf.h"

typedef enum { TL_LOG_ERROR, TL_LOG_WARN, TL_LOG_INFO, TL_LOG_DEBUG } tl_log_level;

void tl_log_set_level (tl_log_level level); /* TL_LOG_INFO at start */
bool tl_log_on (tl_log_level level);        /* would a line of this level be written? */
/* One line; line breaks, control bytes and what is not UTF-8 become visible escapes. `scope` (a
** line or full station name) may be NULL. */
void tl_log (tl_log_level level, const char *scope, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;
/* Log from another thread, or while the process is in an unknown state. `text` goes to the outlet
** or to stderr, and to no listener. */
void tl_log_apart (tl_log_level level, const char *text);
/* Print a script's text, followed by a line break, to where log lines go, but without time and
** level.
** Control characters become visible escapes, except line breaks and tabs. */
void tl_log_print (tl_slice text);

/* TEXT: "2026-11-22T14:03:16.123Z INFO  plant: connected", the level in colour if wanted.
** JSON: {"time":"2026-11-22T14:03:16.123Z","level":"info","scope":"plant","text":"connected"}.
** JOURNAL: "<6>plant: connected", as systemd's journal wants it, which has its own time. */
typedef enum { TL_LOG_TEXT, TL_LOG_JSON, TL_LOG_JOURNAL } tl_log_style;
void tl_log_set_style (tl_log_style style, bool colour); /* TL_LOG_TEXT without colour at start */
/* Append one whole line in that style, for a caller that writes it itself; from any thread.
** TL_ENOMEM. */
int tl_log_line (tl_buf *out, tl_log_level level, const char *text);
/* Set the function that gets whole lines in place of stderr. Each has its line break, and is
** borrowed. The function must not block or log. NULL: lines go to stderr again. */
void tl_log_set_outlet (void (*outlet)(void *ctx, tl_slice line), void *ctx);
/* Set the function that may show lines in place of stderr. It is called first; true: it has shown
** the line. NULL: there is none. */
void tl_log_set_writer (bool (*writer)(void *ctx, tl_log_level level, const char *line), void *ctx);
/* Also give every written line (without its line break) to `sink`, e.g. for specs; NULL ends it. */
void tl_log_set_sink (void (*sink)(void *ctx, tl_log_level level, const char *line), void *ctx);

#endif
