/* Open files and their descriptors: octets in and out, and what else is asked of a descriptor. */
#include <asm-generic/errno.h>
#include <asm-generic/ioctls.h>
#include <linux/fcntl.h>
#include <linux/uio.h>
#include "file.h"
#include "snapshot.h"

#define VECTORS 1024 /* of a readv or writev, as in Linux */

static struct file files[FILES];
static struct {
    struct file *file;
    bool close_on_exec; /* remembered, because open() checks it; there is no exec */
} descriptors[FILES];

static bool blocks(const struct file *file) { return !(file->flags & O_NONBLOCK); }

/* ---- descriptors ---- */

struct file *file_of(u64 fd) {
    return fd < FILES ? descriptors[fd].file : NULL;
}

struct file *file_new(struct node *node, u32 flags) {
    for (struct file *file = files; file < files + FILES; file++)
        if (!file->references) {
            *file = (struct file){.node = node, .flags = flags};
            if (node)
                node->opened++;
            return file;
        }
    return NULL;
}

long descriptor_for(struct file *file, u64 from, bool close_on_exec) {
    for (u64 fd = from; fd < FILES; fd++)
        if (!descriptors[fd].file) {
            descriptors[fd].file = file;
            descriptors[fd].close_on_exec = close_on_exec;
            file->references++;
            return (long)fd;
        }
    return -EMFILE;
}

void file_drop(struct file *file) {
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
    file_drop(file);
    return 0;
}

void file_init(void) {
    struct file *console = file_new(node_find("/dev/console"), O_RDWR);
    for (u64 fd = 0; fd < 3; fd++)
        descriptor_for(console, fd, false);
}

bool files_untouched(void) {
    for (u64 fd = 3; fd < FILES; fd++)
        if (descriptors[fd].file)
            return false;
    const struct file *console = descriptors[0].file;
    return console && console->references == 3 && console->node && blocks(console);
}

/* ---- octets ---- */

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
    if (node->kind == RANDOM)
        random_stir(from, size);
    if (node->kind != REGULAR)
        return (long)size;
    long error = offset + size < offset ? -EFBIG : 0;
    if (!error && offset + size > node->size)
        error = node_resize(node, offset + size);
    if (error)
        return error;
    memcpy(node->data + offset, from, size);
    node->changed = (s64)now();
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
    long count =
        write ? write_at(file, *offset, (const u8 *)address, size) : read_at(file, *offset, (u8 *)address, size);
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

long sys_truncate(u64 path, u64 size) {
    long error;
    struct node *node = lookup((u64)AT_FDCWD, path, true, &error);
    if (!node)
        return error;
    if (node->kind != REGULAR)
        return node->kind == DIRECTORY ? -EISDIR : -EINVAL;
    if ((s64)size < 0)
        return -EINVAL;
    return node_writable(node) ? node_resize(node, size) : -EROFS;
}

/* ---- everything else about a descriptor ---- */

long sys_fsync(u64 fd) { return file_of(fd) ? 0 : -EBADF; }

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

/* send and recv of a socket pair: flags and addresses mean nothing to it. */
long sys_sendto(u64 fd, u64 from, u64 size) { return sys_write(fd, from, size); }
long sys_recvfrom(u64 fd, u64 to, u64 size) { return sys_read(fd, to, size); }
