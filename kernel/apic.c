/* Interrupt controllers: the local APIC with its timer, and the IOAPIC for the kernel's own two or three lines. */
#include "kernel.h"
#include "x86.h"

#define LOCAL          0xfee00000UL
#define IOAPIC         0xfec00000UL
#define LOCAL_EOI      0x0b0
#define LOCAL_SPURIOUS 0x0f0
#define LOCAL_TIMER    0x320
#define LOCAL_LINT0    0x350
#define LOCAL_COUNT    0x380
#define LOCAL_DIVIDE   0x3e0
#define MASKED         0x10000U
#define DEADLINE       0x40000U

static void local(u64 reg, u32 value) { *(volatile u32 *)(LOCAL + reg) = value; }

static void ioapic(u32 reg, u32 value) {
    *(volatile u32 *)IOAPIC = reg;
    *(volatile u32 *)(IOAPIC + 16) = value;
}

void apic_acknowledge(void) { local(LOCAL_EOI, 0); }
void apic_timer(u32 count) { local(LOCAL_COUNT, count); }

bool apic_deadline_mode(void) {
    local(LOCAL_TIMER, VECTOR_TIMER | DEADLINE);
    return true;
}

void apic_route(u32 gsi, u8 vector, bool level, bool low) {
    ioapic(0x10 + 2 * gsi + 1, 0); /* to the APIC 0 */
    ioapic(0x10 + 2 * gsi, vector | (u32)level << 15 | (u32)low << 13);
}

void apic_init(void) {
    static const u8 silence_pics[][2] = {{0x20, 0x11}, {0xa0, 0x11}, {0x21, 0x20}, {0xa1, 0x28}, {0x21, 4},
                                         {0xa1, 2},    {0x21, 1},    {0xa1, 1},    {0x21, 0xff}, {0xa1, 0xff}};
    for (size_t i = 0; i < COUNT(silence_pics); i++)
        out8(silence_pics[i][0], silence_pics[i][1]); /* moved away from the exceptions' vectors, then masked */
    local(LOCAL_SPURIOUS, 0x100 | VECTOR_SPURIOUS);
    local(LOCAL_LINT0, MASKED);
    local(LOCAL_DIVIDE, 3); /* by 16 */
    local(LOCAL_TIMER, VECTOR_TIMER);
}
