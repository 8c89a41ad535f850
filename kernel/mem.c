/*
 * Memory: what each page of RAM is used for, and what ring 3 may do with it.
 *
 * Virtual and physical addresses are the same number, so a run of pages for the program is a run of page frames, given
 * wholly or not at all: memory that `mmap` has promised exists, and its lack is ENOMEM (Python's MemoryError), never a
 * fault later on. Pages that are not the program's are mapped for the kernel only; so are the page tables.
 */
#include <asm-generic/errno.h>
#include <linux/elf.h>
#include <linux/mman.h>
#include "kernel.h"
#include "x86.h"
#include "image.h"
#include "snapshot.h"

enum use { HOLE, FREE, KERNEL, IMAGE, PROGRAM }; /* IMAGE: of the program, but neither unmapped nor given back */

enum {
    PRESENT = 1,
    WRITE = 2,
    USER = 4,
    UNCACHED = 0x18,
    LARGE = 0x80,
};
#define NO_EXECUTE (1UL << 63)
#define ADDRESS    0x000ffffffffff000UL
#define BOOT_MAP   (4UL << 30) /* what boot.S has mapped */
#define TABLE_SPAN (1UL << 39) /* what one table of the third level can map: RAM beyond it is not used */

extern u64 pml4[512];
static u8 *use;        /* of each page, by its number */
static u64 page_count; /* entries in `use` */
static u64 free_count, total_count;
static u64 highest_free; /* no page at or above this number is FREE */
static u64 break_start, break_end;

static u64 *table_new(void) { return (u64 *)pages_take(1, NEVER, false); }

/* Return the table below `entry`, making it first if there is none; a large page becomes 512 small ones like it. */
static u64 *table_below(u64 *entry, u64 page_size) {
    if ((*entry & PRESENT) && !(*entry & LARGE))
        return (u64 *)(*entry & ADDRESS);
    u64 *table = table_new();
    if (!table)
        return NULL;
    if (*entry & PRESENT)
        for (u64 i = 0; i < 512; i++)
            table[i] = ((*entry & ~(u64)LARGE) + i * page_size) | (page_size > PAGE ? LARGE : 0);
    *entry = (u64)table | PRESENT | WRITE | USER;
    return table;
}

static u64 *directory_entry(u64 address) {
    u64 *third = table_below(&pml4[address >> 39 & 511], 1UL << 30);
    u64 *second = third ? table_below(&third[address >> 30 & 511], 1UL << 21) : NULL;
    return second ? &second[address >> 21 & 511] : NULL;
}

static u64 *page_entry(u64 address) {
    u64 *entry = directory_entry(address);
    u64 *table = entry ? table_below(entry, PAGE) : NULL;
    return table ? &table[address >> 12 & 511] : NULL;
}

static u64 entry_flags(unsigned access) {
    u64 flags = access & ACCESS_EXECUTE ? 0 : NO_EXECUTE;
    flags |= access & ACCESS_WRITE ? WRITE : 0;
    flags |= access & ACCESS_KERNEL ? 0 : USER;
    flags |= access & ACCESS_DEVICE ? UNCACHED : 0;
    return flags | PRESENT;
}

/* Map [start, end) one to one. False when a table could not be had; part of the range may have changed then. */
bool protect(u64 start, u64 end, unsigned access) {
    u64 flags = entry_flags(access);
    for (u64 page = start; page < end; page += PAGE) {
        u64 *entry = page_entry(page);
        if (!entry)
            return false;
        *entry = access == ACCESS_NONE ? 0 : page | flags;
        if (end - start <= 64 * PAGE)
            flush_page(page);
    }
    if (end - start > 64 * PAGE)
        flush_all();
    return true;
}

/* What of PRESENT, WRITE and USER holds at every level for the page; 0 when it is not mapped. */
static u64 rights(u64 address) {
    if (address >= 1UL << 47)
        return 0;
    u64 entry = pml4[address >> 39], all = entry;
    for (int shift = 30; shift >= 12 && (entry & PRESENT); shift -= 9) {
        entry = ((u64 *)(entry & ADDRESS))[address >> shift & 511];
        all &= entry;
        if (entry & LARGE && shift > 12)
            break;
    }
    return all & PRESENT ? all & (PRESENT | WRITE | USER) : 0;
}

bool user_range(u64 address, u64 size, bool write) {
    u64 needed = PRESENT | USER | (write ? WRITE : 0);
    if (address + size < address)
        return false;
    if (size == 0)
        return true; /* nothing will be touched: an empty buffer may be anywhere */
    for (u64 page = PAGE_DOWN(address); page < address + size; page += PAGE)
        if ((rights(page) & needed) != needed)
            return false;
    return true;
}

long user_string(u64 address, u64 max) {
    for (u64 size = 0; size < max; size++) {
        if ((size == 0 || (address + size) % PAGE == 0) && !user_range(address + size, 1, false))
            return -EFAULT;
        if (((const char *)address)[size] == 0)
            return (long)size;
    }
    return -ENAMETOOLONG;
}

/* ---- page frames ---- */

static void mark(u64 start, u64 end, enum use as) {
    for (u64 n = start / PAGE; n < PAGE_UP(end) / PAGE && n < page_count; n++)
        use[n] = as;
}

static u64 find_run(u64 count, u64 below) {
    u64 found = 0;
    for (u64 n = MIN(highest_free, MIN(page_count, below / PAGE)); n > 0 && found < count;) {
        n--;
        found = use[n] == FREE ? found + 1 : 0;
        if (found == count)
            return n;
    }
    return 0; /* page 0 is never free */
}

u64 pages_take(u64 count, u64 below, bool for_program) {
    u64 first = count > 0 && count <= free_count ? find_run(count, below) : 0;
    if (!first)
        return 0;
    mark(first * PAGE, (first + count) * PAGE, for_program ? PROGRAM : KERNEL);
    free_count -= count;
    while (highest_free > 0 && use[highest_free - 1] != FREE)
        highest_free--;
    memset((void *)(first * PAGE), 0, count * PAGE);
    return first * PAGE;
}

void pages_give(u64 address, u64 count) {
    mark(address, address + count * PAGE, FREE);
    free_count += count;
    if (address / PAGE + count > highest_free)
        highest_free = address / PAGE + count;
}

u64 pages_free(void) { return free_count; }
u64 pages_total(void) { return total_count; }

bool pages_are_ram(u64 start, u64 end) {
    for (u64 n = start / PAGE; n < PAGE_UP(end) / PAGE && n < page_count; n++)
        if (use[n] != HOLE)
            return true;
    return false;
}

static void release(u64 start, u64 end) {
    protect(start, end, ACCESS_READ | ACCESS_WRITE | ACCESS_KERNEL); /* the tables exist: this cannot fail */
    pages_give(start, (end - start) / PAGE);
}

/* ---- at boot ---- */

/* Find the first place after the image for `size` octets that no module occupies. */
static u64 place_after(u64 address, u64 size, const struct range *modules, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (address < modules[i].end && modules[i].start < address + size)
            return place_after(PAGE_UP(modules[i].end), size, modules, count);
    return address;
}

static void protect_image(void) {
    const struct elf64_hdr *header = (const void *)image_start;
    const struct elf64_phdr *segment = (const void *)(image_start + header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++, segment++) {
        unsigned access = ACCESS_READ;
        access |= segment->p_flags & PF_W ? ACCESS_WRITE : 0;
        access |= segment->p_flags & PF_X ? ACCESS_EXECUTE : 0;
        bool kernels = segment->p_vaddr >= (u64)kernel_text && segment->p_vaddr < (u64)kernel_data_end;
        if (segment->p_type == PT_LOAD)
            protect(PAGE_DOWN(segment->p_vaddr), PAGE_UP(segment->p_vaddr + segment->p_memsz),
                    access | (kernels ? ACCESS_KERNEL : 0));
    }
}

#define LARGE_PAGE (1UL << 21)

/* Take the execute right from all of boot.S's map but the kernel, mark as uncached what is not RAM; map the RAM above
 * it. */
static void map_ram(void) {
    u64 ours =
        (u64)kernel_text & ~(LARGE_PAGE - 1); /* the kernel is smaller than a large page, and lies in one: image.ld */
    for (u64 address = 0; address < BOOT_MAP; address += LARGE_PAGE)
        if (address != ours)
            *directory_entry(address) |= NO_EXECUTE | (pages_are_ram(address, address + LARGE_PAGE) ? 0 : UNCACHED);
    protect(ours, (u64)kernel_text, ACCESS_READ | ACCESS_WRITE | ACCESS_KERNEL);
    protect((u64)kernel_text_end, ours + LARGE_PAGE, ACCESS_READ | ACCESS_WRITE | ACCESS_KERNEL);
    for (u64 address = BOOT_MAP; address < page_count * PAGE; address += LARGE_PAGE) {
        u64 *entry = pages_are_ram(address, address + LARGE_PAGE) ? directory_entry(address) : NULL;
        if (entry)
            *entry = address | PRESENT | WRITE | LARGE | NO_EXECUTE;
    }
}

static void count_free(void) {
    for (u64 n = 0; n < page_count; n++) {
        free_count += use[n] == FREE;
        highest_free = use[n] == FREE ? n + 1 : highest_free;
    }
    total_count = free_count;
}

void mem_init(const struct range *ram, size_t count, const struct range *modules, size_t module_count, u64 image_end) {
    u64 top = 0;
    for (size_t i = 0; i < count; i++)
        if (ram[i].end > top)
            top = MIN(ram[i].end, TABLE_SPAN);
    page_count = top / PAGE;
    u64 start = place_after(PAGE_UP(image_end), PAGE_UP(page_count), modules, module_count);
    use = (u8 *)start;
    break_start = break_end = PAGE_UP(start + page_count);
    memset(use, HOLE, page_count);

    for (size_t i = 0; i < count; i++)
        mark(PAGE_UP(ram[i].start), PAGE_DOWN(ram[i].end), FREE);
    mark(0, PAGE, HOLE);
    mark((u64)image_start, image_end, IMAGE);
    mark((u64)kernel_text, (u64)kernel_data_end, KERNEL);
    mark(start, start + page_count, KERNEL);
    for (size_t i = 0; i < module_count; i++)
        mark(PAGE_DOWN(modules[i].start), modules[i].end, KERNEL);
    count_free();
    highest_free = MIN(page_count, BOOT_MAP / PAGE); /* no table may lie where nothing is mapped yet */
    map_ram();
    highest_free = page_count;
    protect_image();
    protect(0, PAGE, ACCESS_NONE);
    protect((u64)kernel_guard, (u64)kernel_guard + PAGE, ACCESS_NONE);
    flush_all();
}

/* ---- snapshots ---- */

unsigned page_access(u64 page) {
    u64 has = rights(page);
    return ACCESS_READ | (has & WRITE ? ACCESS_WRITE : 0) | (has & USER ? 0 : ACCESS_KERNEL);
}

bool page_is_programs(u64 page) { return use[page / PAGE] == PROGRAM; }
u64 pages_end(void) { return page_count * PAGE; }

void pages_adopt(u64 start, u64 end) {
    mark(start, end, PROGRAM);
    total_count += (end - start) / PAGE;
}

void pages_drop(u64 start, u64 end) {
    for (u64 page = start; page < end; page += PAGE)
        if (use[page / PAGE] == KERNEL) {
            total_count++;
            release(page, page + PAGE);
        }
}

void break_get(u64 *start, u64 *end) { *start = break_start, *end = break_end; }
void break_set(u64 start, u64 end) { break_start = start, break_end = end; }

/* ---- the program's calls ---- */

static bool range_is(u64 start, u64 end, enum use as) {
    for (u64 n = start / PAGE; n < end / PAGE; n++)
        if (n >= page_count || use[n] != as)
            return false;
    return true;
}

long sys_brk(u64 address) {
    u64 end = PAGE_UP(address), old = PAGE_UP(break_end);
    if (address < break_start || address > page_count * PAGE)
        return (long)break_end;
    if (end > old) {
        if (!range_is(old, end, FREE))
            return (long)break_end;
        mark(old, end, PROGRAM); /* before `protect`, which may take pages for tables */
        free_count -= (end - old) / PAGE;
        if (!protect(old, end, ACCESS_READ | ACCESS_WRITE)) {
            release(old, end);
            return (long)break_end;
        }
        memset((void *)old, 0, end - old);
    } else if (end < old) {
        release(end, old);
    }
    break_end = address;
    return (long)address;
}

static unsigned access_of(u64 prot) {
    return (prot & PROT_READ ? ACCESS_READ : 0) | (prot & PROT_WRITE ? ACCESS_READ | ACCESS_WRITE : 0);
}

/* PROT_NONE: mapped for the kernel alone, so that the frame stays reserved and ring 3 faults. */
static unsigned program_access(u64 prot) {
    return access_of(prot) ? access_of(prot) : ACCESS_READ | ACCESS_WRITE | ACCESS_KERNEL;
}

long sys_mmap(u64 address, u64 size, u64 prot, u64 flags, u64 fd) {
    (void)fd;
    if (size == 0)
        return -EINVAL;
    if (!(flags & MAP_ANONYMOUS))
        return -ENODEV;
    if (prot & PROT_EXEC)
        return -EACCES; /* after boot nothing becomes code */
    u64 count = PAGE_UP(size) / PAGE;
    if (flags & MAP_FIXED) {
        if (address % PAGE || !range_is(address, address + count * PAGE, PROGRAM))
            return -ENOMEM;
        memset((void *)address, 0, count * PAGE);
    } else {
        address = size < page_count * PAGE ? pages_take(count, NEVER, true) : 0;
    }
    if (!address)
        return -ENOMEM;
    if (!protect(address, address + count * PAGE, program_access(prot))) {
        release(address, address + count * PAGE);
        return -ENOMEM;
    }
    return (long)address;
}

long sys_munmap(u64 address, u64 size) {
    u64 end = PAGE_UP(address + size);
    if (address % PAGE || size == 0 || end < address || end > page_count * PAGE)
        return -EINVAL;
    for (u64 page = address; page < end; page += PAGE)
        if (use[page / PAGE] != PROGRAM && use[page / PAGE] != FREE)
            return -EINVAL;
    for (u64 page = address; page < end; page += PAGE)
        if (use[page / PAGE] == PROGRAM)
            release(page, page + PAGE);
    return 0;
}

long sys_mprotect(u64 address, u64 size, u64 prot) {
    u64 end = PAGE_UP(address + size);
    if (address % PAGE || end < address)
        return -EINVAL;
    if (prot & PROT_EXEC)
        return -EACCES;
    if (range_is(address, end, IMAGE)) { /* the C library makes data that it has relocated read-only, nothing else */
        for (u64 page = address; page < end; page += PAGE)
            if (!(rights(page) & WRITE))
                return -EACCES;
        return protect(address, end, access_of(prot)) ? 0 : -ENOMEM;
    }
    if (!range_is(address, end, PROGRAM))
        return -ENOMEM;
    return protect(address, end, program_access(prot)) ? 0 : -ENOMEM;
}
