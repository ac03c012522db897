/* core/nats/subject.h — subjects of NATS made of tags' names. Pure: texts in, texts out. */
#ifndef TL_NATS_SUBJECT_H
#define TL_NATS_SUBJECT_H

#include "base/buf.h"

/* The subject of the tag "line.station.tag" by this template ("tags.{line}.{station}.{tag}").
** What a subject may not hold (blanks, '.', '*', '>', control characters, bytes beyond ASCII)
** becomes %XX. */
void tl_nats_subject (tl_buf *out, tl_slice template, tl_slice name);
/* The subject that stands for all of them: "tags.*.*.*". */
void tl_nats_wildcard (tl_buf *out, tl_slice template);
/* Does a stream with the subject `wide` take all that `narrow` stands for? Both may hold the
** wildcards '*' and '>'. */
bool tl_nats_covers (tl_slice wide, tl_slice narrow);

/* The identifier of a message, by which the server knows what is sent twice: of its text and of
** the number within the millisecond. So a message that a broker repeats, with a time in its
** payload, is stored once, too. */
enum { TL_NATS_ID = 48 };
void tl_nats_id (char out[TL_NATS_ID], tl_slice payload, uint16_t n);
/* Its place, "SPOOL:NUMBER": which value of which spool it is. */
void tl_nats_place (char out[TL_NATS_ID], uint64_t spool, uint64_t number);
/* False: it is of another spool, or none of ours. */
bool tl_nats_place_read (const char *place, uint64_t spool, uint64_t *number);

#endif
