/* scripts/bench/json_bench.c — how long the JSON scanner takes for three addresses in payloads
** of three sizes, beside a plain byte-by-byte reader that only checks. Prints nanoseconds of
** processor time a document, the best of several rounds. Each size is measured with one document
** again and again, and with 64 that differ in their values, which branch prediction cannot learn
** by heart. */
#include "base/clock.h"
#include "payload/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { VARIANTS = 64, ROUNDS = 15 };

static uint32_t seed = 1;
static unsigned pick (unsigned below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 10) % below;
}

static double hundredths (unsigned below) { return pick(below) / 100.0; }

static void small (tl_buf *b) {
  tl_buf_fmt(b, "{\"temp\":%.2f,\"hum\":%.1f,\"ok\":true,\"ts\":17000%08u,\"n\":%u}",
             hundredths(4000), hundredths(10000), pick(100000000), pick(1000));
}

static void gateway (tl_buf *b) {
  tl_buf_fmt(b,
             "{\"gateway_ids\":{\"gateway_id\":\"plant-roof-%u\",\"eui\":\"B827EBFFFE%06X\"},"
             "\"time\":\"2026-11-22T14:03:%02u.%03uZ\","
             "\"timestamp\":%u,\"rssi\":-%u,\"channel_rssi\":-%u,\"snr\":%.2f,"
             "\"uplink_token\":\"CiIKIAoUcGxhbnQtcm9vZi0xEggn6//+"
             "MTIzNBCI4e2zBBoMCJ%06Xh8C9\",\"received_at\":\"2026-11-22T14:03:16.101331422Z\"}",
             pick(20), pick(1 << 24), pick(60), pick(1000), pick(2000000000), 40 + pick(80),
             40 + pick(80), hundredths(1200), pick(1 << 24));
}

static void uplink (tl_buf *b) { /* the shape of a Things Stack v3 uplink, 1.3 KB */
  tl_buf_fmt(
      b,
      "{\"end_device_ids\":{\"device_id\":\"boiler-%u\",\"application_ids\":{\"application_id\":"
      "\"plant\"},\"dev_eui\":"
      "\"70B3D57ED00%05X\",\"join_eui\":\"0000000000000000\",\"dev_addr\":\"260B%04X\"},"
      "\"correlation_ids\":[\"as:up:01HF"
      "%08XQ\",\"gs:conn:01HEXKBR\",\"ns:uplink:01HF%08XA\"],\"received_at\":\"2026-11-22T14:03:16."
      "%09uZ\","
      "\"uplink_message\":"
      "{\"session_key_id\":\"AYvNQ2%06X==\",\"f_port\":%u,\"f_cnt\":%u,"
      "\"frm_payload\":\"AQDm%06XBAA=\",\"decoded_payload\":"
      "{\"temperature\":%.1f,\"humidity\":%u,\"battery\":%.2f,\"door\":%s},\"rx_metadata\":[",
      pick(5000), pick(1 << 20), pick(1 << 16), pick(1 << 30), pick(1 << 30), pick(1000000000),
      pick(1 << 24), 1 + pick(200), pick(100000), pick(1 << 24), hundredths(5000), pick(100),
      3 + hundredths(100), pick(2) ? "true" : "false");
  gateway(b);
  tl_buf_fmt(b,
             "],\"settings\":{\"data_rate\":{\"lora\":{\"bandwidth\":125000,\"spreading_factor\":%"
             "u,\"coding_rate\":\"4/5\"}},"
             "\"frequency\":\"868%u00000\",\"timestamp\":%u},\"received_at\":\"2026-11-22T14:03:15."
             "%09uZ\","
             "\"consumed_airtime\":"
             "\"0.%06us\",\"network_ids\":{\"net_id\":\"000013\",\"tenant_id\":\"ttn\",\"cluster_"
             "id\":\"eu1\","
             "\"cluster_address\":\"eu1.cloud.thethings."
             "network\"},\"locations\":{\"user\":{\"latitude\":48.1486,\"longitude\":17.1077,"
             "\"altitude\":152,\"source\":"
             "\"SOURCE_REGISTRY\"}},\"version_ids\":{\"brand_id\":\"elsys\"}}}",
             7 + pick(6), pick(10), pick(2000000000), pick(1000000000), pick(1000000));
}

static void table (tl_buf *b) { /* 100 objects, 16 KB */
  for (unsigned i = 0; i < 100; i++)
    tl_buf_fmt(b,
               "%s{\"id\":%u,\"name\":\"sensor-%u\",\"t\":%.2f,\"h\":%.2f,\"on\":%s,\"ts\":17000%"
               "08u,\"unit\":\"C\",\"place\":"
               "\"hall %u, row %u\",\"fw\":\"1.%u.%u\",\"bat\":%u,\"rssi\":-%u,\"err\":null}",
               i ? "," : "[", i + 1, i + 1, hundredths(4000), hundredths(10000),
               pick(2) ? "true" : "false", pick(100000000), 1 + pick(12), 1 + pick(40), pick(10),
               pick(30), pick(101), 30 + pick(90));
  tl_buf_byte(b, ']');
}

static void indented (tl_buf *b) { /* the same as people print it, 100 objects of other shape */
  for (unsigned i = 0; i < 100; i++)
    tl_buf_fmt(b,
               "%s\n  {\n    \"id\": %u,\n    \"name\": \"sensor-%u\",\n    \"t\": %.2f,\n"
               "    \"v\": [\n      %u,\n      %u\n    ]\n  }",
               i ? "," : "[", i + 1, i + 1, hundredths(4000), pick(1000), pick(100000));
  tl_buf_str(b, "\n]\n");
}

static void foreign (tl_buf *b) { /* texts that are not ASCII, and escapes */
  for (unsigned i = 0; i < 100; i++)
    tl_buf_fmt(b,
               "%s{\"id\":%u,\"n\u00e1zov\":\"\u010cidlo \u010d. %u\",\"t\":%.2f,"
               "\"m\":\"Ko\u0161ice, \u017di\u017ekova \\\"%u\\\"\"}",
               i ? "," : "[", i + 1, i + 1, hundredths(4000), pick(100));
  tl_buf_byte(b, ']');
}

/* The baseline: a plain recursive reader that checks structure only, one byte at a time. */
static const char *plain_blanks (const char *p) {
  while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') p++;
  return p;
}

static const char *plain_string (const char *p) {
  for (p++; *p != '"'; p++)
    if ((unsigned char)*p < 0x20 || (*p == '\\' && !*++p)) return NULL;
  return p + 1;
}

static const char *plain_value (const char *p) {
  p = plain_blanks(p);
  if (*p == '"') return plain_string(p);
  if (*p == '{' || *p == '[') {
    char close = *p == '{' ? '}' : ']';
    p = plain_blanks(p + 1);
    if (*p == close) return p + 1;
    for (;; p++) {
      if (close == '}') {
        p = plain_blanks(p);
        if (*p != '"' || !(p = plain_string(p)) || *(p = plain_blanks(p)) != ':') return NULL;
        p++;
      }
      if (!(p = plain_value(p))) return NULL;
      p = plain_blanks(p);
      if (*p == close) return p + 1;
      if (*p != ',') return NULL;
    }
  }
  const char *from = p;
  while ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || *p == '-' || *p == '+' ||
         *p == '.' || *p == 'E')
    p++;
  return p > from ? p : NULL;
}

static bool failed;

static void fail (const char *what) {
  fprintf(stderr, "json_bench: %s\n", what);
  exit(1);
}

static double measure (const tl_buf *docs, unsigned n, const tl_json_set *set, size_t total) {
  double best = 1e9;
  unsigned times = (unsigned)(4000000 / (total / n + 50));
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t from = tl_clock_cpu_ns();
    for (unsigned i = 0; i < times; i++) {
      const tl_buf *doc = &docs[i % n];
      if (set) {
        tl_json_value values[3];
        failed |= tl_json_extract(set, tl_buf_bytes(doc), values, NULL) != TL_OK ||
                  values[2].type == TL_JSON_NONE;
      } else
        failed |= plain_value((const char *)doc->at) == NULL;
    }
    double ns = (double)(tl_clock_cpu_ns() - from) / times;
    best = ns < best ? ns : best;
  }
  return best;
}

static void run (const char *name, void (*make)(tl_buf *), const char *a, const char *b,
                 const char *c) {
  tl_buf docs[VARIANTS];
  tl_slice paths[] = { tl_slice_str(a), tl_slice_str(b), tl_slice_str(c) };
  tl_json_set *set;
  size_t total = 0;
  if (tl_json_set_new(&set, paths, 3, NULL, NULL) != TL_OK) fail("no set");
  for (int i = 0; i < VARIANTS; i++) {
    tl_buf_init(&docs[i]);
    make(&docs[i]);
    total += docs[i].len;
    tl_buf_byte(&docs[i], 0); /* the plain reader's end */
    docs[i].len--;
  }
  printf("%-8s %6zu bytes  one: %8.1f ns  varied: %8.1f ns  plain check, one: %8.1f ns  varied: "
         "%8.1f ns  set: %zu bytes\n",
         name, docs[0].len, measure(docs, 1, set, docs[0].len), measure(docs, VARIANTS, set, total),
         measure(docs, 1, NULL, docs[0].len), measure(docs, VARIANTS, NULL, total),
         tl_json_set_bytes(set));
  for (int i = 0; i < VARIANTS; i++) tl_buf_fini(&docs[i]);
  tl_json_set_free(set);
}

int main (void) {
  run("small", small, "temp", "hum", "ts");
  run("uplink", uplink, "uplink_message.decoded_payload.temperature",
      "uplink_message.rx_metadata[1].rssi", "uplink_message.settings.frequency");
  run("table", table, "[1].t", "[50].h", "[100].ts");
  run("indented", indented, "[1].t", "[50].id", "[100].v[2]");
  run("foreign", foreign, "[1].t", "[50].m", "[100].n\u00e1zov");
  if (failed) fail("a document was refused, or an address led nowhere");
  return 0;
}
