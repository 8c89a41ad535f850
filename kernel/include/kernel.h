/*
 * What the kernel's files promise each other.
 *
 * One processor; the kernel runs with interrupts off, on one stack, and never waits inside: a system call that cannot
 * finish puts its thread to sleep and is called again, with the same arguments, once the thread is woken. Memory is
 * mapped one to one, so an address is the same number for the program, the kernel and a device. Pointers from the
 * program MUST go through `user_range` or `user_string` before they are followed.
 */
#ifndef FATA_KERNEL_H
#define FATA_KERNEL_H

#include "types.h"

/* ---- entry.S: how ring 3 and the kernel change places ---- */

struct frame { /* in the order in which entry.S pushes; a multiple of 16 octets */
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u64 vector, error;
    u64 rip, cs, rflags, rsp, ss;
};

#define KERNEL_CODE 0x08
#define USER_DATA   0x1b
#define USER_CODE   0x23
#define TSS         0x28

#define VECTOR_TIMER    0x30
#define VECTOR_CONSOLE  0x31
#define VECTOR_POWER    0x32
#define VECTOR_SPURIOUS 0xff
#define VECTOR_CALL     0x100 /* not a vector: the `syscall` instruction */

extern const u8 vectors[]; /* 256 entries of 16 octets each */
extern u8 gdt[];
void syscall_entry(void);
_Noreturn void resume(struct frame *frame);

/* ---- cpu.c: the processor's tables ---- */

struct thread;
u64 cpu_init(void);                    /* the XCR0 in force; 0 when threads are to be switched with FXSAVE */
void cpu_stack(struct thread *thread); /* traps from ring 3 now save into this thread */

/* ---- sched.c: threads ---- */

#define THREADS_MAX  1000000 /* ids are not used twice; Linux ends them at four millions */
#define EXTENDED_MAX 1024    /* octets for x87, SSE and AVX state */

enum state { UNUSED, READY, WAITING };

struct thread {
    struct frame frame __attribute__((aligned(16)));        /* MUST be first; entry.S writes into it */
    u8 extended[EXTENDED_MAX] __attribute__((aligned(64))); /* XSAVE area while another thread runs */
    enum state state;
    int id;
    struct thread *next;  /* in the queue of those that are ready */
    struct thread *older; /* in the list of all */
    u64 fs;
    u64 ran; /* ns on the processor, until it last began */
    /* while WAITING, and until the call is repeated: */
    const void *channel;
    u64 deadline; /* ns */
    u64 ticket;   /* who came first is woken first */
    u32 bitset;   /* futex */
    bool repeat;  /* the call is to be made again before the thread goes on */
    bool woken, expired;
    /* for the C library: */
    u32 *clear_id;
    u64 blocked, pending;  /* signals, bit n-1 for signal n */
    u64 stack, stack_size; /* alternate signal stack */
};

extern struct thread *current; /* whose registers the FPU holds; the running thread, except while idle */

void sched_init(u64 mask);       /* XCR0 */
struct thread *thread_new(void); /* NULL when all are in use */
struct thread *thread_find(int id);
struct thread *thread_main(void);
_Noreturn void run(void); /* go on with whichever thread may; the only way out of the kernel */
void preempt(void);
long sleep_on(const void *channel, u64 deadline); /* the caller MUST return the answer at once */
u64 call_deadline(u64 deadline);                  /* of the first try, when this is a repetition */
unsigned wake(const void *channel, unsigned count, u32 bitset);
unsigned requeue(const void *from, const void *to, unsigned count);
void interrupt_sleep(struct thread *thread); /* its call answers EINTR */
void thread_exit(void);
void extended_save(void *area); /* of the FPU, 64-aligned, EXTENDED_MAX octets */
void extended_restore(const void *area);
u64 sched_switches(void);
u64 thread_time(const struct thread *thread); /* ns that it has had the processor */
u64 process_time(void);                       /* ns that were not idle */

/* ---- mem.c: pages ---- */

struct range {
    u64 start, end;
};

enum { ACCESS_NONE = 0, ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_EXECUTE = 4, ACCESS_KERNEL = 8, ACCESS_DEVICE = 16 };

void mem_init(const struct range *ram, size_t count, const struct range *modules, size_t module_count, u64 image_end);
u64 pages_take(u64 count, u64 below, bool for_program); /* zeroed; 0 when there are none; the highest that fit */
void pages_give(u64 address, u64 count);
bool protect(u64 start, u64 end, unsigned access);
bool user_range(u64 address, u64 size, bool write);
long user_string(u64 address, u64 max); /* its length, or -EFAULT, or -ENAMETOOLONG */
u64 pages_free(void);
u64 pages_total(void);
bool pages_are_ram(u64 start, u64 end); /* any page of it */

/* ---- clock.c, apic.c: time and interrupts ---- */

void clock_init(void);
u64 now(void);         /* ns since boot */
u64 wall_offset(void); /* ns to add for the date */
bool wall_set(void);
u64 tsc_hz(void);
void set_timer(u64 deadline);
void timer_fired(void);
void apic_init(void);
void apic_route(u32 gsi, u8 vector, bool level, bool low);
void apic_acknowledge(void);
void apic_timer(u32 count);
bool apic_deadline_mode(void);
u64 alarm_due(void); /* alarm.c; ns, NEVER when none is set */
void alarm_check(u64 time);

/* ---- console.c, acpi.c, random.c: what is always there ---- */

void console_init(void);
void console_listen(void);
void console_interrupt(void);
void console_write(const u8 *text, u64 size);
long console_read(u8 *to, u64 size); /* 0 when nothing has arrived */
bool console_ready(void);
extern const char console_channel;
u64 console_first_print(void);
/* %s, %lu and %lx: */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_list(const char *format, __builtin_va_list values);
void acpi_init(u64 rsdp);
bool power_button(void); /* whether the interrupt was the button's */
_Noreturn void power_off(int status);
bool random_init(bool insecure); /* false when the machine has no entropy */
long random_fill(u8 *to, u64 size);
void random_stir(const u8 *from, u64 size);

/* ---- process.c ---- */

long take_time_span(u64 address, u64 *ns); /* a timespec of the program; -EINVAL, -EFAULT */
u64 add_time(u64 a, u64 b);                /* NEVER at the most */

/* ---- fault.c, signal.c ---- */

_Noreturn __attribute__((format(printf, 1, 2))) void panic(const char *format, ...);
void fault(struct frame *frame); /* an exception in ring 3 */
_Noreturn void exit_program(int status);
void raise_signal(int signal);                        /* for the process */
void raise_in(struct thread *thread, int signal);     /* for one thread */
void force_signal(int signal, int code, u64 address); /* a fault of `current` */
void deliver_signals(void);
bool signal_handled(int signal);
_Noreturn void exit_killed(int signal, const struct frame *frame, u64 address);

/* ---- sys.c, hardware.c ---- */

void system_call(void); /* `current`'s; its answer goes to its frame, unless it now sleeps or is gone */
void hardware_init(u64 rsdp);
void raise_event(u64 event); /* see calls.h */
void device_interrupt(u64 vector);
void count_interrupt(void);

/* ---- memfs.c, file.c, path.c, pipe.c: see also memfs.h and file.h ---- */

struct pipe;
void memfs_init(const u8 *zip, u64 size);
void memfs_archive(const struct range *module); /* a cpio archive: its files appear under /boot */
void file_init(void);
void pipe_close(struct pipe *pipe, bool writer);
long pipe_read(struct pipe *pipe, u8 *to, u64 size, bool wait);
long pipe_write(struct pipe *pipe, const u8 *from, u64 size, bool wait);
bool pipe_readable(const struct pipe *pipe);
bool pipe_writable(const struct pipe *pipe);
extern const char poll_channel; /* woken whenever something a poll may wait for has changed */

/* ---- text.c: what the compiler and everyone else takes for granted ---- */

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
bool starts_with(const char *text, const char *prefix);

/* ---- image.ld: where the linker put things ---- */

extern const u8 image_start[], kernel_text[], kernel_text_end[], kernel_data[], kernel_data_end[];
extern u8 kernel_guard[], kernel_stack_top[], double_fault_stack_top[];

#endif
