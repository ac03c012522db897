/* core/codec/l_uplink.c — the module tagline.uplink: reads a LoRaWAN network's message about an
** uplink in one strict pass over its text, into a table of what a station wants.
**
** A reader is made from a network's paths (tagline.codec.lorawan.picks). Where the message has
** something unusual (uplink.c) it returns nothing, and the Lua modules read the parsed table;
** both must give the same results. */
#include <string.h>

#include "codec/codec_impl.h"
#include "codec/uplink_impl.h"
#include "sandbox/picker.h"

#define AT_READER lua_upvalueindex(1) /* of each function of a reader */

/* What each is called in a definition, and in the result; NULL: it is none of the table's. */
static const struct {
  const char *name, *result;
} names[TL_UP_FIELDS] = {
  [TL_UP_PAYLOAD] = { "payload", NULL },
  [TL_UP_PORT] = { "port", "port" },
  [TL_UP_COUNTER] = { "counter", "counter" },
  [TL_UP_CONFIRMED] = { "confirmed", "confirmed" },
  [TL_UP_EUI] = { "eui", "dev_eui" },
  [TL_UP_DEVICE] = { "device", "device_id" },
  [TL_UP_APPLICATION] = { "application", "application_id" },
  [TL_UP_TIME] = { "time", NULL },
  [TL_UP_RSSI] = { "rssi", "rssi" },
  [TL_UP_SNR] = { "snr", "snr" },
  [TL_UP_BEST_GATEWAY] = { "best_gateway", "gateway" },
  [TL_UP_GATEWAY_COUNT] = { "gateway_count", "gateways" },
  [TL_UP_FREQUENCY] = { "frequency", "frequency" },
  [TL_UP_BANDWIDTH] = { "bandwidth", "bandwidth" },
  [TL_UP_SPREADING_FACTOR] = { "spreading_factor", "spreading_factor" },
  [TL_UP_DATA_RATE] = { "data_rate", "data_rate" },
  [TL_UP_CODING_RATE] = { "coding_rate", "coding_rate" },
  [TL_UP_ENCRYPTED] = { "encrypted", NULL },
  [TL_UP_ENCRYPTED_FLAG] = { "encrypted_flag", NULL },
  [TL_UP_REPEATED] = { "repeated", NULL },
};

enum { EUI_DIGITS = 16, ROOM_MAX = 24 };
enum { PICKER = 1, NAMES, DOCUMENT, WANTED }; /* user values of a reader */

/* How the payload's text becomes bytes. OTHER: a function in Lua gets the text. */
typedef enum { OTHER, BASE64, HEX, BYTES } encoding;

typedef struct {
  const tl_picker *picker;
  bool read; /* source.values belong to the text in the user value DOCUMENT */
  tl_uplink_source source;
  encoding encoding; /* of the payload */
  /* what is wanted: the table (the user value WANTED; NULL: all), its fields as bits, its size */
  const void *wanted;
  uint32_t mask;
  int room;
} reader;

/* --- into Lua --- */

/* Push an TL_UP_EUI as 16 digits in upper case, without '-' and ':'; any other text unchanged. */
static void push_eui (lua_State *L, tl_uplink_value v) {
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
static bool push_field (lua_State *L, const tl_uplink *up, tl_uplink_field f) {
  tl_uplink_value text = up->text[f];
  if (f == TL_UP_CONFIRMED && up->confirmed >= 0) {
    lua_pushboolean(L, up->confirmed);
  } else if (f == TL_UP_EUI && text) {
    push_eui(L, text);
  } else if (f == TL_UP_DATA_RATE && !text && up->has[TL_UP_SPREADING_FACTOR] &&
             up->has[TL_UP_BANDWIDTH]) {
    lua_pushfstring(L, "SF%dBW%d", (int)up->number[TL_UP_SPREADING_FACTOR],
                    (int)(up->number[TL_UP_BANDWIDTH] / 1000));
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
static bool push_time (lua_State *L, const reader *r, tl_uplink_value v) {
  double d;
  if (!v) {
    lua_pushnil(L);
  } else if (r->source.time_unit == 0) {
    return tl_push_iso8601(L, v->raw);
  } else {
    (void)tl_uplink_number(v, &d);
    lua_pushnumber(L, d / r->source.time_unit);
  }
  return true;
}

static void push_integer (lua_State *L, const tl_uplink *up, tl_uplink_field f) {
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
  for (int f = 0; f < TL_UP_FIELDS; f++) {
    lua_rawgeti(L, -1, f + 1);
    bool yes = names[f].result && (!wanted || lua_rawget(L, 2) != LUA_TNIL);
    lua_pop(L, 1);
    if (yes) r->mask |= 1u << f;
  }
  lua_pop(L, 1);
  int n = wanted ? 1 : TL_UP_FIELDS;
  for (lua_pushnil(L); wanted && n <= ROOM_MAX && lua_next(L, 2); n++) lua_pop(L, 1);
  if (n > ROOM_MAX) lua_pop(L, 1);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, AT_READER, WANTED);
  r->wanted = wanted;
  r->room = n;
}

/* Push the result with the fields that are wanted, and with room for what the device's codec
** adds. */
static void push_fields (lua_State *L, const reader *r, const tl_uplink *up) {
  lua_createtable(L, 0, r->room);
  lua_getiuservalue(L, AT_READER, NAMES);
  for (int f = 0; f < TL_UP_FIELDS; f++) {
    if (!(r->mask >> f & 1)) continue;
    lua_rawgeti(L, -1, f + 1);
    if (push_field(L, up, (tl_uplink_field)f))
      lua_rawset(L, -4);
    else
      lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Push the payload as bytes; if its encoding is OTHER, as text. False: it is wrong. */
static bool push_payload (lua_State *L, const reader *r, tl_uplink_value v) {
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
  tl_uplink up;
  memset(&up, 0, sizeof up);
  lua_settop(L, 1);
  lua_pushnil(L);
  lua_insert(L, 1); /* the time's place; `wanted` is at 2 */
  look_at_wanted(L, r);
  if (!r->read || !tl_uplink_take(&r->source, &up)) return 0;
  if (!push_time(L, r, up.time)) return 0;
  lua_replace(L, 1);
  push_fields(L, r, &up);
  if (!push_payload(L, r, up.text[TL_UP_PAYLOAD])) return 0;
  push_integer(L, &up, TL_UP_PORT);
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
  tl_picker_read(L, r->picker, 1, "the payload", r->source.values);
  lua_setiuservalue(L, AT_READER, DOCUMENT); /* what the values are parts of */
  r->read = true;
  return 0;
}

/* get(place): a picked value; nil if there is none, or null. */
static int uplink_get (lua_State *L) {
  const reader *r = lua_touserdata(L, AT_READER);
  lua_Integer place = luaL_checkinteger(L, 1);
  if (!r->read || place < 1 || (size_t)place > r->picker->n) luaL_argerror(L, 1, "no such place");
  const tl_json_value *v = &r->source.values[place - 1];
  if (v->type == TL_JSON_NULL)
    lua_pushnil(L);
  else
    tl_picker_push(L, r->picker, (size_t)place - 1, v);
  return 1;
}

/* --- compiling --- */

/* Places by a name in the table on top: a number, a list of them, or none. */
static tl_uplink_places read_places (lua_State *L, const char *name, const tl_picker *picker) {
  tl_uplink_places p = { 0 };
  int type = lua_getfield(L, -1, name);
  lua_Integer n = type == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, -1) : type == LUA_TNUMBER;
  if (n > TL_UP_PATHS) luaL_error(L, "tagline.uplink: too many paths of %s", name);
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
  for (lua_Integer i = 1; i <= n && i <= TL_UP_GATEWAYS; i++) {
    lua_rawgeti(L, -1, i);
    luaL_checktype(L, -1, LUA_TTABLE);
    r->source.gateway[r->source.gateways++] = (tl_uplink_gateway){
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
  lua_createtable(L, TL_UP_FIELDS, 0);
  for (int f = 0; f < TL_UP_FIELDS; f++) {
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
  *r = (reader){ .picker = picker, .source.values = (tl_json_value *)(void *)(r + 1) };
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, PICKER);
  push_names(L);
  lua_setiuservalue(L, -2, NAMES);
  lua_pushvalue(L, 1);
  for (int f = 0; f < TL_UP_FIELDS; f++)
    r->source.fields[f] = read_places(L, names[f].name, picker);
  r->source.list = read_places(L, "list", picker);
  r->source.too_long = read_places(L, "long", picker);
  r->source.any = read_places(L, "any", picker);
  lua_getfield(L, 1, "time_unit");
  r->source.time_unit = luaL_optnumber(L, -1, 0);
  read_gateways(L, r);
  r->source.zero_omitted = flag(L, "zero_omitted"), r->source.snr_omitted = flag(L, "snr_omitted");
  r->source.partial = flag(L, "partial");
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
