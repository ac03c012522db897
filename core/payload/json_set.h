/* core/payload/json_set.h — compiled addresses: a tree in one block of memory, read-only.
** Inside of this room only. Must not know documents.
**
** A node is a place in a document; its children lie side by side, keys first in the order of
** length and bytes, then elements by index. `order` lists the numbers of the addresses so that
** those of a node and of all below it are one range: order[from..own) lead to the node itself,
** order[own..to) below it. */
#ifndef TL_PAYLOAD_JSON_SET_H
#define TL_PAYLOAD_JSON_SET_H

#include "payload/json.h"

typedef struct {
  uint64_t head;    /* the first 8 bytes of the key, the rest 0 */
  uint64_t lengths; /* bit min(len, 63) is set when a child's key has this length */
  uint32_t len;     /* of the key; of an element: its index, from 1 */
  uint32_t key;     /* where the key's bytes lie in set->keys */
  uint32_t from, own, to;
  uint32_t children, keys, elements; /* the first child's number; how many of which kind */
  /* where the node's hash index lies in set->index, for many keys */
  uint32_t index;
  uint32_t mask; /* its size - 1; 0: there is none, look at each */
  /* An array that selectors look into: the child that stands for any element (0: there is none),
  ** and its number among such arrays: its choices lie from set->starts[array] on. */
  uint32_t each, array;
} tl_json_node;

/* What decides whether an element is taken: its place in the array, or a field, whose value is
** in a slot of its own. */
typedef struct {
  uint32_t field;    /* the slot; TL_JSON_BY_PLACE */
  uint32_t from, to; /* in set->picks, in the order of text or place */
} tl_json_choice;

typedef struct {
  uint32_t at, len;  /* the text that the field has, in set->keys; or `at` is the place, from 1 */
  uint32_t taken;    /* the slot that notes in which array this pick has found its element */
  uint32_t from, to; /* in set->copies */
} tl_json_pick;

/* The element is taken: what it has in one slot becomes the value of another. */
typedef struct {
  uint32_t from, to;
} tl_json_copy;

#define TL_JSON_BY_PLACE UINT32_MAX

enum {
  TL_JSON_LOOK_AT_EACH = 8, /* up to so many keys */
  TL_JSON_FLAT_MAX = 8      /* so many may a flat set have */
};

struct tl_json_set {
  size_t bytes;
  const tl_json_node *nodes; /* nodes[0]: the document */
  const uint32_t *order;
  const uint32_t *index; /* numbers of nodes, 0 for an empty place */
  const uint8_t *keys;
  const uint32_t *starts; /* these four are NULL without selectors */
  const tl_json_choice *choices;
  const tl_json_pick *picks;
  const tl_json_copy *copies;
  uint32_t slots; /* of values: the addresses', and those that selectors need */
  /* tl_json_flat can be used: each address is a key of the document, and another one. */
  struct {
    bool is;
    uint64_t heads[TL_JSON_FLAT_MAX]; /* of the keys, all different; those that are none are ~0 */
  } flat;
};

/* One level of an address. */
typedef struct {
  uint32_t at, len; /* the key's bytes, in a buffer of the caller's; */
  uint32_t index;   /* or an index from 1, when this is not 0; or one of those below */
  uint32_t fields;  /* SELECT: so many steps behind this one are the field's */
} tl_json_step;

/* SELECT stands in addresses as they are written: at and len are the text that the field must
** have. In its place compiled ones have EACH, any element (`at` is the number of the array
** among those with selectors), and NOWHERE, which no document has: the place of a value that is
** copied. */
#define TL_JSON_SELECT (UINT32_MAX - 2)
#define TL_JSON_EACH (UINT32_MAX - 1)
#define TL_JSON_NOWHERE UINT32_MAX

enum { TL_JSON_PATH_MAX = 65535 };

/* One address while a set is built. */
typedef struct {
  const tl_json_step *steps;
  const uint8_t *keys;
  size_t n;
  uint32_t number; /* of the slot */
} tl_json_draft;

/* What selectors of all addresses become (json_select.c). */
typedef struct {
  tl_json_draft *paths; /* without SELECT: the addresses and the hidden ones, one for each slot */
  size_t n;
  tl_json_choice *choices; /* those of array i are [starts[i], starts[i + 1]) */
  uint32_t *starts;
  tl_json_pick *picks; /* `at` is an offset in the keys of the addresses */
  tl_json_copy *copies;
  uint32_t arrays, choices_n, picks_n, copies_n, slots;
  void *memory; /* all that is allocated, a list */
} tl_json_selectors;

/* Element `index` of the array that begins at `from` has been read into the slots below
** array->each: those whose selectors want it, and have none yet, become values. */
void tl_json_choose (const tl_json_set *set, const tl_json_node *array, const uint8_t *from,
                     uint32_t index, tl_json_value *values);

int tl_json_compare_steps (const tl_json_step *a, const tl_json_step *b, const uint8_t *keys);

/* Take the selectors out of n addresses, of which at least one has some; slots are numbered
** from n on. TL_OK or TL_ENOMEM; TL_ETOOBIG; free in any case. */
int tl_json_select (tl_json_selectors *out, const tl_json_draft *paths, size_t n);
void tl_json_selectors_free (tl_json_selectors *s);

/* Split an address into steps; `steps` and `keys` have room for path.len + 1 steps and path.len
** bytes behind *used, or both are NULL to check only. TL_OK, *n steps written; or TL_ESYNTAX. */
int tl_json_path_split (tl_slice path, tl_json_step *steps, size_t *n, uint8_t *keys,
                        uint32_t *used, tl_err *err);

/* Read a document, without the blanks at its end, with a set that is flat. False: it is not of the
** usual kind (json_flat.c), or wrong; values are undefined then. */
bool tl_json_flat (const tl_json_set *set, const uint8_t *doc, const uint8_t *end,
                   tl_json_value *values);
bool tl_json_flat_works (void); /* on this processor */

/* The first 8 bytes of a key of which `room` bytes may be read. */
static inline uint64_t tl_json_head (const uint8_t *key, size_t len, size_t room) {
  uint64_t head = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (room >= 8) {
    memcpy(&head, key, 8);
    return len >= 8 ? head : head & ~(~(uint64_t)0 << len * 8);
  }
#endif
  memcpy(&head, key, len < 8 ? len : 8);
  (void)room;
  return head;
}

/* The last 8 bytes tell keys apart that begin alike. */
static inline uint32_t tl_json_key_hash (uint64_t head, const uint8_t *key, size_t len) {
  uint64_t tail = 0;
  if (len > 8) memcpy(&tail, key + len - 8, 8);
  uint64_t h = (head ^ (tail << 29 | tail >> 35) ^ len) * 0x9e3779b97f4a7c15u;
  return (uint32_t)((h ^ h >> 29) * 0xbf58476d1ce4e5b9u >> 32);
}

#endif
