/* scripts/fuzz/folder.h — a folder of its own in memory for targets that read files. It stays when
** the target ends in a finding; what lies there is the last input. */
#ifndef FUZZ_FOLDER_H
#define FUZZ_FOLDER_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];

static inline void make_folder (void) {
  if (folder[0]) return;
  snprintf(folder, sizeof folder, "/dev/shm/tagline-fuzz.%d.XXXXXX", (int)getpid());
  if (!mkdtemp(folder)) abort();
}

/* The path of a file there, in a buffer that the next call overwrites. */
static inline const char *in_folder (const char *name) {
  static char path[160];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static inline void write_file (const char *name, const uint8_t *bytes, size_t len) {
  int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, bytes, len) != (ssize_t)len) abort();
  close(fd);
}

#endif
