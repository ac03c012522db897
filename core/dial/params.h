/* core/dial/params.h — the parameters of a line, and one table that describes them for code
** that fills, compares or shows them. */
#ifndef TL_DIAL_PARAMS_H
#define TL_DIAL_PARAMS_H

#include "base/slice.h"

typedef struct {
  tl_slice *at; /* each text owned and NUL-terminated */
  size_t n;
} tl_texts;

/* A row: the parameter's name, its kind, and whether it may be shown and logged. Its range, its
** default and what it means are in lua/tagline/config/shapes.lua. A new parameter is a row here
** and one there. */
/* clang-format off */
#define TL_LINE_PARAMS(row) \
  row(host, TEXTS, SHOWN) \
  row(port, INT, SHOWN) \
  row(full_debug, BOOL, SHOWN) \
  row(user_name, TEXT, SHOWN) \
  row(password, TEXT, SECRET) \
  row(topic_filter, TEXTS, SHOWN) \
  row(subscribe_qos, INT, SHOWN) \
  row(client_id, TEXT, SHOWN) \
  row(clean_session, BOOL, SHOWN) \
  row(publish_qos, INT, SHOWN) \
  row(publish_retain, BOOL, SHOWN) \
  row(keep_alive, INT, SHOWN) /* seconds, as CONNECT has it */ \
  row(ping_interval, MS, SHOWN) \
  row(will_flag, BOOL, SHOWN) \
  row(will_qos, INT, SHOWN) \
  row(will_retain, BOOL, SHOWN) \
  row(will_topic, TEXT, SHOWN) \
  row(will_message, TEXT, SHOWN) \
  row(reply_timeout, MS, SHOWN) \
  row(wait_timeout, MS, SHOWN) \
  row(max_wait_retry, INT, SHOWN) \
  row(connect_timeout, MS, SHOWN) \
  row(reconnect_delay, MS, SHOWN) \
  row(reconnect_delay_max, MS, SHOWN) \
  row(max_packet_size, INT, SHOWN) \
  row(max_inflight, INT, SHOWN) \
  row(offline_writes, TEXT, SHOWN) /* "reject" or "queue" */ \
  row(max_queued, INT, SHOWN) \
  row(max_queued_bytes, INT, SHOWN) /* bytes; 0: no limit */ \
  row(max_queue_age, MS, SHOWN) /* 0: off */ \
  row(receive_queue, INT, SHOWN) \
  row(receive_queue_bytes, INT, SHOWN) /* bytes; 0: no limit */ \
  row(session_store, TEXT, SHOWN) /* path of a folder */ \
  row(recorder, INT, SHOWN) /* bytes */ \
  row(tls, BOOL, SHOWN) \
  row(tls_ca_file, TEXT, SHOWN) /* files: paths or PEM text */ \
  row(tls_cert_file, TEXT, SHOWN) \
  row(tls_key_file, TEXT, SECRET) \
  row(tls_key_password, TEXT, SECRET) \
  row(tls_server_name, TEXT, SHOWN) \
  row(tls_verify, TEXT, SHOWN) /* "yes", "ca" or "no" */ \
  row(tls_alpn, TEXTS, SHOWN) \
  row(tls_psk, TEXT, SECRET) /* hexadecimal digits */ \
  row(tls_psk_identity, TEXT, SHOWN) \
  row(tls_min_version, TEXT, SHOWN) \
  row(tls_ciphers, TEXT, SHOWN) \
  row(tls_crl_file, TEXT, SHOWN) \
  row(tls_keylog_file, TEXT, SHOWN) \
  row(tls_expiry_warning, MS, SHOWN) /* before a certificate ends; 0: no warning */ \
  row(ws_path, TEXT, SHOWN) \
  row(ws_subprotocol, TEXT, SHOWN) \
  row(ws_headers, TEXTS, SECRET) /* "Name: value" */ \
  row(ws_headers_called, BOOL, SHOWN) /* the headers come from a function */ \
  row(proxy, TEXT, SHOWN) \
  row(proxy_user, TEXT, SHOWN) \
  row(proxy_password, TEXT, SECRET)
/* clang-format on */

typedef enum {
  TL_PARAM_BOOL,
  TL_PARAM_INT,
  TL_PARAM_MS, /* milliseconds; seconds in the config */
  TL_PARAM_TEXT,
  TL_PARAM_TEXTS
} tl_param_kind;

#define TL_PARAM_TYPE_BOOL bool
#define TL_PARAM_TYPE_INT int64_t
#define TL_PARAM_TYPE_MS int64_t
#define TL_PARAM_TYPE_TEXT tl_slice
#define TL_PARAM_TYPE_TEXTS tl_texts

/* A checked line configuration. Texts are owned and NUL-terminated; at == NULL means not given. */
#define TL_PARAM_MEMBER(name, kind, shown) TL_PARAM_TYPE_##kind name;
typedef struct {
  TL_LINE_PARAMS(TL_PARAM_MEMBER)
} tl_line_params;
#undef TL_PARAM_MEMBER

typedef struct {
  const char *name;
  tl_param_kind kind;
  size_t offset; /* in tl_line_params */
  bool secret;   /* never shown or logged */
} tl_param_field;

extern const tl_param_field tl_param_fields[]; /* ends with name NULL */

static inline void *tl_param_at (const tl_line_params *p, const tl_param_field *f) {
  return (char *)p + f->offset;
}

void tl_params_init (tl_line_params *p); /* all zero */
void tl_params_fini (tl_line_params *p);
/* Copies the text and frees the old one. TL_OK or TL_ENOMEM. */
int tl_params_set_text (tl_slice *field, tl_slice text);
int tl_params_add_text (tl_texts *list, tl_slice text);
/* Appends the names of the fields that differ to names[0..max); returns how many it wrote. */
int tl_params_diff (const tl_line_params *a, const tl_line_params *b, const char **names, int max);

#endif
