/* core/base/text.h — UTF-8, numbers as text, MQTT topics, hex and base64: text rules that
** several rooms share. Independent of the process's locale. Knows nothing else. */
#ifndef TL_BASE_TEXT_H
#define TL_BASE_TEXT_H

#include "base/buf.h"

#include <float.h>

/* Length of the well-formed UTF-8 prefix (Unicode 15 table 3-7: no surrogates, no overlong
** forms, at most U+10FFFF). Equal to len when all of it is well-formed. U+0000 counts as
** well-formed here. */
size_t tl_utf8_prefix (const uint8_t *at, size_t len);
static inline bool tl_utf8_valid (tl_slice s) { return tl_utf8_prefix(s.at, s.len) == s.len; }

/* A decimal number that fills the whole slice: [+-] digits [. digits] [e [+-] digits], with
** digits on at least one side of the point; correctly rounded, overflow is ±infinity with
** TL_OK. No hex, no nan, no inf, no spaces. TL_OK or TL_ESYNTAX. */
int tl_number_parse (tl_slice text, double *out);

/* digits * 10^exp10, correctly rounded: for scanners that have read the digits (at most 19 of
** them) on their way. */
double tl_number_round (uint64_t digits, int64_t exp10);
extern const double tl_pow10[23]; /* the powers of ten that a double holds exactly */
/* the same; short numbers without a call */
static inline double tl_number_of_digits (uint64_t digits, int64_t exp10) {
#if FLT_EVAL_METHOD == 0
  /* both operands are exact, so one rounding is all */
  if (digits <= (uint64_t)1 << 53 && exp10 >= -22 && exp10 <= 22)
    return exp10 < 0 ? (double)digits / tl_pow10[-exp10] : (double)digits * tl_pow10[exp10];
#endif
  return tl_number_round(digits, exp10);
}

/* The same text rounded half away from zero to an integer, saturated to 64 bits; integers keep
** every digit. *exact (may be NULL) says whether nothing was lost. TL_OK or TL_ESYNTAX. */
int tl_integer_parse (tl_slice text, int64_t *out, bool *exact);

/* Round half away from zero and saturate; NaN gives TL_ETYPE. */
int tl_integer_from (double number, int64_t *out);

/* The shortest decimal text that reads back as the same double; "21.5", "1e+300", "0", "-0";
** integral values below 2^53 have no point. NaN and infinity are the caller's error (asserted). */
void tl_number_format (tl_buf *out, double number);
void tl_integer_format (tl_buf *out, int64_t number);

/* Text as a JSON string with quotes; `s` must be UTF-8. Escapes what RFC 8259 requires, and DEL and
** the C1 controls (U+0080..U+009F): what is printed moves no terminal. */
void tl_json_quote (tl_buf *out, tl_slice s);
void tl_base64_encode (tl_buf *out, tl_slice s); /* RFC 4648 §4, with padding */

/* Text of unknown origin (brokers, payloads, file names), made fit for a terminal: control bytes,
** DEL, the C1 controls (U+0080..U+009F) and what is not UTF-8 become \x1b and the like. With
** `lines`, line breaks and tabs stay. */
void tl_visible (tl_buf *out, tl_slice s, bool lines);

/* Milliseconds since 1970 UTC as "2026-11-22T14:03:16.123Z". */
void tl_time_format (tl_buf *out, int64_t ms);

/* Topic names and filters, [MQTT-1.5.3-1], [MQTT-1.5.3-2], [MQTT-4.7.1-1..3],
** [MQTT-4.7.3-1..3]: 1..65535 bytes of UTF-8 without U+0000. A name has no wildcard. A filter
** may be "$share/group/filter". Failure fills *err (may be NULL): what was expected, at which
** byte. */
int tl_topic_check (tl_slice name, tl_err *err);
int tl_filter_check (tl_slice filter, tl_err *err);
/* Does the filter (without $share prefix, or with: it is skipped) take the topic? "$…" topics
** are not taken by a leading wildcard [MQTT-4.7.2-1]. Both must be valid. */
bool tl_filter_match (tl_slice filter, tl_slice topic);

#endif
