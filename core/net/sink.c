/* core/net/sink.c — writes to a file descriptor that was given to the program, without changing
** it for others. Knows nothing of what it writes.
**
** stdout is mostly shared: with stderr ("2>&1"), with the shell, with other programs on the
** terminal. O_NONBLOCK belongs to what is shared, so setting it would make their writes fail;
** and libuv sets it on whatever it polls. Therefore:
** - a pipe or terminal is opened once more through /proc, which gives a description of our own
** to set it on;
** - where that is not permitted (a pipe of another user), we ask poll() first and write no more
** than what then cannot block;
** - a socket takes the wish per call (MSG_DONTWAIT);
** - a file, or /dev/null, is written at once: it has no reader to wait for. Readiness comes
** through an epoll of our own, which holds the descriptor and is in turn what libuv polls. */
#include "net/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/uv.h"

enum {
  /* bytes written per wake-up at most, so that a fast reader does not hold up the loop */
  TURN = 1 << 20,
  KEEP = 256 << 10, /* memory kept when everything is written */
  PAGE = 4096,      /* of a pipe */
  WRITES = 64       /* of which the sizes are remembered */
};

typedef enum { PLAIN, SOCKET, OWN, CAUTIOUS } kind;

struct tl_sink {
  uv_poll_t poll; /* on `epoll`; not for PLAIN */
  tl_loop *loop;
  void (*drained)(void *ctx);
  void (*failed)(void *ctx, int code, const char *text);
  void *ctx;
  tl_buf buf;
  size_t at; /* buf[0..at) is written */
  kind kind;
  int fd, epoll;
  /* waiting: for room; half: the socket's other side only stopped sending */
  bool waiting, broken, half;
  bool mid; /* the last byte written does not end a line */
  int code;
  char name[24];
  size_t pages;          /* of a pipe; 0: it is none */
  size_t writes[WRITES]; /* the last ones' bytes, a ring */
  unsigned write;
  tl_timer *again; /* a file that waits for room; NULL: it fails */
  void (*full)(void *ctx, const char *why);
  bool is_full; /* code says why */
};

enum { AGAIN_MS = 1000 };

static void tell_failed (void *ctx) {
  tl_sink *s = ctx;
  char text[128];
  if (s->code == UV_EPIPE)
    snprintf(text, sizeof text, "%s: the reader is gone", s->name);
  else
    snprintf(text, sizeof text, "write to %s: %s", s->name,
             s->code == TL_ENOMEM ? "out of memory" : uv_strerror(s->code));
  s->failed(s->ctx, s->code, text);
}

/* Reported later, from the loop: tl_sink_flush() is called in the middle of its owner's work. */
static bool fail (tl_sink *s, int code) {
  if (s->broken) return false;
  s->broken = true;
  s->code = code;
  if (s->kind != PLAIN) uv_poll_stop(&s->poll);
  if (tl_loop_later(s->loop, tell_failed, s) < 0) tell_failed(s);
  return false;
}

/* --- a file on a full disk --- */

const char *tl_sink_why (const tl_sink *s) { return s->is_full ? uv_strerror(s->code) : NULL; }

static void tell_full (void *ctx) {
  tl_sink *s = ctx;
  char text[128];
  if (s->is_full) snprintf(text, sizeof text, "write to %s: %s", s->name, uv_strerror(s->code));
  s->full(s->ctx, s->is_full ? text : NULL);
}

/* Waits for room, or it is there again. */
static void set_full (tl_sink *s, bool is_full) {
  if (is_full)
    tl_timer_at(s->again, tl_loop_now(s->loop) + AGAIN_MS);
  else if (s->again)
    tl_timer_stop(s->again);
  if (s->is_full == is_full) return;
  s->is_full = is_full;
  if (tl_loop_later(s->loop, tell_full, s) < 0) tell_full(s);
}

static bool waits_for_room (tl_sink *s, int code) {
  if (!s->again || (code != UV_ENOSPC && code != uv_translate_sys_error(EDQUOT))) return false;
  s->code = code;
  set_full(s, true);
  return true;
}

static void try_again (void *ctx) {
  tl_sink *s = ctx;
  if (tl_sink_flush(s)) s->drained(s->ctx);
}

int tl_sink_wait_for_room (tl_sink *s, void (*full)(void *ctx, const char *why)) {
  struct stat st;
  if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode)) return TL_OK;
  s->full = full;
  return tl_timer_new(&s->again, s->loop, try_again, s);
}

/* --- a pipe --- */

/* How many pages of the pipe are in use. The kernel fills new pages with each write. Only the last
** bytes of a write, which do not fill a page, may go behind those of the write before, if there is
** room in its page. */
static size_t pages_used (const tl_sink *s, size_t unread) {
  size_t first = 0, sum = 0, pages = 0, left = 0;
  while (first < WRITES && sum < unread) sum += s->writes[(s->write - ++first) % WRITES];
  if (sum < unread) return SIZE_MAX; /* others wrote, too, or we in many pieces */
  for (size_t i = first; i > 0; i--) {
    size_t n = s->writes[(s->write - i) % WRITES], odd = n % PAGE;
    if (odd > 0 && odd <= left) {
      n -= odd;
      left -= odd;
    }
    pages += (n + PAGE - 1) / PAGE;
    if (n > 0) left = n % PAGE > 0 ? PAGE - n % PAGE : 0;
  }
  return pages;
}

/* A socket counts what its buffers take, and not more than twice what is in them. */
static size_t socket_room (const tl_sink *s) {
  int held, size;
  socklen_t len = sizeof size;
  if (ioctl(s->fd, SIOCOUTQ, &held) != 0 ||
      getsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &size, &len) != 0)
    return PIPE_BUF;
  return size > held && (size_t)(size - held) / 2 > PIPE_BUF ? (size_t)(size - held) / 2 : PIPE_BUF;
}

/* Bytes that one write brings into the pipe as a whole. PIPE_BUF always, or nothing of it. */
static size_t room_of (const tl_sink *s) {
  int unread;
  if (s->kind == SOCKET) return socket_room(s);
  if (s->pages == 0 || ioctl(s->fd, FIONREAD, &unread) != 0) return PIPE_BUF;
  size_t used = pages_used(s, (size_t)unread);
  return used < s->pages && (s->pages - used) * PAGE > PIPE_BUF ? (s->pages - used) * PAGE
                                                                : PIPE_BUF;
}

/* How many bytes to write in one call. All of them if the pipe has room: a kill between two writes
** would lose the rest.
** Otherwise only whole lines, unless a line is longer than PIPE_BUF. So the pipe holds no part of a
** line when the reader or this process ends. */
static size_t portion (const tl_sink *s, const uint8_t *at, size_t n) {
  if (n <= PIPE_BUF) return n;
  size_t room = room_of(s);
  if (n <= room) return n;
  const uint8_t *end = memrchr(at, '\n', room);
  return end ? (size_t)(end - at) + 1 : room;
}

/* Bytes written; 0: no room now; negative: errno as libuv's code. */
static ssize_t put (tl_sink *s, const uint8_t *at, size_t n) {
  ssize_t rc;
  if (s->kind == CAUTIOUS) {
    struct pollfd p = { .fd = s->fd, .events = POLLOUT };
    if (poll(&p, 1, 0) == 0) return 0;
  }
  if (s->kind != PLAIN) n = portion(s, at, n);
  do {
    rc = s->kind == SOCKET ? send(s->fd, at, n, MSG_DONTWAIT | MSG_NOSIGNAL) : write(s->fd, at, n);
  } while (rc < 0 && errno == EINTR);
  if (rc < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && s->kind != PLAIN) return 0;
  if (rc > 0) s->writes[s->write++ % WRITES] = (size_t)rc;
  return rc < 0 ? uv_translate_sys_error(errno) : rc;
}

/* Wait for room to write, or (room false) only for the end of the reader, which epoll always
** reports. */
static void watch (tl_sink *s, bool room) {
  struct epoll_event ev = { .events = (room ? EPOLLOUT : 0) | (s->half ? 0 : EPOLLRDHUP) };
  if (s->waiting == room) return;
  s->waiting = room;
  epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->fd, &ev);
  if (room)
    uv_ref((uv_handle_t *)&s->poll);
  else
    uv_unref((uv_handle_t *)&s->poll);
}

bool tl_sink_flush (tl_sink *s) {
  size_t turn = 0;
  if (s->broken) { /* nobody will take it */
    s->at = 0;
    tl_buf_clear(&s->buf);
    return false;
  }
  if (s->buf.failed) return fail(s, TL_ENOMEM);
  while (s->at < s->buf.len && (turn < TURN || s->kind == PLAIN)) {
    size_t n = s->buf.len - s->at;
    ssize_t rc = put(s, s->buf.at + s->at, n > TURN ? TURN : n);
    if (rc < 0 && waits_for_room(s, (int)rc)) return false;
    if (rc < 0) return fail(s, (int)rc);
    if (rc == 0) break;
    s->at += (size_t)rc;
    s->mid = s->buf.at[s->at - 1] != '\n';
    turn += (size_t)rc;
  }
  if (s->at == s->buf.len) {
    s->at = 0;
    tl_buf_clear(&s->buf);
    tl_buf_shrink(&s->buf, KEEP);
  } else if (s->at > s->buf.len / 2) {
    /* not each time: moving the rest would cost more than writing it */
    tl_buf_drop(&s->buf, s->at);
    s->at = 0;
  }
  bool done = s->buf.len == 0;
  if (done) set_full(s, false);
  if (s->kind != PLAIN) watch(s, !done);
  return done;
}

/* Makes the pipe or the socket's buffer large enough for n bytes more. The limits are the
** system's: 1 MiB for a pipe, mostly. */
static void enlarge (const tl_sink *s, size_t n) {
  int held = 0;
  if (n > INT_MAX / 4) return;
  if (s->kind == SOCKET) {
    if (ioctl(s->fd, SIOCOUTQ, &held) != 0) held = 0;
    int size = held + 2 * (int)n;
    if (setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
      setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  } else if (s->pages > 0) {
    int size = fcntl(s->fd, F_GETPIPE_SZ);
    if (size > 0) fcntl(s->fd, F_SETPIPE_SZ, size + (int)n + PAGE);
  }
}

bool tl_sink_end_line (tl_sink *s) {
  if (s->broken || !s->mid || s->buf.failed) return !s->mid;
  const uint8_t *at = s->buf.at + s->at, *end = memchr(at, '\n', s->buf.len - s->at);
  if (!end) return false;
  size_t n = (size_t)(end - at) + 1;
  enlarge(s, n);
  while (n > 0) {
    ssize_t rc = put(s, s->buf.at + s->at, n);
    if (rc <= 0) return false;
    s->at += (size_t)rc;
    n -= (size_t)rc;
  }
  s->mid = false;
  return true;
}

static void on_poll (uv_poll_t *poll, int status, int events) {
  tl_sink *s = poll->data;
  struct epoll_event ev;
  (void)events;
  if (status < 0) {
    fail(s, status);
    return;
  }
  if (epoll_wait(s->epoll, &ev, 1, 0) != 1) return;
  if (ev.events & (EPOLLERR | EPOLLHUP)) {
    fail(s, UV_EPIPE);
  } else if (s->waiting && (ev.events & EPOLLOUT)) {
    if (tl_sink_flush(s)) s->drained(s->ctx);
  } else if (ev.events & EPOLLRDHUP) {
    /* it sends nothing more, which says nothing about reading; do not hear of it again */
    struct epoll_event mod = { .events = s->waiting ? EPOLLOUT : 0 };
    s->half = true;
    epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->fd, &mod);
  }
}

/* What fd is, and the descriptor to write to (fd itself or one of our own). */
static kind look_at (int fd, int *use) {
  struct stat st;
  char path[40];
  *use = fd;
  if (fstat(fd, &st) < 0) return PLAIN; /* the first write says what is wrong */
  if (S_ISSOCK(st.st_mode)) return SOCKET;
  if (!S_ISFIFO(st.st_mode) && !isatty(fd)) return PLAIN;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (own < 0) return CAUTIOUS;
  *use = own;
  return OWN;
}

static int start_poll (tl_sink *s) {
  struct epoll_event ev = { .events = EPOLLRDHUP };
  s->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (s->epoll < 0) return uv_translate_sys_error(errno);
  int rc = epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->fd, &ev) < 0 ? uv_translate_sys_error(errno) : 0;
  if (rc == 0) rc = uv_poll_init(tl_loop_uv(s->loop), &s->poll, s->epoll);
  if (rc < 0) {
    close(s->epoll);
    return rc;
  }
  s->poll.data = s;
  rc = uv_poll_start(&s->poll, UV_READABLE, on_poll);
  assert(rc == 0);                   /* only a closing handle is refused */
  uv_unref((uv_handle_t *)&s->poll); /* an idle sink keeps nobody waiting */
  return 0;
}

int tl_sink_new (tl_sink **out, tl_loop *loop, int fd, void (*drained)(void *ctx),
                 void (*failed)(void *ctx, int code, const char *text), void *ctx) {
  tl_sink *s = calloc(1, sizeof *s);
  if (!s) return TL_ENOMEM;
  s->loop = loop;
  s->drained = drained;
  s->failed = failed;
  s->ctx = ctx;
  tl_buf_init(&s->buf);
  if (fd == STDOUT_FILENO)
    snprintf(s->name, sizeof s->name, "standard output");
  else
    snprintf(s->name, sizeof s->name, "descriptor %d", fd);
  s->kind = look_at(fd, &s->fd);
  int size = s->kind == PLAIN ? -1 : fcntl(s->fd, F_GETPIPE_SZ);
  s->pages = size > 0 ? (size_t)size / PAGE : 0;
  int rc = s->kind == PLAIN ? 0 : start_poll(s);
  if (rc < 0) {
    if (s->kind == OWN) close(s->fd);
    free(s);
    return rc;
  }
  *out = s;
  return TL_OK;
}

tl_buf *tl_sink_buf (tl_sink *s) { return &s->buf; }

size_t tl_sink_pending (const tl_sink *s) { return s->buf.len - s->at; }

size_t tl_sink_lines (const tl_sink *s) {
  size_t lines = 0;
  for (size_t at = s->at; at < s->buf.len; at++) lines += s->buf.at[at] == '\n';
  return lines;
}

static void on_closed (uv_handle_t *handle) {
  tl_sink *s = handle->data;
  close(s->epoll);
  if (s->kind == OWN) close(s->fd);
  free(s);
}

void tl_sink_close (tl_sink *s) {
  if (!s) return;
  tl_loop_forget(s->loop, tell_failed, s);
  tl_loop_forget(s->loop, tell_full, s);
  tl_timer_close(s->again);
  tl_buf_fini(&s->buf);
  if (s->kind == PLAIN)
    free(s);
  else
    tl_handle_close((uv_handle_t *)&s->poll, on_closed);
}
