/* spec/transport/owner.h — the owner of a transport, which notes what it is told, the certificates
** of both sides, and a target that leads to a peer. */
#ifndef TL_SPEC_TRANSPORT_OWNER_H
#define TL_SPEC_TRANSPORT_OWNER_H

#include "peer.h"

static identity ca, broker;
static tl_tls_context *server;
static tl_transports *all;

static tl_transport *transport;
static int connects, closes, code, stage_count;
static char text[600];
static tl_buf got;
static bool no_room;               /* there is none for what came */
static void (*got_more)(size_t n); /* called behind each data; may be NULL */

static void on_connected (void *ctx, const char *peer_name) {
  (void)ctx;
  assert_true(closes == 0 && strchr(peer_name, ':'));
  connects++;
}
static uint8_t *on_room (void *ctx, size_t *room) {
  (void)ctx;
  if (no_room || tl_buf_reserve(&got, 4096) != TL_OK) return NULL;
  *room = 4096;
  return got.at + got.len;
}
static void on_data (void *ctx, size_t n) {
  (void)ctx;
  assert_true(closes == 0 && connects == 1);
  got.len += n;
  if (got_more) got_more(n);
}
static void on_drained (void *ctx) { (void)ctx; }
static void on_closed (void *ctx, int why, const char *what) {
  (void)ctx;
  closes++;
  code = why;
  snprintf(text, sizeof text, "%s", what);
}
static void on_stage (void *ctx, const char *stage, const char *found) {
  (void)ctx;
  assert_true(stage[0] != '\0' && found);
  stage_count++;
}
static const tl_transport_events events = { .connected = on_connected,
                                            .room = on_room,
                                            .data = on_data,
                                            .drained = on_drained,
                                            .closed = on_closed,
                                            .stage = on_stage };

static inline int owner_set_up (void **state, void (*more)(size_t n)) {
  tl_err err = { .text = "" };
  identity_make(&ca, &(wanted){ .name = "Plant CA", .is_ca = true });
  identity_make(&broker,
                &(wanted){ .name = "broker", .alternative = "IP:127.0.0.1", .signer = &ca });
  const tl_tls_settings settings = { .cert = tl_slice_str(broker.pem),
                                     .key = tl_slice_str(broker.key_pem),
                                     .min_minor = 2,
                                     .verify = TL_TLS_VERIFY_NONE };
  assert_int_equal(tl_tls_context_new(&server, &settings, NULL, &err), TL_OK);
  if (loop_setup(state) != 0) return -1;
  tl_buf_init(&got);
  got_more = more;
  return tl_transports_new(&all, loop);
}

static inline int owner_tear_down (void **state) {
  tl_transports_free(all);
  tl_tls_context_drop(server);
  identity_free(&ca);
  identity_free(&broker);
  tl_buf_fini(&got);
  return loop_teardown(state);
}

/* The peer, through the layers that it has. Borrows from it and from `ca`. */
static inline tl_transport_target target_of (const peer *p) {
  const layers of = p->of;
  bool proxied = of.http_proxy || of.socks;
  return (tl_transport_target){
    .host = tl_slice_str("127.0.0.1"),
    .port = p->port,
    .is_tls = of.tls,
    .is_ws = of.ws,
    .secure = { .ca = tl_slice_str(ca.pem), .min_minor = 2 },
    .ws_path = tl_slice_str("/mqtt"),
    .ws_subprotocol = tl_slice_str("mqtt"),
    .proxy = !proxied ? TL_NO_PROXY : (of.socks ? TL_SOCKS5_PROXY : TL_HTTP_PROXY),
    .proxy_host = tl_slice_str("127.0.0.1"),
    .proxy_port = p->port,
  };
}

/* A new connection: nothing of an earlier one counts. */
static inline int owner_connect (const tl_transport_target *target) {
  connects = closes = stage_count = 0;
  code = 1;
  text[0] = '\0';
  tl_buf_clear(&got);
  return tl_transport_connect(&transport, all, target, &events, NULL);
}

#endif
