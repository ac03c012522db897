/* spec/support/failing_sqlite.h — what fails in torture.h's way of SQLite: each call of ours, or
** also its own requests for memory and calls of the system, of which there are many.
** sqlite_fails_too() comes before anything else of SQLite. */
#ifndef SPEC_SUPPORT_FAILING_SQLITE_H
#define SPEC_SUPPORT_FAILING_SQLITE_H

#include <fcntl.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <unistd.h>

#include "support/torture.h"

static bool lite_inside; /* also what SQLite asks for itself */

FAILING(sqlite3_open_v2, int, SQLITE_CANTOPEN,
        (const char *path, sqlite3 **db, int flags, const char *vfs), (path, db, flags, vfs))
FAILING(sqlite3_prepare_v2, int, (*out = NULL, SQLITE_IOERR),
        (sqlite3 * db, const char *sql, int n, sqlite3_stmt **out, const char **tail),
        (db, sql, n, out, tail))
FAILING(sqlite3_prepare_v3, int, (*out = NULL, SQLITE_IOERR),
        (sqlite3 * db, const char *sql, int n, unsigned flags, sqlite3_stmt **out,
         const char **tail),
        (db, sql, n, flags, out, tail))
FAILING(sqlite3_step, int, SQLITE_IOERR, (sqlite3_stmt * s), (s))
FAILING(sqlite3_exec, int, SQLITE_IOERR,
        (sqlite3 * db, const char *sql, int (*f)(void *, int, char **, char **), void *ctx,
         char **why),
        (db, sql, f, ctx, why))

WRAPPED(sqlite3_mprintf, char *__wrap_sqlite3_mprintf(const char *format, ...);)
char *__wrap_sqlite3_mprintf (const char *format, ...) {
  va_list args;
  if (memory_is_refused()) return NULL;
  va_start(args, format);
  char *text = sqlite3_vmprintf(format, args);
  va_end(args);
  return text;
}

static bool lite_is_refused (void) { return lite_inside && memory_is_refused(); }
static void *lite_malloc (int n) { return lite_is_refused() ? NULL : __real_malloc((size_t)n); }
static void *lite_realloc (void *at, int n) {
  return lite_is_refused() ? NULL : __real_realloc(at, (size_t)n);
}
static int lite_size (void *at) { return (int)malloc_usable_size(at); }
static int lite_round (int n) { return (n + 7) & ~7; }
static int lite_init (void *ctx) { return (void)ctx, SQLITE_OK; }
static void lite_shutdown (void *ctx) { (void)ctx; }

static int lite_errno; /* of a write that fails */
static int lite_refuses (int code) {
  if (!lite_is_refused()) return 0;
  errno = code;
  return -1;
}
static int lite_open (const char *path, int flags, int mode) {
  return lite_refuses(EMFILE) < 0 ? -1 : open(path, flags, mode);
}
static ssize_t lite_pread (int fd, void *at, size_t n, off_t from) {
  return lite_refuses(EIO) < 0 ? -1 : pread(fd, at, n, from);
}
static ssize_t lite_pwrite (int fd, const void *at, size_t n, off_t from) {
  return lite_refuses(lite_errno) < 0 ? -1 : pwrite(fd, at, n, from);
}
static int lite_ftruncate (int fd, off_t n) {
  return lite_refuses(EIO) < 0 ? -1 : ftruncate(fd, n);
}

/* In place of libc's: what a power failure leaves is not asked for here, and disks are slow. */
int fsync (int fd) { return (void)fd, 0; }
int fdatasync (int fd) { return (void)fd, 0; }

static inline void sqlite_fails_too (void) {
  static const sqlite3_mem_methods memory = { lite_malloc, free,      lite_realloc,  lite_size,
                                              lite_round,  lite_init, lite_shutdown, NULL };
  static const struct {
    const char *name;
    void (*call)(void);
  } calls[] = {
    { "open", (void (*)(void))lite_open },       { "pread", (void (*)(void))lite_pread },
    { "pread64", (void (*)(void))lite_pread },   { "pwrite", (void (*)(void))lite_pwrite },
    { "pwrite64", (void (*)(void))lite_pwrite }, { "ftruncate", (void (*)(void))lite_ftruncate },
  };
  lite_errno = ENOSPC;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
  sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");
  assert_non_null(unix_vfs);
  for (size_t i = 0; i < COUNT(calls); i++)
    unix_vfs->xSetSystemCall(unix_vfs, calls[i].name, calls[i].call);
}

#endif
