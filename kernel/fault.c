/*
 * What goes wrong: exceptions of the program become signals, exceptions of the kernel a panic. A panic is one sentence
 * and the registers; then the running thread gets SIGABRT, so that Python's faulthandler can add the Python stack.
 */
#include <stdarg.h>
#include <asm/signal.h>
#include <asm-generic/siginfo.h>
#include "kernel.h"
#include "x86.h"

#define FIRST_INTERRUPT 0x20

static const char *const exceptions[FIRST_INTERRUPT] = {"division by zero",
                                                        "debug trap",
                                                        "non-maskable interrupt",
                                                        "breakpoint",
                                                        "overflow",
                                                        "bound exceeded",
                                                        "invalid instruction",
                                                        "no FPU",
                                                        "double fault",
                                                        "exception 9",
                                                        "invalid task state",
                                                        "segment not present",
                                                        "stack segment fault",
                                                        "general protection fault",
                                                        "page fault",
                                                        "exception 15",
                                                        "x87 error",
                                                        "misaligned access",
                                                        "machine check",
                                                        "SIMD error"};

static bool panicking, in_program;

static void print_frame(const struct frame *f) {
    print("  rip %lx  rsp %lx  flags %lx  cr2 %lx  error %lx\n", f->rip, f->rsp, f->rflags, read_cr2(), f->error);
    print("  rax %lx  rbx %lx  rcx %lx  rdx %lx  rsi %lx  rdi %lx  rbp %lx\n", f->rax, f->rbx, f->rcx, f->rdx, f->rsi,
          f->rdi, f->rbp);
    print("  r8 %lx  r9 %lx  r10 %lx  r11 %lx  r12 %lx  r13 %lx  r14 %lx  r15 %lx\n", f->r8, f->r9, f->r10, f->r11,
          f->r12, f->r13, f->r14, f->r15);
}

static _Noreturn void after_panic(void) {
    if (in_program && signal_handled(SIGABRT)) {
        force_signal(SIGABRT, SI_KERNEL, 0);
        run();
    }
    power_off(128 + SIGABRT);
}

static void begin_panic(void) {
    if (panicking)
        power_off(128 + SIGABRT); /* a panic's report has failed itself */
    panicking = true;
}

_Noreturn void panic(const char *format, ...) {
    begin_panic();
    va_list values;
    va_start(values, format);
    print("\nfata: ");
    print_list(format, values);
    print("\n");
    va_end(values);
    after_panic();
}

static const char *exception_name(u64 vector) {
    return vector < FIRST_INTERRUPT && exceptions[vector] ? exceptions[vector] : "unknown exception";
}

void fault(struct frame *frame) {
    u64 vector = frame->vector;
    switch (vector) {
    case 0:
    case 16:
    case 19:
        return force_signal(SIGFPE, vector == 0 ? FPE_INTDIV : FPE_FLTINV, frame->rip);
    case 1:
    case 3:
        return force_signal(SIGTRAP, TRAP_BRKPT, frame->rip);
    case 6:
        return force_signal(SIGILL, ILL_ILLOPN, frame->rip);
    case 14:
        return force_signal(SIGSEGV, frame->error & 1 ? SEGV_ACCERR : SEGV_MAPERR, read_cr2());
    case 17:
        return force_signal(SIGBUS, BUS_ADRALN, 0);
    default:
        return force_signal(SIGSEGV, SI_KERNEL, 0);
    }
}

static void interrupt(u64 vector) {
    if (vector == VECTOR_SPURIOUS)
        return; /* is not to be acknowledged */
    apic_acknowledge();
    count_interrupt();
    switch (vector) {
    case VECTOR_TIMER:
        timer_fired();
        break;
    case VECTOR_CONSOLE:
        console_interrupt();
        break;
    case VECTOR_POWER:
        if (power_button())
            raise_signal(SIGTERM);
        break;
    default:
        device_interrupt(vector);
    }
    preempt();
}

/* entry.S: from the kernel itself: an interrupt while idle, else a mistake of ours. */
void trap_from_kernel(struct frame *frame) {
    if (frame->vector >= FIRST_INTERRUPT)
        return interrupt(frame->vector);
    begin_panic();
    print("\nfata: the kernel itself failed at %lx: %s\n", frame->rip, exception_name(frame->vector));
    print_frame(frame);
    after_panic();
}

/* entry.S: from ring 3, with the registers in `current`. */
_Noreturn void trap_from_program(struct frame *frame) {
    in_program = true;
    if (frame != &current->frame)
        trap_from_kernel(frame); /* NMI, double fault, machine check: they have a stack of their own, and no way back */
    current->woken = current->expired = false; /* this is no repetition */
    if (frame->vector == VECTOR_CALL)
        system_call();
    else if (frame->vector < FIRST_INTERRUPT)
        fault(frame);
    else
        interrupt(frame->vector);
    run();
}

/* The program dies of a signal that it does not handle. */
_Noreturn void exit_killed(int signal, const struct frame *frame, u64 address) {
    static const char *const names[] = {
        [SIGHUP] = "SIGHUP",   [SIGINT] = "SIGINT",   [SIGQUIT] = "SIGQUIT", [SIGILL] = "SIGILL",
        [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT", [SIGBUS] = "SIGBUS",   [SIGFPE] = "SIGFPE",
        [SIGKILL] = "SIGKILL", [SIGSEGV] = "SIGSEGV", [SIGPIPE] = "SIGPIPE", [SIGTERM] = "SIGTERM"};
    bool named = (size_t)signal < COUNT(names) && names[signal];
    if (signal == SIGINT || signal == SIGTERM) /* asked for from outside: no fault to look into */
        power_off(128 + signal);
    print("\nfata: the program was killed by signal %lu (%s)", (u64)signal, named ? names[signal] : "?");
    if (frame->vector < FIRST_INTERRUPT) {
        print(": %s at address %lx\n", exception_name(frame->vector), address);
        print_frame(frame);
    } else {
        print("\n");
    }
    power_off(128 + signal);
}
