/*
 * Time: nanoseconds since boot by the time-stamp counter, and the date by an offset to it.
 *
 * The counter's frequency comes from the hypervisor where it tells (pvclock, or the timing leaf), else from the PIT.
 * One window against the PIT was wrong by a factor of four on a busy host, which may stop us between any two
 * instructions; so the counter is read close around each reading of the PIT, the tightest of several brackets is kept,
 * and of five overlapping windows the median counts. A long stop, which all of them would see, begins it anew.
 */
#include "kernel.h"
#include "x86.h"

#define PIT_HZ     1193182UL
#define WINDOWS    5
#define WINDOW     (PIT_HZ / 500) /* 2 ms */
#define BRACKETS   4
#define STALL      20000000UL /* ticks of the counter: 2 ms at 10 GHz, and the PIT wraps after 55 */
#define ATTEMPTS   8
#define APIC_BATCH 0xffffffffU

static u64 hz, multiplier; /* ns = ticks * multiplier >> 32 */
static u64 start;          /* the counter at boot */
static u64 offset;         /* ns from boot's time to the date */
static bool date_known;
static u64 armed = NEVER;
static u64 apic_hz;
static bool by_deadline; /* the timer takes a value of the counter instead of a count */

u64 now(void) { return (u64)((unsigned __int128)(rdtsc() - start) * multiplier >> 32); }
u64 wall_offset(void) { return offset; }
bool wall_set(void) { return date_known; }
u64 tsc_hz(void) { return hz; }

/* ---- frequency ---- */

struct sample {
    u64 tsc;
    u32 apic; /* counts down */
    u16 pit;  /* counts down */
};

static u16 pit_read(void) {
    out8(0x43, 0); /* latch channel 0: the only one that every machine has */
    u8 low = in8(0x40);
    return (u16)(in8(0x40) << 8 | low);
}

static struct sample sample(void) {
    struct sample best = {0};
    for (u64 i = 0, width = NEVER; i < BRACKETS; i++) {
        u64 before = rdtsc();
        u16 pit = pit_read();
        u32 apic = *(volatile u32 *)0xfee00390;
        u64 after = rdtsc();
        if (after - before < width) {
            width = after - before;
            best = (struct sample){before + width / 2, apic, pit};
        }
    }
    return best;
}

static u64 median(u64 *values, int count) {
    for (int i = 1; i < count; i++)
        for (int j = i; j > 0 && values[j - 1] > values[j]; j--) {
            u64 value = values[j];
            values[j] = values[j - 1];
            values[j - 1] = value;
        }
    return values[count / 2];
}

/* Take the windows' beginnings or ends, one after the other. */
static void take_samples(struct sample *samples) {
    for (int i = 0; i < WINDOWS; i++)
        samples[i] = sample();
}

/* Wait for a window's length. False when the host stopped us for so long that the PIT may have wrapped meanwhile. */
static bool wait_window(u16 from) {
    bool steady = true;
    u64 last = rdtsc();
    for (u64 spins = 0; (u16)(from - pit_read()) < WINDOW; spins++) {
        if (spins > 10000000)
            panic("this machine has neither a PIT nor a paravirtual clock to measure time by");
        u64 time = rdtsc();
        steady = steady && time - last < STALL;
        last = time;
    }
    return steady && rdtsc() - last < STALL;
}

/* The windows overlap, so that all of them take hardly longer than one. */
static void calibrate(u64 *tsc, u64 *apic) {
    struct sample first[WINDOWS], last[WINDOWS];
    u64 tsc_rates[WINDOWS], apic_rates[WINDOWS], began;
    out8(0x43, 0x34); /* channel 0, rate generator, from 65536 downwards */
    out8(0x40, 0);
    out8(0x40, 0);
    apic_timer(APIC_BATCH);
    int attempts = 0;
    bool steady;
    do {
        began = rdtsc();
        take_samples(first);
        steady = rdtsc() - began < STALL && wait_window(first[WINDOWS - 1].pit);
        began = rdtsc();
        take_samples(last);
    } while ((!steady || rdtsc() - began >= STALL) && ++attempts < ATTEMPTS);
    for (int i = 0; i < WINDOWS; i++) {
        u64 ticks = (u16)(first[i].pit - last[i].pit);
        tsc_rates[i] = (last[i].tsc - first[i].tsc) * PIT_HZ / ticks;
        apic_rates[i] = (u64)(first[i].apic - last[i].apic) * PIT_HZ / ticks;
    }
    *tsc = median(tsc_rates, WINDOWS);
    *apic = median(apic_rates, WINDOWS);
}

/* ---- what a hypervisor tells ---- */

#define KVM_CLOCKSOURCE2 8
#define MSR_WALL_CLOCK   0x4b564d00
#define MSR_SYSTEM_TIME  0x4b564d01

static u8 shared_page[PAGE] __attribute__((aligned(4096)));

static bool is_kvm(void) {
    struct cpuid id = cpuid(0x40000000, 0);
    bool there = cpuid(1, 0).c & 1U << 31 && id.b == 0x4b4d564b && id.c == 0x564b4d56 && id.d == 0x4d;
    return there && (cpuid(0x40000001, 0).a & KVM_CLOCKSOURCE2);
}

static u64 pvclock_hz(void) {
    const volatile struct {
        u32 version, pad;
        u64 tsc, system;
        u32 scale;
        signed char shift;
    } *clock = (const volatile void *)shared_page;
    wrmsr(MSR_SYSTEM_TIME, (u64)shared_page | 1);
    u64 rate = clock->scale ? (SECOND << 32) / clock->scale : 0;
    rate = clock->shift < 0 ? rate << -clock->shift : rate >> clock->shift;
    wrmsr(MSR_SYSTEM_TIME, 0); /* the counter is all that is used from now on */
    return rate;
}

static u64 pvclock_date(void) { /* ns at the hypervisor's boot of this machine: close enough to ours to add nothing */
    const volatile struct { u32 version, seconds, nanoseconds; } *wall = (const volatile void *)(shared_page + 2048);
    wrmsr(MSR_WALL_CLOCK, (u64)wall);
    return wall->seconds * SECOND + wall->nanoseconds;
}

/* ---- the date ---- */

static u8 rtc(u8 index) {
    out8(0x70, index);
    return in8(0x71);
}

static u64 days_since_1970(u64 year, u64 month, u64 day) {
    year -= month <= 2; /* the year begins in March, so that the leap day is its last */
    u64 day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

/* Return seconds since 1970 (the RTC is taken to run in UTC), 0 when there is no RTC or it does not make sense. */
static u64 rtc_date(void) {
    static const u8 indexes[] = {0, 2, 4, 7, 8, 9}; /* second, minute, hour, day, month, year of the century */
    u64 value[COUNT(indexes)];
    for (int spins = 0; rtc(10) & 0x80; spins++) /* an update is under way: at most 2 ms */
        if (spins > 10000)
            return 0;
    u8 format = rtc(11);
    for (size_t i = 0; i < COUNT(indexes); i++) {
        value[i] = rtc(indexes[i]);
        if (!(format & 4))
            value[i] = (value[i] >> 4) * 10 + (value[i] & 15);
    }
    bool sane =
        value[0] < 60 && value[1] < 60 && value[2] < 24 && value[3] - 1 < 31 && value[4] - 1 < 12 && value[5] < 100;
    if (!sane || !(format & 2)) /* 12-hour clocks are no longer set by anyone */
        return 0;
    return ((days_since_1970(2000 + value[5], value[4], value[3]) * 24 + value[2]) * 60 + value[1]) * 60 + value[0];
}

/* ---- the timer ---- */

void set_timer(u64 deadline) {
    if (deadline == armed)
        return;
    armed = deadline;
    u64 time = now(), ahead = deadline > time ? MIN(deadline - time, 10 * SECOND) : 0; /* too early is harmless */
    if (by_deadline)
        wrmsr(MSR_TSC_DEADLINE, deadline == NEVER ? 0 : rdtsc() + ahead / 1000 * (hz / 1000) / 1000 + 1);
    else
        apic_timer(deadline == NEVER ? 0 : (u32)MIN(ahead * (apic_hz / 1000) / MILLISECOND + 1, APIC_BATCH));
}

void timer_fired(void) { armed = NEVER; }

void clock_init(void) {
    u64 date = 0;
    by_deadline = cpuid(1, 0).c & 1 << 24;
    if (is_kvm() && (hz = pvclock_hz())) {
        date = pvclock_date();
        if (!by_deadline) {
            u64 ignored;
            calibrate(&ignored, &apic_hz);
        }
    } else {
        calibrate(&hz, &apic_hz);
    }
    multiplier = (SECOND << 32) / hz;
    start = rdtsc();
    date = date ? date : rtc_date() * SECOND;
    date_known = date != 0;
    offset = date;
    by_deadline = by_deadline && apic_deadline_mode();
}
