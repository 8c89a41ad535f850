/*
 * From the boot loader to C. A PVH loader enters here in 32-bit protected mode without paging, with the address of its start
 * information in %ebx; we leave in 64-bit mode, the first 4 GiB mapped one to one, on the kernel's stack.
 */
#define PRESENT_WRITE 0x3
#define USER          0x4         /* in the upper levels: what ring 3 may reach is decided by the lowest */
#define LARGE         0x80

        .section .note.xen, "a", @note
        .balign 4
        .long 4, 8, 18                  /* name's and descriptor's size, XEN_ELFNOTE_PHYS32_ENTRY */
        .asciz "Xen"
        .quad pvh_entry

        .text
        .code32
        .globl pvh_entry
        .hidden pvh_entry
pvh_entry:
        cli
        cld
        mov $kernel_stack_top, %esp
        mov %ebx, %esi                  /* the start information, until C takes it */

        mov $kernel_zero, %edi          /* memory is not zero after a reset */
        mov $kernel_data_end, %ecx
        sub %edi, %ecx
        shr $2, %ecx
        xor %eax, %eax
        rep stosl

        movl $pdpt + PRESENT_WRITE + USER, pml4
        mov $page_directories + PRESENT_WRITE + USER, %eax
        mov $pdpt, %edi
        mov $4, %ecx
1:      mov %eax, (%edi)
        add $4096, %eax
        add $8, %edi
        loop 1b

        mov $PRESENT_WRITE | LARGE, %eax
        mov $page_directories, %edi
        mov $2048, %ecx
2:      mov %eax, (%edi)
        add $0x200000, %eax
        add $8, %edi
        loop 2b

        mov $0x6a0, %eax                /* CR4: PAE, PGE, OSFXSR, OSXMMEXCPT */
        mov %eax, %cr4
        mov $pml4, %eax
        mov %eax, %cr3
        mov $0xc0000080, %ecx           /* EFER: SCE, LME, NXE */
        mov $0x901, %eax
        xor %edx, %edx
        wrmsr
        mov $0x80010033, %eax           /* CR0: PG, WP, NE, ET, MP, PE */
        mov %eax, %cr0
        lgdt gdt_pointer
        ljmp $0x08, $long_mode

        .code64
long_mode:
        mov $0x10, %eax
        mov %eax, %ss
        xor %eax, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %fs
        mov %eax, %gs
        mov %esi, %edi
        call kmain
        ud2

        .data
        .balign 16
        .globl gdt
        .hidden gdt
gdt:    .quad 0
        .quad 0x00af9b000000ffff        /* 08: kernel code */
        .quad 0x00cf93000000ffff        /* 10: kernel data */
        .quad 0x00cff3000000ffff        /* 18: program data */
        .quad 0x00affb000000ffff        /* 20: program code */
        .quad 0, 0                      /* 28: TSS, filled in by cpu.c */
gdt_end:
gdt_pointer:
        .word gdt_end - gdt - 1
        .long gdt
        .long 0

        .bss
        .balign 4096
        .globl pml4
        .hidden pml4
pml4:   .skip 4096
pdpt:   .skip 4096
page_directories:
        .skip 4 * 4096
        .globl kernel_guard, kernel_stack_top, double_fault_stack_top
        .hidden kernel_guard, kernel_stack_top, double_fault_stack_top
kernel_guard:                           /* unmapped by mem.c: an overflow faults instead of eating page tables */
        .skip 4096
        .skip 4 * 4096
kernel_stack_top:
        .skip 4096
double_fault_stack_top:

        .section .note.GNU-stack, "", @progbits
