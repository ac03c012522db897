/* spec/route/route_support.h — what the route specs share: cmocka, a router with named targets. */
#ifndef TL_SPEC_ROUTE_SUPPORT_H
#define TL_SPEC_ROUTE_SUPPORT_H

#include "route/router.h"
#include "support/spec.h"

static tl_router *router;

static inline int router_begin (void **unused) {
  (void)unused;
  return tl_router_new(&router, 100, 10000);
}

static inline int router_end (void **unused) {
  (void)unused;
  tl_router_free(router);
  router = NULL;
  return 0;
}

/* The target is the literal itself, so that a wrong answer can be printed. The address is given
** away in memory of its own: the router must not keep the caller's. */
static inline void add (const char *address) {
  tl_err err = { 0 };
  char *copy = strdup(address);
  if (tl_router_add(router, tl_slice_str(copy), (void *)address, &err) != TL_OK)
    fail_msg("%s: %s", address, err.text);
  free(copy);
}

static inline void remove_address (const char *address) {
  assert_int_equal(tl_router_remove(router, tl_slice_str(address)), TL_OK);
}

static inline const tl_route *find (const char *topic) {
  size_t len = strlen(topic);
  uint8_t *copy = exact_copy(topic, len); /* without a NUL */
  const tl_route *route = tl_router_find(router, tl_slice_of(copy, len));
  free(copy);
  return route;
}

static inline void goes (const char *topic, const char *address, tl_route_by by) {
  for (int i = 0; i < 3; i++) { /* decided, from the last answer, … */
    const tl_route *route = find(topic);
    const char *got = route->target == NULL ? "nobody" : route->target;
    if (strcmp(got, address == NULL ? "nobody" : address) != 0 || route->by != by)
      fail_msg("%s went to %s (%d), not to %s (%d)", topic, got, (int)route->by,
               address == NULL ? "nobody" : address, (int)by);
    if (i == 1) find("a topic between"); /* … and from the memory */
  }
}

#define ROUTER_TEST(name) cmocka_unit_test_setup_teardown(name, router_begin, router_end)

#endif
