/* What Linux's thread calls do here: clone, exit, futex, sleep, and the identity of the one process. */
#include <asm-generic/errno.h>
#include <asm/prctl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include "kernel.h"
#include "x86.h"

#define THREAD_FLAGS (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)

long sys_clone(u64 flags, u64 stack, u64 parent_id, u64 child_id, u64 tls) {
    if ((flags & THREAD_FLAGS) != THREAD_FLAGS)
        return -ENOSYS; /* another process: there is only one here */
    if ((flags & CLONE_PARENT_SETTID && !user_range(parent_id, 4, true)) ||
        (flags & CLONE_CHILD_SETTID && !user_range(child_id, 4, true)) || tls >= 1UL << 47)
        return -EFAULT;
    struct thread *child = thread_new();
    if (!child)
        return -EAGAIN;
    extended_save(child->extended);
    child->frame = current->frame;
    child->frame.rax = 0;
    child->frame.rsp = stack;
    child->fs = flags & CLONE_SETTLS ? tls : current->fs;
    child->blocked = current->blocked;
    if (flags & CLONE_PARENT_SETTID)
        *(int *)parent_id = child->id;
    if (flags & CLONE_CHILD_SETTID)
        *(int *)child_id = child->id;
    if (flags & CLONE_CHILD_CLEARTID)
        child->clear_id = (u32 *)child_id;
    return child->id;
}

long sys_exit(u64 status) {
    if (current == thread_main() && current->clear_id == NULL)
        exit_program((int)status & 0xff);
    if (current->clear_id && user_range((u64)current->clear_id, 4, true)) {
        *current->clear_id = 0;
        wake(current->clear_id, 1, ~0U);
    }
    thread_exit();
    return 0;
}

long sys_exit_group(u64 status) { exit_program((int)status & 0xff); }

_Noreturn void exit_program(int status) { power_off(status); }

long sys_set_tid_address(u64 address) {
    if (current != thread_main())
        current->clear_id = (u32 *)address;
    return current->id;
}

long sys_arch_prctl(u64 what, u64 address) {
    if (what != ARCH_SET_FS)
        return -EINVAL;
    if (address >= 1UL << 47)
        return -EPERM;
    current->fs = address;
    wrmsr(MSR_FS_BASE, address);
    return 0;
}

/* ---- time ---- */

#define FOREVER (1UL << 33) /* seconds: who waits for longer waits for ever */

long take_time_span(u64 address, u64 *ns) {
    if (!user_range(address, sizeof(struct __kernel_timespec), false))
        return -EFAULT;
    const struct __kernel_timespec *time = (const struct __kernel_timespec *)address;
    if (time->tv_sec < 0 || (u64)time->tv_nsec >= SECOND)
        return -EINVAL;
    *ns = (u64)time->tv_sec > FOREVER ? NEVER / 2 : (u64)time->tv_sec * SECOND + (u64)time->tv_nsec;
    return 0;
}

u64 add_time(u64 a, u64 b) { return a + b < a ? NEVER : a + b; }

static bool is_wall(u64 clock) { return clock == CLOCK_REALTIME || clock == 5 /* CLOCK_REALTIME_COARSE */; }

/* Whose processor time a clock below 0 tells: its upper bits are the id, inverted; bit 2 says that it is a thread's. */
static const struct thread *thread_of_clock(u64 clock) {
    int id = (int)~(s64)clock >> 3;
    return (int)clock < 0 && clock & 4 ? (id ? thread_find(id) : current) : NULL;
}

long sys_clock_gettime(u64 clock, u64 to) {
    const struct thread *thread = clock == CLOCK_THREAD_CPUTIME_ID ? current : thread_of_clock(clock);
    if (!thread && clock > CLOCK_TAI)
        return -EINVAL;
    if (!user_range(to, sizeof(struct __kernel_timespec), true))
        return -EFAULT;
    u64 time = thread                              ? thread_time(thread)
               : clock == CLOCK_PROCESS_CPUTIME_ID ? process_time()
                                                   : now() + (is_wall(clock) ? wall_offset() : 0);
    *(struct __kernel_timespec *)to = (struct __kernel_timespec){(s64)(time / SECOND), (s64)(time % SECOND)};
    return 0;
}

long sys_clock_getres(u64 clock, u64 to) {
    if (clock > CLOCK_TAI && !thread_of_clock(clock))
        return -EINVAL;
    if (to && !user_range(to, sizeof(struct __kernel_timespec), true))
        return -EFAULT;
    if (to)
        *(struct __kernel_timespec *)to = (struct __kernel_timespec){0, 1};
    return 0;
}

long sys_gettimeofday(u64 to) {
    if (!user_range(to, 16, true))
        return -EFAULT;
    u64 time = now() + wall_offset();
    ((u64 *)to)[0] = time / SECOND;
    ((u64 *)to)[1] = time % SECOND / 1000;
    return 0;
}

long sys_time(u64 to) {
    if (to && !user_range(to, sizeof(u64), true))
        return -EFAULT;
    u64 seconds = (now() + wall_offset()) / SECOND;
    if (to)
        *(u64 *)to = seconds;
    return (long)seconds;
}

long sys_clock_nanosleep(u64 clock, u64 flags, u64 request) {
    u64 ns;
    long error = take_time_span(request, &ns);
    if (error)
        return error;
    if (current->expired)
        return 0;
    u64 deadline =
        flags & 1 /* TIMER_ABSTIME */ ? ns - MIN(ns, is_wall(clock) ? wall_offset() : 0) : add_time(now(), ns);
    return sleep_on(&current->channel, deadline);
}

long sys_nanosleep(u64 request) { return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, request); }

long sys_pause(void) { return sleep_on(&current->channel, NEVER); } /* until a signal's EINTR */

/* ---- futex ---- */

static long futex_wait(u64 address, u64 operation, u32 value, u64 timeout, u32 bitset) {
    if (current->woken)
        return 0;
    if (current->expired)
        return -ETIMEDOUT;
    if (*(volatile u32 *)address != value)
        return -EAGAIN;
    u64 deadline = NEVER, ns;
    if (timeout) {
        long error = take_time_span(timeout, &ns);
        if (error)
            return error;
        bool relative = (operation & FUTEX_CMD_MASK) == FUTEX_WAIT;
        deadline = relative ? add_time(now(), ns) : ns - MIN(ns, operation & FUTEX_CLOCK_REALTIME ? wall_offset() : 0);
    }
    current->bitset = bitset;
    return sleep_on((const void *)address, deadline);
}

long sys_futex(u64 address, u64 operation, u64 value, u64 timeout, u64 address2, u64 value3) {
    if (address % 4 || !user_range(address, 4, false))
        return address % 4 ? -EINVAL : -EFAULT;
    const void *channel = (const void *)address;
    switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        return futex_wait(address, operation, (u32)value, timeout, ~0U);
    case FUTEX_WAIT_BITSET:
        return value3 ? futex_wait(address, operation, (u32)value, timeout, (u32)value3) : -EINVAL;
    case FUTEX_WAKE:
        return wake(channel, (unsigned)value, ~0U);
    case FUTEX_WAKE_BITSET:
        return wake(channel, (unsigned)value, (u32)value3);
    case FUTEX_CMP_REQUEUE:
        if (*(volatile u32 *)address != (u32)value3)
            return -EAGAIN;
        /* fall through */
    case FUTEX_REQUEUE: {
        unsigned woken = wake(channel, (unsigned)value, ~0U);
        return woken + requeue(channel, (const void *)address2, (unsigned)timeout);
    }
    default:
        return -ENOSYS;
    }
}
