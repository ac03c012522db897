/* core/script/draft.h — private to script/: from the draft of a config, which lua/tagline/config
** has checked, to what the gateway takes. Its texts are borrowed: they live as long as the draft
** is on the stack. */
#ifndef TL_SCRIPT_DRAFT_H
#define TL_SCRIPT_DRAFT_H

#include "script/script.h"

/* Zeroed but for `script` and `err`. */
typedef struct {
  tl_script *script;
  tl_tagdef *tags; /* of the station being read */
  tl_word *words;  /* and their words */
  size_t tag_cap;
  tl_history_options history; /* of the line being read */
  tl_err *err;                /* what is wrong, where it raises */
} tl_draft_reader;

/* The line at the top of the stack; raises when there is no memory, and leaves in *c what there
** is of it. */
void tl_draft_read_line (lua_State *L, tl_draft_reader *r, tl_line_config *c);
void tl_draft_reader_fini (tl_draft_reader *r);
/* A field of the table at `index`; `otherwise` where it is no number. */
double tl_draft_number (lua_State *L, int index, const char *name, double otherwise);
void *tl_draft_calloc (lua_State *L, size_t n, size_t size); /* or raises */

#endif
