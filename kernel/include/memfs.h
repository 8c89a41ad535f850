/* memfs.c's promises: a tree of named things in memory. No node moves while someone has it open. */
#ifndef FATA_MEMFS_H
#define FATA_MEMFS_H

#include "kernel.h"

#define PATH_SIZE 256 /* octets of a path, its NUL among them */

enum kind { DIRECTORY, REGULAR, LINK, CONSOLE, EMPTY, ZERO, RANDOM }; /* EMPTY: /dev/null */

struct node {
    char path[PATH_SIZE]; /* absolute, without a / at its end; "" is the root */
    u32 hash;             /* of the path */
    u32 number;
    u8 *data;              /* of a LINK: where it leads, with a NUL beyond its size */
    u64 size, capacity;    /* capacity 0: the data is not ours, and read-only */
    s64 changed, accessed; /* ns since boot; less than 0 when a program has set it so */
    u16 mode;              /* of what lies under /tmp: kept, but the one user may do everything */
    u32 user, group;       /* who owns it: kept likewise */
    u32 opened;            /* how many open files there are */
    u8 kind;
    bool used, linked; /* a node that is not linked goes when nobody has it open */
};

struct node *node_find(const char *path);
struct node *node_link(const char *path);   /* NULL when there is no link of this name */
struct node *node_at(u64 index, bool *end); /* all nodes in turn, NULL for a free slot */
u64 node_number(const struct node *node);
struct node *node_make(const char *path, enum kind kind, u64 mode, long *error); /* under /tmp only */
long node_remove(struct node *node);
long node_rename(struct node *node, const char *path);
void node_close(struct node *node);
long node_resize(struct node *node, u64 size);
u64 tmp_pages_limit(void);
u64 tmp_pages_used(void);
bool node_writable(const struct node *node);
bool node_is_child(const struct node *node, const struct node *directory);

#endif
