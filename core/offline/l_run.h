/* core/offline/l_run.h — the module tagline.site, for the commands that are written in Lua
** (tool.h). Not for configs.
**
** new(path, seconds, unsafe)  a site, or nil, the problems (a list of texts) and why. Its
** methods: feed(topic, payload, options)  options: line qos retain dup id time; returns how
** many lines took it, had no station, had no filter advance(seconds)  time()  close() news()
** what happened since the last call: values and publishes as JSON lines, errors as a list of
** texts tag(name)  { name type unit address value status reason time }; nil    tags()  their
** names    station(name)  its status; nil write(name, value)  true, or nil and why
** explain(topic, payload or nil, options)  the document and its JSON text json(text)  a JSON
** text as a value: 64-bit integers stay what they are */
#ifndef TL_OFFLINE_L_RUN_H
#define TL_OFFLINE_L_RUN_H

#include <lua.h>

int tl_open_site (lua_State *L);

#endif
