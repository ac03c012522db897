/* core/command/problem.h — the first problem that status() tells of, as one line of text. It is
** asked for as a person at the prompt would, in slices, so that no message waits for it. */
#ifndef TL_COMMAND_PROBLEM_H
#define TL_COMMAND_PROBLEM_H

#include "config/config.h"

typedef struct tl_problem tl_problem;

/* `known` is called each time an answer came, whether or not it is a new one; it may be called from
** within tl_problem_ask. 0 or negative. */
int tl_problem_new (tl_problem **out, tl_script *script, void (*known)(void *ctx), void *ctx);
void tl_problem_free (tl_problem *p); /* may be NULL */

/* Ask; nothing while an answer is still awaited. */
void tl_problem_ask (tl_problem *p);

/* "plant: not connected: …", and how many more there are; empty while nothing is wrong, or nothing
** is known yet. Borrowed until the next answer; one line without control characters. */
tl_slice tl_problem_text (const tl_problem *p);

#endif
