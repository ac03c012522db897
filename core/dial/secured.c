/* core/dial/secured.c — what there is to say of a connection with TLS or a WebSocket: how
** it is made, and what a person should look at, such as a certificate that ends soon. Must not
** know how the connection was made. */
#include "dial/dial.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, LOOK_MS = 60 * 60 * 1000, DUE_MS = LOOK_MS + 1 };

static int64_t min64 (int64_t a, int64_t b) { return a < b ? a : b; }

/* Set the warning for status(), unless a more urgent one is set already. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
remark (tl_dial *d, const char *fmt, ...) {
  va_list args;
  if (d->warning[0]) return;
  va_start(args, fmt);
  vsnprintf(d->warning, sizeof d->warning, fmt, args);
  va_end(args);
}

/* Does this certificate end soon? Sets the warning for status(), and logs it if `log` is set.
** Returns in how many ms to look again. */
static int64_t next_check (tl_dial *d, const char *whose, const char *name, int64_t until,
                           bool log) {
  int64_t left = until - tl_clock_wall_ms(), ahead = left - d->by.params->tls_expiry_warning;
  int days = left > 0 ? (int)(left / DAY_MS) : 0;
  char text[sizeof d->warning];
  if (until == 0 || d->by.params->tls_expiry_warning <= 0) return INT64_MAX;
  /* not longer, since the system's clock may be changed meanwhile */
  if (ahead > 0) return min64(ahead, LOOK_MS);
  if (left > 0)
    snprintf(text, sizeof text, "%s certificate '%.80s' ends in %d day%s: renew it", whose, name,
             days, days == 1 ? "" : "s");
  else
    snprintf(text, sizeof text,
             "%s certificate '%.80s' has ended: renew it before the next connection", whose, name);
  remark(d, "%s", text);
  if (log) tl_log(TL_LOG_WARN, d->by.scope, "%s: %s", d->address, text);
  return DUE_MS;
}

/* Both certificates; logged once a day for each line. */
static void check_certificates (tl_dial *d, const tl_transport_info *info, int64_t now) {
  bool log = d->warned_at == 0 || now - d->warned_at >= DAY_MS;
  int64_t theirs = next_check(d, "the broker's", info->tls.subject, info->tls.until, log);
  int64_t ours = INT64_MAX;
  if (info->has_own) ours = next_check(d, "our", info->own_name, info->own_until, log);
  if (log && (theirs == DUE_MS || ours == DUE_MS)) d->warned_at = now > 0 ? now : 1;
  int64_t next = min64(theirs, ours);
  d->check_at = next < INT64_MAX ? now + next : INT64_MAX;
}

static void log_chain (const tl_dial *d, tl_transport *transport, const tl_transport_info *info) {
  tl_buf chain;
  if (!tl_log_on(TL_LOG_DEBUG)) return;
  tl_buf_init(&chain);
  tl_transport_chain(transport, &chain);
  for (size_t at = 0; at < chain.len;) {
    const uint8_t *end = memchr(chain.at + at, '\n', chain.len - at);
    size_t n = end ? (size_t)(end - chain.at) - at : chain.len - at;
    tl_log(TL_LOG_DEBUG, d->by.scope, "certificate %.*s", (int)n, (const char *)chain.at + at);
    at += n + 1;
  }
  tl_buf_fini(&chain);
  tl_log(TL_LOG_DEBUG, d->by.scope, "TLS: ALPN '%.*s', session %s%s", TL_ARG(info->tls.alpn),
         info->tls.resumed ? "resumed" : "new",
         info->tls.asked_certificate ? ", a client certificate was asked for" : "");
}

static void warn (tl_dial *d, const tl_transport_info *info) {
  const char *address = d->address, *list = info->tls.without_list;
  if (info->warning) {
    tl_log(TL_LOG_WARN, d->by.scope, "%s; the old one stays in use", info->warning);
    remark(d, "%s; the old one stays in use", info->warning);
  }
  if (info->without_subprotocol)
    tl_log(TL_LOG_WARN, d->by.scope,
           "%s: the server names no subprotocol, which MQTT wants; if it fails, look at ws_path",
           address);
  if (info->is_tls && !info->tls.verified)
    tl_log(TL_LOG_WARN, d->by.scope,
           "%s: tls_verify = false: the certificate of the broker is not checked, so anybody can "
           "pretend to be it",
           address);
  if (!list[0]) return;
  tl_log(TL_LOG_WARN, d->by.scope,
         "%s: tls_crl_file has no list of '%.80s': whether it revoked a certificate of the chain "
         "is not checked: add its list",
         address, list);
  remark(d, "tls_crl_file has no list of '%.80s', a CA of the broker's chain: add it", list);
}

void tl_dial_up (tl_dial *d, tl_transport *transport, int64_t now) {
  tl_transport_info info;
  tl_transport_get_info(transport, &info);
  tl_transport_describe(transport, d->made_of, sizeof d->made_of);
  d->warning[0] = '\0';
  d->check_at = INT64_MAX;
  warn(d, &info);
  if (!info.is_tls) return;
  log_chain(d, transport, &info);
  check_certificates(d, &info, now);
}

void tl_dial_check (tl_dial *d, tl_transport *transport, int64_t now) {
  tl_transport_info info;
  tl_transport_get_info(transport, &info);
  /* a warning about the dates may no longer be true */
  if (!info.warning && !info.tls.without_list[0]) d->warning[0] = '\0';
  check_certificates(d, &info, now);
}
