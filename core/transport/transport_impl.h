/* core/transport/transport_impl.h — private to transport/: the stack and what its files
** share. */
#ifndef TL_TRANSPORT_TRANSPORT_IMPL_H
#define TL_TRANSPORT_TRANSPORT_IMPL_H

#include "net/tcp.h"
#include "net/thread.h"
#include "proxy/proxy.h"
#include "transport/transport.h"
#include "ws/frames.h"
#include "ws/upgrade.h"

enum {
  STACK_RAW = 64 * 1024,     /* one read(2), and what lies between TLS and a WebSocket */
  STACK_BURST = 32,          /* calls of data() in a wake-up */
  STACK_UNREAD = 256 * 1024, /* of ours that the peer does not take: then it is not read either */
  STACK_ALERT_MS = 250,      /* for an alert or a close frame to leave */
  STACK_TEXT = 512
};

typedef struct stack stack;

/* Somebody who waits for a context, see contexts.c. */
typedef struct context_wait {
  struct context_wait *next;
  struct context_entry *entry; /* NULL: not waiting */
  stack *stack;
} context_wait;

typedef enum {
  STACK_CONTEXT,    /* files are read */
  STACK_CONNECTING, /* TCP */
  STACK_PROXY,
  STACK_TLS,
  STACK_UPGRADE,
  STACK_OPEN,
  STACK_ENDING /* `closed` is to come */
} stack_state;

/* Where it goes: the owner's wish. */
typedef struct {
  tl_transport_target target; /* its texts are in `texts` */
  tl_slice *headers;
  char *texts;
} stack_goal;

/* Bytes on their way to the owner: input.c. */
typedef struct {
  tl_buf head;   /* of an answer that is not whole: the proxy's, the upgrade's */
  tl_slice raw;  /* the bytes of this wake-up that no layer has taken */
  bool reading;  /* what the owner wants */
  bool pumping;  /* inside pump() */
  bool got_data; /* something was given to the owner */
} stack_input_state;

/* How it ended: stack.c. */
typedef struct {
  stack_state was; /* the state before */
  tl_timer *timer; /* tells `closed` when there is no TCP connection that would */
  bool telling;    /* the end of TCP, behind which `closed` comes */
  int code;
  char text[STACK_TEXT];
} stack_end;

/* Its place in the queue of handshakes: shake.c. */
typedef struct {
  stack *next, *prev; /* while `queued` */
  bool queued;
} stack_turn;

/* What there is to say of it. */
typedef struct {
  char name[280];    /* "broker:8883" */
  char peer[280];    /* of `connected` */
  char *warning;     /* owned */
  bool refused_late; /* by TLS, when its handshake was over for us */
  bool without_subprotocol;
} stack_about;

struct stack {
  tl_transport transport;
  tl_transports *all;
  const tl_transport_events *events;
  void *ctx;
  stack_state state;
  stack_goal goal;
  context_wait wait;
  /* the layers, from below; NULL: not there (yet) */
  tl_tcp *tcp;
  tl_proxy proxy;
  tl_tls_context *context;
  tl_tls *tls;
  tl_ws *ws;
  char key[TL_WS_KEY];
  stack_input_state in;
  stack_end end;
  stack_turn turn;
  stack_about about;
};

struct tl_transports {
  tl_loop *loop;
  struct context_entry *contexts;
  uint64_t asked;                  /* for contexts, so far */
  stack *first_shake, *last_shake; /* handshakes that have something to do */
  stack *dead;                     /* by turn.next */
  uint8_t random[256];             /* the last random_left bytes in front are unused */
  size_t random_left;
  uint8_t raw[STACK_RAW], plain[STACK_RAW]; /* for the time of one call */
};

/* stack.c */
void stack_finish (stack *s, int code, int linger_ms);     /* s->end.text says why */
void stack_fail (stack *s, int code, const char *fmt, ...) /* "NAME: …" */
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;
void stack_free (stack *s);
extern const tl_transport_events stack_tcp_events;

/* stack_up.c */
int stack_make_tcp (stack *s); /* begin TCP; a negative code */
void stack_has_context (stack *s, tl_tls_context *c, const char *error, const char *warning);
void stack_begin (stack *s); /* the context is there: TCP */
void stack_next (stack *s);  /* what stands above is begun; the last one: it is open */

/* input.c */
void stack_input (stack *s, const uint8_t *at, size_t n);
void stack_pump (stack *s);
bool stack_has_more (const stack *s);
void stack_flush (stack *s); /* what TLS and the WebSocket want to say */
void stack_forget_pump (stack *s);
void stack_read (stack *s, bool on);

/* shake.c */
void stack_shake (stack *s); /* begin, or go on with the handshake, when it is its turn */
void stack_forget_shake (stack *s);
void stack_shake_now (stack *s);
void stack_bury (stack *s); /* free it, at the latest with tl_transports */
void stack_forget_turn (tl_transports *all);

/* contexts.c */
int contexts_ask (tl_transports *all, const tl_secure *secure, context_wait *w); /* TL_ENOMEM */
void contexts_forget (context_wait *w);
void contexts_free (tl_transports *all);

/* keylog.c */
void stack_log_keys (stack *s);

extern const tl_transport_kind stack_kind;

#endif
