/* core/script/l_check.h — the Lua module tagline.core: pure checks for the config. Knows nothing
** of running lines.
**
** Each takes a text and returns true, or nil, a message and the byte offset (from 0) of the
** fault, but for:
**   plain(address), filter_match(filter, topic)   a boolean
**   utf8(text)                                    a boolean and the length of the well-formed
**   part
**   regex(pattern, whole)                         { count = groups, groups = { names } } in
**   place of true; whole: as an
**                                                 address (the whole topic), else as RE=
**                                                 (anywhere in a payload)
** filter_check  topic_check  json_path  timemask  zone (reads zone files) */
#ifndef TL_SCRIPT_L_CHECK_H
#define TL_SCRIPT_L_CHECK_H

#include <lua.h>

int luaopen_tagline_core (lua_State *L); /* for luaL_requiref and require */

#endif
