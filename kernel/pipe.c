/* Pipes: a ring of one page, and the two ends that wait for each other. A socket pair is two of them. */
#include <asm-generic/errno.h>
#include <asm/signal.h>
#include "kernel.h"

struct pipe {
    u32 taken, arrived;
    u16 readers, writers;
    u8 data[PAGE - 12];
};

struct pipe *pipe_new(void) {
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
bool pipe_writable(const struct pipe *pipe) { return pipe->arrived - pipe->taken < sizeof pipe->data || !pipe->readers; }

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
