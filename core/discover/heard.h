/* core/discover/heard.h — what a broker said while somebody listened: each topic with its
** counts, its sizes and a few of its payloads, in bounded memory. Pure: messages and times in.
** Must not know where they come from, nor what a payload means. */
#ifndef TL_DISCOVER_HEARD_H
#define TL_DISCOVER_HEARD_H

#include "base/slice.h"

typedef struct tl_heard tl_heard;

enum { TL_HEARD_SAMPLES = 3 }; /* the first payload, the longest after it, the last one */

typedef struct {
  size_t topics; /* at most */
  size_t bytes;  /* of all topics and samples together */
  size_t sample; /* a longer payload is counted, and not kept */
} tl_heard_limits;

extern const tl_heard_limits tl_heard_usual; /* 100,000 topics, 256 MiB, 64 KiB */

/* One kept payload. Borrowed from the collector. */
typedef struct {
  tl_slice payload; /* at == NULL: none */
  int64_t wall;     /* ms since 1970, when it came */
  bool retained;
} tl_heard_sample;

/* Borrowed: valid until the next add. */
typedef struct {
  tl_slice topic;
  uint64_t count, bytes; /* messages, and the bytes of their payloads */
  uint64_t retained;     /* of the messages */
  size_t smallest, largest;
  int64_t first, last; /* ms since 1970 */
  tl_heard_sample samples[TL_HEARD_SAMPLES];
} tl_heard_topic;

typedef struct {
  uint64_t messages, bytes; /* of all, also of those that were not taken */
  uint64_t over;            /* messages of topics for which there was no room */
  uint64_t unkept;          /* topics of which no payload was kept: too long, or no room */
  size_t used;              /* bytes, of limits.bytes */
} tl_heard_totals;

/* TL_OK or TL_ENOMEM. */
int tl_heard_new (tl_heard **out, const tl_heard_limits *limits);
void tl_heard_free (tl_heard *c);

/* Add a message with a payload of `size` bytes. payload.at == NULL with a size above 0: the payload
** was too long to be read. Without memory the message is counted as one for which there was no
** room. */
void tl_heard_add (tl_heard *c, tl_slice topic, tl_slice payload, size_t size, bool retained,
                   int64_t wall);

size_t tl_heard_count (const tl_heard *c); /* topics */
/* i < count, in the order in which they were first heard */
const tl_heard_topic *tl_heard_at (const tl_heard *c, size_t i);
tl_heard_totals tl_heard_sum (const tl_heard *c);

#endif
