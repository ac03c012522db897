/* core/payload/json_set.c — addresses become a tree: split, sort, lay out. Must not know
** documents. */
#include "payload/json_set.h"

#include <stdlib.h>

typedef tl_json_draft path;

/* What is needed while a set is built; one block of memory. */
typedef struct {
  path *paths;
  tl_json_step *steps;
  uint8_t *keys;
  size_t n;
  void *block; /* of memory */
  bool selects;
  tl_json_selectors selectors;
} draft;

int tl_json_compare_steps (const tl_json_step *a, const tl_json_step *b, const uint8_t *keys) {
  if (a->index != b->index)
    return a->index < b->index ? -1 : 1; /* keys, with index 0, come first */
  if (a->len != b->len) return a->len < b->len ? -1 : 1;
  if (a->fields != b->fields) return a->fields < b->fields ? -1 : 1;
  return a->len ? memcmp(keys + a->at, keys + b->at, a->len) : 0;
}

static size_t common (const path *a, const path *b) { /* levels that two addresses share */
  size_t n = 0;
  while (n < a->n && n < b->n && tl_json_compare_steps(&a->steps[n], &b->steps[n], a->keys) == 0)
    n++;
  return n;
}

static int compare_paths (const void *left, const void *right) {
  const path *a = left, *b = right;
  size_t n = common(a, b);
  if (n < a->n && n < b->n) return tl_json_compare_steps(&a->steps[n], &b->steps[n], a->keys);
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  return a->number < b->number ? -1 : a->number > b->number;
}

static int draft_new (draft *d, const tl_slice *paths, size_t n, size_t *which, tl_err *err) {
  size_t length = 0;
  for (size_t i = 0; i < n; i++) {
    size_t levels;
    int rc = tl_json_path_split(paths[i], NULL, &levels, NULL, NULL, err);
    if (rc != TL_OK) {
      if (which) *which = i;
      return rc;
    }
    length += paths[i].len;
  }
  if (n >= UINT32_MAX || length >= UINT32_MAX)
    return tl_fail(err, TL_ETOOBIG, 0, "more addresses than fit into one set");
  /* a level takes at least one byte of its address */
  uint8_t *block = malloc(n * sizeof(path) + length * sizeof(tl_json_step) + length + 1);
  if (!block) return tl_fail(err, TL_ENOMEM, 0, "no memory");
  d->block = block;
  d->paths = (path *)(void *)block;
  d->steps = (tl_json_step *)(void *)(d->paths + n);
  d->keys = (uint8_t *)(d->steps + length);
  d->n = n;
  tl_json_step *steps = d->steps;
  uint32_t used = 0;
  for (size_t i = 0; i < n; i++) {
    path *p = &d->paths[i];
    *p = (path){ steps, d->keys, 0, (uint32_t)i };
    tl_json_path_split(paths[i], steps, &p->n, d->keys, &used, NULL);
    for (size_t k = 0; k < p->n; k++) d->selects |= steps[k].index == TL_JSON_SELECT;
    steps += p->n;
  }
  if (d->selects) {
    int rc = tl_json_select(&d->selectors, d->paths, n);
    if (rc != TL_OK)
      return tl_fail(err, rc, 0, rc == TL_ENOMEM ? "no memory" : "too many selectors");
    d->paths = d->selectors.paths;
    d->n = d->selectors.n;
  }
  qsort(d->paths, d->n, sizeof(path), compare_paths);
  return TL_OK;
}

/* The size of a node's hash index: at most half full; 0 when looking at each key is as fast. */
static uint32_t index_size (size_t keys) {
  uint32_t size = 1;
  if (keys <= TL_JSON_LOOK_AT_EACH) return 0;
  while (size < keys * 2) size *= 2;
  return size;
}

/* Where the addresses [from, to) go on at level `depth`: the end of those that take the same
** step as the first. */
static size_t same_step (const draft *d, size_t from, size_t to, size_t depth) {
  const path *first = &d->paths[from];
  size_t at = from + 1;
  while (at < to &&
         tl_json_compare_steps(&first->steps[depth], &d->paths[at].steps[depth], d->keys) == 0)
    at++;
  return at;
}

/* How many nodes and bytes of keys the tree has: each address adds what it does not share with
** the one before. */
static void count (const draft *d, size_t *nodes, size_t *bytes) {
  *nodes = 1;
  *bytes = 0;
  for (size_t i = 0; i < d->n; i++) {
    const path *p = &d->paths[i];
    size_t shared = i ? common(&d->paths[i - 1], p) : 0;
    *nodes += p->n - shared;
    for (size_t k = shared; k < p->n; k++) *bytes += p->steps[k].len;
  }
}

typedef struct {
  const draft *draft;
  tl_json_node *nodes;
  uint32_t *depths; /* of the nodes */
  uint8_t *keys;
  uint32_t nodes_n, keys_n;
  size_t places;
} layout;

/* Number the children of a node; its range of addresses and its depth are known. */
static void lay_children (layout *l, tl_json_node *node, uint32_t depth) {
  const draft *d = l->draft;
  size_t at = node->from;
  while (at < node->to && d->paths[at].n == depth) at++;
  node->own = (uint32_t)at;
  node->children = l->nodes_n;
  while (at < node->to) {
    const tl_json_step *step = &d->paths[at].steps[depth];
    size_t behind = same_step(d, at, node->to, depth);
    l->depths[l->nodes_n] = depth + 1;
    tl_json_node *child = &l->nodes[l->nodes_n++];
    *child = (tl_json_node){ .from = (uint32_t)at, .to = (uint32_t)behind };
    if (step->index == TL_JSON_EACH) {
      node->each = l->nodes_n - 1;
      node->elements = 1; /* so that the array is entered */
      node->array = step->at;
    } else if (step->index) {
      child->len = step->index;
      node->elements += step->index != TL_JSON_NOWHERE;
    } else {
      child->len = step->len;
      child->key = l->keys_n;
      memcpy(l->keys + l->keys_n, d->keys + step->at, step->len);
      child->head = tl_json_head(l->keys + l->keys_n, step->len, 0);
      l->keys_n += step->len;
      node->lengths |= (uint64_t)1 << (step->len < 63 ? step->len : 63);
      node->keys++;
    }
    at = behind;
  }
  node->index = (uint32_t)l->places;
  l->places += index_size(node->keys);
}

static void fill_index (const layout *l, tl_json_node *node, uint32_t *index) {
  uint32_t size = index_size(node->keys);
  if (!size) return;
  node->mask = size - 1;
  for (uint32_t i = node->children; i < node->children + node->keys; i++) {
    const tl_json_node *child = &l->nodes[i];
    uint32_t at = tl_json_key_hash(child->head, l->keys + child->key, child->len) & node->mask;
    while (index[node->index + at]) at = (at + 1) & node->mask;
    index[node->index + at] = i;
  }
}

/* Behind the keys of the tree: the texts of the picks, which move there. */
static void place_selectors (tl_json_set *set, const tl_json_selectors *from, uint8_t *memory,
                             uint8_t *texts, const draft *d) {
  tl_json_choice *choices = (tl_json_choice *)(void *)memory;
  tl_json_pick *picks = (tl_json_pick *)(void *)(choices + from->choices_n);
  tl_json_copy *copies = (tl_json_copy *)(void *)(picks + from->picks_n);
  uint32_t *starts = (uint32_t *)(void *)(copies + from->copies_n);
  memcpy(starts, from->starts, (from->arrays + 1) * sizeof *starts);
  memcpy(choices, from->choices, from->choices_n * sizeof *choices);
  memcpy(picks, from->picks, from->picks_n * sizeof *picks);
  memcpy(copies, from->copies, from->copies_n * sizeof *copies);
  for (uint32_t i = 0; i < from->choices_n; i++) {
    for (uint32_t k = choices[i].from; k < choices[i].to; k++) {
      if (choices[i].field == TL_JSON_BY_PLACE) continue;
      memcpy(texts, d->keys + picks[k].at, picks[k].len);
      picks[k].at = (uint32_t)(texts - set->keys);
      texts += picks[k].len;
    }
  }
  set->starts = starts;
  set->choices = choices;
  set->picks = picks;
  set->copies = copies;
}

static size_t selector_bytes (const tl_json_selectors *s) {
  if (!s->starts) return 0;
  return s->choices_n * sizeof(tl_json_choice) + s->picks_n * sizeof(tl_json_pick) +
         s->copies_n * sizeof(tl_json_copy) + (s->arrays + 1) * sizeof(uint32_t);
}

/* The head of another key, too: a NUL ends it, which is as good as nothing. */
static bool has_vague_head (const tl_json_node *key) {
  uint32_t n = key->len < 8 ? key->len : 8;
  return n > 0 && (key->head >> (8 * n - 8) & 0xff) == 0;
}

/* Is the set flat? Each key is known by its head. */
static void note_flat (tl_json_set *set) {
  const tl_json_node *root = set->nodes, *child = set->nodes + root->children;
  set->flat.is = false;
  if (root->own > root->from || root->elements > 0 || root->to != root->keys) return;
  if (root->keys == 0 || root->keys > TL_JSON_FLAT_MAX) return;
  for (uint32_t i = 0; i < root->keys; i++) {
    if (child[i].own - child[i].from != 1 || child[i].own != child[i].to) return;
    if (has_vague_head(&child[i])) return;
    for (uint32_t k = 0; k < i; k++)
      if (set->flat.heads[k] == child[i].head) return;
    set->flat.heads[i] = child[i].head;
  }
  for (uint32_t i = root->keys; i < TL_JSON_FLAT_MAX; i++) set->flat.heads[i] = UINT64_MAX;
  set->flat.is = tl_json_flat_works();
}

/* The laid-out tree, in the one block that stays. NULL without memory. */
static tl_json_set *assemble (const layout *l) {
  const draft *d = l->draft;
  const tl_json_selectors *selectors = &d->selectors;
  size_t nodes = l->nodes_n * sizeof(tl_json_node), words = d->n + l->places, texts = 0;
  for (uint32_t i = 0; i < selectors->picks_n; i++) texts += selectors->picks[i].len;
  size_t bytes = sizeof(tl_json_set) + nodes + words * sizeof(uint32_t) +
                 selector_bytes(selectors) + l->keys_n + texts;
  tl_json_set *set = malloc(bytes);
  if (!set) return NULL;
  uint8_t *block = (uint8_t *)(set + 1);
  uint32_t *order = (uint32_t *)(void *)(block + nodes), *index = order + d->n;
  uint8_t *extra = (uint8_t *)(index + l->places), *keys = extra + selector_bytes(selectors);
  for (size_t i = 0; i < d->n; i++) order[i] = d->paths[i].number;
  memset(index, 0, l->places * sizeof *index);
  for (uint32_t i = 0; i < l->nodes_n; i++) fill_index(l, &l->nodes[i], index);
  memcpy(block, l->nodes, nodes);
  memcpy(keys, l->keys, l->keys_n);
  *set = (tl_json_set){ .bytes = bytes,
                        .nodes = (const tl_json_node *)(void *)block,
                        .order = order,
                        .index = index,
                        .keys = keys,
                        .slots = (uint32_t)d->n };
  note_flat(set);
  if (d->selects) {
    place_selectors(set, selectors, extra, keys + l->keys_n, d);
    set->slots = selectors->slots;
  }
  return set;
}

int tl_json_set_new (tl_json_set **out, const tl_slice *paths, size_t n, size_t *which,
                     tl_err *err) {
  draft d = { 0 };
  tl_json_set *set = NULL;
  layout l = { .draft = &d, .nodes_n = 1 };
  size_t nodes, bytes;
  int rc = draft_new(&d, paths, n, which, err);
  if (rc != TL_OK) goto out;
  count(&d, &nodes, &bytes);
  l.nodes = malloc(nodes * (sizeof *l.nodes + sizeof *l.depths) + bytes);
  if (l.nodes) {
    l.depths = (uint32_t *)(void *)(l.nodes + nodes);
    l.keys = (uint8_t *)(l.depths + nodes);
    l.nodes[0] = (tl_json_node){ .to = (uint32_t)d.n };
    l.depths[0] = 0;
    for (uint32_t i = 0; i < l.nodes_n; i++) lay_children(&l, &l.nodes[i], l.depths[i]);
    set = assemble(&l);
  }
  if (!set) rc = tl_fail(err, TL_ENOMEM, 0, "no memory");
out:
  free(l.nodes);
  free(d.block);
  tl_json_selectors_free(&d.selectors);
  if (rc == TL_OK) *out = set;
  return rc;
}

size_t tl_json_set_slots (const tl_json_set *set) { return set->slots; }

void tl_json_set_free (tl_json_set *set) { free(set); }

size_t tl_json_set_bytes (const tl_json_set *set) { return set->bytes; }
