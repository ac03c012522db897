/* scripts/bench/source.c — a load source that speaks just enough MQTT: takes one client, sends
** it pre-encoded PUBLISH packets as fast as the socket takes them (QoS 0), or with a window of
** unacknowledged ones (QoS 1), or at a rate (with --window: with both bounds); and prints the
** processor time that the client used per message, from its SUBSCRIBE to its PUBACK of the last
** message. At a rate it prints how long acknowledgements took, on the clock on the wall and in
** processor time of the client: the second one a busy machine does not change much.
**
**   source --size 60B|1.3K|16K --qos 0|1 --count N [--window N] [--rate PER_SECOND] [--topics
**   N] [--file STREAM [--first N]] [--listen PORT] [--kind plain|tls|ws|wss --cert PEM --key PEM]
**   [--batch yes] [--take N] [--thread yes] NAME COMMAND…
**
** With --kind it speaks TLS or a WebSocket: a record or frame for each message of a flood, or with
** --batch as many messages as fit into 16 KiB. With --take it sends --count messages, each of which
** makes the client publish N at QoS 1, and what is printed is per message that the client sent.
**
** With --file the messages of STREAM are sent in place of those of a size, over and over, but its
** first N only once (births). It is made by streams.lua: for each message a big-endian s2 with the
** topic and a big-endian s4 with the payload (string.pack).
**
** With --thread only the client's main thread counts, for one that works on others, too.
**
** In COMMAND the word {port} is replaced. The client runs until this program ends it. Loopback
** only; ends by itself. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "payloads.h"
#include "secured.h"

enum { VARIANTS = 4096, PACKETS_MAX = 16384, DEADLINE_S = 600, SAMPLED = 16, FILTERS_MAX = 8192 };

static int size_index, qos, client_fd = -1;
static unsigned count = 100000, window = 100, rate, topics = 1, first, listen_at;
static bool bounded; /* --window was given */
static bool batched, thread_alone;
static unsigned take, taken;
static const char *file, *kind = "plain", *cert, *key;
static pid_t client;

static void fail (const char *what) {
  fprintf(stderr, "source: %s: %s\n", what, strerror(errno));
  if (client > 0) kill(client, SIGKILL);
  exit(1);
}

static int64_t now_ns (clockid_t id) {
  struct timespec t;
  if (clock_gettime(id, &t) != 0) return -1;
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* Of its main thread alone, which the kernel counts apart. */
static int64_t thread_cpu_ns (void) {
  char path[64];
  long long ns;
  snprintf(path, sizeof path, "/proc/%d/schedstat", (int)client);
  FILE *f = fopen(path, "r");
  if (f == NULL || fscanf(f, "%lld", &ns) != 1) fail(path);
  fclose(f);
  return ns;
}

static int64_t client_cpu_ns (void) {
  clockid_t id;
  if (thread_alone) return thread_cpu_ns();
  return clock_getcpuclockid(client, &id) == 0 ? now_ns(id) : -1;
}

/* ---- packets ---- */

typedef struct {
  uint8_t *bytes;
  size_t len;
  size_t id_at; /* offset of the packet identifier, 0: none */
} packet;

static packet publish_packet (const char *topic, const char *payload, size_t n, int level) {
  size_t t = strlen(topic), body = 2 + t + (level ? 2 : 0) + n;
  packet p = { malloc(body + 5), 0, 0 };
  if (p.bytes == NULL) fail("memory");
  p.bytes[p.len++] = (uint8_t)(0x30 | level << 1);
  size_t rest = body;
  do {
    p.bytes[p.len++] = (uint8_t)((rest & 127) | (rest > 127 ? 128 : 0));
    rest >>= 7;
  } while (rest > 0);
  p.bytes[p.len++] = (uint8_t)(t >> 8);
  p.bytes[p.len++] = (uint8_t)t;
  memcpy(p.bytes + p.len, topic, t);
  p.len += t;
  if (level) {
    p.id_at = p.len;
    p.len += 2;
  }
  memcpy(p.bytes + p.len, payload, n);
  p.len += n;
  return p;
}

static void read_exactly (uint8_t *out, size_t n) {
  for (size_t at = 0; at < n;) at += secured_read(out + at, n - at);
}

static uint8_t read_packet (uint8_t *body, size_t cap, size_t *len) {
  uint8_t type, byte;
  int shift = 0;
  read_exactly(&type, 1);
  *len = 0;
  do {
    read_exactly(&byte, 1);
    *len |= (size_t)(byte & 127) << shift;
    shift += 7;
  } while (byte & 128);
  if (*len > cap) fail("packet");
  read_exactly(body, *len);
  return type;
}

/* Grant each filter of a SUBSCRIBE. */
static void grant (const uint8_t *body, size_t len) {
  uint8_t suback[5 + FILTERS_MAX] = { 0x90 };
  size_t n = 0, at = 1;
  for (size_t i = 2; i + 2 <= len && n < FILTERS_MAX; n++)
    i += 3 + ((size_t)body[i] << 8 | body[i + 1]);
  for (size_t rest = 2 + n; at == 1 || rest > 0; rest >>= 7)
    suback[at++] = (uint8_t)((rest & 127) | (rest > 127 ? 128 : 0));
  suback[at++] = body[0];
  suback[at++] = body[1];
  memset(suback + at, 1, n);
  secured_write(suback, at + n);
}

static void handshake (void) {
  static uint8_t body[FILTERS_MAX * 64];
  uint8_t connack[4] = { 0x20, 2, 0, 0 };
  size_t len;
  if ((read_packet(body, sizeof body, &len) & 0xf0) != 0x10) fail("expected CONNECT");
  secured_write(connack, 4);
  if ((read_packet(body, sizeof body, &len) & 0xf0) != 0x80) fail("expected SUBSCRIBE");
  grant(body, len);
}

/* ---- counting acknowledgements ---- */

static uint8_t in[65536];
static size_t in_len;
static unsigned acked;
static int64_t sent_at[65536];
static int64_t
    cpu_at[65536 / SAMPLED + 1]; /* of each SAMPLEDth identifier: of the client, when sent */
static int64_t *latencies, *cpu_latencies;
static size_t latency_count, cpu_latency_count;

static uint8_t answers[65536]; /* to one read, which go out as one record and frame */
static size_t answers_len;

/* A PUBLISH of the client at QoS 1, with a length of one byte. */
static void take_publish (const uint8_t *at) {
  size_t topic = (size_t)at[2] << 8 | at[3];
  uint8_t puback[4] = { 0x40, 2, at[4 + topic], at[5 + topic] };
  memcpy(answers + answers_len, puback, sizeof puback);
  answers_len += sizeof puback;
  taken++;
}

static void note_latency (unsigned id) {
  latencies[latency_count++] = now_ns(CLOCK_MONOTONIC) - sent_at[id];
  if (id % SAMPLED == 0)
    cpu_latencies[cpu_latency_count++] = client_cpu_ns() - cpu_at[id / SAMPLED];
}

static void take_input (bool wait_ms) {
  if (!secured_ready(wait_ms ? 1000 : 0)) return;
  in_len += secured_read(in + in_len, sizeof in - in_len);
  size_t at = 0;
  while (in_len - at >= 2 && in_len - at >= (size_t)in[at + 1] + 2) {
    if (in[at] == 0x40) {
      unsigned id = (unsigned)in[at + 2] << 8 | in[at + 3];
      if (latencies != NULL) note_latency(id);
      acked++;
    } else if ((in[at] & 0xf0) == 0x30) {
      take_publish(in + at);
    } else if (in[at] == 0xc0) {
      uint8_t pingresp[2] = { 0xd0, 0 };
      secured_write(pingresp, 2);
    }
    at += (size_t)in[at + 1] + 2;
  }
  memmove(in, in + at, in_len - at);
  in_len -= at;
  if (answers_len > 0) secured_put(answers, answers_len);
  answers_len = 0;
  secured_flush();
}

/* ---- the run ---- */

static packet packets[PACKETS_MAX];
static unsigned packet_count;

/* The packet that is sent as number `i`. */
static packet *packet_of (unsigned i) {
  if (i < packet_count) return &packets[i];
  return &packets[first + (i - first) % (packet_count - first)];
}

/* A field of `bytes` of length and so many bytes; false at the end of the file. */
static bool read_field (FILE *stream, int bytes, char *out, size_t cap, size_t *len) {
  *len = 0;
  for (int i = 0; i < bytes; i++) {
    int byte = fgetc(stream);
    if (byte == EOF) return false;
    *len = *len << 8 | (size_t)byte;
  }
  return *len < cap && fread(out, 1, *len, stream) == *len;
}

static void prepare_file (void) {
  static char payload[1 << 20], topic[65536];
  size_t topic_len, len;
  FILE *stream = fopen(file, "rb");
  if (stream == NULL) fail(file);
  while (packet_count < PACKETS_MAX && read_field(stream, 2, topic, sizeof topic, &topic_len) &&
         read_field(stream, 4, payload, sizeof payload, &len)) {
    topic[topic_len] = '\0';
    packets[packet_count++] = publish_packet(topic, payload, len, qos);
  }
  fclose(stream);
  if (packet_count <= first) fail("the stream is too short");
}

static void prepare (void) {
  static char payload[65536], topic[64];
  if (file != NULL) {
    prepare_file();
    return;
  }
  packet_count = VARIANTS;
  for (unsigned i = 0; i < VARIANTS; i++) {
    size_t n = bench_sizes[size_index].make(payload, sizeof payload, i);
    snprintf(topic, sizeof topic, "bench/station-%05u/up",
             i * (topics > VARIANTS ? topics / VARIANTS : 1) % topics);
    packets[i] = publish_packet(topic, payload, n, qos);
  }
}

static void set_id (packet *p, unsigned id) {
  p->bytes[p->id_at] = (uint8_t)(id >> 8);
  p->bytes[p->id_at + 1] = (uint8_t)id;
}

static void send_flood (void) {
  static uint8_t unit[1 << 20]; /* what becomes one record and frame */
  size_t len = 0, full = batched || strcmp(kind, "plain") == 0 ? 16000 : 0;
  for (unsigned sent = 0; sent < count; sent++) {
    if (qos == 1 && sent - acked >= window) {
      if (len > 0) secured_put(unit, len);
      len = 0;
      secured_flush();
      while (sent - acked >= window) take_input(true);
    }
    packet *p = packet_of(sent);
    if (qos == 1) set_id(p, sent % 65535 + 1);
    if (len > 0 && len + p->len > full) {
      secured_put(unit, len);
      len = 0;
      if (qos == 1) take_input(false);
    }
    memcpy(unit + len, p->bytes, p->len);
    len += p->len;
  }
  if (len > 0) secured_put(unit, len);
  secured_flush();
}

/* Each message makes the client publish `take`. */
static void send_and_take (void) {
  for (unsigned i = 0; i < count; i++) {
    secured_write(packets[i % packet_count].bytes, packets[i % packet_count].len);
    while (taken < (i + 1) * take) take_input(true);
  }
}

static void send_at_rate (void) {
  int64_t start = now_ns(CLOCK_MONOTONIC), step = 1000000000ll / rate;
  for (unsigned i = 0; i < count; i++) {
    int64_t due = start + (int64_t)i * step, left;
    while ((left = due - now_ns(CLOCK_MONOTONIC)) > 0) {
      struct pollfd p = { .fd = client_fd, .events = POLLIN };
      struct timespec t = { 0, (long)(left < 900000000 ? left : 900000000) };
      if (ppoll(&p, 1, &t, NULL) > 0) take_input(false);
    }
    while (qos == 1 && bounded && i - acked >= window) take_input(true);
    packet *p = packet_of(i);
    if (qos == 1) {
      unsigned id = i % 65535 + 1;
      set_id(p, id);
      sent_at[id] = now_ns(CLOCK_MONOTONIC);
      if (id % SAMPLED == 0) cpu_at[id / SAMPLED] = client_cpu_ns();
    }
    secured_write(p->bytes, p->len);
  }
}

static int by_value (const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

/* One QoS 1 message at the end: its PUBACK says that all before it were handled. */
static void finish (void) {
  static char payload[65536];
  if (qos == 0) {
    size_t n = file ? 0 : bench_sizes[size_index].make(payload, sizeof payload, 1);
    packet last = publish_packet("bench/station-00000/up", payload, n, 1);
    set_id(&last, 65535);
    secured_write(last.bytes, last.len);
    while (acked < 1) take_input(true);
  } else {
    while (acked < count) take_input(true);
  }
}

static void print_latencies (const char *what, int64_t *all, size_t n) {
  if (n == 0) return;
  qsort(all, n, sizeof *all, by_value);
  printf("  %s %.3f ms median, %.3f ms 99 %%", what, (double)all[n / 2] / 1e6,
         (double)all[n * 99 / 100] / 1e6);
}

static int listen_port (int *port) {
  struct sockaddr_in a = { .sin_family = AF_INET,
                           .sin_port = htons((uint16_t)listen_at),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  int one = 1;
  socklen_t n = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1) != 0 ||
      getsockname(fd, (struct sockaddr *)&a, &n) != 0)
    fail("listen");
  *port = ntohs(a.sin_port);
  return fd;
}

static void start_client (char **command, int port) {
  char text[32];
  snprintf(text, sizeof text, "%d", port);
  setenv("PORT", text, 1);
  for (char **w = command; *w != NULL; w++)
    if (strcmp(*w, "{port}") == 0) *w = text;
  client = fork();
  if (client < 0) fail("fork");
  if (client == 0) {
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    execvp(command[0], command);
    _exit(127);
  }
}

static unsigned long number (const char *text) { return strtoul(text, NULL, 10); }

int main (int argc, char **argv) {
  int at = 1, port;
  for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
    const char *o = argv[at] + 2, *v = argv[at + 1];
    if (strcmp(o, "count") == 0)
      count = (unsigned)number(v);
    else if (strcmp(o, "window") == 0)
      window = (unsigned)number(v), bounded = true;
    else if (strcmp(o, "rate") == 0)
      rate = (unsigned)number(v);
    else if (strcmp(o, "topics") == 0)
      topics = (unsigned)number(v);
    else if (strcmp(o, "first") == 0)
      first = (unsigned)number(v);
    else if (strcmp(o, "listen") == 0)
      listen_at = (unsigned)number(v);
    else if (strcmp(o, "file") == 0)
      file = v;
    else if (strcmp(o, "kind") == 0)
      kind = v;
    else if (strcmp(o, "cert") == 0)
      cert = v;
    else if (strcmp(o, "key") == 0)
      key = v;
    else if (strcmp(o, "batch") == 0)
      batched = true;
    else if (strcmp(o, "thread") == 0)
      thread_alone = true;
    else if (strcmp(o, "take") == 0)
      take = (unsigned)number(v);
    else if (strcmp(o, "qos") == 0)
      qos = (int)number(v);
    else if (strcmp(o, "size") == 0) {
      for (size_index = 0; size_index < BENCH_SIZES && strcmp(bench_sizes[size_index].name, v) != 0;
           size_index++) {}
      if (size_index == BENCH_SIZES) return fputs("source: unknown --size\n", stderr), 2;
    } else
      return fprintf(stderr, "source: unknown --%s\n", o), 2;
  }
  if (argc - at < 2) return fputs("usage: source [OPTIONS] NAME COMMAND…\n", stderr), 2;
  const char *name = argv[at];
  signal(SIGPIPE, SIG_IGN);
  alarm(DEADLINE_S);
  int listener = listen_port(&port);
  start_client(argv + at + 1, port);
  client_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (client_fd < 0) fail("accept");
  int one = 1;
  setsockopt(client_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  secured_begin(client_fd, kind, cert, key);
  prepare();
  if (rate > 0 && qos == 1) {
    latencies = malloc(count * sizeof *latencies);
    cpu_latencies = malloc(count * sizeof *cpu_latencies);
  }
  handshake();
  int64_t cpu = client_cpu_ns(), wall = now_ns(CLOCK_MONOTONIC);
  if (take > 0)
    send_and_take();
  else if (rate > 0)
    send_at_rate();
  else
    send_flood();
  finish();
  cpu = client_cpu_ns() - cpu;
  wall = now_ns(CLOCK_MONOTONIC) - wall;
  double many = take > 0 ? (double)count * take : (double)count;
  printf("%-24s %5s QoS %d  %9.3f µs CPU per message  %9.0f messages/s", name,
         file ? "file" : bench_sizes[size_index].name, qos, (double)cpu / 1000 / many,
         many * 1e9 / (double)wall);
  if (latencies != NULL) {
    print_latencies("ack", latencies, latency_count);
    print_latencies("processor time until it", cpu_latencies, cpu_latency_count);
  }
  puts("");
  kill(client, SIGTERM);
  waitpid(client, NULL, 0);
  return 0;
}
