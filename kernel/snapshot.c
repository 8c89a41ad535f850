/*
 * Taking a program's snapshot, and going on from one. Only what the program has is kept; the kernel itself starts anew
 * every time, since the machine may be another one. So everything that ties the program to its machine must not be
 * there yet: a second thread, an open file, a device, an alarm; and drawn random numbers, which would be drawn for
 * ever.
 */
#include <asm-generic/errno.h>
#include <linux/elf.h>
#include "snapshot.h"
#include "x86.h"

static struct snapshot taken __attribute__((aligned(PAGE)));
static bool asked;

void snapshot_allow(void) { asked = true; }
bool snapshot_asked(void) { return asked; }

static const char *obstacle(u64 draws) {
    if (thread_count() != 1)
        return "it has started threads";
    if (!files_untouched() || !memfs_untouched())
        return "it has opened or written files";
    if (!hardware_untouched())
        return "it has used devices";
    if (alarm_due() != NEVER || current->pending)
        return "a signal is on its way";
    if (random_draws() > draws)
        return "it has drawn random numbers, which would be the same in every start";
    return NULL;
}

/* The image's variables, whose octets are the program's too. */
static struct range variables(void) {
    const struct elf64_hdr *header = (const void *)image_start;
    const struct elf64_phdr *segment = (const void *)(image_start + header->e_phoff);
    while (segment->p_type != PT_LOAD || !(segment->p_flags & PF_W) || segment->p_vaddr < (u64)kernel_data_end)
        segment++;
    return (struct range){PAGE_DOWN(segment->p_vaddr), PAGE_UP(segment->p_vaddr + segment->p_memsz)};
}

static void take_range(u64 start, u64 end) {
    if (taken.range_count == SNAPSHOT_RANGES)
        panic("no snapshot: its memory is in more than %lu pieces", (u64)SNAPSHOT_RANGES);
    taken.ranges[taken.range_count++] = (struct snapshot_range){start, end, start, page_access(start)};
}

static void take_ranges(void) {
    struct range image = variables();
    u64 start = 0; /* of the run that `page` may continue; 0: of none */
    for (u64 page = 0; page <= pages_end(); page += PAGE) {
        bool kept = page < pages_end() && (page_is_programs(page) || (page >= image.start && page < image.end));
        bool same =
            kept && start && page_access(page) == page_access(start) && page != image.start && page != image.end;
        if (start && !same)
            take_range(start, page);
        start = same ? start : kept ? page : 0;
    }
}

/* (where to put words, octets, how many draws of random numbers are the interpreter's own) -> octets of words; 0 when
 * nobody has asked for a snapshot. */
long sys_snapshot(u64 words, u64 size, u64 draws) {
    if (!asked)
        return 0;
    if (!user_range(words, size, true))
        return -EFAULT;
    const char *problem = obstacle(draws);
    if (problem) {
        print("fata: no snapshot of the program: %s\n", problem);
        power_off(1);
    }
    extended_save(taken.extended);
    taken.version = SNAPSHOT_VERSION;
    taken.used = (pages_total() - pages_free()) * PAGE;
    taken.extended_mask = extended_mask();
    taken.words = words, taken.words_size = size;
    taken.fs = current->fs, taken.blocked = current->blocked;
    taken.stack = current->stack, taken.stack_size = current->stack_size;
    taken.frame = current->frame;
    cpu_features(taken.features);
    break_get(&taken.break_start, &taken.break_end);
    signals_save(taken.actions);
    take_ranges();
    memcpy(taken.magic, SNAPSHOT_MAGIC, sizeof taken.magic);
    power_off(0);
}

static void check(const struct snapshot *from, u64 size) {
    u32 have[2];
    cpu_features(have);
    if (memcmp(from->magic, SNAPSHOT_MAGIC, sizeof from->magic) != 0 || from->version != SNAPSHOT_VERSION ||
        from->range_count > SNAPSHOT_RANGES)
        panic("the snapshot in the image is damaged");
    if ((from->features[0] & ~have[0]) || (from->features[1] & ~have[1]) || (from->extended_mask & ~extended_mask()))
        panic("the snapshot was taken on a processor that has more: cpuid 1 %lx, 7 %lx are missing here",
              (u64)(from->features[0] & ~have[0]), (u64)(from->features[1] & ~have[1]));
    if (size > from->words_size)
        panic("the words have %lu octets, and the snapshot has room for %lu", size, from->words_size);
}

void snapshot_restore(struct snapshot *from, struct thread *first, const u8 *words, u64 size) {
    check(from, size);
    const struct snapshot_range *ranges = from->ranges;
    for (u32 i = 0; i < from->range_count; i++)
        if (ranges[i].source == ranges[i].start)
            pages_adopt(ranges[i].start, ranges[i].end);
    for (u32 i = 0; i < from->range_count; i++) {
        if (ranges[i].source != ranges[i].start)
            memcpy((void *)ranges[i].start, (const void *)ranges[i].source, ranges[i].end - ranges[i].start);
        if (!protect(ranges[i].start, ranges[i].end, (unsigned)ranges[i].access))
            panic("there is no memory for the snapshot's page tables");
    }
    break_set(from->break_start, from->break_end);
    signals_restore(from->actions);
    first->frame = from->frame;
    first->frame.rax = size;
    first->fs = from->fs, first->blocked = from->blocked;
    first->stack = from->stack, first->stack_size = from->stack_size;
    memcpy(first->extended, from->extended, sizeof first->extended);
    memcpy((void *)from->words, words, size);
}
