/* core/spool/reader.c — see reader.h. */
#include "spool/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "spool/segment.h"

/* Of so many bytes a processor's cache still has the first when the last is read. */
enum { READ_BYTES = 1 << 18 };

/* The definition of a series, with its own copies of the texts. It stands still until the reader
** leaves the segment, also when another definition took its place. */
typedef struct known known;
struct known {
  tl_series series;
  known *before; /* that it took the place of */
  char texts[];
};

struct tl_reader {
  int fd;
  int format;       /* of the segment */
  uint64_t segment; /* the segment that fd has open; 0: none */
  uint64_t read_to; /* bytes of the file that were read so far */
  uint64_t end;     /* the file is read up to this byte */
  uint64_t wanted;  /* number of the first value that was asked for */
  uint64_t until;   /* the number after the segment's last value */
  tl_buf bytes;
  size_t at; /* where the next batch begins in `bytes` */
  tl_batch batch;
  size_t record;            /* where the next record begins in the batch */
  uint64_t number;          /* number of the next value */
  bool inside;              /* in the middle of a batch */
  const tl_series **series; /* by id; each is the beginning of a `known` */
  uint8_t *types;           /* of each of these */
  uint32_t count, cap;
};

int tl_reader_new (tl_reader **out) {
  tl_reader *r = calloc(1, sizeof *r);
  if (!r) return TL_ENOMEM;
  r->fd = -1;
  tl_buf_init(&r->bytes);
  *out = r;
  return TL_OK;
}

static known *known_of (const tl_reader *r, uint32_t id) {
  return (known *)(uintptr_t)r->series[id];
}

static void forget (tl_reader *r) {
  if (r->fd >= 0) close(r->fd);
  for (uint32_t i = 0; i < r->count; i++)
    for (known *k = known_of(r, i), *before; k; k = before) {
      before = k->before;
      free(k);
    }
  tl_buf_clear(&r->bytes);
  r->fd = -1;
  r->segment = r->count = 0;
  r->at = 0;
  r->inside = false;
}

void tl_reader_free (tl_reader *r) {
  if (!r) return;
  forget(r);
  tl_buf_fini(&r->bytes);
  free(r->series);
  free(r->types);
  free(r);
}

static int open_segment (tl_reader *r, const tl_spool_place *p) {
  tl_segment_head head = { .format = 0 };
  char name[32];
  forget(r);
  tl_segment_name(p->first, name);
  r->fd = openat(p->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (r->fd < 0) return -errno;
  int rc = tl_segment_read_head(r->fd, &head);
  if (rc == TL_OK && head.first != p->first) rc = TL_EMALFORMED;
  r->format = head.format;
  r->segment = r->number = p->first;
  r->read_to = TL_SEGMENT_HEAD;
  return rc;
}

int tl_reader_seek (tl_reader *r, const tl_spool_place *p) {
  int rc = TL_OK;
  /* The reader can only go forward in a segment. For values that it has passed, the segment is
  ** opened again. */
  if (r->segment != p->first || r->number > p->at) rc = open_segment(r, p);
  if (rc < 0) forget(r);
  r->end = p->end;
  r->wanted = p->at;
  r->until = p->until;
  return rc;
}

static int grow (tl_reader *r) {
  uint32_t cap = r->cap > 0 ? r->cap * 2 : 64;
  const tl_series **more = realloc(r->series, cap * sizeof *more);
  if (more) r->series = more;
  uint8_t *types = more ? realloc(r->types, cap) : NULL;
  if (!types) return TL_ENOMEM;
  r->types = types;
  r->cap = cap;
  return TL_OK;
}

/* Keep the definition of a series. One that comes again has changed: perhaps it has another
** unit. TL_RECORD_SERIES, or a negative code. */
static int define (tl_reader *r, const tl_series *s) {
  if (s->id > r->count) return TL_EMALFORMED;
  if (s->id == r->cap && grow(r) < 0) return TL_ENOMEM;
  known *k = malloc(sizeof *k + s->name.len + s->unit.len + s->description.len);
  if (!k) return TL_ENOMEM;
  k->before = s->id < r->count ? known_of(r, s->id) : NULL;
  if (s->id == r->count) r->count++;
  r->series[s->id] = &k->series;
  r->types[s->id] = s->type;
  k->series = *s;
  char *texts = k->texts;
  tl_slice *const parts[] = { &k->series.name, &k->series.unit, &k->series.description };
  for (int i = 0; i < 3; i++) {
    if (parts[i]->len > 0) memcpy(texts, parts[i]->at, parts[i]->len);
    parts[i]->at = (const uint8_t *)texts;
    texts += parts[i]->len;
  }
  return TL_RECORD_SERIES;
}

/* 1: a batch was read. 0: there is no complete batch before `end`. */
static int next_batch (tl_reader *r) {
  for (;;) {
    long n = tl_batch_read(tl_buf_bytes(&r->bytes), r->at, r->format, &r->batch);
    if (n > 0) {
      r->at += (size_t)n;
      r->record = 0;
      r->number = r->batch.first;
      r->inside = true;
      return 1;
    }
    if (n != TL_EPARTIAL) return (int)n;
    if (r->read_to >= r->end) return r->bytes.len > r->at ? TL_EMALFORMED : 0;
    tl_buf_drop(&r->bytes, r->at);
    r->at = 0;
    uint64_t left = r->end - r->read_to;
    size_t wanted = left < READ_BYTES ? (size_t)left : READ_BYTES;
    if (tl_buf_reserve(&r->bytes, wanted) < 0) return TL_ENOMEM;
    ssize_t got = pread(r->fd, r->bytes.at + r->bytes.len, wanted, (off_t)r->read_to);
    if (got < 0) return -errno;
    if (got == 0) return TL_EMALFORMED; /* the file is shorter than the writer says */
    r->bytes.len += (size_t)got;
    r->read_to += (uint64_t)got;
  }
}

/* How many samples; 0: the batch has no more. */
static int samples_in_batch (tl_reader *r, uint32_t most, tl_sample *first, size_t stride,
                             tl_reader_found *out) {
  for (;;) {
    uint64_t number = r->number, skip = number < r->wanted ? r->wanted - number : 0;
    tl_series series;
    tl_sample passed;
    uint32_t n = skip > 0 ? 0
                          : tl_record_samples(r->batch.records, &r->record, r->types, r->count,
                                              most, first, stride);
    r->number += n;
    *out = (tl_reader_found){ r->segment, number, r->batch.arrival_ms, r->series, r->types };
    if (n > 0) return (int)n;
    int rc = tl_record_next(r->batch.records, &r->record, r->types, r->count, &series, &passed);
    if (rc == TL_RECORD_SERIES) rc = define(r, &series);
    if (rc < 0) return rc;
    if (rc == TL_RECORD_SAMPLE) r->number++;
    if (rc != TL_RECORD_END) continue;
    r->inside = false;
    return 0;
  }
}

int tl_reader_next (tl_reader *r, uint32_t most, tl_sample *first, size_t stride,
                    tl_reader_found *out) {
  if (r->fd < 0) return 0;
  for (;;) {
    int rc = r->inside ? samples_in_batch(r, most, first, stride, out) : 0;
    if (rc == 0) {
      rc = next_batch(r);
      if (rc == 1) continue;
    }
    /* damage behind the last value: the segment's times were not written whole */
    if (rc == TL_EMALFORMED && !r->inside && r->number >= r->until) return 0;
    /* what was passed may be wanted again, and a definition that there was no memory for is */
    if (rc < 0) r->segment = 0;
    return rc;
  }
}
