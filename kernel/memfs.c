/*
 * Files in memory: the application's zip where the boot loader put it, the files that came with the boot under /boot, a
 * few devices, and /tmp, which may be written to but never holds more than an eighth of the memory.
 */
#include <asm-generic/errno.h>
#include "memfs.h"

#define NODES     256
#define TMP_SHARE 8

static struct node nodes[NODES];
static u64 tmp_pages; /* what the files under /tmp occupy */

struct node *node_find(const char *path) {
    for (struct node *node = nodes; node < nodes + NODES; node++)
        if (node->used && node->linked && strcmp(node->path, path) == 0)
            return node;
    return NULL;
}

struct node *node_at(u64 index, bool *end) {
    *end = index >= NODES;
    return !*end && nodes[index].used && nodes[index].linked ? &nodes[index] : NULL;
}

u64 node_number(const struct node *node) { return (u64)(node - nodes) + 1; }

bool node_writable(const struct node *node) { return starts_with(node->path, "/tmp"); }

static struct node *node_new(const char *path, enum kind kind) {
    for (struct node *node = nodes; node < nodes + NODES; node++)
        if (!node->used) {
            *node = (struct node){.kind = (u8)kind, .used = true, .linked = true, .changed = now()};
            memcpy(node->path, path, strlen(path) + 1);
            return node;
        }
    return NULL;
}

static size_t parent_size(const char *path) {
    size_t size = strlen(path);
    while (size > 0 && path[--size] != '/')
        ;
    return size;
}

bool node_is_child(const struct node *node, const struct node *directory) {
    size_t size = strlen(directory->path);
    return node != directory && parent_size(node->path) == size && memcmp(node->path, directory->path, size) == 0;
}

static bool has_children(const struct node *directory) {
    for (struct node *node = nodes; node < nodes + NODES; node++)
        if (node->used && node->linked && node_is_child(node, directory))
            return true;
    return false;
}

/* 0 when something may be made at `path`. */
static long check_parent(const char *path) {
    char parent[PATH_SIZE];
    size_t size = parent_size(path);
    memcpy(parent, path, size);
    parent[size] = 0;
    struct node *directory = node_find(parent);
    if (!directory)
        return -ENOENT;
    if (directory->kind != DIRECTORY)
        return -ENOTDIR;
    return node_writable(directory) ? 0 : -EROFS;
}

struct node *node_make(const char *path, enum kind kind, long *error) {
    *error = check_parent(path);
    if (*error)
        return NULL;
    struct node *node = node_new(path, kind);
    if (!node)
        *error = -ENOSPC;
    return node;
}

/* ---- data ---- */

long node_resize(struct node *node, u64 size) {
    u64 pages = PAGE_UP(size) / PAGE, had = node->capacity / PAGE;
    if (pages > had) {
        u64 limit = pages_total() / TMP_SHARE;
        if (size > pages_total() * PAGE || tmp_pages - had + pages > limit)
            return -ENOSPC;
        u64 wanted = MIN(pages * 2, limit - (tmp_pages - had)); /* room to grow, so that appending is not quadratic */
        u8 *data = (u8 *)pages_take(wanted, NEVER, false);
        if (!data)
            return -ENOSPC;
        memcpy(data, node->data, node->size);
        if (had)
            pages_give((u64)node->data, had);
        tmp_pages += wanted - had;
        node->data = data;
        node->capacity = wanted * PAGE;
    }
    if (size < node->size)
        memset(node->data + size, 0, node->size - size); /* what a later resize uncovers reads as zero */
    node->size = size;
    node->changed = now();
    return 0;
}

static void free_when_unused(struct node *node) {
    if (node->linked || node->opened)
        return;
    if (node->capacity) {
        pages_give((u64)node->data, node->capacity / PAGE);
        tmp_pages -= node->capacity / PAGE;
    }
    node->used = false;
}

void node_close(struct node *node) {
    node->opened--;
    free_when_unused(node);
}

long node_remove(struct node *node) {
    if (!node_writable(node) || strcmp(node->path, "/tmp") == 0)
        return -EROFS;
    if (node->kind == DIRECTORY && has_children(node))
        return -ENOTEMPTY;
    node->linked = false;
    free_when_unused(node);
    return 0;
}

long node_rename(struct node *node, const char *path) {
    struct node *target = node_find(path);
    long error = node_writable(node) ? check_parent(path) : -EROFS;
    if (error || target == node)
        return error;
    if (node->kind == DIRECTORY && (has_children(node) || target))
        return -EBUSY; /* moving a tree would rename everything in it: nobody has needed it */
    if (target && (error = target->kind == DIRECTORY ? -EISDIR : node_remove(target)))
        return error;
    memcpy(node->path, path, strlen(path) + 1);
    return 0;
}

/* ---- what is there at boot ---- */

static void add_data(const char *path, const u8 *data, u64 size) {
    struct node *node = node_new(path, REGULAR);
    if (!node)
        panic("more than %lu boot-time files", (u64)NODES);
    node->data = (u8 *)data;
    node->size = size;
}

void memfs_init(const u8 *zip, u64 size) {
    static const struct {
        const char *path;
        enum kind kind;
    } fixed[] = {{"", DIRECTORY},          {"/boot", DIRECTORY},    {"/dev", DIRECTORY},
                 {"/tmp", DIRECTORY},      {"/dev/null", EMPTY},    {"/dev/zero", ZERO},
                 {"/dev/urandom", RANDOM}, {"/dev/random", RANDOM}, {"/dev/console", CONSOLE}};
    for (size_t i = 0; i < COUNT(fixed); i++)
        node_new(fixed[i].path, fixed[i].kind);
    if (size)
        add_data("/app.zip", zip, size);
}

static u64 hexadecimal(const u8 *digits) {
    u64 value = 0;
    for (int i = 0; i < 8; i++) {
        u8 digit = digits[i] | 0x20;
        value = value << 4 | (u64)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return value;
}

/* The `newc` form: a header of 110 octets of ASCII, the name, the data, each padded to a multiple of 4. */
void memfs_archive(const struct range *module) {
    static const char magic[] = "070701", last[] = "TRAILER!!!";
    for (u64 at = module->start; at + 110 <= module->end;) {
        const u8 *header = (const u8 *)at;
        if (memcmp(header, magic, sizeof magic - 1) != 0)
            panic("the boot-time files are no cpio archive (newc): see docs/spec/boot.md");
        u64 size = hexadecimal(header + 54), name_size = hexadecimal(header + 94);
        const char *name = (const char *)(at + 110);
        u64 data = (at + 110 + name_size + 3) & ~3UL;
        if (name_size == 0 || name_size > PATH_SIZE - sizeof "/boot/" || data + size > module->end ||
            name[name_size - 1])
            panic("the archive of boot-time files is damaged, or a name in it has more than %lu octets",
                  PATH_SIZE - 8UL);
        if (strcmp(name, last) == 0)
            return;
        char path[PATH_SIZE] = "/boot/";
        memcpy(path + 6, name, name_size);
        add_data(path, (const u8 *)data, size);
        at = (data + size + 3) & ~3UL;
    }
    panic("the archive of boot-time files has no end: it was cut off");
}
