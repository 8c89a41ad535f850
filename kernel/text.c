/* Octets and text. The compiler calls the mem functions by itself; the C library's would use registers that are not
 * ours. */
#include "kernel.h"

void *memcpy(void *to, const void *from, size_t size) {
    void *start = to;
    size_t words = size / 8;
    size &= 7;
    __asm__ volatile("rep movsq; mov %3, %2; rep movsb" : "+D"(to), "+S"(from), "+c"(words) : "r"(size) : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t size) {
    if ((u64)to - (u64)from >= size)
        return memcpy(to, from, size);
    for (u8 *t = to; size > 0; size--)
        t[size - 1] = ((const u8 *)from)[size - 1];
    return to;
}

void *memset(void *to, int value, size_t size) {
    void *start = to;
    u64 pattern = 0x0101010101010101UL * (u8)value;
    size_t words = size / 8;
    size &= 7;
    __asm__ volatile("rep stosq; mov %3, %1; rep stosb" : "+D"(to), "+c"(words) : "a"(pattern), "r"(size) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t size) {
    const u8 *x = a, *y = b;
    for (; size > 0; size--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *text) {
    size_t size = 0;
    while (text[size])
        size++;
    return size;
}

int strcmp(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}

bool starts_with(const char *text, const char *prefix) { return memcmp(text, prefix, strlen(prefix)) == 0; }
