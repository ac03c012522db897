/* core/spool/record.c — see record.h. Integers are little-endian. */
#include "spool/record.h"

/* The first byte of a record. */
enum { KIND_SERIES = 'S', KIND_SAMPLE = 'V' };
/* What follows the kind, in bytes: series 4; only, status and reason together 1; n 2; time 8. */
enum { SAMPLE_HEAD = 15 };

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

static bool is_number (tl_type type) {
  return type == TL_AI || type == TL_AO || type == TL_TIR || type == TL_TOR;
}
static bool is_text (tl_type type) { return type == TL_TXTI || type == TL_TXTO; }

void tl_record_sample (tl_buf *out, const tl_sample *s, tl_type type, bool *cut) {
  uint8_t head[24];
  uint64_t bits = 0;
  *cut = false;
  if (s->status == TL_VALID && !is_text(type)) {
    if (is_number(type))
      bits = bits_of(s->value.number);
    else if (type == TL_DI || type == TL_DO)
      bits = s->value.boolean;
    else
      bits = (uint64_t)s->value.integer;
  }
  head[0] = KIND_SAMPLE;
  for (int i = 0; i < 4; i++) head[1 + i] = (uint8_t)(s->series >> (8 * i));
  head[5] = (uint8_t)(s->only << 6 | s->status << 4 | s->reason);
  head[6] = (uint8_t)s->n;
  head[7] = (uint8_t)(s->n >> 8);
  for (int i = 0; i < 8; i++) head[8 + i] = (uint8_t)((uint64_t)s->time_ms >> (8 * i));
  if (s->status == TL_VALID && is_text(type)) {
    *cut = s->value.text.len > TL_RECORD_TEXT;
    tl_buf_add(out, head, 16);
    put_text(out, s->value.text, TL_RECORD_TEXT);
    return;
  }
  for (int i = 0; i < 8; i++) head[16 + i] = (uint8_t)(bits >> (8 * i));
  tl_buf_add(out, head, s->status == TL_VALID ? 24 : 16);
}

/* Written so that compilers make one load instruction of it. */
static uint64_t get8 (const uint8_t *at) {
  return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
         (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
         (uint64_t)at[7] << 56;
}

static uint32_t get4 (const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool get (tl_slice bytes, size_t *at, int width, uint64_t *out) {
  if (bytes.len - *at < (size_t)width) return false;
  const uint8_t *from = bytes.at + *at;
  if (width == 8)
    *out = get8(from);
  else
    *out = width == 4 ? get4(from) : from[0];
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

static bool read_value (tl_slice bytes, size_t *at, tl_type type, tl_value *out) {
  uint64_t bits;
  if (is_text(type)) return get_text(bytes, at, &out->text);
  if (!get(bytes, at, 8, &bits)) return false;
  if (is_number(type))
    out->number = number_of(bits);
  else if (type == TL_DI || type == TL_DO)
    out->boolean = bits;
  else
    out->integer = (int64_t)bits;
  return true;
}

static bool read_sample (tl_slice bytes, size_t *at, int (*type_of)(void *, uint32_t), void *ctx,
                         tl_sample *out) {
  if (bytes.len - *at < SAMPLE_HEAD) return false;
  const uint8_t *from = bytes.at + *at;
  uint8_t state = from[4];
  *at += SAMPLE_HEAD;
  out->series = get4(from);
  out->only = (uint8_t)(state >> 6);
  out->status = state >> 4 & 3;
  out->reason = state & 15;
  out->n = (uint16_t)(from[5] | from[6] << 8);
  out->time_ms = (int64_t)get8(from + 7);
  int type = type_of(ctx, out->series);
  memset(&out->value, 0, sizeof out->value);
  if (type < 0 || out->status > TL_INVALID || out->reason >= TL_REASON_COUNT ||
      out->only > TL_FOR_HISTORIES)
    return false;
  return out->status != TL_VALID || read_value(bytes, at, (tl_type)type, &out->value);
}

int tl_record_next (tl_slice bytes, size_t *at, int (*type_of)(void *ctx, uint32_t series),
                    void *ctx, tl_record *out) {
  if (*at == bytes.len) {
    out->kind = TL_RECORD_END;
    return TL_OK;
  }
  uint8_t kind = bytes.at[(*at)++];
  if (kind == KIND_SERIES) {
    out->kind = TL_RECORD_SERIES;
    return read_series(bytes, at, &out->series) ? TL_OK : TL_EMALFORMED;
  }
  out->kind = TL_RECORD_SAMPLE;
  if (kind != KIND_SAMPLE) return TL_EMALFORMED;
  return read_sample(bytes, at, type_of, ctx, &out->sample) ? TL_OK : TL_EMALFORMED;
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
