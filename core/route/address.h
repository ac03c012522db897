/* core/route/address.h — what can be said of a station address without matching it. Knows
** nothing of stations. */
#ifndef TL_ROUTE_ADDRESS_H
#define TL_ROUTE_ADDRESS_H

#include "base/slice.h"

enum { TL_PREFIX_MAX = 63 };

/* Text that every topic has which the regex matches: at its beginning and at its end. Both are
** slices of the address, may be empty, and may overlap in the topic. The prefix is cut at
** TL_PREFIX_MAX bytes. */
typedef struct {
  tl_slice prefix, suffix;
} tl_address_hints;

tl_address_hints tl_address_hints_of (tl_slice address);

#endif
