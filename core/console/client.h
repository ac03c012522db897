/* core/console/client.h — the blocking side of the console socket: used by `tagline repl`. No
** loop. */
#ifndef TL_CONSOLE_CLIENT_H
#define TL_CONSOLE_CLIENT_H

#include "base/buf.h"

/* Where the services of systemd have their sockets: root looks there, too. A variable for specs. */
extern const char *tl_console_services;

/* Default socket of a config: NAME.sock in the folder below. NAME: file name without .lua.
** Appended, without a NUL. TL_ENOMEM. */
int tl_console_path (tl_buf *out, const char *config);
/* $RUNTIME_DIRECTORY, else $XDG_RUNTIME_DIR/tagline, else /tmp/tagline-UID; without a slash at its
** end. TL_ENOMEM. */
int tl_console_folder (tl_buf *out);
/* Sockets in that folder that somebody answers on, one path a line, sorted; for root those of
** services, too (/run/tagline and the folders in it). Returns their number (0 when there is no
** folder) or a negative code. A folder that another user owns or may write to is not looked into:
** err (its text is empty before) says so. */
int tl_console_running (tl_buf *out, tl_err *err);

/* A file descriptor (close-on-exec), or negative with err filled. Refuses a server that runs
** neither as this user nor as root: a socket in a shared folder might be anybody's. `named`: the
** person gave its path; then root may have anybody's, and else that of the folder's owner (a
** service's). patience_ms: how long connecting, and each send or receive later, may wait. */
int tl_console_connect (const char *path, bool named, int patience_ms, tl_err *err);
/* Send one frame: 0; UV_EPIPE when the server is gone; TL_ETOOBIG beyond TL_CONSOLE_FRAME;
** other libuv codes. */
int tl_console_put (int fd, char type, tl_slice body);
/* Wait for one frame; body is cleared first. 1; 0 at the end; negative on error (UV_EOF: it
** ended inside one; TL_ENOMEM). */
int tl_console_get (int fd, char *type, tl_buf *body);

#endif
