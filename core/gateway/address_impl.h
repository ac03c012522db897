/* core/gateway/address_impl.h — private to gateway/: connections to the addresses of a line, and
** the words for what goes wrong with them. */
#ifndef TL_GATEWAY_ADDRESS_IMPL_H
#define TL_GATEWAY_ADDRESS_IMPL_H

#include "gateway/link_impl.h"

/* repeats.c */
/* Log conn.error, unless the same text was logged a short time ago. */
void tl_link_log_failure (tl_link *l, tl_log_level level);
/* the connection works again, or the parameters have changed */
void tl_link_forget_failures (tl_link *l);

/* target.c */
/* Address number `host` in words, cut to `room` bytes: "broker:8883", "[::1]:1883". */
void tl_link_address (const tl_link *l, size_t host, char *out, size_t room);
void tl_link_url (const tl_link *l, size_t host, char *out,
                  size_t room); /* "mqtts://broker:8883" */
/* Begin a connection to that address, for any caller. Only the line's own connection (ctx is
** l) resumes TLS sessions. A negative code and err. */
int tl_link_connect_to (tl_link *l, size_t host, tl_transport **out,
                        const tl_transport_events *events, void *ctx, tl_err *err);
/* Did the peer end the connection without giving a reason, so that the text names no cause? */
bool tl_link_ended_plainly (int code, const char *text);
/* What may be wrong when this happens before CONNACK. The text begins with a blank. */
const char *tl_link_end_hint (const tl_link *l, size_t host);
/* Begin a connection to the address that is next: sets l->conn.transport. A negative code and
** err. */
int tl_link_begin (tl_link *l, tl_err *err);
/* TLS sessions: the parameters changed, or the line is removed */
void tl_link_forget_sessions (tl_link *l);

enum { TL_PROBE_TIMEOUT_S = 20 }; /* seconds for each address, when connect_timeout is 0 */

/* refused.c: "broker:1883: connection refused, code 5: …: set user_name and password" */
void tl_link_refused (const tl_link *l, const tl_session *s, const char *address, char *out,
                      size_t room);
void tl_link_session_failed (tl_link *l); /* tl_link_fail() with the text of tl_link_refused() */
/* Why the transport to the address `host` ended, in words. `early`: it ended before CONNACK. */
void tl_link_end_text (const tl_link *l, size_t host, int code, const char *text, bool early,
                       char *out, size_t room);
/* connect_timeout is over: in words, at which stage of the transport, or that CONNACK or
** SUBACK is missing. */
void tl_link_late_text (const tl_link *l, size_t host, const char *stage, char *out, size_t room);

/* secured.c */
void tl_link_up (tl_link *l); /* the transport is connected: note and log what it is made of */
/* When the dates of the connection's certificates must be looked at again, in ms as
** tl_loop_now(); and the function that looks when it is time. */
int64_t tl_link_secured_due (const tl_link *l);
void tl_link_secured_tick (tl_link *l);

/* probe.c: end the line's probes, because the line changes: what they would find is no longer
** true of it. */
void tl_link_end_probes (tl_link *l);

#endif
