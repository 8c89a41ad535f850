/*
 * ACPI, as little of it as turning the machine off and feeling its power button takes: RSDP -> RSDT or XSDT -> FADT,
 * and the value of \_S5 picked from the DSDT's byte code. Without ACPI the machine is reset, which with QEMU's
 * -no-reboot also ends it.
 */
#include "kernel.h"
#include "x86.h"

#define DEBUG_EXIT       0xf4     /* QEMU's isa-debug-exit: ends it with status 2 * value + 1 */
#define STATUS_TOLD      0x7f     /* on DEBUG_EXIT: more than it can carry, look at the console's last line */
#define POWER_BUTTON     (1 << 8) /* PM1 status and enable */
#define HARDWARE_REDUCED (1U << 20)
#define SPACE_PORT       1 /* of an address: I/O ports, not memory */
#define GED_POWER        2 /* QEMU's generic event device: the power button's event */

#define OEM 2 /* of a table's `rest`: who wrote it */

struct table {
    char signature[4];
    u32 size;
    u8 rest[28];
} __attribute__((packed));

struct address {
    u8 space, width, offset, access;
    u64 address;
} __attribute__((packed));

struct fadt {
    struct table header;
    u32 facs, dsdt;
    u8 model, profile;
    u16 interrupt;
    u32 smi_command;
    u8 acpi_enable, others[3];
    u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control, unused[4];
    u8 event_size, control_size, unused2[22];
    u32 flags;
    struct address reset;
    u8 reset_value, unused3[11];
    u64 dsdt64;
    u8 unused4[96];
    struct address sleep_control, sleep_status;
} __attribute__((packed));

static struct {
    u16 event, control; /* ports of PM1a; 0 without */
    u64 sleep;          /* hardware-reduced machines: the sleep control register */
    bool sleep_is_port;
    volatile u32 *generic_events;
    u8 sleep_type;
} power;

static const struct table *table_at(u64 address) {
    return address && address < 1UL << 32 ? (const struct table *)address : NULL;
}

static const struct fadt *find_fadt(u64 rsdp) {
    bool wide = ((const u8 *)rsdp)[15] >= 2 && *(const u64 *)(rsdp + 24);
    const struct table *root = table_at(wide ? *(const u64 *)(rsdp + 24) : *(const u32 *)(rsdp + 16));
    if (!root)
        return NULL;
    u64 width = wide ? 8 : 4;
    for (u64 at = (u64)(root + 1); at + width <= (u64)root + root->size; at += width) {
        u64 address = 0;
        memcpy(&address, (const void *)at, width);
        const struct table *table = table_at(address);
        if (table && memcmp(table->signature, "FACP", 4) == 0)
            return (const struct fadt *)table;
    }
    return NULL;
}

/* `Name (\_S5, Package (n) {SLP_TYP…`: 08 [5c] "_S5_" 12, package length, n, then the value behind an optional byte
 * prefix. */
static u8 find_s5(const struct table *dsdt) {
    const u8 *end = (const u8 *)dsdt + dsdt->size - 8; /* what the match below looks at */
    for (const u8 *at = (const u8 *)(dsdt + 1); at < end; at++) {
        if (memcmp(at, "_S5_\x12", 5) != 0)
            continue;
        at += 5;
        at += (*at >> 6) + 2; /* the length's own octets, the count */
        return *at == 0x0a ? at[1] : *at > 1 ? 0 : *at;
    }
    return 0;
}

void acpi_init(u64 rsdp) {
    const struct fadt *fadt = rsdp ? find_fadt(rsdp) : NULL;
    const struct table *dsdt = fadt ? table_at(fadt->dsdt ? fadt->dsdt : fadt->dsdt64) : NULL;
    if (!dsdt)
        return;
    power.sleep_type = find_s5(dsdt);
    if (fadt->flags & HARDWARE_REDUCED && fadt->header.size >= sizeof *fadt) {
        power.sleep = fadt->sleep_control.address;
        power.sleep_is_port = fadt->sleep_control.space == SPACE_PORT;
        /* Where the event register lies is told only by the DSDT's code. QEMU puts it 512 octets below the sleep
         * register. */
        if (!power.sleep_is_port && memcmp(fadt->header.rest + OEM, "BOCHS ", 6) == 0) {
            power.generic_events = (volatile u32 *)(fadt->sleep_control.address - 512);
            apic_route(9, VECTOR_POWER, false, false);
        }
        return;
    }
    power.event = (u16)fadt->pm1a_event;
    power.control = (u16)fadt->pm1a_control;
    if (fadt->smi_command && fadt->acpi_enable && !(in16(power.control) & 1))
        out8((u16)fadt->smi_command, fadt->acpi_enable);
    out16(power.event, POWER_BUTTON);
    out16((u16)(power.event + fadt->event_size / 2), POWER_BUTTON);
    apic_route(fadt->interrupt, VECTOR_POWER, true, false);
}

bool power_button(void) {
    if (power.generic_events)
        return *power.generic_events & GED_POWER; /* reading clears it */
    if (!power.event || !(in16(power.event) & POWER_BUTTON))
        return false;
    out16(power.event, POWER_BUTTON);
    return true;
}

/*
 * End the machine. The status travels twice: as the last line on the console, which every hypervisor has, when it is
 * not 0; and through QEMU's isa-debug-exit where it is present. See docs/spec/boot.md.
 */
_Noreturn void power_off(int status) {
    if (status)
        print("exit status %lu\n", (u64)status);
    out32(DEBUG_EXIT, status < STATUS_TOLD ? (u32)status : STATUS_TOLD);
    u8 sleep = (u8)(0x20 | power.sleep_type << 2);
    if (power.sleep && power.sleep_is_port)
        out8((u16)power.sleep, sleep);
    else if (power.sleep)
        *(volatile u8 *)power.sleep = sleep;
    else if (power.control)
        out16(power.control, (u16)(0x2000 | power.sleep_type << 10));
    out8(0x64, 0xfe); /* the keyboard controller's reset line */
    static const struct __attribute__((packed)) {
        u16 limit;
        u64 base;
    } no_vectors = {0, 0};
    for (;;) /* a triple fault resets every machine */
        __asm__ volatile("lidt %0; int3" : : "m"(no_vectors));
}
