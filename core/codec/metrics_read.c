/* core/codec/metrics_read.c — reads the plain metrics of a Sparkplug B data message. Knows no
** Lua and no tag.
**
** All or nothing: at the first thing that is rare (properties, arrays, templates, data sets) or
** wrong it gives up, and the Lua modules of tagline.codec.sparkplug_b read the message and tell
** what is wrong. So both must give the same values, and refuse the same messages. */
#include <string.h>

#include "base/err.h"
#include "codec/metrics.h"
#include "codec/protobuf_impl.h"

/* Numbers of the Sparkplug specification. */
typedef enum {
  TYPE_INT8 = 1,
  TYPE_INT16,
  TYPE_INT32,
  TYPE_INT64,
  TYPE_UINT8,
  TYPE_UINT16,
  TYPE_UINT32,
  TYPE_UINT64,
  TYPE_FLOAT,
  TYPE_DOUBLE,
  TYPE_BOOLEAN,
  TYPE_STRING,
  TYPE_DATETIME,
  TYPE_TEXT,
  TYPE_UUID
} datatype;

/* Fields of a metric. */
enum {
  FIELD_NAME = 1,
  FIELD_ALIAS,
  FIELD_TIMESTAMP,
  FIELD_DATATYPE,
  FIELD_HISTORICAL,
  FIELD_TRANSIENT,
  FIELD_NULL,
  FIELD_INT = 10,
  FIELD_LONG,
  FIELD_FLOAT,
  FIELD_DOUBLE,
  FIELD_BOOLEAN,
  FIELD_STRING,
  FIELD_LAST = 18
};

/* Fields of a payload. */
enum { PAYLOAD_TIMESTAMP = 1, PAYLOAD_METRICS, PAYLOAD_SEQ, PAYLOAD_UUID, PAYLOAD_BODY };

#define LATEST_MS 253402300799999 /* year 9999, as in tags.lua */

typedef struct {
  uint64_t alias, timestamp, number, datatype;
  const char *name;
  size_t name_len;
  tl_slice text;   /* of FIELD_STRING */
  int value_field; /* number of the field; 0: the metric has no value */
  bool has_alias, has_timestamp, has_datatype, historical, null;
} metric;

typedef struct {
  const uint8_t *bytes;
  tl_metrics_values *out;
  const tl_metrics_finder *find;
  uint32_t next; /* place of the entry behind that of the last metric */
  bool begins;   /* the next value begins a sample */
} reading;

/* --- a metric on the wire --- */

static bool take_count (const uint8_t *bytes, size_t *at, size_t stop, uint64_t *value) {
  return tl_pb_varint(bytes, at, stop, value) && *value <= INT64_MAX;
}

static bool take_text (const uint8_t *bytes, size_t *at, size_t stop, const char **text,
                       size_t *len) {
  size_t end;
  if (!tl_pb_span(bytes, at, stop, &end)) return false;
  *text = (const char *)bytes + *at;
  *len = end - *at;
  *at = end;
  return true;
}

static bool take_string (const uint8_t *bytes, size_t *at, size_t stop, tl_slice *text) {
  const char *from;
  size_t len;
  if (!take_text(bytes, at, stop, &from, &len)) return false;
  *text = tl_slice_of(from, len);
  return true;
}

static bool take_flag (const uint8_t *bytes, size_t *at, size_t stop, bool *flag) {
  uint64_t value;
  if (!tl_pb_varint(bytes, at, stop, &value)) return false;
  *flag = value != 0;
  return true;
}

/* Read a field of a metric. False: it is wrong, or rare (metadata, properties, a value that is
** not a scalar). */
static bool take_field (const uint8_t *bytes, uint64_t field, int wire, size_t *at, size_t stop,
                        metric *m) {
  static const uint8_t wires[FIELD_LAST + 1] = { [FIELD_NAME] = TL_PB_LENGTH,
                                                 [FIELD_STRING] = TL_PB_LENGTH,
                                                 [FIELD_FLOAT] = TL_PB_FIXED32,
                                                 [FIELD_DOUBLE] = TL_PB_FIXED64 };
  bool transient;
  if (field > FIELD_LAST) return tl_pb_skip(bytes, wire, at, stop);
  if (wire != wires[field]) return false;
  if (field >= FIELD_INT) m->value_field = (int)field;
  switch (field) {
    case FIELD_NAME: return take_text(bytes, at, stop, &m->name, &m->name_len);
    case FIELD_ALIAS: m->has_alias = true; return tl_pb_varint(bytes, at, stop, &m->alias);
    case FIELD_TIMESTAMP:
      m->has_timestamp = true;
      return take_count(bytes, at, stop, &m->timestamp);
    case FIELD_DATATYPE: m->has_datatype = true; return tl_pb_uint32(bytes, at, stop, &m->datatype);
    case FIELD_HISTORICAL: return take_flag(bytes, at, stop, &m->historical);
    case FIELD_TRANSIENT: return take_flag(bytes, at, stop, &transient);
    case FIELD_NULL: return take_flag(bytes, at, stop, &m->null);
    case FIELD_INT: return tl_pb_uint32(bytes, at, stop, &m->number);
    case FIELD_LONG:
    case FIELD_BOOLEAN: return tl_pb_varint(bytes, at, stop, &m->number);
    case FIELD_FLOAT: return tl_pb_fixed(bytes, at, stop, 4, &m->number);
    case FIELD_DOUBLE: return tl_pb_fixed(bytes, at, stop, 8, &m->number);
    case FIELD_STRING: return take_string(bytes, at, stop, &m->text);
    default: return false;
  }
}

static inline bool take_metric (const uint8_t *bytes, size_t at, size_t stop, metric *m) {
  uint64_t field;
  int wire;
  *m = (metric){ 0 };
  while (at < stop)
    if (!tl_pb_key(bytes, &at, stop, &field, &wire) ||
        !take_field(bytes, field, wire, &at, stop, m))
      return false;
  return true;
}

/* --- its value: datatypes.lua in C --- */

/* A signed number of `bits` is sent with just these bits, or sign-extended to the 32 or 64
** bits of its field. */
static bool signed_value (unsigned bits, const metric *m, int64_t *value) {
  int64_t v = (int64_t)m->number, top = (int64_t)1 << (bits - 1);
  *value = v;
  if (v >= 0 && v < top) return true;
  if (v >= top && v < top * 2) {
    *value = v - top * 2;
    return true;
  }
  if (v > INT32_MAX && v <= UINT32_MAX) v -= (int64_t)1 << 32;
  *value = v;
  return v < 0 && v >= -top;
}

static bool read_integer (datatype type, const metric *m, tl_metric_value *out) {
  static const uint8_t bits[] = { [TYPE_INT8] = 8,  [TYPE_INT16] = 16,  [TYPE_INT32] = 32,
                                  [TYPE_UINT8] = 8, [TYPE_UINT16] = 16, [TYPE_UINT32] = 32 };
  int64_t value = (int64_t)m->number;
  if (m->value_field != FIELD_INT && m->value_field != FIELD_LONG) return false;
  if (type == TYPE_INT64) {
    if (m->value_field == FIELD_INT && value > INT32_MAX) return false;
  } else if (type <= TYPE_INT32) {
    if (!signed_value(bits[type], m, &value)) return false;
  } else if (value < 0 || (type <= TYPE_UINT32 && value >> bits[type] != 0)) {
    return false; /* of 64 bits with the highest set: rare */
  }
  out->kind = type == TYPE_DATETIME ? TL_METRIC_NUMBER : TL_METRIC_INTEGER;
  if (type == TYPE_DATETIME)
    out->value.number = (double)value / 1000;
  else
    out->value.integer = value;
  return true;
}

static bool read_number (datatype type, const metric *m, tl_metric_value *out) {
  if (m->value_field != (type == TYPE_FLOAT ? FIELD_FLOAT : FIELD_DOUBLE)) return false;
  out->kind = TL_METRIC_NUMBER;
  if (type == TYPE_FLOAT) {
    uint32_t low = (uint32_t)m->number;
    float f;
    memcpy(&f, &low, sizeof f);
    out->value.number = (double)f;
  } else {
    memcpy(&out->value.number, &m->number, sizeof m->number);
  }
  return true;
}

/* False: the value is wrong or rare. */
static bool read_value (datatype type, const metric *m, tl_metric_value *out) {
  switch (type) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE: return read_number(type, m, out);
    case TYPE_BOOLEAN:
      out->kind = TL_METRIC_BOOLEAN;
      out->value.boolean = m->number != 0;
      return m->value_field == FIELD_BOOLEAN;
    case TYPE_STRING:
    case TYPE_TEXT:
    case TYPE_UUID:
      out->kind = TL_METRIC_TEXT;
      out->value.text = m->text;
      return m->value_field == FIELD_STRING;
    default: return read_integer(type, m, out);
  }
}

/* --- into the list --- */

/* Metrics mostly come in the order in which they were told, so the entry behind that of the
** last one is tried first. */
static inline bool is_next (const tl_metric_entry *e, const metric *m) {
  if (e->replaced) return false;
  if (m->name_len == 0) return m->has_alias && e->has_alias && e->alias == m->alias;
  return e->name_len == m->name_len && memcmp(e->name, m->name, m->name_len) == 0;
}

/* The entry of a metric. NULL: the reader was not told of it, or the datatype or alias
** differs. */
static inline tl_metric_entry *find (reading *r, const metric *m) {
  tl_metrics_reader *known = r->out->reader;
  int64_t place = -1;
  if (r->next < known->count && is_next(&known->entries[r->next], m))
    place = r->next;
  else if (m->name_len > 0)
    place = r->find->by_name(r->find->ctx, m->name, m->name_len);
  else if (m->has_alias)
    place = r->find->by_alias(r->find->ctx, m->alias);
  if (place < 0) return NULL;
  tl_metric_entry *e = &known->entries[place];
  r->next = (uint32_t)place + 1;
  if (m->has_alias && (!e->has_alias || e->alias != m->alias)) return NULL;
  return m->has_datatype && m->datatype != 0 && m->datatype != e->type ? NULL : e;
}

static inline int read_metric (reading *r, size_t at, size_t stop) {
  metric m;
  tl_metrics_values *out = r->out;
  tl_metrics_reader *known = out->reader;
  if (!take_metric(r->bytes, at, stop, &m) || (m.historical && !r->find->keep_historical))
    return TL_ETYPE;
  tl_metric_entry *e = find(r, &m);
  if (!e) return TL_ETYPE;
  if (out->count == out->room) return TL_EFULL;
  tl_metric_value *v = &out->list[out->count];
  if (m.null || m.value_field == 0)
    v->kind = TL_METRIC_NULL;
  else if (!read_value((datatype)e->type, &m, v))
    return TL_ETYPE;
  if (!e->fills) return TL_OK;
  /* a second value of one tag goes into a new sample */
  v->begins = e->serial == known->serial;
  if (v->begins) known->serial++;
  e->serial = known->serial;
  v->place = (uint32_t)(e - known->entries);
  v->has_time = m.has_timestamp && m.timestamp <= LATEST_MS;
  v->time_ms = (int64_t)m.timestamp;
  out->count++;
  return TL_OK;
}

/* --- a payload --- */

/* A field of the payload that is no metric. False: it is wrong, or rare: it may be compressed. */
static bool read_other (tl_metrics_values *out, const uint8_t *bytes, uint64_t field, int wire,
                        size_t *at, size_t stop) {
  if (field == PAYLOAD_TIMESTAMP) {
    out->has_timestamp = true;
    return wire == TL_PB_VARINT && take_count(bytes, at, stop, &out->timestamp);
  }
  if (field == PAYLOAD_SEQ) {
    out->has_seq = true;
    return wire == TL_PB_VARINT && take_count(bytes, at, stop, &out->seq);
  }
  return field > PAYLOAD_BODY && tl_pb_skip(bytes, wire, at, stop);
}

/* The time of metrics that have none is the payload's. */
static void fill_times (tl_metrics_values *out) {
  if (!out->has_timestamp || out->timestamp > LATEST_MS) return;
  for (size_t i = 0; i < out->count; i++) {
    if (out->list[i].has_time) continue;
    out->list[i].has_time = true;
    out->list[i].time_ms = (int64_t)out->timestamp;
  }
}

int tl_metrics_read (tl_metrics_values *values, tl_slice bytes, const tl_metrics_finder *finder) {
  reading r = { .bytes = bytes.at, .out = values, .find = finder };
  uint64_t field;
  int wire;
  size_t end;
  values->count = 0;
  values->has_timestamp = values->has_seq = false;
  values->reader->serial++;
  for (size_t at = 0; at < bytes.len;) {
    if (!tl_pb_key(r.bytes, &at, bytes.len, &field, &wire)) return TL_ETYPE;
    if (field != PAYLOAD_METRICS) {
      if (!read_other(values, r.bytes, field, wire, &at, bytes.len)) return TL_ETYPE;
      continue;
    }
    if (wire != TL_PB_LENGTH || !tl_pb_span(r.bytes, &at, bytes.len, &end)) return TL_ETYPE;
    int rc = read_metric(&r, at, end);
    if (rc != TL_OK) return rc;
    at = end;
  }
  fill_times(values);
  return TL_OK;
}

size_t tl_metrics_count (tl_slice bytes) {
  uint64_t field;
  int wire;
  size_t n = 0;
  for (size_t at = 0; at < bytes.len;) {
    if (!tl_pb_key(bytes.at, &at, bytes.len, &field, &wire) ||
        !tl_pb_skip(bytes.at, wire, &at, bytes.len))
      break;
    n += field == PAYLOAD_METRICS;
  }
  return n;
}
