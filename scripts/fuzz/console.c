/* scripts/fuzz/console.c — libFuzzer target of the console: the input is what a client writes into
** the socket of a running process, cut in two. The process must live on, and answer the next
** client. */
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/log.h"
#include "command/attach.h"
#include "command/start.h"
#include "console/client.h"
#include "folder.h"
#include "gateway/gateway.h"
#include "net/uv.h"

static tl_loop *loop;
static tl_script *script;
static tl_gateway *gateway;
static tl_attach *attach;
static tl_console *console;

static void check (bool holds) {
  if (!holds) abort();
}

static void turns (int n) {
  while (n-- > 0) uv_run(tl_loop_uv(loop), UV_RUN_NOWAIT);
}

static void on_stopped (void *ctx) { *(bool *)ctx = true; }

/* What is leaked by then, the sanitizer tells. */
static void end (void) {
  bool stopped = false;
  tl_console_close(console);
  turns(3);
  tl_gateway_stop(gateway, on_stopped, &stopped);
  while (!stopped) turns(1);
  tl_gateway_free(gateway);
  tl_script_free(script);
  tl_attach_free(attach);
  tl_loop_free(loop);
}

int LLVMFuzzerInitialize (int *argc, char ***argv) {
  (void)argc, (void)argv;
  tl_err err;
  make_folder();
  signal(SIGPIPE, SIG_IGN);
  tl_log_set_level(TL_LOG_ERROR);
  check(tl_loop_new(&loop) == 0);
  script = tl_start_script(false, false);
  check(script && tl_gateway_new(&gateway, loop, &tl_script_handlers, script) == 0);
  tl_script_attach(script, gateway, loop);
  check(tl_attach_new(&attach, script) == 0);
  check(tl_console_listen(&console, loop, in_folder("socket"), &tl_attach_events, attach, &err) ==
        0);
  atexit(end);
  return 0;
}

static int client (void) {
  struct sockaddr_un sa = { .sun_family = AF_UNIX };
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  snprintf(sa.sun_path, sizeof sa.sun_path, "%s", in_folder("socket"));
  check(fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
  return fd;
}

static void send_all (int fd, const uint8_t *at, size_t len) {
  while (len > 0) {
    ssize_t n = send(fd, at, len, 0);
    if (n <= 0) return; /* it was thrown out */
    at += n;
    len -= (size_t)n;
    turns(1);
  }
}

/* Another client asks for a sum; the answer has an 'r' frame with it. */
static void answers (void) {
  static const uint8_t ask[] = "h\0\0\0\x02{}"
                               "e\0\0\0\x04"
                               "40+2";
  uint8_t in[256];
  size_t len = 0;
  int fd = client();
  send_all(fd, ask, sizeof ask - 1);
  for (int n = 0; n < 200 && len < sizeof in; n++) {
    turns(1);
    ssize_t got = recv(fd, in + len, sizeof in - len, 0);
    if (got > 0) len += (size_t)got;
    if (len > 5) break;
  }
  check(len > 5 && in[0] == 'r');
  close(fd);
  turns(3);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  size_t cut = (size_t)data[0] * size / 256;
  data++;
  size--;
  if (cut > size) cut = size;
  int fd = client();
  turns(2);
  send_all(fd, data, cut);
  turns(2);
  send_all(fd, data + cut, size - cut);
  turns(3);
  close(fd);
  turns(3);
  answers();
  return 0;
}
