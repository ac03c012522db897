/* core/checks/zone_file.h — a time zone by the name that a user writes. Reads zone files, so
** it is not in a pure room. Knows payload's zones and nothing of Lua. */
#ifndef TL_CHECKS_ZONE_FILE_H
#define TL_CHECKS_ZONE_FILE_H

#include "payload/timemask.h"

/* Load a zone. Names: "UTC"; "local" (the variable TZ if it is set, where empty means UTC;
** otherwise /etc/localtime); a fixed offset such as "+01:00"; or a file under
** /usr/share/zoneinfo ("Europe/Bratislava"), without ".." and without a leading "/".
** The caller owns *out (tl_zone_free). TL_ENOENT: no such zone; TL_ESYNTAX: not a zone's name;
** or an error of reading the file. */
int tl_zone_load (tl_zone **out, const char *name, tl_err *err);

#endif
