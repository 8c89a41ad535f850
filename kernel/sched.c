/* Threads: who runs, who sleeps on what and until when, who is woken first. */
#include <asm-generic/errno.h>
#include "kernel.h"
#include "snapshot.h"
#include "x86.h"

#define SLICE (5 * MILLISECOND)
#define GRACE (MILLISECOND / 5) /* what is left of its slice to a thread that has woken another */

static struct thread first = {.id = 0}; /* for `current` before there is a thread; never runs */
static struct thread *threads;          /* all that ever were, newest first: who has ended makes room for who begins */
static struct thread *ready_first, *ready_last;
static bool running; /* `current` is not merely the last one that ran */
static bool fresh;   /* somebody has woken up since the program last ran */
static u64 slice_end, tickets, switches, xcr0;
static u64 started; /* ns: when `current` last began to run */
static u64 idled;   /* ns: in all */
static int last_id;
struct thread *current = &first;

void sched_init(u64 mask) { xcr0 = mask; }
u64 extended_mask(void) { return xcr0; }

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
    fresh = true;
    if (running)
        slice_end = MIN(slice_end, now() + GRACE);
}

/* An ended thread's place, or a page. `current`, even when ended, is still in use: the FPU's registers will be saved
 * there. */
static struct thread *find_place(void) {
    for (struct thread *thread = threads; thread; thread = thread->older)
        if (thread->state == UNUSED && thread != current)
            return thread;
    struct thread *thread = last_id < THREADS_MAX ? (struct thread *)pages_take(1, NEVER, false) : NULL;
    if (thread) {
        thread->older = threads;
        threads = thread;
    }
    return thread;
}

struct thread *thread_new(void) {
    struct thread *thread = find_place();
    if (!thread)
        return NULL;
    struct thread *older = thread->older;
    memset(thread, 0, sizeof *thread);
    thread->older = older;
    *(u16 *)thread->extended = 0x37f;         /* a fresh x87's control word: all exceptions masked */
    *(u32 *)(thread->extended + 24) = 0x1f80; /* the same for SSE's MXCSR */
    thread->id = ++last_id;
    thread->bitset = ~0U;
    make_ready(thread);
    return thread;
}

struct thread *thread_find(int id) {
    for (struct thread *thread = threads; thread; thread = thread->older)
        if (thread->id == id && (thread->state != UNUSED))
            return thread;
    return NULL;
}

struct thread *thread_main(void) {
    return thread_find(1);
}

unsigned thread_count(void) {
    unsigned count = 0;
    for (struct thread *thread = threads; thread; thread = thread->older)
        count += thread->state != UNUSED;
    return count;
}

u64 sched_switches(void) { return switches; }

/* ---- sleeping and waking ---- */

/* `current` runs no longer. */
static void stop(void) {
    running = false;
    current->ran += now() - started;
}

long sleep_on(const void *channel, u64 deadline) {
    current->state = WAITING;
    current->channel = channel;
    current->deadline = deadline;
    current->repeat = true;
    current->woken = current->expired = false;
    current->ticket = ++tickets;
    stop();
    return 0;
}

u64 call_deadline(u64 deadline) { return current->woken || current->expired ? current->deadline : deadline; }

static struct thread *first_sleeper(const void *channel, u32 bitset) {
    struct thread *first_in = NULL;
    for (struct thread *thread = threads; thread; thread = thread->older)
        if (thread->state == WAITING && thread->channel == channel && (thread->bitset & bitset) &&
            (!first_in || thread->ticket < first_in->ticket))
            first_in = thread;
    return first_in;
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

static struct thread *first_expired(u64 time) {
    struct thread *first_due = NULL;
    for (struct thread *thread = threads; thread; thread = thread->older)
        if (thread->state == WAITING && thread->deadline <= time &&
            (!first_due || thread->deadline < first_due->deadline))
            first_due = thread;
    return first_due;
}

/* In the order of their deadlines: in any other order three threads that time out together can starve one of them. */
static void wake_expired(void) {
    u64 time = now();
    alarm_check(time);
    for (struct thread *thread; (thread = first_expired(time));) {
        thread->expired = true;
        make_ready(thread);
    }
}

/* ---- choosing ---- */

static void arm_timer(void) {
    u64 deadline = ready_first && running ? slice_end : NEVER;
    for (struct thread *thread = threads; thread; thread = thread->older)
        if (thread->state == WAITING && thread->deadline < deadline)
            deadline = thread->deadline;
    set_timer(MIN(deadline, alarm_due()));
}

/* Interrupts are taken with `sti; hlt`: none can fall between the two, so none is slept through. */
static void idle(void) {
    u64 began = now();
    arm_timer();
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    idled += now() - began;
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
    started = now();
    slice_end = started + SLICE;
}

u64 thread_time(const struct thread *thread) { return thread->ran + (thread == current ? now() - started : 0); }
u64 process_time(void) { return now() - idled; }

/*
 * At the end of an interrupt: who was woken by it goes before the thread that it interrupted, which goes last. Were it
 * to wait for the end of the slice, Python's waits for its global lock, 5 ms each, would keep missing their moment and
 * one thread could starve.
 */
void preempt(void) {
    wake_expired();
    if (running && ready_first && (fresh || now() >= slice_end)) {
        stop();
        make_ready(current);
    }
}

void thread_exit(void) {
    current->state = UNUSED;
    stop();
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
        fresh = false;
        resume(&current->frame);
    }
}
