/*
 * The image header: what `fata build` writes into a finished runtime, and what the kernel and the C main read.
 *
 * It is the descriptor of an ELF note (name "Fata", type 1) in the first PT_LOAD segment. All numbers are little
 * endian. The tool MUST find the note through PT_NOTE and MUST refuse a `version` it does not know. It patches the file
 * in place:
 *
 *   - `zip_size`, `zip_crc`: the application's zip, and its CRC-32 (the polynomial of zip and zlib). A size of 0 is a
 * runtime without an application. The zip's octets MUST stand at the end of the file, at an offset that is a multiple
 * of 4096, and the PT_LOAD whose p_vaddr is `zip_address` MUST name that offset and size: so every boot loader puts the
 * zip into memory, and the same file, run as a Linux program, finds it at the end of /proc/self/exe.
 *   - `floor_kib`: the least RAM with which the program has been seen to work; 0 when nobody has measured. With less
 * the kernel says so and stops.
 *   - `snapshot`: see snapshot.h. The segments that belong to it come after the application's, in headers that were
 *     PT_NULL.
 *   - `line`, `line_size`: words that stand before those of the boot loader, in the same grammar.
 *
 * See docs/spec/boot.md.
 */
#ifndef FATA_IMAGE_H
#define FATA_IMAGE_H

#include <stdint.h>

#define IMAGE_NOTE_TYPE 1
#define IMAGE_VERSION   2
#define IMAGE_LINE_MAX  2048 /* octets of default words */

struct image {
    uint32_t version;
    uint32_t floor_kib;
    uint64_t zip_address; /* where the reserved segment starts; written by the linker, not to be changed */
    uint64_t zip_size;
    uint32_t zip_crc;
    uint32_t line_size;
    uint64_t snapshot;                 /* address of the record of snapshot.h; 0 without one */
    char line[IMAGE_LINE_MAX];         /* UTF-8, without a NUL */
} __attribute__((packed, aligned(4))); /* a note's descriptor is no better aligned */

extern const volatile struct image image; /* volatile: patched after the compiler has seen it */

#endif
