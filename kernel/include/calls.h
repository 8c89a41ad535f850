/*
 * The private system calls: how the `_hw` module reaches the machine. Everything else is done with Linux's numbers.
 *
 * A caller MUST expect -ENOSYS from all of them: under Linux the same program runs without this kernel. Port I/O needs
 * no call: the program MAY use `in` and `out` on every port (but not `cli`, `sti` or `hlt`).
 */
#ifndef FATA_CALLS_H
#define FATA_CALLS_H

#include <stdint.h>

enum {
    CALL_MACHINE = 0x1000, /* (struct machine *out) -> 0 */
    CALL_MAP,              /* (address, octets, writable) -> 0: MMIO, or firmware tables; EACCES for RAM in use */
    CALL_DMA,              /* (pages) -> address of zeroed, contiguous pages, below 4 GiB; ENOMEM */
    CALL_WAIT,             /* (deadline: ns, CLOCK_MONOTONIC) -> events since the last call, 0 at the deadline; EINTR */
    CALL_WAKE,             /* () -> 0: raises EVENT_WAKE; any thread may */
    CALL_SNAPSHOT,         /* (words, octets, draws) -> octets of words; 0 where none was asked for: see snapshot.h */
    CALL_CRASH,            /* () -> never: a fault inside the kernel, so that its report can be tested */
    CALL_END
};

/*
 * CALL_WAIT's answer is a set of events; each is reported once however often it was raised, and none is lost. A
 * device's interrupt MUST be routed (IOAPIC entry or MSI) to vector FIRST_VECTOR + n, edge or level, to the local APIC
 * 0; it is then event 1 << n, 0 <= n < DEVICE_EVENTS. The kernel acknowledges it at the local APIC and does nothing
 * else: a level-triggered device MUST be masked or quietened by its driver before the driver waits again.
 */
#define FIRST_VECTOR  0x40
#define DEVICE_EVENTS 62
#define EVENT_CONSOLE (1UL << 62) /* octets have arrived for standard input */
#define EVENT_WAKE    (1UL << 63) /* by CALL_WAKE, and by a signal for the process */

struct machine {
    uint64_t rsdp;        /* address of ACPI's root pointer; 0 without ACPI */
    uint64_t wall_set;    /* 1 when the machine told the date at boot; 0: CLOCK_REALTIME counts from 1970 */
    uint64_t pages_total; /* pages of RAM that were free at boot */
    uint64_t pages_free;
    uint64_t tsc_hz;
    uint64_t first_print; /* ns from the kernel's entry to the program's first octet on the console; 0 before */
    uint64_t switches;    /* changes of thread since boot */
    uint64_t interrupts;  /* of every kind since boot */
};

#endif
