/* core/base/clock.c — asks the system for the time. Knows nothing else. */
#include "base/clock.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/starved.h"

volatile uint32_t tl_clock_busy;

static uint64_t read_ns (clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int64_t fixed_wall;
static bool is_fixed;

void tl_clock_fix (int64_t wall_ms) {
  fixed_wall = wall_ms;
  is_fixed = true;
}

int64_t tl_clock_wall_ms (void) {
  if (is_fixed) return fixed_wall;
  return (int64_t)(read_ns(CLOCK_REALTIME) / 1000000u);
}

int64_t tl_clock_mono_ms (void) { return (int64_t)(read_ns(CLOCK_MONOTONIC) / 1000000u); }

uint64_t tl_clock_mono_ns (void) { return read_ns(CLOCK_MONOTONIC); }

uint64_t tl_clock_cpu_ns (void) { return read_ns(CLOCK_THREAD_CPUTIME_ID); }

/* The second number of three. The kernel makes the text; no disk is waited for. */
uint64_t tl_starved_ns (const char *path) {
  char text[80], *end = text;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
  if (fd >= 0) close(fd);
  text[n > 0 ? n : 0] = '\0';
  strtoull(text, &end, 10);
  return strtoull(end, NULL, 10);
}

/* "7 (name) R …": a name may have any characters. */
bool tl_is_ready (const char *path) {
  char text[80];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
  if (fd >= 0) close(fd);
  text[n > 0 ? n : 0] = '\0';
  const char *state = strrchr(text, ')');
  return state && strncmp(state, ") R", 3) == 0;
}

uint64_t tl_clock_starved_ns (void) { return tl_starved_ns("/proc/thread-self/schedstat"); }
