/* spec/gateway/plain_broker.h — a gateway of one line, `plant`, whose broker is a plain
** socket of the spec: it accepts, reads packets and answers when the spec says so. */
#ifndef PLAIN_BROKER_H
#define PLAIN_BROKER_H

#include "net/net_support.h"

#include "gateway/gateway.h"
#include "gateway/link_impl.h"

static tl_gateway *gateway;
static int listener, broker; /* sockets */
static uint16_t port;
static uint8_t got[4096]; /* of this connection */
static size_t got_len;

static void text (tl_slice *field, const char *value) {
  assert_int_equal(tl_params_set_text(field, tl_slice_str(value)), TL_OK);
}

static tl_link *link_of_plant (void) { return tl_line_link(tl_gateway_model(gateway)->lines[0]); }

static void configure (void (*prepare)(tl_line_params *p)) {
  tl_line_config line = { .name = TL_LIT("plant") };
  tl_config config = { .lines = &line, .line_count = 1 };
  tl_line_params *p = &line.params;
  tl_params_init(p);
  p->port = port;
  p->subscribe_qos = p->publish_qos = 1;
  p->reconnect_delay = p->reconnect_delay_max = 10;
  p->max_packet_size = 65536;
  p->max_inflight = p->max_queued = p->receive_queue = 100;
  text(&p->client_id, "me");
  text(&p->offline_writes, "reject");
  assert_int_equal(tl_params_add_text(&p->host, TL_LIT("127.0.0.1")), TL_OK);
  assert_int_equal(tl_params_add_text(&p->topic_filter, TL_LIT("a")), TL_OK);
  prepare(p);
  assert_int_equal(tl_gateway_apply(gateway, &config, NULL, NULL, NULL), TL_OK);
}

static bool accepted (void) {
  broker = readable(listener) ? accept(listener, NULL, NULL) : -1;
  got_len = 0;
  return broker >= 0;
}

/* Reads what is there; has a packet of this type come? What stands before it is no matter here. */
static bool came (uint8_t first) {
  while (readable(broker)) {
    ssize_t n = read(broker, got + got_len, sizeof got - got_len);
    if (n <= 0) return false;
    got_len += (size_t)n;
  }
  for (size_t at = 0; at + 1 < got_len; at += 2 + got[at + 1]) /* all packets here are short */
    if (got[at] == first) return true;
  return false;
}

static void answer (const char *bytes, size_t n) { assert_int_equal(write(broker, bytes, n), n); }

static void connect_it (bool present) {
  RUN_UNTIL(accepted());
  RUN_UNTIL(came(0x10));
  answer(present ? "\x20\x02\x01\x00" : "\x20\x02\x00\x00", 4);
  RUN_UNTIL(came(0x82));
}

/* `prepare` adds to the line's parameters. */
static int begin_gateway (void (*prepare)(tl_line_params *p)) {
  if (tl_gateway_new(&gateway, loop, NULL, NULL) != TL_OK) return -1;
  listener = listen_on(AF_INET, 8, &port);
  broker = -1;
  configure(prepare);
  tl_gateway_start(gateway);
  return listener < 0;
}

static void on_stopped (void *ctx) { *(bool *)ctx = true; }

/* The second stop does not wait for the broker. */
static void end_gateway (void **state) {
  bool stopped = false;
  tl_gateway_stop(gateway, on_stopped, &stopped);
  tl_gateway_stop(gateway, on_stopped, &stopped);
  RUN_UNTIL(stopped);
  tl_gateway_free(gateway);
  loop_teardown(state);
  if (broker >= 0) close(broker);
  close(listener);
}

#endif
