/* The process's alarm clock: setitimer and alarm, which raise SIGALRM. Timers of processor time there are none. */
#include <asm-generic/errno.h>
#include <asm/signal.h>
#include <linux/time.h>
#include "kernel.h"

#define SECONDS_MAX (1UL << 33) /* who wants to be woken later is not woken */

static u64 due = NEVER; /* ns since boot */
static u64 interval;    /* ns; 0: once */

u64 alarm_due(void) { return due; }

void alarm_check(u64 time) {
    if (time < due)
        return;
    due = interval ? time + interval : NEVER;
    raise_signal(SIGALRM);
}

static void set(u64 ns, u64 again) {
    due = ns ? now() + ns : NEVER;
    interval = again;
}

static u64 left(void) {
    u64 time = now();
    return due == NEVER ? 0 : due > time ? due - time : 1;
}

/* A timeval of the program in ns; -EINVAL. */
static long take(const struct timeval *from, u64 *ns) {
    if (from->tv_sec < 0 || (u64)from->tv_usec >= 1000000)
        return -EINVAL;
    *ns = (u64)from->tv_sec > SECONDS_MAX ? NEVER / 2 : (u64)from->tv_sec * SECOND + (u64)from->tv_usec * 1000;
    return 0;
}

static struct timeval timeval_of(u64 ns) { return (struct timeval){(s64)(ns / SECOND), (s64)(ns % SECOND / 1000)}; }

long sys_getitimer(u64 which, u64 to) {
    if (which != ITIMER_REAL)
        return -EINVAL;
    if (!user_range(to, sizeof(struct itimerval), true))
        return -EFAULT;
    *(struct itimerval *)to = (struct itimerval){timeval_of(interval), timeval_of(left())};
    return 0;
}

long sys_setitimer(u64 which, u64 new, u64 old) {
    u64 ns = 0, again = 0;
    if (new && !user_range(new, sizeof(struct itimerval), false))
        return -EFAULT;
    const struct itimerval *given = (const struct itimerval *)new;
    if (given && (take(&given->it_value, &ns) || take(&given->it_interval, &again)))
        return -EINVAL;
    long error = which != ITIMER_REAL ? -EINVAL : old ? sys_getitimer(which, old) : 0;
    if (!error)
        set(ns, ns ? again : 0); /* taken before `old` was filled: it may be the same place */
    return error;
}

/* Answers in whole seconds, never 0 while one is set. */
long sys_alarm(u64 seconds) {
    u64 before = left();
    set((u64)(u32)seconds * SECOND, 0);
    return (long)((before + SECOND - 1) / SECOND);
}
