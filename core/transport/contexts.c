/* core/transport/contexts.c — contexts of TLS and the files they are made of. Files are
** looked at anew for each connection, in a thread; lines that want the same share one
** context; a new file that does not load leaves the context that was made of the old one.
** Must not know connections. */
#include "transport/transport_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "files/read.h"

enum { FILES = 4, FILE_MAX = 16 << 20, IDLE_MAX = 16 };

static const char pem_mark[] = "-----BEGIN";

/* What tells one content of a file from another without reading it. */
typedef struct {
  int error; /* errno, 0: it is there */
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec changed, modified;
} stamp;

/* One wish, and what was made of it last. */
typedef struct context_entry {
  struct context_entry *next;
  tl_buf key;              /* the wish as bytes, see key_of() */
  tl_tls_context *context; /* NULL: none could be made yet */
  stamp stamps[FILES];     /* of the files that it was made of */
  tl_thread *work;         /* they are being looked at */
  context_wait *waiting;
  uint64_t used;
} entry;

/* Given to the thread and back. */
typedef struct {
  entry *entry;   /* not touched by the thread */
  tl_secure wish; /* its texts are in `texts` */
  tl_buf texts;
  bool has_old;
  stamp stamps[FILES];
  tl_tls_context *made; /* NULL: nothing changed, or `error` */
  char error[480];
} job;

/* The files of a wish; a path, PEM text, or the system's store. */
static tl_slice *file_of (tl_secure *w, int i) {
  tl_slice *files[FILES] = { &w->ca, &w->cert, &w->key, &w->crl };
  return files[i];
}

static bool is_pem (tl_slice text) {
  while (text.len > 0 && (text.at[0] == '\n' || text.at[0] == '\r' || text.at[0] == ' '))
    text = tl_slice_of(text.at + 1, text.len - 1);
  return text.len >= sizeof pem_mark - 1 && memcmp(text.at, pem_mark, sizeof pem_mark - 1) == 0;
}

/* Every field of the wish that a context depends on, with its length. */
static void key_of (tl_buf *out, const tl_secure *w) {
  const tl_slice *texts[] = { &w->ca,      &w->cert, &w->key, &w->crl,         &w->key_password,
                              &w->ciphers, &w->alpn, &w->psk, &w->psk_identity };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    tl_buf_add(out, &texts[i]->len, sizeof texts[i]->len);
    tl_buf_slice(out, *texts[i]);
  }
  tl_buf_byte(out, (uint8_t)w->min_minor);
  tl_buf_byte(out, (uint8_t)w->verify);
  tl_buf_byte(out, w->keylog.len > 0);
}

/* In the thread */

/* Where systems keep what they trust; OpenSSL's own place first. */
static const char *system_store (void) {
  static const char *const places[] = { "/etc/ssl/certs/ca-certificates.crt",
                                        "/usr/lib/ssl/cert.pem", "/etc/pki/tls/certs/ca-bundle.crt",
                                        "/etc/ssl/cert.pem" };
  const char *given = getenv("SSL_CERT_FILE");
  struct stat st;
  if (given && given[0]) return given;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    if (stat(places[i], &st) == 0) return places[i];
  return places[0];
}

static const char *path_of (const job *j, int i) {
  tl_slice text = *file_of((tl_secure *)&j->wish, i);
  bool wants_system =
      i == 0 && text.len == 0 && j->wish.psk.len == 0 && j->wish.verify != TL_TLS_VERIFY_NONE;
  if (wants_system) return system_store();
  return text.len == 0 || is_pem(text) ? NULL : (const char *)text.at;
}

static stamp read_stamp (const char *path) {
  stamp s;
  struct stat st;
  memset(&s, 0, sizeof s);
  if (!path) return s;
  if (stat(path, &st) != 0) {
    s.error = 1;
    return s;
  }
  s.device = st.st_dev;
  s.inode = st.st_ino;
  s.size = st.st_size;
  s.changed = st.st_ctim;
  s.modified = st.st_mtim;
  return s;
}

static const char *const names[FILES] = { "tls_ca_file", "tls_cert_file", "tls_key_file",
                                          "tls_crl_file" };

static const char *name_of (tl_tls_field field, int *file) {
  *file = -1;
  switch (field) {
    case TL_TLS_FIELD_CA: *file = 0; break;
    case TL_TLS_FIELD_CERT: *file = 1; break;
    case TL_TLS_FIELD_KEY: *file = 2; break;
    case TL_TLS_FIELD_CRL: *file = 3; break;
    case TL_TLS_FIELD_KEY_PASSWORD: return "tls_key_password";
    case TL_TLS_FIELD_ALPN: return "tls_alpn";
    case TL_TLS_FIELD_PSK: return "tls_psk";
    case TL_TLS_FIELD_CIPHERS: return "tls_ciphers";
    case TL_TLS_FIELD_NONE: return "TLS";
  }
  return *file >= 0 ? names[*file] : "TLS";
}

/* "tls_key_file 'k.pem' is encrypted: …"; names no text that is PEM. */
static void set_error (job *j, const char *name, const char *path, const char *text) {
  if (path)
    snprintf(j->error, sizeof j->error, "%s '%.150s': %s", name, path, text);
  else
    snprintf(j->error, sizeof j->error, "%s: %s", name, text);
}

/* The PEM text of a file of the wish, into `memory` when it must be read. */
static bool load (job *j, int i, tl_buf *memory, tl_slice *out) {
  const char *path = path_of(j, i);
  bool is_system = i == 0 && j->wish.ca.len == 0;
  tl_err err = { .text = "" };
  *out = path ? tl_slice_of(NULL, 0) : *file_of(&j->wish, i);
  if (!path) return true;
  int rc = tl_file_read(memory, path, FILE_MAX, &err);
  if (rc < 0) {
    set_error(j, is_system ? "the system's certificates" : names[i], path, err.text);
    return false;
  }
  *out = tl_buf_bytes(memory);
  return true;
}

static void make (job *j) {
  tl_buf memory[FILES];
  tl_slice texts[FILES];
  bool well = true;
  for (int i = 0; i < FILES; i++) {
    tl_buf_init(&memory[i]);
    well = well && load(j, i, &memory[i], &texts[i]);
  }
  if (well) {
    tl_tls_settings s = { .ca = texts[0],
                          .ca_is_system = j->wish.ca.len == 0,
                          .cert = texts[1],
                          .key = texts[2],
                          .crl = texts[3],
                          .key_password = j->wish.key_password,
                          .alpn = j->wish.alpn,
                          .psk = j->wish.psk,
                          .psk_identity = j->wish.psk_identity,
                          .ciphers = j->wish.ciphers,
                          .min_minor = j->wish.min_minor,
                          .verify = j->wish.verify,
                          .keylog = j->wish.keylog.len > 0 };
    tl_tls_field field;
    tl_err err = { .text = "" };
    if (tl_tls_context_new(&j->made, &s, &field, &err) != TL_OK) {
      int file;
      const char *name = name_of(field, &file);
      set_error(j, name, file >= 0 ? path_of(j, file) : NULL, err.text);
    }
  }
  for (int i = 0; i < FILES; i++) {
    if (memory[i].len > 0) memset(memory[i].at, 0, memory[i].len); /* keys */
    tl_buf_fini(&memory[i]);
  }
}

static void run (void *ctx) {
  job *j = ctx;
  bool changed = !j->has_old;
  for (int i = 0; i < FILES; i++) {
    stamp now = read_stamp(path_of(j, i));
    changed = changed || memcmp(&now, &j->stamps[i], sizeof now) != 0;
    j->stamps[i] = now;
  }
  if (changed) make(j);
}

/* On the loop */

static void drop (void *ctx) {
  job *j = ctx;
  tl_tls_context_drop(j->made);
  if (j->texts.len > 0) memset(j->texts.at, 0, j->texts.len);
  tl_buf_fini(&j->texts);
  free(j);
}

static void done (void *ctx) {
  job *j = ctx;
  entry *e = j->entry;
  e->work = NULL;
  if (j->made) {
    tl_tls_context_drop(e->context);
    e->context = tl_tls_context_keep(j->made);
  }
  if (!j->error[0]) memcpy(e->stamps, j->stamps, sizeof e->stamps);
  const char *error = j->error[0] ? j->error : NULL;
  while (e->waiting) { /* each may take others out, or ask anew */
    context_wait *w = e->waiting;
    e->waiting = w->next;
    w->entry = NULL;
    stack_has_context(w->stack, e->context, error, e->context ? error : NULL);
  }
}

static tl_slice keep_text (uint8_t **at, tl_slice text) {
  uint8_t *copy = *at;
  if (text.len > 0) memcpy(copy, text.at, text.len);
  copy[text.len] = '\0';
  *at += text.len + 1;
  return tl_slice_of(copy, text.len);
}

static int start (tl_transports *all, entry *e, const tl_secure *w) {
  job *j = calloc(1, sizeof *j);
  if (!j) return TL_ENOMEM;
  tl_slice *texts[] = { &j->wish.ca,           &j->wish.cert,    &j->wish.key,  &j->wish.crl,
                        &j->wish.key_password, &j->wish.ciphers, &j->wish.alpn, &j->wish.psk,
                        &j->wish.psk_identity, &j->wish.keylog };
  enum { MANY = sizeof texts / sizeof *texts };
  size_t n = 0;
  j->wish = *w;
  tl_buf_init(&j->texts);
  for (size_t i = 0; i < MANY; i++) n += texts[i]->len + 1;
  int rc = tl_buf_reserve(&j->texts, n);
  if (rc == TL_OK) {
    uint8_t *at = j->texts.at;
    j->texts.len = n;
    for (size_t i = 0; i < MANY; i++) *texts[i] = keep_text(&at, *texts[i]);
    j->wish.server_name = tl_slice_of(NULL, 0);
    j->entry = e;
    j->has_old = e->context;
    memcpy(j->stamps, e->stamps, sizeof j->stamps);
    rc = tl_thread_start(&e->work, all->loop, run, done, drop, j);
  }
  if (rc < 0) drop(j);
  return rc;
}

static void entry_free (entry *e) {
  tl_thread_cancel(e->work);
  tl_tls_context_drop(e->context);
  if (e->key.len > 0) memset(e->key.at, 0, e->key.len);
  tl_buf_fini(&e->key);
  free(e);
}

/* Forget the wishes that were not used for long, because their lines were changed or removed. */
static void forget_oldest (tl_transports *all) {
  entry **oldest = NULL;
  size_t idle = 0;
  for (entry **at = &all->contexts; *at; at = &(*at)->next) {
    if ((*at)->work || (*at)->waiting) continue;
    idle++;
    if (!oldest || (*at)->used < (*oldest)->used) oldest = at;
  }
  if (idle <= IDLE_MAX || !oldest) return;
  entry *gone = *oldest;
  *oldest = gone->next;
  entry_free(gone);
}

static entry *find (tl_transports *all, tl_slice key) {
  for (entry *e = all->contexts; e; e = e->next)
    if (tl_slice_eq(tl_buf_bytes(&e->key), key)) return e;
  return NULL;
}

int contexts_ask (tl_transports *all, const tl_secure *secure, context_wait *w) {
  tl_buf key;
  tl_buf_init(&key);
  key_of(&key, secure);
  entry *e = key.failed ? NULL : find(all, tl_buf_bytes(&key));
  if (!e && !key.failed && (e = calloc(1, sizeof *e))) {
    forget_oldest(all);
    e->key = key;
    tl_buf_init(&key);
    e->next = all->contexts;
    all->contexts = e;
  }
  if (key.len > 0) memset(key.at, 0, key.len);
  tl_buf_fini(&key);
  if (!e) return TL_ENOMEM;
  e->used = ++all->asked;
  int rc = e->work ? TL_OK : start(all, e, secure);
  if (rc < 0) return rc;
  w->entry = e;
  w->next = e->waiting;
  e->waiting = w;
  return TL_OK;
}

void contexts_forget (context_wait *w) {
  if (!w->entry) return;
  for (context_wait **at = &w->entry->waiting; *at; at = &(*at)->next) {
    if (*at != w) continue;
    *at = w->next;
    break;
  }
  w->entry = NULL;
}

void contexts_free (tl_transports *all) {
  while (all->contexts) {
    entry *e = all->contexts;
    all->contexts = e->next;
    entry_free(e);
  }
}
