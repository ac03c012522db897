/* core/payload/words.h — the words that a device has for states (OPEN, CLOSED), and decimal
** commas: what a tag may say of its texts beyond its type. Pure. */
#ifndef TL_PAYLOAD_WORDS_H
#define TL_PAYLOAD_WORDS_H

#include "payload/convert.h"
#include "payload/document.h"

typedef struct {
  uint8_t state; /* Di, Do: 0 or 1; Qi: 0..4 */
  tl_slice text; /* compared byte by byte */
} tl_word;

/* All borrowed. Words of a state: the first one is written. A state without any keeps the usual
** ones. */
typedef struct {
  const tl_word *words; /* NULL: none */
  uint16_t count;
  /* numbers in texts have a decimal comma; a point, or a thousands separator, is `type` */
  bool comma;
} tl_text_rule;

/* tl_convert_json, tl_convert_text and tl_convert_publish for a tag with such a rule. A number
** of a document is compared with words by its decimal text, true and false by these words;
** commas are looked for in texts only. */
tl_reason tl_words_json (tl_type type, const tl_text_rule *words, const tl_json_value *v,
                         const tl_time_rule *rule, tl_buf *scratch, tl_value *out);
tl_reason tl_words_text (tl_type type, const tl_text_rule *words, tl_slice text,
                         const tl_time_rule *rule, tl_value *out);
bool tl_text_rule_eq (const tl_text_rule *a, const tl_text_rule *b);
/* Is this value written as a text of its own, a word or a number with a comma? */
bool tl_words_has (tl_type type, const tl_text_rule *words, const tl_value *v);
void tl_words_publish (tl_type type, const tl_text_rule *words, const tl_value *v,
                       const tl_time_rule *rule, tl_buf *out);
/* The same in the format of a station: in JSON and plain text as tl_words_publish, else one
** item, a number, boolean or text by the type, a text where words or commas are to be written;
** a time whose mask is UNIX… is a number. */
void tl_doc_publish (tl_doc_format format, tl_type type, const tl_text_rule *words,
                     const tl_value *v, const tl_time_rule *rule, tl_buf *out);

#endif
