/* core/spool/record.c — see record.h. Integers are little-endian. */
#include "spool/record.h"

#include "base/bytes.h"

/* The first byte of a record. */
enum { KIND_SERIES = 'S', KIND_SAMPLE = 'V' };
/* What follows the kind, in bytes: series 4; only, status and reason together 1; n 2; time 8. */
enum { SAMPLE_HEAD = 15, PLAIN = 1 + SAMPLE_HEAD + 8 }; /* PLAIN: a whole one, without a text */

static void put (tl_buf *out, uint64_t number, int bytes) {
  for (int i = 0; i < bytes; i++) tl_buf_byte(out, (uint8_t)(number >> (8 * i)));
}

static void put_text (tl_buf *out, tl_slice text, size_t most) {
  size_t n = text.len < most ? text.len : most;
  put(out, n, 4);
  tl_buf_add(out, text.at, n);
}

static uint64_t bits_of (double number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  return bits;
}

void tl_record_series (tl_buf *out, const tl_series *s) {
  tl_buf_byte(out, KIND_SERIES);
  put(out, s->id, 4);
  tl_buf_byte(out, s->type);
  put(out, bits_of(s->deadband), 8);
  put(out, (uint64_t)s->keep_ms, 8);
  put_text(out, s->name, TL_RECORD_TEXT);
  put_text(out, s->unit, TL_RECORD_TEXT);
  put_text(out, s->description, TL_RECORD_TEXT);
}

static bool is_text (tl_type type) { return type == TL_TXTI || type == TL_TXTO; }

/* A number's bits are an integer's: both are the union's first eight bytes. */
static uint64_t value_bits (tl_type type, const tl_value *v) {
  return type == TL_DI || type == TL_DO ? v->boolean : (uint64_t)v->integer;
}

/* Types whose value stands in the record as it is: all but texts and truth values. */
static const uint32_t plain_types =
    (1u << TL_TYPE_COUNT) - 1 - (1u << TL_TXTI | 1u << TL_TXTO | 1u << TL_DI | 1u << TL_DO);

static bool is_plain (unsigned type) { return plain_types >> type & 1; }

static __attribute__((noinline)) void add_text (tl_buf *out, tl_slice text, bool *cut) {
  *cut = text.len > TL_RECORD_TEXT;
  put_text(out, text, TL_RECORD_TEXT);
}

/* Apart, so that a sample for which there is room calls nothing. */
static __attribute__((noinline)) void add_with_room (tl_buf *out, const tl_sample *s, tl_type type,
                                                     bool *cut) {
  if (!out->failed && tl_buf_reserve(out, PLAIN) == TL_OK) tl_record_sample(out, s, type, cut);
}

void tl_record_sample (tl_buf *out, const tl_sample *s, tl_type type, bool *cut) {
  uint64_t state = (uint64_t)(s->only << 6 | s->status << 4 | s->reason);
  *cut = false;
  if (out->failed || out->cap - out->len < PLAIN) {
    add_with_room(out, s, type, cut);
    return;
  }
  uint8_t *head = out->at + out->len;
  tl_put_le8(head, KIND_SAMPLE | (uint64_t)s->series << 8 | state << 40 | (uint64_t)s->n << 48);
  tl_put_le8(head + 8, (uint64_t)s->time_ms);
  out->len += 16;
  if (s->status != TL_VALID) return;
  if (is_text(type)) {
    add_text(out, s->value.text, cut);
    return;
  }
  tl_put_le8(head + 16, value_bits(type, &s->value));
  out->len += 8;
}

static bool get (tl_slice bytes, size_t *at, int width, uint64_t *out) {
  if (bytes.len - *at < (size_t)width) return false;
  const uint8_t *from = bytes.at + *at;
  if (width == 8)
    *out = tl_get_le8(from);
  else
    *out = width == 4 ? tl_get_le4(from) : from[0];
  *at += (size_t)width;
  return true;
}

static bool get_text (tl_slice bytes, size_t *at, tl_slice *out) {
  uint64_t len;
  if (!get(bytes, at, 4, &len) || len > TL_RECORD_TEXT || bytes.len - *at < len) return false;
  *out = tl_slice_of(bytes.at + *at, (size_t)len);
  *at += (size_t)len;
  return true;
}

static double number_of (uint64_t bits) {
  double number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

static bool read_series (tl_slice bytes, size_t *at, tl_series *out) {
  uint64_t id, type, deadband, keep;
  if (!get(bytes, at, 4, &id) || !get(bytes, at, 1, &type) || type >= TL_TYPE_COUNT) return false;
  if (!get(bytes, at, 8, &deadband) || !get(bytes, at, 8, &keep)) return false;
  out->id = (uint32_t)id;
  out->type = (uint8_t)type;
  out->deadband = number_of(deadband);
  out->keep_ms = (int64_t)keep;
  return get_text(bytes, at, &out->name) && get_text(bytes, at, &out->unit) &&
         get_text(bytes, at, &out->description);
}

/* The bits of a value that is no text. */
static void set_value (tl_type type, uint64_t bits, tl_value *out) {
  if (type == TL_DI || type == TL_DO)
    out->boolean = bits != 0;
  else
    out->integer = (int64_t)bits; /* or a number: the same bits */
}

static bool read_sample (tl_slice bytes, size_t *at, const uint8_t *types, uint32_t count,
                         tl_sample *out) {
  size_t left = bytes.len - *at;
  if (left < SAMPLE_HEAD) return false;
  const uint8_t *from = bytes.at + *at;
  uint8_t state = from[4];
  out->series = tl_get_le4(from);
  out->status = state >> 4 & 3;
  out->reason = state & 15;
  out->only = (uint8_t)(state >> 6);
  out->n = (uint16_t)(from[5] | from[6] << 8);
  out->time_ms = (int64_t)tl_get_le8(from + 7);
  out->value.text = tl_slice_of(NULL, 0);
  *at += SAMPLE_HEAD;
  if (out->series >= count || out->status > TL_INVALID || out->reason >= TL_REASON_COUNT ||
      out->only > TL_FOR_HISTORIES)
    return false;
  if (out->status != TL_VALID) return true;
  tl_type type = (tl_type)types[out->series];
  if (is_text(type)) return get_text(bytes, at, &out->value.text);
  if (left < SAMPLE_HEAD + 8) return false;
  set_value(type, tl_get_le8(from + SAMPLE_HEAD), &out->value);
  *at += 8;
  return true;
}

int tl_record_next (tl_slice bytes, size_t *at, const uint8_t *types, uint32_t count,
                    tl_series *series, tl_sample *sample) {
  if (*at == bytes.len) return TL_RECORD_END;
  uint8_t kind = bytes.at[(*at)++];
  if (kind == KIND_SAMPLE && read_sample(bytes, at, types, count, sample)) return TL_RECORD_SAMPLE;
  if (kind == KIND_SERIES && read_series(bytes, at, series)) return TL_RECORD_SERIES;
  return TL_EMALFORMED;
}

/* What the first word of a plain value has: its kind, TL_VALID and no reason. `only` stands above
** these two; both of its bits say nothing that there is. */
static const uint64_t plain_mask = UINT64_C(0x3f) << 40 | 0xff;
static const uint64_t plain_head = (uint64_t)TL_VALID << 44 | KIND_SAMPLE;
static const uint64_t no_only = UINT64_C(3) << 46;

/* A whole plain value, as nearly all are: three loads and one look at what they say. Whatever is
** anything else is left to read_sample(). */
static inline bool read_plain (const uint8_t *from, const uint8_t *types, uint32_t count,
                               tl_sample *out) {
  uint64_t head = tl_get_le8(from);
  uint32_t series = (uint32_t)(head >> 8);
  if ((head & plain_mask) != plain_head || (head & no_only) == no_only) return false;
  if (series >= count || !is_plain(types[series])) return false;
  out->series = series;
  out->n = (uint16_t)(head >> 48);
  out->status = TL_VALID;
  out->reason = TL_REASON_NONE;
  out->only = head >> 46 & 3;
  out->time_ms = (int64_t)tl_get_le8(from + 8);
  out->value.integer = (int64_t)tl_get_le8(from + 16); /* or a number: the same bits */
  return true;
}

uint32_t tl_record_samples (tl_slice bytes, size_t *at, const uint8_t *types, uint32_t count,
                            uint32_t most, tl_sample *first, size_t stride) {
  const uint8_t *from = bytes.at + *at, *end = bytes.at + bytes.len;
  uint8_t *out = (uint8_t *)first;
  uint32_t n = 0;
  for (; n < most; n++, out += stride) {
    tl_sample *sample = (tl_sample *)(void *)out;
    if (end - from >= PLAIN && read_plain(from, types, count, sample)) {
      from += PLAIN;
      continue;
    }
    if (from == end || *from != KIND_SAMPLE) break;
    size_t next = (size_t)(from - bytes.at) + 1;
    if (!read_sample(bytes, &next, types, count, sample)) break;
    from = bytes.at + next;
  }
  *at = (size_t)(from - bytes.at);
  return n;
}

void tl_record_mark (tl_buf *out, const tl_mark *m) {
  put(out, m->id, 2);
  put(out, m->sum, 8);
  put_text(out, m->line, TL_RECORD_TEXT);
}

int tl_record_next_mark (tl_slice marks, size_t *at, tl_mark *out) {
  uint64_t low, high;
  if (!get(marks, at, 1, &low) || !get(marks, at, 1, &high) || !get(marks, at, 8, &out->sum))
    return 0;
  out->id = (uint16_t)(low | high << 8);
  return get_text(marks, at, &out->line);
}
