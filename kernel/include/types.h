/* The words every file of the kernel is written in. */
#ifndef FATA_TYPES_H
#define FATA_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define PAGE         4096UL
#define NEVER        (~0UL) /* a deadline that does not come */
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PAGE_DOWN(x) ((u64)(x) & ~(PAGE - 1))
#define PAGE_UP(x)   PAGE_DOWN((u64)(x) + PAGE - 1)
#define SECOND       1000000000UL /* ns */
#define MILLISECOND  1000000UL    /* ns */
#define MIN(a, b)    ((a) < (b) ? (a) : (b))

#endif
