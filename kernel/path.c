/* The calls that take a path: open, make, remove, rename, stat, list. */
#include <asm-generic/errno.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "file.h"

/* Append `from` to the normal path in `to`, component by component: no empty ones, no "." and "..". */
static bool append_path(char *to, const char *from) {
    while (*from) {
        size_t size = 0, used = strlen(to);
        while (from[size] && from[size] != '/')
            size++;
        if (size == 2 && from[0] == '.' && from[1] == '.') {
            while (used > 0 && to[--used] != '/')
                ;
            to[used] = 0;
        } else if (size > 0 && !(size == 1 && from[0] == '.')) {
            if (used + size + 2 > PATH_SIZE)
                return false;
            to[used] = '/';
            memcpy(to + used + 1, from, size);
            to[used + 1 + size] = 0;
        }
        from += size + (from[size] == '/');
    }
    return true;
}

static char
    working[PATH_SIZE]; /* the current directory; may be removed under the program, which then finds nothing in it */

/* Take a path from the program. */
static long take_path(u64 directory, u64 address, char *path) {
    long size = user_string(address, 4096);
    if (size < 0)
        return size;
    const char *text = (const char *)address;
    path[0] = 0;
    if (*text != '/' && (int)directory == AT_FDCWD) {
        memcpy(path, working, PATH_SIZE);
    } else if (*text != '/') {
        struct file *file = file_of(directory);
        if (!file || !file->node)
            return -EBADF;
        memcpy(path, file->node->path, PATH_SIZE);
    }
    if (size == 0)
        return -ENOENT;
    return append_path(path, text) ? 0 : -ENAMETOOLONG;
}

static struct node *lookup(u64 directory, u64 address, long *error) {
    char path[PATH_SIZE];
    *error = take_path(directory, address, path);
    struct node *node = *error ? NULL : node_find(path);
    if (!node && !*error)
        *error = -ENOENT;
    return node;
}

static long open_node(struct node *node, u64 flags) {
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (node->kind == DIRECTORY ? writes : (flags & O_DIRECTORY) != 0)
        return node->kind == DIRECTORY ? -EISDIR : -ENOTDIR;
    if (writes && node->kind == REGULAR && !node_writable(node))
        return -EROFS;
    if (flags & O_TRUNC && writes && node->kind == REGULAR)
        node_resize(node, 0);
    struct file *file = file_new(node, (u32)flags);
    if (!file)
        return -ENFILE;
    long fd = descriptor_for(file, 0, flags & O_CLOEXEC);
    if (fd < 0) {
        file->references = 1;
        file_drop(file);
    }
    return fd;
}

long sys_openat(u64 directory, u64 address, u64 flags) {
    char path[PATH_SIZE];
    long error = take_path(directory, address, path);
    if (error)
        return error;
    struct node *node = node_find(path);
    if (node && flags & O_CREAT && flags & O_EXCL)
        return -EEXIST;
    if (!node && flags & O_CREAT)
        node = node_make(path, REGULAR, &error);
    return node ? open_node(node, flags) : error ? error : -ENOENT;
}

long sys_open(u64 path, u64 flags) { return sys_openat((u64)AT_FDCWD, path, flags); }

long sys_mkdirat(u64 directory, u64 address) {
    char path[PATH_SIZE];
    long error = take_path(directory, address, path);
    if (!error && node_find(path))
        error = -EEXIST;
    if (!error)
        node_make(path, DIRECTORY, &error);
    return error;
}

long sys_mkdir(u64 path) { return sys_mkdirat((u64)AT_FDCWD, path); }

long sys_unlinkat(u64 directory, u64 address, u64 flags) {
    long error;
    struct node *node = lookup(directory, address, &error);
    if (!node)
        return error;
    bool wants_directory = flags & AT_REMOVEDIR;
    if (wants_directory != (node->kind == DIRECTORY))
        return wants_directory ? -ENOTDIR : -EISDIR;
    return node_remove(node);
}

long sys_unlink(u64 path) { return sys_unlinkat((u64)AT_FDCWD, path, 0); }
long sys_rmdir(u64 path) { return sys_unlinkat((u64)AT_FDCWD, path, AT_REMOVEDIR); }

long sys_renameat(u64 from_directory, u64 from, u64 to_directory, u64 to) {
    long error;
    char path[PATH_SIZE];
    struct node *node = lookup(from_directory, from, &error);
    if (node)
        error = take_path(to_directory, to, path);
    return error ? error : node_rename(node, path);
}

long sys_rename(u64 from, u64 to) { return sys_renameat((u64)AT_FDCWD, from, (u64)AT_FDCWD, to); }

/* ---- stat ---- */

static long fill_stat(const struct node *node, u64 to) {
    static const u32 modes[] = {[DIRECTORY] = S_IFDIR | 0755, [REGULAR] = S_IFREG | 0444, [CONSOLE] = S_IFCHR | 0600,
                                [EMPTY] = S_IFCHR | 0666,     [ZERO] = S_IFCHR | 0666,    [RANDOM] = S_IFCHR | 0444};
    if (!user_range(to, sizeof(struct stat), true))
        return -EFAULT;
    u32 mode = node ? modes[node->kind] | (node_writable(node) ? 0222 : 0) : S_IFIFO | 0600;
    u64 size = node && node->kind == REGULAR ? node->size : 0;
    u64 changed = (node ? node->changed : 0) + wall_offset();
    *(struct stat *)to = (struct stat){.st_dev = 1,
                                       .st_ino = node ? node_number(node) : 0,
                                       .st_mode = mode,
                                       .st_nlink = 1,
                                       .st_size = (s64)size,
                                       .st_blksize = PAGE,
                                       .st_blocks = (s64)(PAGE_UP(size) / 512),
                                       .st_mtime = changed / SECOND,
                                       .st_mtime_nsec = changed % SECOND,
                                       .st_atime = changed / SECOND,
                                       .st_ctime = changed / SECOND};
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
    struct node *node = lookup(directory, path, &error);
    return node ? fill_stat(node, to) : error;
}

long sys_stat(u64 path, u64 to) { return sys_newfstatat((u64)AT_FDCWD, path, to, 0); }

long sys_faccessat(u64 directory, u64 path, u64 mode) {
    long error;
    struct node *node = lookup(directory, path, &error);
    if (!node)
        return error;
    return mode & 2 && (node->kind == REGULAR || node->kind == DIRECTORY) && !node_writable(node) ? -EROFS : 0;
}

long sys_access(u64 path, u64 mode) { return sys_faccessat((u64)AT_FDCWD, path, mode); }

long sys_chdir(u64 path) {
    long error;
    struct node *node = lookup((u64)AT_FDCWD, path, &error);
    if (!node || node->kind != DIRECTORY)
        return node ? -ENOTDIR : error;
    memcpy(working, node->path, PATH_SIZE);
    return 0;
}

long sys_readlinkat(u64 directory, u64 path) { /* nothing is a link */
    long error;
    return lookup(directory, path, &error) ? -EINVAL : error;
}

long sys_readlink(u64 path) { return sys_readlinkat((u64)AT_FDCWD, path); }

long sys_getcwd(u64 to, u64 size) {
    const char *path = *working ? working : "/";
    u64 needed = strlen(path) + 1;
    if (size < needed)
        return -ERANGE;
    if (!user_range(to, needed, true))
        return -EFAULT;
    memcpy((void *)to, path, needed);
    return (long)needed;
}

/* ---- listing ---- */

struct entry { /* struct linux_dirent64 */
    u64 number, next;
    u16 size;
    u8 type;
    char name[];
} __attribute__((packed));

long sys_getdents64(u64 fd, u64 to, u64 size) {
    struct file *file = file_of(fd);
    if (!file || !file->node)
        return -EBADF;
    if (file->node->kind != DIRECTORY)
        return -ENOTDIR;
    if (!user_range(to, size, true))
        return -EFAULT;
    u64 used = 0;
    for (bool end = false;; file->offset++) {
        struct node *node = node_at(file->offset, &end);
        if (end)
            return (long)used;
        if (!node || !node_is_child(node, file->node))
            continue;
        const char *name = node->path + strlen(file->node->path) + 1;
        u64 needed = (sizeof(struct entry) + strlen(name) + 1 + 7) & ~7UL;
        if (used + needed > size)
            return used ? (long)used : -EINVAL;
        struct entry *entry = (struct entry *)(to + used);
        *entry = (struct entry){node_number(node), file->offset + 1, (u16)needed, 0 /* DT_UNKNOWN */};
        entry->type = node->kind == DIRECTORY ? 4 : node->kind == REGULAR ? 8 : 2;
        memcpy(entry->name, name, strlen(name) + 1);
        used += needed;
    }
}
