/* spec/session_store/disk.h — a disk that counts syncs and fails when a spec says so: an SQLite
** VFS in front of the usual one. */
#ifndef SPEC_STORE_DISK_H
#define SPEC_STORE_DISK_H

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static struct {
  int syncs;
  int fail_write, fail_sync; /* SQLite results; 0: works */
} disk;

typedef struct {
  sqlite3_file base;
  sqlite3_int64 align;
} disk_file; /* in front of the real file's structure */

static sqlite3_vfs disk_vfs, *disk_real;

static sqlite3_file *real_of (sqlite3_file *f) {
  return (sqlite3_file *)((char *)f + sizeof(disk_file));
}

static int disk_close (sqlite3_file *f) { return real_of(f)->pMethods->xClose(real_of(f)); }
static int disk_read (sqlite3_file *f, void *to, int n, sqlite3_int64 at) {
  return real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}
static int disk_write (sqlite3_file *f, const void *from, int n, sqlite3_int64 at) {
  return disk.fail_write ? disk.fail_write : real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
}
static int disk_truncate (sqlite3_file *f, sqlite3_int64 n) {
  return real_of(f)->pMethods->xTruncate(real_of(f), n);
}
static int disk_sync (sqlite3_file *f, int flags) {
  disk.syncs++;
  return disk.fail_sync ? disk.fail_sync : real_of(f)->pMethods->xSync(real_of(f), flags);
}
static int disk_size (sqlite3_file *f, sqlite3_int64 *n) {
  return real_of(f)->pMethods->xFileSize(real_of(f), n);
}
static int disk_lock (sqlite3_file *f, int level) {
  return real_of(f)->pMethods->xLock(real_of(f), level);
}
static int disk_unlock (sqlite3_file *f, int level) {
  return real_of(f)->pMethods->xUnlock(real_of(f), level);
}
static int disk_reserved (sqlite3_file *f, int *out) {
  return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}
static int disk_control (sqlite3_file *f, int op, void *arg) {
  return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}
static int disk_sector (sqlite3_file *f) { return real_of(f)->pMethods->xSectorSize(real_of(f)); }
static int disk_traits (sqlite3_file *f) {
  return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

/* Version 1: no shared memory and no mapping, which the store must not need. */
static const sqlite3_io_methods disk_methods = {
  1,         disk_close,  disk_read,     disk_write,   disk_truncate, disk_sync,   disk_size,
  disk_lock, disk_unlock, disk_reserved, disk_control, disk_sector,   disk_traits, NULL,
  NULL,      NULL,        NULL,          NULL,         NULL
};

static int disk_open (sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out) {
  (void)vfs;
  f->pMethods = NULL;
  int rc = disk_real->xOpen(disk_real, name, real_of(f), flags, out);
  if (rc == SQLITE_OK) f->pMethods = &disk_methods;
  return rc;
}

static void disk_install (void) {
  disk_real = sqlite3_vfs_find(NULL);
  disk_vfs = *disk_real;
  disk_vfs.zName = "spec-disk";
  disk_vfs.szOsFile = (int)sizeof(disk_file) + disk_real->szOsFile;
  disk_vfs.xOpen = disk_open;
  disk_vfs.pNext = NULL;
  sqlite3_vfs_register(&disk_vfs, 1);
}

#endif
