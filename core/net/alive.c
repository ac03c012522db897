/* core/net/alive.c — does the peer's TCP still answer? */
#include "net/alive.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/uv.h"

enum { ASKED_MIN = 2 }; /* the answer to one may be under way */

static void set (int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

void tl_alive_ask (int fd, int64_t every_ms) {
  int seconds = every_ms < 1000 ? 1 : (int)(every_ms / 1000);
#ifdef TCP_KEEPIDLE
  if (every_ms > 0) {
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
  }
#endif
  (void)seconds;
  set(fd, SOL_SOCKET, SO_KEEPALIVE, every_ms > 0);
}

int tl_alive_code (int fd, int64_t silence_ms) {
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0)
    return uv_translate_sys_error(error);
#ifdef __linux__
  struct tcp_info info = { .tcpi_state = 0 };
  len = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0) return 0;
  if (info.tcpi_state == TCP_CLOSE) return UV_ECONNRESET;
  int asked = info.tcpi_probes + info.tcpi_retransmits; /* since the last sign of life */
  if (info.tcpi_last_ack_recv >= silence_ms && asked >= ASKED_MIN) return UV_ETIMEDOUT;
#else
  (void)silence_ms;
#endif
  return 0;
}
