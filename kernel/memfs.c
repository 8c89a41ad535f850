/*
 * Files in memory: the application's zip where the boot loader put it, the files that came with the boot under /boot, a
 * few devices, and /tmp, which may be written to but never holds more than an eighth of the memory.
 */
#include <asm-generic/errno.h>
#include "memfs.h"
#include "snapshot.h"

#define NODE_PAGES 128
#define PER_PAGE   (PAGE / sizeof(struct node))
#define TMP_SHARE  8

static struct node *node_pages[NODE_PAGES]; /* taken one by one, and kept */
static u64 node_count;                      /* in them, free slots included */
static u64 tmp_pages;                       /* what the files under /tmp occupy */

static struct node *slot(u64 index) {
    return index < node_count ? &node_pages[index / PER_PAGE][index % PER_PAGE] : NULL;
}

static u32 hash_of(const char *path) { /* FNV-1a */
    u32 hash = 2166136261;
    for (; *path; path++)
        hash = (hash ^ (u8)*path) * 16777619;
    return hash;
}

struct node *node_find(const char *path) {
    u32 hash = hash_of(path);
    struct node *node;
    for (u64 i = 0; (node = slot(i)); i++)
        if (node->hash == hash && node->used && node->linked && strcmp(node->path, path) == 0)
            return node;
    return NULL;
}

static bool any_links; /* ever made: without one a path needs not be looked at name by name */

struct node *node_link(const char *path) {
    struct node *node = any_links ? node_find(path) : NULL;
    return node && node->kind == LINK ? node : NULL;
}

struct node *node_at(u64 index, bool *end) {
    struct node *node = slot(index);
    *end = !node;
    return node && node->used && node->linked ? node : NULL;
}

bool memfs_untouched(void) {
    for (u64 i = 0; i < node_count; i++)
        if (slot(i)->used && slot(i)->linked && node_writable(slot(i)) && strcmp(slot(i)->path, "/tmp") != 0)
            return false;
    return true;
}

u64 node_number(const struct node *node) { return node->number; }

bool node_writable(const struct node *node) { return starts_with(node->path, "/tmp"); }

static void set_path(struct node *node, const char *path) {
    memcpy(node->path, path, strlen(path) + 1);
    node->hash = hash_of(path);
}

/* A slot that nobody uses, on a further page if need be; its index in `index`. */
static struct node *free_slot(u64 *index) {
    struct node *node;
    for (*index = 0; (node = slot(*index)); ++*index)
        if (!node->used)
            return node;
    u64 page = node_count / PER_PAGE;
    if (page >= NODE_PAGES || !(node_pages[page] = (struct node *)pages_take(1, NEVER, false)))
        return NULL;
    node_count += PER_PAGE;
    return slot(*index);
}

static struct node *node_new(const char *path, enum kind kind) {
    u64 index;
    struct node *node = free_slot(&index);
    if (node) {
        *node = (struct node){.kind = (u8)kind,
                              .used = true,
                              .linked = true,
                              .changed = (s64)now(),
                              .accessed = (s64)now(),
                              .number = (u32)index + 1};
        set_path(node, path);
    }
    return node;
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
    struct node *node;
    for (u64 i = 0; (node = slot(i)); i++)
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

/* What is made or removed changes its directory, and Python's importer looks there for news. */
static void touch_parent(const char *path) {
    char parent[PATH_SIZE];
    size_t size = parent_size(path);
    memcpy(parent, path, size);
    parent[size] = 0;
    struct node *directory = node_find(parent);
    if (directory)
        directory->changed = (s64)now();
}

struct node *node_make(const char *path, enum kind kind, u64 mode, long *error) {
    *error = check_parent(path);
    if (*error)
        return NULL;
    struct node *node = node_new(path, kind);
    if (!node) {
        *error = -ENOSPC;
        return NULL;
    }
    node->mode = (u16)(mode & 07777);
    any_links |= kind == LINK;
    touch_parent(path);
    return node;
}

/* ---- data ---- */

u64 tmp_pages_limit(void) { return pages_total() / TMP_SHARE; }
u64 tmp_pages_used(void) { return tmp_pages; }

long node_resize(struct node *node, u64 size) {
    u64 pages = PAGE_UP(size) / PAGE, had = node->capacity / PAGE;
    if (pages > had) {
        u64 limit = tmp_pages_limit();
        if (size > pages_total() * PAGE || tmp_pages - had + pages > limit)
            return -ENOSPC;
        /* What grows gets room to grow, so that appending is not quadratic. */
        u64 wanted = had ? MIN(pages * 2, limit - (tmp_pages - had)) : pages;
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
    node->changed = (s64)now();
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
    touch_parent(node->path);
    free_when_unused(node);
    return 0;
}

static bool is_below(const struct node *node, const char *directory) {
    size_t size = strlen(directory);
    return node->used && node->linked && starts_with(node->path, directory) && node->path[size] == '/';
}

/* Give `node` and all below it their new paths; -ENAMETOOLONG, with nothing done, if one would not fit. */
static long move_tree(struct node *node, const char *path) {
    char from[PATH_SIZE];
    size_t old = strlen(node->path), size = strlen(path);
    struct node *each;
    for (u64 i = 0; (each = slot(i)); i++)
        if (is_below(each, node->path) && strlen(each->path) - old + size >= PATH_SIZE)
            return -ENAMETOOLONG;
    memcpy(from, node->path, old + 1);
    set_path(node, path);
    touch_parent(from);
    touch_parent(path);
    for (u64 i = 0; (each = slot(i)); i++)
        if (is_below(each, from)) {
            memmove(each->path + size, each->path + old, strlen(each->path + old) + 1);
            memcpy(each->path, path, size);
            each->hash = hash_of(each->path);
        }
    return 0;
}

long node_rename(struct node *node, const char *path) {
    struct node *target = node_find(path);
    long error = node_writable(node) && strcmp(node->path, "/tmp") != 0 ? check_parent(path) : -EROFS;
    if (error || target == node)
        return error;
    size_t size = strlen(node->path);
    if (starts_with(path, node->path) && path[size] == '/')
        return -EINVAL; /* into itself */
    if (target && (target->kind == DIRECTORY) != (node->kind == DIRECTORY))
        return target->kind == DIRECTORY ? -EISDIR : -ENOTDIR;
    if (target && (error = node_remove(target)))
        return error;
    return move_tree(node, path);
}

/* ---- what is there at boot ---- */

static void add_data(const char *path, const u8 *data, u64 size) {
    struct node *node = node_new(path, REGULAR);
    if (!node)
        panic("more than %lu boot-time files", (u64)NODE_PAGES * PER_PAGE);
    node->data = (u8 *)data;
    node->size = size;
}

/* There is one user, and who asks for its name or its home gets an answer. */
static const char passwd[] = "root:x:0:0:root:/tmp:/bin/sh\n", group[] = "root:x:0:\n";

void memfs_init(const u8 *zip, u64 size) {
    static const struct {
        const char *path;
        enum kind kind;
    } fixed[] = {{"", DIRECTORY},           {"/boot", DIRECTORY}, {"/dev", DIRECTORY},      {"/tmp", DIRECTORY},
                 {"/dev/null", EMPTY},      {"/dev/zero", ZERO},  {"/dev/urandom", RANDOM}, {"/dev/random", RANDOM},
                 {"/dev/console", CONSOLE}, {"/etc", DIRECTORY}};
    for (size_t i = 0; i < COUNT(fixed); i++)
        node_new(fixed[i].path, fixed[i].kind);
    node_find("/tmp")->mode = 01777;
    add_data("/etc/passwd", (const u8 *)passwd, sizeof passwd - 1);
    add_data("/etc/group", (const u8 *)group, sizeof group - 1);
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
