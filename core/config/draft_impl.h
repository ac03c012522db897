/* core/config/draft_impl.h — private to config/: reads the draft of a config, which
** lua/tagline/config has checked, into the structs that the gateway takes. Texts are borrowed:
** they live as long as the draft is on the stack. */
#ifndef TL_CONFIG_DRAFT_IMPL_H
#define TL_CONFIG_DRAFT_IMPL_H

#include "script/script.h"

/* What a reader needs. To be zeroed, except `script` and `err`. */
typedef struct {
  tl_script *script;
  tl_tagdef *tags; /* of the station being read */
  tl_word *words;  /* and their words */
  size_t tag_cap;
  tl_history_options history; /* of the line being read */
  tl_err *err;                /* set before an error is raised */
} tl_draft_reader;

/* Read the line on top of the stack into *c. Raises when there is no memory; *c then holds
** what was read so far, and the caller frees it. */
void tl_draft_read_line (lua_State *L, tl_draft_reader *r, tl_line_config *c);
void tl_draft_reader_fini (tl_draft_reader *r);
/* A number in the table at `index`; `otherwise` if the field is not a number. */
double tl_draft_number (lua_State *L, int index, const char *name, double otherwise);
/* zeroed memory, owned by Lua; raises without memory */
void *tl_draft_calloc (lua_State *L, size_t n, size_t size);

#endif
