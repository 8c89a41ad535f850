/* Entropy: the processor's RDRAND, or nothing, unless the boot line says that predictable numbers will do. */
#include <asm-generic/errno.h>
#include "kernel.h"
#include "x86.h"

#define ATTEMPTS 32 /* a healthy RDRAND fails at most a few times in a row */

static bool insecure;
static u64 state; /* of the insecure generator */

static bool rdrand(u64 *value) {
    for (int i = 0; i < ATTEMPTS; i++) {
        bool good;
        __asm__ volatile("rdrand %0; setc %1" : "=r"(*value), "=q"(good));
        if (good)
            return true;
    }
    return false;
}

/* splitmix64 over the time-stamp counter: it spreads hash seeds, it keeps no secrets. */
static u64 predictable(void) {
    u64 z = state += 0x9e3779b97f4a7c15UL + rdtsc();
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9UL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebUL;
    return z ^ z >> 31;
}

bool random_init(bool insecure_allowed) {
    u64 a, b;
    bool good = cpuid(1, 0).c & 1 << 30 && rdrand(&a) && rdrand(&b) && a != b; /* some broken ones repeat all ones */
    insecure = !good && insecure_allowed;
    return good || insecure;
}

long random_fill(u8 *to, u64 size) {
    for (u64 value, done = 0; done < size; done += sizeof value) {
        if (insecure)
            value = predictable();
        else if (!rdrand(&value))
            return -EIO;
        memcpy(to + done, &value, MIN(sizeof value, size - done));
    }
    return (long)size;
}
