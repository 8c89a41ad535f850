/* Words of a line: spaces separate them, "…" keeps spaces, \ takes the next character as it is. Linked into both
 * halves. */
#include <stdbool.h>
#include "words.h"

/* Unquote the word at `from`; return where the line goes on, NULL when it ends too early. */
static char *take_word(char *from) {
    char *to = from;
    bool quoted = false;
    for (; *from && (quoted || *from != ' '); from++) {
        if (*from == '"') {
            quoted = !quoted;
            continue;
        }
        if (*from == '\\' && !*++from)
            return NULL;
        *to++ = *from;
    }
    bool ended = !*from;
    *to = 0; /* may be the very space that `from` stands on */
    return quoted ? NULL : ended ? from : from + 1;
}

const char *split_line(char *line, char **words, size_t room, size_t *count) {
    for (*count = 0;; (*count)++) {
        while (*line == ' ')
            line++;
        if (!*line)
            return NULL;
        if (*count == room)
            return "it has too many words";
        words[*count] = line;
        line = take_word(line);
        if (!line)
            return "it ends inside a quote, or in a lone \\";
    }
}
