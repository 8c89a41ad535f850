/* file.c's promises: open files, which descriptors, paths, pipes and poll have in common. */
#ifndef FATA_FILE_H
#define FATA_FILE_H

#include "memfs.h"

#define FILES 256 /* open at once, and descriptors */

struct file {
    struct node *node;           /* NULL for a pipe */
    struct pipe *reads, *writes; /* NULL for a node; both for an end of a socket pair */
    u64 offset;
    u32 references; /* 0: a free slot */
    u32 flags;
};

struct file *file_of(u64 fd);                        /* NULL for a descriptor that is not open */
struct file *file_new(struct node *node, u32 flags); /* NULL when there are too many; referenced by nobody yet */
long descriptor_for(struct file *file, u64 from, bool close_on_exec); /* the lowest free one, or -EMFILE */
void file_drop(struct file *file);                                    /* one reference less */
long sys_close(u64 fd);

/* Take a path from the program: absolute and without links, but for its last name unless it is to `follow` that. */
long take_path(u64 directory, u64 address, char *path, bool follow);
struct node *lookup(u64 directory, u64 address, bool follow,
                    long *error); /* NULL with the error when it is not there */
u64 umask_now(void);

#endif
