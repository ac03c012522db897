/* core/offline/capture_line.h — a line of a capture (lua/tagline/test/capture.lua) as a message.
** Must not know files, nor what becomes of the message. */
#ifndef TL_OFFLINE_CAPTURE_LINE_H
#define TL_OFFLINE_CAPTURE_LINE_H

#include "model/model.h"

typedef struct tl_capture_reader tl_capture_reader;

/* TL_ENOMEM. */
int tl_capture_reader_new (tl_capture_reader **out);
void tl_capture_reader_free (tl_capture_reader *r); /* NULL is fine */

/* Reads a line, without its line break. The message and the name of its line borrow from `text`
** and from the reader until the next call; line->at is NULL where the name is missing or null.
** m->now is 0. False: it is no plain message, or there is no memory; *m and *line are undefined. */
bool tl_capture_read (tl_capture_reader *r, tl_slice text, tl_incoming *m, tl_slice *line);

/* The two ways in which it reads. The first takes only what tl_message_json_begin() and _end()
** write: all members, in their order, without blanks; it refuses some of that, too, such as
** \u001f. What it takes, the second reads the same. */
bool tl_capture_read_usual (tl_capture_reader *r, tl_slice text, tl_incoming *m, tl_slice *line);
bool tl_capture_read_any (tl_capture_reader *r, tl_slice text, tl_incoming *m, tl_slice *line);

#endif
