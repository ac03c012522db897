/* core/base/address.h — where a broker is: "mqtts://broker:8884", "wss://broker/mqtt", "10.0.0.1".
** Knows nothing else. */
#ifndef TL_BASE_ADDRESS_H
#define TL_BASE_ADDRESS_H

#include "base/slice.h"

typedef enum {
  TL_SCHEME_NONE, /* a plain name or address */
  TL_SCHEME_MQTT,
  TL_SCHEME_MQTTS,
  TL_SCHEME_WS,
  TL_SCHEME_WSS
} tl_scheme;

/* Slices are borrowed from the text. */
typedef struct {
  tl_scheme scheme;
  tl_slice host; /* without brackets */
  uint16_t port; /* 0: not given */
  tl_slice path; /* with its query; empty: not given */
} tl_address;

/* A plain one is a name or an address and nothing else. TL_ESYNTAX with what was expected; a user
** or a password in the text is refused and not repeated. */
int tl_broker_parse (tl_slice text, tl_address *out, tl_err *err);

/* "http://host:port" or "socks5://host:port", where everything is given. */
int tl_proxy_parse (tl_slice text, tl_address *out, bool *is_socks, tl_err *err);

static inline bool tl_scheme_is_tls (tl_scheme s) {
  return s == TL_SCHEME_MQTTS || s == TL_SCHEME_WSS;
}
static inline bool tl_scheme_is_ws (tl_scheme s) { return s == TL_SCHEME_WS || s == TL_SCHEME_WSS; }
uint16_t tl_scheme_port (tl_scheme s); /* 1883, 8883, 80, 443 */

#endif
