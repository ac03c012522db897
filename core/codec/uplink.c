/* core/codec/uplink.c — a LoRaWAN network's message about an uplink: from the values that were
** picked out of its text to the fields of an uplink. Knows no Lua.
**
** It reads what is usual. At the first unusual thing (a number as text, null, a wrong field) the
** functions return false. */
#include "codec/uplink_impl.h"

#include <string.h>

#include "base/number.h"

enum { PAYLOAD_MAX = 4 * 255 };

#define LATEST_S 253402300800 /* the year 10000, as in uplink.lua */

/* --- values; each function returns false for what is unusual --- */

static tl_uplink_value first_of (const tl_uplink_source *r, const tl_uplink_places *p) {
  for (int i = 0; i < p->n; i++)
    if (r->values[p->at[i]].type != TL_JSON_NONE) return &r->values[p->at[i]];
  return NULL;
}

static bool is_there (const tl_uplink_source *r, const tl_uplink_places *p) {
  tl_uplink_value v = first_of(r, p);
  return v && v->type != TL_JSON_NULL;
}

bool tl_uplink_number (tl_uplink_value v, double *d) {
  return v->type == TL_JSON_NUMBER && tl_number_parse(v->raw, d) == TL_OK;
}

static bool take_integer (const tl_uplink_source *r, tl_uplink_field f, int64_t most, bool zero,
                          tl_uplink *up) {
  tl_uplink_value v = first_of(r, &r->fields[f]);
  bool exact = false;
  up->has[f] = v || zero;
  up->number[f] = 0;
  if (!v) return true;
  return v->type == TL_JSON_NUMBER && v->integral && v->raw.at[0] != '-' &&
         tl_integer_parse(v->raw, &up->number[f], &exact) == TL_OK && exact &&
         up->number[f] <= most;
}

static bool is_text (tl_uplink_value v) { return !v || v->type == TL_JSON_STRING; }

static bool take_text (const tl_uplink_source *r, tl_uplink_field f, tl_uplink *up) {
  up->text[f] = first_of(r, &r->fields[f]);
  return is_text(up->text[f]);
}

static bool is_decibels (tl_uplink_value v) {
  double d;
  return !v || (tl_uplink_number(v, &d) && d >= -1000 && d <= 1000);
}

static bool take_decibels (const tl_uplink_source *r, tl_uplink_field f, tl_uplink *up) {
  up->text[f] = first_of(r, &r->fields[f]);
  return is_decibels(up->text[f]);
}

/* Read a frequency in Hz. A number below `unit` is in MHz or kHz: it is multiplied by
** `factor`. A text of digits is allowed. */
static bool take_hertz (const tl_uplink_source *r, tl_uplink_field f, double unit, double factor,
                        tl_uplink *up) {
  tl_uplink_value v = first_of(r, &r->fields[f]);
  double d;
  up->has[f] = v;
  if (!v) return true;
  if (v->type == TL_JSON_STRING) {
    for (size_t i = 0; i < v->raw.len; i++)
      if (v->raw.at[i] < '0' || v->raw.at[i] > '9') return false;
    if (v->raw.len == 0 || v->raw.len > 15 || tl_number_parse(v->raw, &d) != TL_OK) return false;
  } else if (!tl_uplink_number(v, &d)) {
    return false;
  }
  if (!(d >= 0 && d <= 1e10)) return false;
  up->number[f] = (int64_t)((d < unit ? d * factor : d) + 0.5);
  return true;
}

static bool take_confirmed (const tl_uplink_source *r, tl_uplink *up) {
  tl_uplink_value v = first_of(r, &r->fields[TL_UP_CONFIRMED]);
  up->confirmed = r->fields[TL_UP_CONFIRMED].n > 0 && r->zero_omitted ? 0 : -1;
  if (!v) return true;
  if (v->type != TL_JSON_TRUE && v->type != TL_JSON_FALSE) return false;
  up->confirmed = v->type == TL_JSON_TRUE;
  return true;
}

static bool take_time (const tl_uplink_source *r, tl_uplink *up) {
  const tl_uplink_places *p = &r->fields[TL_UP_TIME];
  double d;
  up->time = NULL;
  for (int i = 0; i < p->n && !up->time; i++) {
    tl_uplink_value v = &r->values[p->at[i]];
    bool empty = v->type == TL_JSON_STRING && v->raw.len == 0;
    if (v->type != TL_JSON_NONE && !empty) up->time = v;
  }
  if (!up->time) return true;
  if (r->time_unit == 0) return up->time->type == TL_JSON_STRING && !up->time->escaped;
  return tl_uplink_number(up->time, &d) && d >= 0 && d / r->time_unit < (double)LATEST_S;
}

/* --- the radio --- */

/* The gateway that heard best. */
static bool take_gateways (const tl_uplink_source *r, tl_uplink *up) {
  const tl_uplink_gateway *best = NULL;
  double most = 0;
  int count = 0;
  if (!is_there(r, &r->list)) return true;
  if (is_there(r, &r->too_long)) return false;
  for (; count < r->gateways && is_there(r, &r->gateway[count].there); count++) {
    const tl_uplink_gateway *one = &r->gateway[count];
    tl_uplink_value rssi = first_of(r, &one->rssi);
    double d = -2000; /* no TL_UP_RSSI: less than any real one */
    if (!is_decibels(rssi)) return false;
    if (rssi) (void)tl_uplink_number(rssi, &d);
    if (best && !(d > most)) continue;
    best = one;
    most = d;
    up->text[TL_UP_RSSI] = rssi;
  }
  if (!best) return false;
  up->text[TL_UP_SNR] = first_of(r, &best->snr);
  up->text[TL_UP_BEST_GATEWAY] = first_of(r, &best->id);
  up->has[TL_UP_GATEWAY_COUNT] = true;
  up->number[TL_UP_GATEWAY_COUNT] = count;
  /* the network leaves out an TL_UP_SNR of 0 */
  up->has[TL_UP_SNR] = !up->text[TL_UP_SNR] && up->text[TL_UP_RSSI] && r->snr_omitted;
  return is_decibels(up->text[TL_UP_SNR]) && is_text(up->text[TL_UP_BEST_GATEWAY]);
}

static bool digits (const uint8_t *at, int n, int64_t *number) {
  *number = 0;
  for (int i = 0; i < n; i++) {
    if (at[i] < '0' || at[i] > '9') return false;
    *number = *number * 10 + (at[i] - '0');
  }
  return true;
}

/* "SF7BW125", "SF12 BW500…": spreading factor and bandwidth in kHz; a factor has as many digits as
** there are. */
static bool split_rate (tl_slice rate, int64_t *factor, int64_t *width) {
  const uint8_t *at = rate.at, *end = rate.at + rate.len;
  if (rate.len < 8 || memcmp(at, "SF", 2) != 0) return false;
  at += 2;
  int n = at[1] >= '0' && at[1] <= '9' ? 2 : 1;
  if (!digits(at, n, factor)) return false;
  at += n;
  if (at < end && *at == ' ') at++;
  return end - at >= 5 && memcmp(at, "BW", 2) == 0 && digits(at + 2, 3, width);
}

static bool take_rate (tl_uplink *up) {
  int64_t factor, width;
  tl_uplink_value rate = up->text[TL_UP_DATA_RATE];
  if (!rate) return true;
  if (rate->escaped) return false;
  if (!split_rate(rate->raw, &factor, &width)) return true;
  if (!up->has[TL_UP_SPREADING_FACTOR]) up->number[TL_UP_SPREADING_FACTOR] = factor;
  if (!up->has[TL_UP_BANDWIDTH]) up->number[TL_UP_BANDWIDTH] = width * 1000;
  up->has[TL_UP_SPREADING_FACTOR] = up->has[TL_UP_BANDWIDTH] = true;
  return true;
}

/* --- a message --- */

static bool is_uplink (const tl_uplink_source *r) {
  for (int i = 0; i < r->any.n; i++) {
    tl_json_type type = r->values[r->any.at[i]].type;
    if (type != TL_JSON_NONE && type != TL_JSON_NULL) return true;
  }
  return r->any.n == 0;
}

static bool is_locked (const tl_uplink_source *r) {
  const tl_uplink_places *encrypted = &r->fields[TL_UP_ENCRYPTED],
                         *flag = &r->fields[TL_UP_ENCRYPTED_FLAG];
  bool none = !first_of(r, &r->fields[TL_UP_PAYLOAD]);
  if (none && (r->partial || first_of(r, encrypted))) return true;
  return flag->n > 0 && r->values[flag->at[0]].type == TL_JSON_TRUE;
}

static bool take_payload (const tl_uplink_source *r, tl_uplink *up) {
  tl_uplink_value v = up->text[TL_UP_PAYLOAD] = first_of(r, &r->fields[TL_UP_PAYLOAD]);
  return !v || (v->type == TL_JSON_STRING && v->raw.len <= PAYLOAD_MAX);
}

/* All fields, by the paths that picks.lua gave, or false at the first one that is not usual: then
** uplink.lua reads the message, and says what is wrong. */
bool tl_uplink_take (const tl_uplink_source *r, tl_uplink *up) {
  const tl_uplink_places *repeated = &r->fields[TL_UP_REPEATED];
  up->repeated = repeated->n > 0 && r->values[repeated->at[0]].type == TL_JSON_TRUE;
  up->has[TL_UP_SNR] = false;
  return is_uplink(r) && !is_locked(r) && take_payload(r, up) &&
         take_integer(r, TL_UP_PORT, UINT8_MAX, r->zero_omitted, up) &&
         take_integer(r, TL_UP_COUNTER, UINT32_MAX, r->zero_omitted, up) && take_confirmed(r, up) &&
         take_text(r, TL_UP_EUI, up) && take_text(r, TL_UP_DEVICE, up) &&
         take_text(r, TL_UP_APPLICATION, up) && take_time(r, up) &&
         take_decibels(r, TL_UP_RSSI, up) && take_decibels(r, TL_UP_SNR, up) &&
         take_text(r, TL_UP_BEST_GATEWAY, up) &&
         take_integer(r, TL_UP_GATEWAY_COUNT, 1000000, false, up) &&
         take_hertz(r, TL_UP_FREQUENCY, 100000, 1000000, up) &&
         take_hertz(r, TL_UP_BANDWIDTH, 5000, 1000, up) &&
         take_integer(r, TL_UP_SPREADING_FACTOR, 12, false, up) &&
         take_text(r, TL_UP_DATA_RATE, up) && take_text(r, TL_UP_CODING_RATE, up) &&
         (r->gateways == 0 || take_gateways(r, up)) && take_rate(up);
}
