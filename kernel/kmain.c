/*
 * From the boot loader's start information to the program's first instruction: what the machine has is found out,
 * everything is set up once, and the C library is entered as Linux would enter it.
 */
#include <linux/auxvec.h>
#include <linux/elf.h>
#include "kernel.h"
#include "x86.h"
#include "image.h"
#include "words.h"
#include "snapshot.h"

#define PVH_MAGIC   0x336ec578
#define RAM         1 /* type of a memory map entry */
#define RANGES      32
#define MODULES     8
#define SEGMENTS    4 /* of a snapshot */
#define WORDS       256
#define LINE_MAX    8192
#define STACK_SIZE  (1UL << 20)
#define MMIO_WORD   "virtio_mmio.device="
#define OPTION_WORD "fata."

struct pvh_start {
    u32 magic, version, flags, module_count;
    u64 modules, line, rsdp, map;
    u32 map_entries, reserved;
};

struct pvh_module {
    u64 start, size, line, reserved;
};

struct pvh_range {
    u64 start, size;
    u32 type, reserved;
};

/* Copied at once: on some machines all of it lies in pages that are about to be given away, or in page 0. */
static struct {
    struct range ram[RANGES], modules[MODULES + SEGMENTS]; /* the snapshot's segments after the loader's modules */
    size_t ram_count, module_count, occupied_count;
    u64 rsdp;
    char line[LINE_MAX];
    size_t line_size;
} boot;

static bool insecure_entropy;
static char mmio_words[1024] = "FATA_VIRTIO_MMIO=";

static void take_line(const char *line) {
    memcpy(boot.line, (const char *)image.line, MIN(image.line_size, (u32)IMAGE_LINE_MAX));
    boot.line_size = MIN(image.line_size, (u32)IMAGE_LINE_MAX);
    boot.line[boot.line_size++] = ' ';
    size_t size = line ? strlen(line) : 0;
    if (boot.line_size + size >= LINE_MAX)
        panic("the boot line has more than %lu octets", LINE_MAX - boot.line_size - 1);
    memcpy(boot.line + boot.line_size, line, size);
    boot.line_size += size;
    boot.line[boot.line_size] = '\0';
}

static void take_start(const struct pvh_start *start) {
    if (start->magic != PVH_MAGIC || start->version < 1)
        panic("the boot loader has passed no PVH start information with a memory map");
    const struct pvh_range *range = (const void *)start->map;
    for (u32 i = 0; i < start->map_entries && boot.ram_count < RANGES; i++)
        if (range[i].type == RAM)
            boot.ram[boot.ram_count++] = (struct range){range[i].start, range[i].start + range[i].size};
    const struct pvh_module *module = (const void *)start->modules;
    for (u32 i = 0; i < start->module_count && i < MODULES; i++)
        boot.modules[boot.module_count++] = (struct range){module[i].start, module[i].start + module[i].size};
    boot.rsdp = start->rsdp;
    take_line((const char *)start->line);
}

/* ---- the image ---- */

/* Without its snapshot. */
static u64 image_end(void) {
    return image.zip_address + (image.zip_size ? image.zip_size : 1); /* a runtime has a placeholder there */
}

/* Take the segments of the snapshot for modules as well: nothing may come to lie over them. */
static void take_segments(void) {
    const struct elf64_hdr *header = (const void *)image_start;
    const struct elf64_phdr *segment = (const void *)(image_start + header->e_phoff);
    boot.occupied_count = boot.module_count;
    for (int i = 0; i < header->e_phnum; i++, segment++) {
        if (segment->p_type != PT_LOAD || segment->p_vaddr <= image.zip_address)
            continue;
        struct range *taken = &boot.modules[boot.occupied_count++];
        *taken = (struct range){segment->p_vaddr, segment->p_vaddr + segment->p_memsz};
        for (size_t m = 0; m < boot.module_count; m++)
            if (boot.modules[m].start < taken->end && taken->start < boot.modules[m].end)
                panic("the boot loader has put a file over the snapshot: give the machine more memory");
    }
}

/* A loader need not zero what a segment has in memory beyond its octets in the file; boot.S has done so for the
 * kernel's. */
static void zero_tails(void) {
    const struct elf64_hdr *header = (const void *)image_start;
    const struct elf64_phdr *segment = (const void *)(image_start + header->e_phoff);
    for (int i = 0; i < header->e_phnum; i++, segment++)
        if (segment->p_type == PT_LOAD && segment->p_vaddr > (u64)kernel_data_end)
            memset((void *)(segment->p_vaddr + segment->p_filesz), 0, segment->p_memsz - segment->p_filesz);
}

static bool is_ram(const struct range *range) {
    for (size_t i = 0; i < boot.ram_count; i++)
        if (boot.ram[i].start <= range->start && range->end <= boot.ram[i].end)
            return true;
    return false;
}

static void check_memory(void) {
    u64 have = 0, holds_image = 0;
    for (size_t i = 0; i < boot.ram_count; i++) {
        have += boot.ram[i].end - boot.ram[i].start;
        if (boot.ram[i].start <= (u64)image_start && boot.ram[i].end >= image_end())
            holds_image = 1;
    }
    have = (have + (1 << 20) - 1) >> 20; /* firmware keeps a little for itself */
    for (size_t i = boot.module_count; i < boot.occupied_count; i++)
        holds_image &= is_ram(&boot.modules[i]);
    u64 need = (image.floor_kib + 1023) >> 10;
    if (have < need || !holds_image)
        panic("have %lu MiB, need %lu MiB", have, need ? need : (image_end() >> 20) + 8);
}

/* ---- the program's stack, as the System V ABI draws it ---- */

static char *words[WORDS];
static size_t word_count;

static void take_option(const char *word) {
    if (strcmp(word, "fata.snapshot") == 0 && !image.snapshot)
        snapshot_allow();
    else if (strcmp(word, "fata.entropy=insecure") == 0)
        insecure_entropy = true;
    else
        panic("unknown boot option %s; there are fata.entropy=insecure, and fata.snapshot for images without one",
              word);
}

static void take_device(const char *device) {
    size_t used = strlen(mmio_words), size = strlen(device) + 1;
    if (used + 1 + size > sizeof mmio_words)
        panic("more virtio-mmio devices than the boot line has room for");
    if (mmio_words[used - 1] != '=')
        mmio_words[used++] = ' ';
    memcpy(mmio_words + used, device, size);
}

/* Keep the program's own words; some are the kernel's, some tell of devices and go to the environment. */
static void take_words(void) {
    static char *all[WORDS];
    size_t count;
    const char *problem = split_line(boot.line, all, WORDS - 1, &count);
    if (problem)
        panic("the boot line cannot be read: %s", problem);
    words[word_count++] = "app";
    for (size_t i = 0; i < count; i++) {
        if (starts_with(all[i], OPTION_WORD))
            take_option(all[i]);
        else if (starts_with(all[i], MMIO_WORD))
            take_device(all[i] + sizeof MMIO_WORD - 1);
        else
            words[word_count++] = all[i];
    }
}

static bool has_devices(void) { return mmio_words[strlen(mmio_words) - 1] != '='; }

static u64 push_text(u64 *top, const char *text) {
    size_t size = strlen(text) + 1;
    *top -= size;
    memcpy((void *)*top, text, size);
    return *top;
}

static void push_auxiliary(u64 **at, u64 random) {
    const struct elf64_hdr *header = (const void *)image_start;
    u64 pairs[][2] = {{AT_PHDR, (u64)image_start + header->e_phoff},
                      {AT_PHENT, header->e_phentsize},
                      {AT_PHNUM, header->e_phnum},
                      {AT_PAGESZ, PAGE},
                      {AT_ENTRY, header->e_entry},
                      {AT_CLKTCK, 100},
                      {AT_UID, 0},
                      {AT_EUID, 0},
                      {AT_GID, 0},
                      {AT_EGID, 0},
                      {AT_SECURE, 0},
                      {AT_HWCAP, cpuid(1, 0).d},
                      {AT_RANDOM, random},
                      {AT_NULL, 0}};
    memcpy(*at, pairs, sizeof pairs);
}

/* Return the stack pointer for _start: argc, argv, the environment, the auxiliary vector. */
static u64 make_stack(void) {
    u64 bottom = pages_take(STACK_SIZE / PAGE + 1, NEVER, true), top = bottom + STACK_SIZE + PAGE;
    if (!bottom || !protect(bottom + PAGE, top, ACCESS_READ | ACCESS_WRITE)) /* the lowest page stays out of reach */
        panic("there is no memory for the program's stack");
    static u64 vector[WORDS + 64];
    u64 *at = vector;
    top -= 16;
    u64 random = top;
    random_fill((u8 *)random, 16);
    *at++ = word_count;
    for (size_t i = 0; i < word_count; i++)
        *at++ = push_text(&top, words[i]);
    *at++ = 0;
    if (has_devices())
        *at++ = push_text(&top, mmio_words);
    if (snapshot_asked())
        *at++ = push_text(&top, "FATA_SNAPSHOT=1");
    *at++ = 0;
    push_auxiliary(&at, random);
    top = (top - sizeof vector) & ~15UL;
    memcpy((void *)top, vector, sizeof vector);
    return top;
}

static u64 append_word(u8 *to, u64 used, const char *word) {
    size_t size = strlen(word) + 1;
    memcpy(to + used, word, size);
    return used + size;
}

/* Go on with the image's snapshot: its program waits for the words, an empty one, and the environment. */
static void restore(struct thread *first) {
    static u8 told[LINE_MAX + sizeof mmio_words + 8];
    u64 size = 0;
    for (size_t i = 0; i < word_count; i++)
        size = append_word(told, size, words[i]);
    size = append_word(told, size, "");
    if (has_devices())
        size = append_word(told, size, mmio_words);
    snapshot_restore((struct snapshot *)image.snapshot, first, told, size);
    for (size_t i = boot.module_count; i < boot.occupied_count; i++)
        pages_drop(boot.modules[i].start, PAGE_UP(boot.modules[i].end));
}

static void enter(struct thread *first) {
    const struct elf64_hdr *header = (const void *)image_start;
    first->frame = (struct frame){.rip = header->e_entry,
                                  .rsp = make_stack(),
                                  .cs = USER_CODE,
                                  .ss = USER_DATA,
                                  .rflags = 0x202,
                                  .vector = VECTOR_CALL};
}

_Noreturn void kmain(const struct pvh_start *start) {
    console_init();
    take_start(start);
    take_segments();
    check_memory();
    u64 extended = cpu_init();
    sched_init(extended);
    mem_init(boot.ram, boot.ram_count, boot.modules, boot.occupied_count, image_end());
    zero_tails();
    apic_init();
    clock_init();
    hardware_init(boot.rsdp);
    acpi_init(boot.rsdp);
    apic_route(4, VECTOR_CONSOLE, false, false);
    console_listen();
    take_words();
    if (!random_init(insecure_entropy))
        panic("this processor has no RDRAND, so there is no entropy for keys and hashes; "
              "fata.entropy=insecure on the boot line does without");
    memfs_init((const u8 *)image.zip_address, image.zip_size);
    for (size_t i = 0; i < boot.module_count; i++)
        memfs_archive(&boot.modules[i]);
    file_init();
    struct thread *first = thread_new();
    if (image.snapshot)
        restore(first);
    else
        enter(first);
    run();
}
