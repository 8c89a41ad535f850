/* Threads: who runs, who sleeps on what and until when, who is woken first. */
#include <asm-generic/errno.h>
#include "kernel.h"
#include "x86.h"

#define SLICE (5 * MILLISECOND)

static struct thread threads[THREADS];
static struct thread *ready_first, *ready_last;
static bool running; /* `current` is not merely the last one that ran */
static u64 slice_end, tickets, switches, xcr0;
static int last_id;
struct thread *current = threads;

void sched_init(u64 extended_mask) { xcr0 = extended_mask; }

void extended_save(void *area) {
    if (xcr0)
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void extended_restore(const void *area) {
    if (xcr0)
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

static void make_ready(struct thread *thread) {
    thread->state = READY;
    thread->next = NULL;
    if (ready_first)
        ready_last->next = thread;
    else
        ready_first = thread;
    ready_last = thread;
}

struct thread *thread_new(void) {
    for (struct thread *thread = threads; thread < threads + THREADS; thread++) {
        if (thread->state != UNUSED || (running && thread == current))
            continue;
        memset(thread, 0, sizeof *thread);
        *(u16 *)thread->extended = 0x37f;         /* a fresh x87's control word: all exceptions masked */
        *(u32 *)(thread->extended + 24) = 0x1f80; /* the same for SSE's MXCSR */
        thread->id = ++last_id;
        thread->bitset = ~0U;
        make_ready(thread);
        return thread;
    }
    return NULL;
}

struct thread *thread_find(int id) {
    for (struct thread *thread = threads; thread < threads + THREADS; thread++)
        if (thread->id == id && (thread->state != UNUSED))
            return thread;
    return NULL;
}

struct thread *thread_main(void) {
    return thread_find(1);
}
u64 sched_switches(void) { return switches; }

/* ---- sleeping and waking ---- */

long sleep_on(const void *channel, u64 deadline) {
    current->state = WAITING;
    current->channel = channel;
    current->deadline = deadline;
    current->repeat = true;
    current->woken = current->expired = false;
    current->ticket = ++tickets;
    running = false;
    return 0;
}

u64 call_deadline(u64 deadline) { return current->woken || current->expired ? current->deadline : deadline; }

static struct thread *first_sleeper(const void *channel, u32 bitset) {
    struct thread *first = NULL;
    for (struct thread *thread = threads; thread < threads + THREADS; thread++)
        if (thread->state == WAITING && thread->channel == channel && (thread->bitset & bitset) &&
            (!first || thread->ticket < first->ticket))
            first = thread;
    return first;
}

unsigned wake(const void *channel, unsigned count, u32 bitset) {
    unsigned woken = 0;
    for (struct thread *thread; woken < count && (thread = first_sleeper(channel, bitset)); woken++) {
        thread->woken = true;
        make_ready(thread);
    }
    return woken;
}

unsigned requeue(const void *from, const void *to, unsigned count) {
    unsigned moved = 0;
    for (struct thread *thread; moved < count && (thread = first_sleeper(from, ~0U)); moved++)
        thread->channel = to;
    return moved;
}

void interrupt_sleep(struct thread *thread) {
    if (thread->state != WAITING)
        return;
    thread->repeat = false;
    thread->frame.rax = (u64)-EINTR;
    make_ready(thread);
}

static void wake_expired(void) {
    u64 time = now();
    for (struct thread *thread = threads; thread < threads + THREADS; thread++)
        if (thread->state == WAITING && thread->deadline <= time) {
            thread->expired = true;
            make_ready(thread);
        }
}

/* ---- choosing ---- */

static void arm_timer(void) {
    u64 deadline = ready_first && running ? slice_end : NEVER;
    for (struct thread *thread = threads; thread < threads + THREADS; thread++)
        if (thread->state == WAITING && thread->deadline < deadline)
            deadline = thread->deadline;
    set_timer(deadline);
}

/* Interrupts are taken with `sti; hlt`: none can fall between the two, so none is slept through. */
static void idle(void) {
    arm_timer();
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

static void switch_to(struct thread *thread) {
    if (thread != current) {
        extended_save(current->extended);
        extended_restore(thread->extended);
        wrmsr(MSR_FS_BASE, thread->fs);
        current = thread;
        switches++;
    }
    cpu_stack(thread);
    running = true;
    slice_end = now() + SLICE;
}

/* The timer has fired: wake whom it is for, and let the next thread run if this one's time is over. */
void preempt(void) {
    timer_fired();
    wake_expired();
    if (running && ready_first && now() >= slice_end) {
        running = false;
        make_ready(current);
    }
}

void thread_exit(void) {
    current->state = UNUSED;
    running = false;
}

_Noreturn void run(void) {
    for (;;) {
        while (!running) {
            struct thread *next = ready_first;
            if (!next) {
                idle();
                continue;
            }
            ready_first = next->next;
            switch_to(next);
        }
        if (current->repeat) {
            current->repeat = false;
            system_call();
            continue;
        }
        deliver_signals();
        if (!running)
            continue;
        arm_timer();
        resume(&current->frame);
    }
}
