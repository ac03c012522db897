/* core/gateway/events.c — turns what the session reports of the connection into log lines and
** station statuses. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gateway/filters_impl.h"
#include "gateway/once_impl.h"
#include "gateway/link_impl.h"
#include "gateway/station_log.h"

static void on_connected (void *ctx, bool session_present) {
  tl_link *l = ctx;
  l->conn.state = TL_LINK_CONNECTED;
  l->conn.since = l->time.now;
  tl_health_connected(l);
  l->conn.connects++;
  l->conn.error[0] = '\0';
  /* a new connection gets all retained messages, and they are for all stations */
  l->routing.asked_again = false;
  if (!session_present) tl_link_session_lost(l);
  tl_link_ask_pump(l);
  const char *made_of = l->dial.made_of;
  tl_log(TL_LOG_INFO, TL_LINK_SCOPE(l), "connected to %s%s%s%s%s", l->conn.peer,
         made_of[0] ? " (" : "", made_of, made_of[0] ? ")" : "",
         session_present ? ", the broker kept the session" : "");
  if (l->gateway->news.observers) tl_notify_line(l, true, "");
}

static void on_subscribed (void *ctx, const tl_subscription *filters, const uint8_t *granted,
                           size_t n) {
  tl_link *l = ctx;
  size_t taken = 0;
  tl_health_subscribed(l, filters, granted, n);
  for (size_t i = 0; i < n; i++) taken += granted[i] != TL_GRANTED_NOT;
  tl_link_note_fed(l, filters, granted, n);
  tl_log(TL_LOG_DEBUG, TL_LINK_SCOPE(l), "subscribed: %zu of %zu topic filters", taken, n);
  /* The connection works, so the next wait before reconnecting is short again.
  ** The wait stays long while something ends the connection right after each CONNACK. */
  if (l->conn.quick_closes < 5) l->conn.delay = l->params.reconnect_delay;
  if (l->conn.quick_closes == 0) tl_dial_forget_failures(&l->dial);
  tl_line_up(l->line, l->time.now, l->time.wall);
  l->time.status_due = tl_line_tick(l->line, l->time.now, l->time.wall);
}

/* Logged once for each topic, and only for the first topics when there are many. All are
** counted. */
static void on_too_long (void *ctx, const tl_message *m, size_t size) {
  tl_link *l = ctx;
  l->routing.too_long++;
  if (!tl_health_too_long(l, m->topic, size)) return;
  tl_log(TL_LOG_ERROR, TL_LINK_SCOPE(l),
         "a message of topic '%.*s' has %zu bytes, max_packet_size is %lld: it is skipped and "
         "acknowledged (logged once)",
         TL_ARG(tl_shortened(m->topic)), size, (long long)l->params.max_packet_size);
}

static void on_notice (void *ctx, int severity, const char *text) {
  static const tl_log_level levels[] = { TL_LOG_DEBUG, TL_LOG_INFO, TL_LOG_WARN, TL_LOG_ERROR };
  tl_link *l = ctx;
  tl_log(levels[severity], TL_LINK_SCOPE(l), "%s", text);
}

/* The user has switched Full Debug on for this line, so it is logged at the usual level. */
static void on_trace (void *ctx, char dir, const char *text) {
  tl_link *l = ctx;
  tl_log(TL_LOG_INFO, TL_LINK_SCOPE(l), "%s %s", dir == '<' ? "<-" : "->", text);
}

const tl_session_events tl_link_session_events = {
  .message = tl_link_message,
  .connected = on_connected,
  .subscribed = on_subscribed,
  .published = tl_link_published,
  .too_long = on_too_long,
  .notice = on_notice,
  .trace = on_trace,
  .store = tl_link_remember,
};
