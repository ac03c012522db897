/* spec/spool/segment_test.c — names, heads and batches as bytes: what is one, what is of a later
** version, and what is damage, whichever byte it is. */
#include "support/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "spool/segment.h"

static void a_name_is_its_first_number (void **state) {
  static const struct {
    const char *name;
    bool is_one;
  } rows[] = { { "0000000000000001.spool", true },
               { "00000000000000ff.spool", true },
               { "00000000000000FF.spool", false },
               { "000000000000000g.spool", false },
               { "0000000000000001.spoo", false },
               { "0000000000000001.spools", false },
               { "0000", false },
               { "", false } };
  char name[32];
  uint64_t first = 0;
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++)
    assert_true(tl_segment_is_name(rows[i].name, &first) == rows[i].is_one);
  tl_segment_name(UINT64_MAX, name);
  assert_true(tl_segment_is_name(name, &first) && first == UINT64_MAX);
}

/* What is read when byte `at` of a head is `value`; at 40: as it is; beyond: so much shorter. */
static int read_with (size_t at, uint8_t value) {
  char folder[] = "/tmp/tagline-segment-XXXXXX";
  const tl_segment_head head = { .spool = 7, .first = 5, .made_ms = 1000 };
  tl_segment_head got;
  assert_non_null(mkdtemp(folder));
  int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = tl_segment_make(dir, &head);
  assert_true(fd >= 0);
  assert_true(tl_segment_make(dir, &head) < 0); /* it is there */
  if (at < TL_SEGMENT_HEAD) assert_int_equal(pwrite(fd, &value, 1, (off_t)at), 1);
  if (at > TL_SEGMENT_HEAD) assert_int_equal(ftruncate(fd, TL_SEGMENT_HEAD - 1), 0);
  int rc = tl_segment_read_head(fd, &got);
  if (rc == TL_OK) assert_true(got.spool == 7 && got.first == 5 && got.made_ms == 1000);
  close(fd);
  unlinkat(dir, "0000000000000005.spool", 0);
  close(dir);
  rmdir(folder);
  return rc;
}

static void a_head_is_whole_or_of_a_later_version_or_damage (void **state) {
  enum { FORMAT = 7 };
  (void)state;
  assert_int_equal(read_with(TL_SEGMENT_HEAD, 0), TL_OK);
  assert_int_equal(read_with(TL_SEGMENT_HEAD + 1, 0), TL_EMALFORMED);
  for (size_t at = 0; at < TL_SEGMENT_HEAD - 4; at++)
    assert_int_equal(read_with(at, 0xee), TL_EMALFORMED);
  assert_int_equal(read_with(FORMAT, '0' + TL_SEGMENT_FORMAT + 1), TL_ETYPE);
  assert_int_equal(read_with(FORMAT, '9'), TL_ETYPE);
  assert_int_equal(read_with(FORMAT, '0'), TL_EMALFORMED);
  assert_int_equal(read_with(FORMAT, 0x7f), TL_EMALFORMED);
  assert_int_equal(tl_segment_read_head(-1, &(tl_segment_head){ 0 }), -EBADF);
}

static void a_batch_is_whole_or_damage_at_every_byte (void **state) {
  static const uint8_t room[TL_BATCH_HEAD];
  tl_buf b;
  tl_batch batch;
  (void)state;
  tl_buf_init(&b);
  tl_batch_seal(&b, 0, 1, 1, 1); /* of nothing: nothing */
  assert_int_equal(b.len, 0);
  tl_buf_add(&b, room, sizeof room);
  tl_buf_str(&b, "recordsmarks");
  tl_batch_seal(&b, 5, 100, 3, 2000);
  assert_int_equal(tl_batch_read(tl_buf_bytes(&b), 0, TL_SEGMENT_FORMAT, &batch), b.len);
  assert_true(batch.first == 100 && batch.count == 3 && batch.arrival_ms == 2000);
  assert_true(tl_slice_eq(batch.records, TL_LIT("records")));
  assert_true(tl_slice_eq(batch.marks, TL_LIT("marks")));
  for (size_t n = 0; n < b.len; n++)
    assert_int_equal(tl_batch_read(tl_slice_of(b.at, n), 0, TL_SEGMENT_FORMAT, &batch),
                     TL_EPARTIAL);
  for (size_t at = 4; at < b.len; at++) {
    b.at[at] ^= 1;
    assert_int_equal(tl_batch_read(tl_buf_bytes(&b), 0, TL_SEGMENT_FORMAT, &batch), TL_EMALFORMED);
    b.at[at] ^= 1;
  }
  b.at[3] = 0xff; /* longer than any */
  assert_int_equal(tl_batch_read(tl_buf_bytes(&b), 0, TL_SEGMENT_FORMAT, &batch), TL_EMALFORMED);
  tl_batch_seal(&b, 1000, 100, 3, 2000); /* more marks than bytes, under a right sum */
  assert_int_equal(tl_batch_read(tl_buf_bytes(&b), 0, TL_SEGMENT_FORMAT, &batch), TL_EMALFORMED);
  tl_buf_fini(&b);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_name_is_its_first_number),
    cmocka_unit_test(a_head_is_whole_or_of_a_later_version_or_damage),
    cmocka_unit_test(a_batch_is_whole_or_damage_at_every_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
