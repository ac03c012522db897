/* core/proxy/socks.c — a connection through a SOCKS5 proxy. Must not know what goes through
** it. */
#include "proxy/proxy_impl.h"

#include <arpa/inet.h>

enum { VERSION = 5, PASSWORD_VERSION = 1, NO_PASSWORD = 0, PASSWORD = 2, NONE_FITS = 0xff };
enum { CONNECT = 1, IS_V4 = 1, IS_NAME = 3, IS_V6 = 4 };
enum { ASKED_METHOD, ASKED_PASSWORD, ASKED_CONNECT }; /* steps */

int tl_proxy_socks_begin (tl_proxy *p, tl_buf *out) {
  static const uint8_t without[] = { VERSION, 1, NO_PASSWORD },
                       with[] = { VERSION, 2, NO_PASSWORD, PASSWORD };
  if (p->target.user.len > 0)
    tl_buf_add(out, with, sizeof with);
  else
    tl_buf_add(out, without, sizeof without);
  return out->failed ? TL_ENOMEM : TL_OK;
}

static void put_text (tl_buf *out, tl_slice text) {
  tl_buf_byte(out, (uint8_t)text.len);
  tl_buf_slice(out, text);
}

static void ask_password (const tl_proxy *p, tl_buf *out) {
  tl_buf_byte(out, PASSWORD_VERSION);
  put_text(out, p->target.user);
  put_text(out, p->target.password);
}

static void ask_connect (const tl_proxy *p, tl_buf *out) {
  const uint8_t head[] = { VERSION, CONNECT, 0 };
  uint8_t address[16];
  char host[256];
  memcpy(host, p->target.host.at, p->target.host.len);
  host[p->target.host.len] = '\0';
  tl_buf_add(out, head, sizeof head);
  if (inet_pton(AF_INET, host, address) == 1) {
    tl_buf_byte(out, IS_V4);
    tl_buf_add(out, address, 4);
  } else if (inet_pton(AF_INET6, host, address) == 1) {
    tl_buf_byte(out, IS_V6);
    tl_buf_add(out, address, 16);
  } else {
    tl_buf_byte(out, IS_NAME);
    put_text(out, p->target.host);
  }
  tl_buf_byte(out, (uint8_t)(p->target.port >> 8));
  tl_buf_byte(out, (uint8_t)p->target.port);
}

static int no_socks (uint8_t first, tl_err *err) {
  if (first == 'H')
    return tl_fail(err, TL_EMALFORMED, 0, "the proxy answers with HTTP: set proxy = \"http://…\"");
  return tl_fail(
      err, TL_EMALFORMED, 0,
      "the proxy answers with 0x%02X, not with SOCKS5: is proxy right, socks5:// or http://?",
      first);
}

static int read_method (tl_proxy *p, const uint8_t *at, size_t len, size_t *used, tl_buf *out,
                        tl_err *err) {
  bool has_user = p->target.user.len > 0;
  if (len >= 1 && at[0] != VERSION) return no_socks(at[0], err);
  if (len < 2) return TL_EPARTIAL;
  if (at[1] == NONE_FITS)
    return tl_fail(
        err, TL_EREFUSED, 1,
        has_user ? "the proxy accepts no user name and password: look at how it lets clients in"
                 : "the proxy wants a user name and password: set proxy_user and proxy_password");
  if (at[1] == PASSWORD && has_user) {
    ask_password(p, out);
    p->step = ASKED_PASSWORD;
  } else if (at[1] == NO_PASSWORD) {
    ask_connect(p, out);
    p->step = ASKED_CONNECT;
  } else {
    return tl_fail(err, TL_EMALFORMED, 1,
                   "the proxy chose a way to log in that was not offered (0x%02X)", at[1]);
  }
  *used = 2;
  return out->failed ? tl_fail(err, TL_ENOMEM, 0, "no memory for the request to the proxy") : TL_OK;
}

static int read_password (tl_proxy *p, const uint8_t *at, size_t len, size_t *used, tl_buf *out,
                          tl_err *err) {
  if (len < 2) return TL_EPARTIAL;
  if (at[1] != 0)
    return tl_fail(err, TL_EREFUSED, 1,
                   "the proxy does not take proxy_user and proxy_password: correct them");
  ask_connect(p, out);
  p->step = ASKED_CONNECT;
  *used = 2;
  return out->failed ? tl_fail(err, TL_ENOMEM, 0, "no memory for the request to the proxy") : TL_OK;
}

static const char *reply_text (uint8_t reply) { /* RFC 1928 section 6 */
  switch (reply) {
    case 1: return "general failure: look at the proxy";
    case 2: return "it does not allow this host and port: allow them there";
    case 3: return "it does not reach the broker's network";
    case 4: return "it does not reach the broker: check host";
    case 5: return "the broker refuses the proxy's connection: check host and port";
    case 6: return "the broker did not answer the proxy in time: check host and port";
    case 7: return "it does not know CONNECT: is it a SOCKS5 proxy?";
    case 8: return "it does not know this kind of address: give host as a name or as IPv4";
    default: return "look at the proxy";
  }
}

static int read_connect (const uint8_t *at, size_t len, size_t *used, tl_err *err) {
  if (len >= 1 && at[0] != VERSION) return no_socks(at[0], err);
  if (len >= 2 && at[1] != 0)
    return tl_fail(err, TL_EREFUSED, 1, "the proxy refuses (%u): %s", (unsigned)at[1],
                   reply_text(at[1]));
  if (len < 5) return TL_EPARTIAL;
  size_t address = 0;
  if (at[3] == IS_V4)
    address = 4;
  else if (at[3] == IS_V6)
    address = 16;
  else if (at[3] == IS_NAME)
    address = 1u + at[4];
  if (address == 0)
    return tl_fail(err, TL_EMALFORMED, 3,
                   "the proxy answers with a kind of address that does not exist (0x%02X)", at[3]);
  if (len < 4 + address + 2) return TL_EPARTIAL;
  *used = 4 + address + 2;
  return TL_OK;
}

int tl_proxy_socks_read (tl_proxy *p, const uint8_t *at, size_t len, size_t *used, tl_buf *out,
                         tl_err *err) {
  size_t done = 0, n = 0;
  int rc = TL_OK;
  while (p->step != ASKED_CONNECT && rc == TL_OK) {
    n = 0;
    if (p->step == ASKED_METHOD)
      rc = read_method(p, at + done, len - done, &n, out, err);
    else
      rc = read_password(p, at + done, len - done, &n, out, err);
    done += n;
  }
  n = 0;
  if (rc == TL_OK) rc = read_connect(at + done, len - done, &n, err);
  *used = done + n;
  return rc;
}
