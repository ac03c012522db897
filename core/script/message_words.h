/* core/script/message_words.h — words about messages: explain and messages, for handlers and
** REPLs; save and freeze, for REPLs only. */
#ifndef TL_SCRIPT_MESSAGE_WORDS_H
#define TL_SCRIPT_MESSAGE_WORDS_H

#include "explain/explain.h"
#include "script/script.h"

/* decode_dry.c: tl_handlers.decode_dry */
void tl_script_decode_dry (void *ctx, tl_dry_decode *r);

/* l_explain.c: explain(topic [, payload [, options]]), explain(message), explain(tag): a table
** that prints as text; the document of explain/explain.h. Options: qos retain dup id time line
** fresh. */
int tl_word_explain (lua_State *L);

/* Raises if the table has another option than qos, retain, dup, id, time, line, fresh;
** and reads the options of such a table. */
void tl_check_message_options (lua_State *L, int table);
void tl_read_message_options (lua_State *L, int table, tl_explain_message *m);
/* Push a buffer that Lua frees, so that an error cannot leak it. */
tl_buf *tl_push_buffer (lua_State *L);

/* l_recorder.c: messages([pattern [, limit]]): a list of the last messages, oldest first. A
** pattern is a topic filter, or a line, station or tag (the object or its full name).
** save(file [, pattern]): writes the same messages into a file, one JSON object in a line. */
int tl_word_messages (lua_State *L);
int tl_word_save (lua_State *L);
/* freeze(message, file): writes a busted spec of the message and its tags. */
int tl_word_freeze (lua_State *L);

/* Put `explain` and `messages` into the table on top of the stack. */
void tl_add_message_words (lua_State *L);
/* Put `save` and `freeze` into the table on top. They write files, so only REPLs have them. */
void tl_add_file_words (lua_State *L);

#endif
