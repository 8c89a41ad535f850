/*
 * A program that takes everything the kernel gives out, and gives it back,
 * round after round: pages, the break, threads, pipes, socket pairs, files.
 * Once every page table exists and the C library has its caches, each round
 * must end with exactly the free pages of the one before. The first argument is
 * how many rounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"

#define CHECK(what)                                                                                                    \
    do {                                                                                                               \
        if (!(what)) {                                                                                                 \
            printf("line %d: %s (errno %d)\n", __LINE__, #what, errno);                                                \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#define PAGE    4096UL
#define RUNS    40
#define THREADS 8
#define WARM_UP 10 /* rounds */

static uint64_t state = 88172645463325252UL;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static long pages_free(void) {
    struct machine machine;
    CHECK(syscall(CALL_MACHINE, &machine) == 0);
    return (long)machine.pages_free;
}

static void *take(size_t pages) {
    void *taken = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(taken != MAP_FAILED);
    return taken;
}

/* Every run is given back, some in two pieces, some after a change of rights.
 */
static void churn_pages(void) {
    struct {
        char *at;
        size_t pages;
    } runs[RUNS];
    for (int i = 0; i < RUNS; i++) {
        runs[i].pages = 1 + next() % 64;
        runs[i].at = take(runs[i].pages);
        memset(runs[i].at, i, runs[i].pages * PAGE);
        if (next() % 4 == 0)
            CHECK(mprotect(runs[i].at, PAGE, PROT_NONE) == 0);
    }
    for (int left = RUNS; left > 0; left--) {
        int chosen = (int)(next() % (unsigned)left);
        size_t first = next() % runs[chosen].pages;
        CHECK(first == 0 || munmap(runs[chosen].at, first * PAGE) == 0);
        CHECK(munmap(runs[chosen].at + first * PAGE, (runs[chosen].pages - first) * PAGE) == 0);
        runs[chosen] = runs[left - 1];
    }
    long grown = (long)(next() % 100 * PAGE);
    CHECK(sbrk(grown) != (void *)-1 && sbrk(-grown) != (void *)-1);
}

static void *yields(void *nothing) {
    usleep(100);
    return nothing;
}

static void churn_threads(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, yields, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static void churn_channels(void) {
    int ends[2], copy;
    char octets[100] = {0};
    CHECK((next() % 2 ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) == 0);
    CHECK(write(ends[1], octets, sizeof octets) == sizeof octets && (copy = dup(ends[1])) > 0);
    CHECK(read(ends[0], octets, sizeof octets) == sizeof octets);
    CHECK(close(ends[1]) == 0 && close(copy) == 0 && close(ends[0]) == 0);
}

/* Files that are removed while open, replaced by a rename, cut, refused. */
static void churn_files(void) {
    static char octets[20000];
    CHECK(mkdir("/tmp/d", 0700) == 0);
    int first = open("/tmp/d/a", O_RDWR | O_CREAT, 0600), second = open("/tmp/d/b", O_RDWR | O_CREAT, 0600);
    CHECK(first > 0 && second > 0 && write(first, octets, 1 + next() % sizeof octets) > 0);
    CHECK(write(second, octets, 5000) == 5000 && ftruncate(second, 10) == 0 && ftruncate(second, 30000) == 0);
    CHECK(ftruncate(first, 1L << 40) == -1);
    CHECK(rename("/tmp/d/b", "/tmp/d/a") == 0 && unlink("/tmp/d/a") == 0 && rmdir("/tmp/d") == 0);
    CHECK(write(second, octets, 100) == 100 && close(first) == 0 && close(second) == 0);
}

int main(int count, char **words) {
    int rounds = count > 1 ? atoi(words[1]) : 100;
    size_t most = (size_t)pages_free() * 3 / 4;
    char *all = take(most); /* from now on every page table exists */
    CHECK(mprotect(all, most * PAGE, PROT_READ) == 0 && munmap(all, most * PAGE) == 0);
    long steady = 0;
    for (int round = 0; round < rounds; round++) {
        churn_pages();
        churn_threads();
        churn_channels();
        churn_files();
        usleep(1000); /* the last thread to end has ended */
        if (round == WARM_UP)
            steady = pages_free();
        if (round > WARM_UP && pages_free() != steady) {
            printf("round %d: %ld pages are free, %ld were after %d rounds\n", round, pages_free(), steady, WARM_UP);
            return 1;
        }
    }
    printf("ok\n");
    return 0;
}
