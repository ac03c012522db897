/* core/codec/l_bytes.c — the module tagline.bytes: what codecs do with every message:
** base64, hexadecimal digits, times of ISO 8601.
** For a wrong text the functions return nil. The Lua module of the same name then reads the
** text byte by byte, and tells what is wrong. */
#include <string.h>

#include "base/base64.h"
#include "base/number.h"
#include "codec/codec_impl.h"

enum {
  NOTHING = 255,
  LONG = 4096,
  NS_A_BYTE = 2,
  FRAME_MAX = 765 /* bytes of a text of 4 * 255 letters, the longest that uplink.c takes */
};

static const char *check_text (lua_State *L, size_t *len) {
  const char *text = luaL_checklstring(L, 1, len);
  if (*len > LONG) tl_budget_spend(L, (uint64_t)*len * NS_A_BYTE);
  return text;
}

/* --- base64 --- */

bool tl_push_base64 (lua_State *L, tl_slice text) {
  uint8_t bytes[FRAME_MAX];
  ptrdiff_t n = text.len <= FRAME_MAX / 3 * 4 ? tl_base64_read(text, bytes) : -1;
  if (n >= 0) lua_pushlstring(L, (const char *)bytes, (size_t)n);
  return n >= 0;
}

/* base64_decode(text): bytes, or nil. */
static int base64_decode (lua_State *L) {
  size_t len;
  const char *text = check_text(L, &len);
  luaL_Buffer b;
  uint8_t *out = (uint8_t *)luaL_buffinitsize(L, &b, len / 4 * 3 + 1);
  ptrdiff_t n = tl_base64_read(tl_slice_of(text, len), out);
  if (n < 0) return 0;
  luaL_pushresultsize(&b, (size_t)n);
  return 1;
}

static int base64_encode (lua_State *L) {
  size_t len;
  const uint8_t *bytes = (const uint8_t *)check_text(L, &len);
  luaL_Buffer b;
  uint8_t *out = (uint8_t *)luaL_buffinitsize(L, &b, (len + 2) / 3 * 4 + 1);
  luaL_pushresultsize(&b, tl_base64_write(tl_slice_of(bytes, len), out));
  return 1;
}

/* --- hexadecimal digits --- */

static uint8_t digit_of (uint8_t c) {
  if (c >= '0' && c <= '9') return (uint8_t)(c - '0');
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? (uint8_t)(c - 'a' + 10) : NOTHING;
}

/* Read an even number of hexadecimal digits into half as many bytes. False: the text is wrong. */
static bool read_hex (tl_slice text, uint8_t *out) {
  if (text.len % 2) return false;
  for (size_t i = 0; i < text.len; i += 2) {
    uint8_t high = digit_of(text.at[i]), low = digit_of(text.at[i + 1]);
    if (high == NOTHING || low == NOTHING) return false;
    out[i / 2] = (uint8_t)(high << 4 | low);
  }
  return true;
}

bool tl_push_hex (lua_State *L, tl_slice text) {
  uint8_t bytes[FRAME_MAX];
  if (text.len > 2 * FRAME_MAX || !read_hex(text, bytes)) return false;
  lua_pushlstring(L, (const char *)bytes, text.len / 2);
  return true;
}

/* hex_decode(text): bytes, or nil. */
static int hex_decode (lua_State *L) {
  size_t len;
  const char *text = check_text(L, &len);
  luaL_Buffer b;
  uint8_t *out = (uint8_t *)luaL_buffinitsize(L, &b, len / 2 + 1);
  if (!read_hex(tl_slice_of(text, len), out)) return 0;
  luaL_pushresultsize(&b, len / 2);
  return 1;
}

static int hex_encode (lua_State *L) {
  static const char digits[] = "0123456789abcdef";
  size_t len;
  const uint8_t *bytes = (const uint8_t *)check_text(L, &len);
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, len * 2 + 1);
  for (size_t i = 0; i < len; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  luaL_pushresultsize(&b, len * 2);
  return 1;
}

/* --- times --- */

/* Read `n` digits as a number. -1: there is another character. */
static int digits_at (const char *at, int n) {
  int value = 0;
  for (int i = 0; i < n; i++) {
    if (at[i] < '0' || at[i] > '9') return -1;
    value = value * 10 + (at[i] - '0');
  }
  return value;
}

static bool is_leap (int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static int days_in (int year, int month) {
  static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int64_t days_since_1970 (int year, int month, int day) {
  static const int16_t before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
  int64_t y = (int64_t)year - 1;
  /* the 400 keeps the divisions positive, so that they round down for the year 0, too */
  int64_t leaps = (y + 400) / 4 - (y + 400) / 100 + (y + 400) / 400 - 97;
  int64_t days = y * 365 + leaps - 719162 + before[month - 1] + day - 1;
  return month > 2 && is_leap(year) ? days + 1 : days;
}

/* Read an offset from UTC, in seconds (positive: east): "", "Z", "+hh", "+hhmm", "+hh:mm".
** False: it is none of these. */
static bool read_offset (const char *at, size_t len, int *seconds) {
  *seconds = 0;
  if (len == 0 || (len == 1 && (*at == 'Z' || *at == 'z'))) return true;
  if (*at != '+' && *at != '-') return false;
  int hours = -1, minutes = 0;
  if (len == 3 || len == 5 || (len == 6 && at[3] == ':')) hours = digits_at(at + 1, 2);
  if (len > 3) minutes = digits_at(at + len - 2, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
  *seconds = (hours * 60 + minutes) * (*at == '-' ? -60 : 60);
  return true;
}

enum { CLOCK = 19, FRACTION_MAX = 40 };

bool tl_push_iso8601 (lua_State *L, tl_slice text) {
  size_t len = text.len;
  const char *t = (const char *)text.at;
  if (len < CLOCK || t[4] != '-' || t[7] != '-' || (t[10] != 'T' && t[10] != 't' && t[10] != ' ') ||
      t[13] != ':' || t[16] != ':')
    return false;
  int year = digits_at(t, 4), month = digits_at(t + 5, 2), day = digits_at(t + 8, 2);
  int hour = digits_at(t + 11, 2), minute = digits_at(t + 14, 2), second = digits_at(t + 17, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return false;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;
  char fraction[FRACTION_MAX + 3] = "0.";
  size_t at = CLOCK, digits = 0;
  if (at < len && (t[at] == '.' || t[at] == ',')) {
    at++;
    while (at + digits < len && digits < FRACTION_MAX && digits_at(t + at + digits, 1) >= 0)
      digits++;
    if (digits == 0 || digits == FRACTION_MAX) return false;
    memcpy(fraction + 2, t + at, digits);
    at += digits;
  }
  int offset;
  if (!read_offset(t + at, len - at, &offset)) return false;
  int64_t seconds =
      days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
  double part;
  if (digits == 0) {
    lua_pushinteger(L, (lua_Integer)seconds);
  } else {
    if (tl_number_parse(tl_slice_of(fraction, digits + 2), &part) != TL_OK) return false;
    lua_pushnumber(L, (lua_Number)seconds + part);
  }
  return true;
}

/* iso8601(text): seconds since 1970, an integer when the text has no fraction; or nil. */
static int iso8601 (lua_State *L) {
  size_t len;
  const char *text = check_text(L, &len);
  return tl_push_iso8601(L, tl_slice_of(text, len)) ? 1 : 0;
}

int tl_open_bytes (lua_State *L) {
  static const luaL_Reg functions[] = { { "base64_decode", base64_decode },
                                        { "base64_encode", base64_encode },
                                        { "hex_decode", hex_decode },
                                        { "hex_encode", hex_encode },
                                        { "iso8601", iso8601 },
                                        { NULL, NULL } };
  luaL_newlib(L, functions);
  return 1;
}
