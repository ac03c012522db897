/* core/gateway/params.c — owning, comparing and describing a line's parameters. Must not know
** what they do. */
#include "gateway/params.h"

#include <stdlib.h>

#define FIELD(name, kind) \
  { #name, kind, offsetof(tl_line_params, name), false }
#define SECRET(name, kind) \
  { #name, kind, offsetof(tl_line_params, name), true }

const tl_param_field tl_param_fields[] = {
  FIELD(host, TL_PARAM_TEXTS),
  FIELD(port, TL_PARAM_INT),
  FIELD(full_debug, TL_PARAM_BOOL),
  FIELD(user_name, TL_PARAM_TEXT),
  SECRET(password, TL_PARAM_TEXT),
  FIELD(topic_filter, TL_PARAM_TEXTS),
  FIELD(subscribe_qos, TL_PARAM_INT),
  FIELD(client_id, TL_PARAM_TEXT),
  FIELD(clean_session, TL_PARAM_BOOL),
  FIELD(publish_qos, TL_PARAM_INT),
  FIELD(publish_retain, TL_PARAM_BOOL),
  FIELD(keep_alive, TL_PARAM_INT),
  FIELD(ping_interval, TL_PARAM_MS),
  FIELD(will_flag, TL_PARAM_BOOL),
  FIELD(will_qos, TL_PARAM_INT),
  FIELD(will_retain, TL_PARAM_BOOL),
  FIELD(will_topic, TL_PARAM_TEXT),
  FIELD(will_message, TL_PARAM_TEXT),
  FIELD(reply_timeout, TL_PARAM_MS),
  FIELD(wait_timeout, TL_PARAM_MS),
  FIELD(max_wait_retry, TL_PARAM_INT),
  FIELD(connect_timeout, TL_PARAM_MS),
  FIELD(reconnect_delay, TL_PARAM_MS),
  FIELD(reconnect_delay_max, TL_PARAM_MS),
  FIELD(max_packet_size, TL_PARAM_INT),
  FIELD(max_inflight, TL_PARAM_INT),
  FIELD(offline_writes, TL_PARAM_TEXT),
  FIELD(max_queued, TL_PARAM_INT),
  FIELD(max_queued_bytes, TL_PARAM_INT),
  FIELD(max_queue_age, TL_PARAM_MS),
  FIELD(receive_queue, TL_PARAM_INT),
  FIELD(receive_queue_bytes, TL_PARAM_INT),
  FIELD(session_store, TL_PARAM_TEXT),
  FIELD(recorder, TL_PARAM_INT),
  FIELD(tls, TL_PARAM_BOOL),
  FIELD(tls_ca_file, TL_PARAM_TEXT),
  FIELD(tls_cert_file, TL_PARAM_TEXT),
  SECRET(tls_key_file, TL_PARAM_TEXT),
  SECRET(tls_key_password, TL_PARAM_TEXT),
  FIELD(tls_server_name, TL_PARAM_TEXT),
  FIELD(tls_verify, TL_PARAM_TEXT),
  FIELD(tls_alpn, TL_PARAM_TEXTS),
  SECRET(tls_psk, TL_PARAM_TEXT),
  FIELD(tls_psk_identity, TL_PARAM_TEXT),
  FIELD(tls_min_version, TL_PARAM_TEXT),
  FIELD(tls_ciphers, TL_PARAM_TEXT),
  FIELD(tls_crl_file, TL_PARAM_TEXT),
  FIELD(tls_keylog_file, TL_PARAM_TEXT),
  FIELD(tls_expiry_warning, TL_PARAM_MS),
  FIELD(ws_path, TL_PARAM_TEXT),
  FIELD(ws_subprotocol, TL_PARAM_TEXT),
  SECRET(ws_headers, TL_PARAM_TEXTS),
  FIELD(ws_headers_called, TL_PARAM_BOOL),
  FIELD(proxy, TL_PARAM_TEXT),
  FIELD(proxy_user, TL_PARAM_TEXT),
  SECRET(proxy_password, TL_PARAM_TEXT),
  { NULL, TL_PARAM_BOOL, 0, false },
};

void tl_params_init (tl_line_params *p) { memset(p, 0, sizeof *p); }

static void drop_text (tl_slice *s) {
  free((void *)s->at);
  *s = tl_slice_of(NULL, 0);
}

void tl_params_fini (tl_line_params *p) {
  for (const tl_param_field *f = tl_param_fields; f->name; f++) {
    if (f->kind == TL_PARAM_TEXT) drop_text(tl_param_at(p, f));
    if (f->kind == TL_PARAM_TEXTS) {
      tl_texts *list = tl_param_at(p, f);
      for (size_t i = 0; i < list->n; i++) drop_text(&list->at[i]);
      free(list->at);
    }
  }
  tl_params_init(p);
}

int tl_params_set_text (tl_slice *field, tl_slice text) {
  char *copy = malloc(text.len + 1);
  if (!copy) return TL_ENOMEM;
  if (text.len > 0) memcpy(copy, text.at, text.len);
  copy[text.len] = '\0';
  drop_text(field);
  *field = tl_slice_of(copy, text.len);
  return TL_OK;
}

int tl_params_add_text (tl_texts *list, tl_slice text) {
  tl_slice *grown = realloc(list->at, (list->n + 1) * sizeof *grown);
  if (!grown) return TL_ENOMEM;
  list->at = grown;
  list->at[list->n] = tl_slice_of(NULL, 0);
  int rc = tl_params_set_text(&list->at[list->n], text);
  if (rc == TL_OK) list->n++;
  return rc;
}

static bool same_text (tl_slice a, tl_slice b) { return (!a.at) == (!b.at) && tl_slice_eq(a, b); }

static bool same_field (const tl_param_field *f, const void *a, const void *b) {
  switch (f->kind) {
    case TL_PARAM_BOOL: return *(const bool *)a == *(const bool *)b;
    case TL_PARAM_INT:
    case TL_PARAM_MS: return *(const int64_t *)a == *(const int64_t *)b;
    case TL_PARAM_TEXT: return same_text(*(const tl_slice *)a, *(const tl_slice *)b);
    case TL_PARAM_TEXTS: {
      const tl_texts *x = a, *y = b;
      bool same = x->n == y->n;
      for (size_t i = 0; same && i < x->n; i++) same = same_text(x->at[i], y->at[i]);
      return same;
    }
  }
  return false;
}

int tl_params_diff (const tl_line_params *a, const tl_line_params *b, const char **names, int max) {
  int n = 0;
  for (const tl_param_field *f = tl_param_fields; f->name; f++) {
    if (same_field(f, tl_param_at(a, f), tl_param_at(b, f))) continue;
    if (n < max) names[n] = f->name;
    n++;
  }
  return n;
}
