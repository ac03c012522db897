/* scripts/bench/payloads.h — the payloads that the benches send, three JSON fields each to
** extract: about 60 bytes, 1.3 KB and 16 KB. */
#ifndef TL_BENCH_PAYLOADS_H
#define TL_BENCH_PAYLOADS_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A number below `below` that looks as if by chance, the same for the same n and salt: each
** message has other values, of other lengths, in another order, and now and then a member less. */
static unsigned chance (unsigned n, unsigned salt, unsigned below) {
  unsigned long long h = (n * 2654435761u + salt) * 0x9e3779b97f4a7c15u;
  return (unsigned)((h ^ h >> 29) * 0xbf58476d1ce4e5b9u >> 40) % below;
}

/* A text that grows. */
typedef struct {
  char *at;
  size_t len, cap;
} bench_text;

__attribute__((format(printf, 2, 3))) static void add (bench_text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(t->at + t->len, t->cap - t->len, format, args);
  va_end(args);
  t->len += (size_t)n;
}

static size_t small_payload (char *out, size_t cap, unsigned n) {
  bench_text t = { out, 0, cap };
  unsigned first = chance(n, 1, 5),
           less = chance(n, 2, 12); /* 3: there is no "seq", 4: no "unit" */
  for (unsigned i = 0; i < 5; i++) {
    unsigned which = (first + i) % 5;
    if (which >= 3 && which == less) continue;
    add(&t, "%s", t.len == 0 ? "{" : ",");
    switch (which) {
      case 0: add(&t, "\"temp\":%.*f", (int)chance(n, 3, 4), chance(n, 4, 400000) / 1000.0); break;
      case 1: add(&t, "\"hum\":%u", chance(n, 5, 101)); break;
      case 2: add(&t, "\"on\":%s", chance(n, 6, 2) ? "true" : "false"); break;
      case 3: add(&t, "\"seq\":%u", chance(n, 7, 1u << chance(n, 8, 24))); break;
      default: add(&t, "\"unit\":\"%s\"", chance(n, 9, 2) ? "C" : "degC");
    }
  }
  add(&t, "}");
  return t.len;
}

static void add_gateway (bench_text *t, unsigned n, unsigned i) {
  add(t, "%s{\"gateway_ids\":{\"gateway_id\":\"%.*s\",\"eui\":\"58A0CBFFFE%06X\"},",
      i > 0 ? "," : "", (int)(4 + chance(n, 20 + i, 12)), "roof-of-hall-12-north",
      chance(n, 22 + i, 1 << 24));
  if (chance(n, 24 + i, 3)) add(t, "\"time\":\"2026-11-22T14:03:%02u.2Z\",", chance(n, 26 + i, 60));
  add(t,
      "\"timestamp\":%u,\"rssi\":-%u,\"channel_rssi\":-%u,\"snr\":%.*f,\"uplink_token\":"
      "\"ChIKEAoEcm9vZhIIWKDL//%06X\",\"channel_index\":%u}",
      chance(n, 28 + i, 1u << 31), 30 + chance(n, 30 + i, 100), 30 + chance(n, 32 + i, 100),
      (int)chance(n, 34 + i, 3), chance(n, 36 + i, 1200) / 100.0, chance(n, 38 + i, 1 << 24),
      chance(n, 40 + i, 8));
}

static void add_decoded (bench_text *t, unsigned n) {
  unsigned first = chance(n, 50, 4);
  for (unsigned i = 0; i < 4; i++) {
    add(t, "%s", i > 0 ? "," : "{");
    switch ((first + i) % 4) {
      case 0: add(t, "\"BatV\":3.%03u,\"Bat_status\":3", chance(n, 51, 1000)); break;
      case 1: add(t, "\"Ext_sensor\":\"Temperature Sensor\""); break;
      case 2: add(t, "\"Hum_SHT\":%.1f", chance(n, 52, 1000) / 10.0); break;
      default:
        add(t, "\"TempC_DS\":%.2f,\"TempC_SHT\":%.*f", chance(n, 53, 4000) / 100.0,
            (int)chance(n, 54, 4), chance(n, 55, 40000) / 1000.0);
    }
  }
  add(t, "}");
}

/* The shape of a Things Stack v3 uplink with one gateway or two. */
static size_t uplink_payload (char *out, size_t cap, unsigned n) {
  bench_text t = { out, 0, cap };
  add(&t,
      "{\"end_device_ids\":{\"device_id\":\"cellar-%u\",\"application_ids\":{\"application_id\":"
      "\"plant\"},\"dev_eui\":\"70B3D57ED00%05X\",\"join_eui\":\"0000000000000000\",\"dev_addr\":"
      "\"260B%04X\"},\"correlation_ids\":[\"as:up:01HEXKBR%06XQ6X9A\",\"gs:conn:01HEX7Z\","
      "\"ns:uplink:01HEXKBQ\"],\"received_at\":\"2026-11-22T14:03:%02u.%03u123456Z\","
      "\"uplink_message\":{\"session_key_id\":\"AYvG1Q2Y7gk\",\"f_port\":%u,",
      chance(n, 60, 1u << chance(n, 61, 16)), chance(n, 62, 1 << 20), chance(n, 63, 1 << 16),
      chance(n, 64, 1 << 24), chance(n, 65, 60), chance(n, 66, 1000), 1 + chance(n, 67, 220));
  if (chance(n, 68, 20)) add(&t, "\"f_cnt\":%u,", chance(n, 69, 1u << chance(n, 70, 17)));
  add(&t, "\"frm_payload\":\"%.*s=\",\"decoded_payload\":", (int)(7 + 4 * chance(n, 71, 8)),
      "y/YLDQN2AQrdf/8y/YLDQN2AQrdf/8y/YLDQN2AQrdf");
  add_decoded(&t, n);
  add(&t, ",\"rx_metadata\":[");
  for (unsigned i = 0; i < 1 + chance(n, 72, 2); i++) add_gateway(&t, n, i);
  add(&t,
      "],\"settings\":{\"data_rate\":{\"lora\":{\"bandwidth\":125000,\"spreading_factor\":%u,"
      "\"coding_rate\":\"4/5\"}},\"frequency\":\"868%u00000\",\"timestamp\":%u},\"received_at\":"
      "\"2026-11-22T14:03:16.001Z\",\"consumed_airtime\":\"0.%06us\",\"network_ids\":{\"net_id\":"
      "\"000013\",\"tenant_id\":\"ttn\",\"cluster_id\":\"eu1\"}}}",
      7 + chance(n, 73, 6), chance(n, 74, 6), chance(n, 75, 1u << 31), chance(n, 76, 1000000));
  return t.len;
}

/* An array of 100 objects. */
static size_t array_payload (char *out, size_t cap, unsigned n) {
  bench_text t = { out, 0, cap };
  for (unsigned i = 0; i < 100; i++) {
    unsigned k = n * 100 + i;
    add(&t, "%s{\"id\":%u,\"name\":\"battery-cabinet-%u\",\"batt_cell_v_avg\":3.%03u,",
        i ? "," : "[", i, chance(k, 80, 2000), chance(k, 81, 1000));
    if (chance(k, 82, 2))
      add(&t, "\"batt_cell_t_max\":%.1f,\"soc\":%u,", chance(k, 83, 400) / 10.0,
          chance(k, 84, 101));
    else
      add(&t, "\"soc\":%u,\"batt_cell_t_max\":%.1f,", chance(k, 84, 101),
          chance(k, 83, 400) / 10.0);
    add(&t, "\"online\":%s,\"fault\":%s,", chance(k, 85, 2) ? "true" : "false",
        chance(k, 86, 4) ? "null" : "\"overheated\"");
    add(&t, "\"ts\":17638%08u,\"mode\":\"%s\"}", chance(k, 87, 100000000),
        chance(k, 88, 2) ? "charge" : "idle");
  }
  add(&t, "]");
  return t.len;
}

typedef size_t payload_maker (char *out, size_t cap, unsigned n);

static const struct bench_size {
  const char *name;
  payload_maker *make;
  const char *paths[3]; /* JA= addresses */
} bench_sizes[] = {
  { "60B", small_payload, { "temp", "hum", "on" } },
  { "1.3K",
    uplink_payload,
    { "uplink_message.decoded_payload.TempC_SHT", "uplink_message.rx_metadata[1].rssi",
      "uplink_message.f_cnt" } },
  { "16K", array_payload, { "[1].batt_cell_v_avg", "[50].batt_cell_t_max", "[100].soc" } },
};
enum { BENCH_SIZES = sizeof bench_sizes / sizeof *bench_sizes };

#endif
