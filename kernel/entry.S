/*
 * Ring 3 to the kernel and back. The registers of the program are pushed straight into its `struct thread` (the TSS, and for
 * `syscall` the code below, point the stack at the frame's end); then the kernel's one stack is used from its top. A trap in the
 * kernel itself (an interrupt while idle, a fault) stays on the kernel's stack.
 */
#define USER_DATA   0x1b
#define USER_CODE   0x23
#define VECTOR_CALL 0x100
#define CS_IN_FRAME 144

        .text
        .globl vectors
        .hidden vectors
        .balign 16
vectors:
        .set vector, 0
        .rept 256
        .balign 16
        .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
        push $0                         /* the processor pushes an error code for those, and nothing here */
        .endif
        push $vector
        jmp common
        .set vector, vector + 1
        .endr

        .globl syscall_entry
        .hidden syscall_entry
syscall_entry:                          /* rcx: rip, r11: rflags; the stack is still the program's */
        mov %rsp, program_rsp(%rip)
        mov task_state + 4(%rip), %rsp
        push $USER_DATA
        push program_rsp(%rip)
        push %r11
        push $USER_CODE
        push %rcx
        push $0
        push $VECTOR_CALL

common: push %rdi
        push %rsi
        push %rdx
        push %rcx
        push %rax
        push %r8
        push %r9
        push %r10
        push %r11
        push %rbx
        push %rbp
        push %r12
        push %r13
        push %r14
        push %r15
        cld
        mov %rsp, %rdi
        testb $3, CS_IN_FRAME(%rsp)
        jz 1f
        mov $kernel_stack_top, %esp
        call trap_from_program          /* leaves through `resume` */
        ud2
1:      call trap_from_kernel
        mov %rsp, %rdi

        .globl resume
        .hidden resume
resume: mov %rdi, %rsp
        pop %r15
        pop %r14
        pop %r13
        pop %r12
        pop %rbp
        pop %rbx
        pop %r11
        pop %r10
        pop %r9
        pop %r8
        pop %rax
        pop %rcx
        pop %rdx
        pop %rsi
        pop %rdi
        add $16, %rsp                   /* vector, error code */
        iretq

        .bss
        .balign 8
program_rsp:
        .skip 8

        .section .note.GNU-stack, "", @progbits
