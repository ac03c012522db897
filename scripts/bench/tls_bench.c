/* scripts/bench/tls_bench.c — what OpenSSL alone costs: SSL_read of records of N bytes from memory,
** one by one, no socket. µs of processor time per record, on the average of half a second.
**
**   tls_bench CERT KEY BYTES */
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RECORDS = 1000, ROUNDS = 1000 };

static double cpu_ns (void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static SSL *side (const char *cert, const char *key) {
  SSL_CTX *c = SSL_CTX_new(TLS_method());
  if (cert && (SSL_CTX_use_certificate_file(c, cert, SSL_FILETYPE_PEM) != 1 ||
               SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1))
    exit(1);
  SSL *s = SSL_new(c);
  SSL_set_bio(s, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  if (cert)
    SSL_set_accept_state(s);
  else
    SSL_set_connect_state(s);
  return s;
}

/* What one has to say becomes what the other one reads. */
static void carry (SSL *from, SSL *to) {
  char *text;
  long n = BIO_get_mem_data(SSL_get_wbio(from), &text);
  if (n > 0) BIO_write(SSL_get_rbio(to), text, (int)n);
  (void)BIO_reset(SSL_get_wbio(from));
}

int main (int argc, char **argv) {
  static char bytes[16384];
  if (argc != 4) return fputs("usage: tls_bench CERT KEY BYTES\n", stderr), 2;
  int n = (int)strtol(argv[3], NULL, 10);
  SSL *client = side(NULL, NULL), *server = side(argv[1], argv[2]);
  for (int i = 0; i < 10; i++) {
    SSL_do_handshake(client);
    carry(client, server);
    SSL_do_handshake(server);
    carry(server, client);
  }
  double sum = 0;
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < RECORDS; i++) SSL_write(server, bytes, n);
    carry(server, client);
    double before = cpu_ns();
    for (int i = 0; i < RECORDS; i++)
      if (SSL_read(client, bytes, sizeof bytes) != n) return 1;
    sum += cpu_ns() - before;
  }
  printf("%.3f\n", sum / RECORDS / ROUNDS / 1000);
  return 0;
}
