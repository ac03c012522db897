/* core/gateway/params.h — the parameters of a line, and one table that describes them for code
** that fills, compares or shows them. */
#ifndef TL_GATEWAY_PARAMS_H
#define TL_GATEWAY_PARAMS_H

#include "base/slice.h"

typedef struct {
  tl_slice *at; /* each text owned and NUL-terminated */
  size_t n;
} tl_texts;

/* A checked line configuration. Texts are owned and NUL-terminated; at == NULL means not given.
** Times are milliseconds. */
typedef struct {
  tl_texts host;
  int64_t port;
  bool full_debug;
  tl_slice user_name, password;
  tl_texts topic_filter;
  int64_t subscribe_qos;
  tl_slice client_id;
  bool clean_session;
  int64_t publish_qos;
  bool publish_retain;
  int64_t keep_alive; /* seconds, as CONNECT has it */
  int64_t ping_interval;
  bool will_flag;
  int64_t will_qos;
  bool will_retain;
  tl_slice will_topic, will_message;
  int64_t reply_timeout, wait_timeout;
  int64_t max_wait_retry;
  int64_t connect_timeout, reconnect_delay, reconnect_delay_max;
  int64_t max_packet_size, max_inflight;
  tl_slice offline_writes; /* "reject" or "queue" */
  int64_t max_queued, receive_queue;
  int64_t max_queued_bytes, receive_queue_bytes; /* bytes; 0: no limit */
  int64_t max_queue_age;                         /* ms; 0: off */
  tl_slice session_store;                        /* path of a folder; at == NULL: off */
  int64_t recorder;                              /* bytes */
  /* Transports, see target.c. Files are paths or PEM text. */
  bool tls;
  tl_slice tls_ca_file, tls_cert_file, tls_key_file, tls_key_password, tls_server_name;
  tl_slice tls_verify; /* "yes", "ca" or "no" */
  tl_texts tls_alpn;
  tl_slice tls_psk, tls_psk_identity; /* hexadecimal digits; text */
  tl_slice tls_min_version, tls_ciphers, tls_crl_file, tls_keylog_file;
  int64_t tls_expiry_warning; /* ms before a certificate ends; 0: no warning */
  tl_slice ws_path, ws_subprotocol;
  tl_texts ws_headers;    /* "Name: value" */
  bool ws_headers_called; /* a function of the user makes the headers at each attempt */
  tl_slice proxy, proxy_user, proxy_password;
} tl_line_params;

typedef enum {
  TL_PARAM_BOOL,
  TL_PARAM_INT,
  TL_PARAM_MS,
  TL_PARAM_TEXT,
  TL_PARAM_TEXTS
} tl_param_kind;

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
