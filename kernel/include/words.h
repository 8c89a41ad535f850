/* The grammar of argument lines, for the kernel and for the C main: docs/spec/boot.md. */
#ifndef FATA_WORDS_H
#define FATA_WORDS_H

#include <stddef.h>

/*
 * Cut `line` into words, in place: the words are unquoted and end with a NUL. At most `room` of them are put into
 * `words`; `count` says how many. Returns NULL, or what is wrong with the line.
 */
const char *split_line(char *line, char **words, size_t room, size_t *count);

#endif
