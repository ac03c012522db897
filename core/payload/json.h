/* core/payload/json.h — a strict RFC 8259 scanner that extracts many addresses in one pass.
** Pure; scanning allocates nothing.
**
** The whole document is always checked (UTF-8, numbers, structure, nothing behind the value, no
** byte order mark, depth at most 512), whether or not an address leads there: a document that
** is not JSON must not yield values. The escape of a lone surrogate ("\ud800") is JSON by its
** grammar and is taken. No byte behind the document is read. */
#ifndef TL_PAYLOAD_JSON_H
#define TL_PAYLOAD_JSON_H

#include "base/buf.h"

enum { TL_JSON_DEPTH = 512 };

typedef enum {
  TL_JSON_NONE, /* the address leads nowhere in this document */
  TL_JSON_NULL,
  TL_JSON_FALSE,
  TL_JSON_TRUE,
  TL_JSON_NUMBER,
  TL_JSON_STRING,
  TL_JSON_ARRAY,
  TL_JSON_OBJECT,
  /* in binary documents only (payload/document.h) */
  TL_DOC_NUMBER,
  TL_DOC_BYTES,
  TL_DOC_UNDEFINED,
  TL_DOC_TIME_TEXT
} tl_json_type;
const char *tl_json_type_name (tl_json_type type); /* "nothing" "null" "false" … */

typedef struct {
  uint8_t type;   /* tl_json_type */
  bool escaped;   /* STRING: there is a backslash in it */
  bool integral;  /* NUMBER: no point, no exponent */
  uint8_t format; /* tl_doc_format and its flags (payload/document.h); 0 in JSON */
  /* the value's own text, borrowed from the document; STRING: without the quotes */
  tl_slice raw;
} tl_json_value;

typedef struct {
  size_t at;             /* byte offset */
  uint32_t line, column; /* from 1; column in characters (code points) */
  /* static text: "a value", "',' or '}'", "valid UTF-8", "at most 512 levels" … */
  const char *expected;
  const char *got; /* "a NUL byte", "NaN" …, where a step of `prepare` would cure it; else NULL */
  const char *cure; /* that step's name */
} tl_json_error;

/* A compiled set of addresses. Immutable: may be shared. */
typedef struct tl_json_set tl_json_set;

/* Compile addresses (without "JA="): level1[1].level2, [1].x, ["a.b"].c, list[id=28FF].temp,
** and "" for the whole document. At most 65535 bytes; equal ones may occur twice. Indexes count
** from 1, up to 2^31. A plain level may hold any bytes but . [ ] and is compared with the key's
** text; one in quotes is a JSON string, with its escapes. [field=value] takes the first element
** of an array that is an object whose field (levels with dots, quoted where they hold any) has
** this text: a string as it is, a number as it is written, true, false; a value with brackets
** is quoted. TL_OK; TL_ESYNTAX, with *which (may be NULL) the index of the bad one and err->at
** the offset in it; TL_ETOOBIG for more than 2^32 addresses or bytes; TL_ENOMEM. */
int tl_json_set_new (tl_json_set **out, const tl_slice *paths, size_t n, size_t *which,
                     tl_err *err);
void tl_json_set_free (tl_json_set *set);
size_t tl_json_set_bytes (const tl_json_set *set); /* memory it takes */
/* How many values tl_json_extract needs room for: one for each address, and more with
** selectors. */
size_t tl_json_set_slots (const tl_json_set *set);
int tl_json_path_check (tl_slice path, tl_err *err);

/* Scan `doc`; values[i] is what the i-th address leads to; there is room for
** tl_json_set_slots(set). For a repeated key the last counts, with all that is below it. TL_OK,
** or TL_EMALFORMED with *error filled and values undefined. */
int tl_json_extract (const tl_json_set *set, tl_slice doc, tl_json_value *values,
                     tl_json_error *error);

/* The text of a STRING's raw, escapes resolved, appended to `out`. A lone surrogate escape
** gives U+FFFD. */
void tl_json_unescape (tl_buf *out, tl_slice raw);

/* Walk a whole document in order: for building Lua tables. Callbacks return 0 to go on,
** anything else to stop (returned as it is). What lies before an error has been told when the
** error is found. `key` is the raw key of an object member (key_escaped: it holds a backslash),
** at == NULL inside arrays and at the top. */
typedef struct {
  int (*begin)(void *ctx, tl_slice key, bool key_escaped, bool array);
  int (*end)(void *ctx, bool array);
  int (*value)(void *ctx, tl_slice key, bool key_escaped, const tl_json_value *v); /* a scalar */
} tl_json_visitor;
int tl_json_walk (tl_slice doc, const tl_json_visitor *visitor, void *ctx, tl_json_error *error);

#endif
