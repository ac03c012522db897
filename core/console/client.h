/* core/console/client.h — the blocking side of the console socket: used by `tagline repl`. No
** loop. */
#ifndef TL_CONSOLE_CLIENT_H
#define TL_CONSOLE_CLIENT_H

#include "base/buf.h"

/* Default socket of a config: $XDG_RUNTIME_DIR/tagline/NAME.sock, else
** /tmp/tagline-UID/NAME.sock. NAME: file name without .lua. Appended, without a NUL. TL_ENOMEM. */
int tl_console_path (tl_buf *out, const char *config);
/* The folder above, without a slash at its end. TL_ENOMEM. */
int tl_console_folder (tl_buf *out);
/* Sockets in that folder that somebody answers on, one path a line, sorted. Returns their
** number (0 when there is no folder) or a negative code. */
int tl_console_running (tl_buf *out);

/* A file descriptor (close-on-exec), or negative with err filled. Refuses a server that runs
** neither as this user nor as root, unless we are root: a socket in a shared folder might be
** anybody's. */
int tl_console_connect (const char *path, tl_err *err);
/* Send one frame: 0; UV_EPIPE when the server is gone; TL_ETOOBIG beyond TL_CONSOLE_FRAME;
** other libuv codes. */
int tl_console_put (int fd, char type, tl_slice body);
/* Wait for one frame; body is cleared first. 1; 0 at the end; negative on error (UV_EOF: it
** ended inside one; TL_ENOMEM). */
int tl_console_get (int fd, char *type, tl_buf *body);

#endif
