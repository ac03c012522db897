/* core/dial/dial.h — the way to a line's broker: its addresses, connections to them as the
** line's parameters say, and the words for what goes wrong. Knows no stations, and not who
** uses the connection. */
#ifndef TL_DIAL_DIAL_H
#define TL_DIAL_DIAL_H

#include "base/log.h"
#include "dial/params.h"
#include "mqtt/session.h"
#include "net/loop.h"
#include "transport/transport.h"

enum { TL_PROBE_TIMEOUT_S = 20 }; /* seconds for each address, when connect_timeout is 0 */

/* repeats.c: a failure that was logged. */
typedef struct {
  uint32_t hash;             /* of its text */
  uint32_t logged, left_out; /* times it was logged; times it was not, since then */
  int64_t logged_at;         /* tl_loop_now */
} tl_repeat;

enum { TL_REPEATS = 4 }; /* most lines have fewer addresses than this */

/* What the owner gives, once: borrowed for as long as the tl_dial is used. */
typedef struct {
  const char *scope; /* the line's name, for the log */
  const tl_line_params *params;
  tl_loop *loop;
  tl_transports *transports;
  /* The headers of ws_headers, when a function makes them: "Name: value", each followed by a
  ** NUL. False: it failed, which was logged. NULL: there is no such function. */
  bool (*headers)(void *ctx, tl_buf *out);
  void *ctx;
} tl_dial_by;

/* All zero but for `by`: nothing was tried yet. The owner reads the texts and writes nothing. */
typedef struct {
  tl_dial_by by;
  char address[300]; /* in use or to try next, with its port: "broker:8883" */
  char made_of[300]; /* "TLS 1.3, …, WebSocket /mqtt"; "": TCP alone */
  /* for status(): that a certificate ends soon, or something less urgent; "": nothing */
  char warning[300];
  int64_t check_at;  /* when to look at the certificates' dates again, while connected */
  int64_t warned_at; /* when a certificate that ends soon was last logged; 0: never */
  /* target.c: one for each address, for TLS sessions to resume; NULL: none yet */
  tl_transport_memory *memory;
  size_t memories;
  bool stale; /* the parameters have changed: TLS sessions from before are not resumed */
  tl_repeat repeats[TL_REPEATS];
  struct tl_probe *probes; /* probe.c: under way */
} tl_dial;

/* --- addresses and connections (target.c) --- */

/* Address number `host` in words, cut to `room` bytes: "broker:8883", "[::1]:1883". */
void tl_dial_address (const tl_dial *d, size_t host, char *out, size_t room);
/* "mqtts://broker:8883" */
void tl_dial_url (const tl_dial *d, size_t host, char *out, size_t room);
/* Connect to the address number `host`: sets d->address. A negative code and err. */
int tl_dial_begin (tl_dial *d, size_t host, tl_transport **out, const tl_transport_events *events,
                   void *ctx, tl_err *err);
/* The same beside the line's own connection: no TLS session is resumed, and nothing noted. */
int tl_dial_beside (tl_dial *d, size_t host, tl_transport **out, const tl_transport_events *events,
                    void *ctx, tl_err *err);
/* End the probes that are under way: what they would find is no longer true of the line. */
void tl_dial_end_probes (tl_dial *d);
/* The parameters were changed: probes end, and the next connection resumes no TLS session from
** before. */
void tl_dial_changed (tl_dial *d);
/* Frees what it owns, and ends its probes. Its connections must be closed. */
void tl_dial_fini (tl_dial *d);

/* --- the connection that is up (secured.c); `now` as tl_loop_now() --- */

/* Note and log what it is made of. */
void tl_dial_up (tl_dial *d, tl_transport *transport, int64_t now);
/* d->check_at has come: look at the certificates' dates. */
void tl_dial_check (tl_dial *d, tl_transport *transport, int64_t now);

/* --- failures in words (failure.c) --- */

/* "broker:1883: connection refused, code 5: …: set user_name and password" */
void tl_dial_refused_text (const tl_dial *d, const tl_session *s, const char *address, char *out,
                           size_t room);
/* Why the transport to the address `host` ended. `early`: it ended before CONNACK. */
void tl_dial_end_text (const tl_dial *d, size_t host, int code, const char *text, bool early,
                       char *out, size_t room);
/* connect_timeout is over: at which stage of the transport, or that CONNACK or SUBACK is
** missing. */
void tl_dial_late_text (const tl_dial *d, size_t host, const char *stage, char *out, size_t room);

/* repeats.c: log this text, unless it was logged a short time ago */
void tl_dial_log_failure (tl_dial *d, tl_log_level level, const char *text, int64_t now);
/* the connection works again, or the parameters have changed */
void tl_dial_forget_failures (tl_dial *d);

#endif
