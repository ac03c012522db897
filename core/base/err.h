/* core/base/err.h — the error that every room reports with. Knows nothing else. */
#ifndef TL_BASE_ERR_H
#define TL_BASE_ERR_H

#include <stddef.h>

/* Result codes: 0 is success, negative is failure. libuv's codes pass through unchanged; ours
** start below them. */
enum {
  TL_OK = 0,
  TL_EPARTIAL = -10001,   /* more input is needed */
  TL_EMALFORMED = -10002, /* the peer's bytes break a rule */
  TL_ETOOBIG = -10003,    /* longer than the limit */
  TL_ENOMEM = -10004,     /* no memory; nothing was changed */
  TL_ESYNTAX = -10005,    /* a text (address, mask, pattern, number) does not parse */
  TL_ETYPE = -10006,      /* a value cannot become the wanted type */
  TL_EFULL = -10007,      /* a bounded queue or table is full */
  TL_ETIMEOUT = -10008,   /* the peer did not answer in time */
  TL_ESTATE = -10009,     /* not possible in this state (not connected, closed) */
  TL_EREFUSED = -10010,   /* the peer said no */
  TL_EEXIST = -10011,     /* there is one already */
  TL_ENOENT = -10012,     /* there is none */
  TL_ERANGE = -10013,     /* outside the permitted range */
  TL_ELOST = -10014,      /* the connection broke while this was unconfirmed */
  TL_ESESSION = -10015,   /* the broker lost the session */
  TL_ELIMIT = -10016      /* a matching or execution budget ran out */
};

/* Why something failed, in words a user reads. Filled only on failure. */
typedef struct {
  int code;       /* TL_E… or a libuv code */
  size_t at;      /* byte offset into the input, 0-based; 0 when there is no place */
  char text[224]; /* NUL-terminated, what was expected and what came; no line break */
} tl_err;

/* Fill *err (may be NULL) and return `code`. The text is cut to fit. */
int tl_fail (tl_err *err, int code, size_t at, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 4, 5)))
#endif
    ;

#endif
