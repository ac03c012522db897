/* core/dial/failure.c — describes a failed attempt in one sentence: the address as
** configured, the cause, and what to do where that is known. Must not know what happens after
** a failure. */
#include "dial/dial_impl.h"

#include <stdio.h>

/* What to do about a refused CONNECT: a text that begins with ": ", or "". `room`: for one that is
** made here. */
static const char *remedy (const tl_dial *d, const tl_session *s, char *room, size_t size) {
  const char *text = tl_session_error(s);
  tl_slice user = d->by.params->user_name;
  switch (tl_session_refusal(s)) {
    case 1: return ": the broker does not take MQTT 3.1.1";
    case 2: return ": give the line another client_id";
    case 3: return ": look at the broker's log";
    case 4:
    case 5:
      if (user.len == 0) return ": set user_name and password";
      if (user.len > 60) return ": correct user_name and password";
      snprintf(room, size, ": correct user_name and password (the user is '%.*s')", TL_ARG(user));
      return room;
    default: break;
  }
  if (strstr(text, "a TLS port?")) return ": use mqtts://, or correct the port";
  if (strstr(text, "an HTTP server?")) return ": use ws://, or correct the port";
  return "";
}

void tl_dial_refused_text (const tl_dial *d, const tl_session *s, const char *address, char *out,
                           size_t room) {
  char made[160];
  snprintf(out, room, "%s: %s%s", address, tl_session_error(s), remedy(d, s, made, sizeof made));
}

static bool ends_with (const char *text, const char *end) {
  size_t len = strlen(text), n = strlen(end);
  return len >= n && strcmp(text + len - n, end) == 0;
}

/* What to do about an error of the network. TLS, WebSocket and proxy errors already say it in
** their texts. */
static const char *network_remedy (const tl_dial *d, const char *text) {
  bool by_proxy = d->by.params->proxy.len > 0;
  if (strstr(text, "resolve '"))
    return by_proxy ? ": correct proxy, or look at the name server"
                    : ": correct host, or look at the name server";
  if (ends_with(text, ": connection refused"))
    return by_proxy ? ": start the proxy, or correct proxy"
                    : ": start the broker, or correct host and port";
  if (ends_with(text, "unreachable") || ends_with(text, "connection timed out"))
    return ": look at the network between, or correct host and port";
  return "";
}

bool tl_dial_ended_plainly (int code, const char *text) {
  return ends_with(text,
                   code == TL_TRANSPORT_END ? "closed the connection" : "connection reset by peer");
}

const char *tl_dial_end_hint (const tl_dial *d, size_t host) {
  tl_scheme scheme = tl_dial_target(d, host).scheme;
  if (tl_scheme_is_tls(scheme))
    return " before CONNACK: does it know the Client ID, the user and our certificate?";
  if (tl_scheme_is_ws(scheme)) return " before CONNACK: does it know the Client ID and the user?";
  return " before CONNACK: does it want TLS (mqtts://)? Does it know the Client ID and the user?";
}

void tl_dial_end_text (const tl_dial *d, size_t host, int code, const char *text, bool early,
                       char *out, size_t room) {
  char address[300];
  tl_dial_address(d, host, address, sizeof address);
  /* Begin with the address as the user wrote it, unless the text names it: a host name may
  ** stand for many IP addresses. */
  bool named = strstr(text, address);
  early = early && tl_dial_ended_plainly(code, text);
  snprintf(out, room, "%s%s%s%s", named ? "" : address, named ? "" : ": ", text,
           early ? tl_dial_end_hint(d, host) : network_remedy(d, text));
}

void tl_dial_late_text (const tl_dial *d, size_t host, const char *stage, char *out, size_t room) {
  int64_t ms = d->by.params->connect_timeout;
  double limit = ms > 0 ? (double)ms / 1000 : TL_PROBE_TIMEOUT_S;
  char address[300];
  const char *hint = "";
  tl_dial_address(d, host, address, sizeof address);
  if (strcmp(stage, "connection") == 0) {
    snprintf(
        out, room,
        "connect to %s: no connection within connect_timeout (%.3g s): correct host and port, or "
        "look at the firewall between",
        address, limit);
    return;
  }
  if (strcmp(stage, "CONNACK") == 0) {
    snprintf(
        out, room,
        "%s: no CONNACK within connect_timeout (%.3g s): correct the port, or use mqtts:// for "
        "TLS, ws:// for a WebSocket",
        address, limit);
    return;
  }
  if (strstr(stage, "TLS"))
    hint = "; port 443 may want tls_alpn";
  else if (strstr(stage, "WebSocket"))
    hint = ": correct the port or the scheme";
  else if (strstr(stage, "proxy"))
    hint = ": is proxy right, http:// or socks5://?";
  snprintf(out, room, "%s: no %s within connect_timeout (%.3g s)%s", address, stage, limit, hint);
}
