/*
 * Entropy: the processor's RDRAND, or nothing, unless the boot line says that predictable numbers will do. What is
 * written to /dev/urandom is stirred in: from then on a second generator's octets are added to the processor's, so that
 * who knows one of the two knows nothing.
 */
#include <asm-generic/errno.h>
#include "kernel.h"
#include "snapshot.h"
#include "x86.h"

#define ATTEMPTS 32 /* a healthy RDRAND fails at most a few times in a row */

static bool insecure;
static u64 state; /* of the insecure generator */
static u64 draws;

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

/* ---- what was stirred in: ChaCha20 (RFC 8439, 2.3), whose key is replaced with every block ---- */

static bool stirred;
static u32 key[8];
static u64 blocks;

static void quarter(u32 *x, int a, int b, int c, int d) {
    for (int i = 0; i < 2; i++) {
        x[a] += x[b], x[d] ^= x[a], x[d] = x[d] << (i ? 8 : 16) | x[d] >> (i ? 24 : 16);
        x[c] += x[d], x[b] ^= x[c], x[b] = x[b] << (i ? 7 : 12) | x[b] >> (i ? 25 : 20);
    }
}

static void chacha(const u32 secret[8], const u32 place[4], u32 out[16]) {
    u32 start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(start + 4, secret, 32);
    memcpy(start + 12, place, 16);
    memcpy(out, start, sizeof start);
    for (int i = 0; i < 10; i++) {
        for (int n = 0; n < 4; n++)
            quarter(out, n, 4 + n, 8 + n, 12 + n);
        for (int n = 0; n < 4; n++)
            quarter(out, n, 4 + (n + 1) % 4, 8 + (n + 2) % 4, 12 + (n + 3) % 4);
    }
    for (int i = 0; i < 16; i++)
        out[i] += start[i];
}

/* Half of a block is the next key, so that what was drawn cannot be found again; the other half is for use. */
static void next_block(u32 out[16]) {
    u32 place[4] = {(u32)blocks, (u32)(blocks >> 32), 0, 0};
    blocks++;
    chacha(key, place, out);
    memcpy(key, out, sizeof key);
}

void random_stir(const u8 *from, u64 size) {
    u32 block[16];
    for (u64 done = 0; done < size; done += sizeof key) {
        for (u64 i = 0; i < MIN(sizeof key, size - done); i++)
            ((u8 *)key)[i] ^= from[done + i];
        next_block(block);
    }
    stirred = stirred || size;
}

static void add_stirred(u8 *to, u64 size) {
    u32 block[16];
    for (u64 done = 0; done < size; done += sizeof key) {
        next_block(block);
        for (u64 i = 0; i < MIN(sizeof key, size - done); i++)
            to[done + i] ^= ((u8 *)(block + 8))[i];
    }
}

u64 random_draws(void) { return draws; }

long random_fill(u8 *to, u64 size) {
    draws++;
    for (u64 value, done = 0; done < size; done += sizeof value) {
        if (insecure)
            value = predictable();
        else if (!rdrand(&value))
            return -EIO;
        memcpy(to + done, &value, MIN(sizeof value, size - done));
    }
    if (stirred)
        add_stirred(to, size);
    return (long)size;
}
