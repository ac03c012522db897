/* core/web/web.c — the server as configs want it: opened, changed and closed by a reload; what
** cannot be opened leaves the old one as it is. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "web/web_impl.h"

static void drop_settings (web_settings *s) {
  tl_buf_fini(&s->listen);
  tl_buf_fini(&s->token);
  tl_buf_fini(&s->cookie);
  tl_buf_fini(&s->cookie_name);
  tl_buf_fini(&s->names);
  tl_buf_fini(&s->values);
  tl_buf_fini(&s->cert);
}

static void add_text (tl_buf *out, tl_slice text) {
  tl_buf_slice(out, text);
  tl_buf_byte(out, '\0');
}

static int make_settings (web_settings *s, const tl_http_config *c) {
  *s = (web_settings){ .write = c->write, .secure = c->cert.len > 0 };
  add_text(&s->listen, c->listen);
  add_text(&s->token, c->token);
  add_text(&s->cert, c->cert);
  for (size_t i = 0; i < c->name_count; i++) add_text(&s->names, c->names[i]);
  for (size_t i = 0; i < c->value_count; i++) add_text(&s->values, c->values[i]);
  if (c->token.len > 0 && !s->token.failed) tl_web_make_cookie(s);
  bool failed = s->listen.failed || s->token.failed || s->cookie.failed || s->cookie_name.failed;
  failed = failed || s->names.failed || s->values.failed || s->cert.failed;
  if (!failed) return TL_OK;
  drop_settings(s);
  return TL_ENOMEM;
}

/* --- listening --- */

static void on_accepted (void *ctx, int fd, const char *peer) {
  tl_web *w = ctx;
  tl_front_accept(w->front, fd, peer);
}

static void close_listening (tl_web_place *o) {
  if (o->is_socket) tl_console_release(&o->socket);
  tl_listener_close(o->listener);
  *o = (tl_web_place){ .listener = NULL };
}

/* A path or an address. A proxy of the socket's group may use it, too. */
static int open_listening (tl_web *w, const web_settings *s, tl_web_place *out, tl_err *err) {
  const char *where = (const char *)s->listen.at;
  char bound[TL_LISTEN_ADDRESS];
  tl_web_place o = { .is_socket = where[0] == '/' };
  int fd, rc = o.is_socket ? tl_console_claim(&o.socket, where, &fd, err)
                           : tl_listen_tcp(where, &fd, bound, err);
  if (rc < 0) return rc;
  if (o.is_socket) (void)!chmod(where, 0660);
  rc = tl_listener_new(&o.listener, w->loop, fd, on_accepted, w);
  if (rc < 0) {
    if (o.is_socket) tl_console_release(&o.socket);
    return tl_fail(err, rc, 0, "listen on %s: no resources", where);
  }
  if (o.is_socket)
    tl_log(TL_LOG_INFO, "http", "listening on %s", where);
  else
    tl_log(TL_LOG_INFO, "http", "listening on %s://%s", s->secure ? "https" : "http", bound);
  *out = o;
  return TL_OK;
}

/* --- a config --- */

static int make_tls (const tl_http_config *c, tl_tls_context **out, tl_err *err) {
  tl_tls_settings settings = {
    .cert = c->cert, .key = c->key, .min_minor = 2, .verify = TL_TLS_VERIFY_NONE
  };
  tl_tls_field field;
  *out = NULL;
  return c->cert.len > 0 ? tl_tls_context_new(out, &settings, &field, err) : TL_OK;
}

static bool is_same_place (const tl_web *w, const web_settings *s) {
  return w->open && tl_slice_eq(tl_buf_bytes(&w->set.listen), tl_buf_bytes(&s->listen));
}

static void close_web (tl_web *w) {
  if (!w->open) return;
  close_listening(&w->at);
  w->open = false;
  tl_web_stop(w);
  drop_settings(&w->set);
}

static bool is_equal (const tl_buf *a, const tl_buf *b) {
  return tl_slice_eq(tl_buf_bytes(a), tl_buf_bytes(b));
}

static bool is_changed (const web_settings *a, const web_settings *b) {
  return !is_equal(&a->token, &b->token) || !is_equal(&a->names, &b->names) ||
         !is_equal(&a->values, &b->values) || !is_equal(&a->cert, &b->cert) || a->write != b->write;
}

/* What a reload changes, in words; s NULL: there is no http any more. */
static void tell_change (const tl_web *w, const web_settings *s, const tl_outlets_change *change) {
  char text[200];
  if (!change || !change->changed || (!s && !w->open)) return;
  if (!s)
    snprintf(text, sizeof text, "http: closed");
  else if (!w->open)
    snprintf(text, sizeof text, "http: opened on %s", (const char *)s->listen.at);
  else if (!is_equal(&w->set.listen, &s->listen))
    snprintf(text, sizeof text, "http: moved to %s", (const char *)s->listen.at);
  else if (is_changed(&w->set, s))
    snprintf(text, sizeof text, "http: changed");
  else
    return;
  change->changed(change->ctx, text);
}

static int open_web (tl_web *w, web_settings *s, tl_tls_context *tls,
                     const tl_outlets_change *change, tl_err *err) {
  tl_web_place o;
  bool moves = !is_same_place(w, s);
  if (moves) {
    int rc = open_listening(w, s, &o, err);
    if (rc < 0) return rc;
    if (!w->open) rc = tl_web_serve(w);
    if (rc < 0) {
      close_listening(&o);
      return tl_fail(err, rc, 0, "no resources for the server");
    }
    if (w->open) close_listening(&w->at);
    w->at = o;
  }
  tell_change(w, s, change);
  /* whoever knew the old token does not know the new one */
  if (w->open && !is_equal(&w->set.token, &s->token)) {
    tl_feed_end(w->feed);
    tl_guesses_new_token(&w->tokens.guesses);
  }
  if (w->open) drop_settings(&w->set);
  w->set = *s;
  w->open = true;
  tl_front_set_tls(w->front, tls);
  return TL_OK;
}

static bool apply_none (tl_web *w, const tl_outlets_change *change) {
  tell_change(w, NULL, change);
  if (change && change->dry) return true;
  if (w->open) tl_log(TL_LOG_INFO, "http", "not listening any more");
  close_web(w);
  return true;
}

/* At a reload: what becomes of it now, for the log and for who asked. */
static void tell_failure (const tl_web *w, const tl_outlets_change *change, tl_err *err) {
  char why[sizeof err->text], text[sizeof err->text + 8];
  if (!change || !change->changed || change->dry) return;
  snprintf(why, sizeof why, "%s", err->text);
  tl_fail(err, err->code, 0, "%s; %s", why,
          w->open ? "the old address goes on" : "until it is opened nothing listens");
  snprintf(text, sizeof text, "http: %s", err->text);
  change->changed(change->ctx, text);
}

static bool apply (void *ctx, const tl_http_config *c, const tl_outlets_change *change,
                   tl_err *err) {
  tl_web *w = ctx;
  web_settings s;
  tl_tls_context *tls;
  bool dry = change && change->dry;
  if (!c) return apply_none(w, change);
  if (make_tls(c, &tls, err) < 0) {
    tell_failure(w, change, err);
    return false;
  }
  int rc = make_settings(&s, c);
  if (rc < 0) tl_fail(err, rc, 0, "no memory");
  if (rc == TL_OK && dry) tell_change(w, &s, change);
  if (rc == TL_OK) {
    if (!dry) rc = open_web(w, &s, tls, change, err);
    if (rc < 0 || dry) drop_settings(&s);
  }
  tl_tls_context_drop(tls);
  if (rc < 0) tell_failure(w, change, err);
  return rc == TL_OK;
}

static void on_reload (void *ctx, tl_reload_phase phase) {
  tl_web *w = ctx;
  if (phase == TL_RELOAD_BEGINS) return;
  if (phase == TL_RELOAD_APPLIES) tl_metrics_note(w);
  if (phase != TL_RELOAD_APPLIES) tl_metrics_keep(w, phase == TL_RELOAD_APPLIED);
  w->reloads++; /* more than once: lines go in between */
  if (phase != TL_RELOAD_ENDS) return;
  if (w->feed) tl_feed_begin_anew(w->feed);
}

int tl_web_new (tl_web **out, tl_loop *loop, tl_gateway *g, tl_script *s,
                const tl_outlet_hooks *outlets) {
  tl_web *w = calloc(1, sizeof *w);
  if (!w) return TL_ENOMEM;
  w->loop = loop;
  w->gateway = g;
  w->script = s;
  w->outlets = outlets;
  w->hooks = (tl_http_hooks){ apply, w };
  w->reload = (tl_reload_listener){ .reloading = on_reload, .ctx = w };
  tl_web_load_extras(w);
  tl_config_on_reload(s, &w->reload);
  *out = w;
  return TL_OK;
}

const tl_http_hooks *tl_web_hooks (tl_web *w) { return &w->hooks; }

void tl_web_close (tl_web *w) {
  if (!w) return;
  close_web(w);
  tl_config_forget_reload(w->script, &w->reload);
  tl_web_free_extras(w);
  tl_metrics_free(w);
  free(w);
}
