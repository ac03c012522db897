/* core/web/guesses.c — see guesses.h. */
#include "web/guesses.h"

#include <arpa/inet.h>
#include <string.h>

/* Who has one IPv6 address has all of its /64. */
static void make_key (uint8_t key[17], const char *peer) {
  char text[80] = "";
  struct in6_addr in6;
  struct in_addr in4;
  const char *end = strrchr(peer, ':');
  size_t n = end ? (size_t)(end - peer) : 0;
  bool six = n > 2 && peer[0] == '[';
  memset(key, 0, 17);
  if (n >= sizeof text) return;
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
}

static tl_guesser *find (tl_guesses *g, const uint8_t key[17]) {
  for (int i = 0; i < TL_GUESSES; i++)
    if (g->at[i].due != 0 && memcmp(g->at[i].key, key, sizeof g->at[i].key) == 0) return &g->at[i];
  return NULL;
}

/* The place of the one that was quiet for longest. */
static tl_guesser *take_place (tl_guesses *g, const uint8_t key[17]) {
  tl_guesser *oldest = &g->at[0];
  for (int i = 1; i < TL_GUESSES; i++)
    if (g->at[i].due < oldest->due) oldest = &g->at[i];
  *oldest = (tl_guesser){ .due = 1 };
  memcpy(oldest->key, key, sizeof oldest->key);
  return oldest;
}

static int64_t step_of (const tl_guesser *one) {
  return one->wrong < TL_GUESSES_MANY ? TL_GUESSES_EACH_MS : TL_GUESSES_SLOW_MS;
}

static void pay (tl_guesser *one, int64_t now) {
  if (one->due < now) one->due = now;
  one->due += step_of(one);
}

int64_t tl_guesses_wait (tl_guesses *g, const char *peer, int64_t now) {
  uint8_t key[17];
  make_key(key, peer);
  tl_guesser *one = find(g, key);
  if (!one) return 0;
  int64_t wait = one->due - now - (int64_t)TL_GUESSES_FREE * TL_GUESSES_EACH_MS;
  if (wait < 0) return 0;
  wait += step_of(one);
  if (wait > TL_GUESSES_LONGEST_MS) return -1;
  pay(one, now);
  return wait;
}

bool tl_guesses_wrong (tl_guesses *g, const char *peer, int64_t now, bool waited) {
  uint8_t key[17];
  make_key(key, peer);
  tl_guesser *one = find(g, key);
  if (!one) one = take_place(g, key);
  if (!waited) pay(one, now);
  one->wrong++;
  bool first = !one->said && one->due - now >= (int64_t)TL_GUESSES_FREE * TL_GUESSES_EACH_MS;
  one->said = one->said || first;
  return first;
}
