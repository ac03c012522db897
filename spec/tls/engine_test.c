/* spec/tls/engine_test.c — two engines back to back: data in every cut, ends, resumption,
** bounds. */
#include "plant.h"

static tl_tls_settings for_client, for_server;

static int make_identities (void **unused) {
  (void)unused;
  plant_make("DNS:broker");
  for_client = (tl_tls_settings){ .ca = tl_slice_str(ca.pem), .min_minor = 2 };
  for_server = (tl_tls_settings){ .cert = tl_slice_str(broker.pem),
                                  .key = tl_slice_str(broker.key_pem),
                                  .min_minor = 2,
                                  .verify = TL_TLS_VERIFY_NONE };
  return 0;
}

static void open_pair (pair *p, int version, size_t piece) {
  tl_tls_context *client = context_of(&for_client), *server = context_of(&for_server);
  if (version) SSL_CTX_set_max_proto_version(server->ssl, version);
  pair_open(p, client, server, "broker", NULL);
  pair_shake(p, piece);
  if (p->client_rc != TL_OK) fail_msg("%s", tl_tls_error(p->client));
  assert_int_equal(p->server_rc, TL_OK);
}

static void shut_pair (pair *p) {
  pair_close(p);
  tl_tls_context_drop(p->contexts[0]);
  tl_tls_context_drop(p->contexts[1]);
}

/* What was written on one side comes out on the other, cut into pieces. */
static void passes (tl_tls *from, tl_tls *to, size_t n, size_t piece, size_t room) {
  uint8_t *bytes = malloc(n), *into = malloc(room);
  size_t got = 0;
  for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(i * 37 + 11);
  assert_int_equal(tl_tls_write(from, bytes, n), TL_OK);
  tl_buf *out = tl_tls_output(from);
  for (size_t at = 0; at < out->len; at += piece) {
    size_t part = out->len - at < piece ? out->len - at : piece;
    uint8_t *copy = exact_copy(out->at + at, part);
    tl_tls_feed(to, copy, part);
    long rc;
    while ((rc = tl_tls_read(to, into, room)) > 0) {
      assert_true(got + (size_t)rc <= n);
      assert_memory_equal(into, bytes + got, (size_t)rc);
      got += (size_t)rc;
    }
    assert_int_equal(rc, TL_EPARTIAL);
    free(copy);
  }
  tl_buf_clear(out);
  assert_int_equal(got, n);
  tl_tls_relax(from);
  tl_tls_relax(to);
  free(bytes);
  free(into);
}

static void data_passes_at_every_cut (void **unused) {
  (void)unused;
  static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
  for (size_t v = 0; v < COUNT(versions); v++) {
    for (size_t piece = 1; piece <= 64; piece = piece < 8 ? piece + 1 : piece * 2) {
      pair p;
      open_pair(&p, versions[v], piece);
      passes(p.client, p.server, 100, piece, 7);
      passes(p.server, p.client, 100, piece, 1000);
      passes(p.client, p.server, 40000, piece * 100, 4096);
      passes(p.server, p.client, 40000, 16384, 65536);
      shut_pair(&p);
    }
  }
}

static void a_block_is_as_few_records_as_can_be (void **unused) {
  (void)unused;
  pair p;
  open_pair(&p, 0, 100000);
  size_t n = 3 * 16384 + 1, records = 0;
  uint8_t *bytes = calloc(1, n);
  assert_int_equal(tl_tls_write(p.client, bytes, n), TL_OK);
  tl_buf *out = tl_tls_output(p.client);
  for (size_t at = 0; at < out->len; records++)
    at += 5 + ((size_t)out->at[at + 3] << 8 | out->at[at + 4]);
  assert_int_equal(records, 4);
  free(bytes);
  shut_pair(&p);
}

static void many_records_are_read_in_one_call (void **unused) {
  (void)unused;
  pair p;
  uint8_t room[4096];
  open_pair(&p, 0, 100000);
  for (int i = 0; i < 30; i++) assert_int_equal(tl_tls_write(p.server, "0123456789", 10), TL_OK);
  tl_buf *out = tl_tls_output(p.server);
  tl_tls_feed(p.client, out->at, out->len);
  assert_int_equal(tl_tls_read(p.client, room, sizeof room), 300);
  assert_int_equal(tl_tls_read(p.client, room, sizeof room), TL_EPARTIAL);
  shut_pair(&p);
}

static void what_is_left_when_its_reader_stops_is_kept (void **unused) {
  (void)unused;
  pair p;
  uint8_t room[10];
  open_pair(&p, 0, 100000);
  for (int i = 0; i < 100; i++) assert_int_equal(tl_tls_write(p.server, "0123456789", 10), TL_OK);
  tl_buf *out = tl_tls_output(p.server);
  uint8_t *copy = exact_copy(out->at, out->len);
  tl_tls_feed(p.client, copy, out->len);
  assert_int_equal(tl_tls_read(p.client, room, 4), 4);
  assert_true(tl_tls_waiting(p.client) > 0);
  assert_int_equal(tl_tls_keep(p.client), TL_OK);
  free(copy);
  size_t got = 4;
  long rc;
  while ((rc = tl_tls_read(p.client, room, sizeof room)) > 0) got += (size_t)rc;
  assert_int_equal(got, 1000);
  assert_int_equal(tl_tls_waiting(p.client), 0);
  shut_pair(&p);
}

static void tells_what_it_is (void **unused) {
  (void)unused;
  pair p;
  tl_tls_info info;
  tl_buf chain;
  tl_buf_init(&chain);
  for_client.alpn = TL_LIT("\4mqtt");
  open_pair(&p, 0, 100000);
  for_client.alpn = TL_LIT("");
  tl_tls_get_info(p.client, &info);
  assert_string_equal(info.version, "TLSv1.3");
  assert_string_equal(info.cipher, "TLS_AES_256_GCM_SHA384");
  assert_string_equal(info.subject, "CN=broker");
  assert_true(info.until > 0);
  assert_true(info.verified);
  assert_false(info.resumed);
  tl_tls_chain(p.client, &chain);
  tl_buf_byte(&chain, 0);
  assert_non_null(strstr((char *)chain.at, "'CN=broker' signed by 'CN=Plant CA', 20"));
  assert_non_null(strstr((char *)chain.at, "SHA-256 "));
  assert_string_equal(SSL_get_servername(p.server->ssl, TLSEXT_NAMETYPE_host_name), "broker");
  tl_buf_fini(&chain);
  shut_pair(&p);
}

static void ends_as_the_peer_ends (void **unused) {
  (void)unused;
  pair p;
  uint8_t room[100];
  open_pair(&p, 0, 100000);
  assert_int_equal(tl_tls_write(p.server, "bye", 3), TL_OK);
  tl_tls_close(p.server);
  tl_tls_close(p.server);
  assert_int_equal(tl_tls_write(p.server, "x", 1), TL_ESTATE);
  tl_buf *out = tl_tls_output(p.server);
  tl_tls_feed(p.client, out->at, out->len);
  assert_int_equal(tl_tls_read(p.client, room, sizeof room), 3); /* what came before counts */
  assert_int_equal(tl_tls_read(p.client, room, sizeof room), TL_TLS_CLOSED);
  assert_int_equal(tl_tls_end(p.client), TL_TLS_CLOSED);
  shut_pair(&p);

  open_pair(&p, 0, 100000); /* FIN without close_notify, after whole records */
  assert_int_equal(tl_tls_read(p.client, room, sizeof room), TL_EPARTIAL);
  assert_int_equal(tl_tls_end(p.client), TL_TLS_CLOSED);
  shut_pair(&p);

  open_pair(&p, 0, 100000); /* and inside one */
  assert_int_equal(tl_tls_read(p.client, room, sizeof room), TL_EPARTIAL);
  assert_int_equal(tl_tls_write(p.server, "half", 4), TL_OK);
  out = tl_tls_output(p.server);
  tl_tls_feed(p.client, out->at, out->len - 1);
  assert_int_equal(tl_tls_read(p.client, room, sizeof room), TL_EPARTIAL);
  assert_int_equal(tl_tls_end(p.client), TL_EREFUSED);
  assert_non_null(strstr(tl_tls_error(p.client), "in the middle of a TLS record"));
  shut_pair(&p);
}

static void a_changed_byte_ends_it (void **unused) {
  (void)unused;
  pair p;
  uint8_t room[100];
  open_pair(&p, 0, 100000);
  assert_int_equal(tl_tls_write(p.server, "value", 5), TL_OK);
  tl_buf *out = tl_tls_output(p.server);
  out->at[out->len - 1] ^= 1;
  tl_tls_feed(p.client, out->at, out->len);
  assert_int_equal(tl_tls_read(p.client, room, sizeof room), TL_EREFUSED);
  assert_int_equal(tl_tls_read(p.client, room, sizeof room), TL_EREFUSED);
  assert_non_null(strstr(tl_tls_error(p.client), "TLS failed"));
  assert_true(tl_tls_output(p.client)->len > 0); /* the alert */
  shut_pair(&p);
}

static void a_session_is_resumed (void **unused) {
  (void)unused;
  static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
  for (size_t v = 0; v < COUNT(versions); v++) {
    tl_tls_context *client = context_of(&for_client), *server = context_of(&for_server);
    uint8_t room[10];
    tl_tls_info info;
    pair p;
    SSL_CTX_set_max_proto_version(server->ssl, versions[v]);
    SSL_CTX_set_session_id_context(server->ssl, (const unsigned char *)"spec", 4);
    pair_open(&p, client, server, "broker", NULL);
    pair_shake(&p, 100000);
    assert_int_equal(tl_tls_read(p.client, room, sizeof room), TL_EPARTIAL); /* tickets */
    tl_tls_session *s = tl_tls_take_session(p.client);
    assert_non_null(s);
    assert_null(tl_tls_take_session(p.client));
    pair_close(&p);
    pair_open(&p, client, server, "broker", s);
    pair_shake(&p, 100000);
    assert_int_equal(p.client_rc, TL_OK);
    tl_tls_get_info(p.client, &info);
    assert_true(info.resumed);
    assert_string_equal(info.subject, "CN=broker");
    pair_close(&p);
    tl_tls_session_free(s);
    tl_tls_context_drop(client);
    tl_tls_context_drop(server);
  }
}

static void a_storm_of_key_updates_is_answered_in_bounds (void **unused) {
  (void)unused;
  pair p;
  uint8_t room[10];
  open_pair(&p, TLS1_3_VERSION, 100000);
  for (int i = 0; i < 200; i++) {
    assert_int_equal(SSL_key_update(p.server->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    assert_int_equal(tl_tls_write(p.server, "x", 1), TL_OK);
    tl_buf *out = tl_tls_output(p.server);
    tl_tls_feed(p.client, out->at, out->len);
    assert_int_equal(tl_tls_read(p.client, room, sizeof room), 1);
    tl_buf_clear(out);
  }
  assert_true(tl_tls_output(p.client)->len < 200 * 64);
  passes(p.server, p.client, 1000, 100000, 5000);
  shut_pair(&p);
}

static void keys_are_logged_when_it_is_wanted (void **unused) {
  (void)unused;
  pair p;
  open_pair(&p, 0, 100000);
  assert_int_equal(tl_tls_keylog(p.client)->len, 0);
  shut_pair(&p);
  for_client.keylog = true;
  open_pair(&p, 0, 100000);
  for_client.keylog = false;
  tl_buf *log = tl_tls_keylog(p.client);
  assert_true(log->len > 0 && log->at[log->len - 1] == '\n');
  assert_memory_equal(log->at, "SERVER_HANDSHAKE_TRAFFIC_SECRET ", 10);
  shut_pair(&p);
}

static void an_idle_one_is_small (void **unused) {
  (void)unused;
  enum { MANY = 5 };
  tl_tls_context *client = context_of(&for_client), *server = context_of(&for_server);
  pair pairs[MANY];
  for (int i = 0; i < MANY; i++) {
    pair_open(&pairs[i], client, server, "broker", NULL);
    pair_shake(&pairs[i], 100000);
    passes(pairs[i].client, pairs[i].server, 20000, 100000, 30000);
    passes(pairs[i].server, pairs[i].client, 20000, 100000, 30000);
    assert_true(pairs[i].client->out.cap + pairs[i].client->in.cap <= 8 * 1024);
  }
  for (int i = 0; i < MANY; i++) pair_close(&pairs[i]);
  tl_tls_context_drop(client);
  tl_tls_context_drop(server);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(data_passes_at_every_cut),
    cmocka_unit_test(a_block_is_as_few_records_as_can_be),
    cmocka_unit_test(many_records_are_read_in_one_call),
    cmocka_unit_test(what_is_left_when_its_reader_stops_is_kept),
    cmocka_unit_test(tells_what_it_is),
    cmocka_unit_test(ends_as_the_peer_ends),
    cmocka_unit_test(a_changed_byte_ends_it),
    cmocka_unit_test(a_session_is_resumed),
    cmocka_unit_test(a_storm_of_key_updates_is_answered_in_bounds),
    cmocka_unit_test(keys_are_logged_when_it_is_wanted),
    cmocka_unit_test(an_idle_one_is_small),
  };
  return cmocka_run_group_tests(tests, make_identities, plant_free);
}
