/* core/offline/l_run.h — the module tagline.offline, for the commands that are written in Lua
** (lua_command.h). Not for configs.
**
** new(path, seconds, unsafe): a run of a config, or nil, the problems (a list of texts) and why.
** json(text): a JSON text as a value; 64-bit integers stay what they are. Methods of a run:
**
**   feed(topic, payload, options)     a message arrives; options: line qos retain dup id time.
**                                     How many lines took it, had no station, had no filter
**   advance(seconds)  time()          the run's clock
**   news()                            since the last call: values and publishes as JSON lines,
**                                     errors as a list of texts
**   tag(name)                         { name type unit address value status reason time }, nil
**   tags()  station(name)             the names of all tags; a station's status, nil
**   write(name, value)                true, or nil and why
**   explain(topic, payload, options)  the document and its JSON text; payload may be nil
**   record(path)  recorded()          values go into this history; all that came is in it: true, or
**                                     nil and why
**   close() */
#ifndef TL_OFFLINE_L_RUN_H
#define TL_OFFLINE_L_RUN_H

#include <lua.h>

int tl_open_offline (lua_State *L);

#endif
