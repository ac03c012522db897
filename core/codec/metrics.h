/* core/codec/metrics.h — plain metrics of Sparkplug B data messages: what a birth told of
** them, and the values that were read of a message. l_metrics.c makes them for Lua; who calls
** decode may take the values as they are, without a Lua table (script/decode_result.c). */
#ifndef TL_CODEC_METRICS_H
#define TL_CODEC_METRICS_H

#include "base/value.h"
#include "sandbox/sandbox.h"

#define TL_METRIC_VALUES "tagline.metrics.values"

typedef enum {
  TL_METRIC_NULL,
  TL_METRIC_INTEGER,
  TL_METRIC_NUMBER,
  TL_METRIC_BOOLEAN,
  TL_METRIC_TEXT
} tl_metric_kind;

enum { TL_METRIC_TAG_NEW = -2 }; /* tl_metric_entry.tag: not looked up yet */

/* A metric as a birth named it. */
typedef struct {
  uint64_t alias;
  uint64_t serial;  /* number of the last sample that has this metric */
  const char *name; /* a Lua string that the reader holds */
  uint32_t name_len;
  int32_t tag; /* for who takes values: see tl_metrics_reader.tags_of */
  uint8_t type;
  bool has_alias;
  bool fills;    /* false: no tag of the station takes its value */
  bool replaced; /* told again: another entry has its name or alias now */
} tl_metric_entry;

typedef struct {
  tl_metric_entry *entries;
  uint32_t count, room;
  uint64_t serial; /* number of the last sample */
  /* for who takes values: the serial number of the definition that the entries' tags are
  ** numbers of; 0: of none yet */
  uint64_t tags_of;
} tl_metrics_reader;

/* One value of a message. */
typedef struct {
  tl_value value;  /* by `kind`; a text is a part of the message */
  int64_t time_ms; /* its own time */
  uint32_t place;  /* of its entry, from 0 */
  uint8_t kind;
  bool has_time;
  bool begins; /* the first of a sample: before it a metric would come twice */
} tl_metric_value;

/* The values of a message, a full userdata. Its first user value is the message's bytes (a
** string), the second the reader, the third the memory of `list`. */
typedef struct {
  tl_metrics_reader *reader;
  tl_metric_value *list;
  size_t count, room;
  uint64_t timestamp, seq; /* of the payload */
  bool has_timestamp, has_seq;
  bool lent; /* decode returned it, and nobody has taken it yet: the next message has others */
} tl_metrics_values;

enum { TL_METRICS_BYTES = 1, TL_METRICS_READER, TL_METRICS_LIST };

/* metrics_read.c: read a message; the outputs are those of `values`, whose list has `room`.
** TL_ETYPE: a metric is not plain or not known, or the message is wrong. TL_EFULL: more than
** `room` values. `find` looks a name or an alias up (name NULL): the entry's place from 0; -1:
** there is none. */
typedef struct {
  int64_t (*by_name)(void *ctx, const char *name, size_t len);
  int64_t (*by_alias)(void *ctx, uint64_t alias);
  void *ctx;
  bool keep_historical;
} tl_metrics_finder;

int tl_metrics_read (tl_metrics_values *values, tl_slice bytes, const tl_metrics_finder *find);
/* How many metrics a message has at most; nothing of it is checked. */
size_t tl_metrics_count (tl_slice bytes);

/* l_metrics.c: the name of the tag that an entry fills: pushes it. `values` is a stack index. */
void tl_metrics_push_tag (lua_State *L, int values, uint32_t place);

#endif
