/* scripts/bench/payloads.h — the payloads that the benches send, three JSON fields each to
** extract: about 60 bytes, 1.3 KB and 16 KB. */
#ifndef TL_BENCH_PAYLOADS_H
#define TL_BENCH_PAYLOADS_H

#include <stdio.h>
#include <string.h>

/* Values differ with n, so that every message brings new ones. Returns the length. */
static size_t small_payload (char *out, size_t cap, unsigned n) {
  return (size_t)snprintf(out, cap,
                          "{\"temp\":%u.%u,\"hum\":%u,\"on\":%s,\"seq\":%u,\"unit\":\"C\"}",
                          20 + n % 9, n % 10, 40 + n % 20, n % 2 ? "true" : "false", n % 100000);
}

/* The shape of a Things Stack v3 uplink with two gateways. */
static size_t uplink_payload (char *out, size_t cap, unsigned n) {
  return (size_t)snprintf(
      out, cap,
      "{\"end_device_ids\":{\"device_id\":\"cellar-1\",\"application_ids\":{\"application_id\":"
      "\"plant\"},\"dev_eui\":\"70B3D57ED0051A2B\","
      "\"join_eui\":\"0000000000000000\",\"dev_addr\":\"260B1C2D\"},\"correlation_ids\":[\"as:up:"
      "01HEXKBR8Q6X9A\",\"gs:conn:01HEX7Z\","
      "\"ns:uplink:01HEXKBQ\"],\"received_at\":\"2026-11-22T14:03:%02u.%03u123456Z\",\"uplink_"
      "message\":{\"session_key_id\":"
      "\"AYvG1Q2Y7gk\",\"f_port\":2,\"f_cnt\":%u,\"frm_payload\":\"y/YLDQN2AQrdf/"
      "8=\",\"decoded_payload\":{\"BatV\":3.062,"
      "\"Bat_status\":3,\"Ext_sensor\":\"Temperature "
      "Sensor\",\"Hum_SHT\":%u.%u,\"TempC_DS\":27.81,\"TempC_SHT\":%u.%02u},"
      "\"rx_metadata\":[{\"gateway_ids\":{\"gateway_id\":\"roof\",\"eui\":\"58A0CBFFFE8012A4\"},"
      "\"time\":\"2026-11-22T14:03:16.2Z\","
      "\"timestamp\":%u,\"rssi\":-%u,\"channel_rssi\":-97,\"snr\":7.5,\"uplink_token\":"
      "\"ChIKEAoEcm9vZhIIWKDL//6AEqQQ\","
      "\"channel_index\":3},{\"gateway_ids\":{\"gateway_id\":\"gate\",\"eui\":\"58A0CBFFFE80F00D\"}"
      ",\"timestamp\":%u,\"rssi\":-111,"
      "\"channel_rssi\":-111,\"snr\":-2.25,\"uplink_token\":\"ChIKEAoEZ2F0ZRIIWKDL//"
      "6A8A0Q\"}],\"settings\":{\"data_rate\":{\"lora\":"
      "{\"bandwidth\":125000,\"spreading_factor\":7,\"coding_rate\":\"4/"
      "5\"}},\"frequency\":\"868100000\",\"timestamp\":%u},"
      "\"received_at\":\"2026-11-22T14:03:16.001Z\",\"consumed_airtime\":\"0.051456s\",\"network_"
      "ids\":{\"net_id\":\"000013\","
      "\"tenant_id\":\"ttn\",\"cluster_id\":\"eu1\"}}}",
      n % 60, n % 1000, n % 65536, 50 + n % 40, n % 10, 10 + n % 20, n % 100, n, 80 + n % 30, n, n);
}

/* An array of 100 objects. */
static size_t array_payload (char *out, size_t cap, unsigned n) {
  size_t at = (size_t)snprintf(out, cap, "[");
  for (unsigned i = 0; i < 100; i++) {
    at +=
        (size_t)snprintf(out + at, cap - at,
                         "%s{\"id\":%u,\"name\":\"battery-cabinet-%03u\",\"batt_cell_v_avg\":3.%"
                         "03u,\"batt_cell_t_max\":%u.%u,\"soc\":%u,"
                         "\"online\":true,\"fault\":null,\"ts\":17638200%05u,\"mode\":\"charge\"}",
                         i ? "," : "", i, i, (n + i) % 1000, 20 + (n + i) % 9, (n + i) % 10,
                         (n + i) % 100, (n + i) % 100000);
  }
  return at + (size_t)snprintf(out + at, cap - at, "]");
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
