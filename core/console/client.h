/* core/console/client.h — the blocking side of the console socket: used by `tagline repl`. No loop. */
#ifndef TL_CONSOLE_CLIENT_H
#define TL_CONSOLE_CLIENT_H

#include "base/buf.h"

/* Default socket of a config: $XDG_RUNTIME_DIR/tagline/NAME.sock, else /tmp/tagline-UID/NAME.sock. NAME: file name without .lua. */
int tl_console_path (tl_buf *out, const char *config);
/* The folder above. */
int tl_console_folder (tl_buf *out);
/* Sockets in that folder that somebody answers on, one path a line. Returns their number or a negative code. */
int tl_console_running (tl_buf *out);

int tl_console_connect (const char *path, tl_err *err);                         /* a file descriptor, or negative */
int tl_console_put (int fd, char type, tl_slice body);                          /* 0 or negative */
int tl_console_get (int fd, char *type, tl_buf *body);                          /* waits for one frame: 1, 0 at the end, negative on error */

#endif
