/* core/web/guesses.h — who gave wrong tokens: from an address that gave many, tokens are checked
** one at a time, whether they are right or not. Bounded memory; the answer depends on the address
** and on time, never on what was given. Pure: knows no HTTP, no clock. */
#ifndef TL_WEB_GUESSES_H
#define TL_WEB_GUESSES_H

#include <stdbool.h>
#include <stdint.h>

enum {
  TL_GUESSES = 64,             /* addresses; the one that was quiet for longest makes room */
  TL_GUESSES_FREE = 20,        /* wrong tokens at once that cost nothing */
  TL_GUESSES_EACH_MS = 50,     /* between two checks behind these, */
  TL_GUESSES_MANY = 1000,      /* and behind so many wrong ones */
  TL_GUESSES_SLOW_MS = 200,    /* so much */
  TL_GUESSES_LONGEST_MS = 2000 /* nobody waits longer: he is refused */
};

typedef struct {
  uint8_t key[17]; /* IPv4: 4 bytes; IPv6: its /64; Unix sockets are one */
  bool said;
  uint32_t wrong;
  int64_t due; /* ms: when all that it gave has been paid for; 0: a free place */
} tl_guesser;

typedef struct {
  tl_guesser at[TL_GUESSES];
} tl_guesses;

/* A token from `peer` ("10.0.0.1:5000", "[fe80::1]:5000", "" for a Unix socket) is to be checked
** now. 0: check it; > 0: so many ms from now, its turn is taken; -1: refuse it unseen. */
int64_t tl_guesses_wait (tl_guesses *g, const char *peer, int64_t now);
/* It was wrong. `waited`: its turn had been taken. True, once for an address: from here on its
** tokens wait. */
bool tl_guesses_wrong (tl_guesses *g, const char *peer, int64_t now, bool waited);

#endif
