/* What makes Python's start shorter. */
#ifndef FATA_STARTUP_H
#define FATA_STARTUP_H

#include <Python.h>

/* Let Python have its own built-in modules and `more`, before it is initialised. 0, or -1 when there are too many. */
int set_modules(const struct _inittab *more);

/*
 * Let zipimport read the image's zip where it lies in memory. `path` is what Python calls the zip, `offset` where it
 * begins in that file. -1 with an exception set; a zip of an unusual form is left to zipimport.
 */
int open_archive(const char *path, size_t offset);

#endif
