/*
 * A snapshot: a program as it stood at one moment of an earlier run, from which it goes on at boot.
 *
 * The kernel writes this record into its own memory when the program makes CALL_SNAPSHOT in a machine that was started
 * with `fata.snapshot`, and switches the machine off. Who looks at the machine's memory then (`fata.target.virtio.
 * snapshot`) finds the record by its magic at the start of a page, and makes an image of it: what lies in pages that
 * the program was given becomes segments of their own, at the addresses where it lay; what lies in the image's
 * variables becomes a part of such a segment that is copied at boot, since these variables must start as they are under
 * Linux. All numbers are little endian, all addresses physical. See docs/spec/boot.md.
 */
#ifndef FATA_SNAPSHOT_H
#define FATA_SNAPSHOT_H

#include "kernel.h"

#define SNAPSHOT_MAGIC   "Fata snapshot\n\032" /* with its NUL 16 octets */
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_RANGES  128
#define SIGNALS          64

struct action { /* as rt_sigaction passes it */
    u64 handler, flags, restorer, mask;
};

struct snapshot_range {
    u64 start, end; /* multiples of a page */
    u64 source;     /* where the octets lie at boot; `start` itself for pages that the program was given */
    u64 access;     /* ACCESS_… */
};

struct snapshot {
    char magic[16];
    u32 version, range_count;
    u8 image[32];      /* SHA-256 of the image that it was taken of; written by who makes the new one */
    u64 used;          /* octets of RAM that were in use beside the image */
    u32 features[2];   /* of the processor, in the registers of cpuid 1 (c) and 7 (b), as far as code uses them */
    u64 extended_mask; /* XCR0; 0 without XSAVE */
    u64 break_start, break_end;
    u64 words, words_size; /* where the program waits for its words, and how many octets fit */
    u64 fs, blocked, stack, stack_size;
    struct frame frame;
    struct action actions[SIGNALS + 1];
    u8 extended[EXTENDED_MAX] __attribute__((aligned(64)));
    struct snapshot_range ranges[SNAPSHOT_RANGES];
};

void snapshot_allow(void); /* the boot line has asked for one */
bool snapshot_asked(void);
/* Go on with a snapshot as the first thread; `words` is what CALL_SNAPSHOT is to find. */
void snapshot_restore(struct snapshot *from, struct thread *first, const u8 *words, u64 size);

/* signal.c */
void signals_save(struct action *to);
void signals_restore(const struct action *from);
/* cpu.c: what compiled code may ask for before it chooses among its variants */
void cpu_features(u32 features[2]);
/* sched.c */
unsigned thread_count(void);
u64 extended_mask(void);
/* file.c, hardware.c, memfs.c: whether nothing has changed since boot */
bool files_untouched(void);
bool hardware_untouched(void);
bool memfs_untouched(void);
/* random.c: how often the program has drawn */
u64 random_draws(void);
/* mem.c */
u64 pages_end(void);             /* beyond the highest page of RAM */
bool page_is_programs(u64 page); /* that it was given */
unsigned page_access(u64 page);
void pages_adopt(u64 start, u64 end); /* the kernel's pages are the program's from now on */
void pages_drop(u64 start, u64 end);  /* or free, if they are still the kernel's */
void break_get(u64 *start, u64 *end);
void break_set(u64 start, u64 end);

#endif
