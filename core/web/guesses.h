/* core/web/guesses.h — slows down the guessing of tokens. Tokens from an address that gave many
** wrong ones are checked one at a time, right ones too, so that a guesser learns nothing sooner.
** An address that gave the right token does not wait any more: somebody who guesses behind the same
** proxy must not keep its users out. Bounded memory. Pure: knows no HTTP, no clock. */
#ifndef TL_WEB_GUESSES_H
#define TL_WEB_GUESSES_H

#include <stdbool.h>
#include <stdint.h>

enum {
  TL_GUESSES = 64,              /* addresses; those that find no place count together */
  TL_GUESSES_KNOWN = 64,        /* addresses that gave the right one; the last ones */
  TL_GUESSES_FREE = 20,         /* wrong tokens at once that cost nothing */
  TL_GUESSES_EACH_MS = 50,      /* between two checks behind these, */
  TL_GUESSES_MANY = 1000,       /* and behind so many wrong ones */
  TL_GUESSES_SLOW_MS = 200,     /* so much */
  TL_GUESSES_LONGEST_MS = 2000, /* nobody waits longer; wrong ones behind that are too many */
  TL_GUESSES_QUIET_MS = 200     /* of each wrong one (at most of TL_GUESSES_MANY) until all are
                                ** forgotten, and the place is another address's */
};

typedef struct {
  uint8_t bytes[17]; /* IPv4: 4 bytes; IPv6: its /64; Unix sockets are one */
} tl_guess_address;

typedef struct {
  tl_guess_address of;
  bool said;
  uint32_t wrong;
  int64_t due; /* ms: when all that it gave has been paid for; 0: a free place */
} tl_guesser;

typedef struct {
  tl_guesser at[TL_GUESSES];
  tl_guesser others; /* all that find no place */
  struct {
    tl_guess_address of;
    int64_t at; /* ms: the last right one; 0: a free place */
  } known[TL_GUESSES_KNOWN];
} tl_guesses;

/* A token from `peer` ("10.0.0.1:5000", "[fe80::1]:5000", "" for a Unix socket) is to be checked
** so many ms from now; > 0: its turn is taken. */
int64_t tl_guesses_wait (tl_guesses *g, const char *peer, int64_t now);
/* It was right. */
void tl_guesses_right (tl_guesses *g, const char *peer, int64_t now);
/* It was wrong. `waited`: its turn had been taken. True, once for an address: from here on its
** tokens wait. */
bool tl_guesses_wrong (tl_guesses *g, const char *peer, int64_t now, bool waited);
/* There is another token: nobody has given that one yet. */
void tl_guesses_new_token (tl_guesses *g);
/* Did so many wrong ones come from there that another one would have to wait for longest? */
bool tl_guesses_too_many (tl_guesses *g, const char *peer, int64_t now);

#endif
