/* core/gateway/secured.c — what there is to say of a connection with TLS or a WebSocket: how
** it is made, and what a person should look at, such as a certificate that ends soon. Must not
** know how the connection was made. */
#include "gateway/address_impl.h"
#include "gateway/link_impl.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, LOOK_MS = 60 * 60 * 1000, DUE_MS = LOOK_MS + 1 };

static int64_t min64 (int64_t a, int64_t b) { return a < b ? a : b; }

/* Set the warning for status(), unless a more urgent one is set already. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
remark (tl_link *l, const char *fmt, ...) {
  va_list args;
  if (l->secured.warning[0]) return;
  va_start(args, fmt);
  vsnprintf(l->secured.warning, sizeof l->secured.warning, fmt, args);
  va_end(args);
}

/* Does this certificate end soon? Sets the warning for status(), and logs it if `log` is set.
** Returns in how many ms to look again. */
static int64_t next_check (tl_link *l, const char *whose, const char *name, int64_t until,
                           bool log) {
  int64_t left = until - tl_clock_wall_ms(), ahead = left - l->params.tls_expiry_warning;
  int days = left > 0 ? (int)(left / DAY_MS) : 0;
  char text[sizeof l->secured.warning];
  if (until == 0 || l->params.tls_expiry_warning <= 0) return INT64_MAX;
  /* not longer, since the system's clock may be changed meanwhile */
  if (ahead > 0) return min64(ahead, LOOK_MS);
  if (left > 0)
    snprintf(text, sizeof text, "%s certificate '%.80s' ends in %d day%s: renew it", whose, name,
             days, days == 1 ? "" : "s");
  else
    snprintf(text, sizeof text,
             "%s certificate '%.80s' has ended: renew it before the next connection", whose, name);
  remark(l, "%s", text);
  if (log) tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l), "%s: %s", l->secured.address, text);
  return DUE_MS;
}

/* Both certificates; logged once a day for each line. */
static void check_certificates (tl_link *l, const tl_transport_info *info) {
  tl_secured *s = &l->secured;
  bool log = s->warned_at == 0 || l->time.now - s->warned_at >= DAY_MS;
  int64_t theirs = next_check(l, "the broker's", info->tls.subject, info->tls.until, log);
  int64_t ours = INT64_MAX;
  if (info->has_own) ours = next_check(l, "our", info->own_name, info->own_until, log);
  if (log && (theirs == DUE_MS || ours == DUE_MS)) s->warned_at = l->time.now > 0 ? l->time.now : 1;
  int64_t next = min64(theirs, ours);
  s->check_at = next < INT64_MAX ? l->time.now + next : INT64_MAX;
}

static void log_chain (const tl_link *l, const tl_transport_info *info) {
  tl_buf chain;
  if (!tl_log_on(TL_LOG_DEBUG)) return;
  tl_buf_init(&chain);
  tl_transport_chain(l->conn.transport, &chain);
  for (size_t at = 0; at < chain.len;) {
    const uint8_t *end = memchr(chain.at + at, '\n', chain.len - at);
    size_t n = end ? (size_t)(end - chain.at) - at : chain.len - at;
    tl_log(TL_LOG_DEBUG, TL_LINK_SCOPE(l), "certificate %.*s", (int)n, (const char *)chain.at + at);
    at += n + 1;
  }
  tl_buf_fini(&chain);
  tl_log(TL_LOG_DEBUG, TL_LINK_SCOPE(l), "TLS: ALPN '%.*s', session %s%s", TL_ARG(info->tls.alpn),
         info->tls.resumed ? "resumed" : "new",
         info->tls.asked_certificate ? ", a client certificate was asked for" : "");
}

static void warn (tl_link *l, const tl_transport_info *info) {
  const char *address = l->secured.address, *list = info->tls.without_list;
  if (info->warning) {
    tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l), "%s; the old one stays in use", info->warning);
    remark(l, "%s; the old one stays in use", info->warning);
  }
  if (info->without_subprotocol)
    tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l),
           "%s: the server names no subprotocol, which MQTT wants; if it fails, look at ws_path",
           address);
  if (info->is_tls && !info->tls.verified)
    tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l),
           "%s: tls_verify = false: the certificate of the broker is not checked, so anybody can "
           "pretend to be it",
           address);
  if (!list[0]) return;
  tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l),
         "%s: tls_crl_file has no list of '%.80s': whether it revoked a certificate of the chain "
         "is not checked: add its list",
         address, list);
  remark(l, "tls_crl_file has no list of '%.80s', a CA of the broker's chain: add it", list);
}

void tl_link_up (tl_link *l) {
  tl_transport_info info;
  tl_transport_get_info(l->conn.transport, &info);
  tl_transport_describe(l->conn.transport, l->secured.made_of, sizeof l->secured.made_of);
  l->secured.warning[0] = '\0';
  l->secured.check_at = INT64_MAX;
  warn(l, &info);
  if (!info.is_tls) return;
  log_chain(l, &info);
  check_certificates(l, &info);
}

int64_t tl_link_secured_due (const tl_link *l) {
  return l->conn.state == TL_LINK_CONNECTED ? l->secured.check_at : INT64_MAX;
}

void tl_link_secured_tick (tl_link *l) {
  tl_transport_info info;
  if (l->conn.state != TL_LINK_CONNECTED || l->time.now < l->secured.check_at) return;
  tl_transport_get_info(l->conn.transport, &info);
  /* a warning about the dates may no longer be true */
  if (!info.warning && !info.tls.without_list[0]) l->secured.warning[0] = '\0';
  check_certificates(l, &info);
}
