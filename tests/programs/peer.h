/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A peer is a forked process that does what the main process tells it, one operation at a time.
 * It dies with the process that started it.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <sys/types.h>

#define PEER_ARGUMENTS 6

/* answers as harness.h says; reads only as many arguments as it documents */
typedef long operation(const long *argument);

struct peer;

/*
 * a plain fork: memory, mappings and descriptors as fork leaves them, the device descriptor among
 * them
 */
struct peer *peer_fork(void);
/* a fork with its own open file of the device */
struct peer *peer_start(void);

pid_t peer_pid(const struct peer *peer);
void peer_tell(struct peer *peer, operation *what, const long *argument);
long peer_answer(struct peer *peer);
/* whether peer_answer() would not wait: the peer has answered, or is gone */
bool peer_has_answered(const struct peer *peer);
long peer_ask(struct peer *peer, operation *what, const long *argument);
/* waits until the peer's end of the socket is gone, as after its exit or exec */
void peer_await_end(struct peer *peer);
/* sends the signal, waits for the end; zero as number asks for a plain exit */
void peer_end(struct peer *peer, int number);
void peer_stop_all(void);

#define ARGUMENTS(...) ((const long[PEER_ARGUMENTS]){ __VA_ARGS__ })
/*
 * on(peer, do_load, address): the peer does it, the answer comes back; an operation without
 * arguments takes 0
 */
#define on(peer, what, ...) peer_ask(peer, what, ARGUMENTS(__VA_ARGS__))
/* the same in the calling process */
#define here(what, ...) (what(ARGUMENTS(__VA_ARGS__)))

/* a descriptor to and from a peer, as SCM_RIGHTS */
void peer_send_descriptor(struct peer *peer, int descriptor);
/*
 * an operation for a peer: takes the descriptor that was or will be sent, answers with its number
 */
long do_receive_descriptor(const long *argument);

#endif
