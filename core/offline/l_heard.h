/* core/offline/l_heard.h — the messages that were heard on a broker (discover/heard.h), in Lua. */
#ifndef TL_OFFLINE_L_HEARD_H
#define TL_OFFLINE_L_HEARD_H

#include <lua.h>

#include "discover/heard.h"

/* Push the module tagline.discovered: functions over `c`, which must live as long as the state.
**
**   totals()      messages, bytes, over, unkept (see tl_heard_totals), topics
**   topic(i)      topic, count, bytes, smallest, largest, retained, first, last; i from 1, times
**                 in seconds
**   sample(i, n)  payload, time, retained; n from 1 to 3; nothing when there is none */
void tl_push_heard (lua_State *L, const tl_heard *c);

#endif
