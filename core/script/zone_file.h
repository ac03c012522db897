/* core/script/zone_file.h — a time zone by the name a user writes. Reads zone files, so it is
** not part of the pure rooms; knows payload's zones and nothing of Lua. */
#ifndef TL_SCRIPT_ZONE_FILE_H
#define TL_SCRIPT_ZONE_FILE_H

#include "payload/timemask.h"

/* "UTC"; "local": the TZ variable when it is set (empty means UTC), else /etc/localtime; a
** fixed offset such as "+01:00"; or the name of a file under /usr/share/zoneinfo
** ("Europe/Bratislava"), never above it: no "..", no leading "/". Own the result
** (tl_zone_free). TL_ENOENT: no such zone; TL_ESYNTAX: not a zone's name; others from the file. */
int tl_zone_load (tl_zone **out, const char *name, tl_err *err);

#endif
