/* scripts/bench/bare.c — the least an MQTT client can do: frames a stream and answers QoS 1,
** looks at nothing else. The floor of the bench. PORT comes from the environment. WAIT=poll
** waits with a timeout before each read, as a client must that notices a silent broker; without
** it the read itself blocks, for ever if need be. SCAN=60B, 1.3K or 16K also looks for the three
** fields of that payload, by a scan of the bytes that checks nothing: what an own parser costs at
** least. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "payloads.h"

static uint8_t in[1 << 20], out[1 << 18];
static const char *keys[3]; /* that are looked for: each path's last; NULL: none */
static size_t lengths[3];
static double values[3];

/* A number, or true as 1, at p. */
static double value_at (const uint8_t *p, const uint8_t *end) {
  double whole = 0, factor = 1, sign = 1;
  if (p < end && *p == 't') return 1;
  if (p < end && *p == '-') {
    sign = -1;
    p++;
  }
  for (; p < end && *p >= '0' && *p <= '9'; p++) whole = whole * 10 + (*p - '0');
  if (p < end && *p == '.')
    for (p++; p < end && *p >= '0' && *p <= '9'; p++) whole += (*p - '0') * (factor /= 10);
  return sign * whole;
}

static void look_for (const char *const paths[3]) {
  for (int i = 0; i < 3; i++) {
    const char *dot = strrchr(paths[i], '.');
    keys[i] = dot != NULL ? dot + 1 : paths[i];
    lengths[i] = strlen(keys[i]);
  }
}

/* The strings of a document that are keys are compared; brackets are counted, and that is all. */
static void scan (const uint8_t *p, const uint8_t *end) {
  int depth = 0;
  for (; p < end; p++) {
    depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
    if (*p != '"') continue;
    const uint8_t *from = ++p;
    while (p < end && *p != '"') p += 1 + (*p == '\\');
    if (end - p < 2 || p[1] != ':') continue;
    for (int i = 0; i < 3; i++)
      if (lengths[i] == (size_t)(p - from) && memcmp(keys[i], from, lengths[i]) == 0)
        values[i] = value_at(p + 2, end);
  }
  values[0] += depth;
}

int main (void) {
  static const uint8_t hello[] = { 0x10, 16,  0,   4,   'M', 'Q',  'T', 'T', 4, 2, 0, 0,   0,
                                   4,    'b', 'a', 'r', 'e', 0x82, 6,   0,   1, 0, 1, '#', 1 };
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  const char *port = getenv("PORT"), *wait = getenv("WAIT");
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  a.sin_port = htons((uint16_t)atoi(port != NULL ? port : "1883"));
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) return perror("bare"), 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (write(fd, hello, sizeof hello) != sizeof hello) return 1;
  const char *wanted = getenv("SCAN");
  for (int i = 0; wanted != NULL && i < BENCH_SIZES; i++)
    if (strcmp(bench_sizes[i].name, wanted) == 0) look_for(bench_sizes[i].paths);
  size_t len = 0;
  unsigned long messages = 0;
  for (;;) {
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    if (wait != NULL && poll(&ready, 1, 20000) <= 0) break;
    size_t room = sizeof in - len < 65536 ? sizeof in - len : 65536;
    ssize_t got = read(fd, in + len, room);
    if (got <= 0) break;
    len += (size_t)got;
    size_t at = 0, acks = 0;
    for (;;) {
      size_t n = 0, head = at + 1;
      int shift = 0, known = 0;
      while (head < len && shift < 28) {
        uint8_t byte = in[head++];
        n |= (size_t)(byte & 127) << shift;
        shift += 7;
        if (!(byte & 128)) {
          known = 1;
          break;
        }
      }
      if (!known || len - head < n) break;
      if ((in[at] & 0xf0) == 0x30) {
        messages++;
        if (keys[0] != NULL) {
          size_t skipped = 2 + ((size_t)in[head] << 8 | in[head + 1]) + (in[at] & 2);
          scan(in + head + skipped, in + head + n);
        }
        if (in[at] & 2) {
          size_t topic = (size_t)in[head] << 8 | in[head + 1];
          uint8_t ack[4] = { 0x40, 2, in[head + 2 + topic], in[head + 3 + topic] };
          memcpy(out + acks, ack, 4);
          acks += 4;
        }
      }
      at = head + n;
    }
    memmove(in, in + at, len - at);
    len -= at;
    if (acks > 0 && write(fd, out, acks) != (ssize_t)acks) break;
  }
  fprintf(stderr, "%lu messages, %g %g %g\n", messages, values[0], values[1], values[2]);
  return 0;
}
