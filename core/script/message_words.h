/* core/script/message_words.h — words that look at messages: explain and messages, for handlers and
** REPLs; save for REPLs. */
#ifndef TL_SCRIPT_MESSAGE_WORDS_H
#define TL_SCRIPT_MESSAGE_WORDS_H

#include "explain/explain.h"
#include "script/script.h"

/* decode_dry.c: tl_handlers.decode_dry */
void tl_script_decode_dry (void *ctx, tl_dry_decode *r);

/* l_explain.c: explain(topic [, payload [, options]]), explain(message), explain(tag): a table
** that prints as text. Options: qos retain dup id time line fresh. The document is that of
** gateway/explain.h. */
int tl_word_explain (lua_State *L);

/* qos retain dup id time line fresh of the table at `table`; raises. */
/* Raises for a table of options with one that is not known. */
void tl_check_message_options (lua_State *L, int table);
void tl_read_message_options (lua_State *L, int table, tl_explain_message *m);
/* A buffer on the stack: an error cannot leak it, Lua frees it. */
tl_buf *tl_push_buffer (lua_State *L);

/* l_recorder.c: messages([pattern [, limit]]): a list of the last messages, oldest first. A
** pattern is a topic filter, or a line, station or tag (or its full name). save(file [,
** pattern]): the same into a file, one JSON object a line. */
int tl_word_messages (lua_State *L);
int tl_word_save (lua_State *L);
/* freeze(message, file): a busted spec of the message and its tags. */
int tl_word_freeze (lua_State *L);

/* Put `explain` and `messages` into the table on top of the stack. */
void tl_add_message_words (lua_State *L);
/* `save` and `freeze`: they write files, so they are for REPLs only. */
void tl_add_file_words (lua_State *L);

#endif
