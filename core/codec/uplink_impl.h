/* core/codec/uplink_impl.h — private to codec/: a LoRaWAN network's message about an uplink, as
** uplink.c reads it and l_uplink.c gives it to Lua. */
#ifndef TL_CODEC_UPLINK_IMPL_H
#define TL_CODEC_UPLINK_IMPL_H

#include "payload/json.h"

typedef enum {
  TL_UP_PAYLOAD,
  TL_UP_PORT,
  TL_UP_COUNTER,
  TL_UP_CONFIRMED,
  TL_UP_EUI,
  TL_UP_DEVICE,
  TL_UP_APPLICATION,
  TL_UP_TIME,
  TL_UP_RSSI,
  TL_UP_SNR,
  TL_UP_BEST_GATEWAY,
  TL_UP_GATEWAY_COUNT,
  TL_UP_FREQUENCY,
  TL_UP_BANDWIDTH,
  TL_UP_SPREADING_FACTOR,
  TL_UP_DATA_RATE,
  TL_UP_CODING_RATE,
  TL_UP_ENCRYPTED,
  TL_UP_ENCRYPTED_FLAG,
  TL_UP_REPEATED,
  TL_UP_FIELDS
} tl_uplink_field;

enum { TL_UP_PATHS = 8, TL_UP_GATEWAYS = 8 };

/* Places of one field among the picked values; the first that has a value counts. */
typedef struct {
  uint8_t n;
  uint8_t at[TL_UP_PATHS];
} tl_uplink_places;

typedef struct {
  tl_uplink_places there, rssi, snr, id;
} tl_uplink_gateway;

/* Where a network's messages have each field, and what was picked of one of them. */
typedef struct {
  tl_json_value *values;
  tl_uplink_places fields[TL_UP_FIELDS];
  tl_uplink_places list, too_long; /* of gateways */
  uint8_t gateways;
  tl_uplink_gateway gateway[TL_UP_GATEWAYS];
  double time_unit; /* 0: times are ISO 8601 */
  bool zero_omitted, snr_omitted, partial;
  /* an uplink has at least one of these; if there are none, the caller in Lua decides */
  tl_uplink_places any;
} tl_uplink_source;

typedef const tl_json_value *tl_uplink_value; /* NULL: none */

/* What a message says. */
typedef struct {
  tl_uplink_value text[TL_UP_FIELDS]; /* texts and numbers that go as they are */
  int64_t number[TL_UP_FIELDS];
  bool has[TL_UP_FIELDS]; /* a number */
  tl_uplink_value time;
  int confirmed; /* -1: not told */
  bool repeated;
} tl_uplink;

/* Fills *up, which is all zero. False: the message is no uplink, or has something unusual. */
bool tl_uplink_take (const tl_uplink_source *r, tl_uplink *up);
bool tl_uplink_number (tl_uplink_value v, double *d); /* false: it is no number */

#endif
