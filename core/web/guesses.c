/* core/web/guesses.c — see guesses.h. */
#include "web/guesses.h"

#include <arpa/inet.h>
#include <string.h>

/* Who has one IPv6 address has all of its /64. */
static tl_guess_address address_of (const char *peer) {
  tl_guess_address of = { { 0 } };
  uint8_t *key = of.bytes;
  char text[80] = "";
  struct in6_addr in6;
  struct in_addr in4;
  const char *end = strrchr(peer, ':');
  size_t n = end ? (size_t)(end - peer) : 0;
  bool six = n > 2 && peer[0] == '[';
  if (n >= sizeof text) return of;
  memcpy(text, six ? peer + 1 : peer, six ? n - 2 : n);
  text[strcspn(text, "%")] = '\0'; /* of a scope */
  if (six && inet_pton(AF_INET6, text, &in6) == 1) {
    bool mapped = IN6_IS_ADDR_V4MAPPED(&in6);
    key[0] = mapped ? 4 : 6;
    memcpy(key + 1, in6.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 8);
  } else if (inet_pton(AF_INET, text, &in4) == 1) {
    key[0] = 4;
    memcpy(key + 1, &in4, 4);
  }
  return of;
}

static bool is_same (const tl_guess_address *a, const tl_guess_address *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

/* Has this address been quiet for so long that its wrong tokens are forgotten? */
static bool is_forgotten (const tl_guesser *one, int64_t now) {
  int64_t wrong = one->wrong < TL_GUESSES_MANY ? one->wrong : TL_GUESSES_MANY;
  return one->due == 0 || now >= one->due + wrong * TL_GUESSES_QUIET_MS;
}

/* The place where this address is counted. `fresh`: if it has none it gets a free one or, when all
** are taken, the common place of all others. Without `fresh` NULL means that it gave no wrong
** token. */
static tl_guesser *find (tl_guesses *g, const char *peer, int64_t now, bool fresh) {
  tl_guess_address of = address_of(peer);
  tl_guesser *room = NULL;
  for (int i = 0; i < TL_GUESSES; i++) {
    tl_guesser *one = &g->at[i];
    bool forgotten = is_forgotten(one, now);
    if (!forgotten && is_same(&one->of, &of)) return one;
    if (forgotten && !room) room = one;
  }
  if (room && !fresh) return NULL;
  if (room) *room = (tl_guesser){ .of = of, .due = now };
  if (!room && is_forgotten(&g->others, now)) g->others = (tl_guesser){ .due = now };
  return room ? room : &g->others;
}

static int64_t step_of (const tl_guesser *one) {
  return one->wrong < TL_GUESSES_MANY ? TL_GUESSES_EACH_MS : TL_GUESSES_SLOW_MS;
}

/* How long until its next token is checked; may be more than the longest. */
static int64_t wait_of (const tl_guesser *one, int64_t now) {
  int64_t wait = one->due - now - (int64_t)TL_GUESSES_FREE * TL_GUESSES_EACH_MS;
  return wait < 0 ? 0 : wait + step_of(one);
}

/* Let the next token wait longer. Beyond the longest wait nothing is added, since nobody waits for
** longer than that: so a flood from an address that never waits cannot grow it without end. */
static void pay (tl_guesser *one, int64_t now) {
  if (one->due < now) one->due = now;
  if (wait_of(one, now) <= TL_GUESSES_LONGEST_MS) one->due += step_of(one);
}

static bool is_known (const tl_guesses *g, const char *peer) {
  tl_guess_address of = address_of(peer);
  for (int i = 0; i < TL_GUESSES_KNOWN; i++)
    if (g->known[i].at != 0 && is_same(&g->known[i].of, &of)) return true;
  return false;
}

int64_t tl_guesses_wait (tl_guesses *g, const char *peer, int64_t now) {
  tl_guesser *one = is_known(g, peer) ? NULL : find(g, peer, now, false);
  int64_t wait = one ? wait_of(one, now) : 0;
  if (wait > 0) pay(one, now);
  return wait < TL_GUESSES_LONGEST_MS ? wait : TL_GUESSES_LONGEST_MS;
}

void tl_guesses_right (tl_guesses *g, const char *peer, int64_t now) {
  tl_guess_address of = address_of(peer);
  int at = 0;
  for (int i = 0; i < TL_GUESSES_KNOWN; i++) {
    if (g->known[i].at != 0 && is_same(&g->known[i].of, &of)) {
      at = i;
      break;
    }
    if (g->known[i].at < g->known[at].at) at = i;
  }
  g->known[at].of = of;
  g->known[at].at = now > 0 ? now : 1;
}

bool tl_guesses_wrong (tl_guesses *g, const char *peer, int64_t now, bool waited) {
  tl_guesser *one = find(g, peer, now, true);
  if (!waited) pay(one, now);
  one->wrong++;
  bool first = !one->said && one->due - now >= (int64_t)TL_GUESSES_FREE * TL_GUESSES_EACH_MS;
  one->said = one->said || first;
  return first;
}

void tl_guesses_new_token (tl_guesses *g) { memset(g->known, 0, sizeof g->known); }

bool tl_guesses_too_many (tl_guesses *g, const char *peer, int64_t now) {
  const tl_guesser *one = find(g, peer, now, false);
  return one && wait_of(one, now) > TL_GUESSES_LONGEST_MS;
}
