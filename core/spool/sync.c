/* core/spool/sync.c — what is written is brought onto the disk: segments, places of outlets, the
** names of new files. A thread of the pool waits for the disk, never the loop. See spool.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "spool/spool_impl.h"

/* --- what is to be synced: on the loop's thread --- */

void tl_spool_leave_place (tl_spool *s, const char *name) {
  const uint32_t most = sizeof s->disk.left.names / sizeof s->disk.left.names[0];
  for (uint32_t i = 0; i < s->disk.left.count; i++)
    if (strcmp(s->disk.left.names[i], name) == 0) return;
  if (s->disk.left.count == most) return; /* an old place costs a repetition */
  snprintf(s->disk.left.names[s->disk.left.count++], sizeof s->disk.left.names[0], "%s", name);
}

void tl_spool_take_places (tl_spool *s, tl_spool_places *out) {
  const uint32_t most = sizeof out->names / sizeof out->names[0];
  *out = s->disk.left;
  s->disk.left.count = 0;
  for (tl_cursor *c = s->cursors; c && out->count < most; c = c->next) {
    if (!c->unsynced) continue;
    c->unsynced = false;
    snprintf(out->names[out->count++], sizeof out->names[0], "%s", c->name);
  }
}

/* Where the segment's numbers end. */
static uint64_t end_of (const tl_spool *s, uint32_t i) {
  return i + 1 < s->count ? s->segments[i + 1].first : s->next;
}

/* What the next sync brings onto the disk: the segments with values behind the last sync (16 at
** most; the rest come with the next one), the cursors that moved, and names, when files were
** made. False: all values and names are on the disk, and the places of cursors that were closed.
** When this is asked: outlet/sync.c, begin(). */
bool tl_spool_take_sync (tl_spool *s, tl_spool_sync *out) {
  const uint32_t most = sizeof out->first / sizeof out->first[0];
  if (s->disk.synced >= s->next && !s->disk.names && s->disk.left.count == 0) return false;
  *out = (tl_spool_sync){
    .folder = s->folder, .next = s->disk.synced, .names = s->disk.names, .fresh = s->disk.fresh
  };
  for (uint32_t i = 0; i < s->count && out->count < most; i++) {
    if (end_of(s, i) <= s->disk.synced) continue;
    out->first[out->count++] = out->in = s->segments[i].first;
    out->bytes = s->segments[i].bytes;
    out->next = end_of(s, i);
  }
  if (s->count == 0) out->next = s->next; /* all were dropped */
  tl_spool_take_places(s, &out->places);
  s->disk.names = false;
  return true;
}

/* Readers may go on to where the sync went, whether it worked or not (spool.h says why); `synced`
** only when it did. */
void tl_spool_sync_done (tl_spool *s, const tl_spool_sync *sync, int rc) {
  if (sync->next > s->disk.readable) {
    s->disk.readable = sync->next;
    s->disk.segment = sync->in;
    s->disk.bytes = sync->bytes;
  }
  if (rc < 0) {
    s->disk.names = true;
    for (uint32_t i = 0; i < sync->places.count; i++)
      tl_spool_leave_place(s, sync->places.names[i]);
    return;
  }
  if (sync->next > s->disk.synced) s->disk.synced = sync->next;
  s->disk.fresh = false;
}

uint64_t tl_spool_synced (const tl_spool *s) { return s->disk.synced; }

bool tl_spool_where_synced (const tl_spool *s, uint64_t at, tl_spool_place *out) {
  if (at >= s->disk.readable || !tl_spool_where(s, at, out) || out->first >= s->disk.readable)
    return false;
  if (out->first == s->disk.segment) out->end = s->disk.bytes;
  if (out->until > s->disk.readable) out->until = s->disk.readable;
  return true;
}

/* --- on a thread of the pool --- */

/* File systems that keep nothing anyway know no sync. */
static int sync_fd (int fd, int (*sync)(int fd)) {
  return sync(fd) < 0 && errno != EINVAL && errno != ENOSYS && errno != EROFS ? -errno : TL_OK;
}

/* A file that is gone meanwhile needs no sync. */
static int sync_file (int folder, const char *name, int flags, int (*sync)(int fd)) {
  int fd = openat(folder, name, flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return errno == ENOENT ? TL_OK : -errno;
  int rc = sync_fd(fd, sync);
  close(fd);
  return rc;
}

static void keep_first (int *rc, int other) {
  if (*rc >= 0) *rc = other;
}

static int sync_places (int folder, const tl_spool_places *places) {
  int rc = TL_OK;
  for (uint32_t i = 0; i < places->count; i++) {
    char name[80];
    snprintf(name, sizeof name, "%s.cursor", places->names[i]);
    keep_first(&rc, sync_file(folder, name, 0, fdatasync));
  }
  return rc;
}

void tl_spool_sync_places (int folder, const tl_spool_places *places) {
  (void)sync_places(folder, places); /* an old place costs a repetition */
}

int tl_spool_sync_run (const tl_spool_sync *sync) {
  int rc = TL_OK;
  for (uint32_t i = 0; i < sync->count; i++) {
    char name[32];
    tl_segment_name(sync->first[i], name);
    keep_first(&rc, sync_file(sync->folder, name, 0, fdatasync));
  }
  keep_first(&rc, sync_places(sync->folder, &sync->places));
  if (sync->fresh) keep_first(&rc, sync_file(sync->folder, "lock", 0, fdatasync));
  if (sync->names) keep_first(&rc, sync_fd(sync->folder, fsync));
  /* the folder itself may be new; its parent may be closed to us, and then was there before */
  if (sync->fresh) (void)sync_file(sync->folder, "..", O_DIRECTORY, fsync);
  return rc;
}
