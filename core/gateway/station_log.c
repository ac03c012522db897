/* core/gateway/station_log.c — log lines about one station. Knows nothing of connections. */
#include "gateway/station_log.h"

#include <stdarg.h>
#include <stdio.h>

enum { SHORT = 64 };

void tl_station_log (const tl_station *s, tl_log_level level, const char *fmt, ...) {
  char text[512];
  tl_buf scope;
  va_list args;
  if (!tl_log_on(level)) return;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  tl_buf_init(&scope);
  tl_station_full_name(s, &scope);
  tl_buf_byte(&scope, '\0');
  tl_log(level, scope.failed ? s->line->name : (const char *)scope.at, "%s", text);
  tl_buf_fini(&scope);
}

tl_slice tl_shortened (tl_slice text) {
  size_t n = text.len;
  if (n > SHORT)
    for (n = SHORT; n > SHORT - 4 && (text.at[n] & 0xC0) == 0x80;) n--;
  return tl_slice_of(text.at, n);
}

void tl_station_log_given_up (void *ctx, void *target, tl_slice topic) {
  tl_station *s = target;
  tl_slice address = tl_shortened(tl_slice_str(s->address)), begin = tl_shortened(topic);
  (void)ctx;
  s->stats.given_up++;
  if (s->logged.address) return;
  s->logged.address = true;
  tl_station_log(
      s, TL_LOG_WARN,
      "address '%.*s'%s takes too many steps on topic '%.*s'%s: it counts as not matching "
      "(logged once)",
      TL_ARG(address), s->address[address.len] != '\0' ? " …" : "", TL_ARG(begin),
      begin.len < topic.len ? " …" : "");
}
