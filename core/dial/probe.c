/* core/dial/probe.c — tries a line's addresses one after the other: resolve, TCP, proxy,
** TLS, WebSocket, CONNECT, SUBSCRIBE. Must not touch the line's own session. */
#include "dial/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { ROOM = 4096, LISTEN_ROOM = 65536, ID_ROOM = 24, TEXT = 600, LINGER = 250 };

struct tl_probe {
  tl_probe *next; /* the next probe of the same line */
  tl_dial *dial;  /* NULL: the probe was stopped, or the line was removed */
  void (*report)(void *ctx, const char *text);
  void (*done)(void *ctx, bool well, const char *why);
  void *ctx;
  tl_probe_ears ears; /* of a probe that listens */
  bool is_listening;  /* SUBACK came, and the probe stays connected */
  size_t host;
  tl_transport *transport;
  tl_session *session;
  tl_timer *timer;
  bool is_up;       /* the transport is connected, and CONNECT was sent */
  bool is_accepted; /* CONNACK came */
  bool is_over;     /* this address is done: what still comes is the end of its connection */
  bool failed;      /* at least one address failed */
  bool is_telling;  /* its report is called, which may stop it */
  const char *last; /* the stage in which its connection ended */
  uint64_t since;   /* ns: when the present stage began */
  tl_buf in;
  char why[TEXT];
};

static void next_address (tl_probe *p);

static void probe_free (tl_probe *p) {
  if (p->session) tl_session_free(p->session);
  if (p->timer) tl_timer_close(p->timer);
  tl_buf_fini(&p->in);
  free(p);
}

/* False: the report has stopped the probe, which is gone when it had no connection. */
static bool tell (tl_probe *p, const char *text) {
  p->is_telling = true;
  p->report(p->ctx, text);
  p->is_telling = false;
  if (p->dial) return true;
  if (!p->transport) probe_free(p);
  return false;
}

static bool report_stage (tl_probe *p, const char *stage, const char *found) {
  char text[TEXT + 100];
  uint64_t now = tl_clock_mono_ns();
  snprintf(text, sizeof text, "  %-10s %6.1f ms  %s", stage, (double)(now - p->since) / 1e6, found);
  p->since = now;
  return p->dial && tell(p, text);
}

static const char *stage_name (const tl_probe *p) {
  if (p->last) return p->last;
  /* the transport may fail after it was connected: with TLS 1.3 a certificate is refused after
  ** the handshake */
  const char *stage = p->transport ? tl_transport_stage(p->transport) : NULL;
  if (p->is_accepted) return "SUBSCRIBE";
  if (p->is_up && !(stage && strstr(stage, "TLS"))) return "CONNECT";
  if (!stage) return "connect";
  if (strstr(stage, "TLS")) return "TLS";
  if (strstr(stage, "WebSocket")) return "WebSocket";
  if (strstr(stage, "proxy")) return "proxy";
  return strstr(stage, "certificates") ? "files" : "TCP";
}

static void address_over (tl_probe *p) {
  p->is_over = true;
  if (p->transport)
    tl_transport_close(p->transport, LINGER);
  else
    next_address(p);
}

/* This address failed: report why. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
fail (tl_probe *p, const char *fmt, ...) {
  char text[TEXT + 20];
  va_list args;
  if (p->is_over) return;
  va_start(args, fmt);
  vsnprintf(p->why, sizeof p->why, fmt, args);
  va_end(args);
  p->failed = true;
  snprintf(text, sizeof text, "FAILED: %s", p->why);
  if (report_stage(p, stage_name(p), text)) address_over(p);
}

static void session_failed (tl_probe *p) {
  char address[300], text[TEXT];
  tl_dial_address(p->dial, p->host - 1, address, sizeof address);
  tl_dial_refused_text(p->dial, p->session, address, text, sizeof text);
  fail(p, "%s", text);
}

static void flush (tl_probe *p) {
  tl_slice out = tl_session_output(p->session);
  if (!p->transport || out.len == 0) return;
  if (tl_transport_write(p->transport, out.at, out.len) < 0) return; /* `closed` follows */
  tl_session_sent(p->session, out.len, tl_loop_now(p->dial->by.loop));
}

/* --- the session's events --- */

static int on_message (void *ctx, const tl_message *m) {
  tl_probe *p = ctx;
  if (p->ears.message && p->dial) p->ears.message(p->ctx, m, m->payload.len);
  return TL_MESSAGE_DONE;
}

static void on_too_long (void *ctx, const tl_message *m, size_t size) {
  tl_probe *p = ctx;
  if (p->ears.message && p->dial) p->ears.message(p->ctx, m, size);
}

static void on_accepted (void *ctx, bool session_present) {
  tl_probe *p = ctx;
  (void)session_present;
  report_stage(p, "CONNECT", "accepted");
  p->is_accepted = true;
}

/* What is due for a probe that stays connected: a PING, or the end of the connection. */
static void tend (tl_probe *p) {
  if (tl_session_tick(p->session, tl_loop_now(p->dial->by.loop)) < 0) {
    session_failed(p);
    return;
  }
  flush(p);
  tl_timer_at(p->timer, tl_session_deadline(p->session));
}

static void goodbye (tl_probe *p) {
  tl_session_disconnect(p->session);
  flush(p);
  address_over(p);
}

static void on_subscribed (void *ctx, const tl_subscription *filters, const uint8_t *granted,
                           size_t n) {
  tl_probe *p = ctx;
  char text[TEXT] = "", address[300];
  bool well = true, some = false;
  tl_dial_address(p->dial, p->host - 1, address, sizeof address);
  for (size_t i = 0; i < n; i++) {
    size_t used = strlen(text);
    bool taken = granted[i] != TL_GRANTED_NOT;
    well = well && taken;
    some = some || taken;
    if (i < 8 || !taken)
      snprintf(text + used, sizeof text - used, "%s%.*s%s", used ? ", " : "",
               TL_ARG(filters[i].filter), taken ? "" : " REFUSED");
  }
  if (well || (some && p->ears.message))
    report_stage(p, "SUBSCRIBE", n > 0 ? text : "no filters");
  else
    fail(p, "%s: the broker refuses topic filters: %s: look at its access rules", address, text);
  if (p->is_over) return;
  if (!p->ears.message) {
    goodbye(p);
    return;
  }
  p->is_listening = true;
  tl_timer_at(p->timer, tl_session_deadline(p->session));
  p->ears.listening(p->ctx);
}

static void on_published (void *ctx, void *token, int result, tl_slice why) {
  (void)ctx, (void)token, (void)result, (void)why;
}

static void on_notice (void *ctx, int severity, const char *text) {
  tl_probe *p = ctx;
  if (severity == TL_NOTE_WARN || severity == TL_NOTE_ERROR)
    snprintf(p->why, sizeof p->why, "%s", text);
}

static const tl_session_events session_events = { .message = on_message,
                                                  .connected = on_accepted,
                                                  .subscribed = on_subscribed,
                                                  .published = on_published,
                                                  .too_long = on_too_long,
                                                  .notice = on_notice };

/* --- the transport's events --- */

static void on_stage (void *ctx, const char *stage, const char *found) {
  report_stage(ctx, stage, found);
}

static void on_up (void *ctx, const char *peer) {
  tl_probe *p = ctx;
  (void)peer;
  p->is_up = true;
  if (tl_session_open(p->session, tl_loop_now(p->dial->by.loop)) < 0)
    session_failed(p);
  else
    flush(p);
}

static uint8_t *on_room (void *ctx, size_t *room) {
  tl_probe *p = ctx;
  size_t needs = tl_session_needs(p->session), want = p->ears.message ? LISTEN_ROOM : ROOM;
  if (needs > p->in.len && needs - p->in.len > want) want = needs - p->in.len;
  if (tl_buf_reserve(&p->in, want) != TL_OK) return NULL;
  *room = p->in.cap - p->in.len;
  return p->in.at + p->in.len;
}

static void on_data (void *ctx, size_t n) {
  tl_probe *p = ctx;
  size_t at = 0;
  p->in.len += n;
  while (at < p->in.len && !p->is_over) {
    long used =
        tl_session_input(p->session, p->in.at + at, p->in.len - at, tl_loop_now(p->dial->by.loop));
    if (used < 0) session_failed(p);
    if (used <= 0) break;
    at += (size_t)used;
  }
  tl_buf_drop(&p->in, at);
  if (p->is_over) return;
  tl_session_release(p->session); /* a probe keeps no values, so acknowledgements need not wait */
  flush(p);
}

static void on_drained (void *ctx) {
  tl_probe *p = ctx;
  if (!p->is_over) flush(p);
}

static void on_closed (void *ctx, int code, const char *text) {
  tl_probe *p = ctx;
  bool early = p->is_up && !p->is_accepted;
  p->last = strstr(text, "resolve '") ? "resolve" : stage_name(p);
  p->transport = NULL;
  if (!p->dial) {
    probe_free(p);
    return;
  }
  if (p->session) tl_session_closed(p->session);
  if (p->is_over) {
    next_address(p);
    return;
  }
  char said[TEXT];
  tl_dial_end_text(p->dial, p->host - 1, code, text, early, said, sizeof said);
  fail(p, "%s", said);
}

static const tl_transport_events transport_events = { on_up,      on_room,   on_data,
                                                      on_drained, on_closed, on_stage };

static void on_late (void *ctx) {
  tl_probe *p = ctx;
  char text[TEXT];
  if (p->is_over) return;
  const char *stage = p->transport ? tl_transport_stage(p->transport) : NULL;
  if (!stage) stage = p->is_accepted ? "SUBACK" : "CONNACK";
  tl_dial_late_text(p->dial, p->host - 1, stage, text, sizeof text);
  fail(p, "%s", text);
}

/* --- one address after the other --- */

/* The filter without "$share/GROUP/": in a shared subscription the probe would take messages
** away from the other members. */
static tl_slice own_filter (tl_slice filter) {
  static const char share[] = "$share/";
  if (filter.len < sizeof share || memcmp(filter.at, share, sizeof share - 1) != 0) return filter;
  const uint8_t *at = filter.at + sizeof share - 1;
  const uint8_t *slash = memchr(at, '/', filter.len - (sizeof share - 1));
  return slash ? tl_slice_of(slash + 1, filter.len - (size_t)(slash + 1 - filter.at)) : filter;
}

static int new_session (tl_probe *p) {
  const tl_line_params *params = p->dial->by.params;
  size_t n = params->topic_filter.n;
  char id[ID_ROOM];
  tl_subscription *filters = calloc(n + 1, sizeof *filters);
  if (!filters) return TL_ENOMEM;
  for (size_t i = 0; i < n; i++) filters[i].filter = own_filter(params->topic_filter.at[i]);
  snprintf(id, sizeof id, "tagline%s%08x", p->ears.message ? "discover" : "probe",
           (unsigned)(tl_clock_mono_ns() >> 8));
  tl_session_params s = { .client_id = tl_slice_str(id),
                          .clean_session = true,
                          .has_user = params->user_name.at,
                          .has_password = params->password.at,
                          .user = params->user_name,
                          .password = params->password,
                          .keep_alive = 60,
                          .ping_interval_ms = p->ears.message ? 30000 : 0,
                          .reply_timeout_ms = p->ears.message ? 20000 : 0,
                          .filters = filters,
                          .filter_count = n,
                          .max_packet_size = (size_t)params->max_packet_size,
                          .max_inflight = 1,
                          .max_queued = 1 };
  if (p->session) tl_session_free(p->session);
  p->session = NULL;
  int rc = tl_session_new(&p->session, &s, &session_events, p);
  free(filters);
  return rc;
}

static void finish (tl_probe *p) {
  tl_dial *d = p->dial;
  for (tl_probe **at = &d->probes; *at; at = &(*at)->next) {
    if (*at != p) continue;
    *at = p->next;
    break;
  }
  p->dial = NULL;
  p->done(p->ctx, !p->failed, p->why);
  probe_free(p);
}

static void next_address (tl_probe *p) {
  tl_dial *d = p->dial;
  tl_err err = { .text = "" };
  char url[340];
  if (p->host == d->by.params->host.n) {
    finish(p);
    return;
  }
  size_t host = p->host++;
  p->is_up = p->is_accepted = p->is_over = p->is_listening = false;
  p->last = NULL;
  tl_buf_clear(&p->in);
  tl_dial_url(d, host, url, sizeof url);
  if (!tell(p, url)) return;
  p->since = tl_clock_mono_ns();
  int rc = new_session(p);
  if (rc == TL_OK) rc = tl_dial_beside(d, host, &p->transport, &transport_events, p, &err);
  int64_t limit =
      d->by.params->connect_timeout > 0 ? d->by.params->connect_timeout : TL_PROBE_TIMEOUT_S * 1000;
  tl_timer_at(p->timer, tl_loop_now(d->by.loop) + limit);
  if (rc < 0) fail(p, "%s", err.text[0] ? err.text : "no memory");
}

static void begin (void *ctx) {
  tl_probe *p = ctx;
  if (p->host == 0)
    next_address(p);
  else if (p->is_listening && !p->is_over)
    tend(p);
  else
    on_late(p);
}

int tl_probe_start (tl_probe **out, tl_dial *d, void (*report)(void *ctx, const char *text),
                    void (*done)(void *ctx, bool well, const char *why), void *ctx) {
  static const tl_probe_ears deaf = { NULL, NULL };
  return tl_probe_listen(out, d, &deaf, report, done, ctx);
}

void tl_probe_end (tl_probe *p) {
  if (!p->dial || p->is_over) return;
  if (p->is_listening)
    goodbye(p);
  else
    address_over(p);
}

int tl_probe_listen (tl_probe **out, tl_dial *d, const tl_probe_ears *ears,
                     void (*report)(void *ctx, const char *text),
                     void (*done)(void *ctx, bool well, const char *why), void *ctx) {
  tl_probe *p = calloc(1, sizeof *p);
  if (!p) return TL_ENOMEM;
  tl_buf_init(&p->in);
  p->dial = d;
  p->ears = *ears;
  p->report = report;
  p->done = done;
  p->ctx = ctx;
  int rc = tl_timer_new(&p->timer, d->by.loop, begin, p);
  if (rc < 0) {
    probe_free(p);
    return rc;
  }
  p->next = d->probes;
  d->probes = p;
  tl_timer_at(p->timer, tl_loop_now(d->by.loop));
  *out = p;
  return TL_OK;
}

void tl_probe_stop (tl_probe *p) {
  tl_dial *d = p->dial;
  if (!d) return;
  for (tl_probe **at = &d->probes; *at; at = &(*at)->next) {
    if (*at != p) continue;
    *at = p->next;
    break;
  }
  p->dial = NULL;
  p->is_over = true; /* it may be inside one of its own calls */
  tl_timer_stop(p->timer);
  if (p->transport)
    tl_transport_close(p->transport, 0);
  else if (!p->is_telling)
    probe_free(p);
}

void tl_dial_end_probes (tl_dial *d) {
  while (d->probes) {
    tl_probe *p = d->probes;
    void (*done)(void *ctx, bool well, const char *why) = p->done;
    void *ctx = p->ctx;
    tl_probe_stop(p);
    done(ctx, false, "the line was changed or removed meanwhile");
  }
}
