/* core/checks/l_check.h — the Lua module tagline.core: pure checks for the config. Knows
** nothing of running lines.
**
** Each check takes a text and returns true, or nil, a message and the byte offset (from 0) of
** the fault:
**   filter_check  topic_check  json_path  timemask  zone (reads zone files)
** The others return:
**   plain(address), filter_match(filter, topic)   a boolean
**   utf8(text)              a boolean, and the length of the valid part in bytes
**   regex(pattern, whole)   in place of true { count = groups, groups = { names } };
**                           whole: as an address, which matches the whole topic,
**                           otherwise as RE=, which matches anywhere in a payload */
#ifndef TL_CHECKS_L_CHECK_H
#define TL_CHECKS_L_CHECK_H

#include <lua.h>

int luaopen_tagline_core (lua_State *L); /* for luaL_requiref and require */

#endif
