/*
 * A program that misbehaves, on the kernel without Python: it reaches for what
 * is not its own, passes pointers that lead nowhere, and takes signals apart.
 * Each part prints "ok" when the kernel held; the kernel's addresses come on
 * the command line.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CHECK(what)                                                                                                    \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            printf("line %d: %s\n", __LINE__, #what);                                                                  \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static sigjmp_buf back;
static volatile int caught;

static void jump_out(int signal) {
    caught = signal;
    siglongjmp(back, 1);
}

static int faults(void (*reach)(volatile char *), volatile void *at) {
    caught = 0;
    if (sigsetjmp(back, 1) == 0)
        reach((volatile char *)at);
    return caught;
}

static void reads(volatile char *at) { (void)*at; }
static void writes(volatile char *at) { *at = *at; }
static void runs(volatile char *at) { ((void (*)(void))(uintptr_t)at)(); }
static void halts(volatile char *at) { __asm__ volatile("hlt"); }
static void masks(volatile char *at) { __asm__ volatile("cli"); }
static void loads_cr3(volatile char *at) { __asm__ volatile("mov %%cr3, %%rax" ::: "rax"); }
static void divides(volatile char *at) { __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" ::: "rax", "rcx", "rdx"); }
static void undefined(volatile char *at) { __asm__ volatile("ud2"); }

/* ---- what is not the program's */

static char data[4096] = {(char)0xc3}; /* ret */

static void protection(int count, char **addresses) {
    struct sigaction action = {.sa_handler = jump_out};
    for (int signal = SIGILL; signal <= SIGSEGV; signal++)
        sigaction(signal, &action, NULL);
    char stack[64] = {(char)0xc3};
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[0] = (char)0xc3;
    CHECK(faults(reads, NULL) == SIGSEGV && faults(writes, (void *)8) == SIGSEGV && faults(runs, NULL) == SIGSEGV);
    CHECK(faults(reads, (void *)4095) == SIGSEGV);
    CHECK(faults(writes, (void *)protection) == SIGSEGV && faults(writes, (char *)"constant") == SIGSEGV);
    CHECK(faults(runs, data) == SIGSEGV && faults(runs, stack) == SIGSEGV && faults(runs, page) == SIGSEGV);
    CHECK(faults(reads, (void *)(1UL << 63)) == SIGSEGV && faults(reads, (void *)0xfee00000) == SIGSEGV);
    CHECK(faults(halts, NULL) == SIGSEGV && faults(masks, NULL) == SIGSEGV && faults(loads_cr3, NULL) == SIGSEGV);
    CHECK(faults(divides, NULL) == SIGFPE && faults(undefined, NULL) == SIGILL);
    for (int i = 0; i < count; i++) { /* the kernel's code, its data, its page tables */
        char *kernel = (char *)strtoul(addresses[i], NULL, 16);
        CHECK(faults(reads, kernel) == SIGSEGV && faults(writes, kernel) == SIGSEGV && faults(runs, kernel) == SIGSEGV);
    }
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EACCES);
    CHECK(mprotect(page, 4096, PROT_READ | PROT_EXEC) == -1 && errno == EACCES);
    CHECK(mprotect((void *)((uintptr_t)protection & ~4095UL), 4096, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
    CHECK(mprotect(page, 4096, PROT_NONE) == 0 && faults(reads, page) == SIGSEGV && faults(reads, page + 4096) == 0);
    CHECK(munmap(page, 8192) == 0 && faults(reads, page) == SIGSEGV);
    CHECK(munmap((void *)((uintptr_t)data & ~4095UL), 4096) == -1 && errno == EINVAL);
    __asm__ volatile("inb $0x80, %%al" ::: "rax"); /* ports are allowed */
}

/* ---- signals that return */

static volatile int seen;
static void counts(int signal, siginfo_t *info, void *context) {
    seen++;
    __asm__ volatile("pcmpeqd %%xmm15, %%xmm15" ::: "xmm15"); /* the program must not notice */
}

static void *pokes(void *thread) {
    nanosleep(&(struct timespec){0, 30000000}, NULL);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void signals(void) {
    struct sigaction action = {.sa_sigaction = counts, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    static char alternate[65536];
    CHECK(sigaltstack(&(stack_t){alternate, 0, sizeof alternate}, NULL) == 0);
    for (int i = 0; i < 100; i++)
        raise(SIGUSR1);
    CHECK(seen == 100);
    if (getauxval(AT_EXECFN) == 0) { /* Linux finds out later */
        struct sigaction nowhere = {.sa_handler = (void (*)(int))(1UL << 63)};
        CHECK(sigaction(SIGUSR2, &nowhere, NULL) == -1 && errno == EFAULT);
    }
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    CHECK(seen == 100 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    CHECK(seen == 101);
    pthread_t self = pthread_self(), other;
    CHECK(pthread_create(&other, NULL, pokes, &self) == 0);
    CHECK(nanosleep(&(struct timespec){10, 0}, NULL) == -1 && errno == EINTR && seen == 102);
    pthread_join(other, NULL);
}

/* ---- registers of threads that take turns */

#define SPIN 30000000 /* rounds of a loop: several time slices */

static int upper_halves; /* whether there is AVX, with registers of 32 octets */

static void *keeps(void *own) {
    uint64_t pattern = (uint64_t)own, low, high = pattern;
    for (int round = 0; round < 4; round++) {
        if (upper_halves)
            __asm__ volatile("movq %2, %%xmm15; vinsertf128 $1, %%xmm15, %%ymm15, "
                             "%%ymm15; mov %3, %%ecx\n"
                             "1: dec %%ecx; jnz 1b\n"
                             "movq %%xmm15, %0; vextractf128 $1, %%ymm15, %%xmm15; "
                             "movq %%xmm15, %1; vzeroupper"
                             : "=r"(low), "=r"(high)
                             : "r"(pattern), "i"(SPIN)
                             : "ecx", "xmm15");
        else
            __asm__ volatile("movq %1, %%xmm15; mov %2, %%ecx; 1: dec %%ecx; jnz 1b; "
                             "movq %%xmm15, %0"
                             : "=r"(low)
                             : "r"(pattern), "i"(SPIN)
                             : "ecx", "xmm15");
        if (low != pattern || high != pattern)
            return (void *)1;
    }
    return NULL;
}

static void registers(void) {
    pthread_t threads[3];
    upper_halves = __builtin_cpu_supports("avx");
    struct sigaction action = {.sa_sigaction = counts, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    for (uint64_t i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, keeps, (void *)(0x1111111111111111UL * (i + 1))) == 0);
    for (int i = 0; i < 9; i++) { /* also across a handler that uses the same register */
        nanosleep(&(struct timespec){0, 20000000}, NULL);
        pthread_kill(threads[i % 3], SIGUSR1);
    }
    CHECK(seen > 0);
    for (int i = 0; i < 3; i++) {
        void *mixed;
        pthread_join(threads[i], &mixed);
        CHECK(mixed == NULL);
    }
}

/* ---- pointers that lead nowhere */

static const int calls[] = {SYS_read,
                            SYS_write,
                            SYS_readv,
                            SYS_writev,
                            SYS_pread64,
                            SYS_pwrite64,
                            SYS_open,
                            SYS_openat,
                            SYS_stat,
                            SYS_fstat,
                            SYS_newfstatat,
                            SYS_access,
                            SYS_readlink,
                            SYS_getcwd,
                            SYS_mkdir,
                            SYS_rmdir,
                            SYS_unlink,
                            SYS_rename,
                            SYS_ioctl,
                            SYS_getdents64,
                            SYS_pipe,
                            SYS_pipe2,
                            SYS_socketpair,
                            SYS_poll,
                            SYS_clone,
                            SYS_futex,
                            SYS_clock_gettime,
                            SYS_clock_getres,
                            SYS_clock_nanosleep,
                            SYS_nanosleep,
                            SYS_gettimeofday,
                            SYS_time,
                            SYS_rt_sigaction,
                            SYS_rt_sigprocmask,
                            SYS_rt_sigpending,
                            SYS_sigaltstack,
                            SYS_getrandom,
                            SYS_uname,
                            SYS_prlimit64,
                            SYS_sysinfo,
                            SYS_sched_getaffinity,
                            SYS_getrusage,
                            SYS_lseek,
                            SYS_fcntl,
                            SYS_dup3,
                            SYS_ftruncate,
                            SYS_mprotect,
                            SYS_munmap,
                            SYS_mmap,
                            SYS_kill,
                            SYS_tgkill,
                            SYS_arch_prctl,
                            0x1000,
                            0x1001,
                            0x1002,
                            0x1009,
                            333,
                            9999};

static uint64_t state = 88172645463325252UL;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t kernel_places[8];
static int kernel_place_count;

static uint64_t argument(char *buffer) {
    switch (next() % 12) {
    case 0:
        return next() % 4096; /* page 0 */
    case 1:
        return kernel_places[next() % (unsigned)kernel_place_count] + next() % 64;
    case 2:
        return 1UL << 47 | next() % 4096;
    case 3:
        return next() | 1UL << 63;
    case 4:
        return ~0UL - next() % 4096;
    case 5:
        return (uint64_t)buffer + 8192 - next() % 16; /* runs into the page behind, which is out of reach */
    case 6:
        return (uint64_t)calls; /* read-only */
    case 7:
        return 0xfee00000 + next() % 4096;
    case 8:
        return next() % 64;
    case 9:
        return 0;
    case 10:
        return (1UL << 39) + next();
    default:
        return next();
    }
}

/* Whether the call, with these arguments, could do what the program must not
 * want: sleep for ever, or take its memory away. */
static int spared(int call, const uint64_t *a) {
    if (call == SYS_kill || call == SYS_tgkill)
        return 1; /* the signal it asks for may well be its end */
    if (call == SYS_munmap || call == SYS_mprotect || call == SYS_mmap)
        return a[0] % 4096 == 0 && a[0] >> 30 == 0;
    if (call == SYS_poll)
        return a[1] == 0;
    if (call == SYS_clone)
        return (a[0] & 0x10900) == 0x10900;
    return call == SYS_arch_prctl && a[0] == 0x1002 && a[1] < 1UL << 47;
}

static void fuzz(int rounds) {
    char *buffer = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(buffer + 8192, 4096, PROT_NONE);
    close(0); /* nothing is to wait for input */
    int out = dup(1);
    close(1);
    close(2);
    for (int round = 0; round < rounds; round++) {
        int call = calls[next() % (sizeof calls / sizeof *calls)];
        uint64_t a[6];
        for (int i = 0; i < 6; i++)
            a[i] = argument(buffer);
        if (call == SYS_write || call == SYS_writev || call == SYS_pwrite64 || call == SYS_fcntl || call == SYS_dup3)
            a[0] = 40 + a[0] % 20;
        if (!spared(call, a))
            syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
        for (int fd = 0; fd < 64 && round % 50 == 0; fd++)
            if (fd != out)
                close(fd);
    }
    dup2(out, 1);
}

/* Every pointer that a call takes is bad, one after the other, and the answer
 * says so. */
static void pointers(void) {
    static const struct {
        int call, position;
        uint64_t a[6];
    } cases[] = {
        {SYS_write, 1, {1, 0, 10}},
        {SYS_newfstatat, 1, {-100, 0, 0}},
        {SYS_openat, 1, {-100, 0, 0}},
        {SYS_writev, 1, {1, 0, 1}},
        {SYS_getcwd, 0, {0, 100}},
        {SYS_pipe2, 0, {0, 0}},
        {SYS_poll, 0, {0, 1, 0}},
        {SYS_clock_gettime, 1, {1, 0}},
        {SYS_nanosleep, 0, {0, 0}},
        {SYS_rt_sigaction, 1, {SIGUSR1, 0, 0, 8}},
        {SYS_rt_sigaction, 2, {SIGUSR1, 0, 0, 8}},
        {SYS_rt_sigprocmask, 1, {0, 0, 0, 8}},
        {SYS_getrandom, 0, {0, 16}},
        {SYS_uname, 0, {0}},
        {SYS_sysinfo, 0, {0}},
        {SYS_futex, 0, {0, 0, 0, 0}},
        {SYS_sigaltstack, 0, {0, 0}},
        {SYS_gettimeofday, 0, {0}},
        {SYS_fstat, 1, {1, 0}},
        {0x1000, 0, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int k = -3; k < kernel_place_count; k++) {
            uint64_t bad = k == -3 ? 16 : k == -2 ? 1UL << 47 : k == -1 ? ~0UL - 7 : kernel_places[k] & ~7UL, a[6];
            memcpy(a, cases[i].a, sizeof a);
            a[cases[i].position] = bad;
            long result = syscall(cases[i].call, a[0], a[1], a[2], a[3], a[4], a[5]);
            if (result != -1 || errno != EFAULT) {
                printf("call %d with %lx: %ld, errno %d\n", cases[i].call, bad, result, errno);
                exit(1);
            }
        }
}

int main(int count, char **words) {
    int rounds;
    unsigned long seed;
    for (int i = 2; i < count && i < 10; i++)
        kernel_places[kernel_place_count++] = strtoul(words[i], NULL, 16);
    if (strcmp(words[1], "protection") == 0)
        protection(count - 2, words + 2);
    else if (strcmp(words[1], "signals") == 0)
        signals();
    else if (strcmp(words[1], "registers") == 0)
        registers();
    else if (strcmp(words[1], "pointers") == 0)
        pointers();
    else if (sscanf(words[1], "fuzz=%d,%lu", &rounds, &seed) == 2) {
        state ^= seed;
        fuzz(rounds);
    } else
        return 2;
    printf("ok\n");
    return 0;
}
