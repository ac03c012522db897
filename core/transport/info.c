/* core/transport/info.c — what a connection is made of, for people; and what connections share.
** Must not change any. */
#include "transport/transport_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/printable.h"
#include "base/format.h"

int tl_transports_new (tl_transports **out, tl_loop *loop) {
  tl_transports *all =
      malloc(sizeof *all); /* its buffers need no zeros, and no memory before use */
  if (!all) return TL_ENOMEM;
  all->loop = loop;
  all->contexts = NULL;
  all->asked = 0;
  all->first_shake = all->last_shake = all->dead = NULL;
  all->random_left = 0;
  *out = all;
  return TL_OK;
}

void tl_transports_free (tl_transports *all) {
  if (!all) return;
  stack_forget_turn(all);
  contexts_free(all);
  free(all);
}

void tl_transport_memory_fini (tl_transport_memory *m) {
  tl_tls_session_free(m->session);
  tl_tls_context_drop(m->context);
  memset(m, 0, sizeof *m);
}

static const stack *stack_of (const tl_transport *t) {
  return t->kind == &stack_kind ? (const stack *)t : NULL;
}

void tl_transport_get_info (const tl_transport *t, tl_transport_info *info) {
  const stack *s = stack_of(t);
  memset(info, 0, sizeof *info);
  if (!s) return;
  info->is_ws = s->ws;
  info->without_subprotocol = s->about.without_subprotocol;
  info->warning = s->about.warning;
  if (s->goal.target.proxy != TL_NO_PROXY)
    snprintf(info->proxy, sizeof info->proxy, "%.*s:%u", (int)s->goal.target.proxy_host.len % 64,
             (const char *)s->goal.target.proxy_host.at, (unsigned)s->goal.target.proxy_port);
  if (s->ws) {
    tl_slice path = s->goal.target.ws_path;
    const uint8_t *query = memchr(path.at, '?', path.len);
    if (query) path.len = (size_t)(query - path.at);
    tl_printable(info->path, sizeof info->path, path);
  }
  if (!s->tls) return;
  info->is_tls = true;
  tl_tls_get_info(s->tls, &info->tls);
  info->has_own = tl_tls_context_own(s->context, &info->own_until, info->own_name);
}

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static void
add (char *out, size_t room, size_t *used, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  if (*used > 0 && *used + 2 < room) *used += (size_t)snprintf(out + *used, room - *used, ", ");
  int n = vsnprintf(out + *used, room - *used, fmt, args);
  va_end(args);
  *used += n > 0 ? (size_t)n : 0;
  if (*used >= room) *used = room - 1;
}

void tl_transport_describe (const tl_transport *t, char *out, size_t room) {
  tl_transport_info info;
  size_t used = 0;
  tl_buf date;
  out[0] = '\0';
  tl_transport_get_info(t, &info);
  if (info.is_tls) {
    const char *version = strncmp(info.tls.version, "TLSv", 4) == 0 ? info.tls.version + 4 : "?";
    add(out, room, &used, "TLS %s", version);
    add(out, room, &used, "%s", info.tls.cipher);
    if (info.tls.until > 0) {
      tl_buf_init(&date);
      tl_time_format(&date, info.tls.until);
      int n = date.failed ? 0 : 10; /* the day */
      add(out, room, &used, "'%s' until %.*s", info.tls.subject, n, (const char *)date.at);
      tl_buf_fini(&date);
    }
    if (info.tls.psk) add(out, room, &used, "with tls_psk");
    if (!info.tls.verified) add(out, room, &used, "not verified");
  }
  if (info.is_ws) add(out, room, &used, "WebSocket %s", info.path);
  if (info.proxy[0]) add(out, room, &used, "through %s", info.proxy);
}

void tl_transport_chain (const tl_transport *t, tl_buf *out) {
  const stack *s = stack_of(t);
  if (s && s->tls) tl_tls_chain(s->tls, out);
}
