/* scripts/bench/doc_bench.c — three addresses out of the same document of some 1 KB in JSON, CBOR
** and MessagePack, by tagline and beside libcbor and msgpack-c. Prints nanoseconds a document, the
** best of several rounds; 64 documents that differ in their values take turns, so that branch
** prediction cannot learn one by heart. */
#include <cbor.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "payload/document.h"

enum { VARIANTS = 64, ROUNDS = 25, TIMES = 200 };

static uint32_t seed = 1;
static unsigned pick (unsigned below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 10) % below;
}

/* --- the same document in three formats --- */

typedef struct {
  tl_buf json, cbor, msgpack;
  bool first;
} writing;

static void comma (writing *w) {
  if (!w->first) tl_buf_byte(&w->json, ',');
  w->first = false;
}

static void open_with (writing *w, const char *json, uint8_t cbor, uint8_t msgpack) {
  comma(w);
  tl_buf_str(&w->json, json);
  tl_buf_byte(&w->cbor, cbor);
  tl_buf_byte(&w->msgpack, msgpack);
  w->first = true;
}

static void map (writing *w, unsigned pairs) { /* below 16 */
  open_with(w, "{", (uint8_t)(0xa0 | pairs), (uint8_t)(0x80 | pairs));
}
static void array (writing *w, unsigned n) {
  open_with(w, "[", (uint8_t)(0x80 | n), (uint8_t)(0x90 | n));
}
static void end (writing *w, const char *json) {
  tl_buf_str(&w->json, json);
  w->first = false;
}

static void text (writing *w, const char *s) {
  comma(w);
  tl_buf_fmt(&w->json, "\"%s\"", s);
  tl_doc_write_text(TL_DOC_CBOR, tl_slice_str(s), &w->cbor);
  tl_doc_write_text(TL_DOC_MSGPACK, tl_slice_str(s), &w->msgpack);
}

static void key (writing *w, const char *s) {
  text(w, s);
  tl_buf_byte(&w->json, ':');
  w->first = true;
}

static void number (writing *w, double n) {
  comma(w);
  tl_buf_fmt(&w->json, "%.10g", n);
  tl_doc_write_number(TL_DOC_CBOR, n, &w->cbor);
  tl_doc_write_number(TL_DOC_MSGPACK, n, &w->msgpack);
}

static void member (writing *w, const char *k, double n) {
  key(w, k);
  number(w, n);
}
static void text_member (writing *w, const char *k, const char *s) {
  key(w, k);
  text(w, s);
}

static void gateway (writing *w, unsigned which) {
  char name[32];
  snprintf(name, sizeof name, "plant-roof-%u", which);
  map(w, 7);
  text_member(w, "gateway_id", name);
  text_member(w, "eui", "B827EBFFFE12A4F0");
  text_member(w, "time", "2026-11-22T14:03:16.123Z");
  member(w, "timestamp", 1000000 + pick(2000000000));
  member(w, "rssi", -40.0 - pick(80));
  member(w, "snr", pick(1200) / 100.0);
  text_member(w, "uplink_token", "CiIKIAoUcGxhbnQtcm9vZi0xEggn6//+MTIzNBCI4e2zBBoMCJx8C9");
  end(w, "}");
}

static void document (writing *w) {
  w->first = true;
  map(w, 5);
  key(w, "end_device_ids");
  map(w, 4);
  text_member(w, "device_id", "cellar-1");
  text_member(w, "application_id", "plant");
  text_member(w, "dev_eui", "70B3D57ED0051A2B");
  text_member(w, "dev_addr", "260B1C2D");
  end(w, "}");
  key(w, "correlation_ids");
  array(w, 3);
  text(w, "as:up:01HEXKBR8Q6X9A");
  text(w, "gs:conn:01HEX7Z");
  text(w, "ns:uplink:01HEXKBQ");
  end(w, "]");
  text_member(w, "received_at", "2026-11-22T14:03:16.331123456Z");
  key(w, "uplink_message");
  map(w, 6);
  member(w, "f_port", 2);
  member(w, "f_cnt", pick(100000));
  text_member(w, "frm_payload", "y/YLDQN2AQrdf/8=");
  key(w, "decoded_payload");
  map(w, 5);
  member(w, "BatV", pick(4000) / 1000.0);
  member(w, "Bat_status", pick(4));
  text_member(w, "Ext_sensor", "Temperature Sensor");
  member(w, "Hum_SHT", pick(1000) / 10.0);
  member(w, "TempC_SHT", pick(4000) / 100.0);
  end(w, "}");
  key(w, "rx_metadata");
  array(w, 2);
  gateway(w, pick(20));
  gateway(w, pick(20));
  end(w, "]");
  text_member(w, "consumed_airtime", "0.051321s");
  end(w, "}");
  member(w, "simulated", 0);
  end(w, "}");
}

static const char *const paths[] = { "uplink_message.decoded_payload.TempC_SHT",
                                     "uplink_message.f_cnt", "uplink_message.rx_metadata[2].rssi" };

/* --- the others --- */

static void nothing_1 (void *ctx, uint8_t v) { (void)ctx, (void)v; }
static void nothing_2 (void *ctx, uint16_t v) { (void)ctx, (void)v; }
static void nothing_4 (void *ctx, uint32_t v) { (void)ctx, (void)v; }
static void nothing_8 (void *ctx, uint64_t v) { (void)ctx, (void)v; }
static void nothing_float (void *ctx, float v) { (void)ctx, (void)v; }
static void nothing_double (void *ctx, double v) { (void)ctx, (void)v; }
static void nothing_string (void *ctx, cbor_data at, uint64_t n) { (void)ctx, (void)at, (void)n; }

/* libcbor's decoder, an item a call, with callbacks that look at nothing: what whoever follows
** addresses with it must pay before the first key is compared. */
static double libcbor_stream (tl_slice doc) {
  static struct cbor_callbacks c;
  static bool made;
  if (!made) {
    c = cbor_empty_callbacks;
    c.uint8 = c.negint8 = nothing_1;
    c.uint16 = c.negint16 = nothing_2;
    c.uint32 = c.negint32 = nothing_4;
    c.uint64 = c.negint64 = nothing_8;
    c.float4 = nothing_float;
    c.float8 = nothing_double;
    c.string = c.byte_string = nothing_string;
    made = true;
  }
  for (size_t at = 0; at < doc.len;) {
    struct cbor_decoder_result r = cbor_stream_decode(doc.at + at, doc.len - at, &c, NULL);
    if (r.status != CBOR_DECODER_FINISHED) abort();
    at += r.read;
  }
  return 0;
}

static cbor_item_t *libcbor_get (cbor_item_t *item, const char *name) {
  struct cbor_pair *pairs = cbor_map_handle(item);
  size_t len = strlen(name);
  for (size_t i = 0; i < cbor_map_size(item); i++)
    if (cbor_string_length(pairs[i].key) == len &&
        memcmp(cbor_string_handle(pairs[i].key), name, len) == 0)
      return pairs[i].value;
  abort();
}

static double libcbor_number (cbor_item_t *item) {
  if (cbor_isa_float_ctrl(item)) return cbor_float_get_float(item);
  double n = (double)cbor_get_int(item);
  return cbor_isa_negint(item) ? -1 - n : n;
}

static double libcbor_tree (tl_slice doc) {
  struct cbor_load_result r;
  cbor_item_t *root = cbor_load(doc.at, doc.len, &r);
  cbor_item_t *up = libcbor_get(root, "uplink_message");
  double sum =
      libcbor_number(libcbor_get(libcbor_get(up, "decoded_payload"), "TempC_SHT")) +
      libcbor_number(libcbor_get(up, "f_cnt")) +
      libcbor_number(libcbor_get(cbor_array_handle(libcbor_get(up, "rx_metadata"))[1], "rssi"));
  cbor_decref(&root);
  return sum;
}

static const msgpack_object *msgpack_get (const msgpack_object *o, const char *name) {
  size_t len = strlen(name);
  for (uint32_t i = 0; i < o->via.map.size; i++) {
    const msgpack_object_kv *pair = &o->via.map.ptr[i];
    if (pair->key.via.str.size == len && memcmp(pair->key.via.str.ptr, name, len) == 0)
      return &pair->val;
  }
  abort();
}

static double msgpack_number_of (const msgpack_object *o) {
  return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER   ? (double)o->via.u64
         : o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER ? (double)o->via.i64
                                                      : o->via.f64;
}

static double msgpack_c (tl_slice doc) {
  static msgpack_zone *zone;
  msgpack_object root;
  size_t at = 0;
  if (!zone) zone = msgpack_zone_new(16 * 1024);
  msgpack_zone_clear(zone);
  if (msgpack_unpack((const char *)doc.at, doc.len, &at, zone, &root) != MSGPACK_UNPACK_SUCCESS)
    abort();
  const msgpack_object *up = msgpack_get(&root, "uplink_message");
  return msgpack_number_of(msgpack_get(msgpack_get(up, "decoded_payload"), "TempC_SHT")) +
         msgpack_number_of(msgpack_get(up, "f_cnt")) +
         msgpack_number_of(msgpack_get(&msgpack_get(up, "rx_metadata")->via.array.ptr[1], "rssi"));
}

/* --- ours --- */

static tl_json_set *set;

static double ours (tl_doc_format format, tl_slice doc) {
  tl_json_value v[3];
  double sum = 0;
  if (tl_doc_extract(format, set, doc, v, NULL) != TL_OK) abort();
  for (int i = 0; i < 3; i++)
    sum += v[i].type == TL_DOC_NUMBER ? tl_doc_number_of(&v[i]).number : (double)v[i].raw.len;
  return sum;
}

static double ours_json (tl_slice doc) { return ours(TL_DOC_JSON, doc); }
static double ours_cbor (tl_slice doc) { return ours(TL_DOC_CBOR, doc); }
static double ours_msgpack (tl_slice doc) { return ours(TL_DOC_MSGPACK, doc); }

static writing docs[VARIANTS];

static tl_slice in_format (const writing *w, int format) {
  return tl_buf_bytes(format == 0 ? &w->json : format == 1 ? &w->cbor : &w->msgpack);
}

static void measure (const char *name, int format, double (*run)(tl_slice)) {
  double best = 1e9;
  volatile double sink = 0;
  for (int round = 0; round < ROUNDS; round++) {
    int64_t began = tl_clock_mono_ns();
    for (int i = 0; i < TIMES; i++)
      for (int k = 0; k < VARIANTS; k++) sink += run(in_format(&docs[k], format));
    double ns = (double)(tl_clock_mono_ns() - began) / (TIMES * VARIANTS);
    if (ns < best) best = ns;
  }
  printf("%-44s %5zu bytes %8.0f ns\n", name, in_format(&docs[0], format).len, best);
}

int main (void) {
  tl_slice slices[3];
  for (int i = 0; i < 3; i++) slices[i] = tl_slice_str(paths[i]);
  if (tl_json_set_new(&set, slices, 3, NULL, NULL) != TL_OK) return 1;
  for (int i = 0; i < VARIANTS; i++) document(&docs[i]);
  if (ours_cbor(in_format(&docs[0], 1)) != libcbor_tree(in_format(&docs[0], 1))) return 1;
  if (ours_msgpack(in_format(&docs[0], 2)) != msgpack_c(in_format(&docs[0], 2))) return 1;
  measure("tagline, JSON", 0, ours_json);
  measure("tagline, CBOR", 1, ours_cbor);
  measure("libcbor, its decoder alone, no addresses", 1, libcbor_stream);
  measure("libcbor, a tree", 1, libcbor_tree);
  measure("tagline, MessagePack", 2, ours_msgpack);
  measure("msgpack-c, a tree in a zone that is kept", 2, msgpack_c);
  return 0;
}
