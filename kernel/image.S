/* The image header of include/image.h, as an ELF note that the tool finds and patches. */
#define IMAGE_NOTE_TYPE 1
#define IMAGE_VERSION   2
#define IMAGE_LINE_MAX  2048

        .section .note.fata, "a", @note
        .balign 4
        .long 5, image_end_of_header - image, IMAGE_NOTE_TYPE
        .asciz "Fata"
        .balign 4
        .globl image
image:  .long IMAGE_VERSION
        .long 0                         /* floor_kib */
        .quad application
        .quad 0                         /* zip_size */
        .long 0                         /* zip_crc */
        .long 0                         /* line_size */
        .quad 0                         /* snapshot */
        .skip IMAGE_LINE_MAX
image_end_of_header:

        .section .application, "a"      /* a segment of its own: see image.ld */
        .asciz "no application"

        .section .note.GNU-stack, "", @progbits
