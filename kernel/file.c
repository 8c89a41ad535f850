/* Descriptors: open files, pipes and the console, and the calls that take a descriptor or a path. */
#include <asm-generic/errno.h>
#include <asm-generic/ioctls.h>
#include <asm-generic/poll.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/net.h>
#include <linux/stat.h>
#include <linux/uio.h>
#include "memfs.h"

#define FILES     256
#define VECTORS   1024 /* of a readv or writev, as in Linux */
#define POLL_MAX  FILES

struct file {
    struct node *node; /* NULL for a pipe */
    struct pipe *reads, *writes;
    u64 offset;
    u32 references; /* 0: a free slot */
    u32 flags;
};

static struct file files[FILES];
static struct {
    struct file *file;
    bool close_on_exec; /* remembered, because open() checks it; there is no exec */
} descriptors[FILES];
const char poll_channel = 0;

/* ---- descriptors ---- */

static struct file *file_of(u64 fd) { return fd < FILES ? descriptors[fd].file : NULL; }

static struct file *file_new(struct node *node, u32 flags) {
    for (struct file *file = files; file < files + FILES; file++)
        if (!file->references) {
            *file = (struct file){.node = node, .flags = flags};
            if (node)
                node->opened++;
            return file;
        }
    return NULL;
}

static long descriptor_for(struct file *file, u64 from, bool close_on_exec) {
    for (u64 fd = from; fd < FILES; fd++)
        if (!descriptors[fd].file) {
            descriptors[fd].file = file;
            descriptors[fd].close_on_exec = close_on_exec;
            file->references++;
            return (long)fd;
        }
    return -EMFILE;
}

static void drop(struct file *file) {
    if (--file->references)
        return;
    if (file->node)
        node_close(file->node);
    if (file->reads)
        pipe_close(file->reads, false);
    if (file->writes)
        pipe_close(file->writes, true);
}

long sys_close(u64 fd) {
    struct file *file = file_of(fd);
    if (!file)
        return -EBADF;
    descriptors[fd].file = NULL;
    drop(file);
    return 0;
}

void file_init(void) {
    struct file *console = file_new(node_find("/dev/console"), O_RDWR);
    for (u64 fd = 0; fd < 3; fd++)
        descriptor_for(console, fd, false);
}

/* ---- paths ---- */

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

/* Take a path from the program. The current directory is always the root. */
static long take_path(u64 directory, u64 address, char *path) {
    long size = user_string(address, 4096);
    if (size < 0)
        return size;
    const char *text = (const char *)address;
    path[0] = 0;
    if (*text != '/' && (int)directory != AT_FDCWD) {
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
        drop(file);
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
    return !node ? error : node->path[0] ? -ENOSYS : 0;
}

long sys_readlinkat(u64 directory, u64 path) { /* nothing is a link */
    long error;
    return lookup(directory, path, &error) ? -EINVAL : error;
}

long sys_readlink(u64 path) { return sys_readlinkat((u64)AT_FDCWD, path); }

long sys_getcwd(u64 to, u64 size) {
    if (size < 2)
        return -ERANGE;
    if (!user_range(to, 2, true))
        return -EFAULT;
    memcpy((void *)to, "/", 2);
    return 2;
}

/* ---- octets ---- */

static bool blocks(const struct file *file) { return !(file->flags & O_NONBLOCK); }

static long read_console(struct file *file, u8 *to, u64 size) {
    long count = console_read(to, size);
    if (count || size == 0)
        return count;
    return blocks(file) ? sleep_on(&console_channel, NEVER) : -EAGAIN;
}

static long read_at(struct file *file, u64 offset, u8 *to, u64 size) {
    switch (file->node->kind) {
    case DIRECTORY:
        return -EISDIR;
    case CONSOLE:
        return read_console(file, to, size);
    case ZERO:
        memset(to, 0, size);
        return (long)size;
    case RANDOM:
        return random_fill(to, size);
    case REGULAR:
        size = offset < file->node->size ? MIN(size, file->node->size - offset) : 0;
        memcpy(to, file->node->data + offset, size);
        return (long)size;
    default:
        return 0;
    }
}

static long write_at(struct file *file, u64 offset, const u8 *from, u64 size) {
    struct node *node = file->node;
    if (node->kind == CONSOLE)
        console_write(from, size);
    if (node->kind != REGULAR)
        return (long)size;
    long error = offset + size < offset ? -EFBIG : 0;
    if (!error && offset + size > node->size)
        error = node_resize(node, offset + size);
    if (error)
        return error;
    memcpy(node->data + offset, from, size);
    node->changed = now();
    return (long)size;
}

static long transfer(struct file *file, u64 *offset, u64 address, u64 size, bool write) {
    if (!user_range(address, size, !write))
        return -EFAULT;
    struct pipe *pipe = write ? file->writes : file->reads;
    if (pipe)
        return write ? pipe_write(pipe, (const u8 *)address, size, blocks(file))
                     : pipe_read(pipe, (u8 *)address, size, blocks(file));
    if (!file->node || (file->flags & O_ACCMODE) == (write ? O_RDONLY : O_WRONLY))
        return -EBADF;
    if (write && file->flags & O_APPEND)
        *offset = file->node->size;
    long count = write ? write_at(file, *offset, (const u8 *)address, size) : read_at(file, *offset, (u8 *)address, size);
    *offset += count > 0 ? (u64)count : 0;
    return count;
}

long sys_read(u64 fd, u64 to, u64 size) {
    struct file *file = file_of(fd);
    return file ? transfer(file, &file->offset, to, size, false) : -EBADF;
}

long sys_write(u64 fd, u64 from, u64 size) {
    struct file *file = file_of(fd);
    return file ? transfer(file, &file->offset, from, size, true) : -EBADF;
}

long sys_pread64(u64 fd, u64 to, u64 size, u64 offset) {
    struct file *file = file_of(fd);
    return file ? transfer(file, &offset, to, size, false) : -EBADF;
}

long sys_pwrite64(u64 fd, u64 from, u64 size, u64 offset) {
    struct file *file = file_of(fd);
    return file ? transfer(file, &offset, from, size, true) : -EBADF;
}

static long transfer_vectors(u64 fd, u64 vectors, u64 count, bool write) {
    struct file *file = file_of(fd);
    if (!file)
        return -EBADF;
    if (count > VECTORS)
        return -EINVAL;
    if (!user_range(vectors, count * sizeof(struct iovec), false))
        return -EFAULT;
    const struct iovec *vector = (const struct iovec *)vectors;
    long total = 0;
    for (u64 i = 0; i < count; i++) {
        if (vector[i].iov_len == 0)
            continue;
        if (total && file->reads && !write && !pipe_readable(file->reads))
            break; /* some is enough: it must not sleep now */
        long done = transfer(file, &file->offset, (u64)vector[i].iov_base, vector[i].iov_len, write);
        if (done < 0 || current->state == WAITING)
            return total ? total : done;
        total += done;
        if ((u64)done < vector[i].iov_len)
            break;
    }
    return total;
}

long sys_readv(u64 fd, u64 vectors, u64 count) { return transfer_vectors(fd, vectors, count, false); }
long sys_writev(u64 fd, u64 vectors, u64 count) { return transfer_vectors(fd, vectors, count, true); }

long sys_lseek(u64 fd, u64 offset, u64 whence) {
    struct file *file = file_of(fd);
    if (!file)
        return -EBADF;
    if (!file->node || file->node->kind == CONSOLE)
        return -ESPIPE;
    s64 base = whence == 0 ? 0 : whence == 1 ? (s64)file->offset : (s64)file->node->size, to;
    if (whence > 2 || __builtin_add_overflow(base, (s64)offset, &to) || to < 0)
        return -EINVAL;
    file->offset = (u64)to;
    return to;
}

long sys_ftruncate(u64 fd, u64 size) {
    struct file *file = file_of(fd);
    if (!file || !file->node)
        return -EBADF;
    return node_writable(file->node) && file->node->kind == REGULAR ? node_resize(file->node, size) : -EINVAL;
}

/* ---- everything else about a descriptor ---- */

long sys_fcntl(u64 fd, u64 command, u64 value) {
    struct file *file = file_of(fd);
    if (!file)
        return -EBADF;
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return descriptor_for(file, value, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return descriptors[fd].close_on_exec;
    case F_SETFD:
        descriptors[fd].close_on_exec = value & FD_CLOEXEC;
        return 0;
    case F_GETFL:
        return file->flags;
    case F_SETFL:
        file->flags = (file->flags & ~(u32)(O_NONBLOCK | O_APPEND)) | (value & (O_NONBLOCK | O_APPEND));
        return 0;
    default:
        return -EINVAL;
    }
}

long sys_ioctl(u64 fd, u64 request, u64 argument) {
    struct file *file = file_of(fd);
    if (!file)
        return -EBADF;
    if (request == FIOCLEX || request == FIONCLEX) {
        descriptors[fd].close_on_exec = request == FIOCLEX;
        return 0;
    }
    if (request != FIONBIO)
        return -ENOTTY;
    if (!user_range(argument, sizeof(int), false))
        return -EFAULT;
    file->flags = (file->flags & ~(u32)O_NONBLOCK) | (*(const int *)argument ? O_NONBLOCK : 0);
    return 0;
}

long sys_dup(u64 fd) { return sys_fcntl(fd, F_DUPFD, 0); }

long sys_dup3(u64 fd, u64 to, u64 flags) {
    struct file *file = file_of(fd);
    if (!file || to >= FILES)
        return -EBADF;
    if (fd == to)
        return -EINVAL;
    if (descriptors[to].file)
        sys_close(to);
    return descriptor_for(file, to, flags & O_CLOEXEC);
}

long sys_dup2(u64 fd, u64 to) { return fd == to && file_of(fd) ? (long)fd : sys_dup3(fd, to, 0); }

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

static long two_descriptors(struct file *a, struct file *b, u64 flags, u64 to) {
    long first = descriptor_for(a, 0, flags & O_CLOEXEC);
    long second = first < 0 ? first : descriptor_for(b, 0, flags & O_CLOEXEC);
    if (second < 0) {
        if (first >= 0)
            sys_close((u64)first);
        return second;
    }
    ((int *)to)[0] = (int)first;
    ((int *)to)[1] = (int)second;
    return 0;
}

/* Two files joined by one pipe (a to b), or by two when `both` ways. */
static long joined(u64 to, u64 flags, bool both) {
    if (!user_range(to, 2 * sizeof(int), true))
        return -EFAULT;
    struct pipe *forth = pipe_new(), *back = both ? pipe_new() : NULL;
    struct file *a = file_new(NULL, (u32)(flags & O_NONBLOCK));
    if (a)
        a->references++; /* or the next would be the same slot */
    struct file *b = file_new(NULL, (u32)(flags & O_NONBLOCK));
    if (a)
        a->references--;
    long error = !forth || (both && !back) ? -ENOMEM : !a || !b ? -ENFILE : 0;
    if (!error) {
        a->reads = forth;
        b->writes = forth;
        a->writes = back;
        b->reads = back;
        error = two_descriptors(a, b, flags, to);
    }
    if (error && forth)
        pages_give((u64)forth, 1);
    if (error && back)
        pages_give((u64)back, 1);
    return error;
}

long sys_pipe2(u64 to, u64 flags) { return joined(to, flags, false); }
long sys_pipe(u64 to) { return joined(to, 0, false); }

long sys_socketpair(u64 family, u64 type, u64 protocol, u64 to) {
    (void)protocol;
    if (family != 1 /* AF_UNIX */ || (type & 0xf) != 1 /* SOCK_STREAM */)
        return -EAFNOSUPPORT;
    return joined(to, type & (O_NONBLOCK | O_CLOEXEC), true); /* SOCK_NONBLOCK and SOCK_CLOEXEC are the same bits */
}

/* send and recv of a socket pair: flags and addresses mean nothing to it. */
long sys_sendto(u64 fd, u64 from, u64 size) { return sys_write(fd, from, size); }
long sys_recvfrom(u64 fd, u64 to, u64 size) { return sys_read(fd, to, size); }

/* ---- poll ---- */

static u32 readiness(const struct file *file) {
    if (!file)
        return POLLNVAL;
    if (file->node)
        return POLLOUT | (file->node->kind != CONSOLE || console_ready() ? POLLIN : 0);
    return (file->reads && pipe_readable(file->reads) ? POLLIN : 0) |
           (file->writes && pipe_writable(file->writes) ? POLLOUT : 0);
}

long sys_poll(u64 set, u64 count, u64 timeout) {
    struct pollfd *polled = (struct pollfd *)set;
    if (count > POLL_MAX)
        return -EINVAL;
    if (!user_range(set, count * sizeof *polled, true))
        return -EFAULT;
    long ready = 0;
    for (u64 i = 0; i < count; i++) {
        u32 interesting = (u32)polled[i].events | POLLNVAL | POLLHUP | POLLERR;
        u32 found = polled[i].fd < 0 ? 0 : readiness(file_of((u64)polled[i].fd)) & interesting;
        polled[i].revents = (short)found;
        ready += found != 0;
    }
    if (ready || current->expired || timeout == 0)
        return ready;
    u64 deadline = (int)timeout < 0 ? NEVER : now() + timeout * MILLISECOND;
    return sleep_on(&poll_channel, call_deadline(deadline));
}
