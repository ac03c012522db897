/* core/command/start.h — what several commands begin with. */
#ifndef TL_COMMAND_START_H
#define TL_COMMAND_START_H

#include "config/config.h"

/* A script state with tagline's own Lua modules; NULL after the reason was printed to stderr. */
tl_script *tl_start_script (bool unsafe, bool check);

#endif
