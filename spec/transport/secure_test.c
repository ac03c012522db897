/* spec/transport/secure_test.c — contexts of TLS from files: which file is wrong, new files between
** two connections, many wishes; and what a connection tells of itself. */
#include "peer.h"

#include <dirent.h>

static identity ca, other_ca, broker, own;
static tl_tls_context *server;
static tl_transports *all;
static tl_transport *transport;
static int connects, closes;
static char text[600], folder[64];

static void on_connected (void *ctx, const char *peer_name) {
  (void)ctx, (void)peer_name, connects++;
}
static uint8_t *on_room (void *ctx, size_t *room) {
  static uint8_t bytes[4096];
  (void)ctx;
  *room = sizeof bytes;
  return bytes;
}
static void on_data (void *ctx, size_t n) { (void)ctx, (void)n; }
static void on_drained (void *ctx) { (void)ctx; }
static void on_closed (void *ctx, int why, const char *what) {
  (void)ctx, (void)why;
  closes++;
  snprintf(text, sizeof text, "%s", what);
}
static const tl_transport_events events = { .connected = on_connected,
                                            .room = on_room,
                                            .data = on_data,
                                            .drained = on_drained,
                                            .closed = on_closed };

/* --- set-up --- */

static int set_up (void **state) {
  tl_err err = { .text = "" };
  identity_make(&ca, &(wanted){ .name = "Plant CA", .is_ca = true });
  identity_make(&other_ca, &(wanted){ .name = "Other CA", .is_ca = true });
  identity_make(&broker,
                &(wanted){ .name = "broker", .alternative = "IP:127.0.0.1", .signer = &ca });
  identity_make(&own, &(wanted){ .name = "gw1", .signer = &ca });
  const tl_tls_settings settings = { .cert = tl_slice_str(broker.pem),
                                     .key = tl_slice_str(broker.key_pem),
                                     .min_minor = 2,
                                     .verify = TL_TLS_VERIFY_NONE };
  strcpy(folder, "/tmp/tagline-secure-XXXXXX");
  if (!mkdtemp(folder) || loop_setup(state) != 0) return -1;
  assert_int_equal(tl_tls_context_new(&server, &settings, NULL, &err), TL_OK);
  return tl_transports_new(&all, loop);
}

static int tear_down (void **state) {
  tl_transports_free(all);
  tl_tls_context_drop(server);
  identity *list[] = { &ca, &other_ca, &broker, &own };
  for (size_t i = 0; i < COUNT(list); i++) identity_free(list[i]);
  DIR *dir = opendir(folder);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.') unlinkat(dirfd(dir), e->d_name, 0);
  if (dir) closedir(dir);
  return rmdir(folder) + loop_teardown(state);
}

/* The path of a file with this text. */
static tl_slice file_with (const char *name, const char *content) {
  static char paths[8][100];
  static unsigned used;
  char *path = paths[used++ % COUNT(paths)];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(content, file);
  fclose(file);
  return tl_slice_str(path);
}

static const layers plain_tls = { .tls = true };

static void begin (peer *p, layers of, const tl_secure *secure) {
  peer_open(p, of, server);
  connects = closes = 0;
  text[0] = '\0';
  const tl_transport_target target = {
    .host = tl_slice_str("127.0.0.1"),
    .port = p->port,
    .is_tls = true,
    .is_ws = of.ws,
    .secure = *secure,
    .ws_path = tl_slice_str("/mqtt?token=secret"),
    .ws_subprotocol = tl_slice_str("mqtt"),
    .proxy = of.http_proxy ? TL_HTTP_PROXY : TL_NO_PROXY,
    .proxy_host = tl_slice_str("127.0.0.1"),
    .proxy_port = p->port,
  };
  assert_int_equal(tl_transport_connect(&transport, all, &target, &events, NULL), TL_OK);
}

#define UNTIL(p, condition) RUN_UNTIL((peer_turn(p), (condition)))

static void end (peer *p) {
  if (closes == 0) tl_transport_close(transport, 0);
  UNTIL(p, closes == 1);
  peer_close(p);
}

/* What is said when it fails; "": it connects. */
static const char *outcome (tl_secure secure) {
  peer p;
  secure.min_minor = 2;
  begin(&p, plain_tls, &secure);
  UNTIL(&p, connects + closes == 1);
  end(&p);
  return connects ? "" : text;
}

static void says (const char *where, const char *words) {
  if (!strstr(where, words)) fail_msg("expected '%s' in '%s'", words, where);
}

/* --- specs --- */

static void each_wrong_wish_is_named (void **state) {
  (void)state;
  tl_slice good = tl_slice_str(ca.pem), junk = file_with("junk.pem", "no certificate");
  tl_slice missing = TL_LIT("/nowhere/x.pem");
  const tl_slice cert = tl_slice_str(own.pem), key = tl_slice_str(own.key_pem);
  static char crl[PEM_ROOM];
  static char long_text[9000], long_word[400];
  crl_make(crl, &ca, NULL, -1, 30);
  memset(long_text, ':', sizeof long_text - 1);
  memset(long_word, 'X', sizeof long_word - 1);
  const struct {
    tl_secure secure;
    const char *words;
  } rows[] = {
    { { .ca = good }, "" },
    { { .ca = file_with("ca.pem", ca.pem), .crl = tl_slice_str(crl) }, "" },
    { { .ca = good, .cert = cert, .key = key }, "" },
    { { .ca = missing }, "tls_ca_file '/nowhere/x.pem': " },
    { { .ca = good, .cert = missing, .key = key }, "tls_cert_file '/nowhere/x.pem': " },
    { { .ca = good, .cert = cert, .key = missing }, "tls_key_file '/nowhere/x.pem': " },
    { { .ca = good, .crl = missing }, "tls_crl_file '/nowhere/x.pem': " },
    { { .ca = junk }, "tls_ca_file '" },
    { { .ca = TL_LIT("\r\n -----BEGIN NOTHING") }, "tls_ca_file: " },
    { { .ca = good, .cert = junk, .key = key }, "tls_cert_file '" },
    { { .ca = good, .cert = cert, .key = tl_slice_str(broker.key_pem) }, "tls_key_file: " },
    { { .ca = good, .crl = junk }, "tls_crl_file '" },
    { { .ca = good, .alpn = TL_LIT("\377x") }, "tls_alpn: " },
    { { .ca = good, .ciphers = TL_LIT("NO-SUCH-CIPHER") }, "tls_ciphers: " },
    { { .ca = good, .ciphers = TL_LIT("::ECDHE-ECDSA-AES128-GCM-SHA256:") }, "" },
    { { .ca = good, .ciphers = tl_slice_str(long_text) }, "tls_ciphers: " },
    { { .ca = good, .ciphers = tl_slice_str(long_word) }, "tls_ciphers: " },
    { { .psk = TL_LIT("0123456789abcdef"), .psk_identity = tl_slice_str(long_word) }, "tls_psk: " },
    { { .psk = TL_LIT("0123456789abcdef"),
        .psk_identity = TL_LIT("me"),
        .ciphers = TL_LIT("PSK-AES128-CBC-SHA256") },
      "PSK" },
    { { .ca = good, .server_name = tl_slice_str(long_word) }, "127.0.0.1:" },
    { { .psk = tl_slice_of((const uint8_t *)crl, 600), .psk_identity = TL_LIT("me") },
      "tls_psk: " },
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    const char *said = outcome(rows[i].secure);
    if (rows[i].words[0] == '\0' && said[0] != '\0') fail_msg("%zu: %s", i, said);
    says(said, rows[i].words);
  }
}

static void the_systems_certificates_count_where_no_file_is_given (void **state) {
  (void)state;
  const char *before = getenv("SSL_CERT_FILE");
  char kept[300];
  snprintf(kept, sizeof kept, "%s", before ? before : "");
  setenv("SSL_CERT_FILE", (const char *)file_with("system.pem", ca.pem).at, 1);
  assert_string_equal(outcome((tl_secure){ .min_minor = 2 }), "");
  setenv("SSL_CERT_FILE", "/nowhere/system.pem", 1);
  says(outcome((tl_secure){ .alpn = TL_LIT("\4mqtt") }),
       "the system's certificates '/nowhere/system.pem': ");
  setenv("SSL_CERT_FILE", "", 1); /* where this system keeps them, if it does */
  assert_string_not_equal(outcome((tl_secure){ .ciphers = TL_LIT("HIGH") }), "");
  unsetenv("SSL_CERT_FILE");
  assert_string_not_equal(outcome((tl_secure){ .ciphers = TL_LIT("HIGH:!RSA") }), "");
  if (before) setenv("SSL_CERT_FILE", kept, 1);
}

/* New files are used from the next connection on; those that do not load leave the old ones. */
static void files_are_looked_at_for_each_connection (void **state) {
  (void)state;
  peer p;
  tl_transport_info info;
  tl_secure secure = { .ca = file_with("new.pem", other_ca.pem), .min_minor = 2 };
  says(outcome(secure), "not trusted");
  file_with("new.pem", ca.pem);
  assert_string_equal(outcome(secure), "");
  file_with("new.pem", "half a fi");
  begin(&p, plain_tls, &secure);
  UNTIL(&p, connects + closes == 1);
  assert_int_equal(connects, 1);
  tl_transport_get_info(transport, &info);
  assert_non_null(info.warning);
  says(info.warning, "tls_ca_file '");
  end(&p);
  unlink((const char *)secure.ca.at);
  assert_string_equal(outcome(secure), "");
}

/* More than are kept: the oldest that nobody uses goes, whoever asks again waits for it again. */
static void many_wishes_have_a_context_each (void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    char who[20];
    snprintf(who, sizeof who, "gw%d", i);
    says(outcome(
             (tl_secure){ .psk = TL_LIT("0123456789abcdef"), .psk_identity = tl_slice_str(who) }),
         "PSK");
  }
  assert_string_equal(outcome((tl_secure){ .ca = tl_slice_str(ca.pem) }), "");
}

static void who_waits_for_files_may_leave (void **state) {
  (void)state;
  peer p[3];
  tl_transport *list[3];
  tl_secure secure = { .ca = file_with("slow.pem", ca.pem), .min_minor = 2 };
  for (int i = 0; i < 3; i++) {
    begin(&p[i], plain_tls, &secure);
    list[i] = transport;
  }
  tl_transport_close(list[0], 0); /* the last in its list, and one of the middle */
  tl_transport_close(list[1], 0);
  for (int i = 0; i < 3; i++) peer_turn(&p[i]);
  closes = connects = 0;
  RUN_UNTIL((peer_turn(&p[2]), closes == 2 && connects == 1));
  tl_transport_close(list[2], 0);
  RUN_UNTIL(closes == 3);
  for (int i = 0; i < 3; i++) peer_close(&p[i]);
}

static void a_connection_tells_what_it_is_made_of (void **state) {
  (void)state;
  peer p;
  char shown[300], small[30], wanted_text[60];
  tl_buf chain;
  char keylog[100];
  snprintf(keylog, sizeof keylog, "%s/keys", folder);
  tl_secure secure = { .ca = tl_slice_str(ca.pem),
                       .cert = tl_slice_str(own.pem),
                       .key = tl_slice_str(own.key_pem),
                       .keylog = tl_slice_str(keylog),
                       .min_minor = 2 };
  begin(&p, (layers){ .http_proxy = true, .tls = true, .ws = true }, &secure);
  UNTIL(&p, connects + closes == 1);
  if (closes) fail_msg("%s", text);
  tl_transport_describe(transport, shown, sizeof shown);
  assert_int_equal(strncmp(shown, "TLS 1.3, ", 9), 0);
  says(shown, ", 'CN=broker' until 20");
  snprintf(wanted_text, sizeof wanted_text, ", WebSocket /mqtt, through 127.0.0.1:%u", p.port);
  says(shown, wanted_text);
  assert_null(strstr(shown, "secret"));
  tl_transport_describe(transport, small, sizeof small); /* as far as there is room */
  assert_int_equal(strncmp(small, shown, strlen(small)), 0);
  tl_transport_info info;
  tl_transport_get_info(transport, &info);
  assert_true(info.has_own && info.tls.verified && info.is_ws);
  assert_string_equal(info.own_name, "CN=gw1");
  tl_buf_init(&chain);
  tl_transport_chain(transport, &chain);
  tl_buf_byte(&chain, '\0');
  says((const char *)chain.at, "'CN=broker' signed by 'CN=Plant CA', 20");
  tl_buf_fini(&chain);
  struct stat st;
  RUN_UNTIL(stat(keylog, &st) == 0 && st.st_size > 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  end(&p);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(each_wrong_wish_is_named),
    SPEC(the_systems_certificates_count_where_no_file_is_given),
    SPEC(files_are_looked_at_for_each_connection),
    SPEC(many_wishes_have_a_context_each),
    SPEC(who_waits_for_files_may_leave),
    SPEC(a_connection_tells_what_it_is_made_of),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
