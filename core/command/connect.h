/* core/command/connect.h — `tagline check --connect`: do the connections of a config work? */
#ifndef TL_COMMAND_CONNECT_H
#define TL_COMMAND_CONNECT_H

#include "config/config.h"

/* Tries each address of each line of the script's draft, which loaded without errors, and prints
** what it finds to stdout. The script has a gateway while this runs. Returns how many lines do not
** work as configured; -1: it could not be tried, which was told. */
int tl_connect_lines (tl_script *script);

#endif
