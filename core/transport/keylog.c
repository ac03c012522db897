/* core/transport/keylog.c — what opens a recording of a connection goes into a file, for
** those who look for faults with one. In a thread: the loop waits for no disk. */
#include "transport/transport_impl.h"

#include <stdlib.h>

#include "files/append.h"

typedef struct {
  tl_buf lines;
  char path[];
} job;

static void run (void *ctx) {
  job *j = ctx;
  tl_file_append(j->path, 0600,
                 tl_buf_bytes(&j->lines)); /* whoever set it sees that it is not there */
}

static void done (void *ctx) { (void)ctx; }

static void drop (void *ctx) {
  job *j = ctx;
  if (j->lines.len > 0) memset(j->lines.at, 0, j->lines.len);
  tl_buf_fini(&j->lines);
  free(j);
}

void stack_log_keys (stack *s) {
  tl_buf *lines = tl_tls_keylog(s->tls);
  tl_slice path = s->goal.target.secure.keylog;
  tl_thread *work;
  if (lines->len == 0) return;
  job *j = calloc(1, sizeof *j + path.len + 1);
  if (!j) return;
  memcpy(j->path, path.at, path.len);
  j->lines = *lines;
  tl_buf_init(lines);
  if (tl_thread_start(&work, s->all->loop, run, done, drop, j) < 0) drop(j);
}
