/* core/codec/l_uplink.c — the module tagline.uplink: reads a LoRaWAN network's message
** about an uplink in one strict pass over its text, into a table of what a station wants.
**
** A reader is made from a network's paths (tagline.codec.lorawan.picks). It reads what is
** usual. At the first unusual thing (a number as text, null, a wrong field) it returns
** nothing, and the Lua modules read the parsed table; both must give the same results. */
#include <string.h>

#include "base/number.h"
#include "codec/codec_impl.h"
#include "sandbox/picker.h"

#define AT_READER lua_upvalueindex(1) /* of each function of a reader */

typedef enum {
  PAYLOAD,
  PORT,
  COUNTER,
  CONFIRMED,
  EUI,
  DEVICE,
  APPLICATION,
  TIME,
  RSSI,
  SNR,
  BEST_GATEWAY,
  GATEWAY_COUNT,
  FREQUENCY,
  BANDWIDTH,
  SPREADING_FACTOR,
  DATA_RATE,
  CODING_RATE,
  ENCRYPTED,
  ENCRYPTED_FLAG,
  REPEATED,
  FIELDS
} field;

/* What each is called in a definition, and in the result; NULL: it is none of the table's. */
static const struct {
  const char *name, *result;
} names[FIELDS] = {
  [PAYLOAD] = { "payload", NULL },
  [PORT] = { "port", "port" },
  [COUNTER] = { "counter", "counter" },
  [CONFIRMED] = { "confirmed", "confirmed" },
  [EUI] = { "eui", "dev_eui" },
  [DEVICE] = { "device", "device_id" },
  [APPLICATION] = { "application", "application_id" },
  [TIME] = { "time", NULL },
  [RSSI] = { "rssi", "rssi" },
  [SNR] = { "snr", "snr" },
  [BEST_GATEWAY] = { "best_gateway", "gateway" },
  [GATEWAY_COUNT] = { "gateway_count", "gateways" },
  [FREQUENCY] = { "frequency", "frequency" },
  [BANDWIDTH] = { "bandwidth", "bandwidth" },
  [SPREADING_FACTOR] = { "spreading_factor", "spreading_factor" },
  [DATA_RATE] = { "data_rate", "data_rate" },
  [CODING_RATE] = { "coding_rate", "coding_rate" },
  [ENCRYPTED] = { "encrypted", NULL },
  [ENCRYPTED_FLAG] = { "encrypted_flag", NULL },
  [REPEATED] = { "repeated", NULL },
};

enum { PATHS_MAX = 8, GATEWAYS_MAX = 8, PAYLOAD_MAX = 4 * 255, EUI_DIGITS = 16, ROOM_MAX = 24 };
enum { PICKER = 1, NAMES, DOCUMENT, WANTED }; /* user values of a reader */

#define LATEST_S 253402300800 /* the year 10000, as in uplink.lua */

/* How the payload's text becomes bytes. OTHER: a function in Lua gets the text. */
typedef enum { OTHER, BASE64, HEX, BYTES } encoding;

/* Places of one field among the picked values; the first that has a value counts. */
typedef struct {
  uint8_t n;
  uint8_t at[PATHS_MAX];
} places;

typedef struct {
  places there, rssi, snr, id;
} gateway;

typedef struct {
  const tl_picker *picker;
  tl_json_value *values;
  bool read; /* values belong to the text in the user value DOCUMENT */
  places fields[FIELDS];
  places list, too_long; /* of gateways */
  uint8_t gateways;
  gateway gateway[GATEWAYS_MAX];
  double time_unit; /* 0: times are ISO 8601 */
  bool zero_omitted, snr_omitted, partial;
  /* an uplink has at least one of these; if there are none, the caller in Lua decides */
  places any;
  encoding encoding; /* of the payload */
  /* what is wanted: the table (the user value WANTED; NULL: all), its fields as bits, its size */
  const void *wanted;
  uint32_t mask;
  int room;
} reader;

typedef const tl_json_value *value; /* NULL: none */

/* What a message says. */
typedef struct {
  value text[FIELDS]; /* texts and numbers that go as they are */
  int64_t number[FIELDS];
  bool has[FIELDS]; /* a number */
  value time;
  int confirmed; /* -1: not told */
  bool repeated;
} uplink;

/* --- values; each function returns false for what is unusual --- */

static value first_of (const reader *r, const places *p) {
  for (int i = 0; i < p->n; i++)
    if (r->values[p->at[i]].type != TL_JSON_NONE) return &r->values[p->at[i]];
  return NULL;
}

static bool is_there (const reader *r, const places *p) {
  value v = first_of(r, p);
  return v && v->type != TL_JSON_NULL;
}

static bool number_of (value v, double *d) {
  return v->type == TL_JSON_NUMBER && tl_number_parse(v->raw, d) == TL_OK;
}

static bool take_integer (const reader *r, field f, int64_t most, bool zero, uplink *up) {
  value v = first_of(r, &r->fields[f]);
  bool exact = false;
  up->has[f] = v || zero;
  up->number[f] = 0;
  if (!v) return true;
  return v->type == TL_JSON_NUMBER && v->integral && v->raw.at[0] != '-' &&
         tl_integer_parse(v->raw, &up->number[f], &exact) == TL_OK && exact &&
         up->number[f] <= most;
}

static bool is_text (value v) { return !v || v->type == TL_JSON_STRING; }

static bool take_text (const reader *r, field f, uplink *up) {
  up->text[f] = first_of(r, &r->fields[f]);
  return is_text(up->text[f]);
}

static bool is_decibels (value v) {
  double d;
  return !v || (number_of(v, &d) && d >= -1000 && d <= 1000);
}

static bool take_decibels (const reader *r, field f, uplink *up) {
  up->text[f] = first_of(r, &r->fields[f]);
  return is_decibels(up->text[f]);
}

/* Read a frequency in Hz. A number below `unit` is in MHz or kHz: it is multiplied by
** `factor`. A text of digits is allowed. */
static bool take_hertz (const reader *r, field f, double unit, double factor, uplink *up) {
  value v = first_of(r, &r->fields[f]);
  double d;
  up->has[f] = v;
  if (!v) return true;
  if (v->type == TL_JSON_STRING) {
    for (size_t i = 0; i < v->raw.len; i++)
      if (v->raw.at[i] < '0' || v->raw.at[i] > '9') return false;
    if (v->raw.len == 0 || v->raw.len > 15 || tl_number_parse(v->raw, &d) != TL_OK) return false;
  } else if (!number_of(v, &d)) {
    return false;
  }
  if (!(d >= 0 && d <= 1e10)) return false;
  up->number[f] = (int64_t)((d < unit ? d * factor : d) + 0.5);
  return true;
}

static bool take_confirmed (const reader *r, uplink *up) {
  value v = first_of(r, &r->fields[CONFIRMED]);
  up->confirmed = r->fields[CONFIRMED].n > 0 && r->zero_omitted ? 0 : -1;
  if (!v) return true;
  if (v->type != TL_JSON_TRUE && v->type != TL_JSON_FALSE) return false;
  up->confirmed = v->type == TL_JSON_TRUE;
  return true;
}

static bool take_time (const reader *r, uplink *up) {
  const places *p = &r->fields[TIME];
  double d;
  up->time = NULL;
  for (int i = 0; i < p->n && !up->time; i++) {
    value v = &r->values[p->at[i]];
    bool empty = v->type == TL_JSON_STRING && v->raw.len == 0;
    if (v->type != TL_JSON_NONE && !empty) up->time = v;
  }
  if (!up->time) return true;
  if (r->time_unit == 0) return up->time->type == TL_JSON_STRING && !up->time->escaped;
  return number_of(up->time, &d) && d >= 0 && d / r->time_unit < (double)LATEST_S;
}

/* --- the radio --- */

/* The gateway that heard best. */
static bool take_gateways (const reader *r, uplink *up) {
  const gateway *best = NULL;
  double most = 0;
  int count = 0;
  if (!is_there(r, &r->list)) return true;
  if (is_there(r, &r->too_long)) return false;
  for (; count < r->gateways && is_there(r, &r->gateway[count].there); count++) {
    const gateway *one = &r->gateway[count];
    value rssi = first_of(r, &one->rssi);
    double d = -2000; /* no RSSI: less than any real one */
    if (!is_decibels(rssi)) return false;
    if (rssi) (void)number_of(rssi, &d);
    if (best && !(d > most)) continue;
    best = one;
    most = d;
    up->text[RSSI] = rssi;
  }
  if (!best) return false;
  up->text[SNR] = first_of(r, &best->snr);
  up->text[BEST_GATEWAY] = first_of(r, &best->id);
  up->has[GATEWAY_COUNT] = true;
  up->number[GATEWAY_COUNT] = count;
  /* the network leaves out an SNR of 0 */
  up->has[SNR] = !up->text[SNR] && up->text[RSSI] && r->snr_omitted;
  return is_decibels(up->text[SNR]) && is_text(up->text[BEST_GATEWAY]);
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

static bool take_rate (uplink *up) {
  int64_t factor, width;
  value rate = up->text[DATA_RATE];
  if (!rate) return true;
  if (rate->escaped) return false;
  if (!split_rate(rate->raw, &factor, &width)) return true;
  if (!up->has[SPREADING_FACTOR]) up->number[SPREADING_FACTOR] = factor;
  if (!up->has[BANDWIDTH]) up->number[BANDWIDTH] = width * 1000;
  up->has[SPREADING_FACTOR] = up->has[BANDWIDTH] = true;
  return true;
}

/* --- a message --- */

static bool is_uplink (const reader *r) {
  for (int i = 0; i < r->any.n; i++) {
    tl_json_type type = r->values[r->any.at[i]].type;
    if (type != TL_JSON_NONE && type != TL_JSON_NULL) return true;
  }
  return r->any.n == 0;
}

static bool is_locked (const reader *r) {
  const places *encrypted = &r->fields[ENCRYPTED], *flag = &r->fields[ENCRYPTED_FLAG];
  bool none = !first_of(r, &r->fields[PAYLOAD]);
  if (none && (r->partial || first_of(r, encrypted))) return true;
  return flag->n > 0 && r->values[flag->at[0]].type == TL_JSON_TRUE;
}

static bool take_payload (const reader *r, uplink *up) {
  value v = up->text[PAYLOAD] = first_of(r, &r->fields[PAYLOAD]);
  return !v || (v->type == TL_JSON_STRING && v->raw.len <= PAYLOAD_MAX);
}

static bool take (const reader *r, uplink *up) {
  const places *repeated = &r->fields[REPEATED];
  up->repeated = repeated->n > 0 && r->values[repeated->at[0]].type == TL_JSON_TRUE;
  up->has[SNR] = false;
  return !is_locked(r) && take_payload(r, up) &&
         take_integer(r, PORT, UINT8_MAX, r->zero_omitted, up) &&
         take_integer(r, COUNTER, UINT32_MAX, r->zero_omitted, up) && take_confirmed(r, up) &&
         take_text(r, EUI, up) && take_text(r, DEVICE, up) && take_text(r, APPLICATION, up) &&
         take_time(r, up) && take_decibels(r, RSSI, up) && take_decibels(r, SNR, up) &&
         take_text(r, BEST_GATEWAY, up) && take_integer(r, GATEWAY_COUNT, 1000000, false, up) &&
         take_hertz(r, FREQUENCY, 100000, 1000000, up) &&
         take_hertz(r, BANDWIDTH, 5000, 1000, up) &&
         take_integer(r, SPREADING_FACTOR, 12, false, up) && take_text(r, DATA_RATE, up) &&
         take_text(r, CODING_RATE, up) && (r->gateways == 0 || take_gateways(r, up)) &&
         take_rate(up);
}

/* --- into Lua --- */

/* Push an EUI as 16 digits in upper case, without '-' and ':'; any other text unchanged. */
static void push_eui (lua_State *L, value v) {
  char eui[EUI_DIGITS];
  size_t n = 0;
  for (size_t i = 0; i < v->raw.len && !v->escaped; i++) {
    uint8_t c = v->raw.at[i], low = c | 0x20;
    if (c == '-' || c == ':') continue;
    bool digit = c >= '0' && c <= '9', letter = low >= 'a' && low <= 'f';
    if (n == EUI_DIGITS || !(digit || letter)) {
      n = 0;
      break;
    }
    eui[n++] = (char)(letter ? low - 32 : c);
  }
  if (n == EUI_DIGITS)
    lua_pushlstring(L, eui, n);
  else
    tl_push_json_value(L, v);
}

/* Push a field of the result; false: the message does not tell it. */
static bool push_field (lua_State *L, const uplink *up, field f) {
  value text = up->text[f];
  if (f == CONFIRMED && up->confirmed >= 0) {
    lua_pushboolean(L, up->confirmed);
  } else if (f == EUI && text) {
    push_eui(L, text);
  } else if (f == DATA_RATE && !text && up->has[SPREADING_FACTOR] && up->has[BANDWIDTH]) {
    lua_pushfstring(L, "SF%dBW%d", (int)up->number[SPREADING_FACTOR],
                    (int)(up->number[BANDWIDTH] / 1000));
  } else if (text) {
    tl_push_json_value(L, text);
  } else if (up->has[f]) {
    lua_pushinteger(L, (lua_Integer)up->number[f]);
  } else {
    return false;
  }
  return true;
}

/* Push a time. False: the value is not a time. */
static bool push_time (lua_State *L, const reader *r, value v) {
  double d;
  if (!v) {
    lua_pushnil(L);
  } else if (r->time_unit == 0) {
    return tl_push_iso8601(L, v->raw);
  } else {
    (void)number_of(v, &d);
    lua_pushnumber(L, d / r->time_unit);
  }
  return true;
}

static void push_integer (lua_State *L, const uplink *up, field f) {
  if (up->has[f])
    lua_pushinteger(L, (lua_Integer)up->number[f]);
  else
    lua_pushnil(L);
}

/* Which fields does the table at index 2 ask for (nil: all)? A station passes the same table
** with each message. It is kept, so that no other table can get its address. */
static void look_at_wanted (lua_State *L, reader *r) {
  const void *wanted = lua_istable(L, 2) ? lua_topointer(L, 2) : NULL;
  if (r->room > 0 && wanted == r->wanted) return;
  r->room = 0;
  r->mask = 0;
  lua_getiuservalue(L, AT_READER, NAMES);
  for (int f = 0; f < FIELDS; f++) {
    lua_rawgeti(L, -1, f + 1);
    bool yes = names[f].result && (!wanted || lua_rawget(L, 2) != LUA_TNIL);
    lua_pop(L, 1);
    if (yes) r->mask |= 1u << f;
  }
  lua_pop(L, 1);
  int n = wanted ? 1 : FIELDS;
  for (lua_pushnil(L); wanted && n <= ROOM_MAX && lua_next(L, 2); n++) lua_pop(L, 1);
  if (n > ROOM_MAX) lua_pop(L, 1);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, AT_READER, WANTED);
  r->wanted = wanted;
  r->room = n;
}

/* Push the result with the fields that are wanted, and with room for what the device's codec
** adds. */
static void push_fields (lua_State *L, const reader *r, const uplink *up) {
  lua_createtable(L, 0, r->room);
  lua_getiuservalue(L, AT_READER, NAMES);
  for (int f = 0; f < FIELDS; f++) {
    if (!(r->mask >> f & 1)) continue;
    lua_rawgeti(L, -1, f + 1);
    if (push_field(L, up, (field)f))
      lua_rawset(L, -4);
    else
      lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Push the payload as bytes; if its encoding is OTHER, as text. False: it is wrong. */
static bool push_payload (lua_State *L, const reader *r, value v) {
  if (!v || v->raw.len == 0) {
    lua_pushliteral(L, "");
    return true;
  }
  if (r->encoding == OTHER || r->encoding == BYTES) {
    tl_push_json_value(L, v);
    return true;
  }
  if (v->escaped) return false;
  return r->encoding == BASE64 ? tl_push_base64(L, v->raw) : tl_push_hex(L, v->raw);
}

/* uplink(wanted): returns, for the message that was picked: a table of its fields (only keys
** of `wanted`, if that is a table), its payload, port, time, and whether it is a repetition.
** Nothing: the message is unusual. */
static int uplink_read (lua_State *L) {
  reader *r = lua_touserdata(L, AT_READER);
  uplink up;
  memset(&up, 0, sizeof up);
  lua_settop(L, 1);
  lua_pushnil(L);
  lua_insert(L, 1); /* the time's place; `wanted` is at 2 */
  look_at_wanted(L, r);
  if (!r->read || !is_uplink(r) || !take(r, &up)) return 0;
  if (!push_time(L, r, up.time)) return 0;
  lua_replace(L, 1);
  push_fields(L, r, &up);
  if (!push_payload(L, r, up.text[PAYLOAD])) return 0;
  push_integer(L, &up, PORT);
  lua_pushvalue(L, 1);
  lua_pushboolean(L, up.repeated);
  return 5;
}

/* pick(text): read a message; raises if it is not JSON. */
static int uplink_pick (lua_State *L) {
  reader *r = lua_touserdata(L, AT_READER);
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_settop(L, 1);
  r->read = false;
  tl_picker_read(L, r->picker, 1, "the payload", r->values);
  lua_setiuservalue(L, AT_READER, DOCUMENT); /* what the values are parts of */
  r->read = true;
  return 0;
}

/* get(place): a picked value; nil if there is none, or null. */
static int uplink_get (lua_State *L) {
  const reader *r = lua_touserdata(L, AT_READER);
  lua_Integer place = luaL_checkinteger(L, 1);
  if (!r->read || place < 1 || (size_t)place > r->picker->n) luaL_argerror(L, 1, "no such place");
  const tl_json_value *v = &r->values[place - 1];
  if (v->type == TL_JSON_NULL)
    lua_pushnil(L);
  else
    tl_picker_push(L, r->picker, (size_t)place - 1, v);
  return 1;
}

/* --- compiling --- */

/* Places by a name in the table on top: a number, a list of them, or none. */
static places read_places (lua_State *L, const char *name, const tl_picker *picker) {
  places p = { 0 };
  int type = lua_getfield(L, -1, name);
  lua_Integer n = type == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, -1) : type == LUA_TNUMBER;
  if (n > PATHS_MAX) luaL_error(L, "tagline.uplink: too many paths of %s", name);
  for (lua_Integer i = 1; i <= n; i++) {
    if (type == LUA_TTABLE)
      lua_rawgeti(L, -1, i);
    else
      lua_pushvalue(L, -1);
    lua_Integer place = luaL_checkinteger(L, -1);
    if (place < 1 || (size_t)place > picker->n) luaL_argerror(L, 1, "no such place");
    p.at[p.n++] = (uint8_t)(place - 1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return p;
}

static bool flag (lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  bool yes = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return yes;
}

static void read_gateways (lua_State *L, reader *r) {
  lua_getfield(L, 1, "gateways");
  lua_Integer n = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
  for (lua_Integer i = 1; i <= n && i <= GATEWAYS_MAX; i++) {
    lua_rawgeti(L, -1, i);
    luaL_checktype(L, -1, LUA_TTABLE);
    r->gateway[r->gateways++] = (gateway){
      .there = read_places(L, "there", r->picker),
      .rssi = read_places(L, "gateway_rssi", r->picker),
      .snr = read_places(L, "gateway_snr", r->picker),
      .id = read_places(L, "gateway", r->picker),
    };
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static encoding read_encoding (const char *name) {
  static const char *const encodings[] = { "", "base64", "hex", "bytes" };
  for (int i = BASE64; i <= BYTES; i++)
    if (strcmp(name, encodings[i]) == 0) return (encoding)i;
  return OTHER;
}

static void push_names (lua_State *L) {
  lua_createtable(L, FIELDS, 0);
  for (int f = 0; f < FIELDS; f++) {
    if (names[f].result)
      lua_pushstring(L, names[f].result);
    else
      lua_pushboolean(L, 0);
    lua_rawseti(L, -2, f + 1);
  }
}

/* reader{ addresses = , PLACES…, gateways =, list =, long =, any =, encoding =, time_unit =,
** zero_omitted =, snr_omitted =, partial = }: the functions pick, get and uplink. The places are
** those of addresses, as picks.lua makes them. */
static int uplink_reader (lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_getfield(L, 1, "addresses");
  const tl_picker *picker = tl_picker_new(L, 2);
  size_t room = tl_picker_room(picker) * sizeof(tl_json_value);
  reader *r = lua_newuserdatauv(L, sizeof *r + room, WANTED);
  *r = (reader){ .picker = picker, .values = (tl_json_value *)(void *)(r + 1) };
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, PICKER);
  push_names(L);
  lua_setiuservalue(L, -2, NAMES);
  lua_pushvalue(L, 1);
  for (int f = 0; f < FIELDS; f++) r->fields[f] = read_places(L, names[f].name, picker);
  r->list = read_places(L, "list", picker);
  r->too_long = read_places(L, "long", picker);
  r->any = read_places(L, "any", picker);
  lua_getfield(L, 1, "time_unit");
  r->time_unit = luaL_optnumber(L, -1, 0);
  read_gateways(L, r);
  r->zero_omitted = flag(L, "zero_omitted"), r->snr_omitted = flag(L, "snr_omitted");
  r->partial = flag(L, "partial");
  lua_getfield(L, 1, "encoding");
  r->encoding = read_encoding(luaL_optstring(L, -1, ""));
  lua_pop(L, 1);
  lua_pop(L, 2);
  static const lua_CFunction functions[] = { uplink_pick, uplink_get, uplink_read };
  int at = lua_gettop(L);
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    lua_pushvalue(L, at);
    lua_pushcclosure(L, functions[i], 1);
  }
  return 3;
}

int tl_open_uplink (lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, uplink_reader);
  lua_setfield(L, -2, "reader");
  return 1;
}
