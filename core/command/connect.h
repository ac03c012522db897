/* core/command/connect.h — `tagline check --connect`: do the connections of a config work? */
#ifndef TL_COMMAND_CONNECT_H
#define TL_COMMAND_CONNECT_H

#include "config/config.h"

/* Try each address of each line of the script's draft, and print the results to stdout. The draft
** must have loaded without errors. The script has a gateway while this runs.
** Returns how many lines do not work as configured. -1: nothing could be tried; the reason was
** printed. */
int tl_connect_lines (tl_script *script);

#endif
