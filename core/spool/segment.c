/* core/spool/segment.c — see segment.h. Integers are little-endian. */
#include "spool/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "spool/sum.h"

/* Behind it comes the format: '1', '2' … '9', and from the tenth on the characters behind '9'.
** Format 1 has CRCs of zlib for check sums. */
static const uint8_t magic[7] = { 'T', 'L', 'S', 'P', 'O', 'O', 'L' };

enum { SCAN_BYTES = 1 << 20 };

static void put (uint8_t *at, uint64_t number, int bytes) {
  for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(number >> (8 * i));
}

static uint64_t get (const uint8_t *at, int bytes) {
  uint64_t number = 0;
  for (int i = 0; i < bytes; i++) number |= (uint64_t)at[i] << (8 * i);
  return number;
}

static uint32_t sum_of (const uint8_t *at, size_t len, int format) {
  if (format > 1) return tl_sum(at, len);
  return (uint32_t)crc32_z(crc32_z(0, NULL, 0), at, len);
}

void tl_segment_name (uint64_t first, char out[32]) {
  snprintf(out, 32, "%016llx.spool", (unsigned long long)first);
}

bool tl_segment_is_name (const char *name, uint64_t *first) {
  uint64_t number = 0;
  for (int i = 0; i < 16; i++) {
    const char *digits = "0123456789abcdef";
    const char *digit = name[i] == '\0' ? NULL : strchr(digits, name[i]);
    if (!digit) return false;
    number = number << 4 | (uint64_t)(digit - digits);
  }
  *first = number;
  return strcmp(name + 16, ".spool") == 0;
}

int tl_segment_make (int folder, const tl_segment_head *head) {
  char name[32];
  uint8_t bytes[TL_SEGMENT_HEAD] = { 0 };
  tl_segment_name(head->first, name);
  int fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return -errno;
  memcpy(bytes, magic, sizeof magic);
  bytes[7] = (uint8_t)('0' + TL_SEGMENT_FORMAT);
  put(bytes + 8, head->spool, 8);
  put(bytes + 16, head->first, 8);
  put(bytes + 24, (uint64_t)head->made_ms, 8);
  put(bytes + 32, sum_of(bytes, 32, TL_SEGMENT_FORMAT), 4);
  ssize_t n = write(fd, bytes, sizeof bytes);
  if (n == (ssize_t)sizeof bytes) return fd;
  int code = n < 0 ? -errno : -ENOSPC;
  close(fd);
  unlinkat(folder, name, 0);
  return code;
}

int tl_segment_read_head (int fd, tl_segment_head *out) {
  uint8_t bytes[TL_SEGMENT_HEAD];
  ssize_t n = pread(fd, bytes, sizeof bytes, 0);
  if (n < 0) return -errno;
  if (n != (ssize_t)sizeof bytes || memcmp(bytes, magic, sizeof magic) != 0) return TL_EMALFORMED;
  int format = bytes[7] - '0';
  /* how a later version computes its sum is not known */
  if (format > TL_SEGMENT_FORMAT && bytes[7] <= '~') return TL_ETYPE;
  if (format < 1 || format > TL_SEGMENT_FORMAT || get(bytes + 32, 4) != sum_of(bytes, 32, format))
    return TL_EMALFORMED;
  out->format = format;
  out->spool = get(bytes + 8, 8);
  out->first = get(bytes + 16, 8);
  out->made_ms = (int64_t)get(bytes + 24, 8);
  return TL_OK;
}

/* The batch's head: length 4 bytes, check sum 4 (over everything behind it), first 8, arrival
** 8, count 4, and 4 for how many bytes at the end are marks. */
void tl_batch_seal (tl_buf *out, size_t marks, uint64_t first, uint32_t count, int64_t arrival_ms) {
  if (out->failed || out->len < TL_BATCH_HEAD) return;
  put(out->at, out->len - TL_BATCH_HEAD, 4);
  put(out->at + 8, first, 8);
  put(out->at + 16, (uint64_t)arrival_ms, 8);
  put(out->at + 24, count, 4);
  put(out->at + 28, marks, 4);
  put(out->at + 4, sum_of(out->at + 8, out->len - 8, TL_SEGMENT_FORMAT), 4);
}

long tl_batch_read (tl_slice bytes, size_t at, int format, tl_batch *out) {
  if (bytes.len - at < TL_BATCH_HEAD) return TL_EPARTIAL;
  const uint8_t *head = bytes.at + at;
  size_t len = (size_t)get(head, 4);
  if (len > TL_BATCH_MAX) return TL_EMALFORMED;
  if (bytes.len - at - TL_BATCH_HEAD < len) return TL_EPARTIAL;
  if (get(head + 4, 4) != sum_of(head + 8, TL_BATCH_HEAD - 8 + len, format)) return TL_EMALFORMED;
  out->first = get(head + 8, 8);
  out->arrival_ms = (int64_t)get(head + 16, 8);
  out->count = (uint32_t)get(head + 24, 4);
  size_t marks = (size_t)get(head + 28, 4);
  if (marks > len) return TL_EMALFORMED;
  out->records = tl_slice_of(head + TL_BATCH_HEAD, len - marks);
  out->marks = tl_slice_of(head + TL_BATCH_HEAD + len - marks, marks);
  return (long)(TL_BATCH_HEAD + len);
}

/* Read more of the file and append it to `bytes`. Returns the number of bytes, 0 at the end of
** the file, or -errno. */
static long read_more (int fd, tl_buf *bytes, uint64_t at, size_t wanted) {
  if (tl_buf_reserve(bytes, wanted) < 0) return -ENOMEM;
  ssize_t n = pread(fd, bytes->at + bytes->len, wanted, (off_t)at);
  if (n < 0) return -errno;
  bytes->len += (size_t)n;
  return n;
}

int tl_segment_scan (int fd, const tl_segment_head *head, tl_segment_end *out) {
  tl_buf bytes;
  size_t at = 0;
  uint64_t read_to = TL_SEGMENT_HEAD;
  int rc = TL_OK;
  tl_buf_init(&bytes);
  *out = (tl_segment_end){ TL_SEGMENT_HEAD, head->first, 0 };
  for (;;) {
    tl_batch batch;
    long n = tl_batch_read(tl_buf_bytes(&bytes), at, head->format, &batch);
    if (n > 0 && batch.first == out->next) {
      at += (size_t)n;
      if (batch.count > 0) out->last = out->end; /* else it is the segment's times */
      out->end += (uint64_t)n;
      out->next += batch.count;
      continue;
    }
    if (n != TL_EPARTIAL) break; /* damaged: the batches before this place are good */
    tl_buf_drop(&bytes, at);
    at = 0;
    long more = read_more(fd, &bytes, read_to, SCAN_BYTES);
    if (more < 0) rc = (int)more;
    if (more <= 0) break;
    read_to += (uint64_t)more;
  }
  tl_buf_fini(&bytes);
  return rc;
}

int tl_segment_last (int fd, const tl_segment_head *head, const tl_segment_end *where,
                     tl_buf *bytes, tl_batch *out) {
  size_t len = (size_t)(where->end - where->last);
  tl_buf_clear(bytes);
  while (bytes->len < len) {
    long n = read_more(fd, bytes, where->last + bytes->len, len - bytes->len);
    if (n == -ENOMEM) return TL_ENOMEM;
    if (n <= 0) return n < 0 ? (int)n : TL_EMALFORMED;
  }
  return tl_batch_read(tl_buf_bytes(bytes), 0, head->format, out) > 0 ? TL_OK : TL_EMALFORMED;
}
