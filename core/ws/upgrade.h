/* core/ws/upgrade.h — the HTTP request that asks for a WebSocket (RFC 6455 section 4) and the
** check of its answer. Pure: the random bytes are given, nothing is sent. Never offers an
** extension. */
#ifndef TL_WS_UPGRADE_H
#define TL_WS_UPGRADE_H

#include "base/buf.h"
#include "http/answer.h"

enum { TL_WS_RANDOM = 16, TL_WS_KEY = 24 + 1 };

/* What is asked for. All borrowed; nothing in it has line breaks, which the config's check
** sees to (asserted). */
typedef struct {
  tl_slice
      /* Host: name or address (IPv6 in brackets), with the port unless it is the scheme's own */
      host;
  tl_slice path;           /* begins with '/', with its query */
  tl_slice subprotocol;    /* "mqtt"; empty: none is asked for */
  const tl_slice *headers; /* more of them: "Name: value" */
  size_t header_count;
} tl_ws_request;

/* The value of Sec-WebSocket-Key, NUL-terminated, of random bytes that nobody can guess. */
void tl_ws_key (char key[TL_WS_KEY], const uint8_t random[TL_WS_RANDOM]);
void tl_ws_request_write (tl_buf *out, const tl_ws_request *r, const char *key);
/* Is this the answer that makes a WebSocket? TL_OK, *without is then whether it names no
** subprotocol although one was asked for (old ones of aedes and ws do so). TL_EREFUSED:
** another status; TL_EMALFORMED: a wrong 101. `err` has cause and remedy; no header value of
** ours is in it, nor the query of the path. */
int tl_ws_answer_check (const tl_http_answer *a, const tl_ws_request *r, const char *key,
                        bool *without, tl_err *err);

#endif
