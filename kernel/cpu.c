/* The processor's own tables, and what of its features the program gets to use. */
#include "kernel.h"
#include "snapshot.h"
#include "x86.h"

struct task_state {
    u32 reserved0;
    u64 rsp0; /* where a trap from ring 3 pushes: the end of the current thread's frame */
    u64 rsp1, rsp2, reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3, ports_offset;
    u8 ports[65536 / 8 + 1]; /* all zero but the last: the program may use every port, without IOPL 3 and its `cli` */
} __attribute__((packed));

struct gate {
    u16 low, selector, flags, middle;
    u32 high, zero;
};

struct task_state task_state __attribute__((aligned(16))); /* entry.S reads rsp0 */
static struct gate idt[256] __attribute__((aligned(16)));

static void load_tables(void) {
    u64 base = (u64)&task_state, limit = sizeof task_state - 1;
    u64 *descriptor = (u64 *)(gdt + TSS);
    descriptor[0] = limit | (base & 0xffffff) << 16 | 0x89UL << 40 | (base >> 24 & 0xff) << 56;
    descriptor[1] = base >> 32;
    task_state.ports_offset = offsetof(struct task_state, ports);
    task_state.ports[sizeof task_state.ports - 1] = 0xff;
    task_state.ist[0] = (u64)double_fault_stack_top;
    __asm__ volatile("ltr %w0" : : "r"(TSS));

    for (int i = 0; i < 256; i++) {
        u64 entry = (u64)vectors + 16UL * i;
        bool own_stack = i == 2 || i == 8 || i == 18; /* NMI, double fault, machine check */
        idt[i] = (struct gate){entry, KERNEL_CODE, 0x8e00 | own_stack, entry >> 16, entry >> 32, 0};
    }
    struct __attribute__((packed)) {
        u16 limit;
        u64 base;
    } pointer = {sizeof idt - 1, (u64)idt};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

static void enable_syscall(void) {
    wrmsr(MSR_STAR, (u64)KERNEL_CODE << 32);
    wrmsr(MSR_LSTAR, (u64)syscall_entry);
    wrmsr(MSR_SFMASK, 0x47700); /* on entry clear AC, NT, DF, IF, TF */
}

/* Let the program use x87, SSE and AVX, not more: their state has to fit into EXTENDED_MAX. Returns XCR0, 0 without
 * XSAVE. */
static u64 enable_extended(void) {
    struct cpuid features = cpuid(1, 0);
    if (!(features.c & 1 << 26))
        return 0;
    write_cr4(read_cr4() | 1 << 18);
    u32 mask = cpuid(13, 0).a & 7;
    __asm__ volatile("xsetbv" : : "c"(0), "a"(mask), "d"(0));
    return mask;
}

u64 cpu_init(void) {
    load_tables();
    enable_syscall();
    struct cpuid more = cpuid(0, 0).a >= 7 ? cpuid(7, 0) : (struct cpuid){0};
    if (more.b & 1 << 7)
        write_cr4(read_cr4() | 1 << 20); /* SMEP: the kernel never runs the program's pages */
    if (more.c & 1 << 2)
        write_cr4(read_cr4() | 1 << 11); /* UMIP: no addresses of tables for ring 3 */
    return enable_extended();
}

/* SSE3 to AVX with their kin, RDRAND; BMI, AVX2, ERMS, RDSEED, ADX, SHA. */
#define FEATURES_1C 0x76d83203U
#define FEATURES_7B 0x200c0328U

void cpu_features(u32 features[2]) {
    features[0] = cpuid(1, 0).c & FEATURES_1C;
    features[1] = cpuid(0, 0).a >= 7 ? cpuid(7, 0).b & FEATURES_7B : 0;
}

void cpu_stack(struct thread *thread) { task_state.rsp0 = (u64)(&thread->frame + 1); }
