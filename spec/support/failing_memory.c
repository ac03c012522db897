/* spec/support/failing_memory.c — the allocator of `tagline_failing`, the program under test with
** memory that fails when a spec says so. The spec writes the numbers below into the file that
** TAGLINE_MEMORY names; they are seen at once. Requests of the core and of Lua, libuv and SQLite
** go through here; those of other libraries do not. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uv.h>

/* Little-endian 64-bit numbers in the file, in this order. */
typedef struct {
  _Atomic int64_t left;    /* requests until the first that fails; negative: none does */
  _Atomic int64_t forever; /* not 0: those behind it fail, too */
  _Atomic int64_t asked;   /* requests so far */
  _Atomic int64_t failed;  /* of which failed */
} numbers;

static numbers none = { .left = -1 };
static numbers *now = &none;

/* With TAGLINE_MEMORY_TRACE in the environment each failure says where it happens. */
void __sanitizer_print_stack_trace (void) __attribute__((weak));
static bool traced;

void *__real_malloc (size_t n);
void *__real_calloc (size_t n, size_t size);
void *__real_realloc (void *at, size_t n);

static bool fails (void) {
  atomic_fetch_add(&now->asked, 1);
  int64_t left = atomic_load(&now->left);
  if (left < 0) return false;
  /* The spec may write meanwhile: what it wrote must stay. */
  if (left > 0 || !atomic_load(&now->forever)) left = atomic_fetch_sub(&now->left, 1);
  if (left != 0) return false;
  atomic_fetch_add(&now->failed, 1);
  if (traced && __sanitizer_print_stack_trace) __sanitizer_print_stack_trace();
  errno = ENOMEM;
  return true;
}

void *__wrap_malloc (size_t n);
void *__wrap_malloc (size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc (size_t n, size_t size);
void *__wrap_calloc (size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc (void *at, size_t n);
void *__wrap_realloc (void *at, size_t n) { return fails() ? NULL : __real_realloc(at, n); }
char *__wrap_strdup (const char *text);
char *__wrap_strdup (const char *text) {
  size_t n = strlen(text) + 1;
  char *copy = __wrap_malloc(n);
  return copy ? memcpy(copy, text, n) : NULL;
}

static void *lite_malloc (int n) { return __wrap_malloc((size_t)n); }
static void *lite_realloc (void *at, int n) { return __wrap_realloc(at, (size_t)n); }
static int lite_size (void *at) { return (int)malloc_usable_size(at); }
static int lite_round (int n) { return (n + 7) & ~7; }
static int lite_init (void *ctx) { return (void)ctx, SQLITE_OK; }
static void lite_shutdown (void *ctx) { (void)ctx; }

__attribute__((constructor)) static void begin (void) {
  static const sqlite3_mem_methods lite = { lite_malloc, free,      lite_realloc,  lite_size,
                                            lite_round,  lite_init, lite_shutdown, NULL };
  const char *path = getenv("TAGLINE_MEMORY");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *at = mmap(NULL, sizeof *now, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at == MAP_FAILED) return;
  uv_replace_allocator(__wrap_malloc, __wrap_realloc, __wrap_calloc, free);
  sqlite3_config(SQLITE_CONFIG_MALLOC, &lite);
  traced = getenv("TAGLINE_MEMORY_TRACE");
  now = at;
}

/* The end of the process has its memory: gcov writes its counts then, and does not look. */
__attribute__((destructor)) static void end (void) { atomic_store(&now->left, -1); }
