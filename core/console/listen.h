/* core/console/listen.h — takes and gives back a place in the file system for the console's
** socket. No frames, no loop. */
#ifndef TL_CONSOLE_LISTEN_H
#define TL_CONSOLE_LISTEN_H

#include <sys/types.h>

#include "console/address.h"

enum { TL_CONSOLE_QUEUE = 64 }; /* connections that wait to be accepted */

typedef struct {
  struct sockaddr_un address;
  dev_t dev; /* of the socket we made */
  ino_t ino;
} tl_console_place;

/* Make the folder, look whether the path is free or stale, bind. On success *fd is a listening
** socket. Errors as in tl_console_listen(). */
int tl_console_claim (tl_console_place *out, const char *path, int *fd, tl_err *err);
/* remove the socket, if it is still the one we made */
void tl_console_release (tl_console_place *place);

#endif
