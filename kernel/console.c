/* The serial console: a 16550 at 0x3f8, its output polled, its input by interrupt. Octet 0x03 is Ctrl-C. */
#include <stdarg.h>
#include <asm/signal.h>
#include "kernel.h"
#include "x86.h"
#include "calls.h"

#define PORT     0x3f8
#define LINE     (PORT + 5) /* line status: 1 received, 0x20 room for FIFO octets */
#define FIFO     16
#define IRQ      4
#define CTRL_C   3
#define PATIENCE 1000000 /* looks at a transmitter that does not empty before it is given up */

const char console_channel = 0;
static u8 input[1024];
static u32 taken, arrived; /* counts of octets; their difference is what is held */
static u64 first_print;

void console_init(void) {
    static const u8 setup[][2] = {{3, 0x80}, {0, 1}, {1, 0}, {3, 3}, {2, 7}, {4, 0x0b}}; /* 115200 8N1, FIFO, OUT2 */
    if (in8(LINE) & 1 && in8(LINE) != 0xff)
        input[arrived++] = in8(PORT); /* typed before we were here; the FIFO's reset would lose it */
    for (size_t i = 0; i < COUNT(setup); i++)
        out8(PORT + setup[i][0], setup[i][1]);
}

/* Only once the interrupt is routed: it is an edge, and one that nobody sees does not come again. */
void console_listen(void) { out8(PORT + 1, 1); }

void console_write(const u8 *text, u64 size) {
    if (!first_print && size)
        first_print = now();
    while (size > 0) {
        for (int spins = 0; !(in8(LINE) & 0x20) && spins < PATIENCE; spins++)
            ;
        for (int i = 0; i < FIFO && size > 0; i++, size--)
            out8(PORT, *text++);
    }
}

u64 console_first_print(void) { return first_print; }

void console_interrupt(void) {
    for (int i = 0; i < 256 && in8(LINE) & 1; i++) {
        u8 octet = in8(PORT);
        if (octet == CTRL_C)
            raise_signal(SIGINT);
        else if (arrived - taken < sizeof input)
            input[arrived++ % sizeof input] = octet == '\r' ? '\n' : octet;
    }
    if (console_ready()) {
        wake(&console_channel, ~0U, ~0U);
        wake(&poll_channel, ~0U, ~0U);
        raise_event(EVENT_CONSOLE);
    }
}

bool console_ready(void) { return arrived != taken; }

long console_read(u8 *to, u64 size) {
    long count = 0;
    for (; (u64)count < size && console_ready(); count++)
        to[count] = input[taken++ % sizeof input];
    return count;
}

/* ---- the kernel's own sentences ---- */

static void print_number(u64 value, unsigned base) {
    u8 digits[20];
    u8 *first = digits + sizeof digits;
    do {
        *--first = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    console_write(first, (u64)(digits + sizeof digits - first));
}

void print_list(const char *format, va_list values) {
    for (const char *c = format; *c; c++) {
        const char *text;
        if (*c != '%') {
            console_write((const u8 *)c, 1);
            continue;
        }
        for (c++; *c == 'l'; c++)
            ;
        switch (*c) {
        case 's':
            text = va_arg(values, const char *);
            console_write((const u8 *)text, strlen(text));
            break;
        case 'x':
            print_number(va_arg(values, u64), 16);
            break;
        default: /* %lu */
            print_number(va_arg(values, u64), 10);
        }
    }
}

void print(const char *format, ...) {
    va_list values;
    va_start(values, format);
    print_list(format, values);
    va_end(values);
}
