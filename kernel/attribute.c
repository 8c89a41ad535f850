/*
 * What is told of a file, and what a program may change of that: its owner, its mode, its times. There is one user, who
 * may do everything that a read-only place allows, so these are kept and told but never enforced.
 */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include "file.h"

#define UTIME_NOW  0x3fffffff /* the kernel headers for programs lack them */
#define UTIME_OMIT 0x3ffffffe

static u64 umask = 022;

u64 umask_now(void) { return umask; }

long sys_umask(u64 mask) {
    u64 before = umask;
    umask = mask & 0777;
    return (long)before;
}

static u32 mode_of(const struct node *node) {
    static const u32 modes[] = {
        [DIRECTORY] = S_IFDIR | 0755, [REGULAR] = S_IFREG | 0444, [LINK] = S_IFLNK,         [CONSOLE] = S_IFCHR | 0600,
        [EMPTY] = S_IFCHR | 0666,     [ZERO] = S_IFCHR | 0666,    [RANDOM] = S_IFCHR | 0444};
    if (!node)
        return S_IFIFO | 0600;
    return node_writable(node) ? (modes[node->kind] & (u32)S_IFMT) | node->mode : modes[node->kind];
}

static u64 floor_seconds(s64 ns) { return (u64)(ns / (s64)SECOND - (ns % (s64)SECOND < 0)); }
static u64 rest(s64 ns) { return (u64)ns - floor_seconds(ns) * SECOND; }

static long fill_stat(const struct node *node, u64 to) {
    if (!user_range(to, sizeof(struct stat), true))
        return -EFAULT;
    u64 size = node && (node->kind == REGULAR || node->kind == LINK) ? node->size : 0;
    s64 changed = (node ? node->changed : 0) + (s64)wall_offset();
    s64 accessed = (node ? node->accessed : 0) + (s64)wall_offset();
    *(struct stat *)to = (struct stat){.st_dev = 1,
                                       .st_ino = node ? node_number(node) : 0,
                                       .st_mode = mode_of(node),
                                       .st_uid = node ? node->user : 0,
                                       .st_gid = node ? node->group : 0,
                                       .st_nlink = 1,
                                       .st_size = (s64)size,
                                       .st_blksize = PAGE,
                                       .st_blocks = (s64)(PAGE_UP(size) / 512),
                                       .st_atime = floor_seconds(accessed),
                                       .st_atime_nsec = rest(accessed),
                                       .st_mtime = floor_seconds(changed),
                                       .st_mtime_nsec = rest(changed),
                                       .st_ctime = floor_seconds(changed),
                                       .st_ctime_nsec = rest(changed)};
    return 0;
}

long sys_fstat(u64 fd, u64 to) {
    struct file *file = file_of(fd);
    return file ? fill_stat(file->node, to) : -EBADF;
}

long sys_newfstatat(u64 directory, u64 path, u64 to, u64 flags) {
    long error;
    if (flags & AT_EMPTY_PATH && user_string(path, 1) == 0)
        return sys_fstat(directory, to);
    struct node *node = lookup(directory, path, !(flags & AT_SYMLINK_NOFOLLOW), &error);
    return node ? fill_stat(node, to) : error;
}

long sys_stat(u64 path, u64 to) { return sys_newfstatat((u64)AT_FDCWD, path, to, 0); }
long sys_lstat(u64 path, u64 to) { return sys_newfstatat((u64)AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW); }

long sys_faccessat(u64 directory, u64 path, u64 mode) {
    long error;
    struct node *node = lookup(directory, path, true, &error);
    if (!node)
        return error;
    if (mode & 1 && node->kind != DIRECTORY && !(mode_of(node) & 0111))
        return -EACCES;
    return mode & 2 && (node->kind == REGULAR || node->kind == DIRECTORY) && !node_writable(node) ? -EROFS : 0;
}

long sys_access(u64 path, u64 mode) { return sys_faccessat((u64)AT_FDCWD, path, mode); }

/* Of the place that holds all files: what /tmp may still take. */
static long fill_statfs(u64 to) {
    if (!user_range(to, sizeof(struct statfs), true))
        return -EFAULT;
    *(struct statfs *)to = (struct statfs){.f_type = TMPFS_MAGIC,
                                           .f_bsize = PAGE,
                                           .f_blocks = (s64)tmp_pages_limit(),
                                           .f_bfree = (s64)(tmp_pages_limit() - tmp_pages_used()),
                                           .f_bavail = (s64)(tmp_pages_limit() - tmp_pages_used()),
                                           .f_namelen = PATH_SIZE - 1,
                                           .f_frsize = PAGE};
    return 0;
}

long sys_statfs(u64 path, u64 to) {
    long error;
    return lookup((u64)AT_FDCWD, path, true, &error) ? fill_statfs(to) : error;
}

long sys_fstatfs(u64 fd, u64 to) { return file_of(fd) ? fill_statfs(to) : -EBADF; }

/* Attributes beyond these: what file systems without them answer. */
long no_attributes(void) { return -EOPNOTSUPP; }

/* ---- what may be changed ---- */

static long set_mode(struct node *node, u64 mode) {
    if (!node_writable(node))
        return -EROFS;
    node->mode = (u16)(mode & 07777);
    return 0;
}

long sys_fchmodat(u64 directory, u64 path, u64 mode) {
    long error;
    struct node *node = lookup(directory, path, true, &error);
    return node ? set_mode(node, mode) : error;
}

long sys_chmod(u64 path, u64 mode) { return sys_fchmodat((u64)AT_FDCWD, path, mode); }

long sys_fchmod(u64 fd, u64 mode) {
    struct file *file = file_of(fd);
    return !file ? -EBADF : file->node ? set_mode(file->node, mode) : 0;
}

static long set_owner(struct node *node, u64 user, u64 group) {
    if (!node_writable(node))
        return -EROFS;
    if ((u32)user != ~0U)
        node->user = (u32)user;
    if ((u32)group != ~0U)
        node->group = (u32)group;
    return 0;
}

long sys_fchownat(u64 directory, u64 path, u64 user, u64 group, u64 flags) {
    long error;
    struct node *node = lookup(directory, path, !(flags & AT_SYMLINK_NOFOLLOW), &error);
    return node ? set_owner(node, user, group) : error;
}

long sys_chown(u64 path, u64 user, u64 group) { return sys_fchownat((u64)AT_FDCWD, path, user, group, 0); }

long sys_lchown(u64 path, u64 user, u64 group) {
    return sys_fchownat((u64)AT_FDCWD, path, user, group, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(u64 fd, u64 user, u64 group) {
    struct file *file = file_of(fd);
    return !file ? -EBADF : file->node ? set_owner(file->node, user, group) : 0;
}

#define SECONDS_MAX (1L << 33) /* what ns in 64 bits hold, with room */

/* Put the time of the program's timespec into `ns` since boot, or leave that as it is; -EINVAL. */
static long take_time(const struct __kernel_timespec *time, s64 *ns) {
    if (time->tv_nsec == UTIME_OMIT)
        return 0;
    if (time->tv_nsec == UTIME_NOW) {
        *ns = (s64)now();
        return 0;
    }
    if ((u64)time->tv_nsec >= SECOND)
        return -EINVAL;
    s64 seconds = time->tv_sec > SECONDS_MAX ? SECONDS_MAX : time->tv_sec < -SECONDS_MAX ? -SECONDS_MAX : time->tv_sec;
    *ns = seconds * (s64)SECOND + time->tv_nsec - (s64)wall_offset();
    return 0;
}

long sys_utimensat(u64 directory, u64 path, u64 times, u64 flags) {
    long error = 0;
    const struct file *file = path ? NULL : file_of(directory);
    struct node *node = path   ? lookup(directory, path, !(flags & AT_SYMLINK_NOFOLLOW), &error)
                        : file ? file->node
                               : NULL;
    if (!node)
        return error ? error : -EBADF;
    if (times && !user_range(times, 2 * sizeof(struct __kernel_timespec), false))
        return -EFAULT;
    if (!node_writable(node))
        return -EROFS;
    static const struct __kernel_timespec at_once[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    const struct __kernel_timespec *given = times ? (const struct __kernel_timespec *)times : at_once;
    s64 accessed = node->accessed, changed = node->changed;
    error = take_time(&given[0], &accessed);
    if (!error)
        error = take_time(&given[1], &changed);
    if (!error) {
        node->accessed = accessed;
        node->changed = changed;
    }
    return error;
}
