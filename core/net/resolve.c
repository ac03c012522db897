/* core/net/resolve.c — host names to addresses, one thread per look-up (thread.h). Knows nothing
** of connections. */
#include "net/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/thread.h"
#include "net/uv.h"

/* Of the thread, but for r: the loop's, NULL once nobody wants to know. */
typedef struct {
  tl_resolve *r;
  int code;
  struct addrinfo *list;
  char port[8];
  char host[];
} job;

struct tl_resolve {
  tl_thread *thread;
  void (*done)(void *ctx, int code, struct addrinfo *list);
  void *ctx;
};

static int code_of (int eai) {
  switch (eai) {
    case 0: return 0;
    case EAI_AGAIN: return UV_EAI_AGAIN;
    case EAI_FAIL: return UV_EAI_FAIL;
    case EAI_FAMILY: return UV_EAI_FAMILY;
    case EAI_MEMORY: return UV_EAI_MEMORY;
    case EAI_NODATA: return UV_EAI_NODATA;
    case EAI_NONAME: return UV_EAI_NONAME;
    case EAI_SERVICE: return UV_EAI_SERVICE;
    case EAI_SYSTEM: return errno ? uv_translate_sys_error(errno) : UV_EAI_FAIL;
    default: return UV_EAI_FAIL;
  }
}

const char *tl_resolve_text (int code) {
  switch (code) {
    case UV_EAI_NONAME: return "name not known";
    case UV_EAI_NODATA: return "the name has no address";
    case UV_EAI_AGAIN: return "no answer from the name server";
    case UV_EAI_FAIL: return "the name server failed";
    case UV_EAI_MEMORY:
    case TL_ENOMEM: return "out of memory";
    default: return uv_strerror(code);
  }
}

static int look_up (const char *host, const char *port, int flags, struct addrinfo **list) {
  struct addrinfo hints = { .ai_family = AF_UNSPEC,
                            .ai_socktype = SOCK_STREAM,
                            .ai_flags = AI_NUMERICSERV | flags };
  *list = NULL;
  errno = 0;
  return code_of(getaddrinfo(host, port, &hints, list));
}

static void run (void *arg) {
  job *j = arg;
  j->code = look_up(j->host, j->port, 0, &j->list);
}

static void drop (void *arg) {
  job *j = arg;
  if (j->list) freeaddrinfo(j->list);
  free(j);
}

static void on_done (void *arg) {
  job *j = arg;
  tl_resolve r = *j->r;
  struct addrinfo *list = j->list;
  j->list = NULL;
  free(j->r); /* before `done`, which may free what owns it */
  r.done(r.ctx, j->code, list);
}

int tl_resolve_start (tl_resolve **out, struct addrinfo **list, tl_loop *loop, const char *host,
                      uint16_t port, void (*done)(void *ctx, int code, struct addrinfo *list),
                      void *ctx) {
  size_t len = strlen(host) + 1;
  job *j = calloc(1, sizeof *j + len);
  tl_resolve *r = calloc(1, sizeof *r);
  int rc = TL_ENOMEM;
  if (j && r) {
    memcpy(j->host, host, len);
    snprintf(j->port, sizeof j->port, "%u", port);
    rc = look_up(host, j->port, AI_NUMERICHOST, list) == 0 ? 1 : 0;
  }
  if (rc == 0) {
    *r = (tl_resolve){ .done = done, .ctx = ctx };
    j->r = r;
    rc = tl_thread_start(&r->thread, loop, run, on_done, drop, j);
    if (rc == 0) {
      *out = r;
      return 0;
    }
  }
  free(j);
  free(r);
  return rc;
}

void tl_resolve_cancel (tl_resolve *r) {
  if (!r) return;
  tl_thread_cancel(r->thread);
  free(r);
}
