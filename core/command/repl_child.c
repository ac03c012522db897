/* core/command/repl_child.c — see repl_child.h. Knows nothing of what is typed. */
#include "command/repl_child.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/uv.h"

enum { LEAVE_MS = 3000 }; /* to leave the terminal by itself; then it gets a signal */

struct tl_repl_child {
  uv_process_t process;
  void (*ended)(void *ctx, int code);
  void *ctx;
  pid_t pid;
  bool detached, reaped;
};

static void on_exit_of_child (uv_process_t *process, int64_t status, int signum) {
  tl_repl_child *c = process->data;
  c->reaped = true;
  c->ended(c->ctx, signum != 0 ? 128 + signum : (int)status);
}

int tl_repl_child_start (tl_repl_child **out, tl_loop *loop, const char *path,
                         void (*ended)(void *ctx, int code), void *ctx, tl_err *err) {
  char exe[PATH_MAX];
  char *args[] = { "tagline", "repl", "--socket", (char *)(uintptr_t)path, "--logs", NULL };
  /* With the values on stdout, the terminal is where the log goes. */
  int screen = isatty(STDOUT_FILENO) || !isatty(STDERR_FILENO) ? STDOUT_FILENO : STDERR_FILENO;
  uv_stdio_container_t fds[3] = { { .flags = UV_INHERIT_FD, .data.fd = STDIN_FILENO },
                                  { .flags = UV_INHERIT_FD, .data.fd = screen },
                                  { .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO } };
  ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
  if (n < 0) return tl_fail(err, TL_ENOENT, 0, "the program's own file is not known");
  exe[n] = '\0';
  tl_repl_child *c = calloc(1, sizeof *c);
  if (!c) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  uv_process_options_t options = {
    .file = exe, .args = args, .exit_cb = on_exit_of_child, .stdio = fds, .stdio_count = 3
  };
  c->ended = ended;
  c->ctx = ctx;
  c->process.data = c;
  int rc = uv_spawn(tl_loop_uv(loop), &c->process, &options);
  if (rc < 0) {
    tl_fail(err, rc, 0, "cannot start the REPL: %s", uv_strerror(rc));
    c->reaped = true; /* the handle still has to be closed on the loop */
  } else {
    c->pid = c->process.pid;
  }
  *out = c;
  return rc;
}

void tl_repl_child_detach (tl_repl_child *c) {
  if (!c || c->detached) return;
  c->detached = true;
  tl_handle_close((uv_handle_t *)&c->process, NULL);
}

void tl_repl_child_free (tl_repl_child *c) {
  if (!c) return;
  int64_t until = tl_clock_mono_ms() + LEAVE_MS;
  while (!c->reaped && waitpid(c->pid, NULL, WNOHANG) == 0) {
    if (tl_clock_mono_ms() >= until) {
      kill(c->pid, SIGTERM);
      waitpid(c->pid, NULL, 0);
      break;
    }
    usleep(5000);
  }
  free(c);
}
