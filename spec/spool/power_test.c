/* spec/spool/power_test.c — the power fails at random moments. What was not synced is then there,
** not there, or there in part; files that were made or removed are, or are not. What the spool
** calls synced is delivered once all the same, and no value takes another's number. */
#include "support/torture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/reader.h"
#include "spool/segment.h"
#include "spool/spool.h"

WRAPPED(fdatasync, int __wrap_fdatasync(int fd));
WRAPPED(fsync, int __wrap_fsync(int fd));

enum { FILES = 64, LONG = 4000, MAX = 1000000, VALUES = 60000 };

/* --- a disk: what it has for certain --- */

typedef struct {
  char name[32];
  char *bytes; /* as they were synced; NULL: never */
  size_t len;
  bool named; /* the folder was synced since it was made */
} disk_file;

static disk_file files[FILES];
static char folder[64], path[80];
static int sync_fails;

static disk_file *file_of (const char *name) {
  for (int i = 0; i < FILES; i++)
    if (strcmp(files[i].name, name) == 0) return &files[i];
  for (int i = 0; i < FILES; i++) {
    if (files[i].name[0] != '\0') continue;
    snprintf(files[i].name, sizeof files[i].name, "%.31s", name);
    return &files[i];
  }
  fail_msg("too many files");
  return NULL;
}

static void forget_file (disk_file *f) {
  free(f->bytes);
  *f = (disk_file){ .bytes = NULL };
}

static char *read_file (const char *name, size_t *len) {
  char at[4096];
  struct stat st;
  snprintf(at, sizeof at, "%s/%s", path, name);
  int fd = open(at, O_RDONLY);
  if (fd < 0) return NULL;
  assert_int_equal(fstat(fd, &st), 0);
  char *bytes = malloc((size_t)st.st_size + 1);
  assert_non_null(bytes);
  *len = (size_t)st.st_size;
  assert_int_equal(read(fd, bytes, *len), *len);
  close(fd);
  return bytes;
}

static void write_file (const char *name, const char *bytes, size_t len) {
  char at[4096];
  snprintf(at, sizeof at, "%s/%s", path, name);
  int fd = open(at, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, len), len);
  close(fd);
}

static int failed_sync (void) {
  errno = sync_fails;
  return sync_fails > 0 ? -1 : 0;
}

/* Its bytes are on the disk. */
static void keep_file (const char *name) {
  disk_file *f = file_of(name);
  free(f->bytes);
  f->bytes = read_file(name, &f->len);
}

int __wrap_fdatasync (int fd) {
  char link[32], target[200];
  if (failed_sync() < 0) return -1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, target, sizeof target - 1);
  assert_true(n > 0);
  target[n] = '\0';
  keep_file(strrchr(target, '/') + 1);
  return 0;
}

/* Calls one(name) for each file that is there. */
static void each_file (void (*one)(const char *name)) {
  DIR *dir = opendir(path);
  assert_non_null(dir);
  for (struct dirent *e; (e = readdir(dir));)
    if (e->d_name[0] != '.') one(e->d_name);
  closedir(dir);
}

static void name_it (const char *name) { file_of(name)->named = true; }

/* Of the spool's folder, or of its parent, which is not looked at here. */
int __wrap_fsync (int fd) {
  struct stat st, here;
  if (failed_sync() < 0) return -1;
  assert_int_equal(fstat(fd, &st) + stat(path, &here), 0);
  if (st.st_ino != here.st_ino) return 0;
  for (int i = 0; i < FILES; i++) {
    char at[4096];
    snprintf(at, sizeof at, "%s/%s", path, files[i].name);
    if (files[i].name[0] != '\0' && access(at, F_OK) < 0) forget_file(&files[i]);
  }
  each_file(name_it);
  return 0;
}

static unsigned below (unsigned n) { return (unsigned)rand() % n; }

/* As the power failure leaves it: the bytes that were synced, and of those behind them some, or
** zeros. */
static void tear (const char *name) {
  disk_file *f = file_of(name);
  size_t len;
  char *bytes = read_file(name, &len);
  if (!f->named && below(2) == 0) {
    char at[4096];
    snprintf(at, sizeof at, "%s/%s", path, name);
    unlink(at);
  } else if (!f->bytes || f->len < len) {
    size_t certain = f->bytes ? f->len : 0, more = below((unsigned)(len - certain + 1));
    if (below(3) == 0) memset(bytes + certain + more / 2, 0, more - more / 2);
    write_file(name, bytes, certain + more);
  } else if (below(2) == 0) { /* overwritten in place: the old, or the new */
    write_file(name, f->bytes, f->len);
  }
  free(bytes);
}

/* A file whose removal was not synced may be there again. */
static void fail_power (void) {
  each_file(tear);
  for (int i = 0; i < FILES; i++) {
    char at[4096];
    disk_file *f = &files[i];
    snprintf(at, sizeof at, "%s/%s", path, f->name);
    if (f->name[0] == '\0' || access(at, F_OK) == 0) continue;
    if (f->named && f->bytes && below(2) == 0)
      write_file(f->name, f->bytes, f->len);
    else
      forget_file(f);
  }
  each_file(keep_file);
  each_file(name_it);
}

/* --- a spool, and an outlet whose database keeps what it was given --- */

static tl_spool *spool;
static tl_cursor *cursor;
static tl_reader *reader;
static uint32_t segment;
static unsigned serial; /* of the last value: each says its own */
static bool delivered[VALUES], safe[VALUES];
static unsigned serial_of[2 * VALUES]; /* by number, as written last */
static uint64_t applied, certain;      /* certain: values below were synced by some process */
static unsigned lost;

static void open_spool (void) {
  tl_spool_options options = { path, MAX, true };
  tl_spool_found found;
  tl_err err = { .text = "" };
  segment = 0;
  if (tl_spool_open(&spool, &options, 1000, &found, &err) < 0) fail_msg("%s", err.text);
  if (tl_cursor_open(&cursor, spool, "db", &err) < 0) fail_msg("%s", err.text);
  /* as outlet/outlet.c does it */
  if (applied <= tl_spool_next(spool)) tl_cursor_move(cursor, applied);
  if (applied > 0) tl_cursor_back(cursor, applied);
  assert_int_equal(tl_reader_new(&reader), TL_OK);
}

static void close_spool (void) {
  tl_reader_free(reader);
  tl_spool_close(spool);
  spool = NULL;
}

static void write_some (void) {
  tl_err err;
  unsigned count = 1 + below(8);
  for (unsigned i = 0; i < count; i++) {
    uint32_t now;
    bool cut;
    char text[LONG];
    tl_buf *out = tl_spool_begin(spool, 2000, &now);
    assert_non_null(out);
    if (now != segment) {
      tl_series s = { .type = TL_TXTI, .name = TL_LIT("l.s.t") };
      tl_record_series(out, &s);
      segment = now;
    }
    uint64_t number = tl_spool_next(spool) + i;
    serial_of[number] = ++serial;
    snprintf(text, sizeof text, "%-*u", LONG - 1, serial);
    tl_sample v = { .status = TL_VALID, .value = { .text = tl_slice_of(text, LONG) } };
    tl_record_sample(out, &v, TL_TXTI, &cut);
    tl_spool_added(spool, 2000);
  }
  assert_int_equal(tl_spool_commit(spool, 3000, &err), TL_OK);
}

static int sync_all (void) {
  tl_spool_sync sync;
  if (!tl_spool_take_sync(spool, &sync)) return TL_OK;
  if (below(3) == 0) write_some(); /* meanwhile */
  int rc = tl_spool_sync_run(&sync);
  tl_spool_sync_done(spool, &sync, rc);
  for (; certain < tl_spool_synced(spool); certain++) safe[serial_of[certain]] = true;
  return rc;
}

/* The database knows values by their numbers: what it has already is not taken again. */
static void deliver (void) {
  tl_spool_place p;
  tl_reader_found found;
  tl_sample v;
  if (!tl_spool_where_synced(spool, tl_cursor_at(cursor), &p)) return;
  assert_int_equal(tl_reader_seek(reader, &p), TL_OK);
  uint64_t at = tl_cursor_at(cursor);
  int rc = 0;
  for (unsigned left = 1 + below(40); left > 0; left--) {
    rc = tl_reader_next(reader, 1, &v, sizeof v, &found);
    if (rc <= 0) break;
    unsigned said = (unsigned)strtoul((const char *)v.value.text.at, NULL, 10);
    assert_true(found.number < tl_spool_synced(spool));
    at = found.number + 1;
    if (found.number < applied) continue;
    if (delivered[said]) fail_msg("value %u came twice", said);
    delivered[said] = true;
    applied = at;
  }
  if (rc < 0 || (rc == 0 && at == tl_cursor_at(cursor))) at = p.until; /* damaged: what is lost */
  tl_cursor_move(cursor, at);
  tl_spool_gone gone;
  if (tl_spool_take_gone(spool, &gone)) tl_spool_unlink(&gone);
}

static void deliver_all (void) {
  while (sync_all(), tl_spool_synced(spool) < tl_spool_next(spool)) continue;
  while (tl_cursor_at(cursor) < tl_spool_next(spool)) deliver();
  for (unsigned i = 1; i <= serial; i++) {
    if (safe[i] && !delivered[i]) fail_msg("value %u was synced, and is lost", i);
    lost += !delivered[i];
    safe[i] = delivered[i] = true;
  }
}

static int set_up (void **unused) {
  (void)unused;
  strcpy(folder, "/tmp/tagline-power-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/s", folder);
  memset(delivered, 0, sizeof delivered);
  memset(safe, 0, sizeof safe);
  serial = lost = 0;
  applied = certain = 0;
  sync_fails = 0;
  return 0;
}

static void remove_it (const char *name) {
  char at[4096];
  snprintf(at, sizeof at, "%s/%s", path, name);
  unlink(at);
}

static int tear_down (void **unused) {
  (void)unused;
  each_file(remove_it);
  for (int i = 0; i < FILES; i++) forget_file(&files[i]);
  return rmdir(path) + rmdir(folder);
}

static void what_is_synced_is_delivered_once (void **unused) {
  (void)unused;
  srand(7);
  for (int failures = 0; failures < 60; failures++) {
    open_spool();
    for (unsigned steps = below(60); steps > 0; steps--) {
      unsigned what = below(8);
      if (what < 4) write_some();
      if (what == 4 || what == 5) sync_all();
      if (what == 6) deliver();
      if (what == 7 && below(4) == 0) { /* a kill, or an orderly end */
        close_spool();
        open_spool();
      }
    }
    close_spool();
    fail_power();
    for (uint64_t n = certain; n < 2 * VALUES; n++) serial_of[n] = 0; /* there, or not */
    open_spool();
    deliver_all();
    close_spool();
  }
  assert_true(serial > 2000);
  assert_true(lost > 0); /* or the disk of this spec forgets nothing */
  assert_true(lost < serial / 2);
}

static void a_sync_that_fails_is_tried_again_and_holds_nothing_up (void **unused) {
  (void)unused;
  open_spool();
  write_some();
  sync_fails = EIO;
  assert_int_equal(sync_all(), -EIO);
  assert_int_equal(tl_spool_synced(spool), 1);
  tl_spool_place p;
  assert_true(tl_spool_where_synced(spool, 1, &p));
  sync_fails = 0;
  assert_int_equal(sync_all(), TL_OK);
  assert_true(tl_spool_synced(spool) > 1);
  close_spool();
}

static bool is_on_disk (const char *name) {
  const disk_file *f = file_of(name);
  size_t len;
  char *bytes = read_file(name, &len);
  bool same = bytes && f->bytes && f->len == len && memcmp(bytes, f->bytes, len) == 0;
  free(bytes);
  return same;
}

/* Outlets are closed before the last sync. */
static void the_place_of_a_cursor_that_was_closed_is_synced (void **unused) {
  (void)unused;
  tl_spool_sync sync;
  open_spool();
  write_some();
  while (tl_spool_take_sync(spool, &sync))
    tl_spool_sync_done(spool, &sync, tl_spool_sync_run(&sync));
  tl_cursor_move(cursor, tl_spool_next(spool));
  tl_cursor_close(cursor);
  for (sync_fails = EIO;; sync_fails = 0) {
    assert_false(is_on_disk("db.cursor"));
    assert_true(tl_spool_take_sync(spool, &sync));
    tl_spool_sync_done(spool, &sync, tl_spool_sync_run(&sync));
    if (sync_fails == 0) break;
  }
  assert_true(is_on_disk("db.cursor"));
  assert_false(tl_spool_take_sync(spool, &sync));
  close_spool();
}

static void a_file_system_that_knows_no_sync_is_none_that_fails (void **unused) {
  (void)unused;
  open_spool();
  write_some();
  sync_fails = EINVAL;
  assert_int_equal(sync_all(), TL_OK);
  close_spool();
}

/* Another start of the machine stands in the lock's file. */
static void a_machine_that_was_started_anew_is_noticed (void **unused) {
  (void)unused;
  const char other[] = "1\n00000000-0000-0000-0000-000000000000\n";
  tl_spool_options options = { path, MAX, true };
  tl_spool_found found;
  tl_err err;
  open_spool();
  write_some();
  uint64_t next = tl_spool_next(spool);
  assert_int_equal(tl_cursor_doubt(cursor), 0);
  close_spool();
  write_file("lock", other, sizeof other - 1);
  assert_int_equal(tl_spool_open(&spool, &options, 1000, &found, &err), TL_OK);
  assert_true(found.power_failed);
  assert_int_equal(tl_cursor_open(&cursor, spool, "db", &err), TL_OK);
  assert_int_equal(tl_cursor_doubt(cursor), next); /* its place may be an old one */
  tl_spool_close(spool);
  assert_int_equal(tl_spool_open(&spool, &options, 1000, &found, &err), TL_OK);
  assert_false(found.power_failed); /* it was closed in between */
  for (int i = 0; i < 2; i++) {     /* the doubt is there until the cursor has passed it */
    assert_int_equal(tl_cursor_open(&cursor, spool, "db", &err), TL_OK);
    assert_int_equal(tl_cursor_doubt(cursor), i == 0 ? next : 0);
    tl_cursor_move(cursor, next);
    tl_cursor_close(cursor);
  }
  tl_spool_close(spool);
}

/* Its name was on the disk, its bytes were not. */
static void a_place_that_is_gone_is_the_oldest_values (void **unused) {
  (void)unused;
  open_spool();
  write_some();
  close_spool();
  write_file("db.cursor", "", 0);
  open_spool();
  assert_int_equal(tl_cursor_at(cursor), 1);
  assert_int_equal(tl_cursor_doubt(cursor), tl_spool_next(spool));
  close_spool();
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(what_is_synced_is_delivered_once),
    SPEC(a_sync_that_fails_is_tried_again_and_holds_nothing_up),
    SPEC(the_place_of_a_cursor_that_was_closed_is_synced),
    SPEC(a_file_system_that_knows_no_sync_is_none_that_fails),
    SPEC(a_machine_that_was_started_anew_is_noticed),
    SPEC(a_place_that_is_gone_is_the_oldest_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
