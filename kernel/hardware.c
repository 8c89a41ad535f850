/* The private system calls behind the `_hw` module; include/calls.h says what they promise. */
#include <asm-generic/errno.h>
#include "kernel.h"
#include "x86.h"
#include "calls.h"
#include "snapshot.h"

#define LOCAL_APIC 0xfee00000UL
#define MAP_END    (1UL << 46) /* what the widest of today's machines put their registers below */

static u64 events, interrupts, rsdp;
static bool touched; /* the program has seen of the machine what may be elsewhere in the next */

void hardware_init(u64 acpi_root) { rsdp = acpi_root; }
void count_interrupt(void) { interrupts++; }
bool hardware_untouched(void) { return !touched; }

void raise_event(u64 event) {
    events |= event;
    wake(&events, 1, ~0U);
}

void device_interrupt(u64 vector) {
    if (vector >= FIRST_VECTOR && vector < FIRST_VECTOR + DEVICE_EVENTS)
        raise_event(1UL << (vector - FIRST_VECTOR));
}

long sys_machine(u64 out) {
    if (!user_range(out, sizeof(struct machine), true))
        return -EFAULT;
    *(struct machine *)out = (struct machine){.rsdp = rsdp,
                                              .wall_set = wall_set(),
                                              .pages_total = pages_total(),
                                              .pages_free = pages_free(),
                                              .tsc_hz = tsc_hz(),
                                              .first_print = console_first_print(),
                                              .switches = sched_switches(),
                                              .interrupts = interrupts};
    return 0;
}

long sys_map(u64 address, u64 size, u64 writable) {
    u64 start = PAGE_DOWN(address), end = PAGE_UP(address + size);
    if (size == 0 || end <= start || end > MAP_END)
        return -EINVAL;
    if (start == 0 || pages_are_ram(start, end) || (start <= LOCAL_APIC && LOCAL_APIC < end))
        return -EACCES;
    touched = true;
    unsigned access = ACCESS_READ | ACCESS_DEVICE | (writable ? ACCESS_WRITE : 0);
    return protect(start, end, access) ? 0 : -ENOMEM;
}

long sys_dma(u64 pages) {
    touched = true;
    u64 address = pages_take(pages, 1UL << 32, true);
    if (!address)
        return -ENOMEM;
    if (!protect(address, address + pages * PAGE, ACCESS_READ | ACCESS_WRITE)) {
        pages_give(address, pages);
        return -ENOMEM;
    }
    return (long)address;
}

long sys_wait(u64 deadline) {
    if (!events && !current->expired && deadline > now())
        return sleep_on(&events, deadline);
    u64 happened = events;
    events = 0;
    return (long)happened;
}

long sys_wake(void) {
    raise_event(EVENT_WAKE);
    return 0;
}

long sys_crash(void) {
    const volatile long *volatile nowhere = (const volatile long *)16; /* page 0 is not mapped */
    return *nowhere;
}
