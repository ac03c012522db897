/* core/payload/document.h — payloads of every kind that addresses lead into: JSON (json.h),
** CBOR (RFC 8949) and MessagePack, read by the same compiled sets into the same values. Pure;
** reading allocates nothing.
**
** A binary document is one item and nothing behind it, its containers at most 512 deep. Of CBOR
** all that is well-formed is read, indefinite lengths, half floats and tags too; texts must be
** UTF-8. MessagePack's texts that are not UTF-8 are byte strings. Values in a tl_json_value: */
#ifndef TL_PAYLOAD_DOCUMENT_H
#define TL_PAYLOAD_DOCUMENT_H

#include "base/value.h"
#include "payload/json.h"

/* In tl_json_value.format, with flags:
**   STRING, TL_DOC_BYTES     raw: their bytes; `escaped`: in chunks, raw is all of these
**   TL_DOC_TIME_TEXT         CBOR's tag 0: a text that is a time by ISO 8601
**   TL_DOC_NUMBER            raw: the encoded number; flag TL_DOC_TIME: seconds since 1970
**                            (tag 1, or MessagePack's timestamp)
**   NULL FALSE TRUE          raw: the word, as in JSON
**   TL_DOC_UNDEFINED         `undefined` and simple values without a meaning
**   ARRAY OBJECT             raw: the encoded item */
typedef enum { TL_DOC_JSON, TL_DOC_CBOR, TL_DOC_MSGPACK } tl_doc_format;
enum {
  TL_DOC_FORMAT = 0x0f,
  TL_DOC_TIME = 0x10,
  TL_DOC_BIG = 0x20,     /* BYTES: a large integer (tag 2) … */
  TL_DOC_BIG_NEG = 0x40, /* … or -1 minus it (tag 3) */
  TL_DOC_NUMBER_TEXT = 64
};
const char *tl_doc_format_name (tl_doc_format format); /* "JSON" "CBOR" "MessagePack" */

/* As tl_json_extract, for any format. In an error of a binary document `line` is 0 and `at` the
** byte. */
int tl_doc_extract (tl_doc_format format, const tl_json_set *set, tl_slice doc,
                    tl_json_value *values, tl_json_error *error);

/* Walk a binary document in order. `key` is NULL inside of arrays and at the top; else any
** value, though mostly a STRING or TL_DOC_NUMBER; of an ARRAY or OBJECT as key nothing is told
** but that it is one. Callbacks return 0 to go on, anything else to stop (returned as it is). */
typedef struct {
  int (*begin)(void *ctx, const tl_json_value *key, bool array);
  int (*end)(void *ctx, bool array);
  int (*value)(void *ctx, const tl_json_value *key, const tl_json_value *v);
} tl_doc_visitor;
int tl_doc_walk (tl_doc_format format, tl_slice doc, const tl_doc_visitor *visitor, void *ctx,
                 tl_json_error *error);

/* --- values --- */

typedef enum { TL_DOC_INT, TL_DOC_ABOVE, TL_DOC_BELOW, TL_DOC_FLOAT } tl_doc_number_kind;
typedef struct {
  tl_doc_number_kind kind;
  int64_t integer;  /* INT */
  uint64_t natural; /* ABOVE int64: the number; BELOW: the number is -1 minus it */
  double number;    /* of all kinds, rounded */
} tl_doc_number;
/* What a TL_DOC_NUMBER, or TL_DOC_BYTES with TL_DOC_BIG, holds. */
tl_doc_number tl_doc_number_of (const tl_json_value *v);
/* Its decimal text in `room`; empty for NaN and infinities, which have none. */
tl_slice tl_doc_number_text (const tl_json_value *v, uint8_t room[TL_DOC_NUMBER_TEXT]);
/* With the flag TL_DOC_TIME, or TL_DOC_TIME_TEXT: milliseconds since 1970 UTC, the rest cut.
** TL_OK; TL_ERANGE, TL_ESYNTAX. */
int tl_doc_time_of (const tl_json_value *v, int64_t *ms);
/* The bytes of a text or byte string, chunks put together, appended to `out`. */
void tl_doc_bytes (const tl_json_value *v, tl_buf *out);
bool tl_doc_chunks_eq (const tl_json_value *v, tl_slice bytes); /* `escaped` ones */
/* Any value of a binary document as JSON text, appended: byte strings as base64url without
** padding (RFC 8949 section 6.1), undefined, NaN and infinities as null, keys that are no text
** as their JSON text. */
void tl_doc_json (const tl_json_value *v, tl_buf *out);
/* What stands for a value where people read: texts, and in JSON everything, as they are, bytes
** too, else tl_doc_json. Borrows from the value or from `scratch`, to which it may append. */
tl_slice tl_doc_plain (const tl_json_value *v, tl_buf *scratch);

/* --- writing (doc_write.c): one item each, in the shortest form --- */

void tl_doc_write_number (tl_doc_format format, double number, tl_buf *out); /* whole: an integer */
void tl_doc_write_integer (tl_doc_format format, int64_t integer, tl_buf *out);
void tl_doc_write_boolean (tl_doc_format format, bool boolean, tl_buf *out);
void tl_doc_write_text (tl_doc_format format, tl_slice text, tl_buf *out); /* bytes, if not UTF-8 */

#endif
