/* core/command/problem.h — the first problem that status() lists, as one line of text. status() is
** evaluated in slices, like a call at the prompt, so that messages do not wait for it. */
#ifndef TL_COMMAND_PROBLEM_H
#define TL_COMMAND_PROBLEM_H

#include "config/config.h"

typedef struct tl_problem tl_problem;

/* `known` is called after each evaluation, also when the text did not change. It may be called
** inside tl_problem_ask(). 0, or a negative code. */
int tl_problem_new (tl_problem **out, tl_script *script, void (*known)(void *ctx), void *ctx);
void tl_problem_free (tl_problem *p); /* may be NULL */

/* Ask; nothing while an answer is still awaited. */
void tl_problem_ask (tl_problem *p);

/* "plant: not connected: …", and how many more there are; empty while nothing is wrong, or nothing
** is known yet. Borrowed until the next answer; one line without control characters. */
tl_slice tl_problem_text (const tl_problem *p);

#endif
