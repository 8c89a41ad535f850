/* Pipes: a ring of one page, and the two ends that wait for each other; and socket pairs, which are two of them. */
#include <asm-generic/errno.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include "file.h"

#define AF_UNIX     1
#define SOCK_STREAM 1
#define SOCK_TYPE   0xf

struct pipe {
    u32 taken, arrived;
    u16 readers, writers;
    u8 data[PAGE - 12];
};

static struct pipe *pipe_new(void) {
    struct pipe *pipe = (struct pipe *)pages_take(1, NEVER, false);
    if (pipe)
        pipe->readers = pipe->writers = 1;
    return pipe;
}

static void changed(struct pipe *pipe) {
    wake(pipe, ~0U, ~0U);
    wake(&poll_channel, ~0U, ~0U);
}

void pipe_close(struct pipe *pipe, bool writer) {
    if (writer)
        pipe->writers--;
    else
        pipe->readers--;
    changed(pipe);
    if (!pipe->readers && !pipe->writers)
        pages_give((u64)pipe, 1);
}

bool pipe_readable(const struct pipe *pipe) { return pipe->arrived != pipe->taken || !pipe->writers; }
bool pipe_writable(const struct pipe *pipe) {
    return pipe->arrived - pipe->taken < sizeof pipe->data || !pipe->readers;
}

long pipe_read(struct pipe *pipe, u8 *to, u64 size, bool wait) {
    if (!pipe_readable(pipe))
        return wait ? sleep_on(pipe, NEVER) : -EAGAIN;
    u64 count = 0;
    for (; count < size && pipe->arrived != pipe->taken; count++)
        to[count] = pipe->data[pipe->taken++ % sizeof pipe->data];
    changed(pipe);
    return (long)count;
}

/* Writes what there is room for: a caller that needs all of it writes again, as with a non-blocking pipe. */
long pipe_write(struct pipe *pipe, const u8 *from, u64 size, bool wait) {
    if (!pipe->readers) {
        raise_in(current, SIGPIPE);
        return -EPIPE;
    }
    if (!pipe_writable(pipe))
        return wait ? sleep_on(pipe, NEVER) : -EAGAIN;
    u64 count = 0;
    for (; count < size && pipe->arrived - pipe->taken < sizeof pipe->data; count++)
        pipe->data[pipe->arrived++ % sizeof pipe->data] = from[count];
    changed(pipe);
    return (long)count;
}

/* ---- the calls that make them ---- */

static long two_descriptors(struct file *a, struct file *b, u64 flags, u64 to) {
    long first = descriptor_for(a, 0, flags & O_CLOEXEC);
    long second = first < 0 ? first : descriptor_for(b, 0, flags & O_CLOEXEC);
    if (second < 0) {
        if (first >= 0)
            sys_close((u64)first);
        return second;
    }
    ((int *)to)[0] = (int)first;
    ((int *)to)[1] = (int)second;
    return 0;
}

/* Two files joined by one pipe (a to b), or by two when `both` ways. */
static long joined(u64 to, u64 flags, bool both) {
    if (!user_range(to, 2 * sizeof(int), true))
        return -EFAULT;
    struct pipe *forth = pipe_new(), *back = both ? pipe_new() : NULL;
    struct file *a = file_new(NULL, (u32)(flags & O_NONBLOCK));
    if (a)
        a->references++; /* or the next would be the same slot */
    struct file *b = file_new(NULL, (u32)(flags & O_NONBLOCK));
    if (a)
        a->references--;
    long error = !forth || (both && !back) ? -ENOMEM : !a || !b ? -ENFILE : 0;
    if (!error) {
        a->reads = forth;
        b->writes = forth;
        a->writes = back;
        b->reads = back;
        error = two_descriptors(a, b, flags, to);
    }
    if (error && forth)
        pages_give((u64)forth, 1);
    if (error && back)
        pages_give((u64)back, 1);
    return error;
}

long sys_pipe2(u64 to, u64 flags) { return joined(to, flags, false); }
long sys_pipe(u64 to) { return joined(to, 0, false); }

long sys_socketpair(u64 family, u64 type, u64 protocol, u64 to) {
    (void)protocol;
    if (family != AF_UNIX || (type & SOCK_TYPE) != SOCK_STREAM)
        return -EAFNOSUPPORT;
    return joined(to, type & (O_NONBLOCK | O_CLOEXEC), true); /* SOCK_NONBLOCK and SOCK_CLOEXEC are the same bits */
}
