/* core/nats/open.c — a session connects, and finds or makes its stream. Waits. */
#include <stdio.h>
#include <string.h>

#include "nats/session_impl.h"
#include "nats/subject.h"

enum {
  CONNECT_MS = 4000, /* each server */
  REQUEST_MS = 3000, /* a question to JetStream */
  WRITE_MS = 2000,   /* a socket that takes nothing */
  PING_MS = 15000
};

static int connect_failed (tl_nats_session *s, natsStatus status) {
  const char *user = s->config->user;
  char why[TL_NATS_WHY - 40];
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
      if (user) return tl_nats_fail(s, "the server refuses user '%.60s' or its password", user);
      return tl_nats_fail(s, "the server wants a user: give user and password");
    case NATS_SECURE_CONNECTION_REQUIRED:
      return tl_nats_fail(
          s, "the server wants TLS: give tls_ca_file, or write tls:// before the host");
    case NATS_SECURE_CONNECTION_WANTED:
      return tl_nats_fail(s, "the server has no TLS, and tls_ca_file or tls:// asks for it");
    case NATS_SSL_ERROR:
      return tl_nats_fail(s, "TLS: %s (tls_ca_file says which CAs are trusted)",
                          tl_nats_bare(nats_GetLastError(NULL)));
    case NATS_NO_MEMORY: return tl_nats_fail(s, "no memory");
    case NATS_NO_SERVER:
    case NATS_TIMEOUT:
    case NATS_IO_ERROR:
      tl_nats_probe(s->config->servers, why, sizeof why);
      return tl_nats_fail(s, "%s", why);
    default: return tl_nats_fail(s, "%s", natsStatus_GetText(status));
  }
}

static bool wants_tls (const tl_nats_config *c) {
  return c->tls_ca_file || strstr(c->servers, "tls://");
}

/* Without a file of its own the system's certificates count, which libnats does not load. */
static natsStatus set_tls (const tl_nats_config *c, natsOptions *options) {
  static const char system_file[] = "/etc/ssl/certs/ca-certificates.crt";
  if (!wants_tls(c)) return NATS_OK;
  natsStatus rc = natsOptions_SetSecure(options, true);
  if (rc == NATS_OK)
    rc = natsOptions_LoadCATrustedCertificates(options,
                                               c->tls_ca_file ? c->tls_ca_file : system_file);
  return rc;
}

enum { SERVERS = 16 };

static natsStatus set_servers (const char *text, natsOptions *options) {
  char copy[2048], *list[SERVERS], *rest = copy;
  int n = 0;
  snprintf(copy, sizeof copy, "%s", text);
  for (char *word; n < SERVERS && (word = strtok_r(rest, " ,;", &rest));) list[n++] = word;
  return natsOptions_SetServers(options, (const char **)list, n);
}

static natsStatus set_options (tl_nats_session *s, natsOptions *options) {
  const tl_nats_config *c = s->config;
  natsStatus rc = set_servers(c->servers, options);
  if (rc == NATS_OK) rc = natsOptions_SetNoRandomize(options, true);
  if (rc == NATS_OK) rc = natsOptions_SetTimeout(options, CONNECT_MS);
  if (rc == NATS_OK) rc = natsOptions_SetWriteDeadline(options, WRITE_MS);
  if (rc == NATS_OK) rc = natsOptions_SetPingInterval(options, PING_MS);
  if (rc == NATS_OK) rc = natsOptions_SetAllowReconnect(options, false);
  if (rc == NATS_OK) rc = natsOptions_SetName(options, "tagline");
  if (rc == NATS_OK && c->user)
    rc = natsOptions_SetUserInfo(options, c->user, c->password ? c->password : "");
  if (rc == NATS_OK) rc = natsOptions_SetErrorHandler(options, tl_ear_on_error, s->ear);
  if (rc == NATS_OK) rc = natsOptions_SetClosedCB(options, tl_ear_on_closed, s->ear);
  return rc;
}

static int connect_to (tl_nats_session *s) {
  natsOptions *options = NULL;
  natsStatus rc = natsOptions_Create(&options);
  if (rc == NATS_OK) rc = set_options(s, options);
  bool told = rc == NATS_OK;
  if (rc == NATS_OK) rc = set_tls(s->config, options);
  if (rc != NATS_OK && told)
    tl_nats_fail(s, "tls_ca_file '%.120s': %s",
                 s->config->tls_ca_file ? s->config->tls_ca_file : "system",
                 tl_nats_bare(nats_GetLastError(NULL)));
  else if (rc != NATS_OK)
    tl_nats_fail(s, "%s", natsStatus_GetText(rc));
  else if ((rc = natsConnection_Connect(&s->connection, options)) != NATS_OK)
    connect_failed(s, rc);
  natsOptions_Destroy(options);
  return rc == NATS_OK ? TL_OK : TL_EREFUSED;
}

int tl_nats_stream_failed (tl_nats_session *s, natsStatus status, jsErrCode code) {
  if (status == NATS_NO_RESPONDERS || (int)code == 10039 || (int)code == 10076)
    return tl_nats_fail(s, "JetStream is off at this server: start it with -js");
  if ((int)code == 10059) return tl_nats_fail(s, "stream '%.60s' is gone", s->config->stream);
  if ((int)code == 10023 || (int)code == 10028 || (int)code == 10047)
    return tl_nats_fail(s, "JetStream has no room: make some on its disk, or raise its limits");
  if (status == NATS_TIMEOUT)
    return tl_nats_fail(s,
                        "JetStream does not answer: it is starting, or this user may not ask it");
  if (tl_nats_is_lost(status)) return tl_nats_call_failed(s, status);
  return tl_nats_fail(s, "stream '%.60s': %s (%d)", s->config->stream, natsStatus_GetText(status),
                      (int)code);
}

static int make_stream (tl_nats_session *s, const char *wildcard) {
  jsStreamInfo *info = NULL;
  jsStreamConfig config;
  jsErrCode code = 0;
  const char *subjects[] = { wildcard };
  jsStreamConfig_Init(&config);
  config.Name = s->config->stream;
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  config.MaxAge = s->config->keep_ms * 1000000;
  config.Duplicates = (int64_t)TL_NATS_WINDOW_MS * 1000000;
  natsStatus rc = js_AddStream(&info, s->js, &config, NULL, &code);
  jsStreamInfo_Destroy(info);
  if ((int)code == 10065)
    return tl_nats_fail(
        s, "another stream takes '%.100s' already: name that one, or change subject", wildcard);
  return rc == NATS_OK ? TL_OK : tl_nats_stream_failed(s, rc, code);
}

static int check_stream (tl_nats_session *s, const jsStreamInfo *info, const char *wildcard) {
  const jsStreamConfig *c = info->Config;
  s->window_ms = c->Duplicates > 0 ? c->Duplicates / 1000000 : TL_NATS_WINDOW_MS;
  for (int i = 0; i < c->SubjectsLen; i++)
    if (tl_nats_covers(tl_slice_str(c->Subjects[i]), tl_slice_str(wildcard))) return TL_OK;
  return tl_nats_fail(s, "stream '%.60s' does not take '%.100s': add it to the stream's subjects",
                      s->config->stream, wildcard);
}

static int find_stream (tl_nats_session *s) {
  jsStreamInfo *info = NULL;
  jsErrCode code = 0;
  s->window_ms = TL_NATS_WINDOW_MS;
  tl_buf_clear(&s->subject);
  tl_nats_wildcard(&s->subject, tl_slice_str(s->config->subject));
  tl_buf_byte(&s->subject, '\0');
  if (s->subject.failed) return tl_nats_fail(s, "no memory");
  const char *wildcard = (const char *)s->subject.at;
  natsStatus rc = js_GetStreamInfo(&info, s->js, s->config->stream, NULL, &code);
  if (rc == NATS_NOT_FOUND) return make_stream(s, wildcard);
  if (rc != NATS_OK) return tl_nats_stream_failed(s, rc, code);
  int found = check_stream(s, info, wildcard);
  jsStreamInfo_Destroy(info);
  return found;
}

int tl_nats_open (tl_nats_session *s) {
  jsOptions options;
  int rc = connect_to(s);
  if (rc < 0) return rc;
  jsOptions_Init(&options);
  options.Wait = REQUEST_MS;
  options.PublishAsync.AckHandler = tl_ear_on_ack;
  options.PublishAsync.AckHandlerClosure = s->ear;
  natsStatus status = natsConnection_JetStream(&s->js, s->connection, &options);
  if (status != NATS_OK) return tl_nats_call_failed(s, status);
  return find_stream(s);
}
