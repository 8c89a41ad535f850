/* The calls that take a path: open, make, remove, rename, follow, list. What files are told to be is in attribute.c. */
#include <asm-generic/errno.h>
#include <linux/fcntl.h>
#include "file.h"

#define LINKS_MAX 40 /* in one path, as in Linux */

/* Append one name to the normal path in `to`: nothing for an empty one and ".", one name less for "..". */
static bool append_name(char *to, const char *name, size_t size) {
    size_t used = strlen(to);
    if (size == 2 && name[0] == '.' && name[1] == '.') {
        while (used > 0 && to[--used] != '/')
            ;
        to[used] = 0;
    } else if (size > 0 && !(size == 1 && name[0] == '.')) {
        if (used + size + 2 > PATH_SIZE)
            return false;
        to[used] = '/';
        memcpy(to + used + 1, name, size);
        to[used + 1 + size] = 0;
    }
    return true;
}

/* Append a path, following at most `left` links on the way; one that is its last name only to `follow` it. */
static long append_path(char *to, const char *from, bool follow, unsigned *left) {
    while (*from) {
        size_t size = 0, used = strlen(to);
        while (from[size] && from[size] != '/')
            size++;
        if (!append_name(to, from, size))
            return -ENAMETOOLONG;
        const struct node *link = follow || from[size] ? node_link(to) : NULL;
        if (link) {
            const char *target = (const char *)link->data;
            if (*left == 0)
                return -ELOOP;
            --*left;
            to[*target == '/' ? 0 : used] = 0;
            long error = append_path(to, target, true, left);
            if (error)
                return error;
        }
        from += size + (from[size] == '/');
    }
    return 0;
}

static char
    working[PATH_SIZE]; /* the current directory; may be removed under the program, which then finds nothing in it */

long take_path(u64 directory, u64 address, char *path, bool follow) {
    long size = user_string(address, 4096);
    if (size < 0)
        return size;
    const char *text = (const char *)address;
    unsigned left = LINKS_MAX;
    path[0] = 0;
    if (*text != '/' && (int)directory == AT_FDCWD) {
        memcpy(path, working, PATH_SIZE);
    } else if (*text != '/') {
        struct file *file = file_of(directory);
        if (!file || !file->node)
            return -EBADF;
        if (file->node->kind != DIRECTORY)
            return -ENOTDIR;
        memcpy(path, file->node->path, PATH_SIZE);
    }
    return size == 0 ? -ENOENT : append_path(path, text, follow, &left);
}

/* Why nothing is at `path`: a name on the way is missing, or is no directory. */
static long absence(char *path) {
    const struct node *node = NULL;
    for (size_t size = strlen(path); !node; node = node_find(path)) {
        while (size > 0 && path[--size] != '/')
            ;
        path[size] = 0;
    }
    return node->kind == DIRECTORY ? -ENOENT : -ENOTDIR;
}

struct node *lookup(u64 directory, u64 address, bool follow, long *error) {
    char path[PATH_SIZE];
    *error = take_path(directory, address, path, follow);
    struct node *node = *error ? NULL : node_find(path);
    if (!node && !*error)
        *error = absence(path);
    return node;
}

static long open_node(struct node *node, u64 flags) {
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (node->kind == LINK && !(flags & O_PATH))
        return -ELOOP; /* by O_NOFOLLOW */
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

static bool ends_in_slash(u64 address) {
    const char *text = (const char *)address;
    return text[strlen(text) - 1] == '/';
}

long sys_openat(u64 directory, u64 address, u64 flags, u64 mode) {
    char path[PATH_SIZE];
    bool anew = flags & O_CREAT && flags & O_EXCL;
    long error = take_path(directory, address, path, !anew && !(flags & O_NOFOLLOW));
    if (error)
        return error;
    struct node *node = node_find(path);
    if (node && anew)
        return -EEXIST;
    if (!node && flags & O_CREAT && ends_in_slash(address))
        return -EISDIR;
    if (!node && flags & O_CREAT)
        node = node_make(path, REGULAR, mode & ~umask_now(), &error);
    return node ? open_node(node, flags) : error ? error : absence(path);
}

long sys_open(u64 path, u64 flags, u64 mode) { return sys_openat((u64)AT_FDCWD, path, flags, mode); }

/* Make something that is no file; NULL with `error`. */
static struct node *make(u64 directory, u64 address, enum kind kind, u64 mode, long *error) {
    char path[PATH_SIZE];
    *error = take_path(directory, address, path, false);
    if (!*error && node_find(path))
        *error = -EEXIST;
    return *error ? NULL : node_make(path, kind, mode, error);
}

long sys_mkdirat(u64 directory, u64 address, u64 mode) {
    long error;
    make(directory, address, DIRECTORY, mode & ~umask_now(), &error);
    return error;
}

long sys_mkdir(u64 path, u64 mode) { return sys_mkdirat((u64)AT_FDCWD, path, mode); }

long sys_symlinkat(u64 target, u64 directory, u64 address) {
    long size = user_string(target, PATH_SIZE), error;
    if (size <= 0)
        return size ? size : -ENOENT;
    struct node *node = make(directory, address, LINK, 0777, &error);
    if (!node)
        return error;
    error = node_resize(node, (u64)size + 1);
    if (error) {
        node_remove(node);
        return error;
    }
    memcpy(node->data, (const void *)target, (u64)size + 1);
    node->size = (u64)size;
    return 0;
}

long sys_symlink(u64 target, u64 path) { return sys_symlinkat(target, (u64)AT_FDCWD, path); }

/* A second name for a file: what file systems without them answer. */
long sys_linkat(void) { return -EPERM; }

long sys_unlinkat(u64 directory, u64 address, u64 flags) {
    long error;
    struct node *node = lookup(directory, address, false, &error);
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
    struct node *node = lookup(from_directory, from, false, &error);
    if (node)
        error = take_path(to_directory, to, path, false);
    return error ? error : node_rename(node, path);
}

long sys_rename(u64 from, u64 to) { return sys_renameat((u64)AT_FDCWD, from, (u64)AT_FDCWD, to); }

/* ---- where it leads ---- */

static long go_to(const struct node *node) {
    if (node->kind != DIRECTORY)
        return -ENOTDIR;
    memcpy(working, node->path, PATH_SIZE);
    return 0;
}

long sys_chdir(u64 path) {
    long error;
    const struct node *node = lookup((u64)AT_FDCWD, path, true, &error);
    return node ? go_to(node) : error;
}

long sys_fchdir(u64 fd) {
    const struct file *file = file_of(fd);
    return !file ? -EBADF : file->node ? go_to(file->node) : -ENOTDIR;
}

long sys_readlinkat(u64 directory, u64 path, u64 to, u64 size) {
    long error;
    const struct node *node = lookup(directory, path, false, &error);
    if (!node || node->kind != LINK)
        return node ? -EINVAL : error;
    size = MIN(size, node->size);
    if (!user_range(to, size, true))
        return -EFAULT;
    memcpy((void *)to, node->data, size);
    return (long)size;
}

long sys_readlink(u64 path, u64 to, u64 size) { return sys_readlinkat((u64)AT_FDCWD, path, to, size); }

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
    static const u8 types[] = {
        [DIRECTORY] = 4, [REGULAR] = 8, [LINK] = 10, [CONSOLE] = 2, [EMPTY] = 2, [ZERO] = 2, [RANDOM] = 2};
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
        *entry = (struct entry){node_number(node), file->offset + 1, (u16)needed, types[node->kind]};
        memcpy(entry->name, name, strlen(name) + 1);
        used += needed;
    }
}
