/* core/console/address.h — socket paths, for both sides of the console. */
#ifndef TL_CONSOLE_ADDRESS_H
#define TL_CONSOLE_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/slice.h"

/* TL_OK, or TL_ETOOBIG (err filled) when `path` is longer than a socket's may be: the kernel
** would cut it silently. */
int tl_console_address (struct sockaddr_un *out, const char *path, tl_err *err);

/* Does somebody answer on `path`? 1: yes; 0: there is a socket and nobody answers; UV_ENOENT:
** there is nothing; other negative codes: cannot be told (no permission, not a socket). Does
** not block. */
int tl_console_answers (const struct sockaddr_un *address);

/* Whose process is at the other end of `fd`? False: this cannot be found out. */
bool tl_console_peer (int fd, uint32_t *uid);

/* May the process at the other end of `fd` be trusted: this user's or root's? Its uid goes to
** *uid. */
bool tl_console_trusts (int fd, uint32_t *uid);

#endif
