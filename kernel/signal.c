/*
 * Signals, as Linux delivers them: a frame on the program's stack that rt_sigreturn takes back. They come from faults,
 * from the console's Ctrl-C, the power button, and from the program's own kill and tgkill. Sleeping calls are
 * interrupted with EINTR.
 */
#include <asm-generic/errno.h>
#include <asm/signal.h>
#include <asm/sigcontext.h>
#include <asm-generic/siginfo.h>
#include <asm-generic/ucontext.h>
#include "kernel.h"
#include "calls.h"
#include "snapshot.h"

#define SS_DISABLE  2 /* the kernel headers for programs lack it */
#define BIT(signal) (1UL << ((signal)-1))
#define UNBLOCKABLE (BIT(SIGKILL) | BIT(SIGSTOP))
#define IGNORED     (BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGURG) | BIT(SIGWINCH))
#define RED_ZONE    128
#define FLAGS_USER  0xcd5UL /* what a program may change of its flags: carry … overflow, direction */
#define FLAGS_SET   0x202UL

struct signal_frame {
    u64 restorer;
    struct ucontext context;
    struct siginfo info;
    u8 extended[EXTENDED_MAX + 64]; /* the state begins at the first multiple of 64 in it */
};

static struct action actions[SIGNALS + 1];
static u64 process_pending;

bool signal_handled(int signal) {
    return actions[signal].handler != (u64)SIG_DFL && actions[signal].handler != (u64)SIG_IGN;
}

void signals_save(struct action *to) { memcpy(to, actions, sizeof actions); }
void signals_restore(const struct action *from) { memcpy(actions, from, sizeof actions); }

static bool discarded(int signal) {
    u64 handler = actions[signal].handler;
    return handler == (u64)SIG_IGN || (handler == (u64)SIG_DFL && IGNORED & BIT(signal));
}

void raise_in(struct thread *thread, int signal) {
    if (discarded(signal))
        return;
    thread->pending |= BIT(signal);
    if (!(thread->blocked & BIT(signal)))
        interrupt_sleep(thread);
}

/*
 * Python runs its handlers in the main thread: a signal for the process goes there, so that its sleep ends. A signal
 * just before a sleep would still be slept over; the event makes this impossible for a program that sleeps in
 * CALL_WAIT.
 */
void raise_signal(int signal) {
    struct thread *main = thread_main();
    if (main && !(main->blocked & BIT(signal)))
        raise_in(main, signal);
    else if (!discarded(signal))
        process_pending |= BIT(signal);
    raise_event(EVENT_WAKE);
}

/* ---- delivery ---- */

static void fill_registers(struct sigcontext *to, const struct frame *f) {
    *to = (struct sigcontext){.r8 = f->r8,
                              .r9 = f->r9,
                              .r10 = f->r10,
                              .r11 = f->r11,
                              .r12 = f->r12,
                              .r13 = f->r13,
                              .r14 = f->r14,
                              .r15 = f->r15,
                              .rdi = f->rdi,
                              .rsi = f->rsi,
                              .rbp = f->rbp,
                              .rbx = f->rbx,
                              .rdx = f->rdx,
                              .rax = f->rax,
                              .rcx = f->rcx,
                              .rsp = f->rsp,
                              .rip = f->rip,
                              .eflags = f->rflags,
                              .cs = USER_CODE,
                              .ss = USER_DATA,
                              .err = f->error,
                              .trapno = f->vector};
}

static bool on_alternate_stack(u64 rsp) { return rsp > current->stack && rsp <= current->stack + current->stack_size; }

/* Build the frame and point the thread at the handler. False when there is no stack to build it on. */
static bool push_frame(int signal, int code, u64 address) {
    const struct action *action = &actions[signal];
    struct frame *f = &current->frame;
    u64 top = f->rsp - RED_ZONE;
    if (action->flags & SA_ONSTACK && current->stack_size && !on_alternate_stack(f->rsp))
        top = current->stack + current->stack_size;
    u64 place = ((top - sizeof(struct signal_frame)) & ~15UL) - 8; /* as a call leaves it: 8 below a multiple of 16 */
    struct signal_frame *to = (struct signal_frame *)place;
    if (!user_range(place, sizeof *to, true))
        return false;
    memset(to, 0, offsetof(struct signal_frame, extended));
    u8 *extended = (u8 *)(((u64)to->extended + 63) & ~63UL);
    extended_save(current->extended);
    memcpy(extended, current->extended, EXTENDED_MAX);
    to->restorer = action->restorer;
    fill_registers(&to->context.uc_mcontext, f);
    to->context.uc_mcontext.fpstate = (void *)extended;
    to->context.uc_sigmask = current->blocked;
    to->context.uc_stack = (stack_t){(void *)current->stack, 0, current->stack_size};
    to->context.uc_mcontext.cr2 = address;
    to->info.si_signo = signal;
    to->info.si_code = code;
    to->info.si_addr = (void *)address;
    f->rsp = place;
    f->rip = action->handler;
    f->rdi = (u64)signal;
    f->rsi = (u64)&to->info;
    f->rdx = (u64)&to->context;
    f->rax = 0;
    f->rflags &= ~0x400UL;
    current->blocked |= action->mask | (action->flags & SA_NODEFER ? 0 : BIT(signal));
    current->blocked &= ~UNBLOCKABLE;
    if (action->flags & SA_RESETHAND)
        actions[signal].handler = (u64)SIG_DFL;
    return true;
}

/* A fault cannot wait: with no handler, a blocked one, or no stack for it, the program ends. */
void force_signal(int signal, int code, u64 address) {
    if (!signal_handled(signal) || current->blocked & BIT(signal) || !push_frame(signal, code, address))
        exit_killed(signal, &current->frame, address);
}

void deliver_signals(void) {
    u64 deliverable;
    while ((deliverable = (current->pending | process_pending) & ~current->blocked)) {
        int signal = __builtin_ctzl(deliverable) + 1;
        current->pending &= ~BIT(signal);
        process_pending &= ~BIT(signal);
        if (discarded(signal))
            continue;
        current->frame.vector = VECTOR_CALL;
        force_signal(signal, SI_USER, 0);
    }
}

/* ---- the program's calls ---- */

/* Take back a saved FPU state; what XRSTOR would fault on is made harmless first. */
static void restore_extended(u64 from) {
    if (!from || from % 64 || !user_range(from, EXTENDED_MAX, false))
        return;
    static u8 state[EXTENDED_MAX] __attribute__((aligned(64)));
    memcpy(state, (const void *)from, EXTENDED_MAX);
    *(u32 *)(state + 24) &= 0xffff; /* MXCSR */
    *(u64 *)(state + 512) &= 7;     /* XSTATE_BV: x87, SSE, AVX */
    memset(state + 520, 0, 56);     /* XCOMP_BV and what is reserved */
    extended_restore(state);
}

long sys_rt_sigreturn(void) {
    u64 place = current->frame.rsp - 8;
    const struct signal_frame *from = (const struct signal_frame *)place;
    if (!user_range(place, sizeof *from, false) || from->context.uc_mcontext.rip >= 1UL << 47)
        exit_killed(SIGSEGV, &current->frame, place);
    const struct sigcontext *c = &from->context.uc_mcontext;
    restore_extended((u64)c->fpstate);
    current->blocked = from->context.uc_sigmask & ~UNBLOCKABLE;
    current->frame = (struct frame){.r8 = c->r8,
                                    .r9 = c->r9,
                                    .r10 = c->r10,
                                    .r11 = c->r11,
                                    .r12 = c->r12,
                                    .r13 = c->r13,
                                    .r14 = c->r14,
                                    .r15 = c->r15,
                                    .rdi = c->rdi,
                                    .rsi = c->rsi,
                                    .rbp = c->rbp,
                                    .rbx = c->rbx,
                                    .rdx = c->rdx,
                                    .rax = c->rax,
                                    .rcx = c->rcx,
                                    .rsp = c->rsp,
                                    .rip = c->rip,
                                    .cs = USER_CODE,
                                    .ss = USER_DATA,
                                    .vector = VECTOR_CALL,
                                    .rflags = (c->eflags & FLAGS_USER) | FLAGS_SET};
    return (long)c->rax;
}

long sys_rt_sigaction(u64 signal, u64 new, u64 old, u64 size) {
    if (signal < 1 || signal > SIGNALS || size != sizeof(u64) || (new &&UNBLOCKABLE &BIT(signal)))
        return -EINVAL;
    if ((new && !user_range(new, sizeof(struct action), false)) ||
        (old && !user_range(old, sizeof(struct action), true)))
        return -EFAULT;
    if (new && ((const struct action *)new)->handler >= 1UL << 47)
        return -EFAULT; /* going there would be the kernel's fault, not the program's */
    struct action before = actions[signal];
    if (new)
        actions[signal] = *(const struct action *)new;
    if (old)
        *(struct action *)old = before;
    return 0;
}

long sys_rt_sigprocmask(u64 how, u64 new, u64 old, u64 size) {
    if (size != sizeof(u64) || (new &&how > SIG_SETMASK))
        return -EINVAL;
    if ((new && !user_range(new, sizeof(u64), false)) || (old && !user_range(old, sizeof(u64), true)))
        return -EFAULT;
    u64 mask = new ? *(const u64 *)new : 0, before = current->blocked;
    if (new)
        current->blocked = how == SIG_BLOCK ? before | mask : how == SIG_UNBLOCK ? before & ~mask : mask;
    current->blocked &= ~UNBLOCKABLE;
    if (old)
        *(u64 *)old = before;
    return 0;
}

long sys_rt_sigpending(u64 to) {
    if (!user_range(to, sizeof(u64), true))
        return -EFAULT;
    *(u64 *)to = current->pending | process_pending;
    return 0;
}

long sys_sigaltstack(u64 new, u64 old) {
    if ((new && !user_range(new, sizeof(stack_t), false)) || (old && !user_range(old, sizeof(stack_t), true)))
        return -EFAULT;
    stack_t before = {(void *)current->stack, current->stack_size ? 0 : SS_DISABLE, current->stack_size};
    if (new) {
        const stack_t *stack = (const stack_t *)new;
        bool off = stack->ss_flags & SS_DISABLE;
        current->stack = off ? 0 : (u64)stack->ss_sp;
        current->stack_size = off ? 0 : stack->ss_size;
    }
    if (old)
        *(stack_t *)old = before;
    return 0;
}

long sys_kill(u64 process, u64 signal) {
    if ((int)process != 1 && (int)process != 0 && (int)process != -1)
        return -ESRCH;
    if (signal > SIGNALS)
        return -EINVAL;
    if (signal)
        raise_signal((int)signal);
    return 0;
}

long sys_tgkill(u64 process, u64 thread, u64 signal) {
    struct thread *target = thread_find((int)thread);
    if (process != 1 || !target)
        return -ESRCH;
    if (signal > SIGNALS)
        return -EINVAL;
    if (signal)
        raise_in(target, (int)signal);
    return 0;
}
