/* core/explain/formats.c — what a payload is that is no JSON. Knows no station. */
#include <ctype.h>

#include "explain/explain_impl.h"
#include "payload/blanks.h"

const char *tl_explain_compression (tl_slice p) {
  static const struct {
    const char *name;
    uint8_t head[4], len;
  } known[] = { { "gzip", { 0x1f, 0x8b }, 2 },
                { "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4 },
                { "zlib", { 0x78, 0x01 }, 2 },
                { "zlib", { 0x78, 0x9c }, 2 },
                { "zlib", { 0x78, 0xda }, 2 } };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (p.len > known[i].len && memcmp(p.at, known[i].head, known[i].len) == 0)
      return known[i].name;
  return NULL;
}

/* --- a document of another format --- */

static bool is_base64 (tl_slice p) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  for (size_t i = 0; i < p.len; i++)
    if (p.at[i] == 0 || !strchr(letters, p.at[i])) return false;
  return p.len % 4 == 0;
}

static int on_edge (void *ctx, const tl_json_value *key, bool array) {
  (void)ctx, (void)key, (void)array;
  return 0;
}
static int on_end (void *ctx, bool array) {
  (void)ctx, (void)array;
  return 0;
}
static int on_leaf (void *ctx, const tl_json_value *key, const tl_json_value *v) {
  (void)ctx, (void)key, (void)v;
  return 0;
}

static bool is_binary (tl_doc_format format, tl_slice p) {
  static const tl_doc_visitor visitor = { .begin = on_edge, .end = on_end, .value = on_leaf };
  tl_json_error ignored;
  return tl_doc_walk(format, p, &visitor, NULL, &ignored) == TL_OK;
}

/* Of {… and [… */
static bool is_hex (tl_slice p) {
  if (p.len < 8 || p.len % 2 != 0 ||
      (memcmp(p.at, "7b", 2) != 0 && memcmp(p.at, "7B", 2) != 0 && memcmp(p.at, "5b", 2) != 0 &&
       memcmp(p.at, "5B", 2) != 0))
    return false;
  for (size_t i = 0; i < p.len; i++)
    if (!isxdigit(p.at[i])) return false;
  return true;
}

/* A binary document is a map or an array: of a number alone any byte may be one. */
const char *tl_explain_format (tl_slice p) {
  p = tl_trim_blanks(p);
  if (p.len == 0) return "empty";
  if (*p.at == '<') return "XML";
  if (p.len > 3 && (memcmp(p.at, "\xff\xfe", 2) == 0 || memcmp(p.at, "\xfe\xff", 2) == 0 ||
                    (p.at[1] == 0 && (*p.at == '{' || *p.at == '[')) ||
                    (*p.at == 0 && (p.at[1] == '{' || p.at[1] == '['))))
    return "UTF-16";
  /* of {" and [{ and [" */
  if (p.len >= 8 &&
      (memcmp(p.at, "ey", 2) == 0 || memcmp(p.at, "W3", 2) == 0 || memcmp(p.at, "Wy", 2) == 0) &&
      is_base64(p))
    return "base64";
  if (is_hex(p)) return "hexadecimal";
  if (*p.at >= 0x80 && *p.at < 0xc0 && is_binary(TL_DOC_CBOR, p)) return "CBOR";
  if (((*p.at >= 0x80 && *p.at < 0xa0) || (*p.at >= 0xdc && *p.at < 0xe0)) &&
      is_binary(TL_DOC_MSGPACK, p))
    return "MessagePack";
  return NULL;
}
