/* core/outlet/value.h — private to outlet/: values that a server refused. */
#ifndef TL_OUTLET_VALUE_H
#define TL_OUTLET_VALUE_H

#include "outlet/outlet.h"

/* The value with the reason becomes a line of the outlet's file in the spool. TL_ENOMEM, or a
** negated errno. */
int tl_outlet_put_aside (const tl_spool *s, const char *outlet, const tl_outlet_value *v,
                         const char *why);

#endif
