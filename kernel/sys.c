/* The system calls: which number is whose, and those that only tell what this machine is. */
#include <asm/unistd_64.h>
#include <asm-generic/errno.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>
#include "kernel.h"
#include "calls.h"
#include "call_names.h" /* written by the build: names[number] */

#define PROGRAM_ID 1
#define THREAD_STACK                                                                                                   \
    (256UL << 10) /* what the C library reserves for a thread: it is given whole, so it must be small */

static long sys_getpid(void) { return PROGRAM_ID; }
static long sys_gettid(void) { return current->id; }
static long answer_zero(void) { return 0; }
static long answer_one(void) { return 1; }
static long not_permitted(void) { return -EPERM; }
static long sys_getpriority(void) { return 20; } /* Linux's way to say 0 */
long no_attributes(void);
static long no_such_call(void) { return -ENOSYS; } /* what the C library asks for and can do without */

static long sys_getrandom(u64 to, u64 size) {
    return user_range(to, size, true) ? random_fill((u8 *)to, size) : -EFAULT;
}

static long sys_uname(u64 to) {
    static const struct new_utsname name = {"fata", "guest", "6.1.0", "1", "x86_64", ""};
    if (!user_range(to, sizeof name, true))
        return -EFAULT;
    *(struct new_utsname *)to = name;
    return 0;
}

static long sys_prlimit64(u64 process, u64 resource, u64 new, u64 old) {
    (void)process;
    if (new)
        return -EPERM;
    if (!user_range(old, sizeof(struct rlimit64), true))
        return -EFAULT;
    u64 limit = resource == RLIMIT_STACK ? THREAD_STACK : resource == RLIMIT_NOFILE ? 256 : RLIM64_INFINITY;
    *(struct rlimit64 *)old = (struct rlimit64){limit, limit};
    return 0;
}

static long sys_sysinfo(u64 to) {
    if (!user_range(to, sizeof(struct sysinfo), true))
        return -EFAULT;
    *(struct sysinfo *)to = (struct sysinfo){.uptime = (s64)(now() / SECOND),
                                             .totalram = pages_total() * PAGE,
                                             .freeram = pages_free() * PAGE,
                                             .procs = 1,
                                             .mem_unit = 1};
    return 0;
}

static long sys_sched_getaffinity(u64 thread, u64 size, u64 to) {
    (void)thread;
    if (size < 8 || !user_range(to, 8, true))
        return size < 8 ? -EINVAL : -EFAULT;
    *(u64 *)to = 1;
    return 8;
}

static long sys_getrusage(u64 who, u64 to) {
    (void)who;
    if (!user_range(to, 144, true))
        return -EFAULT;
    memset((void *)to, 0, 144);
    ((u64 *)to)[0] = process_time() / SECOND;
    ((u64 *)to)[1] = process_time() % SECOND / 1000;
    ((u64 *)to)[4] = (pages_total() - pages_free()) * PAGE / 1024; /* ru_maxrss */
    return 0;
}

/* ---- the table ---- */

typedef long handler(u64, u64, u64, u64, u64, u64);

/* The handlers take as many arguments as they need; calling them with six is what the x86-64 ABI allows. */
/* clang-format off */
#define CALLS(X)                                                                                                        \
    X(read) X(write) X(readv) X(writev) X(pread64) X(pwrite64) X(lseek) X(close) X(fstat) X(ftruncate) X(fcntl)         \
    X(ioctl) X(dup) X(dup2) X(dup3) X(pipe) X(pipe2) X(socketpair) X(sendto) X(recvfrom) X(poll) X(pselect6)            \
    X(open) X(openat) X(stat) X(lstat) X(newfstatat) X(access) X(faccessat) X(readlink) X(readlinkat) X(getcwd)         \
    X(chdir) X(truncate) X(symlink) X(symlinkat) X(linkat) X(umask) X(chmod) X(fchmod) X(fchmodat) X(utimensat)         \
    X(chown) X(lchown) X(fchown) X(fchownat) X(fchdir) X(statfs) X(fstatfs) X(fsync)                                    \
    X(setitimer) X(getitimer) X(alarm) X(pause)                                                                         \
    X(mkdir) X(mkdirat) X(rmdir) X(unlink) X(unlinkat) X(rename) X(renameat) X(getdents64)                              \
    X(brk) X(mmap) X(munmap) X(mprotect)                                                                                \
    X(clone) X(exit) X(exit_group) X(futex) X(set_tid_address) X(arch_prctl)                                            \
    X(clock_gettime) X(clock_getres) X(clock_nanosleep) X(nanosleep) X(gettimeofday) X(time)                            \
    X(rt_sigaction) X(rt_sigprocmask) X(rt_sigreturn) X(rt_sigpending) X(sigaltstack) X(kill) X(tgkill)

/* What several share, or what has another name: */
#define SHARED(X)                                                                                                       \
    X(getpid, sys_getpid) X(gettid, sys_gettid) X(getppid, answer_zero) X(getpgrp, answer_one) X(getuid, answer_zero)   \
    X(geteuid, answer_zero) X(getgid, answer_zero) X(getegid, answer_zero) X(getgroups, answer_zero)                    \
    X(sched_yield, answer_zero) X(madvise, answer_zero) X(set_robust_list, answer_zero) X(fdatasync, sys_fsync)         \
    X(clock_settime, not_permitted) X(settimeofday, not_permitted) X(mknod, not_permitted) X(mknodat, not_permitted)    \
    X(getpriority, sys_getpriority) X(listxattr, no_attributes) X(llistxattr, no_attributes)                            \
    X(flistxattr, no_attributes) X(getxattr, no_attributes) X(lgetxattr, no_attributes) X(fgetxattr, no_attributes)     \
    X(setxattr, no_attributes) X(lsetxattr, no_attributes) X(fsetxattr, no_attributes) X(fadvise64, answer_zero)        \
    X(link, sys_linkat) X(getrandom, sys_getrandom) X(uname, sys_uname) X(prlimit64, sys_prlimit64)                     \
    X(sysinfo, sys_sysinfo) X(sched_getaffinity, sys_sched_getaffinity) X(getrusage, sys_getrusage)                     \
    X(mremap, no_such_call) X(rseq, no_such_call) X(clone3, no_such_call) X(epoll_create1, no_such_call)                \
    X(epoll_create, no_such_call) X(socket, no_such_call) X(statx, no_such_call) X(renameat2, no_such_call)             \
    X(faccessat2, no_such_call) X(getsockname, no_such_call) X(membarrier, no_such_call)                                \
    X(copy_file_range, no_such_call)
/* clang-format on */

#define PRIVATE_CALLS(X) X(machine) X(map) X(dma) X(wait) X(wake) X(snapshot) X(crash) /* in the order of calls.h */

#define DECLARE(name) long sys_##name();
CALLS(DECLARE)
PRIVATE_CALLS(DECLARE)

#define HANDLER(function)    (handler *)(void (*)(void))(function)
#define HERE(name, function) [__NR_##name] = HANDLER(function),
#define ENTRY(name)          HERE(name, sys_##name)
#define IN_ORDER(name)       HANDLER(sys_##name),

static handler *const handlers[] = {CALLS(ENTRY) SHARED(HERE)};

static handler *const private_handlers[] = {PRIVATE_CALLS(IN_ORDER)};

static handler *find(u64 number) {
    if (number < COUNT(handlers))
        return handlers[number];
    return number >= CALL_MACHINE && number < CALL_END ? private_handlers[number - CALL_MACHINE] : NULL;
}

/* An unknown call is answered with ENOSYS, and named the first time: this is how gaps are found. */
static long unknown(u64 number) {
    static bool told[COUNT(call_names) + 1]; /* the last: all numbers that have no name */
    u64 index = MIN(number, COUNT(call_names));
    const char *name = index < COUNT(call_names) && call_names[index] ? call_names[index] : "which has no name";
    if (!told[index])
        print("fata: system call %lu (%s) is not implemented\n", number, name);
    told[index] = true;
    return -ENOSYS;
}

void system_call(void) {
    const struct frame *f = &current->frame;
    struct thread *caller = current;
    handler *handler = find(f->rax);
    long result = handler ? handler(f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9) : unknown(f->rax);
    if (caller->state == READY)
        caller->frame.rax = (u64)result;
}
