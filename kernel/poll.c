/* Waiting for any of several files: poll and select. */
#include <asm-generic/errno.h>
#include <asm-generic/poll.h>
#include <linux/posix_types.h>
#include "file.h"

#define POLL_MAX FILES

const char poll_channel = 0;

static u32 readiness(const struct file *file) {
    if (!file)
        return POLLNVAL;
    if (file->node)
        return POLLOUT | (file->node->kind != CONSOLE || console_ready() ? POLLIN : 0);
    return (file->reads && pipe_readable(file->reads) ? POLLIN : 0) |
           (file->writes && pipe_writable(file->writes) ? POLLOUT : 0);
}

long sys_poll(u64 set, u64 count, u64 timeout) {
    struct pollfd *polled = (struct pollfd *)set;
    if (count > POLL_MAX)
        return -EINVAL;
    if (!user_range(set, count * sizeof *polled, true))
        return -EFAULT;
    long ready = 0;
    for (u64 i = 0; i < count; i++) {
        u32 interesting = (u32)polled[i].events | POLLNVAL | POLLHUP | POLLERR;
        u32 found = polled[i].fd < 0 ? 0 : readiness(file_of((u64)polled[i].fd)) & interesting;
        polled[i].revents = (short)found;
        ready += found != 0;
    }
    if (ready || current->expired || timeout == 0)
        return ready;
    u64 deadline = (int)timeout < 0 ? NEVER : now() + timeout * MILLISECOND;
    return sleep_on(&poll_channel, call_deadline(deadline));
}

/* ---- select ---- */

#define WORDS (FILES / 64)

struct set { /* what a program's fd_set says of the descriptors there may be */
    u64 words[WORDS];
};

/* Take a set of `count` descriptors, an absent one as empty. */
static long take_set(u64 address, u64 count, struct set *to) {
    *to = (struct set){0};
    u64 size = (count + 63) / 64 * 8;
    if (!address)
        return 0;
    if (!user_range(address, size, true))
        return -EFAULT;
    memcpy(to, (const void *)address, MIN(size, sizeof *to));
    for (u64 fd = count; fd < FILES; fd++)
        to->words[fd / 64] &= ~(1UL << fd % 64);
    return 0;
}

/* Keep in `set` what is ready; how many, or -EBADF. */
static long keep_ready(struct set *set, u32 interesting) {
    long ready = 0;
    for (u64 fd = 0; fd < FILES; fd++) {
        u64 *word = &set->words[fd / 64], bit = 1UL << fd % 64;
        if (!(*word & bit))
            continue;
        u32 found = readiness(file_of(fd));
        if (found & POLLNVAL)
            return -EBADF;
        *word &= found & interesting ? ~0UL : ~bit;
        ready += (*word & bit) != 0;
    }
    return ready;
}

static void give_set(const struct set *from, u64 address, u64 count) {
    if (address) {
        memset((void *)address, 0, (count + 63) / 64 * 8);
        memcpy((void *)address, from, MIN((count + 63) / 64 * 8, sizeof *from));
    }
}

/* Nothing here is ever exceptional. */
long sys_pselect6(u64 count, u64 reads, u64 writes, u64 excepts, u64 timeout) {
    struct set read, write, except;
    u64 ns = 0;
    if ((int)count < 0 || count > __FD_SETSIZE)
        return -EINVAL;
    long error = take_set(reads, count, &read);
    error = error ? error : take_set(writes, count, &write);
    error = error ? error : take_set(excepts, count, &except);
    error = error || !timeout ? error : take_time_span(timeout, &ns);
    if (error)
        return error;
    long readable = keep_ready(&read, POLLIN), writable = keep_ready(&write, POLLOUT);
    if (readable < 0 || writable < 0 || keep_ready(&except, 0) < 0)
        return -EBADF;
    if (!readable && !writable && !current->expired && !(timeout && ns == 0))
        return sleep_on(&poll_channel, call_deadline(timeout ? add_time(now(), ns) : NEVER));
    give_set(&read, reads, count);
    give_set(&write, writes, count);
    give_set(&except, excepts, count);
    return readable + writable;
}
